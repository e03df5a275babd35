/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "plugin/front/record.h"

static char token[] = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYXJvbCJ9.c2lnbmF0dXJl";
static char first[] = "https://k8s.example.com:6443", second[] = "https://k8s.example.org/clusters/a";
static char *servers[] = {first, second};

static struct ush_record sample(void)
{
	return (struct ush_record){.token = token, .expires = 1000, .min_validity = 60, .servers = servers, .server_count = 2};
}

static struct ush_record *read_text(const char *text)
{
	return ush_record_read(text, strlen(text));
}

START_TEST(what_is_written_is_read_back)
{
	struct ush_record record = sample(), *back;
	size_t length;
	char *text = ush_record_write(&record, &length);

	ck_assert_uint_eq(length, strlen(text));
	ck_assert_ptr_eq(strchr(text, '\n'), text + length - 1);
	back = ush_record_read(text, length);
	ck_assert_ptr_nonnull(back);
	ck_assert_str_eq(back->token, token);
	ck_assert_int_eq(back->expires, 1000);
	ck_assert_int_eq(back->min_validity, 60);
	ck_assert_uint_eq(back->server_count, 2);
	ck_assert_str_eq(back->servers[0], first);
	ck_assert_str_eq(back->servers[1], second);
	ush_record_free(back);
	free(text);
}
END_TEST

START_TEST(a_torn_or_foreign_text_is_a_miss)
{
	static const char *const texts[] = {
		"", "\n", "usher-record-1", "usher-record-1\n", "usher-record-1 1000 60 tok\n", "usher-record-1 1000 60 tok https://a",
		"usher-record-2 1000 60 tok https://a\n", "usher-record-1 -1 60 tok https://a\n", "usher-record-1 1e3 60 tok https://a\n",
		"usher-record-1 99999999999999999999 60 tok https://a\n", "usher-record-1 9007199254740993 60 tok https://a\n",
		"usher-record-1 1000 86401 tok https://a\n", "usher-record-1 1000 60 t\"k https://a\n", "usher-record-1 1000 60 =tok https://a\n",
		"usher-record-1  1000 60 tok https://a\n", "usher-record-1 1000 60 tok  https://a\n", "usher-record-1 1000 60 tok https://a \n",
		"usher-record-1 1000 60 tok https://a\nx", "usher-record-1 1000 60 tok https://a\n\n", "usher-record-1 1000 60 tok \thttps://a\n",
		"{\"token\":\"x\"}\n",
	};

	struct ush_record *good = read_text("usher-record-1 1000 60 tok https://a\n");

	ck_assert_ptr_nonnull(good); /* so that what follows is told from nothing */
	ush_record_free(good);
	for (size_t i = 0; i < USH_COUNT(texts); i++)
		ck_assert_msg(read_text(texts[i]) == NULL, "taken: %s", texts[i]);
	ck_assert_ptr_null(ush_record_read("usher-record-1 1000 60 tok https://a\0b\n", 39));
}
END_TEST

START_TEST(no_prefix_of_a_record_is_a_record)
{
	struct ush_record record = sample();
	size_t length;
	char *text = ush_record_write(&record, &length);

	for (size_t i = 0; i < length; i++)
		ck_assert_ptr_null(ush_record_read(text, i));
	free(text);
}
END_TEST

START_TEST(every_flipped_bit_gives_a_miss_or_well_formed_fields)
{
	/* A flip may change a field (the place is ours alone to write); what must hold is that nothing crashes and that the
	 * shape of every field still holds. */
	struct ush_record record = sample();
	size_t length;
	char *text = ush_record_write(&record, &length);

	for (size_t i = 0; i < length; i++)
		for (int bit = 0; bit < 8; bit++) {
			struct ush_record *back;

			text[i] = (char)(text[i] ^ 1 << bit);
			back = ush_record_read(text, length);
			if (back != NULL) {
				ck_assert_ptr_null(strpbrk(back->token, "\"\\ \n"));
				ck_assert(back->expires >= 0 && back->server_count > 0);
			}
			ush_record_free(back);
			text[i] = (char)(text[i] ^ 1 << bit);
		}
	free(text);
}
END_TEST

