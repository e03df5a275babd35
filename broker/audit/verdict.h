/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the verdict: cases judged by the table, and objects looked at by themselves. Pure.
 */
#ifndef USH_AUDIT_VERDICT_H
#define USH_AUDIT_VERDICT_H

#include "broker/audit/rules.h"

struct ush_hit {
	const struct ush_audit_rule *rule;
	enum ush_severity severity;
	char *detail;
	char *among; /* ids it stands for, or NULL */
};

struct ush_hits {
	struct ush_hit *items;
	size_t count;
};

void ush_hits_free(struct ush_hits *hits);
#define USH_AUTO_HITS __attribute__((cleanup(ush_hits_free))) struct ush_hits

/* Judges a case by the whole table and lets the rules that stand for others take their place. */
void ush_case_judge(const struct ush_case *c, struct ush_hits *hits);

/* The case of a grant: its subjects that are in `counts`, its role's rules or `rules` in their place. */
struct ush_case ush_case_of(const struct ush_grants *grants, const struct ush_binding *grant, const bool *counts);

enum ush_severity ush_hits_worst(const struct ush_hits *hits);

/* Adds a finding; takes why, among and remedy, which says what follows "kubectl ". */
void ush_findings_add(struct ush_findings *findings, const struct ush_audit_rule *rule, enum ush_severity severity,
		      const struct ush_rbac *object, struct ush_finding text);

/* objects.c */
void ush_judge_role(const struct ush_grants *grants, const struct ush_rbac *role, struct ush_findings *findings);
void ush_judge_changed_binding(const struct ush_grants *grants, const struct ush_binding *grant,
			       struct ush_findings *findings);
void ush_judge_untouched(const struct ush_rbac *object, bool addon, struct ush_findings *findings);
void ush_judge_claims(const struct ush_grants *grants, const struct ush_rbac *object, struct ush_findings *findings);
void ush_judge_dangling(const struct ush_grants *grants, const struct ush_binding *grant,
			struct ush_findings *findings);

#endif
