/* SPDX-License-Identifier: Apache-2.0
 *
 * cost COMMAND...: runs it once, stdout to /dev/null, and prints wall time and CPU time in milliseconds, the largest
 * resident set in KiB, and the exit status.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double ms_of(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t files;
	struct rusage usage;
	double begin = now_ms();
	int bad, state;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "cost COMMAND...\n");
		return 2;
	}
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	bad = posix_spawnp(&pid, argv[1], &files, NULL, argv + 1, environ);
	posix_spawn_file_actions_destroy(&files);
	if (bad != 0) {
		fprintf(stderr, "cost: %s: %s\n", argv[1], strerror(bad));
		return 1;
	}
	if (wait4(pid, &state, 0, &usage) != pid)
		return 1;
	printf("%.1f %.1f %ld %d\n", now_ms() - begin, ms_of(usage.ru_utime) + ms_of(usage.ru_stime), usage.ru_maxrss,
	       WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state));
	return 0;
}
