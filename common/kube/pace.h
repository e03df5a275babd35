/* SPDX-License-Identifier: Apache-2.0
 *
 * How many requests an API server is given at once: more while it answers, half as many when it says that it is too
 * much (additive increase, multiplicative decrease; as TCP does, RFC 5681 section 3.1). Pure.
 *
 * It says so by 429 and 503, and by taking longer than the number of requests explains: at its limit a server takes
 * time in proportion to what is under way, so latency divided by that number stays as it is, and grows when something
 * is wrong. The best of such quotients is the measure; the machine of a server that is merely busy with others is still
 * given 32, unless an answer takes a second.
 */
#ifndef USH_KUBE_PACE_H
#define USH_KUBE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USH_PACE_FIRST 8
#define USH_PACE_MOST  64

struct ush_pace {
	double width;
	bool steady;      /* it was cut once: no more doubling */
	int64_t cut_ms;   /* when it was cut; what was sent before says nothing new */
	size_t counted;   /* answers in the window of the latency */
	int64_t since_ms; /* when its first came */
	double each_ms, latency_ms; /* their sums: latency a request under way, and latency */
	double best_ms;   /* the best mean of a window; 0: none yet */
};

void ush_pace_begin(struct ush_pace *pace);
size_t ush_pace_width(const struct ush_pace *pace);

/* An answer that the server meant, whatever its status; under_way counts itself, when it was sent. */
void ush_pace_answered(struct ush_pace *pace, size_t under_way, int64_t sent_ms, int64_t now_ms);

/* 429, 503, or a connection that broke. */
void ush_pace_refused(struct ush_pace *pace, int64_t sent_ms, int64_t now_ms);

#endif
