/* SPDX-License-Identifier: Apache-2.0
 *
 * Many HTTP exchanges at once: over one HTTP/2 connection where the server has it (RFC 9113), over a few of HTTP/1.1
 * where it has not. Each exchange keeps every promise of net/http.h. What is asked next, and how many at a time, the
 * caller decides while it runs; so a hundred thousand requests need no hundred thousand bodies in memory.
 */
#ifndef USH_NET_MANY_H
#define USH_NET_MANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/world.h"
#include "common/net/http.h"

#define USH_HTTP_MANY_MOST 100 /* under way at once, whatever width says */

/* The callbacks run on the caller's thread, one at a time. They may make an exchange of their own through the world (all
 * others wait meanwhile), but not run another pump. */
struct ush_http_pump {
	void *context;
	/* True with *request and *tag filled: the next one. What request points at must live until done is called for the
	 * tag. False: none now; *wait_ms is in how many milliseconds to ask again at the latest, -1: after an answer. */
	bool (*next)(void *context, struct ush_http_request *request, size_t *tag, int64_t *wait_ms);
	/* What became of it: err->code is USH_OK and response is whole, or err says why not. Both are borrowed; the body
	 * may be taken out of the response. */
	void (*done)(void *context, size_t tag, struct ush_http_response *response, const struct ush_error *err);
	/* How many may be under way now; asked again after each answer. */
	size_t (*width)(void *context);
};

/*
 * Runs until nothing is under way and next has nothing, now or later. -1 with USH_ERR_DECLINED when SIGINT or SIGTERM
 * came: no more is begun, a GET under way is cut off, anything else has 3 s to come to its end. done was called with
 * USH_ERR_DECLINED for what was cut off, and the server may have carried that out or not. A world
 * without http_many (a test's) makes the exchanges one after another.
 */
int ush_http_many(const struct ush_world *world, const struct ush_http_pump *pump, struct ush_error *err);

/* The `http_many` of a real world; context is a struct ush_http_client *. */
int ush_http_client_many(struct ush_http_client *client, const struct ush_http_pump *pump, struct ush_error *err);

#endif
