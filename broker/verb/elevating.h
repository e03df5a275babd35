/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs share that write into the ledger: policy and cluster, who asks, a line in the audit log.
 */
#ifndef USH_VERB_ELEVATING_H
#define USH_VERB_ELEVATING_H

#include "broker/ledger/ledger.h"
#include "broker/verb/verb.h"

struct ush_elevating { /* zero-initialised */
	struct ush_broker broker;
	struct ush_policy *policy;
	char *by; /* who the API server says that we are */
};

/* Opens world, cluster, policy and audit log. verb: for the log. */
int ush_elevating_open(struct ush_elevating *e, const struct ush_broker_options *options, const char *verb, struct ush_error *err);

/* Says on stderr when no run of this policy keeps its state where the ledger is to be: a run that keeps it elsewhere would take
 * for forged what is given here. */
void ush_elevating_warn(const struct ush_elevating *e, const char *state_namespace);

/* Closes all of it; the log may have an error of its own, which becomes the caller's when it has none. */
int ush_elevating_close(struct ush_elevating *e, struct ush_error *err);

/* A line about an entry; ticket and reason are the entry's unless said. */
int ush_elevating_log(struct ush_elevating *e, const char *event, const struct ush_ledger_entry *entry, const char *reason, struct ush_error *err);

/* "--for 2h", USH_ERR_USAGE when it is none. */
int ush_elevating_span(const char *text, int64_t *seconds, struct ush_error *err);

/* USH_ERR_USAGE when there is no --reason, or it is none for one line. */
int ush_elevating_reason(const char *reason, struct ush_error *err);

#endif
