/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading changes alone (deltaFile): the first reading is whole, later ones tell what changed, and whatever Graph says of
 * it the result is what a whole reading would give, or incomplete.
 */
#include "tests/support/tap.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/source/entra_kept.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/contract_entra.h"

static struct contract c;
static struct fake_entra *graph;

static void begin(size_t groups, size_t people)
{
	contract_begin(&c, &contract_entra_delta);
	graph = c.state;
	for (size_t i = 0; i < people; i++) {
		USH_AUTO_FREE char *name = ush_printf("person%zu", i);

		contract_add_person(&c, name);
	}
	for (size_t i = 0; i < groups; i++) {
		USH_AUTO_FREE char *name = ush_printf("group-%zu", i);

		contract_add_group(&c, name, CONTRACT_NOBODY);
	}
	for (size_t i = 0; i < people; i++)
		contract_join(&c, i % groups, i);
}

static void leave(size_t group, size_t place)
{
	struct contract_group *g = &c.directory.groups[group];

	g->people[place] = g->people[--g->people_count];
}

/* ---- rounds ---- */

START_TEST(later_readings_ask_for_changes_alone)
{
	begin(60, 100);
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 1);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "from the start"));
	ck_assert_uint_gt(c.requests, 8);
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 1);
	ck_assert_uint_eq(c.requests, 4); /* a token, two lists of changes, the count */
	ck_assert_msg(strncmp(c.groups.proof, "0 changes", 9) == 0, "%s", c.groups.proof);
	contract_end(&c);
}
END_TEST

START_TEST(every_change_comes_to_the_same_as_a_whole_reading)
{
	begin(6, 30);
	contract_nest(&c, 0, 1);
	contract_exact(&c);
	contract_join(&c, 5, 0); /* somebody comes, and goes */
	leave(0, 1);
	leave(0, 1);
	contract_exact(&c);
	free(c.directory.groups[2].name); /* a new name, and its members are not told */
	c.directory.groups[2].name = ush_strdup("renamed");
	contract_exact(&c);
	while (c.directory.groups[3].people_count > 0) /* everybody goes */
		leave(3, 0);
	contract_exact(&c);
	c.directory.groups[4].gone = true;
	contract_join(&c, contract_add_group(&c, "group-4", CONTRACT_NOBODY), 7); /* another under the old name */
	contract_nest(&c, 1, 5);
	c.directory.people[3].disabled = true;
	free(c.directory.people[6].name);
	c.directory.people[6].name = NULL;
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 1);
	contract_end(&c);
}
END_TEST

/* One group on many pages, in parts: 200 members, three to an item. */
START_TEST(a_group_that_comes_in_parts_is_put_together)
{
	begin(1, 200);
	contract_exact(&c);
	ck_assert_uint_eq(c.groups.items[0].members.count, 200);
	contract_end(&c);
}
END_TEST

START_TEST(a_change_that_is_told_twice_changes_nothing_twice)
{
	begin(4, 20);
	graph->replays = graph->removed_at_first = true;
	contract_exact(&c);
	leave(1, 0);
	contract_join(&c, 2, 0);
	c.directory.groups[3].gone = true;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

/* A Microsoft 365 group is deleted for thirty days first, and comes back without its members being told again. */
START_TEST(a_group_that_is_restored_has_its_members_again)
{
	begin(3, 9);
	graph->soft = true;
	contract_exact(&c);
	c.directory.groups[1].gone = true;
	contract_exact(&c);
	ck_assert_uint_eq(c.groups.count, 2);
	c.directory.groups[1].gone = false;
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 1);
	contract_end(&c);
}
END_TEST

/* ---- links ---- */

/* A user is deleted, and the groups do not tell that he is no longer in them. */
START_TEST(a_user_who_is_deleted_leaves_his_groups_without_their_telling)
{
	begin(3, 9);
	graph->keeps_members = true;
	contract_exact(&c);
	c.directory.people[4].gone = true;
	contract_exact(&c);
	ck_assert_uint_eq(c.groups.unresolvable, 0);
	c.directory.people[4].gone = false; /* restored: in his groups again */
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 1);
	contract_end(&c);
}
END_TEST

/* Who is in a group that hides its members is in the groups around it, too, and nobody knows who that is. */
START_TEST(a_hidden_group_in_a_group_is_counted_as_one_who_is_not_known)
{
	struct ush_list refs = {0};
	struct ush_source_question question = {.source = &c.source, .refs = &refs, .how = USH_GROUP_LEAF};

	begin(2, 4);
	contract_nest(&c, 1, 0);
	graph->hidden = true;
	ush_list_add(&refs, "group-1");
	c.result = ush_source_read(&c.world, &question, &c.groups, &c.err);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.unresolvable, 1);
	ush_list_free(&refs);
	contract_end(&c);
}
END_TEST

