/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/many.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/net/answer.h"
#include "common/net/real.h"

#define CONNECTIONS 8   /* to one server, where one does not carry them all */
#define LOOK_MS     100 /* how often a signal is looked for while nothing comes */

struct flight { /* one exchange; its easy handle is used again and again */
	struct ush_exchange x;
	struct ush_http_request request;
	struct ush_http_response response;
	struct ush_error err;
	CURL *easy;
	size_t tag;
	bool under_way;
};

struct ush_many {
	CURLM *multi; /* keeps its connections from one run to the next */
	struct flight flights[USH_HTTP_MANY_MOST];
	size_t under_way;
	const struct ush_http_pump *pump; /* while it runs */
};

static struct ush_many *many_of(struct ush_http_client *client)
{
	if (client->many != NULL)
		return client->many;
	client->many = ush_new(struct ush_many);
	client->many->multi = curl_multi_init();
	curl_multi_setopt(client->many->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(client->many->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS);
	return client->many;
}

void ush_many_free(struct ush_many *many)
{
	if (many == NULL)
		return;
	for (size_t i = 0; i < USH_HTTP_MANY_MOST; i++)
		curl_easy_cleanup(many->flights[i].easy);
	curl_multi_cleanup(many->multi);
	free(many);
}

/* ---- one exchange ---- */

static struct flight *idle(struct ush_many *many)
{
	struct flight *f = many->flights;

	while (f->under_way) /* there is one: launch looks first */
		f++;
	if (f->easy == NULL)
		f->easy = curl_easy_init();
	return f;
}

static void land(struct ush_many *many, struct flight *f)
{
	f->under_way = false;
	many->under_way--;
	ush_exchange_end(&f->x);
	many->pump->done(many->pump->context, f->tag, &f->response, &f->err);
	ush_http_response_free(&f->response);
}

static void take_off(struct ush_many *many, struct ush_http_client *client, struct flight *f)
{
	f->err = (struct ush_error){0};
	f->x = (struct ush_exchange){.easy = f->easy, .request = &f->request, .response = &f->response, .err = &f->err};
	f->under_way = true;
	many->under_way++;
	if (ush_exchange_begin(&f->x, client) == 0) {
		curl_easy_setopt(f->easy, CURLOPT_PIPEWAIT, 1L);
		curl_easy_setopt(f->easy, CURLOPT_NOPROGRESS, 1L); /* run looks for a signal itself */
		curl_easy_setopt(f->easy, CURLOPT_PRIVATE, f);
		if (curl_multi_add_handle(many->multi, f->easy) == CURLM_OK)
			return;
		ush_fail(&f->err, USH_ERR_STORE, "libcurl cannot take another exchange");
	}
	land(many, f);
}

/* ---- the pump ---- */

/* Fills the width; returns when to ask for more, as next says it. */
static int64_t launch(struct ush_many *many, struct ush_http_client *client)
{
	const struct ush_http_pump *pump = many->pump;
	int64_t wait_ms = -1;

	while (many->under_way < USH_HTTP_MANY_MOST && many->under_way < pump->width(pump->context)) {
		struct flight *f = idle(many);

		f->request = (struct ush_http_request){0};
		wait_ms = -1;
		if (!pump->next(pump->context, &f->request, &f->tag, &wait_ms))
			return wait_ms;
		take_off(many, client, f);
	}
	return -1;
}

/* Takes what has ended; true when there was any. */
static bool collect(struct ush_many *many)
{
	bool any = false;
	int left;

	for (CURLMsg *message; (message = curl_multi_info_read(many->multi, &left)) != NULL; any = true) {
		CURLcode result = message->data.result;
		struct flight *f = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&f);
		curl_multi_remove_handle(many->multi, f->easy);
		ush_exchange_settle(&f->x, result);
		land(many, f);
	}
	return any;
}

static bool writes(const struct ush_http_request *request)
{
	return request->method != NULL && strcmp(request->method, "GET") != 0;
}

/* After a signal: what is read is cut off at once. What is written is done by the server anyway, and somebody has to know
 * that it is; only when that takes too long it is cut off, too. */
static void cut(struct ush_many *many, bool all)
{
	for (struct flight *f = many->flights; f < many->flights + USH_HTTP_MANY_MOST; f++) {
		if (!f->under_way || (!all && writes(&f->request)))
			continue;
		curl_multi_remove_handle(many->multi, f->easy);
		ush_exchange_settle(&f->x, CURLE_ABORTED_BY_CALLBACK);
		land(many, f);
	}
}

static int run(struct ush_many *many, struct ush_http_client *client, struct ush_error *err)
{
	int64_t until = 0;

	for (int running;;) {
		int64_t wait_ms = -1;

		if (ush_asked_to_end()) {
			until = until != 0 ? until : ush_real_boot_ms() + USH_HTTP_WRITES_MS;
			cut(many, ush_real_boot_ms() >= until);
			if (many->under_way == 0)
				return ush_fail(err, USH_ERR_DECLINED, "a signal asked to stop");
		} else {
			wait_ms = launch(many, client);
			if (many->under_way == 0 && wait_ms < 0)
				return 0;
		}
		curl_multi_perform(many->multi, &running);
		if (collect(many))
			continue;
		curl_multi_poll(many->multi, NULL, 0, wait_ms >= 0 && wait_ms < LOOK_MS ? (int)wait_ms : LOOK_MS, NULL);
	}
}

int ush_http_client_many(struct ush_http_client *client, const struct ush_http_pump *pump, struct ush_error *err)
{
	struct ush_many *many = many_of(client);
	int result;

	if (many->multi == NULL || many->pump != NULL)
		return ush_fail(err, USH_ERR_STORE, "libcurl cannot make many exchanges at once now");
	many->pump = pump;
	result = run(many, client, err);
	many->pump = NULL;
	return result;
}

/* ---- worlds without it ---- */

static int one_after_another(const struct ush_world *world, const struct ush_http_pump *pump, struct ush_error *err)
{
	for (;;) {
		USH_AUTO_RESPONSE response = {0};
		struct ush_http_request request = {0};
		struct ush_error why = {0};
		int64_t wait_ms = -1;
		size_t tag = 0;

		if (pump->width(pump->context) > 0 && pump->next(pump->context, &request, &tag, &wait_ms)) {
			ush_http(world, &request, &response, &why);
			pump->done(pump->context, tag, &response, &why);
			if (why.code == USH_ERR_DECLINED)
				return ush_fail(err, why.code, "%s", why.what);
		} else if (wait_ms < 0) {
			return 0;
		} else if (ush_sleep_ms(world, wait_ms) != 0) {
			return ush_fail(err, USH_ERR_DECLINED, "a signal asked to stop");
		}
	}
}

int ush_http_many(const struct ush_world *world, const struct ush_http_pump *pump, struct ush_error *err)
{
	if (world->http_many == NULL)
		return one_after_another(world, pump, err);
	return world->http_many(world->context, pump, err);
}
