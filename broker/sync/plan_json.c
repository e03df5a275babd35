/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan as JSON, to and fro. The form is stable: members are added, never changed.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/plan.h"
#include "common/base/memory.h"
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

/* ---- writing ---- */

static json_t *deltas_json(const struct ush_delta *deltas, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:s, s:o}", "name", deltas[i].text, "people",
						      deltas[i].people >= 0 ? json_integer(deltas[i].people) : json_null()));
	return list;
}

static json_t *change_json(const struct ush_change *change)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:o, s:o}}", "action", action_names[change->action], "kind",
				 ush_rbac_kind_name(change->kind), "namespace", change->namespace_name, "name", change->name, "reason", change->reason,
				 "groups", "added", deltas_json(change->added, change->added_count), "removed",
				 deltas_json(change->removed, change->removed_count));

	json_object_set_new(json, "uid", text_or_null(change->uid));
	json_object_set_new(json, "resourceVersion", text_or_null(change->resource_version));
	if (change->stand_in != NULL)
		json_object_set_new(json, "standIn", json_string(change->stand_in));
	if (change->object != NULL)
		json_object_set(json, "object", change->object);
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

	return json_pack("{s:o, s:o, s:b, s:s}", "namespace", text_or_null(plan->state_namespace), "resourceVersion", text_or_null(plan->state_version),
			 "changed", plan->state_changed, "after", text);
}

static json_t *stop_json(const struct ush_plan *plan)
{
	if (plan->stop.code == USH_OK)
		return json_null();
	return json_pack("{s:i, s:b, s:s}", "status", ush_code_status(plan->stop.code), "confirmable", plan->stop.code == USH_ERR_REFUSED, "why",
			 plan->stop.what);
}

/* The hash names what is to be done; the seal is over every member of the file, also those that only a reader looks at. */
static void seal(json_t *json, char out[65])
{
	USH_AUTO_FREE char *text = NULL;

	json_object_del(json, "seal");
	text = ush_json_canonical(json);
	ush_sha256_hex(text, strlen(text), out);
}

json_t *ush_plan_to_json(const struct ush_plan *plan)
{
	json_t *json = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:o, s:o, s:o}", "apiVersion", USH_POLICY_API, "kind", "Plan", "policy", "name", plan->policy,
				 "file", plan->policy_file, "sha256", plan->policy_digest, "cluster", cluster_json(plan), "state", state_json(plan), "stop",
				 stop_json(plan));
	json_t *sources = json_array(), *changes = json_array(), *people = json_array(), *summary = json_object();
	char sealed[65];

	for (size_t i = 0; i < plan->source_count; i++)
		json_array_append_new(sources, source_json(&plan->sources[i]));
	for (size_t i = 0; i < plan->change_count; i++)
		json_array_append_new(changes, change_json(&plan->changes[i]));
	for (size_t i = 0; i < plan->for_people_count; i++)
		json_array_append_new(people, json_string(plan->for_people[i]));
	for (enum ush_action action = 0; action < USH_ACTION_COUNT; action++)
		json_object_set_new(summary, action_names[action], json_integer((json_int_t)ush_plan_count(plan, action)));
	json_object_set_new(json, "sources", sources);
	json_object_set_new(json, "changes", changes);
	json_object_set_new(json, "forPeople", people);
	json_object_set_new(json, "summary", summary);
	json_object_set_new(json, "hash", json_string(plan->hash));
	if (*plan->hash != '\0') {
		seal(json, sealed);
		json_object_set_new(json, "seal", json_string(sealed));
	}
	return json;
}

/* ---- reading: what apply needs, and the hash over everything ---- */

static int read_deltas(const json_t *list, bool added, struct ush_change *change)
{
	size_t i;
	const json_t *item;

	json_array_foreach(list, i, item) {
		const char *name = ush_json_string(item, "name");
		const json_t *people = json_object_get(item, "people");

		if (name == NULL)
			return -1;
		ush_change_delta(change, added, name, json_is_integer(people) ? (long)json_integer_value(people) : -1);
	}
	return 0;
}

