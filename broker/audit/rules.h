/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules as a table: what is reported, how bad it is where, why it matters, and what stands for what. --list-rules,
 * the man page and the guards read it. To add a rule: a row in rules.c, a judge only when powers do not say it, and
 * tests/fixtures/audit/ID/ with a hit and a miss.
 */
#ifndef USH_AUDIT_RULES_H
#define USH_AUDIT_RULES_H

#include "broker/audit/audit.h"
#include "broker/audit/grants.h"
#include "common/base/text.h"

/* One binding under judgement, or that part of it which is nobody's default. */
struct ush_case {
	const struct ush_grants *grants;
	const struct ush_rbac *binding;
	const bool *counts;                  /* which of its subjects are judged */
	const struct ush_rule *const *rules; /* what they get */
	size_t rule_count;
	struct ush_powers powers; /* of rules, in the scope */
	const char *scope;        /* "" the cluster, else the namespace */
};

/* How bad the case is; USH_NONE: not what the rule is about. detail is for {detail} in `why`. */
typedef enum ush_severity ush_judge(const struct ush_case *c, struct ush_buf *detail);

enum ush_about {
	USH_ABOUT_RIGHTS,   /* of a binding: what it gives */
	USH_ABOUT_SUBJECTS, /* of a binding: to whom */
	USH_ABOUT_OBJECT,   /* of one object, found by verdict.c itself */
};

struct ush_audit_rule {
	const char *id, *slug;
	const char *cis;   /* section of the CIS Kubernetes Benchmark 1.12, or NULL */
	const char *title; /* for lists */
	const char *why;   /* {who} {where} {role} {detail} are filled in */
	enum ush_about about;
	enum ush_severity severity; /* as it usually is, for lists */
	/* Without a judge: all of these powers, by this binding or together with what its subjects hold besides; */
	uint32_t needs;
	uint32_t key; /* the power whose binding is the one to report */
	/* and how bad that is through a ClusterRoleBinding, in kube-system, in another namespace; and at most, by
	 * resourceNames alone. USH_NONE: not reported. */
	enum ush_severity everywhere, kube_system, space, named;
	ush_judge *judge;
	const char *supersedes; /* ids, and "*" in front: every rule about rights but, in a rule about rights, those
				 * that have a star too. What is worse in them it takes over. */
};

size_t ush_rule_count(void);
const struct ush_audit_rule *ush_rule_at(size_t i);
const struct ush_audit_rule *ush_rule_find(const char *id);
bool ush_rule_supersedes(const struct ush_audit_rule *rule, const struct ush_audit_rule *other);

/* Judges a case by one row. */
enum ush_severity ush_rule_judge(const struct ush_audit_rule *rule, const struct ush_case *c, struct ush_buf *detail);

/* Whether a judged subject holds all of needs, this binding giving at least one of them; *named when a part of it is
 * held by resourceNames alone. A binding without the key is left to the one that has it. */
bool ush_case_holds(const struct ush_case *c, uint32_t needs, uint32_t key, bool *named);

/* What a subject holds in the scope, by this binding, by others and by its groups. */
struct ush_powers ush_case_union(const struct ush_case *c, const struct ush_subject *subject);

static inline bool ush_case_is_cluster(const struct ush_case *c)
{
	return c->scope[0] == '\0';
}

/* True in the namespace where the control plane's own ServiceAccounts and Secrets are. */
bool ush_case_is_system(const struct ush_case *c);

/* judges.c: rights */
ush_judge ush_judge_edit, ush_judge_cluster_admin, ush_judge_admin_equal, ush_judge_dashboard,
	ush_judge_namespace_admin, ush_judge_namespace_wildcard;
ush_judge ush_judge_group_wildcard, ush_judge_resource_wildcard, ush_judge_escalate, ush_judge_webhooks, ush_judge_exec;
/* judges_names.c: rights that depend on what is named */
ush_judge ush_judge_bind, ush_judge_impersonate, ush_judge_tokens;
/* judges_subjects.c */
ush_judge ush_judge_anonymous, ush_judge_authenticated, ush_judge_serviceaccounts, ush_judge_masters;

#endif
