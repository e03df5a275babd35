/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/journal/account.h"

#include <string.h>

#include "broker/sync/want/desired.h"
#include "common/base/memory.h"
#include "common/data/json.h"

/* ---- what a run begins with ---- */

/* Texts of files and clusters may be any bytes; JSON takes UTF-8. */
static json_t *text(const char *raw)
{
	USH_AUTO_FREE char *safe = NULL;

	if (raw == NULL)
		return json_null();
	if (ush_text_is_utf8(raw, strlen(raw)))
		return json_string(raw);
	safe = ush_text_safe(raw);
	return json_string(safe);
}

static void set_text(json_t *object, const char *key, const char *raw)
{
	if (raw != NULL && raw[0] != '\0')
		json_object_set_new(object, key, text(raw));
}

static json_t *sources_of(const struct ush_plan *plan)
{
	json_t *all = json_array();

	for (size_t i = 0; i < plan->source_count; i++) {
		const struct ush_plan_source *source = &plan->sources[i];
		json_t *one = json_pack("{s:b, s:I, s:I}", "complete", source->complete, "groups",
					(json_int_t)source->groups, "people", (json_int_t)source->people);

		set_text(one, "name", source->name);
		set_text(one, "digest", source->digest);
		set_text(one, "why", source->why);
		json_array_append_new(all, one);
	}
	return all;
}

json_t *ush_account_plan(const struct ush_plan *plan)
{
	json_t *members = json_object(), *wants = json_object();
	static const enum ush_action counted[] = {USH_CREATE, USH_CHANGE, USH_REPLACE, USH_REMOVE,
						  USH_KEEP,   USH_HOLD,   USH_PENDING, USH_CONFLICT};

	set_text(members, "policyFile", plan->policy_file);
	set_text(members, "policyDigest", plan->policy_digest);
	set_text(members, "server", plan->server);
	json_object_set_new(members, "sources", sources_of(plan));
	for (size_t i = 0; i < USH_COUNT(counted); i++)
		if (ush_plan_count(plan, counted[i]) > 0)
			json_object_set_new(wants, ush_action_name(counted[i]),
					    json_integer((json_int_t)ush_plan_count(plan, counted[i])));
	json_object_set_new(members, "wants", wants);
	return members;
}

/* ---- a change ---- */

struct ush_account_body {
	json_t *subjects; /* names; NULL: not looked at yet */
	json_t *role, *origin;
};

void ush_account_free(struct ush_account *account)
{
	for (size_t i = 0; account->bodies != NULL && i < account->plan->body_count; i++) {
		json_decref(account->bodies[i].subjects);
		json_decref(account->bodies[i].role);
		json_decref(account->bodies[i].origin);
	}
	free(account->bodies);
	*account = (struct ush_account){0};
}

static void read_body(struct ush_account_body *body, const json_t *object)
{
	const json_t *subjects = json_object_get(object, "subjects"), *role = ush_json_object(object, "roleRef");
	const char *kind = ush_json_string(role, "kind"), *name = ush_json_string(role, "name");
	const char *origin = ush_json_string(ush_json_object(ush_json_object(object, "metadata"), "annotations"), USH_ANNOTATION_ORIGIN);

	body->subjects = json_array();
	for (size_t i = 0; i < json_array_size(subjects); i++)
		json_array_append(body->subjects, json_object_get(json_array_get(subjects, i), "name"));
	body->role = kind != NULL && name != NULL ? json_sprintf("%s/%s", kind, name) : NULL;
	body->origin = origin != NULL ? json_loads(origin, 0, NULL) : NULL;
}

/* Borrowed; a hundred thousand changes share few bodies. NULL: nothing is there after the change. */
static const struct ush_account_body *body_of(struct ush_account *account, const struct ush_change *change)
{
	struct ush_account_body *body;
	USH_AUTO_JSON object = NULL;

	if (change->body == 0 || change->action == USH_REMOVE)
		return NULL;
	if (account->bodies == NULL)
		account->bodies = ush_alloc((account->plan->body_count + 1) * sizeof *account->bodies);
	body = &account->bodies[change->body - 1];
	if (body->subjects == NULL) {
		object = ush_change_object(account->plan, change, NULL);
		read_body(body, object);
	}
	return body;
}

