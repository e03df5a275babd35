/* SPDX-License-Identifier: Apache-2.0
 *
 * Graph's own ways, beyond the contract of all sources (tests/story/test_source_contract.c): whole lists here, changes in
 * test_source_entra_delta.c.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/source/entra.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/contract_entra.h"

static struct contract c;

static void begin(size_t groups, size_t people)
{
	contract_begin(&c, &contract_entra);
	contract_fill(&c, groups, people);
}

/* A source like the contract's, but that signs in by a projected ServiceAccount token. */
static void federate(const char *token_file)
{
	for (size_t i = 0; i < c.source.setting_count; i++)
		if (strcmp(c.source.settings[i].row->key, "secretFile") == 0) {
			free(c.source.settings[i].text);
			c.source.settings[i] = c.source.settings[--c.source.setting_count];
		}
	ush_source_set(&c.source, "federatedTokenFile", token_file);
}

/* ---- signing in ---- */

/* BE50 */
START_TEST(a_service_account_token_signs_in_without_a_secret)
{
	begin(2, 3);
	federate(c.secret_file);
	contract_exact(&c);
	ck_assert_uint_eq(entra_state(&c)->assertions, 1);
	contract_end(&c);
}
END_TEST

/* The kubelet replaces the file while we run: each sign-in reads it anew. */
START_TEST(a_service_account_token_is_read_again_at_each_sign_in)
{
	USH_AUTO_FREE char *path = ush_printf("%s/sa", tap_folder());
	struct ush_error err = {0};

	ck_assert_int_eq(ush_file_write(path, "old", 3, 0600, &err), 0);
	begin(2, 3);
	federate(path);
	contract_read(&c);
	contract_expect_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.why, "AADSTS70021"));
	ck_assert_ptr_nonnull(strstr(c.groups.advice, "federated credential"));
	ck_assert_int_eq(ush_file_write(path, "s3cret", 6, 0600, &err), 0);
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

START_TEST(one_way_to_sign_in_must_be_named_and_one_alone)
{
	begin(1, 1);
	ush_source_set(&c.source, "federatedTokenFile", c.secret_file);
	contract_config_error(&c, "names both a secret and federatedTokenFile");
	begin(1, 1);
	federate("/nonexistent/token");
	contract_read(&c);
	ck_assert_int_eq(c.err.code, USH_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(c.err.what, "/nonexistent/token"));
	contract_end(&c);
	begin(1, 1);
	federate("x");
	free(c.source.settings[--c.source.setting_count].text);
	contract_config_error(&c, "neither a secret nor federatedTokenFile");
}
END_TEST

START_TEST(what_entra_refuses_is_told_by_its_number_and_what_to_do)
{
	static const struct {
		int code;
		const char *advice;
	} codes[] = {{7000215, "its id"}, {7000222, "run out"}, {700016, "client and tenant"}, {90002, "tenant"}, {700213, "another subject"}, {500011, NULL}};

	for (size_t i = 0; i < USH_COUNT(codes); i++) {
		USH_AUTO_FREE char *said = ush_printf("AADSTS%d", codes[i].code);

		begin(1, 1);
		entra_state(&c)->token_code = codes[i].code;
		contract_incomplete(&c, said, codes[i].advice);
	}
}
END_TEST

/* ---- pages ---- */

