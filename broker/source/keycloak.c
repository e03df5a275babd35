/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups from Keycloak's admin REST. What makes a listing complete: every level was read to its last page, no group came
 * twice (pages are by offset and shift when somebody adds or removes a group), each group has as many groups under it
 * as it says, /groups/count gives just that number before and after, and a second reading of the list agrees with the
 * first. The count matters most where the answer is politest: without the role view-users the list is 200 and empty
 * while the count tells the truth.
 */
#include <string.h>

#include "broker/source/credential.h"
#include "broker/source/keycloak.h"
#include "broker/source/source.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"
#include "common/net/http.h"

#define DEPTH_MAX 32
#define PAGE	  500
#define AT_ONCE	  16

struct node { /* a group while it is read; beside items[i] of the list */
	size_t parent; /* index, or TOP */
	size_t below, found; /* groups under it: as it says, and as came */
	unsigned int depth;
};
#define TOP ((size_t)-1)

struct listing { /* one reading of all levels */
	struct ush_groups *groups;
	struct node *nodes;
	size_t node_count;
	void *seen; /* ids */
};

struct walk {
	struct ush_api api;
	const struct ush_source_question *question;
	struct ush_groups *groups;
	char *advice;
	struct listing *listing; /* that is being made */
	size_t *work;            /* groups whose children, or members, are being read */
	size_t work_count;
	struct ask { /* of each of them, while it is asked */
		char *path, *what, *target;
		size_t first; /* of the page under way */
		void *seen;   /* people */
	} *asks;
};

static char *where(const struct ush_policy_source *source)
{
	return ush_printf("keycloak %s/%s", ush_source_place(ush_source_text(source, "url")), ush_source_text(source, "realm"));
}

/* ---- the token (client_credentials, RFC 6749 section 4.4) ---- */

static int token_refused(struct ush_api *api, const struct ush_api_answer *answer, struct ush_error *err)
{
	const char *error = ush_json_string(answer->body, "error");
	USH_AUTO_FREE char *where_secret = ush_credential_where(api->source);

	ush_fail(err, USH_ERR_INCOMPLETE, "%s gives client %s no token: %d %.64s", ush_source_place(api->base), ush_source_text(api->source, "client"),
		 answer->status, error != NULL ? error : "");
	if (answer->status == 400 || answer->status == 401)
		ush_hint(err, "Look at the client: does %s hold its secret, is \"service accounts\" on?", where_secret);
	return -1;
}

static struct ush_secret *basic(const struct ush_api *api)
{
	USH_AUTO_BUF text = {0}; /* each form-encoded: RFC 6749 section 2.3.1 */

	ush_url_encode(&text, ush_source_text(api->source, "client"));
	ush_buf_puts(&text, ":");
	ush_url_encode(&text, ush_secret_reveal(api->credential));
	return ush_secret_new(text.data, text.length);
}

static char *realm_url(const struct ush_policy_source *source, const char *before, const char *after)
{
	USH_AUTO_BUF url = {0};

	ush_buf_printf(&url, "%s%s", ush_source_text(source, "url"), before);
	ush_url_encode(&url, ush_source_text(source, "realm"));
	ush_buf_puts(&url, after);
	return ush_buf_take(&url);
}

int ush_keycloak_sign_in(struct ush_api *api, struct ush_error *err)
{
	USH_AUTO_FREE char *url = realm_url(api->source, "/realms/", "/protocol/openid-connect/token");
	USH_AUTO_API_ANSWER answer = {0};
	USH_AUTO_SECRET login = basic(api);
	USH_AUTO_BUF form = {0};
	const char *token;
	int64_t seconds = 0;

	ush_form_add(&form, "grant_type", "client_credentials");
	if (ush_api_post_form(api, url, login, &form, "the token endpoint", &answer, err) != 0)
		return -1;
	if (answer.status != 200)
		return token_refused(api, &answer, err);
	token = ush_json_string(answer.body, "access_token");
	if (token == NULL || *token == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "the token endpoint's answer holds no access_token");
	if (ush_json_date(answer.body, "expires_in", &seconds) < 0)
		seconds = 0;
	ush_api_token(api, token, strlen(token), seconds);
	return 0;
}

