/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker readmit: who was offboarded may have again what the policy grants.
 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/verb/elevating.h"
#include "common/base/memory.h"
#include "common/base/text.h"

static struct ush_broker_options options = {.state_namespace = "default"};
static const char *reason, *key;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"key", 0, USH_OPTION_STRING, "KEY", "the entry of this key, in place of a name", &key},
	{"reason", 0, USH_OPTION_STRING, "TEXT", "why", &reason},
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTION_JOURNAL(options),
	{NULL},
};

struct readmission {
	int kind; /* -1: by key */
	const char *name;
	struct ush_ledger found;
};

/* By what somebody wrote when it was denied, or by what the API server calls them. */
static bool is_meant(const struct readmission *r, const struct ush_ledger_entry *e)
{
	if (key != NULL)
		return strcmp(e->key, key) == 0 && e->kind != USH_LEDGER_ELEVATED;
	if ((int)e->kind != r->kind)
		return false;
	for (size_t i = 0; i < e->spellings.count; i++)
		if (strcmp(e->spellings.items[i], r->name) == 0)
			return true;
	return strcmp(e->name, r->name) == 0;
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
	if (r->found.count > 0)
		return 1;
	return key != NULL ? ush_fail(err, USH_ERR_USAGE, "nobody is denied under the key %s", key)
			   : ush_fail(err, USH_ERR_USAGE, "%s %s is not denied", ush_ledger_kind_name((enum ush_ledger_kind)r->kind), r->name);
}

static int readmit(struct ush_elevating *opened, struct readmission *r, struct ush_error *err)
{
	USH_AUTO_BUF out = {0};

	if (ush_ledger_change(&opened->broker.kube, options.state_namespace, opened->policy->name, drop, r, err) != 0)
		return -1;
	for (size_t i = 0; i < r->found.count; i++) {
		const struct ush_ledger_entry *e = &r->found.items[i];
		USH_AUTO_FREE char *name = ush_text_safe(e->name);

		ush_buf_printf(&out, "%s: %s %s is readmitted; the next apply gives back what the policy grants\n", e->key, ush_ledger_kind_name(e->kind), name);
		if (ush_elevating_log(opened, e->kind == USH_LEDGER_USER ? "user.readmitted" : e->kind == USH_LEDGER_GROUP ? "group.readmitted" : "namespace.readmitted", e,
				      reason, err) != 0)
			return -1;
	}
	return ush_broker_print(out.data, err);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_elevating opened = {0};
	struct readmission r = {.kind = -1};

	for (int i = USH_LEDGER_USER; count == 2 && i <= USH_LEDGER_NAMESPACE; i++)
		if (strcmp(operands[0], ush_ledger_kind_name((enum ush_ledger_kind)i)) == 0)
			r = (struct readmission){.kind = i, .name = operands[1]};
	if ((key != NULL) != (count == 0) || (key == NULL && r.kind < 0))
		return ush_fail(err, USH_ERR_USAGE, "whom? user NAME, group NAME or namespace NAME; or --key KEY");
	if (ush_elevating_reason(reason, err) != 0)
		return -1;
	if (ush_elevating_open(&opened, &options, "readmit", err) == 0)
		(void)readmit(&opened, &r, err);
	ush_ledger_free(&r.found);
	return ush_elevating_close(&opened, err);
}

const struct ush_verb ush_verb_readmit = {"readmit", "[user|group|namespace NAME]", "let back in who was offboarded", rows, 0, 2, run};
