/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oidc/claims.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/oidc/jose.h"
#include "common/oidc/jwks.h"
#include "tests/support/jose.h"
#include "tests/support/tap.h"

#define NOW 1800000000

static const char issuer[] = "https://login.example.com/realms/acme";

static json_t *good(void)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:[s,s]}", "iss", issuer, "sub", "carol", "aud",
			 "kubernetes", "exp", (json_int_t)NOW + 300, "iat", (json_int_t)NOW, "nonce", "n-1", "email",
			 "carol@example.com", "groups", "dev", "/oncall");
}

static struct ush_expect expectation(void)
{
	return (struct ush_expect){.issuer = issuer, .client = "kubernetes", .nonce = "n-1", .now = NOW, .leeway = 60};
}

static struct ush_claims *read_text(const char *text, const struct ush_expect *expect, struct ush_error *err)
{
	*err = (struct ush_error){0};
	return ush_claims_read(text, strlen(text), expect, err);
}

/* Takes the payload. */
static void taken(json_t *payload, const struct ush_expect *expect)
{
	USH_AUTO_FREE char *text = json_dumps(payload, JSON_COMPACT);
	struct ush_error err;
	struct ush_claims *claims = read_text(text, expect, &err);

	ck_assert_msg(claims != NULL, "%s: %s", text, err.what);
	ush_claims_free(claims);
	json_decref(payload);
}

static void text_refused(const char *text, const struct ush_expect *expect, const char *why)
{
	struct ush_error err;

	ck_assert_msg(read_text(text, expect, &err) == NULL, "taken: %s", text);
	ck_assert_int_eq(err.code, USH_ERR_REJECTED);
	ck_assert_msg(strncmp(err.what, "token rejected: ", 16) == 0 && strstr(err.what, why) != NULL,
		      "%s: wanted \"%s\", got \"%s\"", text, why, err.what);
}

/* Takes the payload. */
static void refused(json_t *payload, const struct ush_expect *expect, const char *why)
{
	USH_AUTO_FREE char *text = json_dumps(payload, JSON_COMPACT);

	text_refused(text, expect, why);
	json_decref(payload);
}

START_TEST(a_good_token_says_who_and_which_groups)
{
	struct ush_expect expect = expectation();
	json_t *payload = good();
	USH_AUTO_FREE char *text = json_dumps(payload, 0);
	struct ush_error err;
	USH_AUTO_CLAIMS claims = read_text(text, &expect, &err);

	ck_assert_ptr_nonnull(claims);
	ck_assert_str_eq(claims->subject, "carol");
	ck_assert_str_eq(claims->email, "carol@example.com");
	ck_assert_uint_eq(claims->group_count, 2);
	ck_assert_str_eq(claims->groups[0], "dev");
	ck_assert_str_eq(claims->groups[1], "/oncall");
	ck_assert_int_eq(claims->expires, NOW + 300);
	ck_assert_int_eq(claims->issued, NOW);
	ck_assert(json_equal(claims->all, payload));
	json_decref(payload);
}
END_TEST

/* One change to a good payload: value NULL takes the claim away, else it is JSON text. `names` must be in the refusal.
 */
static const struct mutation {
	const char *claim, *value, *names;
} mutations[] = {
	{"iss", NULL, "iss"},
	{"iss", "\"https://login.example.com/realms/acme/\"", "iss"},
	{"iss", "\"https://LOGIN.example.com/realms/acme\"", "iss"},
	{"iss", "\"https://login.example.com/realms/other\"", "iss"},
	{"iss", "[\"https://login.example.com/realms/acme\"]", "iss"},
	{"iss", "\"\"", "iss"},
	{"aud", NULL, "aud"},
	{"aud", "\"other\"", "aud"},
	{"aud", "\"Kubernetes\"", "aud"},
	{"aud", "[]", "aud"},
	{"aud", "[\"other\"]", "aud"},
	{"aud", "[\"kubernetes\", 7]", "aud"},
	{"aud", "{\"kubernetes\":true}", "aud"},
	{"aud", "7", "aud"},
	{"aud", "[\"kubernetes\", \"other\"]", "azp"},
	{"azp", "\"other\"", "azp"},
	{"azp", "7", "azp"},
	{"azp", "\"\"", "azp"},
	{"sub", NULL, "sub"},
	{"sub", "\"\"", "sub"},
	{"sub", "7", "sub"},
	{"sub", "null", "sub"},
	{"exp", NULL, "exp"},
	{"exp", "1799999940", "exp"},
	{"exp", "0", "exp"},
	{"exp", "\"1800000300\"", "exp"},
	{"iat", NULL, "iat"},
	{"iat", "1800000061", "iat"},
	{"iat", "null", "iat"},
	{"nbf", "1800000061", "nbf"},
	{"nbf", "\"now\"", "nbf"},
	{"nonce", NULL, "nonce"},
	{"nonce", "\"n-2\"", "nonce"},
	{"nonce", "7", "nonce"},
	{"nonce", "\"\"", "nonce"},
	{"typ", "\"Bearer\"", "typ"},
	{"typ", "\"Refresh\"", "typ"},
	{"typ", "\"at+jwt\"", "typ"},
	{"typ", "7", "typ"},
	{"at_hash", "\"AAAAAAAAAAAAAAAAAAAAAA\"", "at_hash"},
	{"at_hash", "7", "at_hash"},
	{"at_hash", "\"\"", "at_hash"},
	{"groups", "7", "groups"},
	{"groups", "{\"dev\":true}", "groups"},
	{"groups", "[\"dev\", 7]", "groups"},
	{"groups", "[\"dev\", null]", "groups"},
	{"groups", "[[\"dev\"]]", "groups"},
	{"groups", "true", "groups"},
};

