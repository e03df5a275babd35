/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/over_tls.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/net/real.h"
#include "tests/support/contract_knobs.h"
#include "tests/support/tls_server.h"

#define HEADERS_MAX 32

struct tunnel {
	struct over_tls *over;
	int client;
	pthread_t thread;
};

struct over_tls {
	struct contract *contract;
	struct certificate *ca, *certificate;
	struct tls_server *server;
	pthread_mutex_t one_at_a_time; /* fakes keep state */
	int listener, stop[2];
	unsigned int port;
	pthread_t acceptor;
	struct tunnel **tunnels; /* of the acceptor */
	size_t tunnel_count;
	atomic_uint proxied;
};

/* ---- the fake's answers ---- */

static char *reply_text(const struct ush_http_response *response)
{
	const char *p = response->headers.data, *end = p + response->headers.length;
	USH_AUTO_BUF text = {0};

	ush_buf_printf(&text, "HTTP/1.1 %d Some Reason\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n", response->status, response->body.length);
	while (p != NULL && p < end) { /* name, NUL, value, NUL */
		const char *value = p + strlen(p) + 1;

		ush_buf_printf(&text, "%s: %s\r\n", p, value);
		p = value + strlen(value) + 1;
	}
	ush_buf_printf(&text, "\r\n%s", response->body.data != NULL ? response->body.data : "");
	return ush_buf_take(&text);
}

/* A request, taken apart, to the fake as if it had come from a source. */
static char *answer(void *context, const char *head)
{
	struct over_tls *over = context;
	struct contract *c = over->contract;
	USH_AUTO_FREE char *copy = ush_strdup(head), *url = NULL, *host = NULL, *content_type = NULL;
	const char *headers[HEADERS_MAX + 1] = {0};
	struct ush_http_request request = {.headers = headers};
	USH_AUTO_RESPONSE response = {.retry_after_ms = -1};
	char *rest = copy, *line = strsep(&rest, "\r"), *target = strchr(line, ' ');
	size_t count = 0;

	*target++ = '\0';
	target[strcspn(target, " ")] = '\0';
	request.method = line;
	while (rest != NULL && (line = strsep(&rest, "\r")) != NULL && line[1] != '\0' && count < HEADERS_MAX)
		headers[count++] = line + 1;
	host = provider_header(&request, "Host");
	content_type = provider_header(&request, "Content-Type");
	request.url = url = ush_printf("https://%s%s", host, target);
	request.content_type = content_type;
	request.body = strstr(head, "\r\n\r\n") + 4;
	request.body_length = strlen(request.body);
	pthread_mutex_lock(&over->one_at_a_time);
	c->requests++;
	c->fake->answer(c, &request, &response);
	pthread_mutex_unlock(&over->one_at_a_time);
	return reply_text(&response);
}

/* ---- the proxy ---- */

static int dial(unsigned int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)(void *)&address, sizeof address) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool pass(int from, int to)
{
	char data[16384];
	ssize_t length = read(from, data, sizeof data);

	return length > 0 && ush_write_all(to, data, (size_t)length) == 0;
}

static void relay(struct over_tls *over, int client, int server)
{
	struct pollfd all[3] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}, {.fd = over->stop[0], .events = POLLIN}};

	while (poll(all, 3, -1) > 0 && all[2].revents == 0)
		if ((all[0].revents != 0 && !pass(client, server)) || (all[1].revents != 0 && !pass(server, client)))
			return;
}

static void *tunnel_run(void *context)
{
	struct tunnel *tunnel = context;
	char head[4096];
	size_t length = 0;
	ssize_t got;
	int server;

	while (length < sizeof head - 1 && (got = read(tunnel->client, head + length, sizeof head - 1 - length)) > 0) {
		length += (size_t)got;
		head[length] = '\0';
		if (strstr(head, "\r\n\r\n") != NULL)
			break;
	}
	server = length > 8 && strncmp(head, "CONNECT ", 8) == 0 ? dial(tls_server_port(tunnel->over->server)) : -1;
	if (server >= 0 && ush_write_all(tunnel->client, "HTTP/1.1 200 OK\r\n\r\n", 19) == 0) {
		tunnel->over->proxied++;
		relay(tunnel->over, tunnel->client, server);
	}
	if (server >= 0)
		close(server);
	close(tunnel->client);
	return NULL;
}

