/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside net/: one exchange while it runs, and what becomes of the peer's answer. Status, headers and body are taken
 * under their caps; a failure of libcurl is turned into a sentence.
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

struct ush_exchange {
	CURL *easy;
	const struct ush_http_request *request;
	struct ush_http_response *response;
	struct ush_error *err;
	char *host; /* as messages name it */
	int64_t timeout_ms;
	struct curl_slist *headers, *connect_to;
	char *authorities; /* PEM */
	size_t header_bytes, body_bytes;
	bool refused;   /* a callback ended the exchange and filled err */
	bool cut;       /* the body of an error answer was longer than is kept */
	bool forbidden; /* the host's name led to an address that is not asked */
	char why[CURL_ERROR_SIZE];
};

/* True for addresses that no provider and no API server has, but a cloud's metadata service does: link-local,
 * multicast, zero, IPv4 inside IPv6, other families. A name that leads there is not asked. */
bool ush_http_forbidden(const struct sockaddr *address);

/* libcurl's callbacks; context is the exchange. */
size_t ush_answer_header(char *line, size_t size, size_t count, void *context);
size_t ush_answer_body(char *data, size_t size, size_t count, void *context);

/* Fills err from what libcurl said. Returns -1. */
int ush_answer_failed(struct ush_exchange *x, CURLcode result);

#endif
