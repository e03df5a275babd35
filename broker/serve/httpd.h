/* SPDX-License-Identifier: Apache-2.0
 *
 * A small HTTP/1.1 server on libmicrohttpd, with TLS (1.2 or later) or without, driven by its caller's loop: whoever calls
 * ush_httpd_turn again and again serves, on his own thread and on no other. Everything a client sends has a cap: header,
 * body, connections (seats.h), and the time that a request may take from its first byte to the last of the answer. SIGPIPE
 * is for the program to ignore.
 */
#ifndef USH_SERVE_HTTPD_H
#define USH_SERVE_HTTPD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/world.h"

struct ush_httpd;

struct ush_httpd_request {
	const char *method; /* as sent */
	const char *target; /* path and query as sent: hostile. target.h takes it apart */
	const char *body;   /* NUL terminated; "" until it is whole */
	size_t length;
	void *connection; /* MHD's */
};

#define USH_HTTPD_HEADERS 6

struct ush_httpd_reply {
	int status;	  /* 0: none yet */
	const char *type; /* NULL: there is no body */
	char *body;	  /* freed by the server */
	size_t length;
	struct {
		const char *name;
		char *value; /* freed by the server */
	} headers[USH_HTTPD_HEADERS];
	size_t header_count;
	bool held;  /* goes out when settle has said that it may */
	bool known; /* this client has shown who it is: its connection is a stranger's no more */
};

struct ush_httpd_config {
	const char *listen;	/* "127.0.0.1:8443", "[::]:8443"; port 0: the kernel picks one */
	const char *cert, *key; /* PEM; NULL: no TLS */
	size_t header_most;
	size_t body_most;	/* of one request */
	size_t bodies_most;	/* of all requests at one time */
	unsigned int connections, strangers, strangers_of_host;
	unsigned int strangers_least; /* there is room for so many, as far as known clients are idle */
	bool once;		       /* one request a connection */
	int64_t stranger_ms, known_ms; /* from one request's end to the next one's; then the connection is cut */
	void *context;
	/* The header is there. Fills reply to answer at once, without the body; else the body is read. Either way the client
	 * may be known from here on. */
	void (*admit)(void *context, const struct ush_httpd_request *request, struct ush_httpd_reply *reply);
	/* NULL where admit answers always; so are the next two where no reply is held. */
	void (*answer)(void *context, const struct ush_httpd_request *request, struct ush_httpd_reply *reply);
	/* Called when a turn has replies that are held: true sends them, false sends what spoilt makes in the place of each. */
	bool (*settle)(void *context);
	void (*spoilt)(void *context, struct ush_httpd_reply *reply);
};

/* USH_ERR_USAGE for an address that is none, USH_ERR_CONFIG for key or certificate, USH_ERR_UNAVAILABLE when it cannot
 * listen. config's texts may go afterwards, its context must stay. */
struct ush_httpd *ush_httpd_open(const struct ush_httpd_config *config, const struct ush_world *world, struct ush_error *err);

/* "127.0.0.1:8443", as it really listens. */
const char *ush_httpd_where(const struct ush_httpd *serve);

/* Waits at most wait_ms for something to do, or until wake (a file descriptor, or -1) can be read, and does it. */
void ush_httpd_turn(struct ush_httpd *serve, int wait_ms, int wake);

/* Another certificate from now on; requests under way end first. USH_ERR_CONFIG keeps the one there is. */
int ush_httpd_rekey(struct ush_httpd *serve, const char *cert, const char *key, struct ush_error *err);

/* How many strangers had to go for another one, since it was asked last; and how many known clients that were idle. */
size_t ush_httpd_crowded_out(struct ush_httpd *serve);
size_t ush_httpd_gave_way(struct ush_httpd *serve);

/* Answers what known clients have under way, for two seconds at most, and ends. */
void ush_httpd_close(struct ush_httpd *serve);

/* ---- for handlers ---- */

/* A header of the request, or NULL. Hostile. */
const char *ush_httpd_header(const struct ush_httpd_request *request, const char *name);

/* The address of the client as text. out holds 64 bytes. */
const char *ush_httpd_peer(const struct ush_httpd_request *request, char *out, size_t size);

void ush_httpd_add_header(struct ush_httpd_reply *reply, const char *name, char *value);

#endif
