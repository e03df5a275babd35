/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/audit/rules.h"

#include <string.h>

#include "common/base/memory.h"

#define CSR (USH_BIT(USH_CREATE_CSR) | USH_BIT(USH_APPROVE_CSR) | USH_BIT(USH_APPROVE_SIGNER))

/* clang-format off */
static const struct ush_audit_rule rules[] = {
	{"AU001", "cluster-admin-binding", "5.1.1", "ClusterRoleBinding to cluster-admin",
	 "{who} may do everything: read every Secret, change every right, run anything on every node.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .judge = ush_judge_cluster_admin, .supersedes = "* AU006 AU007"},
	{"AU002", "cluster-admin-equal", "5.1.1", "cluster-admin under another name, by content",
	 "{who} may do everything: {role} is cluster-admin under another name.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .judge = ush_judge_admin_equal, .supersedes = "* AU006 AU007"},
	{"AU003", "namespace-wildcard", "5.1.3", "everything in one namespace by wildcards",
	 "{who} may do everything {where}, also with kinds that are added later: read its Secrets, run pods as any of its ServiceAccounts, hand out its rights.",
	 USH_ABOUT_RIGHTS, USH_HIGH, .judge = ush_judge_namespace_wildcard, .supersedes = "*"},
	{"AU004", "namespace-cluster-admin", "5.1.1", "RoleBinding to ClusterRole cluster-admin",
	 "{who} may do everything {where}, and relabel or delete the namespace itself; the role admin is made for this and keeps off both.",
	 USH_ABOUT_RIGHTS, USH_HIGH, .judge = ush_judge_namespace_admin, .supersedes = "*"},
	{"AU005", "edit-everywhere", "5.1.4", "the rights of edit or admin in every namespace or in kube-system",
	 "{who} may read Secrets and start pods {where}, so act as every ServiceAccount there, those of the control plane too.",
	 USH_ABOUT_RIGHTS, USH_HIGH, .judge = ush_judge_edit,
	 .supersedes = "AU009 AU010 AU016 AU019 AU020 AU022 AU029"},
	{"AU006", "group-wildcard", "5.1.3", "everything in one of Kubernetes' own API groups, cluster-wide",
	 "{who} may do everything with every kind of {detail}, also with kinds that are added later.",
	 USH_ABOUT_RIGHTS, USH_MEDIUM, .judge = ush_judge_group_wildcard, .supersedes = "*"},
	{"AU007", "resource-wildcard", "5.1.3", "a verb on every kind of object, cluster-wide",
	 "{who} may {detail} every kind of object {where}, Secrets and nodes/proxy among them.",
	 USH_ABOUT_RIGHTS, USH_HIGH, .judge = ush_judge_resource_wildcard, .supersedes = "* AU006"},
	{"AU009", "secrets-everywhere", "5.1.2", "read Secrets in every namespace",
	 "{who} may read Secrets{detail} in every namespace: passwords, keys, tokens of ServiceAccounts.",
	 USH_ABOUT_RIGHTS, USH_HIGH, .needs = USH_BIT(USH_READ_SECRETS), .everywhere = USH_HIGH, .named = USH_LOW},
	{"AU010", "secrets-of-kube-system", "5.1.2", "read all Secrets in kube-system",
	 "{who} may read the Secrets of the control plane {where}: bootstrap tokens, keys, tokens of its ServiceAccounts.",
	 USH_ABOUT_RIGHTS, USH_HIGH, .needs = USH_BIT(USH_READ_SECRETS), .kube_system = USH_HIGH},
	{"AU012", "escalate", "5.1.8", "write roles past the escalation guard",
	 "{who} may {detail}.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .judge = ush_judge_escalate},
	{"AU013", "bind", "5.1.8", "hand out roles that one does not hold",
	 "{who} may {detail}.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .judge = ush_judge_bind},
	{"AU016", "impersonate", "5.1.8", "act as somebody else",
	 "{who} may act as {detail}.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .judge = ush_judge_impersonate},
	{"AU019", "create-pods", "5.1.4", "start pods in every namespace or in kube-system",
	 "{who} may start pods {where}, so act as every ServiceAccount there and mount every Secret; on a node too, where Pod Security does not forbid it.",
	 USH_ABOUT_RIGHTS, USH_HIGH, .needs = USH_BIT(USH_CREATE_PODS), .everywhere = USH_HIGH, .kube_system = USH_HIGH, .supersedes = "AU020"},
	{"AU020", "write-workloads", "5.1.4", "write workloads (Deployments, Jobs, ...) in every namespace or in kube-system",
	 "{who} may write workloads {where}, whose pods act as every ServiceAccount there and mount every Secret.",
	 USH_ABOUT_RIGHTS, USH_HIGH, .needs = USH_BIT(USH_WRITE_WORKLOADS), .everywhere = USH_HIGH, .kube_system = USH_HIGH, .named = USH_LOW},
	{"AU022", "exec", NULL, "run commands in pods of every namespace or of kube-system",
	 "{who} may run commands in pods {where}, with what their ServiceAccounts may{detail}.",
	 USH_ABOUT_RIGHTS, USH_HIGH, .judge = ush_judge_exec},
	{"AU027", "nodes-proxy", "5.1.10", "reach the kubelets through nodes/proxy",
	 "{who} may use the kubelet of every node through the API server: a shell in every pod, past audit log and admission. get is enough for it.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .needs = USH_BIT(USH_PROXY_NODES), .everywhere = USH_CRITICAL, .named = USH_HIGH},
	{"AU029", "request-tokens", "5.1.13", "make tokens of ServiceAccounts in every namespace or in kube-system",
	 "{who} may make tokens of {detail}, and act as them.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .judge = ush_judge_tokens},
	{"AU030", "approve-certificates", "5.1.11", "request and approve client certificates",
	 "{who} may request a client certificate in any name and approve it: a login as anybody, for as long as the certificate lives.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .needs = CSR, .key = USH_BIT(USH_APPROVE_CSR), .everywhere = USH_CRITICAL, .named = USH_CRITICAL},
	{"AU032", "admission-webhooks", "5.1.12", "write admission webhooks or mutating policies",
	 "{who} may {detail}.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .judge = ush_judge_webhooks},
	{"AU036", "api-services", NULL, "write APIServices",
	 "{who} may route a whole API group to a server of their own, and answer there for the API server and see the callers' requests.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .needs = USH_BIT(USH_WRITE_APISERVICES), .everywhere = USH_CRITICAL, .named = USH_CRITICAL},
	{"AU057", "anonymous", NULL, "rights for callers who have not signed in",
	 "Anybody who reaches the API server may, without signing in and beyond what Kubernetes allows by default: {detail}.",
	 USH_ABOUT_SUBJECTS, USH_HIGH, .judge = ush_judge_anonymous, .supersedes = "* AU058 AU059"},
	{"AU058", "authenticated", NULL, "rights for every signed-in caller",
	 "Everybody who can sign in and every pod may, beyond what Kubernetes allows by default: {detail}.",
	 USH_ABOUT_SUBJECTS, USH_HIGH, .judge = ush_judge_authenticated, .supersedes = "* AU059"},
	{"AU059", "all-serviceaccounts", NULL, "rights for all ServiceAccounts, or all of a namespace",
	 "Every pod {detail}.",
	 USH_ABOUT_SUBJECTS, USH_HIGH, .judge = ush_judge_serviceaccounts, .supersedes = "*"},
	{"AU060", "system-masters", "5.1.7", "group system:masters as a subject outside the default binding",
	 "Group system:masters is past all RBAC already, so this gives it nothing; it hides who really uses {role}, and stays when the certificates of system:masters are gone.",
	 USH_ABOUT_SUBJECTS, USH_HIGH, .judge = ush_judge_masters},
	{"AU068", "dangling-role", NULL, "binding to a role that does not exist",
	 "{who} will get whatever somebody writes into {role}: it {detail}.",
	 USH_ABOUT_OBJECT, USH_MEDIUM},
	{"AU075", "default-changed", NULL, "a default of Kubernetes with more than its default",
	 "{detail}",
	 USH_ABOUT_OBJECT, USH_HIGH, .supersedes = "* AU057 AU058 AU059 AU060"},
	{"AU076", "fake-default", NULL, "looks like a default of Kubernetes and is none",
	 "It {detail}, and Kubernetes has no such object: scanners that go by name or label pass over it.",
	 USH_ABOUT_OBJECT, USH_HIGH},
	{"AU077", "aggregated-in", NULL, "a ClusterRole that adds dangerous rights to view, edit or admin by its label",
	 "Everybody who holds {detail}.",
	 USH_ABOUT_OBJECT, USH_HIGH},
	{"AU080", "dashboard-cluster-admin", "5.1.1", "the dashboard's ServiceAccount is cluster-admin",
	 "{who} may do everything; so may whoever presses SKIP on its page or runs a pod in {detail}.",
	 USH_ABOUT_RIGHTS, USH_CRITICAL, .judge = ush_judge_dashboard, .supersedes = "* AU001 AU002 AU006 AU007"},
};
/* clang-format on */

size_t ush_rule_count(void)
{
	return USH_COUNT(rules);
}

const struct ush_audit_rule *ush_rule_at(size_t i)
{
	return &rules[i];
}

const struct ush_audit_rule *ush_rule_find(const char *id)
{
	for (size_t i = 0; i < USH_COUNT(rules); i++)
		if (strcmp(rules[i].id, id) == 0)
			return &rules[i];
	return NULL;
}

static bool has_star(const struct ush_audit_rule *rule)
{
	return rule->supersedes != NULL && rule->supersedes[0] == '*';
}

bool ush_rule_supersedes(const struct ush_audit_rule *rule, const struct ush_audit_rule *other)
{
	if (rule == other || rule->supersedes == NULL)
		return false;
	if (strstr(rule->supersedes, other->id) != NULL)
		return true;
	return has_star(rule) && other->about == USH_ABOUT_RIGHTS &&
	       (rule->about != USH_ABOUT_RIGHTS || !has_star(other));
}

bool ush_case_is_system(const struct ush_case *c)
{
	return strcmp(c->scope, "kube-system") == 0;
}

/* ---- powers ---- */

struct ush_powers ush_case_union(const struct ush_case *c, const struct ush_subject *subject)
{
	struct ush_identity who[USH_IDENTITIES];
	struct ush_powers all = c->powers;
	char *buffer[2];
	size_t count = ush_subject_identities(subject, who, buffer);

	for (size_t i = 0; i < count; i++) {
		const struct ush_holder *cluster = ush_grants_holder(c->grants, &who[i], "");
		const struct ush_holder *here =
			!ush_case_is_cluster(c) ? ush_grants_holder(c->grants, &who[i], c->scope) : NULL;

		if (cluster != NULL)
			ush_powers_add(&all, cluster->powers);
		if (here != NULL)
			ush_powers_add(&all, here->powers);
	}
	free(buffer[0]);
	free(buffer[1]);
	return all;
}

/* True when another binding of the same subject in the same scope has the key, and so reports. */
static bool reported_elsewhere(const struct ush_case *c, const struct ush_subject *subject, uint32_t key)
{
	char *buffer;
	struct ush_identity who = ush_subject_identity(subject, &buffer);
	const struct ush_holder *holder = ush_grants_holder(c->grants, &who, c->scope);
	bool elsewhere = holder != NULL && (holder->judged & key) == key;

	free(buffer);
	return elsewhere;
}

bool ush_case_holds(const struct ush_case *c, uint32_t needs, uint32_t key, bool *named)
{
	uint32_t own = c->powers.whole | c->powers.named;
	bool found = false;

	*named = true;
	if ((own & needs) == 0)
		return false;
	if ((c->powers.whole & needs) == needs) {
		*named = false;
		return true;
	}
	for (size_t i = 0; i < c->binding->subject_count; i++) {
		const struct ush_subject *subject = &c->binding->subjects[i];
		struct ush_powers all;

		if (!c->counts[i])
			continue;
		all = ush_case_union(c, subject);
		if (((all.whole | all.named) & needs) != needs)
			continue;
		if ((own & key) != key && reported_elsewhere(c, subject, key))
			continue;
		found = true;
		*named = *named && (all.whole & needs) != needs;
	}
	return found;
}

static void add_names(const struct ush_case *c, uint32_t needs, struct ush_buf *detail)
{
	struct ush_list names = {0};

	for (enum ush_power p = 0; p < USH_POWERS; p++)
		if ((needs & USH_BIT(p)) != 0)
			ush_power_names(c->rules, c->rule_count, p, &names);
	for (size_t i = 0; i < names.count && i < 6; i++)
		ush_buf_printf(detail, "%s%s", i == 0 ? " named " : ", ", names.items[i]);
	if (names.count > 6)
		ush_buf_printf(detail, " and %zu more", names.count - 6);
	ush_list_free(&names);
}

enum ush_severity ush_rule_judge(const struct ush_audit_rule *rule, const struct ush_case *c, struct ush_buf *detail)
{
	enum ush_severity severity;
	bool named;

	if (rule->about == USH_ABOUT_OBJECT)
		return USH_NONE;
	if (rule->judge != NULL)
		return rule->judge(c, detail);
	severity = ush_case_is_cluster(c) ? rule->everywhere : ush_case_is_system(c) ? rule->kube_system : rule->space;
	if (severity == USH_NONE || !ush_case_holds(c, rule->needs, rule->key != 0 ? rule->key : rule->needs, &named))
		return USH_NONE;
	if (!named)
		return severity;
	add_names(c, rule->needs, detail);
	return rule->named < severity ? rule->named : severity;
}
