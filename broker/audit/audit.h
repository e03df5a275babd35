/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit: which bindings give away more than anybody meant to give. Judged as the API server decides (scope,
 * subresources, resourceNames, implicit groups, the escalation guard), on the binding and not on the role alone. What
 * Kubernetes itself brings is recognised by content, never by a name or a label.
 *
 *   inputs.c reads   ->  struct ush_inventory  ->  verdict.c judges (pure)  ->  struct ush_findings  ->  report_*.c
 *
 * RBAC alone is seen: not the Node, ABAC or webhook authorizers, not admission, not a cloud's own access lists.
 */
#ifndef USH_AUDIT_AUDIT_H
#define USH_AUDIT_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/error.h"
#include "common/kube/rbac.h"

struct ush_kube;
struct ush_way;

enum ush_severity { USH_NONE, USH_LOW, USH_MEDIUM, USH_HIGH, USH_CRITICAL };
#define USH_SEVERITIES (USH_CRITICAL + 1)

/* "critical", ...; "none". And back; USH_NONE when it is no such word. */
const char *ush_severity_name(enum ush_severity severity);
enum ush_severity ush_severity_read(const char *name);

/* ---- what was read ---- */

struct ush_inventory {
	struct ush_rbac **objects; /* owned */
	size_t count;
	size_t read;             /* objects of every kind that were looked at */
	bool live;               /* a cluster; else manifests, where the rest of the cluster is not known */
	bool unread[4];          /* by enum ush_rbac_kind: objects of this kind may be missing */
	struct ush_list missing; /* what could not be read and why, one line each; empty: the reading was whole */
	int minor;               /* 36 for a 1.36 server; 0 when not known */
	const struct ush_way *way; /* of a person to the cluster, for the remedies (way.h); may be NULL */
};

void ush_inventory_free(struct ush_inventory *inventory);
#define USH_AUTO_INVENTORY __attribute__((cleanup(ush_inventory_free))) struct ush_inventory

/* Adds one API object of any kind. What is RBAC and cannot be understood goes into `missing`. */
void ush_inventory_add(struct ush_inventory *inventory, const json_t *object, const char *origin);

/* Reads a cluster. A list that fails goes into `missing` and the rest is read; fails only when nothing could be read.
 */
int ush_inventory_live(struct ush_inventory *inventory, const struct ush_kube *kube, struct ush_error *err);

/* Reads manifests: a file, a folder or "-". What cannot be read goes into `missing`. */
void ush_inventory_manifests(struct ush_inventory *inventory, const char *path);

/* ---- what is known of Kubernetes itself (baseline.c) ---- */

#define USH_BASELINE_MINOR 36

struct ush_baseline;

struct ush_baseline *ush_baseline_new(void);
void ush_baseline_free(struct ush_baseline *baseline);

static inline void ush_baseline_free_indirect(struct ush_baseline **baseline)
{
	ush_baseline_free(*baseline);
}

#define USH_AUTO_BASELINE __attribute__((cleanup(ush_baseline_free_indirect))) struct ush_baseline *

/* The object of that identity, or NULL. *addon (may be NULL) tells an installer's object from the API server's own. */
const struct ush_rbac *ush_baseline_find(const struct ush_baseline *baseline, enum ush_rbac_kind kind,
					 const char *namespace_name, const char *name, bool *addon);

/* All of them. */
size_t ush_baseline_count(const struct ush_baseline *baseline);
const struct ush_rbac *ush_baseline_at(const struct ush_baseline *baseline, size_t i);

/* ---- the verdict (verdict.c) ---- */

struct ush_audit_rule; /* rules.h */

struct ush_finding {
	const struct ush_audit_rule *rule;
	enum ush_severity severity;
	const struct ush_rbac *object; /* in the inventory */
	char *who;                     /* its subjects, or NULL when a role is the object */
	char *why;                     /* a sentence; raw text from the cluster is in it */
	char *among;                   /* ids of the rules that this one stands for here, "AU009 AU027", or NULL */
	char *remedy; /* a command that a shell takes as it stands: printable ASCII, names quoted where they must be */
};

struct ush_findings {
	const struct ush_way *way;  /* the inventory's */
	struct ush_finding *items; /* worst first, then by rule, kind, namespace, name */
	size_t count;
	size_t by_severity[USH_SEVERITIES];
	size_t builtins; /* objects recognised by content as the API server's own */
	bool gave_up;    /* aggregation was too large to be worked out: not a whole verdict */
	size_t addons;   /* likewise as kubeadm's or metrics-server's */
};

void ush_findings_free(struct ush_findings *findings);
#define USH_AUTO_FINDINGS __attribute__((cleanup(ush_findings_free))) struct ush_findings

/* Judges. Findings borrow from inventory. */
void ush_audit(const struct ush_inventory *inventory, const struct ush_baseline *baseline,
	       struct ush_findings *findings);

/* True when there is a finding at or above the threshold. */
bool ush_findings_reach(const struct ush_findings *findings, enum ush_severity threshold);

/* ---- reports ---- */

void ush_audit_text(FILE *to, const struct ush_inventory *inventory, const struct ush_findings *findings);
/* One document, or (lines) one finding a line and the summary as the last. */
void ush_audit_json(FILE *to, const struct ush_inventory *inventory, const struct ush_findings *findings, bool lines);
void ush_audit_rules_text(FILE *to);
void ush_audit_rules_json(FILE *to, bool lines);

struct ush_verb;
extern const struct ush_verb ush_verb_audit; /* verb/audit.c */

#endif
