/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending sessions by Keycloak's admin REST, as Keycloak 26.4.7 itself was seen to behave (tests/e2e/keycloak_revoke.sh) and as
 * its source has it (keycloak/keycloak, services/.../resources/admin/UserResource.java):
 * - username and email with exact=true match without case, whole; without it any part (UsersResource.getUsers).
 * - Without view-users but with query-users the list is 200 and empty.
 * - logout ends the sessions and sets notBefore, 204 also when there is none; offline sessions stay.
 * - consents lists the clients with offline tokens, whether somebody consented or not: additionalGrants has the client's own
 *   id under "client" and "Offline Token" under "key" (toConsent).
 * - consents/{client} takes the client's name, ends its offline tokens, and is 404 when there are none (revokeConsent).
 * - sessions/{id}?isOffline=true ends one offline session (RealmAdminResource.deleteSession).
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_people.h"

#define SESSION "session"

static char *id_of(const struct contract *c, size_t person)
{
	return ush_printf("u-%lu", c->directory.people[person].number);
}

static json_t *person_json(const struct contract *c, size_t person)
{
	const struct contract_person *p = &c->directory.people[person];
	USH_AUTO_FREE char *id = id_of(c, person), *mail = people_mail(c, person);

	return json_pack("{s:s, s:s?, s:s, s:b, s:b}", "id", id, "username", p->name, "email", mail, "enabled", !p->disabled, "emailVerified", 0);
}

static void not_found(struct ush_http_response *response)
{
	provider_reply(response, 404, json_pack("{s:s}", "error", "User not found"));
}

static void answer_search(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *name = provider_query(request->url, "username"), *mail = provider_query(request->url, "email");
	USH_AUTO_FREE char *exact = provider_query(request->url, "exact");
	json_t *list = json_array();

	for (size_t i = 0; i < c->directory.people_count; i++) {
		bool takes = name != NULL ? people_by_name(c, name, i) == i : mail != NULL ? people_by_mail(c, mail, i) == i : true;

		if (takes || exact == NULL || c->deaf)
			json_array_append_new(list, person_json(c, i));
	}
	provider_reply(response, 200, list);
}

static void answer_held(const struct contract *c, struct ush_http_response *response, size_t person, const char *what)
{
	size_t count;
	USH_AUTO_FREE size_t *all = people_held(c, person, what, &count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:o, s:s, s:s}", "id", json_sprintf("s-%lu", c->held[all[i]].number), "ipAddress", "127.0.0.1", "username",
						      c->directory.people[person].name));
	provider_reply(response, 200, list);
}

static void answer_consents(const struct contract *c, struct ush_http_response *response, size_t person)
{
	json_t *list = json_array();
	size_t count;

	for (const char *const *thing = c->fake->people->things; *thing != NULL; thing++) {
		free(people_held(c, person, *thing, &count));
		if (count > 0 && strcmp(*thing, SESSION) != 0)
			json_array_append_new(list, json_pack("{s:s, s:[], s:[{s:o, s:s}]}", "clientId", *thing, "grantedClientScopes", "additionalGrants", "client",
							      json_sprintf("uuid-of-%s", *thing), "key", "Offline Token"));
	}
	json_array_append_new(list, json_pack("{s:s, s:[s], s:[]}", "clientId", "consented-only", "grantedClientScopes", "email", "additionalGrants"));
	provider_reply(response, 200, list);
}

static void answer_about(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, size_t person)
{
	USH_AUTO_FREE char *part = provider_part(request->url, 5), *client = provider_part(request->url, 6);
	size_t count = 0;

	if (part == NULL) {
		provider_reply(response, 200, person_json(c, person));
	} else if (strcmp(part, "sessions") == 0) {
		answer_held(c, response, person, SESSION);
	} else if (strcmp(part, "logout") == 0 && people_writes(request, "POST")) {
		people_end(c, person, SESSION);
		people_nothing(response);
	} else if (strcmp(part, "groups") == 0) {
		provider_reply(response, 200, people_groups(c, person, "id"));
	} else if (strcmp(part, "offline-sessions") == 0) {
		answer_held(c, response, person, client + strlen("uuid-of-"));
	} else if (client == NULL) {
		answer_consents(c, response, person);
	} else {
		free(people_held(c, person, client, &count));
		people_end(c, person, client);
		if (count > 0)
			people_nothing(response);
		else
			provider_reply(response, 404, json_pack("{s:s}", "error", "Consent nor offline token not found"));
	}
}

static void answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *id = provider_part(request->url, 4);
	size_t person = people_by_id(c, id);

	if (people_part(request, 3, "sessions") && id != NULL && strlen(id) > 2) {
		if (people_end_one(c, strtoul(id + 2, NULL, 10)))
			people_nothing(response);
		else
			not_found(response);
	} else if (id == NULL) {
		answer_search(c, request, response);
	} else if (person == CONTRACT_NOBODY) {
		not_found(response);
	} else {
		answer_about(c, request, response, person);
	}
}

static const char *const things[] = {SESSION, "kubernetes", "https://cluster.test/login", NULL};
const struct contract_people contract_people_keycloak = {
	.answer = answer, .id = id_of, .things = things, .right = "manage-users", .path = "/users", .by_mail = true, .counts = true, .groups = true};
