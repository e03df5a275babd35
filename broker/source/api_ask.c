/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/api_ask.h"

#include <string.h>
#include <strings.h>

#include "broker/source/credential.h"
#include "broker/source/record.h"
#include "common/base/memory.h"
#include "common/base/scrub.h"
#include "common/data/json.h"

#define ANSWER_MAX   (32U << 20)
#define VALUES_MAX   2000000 /* of an answer: half a gigabyte at the worst */
#define EXCHANGE_MS  60000
#define BACKOFF_MS   500
#define BACKOFF_MOST 30000

/* ---- words ---- */

char *ush_ask_what(const struct ush_ask *ask)
{
	return ask->page > 0 ? ush_printf("page %zu of %s", ask->page, ask->get.what) : ush_strdup(ask->get.what);
}

static const char *times(unsigned int count, char *out, size_t size)
{
	static const char *const words[] = {"never", "once", "twice", "three times", "four times"};

	if (count < USH_COUNT(words))
		return words[count];
	snprintf(out, size, "%u times", count);
	return out;
}

/* As the policy writes it; long ones without what is below a minute, or an hour. */
static const char *span(int64_t ms, char *out, size_t size)
{
	int64_t seconds = ms / 1000;

	if (seconds >= 4 * 3600 || (seconds >= 3600 && seconds % 3600 == 0))
		snprintf(out, size, "%lldh", (long long)seconds / 3600);
	else if (seconds >= 600 || (seconds >= 60 && seconds % 60 == 0))
		snprintf(out, size, "%lldm", (long long)seconds / 60);
	else
		snprintf(out, size, "%llds", (long long)seconds);
	return out;
}

/* What the provider itself says about a refusal, "" when nothing; the caller frees. */
static char *reason(const struct ush_http_response *response)
{
	static const char *const keys[] = {"error_description", "errorSummary", "message", "detail", "error", "code"};
	struct ush_error ignored = {0};
	USH_AUTO_JSON body = response->body.length == 0 || response->body.length > 65536
				     ? NULL
				     : ush_json_parse(response->body.data, response->body.length, "answer", USH_ERR_INCOMPLETE, &ignored);
	const json_t *inner = ush_json_object(body, "error");
	const char *text = NULL;
	USH_AUTO_FREE char *clean = NULL;

	for (size_t i = 0; i < USH_COUNT(keys) && text == NULL; i++)
		if ((text = ush_json_string(inner, keys[i])) == NULL)
			text = ush_json_string(body, keys[i]);
	if (text == NULL || *text == '\0')
		return ush_strdup("");
	clean = ush_text_without_tokens(text);
	return ush_printf(" (%.160s)", clean);
}

static bool same_origin(const char *base, const char *target)
{
	struct ush_error ignored = {0};
	USH_AUTO_URL a = {0};
	USH_AUTO_URL b = {0};

	return ush_url_parse(&a, base, USH_ERR_INCOMPLETE, &ignored) == 0 && ush_url_parse(&b, target, USH_ERR_INCOMPLETE, &ignored) == 0 &&
	       strcmp(a.scheme, b.scheme) == 0 && strcmp(a.host, b.host) == 0 && a.port == b.port;
}

/* Nobody is sent elsewhere with a token. */
static void say_redirected(struct ush_api *api, const char *what, const struct ush_http_response *response, const char *location, struct ush_error *err)
{
	ush_fail(err, USH_ERR_INCOMPLETE, "%s: %s answered %d, and leads to %.120s", what, ush_source_place(api->base), response->status,
		 location != NULL ? location : "nowhere");
	ush_hint(err, "Redirects are not followed. If that is where the provider is now, say so in sources.%s.%s", api->source->name, api->source->kind->type);
}

static enum ush_ask_state refused(struct ush_api *api, const struct ush_ask *ask, const struct ush_http_response *response, struct ush_error *err)
{
	USH_AUTO_FREE char *what = ush_ask_what(ask), *said = reason(response);
	bool redirect = response->status >= 300 && response->status < 400 && response->status != 304;
	const char *location = redirect ? ush_http_header(response, "Location") : NULL;
	bool stays = !redirect || location == NULL || location[0] == '/' || same_origin(api->base, location);
	const char *advice = api->kind->advice != NULL && stays ? api->kind->advice(api, response->status) : NULL;
	USH_AUTO_FREE char *where = NULL;

