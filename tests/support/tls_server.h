/* SPDX-License-Identifier: Apache-2.0
 *
 * A TLS server on 127.0.0.1 in the test's own process, HTTP/1.1 inside, a thread per connection. It answers each
 * request with what it saw: {"sni": NAME, "host": HOST, "client": COMMON NAME}.
 */
#ifndef USH_TEST_TLS_SERVER_H
#define USH_TEST_TLS_SERVER_H

#include "tests/support/certificate.h"

struct tls_server_wish {
	const struct certificate *certificate;
	const struct certificate *client_ca; /* a client must have a certificate of it; NULL: none is asked for */
	int most_version;                    /* TLS1_1_VERSION...; 0: no limit */
	/* Instead of that answer: the whole of another one, status line and all, which the server frees. Called on the
	 * connection's thread with the request: its head and its body. */
	char *(*answer)(void *context, const char *request);
	void *context;
};

struct tls_server;

struct tls_server *tls_server_start(const struct tls_server_wish *wish);
void tls_server_stop(struct tls_server *server);
unsigned int tls_server_port(const struct tls_server *server);

/* Requests that came through the handshake, and connections that were tried. */
unsigned int tls_server_requests(struct tls_server *server);
unsigned int tls_server_connections(struct tls_server *server);

#endif
