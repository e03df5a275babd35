/* SPDX-License-Identifier: Apache-2.0
 *
 * Okta's management API as its reference has it (developer.okta.com; titles are those of the pages, paths those of
 * okta/okta-developer-docs and okta/okta-sdk-golang):
 * - Lists are arrays; where they go on stands in Link headers, one line for rel="self" and one for rel="next", with an
 *   opaque `after` ("Design principles", pagination). A single page may have no Link at all (okta-sdk-java#870).
 * - Groups: 200 a page unless said, most organisations give no more than 200, and nobody should rely on either; a 500 means
 *   that the page took too long: ask for less (docs/reference/api/groups, List groups with defaults). Members: 1,000 a page
 *   unless said (okta/docs/GroupAPI.md, ListGroupUsers; okta-developer-docs#368). A page may hold less than was asked for.
 * - `search` is answered from an eventually consistent source; `q` cannot be paged ("Groups", List all groups).
 * - expand=stats gives _embedded.stats.usersCount (same page, parameter expand).
 * - Every organisation has the group Everyone, of type BUILT_IN; it is not shown to an administrator of groups
 *   (okta/docs/GroupAPI.md, ListGroups, limit). Roles say what is seen and scopes what may be done: a role over some groups
 *   lists those alone, and no error ("Implement OAuth for Okta with a service app", admin roles).
 * - People of every status are members, those who are deactivated too (okta-sdk-python#245).
 * - A group's assignment to an application has the group's id and a profile of its own that is the application's; expand=group
 *   embeds the group; limit is 20 to 200 ("Application Groups", List all application groups).
 * - A person's status is one of ACTIVE, STAGED, PROVISIONED, RECOVERY, PASSWORD_EXPIRED, LOCKED_OUT, SUSPENDED, DEPROVISIONED
 *   ("Users", status). Names may be null.
 * - X-Rate-Limit-Limit, -Remaining and -Reset (UTC epoch seconds) on every answer; beyond it 429 E0000047 and no Retry-After
 *   ("Rate limit best practices"). For the concurrent limit of 75 the Reset is a suggestion alone (elastic/beats#17734;
 *   "Additional rate limits", concurrent). A service app may use half of a limit unless an administrator says more
 *   ("Implement OAuth for Okta with a service app", application rate limits).
 * - Errors are errorCode, errorSummary, errorLink, errorId, errorCauses ("Error codes"); a bad token is 401 E0000011.
 * - An API token goes after "SSWS"; an OAuth client shows a JWT of iss = sub = client id, aud = the token endpoint, exp within
 *   an hour, at /oauth2/v1/token ("Implement OAuth for Okta with a service app"); errors there as RFC 6749 section 5.2, and
 *   invalid_dpop_proof where the client must show a DPoP header ("Configure OAuth 2.0 Demonstrating Proof-of-Possession").
 */
#include <check.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/contract_cloud.h"
#include "tests/support/contract_people.h"

#define BASE   "https://acme.okta.test"
#define CLIENT "0oa1client"
#define APP    "0oa2app"

static struct fake_okta *state(const struct contract *c)
{
	return c->state;
}

static void settings(struct contract *c, struct ush_policy_source *source)
{
	c->state = ush_new(struct fake_okta);
	*state(c) = (struct fake_okta){.resets_in = 40, .status = "SUSPENDED"};
	ush_source_set(source, "url", BASE);
	ush_source_set(source, "secretFile", c->secret_file);
}

static void settings_client(struct contract *c, struct ush_policy_source *source)
{
	settings(c, source);
	ush_source_set(source, "client", CLIENT);
	ush_source_set(source, "keyId", "key-1");
	ush_source_set(source, "secretFile", cloud_key_file());
}

static void settings_app(struct contract *c, struct ush_policy_source *source)
{
	settings(c, source);
	ush_source_set(source, "app", APP);
}

static bool is(const char *url, size_t index, const char *text)
{
	USH_AUTO_FREE char *part = provider_part(url, index);

	return part != NULL && strcmp(part, text) == 0;
}

/* The page's first item, from the cursor "cN". */
static size_t cursor(const char *url)
{
	USH_AUTO_FREE char *after = provider_query(url, "after");

	return after != NULL ? strtoul(after + 1, NULL, 10) : 0;
}

