/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a grant is or is not there: everything that the policy, its sources and the cluster say about one group or one
 * namespace, as JSON; and that as text. Pure.
 */
#ifndef USH_EXPLAIN_EXPLAIN_H
#define USH_EXPLAIN_EXPLAIN_H

#include <jansson.h>
#include <stdint.h>

#include "broker/import/import.h"
#include "broker/policy/policy.h"
#include "broker/policy/reach.h"
#include "broker/source/source.h"
#include "broker/sync/plan/plan.h"
#include "broker/sync/want/desired.h"
#include "common/base/text.h"

struct ush_explain {
	const struct ush_policy *policy;
	const struct ush_groups *groups;      /* one list a source, or NULL: the sources were not asked */
	const struct ush_desired *desired;    /* what became of each grant's groups; NULL with groups */
	const struct ush_standing *standing;  /* namespaces and RoleBindings, or NULL: nobody looked */
	const struct ush_plan *plan;	      /* what a run would do, or NULL */
	int64_t now;			      /* Unix seconds */
};

/* True when something is known under this name. */
bool ush_explain_knows_group(const struct ush_explain *all, const char *asked);
bool ush_explain_knows_namespace(const struct ush_explain *all, const char *asked);

/* {"kind": "Group" | "Namespace", ...}; owned by the caller. */
json_t *ush_explain_group(const struct ush_explain *all, const char *asked);
json_t *ush_explain_namespace(const struct ush_explain *all, const char *asked);

/* explain_text.c: either as text. */
void ush_explain_text(const json_t *report, struct ush_buf *out);

/* For the two: what keeps a grant's group out of its binding, NULL when nothing does. Owned by the caller. group NULL: no
 * source has it. */
char *ush_explain_kept_out(const struct ush_explain *all, const struct ush_grant *grant, const struct ush_group *group);

/* As ush_reach_of, and where the broker's state lives nobody gets in unnamed. */
enum ush_reach ush_explain_reach(const struct ush_explain *all, const struct ush_grant *grant, const struct ush_captures *captures, const char *namespace_name,
				 const json_t *labels, const char **by);

/* Adds which grant it is about: called, line, and grant, its number, unless it is of a template. Returns json. */
json_t *ush_explain_of(const struct ush_grant *grant, json_t *json);

/* A grant that does not mean what was asked for, and why; of more than USH_EXPLAIN_MORE only the number is kept ("more"). Takes why. */
#define USH_EXPLAIN_MORE 10
void ush_explain_elsewhere(json_t *report, const struct ush_grant *grant, char *why);

/* The lines of the plan about a namespace (NULL: any) that have this text in group or reason (NULL: any), or that keep a
 * binding from the group (may be NULL) that it is to be in. */
json_t *ush_explain_plan(const struct ush_explain *all, const char *namespace_name, const char *text, const struct ush_group *group);

#endif
