/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "tests/support/asking.h"
#include "tests/support/certificate.h"
#include "tests/support/tap.h"
#include "tests/support/tls_server.h"

/* ---- headers ---- */

static void refused(const char *line)
{
	const char *const lines[] = {"X-Fine: yes", line, NULL};

	failed(ask_with((struct ush_http_request){.headers = lines}, "/"), USH_ERR_CONFIG, "header");
}

START_TEST(more_headers_go_with_a_request)
{
	const char *const lines[] = {"X-GitHub-Api-Version: 2022-11-28", "authorization: SSWS k3y", "ConsistencyLevel: eventual",
				     NULL};
	USH_AUTO_FREE char *version = NULL, *login = NULL, *level = NULL;

	start((struct http_reply){0});
	ck_assert_int_eq(ask_with((struct ush_http_request){.headers = lines}, "/with"), 0);
	version = http_seen_header(http_server_seen(server, "/with", 0), "X-GitHub-Api-Version");
	login = http_seen_header(http_server_seen(server, "/with", 0), "Authorization");
	level = http_seen_header(http_server_seen(server, "/with", 0), "ConsistencyLevel");
	ck_assert_pstr_eq(version, "2022-11-28");
	ck_assert_pstr_eq(login, "SSWS k3y");
	ck_assert_pstr_eq(level, "eventual");
	ck_assert_int_eq(ask("/without"), 0);
	ck_assert_ptr_null(strstr(http_server_seen(server, "/without", 0)->headers, "SSWS"));
	stop();
}
END_TEST

START_TEST(headers_that_are_not_the_callers_are_refused)
{
	static const char *const bad[] = {"Host: other.test",   "content-length: 3", "Transfer-Encoding: chunked",
					  "Connection: close",  "Accept: */*",       "Accept-Encoding: br",
					  "User-Agent: curl",   "Expect: x",         "Proxy-Authorization: Basic x",
					  "X-Two: a\r\nB: c",   "X-Nul",             ": x",
					  "X-Empty: ",          "X-No-Space:x",      "X Y: z",
					  "X-\xc3\xa4: umlaut", "X-Value: \xc3\xa4", ""};
	struct ush_secret *bearer = ush_secret_new("t0ken", 5);
	const char *const login[] = {"Authorization: token x", NULL};

	start((struct http_reply){0});
	for (size_t i = 0; i < USH_COUNT(bad); i++)
		refused(bad[i]);
	failed(ask_with((struct ush_http_request){.headers = login, .bearer = bearer}, "/"), USH_ERR_CONFIG, "header");
	ck_assert_uint_eq(http_server_count(server, NULL), 0);
	stop();
	ush_secret_free(bearer);
}
END_TEST

START_TEST(the_answers_headers_are_kept_when_asked)
{
	USH_AUTO_BUF lines = {0};

	ush_buf_puts(&lines, "Link: <https://a.test/?p=2>; rel=\"next\"\r\nETag: W/\"1\"\r\nlink:\t<https://a.test/?p=9>; rel=\"last\" \r\n"
			     "X-Empty:\r\nX-Long: ");
	for (int i = 0; i < 1000; i++)
		ush_buf_puts(&lines, "0123456789");
	ush_buf_puts(&lines, "\r\n");
	start((struct http_reply){.headers = lines.data});
	ck_assert_int_eq(ask_with((struct ush_http_request){.keep_headers = true}, "/"), 0);
	ck_assert_pstr_eq(ush_http_header(&response, "etag"), "W/\"1\"");
	ck_assert_pstr_eq(ush_http_header(&response, "LINK"), "<https://a.test/?p=2>; rel=\"next\"");
	ck_assert_pstr_eq(ush_http_header_at(&response, "Link", 1), "<https://a.test/?p=9>; rel=\"last\"");
	ck_assert_ptr_null(ush_http_header_at(&response, "Link", 2));
	ck_assert_pstr_eq(ush_http_header(&response, "X-Empty"), "");
	ck_assert_uint_eq(strlen(ush_http_header(&response, "X-Long")), 10000);
	ck_assert_ptr_null(ush_http_header(&response, "Lin"));
	ck_assert_ptr_null(ush_http_header(&response, "W/\"1\"")); /* a value is no name */
	ck_assert_int_eq(ask("/"), 0);
	ck_assert_ptr_null(ush_http_header(&response, "ETag"));
	stop();
}
END_TEST

START_TEST(headers_of_an_interim_answer_are_not_kept)
{
	start((struct http_reply){.body = (char *)(uintptr_t) "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n"
							      "Content-Length: 2\r\n\r\n{}",
				  .fault = HTTP_FAULT_RAW});
	ck_assert_int_eq(ask_with((struct ush_http_request){.keep_headers = true}, "/"), 0);
	ck_assert_ptr_null(ush_http_header(&response, "Link"));
	ck_assert_pstr_eq(ush_http_header(&response, "a"), "b");
	stop();
}
END_TEST

