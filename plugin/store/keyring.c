/* SPDX-License-Identifier: Apache-2.0
 *
 * The desktop's keyring (freedesktop.org Secret Service). libsecret can wait for ever: for a daemon that is stopped, a
 * bus that accepts and never speaks, a person. So it speaks in a child that answers through a pipe; the parent waits for
 * as long as the deadline says, then kills it.
 */
#include "plugin/store/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "plugin/session/session.h"

/* The child's answer: this, then length bytes: the value of a load, or why it failed. */
struct answer {
	uint32_t result;
	uint32_t length;
};

bool ush_keyring_value_ok(const char *text, size_t length)
{
	static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return length > 0 && length <= USH_SESSION_MAX && strspn(text, base64url) == length;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the child ---- */

/* What would send libsecret elsewhere, load code into it or make it talk. */
static void clean_environment(const char *address)
{
	static const char *const away[] = {
		"SECRET_BACKEND", "SECRET_FILE_TEST_PATH", "SECRET_FILE_TEST_PASSWORD", "SECRET_SERVICE_BUS_NAME", "GIO_MODULE_DIR",
		"GIO_EXTRA_MODULES", "GIO_USE_VFS", "G_MESSAGES_DEBUG", "G_DEBUG", "G_DBUS_DEBUG", "DBUS_STARTER_ADDRESS",
		"DBUS_STARTER_BUS_TYPE", "DISPLAY", "WAYLAND_DISPLAY",
	};

	for (size_t i = 0; i < USH_COUNT(away); i++)
		unsetenv(away[i]);
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
}

/* Nothing that GLib says reaches kubectl or the person, and no signal handler of ours runs in here. */
static void settle_child(pid_t parent, int64_t deadline_ms)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
	alarm((unsigned int)(deadline_ms / 1000 + 2)); /* if the parent is stopped, too */
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
}

static _Noreturn void run_child(int to, const struct ush_keyring_request *request, const char *address)
{
	struct ush_secret *found = NULL;
	struct ush_error why = {.code = USH_OK};
	struct answer head;
	const char *text;

	clean_environment(address);
	head.result = ush_keyring_talk(request, &found, &why);
	text = found != NULL ? ush_secret_reveal(found) : why.what;
	head.length = (uint32_t)(found != NULL ? ush_secret_length(found) : strlen(why.what));
	_exit(ush_write_all(to, (const char *)&head, sizeof head) != 0 || ush_write_all(to, text, head.length) != 0);
}

/* ---- the parent ---- */

/* True when the whole answer is in buf before the deadline; *late tells that from one that broke off. */
static bool receive(int from, int64_t until_ms, struct ush_buf *buf, bool *late)
{
	struct answer head = {0, 0};
	char chunk[4096];

	*late = false;
	for (;;) {
		struct pollfd ready = {.fd = from, .events = POLLIN};
		int64_t left = until_ms - now_ms();
		ssize_t n;

		if (buf->length >= sizeof head) {
			memcpy(&head, buf->data, sizeof head);
			if (buf->length >= sizeof head + head.length)
				return true;
		}
		*late = left <= 0;
		if (*late)
			return false;
		if (poll(&ready, 1, (int)left) <= 0)
			continue;
		n = read(from, chunk, sizeof chunk);
		if (n == 0 || (n < 0 && errno != EINTR) || (n > 0 && ush_buf_add(buf, chunk, (size_t)n) != 0))
			return false;
		explicit_bzero(chunk, sizeof chunk);
	}
}

static enum ush_store_result interpret(const struct ush_buf *buf, struct ush_secret **found, struct ush_error *err)
{
	struct answer head;

	memcpy(&head, buf->data, sizeof head);
	if (head.result > USH_STORE_BROKEN) {
		ush_fail(err, USH_ERR_STORE, "the keyring's answer makes no sense");
		return USH_STORE_BROKEN;
	}
	if (head.result == USH_STORE_OK && head.length > 0 && found != NULL)
		*found = ush_secret_new(buf->data + sizeof head, head.length);
	if (head.result == USH_STORE_LOCKED || head.result == USH_STORE_BROKEN)
		ush_fail(err, USH_ERR_STORE, "%.*s", (int)head.length, buf->data + sizeof head);
	return head.result;
}

static enum ush_store_result await(pid_t child, int from, int64_t deadline_ms, struct ush_secret **found, struct ush_error *err)
{
	USH_AUTO_BUF buf = USH_BUF_MAX(sizeof(struct answer) + USH_SESSION_MAX + sizeof err->what);
	bool late = false, whole = receive(from, now_ms() + deadline_ms, &buf, &late);

	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (whole)
		return interpret(&buf, found, err);
	if (late)
		ush_fail(err, USH_ERR_STORE, "the keyring did not answer within %lld.%lld s", (long long)deadline_ms / 1000,
			 (long long)deadline_ms % 1000 / 100);
	else
		ush_fail(err, USH_ERR_STORE, "the keyring's answer broke off");
	return USH_STORE_BROKEN;
}

static enum ush_store_result ask(const struct ush_keyring_request *request, int64_t deadline_ms, struct ush_secret **found,
				 struct ush_error *err)
{
	USH_AUTO_FREE char *address = ush_bus_address(err);
	enum ush_store_result result = USH_STORE_BROKEN;
	pid_t parent = getpid(), child;
	int ends[2];

	if (address == NULL)
		return USH_STORE_BROKEN;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		ush_fail(err, USH_ERR_STORE, "the keyring cannot be asked: %s", strerror(errno));
		return USH_STORE_BROKEN;
	}
	child = fork();
	if (child == 0) {
		settle_child(parent, deadline_ms);
		run_child(ends[1], request, address);
	}
	close(ends[1]);
	if (child < 0)
		ush_fail(err, USH_ERR_STORE, "the keyring cannot be asked: %s", strerror(errno));
	else
		result = await(child, ends[0], deadline_ms, found, err);
	close(ends[0]);
	return result;
}

static enum ush_store_result load(const char *key, int64_t deadline_ms, struct ush_secret **value, struct ush_error *err)
{
	struct ush_keyring_request request = {USH_KEYRING_LOAD, key, NULL, NULL};

	*value = NULL;
	return ask(&request, deadline_ms, value, err);
}

static enum ush_store_result save(const char *key, const char *label, const struct ush_secret *value, int64_t deadline_ms,
				  struct ush_error *err)
{
	struct ush_keyring_request request = {USH_KEYRING_SAVE, key, label != NULL ? label : "Usher session", value};

	if (value == NULL || !ush_keyring_value_ok(ush_secret_reveal(value), ush_secret_length(value))) {
		ush_fail(err, USH_ERR_STORE, "the session does not fit a keyring: one line of at most %d letters", USH_SESSION_MAX);
		return USH_STORE_BROKEN;
	}
	return ask(&request, deadline_ms, NULL, err);
}

static enum ush_store_result erase(const char *key, int64_t deadline_ms, struct ush_error *err)
{
	struct ush_keyring_request request = {USH_KEYRING_ERASE, key, NULL, NULL};

	return ask(&request, deadline_ms, NULL, err);
}

const struct ush_store_ops ush_store_keyring = {"keyring", "the keyring", load, save, erase};
