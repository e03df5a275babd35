/* SPDX-License-Identifier: Apache-2.0
 *
 * What a cached answer costs: whole processes, started and waited for in turn in one go, so that all see the same
 * machine. Ratios are what counts; times of two goes do not compare.
 *
 *   hit EMPTY-DYNAMIC EMPTY-STATIC KUBECTL-USHER [RUNS]
 *
 * Fails when an answer is wrong, and with status 1 when a target is missed: median at most 1.0 x the dynamic and 1.2 x
 * the static program, peak memory at most the dynamic program's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/front/asked.h"
#include "plugin/front/record.h"

#define WARM_UP 20
#define SERVER  "https://k8s.example.com:6443"

extern char **environ;

struct contender {
	const char *name;
	char *argv[5];
	double *us;   /* one a run */
	long peak_kb; /* resident, at its highest */
};

static char folder[64], identity[128];
static char *certificate; /* in KUBERNETES_EXEC_INFO of our environment */

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void clear_up(void)
{
	static const char *const parts[] = {"/usher/profiles/bench.yaml", "/usher/profiles", "/usher", ""};

	char asked[USH_ASKED_IDENTITY];

	ush_asked_identity(asked, identity);
	if (identity[0] != '\0') {
		ush_cache_drop(identity);
		ush_cache_drop(asked);
	}
	for (size_t i = 0; i < USH_COUNT(parts); i++) {
		USH_AUTO_FREE char *part = ush_printf("%s%s", folder, parts[i]);

		(void)remove(part);
	}
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "hit: %s%s%s\n", what, errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
	clear_up();
	exit(2);
}

/* A profile and its record, as after a sign-in; an ExecCredential with a CA in it, as kubectl writes one (1.5 KB). */
static void furnish(void)
{
	static const char *const parts[] = {"", "/usher", "/usher/profiles"};
	static char token[1401], ca[1201], server[] = SERVER;
	char *servers[] = {server};
	struct ush_record record = {.token = token, .expires = time(NULL) + 600, .min_validity = 60, .servers = servers, .server_count = 1};
	char path[PATH_MAX];
	struct ush_error err = {.code = USH_OK};
	const char *where;
	size_t length;
	FILE *profile;

	memset(token, 'x', sizeof token - 1);
	memset(ca, 'Q', sizeof ca - 1);
	for (size_t i = 0; i < USH_COUNT(parts); i++) {
		USH_AUTO_FREE char *part = ush_printf("%s%s", folder, parts[i]);

		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			die(part);
	}
	snprintf(path, sizeof path, "%s/usher/profiles/bench.yaml", folder);
	profile = fopen(path, "w");
	if (profile == NULL || fputs("issuer: https://login.example.com\n", profile) < 0 || fclose(profile) != 0)
		die(path);
	setenv("XDG_CONFIG_HOME", folder, 1);
	setenv("XDG_RUNTIME_DIR", folder, 1);
	USH_AUTO_FREE char *info = ush_printf("{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":"
					      "{\"cluster\":{\"server\":\"" SERVER "\",\"certificate-authority-data\":\"%s\",\"config\":null},"
					      "\"interactive\":true}}", ca);
	setenv("KUBERNETES_EXEC_INFO", info, 1);
	certificate = strstr(getenv("KUBERNETES_EXEC_INFO"), ca);
	if (ush_place_profile("bench", path, sizeof path, identity, sizeof identity, &err) != 0)
		die(err.what);
	USH_AUTO_FREE char *text = ush_record_write(&record, &length);
	if (ush_cache_save(identity, text, length, 600, &where) != 0)
		die("no place takes a session");
	printf("# the session lies in: %s\n", where);
}

/* The same process that asks again for the same cluster is one whose token was refused (front/asked.h). So each run is
 * for another cluster, as if another kubectl asked. */
static void another_cluster(void)
{
	static unsigned int number;
	char digits[9];

	snprintf(digits, sizeof digits, "%08u", ++number);
	memcpy(certificate, digits, 8);
}

