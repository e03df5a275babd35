/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending sessions at Okta, Entra and Google, as their documentation has it:
 * - Okta: users/{id or login, or the part of a login before its @}; `search` finds the deactivated too ("Users", Retrieve a user,
 *   List all users). DELETE users/{id}/sessions ends those at Okta and wants okta.users.manage; oauthTokens, false unless
 *   said, ends refresh and access tokens too; what web and native applications hold of their own stays ("User Sessions", Revoke
 *   all user sessions); 204.
 * - Graph: $filter of userPrincipalName and mail, a ' in a text twice ("List users"); revokeSignInSessions gives {"value": true},
 *   takes minutes and does nothing for external users ("user: revokeSignInSessions", notes; least right
 *   User.RevokeSessions.All). memberOf has roles and units as well as groups ("List a user's direct memberships").
 * - Google: userKey is the primary address, an alias or the id; signOut ends web and device sessions and wants the scope
 *   admin.directory.user.security ("Method: users.signOut"); tokens.list and tokens.delete are by application, with the same
 *   scope ("REST Resource: tokens"). What is empty is left out of a list, as in groups.list.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/memory.h"
#include "tests/support/contract_entra.h"
#include "tests/support/contract_people.h"

static void okta_error(struct ush_http_response *response, int status, const char *code)
{
	provider_reply(response, status, json_pack("{s:s, s:s}", "errorCode", code, "errorSummary", "Not found: Resource not found (User)"));
}

/* ---- Okta ---- */

static char *okta_id(const struct contract *c, size_t person)
{
	return ush_printf("00u%lu", c->directory.people[person].number);
}

static json_t *okta_person(const struct contract *c, size_t person)
{
	const struct contract_person *p = &c->directory.people[person];
	USH_AUTO_FREE char *id = okta_id(c, person), *mail = people_mail(c, person);

	return json_pack("{s:s, s:s, s:{s:s?, s:s}}", "id", id, "status", p->disabled ? "DEPROVISIONED" : "ACTIVE", "profile", "login", p->name, "email", mail);
}

/* profile.email eq "A" or profile.login eq "A": what stands between the first quotes, where \ is before " and \. */
static char *quoted(const char *text)
{
	const char *at = text != NULL ? strchr(text, '"') : NULL;
	USH_AUTO_BUF out = {0};

	for (at = at != NULL ? at + 1 : ""; *at != '\0' && *at != '"'; at++)
		ush_buf_printf(&out, "%c", *at == '\\' && at[1] != '\0' ? *++at : *at);
	return ush_buf_take(&out);
}

static void okta_search(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *search = provider_query(request->url, "search"), *key = quoted(search);
	json_t *list = json_array();

	for (size_t i = 0; i < c->directory.people_count; i++)
		if (people_by_mail(c, key, i) == i || people_by_name(c, key, i) == i || c->deaf)
			json_array_append_new(list, okta_person(c, i));
	provider_reply(response, 200, list);
}

static void okta_answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *key = provider_part(request->url, 3), *part = provider_part(request->url, 4), *tokens = provider_query(request->url, "oauthTokens");
	size_t person = key != NULL ? people_by_id(c, key) : CONTRACT_NOBODY;

	if (key == NULL) {
		okta_search(c, request, response);
		return;
	}
	person = person != CONTRACT_NOBODY ? person : people_by_name(c, key, 0);
	if (person == CONTRACT_NOBODY && strcmp(key, "short") == 0) /* the part before the @ of somebody's login */
		person = 0;
	if (person == CONTRACT_NOBODY) {
		okta_error(response, 404, "E0000007");
	} else if (part == NULL) {
		provider_reply(response, 200, okta_person(c, person));
	} else if (strcmp(part, "groups") == 0) {
		provider_reply(response, 200, people_groups(c, person, "id"));
	} else {
		people_end(c, person, "session");
		if (tokens != NULL && strcmp(tokens, "true") == 0)
			people_end(c, person, "token");
		people_nothing(response);
	}
}

static const char *const sessions_and_tokens[] = {"session", "token", NULL};
const struct contract_people contract_people_okta = {.answer = okta_answer, .id = okta_id, .things = sessions_and_tokens, .right = "Help Desk Administrator",
						     .path = "/api/v1/users", .by_mail = true, .groups = true};

/* ---- Entra ---- */

static json_t *entra_full(const struct contract *c, size_t person)
{
	USH_AUTO_FREE char *mail = people_mail(c, person);
	json_t *user = entra_person(c, person);

	json_object_set_new(user, "mail", json_string(mail));
	json_object_set_new(user, "userType", json_string(strstr(mail, "#guest") != NULL ? "Guest" : "Member"));
	return user;
}

/* userPrincipalName eq 'A' or mail eq 'A' */
static char *odata_text(const char *filter)
{
	const char *at = filter != NULL ? strchr(filter, '\'') : NULL;
	USH_AUTO_BUF out = {0};

	for (at = at != NULL ? at + 1 : ""; *at != '\0' && !(*at == '\'' && at[1] != '\''); at++) {
		ush_buf_printf(&out, "%c", *at);
		at += *at == '\'';
	}
	return ush_buf_take(&out);
}

