/* SPDX-License-Identifier: Apache-2.0
 *
 * A group: out of every binding of ours, now. No brake stands in the way: somebody says so.
 */
#include <string.h>

#include "broker/lifecycle/offboard/offboard.h"
#include "broker/policy/naming.h"
#include "common/base/memory.h"

static void add_text(struct ush_offboard *o, const char *text)
{
	if (*text == '\0' || ush_name_is_system(text))
		return;
	ush_list_add(&o->dossier.groups, text);
	ush_list_sort(&o->dossier.groups);
}

/* Another group that is there is called so by the API server. */
static bool is_anothers(const struct ush_offboard *o, const char *text)
{
	for (size_t i = 0; i < o->policy->source_count; i++)
		for (size_t k = 0; k < o->sources[i].groups.count; k++) {
			const struct ush_group *group = &o->sources[i].groups.items[k];
			USH_AUTO_FREE char *its = ush_name_group(o->policy, group->id, group->name, group->path);

			if (strcmp(its, text) == 0)
				return true;
		}
	return false;
}

/* One that no source has any more: what it would be called. */
static void add_guesses(struct ush_offboard *o)
{
	USH_AUTO_FREE char *named = ush_name_group(o->policy, o->name, ush_name_leaf(o->name), o->name);

	if (!is_anothers(o, named))
		add_text(o, named);
	if (strncmp(o->name, o->policy->group_prefix, strlen(o->policy->group_prefix)) == 0 && !is_anothers(o, o->name))
		add_text(o, o->name);
}

static void name_it(struct ush_offboard *o)
{
	bool found = false;

	o->dossier.policy = o->policy->name;
	o->dossier.of_group = true;
	o->dossier.near = &o->near;
	o->dossier.source = o->source;
	o->dossier.id = o->id;
	for (size_t i = 0; i < o->policy->source_count; i++)
		for (size_t k = 0; k < o->sources[i].in_count; k++) {
			const struct ush_group *group = &o->sources[i].groups.items[o->sources[i].in[k]];
			USH_AUTO_FREE char *text = ush_name_group(o->policy, group->id, group->name, group->path);

			add_text(o, text);
			found = true;
		}
	for (size_t i = 0; i < o->also->count; i++)
		add_text(o, o->also->items[i]);
	if (!found)
		add_guesses(o);
}

static void tell_people(struct ush_offboard *o)
{
	for (size_t i = 0; i < o->policy->source_count; i++)
		for (size_t k = 0; k < o->sources[i].in_count; k++) {
			const struct ush_group *group = &o->sources[i].groups.items[o->sources[i].in[k]];

			if (group->members_known)
				ush_report_add(o->report,
					       &(struct ush_line){.word = "could", .kind = "people",
								  .more = json_pack("{s:s, s:s, s:I}", "source", o->policy->sources[i].name, "group", group->path, "people",
										    (json_int_t)group->members.count)},
					       "%zu %s in %s: whatever these bindings gave them is gone with the next %s", group->members.count,
					       group->members.count == 1 ? "person is" : "people are", group->path,
					       o->policy->layout == USH_LAYOUT_USERS ? "run of usher-broker apply" : "request");
		}
}

int ush_offboard_group(struct ush_offboard *o, struct ush_error *err)
{
	struct ush_error ledger = {0};
	int result;

	name_it(o);
	ush_offboard_recall(o);
	if (o->known || o->maybe || o->anyway || o->recalled)
		ush_offboard_deny(o, &ledger);
	ush_offboard_tell_sources(o);
	if (ush_offboard_bindings(o, NULL, err) != 0)
		return -1;
	if (!o->known && !o->maybe && !o->anyway && !o->recalled && o->dossier.hold_count == 0) {
		USH_AUTO_FREE char *near = ush_near_text(&o->near);

		ush_fail(err, ush_report_unknown(o->report) > 0 ? USH_ERR_INCOMPLETE : USH_DIFFERENCES, "no source and no binding knows the group %.150s%s; nothing was done",
			 o->name, near);
		return ush_hint(err, "To keep the name out all the same: --anyway");
	}
	if (ledger.code == USH_OK)
		ush_offboard_deny(o, &ledger);
	result = ush_offboard_holds(o, err);
	if (o->policy->layout == USH_LAYOUT_USERS)
		ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "run", .todo = true},
			       "bindings of this policy hold people, not groups: those of %s leave with the next run of usher-broker apply", o->name);
	tell_people(o);
	return result;
}
