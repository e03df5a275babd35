/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that are findings by themselves: a default that was changed, one that only looks like a default, a role that
 * aggregation adds to another, a binding whose role is not there.
 */
#include <stdlib.h>
#include <string.h>

#include "common/kube/match.h"
#include "broker/audit/verdict.h"
#include "broker/audit/words.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define BOOTSTRAP_LABEL "kubernetes.io/bootstrapping"
#define AUTOUPDATE      "rbac.authorization.kubernetes.io/autoupdate"

/* A table of another minor, or of an installer, is no proof of malice: what differs is low unless it is dangerous. */
static enum ush_severity base_severity(const struct ush_grants *grants, bool addon)
{
	int minor = grants->inventory->minor;

	return addon || (minor != 0 && minor != USH_BASELINE_MINOR) ? USH_LOW : USH_HIGH;
}

static enum ush_severity worse(enum ush_severity a, enum ush_severity b)
{
	return a > b ? a : b;
}

/* ---- defaults: untouched, or changed ---- */

void ush_judge_untouched(const struct ush_rbac *object, bool addon, struct ush_findings *findings)
{
	const char *autoupdate = ush_json_string(object->annotations, AUTOUPDATE);
	const struct ush_audit_rule *rule = ush_rule_find("AU075");
	struct ush_finding text = {0};
	const char *key = AUTOUPDATE;

	*(addon ? &findings->addons : &findings->builtins) += 1;
	if (autoupdate == NULL || strcmp(autoupdate, "false") != 0)
		return;
	text.why = ush_strdup("It is the default, but its annotation autoupdate is false: the API server no longer "
			      "restores it when it starts.");
	text.remedy = ush_remedy_unmark(object, "annotate", &key, 1);
	ush_findings_add(findings, rule, USH_LOW, object, text);
}

/* The rules that a role has beyond its default, as a role of its own. */
static struct ush_role extra_role(const struct ush_rbac *role, const bool *extra)
{
	struct ush_role out = {.object = role};

	for (size_t i = 0; i < role->rule_count; i++) {
		const struct ush_rule *rule = &role->rules[i];

		if (extra[i])
			USH_PUSH(out.rules, out.rule_count, rule);
	}
	out.powers = ush_powers_of(out.rules, out.rule_count);
	return out;
}

/* How bad the extra rules are for those who hold the role by a default binding; any other binding is judged itself. */
static enum ush_severity level_by_defaults(const struct ush_grants *grants, const struct ush_role *extra)
{
	enum ush_severity worst = USH_NONE;

	for (size_t i = 0; i < grants->count; i++) {
		struct ush_binding grant = grants->items[i];
		USH_AUTO_FREE bool *all = ush_alloc(grant.binding->subject_count + 1);
		USH_AUTO_HITS hits = {0};
		struct ush_case c;

		if (grant.origin == USH_FOREIGN || grant.role == NULL || grant.role->object != extra->object)
			continue;
		memset(all, true, grant.binding->subject_count);
		grant.role = extra;
		grant.powers =
			grant.binding->namespace_name != NULL ? ush_powers_in_namespace(extra->powers) : extra->powers;
		c = ush_case_of(grants, &grant, all);
		ush_case_judge(&c, &hits);
		worst = worse(worst, ush_hits_worst(&hits));
	}
	return worst;
}

static void report_changed_role(const struct ush_grants *grants, const struct ush_rbac *role, const bool *extra,
				bool addon, struct ush_findings *findings)
{
	const struct ush_rbac *table =
		ush_baseline_find(grants->baseline, role->kind, role->namespace_name, role->name, NULL);
	struct ush_role more = extra_role(role, extra);
	USH_AUTO_BUF why = {0};
	struct ush_finding text = {0};

	ush_buf_printf(&why, "Kubernetes brings this role%s; somebody added: ", addon ? " with an add-on" : "");
	for (size_t i = 0; i < more.rule_count && i < 3; i++) {
		ush_buf_puts(&why, i > 0 ? "; " : "");
		ush_rule_text(&why, more.rules[i]);
	}
	if (more.rule_count > 3)
		ush_buf_printf(&why, "; and %zu rules more", more.rule_count - 3);
	if (more.rule_count == 0)
		ush_buf_puts(&why, "an aggregationRule that selects other roles than its own");
	ush_buf_puts(&why, ".");
	text.why = ush_buf_take(&why);
	text.remedy = more.rule_count > 0 ? ush_remedy_rules(role, extra, table) : ush_remedy_look(role);
	ush_findings_add(findings, ush_rule_find("AU075"),
			 worse(base_severity(grants, addon), level_by_defaults(grants, &more)), role, text);
	free(more.rules);
}

