/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/verb/elevating.h"

#include <stdio.h>
#include <string.h>

#include "broker/journal/journal.h"
#include "broker/ledger/ledger_store.h"
#include "broker/lifecycle/elevate/elevate.h"
#include "broker/policy/naming.h"
#include "broker/policy/reader.h"
#include "broker/rights/rights.h"
#include "broker/sync/state/ledger_note.h"
#include "broker/sync/state/store.h"
#include "broker/verb/told.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/data/json.h"

int ush_elevating_open(struct ush_elevating *e, struct ush_broker_options *options, const char *verb, struct ush_error *err)
{
	e->verb = verb;
	e->policy = ush_broker_policy(options, err);
	e->options = *options;
	if (e->policy == NULL || ush_broker_open(&e->broker, options, false, err) != 0)
		return -1;
	return ush_told_open(&e->broker, options, err);
}

/* ---- which clusters ---- */

static bool is_named(const struct ush_elevating *e)
{
	return e->options.kubeconfig != NULL || e->options.context != NULL;
}

int ush_elevating_one(const struct ush_elevating *e, struct ush_error *err)
{
	USH_AUTO_FREE char *names = ush_broker_cluster_names(e->policy);

	if (e->policy->cluster_count <= 1 || is_named(e) || e->options.clusters.count == 1)
		return 0;
	ush_fail(err, USH_ERR_USAGE, "in which cluster? Access is given in one at a time, and the policy lists %.300s", names);
	return ush_hint(err, "Say which: --cluster %s", e->policy->clusters[0].name);
}

/* One turn of several: its ledger, and who we are there. */
struct call {
	struct ush_elevating *e;
	int (*act)(struct ush_elevating *e, void *context, struct ush_error *err);
	void *context;
};

static int begin(struct ush_elevating *e, struct ush_error *err)
{
	free(ush_steal(&e->by));
	if (e->looks)
		return 0;
	if (ush_rights_who(&e->broker.kube, &e->by, err) != 0)
		return -1;
	ush_journal_common(e->broker.journal, json_pack("{s:s, s:s, s:s, s:s?, s:s}", "verb", e->verb, "policy", e->policy->name, "by", e->by, "cluster", e->cluster,
							"server", e->broker.config->server));
	return 0;
}

static int take_turn(struct ush_turn *turn, struct ush_error *err)
{
	const struct call *call = turn->context;
	struct ush_elevating *e = call->e;

	e->cluster = turn->cluster;
	if (begin(e, err) == 0)
		(void)call->act(e, call->context, err);
	return err->code != USH_OK ? -1 : 0;
}

int ush_elevating_each(struct ush_elevating *e, int (*act)(struct ush_elevating *e, void *context, struct ush_error *err), void *context, struct ush_error *err)
{
	struct ush_sync sync = {.world = &e->broker.world, .state_namespace = e->options.state_namespace, .policy = e->policy};
	struct call call = {e, act, context};
	int status = ush_broker_each(&e->broker, &e->options, &sync, e->verb, take_turn, &call, err);

	return status == 0 && err->code == USH_OK ? 0 : -1;
}

struct finding {
	const char *key;
	bool (*fits)(const struct ush_ledger_entry *entry);
	const char *first; /* of those that have it, and all of them */
	struct ush_buf names;
	size_t count;
};

static int look(struct ush_elevating *e, void *context, struct ush_error *err)
{
	struct finding *finding = context;
	const struct ush_ledger_entry *entry;
	USH_AUTO_LEDGER ledger = {0};

	if (ush_ledger_load(&ledger, &e->broker.kube, e->options.state_namespace, e->policy->name, NULL, err) != 0)
		return -1;
	entry = ush_ledger_find(&ledger, finding->key);
	if (entry == NULL &&
	    ush_ledger_look(&e->broker.kube, &ledger, e->options.state_namespace, e->policy->name, "nobody can say whether it had the key", err) != 0)
		return -1;
	if (entry == NULL || !finding->fits(entry))
		return 0;
	ush_buf_printf(&finding->names, "%s%s", finding->count > 0 ? ", " : "", e->cluster);
	if (finding->count++ == 0)
		finding->first = e->cluster;
	return 0;
}