static void entra_search(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *filter = provider_query(request->url, "$filter"), *key = odata_text(filter);
	json_t *list = json_array();

	for (size_t i = 0; i < c->directory.people_count; i++)
		if (people_by_mail(c, key, i) == i || people_by_name(c, key, i) == i || c->deaf)
			json_array_append_new(list, entra_full(c, i));
	provider_reply(response, 200, json_pack("{s:o}", "value", list));
}

static void entra_memberships(const struct contract *c, struct ush_http_response *response, size_t person)
{
	json_t *list = people_groups(c, person, "id"), *group;
	size_t i;

	json_array_foreach(list, i, group)
		json_object_set_new(group, "@odata.type", json_string("#microsoft.graph.group"));
	json_array_append_new(list, json_pack("{s:s, s:s}", "@odata.type", "#microsoft.graph.directoryRole", "id", "a-role"));
	provider_reply(response, 200, json_pack("{s:o}", "value", list));
}

static void entra_people_answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *id = provider_part(request->url, 2), *part = provider_part(request->url, 3);
	size_t person = people_by_id(c, id);

	if (id == NULL) {
		entra_search(c, request, response);
	} else if (person == CONTRACT_NOBODY) {
		entra_error(response, 404, "Request_ResourceNotFound", "Resource does not exist or one of its queried reference-property objects are not present.");
	} else if (part == NULL) {
		provider_reply(response, 200, entra_full(c, person));
	} else if (strcmp(part, "memberOf") == 0) {
		entra_memberships(c, response, person);
	} else {
		people_end(c, person, NULL);
		provider_reply(response, 200, json_pack("{s:s, s:b}", "@odata.context", "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean", "value", 1));
	}
}

const struct contract_people contract_people_entra = {.answer = entra_people_answer, .id = entra_person_id, .things = sessions_and_tokens,
						      .right = "User.RevokeSessions.All", .path = "/users", .by_mail = true, .groups = true};

/* ---- Google ---- */

static char *google_id(const struct contract *c, size_t person)
{
	return ush_printf("1%lu", c->directory.people[person].number);
}

static json_t *google_person(const struct contract *c, size_t person)
{
	const struct contract_person *p = &c->directory.people[person];
	USH_AUTO_FREE char *id = google_id(c, person), *mail = people_mail(c, person);

	return json_pack("{s:s, s:s, s:s?, s:b, s:b, s:[s]}", "kind", "admin#directory#user", "id", id, "primaryEmail", p->name, "suspended", p->disabled, "archived", 0,
			 "aliases", mail);
}

static void google_error(struct ush_http_response *response)
{
	provider_reply(response, 404, json_pack("{s:{s:i, s:s, s:[{s:s, s:s}]}}", "error", "code", 404, "message", "Resource Not Found: userKey", "errors", "domain",
						"global", "reason", "notFound"));
}

static void google_tokens(const struct contract *c, struct ush_http_response *response, size_t person)
{
	size_t count;
	USH_AUTO_FREE size_t *all = people_held(c, person, "token", &count);
	json_t *page = json_pack("{s:s, s:s}", "kind", "admin#directory#tokenList", "etag", "\"t\""), *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:[s]}", "kind", "admin#directory#token", "clientId",
						      json_sprintf("%lu.apps.googleusercontent.com", c->held[all[i]].number), "displayText", "An application", "scopes", "openid"));
	if (count > 0)
		json_object_set(page, "items", list);
	json_decref(list);
	provider_reply(response, 200, page);
}

static void google_about(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, size_t person)
{
	USH_AUTO_FREE char *part = provider_part(request->url, 5), *client = provider_part(request->url, 6);

	if (part == NULL) {
		provider_reply(response, 200, google_person(c, person));
	} else if (strcmp(part, "signOut") == 0) {
		people_end(c, person, "session");
		people_nothing(response);
	} else if (client == NULL) {
		google_tokens(c, response, person);
	} else if (people_end_one(c, strtoul(client, NULL, 10))) {
		people_nothing(response);
	} else {
		google_error(response);
	}
}

static void google_answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *key = people_part(request, 3, "groups") ? provider_query(request->url, "userKey") : provider_part(request->url, 4);
	size_t person = people_by_id(c, key);

	person = person != CONTRACT_NOBODY ? person : people_by_name(c, key, 0);
	person = person != CONTRACT_NOBODY ? person : people_by_mail(c, key, 0);
	if (person == CONTRACT_NOBODY)
		google_error(response);
	else if (people_part(request, 3, "groups"))
		provider_reply(response, 200, json_pack("{s:s, s:o}", "kind", "admin#directory#groups", "groups", people_groups(c, person, "id")));
	else
		google_about(c, request, response, person);
}

const struct contract_people contract_people_google = {.answer = google_answer, .id = google_id, .things = sessions_and_tokens,
						       .right = "User Management Admin", .path = "/users", .groups = true};
