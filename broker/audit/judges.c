/* SPDX-License-Identifier: Apache-2.0
 *
 * Judges of rights: what a binding gives, whoever gets it.
 */
#include <string.h>

#include "common/kube/match.h"
#include "broker/audit/rules.h"
#include "common/base/memory.h"

static bool is_named_cluster_admin(const struct ush_case *c)
{
	return strcmp(c->binding->role_kind, "ClusterRole") == 0 && strcmp(c->binding->role_name, "cluster-admin") == 0;
}

/* ---- everything ---- */

enum ush_severity ush_judge_cluster_admin(const struct ush_case *c, struct ush_buf *detail)
{
	(void)detail;
	return ush_case_is_cluster(c) && c->powers.admin && is_named_cluster_admin(c) ? USH_CRITICAL : USH_NONE;
}

enum ush_severity ush_judge_admin_equal(const struct ush_case *c, struct ush_buf *detail)
{
	(void)detail;
	return ush_case_is_cluster(c) && c->powers.admin && !is_named_cluster_admin(c) ? USH_CRITICAL : USH_NONE;
}

enum ush_severity ush_judge_namespace_admin(const struct ush_case *c, struct ush_buf *detail)
{
	(void)detail;
	if (ush_case_is_cluster(c) || !c->powers.admin || !is_named_cluster_admin(c))
		return USH_NONE;
	return ush_case_is_system(c) ? USH_CRITICAL : USH_HIGH;
}

enum ush_severity ush_judge_namespace_wildcard(const struct ush_case *c, struct ush_buf *detail)
{
	(void)detail;
	if (ush_case_is_cluster(c) || !c->powers.admin || is_named_cluster_admin(c))
		return USH_NONE;
	return ush_case_is_system(c) ? USH_CRITICAL : USH_HIGH;
}

enum ush_severity ush_judge_dashboard(const struct ush_case *c, struct ush_buf *detail)
{
	bool found = false;

	if (!ush_case_is_cluster(c) || !c->powers.admin)
		return USH_NONE;
	for (size_t i = 0; i < c->binding->subject_count && !found; i++) {
		char *buffer;
		struct ush_identity who = ush_subject_identity(&c->binding->subjects[i], &buffer);

		found = c->counts[i] && who.kind != NULL && strcmp(who.kind, "ServiceAccount") == 0 &&
			strcmp(who.name, "kubernetes-dashboard") == 0;
		if (found)
			ush_buf_puts(detail, who.space);
		free(buffer);
	}
	return found ? USH_CRITICAL : USH_NONE;
}

enum ush_severity ush_judge_edit(const struct ush_case *c, struct ush_buf *detail)
{
	const uint32_t edit = USH_BIT(USH_READ_SECRETS) | USH_BIT(USH_CREATE_PODS) | USH_BIT(USH_WRITE_WORKLOADS);

	(void)detail;
	return (ush_case_is_cluster(c) || ush_case_is_system(c)) && (c->powers.whole & edit) == edit ? USH_HIGH
												     : USH_NONE;
}

/* ---- wildcards ---- */

/* Groups that the API server itself serves. An operator's wildcard on its own group harms nobody else. */
static bool is_own_group(const char *group)
{
	static const char *const groups[] = {
		"admissionregistration.k8s.io",
		"apiextensions.k8s.io",
		"apiregistration.k8s.io",
		"apps",
		"authentication.k8s.io",
		"authorization.k8s.io",
		"autoscaling",
		"batch",
		"certificates.k8s.io",
		"coordination.k8s.io",
		"discovery.k8s.io",
		"events.k8s.io",
		"extensions",
		"flowcontrol.apiserver.k8s.io",
		"internal.apiserver.k8s.io",
		"networking.k8s.io",
		"node.k8s.io",
		"policy",
		USH_RBAC_GROUP,
		"resource.k8s.io",
		"scheduling.k8s.io",
		"storage.k8s.io",
		"storagemigration.k8s.io",
	};

	for (size_t i = 0; i < USH_COUNT(groups); i++)
		if (strcmp(groups[i], group) == 0)
			return true;
	return false;
}

static bool is_resource_wildcard(const struct ush_rule *rule)
{
	return rule->names.count == 0 && ush_list_has(&rule->resources, "*");
}

static bool is_listed(const struct ush_buf *detail, const char *word)
{
	size_t length = strlen(word);

	for (const char *p = detail->data; p != NULL && (p = strstr(p, word)) != NULL; p += length)
		if ((p == detail->data || p[-1] == ' ') && (p[length] == '\0' || p[length] == ','))
			return true;
	return false;
}

static void list_word(struct ush_buf *detail, const char *word)
{
	if (!is_listed(detail, word))
		ush_buf_printf(detail, "%s%s", detail->length > 0 ? ", " : "", word);
}

