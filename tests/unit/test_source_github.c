/* SPDX-License-Identifier: Apache-2.0
 *
 * What is GitHub's alone: ETags and the file that keeps them, its two limits, logins that are nobody's name elsewhere, Apps.
 */
#include "tests/support/tap.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/contract_knobs.h"

static struct contract c;

static struct fake_github *github(void)
{
	return c.state;
}

static char *write_file(const char *name, const char *text)
{
	char *path = knobs_file(&c, name);
	struct ush_error err = {0};

	ck_assert_msg(ush_file_write(path, text, strlen(text), 0600, &err) == 0, "%s", err.what);
	return path;
}

/* ---- teams ---- */

START_TEST(a_team_stands_under_its_parent_by_slugs_and_has_its_members_too)
{
	size_t child;

	knobs_begin(&c, &contract_github, 1, 2);
	child = contract_add_group(&c, "oncall", 0);
	contract_join(&c, child, contract_add_person(&c, "carol"));
	contract_exact(&c);
	ck_assert_str_eq(knobs_group(&c, "/group-0000/oncall")->name, "oncall");
	ck_assert_uint_eq(knobs_group(&c, "/group-0000")->members.count, 3);
	ck_assert_uint_eq(knobs_group(&c, "/group-0000/oncall")->members.count, 1);
	ck_assert(!github()->no_version);
	ck_assert_str_eq(c.groups.where, "github api.github.test/acme");
	contract_end(&c);
}
END_TEST

START_TEST(a_parent_that_is_not_listed_is_one_that_rights_hide)
{
	knobs_begin(&c, &contract_github, 1, 0);
	contract_add_group(&c, "oncall", 0);
	github()->hidden_parent = true;
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "\"oncall\" stands under one that is not listed");
	contract_end(&c);
}
END_TEST

START_TEST(members_are_read_of_the_teams_that_are_wanted_alone)
{
	knobs_begin(&c, &contract_github, 5, 1);
	knobs_read(&c, "/group-0000,/group-0003");
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.requests, 2 + 2 + 1); /* the list twice, and whose token it is */
	ck_assert(knobs_group(&c, "/group-0003")->members_known);
	ck_assert(!knobs_group(&c, "/group-0002")->members_known);
	knobs_read(&c, NULL);
	ck_assert_uint_eq(c.requests, 2 + 1);
	contract_end(&c);
}
END_TEST

/* A secret team is shown to its members and to owners of the organization, and the list does not say so. */
START_TEST(the_proof_says_whether_the_tokens_owner_sees_every_team)
{
	static const struct {
		const char *role;
		bool doubt;
	} roles[] = {{"admin", false}, {"member", true}, {"", true}};

	for (size_t i = 0; i < USH_COUNT(roles); i++) {
		knobs_begin(&c, &contract_github, 3, 1);
		github()->role = roles[i].role;
		contract_exact(&c);
		ck_assert_msg((strstr(c.groups.proof, "secret teams are listed only where") != NULL) == roles[i].doubt, "%s", c.groups.proof);
		contract_end(&c);
	}
	knobs_begin(&c, &contract_github_app, 3, 1);
	contract_exact(&c);
	ck_assert_msg(strstr(c.groups.proof, "secret") == NULL, "%s", c.groups.proof);
	contract_end(&c);
}
END_TEST

START_TEST(an_organization_that_was_renamed_says_so)
{
	knobs_begin(&c, &contract_github, 1, 0);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .status = 301};
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "another name now");
	contract_end(&c);
}
END_TEST

/* BC06: a Link that a proxy dropped looks like the end. */
START_TEST(a_full_page_without_a_link_is_followed_all_the_same)
{
	knobs_begin(&c, &contract_github, 230, 130);
	github()->no_link = true;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

START_TEST(what_is_hidden_or_forbidden_says_what_the_token_lacks)
{
	knobs_begin(&c, &contract_github, 1, 0);
	ush_source_set(&c.source, "organization", "other");
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "Not Found");
	knobs_expect_incomplete(&c, "read:org");
	ush_source_set(&c.source, "organization", "acme");
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .status = 403};
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "Give the token read:org");
	ck_assert_int_eq(c.slept_ms, 0); /* no limit, so nothing to wait for */
	contract_end(&c);
}
END_TEST

/* ---- ETags ---- */

START_TEST(the_second_reading_of_the_list_costs_nothing)
{
	knobs_begin(&c, &contract_github, 230, 0);
	knobs_read(&c, NULL);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(github()->paid, 3 + 1); /* and whose token it is */
	ck_assert_uint_eq(github()->unchanged, 3);
	contract_end(&c);
}
END_TEST

