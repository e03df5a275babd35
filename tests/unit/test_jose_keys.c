/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/oidc/jose.h"
#include "common/oidc/jwks.h"
#include "tests/support/jose.h"
#include "tests/support/tap.h"
#include "tests/support/verdict.h"

START_TEST(an_algorithm_that_the_key_is_not_for_is_refused) /* T09: P-256 with ES384 */
{
	EVP_PKEY *rsa = key_for("RS256"), *p256 = key_for("ES256"), *p384 = key_for("ES384"), *p521 = key_for("ES512");
	EVP_PKEY *ec[] = {p256, p384, p521};
	USH_AUTO_FREE char *rsa_set = jose_jwks(jose_jwk(rsa, "k1", "RS256", NULL), NULL);
	USH_AUTO_FREE char *free_set = jose_jwks(jose_jwk(rsa, "k1", NULL, NULL), NULL);

	for (size_t i = 0; i < USH_COUNT(nine); i++) {
		if (nine[i][0] != 'E' && strcmp(nine[i], "RS256") != 0)
			refused(jose_token(rsa, nine[i], "k1", payload), rsa_set, "alg does not fit");
		for (size_t k = 0; k < USH_COUNT(ec); k++) {
			USH_AUTO_FREE char *set = jose_jwks(jose_jwk(ec[k], "k1", NULL, NULL), NULL);

			if (nine[i][0] != 'E')
				refused(jose_token(rsa, nine[i], "k1", payload), set, "alg does not fit");
			else if (i - 6 != k)
				refused(jose_token(ec[k], nine[i], "k1", payload), set, "alg does not fit");
		}
		if (nine[i][0] == 'E')
			refused(jose_token(ec[i - 6], nine[i], "k1", payload), free_set, "alg does not fit");
	}
	EVP_PKEY_free(rsa);
	for (size_t k = 0; k < USH_COUNT(ec); k++)
		EVP_PKEY_free(ec[k]);
}
END_TEST

START_TEST(keys_in_the_header_are_not_used)
{
	EVP_PKEY *ours = key_for("ES256"), *theirs = key_for("ES256");
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(ours, "k1", NULL, NULL), NULL);
	json_t *jwk = jose_jwk(theirs, "k1", "ES256", "sig");
	USH_AUTO_FREE char *jwk_text = json_dumps(jwk, JSON_COMPACT);
	USH_AUTO_FREE char *with_jwk = ush_printf("{\"alg\":\"ES256\",\"kid\":\"k1\",\"jwk\":%s}", jwk_text);
	USH_AUTO_FREE char *with_jku = ush_printf(
		"{\"alg\":\"ES256\",\"jku\":\"https://evil.example/keys\",\"x5u\":\"https://evil.example/\"}");
	USH_AUTO_FREE char *good = NULL;

	refused(jose_sign(theirs, "ES256", with_jwk, payload), set, "signature is not the provider's");
	refused(jose_sign(theirs, "ES256", with_jku, payload), set, "signature is not the provider's");
	good = jose_sign(ours, "ES256", with_jwk, payload); /* ignored, not refused */
	taken(good, set);
	json_decref(jwk);
	EVP_PKEY_free(ours);
	EVP_PKEY_free(theirs);
}
END_TEST

