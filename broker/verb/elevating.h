/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs share that read and write the ledger: the policy, its clusters each in its turn, who asks, a line in the audit
 * log. Each cluster has a ledger of its own.
 */
#ifndef USH_VERB_ELEVATING_H
#define USH_VERB_ELEVATING_H

#include "broker/ledger/ledger.h"
#include "broker/verb/verb.h"

struct ush_elevating { /* zero-initialised */
	struct ush_broker broker;
	struct ush_broker_options options; /* as given; clusters: those that are meant */
	const char *verb;		   /* for the log, and for what it takes */
	bool looks;			   /* nothing is written, so nobody asks who we are */
	struct ush_policy *policy;
	const char *cluster; /* of several, whose turn it is; NULL: there is but one */
	char *by;	     /* who its API server says that we are */
	size_t met;	     /* for act: clusters that had what was asked for */
	const char *only;    /* what options.clusters is after ush_elevating_find */
};

/* Opens policy, world and audit log, no cluster yet. options: settled (ush_broker_settle). */
int ush_elevating_open(struct ush_elevating *e, struct ush_broker_options *options, const char *verb, struct ush_error *err);

/* USH_ERR_USAGE unless it is clear which one cluster is meant: where access is given is for a person to say. */
int ush_elevating_one(const struct ush_elevating *e, struct ush_error *err);

/* Calls act for each cluster that is meant; errors and what is told of them as of ush_broker_each. */
int ush_elevating_each(struct ush_elevating *e, int (*act)(struct ush_elevating *e, void *context, struct ush_error *err), void *context, struct ush_error *err);

/* Whose ledger has an entry of this key that fits? From then on that cluster is the only one. 1: there is one, or just
 * one cluster is meant and nobody was asked; 0: none has it. USH_ERR_USAGE when several have it. A cluster that cannot be asked is
 * told, and an error when no other has it. */
int ush_elevating_find(struct ush_elevating *e, const char *key, bool (*fits)(const struct ush_ledger_entry *entry), struct ush_error *err);

/* "cluster prod: ", or nothing where there is but one: for the beginning of a line. The caller frees. */
char *ush_elevating_where(const struct ush_elevating *e);

/* "-f POLICY --cluster NAME ...", for a command that a person copies. The caller frees. */
char *ush_elevating_again(const struct ush_elevating *e);

/* Says on stderr what the end of a role for a time does not undo, and how to end it sooner. */
void ush_elevating_stays(const struct ush_elevating *e, const char *key);

/* Says on stderr when no run of this policy keeps its state where the ledger is to be: a run that keeps it elsewhere would take
 * for forged what is given here. */
void ush_elevating_warn(const struct ush_elevating *e);

/* Closes all of it; the log may have an error of its own, which becomes the caller's when it has none. */
int ush_elevating_close(struct ush_elevating *e, struct ush_error *err);

/* A line about an entry; ticket and reason are the entry's unless said. */
int ush_elevating_log(struct ush_elevating *e, const char *event, const struct ush_ledger_entry *entry, const char *reason, struct ush_error *err);

/* "--for 2h", USH_ERR_USAGE when it is none. */
int ush_elevating_span(const char *text, int64_t *seconds, struct ush_error *err);

/* USH_ERR_USAGE when there is no --reason, or it is none for one line. */
int ush_elevating_reason(const char *reason, struct ush_error *err);

#endif