static size_t page_size(const struct contract *c, const char *url, bool people)
{
	size_t most = people ? c->fake->member_page : c->fake->group_page, asked = (size_t)provider_query_number(url, "limit", 1000);

	return asked < most ? asked : most;
}

static enum contract_what what(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	bool people = is(request->url, 4, "users");

	*page = cursor(request->url) / page_size(c, request->url, people) + 1;
	if (strstr(request->url, "/oauth2/v1/token") != NULL)
		return CONTRACT_SIGN_IN;
	if (people)
		return CONTRACT_MEMBERS;
	return is(request->url, 2, "apps") || (is(request->url, 2, "groups") && strchr(request->url, '?') != NULL) ? CONTRACT_GROUPS : CONTRACT_ELSE;
}

/* ---- the token endpoint ---- */

static const char *fault_of(const struct contract *c, const struct ush_http_request *request, const json_t *claims)
{
	USH_AUTO_FREE char *grant = provider_query(request->body, "grant_type"), *scope = provider_query(request->body, "scope");
	USH_AUTO_FREE char *type = provider_query(request->body, "client_assertion_type");
	json_int_t now = c->now_ms / 1000, exp = json_integer_value(json_object_get(claims, "exp"));

	if (claims == NULL)
		return "the assertion is not signed by the client's key";
	if (strcmp(ush_json_string(claims, "iss"), CLIENT) != 0 || strcmp(ush_json_string(claims, "sub"), CLIENT) != 0)
		return "iss or sub is not the client";
	if (strcmp(ush_json_string(claims, "aud"), request->url) != 0)
		return "aud is not the token endpoint";
	if (exp <= now || exp > now + 3600 || json_integer_value(json_object_get(claims, "iat")) > now || ush_json_string(claims, "jti") == NULL)
		return "exp, iat or jti";
	if (grant == NULL || strcmp(grant, "client_credentials") != 0 || scope == NULL || strstr(scope, c->revoking ? "okta.users.manage" : "okta.groups.read") == NULL ||
	    strstr(scope, "okta.sessions") != NULL) /* a scope that was not granted fails them all */
		return "grant_type or scope";
	return type == NULL || strcmp(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer") != 0 ? "client_assertion_type" : NULL;
}

static void answer_token(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *jwt = provider_query(request->body, "client_assertion"), *token = NULL;
	USH_AUTO_JSON claims = cloud_claims(jwt);
	const char *fault = state(c)->token_error == NULL ? fault_of(c, request, claims) : NULL, *error = state(c)->token_error;

	if (fault != NULL) {
		snprintf(state(c)->jwt_fault, sizeof state(c)->jwt_fault, "%s", fault);
		error = "invalid_client";
	}
	if (error != NULL) {
		provider_reply(response, error[8] == 'c' ? 401 : 400, json_pack("{s:s, s:s}", "error", error, "error_description", "refused."));
		return;
	}
	token = ush_printf("t0ken-%u", ++state(c)->tokens);
	provider_reply(response, 200, json_pack("{s:s, s:i, s:s, s:s}", "token_type", "Bearer", "expires_in", 3600, "access_token", token, "scope", "okta.groups.read"));
}

/* ---- errors and limits ---- */

static void answer_error(struct ush_http_response *response, int status, const char *code, const char *summary)
{
	provider_reply(response, status, json_pack("{s:s, s:s, s:s, s:s, s:[]}", "errorCode", code, "errorSummary", summary, "errorLink", code, "errorId",
						   "oaeQdnqTMlfS9W1Ptcz1c", "errorCauses"));
}

static bool authorized(const struct contract *c, const struct ush_http_request *request)
{
	USH_AUTO_FREE char *came = provider_header(request, "Authorization"), *good = NULL;

	good = state(c)->tokens > 0 ? ush_printf("Bearer t0ken-%u", state(c)->tokens) : ush_strdup("SSWS s3cret");
	return came != NULL && strcmp(came, good) == 0;
}

/* True when the request is over the limit of its minute. */
static bool limited(struct contract *c, struct ush_http_response *response)
{
	struct fake_okta *s = state(c);
	int64_t now = c->now_ms / 1000;
	USH_AUTO_FREE char *reset = NULL, *left = NULL, *date = ush_printf("%lld", (long long)now);
	bool over = false;

	if (s->reset_at != 0 && now >= s->reset_at)
		s->reset_at = s->left = 0;
	if (s->left > 0 && --s->left == 0)
		s->reset_at = now + s->resets_in;
	over = s->reset_at != 0;
	reset = ush_printf("%lld", (long long)(over ? s->reset_at : now + 60));
	left = ush_printf("%d", over ? 0 : 599);
	provider_reply_header(response, "X-Rate-Limit-Limit", "600");
	provider_reply_header(response, "X-Rate-Limit-Remaining", left);
	provider_reply_header(response, "X-Rate-Limit-Reset", reset);
	provider_reply_header(response, "Date", date);
	return over;
}

/* ---- what there is ---- */

static char *group_id(const struct contract *c, size_t group)
{
	return ush_printf("00g%lu", c->directory.groups[group].number);
}

/* Everyone: the first group that is there. */
static bool is_everyone(const struct contract *c, size_t index)
{
	size_t first = 0;

	while (first < c->directory.group_count && c->directory.groups[first].gone)
		first++;
	return index == first && !state(c)->group_admin;
}

static json_t *group_json(const struct contract *c, size_t index)
{
	const struct contract_group *g = &c->directory.groups[index];
	USH_AUTO_FREE char *id = group_id(c, index);

	return json_pack("{s:s, s:s, s:s, s:s, s:[s], s:s, s:{s:s, s:n}, s:{}}", "id", id, "created", "2024-02-03T10:15:00.000Z", "lastUpdated",
			 "2024-02-03T10:15:00.000Z", "lastMembershipUpdated", "2024-02-04T10:15:00.000Z", "objectClass", "okta:user_group", "type",
			 is_everyone(c, index) ? "BUILT_IN" : "OKTA_GROUP", "profile", "name", g->name, "description", "_links");
}

static json_t *group_item(const struct contract *c, const char *url, size_t index)
{
	USH_AUTO_FREE char *expand = provider_query(url, "expand"), *id = group_id(c, index);
	json_t *group = group_json(c, index), *item;
	size_t count;

	free(contract_people(c, index, &count));
	if (expand != NULL && strcmp(expand, "stats") == 0 && !state(c)->no_stats)
		json_object_set_new(group, "_embedded", json_pack("{s:{s:I, s:i, s:i, s:b}}", "stats", "usersCount", (json_int_t)count + c->fault.lies, "appsCount",
								  1, "groupPushMappingsCount", 0, "hasAdminPrivilege", 0));
	if (!is(url, 2, "apps"))
		return group;
	item = json_pack("{s:s, s:s, s:i, s:{s:s}, s:{}}", "id", id, "lastUpdated", "2024-02-03T10:15:00.000Z", "priority", (int)index, "profile", "name",
			 "what the application calls it", "_links");
	if (expand != NULL && strcmp(expand, "group") == 0 && !state(c)->no_embedded)
		json_object_set_new(item, "_embedded", json_pack("{s:O}", "group", group));
	json_decref(group);
	return item;
}

static json_t *person_json(const struct contract *c, size_t index)
{
	static const char *const may[] = {"ACTIVE", "PASSWORD_EXPIRED", "RECOVERY", "PROVISIONED", "LOCKED_OUT"};
	const struct contract_person *p = &c->directory.people[index];
	USH_AUTO_FREE char *id = ush_printf("00u%lu", p->number), *email = p->name != NULL ? ush_printf("%s@acme.test", p->name) : NULL;

	return json_pack("{s:s, s:s, s:n, s:{s:s?, s:s?, s:s, s:s}, s:{}}", "id", id, "status", p->disabled ? state(c)->status : may[index % USH_COUNT(may)],
			 "transitioningToStatus", "profile", "login", p->name, "email", email, "firstName", "A", "lastName", "B", "credentials");
}

/* ---- lists ---- */

static void add_link(struct ush_http_response *response, const char *url, size_t after, const char *rel)
{
	USH_AUTO_FREE char *base = cloud_base(url), *expand = provider_query(url, "expand"), *line = NULL;
	const char *path = url + strlen(base);
	USH_AUTO_FREE char *more = expand != NULL ? ush_printf("&expand=%s", expand) : ush_strdup("");

	line = strcmp(rel, "self") == 0 ? ush_printf("<%s>; rel=\"self\"", url)
					: ush_printf("<%s%.*s?after=c%zu&limit=%ld%s>; rel=\"%s\"", base, (int)strcspn(path, "?"), path, after,
						     provider_query_number(url, "limit", 1000), more, rel);
	provider_reply_header(response, "Link", line);
}

static void answer_list(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, const size_t *items, size_t count,
			bool people)
{
	enum contract_what kind = people ? CONTRACT_MEMBERS : CONTRACT_GROUPS;
	bool faulty = c->fault.what == kind || c->fault.what == CONTRACT_ANY;
	size_t first = cursor(request->url), size = page_size(c, request->url, people), end = first + size < count ? first + size : count;
	json_t *list = json_array();

	for (size_t i = first; i < end && !(c->fault.empty && !people); i++)
		json_array_append_new(list, people ? person_json(c, items[i]) : group_item(c, request->url, items[i]));
	add_link(response, request->url, 0, "self");
	if (end < count && !(faulty && c->fault.cut_off) && !(c->fault.empty && !people))
		add_link(response, request->url, end, "next");
	else if (faulty && c->fault.loops)
		add_link(response, request->url, 0, "next");
	provider_reply(response, 200, list);
}

static void answer_members(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *id = provider_part(request->url, 3);
	size_t group = strncmp(id, "00g", 3) == 0 ? contract_group_of(c, strtoul(id + 3, NULL, 10)) : CONTRACT_NOBODY, count;
	USH_AUTO_FREE size_t *people = NULL;

	if (group == CONTRACT_NOBODY) {
		answer_error(response, 404, "E0000007", "Not found: Resource not found (UserGroup)");
	} else if (is(request->url, 4, "users")) {
		people = contract_people(c, group, &count);
		answer_list(c, request, response, people, count, true);
	} else {
		state(c)->single_gets++;
		provider_reply(response, 200, group_item(c, request->url, group));
	}
}

static void answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	size_t page, count;
	USH_AUTO_FREE size_t *groups = contract_children(c, CONTRACT_EVERYWHERE, &count);
	USH_AUTO_FREE char *part = provider_part(request->url, 3), *search = provider_query(request->url, "search");
	enum contract_what kind = what(c, request, &page);

	if (kind == CONTRACT_SIGN_IN)
		answer_token(c, request, response);
	else if (limited(c, response))
		answer_error(response, 429, "E0000047", "API call exceeded rate limit due to too many requests.");
	else if (!authorized(c, request))
		answer_error(response, 401, "E0000011", "Invalid token provided");
	else if (c->revoking)
		c->fake->people->answer(c, request, response);
	else if (kind == CONTRACT_MEMBERS || kind == CONTRACT_ELSE)
		answer_members(c, request, response);
	else if (part != NULL && is(request->url, 2, "apps") && strcmp(part, APP) != 0)
		answer_error(response, 404, "E0000007", "Not found: Resource not found (AppInstance)");
	else {
		snprintf(state(c)->last_search, sizeof state(c)->last_search, "%s", search != NULL ? search : "");
		answer_list(c, request, response, groups, count, false);
	}
}

#define TRAITS (CONTRACT_DISABLED | CONTRACT_NULL_NAMES | CONTRACT_SAME_NAMES | CONTRACT_FREE_NAMES | CONTRACT_LINKS | CONTRACT_SECOND)

const struct contract_fake contract_okta = {
	.kind = "okta",
	.traits = TRAITS | CONTRACT_MEMBER_COUNTS,
	.group_page = 20,
	.member_page = 50,
	.settings = settings,
	.what = what,
	.answer = answer,
	.people = &contract_people_okta,
	.id = group_id,
};

const struct contract_fake contract_okta_client = {
	.kind = "okta",
	.variant = "OAuth client",
	.traits = TRAITS | CONTRACT_MEMBER_COUNTS | CONTRACT_TOKEN,
	.group_page = 20,
	.member_page = 50,
	.settings = settings_client,
	.what = what,
	.answer = answer,
	.people = &contract_people_okta,
	.id = group_id,
};

const struct contract_fake contract_okta_app = {
	.kind = "okta",
	.variant = "assigned to an application",
	.traits = TRAITS,
	.group_page = 20,
	.member_page = 50,
	.settings = settings_app,
	.what = what,
	.answer = answer,
	.people = &contract_people_okta,
	.id = group_id,
};
