/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tls_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/memory.h"

struct connection {
	struct tls_server *server;
	SSL *ssl;
	int fd;
	pthread_t thread;
};

struct tls_server {
	SSL_CTX *context;
	struct tls_server_wish wish;
	int listener;
	int stop[2];
	unsigned int port;
	pthread_t thread;
	struct connection **all; /* of the accepting thread */
	size_t count;
	atomic_uint requests, connections;
};

static void die(const char *what)
{
	perror(what);
	abort();
}

/* True when fd can be read before the server stops. */
static bool readable(struct tls_server *server, int fd)
{
	struct pollfd both[2] = {{.fd = fd, .events = POLLIN}, {.fd = server->stop[0], .events = POLLIN}};

	return poll(both, 2, -1) > 0 && both[1].revents == 0;
}

static char *client_name(SSL *ssl)
{
	X509 *peer = SSL_get1_peer_certificate(ssl);
	char name[128] = "";

	if (peer != NULL)
		X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name, sizeof name);
	X509_free(peer);
	return ush_strdup(name);
}

static void answer(SSL *ssl, const char *request)
{
	const char *host = strcasestr(request, "\r\nhost: "), *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	USH_AUTO_FREE char *client = client_name(ssl);
	USH_AUTO_FREE char *name = host != NULL ? ush_strndup(host + 8, strcspn(host + 8, "\r")) : ush_strdup("");
	USH_AUTO_FREE char *body =
		ush_printf("{\"sni\":\"%s\",\"host\":\"%s\",\"client\":\"%s\"}", sni != NULL ? sni : "", name, client);
	USH_AUTO_FREE char *text =
		ush_printf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			   strlen(body), body);

	SSL_write(ssl, text, (int)strlen(text));
}

static void answer_as_told(struct connection *c, const char *request)
{
	USH_AUTO_FREE char *text = c->server->wish.answer(c->server->wish.context, request);

	SSL_write(c->ssl, text, (int)strlen(text));
}

/* The head, and as much after it as it says. */
static bool whole(const char *request, size_t length)
{
	const char *end = strstr(request, "\r\n\r\n"), *said = strcasestr(request, "\r\ncontent-length: ");

	return end != NULL && length >= (size_t)(end - request) + 4 + (said != NULL && said < end ? strtoul(said + 18, NULL, 10) : 0);
}

/* Requests of one connection, until the client or the server ends it. */
static void serve_requests(struct connection *c)
{
	char request[8192];
	int length = 0, n;

	if (SSL_accept(c->ssl) != 1)
		return;
	while (SSL_pending(c->ssl) > 0 || readable(c->server, c->fd)) {
		n = SSL_read(c->ssl, request + length, (int)sizeof request - 1 - length);
		if (n <= 0)
			return;
		length += n;
		request[length] = '\0';
		if (!whole(request, (size_t)length))
			continue;
		c->server->requests++;
		if (c->server->wish.answer == NULL)
			answer(c->ssl, request);
		else
			answer_as_told(c, request);
		length = 0;
	}
}

static void *serve(void *context)
{
	struct connection *c = context;

	serve_requests(c);
	SSL_free(c->ssl);
	close(c->fd);
	return NULL;
}

static void *accept_all(void *context)
{
	struct tls_server *server = context;
	const struct timeval patience = {.tv_sec = 10}; /* a client that goes away in a handshake is not waited for */

	while (readable(server, server->listener)) {
		struct connection *c = ush_new(struct connection);

		c->server = server;
		c->fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
		c->ssl = SSL_new(server->context);
		server->connections++;
		setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		SSL_set_fd(c->ssl, c->fd);
		USH_PUSH(server->all, server->count, c);
		if (pthread_create(&c->thread, NULL, serve, c) != 0)
			die("pthread_create");
	}
	return NULL;
}

static SSL_CTX *make_context(const struct tls_server_wish *wish)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_security_level(context, 0); /* what the client will not take must be offered first */
	if (wish->most_version != 0) {
		SSL_CTX_set_min_proto_version(context, wish->most_version);
		SSL_CTX_set_max_proto_version(context, wish->most_version);
		SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
	}
	if (SSL_CTX_use_certificate(context, wish->certificate->x509) != 1 ||
	    SSL_CTX_use_PrivateKey(context, wish->certificate->key) != 1)
		die("tls_server: certificate");
	if (wish->client_ca != NULL) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(context), wish->client_ca->x509);
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return context;
}

struct tls_server *tls_server_start(const struct tls_server_wish *wish)
{
	struct tls_server *server = ush_new(struct tls_server);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;

	server->context = make_context(wish);
	server->wish = *wish;
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, length) != 0 ||
	    listen(server->listener, 16) != 0 ||
	    getsockname(server->listener, (struct sockaddr *)&address, &length) != 0 || pipe(server->stop) != 0)
		die("tls_server_start");
	server->port = ntohs(address.sin_port);
	if (pthread_create(&server->thread, NULL, accept_all, server) != 0)
		die("pthread_create");
	return server;
}

void tls_server_stop(struct tls_server *server)
{
	if (write(server->stop[1], "x", 1) != 1)
		die("tls_server_stop");
	pthread_join(server->thread, NULL);
	for (size_t i = 0; i < server->count; i++) {
		pthread_join(server->all[i]->thread, NULL);
		free(server->all[i]);
	}
	free(server->all);
	SSL_CTX_free(server->context);
	close(server->listener);
	close(server->stop[0]);
	close(server->stop[1]);
	free(server);
}

unsigned int tls_server_port(const struct tls_server *server)
{
	return server->port;
}

unsigned int tls_server_requests(struct tls_server *server)
{
	return server->requests;
}

unsigned int tls_server_connections(struct tls_server *server)
{
	return server->connections;
}
