/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending what a person has, over every source that can: the right person's, all of it, nobody else's.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_knobs.h"
#include "tests/support/revoke_cases.h"

/* ---- who ---- */

static void expect_person(void)
{
	USH_AUTO_FREE char *id = revoke_c.fake->people->id(&revoke_c, CAROL);
	size_t groups = revoke_c.fake->people->groups ? 2 : 0;

	revoke_ended();
	ck_assert_msg(revoke_out.id != NULL && strcmp(revoke_out.id, id) == 0, "%s: id %s", revoke_c.fake->kind, revoke_out.id);
	ck_assert_str_eq(revoke_out.name, "person001");
	ck_assert_str_eq(revoke_out.called, "person001");
	ck_assert_msg(ush_list_has(&revoke_out.names, id) && ush_list_has(&revoke_out.names, "person001"), "%s: tokens may call her so", revoke_c.fake->kind);
	ck_assert_msg(revoke_out.groups.count == groups, "%s: %zu groups", revoke_c.fake->kind, revoke_out.groups.count);
	ck_assert(revoke_out.enabled);
	ck_assert_int_eq(revoke_out.token_seconds, -1);
}

static void by_every_name(const struct contract_fake *fake)
{
	USH_AUTO_FREE char *id = NULL;

	revoke_begin(fake);
	revoke_person("person001", false);
	expect_person();
	id = fake->people->id(&revoke_c, CAROL);
	contract_hold_all(&revoke_c, CAROL);
	revoke_person(id, false);
	expect_person();
	if (fake->people->by_mail) {
		contract_hold_all(&revoke_c, CAROL);
		revoke_person("Person001@mail.test", false);
		expect_person();
		ck_assert(ush_list_has(&revoke_out.names, "person001@mail.test"));
	}
	revoke_end();
}

/* BE46 */
START_TEST(a_person_is_found_by_name_id_and_address_and_loses_everything)
{
	revoke_each(NULL, by_every_name);
}
END_TEST

static void nobody(const struct contract_fake *fake)
{
	static const char *const names[] = {"nobody", "person", "erson001", "person001 ", "person001/x", "x' or 'a' eq 'a", "x\" or id pr", "../person001", "..", ".", "",
					    "short", "a?b=c&d#e", "100%", "\xd7\xa2\xd7\x91"};

	revoke_begin(fake);
	for (size_t i = 0; i < USH_COUNT(names); i++) {
		revoke_person(names[i], false);
		revoke_went_well();
		ck_assert_msg(!revoke_out.found && revoke_out.id == NULL && revoke_out.done.count == 0, "%s found somebody called \"%s\": %s", fake->kind, names[i], revoke_out.id);
		ck_assert_uint_eq(revoke_c.ends, 0);
	}
	ck_assert_uint_eq(revoke_held(CONTRACT_EVERYWHERE), 3 * revoke_things());
	revoke_end();
}

START_TEST(nobody_by_that_name_is_no_error_and_nothing_is_sent)
{
	revoke_each(NULL, nobody);
}
END_TEST

static bool with_mail(const struct contract_people *people)
{
	return people->by_mail;
}

static void two(const struct contract_fake *fake)
{
	USH_AUTO_FREE char *one = NULL, *other = NULL;

	revoke_begin(fake);
	revoke_c.directory.people[0].mail = revoke_c.directory.people[CAROL].mail = "shared@mail.test";
	one = fake->people->id(&revoke_c, 0);
	other = fake->people->id(&revoke_c, CAROL);
	revoke_person("shared@mail.test", false);
	revoke_failed(USH_ERR_REFUSED);
	ck_assert(revoke_out.ambiguous);
	ck_assert_msg(strstr(revoke_c.err.what, one) != NULL && strstr(revoke_c.err.what, other) != NULL, "%s: %s", fake->kind, revoke_c.err.what);
	ck_assert_uint_eq(revoke_c.ends, 0);
	revoke_c.directory.people[0].mail = "elsewhere@mail.test"; /* the name of one is the address of the other */
	free(revoke_c.directory.people[0].name);
	revoke_c.directory.people[0].name = ush_strdup("shared@mail.test");
	revoke_person("shared@mail.test", false);
	revoke_failed(USH_ERR_REFUSED);
	ck_assert(revoke_out.ambiguous);
	ck_assert_uint_eq(revoke_c.ends, 0);
	revoke_person(other, false);
	revoke_ended();
	revoke_end();
}

START_TEST(two_people_of_one_name_are_refused_with_both_ids)
{
	revoke_each(with_mail, two);
}
END_TEST

static void again(const struct contract_fake *fake)
{
	revoke_begin(fake);
	revoke_person("person001", false);
	revoke_ended();
	revoke_person("person001", false);
	revoke_ended();
	ck_assert_msg(!fake->people->counts || revoke_out.sessions == 0, "%s: %zu sessions", fake->kind, revoke_out.sessions);
	revoke_end();
}

START_TEST(somebody_who_is_signed_out_already_is_no_error)
{
	revoke_each(NULL, again);
}
END_TEST

