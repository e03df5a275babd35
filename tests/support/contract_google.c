/* SPDX-License-Identifier: Apache-2.0
 *
 * Google's Directory API and token endpoints as their documentation has them (titles are those of the pages under
 * developers.google.com/admin-sdk/directory/reference/rest/v1):
 * - groups.list wants customer or domain, maxResults is 200 at most; {kind, etag, groups[], nextPageToken} ("groups.list").
 *   That a list that is empty is left out altogether is how Google's JSON is, and not written down.
 * - A group's directMembersCount is text (int64), and counts people who are direct members ("REST Resource: groups").
 * - members.list: includeDerivedMembership, maxResults 200, pageToken; may take an hour ("members.list"). Types are USER,
 *   GROUP, CUSTOMER (everybody: no address, and the customer's id; bitwarden/directory-connector#56) and EXTERNAL, which is
 *   not used ("REST Resource: members"). With derived members the groups themselves are listed too
 *   (slashdevops/idp-scim-sync#70), and lists have come short (GAM-team/GAM#1210). A group of another organisation is
 *   listed and cannot be looked into (firezone/firezone#12772).
 * - A member's status is ACTIVE, SUSPENDED or ARCHIVED (its values are not in the reference; GAM-team/GAM tells members by
 *   these), and people of other organisations have none (GAM-team/GAM#962, hlavki/g-suite-identity-sync#21).
 * - The role Groups Reader may be given on condition: for security groups alone, or for all but those ("REST Resource:
 *   roleAssignments", condition). That the others are then left out of the list rather than refused is not written down.
 * - 200 without groups while there were many: awslabs/ssosync#194, #268; firezone#9188.
 * - Limits: 403 userRateLimitExceeded (2,400 a minute, user and project), 403 quotaExceeded, 429 rateLimitExceeded, each
 *   with "back off" and without a time (developers.google.com/admin-sdk/directory/v1/limits); {"error":{"code","message","errors":[{"domain","reason","message"}]}}.
 * - Service account: JWT by RS256 with kid, iss = the account, sub = the administrator, aud = the token endpoint, scope, exp
 *   within an hour; POST grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer ("Using OAuth 2.0 for Server to Server
 *   Applications"). Refusals: unauthorized_client (no delegation), invalid_grant (no such person).
 * - Without a key: sts.googleapis.com/v1/token by RFC 8693, no Authorization header there ("Method: token"); then
 *   iamcredentials .../projects/-/serviceAccounts/EMAIL:signJwt with {"payload": TEXT}, exp within twelve hours, gives
 *   {"keyId","signedJwt"} ("Method: projects.serviceAccounts.signJwt"; permission iam.serviceAccounts.signJwt), which the
 *   token endpoint takes for delegation as well.
 */
#include <check.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/contract_cloud.h"
#include "tests/support/contract_people.h"
#include "tests/support/jose.h"
#include "tests/support/tap.h"

#define BASE	 "https://google.test"
#define ACCOUNT	 "broker@project.iam.gserviceaccount.com"
#define AUDIENCE "https://oauth2.googleapis.com/token"
#define SECURITY "https://www.googleapis.com/auth/admin.directory.user.security"
#define SCOPES	 "https://www.googleapis.com/auth/admin.directory.group.readonly https://www.googleapis.com/auth/admin.directory.group.member.readonly"

static struct fake_google *state(const struct contract *c)
{
	return c->state;
}

static const char *file_with(const char *name, json_t *content)
{
	static char path[200];
	USH_AUTO_FREE char *text = json_dumps(content, 0);
	struct ush_error err = {0};

	snprintf(path, sizeof path, "%s/%s", tap_folder(), name);
	ck_assert_msg(ush_file_write(path, text, strlen(text), 0600, &err) == 0, "%s", err.what);
	json_decref(content);
	return path;
}

static void common_settings(struct contract *c, struct ush_policy_source *source)
{
	c->state = ush_new(struct fake_google);
	ush_source_set(source, "url", BASE);
	ush_source_set(source, "tokenUrl", BASE "/token");
	ush_source_set(source, "subject", "admin@acme.test");
}

