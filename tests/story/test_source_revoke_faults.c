/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending what a person has, over every source that can, whatever the provider does meanwhile: what can be done again is, what
 * cannot be is told, and a recording of it holds no secret.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/source/record.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/over_tls.h"
#include "tests/support/revoke_cases.h"

/* ---- what the provider does meanwhile ---- */

static void missing_right(const struct contract_fake *fake)
{
	revoke_begin(fake);
	revoke_fault(CONTRACT_END, 403, 0, 0, NULL);
	revoke_person("person001", false);
	revoke_failed(USH_ERR_REFUSED);
	ck_assert_msg(strstr(revoke_c.err.hint, fake->people->right) != NULL, "%s: %s", fake->kind, revoke_c.err.hint);
	ck_assert(revoke_out.found && !revoke_out.ambiguous && revoke_out.done.count == 0);
	ck_assert_uint_eq(revoke_held(CAROL), revoke_things());
	revoke_fault(CONTRACT_LOOK, 403, 0, 0, NULL);
	revoke_person("person001", false);
	revoke_failed(USH_ERR_REFUSED);
	ck_assert(!revoke_out.found);
	ck_assert_msg(strstr(revoke_c.err.hint, fake->people->right) != NULL, "%s: %s", fake->kind, revoke_c.err.hint);
	revoke_end();
}

START_TEST(a_right_that_is_missing_is_named)
{
	revoke_each(NULL, missing_right);
}
END_TEST

static void limited(const struct contract_fake *fake)
{
	revoke_begin(fake);
	revoke_fault(CONTRACT_END, 429, 0, 1, "Retry-After: 7");
	revoke_person("person001", false);
	revoke_ended();
	ck_assert_uint_eq(revoke_c.met, 1);
	ck_assert_int_ge(revoke_c.slept_ms, 7000);
	contract_hold_all(&revoke_c, CAROL);
	revoke_fault(CONTRACT_END, 429, 0, 0, "Retry-After: 4000");
	revoke_person("person001", false);
	revoke_failed(USH_ERR_UNAVAILABLE);
	ck_assert_int_lt(revoke_c.slept_ms, 400000); /* the budget, and no more */
	revoke_end();
}

START_TEST(a_limit_is_obeyed_within_the_budget)
{
	revoke_each(NULL, limited);
}
END_TEST

static void passing(const struct contract_fake *fake)
{
	static const int faults[] = {500, 502, 503, CONTRACT_RESET, CONTRACT_LOST};

	revoke_begin(fake);
	for (size_t i = 0; i < USH_COUNT(faults); i++) {
		revoke_fault(CONTRACT_END, faults[i], 0, 2, NULL);
		revoke_person("person001", false);
		revoke_ended();
		ck_assert_uint_eq(revoke_c.met, 2);
		contract_hold_all(&revoke_c, CAROL);
		revoke_fault(CONTRACT_LOOK, faults[i], 0, 2, NULL);
		revoke_person("person001", false);
		revoke_ended();
		contract_hold_all(&revoke_c, CAROL);
	}
	revoke_end();
}

/* What was done and whose answer was lost is done again, and is no error. */
START_TEST(an_answer_that_failed_or_was_lost_is_asked_for_again)
{
	revoke_each(NULL, passing);
}
END_TEST

static void down(const struct contract_fake *fake)
{
	static const int faults[] = {500, CONTRACT_RESET, CONTRACT_LOST};

	for (size_t i = 0; i < USH_COUNT(faults); i++) {
		revoke_begin(fake);
		revoke_fault(CONTRACT_ANY, faults[i], 0, 0, NULL);
		revoke_person("person001", false);
		revoke_failed(USH_ERR_UNAVAILABLE);
		ck_assert_uint_le(revoke_c.requests, 4);
		revoke_fault(CONTRACT_END, faults[i], 0, 0, NULL);
		revoke_person("person001", false);
		revoke_failed(USH_ERR_UNAVAILABLE);
		ck_assert_msg(revoke_out.found && revoke_out.id != NULL && revoke_out.names.count > 0, "%s: who it is was known by then", fake->kind);
		ck_assert_uint_le(revoke_c.ends, 4);
		revoke_end();
	}
}

START_TEST(a_provider_that_is_down_is_unavailable_and_not_asked_for_ever)
{
	revoke_each(NULL, down);
}
END_TEST

static void between(const struct contract_fake *fake)
{
	revoke_begin(fake);
	revoke_fault(CONTRACT_END, CONTRACT_HTML, 0, 0, NULL);
	revoke_person("person001", false);
	revoke_failed(USH_ERR_REJECTED);
	ck_assert_uint_eq(revoke_held(CAROL), revoke_things());
	revoke_fault(CONTRACT_LOOK, CONTRACT_HTML, 0, 0, NULL);
	revoke_person("person001", false);
	revoke_failed(USH_ERR_REJECTED);
	ck_assert(!revoke_out.found);
	revoke_fault(CONTRACT_END, 302, 0, 0, "Location: https://evil.test/");
	revoke_person("person001", false);
	revoke_failed(USH_ERR_REJECTED);
	revoke_fault(CONTRACT_END, 400, 0, 0, NULL);
	revoke_person("person001", false);
	revoke_failed(USH_ERR_REJECTED);
	ck_assert_uint_eq(revoke_held(CAROL), revoke_things());
	revoke_end();
}

