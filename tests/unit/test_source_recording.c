/* SPDX-License-Identifier: Apache-2.0
 *
 * BM17: what a source was told is kept without secrets, and told again without network and credentials.
 */
#include "tests/support/tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/source/record.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/scrub.h"
#include "common/base/secret.h"
#include "tests/support/contract.h"
#include "tests/support/contract_cloud.h"
#include "tests/support/contract_knobs.h"

extern const struct contract_fake contract_keycloak;
static struct contract c;
static struct ush_error err;

static char *read_all(const char *folder)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, USH_RECORD_FILE);
	USH_AUTO_BUF text = {0};

	ck_assert_msg(ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, NULL, &err) == 0, "%s", err.what);
	return ush_buf_take(&text);
}

static void directory(void)
{
	size_t top;

	for (size_t i = 0; i < 40; i++) {
		USH_AUTO_FREE char *name = ush_printf("person%zu", i), *group = ush_printf("group%zu", i);

		contract_add_person(&c, name);
		contract_join(&c, contract_add_group(&c, group, CONTRACT_NOBODY), i);
	}
	top = contract_add_group(&c, "top", CONTRACT_NOBODY);
	contract_join(&c, top, 3);
}

/* Reads the contract's directory through a recorder. */
static void read_through(struct ush_recorder *recorder, const struct ush_world *inner)
{
	struct ush_world kept = c.world; /* the recorder's inner world must outlive c.world */

	c.world = ush_recorder_world(recorder, inner == &c.world ? &kept : inner);
	contract_read(&c);
	c.world = kept;
}

static const char *record(const struct contract_fake *fake)
{
	static char folder[256];
	struct ush_recorder *recorder;

	contract_begin(&c, fake);
	directory();
	snprintf(folder, sizeof folder, "%s/recording", tap_folder());
	recorder = ush_recorder_record(folder, &err);
	ck_assert_msg(recorder != NULL, "%s", err.what);
	read_through(recorder, &c.world);
	ck_assert_int_eq(ush_recorder_close(recorder, &err), 0);
	return folder;
}

static int no_network(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *why)
{
	(void)context;
	(void)response;
	(void)why;
	ck_abort_msg("%s was asked", request->url);
	return -1;
}

static void replay_whole(const struct contract_fake *fake)
{
	const char *folder = record(fake);
	struct ush_recorder *recorder = ush_recorder_replay(folder, &err);
	struct ush_world deaf = c.world;
	USH_AUTO_FREE char *text = read_all(folder), *digest = ush_strdup(c.groups.digest);

	ck_assert_msg(recorder != NULL, "%s", err.what);
	contract_expect_exact(&c);
	ck_assert_msg(strstr(text, "s3cret") == NULL && strstr(text, "t0ken") == NULL, "%s: a secret is in the recording", fake->kind);
	ck_assert_ptr_null(strcasestr(text, "bearer "));
	deaf.http = no_network;
	deaf.http_many = NULL;
	if (ush_setting_row(c.source.kind, "secretFile") != NULL)
		ush_source_set(&c.source, "secretFile", "/no/such/secret");
	read_through(recorder, &deaf);
	contract_expect_exact(&c);
	ck_assert_str_eq(c.groups.digest, digest);
	read_through(recorder, &deaf); /* the recording has been told to its end */
	contract_expect_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.why, "no further answer"));
	ck_assert_int_eq(ush_recorder_close(recorder, &err), 0);
	contract_end(&c);
}

/* A fake that knows changes alone: whoever records asks for everything. */
static bool keeps_changes(const struct contract_fake *fake)
{
	bool result;

	contract_begin(&c, fake);
	result = ush_setting_row(c.source.kind, "deltaFile") != NULL && ush_source_has(&c.source, "deltaFile");
	contract_end(&c);
	return result;
}

START_TEST(every_source_replays_what_it_was_told)
{
	size_t count = 0;

	for (; contract_fakes[count] != NULL; count++)
		if (contract_fakes[count]->what != NULL && !keeps_changes(contract_fakes[count]))
			replay_whole(contract_fakes[count]);
	ck_assert_uint_gt(count, 0);
}
END_TEST

START_TEST(what_failed_fails_again_and_nobody_waits)
{
	const struct contract_fake *fake = &contract_keycloak;
	char folder[256];
	struct ush_recorder *recorder;
	USH_AUTO_FREE char *why = NULL;

	contract_begin(&c, fake);
	directory();
	snprintf(folder, sizeof folder, "%s/recording", tap_folder());
	recorder = ush_recorder_record(folder, &err);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .status = 503, .headers = "Retry-After: 5"};
	read_through(recorder, &c.world);
	contract_expect_incomplete(&c);
	why = ush_strdup(c.groups.why);
	ck_assert_int_ge(c.slept_ms, 15000);
	ck_assert_int_eq(ush_recorder_close(recorder, &err), 0);
	recorder = ush_recorder_replay(folder, &err);
	read_through(recorder, &c.world);
	contract_expect_incomplete(&c);
	ck_assert_str_eq(c.groups.why, why);
	ck_assert_int_eq(c.slept_ms, 0);
	ck_assert_uint_eq(c.requests, 0);
	ush_recorder_close(recorder, &err);
	contract_end(&c);
}
END_TEST

