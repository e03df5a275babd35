/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/httpd.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/serve/listen.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#define HEADER_MAX (64U << 10)
#define TARGET_MAX 8192
#define CLOSING_MS 2000
#define SWEEP_MS   1000
#define PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct link { /* a connection */
	struct link *next, **before;
	int fd;
	int64_t since; /* accepted, or the last answer's end */
	bool known, waits;
};

struct exchange { /* a request and its answer */
	struct ush_httpd *serve;
	struct link *link;
	struct MHD_Connection *connection;
	char *target; /* NULL: too long */
	struct ush_buf body;
	size_t counted; /* of serve->bodies */
	bool begun, replied;
	struct ush_httpd_reply reply;
};

struct ush_httpd {
	struct ush_httpd_config config;
	const struct ush_world *world;
	struct MHD_Daemon *daemon, *next; /* next takes over when nothing is under way */
	int listener;
	char where[80];
	struct link *links;
	size_t exchanges, bodies;
	struct exchange **held;
	size_t held_count;
	int64_t swept;
	bool starting;
	char why[256]; /* what the library said when it was started */
};

/* ---- what a handler is given ---- */

const char *ush_httpd_header(const struct ush_httpd_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *ush_httpd_peer(const struct ush_httpd_request *request, char *out, size_t size)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info != NULL ? ush_listen_name(info->client_addr, false, out, size) : "?";
}

void ush_httpd_add_header(struct ush_httpd_reply *reply, const char *name, char *value)
{
	if (reply->header_count >= USH_HTTPD_HEADERS) {
		free(value);
		return;
	}
	reply->headers[reply->header_count].name = name;
	reply->headers[reply->header_count++].value = value;
}

static void reply_free(struct ush_httpd_reply *reply)
{
	free(reply->body);
	for (size_t i = 0; i < reply->header_count; i++)
		free(reply->headers[i].value);
	*reply = (struct ush_httpd_reply){0};
}

/* ---- sending ---- */

static enum MHD_Result send_reply(struct exchange *exchange)
{
	struct ush_httpd_reply *reply = &exchange->reply;
	struct MHD_Response *response;
	enum MHD_Result result;

	if (reply->body != NULL && reply->length == 0)
		reply->length = strlen(reply->body);
	response = MHD_create_response_from_buffer(reply->body != NULL ? reply->length : 0, reply->body, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		return MHD_NO;
	reply->body = NULL;
	if (reply->type != NULL)
		MHD_add_response_header(response, "Content-Type", reply->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	for (size_t i = 0; i < reply->header_count; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
	result = MHD_queue_response(exchange->connection, (unsigned int)reply->status, response);
	MHD_destroy_response(response);
	exchange->link->known |= reply->known;
	exchange->replied = true;
	reply_free(reply);
	return result;
}

static enum MHD_Result refuse(struct exchange *exchange, int status)
{
	exchange->reply.status = status;
	if (status == 503)
		ush_httpd_add_header(&exchange->reply, "Retry-After", ush_strdup("5"));
	return send_reply(exchange);
}

static void hold(struct exchange *exchange)
{
	MHD_suspend_connection(exchange->connection);
	exchange->link->waits = true;
	USH_PUSH(exchange->serve->held, exchange->serve->held_count, exchange);
}

static void settle(struct ush_httpd *serve)
{
	bool good = serve->held_count > 0 && serve->config.settle(serve->config.context);

	for (size_t i = 0; i < serve->held_count; i++) {
		struct exchange *exchange = serve->held[i];

		if (!good) {
			reply_free(&exchange->reply);
			serve->config.spoilt(serve->config.context, &exchange->reply);
		}
		exchange->link->waits = false;
		send_reply(exchange);
		MHD_resume_connection(exchange->connection);
	}
	free(ush_steal(&serve->held));
	serve->held_count = 0;
}

/* ---- the library's callbacks ---- */

static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
	struct exchange *exchange = ush_new(struct exchange);
	struct ush_httpd *serve = context;

	exchange->serve = serve;
	exchange->connection = connection;
	exchange->body.limit = serve->config.body_most + 1;
	exchange->link = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	if (strlen(target) <= TARGET_MAX)
		exchange->target = ush_strdup(target);
	serve->exchanges++;
	return exchange;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **at, enum MHD_RequestTerminationCode how)
{
	struct exchange *exchange = *at;
	struct ush_httpd *serve = context;

	(void)connection;
	(void)how;
	if (exchange == NULL)
		return;
	serve->exchanges--;
	serve->bodies -= exchange->counted;
	exchange->link->since = ush_boot_ms(serve->world);
	reply_free(&exchange->reply);
	ush_buf_free(&exchange->body);
	free(exchange->target);
	free(exchange);
	*at = NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **at, enum MHD_ConnectionNotificationCode code)
{
	struct ush_httpd *serve = context;
	struct link *link = *at;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*at = link = ush_new(struct link);
		link->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		link->since = ush_boot_ms(serve->world);
		link->next = serve->links;
		link->before = &serve->links;
		if (link->next != NULL)
			link->next->before = &link->next;
		serve->links = link;
	} else if (link != NULL) {
		*link->before = link->next;
		if (link->next != NULL)
			link->next->before = link->before;
		free(link);
		*at = NULL;
	}
}

/* The header is there, the body is not. */
static enum MHD_Result begin(struct exchange *exchange, const struct ush_httpd_request *request)
{
	struct ush_httpd *serve = exchange->serve;
	const char *length = ush_httpd_header(request, "Content-Length");