START_TEST(without_a_kid_there_must_be_one_key_that_fits) /* T10 */
{
	EVP_PKEY *a = key_for("ES256"), *b = key_for("ES256"), *rsa = key_for("RS256"), *p384 = key_for("ES384");
	USH_AUTO_FREE char *one = jose_jwks(jose_jwk(a, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *fits = jose_jwks(jose_jwk(rsa, "k1", NULL, NULL), jose_jwk(a, "k2", NULL, NULL),
					     jose_jwk(p384, "k3", NULL, NULL), jose_jwk(b, "k4", NULL, "enc"), NULL);
	USH_AUTO_FREE char *two = jose_jwks(jose_jwk(a, "k1", NULL, NULL), jose_jwk(b, "k2", NULL, NULL), NULL);
	USH_AUTO_FREE char *none = jose_jwks(jose_jwk(rsa, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *weak = jose_jwks(jose_jwk_rsa("0123456789abcdef", "010001", NULL), NULL);
	USH_AUTO_FREE char *token = jose_token(a, "ES256", NULL, payload);
	bool unknown;

	taken(token, one);
	taken(token, fits);
	refused(ush_strdup(token), two, "several that fit");
	refused(ush_strdup(token), none, "none that fits");
	refused(jose_token(rsa, "RS256", NULL, payload), weak, "RSA key of 57 bits");
	ck_assert_ptr_nonnull(verdict(token, strlen(token), none, &unknown));
	ck_assert(unknown);
	ck_assert_ptr_nonnull(verdict(token, strlen(token), two, &unknown));
	ck_assert(!unknown);
	EVP_PKEY_free(a), EVP_PKEY_free(b), EVP_PKEY_free(rsa), EVP_PKEY_free(p384);
}
END_TEST

START_TEST(a_hostile_kid_is_only_compared) /* T10 */
{
	static const char *const kids[] = {"../../etc/passwd", "' or 1=1 --", "%s%n%p", "k1 ", "K1", "", "k", "k11",
					   "\\u001b[2K"};
	EVP_PKEY *key = key_for("ES256");
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *long_kid = ush_alloc(40001);
	USH_AUTO_FREE char *huge_kid = ush_alloc(1000001);
	bool unknown;

	for (size_t i = 0; i < USH_COUNT(kids); i++) {
		USH_AUTO_FREE char *token = jose_token(key, "ES256", kids[i], payload);

		ck_assert_ptr_nonnull(verdict(token, strlen(token), set, &unknown));
		ck_assert(unknown);
		refused(ush_steal(&token), set, "no signing key with its kid");
	}
	memset(long_kid, 'k', 257);
	refused(jose_token(key, "ES256", long_kid, payload), set, "kid is not a text of at most 256 bytes");
	memset(long_kid, 'k', 40000);
	refused(jose_token(key, "ES256", long_kid, payload), set, "kid is not a text of at most 256 bytes");
	memset(huge_kid, 'k', 1000000);
	refused(jose_token(key, "ES256", huge_kid, payload), set, "larger than 64 KiB");
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(two_keys_of_one_kid_are_refused_in_any_order) /* T09 */
{
	EVP_PKEY *a = key_for("ES256"), *b = key_for("RS256");
	USH_AUTO_FREE char *one = jose_jwks(jose_jwk(a, "k1", NULL, NULL), jose_jwk(b, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *other = jose_jwks(jose_jwk(b, "k1", NULL, NULL), jose_jwk(a, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *weak =
		jose_jwks(jose_jwk(a, "k1", NULL, NULL), jose_jwk_rsa("0123456789abcdef", "010001", "k1"), NULL);
	USH_AUTO_FREE char *encryption = jose_jwks(jose_jwk(a, "k1", NULL, NULL), jose_jwk(b, "k1", NULL, "enc"), NULL);
	USH_AUTO_FREE char *token = jose_token(a, "ES256", "k1", payload);

	refused(ush_strdup(token), one, "two signing keys with the kid \"k1\"");
	refused(ush_strdup(token), other, "two signing keys with the kid \"k1\"");
	refused(ush_strdup(token), weak, "two signing keys with the kid \"k1\"");
	taken(token, encryption);
	EVP_PKEY_free(a), EVP_PKEY_free(b);
}
END_TEST

START_TEST(a_key_that_breaks_the_policy_is_named) /* T09 */
{
	EVP_PKEY *weak = jose_rsa(1024, 65537), *three = jose_rsa(2048, 3), *good = key_for("RS256"),
		 *koblitz = jose_ec("secp256k1");
	USH_AUTO_FREE char *weak_set =
		jose_jwks(jose_jwk(weak, "k1", NULL, NULL), jose_jwk(good, "k2", NULL, NULL), NULL);
	USH_AUTO_FREE char *three_set = jose_jwks(jose_jwk(three, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *koblitz_set = jose_jwks(jose_jwk(koblitz, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *other = jose_token(good, "RS256", "k2", payload);

	refused(jose_token(weak, "RS256", "k1", payload), weak_set, "RSA key of 1024 bits");
	refused(jose_token(three, "RS256", "k1", payload), three_set, "exponent");
	refused(jose_token(koblitz, "ES256", "k1", payload), koblitz_set, "curve other than");
	taken(other, weak_set);
	EVP_PKEY_free(weak), EVP_PKEY_free(three), EVP_PKEY_free(good), EVP_PKEY_free(koblitz);
}
END_TEST

/* RS256 over the input with a private exponent that anybody can work out, as the modulus is a prime. */
static size_t sign_with_prime(const BIGNUM *n, const char *input, unsigned char *out)
{
	static const unsigned char info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
					     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
	BN_CTX *context = BN_CTX_new();
	BIGNUM *e = BN_new(), *d, *order = BN_dup(n), *m;
	size_t length = (size_t)BN_num_bytes(n);

	memset(out, 0xff, length);
	out[0] = 0, out[1] = 1;
	out[length - 32 - sizeof info - 1] = 0;
	memcpy(out + length - 32 - sizeof info, info, sizeof info);
	EVP_Q_digest(NULL, "SHA256", NULL, input, strlen(input), out + length - 32, NULL);
	BN_set_word(e, 65537);
	BN_sub_word(order, 1);
	d = BN_mod_inverse(NULL, e, order, context);
	m = BN_bin2bn(out, (int)length, NULL);
	BN_mod_exp(m, m, d, n, context);
	BN_bn2binpad(m, out, (int)length);
	BN_free(e), BN_free(d), BN_free(order), BN_free(m);
	BN_CTX_free(context);
	return length;
}

START_TEST(a_signature_that_holds_under_an_unsound_key_is_refused) /* T09 */
{
	USH_AUTO_FREE char *header = jose_header("RS256", "k1");
	USH_AUTO_FREE char *h = ush_base64url_encode(header, strlen(header)),
			   *p = ush_base64url_encode(payload, strlen(payload));
	USH_AUTO_FREE char *input = ush_printf("%s.%s", h, p);
	unsigned char signature[256];
	BIGNUM *n = BN_new();
	size_t length;
	char *hex;

	BN_generate_prime_ex(n, 2048, 0, NULL, NULL, NULL);
	hex = BN_bn2hex(n);
	length = sign_with_prime(n, input, signature);
	{
		USH_AUTO_FREE char *set = jose_jwks(jose_jwk_rsa(hex, "010001", "k1"), NULL);

		refused(jose_unsigned(header, payload, signature, length), set, "not a sound RSA key");
	}
	OPENSSL_free(hex);
	BN_free(n);
}
END_TEST

TAP_MAIN("jose_keys", an_algorithm_that_the_key_is_not_for_is_refused, keys_in_the_header_are_not_used,
	 without_a_kid_there_must_be_one_key_that_fits, a_hostile_kid_is_only_compared,
	 two_keys_of_one_kid_are_refused_in_any_order, a_key_that_breaks_the_policy_is_named,
	 a_signature_that_holds_under_an_unsound_key_is_refused)
