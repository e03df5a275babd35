/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/base/memory.h"
#include "common/net/http.h"
#include "tests/support/tap.h"

static void parsed(const char *text, const char *host, unsigned int port, const char *path, bool loopback)
{
	struct ush_url url = {0};
	struct ush_error err = {0};

	ck_assert_msg(ush_url_parse(&url, text, USH_ERR_CONFIG, &err) == 0, "%s: %s", text, err.what);
	ck_assert_str_eq(url.host, host);
	ck_assert_uint_eq(url.port, port);
	ck_assert_msg(url.port_given == (strstr(strrchr(text, ']') != NULL ? strrchr(text, ']') : text + strlen("https:"), ":") != NULL), "%s", text);
	ck_assert_str_eq(url.path, path);
	ck_assert_msg(url.loopback == loopback, "%s", text);
	ush_url_free(&url);
}

START_TEST(a_url_is_taken_apart)
{
	parsed("https://login.example.com", "login.example.com", 443, "/", false);
	parsed("https://Login.Example.COM/Realms/acme", "login.example.com", 443, "/Realms/acme", false);
	parsed("https://k8s.example.com:443", "k8s.example.com", 443, "/", false);
	parsed("https://k8s.example.com:6443", "k8s.example.com", 6443, "/", false);
	parsed("https://k8s.example.com:6443/a/b?c=d&e=%20f", "k8s.example.com", 6443, "/a/b?c=d&e=%20f", false);
	parsed("https://example.com?x=y", "example.com", 443, "/?x=y", false);
	parsed("http://127.0.0.1:8080/", "127.0.0.1", 8080, "/", true);
	parsed("http://127.255.0.3", "127.255.0.3", 80, "/", true);
	parsed("http://localhost:1", "localhost", 1, "/", true);
	parsed("http://[::1]:65535/x", "::1", 65535, "/x", true);
	parsed("https://[2001:DB8:0:0::7]/", "2001:db8::7", 443, "/", false);
	parsed("https://203.0.113.9", "203.0.113.9", 443, "/", false);
	parsed("https://xn--bcher-kva.example", "xn--bcher-kva.example", 443, "/", false);
	parsed("https://my_host.internal/a//b/../c", "my_host.internal", 443, "/a//b/../c", false);
}
END_TEST

START_TEST(a_url_is_written_again_as_it_was_meant)
{
	static const char *const pairs[][3] = {
		{"https://Example.com:443/x?y", "https://example.com/x?y", "example.com"},
		{"http://127.0.0.1:80", "http://127.0.0.1/", "127.0.0.1"},
		{"https://[::1]:8443/a", "https://[::1]:8443/a", "[::1]:8443"},
		{"https://example.com:80", "https://example.com:80/", "example.com:80"},
	};

	for (size_t i = 0; i < USH_COUNT(pairs); i++) {
		struct ush_error err = {0};
		USH_AUTO_URL url = {0};
		USH_AUTO_FREE char *text = NULL;
		USH_AUTO_FREE char *authority = NULL;

		ck_assert_int_eq(ush_url_parse(&url, pairs[i][0], USH_ERR_CONFIG, &err), 0);
		text = ush_url_text(&url);
		authority = ush_url_authority(&url);
		ck_assert_str_eq(text, pairs[i][1]);
		ck_assert_str_eq(authority, pairs[i][2]);
	}
}
END_TEST

