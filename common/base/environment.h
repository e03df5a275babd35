/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets that come in the environment. Who starts a program hands it the environment, so a secret is taken out of ours
 * before that: neither the program nor /proc/PID/environ has it any more.
 */
#ifndef USH_BASE_ENVIRONMENT_H
#define USH_BASE_ENVIRONMENT_H

#include "common/base/secret.h"

/* The value of $name, which is kept here from the first call on and is in the environment no longer. NULL when it was
 * never set, or is empty. Not to be freed; good until the variable is set and asked for anew. Not for two threads. */
const struct ush_secret *ush_environment_secret(const char *name);

#endif
