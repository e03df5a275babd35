/* SPDX-License-Identifier: Apache-2.0
 *
 * Files: read whole with a cap, written whole or not at all.
 */
#ifndef USH_BASE_FILE_H
#define USH_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/text.h"

enum ush_file_trust {
	USH_FILE_ANY,     /* who owns it does not matter: a manifest, a CA */
	USH_FILE_OURS,    /* owned by us or root, nobody else may write it: a profile, a kubeconfig with exec */
	USH_FILE_PRIVATE, /* owned by us, 0600 or less, not a link: a token, a secret */
};

/*
 * Reads path into buf (whose limit is the cap). "-" reads stdin. Fails with code (USH_ERR_CONFIG or USH_ERR_STORE, as
 * the caller says) when it is missing, too large, not a regular file, or not trusted. *missing, when given, tells a
 * file that is not there from every other failure.
 */
int ush_file_read(const char *path, enum ush_file_trust trust, enum ush_code code, struct ush_buf *buf, bool *missing,
		  struct ush_error *err);

/* Puts the text at path by a new file in the same folder, fsync and rename: the old text or the new one, never a part.
 * mode is exact, whatever the umask says. A link at path is replaced, not followed; a device, a pipe or a folder stays as
 * it is. Fails with USH_ERR_STORE. */
int ush_file_write(const char *path, const void *data, size_t length, unsigned int mode, struct ush_error *err);

/* Writes all of it to fd, going on after a signal or a short write. -1 with errno when that cannot be. write.c */
int ush_write_all(int fd, const char *data, size_t length);

/* Makes path and its parents, each 0700; an existing last folder must be ours and closed to others. USH_ERR_STORE. */
int ush_file_private_folder(const char *path, struct ush_error *err);

/* A path as a person writes it: "~/x" is under HOME, "x" beside the folder `beside` when that is not NULL. */
char *ush_file_expand(const char *path, const char *beside);

#endif