static int read_action(const char *name, enum ush_action *action)
{
	for (enum ush_action a = 0; name != NULL && a < USH_ACTION_COUNT; a++)
		if (strcmp(action_names[a], name) == 0) {
			*action = a;
			return 0;
		}
	return -1;
}

/* A subject that we would write: a group, and none of Kubernetes' own. */
static bool subjects_fit(const json_t *subjects)
{
	size_t i;
	const json_t *subject;

	json_array_foreach(subjects, i, subject) {
		const char *kind = ush_json_string(subject, "kind"), *name = ush_json_string(subject, "name");

		if (kind == NULL || strcmp(kind, "Group") != 0 || name == NULL || ush_name_group_refused(name) != NULL)
			return false;
	}
	return true;
}

/* What apply writes is a Role or a RoleBinding, has the name and namespace that the change says, and is marked as ours. */
static bool object_fits(const struct ush_change *change)
{
	const json_t *metadata = ush_json_object(change->object, "metadata");
	const char *kind = ush_json_string(change->object, "kind"), *name = ush_json_string(metadata, "name"),
		   *namespace_name = ush_json_string(metadata, "namespace"), *manager = ush_json_string(ush_json_object(metadata, "labels"), USH_LABEL_MANAGED_BY);

	if (change->action > USH_REPLACE)
		return change->object == NULL;
	return kind != NULL && name != NULL && namespace_name != NULL && manager != NULL && strcmp(manager, USH_MANAGED_BY) == 0 &&
	       strcmp(kind, ush_rbac_kind_name(change->kind)) == 0 && strcmp(name, change->name) == 0 &&
	       strcmp(namespace_name, change->namespace_name) == 0 && subjects_fit(json_object_get(change->object, "subjects"));
}

/* Names end in paths of the API: what could not be a name there is none here. */
static bool names_fit(const struct ush_change *change)
{
	return change->action > USH_REMOVE ||
	       (ush_name_not_label(change->namespace_name) == NULL && ush_name_not_segment(change->name) == NULL &&
		(change->action != USH_REPLACE || (change->stand_in != NULL && ush_name_not_subdomain(change->stand_in) == NULL)));
}

/* One change, as strictly as it will be carried out. */
static int read_change(struct ush_plan *plan, const json_t *json)
{
	const char *kind = ush_json_string(json, "kind"), *namespace_name = ush_json_string(json, "namespace"), *name = ush_json_string(json, "name"),
		   *reason = ush_json_string(json, "reason");
	const json_t *groups = ush_json_object(json, "groups");
	struct ush_change *change;
	enum ush_action action;

	if (read_action(ush_json_string(json, "action"), &action) != 0 || kind == NULL || namespace_name == NULL || name == NULL || reason == NULL ||
	    (strcmp(kind, "Role") != 0 && strcmp(kind, "RoleBinding") != 0))
		return -1;
	change = ush_plan_add(plan, action, strcmp(kind, "Role") == 0 ? USH_ROLE : USH_ROLE_BINDING, namespace_name, name, ush_strdup(reason));
	change->uid = ush_strdup(ush_json_string(json, "uid"));
	change->resource_version = ush_strdup(ush_json_string(json, "resourceVersion"));
	change->stand_in = ush_strdup(ush_json_string(json, "standIn"));
	change->object = json_incref(ush_json_object(json, "object"));
	if (read_deltas(ush_json_array(groups, "added"), true, change) != 0 || read_deltas(ush_json_array(groups, "removed"), false, change) != 0)
		return -1;
	return object_fits(change) && names_fit(change) ? 0 : -1;
}

static int read_source(struct ush_plan *plan, const json_t *json)
{
	const char *name = ush_json_string(json, "name"), *where = ush_json_string(json, "where");
	struct ush_plan_source source = {.complete = json_is_true(json_object_get(json, "complete"))};

	if (name == NULL || where == NULL)
		return -1;
	source.name = ush_strdup(name);
	source.where = ush_strdup(where);
	source.why = ush_strdup(ush_json_string(json, "why"));
	source.advice = ush_strdup(ush_json_string(json, "advice"));
	source.groups = (size_t)json_integer_value(json_object_get(json, "groups"));
	source.people = (size_t)json_integer_value(json_object_get(json, "people"));
	USH_PUSH(plan->sources, plan->source_count, source);
	return 0;
}

