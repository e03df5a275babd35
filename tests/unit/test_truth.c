/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/claims/claims.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/oidc/jose.h"

static struct ush_policy *policy;
static struct ush_groups groups[1];
static struct ush_truths truths;
static struct ush_said said;
static json_t *payload;
static struct ush_error err;

#define HEAD                                                                                                           \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\nsources:\n  main: {file: {path: g.json}}\nroles:\n  edit: {clusterRole: edit}\n"
#define GRANTS "grants:\n- {group: dev, role: edit, namespaces: [a]}\n"

/* The policy's cluster member, and one group: id 7f1c, name dev, path /teams/dev, carol in it. */
static void begin(const char *cluster)
{
	USH_AUTO_FREE char *text = ush_printf(HEAD "cluster: %s\n" GRANTS, cluster);
	struct ush_group *group;

	policy = ush_policy_read(text, strlen(text), "policy.yaml", NULL, &err);
	ck_assert_msg(policy != NULL, "%s", err.what);
	group = ush_groups_add(&groups[0], "7f1c", "dev", "/teams/dev");
	group->members_known = true;
	ush_members_add(&group->members, "carol@example.test");
}

static void token(const char *json)
{
	USH_AUTO_FREE char *middle = ush_base64url_encode(json, strlen(json));
	USH_AUTO_FREE char *text = ush_printf("e30.%s.c2ln\n", middle);

	ck_assert_msg(ush_said_by_token(&said, policy, text, strlen(text), &payload, &err) == 0, "%s", err.what);
}

static void server(const char *json)
{
	payload = ush_json_parse(json, strlen(json), "review", USH_ERR_REJECTED, &err);
	ck_assert_ptr_nonnull(payload);
	ck_assert_msg(ush_said_by_server(&said, policy, payload, &err) == 0, "%s", err.what);
}

static void expect(size_t failed, const char *text, const char *line, const char *remedy)
{
	ush_claims_compare(&truths, policy, groups, &said);
	ck_assert_uint_eq(truths.failed, failed);
	for (size_t i = 0; i < truths.count; i++) {
		const struct ush_truth *truth = &truths.items[i];

		if (strcmp(truth->text, text) != 0 || strstr(truth->line, line) == NULL)
			continue;
		ck_assert_int_eq(truth->remedy != NULL, remedy != NULL);
		ck_assert_msg(remedy == NULL || strstr(truth->remedy, remedy) != NULL, "\"%s\" lacks \"%s\"", truth->remedy, remedy);
		return;
	}
	ck_abort_msg("nothing says \"%s\" of %s", line, text);
}

START_TEST(a_token_that_says_what_is_bound_is_right)
{
	begin("{groupPrefix: \"oidc:\"}");
	token("{\"email\": \"carol@example.test\", \"groups\": [\"dev\"]}");
	expect(0, "dev", "is oidc:dev at the API server; 1 grant", NULL);
}
END_TEST

/* BM04 */
START_TEST(a_path_where_a_name_is_bound_is_told_with_the_setting)
{
	begin("{groupPrefix: \"oidc:\"}");
	token("{\"groups\": [\"/teams/dev\"]}");
	expect(1, "/teams/dev", "by its path; the policy binds oidc:dev", "cluster.groupName: path");
}
END_TEST

START_TEST(an_id_where_a_name_is_bound_is_told_with_the_setting)
{
	begin("{groupPrefix: \"oidc:\"}");
	token("{\"groups\": [\"7f1c\"]}");
	expect(1, "7f1c", "by its id", "cluster.groupName: id");
}
END_TEST

START_TEST(a_name_where_an_id_is_bound_is_told_with_the_setting)
{
	begin("{groupPrefix: \"oidc:\", groupName: id}");
	token("{\"groups\": [\"dev\"]}");
	expect(1, "dev", "by its name; the policy binds oidc:7f1c", "cluster.groupName: leaf");
}
END_TEST

START_TEST(another_case_is_told)
{
	begin("{groupPrefix: \"oidc:\"}");
	token("{\"groups\": [\"Dev\"]}");
	expect(1, "Dev", "in another case", NULL);
}
END_TEST

