/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker elevations: who has what for a time, and what waits for a review. usher-broker review: somebody looked at it.
 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/verb/elevating.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/base/text.h"
#include "common/data/json.h"

static struct ush_broker_options options = {.state_namespace = "default", .output = "text"};
static const char *reason;

static const struct ush_option list_rows[] = {
	USH_OPTION_POLICY(options),	USH_OPTIONS_CLUSTER(options), USH_OPTION_STATE(options), USH_OPTION_OUTPUT(options, "text|json"), {NULL},
};

static const struct ush_option review_rows[] = {
	USH_OPTION_POLICY(options),
	{"reason", 0, USH_OPTION_STRING, "TEXT", "what was found", &reason},
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTION_JOURNAL(options),
	{NULL},
};

static bool is_denied(const struct ush_ledger *ledger, const struct ush_ledger_entry *e)
{
	return (e->group ? ush_ledger_bars_group(ledger, e->source, e->id, e->subject) : ush_ledger_bars_user(ledger, e->subject)) != NULL ||
	       ush_ledger_bars_namespace(ledger, e->namespace_name) != NULL;
}

static const char *state_of(const struct ush_ledger *ledger, const struct ush_ledger_entry *e, int64_t now)
{
	return e->ended ? "ended" : now >= e->until ? "over" : is_denied(ledger, e) ? "denied" : "holds";
}

static void add_text(struct ush_buf *out, const struct ush_ledger *ledger, const struct ush_ledger_entry *e, int64_t now)
{
	static const char *const words[] = {[0] = ", reviewed", [1] = ", waits for a review"};
	USH_AUTO_FREE char *until = ush_moment(e->until);
	USH_AUTO_FREE char *line = ush_printf("%s  %-5s  %s  role %s in %s until %s, by %s: %s%s%s%s%s%s", e->key, state_of(ledger, e, now), e->subject, e->role,
					      e->namespace_name, until, e->by, e->reason, e->ticket != NULL ? " (" : "", e->ticket != NULL ? e->ticket : "",
					      e->ticket != NULL ? ")" : "", e->seal != NULL ? ", break-glass " : "", e->seal != NULL ? e->seal : "");
	USH_AUTO_FREE char *safe = ush_text_safe(line);

	ush_buf_printf(out, "%s%s\n", safe, e->seal != NULL ? words[!e->reviewed] : "");
}

static json_t *entry_json(const struct ush_ledger *ledger, const struct ush_ledger_entry *e, int64_t now)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s*, s:s*, s:b}", "key", e->key, "state", state_of(ledger, e, now), "subject", e->subject,
			 "role", e->role, "namespace", e->namespace_name, "binding", e->binding, "since", (json_int_t)e->since, "until",
			 (json_int_t)e->until, "by", e->by, "reason", e->reason, "ticket", e->ticket, "breakGlass", e->seal, "reviewed",
			 e->reviewed || e->seal == NULL);
}

static int list(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_POLICY policy = NULL;
	USH_AUTO_LEDGER ledger = {0};
	USH_AUTO_JSON all = json_array();
	USH_AUTO_BUF out = {0};
	int64_t now;

	(void)count;
	(void)operands;
	if (ush_broker_need_policy(&options, err) != 0 || (policy = ush_policy_load(options.policy, NULL, err)) == NULL ||
	    ush_broker_open(&broker, &options, true, err) != 0 ||
	    ush_ledger_load(&ledger, &broker.kube, options.state_namespace, policy->name, NULL, err) != 0)
		return -1;
	now = ush_kube_now(&broker.kube);
	for (size_t i = 0; i < ledger.count; i++)
		if (ledger.items[i].kind == USH_LEDGER_ELEVATED) {
			json_array_append_new(all, entry_json(&ledger, &ledger.items[i], now));
			add_text(&out, &ledger, &ledger.items[i], now);
		}
	if (strcmp(options.output, "json") == 0)
		return ush_broker_print_json(all, err);
	return ush_broker_print(out.data != NULL ? out.data : "nobody has a role for a time\n", err);
}

struct reviewing {
	const char *key;
	struct ush_ledger_entry found;
};

static int look(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	struct reviewing *r = context;
	struct ush_ledger_entry *entry = ush_ledger_find(ledger, r->key);

	if (entry == NULL || entry->kind != USH_LEDGER_ELEVATED || entry->seal == NULL || entry->reviewed) {
		ush_fail(err, USH_ERR_USAGE, "no break-glass waits for a review under the key %s", r->key);
		return ush_hint(err, "See what does: usher-broker elevations -f %s", options.policy);
	}
	ush_ledger_entry_free(&r->found);
	ush_ledger_entry_copy(&r->found, entry);
	if (entry->ended)
		return ush_ledger_drop(ledger, r->key);
	entry->reviewed = true;
	return 1;
}

static int review_one(struct ush_elevating *opened, const char *key, struct ush_error *err)
{
	struct reviewing r = {.key = key};
	USH_AUTO_FREE char *line = NULL;
	int result = ush_ledger_change(&opened->broker.kube, options.state_namespace, opened->policy->name, look, &r, err);

	if (result == 0) {
		result = ush_elevating_log(opened, "grant.reviewed", &r.found, reason, err);
		line = ush_printf("%s: reviewed by %s; %s had role %s in namespace %s by %s%s\n", key, opened->by, r.found.subject, r.found.role,
				  r.found.namespace_name, r.found.by, strcmp(r.found.by, opened->by) == 0 ? ": who took it reviewed it" : "");
	}
	ush_ledger_entry_free(&r.found);
	return result == 0 ? ush_broker_print(line, err) : result;
}

static int review(size_t count, char **operands, struct ush_error *err)
{
	struct ush_elevating opened = {0};

	(void)count;
	if (ush_elevating_reason(reason, err) != 0)
		return -1;
	if (ush_elevating_open(&opened, &options, "review", err) == 0)
		(void)review_one(&opened, operands[0], err);
	return ush_elevating_close(&opened, err);
}

const struct ush_verb ush_verb_elevations = {"elevations", "", "say who has what for a time, and what waits for a review", list_rows, 0, 0, list};
const struct ush_verb ush_verb_review = {"review", "KEY", "note that somebody looked at a break-glass afterwards", review_rows, 1, 1, review};