	api->failure = response->status == 401 || response->status == 403 ? USH_ERR_REFUSED : USH_ERR_REJECTED;
	if (redirect)
		say_redirected(api, what, response, location, err);
	else
		ush_fail(err, USH_ERR_INCOMPLETE, "%s: %s answered %d%s", what, ush_source_place(api->base), response->status, said);
	if (advice != NULL) {
		ush_hint(err, "%s", advice);
	} else if (response->status == 401 && api->kind->sign_in == NULL) {
		where = ush_credential_where(api->source);
		ush_hint(err, "Look whether the token in %s is still good", where);
	}
	return USH_ASK_FAILED;
}

/* ---- what is asked ---- */

int ush_ask_begin(struct ush_api *api, struct ush_ask *ask, struct ush_error *err)
{
	USH_AUTO_FREE char *what = NULL;

	api->failure = USH_ERR_REJECTED;
	if (ask->form != NULL && ask->content_type == NULL && ask->form->data != NULL)
		ush_confide_form(&ask->confided, ask->form->data, ask->form->length);
	if (ask->get.target[0] == '/') {
		ask->url = ush_printf("%s%s", api->base, ask->get.target);
		return 0;
	}
	if (ask->form == NULL && !same_origin(api->base, ask->get.target)) {
		what = ush_ask_what(ask);
		return ush_fail(err, USH_ERR_INCOMPLETE, "%s: is said to be at \"%.100s\", which is not %s", what, ask->get.target, ush_source_place(api->base));
	}
	ask->url = ush_strdup(ask->get.target);
	return 0;
}

void ush_ask_end(struct ush_ask *ask)
{
	json_decref(ask->body);
	ask->body = NULL;
	ush_ask_forget(ask);
	ush_confided_free(&ask->confided);
	free(ask->url);
	ask->url = NULL;
}

/* ---- sending ---- */

static void add_headers(struct ush_ask *ask, size_t *count, const char *const *lines)
{
	for (; lines != NULL && *lines != NULL && *count + 1 < USH_ASK_HEADERS; lines++)
		ask->headers[(*count)++] = *lines;
}

int ush_ask_send(struct ush_api *api, struct ush_ask *ask, struct ush_http_request *request, struct ush_error *err)
{
	int64_t left = api->deadline - ush_boot_ms(api->world);
	size_t count = 0;

	*request = (struct ush_http_request){.method = ask->write, .url = ask->url, .accept = api->kind->accept, .keep_headers = true, .gzip = true, .ca_pem = api->ca_pem,
					     .loopback_http = ush_source_flag(api->source, "allowLoopbackHttp"), .max_bytes = ANSWER_MAX};
	if (strncmp(ask->url, "https:", 6) == 0)
		request->proxy = ush_source_text(api->source, "proxy");
	if (ask->form != NULL) {
		request->method = "POST";
		request->accept = NULL;
		request->basic = ask->basic;
		request->content_type = ask->content_type != NULL ? ask->content_type : "application/x-www-form-urlencoded";
		request->body = ask->form->data != NULL ? ask->form->data : "";
		request->body_length = ask->form->length;
	} else {
		if (ask->write != NULL && strcmp(ask->write, "POST") == 0)
			request->content_type = "application/json"; /* rather than what libcurl says unless told */
		if (ush_ask_authorize(api, ask, request, &count, err) != 0)
			return -1;
		add_headers(ask, &count, api->kind->headers);
	}
	add_headers(ask, &count, ask->get.extra);
	ask->headers[count] = NULL;
	request->headers = count > 0 ? ask->headers : NULL;
	request->timeout_ms = left < EXCHANGE_MS ? left > 0 ? left : 1 : EXCHANGE_MS;
	api->requests++;
	return 0;
}

/* ---- judging ---- */

