/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is connected, and who has to go. A connection is a stranger's until its client has shown who it is. Strangers have a
 * share of the connections, and each host a share of theirs; where a share is used up, the one that has been a stranger for
 * the longest goes and the new one stays: whoever sits on connections keeps nobody out, not even behind the same address,
 * for a client that can show who it is does so at once. Where known clients have all connections, the one of them that has
 * been idle for the longest gives way, until strangers have so many as there always are for them; a request under way is
 * never broken off for anybody.
 */
#ifndef USH_SERVE_SEATS_H
#define USH_SERVE_SEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

struct ush_seat { /* a connection */
	struct ush_seat *next, **before;
	int fd;
	int64_t since; /* accepted, or the last answer's end */
	bool known, waits, cut; /* waits: its answer is held, and takes no time of its own */
	bool busy;		/* a request is under way */
	unsigned char host[16]; /* of an IPv6 address its network's half: a host has all of that */
};

struct ush_seats {
	size_t most, strangers_most, host_most;
	size_t strangers_least; /* known clients that are idle leave so many to strangers */
	int64_t stranger_ms, known_ms; /* from one request's end to the next one's */
	struct ush_seat *newest;
	size_t crowded_out; /* strangers who went for another one */
	size_t gave_way;    /* known clients who did */
};

/* A stranger comes in; another one goes where there are too many. */
struct ush_seat *ush_seats_add(struct ush_seats *seats, int fd, const struct sockaddr *address, int64_t now);
void ush_seat_drop(struct ush_seat *seat);

/* Cuts whoever takes too long, in whatever: shaking hands, sending, reading. */
void ush_seats_sweep(struct ush_seats *seats, int64_t now);

void ush_seats_cut_strangers(struct ush_seats *seats);

#endif
