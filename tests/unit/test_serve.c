/* SPDX-License-Identifier: Apache-2.0
 *
 * The board over HTTP, by friends and by hostile visitors.
 */
#include "tests/support/tap.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/serve/listen.h"
#include "broker/serve/serve.h"
#include "common/base/memory.h"
#include "tests/support/visit.h"

static _Atomic int64_t ahead_ms;

/* Time passes where a test says so. */
static int64_t clock_now(void *context)
{
	(void)context;
	return 1795290309000 + ahead_ms;
}

static const struct ush_world world = {.now_ms = clock_now, .boot_ms = clock_now};
static struct ush_board *board;
static struct ush_serve *serve;
static unsigned int port;

static void begin(void)
{
	struct ush_error err = {0};
	USH_AUTO_FREE char *url = NULL;

	signal(SIGPIPE, SIG_IGN);
	alarm(600); /* a visitor who is never answered is a failure, not a wait */
	board = ush_board_new(&(struct ush_board_of){&world, 1000, 3600000});
	serve = ush_serve_start("127.0.0.1:0", board, &err);
	ck_assert_msg(serve != NULL, "%s", err.what);
	url = ush_printf("http://%s/", ush_serve_where(serve));
	port = visit_port(url);
}

static void end(void)
{
	ush_serve_stop(serve);
	ush_board_free(board);
	alarm(0);
}

/* It still answers as it should, whatever was done to it. */
static void still_well(void)
{
	USH_AUTO_FREE char *answer = NULL;

	ck_assert_int_eq(visit(port, "GET", "/healthz", NULL, &answer), 200);
	ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\nok: "));
}

/* True when the other side closed the connection within a bound that no sane machine needs. */
static bool is_closed(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char byte[256];

	for (ssize_t got = 1; got > 0;) {
		if (poll(&wait, 1, 300000) != 1)
			return false;
		got = recv(fd, byte, sizeof byte, 0);
	}
	return true;
}

START_TEST(the_three_pages_are_there_and_nothing_else)
{
	static const char *const lost[] = {"/", "/metrics/", "/Metrics", "//metrics", "/metrics/../healthz", "/debug/pprof", "/healthz%00", "/%6detrics", "*"};
	static const char *const pages[] = {"/metrics", "/healthz", "/readyz", "/metrics?x=1"};

	begin();
	for (size_t i = 0; i < USH_COUNT(pages); i++) {
		USH_AUTO_FREE char *answer = NULL, *type = NULL, *close = NULL;

		ck_assert_int_eq(visit(port, "GET", pages[i], NULL, &answer), 200);
		type = visit_header(answer, "Content-Type");
		close = visit_header(answer, "Connection");
		ck_assert_ptr_nonnull(strstr(type, "text/plain; "));
		ck_assert_str_eq(close, "close");
	}
	for (size_t i = 0; i < USH_COUNT(lost); i++)
		ck_assert_msg(visit(port, "GET", lost[i], NULL, NULL) == 404, "%s", lost[i]);
	end();
}
END_TEST

START_TEST(only_get_and_head_are_methods)
{
	static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "FOO"};
	USH_AUTO_FREE char *head = NULL;

	begin();
	for (size_t i = 0; i < USH_COUNT(methods); i++) {
		USH_AUTO_FREE char *answer = NULL, *allow = NULL;

		ck_assert_msg(visit(port, methods[i], "/metrics", NULL, &answer) == 405, "%s", methods[i]);
		allow = visit_header(answer, "Allow");
		ck_assert_str_eq(allow, "GET, HEAD");
	}
	ck_assert_int_eq(visit(port, "HEAD", "/metrics", NULL, &head), 200);
	ck_assert_str_eq(strstr(head, "\r\n\r\n"), "\r\n\r\n"); /* no body */
	still_well();
	end();
}
END_TEST

START_TEST(what_is_not_well_is_503)
{
	struct ush_error why = {.code = USH_ERR_CONFIG, .what = "policy.yaml:3:1: nonsense"};
	USH_AUTO_FREE char *answer = NULL, *stopping = NULL;

	begin();
	ush_board_begin(board);
	ush_board_end(board, USH_ENDED_FAILED, &why);
	ahead_ms += 3601000;
	ck_assert_int_eq(visit(port, "GET", "/healthz", NULL, &answer), 503);
	ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\nno complete run for 60 min: policy.yaml:3:1: nonsense\n"));
	ush_board_stop(board);
	ck_assert_int_eq(visit(port, "GET", "/readyz", NULL, &stopping), 503);
	end();
}
END_TEST

START_TEST(a_body_is_not_waited_for)
{
	USH_AUTO_FREE char *answer = NULL;

	begin();
	ck_assert_int_eq(visit(port, "POST", "/metrics", "Host: x\r\nContent-Length: 9999999999\r\n", &answer), 405);
	still_well();
	end();
}
END_TEST

