/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/oidc/jose.h"
#include "plugin/session/session.h"

static char binding[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
static char subject[] = "f:1:carol", account[] = "carol@example.com", nonce[] = "n0nce", dev[] = "dev", odd[] = "t\xc3\xa4g \"1\"\n";
static char *groups[] = {dev, odd};
static struct ush_error err;

static struct ush_session sample(void)
{
	return (struct ush_session){
		.binding = binding,
		.refresh = ush_secret_new("r3fresh", 7),
		.id_token = ush_secret_new("aaa.bbb.ccc", 11),
		.id_expires = 1000,
		.subject = subject,
		.account = account,
		.nonce = nonce,
		.groups = groups,
		.group_count = 2,
		.signed_in = 900,
		.refresh_expires = 5000,
		.skew = -3,
	};
}

static void drop(struct ush_session *s)
{
	ush_secret_free(s->refresh);
	ush_secret_free(s->id_token);
}

static struct ush_session *back(const struct ush_secret *text, const char *to)
{
	memset(&err, 0, sizeof err);
	return ush_session_read(text, to, &err);
}

START_TEST(what_is_written_is_read_back)
{
	struct ush_session s = sample();
	USH_AUTO_SECRET text = ush_session_write(&s);
	USH_AUTO_SESSION r = back(text, binding);

	ck_assert_msg(r != NULL, "%s", err.what);
	ck_assert(ush_secret_equal(r->refresh, s.refresh));
	ck_assert(ush_secret_equal(r->id_token, s.id_token));
	ck_assert_str_eq(r->binding, binding);
	ck_assert_str_eq(r->subject, subject);
	ck_assert_str_eq(r->account, account);
	ck_assert_str_eq(r->nonce, nonce);
	ck_assert_int_eq(r->id_expires, 1000);
	ck_assert_int_eq(r->signed_in, 900);
	ck_assert_int_eq(r->refresh_expires, 5000);
	ck_assert_int_eq(r->skew, -3);
	ck_assert_uint_eq(r->group_count, 2);
	ck_assert_str_eq(r->groups[1], odd);
	drop(&s);
}
END_TEST

START_TEST(what_was_absent_stays_absent)
{
	struct ush_session s = {.binding = binding, .subject = subject};
	USH_AUTO_SECRET text = ush_session_write(&s);
	USH_AUTO_SESSION r = back(text, binding);

	ck_assert_msg(r != NULL, "%s", err.what);
	ck_assert_ptr_null(r->refresh);
	ck_assert_ptr_null(r->id_token);
	ck_assert_ptr_null(r->account);
	ck_assert_ptr_null(r->nonce);
	ck_assert_uint_eq(r->group_count, 0);
}
END_TEST

START_TEST(the_text_is_one_line_that_no_keyring_trips_over) /* T40 */
{
	struct ush_session s = sample();
	USH_AUTO_SECRET text = ush_session_write(&s);

	ck_assert_uint_eq(strspn(ush_secret_reveal(text), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"),
			  ush_secret_length(text));
	ck_assert_uint_gt(ush_secret_length(text), 100);
	drop(&s);
}
END_TEST

START_TEST(every_flipped_bit_is_refused) /* T38 */
{
	struct ush_session s = sample();
	USH_AUTO_SECRET text = ush_session_write(&s);
	size_t length = ush_secret_length(text);
	char *copy = ush_strndup(ush_secret_reveal(text), length);

	for (size_t i = 0; i < length; i++)
		for (int bit = 0; bit < 8; bit++) {
			copy[i] = (char)(copy[i] ^ 1 << bit);
			USH_AUTO_SECRET torn = ush_secret_new(copy, length);
			struct ush_session *r = back(torn, binding);

			ck_assert_msg(r == NULL, "byte %zu, bit %d", i, bit);
			ck_assert_int_eq(err.code, USH_ERR_STORE);
			ck_assert_ptr_null(strstr(err.what, "r3fresh"));
			copy[i] = (char)(copy[i] ^ 1 << bit);
		}
	free(copy);
	drop(&s);
}
END_TEST

START_TEST(every_cut_and_every_tail_is_refused) /* T38 */
{
	struct ush_session s = sample();
	USH_AUTO_SECRET text = ush_session_write(&s);
	size_t length = ush_secret_length(text);
	USH_AUTO_FREE char *tail = ush_printf("%sA", ush_secret_reveal(text));
	USH_AUTO_SECRET longer = ush_secret_new(tail, length + 1);

	for (size_t i = 0; i < length; i++) {
		USH_AUTO_SECRET cut = ush_secret_new(ush_secret_reveal(text), i);

		ck_assert_ptr_null(back(cut, binding));
		ck_assert_str_eq(err.what, "the kept session is torn");
	}
	ck_assert_ptr_null(back(longer, binding));
	drop(&s);
}
END_TEST

START_TEST(another_binding_does_not_get_the_session)
{
	struct ush_session s = sample();
	USH_AUTO_SECRET text = ush_session_write(&s);

	ck_assert_ptr_null(back(text, "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
	ck_assert_str_eq(err.what, "the kept session belongs to another profile");
	drop(&s);
}
END_TEST

START_TEST(an_id_token_that_does_not_fit_is_left_out_and_the_refresh_token_kept)
{
	static char large[15000];
	struct ush_session s = sample();
	USH_AUTO_SECRET text = NULL;
	USH_AUTO_SESSION r = NULL;

	memset(large, 'x', sizeof large);
	ush_secret_free(s.id_token);
	s.id_token = ush_secret_new(large, sizeof large);
	text = ush_session_write(&s);
	ck_assert_uint_le(ush_secret_length(text), USH_SESSION_MAX);
	r = back(text, binding);
	ck_assert_ptr_nonnull(r);
	ck_assert_ptr_null(r->id_token);
	ck_assert(ush_secret_equal(r->refresh, s.refresh));
	drop(&s);
}
END_TEST

START_TEST(groups_that_do_not_fit_are_counted_and_the_refresh_token_kept)
{
	static char *many[3000];
	struct ush_session s = sample();
	USH_AUTO_SECRET text = NULL;
	USH_AUTO_SECRET again = NULL;
	USH_AUTO_SESSION r = NULL;

	for (size_t i = 0; i < USH_COUNT(many); i++)
		many[i] = groups[i % 2];
	s.groups = many;
	s.group_count = USH_COUNT(many);
	text = ush_session_write(&s);
	ck_assert_uint_le(ush_secret_length(text), USH_SESSION_MAX);
	r = back(text, binding);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(r->group_count, 0);
	ck_assert_uint_eq(r->groups_left_out, USH_COUNT(many));
	ck_assert(ush_secret_equal(r->refresh, s.refresh));
	again = ush_session_write(r); /* as when its refresh token is replaced without new claims */
	ck_assert(ush_secret_equal(again, text));
	drop(&s);
}
END_TEST

START_TEST(nothing_is_no_session)
{
	USH_AUTO_SECRET empty = ush_secret_new("", 0);

	ck_assert_ptr_null(back(NULL, binding));
	ck_assert_ptr_null(back(empty, binding));
}
END_TEST

TAP_MAIN("session", what_is_written_is_read_back, what_was_absent_stays_absent, the_text_is_one_line_that_no_keyring_trips_over,
	 every_flipped_bit_is_refused, every_cut_and_every_tail_is_refused, another_binding_does_not_get_the_session,
	 an_id_token_that_does_not_fit_is_left_out_and_the_refresh_token_kept,
	 groups_that_do_not_fit_are_counted_and_the_refresh_token_kept, nothing_is_no_session)
