/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sync_case.h"

#include <check.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"

struct sync_case *sync_case_new(const char *policy)
{
	struct sync_case *c = ush_new(struct sync_case);

	c->now = 1800000000;
	c->cluster = json_array();
	sync_case_policy(c, policy);
	for (size_t i = 0; i < c->policy->source_count; i++)
		sync_case_groups(c, i, "");
	return c;
}

void sync_case_free(struct sync_case *c)
{
	for (size_t i = 0; i < USH_COUNT(c->groups); i++)
		ush_groups_free(&c->groups[i]);
	ush_observed_free(&c->observed);
	ush_desired_free(c->desired);
	ush_places_free(&c->places);
	ush_policy_free(c->policy);
	ush_state_free(&c->state);
	json_decref(c->namespaces);
	json_decref(c->cluster);
	free(c);
}

void sync_case_policy(struct sync_case *c, const char *policy)
{
	struct ush_error err = {0};

	ush_observed_free(&c->observed);
	ush_desired_free(c->desired);
	c->desired = NULL;
	ush_policy_free(c->policy);
	c->policy = ush_policy_read(policy, strlen(policy), "p.yaml", NULL, &err);
	ck_assert_msg(c->policy != NULL, "%s", err.what);
}

static void add_group(struct ush_groups *groups, const char *text)
{
	char id[256], path[1100], members[1024] = "";
	struct ush_group *group;

	ck_assert_int_ge(sscanf(text, " %255s %1099s %1023s", id, path, members), 2);
	group = ush_groups_add(groups, id, ush_name_leaf(path), path);
	group->members_known = true;
	for (const char *p = members; *p != '\0'; p += *p == ',') {
		USH_AUTO_FREE char *name = ush_strndup(p, strcspn(p, ","));

		ush_members_add(&group->members, name);
		p += strlen(name);
	}
}

void sync_case_groups(struct sync_case *c, size_t source, const char *groups)
{
	ush_groups_free(&c->groups[source]);
	c->groups[source] = (struct ush_groups){.complete = true, .where = ush_strdup("file g.json"), .proof = ush_strdup("test")};
	while (*groups != '\0') {
		USH_AUTO_FREE char *one = ush_strndup(groups, strcspn(groups, ";"));

		add_group(&c->groups[source], one);
		groups += strlen(one);
		groups += *groups == ';';
	}
}

struct sync_case *sync_case_begin(const char *policy, const char *groups)
{
	struct sync_case *c = sync_case_new(policy);

	sync_case_groups(c, 0, groups);
	return c;
}

void sync_case_incomplete(struct sync_case *c, size_t source, const char *why)
{
	ush_groups_free(&c->groups[source]);
	c->groups[source] = (struct ush_groups){.where = ush_strdup("file g.json"), .why = ush_strdup(why)};
}

static const char *meta(const json_t *object, const char *key)
{
	return ush_json_string(ush_json_object(object, "metadata"), key);
}

static void put(struct sync_case *c, json_t *object)
{
	static unsigned int version;
	json_t *metadata = json_object_get(object, "metadata");
	USH_AUTO_FREE char *text = ush_printf("%u", ++version), *uid = ush_printf("uid-%u", version);

	json_object_set_new(metadata, "resourceVersion", json_string(text));
	if (meta(object, "uid") == NULL)
		json_object_set_new(metadata, "uid", json_string(uid));
	json_array_append_new(c->cluster, object);
}

void sync_case_add(struct sync_case *c, const char *object)
{
	USH_AUTO_FREE char *text = ush_strdup(object);
	json_t *json;

	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	json = json_loads(text, 0, NULL);
	ck_assert_msg(json != NULL, "%s", text);
	if (json_object_get(json, "apiVersion") == NULL)
		json_object_set_new(json, "apiVersion", json_string("rbac.authorization.k8s.io/v1"));
	put(c, json);
}

