/* SPDX-License-Identifier: Apache-2.0 */
#include <libsecret/secret.h>
#include <string.h>

#include "common/base/memory.h"
#include "plugin/store/keyring.h"

static const SecretSchema schema = {
	"dev.usher.Session", SECRET_SCHEMA_NONE, {{"binding", SECRET_SCHEMA_ATTRIBUTE_STRING}, {NULL, SECRET_SCHEMA_ATTRIBUTE_STRING}},
	0, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
};

/* Everything here lives in a child that ends at once, so what GLib hands out is not given back. */
struct talk {
	SecretService *service;
	GHashTable *attributes;
	struct ush_error *err;
};

static enum ush_store_result broken(struct talk *talk, const char *doing, const GError *why)
{
	if (g_error_matches(why, SECRET_ERROR, SECRET_ERROR_IS_LOCKED)) {
		ush_fail(talk->err, USH_ERR_STORE, "the keyring is locked");
		return USH_STORE_LOCKED;
	}
	if (g_error_matches(why, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN))
		ush_fail(talk->err, USH_ERR_STORE, "no keyring service runs on the session bus");
	else
		ush_fail(talk->err, USH_ERR_STORE, "%s: %.300s", doing, why != NULL ? why->message : "no reason was given");
	return USH_STORE_BROKEN;
}

/* All items of the key, without unlocking: so locked is told from absent, and nobody is asked for a password. */
static enum ush_store_result search(struct talk *talk, GList **items)
{
	GError *why = NULL;
	bool locked = false;

	*items = secret_service_search_sync(talk->service, &schema, talk->attributes, SECRET_SEARCH_ALL, NULL, &why);
	if (why != NULL)
		return broken(talk, "looking in the keyring", why);
	for (GList *at = *items; at != NULL; at = at->next)
		locked = locked || secret_item_get_locked(at->data);
	if (locked)
		ush_fail(talk->err, USH_ERR_STORE, "the keyring is locked");
	return *items == NULL ? USH_STORE_ABSENT : locked ? USH_STORE_LOCKED : USH_STORE_OK;
}

static enum ush_store_result load(struct talk *talk, struct ush_secret **found)
{
	GList *items = NULL;
	GError *why = NULL;
	enum ush_store_result result = search(talk, &items);
	SecretValue *value;
	const char *text;
	gsize length = 0;

	if (result != USH_STORE_OK)
		return result;
	if (!secret_item_load_secret_sync(items->data, NULL, &why))
		return broken(talk, "reading from the keyring", why);
	value = secret_item_get_secret(items->data);
	text = value != NULL ? secret_value_get(value, &length) : NULL;
	if (text == NULL || !ush_keyring_value_ok(text, length)) {
		ush_fail(talk->err, USH_ERR_STORE, "the keyring's entry is not a session");
		return USH_STORE_BROKEN;
	}
	*found = ush_secret_new(text, length);
	return USH_STORE_OK;
}

/* Storing into a locked keyring, or one that has yet to be made, would open a window. */
static enum ush_store_result ready(struct talk *talk)
{
	GError *why = NULL;
	SecretCollection *collection = secret_collection_for_alias_sync(talk->service, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE,
									NULL, &why);

	if (why != NULL)
		return broken(talk, "opening the keyring", why);
	if (collection == NULL) {
		ush_fail(talk->err, USH_ERR_STORE, "the keyring has not been set up: it has no default collection");
		return USH_STORE_BROKEN;
	}
	if (!secret_collection_get_locked(collection))
		return USH_STORE_OK;
	ush_fail(talk->err, USH_ERR_STORE, "the keyring is locked");
	return USH_STORE_LOCKED;
}

static enum ush_store_result save(struct talk *talk, const struct ush_keyring_request *request)
{
	enum ush_store_result result = ready(talk);
	GError *why = NULL;
	SecretValue *value;

	if (result != USH_STORE_OK)
		return result;
	value = secret_value_new(ush_secret_reveal(request->value), (gssize)ush_secret_length(request->value), "text/plain");
	if (!secret_service_store_sync(talk->service, &schema, talk->attributes, SECRET_COLLECTION_DEFAULT, request->label, value, NULL, &why))
		return broken(talk, "writing to the keyring", why);
	return USH_STORE_OK;
}

static enum ush_store_result erase(struct talk *talk)
{
	GList *items = NULL;
	GError *why = NULL;
	enum ush_store_result result = search(talk, &items);

	if (result != USH_STORE_OK)
		return result == USH_STORE_ABSENT ? USH_STORE_OK : result;
	for (GList *at = items; at != NULL; at = at->next)
		if (!secret_item_delete_sync(at->data, NULL, &why))
			return broken(talk, "deleting from the keyring", why);
	return USH_STORE_OK;
}

enum ush_store_result ush_keyring_talk(const struct ush_keyring_request *request, struct ush_secret **found, struct ush_error *err)
{
	struct talk talk = {.err = err};
	GError *why = NULL;

	talk.service = secret_service_get_sync(SECRET_SERVICE_NONE, NULL, &why);
	if (talk.service == NULL)
		return broken(&talk, "reaching the keyring", why);
	talk.attributes = secret_attributes_build(&schema, "binding", request->key, NULL);
	switch (request->act) {
	case USH_KEYRING_LOAD:
		return load(&talk, found);
	case USH_KEYRING_SAVE:
		return save(&talk, request);
	case USH_KEYRING_ERASE:
		break;
	}
	return erase(&talk);
}
