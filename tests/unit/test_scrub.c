/* SPDX-License-Identifier: Apache-2.0
 *
 * What we were told in secret leaves in no text, however it is written there.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/scrub.h"
#include "common/base/secret.h"
#include "common/base/text.h"

static char *scrubbed(const char *text)
{
	char *copy = ush_strdup(text);

	ush_scrub(copy, strlen(copy));
	return copy;
}

static void expect(const char *before, const char *after)
{
	USH_AUTO_FREE char *got = scrubbed(before);

	ck_assert_msg(strcmp(got, after) == 0, "\"%s\" became \"%s\", not \"%s\"", before, got, after);
}

/* Between marks that are left alone nothing but dots is. */
static void expect_hidden(const char *written)
{
	USH_AUTO_FREE char *text = ush_printf("he said <%s>, and more", written), *got = scrubbed(text);
	size_t dots = strspn(got + 9, ".");

	ck_assert_msg(strncmp(got, "he said <", 9) == 0 && dots == strlen(written) && strcmp(got + 9 + dots, ">, and more") == 0, "\"%s\" became \"%s\"", text, got);
}

START_TEST(a_secret_is_hidden_however_it_is_written)
{
	USH_AUTO_SECRET secret = ush_secret_new("a/b\"c d+e\\f%g=\xc3\xa9", 16);
	static const char *const ways[] = {
		"a/b\"c d+e\\f%g=\xc3\xa9",
		"a%2Fb%22c%20d%2Be%5Cf%25g%3D%C3%A9", "a%2fb%22c+d%2be%5cf%25g%3d%c3%a9", "a/b%22c%20d+e\\f%25g=%C3%A9",
		"%61%2F%62%22%63%20%64%2B%65%5C%66%25%67%3D%C3%A9",
		"a\\/b\\\"c d+e\\\\f%g=\xc3\xa9", "a\\u002fb\\u0022c d\\u002Be\\u005Cf\\u0025g\\u003d\\u00e9",
		"a\\\\/b\\\\\\\"c d+e\\\\\\\\f%g=\xc3\xa9",
		"a%252Fb%2522c%2520d%252Be%255Cf%2525g%253D%25C3%25A9",
		"a\\u00252Fb\\u002522c\\u002bd\\u00252Be\\u00255Cf\\u002525g\\u00253D\\u0025C3\\u0025A9",
		"a&#x2F;b&quot;c d&#43;e\\f%g&#61;&#233;",
		"a&#x2f;b\\u0026quot;c d+e\\\\f%g=\\u00E9",
	};

	for (size_t i = 0; i < USH_COUNT(ways); i++)
		expect_hidden(ways[i]);
	expect_hidden("YS9iImMgZCtlXGYlZz3DqQ==");
	expect_hidden("YS9iImMgZCtlXGYlZz3DqQ");
	expect("nothing of it: a/b\"c d%2Be and %zz \\q &no; %", "nothing of it: a/b\"c d%2Be and %zz \\q &no; %");
}
END_TEST