static char *mutated(const struct mutation *m)
{
	json_t *payload = good();
	char *text;

	if (m->value == NULL)
		json_object_del(payload, m->claim);
	else
		json_object_set_new(payload, m->claim, json_loads(m->value, JSON_DECODE_ANY, NULL));
	text = json_dumps(payload, JSON_COMPACT);
	json_decref(payload);
	return text;
}

START_TEST(a_change_of_one_claim_is_refused_by_name) /* T08 */
{
	EVP_PKEY *key = jose_ec("P-256");
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, NULL), NULL);
	struct ush_error err = {0};
	struct ush_jwks *jwks = ush_jwks_read(set, strlen(set), &err);
	struct ush_secret *access = ush_secret_new("access", 6);
	struct ush_expect expect = expectation();

	expect.access_token = access;
	taken(good(), &expect);
	for (size_t i = 0; i < USH_COUNT(mutations); i++) {
		USH_AUTO_FREE char *text = mutated(&mutations[i]);
		USH_AUTO_FREE char *token = jose_token(key, "ES256", "k1", text);
		char *payload;
		size_t length;
		bool unknown;

		ck_assert_int_eq(ush_jws_verify(token, strlen(token), jwks, &payload, &length, &unknown, &err), 0);
		text_refused(payload, &expect, mutations[i].names);
		free(payload);
	}
	ush_secret_free(access);
	ush_jwks_free(jwks);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(audiences_and_authorized_parties_that_are_taken)
{
	struct ush_expect expect = expectation();
	static const char *const pairs[][2] = {
		{"\"kubernetes\"", NULL},
		{"\"kubernetes\"", "\"kubernetes\""},
		{"[\"kubernetes\"]", NULL},
		{"[\"other\", \"kubernetes\"]", "\"kubernetes\""},
	};

	for (size_t i = 0; i < USH_COUNT(pairs); i++) {
		json_t *payload = good();

		json_object_set_new(payload, "aud", json_loads(pairs[i][0], JSON_DECODE_ANY, NULL));
		if (pairs[i][1] != NULL)
			json_object_set_new(payload, "azp", json_loads(pairs[i][1], JSON_DECODE_ANY, NULL));
		taken(payload, &expect);
	}
}
END_TEST

static void with_time(const char *claim, int64_t value, bool take)
{
	struct ush_expect expect = expectation();
	json_t *payload = good();

	json_object_set_new(payload, claim, json_integer(value));
	if (take)
		taken(payload, &expect);
	else
		refused(payload, &expect, claim);
}

START_TEST(the_leeway_holds_both_ways_to_the_second)
{
	with_time("exp", NOW - 59, true);
	with_time("exp", NOW - 60, false);
	with_time("iat", NOW + 60, true);
	with_time("iat", NOW + 61, false);
	with_time("iat", NOW - 1000000, true);
	with_time("nbf", NOW + 60, true);
	with_time("nbf", NOW + 61, false);
}
END_TEST

START_TEST(the_leeway_is_never_more_than_five_minutes)
{
	struct ush_expect expect = expectation();
	json_t *payload = good();

	expect.leeway = 1000000;
	json_object_set_new(payload, "exp", json_integer(NOW - 299));
	taken(payload, &expect);
	payload = good();
	json_object_set_new(payload, "exp", json_integer(NOW - 300));
	refused(payload, &expect, "exp");
	expect.leeway = -5;
	payload = good();
	json_object_set_new(payload, "exp", json_integer(NOW));
	refused(payload, &expect, "exp");
}
END_TEST

