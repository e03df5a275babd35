/* SPDX-License-Identifier: Apache-2.0
 *
 * The receiver as a whole: who comes in, what is answered, what is written, what the log says.
 */
#ifndef USH_RECEIVE_SERVER_H
#define USH_RECEIVE_SERVER_H

#include "broker/receive/gate.h"
#include "broker/receive/service.h"

#define USH_SCIM_BODY_MAX (8U << 20)

struct ush_receiver {
	struct ush_room room;
	struct ush_gate gate;
	const struct ush_world *world;
	const char *listen, *cert_file, *key_file, *token_file; /* files as the command line names them */
	bool plain;
	struct ush_httpd *serve;
	char seen[3][64]; /* what token file, certificate and key looked like when they were read */
	int64_t looked_ms, refused_ms, crowded_ms;
	size_t refused, crowded_out, gave_way; /* since it was told last */
	bool troubled;	/* a fault is told once, and when it is over */
};

/* Opens the store in folder, reads the tokens, listens. */
int ush_receiver_open(struct ush_receiver *receiver, const char *folder, struct ush_error *err);

/* Serves until wake can be read. */
void ush_receiver_run(struct ush_receiver *receiver, int wake);

/* Reads tokens and certificate again. What cannot be read is told, and what there was stays. */
void ush_receiver_reload(struct ush_receiver *receiver);

int ush_receiver_close(struct ush_receiver *receiver, struct ush_error *err);

#endif
