/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/memory.h"
#include "tests/support/asking.h"
#include "tests/support/tap.h"

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

START_TEST(an_endless_body_ends_at_the_cap) /* T15 */
{
	USH_AUTO_FREE char *chunk = ush_alloc(65537);
	long before;

	memset(chunk, 'x', 65536);
	before = peak_kib();
	start((struct http_reply){.body = chunk, .fault = HTTP_FAULT_ENDLESS_CHUNKS});
	failed(ask("/"), USH_ERR_REJECTED, "more than 262144 bytes");
	failed(ask_with((struct ush_http_request){.max_bytes = 100}, "/"), USH_ERR_REJECTED, "more than 100 bytes");
	ck_assert_int_lt(peak_kib() - before, 32 << 10);
	stop();
}
END_TEST

START_TEST(a_body_of_exactly_the_cap_is_taken)
{
	USH_AUTO_FREE char *body = ush_alloc(1001);

	memset(body, 'x', 1000);
	start((struct http_reply){.body = body});
	ck_assert_int_eq(ask_with((struct ush_http_request){.max_bytes = 1000}, "/"), 0);
	ck_assert_uint_eq(response.body.length, 1000);
	failed(ask_with((struct ush_http_request){.max_bytes = 999}, "/"), USH_ERR_REJECTED, "more than 999 bytes");
	stop();
}
END_TEST

/* How far a busy machine gets in so little time is chance: it is given more until it gets as far as `where`. */
static void ends_late(const char *where)
{
	static const int64_t times[] = {300, 3000, 30000};
	bool there = false;

	for (size_t i = 0; i < USH_COUNT(times) && !there; i++) {
		USH_AUTO_FREE char *why = ush_printf("did not answer%s within %.3g s", where, (double)times[i] / 1000);

		failed(ask_with((struct ush_http_request){.timeout_ms = times[i]}, "/"), USH_ERR_UNAVAILABLE, " within ");
		there = strstr(err.what, why) != NULL;
	}
	ck_assert_msg(there, "%s", err.what);
}

START_TEST(a_dripping_body_ends_at_the_deadline) /* T15 */
{
	start((struct http_reply){.body = (char *)(uintptr_t) "0123456789012345678901234567890123456789",
				  .fault = HTTP_FAULT_DRIP});
	ends_late(" to the end");
	stop();
}
END_TEST

START_TEST(silence_ends_at_the_deadline) /* T15 */
{
	start((struct http_reply){.fault = HTTP_FAULT_HANG});
	ends_late("");
	ck_assert_ptr_nonnull(strstr(err.what, "127.0.0.1:"));
	stop();
}
END_TEST

START_TEST(a_compressed_body_is_refused) /* T15 */
{
	static const char *const headers[] = {"Content-Encoding: gzip\r\n", "content-encoding: br\r\n",
					      "CONTENT-ENCODING:   deflate  \r\n",
					      "Transfer-Encoding: gzip, chunked\r\n"};

	for (size_t i = 0; i < USH_COUNT(headers); i++) {
		start((struct http_reply){.body = (char *)(uintptr_t) "\x1f\x8b\x08",
					  .headers = (char *)(uintptr_t)headers[i]});
		failed(ask("/"), USH_ERR_REJECTED, "compressed");
		stop();
	}
	start((struct http_reply){.body = (char *)(uintptr_t) "{}",
				  .headers = (char *)(uintptr_t) "Content-Encoding: identity\r\n"});
	ck_assert_int_eq(ask("/"), 0);
	stop();
}
END_TEST

START_TEST(endless_headers_end_at_the_cap) /* T15: 10^5 headers and more */
{
	long before = peak_kib();

	start((struct http_reply){.fault = HTTP_FAULT_ENDLESS_HEADERS});
	failed(ask("/"), USH_ERR_REJECTED, "more than 64 KiB of headers");
	ck_assert_int_lt(peak_kib() - before, 32 << 10);
	stop();
}
END_TEST

START_TEST(endless_interim_answers_end_at_the_cap)
{
	USH_AUTO_BUF raw = {0};

	while (raw.length < 100000)
		ush_buf_puts(&raw, "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n");
	start((struct http_reply){.body = raw.data, .fault = HTTP_FAULT_RAW});
	failed(ask("/"), USH_ERR_REJECTED, "more than 64 KiB of headers");
	stop();
}
END_TEST

static int collect(void *context, const char *data, size_t length, struct ush_error *error)
{
	struct ush_buf *into = context;

	(void)error;
	return ush_buf_add(into, data, length);
}

static int give_up(void *context, const char *data, size_t length, struct ush_error *error)
{
	(void)context, (void)data, (void)length;
	return ush_fail(error, USH_ERR_INCOMPLETE, "enough");
}

START_TEST(a_body_can_be_taken_piece_by_piece)
{
	USH_AUTO_FREE char *body = ush_alloc(100001);
	USH_AUTO_BUF got = {0};

	memset(body, 'x', 100000);
	start((struct http_reply){.body = body});
	ck_assert_int_eq(ask_with((struct ush_http_request){.on_body = collect, .on_body_context = &got}, "/"), 0);
	ck_assert_uint_eq(got.length, 100000);
	ck_assert_str_eq(response.body.data, "");
	failed(ask_with((struct ush_http_request){.on_body = give_up}, "/"), USH_ERR_INCOMPLETE, "enough");
	failed(ask_with((struct ush_http_request){.on_body = collect, .on_body_context = &got, .max_bytes = 99999},
			"/"),
	       USH_ERR_REJECTED, "more than");
	stop();
}
END_TEST

START_TEST(the_body_of_an_error_is_kept_even_when_pieces_are_wanted)
{
	USH_AUTO_FREE char *body = ush_alloc((300 << 10) + 1);

	memset(body, 'x', 300 << 10);
	start((struct http_reply){.status = 403, .body = (char *)(uintptr_t) "{\"message\":\"no\"}"});
	ck_assert_int_eq(ask_with((struct ush_http_request){.on_body = give_up}, "/"), 0);
	ck_assert_int_eq(response.status, 403);
	ck_assert_str_eq(response.body.data, "{\"message\":\"no\"}");
	stop();
	start((struct http_reply){.status = 502, .body = body}); /* its beginning is enough */
	ck_assert_int_eq(ask_with((struct ush_http_request){.max_bytes = 10}, "/"), 0);
	ck_assert_int_eq(response.status, 502);
	ck_assert_uint_eq(response.body.length, 256 << 10);
	ck_assert_int_eq(ask("/again"), 0);
	stop();
}
END_TEST

TAP_MAIN("http_limits", an_endless_body_ends_at_the_cap, a_body_of_exactly_the_cap_is_taken,
	 a_dripping_body_ends_at_the_deadline, silence_ends_at_the_deadline, a_compressed_body_is_refused,
	 endless_headers_end_at_the_cap, endless_interim_answers_end_at_the_cap, a_body_can_be_taken_piece_by_piece,
	 the_body_of_an_error_is_kept_even_when_pieces_are_wanted)
