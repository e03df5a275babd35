/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls that have a safe twin in this house do not compile. Included before everything else by the build.
 */
#ifndef USH_BASE_BANNED_H
#define USH_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef sprintf /* under clang glibc's checked variant is a macro, which cannot be poisoned */
#undef vsprintf
#undef sprintf /* where the C library checks calls by macros of their names */
#undef strncat
#undef strncpy
#undef strcat
#undef vsprintf

#pragma GCC poison strcat strncpy strncat strtok sprintf vsprintf gets tmpnam tempnam mktemp gmtime localtime asctime ctime system popen

#endif
