/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading changes alone: /groups/delta with direct members, and /users/delta for what people are called, where somebody
 * asks about people. The first reading is a whole one; from then on Graph tells what changed since the link that is kept.
 * A link lives seven days; one that has run out (400 or 404 syncStateNotFound, 410), or a page after it that has, begins
 * anew. Changes say nothing about what they forgot, so the number of groups is asked apart each time; when it differs, all
 * is read anew in the same run.
 */
#include <search.h>
#include <string.h>

#include "broker/source/entra.h"
#include "broker/source/entra_kept.h"
#include "common/base/memory.h"
#include "common/data/json.h"

struct follow {
	struct ush_entra *entra;
	struct ush_kept *kept;
	enum ush_kept_list list;
	char *link; /* the deltaLink at the end */
	size_t changes;
};

static const char *const whats[] = {[USH_KEPT_GROUPS] = "changes of groups", [USH_KEPT_USERS] = "changes of users"};

/* ---- one list of changes, to its end ---- */

static bool leads_back(const struct ush_api *api, const char *link)
{
	size_t length = strlen(api->base);

	return strncmp(link, api->base, length) == 0 && link[length] == '/';
}

static int take_changes(void *context, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct follow *follow = context;
	const json_t *list = ush_json_array(answer->body, "value");
	const char *link = ush_json_string(answer->body, "@odata.deltaLink");
	json_t *item;
	size_t i;

	if (list == NULL)
		return ush_fail(err, USH_ERR_INCOMPLETE, "Graph's answer holds no list");
	json_array_foreach(list, i, item)
		if (ush_kept_merge(follow->kept, follow->list, item, err) != 0)
			return -1;
	follow->changes += json_array_size(list);
	ush_entra_pace(&follow->entra->r.api, &answer->response);
	if (ush_entra_next(answer->body, whats[follow->list], next, err) != 0)
		return -1;
	if (*next == NULL && link == NULL)
		return ush_fail(err, USH_ERR_INCOMPLETE, "the %s end without a deltaLink", whats[follow->list]);
	if (*next == NULL && !leads_back(&follow->entra->r.api, link)) /* it is kept: it would stop every later reading */
		return ush_fail(err, USH_ERR_INCOMPLETE, "the %s are said to go on at \"%.100s\"", whats[follow->list], link);
	if (*next == NULL)
		follow->link = ush_strdup(link);
	return 0;
}

/* From the kept link to the end of the round. *stale: Graph does not know it any more, or a page after it. */
static int resume(struct follow *follow, const char *link, bool *stale, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_strdup(link);
	void *seen = NULL;
	int result = 0;

	while (result == 0 && target != NULL && !*stale) {
		USH_AUTO_FREE char *asked = ush_steal(&target);
		const struct ush_api_get get = {.target = asked, .what = whats[follow->list], .allow404 = true, .allow_stale = true};
		USH_AUTO_API_ANSWER answer = {0};

		if (ush_seen_add(&seen, asked))
			result = ush_api_get(&follow->entra->r.api, &get, &answer, err);
		else
			result = ush_fail(err, USH_ERR_INCOMPLETE, "the %s lead back to a page that was read: the pages go round in a circle", get.what);
		*stale = result == 0 && answer.status != 200;
		if (result == 0 && !*stale)
			result = take_changes(follow, &answer, &target, err);
	}
	ush_seen_free(&seen);
	return result;
}

static char *from_the_start(const struct ush_api *api, enum ush_kept_list list)
{
	if (list == USH_KEPT_GROUPS)
		return ush_entra_list(api, "groups/delta", "$select=displayName,visibility,members");
	return ush_strdup("/v1.0/users/delta?$select=userPrincipalName,mail,accountEnabled");
}

