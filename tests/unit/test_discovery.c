/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oidc/discovery.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "tests/support/tap.h"

static const char issuer[] = "https://login.example.com/realms/acme";

static json_t *metadata(const char *base)
{
	return json_pack("{s:s, s:s+, s:s+, s:s+, s:s+, s:s+, s:s+, s:b, s:[s,s]}", "issuer", base,
			 "authorization_endpoint", base, "/auth", "token_endpoint", base, "/token", "jwks_uri", base,
			 "/keys", "device_authorization_endpoint", base, "/device", "revocation_endpoint", base,
			 "/revoke", "end_session_endpoint", base, "/logout",
			 "authorization_response_iss_parameter_supported", 1, "response_modes_supported", "query",
			 "form_post");
}

static struct ush_provider *read_text(const struct ush_provider_settings *settings, const char *text,
				      struct ush_error *err)
{
	*err = (struct ush_error){0};
	return ush_provider_read(settings, text, strlen(text), err);
}

static void text_refused(const struct ush_provider_settings *settings, const char *text, const char *why)
{
	struct ush_error err;

	ck_assert_msg(read_text(settings, text, &err) == NULL, "taken: %s", text);
	ck_assert_msg(err.code == USH_ERR_REJECTED, "code %d: %s", (int)err.code, err.what);
	ck_assert_msg(strstr(err.what, why) != NULL, "wanted \"%s\", got \"%s\"", why, err.what);
}

/* Takes the document. */
static void refused(const struct ush_provider_settings *settings, json_t *document, const char *why)
{
	USH_AUTO_FREE char *text = json_dumps(document, 0);

	text_refused(settings, text, why);
	json_decref(document);
}

static void taken(const struct ush_provider_settings *settings, json_t *document)
{
	USH_AUTO_FREE char *text = json_dumps(document, 0);
	struct ush_error err;
	struct ush_provider *provider = read_text(settings, text, &err);

	ck_assert_msg(provider != NULL, "%s: %s", text, err.what);
	ush_provider_free(provider);
	json_decref(document);
}

START_TEST(metadata_says_where_everything_is)
{
	const struct ush_provider_settings settings = {.issuer = issuer};
	json_t *document = metadata(issuer);
	USH_AUTO_FREE char *text = json_dumps(document, 0);
	struct ush_error err;
	USH_AUTO_PROVIDER provider = read_text(&settings, text, &err);
	USH_AUTO_FREE char *host = ush_provider_host(&settings);

	ck_assert_msg(provider != NULL, "%s", err.what);
	ck_assert_str_eq(provider->authorization_endpoint, "https://login.example.com/realms/acme/auth");
	ck_assert_str_eq(provider->token_endpoint, "https://login.example.com/realms/acme/token");
	ck_assert_str_eq(provider->jwks_uri, "https://login.example.com/realms/acme/keys");
	ck_assert_str_eq(provider->device_authorization_endpoint, "https://login.example.com/realms/acme/device");
	ck_assert_str_eq(provider->revocation_endpoint, "https://login.example.com/realms/acme/revoke");
	ck_assert_str_eq(provider->end_session_endpoint, "https://login.example.com/realms/acme/logout");
	ck_assert(provider->iss_parameter && provider->form_post && !provider->from_cache);
	ck_assert_str_eq(host, "login.example.com");
	json_decref(document);
}
END_TEST

START_TEST(what_a_provider_does_not_offer_is_null)
{
	static const char *const optional[] = {"device_authorization_endpoint", "revocation_endpoint",
					       "end_session_endpoint", "authorization_response_iss_parameter_supported",
					       "response_modes_supported"};
	const struct ush_provider_settings settings = {.issuer = issuer};
	json_t *document = metadata(issuer);
	USH_AUTO_FREE char *text = NULL;
	USH_AUTO_PROVIDER provider = NULL;
	struct ush_error err;

	for (size_t i = 0; i < USH_COUNT(optional); i++)
		json_object_del(document, optional[i]);
	text = json_dumps(document, 0);
	json_decref(document);
	provider = read_text(&settings, text, &err);
	ck_assert_ptr_nonnull(provider);
	ck_assert_ptr_null(provider->device_authorization_endpoint);
	ck_assert_ptr_null(provider->revocation_endpoint);
	ck_assert_ptr_null(provider->end_session_endpoint);
	ck_assert(!provider->iss_parameter && !provider->form_post);
}
END_TEST

