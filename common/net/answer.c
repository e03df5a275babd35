/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/answer.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/memory.h"
#include "common/base/moment.h"

#define MIB ((size_t)1 << 20)

/* ---- headers ---- */

static void take_type(struct ush_exchange *x, const char *value)
{
	size_t length = strcspn(value, "; \t");

	snprintf(x->response->content_type, sizeof x->response->content_type, "%.*s", (int)length, value);
	for (char *p = x->response->content_type; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
}

static void take_date(struct ush_exchange *x, const char *value)
{
	time_t date = curl_getdate(value, NULL);

	x->response->date = date > 0 ? (int64_t)date : 0;
}

static void take_retry(struct ush_exchange *x, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	long seconds = digits > 0 && digits < 10 ? strtol(value, NULL, 10) : USH_RETRY_AFTER_MAX;
	time_t date = strstr(value, "GMT") != NULL ? curl_getdate(value, NULL) : -1; /* RFC 9110 section 5.6.7 */

	if (digits > 0 && value[digits] == '\0')
		x->response->retry_after_ms = (int64_t)(seconds < USH_RETRY_AFTER_MAX ? seconds : USH_RETRY_AFTER_MAX) * 1000;
	x->retry_at = date > 0 ? (int64_t)date : 0;
}

static void take_encoding(struct ush_exchange *x, const char *value)
{
	if (value[0] == '\0' || strcasecmp(value, "identity") == 0)
		return;
	if (x->request->gzip && !x->compressed && strcasecmp(value, "gzip") == 0) {
		x->compressed = true;
		return;
	}
	x->refused = true;
	ush_fail(x->err, USH_ERR_REJECTED, "%s answered with a compressed body, which was not asked for", x->host);
}

static void take_transfer(struct ush_exchange *x, const char *value)
{
	if (strcasecmp(value, "chunked") == 0)
		return;
	x->compressed = true; /* libcurl does not undo this one for us */
	take_encoding(x, value);
}

static const struct {
	const char *name;
	void (*take)(struct ush_exchange *x, const char *value);
} headers[] = {
	{"content-type", take_type},          {"date", take_date},
	{"retry-after", take_retry},          {"content-encoding", take_encoding},
	{"transfer-encoding", take_transfer},
};

/* Adds name and value, each ended by a NUL. A line that is not printable is none that a caller could use. */
static void keep_header(struct ush_exchange *x, const char *line, size_t name, const char *value, size_t length)
{
	struct ush_buf *kept = &x->response->headers;

	if (memchr(line, '\0', name) != NULL || memchr(value, '\0', length) != NULL)
		return;
	ush_buf_add(kept, line, name);
	ush_buf_add(kept, "", 1);
	ush_buf_add(kept, value, length);
	ush_buf_add(kept, "", 1);
}

static void take_header(struct ush_exchange *x, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length), *at;
	size_t name = colon != NULL ? (size_t)(colon - line) : 0;
	char value[256];

	if (name == 0 || line[0] == ' ' || line[0] == '\t')
		return;
	at = colon + 1;
	length -= name + 1;
	while (length > 0 && (at[0] == ' ' || at[0] == '\t'))
		at++, length--;
	while (length > 0 && strchr(" \t\r\n", at[length - 1]) != NULL)
		length--;
	if (x->request->keep_headers)
		keep_header(x, line, name, at, length);
	snprintf(value, sizeof value, "%.*s", (int)(length < sizeof value ? length : sizeof value - 1), at);
	for (size_t i = 0; i < USH_COUNT(headers); i++)
		if (strlen(headers[i].name) == name && strncasecmp(line, headers[i].name, name) == 0)
			headers[i].take(x, value);
}

