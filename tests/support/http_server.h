/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted HTTP server in the test's own process: plain HTTP/1.1 on 127.0.0.1 and a port that the kernel picks, a
 * thread per connection, keep-alive. A handler fills the answer; every request is kept for the test to look at. An
 * answer may misbehave in a named way. Handlers run one at a time, on another thread than the test: they must not
 * assert.
 *
 *   static void answer(void *context, const struct http_seen *seen, struct http_reply *reply)
 *   {
 *           reply->body = ush_strdup("{}");
 *   }
 *   struct http_server *server = http_server_start(answer, NULL);
 *   ... http_server_url(server), http_server_count(server, "/token") ...
 *   http_server_stop(server);
 */
#ifndef USH_TEST_HTTP_SERVER_H
#define USH_TEST_HTTP_SERVER_H

#include <stddef.h>

struct http_seen {
	char *method;
	char *target;  /* path and query, as sent */
	char *path;    /* without the query */
	char *headers; /* raw lines, each ended by \r\n */
	char *body;    /* NUL terminated; "" when there is none */
	size_t body_length;
	unsigned int connection; /* which one it came on, from 1 */
};

enum http_fault {
	HTTP_FAULT_NONE,
	HTTP_FAULT_RAW,            /* body is sent as it is, status line and all, then the connection is closed */
	HTTP_FAULT_CLOSE,          /* the connection is closed without an answer */
	HTTP_FAULT_CUT,            /* half of the body, then the connection is closed */
	HTTP_FAULT_HANG,           /* nothing is sent until the client goes */
	HTTP_FAULT_DRIP,           /* a byte of the body each second */
	HTTP_FAULT_ENDLESS_CHUNKS, /* the body again and again, chunked, until the client goes */
	HTTP_FAULT_ENDLESS_HEADERS /* header lines until the client goes */
};

struct http_reply {
	int status;               /* 200 */
	const char *content_type; /* "application/json" */
	char *headers;            /* more lines, each ended by \r\n, or NULL; freed by the server */
	char *body;               /* or NULL; freed by the server */
	size_t body_length;       /* 0: that of the text */
	enum http_fault fault;
};

typedef void (*http_handler)(void *context, const struct http_seen *seen, struct http_reply *reply);

struct http_server;

struct http_server *http_server_start(http_handler handler, void *context);
void http_server_stop(struct http_server *server);

/* "http://127.0.0.1:PORT", owned by the server. */
const char *http_server_url(const struct http_server *server);
unsigned int http_server_port(const struct http_server *server);

/* How many requests came for that path; NULL counts all. And how many connections were opened. */
size_t http_server_count(struct http_server *server, const char *path);
unsigned int http_server_connections(struct http_server *server);

/* The request with that index of those for path (NULL: of all), or NULL. It stays until the server stops. */
const struct http_seen *http_server_seen(struct http_server *server, const char *path, size_t index);

/* Hands over another script, between requests. */
void http_server_script(struct http_server *server, http_handler handler, void *context);

/* A header's value, or NULL; and a form's or query's decoded value, or NULL. The caller frees. */
char *http_seen_header(const struct http_seen *seen, const char *name);
char *http_seen_form(const char *form, const char *key);

#endif
