/* SPDX-License-Identifier: Apache-2.0
 *
 * The verbs of usher-broker: one file each, which reads its arguments, wires the world, prints and chooses the exit
 * status. And what they share.
 */
#ifndef USH_BROKER_VERB_H
#define USH_BROKER_VERB_H

#include "broker/sync/apply/apply.h"
#include "broker/sync/sync.h"
#include "common/base/cli.h"
#include "common/base/progress.h"
#include "common/base/world.h"
#include "common/kube/client.h"
#include "common/kube/config.h"
#include "common/kube/way.h"

extern const struct ush_verb ush_verb_break_glass, ush_verb_elevate, ush_verb_elevations, ush_verb_readmit, ush_verb_review, ush_verb_seal;
extern const struct ush_verb ush_verb_apply, ush_verb_audit, ush_verb_claims, ush_verb_explain, ush_verb_groups, ush_verb_import, ush_verb_offboard, ush_verb_onboard, ush_verb_plan, ush_verb_rbac, ush_verb_render, ush_verb_run, ush_verb_serve_scim, ush_verb_validate, ush_verb_verify_log;

/* What most verbs are told. */
struct ush_broker_options {
	const char *policy, *kubeconfig, *context, *output;
	const char *state_namespace; /* what the option says, NULL: nothing; where the state is once ush_broker_settle was here */
	bool state_of_policy;	     /* the policy says so itself: no command need say it */
	const char *record, *replay; /* folders: what sources are told is kept there, or comes from there */
	struct ush_strings clusters; /* of those that the policy lists; none: all */
	const char *metrics;	     /* file for what the run was in numbers */
	const char *journal;	     /* the audit log (broker/journal/journal.h), or NULL */
	bool events;		     /* tell the cluster too (broker/journal/events.h) */
	const char *rights;	     /* "auto", "exact" or "any" (USH_OPTION_RIGHTS) */
	bool no_people;		     /* read no members */
	struct ush_watch *watch;     /* of a program that stays (watch.h); NULL: it runs once and says everything */
};

#define USH_OPTION_POLICY(o) {"filename", 'f', USH_OPTION_STRING, "POLICY", "the policy, - for stdin", &(o).policy}
#define USH_OPTIONS_CLUSTER(o)                                                                                                      \
	{"kubeconfig", 0, USH_OPTION_STRING, "FILE", "kubeconfig to use instead of $KUBECONFIG or ~/.kube/config", &(o).kubeconfig}, \
	{                                                                                                                           \
		"context", 0, USH_OPTION_STRING, "NAME", "context of the kubeconfig", &(o).context                                  \
	}
#define USH_OPTION_STATE(o)                                                                                                         \
	{                                                                                                                           \
		"state-namespace", 0, USH_OPTION_STRING, "NAME", "namespace of tombstones and lease, where the policy does not say it", \
			&(o).state_namespace                                                                                        \
	}
#define USH_OPTIONS_RECORD(o)                                                                                                       \
	{"record", 0, USH_OPTION_STRING, "DIR", "keep what the sources are told in this folder, without secrets", &(o).record},      \
	{                                                                                                                           \
		"replay", 0, USH_OPTION_STRING, "DIR", "let the sources be told what was recorded there; nothing else is asked",     \
			&(o).replay                                                                                                 \
	}
#define USH_OPTION_CLUSTERS(o)                                                                                                      \
	{                                                                                                                           \
		"cluster", 0, USH_OPTION_LIST, "NAME", "only this one of the clusters that the policy lists; may be repeated",      \
			&(o).clusters                                                                                               \
	}
#define USH_OPTION_ONE_CLUSTER(o)                                                                                                   \
	{                                                                                                                           \
		"cluster", 0, USH_OPTION_LIST, "NAME", "which of the clusters that the policy lists", &(o).clusters                  \
	}
#define USH_OPTIONS_RUN(o)                                                                                                          \
	USH_OPTION_CLUSTERS(o),                                                                                                     \
	{                                                                                                                           \
		"metrics", 0, USH_OPTION_STRING, "FILE", "write what the run was in numbers, for Prometheus", &(o).metrics           \
	}
#define USH_OPTION_JOURNAL(o)                                                                                                       \
	{                                                                                                                           \
		"audit-log", 0, USH_OPTION_STRING, "FILE", "append a line for each change to this hash-chained log, - for stdout",   \
			&(o).journal                                                                                                \
	}
#define USH_OPTION_EVENTS(o)                                                                                                        \
	{                                                                                                                           \
		"events", 0, USH_OPTION_FLAG, NULL, "make an Event in each namespace that is changed, 100 at most", &(o).events      \
	}
#define USH_OPTION_OUTPUT(o, choices) {"output", 'o', USH_OPTION_CHOICE, choices, "what to print", &(o).output}

