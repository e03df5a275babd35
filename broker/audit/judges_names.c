/* SPDX-License-Identifier: Apache-2.0
 *
 * Judges of rights that are as dangerous as what they name: bind is as bad as the roles it may hand out, impersonate
 * and token requests as bad as who may be acted as.
 */
#include <string.h>

#include "broker/audit/rules.h"
#include "common/base/memory.h"

static bool has(struct ush_powers powers, enum ush_power power)
{
	return ((powers.whole | powers.named) & USH_BIT(power)) != 0;
}

static bool has_whole(struct ush_powers powers, enum ush_power power)
{
	return (powers.whole & USH_BIT(power)) != 0;
}

static const char *place(const struct ush_case *c)
{
	return ush_case_is_cluster(c) ? "in every namespace" : "in namespace ";
}

/* ---- bind ---- */

/* How bad it is that the ClusterRole of that name can be handed out, in the whole cluster or in namespaces. */
static enum ush_severity role_level(const struct ush_case *c, const char *name, bool whole_cluster)
{
	const struct ush_role *role = ush_grants_role(c->grants, USH_CLUSTER_ROLE, NULL, name);

	if (role != NULL && role->powers.admin)
		return whole_cluster || ush_case_is_cluster(c) || ush_case_is_system(c) ? USH_CRITICAL : USH_HIGH;
	if (role != NULL && whole_cluster && (role->powers.whole | role->powers.named) != 0)
		return USH_HIGH;
	return ush_case_is_cluster(c) ? USH_LOW : USH_NONE;
}

static enum ush_severity bind_named(const struct ush_case *c, bool whole_cluster, struct ush_buf *detail)
{
	enum ush_severity worst = USH_NONE;
	const char *example = NULL;
	struct ush_list names = {0};

	ush_power_names(c->rules, c->rule_count, USH_BIND_CLUSTERROLES, &names);
	for (size_t i = 0; i < names.count; i++) {
		enum ush_severity level = role_level(c, names.items[i], whole_cluster);

		example = example == NULL || level > worst ? names.items[i] : example;
		worst = level > worst ? level : worst;
	}
	if (worst != USH_NONE)
		ush_buf_printf(detail, "hand out ClusterRole %s %s%s", example,
			       whole_cluster ? "to anybody, cluster-wide" : place(c), whole_cluster ? "" : c->scope);
	ush_list_free(&names);
	return worst;
}

static enum ush_severity bind_all(const struct ush_case *c, bool whole_cluster, struct ush_buf *detail)
{
	if (whole_cluster) {
		ush_buf_puts(detail,
			     "bind anybody, themselves too, to any ClusterRole (bind): cluster-admin in one step");
		return USH_CRITICAL;
	}
	ush_buf_printf(detail, "bind anybody, themselves too, to any ClusterRole %s%s (bind)", place(c), c->scope);
	return ush_case_is_cluster(c) || ush_case_is_system(c) ? USH_CRITICAL : USH_HIGH;
}

enum ush_severity ush_judge_bind(const struct ush_case *c, struct ush_buf *detail)
{
	const uint32_t clusterroles = USH_BIT(USH_BIND_CLUSTERROLES), roles = USH_BIT(USH_BIND_ROLES);
	const uint32_t everywhere = USH_BIT(USH_WRITE_CLUSTERROLEBINDINGS), here = USH_BIT(USH_WRITE_ROLEBINDINGS);
	bool named, whole_cluster = ush_case_holds(c, clusterroles | everywhere, clusterroles, &named);

	if (whole_cluster || ush_case_holds(c, clusterroles | here, clusterroles, &named)) {
		/* names on the bindings do not bound what is bound in them; names on bind do */
		if (has_whole(c->powers, USH_BIND_CLUSTERROLES) || !has(c->powers, USH_BIND_CLUSTERROLES))
			return bind_all(c, whole_cluster, detail);
		return bind_named(c, whole_cluster, detail);
	}
	if (ush_case_holds(c, roles | here, roles, &named) && !named) {
		ush_buf_printf(detail, "bind anybody to any Role that there is %s%s (bind)", place(c), c->scope);
		return ush_case_is_cluster(c) || ush_case_is_system(c) ? USH_HIGH : USH_MEDIUM;
	}
	if (!ush_case_is_cluster(c) || !has_whole(c->powers, USH_BIND_CLUSTERROLES))
		return USH_NONE;
	ush_buf_puts(detail, "bind any ClusterRole, which does nothing until a right to write bindings comes to it");
	return USH_LOW;
}

/* ---- impersonate, tokens ---- */

static bool is_admin(const struct ush_case *c, const char *kind, const char *space, const char *name)
{
	struct ush_identity who = {kind, space, name};

	return ush_grants_is_admin(c->grants, &who);
}

