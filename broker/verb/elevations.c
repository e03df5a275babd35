/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker elevations: who has what for a time, and what waits for a review. usher-broker review: somebody looked at it.
 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/sync/state/ledger_note.h"
#include "broker/verb/elevating.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/base/text.h"
#include "common/data/json.h"

static struct ush_broker_options options = {.output = "text"};
static const char *reason;

static const struct ush_option list_rows[] = {
	USH_OPTION_POLICY(options),
	USH_OPTION_CLUSTERS(options),
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTION_OUTPUT(options, "text|json"),
	{NULL},
};

static const struct ush_option review_rows[] = {
	USH_OPTION_POLICY(options),
	{"reason", 0, USH_OPTION_STRING, "TEXT", "what was found", &reason},
	USH_OPTION_CLUSTERS(options),
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTION_JOURNAL(options),
	{NULL},
};

struct told { /* of one cluster */
	const char *cluster, *user_prefix;
	const struct ush_ledger *ledger;
	int64_t now;
};

static const char *state_of(const struct told *t, const struct ush_ledger_entry *e)
{
	return e->ended ? "ended" : t->now >= e->until ? "over" : ush_ledger_bars_elevation(t->ledger, t->user_prefix, e) != NULL ? "denied" : "holds";
}

static void add_text(struct ush_buf *out, const struct told *t, const struct ush_ledger_entry *e)
{
	static const char *const words[] = {[0] = ", reviewed", [1] = ", waits for a review"};
	USH_AUTO_FREE char *until = ush_moment(e->until);
	USH_AUTO_FREE char *line = ush_printf("%s  %-5s  %s  role %s in %s until %s, by %s: %s%s%s%s%s%s", e->key, state_of(t, e), e->subject, e->role,
					      e->namespace_name, until, e->by, e->reason, e->ticket != NULL ? " (" : "", e->ticket != NULL ? e->ticket : "",
					      e->ticket != NULL ? ")" : "", e->seal != NULL ? ", break-glass " : "", e->seal != NULL ? e->seal : "");
	USH_AUTO_FREE char *safe = ush_text_safe(line);

	ush_buf_printf(out, "%s%s\n", safe, e->seal != NULL ? words[!e->reviewed] : "");
}

static json_t *entry_json(const struct told *t, const struct ush_ledger_entry *e)
{
	USH_AUTO_FREE char *since = ush_moment_stamp(e->since), *until = ush_moment_stamp(e->until);

	return json_pack("{s:s*, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s*, s:s*, s:o*}", "cluster", t->cluster, "key", e->key, "state",
			 state_of(t, e), "subject", e->subject, "role", e->role, "namespace", e->namespace_name, "binding", e->binding, "since", since, "until", until,
			 "by", e->by, "reason", e->reason, "ticket", e->ticket, "breakGlass", e->seal, "reviewed", e->seal != NULL ? json_boolean(e->reviewed) : NULL);
}

struct listing {
	json_t *all; /* for -o json, of all clusters */
	bool any;    /* one was read */
};

static int list_cluster(struct ush_elevating *opened, void *context, struct ush_error *err)
{
	struct listing *l = context;
	USH_AUTO_LEDGER ledger = {0};
	USH_AUTO_BUF out = {0};
	struct told t = {.cluster = opened->cluster, .user_prefix = opened->policy->user_prefix, .ledger = &ledger};
	struct ush_error lost = {0};
	bool none = true, whole;

	if (ush_ledger_load(&ledger, &opened->broker.kube, options.state_namespace, opened->policy->name, NULL, err) != 0)
		return -1;
	t.now = ush_kube_come(&opened->broker.kube);
	l->any = true;
	if (opened->cluster != NULL)
		ush_buf_printf(&out, "cluster %s\n", opened->cluster);
	for (size_t i = 0; i < ledger.count; i++)
		if (ledger.items[i].kind == USH_LEDGER_ELEVATED) {
			json_array_append_new(l->all, entry_json(&t, &ledger.items[i]));
			add_text(&out, &t, &ledger.items[i]);
			none = false;
		}
	whole = ush_ledger_look(&opened->broker.kube, &ledger, options.state_namespace, opened->policy->name, USH_LEDGER_STOPS, &lost) == 0;
	if (none && whole)
		ush_buf_puts(&out, "nobody has a role for a time\n");
	if (strcmp(options.output, "json") != 0 && ush_broker_print(out.data != NULL ? out.data : "", err) != 0)
		return -1;
	if (!whole)
		*err = lost;
	return whole ? 0 : -1;
}

