/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/memory.h"
#include "common/net/answer.h"
#include "common/net/real.h"
#include "tests/support/asking.h"
#include "tests/support/tap.h"

static void has_header(const struct http_seen *seen, const char *name, const char *value)
{
	USH_AUTO_FREE char *found = http_seen_header(seen, name);

	ck_assert_msg(found == value || (found != NULL && value != NULL && strcmp(found, value) == 0), "%s: %s", name,
		      found != NULL ? found : "(none)");
}

START_TEST(an_answer_is_given_whole)
{
	start((struct http_reply){
		.body = (char *)(uintptr_t) "{\"a\":1}",
		.content_type = "Application/JSON; charset=utf-8",
		.headers = (char *)(uintptr_t) "Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nRetry-After: 7\r\n"});
	ck_assert_int_eq(ask("/x/../y?z=1"), 0);
	ck_assert_int_eq(response.status, 200);
	ck_assert_str_eq(response.body.data, "{\"a\":1}");
	ck_assert_str_eq(response.content_type, "application/json");
	ck_assert_int_eq(response.date, 1800000000);
	ck_assert_int_eq(response.retry_after_ms, 7000);
	ck_assert_str_eq(http_server_seen(server, NULL, 0)->target, "/x/../y?z=1");
	ck_assert_int_eq(err.code, USH_OK);
	stop();
}
END_TEST

START_TEST(an_empty_answer_is_an_empty_text)
{
	start((struct http_reply){.status = 204});
	ck_assert_int_eq(ask("/"), 0);
	ck_assert_int_eq(response.status, 204);
	ck_assert_str_eq(response.body.data, "");
	ck_assert_int_eq(response.retry_after_ms, -1);
	ck_assert_int_eq(response.date, 0);
	stop();
}
END_TEST

START_TEST(a_request_says_what_it_was_told_and_no_more)
{
	struct ush_secret *bearer = ush_secret_new("t0ken", 5), *basic = ush_secret_new("us:er", 5);
	const struct http_seen *seen;

	start((struct http_reply){0});
	ck_assert_int_eq(ask_with((struct ush_http_request){.bearer = bearer}, "/get"), 0);
	ck_assert_int_eq(ask_with((struct ush_http_request){.method = "POST",
							    .body = "a=b",
							    .body_length = 3,
							    .basic = basic,
							    .accept = "text/plain",
							    .content_type = "application/x-www-form-urlencoded"},
				  "/post"),
			 0);
	seen = http_server_seen(server, "/get", 0);
	ck_assert_str_eq(seen->method, "GET");
	has_header(seen, "Authorization", "Bearer t0ken");
	has_header(seen, "Accept", "application/json");
	has_header(seen, "User-Agent", "usher/" USH_VERSION);
	has_header(seen, "Content-Type", NULL);
	has_header(seen, "Accept-Encoding", NULL);
	has_header(seen, "Cookie", NULL);
	seen = http_server_seen(server, "/post", 0);
	ck_assert_str_eq(seen->method, "POST");
	ck_assert_str_eq(seen->body, "a=b");
	has_header(seen, "Authorization", "Basic dXM6ZXI=");
	has_header(seen, "Accept", "text/plain");
	has_header(seen, "Content-Type", "application/x-www-form-urlencoded");
	has_header(seen, "Expect", NULL);
	stop();
	ush_secret_free(bearer);
	ush_secret_free(basic);
}
END_TEST

START_TEST(every_method_carries_its_body)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};

	start((struct http_reply){0});
	for (size_t i = 0; i < USH_COUNT(methods); i++) {
		const struct http_seen *seen;

		ck_assert_int_eq(
			ask_with((struct ush_http_request){.method = methods[i], .body = "a\0b", .body_length = 3},
				 "/body"),
			0);
		ck_assert_int_eq(ask_with((struct ush_http_request){.method = methods[i]}, "/none"), 0);
		seen = http_server_seen(server, "/body", i);
		ck_assert_str_eq(seen->method, methods[i]);
		ck_assert_uint_eq(seen->body_length, 3);
		ck_assert_mem_eq(seen->body, "a\0b", 3);
		has_header(seen, "Content-Type", NULL);
		ck_assert_str_eq(http_server_seen(server, "/none", i)->method, methods[i]);
		ck_assert_uint_eq(http_server_seen(server, "/none", i)->body_length, 0);
	}
	stop();
}
END_TEST

