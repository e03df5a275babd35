/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/claims/claims.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/oidc/jose.h"

#define PAYLOAD_MAX (64U << 10)

static const char *claim_of(const struct ush_policy *policy)
{
	return policy->group_claim != NULL ? policy->group_claim : "groups";
}

/* The token in what was read: an ExecCredential's, else the text itself without space around it. */
static char *token_in(const char *text, size_t length)
{
	struct ush_error ignored = {0};
	USH_AUTO_JSON credential = NULL;

	while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
		length--;
	while (length > 0 && strchr(" \t\r\n", *text) != NULL) {
		text++;
		length--;
	}
	if (length > 0 && *text == '{')
		credential = ush_json_parse(text, length, "the credential", USH_ERR_CONFIG, &ignored);
	if (credential != NULL)
		return ush_strdup(ush_json_string(ush_json_object(credential, "status"), "token"));
	return ush_strndup(text, length);
}

static json_t *payload_of(const char *token, struct ush_error *err)
{
	const char *first = token != NULL ? strchr(token, '.') : NULL, *second = first != NULL ? strchr(first + 1, '.') : NULL;
	USH_AUTO_FREE unsigned char *bytes = NULL;
	long length = -1;

	if (second != NULL && strchr(second + 1, '.') == NULL && (size_t)(second - first) < PAYLOAD_MAX) {
		bytes = ush_alloc((size_t)(second - first));
		length = ush_base64url_decode(first + 1, (size_t)(second - first - 1), bytes);
	}
	if (length < 0) {
		ush_fail(err, USH_ERR_CONFIG, "that is no token: expected a JWT, or the ExecCredential that a credential plugin prints");
		return NULL;
	}
	return ush_json_parse((const char *)bytes, (size_t)length, "the token's payload", USH_ERR_CONFIG, err);
}

static const char *person_in(const json_t *payload)
{
	static const char *const names[] = {"email", "preferred_username", "upn", "sub"};
	const char *person = NULL;

	for (size_t i = 0; person == NULL && i < USH_COUNT(names); i++)
		person = ush_json_string(payload, names[i]);
	return person;
}

int ush_said_by_token(struct ush_said *said, const struct ush_policy *policy, const char *text, size_t length, json_t **payload,
		      struct ush_error *err)
{
	USH_AUTO_FREE char *token = token_in(text, length);
	const json_t *claim, *value;
	size_t i;

	*payload = payload_of(token, err);
	if (token != NULL)
		explicit_bzero(token, strlen(token));
	if (*payload == NULL)
		return -1;
	claim = json_object_get(*payload, claim_of(policy));
	said->person = person_in(*payload);
	said->left_out = claim == NULL && (json_is_true(json_object_get(*payload, "hasgroups")) ||
					   json_object_get(ush_json_object(*payload, "_claim_names"), claim_of(policy)) != NULL);
	said->no_claim = claim == NULL && !said->left_out;
	if (json_is_string(claim))
		ush_list_add(&said->groups, json_string_value(claim));
	json_array_foreach(claim, i, value)
		if (json_is_string(value))
			ush_list_add(&said->groups, json_string_value(value));
	if (claim != NULL && !json_is_string(claim) && !json_is_array(claim))
		return ush_fail(err, USH_ERR_CONFIG, "claim %s of the token is neither a list nor a text; the API server reads no groups from it", claim_of(policy));
	return 0;
}

int ush_said_by_server(struct ush_said *said, const struct ush_policy *policy, const json_t *review, struct ush_error *err)
{
	const json_t *info = ush_json_object(ush_json_object(review, "status"), "userInfo"), *value;
	const char *name = ush_json_string(info, "username"), *prefix = policy->user_prefix != NULL ? policy->user_prefix : "";
	size_t i;

	if (name == NULL)
		return ush_fail(err, USH_ERR_REJECTED, "SelfSubjectReview: the answer has no status.userInfo.username");
	said->prefixed = true;
	said->person = strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : name;
	json_array_foreach(ush_json_array(info, "groups"), i, value)
		if (json_is_string(value))
			ush_list_add(&said->groups, json_string_value(value));
	return 0;
}
