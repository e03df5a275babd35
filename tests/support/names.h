/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as no sane person chooses them: random Unicode, YAML's indicators and words that some YAML reader takes for
 * something else, in any mixture. Valid UTF-8 without NUL; the same seed gives the same names.
 */
#ifndef USH_TEST_NAMES_H
#define USH_TEST_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define NAMES_LONGEST 128 /* bytes, with the NUL */

/* Writes the next name into out. */
void names_next(uint64_t *seed, char out[NAMES_LONGEST]);

#endif