static size_t find(const struct sync_case *c, const char *kind, const char *namespace_name, const char *name)
{
	size_t i;
	json_t *object;

	json_array_foreach(c->cluster, i, object)
		if (strcmp(ush_json_string(object, "kind"), kind) == 0 && strcmp(meta(object, "namespace"), namespace_name) == 0 &&
		    strcmp(meta(object, "name"), name) == 0)
			return i;
	return SIZE_MAX;
}

json_t *sync_case_object(const struct sync_case *c, const char *kind, const char *namespace_name, const char *name)
{
	size_t at = find(c, kind, namespace_name, name);

	return at != SIZE_MAX ? json_array_get(c->cluster, at) : NULL;
}

void sync_case_namespace(struct sync_case *c, const char *name, const char *labels)
{
	USH_AUTO_FREE char *text = labels != NULL ? ush_strdup(labels) : ush_strdup("{}");
	json_t *json;

	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	json = json_loads(text, 0, NULL);
	ck_assert_msg(json != NULL, "%s", text);
	if (c->namespaces == NULL)
		c->namespaces = json_array();
	json_array_append_new(c->namespaces, json_pack("{s:s, s:o}", "name", name, "labels", json));
}

void sync_case_desire(struct sync_case *c)
{
	struct ush_wish wish = {c->policy, &c->places, c->groups, &c->state, "default", c->now};
	size_t i;
	json_t *item;

	ush_observed_free(&c->observed);
	ush_desired_free(c->desired);
	ush_places_free(&c->places);
	ush_places_begin(&c->places, c->policy);
	c->places.known = c->namespaces != NULL;
	c->places.few = c->few;
	json_array_foreach(c->namespaces, i, item)
		ush_places_add(&c->places, c->policy, ush_json_string(item, "name"), json_object_get(item, "labels"),
			       json_is_true(json_object_get(item, "terminating")));
	ush_places_sort(&c->places, c->policy);
	c->desired = ush_desired_new(&wish);
}

struct ush_plan *sync_case_plan(struct sync_case *c)
{
	struct ush_plan *plan = ush_new(struct ush_plan);
	struct ush_error err = {0};
	struct ush_reconcile input = {.groups = c->groups, .observed = &c->observed, .state = &c->state, .cluster_roles = c->roles, .now = c->now,
				      .all_objects = true, .partial = c->few};
	size_t i;
	json_t *object;

	sync_case_desire(c);
	ush_observed_begin(&c->observed, c->desired, c->groups, "k8s.test", true);
	json_array_foreach(c->cluster, i, object)
		ck_assert_msg(ush_observed_add(&c->observed, object, &err) == 0, "%s", err.what);
	ck_assert_msg(ush_observed_sort(&c->observed, &err) == 0, "%s", err.what);
	input.desired = c->desired;
	plan->server = ush_strdup("https://k8s.test");
	plan->state_namespace = ush_strdup("default");
	ush_reconcile(&input, plan);
	return plan;
}

/* A change that is done with consent is done in place of the plain one. */
static bool gives_way(const struct ush_plan *plan, const struct ush_change *change)
{
	for (size_t i = 0; i < plan->change_count && !change->consent; i++) {
		const struct ush_change *other = &plan->changes[i];

		if (other->consent && other->kind == change->kind && strcmp(other->namespace_name, change->namespace_name) == 0 &&
		    strcmp(other->name, change->name) == 0)
			return true;
	}
	return false;
}

