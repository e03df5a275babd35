/* SPDX-License-Identifier: Apache-2.0
 *
 * Refresh that survives rotation: the token about to be spent is marked on disk first, the one that comes back is in
 * the store before anybody uses what came with it, and a refusal is believed only after the store was read again.
 */
#include "plugin/verb/signin.h"

#include <string.h>

#include "common/base/memory.h"

#define RETRY_S   30    /* a token whose refresh was cut off may be sent once more within this time */
#define FLIGHT_MS 30000 /* what waiters allow a refresh */

/* The same failure, and that nothing was lost by it. */
static void tell_kept(const struct ush_run *run, struct ush_error *err)
{
	struct ush_error why = *err;

	if (why.code != USH_ERR_UNAVAILABLE && why.code != USH_ERR_REJECTED)
		return;
	ush_error_clear(err);
	ush_fail(err, why.code, "%.400s; your session is kept", why.what);
	if (why.hint[0] != '\0')
		ush_hint(err, "%s", why.hint);
	else if (why.code == USH_ERR_UNAVAILABLE)
		ush_hint(err, "Try again when it answers");
	else
		ush_hint(err, "If it stays so: kubectl usher login --profile %s", run->profile->name);
}

/* True when an earlier run died between sending this token and keeping its successor, too long ago to send it again:
 * a provider takes that for theft and ends every session of the family. */
static bool cut_off(const struct ush_run *run, const struct ush_session *session, bool *marked, struct ush_error *err)
{
	int64_t age = 0;

	*marked = run->flight != NULL && ush_flight_marked(run->flight, session->refresh, ush_now(run->world), &age);
	if (!*marked || age <= RETRY_S)
		return false;
	ush_fail(err, USH_ERR_LOGIN,
		 "an earlier refresh was cut off before its answer was kept, so this session cannot go on");
	ush_hint(err, "Run: kubectl usher login --profile %s", run->profile->name);
	return true;
}

/* The provider rotated, yet the ID token that came along failed its check: the session goes on with the new refresh
 * token. */
static void keep_rotated(struct ush_run *run, const struct ush_session *session, struct ush_secret **rotated)
{
	struct ush_session next = *session;

	next.refresh = *rotated;
	ush_keep_save(run, &next);
	ush_secret_free(ush_steal(rotated));
}

/* One refresh, from mark to store. */
static struct ush_session *spend(struct ush_run *run, const struct ush_flow *flow, const struct ush_session *session,
				 bool *ended, struct ush_error *err)
{
	struct ush_error ignored = {0};
	struct ush_secret *rotated = NULL;
	struct ush_session *next = NULL;
	USH_AUTO_GRANT grant = NULL;
	bool marked;

	*ended = cut_off(run, session, &marked, err);
	if (*ended)
		return NULL;
	if (run->flight != NULL && !marked)
		ush_flight_mark(run->flight, session->refresh, &ignored);
	grant = ush_flow_refresh(flow, session, ended, &rotated, err);
	if (grant != NULL) {
		next = ush_keep_session(run, grant, session);
		ush_keep_save(run, next);
	} else if (rotated != NULL) {
		keep_rotated(run, session, &rotated);
	}
	if (run->flight != NULL)
		ush_flight_unmark(run->flight);
	return next;
}

/* A process that does not share our lock may have rotated the token meanwhile: then its session is the living one. */
static struct ush_session *follow_sibling(struct ush_run *run, const struct ush_flow *flow,
					  const struct ush_session *session, bool *ended, struct ush_error *err)
{
	USH_AUTO_SESSION theirs = ush_keep_load(run);

	if (theirs == NULL || theirs->refresh == NULL || ush_secret_equal(theirs->refresh, session->refresh))
		return NULL;
	*ended = false;
	ush_error_clear(err);
	if (ush_keep_good(run, theirs))
		return ush_steal(&theirs);
	return spend(run, flow, theirs, ended, err);
}

struct ush_session *ush_renew(struct ush_run *run, const struct ush_session *session, bool *ended,
			      struct ush_error *err)
{
	struct ush_error ignored = {0};
	struct ush_session *next;
	struct ush_flow flow;

	*ended = false;
	if (run->flight != NULL)
		ush_flight_announce(run->flight, "refresh", ush_boot_ms(run->world) + FLIGHT_MS);
	if (ush_run_flow(run, &flow, err) != 0) {
		tell_kept(run, err);
		return NULL;
	}
	next = spend(run, &flow, session, ended, err);
	if (next == NULL && *ended)
		next = follow_sibling(run, &flow, session, ended, err);
	if (next == NULL && *ended)
		run->store->erase(run->binding, USH_STORE_DEADLINE_MS, &ignored);
	if (next == NULL)
		tell_kept(run, err);
	return next;
}
