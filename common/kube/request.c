/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/request.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/way.h"

#define ANSWER_CAP      (8U << 20)
#define LIST_CAP        ((size_t)1 << 30)
#define TIMEOUT_MS      30000
#define PARTING_MS      5000
#define LIST_TIMEOUT_MS 120000
#define BUSY_TRIES      5
#define BUSY_BUDGET_MS  30000
#define GET_TRIES       2
#define FIRST_PAUSE_MS  200

/* What is left to try of one request. */
struct patience {
	unsigned int busy, failures;
	int64_t waited_ms;
	bool token_read;
};

const char *ush_kube_server_name(const struct ush_kube *kube)
{
	const char *name = strstr(kube->config->server, "://");

	return name != NULL ? name + 3 : kube->config->server;
}

/* The message of a Status object, or of a text that is none a piece; the caller frees. */
static char *message_of(const struct ush_http_response *response)
{
	struct ush_error unimportant = {0};
	const char *text = response->body.data != NULL ? response->body.data : "";
	USH_AUTO_JSON status = ush_json_parse(text, response->body.length, "", USH_ERR_REJECTED, &unimportant);
	const char *message = ush_json_string(status, "message"), *reason = ush_json_string(status, "reason");

	if (message == NULL || message[0] == '\0')
		return status == NULL && text[0] != '\0' ? ush_printf("\"%.100s\"", text)
							 : ush_strdup("no reason given");
	if (reason == NULL || reason[0] == '\0' || strstr(message, reason) != NULL)
		return ush_strdup(message);
	return ush_printf("%s (%s)", message, reason);
}

void ush_kube_prepare(const struct ush_kube *kube, struct ush_http_request *request)
{
	const struct ush_kube_config *config = kube->config;

	kube->config->requests++;
	request->bearer = config->token;
	request->loopback_http = true;
	request->ca_pem = config->ca_pem;
	request->ca_only = config->ca_pem != NULL;
	request->tls_server_name = config->tls_server_name;
	request->client_cert_pem = config->client_cert_pem;
	request->client_key_pem = config->client_key_pem;
	request->timeout_ms = kube->parting ? PARTING_MS : TIMEOUT_MS;
	request->parting = kube->parting;
	request->max_bytes = ANSWER_CAP;
}

static int send_once(const struct ush_kube *kube, struct ush_kube_call *call, const char *body,
		     struct ush_http_response *response, struct ush_error *err)
{
	USH_AUTO_FREE char *url = ush_printf("%s%s", kube->config->server, call->path);
	struct ush_http_request request = {
		.method = call->method,
		.url = url,
		.body = body,
		.body_length = body != NULL ? strlen(body) : 0,
		.gzip = call->gzip,
		.accept = call->accept,
		.on_body = call->on_body,
		.on_body_context = call->on_body_context,
	};

	ush_kube_prepare(kube, &request);
	request.writes = strcmp(call->method, "GET") != 0 && strstr(call->path, "reviews") == NULL;
	kube->config->writes += request.writes;
	if (body != NULL)
		request.content_type = call->content_type != NULL ? call->content_type : "application/json";
	if (call->on_body != NULL) {
		request.timeout_ms = LIST_TIMEOUT_MS;
		request.max_bytes = LIST_CAP;
	}
	return ush_http(kube->world, &request, response, err);
}

/* Waits, somewhat longer at random so that many clients do not come back at once. */
static int pause_ms(const struct ush_kube *kube, struct patience *patience, int64_t ms, struct ush_error *err)
{
	unsigned char byte;

	ush_random(kube->world, &byte, 1);
	ms += ms * byte / 1024 + byte / 4;
	patience->waited_ms += ms;
	if (ush_sleep_ms(kube->world, ms) != 0)
		return ush_fail(err, USH_ERR_DECLINED, "stopped while waiting for %s", ush_kube_server_name(kube));
	return 0;
}

/* The pause before a refused or failed try is made again, or -1 when it is not. */
static int64_t next_pause(const struct ush_kube_call *call, const struct ush_http_response *response,
			  struct patience *patience)
{
	bool asked = response->retry_after_ms >= 0, get = strcmp(call->method, "GET") == 0;
	int64_t wait = asked ? response->retry_after_ms : 1000;

	if (call->begun)
		return -1;
	if (response->status == 429 || (response->status == 503 && asked))
		return patience->busy++ < BUSY_TRIES && patience->waited_ms + wait <= BUSY_BUDGET_MS ? wait : -1;
	if (get && (response->status == 0 || response->status >= 500) && patience->failures < GET_TRIES)
		return FIRST_PAUSE_MS << patience->failures++;
	return -1;
}

int ush_kube_judge(const struct ush_kube *kube, const char *method, const char *path,
		   const struct ush_http_response *response, struct ush_error *err)
{
	USH_AUTO_FREE char *message = NULL;
	int status = response->status;

	if (status == 401) {
		ush_fail(err, USH_ERR_LOGIN, "%s does not accept our credentials (401, context %s)",
			 ush_kube_server_name(kube), kube->config->context);
		message = ush_way_kubectl(kube->way, "auth whoami");
		return ush_hint(err, "Try them: %s", message);
	}
	if (status != 403 && status != 429 && status < 500)
		return 0;
	message = message_of(response);
	if (status == 403)
		return ush_fail(err, USH_ERR_REFUSED, "%s refuses: %s", ush_kube_server_name(kube), message);
	return ush_fail(err, USH_ERR_UNAVAILABLE, "%s answers %d to %s %.*s: %s", ush_kube_server_name(kube), status,
			method, (int)strcspn(path, "?"), path, message);
}

