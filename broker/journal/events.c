/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/journal/events.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/data/json.h"
#include "common/kube/batch.h"

#define COMPONENT    "usher-broker"
#define MESSAGE_MOST 1024 /* the API server takes no more */

void ush_events_add(struct ush_events *events, const char *namespace_name, const char *reason, bool warning,
		    char *message)
{
	struct ush_event event = {ush_strdup(namespace_name), reason, warning, message};

	USH_PUSH(events->items, events->count, event);
}

void ush_events_free(struct ush_events *events)
{
	for (size_t i = 0; i < events->count; i++) {
		free(events->items[i].namespace_name);
		free(events->items[i].message);
	}
	free(events->items);
	*events = (struct ush_events){0};
}

/* ---- of a run ---- */

struct ended { /* a change that was tried */
	const char *namespace_name;
	bool failed, binding;
	enum ush_action action;
};

static int by_namespace(const void *a, const void *b)
{
	return strcmp(((const struct ended *)a)->namespace_name, ((const struct ended *)b)->namespace_name);
}

static struct ended *collect(const struct ush_plan *plan, const struct ush_applied *applied, size_t *count)
{
	struct ended *all = NULL;

	*count = 0;
	for (size_t i = 0; applied->outcomes != NULL && i < plan->change_count; i++) {
		const struct ush_change *change = &plan->changes[i];
		bool failed = applied->outcomes[i] == USH_OUTCOME_FAILED;

		if (change->action < USH_KEEP && change->namespace_name[0] != '\0' &&
		    (failed || applied->outcomes[i] == USH_OUTCOME_DONE))
			USH_PUSH(all, *count,
				 ((struct ended){change->namespace_name, failed, change->kind == USH_ROLE_BINDING,
						 change->action}));
	}
	if (*count > 0)
		qsort(all, *count, sizeof *all, by_namespace);
	return all;
}

static void add_count(struct ush_buf *out, size_t count, const char *one, const char *many, const char *how)
{
	if (count > 0)
		ush_buf_printf(out, "%s%zu %s %s", out->length > 0 ? ", " : "", count, count == 1 ? one : many, how);
}

/* What happened in one namespace: ended[0..count). */
static void add_one(struct ush_events *events, const struct ush_plan *plan, const struct ended *ended, size_t count)
{
	static const char *const words[] = {[USH_CREATE] = "created",
					    [USH_CHANGE] = "changed",
					    [USH_REPLACE] = "given another role",
					    [USH_REMOVE] = "removed"};
	size_t counts[2][USH_COUNT(words)] = {{0}}, failed = 0;
	struct ush_buf out = {0};

	for (size_t i = 0; i < count; i++)
		if (ended[i].failed)
			failed++;
		else
			counts[ended[i].binding][ended[i].action]++;
	for (size_t action = 0; action < USH_COUNT(words); action++)
		add_count(&out, counts[1][action], "binding", "bindings", words[action]);
	for (size_t action = 0; action < USH_COUNT(words); action++)
		add_count(&out, counts[0][action], "Role", "Roles", words[action]);
	add_count(&out, failed, "change", "changes", "failed");
	ush_buf_printf(&out, " (policy %s, plan %.8s)", plan->policy, plan->hash);
	ush_events_add(events, ended->namespace_name, failed > 0 ? "BindingsNotChanged" : "BindingsChanged", failed > 0,
		       ush_buf_take(&out));
}

void ush_events_of_run(struct ush_events *events, const struct ush_plan *plan, const struct ush_applied *applied)
{
	size_t count, next;
	USH_AUTO_FREE struct ended *all = collect(plan, applied, &count);

	for (size_t at = 0; at < count; at = next) {
		for (next = at + 1; next < count && strcmp(all[at].namespace_name, all[next].namespace_name) == 0;)
			next++;
		add_one(events, plan, &all[at], next - at);
	}
}

/* ---- sending ---- */

struct sending {
	const struct ush_kube *kube;
	const struct ush_events *events;
	const char *instance;
	struct ush_event rest; /* for all that are beyond the first hundred */
	size_t at, failed;
	struct ush_error first;
};

