/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flow/flow.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"

#define URL_MAX 16384

static const char *const openers[] = {"/usr/bin/xdg-open", "/usr/local/bin/xdg-open", "/usr/bin/wslview",
				      "/usr/bin/x-www-browser"};

const char *ush_open_default(void)
{
	for (size_t i = 0; i < USH_COUNT(openers); i++)
		if (access(openers[i], X_OK) == 0)
			return openers[i];
	return NULL;
}

static bool variable_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

bool ush_open_possible(const char *opener)
{
	if (opener != NULL) /* named by the profile: it may be a text browser, which needs no display */
		return access(opener, X_OK) == 0;
	return ush_open_default() != NULL && (variable_set("DISPLAY") || variable_set("WAYLAND_DISPLAY"));
}

/* Path and query, byte by byte: what a URL may hold stays, what the shell scripts behind an opener could take for more
 * than text is percent-encoded, all else is refused. */
static int rebuild_path(struct ush_buf *out, const char *path, struct ush_error *err)
{
	for (const char *p = path; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '%' && !(isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])))
			return ush_fail(err, USH_ERR_REJECTED, "a URL with a lone %% is not opened");
		if (c < 0x80 && (isalnum(c) || strchr("-._~/?:@!&*+,;=%", c) != NULL))
			ush_buf_add(out, p, 1);
		else if (strchr("$'()", c) != NULL)
			ush_buf_printf(out, "%%%02X", c);
		else
			return ush_fail(err, USH_ERR_REJECTED, "a URL with the byte 0x%02x in it is not opened", c);
	}
	return out->overflow ? ush_fail(err, USH_ERR_REJECTED, "a URL of more than %d bytes is not opened", URL_MAX)
			     : 0;
}

static char *rebuild(const char *text, struct ush_error *err)
{
	USH_AUTO_URL url = {0};
	USH_AUTO_FREE char *authority = NULL;
	USH_AUTO_BUF out = USH_BUF_MAX(URL_MAX);

	if (ush_url_parse(&url, text, USH_ERR_REJECTED, err) != 0)
		return NULL;
	if (strcmp(url.scheme, "https") != 0 && !url.loopback) {
		ush_fail(err, USH_ERR_REJECTED, "%s://%s is not opened: https is wanted", url.scheme, url.host);
		return NULL;
	}
	authority = ush_url_authority(&url);
	ush_buf_printf(&out, "%s://%s", url.scheme, authority);
	return rebuild_path(&out, url.path, err) == 0 ? ush_buf_take(&out) : NULL;
}

/* The child hears no terminal, writes only to stderr, holds none of our files, and lives on when we get Ctrl-C. */
static int start(const char *opener, char *url)
{
	char *arguments[] = {(char *)(uintptr_t)opener, url, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	pid_t pid;
	int bad;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	bad = posix_spawn(&pid, opener, &files, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return bad;
}

int ush_open_url(const char *opener, const char *url, struct ush_error *err)
{
	USH_AUTO_FREE char *safe = rebuild(url, err);
	int bad;

	if (safe == NULL)
		return -1;
	if (opener == NULL)
		opener = ush_open_default();
	if (opener == NULL)
		return ush_fail(err, USH_ERR_UNAVAILABLE, "nothing here opens a URL (no xdg-open)");
	if (opener[0] != '/')
		return ush_fail(err, USH_ERR_CONFIG, "%s: a browser is named by its absolute path", opener);
	bad = start(opener, safe);
	return bad == 0 ? 0 : ush_fail(err, USH_ERR_UNAVAILABLE, "%s: %s", opener, strerror(bad));
}