static void settings(struct contract *c, struct ush_policy_source *source)
{
	USH_AUTO_FREE char *pem = cloud_key_pem();

	common_settings(c, source);
	ush_source_set(source, "secretFile",
		       file_with("google.json", json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", "service_account", "project_id", "project", "private_key_id",
							  "key-1", "private_key", pem, "client_email", ACCOUNT, "token_uri", AUDIENCE)));
}

static void settings_pool(struct contract *c, struct ush_policy_source *source)
{
	common_settings(c, source);
	ush_source_set(source, "secretFile",
		       file_with("pool.json", json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s}}", "type", "external_account", "audience",
							"//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k", "subject_token_type",
							"urn:ietf:params:oauth:token-type:jwt", "token_url", BASE "/sts/v1/token", "service_account_impersonation_url",
							BASE "/iam/v1/projects/-/serviceAccounts/" ACCOUNT ":generateAccessToken", "credential_source", "file", "/x")));
	ush_source_set(source, "federatedTokenFile", c->secret_file);
}

static size_t cursor(const char *url)
{
	USH_AUTO_FREE char *token = provider_query(url, "pageToken");

	return token != NULL ? strtoul(token + 1, NULL, 10) : 0;
}

static size_t page_size(const struct contract *c, const char *url, bool people)
{
	size_t most = people ? c->fake->member_page : c->fake->group_page, asked = (size_t)provider_query_number(url, "maxResults", 200);

	return asked < most ? asked : most;
}

static enum contract_what what(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	bool people = strstr(request->url, "/members?") != NULL;

	*page = cursor(request->url) / page_size(c, request->url, people) + 1;
	if (request->method != NULL && strcmp(request->method, "POST") == 0)
		return strstr(request->url, "/token") != NULL && strstr(request->url, "/sts/") == NULL ? CONTRACT_SIGN_IN : CONTRACT_ELSE;
	return people ? CONTRACT_MEMBERS : CONTRACT_GROUPS;
}

static void answer_error(struct ush_http_response *response, int status, const char *domain, const char *reason, const char *message)
{
	provider_reply(response, status, json_pack("{s:{s:i, s:s, s:[{s:s, s:s, s:s}]}}", "error", "code", status, "message", message, "errors", "domain",
						   domain, "reason", reason, "message", message));
}

/* ---- tokens ---- */

static const char *fault_of(const struct contract *c, const json_t *claims)
{
	json_int_t now = c->now_ms / 1000, iat = json_integer_value(json_object_get(claims, "iat")), exp = json_integer_value(json_object_get(claims, "exp"));
	const char *scope;

	if (claims == NULL)
		return "the assertion is not signed by the account's key";
	if (strcmp(ush_json_string(claims, "iss"), ACCOUNT) != 0 || strcmp(ush_json_string(claims, "sub"), "admin@acme.test") != 0)
		return "iss or sub";
	scope = ush_json_string(claims, "scope");
	if (strcmp(ush_json_string(claims, "aud"), AUDIENCE) != 0 || (c->revoking ? strstr(scope, SECURITY) == NULL : strcmp(scope, SCOPES) != 0))
		return "aud or scope";
	return exp <= now || exp > iat + 3600 || iat > now ? "exp or iat" : NULL;
}

static void answer_token(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *jwt = provider_query(request->body, "assertion"), *grant = provider_query(request->body, "grant_type"), *token = NULL;
	USH_AUTO_JSON claims = cloud_claims(jwt);
	const char *fault = fault_of(c, claims), *error = state(c)->token_error;

	if (fault == NULL && strcmp(grant, "urn:ietf:params:oauth:grant-type:jwt-bearer") != 0)
		fault = "grant_type";
	if (fault != NULL) {
		snprintf(state(c)->jwt_fault, sizeof state(c)->jwt_fault, "%s", fault);
		error = "invalid_grant";
	}
	if (error != NULL) {
		provider_reply(response, strcmp(error, "unauthorized_client") == 0 ? 401 : 400, json_pack("{s:s, s:s}", "error", error, "error_description", "No."));
		return;
	}
	token = ush_printf("ya29.%u", ++state(c)->tokens);
	provider_reply(response, 200, json_pack("{s:s, s:i, s:s}", "access_token", token, "expires_in", 3599, "token_type", "Bearer"));
}