static void begins_anew(int status)
{
	begin(5, 10);
	contract_exact(&c);
	contract_join(&c, 1, 0);
	c.directory.groups[4].gone = true;
	graph->stale_status = status;
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 2);
	graph->stale_status = 0;
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 2);
	contract_end(&c);
}

START_TEST(a_link_that_has_run_out_begins_anew)
{
	begins_anew(400); /* syncStateNotFound */
	begins_anew(404);
	begins_anew(410);
}
END_TEST

/* Else the same link would lead to the same page until it has run out itself. */
START_TEST(a_page_of_changes_that_is_gone_begins_anew)
{
	begin(60, 60);
	contract_exact(&c);
	for (size_t i = 0; i < 50; i++)
		contract_join(&c, i, (i + 1) % 60);
	graph->stale_later = true;
	graph->stale_status = 410;
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 2);
	graph->stale_status = 0;
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 2);
	contract_end(&c);
}
END_TEST

START_TEST(changes_that_do_not_come_to_what_graph_counts_are_read_anew)
{
	begin(5, 10);
	contract_exact(&c);
	graph->forgets = true; /* that a group went */
	c.directory.groups[2].gone = true;
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 2);
	c.fault = (struct contract_fault){.what = CONTRACT_ANY, .lies = 1}; /* and if that does not come to it either */
	contract_read(&c);
	contract_expect_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.why, "changes come to 4 groups, and Graph counts 5"));
	contract_end(&c);
}
END_TEST

START_TEST(a_round_without_a_link_at_its_end_is_not_whole)
{
	begin(5, 10);
	graph->no_link = true;
	contract_read(&c);
	contract_expect_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.why, "without a deltaLink"));
	ck_assert_int_ne(access(graph->delta_path, F_OK), 0);
	contract_end(&c);
}
END_TEST

START_TEST(a_round_that_breaks_leaves_what_is_kept_as_it_was)
{
	USH_AUTO_BUF before = {0};
	USH_AUTO_BUF after = {0};
	struct ush_error err = {0};

	begin(30, 60);
	contract_exact(&c);
	ck_assert_int_eq(ush_file_read(graph->delta_path, USH_FILE_PRIVATE, USH_ERR_STORE, &before, NULL, &err), 0);
	for (size_t i = 0; i < 30; i++)
		contract_join(&c, i, 59 - i);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .page = 3, .status = 503};
	contract_read(&c);
	contract_expect_incomplete(&c);
	ck_assert_int_eq(ush_file_read(graph->delta_path, USH_FILE_PRIVATE, USH_ERR_STORE, &after, NULL, &err), 0);
	ck_assert_str_eq(before.data, after.data);
	c.fault = (struct contract_fault){0};
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 1);
	contract_end(&c);
}
END_TEST

START_TEST(a_link_to_another_host_is_not_kept)
{
	begin(5, 10);
	graph->away = true;
	contract_read(&c);
	contract_expect_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.why, "evil1.test"));
	graph->away = false;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

/* Graph tracks changes of groups by id alone. */
START_TEST(a_filter_that_changes_cannot_have_is_incomplete)
{
	begin(2, 2);
	ush_source_set(&c.source, "filter", "startsWith(displayName,'k8s-')");
	contract_read(&c);
	contract_expect_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.why, "400"));
	contract_end(&c);
}
END_TEST

/* ---- the file ---- */

START_TEST(the_file_is_private_and_whole)
{
	struct stat st;

	begin(2, 2);
	umask(0);
	contract_exact(&c);
	ck_assert_int_eq(stat(graph->delta_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	contract_end(&c);
}
END_TEST

START_TEST(a_file_that_others_may_open_is_left_alone_and_told)
{
	begin(2, 2);
	contract_exact(&c);
	ck_assert_int_eq(chmod(graph->delta_path, 0644), 0);
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 2);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "could not be kept for the next run: "));
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "others may open it (mode 0644). Close it: chmod 600 "));
	contract_end(&c);
}
END_TEST

