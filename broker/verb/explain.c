/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker explain: why a grant is or is not there, for one group or one namespace. Writes nothing.
 */
#include <string.h>
#include <sys/stat.h>

#include "broker/explain/explain.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static struct ush_broker_options options = {.output = "text"};
static const char *from;
static bool live, no_sources;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"live", 0, USH_OPTION_FLAG, NULL, "look at the cluster too: its namespaces, bindings, and what a run would do", &live},
	{"from", 0, USH_OPTION_STRING, "DIR", "look at a folder of manifests instead", &from},
	{"no-sources", 0, USH_OPTION_FLAG, NULL, "ask the policy alone", &no_sources},
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTION_OUTPUT(options, "text|json"),
	{NULL},
};

/* The groups of every source, people included where a grant means the group. */
static int read_sources(struct ush_sync *sync, const char *asked, struct ush_error *err)
{
	struct ush_list refs = {0}, patterns = {0};
	int result = 0;

	sync->groups = ush_alloc((sync->policy->source_count + 1) * sizeof *sync->groups);
	ush_list_add(&refs, asked);
	for (size_t i = 0; i < sync->policy->grant_count; i++)
		if (sync->policy->grants[i].group != NULL)
			ush_list_add(&refs, sync->policy->grants[i].group);
		else
			ush_list_add(&patterns, sync->policy->grants[i].group_pattern);
	for (size_t i = 0; result == 0 && i < sync->policy->source_count; i++)
		result = ush_source_read(sync->world,
					 &(struct ush_source_question){.source = &sync->policy->sources[i], .refs = &refs, .patterns = &patterns, .how = sync->policy->group_name},
					 &sync->groups[i], err);
	ush_list_free(&refs);
	ush_list_free(&patterns);
	return result;
}

/* With a cluster or a folder a whole plan is made, so that what is said here is what a run does. */
static int gather(struct ush_sync *sync, struct ush_standing *standing, const char *asked, struct ush_error *err)
{
	struct stat there;

	if (sync->kube != NULL || from != NULL) {
		if (from != NULL && stat(from, &there) == 0 && ush_broker_standing(standing, NULL, from, err) != 0)
			return -1;
		if (sync->kube != NULL && ush_broker_standing(standing, sync->kube, NULL, err) != 0)
			return -1;
		return ush_sync_plan(sync, options.policy, err);
	}
	return no_sources ? 0 : read_sources(sync, asked, err);
}

static int print(const struct ush_explain *all, const char *asked, struct ush_error *err)
{
	bool group = ush_explain_knows_group(all, asked), namespace_too = ush_explain_knows_namespace(all, asked);
	USH_AUTO_JSON reports = json_array();
	USH_AUTO_BUF out = {0};

	if (*asked == '/' || group || !namespace_too)
		json_array_append_new(reports, ush_explain_group(all, asked));
	if (*asked != '/' && (namespace_too || !group))
		json_array_append_new(reports, ush_explain_namespace(all, asked));
	for (size_t i = 0; i < json_array_size(reports); i++)
		ush_explain_text(json_array_get(reports, i), &out);
	return strcmp(options.output, "json") == 0 ? ush_broker_print_json(reports, err) : ush_broker_print(out.data, err);
}

/* Without a plan: what becomes of each grant, wherever it reaches. */
static struct ush_desired *resolve(const struct ush_sync *sync, struct ush_places *places)
{
	struct ush_wish wish = {.policy = sync->policy, .places = places, .groups = sync->groups, .state_namespace = options.state_namespace,
				.now = ush_sync_now(sync)};

	ush_places_begin(places, sync->policy);
	ush_places_sort(places, sync->policy);
	return ush_desired_new(&wish);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_SYNC sync = {.folder = from};
	USH_AUTO_STANDING standing = {0};
	USH_AUTO_PLACES places = {0};
	USH_AUTO_DESIRED own = NULL;
	struct ush_explain all;

	(void)count;
	if (live && from != NULL)
		return ush_fail(err, USH_ERR_USAGE, "--live looks at a cluster and --from at a folder; one of them");
	if (no_sources && (live || from != NULL))
		return ush_fail(err, USH_ERR_USAGE, "--no-sources asks the policy alone; --live and --from make a plan, which needs the sources");
	if ((sync.policy = ush_broker_policy(&options, err)) == NULL || ush_broker_open(&broker, &options, live, err) != 0)
		return -1;
	sync.state_namespace = options.state_namespace;
	sync.world = &broker.world;
	sync.kube = live ? &broker.kube : NULL;
	sync.way = &broker.way;
	if (gather(&sync, &standing, operands[0], err) != 0)
		return -1;
	if (sync.desired == NULL && sync.groups != NULL)
		own = resolve(&sync, &places);
	all = (struct ush_explain){.policy = sync.policy, .groups = sync.groups, .desired = sync.desired != NULL ? sync.desired : own,
				   .standing = live || from != NULL ? &standing : NULL, .plan = sync.plan,
				   .now = ush_sync_now(&sync)};
	return print(&all, operands[0], err);
}

const struct ush_verb ush_verb_explain = {"explain", "GROUP|NAMESPACE", "say why a grant is or is not there", rows, 1, 1, run};