/* BC03: the last nextLink answers 400 when the size is a multiple of the page. That is no end. */
START_TEST(a_last_link_that_answers_400_is_no_end)
{
	begin(1, 2 * contract_entra.member_page);
	entra_state(&c)->last_is_400 = true;
	contract_incomplete(&c, "page 3 of", NULL);
	begin(1, 2 * contract_entra.member_page + 1);
	entra_state(&c)->last_is_400 = true;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

/* graph-docs#18514 */
START_TEST(every_page_of_an_indexed_list_says_its_consistency_level)
{
	begin(45, 120);
	contract_exact(&c);
	ck_assert_uint_eq(entra_state(&c)->without_level, 0);
	contract_end(&c);
}
END_TEST

/* T51: the token goes nowhere but to Graph. */
static void led_away(struct contract *k, const struct ush_http_request *request, struct ush_http_response *response)
{
	const char *at;

	entra_answer(k, request, response);
	ck_assert_msg(strstr(request->url, "graph.test") != NULL, "asked %s", request->url);
	if (strstr(request->url, "/v1.0/groups?") == NULL || (at = strstr(response->body.data, "https://graph.test/v1.0/groups?")) == NULL)
		return;
	memcpy(response->body.data + (at - response->body.data), "https://evil1.test", 18);
}

START_TEST(a_next_link_to_another_host_is_not_followed)
{
	struct contract_fake fake = contract_entra;

	fake.answer = led_away;
	begin(45, 1);
	c.fake = &fake;
	contract_incomplete(&c, "evil1.test", NULL);
}
END_TEST

/* What the index has not heard of yet shows in the second reading, which asks the directory. */
START_TEST(a_group_that_the_index_does_not_know_yet_is_seen)
{
	begin(3, 1);
	entra_state(&c)->index_late = true;
	contract_incomplete(&c, "came", "next run");
}
END_TEST

START_TEST(a_filter_goes_to_graph_and_the_proof_tells_the_readings_apart)
{
	begin(3, 1);
	contract_read(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "from the directory itself"));
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "as many groups as Graph counts"));
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "as many members as Graph counts"));
	contract_end(&c);
	begin(3, 1);
	ush_source_set(&c.source, "filter", "endsWith(displayName,'-k8s') and securityEnabled eq true");
	contract_exact(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "from the same index"));
	contract_end(&c);
}
END_TEST

START_TEST(no_group_without_a_filter_is_a_matter_of_rights)
{
	begin(0, 0);
	contract_incomplete(&c, "no group at all", "GroupMember.Read.All");
}
END_TEST

/* ---- members ---- */

/* BC07: without User.Read.All Graph gives ids and null. Nobody is dropped, nobody is taken for one who may sign in. */
START_TEST(members_of_whom_graph_tells_nothing_are_counted)
{
	begin(1, 4);
	entra_state(&c)->limited_rights = true;
	contract_read(&c);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.unresolvable, 4);
	ck_assert_uint_eq(c.groups.people, 0);
	contract_end(&c);
	begin(1, 4);
	entra_state(&c)->basic_rights = true; /* a name, but not whether he may sign in */
	contract_read(&c);
	ck_assert_uint_eq(c.groups.unresolvable, 4);
	contract_end(&c);
}
END_TEST

START_TEST(a_group_that_hides_its_members_is_not_taken_for_empty)
{
	begin(2, 3);
	entra_state(&c)->hidden = true;
	contract_incomplete(&c, "hides its members", "Member.Read.Hidden");
}
END_TEST

START_TEST(people_are_called_as_the_policy_says)
{
	begin(1, 1);
	ush_source_set(&c.source, "peopleName", "mail");
	contract_read(&c);
	ck_assert_str_eq(c.groups.items[0].members.items[0], "person0@acme.test@mail.acme.test");
	contract_end(&c);
}
END_TEST

/* ---- limits ---- */

START_TEST(graphs_warning_of_a_limit_slows_us_down)
{
	struct ush_api api = {0};
	USH_AUTO_RESPONSE response = {0};
	USH_AUTO_RESPONSE far_off = {0};

	provider_reply_header(&response, "x-ms-throttle-limit-percentage", "0.9");
	provider_reply_header(&far_off, "x-ms-throttle-limit-percentage", "0.2");
	ush_entra_pace(&api, &far_off);
	ck_assert(!api.narrowed);
	ush_entra_pace(&api, &response);
	ck_assert(api.narrowed);
	begin(30, 10);
	entra_state(&c)->near_limit = 1.3;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

TAP_MAIN("source_entra", a_service_account_token_signs_in_without_a_secret, a_service_account_token_is_read_again_at_each_sign_in,
	 one_way_to_sign_in_must_be_named_and_one_alone, what_entra_refuses_is_told_by_its_number_and_what_to_do, a_last_link_that_answers_400_is_no_end,
	 every_page_of_an_indexed_list_says_its_consistency_level, a_next_link_to_another_host_is_not_followed,
	 a_group_that_the_index_does_not_know_yet_is_seen, a_filter_goes_to_graph_and_the_proof_tells_the_readings_apart,
	 no_group_without_a_filter_is_a_matter_of_rights, members_of_whom_graph_tells_nothing_are_counted,
	 a_group_that_hides_its_members_is_not_taken_for_empty, people_are_called_as_the_policy_says, graphs_warning_of_a_limit_slows_us_down)
