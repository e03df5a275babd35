/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flow/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/flow/page.h"

#define CONNECTIONS     64
#define CONNECTION_MS   5000  /* what one connection may take, however it drips */
#define CONNECTION_SIZE 16384 /* bytes of a request that we hold */
#define CODE_MAX        8192
#define FAREWELL_MS     2000 /* to hand the last page over */
#define REDIRECT_PATH   "/callback"

enum phase {
	WAITING,  /* nobody has answered */
	ANSWERED, /* the browser's request is held until the exchange is done */
	SERVED,   /* its page is on the way */
};

struct slot {
	struct MHD_Connection *connection;
	int fd;
	int64_t born; /* boot clock */
};

struct ush_callback {
	const struct ush_world *world;
	struct MHD_Daemon *daemon;
	char host[32]; /* "127.0.0.1:PORT": what Host must say */
	char *redirect_uri, *start_url, *start_path;
	char *target, *state, *issuer;
	bool iss_required, started;
	enum phase phase;
	struct MHD_Connection *held; /* suspended, or NULL */
	bool signed_in, gone;        /* gone: the last page was handed over, or its reader left */
	struct ush_secret *code;
	struct ush_error failure; /* when phase is ANSWERED without a code */
	char *refusal;            /* the answer's error, or NULL */
	struct slot slots[CONNECTIONS];
};

/* ---- one request ---- */

/* A value that must stand once: a second one is an attack or a fault, and neither is an answer. */
struct once {
	const char *key, *value;
	unsigned int count;
};

static enum MHD_Result collect(void *context, enum MHD_ValueKind kind, const char *key, size_t key_size,
			       const char *value, size_t value_size)
{
	bool header = kind == MHD_HEADER_KIND;

	for (struct once *o = context; o->key != NULL; o++) {
		if (strlen(o->key) != key_size || (header ? strcasecmp(o->key, key) : strcmp(o->key, key)) != 0)
			continue;
		o->count++;
		o->value = value != NULL && strlen(value) == value_size ? value : NULL; /* a NUL inside is no value */
	}
	return MHD_YES;
}

static const char *value_of(const struct once *once)
{
	return once->count == 1 ? once->value : NULL;
}

static bool equal(const char *a, const char *b)
{
	size_t length = strlen(b);
	unsigned char difference = 0;

	if (a == NULL || strlen(a) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

/* Our own name and no other page's doing: DNS rebinding shows in Host, a script in Origin. */
static bool from_browser(const struct ush_callback *callback, struct MHD_Connection *connection)
{
	struct once headers[] = {{.key = "Host"}, {.key = "Origin"}, {.key = NULL}};
	const char *host;

	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, collect, headers);
	host = value_of(&headers[0]);
	return host != NULL && strcmp(host, callback->host) == 0 && headers[1].count == 0;
}

static void refuse_answer(struct ush_callback *callback, const char *error, const char *description)
{
	bool denied = strcmp(error, "access_denied") == 0;

	callback->refusal = ush_strdup(error);
	ush_fail(&callback->failure, denied ? USH_ERR_DECLINED : USH_ERR_REJECTED,
		 "the provider did not sign you in (%.80s%s%.200s)", error, description != NULL ? ": " : "",
		 description != NULL ? description : "");
	if (strcmp(error, "invalid_scope") == 0)
		ush_hint(&callback->failure, "Take the scopes that it does not know out of the profile (scopes:); a Keycloak has none called groups unless somebody made it");
}

/* A visit to the redirect URI (RFC 6749 section 4.1.2). True when it ends the wait. */
static bool take_answer(struct ush_callback *callback, struct MHD_Connection *connection)
{
	enum { STATE, CODE, ISS, ERROR, DESCRIPTION };
	struct once query[] = {
		{.key = "state"}, {.key = "code"}, {.key = "iss"}, {.key = "error"}, {.key = "error_description"},
		{.key = NULL}};
	const char *code, *iss, *error;

	MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, collect, query);
	if (callback->state == NULL || !equal(value_of(&query[STATE]), callback->state))
		return false;
	code = value_of(&query[CODE]);
	error = value_of(&query[ERROR]);
	iss = value_of(&query[ISS]);
	if ((code == NULL) == (error == NULL) || (code != NULL && (code[0] == '\0' || strlen(code) > CODE_MAX)))
		return false;
	if (query[ISS].count > 0 ? iss == NULL || strcmp(iss, callback->issuer) != 0 : callback->iss_required)
		ush_fail(&callback->failure, USH_ERR_REJECTED, "the answer came from the issuer \"%s\", not from %s",
			 iss != NULL ? iss : "", callback->issuer);
	else if (error != NULL)
		refuse_answer(callback, error, value_of(&query[DESCRIPTION]));
	else
		callback->code = ush_secret_new(code, strlen(code));
	return true;
}

