/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/text.h"

#define REQUEST_MAX (8U << 20)

struct connection {
	struct http_server *server;
	pthread_t thread;
	int fd;
	unsigned int number;
};

struct http_server {
	http_handler handler;
	void *context;
	int listener;
	int stop[2]; /* a byte in it ends every wait */
	unsigned int port;
	char url[64];
	pthread_t thread;
	pthread_mutex_t lock; /* of everything below, and of the handler */
	struct connection **connections;
	size_t connection_count;
	struct http_seen **seen;
	size_t seen_count;
};

static void die(const char *what)
{
	perror(what);
	abort();
}

/* ---- waiting, with a way out ---- */

/* True when fd is ready before the server stops and before milliseconds are over (-1: never over). */
static bool ready(struct http_server *server, int fd, short events, int milliseconds)
{
	struct pollfd both[2] = {{.fd = fd, .events = events}, {.fd = server->stop[0], .events = POLLIN}};

	return poll(both, 2, milliseconds) > 0 && both[1].revents == 0 && both[0].revents != 0;
}

static bool send_all(struct connection *c, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = ready(c->server, c->fd, POLLOUT, -1) ? send(c->fd, data, length, MSG_NOSIGNAL) : -1;

		if (n <= 0)
			return false;
		data += n;
		length -= (size_t)n;
	}
	return true;
}

static bool send_text(struct connection *c, const char *text)
{
	return send_all(c, text, strlen(text));
}

/* ---- a request ---- */

