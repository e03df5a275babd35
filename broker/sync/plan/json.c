/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan as JSON. The form is stable: members are added, never changed. Changes are written one by one, a line each, so
 * a plan of a hundred thousand is never a tree in memory.
 */
#include <string.h>

#include "broker/sync/plan/plan.h"
#include "broker/sync/plan/sum.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/data/json.h"

static const char *const action_names[USH_ACTION_COUNT] = {
	[USH_CREATE] = "create", [USH_CHANGE] = "change",     [USH_REPLACE] = "replace",   [USH_REMOVE] = "remove", [USH_KEEP] = "keep",
	[USH_HOLD] = "hold",	 [USH_PENDING] = "pending", [USH_CONFLICT] = "conflict", [USH_NOTE] = "note",
};

const char *ush_action_name(enum ush_action action)
{
	return action_names[action];
}

static json_t *text_or_null(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *moment_or_null(int64_t seconds)
{
	USH_AUTO_FREE char *text = seconds != 0 ? ush_moment_stamp(seconds) : NULL;

	return text != NULL ? json_string(text) : json_null();
}

static json_t *deltas_json(const struct ush_delta *deltas, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:s, s:o}", "name", deltas[i].text, "people",
						      deltas[i].people >= 0 ? json_integer(deltas[i].people) : json_null()));
	return list;
}

static json_t *change_json(const struct ush_plan *plan, const struct ush_change *change)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:o, s:o}}", "action", action_names[change->action], "kind",
				 ush_rbac_kind_name(change->kind), "namespace", change->namespace_name, "name", change->name, "reason", change->reason,
				 "groups", "added", deltas_json(change->added, change->added_count), "removed",
				 deltas_json(change->removed, change->removed_count));

	json_object_set_new(json, "uid", text_or_null(change->uid));
	json_object_set_new(json, "resourceVersion", text_or_null(change->resource_version));
	if (change->stand_in != NULL)
		json_object_set_new(json, "standIn", json_string(change->stand_in));
	if (change->elevation != NULL)
		json_object_set_new(json, "elevation", json_string(change->elevation));
	if (change->consent)
		json_object_set_new(json, "consent", json_true());
	if (change->body != 0)
		json_object_set_new(json, "object", ush_change_object(plan, change, NULL));
	return json;
}

static json_t *source_json(const struct ush_plan_source *source)
{
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:s}", "name", source->name, "where", source->where, "complete", source->complete,
			 "proof", text_or_null(source->proof), "why", text_or_null(source->why), "advice", text_or_null(source->advice), "groups",
			 (json_int_t)source->groups, "people", (json_int_t)source->people, "milliseconds", (json_int_t)source->took_ms, "digest", source->digest);
}

static json_t *cluster_json(const struct ush_plan *plan)
{
	return json_pack("{s:s, s:b, s:o, s:o, s:I, s:I}", "where", plan->where, "live", plan->live, "server", text_or_null(plan->server), "namespaces",
			 plan->namespaces >= 0 ? json_integer(plan->namespaces) : json_null(), "bindingsOurs", (json_int_t)plan->bindings_ours,
			 "bindingsOthers", (json_int_t)plan->bindings_others);
}

static json_t *state_json(const struct ush_plan *plan)
{
	USH_AUTO_FREE char *text = ush_state_text(&plan->state);

	return json_pack("{s:o, s:o, s:b, s:s, s:s*}", "namespace", text_or_null(plan->state_namespace), "resourceVersion",
			 text_or_null(plan->state_version), "changed", plan->state_changed, "after", text, "ledger",
			 plan->notes_ledger ? plan->state.ledger : NULL);
}

static json_t *stop_json(const struct ush_plan *plan)
{
	if (plan->stop.code == USH_OK)
		return json_null();
	return json_pack("{s:i, s:b, s:s}", "status", ush_code_status(plan->stop.code), "confirmable", plan->stop.code == USH_ERR_REFUSED, "why",
			 plan->stop.what);
}

static json_t *sources_json(const struct ush_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->source_count; i++)
		json_array_append_new(list, source_json(&plan->sources[i]));
	return list;
}

static json_t *texts_json(const char *const *texts, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(texts[i]));
	return list;
}

static json_t *summary_json(const struct ush_plan *plan)
{
	json_t *summary = json_object();

	for (enum ush_action action = 0; action < USH_ACTION_COUNT; action++)
		json_object_set_new(summary, action_names[action], json_integer((json_int_t)ush_plan_count(plan, action)));
	return summary;
}

