/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups from Okta's management API: /api/v1/groups, or those that an application is assigned, by the Link of each page;
 * members by /api/v1/groups/ID/users, held against the count that expand=stats gives. Okta has no groups in groups.
 * The answer to `search` comes from an index that follows the directory a little later, so the proof says so.
 */
#include <string.h>

#include "broker/source/api.h"
#include "broker/source/assertion.h"
#include "broker/source/credential.h"
#include "broker/source/okta.h"
#include "broker/source/reading.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

#define PAGE	     200 /* more costs accuracy, says Okta */
#define PAGE_AGAIN   199 /* of the second reading: a list cut because its Link headers were lost ends elsewhere then */
#define WIDTH	     10	   /* of 75 requests that Okta takes from an organisation at once */
#define ASSERTION_S  300

struct okta {
	struct ush_reading r; /* first: what is handed a reading finds the rest behind it */
	bool built_in;	      /* a group of Okta's own is among those listed */
};

struct unnamed { /* groups of an application whose names were not in the list */
	struct ush_reading *r;
	struct ush_list ids, targets, whats;
};

static char *where(const struct ush_policy_source *source)
{
	return ush_printf("okta %s", ush_source_place(ush_source_text(source, "url")));
}

/* ---- signing in: an OAuth service client with private_key_jwt ---- */

static int refused(const struct ush_api *api, const struct ush_api_answer *answer, const char *scope, struct ush_error *err)
{
	const char *error = ush_json_string(answer->body, "error"), *client = ush_source_text(api->source, "client");
	static const struct {
		const char *error, *hint;
	} hints[] = {
		{"invalid_client", "Look at the client in Okta: is this key's public half there, is keyId its id, is the client active?"},
		{"invalid_dpop_proof", "Turn off \"Require DPoP\" for the client in Okta"},
	};

	ush_fail(err, USH_ERR_INCOMPLETE, "Okta gives client %s no token: %d %.64s", client, answer->status, error != NULL ? error : "");
	for (size_t i = 0; i < USH_COUNT(hints) && error != NULL; i++)
		if (strcmp(error, hints[i].error) == 0)
			ush_hint(err, "%s", hints[i].hint);
	return error != NULL && strcmp(error, "invalid_scope") == 0 ? ush_hint(err, "Grant the client in Okta: %s", scope) : -1;
}

static int sign(struct ush_api *api, const char *url, struct ush_secret **out, struct ush_error *err)
{
	const char *client = ush_source_text(api->source, "client");
	USH_AUTO_FREE char *key = ush_credential_where(api->source);
	const struct ush_assertion assertion = {.issuer = client, .subject = client, .audience = url,
						.key_id = ush_source_text(api->source, "keyId"), .life = ASSERTION_S};

	return ush_assertion_sign(api->world, &assertion, api->credential, key, out, err);
}

int ush_okta_sign_in(struct ush_api *api, const char *scope, struct ush_error *err)
{
	USH_AUTO_FREE char *url = ush_printf("%s/oauth2/v1/token", api->base);
	USH_AUTO_SECRET assertion = NULL;
	USH_AUTO_BUF form = {0};
	USH_AUTO_API_ANSWER answer = {0};
	const char *token;

	if (sign(api, url, &assertion, err) != 0)
		return -1;
	ush_form_add(&form, "grant_type", "client_credentials");
	ush_form_add(&form, "scope", scope);
	ush_form_add(&form, "client_assertion_type", USH_ASSERTION_CLIENT);
	ush_form_add(&form, "client_assertion", ush_secret_reveal(assertion));
	if (ush_api_post_form(api, url, NULL, &form, "the token endpoint", &answer, err) != 0)
		return -1;
	if (answer.status != 200)
		return refused(api, &answer, scope, err);
	token = ush_json_string(answer.body, "access_token");
	if (token == NULL || *token == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "the token endpoint's answer holds no access_token");
	ush_api_token(api, token, strlen(token), json_integer_value(json_object_get(answer.body, "expires_in")));
	return 0;
}