/* An answer's Date (RFC 9110 section 6.6.1, whole seconds) was true at some moment between the request and its end. */
static void take_date(const struct ush_kube *kube, int64_t date, int64_t sent)
{
	struct ush_kube_config *config = kube->config;
	int64_t now = ush_now(kube->world);

	if (date <= 0 || config->dated)
		return;
	config->dated = true;
	config->ahead_s = date > now ? date - now : date + 1 < sent ? date + 1 - sent : 0;
	config->dated_ms = kube->world->now_ms(kube->world->context) + config->ahead_s * 1000;
	config->dated_boot_ms = ush_boot_ms(kube->world);
}

int64_t ush_kube_now(const struct ush_kube *kube)
{
	const struct ush_kube_config *config = kube->config;

	return config->dated ? (config->dated_ms + ush_boot_ms(kube->world) - config->dated_boot_ms) / 1000 : ush_now(kube->world);
}

int64_t ush_kube_ahead(const struct ush_kube *kube)
{
	return kube->config->dated ? kube->config->ahead_s : 0;
}

int64_t ush_kube_come(const struct ush_kube *kube)
{
	int64_t ahead = ush_kube_ahead(kube);

	return ush_kube_now(kube) - (ahead > USH_KUBE_APART ? ahead : 0);
}

struct relay { /* notes that a piece went out */
	struct ush_kube_call *call;
	int (*on_body)(void *context, const char *data, size_t length, struct ush_error *err);
	void *context;
};

static int relay_body(void *context, const char *data, size_t length, struct ush_error *err)
{
	struct relay *relay = context;

	relay->call->begun = true;
	return relay->on_body(relay->context, data, length, err);
}

static int try_until_done(const struct ush_kube *kube, struct ush_kube_call *call, const char *body,
			  struct ush_http_response *response, struct ush_error *err)
{
	struct patience patience = {0};

	for (;;) {
		struct ush_error why = {0};
		int64_t wait, sent = ush_now(kube->world);
		int result;

		ush_http_response_free(response);
		*response = (struct ush_http_response){.retry_after_ms = -1};
		result = send_once(kube, call, body, response, &why);
		take_date(kube, response->date, sent);
		if (result == 0 && response->status == 401 && !patience.token_read &&
		    ush_kube_token_again(kube->config)) {
			patience.token_read = true;
			continue;
		}
		if (result != 0)
			response->status = 0;
		wait = result != 0 && why.code != USH_ERR_UNAVAILABLE ? -1 : next_pause(call, response, &patience);
		if (wait < 0 && result != 0) {
			ush_fail(err, why.code, "%s", why.what);
			return why.hint[0] != '\0' ? ush_hint(err, "%s", why.hint) : -1;
		}
		if (wait < 0)
			return ush_kube_judge(kube, call->method, call->path, response, err);
		if (pause_ms(kube, &patience, wait, err) != 0)
			return -1;
	}
}

int ush_kube_request(const struct ush_kube *kube, struct ush_kube_call *call, struct ush_http_response *response,
		     struct ush_error *err)
{
	USH_AUTO_FREE char *body = call->object != NULL ? json_dumps(call->object, JSON_COMPACT) : NULL;
	struct relay relay = {call, call->on_body, call->on_body_context};
	int result;

	if (call->on_body != NULL) {
		call->on_body = relay_body;
		call->on_body_context = &relay;
	}
	result = try_until_done(kube, call, body, response, err);
	call->on_body = relay.on_body;
	call->on_body_context = relay.context;
	return result;
}

int ush_kube_unexpected(const struct ush_kube *kube, const struct ush_kube_call *call,
			const struct ush_http_response *response, struct ush_error *err)
{
	USH_AUTO_FREE char *message = message_of(response);
	enum ush_code code = response->status >= 400 && response->status < 500 ? USH_ERR_REFUSED : USH_ERR_REJECTED;

	return ush_fail(err, code, "%s answers %d to %s %.*s: %s", ush_kube_server_name(kube), response->status, call->method,
			(int)strcspn(call->path, "?"), call->path, message);
}

json_t *ush_kube_answer(const struct ush_kube *kube, const struct ush_http_response *response, struct ush_error *err)
{
	USH_AUTO_FREE char *what = ush_printf("%s: the answer", ush_kube_server_name(kube));
	json_t *answer = ush_json_parse(response->body.data != NULL ? response->body.data : "", response->body.length,
					what, USH_ERR_REJECTED, err);

	if (answer == NULL || json_is_object(answer))
		return answer;
	json_decref(answer);
	ush_fail(err, USH_ERR_REJECTED, "%s is no JSON object", what);
	return NULL;
}
