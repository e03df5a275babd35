/* SPDX-License-Identifier: Apache-2.0
 *
 * libsecret can wait for ever: for a daemon that is stopped, a bus that never speaks. So it speaks in a child, which
 * answers through a pipe and is killed when it takes too long.
 */
#include "broker/source/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <libsecret/secret.h>
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

#define ANSWER_MS  15000
#define SECRET_MAX (64U << 10)

/* ---- the child: what GLib hands out is not given back, it ends at once ---- */

static GHashTable *wanted(const struct ush_list *attributes)
{
	GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);

	for (size_t i = 0; i < attributes->count; i++) {
		char *key = ush_strdup(attributes->items[i]), *equals = strchr(key, '=');

		if (equals == NULL)
			continue;
		*equals = '\0';
		g_hash_table_insert(table, key, equals + 1);
	}
	return table;
}

/* The secret into out, or why there is none into why (static). */
static const char *search(const struct ush_list *attributes, const char **text, gsize *length)
{
	GError *bad = NULL;
	SecretService *service = secret_service_get_sync(SECRET_SERVICE_NONE, NULL, &bad);
	GList *items = service == NULL ? NULL : secret_service_search_sync(service, NULL, wanted(attributes), SECRET_SEARCH_ALL, NULL, &bad);
	SecretValue *value;

	if (bad != NULL)
		return g_error_matches(bad, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ? "no keyring service runs on the session bus" : bad->message;
	if (items == NULL)
		return "has no item with these attributes";
	if (items->next != NULL)
		return "has several items with these attributes";
	if (secret_item_get_locked(items->data))
		return "is locked";
	if (!secret_item_load_secret_sync(items->data, NULL, &bad))
		return bad->message;
	value = secret_item_get_secret(items->data);
	*text = value != NULL ? secret_value_get(value, length) : NULL;
	return *text == NULL || *length == 0 || *length > SECRET_MAX ? "has an item that holds no secret" : NULL;
}

static _Noreturn void run_child(int to, const struct ush_list *attributes)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const char *text = NULL, *why;
	gsize length = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	why = search(attributes, &text, &length);
	_exit(ush_write_all(to, why == NULL ? "+" : "-", 1) != 0 || ush_write_all(to, why == NULL ? text : why, why == NULL ? length : strlen(why)) != 0);
}

/* ---- the parent ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads to the end; false when that does not come in time. */
static bool receive(int from, struct ush_buf *answer)
{
	int64_t until = now_ms() + ANSWER_MS;
	char chunk[4096];
	ssize_t n = 1;

	while (n != 0) {
		struct pollfd ready = {.fd = from, .events = POLLIN};
		int64_t left = until - now_ms();

		if (left <= 0)
			return false;
		if (poll(&ready, 1, (int)left) <= 0)
			continue;
		n = read(from, chunk, sizeof chunk);
		if ((n < 0 && errno != EINTR) || (n > 0 && ush_buf_add(answer, chunk, (size_t)n) != 0))
			return false;
	}
	explicit_bzero(chunk, sizeof chunk);
	return true;
}

int ush_keyring_read(const struct ush_list *attributes, struct ush_secret **out, struct ush_error *err)
{
	USH_AUTO_BUF answer = USH_BUF_MAX(SECRET_MAX + 1);
	bool whole;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return ush_fail(err, USH_ERR_CONFIG, "the keyring: %s", strerror(errno));
	child = fork();
	if (child == 0)
		run_child(ends[1], attributes);
	close(ends[1]);
	whole = child > 0 && receive(ends[0], &answer);
	close(ends[0]);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	if (!whole || answer.length == 0)
		return ush_fail(err, USH_ERR_CONFIG, "the keyring did not answer within %d s", ANSWER_MS / 1000);
	if (answer.data[0] != '+' || strlen(answer.data) != answer.length)
		return ush_fail(err, USH_ERR_CONFIG, "the keyring: %.200s", answer.data[0] == '-' ? answer.data + 1 : "its item holds no secret");
	*out = ush_secret_new(answer.data + 1, answer.length - 1);
	return 0;
}
