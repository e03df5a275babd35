/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flow/flow.h"

#include <string.h>

#include "common/base/memory.h"

static struct ush_grant *ask(const struct ush_flow *flow, const struct ush_session *session, bool with_scope,
			     struct ush_token_answer *answer, struct ush_error *err)
{
	USH_AUTO_BUF form = USH_BUF_MAX(262144);
	const struct ush_expect expect = {
		.issuer = flow->profile->issuer,
		.client = flow->profile->client,
		.nonce = session->nonce,
		.nonce_optional = true,
		.subject = session->subject,
	};

	ush_form_add(&form, "grant_type", "refresh_token");
	ush_form_add(&form, "refresh_token", ush_secret_reveal(session->refresh));
	if (with_scope && session->scope != NULL)
		ush_form_add(&form, "scope", session->scope);
	return ush_token_request(flow, &form, &expect, answer, err);
}

static bool says(const struct ush_token_answer *answer, const char *error)
{
	return answer->error != NULL && (answer->status == 400 || answer->status == 401) &&
	       strcmp(answer->error, error) == 0;
}

struct ush_grant *ush_flow_refresh(const struct ush_flow *flow, const struct ush_session *session, bool *ended,
				   struct ush_secret **rotated, struct ush_error *err)
{
	USH_AUTO_FREE char *host = ush_provider_host(flow->provider->settings);
	USH_AUTO_ANSWER answer = {0};
	USH_AUTO_GRANT grant = NULL;

	*ended = false;
	*rotated = NULL;
	grant = ask(flow, session, true, &answer, err);
	if (grant == NULL &&
	    says(&answer, "invalid_scope")) { /* what was granted is not granted any more: take the rest */
		ush_error_clear(err);
		grant = ask(flow, session, false, &answer, err);
	}
	if (grant != NULL) {
		if (grant->refresh == NULL)
			grant->refresh = ush_secret_copy(session->refresh);
		return ush_steal(&grant);
	}
	*rotated = ush_steal(&answer.refresh);
	if (says(&answer, "invalid_grant") || says(&answer, "invalid_token")) {
		*ended = true;
		ush_error_clear(err);
		ush_fail(err, USH_ERR_LOGIN, "%s ended your session (%s%s%s)", host, answer.error,
			 answer.description != NULL ? ": " : "", answer.description != NULL ? answer.description : "");
		ush_hint(err, "Run: kubectl usher login --profile %s", flow->profile->name);
	}
	return NULL;
}
