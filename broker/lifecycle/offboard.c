/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/lifecycle/offboard.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "broker/ledger/ledger_store.h"
#include "broker/policy/naming.h"
#include "broker/sync/observe.h"
#include "broker/sync/state.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/list.h"

#define SELF "/apis/authentication.k8s.io/v1/selfsubjectreviews"

void ush_offboard_next(struct ush_offboard *o)
{
	o->denied = false;
	free(ush_steal(&o->self));
	json_decref(ush_steal(&o->report));
	ush_dossier_free(&o->dossier);
}

void ush_offboard_free(struct ush_offboard *o)
{
	ush_offboard_next(o);
	for (size_t i = 0; o->sources != NULL && i < o->policy->source_count; i++) {
		ush_revoked_free(&o->sources[i].revoked);
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

static void begin_journal(const struct ush_offboard *o)
{
	struct ush_error kept = {0};
	const char *by = o->by != NULL ? o->by : o->self, *cluster = o->kube != NULL ? ush_observe_host(o->kube->config->server) : NULL;

	ush_journal_common(o->journal, json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?}", "verb", "offboard", "policy", o->policy->name, "state", o->state_namespace, "by",
						 by, "reason", o->reason, "ticket", o->ticket, "cluster", cluster));
	ush_journal_add(o->journal, "run.begin", json_pack("{s:s, s:s, s:b}", "kind", ush_ledger_kind_name(o->kind), "name", o->name, "dryRun", o->dry), &kept);
}

/* ---- the ledger ---- */

static bool is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Two of one source may share a name: people, as a login and an e-mail; groups, one that is gone and one that is new. They have
 * an entry each: readmitting one is not to let the other in. */
static bool says_it(const struct ush_offboard *o, const struct ush_ledger_entry *e)
{
	if (e->kind != o->kind)
		return false;
	if (e->kind == USH_LEDGER_NAMESPACE)
		return strcmp(e->name, o->name) == 0;
	if (is_same(o->source, e->source) && o->id != NULL && e->id != NULL)
		return is_same(o->id, e->id);
	for (size_t i = 0; i < e->spellings.count; i++)
		if (o->kind == USH_LEDGER_USER ? ush_spellings_have(&o->names, e->spellings.items[i]) : ush_list_holds(&o->dossier.groups, e->spellings.items[i]))
			return true;
	return false;
}

/* The entry that says it already, or NULL. */
static struct ush_ledger_entry *entry_of(const struct ush_offboard *o, const struct ush_ledger *ledger)
{
	for (size_t i = 0; i < ledger->count; i++)
		if (says_it(o, &ledger->items[i]))
			return &ledger->items[i];
	return NULL;
}

/* True when something is new. A person by whatever case: bars_user does not look at it. */
static bool add_spellings(const struct ush_offboard *o, struct ush_list *to)
{
	const struct ush_list *told = o->kind == USH_LEDGER_USER ? &o->names.told : &o->dossier.groups;
	size_t before = to->count;

	for (size_t i = 0; o->kind != USH_LEDGER_NAMESPACE && i < told->count; i++)
		ush_list_add(to, told->items[i]);
	ush_list_sort(to);
	return to->count > before;
}

struct denial {
	struct ush_offboard *o;
	char *key;
	bool was_there;
};

static int add_entry(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	struct denial *denial = context;
	struct ush_offboard *o = denial->o;
	struct ush_ledger_entry *there = entry_of(o, ledger), entry = {.kind = o->kind};
	unsigned char salt[8];
	uint64_t number;

	free(ush_steal(&denial->key));
	denial->was_there = there != NULL;
	if (there != NULL) {
		denial->key = ush_strdup(there->key);
		return add_spellings(o, &there->spellings) ? 1 : 0;
	}
	entry.name = ush_strdup(o->name);
	entry.source = ush_strdup(o->source);
	entry.id = ush_strdup(o->id);
	entry.since = ush_kube_now(o->kube);
	entry.by = ush_strdup(o->by != NULL ? o->by : o->self != NULL ? o->self : "unknown");
	entry.reason = ush_strdup(o->reason);
	entry.ticket = ush_strdup(o->ticket);
	add_spellings(o, &entry.spellings);
	ush_random(o->kube->world, salt, sizeof salt);
	memcpy(&number, salt, sizeof number);
	entry.key = ush_ledger_key(ledger, &entry, number);
	denial->key = ush_strdup(entry.key);
	if (ush_ledger_add(ledger, &entry))
		return 1;
	ush_ledger_entry_free(&entry);
	return ush_fail(err, USH_ERR_STORE, "the ledger is full");
}

