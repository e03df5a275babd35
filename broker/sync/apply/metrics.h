/* SPDX-License-Identifier: Apache-2.0
 *
 * A run in numbers, in Prometheus' text format (exposition format 0.0.4), for node_exporter's textfile collector or a
 * push gateway. Every number is derived from how the run ended, so a run that failed in part cannot look like a success.
 */
#ifndef USH_SYNC_METRICS_H
#define USH_SYNC_METRICS_H

#include "broker/ledger/ledger.h"
#include "broker/sync/apply/apply.h"
#include "broker/sync/plan/plan.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct ush_run {
	const char *verb;		 /* "plan", "apply" */
	const char *policy, *cluster;	 /* names; cluster may be NULL */
	const struct ush_plan *plan;	 /* NULL: it ended before there was one */
	const struct ush_applied *applied; /* NULL: nothing was carried out */
	const struct ush_ledger *ledger; /* NULL: it was not read. Told with a plan alone */
	int status;			 /* the exit status */
	int64_t now, took_ms;
	bool dated;	 /* the API server said what time it is */
	int64_t ahead_s; /* its clock of ours; less than 0: behind */
};

/* Appends. before: what the last run wrote, or NULL: the time of the last success is taken from it when this is none.
 * `plan` with something to do (status 1) is a success. Pure. */
void ush_metrics_text(struct ush_buf *out, const struct ush_run *run, const char *before);

/* Writes it to path, whole or not at all. USH_ERR_STORE. */
int ush_metrics_write(const char *path, const struct ush_run *run, struct ush_error *err);

#endif