static int sign_in(struct ush_api *api, struct ush_error *err)
{
	return ush_okta_sign_in(api, ush_source_has(api->source, "app") ? "okta.groups.read okta.apps.read" : "okta.groups.read", err);
}

/* ---- the API's ways ---- */

int64_t ush_okta_wait(const struct ush_api *api, const struct ush_http_response *response, bool *again)
{
	(void)again;
	return response->status == 429 ? ush_api_until(api, response, "X-Rate-Limit-Reset") : -1;
}

static const char *advice(const struct ush_api *api, int status)
{
	bool client = ush_source_has(api->source, "client");

	if (status == 401)
		return client ? NULL : "Okta ends an API token that nobody used for 30 days: make a new one";
	return client ? "Grant the client okta.groups.read in Okta and the role Read-only Administrator"
		      : "The token can what its owner can: give him the role Read-only Administrator";
}

static const struct ush_api_kind by_token = {.authorization = "SSWS", .wait = ush_okta_wait, .advice = advice};
static const struct ush_api_kind by_client = {.sign_in = sign_in, .wait = ush_okta_wait, .advice = advice};

/* ---- groups ---- */

static int not_a_list(struct ush_error *err)
{
	return ush_fail(err, USH_ERR_INCOMPLETE, "Okta's answer is no list");
}

static const char *name_of(const json_t *group)
{
	return ush_json_string(ush_json_object(group, "profile"), "name");
}

static int64_t people_of(const json_t *group)
{
	const json_t *count = json_object_get(ush_json_object(ush_json_object(group, "_embedded"), "stats"), "usersCount");

	return json_is_integer(count) && json_integer_value(count) >= 0 ? json_integer_value(count) : -1;
}

static int take_groups(void *context, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct okta *okta = context;
	const char *type;
	json_t *group;
	size_t i;

	if (!json_is_array(answer->body))
		return not_a_list(err);
	json_array_foreach(answer->body, i, group) {
		if (ush_reading_group(&okta->r, ush_json_string(group, "id"), name_of(group), people_of(group), err) != 0)
			return -1;
		type = ush_json_string(group, "type");
		okta->built_in |= type != NULL && strcmp(type, "BUILT_IN") == 0;
	}
	*next = ush_api_link_next(&answer->response);
	return 0;
}

/* A group that an application is assigned: the item is the assignment, its profile the application's; the group itself
 * is embedded where expand=group was heard. */
static int take_assigned(void *context, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct unnamed *unnamed = context;
	json_t *item;
	size_t i;

	if (!json_is_array(answer->body))
		return not_a_list(err);
	json_array_foreach(answer->body, i, item) {
		const char *id = ush_json_string(item, "id"), *name = name_of(ush_json_object(ush_json_object(item, "_embedded"), "group"));

		if (id != NULL && *id != '\0' && name == NULL)
			ush_list_add(&unnamed->ids, id);
		else if (ush_reading_group(unnamed->r, id, name, -1, err) != 0)
			return -1;
	}
	*next = ush_api_link_next(&answer->response);
	return 0;
}

static int ask_name(void *context, size_t index, struct ush_api_get *get, struct ush_error *err)
{
	struct unnamed *unnamed = context;

	(void)err;
	*get = (struct ush_api_get){.target = unnamed->targets.items[index], .what = unnamed->whats.items[index]};
	return 0;
}

static int take_name(void *context, size_t index, struct ush_api_answer *answer, struct ush_error *err)
{
	struct unnamed *unnamed = context;

	return ush_reading_group(unnamed->r, unnamed->ids.items[index], name_of(answer->body), people_of(answer->body), err);
}

static char *group_target(const char *id, const char *rest)
{
	USH_AUTO_BUF target = {0};

	ush_buf_puts(&target, "/api/v1/groups/");
	ush_url_encode(&target, id);
	ush_buf_puts(&target, rest);
	return ush_buf_take(&target);
}

