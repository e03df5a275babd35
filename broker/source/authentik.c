/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of authentik. What makes a listing complete: the pages were read up to the one whose `next` is 0, their number is
 * the `count` that every page told alike, every parent is listed, and a second reading has the same ids. Groups stand under
 * groups; since 2025.12 under several, and then the path goes by the parent that comes first. authentik lists a group's own
 * members and so does the claim in its tokens; with `inherit` members of the groups under it count too, as they do in
 * authentik's own policies.
 */
#include <string.h>

#include "broker/source/authentik.h"
#include "broker/source/listing.h"
#include "broker/source/roster.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define PAGE  100
#define PAGE_WITH_USERS 25 /* people come inline and unpaged, so such pages are large */
#define WIDTH 8

struct edge { /* ids of two groups */
	char *above, *below;
};

struct walk {
	struct ush_api api;
	const struct ush_source_question *question;
	struct ush_groups *groups;
	struct ush_listing listing;
	struct ush_roster roster;
	struct edge *edges;
	size_t edge_count;
	const char *people_name;
	bool with_users;   /* in the list, rather than group by group */
	char *base;        /* of the list that is read */
	size_t came, said; /* rows of this reading, and the count that its pages tell */
	bool counted;
	size_t *wanted, wanted_count; /* groups that are asked for one by one, and the question under way about each */
	char **targets;
};

static char *where(const struct ush_policy_source *source)
{
	return ush_printf("authentik %s", ush_source_place(ush_source_text(source, "url")));
}

static const char *advice(const struct ush_api *api, int status)
{
	(void)api;
	return status == 403 ? "authentik says so of a token that has run out, too; else give its user's role the global permission \"Can view Group\""
			     : NULL;
}

static const struct ush_api_kind kind = {.advice = advice};

/* ---- members ---- */

/* users are the keys and users_obj the people; who is in the one alone is not nobody. */
static int take_users(struct walk *walk, size_t group, const json_t *row, struct ush_error *err)
{
	const json_t *keys = json_object_get(row, "users"), *people = json_object_get(row, "users_obj");
	size_t i;
	json_t *user;

	if (!json_is_array(people))
		return ush_fail(err, USH_ERR_INCOMPLETE, "group \"%.100s\" comes without its members", walk->groups->items[group].name);
	ush_roster_reserve(&walk->roster, group + 1);
	json_array_foreach(people, i, user) {
		USH_AUTO_FREE char *id = ush_listing_text(user, "pk"), *name = ush_listing_text(user, walk->people_name);

		if (id != NULL)
			ush_roster_person(&walk->roster, id, name, json_is_false(json_object_get(user, "is_active")));
		ush_roster_join(&walk->roster, group, id);
	}
	for (i = json_array_size(people); i < json_array_size(keys); i++)
		ush_roster_join(&walk->roster, group, NULL);
	return 0;
}

/* ---- the list ---- */

/* All the groups above it: parents of 2025.12 and later, parent before. They are noted for `inherit`; the first by its id
 * gives the path. */
static const char *parent_of(struct walk *walk, const json_t *row)
{
	const json_t *parents = json_object_get(row, "parents");
	const char *id = ush_json_string(row, "pk"), *first = ush_json_string(row, "parent"), *above;
	bool note = walk->listing.reading == 0 && id != NULL;
	json_t *value;
	size_t i;

	if (!json_is_array(parents)) {
		if (note && first != NULL)
			USH_PUSH(walk->edges, walk->edge_count, ((struct edge){ush_strdup(first), ush_strdup(id)}));
		return first;
	}
	json_array_foreach(parents, i, value) {
		above = json_string_value(value);
		if (above != NULL && (first == NULL || strcmp(above, first) < 0))
			first = above;
		if (above != NULL && note)
			USH_PUSH(walk->edges, walk->edge_count, ((struct edge){ush_strdup(above), ush_strdup(id)}));
	}
	return first;
}

static int take_row(struct walk *walk, const json_t *row, struct ush_error *err)
{
	struct ush_listed group = {.id = ush_json_string(row, "pk"), .name = ush_json_string(row, "name"), .parent = parent_of(walk, row)};

	if (ush_listing_add(&walk->listing, &group, err) != 0)
		return -1;
	walk->came++;
	if (walk->listing.reading > 0 || !walk->with_users)
		return 0;
	return take_users(walk, walk->groups->count - 1, row, err);
}

static int take_count(struct walk *walk, const json_t *pagination, struct ush_error *err)
{
	const json_t *count = json_object_get(pagination, "count");

	if (!json_is_integer(count) || json_integer_value(count) < 0 || !json_is_integer(json_object_get(pagination, "next")))
		return ush_fail(err, USH_ERR_INCOMPLETE, "a page of groups does not say what comes next, or how many there are");
	if (walk->counted && walk->said != (size_t)json_integer_value(count))
		return ush_fail(err, USH_ERR_INCOMPLETE, "the number of groups changed while they were read");
	walk->counted = true;
	walk->said = (size_t)json_integer_value(count);
	return 0;
}

static int page(void *context, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct walk *walk = context;
	const json_t *pagination = ush_json_object(answer->body, "pagination"), *rows = ush_json_array(answer->body, "results");
	json_int_t number;
	json_t *row;
	size_t i;

	if (rows == NULL || take_count(walk, pagination, err) != 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "a page of groups has no results");
	json_array_foreach(rows, i, row)
		if (take_row(walk, row, err) != 0)
			return -1;
	number = json_integer_value(json_object_get(pagination, "next"));
	if (number > 0)
		*next = ush_printf("%s&page=%" JSON_INTEGER_FORMAT, walk->base, number);
	return 0;
}

