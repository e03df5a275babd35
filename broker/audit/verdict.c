/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/audit/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "broker/audit/words.h"
#include "common/base/memory.h"
#include "common/kube/way.h"

static const char *const severity_names[USH_SEVERITIES] = {"none", "low", "medium", "high", "critical"};

const char *ush_severity_name(enum ush_severity severity)
{
	return severity_names[severity];
}

enum ush_severity ush_severity_read(const char *name)
{
	for (enum ush_severity s = USH_LOW; s < USH_SEVERITIES; s++)
		if (strcmp(severity_names[s], name) == 0)
			return s;
	return USH_NONE;
}

/* ---- a case by the table ---- */

void ush_hits_free(struct ush_hits *hits)
{
	for (size_t i = 0; i < hits->count; i++) {
		free(hits->items[i].detail);
		free(hits->items[i].among);
	}
	free(hits->items);
	memset(hits, 0, sizeof *hits);
}

enum ush_severity ush_hits_worst(const struct ush_hits *hits)
{
	enum ush_severity worst = USH_NONE;

	for (size_t i = 0; i < hits->count; i++)
		worst = hits->items[i].severity > worst ? hits->items[i].severity : worst;
	return worst;
}

/* A rule about to whom is critical as soon as what they get is high by itself. */
static enum ush_severity taken_over(const struct ush_hit *by, const struct ush_hit *from)
{
	if (by->rule->about == USH_ABOUT_SUBJECTS && from->rule->about == USH_ABOUT_RIGHTS &&
	    from->severity >= USH_HIGH)
		return USH_CRITICAL;
	return from->severity > by->severity ? from->severity : by->severity;
}

static void add_among(struct ush_hit *by, const struct ush_hit *from)
{
	char *joined;

	if (from->rule->about != USH_ABOUT_RIGHTS)
		return;
	joined = by->among != NULL ? ush_printf("%s %s", by->among, from->rule->id) : ush_strdup(from->rule->id);
	free(by->among);
	by->among = joined;
}

static void supersede(struct ush_hits *hits)
{
	USH_AUTO_FREE bool *gone = ush_alloc(hits->count + 1);
	size_t kept = 0;

	for (size_t i = 0; i < hits->count; i++)
		for (size_t j = 0; j < hits->count; j++) {
			if (!ush_rule_supersedes(hits->items[i].rule, hits->items[j].rule))
				continue;
			hits->items[i].severity = taken_over(&hits->items[i], &hits->items[j]);
			add_among(&hits->items[i], &hits->items[j]);
			gone[j] = true;
		}
	for (size_t i = 0; i < hits->count; i++) {
		if (!gone[i]) {
			hits->items[kept++] = hits->items[i];
			continue;
		}
		free(hits->items[i].detail);
		free(hits->items[i].among);
	}
	hits->count = kept;
}

void ush_case_judge(const struct ush_case *c, struct ush_hits *hits)
{
	for (size_t i = 0; i < ush_rule_count(); i++) {
		USH_AUTO_BUF detail = {0};
		struct ush_hit hit = {.rule = ush_rule_at(i)};

		hit.severity = ush_rule_judge(hit.rule, c, &detail);
		if (hit.severity == USH_NONE)
			continue;
		hit.detail = ush_buf_take(&detail);
		USH_PUSH(hits->items, hits->count, hit);
	}
	supersede(hits);
}

struct ush_case ush_case_of(const struct ush_grants *grants, const struct ush_binding *grant, const bool *counts)
{
	return (struct ush_case){
		.grants = grants,
		.binding = grant->binding,
		.counts = counts,
		.rules = grant->role != NULL ? grant->role->rules : NULL,
		.rule_count = grant->role != NULL ? grant->role->rule_count : 0,
		.powers = grant->powers,
		.scope = grant->binding->namespace_name != NULL ? grant->binding->namespace_name : "",
	};
}

/* ---- findings ---- */

void ush_findings_add(struct ush_findings *findings, const struct ush_audit_rule *rule, enum ush_severity severity,
		      const struct ush_rbac *object, struct ush_finding text)
{
	USH_AUTO_FREE char *arguments = text.remedy;

	text.rule = rule;
	text.severity = severity;
	text.object = object;
	text.remedy = ush_way_kubectl(findings->way, "%s", arguments);
	USH_PUSH(findings->items, findings->count, text);
	findings->by_severity[severity]++;
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int compare_findings(const void *a, const void *b)
{
	const struct ush_finding *x = a, *y = b;
	int c = (int)y->severity - (int)x->severity;

	c = c != 0 ? c : strcmp(x->rule->id, y->rule->id);
	c = c != 0 ? c : (int)x->object->kind - (int)y->object->kind;
	c = c != 0 ? c : compare_text(x->object->namespace_name, y->object->namespace_name);
	c = c != 0 ? c : strcmp(x->object->name, y->object->name);
	c = c != 0 ? c : compare_text(x->object->origin, y->object->origin);
	return c != 0 ? c : compare_text(x->why, y->why);
}

bool ush_findings_reach(const struct ush_findings *findings, enum ush_severity threshold)
{
	for (enum ush_severity s = threshold; s < USH_SEVERITIES; s++)
		if (findings->by_severity[s] > 0)
			return true;
	return false;
}

void ush_findings_free(struct ush_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->items[i].who);
		free(findings->items[i].why);
		free(findings->items[i].among);
		free(findings->items[i].remedy);
	}
	free(findings->items);
	memset(findings, 0, sizeof *findings);
}

