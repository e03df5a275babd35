/* SPDX-License-Identifier: Apache-2.0
 *
 * A kubeconfig may set this program's environment, and a debugger or a core dump may look into it. So the first act of
 * main leaves nothing that libcurl, OpenSSL, GLib or libsecret would obey (SSLKEYLOGFILE, OPENSSL_CONF, proxies,
 * SECRET_BACKEND), and nothing to look at. LD_PRELOAD has had its way before main and is not our kind of problem.
 */
#include "plugin/verb/verb.h"

#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"

static const char *const allowed[] = {
	"HOME",
	"PATH",
	"USER",
	"LOGNAME",
	"LANG",
	"TERM",
	"TZ",
	"DISPLAY",
	"WAYLAND_DISPLAY",
	"XAUTHORITY",
	"DBUS_SESSION_BUS_ADDRESS",
	"KUBERNETES_EXEC_INFO",
	"SSH_CONNECTION",
	"SSH_TTY",
	"NO_COLOR",
};
static const char *const allowed_prefixes[] = {"LC_", "XDG_"};

static bool keep(const char *variable)
{
	size_t length = strcspn(variable, "=");

	for (size_t i = 0; i < USH_COUNT(allowed); i++)
		if (strlen(allowed[i]) == length && strncmp(variable, allowed[i], length) == 0)
			return true;
	for (size_t i = 0; i < USH_COUNT(allowed_prefixes); i++)
		if (strncmp(variable, allowed_prefixes[i], strlen(allowed_prefixes[i])) == 0)
			return true;
	return false;
}

int ush_harden_environment(void)
{
	char **kept = NULL;
	size_t count = 0;
	int bad = 0;

	for (char **v = environ; v != NULL && *v != NULL; v++)
		if (strchr(*v, '=') != NULL && keep(*v))
			USH_PUSH(kept, count, ush_strdup(*v));
	bad |= clearenv();
	for (size_t i = 0; i < count; i++) {
		char *value = strchr(kept[i], '=');

		*value++ = '\0';
		bad |= setenv(kept[i], value, 1);
		free(kept[i]);
	}
	free(kept);
	return bad;
}

/* A missing stdin is empty; a missing stdout takes nothing, so that a token meant for it is an error and not lost in a
 * file that happened to get number 1. */
static int fill_descriptors(void)
{
	static const struct {
		const char *path;
		int flags;
	} stand_ins[] = {{"/dev/null", O_RDONLY}, {"/dev/full", O_WRONLY}, {"/dev/null", O_WRONLY}};

	for (int fd = 0; fd < (int)USH_COUNT(stand_ins); fd++)
		if (fcntl(fd, F_GETFD) < 0 && open(stand_ins[fd].path, stand_ins[fd].flags) != fd)
			return -1;
	return 0;
}

/* jansson's memory, wiped when it is freed. Plain malloc underneath, so that free() of what json_dumps gave stays
 * right. */
static void wiping_free(void *data)
{
	if (data != NULL)
		ush_wipe_free(data, malloc_usable_size(data));
}

int ush_harden(int argc)
{
	static const char line[] = "usher: started without arguments\n";
	struct rlimit no_core = {0, 0};
	sigset_t none;

	if (fill_descriptors() != 0)
		return ush_code_status(USH_ERR_STORE);
	if (argc < 1) {
		(void)!write(STDERR_FILENO, line, sizeof line - 1);
		return ush_code_status(USH_ERR_USAGE);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL); /* a parent that blocked Ctrl-C did not mean us */
	umask(077);
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	json_set_alloc_funcs(malloc, wiping_free);
	return ush_harden_environment() == 0 ? 0 : ush_code_status(USH_ERR_STORE);
}