static void disabled(const struct contract_fake *fake)
{
	revoke_begin(fake);
	revoke_c.directory.people[CAROL].disabled = true;
	revoke_person("person001", false);
	revoke_ended();
	ck_assert_msg(!revoke_out.enabled, "%s: may sign in again", fake->kind);
	revoke_end();
}

START_TEST(somebody_who_may_not_sign_in_again_is_told)
{
	revoke_each(NULL, disabled);
}
END_TEST

/* ---- a look ---- */

static void dry(const struct contract_fake *fake)
{
	struct ush_revoked wet = {0};

	revoke_begin(fake);
	revoke_person("person001", true);
	revoke_went_well();
	ck_assert_uint_eq(revoke_c.ends, 0);
	ck_assert_uint_eq(revoke_held(CONTRACT_EVERYWHERE), 3 * revoke_things());
	wet = revoke_out;
	revoke_out = (struct ush_revoked){0};
	revoke_person("person001", false);
	revoke_ended();
	ck_assert_uint_gt(revoke_c.ends, 0);
	ck_assert_uint_eq(wet.done.count, revoke_out.done.count); /* what would be, and what is */
	for (size_t i = 0; i < wet.done.count; i++)
		ck_assert_str_eq(wet.done.items[i], revoke_out.done.items[i]);
	ck_assert(wet.sessions == revoke_out.sessions && wet.names.count == revoke_out.names.count && wet.left.count == revoke_out.left.count);
	ush_revoked_free(&wet);
	revoke_end();
}

START_TEST(a_look_tells_the_same_and_changes_nothing)
{
	revoke_each(NULL, dry);
}
END_TEST

/* ---- answers that cannot be trusted ---- */

static bool with_lists(const struct contract_people *people)
{
	return people->lists;
}

static void deaf(const struct contract_fake *fake)
{
	revoke_begin(fake);
	revoke_c.deaf = true;
	revoke_person("person001", false);
	revoke_failed(USH_ERR_REJECTED);
	ck_assert_uint_eq(revoke_c.ends, 0);
	revoke_end();
}

/* A filter that is not heard lists what everybody has: ending that would sign everybody revoke_out. */
START_TEST(what_others_have_is_not_ended_though_the_provider_lists_it)
{
	revoke_each(with_lists, deaf);
}
END_TEST

static void deaf_about_names(const struct contract_fake *fake)
{
	revoke_begin(fake);
	revoke_c.deaf = true;
	revoke_person("nobody@mail.test", false);
	revoke_went_well();
	ck_assert_msg(!revoke_out.found, "%s took somebody for nobody", fake->kind);
	ck_assert_uint_eq(revoke_c.ends, 0);
	revoke_end();
}

START_TEST(somebody_else_whom_the_provider_lists_is_not_the_person)
{
	revoke_each(NULL, deaf_about_names);
}
END_TEST

static void expect_no_crash(int status, enum contract_what what, size_t skip)
{
	revoke_fault(what, status, skip, 1, NULL);
	revoke_person("person001", false);
	ck_assert(revoke_held(0) == revoke_things() && revoke_held(2) == revoke_things());
	ck_assert(revoke_c.result == 0 || revoke_c.err.what[0] != '\0');
}

static void odd(const struct contract_fake *fake)
{
	static const int faults[] = {CONTRACT_CUT, CONTRACT_NOTHING, CONTRACT_LARGE, 404, 201, 418};

	revoke_begin(fake);
	for (size_t i = 0; i < USH_COUNT(faults); i++)
		for (size_t skip = 0; skip < 6; skip++) {
			expect_no_crash(faults[i], CONTRACT_LOOK, skip);
			expect_no_crash(faults[i], CONTRACT_END, skip);
		}
	revoke_end();
}

START_TEST(odd_answers_at_any_place_harm_nobody_else)
{
	revoke_each(NULL, odd);
}
END_TEST

START_TEST(github_without_saml_and_gitlab_without_an_administrator_say_so)
{
	revoke_begin(&contract_github);
	((struct fake_github *)revoke_c.state)->no_saml = true;
	revoke_person("person001", false);
	revoke_went_well();
	ck_assert(revoke_out.found && !revoke_out.supported);
	ck_assert_uint_eq(revoke_c.ends, 0);
	revoke_end();
	revoke_begin(&contract_gitlab);
	((struct fake_gitlab *)revoke_c.state)->plain = true;
	revoke_person("person001", false);
	revoke_failed(USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(revoke_c.err.hint, "administrator"));
	ck_assert(revoke_out.found);
	revoke_end();
}
END_TEST

TAP_MAIN("source_revoke", a_person_is_found_by_name_id_and_address_and_loses_everything, nobody_by_that_name_is_no_error_and_nothing_is_sent,
	 two_people_of_one_name_are_refused_with_both_ids, somebody_who_is_signed_out_already_is_no_error, somebody_who_may_not_sign_in_again_is_told,
	 a_look_tells_the_same_and_changes_nothing, what_others_have_is_not_ended_though_the_provider_lists_it,
	 somebody_else_whom_the_provider_lists_is_not_the_person, odd_answers_at_any_place_harm_nobody_else,
	 github_without_saml_and_gitlab_without_an_administrator_say_so)
