/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/session/session.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/oidc/jose.h"

#define VERSION   1
#define MOST_TEXT (256U << 10) /* of what is read back: far more than any store takes */

/* ---- writing ---- */

/* Absent members are left out. */
static void set_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		json_object_set_new(object, key, json_string(text));
}

static json_t *to_json(const struct ush_session *session, bool with_id_token, bool with_groups)
{
	json_t *object = json_object(), *groups = json_array();

	json_object_set_new(object, "v", json_integer(VERSION));
	set_text(object, "binding", session->binding);
	set_text(object, "refresh", ush_secret_reveal(session->refresh));
	if (with_id_token)
		set_text(object, "id_token", ush_secret_reveal(session->id_token));
	set_text(object, "subject", session->subject);
	set_text(object, "account", session->account);
	set_text(object, "nonce", session->nonce);
	set_text(object, "scope", session->scope);
	json_object_set_new(object, "id_expires", json_integer(session->id_expires));
	json_object_set_new(object, "signed_in", json_integer(session->signed_in));
	json_object_set_new(object, "refresh_expires", json_integer(session->refresh_expires));
	json_object_set_new(object, "skew", json_integer(session->skew));
	for (size_t i = 0; with_groups && i < session->group_count; i++)
		json_array_append_new(groups, json_string(session->groups[i]));
	json_object_set_new(object, "groups", groups);
	if (!with_groups)
		json_object_set_new(object, "groups_left_out", json_integer((json_int_t)(session->group_count + session->groups_left_out)));
	return object;
}

/* The one spelling of a session: equal sessions give equal texts. The caller wipes and frees. NULL for text that is not
 * UTF-8: no such claim or token came through our checks. */
static char *spell(const json_t *object)
{
	return json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
}

static void wipe_text(char **text)
{
	ush_wipe_free(*text, *text != NULL ? strlen(*text) : 0);
}

#define AUTO_TEXT __attribute__((cleanup(wipe_text))) char *

/* Adds "sum": the SHA-256 of the spelling without it. */
static bool seal(json_t *object)
{
	AUTO_TEXT text = spell(object);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	char *sum;

	if (text == NULL || EVP_Digest(text, strlen(text), digest, &size, EVP_sha256(), NULL) != 1)
		return false;
	sum = ush_base64url_encode(digest, size);
	json_object_set_new(object, "sum", json_string(sum));
	free(sum);
	return true;
}

static struct ush_secret *encode(const struct ush_session *session, bool with_id_token, bool with_groups)
{
	USH_AUTO_JSON object = to_json(session, with_id_token, with_groups);
	AUTO_TEXT json = seal(object) ? spell(object) : NULL;
	AUTO_TEXT line = json != NULL ? ush_base64url_encode(json, strlen(json)) : NULL;

	return line != NULL ? ush_secret_new(line, strlen(line)) : NULL;
}

/* The refresh token is the session; an ID token can be had again, and with it the names of the groups. */
struct ush_secret *ush_session_write(const struct ush_session *session)
{
	bool with_groups = session->groups_left_out == 0;
	struct ush_secret *text = encode(session, true, with_groups);

	if (ush_secret_length(text) > USH_SESSION_MAX && session->id_token != NULL) {
		ush_secret_free(text);
		text = encode(session, false, with_groups);
	}
	if (ush_secret_length(text) > USH_SESSION_MAX && session->group_count > 0) {
		ush_secret_free(text);
		text = encode(session, false, false);
	}
	return text;
}

/* ---- reading ---- */

static bool read_number(const json_t *object, const char *key, int64_t *number)
{
	const json_t *value = json_object_get(object, key);

	*number = json_integer_value(value);
	return json_is_integer(value);
}

static struct ush_secret *read_secret(const json_t *object, const char *key)
{
	const char *text = ush_json_string(object, key);

	return text != NULL && text[0] != '\0' ? ush_secret_new(text, strlen(text)) : NULL;
}