START_TEST(times_are_finite_numbers_in_range) /* T20 */
{
	static const char *const bad[] = {"1e400",      "9223372036854775808",
					  "-1",         "\"soon\"",
					  "null",       "1e300",
					  "-0.5",       "9007199254740994",
					  "true",       "[1800000300]",
					  "{}",         "1e16",
					  "NaN",        "Infinity",
					  "0x7fffffff", "18446744073709551616"};
	static const char *const fine[] = {"1e10",        "1800000300",       "1800000300.5",
					   "1.8000003e9", "9007199254740992", "1800000300.999999"};
	static const char *const claims[] = {"exp", "iat", "nbf"};
	struct ush_expect expect = expectation();
	struct ush_error err;

	for (size_t c = 0; c < USH_COUNT(claims); c++)
		for (size_t i = 0; i < USH_COUNT(bad); i++) {
			USH_AUTO_FREE char *text = ush_printf("{\"iss\":\"%s\",\"sub\":\"carol\",\"aud\":"
							      "\"kubernetes\",\"nonce\":\"n-1\",%s\"%s\":%s}",
							      issuer,
							      c == 0   ? "\"iat\":1800000000,"
							      : c == 1 ? "\"exp\":1800000300,"
								       : "\"iat\":1800000000,\"exp\":1800000300,",
							      claims[c], bad[i]);

			text_refused(text, &expect, "token rejected");
		}
	for (size_t i = 0; i < USH_COUNT(fine); i++) {
		USH_AUTO_FREE char *text = ush_printf("{\"iss\":\"%s\",\"sub\":\"carol\",\"aud\":\"kubernetes\","
						      "\"nonce\":\"n-1\",\"iat\":1800000000,\"exp\":%s}",
						      issuer, fine[i]);
		struct ush_claims *claims_read = read_text(text, &expect, &err);

		ck_assert_msg(claims_read != NULL, "%s: %s", fine[i], err.what);
		ck_assert_int_ge(claims_read->expires, NOW + 300);
		ush_claims_free(claims_read);
	}
}
END_TEST

START_TEST(a_claim_that_stands_twice_is_refused) /* T19 */
{
	static const char *const twice[] = {"\"iss\":\"https://login.example.com/realms/acme\"", "\"sub\":\"carol\"",
					    "\"aud\":\"kubernetes\"", "\"exp\":1800000300"};
	struct ush_expect expect = expectation();
	json_t *payload = good();
	USH_AUTO_FREE char *text = json_dumps(payload, JSON_COMPACT);

	text[strlen(text) - 1] = '\0';
	for (size_t i = 0; i < USH_COUNT(twice); i++) {
		USH_AUTO_FREE char *doubled = ush_printf("%s,%s}", text, twice[i]);

		text_refused(doubled, &expect, "twice");
	}
	json_decref(payload);
}
END_TEST

START_TEST(payloads_that_are_no_object_are_refused)
{
	static const char *const texts[] = {
		"", "[]", "{", "null", "\"x\"", "7", "{}x", "{\"iss\":\"\\u0000\"}", "\xff", "{\"\xff\":1}"};
	struct ush_expect expect = expectation();
	USH_AUTO_BUF deep = {0};

	for (size_t i = 0; i < USH_COUNT(texts); i++)
		text_refused(texts[i], &expect, "token rejected");
	for (int i = 0; i < 3000; i++)
		ush_buf_puts(&deep, "{\"a\":");
	text_refused(deep.data, &expect, "nested deeper");
}
END_TEST

START_TEST(a_nonce_may_be_left_out_only_where_that_is_allowed)
{
	struct ush_expect expect = expectation();
	json_t *payload = good(), *other = good();

	expect.nonce_optional = true;
	json_object_del(payload, "nonce");
	taken(payload, &expect);
	json_object_set_new(other, "nonce", json_string("n-2"));
	refused(json_incref(other), &expect, "nonce");
	expect.nonce = NULL;
	taken(other, &expect);
}
END_TEST

START_TEST(a_refreshed_token_must_be_of_the_same_person)
{
	struct ush_expect expect = expectation();

	expect.subject = "carol";
	taken(good(), &expect);
	expect.subject = "mallory";
	refused(good(), &expect, "sub");
}
END_TEST

START_TEST(a_subject_has_at_most_255_bytes)
{
	struct ush_expect expect = expectation();
	char name[257];

	memset(name, 'a', sizeof name);
	for (size_t length = 255; length <= 256; length++) {
		json_t *payload = good();

		name[length] = '\0';
		json_object_set_new(payload, "sub", json_string(name));
		if (length == 255)
			taken(payload, &expect);
		else
			refused(payload, &expect, "sub");
		name[length] = 'a';
	}
}
END_TEST