/* What is told is the same, and nobody is asked for a secret to tell it. */
static void fails_alike(const struct contract_fake *fake, struct contract_fault fault)
{
	char folder[256];
	struct ush_recorder *recorder;
	USH_AUTO_FREE char *why = NULL, *advice = NULL, *text = NULL;

	contract_begin(&c, fake);
	directory();
	snprintf(folder, sizeof folder, "%s/recording", tap_folder());
	recorder = ush_recorder_record(folder, &err);
	ck_assert_msg(recorder != NULL, "%s", err.what);
	c.fault = fault;
	read_through(recorder, &c.world);
	ck_assert_msg(c.met > 0, "%s: the fault was not met", fake->kind);
	contract_expect_incomplete(&c);
	why = ush_strdup(c.groups.why);
	advice = ush_strdup(c.groups.advice != NULL ? c.groups.advice : "");
	ck_assert_int_eq(ush_recorder_close(recorder, &err), 0);
	text = read_all(folder);
	ck_assert_msg(strstr(text, "s3cret") == NULL && strstr(text, "t0ken") == NULL, "%s: a secret is in the recording", fake->kind);
	if (fault.what == CONTRACT_SIGN_IN)
		ush_source_set(&c.source, "secretFile", "/no/such/secret");
	c.world.http = no_network;
	c.world.http_many = NULL;
	recorder = ush_recorder_replay(folder, &err);
	ck_assert_msg(recorder != NULL, "%s", err.what);
	read_through(recorder, &c.world);
	contract_expect_incomplete(&c);
	ck_assert_msg(strcmp(c.groups.why, why) == 0, "%s: \"%s\" is told again as \"%s\"", fake->kind, why, c.groups.why);
	ck_assert_str_eq(c.groups.advice != NULL ? c.groups.advice : "", advice);
	ush_recorder_close(recorder, &err);
	contract_end(&c);
}

START_TEST(a_sign_in_that_failed_fails_again)
{
	static const int statuses[] = {400, 401, 500, CONTRACT_RESET, CONTRACT_HTML, CONTRACT_CUT};
	size_t count = 0;

	for (size_t i = 0; contract_fakes[i] != NULL; i++)
		for (size_t j = 0; contract_fakes[i]->what != NULL && (contract_fakes[i]->traits & CONTRACT_TOKEN) != 0 && !keeps_changes(contract_fakes[i]) && j < USH_COUNT(statuses); j++, count++) {
			fails_alike(contract_fakes[i], (struct contract_fault){.what = CONTRACT_SIGN_IN, .status = statuses[j]});
			fails_alike(contract_fakes[i], (struct contract_fault){.what = CONTRACT_GROUPS, .page = 1, .status = 401});
		}
	ck_assert_uint_gt(count, 0);
}
END_TEST

/* A token that stands in the policy is not asked for anew, neither then nor now. */
START_TEST(a_token_that_was_refused_is_refused_again)
{
	static const struct contract_fake *const fakes[] = {&contract_okta, &contract_scim, &contract_gitlab, &contract_authentik};

	for (size_t i = 0; i < USH_COUNT(fakes); i++)
		fails_alike(fakes[i], (struct contract_fault){.what = CONTRACT_GROUPS, .page = 1, .status = 401});
}
END_TEST

START_TEST(another_policy_is_told_that_the_recording_does_not_fit)
{
	const char *folder = record(&contract_keycloak);
	struct ush_recorder *recorder = ush_recorder_replay(folder, &err);

	ush_source_set(&c.source, "realm", "other");
	read_through(recorder, &c.world);
	contract_expect_incomplete(&c);
	ck_assert_msg(strstr(c.groups.why, "has no answer to GET https://login.test/admin/realms/other/groups/count") != NULL, "%s", c.groups.why);
	ck_assert_uint_eq(c.requests, 0);
	ush_recorder_close(recorder, &err);
	contract_end(&c);
}
END_TEST

START_TEST(a_recording_is_private_whole_and_not_overwritten)
{
	const char *folder = record(&contract_keycloak);
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, USH_RECORD_FILE), *text = read_all(folder);
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_ptr_null(ush_recorder_record(folder, &err));
	ck_assert_ptr_nonnull(strstr(err.what, "holds a recording already"));
	err = (struct ush_error){0};
	ck_assert_int_eq(ush_file_write(path, text, strlen(text) - 10, 0600, &err), 0);
	ck_assert_ptr_null(ush_recorder_replay(folder, &err));
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.what, "is no line of a recording, or is cut off"));
	err = (struct ush_error){0};
	ck_assert_ptr_null(ush_recorder_replay("/no/such/folder", &err));
	contract_end(&c);
}
END_TEST

