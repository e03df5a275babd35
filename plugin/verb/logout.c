/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/verb/signin.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/net/real.h"

static const char *profile_name;

static bool never(void *context)
{
	(void)context;
	return false;
}

/* The lock keeps a refresh that runs at this moment from putting a session back; without it we delete all the same. */
static void take_off(struct ush_run *run)
{
	struct ush_error ignored = {0};
	bool landed = false;

	run->flight = ush_flight_begin(run->world, run->binding, never, NULL, &landed, &ignored);
}

static int revoke(struct ush_run *run, const struct ush_session *session, struct ush_error *err)
{
	struct ush_flow flow;

	if (session->refresh == NULL)
		return 0;
	if (ush_run_flow(run, &flow, err) != 0)
		return -1;
	return ush_flow_revoke(&flow, session->refresh, err);
}

static int forget(struct ush_run *run, struct ush_error *err)
{
	struct ush_error why = {0};
	enum ush_store_result result = run->store->erase(run->binding, USH_STORE_DEADLINE_MS, &why);

	run->cache->drop(run->profile->identity);
	ush_doubt_forget(run);
	if (run->flight != NULL)
		ush_flight_unmark(run->flight);
	ush_breaker_reset(run->binding);
	ush_offline_forget(run->binding);
	if (result == USH_STORE_OK || result == USH_STORE_ABSENT)
		return 0;
	if (result == USH_STORE_LOCKED) {
		ush_fail(err, USH_ERR_STORE, "%s is locked, so what it keeps of profile %s is still there",
			 run->store->place, run->profile->name);
		return ush_hint(err, "Unlock it and run again: kubectl usher logout --profile %s", run->profile->name);
	}
	ush_fail(err, USH_ERR_STORE, "what %s keeps of profile %s could not be deleted (%s)", run->store->place,
		 run->profile->name, why.what);
	return ush_hint(err, "When that is mended: kubectl usher logout --profile %s", run->profile->name);
}

/* Until when the newest ID token that we know of is valid, 0 when none is. */
static int64_t token_end(const struct ush_run *run, const struct ush_session *session)
{
	USH_AUTO_TOKEN cached = {0};
	int64_t end = session != NULL ? session->id_expires : 0;

	if (ush_keep_recall(run, &cached) && cached.expires > end)
		end = cached.expires;
	return end > ush_now(run->world) ? end : 0;
}

static void tell(const struct ush_run *run, const struct ush_session *session, bool deleted, int64_t end)
{
	const char *name = run->profile->name,
		   *account = session != NULL && session->account != NULL ? session->account : "";
	char when[16];

	if (session == NULL && end == 0)
		ush_say(run->options->say, "nobody was signed in with profile %s", name);
	else if (deleted)
		ush_say(run->options->say, "signed out of profile %s%s%s%s", name, *account != '\0' ? " (" : "",
			account, *account != '\0' ? ")" : "");
	if (end != 0)
		ush_say(run->options->say,
			"the ID token handed out before stays valid at the API server until %s; nothing can call it "
			"back",
			ush_when(when, sizeof when, end, ush_now(run->world)));
}

/* The provider was not told: the refresh token lives on there, wherever else a copy may be. */
static int tell_not_revoked(const struct ush_error *why, int64_t end, int64_t now, struct ush_error *err)
{
	char when[16];

	ush_fail(err, USH_ERR_UNAVAILABLE, "the session was deleted here but not revoked at the provider (%.200s)%s%s",
		 why->what, end != 0 ? "; the ID token stays valid until " : "",
		 end != 0 ? ush_when(when, sizeof when, end, now) : "");
	return ush_hint(err, "End it on your provider's own page for sessions");
}

int ush_signout(const struct ush_world *world, const struct ush_profile *profile,
		const struct ush_signin_options *options, struct ush_error *err)
{
	USH_AUTO_RUN run = {0};
	USH_AUTO_SESSION session = NULL;
	struct ush_error why = {0};
	int64_t end;
	int revoked, deleted;

	ush_run_begin(&run, world, profile, options);
	take_off(&run);
	session = ush_keep_load(&run);
	end = token_end(&run, session);
	revoked = session != NULL ? revoke(&run, session, &why) : 0;
	deleted = forget(&run, err);
	tell(&run, session, deleted == 0, end);
	if (deleted != 0)
		return -1;
	return revoked == 0 ? 0 : tell_not_revoked(&why, end, ush_now(world), err);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_signin_options options = {.say = stderr};
	USH_AUTO_PROFILE profile = ush_verb_profile(profile_name, err);
	struct ush_world world;
	int r;

	(void)count;
	(void)operands;
	if (profile == NULL)
		return -1;
	ush_world_real(&world);
	r = ush_signout(&world, profile, &options, err);
	ush_world_real_free(&world);
	return r;
}

static const struct ush_option options[] = {
	{"profile", 'p', USH_OPTION_STRING, "NAME", "the profile, when there are several", &profile_name},
	{NULL},
};

const struct ush_verb ush_verb_logout = {"logout", "", "revoke the session at the provider and forget it here", options, 0, 0, run};