static int read_names(struct unnamed *unnamed, struct ush_error *err)
{
	const struct ush_api_many many = {.count = unnamed->ids.count, .width = WIDTH, .get = ask_name, .answer = take_name, .context = unnamed};

	for (size_t i = 0; i < unnamed->ids.count; i++) {
		USH_AUTO_FREE char *target = group_target(unnamed->ids.items[i], ""), *what = ush_printf("group %s", unnamed->ids.items[i]);

		ush_list_add(&unnamed->targets, target);
		ush_list_add(&unnamed->whats, what);
	}
	return ush_api_get_many(&unnamed->r->api, &many, err);
}

/* The list, as the policy wants it; expand: what each item should carry, or NULL. */
static char *list_target(const struct ush_reading *r, int page, const char *expand)
{
	const char *app = ush_source_text(r->api.source, "app"), *search = ush_source_text(r->api.source, "search");
	USH_AUTO_BUF target = {0};

	ush_buf_puts(&target, app != NULL ? "/api/v1/apps/" : "/api/v1/groups");
	if (app != NULL) {
		ush_url_encode(&target, app);
		ush_buf_puts(&target, "/groups");
	}
	ush_buf_printf(&target, "?limit=%d", page);
	if (search != NULL) {
		ush_buf_puts(&target, "&search=");
		ush_url_encode(&target, search);
	}
	if (expand != NULL)
		ush_buf_printf(&target, "&expand=%s", expand);
	return ush_buf_take(&target);
}

static int read_groups(struct ush_reading *r, struct ush_error *err)
{
	bool assigned = ush_source_has(r->api.source, "app");
	USH_AUTO_FREE char *target = list_target(r, PAGE, assigned ? "group" : r->question->no_members ? NULL : "stats");
	struct unnamed unnamed = {.r = r};
	struct ush_api_chain chain = {.target = target, .what = "groups", .page = assigned ? take_assigned : take_groups};
	int result;

	chain.context = assigned ? (void *)&unnamed : (void *)r;
	result = ush_api_chain(&r->api, &chain, err);
	if (result == 0)
		result = read_names(&unnamed, err);
	ush_list_free(&unnamed.ids);
	ush_list_free(&unnamed.targets);
	ush_list_free(&unnamed.whats);
	return result;
}

static int take_again(void *context, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	json_t *item;
	size_t i;

	if (!json_is_array(answer->body))
		return not_a_list(err);
	json_array_foreach(answer->body, i, item)
		if (ush_reading_again(context, ush_json_string(item, "id"), err) != 0)
			return -1;
	*next = ush_api_link_next(&answer->response);
	return 0;
}

static int read_again(struct ush_reading *r, struct ush_error *err)
{
	USH_AUTO_FREE char *target = list_target(r, PAGE_AGAIN, NULL);
	const struct ush_api_chain chain = {.target = target, .what = "groups, read again", .page = take_again, .context = r};

	ush_reading_begin_again(r);
	return ush_api_chain(&r->api, &chain, err);
}

/* ---- members ---- */

static enum ush_person person(const json_t *user)
{
	static const char *const out[] = {"DEPROVISIONED", "SUSPENDED", "STAGED"}; /* may not sign in; the others may, or once more after a reset */
	const char *status = ush_json_string(user, "status");

	for (size_t i = 0; i < USH_COUNT(out) && status != NULL; i++)
		if (strcmp(status, out[i]) == 0)
			return USH_PERSON_DISABLED;
	return status != NULL ? USH_PERSON_MAY : USH_PERSON_UNKNOWN;
}

static int take_people(struct ush_people *people, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	const char *key = ush_source_text(people->r->api.source, "peopleName");
	json_t *user;
	size_t i;

	if (!json_is_array(answer->body))
		return not_a_list(err);
	json_array_foreach(answer->body, i, user) {
		const char *id = ush_json_string(user, "id");
		const char *name = key != NULL && strcmp(key, "id") == 0 ? id : ush_json_string(ush_json_object(user, "profile"), key != NULL ? key : "login");

		if (ush_people_add(people, id, name, person(user), err) != 0)
			return -1;
	}
	*next = ush_api_link_next(&answer->response);
	if (*next == NULL && people->counted < 0 && json_array_size(answer->body) >= PAGE && ush_http_header(&answer->response, "Link") == NULL)
		return ush_fail(err, USH_ERR_INCOMPLETE, "a full page of the members of %s has no Link header, which would tell whether more come", people->group->path);
	return 0;
}

