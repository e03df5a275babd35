/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan as a person reads it. Everything from outside goes through ush_text_safe.
 */
#include <string.h>

#include "broker/sync/plan/alike.h"
#include "broker/sync/plan/plan.h"
#include "broker/sync/plan/remarks.h"
#include "common/base/memory.h"

#define PEOPLE_MAX 12 /* sentences; what is beyond is counted */
#define NAMED	   5 /* people of one binding, named (layout: users) */
#define GROUPS	   50 /* groups of one, likewise */

static const char marks[USH_ACTION_COUNT] = {[USH_CREATE] = '+', [USH_CHANGE] = '~',  [USH_REPLACE] = '~',  [USH_REMOVE] = '-', [USH_KEEP] = '!',
					     [USH_HOLD] = '!',	 [USH_PENDING] = '!', [USH_CONFLICT] = '?', [USH_NOTE] = '.'};

static void say_source(struct ush_buf *out, const struct ush_plan_source *source)
{
	USH_AUTO_FREE char *where = ush_text_safe(source->where), *why = ush_text_safe(source->why != NULL ? source->why : "");
	char groups[32], people[32];

	ush_buf_printf(out, "source %-7s %s: %s group%s, ", source->name, where, ush_thousands(source->groups, groups, sizeof groups),
		       source->groups == 1 ? "" : "s");
	if (source->complete)
		ush_buf_printf(out, "%s %s read, complete (%s), %lld.%lld s\n", ush_thousands(source->people, people, sizeof people),
			       source->people == 1 ? "person" : "people", source->proof, (long long)source->took_ms / 1000, (long long)source->took_ms % 1000 / 100);
	else
		ush_buf_printf(out, "INCOMPLETE: %s\n", why);
}

static void say_cluster(struct ush_buf *out, const struct ush_plan *plan)
{
	USH_AUTO_FREE char *where = ush_text_safe(plan->where);
	char number[3][32];

	ush_buf_printf(out, "%s %s: ", plan->live ? "cluster       " : "folder        ", where);
	if (plan->namespaces >= 0)
		ush_buf_printf(out, "%s namespaces, ", ush_thousands((size_t)plan->namespaces, number[0], sizeof number[0]));
	ush_buf_printf(out, "%s binding%s of ours, %s of others\n", ush_thousands(plan->bindings_ours, number[1], sizeof number[1]),
		       plan->bindings_ours == 1 ? "" : "s", ush_thousands(plan->bindings_others, number[2], sizeof number[2]));
}

static void say_deltas(struct ush_buf *out, const struct ush_change *change, const char *separator)
{
	const struct {
		const struct ush_delta *deltas;
		size_t count;
		const char *sign;
	} sides[] = {{change->added, change->added_count, change->action == USH_CREATE ? "" : "+ "}, {change->removed, change->removed_count, "- "}};
	char number[32];

	if (change->action == USH_REMOVE) /* the whole binding goes: its reason names the group */
		return;
	for (size_t s = 0; s < USH_COUNT(sides); s++)
		for (size_t i = 0; i < sides[s].count; i++) {
			USH_AUTO_FREE char *text = ush_text_safe(sides[s].deltas[i].text);

			if (sides[s].count > i + 1 && (i == GROUPS || (i == NAMED && sides[s].deltas[i].people == 1))) {
				ush_buf_printf(out, " and %s more", ush_thousands(sides[s].count - i, number, sizeof number));
				break;
			}
			ush_buf_printf(out, "%s%s%s", separator, sides[s].sign, text);
			if (sides[s].deltas[i].people >= 0)
				ush_buf_printf(out, " (%s %s)", ush_thousands((size_t)sides[s].deltas[i].people, number, sizeof number),
					       sides[s].deltas[i].people == 1 ? "person" : "people");
			separator = ", ";
		}
}

struct widths {
	int namespace_name, name;
};

static void say_change(struct ush_buf *out, const struct ush_change *change, size_t more, const struct widths *widths)
{
	USH_AUTO_FREE char *reason = ush_text_safe(change->reason), *name = ush_text_safe(change->name), *namespace_name = ush_text_safe(change->namespace_name);
	char number[32];
	size_t begin;

	if (*change->name == '\0') {
		ush_buf_printf(out, "%c %s\n", marks[change->action], reason);
		return;
	}
	ush_buf_printf(out, "%c %-*s  %-11s  ", marks[change->action], widths->namespace_name, namespace_name, ush_rbac_kind_name(change->kind));
	begin = out->length;
	ush_buf_printf(out, "%-*s", widths->name, name);
	say_deltas(out, change, "  ");
	if (*reason != '\0')
		ush_buf_printf(out, "  %s", reason);
	if (more > 0)
		ush_buf_printf(out, "  and so in %s more namespace%s", ush_thousands(more, number, sizeof number), more == 1 ? "" : "s");
	while (out->length > begin && out->data[out->length - 1] == ' ')
		out->data[--out->length] = '\0';
	ush_buf_puts(out, "\n");
}

static struct widths measure(const struct ush_plan *plan)
{
	struct widths widths = {10, 20};

	for (size_t i = 0; i < plan->change_count; i++) {
		int a = (int)strlen(plan->changes[i].namespace_name), b = (int)strlen(plan->changes[i].name);

		widths.namespace_name = a > widths.namespace_name && a <= 40 ? a : widths.namespace_name;
		widths.name = b > widths.name && b <= 48 ? b : widths.name;
	}
	return widths;
}

