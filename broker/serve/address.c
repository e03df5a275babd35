/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "broker/serve/serve.h"

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

int ush_serve_address(const char *text, struct sockaddr_storage *address, socklen_t *size, struct ush_error *err)
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
		return ush_hint(err, "As in 127.0.0.1:9464, 0.0.0.0:9464 or [::]:9464; or \"none\"");
	}
	v4.sin_port = v6.sin6_port = port;
	memset(address, 0, sizeof *address);
	*size = six ? sizeof v6 : sizeof v4;
	memcpy(address, six ? (const void *)&v6 : (const void *)&v4, *size);
	return 0;
}
