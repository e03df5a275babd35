/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/net/answer.h"
#include "common/net/real.h"

#define CONNECT_MS      5000
#define STALL_SECONDS   30 /* of a long exchange: not one byte in that time */
#define SYSTEM_CA_LIMIT (8U << 20)

struct ush_http_client {
	CURL *easy;
	char *system_ca; /* the system's CA bundle, once it was needed */
};

/* What steers libcurl or OpenSSL from outside, whoever set it: a key log, a configuration that loads code, other CAs.
 */
static void clean_environment(void)
{
	static const char *const steering[] = {"SSLKEYLOGFILE", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES",
					       "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",  "CURL_SSL_BACKEND"};

	for (size_t i = 0; i < USH_COUNT(steering); i++)
		unsetenv(steering[i]);
}

static void set_up_process(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct ush_http_client *ush_http_client_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct ush_http_client *client = ush_new(struct ush_http_client);

	clean_environment();
	pthread_once(&once, set_up_process);
	client->easy = curl_easy_init();
	return client;
}

void ush_http_client_free(struct ush_http_client *client)
{
	if (client == NULL)
		return;
	curl_easy_cleanup(client->easy);
	free(client->system_ca);
	free(client);
}

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

static int check_request(const struct ush_http_request *request, const struct ush_url *url, const char *host,
			 struct ush_error *err)
{
	static const char *const methods[] = {"GET", "POST", "PATCH", "PUT", "DELETE"};

	if (strcmp(url->scheme, "http") == 0 && !(request->loopback_http && url->loopback))
		return ush_fail(err, USH_ERR_CONFIG, "http://%s may not be asked: https is wanted%s", host,
				url->loopback ? " unless loopback http is allowed" : "");
	if (request->method != NULL && !in_list(request->method, methods, USH_COUNT(methods)))
		return ush_fail(err, USH_ERR_CONFIG, "%s: a request with an unknown method", host);
	if (!header_text(request->accept) || !header_text(request->content_type) ||
	    !header_text(ush_secret_reveal(request->bearer)) ||
	    (request->bearer != NULL &&
	     strlen(ush_secret_reveal(request->bearer)) != ush_secret_length(request->bearer)))
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
	(void)context, (void)a, (void)b, (void)c, (void)d;
	return ush_asked_to_end() ? 1 : 0;
}

static void set_transport(struct ush_exchange *x)
{
	bool plain = x->request->loopback_http;

	curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, plain ? "http,https" : "https");
	curl_easy_setopt(x->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(x->easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(x->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(x->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(x->easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(x->easy, CURLOPT_USERAGENT, "usher/" USH_VERSION);
	curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)x->timeout_ms);
	curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(x->timeout_ms < CONNECT_MS ? x->timeout_ms : CONNECT_MS));
	curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
	curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->why);
	curl_easy_setopt(x->easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(x->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
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

/* ---- the exchange ---- */

static int perform(struct ush_exchange *x)
{
	CURLcode result = curl_easy_perform(x->easy);
	long status = 0;

	if (x->refused || (result != CURLE_OK && !x->cut))
		return ush_answer_failed(x, result);
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	x->response->status = (int)status;
	return ush_buf_puts(&x->response->body, "");
}

static void exchange_end(struct ush_exchange *x)
{
	curl_easy_reset(x->easy); /* before what its options point at goes */
	free_headers(x->headers);
	curl_slist_free_all(x->connect_to);
	free(x->authorities);
	free(x->host);
}

int ush_http_exchange(struct ush_http_client *client, const struct ush_http_request *request,
		      struct ush_http_response *response, struct ush_error *err)
{
	struct ush_exchange x = {.easy = client->easy, .request = request, .response = response, .err = err};
	USH_AUTO_URL url = {0};
	int result = -1;

	ush_http_response_free(response);
	*response = (struct ush_http_response){.retry_after_ms = -1};
	if (ush_url_parse(&url, request->url, USH_ERR_CONFIG, err) != 0)
		return -1;
	if (client->easy == NULL)
		return ush_fail(err, USH_ERR_STORE, "libcurl cannot be set up");
	x.host = ush_url_authority(&url);
	x.timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : USH_HTTP_TIMEOUT_MS;
	if (check_request(request, &url, x.host, err) == 0 && set_url(&x, &url) == 0) {
		set_transport(&x);
		guard_addresses(&x, &url);
		set_method(&x);
		set_headers(&x, x.host);
		set_tls(&x, client);
		result = perform(&x);
	}
	exchange_end(&x);
	return result;
}

void ush_http_response_free(struct ush_http_response *response)
{
	ush_buf_free(&response->body);
}
