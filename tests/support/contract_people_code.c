/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending what people have at authentik, GitLab and GitHub:
 * - authentik: users by username, email, uuid (a filter each, exact) or by key; sessions by user__username, their key is uuid;
 *   refresh_tokens, access_tokens and authorization_codes by user, whose row has the person whole; tokens by user__username,
 *   deleted by identifier (goauthentik/authentik, core/api/authenticated_sessions.py, core/api/tokens.py,
 *   providers/oauth2/api/tokens.py: lookup_field, filterset_fields; UserSerializer). A filter that is not in filterset_fields is
 *   not heard, as django-filter has it. DELETE is 204, and 404 for what is not there.
 * - GitLab: users by username (whole, without case) or search (a part, or a whole address); personal_access_tokens of others by
 *   user_id for administrators alone, who get 401 otherwise; DELETE is 204 ("Personal access tokens API"; "Users API").
 * - GitHub: users/{login}, user/{id} ("Get a user", "Get a user using their ID"); credential-authorizations of an organization,
 *   with login; 404 where the organization has no SAML ("List SAML SSO authorizations for an organization"); DELETE by
 *   credential_id is 204 and wants admin:org ("Remove a SAML SSO authorization for an organization"). Pages by Link.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/memory.h"
#include "tests/support/contract_knobs.h"
#include "tests/support/contract_people.h"

static char *number_id(const struct contract *c, size_t person)
{
	return ush_printf("%lu", c->directory.people[person].number);
}

/* A page of the rows: its first index, and the next page's number or 0. */
static size_t page_of(const struct ush_http_request *request, size_t count, long *next)
{
	long page = provider_query_number(request->url, "page", 1);

	*next = (size_t)page * PEOPLE_PAGE < count ? page + 1 : 0;
	return (size_t)(page - 1) * PEOPLE_PAGE;
}

static void end_one(struct contract *c, struct ush_http_response *response, const char *id, const char *missing)
{
	if (id != NULL && people_end_one(c, strtoul(id + strcspn(id, "0123456789"), NULL, 10)))
		people_nothing(response);
	else
		provider_reply(response, 404, json_pack("{s:s, s:s}", "detail", missing, "message", missing));
}

/* ---- authentik ---- */

static const struct kind {
	const char *path, *what, *key;
} kinds[] = {{"authenticated_sessions", "session", "uuid"}, {"refresh_tokens", "refresh token", "pk"}, {"access_tokens", "access token", "pk"},
	     {"authorization_codes", "code", "pk"}, {"tokens", "app password", "identifier"}};

static json_t *authentik_person(const struct contract *c, size_t person)
{
	const struct contract_person *p = &c->directory.people[person];
	USH_AUTO_FREE char *mail = people_mail(c, person);

	return json_pack("{s:I, s:s?, s:s, s:b, s:s, s:o, s:o, s:o}", "pk", (json_int_t)p->number, "username", p->name, "name", "Somebody", "is_active", !p->disabled,
			 "email", mail, "uid", json_sprintf("uid-%lu", p->number), "uuid", json_sprintf("00000000-0000-4000-8000-%012lu", p->number), "groups",
			 people_groups(c, person, NULL));
}

static void authentik_page(struct ush_http_response *response, json_t *rows, long next)
{
	provider_reply(response, 200, json_pack("{s:{s:I}, s:o}", "pagination", "next", (json_int_t)next, "results", rows));
}

static void authentik_users(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *name = provider_query(request->url, "username"), *mail = provider_query(request->url, "email");
	USH_AUTO_FREE char *uuid = provider_query(request->url, "uuid");
	unsigned long number = uuid != NULL && strlen(uuid) == 36 ? strtoul(uuid + 24, NULL, 10) : 0;
	json_t *rows = json_array();

	for (size_t i = 0; i < c->directory.people_count; i++)
		if (people_by_name(c, name, i) == i || people_by_mail(c, mail, i) == i || c->directory.people[i].number == number || c->deaf)
			json_array_append_new(rows, authentik_person(c, i));
	authentik_page(response, rows, 0);
}

