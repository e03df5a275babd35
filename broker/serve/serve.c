/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/serve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "broker/serve/exposition.h"
#include "broker/serve/httpd.h"
#include "common/base/memory.h"

#define TURN_MS 60000 /* the thread wakes for what comes, not for the time */

struct ush_serve {
	struct ush_board *board;
	struct ush_httpd *httpd;
	pthread_t thread;
	bool running;
	int end; /* an eventfd: written to once, at the end */
};

/* ---- one request ---- */

static bool metrics(struct ush_board *board, struct ush_buf *out)
{
	ush_board_metrics(board, out);
	return true;
}

static const struct page {
	const char *path, *type;
	bool (*write)(struct ush_board *board, struct ush_buf *out);
} pages[] = {
	{"/metrics", USH_EXPOSITION_TYPE, metrics},
	{"/healthz", "text/plain; charset=utf-8", ush_board_healthy},
	{"/readyz", "text/plain; charset=utf-8", ush_board_ready},
};

/* A path means what it says, byte by byte: nothing is decoded. */
static const struct page *page_of(const char *target)
{
	size_t length = strcspn(target, "?");

	for (size_t i = 0; i < USH_COUNT(pages); i++)
		if (strlen(pages[i].path) == length && strncmp(target, pages[i].path, length) == 0)
			return &pages[i];
	return NULL;
}

/* Nobody's body is waited for. */
static void answer(void *context, const struct ush_httpd_request *request, struct ush_httpd_reply *reply)
{
	struct ush_serve *serve = context;
	const struct page *page = page_of(request->target);
	USH_AUTO_BUF body = {0};

	reply->status = 404;
	reply->type = page != NULL ? page->type : "text/plain; charset=utf-8";
	ush_httpd_add_header(reply, "X-Content-Type-Options", ush_strdup("nosniff"));
	if (page == NULL) {
		ush_buf_puts(&body, "nothing here but /metrics, /healthz and /readyz\n");
	} else if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
		reply->status = 405;
		ush_httpd_add_header(reply, "Allow", ush_strdup("GET, HEAD"));
		ush_buf_puts(&body, "GET and HEAD alone\n");
	} else {
		reply->status = page->write(serve->board, &body) ? 200 : 503;
	}
	reply->body = ush_buf_take(&body);
}

/* ---- life ---- */

static void *turn_all(void *context)
{
	struct ush_serve *serve = context;
	struct pollfd over = {.fd = serve->end, .events = POLLIN};

	while (poll(&over, 1, 0) <= 0)
		ush_httpd_turn(serve->httpd, TURN_MS, serve->end);
	return NULL;
}

/* The thread takes no signals: they are the runs'. */
static int start_thread(struct ush_serve *serve)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&serve->thread, NULL, turn_all, serve);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	serve->running = failed == 0;
	return failed;
}

struct ush_serve *ush_serve_start(const char *address, struct ush_board *board, struct ush_error *err)
{
	USH_AUTO_SERVE serve = ush_new(struct ush_serve);
	const struct ush_httpd_config config = {
		.listen = address, .header_most = USH_SERVE_BYTES, .connections = USH_SERVE_CONNECTIONS, .strangers = USH_SERVE_CONNECTIONS,
		.strangers_of_host = USH_SERVE_PER_ADDRESS, .once = true, .stranger_ms = USH_SERVE_DEADLINE_MS, .context = serve, .admit = answer,
	};

	serve->board = board;
	serve->end = eventfd(0, EFD_CLOEXEC);
	serve->httpd = ush_httpd_open(&config, ush_board_world(board), err);
	if (serve->httpd == NULL) {
		ush_hint(err, "Another one: --listen ADDRESS:PORT, as in 127.0.0.1:9464 or [::]:9464; or none: --listen none");
		return NULL;
	}
	if (serve->end < 0 || start_thread(serve) != 0) {
		ush_fail(err, USH_ERR_UNAVAILABLE, "the listener at %s did not start: %s", ush_serve_where(serve), strerror(errno));
		return NULL;
	}
	return ush_steal(&serve);
}

const char *ush_serve_where(const struct ush_serve *serve)
{
	return ush_httpd_where(serve->httpd);
}

void ush_serve_stop(struct ush_serve *serve)
{
	if (serve == NULL)
		return;
	if (serve->running) {
		(void)!write(serve->end, &(uint64_t){1}, sizeof(uint64_t));
		pthread_join(serve->thread, NULL);
	}
	ush_httpd_close(serve->httpd);
	if (serve->end >= 0)
		close(serve->end);
	free(serve);
}
