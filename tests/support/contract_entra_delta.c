/* SPDX-License-Identifier: Apache-2.0
 *
 * Graph's change tracking, as its documentation has it (learn.microsoft.com/graph; titles are those of the pages,
 * paths those of microsoftgraph/microsoft-graph-docs-contrib):
 * - /groups/delta and /users/delta: pages by "@odata.nextLink", a round ends with "@odata.deltaLink"
 *   (concepts/delta-query-overview.md). A page may be empty and still lead on (same page).
 * - $select with members gives "members@delta", ids and types alone, of direct members ("group: delta", query parameters);
 *   one group may come on many pages with parts of them; a group without changes of members has no members@delta, in the
 *   first round one without members (concepts/delta-query-groups.md, Paging through members in a large group).
 * - $filter takes ids alone, fifty at most ("group: delta"); $top, $expand and $orderby are not taken, and the order of items
 *   is any (overview, optional query parameters). A link holds the parameters that were asked for first (same page).
 * - A member that went has "@removed" with reason "deleted", whether the membership or the user went; a group or user that
 *   went has "@removed" with reason "changed" (it may be restored for thirty days) or "deleted" (overview, resource
 *   representation). A first round may tell of what went long ago (same place; Microsoft Q&A 490727).
 * - The groups of a user who is deleted need not tell of it; users/delta does (microsoft-graph-docs-contrib#5855).
 * - Changes may be told more than once, and late (overview, replays and processing delays).
 * - A link lives seven days: then an answer of the 40x with syncStateNotFound; 410 Gone asks for a new start as well, and has
 *   the first question in Location (overview, token duration and synchronization reset; concepts/errors.md, resyncRequired).
 */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/contract_entra.h"
#include "tests/support/tap.h"

#define PART 3 /* members that one item of a page tells of */

static void settings(struct contract *c, struct ush_policy_source *source)
{
	static unsigned int number;

	contract_entra.settings(c, source);
	entra_state(c)->rounds = json_array();
	entra_state(c)->delta_path = ush_printf("%s/delta-%u.json", tap_folder(), number++);
	ush_source_set(source, "deltaFile", entra_state(c)->delta_path);
}

static void end(struct contract *c)
{
	unlink(entra_state(c)->delta_path);
	free(entra_state(c)->delta_path);
	json_decref(entra_state(c)->rounds);
}

/* ---- what is there now ---- */

static void add_members(const struct contract *c, size_t group, json_t *members)
{
	const struct contract_group *g = &c->directory.groups[group];

	for (size_t i = 0; i < g->people_count; i++) {
		USH_AUTO_FREE char *id = entra_person_id(c, g->people[i]);

		if (!c->directory.people[g->people[i]].gone || entra_state(c)->keeps_members)
			json_object_set_new(members, id, json_string("#microsoft.graph.user"));
	}
	for (size_t i = 0; i < g->group_count; i++) {
		USH_AUTO_FREE char *id = entra_id(c, g->groups[i]);

		json_object_set_new(members, id, json_string("#microsoft.graph.group"));
	}
	json_object_set_new(members, "d0000000-2222-4222-8222-000000000000", json_string("#microsoft.graph.device"));
}

static json_t *groups_now(const struct contract *c)
{
	json_t *all = json_object();
	size_t count;
	USH_AUTO_FREE size_t *groups = contract_children(c, CONTRACT_EVERYWHERE, &count);

	for (size_t i = 0; i < count && !c->fault.empty; i++) {
		USH_AUTO_FREE char *id = entra_id(c, groups[i]);
		bool hidden = entra_state(c)->hidden && groups[i] == 0;
		json_t *group = json_pack("{s:s, s:s?, s:{}}", "displayName", c->directory.groups[groups[i]].name, "visibility",
					  hidden ? "HiddenMembership" : NULL, "members");

		if (c->directory.groups[groups[i]].people_count + c->directory.groups[groups[i]].group_count > 0 && !hidden)
			add_members(c, groups[i], json_object_get(group, "members"));
		json_object_set_new(all, id, group);
	}
	return all;
}

static json_t *users_now(const struct contract *c)
{
	json_t *all = json_object();

	for (size_t i = 0; i < c->directory.people_count; i++) {
		USH_AUTO_FREE char *id = entra_person_id(c, i);

		if (!c->directory.people[i].gone)
			json_object_set_new(all, id, entra_person(c, i));
	}
	return all;
}

/* ---- what changed ---- */