size_t ush_answer_header(char *line, size_t size, size_t count, void *context)
{
	struct ush_exchange *x = context;
	size_t length = size * count;

	x->header_bytes += length;
	if (x->header_bytes > USH_HTTP_HEADER_MAX) {
		x->refused = true;
		ush_fail(x->err, USH_ERR_REJECTED, "%s answered with more than %u KiB of headers", x->host,
			 USH_HTTP_HEADER_MAX >> 10);
		return 0;
	}
	if (length > 5 && strncmp(line, "HTTP/", 5) == 0) { /* what an interim answer (1xx) said does not count */
		x->response->content_type[0] = '\0';
		x->response->date = 0;
		x->response->retry_after_ms = -1;
		x->retry_at = 0;
		x->compressed = false;
		ush_buf_free(&x->response->headers);
	} else {
		take_header(x, line, length);
	}
	return x->refused ? 0 : length;
}

/* ---- body ---- */

/* The beginning of an error's body is enough to say what was wrong. */
static size_t keep_error_body(struct ush_exchange *x, const char *data, size_t length)
{
	size_t room = USH_HTTP_BODY_MAX - x->body_bytes, take = length < room ? length : room;

	ush_buf_add(&x->response->body, data, take);
	x->body_bytes += take;
	x->cut = take < length;
	return x->cut ? 0 : length;
}

size_t ush_answer_body(char *data, size_t size, size_t count, void *context)
{
	struct ush_exchange *x = context;
	size_t length = size * count, most = x->request->max_bytes != 0 ? x->request->max_bytes : USH_HTTP_BODY_MAX;
	long status = 0;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		return keep_error_body(x, data, length);
	if (length > most - x->body_bytes) {
		x->refused = true;
		ush_fail(x->err, USH_ERR_REJECTED, "%s answered with more than %zu %s, the most that is taken", x->host,
			 most % MIB == 0 ? most / MIB : most, most % MIB == 0 ? "MiB" : "bytes");
		return 0;
	}
	x->body_bytes += length;
	x->response->body.limit = most;
	if (x->request->on_body == NULL)
		x->refused = ush_buf_add(&x->response->body, data, length) != 0;
	else
		x->refused = x->request->on_body(x->request->on_body_context, data, length, x->err) != 0;
	return x->refused ? 0 : length;
}

/* ---- failures ---- */

static const struct {
	CURLcode result;
	enum ush_code code;
	const char *meaning; /* after the host */
} meanings[] = {
	{CURLE_COULDNT_RESOLVE_HOST, USH_ERR_UNAVAILABLE, "is a name that DNS does not know or cannot tell now"},
	{CURLE_GOT_NOTHING, USH_ERR_UNAVAILABLE, "closed the connection without an answer"},
	{CURLE_RECV_ERROR, USH_ERR_UNAVAILABLE, "broke the connection off"},
	{CURLE_SEND_ERROR, USH_ERR_UNAVAILABLE, "broke the connection off"},
	{CURLE_PARTIAL_FILE, USH_ERR_UNAVAILABLE, "broke off in the middle of its answer"},
	{CURLE_HTTP2, USH_ERR_UNAVAILABLE, "broke the connection off (HTTP/2)"},
	{CURLE_HTTP2_STREAM, USH_ERR_UNAVAILABLE, "broke off in the middle of its answer (HTTP/2)"},
	{CURLE_WEIRD_SERVER_REPLY, USH_ERR_UNAVAILABLE, "answered something that is not HTTP"},
	{CURLE_UNSUPPORTED_PROTOCOL, USH_ERR_UNAVAILABLE, "answered something that is not HTTP"},
	{CURLE_BAD_CONTENT_ENCODING, USH_ERR_REJECTED, "answered with a body that cannot be uncompressed"},
	{CURLE_COULDNT_RESOLVE_PROXY, USH_ERR_UNAVAILABLE, "cannot be asked: DNS does not know its proxy"},
	{CURLE_PROXY, USH_ERR_UNAVAILABLE, "cannot be reached through its proxy"},
	{CURLE_OUT_OF_MEMORY, USH_ERR_STORE, "cannot be asked: out of memory"},
	{CURLE_SSL_CACERT_BADFILE, USH_ERR_CONFIG, "cannot be asked: the CA certificates given for it cannot be read"},
	{CURLE_SSL_CERTPROBLEM, USH_ERR_CONFIG,
	 "cannot be asked: the client certificate or its key cannot be read or do not fit together"},
	{CURLE_ABORTED_BY_CALLBACK, USH_ERR_DECLINED, "was not waited for: a signal asked to stop"},
};

