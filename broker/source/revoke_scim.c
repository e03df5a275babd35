/* SPDX-License-Identifier: Apache-2.0
 *
 * A SCIM server has people and groups and no sessions (RFC 7643): it tells who somebody is and whether he is active, and ends
 * nothing.
 */
#include <string.h>
#include <strings.h>

#include "broker/source/revoke_ask.h"
#include "broker/source/scim_list.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static const struct ush_api_kind kind = {.accept = "application/scim+json, application/json"};

static bool is(const struct ush_revoke *r, const json_t *user, const char *key)
{
	USH_AUTO_FREE char *text = ush_scim_text(user, key);

	return text != NULL && strcasecmp(text, r->person) == 0;
}

/* In a filter's string " and \ stand behind a \ (RFC 7644 section 3.4.2.2: as in JSON). */
static char *filter_target(const char *person)
{
	USH_AUTO_BUF text = {0};
	USH_AUTO_BUF target = {0};

	for (const char *c = person; *c != '\0'; c++)
		ush_buf_printf(&text, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
	ush_buf_puts(&target, "/Users?attributes=userName,active,emails,externalId&filter=");
	ush_url_encode(&target, "userName eq \"");
	ush_url_encode(&target, text.data);
	ush_url_encode(&target, "\"");
	return ush_buf_take(&target);
}

static int find_by_name(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	USH_AUTO_FREE char *target = filter_target(r->person);
	USH_AUTO_API_ANSWER answer = {0};
	const json_t *row;
	size_t i;

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	json_array_foreach(ush_scim_attr(answer.body, "Resources"), i, row)
		if (is(r, row, "userName") && ush_revoke_found(r, row, "id", user, err) != 0)
			return -1;
	return 0;
}

static int find_by_id(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_revoke_target(err, "/Users/{}?attributes=userName,active,emails,externalId", r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return answer.status == 404 || !is(r, answer.body, "id") ? 0 : ush_revoke_found(r, answer.body, "id", user, err);
}

static void tell(struct ush_revoke *r, const json_t *user)
{
	static const char *const keys[] = {"userName", "externalId", "id"};
	const json_t *active = ush_scim_attr(user, "active"), *mail;
	const char *text = json_string_value(active), *called = ush_revoke_called(r->source);
	size_t j;

	r->out->enabled = !json_is_false(active) && (text == NULL || strcasecmp(text, "false") != 0);
	for (size_t i = 0; i < USH_COUNT(keys); i++) {
		USH_AUTO_FREE char *name = ush_scim_text(user, keys[i]);

		ush_revoke_name(r, name);
		if (called != NULL && strcmp(called, keys[i]) == 0)
			r->out->called = ush_strdup(name);
		if (r->out->name == NULL)
			r->out->name = ush_steal(&name);
	}
	json_array_foreach(ush_scim_attr(user, "emails"), j, mail)
		ush_revoke_name(r, json_string_value(ush_scim_attr(mail, "value")));
}

int ush_scim_revoke(struct ush_revoke *r, struct ush_error *err)
{
	USH_AUTO_JSON user = NULL;

	r->out->supported = false;
	if (ush_api_open(&r->api, r->world, r->source, &kind, NULL, err) != 0 || find_by_name(r, &user, err) != 0)
		return -1;
	if (user == NULL && find_by_id(r, &user, err) != 0)
		return -1;
	if (user != NULL)
		tell(r, user);
	return 0;
}