START_TEST(base64_of_a_longer_text_is_hidden_at_every_offset)
{
	USH_AUTO_SECRET secret = ush_secret_new("zZs3cr3t\xff\xfeTOKEN\xfb", 16);
	/* base64 of "c:" SECRET, "cl:" SECRET ":x", "client:" SECRET: the middle digits are the secret's */
	static const struct {
		const char *text, *inner;
	} ways[] = {
		{"Basic Yzp6WnMzY3IzdP/+VE9LRU77", "6WnMzY3IzdP/+VE9LRU7"},
		{"Basic Yzp6WnMzY3IzdP_-VE9LRU77", "6WnMzY3IzdP_-VE9LRU7"},
		{"Basic Yzp6WnMzY3IzdP%2F%2BVE9LRU77", "6WnMzY3IzdP%2F%2BVE9LRU7"},
		{"Basic Yzp6WnMzY3IzdP\\/\\u002bVE9LRU77", "6WnMzY3IzdP\\/\\u002bVE9LRU7"},
		{"Y2w6elpzM2NyM3T//lRPS0VO+zp4", "elpzM2NyM3T//lRPS0VO"},
		{"x Y2xpZW50OnpaczNjcjN0//5UT0tFTvs= y", "paczNjcjN0//5UT0tFT"},
		{"x Y2xpZW50OnpaczNjcjN0__5UT0tFTvs y", "paczNjcjN0__5UT0tFT"},
	};

	for (size_t i = 0; i < USH_COUNT(ways); i++) {
		USH_AUTO_FREE char *got = scrubbed(ways[i].text);
		const char *at = strstr(ways[i].text, ways[i].inner);

		ck_assert_msg(at != NULL && strspn(got + (at - ways[i].text), ".") >= strlen(ways[i].inner), "%s became %s", ways[i].text, got);
		ck_assert_msg(strncmp(got, ways[i].text, 4) == 0 || got[4] == '.', "%s became %s", ways[i].text, got);
	}
	expect("{\"a\":\"x\\n6WnMzY3IzdP/+VE9LRU77\"}", "{\"a\":\"x\\n.....................\"}");
}
END_TEST

START_TEST(short_secrets_do_not_eat_the_text)
{
	USH_AUTO_SECRET three = ush_secret_new("the", 3);
	USH_AUTO_SECRET five = ush_secret_new("admin", 5);
	USH_AUTO_SECRET eight = ush_secret_new("password", 8);
	USH_AUTO_SECRET none = ush_secret_new("", 0);
	USH_AUTO_FREE char *data = NULL;
	char line[32];

	expect("the administrator is no admin: badmin", "the administrator is no .....: badmin");
	expect("admin", ".....");
	expect("a=%22admin%22&b=\"admin\" or \\u0022admin\\u0022", "a=%22.....%22&b=\".....\" or \\u0022.....\\u0022");
	expect("thepasswords", "the........s");
	data = ush_scrubbed_long("{\"role\": \"admin\", \"said\": \"password\"}");
	ck_assert_str_eq(data, "{\"role\": \"admin\", \"said\": \"........\"}");
	ck_assert_str_eq(ush_text_line(line, sizeof line, "the role admin"), "the role admin");
	ck_assert_ptr_null(ush_scrubbed_long("admin"));
	(void)three, (void)five, (void)eight, (void)none;
}
END_TEST

START_TEST(the_beginning_of_one_that_was_cut_is_hidden)
{
	USH_AUTO_SECRET token = ush_secret_new("0123456789abcdefghijklmnopqrstuvw/yzABCDEFG", 43);
	USH_AUTO_SECRET login = ush_secret_new("a-client-with-a-long-name:its-secret", 36);

	expect("it says \"0123456789abcdefgh\"", "it says \"..................\"");
	expect("it says \"0123456789abcdefghijklmnopqrstuvw%2Fyz\"", "it says \"......................................\"");
	expect("it says \"0123456789abcde\"", "it says \"0123456789abcde\"");
	expect("a-client-with-a-long-name is unknown", "a-client-with-a-long-name is unknown");
	expect("a-client-with-a-long-name:its-secret", "....................................");
	(void)token, (void)login;
}
END_TEST

START_TEST(our_own_name_is_no_beginning_of_a_secret)
{
	USH_AUTO_SECRET broker = ush_secret_new("usher-broker-7d1f0c9ae35b", 25);
	USH_AUTO_SECRET plugin = ush_secret_new("kubectl-usher/s3cr3t", 20);

	expect("Next: usher-broker apply -f policy.yaml", "Next: usher-broker apply -f policy.yaml");
	expect("ConfigMap usher-broker-ledger", "ConfigMap usher-broker-ledger");
	expect("kubectl-usher login", "kubectl-usher login");
	expect("it says usher-broker-7d1f0c9ae35b", "it says .........................");
	expect("it says usher-broker-7d1f0c9ae35", "it says ........................");
	expect("it says kubectl-usher/s3cr3t", "it says ....................");
	(void)broker, (void)plugin;
}
END_TEST

