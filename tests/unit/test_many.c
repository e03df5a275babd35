/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/many.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/net/real.h"
#include "tests/support/http_server.h"
#include "tests/support/tap.h"

#define MOST 400

/* A pump that asks for /0, /1, ... up to `total`; each body is made when it is asked for. */
static struct {
	struct http_server *server;
	struct ush_world world;
	struct ush_error err;
	size_t total, asked, width, under_way, peak, waits;
	int64_t wait_ms;
	char *urls[MOST], *bodies[MOST];
	int status[MOST];
	enum ush_code code[MOST];
	char *text[MOST];
	unsigned int times[MOST];
	const char *method;
	const char *refuse; /* a URL that stands in for that of request 3 */
} t;

/* The script counts how many are inside of it at once by the connections it has seen. */
static void echo(void *context, const struct http_seen *seen, struct http_reply *reply)
{
	(void)context;
	*reply = (struct http_reply){.status = 201, .content_type = "text/plain", .body = ush_strdup(seen->body)};
	if (strcmp(seen->path, "/5") == 0)
		reply->fault = HTTP_FAULT_CLOSE;
	if (strcmp(seen->path, "/6") == 0)
		reply->status = 503, reply->headers = ush_strdup("Retry-After: 2\r\n");
	if (strcmp(seen->path, "/7") == 0) {
		free(reply->body);
		reply->body = ush_alloc(5000);
		memset(reply->body, 'x', 4999);
	}
	if (strcmp(seen->path, "/8") == 0)
		reply->headers = ush_strdup("Location: /moved\r\n"), reply->status = 302;
}

static bool next(void *context, struct ush_http_request *request, size_t *tag, int64_t *wait_ms)
{
	size_t i = t.asked;

	(void)context;
	if (t.wait_ms > 0 && t.waits == 0 && i == t.total / 2) {
		t.waits++;
		*wait_ms = t.wait_ms;
		return false;
	}
	if (i == t.total)
		return false;
	t.urls[i] = ush_printf("%s/%zu", http_server_url(t.server), i);
	t.bodies[i] = ush_printf("body %zu", i);
	*request = (struct ush_http_request){.method = t.method,
					     .url = i == 3 && t.refuse != NULL ? t.refuse : t.urls[i],
					     .body = t.bodies[i],
					     .body_length = strlen(t.bodies[i]),
					     .content_type = "text/plain",
					     .loopback_http = true,
					     .max_bytes = 1000};
	*tag = i;
	t.asked++;
	t.under_way++;
	t.peak = t.under_way > t.peak ? t.under_way : t.peak;
	return true;
}

static void done(void *context, size_t tag, struct ush_http_response *response, const struct ush_error *err)
{
	(void)context;
	t.under_way--;
	t.times[tag]++;
	t.status[tag] = response->status;
	t.code[tag] = err->code;
	t.text[tag] = ush_strdup(err->code == USH_OK ? response->body.data : err->what);
	memset(t.bodies[tag], '!', strlen(t.bodies[tag])); /* it need not live longer */
}

static size_t width(void *context)
{
	(void)context;
	return t.width;
}

static const struct ush_http_pump pump = {NULL, next, done, width};

static void begin(size_t total, size_t wide)
{
	memset(&t, 0, sizeof t);
	t.total = total;
	t.width = wide;
	t.method = "POST";
	t.server = http_server_start(echo, NULL);
	ush_world_real(&t.world);
}

static void end(void)
{
	for (size_t i = 0; i < MOST; i++) {
		free(t.urls[i]);
		free(t.bodies[i]);
		free(t.text[i]);
	}
	ush_world_real_free(&t.world);
	http_server_stop(t.server);
}

/* Each was answered once, and those without a fault with their own body. */
static void expect_all(size_t from)
{
	for (size_t i = from; i < t.total; i++) {
		USH_AUTO_FREE char *body = ush_printf("body %zu", i);

		ck_assert_uint_eq(t.times[i], 1);
		ck_assert_msg(t.code[i] == USH_OK, "%zu: %s", i, t.text[i]);
		ck_assert_int_eq(t.status[i], 201);
		ck_assert_str_eq(t.text[i], body);
	}
}

static void expect_faults(void)
{
	ck_assert_int_eq(t.code[3], USH_ERR_CONFIG);
	ck_assert_int_eq(t.code[5], USH_ERR_UNAVAILABLE);
	ck_assert_int_eq(t.status[6], 503);
	ck_assert_int_eq(t.code[7], USH_ERR_REJECTED);
	ck_assert_ptr_nonnull(strstr(t.text[7], "more than 1000 bytes"));
	ck_assert_int_eq(t.status[8], 302);
	ck_assert_uint_eq(http_server_count(t.server, "/moved"), 0);
}

START_TEST(each_is_answered_once_and_no_more_than_the_width_are_under_way)
{
	begin(MOST, 16);
	t.refuse = "http://192.0.2.1/";
	ck_assert_int_eq(ush_http_many(&t.world, &pump, &t.err), 0);
	ck_assert_uint_eq(t.peak, 16);
	ck_assert_uint_eq(t.under_way, 0);
	ck_assert_uint_le(http_server_connections(t.server), 8 + 3); /* three were closed by their faults */
	ck_assert_uint_ge(http_server_connections(t.server), 2);
	expect_faults();
	expect_all(9);
	end();
}
END_TEST

