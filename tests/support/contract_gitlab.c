/* SPDX-License-Identifier: Apache-2.0
 *
 * GitLab's REST API v4 as its documentation has it (docs.gitlab.com/api; titles are those of the pages, paths those of
 * gitlabhq/gitlabhq):
 * - per_page is 20 unless said and 100 at most. Every page by number has x-next-page (empty on the last), x-page,
 *   x-per-page, x-prev-page, x-total, x-total-pages and Link with next, prev, first, last; above 10,000 rows x-total,
 *   x-total-pages and rel="last" are left out (doc/api/rest/_index.md, pagination, pagination response headers).
 * - Keyset pages have Link alone; at the end an empty page without it (the same, keyset-based pagination). For groups they
 *   are offered to those who do not sign in only (supported resources).
 * - Beyond the largest offset (50,000) 405 ("Instance limits", maximum offset of the REST API).
 * - /groups and descendant_groups have the groups of which the token's user is a member; all_available=true has all that he
 *   may see, as an administrator's have without it (doc/api/groups.md, List groups, List descendant groups).
 * - members/all has inherited and invited members, a person once, with the highest of his access levels; those of an
 *   invited group where that is public, or whose token it is is in either; email is there for owners alone
 *   (doc/api/group_members.md). state is active, blocked, deactivated, banned...; membership_state is active or awaiting.
 *   Access levels are 0 none, 5 minimal, 10 guest to 60 (same page, roles); below guest a group is not among a person's
 *   own, by which tokens go (app/models/user.rb, group_members).
 * - /user has is_admin true for an administrator alone ("Users", retrieve your user details).
 * - A limit is 429; RateLimit-Reset (epoch seconds) is there where Retry-After need not be (gitlab-org/gitlab#199738,
 *   merge request 206603).
 * - What was moved answers with Location (doc/api/rest/_index.md, redirects).
 * - What a token may not see is 404 {"message":"404 Group Not Found"}; a bad one is 401.
 */
#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_knobs.h"
#include "tests/support/contract_people.h"

#define BASE "https://gitlab.test"

static struct fake_gitlab *state(const struct contract *c)
{
	return c->state;
}

static void settings(struct contract *c, struct ush_policy_source *source)
{
	c->state = ush_new(struct fake_gitlab);
	*state(c) = (struct fake_gitlab){.state = "blocked", .resets_in = 30};
	ush_source_set(source, "url", BASE);
	ush_source_set(source, "secretFile", c->secret_file);
}

static enum contract_what what(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	USH_AUTO_FREE char *verb = provider_part(request->url, 4);

	USH_AUTO_FREE char *person = provider_part(request->url, 6);

	(void)c;
	*page = (size_t)provider_query_number(request->url, "page", 1);
	if (person != NULL || strstr(request->url, "/api/v4/user") != NULL)
		return CONTRACT_ELSE;
	if (verb != NULL && strcmp(verb, "members") == 0)
		return CONTRACT_MEMBERS;
	return verb == NULL && strstr(request->url, "/groups/") != NULL ? CONTRACT_ELSE : CONTRACT_GROUPS;
}

/* ---- rows ---- */

static json_t *group_json(const struct contract *c, size_t index)
{
	const struct contract_group *g = &c->directory.groups[index];
	USH_AUTO_FREE char *path = contract_path(c, index), *shown = ush_printf("The %s", g->name);
	json_t *row = json_pack("{s:I, s:s, s:s, s:s, s:s, s:n, s:s}", "id", (json_int_t)g->number, "name", shown, "path", g->name, "full_name", shown, "full_path",
				path + 1, "parent_id", "visibility", "private");

	if (g->parent != CONTRACT_NOBODY)
		json_object_set_new(row, "parent_id", json_integer((json_int_t)c->directory.groups[g->parent].number));
	return row;
}

static json_t *member_json(const struct contract *c, size_t index)
{
	const struct contract_person *p = &c->directory.people[index];

	bool minimal = p->disabled && state(c)->minimal;

	return json_pack("{s:I, s:s?, s:s, s:s, s:b, s:i, s:n, s:s}", "id", (json_int_t)p->number, "username", p->name, "name", "Somebody", "state",
			 p->disabled && !minimal ? state(c)->state : "active", "locked", 0, "access_level", minimal ? 5 : 30, "expires_at",
			 "membership_state", state(c)->invited ? "awaiting" : "active");
}

/* ---- pages ---- */