static int not_connected(struct ush_exchange *x)
{
	long number = 0;

	curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &number);
	if (x->forbidden)
		return ush_fail(x->err, USH_ERR_REJECTED,
				"%s has a link-local, multicast or zero address, which is not asked", x->peer);
	if (number == ECONNREFUSED)
		return ush_fail(x->err, USH_ERR_UNAVAILABLE, "%s refused the connection", x->peer);
	return ush_fail(x->err, USH_ERR_UNAVAILABLE, "%s cannot be reached (%s)", x->peer,
			number != 0 ? strerror((int)number) : "no route");
}

static int too_late(struct ush_exchange *x)
{
	curl_off_t connected = 0, total = 0;

	curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	curl_easy_getinfo(x->easy, CURLINFO_TOTAL_TIME_T, &total);
	if (connected == 0)
		return ush_fail(x->err, USH_ERR_UNAVAILABLE, "%s could not be reached within %.3g s", x->host,
				(double)total / 1e6);
	if (total / 1000 + 1000 < x->timeout_ms) /* long before the deadline: the stall rule */
		return ush_fail(x->err, USH_ERR_UNAVAILABLE, "%s fell silent in the middle of the exchange", x->host);
	return ush_fail(x->err, USH_ERR_UNAVAILABLE, "%s did not answer%s within %.3g s", x->host,
			x->header_bytes > 0 ? " to the end" : "", (double)x->timeout_ms / 1000);
}

/* Whether a certificate is not valid yet, or no more, our own clock says, which may be the one that is wrong. */
static char *clock_words(long verdict)
{
	USH_AUTO_FREE char *now = ush_moment(time(NULL)); /* which OpenSSL went by, too */

	if (verdict != X509_V_ERR_CERT_NOT_YET_VALID && verdict != X509_V_ERR_CERT_HAS_EXPIRED)
		return ush_strdup("");
	return ush_printf(" by this machine's clock, where it is %.10s", now);
}

static int not_trusted(struct ush_exchange *x)
{
	USH_AUTO_FREE char *words = NULL;
	long verdict = X509_V_OK;

	curl_easy_getinfo(x->easy, CURLINFO_SSL_VERIFYRESULT, &verdict); /* a wrong name leaves it at where it began */
	words = clock_words(verdict);
	return ush_fail(x->err, USH_ERR_UNAVAILABLE, "%s: certificate is not trusted (%s%s)", x->host,
			verdict != X509_V_OK && verdict != X509_V_ERR_UNSPECIFIED
				? X509_verify_cert_error_string(verdict)
				: "it is not made for this name", words);
}

int ush_answer_failed(struct ush_exchange *x, CURLcode result)
{
	long connect = 0;

	if (x->refused)
		return ush_fail(x->err, USH_ERR_REJECTED, "%s: its answer was not taken",
				x->host); /* err is filled by now */
	if (result == CURLE_COULDNT_CONNECT)
		return not_connected(x);
	curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &connect);
	if (connect >= 300)
		return ush_fail(x->err, USH_ERR_UNAVAILABLE, "%s does not connect to %s (%ld)", x->peer, x->host, connect);
	if (result == CURLE_OPERATION_TIMEDOUT)
		return too_late(x);
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		return not_trusted(x);
	for (size_t i = 0; i < USH_COUNT(meanings); i++)
		if (meanings[i].result == result)
			return ush_fail(x->err, meanings[i].code, "%s %s", x->host, meanings[i].meaning);
	return ush_fail(x->err, USH_ERR_UNAVAILABLE, "%s: no exchange (%s)", x->host,
			x->why[0] != '\0' ? x->why : curl_easy_strerror(result));
}