static const char *advice(const struct ush_api *api, int status)
{
	const struct walk *walk = api->context;

	return status == 403 ? walk->advice : NULL;
}

static const struct ush_api_kind kind = {.sign_in = ush_keycloak_sign_in, .advice = advice};

/* ---- pages by first and max ---- */

static int ask_first(void *context, size_t index, struct ush_api_get *get, struct ush_error *err)
{
	struct ask *ask = &((struct walk *)context)->asks[index];

	(void)err;
	ask->target = ush_printf("%sfirst=0&max=%d", ask->path, PAGE);
	*get = (struct ush_api_get){.target = ask->target, .what = ask->what};
	return 0;
}

/* The items of a page, and where the next one is: behind a full one. */
static const json_t *page_items(struct ask *ask, const struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	size_t count = json_array_size(answer->body);

	if (!json_is_array(answer->body)) {
		ush_fail(err, USH_ERR_INCOMPLETE, "page %zu of %s is no list", ask->first / PAGE + 1, ask->what);
		return NULL;
	}
	ask->first += count;
	if (count >= PAGE)
		*next = ush_printf("%sfirst=%zu&max=%d", ask->path, ask->first, PAGE);
	return answer->body;
}

/* The chains of the walk's asks, each over a part of the API that belongs to work[i]. */
static int read_chains(struct walk *walk, const char *part, const char *what, int (*page)(void *, size_t, struct ush_api_answer *, char **, struct ush_error *),
		       struct ush_error *err)
{
	struct ush_api_chains chains = {.count = walk->work_count, .width = AT_ONCE, .first = ask_first, .page = page, .context = walk};
	int result;

	walk->asks = ush_alloc((walk->work_count + 1) * sizeof *walk->asks);
	for (size_t i = 0; i < walk->work_count; i++) {
		const struct ush_group *group = walk->work[i] == TOP ? NULL : &walk->listing->groups->items[walk->work[i]];
		struct ush_buf url = {0};

		ush_buf_puts(&url, "/groups");
		if (group != NULL) {
			ush_buf_puts(&url, "/");
			ush_url_encode(&url, group->id);
			ush_buf_puts(&url, part);
		}
		ush_buf_puts(&url, "?briefRepresentation=true&");
		walk->asks[i] = (struct ask){.path = ush_buf_take(&url), .what = group == NULL ? ush_strdup(what) : ush_printf("%s %s", what, group->path)};
	}
	result = ush_api_chains(&walk->api, &chains, err);
	for (size_t i = 0; i < walk->work_count; i++) {
		free(walk->asks[i].path);
		free(walk->asks[i].what);
		free(walk->asks[i].target);
		ush_seen_free(&walk->asks[i].seen);
	}
	free(walk->asks);
	walk->asks = NULL;
	return result;
}

/* ---- groups, level by level ---- */

static int take_group(struct listing *l, size_t parent, const json_t *item, struct ush_error *err)
{
	const char *id = ush_json_string(item, "id"), *name = ush_json_string(item, "name");
	json_int_t below = json_integer_value(json_object_get(item, "subGroupCount"));
	USH_AUTO_FREE char *path = NULL;

	if (id == NULL || *id == '\0' || name == NULL || *name == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "a group has no id or no name");
	if (!ush_seen_add(&l->seen, id))
		return ush_fail(err, USH_ERR_INCOMPLETE, "group \"%s\" came twice: pages repeat, or groups changed while they were read", name);
	if (l->groups->count >= USH_GROUPS_MAX)
		return ush_fail(err, USH_ERR_INCOMPLETE, "more than %d groups", USH_GROUPS_MAX);
	path = ush_printf("%s/%s", parent == TOP ? "" : l->groups->items[parent].path, name);
	ush_groups_add(l->groups, id, name, path);
	USH_PUSH(l->nodes, l->node_count,
		 ((struct node){.parent = parent, .below = below > 0 ? (size_t)below : 0, .depth = parent == TOP ? 1 : l->nodes[parent].depth + 1}));
	if (parent != TOP)
		l->nodes[parent].found++;
	return 0;
}

