/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/answer.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/scrub.h"
#include "common/net/real.h"

#define CONNECT_MS      5000
#define STALL_SECONDS   30 /* of a long exchange: not one byte in that time */
#define SYSTEM_CA_LIMIT (8U << 20)

/* ---- what may be asked ---- */

static bool in_list(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

/* True for text that can stand in a header line; NULL can. */
static bool header_text(const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

/* True for a "Name: value" that is not libcurl's or another member's to write. */
static bool header_line(const struct ush_http_request *request, const char *line)
{
	static const char *const taken[] = {"host",   "content-length", "transfer-encoding", "connection", "keep-alive",
					    "te",     "trailer",        "upgrade",           "expect",     "accept-encoding",
					    "accept", "content-type",   "user-agent"};
	static const char token[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t length = strspn(line, token);
	USH_AUTO_FREE char *name = ush_strndup(line, length);

	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (length == 0 || strncmp(line + length, ": ", 2) != 0 || line[length + 2] == '\0' || !header_text(line))
		return false;
	if (strcmp(name, "authorization") == 0)
		return request->bearer == NULL && request->basic == NULL;
	return strncmp(name, "proxy-", 6) != 0 && !in_list(name, taken, USH_COUNT(taken));
}

static bool headers_fit(const struct ush_http_request *request)
{
	const char *bearer = ush_secret_reveal(request->bearer);
	const char *const *line = request->headers;

	for (; line != NULL && *line != NULL; line++)
		if (!header_line(request, *line))
			return false;
	if (bearer != NULL && strlen(bearer) != ush_secret_length(request->bearer))
		return false;
	return header_text(bearer) && header_text(request->accept) && header_text(request->content_type);
}

static int check_request(const struct ush_http_request *request, const struct ush_url *url, const char *host,
			 struct ush_error *err)
{
	static const char *const methods[] = {"GET", "POST", "PATCH", "PUT", "DELETE"};

	if (strcmp(url->scheme, "http") == 0 && !(request->loopback_http && url->loopback))
		return ush_fail(err, USH_ERR_CONFIG, "http://%s may not be asked: https is wanted%s", host,
				url->loopback ? " unless loopback http is allowed" : "");
	if (request->method != NULL && !in_list(request->method, methods, USH_COUNT(methods)))
		return ush_fail(err, USH_ERR_CONFIG, "%s: a request with an unknown method", host);
	if (request->proxy != NULL && strcmp(url->scheme, "http") == 0)
		return ush_fail(err, USH_ERR_CONFIG, "http://%s may not be asked through a proxy", host);
	if (!headers_fit(request))
		return ush_fail(err, USH_ERR_CONFIG, "%s: a request header with bytes that no header may have", host);
	if (request->ca_pem != NULL && strstr(request->ca_pem, "-----BEGIN ") == NULL)
		return ush_fail(err, USH_ERR_CONFIG, "%s: the CA file given for it holds no PEM certificate", host);
	return 0;
}

/* ---- the request ---- */

static void free_headers(struct curl_slist *headers)
{
	for (struct curl_slist *h = headers; h != NULL; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

static void add_header(struct ush_exchange *x, const char *name, const char *value)
{
	USH_AUTO_BUF line = USH_BUF_MAX(1U << 20);
	struct curl_slist *longer;

	if (ush_buf_puts(&line, name) != 0 || ush_buf_puts(&line, value) != 0)
		return;
	longer = curl_slist_append(x->headers, line.data);
	x->headers = longer != NULL ? longer : x->headers;
}

static void add_basic(struct ush_exchange *x, const struct ush_secret *basic)
{
	size_t length = ush_secret_length(basic), size = 4 * (length / 3 + 1) + 1;
	char *encoded = ush_alloc(size);

	EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)ush_secret_reveal(basic), (int)length);
	add_header(x, "Authorization: Basic ", encoded);
	ush_wipe_free(encoded, size);
}

static void set_headers(struct ush_exchange *x, const char *host)
{
	const struct ush_http_request *request = x->request;

	add_header(x, "Accept: ", request->accept != NULL ? request->accept : "application/json");
	add_header(x, "Expect:", "");
	if (request->body != NULL && request->content_type != NULL)
		add_header(x, "Content-Type: ", request->content_type);
	else
		add_header(x, "Content-Type:", ""); /* libcurl would put its own */
	if (request->bearer != NULL)
		add_header(x, "Authorization: Bearer ", ush_secret_reveal(request->bearer));
	else if (request->basic != NULL)
		add_basic(x, request->basic);
	if (request->tls_server_name != NULL)
		add_header(x, "Host: ", host);
	for (const char *const *line = request->headers; line != NULL && *line != NULL; line++)
		add_header(x, *line, "");
	curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static void set_method(struct ush_exchange *x)
{
	const char *method = x->request->method != NULL ? x->request->method : "GET";
	bool wants_body = strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0;

	if (x->request->body != NULL || wants_body) {
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)(x->request->body != NULL ? x->request->body_length : 0));
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, x->request->body != NULL ? x->request->body : "");
	} else {
		curl_easy_setopt(x->easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, method);
}

/* The TLS side verifies the name in the URL, so another name to verify stands in the URL and we connect to the real
 * host. */
static int set_url(struct ush_exchange *x, const struct ush_url *url)
{
	const char *name = x->request->tls_server_name;
	bool six = strchr(url->host, ':') != NULL;
	USH_AUTO_FREE char *text = ush_url_text(url);
	USH_AUTO_FREE char *target = ush_printf("::%s%s%s:%u", six ? "[" : "", url->host, six ? "]" : "", url->port);

	if (name != NULL) {
		bool name_six = strchr(name, ':') != NULL;
		USH_AUTO_FREE char *other = ush_printf("%s://%s%s%s:%u%s", url->scheme, name_six ? "[" : "", name,
						       name_six ? "]" : "", url->port, url->path);
		USH_AUTO_URL checked = {0};
		struct ush_error ignored = {0};

		if (ush_url_parse(&checked, other, USH_ERR_CONFIG, &ignored) != 0 ||
		    strcasecmp(checked.host, name) != 0)
			return ush_fail(x->err, USH_ERR_CONFIG, "the TLS server name given for %s is no host name",
					x->host);
		free(text);
		text = ush_url_text(&checked);
		x->connect_to = curl_slist_append(NULL, target);
		curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, x->connect_to);
	}
	curl_easy_setopt(x->easy, CURLOPT_URL, text);
	return 0;
}

static void set_blob(CURL *easy, CURLoption option, const char *data, size_t length)
{
	struct curl_blob blob = {.data = (void *)(uintptr_t)data, .len = length, .flags = CURL_BLOB_NOCOPY};

	curl_easy_setopt(easy, option, &blob);
}

/* A blob replaces libcurl's own bundle, so the bundle goes into it. A system without one has only what was given. */
static void set_authorities(struct ush_exchange *x, struct ush_http_client *client)
{
	const struct ush_http_request *request = x->request;
	USH_AUTO_BUF bundle = USH_BUF_MAX(SYSTEM_CA_LIMIT);
	struct ush_error ignored = {0};
	char *path = NULL;

	if (request->ca_pem == NULL)
		return;
	if (!request->ca_only && client->system_ca == NULL) {
		curl_easy_getinfo(client->easy, CURLINFO_CAINFO, &path);
		if (path != NULL)
			ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &bundle, NULL, &ignored);
		client->system_ca = ush_buf_take(&bundle);
	}
	x->authorities = ush_printf("%s\n%s", request->ca_pem, request->ca_only ? "" : client->system_ca);
	set_blob(x->easy, CURLOPT_CAINFO_BLOB, x->authorities, strlen(x->authorities));
	if (request->ca_only)
		curl_easy_setopt(x->easy, CURLOPT_CAPATH, NULL);
}

