/* SPDX-License-Identifier: Apache-2.0
 *
 * Microsoft Graph v1.0 and the Microsoft identity platform as their documentation has them (learn.microsoft.com/graph; titles
 * are those of the pages, paths those of microsoftgraph/microsoft-graph-docs-contrib):
 * - Lists are {"@odata.context","value"[]}; "@odata.nextLink" is a whole URL to be asked as it stands; a page may be empty
 *   and still lead on (concepts/paging.md). $top is 999 at most, 100 unless said (api-reference/v1.0/api/group-list.md);
 *   for members that is not written down.
 * - $count=true with the header ConsistencyLevel: eventual gives "@odata.count", on the first page alone; a B2C tenant gives
 *   none. The header is not part of the nextLink and must be sent with each page (concepts/query-parameters.md, count and
 *   skipToken; concepts/paging.md). A nextLink without it: 400 Request_UnsupportedQuery (graph-docs#18514).
 * - Dynamic distribution groups are not among /groups, and what was changed just now may not be told yet (group-list.md).
 * - $expand gives 20 members at most and no nextLink, and goes with no $count (query-parameters.md, expand): of no use here.
 * - What eventual answers comes from an index that may lag behind the directory ("List group transitive members",
 *   ConsistencyLevel).
 * - A cast (/microsoft.graph.user) needs the header and $count, else 400 (same page; graph-docs#17604).
 * - Members that the application may not read come with id and type and null for the rest (same page, limited information).
 * - HiddenMembership needs Member.Read.Hidden (group-list-transitivemembers.md, permissions); that a group then shows nobody
 *   rather than an error is not written down, and the fake takes the worse of the two.
 * - 400 on the last nextLink when the size is a multiple of the page (Microsoft Q&A 1305953).
 * - 429 with Retry-After; x-ms-throttle-limit-percentage from 0.8 on; x-ms-resource-unit on every answer
 *   (concepts/throttling-limits.md, identity and access: transitive members cost 5, $select takes 1 off; an application has
 *   3,500 to 8,000 in ten seconds of one tenant). 503, 504 and 509 pass (concepts/errors.md).
 * - {"error":{"code","message","innerError":{"date","request-id","client-request-id"}}} ("Error responses").
 * - Tokens: POST /TENANT/oauth2/v2.0/token with client_secret or client_assertion, scope RESOURCE/.default; refusals are
 *   {"error","error_description":"AADSTSn: ...","error_codes":[n]} ("OAuth 2.0 client credentials flow").
 */
#include <check.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/contract_entra.h"
#include "tests/support/contract_people.h"

static void settings(struct contract *c, struct ush_policy_source *source)
{
	c->state = ush_new(struct fake_entra);
	ush_source_set(source, "url", ENTRA_BASE);
	ush_source_set(source, "authority", ENTRA_BASE "/login");
	ush_source_set(source, "tenant", "acme.test");
	ush_source_set(source, "client", "app-1");
	ush_source_set(source, "secretFile", c->secret_file);
}

size_t entra_cursor(const char *url)
{
	USH_AUTO_FREE char *token = provider_query(url, "$skiptoken");

	return token != NULL && strncmp(token, "RFNwd", 5) == 0 ? strtoul(token + 5, NULL, 10) : 0;
}

static size_t page_size(const struct contract *c, const char *url, bool people)
{
	size_t most = people ? c->fake->member_page : c->fake->group_page, asked = (size_t)provider_query_number(url, "$top", 100);

	return asked < most ? asked : most;
}

enum contract_what entra_what(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	bool people = strstr(request->url, "/transitiveMembers/") != NULL;

	*page = 1;
	if (strstr(request->url, "/oauth2/v2.0/token") != NULL)
		return CONTRACT_SIGN_IN;
	if (provider_query_number(request->url, "$top", 100) == 1)
		return CONTRACT_COUNT;
	*page = entra_cursor(request->url) / page_size(c, request->url, people) + 1;
	return people ? CONTRACT_MEMBERS : CONTRACT_GROUPS;
}

void entra_error(struct ush_http_response *response, int status, const char *code, const char *message)
{
	provider_reply(response, status, json_pack("{s:{s:s, s:s, s:{s:s, s:s}}}", "error", "code", code, "message", message, "innerError", "date",
						   "2027-01-15T08:00:00", "request-id", "7d1e2c1c-0000-0000-0000-000000000000"));
}

