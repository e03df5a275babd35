/* SPDX-License-Identifier: Apache-2.0
 *
 * Ten thousand lines that say the same are five and a number: in the text, for a merge request, and after an apply.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/plan/alike.h"
#include "broker/sync/plan/remarks.h"
#include "common/base/memory.h"

#define MANY 10000

/* A plan of which only the changes matter. */
static struct ush_plan *plan_with(size_t missing)
{
	struct ush_plan *plan = ush_new(struct ush_plan);

	plan->policy = ush_strdup("default");
	plan->policy_file = ush_strdup("policy.yaml");
	plan->where = ush_strdup("k8s.test");
	for (size_t i = 0; i < missing; i++) {
		USH_AUTO_FREE char *space = ush_printf("team-%05zu", i);

		ush_plan_add(plan, USH_PENDING, USH_ROLE_BINDING, space, "readers", ush_printf("namespace %s is not there yet", space));
	}
	return plan;
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
		count++;
	return count;
}

START_TEST(missing_namespaces_are_five_lines_and_a_number)
{
	USH_AUTO_PLAN plan = plan_with(MANY);
	USH_AUTO_BUF text = {0}, markdown = {0};

	ush_plan_finish(plan);
	ush_plan_to_text(plan, &text, NULL);
	ck_assert_uint_eq(count_of(text.data, "is not there yet"), 6);
	ck_assert_uint_eq(count_of(text.data, "\n! team-0000"), 5);
	ck_assert_ptr_nonnull(strstr(text.data, "\n! and 9,995 more: namespace ... is not there yet; all of them: -o json\n"));
	ck_assert_ptr_nonnull(strstr(text.data, "\n10,000 waiting for a namespace."));
	ush_plan_to_markdown(plan, &markdown);
	ck_assert_uint_eq(count_of(markdown.data, "\n| pending |"), 6);
	ck_assert_ptr_nonnull(strstr(markdown.data, "| pending | | | and `9,995` more: namespace ... is not there yet; all of them: `-o` json |\n"));
}
END_TEST

START_TEST(few_lines_are_shown_as_they_are)
{
	USH_AUTO_PLAN plan = plan_with(USH_REMARKS_NAMED);
	USH_AUTO_BUF text = {0};

	ush_plan_finish(plan);
	ush_plan_to_text(plan, &text, NULL);
	ck_assert_uint_eq(count_of(text.data, "is not there yet\n"), USH_REMARKS_NAMED);
	ck_assert_ptr_null(strstr(text.data, "more"));
}
END_TEST

START_TEST(each_reason_has_its_lines_and_a_rare_one_is_not_lost)
{
	USH_AUTO_PLAN plan = plan_with(MANY);
	USH_AUTO_REMARKS remarks = {0};
	size_t rare = 0, more = 0;

	ush_plan_add(plan, USH_PENDING, USH_ROLE, "zz", "reader", ush_strdup("is being deleted just now"));
	ush_plan_add(plan, USH_CONFLICT, USH_ROLE, "zz", "other", ush_strdup("same name, made by helm: left alone"));
	ush_plan_finish(plan);
	ush_remarks_of_plan(&remarks, plan);
	ush_remarks_gather(&remarks);
	ck_assert_uint_eq(remarks.count, USH_REMARKS_NAMED + 2);
	for (size_t i = 0; i < remarks.count; i++) {
		USH_AUTO_FREE char *line = ush_remark_line(&remarks.items[i]);

		more += remarks.items[i].more;
		rare += strcmp(line, "Role zz/reader: is being deleted just now") == 0 || strcmp(line, "Role zz/other: same name, made by helm: left alone") == 0;
		ck_assert(i == 0 || remarks.items[i].kind >= remarks.items[i - 1].kind);
	}
	ck_assert_uint_eq(rare, 2);
	ck_assert_uint_eq(more, MANY - USH_REMARKS_NAMED);
}
END_TEST

START_TEST(many_reasons_of_one_kind_are_counted_too)
{
	USH_AUTO_PLAN plan = plan_with(0);
	USH_AUTO_REMARKS remarks = {0};
	USH_AUTO_FREE char *rest = NULL;

	for (size_t i = 0; i < 1000; i++)
		ush_plan_add(plan, USH_KEEP, USH_ROLE_BINDING, "x", "b", ush_printf("kept: group g%zu is gone", i));
	ush_remarks_of_plan(&remarks, plan);
	ush_remarks_gather(&remarks);
	ck_assert_uint_eq(remarks.count, USH_REMARKS_LINES);
	rest = ush_remark_rest(&remarks.items[USH_REMARKS_LINES - 1], "ENDING");
	ck_assert_str_eq(rest, "and 980 more lines; ENDING");
	ck_assert_ptr_null(ush_remark_rest(&remarks.items[0], "ENDING"));
}
END_TEST

