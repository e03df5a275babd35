/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/serve/serve.h"

#define BACKLOG 128

const char *ush_listen_name(const struct sockaddr *address, bool port, char *out, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "?";
	bool six = address->sa_family == AF_INET6;
	unsigned int number = ntohs(six ? ((const struct sockaddr_in6 *)address)->sin6_port : ((const struct sockaddr_in *)address)->sin_port);

	inet_ntop(address->sa_family, six ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr : (const void *)&((const struct sockaddr_in *)address)->sin_addr,
		  text, sizeof text);
	if (port)
		snprintf(out, size, six ? "[%s]:%u" : "%s:%u", text, number);
	else
		snprintf(out, size, "%s", text);
	return out;
}

int ush_listen(const char *address, char *where, size_t size, struct ush_error *err)
{
	struct sockaddr_storage wanted = {0}, bound = {0};
	socklen_t length, size_wanted;
	int fd, yes = 1;
	bool bad;

	if (ush_serve_address(address, &wanted, &size_wanted, err) != 0)
		return ush_hint(err, "As in 127.0.0.1:8443, 0.0.0.0:8443 or [::]:8443");
	length = sizeof bound;
	fd = socket(wanted.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bad = fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 || bind(fd, (const struct sockaddr *)&wanted, size_wanted) != 0 ||
	      listen(fd, BACKLOG) != 0 || getsockname(fd, (struct sockaddr *)&bound, &length) != 0;
	if (bad) {
		ush_fail(err, USH_ERR_UNAVAILABLE, "%s: cannot listen: %s", address, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	} else {
		ush_listen_name((struct sockaddr *)&bound, true, where, size);
	}
	return fd;
}

bool ush_listen_is_loopback(const char *address)
{
	struct ush_error ignored = {0};
	struct sockaddr_storage found = {0};
	socklen_t length;

	if (ush_serve_address(address, &found, &length, &ignored) != 0)
		return false;
	return found.ss_family == AF_INET ? ntohl(((struct sockaddr_in *)&found)->sin_addr.s_addr) >> 24 == 127
					  : IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&found)->sin6_addr);
}
