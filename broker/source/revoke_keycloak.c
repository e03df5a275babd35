/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending sessions in Keycloak: logout ends what a person has open and makes refresh tokens of before stale; what clients hold
 * for times without him (offline tokens) is ended client by client. An ID token lives as long as an access token: as the
 * realm says, or the client by which people sign in to the cluster.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/source/keycloak.h"
#include "broker/source/revoke_ask.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static const char *advice(const struct ush_api *api, int status)
{
	(void)api;
	return status == 403 ? "Give the client's service account the roles manage-users and view-users of realm-management" : NULL;
}

static const struct ush_api_kind kind = {.sign_in = ush_keycloak_sign_in, .advice = advice};

/* ---- who it is ---- */

static int find_by(struct ush_revoke *r, const char *key, json_t **user, struct ush_error *err)
{
	const char *const keys[] = {key, NULL};
	USH_AUTO_FREE char *format = ush_printf("/users?exact=true&%s={}", key), *target = ush_revoke_target(err, format, r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return ush_revoke_among(r, answer.body, keys, "id", user, err);
}

static int find_by_id(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_revoke_target(err, "/users/{}", r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return answer.status == 404 ? 0 : ush_revoke_found(r, answer.body, "id", user, err);
}

/*
 * Without view-users Keycloak answers 200 and nobody at all to those who may ask in general (query-users). It cannot be told
 * from nobody by that name, but by somebody who is there for certain: we.
 */
static int check_sight(struct ush_revoke *r, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_printf("/users?max=1&briefRepresentation=true");
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the list of people", &answer, err) != 0)
		return -1;
	if (json_array_size(answer.body) > 0)
		return 0;
	ush_fail(err, USH_ERR_REFUSED, "Keycloak shows client %.60s no people at all, so nobody knows whether %.60s is one", ush_source_text(r->source, "client"),
		 r->person);
	return ush_hint(err, "%s", advice(&r->api, 403));
}

static int find(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	if (find_by(r, "username", user, err) != 0 || (strchr(r->person, '@') != NULL && find_by(r, "email", user, err) != 0))
		return -1;
	if (*user == NULL && find_by_id(r, user, err) != 0)
		return -1;
	return *user != NULL ? 0 : check_sight(r, err);
}

/* ---- what is ended ---- */

static int count_rows(struct ush_revoke *r, const char *target, const char *what, size_t *count, struct ush_error *err)
{
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, what, &answer, err) != 0)
		return -1;
	*count += json_array_size(answer.body);
	return 0;
}

static int end_sessions(struct ush_revoke *r, struct ush_error *err)
{
	USH_AUTO_FREE char *sessions = ush_revoke_target(err, "/users/{}/sessions", r->out->id);
	USH_AUTO_FREE char *logout = ush_revoke_target(err, "/users/{}/logout", r->out->id);
	size_t count = 0;

	if (count_rows(r, sessions, "the person's sessions", &count, err) != 0 || ush_revoke_write(r, "POST", logout, "ending the sessions", err) != 0)
		return -1;
	r->out->sessions += count;
	ush_revoke_count(r, count, "session", "sessions");
	return 0;
}

/* The client's own id, where it holds offline tokens; else NULL. */
static const char *holds_offline(const json_t *consent)
{
	const json_t *grant;
	size_t i;

	json_array_foreach(json_object_get(consent, "additionalGrants"), i, grant) {
		const char *key = ush_json_string(grant, "key");

		if (key != NULL && strcmp(key, "Offline Token") == 0)
			return ush_json_string(grant, "client");
	}
	return NULL;
}

/* A client may be called like a URL, and what stands before Keycloak may refuse an encoded slash. */
static bool stands_in_path(const char *client)
{
	return strpbrk(client, "/\\;%") == NULL && strcmp(client, ".") != 0 && strcmp(client, "..") != 0;
}

