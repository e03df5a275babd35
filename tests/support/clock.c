/* SPDX-License-Identifier: Apache-2.0
 *
 * To be preloaded: a wall clock that is wrong by as many seconds as stand in the file that USHER_TEST_CLOCK names, at each
 * look anew. The other clocks are right.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long wrong_by(void)
{
	const char *path = getenv("USHER_TEST_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char text[32] = "";

	if (fd < 0)
		return 0;
	(void)!read(fd, text, sizeof text - 1);
	close(fd);
	return strtoll(text, NULL, 10);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int result = (int)syscall(SYS_clock_gettime, id, t);

	if (result == 0 && id == CLOCK_REALTIME)
		t->tv_sec += wrong_by();
	return result;
}

time_t time(time_t *to)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_REALTIME, &t);
	if (to != NULL)
		*to = t.tv_sec;
	return t.tv_sec;
}

int gettimeofday(struct timeval *restrict to, void *restrict zone)
{
	struct timespec t = {0};

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	*to = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
	return 0;
}