/* *fresh tells that all was read, not changes alone. */
static int follow_list(struct ush_entra *entra, struct ush_kept *kept, enum ush_kept_list list, bool *fresh, size_t *changes, struct ush_error *err)
{
	struct follow follow = {.entra = entra, .kept = kept, .list = list};
	USH_AUTO_FREE char *link = ush_strdup(ush_kept_link(kept, list)), *target = NULL;
	struct ush_api_chain chain = {.what = whats[list], .page = take_changes, .context = &follow};
	int result = 0;

	entra->r.api.kind = &ush_entra_directory;
	*fresh = link == NULL;
	if (link != NULL)
		result = resume(&follow, link, fresh, err);
	if (result == 0 && *fresh) {
		ush_kept_go_on(kept, list, NULL);
		follow.changes = 0;
		chain.target = target = from_the_start(&entra->r.api, list);
		result = ush_api_chain(&entra->r.api, &chain, err);
	}
	if (result == 0)
		ush_kept_go_on(kept, list, follow.link);
	*changes += follow.changes;
	free(follow.link);
	return result;
}

/* ---- the number of groups, asked apart ---- */

static int ask_count(struct ush_entra *entra, size_t *count, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_entra_list(&entra->r.api, "groups", "$select=id&$top=1&$count=true");
	const struct ush_api_get get = {.target = target, .what = "the count of groups"};
	USH_AUTO_API_ANSWER answer = {0};
	const json_t *number;

	entra->r.api.kind = &ush_entra_index;
	if (ush_api_get(&entra->r.api, &get, &answer, err) != 0)
		return -1;
	number = json_object_get(answer.body, "@odata.count");
	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "the count of groups is no number");
	*count = (size_t)json_integer_value(number);
	return 0;
}

static size_t living(const struct ush_kept *kept)
{
	size_t count = 0;
	const char *id;
	json_t *group;

	json_object_foreach((json_t *)ush_kept_items(kept, USH_KEPT_GROUPS), id, group)
		count += json_object_get(group, "gone") == NULL;
	return count;
}

static int follow_groups(struct ush_entra *entra, struct ush_kept *kept, bool *fresh, size_t *changes, struct ush_error *err)
{
	size_t count = 0;
	char had[32], said[32];

	if (follow_list(entra, kept, USH_KEPT_GROUPS, fresh, changes, err) != 0 || ask_count(entra, &count, err) != 0)
		return -1;
	if (count != living(kept) && !*fresh) {
		ush_kept_go_on(kept, USH_KEPT_GROUPS, NULL);
		if (follow_list(entra, kept, USH_KEPT_GROUPS, fresh, changes, err) != 0 || ask_count(entra, &count, err) != 0)
			return -1;
	}
	if (count == living(kept) && (count > 0 || ush_source_has(entra->r.api.source, "filter")))
		return 0;
	if (count == 0 && living(kept) == 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "Graph shows no group at all");
	ush_fail(err, USH_ERR_INCOMPLETE, "changes come to %s groups, and Graph counts %s", ush_thousands(living(kept), had, sizeof had),
		 ush_thousands(count, said, sizeof said));
	return ush_hint(err, "If groups changed just now, the next run will do");
}

/* ---- members of members ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct flatten {
	struct ush_entra *entra;
	const json_t *groups, *users;
	struct ush_group *group;
	void *seen; /* ids of groups and people; borrowed */
	const char **open; /* groups whose members are still to be looked at */
	size_t open_count;
};

/* A group in the group: its people, too, unless somebody hides them. */
static void add_group(struct flatten *flat, const char *id, const json_t *group)
{
	bool hidden = json_is_true(json_object_get(group, "hidden")) && json_object_size(json_object_get(group, "members")) == 0;

	if (group == NULL || hidden)
		flat->group->unresolvable++; /* the filter leaves it out, or it hides its members: who is in it cannot be told */
	else if (json_object_get(group, "gone") == NULL)
		USH_PUSH(flat->open, flat->open_count, id);
}

static void add_person(struct flatten *flat, const char *id, const json_t *user)
{
	const char *key = ush_source_text(flat->entra->r.api.source, "peopleName");
	const char *name = key != NULL && strcmp(key, "id") == 0 ? id : ush_entra_name(&flat->entra->r.api, user);
	enum ush_person state = user != NULL ? ush_entra_state(user) : USH_PERSON_UNKNOWN;

	if (state == USH_PERSON_DISABLED)
		flat->group->disabled++;
	else if (state == USH_PERSON_UNKNOWN || name == NULL || *name == '\0')
		flat->group->unresolvable++;
	else
		ush_members_add(&flat->group->members, name);
}

