/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of a SCIM 2.0 server (RFC 7643, RFC 7644). What makes a listing complete: pages up to the empty one or the last
 * cursor, totalResults that is the number of groups, none that came twice (pages by index skip and repeat rows when groups
 * change), and a second reading with the same ids. Members are read group by group; a member may be a group, and then its
 * members count, however deep, in circles too. What people are called is read from /Users.
 */
#include <search.h>
#include <string.h>
#include <strings.h>

#include "broker/source/listing.h"
#include "broker/source/roster.h"
#include "broker/source/scim_list.h"
#include "common/base/memory.h"

#define WIDTH 8
#define FEW   10 /* people who are asked for one by one rather than by the list of all */
#define USER_ATTRIBUTES "attributes=userName,active,emails,externalId"

struct node { /* a group by its id, listed or only a member of one that is; its number is that of the roster */
	char *id;
	size_t number;
};

struct walk {
	struct ush_api api;
	const struct ush_source_question *question;
	struct ush_groups *groups;
	struct ush_listing listing;
	struct ush_scim_paging paging;
	struct ush_roster roster;
	void *nodes;            /* tree */
	struct ush_list ids;    /* of nodes, by number */
	struct ush_list people; /* ids of those who are asked for one by one */
	const size_t *round;    /* numbers of the groups that are asked for now */
	char **targets;
	size_t target_count;
};

static char *where(const struct ush_policy_source *source)
{
	return ush_printf("scim %s", ush_source_place(ush_source_text(source, "url")));
}

static const struct ush_api_kind kind = {.accept = "application/scim+json, application/json"};

static void forget_targets(struct walk *walk)
{
	for (size_t i = 0; i < walk->target_count; i++)
		free(walk->targets[i]);
	free(ush_steal(&walk->targets));
	walk->target_count = 0;
}

/* "/Groups/ID?query", kept until forget_targets. */
static const char *target(struct walk *walk, const char *resource, const char *id, const char *query)
{
	USH_AUTO_BUF encoded = {0};

	ush_url_encode(&encoded, id);
	USH_PUSH(walk->targets, walk->target_count, ush_printf("%s/%s?%s", resource, encoded.data, query));
	return walk->targets[walk->target_count - 1];
}

/* ---- groups ---- */

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->id, ((const struct node *)b)->id);
}

static void free_node(void *node)
{
	free(((struct node *)node)->id);
	free(node);
}

/* The number of the group with this id, which is given one if it has none. */
static size_t number_of(struct walk *walk, const char *id)
{
	struct node *node = ush_new(struct node), **found;

	*node = (struct node){ush_strdup(id), walk->ids.count};
	found = tsearch(node, &walk->nodes, by_id);
	if (*found == node) {
		ush_list_add(&walk->ids, id);
		ush_roster_reserve(&walk->roster, walk->ids.count);
	} else {
		free_node(node);
	}
	return (*found)->number;
}

static int take_group(void *context, const json_t *row, struct ush_error *err)
{
	struct walk *walk = context;
	USH_AUTO_FREE char *id = ush_scim_text(row, "id"), *name = ush_scim_text(row, "displayName"), *path = NULL;
	struct ush_listed group = {.id = id, .name = name};

	group.path = path = ush_printf("/%s", name != NULL ? name : "");
	if (ush_listing_add(&walk->listing, &group, err) != 0)
		return -1;
	if (walk->listing.reading == 0)
		number_of(walk, id); /* that of its place in groups->items */
	return 0;
}

static int read_groups(struct walk *walk, struct ush_error *err)
{
	const char *filter = ush_source_text(walk->api.source, "filter");
	USH_AUTO_BUF query = {0};
	struct ush_scim_list list = {.resource = "/Groups", .what = "groups", .row = take_group, .context = walk};

	ush_buf_puts(&query, "&excludedAttributes=members");
	if (filter != NULL) {
		ush_buf_puts(&query, "&filter=");
		ush_url_encode(&query, filter);
	}
	list.query = query.data;
	return ush_scim_list(&walk->api, &walk->paging, &list, err);
}

/* ---- members ---- */

