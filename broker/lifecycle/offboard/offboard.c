/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/lifecycle/offboard/offboard.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "broker/policy/naming.h"
#include "broker/sync/look/observe.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/list.h"

#define SELF "/apis/authentication.k8s.io/v1/selfsubjectreviews"

void ush_offboard_next(struct ush_offboard *o)
{
	o->denied = o->recalled = false;
	free(ush_steal(&o->self));
	json_decref(ush_steal(&o->report));
	ush_offboard_forget_strangers(o);
	ush_dossier_free(&o->dossier);
}

void ush_offboard_free(struct ush_offboard *o)
{
	ush_offboard_next(o);
	for (size_t i = 0; o->sources != NULL && i < o->policy->source_count; i++) {
		for (size_t k = 0; k < o->sources[i].account_count; k++)
			ush_revoked_free(&o->sources[i].accounts[k].revoked);
		free(o->sources[i].accounts);
		ush_groups_free(&o->sources[i].groups);
		free(o->sources[i].in);
	}
	free(ush_steal(&o->sources));
	ush_spellings_free(&o->names);
	ush_near_free(&o->near);
	free(ush_steal(&o->source));
	free(ush_steal(&o->id));
}

/* ---- who asks ---- */

static void find_self(struct ush_offboard *o)
{
	USH_AUTO_JSON review = json_pack("{s:s, s:s}", "apiVersion", "authentication.k8s.io/v1", "kind", "SelfSubjectReview");
	USH_AUTO_JSON answer = NULL;
	struct ush_error unimportant = {0};

	if (ush_kube_review(o->kube, SELF, review, &answer, &unimportant) == 0)
		o->self = ush_strdup(ush_json_string(ush_json_object(ush_json_object(answer, "status"), "userInfo"), "username"));
}

int ush_offboard_not_self(const struct ush_offboard *o, struct ush_error *err)
{
	if (o->kind != USH_LEDGER_USER || o->anyway || o->self == NULL || !ush_spellings_have(&o->names, o->self))
		return 0;
	ush_fail(err, USH_ERR_REFUSED, "%.200s is you: the API server calls you so", o->self);
	return ush_hint(err, "Let somebody else do it, or say --anyway");
}

/* ---- lists ---- */

static bool is_gone(const struct ush_error *why)
{
	return why->code == USH_ERR_UNAVAILABLE || why->code == USH_ERR_LOGIN || why->code == USH_ERR_DECLINED;
}

int ush_offboard_read_for(struct ush_offboard *o, const struct ush_offboard_list *list, void *context, struct ush_error *err)
{
	struct ush_kube_stream stream = {.path = list->path, .item = list->item, .restart = list->restart, .context = context, .metadata_only = list->metadata_only};
	struct ush_error why = {0};

	if (ush_kube_list_items(o->kube, &stream, NULL, NULL, &why) == 0)
		return 0;
	ush_report_add(o->report, &(struct ush_line){.word = "unknown", .kind = "list", .more = json_pack("{s:s}", "list", list->what)}, "%s could not be read: %s",
		       list->what, why.what);
	if (!is_gone(&why))
		return 0;
	*err = why;
	return -1;
}

int ush_offboard_read(struct ush_offboard *o, const struct ush_offboard_list *list, struct ush_error *err)
{
	return ush_offboard_read_for(o, list, o, err);
}

static int take_binding(void *context, struct ush_item *item, struct ush_error *err)
{
	struct ush_offboard *o = context;

	if (ush_dossier_binding(&o->dossier, item, err) != 0)
		return -1;
	ush_offboard_stranger(o, item);
	return 0;
}

static void forget_bindings(void *context)
{
	struct ush_offboard *o = context;

	ush_offboard_forget_strangers(o);
	ush_dossier_forget_bindings(&o->dossier, USH_ROLE_BINDING);
}

static void forget_cluster_bindings(void *context)
{
	struct ush_offboard *o = context;

	ush_dossier_forget_bindings(&o->dossier, USH_CLUSTER_ROLE_BINDING);
}

int ush_offboard_bindings(struct ush_offboard *o, const char *space, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_rbac_list_path(USH_ROLE_BINDING, space), *cluster_path = ush_rbac_list_path(USH_CLUSTER_ROLE_BINDING, NULL);
	struct ush_offboard_list list = {path, "RoleBindings", take_binding, forget_bindings, false};
	struct ush_offboard_list cluster = {cluster_path, "ClusterRoleBindings", take_binding, forget_cluster_bindings, false};

	if (ush_offboard_read(o, &list, err) != 0)
		return -1;
	return ush_offboard_read(o, &cluster, err);
}

/* ---- bindings that hold it ---- */

static bool is_taken(const struct ush_offboard *o, const struct ush_hold *hold)
{
	return hold->direct != NULL && hold->kind == USH_ROLE_BINDING &&
	       (hold->owner == USH_HOLD_OURS || (o->take_others && hold->owner == USH_HOLD_FREE));
}

