/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/scrub.h"
#include "common/net/real.h"

#define LOOK_MS  50   /* how often a silent child is looked after */
#define GRACE_MS 2000 /* between SIGTERM and SIGKILL */

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *ush_command_find(const char *name)
{
	const char *list = getenv("PATH");

	if (name[0] == '\0' || strchr(name, '/') != NULL)
		return NULL;
	for (const char *at = list != NULL ? list : "/usr/local/bin:/usr/bin:/bin"; *at != '\0'; at += *at == ':') {
		size_t length = strcspn(at, ":");
		USH_AUTO_FREE char *path = ush_printf("%.*s/%s", (int)length, at, name);

		at += length;
		if (path[0] == '/' && length > 0 &&
		    is_program(path)) /* a folder that is not absolute is whoever's we stand in */
			return ush_steal(&path);
	}
	return NULL;
}

/* posix_spawn with its stdout in the pipe's end `to`, and its stderr in `said` unless that is -1. Returns errno. */
static int start(const struct ush_command *command, int to, int said, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t defaults, none;
	int bad;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	if (posix_spawn_file_actions_init(&files) != 0 || posix_spawnattr_init(&attributes) != 0)
		return ENOMEM;
	bad = posix_spawn_file_actions_adddup2(&files, to, STDOUT_FILENO);
	if (bad == 0 && said >= 0)
		bad = posix_spawn_file_actions_adddup2(&files, said, STDERR_FILENO);
	if (bad == 0 && !command->stdin_attached)
		bad = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (command->alone ? POSIX_SPAWN_SETSID : 0)));
	if (bad == 0)
		bad = posix_spawn(pid, command->path, &files, &attributes, command->argv, command->envp);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return bad;
}

/* Takes what is there. 1: more may come, 0: the end, -1: too much, or unreadable. */
static int take(int fd, struct ush_buf *out)
{
	char chunk[4096];
	ssize_t n;
	int result;

	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		if (ush_buf_add(out, chunk, (size_t)n) != 0)
			break;
	result = n > 0 ? -1 : n == 0 ? 0 : errno == EAGAIN || errno == EINTR ? 1 : -1;
	explicit_bzero(chunk, sizeof chunk);
	return result;
}

/* What does not fit is lost: nobody is held up by it. */
static void take_said(int fd, struct ush_buf *said)
{
	char chunk[4096];
	ssize_t n;

	while (fd >= 0 && (n = read(fd, chunk, sizeof chunk)) > 0)
		ush_buf_add(said, chunk, (size_t)n);
}

void ush_command_pass_on(struct ush_buf *said)
{
	ush_scrub(said->data, said->length);
	if (said->length > 0)
		ush_write_all(STDERR_FILENO, said->data, said->length);
	ush_buf_free(said);
}

/* With its children where it has a session of its own: those have no time beyond its own. */
static void end_child(const struct ush_command *command, pid_t pid)
{
	int64_t until = clock_ms() + GRACE_MS;
	pid_t whom = command->alone ? -pid : pid;

	kill(whom, SIGTERM);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (clock_ms() >= until) {
			kill(whom, SIGKILL);
			waitpid(pid, NULL, 0);
			return;
		}
		poll(NULL, 0, LOOK_MS);
	}
	if (command->alone)
		kill(whom, SIGKILL);
}

/* Reads until the child has ended, whoever else may still hold the pipe. */
static int follow(const struct ush_command *command, pid_t pid, int fd, int said, struct ush_buf *out, int *wait_status,
		  struct ush_error *err)
{
	int64_t until = clock_ms() + command->deadline_ms;
	int more = 1, pause = 1;

	for (;;) {
		struct pollfd p = {.fd = more == 1 ? fd : -1, .events = POLLIN};
		pid_t ended;

		take_said(said, command->said);
		poll(&p, 1, more == 1 ? LOOK_MS : pause);
		if (more == 0 && pause < LOOK_MS)
			pause *= 2; /* the end of stdout is mostly the end of the program, a moment later */
		ended = waitpid(pid, wait_status, WNOHANG);
		if (more == 1)
			more = take(fd, out);
		take_said(said, command->said);
		if (more < 0) {
			if (ended == 0)
				end_child(command, pid);
			return ush_fail(err, USH_ERR_UNAVAILABLE, "%s: wrote more than %zu bytes on stdout",
					command->argv[0], out->limit);
		}
		if (ended == pid && command->alone)
			kill(-pid, SIGKILL); /* what it left behind */
		if (ended != 0)
			return ended == pid ? 0 : ush_fail(err, USH_ERR_UNAVAILABLE, "%s: was lost", command->argv[0]);
		if (ush_asked_to_end()) {
			end_child(command, pid);
			return ush_fail(err, USH_ERR_DECLINED, "%s: interrupted", command->argv[0]);
		}
		if (clock_ms() >= until) {
			end_child(command, pid);
			return ush_fail(err, USH_ERR_UNAVAILABLE, "%s: did not end within %lld s", command->argv[0],
					(long long)command->deadline_ms / 1000);
		}
	}
}

int ush_command_run(const struct ush_command *command, struct ush_buf *out, int *status, struct ush_error *err)
{
	int ends[2], said[2] = {-1, -1}, wait_status = 0, bad, result;
	pid_t pid = 0;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return ush_fail(err, USH_ERR_UNAVAILABLE, "%s: %s", command->argv[0], strerror(errno));
	if (command->said != NULL && pipe2(said, O_CLOEXEC | O_NONBLOCK) == 0)
		fcntl(said[1], F_SETFL, 0);
	bad = fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ? errno : start(command, ends[1], said[1], &pid);
	close(ends[1]);
	if (said[1] >= 0)
		close(said[1]);
	if (bad != 0)
		result = ush_fail(err, USH_ERR_UNAVAILABLE, "%s: cannot be started: %s", command->argv[0],
				  strerror(bad));
	else
		result = follow(command, pid, ends[0], said[0], out, &wait_status, err);
	take_said(said[0], command->said);
	close(ends[0]);
	if (said[0] >= 0)
		close(said[0]);
	*status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
	return result;
}