static char *people_target(const struct ush_reading *r, const struct ush_group *group)
{
	USH_AUTO_FREE char *rest = ush_printf("/users?limit=%d", PAGE);

	(void)r;
	return group_target(group->id, rest);
}

/* ---- all of it ---- */

/* Everyone is in every organisation, and is not shown to an administrator of groups: a whole list without it is the list
 * of somebody who may see some groups, and of the others nothing says that they are there. */
static int check_rights(const struct okta *okta, struct ush_error *err)
{
	const struct ush_reading *r = &okta->r;

	if (okta->built_in || ush_source_has(r->api.source, "search") || ush_source_has(r->api.source, "app"))
		return 0;
	if (r->groups->count == 0)
		ush_fail(err, USH_ERR_INCOMPLETE, "Okta shows no group at all, not even Everyone");
	else
		ush_fail(err, USH_ERR_INCOMPLETE, "Okta does not show the group Everyone: the role sees some groups, and nobody knows which are missing");
	return ush_hint(err, "%s; if some groups are what is wanted, say which by search", advice(&r->api, 403));
}

static int read_all(struct ush_reading *r, struct ush_error *err)
{
	static const struct ush_people_ops people = {.width = WIDTH, .more = true, .target = people_target, .page = take_people};
	bool searched = ush_source_has(r->api.source, "search");

	if (read_groups(r, err) != 0 || check_rights((struct okta *)r, err) != 0)
		return -1;
	if (ush_reading_people(r, &people, err) != 0 || read_again(r, err) != 0 || !ush_reading_agree(r))
		return r->groups->why != NULL ? 0 : -1;
	r->groups->proof = ush_printf("every page read; the list of groups read twice%s%s",
				      r->question->no_members || r->uncounted > 0 ? "" : "; no fewer members than Okta counts",
				      searched ? "; what changed in the last seconds may not be in it, for search is eventually consistent" : "");
	return 0;
}

int ush_okta_open(struct ush_api *api, const struct ush_world *world, const struct ush_policy_source *source, const struct ush_api_kind *how,
		  struct ush_error *err)
{
	if (ush_api_open(api, world, source, how, NULL, err) != 0)
		return -1;
	if (api->credential != NULL)
		return 0;
	return ush_fail(err, USH_ERR_CONFIG, "the private key of client %s is not named: secretFile, secretCommand, secretEnv or secretKeyring",
			ush_source_text(source, "client"));
}

static int check_settings(const struct ush_policy_source *source, struct ush_error *err)
{
	if (ush_source_has(source, "app") && ush_source_has(source, "search"))
		return ush_fail(err, USH_ERR_CONFIG, "app and search cannot be asked together: Okta searches no assigned groups");
	if (ush_source_has(source, "keyId") && !ush_source_has(source, "client"))
		return ush_fail(err, USH_ERR_CONFIG, "keyId is of an OAuth client, and no client is named");
	return 0;
}

static int read_okta(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups, struct ush_error *err)
{
	struct okta okta = {.r = {.question = question, .groups = groups}};
	struct ush_reading *r = &okta.r;
	const struct ush_api_kind *kind = ush_source_has(question->source, "client") ? &by_client : &by_token;
	struct ush_error why = {0};
	int result = check_settings(question->source, err);

	if (result == 0)
		result = ush_okta_open(&r->api, world, question->source, kind, err);
	if (result == 0)
		result = ush_api_settle(&r->api, read_all(r, &why), &why, groups, err);
	ush_reading_free(r);
	return result;
}

const struct ush_source_ops ush_source_okta = {"okta", where, read_okta, ush_okta_revoke};
