/* SPDX-License-Identifier: Apache-2.0
 *
 * The keyring store on a session bus that is not there, is not ours, or is no bus. No keyring is needed for that.
 */
#include "tests/support/tap.h"

#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/store/store.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

#define PATIENT_MS 60000 /* where an answer comes, however slow the machine is */
#define LATE_MS	   20000 /* so much later than its deadline a call may end there: D-Bus' own 25 s would show */

static struct ush_error err;
static char folder[80];
static int64_t deadline_ms = PATIENT_MS;
static int64_t took_ms; /* of the last call */

static void begin(void)
{
	if (folder[0] == '\0')
		snprintf(folder, sizeof folder, "%s", tap_folder());
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One call said that it is broken, and why, within its deadline. */
static void check(enum ush_store_result result, int64_t start, const char *says)
{
	took_ms = now_ms() - start;
	ck_assert_msg(took_ms < deadline_ms + LATE_MS, "took %lld ms", (long long)took_ms);
	ck_assert_int_eq(result, USH_STORE_BROKEN);
	ck_assert_int_eq(ush_code_status(err.code), 8);
	ck_assert_msg(strstr(err.what, says) != NULL, "%s", err.what);
	memset(&err, 0, sizeof err);
}

static void is_broken(const char *says)
{
	USH_AUTO_SECRET value = NULL;
	USH_AUTO_SECRET text = ush_secret_new("bmV3", 4);
	int64_t start = now_ms();

	check(ush_store_keyring.load(KEY, deadline_ms, &value, &err), start, says);
	ck_assert_ptr_null(value);
	start = now_ms();
	check(ush_store_keyring.save(KEY, "Usher session", text, deadline_ms, &err), start, says);
	start = now_ms();
	check(ush_store_keyring.erase(KEY, deadline_ms, &err), start, says);
}

START_TEST(without_a_bus_the_keyring_says_so_at_once) /* T39 */
{
	begin();
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	setenv("XDG_RUNTIME_DIR", folder, 1);
	is_broken("there is no desktop session bus here");
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	is_broken("cannot be reached");
}
END_TEST

START_TEST(only_one_unix_socket_is_a_bus_address) /* T41 */
{
	static const char *const bad[] = {
		"tcp:host=127.0.0.1,port=1",
		"nonce-tcp:host=127.0.0.1,port=1",
		"unixexec:path=/bin/sh,argv1=-c,argv2=id",
		"autolaunch:",
		"unix:path=/tmp/x;tcp:host=127.0.0.1,port=1",
		"unix:tmpdir=/tmp",
		"unix:path=",
		"unix:path=relative",
		"unix:path=/tmp/%zz",
		"unix:path=/tmp/%00x",
		"unix:",
		"x",
	};

	for (size_t i = 0; i < USH_COUNT(bad); i++) {
		setenv("DBUS_SESSION_BUS_ADDRESS", bad[i], 1);
		is_broken("is not one unix socket of this machine; nothing was sent there");
	}
}
END_TEST

/* A bus of our own making at folder/bus; each connection is handled by serve, then kept open or closed. uid 0: as we are. */
static pid_t listen_at_bus(void (*serve)(int fd, int log), int log, uid_t uid)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	USH_AUTO_FREE char *address = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client;
	pid_t pid;

	snprintf(at.sun_path, sizeof at.sun_path, "%s/bus", folder);
	address = ush_printf("unix:path=%s", at.sun_path);
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
	unlink(at.sun_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		if (uid != 0 && (setgroups(0, NULL) != 0 || setresuid(uid, uid, uid) != 0))
			_exit(1);
		listen(fd, 16); /* the peer's credentials are those of whoever listens */
		if (write(log, "r", 1) != 1)
			_exit(1);
		while ((client = accept(fd, NULL, NULL)) >= 0)
			serve(client, log);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void end_listener(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void serve_silence(int fd, int log)
{
	(void)fd;
	(void)log;
}

static void serve_hang_up(int fd, int log)
{
	char byte;

	(void)log;
	(void)!read(fd, &byte, 1);
	close(fd);
}

/* Speaks the login as a bus does (D-Bus specification, "Authentication Protocol"), and then no more: half an answer. */
static void serve_half(int fd, int log)
{
	static const struct {
		const char *hears, *says;
	} lines[] = {
		{"AUTH EXTERNAL\r\n", "DATA\r\n"}, /* the most telling first */
		{"AUTH EXTERNAL ", "OK 0123456789abcdef0123456789abcdef\r\n"},
		{"AUTH\r\n", "REJECTED EXTERNAL\r\n"},
		{"DATA", "OK 0123456789abcdef0123456789abcdef\r\n"},
	};
	char text[512];
	ssize_t n;

	(void)log;
	while ((n = read(fd, text, sizeof text)) > 0)
		for (size_t i = 0; i < USH_COUNT(lines); i++)
			if (memmem(text, (size_t)n, lines[i].hears, strlen(lines[i].hears)) != NULL) {
				(void)!write(fd, lines[i].says, strlen(lines[i].says));
				break;
			}
	close(fd);
}

static void serve_nonsense(int fd, int log)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n\r\n\r\n\r\n";

	(void)log;
	(void)!write(fd, text, sizeof text);
	close(fd);
}

static void with_bus(void (*serve)(int fd, int log), const char *says)
{
	int ready[2];
	char byte;
	pid_t pid;

	begin();
	ck_assert_int_eq(pipe(ready), 0);
	pid = listen_at_bus(serve, ready[1], 0);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	is_broken(says);
	end_listener(pid);
}

START_TEST(a_bus_that_accepts_and_never_speaks_costs_one_deadline) /* T39 */
{
	deadline_ms = USH_STORE_DEADLINE_MS;
	with_bus(serve_silence, "the keyring did not answer within 2.5 s");
}
END_TEST

START_TEST(a_bus_that_stops_in_the_middle_costs_one_deadline) /* T39 */
{
	deadline_ms = USH_STORE_DEADLINE_MS;
	with_bus(serve_half, "the keyring did not answer within 2.5 s");
}
END_TEST

START_TEST(a_bus_that_hangs_up_or_talks_nonsense_is_told_at_once) /* T39 */
{
	with_bus(serve_hang_up, "reaching the keyring");
	ck_assert_int_lt(took_ms, PATIENT_MS);
	with_bus(serve_nonsense, "reaching the keyring");
}
END_TEST

/* Tells of every byte that comes. */
static void serve_and_report(int fd, int log)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		(void)!write(log, "B", 1);
	(void)!write(log, "E", 1);
	close(fd);
}

START_TEST(a_bus_of_another_user_is_sent_nothing) /* T41 */
{
	int ready[2];
	char byte;
	pid_t pid;

	if (geteuid() != 0)
		return; /* only root can be somebody else */
	begin();
	chmod(folder, 0755);
	ck_assert_int_eq(pipe(ready), 0);
	pid = listen_at_bus(serve_and_report, ready[1], 65534);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	is_broken("the session bus belongs to somebody else (uid 65534)");
	for (int i = 0; i < 3; i++) { /* load, save, erase: each came, and said nothing */
		ck_assert_int_eq(read(ready[0], &byte, 1), 1);
		ck_assert_int_eq(byte, 'E');
	}
	end_listener(pid);
}
END_TEST

TAP_MAIN("bus", without_a_bus_the_keyring_says_so_at_once, only_one_unix_socket_is_a_bus_address,
	 a_bus_that_accepts_and_never_speaks_costs_one_deadline, a_bus_that_stops_in_the_middle_costs_one_deadline,
	 a_bus_that_hangs_up_or_talks_nonsense_is_told_at_once, a_bus_of_another_user_is_sent_nothing)
