/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/verb/verb.h"
#include "tests/support/tap.h"

/* Runs in a child, because what it does cannot be taken back. */
static int in_child(int (*act)(void))
{
	int status = -1;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(act());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* T17 */
START_TEST(what_libraries_would_obey_is_gone)
{
	static const char *const steering[] = {
		"SSLKEYLOGFILE",
		"OPENSSL_CONF",
		"OPENSSL_MODULES",
		"OPENSSL_ENGINES",
		"SSL_CERT_FILE",
		"SSL_CERT_DIR",
		"CURL_CA_BUNDLE",
		"CURL_HOME",
		"http_proxy",
		"https_proxy",
		"HTTPS_PROXY",
		"all_proxy",
		"ALL_PROXY",
		"NO_PROXY",
		"SECRET_BACKEND",
		"SECRET_FILE_TEST_PATH",
		"SECRET_FILE_TEST_PASSWORD",
		"GIO_EXTRA_MODULES",
		"GIO_USE_VFS",
		"GCONV_PATH",
		"LD_LIBRARY_PATH",
		"LD_AUDIT",
		"BROWSER",
		"MALLOC_TRACE",
		"GLIBC_TUNABLES",
		"G_MESSAGES_DEBUG",
		"NETRC",
		"XDG",
		"LC",
		"HOMES",
		"PATHS",
		"TMPDIR",
	};

	for (size_t i = 0; i < USH_COUNT(steering); i++)
		setenv(steering[i], "/tmp/canary", 1);
	ck_assert_int_eq(ush_harden_environment(), 0);
	for (size_t i = 0; i < USH_COUNT(steering); i++)
		ck_assert_msg(getenv(steering[i]) == NULL, "%s is still set", steering[i]);
}
END_TEST

START_TEST(what_a_sign_in_needs_stays_as_it_was)
{
	static const char *const needed[] = {
		"HOME",
		"PATH",
		"USER",
		"LOGNAME",
		"LANG",
		"LC_ALL",
		"LC_TIME",
		"TERM",
		"TZ",
		"XDG_RUNTIME_DIR",
		"XDG_CONFIG_HOME",
		"DISPLAY",
		"WAYLAND_DISPLAY",
		"XAUTHORITY",
		"DBUS_SESSION_BUS_ADDRESS",
		"KUBERNETES_EXEC_INFO",
		"SSH_CONNECTION",
		"SSH_TTY",
		"NO_COLOR",
	};
	size_t count = 0;

	clearenv();
	for (size_t i = 0; i < USH_COUNT(needed); i++)
		setenv(needed[i], "unix:path=/run/x,guid=1=2", 1);
	setenv("LANG", "", 1);
	ck_assert_int_eq(ush_harden_environment(), 0);
	for (size_t i = 0; i < USH_COUNT(needed); i++)
		ck_assert_str_eq(getenv(needed[i]), strcmp(needed[i], "LANG") == 0 ? "" : "unix:path=/run/x,guid=1=2");
	for (char **v = environ; *v != NULL; v++)
		count++;
	ck_assert_uint_eq(count, USH_COUNT(needed));
}
END_TEST

START_TEST(an_environment_of_nonsense_is_survived)
{
	static char no_equals[] = "HOME", empty[] = "", only[] = "=x", twice_a[] = "HOME=a", long_name[] = "LC_=1";
	static char *nonsense[] = {no_equals, empty, only, twice_a, long_name, NULL};

	environ = nonsense;
	ck_assert_int_eq(ush_harden_environment(), 0);
	ck_assert_str_eq(getenv("HOME"), "a");
	environ = NULL;
	ck_assert_int_eq(ush_harden_environment(), 0);
}
END_TEST

static int closed_process(void)
{
	struct rlimit core;
	struct stat st;
	mode_t mask;

	if (ush_harden(1) != 0)
		return 1;
	mask = umask(0);
	if (mask != 077 || getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
		return 2;
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && fstat(0, &st) == 0 ? 0 : 3;
}

START_TEST(nobody_can_look_into_the_process)
{
	ck_assert_int_eq(in_child(closed_process), 0);
}
END_TEST

/* T44: with each set of 0, 1, 2 closed, the three are there after, and a closed stdout takes nothing */
static int missing;

static int without_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (missing & 1 << fd)
			close(fd);
	if (ush_harden(1) != 0)
		return 1;
	if (missing & 1 << 1 && (write(1, "token", 5) != -1 || errno != ENOSPC))
		return 2;
	if (missing & 1 << 0 && read(0, &(char){0}, 1) != 0)
		return 3;
	if (missing & 1 << 2 && write(2, "x", 1) != 1)
		return 4;
	return dup(0) > 2 ? 0 : 5; /* the next file gets none of the three numbers */
}

START_TEST(closed_descriptors_are_filled)
{
	for (missing = 0; missing < 8; missing++)
		ck_assert_msg(in_child(without_descriptors) == 0, "closed: %d", missing);
}
END_TEST

static int without_arguments(void)
{
	return ush_harden(0);
}

START_TEST(no_arguments_at_all_is_usage)
{
	ck_assert_int_eq(in_child(without_arguments), 2);
}
END_TEST

TAP_MAIN("harden", what_libraries_would_obey_is_gone, what_a_sign_in_needs_stays_as_it_was,
	 an_environment_of_nonsense_is_survived, nobody_can_look_into_the_process, closed_descriptors_are_filled,
	 no_arguments_at_all_is_usage)