static int list(size_t count, char **operands, struct ush_error *err)
{
	struct ush_elevating opened = {.looks = true};
	USH_AUTO_JSON all = json_array();
	struct listing l = {.all = all};
	struct ush_error mine = {0};

	(void)count;
	(void)operands;
	if (ush_elevating_open(&opened, &options, "elevations", err) == 0)
		(void)ush_elevating_each(&opened, list_cluster, &l, err);
	if (l.any && strcmp(options.output, "json") == 0 && ush_broker_print_json(all, &mine) != 0 && err->code == USH_OK)
		*err = mine;
	return ush_elevating_close(&opened, err);
}

struct reviewing {
	const struct ush_elevating *opened;
	const char *key;
	struct ush_ledger_entry found;
};

static bool waits(const struct ush_ledger_entry *entry)
{
	return entry->kind == USH_LEDGER_ELEVATED && entry->seal != NULL && !entry->reviewed;
}

static int none_waits(const char *key, struct ush_error *err)
{
	USH_AUTO_FREE char *same = ush_broker_same(&options, NULL);

	ush_fail(err, USH_ERR_USAGE, "no break-glass waits for a review under the key %.60s", key);
	return ush_hint(err, "See what does: usher-broker elevations %s", same);
}

static int look(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	struct reviewing *r = context;
	struct ush_ledger_entry *entry = ush_ledger_find(ledger, r->key);

	if (entry == NULL && ush_ledger_look(&r->opened->broker.kube, ledger, options.state_namespace, r->opened->policy->name, USH_LEDGER_STOPS, err) != 0)
		return -1;
	if (entry == NULL || !waits(entry))
		return none_waits(r->key, err);
	ush_ledger_entry_free(&r->found);
	ush_ledger_entry_copy(&r->found, entry);
	if (entry->ended)
		return ush_ledger_drop(ledger, r->key);
	entry->reviewed = true;
	return 1;
}

static int review_one(struct ush_elevating *opened, void *context, struct ush_error *err)
{
	struct reviewing r = {.opened = opened, .key = context};
	USH_AUTO_FREE char *where = ush_elevating_where(opened), *line = NULL;
	int result = ush_ledger_change(&opened->broker.kube, options.state_namespace, opened->policy->name, look, &r, err);

	if (result == 0) {
		result = ush_elevating_log(opened, "grant.reviewed", &r.found, reason, err);
		line = ush_printf("%s%s: reviewed by %s; %s had role %s in namespace %s by %s%s\n", where, r.key, opened->by, r.found.subject, r.found.role,
				  r.found.namespace_name, r.found.by, strcmp(r.found.by, opened->by) == 0 ? ": who took it reviewed it" : "");
	}
	ush_ledger_entry_free(&r.found);
	return result == 0 ? ush_broker_print(line, err) : result;
}

/* In whichever cluster it was taken. */
static int review_it(struct ush_elevating *opened, char *key, struct ush_error *err)
{
	int there = ush_elevating_find(opened, key, waits, err);

	if (there < 0)
		return -1;
	return there > 0 ? ush_elevating_each(opened, review_one, key, err) : none_waits(key, err);
}

static int review(size_t count, char **operands, struct ush_error *err)
{
	struct ush_elevating opened = {0};

	(void)count;
	if (ush_elevating_reason(reason, err) != 0)
		return -1;
	if (ush_elevating_open(&opened, &options, "review", err) == 0)
		(void)review_it(&opened, operands[0], err);
	return ush_elevating_close(&opened, err);
}

const struct ush_verb ush_verb_elevations = {"elevations", "", "say who has what for a time, and what waits for a review", list_rows, 0, 0, list};
const struct ush_verb ush_verb_review = {"review", "KEY", "note that somebody looked at a break-glass afterwards", review_rows, 1, 1, review};
