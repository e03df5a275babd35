/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups from CSV (RFC 4180): one row a membership, a group without people has one row with an empty member, and a
 * trailer that says how many rows stand between it and the header:
 *
 *   group,id,member
 *   k8s-restricted-users,7f1c,carol@example.com
 *   #rows,1
 *
 * The id column may be left out. Behind the trailer a line "#sha256,HEX" may stand: the checksum of every byte before it. A
 * file without the right trailer is incomplete.
 */
#ifndef USH_SOURCE_FILE_CSV_H
#define USH_SOURCE_FILE_CSV_H

#include "broker/source/source.h"

void ush_groups_from_csv(const char *text, size_t length, const char *file, struct ush_groups *groups);

#endif
