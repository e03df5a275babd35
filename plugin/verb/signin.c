/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/verb/signin.h"

#include <string.h>

#include "common/base/memory.h"
#include "plugin/front/record.h"

const struct ush_cache_ops ush_cache_real = {ush_cache_load, ush_cache_save, ush_cache_drop};

void ush_answer_free(struct ush_answer *answer)
{
	ush_secret_free(answer->token);
	answer->token = NULL;
}

const struct ush_store_ops *ush_verb_store(const struct ush_profile *profile, const struct ush_signin_options *options)
{
	static const struct ush_store_ops *const stores[] = {
		[USH_STORE_AUTO] = &ush_store_keyring,
		[USH_STORE_KEYRING] = &ush_store_keyring,
		[USH_STORE_PLAIN_FILE] = &ush_store_plain_file,
		[USH_STORE_NONE] = &ush_store_none,
	};

	return options->store != NULL ? options->store : stores[profile->store];
}

void ush_run_begin(struct ush_run *run, const struct ush_world *world, const struct ush_profile *profile,
		   const struct ush_signin_options *options)
{
	struct ush_error ignored = {0};

	*run = (struct ush_run){.world = world, .profile = profile, .options = options, .settings = profile->settings};
	run->store = ush_verb_store(profile, options);
	run->cache = options->cache != NULL ? options->cache : &ush_cache_real;
	run->binding = ush_profile_binding(profile);
	if (run->settings.cache_folder == NULL)
		run->settings.cache_folder = run->cache_folder = ush_cache_folder(&ignored);
}

void ush_run_end(struct ush_run *run)
{
	ush_flight_end(run->flight);
	ush_provider_free(run->provider);
	ush_answer_free(&run->doubted);
	free(run->cache_folder);
	free(run->binding);
}

int ush_run_flow(struct ush_run *run, struct ush_flow *flow, struct ush_error *err)
{
	if (run->provider == NULL)
		run->provider = ush_provider_load(run->world, &run->settings, err);
	if (run->provider == NULL)
		return -1;
	*flow = (struct ush_flow){
		.world = run->world,
		.profile = run->profile,
		.provider = run->provider,
		.say = run->options->say,
		.open = run->options->open,
		.open_context = run->options->open_context,
	};
	return 0;
}

static bool landed_meanwhile(void *context)
{
	const struct ush_run *run = context;
	USH_AUTO_TOKEN answer = {0};

	return !run->options->fresh && (ush_keep_recall(run, &answer) || ush_doubt_over(run));
}

/* The lock; *landed when another process brought the token while we waited. Without a place for the lock we go on: two
 * sign-ins at once are better than none. */
static int take_off(struct ush_run *run, bool *landed, struct ush_error *err)
{
	int64_t since;

	if (run->options->fresh)
		ush_breaker_reset(run->binding);
	run->breaker_before = ush_breaker_count(run->binding, &since);
	run->flight = run->refused != 0 ? ush_flight_begin_until(run->world, run->binding, run->doubt_until_ms, landed_meanwhile, run,
								 landed, err)
					: ush_flight_begin(run->world, run->binding, landed_meanwhile, run, landed, err);
	if (run->flight != NULL || *landed)
		return 0;
	if (err->code != USH_ERR_STORE)
		return -1;
	ush_say(run->options->say, "%s; going on without the lock that keeps two sign-ins apart", err->what);
	ush_error_clear(err);
	return 0;
}

static struct ush_session *obtain(struct ush_run *run, struct ush_error *err)
{
	USH_AUTO_SESSION kept = run->options->fresh ? NULL : ush_keep_load(run);
	USH_AUTO_SESSION renewed = NULL;
	bool ended = true;

	if (kept != NULL && ush_keep_good(run, kept) && !ush_doubt_is(run, kept->id_token))
		return ush_steal(&kept);
	if (run->refused != 0 && (kept == NULL || kept->refresh == NULL)) {
		ush_fail(err, USH_ERR_LOGIN, "there is no refresh token");
		ush_hint(err, "Run: kubectl usher login --profile %s", run->profile->name);
		return NULL;
	}
	if (kept != NULL && kept->refresh != NULL)
		renewed = (run->refused != 0 && run->options->aside ? ush_renew_aside : ush_renew)(run, kept, &ended, err);
	if (renewed != NULL)
		return ush_steal(&renewed);
	if (!ended || (err->code != USH_OK && !run->options->interactive))
		return NULL;
	if (err->code != USH_OK)
		ush_say(run->options->say, "%s", err->what);
	ush_error_clear(err);
	return ush_ask(run, err);
}

/* A token that is there already, or that a sibling brought. */
static bool recall(struct ush_run *run, struct ush_answer *answer)
{
	if (run->options->fresh || !ush_keep_recall(run, answer))
		return false;
	ush_doubt_end(run, answer, false);
	return true;
}

int ush_signin_token(const struct ush_world *world, const struct ush_profile *profile,
		     const struct ush_signin_options *options, struct ush_answer *answer, struct ush_error *err)
{
	USH_AUTO_RUN run = {0};
	USH_AUTO_SESSION session = NULL;
	bool landed = false;

	ush_run_begin(&run, world, profile, options);
	ush_doubt_begin(&run);
	if (recall(&run, answer))
		return 0;
	do { /* what landed may be over already; then it is our turn like anybody's, and never without the lock */
		if (take_off(&run, &landed, err) != 0)
			return ush_doubt_settle(&run, answer, err);
		if (recall(&run, answer))
			return 0;
		if (run.refused != 0)
			ush_doubt_begin(&run); /* the one before us may have tried in vain: once is enough */
		if (recall(&run, answer))
			return 0;
	} while (landed);
	ush_doubt_try(&run);
	session = obtain(&run, err);
	if (session == NULL)
		return ush_doubt_settle(&run, answer, err);
	if (options->fresh)
		ush_doubt_forget(&run);
	ush_keep_cache(&run, session);
	answer->token = ush_secret_copy(session->id_token);
	answer->expires = session->id_expires;
	ush_doubt_end(&run, answer, true);
	return 0;
}