static int64_t jitter(const struct ush_api *api, int64_t most)
{
	unsigned int number;

	if (most <= 0)
		return 0;
	ush_random(api->world, &number, sizeof number);
	return number % (most + 1);
}

static int64_t backoff(unsigned int tries)
{
	int64_t pause = BACKOFF_MS;

	while (tries-- > 1 && pause < BACKOFF_MOST)
		pause *= 2;
	return pause;
}

/* The whole reading has one deadline. */
static bool in_time(struct ush_api *api, const struct ush_ask *ask, int64_t at, struct ush_error *err)
{
	USH_AUTO_FREE char *what = NULL;
	char most[24];

	if (at <= api->deadline)
		return true;
	api->failure = USH_ERR_UNAVAILABLE;
	what = ush_ask_what(ask);
	ush_fail(err, USH_ERR_INCOMPLETE, "%s: the reading takes longer than %s", what,
		 span(ush_source_number(api->source, "timeout", USH_API_TIMEOUT) * 1000, most, sizeof most));
	ush_hint(err, "If that is how long it takes: sources.%s.%s.timeout", api->source->name, api->source->kind->type);
	return false;
}

/* Nobody asks before `at`; how much longer that is than was known counts against the budget. */
static bool hold_back(struct ush_api *api, const struct ush_ask *ask, int status, int64_t at, struct ush_error *err)
{
	int64_t now = ush_boot_ms(api->world), longer = at - (api->resume > now ? api->resume : now);
	USH_AUTO_FREE char *what = NULL;
	char word[32], most[24], pause[24];

	if (longer <= 0)
		return true;
	if (api->waited + longer <= api->budget) {
		api->waited += longer;
		api->resume = at;
		return true;
	}
	api->failure = USH_ERR_UNAVAILABLE;
	what = ush_ask_what(ask);
	ush_fail(err, USH_ERR_INCOMPLETE, "%s answered %d %s and asks for %s more; the source may wait %s in all", what, status,
		 times(ask->limits, word, sizeof word), span(longer, pause, sizeof pause), span(api->budget, most, sizeof most));
	ush_hint(err, "If it may wait longer: sources.%s.%s.budget", api->source->name, api->source->kind->type);
	return false;
}

static enum ush_ask_state limited(struct ush_api *api, struct ush_ask *ask, int status, int64_t named, struct ush_error *err)
{
	int64_t pause = named > 0 ? named : backoff(++ask->limits), at;

	if (named > 0)
		ask->limits++;
	at = ush_boot_ms(api->world) + pause + jitter(api, pause / 10 < 1000 ? pause / 10 : 1000);
	ask->due = at;
	api->narrowed = true;
	return hold_back(api, ask, status, at, err) && in_time(api, ask, at, err) ? USH_ASK_AGAIN : USH_ASK_FAILED;
}

static enum ush_ask_state failed(struct ush_api *api, struct ush_ask *ask, const struct ush_http_response *response, const struct ush_error *why,
				 int64_t named, struct ush_error *err)
{
	int64_t pause = backoff(++ask->tries);
	USH_AUTO_FREE char *what = NULL;
	char word[32];

	if (ask->tries < USH_API_TRIES && named > pause)
		return limited(api, ask, response->status, named, err);
	ask->due = ush_boot_ms(api->world) + pause + jitter(api, pause / 4);
	if (ask->tries < USH_API_TRIES)
		return in_time(api, ask, ask->due, err) ? USH_ASK_AGAIN : USH_ASK_FAILED;
	api->failure = USH_ERR_UNAVAILABLE;
	what = ush_ask_what(ask);
	if (why->code != USH_OK)
		ush_fail(err, USH_ERR_INCOMPLETE, "%s: %s, tried %s", what, why->what, times(ask->tries, word, sizeof word));
	else
		ush_fail(err, USH_ERR_INCOMPLETE, "%s answered %d %s", what, response->status, times(ask->tries, word, sizeof word));
	return USH_ASK_FAILED;
}

