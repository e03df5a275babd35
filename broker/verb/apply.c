/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker apply: plan and apply in one, inside the policy's limits (what cron runs); or just the plan from a file,
 * when nothing moved since.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/sync/apply.h"
#include "broker/sync/metrics.h"
#include "broker/verb/verb.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define PLAN_MAX (256U << 20)

static struct ush_broker_options options = {.state_namespace = "default"};
static const char *plan_file, *confirm, *rights = "auto";
static bool no_people;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"plan", 0, USH_OPTION_STRING, "FILE", "carry out this plan (from plan --out), if nothing moved since", &plan_file},
	{"confirm", 0, USH_OPTION_STRING, "HASH", "with --plan: go past the limits for just the plan with this hash", &confirm},
	{"no-people", 0, USH_OPTION_FLAG, NULL, "read no members: limits go without numbers of people", &no_people},
	USH_OPTION_RIGHTS(rights),
	USH_OPTIONS_RUN(options),
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTIONS_RECORD(options),
	{NULL},
};

/* ---- what came of it ---- */

static void print_applied(const struct ush_applied *applied, const struct ush_plan *plan)
{
	USH_AUTO_FREE char *why = ush_text_safe(applied->no_proof != NULL ? applied->no_proof : "");

	if (!ush_plan_writes(plan))
		printf("nothing to do\n");
	else if (applied->total == 0)
		printf("%s%s", plan->stones_changed ? "the tombstones" : "the list of namespaces", applied->failed.count == 0 ? ": noted" : ": not noted");
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

static int failed(const struct ush_applied *applied, struct ush_error *err)
{
	size_t left = applied->removals_left;

	if (left == 0)
		return ush_fail(err, USH_ERR_PARTIAL, "%zu of %zu changes failed", applied->failed.count, applied->total);
	return ush_fail(err, USH_ERR_PARTIAL, "%zu of %zu changes failed; %zu removal%s for the next run: nothing is removed where something failed",
			applied->failed.count, applied->total, left, left == 1 ? " waits" : "s wait");
}

/* held: changes that wait for a person's consent. */
static int conclude(const struct ush_applied *applied, const struct ush_plan *plan, size_t held, struct ush_error *err)
{
	struct ush_error verdict = {0};

	print_applied(applied, plan);
	print_rest(applied, plan);
	if (applied->failed.count > 0)
		return failed(applied, err);
	if (ush_plan_verdict(plan, &verdict) == USH_ERR_INCOMPLETE) {
		*err = verdict;
		return -1;
	}
	if (applied->pending > 0)
		return ush_fail(err, USH_ERR_PARTIAL, "%zu object%s for %s namespace; the next run tries again", applied->pending,
				applied->pending == 1 ? " waits" : "s wait", applied->pending == 1 ? "its" : "their");
	if (held > 0) {
		ush_fail(err, USH_ERR_REFUSED, "%zu binding%s for a person's consent: a group was deleted and made anew", held, held == 1 ? " waits" : "s wait");
		return ush_hint(err, "Look: usher-broker plan -f %s --out plan.json. If that is right: usher-broker apply --plan plan.json --confirm %.8s",
				plan->policy_file, plan->hash);
	}
	if (ush_plan_count(plan, USH_CONFLICT) > 0)
		return ush_fail(err, USH_ERR_REFUSED, "%zu conflict%s left alone", ush_plan_count(plan, USH_CONFLICT),
				ush_plan_count(plan, USH_CONFLICT) > 1 ? "s were" : " was");
	return 0;
}

/* Nobody runs unattended with more rights than the policy needs. policy NULL: the one the plan was made from, which must
 * be as it was then. */
static int check_rights(const struct ush_broker *broker, const struct ush_policy *policy, const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_POLICY own = NULL;
	bool matter;

	if (ush_broker_rights_matter(broker, rights, &matter, err) != 0)
		return -1;
	if (!matter || policy != NULL)
		return matter ? ush_broker_check_rights(broker, policy, plan->state_namespace, err) : 0;
	own = ush_policy_load(plan->policy_file, NULL, err);
	if (own != NULL && strcmp(own->digest, plan->policy_digest) == 0)
		return ush_broker_check_rights(broker, own, plan->state_namespace, err);
	if (own != NULL)
		ush_fail(err, USH_ERR_REFUSED, "%s is not what it was when %s was made", plan->policy_file, plan_file);
	return ush_hint(err, "Make a new plan, or apply this one whatever we may do: --rights any");
}

static bool confirmed(const struct ush_plan *plan)
{
	return confirm != NULL && strlen(confirm) >= 8 && strncmp(plan->hash, confirm, strlen(confirm)) == 0;
}

static int carry_out(const struct ush_broker *broker, const struct ush_policy *policy, struct ush_plan *plan, struct ush_applied *applied,
		     struct ush_error *err)
{
	USH_AUTO_FREE char *holder = ush_broker_identity(&broker->world);
	size_t held = ush_plan_consent(plan, confirmed(plan));

	if (ush_plan_writes(plan) && check_rights(broker, policy, plan, err) != 0)
		return -1;
	if (ush_apply(&broker->kube, plan, holder, applied, err) != 0)
		return -1;
	return conclude(applied, plan, held, err);
}

/* ---- the two ways ---- */

static int apply_cluster(struct ush_turn *turn, struct ush_error *err)
{
	struct ush_plan *plan;

	if (turn->cluster != NULL)
		printf("cluster %s: ", turn->cluster);
	if (ush_sync_plan(turn->sync, options.policy, err) != 0 || ush_broker_recorded(turn->broker, err) != 0)
		return -1;
	plan = turn->sync->plan;
	if (plan->stop.code != USH_OK) {
		*err = plan->stop;
		if (err->code == USH_ERR_REFUSED)
			ush_hint(err, "Look: usher-broker plan -f %s --out plan.json. If that is right: usher-broker apply --plan plan.json --confirm %.8s",
				 options.policy, plan->hash);
		return -1;
	}
	turn->carried_out = true;
	return carry_out(turn->broker, turn->sync->policy, plan, &turn->applied, err);
}

static int apply_policy(struct ush_broker *broker, struct ush_error *err)
{
	USH_AUTO_SYNC sync = {.world = &broker->source_world, .state_namespace = options.state_namespace, .no_people = no_people};

	sync.policy = ush_policy_load(options.policy, NULL, err);
	return sync.policy != NULL ? ush_broker_each(broker, &options, &sync, "apply", apply_cluster, err) : -1;
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
	if (plan->stop.code == USH_ERR_REFUSED && confirmed(plan))
		return 0;
	*err = plan->stop;
	return plan->stop.code == USH_ERR_REFUSED ? ush_hint(err, "If that is right: usher-broker apply --plan %s --confirm %.8s", plan_file, plan->hash) : -1;
}

/* What the plan was made from is as it was, where it is at hand: a plan may be carried out on another machine. */
static int check_policy(const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_POLICY own = NULL;
	struct ush_error why = {0};

	if (plan->policy_file == NULL || access(plan->policy_file, F_OK) != 0)
		return 0;
	own = ush_policy_load(plan->policy_file, NULL, &why);
	if (own != NULL && strcmp(own->digest, plan->policy_digest) == 0)
		return 0;
	ush_fail(err, USH_ERR_REFUSED, "%s is not what it was when %s was made; nothing was written", plan->policy_file, plan_file);
	return ush_hint(err, "Plan again");
}

static int apply_plan(struct ush_broker *broker, struct ush_error *err)
{
	USH_AUTO_PLAN plan = read_plan(err);
	USH_AUTO_APPLIED applied = {0};
	int64_t began = ush_boot_ms(&broker->world);
	struct ush_run numbers = {.verb = "apply", .plan = plan};

	if (plan == NULL || may_go(plan, broker, err) != 0 || check_policy(plan, err) != 0)
		return -1;
	if (ush_apply_check(&broker->kube, plan, err) == 0 && carry_out(broker, NULL, plan, &applied, err) == 0)
		numbers.applied = &applied;
	numbers.policy = plan->policy;
	numbers.status = ush_code_status(err->code);
	numbers.now = ush_now(&broker->world);
	numbers.took_ms = ush_boot_ms(&broker->world) - began;
	ush_broker_metrics(&options, &numbers, err);
	return ush_code_status(err->code);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};

	(void)count;
	(void)operands;
	if (plan_file != NULL && options.policy != NULL)
		return ush_fail(err, USH_ERR_USAGE, "either -f or --plan: a plan holds what its policy wanted");
	if (plan_file != NULL && (options.record != NULL || options.replay != NULL))
		return ush_fail(err, USH_ERR_USAGE, "--record and --replay go with -f: a plan holds what its sources said");
	if (plan_file == NULL && confirm != NULL)
		return ush_fail(err, USH_ERR_USAGE, "--confirm goes with --plan: it confirms one plan that somebody looked at");
	if (plan_file != NULL && options.clusters.count > 0)
		return ush_fail(err, USH_ERR_USAGE, "--cluster goes with -f: a plan is for the cluster that it was made for");
	if ((plan_file == NULL && ush_broker_need_policy(&options, err) != 0) || ush_broker_open(&broker, &options, plan_file != NULL, err) != 0)
		return -1;
	return plan_file != NULL ? apply_plan(&broker, err) : apply_policy(&broker, err);
}

const struct ush_verb ush_verb_apply = {"apply", "", "carry out the policy inside its limits, or a plan from a file", rows, 0, 0, run};
