/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan for a merge request: what it means for people first, then every change. What comes from outside is made plain
 * ASCII (ush_text_safe) and loses what Markdown and HTML would act on.
 */
#include <string.h>

#include "broker/sync/plan.h"
#include "common/base/memory.h"

#define ROWS_MAX 200 /* of the table; what is beyond is counted */

static void add_plain(struct ush_buf *out, const char *raw)
{
	USH_AUTO_FREE char *safe = ush_text_safe(raw);

	for (const char *at = safe; *at != '\0'; at++)
		if (strchr("\\`*_{}[]()#+!|~<>&@", *at) != NULL)
			ush_buf_printf(out, "&#%d;", (unsigned char)*at);
		else
			ush_buf_add(out, at, 1);
}

static void add_deltas(struct ush_buf *out, const struct ush_delta *deltas, size_t count, char sign)
{
	for (size_t i = 0; i < count && i < 5; i++) {
		ush_buf_printf(out, " &#%d;", sign);
		add_plain(out, deltas[i].text);
		if (deltas[i].people >= 0)
			ush_buf_printf(out, " (%ld)", deltas[i].people);
	}
	if (count > 5)
		ush_buf_printf(out, " and %zu more", count - 5);
}

static void add_change(struct ush_buf *out, const struct ush_change *change)
{
	ush_buf_printf(out, "| %s | ", ush_action_name(change->action));
	add_plain(out, change->namespace_name);
	ush_buf_puts(out, *change->name != '\0' ? " | " : " | - |");
	if (*change->name != '\0') {
		ush_buf_printf(out, "%s ", ush_rbac_kind_name(change->kind));
		add_plain(out, change->name);
		ush_buf_puts(out, " |");
	}
	add_deltas(out, change->added, change->added_count, '+');
	add_deltas(out, change->removed, change->removed_count, '-');
	ush_buf_puts(out, *change->reason != '\0' ? " " : "");
	add_plain(out, change->reason);
	ush_buf_puts(out, " |\n");
}

static void add_sources(struct ush_buf *out, const struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->source_count; i++) {
		const struct ush_plan_source *source = &plan->sources[i];

		ush_buf_puts(out, "- source ");
		add_plain(out, source->name);
		ush_buf_puts(out, ", ");
		add_plain(out, source->where);
		ush_buf_printf(out, ": %zu groups, %zu people, ", source->groups, source->people);
		ush_buf_puts(out, source->complete ? "complete" : "**incomplete**: ");
		add_plain(out, source->complete || source->why == NULL ? "" : source->why);
		ush_buf_puts(out, "\n");
	}
}

void ush_plan_to_markdown(const struct ush_plan *plan, struct ush_buf *out)
{
	ush_buf_puts(out, "### Access plan for ");
	add_plain(out, plan->where);
	ush_buf_puts(out, "\n\n");
	if (plan->stop.code != USH_OK) {
		ush_buf_puts(out, "**Stopped:** ");
		add_plain(out, plan->stop.what);
		ush_buf_puts(out, "\n\n");
	}
	for (size_t i = 0; i < plan->for_people_count; i++) {
		ush_buf_puts(out, "- **");
		add_plain(out, plan->for_people[i]);
		ush_buf_puts(out, "**\n");
	}
	ush_buf_printf(out, "%s%zu to create, %zu to change, %zu to remove\n\n", plan->for_people_count > 0 ? "\n" : "", ush_plan_count(plan, USH_CREATE),
		       ush_plan_count(plan, USH_CHANGE) + ush_plan_count(plan, USH_REPLACE), ush_plan_count(plan, USH_REMOVE));
	if (plan->change_count > 0)
		ush_buf_puts(out, "| | namespace | object | what |\n|---|---|---|---|\n");
	for (size_t i = 0; i < plan->change_count && i < ROWS_MAX; i++)
		add_change(out, &plan->changes[i]);
	if (plan->change_count > ROWS_MAX)
		ush_buf_printf(out, "\n%zu more rows are in the plan file.\n", plan->change_count - ROWS_MAX);
	ush_buf_puts(out, plan->change_count > 0 ? "\n" : "");
	add_sources(out, plan);
	ush_buf_printf(out, "\nplan %.8s\n", plan->hash);
}