/* ---- tokens ---- */

static void answer_token(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *secret = provider_query(request->body, "client_secret"), *assertion = provider_query(request->body, "client_assertion");
	USH_AUTO_FREE char *scope = provider_query(request->body, "scope"), *grant = provider_query(request->body, "grant_type");
	USH_AUTO_FREE char *type = provider_query(request->body, "client_assertion_type"), *wanted = cloud_base(request->url), *token = NULL;
	USH_AUTO_FREE char *full = ush_printf("%s/.default", wanted);
	int code = entra_state(c)->token_code;
	bool by_assertion = assertion != NULL && type != NULL && strcmp(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer") == 0;

	if (code == 0 && ((secret != NULL) == (assertion != NULL) || strcmp(secret != NULL ? secret : assertion, "s3cret") != 0 || (assertion != NULL && !by_assertion)))
		code = secret != NULL ? 7000215 : 70021;
	if (code == 0 && (strcmp(scope, full) != 0 || strcmp(grant, "client_credentials") != 0 || strstr(request->url, "/acme.test/oauth2/v2.0/token") == NULL))
		code = 70011;
	if (code != 0) {
		USH_AUTO_FREE char *said = ush_printf("AADSTS%d: no. Trace ID: x", code);

		provider_reply(response, code == 90002 ? 400 : 401, json_pack("{s:s, s:s, s:[i]}", "error", "invalid_client", "error_description", said,
									       "error_codes", code));
		return;
	}
	entra_state(c)->assertions += assertion != NULL;
	token = ush_printf("eyJ0.%u", ++entra_state(c)->tokens);
	provider_reply(response, 200, json_pack("{s:s, s:i, s:i, s:s}", "token_type", "Bearer", "expires_in", 3599, "ext_expires_in", 3599, "access_token", token));
}

/* ---- what there is ---- */

char *entra_id(const struct contract *c, size_t group)
{
	return ush_printf("%08lu-0000-4000-8000-000000000000", c->directory.groups[group].number);
}

char *entra_person_id(const struct contract *c, size_t person)
{
	return ush_printf("%08lu-1111-4111-8111-000000000000", c->directory.people[person].number);
}

static json_t *group_json(const struct contract *c, size_t index)
{
	USH_AUTO_FREE char *id = entra_id(c, index);

	return json_pack("{s:s, s:s, s:s?}", "id", id, "displayName", c->directory.groups[index].name, "visibility",
			 entra_state(c)->hidden && index == 0 ? "HiddenMembership" : NULL);
}

json_t *entra_person(const struct contract *c, size_t index)
{
	const struct contract_person *p = &c->directory.people[index];
	USH_AUTO_FREE char *id = entra_person_id(c, index), *mail = p->name != NULL ? ush_printf("%s@mail.acme.test", p->name) : NULL;

	if (entra_state(c)->limited_rights)
		return json_pack("{s:s, s:s, s:n, s:n, s:n}", "@odata.type", "#microsoft.graph.user", "id", id, "userPrincipalName", "mail", "accountEnabled");
	if (entra_state(c)->basic_rights)
		return json_pack("{s:s, s:s?, s:s?, s:n}", "id", id, "userPrincipalName", p->name, "mail", mail, "accountEnabled");
	return json_pack("{s:s, s:s?, s:s?, s:b}", "id", id, "userPrincipalName", p->name, "mail", mail, "accountEnabled", !p->disabled);
}

/* ---- lists ---- */

static bool eventual(const struct ush_http_request *request)
{
	USH_AUTO_FREE char *level = provider_header(request, "ConsistencyLevel");

	return level != NULL && strcmp(level, "eventual") == 0;
}

static void add_next(json_t *page, const char *url, size_t index)
{
	const char *end = strstr(url, "&$skiptoken=");
	USH_AUTO_FREE char *link = ush_printf("%.*s&$skiptoken=RFNwd%zu", (int)(end != NULL ? (size_t)(end - url) : strlen(url)), url, index);

	json_object_set_new(page, "@odata.nextLink", json_string(link));
}

static void answer_list(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, const size_t *items, size_t count,
			bool people)
{
	enum contract_what kind = people ? CONTRACT_MEMBERS : CONTRACT_GROUPS;
	bool faulty = c->fault.what == CONTRACT_ANY || c->fault.what == kind, counts = strstr(request->url, "$count=true") != NULL && eventual(request);
	size_t first = entra_cursor(request->url), size = page_size(c, request->url, people), end = first + size;
	json_t *page = json_pack("{s:s}", "@odata.context", "https://graph.microsoft.com/v1.0/$metadata#groups"), *list = json_array();
	bool extra = people && entra_state(c)->last_is_400 && end == count;

	for (size_t i = first; i < count && i < end && !(c->fault.empty && !people); i++)
		json_array_append_new(list, people ? entra_person(c, items[i]) : group_json(c, items[i]));
	if (counts && first == 0 && !(c->fault.silent && !people))
		json_object_set_new(page, "@odata.count", json_integer((json_int_t)count + (people ? 0 : c->fault.lies)));
	if (((end < count && !(c->fault.empty && !people)) || extra) && !(faulty && c->fault.cut_off))
		add_next(page, request->url, end);
	else if (faulty && c->fault.loops)
		add_next(page, request->url, 0);
	json_object_set_new(page, "value", list);
	provider_reply(response, 200, page);
}

static void answer_groups(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	size_t count;
	USH_AUTO_FREE size_t *groups = contract_children(c, CONTRACT_EVERYWHERE, &count);

	if (entra_state(c)->index_late && eventual(request) && count > 0)
		count--;
	answer_list(c, request, response, groups, count, false);
}

static void answer_members(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *id = provider_part(request->url, 2);
	size_t group = contract_group_of(c, strtoul(id, NULL, 10)), count = 0;
	USH_AUTO_FREE size_t *people = group != CONTRACT_NOBODY ? contract_everybody(c, group, &count) : NULL;

	if (group == CONTRACT_NOBODY)
		entra_error(response, 404, "Request_ResourceNotFound", "Resource does not exist or one of its queried reference-property objects are not present.");
	else if (entra_state(c)->last_is_400 && entra_cursor(request->url) >= count && count > 0)
		entra_error(response, 400, "Request_UnsupportedQuery", "Unsupported Query.");
	else
		answer_list(c, request, response, people, entra_state(c)->hidden && group == 0 ? 0 : count, true);
}

static void add_headers(const struct contract *c, struct ush_http_response *response)
{
	char part[32];

	provider_reply_header(response, "request-id", "7d1e2c1c-0000-0000-0000-000000000000");
	provider_reply_header(response, "x-ms-resource-unit", "2");
	if (entra_state(c)->near_limit > 0) {
		snprintf(part, sizeof part, "%.1f", entra_state(c)->near_limit);
		provider_reply_header(response, "x-ms-throttle-limit-percentage", part);
	}
}

bool entra_lets_in(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *came = provider_header(request, "Authorization"), *good = ush_printf("Bearer eyJ0.%u", entra_state(c)->tokens);

	if (strstr(request->url, "/oauth2/v2.0/token") != NULL) {
		answer_token(c, request, response);
		return false;
	}
	add_headers(c, response);
	if (came != NULL && strcmp(came, good) == 0)
		return true;
	entra_error(response, 401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.");
	return false;
}

void entra_answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	bool advanced = strstr(request->url, "/microsoft.graph.user") != NULL ||
			(strstr(request->url, "$count=true") != NULL && strstr(request->url, "$skiptoken=") != NULL);

	if (!entra_lets_in(c, request, response))
		return;
	if (c->revoking) {
		c->fake->people->answer(c, request, response);
	} else if (advanced && !eventual(request)) {
		entra_state(c)->without_level++;
		entra_error(response, 400, "Request_UnsupportedQuery", "Invalid search request.");
	} else if (strstr(request->url, "/transitiveMembers/") != NULL) {
		answer_members(c, request, response);
	} else {
		answer_groups(c, request, response);
	}
}

const struct contract_fake contract_entra = {
	.kind = "entra",
	.traits = CONTRACT_NESTED | CONTRACT_DISABLED | CONTRACT_NULL_NAMES | CONTRACT_SAME_NAMES | CONTRACT_FREE_NAMES | CONTRACT_COUNTS |
		  CONTRACT_MEMBER_COUNTS | CONTRACT_LINKS | CONTRACT_TOKEN | CONTRACT_SECOND,
	.group_page = 20,
	.member_page = 50,
	.settings = settings,
	.what = entra_what,
	.answer = entra_answer,
	.people = &contract_people_entra,
	.id = entra_id,
};
