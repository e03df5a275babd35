/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker apply: plan and apply in one, inside the policy's limits (what cron runs); or just the plan from a file,
 * when the same plan comes out again.
 */
#include <stdio.h>
#include <string.h>

#include "broker/policy/reader.h"
#include "broker/sync/apply/apply.h"
#include "broker/sync/apply/metrics.h"
#include "broker/sync/plan/moved.h"
#include "broker/verb/told.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"

#define PLAN_AGE 3600 /* s that what the sources said is believed (--no-sources) */

static struct ush_broker_options options = {.rights = "auto"};
static const char *plan_file, *confirm, *max_age_text;
static bool no_sources;
static int64_t max_age = -1;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"plan", 0, USH_OPTION_STRING, "FILE", "carry out this plan (from plan --out), if the same comes out now", &plan_file},
	{"confirm", 0, USH_OPTION_STRING, "HASH", "with --plan: go past the limits for just the plan with this hash", &confirm},
	{"no-sources", 0, USH_OPTION_FLAG, NULL, "with --plan: do not ask the sources again; what they said for the plan holds", &no_sources},
	{"max-age", 0, USH_OPTION_STRING, "DURATION", "with --plan: refuse one that is older; 1h unless said with --no-sources", &max_age_text},
	USH_OPTIONS_APPLY(options),
	USH_OPTIONS_RECORD(options),
	{NULL},
};

/* ---- a plan from a file ---- */

static int may_go(const struct ush_plan *plan, const struct ush_broker *broker, struct ush_error *err)
{
	USH_AUTO_FREE char *to = NULL, *file = NULL;

	if (ush_plan_file_fits(plan, plan_file, broker->config->server, err) != 0)
		return -1;
	if (options.state_namespace != NULL && strcmp(options.state_namespace, plan->state_namespace) != 0)
		return ush_fail(err, USH_ERR_USAGE, "--state-namespace %s, but %s was made for the state in namespace %s", options.state_namespace, plan_file,
				plan->state_namespace);
	if (max_age >= 0 && ush_plan_file_age(plan, plan_file, &broker->way, ush_now(&broker->world), max_age, err) != 0)
		return -1;
	if (plan->stop.code == USH_OK || (plan->stop.code == USH_ERR_REFUSED && ush_carry_confirmed(confirm, plan)))
		return 0;
	*err = plan->stop;
	if (plan->stop.code != USH_ERR_REFUSED)
		return -1;
	to = ush_broker_place(&options);
	file = ush_text_word(plan_file);
	return ush_hint(err, "%sIf that is right: usher-broker apply --plan %s%s --confirm %.8s", confirm != NULL ? "--confirm names another plan. " : "", file,
			to, plan->hash);
}

/* What a source does not say now it may have said then; what is there then is a person's to decide. */
static int incomplete(const struct ush_plan *again, struct ush_error *err)
{
	const struct ush_plan_source *source = again->sources;

	if (again->stop.code == USH_ERR_INCOMPLETE) {
		*err = again->stop;
		return -1;
	}
	while (source->complete)
		source++;
	ush_fail(err, USH_ERR_INCOMPLETE, "source %s is incomplete: %s; nothing was written", source->name, source->why);
	return source->advice != NULL ? ush_hint(err, "%s", source->advice)
				      : ush_hint(err, "Try again; or go by what was read for the plan: --no-sources");
}

/* What moved is known by the two plans. Where it was an object of the cluster's, whoever looks at it can say more. */
static int moved(const struct ush_broker *broker, const struct ush_plan *plan, struct ush_error *err)
{
	struct ush_error closer = {0};

	if (ush_apply_check(&broker->kube, plan, &closer) != 0 && closer.code == USH_ERR_REFUSED)
		*err = closer;
	return ush_plan_file_again(&broker->way, plan, plan_file, err);
}

/* The plan is made again, from what sources and cluster say now. The very same comes out, or nothing is done. */
static int plan_again(struct ush_broker *broker, const struct ush_plan *plan, struct ush_sync *sync, struct ush_error *err)
{
	struct ush_error unused = {0};

	sync->world = &broker->source_world;
	sync->kube = &broker->kube;
	sync->way = &broker->way;
	sync->state_namespace = plan->state_namespace;
	sync->no_people = plan->no_people;
	sync->policy = ush_plan_file_policy(plan, plan_file, options.policy, &broker->way, err);
	if (sync->policy == NULL)
		return -1;
	if (ush_sync_plan(sync, NULL, err) != 0 || ush_broker_recorded(broker, err) != 0)
		return err->code == USH_ERR_CONFIG && err->hint[0] == '\0' ? ush_hint(err, "Where the sources cannot be asked: --no-sources") : -1;
	if (sync->plan->stop.code == USH_ERR_INCOMPLETE || ush_plan_incomplete(sync->plan, &unused))
		return incomplete(sync->plan, err);
	return ush_plan_moved(plan, sync->plan, err) == 0 ? 0 : moved(broker, plan, err);
}

