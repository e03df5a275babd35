/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/net/http.h"
#include "common/oidc/claims.h"
#include "common/oidc/discovery.h"
#include "tests/support/http_server.h"
#include "tests/support/jose.h"
#include "tests/support/tap.h"

/* A provider whose clock, keys and failures the test sets. */
static struct {
	struct http_server *server;
	struct ush_http_client *client;
	struct ush_world world;
	struct ush_provider_settings settings;
	int64_t now;
	char *keys;      /* what /keys answers */
	int keys_status; /* with this status */
	const char *keys_path;
	EVP_PKEY *key, *next;
	char hint[256]; /* of the newest check */
} lab;

static int64_t lab_now(void *context)
{
	(void)context;
	return lab.now * 1000;
}

static int lab_http(void *context, const struct ush_http_request *request, struct ush_http_response *response,
		    struct ush_error *err)
{
	(void)context;
	return ush_http_exchange(lab.client, request, response, err);
}

static void answer(void *context, const struct http_seen *seen, struct http_reply *reply)
{
	const char *base = http_server_url(lab.server);

	(void)context;
	if (strcmp(seen->path, "/.well-known/openid-configuration") == 0) {
		reply->body = ush_printf("{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/"
					 "auth\",\"token_endpoint\":\"%s/token\",\"jwks_uri\":\"%s%s\"}",
					 base, base, base, base, lab.keys_path);
		return;
	}
	reply->status = lab.keys_status;
	reply->headers = lab.keys_status == 302 ? ush_strdup("Location: /elsewhere\r\n") : NULL;
	reply->body = ush_strdup(lab.keys);
}

static void publish(char *keys)
{
	free(lab.keys);
	lab.keys = keys;
}

static void start(void)
{
	lab.now = 1800000000;
	lab.client = ush_http_client_new();
	lab.server = http_server_start(answer, NULL);
	lab.world = (struct ush_world){.now_ms = lab_now, .boot_ms = lab_now, .http = lab_http};
	lab.settings = (struct ush_provider_settings){
		.issuer = http_server_url(lab.server), .loopback_http = true, .cache_folder = tap_folder()};
	lab.keys_status = 200;
	lab.keys_path = "/keys";
	lab.keys = NULL;
	lab.key = jose_ec("P-256");
	lab.next = jose_ec("P-256");
	publish(jose_jwks(jose_jwk(lab.key, "k1", NULL, "sig"), NULL));
}

static void stop(void)
{
	http_server_stop(lab.server);
	ush_http_client_free(lab.client);
	EVP_PKEY_free(lab.key);
	EVP_PKEY_free(lab.next);
	publish(NULL);
}

static struct ush_provider *provider(void)
{
	struct ush_error err = {0};
	struct ush_provider *p = ush_provider_load(&lab.world, &lab.settings, &err);

	ck_assert_msg(p != NULL, "%s", err.what);
	return p;
}

static char *payload(void)
{
	return ush_printf("{\"iss\":\"%s\",\"sub\":\"carol\",\"aud\":\"kubernetes\",\"iat\":%lld,\"exp\":%lld}",
			  lab.settings.issuer, (long long)lab.now, (long long)lab.now + 300);
}

/* USH_OK when the token is taken by p. */
static enum ush_code check_with(struct ush_provider *p, const EVP_PKEY *key, const char *kid)
{
	const struct ush_expect expect = {
		.issuer = lab.settings.issuer, .client = "kubernetes", .now = lab.now, .leeway = 60};
	USH_AUTO_FREE char *body = payload();
	USH_AUTO_FREE char *token = jose_token(key, "ES256", kid, body);
	USH_AUTO_SECRET secret = ush_secret_new(token, strlen(token));
	struct ush_error err = {0};
	USH_AUTO_CLAIMS claims = ush_id_token_check(&lab.world, p, secret, &expect, &err);

	memcpy(lab.hint, err.hint, sizeof lab.hint);

	ck_assert((claims != NULL) == (err.code == USH_OK));
	if (claims != NULL)
		ck_assert_str_eq(claims->subject, "carol");
	return err.code;
}

/* The same in what would be a process of its own: nothing is known but what is on disk. */
static enum ush_code check(const EVP_PKEY *key, const char *kid)
{
	USH_AUTO_PROVIDER p = provider();

	return check_with(p, key, kid);
}

