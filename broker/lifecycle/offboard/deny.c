/* SPDX-License-Identifier: Apache-2.0
 *
 * The entry that keeps somebody out of later runs.
 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/lifecycle/offboard/offboard.h"
#include "broker/sync/state/ledger_note.h"
#include "broker/sync/state/store.h"
#include "common/base/memory.h"
#include "common/data/json.h"

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
	char *uid; /* of the ledger that it was written into, NULL: that was made for it */
	bool was_there, wrote;
	struct ush_list known; /* what the entry of before calls the person or group */
};

static void remember(struct denial *denial, const struct ush_ledger_entry *there)
{
	free(ush_steal(&denial->key));
	ush_list_free(&denial->known);
	denial->was_there = there != NULL;
	if (there == NULL)
		return;
	denial->key = ush_strdup(there->key);
	for (size_t i = 0; i < there->spellings.count; i++)
		ush_list_add(&denial->known, there->spellings.items[i]);
}

static int add_entry(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	struct denial *denial = context;
	struct ush_offboard *o = denial->o;
	struct ush_ledger_entry *there = entry_of(o, ledger), entry = {.kind = o->kind};
	unsigned char salt[8];
	uint64_t number;

	remember(denial, there);
	free(ush_steal(&denial->uid));
	denial->uid = ush_strdup(ledger->uid);
	if (there != NULL) {
		denial->wrote = add_spellings(o, &there->spellings);
		return denial->wrote ? 1 : 0;
	}
	denial->wrote = true;
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
	return ush_ledger_full(ledger, o->state_namespace, o->policy->name, o->kube->way, USH_ERR_STORE, err);
}

/* An entry where no run looks keeps nobody out, nor do those of a ledger that is lost. */
static void tell_elsewhere(struct ush_offboard *o, const struct denial *denial)
{
	USH_AUTO_FREE char *path = ush_state_path(o->state_namespace, o->policy->name);
	USH_AUTO_JSON map = NULL;
	struct ush_error lost = {0};
	int status;

	if (ush_kube_get(o->kube, path, &status, &map, &(struct ush_error){0}) != 0)
		return;
	if (ush_ledger_note(o->kube, map, denial->uid, o->state_namespace, o->policy->name, USH_LEDGER_STOPS, &lost) != 0)
		ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "ledger", .todo = true}, "%s. %s", lost.what, lost.hint);
	if (map == NULL)
		ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "state", .todo = true, .more = json_pack("{s:s}", "namespace", o->state_namespace)},
			       "no run of policy %s keeps its state in namespace %s yet: one that keeps it elsewhere, or in a folder, does not see this entry. Say in the "
			       "policy where it is (cluster.stateNamespace) and run this again, or put the ledger into the folder (render)",
			       o->policy->name, o->state_namespace);
}

/* Who was denied before under another name is one person: every later run keeps out all that the entry says. */
static void learn(struct ush_offboard *o, const struct denial *denial)
{
	for (size_t i = 0; o->kind == USH_LEDGER_USER && i < denial->known.count; i++)
		ush_spellings_add_text(&o->names, denial->known.items[i]);
}

/* A dry run: what the ledger says already. */
static int look(struct ush_offboard *o, struct denial *denial, struct ush_error *err)
{
	USH_AUTO_LEDGER ledger = {0};

	if (ush_ledger_load(&ledger, o->kube, o->state_namespace, o->policy->name, NULL, err) != 0)
		return -1;
	remember(denial, entry_of(o, &ledger));
	return 0;
}

void ush_offboard_recall(struct ush_offboard *o)
{
	struct denial denial = {.o = o};
	struct ush_error later = {0};

	if (look(o, &denial, &later) == 0)
		learn(o, &denial);
	o->recalled = denial.was_there;
	free(denial.key);
	ush_list_free(&denial.known);
}

static void tell_denied(struct ush_offboard *o, const struct denial *denial)
{
	struct ush_line line = {.word = "denied", .kind = "ledger"};

	if (o->dry && !denial->was_there) {
		ush_report_add(o->report, &line, "%s would be kept out by every later run of policy %s", o->name, o->policy->name);
		return;
	}
	line.more = json_pack("{s:s, s:b}", "key", denial->key, "before", denial->was_there);
	ush_report_add(o->report, &line, "%s is kept out%s by every later run of policy %s, whoever bears the name then (entry %s; %s --key %s --reason TEXT ends that)", o->name,
		       denial->was_there ? " already" : "", o->policy->name, denial->key, o->readmit, denial->key);
}

static void tell_not_denied(struct ush_offboard *o, const struct ush_error *why)
{
	if (o->dry) {
		ush_report_add(o->report, &(struct ush_line){.word = "unknown", .kind = "ledger"}, "whether %s is kept out of later runs already: %s", o->name, why->what);
		return;
	}
	ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "ledger", .todo = true, .command = o->again},
		       "not kept out of later runs, so the next one gives back what the policy grants: %s%s%s. %s again", why->what, why->hint[0] != '\0' ? ". " : "", why->hint,
		       why->hint[0] != '\0' ? "Then run" : "Run");
	ush_offboard_log_failed(o, "ledger.failed", o->name, why->what);
}

int ush_offboard_deny(struct ush_offboard *o, struct ush_error *err)
{
	struct denial denial = {.o = o};
	struct ush_error why = {0};
	int result;

	if (o->denied)
		return 0;
	result = o->dry ? look(o, &denial, &why) : ush_ledger_change(o->kube, o->state_namespace, o->policy->name, add_entry, &denial, &why);
	if (result == 0) {
		learn(o, &denial);
		tell_denied(o, &denial);
		if (denial.wrote)
			ush_offboard_log_denied(o, denial.key, denial.was_there);
		if (!o->dry)
			tell_elsewhere(o, &denial);
	} else {
		tell_not_denied(o, &why);
		*err = why;
	}
	free(denial.key);
	free(denial.uid);
	ush_list_free(&denial.known);
	o->denied = result == 0;
	return result;
}
