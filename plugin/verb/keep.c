/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/verb/signin.h"

#include <string.h>

#include "common/base/memory.h"
#include "plugin/front/record.h"

static void free_record(struct ush_record **record)
{
	ush_record_free(*record);
}

bool ush_keep_recall(const struct ush_run *run, struct ush_answer *answer)
{
	char text[USH_RECORD_MAX + 1];
	long length = run->cache->load(run->profile->identity, text, sizeof text - 1);
	__attribute__((cleanup(free_record))) struct ush_record *record = NULL;
	bool good;

	if (length <= 0)
		return false;
	record = ush_record_read(text, (size_t)length);
	explicit_bzero(text, sizeof text);
	good = record != NULL && record->token != NULL && record->expires - ush_now(run->world) > record->min_validity;
	good = good && (run->refused == 0 || ush_asked_mark(record->token, strlen(record->token)) != run->refused);
	if (good) {
		answer->token = ush_secret_new(record->token, strlen(record->token));
		answer->expires = record->expires;
	}
	return good;
}

/* A token that lives shorter than the profile's margin would never be used twice: a quarter of its life is enough then.
 */
static int64_t margin(const struct ush_run *run, int64_t left)
{
	return run->profile->min_validity < left / 4 ? run->profile->min_validity : left / 4;
}

void ush_keep_cache(const struct ush_run *run, const struct ush_session *session)
{
	int64_t left = session->id_expires - ush_now(run->world);
	struct ush_record record = {
		.token = (char *)(uintptr_t)ush_secret_reveal(session->id_token),
		.expires = session->id_expires,
		.min_validity = margin(run, left),
		.servers = run->profile->servers,
		.server_count = run->profile->server_count,
	};
	const char *where = NULL;
	size_t length = 0;
	char *text;

	if (left <= 0)
		return;
	text = ush_record_write(&record, &length);
	if (text != NULL && length <= USH_RECORD_MAX)
		run->cache->save(run->profile->identity, text, length, left, &where);
	ush_wipe_free(text, length);
}

static void tell_failure(struct ush_run *run, enum ush_store_result result, const struct ush_error *why,
			 const char *consequence)
{
	run->store_failed = true;
	if (result == USH_STORE_LOCKED)
		ush_say(run->options->say, "%s is locked and nobody is there to unlock it; %s", run->store->place,
			consequence);
	else
		ush_say(run->options->say, "%s cannot be used (%s); %s", run->store->place, why->what, consequence);
}

struct ush_session *ush_keep_load(struct ush_run *run)
{
	USH_AUTO_SECRET text = NULL;
	struct ush_error why = {0};
	struct ush_session *session = NULL;
	enum ush_store_result result;

	if (run->store_failed)
		return NULL;
	result = run->store->load(run->binding, USH_STORE_DEADLINE_MS, &text, &why);
	if (result == USH_STORE_OK) {
		session = ush_session_read(text, run->binding, &why);
		if (session == NULL)
			ush_say(run->options->say,
				"what %s kept for profile %s cannot be read (%s); it will be replaced",
				run->store->place, run->profile->name, why.what);
	} else if (result != USH_STORE_ABSENT) {
		tell_failure(run, result, &why, "going on without what it keeps");
	}
	return session;
}

void ush_keep_save(struct ush_run *run, const struct ush_session *session)
{
	USH_AUTO_SECRET text = ush_session_write(session);
	USH_AUTO_FREE char *host = ush_provider_host(&run->settings);
	USH_AUTO_FREE char *label =
		ush_printf("Usher session, profile %s at %s", run->profile->name, host); /* nothing a provider says */
	char until[16];
	USH_AUTO_FREE char *consequence = ush_printf(
		"signed in until %s only", ush_when(until, sizeof until, session->id_expires, ush_now(run->world)));
	struct ush_error why = {0};
	enum ush_store_result result;

	if (run->store_failed)
		return;
	if (text == NULL)
		ush_fail(&why, USH_ERR_STORE, "the session cannot be written as text");
	result = text == NULL ? USH_STORE_BROKEN
			      : run->store->save(run->binding, label, text, USH_STORE_DEADLINE_MS, &why);
	if (result != USH_STORE_OK)
		tell_failure(run, result, &why, consequence);
}

bool ush_keep_good(const struct ush_run *run, const struct ush_session *session)
{
	return session->id_token != NULL && session->id_expires - ush_now(run->world) > run->profile->min_validity;
}

static void copy_groups(struct ush_session *session, const struct ush_claims *claims)
{
	for (size_t i = 0; i < claims->group_count; i++)
		USH_PUSH(session->groups, session->group_count, ush_strdup(claims->groups[i]));
}

struct ush_session *ush_keep_session(const struct ush_run *run, const struct ush_grant *grant,
				     const struct ush_session *old)
{
	struct ush_session *session = ush_new(struct ush_session);

	session->binding = ush_strdup(run->binding);
	session->refresh = ush_secret_copy(grant->refresh);
	session->id_token = ush_secret_copy(grant->id_token);
	session->id_expires = grant->claims->expires - grant->skew;
	session->subject = ush_strdup(grant->claims->subject);
	session->account = ush_strdup(grant->claims->email != NULL ? grant->claims->email : grant->claims->subject);
	session->nonce = ush_strdup(old != NULL ? old->nonce : grant->nonce);
	session->scope = ush_strdup(grant->scope != NULL ? grant->scope : old != NULL ? old->scope : NULL);
	session->signed_in = old != NULL ? old->signed_in : ush_now(run->world);
	session->refresh_expires = grant->refresh_expires;
	if (old != NULL && grant->refresh_expires == 0 && ush_secret_equal(old->refresh, grant->refresh))
		session->refresh_expires = old->refresh_expires;
	session->skew = grant->skew;
	copy_groups(session, grant->claims);
	return session;
}