/* ---- gzip ---- */

static const char one[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\x54\xb2\x32\xac\x05\x00\xaf\xac\x1b\x56\x07\x00\x00\x00";
static const char thousand[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xa8\x18\x05\xa3\x60\x14\x0c\x77\x00\x00\xe6\xc9\x41\x3b\xe8\x03\x00\x00";

struct packed {
	const char *data;
	size_t length;
	const char *headers;
};

static void give_packed(void *context, const struct http_seen *seen, struct http_reply *reply)
{
	const struct packed *packed = context;

	(void)seen;
	*reply = (struct http_reply){.status = 200, .content_type = "application/json", .body = ush_alloc(packed->length)};
	memcpy(reply->body, packed->data, packed->length);
	reply->body_length = packed->length;
	reply->headers = ush_strdup(packed->headers);
}

START_TEST(a_compressed_answer_is_taken_when_asked_for)
{
	struct packed packed = {one, sizeof one - 1, "Content-Encoding: gzip\r\n"};
	USH_AUTO_FREE char *offered = NULL;

	start((struct http_reply){0});
	http_server_script(server, give_packed, &packed);
	ck_assert_int_eq(ask_with((struct ush_http_request){.gzip = true}, "/"), 0);
	ck_assert_str_eq(response.body.data, "{\"a\":1}");
	offered = http_seen_header(http_server_seen(server, NULL, 0), "Accept-Encoding");
	ck_assert_pstr_eq(offered, "gzip");
	failed(ask("/"), USH_ERR_REJECTED, "compressed");
	stop();
}
END_TEST

START_TEST(the_cap_holds_for_what_comes_out)
{
	struct packed packed = {thousand, sizeof thousand - 1, "Content-Encoding: gzip\r\n"};

	start((struct http_reply){0});
	http_server_script(server, give_packed, &packed);
	ck_assert_int_eq(ask_with((struct ush_http_request){.gzip = true, .max_bytes = 1000}, "/"), 0);
	ck_assert_uint_eq(response.body.length, 1000);
	failed(ask_with((struct ush_http_request){.gzip = true, .max_bytes = 999}, "/"), USH_ERR_REJECTED, "more than 999 bytes");
	stop();
}
END_TEST

START_TEST(no_other_compression_and_no_broken_one_is_taken)
{
	static const struct packed bad[] = {
		{one, sizeof one - 1, "Content-Encoding: br\r\n"},
		{one, sizeof one - 1, "Content-Encoding: deflate\r\n"},
		{one, sizeof one - 1, "Content-Encoding: gzip, gzip\r\n"},
		{one, sizeof one - 1, "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n"},
		{"no gzip at all", 14, "Content-Encoding: gzip\r\n"},
		{one, sizeof one - 12, "Content-Encoding: gzip\r\n"},
	};

	for (size_t i = 0; i < USH_COUNT(bad); i++) {
		start((struct http_reply){0});
		http_server_script(server, give_packed, (void *)(uintptr_t)&bad[i]);
		ck_assert_msg(ask_with((struct ush_http_request){.gzip = true}, "/") != 0 || response.body.length < 7, "%zu", i);
		ck_assert(err.code == USH_ERR_REJECTED || i == 5);
		stop();
	}
}
END_TEST

/* ---- a proxy ---- */

/* Takes one connection, keeps what CONNECT says, answers by status, and carries bytes to a port of ours. */
static struct {
	int listener;
	unsigned int port, to;
	const char *status;
	char seen[2000];
	pthread_t thread;
} proxy;

static int dial(unsigned int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)(void *)&address, sizeof address) == 0 ? fd : -1;
}

static void carry(int a, int b)
{
	char data[4096];
	fd_set set;

	for (;;) {
		ssize_t got;
		int from;

		FD_ZERO(&set);
		FD_SET(a, &set);
		FD_SET(b, &set);
		if (select((a > b ? a : b) + 1, &set, NULL, NULL, NULL) < 0)
			return;
		from = FD_ISSET(a, &set) ? a : b;
		got = read(from, data, sizeof data);
		if (got <= 0 || write(from == a ? b : a, data, (size_t)got) != got)
			return;
	}
}

static void *proxy_run(void *unused)
{
	int client_fd = accept(proxy.listener, NULL, NULL), server_fd = -1;
	size_t length = 0;

	(void)unused;
	while (client_fd >= 0 && strstr(proxy.seen, "\r\n\r\n") == NULL && length < sizeof proxy.seen - 1) {
		ssize_t got = read(client_fd, proxy.seen + length, sizeof proxy.seen - 1 - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	dprintf(client_fd, "HTTP/1.1 %s\r\nX-Proxy: yes\r\n\r\n", proxy.status);
	if (strncmp(proxy.status, "200", 3) == 0 && (server_fd = dial(proxy.to)) >= 0)
		carry(client_fd, server_fd);
	close(client_fd);
	close(server_fd);
	return NULL;
}

static char *proxy_start(unsigned int to, const char *status)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;

	memset(proxy.seen, 0, sizeof proxy.seen);
	proxy.to = to;
	proxy.status = status;
	proxy.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(proxy.listener, (struct sockaddr *)(void *)&address, length), 0);
	ck_assert_int_eq(listen(proxy.listener, 1), 0);
	getsockname(proxy.listener, (struct sockaddr *)(void *)&address, &length);
	proxy.port = ntohs(address.sin_port);
	pthread_create(&proxy.thread, NULL, proxy_run, NULL);
	return ush_printf("http://127.0.0.1:%u", proxy.port);
}