/* ---- bindings ---- */

/* Subjects that RBAC matches. system:masters gets nothing by a binding, so it does not count for what is given. */
static size_t count_subjects(const struct ush_rbac *binding, bool *real, bool *rights)
{
	size_t count = 0;

	for (size_t i = 0; i < binding->subject_count; i++) {
		char *buffer;
		struct ush_identity who = ush_subject_identity(&binding->subjects[i], &buffer);

		real[i] = who.kind != NULL;
		rights[i] = real[i] && !(strcmp(who.kind, "Group") == 0 && strcmp(who.name, "system:masters") == 0);
		count += rights[i];
		free(buffer);
	}
	return count;
}

/* What is bad about the binding goes with it; what is bad about a subject alone goes with the subject. */
static char *remedy(const struct ush_hit *hit, const struct ush_rbac *binding, const bool *counts)
{
	USH_AUTO_FREE bool *marked = ush_alloc(binding->subject_count + 1);

	if (hit->rule->about != USH_ABOUT_SUBJECTS || hit->among != NULL)
		return ush_remedy_delete(binding);
	for (size_t i = 0; i < binding->subject_count; i++)
		marked[i] = counts[i] && (ush_subject_is_broad(&binding->subjects[i]) ||
					  strcmp(binding->subjects[i].name, "system:masters") == 0);
	return ush_remedy_subjects(binding, marked, false);
}

static void report(const struct ush_binding *grant, struct ush_hits *hits, const bool *counts,
		   struct ush_findings *findings)
{
	const struct ush_rbac *binding = grant->binding;

	for (size_t i = 0; i < hits->count; i++) {
		struct ush_hit *hit = &hits->items[i];
		struct ush_finding text = {.who = ush_words_subjects(binding, counts)};

		text.why = ush_words_why(hit->rule, binding, text.who, hit->detail);
		text.remedy = remedy(hit, binding, counts);
		text.among = ush_steal(&hit->among);
		ush_findings_add(findings, hit->rule, hit->severity, binding, text);
	}
}

static void judge_masters(const struct ush_grants *grants, const struct ush_binding *grant, const bool *real,
			  const bool *rights, struct ush_findings *findings)
{
	const struct ush_audit_rule *rule = ush_rule_find("AU060");
	USH_AUTO_FREE bool *masters = ush_alloc(grant->binding->subject_count + 1);
	USH_AUTO_BUF detail = {0};
	struct ush_case c = ush_case_of(grants, grant, masters);
	USH_AUTO_HITS hits = {0};
	struct ush_hit hit = {.rule = rule};

	for (size_t i = 0; i < grant->binding->subject_count; i++)
		masters[i] = real[i] && !rights[i];
	hit.severity = ush_rule_judge(rule, &c, &detail);
	if (hit.severity == USH_NONE)
		return;
	hit.detail = ush_buf_take(&detail);
	USH_PUSH(hits.items, hits.count, hit);
	report(grant, &hits, masters, findings);
}

static void judge_foreign(const struct ush_grants *grants, const struct ush_binding *grant,
			  struct ush_findings *findings)
{
	USH_AUTO_FREE bool *real = ush_alloc(grant->binding->subject_count + 1);
	USH_AUTO_FREE bool *rights = ush_alloc(grant->binding->subject_count + 1);
	size_t count = count_subjects(grant->binding, real, rights);
	struct ush_case c = ush_case_of(grants, grant, rights);
	USH_AUTO_HITS hits = {0};

	ush_judge_claims(grants, grant->binding, findings);
	judge_masters(grants, grant, real, rights, findings);
	if (count == 0)
		return;
	if (grant->state == USH_ROLE_ABSENT) {
		ush_judge_dangling(grants, grant, findings);
		return;
	}
	ush_case_judge(&c, &hits);
	report(grant, &hits, rights, findings);
}

static void judge_grant(const struct ush_grants *grants, const struct ush_binding *grant, struct ush_findings *findings)
{
	bool addon = false;

	ush_binding_origin(grants->baseline, grant->binding, NULL, &addon);
	if (grant->origin == USH_DEFAULT)
		ush_judge_untouched(grant->binding, addon, findings);
	else if (grant->origin == USH_CHANGED)
		ush_judge_changed_binding(grants, grant, findings);
	else
		judge_foreign(grants, grant, findings);
}

void ush_audit(const struct ush_inventory *inventory, const struct ush_baseline *baseline,
	       struct ush_findings *findings)
{
	USH_AUTO_GRANTS grants = {0};

	findings->way = inventory->way;
	ush_grants_build(&grants, inventory, baseline);
	for (size_t i = 0; i < inventory->count; i++)
		if (inventory->objects[i]->kind == USH_ROLE || inventory->objects[i]->kind == USH_CLUSTER_ROLE)
			ush_judge_role(&grants, inventory->objects[i], findings);
	for (size_t i = 0; i < grants.count; i++)
		judge_grant(&grants, &grants.items[i], findings);
	findings->gave_up = ush_grants_gave_up(&grants);
	if (findings->count > 0)
		qsort(findings->items, findings->count, sizeof *findings->items, compare_findings);
}
