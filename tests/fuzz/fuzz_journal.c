/* SPDX-License-Identifier: Apache-2.0
 *
 * An audit log as somebody left it: what verify-log and the next writer make of it. A log that is intact is one that
 * may be written on, and both know the same last line.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/journal/chain.h"
#include "broker/journal/tail.h"
#include "common/base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool intact(struct ush_chain *chain, const char *at, size_t left)
{
	struct ush_error why = {0};

	while (left > 0) {
		const char *newline = memchr(at, '\n', left);
		size_t length = newline != NULL ? (size_t)(newline - at) : left,
		       taken = newline != NULL ? length + 1 : length;

		if (ush_chain_line(chain, at, length, &why) != 0)
			return false;
		at += taken;
		left -= taken;
	}
	return ush_chain_end(chain, NULL, &why) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ush_chain chain = {.name = "log"};
	struct ush_error why = {0};
	struct ush_tail tail;
	int fd = memfd_create("log", MFD_CLOEXEC);

	if (fd < 0 || ush_write_all(fd, (const char *)data, size) != 0)
		abort();
	if (ush_tail_read(&tail, fd, "log", &why) != 0)
		tail.sequence = -1;
	if (intact(&chain, (const char *)data, size) &&
	    (tail.sequence != chain.sequence || strcmp(tail.head, chain.head) != 0 || tail.torn > 0))
		abort();
	ush_chain_free(&chain);
	close(fd);
	return 0;
}
