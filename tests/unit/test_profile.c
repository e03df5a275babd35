/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/session/profile.h"

#define LEAST "issuer: https://login.example.com/realms/acme\nclient: kubernetes\nservers: [https://k8s.example.com:6443]\n"

static struct ush_error err;

static struct ush_profile *from(const char *text)
{
	memset(&err, 0, sizeof err);
	return ush_profile_read("prod", "/home/carol/prod.yaml", text, strlen(text), &err);
}

static struct ush_profile *good(const char *text)
{
	struct ush_profile *profile = from(text);

	ck_assert_msg(profile != NULL, "%s", err.what);
	return profile;
}

static void refused(const char *text, const char *why)
{
	struct ush_profile *profile = from(text);

	ck_assert_msg(profile == NULL, "taken: %s", text);
	ck_assert_int_eq(ush_code_status(err.code), 2);
	ck_assert_msg(strstr(err.what, why) != NULL, "\"%s\" lacks \"%s\"", err.what, why);
}

START_TEST(the_least_profile_has_its_defaults)
{
	USH_AUTO_PROFILE p = good(LEAST);

	ck_assert_str_eq(p->name, "prod");
	ck_assert_str_eq(p->path, "/home/carol/prod.yaml");
	ck_assert_str_eq(p->issuer, "https://login.example.com/realms/acme");
	ck_assert_str_eq(p->client, "kubernetes");
	ck_assert_uint_eq(p->server_count, 1);
	ck_assert_str_eq(p->servers[0], "https://k8s.example.com:6443");
	ck_assert_int_eq(p->min_validity, 60);
	ck_assert_int_eq(p->sign_in_timeout, 180);
	ck_assert_int_eq(p->flow, USH_FLOW_AUTO);
	ck_assert_int_eq(p->store, USH_STORE_AUTO);
	ck_assert_ptr_null(p->ca_pem);
	ck_assert_ptr_null(p->account);
	ck_assert_ptr_null(p->browser);
	ck_assert_ptr_null(p->client_secret);
	ck_assert(!p->loopback_http);
	ck_assert_ptr_eq(p->settings.issuer, p->issuer);
	ck_assert_ptr_null(p->settings.endpoint_hosts);
}
END_TEST

START_TEST(every_member_lands_in_its_place)
{
	USH_AUTO_PROFILE p = good(LEAST "scopes: [openid, groups, email, offline_access]\nca: ca.pem\nflow: device\nstore: plain-file\n"
					"account: carol@example.com\nmin-validity: 5m\nclient-secret-file: /etc/secret\n"
					"endpoint-hosts: [accounts.example.com, 'tokens.example.com:8443']\nallow-loopback-http: true\n"
					"browser: /usr/bin/firefox\nsign-in-timeout: 1h\n");

	ck_assert_uint_eq(p->scope_count, 2);
	ck_assert_str_eq(p->scopes[0], "groups");
	ck_assert_str_eq(p->scopes[1], "email");
	ck_assert_str_eq(p->ca_path, "/home/carol/ca.pem");
	ck_assert_str_eq(p->client_secret_path, "/etc/secret");
	ck_assert_int_eq(p->flow, USH_FLOW_DEVICE);
	ck_assert_int_eq(p->store, USH_STORE_PLAIN_FILE);
	ck_assert_str_eq(p->account, "carol@example.com");
	ck_assert_str_eq(p->browser, "/usr/bin/firefox");
	ck_assert_int_eq(p->min_validity, 300);
	ck_assert_int_eq(p->sign_in_timeout, 3600);
	ck_assert(p->loopback_http);
	ck_assert(p->settings.loopback_http);
	ck_assert_str_eq(p->settings.endpoint_hosts[1], "tokens.example.com:8443");
	ck_assert_ptr_null(p->settings.endpoint_hosts[2]);
}
END_TEST

START_TEST(the_message_of_the_manual_comes_letter_for_letter)
{
	ck_assert_ptr_null(from("issuer: https://login.example.com\nclient: kubernetes\nscopes: []\nservers: k8s.example.com\n"));
	ck_assert_str_eq(err.what, "/home/carol/prod.yaml:4:10: servers: expected a list of https URLs, found \"k8s.example.com\"");
}
END_TEST