static size_t fetches(void)
{
	return http_server_count(lab.server, lab.keys_path);
}

START_TEST(warm_caches_ask_nobody)
{
	start();
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	ck_assert_uint_eq(http_server_count(lab.server, NULL), 2);
	lab.now += 86000;
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	ck_assert_uint_eq(http_server_count(lab.server, NULL), 2);
	lab.now += 400;
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	ck_assert_uint_eq(http_server_count(lab.server, NULL), 4);
	stop();
}
END_TEST

START_TEST(a_key_rotated_before_signing_is_fetched_once) /* T11 */
{
	start();
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	publish(jose_jwks(jose_jwk(lab.key, "k1", NULL, NULL), jose_jwk(lab.next, "k2", NULL, NULL), NULL));
	lab.now += 31;
	ck_assert_int_eq(check(lab.next, "k2"), USH_OK);
	ck_assert_uint_eq(fetches(), 2);
	ck_assert_int_eq(check(lab.next, "k2"), USH_OK);
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	ck_assert_uint_eq(fetches(), 2);
	stop();
}
END_TEST

START_TEST(a_thousand_unknown_kids_cause_one_fetch) /* T11 */
{
	start();
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	lab.now += 31;
	for (int i = 0; i < 1000; i++) {
		char kid[32];

		snprintf(kid, sizeof kid, "random-%d", i);
		ck_assert_int_eq(check(lab.next, kid), USH_ERR_REJECTED);
	}
	ck_assert_uint_eq(fetches(), 2);
	lab.now += 29;
	ck_assert_int_eq(check(lab.next, "random"), USH_ERR_REJECTED);
	ck_assert_uint_eq(fetches(), 2);
	lab.now += 1;
	ck_assert_int_eq(check(lab.next, "random"), USH_ERR_REJECTED);
	ck_assert_uint_eq(fetches(), 3);
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	stop();
}
END_TEST

START_TEST(an_empty_set_does_not_shorten_the_cooldown) /* T11 */
{
	start();
	publish(ush_strdup("{\"keys\":[]}"));
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(check(lab.key, "k1"), USH_ERR_REJECTED);
	ck_assert_uint_eq(fetches(), 1);
	stop();
}
END_TEST

START_TEST(without_a_folder_the_cooldown_holds_within_the_process)
{
	struct ush_provider *p;

	start();
	lab.settings.cache_folder = NULL;
	p = provider();
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(check_with(p, lab.next, "random"), USH_ERR_REJECTED);
	ck_assert_uint_eq(fetches(), 1);
	lab.now += 30;
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(check_with(p, lab.next, "random"), USH_ERR_REJECTED);
	ck_assert_uint_eq(fetches(), 2);
	ush_provider_free(p);
	stop();
}
END_TEST

/* Two people sign in, and the keys change between them. */
START_TEST(a_key_that_changes_right_after_a_fetch_is_followed_at_once) /* T11 */
{
	static const bool folders[] = {true, false};

	for (size_t i = 0; i < USH_COUNT(folders); i++) {
		USH_AUTO_PROVIDER p = NULL;

		start();
		if (!folders[i])
			lab.settings.cache_folder = NULL;
		p = provider();
		ck_assert_int_eq(check_with(p, lab.key, "k1"), USH_OK);
		publish(jose_jwks(jose_jwk(lab.next, "k2", NULL, NULL), NULL));
		lab.now += 1;
		ck_assert_int_eq(folders[i] ? check(lab.next, "k2") : check_with(p, lab.next, "k2"), USH_OK);
		ck_assert_uint_eq(fetches(), 2);
		for (int k = 0; k < 100; k++) { /* and that was the one */
			ck_assert_int_eq(folders[i] ? check(lab.key, "k1") : check_with(p, lab.key, "k1"), USH_ERR_REJECTED);
			ck_assert_str_eq(lab.hint, "If the provider has just changed its keys, they are read again in 30 s: try then");
		}
		ck_assert_uint_eq(fetches(), 2);
		lab.now += 12;
		ck_assert_int_eq(folders[i] ? check(lab.key, "k1") : check_with(p, lab.key, "k1"), USH_ERR_REJECTED);
		ck_assert_str_eq(lab.hint, "If the provider has just changed its keys, they are read again in 18 s: try then");
		publish(jose_jwks(jose_jwk(lab.key, "k1", NULL, NULL), NULL));
		lab.now += 18;
		ck_assert_int_eq(folders[i] ? check(lab.key, "k1") : check_with(p, lab.key, "k1"), USH_OK);
		ck_assert_uint_eq(fetches(), 3);
		stop();
	}
}
END_TEST