static char *with_cache(size_t teams, size_t people)
{
	char *path;

	knobs_begin(&c, &contract_github, teams, people);
	path = knobs_file(&c, "cache.json");
	unlink(path);
	ush_source_set(&c.source, "cacheFile", path);
	contract_exact(&c);
	github()->paid = github()->unchanged = 0;
	return path;
}

START_TEST(a_second_run_pays_for_what_changed_alone)
{
	USH_AUTO_FREE char *path = with_cache(3, 130);
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	contract_exact(&c);
	ck_assert_uint_eq(github()->paid, 0);
	contract_end(&c);
}
END_TEST

START_TEST(a_change_behind_an_etag_is_seen)
{
	USH_AUTO_FREE char *path = with_cache(3, 2);

	contract_join(&c, 1, 1);
	contract_exact(&c);
	ck_assert_uint_eq(github()->paid, 1);
	free(c.directory.groups[2].name);
	c.directory.groups[2].name = ush_strdup("renamed");
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

START_TEST(a_cache_that_is_broken_is_not_looked_at)
{
	static const char *const texts[] = {"", "{", "[]", "{\"bound\":\"https://api.github.test acme\",\"pages\":[]}",
					    "{\"bound\":\"https://api.github.test acme\",\"pages\":{\"/orgs/acme/teams?per_page=100\":{\"match\":\"Authorization: x\",\"body\":[]}}}",
					    "{\"bound\":\"https://api.github.test acme\",\"pages\":{\"/orgs/acme/teams?per_page=100\":7}}"};

	for (size_t i = 0; i < USH_COUNT(texts); i++) {
		USH_AUTO_FREE char *path = with_cache(2, 1);
		struct ush_error err = {0};

		ck_assert_int_eq(ush_file_write(path, texts[i], strlen(texts[i]), 0600, &err), 0);
		contract_exact(&c);
		ck_assert_uint_eq(github()->paid, 3 + 1); /* the list, the members of two, and whose token it is */
		contract_end(&c);
	}
}
END_TEST

START_TEST(answers_kept_for_another_organization_are_not_asked_about)
{
	USH_AUTO_FREE char *path = with_cache(2, 1);
	USH_AUTO_BUF text = {0};
	struct ush_error err = {0};
	char *bound;

	ck_assert_int_eq(ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, NULL, &err), 0);
	bound = strstr(text.data, "github.test acme");
	ck_assert_ptr_nonnull(bound);
	memcpy(bound, "github.test acmf", 16);
	ck_assert_int_eq(ush_file_write(path, text.data, text.length, 0600, &err), 0);
	contract_exact(&c);
	ck_assert_uint_eq(github()->paid, 3 + 1);
	contract_end(&c);
}
END_TEST

START_TEST(a_cache_that_others_may_open_is_left_alone_and_told)
{
	USH_AUTO_FREE char *path = with_cache(2, 1);

	ck_assert_int_eq(chmod(path, 0644), 0);
	contract_exact(&c);
	ck_assert_uint_eq(github()->paid, 3 + 1);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "others may open it (mode 0644). Close it: chmod 600 "));
	contract_end(&c);
}
END_TEST

START_TEST(a_cache_that_cannot_be_written_costs_nobody_access)
{
	USH_AUTO_FREE char *path = NULL;

	knobs_begin(&c, &contract_github, 2, 1);
	path = knobs_file(&c, "no-such-folder/cache.json");
	ush_source_set(&c.source, "cacheFile", path);
	contract_exact(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "could not be kept"));
	contract_end(&c);
}
END_TEST

START_TEST(no_answer_of_304_stands_for_what_was_never_seen)
{
	knobs_begin(&c, &contract_github, 1, 0);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .status = 304};
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "304");
	contract_end(&c);
}
END_TEST

/* ---- limits ---- */

START_TEST(the_primary_limit_is_waited_for_until_its_reset)
{
	static const int statuses[] = {403, 429};

	for (size_t i = 0; i < USH_COUNT(statuses); i++) {
		knobs_begin(&c, &contract_github, 12, 1);
		github()->left = 6;
		github()->resets_in = 100;
		github()->limit_status = statuses[i];
		contract_exact(&c);
		ck_assert_msg(c.slept_ms >= 99000 && c.slept_ms < 130000, "slept %lld ms", (long long)c.slept_ms);
		contract_end(&c);
	}
}
END_TEST