static size_t content_length(const char *head)
{
	const char *line = strcasestr(head, "\r\ncontent-length:");

	return line != NULL ? strtoul(line + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

/* Reads until head and body are whole; *head is the head's length. What follows stays in buf for the next request. */
static bool receive(struct connection *c, struct ush_buf *buf, size_t *head, size_t *body)
{
	char chunk[16384];

	for (;;) {
		const char *end = buf->data != NULL ? memmem(buf->data, buf->length, "\r\n\r\n", 4) : NULL;
		ssize_t n;

		if (end != NULL) {
			*head = (size_t)(end - buf->data) + 4;
			*body = content_length(buf->data);
			if (buf->length >= *head + *body)
				return true;
		}
		n = ready(c->server, c->fd, POLLIN, -1) ? recv(c->fd, chunk, sizeof chunk, 0) : -1;
		if (n <= 0 || ush_buf_add(buf, chunk, (size_t)n) != 0)
			return false;
	}
}

static struct http_seen *read_request(const struct connection *c, const char *text, size_t head, size_t body)
{
	struct http_seen *seen = ush_new(struct http_seen);
	size_t method = strcspn(text, " \r"), line = strcspn(text, "\r");
	const char *target = text + method + (text[method] == ' ' ? 1 : 0);
	size_t target_length = strcspn(target, " \r");

	seen->method = ush_strndup(text, method);
	seen->target = ush_strndup(target, target_length);
	seen->path = ush_strndup(seen->target, strcspn(seen->target, "?"));
	seen->headers = ush_strndup(text + line + 2, head - line - 4);
	seen->body = ush_strndup(text + head, body);
	seen->body_length = body;
	seen->connection = c->number;
	return seen;
}

/* ---- an answer ---- */

static const char *reason(int status)
{
	return status == 200 ? "OK" : status < 400 ? "Moved" : status < 500 ? "Bad" : "Broken";
}

static bool send_head(struct connection *c, const struct http_reply *reply, const char *length_header)
{
	USH_AUTO_FREE char *head =
		ush_printf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%s%s\r\n", reply->status, reason(reply->status),
			   reply->content_type, length_header, reply->headers != NULL ? reply->headers : "");

	return send_text(c, head);
}

static bool send_plain(struct connection *c, const struct http_reply *reply, size_t most)
{
	USH_AUTO_FREE char *length = ush_printf("Content-Length: %zu\r\n", reply->body_length);

	return send_head(c, reply, length) && send_all(c, reply->body, most);
}

static void send_drip(struct connection *c, const struct http_reply *reply)
{
	if (!send_plain(c, reply, 0))
		return;
	for (size_t i = 0; i < reply->body_length; i++)
		if (ready(c->server, c->fd, POLLIN, 1000) || !send_all(c, reply->body + i, 1))
			return;
}

static void send_chunks(struct connection *c, const struct http_reply *reply)
{
	USH_AUTO_FREE char *chunk = ush_printf("%zx\r\n%s\r\n", reply->body_length, reply->body);

	if (!send_head(c, reply, "Transfer-Encoding: chunked\r\n"))
		return;
	while (send_text(c, chunk))
		;
}

static void send_headers(struct connection *c)
{
	send_text(c, "HTTP/1.1 200 OK\r\n");
	while (send_text(c, "X-Filler: 0123456789012345678901234567890123456789\r\n"))
		;
}

/* An answer of these has no body, whatever its headers say (RFC 9112 section 6.3): one would be read as the next answer. */
static bool bodiless(int status)
{
	return status / 100 == 1 || status == 204 || status == 304;
}

/* True when the connection may be used again. */
static bool send_reply(struct connection *c, const struct http_reply *reply)
{
	switch (reply->fault) {
	case HTTP_FAULT_NONE:
		return bodiless(reply->status) ? send_head(c, reply, "") : send_plain(c, reply, reply->body_length);
	case HTTP_FAULT_RAW:
		send_all(c, reply->body, reply->body_length);
		break;
	case HTTP_FAULT_CLOSE:
		break;
	case HTTP_FAULT_CUT:
		send_plain(c, reply, reply->body_length / 2);
		break;
	case HTTP_FAULT_HANG:
		ready(c->server, c->fd, POLLIN, -1);
		break;
	case HTTP_FAULT_DRIP:
		send_drip(c, reply);
		break;
	case HTTP_FAULT_ENDLESS_CHUNKS:
		send_chunks(c, reply);
		break;
	case HTTP_FAULT_ENDLESS_HEADERS:
		send_headers(c);
		break;
	}
	return false;
}

static bool serve_one(struct connection *c, struct ush_buf *buf)
{
	struct http_server *server = c->server;
	struct http_reply reply = {.status = 200, .content_type = "application/json"};
	struct http_seen *seen;
	size_t head, body;
	bool again;

	if (!receive(c, buf, &head, &body))
		return false;
	seen = read_request(c, buf->data, head, body);
	pthread_mutex_lock(&server->lock);
	USH_PUSH(server->seen, server->seen_count, seen);
	server->handler(server->context, seen, &reply);
	pthread_mutex_unlock(&server->lock);
	if (reply.body == NULL)
		reply.body = ush_strdup("");
	if (reply.body_length == 0)
		reply.body_length = strlen(reply.body);
	again = send_reply(c, &reply);
	free(reply.body);
	free(reply.headers);
	memmove(buf->data, buf->data + head + body, buf->length - head - body);
	buf->length -= head + body;
	buf->data[buf->length] = '\0';
	return again;
}

/* ---- threads ---- */

static void *serve(void *context)
{
	struct connection *c = context;
	USH_AUTO_BUF buf = USH_BUF_MAX(REQUEST_MAX);

	while (serve_one(c, &buf))
		;
	shutdown(c->fd, SHUT_RDWR);
	close(c->fd);
	return NULL;
}

static void *accept_all(void *context)
{
	struct http_server *server = context;

	while (ready(server, server->listener, POLLIN, -1)) {
		struct connection *c = ush_new(struct connection);
		int one = 1;

		c->server = server;
		c->fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
		if (c->fd < 0) {
			free(c);
			continue;
		}
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		pthread_mutex_lock(&server->lock);
		c->number = (unsigned int)server->connection_count + 1;
		USH_PUSH(server->connections, server->connection_count, c);
		pthread_mutex_unlock(&server->lock);
		if (pthread_create(&c->thread, NULL, serve, c) != 0)
			die("pthread_create");
	}
	return NULL;
}

struct http_server *http_server_start(http_handler handler, void *context)
{
	struct http_server *server = ush_new(struct http_server);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;

	server->handler = handler;
	server->context = context;
	pthread_mutex_init(&server->lock, NULL);
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, length) != 0 ||
	    listen(server->listener, 128) != 0 ||
	    getsockname(server->listener, (struct sockaddr *)&address, &length) != 0 || pipe(server->stop) != 0)
		die("http_server_start");
	server->port = ntohs(address.sin_port);
	snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", server->port);
	if (pthread_create(&server->thread, NULL, accept_all, server) != 0)
		die("pthread_create");
	return server;
}

