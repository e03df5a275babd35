/* SPDX-License-Identifier: Apache-2.0
 *
 * What the providers are asked: which groups there are, and who is in them.
 */
#include <string.h>

#include "broker/lifecycle/offboard/offboard.h"
#include "broker/policy/naming.h"
#include "common/base/memory.h"

/* ---- groups ---- */

static void note_in(struct ush_offboard_source *s, size_t place)
{
	USH_PUSH(s->in, s->in_count, place);
}

/* The provider said so itself, when it was asked for the person. */
static bool is_said(const struct ush_offboard_source *s, const struct ush_group *group)
{
	for (size_t k = 0; k < s->account_count; k++)
		if (ush_list_holds(&s->accounts[k].revoked.groups, group->id))
			return true;
	return false;
}

static bool says_groups(const struct ush_offboard_source *s)
{
	for (size_t k = 0; k < s->account_count; k++)
		if (s->accounts[k].revoked.groups.count > 0)
			return true;
	return false;
}

static bool is_member(struct ush_offboard *o, const struct ush_offboard_source *s, const struct ush_group *group)
{
	bool found = is_said(s, group);

	for (size_t i = 0; group->members_known && i < group->members.count; i++) {
		if (!found && ush_spellings_have(&o->names, group->members.items[i]))
			found = true;
		if (!o->known)
			ush_near_offer(&o->near, group->members.items[i]);
	}
	return found;
}

static bool is_meant(const struct ush_offboard *o, const struct ush_group *group)
{
	USH_AUTO_FREE char *text = ush_name_group(o->policy, group->id, group->name, group->path);

	ush_near_offer((struct ush_near *)&o->near, group->path);
	ush_near_offer((struct ush_near *)&o->near, group->name);
	return strcmp(group->id, o->name) == 0 || strcmp(text, o->name) == 0 || ush_name_refers(o->name, group->id, group->name, group->path, o->policy->group_name);
}

/* Whose members are read: of somebody of whom the provider says the groups, those that grants mean; else everybody's. */
static int read_groups(struct ush_offboard *o, size_t number)
{
	struct ush_offboard_source *s = &o->sources[number];
	struct ush_list refs = {0}, patterns = {0};
	bool person = o->kind == USH_LEDGER_USER;
	struct ush_source_question question = {.source = &o->policy->sources[number], .refs = &refs, .patterns = &patterns, .how = o->policy->group_name,
					       .all_members = person && !says_groups(s)};
	int result;

	for (size_t i = 0; person && i < o->policy->grant_count; i++) {
		const struct ush_grant *grant = &o->policy->grants[i];

		if (grant->source == number)
			ush_list_add(grant->group != NULL ? &refs : &patterns, grant->group != NULL ? grant->group : grant->group_pattern);
	}
	if (!person)
		ush_list_add(&refs, o->name);
	result = ush_source_read(o->sources_world, &question, &s->groups, &s->unread);
	if (result == 0 && !s->groups.complete)
		ush_fail(&s->unread, USH_ERR_INCOMPLETE, "%s", s->groups.why);
	ush_list_free(&refs);
	ush_list_free(&patterns);
	return result;
}

static void read_source(struct ush_offboard *o, size_t number)
{
	struct ush_offboard_source *s = &o->sources[number];

	if (ush_offboard_down(s) != NULL) { /* nobody waits for it twice */
		s->unread = *ush_offboard_down(s);
		return;
	}
	if (read_groups(o, number) != 0)
		return;
	for (size_t i = 0; i < s->groups.count; i++)
		if (o->kind == USH_LEDGER_USER ? is_member(o, s, &s->groups.items[i]) : is_meant(o, &s->groups.items[i]))
			note_in(s, i);
	o->known |= s->in_count > 0;
}

/* One name, two groups: which one is to go is not for us to say. */
static int one_group(struct ush_offboard *o, struct ush_error *err)
{
	const struct ush_group *first = NULL;

	for (size_t i = 0; i < o->policy->source_count; i++)
		for (size_t k = 0; k < o->sources[i].in_count; k++) {
			const struct ush_group *group = &o->sources[i].groups.items[o->sources[i].in[k]];

			if (first != NULL) {
				ush_fail(err, USH_ERR_REFUSED, "%.100s is the name of two groups: %.80s (id %.60s) and %.80s (id %.60s)", o->name, first->path, first->id,
					 group->path, group->id);
				return ush_hint(err, "Say which, by its path or id");
			}
			first = group;
			o->source = ush_strdup(o->policy->sources[i].name);
			o->id = ush_strdup(group->id);
		}
	return 0;
}

int ush_offboard_sources(struct ush_offboard *o, struct ush_error *err)
{
	if (o->asked)
		return 0;
	o->sources = ush_alloc((o->policy->source_count + 1) * sizeof *o->sources);
	o->asked = true;
	if (o->kind == USH_LEDGER_NAMESPACE)
		return 0;
	o->near = (struct ush_near){.wanted = o->name, .prefix = o->kind == USH_LEDGER_USER ? o->policy->user_prefix : o->policy->group_prefix};
	if (o->kind == USH_LEDGER_USER) {
		ush_spellings_add(&o->names, o->policy, o->name);
		for (size_t i = 0; i < o->also->count; i++)
			ush_spellings_add(&o->names, o->policy, o->also->items[i]);
		return ush_offboard_revoke(o, err);
	}
	for (size_t i = 0; i < o->policy->source_count; i++) {
		read_source(o, i);
		o->maybe |= o->sources[i].unread.code != USH_OK;
	}
	return one_group(o, err);
}

/* ---- the person's groups: after the ledger ---- */

void ush_offboard_read_groups(struct ush_offboard *o)
{
	for (size_t i = 0; o->kind == USH_LEDGER_USER && i < o->policy->source_count; i++)
		if (o->sources[i].groups.where == NULL && o->sources[i].unread.code == USH_OK)
			read_source(o, i);
}