static enum ush_ask_state broken(struct ush_api *api, struct ush_ask *ask, const struct ush_error *why, struct ush_error *err)
{
	static const struct ush_http_response none = {0};
	USH_AUTO_FREE char *what = ush_ask_what(ask);

	if (why->code == USH_ERR_UNAVAILABLE)
		return failed(api, ask, &none, why, -1, err);
	api->failure = why->code == USH_ERR_DECLINED ? USH_ERR_DECLINED : USH_ERR_REJECTED;
	if (why->code == USH_ERR_DECLINED)
		ush_fail(err, USH_ERR_INCOMPLETE, "%s: interrupted", what);
	else
		ush_fail(err, why->code == USH_ERR_CONFIG ? USH_ERR_CONFIG : USH_ERR_INCOMPLETE, "%s: %s", what, why->what);
	return USH_ASK_FAILED;
}

struct shape { /* of what should be JSON, by its marks alone */
	size_t open, values;
	bool in_string;
};

static struct shape shape_of(const char *text, size_t length)
{
	struct shape shape = {.values = 1};

	for (size_t i = 0; i < length; i++) {
		if (shape.in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			shape.in_string = !shape.in_string;
		else if (!shape.in_string && (text[i] == '{' || text[i] == '['))
			shape.open++, shape.values++;
		else if (!shape.in_string && shape.open > 0 && (text[i] == '}' || text[i] == ']'))
			shape.open--;
		else if (!shape.in_string && text[i] == ',')
			shape.values++;
	}
	return shape;
}

static bool is_page(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '<';
}

static enum ush_ask_state web_page(const struct ush_ask *ask, struct ush_error *err)
{
	USH_AUTO_FREE char *what = ush_ask_what(ask);

	ush_fail(err, USH_ERR_INCOMPLETE, "%s: a web page came where JSON was expected", what);
	ush_hint(err, "Something between answers for the provider: a sign-in page, a proxy? Look at the source's url and proxy");
	return USH_ASK_FAILED;
}

/* What a write says is not needed; but a page of something between is no answer to it. */
static enum ush_ask_state read_written(struct ush_ask *ask, const struct ush_http_response *response, struct ush_error *err)
{
	struct ush_error ignored = {0};

	if (response->body.length == 0)
		return USH_ASK_DONE;
	if (is_page(response->body.data))
		return web_page(ask, err);
	ask->body = ush_json_parse(response->body.data, response->body.length, "answer", USH_ERR_INCOMPLETE, &ignored);
	return USH_ASK_DONE;
}

static enum ush_ask_state read_body(struct ush_api *api, struct ush_ask *ask, const struct ush_http_response *response, struct ush_error *err)
{
	static const struct ush_error cut = {.code = USH_ERR_UNAVAILABLE, .what = "the answer ends in the middle"};
	const char *text = response->body.data != NULL ? response->body.data : "";
	struct shape shape = shape_of(text, response->body.length);
	USH_AUTO_FREE char *what = ush_ask_what(ask);
	struct ush_error why = {0};

	if (is_page(text))
		return web_page(ask, err);
	if (shape.values > VALUES_MAX) { /* "[[],[]...": a little that is compressed becomes gigabytes */
		ush_fail(err, USH_ERR_INCOMPLETE, "%s: more than %d values in one answer", what, VALUES_MAX);
		return USH_ASK_FAILED;
	}
	ask->body = ush_json_parse(text, response->body.length, what, USH_ERR_INCOMPLETE, &why);
	if (ask->body != NULL)
		return USH_ASK_DONE;
	if (shape.in_string || (shape.open > 0 && shape.open <= USH_JSON_DEPTH) || response->body.length == 0) /* somebody between cut it, and ended it well */
		return failed(api, ask, response, &cut, -1, err);
	ush_fail(err, why.code, "%s", why.what);
	return USH_ASK_FAILED;
}

static bool has_header(const char *const *lines, const char *name)
{
	for (; lines != NULL && *lines != NULL; lines++)
		if (strncasecmp(*lines, name, strlen(name)) == 0 && (*lines)[strlen(name)] == ':')
			return true;
	return false;
}

/* How long the answer asks us to wait, in ms, -1 when it says nothing; *limit: it is a limit, and no fault. */
static int64_t asked_to_wait(const struct ush_api *api, const struct ush_http_response *response, bool *limit)
{
	int64_t seconds = -1;

	*limit = response->status == 429;
	if (api->kind->wait != NULL && (response->status == 429 || response->status == 403 || response->status >= 500))
		seconds = api->kind->wait(api, response, limit);
	if (seconds > 86400)
		seconds = 86400;
	return seconds >= 0 && seconds * 1000 > response->retry_after_ms ? seconds * 1000 : response->retry_after_ms;
}

enum ush_ask_state ush_ask_judge(struct ush_api *api, struct ush_ask *ask, const struct ush_http_response *response, const struct ush_error *why,
				 struct ush_error *err)
{
	bool limit = false, is_get = ask->form == NULL;
	int status = response->status;
	int64_t named;