START_TEST(a_reset_beyond_the_budget_is_incomplete_at_once)
{
	knobs_begin(&c, &contract_github, 12, 1);
	github()->left = 6;
	github()->resets_in = 3000;
	contract_read(&c);
	knobs_expect_incomplete(&c, "budget");
	ck_assert_int_lt(c.slept_ms, 1000);
	contract_end(&c);
}
END_TEST

START_TEST(the_secondary_limit_is_a_403_that_passes)
{
	knobs_begin(&c, &contract_github, 2, 1);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .status = 403, .times = 1, .headers = "Retry-After: 9"};
	contract_exact(&c);
	ck_assert_int_ge(c.slept_ms, 9000);
	contract_end(&c);
}
END_TEST

START_TEST(a_secondary_limit_that_names_no_time_is_waited_for_a_minute)
{
	static const struct provider_row rows[] = {
		{.url = "/orgs/acme/teams", .status = 403, .body = "{'message':'You have exceeded a secondary rate limit. Please wait a few minutes'}", .times = 1},
		{.url = "/orgs/acme/teams", .status = 200, .body = "[{'id':7,'slug':'dev','parent':null}]"},
		{.url = "/user/memberships/orgs/acme", .status = 200, .body = "{'state':'active','role':'admin'}"},
		{0}};
	struct provider *provider = provider_new(rows);
	struct ush_policy_source source =
		provider_source("github", (const char *const[]){"organization=acme", "url=https://api.github.test", "secretFile=@s3cret", NULL});
	USH_AUTO_GROUPS groups = {0};

	provider_read(provider, &source, NULL, &groups);
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_int_ge(provider->slept_ms, 60000);
	ush_policy_source_free(&source);
	provider_free(provider);
}
END_TEST

/* ---- where a next page may be ---- */

START_TEST(a_link_to_another_host_gets_no_token)
{
	static const struct provider_row rows[] = {{.url = "/orgs/acme/teams",
						    .status = 200,
						    .body = "[{'id':7,'slug':'dev','parent':null}]",
						    .headers = "Link: <https://evil.test/teams?page=2>; rel=\"next\""},
						   {0}};
	struct provider *provider = provider_new(rows);
	struct ush_policy_source source =
		provider_source("github", (const char *const[]){"organization=acme", "url=https://api.github.test", "secretFile=@s3cret", NULL});
	USH_AUTO_GROUPS groups = {0};

	provider_read(provider, &source, NULL, &groups);
	ck_assert(!groups.complete);
	ck_assert_ptr_nonnull(strstr(groups.why, "evil.test"));
	ck_assert_uint_eq(provider_asked(provider, "evil.test"), 0);
	ush_policy_source_free(&source);
	provider_free(provider);
}
END_TEST

/* ---- people ---- */

START_TEST(logins_are_people_by_a_file_and_who_is_not_in_it_is_counted)
{
	USH_AUTO_FREE char *path = NULL;

	knobs_begin(&c, &contract_github, 1, 4);
	path = write_file("people.csv", "login,name\r\nPERSON000,carol@example.com\nperson001,\"Dana \"\"D\"\" Doe, Jr.\"\n");
	ush_source_set(&c.source, "people", path);
	contract_read(&c);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.items[0].members.count, 2);
	ck_assert_str_eq(c.groups.items[0].members.items[0], "Dana \"D\" Doe, Jr.");
	ck_assert_str_eq(c.groups.items[0].members.items[1], "carol@example.com");
	ck_assert_uint_eq(c.groups.items[0].unresolvable, 2);
	contract_end(&c);
}
END_TEST

START_TEST(a_file_of_people_that_is_wrong_names_the_line)
{
	static const struct {
		const char *text, *why;
	} files[] = {{"", "is empty"},
		     {"name,login\n", ":1: expected the header"},
		     {"login,name\nx\n", ":2: expected login,name"},
		     {"login,name\nx,\n", ":2: expected login,name"},
		     {"login,name\n,y\n", ":2: expected login,name"},
		     {"login,name\nx,y,z\n", ":2: expected login,name"},
		     {"login,name\nx,\"y\n", ":2: expected login,name"},
		     {"login,name\nx,y\n\n", ":3: expected login,name"},
		     {"login,name\nx,y\xff\n", ":2: expected login,name"},
		     {"login,name\nx,y\nz,z\nX,w\n", ":4: X stands here and in line 2"}};

	for (size_t i = 0; i < USH_COUNT(files); i++) {
		USH_AUTO_FREE char *path = NULL;

		knobs_begin(&c, &contract_github, 1, 1);
		path = write_file("people.csv", files[i].text);
		ush_source_set(&c.source, "people", path);
		contract_read(&c);
		ck_assert_int_eq(c.result, -1);
		ck_assert_int_eq(c.err.code, USH_ERR_CONFIG);
		ck_assert_msg(strstr(c.err.what, files[i].why) != NULL || strstr(c.err.what, "X stands") != NULL || strstr(c.err.what, "x stands") != NULL,
			      "%s: lacks %s", c.err.what, files[i].why);
		ck_assert_uint_eq(c.requests, 0);
		contract_end(&c);
	}
}
END_TEST

