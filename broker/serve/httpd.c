/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/httpd.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "broker/serve/call.h"
#include "broker/serve/listen.h"
#include "broker/serve/seats.h"
#include "common/base/memory.h"

#define CLOSING_MS 2000
#define SWEEP_MS   250
#define ROOM	   32 /* connections that were cut are there until the library has seen it */
#define PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct ush_httpd {
	struct ush_httpd_config config;
	const struct ush_world *world;
	struct MHD_Daemon *daemon, *next; /* next takes over when nothing is under way */
	int listener;
	char where[80];
	struct ush_seats seats;
	struct ush_calls calls;
	int64_t swept;
	bool starting;
	char why[256]; /* what the library said when it was started */
};

/* ---- the library's callbacks ---- */

static void on_connection(void *context, struct MHD_Connection *connection, void **at, enum MHD_ConnectionNotificationCode code)
{
	struct ush_httpd *serve = context;
	struct ush_seat *seat = *at;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*at = ush_seats_add(&serve->seats, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
				    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, ush_boot_ms(serve->world));
	else if (seat != NULL)
		ush_seat_drop(seat);
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
			      : MHD_start_daemon(flags, 0, NULL, NULL, ush_call_step, &serve->calls, MHD_OPTION_EXTERNAL_LOGGER, on_message, serve,
						 MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, serve->config.connections + ROOM,
						 MHD_OPTION_CONNECTION_MEMORY_LIMIT, serve->config.header_most, MHD_OPTION_URI_LOG_CALLBACK,
						 ush_call_begin, &serve->calls, MHD_OPTION_NOTIFY_COMPLETED, ush_call_end, &serve->calls,
						 MHD_OPTION_NOTIFY_CONNECTION, on_connection, serve, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
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
	serve->seats = (struct ush_seats){.most = config->connections, .strangers_most = config->strangers, .host_most = config->strangers_of_host,
					  .strangers_least = config->strangers_least, .stranger_ms = config->stranger_ms, .known_ms = config->known_ms};
	serve->calls = (struct ush_calls){.config = &serve->config, .world = world};
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

size_t ush_httpd_crowded_out(struct ush_httpd *serve)
{
	size_t count = serve->seats.crowded_out;

	serve->seats.crowded_out = 0;
	return count;
}

size_t ush_httpd_gave_way(struct ush_httpd *serve)
{
	size_t count = serve->seats.gave_way;

	serve->seats.gave_way = 0;
	return count;
}

static void sweep(struct ush_httpd *serve)
{
	int64_t now = ush_boot_ms(serve->world);

	if (now - serve->swept < SWEEP_MS)
		return;
	serve->swept = now;
	ush_seats_sweep(&serve->seats, now);
}

static int patience(struct ush_httpd *serve, int wait_ms)
{
	MHD_UNSIGNED_LONG_LONG most;

	if (serve->seats.newest != NULL && wait_ms > SWEEP_MS)
		wait_ms = SWEEP_MS;
	return MHD_get_timeout(serve->daemon, &most) == MHD_YES && most < (MHD_UNSIGNED_LONG_LONG)wait_ms ? (int)most : wait_ms;
}

void ush_httpd_turn(struct ush_httpd *serve, int wait_ms, int wake)
{
	struct pollfd fds[2] = {{.events = POLLIN}, {.fd = wake, .events = POLLIN}};

	if (serve->next != NULL && serve->calls.open == 0) {
		MHD_stop_daemon(serve->daemon);
		serve->daemon = ush_steal(&serve->next);
	}
	fds[0].fd = MHD_get_daemon_info(serve->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	poll(fds, wake >= 0 ? 2 : 1, patience(serve, wait_ms));
	MHD_run(serve->daemon);
	if (serve->calls.held_count > 0) {
		ush_calls_settle(&serve->calls);
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
	ush_seats_cut_strangers(&serve->seats);
	while (serve->calls.open > 0 && ush_boot_ms(serve->world) < until)
		ush_httpd_turn(serve, 50, -1);
	ush_calls_settle(&serve->calls);
	MHD_run(serve->daemon);
	MHD_stop_daemon(serve->daemon);
	free(serve);
}