START_TEST(what_failed_is_gathered_by_why_it_failed)
{
	USH_AUTO_REMARKS remarks = {0};
	USH_AUTO_FREE char *rest = NULL;
	struct ush_list lines = {0};

	for (size_t i = 0; i < 50; i++) {
		USH_AUTO_FREE char *line = ush_printf("RoleBinding n%zu/b: forbidden: may not create rolebindings in the namespace \"n%zu\"", i, i);

		ush_list_add(&lines, line);
	}
	ush_list_add(&lines, "the lease was lost: another run has it");
	for (size_t i = 0; i < lines.count; i++)
		ush_remarks_add_line(&remarks, 7, lines.items[i]);
	ush_remarks_gather(&remarks);
	ck_assert_uint_eq(remarks.count, USH_REMARKS_NAMED + 1);
	rest = ush_remark_rest(&remarks.items[USH_REMARKS_NAMED - 1], "ENDING");
	ck_assert_str_eq(rest, "and 45 more: forbidden: may not create rolebindings in the namespace \"...\"; ENDING");
	ck_assert_str_eq(remarks.items[USH_REMARKS_NAMED].reason, "the lease was lost: another run has it");
	ush_list_free(&lines);
}
END_TEST

START_TEST(a_namespace_is_a_word_of_its_own)
{
	USH_AUTO_PLAN plan = plan_with(0);
	USH_AUTO_REMARKS remarks = {0};

	ush_plan_add(plan, USH_HOLD, USH_ROLE, "a", "r", ush_strdup("a made by argocd-a (app a.b, a)"));
	ush_remarks_of_plan(&remarks, plan);
	ush_remarks_gather(&remarks);
	ck_assert_str_eq(remarks.items[0].same, "... made by argocd-a (app a.b, ...)");
}
END_TEST

/* GitHub takes 65,536 characters in a comment. */
START_TEST(a_merge_request_takes_as_much_and_says_what_is_left_out)
{
	USH_AUTO_PLAN plan = plan_with(0);
	USH_AUTO_BUF text = {0}, small = USH_BUF_MAX(4000);

	for (size_t i = 0; i < 5000; i++) {
		USH_AUTO_FREE char *space = ush_printf("team-%05zu", i), *group = ush_printf("oidc:/teams/t%zu", i);
		struct ush_change *change = ush_plan_add(plan, USH_CREATE, USH_ROLE_BINDING, space, "usher-edit-12345678", NULL);

		ush_change_delta(plan, change, true, group, 3);
		USH_PUSH(plan->for_people, plan->for_people_count, ush_printf("3 may now edit %s, through %s", space, group));
	}
	ush_plan_finish(plan);
	ush_plan_to_markdown(plan, &text);
	ck_assert_uint_lt(text.length, 65536 - 1000);
	ck_assert_uint_gt(text.length, 50000);
	ck_assert(!text.overflow);
	ck_assert_uint_eq(count_of(text.data, "\n**This is not all:** "), 1);
	ck_assert_msg(strstr(strstr(text.data, "\n**This is not all:** "), " the same command with `-o json`\n")[strlen(" the same command with `-o json`\n")] == '\0', "the last line");
	ck_assert_uint_eq(5000 - count_of(text.data, "\n| create |") + 5000 - count_of(text.data, "\n- **3 may"),
			  strtoul(strstr(text.data, "not all:** ") + 11, NULL, 10) * 1000 + strtoul(strchr(strstr(text.data, "not all:** "), ',') + 1, NULL, 10));
	ck_assert_ptr_nonnull(strstr(text.data, "\n5,000 to create, 0 to change, 0 to remove\n"));
	ush_plan_to_markdown(plan, &small);
	ck_assert(!small.overflow);
	ck_assert_ptr_nonnull(strstr(small.data, "\n**This is not all:** "));
}
END_TEST

/* ---- writes ---- */

/* So many groups in each of so many namespaces, and the rare one that goes. */
static struct ush_plan *plan_of_writes(size_t groups, size_t namespaces)
{
	struct ush_plan *plan = ush_new(struct ush_plan);
	struct ush_change *change;

	plan->where = ush_strdup("test");
	plan->policy = ush_strdup("default");
	for (size_t i = 0; i < namespaces; i++)
		for (size_t j = 0; j < groups; j++) {
			USH_AUTO_FREE char *space = ush_printf("team-%05zu", i), *name = ush_printf("usher-%zu", j), *group = ush_printf("oidc:g%zu", j);

			change = ush_plan_add(plan, USH_CREATE, USH_ROLE_BINDING, space, name, NULL);
			ush_change_delta(plan, change, true, group, 3);
		}
	ush_plan_add(plan, USH_REMOVE, USH_ROLE_BINDING, "zz", "old", ush_strdup("no grant wants it any more"));
	ush_plan_finish(plan);
	return plan;
}