START_TEST(another_prefix_at_the_api_server_is_told)
{
	begin("{groupPrefix: \"oidc:\"}");
	server("{\"status\": {\"userInfo\": {\"username\": \"carol@example.test\", \"groups\": [\"kc:dev\", \"system:authenticated\"]}}}");
	expect(2, "kc:dev", "the API server's prefix is \"kc:\"", "cluster.groupPrefix: \"kc:\"");
}
END_TEST

START_TEST(the_api_servers_word_is_compared_with_the_prefix_on)
{
	begin("{groupPrefix: \"oidc:\"}");
	server("{\"status\": {\"userInfo\": {\"username\": \"carol@example.test\", \"groups\": [\"oidc:dev\", \"system:authenticated\"]}}}");
	expect(0, "oidc:dev", "1 grant", NULL);
	ck_assert_uint_eq(truths.count, 1); /* system: groups are nobody's mistake */
}
END_TEST

START_TEST(a_member_whose_token_lacks_the_group_is_told)
{
	begin("{groupPrefix: \"oidc:\"}");
	token("{\"email\": \"carol@example.test\", \"groups\": []}");
	expect(1, "dev", "carol@example.test is in group /teams/dev", "group mapper");
}
END_TEST

/* BM05: Entra leaves the claim out above 200 groups */
START_TEST(groups_left_out_for_their_number_are_told)
{
	begin("{groupPrefix: \"oidc:\"}");
	token("{\"_claim_names\": {\"groups\": \"src1\"}}");
	expect(1, "groups", "too many groups", "layout: users");
}
END_TEST

START_TEST(a_token_without_the_claim_is_told)
{
	begin("{groupPrefix: \"oidc:\", groupClaim: roles}");
	token("{\"groups\": [\"dev\"]}");
	expect(1, "roles", "no such claim", "group mapper");
}
END_TEST

START_TEST(a_group_that_no_source_has_is_a_note)
{
	begin("{groupPrefix: \"oidc:\"}");
	token("{\"groups\": [\"dev\", \"chess\"]}");
	expect(0, "chess", "no source has it", NULL);
}
END_TEST

START_TEST(what_a_credential_plugin_prints_is_read)
{
	USH_AUTO_FREE char *middle = ush_base64url_encode("{\"groups\": \"dev\"}", 17);
	USH_AUTO_FREE char *text = ush_printf("{\"kind\": \"ExecCredential\", \"status\": {\"token\": \"e30.%s.c2ln\"}}", middle);

	begin("{groupPrefix: \"oidc:\"}");
	ck_assert_int_eq(ush_said_by_token(&said, policy, text, strlen(text), &payload, &err), 0);
	expect(0, "dev", "1 grant", NULL);
}
END_TEST

START_TEST(what_is_no_token_is_refused)
{
	static const char *const texts[] = {"", "x", "a.b", "a.b.c.d", "a.!!.c", "{}", "{\"status\": {\"token\": 5}}", "e30.bm8.x", "e30..x"};

	begin("{groupPrefix: \"oidc:\"}");
	for (size_t i = 0; i < USH_COUNT(texts); i++) {
		memset(&err, 0, sizeof err);
		ck_assert_msg(ush_said_by_token(&said, policy, texts[i], strlen(texts[i]), &payload, &err) == -1, "taken: %s", texts[i]);
		ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	}
}
END_TEST

TAP_MAIN("truth", a_token_that_says_what_is_bound_is_right, a_path_where_a_name_is_bound_is_told_with_the_setting,
	 an_id_where_a_name_is_bound_is_told_with_the_setting, a_name_where_an_id_is_bound_is_told_with_the_setting, another_case_is_told,
	 another_prefix_at_the_api_server_is_told, the_api_servers_word_is_compared_with_the_prefix_on,
	 a_member_whose_token_lacks_the_group_is_told, groups_left_out_for_their_number_are_told, a_token_without_the_claim_is_told,
	 a_group_that_no_source_has_is_a_note, what_a_credential_plugin_prints_is_read, what_is_no_token_is_refused)