enum ush_severity ush_judge_group_wildcard(const struct ush_case *c, struct ush_buf *detail)
{
	if (!ush_case_is_cluster(c))
		return USH_NONE;
	for (size_t i = 0; i < c->rule_count; i++) {
		if (!is_resource_wildcard(c->rules[i]) || !ush_list_has(&c->rules[i]->verbs, "*"))
			continue;
		for (size_t g = 0; g < c->rules[i]->groups.count; g++)
			if (is_own_group(c->rules[i]->groups.items[g]))
				list_word(detail, c->rules[i]->groups.items[g]);
	}
	return detail->length > 0 ? USH_MEDIUM : USH_NONE;
}

enum ush_severity ush_judge_resource_wildcard(const struct ush_case *c, struct ush_buf *detail)
{
	static const char *const verbs[] = {"get",    "list",  "watch",  "create",
					    "update", "patch", "delete", "deletecollection"};

	if (!ush_case_is_cluster(c))
		return USH_NONE;
	for (size_t i = 0; i < c->rule_count; i++) {
		const struct ush_rule *rule = c->rules[i];

		if (!is_resource_wildcard(rule) ||
		    (!ush_list_has(&rule->groups, "*") && !ush_list_has(&rule->groups, "")))
			continue;
		for (size_t v = 0; v < USH_COUNT(verbs); v++)
			if (ush_list_has(&rule->verbs, verbs[v]) || ush_list_has(&rule->verbs, "*"))
				list_word(detail, verbs[v]);
	}
	return detail->length > 0 ? USH_HIGH : USH_NONE;
}

/* ---- escalate ---- */

enum ush_severity ush_judge_escalate(const struct ush_case *c, struct ush_buf *detail)
{
	const uint32_t cluster = USH_BIT(USH_ESCALATE_CLUSTERROLES), space = USH_BIT(USH_ESCALATE_ROLES);
	uint32_t own = c->powers.whole | c->powers.named;
	bool named;

	if (ush_case_holds(c, cluster | USH_BIT(USH_WRITE_CLUSTERROLES), cluster, &named)) {
		ush_buf_puts(detail,
			     named ? "write any right into ClusterRoles that are named, their own too (escalate)"
				   : "write any right into any ClusterRole, their own too (escalate): cluster-admin in "
				     "one step");
		return named ? USH_HIGH : USH_CRITICAL;
	}
	if (ush_case_holds(c, space | USH_BIT(USH_WRITE_ROLES), space, &named)) {
		bool worst = !named && (ush_case_is_cluster(c) || ush_case_is_system(c));

		ush_buf_printf(detail, "write any right into %s %s%s (escalate)",
			       named ? "Roles that are named" : "any Role",
			       ush_case_is_cluster(c) ? "in every namespace" : "in namespace ", c->scope);
		return worst ? USH_CRITICAL : USH_HIGH;
	}
	if ((own & (cluster | space)) == 0)
		return USH_NONE;
	ush_buf_puts(detail, "escalate roles, which does nothing until a right to write roles comes to it");
	return USH_LOW;
}

/* ---- admission, exec ---- */

enum ush_severity ush_judge_webhooks(const struct ush_case *c, struct ush_buf *detail)
{
	uint32_t own = c->powers.whole | c->powers.named;

	if (!ush_case_is_cluster(c))
		return USH_NONE;
	/* names do not bound it: whoever may change one webhook may point it at everything */
	if ((own & USH_BIT(USH_WRITE_MUTATING)) != 0) {
		ush_buf_puts(
			detail,
			"change every object on its way into the cluster, roles and pods of the control plane too");
		return USH_CRITICAL;
	}
	if ((own & USH_BIT(USH_WRITE_VALIDATING)) != 0) {
		ush_buf_puts(detail, "see every object that is written, Secrets too, and stop any write");
		return USH_HIGH;
	}
	return USH_NONE;
}

enum ush_severity ush_judge_exec(const struct ush_case *c, struct ush_buf *detail)
{
	int minor = c->grants->inventory->minor;
	uint32_t counting = USH_BIT(USH_EXEC_CREATE) | (minor == 0 || minor < 35 ? USH_BIT(USH_EXEC_GET) : 0);

	if (!ush_case_is_cluster(c) && !ush_case_is_system(c))
		return USH_NONE;
	if (((c->powers.whole | c->powers.named) & counting) == 0)
		return USH_NONE;
	if (((c->powers.whole | c->powers.named) & USH_BIT(USH_EXEC_CREATE)) == 0)
		ush_buf_puts(detail, " (up to Kubernetes 1.34, where get on pods/exec is enough)");
	if ((c->powers.whole & counting) != 0)
		return USH_HIGH;
	ush_buf_puts(detail, ", in pods that are named");
	return USH_LOW;
}
