/* SPDX-License-Identifier: Apache-2.0
 *
 * What somebody who leaves may be called, who was meant, and how it is told.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/lifecycle/offboard/names.h"
#include "broker/lifecycle/offboard/report.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/policy_case.h"

#define KEYCLOAK "sources: {main: {keycloak: {url: 'https://sso.example.com', realm: acme, client: c, secretFile: s}}}\n"
#define PERSONS	 "cluster: {groupPrefix: 'oidc:', userPrefix: 'oidc:', tokenLifetime: 10m}\n"

/* ---- spellings ---- */

START_TEST(a_person_is_known_in_every_spelling)
{
	USH_AUTO_POLICY policy = policy_of(TOP PERSONS KEYCLOAK ROLES GRANTS);
	static const char *const given[] = {"carol", "oidc:carol", "https://sso.example.com/realms/acme#carol"};
	static const char *const yes[] = {"carol", "Carol", "CAROL", "oidc:carol", "OIDC:Carol", "https://sso.example.com/realms/acme#carol"};
	static const char *const no[] = {"", "caro", "carola", "oidc:", "oidc:oidc:carol", "https://other.example.com#carol", "oidc:carol ", "c\xc3\xa1rol"};

	ck_assert_int_eq(policy->token_lifetime, 600);
	for (size_t i = 0; i < USH_COUNT(given); i++) { /* whichever of them somebody types */
		struct ush_spellings all = {0};

		ush_spellings_add(&all, policy, given[i]);
		ck_assert_uint_eq(all.told.count, 3);
		for (size_t k = 0; k < USH_COUNT(yes); k++)
			ck_assert_msg(ush_spellings_have(&all, yes[k]), "%s lacks %s", given[i], yes[k]);
		for (size_t k = 0; k < USH_COUNT(no); k++)
			ck_assert_msg(!ush_spellings_have(&all, no[k]), "%s has %s", given[i], no[k]);
		ush_spellings_free(&all);
	}
}
END_TEST

/* What a provider says has no prefix of ours, whatever it begins with. */
START_TEST(a_name_that_a_provider_said_is_whole)
{
	USH_AUTO_POLICY policy = policy_of(TOP PERSONS KEYCLOAK ROLES GRANTS);
	struct ush_spellings all = {0};

	ush_spellings_said(&all, policy, "oidc:carol");
	ck_assert(ush_spellings_have(&all, "oidc:oidc:carol") && ush_spellings_have(&all, "oidc:carol"));
	ck_assert(!ush_spellings_have(&all, "carol"));
	ush_spellings_free(&all);
	ck_assert_str_eq(ush_spelling_bare(policy, "oidc:carol"), "carol");
	ck_assert_str_eq(ush_spelling_bare(policy, "https://sso.example.com/realms/acme#carol"), "carol");
	ck_assert_str_eq(ush_spelling_bare(policy, "carol"), "carol");
	ck_assert_str_eq(ush_spelling_bare(policy, "oidc:"), "oidc:");
}
END_TEST

/* As the ledger compares: who is kept out by it is found in bindings, too. */
START_TEST(letters_beyond_ascii_have_cases_and_forms_as_well)
{
	USH_AUTO_POLICY policy = policy_of(TOP PERSONS KEYCLOAK ROLES GRANTS);
	struct ush_spellings all = {0};

	ush_spellings_add(&all, policy, "jos\xc3\xa9@x");
	ck_assert(ush_spellings_have(&all, "oidc:JOS\xc3\x89@X"));
	ck_assert(ush_spellings_have(&all, "oidc:jose\xcc\x81@x"));
	ck_assert(!ush_spellings_have(&all, "oidc:jose@x"));
	ush_spellings_free(&all);
}
END_TEST

START_TEST(a_name_of_kubernetes_own_is_no_spelling)
{
	USH_AUTO_POLICY policy = policy_of(TOP PERSONS KEYCLOAK ROLES GRANTS);
	struct ush_spellings all = {0};

	ush_spellings_add(&all, policy, "system:admin");
	ush_spellings_add(&all, policy, "System:admin");
	ush_spellings_add(&all, policy, "oidc:system:admin");
	ush_spellings_add(&all, policy, "");
	ush_spellings_add_text(&all, "SYSTEM:masters");
	ck_assert_uint_eq(all.told.count, 0);
	ck_assert(!ush_spellings_have(&all, "system:admin"));
	ush_spellings_free(&all);
}
END_TEST

START_TEST(a_long_name_is_looked_up_like_a_short_one)
{
	USH_AUTO_POLICY policy = policy_of(TOP PERSONS KEYCLOAK ROLES GRANTS);
	struct ush_spellings all = {0};
	char text[4001];

	memset(text, 'A', 4000);
	text[4000] = '\0';
	ush_spellings_add(&all, policy, text);
	memset(text, 'a', 4000);
	ck_assert(ush_spellings_have(&all, text));
	text[3999] = 'b';
	ck_assert(!ush_spellings_have(&all, text));
	ush_spellings_free(&all);
}
END_TEST

/* ---- who was meant ---- */

START_TEST(the_closest_names_are_offered)
{
	struct ush_near near = {.wanted = "carl@example.com", .prefix = "oidc:"};
	USH_AUTO_FREE char *none = ush_near_text(&near), *two = NULL;

	ck_assert_str_eq(none, "");
	ush_near_offer(&near, "mallory@example.org");
	ush_near_offer(&near, "oidc:carol@example.com");
	ush_near_offer(&near, "Carol@example.com");
	ush_near_offer(&near, "karl@example.com");
	ush_near_offer(&near, "carl@example.com"); /* it is that */
	two = ush_near_text(&near);
	ck_assert_str_eq(two, " (did you mean carol@example.com or karl@example.com?)");
	for (char i = 'a'; i < 'z'; i++) {
		char name[] = "?arl@example.com";

		name[0] = i;
		ush_near_offer(&near, name);
	}
	ck_assert_uint_eq(near.count, USH_NEAR_MAX);
	ush_near_free(&near);
	near = (struct ush_near){.wanted = "carol"}; /* who leaves the domain out */
	ush_near_offer(&near, "carol@example.com");
	ck_assert_uint_eq(near.count, 1);
	ush_near_free(&near);
}
END_TEST