/* One change of a group's members: as an item of its own once PART of them were told. */
static void tell_member(json_t *items, json_t **item, const char *group, const char *id, const char *type, bool removed)
{
	json_t *member = json_pack("{s:s, s:s}", "@odata.type", type, "id", id), *list = json_object_get(*item, "members@delta");

	if (removed)
		json_object_set_new(member, "@removed", json_pack("{s:s}", "reason", "deleted"));
	if (list != NULL && json_array_size(list) >= PART) {
		*item = json_pack("{s:s}", "id", group);
		json_array_append_new(items, *item);
		list = NULL;
	}
	if (list == NULL) {
		list = json_array();
		json_object_set_new(*item, "members@delta", list);
	}
	json_array_append_new(list, member);
}

static void tell_group(json_t *items, const char *id, const json_t *before, const json_t *now)
{
	json_t *item = json_pack("{s:s}", "id", id), *was = json_object_get(before, "members"), *is = json_object_get(now, "members"), *type;
	const char *member;

	if (before == NULL || strcmp(ush_json_string(before, "displayName"), ush_json_string(now, "displayName")) != 0)
		json_object_set(item, "displayName", json_object_get(now, "displayName"));
	json_object_set(item, "visibility", json_object_get(now, "visibility"));
	json_array_append_new(items, item);
	json_object_foreach(is, member, type)
		if (json_object_get(was, member) == NULL)
			tell_member(items, &item, id, member, json_string_value(type), false);
	json_object_foreach(was, member, type)
		if (json_object_get(is, member) == NULL)
			tell_member(items, &item, id, member, json_string_value(type), true);
}

static bool seen_before(const struct contract *c, const char *id)
{
	json_t *round;
	size_t i;

	json_array_foreach(entra_state(c)->rounds, i, round)
		if (json_object_get(json_object_get(round, "after"), id) != NULL)
			return true;
	return false;
}

static json_t *changes(const struct contract *c, const json_t *before, const json_t *now, bool groups)
{
	const struct fake_entra *s = entra_state(c);
	json_t *items = json_array(), *value;
	const char *id;

	json_object_foreach((json_t *)now, id, value) {
		json_t *was = json_object_get(before, id);

		if (was != NULL && json_equal(was, value))
			continue;
		if (groups && was == NULL && before != NULL && s->soft && seen_before(c, id))
			json_array_append_new(items, json_pack("{s:s, s:O}", "id", id, "displayName", json_object_get(value, "displayName")));
		else if (groups)
			tell_group(items, id, was, value);
		else
			json_array_append(items, value);
	}
	json_object_foreach((json_t *)before, id, value)
		if (json_object_get(now, id) == NULL && !s->forgets)
			json_array_append_new(items, json_pack("{s:s, s:{s:s}}", "id", id, "@removed", "reason", s->soft ? "changed" : "deleted"));
	if (before == NULL && groups && s->removed_at_first)
		json_array_append_new(items, json_pack("{s:s, s:{s:s}}", "id", "99999999-0000-4000-8000-000000000000", "@removed", "reason", "deleted"));
	for (size_t i = 0, count = json_array_size(items); s->replays && i < count; i++)
		json_array_append(items, json_array_get(items, i));
	return items;
}

/* Begins a round after the one with that number (-1: from the start), and gives its own. */
static size_t begin_round(struct contract *c, long after, bool groups)
{
	json_t *rounds = entra_state(c)->rounds, *now = groups ? groups_now(c) : users_now(c);
	const json_t *before = after >= 0 ? json_object_get(json_array_get(rounds, (size_t)after), "after") : NULL;

	entra_state(c)->fresh_rounds += after < 0 && groups;
	json_array_append_new(rounds, json_pack("{s:o, s:o, s:b}", "items", changes(c, before, now, groups), "after", now, "fresh", after < 0));
	return json_array_size(rounds) - 1;
}

/* ---- requests ---- */

struct place { /* where a request is: in which round, at which item */
	long round; /* -1: at the start of the first */
	size_t item;
	bool begins; /* a new one after this */
};

static struct place place_of(const char *url)
{
	USH_AUTO_FREE char *skip = provider_query(url, "$skiptoken"), *delta = provider_query(url, "$deltatoken");
	struct place place = {.round = -1, .begins = true};

