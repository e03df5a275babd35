/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/verb/signin.h"

#include <string.h>

#include "common/base/memory.h"

static int refuse_to_ask(const struct ush_run *run, struct ush_error *err)
{
	int64_t since = 0;
	int count = ush_breaker_count(run->binding, &since);
	char when[16];

	if (!run->options->interactive) {
		ush_fail(err, USH_ERR_LOGIN, "somebody must sign in, and this call may not ask");
		return ush_hint(err, "Run: kubectl usher login --profile %s", run->profile->name);
	}
	if (run->options->fresh)
		return 0;
	if (count >= USH_BREAKER_LIMIT) {
		ush_fail(err, USH_ERR_LOGIN, "%d sign-ins went unanswered since %s; not opening another", count,
			 ush_when(when, sizeof when, since, ush_now(run->world)));
		return ush_hint(err, "When you are back: kubectl usher login --profile %s", run->profile->name);
	}
	if (count > run->breaker_before) {
		ush_fail(err, USH_ERR_DECLINED,
			 "the sign-in that another call waited for went unanswered; not opening a second one");
		return ush_hint(err, "When you are back: kubectl usher login --profile %s", run->profile->name);
	}
	return 0;
}

static enum ush_flow_choice choose(const struct ush_run *run)
{
	enum ush_flow_choice wanted = run->options->flow != USH_FLOW_AUTO ? run->options->flow : run->profile->flow;

	if (wanted != USH_FLOW_AUTO)
		return wanted;
	if (run->options->open != NULL || ush_open_possible(run->profile->browser))
		return USH_FLOW_BROWSER;
	return run->provider->device_authorization_endpoint != NULL ? USH_FLOW_DEVICE : USH_FLOW_BROWSER;
}

static void announce(void *context, int64_t deadline_ms)
{
	const struct ush_run *run = context;

	if (run->flight != NULL)
		ush_flight_announce(run->flight, "sign-in", deadline_ms);
}

static void tell_signed_in(const struct ush_run *run, const struct ush_session *session)
{
	int64_t now = ush_now(run->world);
	USH_AUTO_FREE char *kept = NULL;
	char token[16], end[16];

	ush_when(token, sizeof token, session->id_expires, now);
	ush_when(end, sizeof end, session->refresh_expires, now);
	if (session->refresh == NULL)
		kept = ush_printf("until %s, then you are asked again (no refresh token came)", token);
	else if (run->store_failed || run->store == &ush_store_none)
		kept = ush_printf("until %s, then you are asked again (the session is kept nowhere)", token);
	else if (session->refresh_expires != 0)
		kept = ush_printf("session until %s, kept in %s", end, run->store->place);
	else
		kept = ush_printf("session kept in %s", run->store->place);
	ush_say(run->options->say, "signed in as %s, %zu group%s; %s", session->account, session->group_count,
		session->group_count == 1 ? "" : "s", kept);
}

/* Asks, and once more without offline_access where the provider forbids just that: a person who is signed in there has
 * nothing to type the second time. The next sign-in knows. */
static struct ush_grant *ask_person(struct ush_run *run, struct ush_flow *flow, struct ush_error *err)
{
	struct ush_grant *(*ask)(const struct ush_flow *, struct ush_error *) =
		choose(run) == USH_FLOW_DEVICE ? ush_flow_device : ush_flow_browser;
	bool offline_refused = false;
	struct ush_grant *grant;

	flow->offline_refused = &offline_refused;
	flow->online = ush_offline_refused(run->binding, ush_now(run->world));
	grant = ask(flow, err);
	if (grant != NULL && !flow->online)
		ush_offline_forget(run->binding);
	if (grant != NULL || !offline_refused)
		return grant;
	ush_say(run->options->say, "%s; trying again without offline_access", err->what);
	ush_error_clear(err);
	flow->online = true;
	grant = ask(flow, err);
	if (grant != NULL) /* so it was that and nothing else */
		ush_offline_note(run->binding, ush_now(run->world));
	return grant;
}

struct ush_session *ush_ask(struct ush_run *run, struct ush_error *err)
{
	USH_AUTO_GRANT grant = NULL;
	struct ush_session *session;
	bool unanswered = false;
	struct ush_flow flow;

	if (refuse_to_ask(run, err) != 0 || ush_run_flow(run, &flow, err) != 0)
		return NULL;
	flow.deadline_ms = ush_boot_ms(run->world) + 1000 * run->profile->sign_in_timeout;
	flow.asks = announce;
	flow.asks_context = run;
	flow.unanswered = &unanswered;
	grant = ask_person(run, &flow, err);
	if (grant == NULL) {
		if (unanswered)
			ush_breaker_trip(run->binding, ush_now(run->world));
		return NULL;
	}
	ush_breaker_reset(run->binding);
	session = ush_keep_session(run, grant, NULL);
	ush_keep_save(run, session);
	tell_signed_in(run, session);
	return session;
}