/* `type` is optional; then $ref tells, and else the list of groups. */
static bool is_group(const struct walk *walk, const json_t *member, const char *id)
{
	const char *type = json_string_value(ush_scim_attr(member, "type")), *ref = json_string_value(ush_scim_attr(member, "$ref"));
	struct node probe = {.id = (char *)id};

	if (type != NULL && strcasecmp(type, "Group") == 0)
		return true;
	if (type != NULL && strcasecmp(type, "User") == 0)
		return false;
	if (ref != NULL && (strstr(ref, "/Groups/") != NULL || strstr(ref, "/Users/") != NULL))
		return strstr(ref, "/Groups/") != NULL;
	return tfind(&probe, &walk->nodes, by_id) != NULL;
}

static int ask_members(void *context, size_t index, struct ush_api_get *get, struct ush_error *err)
{
	struct walk *walk = context;
	size_t number = walk->round[index];

	(void)err;
	*get = (struct ush_api_get){.target = target(walk, "/Groups", walk->ids.items[number], "attributes=members"), .what = "members of a group",
				    .allow404 = number >= walk->groups->count};
	if (number < walk->groups->count)
		get->what = walk->groups->items[number].path;
	return 0;
}

static int take_members(void *context, size_t index, struct ush_api_answer *answer, struct ush_error *err)
{
	struct walk *walk = context;
	size_t number = walk->round[index], i;
	const json_t *members = ush_scim_attr(answer->body, "members");
	json_t *member;

	if (answer->status == 404) { /* a member that is no group any more: somebody, and nobody knows who */
		ush_roster_join(&walk->roster, number, NULL);
		return 0;
	}
	if (ush_listing_is(walk->ids.items[number], ush_scim_attr(answer->body, "id"), walk->ids.items[number], err) != 0)
		return -1;
	if (!json_is_object(answer->body) || (members != NULL && !json_is_null(members) && !json_is_array(members)))
		return ush_fail(err, USH_ERR_INCOMPLETE, "group %.80s: its members are no list", walk->ids.items[number]);
	json_array_foreach(members, i, member) {
		USH_AUTO_FREE char *id = ush_scim_text(member, "value");

		if (id == NULL || !is_group(walk, member, id))
			ush_roster_join(&walk->roster, number, id);
		else if (walk->ids.count < USH_GROUPS_MAX)
			ush_roster_nest(&walk->roster, number, number_of(walk, id));
		else
			return ush_fail(err, USH_ERR_INCOMPLETE, "more than %d groups", USH_GROUPS_MAX);
	}
	return 0;
}

/* Groups that are wanted, then the groups in them, then those in these, until there is no new one. */
static int read_members(struct walk *walk, const bool *wanted, struct ush_error *err)
{
	USH_AUTO_FREE bool *asked = ush_alloc((USH_GROUPS_MAX + 1) * sizeof *asked), *reached = ush_alloc((USH_GROUPS_MAX + 1) * sizeof *reached);
	struct ush_api_many many = {.width = WIDTH, .get = ask_members, .answer = take_members, .context = walk};
	int result = 0;

	memcpy(reached, wanted, walk->groups->count * sizeof *reached);
	do {
		USH_AUTO_FREE size_t *round = ush_alloc((walk->ids.count + 1) * sizeof *round);

		ush_roster_reach(&walk->roster, reached);
		many.count = 0;
		for (size_t i = 0; i < walk->ids.count; i++)
			if (reached[i] && !asked[i])
				asked[round[many.count++] = i] = true;
		walk->round = round;
		result = ush_api_get_many(&walk->api, &many, err);
		forget_targets(walk);
	} while (result == 0 && many.count > 0);
	return result;
}

/* ---- people ---- */

/* The primary address, else the first (RFC 7643 section 4.1.2). */
static char *address(const json_t *user)
{
	const json_t *all = ush_scim_attr(user, "emails"), *best = json_array_get(all, 0);
	json_t *one;
	size_t i;

	json_array_foreach(all, i, one)
		if (json_is_true(ush_scim_attr(one, "primary")))
			best = one;
	return ush_scim_text(best, "value");
}

static bool inactive(const json_t *user)
{
	const json_t *active = ush_scim_attr(user, "active");

	return json_is_false(active) || (json_is_string(active) && strcasecmp(json_string_value(active), "false") == 0);
}

