/* SPDX-License-Identifier: Apache-2.0
 *
 * What it costs to say what is wanted, without a network, when the policy has many grants by pattern or by label: for
 * each way to write them, a tenth as many grants as groups and namespaces. Prints seconds of processor time and the slope
 * of their growth in log-log; each grant tried on each group and namespace would be 2.
 *
 *   grants [MOST]    groups, and namespaces, at the end (10000)
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "broker/sync/want/desired.h"
#include "common/base/memory.h"

#define LEAST 1000
#define SLOPE 1.3 /* sorting is n log n */

struct way { /* '#': the number of the group, or namespace; '@': that of the grant that means it */
	const char *name, *grant, *group, *place, *own; /* own: the namespace's own label, NULL: none */
};

static const struct way ways[] = {
	{"end of a path", "{groupPattern: '/teams/{team}/role-@', role: edit, namespacePattern: '{team}-*'}", "/teams/t#/role-@", "t#-a"},
	{"begin of a path", "{groupPattern: '/unit-@/{team}/devs', role: edit, namespacePattern: '{team}-*'}", "/unit-@/t#/devs", "t#-a"},
	{"part of a path", "{groupPattern: '/*/app@-*/{team}', role: edit, namespacePattern: '{team}-*'}", "/teams/app@-x/t#", "t#-a"},
	{"name", "{groupPattern: 'app@-{team}', role: edit, namespacePattern: '{team}-*'}", "/x/app@-t#", "t#-a"},
	{"end of a namespace", "{groupPattern: '/teams/{team}/role-@', role: edit, namespacePattern: 'acme-*-{team}'}", "/teams/t#/role-@", "acme-dev-t#"},
	{"midst of a namespace", "{groupPattern: '/teams/{team}/role-@', role: edit, namespacePattern: '*-{team}-*'}", "/teams/t#/role-@", "acme-t#-dev"},
	{"many labels", "{groupPattern: '/teams/*/role-@', role: edit, namespaceSelector: {team: t@}}", "/teams/t#/role-@", "acme-t#-dev"},
	{"one label", "{groupPattern: '/teams/*/role-@', role: edit, namespaceSelector: {team: t1}}", "/teams/t#/role-@", "acme-t#-dev"},
	{"a captured label", "{groupPattern: '/teams/{team}/role-@', role: edit, namespaceSelector: {own: '{team}'}}", "/teams/t#/role-@", "acme-t#-dev", "t#"},
	{"many captured labels", "{groupPattern: '/teams/{team}/role-@', role: edit, namespaceSelector: {own: 'r@-{team}'}}", "/teams/t#/role-@", "acme-t#-dev", "r@-t#"},
	{"two captured labels", "{groupPattern: '/{org}/{team}/role-@', role: edit, namespaceSelector: {org: '{org}', own: '{team}'}}", "/acme/t#/role-@", "acme-t#-dev", "t#"},
};

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *spell(const char *form, size_t number, size_t grant)
{
	USH_AUTO_BUF out = {0};

	for (; *form != '\0'; form++)
		if (*form == '#' || *form == '@')
			ush_buf_printf(&out, "%zu", *form == '#' ? number : grant);
		else
			ush_buf_add(&out, form, 1);
	return ush_buf_take(&out);
}

static struct ush_policy *make_policy(const struct way *way, size_t count)
{
	USH_AUTO_BUF text = {0};
	struct ush_error err = {0};
	struct ush_policy *policy;

	ush_buf_puts(&text, "apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:', groupName: path}\nsources: {main: {file: {path: g.json}}}\n"
			    "roles: {edit: {clusterRole: edit}}\nlayout: group\ngrants:\n");
	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *grant = spell(way->grant, 0, i);

		ush_buf_printf(&text, "- %s\n", grant);
	}
	policy = ush_policy_read(text.data, text.length, "bench", NULL, &err);
	if (policy == NULL) {
		fprintf(stderr, "%s\n", err.what);
		exit(1);
	}
	return policy;
}

static void make_world(const struct way *way, const struct ush_policy *policy, size_t count, struct ush_groups *groups, struct ush_places *places)
{
	*groups = (struct ush_groups){.complete = true, .where = ush_strdup("bench"), .proof = ush_strdup("made here")};
	places->known = true;
	for (size_t i = 0; i < count; i++) {
		size_t grant = i % policy->grant_count;
		USH_AUTO_FREE char *id = ush_printf("0f14d0ab-9605-4a62-a9e4-%012zu", i), *path = spell(way->group, i, grant), *name = spell(way->place, i, grant);
		USH_AUTO_FREE char *team = ush_printf("t%zu", grant);
		USH_AUTO_FREE char *own = way->own != NULL ? spell(way->own, i, grant) : NULL;
		json_t *labels = json_pack("{s:s, s:s, s:s, s:s*}", "kubernetes.io/metadata.name", name, "team", team, "org", "acme", "own", own);

		ush_groups_add(groups, id, strrchr(path, '/') + 1, path)->members_known = true;
		ush_places_add(places, policy, name, labels, false);
		json_decref(labels);
	}
}

static double measure(const struct way *way, size_t count)
{
	struct ush_policy *policy = make_policy(way, count / 10);
	USH_AUTO_PLACES places = {0};
	USH_AUTO_GROUPS groups = {0};
	USH_AUTO_DESIRED desired = NULL;
	struct ush_wish wish = {policy, &places, &groups, NULL, "default", 1800000000};
	double began, took;

	ush_places_begin(&places, policy);
	began = cpu();
	make_world(way, policy, count, &groups, &places);
	ush_places_sort(&places, policy);
	took = cpu() - began;
	began = cpu();
	desired = ush_desired_new(&wish);
	printf("%22s: %6zu grants, %6zu groups, %6zu namespaces, %7zu wanted: read in %.4f s, decided in %.4f s\n", way->name, policy->grant_count, count, count,
	       desired->count, took, cpu() - began);
	took += cpu() - began;
	ush_desired_free(ush_steal(&desired));
	ush_policy_free(policy);
	return took;
}

int main(int argc, char **argv)
{
	size_t most = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	int status = 0;

	for (size_t i = 0; i < USH_COUNT(ways); i++) {
		double first = measure(&ways[i], LEAST), last = measure(&ways[i], most), slope = log(last / first) / log((double)most / LEAST);

		printf("%22s: slope %.2f (at most %.1f)\n", "", slope, SLOPE);
		status = slope <= SLOPE ? status : 1;
	}
	return status;
}
