/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines for people that say the same of many objects: ten thousand namespaces that are not there are five lines and a
 * number. Pure.
 */
#ifndef USH_SYNC_REMARKS_H
#define USH_SYNC_REMARKS_H

#include <stddef.h>

#include "broker/sync/plan/plan.h"

#define USH_REMARKS_NAMED 5  /* of those with one reason */
#define USH_REMARKS_LINES 20 /* of one kind */

struct ush_remark {
	int kind;		  /* an action, or a number of the caller's */
	const struct ush_change *change; /* NULL: the reason says it all */
	const char *reason;
	/* after ush_remarks_gather: */
	size_t more;   /* after this line: so many more with the same reason, which is `same` */
	size_t others; /* and so many more of its kind, with whatever reason */
	char *same;    /* "namespace ... is not there yet", owned */
};

struct ush_remarks { /* zero-initialised */
	struct ush_remark *items;
	size_t count;
};

/* Texts are borrowed. A change's own reason when reason is NULL. */
void ush_remarks_add(struct ush_remarks *remarks, int kind, const struct ush_change *change, const char *reason);

/* A line without an object, "Role a/b: why": of what is before the colon the namespace is taken. */
void ush_remarks_add_line(struct ush_remarks *remarks, int kind, const char *line);

/* Every change of the plan that is more than a write: from USH_KEEP on. */
void ush_remarks_of_plan(struct ush_remarks *remarks, const struct ush_plan *plan);

/* Leaves the lines that are shown, sorted by kind, those of one kind as they were added. */
void ush_remarks_gather(struct ush_remarks *remarks);
void ush_remarks_free(struct ush_remarks *remarks);
#define USH_AUTO_REMARKS __attribute__((cleanup(ush_remarks_free))) struct ush_remarks

/* "RoleBinding a/b: why", or just why. The caller frees. */
char *ush_remark_line(const struct ush_remark *remark);

/* "and 9,995 more: namespace ... is not there yet; ENDING", or NULL where nothing more is to be said. The caller frees. */
char *ush_remark_rest(const struct ush_remark *remark, const char *ending);

#endif