static enum MHD_Result visit_redirect_uri(struct ush_callback *callback, struct MHD_Connection *connection)
{
	if (callback->held == connection) { /* resumed by finish */
		callback->phase = SERVED;
		return ush_page_serve(connection, callback->signed_in ? USH_PAGE_DONE : USH_PAGE_FAILED);
	}
	if (callback->phase != WAITING)
		return ush_page_serve(connection, USH_PAGE_USED);
	if (!take_answer(callback, connection))
		return ush_page_serve(connection, USH_PAGE_BAD);
	callback->phase = ANSWERED;
	callback->held = connection;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static enum MHD_Result visit_start(struct ush_callback *callback, struct MHD_Connection *connection)
{
	if (callback->target == NULL || callback->started)
		return ush_page_serve(connection, callback->started ? USH_PAGE_USED : USH_PAGE_LOST);
	callback->started = true;
	return ush_page_redirect(connection, callback->target);
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path, const char *method,
			      const char *version, const char *upload, size_t *upload_size, void **request)
{
	struct ush_callback *callback = context;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return ush_page_serve(connection, USH_PAGE_METHOD);
	if (!from_browser(callback, connection))
		return ush_page_serve(connection, USH_PAGE_FOREIGN);
	if (strcmp(path, callback->start_path) == 0)
		return visit_start(callback, connection);
	if (strcmp(path, REDIRECT_PATH) == 0)
		return visit_redirect_uri(callback, connection);
	return ush_page_serve(connection, USH_PAGE_LOST);
}

/* ---- connections ---- */

static void note_end(void *context, struct MHD_Connection *connection, void **request,
		     enum MHD_RequestTerminationCode why)
{
	struct ush_callback *callback = context;

	(void)request;
	(void)why;
	if (connection == callback->held) {
		callback->held = NULL;
		callback->gone = true;
	}
}

static void note_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			    enum MHD_ConnectionNotificationCode what)
{
	struct ush_callback *callback = context;
	struct MHD_Connection *wanted = what == MHD_CONNECTION_NOTIFY_STARTED ? NULL : connection;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	(void)socket_context;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct slot *slot = &callback->slots[i];

		if (slot->connection != wanted)
			continue;
		*slot = (struct slot){.fd = -1};
		if (wanted == NULL && info != NULL)
			*slot = (struct slot){connection, info->connect_fd, ush_boot_ms(callback->world)};
		return;
	}
}

/* MHD's own timeout starts again with every byte; this one does not. */
static void end_slow(struct ush_callback *callback, int64_t now)
{
	for (size_t i = 0; i < CONNECTIONS; i++) {
		const struct slot *slot = &callback->slots[i];

		if (slot->connection != NULL && slot->connection != callback->held && now - slot->born > CONNECTION_MS)
			shutdown(slot->fd, SHUT_RDWR);
	}
}

/* Lets the listener work for at most ms milliseconds, once. */
static void pump(struct ush_callback *callback, int64_t ms)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(callback->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd wait = {.fd = info->epoll_fd, .events = POLLIN};
	MHD_UNSIGNED_LONG_LONG soon;

	if (MHD_get_timeout(callback->daemon, &soon) == MHD_YES && (int64_t)soon < ms)
		ms = (int64_t)soon;
	poll(&wait, 1, (int)ms);
	MHD_run(callback->daemon);
}

/* ---- life ---- */