/* What was found, with what could not be asked in err; as ush_elevating_find. */
static int conclude(struct ush_elevating *e, const struct finding *finding, struct ush_error *err)
{
	if (finding->count == 0)
		return err->code == USH_OK ? 0 : err->code == USH_ERR_USAGE ? -1 : ush_error_at(err, "no cluster that answered has the key %.60s", finding->key);
	ush_error_clear(err); /* a key is one entry: who did not answer does not matter any more */
	if (finding->count > 1) {
		ush_fail(err, USH_ERR_USAGE, "%zu clusters have the key %.60s: %.300s; nothing was done", finding->count, finding->key, finding->names.data);
		return ush_hint(err, "Say which: --cluster %s", finding->first);
	}
	e->only = finding->first;
	e->options.clusters = (struct ush_strings){&e->only, 1};
	return 1;
}

int ush_elevating_find(struct ush_elevating *e, const char *key, bool (*fits)(const struct ush_ledger_entry *entry), struct ush_error *err)
{
	struct finding finding = {.key = key, .fits = fits};
	int result = 1;

	if (e->policy->cluster_count > 1 && !is_named(e) && e->options.clusters.count != 1) {
		e->looks = true;
		(void)ush_elevating_each(e, look, &finding, err);
		e->looks = false;
		result = conclude(e, &finding, err);
	}
	ush_buf_free(&finding.names);
	return result;
}

/* ---- words ---- */

char *ush_elevating_where(const struct ush_elevating *e)
{
	return e->cluster != NULL ? ush_printf("cluster %s: ", e->cluster) : ush_strdup("");
}

char *ush_elevating_again(const struct ush_elevating *e)
{
	return ush_broker_same(&e->options, e->cluster);
}

void ush_elevating_stays(const struct ush_elevating *e, const char *key)
{
	USH_AUTO_FREE char *again = ush_elevating_again(e);

	fprintf(stderr, "usher-broker: what it makes meanwhile stays when it ends: tokens (kubectl create token), ServiceAccounts, Secrets, bindings. "
			"Sooner, by its key: usher-broker elevate --end %s %s\n", key, again);
}

void ush_elevating_warn(const struct ush_elevating *e)
{
	const char *space = e->options.state_namespace;
	USH_AUTO_FREE char *path = ush_state_path(space, e->policy->name);
	USH_AUTO_JSON map = NULL;
	struct ush_error ignored = {0};
	int status;

	if (ush_kube_get(&e->broker.kube, path, &status, &map, &ignored) == 0 && map == NULL)
		fprintf(stderr, "usher-broker: no run of policy %s keeps its state in namespace %s: one that keeps it elsewhere takes this for forged. "
				"Say in the policy where it is: cluster.stateNamespace\n", e->policy->name, space);
}

int ush_elevating_close(struct ush_elevating *e, struct ush_error *err)
{
	int result = ush_told_close(&e->broker, err);

	ush_broker_close(&e->broker);
	ush_policy_free(e->policy);
	free(e->by);
	*e = (struct ush_elevating){0};
	return err->code != USH_OK ? -1 : result;
}

int ush_elevating_log(struct ush_elevating *e, const char *event, const struct ush_ledger_entry *entry, const char *reason, struct ush_error *err)
{
	USH_AUTO_FREE char *until = entry->until != 0 ? ush_moment(entry->until) : NULL;
	json_t *members = json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "key", entry->key, "kind", ush_ledger_kind_name(entry->kind),
				    "name", entry->name, "reason", reason != NULL ? reason : entry->reason, "ticket", entry->ticket, "subject", entry->subject,
				    "role", entry->role, "namespace", entry->namespace_name, "binding", entry->binding, "seal", entry->seal, "until", until);

	e->broker.changed = true;
	return ush_journal_add(e->broker.journal, event, members, err);
}

int ush_elevating_span(const char *text, int64_t *seconds, struct ush_error *err)
{
	if (text == NULL) {
		ush_fail(err, USH_ERR_USAGE, "for how long?");
		return ush_hint(err, "Say it: --for 2h");
	}
	if (!ush_parse_duration(text, seconds) || *seconds == 0)
		return ush_fail(err, USH_ERR_USAGE, "--for: expected a number with s, m, h or d behind it, as in 90m");
	return 0;
}

int ush_elevating_reason(const char *reason, struct ush_error *err)
{
	if (reason == NULL || reason[strspn(reason, " ")] == '\0') {
		ush_fail(err, USH_ERR_USAGE, "why?");
		return ush_hint(err, "Say it: --reason TEXT");
	}
	if (strlen(reason) > USH_ELEVATE_REASON || ush_name_deceives(reason))
		return ush_fail(err, USH_ERR_USAGE, "--reason: one line of at most %d bytes, without control or invisible characters", USH_ELEVATE_REASON);
	return 0;
}