static void add_member(struct flatten *flat, const char *id, enum ush_kept_kind kind)
{
	const json_t *group = json_object_get(flat->groups, id), *user = json_object_get(flat->users, id);

	if (kind == USH_KEPT_OTHER || *(const char **)tsearch(id, &flat->seen, by_text) != id)
		return; /* a device, a program; or somebody who came by another way, or a circle of groups */
	if (kind == USH_KEPT_GROUP || (kind == USH_KEPT_ANY && group != NULL))
		add_group(flat, id, group);
	else if (json_object_get(user, "gone") == NULL) /* who is deleted leaves his groups, whether they tell of it or not */
		add_person(flat, id, user);
}

static void keep(void *text)
{
	(void)text; /* ids belong to what is kept */
}

static void flatten(struct flatten *flat)
{
	flat->group->members_known = true;
	tsearch(flat->group->id, &flat->seen, by_text);
	USH_PUSH(flat->open, flat->open_count, flat->group->id);
	while (flat->open_count > 0) {
		const json_t *group = json_object_get(flat->groups, flat->open[--flat->open_count]);
		const char *id;
		json_t *kind;

		json_object_foreach(json_object_get(group, "members"), id, kind)
			add_member(flat, id, (enum ush_kept_kind)json_integer_value(kind));
	}
	tdestroy(flat->seen, keep);
	flat->seen = NULL;
}

/* ---- all of it ---- */

static int tell_groups(struct ush_entra *entra, const struct ush_kept *kept, struct ush_error *err)
{
	const char *id;
	json_t *group;

	json_object_foreach((json_t *)ush_kept_items(kept, USH_KEPT_GROUPS), id, group)
		if (json_object_get(group, "gone") == NULL && ush_reading_group(&entra->r, id, ush_json_string(group, "name"), -1, err) != 0)
			return -1;
	return 0;
}

static bool wants_people(const struct ush_entra *entra)
{
	const struct ush_groups *groups = entra->r.groups;

	for (size_t i = 0; i < groups->count; i++)
		if (ush_source_wants_members(entra->r.question, &groups->items[i]))
			return true;
	return false;
}

static int tell_people(struct ush_entra *entra, const struct ush_kept *kept, struct ush_error *err)
{
	struct flatten flat = {.entra = entra, .groups = ush_kept_items(kept, USH_KEPT_GROUPS), .users = ush_kept_items(kept, USH_KEPT_USERS)};
	struct ush_groups *groups = entra->r.groups;
	int result = 0;

	for (size_t i = 0; i < groups->count && result == 0; i++) {
		const json_t *group = json_object_get(flat.groups, groups->items[i].id);

		if (!ush_source_wants_members(entra->r.question, &groups->items[i]))
			continue;
		flat.group = &groups->items[i];
		flatten(&flat);
		if (json_is_true(json_object_get(group, "hidden")) && json_object_size(json_object_get(group, "members")) == 0)
			result = ush_entra_hidden(flat.group->path, err);
	}
	free(flat.open);
	return result;
}

int ush_entra_changes(struct ush_entra *entra, struct ush_error *err)
{
	const struct ush_policy_source *source = entra->r.api.source;
	USH_AUTO_KEPT kept = {0};
	bool fresh, people, fresh_users = false;
	size_t changes = 0;

	ush_kept_load(&kept, source, entra->r.api.base);
	if (follow_groups(entra, &kept, &fresh, &changes, err) != 0 || tell_groups(entra, &kept, err) != 0)
		return -1;
	people = wants_people(entra);
	if (people && (follow_list(entra, &kept, USH_KEPT_USERS, &fresh_users, &changes, err) != 0 || tell_people(entra, &kept, err) != 0))
		return -1;
	entra->r.groups->proof = ush_printf("%zu changes read to their end%s; as many groups as Graph counts%s", changes, fresh ? ", from the start" : "",
					    people ? "; groups in groups followed here" : "");
	ush_kept_save(&kept, entra->r.groups);
	return 0;
}
