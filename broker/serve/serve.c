/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "broker/serve/exposition.h"
#include "common/base/memory.h"

#define LOOK_MS 250 /* how often connections that are open are looked at */
#define IDLE_S	60  /* MHD's own deadline, which begins anew with each byte: ours comes first */

struct slot {
	struct MHD_Connection *connection;
	int fd;
	int64_t born; /* boot clock */
};

struct ush_serve {
	struct ush_board *board;
	struct MHD_Daemon *daemon;
	pthread_t thread;
	bool running;
	int end; /* an eventfd: written to once, at the end */
	char where[INET6_ADDRSTRLEN + 16];
	struct slot slots[USH_SERVE_CONNECTIONS];
	size_t open;
};

/* ---- one request ---- */

static unsigned int metrics(struct ush_board *board, struct ush_buf *out)
{
	ush_board_metrics(board, out);
	return MHD_HTTP_OK;
}

static unsigned int healthz(struct ush_board *board, struct ush_buf *out)
{
	return ush_board_healthy(board, out) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static unsigned int readyz(struct ush_board *board, struct ush_buf *out)
{
	return ush_board_ready(board, out) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static const struct page {
	const char *path, *type;
	unsigned int (*write)(struct ush_board *board, struct ush_buf *out);
} pages[] = {
	{"/metrics", USH_EXPOSITION_TYPE, metrics},
	{"/healthz", "text/plain; charset=utf-8", healthz},
	{"/readyz", "text/plain; charset=utf-8", readyz},
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned int status, const char *type, const struct ush_buf *body)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(body->length, body->data, MHD_RESPMEM_MUST_COPY);
	const char *const headers[][2] = {
		{MHD_HTTP_HEADER_CONTENT_TYPE, type},
		{MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{MHD_HTTP_HEADER_CONNECTION, "close"},
		{MHD_HTTP_HEADER_ALLOW, status == MHD_HTTP_METHOD_NOT_ALLOWED ? "GET, HEAD" : NULL},
	};
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	for (size_t i = 0; i < USH_COUNT(headers); i++)
		if (headers[i][1] != NULL)
			MHD_add_response_header(response, headers[i][0], headers[i][1]);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
			      const char *upload, size_t *upload_size, void **request)
{
	struct ush_serve *serve = context;
	USH_AUTO_BUF body = {0};

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)request;
	for (size_t i = 0; i < USH_COUNT(pages); i++) {
		unsigned int status;

		if (strcmp(path, pages[i].path) != 0)
			continue;
		if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
			ush_buf_puts(&body, "GET and HEAD alone\n");
			return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, pages[i].type, &body);
		}
		status = pages[i].write(serve->board, &body);
		return respond(connection, status, pages[i].type, &body);
	}
	ush_buf_puts(&body, "nothing here but /metrics, /healthz and /readyz\n");
	return respond(connection, MHD_HTTP_NOT_FOUND, pages[1].type, &body);
}

