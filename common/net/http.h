/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP exchange, on libcurl. https only (TLS 1.2 or newer, peer and host verified), or http to a literal loopback
 * address when the request says so. No redirects: a 3xx is an answer like any other. No proxy but the request's, no
 * netrc, no cookies, no Accept-Encoding unless asked, no Alt-Svc, no environment. A response larger than the cap, or
 * one that takes longer than the deadline, is an error. Our own user agent ("usher/VERSION"; an API server
 * pretty-prints for curl's). Many exchanges at once: net/many.h.
 */
#ifndef USH_NET_HTTP_H
#define USH_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/text.h"

#define USH_HTTP_WRITES_MS 3000 /* that what is written may take to its end when a signal came */

struct ush_http_request {
	const char *method; /* "GET", "POST", "PATCH", "PUT", "DELETE"; NULL is GET */
	const char *url;
	const char *accept;       /* NULL: application/json */
	const char *content_type; /* with a body */
	const char *body;         /* bytes that may hold a secret: copied nowhere, the caller wipes */
	size_t body_length;
	const struct ush_secret *bearer; /* Authorization: Bearer, or NULL */
	const struct ush_secret *basic;  /* "user:password" for Authorization: Basic, or NULL */
	/* More lines, "Name: value" each, ended by NULL. Not those that have a member here, and not those that libcurl
	 * writes itself (Host, Content-Length, Connection...); Authorization where neither bearer nor basic is given. */
	const char *const *headers;
	bool keep_headers;  /* the answer's are wanted: ush_http_header() */
	bool gzip;          /* the answer may come compressed by gzip; max_bytes holds for what comes out of it */
	bool loopback_http; /* http://127.0.0.1, http://[::1] and http://localhost are allowed */
	/* "http://host:port" or "https://host:port": the connection goes through it (RFC 9110 section 9.3.6 CONNECT, so
	 * it sees no more than the host's name). NULL: none, whatever the environment says. Not for http URLs. */
	const char *proxy;
	const struct ush_secret *proxy_login; /* "user:password" (Basic) for it, or NULL */
	const char *ca_pem;              /* trusted beside the system's CAs; NULL: only the system's */
	bool ca_only; /* ca_pem alone is trusted (kubeconfig's certificate-authority replaces the system's) */
	const char
		*tls_server_name; /* verify this name instead of the URL's host (kubeconfig tls-server-name), or NULL */
	const char *client_cert_pem; /* TLS client certificate, or NULL */
	const struct ush_secret *client_key_pem;
	bool writes;        /* after SIGINT or SIGTERM it has USH_HTTP_WRITES_MS to come to its end: the server does it anyway */
	bool parting;       /* made to its end although SIGINT or SIGTERM came: to leave things in order */
	int64_t timeout_ms; /* of the whole exchange; 0: 15 s. Connecting has 5 s of it */
	size_t max_bytes;   /* of the body; 0: 256 KiB */
	/* When not NULL the body of a 2xx answer is handed over piece by piece instead of being kept; -1 (err filled)
	 * ends the exchange. max_bytes still holds. The body of any other answer is kept, its first 256 KiB. */
	int (*on_body)(void *context, const char *data, size_t length, struct ush_error *err);
	void *on_body_context;
};

struct ush_http_response {
	int status;
	struct ush_buf body;
	char content_type[128]; /* without parameters, lower case */
	int64_t date;           /* Unix seconds of the Date header, 0 when absent */
	int64_t retry_after_ms; /* of Retry-After, at most a day; a date counts from the Date header. -1 when absent */
	struct ush_buf headers; /* with keep_headers; for ush_http_header() alone */
};
/* Of a status that is none of 2xx, body and headers come without secrets of ours (common/base/scrub.h). */

/*
 * Errors of an exchange: USH_ERR_UNAVAILABLE for everything that is the network's or the peer's doing (refused, reset,
 * TLS, deadline, 30 s without a byte), with "HOST: why" that a person understands; USH_ERR_REJECTED for an answer that
 * is too large or compressed against our word, and for a name that leads to a link-local, multicast or zero address; USH_ERR_CONFIG for
 * a URL that may not be asked, or CA and client certificates that cannot be read; USH_ERR_DECLINED when SIGINT or
 * SIGTERM came.
 */

struct ush_http_client;

/* Keeps connections open between exchanges of one client. Process-wide libcurl set-up happens once. */
struct ush_http_client *ush_http_client_new(void);
void ush_http_client_free(struct ush_http_client *client);

/* The `http` of a real world; context is a struct ush_http_client *. */
int ush_http_exchange(struct ush_http_client *client, const struct ush_http_request *request,
		      struct ush_http_response *response, struct ush_error *err);

/* A header's value, with keep_headers; names are compared without case. NULL when it is absent. at: the value with
 * that number, from 0, of a header that stands more than once (Link, RFC 8288). */
const char *ush_http_header(const struct ush_http_response *response, const char *name);
const char *ush_http_header_at(const struct ush_http_response *response, const char *name, size_t index);

void ush_http_response_free(struct ush_http_response *response);
#define USH_AUTO_RESPONSE __attribute__((cleanup(ush_http_response_free))) struct ush_http_response

/* ---- URLs (RFC 3986), for everyone who must know what he is about to ask ---- */

struct ush_url {
	char scheme[8];    /* "https" or "http" */
	char host[256];    /* lower case; an IPv6 address without brackets */
	unsigned int port; /* the scheme's default when the URL has none */
	bool port_given;
	char *path;        /* from '/', with query; "/" when empty. Owned */
	bool loopback;     /* host is 127.0.0.0/8, ::1 or "localhost" */
};

/* Parses an absolute http(s) URL. Refuses user info, fragments, control and non-ASCII bytes, port 0, and hosts that are
 * addresses in disguise (decimal, octal, hex). err: code and "URL: why". */
int ush_url_parse(struct ush_url *url, const char *text, enum ush_code code, struct ush_error *err);
void ush_url_free(struct ush_url *url);
#define USH_AUTO_URL __attribute__((cleanup(ush_url_free))) struct ush_url

/* "host" or "host:port" where the port is not the scheme's, brackets around IPv6: for messages and Host headers. And
 * the whole URL, written anew from its parts. The caller frees. */
char *ush_url_authority(const struct ush_url *url);
char *ush_url_text(const struct ush_url *url);

/* Percent-encodes everything but unreserved characters; appends to out. */
int ush_url_encode(struct ush_buf *out, const char *text);

/* Appends "key=value" (both encoded) to a form or query, with '&' between pairs. */
int ush_form_add(struct ush_buf *form, const char *key, const char *value);

#endif
