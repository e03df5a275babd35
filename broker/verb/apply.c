/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker apply: plan and apply in one, inside the policy's limits (what cron runs); or just the plan from a file,
 * when nothing moved since.
 */
#include <stdio.h>
#include <string.h>

#include "broker/sync/apply.h"
#include "broker/verb/verb.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define PLAN_MAX (256U << 20)

static struct ush_broker_options options = {.state_namespace = "default"};
static const char *plan_file, *confirm;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"plan", 0, USH_OPTION_STRING, "FILE", "carry out this plan (from plan --out), if nothing moved since", &plan_file},
	{"confirm", 0, USH_OPTION_STRING, "HASH", "with --plan: go past the limits for just the plan with this hash", &confirm},
	USH_OPTIONS_CLUSTER(options),
	{NULL},
};

/* ---- what came of it ---- */

static void print_applied(const struct ush_applied *applied, const struct ush_plan *plan)
{
	USH_AUTO_FREE char *why = ush_text_safe(applied->no_proof != NULL ? applied->no_proof : "");

	if (!ush_plan_writes(plan))
		printf("nothing to do\n");
	else if (applied->total == 0)
		printf("%s", applied->failed.count == 0 ? "noted the tombstones" : "the tombstones were not noted");
	else
		printf("applied %zu of %zu in %lld.%lld s", applied->done, applied->total, (long long)applied->took_ms / 1000,
		       (long long)applied->took_ms % 1000 / 100);
	if (ush_plan_writes(plan) && applied->proofs > 0)
		printf("; proof: %zu access review%s as expected", applied->proofs, applied->proofs == 1 ? "" : "s");
	if (ush_plan_writes(plan))
		printf("%s%s\n", applied->no_proof != NULL ? "; no proof: " : "", why);
}

/* What a person should know beside the number: what stayed, what waits, what is in the way, what failed. */
static void print_rest(const struct ush_applied *applied, const struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->change_count; i++) {
		const struct ush_change *change = &plan->changes[i];
		USH_AUTO_FREE char *line = *change->name != '\0' ? ush_printf("%s %s/%s: %s", ush_rbac_kind_name(change->kind), change->namespace_name,
									      change->name, change->reason)
								 : ush_strdup(change->reason);
		USH_AUTO_FREE char *safe = ush_text_safe(line);

		if (change->action >= USH_KEEP)
			fprintf(stderr, "usher-broker: %s\n", safe);
	}
	for (size_t i = 0; i < applied->failed.count; i++) {
		USH_AUTO_FREE char *safe = ush_text_safe(applied->failed.items[i]);

		fprintf(stderr, "usher-broker: failed: %s\n", safe);
	}
}

static int conclude(const struct ush_applied *applied, const struct ush_plan *plan, struct ush_error *err)
{
	struct ush_error verdict = {0};

	print_applied(applied, plan);
	print_rest(applied, plan);
	if (applied->failed.count > 0)
		return ush_fail(err, USH_ERR_PARTIAL, "%zu of %zu changes failed%s", applied->failed.count, applied->total,
				applied->removals_left > 0 ? ", so nothing was removed in this run" : "");
	if (ush_plan_verdict(plan, &verdict) == USH_ERR_INCOMPLETE) {
		*err = verdict;
		return -1;
	}
	if (applied->pending > 0)
		return ush_fail(err, USH_ERR_PARTIAL, "%zu object%s for %s namespace; the next run tries again", applied->pending,
				applied->pending == 1 ? " waits" : "s wait", applied->pending == 1 ? "its" : "their");
	if (ush_plan_count(plan, USH_CONFLICT) > 0)
		return ush_fail(err, USH_ERR_REFUSED, "%zu conflict%s left alone", ush_plan_count(plan, USH_CONFLICT),
				ush_plan_count(plan, USH_CONFLICT) > 1 ? "s were" : " was");
	return 0;
}

static int carry_out(const struct ush_broker *broker, const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_FREE char *holder = ush_broker_identity(&broker->world);
	USH_AUTO_APPLIED applied = {0};

	if (ush_apply(&broker->kube, plan, holder, &applied, err) != 0)
		return -1;
	return conclude(&applied, plan, err);
}

/* ---- the two ways ---- */

static int apply_policy(struct ush_broker *broker, struct ush_error *err)
{
	USH_AUTO_SYNC sync = {.world = &broker->world, .kube = &broker->kube, .state_namespace = options.state_namespace};

	if (ush_sync_plan(&sync, options.policy, err) != 0)
		return -1;
	if (sync.plan->stop.code != USH_OK) {
		*err = sync.plan->stop;
		if (err->code == USH_ERR_REFUSED)
			ush_hint(err, "Look: usher-broker plan -f %s --out plan.json. If that is right: usher-broker apply --plan plan.json --confirm %.8s",
				 options.policy, sync.plan->hash);
		return -1;
	}
	return carry_out(broker, sync.plan, err);
}

static struct ush_plan *read_plan(struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(PLAN_MAX);
	USH_AUTO_JSON json = NULL;

	if (ush_file_read(plan_file, USH_FILE_ANY, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return NULL;
	json = ush_json_parse(text.data, text.length, plan_file, USH_ERR_CONFIG, err);
	return json != NULL ? ush_plan_from_json(json, plan_file, err) : NULL;
}

static int may_go(const struct ush_plan *plan, const struct ush_broker *broker, struct ush_error *err)
{
	if (!plan->live || plan->server == NULL || plan->state_namespace == NULL)
		return ush_fail(err, USH_ERR_USAGE, "%s is a plan for the folder %s, not for a cluster", plan_file, plan->where);
	if (strcmp(plan->server, broker->config->server) != 0)
		return ush_fail(err, USH_ERR_REFUSED, "%s was made for %s, this is %s", plan_file, plan->server, broker->config->server);
	if (plan->stop.code == USH_OK)
		return 0;
	if (plan->stop.code == USH_ERR_REFUSED && confirm != NULL && strlen(confirm) >= 8 && strncmp(plan->hash, confirm, strlen(confirm)) == 0)
		return 0;
	*err = plan->stop;
	return plan->stop.code == USH_ERR_REFUSED ? ush_hint(err, "If that is right: usher-broker apply --plan %s --confirm %.8s", plan_file, plan->hash) : -1;
}

static int apply_plan(struct ush_broker *broker, struct ush_error *err)
{
	USH_AUTO_PLAN plan = read_plan(err);

	if (plan == NULL || may_go(plan, broker, err) != 0 || ush_apply_check(&broker->kube, plan, err) != 0)
		return -1;
	return carry_out(broker, plan, err);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};

	(void)count;
	(void)operands;
	if (plan_file != NULL && options.policy != NULL)
		return ush_fail(err, USH_ERR_USAGE, "either -f or --plan: a plan holds what its policy wanted");
	if (plan_file == NULL && confirm != NULL)
		return ush_fail(err, USH_ERR_USAGE, "--confirm goes with --plan: it confirms one plan that somebody looked at");
	if ((plan_file == NULL && ush_broker_need_policy(&options, err) != 0) || ush_broker_open(&broker, &options, true, err) != 0)
		return -1;
	return plan_file != NULL ? apply_plan(&broker, err) : apply_policy(&broker, err);
}

const struct ush_verb ush_verb_apply = {"apply", "", "carry out the policy inside its limits, or a plan from a file", rows, 0, 0, run};
