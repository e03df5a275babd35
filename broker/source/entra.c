/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups from Microsoft Entra ID by Graph v1.0: /groups by @odata.nextLink as it stands, members flattened by Graph
 * (transitiveMembers), both held against @odata.count. The first reading comes from Graph's index, which counts; the
 * second, of ids alone, from the directory itself, so that what the index has not heard of yet shows. With deltaFile only
 * what changed is read (entra_delta.c). A token carries a group's id, so grants for Entra say `groupName: id`.
 */
#include "broker/source/entra.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

#define GRAPH "https://graph.microsoft.com"
#define WIDTH 20

static char *where(const struct ush_policy_source *source)
{
	return ush_printf("entra %s", ush_source_text(source, "tenant"));
}

/* ---- what Graph's answers look like ---- */

int ush_entra_next(const json_t *page, const char *what, char **next, struct ush_error *err)
{
	const char *link;
	int result = ush_api_next_text(page, "@odata.nextLink", what, &link, err);

	*next = result == 0 ? ush_strdup(link) : NULL;
	return result;
}

char *ush_entra_list(const struct ush_api *api, const char *what, const char *options)
{
	const char *filter = ush_source_text(api->source, "filter");
	USH_AUTO_BUF target = {0};

	ush_buf_printf(&target, "/v1.0/%s?%s", what, options);
	if (filter != NULL) {
		ush_buf_puts(&target, "&$filter=");
		ush_url_encode(&target, filter);
	}
	return ush_buf_take(&target);
}

const char *ush_entra_name(const struct ush_api *api, const json_t *user)
{
	const char *key = ush_source_text(api->source, "peopleName");

	return ush_json_string(user, key != NULL ? key : "userPrincipalName");
}

enum ush_person ush_entra_state(const json_t *user)
{
	const json_t *enabled = json_object_get(user, "accountEnabled");

	/* without the right to read users Graph gives their ids and null for all the rest */
	return json_is_true(enabled) ? USH_PERSON_MAY : json_is_false(enabled) ? USH_PERSON_DISABLED : USH_PERSON_UNKNOWN;
}

static json_t *values(const json_t *page, struct ush_error *err)
{
	json_t *list = ush_json_array(page, "value");

	if (list == NULL)
		ush_fail(err, USH_ERR_INCOMPLETE, "Graph's answer holds no list");
	return list;
}

static int64_t count_of(const json_t *page, int64_t fallback)
{
	const json_t *count = json_object_get(page, "@odata.count");

	return json_is_integer(count) && json_integer_value(count) >= 0 ? json_integer_value(count) : fallback;
}

/* ---- groups ---- */

struct listing {
	struct ush_entra *entra;
	int64_t counted; /* stands on the first page alone */
};

static void note_hidden(struct ush_entra *entra, const json_t *group)
{
	const char *visibility = ush_json_string(group, "visibility");

	if (visibility != NULL && strcmp(visibility, "HiddenMembership") == 0)
		ush_seen_add(&entra->hidden, ush_json_string(group, "id"));
}

static int take_groups(void *context, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct listing *listing = context;
	const json_t *list = values(answer->body, err);
	json_t *group;
	size_t i;

	if (list == NULL)
		return -1;
	listing->counted = count_of(answer->body, listing->counted);
	json_array_foreach(list, i, group) {
		if (ush_reading_group(&listing->entra->r, ush_json_string(group, "id"), ush_json_string(group, "displayName"), -1, err) != 0)
			return -1;
		note_hidden(listing->entra, group);
	}
	ush_entra_pace(&listing->entra->r.api, &answer->response);
	return ush_entra_next(answer->body, "groups", next, err);
}

static int read_groups(struct ush_entra *entra, bool *counted, struct ush_error *err)
{
	struct ush_reading *r = &entra->r;
	USH_AUTO_FREE char *target = ush_entra_list(&r->api, "groups", "$select=id,displayName,visibility&$top=999&$count=true");
	struct listing listing = {.entra = entra, .counted = -1};
	const struct ush_api_chain chain = {.target = target, .what = "groups", .page = take_groups, .context = &listing};
	char listed[32], said[32];

	if (ush_api_chain(&r->api, &chain, err) != 0)
		return -1;
	*counted = listing.counted >= 0;
	if (*counted && (uint64_t)listing.counted != r->groups->count) {
		ush_fail(err, USH_ERR_INCOMPLETE, "it lists %s groups and counts %s", ush_thousands(r->groups->count, listed, sizeof listed),
			 ush_thousands((size_t)listing.counted, said, sizeof said));
		return ush_hint(err, "If groups changed just now, the next run will do");
	}
	if (r->groups->count == 0 && !ush_source_has(r->api.source, "filter")) {
		ush_fail(err, USH_ERR_INCOMPLETE, "Graph shows no group at all");
		return ush_hint(err, "%s", r->api.kind->advice(&r->api, 403));
	}
	return 0;
}