START_TEST(every_mistake_is_named_with_its_place)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "/home/carol/prod.yaml: is empty"},
		{"~", ":1:1: expected the members of a profile, found nothing"},
		{"[a]", "expected the members of a profile, found list"},
		{"a: b: c", "/home/carol/prod.yaml:1:"},
		{"client: a\nservers: [https://a]\n", ":1:1: issuer: is missing; wanted is an https URL"},
		{"issuer: https://a\nservers: [https://a]\n", "client: is missing"},
		{"issuer: https://a\nclient: a\n", "servers: is missing; wanted is a list of https URLs"},
		{"issuer: https://a\nclient: 12\nservers: [https://a]\n", ":2:9: client: expected the client's id, a text (a number stands in quotes), found \"12\""},
		{"issuer: https://a\nclient: a\nservers: []\n", ":3:10: servers: expected a list of https URLs, found a list"},
		{"issuer: https://a\nclient: a\nservers: {a: b}\n", "servers: expected a list of https URLs, found a map"},
		{"issuer: https://a\nclient: a\nservers:\n", "servers: expected a list of https URLs, found nothing"},
		{"issuer: https://a\nclient: a\nservers: [http://a]\n", ":3:11: servers: expected a list of https URLs, found \"http://a\""},
		{"issuer: https://a\nclient: a\nservers: ['https://a?b']\n", "servers: expected"},
		{"issuer: https://a\nclient: a\nservers: ['https://u@a']\n", "servers: expected"},
		{"issuer: https://a\nclient: a\nservers: ['https://a', 1]\n", ":3:24: servers: expected"},
		{"issuer: http://a\nclient: a\nservers: [https://a]\n", ":1:9: issuer: expected an https URL, found \"http://a\""},
		{"issuer: http://127.0.0.1:8080\nclient: a\nservers: [https://a]\n", "issuer: http on a loopback address wants allow-loopback-http: true"},
		{"issuer: http://a\nclient: a\nservers: [https://a]\nallow-loopback-http: true\n", "issuer: expected an https URL"},
		{"issuer: login.example.com\nclient: a\nservers: [https://a]\n", "issuer: expected an https URL"},
		{"issuer: https://a?b=c\nclient: a\nservers: [https://a]\n", "issuer: has a query"},
		{"issuer: 'https://a#b'\nclient: a\nservers: [https://a]\n", "issuer: expected an https URL"},
		{"issuer: 'https://u:p@a'\nclient: a\nservers: [https://a]\n", "issuer: expected an https URL"},
		{LEAST "server: [https://a]\n", ":4:1: server: is no member of a profile; did you mean servers?"},
		{LEAST "banana: 1\n", ":4:1: banana: is no member of a profile"},
		{LEAST "client: b\n", "/home/carol/prod.yaml:4:"},
		{LEAST "flow: carrier-pigeon\n", ":4:7: flow: expected auto, browser or device, found \"carrier-pigeon\""},
		{LEAST "store: encrypted-file\n", "store: expected auto, keyring, plain-file or none, found \"encrypted-file\""},
		{LEAST "min-validity: 60\n", "min-validity: expected a time like 60s, 5m or 1h, at most 24h, found \"60\""},
		{LEAST "min-validity: 25h\n", "min-validity: expected"},
		{LEAST "min-validity: -1s\n", "min-validity: expected"},
		{LEAST "min-validity: s\n", "min-validity: expected"},
		{LEAST "min-validity: 99999999999999999999s\n", "min-validity: expected"},
		{LEAST "sign-in-timeout: 0s\n", "sign-in-timeout: expected"},
		{LEAST "sign-in-timeout: 2h\n", "sign-in-timeout: expected"},
		{LEAST "allow-loopback-http: maybe\n", "allow-loopback-http: expected true or false, found \"maybe\""},
		{LEAST "browser: firefox\n", "browser: expected the absolute path of a program, without arguments, found \"firefox\""},
		{LEAST "scopes: ['a b']\n", ":4:10: scopes: expected a list of scopes, found \"a b\""},
		{LEAST "scopes: groups\n", "scopes: expected a list of scopes"},
		{LEAST "endpoint-hosts: ['a/b']\n", "endpoint-hosts: expected a list of host names, found \"a/b\""},
		{LEAST "endpoint-hosts: ['https://a']\n", "endpoint-hosts: expected"},
		{LEAST "account: \"a\\nb\"\n", "account: expected"},
		{LEAST "account: ''\n", "account: expected"},
		{LEAST "ca: [a]\n", "ca: expected the path of a PEM file, found a list"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++)
		refused(cases[i].text, cases[i].why);
}
END_TEST

