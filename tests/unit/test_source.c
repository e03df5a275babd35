/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds for every kind of source: whose members are read, what is left out, canaries, size.
 */
#include "tests/support/tap.h"

#include <string.h>
#include <sys/resource.h>

#include "broker/source/source.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/contract.h"

extern const struct contract_fake contract_keycloak;

static struct contract c;

/* Groups a/dev, a/ops, b/dev, b/ops and their parents, two people in each of the four. */
static void begin(void)
{
	static const char *const tops[] = {"a", "b"}, *const leaves[] = {"dev", "ops"};

	contract_begin(&c, &contract_keycloak);
	for (size_t i = 0; i < 2; i++) {
		size_t top = contract_add_group(&c, tops[i], CONTRACT_NOBODY);

		for (size_t j = 0; j < 2; j++) {
			size_t group = contract_add_group(&c, leaves[j], top);

			for (size_t k = 0; k < 2; k++) {
				USH_AUTO_FREE char *name = ush_printf("%s-%s-%zu", tops[i], leaves[j], k);

				contract_join(&c, group, contract_add_person(&c, name));
			}
		}
	}
}

/* Reads with references or patterns, separated by blanks. Returns the paths whose members are known. */
static char *known(const char *refs, const char *patterns, bool none)
{
	struct ush_list lists[2] = {{0}, {0}};
	struct ush_source_question question = {.source = &c.source, .refs = &lists[0], .patterns = &lists[1], .no_members = none};
	struct ush_buf out = {0};

	for (size_t i = 0; i < 2; i++) {
		USH_AUTO_FREE char *copy = ush_strdup(i == 0 ? refs : patterns);
		char *rest = copy, *one;

		while ((one = strsep(&rest, " ")) != NULL)
			if (*one != '\0')
				ush_list_add(&lists[i], one);
	}
	ush_groups_free(&c.groups);
	ck_assert_int_eq(ush_source_read(&c.world, &question, &c.groups, &c.err), 0);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	for (size_t i = 0; i < c.groups.count; i++)
		if (c.groups.items[i].members_known)
			ush_buf_printf(&out, "%s%s", out.length > 0 ? " " : "", c.groups.items[i].path);
	ush_list_free(&lists[0]);
	ush_list_free(&lists[1]);
	return ush_buf_take(&out);
}

START_TEST(members_are_read_only_where_they_are_wanted)
{
	static const struct {
		const char *refs, *patterns, *known;
		bool none;
	} cases[] = {{"", "", "", false},
		     {"/a/dev", "", "/a/dev", false},
		     {"dev", "", "/a/dev /b/dev", false},
		     {"zebra dev /b/ops nobody", "", "/a/dev /b/dev /b/ops", false},
		     {"", "/{team}/dev", "/a/dev /b/dev", false},
		     {"", "o*", "/a/ops /b/ops", false},
		     {"/a", "/b/*", "/a /b/dev /b/ops", false},
		     {"dev ops a b", "*", "", true}};

	begin();
	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *got = known(cases[i].refs, cases[i].patterns, cases[i].none);

		ck_assert_str_eq(got, cases[i].known);
	}
	contract_end(&c);
}
END_TEST

/* BE12: what the source leaves out costs no request for its members either. */
START_TEST(what_is_left_out_is_not_even_asked_about)
{
	size_t all, some;
	USH_AUTO_FREE char *got = NULL;

	begin();
	contract_read(&c);
	all = c.requests;
	ck_assert_uint_eq(c.groups.left_out, 0);
	ck_assert_uint_eq(c.groups.requests, all);
	ush_source_set(&c.source, "include", "/a");
	ush_source_set(&c.source, "include", "/a/*");
	ush_source_set(&c.source, "exclude", "ops");
	contract_read(&c);
	some = c.requests;
	ck_assert_uint_eq(c.groups.count, 2);
	ck_assert_str_eq(c.groups.items[1].path, "/a/dev");
	ck_assert_uint_eq(c.groups.left_out, 4);
	ck_assert_uint_eq(c.groups.people, 2);
	ck_assert_uint_eq(all - some, 4);
	got = known("ops dev", "", false);
	ck_assert_str_eq(got, "/a/dev");
	contract_end(&c);
}
END_TEST

START_TEST(a_canary_may_be_in_what_is_left_out)
{
	begin();
	ush_source_set(&c.source, "include", "/a");
	ush_source_set(&c.source, "include", "/a/*");
	ush_source_set(&c.source, "canaries.groups", "/b/ops");
	ush_source_set(&c.source, "canaries.people", "a-dev-1");
	contract_read(&c);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ush_source_set(&c.source, "canaries.people", "b-dev-1"); /* but nobody's members are read for that */
	contract_read(&c);
	contract_expect_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.advice, "the others' members are not read"));
	contract_end(&c);
}
END_TEST

START_TEST(without_people_a_person_is_no_canary)
{
	USH_AUTO_FREE char *got = NULL;

	begin();
	ush_source_set(&c.source, "canaries.people", "somebody-else");
	got = known("", "", true);
	ck_assert_str_eq(got, "");
	contract_end(&c);
}
END_TEST