/* With what the plan says that was read; what the cluster has now is looked at all the same. */
static int check_as_it_is(struct ush_broker *broker, const struct ush_plan *plan, struct ush_error *err)
{
	if (ush_plan_file_policy_stands(plan, plan_file, options.policy, &broker->way, err) != 0)
		return -1;
	return ush_apply_check(&broker->kube, plan, err);
}

/* The way to where the plan's state is: it is said in commands unless the policy says it. */
static struct ush_broker_options way_of(const struct ush_plan *plan)
{
	struct ush_broker_options here = options;
	struct ush_error ignored = {0};
	USH_AUTO_POLICY policy = NULL;

	here.policy = options.policy != NULL ? options.policy : plan->policy_file;
	if (strcmp(here.policy, "-") != 0) /* that can be read once */
		policy = ush_policy_load(here.policy, NULL, &ignored);
	here.state_of_policy = policy != NULL && policy->state_namespace != NULL;
	if (here.state_namespace == NULL)
		here.state_namespace = plan->state_namespace;
	return here;
}

static int apply_plan(struct ush_broker *broker, struct ush_error *err)
{
	USH_AUTO_PLAN plan = ush_plan_file_read(plan_file, err); /* before a cluster is looked for */
	USH_AUTO_APPLIED applied = {0};
	USH_AUTO_SYNC sync = {0};
	struct ush_carry carry = {.broker = broker, .options = &options, .plan_file = plan_file, .confirm = confirm};
	int64_t began = ush_boot_ms(&broker->world);
	struct ush_broker_options here;
	struct ush_run numbers = {.verb = "apply"};
	int result;

	if (plan == NULL)
		return -1;
	here = way_of(plan);
	if (ush_broker_connect(broker, &here, NULL, err) != 0)
		return -1;
	if (may_go(plan, broker, err) != 0) {
		ush_told_nothing(&carry, plan, err);
		return -1;
	}
	result = no_sources ? check_as_it_is(broker, plan, err) : plan_again(broker, plan, &sync, err);
	carry.policy = sync.policy;
	if (result != 0)
		ush_told_nothing(&carry, plan, err);
	else if (ush_carry_out(&carry, no_sources ? plan : sync.plan, &applied, err) == 0)
		numbers.applied = &applied;
	numbers.plan = sync.plan != NULL ? sync.plan : plan;
	numbers.policy = plan->policy;
	numbers.status = ush_code_status(err->code);
	numbers.now = ush_now(&broker->world);
	numbers.took_ms = ush_boot_ms(&broker->world) - began;
	ush_broker_metrics(&options, &numbers, err);
	return ush_code_status(err->code);
}

/* ---- the command line ---- */

static int check_options(struct ush_error *err)
{
	const struct {
		bool wrong;
		const char *why;
	} rules[] = {
		{plan_file == NULL && options.policy == NULL, "which policy?"},
		{plan_file != NULL && options.no_people, "--no-people goes with -f alone: a plan is made again as it was made"},
		{plan_file != NULL && options.clusters.count > 0, "--cluster goes with -f alone: a plan is for the cluster that it was made for"},
		{plan_file == NULL && confirm != NULL, "--confirm goes with --plan: it confirms one plan that somebody looked at"},
		{plan_file == NULL && no_sources, "--no-sources goes with --plan: it takes what the sources said when the plan was made"},
		{plan_file == NULL && max_age_text != NULL, "--max-age goes with --plan: it is the plan's"},
		{no_sources && (options.record != NULL || options.replay != NULL), "--no-sources asks nobody: nothing is there to record or to replay"},
		{max_age_text != NULL && !ush_parse_duration(max_age_text, &max_age), "--max-age: expected a number with s, m, h or d behind it, as in 90m"},
	};

	for (size_t i = 0; i < USH_COUNT(rules); i++)
		if (rules[i].wrong) {
			ush_fail(err, USH_ERR_USAGE, "%s", rules[i].why);
			return i == 0 ? ush_hint(err, "Name it: -f policy.yaml; or the plan: --plan plan.json") : -1;
		}
	if (no_sources && max_age < 0)
		max_age = PLAN_AGE;
	return 0;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	int result;

	(void)count;
	(void)operands;
	if (check_options(err) != 0 || ush_broker_open(&broker, &options, false, err) != 0)
		return -1;
	if (plan_file == NULL)
		return ush_broker_apply_policy(&broker, &options, err);
	if (ush_told_open(&broker, &options, err) != 0)
		return -1;
	result = apply_plan(&broker, err);
	return ush_told_close(&broker, err) == 0 ? result : -1;
}

const struct ush_verb ush_verb_apply = {"apply", "", "carry out the policy inside its limits, or a plan from a file", rows, 0, 0, run};
