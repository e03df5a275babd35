/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside net/: one exchange while it runs. exchange.c sets libcurl up for it, the same for one alone and for many at
 * once; answer.c takes status, headers and body under their caps and turns a failure of libcurl into a sentence.
 */
#ifndef USH_NET_ANSWER_H
#define USH_NET_ANSWER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/net/http.h"

#define USH_HTTP_TIMEOUT_MS 15000
#define USH_HTTP_BODY_MAX   (256U << 10)
#define USH_HTTP_HEADER_MAX (64U << 10)
#define USH_RETRY_AFTER_MAX 86400 /* seconds; who says more means never */

struct ush_exchange {
	CURL *easy;
	const struct ush_http_request *request;
	struct ush_http_response *response;
	struct ush_error *err;
	char *host; /* as messages name it */
	char *peer; /* who is connected to: the host, or the proxy */
	int64_t timeout_ms;
	struct curl_slist *headers, *connect_to;
	char *authorities; /* PEM */
	size_t header_bytes, body_bytes;
	int64_t retry_at; /* Unix seconds of a Retry-After that is a date, or 0 */
	bool compressed;  /* a Content-Encoding was taken */
	int64_t until_ms; /* of the boot clock, once a signal came; 0: none did */
	bool refused;   /* a callback ended the exchange and filled err */
	bool cut;       /* the body of an error answer was longer than is kept */
	bool forbidden; /* the host's name led to an address that is not asked */
	char why[CURL_ERROR_SIZE];
};

struct ush_http_client {
	CURL *easy;
	char *system_ca; /* the system's CA bundle, once it was needed */
	struct ush_many *many; /* many.c's, once it was needed */
};

/* Sets x->easy up for x->request; x holds easy, request, response and err. -1 when the request may not be made. Ended
 * by ush_exchange_end either way, which resets the handle and lets it be used again. */
int ush_exchange_begin(struct ush_exchange *x, struct ush_http_client *client);

/* What became of it, by libcurl's word: fills the response, or err. */
int ush_exchange_settle(struct ush_exchange *x, CURLcode result);
void ush_exchange_end(struct ush_exchange *x);

/* many.c */
void ush_many_free(struct ush_many *many);

/* True for addresses that no provider and no API server has, but a cloud's metadata service does: link-local,
 * multicast, zero, IPv4 inside IPv6, other families. A name that leads there is not asked. */
bool ush_http_forbidden(const struct sockaddr *address);

/* libcurl's callbacks; context is the exchange. */
size_t ush_answer_header(char *line, size_t size, size_t count, void *context);
size_t ush_answer_body(char *data, size_t size, size_t count, void *context);

/* Fills err from what libcurl said. Returns -1. */
int ush_answer_failed(struct ush_exchange *x, CURLcode result);

#endif
