/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flow/flow.h"

#include "common/base/memory.h"

int ush_flow_revoke(const struct ush_flow *flow, const struct ush_secret *refresh, struct ush_error *err)
{
	USH_AUTO_FREE char *host = ush_provider_host(flow->provider->settings);
	USH_AUTO_ANSWER answer = {0};
	USH_AUTO_RESPONSE response = {0};
	USH_AUTO_BUF form = USH_BUF_MAX(262144);

	if (flow->provider->revocation_endpoint == NULL)
		return ush_fail(err, USH_ERR_UNAVAILABLE, "%s offers no revocation", host);
	ush_form_add(&form, "token", ush_secret_reveal(refresh));
	ush_form_add(&form, "token_type_hint", "refresh_token");
	if (ush_client_post(flow, flow->provider->revocation_endpoint, &form, &response, err) != 0)
		return -1;
	if (response.status == 200 || response.status == 204)
		return 0;
	ush_token_refusal(&answer, &response);
	if (answer.error != NULL)
		return ush_fail(err, USH_ERR_REJECTED, "%s refused to revoke (%s%s%s)", host, answer.error,
				answer.description != NULL ? ": " : "",
				answer.description != NULL ? answer.description : "");
	return ush_fail(err, USH_ERR_UNAVAILABLE, "%s did not revoke (HTTP %d)", host, response.status);
}