static void authentik_list(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, const struct kind *kind)
{
	USH_AUTO_FREE char *name = provider_query(request->url, "user__username"), *key = provider_query(request->url, "user");
	bool by_key = strcmp(kind->key, "pk") == 0;
	size_t person = c->deaf ? CONTRACT_EVERYWHERE : by_key ? people_by_id(c, key) : people_by_name(c, name, 0), count, first;
	USH_AUTO_FREE size_t *all = people_held(c, person, kind->what, &count);
	json_t *rows = json_array();
	long next;

	first = page_of(request, count, &next);
	for (size_t i = first; i < count && i < first + PEOPLE_PAGE; i++) {
		const struct contract_held *held = &c->held[all[i]];
		json_t *row = json_pack("{s:o}", kind->key, by_key ? json_integer((json_int_t)held->number) : json_sprintf("id-%lu", held->number));

		json_object_set_new(row, "user", by_key ? authentik_person(c, held->person) : json_integer((json_int_t)c->directory.people[held->person].number));
		json_array_append_new(rows, row);
	}
	authentik_page(response, rows, next);
}

static void authentik_answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *part = provider_part(request->url, 3), *id = provider_part(request->url, 4);
	size_t person = people_by_id(c, id);

	if (strcmp(part, "users") == 0) {
		if (id == NULL || *id == '\0')
			authentik_users(c, request, response);
		else if (person == CONTRACT_NOBODY)
			provider_reply(response, 404, json_pack("{s:s}", "detail", "No User matches the given query."));
		else
			provider_reply(response, 200, authentik_person(c, person));
		return;
	}
	for (size_t i = 0; i < USH_COUNT(kinds); i++)
		if (strcmp(part, kinds[i].path) == 0) {
			if (people_writes(request, "DELETE"))
				end_one(c, response, id, "Not found.");
			else
				authentik_list(c, request, response, &kinds[i]);
			return;
		}
	provider_reply(response, 404, json_pack("{s:s}", "detail", "Not found."));
}

static const char *const authentik_things[] = {"session", "refresh token", "access token", "code", "app password", "session", "session", NULL};
const struct contract_people contract_people_authentik = {.answer = authentik_answer, .id = number_id, .things = authentik_things,
							  .right = "delete sessions and tokens", .path = "/core/users", .by_mail = true, .counts = true, .lists = true,
							  .groups = true};

/* ---- GitLab ---- */

static json_t *gitlab_person(const struct contract *c, size_t person)
{
	const struct contract_person *p = &c->directory.people[person];
	USH_AUTO_FREE char *mail = people_mail(c, person);

	return json_pack("{s:I, s:s?, s:s, s:s, s:s, s:s}", "id", (json_int_t)p->number, "username", p->name, "name", "Somebody", "state",
			 p->disabled ? "blocked" : "active", "email", mail, "public_email", "");
}

static void gitlab_users(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *name = provider_query(request->url, "username"), *search = provider_query(request->url, "search");
	json_t *rows = json_array();

	for (size_t i = 0; i < c->directory.people_count; i++)
		if (people_by_name(c, name, i) == i || search != NULL || c->deaf) /* search finds parts of names, too */
			json_array_append_new(rows, gitlab_person(c, i));
	provider_reply(response, 200, rows);
}

static void gitlab_tokens(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *id = provider_query(request->url, "user_id");
	size_t person = c->deaf ? CONTRACT_EVERYWHERE : people_by_id(c, id), count, first;
	USH_AUTO_FREE size_t *all = people_held(c, person, NULL, &count);
	USH_AUTO_FREE char *number = NULL;
	json_t *rows = json_array();
	long next;

	first = page_of(request, count, &next);
	number = next > 0 ? ush_printf("%ld", next) : ush_strdup("");
	for (size_t i = first; i < count && i < first + PEOPLE_PAGE; i++)
		json_array_append_new(rows, json_pack("{s:I, s:s, s:b, s:[s], s:I, s:b}", "id", (json_int_t)c->held[all[i]].number, "name", "k8s", "revoked", 0, "scopes",
						      "k8s_proxy", "user_id", (json_int_t)c->directory.people[c->held[all[i]].person].number, "active", 1));
	provider_reply_header(response, "X-Next-Page", number);
	provider_reply(response, 200, rows);
}

