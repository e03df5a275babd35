/* SPDX-License-Identifier: Apache-2.0
 *
 * The store of what is pushed: against a model that could not be simpler, through restarts and torn ends.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "broker/source/file_tree.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/pushed.h"
#include "tests/support/tap.h"

/* ---- against a model ---- */

#define USERS  12
#define GROUPS 6

struct model {
	char *users[USERS], *groups[GROUPS]; /* ids; NULL: not there */
	int names[USERS];
	bool active[USERS], in[GROUPS][USERS];
};

static void make_user(struct ush_room *room, struct model *model, size_t i)
{
	USH_AUTO_FREE char *name = ush_printf("user-%d", model->names[i] = (int)(pushed_next() % 1000000) * USERS + (int)i);

	model->users[i] = pushed_make(room, "/Users", "userName", name);
	model->active[i] = true;
}

static void drop_user(struct ush_room *room, struct model *model, size_t i)
{
	USH_AUTO_FREE char *path = ush_printf("/Users/%s", model->users[i]);

	ck_assert_int_eq(pushed_ask(room, "DELETE", path, NULL, NULL), 204);
	free(ush_steal(&model->users[i]));
	for (size_t g = 0; g < GROUPS; g++)
		model->in[g][i] = false;
}

static void switch_user(struct ush_room *room, struct model *model, size_t i)
{
	USH_AUTO_FREE char *path = ush_printf("/Users/%s", model->users[i]);
	USH_AUTO_JSON body = NULL;

	model->active[i] = !model->active[i];
	body = json_pack("{s:[{s:s, s:{s:b}}]}", "Operations", "op", "replace", "value", "active", model->active[i]);
	ck_assert_int_eq(pushed_ask(room, "PATCH", path, body, NULL), 200);
}

static void change_member(struct ush_room *room, struct model *model, size_t g, size_t i)
{
	bool add = pushed_next() % 2 == 0;
	USH_AUTO_FREE char *path = ush_printf("/Groups/%s", model->groups[g]);
	USH_AUTO_JSON body = pushed_member(add ? "Add" : "Remove", model->users[i]);

	ck_assert_int_eq(pushed_ask(room, "PATCH", path, body, NULL), 204);
	model->in[g][i] = add;
}

static void replace_members(struct ush_room *room, struct model *model, size_t g)
{
	USH_AUTO_FREE char *path = ush_printf("/Groups/%s", model->groups[g]);
	USH_AUTO_JSON body = json_pack("{s:o, s:[]}", "displayName", json_sprintf("group-%zu", g), "members");

	for (size_t i = 0; i < USERS; i++)
		if ((model->in[g][i] = model->users[i] != NULL && pushed_next() % 2 == 0))
			json_array_append_new(json_object_get(body, "members"), json_pack("{s:s}", "value", model->users[i]));
	ck_assert_int_eq(pushed_ask(room, "PUT", path, body, NULL), 200);
}

static void step(struct ush_room *room, struct model *model)
{
	size_t g = pushed_next() % GROUPS, i = pushed_next() % USERS;

	if (model->groups[g] == NULL) {
		USH_AUTO_FREE char *name = ush_printf("group-%zu", g);

		model->groups[g] = pushed_make(room, "/Groups", "displayName", name);
	} else if (model->users[i] == NULL) {
		make_user(room, model, i);
	} else if (pushed_next() % 20 == 0) {
		drop_user(room, model, i);
	} else if (pushed_next() % 10 == 0) {
		switch_user(room, model, i);
	} else if (pushed_next() % 10 == 0) {
		replace_members(room, model, g);
	} else {
		change_member(room, model, g, i);
	}
}

static const struct ush_group *shown_group(const struct ush_groups *groups, const char *id)
{
	for (size_t i = 0; i < groups->count; i++)
		if (strcmp(groups->items[i].id, id) == 0)
			return &groups->items[i];
	return NULL;
}