static json_t *sets_json(const struct ush_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->set_count; i++) {
		const struct ush_set *set = &plan->sets[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", set->name, "id", set->id, "namespaces", set->namespaces, "there",
						      text_or_null(set->there), "resourceVersion", text_or_null(set->version)));
	}
	return list;
}

/* ---- member by member, keys sorted; beside the text for people the canonical one, over which the seal is ---- */

struct writing {
	struct ush_buf *out;
	struct ush_sum *sum;
	bool any;
};

static void begin_member(struct writing *w, const char *key)
{
	USH_AUTO_FREE char *canonical = ush_printf("%s\"%s\":", w->any ? "," : "{", key);

	ush_sum_add(w->sum, canonical, strlen(canonical));
	ush_buf_printf(w->out, "%s\n  \"%s\": ", w->any ? "," : "{", key);
	w->any = true;
}

/* No string of JSON holds a line's end, so a value is moved to the right by its line ends. */
static void add_pretty(struct ush_buf *out, const json_t *value)
{
	USH_AUTO_FREE char *text = json_dumps(value, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	for (const char *at = text; *at != '\0';) {
		size_t length = strcspn(at, "\n");

		ush_buf_add(out, at, length);
		at += length;
		if (*at == '\n') {
			ush_buf_puts(out, "\n  ");
			at++;
		}
	}
}

static void add_member(struct writing *w, const char *key, json_t *value)
{
	USH_AUTO_FREE char *canonical = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	begin_member(w, key);
	ush_sum_add(w->sum, canonical, strlen(canonical));
	add_pretty(w->out, value);
	json_decref(value);
}

static void add_changes(struct writing *w, const struct ush_plan *plan)
{
	begin_member(w, "changes");
	ush_sum_add(w->sum, "[", 1);
	ush_buf_puts(w->out, "[");
	for (size_t i = 0; i < plan->change_count; i++) {
		USH_AUTO_JSON json = change_json(plan, &plan->changes[i]);
		USH_AUTO_FREE char *line = ush_json_canonical(json);

		ush_sum_add(w->sum, ",", i > 0);
		ush_sum_add(w->sum, line, strlen(line));
		ush_buf_printf(w->out, "%s\n    ", i > 0 ? "," : "");
		ush_buf_puts(w->out, line);
	}
	ush_sum_add(w->sum, "]", 1);
	ush_buf_puts(w->out, plan->change_count > 0 ? "\n  ]" : "]");
}

int ush_plan_print(const struct ush_plan *plan, struct ush_buf *out)
{
	struct writing w = {.out = out, .sum = ush_sum_new()};
	char sealed[65];

	add_member(&w, "apiVersion", json_string(USH_POLICY_API));
	add_changes(&w, plan);
	add_member(&w, "cluster", cluster_json(plan));
	add_member(&w, "dangling", texts_json(plan->dangling, plan->dangling_count));
	if (plan->denied_known)
		add_member(&w, "denied", texts_json((const char *const *)plan->denied.items, plan->denied.count));
	if (plan->over.count > 0)
		add_member(&w, "elevationsOver", texts_json((const char *const *)plan->over.items, plan->over.count));
	add_member(&w, "forPeople", texts_json((const char *const *)plan->for_people, plan->for_people_count));
	add_member(&w, "hash", json_string(plan->hash));
	add_member(&w, "kind", json_string("Plan"));
	add_member(&w, "made", moment_or_null(plan->made));
	add_member(&w, "noPeople", json_boolean(plan->no_people));
	add_member(&w, "policy",
		   json_pack("{s:s, s:s, s:s}", "name", plan->policy, "file", plan->policy_file, "sha256", plan->policy_digest));
	add_member(&w, "sets", sets_json(plan));
	add_member(&w, "sources", sources_json(plan));
	add_member(&w, "state", state_json(plan));
	add_member(&w, "stop", stop_json(plan));
	add_member(&w, "summary", summary_json(plan));
	ush_sum_add(w.sum, "}", 1);
	ush_sum_end(w.sum, sealed);
	ush_buf_printf(out, ",\n  \"seal\": \"%s\"\n}\n", sealed);
	return out->overflow ? -1 : 0;
}

json_t *ush_plan_to_json(const struct ush_plan *plan)
{
	USH_AUTO_BUF text = {.limit = SIZE_MAX};

	return ush_plan_print(plan, &text) == 0 ? json_loadb(text.data, text.length, 0, NULL) : NULL;
}
