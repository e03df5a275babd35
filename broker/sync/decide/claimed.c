/* SPDX-License-Identifier: Apache-2.0
 *
 * What bears marks of ours, and is not ours by all of them: somebody took it over, or took some off.
 */
#include <string.h>

#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"

/* A name of RBAC's may be anything without a slash, and the command is there to be typed. */
static char *as_word(const char *name)
{
	struct ush_buf out = {0};

	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-")] == '\0' && *name != '-')
		return ush_strdup(name);
	ush_buf_puts(&out, "'");
	for (; *name != '\0'; name++)
		if (*name == '\'')
			ush_buf_puts(&out, "'\\''");
		else
			ush_buf_add(&out, name, 1);
	ush_buf_puts(&out, "'");
	return ush_buf_take(&out);
}

void ush_decide_claimed(struct ush_decide *d, const struct ush_seen *seen)
{
	USH_AUTO_FREE char *name = as_word(seen->name);
	char *why = NULL;

	if (seen->claimed)
		why = ush_printf("no grant wants it, and it is %s although it carries our marks: left alone, take it away there", seen->foreign);
	else if (seen->partly)
		why = ush_printf("gives access that no grant wants, and bears some of our marks but not all (%s): left alone; it ends with "
				 "kubectl delete rolebinding -n %s -- %s", seen->foreign, seen->namespace_name, name);
	if (why != NULL)
		ush_plan_add(d->plan, USH_CONFLICT, seen->kind, seen->namespace_name, seen->name, why);
}
