/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 128

static bool read_port(const char *text, in_port_t *port)
{
	unsigned long value = 0;
	size_t length = strlen(text);

	if (length == 0 || length > 5 || strspn(text, "0123456789") != length)
		return false;
	for (; *text != '\0'; text++)
		value = value * 10 + (unsigned long)(*text - '0');
	*port = htons((in_port_t)value);
	return value <= 65535;
}

int ush_listen_address(const char *text, struct sockaddr_storage *address, socklen_t *size, struct ush_error *err)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon != NULL ? (size_t)(colon - text) : 0;
	bool six = length > 2 && text[0] == '[' && text[length - 1] == ']', known = false;
	char host[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	in_port_t port = 0;

	if (length > 0 && length < sizeof host && read_port(colon + 1, &port)) {
		memcpy(host, text + six, length - (six ? 2 : 0));
		known = six ? inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 : inet_pton(AF_INET, host, &v4.sin_addr) == 1;
	}
	if (!known) {
		ush_fail(err, USH_ERR_USAGE, "--listen: expected ADDRESS:PORT, found \"%s\"", text);
		return ush_hint(err, "As in 127.0.0.1:9464, 0.0.0.0:9464 or [::]:9464");
	}
	v4.sin_port = v6.sin6_port = port;
	memset(address, 0, sizeof *address);
	*size = six ? sizeof v6 : sizeof v4;
	memcpy(address, six ? (const void *)&v6 : (const void *)&v4, *size);
	return 0;
}

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

/* A socket that is bound, or -1 with errno. */
static int bind_to(const struct sockaddr_storage *address, socklen_t size)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1, no = 0, bad;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
	    (address->ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) == 0) &&
	    bind(fd, (const struct sockaddr *)address, size) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	bad = errno;
	close(fd);
	errno = bad;
	return -1;
}

int ush_listen(const char *address, char *where, size_t size, struct ush_error *err)
{
	struct sockaddr_storage wanted = {0};
	socklen_t length = 0;
	int fd;

	if (ush_listen_address(address, &wanted, &length, err) != 0)
		return -1;
	fd = bind_to(&wanted, length);
	if (fd < 0 || getsockname(fd, (struct sockaddr *)&wanted, &length) != 0) {
		ush_fail(err, USH_ERR_UNAVAILABLE, "--listen %s: %s", address, strerror(errno));
		if (fd >= 0)
			close(fd);
		return ush_hint(err, "Another one: --listen ADDRESS:PORT");
	}
	ush_listen_name((struct sockaddr *)&wanted, true, where, size);
	return fd;
}

bool ush_listen_is_loopback(const char *address)
{
	struct ush_error ignored = {0};
	struct sockaddr_storage found = {0};
	socklen_t length;

	if (ush_listen_address(address, &found, &length, &ignored) != 0)
		return false;
	return found.ss_family == AF_INET ? ntohl(((struct sockaddr_in *)&found)->sin_addr.s_addr) >> 24 == 127
					  : IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&found)->sin6_addr);
}