static void proxy_stop(void)
{
	close(dial(proxy.port)); /* should nobody have come */
	pthread_join(proxy.thread, NULL);
	close(proxy.listener);
}

START_TEST(a_proxy_is_gone_through_with_TLS_inside)
{
	struct certificate *ca = certificate_new(&(struct certificate_wish){.name = "Test CA", .ca = true});
	struct certificate *leaf = certificate_new(&(struct certificate_wish){.name = "login.test", .issuer = ca, .san = "DNS:login.test"});
	struct tls_server *tls = tls_server_start(&(struct tls_server_wish){.certificate = leaf});
	USH_AUTO_FREE char *url = proxy_start(tls_server_port(tls), "200 OK");
	struct ush_secret *bearer = ush_secret_new("t0ken", 5), *login = ush_secret_new("us:er", 5);
	struct ush_http_request request = {.url = "https://login.test/x", .proxy = url, .ca_pem = ca->pem, .bearer = bearer,
					   .proxy_login = login, .keep_headers = true, .timeout_ms = 20000};
	setenv("no_proxy", "*", 1);
	err = (struct ush_error){0};
	client = ush_http_client_new();
	ck_assert_msg(ush_http_exchange(client, &request, &response, &err) == 0, "%s", err.what);
	ck_assert_int_eq(response.status, 200);
	ck_assert_ptr_nonnull(strstr(response.body.data, "login.test"));
	ck_assert_ptr_null(ush_http_header(&response, "X-Proxy"));
	ush_http_client_free(client);
	proxy_stop();
	ck_assert_ptr_eq(strstr(proxy.seen, "CONNECT login.test:443 "), proxy.seen);
	ck_assert_ptr_nonnull(strstr(proxy.seen, "Proxy-Authorization: Basic dXM6ZXI="));
	ck_assert_ptr_null(strstr(proxy.seen, "t0ken"));
	tls_server_stop(tls);
	ush_http_response_free(&response);
	certificate_free(leaf);
	certificate_free(ca);
	ush_secret_free(bearer);
	ush_secret_free(login);
}
END_TEST

START_TEST(a_proxy_that_says_no_is_named)
{
	USH_AUTO_FREE char *url = proxy_start(0, "407 Proxy Authentication Required");
	struct ush_http_request request = {.url = "https://login.test/x", .proxy = url, .timeout_ms = 20000};

	err = (struct ush_error){0};
	client = ush_http_client_new();
	failed(ush_http_exchange(client, &request, &response, &err), USH_ERR_UNAVAILABLE, "does not connect to login.test (407)");
	ck_assert_ptr_nonnull(strstr(err.what, "the proxy 127.0.0.1:"));
	proxy_stop();
	err = (struct ush_error){0};
	failed(ush_http_exchange(client, &request, &response, &err), USH_ERR_UNAVAILABLE, "refused the connection");
	ck_assert_ptr_nonnull(strstr(err.what, "the proxy 127.0.0.1:"));
	ush_http_client_free(client);
	ush_http_response_free(&response);
}
END_TEST

START_TEST(what_is_no_proxy_is_refused)
{
	static const char *const bad[] = {"socks5://127.0.0.1:1080", "127.0.0.1:3128", "http://u:p@127.0.0.1:1", "http://127.0.0.1:1/path", ""};

	start((struct http_reply){0});
	for (size_t i = 0; i < USH_COUNT(bad); i++) {
		err = (struct ush_error){0};
		failed(ush_http_exchange(client, &(struct ush_http_request){.url = "https://login.test/", .proxy = bad[i]}, &response, &err),
		       USH_ERR_CONFIG, "");
	}
	failed(ask_with((struct ush_http_request){.proxy = "http://127.0.0.1:1"}, "/"), USH_ERR_CONFIG, "through a proxy");
	stop();
}
END_TEST

TAP_MAIN("http_headers", more_headers_go_with_a_request, headers_that_are_not_the_callers_are_refused, the_answers_headers_are_kept_when_asked,
	 headers_of_an_interim_answer_are_not_kept, a_compressed_answer_is_taken_when_asked_for, the_cap_holds_for_what_comes_out,
	 no_other_compression_and_no_broken_one_is_taken, a_proxy_is_gone_through_with_TLS_inside, a_proxy_that_says_no_is_named,
	 what_is_no_proxy_is_refused)
