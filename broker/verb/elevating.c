/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/verb/elevating.h"

#include <stdio.h>
#include <string.h>

#include "broker/journal/journal.h"
#include "broker/lifecycle/elevate.h"
#include "broker/policy/naming.h"
#include "broker/policy/reader.h"
#include "broker/rights/rights.h"
#include "broker/verb/told.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/data/json.h"

int ush_elevating_open(struct ush_elevating *e, const struct ush_broker_options *options, const char *verb, struct ush_error *err)
{
	if (ush_broker_need_policy(options, err) != 0)
		return -1;
	e->policy = ush_policy_load(options->policy, NULL, err);
	if (e->policy == NULL || ush_broker_open(&e->broker, options, true, err) != 0 || ush_rights_who(&e->broker.kube, &e->by, err) != 0 ||
	    ush_told_open(&e->broker, options, err) != 0)
		return -1;
	ush_journal_common(e->broker.journal, json_pack("{s:s, s:s, s:s, s:s}", "verb", verb, "policy", e->policy->name, "by", e->by, "cluster",
							e->broker.config->server));
	return 0;
}

void ush_elevating_warn(const struct ush_elevating *e, const char *state_namespace)
{
	USH_AUTO_FREE char *name = ush_state_name(e->policy->name), *path = ush_printf("/api/v1/namespaces/%s/configmaps/%s", state_namespace, name);
	USH_AUTO_JSON map = NULL;
	struct ush_error ignored = {0};
	int status;

	if (ush_kube_get(&e->broker.kube, path, &status, &map, &ignored) == 0 && map == NULL)
		fprintf(stderr, "usher-broker: no run of policy %s keeps its state in namespace %s: one that keeps it elsewhere takes this for forged. "
				"Say where: --state-namespace NAME\n", e->policy->name, state_namespace);
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
	if (reason == NULL || *reason == '\0') {
		ush_fail(err, USH_ERR_USAGE, "why?");
		return ush_hint(err, "Say it: --reason TEXT");
	}
	if (strlen(reason) > USH_ELEVATE_REASON || ush_name_deceives(reason))
		return ush_fail(err, USH_ERR_USAGE, "--reason: one line of at most %d bytes, without control or invisible characters", USH_ELEVATE_REASON);
	return 0;
}
