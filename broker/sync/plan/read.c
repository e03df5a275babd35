/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan from a file: what apply needs, as strictly as it will be carried out, and the hash over everything.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/reader.h"
#include "broker/sync/plan/plan.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static int read_deltas(struct ush_plan *plan, const json_t *list, bool added, struct ush_change *change)
{
	size_t i;
	const json_t *item;

	json_array_foreach(list, i, item) {
		const char *name = ush_json_string(item, "name");
		const json_t *people = json_object_get(item, "people");

		if (name == NULL)
			return -1;
		ush_change_delta(plan, change, added, name, json_is_integer(people) ? (long)json_integer_value(people) : -1);
	}
	return 0;
}

static int read_action(const char *name, enum ush_action *action)
{
	for (enum ush_action a = 0; name != NULL && a < USH_ACTION_COUNT; a++)
		if (strcmp(ush_action_name(a), name) == 0) {
			*action = a;
			return 0;
		}
	return -1;
}

/* Kubernetes' own groups are bound where a policy makes an exception, and one of them never. */
static bool may_be_bound(const char *kind, const char *name)
{
	static const char kubernetes[] = "system:";
	bool own = strcmp(kind, "Group") == 0 && strncmp(name, kubernetes, strlen(kubernetes)) == 0 && strcmp(name, "system:masters") != 0;

	return ush_name_group_refused(own ? name + strlen(kubernetes) : name) == NULL;
}

/* Subjects that we would write: groups, or (layout: users) people, never both. */
static bool subjects_fit(const json_t *subjects)
{
	const char *first = ush_json_string(json_array_get(subjects, 0), "kind");
	size_t i;
	const json_t *subject;

	json_array_foreach(subjects, i, subject) {
		const char *kind = ush_json_string(subject, "kind"), *name = ush_json_string(subject, "name");

		if (kind == NULL || name == NULL || strcmp(kind, first) != 0 || (strcmp(kind, "Group") != 0 && strcmp(kind, "User") != 0) ||
		    !may_be_bound(kind, name))
			return false;
	}
	return true;
}

/* What apply writes is a Role or a RoleBinding, has the name and namespace that the change says, and is marked as ours. */
static bool object_fits(const struct ush_change *change, const json_t *object)
{
	const json_t *metadata = ush_json_object(object, "metadata");
	const char *kind = ush_json_string(object, "kind"), *name = ush_json_string(metadata, "name"),
		   *namespace_name = ush_json_string(metadata, "namespace"), *manager = ush_json_string(ush_json_object(metadata, "labels"), USH_LABEL_MANAGED_BY);

	if (change->action > USH_REPLACE)
		return object == NULL;
	return kind != NULL && name != NULL && namespace_name != NULL && manager != NULL && strcmp(manager, USH_MANAGED_BY) == 0 &&
	       strcmp(kind, ush_rbac_kind_name(change->kind)) == 0 && strcmp(name, change->name) == 0 &&
	       strcmp(namespace_name, change->namespace_name) == 0 && subjects_fit(json_object_get(object, "subjects"));
}

/* Names end in paths of the API: what could not be a name there is none here. What is there already may be called what no
 * policy may say. */
static bool names_fit(const struct ush_change *change)
{
	bool there = change->action == USH_CHANGE || change->action == USH_REMOVE;

	return change->action > USH_REMOVE ||
	       (ush_name_not_label(change->namespace_name) == NULL &&
		(there ? ush_name_not_object(change->name) : ush_name_not_segment(change->name)) == NULL &&
		(change->action != USH_REPLACE || (change->stand_in != NULL && ush_name_not_subdomain(change->stand_in) == NULL)));
}

/* One change, as strictly as it will be carried out. */
static int read_change(struct ush_plan *plan, const json_t *json)
{
	const char *kind = ush_json_string(json, "kind"), *namespace_name = ush_json_string(json, "namespace"), *name = ush_json_string(json, "name"),
		   *reason = ush_json_string(json, "reason");
	const json_t *groups = ush_json_object(json, "groups"), *object = ush_json_object(json, "object");
	struct ush_change *change;
	enum ush_action action;

	if (read_action(ush_json_string(json, "action"), &action) != 0 || kind == NULL || namespace_name == NULL || name == NULL || reason == NULL ||
	    (strcmp(kind, "Role") != 0 && strcmp(kind, "RoleBinding") != 0))
		return -1;
	change = ush_plan_add(plan, action, strcmp(kind, "Role") == 0 ? USH_ROLE : USH_ROLE_BINDING, namespace_name, name, ush_strdup(reason));
	change->uid = ush_plan_text(plan, ush_json_string(json, "uid"));
	change->resource_version = ush_plan_text(plan, ush_json_string(json, "resourceVersion"));
	change->stand_in = ush_plan_text(plan, ush_json_string(json, "standIn"));
	change->elevation = ush_plan_text(plan, ush_json_string(json, "elevation"));
	change->consent = json_is_true(json_object_get(json, "consent"));
	if (read_deltas(plan, ush_json_array(groups, "added"), true, change) != 0 || read_deltas(plan, ush_json_array(groups, "removed"), false, change) != 0 ||
	    (change->elevation != NULL && (action != USH_REMOVE || change->uid == NULL)) || !object_fits(change, object) || !names_fit(change))
		return -1;
	change->body = object != NULL ? ush_plan_body(plan, object) : 0;
	return (object != NULL) == (change->body != 0) ? 0 : -1;
}