static void *accept_all(void *context)
{
	struct over_tls *over = context;
	struct pollfd both[2] = {{.fd = over->listener, .events = POLLIN}, {.fd = over->stop[0], .events = POLLIN}};

	while (poll(both, 2, -1) > 0 && both[1].revents == 0) {
		struct tunnel *tunnel = ush_new(struct tunnel);

		*tunnel = (struct tunnel){.over = over, .client = accept4(over->listener, NULL, NULL, SOCK_CLOEXEC)};
		USH_PUSH(over->tunnels, over->tunnel_count, tunnel);
		if (pthread_create(&tunnel->thread, NULL, tunnel_run, tunnel) != 0)
			abort();
	}
	return NULL;
}

static void proxy_start(struct over_tls *over)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;

	over->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(over->listener, (struct sockaddr *)(void *)&address, length), 0);
	ck_assert_int_eq(listen(over->listener, 64), 0);
	ck_assert_int_eq(getsockname(over->listener, (struct sockaddr *)(void *)&address, &length), 0);
	ck_assert_int_eq(pipe(over->stop), 0);
	over->port = ntohs(address.sin_port);
	ck_assert_int_eq(pthread_create(&over->acceptor, NULL, accept_all, over), 0);
}

/* ---- all of it ---- */

/* Every URL that the policy names at the fake's host (API, token endpoint) leads to the server. */
static void aim(struct over_tls *over)
{
	struct ush_policy_source *source = &over->contract->source;

	for (size_t i = 0; i < source->setting_count; i++) {
		struct ush_setting *setting = &source->settings[i];
		const char *path = setting->row->type == USH_SETTING_URL ? strchr(setting->text + strlen("https://"), '/') : NULL;
		char *url = ush_printf("https://127.0.0.1:%u%s", tls_server_port(over->server), path != NULL ? path : "");

		if (setting->row->type == USH_SETTING_URL) {
			free(setting->text);
			setting->text = ush_steal(&url);
		}
		free(url);
	}
}

static void set_settings(struct over_tls *over)
{
	USH_AUTO_FREE char *ca = knobs_file(over->contract, "ca.pem"), *proxy = ush_printf("http://127.0.0.1:%u", over->port);
	struct ush_error err = {0};

	ck_assert_msg(ush_file_write(ca, over->ca->pem, strlen(over->ca->pem), 0644, &err) == 0, "%s", err.what);
	aim(over);
	ush_source_set(&over->contract->source, "ca", ca);
	ush_source_set(&over->contract->source, "proxy", proxy);
}

struct over_tls *over_tls_start(struct contract *c)
{
	struct over_tls *over = ush_new(struct over_tls);
	struct certificate_wish ca = {.name = "Test CA", .ca = true}, leaf = {.name = "fake", .san = "IP:127.0.0.1"};
	struct tls_server_wish wish = {.answer = answer, .context = over};

	over->contract = c;
	pthread_mutex_init(&over->one_at_a_time, NULL);
	over->ca = certificate_new(&ca);
	leaf.issuer = over->ca;
	over->certificate = certificate_new(&leaf);
	wish.certificate = over->certificate;
	over->server = tls_server_start(&wish);
	proxy_start(over);
	set_settings(over);
	c->now_ms = (int64_t)time(NULL) * 1000;
	ush_world_real(&c->world);
	return over;
}

void over_tls_stop(struct over_tls *over)
{
	ush_world_real_free(&over->contract->world);
	ck_assert_int_eq(write(over->stop[1], "x", 1), 1);
	pthread_join(over->acceptor, NULL);
	for (size_t i = 0; i < over->tunnel_count; i++) {
		pthread_join(over->tunnels[i]->thread, NULL);
		free(over->tunnels[i]);
	}
	free(over->tunnels);
	tls_server_stop(over->server);
	certificate_free(over->certificate);
	certificate_free(over->ca);
	close(over->listener);
	close(over->stop[0]);
	close(over->stop[1]);
	pthread_mutex_destroy(&over->one_at_a_time);
	free(over);
}

void over_tls_forget_ca(struct over_tls *over)
{
	USH_AUTO_FREE char *other = knobs_file(over->contract, "other.pem");
	struct certificate_wish wish = {.name = "Another CA", .ca = true};
	struct certificate *ca = certificate_new(&wish);
	struct ush_error err = {0};

	ck_assert_msg(ush_file_write(other, ca->pem, strlen(ca->pem), 0644, &err) == 0, "%s", err.what);
	certificate_free(ca);
	ush_source_set(&over->contract->source, "ca", other);
}

unsigned int over_tls_proxied(struct over_tls *over)
{
	return over->proxied;
}

unsigned int over_tls_connections(struct over_tls *over)
{
	return tls_server_connections(over->server);
}