START_TEST(a_near_miss_of_the_issuer_is_refused) /* T12 */
{
	static const char *const misses[] = {
		"https://login.example.com/realms/acme/",
		"https://login.example.com/realms/Acme",
		"https://Login.example.com/realms/acme",
		"http://login.example.com/realms/acme",
		"https://login.example.com:443/realms/acme",
		"https://login.example.com/realms/acme2",
		"https://login.example.com/realms/acm",
		"https://login.example.com/realms//acme",
		"https://login.example.com./realms/acme",
		"https://login.example.com/realms/%61cme",
		"https://login.example.com/realms/acme?x=y",
		" https://login.example.com/realms/acme",
		"https://login.example.com/realms/acme\n",
		"https://login.example.com/realms/other",
		"",
	};
	const struct ush_provider_settings settings = {.issuer = issuer};
	json_t *none = metadata(issuer), *list = metadata(issuer);

	for (size_t i = 0; i < USH_COUNT(misses); i++) {
		json_t *document = metadata(issuer);

		json_object_set_new(document, "issuer", json_string(misses[i]));
		refused(&settings, document, "issuer");
	}
	json_object_del(none, "issuer");
	refused(&settings, none, "issuer: missing");
	json_object_set_new(list, "issuer", json_pack("[s]", issuer));
	refused(&settings, list, "issuer: missing");
}
END_TEST

START_TEST(a_slash_too_many_is_told)
{
	const struct ush_provider_settings with = {.issuer = "https://login.example.com/realms/acme/"},
					   without = {.issuer = issuer};

	refused(&with, metadata(issuer), "with a slash at the end");
	refused(&without, metadata(with.issuer), "without the last slash");
}
END_TEST

static const char *const members[] = {"authorization_endpoint",
				      "token_endpoint",
				      "jwks_uri",
				      "device_authorization_endpoint",
				      "revocation_endpoint",
				      "end_session_endpoint",
				      "userinfo_endpoint",
				      "introspection_endpoint",
				      "registration_endpoint",
				      "pushed_authorization_request_endpoint",
				      "check_session_iframe"};

START_TEST(an_endpoint_elsewhere_is_refused_before_it_is_asked) /* T13: P2; ush_provider_read asks nobody */
{
	static const char *const urls[] = {
		"https://169.254.169.254/latest/meta-data",
		"https://[fe80::1]/",
		"https://127.0.0.1/",
		"https://[::1]/",
		"https://localhost/",
		"https://0.0.0.0/",
		"https://2130706433/",
		"https://0x7f.1/",
		"https://evil.example/",
		"https://login.example.com.evil.example/",
		"https://evil.example/?login.example.com",
		"https://sub.login.example.com/",
		"http://login.example.com/realms/acme/x",
		"http://127.0.0.1:8080/",
		"https://login.example.com@evil.example/",
		"https://carol@login.example.com/",
		"https://login.example.com:0/",
		"https://login.example.com/#x",
		"https://l\xc3\xb6gin.example.com/",
		"https://login.example.com\\@evil.example/",
		"javascript:alert(1)",
		"file:///etc/passwd",
		"//login.example.com/",
		"/token",
		"",
	};
	const struct ush_provider_settings settings = {.issuer = issuer};

	for (size_t m = 0; m < USH_COUNT(members); m++)
		for (size_t i = 0; i < USH_COUNT(urls); i++) {
			json_t *document = metadata(issuer);

			json_object_set_new(document, members[m], json_string(urls[i]));
			refused(&settings, document, members[m]);
		}
}
END_TEST

START_TEST(an_endpoint_that_is_no_text_is_refused)
{
	static const char *const values[] = {"7", "true", "[]", "{}", "[\"https://login.example.com/\"]"};
	const struct ush_provider_settings settings = {.issuer = issuer};

	for (size_t m = 0; m < USH_COUNT(members); m++)
		for (size_t i = 0; i < USH_COUNT(values); i++) {
			json_t *document = metadata(issuer);

			json_object_set_new(document, members[m], json_loads(values[i], JSON_DECODE_ANY, NULL));
			refused(&settings, document, members[m]);
		}
}
END_TEST

START_TEST(aliases_for_mutual_tls_are_endpoints_too)
{
	const struct ush_provider_settings settings = {.issuer = issuer};
	json_t *document = metadata(issuer);

	json_object_set_new(document, "mtls_endpoint_aliases",
			    json_pack("{s:s}", "token_endpoint", "https://evil.example/"));
	refused(&settings, document, "token_endpoint");
}
END_TEST