void ush_judge_changed_binding(const struct ush_grants *grants, const struct ush_binding *grant,
			       struct ush_findings *findings)
{
	const struct ush_rbac *binding = grant->binding;
	USH_AUTO_FREE bool *extra = ush_alloc(binding->subject_count + 1);
	struct ush_case c = ush_case_of(grants, grant, extra);
	USH_AUTO_HITS hits = {0};
	USH_AUTO_BUF why = {0};
	struct ush_finding text = {0};
	bool addon = false, same_role;
	const struct ush_rbac *table;

	ush_binding_origin(grants->baseline, binding, extra, &addon);
	table = ush_baseline_find(grants->baseline, binding->kind, binding->namespace_name, binding->name, NULL);
	same_role =
		strcmp(table->role_kind, binding->role_kind) == 0 && strcmp(table->role_name, binding->role_name) == 0;
	text.who = ush_words_subjects(binding, extra);
	if (text.who == NULL && same_role)
		return;
	if (text.who != NULL)
		ush_case_judge(&c, &hits);
	ush_buf_puts(&why, "Kubernetes brings this binding; ");
	if (!same_role)
		ush_buf_printf(&why, "it was made again with another role, %s %s, not %s.", binding->role_kind,
			       binding->role_name, table->role_name);
	else
		ush_buf_printf(&why, "somebody added to its subjects: %s.", text.who);
	if (hits.count > 0) {
		USH_AUTO_FREE char *what = ush_words_why(hits.items[0].rule, binding, text.who, hits.items[0].detail);

		ush_buf_printf(&why, " %s", what);
		text.among = ush_strdup(hits.items[0].rule->id);
	}
	text.why = ush_buf_take(&why);
	text.remedy = same_role ? ush_remedy_subjects(binding, extra, true) : ush_remedy_delete(binding);
	ush_findings_add(findings, ush_rule_find("AU075"), worse(base_severity(grants, addon), ush_hits_worst(&hits)),
			 binding, text);
}

/* ---- what only looks like a default ---- */

void ush_judge_claims(const struct ush_grants *grants, const struct ush_rbac *object, struct ush_findings *findings)
{
	const char *label = ush_json_string(object->labels, BOOTSTRAP_LABEL);
	bool labelled = label != NULL && strcmp(label, "rbac-defaults") == 0;
	bool annotated = ush_json_string(object->annotations, AUTOUPDATE) != NULL;
	bool named = strncmp(object->name, "system:", 7) == 0;
	struct ush_finding text = {0};
	const char *key = labelled ? BOOTSTRAP_LABEL : AUTOUPDATE;
	const char *what = labelled    ? "carries the label kubernetes.io/bootstrapping=rbac-defaults"
			   : annotated ? "carries the annotation autoupdate of the defaults"
				       : "has a name that begins with system:";

	if (!labelled && !annotated && !named)
		return;
	text.why = ush_words_why(ush_rule_find("AU076"), object, NULL, what);
	text.remedy = labelled || annotated ? ush_remedy_unmark(object, labelled ? "label" : "annotate", &key, 1)
					    : ush_remedy_look(object);
	ush_findings_add(findings, ush_rule_find("AU076"),
			 labelled || annotated ? base_severity(grants, false) : USH_LOW, object, text);
}

/* ---- aggregation ---- */

/* What is dangerous to hold in a namespace and not in `into` by default. */
static bool adds_danger(const struct ush_role *role, const struct ush_rbac *into, struct ush_buf *words)
{
	USH_AUTO_FREE const struct ush_rule **owners = NULL;
	size_t count = 0, found = 0;

	for (size_t i = 0; i < into->rule_count; i++) {
		const struct ush_rule *rule = &into->rules[i];

		USH_PUSH(owners, count, rule);
	}
	for (size_t i = 0; i < role->rule_count && found == 0; i++) {
		struct ush_powers powers = ush_powers_in_namespace(ush_powers_of(&role->rules[i], 1));

		if ((powers.whole == 0 && !powers.admin) || ush_rules_cover(owners, count, role->rules[i]))
			continue;
		ush_rule_text(words, role->rules[i]);
		found++;
	}
	return found > 0;
}

