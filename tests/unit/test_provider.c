/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oidc/discovery.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/net/http.h"
#include "tests/support/http_server.h"
#include "tests/support/tap.h"

static json_t *metadata(const char *base)
{
	return json_pack("{s:s, s:s+, s:s+, s:s+, s:s+, s:s+, s:s+, s:b, s:[s,s]}", "issuer", base,
			 "authorization_endpoint", base, "/auth", "token_endpoint", base, "/token", "jwks_uri", base,
			 "/keys", "device_authorization_endpoint", base, "/device", "revocation_endpoint", base,
			 "/revoke", "end_session_endpoint", base, "/logout",
			 "authorization_response_iss_parameter_supported", 1, "response_modes_supported", "query",
			 "form_post");
}

/* Metadata as a provider gives it, with a clock, a status and a type that the test sets. */

static struct {
	struct http_server *server;
	struct ush_http_client *client;
	int64_t now;
	int status;
	const char *type, *headers;
	struct ush_world world;
	struct ush_provider_settings settings;
	char *issuer;
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
	json_t *document = metadata(lab.issuer);

	(void)context, (void)seen;
	reply->status = lab.status;
	reply->content_type = lab.type;
	reply->headers = ush_strdup(lab.headers);
	reply->body = json_dumps(document, 0);
	json_decref(document);
}

static void start(const char *path)
{
	lab.now = 1800000000;
	lab.status = 200;
	lab.type = "application/json";
	lab.headers = NULL;
	lab.client = ush_http_client_new();
	lab.server = http_server_start(answer, NULL);
	lab.issuer = ush_printf("%s%s", http_server_url(lab.server), path);
	lab.world = (struct ush_world){.now_ms = lab_now, .boot_ms = lab_now, .http = lab_http};
	lab.settings = (struct ush_provider_settings){
		.issuer = lab.issuer, .loopback_http = true, .cache_folder = tap_folder()};
}

static void stop(void)
{
	http_server_stop(lab.server);
	ush_http_client_free(lab.client);
	free(lab.issuer);
}

static void loads(bool from_cache)
{
	struct ush_error err = {0};
	USH_AUTO_PROVIDER provider = ush_provider_load(&lab.world, &lab.settings, &err);

	ck_assert_msg(provider != NULL, "%s", err.what);
	ck_assert(provider->from_cache == from_cache);
	ck_assert_int_eq(err.code, USH_OK);
}

static void fails(enum ush_code code, const char *why)
{
	struct ush_error err = {0};

	ck_assert_ptr_null(ush_provider_load(&lab.world, &lab.settings, &err));
	ck_assert_msg(err.code == code, "code %d: %s", (int)err.code, err.what);
	ck_assert_msg(strstr(err.what, why) != NULL, "wanted \"%s\", got \"%s\"", why, err.what);
}

static size_t requests(void)
{
	return http_server_count(lab.server, NULL);
}

START_TEST(metadata_is_asked_for_at_the_well_known_place)
{
	static const char *const paths[][2] = {{"", "/.well-known/openid-configuration"},
					       {"/", "/.well-known/openid-configuration"},
					       {"/realms/acme", "/realms/acme/.well-known/openid-configuration"},
					       {"/realms/acme/", "/realms/acme/.well-known/openid-configuration"}};

	for (size_t i = 0; i < USH_COUNT(paths); i++) {
		start(paths[i][0]);
		loads(false);
		ck_assert_str_eq(http_server_seen(lab.server, NULL, 0)->target, paths[i][1]);
		ck_assert_uint_eq(requests(), 1);
		stop();
	}
}
END_TEST

START_TEST(metadata_is_believed_for_a_day)
{
	start("");
	loads(false);
	loads(true);
	lab.now += 86399;
	loads(true);
	ck_assert_uint_eq(requests(), 1);
	lab.now += 1;
	loads(false);
	loads(true);
	lab.now -= 3600; /* the clock was set back */
	loads(false);
	ck_assert_uint_eq(requests(), 3);
	stop();
}
END_TEST

START_TEST(without_a_folder_nothing_is_kept)
{
	start("");
	lab.settings.cache_folder = NULL;
	loads(false);
	loads(false);
	lab.settings.cache_folder = "/nonexistent";
	loads(false);
	ck_assert_uint_eq(requests(), 3);
	stop();
}
END_TEST

/* The one file in the cache's folder. */
static char *kept_file(void)
{
	DIR *folder = opendir(lab.settings.cache_folder);
	char *found = NULL;

	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (entry->d_name[0] == '.')
			continue;
		ck_assert_ptr_null(found);
		found = ush_printf("%s/%s", lab.settings.cache_folder, entry->d_name);
	}
	closedir(folder);
	ck_assert_ptr_nonnull(found);
	return found;
}

START_TEST(another_ca_or_permission_has_its_own_file) /* P11 */
{
	USH_AUTO_FREE char *file = NULL;
	struct stat st;

	start("");
	loads(false);
	file = kept_file();
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	lab.settings.ca_pem = "-----BEGIN CERTIFICATE-----\n";
	loads(false);
	lab.settings.ca_pem = "-----BEGIN CERTIFICATE-----\n\n";
	loads(false);
	lab.settings.ca_pem = NULL;
	loads(true);
	ck_assert_uint_eq(requests(), 3);
	stop();
}
END_TEST

