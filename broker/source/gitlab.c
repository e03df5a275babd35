/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of a GitLab, or of one group of it and those under it. What makes a listing complete: the pages were read up to
 * the one without a next (X-Next-Page, else Link), whatever the totals say, for above 10,000 rows there are none; where
 * there is a total it must be the number of rows; and a second reading has the same ids. Pages are in the order of ids, so
 * that a group made meanwhile comes last and moves nothing. A member of a group is a member of the groups under it: GitLab
 * says so itself (members/all).
 */
#include <string.h>

#include "broker/source/gitlab.h"
#include "broker/source/listing.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define PAGE  100
#define WIDTH 8
#define GUEST 10 /* the least access level by which somebody is a member for GitLab's own tokens */
#define URL   "https://gitlab.com"

struct rows { /* of one chain of pages */
	struct ush_group *group; /* whose members; NULL: groups */
	char *first, *what;
	size_t pages, count;
	struct ush_list ids; /* of members */
};

struct walk {
	struct ush_api api;
	struct ush_groups *groups;
	struct ush_listing listing;
	const char *people_name;
	struct rows *chains;
	size_t chain_count;
};

const char *ush_gitlab_url(const struct ush_policy_source *source)
{
	return ush_source_has(source, "url") ? ush_source_text(source, "url") : URL;
}

static char *where(const struct ush_policy_source *source)
{
	const char *group = ush_source_text(source, "group");

	return ush_printf("gitlab %s%s%s", ush_source_place(ush_gitlab_url(source)), group != NULL ? "/" : "", group != NULL ? group : "");
}

int64_t ush_gitlab_wait(const struct ush_api *api, const struct ush_http_response *response, bool *again)
{
	(void)again;
	return response->status == 429 ? ush_api_until(api, response, "RateLimit-Reset") : -1;
}

static const char *advice(const struct ush_api *api, int status)
{
	switch (status) {
	case 403:
		return "Give the token the scope read_api";
	case 404:
		return ush_source_has(api->source, "group") ? "GitLab says so too of a group that the token may not see: check its full path" : NULL;
	case 405:
		return "GitLab lists no more than 50,000 groups by page: name the group that holds yours (group)";
	default:
		return NULL;
	}
}

static const struct ush_api_kind kind = {.wait = ush_gitlab_wait, .advice = advice};

/* ---- rows ---- */

static int take_group(struct walk *walk, const json_t *row, struct ush_error *err)
{
	USH_AUTO_FREE char *id = ush_listing_text(row, "id"), *path = NULL;
	const char *full = ush_json_string(row, "full_path"), *slash;
	struct ush_listed group = {.id = id};

	if (full != NULL && *full != '\0') {
		path = ush_printf("/%s", full);
		slash = strrchr(path, '/');
		group.name = slash + 1;
		group.path = path;
	}
	return ush_listing_add(&walk->listing, &group, err);
}

static bool active(const json_t *row, const char *key)
{
	const char *state = ush_json_string(row, key);

	return state == NULL || strcmp(state, "active") == 0;
}

/* Minimal access, or none, is listed, and gives a person nothing: his token does not have the group. */
static bool is_access(const json_t *row)
{
	const json_t *level = json_object_get(row, "access_level");

	return !json_is_integer(level) || json_integer_value(level) >= GUEST;
}

/* blocked, deactivated, banned, ldap_blocked, blocked_pending_approval; or a membership that waits for somebody */
static void take_member(const struct walk *walk, struct rows *rows, const json_t *row)
{
	USH_AUTO_FREE char *name = ush_listing_text(row, walk->people_name), *id = ush_listing_text(row, "id");
	struct ush_group *group = rows->group;

	if (id != NULL)
		ush_list_add(&rows->ids, id);
	if (ush_json_string(row, "state") == NULL && name == NULL)
		group->unresolvable++;
	else if (!active(row, "state") || !active(row, "membership_state") || !is_access(row))
		group->disabled++;
	else if (name == NULL)
		group->unresolvable++;
	else
		ush_members_add(&group->members, name);
}