START_TEST(what_has_no_line_is_not_written)
{
	static char quote[] = "a\"b", space[] = "a b", empty[] = "", huge[USH_RECORD_MAX];
	char *bad[] = {quote, space, empty, huge};
	struct ush_record record;
	size_t length;

	memset(huge, 'a', sizeof huge - 1);
	for (size_t i = 0; i < USH_COUNT(bad); i++) {
		record = sample();
		record.token = bad[i];
		ck_assert_ptr_null(ush_record_write(&record, &length));
	}
	record = sample();
	record.servers = &bad[1];
	record.server_count = 1;
	ck_assert_ptr_null(ush_record_write(&record, &length));
}
END_TEST

static enum ush_verdict judge(const char *server, int64_t now)
{
	struct ush_record record = sample();
	struct ush_execinfo info = {.api_version = "client.authentication.k8s.io/v1"};

	snprintf(info.server, sizeof info.server, "%s", server);
	return ush_record_judge(&record, &info, now);
}

START_TEST(a_token_is_for_its_servers_only) /* T28 */
{
	ck_assert_int_eq(judge(first, 0), USH_HIT);
	ck_assert_int_eq(judge("HTTPS://K8S.example.com:6443/", 0), USH_HIT);
	ck_assert_int_eq(judge(second, 0), USH_HIT);
	ck_assert_int_eq(judge("https://k8s.example.com", 0), USH_SERVER_FOREIGN);
	ck_assert_int_eq(judge("https://evil.example.com:6443", 0), USH_SERVER_FOREIGN);
	ck_assert_int_eq(judge("", 0), USH_SERVER_UNKNOWN);
	ck_assert_int_eq(judge("https://evil.example.com:6443", 5000), USH_SERVER_FOREIGN);
}
END_TEST

START_TEST(a_token_is_a_hit_while_more_than_its_least_validity_is_left)
{
	ck_assert_int_eq(judge(first, 1000 - 61), USH_HIT);
	ck_assert_int_eq(judge(first, 1000 - 60), USH_STALE);
	ck_assert_int_eq(judge(first, 5000), USH_STALE);
}
END_TEST

START_TEST(servers_are_compared_as_places)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"https://a", "https://a", true},
		{"https://a", "https://A/", true},
		{"https://a:443", "https://a", true},
		{"http://a:80", "HTTP://a", true},
		{"https://a/x", "https://a/x/", true},
		{"https://[::1]:6443", "https://[::1]:6443/", true},
		{"https://a/x", "https://a/X", false},
		{"https://a", "http://a", false},
		{"https://a:443", "https://a:444", false},
		{"https://a//", "https://a", false},
		{"https://a", "https://ab", false},
		{"https://a", "a", false},
		{"a:6443", "a:6443", false},
		{"https://", "https://", false},
		{"https://a:", "https://a:", false},
		{"https://a:0", "https://a:0", false},
		{"https://a:65536", "https://a:65536", false},
		{"https://a:6x", "https://a:6x", false},
		{"https://[::1", "https://[::1", false},
		{"https://[::1]x", "https://[::1]x", false},
		{"https://a@b", "https://a@b", false},
		{"https://k8s.example.com@evil", "https://k8s.example.com", false},
		{"https://a?b", "https://a?b", false},
		{"https://a#b", "https://a#b", false},
		{"https://a\\b", "https://a\\b", false},
		{"https://a%2eb", "https://a%2eb", false},
		{"https://a b", "https://a b", false},
		{"https://\xc3\xa4", "https://\xc3\xa4", false},
		{"ftp://a", "ftp://a", false},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		ck_assert_msg(ush_server_same(cases[i].a, cases[i].b) == cases[i].same, "%s %s", cases[i].a, cases[i].b);
		ck_assert_msg(ush_server_same(cases[i].b, cases[i].a) == cases[i].same, "%s %s", cases[i].b, cases[i].a);
	}
}
END_TEST

/* ---- the answer ---- */

static char answer[70000];
static struct ush_error err;

static int printing(const char *what, int64_t expires, int64_t now)
{
	struct ush_execinfo info = {.api_version = "client.authentication.k8s.io/v1beta1"};
	FILE *file = tmpfile();
	int r;
	size_t n;

	memset(&err, 0, sizeof err);
	r = ush_credential_print(fileno(file), &info, what, expires, now, &err);
	rewind(file);
	n = fread(answer, 1, sizeof answer - 1, file);
	answer[n] = '\0';
	fclose(file);
	return r;
}