/* CONNECT, and TLS with the host inside of it: the proxy is trusted with nothing. */
static int set_proxy(struct ush_exchange *x, struct ush_url *proxy)
{
	const struct ush_http_request *request = x->request;
	bool tls, six;

	curl_easy_setopt(x->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(x->easy, CURLOPT_NOPROXY, "");
	if (request->proxy == NULL)
		return 0;
	if (ush_url_parse(proxy, request->proxy, USH_ERR_CONFIG, x->err) != 0)
		return ush_error_at(x->err, "the proxy for %s", x->host);
	if (strcmp(proxy->path, "/") != 0)
		return ush_fail(x->err, USH_ERR_CONFIG, "the proxy for %s: a proxy's URL has no path", x->host);
	tls = strcmp(proxy->scheme, "https") == 0;
	six = strchr(proxy->host, ':') != NULL;
	free(x->peer);
	x->peer = ush_printf("the proxy %s%s%s:%u", six ? "[" : "", proxy->host, six ? "]" : "", proxy->port);
	curl_easy_setopt(x->easy, CURLOPT_PROXY, x->peer + strlen("the proxy "));
	curl_easy_setopt(x->easy, CURLOPT_PROXYTYPE, (long)(tls ? CURLPROXY_HTTPS : CURLPROXY_HTTP));
	curl_easy_setopt(x->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
	curl_easy_setopt(x->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(x->easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(x->easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(x->easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
	if (x->authorities != NULL && !request->ca_only)
		set_blob(x->easy, CURLOPT_PROXY_CAINFO_BLOB, x->authorities, strlen(x->authorities));
	if (request->proxy_login != NULL) {
		curl_easy_setopt(x->easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(x->easy, CURLOPT_PROXYUSERPWD, ush_secret_reveal(request->proxy_login));
	}
	return 0;
}

static void set_tls(struct ush_exchange *x, struct ush_http_client *client)
{
	const struct ush_http_request *request = x->request;
	const char *key = ush_secret_reveal(request->client_key_pem);

	curl_easy_setopt(x->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, 2L);
	set_authorities(x, client);
	if (request->client_cert_pem != NULL) {
		set_blob(x->easy, CURLOPT_SSLCERT_BLOB, request->client_cert_pem, strlen(request->client_cert_pem));
		curl_easy_setopt(x->easy, CURLOPT_SSLCERTTYPE, "PEM");
	}
	if (key != NULL) {
		set_blob(x->easy, CURLOPT_SSLKEY_BLOB, key, ush_secret_length(request->client_key_pem));
		curl_easy_setopt(x->easy, CURLOPT_SSLKEYTYPE, "PEM");
		curl_easy_setopt(x->easy, CURLOPT_KEYPASSWD,
				 ""); /* an encrypted key fails; nobody is asked on the terminal */
	}
}

bool ush_http_forbidden(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		uint32_t a = ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);

		return a >> 24 == 0 || a >> 16 == 0xa9fe || a >> 28 >= 0xe;
	}
	if (address->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

		return IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_MULTICAST(a) ||
		       IN6_IS_ADDR_V4MAPPED(a);
	}
	return true;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct ush_exchange *x = context;

	(void)purpose;
	if (ush_http_forbidden(&address->addr)) {
		x->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct ush_exchange *x = context;
	int64_t now;

	(void)a, (void)b, (void)c, (void)d;
	if (!ush_asked_to_end() || x->request->parting)
		return 0;
	now = ush_real_boot_ms();
	if (x->until_ms == 0)
		x->until_ms = now + (x->request->writes ? USH_HTTP_WRITES_MS : 0);
	return now >= x->until_ms;
}

static void set_transport(struct ush_exchange *x)
{
	bool plain = x->request->loopback_http;

	curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, plain ? "http,https" : "https");
	curl_easy_setopt(x->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(x->easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(x->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(x->easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	if (x->request->gzip)
		curl_easy_setopt(x->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(x->easy, CURLOPT_USERAGENT, "usher/" USH_VERSION);
	curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)x->timeout_ms);
	curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(x->timeout_ms < CONNECT_MS ? x->timeout_ms : CONNECT_MS));
	curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
	curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->why);
	curl_easy_setopt(x->easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(x->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(x->easy, CURLOPT_XFERINFODATA, x);
	curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, ush_answer_header);
	curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, ush_answer_body);
	curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
}

/* A host that is an address was chosen by the user; a name can be pointed anywhere by whoever runs its DNS. */
static void guard_addresses(struct ush_exchange *x, const struct ush_url *url)
{
	bool is_address = strchr(url->host, ':') != NULL || strspn(url->host, "0123456789.") == strlen(url->host);

	if (is_address)
		return;
	curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETDATA, x);
}

/* ---- begin, settle, end ---- */

int ush_exchange_begin(struct ush_exchange *x, struct ush_http_client *client)
{
	USH_AUTO_URL url = {0}, proxy = {0};

	ush_http_response_free(x->response);
	*x->response = (struct ush_http_response){.retry_after_ms = -1};
	if (ush_url_parse(&url, x->request->url, USH_ERR_CONFIG, x->err) != 0)
		return -1;
	if (x->easy == NULL)
		return ush_fail(x->err, USH_ERR_STORE, "libcurl cannot be set up");
	x->until_ms = ush_asked_to_end() ? 1 : 0; /* nothing more is begun */
	x->host = ush_url_authority(&url);
	x->peer = ush_strdup(x->host);
	x->timeout_ms = x->request->timeout_ms > 0 ? x->request->timeout_ms : USH_HTTP_TIMEOUT_MS;
	if (check_request(x->request, &url, x->host, x->err) != 0 || set_url(x, &url) != 0)
		return -1;
	set_transport(x);
	set_method(x);
	set_headers(x, x->host);
	set_tls(x, client);
	if (set_proxy(x, &proxy) != 0)
		return -1;
	guard_addresses(x, x->request->proxy != NULL ? &proxy : &url);
	return 0;
}

/* A Retry-After that is a date counts from the sender's own clock, where it tells it. */
static void settle_retry(struct ush_exchange *x)
{
	int64_t from = x->response->date != 0 ? x->response->date : (int64_t)time(NULL), seconds = x->retry_at - from;

	if (x->retry_at != 0)
		x->response->retry_after_ms = (seconds < 0 ? 0 : seconds < USH_RETRY_AFTER_MAX ? seconds : USH_RETRY_AFTER_MAX) * 1000;
}

int ush_exchange_settle(struct ush_exchange *x, CURLcode result)
{
	long status = 0;

	if (x->refused || (result != CURLE_OK && !x->cut))
		return ush_answer_failed(x, result);
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	x->response->status = (int)status;
	settle_retry(x);
	if (status < 200 || status > 299) { /* who refuses may quote what he was told */
		ush_scrub_long(x->response->body.data, x->response->body.length);
		ush_scrub_long(x->response->headers.data, x->response->headers.length);
	}
	return ush_buf_puts(&x->response->body, "");
}

void ush_exchange_end(struct ush_exchange *x)
{
	if (x->easy != NULL)
		curl_easy_reset(x->easy); /* before what its options point at goes */
	free_headers(x->headers);
	curl_slist_free_all(x->connect_to);
	free(x->authorities);
	free(x->host);
	free(x->peer);
}