static int take_again(void *context, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	const json_t *list = values(answer->body, err);
	json_t *group;
	size_t i;

	if (list == NULL)
		return -1;
	json_array_foreach(list, i, group)
		if (ush_reading_again(context, ush_json_string(group, "id"), err) != 0)
			return -1;
	return ush_entra_next(answer->body, "groups", next, err);
}

static int read_again(struct ush_reading *r, struct ush_error *err)
{
	bool filtered = ush_source_has(r->api.source, "filter");
	USH_AUTO_FREE char *target = ush_entra_list(&r->api, "groups", filtered ? "$select=id&$top=999&$count=true" : "$select=id&$top=999");
	const struct ush_api_chain chain = {.target = target, .what = "groups, read again", .page = take_again, .context = r};

	ush_reading_begin_again(r);
	r->api.kind = filtered ? &ush_entra_index : &ush_entra_directory; /* only the index takes every filter */
	return ush_api_chain(&r->api, &chain, err);
}

/* ---- members ---- */

int ush_entra_hidden(const char *path, struct ush_error *err)
{
	ush_fail(err, USH_ERR_INCOMPLETE, "%s hides its members and shows none", path);
	return ush_hint(err, "Give the application the permission Member.Read.Hidden, or leave the group out");
}

static int take_people(struct ush_people *people, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct ush_entra *entra = (struct ush_entra *)people->r;
	const json_t *list = values(answer->body, err);
	json_t *user;
	size_t i;

	if (list == NULL)
		return -1;
	people->counted = count_of(answer->body, people->counted);
	json_array_foreach(list, i, user)
		if (ush_people_add(people, ush_json_string(user, "id"), ush_entra_name(&entra->r.api, user), ush_entra_state(user), err) != 0)
			return -1;
	ush_entra_pace(&entra->r.api, &answer->response);
	if (ush_entra_next(answer->body, "members", next, err) != 0)
		return -1;
	if (*next == NULL && people->listed == 0 && ush_seen_has(&entra->hidden, people->group->id))
		return ush_entra_hidden(people->group->path, err);
	return 0;
}

static char *people_target(const struct ush_reading *r, const struct ush_group *group)
{
	USH_AUTO_BUF target = {0};

	(void)r;
	ush_buf_puts(&target, "/v1.0/groups/");
	ush_url_encode(&target, group->id);
	ush_buf_puts(&target, "/transitiveMembers/microsoft.graph.user?$select=id,userPrincipalName,mail,accountEnabled&$top=999&$count=true");
	return ush_buf_take(&target);
}

/* ---- all of it ---- */

static int read_lists(struct ush_entra *entra, struct ush_error *err)
{
	static const struct ush_people_ops people = {.width = WIDTH, .target = people_target, .page = take_people};
	struct ush_reading *r = &entra->r;
	bool counted;

	if (read_groups(entra, &counted, err) != 0 || ush_reading_people(r, &people, err) != 0 || read_again(r, err) != 0)
		return -1;
	if (!ush_reading_agree(r))
		return 0;
	r->groups->proof = ush_printf("every page read%s; the list of groups read twice, the second time %s%s", counted ? "; as many groups as Graph counts" : "",
				      r->api.kind == &ush_entra_directory ? "from the directory itself" : "from the same index",
				      r->question->no_members || r->uncounted > 0 ? "" : "; as many members as Graph counts");
	return 0;
}

static int check_settings(const struct ush_policy_source *source, const struct ush_secret *credential, struct ush_error *err)
{
	bool federated = ush_source_has(source, "federatedTokenFile");

	if (federated && credential != NULL)
		return ush_fail(err, USH_ERR_CONFIG, "names both a secret and federatedTokenFile: one of them signs in");
	if (federated || credential != NULL)
		return 0;
	ush_fail(err, USH_ERR_CONFIG, "names neither a secret nor federatedTokenFile");
	return ush_hint(err, "Say secretFile, secretCommand, secretEnv, secretKeyring or federatedTokenFile under sources.%s.entra", source->name);
}

int ush_entra_open(struct ush_api *api, const struct ush_world *world, const struct ush_policy_source *source, const struct ush_api_kind *how,
		   struct ush_error *err)
{
	const char *url = ush_source_text(source, "url");

	return ush_api_open(api, world, source, how, url != NULL ? url : GRAPH, err) == 0 ? check_settings(source, api->credential, err) : -1;
}

static int read_entra(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups, struct ush_error *err)
{
	struct ush_entra entra = {.r = {.question = question, .groups = groups}};
	struct ush_api *api = &entra.r.api;
	struct ush_error why = {0};
	int result = ush_entra_open(api, world, question->source, &ush_entra_index, err);

	if (result == 0)
		result = ush_api_settle(api, (ush_source_has(question->source, "deltaFile") ? ush_entra_changes : read_lists)(&entra, &why), &why, groups, err);
	ush_seen_free(&entra.hidden);
	ush_reading_free(&entra.r);
	return result;
}

const struct ush_source_ops ush_source_entra = {"entra", where, read_entra, ush_entra_revoke};
