/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/ldap_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* 0, or the errno of why not. */
static int finish(int fd, int64_t until)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int why = 0, ready;

	do {
		int64_t left = until - monotonic_ms();

		ready = poll(&wait, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR && monotonic_ms() < until);
	if (ready <= 0)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) == 0 ? why : errno;
}

static int try_address(const struct addrinfo *address, int64_t until, int *why)
{
	int one = 1, fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		*why = errno;
		return -1;
	}
	*why = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
	if (*why == EINPROGRESS)
		*why = finish(fd, until);
	if (*why != 0 || fcntl(fd, F_SETFL, 0) != 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, SOL_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

int ush_ldap_socket(const char *host, unsigned int port, int64_t ms, struct ush_error *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
	int64_t until = monotonic_ms() + ms;
	int fd = -1, why = 0, code;
	char service[16], text[96];

	snprintf(service, sizeof service, "%u", port);
	code = getaddrinfo(host, service, &hints, &found);
	if (code != 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "its address could not be found: %s", gai_strerror(code));
	for (const struct addrinfo *address = found; address != NULL && fd < 0; address = address->ai_next)
		fd = try_address(address, until, &why);
	freeaddrinfo(found);
	if (fd < 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "the server cannot be reached: %s", strerror_r(why, text, sizeof text));
	return fd;
}

/* ---- the watch ---- */

struct ush_ldap_watch {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct timespec until;
	int fd;
	bool over, fired;
};

static void *watch_over(void *data)
{
	struct ush_ldap_watch *watch = data;

	pthread_mutex_lock(&watch->lock);
	while (!watch->over && !watch->fired)
		if (pthread_cond_timedwait(&watch->wake, &watch->lock, &watch->until) == ETIMEDOUT && !watch->over) {
			shutdown(watch->fd, SHUT_RDWR);
			watch->fired = true;
		}
	pthread_mutex_unlock(&watch->lock);
	return NULL;
}

struct ush_ldap_watch *ush_ldap_watch_begin(int fd, int64_t ms)
{
	struct ush_ldap_watch *watch = ush_new(struct ush_ldap_watch);
	pthread_condattr_t steady;

	watch->fd = fd;
	clock_gettime(CLOCK_MONOTONIC, &watch->until);
	watch->until.tv_sec += ms / 1000;
	watch->until.tv_nsec += ms % 1000 * 1000000;
	if (watch->until.tv_nsec >= 1000000000) {
		watch->until.tv_sec++;
		watch->until.tv_nsec -= 1000000000;
	}
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->wake, &steady);
	pthread_condattr_destroy(&steady);
	if (pthread_create(&watch->thread, NULL, watch_over, watch) != 0)
		abort(); /* no memory for a stack: like any other memory that is not there */
	return watch;
}

bool ush_ldap_watch_end(struct ush_ldap_watch *watch)
{
	bool fired;

	if (watch == NULL)
		return false;
	pthread_mutex_lock(&watch->lock);
	watch->over = true;
	pthread_cond_signal(&watch->wake);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(watch->thread, NULL);
	fired = watch->fired;
	pthread_cond_destroy(&watch->wake);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
	return fired;
}
