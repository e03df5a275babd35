/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker plan: what would change and what it means for people. Writes nothing but the plan file it is asked for.
 */
#include <string.h>
#include <sys/stat.h>

#include "broker/verb/verb.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static struct ush_broker_options options = {.state_namespace = "default", .output = "text"};
static const char *out_file, *from;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"out", 0, USH_OPTION_STRING, "FILE", "write the plan there, for apply --plan", &out_file},
	{"from", 0, USH_OPTION_STRING, "DIR", "compare with a folder of manifests instead of a cluster", &from},
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_OUTPUT(options, "text|json"),
	{NULL},
};

static int write_plan(const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_JSON json = ush_plan_to_json(plan);
	USH_AUTO_FREE char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS), *line = NULL;
	struct stat there;

	if (text == NULL)
		return ush_fail(err, USH_ERR_STORE, "%s: cannot write JSON", out_file);
	if (stat(out_file, &there) == 0 && !S_ISREG(there.st_mode)) { /* the plan would take its place: /dev/null is not to become a file */
		ush_fail(err, USH_ERR_STORE, "%s: is not a regular file; the plan was not written", out_file);
		return ush_hint(err, "For a pipe: usher-broker plan -f %s -o json", options.policy);
	}
	line = ush_printf("%s\n", text);
	return ush_file_write(out_file, line, strlen(line), 0644, err);
}

/* The command that carries the plan out; NULL when there is none. The caller frees. */
static char *next_command(const struct ush_plan *plan)
{
	if (!ush_plan_writes(plan) || plan->stop.code != USH_OK)
		return NULL;
	if (from != NULL)
		return ush_printf("usher-broker render -f %s %s", options.policy, from);
	return out_file != NULL ? ush_printf("usher-broker apply --plan %s", out_file) : ush_printf("usher-broker apply -f %s", options.policy);
}

static int print_plan(const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_JSON json = NULL;
	USH_AUTO_BUF text = {0};
	USH_AUTO_FREE char *next = next_command(plan);

	if (strcmp(options.output, "json") == 0) {
		json = ush_plan_to_json(plan);
		return ush_broker_print_json(json, err);
	}
	ush_plan_to_text(plan, &text, next);
	return ush_broker_print(text.data, err);
}

static void advise(const struct ush_plan *plan, struct ush_error *err)
{
	if (plan->stop.code != USH_ERR_REFUSED)
		return;
	if (out_file != NULL)
		ush_hint(err, "If that is right: usher-broker apply --plan %s --confirm %.8s", out_file, plan->hash);
	else
		ush_hint(err, "If that is right: usher-broker plan -f %s --out plan.json; usher-broker apply --plan plan.json --confirm %.8s", options.policy,
			 plan->hash);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_SYNC sync = {.folder = from, .state_namespace = options.state_namespace};
	enum ush_code verdict;

	(void)count;
	(void)operands;
	if (ush_broker_need_policy(&options, err) != 0 || ush_broker_open(&broker, &options, from == NULL, err) != 0)
		return -1;
	sync.world = &broker.world;
	sync.kube = from == NULL ? &broker.kube : NULL;
	if (ush_sync_plan(&sync, options.policy, err) != 0)
		return -1;
	if ((out_file != NULL && write_plan(sync.plan, err) != 0) || print_plan(sync.plan, err) != 0)
		return -1;
	verdict = ush_plan_verdict(sync.plan, err);
	advise(sync.plan, err);
	return ush_code_status(verdict);
}

const struct ush_verb ush_verb_plan = {"plan", "", "show what would change, and what it means for people", rows, 0, 0, run};