static const char *timestamp(int64_t expires, int64_t now)
{
	static char out[64];
	json_t *root;

	ck_assert_int_eq(printing(token, expires, now), 0);
	root = json_loads(answer, 0, NULL);
	snprintf(out, sizeof out, "%s", ush_json_string(ush_json_object(root, "status"), "expirationTimestamp"));
	json_decref(root);
	return out;
}

START_TEST(the_answer_is_one_credential_on_one_line)
{
	json_t *root;

	ck_assert_int_eq(printing(token, 1000, 10), 0);
	ck_assert_ptr_eq(strchr(answer, '\n'), answer + strlen(answer) - 1);
	root = json_loads(answer, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_str_eq(ush_json_string(root, "kind"), "ExecCredential");
	ck_assert_str_eq(ush_json_string(root, "apiVersion"), "client.authentication.k8s.io/v1beta1");
	ck_assert_str_eq(ush_json_string(ush_json_object(root, "status"), "token"), token);
	json_decref(root);
}
END_TEST

START_TEST(times_are_those_of_the_calendar)
{
	static const int64_t seconds[] = {951782400 /* 2000-02-29 */, 1709164799, 1709164800, 1709251200, 4107542400 /* 2100-03-01 */,
					  4107542399, 1735689599, 1735689600, 253402300799};
	char want[64];

	for (size_t i = 0; i < USH_COUNT(seconds); i++) {
		time_t t = (time_t)seconds[i];
		struct tm tm;

		strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
		ck_assert_str_eq(timestamp(seconds[i] + 10, seconds[i] - 600), want);
	}
}
END_TEST

START_TEST(kubectl_stops_a_little_early_and_never_in_the_past)
{
	ck_assert_str_eq(timestamp(1000, 0), "1970-01-01T00:16:30Z");    /* 10 s before 1000 */
	ck_assert_str_eq(timestamp(1000, 985), "1970-01-01T00:16:40Z");  /* too near for a margin */
	ck_assert_str_eq(timestamp(1000, 1000), "1970-01-01T00:16:41Z"); /* now + 1 */
	ck_assert_str_eq(timestamp(0, 1000), "1970-01-01T00:16:41Z");
	ck_assert_str_eq(timestamp(1LL << 52, 1000), "9999-12-31T23:59:59Z");
}
END_TEST

START_TEST(a_token_that_would_break_the_line_is_not_printed)
{
	ck_assert_int_eq(printing("a\"b", 1000, 0), -1);
	ck_assert_str_eq(answer, "");
	ck_assert_int_eq(printing("a\nb", 1000, 0), -1);
	ck_assert_int_eq(printing("a\\b", 1000, 0), -1);
	ck_assert_int_eq(err.code, USH_ERR_STORE);
	ck_assert_ptr_null(strstr(err.what, "a\\b"));
}
END_TEST

START_TEST(an_answer_that_cannot_be_written_is_status_8) /* T44 */
{
	struct ush_execinfo info = {.api_version = "client.authentication.k8s.io/v1"};
	int full = open("/dev/full", O_WRONLY);

	memset(&err, 0, sizeof err);
	ck_assert_int_eq(ush_credential_print(full, &info, token, 1000, 0, &err), -1);
	ck_assert_int_eq(ush_code_status(err.code), 8);
	ck_assert_ptr_null(strstr(err.what, token));
	close(full);
}
END_TEST

TAP_MAIN("record", what_is_written_is_read_back, a_torn_or_foreign_text_is_a_miss, no_prefix_of_a_record_is_a_record,
	 every_flipped_bit_gives_a_miss_or_well_formed_fields, what_has_no_line_is_not_written,
	 a_token_is_for_its_servers_only, a_token_is_a_hit_while_more_than_its_least_validity_is_left, servers_are_compared_as_places,
	 the_answer_is_one_credential_on_one_line, times_are_those_of_the_calendar, kubectl_stops_a_little_early_and_never_in_the_past,
	 a_token_that_would_break_the_line_is_not_printed, an_answer_that_cannot_be_written_is_status_8)