static int read_head(struct ush_plan *plan, const json_t *json, struct ush_error *err)
{
	const json_t *policy = ush_json_object(json, "policy"), *cluster = ush_json_object(json, "cluster"), *state = ush_json_object(json, "state"),
		     *stop = ush_json_object(json, "stop");
	const char *after = ush_json_string(state, "after");

	plan->policy = ush_strdup(ush_json_string(policy, "name"));
	plan->policy_file = ush_strdup(ush_json_string(policy, "file"));
	plan->policy_digest = ush_strdup(ush_json_string(policy, "sha256"));
	plan->where = ush_strdup(ush_json_string(cluster, "where"));
	plan->server = ush_strdup(ush_json_string(cluster, "server"));
	plan->live = json_is_true(json_object_get(cluster, "live"));
	plan->namespaces = json_is_integer(json_object_get(cluster, "namespaces")) ? (long)json_integer_value(json_object_get(cluster, "namespaces")) : -1;
	plan->bindings_ours = (size_t)json_integer_value(json_object_get(cluster, "bindingsOurs"));
	plan->bindings_others = (size_t)json_integer_value(json_object_get(cluster, "bindingsOthers"));
	plan->state_namespace = ush_strdup(ush_json_string(state, "namespace"));
	plan->state_version = ush_strdup(ush_json_string(state, "resourceVersion"));
	plan->state_changed = json_is_true(json_object_get(state, "changed"));
	if (stop != NULL)
		ush_fail(&plan->stop, json_is_true(json_object_get(stop, "confirmable")) ? USH_ERR_REFUSED : USH_ERR_INCOMPLETE, "%s",
			 ush_json_string(stop, "why") != NULL ? ush_json_string(stop, "why") : "stopped");
	if (plan->policy == NULL || plan->policy_file == NULL || plan->policy_digest == NULL || plan->where == NULL || after == NULL ||
	    ush_name_not_label(plan->policy) != NULL || (plan->state_namespace != NULL && ush_name_not_label(plan->state_namespace) != NULL))
		return ush_fail(err, USH_ERR_CONFIG, "is no plan of usher-broker");
	return ush_state_read(&plan->state, after, "state", err);
}

static bool is_sealed(const json_t *json)
{
	USH_AUTO_JSON copy = json_copy((json_t *)json);
	const char *said = ush_json_string(json, "seal");
	char sealed[65];

	seal(copy, sealed);
	return said != NULL && strcmp(said, sealed) == 0;
}

struct ush_plan *ush_plan_from_json(const json_t *json, const char *name, struct ush_error *err)
{
	USH_AUTO_PLAN plan = ush_new(struct ush_plan);
	const char *kind = ush_json_string(json, "kind"), *hash = ush_json_string(json, "hash");
	size_t i;
	const json_t *item;

	if (kind == NULL || strcmp(kind, "Plan") != 0 || hash == NULL || read_head(plan, json, err) != 0) {
		ush_fail(err, USH_ERR_CONFIG, "is no plan of usher-broker");
		ush_error_at(err, "%s", name);
		return NULL;
	}
	json_array_foreach(ush_json_array(json, "sources"), i, item)
		if (read_source(plan, item) != 0) {
			ush_fail(err, USH_ERR_CONFIG, "%s: sources[%zu] is malformed", name, i);
			return NULL;
		}
	json_array_foreach(ush_json_array(json, "changes"), i, item)
		if (read_change(plan, item) != 0) {
			ush_fail(err, USH_ERR_CONFIG, "%s: changes[%zu] is malformed", name, i);
			return NULL;
		}
	json_array_foreach(ush_json_array(json, "forPeople"), i, item)
		if (json_is_string(item))
			USH_PUSH(plan->for_people, plan->for_people_count, ush_strdup(json_string_value(item)));
	ush_plan_finish(plan);
	if (strcmp(plan->hash, hash) != 0 || !is_sealed(json)) {
		ush_fail(err, USH_ERR_CONFIG, "%s: was changed after usher-broker wrote it (its hash does not fit)", name);
		return NULL;
	}
	return ush_steal(&plan);
}
