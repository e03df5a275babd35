/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker plan: what would change and what it means for people. Writes nothing but the plan file it is asked for.
 */
#include <string.h>
#include <sys/stat.h>

#include "broker/verb/verb.h"
#include "common/base/file.h"
#include "common/base/memory.h"

static struct ush_broker_options options = {.output = "text"};
static const char *out_file, *from, *namespaces;
static bool no_people, verbose;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"out", 0, USH_OPTION_STRING, "FILE", "write the plan there, for apply --plan", &out_file},
	{"from", 0, USH_OPTION_STRING, "DIR", "compare with a folder of manifests instead of a cluster", &from},
	{"namespaces", 0, USH_OPTION_STRING, "PATH", "with --from: where the Namespace manifests are, the folder itself unless said", &namespaces},
	{"no-people", 0, USH_OPTION_FLAG, NULL, "read no members: limits and sentences go without numbers of people", &no_people},
	{"verbose", 'v', USH_OPTION_FLAG, NULL, "name every binding that leads nowhere", &verbose},
	USH_OPTIONS_RUN(options),
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTIONS_RECORD(options),
	USH_OPTION_OUTPUT(options, "text|json|markdown"),
	{NULL},
};

static int write_plan(const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_BUF text = {.limit = SIZE_MAX};
	struct stat there;

	if (ush_plan_print(plan, &text) != 0)
		return ush_fail(err, USH_ERR_STORE, "%s: cannot write JSON", out_file);
	if (stat(out_file, &there) == 0 && !S_ISREG(there.st_mode)) { /* the plan would take its place: /dev/null is not to become a file */
		ush_fail(err, USH_ERR_STORE, "%s: is not a regular file; the plan was not written", out_file);
		return ush_hint(err, "For a pipe: -o json, and no --out");
	}
	if (ush_file_write(out_file, text.data, text.length, 0644, err) == 0)
		return 0;
	return err->hint[0] == '\0' ? ush_hint(err, "The plan was not written") : -1;
}

/* The command that carries out what is planned for a folder, and past the limits when confirm says so. The caller frees. */
static char *render_command(const struct ush_way *way, const char *confirm)
{
	USH_AUTO_FREE char *spaces = ush_way_option("namespaces", namespaces), *hash = ush_way_option("confirm", confirm), *folder = ush_text_word(from);

	return ush_way_policy(way, "render%s%s%s%s %s", way->state, spaces, no_people ? " --no-people" : "", hash, folder);
}

/* The command that carries the plan out; NULL when there is none. The caller frees. */
static char *next_command(const struct ush_turn *turn)
{
	USH_AUTO_FREE char *file = ush_way_option("plan", out_file);
	const struct ush_way *way = &turn->broker->way;
	const struct ush_plan *plan = turn->sync->plan;

	if (!ush_plan_writes(plan) || plan->stop.code != USH_OK)
		return NULL;
	if (from != NULL)
		return render_command(way, NULL);
	if (out_file != NULL)
		return ush_printf("usher-broker apply%s%s%s", file, way->kubectl, way->state);
	return ush_way_broker(way, "apply%s", no_people ? " --no-people" : "");
}

/* A comment of a merge request holds so much; of several clusters each has its share. */
static void add_markdown(struct ush_buf *out, const struct ush_turn *turn)
{
	size_t turns = options.clusters.count > 0 ? options.clusters.count : turn->sync->policy->cluster_count;
	USH_AUTO_BUF page = USH_BUF_MAX(USH_MARKDOWN_MAX / (turn->cluster != NULL && turns > 0 ? turns : 1));

	ush_plan_to_markdown(turn->sync->plan, &page);
	ush_buf_add(out, page.data, page.length);
}