/* A path means what it says: "%00" would end it. */
static size_t as_it_is(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

/* ---- connections ---- */

static void note_connection(void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode what)
{
	struct ush_serve *serve = context;
	bool begins = what == MHD_CONNECTION_NOTIFY_STARTED;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	(void)socket_context;
	for (size_t i = 0; i < USH_SERVE_CONNECTIONS; i++) {
		struct slot *slot = &serve->slots[i];

		if (slot->connection != (begins ? NULL : connection))
			continue;
		*slot = (struct slot){.fd = -1};
		if (begins && info != NULL)
			*slot = (struct slot){connection, info->connect_fd, ush_board_boot_ms(serve->board)};
		serve->open += begins ? 1 : (size_t)-1;
		return;
	}
}

/* However it drips. */
static void end_slow(struct ush_serve *serve)
{
	int64_t now = ush_board_boot_ms(serve->board);

	for (size_t i = 0; serve->open > 0 && i < USH_SERVE_CONNECTIONS; i++) {
		const struct slot *slot = &serve->slots[i];

		if (slot->connection != NULL && now - slot->born > USH_SERVE_DEADLINE_MS)
			shutdown(slot->fd, SHUT_RDWR);
	}
}

static void *serve_all(void *context)
{
	struct ush_serve *serve = context;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(serve->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd wait[] = {{.fd = serve->end, .events = POLLIN}, {.fd = info->epoll_fd, .events = POLLIN}};

	while (wait[0].revents == 0) {
		int64_t ms = serve->open > 0 ? LOOK_MS : -1;
		MHD_UNSIGNED_LONG_LONG soon;

		if (MHD_get_timeout(serve->daemon, &soon) == MHD_YES && (ms < 0 || (int64_t)soon < ms))
			ms = (int64_t)soon;
		if (poll(wait, USH_COUNT(wait), (int)ms) < 0)
			wait[0].revents = 0;
		end_slow(serve);
		MHD_run(serve->daemon);
	}
	return NULL;
}

/* ---- life ---- */

static int listen_on(const char *text, char *where, size_t where_size, struct ush_error *err)
{
	struct sockaddr_storage address;
	socklen_t size;
	char host[INET6_ADDRSTRLEN] = "";
	int fd, one = 1, zero = 0;
	bool six;

	if (ush_serve_address(text, &address, &size, err) != 0)
		return -1;
	six = address.ss_family == AF_INET6;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (six)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, USH_SERVE_CONNECTIONS) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
		ush_fail(err, USH_ERR_UNAVAILABLE, "--listen %s: %s", text, strerror(errno));
		if (fd >= 0)
			close(fd);
		return ush_hint(err, "Another one: --listen ADDRESS:PORT; or none: --listen none");
	}
	inet_ntop(address.ss_family, six ? (void *)&((struct sockaddr_in6 *)&address)->sin6_addr : (void *)&((struct sockaddr_in *)&address)->sin_addr, host,
		  sizeof host);
	snprintf(where, where_size, six ? "[%s]:%u" : "%s:%u", host,
		 ntohs(six ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port));
	return fd;
}

/* The thread takes no signals: they are the runs'. */
static int start_thread(struct ush_serve *serve)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&serve->thread, NULL, serve_all, serve);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	serve->running = failed == 0;
	return failed;
}

struct ush_serve *ush_serve_start(const char *address, struct ush_board *board, struct ush_error *err)
{
	USH_AUTO_SERVE serve = ush_new(struct ush_serve);
	int fd = listen_on(address, serve->where, sizeof serve->where, err);

	serve->end = -1;
	if (fd < 0)
		return NULL;
	serve->board = board;
	serve->end = eventfd(0, EFD_CLOEXEC);
	serve->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, serve, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
					 (unsigned int)USH_SERVE_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned int)USH_SERVE_PER_ADDRESS,
					 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)USH_SERVE_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
					 (unsigned int)IDLE_S, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
					 MHD_OPTION_UNESCAPE_CALLBACK, as_it_is, NULL, MHD_OPTION_NOTIFY_CONNECTION, note_connection, serve, MHD_OPTION_END);
	if (serve->daemon == NULL)
		close(fd);
	if (serve->end < 0 || serve->daemon == NULL || start_thread(serve) != 0) {
		ush_fail(err, USH_ERR_UNAVAILABLE, "the listener at %s did not start: %s", serve->where, strerror(errno));
		return NULL;
	}
	return ush_steal(&serve);
}

const char *ush_serve_where(const struct ush_serve *serve)
{
	return serve->where;
}

void ush_serve_stop(struct ush_serve *serve)
{
	if (serve == NULL)
		return;
	if (serve->running) {
		(void)!write(serve->end, &(uint64_t){1}, sizeof(uint64_t));
		pthread_join(serve->thread, NULL);
	}
	if (serve->daemon != NULL)
		MHD_stop_daemon(serve->daemon);
	if (serve->end >= 0)
		close(serve->end);
	free(serve);
}