START_TEST(a_torn_or_foreign_file_is_a_miss)
{
	USH_AUTO_FREE char *file = NULL;
	USH_AUTO_BUF whole = {0};
	struct ush_error err = {0};
	size_t asked = 1;

	start("");
	loads(false);
	file = kept_file();
	ck_assert_int_eq(ush_file_read(file, USH_FILE_PRIVATE, USH_ERR_STORE, &whole, NULL, &err), 0);
	for (size_t length = 0; length < whole.length; length += whole.length / 37 + 1) {
		ck_assert_int_eq(ush_file_write(file, whole.data, length, 0600, &err), 0);
		loads(false);
		ck_assert_uint_eq(requests(), ++asked);
	}
	ck_assert_int_eq(chmod(file, 0644), 0); /* somebody else may have written it */
	loads(false);
	ck_assert_uint_eq(requests(), ++asked);
	*strstr(whole.data, "127.0.0.1") = '9'; /* another issuer's file under this one's name */
	ck_assert_int_eq(ush_file_write(file, whole.data, whole.length, 0600, &err), 0);
	loads(false);
	ck_assert_uint_eq(requests(), ++asked);
	stop();
}
END_TEST

START_TEST(kept_metadata_is_checked_like_new)
{
	USH_AUTO_FREE char *file = NULL;
	USH_AUTO_BUF whole = {0};
	struct ush_error err = {0};
	char *token;

	start("");
	loads(false);
	file = kept_file();
	ck_assert_int_eq(ush_file_read(file, USH_FILE_PRIVATE, USH_ERR_STORE, &whole, NULL, &err), 0);
	token = strstr(whole.data, "token_endpoint");
	ck_assert_ptr_nonnull(token);
	memcpy(strstr(token, "127.0.0.1"), "127.0.0.2", 9);
	ck_assert_int_eq(ush_file_write(file, whole.data, whole.length, 0600, &err), 0);
	loads(false);
	ck_assert_uint_eq(requests(), 2);
	stop();
}
END_TEST

START_TEST(redirects_are_refused_after_one_request) /* T14 */
{
	static const int statuses[] = {301, 302, 303, 307, 308};

	start("");
	lab.headers = "Location: /elsewhere\r\n";
	for (size_t i = 0; i < USH_COUNT(statuses); i++) {
		lab.status = statuses[i];
		fails(USH_ERR_REJECTED, "redirects are not followed");
		ck_assert_uint_eq(requests(), i + 1);
	}
	ck_assert_uint_eq(http_server_count(lab.server, "/elsewhere"), 0);
	stop();
}
END_TEST

START_TEST(a_provider_that_cannot_answer_is_unavailable_and_one_that_will_not_is_rejected)
{
	static const struct {
		int status;
		const char *type;
		enum ush_code code;
		const char *why;
	} cases[] = {
		{500, "application/json", USH_ERR_UNAVAILABLE, "(HTTP 500)"},
		{502, "text/html", USH_ERR_UNAVAILABLE, "(HTTP 502)"},
		{503, "text/html", USH_ERR_UNAVAILABLE, "(HTTP 503)"},
		{429, "application/json", USH_ERR_UNAVAILABLE, "(HTTP 429)"},
		{200, "text/html; charset=utf-8", USH_ERR_UNAVAILABLE, "web page"},
		{404, "text/html", USH_ERR_REJECTED, "(HTTP 404)"},
		{401, "application/json", USH_ERR_REJECTED, "(HTTP 401)"},
		{403, "application/json", USH_ERR_REJECTED, "(HTTP 403)"},
		{201, "application/json", USH_ERR_REJECTED, "(HTTP 201)"},
		{204, "application/json", USH_ERR_REJECTED, "(HTTP 204)"},
	};

	start("");
	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		lab.status = cases[i].status;
		lab.type = cases[i].type;
		fails(cases[i].code, cases[i].why);
		fails(cases[i].code, "127.0.0.1:");
	}
	lab.status = 200;
	lab.type = "application/json";
	loads(false); /* nothing of the failures was kept */
	stop();
}
END_TEST

START_TEST(metadata_of_another_issuer_is_not_kept)
{
	char *right;

	start("");
	right = lab.issuer;
	lab.issuer = ush_printf("%s/", right);
	fails(USH_ERR_REJECTED, "without the last slash");
	free(lab.issuer);
	lab.issuer = right;
	loads(false);
	ck_assert_uint_eq(requests(), 2);
	stop();
}
END_TEST

TAP_MAIN("provider", metadata_is_asked_for_at_the_well_known_place, metadata_is_believed_for_a_day,
	 without_a_folder_nothing_is_kept, another_ca_or_permission_has_its_own_file, a_torn_or_foreign_file_is_a_miss,
	 kept_metadata_is_checked_like_new, redirects_are_refused_after_one_request,
	 a_provider_that_cannot_answer_is_unavailable_and_one_that_will_not_is_rejected,
	 metadata_of_another_issuer_is_not_kept)
