/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces that are half made: the mark comes last, and only onto what is fenced off.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/onboard_room.h"

START_TEST(what_somebody_took_away_from_a_finished_one_is_made_again)
{
	onboard_room_begin();
	fake_kube_add(room.fake, OUR_SPACE);
	fake_kube_add(room.fake, "{'kind':'ServiceAccount','metadata':{'name':'default','namespace':'a-dev'},'automountServiceAccountToken':false}");
	fake_kube_forget(room.fake);
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	onboard_room_tells("unchanged Namespace a-dev");
	onboard_room_tells("created   NetworkPolicy default-deny");
	ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", NULL), 0);
	onboard_room_end();
}
END_TEST

/* Whose word counts in a namespace that nobody was let into yet: the template's, once somebody says so. */
START_TEST(a_half_made_namespace_with_something_else_in_it_waits_for_a_word)
{
	onboard_room_begin();
	fake_kube_add(room.fake, HALF_SPACE);
	fake_kube_add(room.fake, "{'kind':'ResourceQuota','metadata':{'name':'team','namespace':'a-dev'},'spec':{'hard':{'pods':'9'}}}");
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	onboard_room_tells("waits     Namespace a-dev: without its mark");
	onboard_room_tells("differs   ResourceQuota team: spec.hard.pods is 9, not 2");
	ck_assert_str_eq(room.err.what, "1 object stands there otherwise: left alone, and nobody is let in yet");
	ck_assert_ptr_nonnull(strstr(room.err.hint, "--adopt"));
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE_RBAC), 0);
	onboard_room_ends(onboard_room_run("a", true, USH_DRY_NONE, 1), 0);
	ck_assert_str_eq(onboard_room_label("usher.dev/template"), "team");
	onboard_room_end();
}
END_TEST

START_TEST(a_namespace_of_another_policy_or_half_made_for_others_is_refused)
{
	static const struct {
		const char *labels, *what;
	} cases[] = {
		{"'usher.dev/template':'pay.team'", "namespace a-dev was made from a template of another policy (pay.team), and a namespace has one"},
		{"'usher.dev/onboarding':'pay.team'", "namespace a-dev was made from a template of another policy (pay.team), and a namespace has one"},
		{"'usher.dev/onboarding':'other'", "namespace a-dev was made from template other, and a namespace has one"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *there = ush_printf("{'kind':'Namespace','metadata':{'name':'a-dev','labels':{%s}}}", cases[i].labels);

		onboard_room_begin();
		fake_kube_add(room.fake, there);
		onboard_room_ends(onboard_room_run("a", true, USH_DRY_NONE, 1), 5);
		ck_assert_str_eq(room.err.what, cases[i].what);
		ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE "/"), 0);
		onboard_room_end();
	}
}
END_TEST

/* Somebody deletes it, and another one of that name comes, in the very moment before the mark. */
static void replace_before_mark(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "PATCH") != 0 || strncmp(path, SPACE "?", strlen(SPACE "?")) != 0)
		return;
	kube->before = NULL;
	fake_kube_remove(kube, SPACE);
	fake_kube_add(kube, "{'kind':'Namespace','metadata':{'name':'a-dev'}}");
}

START_TEST(the_mark_is_for_the_namespace_that_was_fenced_off)
{
	onboard_room_begin();
	room.fake->before = replace_before_mark;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	onboard_room_tells("failed    Namespace a-dev: ");
	ck_assert_pstr_eq(onboard_room_label("usher.dev/template"), NULL);
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE_RBAC), 0);
	onboard_room_end();
}
END_TEST

/* The mark is what each later run of the sync goes by: it does not come before all that keeps the namespace apart. */
START_TEST(nobody_is_let_in_where_what_keeps_it_apart_is_missing)
{
	static const char *const parts[][2] = {{"POST", DENY}, {"POST", SPACE "/resourcequotas"}, {"PATCH", SPACE "/serviceaccounts"}};

	for (size_t i = 0; i < USH_COUNT(parts); i++) {
		onboard_room_begin();
		fake_kube_fail(room.fake, (struct fake_kube_fault){.method = parts[i][0], .path = parts[i][1], .times = 1, .status = 403});
		onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
		onboard_room_tells("created   Namespace a-dev: without its mark");
		onboard_room_tells("failed    ");
		onboard_room_tells("waits     RoleBinding");
		onboard_room_tells("until all that keeps its namespace apart stands");
		ck_assert_ptr_nonnull(strstr(room.err.what, "1 object could not be written, so nobody is let in yet; the first, in a-dev: "));
		ck_assert_pstr_eq(onboard_room_label("usher.dev/template"), NULL);
		ck_assert_str_eq(onboard_room_label("usher.dev/onboarding"), "team");
		ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE_RBAC), 0);
		ck_assert_ptr_null(strstr(onboard_room.text, "proved"));
		onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
		onboard_room_tells("patched   Namespace a-dev (pod-security restricted)\n");
		onboard_room_tells("created   RoleBinding");
		ck_assert_str_eq(onboard_room_label("usher.dev/template"), "team");
		ck_assert_pstr_eq(onboard_room_label("usher.dev/onboarding"), NULL);
		onboard_room_end();
	}
}
END_TEST

START_TEST(a_mark_that_cannot_be_put_on_is_told_and_lets_nobody_in)
{
	onboard_room_begin();
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "PATCH", .path = SPACE "?", .times = 1, .status = 403});
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	onboard_room_tells("failed    Namespace a-dev: its mark could not be put on it: ");
	onboard_room_tells("created   ResourceQuota");
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE_RBAC), 0);
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	onboard_room_end();
}
END_TEST

TAP_MAIN("half_made", what_somebody_took_away_from_a_finished_one_is_made_again, a_half_made_namespace_with_something_else_in_it_waits_for_a_word,
	 a_namespace_of_another_policy_or_half_made_for_others_is_refused, the_mark_is_for_the_namespace_that_was_fenced_off,
	 nobody_is_let_in_where_what_keeps_it_apart_is_missing, a_mark_that_cannot_be_put_on_is_told_and_lets_nobody_in)
