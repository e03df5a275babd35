/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker readmit: who was offboarded may have again what the policy grants, in each cluster that keeps them out.
 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/sync/state/ledger_note.h"
#include "broker/verb/elevating.h"
#include "common/base/memory.h"
#include "common/base/text.h"

static struct ush_broker_options options;
static const char *reason, *key;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"key", 0, USH_OPTION_STRING, "KEY", "the entry of this key, in place of a name", &key},
	{"reason", 0, USH_OPTION_STRING, "TEXT", "why", &reason},
	USH_OPTION_CLUSTERS(options),
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTION_JOURNAL(options),
	{NULL},
};

struct readmission {
	const struct ush_elevating *opened;
	int kind; /* -1: by key */
	const char *name;
	struct ush_ledger found, left; /* what goes, and the ledger without it */
	size_t ended;		       /* roles for a time that do not come back with them */
};

/* Another entry that keeps it out still, or NULL. */
static const struct ush_ledger_entry *still(const struct readmission *r, const struct ush_ledger_entry *e)
{
	const struct ush_ledger_entry *bar = e->kind == USH_LEDGER_NAMESPACE ? ush_ledger_bars_namespace(&r->left, e->name) : NULL;

	for (size_t i = 0; bar == NULL && e->kind != USH_LEDGER_NAMESPACE && i < e->spellings.count; i++)
		bar = e->kind == USH_LEDGER_USER ? ush_ledger_bars_user(&r->left, e->spellings.items[i])
						 : ush_ledger_bars_group(&r->left, e->source, e->id, e->spellings.items[i]);
	return bar;
}

/* A person is one in whatever case, as they were denied. */
static bool is_name(const struct readmission *r, const char *text)
{
	USH_AUTO_FREE char *a = r->kind == USH_LEDGER_USER ? ush_ledger_folded(text) : ush_strdup(text);
	USH_AUTO_FREE char *b = r->kind == USH_LEDGER_USER ? ush_ledger_folded(r->name) : ush_strdup(r->name);

	return strcmp(a, b) == 0;
}

/* By what somebody wrote when it was denied, or by what the API server calls them. */
static bool is_meant(const struct readmission *r, const struct ush_ledger_entry *e)
{
	if (key != NULL)
		return strcmp(e->key, key) == 0 && e->kind != USH_LEDGER_ELEVATED;
	if ((int)e->kind != r->kind)
		return false;
	for (size_t i = 0; i < e->spellings.count; i++)
		if (is_name(r, e->spellings.items[i]))
			return true;
	return is_name(r, e->name);
}

/* One name, two people: which one comes back is not for us to say. */
static int refuse_two(const struct readmission *r, struct ush_error *err)
{
	const struct ush_ledger_entry *a = &r->found.items[0], *b = &r->found.items[1];
	USH_AUTO_FREE char *command = ush_way_broker(&r->opened->broker.way, "readmit --key %s --reason TEXT", a->key);

	ush_fail(err, USH_ERR_REFUSED, "%zu entries mean %.100s: %s (%.100s), %s (%.100s)%s; nothing was done", r->found.count, r->name, a->key, a->name, b->key, b->name,
		 r->found.count > 2 ? " and more" : "");
	return ush_hint(err, "Say which: %s", command);
}

/* What they had for a time was taken when they were put out. The next run drops the entry, and the binding where one stands. */
static void end_elevations(struct readmission *r, struct ush_ledger *ledger)
{
	int64_t now = ush_kube_come(&r->opened->broker.kube);

	r->ended = 0;
	for (size_t i = 0; i < ledger->count; i++) {
		struct ush_ledger_entry *e = &ledger->items[i];

		if (e->kind == USH_LEDGER_ELEVATED && !e->ended && e->until > now &&
		    ush_ledger_bars_elevation(&r->found, r->opened->policy->user_prefix, e) != NULL) {
			e->until = now;
			r->ended++;
		}
	}
}

static int drop(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	struct readmission *r = context;

	ush_ledger_free(&r->found);
	for (size_t i = 0; i < ledger->count;) {
		struct ush_ledger_entry copy;
		USH_AUTO_FREE char *its = ush_strdup(ledger->items[i].key);

		if (!is_meant(r, &ledger->items[i])) {
			i++;
			continue;
		}
		ush_ledger_entry_copy(&copy, &ledger->items[i]);
		ush_ledger_drop(ledger, its);
		ush_ledger_add(&r->found, &copy);
	}
	if (r->found.count > 1)
		return refuse_two(r, err);
	end_elevations(r, ledger);
	ush_ledger_free(&r->left);
	for (size_t i = 0; r->found.count > 0 && i < ledger->count && ledger->items[i].kind != USH_LEDGER_ELEVATED; i++) {
		struct ush_ledger_entry copy;

		ush_ledger_entry_copy(&copy, &ledger->items[i]);
		ush_ledger_add(&r->left, &copy);
	}
	if (r->found.count > 0)
		return 1;
	return ush_ledger_look(&r->opened->broker.kube, ledger, options.state_namespace, r->opened->policy->name, USH_LEDGER_STOPS, err);
}