struct page {
	long number, size, last;
	size_t count; /* of all rows */
	bool faulty;
};

static void header_number(struct ush_http_response *response, const char *name, long number)
{
	USH_AUTO_FREE char *text = number > 0 ? ush_printf("%ld", number) : ush_strdup("");

	provider_reply_header(response, name, text);
}

/* The URL of another page: what was asked for, with another page (or cursor). */
static void add_link(struct ush_buf *links, const struct contract *c, const struct ush_http_request *request, const char *rel, const char *key, long page)
{
	const char *path = strstr(request->url, "/api/");
	size_t length = strcspn(path, "?");
	long size = provider_query_number(request->url, "per_page", 20);

	ush_buf_printf(links, "%s<%s%.*s?order_by=id&%s=%ld&per_page=%ld>; rel=\"%s\"", links->length > 0 ? ", " : "",
		       state(c)->link_lies ? "http://gitlab.internal:8080" : ush_source_text(&c->source, "url"), (int)length, path, key, page, size, rel);
}

static void reply_keyset(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, const struct page *page)
{
	USH_AUTO_BUF links = {0};

	if (page->number <= page->last && page->count > 0)
		add_link(&links, c, request, "next", "cursor", page->number + 1);
	if (links.length > 0)
		provider_reply_header(response, "Link", links.data);
}

static void reply_numbers(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, const struct page *page)
{
	bool many = page->count > 10000 || state(c)->no_totals || c->fault.silent;
	long next = page->number < page->last ? page->number + 1 : 0;
	USH_AUTO_BUF links = {0};

	if (page->faulty && c->fault.loops && next == 0)
		next = 1;
	if (page->faulty && c->fault.cut_off)
		next = 0;
	if (page->number > 1)
		add_link(&links, c, request, "prev", "page", page->number - 1);
	if (next > 0)
		add_link(&links, c, request, "next", "page", next);
	add_link(&links, c, request, "first", "page", 1);
	if (!many) {
		add_link(&links, c, request, "last", "page", page->last);
		header_number(response, "X-Total-Pages", page->last);
		USH_AUTO_FREE char *total = ush_printf("%ld", (long)page->count + c->fault.lies);
		provider_reply_header(response, "X-Total", total);
	}
	provider_reply_header(response, "Link", links.data);
	header_number(response, "X-Next-Page", next);
	header_number(response, "X-Page", page->number);
	header_number(response, "X-Per-Page", page->size);
	header_number(response, "X-Prev-Page", page->number > 1 ? page->number - 1 : 0);
}

static struct page page_of(const struct contract *c, const struct ush_http_request *request, size_t count, enum contract_what kind)
{
	struct page page = {.count = count, .faulty = c->fault.what == kind || c->fault.what == CONTRACT_ANY};

	page.size = provider_query_number(request->url, "per_page", 20);
	page.size = page.size < 1 ? 20 : page.size > 100 ? 100 : page.size;
	page.number = provider_query_number(request->url, state(c)->keyset ? "cursor" : "page", 1);
	page.last = count == 0 ? 1 : ((long)count + page.size - 1) / page.size;
	return page;
}

static void answer_rows(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, const size_t *items, size_t count,
			enum contract_what kind)
{
	struct page page = page_of(c, request, count, kind);
	long shown = page.faulty && c->fault.repeats ? 1 : page.number;
	size_t end = (kind == CONTRACT_GROUPS && c->fault.empty) || (page.faulty && c->fault.cut_off && shown > 1) ? 0 : count;
	json_t *list = json_array();

	if (state(c)->most_offset > 0 && (size_t)((page.number - 1) * page.size) >= state(c)->most_offset) {
		json_decref(list);
		provider_reply(response, 405, json_pack("{s:s}", "error", "Offset pagination has a maximum allowed offset of 50000 for requests that return objects of type Group."));
		return;
	}
	for (size_t i = (size_t)((shown - 1) * page.size); i < end && i < (size_t)(shown * page.size); i++)
		json_array_append_new(list, kind == CONTRACT_GROUPS ? group_json(c, items[i]) : member_json(c, items[i]));
	if (state(c)->keyset)
		reply_keyset(c, request, response, &page);
	else if (!state(c)->no_pages)
		reply_numbers(c, request, response, &page);
	provider_reply(response, 200, list);
}

/* ---- all of it ---- */