	exchange->begun = true;
	if (exchange->target == NULL)
		return refuse(exchange, 414);
	if (serve->config.admit != NULL)
		serve->config.admit(serve->config.context, request, &exchange->reply);
	if (exchange->reply.status != 0)
		return send_reply(exchange);
	if (length != NULL && (strlen(length) > 18 || strtoull(length, NULL, 10) > serve->config.body_most))
		return refuse(exchange, 413);
	if (serve->bodies >= serve->config.bodies_most)
		return refuse(exchange, 503);
	return MHD_YES;
}

/* A body that says nothing of its length and becomes too long ends the connection: no answer fits into the middle of it. */
static enum MHD_Result take(struct exchange *exchange, const char *data, size_t *size)
{
	if (exchange->replied)
		*size = 0;
	if (*size == 0)
		return MHD_YES;
	if (exchange->body.length + *size > exchange->serve->config.body_most || ush_buf_add(&exchange->body, data, *size) != 0)
		return MHD_NO;
	exchange->counted += *size;
	exchange->serve->bodies += *size;
	*size = 0;
	return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
				  const char *data, size_t *size, void **at)
{
	struct exchange *exchange = *at;
	struct ush_httpd *serve = context;
	struct ush_httpd_request request = {method, NULL, "", 0, connection};

	(void)url;
	(void)version;
	if (exchange == NULL)
		return MHD_NO;
	request.target = exchange->target;
	if (!exchange->begun)
		return begin(exchange, &request);
	if (*size > 0)
		return take(exchange, data, size);
	if (exchange->replied)
		return MHD_YES;
	if (exchange->body.length > 0) {
		request.body = exchange->body.data;
		request.length = exchange->body.length;
	}
	serve->config.answer(serve->config.context, &request, &exchange->reply);
	if (!exchange->reply.held)
		return send_reply(exchange);
	hold(exchange);
	return MHD_YES;
}

static void __attribute__((format(printf, 2, 0))) on_message(void *context, const char *format, va_list args)
{
	struct ush_httpd *serve = context;

	if (serve->starting && serve->why[0] == '\0')
		vsnprintf(serve->why, sizeof serve->why, format, args);
}

/* ---- life ---- */

static struct MHD_Daemon *start(struct ush_httpd *serve, const char *cert, const char *key, struct ush_error *err)
{
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (key != NULL ? MHD_USE_TLS : 0);
	int listener = dup(serve->listener);
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_Daemon *daemon;

