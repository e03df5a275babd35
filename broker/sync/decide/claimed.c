/* SPDX-License-Identifier: Apache-2.0
 *
 * What bears marks of ours, and is not ours by all of them: somebody took it over, or took some off.
 */
#include <string.h>

#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"
#include "common/kube/way.h"

void ush_decide_claimed(struct ush_decide *d, const struct ush_seen *seen)
{
	USH_AUTO_FREE char *name = ush_text_word(seen->name);
	USH_AUTO_FREE char *command = ush_way_kubectl(d->desired->way, "delete rolebinding -n %s -- %s", seen->namespace_name, name);
	char *why = NULL;

	if (seen->claimed)
		why = ush_printf("no grant wants it, and it is %s although it carries our marks: left alone, take it away there", seen->foreign);
	else if (seen->partly)
		why = ush_printf("gives access that no grant wants, and bears some of our marks but not all (%s): left alone; it ends with %s",
				 seen->foreign, command);
	if (why != NULL)
		ush_plan_add(d->plan, USH_CONFLICT, seen->kind, seen->namespace_name, seen->name, why);
}