/* The command that goes past the limits, or says yes to what waits for it. The caller frees. */
static char *confirm_command(const struct ush_turn *turn)
{
	const struct ush_way *way = &turn->broker->way;
	USH_AUTO_FREE char *first = ush_way_broker(way, "plan%s --out plan.json; ", no_people ? " --no-people" : "");
	USH_AUTO_FREE char *hash = ush_strndup(turn->sync->plan->hash, 8), *file = ush_way_option("plan", out_file != NULL ? out_file : "plan.json");

	if (from != NULL)
		return render_command(way, hash);
	return ush_printf("%susher-broker apply%s --confirm %s%s%s", out_file != NULL ? "" : first, file, hash, way->kubectl, way->state);
}

/* A group that was made anew: how to say that it may have what the old one had. */
static void say_waiting(struct ush_buf *out, const struct ush_turn *turn)
{
	const struct ush_plan *plan = turn->sync->plan;
	USH_AUTO_FREE char *command = NULL;
	size_t waiting = 0;

	for (size_t i = 0; i < plan->change_count; i++)
		waiting += plan->changes[i].consent && plan->changes[i].action <= USH_REMOVE;
	if (waiting == 0 || plan->stop.code != USH_OK)
		return;
	command = confirm_command(turn);
	ush_buf_printf(out, "%zu of them wait%s for somebody's word. To give it: %s\n", waiting, waiting == 1 ? "s" : "", command);
}

static int print_plan(const struct ush_turn *turn, struct ush_error *err)
{
	const struct ush_plan *plan = turn->sync->plan;
	USH_AUTO_BUF text = {.limit = SIZE_MAX};
	USH_AUTO_FREE char *next = next_command(turn);

	if (strcmp(options.output, "json") == 0) {
		if (ush_plan_print(plan, &text) != 0)
			return ush_fail(err, USH_ERR_STORE, "cannot write JSON");
	} else if (strcmp(options.output, "markdown") == 0) {
		add_markdown(&text, turn);
	} else {
		ush_plan_to_text(plan, &text, next);
		say_waiting(&text, turn);
		if (verbose)
			ush_plan_dangling_text(plan, &text);
	}
	return ush_broker_print(text.data, err);
}

static void advise(const struct ush_turn *turn, struct ush_error *err)
{
	USH_AUTO_FREE char *command = confirm_command(turn);

	if (turn->sync->plan->stop.code == USH_ERR_REFUSED)
		ush_hint(err, "If that is right: %s", command);
}

static int plan_cluster(struct ush_turn *turn, struct ush_error *err)
{
	enum ush_code verdict;

	if (turn->cluster != NULL && strcmp(options.output, "json") != 0)
		printf(strcmp(options.output, "markdown") == 0 ? "# %s\n\n" : "cluster %s\n", turn->cluster);
	if (ush_sync_plan(turn->sync, options.policy, err) != 0 || ush_broker_recorded(turn->broker, err) != 0)
		return -1;
	if ((out_file != NULL && write_plan(turn->sync->plan, err) != 0) || print_plan(turn, err) != 0)
		return -1;
	verdict = ush_plan_verdict(turn->sync->plan, err);
	advise(turn, err);
	return ush_code_status(verdict);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_SYNC sync = {.folder = from, .namespaces = namespaces, .no_people = no_people};

	(void)count;
	(void)operands;
	if (namespaces != NULL && from == NULL)
		return ush_fail(err, USH_ERR_USAGE, "--namespaces goes with --from: a cluster is asked for its own");
	if (out_file != NULL && *out_file == '\0')
		return ush_fail(err, USH_ERR_USAGE, "--out wants the name of a file");
	if ((sync.policy = ush_broker_policy(&options, err)) == NULL || ush_broker_open(&broker, &options, false, err) != 0)
		return -1;
	sync.state_namespace = options.state_namespace;
	if (out_file != NULL && sync.policy->cluster_count > 1 && options.clusters.count != 1 && options.context == NULL && options.kubeconfig == NULL)
		return ush_fail(err, USH_ERR_USAGE, "--out is for one cluster: name it by --cluster");
	sync.world = &broker.source_world;
	return ush_broker_each(&broker, &options, &sync, "plan", plan_cluster, NULL, err);
}

const struct ush_verb ush_verb_plan = {"plan", "", "show what would change, and what it means for people", rows, 0, 0, run};
