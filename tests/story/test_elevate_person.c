/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a name means that somebody wrote, over every provider that can be asked for one person: the policy says by what the
 * API server knows people, and another name of theirs is nobody's.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/lifecycle/elevate/elevate.h"
#include "common/base/memory.h"
#include "tests/support/revoke_cases.h"

static char *unknown;

/* The result, with unknown and revoke_c.err. */
static int know(const char *name)
{
	struct ush_policy policy = {.sources = &revoke_c.source, .source_count = 1, .user_prefix = (char *)"oidc:"};

	free(ush_steal(&unknown));
	revoke_c.err = (struct ush_error){0};
	revoke_c.requests = revoke_c.ends = 0;
	revoke_c.revoking = true;
	return ush_elevate_know(&revoke_c.world, &policy, name, &unknown, &revoke_c.err);
}

static void expect_known(const char *name)
{
	ck_assert_msg(know(name) == 0 && unknown == NULL, "%s: %s %s", revoke_c.fake->kind, revoke_c.err.what, unknown);
}

static void expect_otherwise(const char *name, const char *called)
{
	ck_assert_msg(know(name) == -1, "%s takes %s", revoke_c.fake->kind, name);
	ck_assert_int_eq(revoke_c.err.code, USH_ERR_USAGE);
	ck_assert_msg(strstr(revoke_c.err.what, called) != NULL, "%s: %s", revoke_c.fake->kind, revoke_c.err.what);
	ck_assert_ptr_nonnull(strstr(revoke_c.err.hint, "--anyway"));
}

static void by_name(const struct contract_fake *fake)
{
	revoke_begin(fake);
	expect_known("oidc:person001");
	expect_known("person001");
	ck_assert_msg(revoke_c.requests < 20, "%s: %zu requests", fake->kind, revoke_c.requests);
	ck_assert_int_eq(know("oidc:mallory"), 0);
	ck_assert_msg(unknown != NULL && strcmp(unknown, "no source knows a person mallory") == 0, "%s: %s", fake->kind, unknown);
	if (fake->people->by_mail)
		expect_otherwise("oidc:person001@mail.test", "source main calls them person001");
	ck_assert_uint_eq(revoke_c.ends, 0);
	ck_assert_uint_eq(revoke_held(CAROL), revoke_things());
	revoke_end();
}

START_TEST(who_is_called_so_is_known_and_who_is_called_otherwise_is_told_how)
{
	revoke_each(NULL, by_name);
	free(ush_steal(&unknown));
}
END_TEST

static bool told_by_mail(const struct contract_people *people)
{
	return people == &contract_people_keycloak || people == &contract_people_okta || people == &contract_people_authentik;
}

static void by_mail(const struct contract_fake *fake)
{
	revoke_begin(fake);
	ush_source_set(&revoke_c.source, "peopleName", "email");
	expect_otherwise("oidc:person001", "source main calls them person001@mail.test");
	expect_known("oidc:person001@mail.test");
	revoke_end();
}

START_TEST(where_people_are_known_by_their_address_a_login_is_nobody)
{
	revoke_each(told_by_mail, by_mail);
	free(ush_steal(&unknown));
}
END_TEST

static void down(const struct contract_fake *fake)
{
	revoke_begin(fake);
	revoke_fault(CONTRACT_ANY, 503, 0, 0, NULL);
	ck_assert_msg(know("oidc:person001") == 0, "%s: %s", fake->kind, revoke_c.err.what);
	ck_assert_msg(unknown != NULL && strstr(unknown, "whether a source knows person001 could not be asked: source main: ") == unknown, "%s: %s", fake->kind, unknown);
	revoke_end();
}

START_TEST(a_provider_that_is_down_keeps_nobody_waiting_and_vouches_for_nobody)
{
	revoke_each(NULL, down);
	free(ush_steal(&unknown));
}
END_TEST

TAP_MAIN("elevate_person", who_is_called_so_is_known_and_who_is_called_otherwise_is_told_how, where_people_are_known_by_their_address_a_login_is_nobody,
	 a_provider_that_is_down_keeps_nobody_waiting_and_vouches_for_nobody)
