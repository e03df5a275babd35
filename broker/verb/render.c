/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker render DIR: the same objects as manifests in a folder, for whoever applies from git. The folder is what is
 * compared with, so brakes and tombstones hold for it as they do for a cluster.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/policy/naming.h"
#include "broker/sync/apply/generation.h"
#include "broker/sync/apply/render.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"

static struct ush_broker_options options;
static const char *confirm, *namespaces;
static bool no_people, generations;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"confirm", 0, USH_OPTION_STRING, "HASH", "go past the limits for just the plan with this hash", &confirm},
	{"namespaces", 0, USH_OPTION_STRING, "PATH", "where the Namespace manifests are, DIR itself unless said", &namespaces},
	{"generations", 0, USH_OPTION_FLAG, NULL, "write DIR/g-HASH whole and let DIR/current lead to it; the one before stays", &generations},
	{"no-people", 0, USH_OPTION_FLAG, NULL, "read no members: limits go without numbers of people", &no_people},
	{"state-namespace", 0, USH_OPTION_STRING, "NAME", "as plan and apply are told it, for the labels; where the policy does not say it", &options.state_namespace},
	USH_OPTIONS_RECORD(options),
	{NULL},
};

static bool confirmed(const struct ush_plan *plan)
{
	return confirm != NULL && strlen(confirm) >= 8 && strncmp(plan->hash, confirm, strlen(confirm)) == 0;
}

static int hint_confirm(const struct ush_plan *plan, const struct ush_way *way, const char *folder, struct ush_error *err)
{
	USH_AUTO_FREE char *spaces = ush_way_option("namespaces", namespaces), *word = ush_text_word(folder);
	USH_AUTO_FREE char *command = ush_way_policy(way, "render%s%s%s%s --confirm %.8s %s", way->state, spaces, no_people ? " --no-people" : "",
						     generations ? " --generations" : "", plan->hash, word);

	return ush_hint(err, "If that is right: %s", command);
}

/* Incomplete stops, the brake stops unless this plan was confirmed; conflicts are left alone and said. */
static int may_write(const struct ush_plan *plan, const struct ush_way *way, const char *folder, struct ush_error *err)
{
	if (ush_plan_verdict(plan, err) == USH_ERR_INCOMPLETE)
		return -1;
	if (plan->stop.code != USH_OK && !confirmed(plan))
		return hint_confirm(plan, way, folder, err);
	ush_error_clear(err);
	return 0;
}

/* A namespace is a file's name here, and a folder of manifests is anybody's: ../x must not lead out of ours. */
static int check_names(const struct ush_plan *plan, struct ush_error *err)
{
	for (size_t i = 0; i < plan->object_count; i++) {
		const char *name = plan->objects[i].namespace_name, *why = ush_name_not_label(name);

		if (why != NULL)
			return ush_fail(err, USH_ERR_INCOMPLETE, "no namespace can be called \"%s\": it %s; nothing was written", name, why);
	}
	return 0;
}

static void print_files(const struct ush_rendered *rendered, const char *folder)
{
	USH_AUTO_FREE char *safe = ush_text_safe(folder);

	printf("%s: %zu file%s written, %zu as before, %zu removed\n", safe, rendered->written, rendered->written == 1 ? "" : "s", rendered->unchanged,
	       rendered->removed);
}

/* held: changes that wait for a person's consent. */
static int conclude(const struct ush_rendered *rendered, const struct ush_plan *plan, const struct ush_way *way, size_t held, const char *folder, struct ush_error *err)
{
	size_t conflicts = ush_plan_count(plan, USH_CONFLICT);

	if (rendered->foreign.count > 0)
		return ush_fail(err, USH_ERR_REFUSED, "%s was not written by usher-broker and stands where %s should; it was left alone", rendered->foreign.items[0],
				rendered->foreign.count > 1 ? "one of several files of ours" : "a file of ours");
	if (held > 0) {
		ush_fail(err, USH_ERR_REFUSED, "%zu binding%s for a person's consent: a group was deleted and made anew", held, held == 1 ? " waits" : "s wait");
		return hint_confirm(plan, way, folder, err);
	}
	return conflicts > 0 ? ush_fail(err, USH_ERR_REFUSED, "%zu conflict%s left alone", conflicts, conflicts > 1 ? "s were" : " was") : 0;
}

/* Before anybody is asked anything. A folder that is not there is made. */
static int check_folder(const char *folder, struct ush_error *err)
{
	struct stat there, link;

	if (strcmp(folder, "-") == 0 || *folder == '\0')
		return ush_fail(err, USH_ERR_USAGE, *folder == '\0' ? "render wants the name of a folder" : "render writes a folder, not stdout");
	if (stat(folder, &there) == 0 ? !S_ISDIR(there.st_mode) : lstat(folder, &link) == 0)
		return ush_fail(err, USH_ERR_STORE, "%s: is not a folder; nothing was written", folder);
	return 0;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_FREE char *current = ush_generation_current(operands[0]);
	USH_AUTO_SYNC sync = {.folder = generations ? current : operands[0], .all_objects = true, .namespaces = namespaces, .no_people = no_people};
	USH_AUTO_RENDERED rendered = {0};
	size_t held;

	(void)count;
	if (check_folder(operands[0], err) != 0)
		return -1;
	if ((sync.policy = ush_broker_policy(&options, err)) == NULL || ush_broker_open(&broker, &options, false, err) != 0)
		return -1;
	sync.state_namespace = options.state_namespace;
	sync.world = &broker.source_world;
	sync.way = &broker.way;
	if (ush_sync_plan(&sync, options.policy, err) != 0 || ush_broker_recorded(&broker, err) != 0 || may_write(sync.plan, &broker.way, operands[0], err) != 0)
		return -1;
	held = ush_plan_consent(sync.plan, confirmed(sync.plan));
	if (check_names(sync.plan, err) != 0 || (generations ? ush_generation_render : ush_render)(operands[0], sync.plan, &rendered, err) != 0)
		return -1;
	print_files(&rendered, operands[0]);
	ush_broker_tell_plan(sync.plan, &(struct ush_telling){.way = &broker.way, .folder = sync.folder});
	return conclude(&rendered, sync.plan, &broker.way, held, operands[0], err);
}

const struct ush_verb ush_verb_render = {"render", "DIR", "write the same objects as manifests into a folder, for GitOps", rows, 1, 1, run};