static void answer_exchange(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *subject = provider_query(request->body, "subject_token"), *grant = provider_query(request->body, "grant_type");
	USH_AUTO_FREE char *audience = provider_query(request->body, "audience"), *authorization = provider_header(request, "Authorization");

	if (subject == NULL || strcmp(subject, "s3cret") != 0 || strcmp(grant, "urn:ietf:params:oauth:grant-type:token-exchange") != 0 ||
	    strncmp(audience, "//iam.", 6) != 0 || authorization != NULL) {
		provider_reply(response, 400, json_pack("{s:s}", "error", "invalid_grant"));
		return;
	}
	state(c)->exchanged++;
	provider_reply(response, 200, json_pack("{s:s, s:s, s:s, s:i}", "access_token", "federated", "issued_token_type",
						"urn:ietf:params:oauth:token-type:access_token", "token_type", "Bearer", "expires_in", 3600));
}

static void answer_sign(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *authorization = provider_header(request, "Authorization"), *jwt = NULL;
	USH_AUTO_JSON body = json_loadb(request->body, request->body_length, 0, NULL);
	const char *payload = ush_json_string(body, "payload");

	if (authorization == NULL || strcmp(authorization, "Bearer federated") != 0 || payload == NULL || strcmp(request->content_type, "application/json") != 0 ||
	    strstr(request->url, ACCOUNT ":signJwt") == NULL) {
		answer_error(response, 403, "global", "forbidden", "Permission 'iam.serviceAccounts.signJwt' denied");
		return;
	}
	state(c)->signs++;
	jwt = jose_token(cloud_key(), "RS256", "key-1", payload);
	provider_reply(response, 200, json_pack("{s:s, s:s}", "keyId", "key-1", "signedJwt", jwt));
}

/* ---- what there is ---- */

static char *group_id(const struct contract *c, size_t group)
{
	return ush_printf("0%lu", c->directory.groups[group].number);
}

static char *address(const struct contract *c, size_t group)
{
	return ush_printf("%s@acme.test", c->directory.groups[group].name);
}

static char *address_path(const struct contract *c, size_t group)
{
	return ush_printf("/%s@acme.test", c->directory.groups[group].name);
}

static json_t *group_json(const struct contract *c, size_t index)
{
	USH_AUTO_FREE char *id = group_id(c, index), *email = address(c, index), *count = NULL;
	size_t people;

	free(contract_people(c, index, &people));
	count = ush_printf("%ld", (long)people + c->fault.lies);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "kind", "admin#directory#group", "id", id, "etag", "\"x\"", "email", email, "name",
			 "A name for people", "directMembersCount", count, "description", "", "adminCreated", 1);
}

static json_t *member(const char *id, const char *email, const char *type, const char *status)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", "admin#directory#member", "etag", "\"y\"", "id", id, "role", "MEMBER", "type", type);

	if (email != NULL)
		json_object_set_new(json, "email", json_string(email));
	if (status != NULL)
		json_object_set_new(json, "status", json_string(status));
	return json;
}

static json_t *person_json(const struct contract *c, size_t index)
{
	const struct contract_person *p = &c->directory.people[index];
	USH_AUTO_FREE char *id = ush_printf("1%lu", p->number);

	return member(id, p->name, "USER", p->disabled ? state(c)->archived ? "ARCHIVED" : "SUSPENDED" : index % 3 == 0 ? NULL : "ACTIVE");
}

/* Groups in the group, however deep, as the derived list has them; then whoever is not of ours. */
static void add_groups(const struct contract *c, size_t group, json_t *list)
{
	for (size_t i = 0; i < c->directory.groups[group].group_count; i++) {
		USH_AUTO_FREE char *id = group_id(c, c->directory.groups[group].groups[i]), *email = address(c, c->directory.groups[group].groups[i]);

		json_array_append_new(list, member(id, email, "GROUP", "ACTIVE"));
	}
	if (group == 0 && state(c)->foreign)
		json_array_append_new(list, member("0foreign", "all@elsewhere.test", "GROUP", NULL));
	if (group == 0 && state(c)->customer)
		json_array_append_new(list, member("C01234567", NULL, "CUSTOMER", NULL));
}

/* ---- lists ---- */