static bool is_among(const struct ush_delta *deltas, uint32_t count, const char *name)
{
	for (uint32_t i = 0; name != NULL && i < count; i++)
		if (strcmp(deltas[i].text, name) == 0)
			return true;
	return false;
}

/* Who had it: who has it after, without those who joined, and those who left. after NULL: nobody has it. */
static json_t *before(const struct ush_change *change, const json_t *after)
{
	json_t *names = json_array();

	for (size_t i = 0; i < json_array_size(after); i++)
		if (!is_among(change->added, change->added_count, json_string_value(json_array_get(after, i))))
			json_array_append(names, json_array_get(after, i));
	for (uint32_t k = 0; k < change->removed_count; k++)
		json_array_append_new(names, text(change->removed[k].text));
	return names;
}

static void add_subjects(struct ush_account *account, const struct ush_change *change, json_t *members)
{
	const struct ush_account_body *body = body_of(account, change);

	json_object_set_new(members, "before", change->action == USH_CREATE ? json_array() : before(change, body != NULL ? body->subjects : NULL));
	json_object_set_new(members, "after", body != NULL ? json_incref(body->subjects) : json_array());
	if (body != NULL && body->role != NULL)
		json_object_set(members, "role", body->role);
	if (body != NULL && body->origin != NULL)
		json_object_set(members, "origin", body->origin);
}

const char *ush_account_event(const struct ush_change *change, enum ush_outcome outcome)
{
	static const char *const done[USH_ACTION_COUNT][2] = {
		[USH_CREATE] = {"role.created", "binding.created"},
		[USH_CHANGE] = {"role.changed", "binding.changed"},
		[USH_REPLACE] = {"role.changed", "binding.replaced"},
		[USH_REMOVE] = {"role.removed", "binding.removed"},
	};
	bool binding = change->kind == USH_ROLE_BINDING || change->kind == USH_CLUSTER_ROLE_BINDING;

	switch (outcome) {
	case USH_OUTCOME_DONE:
		return done[change->action][binding] != NULL ? done[change->action][binding] : "object.changed";
	case USH_OUTCOME_PENDING:
		return binding ? "binding.waiting" : "role.waiting";
	case USH_OUTCOME_SKIPPED:
		return binding ? "binding.skipped" : "role.skipped";
	default:
		return binding ? "binding.failed" : "role.failed";
	}
}

json_t *ush_account_change(struct ush_account *account, const struct ush_change *change, enum ush_outcome outcome,
			   const char *why)
{
	json_t *members =
		json_pack("{s:s, s:s, s:s, s:s}", "kind", ush_rbac_kind_name(change->kind), "namespace",
			  change->namespace_name, "name", change->name, "action", ush_action_name(change->action));

	if (members == NULL)
		members = json_object();
	set_text(members, "reason", change->action == USH_CREATE && change->reason[0] == '\0' ? "the policy wants it" : change->reason);
	set_text(members, "failure", outcome == USH_OUTCOME_FAILED ? why : NULL);
	if (change->kind == USH_ROLE_BINDING || change->kind == USH_CLUSTER_ROLE_BINDING)
		add_subjects(account, change, members);
	return members;
}

/* ---- how it ended ---- */

json_t *ush_account_end(const struct ush_applied *applied, const struct ush_kube_config *config, int status,
			const struct ush_error *error)
{
	json_t *members = json_pack("{s:i}", "status", status);

	if (applied != NULL) {
		json_object_set_new(members, "changes", json_integer((json_int_t)applied->total));
		json_object_set_new(members, "done", json_integer((json_int_t)applied->done));
		json_object_set_new(members, "failed", json_integer((json_int_t)applied->failed.count));
		json_object_set_new(members, "waiting", json_integer((json_int_t)applied->pending));
		json_object_set_new(members, "proofs", json_integer((json_int_t)applied->proofs));
	}
	if (config != NULL) {
		json_object_set_new(members, "requests", json_integer((json_int_t)config->requests));
		json_object_set_new(members, "writes", json_integer((json_int_t)config->writes));
	}
	set_text(members, "why", error->code != USH_OK ? error->what : NULL);
	return members;
}
