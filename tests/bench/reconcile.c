/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan costs without a network: wanted objects, a look at each one that is there (its JSON text as an API server
 * lists it), and the plan, for ten groups in ever more namespaces. Prints the seconds of processor time and the slope of
 * their growth in log-log, which a linear method keeps near 1.
 *
 *   reconcile [MOST [LAYOUT [MISSING]]]    objects at the end (1000000), group or role, one in so many is missing (100)
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "broker/sync/decide/reconcile.h"
#include "common/base/memory.h"
#include "common/kube/scan.h"

#define GROUPS 10
#define SLOPE  1.1

struct cost {
	size_t objects;
	double wanted, look, plan; /* seconds of processor time */
};

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct ush_policy *make_policy(const char *layout)
{
	struct ush_policy *policy;
	struct ush_error err = {0};
	USH_AUTO_BUF text = {0};

	ush_buf_printf(&text, "apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: g.json}}}\n"
			      "roles: {reader: {clusterRole: view}, editor: {clusterRole: edit}, admin: {clusterRole: admin}}\ngrants:\n");
	for (int i = 0; i < GROUPS; i++)
		ush_buf_printf(&text, "- {group: team-%d, role: %s, namespaces: [unused]}\n", i, i % 3 == 0 ? "reader" : i % 3 == 1 ? "editor" : "admin");
	policy = ush_policy_read(text.data, text.length, "bench", NULL, &err);
	if (policy == NULL) {
		fprintf(stderr, "%s\n", err.what);
		exit(1);
	}
	for (size_t i = 0; i < policy->grant_count; i++) {
		ush_list_free(&policy->grants[i].namespaces);
		policy->grants[i].namespace_pattern = ush_strdup("team-*");
	}
	policy->layout = strcmp(layout, "group") == 0 ? USH_LAYOUT_GROUP : USH_LAYOUT_ROLE;
	policy->remove_bindings = policy->remove_people = (struct ush_limit){-1, -1};
	return policy;
}

static void make_groups(struct ush_groups *groups)
{
	*groups = (struct ush_groups){.complete = true, .where = ush_strdup("bench"), .proof = ush_strdup("made here")};
	for (int i = 0; i < GROUPS; i++) {
		USH_AUTO_FREE char *id = ush_printf("0f14d0ab-9605-4a62-a9e4-5ed26688%04d", i), *name = ush_printf("team-%d", i), *path = ush_printf("/%s", name);

		ush_groups_add(groups, id, name, path)->members_known = true;
	}
}

/* What an API server would say of the object, as far as a list goes: marks, managedFields, and what we wrote. */
static void add_item(struct ush_buf *out, const struct ush_plan *plan, const struct ush_change *change, size_t number)
{
	USH_AUTO_FREE char *version = ush_printf("%zu", 1000 + number), *uid = ush_printf("5f14d0ab-9605-4a62-a9e4-%012zu", number);

	if (ush_change_body(plan, change, &(struct ush_body_with){NULL, uid, version}, out) != 0)
		abort();
}

static void look(struct ush_observed *observed, const struct ush_plan *first, size_t different, double *seconds)
{
	USH_AUTO_SCAN scan = {0};
	USH_AUTO_BUF text = {0};
	struct ush_error err = {0};

	for (size_t i = 0; i < first->change_count; i++) {
		const struct ush_change *change = &first->changes[i];
		struct ush_item item;
		double began;

		if (change->action != USH_CREATE || (different > 0 && i % different == different - 1))
			continue; /* it is missing */
		text.length = 0;
		add_item(&text, first, change, i);
		began = cpu();
		if (ush_scan_object(&scan, text.data, text.length, &(struct ush_item_defaults){0}, NULL, USH_ERR_INCOMPLETE, &item, &err) != 0 ||
		    ush_observed_item(observed, &item, &err) != 0) {
			fprintf(stderr, "%s\n", err.what);
			exit(1);
		}
		*seconds += cpu() - began;
	}
}

static struct ush_plan *plan_of(const struct ush_wish *wish, const struct ush_plan *first, size_t different, struct cost *cost)
{
	struct ush_plan *plan = ush_new(struct ush_plan);
	USH_AUTO_OBSERVED observed = {0};
	USH_AUTO_STATE state = {0};
	USH_AUTO_DESIRED desired = NULL;
	struct ush_error err = {0};
	double began = cpu();

	desired = ush_desired_new(wish);
	cost->wanted = cpu() - began;
	cost->objects = desired->count;
	ush_observed_begin(&observed, desired, wish->groups, "bench", true);
	if (first != NULL)
		look(&observed, first, different, &cost->look);
	began = cpu();
	if (ush_observed_sort(&observed, &err) != 0)
		abort();
	ush_reconcile(&(struct ush_reconcile){.desired = desired, .groups = wish->groups, .observed = &observed, .state = &state, .now = wish->now}, plan);
	cost->plan = cpu() - began;
	return plan;
}

static struct cost measure(const struct ush_policy *policy, const struct ush_groups *groups, size_t namespaces, size_t different)
{
	USH_AUTO_PLACES places = {0};
	USH_AUTO_PLAN first = NULL;
	USH_AUTO_PLAN second = NULL;
	struct cost cost = {0}, unimportant = {0};
	struct ush_wish wish = {policy, &places, groups, NULL, "default", 1800000000};

	ush_places_begin(&places, policy);
	places.known = true;
	for (size_t i = 0; i < namespaces; i++) {
		char name[32];

		snprintf(name, sizeof name, "team-%07zu", i);
		ush_places_add(&places, policy, name, NULL, false);
	}
	ush_places_sort(&places, policy);
	first = plan_of(&wish, NULL, 0, &unimportant);
	second = plan_of(&wish, first, different, &cost);
	if (ush_plan_count(second, USH_CREATE) != (different > 0 ? first->change_count / different : 0)) {
		fprintf(stderr, "the plan is not what it should be: %zu to create\n", ush_plan_count(second, USH_CREATE));
		exit(1);
	}
	return cost;
}

/* Least squares in log-log: 1 is linear. */
static double slope(const struct cost *costs, size_t count)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0, n = (double)count;

	for (size_t i = 0; i < count; i++) {
		double x = log((double)costs[i].objects), y = log(costs[i].wanted + costs[i].plan);

		sx += x;
		sy += y;
		sxx += x * x;
		sxy += x * y;
	}
	return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

int main(int argc, char **argv)
{
	size_t most = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000, different = argc > 3 ? strtoul(argv[3], NULL, 10) : 100, count = 0;
	struct ush_policy *policy = make_policy(argc > 2 ? argv[2] : "group");
	USH_AUTO_GROUPS groups = {0};
	struct rusage usage;
	struct cost costs[16];
	double found;

	make_groups(&groups);
	for (size_t objects = 1000; objects <= most && count < USH_COUNT(costs); objects *= 10, count++) {
		costs[count] = measure(policy, &groups, objects / (policy->layout == USH_LAYOUT_GROUP ? GROUPS : 3), different);
		getrusage(RUSAGE_SELF, &usage);
		printf("%8zu objects: wanted %.4f s, looked at %.4f s, planned %.4f s; most memory so far %ld KiB\n", costs[count].objects, costs[count].wanted,
		       costs[count].look, costs[count].plan, usage.ru_maxrss);
	}
	found = slope(costs, count);
	printf("slope of wanted and planned, log-log: %.3f (at most %.1f)\n", found, SLOPE);
	ush_policy_free(policy);
	return found <= SLOPE ? 0 : 1;
}