static void say_writes(struct ush_buf *out, const struct ush_plan *plan, const struct widths *widths)
{
	static const char *const done[USH_KEEP] = {[USH_CREATE] = "created", [USH_CHANGE] = "changed", [USH_REPLACE] = "made anew", [USH_REMOVE] = "removed"};
	USH_AUTO_ALIKES alikes = {0};
	char number[32];

	ush_alikes_of(&alikes, plan);
	for (size_t i = 0; i < alikes.count; i++) {
		enum ush_action action = alikes.items[i].change->action;
		bool last = i + 1 == alikes.count || alikes.items[i + 1].change->action != action;

		say_change(out, alikes.items[i].change, alikes.items[i].more, widths);
		if (last && alikes.rest[action] > 0)
			ush_buf_printf(out, "%c and %s more are %s; all of them: -o json\n", marks[action], ush_thousands(alikes.rest[action], number, sizeof number), done[action]);
	}
}

static void say_changes(struct ush_buf *out, const struct ush_plan *plan)
{
	struct widths widths = measure(plan);
	USH_AUTO_REMARKS remarks = {0};

	say_writes(out, plan, &widths);
	ush_remarks_of_plan(&remarks, plan);
	ush_remarks_gather(&remarks);
	for (size_t i = 0; i < remarks.count; i++) {
		USH_AUTO_FREE char *rest = ush_remark_rest(&remarks.items[i], "all of them: -o json"), *safe = rest != NULL ? ush_text_safe(rest) : NULL;

		say_change(out, remarks.items[i].change, 0, &widths);
		if (safe != NULL)
			ush_buf_printf(out, "%c %s\n", marks[remarks.items[i].kind], safe);
	}
}

static void say_summary(struct ush_buf *out, const struct ush_plan *plan, const char *next)
{
	const struct {
		size_t count;
		const char *what;
	} parts[] = {
		{ush_plan_count(plan, USH_CREATE), "to create"},
		{ush_plan_count(plan, USH_CHANGE) + ush_plan_count(plan, USH_REPLACE), "to change"},
		{ush_plan_count(plan, USH_REMOVE), "to remove"},
		{ush_plan_count(plan, USH_KEEP), "kept although the group is gone"},
		{ush_plan_count(plan, USH_HOLD), "on hold"},
		{ush_plan_count(plan, USH_PENDING), "waiting for a namespace"},
		{ush_plan_count(plan, USH_CONFLICT), ush_plan_count(plan, USH_CONFLICT) == 1 ? "conflict" : "conflicts"},
	};
	bool any = false, whole = true;
	char number[32];

	for (size_t i = 0; i < plan->source_count; i++)
		whole &= plan->sources[i].complete;
	for (size_t i = 0; i < USH_COUNT(parts); i++)
		if (parts[i].count > 0) {
			ush_buf_printf(out, "%s%s %s", any ? ", " : "", ush_thousands(parts[i].count, number, sizeof number), parts[i].what);
			any = true;
		}
	if (plan->stones_changed || (plan->state_changed && !any)) {
		ush_buf_printf(out, "%s%s", any ? ", " : "", plan->stones_changed ? "the tombstones to note" : "the list of namespaces to note");
		any = true;
	}
	if (plan->notes_ledger) {
		ush_buf_printf(out, "%sthe ledger to note", any ? ", " : "");
		any = true;
	}
	if (!any)
		ush_buf_puts(out, whole ? "Nothing to do" : "Nothing to do as far as could be read");
	ush_buf_puts(out, ".");
	if (next != NULL)
		ush_buf_printf(out, " Next: %s", next);
	ush_buf_puts(out, "\n");
}

/* A few sentences make a line, many a list. */
static void say_people(struct ush_buf *out, const struct ush_plan *plan)
{
	size_t shown = plan->for_people_count <= PEOPLE_MAX ? plan->for_people_count : PEOPLE_MAX;
	bool list = plan->for_people_count > 3;

	for (size_t i = 0; i < shown; i++) {
		USH_AUTO_FREE char *line = ush_text_safe(plan->for_people[i]);

		ush_buf_printf(out, "%s%s", i == 0 ? (list ? "For people:\n  " : "For people: ") : list ? "\n  " : "; ", line);
	}
	if (shown < plan->for_people_count)
		ush_buf_printf(out, "\n  and %zu more (-o json)", plan->for_people_count - shown);
	ush_buf_puts(out, shown == 0 ? "" : list ? "\n" : ".\n");
}

void ush_plan_dangling_text(const struct ush_plan *plan, struct ush_buf *out)
{
	for (size_t i = 0; i < plan->dangling_count; i++) {
		USH_AUTO_FREE char *line = ush_text_safe(plan->dangling[i]);

		ush_buf_printf(out, ". leads nowhere: %s\n", line);
	}
}

void ush_plan_to_text(const struct ush_plan *plan, struct ush_buf *out, const char *next)
{
	for (size_t i = 0; i < plan->source_count; i++)
		say_source(out, &plan->sources[i]);
	say_cluster(out, plan);
	ush_buf_puts(out, "\n");
	if (plan->stop.code == USH_ERR_INCOMPLETE) {
		ush_buf_puts(out, "Nothing was concluded.\n");
		return;
	}
	say_changes(out, plan);
	if (plan->change_count > 0)
		ush_buf_puts(out, "\n");
	say_people(out, plan);
	say_summary(out, plan, next);
}