static void journal_denied(const struct ush_offboard *o, const char *key)
{
	struct ush_error kept = {0};
	USH_AUTO_FREE char *event = ush_printf("%s.denied", ush_ledger_kind_name(o->kind));

	ush_journal_add(o->journal, event, json_pack("{s:s, s:s, s:s?, s:s?}", "name", o->name, "key", key, "source", o->source, "id", o->id), &kept);
}

/* An entry where no run looks keeps nobody out. */
static void tell_elsewhere(struct ush_offboard *o)
{
	USH_AUTO_FREE char *name = ush_state_name(o->policy->name), *path = ush_printf("/api/v1/namespaces/%s/configmaps/%s", o->state_namespace, name);
	USH_AUTO_JSON map = NULL;
	struct ush_error unimportant = {0};
	int status;

	if (ush_kube_get(o->kube, path, &status, &map, &unimportant) == 0 && map == NULL)
		ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "state", .todo = true, .more = json_pack("{s:s}", "namespace", o->state_namespace)},
			       "no run of policy %s keeps its state in namespace %s yet: one that keeps it elsewhere, or in a folder, does not see this entry. Run again with "
			       "its --state-namespace NAME, or put the ledger into the folder (render)",
			       o->policy->name, o->state_namespace);
}

int ush_offboard_deny(struct ush_offboard *o, struct ush_error *err)
{
	struct denial denial = {.o = o};
	struct ush_error why = {0};

	if (o->denied)
		return 0;
	if (o->dry) {
		ush_report_add(o->report, &(struct ush_line){.word = "denied", .kind = "ledger"}, "%s would be kept out by every later run of policy %s", o->name,
			       o->policy->name);
	} else if (ush_ledger_change(o->kube, o->state_namespace, o->policy->name, add_entry, &denial, &why) == 0) {
		ush_report_add(o->report, &(struct ush_line){.word = "denied", .kind = "ledger", .more = json_pack("{s:s, s:b}", "key", denial.key, "before", denial.was_there)},
			       "%s %s out by every later run of policy %s, whoever bears the name then (entry %s; usher-broker readmit --key %s ends that)",
			       o->name, denial.was_there ? "was kept" : "is kept", o->policy->name, denial.key, denial.key);
		if (!denial.was_there)
			journal_denied(o, denial.key);
		tell_elsewhere(o);
	} else {
		ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "ledger", .todo = true, .command = o->again},
			       "not kept out of later runs: %s. Run again", why.what);
		*err = why;
	}
	free(denial.key);
	o->denied = err->code == USH_OK;
	return o->denied ? 0 : -1;
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

	return ush_dossier_binding(&o->dossier, item, err);
}

static void forget_bindings(void *context)
{
	struct ush_offboard *o = context;

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
		       managed ? "take it out there, or it comes back" : "take it out");
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
	json_t *about = json_pack("{s:s, s:s, s:s?, s:s?}", "kind", ush_ledger_kind_name(o->kind), "name", o->name, "source", o->source, "id", o->id);
	json_t *spellings = json_array();

	for (size_t i = 0; i < o->names.told.count; i++)
		json_array_append_new(spellings, json_string(o->names.told.items[i]));
	json_object_set_new(about, "spellings", spellings);
	o->report = ush_report_new(about, o->kube != NULL ? ush_kube_now(o->kube) : ush_now(o->sources_world), o->dry);
	json_object_set_new(o->report, "by", json_string(o->by != NULL ? o->by : o->self != NULL ? o->self : "unknown"));
	if (o->reason != NULL)
		json_object_set_new(o->report, "reason", json_string(o->reason));
	if (o->ticket != NULL)
		json_object_set_new(o->report, "ticket", json_string(o->ticket));
	if (o->kube != NULL)
		json_object_set_new(o->report, "cluster", json_string(ush_observe_host(o->kube->config->server)));
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
	begin_journal(o);
	if (ush_offboard_not_self(o, err) != 0 || ush_offboard_sources(o, err) != 0)
		return -1;
	begin_report(o);
	if (o->kube != NULL)
		result = carry_out(o, err);
	else
		tell_no_cluster(o);
	ush_report_close(o->report);
	return result;
}