/* A provider that signs with a key before it publishes it: what was fetched for this very token is not fetched again. */
START_TEST(a_key_that_is_published_late_is_not_asked_for_twice)
{
	start();
	ck_assert_int_eq(check(lab.next, "k2"), USH_ERR_REJECTED);
	ck_assert_uint_eq(fetches(), 1);
	publish(jose_jwks(jose_jwk(lab.next, "k2", NULL, NULL), NULL));
	lab.now += 29;
	ck_assert_int_eq(check(lab.next, "k2"), USH_ERR_REJECTED);
	ck_assert_str_eq(lab.hint, "If the provider has just changed its keys, they are read again in 1 s: try then");
	ck_assert_uint_eq(fetches(), 1);
	lab.now += 1;
	ck_assert_int_eq(check(lab.next, "k2"), USH_OK);
	ck_assert_uint_eq(fetches(), 2);
	ck_assert_str_eq(lab.hint, "");
	stop();
}
END_TEST

/* What a sibling fetched a moment ago may be too old already. */
START_TEST(a_sibling_s_newer_keys_that_lack_it_too_do_not_end_the_search)
{
	USH_AUTO_PROVIDER p = NULL;

	start();
	p = provider();
	ck_assert_int_eq(check_with(p, lab.key, "k1"), USH_OK);
	lab.now += 86401; /* the sibling's is an ordinary fetch */
	p->jwks_fetched = lab.now - 1000;
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	publish(jose_jwks(jose_jwk(lab.next, "k2", NULL, NULL), NULL));
	ck_assert_int_eq(check_with(p, lab.next, "k2"), USH_OK);
	ck_assert_uint_eq(fetches(), 3);
	stop();
}
END_TEST

START_TEST(a_clock_that_is_set_does_not_hold_the_keys_back)
{
	static const int64_t jumps[] = {-86400, -3600, 3600, 86400};

	for (size_t i = 0; i < USH_COUNT(jumps); i++) {
		size_t before;

		start();
		ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
		ck_assert_int_eq(check(lab.next, "k2"), USH_ERR_REJECTED);
		publish(jose_jwks(jose_jwk(lab.next, "k2", NULL, NULL), NULL));
		ck_assert_int_eq(check(lab.next, "k2"), USH_ERR_REJECTED);
		lab.now += jumps[i];
		before = fetches();
		ck_assert_int_eq(check(lab.next, "k2"), USH_OK);
		for (int k = 0; k < 20; k++)
			ck_assert_int_eq(check(lab.key, "k1"), USH_ERR_REJECTED);
		ck_assert_uint_le(fetches(), before + 2);
		stop();
	}
}
END_TEST

START_TEST(a_forged_signature_fetches_nothing)
{
	start();
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	lab.now += 31;
	ck_assert_int_eq(check(lab.next, "k1"), USH_ERR_REJECTED);
	ck_assert_uint_eq(fetches(), 1);
	stop();
}
END_TEST

START_TEST(a_rotated_key_without_a_kid_is_fetched_too)
{
	start();
	publish(jose_jwks(jose_jwk(lab.key, NULL, NULL, NULL), NULL));
	ck_assert_int_eq(check(lab.key, NULL), USH_OK);
	publish(jose_jwks(jose_jwk(lab.next, NULL, NULL, NULL), NULL));
	lab.now += 31;
	ck_assert_int_eq(check(lab.next, NULL), USH_OK);
	ck_assert_uint_eq(fetches(), 2);
	ck_assert_int_eq(check(lab.key, NULL), USH_ERR_REJECTED);
	stop();
}
END_TEST

START_TEST(a_sibling_s_newer_keys_are_used_without_asking)
{
	struct ush_provider *p;

	start();
	p = provider();
	ck_assert_int_eq(check_with(p, lab.key, "k1"), USH_OK);
	publish(jose_jwks(jose_jwk(lab.next, "k2", NULL, NULL), NULL));
	lab.now += 31;
	ck_assert_int_eq(check(lab.next, "k2"), USH_OK); /* the sibling */
	lab.now += 1;
	ck_assert_int_eq(check_with(p, lab.next, "k2"), USH_OK);
	ck_assert_uint_eq(fetches(), 2);
	ush_provider_free(p);
	stop();
}
END_TEST

