/* SPDX-License-Identifier: Apache-2.0
 *
 * Alone in its file, so that the static front gets this of file.h and nothing else.
 */
#include <errno.h>
#include <unistd.h>

#include "common/base/file.h"

int ush_write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}