/* What groups.json says is what the model says. */
static void compare(const struct ush_room *room, const struct model *model)
{
	USH_AUTO_BUF text = {0};
	USH_AUTO_GROUPS groups = {0};
	size_t count = 0;

	ush_room_show(&room->store, NULL, &text);
	ush_groups_from_tree(text.data, text.length, "shown", &groups);
	ck_assert_msg(groups.why == NULL, "%s", groups.why);
	for (size_t g = 0; g < GROUPS; g++) {
		const struct ush_group *group = model->groups[g] != NULL ? shown_group(&groups, model->groups[g]) : NULL;
		size_t people = 0, disabled = 0;

		count += model->groups[g] != NULL;
		ck_assert((group != NULL) == (model->groups[g] != NULL));
		for (size_t i = 0; i < USERS && group != NULL; i++) {
			USH_AUTO_FREE char *name = ush_printf("user-%d", model->names[i]);
			bool listed = false;

			for (size_t m = 0; m < group->members.count; m++)
				listed |= strcmp(group->members.items[m], name) == 0;
			ck_assert_int_eq(listed, model->in[g][i] && model->active[i]);
			people += model->in[g][i] && model->active[i];
			disabled += model->in[g][i] && !model->active[i];
		}
		ck_assert(group == NULL || (group->members.count == people && group->disabled == disabled));
	}
	ck_assert_uint_eq(groups.count, count);
}

static void add_torn_end(const struct ush_room *room, const char *folder)
{
	USH_AUTO_FREE char *path = ush_printf("%s/changes-%llu.log", folder, (unsigned long long)room->generation);
	int fd = open(path, O_WRONLY | O_APPEND);
	static const char torn[] = "B 400 0123456789abcdef\n{\"add\":[\"d93b91c6-1d3d-4efe-9a01-3942b8a55850\"],\"ty";

	ck_assert(write(fd, torn, pushed_next() % sizeof torn) >= 0);
	close(fd);
}

static void run_history(uint32_t seed)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/store-%u", tap_folder(), seed);
	struct model model = {0};
	struct ush_room room;
	struct ush_error err = {0};

	pushed_begin_row(seed);
	pushed_open(&room, folder);
	for (int i = 0; i < 400; i++) {
		step(&room, &model);
		if (pushed_next() % 3 == 0)
			pushed_commit(&room);
		if (pushed_next() % 25 == 0) {
			pushed_commit(&room);
			pushed_drop(&room);
			add_torn_end(&room, folder);
			pushed_open(&room, folder);
		}
		if (pushed_next() % 60 == 0) {
			pushed_commit(&room);
			ck_assert_int_eq(ush_room_begin(&room, &err), 0);
		}
		if (pushed_next() % 20 == 0)
			compare(&room, &model);
	}
	pushed_commit(&room);
	pushed_drop(&room);
	pushed_open(&room, folder);
	compare(&room, &model);
	ck_assert_int_eq(ush_room_close(&room, &err), 0);
	for (size_t i = 0; i < USERS; i++)
		free(model.users[i]);
	for (size_t g = 0; g < GROUPS; g++)
		free(model.groups[g]);
}

START_TEST(random_histories_are_as_the_model_says_through_restarts)
{
	for (uint32_t seed = 1; seed <= 25; seed++)
		run_history(seed * 2654435761U);
}
END_TEST

/* ---- groups in groups ---- */

START_TEST(groups_in_groups_and_circles_have_everybody_once)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/nested", tap_folder()), *user = NULL, *outer = NULL, *inner = NULL;
	USH_AUTO_BUF text = {0};
	USH_AUTO_GROUPS groups = {0};
	struct ush_room room;

	pushed_open(&room, folder);
	user = pushed_make(&room, "/Users", "userName", "carol \xf0\x9f\x98\x80 \"quoted\" \xc2\xab\xc3\xbc\xc2\xbb");
	outer = pushed_make(&room, "/Groups", "displayName", "outer");
	inner = pushed_make(&room, "/Groups", "displayName", "inner: #no");
	pushed_join(&room, inner, user);
	pushed_join(&room, inner, outer);
	pushed_join(&room, outer, inner);
	pushed_join(&room, outer, user);
	ush_room_show(&room.store, NULL, &text);
	ush_groups_from_tree(text.data, text.length, "shown", &groups);
	ck_assert_msg(groups.why == NULL, "%s", groups.why);
	ck_assert_uint_eq(shown_group(&groups, outer)->members.count, 1);
	ck_assert_uint_eq(shown_group(&groups, inner)->members.count, 1);
	ck_assert_str_eq(shown_group(&groups, inner)->members.items[0], "carol \xf0\x9f\x98\x80 \"quoted\" \xc2\xab\xc3\xbc\xc2\xbb");
	ck_assert_str_eq(shown_group(&groups, inner)->name, "inner: #no");
	pushed_drop(&room);
}
END_TEST