/* ---- telling ---- */

static json_t *report(void)
{
	json_t *all = ush_report_new(json_pack("{s:s, s:s}", "kind", "user", "name", "car*ol"), 1795289820, false);

	ush_report_add(all, &(struct ush_line){.word = "removed", .kind = "binding"}, "User subject %s", "a\x1b[31mb");
	ush_report_add(all, &(struct ush_line){.word = "until", .kind = "id-token", .until = 1795289820 + 60}, "a token");
	ush_report_add(all, &(struct ush_line){.word = "until", .kind = "certificate", .todo = true, .until = 1795289820 + 86400 * 3}, "a certificate");
	ush_report_add(all, &(struct ush_line){.word = "until", .kind = "token-secret", .todo = true, .until = USH_UNTIL_NEVER, .command = "kubectl delete secret -n x y"},
		       "a Secret");
	return all;
}

START_TEST(a_report_is_for_people)
{
	USH_AUTO_JSON all = report();
	USH_AUTO_BUF out = {0};

	ush_report_close(all);
	ush_report_text(all, &out);
	ck_assert_str_eq(out.data, "removed   User subject a\\x1b[31mb\n"
				   "until     19:38:00 UTC  a token\n"
				   "until     2026-11-24 19:37:00 UTC  a certificate\n"
				   "until     never  a Secret: kubectl delete secret -n x y\n"
				   "Two things are left for you.\n");
	ck_assert_uint_eq(ush_report_todo(all), 2);
	ck_assert(json_is_true(json_object_get(all, "complete")));
	ush_report_add(all, &(struct ush_line){.word = "unknown", .kind = "list"}, "Secrets could not be read");
	ush_report_close(all);
	ck_assert(json_is_false(json_object_get(all, "complete")));
	ck_assert_int_eq(json_integer_value(json_object_get(all, "left")), 2);
}
END_TEST

START_TEST(a_report_is_for_a_ticket)
{
	USH_AUTO_JSON all = report();
	USH_AUTO_BUF out = {0};

	ush_report_add(all, &(struct ush_line){.word = "left", .kind = "binding", .todo = true, .command = "kubectl delete rolebinding 'a```b'"}, "[x](javascript:1) <b>");
	ush_report_close(all);
	ush_report_markdown(all, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "### Offboarding of user car\\*ol\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "- [ ] **until** never: a Secret\n\n      kubectl delete secret -n x y\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "\\[x\\](javascript:1) \\<b\\>\n\n      kubectl delete rolebinding 'a```b'\n"));
	ck_assert_ptr_null(strchr(out.data, '\x1b'));
}
END_TEST

START_TEST(a_dry_run_says_of_each_deed_that_it_was_none)
{
	USH_AUTO_JSON all = ush_report_new(json_pack("{s:s, s:s}", "kind", "user", "name", "carol"), 1795289820, true);
	USH_AUTO_BUF out = {0}, ticket = {0};

	ush_report_add(all, &(struct ush_line){.word = "revoked", .kind = "sessions"}, "2 sessions");
	ush_report_add(all, &(struct ush_line){.word = "removed", .kind = "binding"}, "User subject carol");
	ush_report_add(all, &(struct ush_line){.word = "stays", .kind = "namespace"}, "Namespace a");
	ush_report_close(all);
	ush_report_text(all, &out);
	ck_assert_str_eq(out.data, "revoked   2 sessions (dry run)\n"
				   "removed   User subject carol (dry run)\n"
				   "stays     Namespace a\n"
				   "Nothing is left for you. Nothing was changed: this was a dry run.\n");
	json_object_set_new(all, "cluster", json_string("k8s.example.com:6443"));
	ush_report_markdown(all, &ticket);
	ck_assert_ptr_nonnull(strstr(ticket.data, "Z, cluster: k8s.example.com:6443\n\n"));
	ck_assert_ptr_nonnull(strstr(ticket.data, "- **revoked** 2 sessions (dry run)\n- **removed** User subject carol (dry run)\n- **stays** Namespace a\n"));
}
END_TEST

START_TEST(many_of_a_kind_are_counted)
{
	USH_AUTO_JSON all = report();
	USH_AUTO_BUF out = {0};
	size_t lines = 0;

	for (size_t i = 0; i < 100; i++)
		ush_report_add(all, &(struct ush_line){.word = "left", .kind = "binding", .todo = true}, "binding %zu", i);
	ush_report_text(all, &out);
	for (const char *at = out.data; (at = strstr(at, "left      binding")) != NULL; at++)
		lines++;
	ck_assert_uint_eq(lines, USH_REPORT_MOST);
	ck_assert_ptr_nonnull(strstr(out.data, "80 more like \"left binding\": -o json lists them\n102 things are left for you.\n"));
}
END_TEST

TAP_MAIN("offboard", a_person_is_known_in_every_spelling, a_name_that_a_provider_said_is_whole,
	 letters_beyond_ascii_have_cases_and_forms_as_well, a_name_of_kubernetes_own_is_no_spelling, a_long_name_is_looked_up_like_a_short_one,
	 the_closest_names_are_offered, a_report_is_for_people, a_report_is_for_a_ticket, a_dry_run_says_of_each_deed_that_it_was_none, many_of_a_kind_are_counted)
