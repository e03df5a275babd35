/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside journal/: the file that an audit log is, and its lock.
 */
#ifndef USH_JOURNAL_LOG_FILE_H
#define USH_JOURNAL_LOG_FILE_H

#include "common/base/error.h"

/* To append and to read; made with mode 0600 when it is not there. A link, a device, a pipe, or a file that belongs to
 * or may be written by others is USH_ERR_STORE. The descriptor, or -1. */
int ush_log_file_open(const char *path, struct ush_error *err);

/* Waits for its turn: others hold it for one line's length, so for half a minute at most. */
int ush_log_file_lock(int fd, const char *path, struct ush_error *err);

#endif
