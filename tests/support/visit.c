/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/visit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/text.h"

int visit_send(unsigned int port, const char *text)
{
	return visit_from(0, port, text);
}

int visit_from(size_t host, unsigned int port, const char *text)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)host)};
	size_t length = strlen(text);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof from) == 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
	    send(fd, text, length, MSG_NOSIGNAL) == (ssize_t)length)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int visit_read(int fd, char **answer)
{
	USH_AUTO_BUF text = {0};
	char chunk[4096];
	ssize_t n;
	int status = -1;

	while (fd >= 0 && (n = recv(fd, chunk, sizeof chunk, 0)) > 0)
		ush_buf_add(&text, chunk, (size_t)n);
	if (fd >= 0)
		close(fd);
	if (text.length > 12 && strncmp(text.data, "HTTP/1.", 7) == 0)
		status = (int)strtol(text.data + 9, NULL, 10);
	if (answer != NULL)
		*answer = ush_buf_take(&text);
	return status;
}

int visit(unsigned int port, const char *method, const char *target, const char *headers, char **answer)
{
	USH_AUTO_FREE char *host = ush_printf("Host: 127.0.0.1:%u\r\n", port);
	USH_AUTO_FREE char *request =
		ush_printf("%s %s HTTP/1.1\r\n%s\r\n", method, target, headers != NULL ? headers : host);

	return visit_read(visit_send(port, request), answer);
}

unsigned int visit_port(const char *url)
{
	static const char start[] = "http://127.0.0.1:";

	return strncmp(url, start, strlen(start)) == 0 ? (unsigned int)strtoul(url + strlen(start), NULL, 10) : 0;
}

const char *visit_target(const char *url)
{
	const char *host = strstr(url, "://");
	const char *slash = host != NULL ? strchr(host + 3, '/') : NULL;

	return slash != NULL ? slash : "/";
}

char *visit_header(const char *answer, const char *name)
{
	USH_AUTO_FREE char *line = ush_printf("\r\n%s: ", name);
	const char *at = strcasestr(answer, line);

	return at != NULL ? ush_strndup(at + strlen(line), strcspn(at + strlen(line), "\r\n")) : NULL;
}