START_TEST(a_kind_that_was_not_built_in_is_told)
{
	static const struct ush_setting_row *const none[] = {NULL};
	static const struct ush_source_kind kind = {"telepathy", "", none};
	struct ush_policy_source source = {.name = ush_strdup("main"), .kind = &kind};
	struct ush_source_question question = {.source = &source};
	struct ush_groups groups = {0};
	struct ush_error err = {0};

	begin();
	ck_assert_int_eq(ush_source_read(&c.world, &question, &groups, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.what, "telepathy"));
	ush_policy_source_free(&source);
	contract_end(&c);
}
END_TEST

/* ---- size ---- */

#define BIG_GROUPS 10000
#define BIG_PEOPLE 100000
#define BIG_EACH   100 /* members a group */

static void person_json(struct ush_buf *out, size_t i)
{
	ush_buf_printf(out, "{\"id\":\"00000000-0000-4000-8000-%012zu\",\"username\":\"person-%06zu@example.com\",\"enabled\":true}", i, i);
}

/* Keycloak with 10,000 groups and 100,000 people in 1,000,000 memberships, made while it is asked. */
static int big_http(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	long first = provider_query_number(request->url, "first", 0), max = provider_query_number(request->url, "max", 0);
	USH_AUTO_FREE char *id = provider_part(request->url, 4);
	size_t from;

	(void)context;
	(void)err;
	response->status = 200;
	response->retry_after_ms = -1;
	if (strstr(request->url, "/token") != NULL) {
		ush_buf_puts(&response->body, "{\"access_token\":\"t\",\"expires_in\":60}");
	} else if (strstr(request->url, "/groups/count") != NULL) {
		ush_buf_printf(&response->body, "{\"count\":%d}", BIG_GROUPS);
	} else if (id == NULL) {
		ush_buf_puts(&response->body, "[");
		for (long i = first; i < first + max && i < BIG_GROUPS; i++)
			ush_buf_printf(&response->body, "%s{\"id\":\"%ld\",\"name\":\"group-%05ld\",\"subGroupCount\":0}", i > first ? "," : "", i, i);
		ush_buf_puts(&response->body, "]");
	} else {
		from = strtoul(id, NULL, 10) * 37;
		ush_buf_puts(&response->body, "[");
		for (size_t i = (size_t)first; i < BIG_EACH; i++) {
			ush_buf_puts(&response->body, i > (size_t)first ? "," : "");
			person_json(&response->body, (from + i * 991) % BIG_PEOPLE);
		}
		ush_buf_puts(&response->body, "]");
	}
	return 0;
}

/* T52 */
START_TEST(a_hundred_thousand_people_in_ten_thousand_groups_fit)
{
	struct rusage used;
	size_t members = 0;
	char person[64];

	contract_begin(&c, &contract_keycloak);
	c.world.http = big_http;
	c.world.http_many = NULL;
	contract_read(&c);
	ck_assert_msg(c.result == 0 && c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.count, BIG_GROUPS);
	for (size_t i = 0; i < c.groups.count; i++) {
		const struct ush_group *group = &c.groups.items[i];
		size_t number = strtoul(group->id, NULL, 10);

		members += group->members.count;
		ck_assert_uint_eq(group->members.count, BIG_EACH);
		snprintf(person, sizeof person, "person-%06zu@example.com", (number * 37 + 50 * 991) % BIG_PEOPLE);
		ck_assert(ush_members_has(&group->members, person));
	}
	ck_assert_uint_eq(members, 1000000);
	ck_assert_uint_eq(c.groups.people, BIG_PEOPLE);
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &used), 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(USH_TEST_VALGRIND)
	ck_assert_msg(used.ru_maxrss < 256 * 1024, "%ld KiB", used.ru_maxrss);
#endif
	contract_end(&c);
}
END_TEST

/* The same as a file. */
START_TEST(a_file_of_a_million_memberships_fits)
{
	USH_AUTO_FREE char *path = ush_printf("%s/big.csv", tap_folder());
	struct ush_policy_source source = {.name = ush_strdup("main"), .kind = ush_source_kind("file")};
	struct ush_source_question question = {.source = &source, .all_members = true};
	USH_AUTO_BUF text = {0};
	struct ush_error err = {0};
	struct rusage used;

	ush_buf_puts(&text, "group,member\n");
	for (size_t i = 0; i < BIG_GROUPS; i++)
		for (size_t j = 0; j < BIG_EACH; j++)
			ush_buf_printf(&text, "group-%05zu,person-%06zu@example.com\n", i, (i * 37 + j * 991) % BIG_PEOPLE);
	ush_buf_printf(&text, "#rows,%d\n", BIG_GROUPS * BIG_EACH);
	ck_assert_msg(ush_file_write(path, text.data, text.length, 0600, &err) == 0, "%s", err.what);
	ush_buf_free(&text);
	begin();
	ush_source_set(&source, "path", path);
	ck_assert_int_eq(ush_source_read(&c.world, &question, &c.groups, &c.err), 0);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.people, BIG_PEOPLE);
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &used), 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(USH_TEST_VALGRIND)
	ck_assert_msg(used.ru_maxrss < 256 * 1024, "%ld KiB", used.ru_maxrss);
#endif
	ush_policy_source_free(&source);
	contract_end(&c);
}
END_TEST

TAP_MAIN("source", members_are_read_only_where_they_are_wanted, what_is_left_out_is_not_even_asked_about, a_canary_may_be_in_what_is_left_out,
	 without_people_a_person_is_no_canary, a_kind_that_was_not_built_in_is_told, a_hundred_thousand_people_in_ten_thousand_groups_fit,
	 a_file_of_a_million_memberships_fits)