START_TEST(what_is_written_alike_in_many_namespaces_is_a_line_and_a_number)
{
	USH_AUTO_PLAN plan = plan_of_writes(3, MANY / 10);
	USH_AUTO_BUF text = {0};

	ush_plan_to_text(plan, &text, NULL);
	ck_assert_uint_eq(count_of(text.data, "\n+ team-00000"), 3);
	ck_assert_uint_eq(count_of(text.data, "\n+ "), 3);
	ck_assert_uint_eq(count_of(text.data, "(3 people)  and so in 999 more namespaces\n"), 3);
	ck_assert_uint_eq(count_of(text.data, "\n- zz"), 1);
	ck_assert_ptr_nonnull(strstr(text.data, "\n3,000 to create, 1 to remove."));
}
END_TEST

START_TEST(a_plan_of_any_size_is_a_text_that_can_be_read)
{
	USH_AUTO_PLAN plan = plan_of_writes(2 * USH_ALIKE_MOST, 2);
	USH_AUTO_BUF text = {0};

	ush_plan_to_text(plan, &text, NULL);
	ck_assert_uint_eq(count_of(text.data, "\n+ team-00000"), USH_ALIKE_MOST);
	ck_assert_uint_eq(count_of(text.data, "and so in 1 more namespace\n"), USH_ALIKE_MOST);
	ck_assert_ptr_nonnull(strstr(text.data, "\n+ and 2,000 more are created; all of them: -o json\n- zz")); /* what goes is not lost among what comes */
}
END_TEST

START_TEST(writes_that_are_not_too_many_have_a_line_each)
{
	USH_AUTO_PLAN plan = plan_of_writes(1, USH_ALIKE_MOST);
	USH_AUTO_BUF text = {0};

	ush_plan_to_text(plan, &text, NULL);
	ck_assert_uint_eq(count_of(text.data, "\n+ team-"), USH_ALIKE_MOST);
	ck_assert_ptr_null(strstr(text.data, "more namespace"));
}
END_TEST

START_TEST(what_differs_in_anything_is_not_alike)
{
	USH_AUTO_PLAN plan = plan_of_writes(1, USH_ALIKE_MOST);
	USH_AUTO_BUF text = {0};
	struct ush_change *change = ush_plan_add(plan, USH_CREATE, USH_ROLE_BINDING, "zzz", "usher-0", NULL);

	ush_change_delta(plan, change, true, "oidc:g0", 4); /* other people */
	change = ush_plan_add(plan, USH_CREATE, USH_ROLE_BINDING, "zzz", "usher-1", NULL);
	ush_change_delta(plan, change, true, "oidc:g0", 3);
	change = ush_plan_add(plan, USH_CREATE, USH_ROLE_BINDING, "zzz", "usher-0", NULL);
	ush_change_delta(plan, change, false, "oidc:g0", 3);
	ush_plan_finish(plan);
	ush_plan_to_text(plan, &text, NULL);
	ck_assert_uint_eq(count_of(text.data, "\n+ zzz"), 3);
	ck_assert_uint_eq(count_of(text.data, "\n+ "), 4);
}
END_TEST

START_TEST(a_binding_of_many_groups_names_some_of_them)
{
	USH_AUTO_PLAN plan = plan_of_writes(1, 1);
	USH_AUTO_BUF text = {0};

	for (size_t i = 0; i < MANY; i++) {
		USH_AUTO_FREE char *group = ush_printf("oidc:many-%zu", i);

		ush_change_delta(plan, &plan->changes[0], true, group, 3);
	}
	ush_plan_to_text(plan, &text, NULL);
	ck_assert_uint_eq(count_of(text.data, "oidc:"), 50);
	ck_assert_ptr_nonnull(strstr(text.data, "(3 people) and 9,951 more\n"));
}
END_TEST

TAP_MAIN("remarks", what_is_written_alike_in_many_namespaces_is_a_line_and_a_number, a_plan_of_any_size_is_a_text_that_can_be_read,
	 writes_that_are_not_too_many_have_a_line_each, what_differs_in_anything_is_not_alike, a_binding_of_many_groups_names_some_of_them,
	 missing_namespaces_are_five_lines_and_a_number, few_lines_are_shown_as_they_are, each_reason_has_its_lines_and_a_rare_one_is_not_lost,
	 many_reasons_of_one_kind_are_counted_too, what_failed_is_gathered_by_why_it_failed, a_namespace_is_a_word_of_its_own,
	 a_merge_request_takes_as_much_and_says_what_is_left_out)