static void tell(const struct readmission *r, const struct ush_ledger_entry *e, struct ush_buf *out)
{
	const struct ush_ledger_entry *bar = still(r, e);
	USH_AUTO_FREE char *where = ush_elevating_where(r->opened), *name = ush_text_safe(e->name), *other = bar != NULL ? ush_text_safe(bar->name) : NULL;

	ush_buf_printf(out, "%s%s: %s %s is readmitted", where, e->key, ush_ledger_kind_name(e->kind), name);
	if (bar != NULL)
		ush_buf_printf(out, ", but for names that %s (%s) is kept out by, too\n", other, bar->key);
	else
		ush_buf_puts(out, "; the next apply gives back what the policy grants\n");
	if (r->ended > 0)
		ush_buf_printf(out, "%s%s: %zu role%s for a time ended with the offboarding: usher-broker elevate gives one anew\n", where, e->key, r->ended,
			       r->ended == 1 ? "" : "s");
}

/* "user bob", or by its key. The caller frees. */
static char *whom(const struct readmission *r)
{
	return key != NULL ? ush_printf("the entry %s", key) : ush_printf("%s %s", ush_ledger_kind_name((enum ush_ledger_kind)r->kind), r->name);
}

/* One that one of several clusters does not have is no fault: it is told. */
static void tell_none(const struct readmission *r, struct ush_buf *out)
{
	USH_AUTO_FREE char *where = ush_elevating_where(r->opened), *who = whom(r), *safe = ush_text_safe(who);

	if (r->opened->cluster != NULL)
		ush_buf_printf(out, "%s%s is not denied\n", where, safe);
}

static int readmit(struct ush_elevating *opened, void *context, struct ush_error *err)
{
	static const char *const events[] = {
		[USH_LEDGER_USER] = "user.readmitted", [USH_LEDGER_GROUP] = "group.readmitted", [USH_LEDGER_NAMESPACE] = "namespace.readmitted"};
	struct readmission *r = context;
	USH_AUTO_BUF out = {0};

	if (ush_ledger_change(&opened->broker.kube, options.state_namespace, opened->policy->name, drop, r, err) != 0)
		return -1;
	if (r->found.count == 0)
		tell_none(r, &out);
	for (size_t i = 0; i < r->found.count; i++) {
		const struct ush_ledger_entry *e = &r->found.items[i];

		opened->met++;
		tell(r, e, &out);
		if (ush_elevating_log(opened, events[e->kind], e, reason, err) != 0)
			return -1;
	}
	return out.data != NULL ? ush_broker_print(out.data, err) : 0;
}

static bool is_denial(const struct ush_ledger_entry *entry)
{
	return entry->kind != USH_LEDGER_ELEVATED;
}

static int everywhere(struct ush_elevating *opened, struct readmission *r, struct ush_error *err)
{
	int there = key != NULL ? ush_elevating_find(opened, key, is_denial, err) : 1;
	USH_AUTO_FREE char *who = whom(r);

	if (there < 0 || (there > 0 && ush_elevating_each(opened, readmit, r, err) != 0))
		return -1;
	if (opened->met > 0)
		return 0;
	return key != NULL ? ush_fail(err, USH_ERR_USAGE, "nobody is denied under the key %s", key) : ush_fail(err, USH_ERR_USAGE, "%s is not denied", who);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_elevating opened = {0};
	struct readmission r = {.opened = &opened, .kind = -1};

	for (int i = USH_LEDGER_USER; count == 2 && i <= USH_LEDGER_NAMESPACE; i++)
		if (strcmp(operands[0], ush_ledger_kind_name((enum ush_ledger_kind)i)) == 0) {
			r.kind = i;
			r.name = operands[1];
		}
	if ((key != NULL) != (count == 0) || (key == NULL && r.kind < 0))
		return ush_fail(err, USH_ERR_USAGE, "whom? user NAME, group NAME or namespace NAME; or --key KEY");
	if (ush_elevating_reason(reason, err) != 0)
		return -1;
	if (ush_elevating_open(&opened, &options, "readmit", err) == 0)
		(void)everywhere(&opened, &r, err);
	ush_ledger_free(&r.found);
	ush_ledger_free(&r.left);
	return ush_elevating_close(&opened, err);
}

const struct ush_verb ush_verb_readmit = {"readmit", "[user|group|namespace NAME]", "let back in who was offboarded", rows, 0, 2, run};
