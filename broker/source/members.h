/* SPDX-License-Identifier: Apache-2.0
 *
 * The people of a group, by name. Groups of one source share their names: each is kept once, however many groups the person
 * is in, so a membership costs a pointer.
 */
#ifndef USH_SOURCE_MEMBERS_H
#define USH_SOURCE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

struct ush_names; /* shared; goes with the last who has it */

struct ush_members {
	char **items; /* owned by names: not to be changed */
	size_t count;
	struct ush_names *names; /* NULL: the first who is added brings his own */
};

void ush_members_add(struct ush_members *members, const char *name);
void ush_members_sort(struct ush_members *members); /* and drops who stands twice */
bool ush_members_has(const struct ush_members *sorted, const char *name);
void ush_members_free(struct ush_members *members);

/* *names is made where it is NULL; one more has it. */
struct ush_names *ush_names_share(struct ush_names **names);
void ush_names_leave(struct ush_names *names); /* NULL is fine */

#endif
