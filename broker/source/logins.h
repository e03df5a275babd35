/* SPDX-License-Identifier: Apache-2.0
 *
 * What people are called elsewhere: a CSV file (RFC 4180) of two columns, for a provider whose logins are not the names
 * that the API server sees. Logins are compared without case.
 *
 *   login,name
 *   octocat,carol@example.com
 */
#ifndef USH_SOURCE_LOGINS_H
#define USH_SOURCE_LOGINS_H

#include <stddef.h>

#include "common/base/error.h"

struct ush_logins {
	struct ush_login {
		char *login, *name;
		unsigned int line;
	} *items; /* sorted */
	size_t count;
};

/* The file must be ours, and nobody else may write it. USH_ERR_CONFIG with "file:line: why". */
int ush_logins_read(struct ush_logins *logins, const char *path, struct ush_error *err);
void ush_logins_free(struct ush_logins *logins);

/* NULL for a login that the file does not have. */
const char *ush_logins_name(const struct ush_logins *logins, const char *login);

#endif
