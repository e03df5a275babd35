/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/plan/meaning.h"

#include <string.h>

#include "common/base/memory.h"

#define WORDS_MAX 4 /* resources named in one sentence */

struct power { /* what is grave enough to be said first: any of the verbs on any of the resources */
	int grave;
	const char *words, *groups, *resources, *verbs;
};

static const struct power powers[] = {
	{9, "give themselves any right", "rbac.authorization.k8s.io", "roles rolebindings", "escalate bind"},
	{8, "act as others", "", "serviceaccounts users groups", "impersonate"},
	{7, "give rights to others", "rbac.authorization.k8s.io", "rolebindings roles", "create update patch"},
	{6, "take tokens of service accounts", "", "serviceaccounts/token", "create"},
	{5, "read Secrets", "", "secrets", "get list watch"},
	{5, "change Secrets", "", "secrets", "create update patch delete"},
	{4, "run commands in pods", "", "pods/exec pods/attach pods/ephemeralcontainers", "create get update patch"},
	{3, "run programs", "", "pods replicationcontrollers", "create update patch"},
	{3, "run programs", "apps", "deployments daemonsets statefulsets replicasets", "create update patch"},
	{3, "run programs", "batch", "jobs cronjobs", "create update patch"},
	{2, "reach ports of pods", "", "pods/portforward pods/proxy services/proxy", "create get"},
};

static bool in_words(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = words; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
		if (strncmp(at, word, length) == 0 && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static bool meets(const struct ush_list *list, const char *words)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], "*") == 0 || in_words(words, list->items[i]))
			return true;
	return false;
}

static bool group_meets(const struct ush_list *groups, const char *group)
{
	return ush_list_has(groups, "*") || ush_list_has(groups, group);
}

static bool has_power(const struct ush_rule *rules, size_t count, const struct power *power)
{
	for (size_t i = 0; i < count; i++)
		if (group_meets(&rules[i].groups, power->groups) && meets(&rules[i].resources, power->resources) && meets(&rules[i].verbs, power->verbs))
			return true;
	return false;
}

static bool does_everything(const struct ush_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ush_list_has(&rules[i].groups, "*") && ush_list_has(&rules[i].resources, "*") && ush_list_has(&rules[i].verbs, "*"))
			return true;
	return false;
}

/* ---- the ordinary ---- */

static void collect(struct ush_list *out, const struct ush_list *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (!ush_list_has(out, from->items[i]))
			ush_list_add(out, from->items[i]);
}

static void add_words(struct ush_buf *out, const struct ush_list *words)
{
	size_t shown = words->count <= WORDS_MAX ? words->count : WORDS_MAX - 1;

	for (size_t i = 0; i < shown; i++)
		ush_buf_printf(out, "%s%s", i == 0 ? "" : i + 1 == words->count ? " and " : ", ", words->items[i]);
	if (shown < words->count)
		ush_buf_printf(out, " and %zu more kinds", words->count - shown);
}

static bool only_reads(const struct ush_list *verbs)
{
	for (size_t i = 0; i < verbs->count; i++)
		if (strcmp(verbs->items[i], "get") != 0 && strcmp(verbs->items[i], "list") != 0 && strcmp(verbs->items[i], "watch") != 0)
			return false;
	return true;
}

static void say_plain(struct ush_buf *out, const struct ush_rule *rules, size_t count)
{
	struct ush_list resources = {0}, verbs = {0};

	for (size_t i = 0; i < count; i++) {
		collect(&resources, &rules[i].resources);
		collect(&verbs, &rules[i].verbs);
	}
	if (only_reads(&verbs))
		ush_buf_puts(out, "see");
	else
		add_words(out, &verbs);
	ush_buf_puts(out, " ");
	add_words(out, &resources);
	ush_buf_puts(out, " in %s");
	ush_list_free(&resources);
	ush_list_free(&verbs);
}

static int say_rules(struct ush_buf *out, const struct ush_rule *rules, size_t count)
{
	const char *said[USH_COUNT(powers)];
	size_t number = 0;
	int grave = 0;

	if (does_everything(rules, count)) {
		ush_buf_puts(out, "do everything in %s");
		return 10;
	}
	for (size_t i = 0; i < USH_COUNT(powers); i++) {
		if (!has_power(rules, count, &powers[i]) || (number > 0 && strcmp(said[number - 1], powers[i].words) == 0))
			continue;
		grave = powers[i].grave > grave ? powers[i].grave : grave;
		said[number++] = powers[i].words;
	}
	if (grave == 0) {
		say_plain(out, rules, count);
		return 0;
	}
	for (size_t i = 0; i < number; i++)
		ush_buf_printf(out, "%s%s", i == 0 ? "" : i + 1 == number ? " and " : ", ", said[i]);
	ush_buf_puts(out, " in %s");
	return grave;
}

int ush_meaning_role(struct ush_buf *out, const struct ush_policy_role *role, const struct ush_cluster_roles *roles)
{
	static const struct {
		const char *name, *words;
		int grave;
	} known[] = {{"view", "view %s", 0}, {"edit", "edit %s, Secrets included", 5}, {"admin", "administer %s, Secrets and roles included", 7}};
	const struct ush_rbac *cluster = role->cluster_role != NULL ? ush_cluster_roles_find(roles, role->cluster_role) : NULL;

	if (role->cluster_role == NULL)
		return say_rules(out, role->rules, role->rule_count);
	for (size_t i = 0; i < USH_COUNT(known); i++)
		if (strcmp(role->cluster_role, known[i].name) == 0) {
			ush_buf_puts(out, known[i].words);
			return known[i].grave;
		}
	if (cluster != NULL && cluster->rule_count > 0)
		return say_rules(out, cluster->rules, cluster->rule_count);
	ush_buf_printf(out, "use ClusterRole %s in %%s", role->cluster_role);
	return 1;
}