static void gitlab_answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *part = provider_part(request->url, 2), *id = provider_part(request->url, 3);
	size_t person = people_by_id(c, id);
	const struct fake_gitlab *gitlab = c->state;

	if (strcmp(part, "personal_access_tokens") == 0 && gitlab->plain)
		provider_reply(response, 401, json_pack("{s:s}", "message", "401 Unauthorized"));
	else if (strcmp(part, "personal_access_tokens") == 0 && people_writes(request, "DELETE"))
		end_one(c, response, id, "404 Personal Access Token Not Found");
	else if (strcmp(part, "personal_access_tokens") == 0)
		gitlab_tokens(c, request, response);
	else if (id == NULL)
		gitlab_users(c, request, response);
	else if (person == CONTRACT_NOBODY)
		provider_reply(response, 404, json_pack("{s:s}", "message", "404 User Not Found"));
	else
		provider_reply(response, 200, gitlab_person(c, person));
}

static const char *const tokens[] = {"token", "token", "token", NULL};
const struct contract_people contract_people_gitlab = {
	.answer = gitlab_answer, .id = number_id, .things = tokens, .right = "administrator's token", .path = "/users", .by_mail = true, .lists = true};

/* ---- GitHub ---- */

static void github_person(const struct contract *c, struct ush_http_response *response, size_t person)
{
	const struct contract_person *p = person != CONTRACT_NOBODY ? &c->directory.people[person] : NULL;
	json_t *user;

	if (p == NULL) {
		provider_reply(response, 404, json_pack("{s:s}", "message", "Not Found"));
		return;
	}
	user = json_pack("{s:s?, s:I, s:s, s:n}", "login", p->name, "id", (json_int_t)p->number, "type", "User", "email");
	if (p->disabled)
		json_object_set_new(user, "suspended_at", json_string("2026-01-01T00:00:00Z"));
	provider_reply(response, 200, user);
}

static void github_list(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *login = provider_query(request->url, "login"), *link = NULL;
	size_t person = c->deaf ? CONTRACT_EVERYWHERE : people_by_name(c, login, 0), count, first;
	USH_AUTO_FREE size_t *all = people_held(c, person, NULL, &count);
	json_t *rows = json_array();
	const char *end;
	long next;

	first = page_of(request, count, &next);
	for (size_t i = first; i < count && i < first + PEOPLE_PAGE; i++)
		json_array_append_new(rows, json_pack("{s:s?, s:I, s:s, s:s}", "login", c->directory.people[c->held[all[i]].person].name, "credential_id",
						      (json_int_t)c->held[all[i]].number, "credential_type", "personal access token", "token_last_eight", "71c3fc11"));
	end = strstr(request->url, "&page=");
	link = ush_printf("<%.*s&page=%ld>; rel=\"next\"", (int)(end != NULL ? (size_t)(end - request->url) : strlen(request->url)), request->url, next);
	if (next > 0)
		provider_reply_header(response, "Link", link);
	provider_reply(response, 200, rows);
}

static void github_answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *key = provider_part(request->url, 1), *id = provider_part(request->url, 3);
	const struct fake_github *github = c->state;

	if (people_part(request, 0, "users"))
		github_person(c, response, people_by_name(c, key, 0));
	else if (people_part(request, 0, "user"))
		github_person(c, response, people_by_id(c, key));
	else if (github->no_saml)
		provider_reply(response, 404, json_pack("{s:s}", "message", "Not Found"));
	else if (people_writes(request, "DELETE"))
		end_one(c, response, id, "Not Found");
	else
		github_list(c, request, response);
}

const struct contract_people contract_people_github = {.answer = github_answer, .id = number_id, .things = tokens, .right = "admin:org", .path = "/user", .lists = true};