static void apply_change(struct sync_case *c, const struct ush_plan *plan, const struct ush_change *change)
{
	const char *kind = ush_rbac_kind_name(change->kind);
	size_t at = find(c, kind, change->namespace_name, change->name);
	USH_AUTO_JSON going = NULL;
	json_t *object;

	if (change->action > USH_REMOVE || (change->consent && !c->confirm) || (c->confirm && gives_way(plan, change)))
		return;
	ck_assert_msg((at != SIZE_MAX) == (change->action != USH_CREATE), "%s %s/%s: %s", kind, change->namespace_name, change->name, change->reason);
	if (at != SIZE_MAX) {
		ck_assert_str_eq(change->uid, meta(json_array_get(c->cluster, at), "uid"));
		ck_assert_str_eq(change->resource_version, meta(json_array_get(c->cluster, at), "resourceVersion"));
		going = json_incref(json_object_get(json_object_get(json_array_get(c->cluster, at), "metadata"), "deletionTimestamp"));
		json_array_remove(c->cluster, at);
	}
	if (change->action == USH_REMOVE)
		return;
	object = ush_change_object(plan, change, NULL);
	if (going != NULL && change->action == USH_CHANGE)
		json_object_set(json_object_get(object, "metadata"), "deletionTimestamp", going);
	if (change->action == USH_CHANGE)
		json_object_set_new(json_object_get(object, "metadata"), "uid", json_string(change->uid));
	put(c, object);
}

void sync_case_apply(struct sync_case *c, const struct ush_plan *plan)
{
	USH_AUTO_FREE char *state = ush_state_text(&plan->state);
	struct ush_error err = {0};

	for (size_t i = 0; i < plan->change_count; i++)
		apply_change(c, plan, &plan->changes[i]);
	if (plan->partial)
		return;
	ush_state_free(&c->state);
	ck_assert_int_eq(ush_state_read(&c->state, state, "state", &err), 0);
	if (c->confirm)
		ush_state_confirm(&c->state);
	c->state.namespaces = ush_strdup(plan->state.namespaces);
}

struct ush_plan *sync_case_run(struct sync_case *c)
{
	struct ush_plan *plan = sync_case_plan(c);

	if (plan->stop.code == USH_OK)
		sync_case_apply(c, plan);
	return plan;
}

const struct ush_change *sync_case_change(const struct ush_plan *plan, enum ush_action action, const char *name)
{
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].action == action && strcmp(plan->changes[i].name, name) == 0)
			return &plan->changes[i];
	return NULL;
}

struct ush_plan *sync_case_run_and_count(struct sync_case *c, enum ush_action action, size_t count)
{
	struct ush_plan *plan = sync_case_run(c);

	ck_assert_msg(plan->stop.code == USH_OK, "%s", plan->stop.what);
	ck_assert_uint_eq(ush_plan_count(plan, action), count);
	return plan;
}

void sync_case_expect_empty(struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->change_count; i++)
		ck_assert_msg(plan->changes[i].action > USH_REMOVE, "%s %s/%s: %s", ush_action_name(plan->changes[i].action),
			      plan->changes[i].namespace_name, plan->changes[i].name, plan->changes[i].reason);
	ck_assert(!ush_plan_writes(plan));
	ush_plan_free(plan);
}

void sync_case_expect_reason(const struct ush_plan *plan, enum ush_action action, const char *name, const char *reason)
{
	const struct ush_change *change = sync_case_change(plan, action, name);

	ck_assert_msg(change != NULL, "no %s of %s", ush_action_name(action), name);
	ck_assert_msg(strstr(change->reason, reason) != NULL, "\"%s\" lacks \"%s\"", change->reason, reason);
}

char *sync_case_subjects(const struct sync_case *c, const char *namespace_name, const char *name)
{
	const json_t *object = sync_case_object(c, "RoleBinding", namespace_name, name), *subject;
	struct ush_buf all = {0};
	size_t i;

	ush_buf_puts(&all, "");
	json_array_foreach(json_object_get(object, "subjects"), i, subject)
		ush_buf_printf(&all, "%s%s", i > 0 ? " " : "", ush_json_string(subject, "name"));
	return ush_buf_take(&all);
}

void sync_case_expect_subjects(const struct sync_case *c, const char *namespace_name, const char *name, const char *texts)
{
	USH_AUTO_FREE char *got = sync_case_subjects(c, namespace_name, name);

	ck_assert_str_eq(got, texts);
}