	if (delta != NULL)
		place.round = strtol(delta + 1, NULL, 10);
	if (skip != NULL) {
		char *dash;

		place.round = strtol(skip + 1, &dash, 10);
		place.item = strtoul(dash + 1, NULL, 10);
		place.begins = false;
	}
	return place;
}

static bool is_delta(const char *url)
{
	return strstr(url, "/delta?") != NULL;
}

/* A round that follows another goes on with page 2: what a page's number means for a fault. */
static enum contract_what what(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	struct place place = place_of(request->url);
	const json_t *round = place.round >= 0 ? json_array_get(entra_state(c)->rounds, (size_t)place.round) : NULL;
	bool later = place.begins ? place.round >= 0 : json_is_false(json_object_get(round, "fresh"));

	if (!is_delta(request->url))
		return entra_what(c, request, page);
	*page = place.item / c->fake->group_page + (later ? 2 : 1);
	return strstr(request->url, "/groups/") != NULL ? CONTRACT_GROUPS : CONTRACT_ELSE;
}

static void add_link(json_t *page, const char *url, const char *name, const char *token, bool away)
{
	USH_AUTO_FREE char *link = ush_printf("%.*s?$%s", (int)strcspn(url, "?"), url, token);

	if (strcmp(name, "@odata.deltaLink") == 0 && away)
		memcpy(link, "https://evil1.test", 18);

	json_object_set_new(page, name, json_string(link));
}

static void answer_delta(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	bool groups = strstr(request->url, "/groups/") != NULL, faulty = groups && (c->fault.what == CONTRACT_GROUPS || c->fault.what == CONTRACT_ANY);
	struct place place = place_of(request->url);
	size_t round = place.begins ? begin_round(c, place.round, groups) : (size_t)place.round;
	const json_t *items = json_object_get(json_array_get(entra_state(c)->rounds, round), "items");
	json_t *page = json_pack("{s:s}", "@odata.context", "https://graph.microsoft.com/v1.0/$metadata#groups"), *list = json_array();
	size_t count = json_array_size(items), next = place.item + c->fake->group_page;
	bool more = next < count && !(faulty && c->fault.cut_off), loops = faulty && c->fault.loops;
	USH_AUTO_FREE char *skip = ush_printf("skiptoken=S%zu-%zu", round, more ? next : 0), *delta = ush_printf("deltatoken=D%zu", round);

	for (size_t i = place.item; i < count && i < next; i++)
		json_array_append(list, json_array_get(items, i));
	if (more || loops)
		add_link(page, request->url, "@odata.nextLink", skip, false);
	else if (!entra_state(c)->no_link)
		add_link(page, request->url, "@odata.deltaLink", delta, entra_state(c)->away);
	json_object_set_new(page, "value", list);
	provider_reply(response, 200, page);
}

static void answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	struct fake_entra *s = entra_state(c);
	USH_AUTO_FREE char *filter = provider_query(request->url, "$filter");
	struct place place = place_of(request->url);
	bool later = !place.begins && json_is_false(json_object_get(json_array_get(s->rounds, (size_t)place.round), "fresh"));
	bool kept = s->stale_later ? later : strstr(request->url, "$deltatoken=") != NULL;

	if (!is_delta(request->url)) {
		entra_answer(c, request, response);
		return;
	}
	if (!entra_lets_in(c, request, response))
		return;
	s->delta_gets++;
	if (kept && s->stale_status == 410) {
		provider_reply_header(response, "Location", ENTRA_BASE "/v1.0/groups/delta?$deltatoken=");
		entra_error(response, 410, "resyncRequired", "Resync required.");
	} else if (kept && s->stale_status != 0) {
		entra_error(response, s->stale_status, "syncStateNotFound",
			    "The sync state generation is not found. The delta token is expired and data must be synchronized again.");
	} else if (filter != NULL && strncmp(filter, "id eq ", 6) != 0) {
		entra_error(response, 400, "Request_UnsupportedQuery", "Filter is not supported.");
	} else {
		answer_delta(c, request, response);
	}
}

const struct contract_fake contract_entra_delta = {
	.kind = "entra",
	.variant = "changes",
	.traits = CONTRACT_NESTED | CONTRACT_DISABLED | CONTRACT_NULL_NAMES | CONTRACT_SAME_NAMES | CONTRACT_FREE_NAMES | CONTRACT_COUNTS | CONTRACT_LINKS |
		  CONTRACT_TOKEN,
	.group_page = 20,
	.settings = settings,
	.what = what,
	.answer = answer,
	.id = entra_id,
	.end = end,
};