static void run_once(struct contender *c, double *us, posix_spawn_file_actions_t *actions)
{
	double start;
	int status;
	pid_t pid;

	another_cluster();
	start = now_us();
	if (posix_spawn(&pid, c->argv[0], actions, NULL, c->argv, environ) != 0 || waitpid(pid, &status, 0) != pid)
		die(c->argv[0]);
	*us = now_us() - start;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		errno = 0;
		die("a run did not end with status 0, so the times would mean nothing");
	}
}

/* ru_maxrss would tell of the parent that was copied as well; the kernel's own mark of the new program is asked for at
 * the moment it ends. */
static void measure_memory(struct contender *c)
{
	char path[64], line[256];
	int status;
	pid_t pid;
	FILE *f;

	another_cluster();
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(126);
		execv(c->argv[0], c->argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return; /* no ptrace here: the column says 0 */
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
	ptrace(PTRACE_CONT, pid, 0, 0);
	if (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
		f = fopen(path, "r");
		while (f != NULL && fgets(line, sizeof line, f) != NULL)
			if (strncmp(line, "VmHWM:", 6) == 0)
				c->peak_kb = strtol(line + 6, NULL, 10);
		if (f != NULL)
			fclose(f);
		ptrace(PTRACE_CONT, pid, 0, 0);
		waitpid(pid, &status, 0);
	}
}

static void race(struct contender *all, size_t count, size_t runs)
{
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	for (size_t i = 0; i < WARM_UP; i++)
		for (size_t k = 0; k < count; k++)
			run_once(&all[k], &all[k].us[0], &actions);
	for (size_t i = 0; i < runs; i++)
		for (size_t k = 0; k < count; k++)
			run_once(&all[k], &all[k].us[i], &actions);
	posix_spawn_file_actions_destroy(&actions);
	for (size_t k = 0; k < count; k++) {
		qsort(all[k].us, runs, sizeof *all[k].us, by_size);
		measure_memory(&all[k]);
	}
}

static bool report(const struct contender *all, size_t runs)
{
	const struct contender *dynamic = &all[0], *fixed = &all[1], *hit = &all[2];
	double to_dynamic = hit->us[runs / 2] / dynamic->us[runs / 2], to_static = hit->us[runs / 2] / fixed->us[runs / 2];
	bool good = to_dynamic <= 1.0 && to_static <= 1.2 && hit->peak_kb <= dynamic->peak_kb;

	printf("%-28s %9s %9s %9s\n", "", "min us", "median us", "peak KiB");
	for (size_t k = 0; k < 3; k++)
		printf("%-28s %9.0f %9.0f %9ld\n", all[k].name, all[k].us[0], all[k].us[runs / 2], all[k].peak_kb);
	printf("hit / empty dynamic  %.2f by median (target 1.00), %.2f by min\n", to_dynamic, hit->us[0] / dynamic->us[0]);
	printf("hit / empty static   %.2f by median (target 1.20), %.2f by min\n", to_static, hit->us[0] / fixed->us[0]);
	printf("%s, %zu interleaved runs\n", good ? "targets reached" : "TARGET MISSED", runs);
	return good;
}

int main(int argc, char **argv)
{
	size_t runs = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : 500;
	struct contender all[] = {
		{"empty program, dynamic", {argc > 3 ? argv[1] : NULL}},
		{"empty program, static", {argc > 3 ? argv[2] : NULL}},
		{"kubectl-usher, cached token", {argc > 3 ? argv[3] : NULL, (char[]){"get-token"}, (char[]){"--profile"}, (char[]){"bench"}}},
	};
	bool good;

	if (argc < 4 || runs == 0) {
		fprintf(stderr, "usage: hit EMPTY-DYNAMIC EMPTY-STATIC KUBECTL-USHER [RUNS]\n");
		return 2;
	}
	snprintf(folder, sizeof folder, "/tmp/usher-bench.XXXXXX");
	if (mkdtemp(folder) == NULL)
		die(folder);
	for (size_t k = 0; k < USH_COUNT(all); k++)
		all[k].us = ush_alloc(runs * sizeof *all[k].us);
	furnish();
	race(all, USH_COUNT(all), runs);
	clear_up();
	good = report(all, runs);
	return good ? 0 : 1;
}