/* By session, where the client's name cannot stand in a path. */
static int end_offline_sessions(struct ush_revoke *r, const json_t *sessions, struct ush_error *err)
{
	const json_t *session;
	size_t i;

	json_array_foreach(sessions, i, session) {
		USH_AUTO_FREE char *target = ush_revoke_target(err, "/sessions/{}?isOffline=true", ush_json_string(session, "id"));

		if (ush_revoke_write(r, "DELETE", target, "ending an offline session", err) != 0)
			return -1;
	}
	return 0;
}

static int end_offline(struct ush_revoke *r, const char *client, const char *uuid, struct ush_error *err)
{
	USH_AUTO_FREE char *list = ush_revoke_target(err, "/users/{}/offline-sessions/{}", r->out->id, uuid), *consent = NULL;
	USH_AUTO_API_ANSWER answer = {0};
	int result;

	if (ush_revoke_get(r, list, "offline sessions", &answer, err) != 0)
		return -1;
	if (stands_in_path(client)) {
		consent = ush_revoke_target(err, "/users/{}/consents/{}", r->out->id, client);
		result = ush_revoke_write(r, "DELETE", consent, "ending offline tokens", err);
	} else {
		result = end_offline_sessions(r, answer.body, err);
	}
	if (result != 0)
		return -1;
	r->out->sessions += json_array_size(answer.body);
	ush_revoke_done(r, "offline tokens of client %.200s", client);
	return 0;
}

static int end_all_offline(struct ush_revoke *r, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_revoke_target(err, "/users/{}/consents", r->out->id);
	USH_AUTO_API_ANSWER answer = {0};
	const json_t *consent;
	size_t i;

	if (ush_revoke_get(r, target, "the clients that hold offline tokens", &answer, err) != 0)
		return -1;
	json_array_foreach(answer.body, i, consent) {
		const char *uuid = holds_offline(consent), *client = ush_json_string(consent, "clientId");

		if (uuid != NULL && client != NULL && end_offline(r, client, uuid, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- what is good to know ---- */

/* The client's own lifespan: "" or nothing where the realm's holds, -1 where the session's does. False when it is not to be had. */
static bool client_lifespan(struct ush_revoke *r, const char *client, const char **text, struct ush_api_answer *answer)
{
	struct ush_error ignored = {0};
	USH_AUTO_FREE char *target = ush_revoke_target(&ignored, "/clients?clientId={}", client);
	const json_t *row = NULL;

	if (!ush_revoke_look(r, target, "the client", answer) || (row = json_array_get(answer->body, 0)) == NULL)
		return false;
	*text = ush_json_string(json_object_get(row, "attributes"), "access.token.lifespan");
	return json_is_object(json_object_get(row, "attributes"));
}

static void tell_lifetime(struct ush_revoke *r)
{
	const char *client = ush_source_text(r->source, "tokenClient"), *own = NULL;
	USH_AUTO_API_ANSWER realm = {0};
	USH_AUTO_API_ANSWER row = {0};
	const json_t *seconds;
	long number;

	if (client == NULL || !client_lifespan(r, client, &own, &row) || !ush_revoke_look(r, r->api.base, "the realm", &realm))
		return;
	number = own != NULL ? strtol(own, NULL, 10) : 0;
	seconds = json_object_get(realm.body, "accessTokenLifespan");
	if (number == 0 && json_is_integer(seconds))
		number = (long)json_integer_value(seconds);
	if (number > 0)
		r->out->token_seconds = number;
}

/* ---- all of it ---- */

int ush_keycloak_revoke(struct ush_revoke *r, struct ush_error *err)
{
	static const char *const names[] = {"username", "email", "id", NULL};
	USH_AUTO_JSON user = NULL;

	if (ush_keycloak_open(&r->api, r->world, r->source, &kind, err) != 0 || find(r, &user, err) != 0)
		return -1;
	if (user == NULL)
		return 0;
	r->out->enabled = !json_is_false(json_object_get(user, "enabled"));
	ush_revoke_names(r, user, names);
	if (end_sessions(r, err) != 0 || end_all_offline(r, err) != 0)
		return -1;
	ush_revoke_groups(r, "/users/{}/groups?briefRepresentation=true", NULL);
	tell_lifetime(r);
	return 0;
}