static bool read_groups(struct ush_session *session, const json_t *list)
{
	size_t count = json_array_size(list);

	if (!json_is_array(list))
		return false;
	session->groups = ush_alloc(count * sizeof *session->groups);
	for (size_t i = 0; i < count; i++) {
		const char *group = json_string_value(json_array_get(list, i));

		if (group == NULL)
			return false;
		session->groups[session->group_count++] = ush_strdup(group);
	}
	return true;
}

static bool from_json(struct ush_session *session, const json_t *object)
{
	json_int_t left_out = json_integer_value(json_object_get(object, "groups_left_out"));

	session->groups_left_out = left_out > 0 ? (size_t)left_out : 0;
	session->binding = ush_strdup(ush_json_string(object, "binding"));
	session->refresh = read_secret(object, "refresh");
	session->id_token = read_secret(object, "id_token");
	session->subject = ush_strdup(ush_json_string(object, "subject"));
	session->account = ush_strdup(ush_json_string(object, "account"));
	session->nonce = ush_strdup(ush_json_string(object, "nonce"));
	session->scope = ush_strdup(ush_json_string(object, "scope"));
	return session->binding != NULL && session->subject != NULL && read_number(object, "id_expires", &session->id_expires) &&
	       read_number(object, "signed_in", &session->signed_in) &&
	       read_number(object, "refresh_expires", &session->refresh_expires) && read_number(object, "skew", &session->skew) &&
	       read_groups(session, json_object_get(object, "groups"));
}

/* The JSON inside; NULL when it is none. The caller wipes and frees. */
static char *unwrap(const struct ush_secret *text)
{
	size_t encoded = ush_secret_length(text), size = 3 * encoded / 4 + 4;
	char *json;
	long n;

	if (encoded == 0 || encoded > MOST_TEXT)
		return NULL;
	json = ush_alloc(size);
	n = ush_base64url_decode(ush_secret_reveal(text), encoded, (unsigned char *)json);
	if (n > 0 && strlen(json) == (size_t)n)
		return json;
	ush_wipe_free(json, size);
	return NULL;
}

/* Is this, byte for byte, what seal and spell make of the object? */
static bool is_whole(const char *json, json_t *object)
{
	AUTO_TEXT again = NULL;

	json_object_del(object, "sum");
	again = seal(object) ? spell(object) : NULL;
	return again != NULL && strcmp(again, json) == 0;
}

struct ush_session *ush_session_read(const struct ush_secret *text, const char *binding, struct ush_error *err)
{
	USH_AUTO_SESSION session = ush_new(struct ush_session);
	USH_AUTO_JSON object = NULL;
	AUTO_TEXT json = unwrap(text);

	if (json != NULL)
		object = ush_json_parse(json, strlen(json), "session", USH_ERR_STORE, NULL);
	if (!json_is_object(object) || !is_whole(json, object)) {
		ush_fail(err, USH_ERR_STORE, "the kept session is torn");
		return NULL;
	}
	if (json_integer_value(json_object_get(object, "v")) != VERSION)
		ush_fail(err, USH_ERR_STORE, "the kept session is of another version of usher");
	else if (!from_json(session, object))
		ush_fail(err, USH_ERR_STORE, "the kept session is not whole");
	else if (strcmp(session->binding, binding) != 0)
		ush_fail(err, USH_ERR_STORE, "the kept session belongs to another profile");
	else
		return ush_steal(&session);
	return NULL;
}

void ush_session_free(struct ush_session *session)
{
	if (session == NULL)
		return;
	free(session->binding);
	ush_secret_free(session->refresh);
	ush_secret_free(session->id_token);
	free(session->subject);
	free(session->account);
	free(session->nonce);
	free(session->scope);
	for (size_t i = 0; i < session->group_count; i++)
		free(session->groups[i]);
	free(session->groups);
	free(session);
}