	serve->why[0] = '\0';
	serve->starting = true;
	daemon = listener < 0 ? NULL
			      : MHD_start_daemon(flags, 0, NULL, NULL, on_request, serve, MHD_OPTION_EXTERNAL_LOGGER, on_message, serve,
						 MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, serve->config.connections,
						 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_MAX, MHD_OPTION_URI_LOG_CALLBACK, on_target, serve,
						 MHD_OPTION_NOTIFY_COMPLETED, on_completed, serve, MHD_OPTION_NOTIFY_CONNECTION, on_connection, serve,
						 MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, key != NULL ? tls : tls + 3, MHD_OPTION_END);
	serve->starting = false;
	if (daemon != NULL)
		return daemon;
	if (listener >= 0)
		close(listener);
	serve->why[strcspn(serve->why, "\n")] = '\0';
	ush_fail(err, key != NULL ? USH_ERR_CONFIG : USH_ERR_UNAVAILABLE, "%s: cannot serve%s%s", serve->where, serve->why[0] != '\0' ? ": " : "", serve->why);
	if (key != NULL)
		ush_hint(err, "Certificate and key must be PEM, and of one another");
	return NULL;
}

struct ush_httpd *ush_httpd_open(const struct ush_httpd_config *config, const struct ush_world *world, struct ush_error *err)
{
	struct ush_httpd *serve = ush_new(struct ush_httpd);

	serve->config = *config;
	serve->world = world;
	serve->listener = ush_listen(config->listen, serve->where, sizeof serve->where, err);
	if (serve->listener >= 0)
		serve->daemon = start(serve, config->cert, config->key, err);
	serve->config.cert = serve->config.key = serve->config.listen = NULL;
	if (serve->daemon != NULL)
		return serve;
	if (serve->listener >= 0)
		close(serve->listener);
	free(serve);
	return NULL;
}

const char *ush_httpd_where(const struct ush_httpd *serve)
{
	return serve->where;
}

int ush_httpd_rekey(struct ush_httpd *serve, const char *cert, const char *key, struct ush_error *err)
{
	struct MHD_Daemon *next = start(serve, cert, key, err);

	if (next == NULL)
		return -1;
	if (serve->next != NULL)
		MHD_stop_daemon(serve->next);
	serve->next = next;
	return 0;
}

/* Whoever takes too long, in whatever: shaking hands, sending, reading. */
static void sweep(struct ush_httpd *serve)
{
	int64_t now = ush_boot_ms(serve->world);

	if (now - serve->swept < SWEEP_MS)
		return;
	serve->swept = now;
	for (struct link *link = serve->links; link != NULL; link = link->next)
		if (!link->waits && now - link->since > (link->known ? serve->config.known_ms : serve->config.stranger_ms))
			shutdown(link->fd, SHUT_RDWR);
}

static int patience(struct ush_httpd *serve, int wait_ms)
{
	MHD_UNSIGNED_LONG_LONG most;

	if (MHD_get_timeout(serve->daemon, &most) == MHD_YES && most < (MHD_UNSIGNED_LONG_LONG)wait_ms)
		return (int)most;
	return wait_ms;
}

void ush_httpd_turn(struct ush_httpd *serve, int wait_ms, int wake)
{
	struct pollfd fds[2] = {{.events = POLLIN}, {.fd = wake, .events = POLLIN}};

	if (serve->next != NULL && serve->exchanges == 0) {
		MHD_stop_daemon(serve->daemon);
		serve->daemon = ush_steal(&serve->next);
	}
	fds[0].fd = MHD_get_daemon_info(serve->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	if (serve->links != NULL && wait_ms > SWEEP_MS)
		wait_ms = SWEEP_MS;
	poll(fds, wake >= 0 ? 2 : 1, patience(serve, wait_ms));
	MHD_run(serve->daemon);
	if (serve->held_count > 0) {
		settle(serve);
		MHD_run(serve->daemon);
	}
	sweep(serve);
}

void ush_httpd_close(struct ush_httpd *serve)
{
	int64_t until;

	if (serve == NULL)
		return;
	until = ush_boot_ms(serve->world) + CLOSING_MS;
	if (serve->next != NULL)
		MHD_stop_daemon(ush_steal(&serve->next));
	close(serve->listener);
	while (serve->exchanges > 0 && ush_boot_ms(serve->world) < until)
		ush_httpd_turn(serve, 50, -1);
	settle(serve);
	MHD_run(serve->daemon);
	MHD_stop_daemon(serve->daemon);
	free(serve);
}