static void answer_page(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, const char *key, json_t *all)
{
	bool people = strcmp(key, "members") == 0, faulty = c->fault.what == CONTRACT_ANY || c->fault.what == (people ? CONTRACT_MEMBERS : CONTRACT_GROUPS);
	size_t first = cursor(request->url), size = page_size(c, request->url, people), count = json_array_size(all);
	json_t *page = json_pack("{s:s, s:s}", "kind", people ? "admin#directory#members" : "admin#directory#groups", "etag", "\"z\""), *list = json_array();
	bool more = first + size < count && !(faulty && c->fault.cut_off) && !(c->fault.empty && !people), loops = faulty && c->fault.loops;
	USH_AUTO_FREE char *token = ush_printf("p%zu", more ? first + size : 0);

	for (size_t i = first; i < count && i < first + size && !(c->fault.empty && !people); i++)
		json_array_append(list, json_array_get(all, i));
	if (json_array_size(list) > 0)
		json_object_set(page, key, list);
	if (more || (loops && first + size >= count))
		json_object_set_new(page, "nextPageToken", json_string(token));
	json_decref(list);
	json_decref(all);
	provider_reply(response, 200, page);
}

static void answer_groups(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *customer = provider_query(request->url, "customer"), *domain = provider_query(request->url, "domain");
	size_t count;
	USH_AUTO_FREE size_t *groups = contract_children(c, CONTRACT_EVERYWHERE, &count);
	json_t *all = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, group_json(c, groups[i]));
	if (customer == NULL && domain == NULL) {
		json_decref(all);
		answer_error(response, 400, "global", "badRequest", "Bad Request");
		return;
	}
	answer_page(c, request, response, "groups", all);
}

static void answer_members(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *id = provider_part(request->url, 4), *derived = provider_query(request->url, "includeDerivedMembership");
	size_t group = contract_group_of(c, strtoul(id + 1, NULL, 10)), count;
	bool all_of_them = derived != NULL && strcmp(derived, "true") == 0;
	USH_AUTO_FREE size_t *people = NULL;
	json_t *all = json_array();

	if (group == CONTRACT_NOBODY) {
		json_decref(all);
		answer_error(response, 404, "global", "notFound", "Resource Not Found: groupKey");
		return;
	}
	people = all_of_them ? contract_everybody(c, group, &count) : contract_people(c, group, &count);
	count -= state(c)->short_derived && count > 0;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, person_json(c, people[i]));
	add_groups(c, group, all);
	answer_page(c, request, response, "members", all);
}

static void answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *came = provider_header(request, "Authorization"), *good = ush_printf("Bearer ya29.%u", state(c)->tokens);
	size_t page;

	if (strstr(request->url, "/sts/v1/token") != NULL)
		answer_exchange(c, request, response);
	else if (strstr(request->url, ":signJwt") != NULL)
		answer_sign(c, request, response);
	else if (what(c, request, &page) == CONTRACT_SIGN_IN)
		answer_token(c, request, response);
	else if (came == NULL || strcmp(came, good) != 0)
		answer_error(response, 401, "global", "authError", "Invalid Credentials");
	else if (state(c)->limited > 0 && state(c)->limited-- > 0)
		answer_error(response, 403, "usageLimits", state(c)->limit_reason, "Quota exceeded for quota metric 'Queries'");
	else if (c->revoking)
		c->fake->people->answer(c, request, response);
	else if (what(c, request, &page) == CONTRACT_MEMBERS)
		answer_members(c, request, response);
	else
		answer_groups(c, request, response);
}

#define TRAITS                                                                                                                         \
	(CONTRACT_NESTED | CONTRACT_DISABLED | CONTRACT_NULL_NAMES | CONTRACT_MEMBER_COUNTS | CONTRACT_LINKS | CONTRACT_TOKEN | CONTRACT_SECOND)

const struct contract_fake contract_google = {
	.kind = "google",
	.traits = TRAITS,
	.group_page = 20,
	.member_page = 50,
	.settings = settings,
	.what = what,
	.answer = answer,
	.people = &contract_people_google,
	.id = group_id,
	.name = address,
	.path = address_path,
};

const struct contract_fake contract_google_pool = {
	.kind = "google",
	.variant = "workload identity pool",
	.traits = TRAITS,
	.group_page = 20,
	.member_page = 50,
	.settings = settings_pool,
	.what = what,
	.answer = answer,
	.people = &contract_people_google,
	.id = group_id,
	.name = address,
	.path = address_path,
};
