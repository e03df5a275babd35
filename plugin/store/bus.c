/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "plugin/store/keyring.h"

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes %XX (D-Bus specification, "Server Addresses") up to the ',' that ends a value. Returns the length, or -1. */
static long unescape(char *out, size_t size, const char *text)
{
	size_t used = 0;

	for (; *text != '\0' && *text != ','; text++) {
		char c = *text;

		if (c == '%') {
			if (nibble(text[1]) < 0 || nibble(text[2]) < 0)
				return -1;
			c = (char)(nibble(text[1]) << 4 | nibble(text[2]));
			text += 2;
		}
		if (c == '\0' || used + 1 >= size)
			return -1;
		out[used++] = c;
	}
	out[used] = '\0';
	return (long)used;
}

static char *runtime_bus(void)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_/.\\*";
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	USH_AUTO_FREE char *path = runtime != NULL && runtime[0] == '/' ? ush_printf("%s/bus", runtime) : NULL;
	USH_AUTO_BUF out = USH_BUF_MAX(4096);
	struct stat st;

	if (path == NULL || stat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return NULL;
	ush_buf_puts(&out, "unix:path=");
	for (const char *p = path; *p != '\0'; p++)
		ush_buf_printf(&out, strchr(plain, *p) != NULL ? "%c" : "%%%02x", (unsigned char)*p);
	return ush_buf_take(&out);
}

/* The socket that an address names; its length, or 0 when it is not one that we use. */
static socklen_t socket_of(struct sockaddr_un *to, const char *address)
{
	static const struct {
		const char *start;
		bool abstract;
	} kinds[] = {{"unix:path=", false}, {"unix:abstract=", true}};
	char name[sizeof to->sun_path];

	memset(to, 0, sizeof *to);
	to->sun_family = AF_UNIX;
	for (size_t i = 0; i < USH_COUNT(kinds); i++) {
		size_t start = strlen(kinds[i].start);
		long length = strncmp(address, kinds[i].start, start) == 0 ? unescape(name, sizeof name, address + start) : -1;

		if (length <= 0 || (size_t)length + kinds[i].abstract >= sizeof to->sun_path || (!kinds[i].abstract && name[0] != '/'))
			continue;
		memcpy(to->sun_path + kinds[i].abstract, name, (size_t)length);
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length + 1); /* the NUL after a path, or before a name */
	}
	return 0;
}

/* Who listens there? Connecting tells, and says nothing to him. */
static int judge_peer(const struct sockaddr_un *to, socklen_t length, struct ush_error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof peer;
	int bad = fd < 0 || connect(fd, (const struct sockaddr *)to, length) != 0 ? errno : 0;

	if (bad == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		bad = errno;
	if (fd >= 0)
		close(fd);
	if (bad != 0)
		return ush_fail(err, USH_ERR_STORE, "the desktop's session bus cannot be reached: %s", strerror(bad));
	if (peer.uid != geteuid())
		return ush_fail(err, USH_ERR_STORE, "the session bus belongs to somebody else (uid %u)", (unsigned int)peer.uid);
	return 0;
}

char *ush_bus_address(struct ush_error *err)
{
	const char *set = getenv("DBUS_SESSION_BUS_ADDRESS");
	USH_AUTO_FREE char *address = set != NULL && set[0] != '\0' && strncmp(set, "unix:runtime=", 13) != 0 ? ush_strdup(set) : runtime_bus();
	struct sockaddr_un to;
	socklen_t length;

	if (address == NULL) {
		ush_fail(err, USH_ERR_STORE, "there is no desktop session bus here");
		return NULL;
	}
	length = strchr(address, ';') == NULL ? socket_of(&to, address) : 0; /* of several addresses any could be taken */
	if (length == 0) {
		ush_fail(err, USH_ERR_STORE, "DBUS_SESSION_BUS_ADDRESS is not one unix socket of this machine; nothing was sent there");
		return NULL;
	}
	return judge_peer(&to, length, err) == 0 ? ush_steal(&address) : NULL;
}
