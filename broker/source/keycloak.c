/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups from Keycloak's admin REST. What makes a listing complete: every level was read to its last page, no group came
 * twice (pages are by offset and shift when somebody adds or removes a group), and /groups/count, asked before and
 * after, gives just that number. The count matters most where the answer is politest: without the role view-users the
 * list is 200 and empty while the count tells the truth.
 */
#include <search.h>
#include <string.h>

#include "broker/source/keycloak_api.h"
#include "broker/source/source.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"
#include "common/net/http.h"

#define DEPTH_MAX 32

struct parent {
	char *id, *path;
	unsigned int depth;
};

struct walk {
	struct ush_keycloak kc;
	const struct ush_source_question *question;
	struct ush_groups *groups;
	void *seen;             /* tree of ids */
	struct parent *parents; /* groups whose children are still to be read, level by level */
	size_t parent_count;
	const char *parent_path; /* of the listing that is being read, and its depth */
	unsigned int depth;
};

static char *where(const struct ush_policy_source *source)
{
	const char *url = ush_source_text(source, "url"), *after = strstr(url, "://");

	return ush_printf("keycloak %s/%s", after != NULL ? after + 3 : url, ush_source_text(source, "realm"));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* 0 when id is new to the tree, -1 when it was there. */
static int see(void **tree, const char *id)
{
	char *copy = ush_strdup(id);
	char **found = tsearch(copy, tree, by_text);

	if (*found == copy)
		return 0;
	free(copy);
	return -1;
}

/* ---- groups ---- */

static int take_group(void *context, const json_t *item, struct ush_error *err)
{
	struct walk *walk = context;
	const char *id = ush_json_string(item, "id"), *name = ush_json_string(item, "name");
	const json_t *below = json_object_get(item, "subGroupCount");
	USH_AUTO_FREE char *path = NULL;

	if (id == NULL || *id == '\0' || name == NULL || *name == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "a group has no id or no name");
	if (see(&walk->seen, id) != 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "group \"%s\" came twice: pages repeat, or groups changed while they were read", name);
	if (walk->groups->count >= USH_GROUPS_MAX)
		return ush_fail(err, USH_ERR_INCOMPLETE, "more than %d groups", USH_GROUPS_MAX);
	path = ush_printf("%s/%s", walk->parent_path, name);
	ush_groups_add(walk->groups, id, name, path);
	if (json_integer_value(below) > 0)
		USH_PUSH(walk->parents, walk->parent_count, ((struct parent){ush_strdup(id), ush_steal(&path), walk->depth}));
	return 0;
}

static int read_children(struct walk *walk, const struct parent *parent, struct ush_error *err)
{
	USH_AUTO_BUF url = {0};
	USH_AUTO_FREE char *what = ush_printf("the groups under %s", parent->path);

	if (parent->depth >= DEPTH_MAX)
		return ush_fail(err, USH_ERR_INCOMPLETE, "groups nest deeper than %d", DEPTH_MAX);
	ush_buf_puts(&url, "/groups/");
	ush_url_encode(&url, parent->id);
	ush_buf_puts(&url, "/children?briefRepresentation=true");
	walk->parent_path = parent->path;
	walk->depth = parent->depth + 1;
	return ush_keycloak_list(&walk->kc, url.data, what, take_group, walk, err);
}

static int read_levels(struct walk *walk, struct ush_error *err)
{
	walk->parent_path = "";
	if (ush_keycloak_list(&walk->kc, "/groups?briefRepresentation=true", "groups", take_group, walk, err) != 0)
		return -1;
	for (size_t i = 0; i < walk->parent_count; i++) {
		struct parent parent = walk->parents[i]; /* the array may move while it grows */

		if (read_children(walk, &parent, err) != 0)
			return -1;
	}
	return 0;
}

static int read_count(struct walk *walk, size_t *count, struct ush_error *err)
{
	USH_AUTO_JSON answer = NULL;
	const json_t *number;

	if (ush_keycloak_get(&walk->kc, "/groups/count", "the count of groups", &answer, err) != 0)
		return -1;
	number = json_object_get(answer, "count");
	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "the count of groups is no number");
	*count = (size_t)json_integer_value(number);
	return 0;
}

/* ---- members ---- */

struct member_walk {
	struct ush_group *group;
	void *seen;
};

static int take_member(void *context, const json_t *item, struct ush_error *err)
{
	struct member_walk *walk = context;
	const char *id = ush_json_string(item, "id"), *name = ush_json_string(item, "username");

	if (id == NULL || name == NULL || *name == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "a member of %s has no id or no username", walk->group->path);
	if (see(&walk->seen, id) != 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "a member of %s came twice: pages repeat, or the group changed while it was read", walk->group->path);
	if (json_is_true(json_object_get(item, "enabled")))
		ush_list_add(&walk->group->members, name);
	else
		walk->group->disabled++;
	return 0;
}

static int read_members(struct walk *walk, struct ush_group *group, struct ush_error *err)
{
	USH_AUTO_BUF url = {0};
	USH_AUTO_FREE char *what = ush_printf("the members of %s", group->path);
	struct member_walk members = {.group = group};
	int result;

	ush_buf_puts(&url, "/groups/");
	ush_url_encode(&url, group->id);
	ush_buf_puts(&url, "/members?briefRepresentation=true");
	group->members_known = true;
	result = ush_keycloak_list(&walk->kc, url.data, what, take_member, &members, err);
	tdestroy(members.seen, free);
	return result;
}

/* ---- all of it ---- */

static int check_count(struct walk *walk, size_t before, size_t after, struct ush_error *err)
{
	size_t count = walk->groups->count;
	char said[32], came[32];

	if (before == count && after == count)
		return 0;
	ush_fail(err, USH_ERR_INCOMPLETE, "it lists %s groups and counts %s", ush_thousands(count, came, sizeof came),
		 ush_thousands(before == count ? after : before, said, sizeof said));
	if (count == 0)
		return ush_hint(err, "Give the service account of client %s the role view-users of realm-management", ush_source_text(walk->kc.source, "client"));
	return ush_hint(err, "If groups changed just now, the next run will do");
}

static int read_all(struct walk *walk, struct ush_error *err)
{
	size_t before, after;

	if (read_count(walk, &before, err) != 0 || read_levels(walk, err) != 0)
		return -1;
	for (size_t i = 0; i < walk->groups->count; i++)
		if (ush_source_wants_members(walk->question, &walk->groups->items[i]) && read_members(walk, &walk->groups->items[i], err) != 0)
			return -1;
	return read_count(walk, &after, err) != 0 ? -1 : check_count(walk, before, after, err);
}

static int read_keycloak(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
			 struct ush_error *err)
{
	struct walk walk = {.question = question, .groups = groups};
	struct ush_error why = {0};
	int result = ush_keycloak_open(&walk.kc, world, question->source, err);

	if (result == 0 && read_all(&walk, &why) != 0) {
		ush_groups_incomplete(groups, "%s", why.what);
		groups->advice = why.hint[0] != '\0' ? ush_strdup(why.hint) : NULL;
	} else if (result == 0) {
		groups->proof = ush_strdup("every page read; counted before and after");
	}
	tdestroy(walk.seen, free);
	for (size_t i = 0; i < walk.parent_count; i++) {
		free(walk.parents[i].id);
		free(walk.parents[i].path);
	}
	free(walk.parents);
	ush_keycloak_close(&walk.kc);
	return result;
}

const struct ush_source_ops ush_source_keycloak = {"keycloak", where, read_keycloak};