START_TEST(loopback_http_is_taken_where_the_profile_allows_it)
{
	USH_AUTO_PROFILE p = good("allow-loopback-http: true\nissuer: http://127.0.0.1:8080/realms/x\nclient: a\nservers: [https://a]\n");

	ck_assert_str_eq(p->issuer, "http://127.0.0.1:8080/realms/x");
}
END_TEST

static void binds(const char *text, const char *other, bool same)
{
	USH_AUTO_PROFILE a = good(text);
	USH_AUTO_PROFILE b = good(other);
	USH_AUTO_FREE char *x = ush_profile_binding(a);
	USH_AUTO_FREE char *y = ush_profile_binding(b);

	ck_assert_uint_eq(strlen(x), 64);
	ck_assert_msg((strcmp(x, y) == 0) == same, "%s", other);
}

START_TEST(a_session_is_bound_to_all_that_matters_and_to_nothing_else) /* P31 */
{
	binds(LEAST, LEAST "flow: device\nmin-validity: 5m\nstore: none\nsign-in-timeout: 60s\n", true);
	binds(LEAST, LEAST "account: carol\n", false);
	binds(LEAST, LEAST "scopes: [groups]\n", false);
	binds(LEAST, LEAST "endpoint-hosts: [groups]\n", false);
	binds(LEAST "scopes: [groups]\n", LEAST "endpoint-hosts: [groups]\n", false);
	binds(LEAST "scopes: [a, b]\n", LEAST "scopes: [ab]\n", false);
	binds(LEAST, "issuer: https://login.example.com/realms/acme/\nclient: kubernetes\nservers: [https://k8s.example.com:6443]\n", false);
	binds(LEAST, "issuer: https://login.example.com/realms/acme\nclient: kubernetes2\nservers: [https://k8s.example.com:6443]\n", false);
	/* a copy of the profile with another server must not find the session */
	binds(LEAST, "issuer: https://login.example.com/realms/acme\nclient: kubernetes\nservers: [https://evil.example.com]\n", false);
}
END_TEST

START_TEST(another_ca_does_not_find_the_session) /* P31 */
{
	USH_AUTO_PROFILE p = good(LEAST);
	USH_AUTO_FREE char *x = ush_profile_binding(p);

	p->ca_pem = ush_strdup("");
	USH_AUTO_FREE char *y = ush_profile_binding(p);
	free(p->ca_pem);
	p->ca_pem = ush_strdup("-----BEGIN CERTIFICATE-----");
	USH_AUTO_FREE char *z = ush_profile_binding(p);
	ck_assert_str_ne(x, y);
	ck_assert_str_ne(x, z);
	ck_assert_str_ne(y, z);
}
END_TEST

/* ---- from files ---- */

static char folder[80];

static void make(const char *name, const char *content, mode_t mode)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(content, f);
	fclose(f);
	chmod(path, mode);
}

static void begin(void)
{
	static const char *const parts[] = {"usher", "usher/profiles"};

	snprintf(folder, sizeof folder, "%s", tap_folder());
	setenv("XDG_CONFIG_HOME", folder, 1);
	setenv("XDG_CACHE_HOME", folder, 1);
	setenv("HOME", folder, 1);
	for (size_t i = 0; i < USH_COUNT(parts); i++) {
		USH_AUTO_FREE char *part = ush_printf("%s/%s", folder, parts[i]);

		mkdir(part, 0700);
	}
}

static struct ush_profile *load(void)
{
	memset(&err, 0, sizeof err);
	return ush_profile_load("prod", &err);
}

