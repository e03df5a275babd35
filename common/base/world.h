/* SPDX-License-Identifier: Apache-2.0
 *
 * The world: time, randomness and transport as an argument, so that the pure core is pure and a story test brings its
 * own. Nothing below the verbs asks the system for any of these in another way.
 */
#ifndef USH_BASE_WORLD_H
#define USH_BASE_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct ush_http_request;
struct ush_http_response;
struct ush_http_pump;
struct ush_recorder;

struct ush_world {
	void *context; /* handed to every function below */
	/* Unix time in milliseconds. */
	int64_t (*now_ms)(void *context);
	/* Milliseconds of a clock that also runs while the machine sleeps (CLOCK_BOOTTIME) and never jumps. */
	int64_t (*boot_ms)(void *context);
	/* Waits; returns -1 when a signal asked the program to end. */
	int (*sleep_ms)(void *context, int64_t ms);
	/* Fills out with random bytes; a world that cannot ends the process. */
	void (*random)(void *context, void *out, size_t size);
	/* One HTTP exchange (net/http.h says what is promised). */
	int (*http)(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err);
	/* Many of them at once, called through ush_http_many (net/many.h). NULL: http, one after another. */
	int (*http_many)(void *context, const struct ush_http_pump *pump, struct ush_error *err);
	/* What is exchanged is recorded, or comes from a recording (the broker's sources); NULL: neither. */
	struct ush_recorder *recorder;
};

static inline int64_t ush_now(const struct ush_world *world) /* Unix seconds */
{
	return world->now_ms(world->context) / 1000;
}

static inline int64_t ush_boot_ms(const struct ush_world *world)
{
	return world->boot_ms(world->context);
}

static inline int ush_sleep_ms(const struct ush_world *world, int64_t ms)
{
	return world->sleep_ms(world->context, ms);
}

static inline void ush_random(const struct ush_world *world, void *out, size_t size)
{
	world->random(world->context, out, size);
}

static inline int ush_http(const struct ush_world *world, const struct ush_http_request *request,
			   struct ush_http_response *response, struct ush_error *err)
{
	return world->http(world->context, request, response, err);
}

#endif