START_TEST(a_connection_serves_many_requests_and_nothing_stays_behind)
{
	struct ush_secret *bearer = ush_secret_new("t0ken", 5);

	start((struct http_reply){.body = (char *)(uintptr_t) "{}",
				  .headers = (char *)(uintptr_t) "Set-Cookie: a=b\r\n"});
	ck_assert_int_eq(ask_with(
				 (struct ush_http_request){
					 .method = "POST", .body = "secret", .body_length = 6, .bearer = bearer},
				 "/1"),
			 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(ask("/2"), 0);
	ck_assert_uint_eq(http_server_connections(server), 1);
	has_header(http_server_seen(server, "/2", 0), "Authorization", NULL);
	has_header(http_server_seen(server, "/2", 0), "Cookie", NULL);
	ck_assert_str_eq(http_server_seen(server, "/2", 0)->method, "GET");
	ck_assert_str_eq(http_server_seen(server, "/2", 0)->body, "");
	stop();
	ush_secret_free(bearer);
}
END_TEST

START_TEST(headers_that_would_break_the_request_are_refused)
{
	struct ush_secret *newline = ush_secret_new("a\r\nX: y", 7), *zero = ush_secret_new("a\0b", 3);

	start((struct http_reply){0});
	failed(ask_with((struct ush_http_request){.bearer = newline}, "/"), USH_ERR_CONFIG, "header");
	failed(ask_with((struct ush_http_request){.bearer = zero}, "/"), USH_ERR_CONFIG, "header");
	failed(ask_with((struct ush_http_request){.accept = "a\nb"}, "/"), USH_ERR_CONFIG, "header");
	failed(ask_with((struct ush_http_request){.content_type = "a\nb"}, "/"), USH_ERR_CONFIG, "header");
	failed(ask_with((struct ush_http_request){.method = "GET /x HTTP/1.1\r\n"}, "/"), USH_ERR_CONFIG, "method");
	ck_assert_uint_eq(http_server_count(server, NULL), 0);
	stop();
	ush_secret_free(newline);
	ush_secret_free(zero);
}
END_TEST

START_TEST(plain_http_is_only_for_loopback_and_only_when_allowed)
{
	static const char *const urls[] = {"http://login.example.com/", "http://192.0.2.1/",
					   "http://127.0.0.1.example.com/", "http://localhost.example/"};
	struct ush_http_request request = {.timeout_ms = 20000};

	start((struct http_reply){0});
	request.url = http_server_url(server);
	failed(ush_http_exchange(client, &request, &response, &err), USH_ERR_CONFIG, "https is wanted");
	request.loopback_http = true;
	for (size_t i = 0; i < USH_COUNT(urls); i++) {
		err = (struct ush_error){0};
		request.url = urls[i];
		failed(ush_http_exchange(client, &request, &response, &err), USH_ERR_CONFIG, "https is wanted");
	}
	ck_assert_uint_eq(http_server_count(server, NULL), 0);
	stop();
}
END_TEST

START_TEST(redirects_are_answers_like_any_other) /* T14 */
{
	static const int statuses[] = {301, 302, 303, 307, 308};

	for (size_t i = 0; i < USH_COUNT(statuses); i++) {
		start((struct http_reply){.status = statuses[i],
					  .headers = (char *)(uintptr_t) "Location: /elsewhere\r\n"});
		ck_assert_int_eq(ask("/"), 0);
		ck_assert_int_eq(response.status, statuses[i]);
		ck_assert_uint_eq(http_server_count(server, NULL), 1);
		stop();
	}
}
END_TEST

START_TEST(an_interim_answer_says_nothing_about_the_final_one)
{
	start((struct http_reply){
		.fault = HTTP_FAULT_RAW,
		.body = (char *)(uintptr_t) "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\nContent-Type: text/html\r\n\r\n"
					    "HTTP/1.1 503 Broken\r\nContent-Length: 2\r\n\r\nno"});
	ck_assert_int_eq(ask("/"), 0);
	ck_assert_int_eq(response.status, 503);
	ck_assert_str_eq(response.body.data, "no");
	ck_assert_str_eq(response.content_type, "");
	ck_assert_int_eq(response.retry_after_ms, -1);
	stop();
}
END_TEST

START_TEST(retry_after_is_read_in_seconds_or_as_a_date_and_bounded)
{
	static const struct {
		const char *header;
		int64_t ms;
	} cases[] = {
		{"Retry-After: 0\r\n", 0},
		{"Retry-After: 120\r\n", 120000},
		{"Retry-After: 99999999999999999999\r\n", 86400000},
		{"Retry-After: -1\r\n", -1},
		{"Retry-After: soon\r\n", -1},
		{"Retry-After: 1.5\r\n", -1},
		{"Retry-After:\r\n", -1},
		{"Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nRetry-After: Fri, 15 Jan 2027 08:00:05 GMT\r\n", 5000},
		{"Retry-After: Fri, 15 Jan 2027 08:00:05 GMT\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n", 5000},
		{"Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nRetry-After: Thu, 14 Jan 2027 08:00:00 GMT\r\n", 0},
		{"Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nRetry-After: Fri, 15 Jan 2038 08:00:00 GMT\r\n", 86400000},
		{"Retry-After: Fri, 15 Jan 1999 08:00:00 GMT\r\n", 0},
		{"Retry-After: Fri, 99 Foo 2027 08:00:00 GMT\r\n", -1},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		start((struct http_reply){.status = 429, .headers = (char *)(uintptr_t)cases[i].header});
		ck_assert_int_eq(ask("/"), 0);
		ck_assert_int_eq(response.retry_after_ms, cases[i].ms);
		stop();
	}
}
END_TEST

static unsigned int closed_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	/* bound and not listening: nobody else gets it, and it refuses */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin_port);
}