static json_t *moment(int64_t seconds)
{
	USH_AUTO_FREE char *text = ush_moment_stamp(seconds);

	return json_string(text);
}

/* Of a Namespace, that is not in one itself: it is said to be in its own, for an Event stands beside what it is about.
 */
static json_t *object_of(const struct sending *sending, const struct ush_event *event)
{
	USH_AUTO_FREE char *safe = ush_text_safe(event->message);
	unsigned char random[8];
	char name[64] = COMPONENT ".";

	ush_random(sending->kube->world, random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(name + strlen(COMPONENT) + 1 + 2 * i, 3, "%02x", random[i]);
	if (strlen(safe) > MESSAGE_MOST)
		safe[MESSAGE_MOST] = '\0';
	return json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s}, s:s, s:s, s:s, s:{s:s}, s:s, s:s, s:s, s:i, "
			 "s:o, s:o}",
			 "apiVersion", "v1", "kind", "Event", "metadata", "name", name, "namespace",
			 event->namespace_name, "involvedObject", "apiVersion", "v1", "kind", "Namespace", "name",
			 event->namespace_name, "namespace", event->namespace_name, "type",
			 event->warning ? "Warning" : "Normal", "reason", event->reason, "message", safe, "source",
			 "component", COMPONENT, "reportingComponent", COMPONENT, "reportingInstance",
			 sending->instance, "action", "Apply", "count", 1, "firstTimestamp",
			 moment(ush_kube_now(sending->kube)), "lastTimestamp", moment(ush_kube_now(sending->kube)));
}

static bool next_event(void *context, struct ush_kube_task *task, int64_t *wait_ms)
{
	struct sending *sending = context;
	size_t most = sending->events->count < USH_EVENTS_MOST ? sending->events->count : USH_EVENTS_MOST;
	const struct ush_event *event = sending->at < most ? &sending->events->items[sending->at] : &sending->rest;
	USH_AUTO_JSON object = NULL;
	USH_AUTO_FREE char *text = NULL;

	(void)wait_ms;
	if (sending->at >= most + (sending->rest.message != NULL))
		return false;
	sending->at++;
	object = object_of(sending, event);
	text = json_dumps(object, JSON_COMPACT);
	task->verb = USH_KUBE_CREATE;
	task->path = ush_printf("/api/v1/namespaces/%s/events", event->namespace_name);
	ush_buf_puts(&task->body, text != NULL ? text : "{}");
	return true;
}

/* In a namespace that is going nobody looks. */
static void took_event(void *context, const struct ush_kube_task *task, const struct ush_kube_result *result)
{
	struct sending *sending = context;

	if (result->end == USH_KUBE_DONE || result->end == USH_KUBE_ENDING || result->end == USH_KUBE_MISSING)
		return;
	sending->failed++;
	if (sending->first.code == USH_OK)
		ush_fail(&sending->first, USH_ERR_PARTIAL, "%s",
			 result->err.what[0] != '\0' ? result->err.what : task->path);
}

int ush_events_send(const struct ush_events *events, const struct ush_kube *kube, const char *state_namespace,
		    const char *instance, struct ush_error *err)
{
	struct sending sending = {.kube = kube, .events = events, .instance = instance};
	const struct ush_kube_batch batch = {&sending, next_event, took_event, NULL, NULL};
	USH_AUTO_FREE char *place = ush_strdup(state_namespace), *message = NULL;
	struct ush_error why = {0};

	if (events->count == 0)
		return 0;
	if (events->count > USH_EVENTS_MOST) {
		message = ush_printf("Access changed in %zu namespaces; the first %d have an Event each", events->count,
				     USH_EVENTS_MOST);
		sending.rest = (struct ush_event){place, events->items[0].reason, false, message};
	}
	if (ush_kube_many(kube, &batch, &why) != 0)
		return ush_fail(err, USH_ERR_PARTIAL, "Events were not made: %s", why.what);
	if (sending.failed == 0)
		return 0;
	return ush_fail(err, USH_ERR_PARTIAL, "%zu Event%s could not be made: %s", sending.failed,
			sending.failed == 1 ? "" : "s", sending.first.what);
}
