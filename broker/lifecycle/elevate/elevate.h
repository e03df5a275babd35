/* SPDX-License-Identifier: Apache-2.0
 *
 * A role in a namespace for a time. First the ledger has it, then the cluster, then the API server is asked whether it works.
 * What is broken off in between the next run of the sync ends or tells.
 */
#ifndef USH_LIFECYCLE_ELEVATE_H
#define USH_LIFECYCLE_ELEVATE_H

#include "broker/ledger/ledger.h"
#include "broker/policy/policy.h"
#include "common/base/world.h"
#include "common/kube/client.h"

#define USH_ELEVATE_REASON 500 /* bytes of a reason */

struct ush_elevate {
	/* given */
	const struct ush_kube *kube;
	const struct ush_policy *policy;
	const char *state_namespace;
	size_t role; /* a ClusterRole of the policy */
	const char *namespace_name, *by, *reason, *ticket, *seal; /* ticket and seal may be NULL */
	int64_t seconds;
	bool group;
	const char *name, *subject;   /* as somebody wrote it, as the API server calls it */
	const char *source, *id;      /* of a group, or NULL */
	/* made */
	struct ush_ledger_entry made;
	bool proved;
	char *no_proof; /* why not, or NULL */
	struct ush_error lost; /* of a break-glass: the ledger is not the one that there was, so who was offboarded is not known */
};

/* What may not be asked at all: USH_ERR_REFUSED when the policy does not allow this role there for so long, or wants a
 * ticket (a break-glass always does); USH_ERR_USAGE for a reason that says nothing. now: Unix seconds. Pure. */
int ush_elevate_check(const struct ush_elevate *e, int64_t now, struct ush_error *err);

/* USH_ERR_REFUSED when the ledger keeps one of them out; USH_ERR_INCOMPLETE when it is not the one that there was, but for a
 * break-glass: an emergency does not wait for that (lost says it). Nothing is left behind by a failure before the binding is there. */
int ush_elevate_begin(struct ush_elevate *e, struct ush_error *err);
void ush_elevate_free(struct ush_elevate *e);

/* Ends one before its time; *ended is what it was. USH_ERR_USAGE when there is none, USH_ERR_INCOMPLETE when the ledger that had
 * it is lost: then a run ends it, and the hint is a command that does. A break-glass that nobody reviewed stays
 * in the ledger until somebody does. */
int ush_elevate_end(const struct ush_kube *kube, const char *state_namespace, const char *policy, const char *key, struct ush_ledger_entry *ended,
		    struct ush_error *err);

/* Whether an entry is one that can be ended; and USH_ERR_USAGE because there is none of that key. way: of a person to all the
 * clusters that were looked at. */
bool ush_elevate_is_on(const struct ush_ledger_entry *entry);
int ush_elevate_none(const struct ush_way *way, const char *key, struct ush_error *err);

/* group.c: the one group of the sources that somebody means; source NULL: of any. USH_ERR_USAGE when there is none or
 * more than one, USH_ERR_INCOMPLETE when a source that may have it cannot be read. */
struct ush_elevate_group {
	char *text, *source, *id, *path; /* text: as the API server calls it */
};
int ush_elevate_find(struct ush_elevate_group *group, const struct ush_world *world, const struct ush_policy *policy, const char *source, const char *name,
		     struct ush_error *err);
void ush_elevate_group_free(struct ush_elevate_group *group);

/* person.c: asks the sources for the person whom somebody calls so. 0: one of them writes just that, or (*unknown: why, one line
 * that the caller frees) nobody can say that it does: no source knows such a person, or one could not be asked, which is no
 * error. USH_ERR_USAGE when one writes the same person otherwise. */
int ush_elevate_know(const struct ush_world *world, const struct ush_policy *policy, const char *name, char **unknown, struct ush_error *err);

#endif