START_TEST(a_key_is_hidden_by_lines)
{
	static const char pem[] = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE KEY-----\n";
	USH_AUTO_SECRET key = ush_secret_new(pem, sizeof pem - 1);

	expect("line BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj of it", "line ................................ of it");
	expect("\"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\n\"", "\"-----BEGIN PRIVATE KEY-----\\n................................\\n\"");
	(void)key;
}
END_TEST

START_TEST(what_is_gone_is_looked_for_no_longer)
{
	struct ush_secret *a = ush_secret_new("first-secret", 12), *b = ush_secret_new("second-secret", 13), *c = ush_secret_new("third-secret", 12);

	ush_secret_free(b);
	expect("first-secret second-secret third-secret", "............ second-secret ............");
	ush_secret_free(c);
	expect("first-secret third-secret", "............ third-secret");
	ush_secret_free(a);
	expect("first-secret", "first-secret");
	ck_assert_ptr_null(ush_scrubbed("first-secret"));
}
END_TEST

START_TEST(errors_and_lines_are_scrubbed_before_they_are_cut)
{
	USH_AUTO_SECRET secret = ush_secret_new("a-secret-of-ours", 16);
	struct ush_error err = {0};
	USH_AUTO_FREE char *filling = ush_alloc(506), *safe = NULL;
	char line[64];

	memset(filling, 'x', 505);
	ush_fail(&err, USH_ERR_CONFIG, "%s a-secret-of-ours", filling);
	ck_assert_str_eq(err.what + 505, " .....");
	ush_hint(&err, "say a-secret-of%%2Dours: %s", "a-secret-of%2Dours");
	ck_assert_ptr_null(strstr(err.hint, "secret"));
	err = (struct ush_error){.code = USH_ERR_CONFIG, .what = "no"};
	ush_error_at(&err, "%s", "a-secret-of-ours");
	ck_assert_str_eq(err.what, "................: no");
	ck_assert_str_eq(ush_text_line(line, sizeof line, "so a-secret-of-ours it is"), "so ................ it is");
	safe = ush_text_safe("a-secret-of-ours");
	ck_assert_str_eq(safe, "................");
	(void)secret;
}
END_TEST

/* Whatever bytes come: nothing is read or written past the end (sanitizers look on), and no time is lost. */
START_TEST(hostile_texts_are_borne)
{
	static const char odd[] = "%25%25%25%25\\\\\\\\&amp;&amp;%25";
	USH_AUTO_SECRET secret = ush_secret_new(odd, sizeof odd - 1);
	static const char *const pieces[] = {"%25", "\\\\", "&amp;", "%2", "\\u00", "\\ud83d\\ude00", "\\ud83d", "&#x", "&#99999999999999;", "+"};

	for (size_t i = 0; i < USH_COUNT(pieces); i++) {
		USH_AUTO_BUF text = {0};

		while (text.length < 20000)
			ush_buf_puts(&text, pieces[i]);
		ush_scrub(text.data, text.length);
		ck_assert_uint_ge(strlen(text.data), 20000);
	}
	ush_scrub(NULL, 0);
	(void)secret;
}
END_TEST

TAP_MAIN("scrub", a_secret_is_hidden_however_it_is_written, base64_of_a_longer_text_is_hidden_at_every_offset, short_secrets_do_not_eat_the_text,
	 the_beginning_of_one_that_was_cut_is_hidden, our_own_name_is_no_beginning_of_a_secret, a_key_is_hidden_by_lines, what_is_gone_is_looked_for_no_longer,
	 errors_and_lines_are_scrubbed_before_they_are_cut, hostile_texts_are_borne)