START_TEST(hosts_that_the_profile_names_are_taken)
{
	static const char *const hosts[] = {"oauth2.example.com", "Keys.example.com", NULL};
	struct ush_provider_settings settings = {.issuer = issuer, .endpoint_hosts = hosts};
	json_t *document = metadata(issuer);
	struct ush_error err;
	USH_AUTO_FREE char *text = NULL;

	json_object_set_new(document, "token_endpoint", json_string("https://oauth2.example.com/token"));
	json_object_set_new(document, "jwks_uri", json_string("https://keys.example.com:8443/keys"));
	json_object_set_new(document, "op_tos_uri", json_string("https://www.example.org/terms")); /* for people */
	json_object_set_new(document, "service_documentation", json_string("https://www.example.org/docs"));
	taken(&settings, json_incref(document));
	settings.endpoint_hosts = NULL;
	text = json_dumps(document, 0);
	ck_assert_ptr_null(read_text(&settings, text, &err));
	ck_assert_ptr_nonnull(strstr(err.hint, "endpoint-hosts: ["));
	json_object_set_new(document, "token_endpoint", json_string("http://oauth2.example.com/token"));
	settings.endpoint_hosts = hosts;
	refused(&settings, document, "not https");
}
END_TEST

START_TEST(a_loopback_issuer_does_not_lead_out_of_loopback)
{
	const struct ush_provider_settings settings = {.issuer = "http://127.0.0.1:9010", .loopback_http = true};
	const struct ush_provider_settings tls = {.issuer = "https://127.0.0.1:9010", .loopback_http = true};
	json_t *document = metadata(settings.issuer), *downgraded = metadata(tls.issuer);

	taken(&settings, metadata(settings.issuer));
	json_object_set_new(document, "token_endpoint", json_string("http://login.example.com/"));
	refused(&settings, document, "token_endpoint");
	json_object_set_new(downgraded, "token_endpoint", json_string("http://127.0.0.1:9010/token"));
	refused(&tls, downgraded, "token_endpoint");
}
END_TEST

START_TEST(required_members_are_required)
{
	static const char *const required[] = {"authorization_endpoint", "token_endpoint", "jwks_uri"};
	const struct ush_provider_settings settings = {.issuer = issuer};

	for (size_t i = 0; i < USH_COUNT(required); i++) {
		json_t *document = metadata(issuer), *null = metadata(issuer);

		json_object_del(document, required[i]);
		refused(&settings, document, required[i]);
		json_object_set_new(null, required[i], json_null());
		refused(&settings, null, required[i]);
	}
}
END_TEST

START_TEST(texts_that_are_no_metadata_are_refused) /* T19: issuer twice */
{
	static const char *const texts[] = {"",
					    "{",
					    "[]",
					    "null",
					    "7",
					    "<html>",
					    "{}x",
					    "\xff",
					    "{\"issuer\":\"\\u0000\"}",
					    "{\"issuer\":\"https://login.example.com/realms/acme\",\"issuer\":\"https:/"
					    "/login.example.com/realms/acme\"}"};
	const struct ush_provider_settings settings = {.issuer = issuer};
	USH_AUTO_BUF large = {0};

	for (size_t i = 0; i < USH_COUNT(texts); i++)
		text_refused(&settings, texts[i], "");
	while (large.length <= 256 << 10)
		ush_buf_puts(&large, "                                ");
	text_refused(&settings, large.data, "larger than 256 KiB");
}
END_TEST

START_TEST(an_issuer_that_is_no_https_url_is_a_fault_of_the_profile)
{
	static const char *const issuers[] = {"",
					      "login.example.com",
					      "http://login.example.com",
					      "https://login.example.com/?x",
					      "https://a@b/",
					      "https://login.example.com/#x",
					      "http://127.0.0.1:1"};

	for (size_t i = 0; i < USH_COUNT(issuers); i++) {
		const struct ush_provider_settings settings = {.issuer = issuers[i]};
		struct ush_error err;

		ck_assert_ptr_null(read_text(&settings, "{}", &err));
		ck_assert_int_eq(err.code, USH_ERR_CONFIG);
		ck_assert_ptr_nonnull(strstr(err.what, "issuer"));
	}
}
END_TEST

TAP_MAIN("discovery", metadata_says_where_everything_is, what_a_provider_does_not_offer_is_null,
	 a_near_miss_of_the_issuer_is_refused, a_slash_too_many_is_told,
	 an_endpoint_elsewhere_is_refused_before_it_is_asked, an_endpoint_that_is_no_text_is_refused,
	 aliases_for_mutual_tls_are_endpoints_too, hosts_that_the_profile_names_are_taken,
	 a_loopback_issuer_does_not_lead_out_of_loopback, required_members_are_required,
	 texts_that_are_no_metadata_are_refused, an_issuer_that_is_no_https_url_is_a_fault_of_the_profile)