	if (why->code != USH_OK)
		return broken(api, ask, why, err);
	named = asked_to_wait(api, response, &limit);
	if (limit)
		return limited(api, ask, status, named, err);
	if (status >= 500)
		return failed(api, ask, response, why, named, err);
	if (status == 200)
		return ask->write != NULL ? read_written(ask, response, err) : read_body(api, ask, response, err);
	if (ask->write != NULL && status > 200 && status < 300)
		return USH_ASK_DONE;
	if ((status == 404 && ask->get.allow404) || ((status == 400 || status == 410) && ask->get.allow_stale) ||
	    (status == 304 && has_header(ask->get.extra, "If-None-Match")))
		return USH_ASK_DONE;
	if (!is_get && (status == 201 || status >= 400))
		return USH_ASK_DONE;
	if (status == 401 && is_get && ask->refusals++ == 0 && ush_ask_renew(api, ask)) {
		ask->due = 0;
		return USH_ASK_AGAIN;
	}
	return refused(api, ask, response, err);
}

void ush_ask_take(struct ush_ask *ask, struct ush_http_response *response, struct ush_api_answer *answer)
{
	struct ush_error ignored = {0};
	const struct ush_buf *text = &response->body;

	*answer = (struct ush_api_answer){.status = response->status, .body = ush_steal(&ask->body)};
	if (answer->status != 200) /* what was told is forgotten when the asking ends */
		ush_scrub_long(response->body.data, response->body.length);
	if (answer->status != 200 && text->length > 0)
		answer->body = ush_json_parse(text->data, text->length, "", USH_ERR_INCOMPLETE, &ignored);
	else
		ush_buf_free(&response->body);
	answer->response = *response;
	*response = (struct ush_http_response){0};
}

/* ---- all of it ---- */

static int wait_for(struct ush_api *api, const struct ush_ask *ask, struct ush_error *err)
{
	int64_t now = ush_boot_ms(api->world), at = ask->due > api->resume ? ask->due : api->resume;
	USH_AUTO_FREE char *what = NULL;

	if (!in_time(api, ask, now, err))
		return -1;
	if (at <= now || ush_sleep_ms(api->world, at - now) == 0)
		return 0;
	api->failure = USH_ERR_DECLINED;
	what = ush_ask_what(ask);
	return ush_fail(err, USH_ERR_INCOMPLETE, "%s: interrupted", what);
}

int ush_ask_run(struct ush_api *api, struct ush_ask *ask, struct ush_api_answer *answer, struct ush_error *err)
{
	enum ush_ask_state state = USH_ASK_AGAIN;

	while (state == USH_ASK_AGAIN) {
		USH_AUTO_RESPONSE response = {0};
		struct ush_http_request request;
		struct ush_error why = {0};

		if (wait_for(api, ask, err) != 0 || ush_ask_send(api, ask, &request, err) != 0)
			return -1;
		response.retry_after_ms = -1;
		ush_http(api->world, &request, &response, &why);
		state = ush_ask_judge(api, ask, &response, &why, err);
		if (state == USH_ASK_DONE)
			ush_ask_take(ask, &response, answer);
	}
	return state == USH_ASK_DONE ? 0 : -1;
}
