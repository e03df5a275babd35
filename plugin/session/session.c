/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/session/session.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/oidc/jose.h"

#define VERSION     1
#define DIGEST_SIZE 32
#define MOST_TEXT   (256U << 10) /* of what is read back: far more than any store takes */

/* ---- writing ---- */

/* Absent members are left out. */
static void set_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		json_object_set_new(object, key, json_string(text));
}

static json_t *to_json(const struct ush_session *session, bool with_id_token)
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
	json_object_set_new(object, "id_expires", json_integer(session->id_expires));
	json_object_set_new(object, "signed_in", json_integer(session->signed_in));
	json_object_set_new(object, "refresh_expires", json_integer(session->refresh_expires));
	json_object_set_new(object, "skew", json_integer(session->skew));
	for (size_t i = 0; i < session->group_count; i++)
		json_array_append_new(groups, json_string(session->groups[i]));
	json_object_set_new(object, "groups", groups);
	return object;
}

static bool digest_of(const char *text, size_t length, unsigned char digest[DIGEST_SIZE])
{
	return EVP_Digest(text, length, digest, NULL, EVP_sha256(), NULL) == 1;
}

static struct ush_secret *encode(const struct ush_session *session, bool with_id_token)
{
	USH_AUTO_JSON object = to_json(session, with_id_token);
	char *json = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII), *line;
	size_t length = json != NULL ? strlen(json) : 0;
	unsigned char *raw = ush_alloc(DIGEST_SIZE + length);
	struct ush_secret *out = NULL;

	/* json_dumps gives NULL for text that is not UTF-8: such a claim or token did not come through our checks */
	if (json != NULL && digest_of(json, length, raw)) {
		memcpy(raw + DIGEST_SIZE, json, length);
		line = ush_base64url_encode(raw, DIGEST_SIZE + length);
		out = ush_secret_new(line, strlen(line));
		ush_wipe_free(line, strlen(line));
	}
	ush_wipe_free(raw, DIGEST_SIZE + length);
	ush_wipe_free(json, length);
	return out;
}

struct ush_secret *ush_session_write(const struct ush_session *session)
{
	struct ush_secret *whole = encode(session, true);

	if (ush_secret_length(whole) <= USH_SESSION_MAX || session->id_token == NULL)
		return whole;
	ush_secret_free(whole); /* the refresh token is the session; an ID token can be had again */
	return encode(session, false);
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
	session->binding = ush_strdup(ush_json_string(object, "binding"));
	session->refresh = read_secret(object, "refresh");
	session->id_token = read_secret(object, "id_token");
	session->subject = ush_strdup(ush_json_string(object, "subject"));
	session->account = ush_strdup(ush_json_string(object, "account"));
	session->nonce = ush_strdup(ush_json_string(object, "nonce"));
	return session->binding != NULL && session->subject != NULL && read_number(object, "id_expires", &session->id_expires) &&
	       read_number(object, "signed_in", &session->signed_in) &&
	       read_number(object, "refresh_expires", &session->refresh_expires) && read_number(object, "skew", &session->skew) &&
	       read_groups(session, json_object_get(object, "groups"));
}

/* The JSON inside, checked against the digest in front of it; NULL when it is torn. The caller wipes and frees. */
static char *unwrap(const struct ush_secret *text, size_t *length)
{
	size_t encoded = ush_secret_length(text), size = 3 * encoded / 4 + 4;
	unsigned char *raw, digest[DIGEST_SIZE];
	char *json = NULL;
	long n;

	if (encoded == 0 || encoded > MOST_TEXT)
		return NULL;
	raw = ush_alloc(size);
	n = ush_base64url_decode(ush_secret_reveal(text), encoded, raw);
	if (n > DIGEST_SIZE) {
		*length = (size_t)n - DIGEST_SIZE;
		if (digest_of((const char *)raw + DIGEST_SIZE, *length, digest) && memcmp(digest, raw, DIGEST_SIZE) == 0)
			json = ush_strndup((const char *)raw + DIGEST_SIZE, *length);
	}
	ush_wipe_free(raw, size);
	return json;
}

struct ush_session *ush_session_read(const struct ush_secret *text, const char *binding, struct ush_error *err)
{
	USH_AUTO_SESSION session = ush_new(struct ush_session);
	USH_AUTO_JSON object = NULL;
	size_t length = 0;
	char *json = unwrap(text, &length);

	if (json != NULL)
		object = ush_json_parse(json, length, "session", USH_ERR_STORE, err);
	ush_wipe_free(json, length);
	if (json == NULL)
		ush_fail(err, USH_ERR_STORE, "the kept session is torn");
	if (object == NULL)
		return NULL;
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
	for (size_t i = 0; i < session->group_count; i++)
		free(session->groups[i]);
	free(session->groups);
	free(session);
}