START_TEST(failures_of_the_network_are_told_in_words)
{
	static const struct {
		enum http_fault fault;
		const char *body, *why;
	} cases[] = {
		{HTTP_FAULT_CLOSE, NULL, "closed the connection without an answer"},
		{HTTP_FAULT_CUT, "0123456789", "broke off in the middle"},
		{HTTP_FAULT_RAW, "SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"},
		{HTTP_FAULT_RAW, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		 "broke the connection off"},
		{HTTP_FAULT_RAW, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012", "broke off in the middle"},
	};
	USH_AUTO_FREE char *url = NULL;
	struct ush_http_request request = {.loopback_http = true};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		start((struct http_reply){.fault = cases[i].fault, .body = (char *)(uintptr_t)cases[i].body});
		failed(ask("/"), USH_ERR_UNAVAILABLE, cases[i].why);
		stop();
	}
	client = ush_http_client_new();
	url = ush_printf("http://127.0.0.1:%u/", closed_port());
	request.url = url;
	err = (struct ush_error){0};
	failed(ush_http_exchange(client, &request, &response, &err), USH_ERR_UNAVAILABLE, "refused the connection");
	ush_http_client_free(client);
	ush_http_response_free(&response);
}
END_TEST

START_TEST(a_name_does_not_lead_to_a_metadata_service) /* T13: P2 */
{
	static const char *const bad[] = {"169.254.169.254",       "169.254.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1",
					  "255.255.255.255",       "::",          "fe80::1", "febf::1", "ff02::1",
					  "::ffff:169.254.169.254"};
	static const char *const fine[] = {"10.0.0.1",    "127.0.0.1", "169.253.1.1", "169.255.1.1", "192.168.1.1",
					   "203.0.113.9", "::1",       "fd00::1",     "2001:db8::1"};

	for (size_t i = 0; i < USH_COUNT(bad) + USH_COUNT(fine); i++) {
		const char *text = i < USH_COUNT(bad) ? bad[i] : fine[i - USH_COUNT(bad)];
		struct sockaddr_in four = {.sin_family = AF_INET};
		struct sockaddr_in6 six = {.sin6_family = AF_INET6};
		bool is_four = inet_pton(AF_INET, text, &four.sin_addr) == 1;

		ck_assert(is_four || inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
		ck_assert_msg(ush_http_forbidden(is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six) ==
				      (i < USH_COUNT(bad)),
			      "%s", text);
	}
}
END_TEST

START_TEST(the_environment_does_not_steer) /* P18 */
{
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "socks5://127.0.0.1:1", 1);
	setenv("SSLKEYLOGFILE", "/nonexistent/keys", 1);
	setenv("SSL_CERT_FILE", "/nonexistent/ca", 1);
	setenv("OPENSSL_CONF", "/nonexistent/conf", 1);
	start((struct http_reply){.body = (char *)(uintptr_t) "{}"});
	ck_assert_int_eq(ask("/"), 0);
	ck_assert_ptr_null(getenv("SSLKEYLOGFILE"));
	ck_assert_ptr_null(getenv("SSL_CERT_FILE"));
	ck_assert_ptr_null(getenv("OPENSSL_CONF"));
	stop();
}
END_TEST

START_TEST(a_signal_ends_an_exchange)
{
	struct ush_world world;
	struct ush_http_request request = {.loopback_http = true, .timeout_ms = 60000};

	start((struct http_reply){.fault = HTTP_FAULT_HANG});
	ush_world_real(&world);
	request.url = http_server_url(server);
	ck_assert(!ush_asked_to_end());
	raise(SIGTERM);
	ck_assert(ush_asked_to_end());
	failed(ush_http(&world, &request, &response, &err), USH_ERR_DECLINED, "a signal asked to stop");
	ush_world_real_free(&world);
	stop();
}
END_TEST

TAP_MAIN("http", an_answer_is_given_whole, an_empty_answer_is_an_empty_text,
	 a_request_says_what_it_was_told_and_no_more, every_method_carries_its_body,
	 a_connection_serves_many_requests_and_nothing_stays_behind, headers_that_would_break_the_request_are_refused,
	 plain_http_is_only_for_loopback_and_only_when_allowed, redirects_are_answers_like_any_other,
	 an_interim_answer_says_nothing_about_the_final_one, retry_after_is_read_in_seconds_or_as_a_date_and_bounded,
	 failures_of_the_network_are_told_in_words, a_name_does_not_lead_to_a_metadata_service,
	 the_environment_does_not_steer, a_signal_ends_an_exchange)