static int take_user(void *context, const json_t *user, struct ush_error *err)
{
	struct walk *walk = context;
	const char *what = ush_source_text(walk->api.source, "peopleName");
	USH_AUTO_FREE char *id = ush_scim_text(user, "id"), *name = NULL;

	if (id == NULL)
		return ush_fail(err, USH_ERR_INCOMPLETE, "a user has no id");
	name = what != NULL && strcmp(what, "email") == 0 ? address(user) : ush_scim_text(user, what != NULL ? what : "userName");
	ush_roster_person(&walk->roster, id, name, inactive(user));
	return 0;
}

static int ask_user(void *context, size_t index, struct ush_api_get *get, struct ush_error *err)
{
	struct walk *walk = context;

	(void)err;
	*get = (struct ush_api_get){.target = target(walk, "/Users", walk->people.items[index], USER_ATTRIBUTES), .what = "a user", .allow404 = true};
	return 0;
}

static int answer_user(void *context, size_t index, struct ush_api_answer *answer, struct ush_error *err)
{
	(void)index;
	return answer->status == 404 ? 0 : take_user(context, answer->body, err);
}

/* Whom the groups name, or those of them that the list of users did not have. */
static void collect_people(struct walk *walk)
{
	ush_list_free(&walk->people);
	ush_roster_strangers(&walk->roster, &walk->people);
}

static int read_people(struct walk *walk, struct ush_error *err)
{
	struct ush_scim_list list = {.resource = "/Users", .query = "&" USER_ATTRIBUTES, .what = "users", .row = take_user, .context = walk};
	struct ush_api_many many = {.width = WIDTH, .get = ask_user, .answer = answer_user, .context = walk};
	int result;

	collect_people(walk);
	if (walk->people.count > FEW) {
		if (ush_scim_list(&walk->api, &walk->paging, &list, err) != 0)
			return -1;
		collect_people(walk);
	}
	many.count = walk->people.count;
	result = ush_api_get_many(&walk->api, &many, err);
	forget_targets(walk);
	return result;
}

/* ---- all of it ---- */

static int read_all(struct walk *walk, struct ush_error *err)
{
	USH_AUTO_FREE bool *wanted = NULL;

	if (ush_scim_paging(&walk->api, &walk->paging, err) != 0 || read_groups(walk, err) != 0)
		return -1;
	wanted = ush_alloc((walk->groups->count + 1) * sizeof *wanted);
	for (size_t i = 0; i < walk->groups->count; i++)
		wanted[i] = ush_source_wants_members(walk->question, &walk->groups->items[i]);
	if (read_members(walk, wanted, err) != 0 || read_people(walk, err) != 0)
		return -1;
	for (size_t i = 0; i < walk->groups->count; i++)
		if (wanted[i])
			ush_roster_fill(&walk->roster, i, &walk->groups->items[i]);
	ush_listing_again(&walk->listing);
	return read_groups(walk, err);
}

static void walk_free(struct walk *walk)
{
	forget_targets(walk);
	tdestroy(walk->nodes, free_node);
	ush_list_free(&walk->ids);
	ush_list_free(&walk->people);
	ush_roster_free(&walk->roster);
	ush_listing_free(&walk->listing);
	ush_api_close(&walk->api);
}

static int read_scim(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
		     struct ush_error *err)
{
	struct walk walk = {.question = question, .groups = groups, .listing = {.groups = groups}};
	struct ush_error why = {0};
	int result = ush_api_open(&walk.api, world, question->source, &kind, NULL, err);

	if (result == 0) {
		result = read_all(&walk, &why);
		if (result == 0 && ush_listing_agrees(&walk.listing))
			groups->proof = ush_printf("every page read by %s%s; the groups read twice", walk.paging.cursor ? "cursor" : "index",
						   walk.paging.uncounted ? "" : ", as many as totalResults");
		result = ush_api_settle(&walk.api, result, &why, groups, err);
	}
	walk_free(&walk);
	return result;
}

const struct ush_source_ops ush_source_scim = {"scim", where, read_scim, ush_scim_revoke};