static void tell_other(struct ush_offboard *o, const struct ush_hold *hold)
{
	USH_AUTO_FREE char *command = ush_printf("%s %s", o->kubectl, hold->cut);
	bool managed = hold->owner == USH_HOLD_MANAGED;

	ush_report_add(o->report,
		       &(struct ush_line){.word = "left", .kind = "binding", .todo = true, .command = command,
					  .more = json_pack("{s:s, s:s?, s:s, s:s, s:s, s:s, s:s}", "object", ush_rbac_kind_name(hold->kind), "namespace", hold->space, "name",
							    hold->name, "roleKind", hold->role_kind, "role", hold->role_name, "subject", hold->direct, "owner",
							    hold->foreign != NULL ? hold->foreign : "")},
		       "%s %s%s%s holds %s for %s %s, %s: %s", ush_rbac_kind_name(hold->kind), hold->space != NULL ? hold->space : "", hold->space != NULL ? "/" : "",
		       hold->name, hold->direct, hold->role_kind, hold->role_name, hold->foreign != NULL ? hold->foreign : "ours",
		       managed ? "take it out there, too, or it comes back" : "take it out");
}

int ush_offboard_holds(struct ush_offboard *o, struct ush_error *err)
{
	struct ush_take *takes = ush_alloc((o->dossier.hold_count + 1) * sizeof *takes);
	size_t count = 0, ours = 0;
	int result;

	for (enum ush_hold_owner owner = USH_HOLD_OURS; owner <= USH_HOLD_FREE; owner++)
		for (size_t i = 0; i < o->dossier.hold_count; i++) {
			const struct ush_hold *hold = &o->dossier.holds[i];

			if (hold->owner == owner && is_taken(o, hold))
				takes[count++] = (struct ush_take){hold->kind, hold->space, hold->name, hold->direct, hold->owner, false};
			ours = owner == USH_HOLD_OURS ? count : ours;
		}
	result = ush_offboard_take(o, takes, ours, err);
	if (result == 0)
		result = ush_offboard_take(o, takes + ours, count - ours, err);
	for (size_t i = 0; i < o->dossier.hold_count; i++)
		if (o->dossier.holds[i].direct != NULL && !is_taken(o, &o->dossier.holds[i]))
			tell_other(o, &o->dossier.holds[i]);
	free(takes);
	return result;
}

/* ---- one cluster ---- */

static void begin_report(struct ush_offboard *o)
{
	json_t *about = json_pack("{s:s, s:s, s:s?, s:s?, s:[]}", "kind", ush_ledger_kind_name(o->kind), "name", o->name, "source", o->source, "id", o->id, "spellings");

	o->report = ush_report_new(about, o->kube != NULL ? ush_kube_now(o->kube) : ush_now(o->sources_world), o->dry);
	json_object_set_new(o->report, "by", json_string(o->by != NULL ? o->by : o->self != NULL ? o->self : "unknown"));
	if (o->reason != NULL)
		json_object_set_new(o->report, "reason", json_string(o->reason));
	if (o->ticket != NULL)
		json_object_set_new(o->report, "ticket", json_string(o->ticket));
	if (o->kube != NULL)
		json_object_set_new(o->report, "cluster", json_string(ush_observe_host(o->kube->config->server)));
}

/* All that it was looked for by: also what only the ledger knew. */
static void tell_spellings(const struct ush_offboard *o)
{
	const struct ush_list *told = o->kind == USH_LEDGER_USER ? &o->names.told : &o->dossier.groups;
	json_t *spellings = json_array();

	for (size_t i = 0; o->kind != USH_LEDGER_NAMESPACE && i < told->count; i++)
		json_array_append_new(spellings, json_string(told->items[i]));
	json_object_set_new(json_object_get(o->report, "subject"), "spellings", spellings);
}

static int carry_out(struct ush_offboard *o, struct ush_error *err)
{
	static int (*const acts[])(struct ush_offboard *, struct ush_error *) = {
		[USH_LEDGER_USER] = ush_offboard_user, [USH_LEDGER_GROUP] = ush_offboard_group, [USH_LEDGER_NAMESPACE] = ush_offboard_namespace};
	int result = acts[o->kind](o, err);

	if (result == 0 && ush_report_unknown(o->report) > 0) {
		ush_fail(err, USH_ERR_INCOMPLETE, "%s is out as far as said above; not everything could be looked at", o->name);
		return ush_hint(err, "With the rights that are missing: %s", o->again);
	}
	return result;
}

/* The providers need no cluster. */
static void tell_no_cluster(struct ush_offboard *o)
{
	ush_offboard_tell_sources(o);
	ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "cluster", .todo = true, .command = o->again},
		       "no cluster was reached: nothing was looked at there, and nobody is kept out. Run again");
}

int ush_offboard_run(struct ush_offboard *o, struct ush_error *err)
{
	int result = 0;

	if (!o->asked && o->kind == USH_LEDGER_USER) { /* to know oneself by */
		ush_spellings_add(&o->names, o->policy, o->name);
		for (size_t i = 0; i < o->also->count; i++)
			ush_spellings_add(&o->names, o->policy, o->also->items[i]);
	}
	if (o->kube != NULL)
		find_self(o);
	ush_offboard_log_begin(o);
	if (ush_offboard_not_self(o, err) != 0 || ush_offboard_sources(o, err) != 0)
		return -1;
	begin_report(o);
	if (o->kube != NULL)
		result = carry_out(o, err);
	else
		tell_no_cluster(o);
	tell_spellings(o);
	ush_report_close(o->report);
	return result;
}