static int check_count(const struct walk *walk, struct ush_error *err)
{
	char said[32], came[32];

	if (walk->came == walk->said)
		return 0;
	ush_fail(err, USH_ERR_INCOMPLETE, "it lists %s groups and counts %s", ush_thousands(walk->came, came, sizeof came),
		 ush_thousands(walk->said, said, sizeof said));
	return ush_hint(err, "If groups changed just now, the next run will do");
}

static int read_list(struct walk *walk, struct ush_error *err)
{
	bool users = walk->with_users && walk->listing.reading == 0;
	USH_AUTO_FREE char *target = NULL;
	struct ush_api_chain chain = {.what = "groups", .page = page, .context = walk};

	free(walk->base);
	walk->base = ush_printf("/api/v3/core/groups/?page_size=%d&include_users=%s", users ? PAGE_WITH_USERS : PAGE, users ? "true" : "false");
	chain.target = target = ush_printf("%s&page=1", walk->base);
	walk->came = walk->said = 0;
	walk->counted = false;
	return ush_api_chain(&walk->api, &chain, err) != 0 ? -1 : check_count(walk, err);
}

/* ---- members, group by group ---- */

static int ask_group(void *context, size_t index, struct ush_api_get *get, struct ush_error *err)
{
	struct walk *walk = context;
	const struct ush_group *group = &walk->groups->items[walk->wanted[index]];
	USH_AUTO_BUF id = {0};

	(void)err;
	ush_url_encode(&id, group->id);
	walk->targets[index] = ush_printf("/api/v3/core/groups/%s/?include_users=true", id.data);
	*get = (struct ush_api_get){.target = walk->targets[index], .what = group->path};
	return 0;
}

static int take_group(void *context, size_t index, struct ush_api_answer *answer, struct ush_error *err)
{
	struct walk *walk = context;
	const struct ush_group *group = &walk->groups->items[walk->wanted[index]];

	if (ush_listing_is(group->id, json_object_get(answer->body, "pk"), group->path, err) != 0)
		return -1;
	return take_users(walk, walk->wanted[index], answer->body, err);
}

/* Members of a group under another are members of that one: an edge to each of its parents, where all of them are listed. */
static void nest(struct walk *walk)
{
	for (size_t i = 0; i < walk->edge_count && ush_source_flag(walk->api.source, "inherit"); i++) {
		long outer = ush_listing_find(&walk->listing, walk->edges[i].above), inner = ush_listing_find(&walk->listing, walk->edges[i].below);

		if (outer >= 0 && inner >= 0)
			ush_roster_nest(&walk->roster, (size_t)outer, (size_t)inner);
	}
}

static int read_members(struct walk *walk, struct ush_error *err)
{
	struct ush_api_many many = {.width = WIDTH, .get = ask_group, .answer = take_group, .context = walk};
	size_t count = walk->groups->count;
	USH_AUTO_FREE bool *reached = ush_alloc((count + 1) * sizeof *reached), *wanted = ush_alloc((count + 1) * sizeof *wanted);

	ush_roster_reserve(&walk->roster, count);
	nest(walk);
	for (size_t i = 0; i < count; i++)
		reached[i] = wanted[i] = ush_source_wants_members(walk->question, &walk->groups->items[i]);
	ush_roster_reach(&walk->roster, reached);
	for (size_t i = 0; i < count && !walk->with_users; i++)
		if (reached[i])
			USH_PUSH(walk->wanted, walk->wanted_count, i);
	walk->targets = ush_alloc((walk->wanted_count + 1) * sizeof *walk->targets);
	many.count = walk->wanted_count;
	if (ush_api_get_many(&walk->api, &many, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (wanted[i])
			ush_roster_fill(&walk->roster, i, &walk->groups->items[i]);
	return 0;
}

/* ---- all of it ---- */

static void walk_free(struct walk *walk)
{
	for (size_t i = 0; i < walk->edge_count; i++) {
		free(walk->edges[i].above);
		free(walk->edges[i].below);
	}
	for (size_t i = 0; walk->targets != NULL && i < walk->wanted_count; i++)
		free(walk->targets[i]);
	free(walk->edges);
	free(walk->targets);
	free(walk->wanted);
	free(walk->base);
	ush_roster_free(&walk->roster);
	ush_listing_free(&walk->listing);
	ush_api_close(&walk->api);
}

static int read_all(struct walk *walk, struct ush_error *err)
{
	if (read_list(walk, err) != 0 || ush_listing_paths(&walk->listing, err) != 0 || read_members(walk, err) != 0)
		return -1;
	ush_listing_again(&walk->listing);
	return read_list(walk, err);
}

static int read_authentik(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
			  struct ush_error *err)
{
	const char *name = ush_source_text(question->source, "peopleName");
	struct walk walk = {.question = question, .groups = groups, .listing = {.groups = groups}, .people_name = name != NULL ? name : "username",
			    .with_users = question->all_members && !question->no_members};
	struct ush_error why = {0};
	int result = ush_api_open(&walk.api, world, question->source, &kind, NULL, err);

	if (result == 0) {
		result = read_all(&walk, &why);
		if (result == 0 && ush_listing_agrees(&walk.listing))
			groups->proof = ush_printf("every page read and counted; the groups read twice; members are %s",
						   ush_source_flag(question->source, "inherit") ? "a group's own and those of the groups under it"
												: "a group's own, as in authentik's tokens");
		result = ush_api_settle(&walk.api, result, &why, groups, err);
	}
	walk_free(&walk);
	return result;
}

const struct ush_source_ops ush_source_authentik = {"authentik", where, read_authentik, ush_authentik_revoke};