/* P27; T24 puts the same kinds of text through the opener. */
static const char *const hostile[] = {
	"",
	" https://example.com",
	"https://example.com ",
	"https://exa mple.com/",
	"https://example.com/\nX: y",
	"https://example.com/\r\n",
	"https://example.com/\tx",
	"https://example.com/\x1b]0;x\x07",
	"https://example.com/\x7f",
	"https://ex\xc3\xa4mple.com/",
	"https://example.com/\xe2\x80\xae",
	"--help",
	"-https://example.com",
	"javascript:alert(1)",
	"file:///etc/passwd",
	"ftp://example.com/",
	"HTTPS://example.com/",
	"https:/example.com",
	"https:example.com",
	"//example.com/",
	"https://",
	"https:///path",
	"https://?x",
	"https://carol@example.com/",
	"https://carol:secret@example.com/",
	"https://example.com:443@evil.example/",
	"https://@example.com/",
	"https://example.com/#fragment",
	"https://example.com#@evil.example/",
	"https://example.com\\@evil.example/",
	"https://example.com/a\\b",
	"https://example.com:0/",
	"https://example.com:65536/",
	"https://example.com:99999999999/",
	"https://example.com:/",
	"https://example.com:+443/",
	"https://example.com:443x/",
	"https://example.com:0443/",
	"https://example.com:443:443/",
	"https://example.com./",
	"https://.example.com/",
	"https://exa..mple.com/",
	"https://-example.com/",
	"https://%65xample.com/",
	"https://example.com%00.evil.example/",
	"https://example.com/%0",
	"https://example.com/%zz",
	"https://example.com/a%00b",
	"https://2130706433/",
	"https://0x7f000001/",
	"https://0x7f.0.0.1/",
	"https://0177.0.0.1/",
	"https://127.1/",
	"https://127.0.0.1.5/",
	"https://127.0.0.256/",
	"https://127.0.0.01/",
	"https://1.2.3.0x4/",
	"https://[::ffff:127.0.0.1]/",
	"https://[::127.0.0.1]/",
	"https://[::1/",
	"https://[::1]x/",
	"https://[fe80::1%eth0]/",
	"https://[fe80::1%25eth0]/",
	"https://[]/",
	"https://[127.0.0.1]/",
	"https://::1/",
	"https://example.com/a[b]",
	"https://example.com/$(id)\"",
	"https://example.com/`id`",
	"https://example.com/<x>",
	"https://example.com/a|b",
	"https://example.com/{x}",
	"https://example.com/a^b",
};

START_TEST(hostile_urls_are_refused) /* P27 */
{
	for (size_t i = 0; i < USH_COUNT(hostile); i++) {
		struct ush_error err = {0};
		struct ush_url url;

		ck_assert_msg(ush_url_parse(&url, hostile[i], USH_ERR_REJECTED, &err) == -1, "taken: %s", hostile[i]);
		ck_assert_int_eq(err.code, USH_ERR_REJECTED);
		ck_assert(err.what[0] != '\0');
		ush_url_free(&url);
	}
}
END_TEST

START_TEST(long_urls_and_names_are_refused)
{
	char label[] = "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example/"; /* 64 */
	USH_AUTO_BUF name = {0}, path = {0};
	struct ush_error err = {0};
	struct ush_url url;

	ush_buf_puts(&name, "https://");
	for (int i = 0; i < 127; i++)
		ush_buf_puts(&name, "a.");
	ush_buf_puts(&name, "a/");
	ush_buf_puts(&path, "https://example.com/");
	while (path.length <= 8192)
		ush_buf_puts(&path, "a");
	ck_assert_int_eq(ush_url_parse(&url, label, USH_ERR_CONFIG, &err), -1);
	ck_assert_int_eq(ush_url_parse(&url, name.data, USH_ERR_CONFIG, &err), -1);
	ck_assert_int_eq(ush_url_parse(&url, path.data, USH_ERR_CONFIG, &err), -1);
	path.data[8192] = '\0';
	ck_assert_int_eq(ush_url_parse(&url, path.data, USH_ERR_CONFIG, &err), 0);
	ush_url_free(&url);
}
END_TEST

START_TEST(a_message_about_a_url_shows_no_password_and_no_query)
{
	struct ush_error err = {0}, other = {0};
	struct ush_url url;

	ck_assert_int_eq(ush_url_parse(&url, "https://carol:swordfish@example.com/", USH_ERR_CONFIG, &err), -1);
	ck_assert_ptr_null(strstr(err.what, "swordfish"));
	ck_assert_int_eq(ush_url_parse(&url, "https://example.com/?code=swordfish ", USH_ERR_CONFIG, &other), -1);
	ck_assert_ptr_null(strstr(other.what, "swordfish"));
	ck_assert_ptr_nonnull(strstr(other.what, "https://example.com/"));
}
END_TEST

START_TEST(forms_are_encoded)
{
	USH_AUTO_BUF form = {0};
	USH_AUTO_BUF small = USH_BUF_MAX(5);

	ck_assert_int_eq(ush_form_add(&form, "scope", "openid groups"), 0);
	ck_assert_int_eq(ush_form_add(&form, "a&b=c", "\xc3\xa4+/~-._%\n"), 0);
	ck_assert_str_eq(form.data, "scope=openid%20groups&a%26b%3Dc=%C3%A4%2B%2F~-._%25%0A");
	ck_assert_int_eq(ush_form_add(&small, "abc", "def"), -1);
	ck_assert(small.overflow);
}
END_TEST

TAP_MAIN("url", a_url_is_taken_apart, a_url_is_written_again_as_it_was_meant, hostile_urls_are_refused,
	 long_urls_and_names_are_refused, a_message_about_a_url_shows_no_password_and_no_query, forms_are_encoded)
