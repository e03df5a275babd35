/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/asking.h"

#include <check.h>
#include <string.h>

#include "common/base/memory.h"

struct ush_http_client *client;
struct http_server *server;
struct ush_http_response response;
struct ush_error err;

/* The script of most tests: one answer to every request. */
static struct http_reply canned;

static void answer(void *context, const struct http_seen *seen, struct http_reply *reply)
{
	(void)context, (void)seen;
	*reply = canned;
	reply->body = ush_strdup(canned.body);
	reply->headers = ush_strdup(canned.headers);
}

void start(struct http_reply reply)
{
	canned = reply;
	if (canned.status == 0)
		canned.status = 200;
	if (canned.content_type == NULL)
		canned.content_type = "application/json";
	err = (struct ush_error){0};
	client = ush_http_client_new();
	server = http_server_start(answer, NULL);
}

void stop(void)
{
	http_server_stop(server);
	ush_http_client_free(client);
	ush_http_response_free(&response);
}

/* Asks the server for path with the rest of the request as it is. */
int ask_with(struct ush_http_request request, const char *path)
{
	USH_AUTO_FREE char *url = ush_printf("%s%s", http_server_url(server), path);

	request.url = url;
	request.loopback_http = true;
	if (request.timeout_ms == 0)
		request.timeout_ms = 20000;
	err = (struct ush_error){0};
	return ush_http_exchange(client, &request, &response, &err);
}

int ask(const char *path)
{
	return ask_with((struct ush_http_request){0}, path);
}

void failed(int result, enum ush_code code, const char *why)
{
	ck_assert_int_eq(result, -1);
	ck_assert_msg(err.code == code, "code %d: %s", (int)err.code, err.what);
	ck_assert_msg(strstr(err.what, why) != NULL, "wanted \"%s\", got \"%s\"", why, err.what);
}