static size_t group_by(const struct contract *c, const char *id)
{
	for (size_t i = 0; i < c->directory.group_count; i++) {
		USH_AUTO_FREE char *path = contract_path(c, i);

		if (!c->directory.groups[i].gone && strcmp(path + 1, id) == 0)
			return i;
	}
	return contract_group_of(c, strtoul(id, NULL, 10));
}

static bool under(const struct contract *c, size_t group, size_t top)
{
	for (size_t up = c->directory.groups[group].parent; up != CONTRACT_NOBODY; up = c->directory.groups[up].parent)
		if (up == top)
			return true;
	return false;
}

#define USER 1 /* id of the token's */

static void answer_user(struct contract *c, struct ush_http_response *response)
{
	json_t *user = json_pack("{s:i, s:s, s:s}", "id", USER, "username", "usher", "state", "active");

	if (!state(c)->plain && !state(c)->outsider)
		json_object_set_new(user, "is_admin", json_true());
	provider_reply(response, 200, user);
}

/* Whether the token's user is a member of the group. */
static void answer_member(struct contract *c, struct ush_http_response *response, const char *person)
{
	if (state(c)->outsider || strtol(person, NULL, 10) != USER)
		provider_reply(response, 404, json_pack("{s:s}", "message", "404 Not found"));
	else
		provider_reply(response, 200, json_pack("{s:i, s:s, s:s, s:i}", "id", USER, "username", "usher", "state", "active", "access_level", 10));
}

static void answer_descendants(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, size_t group)
{
	USH_AUTO_FREE char *available = provider_query(request->url, "all_available");
	bool all_of_them = available != NULL && strcmp(available, "true") == 0;
	size_t count, left = 0;
	USH_AUTO_FREE size_t *all = contract_children(c, CONTRACT_EVERYWHERE, &count);

	for (size_t i = 0; i < count && (all_of_them || !state(c)->outsider); i++)
		if (under(c, all[i], group))
			all[left++] = all[i];
	answer_rows(c, request, response, all, left, CONTRACT_GROUPS);
}

static void answer_group(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, const char *id)
{
	USH_AUTO_FREE char *verb = provider_part(request->url, 4), *person = provider_part(request->url, 6);
	size_t group = group_by(c, id), count = 0;
	USH_AUTO_FREE size_t *items = group == CONTRACT_NOBODY ? NULL : contract_everybody(c, group, &count);

	if (group == CONTRACT_NOBODY) {
		provider_reply(response, 404, json_pack("{s:s}", "message", "404 Group Not Found"));
	} else if (verb == NULL) {
		provider_reply(response, 200, group_json(c, group));
	} else if (person != NULL) {
		answer_member(c, response, person);
	} else if (strcmp(verb, "members") == 0) {
		answer_rows(c, request, response, items, count, CONTRACT_MEMBERS);
	} else {
		answer_descendants(c, request, response, group);
	}
}

static void answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *said = provider_header(request, "Authorization"), *id = provider_part(request->url, 3);
	struct fake_gitlab *gitlab = state(c);
	size_t count;
	USH_AUTO_FREE size_t *all = contract_children(c, CONTRACT_EVERYWHERE, &count);

	if (gitlab->limited > 0) {
		gitlab->limited--;
		header_number(response, "RateLimit-Reset", (long)(c->now_ms / 1000 + gitlab->resets_in));
		provider_reply_header(response, "RateLimit-Remaining", "0");
		provider_reply_text(response, 429, "Retry later\n");
	} else if (said == NULL || strcmp(said, "Bearer s3cret") != 0) {
		provider_reply(response, 401, json_pack("{s:s}", "message", "401 Unauthorized"));
	} else if (c->revoking) {
		c->fake->people->answer(c, request, response);
	} else if (strstr(request->url, "/api/v4/user") != NULL) {
		answer_user(c, response);
	} else if (id == NULL) {
		answer_rows(c, request, response, all, count, CONTRACT_GROUPS);
	} else {
		answer_group(c, request, response, id);
	}
}

const struct contract_fake contract_gitlab = {
	.kind = "gitlab",
	.traits = CONTRACT_UP | CONTRACT_DISABLED | CONTRACT_NULL_NAMES | CONTRACT_SAME_NAMES | CONTRACT_COUNTS | CONTRACT_MEMBER_COUNTS | CONTRACT_LINKS |
		  CONTRACT_OFFSETS | CONTRACT_SECOND,
	.group_page = 100,
	.member_page = 100,
	.settings = settings,
	.what = what,
	.answer = answer,
	.people = &contract_people_gitlab,
};
