/* SPDX-License-Identifier: Apache-2.0
 *
 * cost RUNS COMMAND...: runs it RUNS times, stdout to /dev/null, and prints of the quickest run the wall time in
 * milliseconds, of all runs the largest resident set in KiB, and the last exit status.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
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

static int run(char **command, double *wall, long *rss, int *status)
{
	posix_spawn_file_actions_t files;
	struct rusage usage;
	double begin = now_ms();
	int bad, state;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	bad = posix_spawnp(&pid, command[0], &files, NULL, command, environ);
	posix_spawn_file_actions_destroy(&files);
	if (bad != 0) {
		fprintf(stderr, "cost: %s: %s\n", command[0], strerror(bad));
		return -1;
	}
	if (wait4(pid, &state, 0, &usage) != pid)
		return -1;
	*wall = now_ms() - begin;
	*rss = usage.ru_maxrss;
	*status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
	return 0;
}

int main(int argc, char **argv)
{
	double best = 0;
	long most = 0;
	int status = 0, runs = argc > 2 ? atoi(argv[1]) : 0;

	if (runs < 1) {
		fprintf(stderr, "cost RUNS COMMAND...\n");
		return 2;
	}
	for (int i = 0; i < runs; i++) {
		double wall;
		long rss;

		if (run(argv + 2, &wall, &rss, &status) != 0)
			return 1;
		best = i == 0 || wall < best ? wall : best;
		most = rss > most ? rss : most;
	}
	printf("%.1f %ld %d\n", best, most, status);
	return 0;
}