START_TEST(loading_reads_the_files_that_it_names)
{
	begin();
	make("usher/profiles/prod.yaml", LEAST "ca: ca.pem\nclient-secret-file: secret\n", 0644);
	make("usher/profiles/ca.pem", "-----BEGIN CERTIFICATE-----\nx\n", 0644);
	make("usher/profiles/secret", "s3cret\n", 0600);
	USH_AUTO_PROFILE p = load();
	ck_assert_msg(p != NULL, "%s", err.what);
	ck_assert_str_eq(ush_secret_reveal(p->client_secret), "s3cret");
	ck_assert_str_eq(p->ca_pem, "-----BEGIN CERTIFICATE-----\nx\n");
	ck_assert_ptr_eq(p->settings.ca_pem, p->ca_pem);
	ck_assert_int_eq(strncmp(p->identity, "usher:", 6), 0);
	ck_assert_ptr_nonnull(p->settings.cache_folder);
	make("home-ca.pem", "-----BEGIN CERTIFICATE-----\ny\n", 0644);
	make("usher/profiles/prod.yaml", LEAST "ca: ~/home-ca.pem\n", 0644);
	USH_AUTO_PROFILE q = load();
	ck_assert_msg(q != NULL, "%s", err.what);
	ck_assert_str_eq(q->ca_pem, "-----BEGIN CERTIFICATE-----\ny\n");
	ck_assert_str_ne(p->identity, q->identity);
}
END_TEST

START_TEST(a_named_file_that_cannot_be_used_is_told_with_its_place)
{
	static const struct {
		const char *line, *content;
		mode_t mode;
		const char *says;
	} cases[] = {
		{"ca: nowhere.pem\n", "", 0600, "No such file"},
		{"ca: secret\n", "no pem\n", 0600, "holds no certificate in PEM form"},
		{"client-secret-file: nowhere\n", "", 0600, "No such file"},
		{"client-secret-file: secret\n", "s3cret\n", 0644, "others may open it (mode 0644)"},
		{"client-secret-file: secret\n", "", 0600, "expected the secret on one line"},
		{"client-secret-file: secret\n", "s3cret\nmore\n", 0600, "expected the secret on one line"},
	};

	begin();
	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *text = ush_printf("%s%s", LEAST, cases[i].line);
		USH_AUTO_FREE char *place = ush_printf("%s/usher/profiles/prod.yaml:4:", folder);
		USH_AUTO_PROFILE p = NULL;

		make("usher/profiles/prod.yaml", text, 0600);
		make("usher/profiles/secret", cases[i].content, cases[i].mode);
		p = load();
		ck_assert_ptr_null(p);
		ck_assert_int_eq(ush_code_status(err.code), 2);
		ck_assert_msg(strncmp(err.what, place, strlen(place)) == 0, "%s", err.what);
		ck_assert_msg(strstr(err.what, cases[i].says) != NULL, "%s", err.what);
		ck_assert_ptr_null(strstr(err.what, "s3cret"));
	}
}
END_TEST

START_TEST(a_profile_that_others_may_write_is_not_read)
{
	begin();
	make("usher/profiles/prod.yaml", LEAST, 0666);
	ck_assert_ptr_null(load());
	ck_assert_ptr_nonnull(strstr(err.what, "others may write it"));
}
END_TEST

START_TEST(names_are_listed_in_order)
{
	size_t count;
	char **names;

	begin();
	make("usher/profiles/prod.yaml", LEAST, 0600);
	make("usher/profiles/a.yaml", LEAST, 0600);
	make("usher/profiles/b.yml", LEAST, 0600);
	make("usher/profiles/not a name.yaml", LEAST, 0600);
	names = ush_profile_names(&count);
	ck_assert_uint_ge(count, 2);
	ck_assert_str_eq(names[0], "a");
	for (size_t i = 0; i < count; i++) {
		ck_assert_str_ne(names[i], "b");
		ck_assert(i == 0 || strcmp(names[i - 1], names[i]) < 0);
	}
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
END_TEST

TAP_MAIN("profile", the_least_profile_has_its_defaults, every_member_lands_in_its_place,
	 the_message_of_the_manual_comes_letter_for_letter, every_mistake_is_named_with_its_place,
	 loopback_http_is_taken_where_the_profile_allows_it, a_session_is_bound_to_all_that_matters_and_to_nothing_else,
	 another_ca_does_not_find_the_session, loading_reads_the_files_that_it_names,
	 a_named_file_that_cannot_be_used_is_told_with_its_place, a_profile_that_others_may_write_is_not_read, names_are_listed_in_order)