/* The real world and, when asked for, a cluster in it. */
struct ush_broker {
	struct ush_world world;
	struct ush_world source_world; /* the same, or what records and replays it: for sources alone */
	struct ush_recorder *recorder;
	struct ush_kube_config *config;
	struct ush_kube kube;
	struct ush_way way; /* of a person to where we are (ush_broker_lead) */
	struct ush_progress progress; /* of what is read of the cluster */
	struct ush_journal *journal;  /* the audit log (told.h), or NULL */
	bool changed;		     /* something was, for which it has lines */
};

/* Opens the world; cluster says whether a kubeconfig is wanted. */
int ush_broker_open(struct ush_broker *broker, const struct ush_broker_options *options, bool cluster, struct ush_error *err);
void ush_broker_close(struct ush_broker *broker);

/* All sources are read: what was recorded is whole on disk, or USH_ERR_STORE. Nothing when nothing is recorded. */
int ush_broker_recorded(struct ush_broker *broker, struct ush_error *err);
#define USH_AUTO_BROKER __attribute__((cleanup(ush_broker_close))) struct ush_broker

/* " --kubeconfig FILE --context NAME --state-namespace NAME" as far as they were said, for a command that a person copies. The
 * caller frees. */
char *ush_broker_place(const struct ush_broker_options *options);

/* "-f POLICY --cluster NAME --kubeconfig ...", for another command of the same policy; cluster: of several, or NULL. The
 * caller frees. */
char *ush_broker_same(const struct ush_broker_options *options, const char *cluster);

/* Fills broker->way: how a person gets to that cluster of the policy's, or (NULL) to where the options lead. */
void ush_broker_lead(struct ush_broker *broker, const struct ush_broker_options *options, const struct ush_cluster *cluster);

/* USH_ERR_USAGE when no policy was named. */
int ush_broker_need_policy(const struct ush_broker_options *options, struct ush_error *err);

/* settle.c. Where the state is: the policy's cluster.stateNamespace, else the option, else "default"; in options from then on,
 * and it may be the policy's text: policy must live as long. USH_ERR_USAGE when both say it and not the same. Every verb that
 * reads a policy and has the option comes by here, before ush_broker_open. */
int ush_broker_settle(struct ush_broker_options *options, const struct ush_policy *policy, struct ush_error *err);

/* The policy that the options name, read and settled: USH_ERR_USAGE when none was named, else as ush_policy_load. common.c */
struct ush_policy *ush_broker_policy(struct ush_broker_options *options, struct ush_error *err);

#define USH_OPTION_RIGHTS(value)                                                                                                    \
	{                                                                                                                           \
		"rights", 0, USH_OPTION_CHOICE, "auto|exact|any",                                                                   \
			"whether to run with more rights than the policy needs: a ServiceAccount does not, unless said", &(value)    \
	}

/* What carrying out is told, whether once or again and again. */
#define USH_OPTIONS_APPLY(o)                                                                                                        \
	{"no-people", 0, USH_OPTION_FLAG, NULL, "read no members: limits go without numbers of people", &(o).no_people},            \
		USH_OPTION_RIGHTS((o).rights), USH_OPTIONS_RUN(o), USH_OPTION_JOURNAL(o), USH_OPTION_EVENTS(o), USH_OPTIONS_CLUSTER(o), \
		USH_OPTION_STATE(o)

/* rights.c. Does it matter what we may do? "exact": yes; "auto": as a ServiceAccount; "any": no. */
int ush_broker_rights_matter(const struct ush_broker *broker, const char *rights, bool *matter, struct ush_error *err);

/* USH_ERR_REFUSED when we may do more than the policy needs. */
int ush_broker_check_rights(const struct ush_broker *broker, const struct ush_policy *policy, const char *state_namespace, struct ush_error *err);

/* ---- clusters.c ---- */

/* Another cluster, in place of the one there was: one of the policy's, or (NULL) the one that the options name. */
int ush_broker_connect(struct ush_broker *broker, const struct ush_broker_options *options, const struct ush_cluster *cluster, struct ush_error *err);

/* "prod, stage": those that the policy lists. The caller frees. */
char *ush_broker_cluster_names(const struct ush_policy *policy);

struct ush_turn { /* one cluster's, or the folder's */
	struct ush_broker *broker;
	const struct ush_broker_options *options;
	struct ush_sync *sync;	    /* policy is loaded, kube or folder set */
	const char *cluster;	    /* its name, NULL when there is but one */
	void *context;		    /* whatever act is given */
	struct ush_applied applied; /* filled by act when it carried something out, and freed afterwards */
	bool carried_out;
};

