/* SPDX-License-Identifier: Apache-2.0
 *
 * A request and its answer, as the library calls for them. httpd.c's own.
 */
#ifndef USH_SERVE_CALL_H
#define USH_SERVE_CALL_H

#include <microhttpd.h>

#include "broker/serve/httpd.h"

struct ush_calls {
	const struct ush_httpd_config *config;
	const struct ush_world *world;
	size_t open, bodies; /* requests that have begun and are not answered yet, bytes that they have sent */
	struct ush_call **held;
	size_t held_count;
};

/* MHD_OPTION_URI_LOG_CALLBACK: the first line of a request is there. */
void *ush_call_begin(void *calls, const char *target, struct MHD_Connection *connection);

/* MHD_AccessHandlerCallback: its header is there, a piece of its body, its end. */
enum MHD_Result ush_call_step(void *calls, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *data,
				  size_t *size, void **at);

/* MHD_OPTION_NOTIFY_COMPLETED */
void ush_call_end(void *calls, struct MHD_Connection *connection, void **at, enum MHD_RequestTerminationCode how);

/* Sends the answers that are held. */
void ush_calls_settle(struct ush_calls *calls);

#endif