static int read_source(struct ush_plan *plan, const json_t *json)
{
	const char *name = ush_json_string(json, "name"), *where = ush_json_string(json, "where"), *digest = ush_json_string(json, "digest");
	struct ush_plan_source source = {.complete = json_is_true(json_object_get(json, "complete"))};

	if (name == NULL || where == NULL)
		return -1;
	if (digest != NULL)
		snprintf(source.digest, sizeof source.digest, "%s", digest);
	source.name = ush_strdup(name);
	source.where = ush_strdup(where);
	source.why = ush_strdup(ush_json_string(json, "why"));
	source.advice = ush_strdup(ush_json_string(json, "advice"));
	source.groups = (size_t)json_integer_value(json_object_get(json, "groups"));
	source.people = (size_t)json_integer_value(json_object_get(json, "people"));
	USH_PUSH(plan->sources, plan->source_count, source);
	return 0;
}

static int read_set(struct ush_plan *plan, const json_t *json)
{
	const char *name = ush_json_string(json, "name"), *id = ush_json_string(json, "id"), *namespaces = ush_json_string(json, "namespaces");
	USH_AUTO_FREE char *own = ush_state_name(plan->policy);
	struct ush_set set = {0};

	if (name == NULL || id == NULL || namespaces == NULL || ush_name_not_subdomain(name) != NULL)
		return -1;
	set.name = ush_strdup(name);
	set.id = ush_strdup(id);
	set.namespaces = ush_strdup(namespaces);
	set.there = ush_strdup(ush_json_string(json, "there"));
	set.version = ush_strdup(ush_json_string(json, "resourceVersion"));
	if (strcmp(name, own) == 0 && plan->state.namespaces == NULL)
		plan->state.namespaces = ush_strdup(namespaces);
	USH_PUSH(plan->sets, plan->set_count, set);
	return 0;
}

static int read_head(struct ush_plan *plan, const json_t *json, struct ush_error *err)
{
	const json_t *policy = ush_json_object(json, "policy"), *cluster = ush_json_object(json, "cluster"), *state = ush_json_object(json, "state"),
		     *stop = ush_json_object(json, "stop");
	const char *after = ush_json_string(state, "after"), *made = ush_json_string(json, "made");

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
	plan->stones_changed = plan->state_changed;
	plan->state.ledger = ush_strdup(ush_json_string(state, "ledger"));
	plan->notes_ledger = plan->state.ledger != NULL;
	plan->no_people = json_is_true(json_object_get(json, "noPeople"));
	if (made == NULL || !ush_parse_moment(made, &plan->made))
		plan->made = 0;
	if (stop != NULL)
		ush_fail(&plan->stop, json_is_true(json_object_get(stop, "confirmable")) ? USH_ERR_REFUSED : USH_ERR_INCOMPLETE, "%s",
			 ush_json_string(stop, "why") != NULL ? ush_json_string(stop, "why") : "stopped");
	if (plan->policy == NULL || plan->policy_file == NULL || plan->policy_digest == NULL || plan->where == NULL || after == NULL ||
	    ush_name_not_label(plan->policy) != NULL || (plan->state_namespace != NULL && ush_name_not_label(plan->state_namespace) != NULL))
		return ush_fail(err, USH_ERR_CONFIG, "is no plan of usher-broker");
	return ush_state_read(&plan->state, after, "state", err);
}

/* The hash names what is to be done; the seal is over every member of the file, also those that only a reader looks at. */
static bool is_sealed(const json_t *json)
{
	USH_AUTO_JSON copy = json_copy((json_t *)json);
	const char *said = ush_json_string(json, "seal");
	USH_AUTO_FREE char *text = NULL;
	char sealed[65];

	json_object_del(copy, "seal");
	text = ush_json_canonical(copy);
	ush_sha256_hex(text, strlen(text), sealed);
	return said != NULL && strcmp(said, sealed) == 0;
}

static int read_lists(struct ush_plan *plan, const json_t *json, const char *name, struct ush_error *err)
{
	static const struct {
		const char *key;
		int (*read)(struct ush_plan *plan, const json_t *json);
	} lists[] = {{"sources", read_source}, {"sets", read_set}, {"changes", read_change}};

	for (size_t l = 0; l < USH_COUNT(lists); l++) {
		size_t i;
		const json_t *item;

		json_array_foreach(ush_json_array(json, lists[l].key), i, item)
			if (lists[l].read(plan, item) != 0)
				return ush_fail(err, USH_ERR_CONFIG, "%s: %s[%zu] is malformed", name, lists[l].key, i);
	}
	return 0;
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
	if (read_lists(plan, json, name, err) != 0)
		return NULL;
	plan->denied_known = ush_json_array(json, "denied") != NULL;
	json_array_foreach(ush_json_array(json, "denied"), i, item)
		if (json_is_string(item))
			ush_list_add(&plan->denied, json_string_value(item));
	json_array_foreach(ush_json_array(json, "elevationsOver"), i, item)
		if (json_is_string(item))
			ush_list_add(&plan->over, json_string_value(item));
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