START_TEST(suspended_people_are_counted_and_left_out_where_that_can_be_seen)
{
	knobs_begin(&c, &contract_github, 1, 5);
	c.directory.people[1].disabled = true;
	github()->suspended = true;
	contract_exact(&c);
	ck_assert_uint_eq(c.groups.disabled, 1);
	contract_end(&c);
}
END_TEST

/* ---- Apps ---- */

START_TEST(an_app_signs_in_by_a_jwt_and_asks_with_its_installations_token)
{
	knobs_begin(&c, &contract_github_app, 120, 1);
	contract_exact(&c);
	ck_assert_str_eq(github()->jwt_fault, "");
	ck_assert_uint_eq(github()->tokens, 1);
	contract_end(&c);
}
END_TEST

static void two_minutes(struct contract *k, enum contract_what what, size_t page)
{
	(void)what, (void)page;
	k->now_ms += 120000;
}

START_TEST(the_token_of_an_installation_is_renewed_before_it_ends)
{
	knobs_begin(&c, &contract_github_app, 3, 1);
	github()->token_life = 300;
	c.meanwhile = two_minutes;
	contract_exact(&c);
	ck_assert_uint_ge(github()->tokens, 2);
	contract_end(&c);
}
END_TEST

START_TEST(an_app_that_github_does_not_know_says_so)
{
	knobs_begin(&c, &contract_github_app, 1, 0);
	ush_source_set(&c.source, "app", "999");
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "GitHub gives App 999 no token for installation 777: 401");
	contract_end(&c);
}
END_TEST

START_TEST(an_app_needs_its_installation_and_its_key)
{
	knobs_begin(&c, &contract_github, 1, 0);
	ush_source_set(&c.source, "app", "123456");
	knobs_read(&c, NULL);
	ck_assert_int_eq(c.result, -1);
	ck_assert_ptr_nonnull(strstr(c.err.what, "installation"));
	ush_source_set(&c.source, "installation", "777"); /* and the secret is a token, no key */
	knobs_read(&c, NULL);
	ck_assert_int_eq(c.result, -1);
	ck_assert_ptr_nonnull(strstr(c.err.what, "private key"));
	contract_end(&c);
}
END_TEST

TAP_MAIN("source_github", a_team_stands_under_its_parent_by_slugs_and_has_its_members_too, a_parent_that_is_not_listed_is_one_that_rights_hide,
	 members_are_read_of_the_teams_that_are_wanted_alone, the_proof_says_whether_the_tokens_owner_sees_every_team,
	 an_organization_that_was_renamed_says_so, a_full_page_without_a_link_is_followed_all_the_same,
	 what_is_hidden_or_forbidden_says_what_the_token_lacks, the_second_reading_of_the_list_costs_nothing, a_second_run_pays_for_what_changed_alone,
	 a_change_behind_an_etag_is_seen, a_cache_that_is_broken_is_not_looked_at, answers_kept_for_another_organization_are_not_asked_about, a_cache_that_others_may_open_is_left_alone_and_told,
	 a_cache_that_cannot_be_written_costs_nobody_access, no_answer_of_304_stands_for_what_was_never_seen,
	 the_primary_limit_is_waited_for_until_its_reset, a_reset_beyond_the_budget_is_incomplete_at_once, the_secondary_limit_is_a_403_that_passes,
	 a_secondary_limit_that_names_no_time_is_waited_for_a_minute, a_link_to_another_host_gets_no_token,
	 logins_are_people_by_a_file_and_who_is_not_in_it_is_counted, a_file_of_people_that_is_wrong_names_the_line,
	 suspended_people_are_counted_and_left_out_where_that_can_be_seen, an_app_signs_in_by_a_jwt_and_asks_with_its_installations_token,
	 the_token_of_an_installation_is_renewed_before_it_ends, an_app_that_github_does_not_know_says_so, an_app_needs_its_installation_and_its_key)