/* A socket on the literal loopback address; asked back what it is, because everything rests on that. */
static int listen_on_loopback(unsigned int *port, struct ush_error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, CONNECTIONS) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address, &size) == 0 && address.sin_family == AF_INET &&
	    address.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && address.sin_port != 0) {
		*port = ntohs(address.sin_port);
		return fd;
	}
	ush_fail(err, USH_ERR_UNAVAILABLE, "no port of 127.0.0.1 can be had for the browser to come back to: %s",
		 strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static struct MHD_Daemon *start_daemon(struct ush_callback *callback, int fd)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, answer, callback, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_SIZE, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)(CONNECTION_MS / 1000),
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_NOTIFY_COMPLETED,
		note_end, callback, MHD_OPTION_NOTIFY_CONNECTION, note_connection, callback, MHD_OPTION_END);
}

struct ush_callback *ush_callback_start(const struct ush_world *world, struct ush_error *err)
{
	USH_AUTO_CALLBACK callback = ush_new(struct ush_callback);
	USH_AUTO_FREE char *random = ush_client_random(world);
	unsigned int port = 0;
	int fd = listen_on_loopback(&port, err);

	callback->world = world;
	if (fd < 0)
		return NULL;
	snprintf(callback->host, sizeof callback->host, "127.0.0.1:%u", port);
	callback->start_path = ush_printf("/start/%s", random);
	callback->start_url = ush_printf("http://%s%s", callback->host, callback->start_path);
	callback->redirect_uri = ush_printf("http://%s%s", callback->host, REDIRECT_PATH);
	callback->daemon = start_daemon(callback, fd);
	if (callback->daemon == NULL) {
		ush_fail(err, USH_ERR_UNAVAILABLE, "the listener for the browser's answer did not start: %s",
			 strerror(errno));
		return NULL;
	}
	return ush_steal(&callback);
}

const char *ush_callback_redirect_uri(const struct ush_callback *callback)
{
	return callback->redirect_uri;
}

const char *ush_callback_start_url(const struct ush_callback *callback)
{
	return callback->start_url;
}

void ush_callback_expect(struct ush_callback *callback, const char *authorization_url, const char *state,
			 const char *issuer, bool iss_required)
{
	callback->target = ush_strdup(authorization_url);
	callback->state = ush_strdup(state);
	callback->issuer = ush_strdup(issuer);
	callback->iss_required = iss_required;
}

int ush_callback_wait(struct ush_callback *callback, int64_t deadline_ms, struct ush_secret **code,
		      struct ush_error *err)
{
	static const int64_t step_ms = 250; /* so that a signal between two looks is seen soon */

	while (callback->phase == WAITING) {
		int64_t now = ush_boot_ms(callback->world), left = deadline_ms - now;

		if (left <= 0)
			return ush_fail(err, USH_ERR_DECLINED, "nobody signed in in time");
		if (ush_sleep_ms(callback->world, 0) != 0)
			return ush_fail(err, USH_ERR_DECLINED, "stopped before anybody signed in");
		end_slow(callback, now);
		pump(callback, left < step_ms ? left : step_ms);
	}
	if (callback->code == NULL) {
		*err = callback->failure;
		return -1;
	}
	*code = ush_steal(&callback->code);
	return 0;
}

const char *ush_callback_refusal(const struct ush_callback *callback)
{
	return callback->refusal;
}

void ush_callback_finish(struct ush_callback *callback, bool signed_in)
{
	static const int64_t step_ms = 50;

	if (callback->phase != ANSWERED || callback->held == NULL)
		return;
	callback->signed_in = signed_in;
	MHD_resume_connection(callback->held);
	for (int64_t waited = 0; !callback->gone && waited < FAREWELL_MS; waited += step_ms)
		pump(callback, step_ms);
}

void ush_callback_free(struct ush_callback *callback)
{
	if (callback == NULL)
		return;
	ush_callback_finish(callback, false);
	if (callback->daemon != NULL)
		MHD_stop_daemon(callback->daemon);
	free(callback->redirect_uri);
	free(callback->start_url);
	free(callback->start_path);
	free(callback->target);
	free(callback->state);
	free(callback->issuer);
	free(callback->refusal);
	ush_secret_free(callback->code);
	free(callback);
}