START_TEST(what_is_no_text_is_not_told_again)
{
	struct ush_recorder *recorder;
	char folder[256];
	struct ush_world world;

	snprintf(folder, sizeof folder, "%s/recording", tap_folder());
	contract_begin(&c, &contract_keycloak);
	recorder = ush_recorder_record(folder, &err);
	world = ush_recorder_world(recorder, &c.world);
	ush_record_put(&world, "what", "\xff\xfe", 2);
	ush_record_put(&world, "what else", "text", 4);
	ck_assert_int_eq(ush_recorder_close(recorder, &err), 0);
	recorder = ush_recorder_replay(folder, &err);
	ck_assert_ptr_nonnull(recorder);
	world = ush_recorder_world(recorder, &c.world);
	{
		USH_AUTO_BUF text = {0};

		ck_assert_int_eq(ush_record_get(&world, "what else", &text, &err), 0);
		ck_assert_str_eq(text.data, "text");
		ck_assert_int_eq(ush_record_get(&world, "what", &text, &err), -1);
		ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
	}
	ush_recorder_close(recorder, &err);
	contract_end(&c);
}
END_TEST

START_TEST(secrets_are_scrubbed_wherever_they_stand)
{
	static const char body[] = "{\"access_token\": \"aaa\", \"groups\": [{\"name\": \"n\", \"Password\": \"p\", \"token\": 7}], \"error\": {\"code\": \"Denied\"}}";
	USH_AUTO_FREE char *url = ush_scrub_query("https://x/a?first=1&access_token=abc&code=d&max=2");
	USH_AUTO_FREE char *form = ush_scrub_query("grant_type=client_credentials&client_secret=abc&client_assertion=xyz");
	USH_AUTO_FREE char *json = ush_scrub_body(body, strlen(body));
	USH_AUTO_FREE char *html = ush_scrub_body("<p>eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0</p>", 70);
	USH_AUTO_FREE char *cut = ush_scrub_body("{\"type\": \"token\", \"access_token\" : \"a\\\"b\", \"n\": \"id_token\", \"id_token\":\"cc", 74);
	char text[] = "it quotes abcd and abcd again";
	USH_AUTO_SECRET abcd = NULL;

	ck_assert_str_eq(url, "https://x/a?first=1&access_token=...&code=...&max=2");
	ck_assert_str_eq(form, "grant_type=client_credentials&client_secret=...&client_assertion=...");
	ck_assert_str_eq(json, "{\"access_token\":\"...\",\"groups\":[{\"name\":\"n\",\"Password\":\"...\",\"token\":7}],\"error\":{\"code\":\"Denied\"}}");
	ck_assert_ptr_null(strstr(html, "eyJ"));
	ck_assert_str_eq(cut, "{\"type\": \"token\", \"access_token\" : \"....\", \"n\": \"id_token\", \"id_token\":\"..");
	abcd = ush_secret_new("abcd", 4);
	ush_scrub(text, strlen(text));
	ck_assert_str_eq(text, "it quotes .... and .... again");
	ck_assert(!ush_scrub_keeps_header("Set-Cookie"));
	ck_assert(ush_scrub_keeps_header("Link"));
}
END_TEST

/* BM17 */
START_TEST(what_a_request_was_sent_with_is_scrubbed_however_it_is_written)
{
	static const char *const headers[] = {"Accept: x", "Authorization: SSWS to/ken\"1", NULL};
	static const char form[] = "grant_type=x&client_secret=a%22b%2Fc+d%25&client_assertion=ey.J.x";
	USH_AUTO_SECRET basic = ush_secret_new("client:p%22w+d", 14);
	USH_AUTO_SECRET bearer = ush_secret_new("bea\\rer", 7);
	USH_AUTO_CONFIDED confided = {0};
	const struct ush_http_request request = {.basic = basic, .bearer = bearer, .headers = headers, .body = form, .body_length = sizeof form - 1,
						 .content_type = "application/x-www-form-urlencoded"};
	static const char *const texts[] = {"to/ken\"1", "to/ken\\\"1", "to/ken\\\\\\\"1", "to%2Fken%221", "a\"b/c d%", "a\\\"b/c d%", "a%22b%2Fc+d%25",
					    "ey.J.x", "p\"w d", "p%22w+d", "bea\\rer", "bea\\\\rer", "bea\\\\\\\\rer"};

	ush_confide(&confided, &request);
	for (size_t i = 0; i < USH_COUNT(texts); i++) {
		USH_AUTO_FREE char *text = ush_printf("said <%s>, grant_type x", texts[i]);

		ush_scrub(text, strlen(text));
		ck_assert_msg(strspn(text + 6, ".") == strlen(texts[i]) && strcmp(strchr(text, '>'), ">, grant_type x") == 0, "%s: %s", texts[i], text);
	}
}
END_TEST

TAP_MAIN("source_recording", every_source_replays_what_it_was_told, what_failed_fails_again_and_nobody_waits, a_sign_in_that_failed_fails_again, a_token_that_was_refused_is_refused_again,
	 another_policy_is_told_that_the_recording_does_not_fit, a_recording_is_private_whole_and_not_overwritten, what_is_no_text_is_not_told_again,
	 secrets_are_scrubbed_wherever_they_stand, what_a_request_was_sent_with_is_scrubbed_however_it_is_written)