START_TEST(keys_that_cannot_be_fetched_conclude_nothing)
{
	start();
	lab.keys_status = 503;
	ck_assert_int_eq(check(lab.key, "k1"), USH_ERR_UNAVAILABLE);
	lab.keys_status = 200;
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK); /* a first fetch may be tried again at once */
	lab.now += 31;
	lab.keys_status = 500;
	ck_assert_int_eq(check(lab.next, "k2"), USH_ERR_UNAVAILABLE);
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK); /* and what was known stays */
	ck_assert_int_eq(check(lab.next, "k2"), USH_ERR_REJECTED);
	ck_assert_uint_eq(fetches(), 3);
	stop();
}
END_TEST

START_TEST(keys_are_not_followed_elsewhere) /* T14 */
{
	start();
	lab.keys_status = 302;
	ck_assert_int_eq(check(lab.key, "k1"), USH_ERR_REJECTED);
	ck_assert_uint_eq(fetches(), 1);
	ck_assert_uint_eq(http_server_count(lab.server, "/elsewhere"), 0);
	stop();
}
END_TEST

START_TEST(garbage_for_keys_is_rejected_and_not_kept)
{
	static const char *const texts[] = {"", "{", "[]", "{\"keys\":7}", "null"};

	start();
	for (size_t i = 0; i < USH_COUNT(texts); i++) {
		publish(ush_strdup(texts[i]));
		ck_assert_int_eq(check(lab.key, "k1"), USH_ERR_REJECTED);
	}
	publish(jose_jwks(jose_jwk(lab.key, "k1", NULL, NULL), NULL));
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	stop();
}
END_TEST

START_TEST(keys_belong_to_the_place_they_came_from) /* P11 */
{
	start();
	ck_assert_int_eq(check(lab.key, "k1"), USH_OK);
	lab.now += 100;
	ck_assert_int_eq(check(lab.next, "k2"), USH_ERR_REJECTED); /* the keys are now younger than the metadata */
	ck_assert_uint_eq(fetches(), 2);
	lab.now += 86300;
	lab.keys_path = "/other-keys";
	publish(jose_jwks(jose_jwk(lab.next, "k1", NULL, NULL), NULL));
	ck_assert_int_eq(check(lab.key, "k1"), USH_ERR_REJECTED);
	ck_assert_int_eq(check(lab.next, "k1"), USH_OK);
	ck_assert_uint_eq(fetches(), 1);
	stop();
}
END_TEST

START_TEST(claims_are_checked_after_the_signature)
{
	const struct ush_expect expect = {
		.issuer = "https://other.example", .client = "kubernetes", .now = 1800000000, .leeway = 60};
	struct ush_error err = {0};

	start();
	{
		USH_AUTO_PROVIDER p = provider();
		USH_AUTO_FREE char *body = payload();
		USH_AUTO_FREE char *token = jose_token(lab.key, "ES256", "k1", body);
		USH_AUTO_SECRET secret = ush_secret_new(token, strlen(token));

		ck_assert_ptr_null(ush_id_token_check(&lab.world, p, secret, &expect, &err));
		ck_assert_ptr_nonnull(strstr(err.what, "iss"));
	}
	stop();
}
END_TEST

TAP_MAIN("check", warm_caches_ask_nobody, a_key_rotated_before_signing_is_fetched_once,
	 a_thousand_unknown_kids_cause_one_fetch, an_empty_set_does_not_shorten_the_cooldown,
	 without_a_folder_the_cooldown_holds_within_the_process, a_key_that_changes_right_after_a_fetch_is_followed_at_once,
	 a_key_that_is_published_late_is_not_asked_for_twice, a_sibling_s_newer_keys_that_lack_it_too_do_not_end_the_search,
	 a_clock_that_is_set_does_not_hold_the_keys_back, a_forged_signature_fetches_nothing,
	 a_rotated_key_without_a_kid_is_fetched_too, a_sibling_s_newer_keys_are_used_without_asking,
	 keys_that_cannot_be_fetched_conclude_nothing, keys_are_not_followed_elsewhere,
	 garbage_for_keys_is_rejected_and_not_kept, keys_belong_to_the_place_they_came_from,
	 claims_are_checked_after_the_signature)