static int take_rows(struct walk *walk, struct rows *rows, const json_t *page, struct ush_error *err)
{
	json_t *row;
	size_t i;

	if (!json_is_array(page))
		return ush_fail(err, USH_ERR_INCOMPLETE, "%s: a page is no list", rows->what);
	json_array_foreach(page, i, row) {
		if (!json_is_object(row))
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s: a row is no object", rows->what);
		if (rows->group != NULL)
			take_member(walk, rows, row);
		else if (take_group(walk, row, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- pages ---- */

/* X-Total of the last page, where it has one, must be what came. */
static int check_total(const struct rows *rows, const struct ush_http_response *response, struct ush_error *err)
{
	const char *total = ush_http_header(response, "X-Total");
	char said[32], came[32], *end;
	unsigned long long number;

	if (total == NULL || *total == '\0')
		return 0;
	number = strtoull(total, &end, 10);
	if (*end == '\0' && number == rows->count)
		return 0;
	ush_fail(err, USH_ERR_INCOMPLETE, "%s: %s came, and their number is said to be %s", rows->what, ush_thousands(rows->count, came, sizeof came),
		 *end == '\0' ? ush_thousands((size_t)number, said, sizeof said) : "no number");
	return ush_hint(err, "If it changed just now, the next run will do");
}

/* Totals are no guide to the end: GitLab leaves them out above 10,000 rows. A page that is full and names no next one may
 * have lost its headers on the way, so the next is asked for. */
static int next_page(const struct rows *rows, const struct ush_http_response *response, size_t came, char **next, struct ush_error *err)
{
	const char *number = ush_http_header(response, "X-Next-Page");

	if (number != NULL && (strspn(number, "0123456789") != strlen(number) || strlen(number) > 9))
		return ush_fail(err, USH_ERR_INCOMPLETE, "%s: the next page is no number", rows->what);
	if (number != NULL && *number != '\0')
		*next = ush_printf("%s&page=%s", rows->first, number);
	else if (number == NULL)
		*next = ush_api_link_next(response); /* keyset pages have the link alone */
	if (*next == NULL && came >= PAGE)
		*next = ush_printf("%s&page=%zu", rows->first, rows->pages + 1);
	return 0;
}

static int first(void *context, size_t index, struct ush_api_get *get, struct ush_error *err)
{
	struct walk *walk = context;

	(void)err;
	*get = (struct ush_api_get){.target = walk->chains[index].first, .what = walk->chains[index].what};
	return 0;
}

static int page(void *context, size_t index, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct walk *walk = context;
	struct rows *rows = &walk->chains[index];
	size_t came = json_array_size(answer->body);

	rows->pages++;
	rows->count += came;
	if (take_rows(walk, rows, answer->body, err) != 0)
		return -1;
	if (next_page(rows, &answer->response, came, next, err) != 0)
		return -1;
	if (*next != NULL)
		return 0;
	if (rows->group != NULL && ush_listing_each_once(&rows->ids, rows->group->path, err) != 0)
		return -1;
	ush_list_free(&rows->ids);
	return check_total(rows, &answer->response, err);
}

static void add_chain(struct walk *walk, struct ush_group *group, char *first_page, char *what)
{
	USH_PUSH(walk->chains, walk->chain_count, ((struct rows){.group = group, .first = first_page, .what = what}));
}

static void forget_chains(struct walk *walk)
{
	for (size_t i = 0; i < walk->chain_count; i++) {
		free(walk->chains[i].first);
		free(walk->chains[i].what);
		ush_list_free(&walk->chains[i].ids);
	}
	free(ush_steal(&walk->chains));
	walk->chain_count = 0;
}

static int run_chains(struct walk *walk, struct ush_error *err)
{
	struct ush_api_chains chains = {.count = walk->chain_count, .width = WIDTH, .first = first, .page = page, .context = walk};
	int result = ush_api_chains(&walk->api, &chains, err);

	forget_chains(walk);
	return result;
}

/* ---- all of it ---- */

static int read_top(struct walk *walk, const char *target, struct ush_error *err)
{
	struct ush_api_get get = {.target = target, .what = "the group"};
	USH_AUTO_API_ANSWER answer = {0};

	return ush_api_get(&walk->api, &get, &answer, err) != 0 ? -1 : take_group(walk, answer.body, err);
}

static int read_groups(struct walk *walk, struct ush_error *err)
{
	const char *group = ush_source_text(walk->api.source, "group");
	USH_AUTO_BUF top = {0};
	USH_AUTO_FREE char *target = NULL;

	if (group == NULL) {
		add_chain(walk, NULL, ush_printf("/api/v4/groups?order_by=id&sort=asc&per_page=%d", PAGE), ush_strdup("groups"));
		return run_chains(walk, err);
	}
	ush_url_encode(&top, group + strspn(group, "/"));
	target = ush_printf("/api/v4/groups/%s?with_projects=false", top.data);
	if (read_top(walk, target, err) != 0)
		return -1;
	add_chain(walk, NULL, ush_printf("/api/v4/groups/%s/descendant_groups?all_available=true&order_by=id&sort=asc&per_page=%d", top.data, PAGE),
		  ush_strdup("groups"));
	return run_chains(walk, err);
}

static int read_members(struct walk *walk, const struct ush_source_question *question, struct ush_error *err)
{
	for (size_t i = 0; i < walk->groups->count; i++) {
		struct ush_group *group = &walk->groups->items[i];

		if (!ush_source_wants_members(question, group))
			continue;
		group->members_known = true;
		add_chain(walk, group, ush_printf("/api/v4/groups/%s/members/all?per_page=%d", group->id, PAGE), ush_printf("members of %s", group->path));
	}
	return run_chains(walk, err);
}

static int read_all(struct walk *walk, const struct ush_source_question *question, struct ush_error *err)
{
	if (read_groups(walk, err) != 0 || read_members(walk, question, err) != 0)
		return -1;
	ush_listing_again(&walk->listing);
	return read_groups(walk, err);
}

/* ---- what rights hide ---- */

/* An answer that does not matter much: NULL when it is not to be had. */
static json_t *ask(struct walk *walk, const char *target, const char *what)
{
	const struct ush_api_get get = {.target = target, .what = what, .allow404 = true};
	USH_AUTO_API_ANSWER answer = {0};
	struct ush_error ignored = {0};

	if (ush_api_get(&walk->api, &get, &answer, &ignored) != 0 || answer.status != 200)
		return NULL;
	return json_incref(answer.body);
}

/*
 * What a token may not see is not listed, and nothing says so. An administrator sees everything, and a member of a group
 * all that is under it; of others the proof says what it is worth. Costs one request, or two.
 */
static const char *blind_spot(struct walk *walk)
{
	const char *group = ush_source_text(walk->api.source, "group");
	USH_AUTO_JSON user = ask(walk, "/api/v4/user", "the token's user");
	USH_AUTO_JSON member = NULL;
	USH_AUTO_FREE char *id = ush_listing_text(user, "id"), *target = NULL;
	USH_AUTO_BUF top = {0};

	if (json_is_true(json_object_get(user, "is_admin")))
		return "";
	if (group == NULL)
		return "; groups are listed only where the token's user is a member";
	ush_url_encode(&top, group + strspn(group, "/"));
	target = ush_printf("/api/v4/groups/%s/members/all/%s", top.data, id != NULL ? id : "0");
	member = id != NULL ? ask(walk, target, "the token's membership") : NULL;
	return member != NULL && is_access(member) ? "" : "; private groups and their people are listed only where the token's user is a member";
}

static int read_gitlab(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
		       struct ush_error *err)
{
	const char *name = ush_source_text(question->source, "peopleName");
	struct walk walk = {.groups = groups, .listing = {.groups = groups}, .people_name = name != NULL ? name : "username"};
	struct ush_error why = {0};
	int result = ush_api_open(&walk.api, world, question->source, &kind, ush_gitlab_url(question->source), err);

	if (result == 0) {
		result = read_all(&walk, question, &why);
		if (result == 0 && ush_listing_agrees(&walk.listing))
			groups->proof = ush_printf("every chain of pages closed, with the totals that were told; the groups read twice%s",
						   blind_spot(&walk));
		result = ush_api_settle(&walk.api, result, &why, groups, err);
	}
	forget_chains(&walk);
	ush_listing_free(&walk.listing);
	ush_api_close(&walk.api);
	return result;
}

const struct ush_source_ops ush_source_gitlab = {"gitlab", where, read_gitlab, ush_gitlab_revoke};