START_TEST(a_web_page_or_a_redirect_is_no_end_of_anything)
{
	revoke_each(NULL, between);
}
END_TEST

static void half(const struct contract_fake *fake)
{
	revoke_begin(fake);
	revoke_fault(CONTRACT_END, 500, 1, 0, NULL);
	revoke_person("person001", false);
	if (revoke_c.result != 0) {
		revoke_failed(USH_ERR_UNAVAILABLE);
		ck_assert_msg(revoke_out.done.count > 0, "%s: what was done before is not told", fake->kind);
	} else {
		revoke_ended(); /* one request does all */
	}
	revoke_end();
}

START_TEST(what_was_done_before_a_failure_is_told)
{
	revoke_each(NULL, half);
}
END_TEST

/* ---- tokens, recordings, TLS ---- */

static void token_ends(const struct contract_fake *fake)
{
	if ((fake->traits & CONTRACT_TOKEN) == 0)
		return;
	revoke_begin(fake);
	revoke_fault(CONTRACT_END, 401, 0, 1, NULL);
	revoke_person("person001", false);
	revoke_ended();
	ck_assert_uint_eq(revoke_c.sign_ins, 2);
	revoke_end();
}

START_TEST(a_token_that_ended_is_renewed)
{
	revoke_each(NULL, token_ends);
}
END_TEST

static char *recording(const char *folder)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, USH_RECORD_FILE);
	USH_AUTO_BUF text = {0};
	struct ush_error err = {0};

	ck_assert_msg(ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, NULL, &err) == 0, "%s", err.what);
	return ush_buf_take(&text);
}

static void through(struct ush_recorder *recorder)
{
	struct ush_world kept = revoke_c.world;

	revoke_c.world = ush_recorder_world(recorder, &kept);
	revoke_person("person001", false);
	revoke_c.world = kept;
}

static void recorded(const struct contract_fake *fake)
{
	static const char *const secrets[] = {"s3cret", "t0ken-", "ya29.", "eyJ0.", "ghs_", "PRIVATE KEY"};
	static unsigned int number;
	USH_AUTO_FREE char *folder = ush_printf("%s/revoke-%u", tap_folder(), number++), *text = NULL, *id = NULL;
	struct ush_error err = {0};
	struct ush_recorder *recorder = ush_recorder_record(folder, &err);
	size_t requests;

	revoke_begin(fake);
	through(recorder);
	revoke_ended();
	ck_assert_int_eq(ush_recorder_close(recorder, &err), 0);
	text = recording(folder);
	for (size_t i = 0; i < USH_COUNT(secrets); i++)
		ck_assert_msg(strstr(text, secrets[i]) == NULL, "%s: %s is in the recording", fake->kind, secrets[i]);
	id = ush_strdup(revoke_out.id);
	requests = revoke_c.requests;
	recorder = ush_recorder_replay(folder, &err);
	ck_assert_msg(recorder != NULL, "%s", err.what);
	through(recorder);
	revoke_went_well();
	ck_assert_uint_gt(requests, 0);
	ck_assert_uint_eq(revoke_c.requests, 0);
	ck_assert_str_eq(revoke_out.id, id);
	ush_recorder_close(recorder, &err);
	revoke_end();
}

/* BM17 */
START_TEST(a_recording_has_no_secret_and_tells_the_same)
{
	revoke_each(NULL, recorded);
}
END_TEST

static void by_tls(const struct contract_fake *fake)
{
	struct over_tls *over;

	revoke_begin(fake);
	over = over_tls_start(&revoke_c);
	revoke_person("person001", false);
	revoke_ended();
	ck_assert_uint_eq(over_tls_proxied(over), over_tls_connections(over));
	over_tls_stop(over);
	revoke_end();
}

static bool knows_urls(const struct contract_fake *fake)
{
	return strcmp(fake->kind, "keycloak") != 0 && (fake->variant == NULL || strcmp(fake->variant, "workload identity pool") != 0);
}

static void by_tls_where_possible(const struct contract_fake *fake)
{
	if (knows_urls(fake))
		by_tls(fake);
}

START_TEST(sessions_are_ended_through_tls_and_a_proxy)
{
	revoke_each(NULL, by_tls_where_possible);
}
END_TEST

TAP_MAIN("source_revoke_faults", a_right_that_is_missing_is_named, a_limit_is_obeyed_within_the_budget,
	 an_answer_that_failed_or_was_lost_is_asked_for_again, a_provider_that_is_down_is_unavailable_and_not_asked_for_ever,
	 a_web_page_or_a_redirect_is_no_end_of_anything, what_was_done_before_a_failure_is_told, a_token_that_ended_is_renewed,
	 a_recording_has_no_secret_and_tells_the_same, sessions_are_ended_through_tls_and_a_proxy)