START_TEST(at_hash_belongs_to_the_access_token)
{
	static const char *const digests[] = {"SHA256", "SHA384", "SHA512"};
	static const size_t halves[] = {16, 24, 32};
	struct ush_expect expect = expectation();
	struct ush_secret *access = ush_secret_new("access", 6), *other = ush_secret_new("acces", 5);

	for (size_t i = 0; i < USH_COUNT(digests); i++) {
		unsigned char hash[EVP_MAX_MD_SIZE];
		USH_AUTO_FREE char *text = NULL;
		json_t *payload = good();

		EVP_Q_digest(NULL, digests[i], NULL, "access", 6, hash, NULL);
		text = ush_base64url_encode(hash, halves[i]);
		json_object_set_new(payload, "at_hash", json_string(text));
		expect.access_token = access;
		taken(json_incref(payload), &expect);
		expect.access_token = other;
		refused(json_incref(payload), &expect, "at_hash");
		expect.access_token = NULL;
		taken(payload, &expect);
	}
	ush_secret_free(access);
	ush_secret_free(other);
}
END_TEST

static void groups_are(const char *json, size_t count, const char *first)
{
	struct ush_expect expect = expectation();
	json_t *payload = good();
	USH_AUTO_FREE char *text = NULL;
	struct ush_error err;
	USH_AUTO_CLAIMS claims = NULL;

	json_object_del(payload, "groups");
	json_object_update_new(payload, json_loads(json, 0, NULL));
	text = json_dumps(payload, 0);
	json_decref(payload);
	claims = read_text(text, &expect, &err);
	ck_assert_msg(claims != NULL, "%s: %s", json, err.what);
	ck_assert_uint_eq(claims->group_count, count);
	if (count > 0)
		ck_assert_str_eq(claims->groups[0], first);
}

START_TEST(groups_come_in_several_shapes)
{
	groups_are("{\"groups\":[]}", 0, NULL);
	groups_are("{\"groups\":null}", 0, NULL);
	groups_are("{}", 0, NULL);
	groups_are("{\"groups\":\"dev\"}", 1, "dev");
	groups_are("{\"groups\":[\"a\",\"b\",\"c\"]}", 3, "a");
	/* more groups than fit into a token are kept elsewhere by the provider: the token is good and names none */
	groups_are("{\"hasgroups\":true}", 0, NULL);
	groups_are("{\"_claim_names\":{\"groups\":\"src1\"},\"_claim_sources\":{\"src1\":{\"endpoint\":\"https://"
		   "graph.example/\"}}}",
		   0, NULL);
}
END_TEST

START_TEST(a_person_is_named_by_mail_or_user_name)
{
	static const char *const cases[][2] = {{"{\"email\":\"a@b\",\"preferred_username\":\"carol\"}", "a@b"},
					       {"{\"email\":\"\",\"preferred_username\":\"carol\"}", "carol"},
					       {"{\"email\":7,\"preferred_username\":\"carol\"}", "carol"},
					       {"{\"email\":null,\"preferred_username\":null}", NULL}};
	struct ush_expect expect = expectation();

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		json_t *payload = good();
		USH_AUTO_FREE char *text = NULL;
		struct ush_error err;
		USH_AUTO_CLAIMS claims = NULL;

		json_object_update_new(payload, json_loads(cases[i][0], 0, NULL));
		text = json_dumps(payload, 0);
		json_decref(payload);
		claims = read_text(text, &expect, &err);
		ck_assert_ptr_nonnull(claims);
		ck_assert_pstr_eq(claims->email, cases[i][1]);
	}
}
END_TEST

START_TEST(a_slash_too_many_is_told)
{
	struct ush_expect expect = expectation();
	json_t *payload = good(), *bare = good();

	json_object_set_new(payload, "iss", json_sprintf("%s/", issuer));
	refused(payload, &expect, "without the last slash");
	expect.issuer = "https://login.example.com/realms/acme/";
	refused(bare, &expect, "with a slash at the end");
}
END_TEST

TAP_MAIN("claims", a_good_token_says_who_and_which_groups, a_change_of_one_claim_is_refused_by_name,
	 audiences_and_authorized_parties_that_are_taken, the_leeway_holds_both_ways_to_the_second,
	 the_leeway_is_never_more_than_five_minutes, times_are_finite_numbers_in_range,
	 a_claim_that_stands_twice_is_refused, payloads_that_are_no_object_are_refused,
	 a_nonce_may_be_left_out_only_where_that_is_allowed, a_refreshed_token_must_be_of_the_same_person,
	 a_subject_has_at_most_255_bytes, at_hash_belongs_to_the_access_token, groups_come_in_several_shapes,
	 a_person_is_named_by_mail_or_user_name, a_slash_too_many_is_told)