static int group_page(void *context, size_t index, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct walk *walk = context;
	const json_t *items = page_items(&walk->asks[index], answer, next, err);
	json_t *item;
	size_t i;

	if (items == NULL)
		return -1;
	json_array_foreach(items, i, item)
		if (take_group(walk->listing, walk->work[index], item, err) != 0)
			return -1;
	return 0;
}

/* The groups from `from` on that have others under them are the next level's work. */
static int next_level(struct walk *walk, size_t from, struct ush_error *err)
{
	const struct listing *l = walk->listing;

	walk->work_count = 0;
	for (size_t i = from; i < l->node_count; i++) {
		if (l->nodes[i].below == 0)
			continue;
		if (l->nodes[i].depth >= DEPTH_MAX)
			return ush_fail(err, USH_ERR_INCOMPLETE, "groups nest deeper than %d", DEPTH_MAX);
		USH_PUSH(walk->work, walk->work_count, i);
	}
	return 0;
}

/* What an account may not see is left out of its parent's children, and only the parent's number says so. */
static int check_children(const struct listing *l, struct ush_error *err)
{
	for (size_t i = 0; i < l->node_count; i++)
		if (l->nodes[i].below != l->nodes[i].found)
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s has %zu groups under it, and %zu came", l->groups->items[i].path, l->nodes[i].below,
					l->nodes[i].found);
	return 0;
}

static int read_levels(struct walk *walk, struct listing *listing, struct ush_error *err)
{
	size_t from = 0;

	walk->listing = listing;
	walk->work_count = 0;
	USH_PUSH(walk->work, walk->work_count, TOP);
	if (read_chains(walk, "", "groups", group_page, err) != 0)
		return -1;
	while (from < listing->node_count) {
		size_t to = listing->node_count;

		if (next_level(walk, from, err) != 0 || read_chains(walk, "/children", "the groups under", group_page, err) != 0)
			return -1;
		from = to;
	}
	return check_children(listing, err);
}

static void listing_free(struct listing *listing)
{
	ush_seen_free(&listing->seen);
	free(listing->nodes);
	*listing = (struct listing){0};
}

/* ---- the count, and the second reading ---- */

static int read_count(struct walk *walk, size_t *count, struct ush_error *err)
{
	struct ush_api_get get = {.target = "/groups/count", .what = "the count of groups"};
	USH_AUTO_API_ANSWER answer = {0};
	const json_t *number;

	if (ush_api_get(&walk->api, &get, &answer, err) != 0)
		return -1;
	number = json_object_get(answer.body, "count");
	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "the count of groups is no number");
	*count = (size_t)json_integer_value(number);
	return 0;
}

static int check_count(struct walk *walk, size_t said, struct ush_error *err)
{
	size_t count = walk->groups->count;
	char number[32], came[32];

	if (said == count)
		return 0;
	ush_fail(err, USH_ERR_INCOMPLETE, "it lists %s groups and counts %s", ush_thousands(count, came, sizeof came), ush_thousands(said, number, sizeof number));
	return ush_hint(err, "%s", count == 0 ? walk->advice : "If groups changed just now, the next run will do");
}

static void note(const struct ush_groups *groups, struct ush_list *list)
{
	for (size_t i = 0; i < groups->count; i++) {
		USH_AUTO_FREE char *line = ush_printf("%s (%s)", groups->items[i].path, groups->items[i].id);

		ush_list_add(list, line);
	}
}

static int read_again(struct walk *walk, struct ush_error *err)
{
	struct ush_groups second = {0};
	struct listing listing = {.groups = &second};
	struct ush_list before = {0}, after = {0};
	int result = read_levels(walk, &listing, err);

	if (result == 0) {
		note(walk->groups, &before);
		note(&second, &after);
		ush_api_agree(walk->groups, &before, &after);
	}
	ush_list_free(&before);
	ush_list_free(&after);
	listing_free(&listing);
	ush_groups_free(&second);
	return result;
}