/* A ServiceAccount of that name that is cluster-admin: in the scope, or anywhere when the scope is the cluster. */
static bool account_is_admin(const struct ush_case *c, const char *name)
{
	if (!ush_case_is_cluster(c))
		return is_admin(c, "ServiceAccount", c->scope, name);
	for (size_t i = 0; i < c->grants->holder_count; i++) {
		const struct ush_holder *h = &c->grants->holders[i];

		if (h->powers.admin && h->scope[0] == '\0' && strcmp(h->kind, "ServiceAccount") == 0 &&
		    strcmp(h->name, name) == 0)
			return true;
	}
	return false;
}

/* Who may be acted as by resourceNames of a power: the first that is cluster-admin, else NULL. *any tells whether names
 * there are. The caller frees. */
static char *admin_among(const struct ush_case *c, enum ush_power power, const char *kind, bool *any)
{
	struct ush_list names = {0};
	char *found = NULL;

	ush_power_names(c->rules, c->rule_count, power, &names);
	*any = names.count > 0;
	for (size_t i = 0; i < names.count && found == NULL; i++)
		if (strcmp(kind, "ServiceAccount") == 0 ? account_is_admin(c, names.items[i])
							: is_admin(c, kind, "", names.items[i]))
			found = ush_strdup(names.items[i]);
	ush_list_free(&names);
	return found;
}

static enum ush_severity level_of_named(const struct ush_case *c, enum ush_power power, const char *kind,
					struct ush_buf *detail)
{
	bool any = false;
	USH_AUTO_FREE char *admin = NULL;

	if (!has(c->powers, power))
		return USH_NONE;
	admin = admin_among(c, power, kind, &any);
	if (admin != NULL)
		ush_buf_printf(detail, "%s %s, who is cluster-admin", kind, admin);
	else if (any && ush_case_is_cluster(c))
		ush_buf_printf(detail, "a few %ss by name", kind);
	return admin != NULL ? USH_CRITICAL : any && ush_case_is_cluster(c) ? USH_LOW : USH_NONE;
}

/* A group alone cannot be put on: the request must impersonate a user too, or a ServiceAccount. */
static bool may_add_groups(const struct ush_case *c)
{
	const uint32_t groups = USH_BIT(USH_IMPERSONATE_GROUPS);
	bool any, named;
	USH_AUTO_FREE char *admin = NULL;
	bool with_user = ush_case_holds(c, groups | USH_BIT(USH_IMPERSONATE_USERS), groups, &named);

	if (!with_user && !ush_case_holds(c, groups | USH_BIT(USH_IMPERSONATE_SERVICEACCOUNTS), groups, &named))
		return false;
	if (!has(c->powers, USH_IMPERSONATE_GROUPS) || has_whole(c->powers, USH_IMPERSONATE_GROUPS))
		return true;
	admin = admin_among(c, USH_IMPERSONATE_GROUPS, "Group", &any);
	return admin != NULL;
}

enum ush_severity ush_judge_impersonate(const struct ush_case *c, struct ush_buf *detail)
{
	bool everywhere = ush_case_is_cluster(c);
	enum ush_severity level;

	if (has_whole(c->powers, USH_IMPERSONATE_USERS)) {
		ush_buf_puts(detail, "any user (impersonate), the control plane's too");
		return USH_CRITICAL;
	}
	if (may_add_groups(c)) {
		ush_buf_puts(detail, "a member of a group that is cluster-admin, such as system:masters (impersonate)");
		return USH_CRITICAL;
	}
	if (has_whole(c->powers, USH_IMPERSONATE_SERVICEACCOUNTS) && (everywhere || ush_case_is_system(c))) {
		ush_buf_printf(detail, "any ServiceAccount %s%s (impersonate), the control plane's too", place(c),
			       c->scope);
		return USH_CRITICAL;
	}
	level = level_of_named(c, USH_IMPERSONATE_USERS, "User", detail);
	return level != USH_NONE ? level : level_of_named(c, USH_IMPERSONATE_SERVICEACCOUNTS, "ServiceAccount", detail);
}

enum ush_severity ush_judge_tokens(const struct ush_case *c, struct ush_buf *detail)
{
	if (!has_whole(c->powers, USH_REQUEST_TOKENS))
		return level_of_named(c, USH_REQUEST_TOKENS, "ServiceAccount", detail);
	if (!ush_case_is_cluster(c) && !ush_case_is_system(c))
		return USH_NONE;
	ush_buf_printf(detail, "every ServiceAccount %s%s, the control plane's too", place(c), c->scope);
	return USH_CRITICAL;
}