/* True when `into` takes the role in by a label that Kubernetes did not give it. */
static bool is_taken_in(const struct ush_grants *grants, const struct ush_rbac *role, const struct ush_rbac *into)
{
	const struct ush_rbac *table =
		ush_baseline_find(grants->baseline, role->kind, role->namespace_name, role->name, NULL);

	return ush_role_selects(into, role) && (table == NULL || !ush_role_selects(into, table));
}

static void judge_aggregated(const struct ush_grants *grants, const struct ush_rbac *role,
			     struct ush_findings *findings)
{
	static const char *const names[] = {"view", "edit", "admin"};
	const struct ush_audit_rule *rule = ush_rule_find("AU077");
	const struct ush_role *resolved = ush_grants_role(grants, role->kind, role->namespace_name, role->name);

	for (size_t i = 0; role->kind == USH_CLUSTER_ROLE && resolved != NULL && i < USH_COUNT(names); i++) {
		const struct ush_rbac *into =
			ush_baseline_find(grants->baseline, USH_CLUSTER_ROLE, NULL, names[i], NULL);
		USH_AUTO_FREE char *key = ush_printf("rbac.authorization.k8s.io/aggregate-to-%s", names[i]);
		USH_AUTO_BUF words = {0};
		USH_AUTO_FREE char *detail = NULL;
		struct ush_finding text = {0};

		if (!is_taken_in(grants, role, into) || !adds_danger(resolved, into, &words))
			continue;
		detail = ush_printf("%s, in any namespace, may now also: %s", names[i], words.data);
		text.why = ush_words_why(rule, role, NULL, detail);
		text.remedy = ush_remedy_unmark(role, "label", (const char *const[]){key}, 1);
		ush_findings_add(findings, rule, rule->severity, role, text);
		return;
	}
}

/* ---- roles, dangling bindings ---- */

/* In manifests the rules of an aggregated default are not filled in, so its selectors are compared too. */
static bool selects_otherwise(const struct ush_grants *grants, const struct ush_rbac *role)
{
	const struct ush_rbac *table =
		ush_baseline_find(grants->baseline, role->kind, role->namespace_name, role->name, NULL);

	return role->aggregation != NULL && !json_equal(role->aggregation, table->aggregation);
}

void ush_judge_role(const struct ush_grants *grants, const struct ush_rbac *role, struct ush_findings *findings)
{
	USH_AUTO_FREE bool *extra = ush_alloc(role->rule_count + 1);
	bool addon = false;
	enum ush_origin origin = ush_role_origin(grants, role, extra, &addon);

	judge_aggregated(grants, role, findings);
	if (origin == USH_FOREIGN) {
		ush_judge_claims(grants, role, findings);
	} else if (origin == USH_CHANGED || selects_otherwise(grants, role)) {
		report_changed_role(grants, role, extra, addon, findings);
	} else {
		ush_judge_untouched(role, addon, findings);
	}
}

static bool is_broad(const struct ush_rbac *binding)
{
	for (size_t i = 0; i < binding->subject_count; i++)
		if (ush_subject_is_broad(&binding->subjects[i]))
			return true;
	return false;
}

void ush_judge_dangling(const struct ush_grants *grants, const struct ush_binding *grant, struct ush_findings *findings)
{
	const struct ush_audit_rule *rule = ush_rule_find("AU068");
	bool live = grants->inventory->live;
	struct ush_finding text = {.who = ush_words_subjects(grant->binding, NULL)};

	text.why = ush_words_why(rule, grant->binding, text.who, live ? "does not exist" : "is not in these manifests");
	text.remedy = ush_remedy_delete(grant->binding);
	ush_findings_add(findings, rule,
			 !live                      ? USH_LOW
			 : is_broad(grant->binding) ? USH_HIGH
						    : USH_MEDIUM,
			 grant->binding, text);
}