/* ---- members ---- */

static int take_member(struct walk *walk, struct ask *ask, struct ush_group *group, const json_t *item, struct ush_error *err)
{
	const char *key = ush_source_text(walk->question->source, "peopleName");
	const char *id = ush_json_string(item, "id"), *name = ush_json_string(item, key != NULL ? key : "username");

	if (id == NULL || *id == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "a member of %s has no id", group->path);
	if (!ush_seen_add(&ask->seen, id))
		return ush_fail(err, USH_ERR_INCOMPLETE, "a member of %s came twice: pages repeat, or the group changed while it was read", group->path);
	if (!json_is_true(json_object_get(item, "enabled")))
		group->disabled++;
	else if (name == NULL || *name == '\0')
		group->unresolvable++;
	else
		ush_members_add(&group->members, name);
	return 0;
}

static int member_page(void *context, size_t index, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct walk *walk = context;
	struct ask *ask = &walk->asks[index];
	struct ush_group *group = &walk->groups->items[walk->work[index]];
	const json_t *items = page_items(ask, answer, next, err);
	json_t *item;
	size_t i;

	if (items == NULL)
		return -1;
	json_array_foreach(items, i, item)
		if (take_member(walk, ask, group, item, err) != 0)
			return -1;
	if (*next == NULL) {
		ush_seen_free(&ask->seen);
		group->members_known = true;
	}
	return 0;
}

static int read_members(struct walk *walk, struct ush_error *err)
{
	walk->work_count = 0;
	for (size_t i = 0; i < walk->groups->count; i++)
		if (ush_source_wants_members(walk->question, &walk->groups->items[i]))
			USH_PUSH(walk->work, walk->work_count, i);
	return read_chains(walk, "/members", "the members of", member_page, err);
}

/* ---- all of it ---- */

static int read_all(struct walk *walk, struct ush_error *err)
{
	struct listing listing = {.groups = walk->groups};
	size_t before = 0, after = 0;
	int result = read_count(walk, &before, err) != 0 || read_levels(walk, &listing, err) != 0 || check_count(walk, before, err) != 0 ||
		     read_members(walk, err) != 0 || read_again(walk, err) != 0 || read_count(walk, &after, err) != 0 || check_count(walk, after, err) != 0;

	listing_free(&listing);
	return result ? -1 : 0;
}

int ush_keycloak_open(struct ush_api *api, const struct ush_world *world, const struct ush_policy_source *source, const struct ush_api_kind *how,
		      struct ush_error *err)
{
	USH_AUTO_FREE char *base = realm_url(source, "/admin/realms/", "");

	if (ush_api_open(api, world, source, how, base, err) != 0 || api->credential != NULL)
		return api->credential != NULL ? 0 : -1;
	return ush_fail(err, USH_ERR_CONFIG, "no secret is named: secretFile, secretCommand, secretEnv or secretKeyring");
}

static int walk_open(struct walk *walk, const struct ush_world *world, struct ush_error *err)
{
	const struct ush_policy_source *source = walk->question->source;

	walk->advice = ush_printf("Give the service account of client %.60s the role view-users of realm-management", ush_source_text(source, "client"));
	if (ush_keycloak_open(&walk->api, world, source, &kind, err) != 0)
		return -1;
	walk->api.context = walk;
	return 0;
}

static int read_keycloak(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
			 struct ush_error *err)
{
	struct walk walk = {.question = question, .groups = groups};
	struct ush_error why = {0};
	int result = walk_open(&walk, world, err);

	if (result == 0) {
		result = ush_api_settle(&walk.api, read_all(&walk, &why), &why, groups, err);
		if (groups->why == NULL)
			groups->proof = ush_strdup("every page read; counted before and after, and listed twice");
	}
	ush_api_close(&walk.api);
	free(walk.work);
	free(walk.advice);
	return result;
}

const struct ush_source_ops ush_source_keycloak = {"keycloak", where, read_keycloak, ush_keycloak_revoke};
