/* SPDX-License-Identifier: Apache-2.0
 *
 * Searches that are kept in a recording, and told again from one.
 */
#include <string.h>

#include "broker/source/ldap.h"
#include "broker/source/record.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

static char *request_of(const struct ush_ldap_search *search)
{
	json_t *attributes = json_array(), *request;
	char *line;

	for (size_t i = 0; search->attributes[i] != NULL; i++)
		json_array_append_new(attributes, json_string(search->attributes[i]));
	request = json_pack("[s, i, s, s, o]", "ldap search", search->scope, search->base, search->filter, attributes);
	line = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	return line != NULL ? line : ush_strdup("ldap search");
}

void ush_ldap_tape_put(const struct ush_ldap *l, const struct ush_ldap_search *search, json_t *entries, const struct ush_error *failed)
{
	USH_AUTO_JSON answer = json_pack("{s:O}", "entries", entries);
	USH_AUTO_FREE char *request = request_of(search), *text = NULL;

	if (failed != NULL) {
		char what[sizeof failed->what]; /* what a server says may be no UTF-8 */

		json_object_set_new(answer, "error",
				    json_pack("{s:s, s:s, s:b, s:b}", "what", ush_text_line(what, sizeof what, failed->what), "hint", failed->hint, "retry", l->retry, "config",
					      failed->code == USH_ERR_CONFIG));
	}
	text = json_dumps(answer, JSON_COMPACT);
	if (text != NULL)
		ush_record_put(l->world, request, text, strlen(text));
}

static int tell_error(struct ush_ldap *l, const json_t *error, struct ush_error *err)
{
	const char *what = ush_json_string(error, "what"), *hint = ush_json_string(error, "hint");
	enum ush_code code = json_is_true(json_object_get(error, "config")) ? USH_ERR_CONFIG : USH_ERR_INCOMPLETE;

	l->retry = l->retry || json_is_true(json_object_get(error, "retry"));
	ush_fail(err, code, "%s", what != NULL ? what : "a search failed");
	return hint != NULL ? ush_hint(err, "%s", hint) : -1;
}

int ush_ldap_tape_tell(struct ush_ldap *l, const struct ush_ldap_search *search, struct ush_error *err)
{
	USH_AUTO_FREE char *request = request_of(search);
	USH_AUTO_BUF text = {0};
	USH_AUTO_JSON answer = NULL;
	const json_t *error;
	json_t *item;
	size_t i;

	if (ush_record_get(l->world, request, &text, err) != 0)
		return -1;
	answer = json_loadb(text.data != NULL ? text.data : "", text.length, JSON_REJECT_DUPLICATES, NULL);
	json_array_foreach(json_object_get(answer, "entries"), i, item) {
		USH_AUTO_LDAP_ENTRY entry = {0};

		if (ush_ldap_entry_from_json(&entry, item) != 0)
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s: an entry of the recording is none", search->what);
		if (search->entry(search->context, &entry, err) != 0)
			return -1;
	}
	error = json_object_get(answer, "error");
	if (answer == NULL || error != NULL)
		return tell_error(l, error, err);
	return 0;
}