START_TEST(a_header_that_does_not_end_is_cut_off)
{
	char lines[4096];
	int fd, status;

	begin();
	memset(lines, 'a', sizeof lines);
	fd = visit_send(port, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: ");
	for (int i = 0; i < 64 && send(fd, lines, sizeof lines, MSG_NOSIGNAL) > 0; i++)
		;
	status = visit_read(fd, NULL);
	ck_assert_msg(status == -1 || (status >= 400 && status < 500), "%d", status);
	still_well();
	end();
}
END_TEST

START_TEST(a_target_that_does_not_end_is_cut_off)
{
	char text[65536];
	int status;

	begin();
	memset(text, 'a', sizeof text);
	memcpy(text, "GET /", 5);
	text[sizeof text - 1] = '\0';
	status = visit_read(visit_send(port, text), NULL);
	ck_assert_msg(status == -1 || (status >= 400 && status < 500), "%d", status);
	still_well();
	end();
}
END_TEST

START_TEST(what_is_no_http_is_refused)
{
	static const char *const rubbish[] = {"\x16\x03\x01\x02\x01\x01\x01", "\r\n\r\n\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n",
					      "GET /metrics HTTP/1.1\r\n\r\n", "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nffffffffffffffff\r\n",
					      "GET /metrics HTTP/1.1\r\n Host: x\r\n\r\n", "SSH-2.0-x\r\n", "GET http://evil.example/metrics HTTP/1.1\r\nHost: x\r\n\r\n"};

	begin();
	for (size_t i = 0; i < USH_COUNT(rubbish); i++) {
		int fd = visit_send(port, rubbish[i]);

		ck_assert_int_ge(fd, 0);
		shutdown(fd, SHUT_WR);
		still_well();
		ahead_ms += USH_SERVE_DEADLINE_MS + 1; /* for what is the beginning of something */
		ck_assert_msg(is_closed(fd), "%zu", i);
		close(fd);
		still_well();
	}
	end();
}
END_TEST

/* Each byte would begin MHD's own deadline anew; ours counts from the first. */
START_TEST(who_drips_is_cut_off)
{
	int slow, silent;

	begin();
	silent = visit_send(port, "");
	slow = visit_send(port, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: ");
	still_well();
	ahead_ms += USH_SERVE_DEADLINE_MS / 2;
	ck_assert_int_eq(send(slow, "a", 1, MSG_NOSIGNAL), 1);
	still_well();
	ahead_ms += USH_SERVE_DEADLINE_MS / 2 + 1;
	ck_assert(is_closed(slow));
	ck_assert(is_closed(silent));
	close(slow);
	close(silent);
	still_well();
	end();
}
END_TEST

/* No time passes here: who is new is served beside those that only sit there, and the oldest of these go. */
START_TEST(who_hoards_connections_keeps_nobody_out_for_long)
{
	int held[3 * USH_SERVE_CONNECTIONS];

	begin();
	for (size_t i = 0; i < USH_COUNT(held); i++) {
		held[i] = visit_from(i % 5, port, i % 2 == 0 ? "" : "GET /metrics HTTP/1.1\r\n");
		ck_assert_int_ge(held[i], 0);
	}
	still_well();
	for (size_t i = 0; i < USH_COUNT(held) - USH_SERVE_CONNECTIONS; i++)
		ck_assert_msg(is_closed(held[i]), "%zu", i);
	for (size_t i = 0; i < USH_COUNT(held); i++)
		close(held[i]);
	end();
}
END_TEST

START_TEST(a_host_that_hoards_crowds_out_itself_alone)
{
	int other, held[USH_SERVE_PER_ADDRESS + 8];

	begin();
	other = visit_from(1, port, "GET /metrics HTTP/1.1\r\n");
	for (size_t i = 0; i < USH_COUNT(held); i++)
		ck_assert_int_ge(held[i] = visit_from(2, port, "GET /metrics HTTP/1.1\r\n"), 0);
	for (size_t i = 0; i < USH_COUNT(held) - USH_SERVE_PER_ADDRESS; i++)
		ck_assert_msg(is_closed(held[i]), "%zu", i);
	ck_assert_int_gt(send(other, "Host: x\r\n\r\n", 11, MSG_NOSIGNAL), 0);
	ck_assert_int_eq(visit_read(other, NULL), 200);
	for (size_t i = 0; i < USH_COUNT(held); i++)
		close(held[i]);
	end();
}
END_TEST

START_TEST(an_address_that_is_taken_is_told)
{
	struct ush_error err = {0};
	struct ush_serve *second;

	begin();
	second = ush_serve_start(ush_serve_where(serve), board, &err);
	ck_assert_ptr_null(second);
	ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.what, "ddress already in use"));
	end();
}
END_TEST

START_TEST(addresses_are_read_strictly)
{
	static const char *const good[] = {"127.0.0.1:9464", "0.0.0.0:0", "[::1]:1", "[::]:65535"};
	static const char *const bad[] = {"", ":", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:9464x", "127.0.0.1: 80", "localhost:80",
					  "::1:80", "[::1]", "[]:80", "[127.0.0.1]:80", "1.2.3.4.5:80", "127.1:80", "[::1%lo]:80", "127.0.0.1:000080",
					  "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80"};
	struct sockaddr_storage address;
	socklen_t size;

	for (size_t i = 0; i < USH_COUNT(good); i++) {
		struct ush_error err = {0};

		ck_assert_msg(ush_listen_address(good[i], &address, &size, &err) == 0, "%s", good[i]);
	}
	ck_assert_int_eq(address.ss_family, AF_INET6);
	ck_assert_uint_eq(ntohs(((struct sockaddr_in6 *)&address)->sin6_port), 65535);
	for (size_t i = 0; i < USH_COUNT(bad); i++) {
		struct ush_error err = {0};

		ck_assert_msg(ush_listen_address(bad[i], &address, &size, &err) == -1, "%s", bad[i]);
		ck_assert_int_eq(err.code, USH_ERR_USAGE);
	}
}
END_TEST

TAP_MAIN("serve", the_three_pages_are_there_and_nothing_else, only_get_and_head_are_methods, what_is_not_well_is_503, a_body_is_not_waited_for,
	 a_header_that_does_not_end_is_cut_off, a_target_that_does_not_end_is_cut_off, what_is_no_http_is_refused, who_drips_is_cut_off,
	 who_hoards_connections_keeps_nobody_out_for_long, a_host_that_hoards_crowds_out_itself_alone, an_address_that_is_taken_is_told, addresses_are_read_strictly)
