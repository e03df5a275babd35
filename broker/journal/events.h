/* SPDX-License-Identifier: Apache-2.0
 *
 * Kubernetes Events (core/v1), for who looks at a namespace with `kubectl events`: one a namespace and run, reported by
 * usher-broker. They are news, not a record: the API server forgets them after an hour, and one that cannot be made
 * fails nothing. The audit log is the record (journal.h).
 */
#ifndef USH_JOURNAL_EVENTS_H
#define USH_JOURNAL_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/sync/apply/apply.h"
#include "broker/sync/plan/plan.h"
#include "common/base/error.h"
#include "common/kube/client.h"

#define USH_EVENTS_MOST 100 /* in one run; what is beyond becomes one in the state namespace */

struct ush_event {
	char *namespace_name;
	const char *reason; /* "BindingsChanged"; CamelCase, static */
	bool warning;
	char *message; /* for people, raw; cut at 1,024 bytes */
};

struct ush_events { /* zero-initialised */
	struct ush_event *items;
	size_t count;
};

/* Takes the message over. */
void ush_events_add(struct ush_events *events, const char *namespace_name, const char *reason, bool warning,
		    char *message);

/* One for each namespace where a run changed something, or failed to: "2 bindings created, 1 removed (policy, plan
 * hash)". */
void ush_events_of_run(struct ush_events *events, const struct ush_plan *plan, const struct ush_applied *applied);

/* Makes them, many at once; instance says who (ush_broker_identity). -1 when some could not be made: how many, and why
 * the first. It never needs more than that to be printed. */
int ush_events_send(const struct ush_events *events, const struct ush_kube *kube, const char *state_namespace,
		    const char *instance, struct ush_error *err);
void ush_events_free(struct ush_events *events);
#define USH_AUTO_EVENTS __attribute__((cleanup(ush_events_free))) struct ush_events

#endif