START_TEST(one_after_another_keeps_the_same_promises)
{
	begin(40, 16);
	t.refuse = "http://192.0.2.1/";
	t.world.http_many = NULL;
	ck_assert_int_eq(ush_http_many(&t.world, &pump, &t.err), 0);
	ck_assert_uint_eq(t.peak, 1);
	expect_faults();
	expect_all(9);
	end();
}
END_TEST

START_TEST(connections_live_from_one_run_to_the_next)
{
	begin(5, 1);
	ck_assert_int_eq(ush_http_many(&t.world, &pump, &t.err), 0);
	t.total = 5;
	t.asked = 0;
	for (size_t i = 0; i < 5; i++) {
		free(ush_steal(&t.urls[i]));
		free(ush_steal(&t.bodies[i]));
		free(ush_steal(&t.text[i]));
	}
	ck_assert_int_eq(ush_http_many(&t.world, &pump, &t.err), 0);
	ck_assert_uint_eq(http_server_count(t.server, NULL), 10);
	ck_assert_uint_eq(http_server_connections(t.server), 1);
	end();
}
END_TEST

START_TEST(who_wants_to_wait_is_asked_again)
{
	for (int fallback = 0; fallback < 2; fallback++) {
		begin(20, 4);
		t.wait_ms = 30;
		if (fallback)
			t.world.http_many = NULL;
		ck_assert_int_eq(ush_http_many(&t.world, &pump, &t.err), 0);
		ck_assert_uint_eq(t.waits, 1);
		ck_assert_uint_eq(t.asked, 20);
		expect_all(9);
		end();
	}
}
END_TEST

START_TEST(nothing_to_do_makes_no_connection)
{
	begin(0, 4);
	ck_assert_int_eq(ush_http_many(&t.world, &pump, &t.err), 0);
	ck_assert_uint_eq(http_server_connections(t.server), 0);
	end();
}
END_TEST

/* The signal comes while the first request is looked at; the others are on their way. */
static void signal_once(void)
{
	if (!ush_asked_to_end())
		kill(getpid(), SIGTERM);
	while (!ush_asked_to_end())
		usleep(1000);
}

static void hang(void *context, const struct http_seen *seen, struct http_reply *reply)
{
	(void)context, (void)seen;
	signal_once();
	*reply = (struct http_reply){.fault = HTTP_FAULT_HANG};
}

/* Nothing more is begun. */
static void signalled_while(const char *method, http_handler handler, enum ush_code code)
{
	begin(20, 4);
	t.method = method;
	http_server_script(t.server, handler, NULL);
	ck_assert_int_eq(ush_http_many(&t.world, &pump, &t.err), -1);
	ck_assert_int_eq(t.err.code, USH_ERR_DECLINED);
	ck_assert_uint_eq(t.asked, 4);
	ck_assert_uint_eq(t.under_way, 0);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(t.times[i], 1);
		ck_assert_int_eq(t.code[i], code);
	}
	end();
}

START_TEST(a_signal_ends_all_that_is_under_way)
{
	signalled_while("GET", hang, USH_ERR_DECLINED);
}
END_TEST

static void answer_after_the_signal(void *context, const struct http_seen *seen, struct http_reply *reply)
{
	signal_once();
	echo(context, seen, reply);
}

START_TEST(a_signal_lets_writes_come_to_their_end)
{
	signalled_while("POST", answer_after_the_signal, USH_OK);
}
END_TEST

START_TEST(a_signal_does_not_wait_for_ever_for_a_write)
{
	signalled_while("POST", hang, USH_ERR_DECLINED);
}
END_TEST

/* ---- one alone ---- */

static void alone(const char *method, http_handler handler, enum ush_code code)
{
	USH_AUTO_RESPONSE response = {0};
	struct ush_http_request request = {.method = method, .writes = strcmp(method, "GET") != 0, .loopback_http = true};

	begin(1, 1);
	http_server_script(t.server, handler, NULL);
	request.url = http_server_url(t.server);
	ck_assert_int_eq(ush_http(&t.world, &request, &response, &t.err), code == USH_OK ? 0 : -1);
	ck_assert_msg(t.err.code == code, "%s", t.err.what);
	ck_assert_int_eq(response.status, code == USH_OK ? 201 : 0);
	end();
}

START_TEST(a_signal_lets_a_write_alone_come_to_its_end)
{
	alone("PUT", answer_after_the_signal, USH_OK);
	alone("PUT", echo, USH_ERR_DECLINED); /* and none is begun after it */
}
END_TEST

START_TEST(a_signal_does_not_wait_for_ever_for_a_write_alone)
{
	alone("PUT", hang, USH_ERR_DECLINED);
}
END_TEST

START_TEST(a_signal_ends_what_is_read_alone)
{
	alone("GET", hang, USH_ERR_DECLINED);
}
END_TEST

TAP_MAIN("many", each_is_answered_once_and_no_more_than_the_width_are_under_way, one_after_another_keeps_the_same_promises,
	 connections_live_from_one_run_to_the_next, who_wants_to_wait_is_asked_again, nothing_to_do_makes_no_connection,
	 a_signal_ends_all_that_is_under_way, a_signal_lets_writes_come_to_their_end, a_signal_does_not_wait_for_ever_for_a_write,
	 a_signal_lets_a_write_alone_come_to_its_end, a_signal_does_not_wait_for_ever_for_a_write_alone, a_signal_ends_what_is_read_alone)