START_TEST(a_name_with_a_slash_is_no_path_of_another_group)
{
	static const char *const names[] = {"admins", "/admins", "/x/admins", "/", "x/"};
	USH_AUTO_FREE char *folder = ush_printf("%s/slashes", tap_folder());
	USH_AUTO_BUF text = {0};
	USH_AUTO_GROUPS groups = {0};
	struct ush_room room;

	pushed_open(&room, folder);
	for (size_t i = 0; i < USH_COUNT(names); i++)
		free(pushed_make(&room, "/Groups", "displayName", names[i]));
	ush_room_show(&room.store, NULL, &text);
	ush_groups_from_tree(text.data, text.length, "shown", &groups);
	ck_assert_msg(groups.why == NULL, "%s", groups.why);
	for (size_t i = 0; i < USH_COUNT(names); i++) {
		ck_assert_str_eq(groups.items[i].name, names[i]);
		ck_assert_str_eq(groups.items[i].path + 1, names[i]);
	}
	pushed_drop(&room);
}
END_TEST

/* 700 groups have one in them that has 100 people with long names: 70 MB, where 801 requests were sent. */
START_TEST(groups_in_groups_that_multiply_beyond_a_file_are_incomplete_and_not_all_of_memory)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/multiplied", tap_folder()), *all = NULL;
	USH_AUTO_BUF text = {.limit = 2 * USH_ROOM_SHOW_BYTES};
	USH_AUTO_GROUPS groups = {0};
	struct ush_room room;

	pushed_open(&room, folder);
	all = pushed_make(&room, "/Groups", "displayName", "all");
	for (int i = 0; i < 100; i++) {
		USH_AUTO_FREE char *name = ush_printf("%01000d", i), *user = pushed_make(&room, "/Users", "userName", name);

		pushed_join(&room, all, user);
	}
	for (int i = 0; i < 700; i++) {
		USH_AUTO_FREE char *name = ush_printf("outer-%d", i), *outer = pushed_make(&room, "/Groups", "displayName", name);

		pushed_join(&room, outer, all);
	}
	ush_room_show(&room.store, NULL, &text);
	ck_assert(!text.overflow);
	ush_groups_from_tree(text.data, text.length, "shown", &groups);
	ck_assert_msg(groups.why != NULL && strstr(groups.why, "more memberships than a file of groups holds") != NULL, "%s", groups.why);
	ck_assert_uint_eq(groups.count, 0);
	pushed_drop(&room);
}
END_TEST

START_TEST(a_store_without_a_group_or_without_the_word_is_incomplete)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/new", tap_folder()), *shown = ush_printf("%s/groups.json", folder);
	struct ush_error err = {0};
	struct ush_room room;

	pushed_open(&room, folder);
	for (int round = 0; round < 4; round++) {
		USH_AUTO_BUF text = {0};
		USH_AUTO_GROUPS groups = {0};

		if (round == 1) {
			ck_assert_int_eq(ush_room_provisioned(folder, &err), 0);
		} else if (round == 2) {
			free(pushed_make(&room, "/Groups", "displayName", "dev"));
			pushed_commit(&room);
		} else if (round == 3) { /* a store that was emptied is complete: zero groups stop the run */
			USH_AUTO_FREE char *path = ush_printf("/Groups/%s", ush_store_named(&room.store, USH_SCIM_GROUP, "DEV")->id);

			ck_assert_int_eq(pushed_ask(&room, "DELETE", path, NULL, NULL), 204);
			pushed_commit(&room);
		}
		ck_assert_int_eq(ush_room_show_now(&room, &err), 0);
		ck_assert_int_eq(ush_file_read(shown, USH_FILE_ANY, USH_ERR_STORE, &text, NULL, &err), 0);
		ush_groups_from_tree(text.data, text.length, "shown", &groups);
		ck_assert_msg((groups.why == NULL) == (round >= 2), "round %d: %s", round, groups.why);
		ck_assert(round >= 2 || strstr(groups.why, "says so itself: no group was ever pushed") != NULL);
	}
	pushed_drop(&room);
}
END_TEST

/* ---- who is cut off ---- */

