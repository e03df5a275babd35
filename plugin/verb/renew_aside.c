/* SPDX-License-Identifier: Apache-2.0
 *
 * The refresh for a token that the API server seems to refuse. That is a guess, and the kubectl that waits has a token, so
 * a provider that hangs must not hold it for as long as it could. But a refresh is not to be broken off either: a provider
 * that rotates may have spent the old refresh token by then, and the session would be lost. So it is done aside.
 */
#include "plugin/verb/signin.h"

#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "plugin/flight/aside.h"

struct job {
	struct ush_run *run;
	const struct ush_session *session;
};

/* What it comes to; the token, then what was said to people, follow. */
struct parcel {
	struct ush_error err;
	int64_t expires;
	size_t token, said;
	bool ended;
};

static struct ush_secret *pack(struct parcel *parcel, const struct ush_session *next, const char *said)
{
	USH_AUTO_BUF buf = {0};

	if (next != NULL) {
		parcel->expires = next->id_expires;
		parcel->token = ush_secret_length(next->id_token);
	}
	ush_buf_add(&buf, parcel, sizeof *parcel);
	if (next != NULL)
		ush_buf_add(&buf, ush_secret_reveal(next->id_token), parcel->token);
	ush_buf_add(&buf, said, parcel->said);
	return ush_secret_new(buf.data, buf.length);
}

static struct ush_secret *work(void *context)
{
	struct job *job = context;
	struct ush_run *run = job->run;
	const struct ush_signin_options *options = run->options;
	struct ush_signin_options mute = *options;
	struct parcel parcel;
	USH_AUTO_SESSION next = NULL;
	USH_AUTO_FREE char *said = NULL;

	memset(&parcel, 0, sizeof parcel);
	mute.say = open_memstream(&said, &parcel.said);
	run->options = &mute;
	next = ush_renew(run, job->session, &parcel.ended, &parcel.err);
	if (next != NULL) { /* here too: nobody may be left to do it */
		ush_keep_cache(run, next);
		ush_doubt_came(run, next->id_token);
	}
	run->options = options;
	fclose(mute.say);
	return pack(&parcel, next, said);
}

static struct ush_session *unpack(const struct ush_run *run, const struct ush_secret *brought, bool *ended, struct ush_error *err)
{
	const char *text = ush_secret_reveal(brought);
	struct ush_session *next;
	struct parcel parcel;

	memcpy(&parcel, text, sizeof parcel);
	text += sizeof parcel;
	fwrite(text + parcel.token, 1, parcel.said, run->options->say);
	*ended = parcel.ended;
	if (parcel.token == 0) {
		*err = parcel.err;
		return NULL;
	}
	next = ush_new(struct ush_session);
	next->id_token = ush_secret_new(text, parcel.token);
	next->id_expires = parcel.expires;
	return next;
}

static int tell_late(const struct ush_run *run, struct ush_error *err)
{
	USH_AUTO_FREE char *host = ush_provider_host(&run->settings);

	ush_fail(err, USH_ERR_UNAVAILABLE, "%s has not answered within %d s", host, USH_DOUBT_MS / 1000);
	return ush_hint(err, "What it answers later is kept: run kubectl again in a moment");
}

struct ush_session *ush_renew_aside(struct ush_run *run, const struct ush_session *session, bool *ended, struct ush_error *err)
{
	struct job job = {run, session};
	USH_AUTO_SECRET brought = NULL;

	*ended = false;
	switch (ush_aside(run->world, run->flight, work, &job, run->doubt_until_ms, &brought)) {
	case USH_ASIDE_DONE:
		return unpack(run, brought, ended, err);
	case USH_ASIDE_LATE:
		tell_late(run, err);
		break;
	case USH_ASIDE_STOPPED:
		ush_fail(err, USH_ERR_DECLINED, "stopped while the provider was asked");
		break;
	case USH_ASIDE_BROKEN:
		ush_fail(err, USH_ERR_UNAVAILABLE, "the refresh ended without a word");
		return NULL;
	}
	ush_flight_leave(ush_steal(&run->flight));
	return NULL;
}
