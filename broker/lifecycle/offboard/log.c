/* SPDX-License-Identifier: Apache-2.0
 *
 * What the audit log says of an offboarding: a line when something has happened, and none before.
 */
#include "broker/lifecycle/offboard/offboard.h"
#include "broker/sync/look/observe.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static void add(const struct ush_offboard *o, const char *event, json_t *members)
{
	struct ush_error kept = {0}; /* by the journal, until it is closed */

	if (o->dry)
		json_decref(members);
	else
		ush_journal_add(o->journal, event, members, &kept);
}

static json_t *text(const char *raw)
{
	USH_AUTO_FREE char *safe = ush_text_safe(raw);

	return json_string(safe);
}

void ush_offboard_log_begin(const struct ush_offboard *o)
{
	struct ush_error kept = {0};
	const char *by = o->by != NULL ? o->by : o->self, *cluster = o->kube != NULL ? ush_observe_host(o->kube->config->server) : NULL;

	ush_journal_common(o->journal, json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?}", "verb", "offboard", "policy", o->policy->name, "state", o->state_namespace, "by",
						 by, "reason", o->reason, "ticket", o->ticket, "cluster", cluster));
	ush_journal_add(o->journal, "run.begin", json_pack("{s:s, s:s, s:b}", "kind", ush_ledger_kind_name(o->kind), "name", o->name, "dryRun", o->dry), &kept);
}

/* ---- at the providers, in the ledger ---- */

void ush_offboard_log_revoked(const struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_offboard_account *account)
{
	const struct ush_revoked *revoked = &account->revoked;

	if (revoked->done.count > 0)
		add(o, "user.revoked", json_pack("{s:s, s:s, s:s?, s:o}", "source", source->name, "user", account->name, "id", revoked->id, "done", ush_list_json(&revoked->done)));
	if (account->failed.code != USH_OK)
		add(o, "revocation.failed",
		    json_pack("{s:s, s:s, s:s?, s:o}", "source", source->name, "user", account->name, "id", revoked->id, "failure", text(account->failed.what)));
}

void ush_offboard_log_denied(const struct ush_offboard *o, const char *key, bool extended)
{
	USH_AUTO_FREE char *event = ush_printf("%s.denied", ush_ledger_kind_name(o->kind));
	const struct ush_list *told = o->kind == USH_LEDGER_USER ? &o->names.told : &o->dossier.groups;
	json_t *members = json_pack("{s:s, s:s, s:s?, s:s?}", "name", o->name, "key", key, "source", o->source, "id", o->id);

	if (o->kind != USH_LEDGER_NAMESPACE)
		json_object_set_new(members, "spellings", ush_list_json(told));
	if (extended) /* an entry of before knows more spellings now */
		json_object_set_new(members, "extended", json_true());
	add(o, event, members);
}

void ush_offboard_log_failed(const struct ush_offboard *o, const char *event, const char *what, const char *why)
{
	add(o, event, json_pack("{s:s, s:o}", "name", what, "failure", text(why)));
}

/* ---- bindings ---- */

static json_t *names(const json_t *object)
{
	json_t *all = json_array(), *subject;
	size_t i;

	json_array_foreach(json_object_get(object, "subjects"), i, subject)
		json_array_append(all, json_object_get(subject, "name"));
	return all;
}

static json_t *place(const struct ush_take *take)
{
	return json_pack("{s:s, s:s, s:s}", "kind", ush_rbac_kind_name(take->kind), "namespace", take->space, "name", take->name);
}

void ush_offboard_log_written(const struct ush_offboard *o, const struct ush_take *take, const json_t *before, const json_t *after)
{
	const json_t *role = ush_json_object(before, "roleRef");
	const char *kind = ush_json_string(role, "kind"), *name = ush_json_string(role, "name");
	bool is_role = take->kind == USH_ROLE;
	json_t *members = place(take);

	if (kind != NULL && name != NULL)
		json_object_set_new(members, "role", json_sprintf("%s/%s", kind, name));
	if (take->direct != NULL)
		json_object_set_new(members, "removedSubject", json_string(take->direct));
	if (!is_role) {
		json_object_set_new(members, "before", names(before));
		json_object_set_new(members, "after", names(after));
	}
	add(o, is_role ? (after == NULL ? "role.removed" : "role.changed") : after == NULL ? "binding.removed" : "binding.changed", members);
}

void ush_offboard_log_left(const struct ush_offboard *o, const struct ush_take *take, const char *why)
{
	json_t *members = place(take);

	json_object_set_new(members, "failure", text(why));
	add(o, take->kind == USH_ROLE ? "role.failed" : "binding.failed", members);
}