/*
 * Calls act for the cluster that the options name, for each that sync->policy lists, or for the folder. A cluster of
 * several that fails is told at once and the next has its turn; the error is then theirs together: their code when it is
 * one, else USH_ERR_PARTIAL. Returns act's status. Writes options->metrics.
 */
int ush_broker_each(struct ush_broker *broker, const struct ush_broker_options *options, struct ush_sync *sync, const char *verb,
		    int (*act)(struct ush_turn *turn, struct ush_error *err), void *context, struct ush_error *err);

/* Writes options->metrics, when it is said. */
struct ush_run;
int ush_broker_metrics(const struct ush_broker_options *options, const struct ush_run *run, struct ush_error *err);

/* "host-pid-random": who holds the lease. The caller frees. */
char *ush_broker_identity(const struct ush_world *world);

/* Namespaces and RoleBindings of the cluster, or (kube NULL) in a folder of manifests. standing.c */
struct ush_standing;
int ush_broker_standing(struct ush_standing *standing, const struct ush_kube *kube, const char *folder, struct ush_error *err);

/* ---- plan_file.c ---- */

/* USH_ERR_CONFIG when it is none, or was changed. */
struct ush_plan *ush_plan_file_read(const char *path, struct ush_error *err);

/* USH_ERR_USAGE or USH_ERR_REFUSED when it is not for the cluster behind this URL. */
int ush_plan_file_fits(const struct ush_plan *plan, const char *path, const char *server, struct ush_error *err);

/* USH_ERR_REFUSED when it was made more than `most` seconds ago. */
int ush_plan_file_age(const struct ush_plan *plan, const char *path, const struct ush_way *way, int64_t now, int64_t most, struct ush_error *err);

/* Hint at the command that makes the plan anew; or at those that show it and say yes to it. way: of the broker. Return -1. */
int ush_plan_file_again(const struct ush_way *way, const struct ush_plan *plan, const char *path, struct ush_error *err);
int ush_plan_file_look(const struct ush_way *way, const struct ush_plan *plan, struct ush_error *err);

/* The policy that it was made from, as it was: the one that is named, or else the one that the plan names. */
struct ush_policy *ush_plan_file_policy(const struct ush_plan *plan, const char *path, const char *named, const struct ush_way *way, struct ush_error *err);

/* The same as a question; a policy that nobody names and that is not here is no fault: the plan was made elsewhere. */
int ush_plan_file_policy_stands(const struct ush_plan *plan, const char *path, const char *named, const struct ush_way *way, struct ush_error *err);

/* ---- applied.c ---- */

/* What came of it, and the error that the run ends with. held: changes that wait for a person's consent. telling: for one
 * cluster of several (NULL: there is but one), and for who stays: the same is said once (NULL: always). */
struct ush_telling {
	const char *cluster;
	struct ush_watch *watch;
	const struct ush_way *way;
	const char *folder; /* of manifests, that is looked at in place of a cluster; or NULL */
};

/* What of a plan stays, waits or is in the way, on stderr. */
void ush_broker_tell_plan(const struct ush_plan *plan, const struct ush_telling *telling);
int ush_broker_tell(const struct ush_telling *telling, const struct ush_applied *applied, const struct ush_plan *plan, size_t held, struct ush_error *err);

/* ---- carry.c: what apply does once, and run again and again ---- */

struct ush_carry {
	struct ush_broker *broker;	 /* connected */
	const struct ush_broker_options *options;
	const struct ush_policy *policy; /* NULL: the one that the plan was made from */
	const char *cluster;		 /* of several, or NULL */
	const char *plan_file;		 /* where the plan came from, or NULL */
	const char *confirm;		 /* the hash that a person gave, or NULL */
};

/* True when that hash (NULL: none) is the plan's. */
bool ush_carry_confirmed(const char *confirm, const struct ush_plan *plan);

/* Carries a plan out, checks the rights before and tells what came of it. */
int ush_carry_out(const struct ush_carry *carry, struct ush_plan *plan, struct ush_applied *applied, struct ush_error *err);

/* Plan and apply of all clusters inside the policy's limits. Policy, kubeconfig and credentials are read now, and nothing of
 * it stays afterwards, so it may be called again and again. broker is open, without a cluster. */
int ush_broker_apply_policy(struct ush_broker *broker, const struct ush_broker_options *options, struct ush_error *err);

/* Prints text, as it is; USH_ERR_STORE when stdout does not take it. */
int ush_broker_print(const char *text, struct ush_error *err);

/* Prints JSON, indented; the same. */
int ush_broker_print_json(const json_t *json, struct ush_error *err);

/* Prints an array of objects as manifests, "---" between them; the same. */
int ush_broker_print_yaml(const json_t *objects, struct ush_error *err);

#endif