static void unbelieved(const char *text)
{
	struct ush_error err = {0};

	begin(3, 6);
	contract_exact(&c);
	ck_assert_int_eq(ush_file_write(graph->delta_path, text, strlen(text), 0600, &err), 0);
	contract_exact(&c);
	ck_assert_uint_eq(graph->fresh_rounds, 2);
	contract_end(&c);
}

START_TEST(a_damaged_file_is_not_believed)
{
	unbelieved("");
	unbelieved("{\"version\":1,\"groups\":{");
	unbelieved("[]");
	unbelieved("{\"version\":1,\"bound\":\"x\",\"groups\":{\"items\":{}},\"users\":{\"items\":{}}}");
	unbelieved("{\"version\":2}");
}
END_TEST

/* Whether what was kept is believed when one setting is another, or Graph is. */
static bool believed(const char *key, const char *value, const char *endpoint)
{
	USH_AUTO_KEPT kept = {0};
	bool link;

	begin(3, 6);
	contract_exact(&c);
	if (key != NULL)
		ush_source_set(&c.source, key, value);
	ush_kept_load(&kept, &c.source, endpoint);
	link = ush_kept_link(&kept, USH_KEPT_GROUPS) != NULL && json_object_size(ush_kept_items(&kept, USH_KEPT_GROUPS)) == 3;
	ck_assert(link == (json_object_size(ush_kept_items(&kept, USH_KEPT_USERS)) == 6));
	contract_end(&c);
	return link;
}

START_TEST(a_file_of_another_tenant_client_filter_or_graph_is_not_believed)
{
	ck_assert(believed(NULL, NULL, ENTRA_BASE));
	ck_assert(believed("peopleName", "mail", ENTRA_BASE)); /* what people are called is not in it */
	ck_assert(!believed("tenant", "other.test", ENTRA_BASE));
	ck_assert(!believed("client", "app-2", ENTRA_BASE));
	ck_assert(!believed("filter", "id eq '00000101-0000-4000-8000-000000000000'", ENTRA_BASE));
	ck_assert(!believed(NULL, NULL, "https://graph.microsoft.us"));
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_told_in_the_proof)
{
	begin(2, 2);
	ush_source_set(&c.source, "deltaFile", "/nonexistent/kept.json");
	contract_exact(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "could not be kept"));
	contract_end(&c);
}
END_TEST

/* ---- people ---- */

START_TEST(users_are_asked_for_where_somebody_asks_about_people)
{
	struct ush_source_question question = {.source = &c.source, .all_members = true, .no_members = true};
	USH_AUTO_GROUPS groups = {0};
	struct ush_error err = {0};

	begin(3, 6);
	ck_assert_int_eq(ush_source_read(&c.world, &question, &groups, &err), 0);
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_uint_eq(c.requests, 3);
	ck_assert(!groups.items[0].members_known);
	contract_exact(&c); /* and what was kept without them serves with them */
	ck_assert_uint_eq(graph->fresh_rounds, 1);
	contract_end(&c);
}
END_TEST

START_TEST(people_are_called_by_their_id_when_the_policy_says_so)
{
	begin(1, 1);
	ush_source_set(&c.source, "peopleName", "id");
	contract_read(&c);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.items[0].members.count, 1);
	ck_assert_ptr_nonnull(strstr(c.groups.items[0].members.items[0], "-1111-"));
	contract_end(&c);
}
END_TEST

TAP_MAIN("source_entra_delta", later_readings_ask_for_changes_alone, every_change_comes_to_the_same_as_a_whole_reading,
	 a_group_that_comes_in_parts_is_put_together, a_change_that_is_told_twice_changes_nothing_twice, a_group_that_is_restored_has_its_members_again,
	 a_user_who_is_deleted_leaves_his_groups_without_their_telling, a_hidden_group_in_a_group_is_counted_as_one_who_is_not_known,
	 a_link_that_has_run_out_begins_anew, a_page_of_changes_that_is_gone_begins_anew, changes_that_do_not_come_to_what_graph_counts_are_read_anew, a_round_without_a_link_at_its_end_is_not_whole,
	 a_round_that_breaks_leaves_what_is_kept_as_it_was, a_link_to_another_host_is_not_kept, a_filter_that_changes_cannot_have_is_incomplete, the_file_is_private_and_whole,
	 a_file_that_others_may_open_is_left_alone_and_told, a_damaged_file_is_not_believed, a_file_of_another_tenant_client_filter_or_graph_is_not_believed,
	 a_file_that_cannot_be_written_is_told_in_the_proof, users_are_asked_for_where_somebody_asks_about_people,
	 people_are_called_by_their_id_when_the_policy_says_so)
