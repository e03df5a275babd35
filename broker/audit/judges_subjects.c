/* SPDX-License-Identifier: Apache-2.0
 *
 * Judges of subjects: groups that everybody is in. What Kubernetes gives them by default is worked out of the table of
 * defaults and compared by content, so a copy of system:discovery under another name is no finding.
 */
#include <stdlib.h>
#include <string.h>

#include "common/kube/match.h"
#include "broker/audit/rules.h"
#include "common/base/memory.h"

#define ALL_ACCOUNTS   "system:serviceaccounts"
#define SPACE_ACCOUNTS "system:serviceaccounts:"

struct owners {
	const struct ush_rule **rules;
	size_t count;
};

static bool is_judged(const struct ush_case *c, const char *kind, const char *name)
{
	for (size_t i = 0; i < c->binding->subject_count; i++)
		if (c->counts[i] && strcmp(c->binding->subjects[i].kind, kind) == 0 &&
		    strcmp(c->binding->subjects[i].name, name) == 0)
			return true;
	return false;
}

static bool has_group(const struct ush_rbac *binding, const char *name)
{
	for (size_t i = 0; i < binding->subject_count; i++)
		if (strcmp(binding->subjects[i].kind, "Group") == 0 && strcmp(binding->subjects[i].name, name) == 0)
			return true;
	return false;
}

/* Adds what a group has by the cluster-wide defaults. */
static void own_defaults(struct owners *owners, const struct ush_baseline *baseline, const char *group)
{
	for (size_t i = 0; i < ush_baseline_count(baseline); i++) {
		const struct ush_rbac *binding = ush_baseline_at(baseline, i), *role;

		if (binding->kind != USH_CLUSTER_ROLE_BINDING || !has_group(binding, group))
			continue;
		role = ush_baseline_find(baseline, USH_CLUSTER_ROLE, NULL, binding->role_name, NULL);
		for (size_t r = 0; role != NULL && r < role->rule_count; r++) {
			const struct ush_rule *rule = &role->rules[r];

			USH_PUSH(owners->rules, owners->count, rule);
		}
	}
}

static bool only_reads(const struct ush_rule *rule)
{
	for (size_t v = 0; v < rule->verbs.count; v++)
		if (strcmp(rule->verbs.items[v], "get") != 0 && strcmp(rule->verbs.items[v], "list") != 0 &&
		    strcmp(rule->verbs.items[v], "watch") != 0)
			return false;
	return true;
}

struct beyond {
	size_t rules; /* that are not among the defaults of the groups */
	bool writes;
};

static struct beyond beyond_defaults(const struct ush_case *c, const char *const *groups, struct ush_buf *words)
{
	struct owners owners = {0};
	struct beyond beyond = {0};

	for (; *groups != NULL; groups++)
		own_defaults(&owners, c->grants->baseline, *groups);
	for (size_t i = 0; i < c->rule_count; i++) {
		const struct ush_rule *rule = c->rules[i];

		if (rule->verbs.count == 0 || (!ush_case_is_cluster(c) && ush_rule_is_inert_in_namespace(rule)))
			continue;
		if (ush_rules_cover(owners.rules, owners.count, rule))
			continue;
		if (beyond.rules++ < 2) {
			ush_buf_puts(words, beyond.rules > 1 ? "; " : "");
			ush_rule_text(words, rule);
		}
		beyond.writes = beyond.writes || !only_reads(rule);
	}
	if (beyond.rules > 2)
		ush_buf_printf(words, "; and %zu rules more", beyond.rules - 2);
	if (beyond.rules > 0 && !ush_case_is_cluster(c))
		ush_buf_printf(words, ", in namespace %s", c->scope);
	free(owners.rules);
	return beyond;
}

enum ush_severity ush_judge_anonymous(const struct ush_case *c, struct ush_buf *detail)
{
	static const char *const defaults[] = {"system:unauthenticated", NULL};
	struct beyond beyond;

	if (!is_judged(c, "User", "system:anonymous") && !is_judged(c, "Group", "system:unauthenticated"))
		return USH_NONE;
	beyond = beyond_defaults(c, defaults, detail);
	return beyond.rules == 0 ? USH_NONE : beyond.writes ? USH_CRITICAL : USH_HIGH;
}

enum ush_severity ush_judge_authenticated(const struct ush_case *c, struct ush_buf *detail)
{
	static const char *const defaults[] = {"system:authenticated", NULL};
	struct beyond beyond;

	if (!is_judged(c, "Group", "system:authenticated"))
		return USH_NONE;
	beyond = beyond_defaults(c, defaults, detail);
	return beyond.rules == 0 ? USH_NONE : beyond.writes || ush_case_is_cluster(c) ? USH_HIGH : USH_MEDIUM;
}

/* The namespace of a judged group system:serviceaccounts:NAMESPACE, or NULL. */
static const char *accounts_of(const struct ush_case *c)
{
	for (size_t i = 0; i < c->binding->subject_count; i++)
		if (c->counts[i] && strcmp(c->binding->subjects[i].kind, "Group") == 0 &&
		    strncmp(c->binding->subjects[i].name, SPACE_ACCOUNTS, strlen(SPACE_ACCOUNTS)) == 0)
			return c->binding->subjects[i].name + strlen(SPACE_ACCOUNTS);
	return NULL;
}

enum ush_severity ush_judge_serviceaccounts(const struct ush_case *c, struct ush_buf *detail)
{
	static const char *const defaults[] = {"system:authenticated", ALL_ACCOUNTS, NULL};
	bool all = is_judged(c, "Group", ALL_ACCOUNTS);
	const char *space = accounts_of(c);
	USH_AUTO_BUF words = {0};
	struct beyond beyond;

	if (!all && space == NULL)
		return USH_NONE;
	beyond = beyond_defaults(c, defaults, &words);
	if (beyond.rules == 0)
		return USH_NONE;
	if (all)
		ush_buf_puts(detail, "of the cluster");
	else
		ush_buf_printf(detail, "of namespace %s", space);
	ush_buf_printf(detail, " may, by its ServiceAccount and beyond what Kubernetes allows by default: %s",
		       words.data);
	if (ush_case_is_cluster(c))
		return USH_HIGH;
	if (!all && strcmp(space, c->scope) == 0) /* a namespace's own pods in their own namespace */
		return beyond.writes ? USH_MEDIUM : USH_LOW;
	return beyond.writes ? USH_HIGH : USH_MEDIUM;
}

enum ush_severity ush_judge_masters(const struct ush_case *c, struct ush_buf *detail)
{
	(void)detail;
	return is_judged(c, "Group", "system:masters") ? USH_HIGH : USH_NONE;
}