static void seen_free(struct http_seen *seen)
{
	free(seen->method);
	free(seen->target);
	free(seen->path);
	free(seen->headers);
	free(seen->body);
	free(seen);
}

void http_server_stop(struct http_server *server)
{
	if (server == NULL)
		return;
	if (write(server->stop[1], "x", 1) != 1)
		die("http_server_stop");
	pthread_join(server->thread, NULL);
	for (size_t i = 0; i < server->connection_count; i++) {
		pthread_join(server->connections[i]->thread, NULL);
		free(server->connections[i]);
	}
	for (size_t i = 0; i < server->seen_count; i++)
		seen_free(server->seen[i]);
	free(server->connections);
	free(server->seen);
	close(server->listener);
	close(server->stop[0]);
	close(server->stop[1]);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

/* ---- what the test asks ---- */

const char *http_server_url(const struct http_server *server)
{
	return server->url;
}

unsigned int http_server_port(const struct http_server *server)
{
	return server->port;
}

void http_server_script(struct http_server *server, http_handler handler, void *context)
{
	pthread_mutex_lock(&server->lock);
	server->handler = handler;
	server->context = context;
	pthread_mutex_unlock(&server->lock);
}

unsigned int http_server_connections(struct http_server *server)
{
	unsigned int count;

	pthread_mutex_lock(&server->lock);
	count = (unsigned int)server->connection_count;
	pthread_mutex_unlock(&server->lock);
	return count;
}

static size_t look(struct http_server *server, const char *path, size_t index, const struct http_seen **found)
{
	size_t count = 0;

	pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < server->seen_count; i++) {
		if (path != NULL && strcmp(server->seen[i]->path, path) != 0)
			continue;
		if (count++ == index && found != NULL)
			*found = server->seen[i];
	}
	pthread_mutex_unlock(&server->lock);
	return count;
}

size_t http_server_count(struct http_server *server, const char *path)
{
	return look(server, path, 0, NULL);
}

const struct http_seen *http_server_seen(struct http_server *server, const char *path, size_t index)
{
	const struct http_seen *found = NULL;

	look(server, path, index, &found);
	return found;
}

char *http_seen_header(const struct http_seen *seen, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = seen->headers; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncasecmp(line, name, length) != 0 || line[length] != ':')
			continue;
		line += length + 1;
		line += strspn(line, " ");
		return ush_strndup(line, strcspn(line, "\r"));
	}
	return NULL;
}

static char hex_value(const char *digits)
{
	char two[3] = {digits[0], digits[1], '\0'};

	return (char)strtoul(two, NULL, 16);
}

char *http_seen_form(const char *form, const char *key)
{
	size_t length = strlen(key);

	for (const char *pair = form; *pair != '\0'; pair += strcspn(pair, "&"), pair += *pair == '&') {
		char *out, *at;

		if (strncmp(pair, key, length) != 0 || pair[length] != '=')
			continue;
		pair += length + 1;
		at = out = ush_strndup(pair, strcspn(pair, "&"));
		for (const char *from = pair; *from != '\0' && *from != '&'; from++)
			if (*from == '%' && from[1] != '\0' && from[2] != '\0')
				*at++ = hex_value(from + 1), from += 2;
			else
				*at++ = *from == '+' ? ' ' : *from;
		*at = '\0';
		return out;
	}
	return NULL;
}