/* An attribute under the schema's URN is not an extension that is kept and means nothing: "active" is how somebody is cut off. */
START_TEST(a_core_attribute_under_its_schema_is_done_or_refused)
{
	static const char *const bodies[] = {
		"{\"userName\":\"carol\",\"urn:ietf:params:scim:schemas:core:2.0:User\":{\"active\":false}}",
		"{\"userName\":\"carol\",\"urn:ietf:params:scim:schemas:core:2.0:User:active\":false}",
		"{\"Operations\":[{\"op\":\"replace\",\"value\":{\"URN:ietf:params:scim:schemas:core:2.0:User\":{\"active\":false}}}]}",
		"{\"Operations\":[{\"op\":\"replace\",\"path\":\"urn:ietf:params:scim:schemas:core:2.0:User\",\"value\":{\"active\":false}}]}",
		"{\"Operations\":[{\"op\":\"replace\",\"value\":{\"urn:ietf:params:scim:schemas:core:2.0:User:active\":false}}]}",
	};
	USH_AUTO_FREE char *folder = ush_printf("%s/core", tap_folder()), *user = NULL, *path = NULL;
	struct ush_room room;

	pushed_open(&room, folder);
	user = pushed_make(&room, "/Users", "userName", "carol");
	path = ush_printf("/Users/%s", user);
	for (size_t i = 0; i < USH_COUNT(bodies); i++) {
		USH_AUTO_JSON body = json_loads(bodies[i], 0, NULL);
		int status = pushed_ask(&room, i < 2 ? "PUT" : "PATCH", path, body, NULL);

		ck_assert_msg((status == 200) == !ush_store_find(&room.store, user)->active, "%s: %d", bodies[i], status);
		ck_assert(status == 200 || status == 400);
	}
	ck_assert(!ush_store_find(&room.store, user)->active);
	pushed_drop(&room);
}
END_TEST

/* ---- limits and conditions ---- */

START_TEST(limits_are_kept_and_what_was_taken_stays_below_a_lower_one)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/limits", tap_folder());
	USH_AUTO_JSON third = json_pack("{s:s}", "userName", "three");
	USH_AUTO_JSON again = json_pack("{s:s}", "userName", "ONE");
	USH_AUTO_JSON told = NULL;
	struct ush_error err = {0};
	struct ush_room room;

	pushed_open(&room, folder);
	room.store.max_users = 2;
	free(pushed_make(&room, "/Users", "userName", "one"));
	free(pushed_make(&room, "/Users", "userName", "two"));
	ck_assert_int_eq(pushed_ask(&room, "POST", "/Users", third, NULL), 507);
	ck_assert_int_eq(pushed_ask(&room, "POST", "/Users", again, &told), 409);
	ck_assert_str_eq(ush_json_string(told, "scimType"), "uniqueness");
	pushed_commit(&room);
	pushed_drop(&room);
	pushed_set_up(&room);
	room.store.max_users = 1;
	ck_assert_int_eq(ush_room_open(&room, folder, &err), 0);
	ck_assert_uint_eq(room.store.users, 2);
	pushed_drop(&room);
}
END_TEST

START_TEST(what_changes_nothing_writes_nothing_and_keeps_its_version)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/same", tap_folder()), *user = NULL, *group = NULL, *path = NULL;
	USH_AUTO_JSON put = json_pack("{s:s, s:b}", "userName", "one", "active", 1);
	USH_AUTO_JSON told = NULL;
	struct ush_room room;
	size_t length;

	pushed_open(&room, folder);
	user = pushed_make(&room, "/Users", "userName", "one");
	group = pushed_make(&room, "/Groups", "displayName", "dev");
	pushed_join(&room, group, user);
	pushed_commit(&room);
	length = room.log_length;
	pushed_join(&room, group, user);
	path = ush_printf("/Users/%s", user);
	ck_assert_int_eq(pushed_ask(&room, "PUT", path, put, &told), 200);
	ck_assert_str_eq(ush_json_string(json_object_get(told, "meta"), "version"), "W/\"1\"");
	ck_assert_uint_eq(room.pending.length, 0);
	pushed_commit(&room);
	ck_assert_uint_eq(room.log_length, length);
	pushed_drop(&room);
}
END_TEST

TAP_MAIN("scim_store", random_histories_are_as_the_model_says_through_restarts, groups_in_groups_and_circles_have_everybody_once,
	 a_name_with_a_slash_is_no_path_of_another_group, groups_in_groups_that_multiply_beyond_a_file_are_incomplete_and_not_all_of_memory,
	 a_core_attribute_under_its_schema_is_done_or_refused, a_store_without_a_group_or_without_the_word_is_incomplete, limits_are_kept_and_what_was_taken_stays_below_a_lower_one,
	 what_changes_nothing_writes_nothing_and_keeps_its_version)
