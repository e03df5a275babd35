/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http.h"

#include <pthread.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/net/answer.h"

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
	ush_many_free(client->many);
	curl_easy_cleanup(client->easy);
	free(client->system_ca);
	free(client);
}

int ush_http_exchange(struct ush_http_client *client, const struct ush_http_request *request,
		      struct ush_http_response *response, struct ush_error *err)
{
	struct ush_exchange x = {.easy = client->easy, .request = request, .response = response, .err = err};
	int result = ush_exchange_begin(&x, client);

	if (result == 0)
		result = ush_exchange_settle(&x, curl_easy_perform(x.easy));
	ush_exchange_end(&x);
	return result;
}

/* ---- the answer ---- */

/* The kept headers are name and value, each ended by a NUL. */
const char *ush_http_header_at(const struct ush_http_response *response, const char *name, size_t index)
{
	const char *p = response->headers.data;

	while (p != NULL && p < response->headers.data + response->headers.length) {
		const char *value = p + strlen(p) + 1;

		if (strcasecmp(p, name) == 0 && index-- == 0)
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

const char *ush_http_header(const struct ush_http_response *response, const char *name)
{
	return ush_http_header_at(response, name, 0);
}

void ush_http_response_free(struct ush_http_response *response)
{
	ush_buf_free(&response->body);
	ush_buf_free(&response->headers);
}
