/* SPDX-License-Identifier: Apache-2.0
 *
 * The 401 rule (front/asked.h) on the way to a token: one that the API server seems to refuse is refreshed once and not
 * repeated. It is a guess, so it costs nothing but that: no person is asked because of it, and when the refresh fails
 * the asker gets what it would have got without the rule, with the reason.
 */
#include "plugin/verb/signin.h"

#include <string.h>

#include "common/base/memory.h"
#include "plugin/front/record.h"

#define SEEMS "the API server seems to refuse the token (401)"

static void load(const struct ush_cache_ops *cache, const struct ush_profile *profile, struct ush_asked *asked)
{
	char name[USH_ASKED_IDENTITY], data[sizeof *asked + 1];

	ush_asked_identity(name, profile->identity);
	ush_asked_read(asked, data, cache->load(name, data, sizeof data));
}

static void save(const struct ush_cache_ops *cache, const struct ush_profile *profile, const struct ush_asked *asked)
{
	char name[USH_ASKED_IDENTITY];
	const char *where;

	ush_asked_identity(name, profile->identity);
	cache->save(name, (const char *)asked, sizeof *asked, USH_ASKED_TTL, &where);
}

static uint32_t mark(const struct ush_secret *token)
{
	return ush_asked_mark(ush_secret_reveal(token), ush_secret_length(token));
}

bool ush_doubt_is(const struct ush_run *run, const struct ush_secret *token)
{
	return run->refused != 0 && token != NULL && mark(token) == run->refused;
}

static void tell(const struct ush_run *run, const struct ush_asked *asked, uint32_t token)
{
	if (token == asked->renewed)
		ush_say(run->options->say, SEEMS " although it was just refreshed, so that does not help. Its log says why; what the "
			"token says of you: kubectl usher status -o json");
	else
		ush_say(run->options->say, SEEMS ", and the last refresh for that is too recent for another. Wait a minute, or run: "
			"kubectl usher login --profile %s", run->profile->name);
}

void ush_doubt_begin(struct ush_run *run)
{
	const struct ush_asker *asker = run->options->asker;
	int64_t now = ush_now(run->world);
	USH_AUTO_TOKEN cached = {0};
	struct ush_asked asked;
	enum ush_doubt doubt;
	uint32_t token;

	run->refused = 0;
	ush_answer_free(&run->doubted);
	if (asker == NULL || run->options->fresh || !ush_keep_recall(run, &cached))
		return;
	token = mark(cached.token);
	load(run->cache, run->profile, &asked);
	doubt = ush_asked_judge(&asked, asker, token, now);
	if (doubt == USH_DOUBT_TELL) {
		tell(run, &asked, token);
		ush_asked_tell(&asked, asker, token);
		save(run->cache, run->profile, &asked);
	}
	if (doubt != USH_DOUBT_RENEW)
		return;
	run->refused = token;
	run->tried = asked.tried;
	if (run->doubt_until_ms == 0)
		run->doubt_until_ms = ush_boot_ms(run->world) + USH_DOUBT_MS;
	run->asked_again = ush_asked_again(&asked, asker, token, now);
	run->doubted.token = ush_steal(&cached.token);
	run->doubted.expires = cached.expires;
}

bool ush_doubt_over(const struct ush_run *run)
{
	struct ush_asked asked;

	if (run->refused == 0)
		return false;
	load(run->cache, run->profile, &asked);
	return asked.tried != run->tried;
}

void ush_doubt_came(const struct ush_run *run, const struct ush_secret *token)
{
	struct ush_asked asked;

	load(run->cache, run->profile, &asked);
	ush_asked_renewed(&asked, mark(token));
	save(run->cache, run->profile, &asked);
}

void ush_doubt_try(const struct ush_run *run)
{
	struct ush_asked asked;

	if (run->refused == 0)
		return;
	load(run->cache, run->profile, &asked);
	if (asked.refused == 0)
		return;
	asked.refused = 0;
	save(run->cache, run->profile, &asked);
}

/* What came of the refresh; token NULL: nothing. */
static void note(const struct ush_run *run, const struct ush_secret *token)
{
	struct ush_asked asked;

	load(run->cache, run->profile, &asked);
	ush_asked_try(&asked, run->options->asker, ush_now(run->world), ush_boot_ms(run->world));
	if (token != NULL)
		ush_asked_renewed(&asked, mark(token));
	save(run->cache, run->profile, &asked);
}

void ush_doubt_end(const struct ush_run *run, const struct ush_answer *answer, bool by_us)
{
	if (run->refused == 0)
		return;
	if (by_us)
		note(run, answer->token);
	if (ush_doubt_is(run, answer->token))
		ush_say(run->options->say, SEEMS ", and the provider gave the same one again");
	else if (run->asked_again)
		ush_say(run->options->say, "the API server seems to have refused the token (401), so it was refreshed. If kubectl says "
			"Unauthorized, run it again");
}

int ush_doubt_settle(struct ush_run *run, struct ush_answer *answer, struct ush_error *err)
{
	if (run->refused == 0 || err->code == USH_ERR_DECLINED)
		return -1;
	note(run, NULL);
	ush_say(run->options->say, SEEMS ", and it could not be refreshed: %s%s%s", err->what, err->hint[0] != '\0' ? ". " : "", err->hint);
	ush_error_clear(err);
	*answer = run->doubted;
	run->doubted.token = NULL;
	return 0;
}

void ush_doubt_given(const struct ush_world *world, const struct ush_profile *profile,
		     const struct ush_signin_options *options, const struct ush_answer *answer)
{
	const struct ush_cache_ops *cache = options->cache != NULL ? options->cache : &ush_cache_real;
	struct ush_asked asked;

	if (options->asker == NULL)
		return;
	load(cache, profile, &asked);
	ush_asked_give(&asked, options->asker, mark(answer->token), ush_credential_until(answer->expires, ush_now(world)),
		       ush_boot_ms(world));
	save(cache, profile, &asked);
}

void ush_doubt_forget(const struct ush_run *run)
{
	char name[USH_ASKED_IDENTITY];

	ush_asked_identity(name, run->profile->identity);
	run->cache->drop(name);
}
