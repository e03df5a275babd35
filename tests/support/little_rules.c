/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the little world (little_world.h): straightforward, slow, and no word of it taken from reconcile.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/little_denied.h"

/* ---- words ---- */

static unsigned int number_of(const char *id) { return id[0] == 'i' ? (unsigned int)atoi(id + 1) : 0; }
static unsigned int id_of(const struct little_access *a) { return number_of(a->id); }

static int among(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static int name_of(const char *name) { return among(little_names, LITTLE_NAMES, name); }
static int space_of(const char *name) { return among(little_spaces, LITTLE_SPACES, name); }

static const struct little_group *by_id(const struct little_world *w, unsigned int id)
{
	for (size_t i = 0; i < LITTLE_GROUPS; i++)
		if (id != 0 && w->groups[i].id == id)
			return &w->groups[i];
	return NULL;
}

/* How many groups there are of a name in a source, and one of them. */
static size_t named(const struct little_world *w, int source, int name, const struct little_group **one)
{
	size_t count = 0;

	for (size_t i = source == 0 ? 0 : LITTLE_MAIN; i < (source == 0 ? LITTLE_MAIN : LITTLE_GROUPS); i++)
		if (w->groups[i].id != 0 && w->groups[i].name == name) {
			*one = &w->groups[i];
			count++;
		}
	return count;
}

static bool is_excluded(const struct little_world *w, int name)
{
	return name >= 0 && (w->excluded & 1U << name) != 0;
}

static bool in(const struct little_access *list, size_t count, const char *space, const char *role, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].space, space) == 0 && (strcmp(list[i].role, role) == 0 || strcmp(list[i].refers, role) == 0) && strcmp(list[i].text, text) == 0)
			return true;
	return false;
}

static bool text_in(const struct little_access *list, size_t count, const struct little_access *a, int name)
{
	char text[32];

	snprintf(text, sizeof text, "oidc:%s", little_names[name]);
	return in(list, count, a->space, a->role, text);
}

/* ---- what a grant says ---- */

static bool covers(const struct little_grant *g, int name, int space)
{
	const char *n = name >= 0 ? little_names[name] : "";
	bool listed = (g->spaces & 1U << space) != 0;

	if (g->kind == LITTLE_NAMED)
		return g->name == name && listed;
	return strncmp(n, "t-", 2) == 0 && (g->kind == LITTLE_LIKE ? listed : little_belongs(g, n + 2, space));
}

static bool ended(const struct little_world *w, const struct little_grant *g)
{
	return g->not_after != 0 && w->now >= g->not_after;
}

/* A grant that speaks of an access that is there: by the name it was written with, or the one the policy still uses. */
static bool speaks(const struct little_grant *g, const struct little_access *a)
{
	int space = space_of(a->space);

	if (strcmp(little_roles[g->role], a->role) != 0 || (a->source >= 0 && a->source != g->source))
		return false;
	return covers(g, name_of(a->text + 5), space) || (g->kind == LITTLE_NAMED && *a->granted != '\0' && covers(g, name_of(a->granted), space));
}

/* Of a binding that a hand made anew for another role, what is granted by that may stay for that as well. */
static bool may_speak(const struct little_grant *g, const struct little_access *a)
{
	struct little_access as_it_is = *a;

	snprintf(as_it_is.role, sizeof as_it_is.role, "%s", a->refers);
	return speaks(g, a) || speaks(g, &as_it_is);
}

static bool due(const struct little_world *w, unsigned int id)
{
	return w->ids[id].runs >= w->runs && w->now - w->ids[id].since >= w->age;
}

/* The record of who it was is lost, and nobody has borne the name for long enough. */
static bool due_nameless(const struct little_world *w, int source, int name)
{
	return name >= 0 && w->nameless[source][name].runs >= w->runs && w->now - w->nameless[source][name].since >= w->age;
}

/* Another group has the name by which it was written: to keep it would be to give it to that one. */
static bool is_taken(const struct little_world *w, const struct little_access *a)
{
	const struct little_group *one = NULL;
	size_t count = named(w, a->source, name_of(a->text + 5), &one);

	return count > 1 || (count == 1 && one->id != id_of(a));
}

/* ---- nothing is taken away but for a reason ---- */

static bool may_go(const struct little_world *w, const struct little_grant *g, const struct little_access *a, const struct little_run *run)
{
	unsigned int id = id_of(a);
	const struct little_group *now = by_id(w, id), *one = NULL;

	if (id == 0 && !a->unknown)
		return true; /* added by hand */
	if (is_excluded(w, now != NULL ? now->name : id == 0 ? name_of(a->text + 5) : -1) && (now != NULL || named(w, g->source, name_of(a->text + 5), &one) > 0))
		return true;
	if (id == 0)
		return due_nameless(w, g->source, name_of(a->text + 5)); /* somebody destroyed the record of who that was */
	if (now == NULL)
		return due(w, id);
	if (g->kind == LITTLE_NAMED && g->name != name_of(a->text + 5) && named(w, g->source, g->name, &one) == 1 && w->ids[one->id].consented)
		return true; /* the name by which it was granted is another's, and somebody said yes to that */
	if (g->kind == LITTLE_NAMED && g->name != now->name && strcmp(little_roles[g->role], a->refers) != 0)
		return true; /* it is called otherwise, and a hand made that for a role that it is not to have */
	if (strcmp(little_names[now->name], a->text + 5) == 0)
		return false; /* it is there, as it was */
	if (text_in(run->after, run->after_count, a, now->name))
		return true; /* it has the same by its new name */
	if (is_taken(w, a))
		return true; /* it is called otherwise, and to keep the name would be to give it to another */
	if (g->kind == LITTLE_NAMED)
		return named(w, g->source, g->name, &one) == 1; /* another is called so now */
	return !covers(g, now->name, space_of(a->space)) && due(w, id); /* renamed out of the pattern */
}

static bool was_anothers(const struct little_world *w, const struct little_group *group)
{
	if (w->nameless[w->ids[group->id].source][group->name].ever)
		return true; /* of whom nobody knows who it was */
	for (unsigned int id = 1; id < LITTLE_IDS; id++)
		if (id != group->id && (w->ids[id].had & 1U << group->name) != 0)
			return true;
	return false;
}

/* Another source's grant gives the same name the same there: it is nobody's loss that this one's does not. */
static const char *judge_other(const struct little_world *w, const struct little_grant *g, const struct little_access *a, const struct little_run *run)
{
	int name = name_of(a->text + 5);
	const struct little_group *one = NULL;

	if (a->source < 0 || a->source == g->source || strcmp(little_roles[g->role], a->role) != 0 || !covers(g, name, space_of(a->space)) || ended(w, g) || g->over)
		return NULL;
	if (!w->complete[g->source])
		return "taken away although another source that may want it was incomplete";
	if (named(w, g->source, name, &one) != 1 || is_excluded(w, name) || was_anothers(w, one) || (run->conflicts & 1U << space_of(a->space)) != 0)
		return NULL;
	return "taken away although another source's group has it";
}

/* What spoke of it ended: that needs no source. */
static bool is_over(const struct little_world *w, const struct little_access *a)
{
	bool over = false;

	for (size_t i = 0; i < w->grant_count; i++) {
		if (speaks(&w->grants[i], a) && !ended(w, &w->grants[i]) && !w->grants[i].over)
			return false;
		over |= speaks(&w->grants[i], a);
	}
	return over;
}

/* Of a source that the policy no longer has, only those count of which a grant may mean it. */
static bool is_unknown(const struct little_world *w, const struct little_access *a)
{
	for (int s = 0; s < 2; s++)
		if (!w->complete[s] && (a->source == -1 || a->source == s))
			return true;
	for (size_t i = 0; i < w->grant_count && a->source == LITTLE_NO_SOURCE; i++)
		if (!w->complete[w->grants[i].source] && speaks(&w->grants[i], a) && !ended(w, &w->grants[i]) && !w->grants[i].over)
			return true;
	return false;
}

static const char *judge_removal(const struct little_world *w, const struct little_access *a, const struct little_run *run)
{
	const char *wrong = NULL;

	if (!is_over(w, a) && is_unknown(w, a))
		return "taken away although the source was incomplete";
	for (size_t i = 0; i < w->grant_count && wrong == NULL; i++)
		wrong = judge_other(w, &w->grants[i], a, run);
	if (wrong != NULL)
		return wrong;
	for (size_t i = 0; i < w->grant_count; i++)
		if (speaks(&w->grants[i], a) && !ended(w, &w->grants[i]) && !w->grants[i].over && !may_go(w, &w->grants[i], a, run))
			return "taken away without a reason";
	return NULL;
}

/* ---- nothing is given but to whom it is granted ---- */

/* Something of that source is granted to the name there: only then what stands there says whose it was. */
static bool is_granted_there(const struct little_world *w, int source, int name, const struct little_access *a, const struct little_run *run)
{
	if ((run->conflicts & 1U << space_of(a->space)) != 0)
		return false; /* of two that want one binding one is left out */
	for (size_t i = 0; i < w->grant_count; i++)
		if (w->grants[i].source == source && speaks(&w->grants[i], a) && covers(&w->grants[i], name, space_of(a->space)) && !ended(w, &w->grants[i]) && !w->grants[i].over)
			return true;
	return false;
}

/* The group has that name in the namespace already. */
static bool has_it(const struct little_group *g, const char *space, const struct little_run *run)
{
	for (size_t i = 0; i < run->before_count; i++)
		if ((id_of(&run->before[i]) == g->id || number_of(run->before[i].also) == g->id) && name_of(run->before[i].text + 5) == g->name && strcmp(run->before[i].space, space) == 0)
			return true;
	return false;
}

/* The name belonged to another group, and nobody has said yes to this one, nor has it that name in the namespace. */
static bool is_anew(const struct little_world *w, const struct little_group *g, const char *space, const struct little_run *run)
{
	bool other = false;

	for (unsigned int id = 1; id <= w->last_id; id++)
		other |= id != g->id && w->ids[id].source == w->ids[g->id].source && (w->ids[id].dead & 1U << g->name) != 0 && (by_id(w, id) == NULL || by_id(w, id)->name != g->name);
	for (size_t i = 0; i < run->before_count; i++) {
		const struct little_access *a = &run->before[i];

		other |= (name_of(a->text + 5) == g->name || (*a->granted != '\0' && name_of(a->granted) == g->name)) && id_of(a) != 0 && id_of(a) != g->id && a->source == w->ids[g->id].source &&
			 is_granted_there(w, a->source, g->name, a, run);
	}
	return other && !w->ids[g->id].consented && !has_it(g, space, run);
}

static bool is_given(const struct little_world *w, const struct little_access *a, const struct little_run *run)
{
	for (size_t i = 0; i < w->grant_count; i++) {
		const struct little_grant *g = &w->grants[i];
		const struct little_group *one = NULL;
		bool follows = false;

		if (!w->complete[g->source] || named(w, g->source, name_of(a->text + 5), &one) != 1 || is_excluded(w, one->name) || little_denies(w, g->source, one->id, one->name))
			continue;
		for (size_t j = 0; j < run->before_count; j++) /* renamed: the binding goes along */
			follows |= g->kind == LITTLE_NAMED && id_of(&run->before[j]) == one->id && strcmp(run->before[j].space, a->space) == 0 &&
				   strcmp(run->before[j].role, a->role) == 0 && speaks(g, &run->before[j]);
		if (ended(w, g) || g->shut || (strcmp(little_roles[g->role], a->role) != 0 && strcmp(little_roles[g->role], a->refers) != 0)) /* what it was made for, or gives */
			continue;
		if ((follows && strcmp(little_roles[g->role], a->refers) == 0) || (covers(g, one->name, space_of(a->space)) && (run->confirmed || !is_anew(w, one, a->space, run))))
			return true;
	}
	return false;
}

/* ---- one run ---- */

/* Only while something is there of which nobody knows who it is. */
static void note_nameless(struct little_world *w, const struct little_run *run, int source, int name)
{
	const struct little_group *one = NULL;
	bool held = false;

	for (size_t i = 0; i < run->before_count; i++)
		held |= run->before[i].unknown && name_of(run->before[i].text + 5) == name;
	w->nameless[source][name].ever |= held;
	if (!held || named(w, source, name, &one) > 0) {
		w->nameless[source][name].runs = 0;
		return;
	}
	w->nameless[source][name].since = w->nameless[source][name].runs == 0 || w->now < w->nameless[source][name].since ? w->now : w->nameless[source][name].since;
	w->nameless[source][name].runs++;
}

/* From a source that the policy has no more: the others go on without it. */
static bool came_from_nowhere(const struct little_run *run, int name)
{
	for (size_t i = 0; i < run->before_count; i++)
		if (run->before[i].source == LITTLE_NO_SOURCE && name_of(run->before[i].text + 5) == name)
			return true;
	return false;
}

void little_note_reading(struct little_world *w, const struct little_run *run)
{
	for (size_t i = 0; i < w->grant_count; i++)
		w->grants[i].over |= ended(w, &w->grants[i]);
	for (size_t i = 0; i < run->before_count; i++) {
		unsigned int id = id_of(&run->before[i]);
		int name = name_of(run->before[i].text + 5);

		if (id != 0 && name >= 0)
			w->ids[id].had |= 1U << name;
	}
	for (int i = 0; i < 2 * LITTLE_NAMES; i++)
		if (w->complete[0] && w->complete[1] ? true : w->complete[i / LITTLE_NAMES] && came_from_nowhere(run, i % LITTLE_NAMES))
			note_nameless(w, run, i / LITTLE_NAMES, i % LITTLE_NAMES);
	for (unsigned int id = 1; id < LITTLE_IDS; id++) { /* also those that a hand made up */
		if (id <= w->last_id ? !w->complete[w->ids[id].source] : w->ids[id].had == 0 || (!w->complete[0] && !w->complete[1]))
			continue;
		const struct little_group *g = by_id(w, id);
		bool otherwise = g != NULL && w->ids[id].had != 0 && (w->ids[id].had & ~(1U << g->name)) != 0;

		if (g != NULL && !otherwise) {
			w->ids[id].runs = 0;
			continue;
		}
		w->ids[id].since = w->ids[id].runs == 0 || w->now < w->ids[id].since ? w->now : w->ids[id].since;
		w->ids[id].runs++;
	}
}

/* Some grant still speaks of it, so it went because the group is away. */
static bool is_vanishing(const struct little_world *w, const struct little_access *a)
{
	const struct little_group *now = by_id(w, id_of(a));

	for (size_t i = 0; i < w->grant_count; i++)
		if (speaks(&w->grants[i], a) && !ended(w, &w->grants[i]) && (now == NULL || w->grants[i].kind != LITTLE_NAMED))
			return w->ids[id_of(a)].runs >= w->runs;
	return false;
}

static bool else_granted(const struct little_world *w, const struct little_access *a)
{
	for (size_t i = 0; i < w->grant_count; i++)
		if (speaks(&w->grants[i], a) && !ended(w, &w->grants[i]))
			return true;
	return false;
}

static void remember(struct little_world *w, const struct little_run *run)
{
	for (size_t g = 0; g < LITTLE_GROUPS && run->confirmed; g++) /* the word is for the plan, and lasts though the run is killed */
		for (int s = 0; s < LITTLE_SPACES && w->groups[g].id != 0; s++)
			w->ids[w->groups[g].id].consented |= is_anew(w, &w->groups[g], little_spaces[s], run);
	for (size_t i = 0; i < run->before_count; i++) {
		const struct little_access *a = &run->before[i];
		unsigned int id = id_of(a);
		bool stays = false;

		for (size_t j = 0; j < run->after_count; j++)
			stays |= id_of(&run->after[j]) == id;
		if (id != 0 && !stays && (by_id(w, id) == NULL || by_id(w, id)->name != name_of(a->text + 5)) && run->whole && is_vanishing(w, a) &&
		    is_granted_there(w, a->source, name_of(a->text + 5), a, run))
			w->ids[id].dead |= 1U << name_of(a->text + 5);
		for (size_t g = 0; g < w->grant_count; g++)
			w->grants[g].shut |= run->whole && ended(w, &w->grants[g]) && speaks(&w->grants[g], a) && id != 0 && !else_granted(w, a) &&
					     !in(run->after, run->after_count, a->space, a->role, a->text) && by_id(w, id) != NULL &&
					     !text_in(run->after, run->after_count, a, by_id(w, id)->name);
	}
	for (size_t i = 0; i < run->after_count; i++) {
		unsigned int id = id_of(&run->after[i]);
		int name = name_of(run->after[i].text + 5);

		w->ids[id].consented |= run->confirmed && id != 0;
		w->ids[id].had |= id != 0 && name >= 0 ? 1U << name : 0;
	}
}

/* Its group is called otherwise now, and another one has the name to which nobody said yes: whom is it kept for? */
static bool is_kept_for_another(const struct little_world *w, const struct little_access *a, const struct little_run *run)
{
	const struct little_group *now = by_id(w, id_of(a)), *one = NULL, *other = NULL;
	int name = name_of(a->text + 5);

	if (!run->whole || run->confirmed || !w->complete[0] || !w->complete[1] || now == NULL || now->name == name || name < 0 || a->source < 0 ||
	    (run->conflicts & 1U << space_of(a->space)) != 0)
		return false;
	return named(w, a->source, name, &one) == 1 && one->id != now->id && is_anew(w, one, a->space, run) && named(w, 1 - a->source, name, &other) == 0;
}

/* By the clock of this run, and not just by one that was set back since; and no other source's grant gives the name the same. */
static bool is_past(const struct little_world *w, const struct little_access *a)
{
	for (size_t i = 0; i < w->grant_count; i++) {
		const struct little_grant *g = &w->grants[i];

		if ((covers(g, name_of(a->text + 5), space_of(a->space)) || speaks(g, a)) && !ended(w, g)) /* a hand may have made it for the other role */
			return false;
	}
	return a->source >= 0;
}

const char *little_judge(struct little_world *w, const struct little_run *run, const struct little_access **which)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < run->before_count && wrong == NULL; i++) {
		*which = &run->before[i];
		if (!in(run->after, run->after_count, (*which)->space, (*which)->role, (*which)->text) && !little_denies_access(w, *which))
			wrong = judge_removal(w, *which, run);
	}
	for (size_t i = 0; i < run->after_count && wrong == NULL; i++) {
		*which = &run->after[i];
		if (run->whole && (run->conflicts & 1U << space_of((*which)->space)) == 0 && is_over(w, *which) && is_past(w, *which))
			wrong = "kept although all that granted it ended";
		if (wrong == NULL && is_kept_for_another(w, *which, run))
			wrong = "kept up for another group that has the name now";
		if (in(run->before, run->before_count, (*which)->space, (*which)->role, (*which)->text))
			continue;
		if (wrong == NULL && !is_given(w, *which, run))
			wrong = "given to whom nothing is granted";
	}
	remember(w, run);
	return wrong;
}

bool little_mourns(const struct little_world *w, const struct little_run *run)
{
	for (size_t i = 0; i < run->after_count; i++) {
		const struct little_group *g = by_id(w, id_of(&run->after[i]));

		if (g == NULL || strcmp(little_names[g->name], run->after[i].text + 5) != 0)
			return true;
	}
	return false;
}

/* ---- the end ---- */
static const char *judge_missing(const struct little_world *w, const struct little_grant *g, const struct little_group *group, const struct little_run *run)
{
	const struct little_group *one = NULL;

	if (was_anothers(w, group) || is_excluded(w, group->name) || little_denies(w, g->source, group->id, group->name))
		return NULL; /* it may wait for consent */
	for (int s = 0; s < LITTLE_SPACES; s++) {
		struct little_access a = {0};

		snprintf(a.space, sizeof a.space, "%s", little_spaces[s]);
		snprintf(a.role, sizeof a.role, "%s", little_roles[g->role]);
		if ((w->spaces & 1U << s) != 0 && (run->conflicts & 1U << s) == 0 && covers(g, group->name, s) && named(w, g->source, group->name, &one) == 1 &&
		    !text_in(run->after, run->after_count, &a, group->name))
			return "not given although it is granted";
	}
	return NULL;
}

static bool is_due_to(const struct little_world *w, const struct little_access *a)
{
	const struct little_group *one = NULL, *now = by_id(w, id_of(a));

	for (size_t i = 0; i < w->grant_count; i++) {
		const struct little_grant *g = &w->grants[i];
		size_t called = ended(w, g) ? 0 : named(w, g->source, name_of(a->text + 5), &one);
		bool means = called > 0 && covers(g, name_of(a->text + 5), space_of(a->space));

		if (means && a->source >= 0 && (a->source == g->source ? g->binding > 0 && called > 1 : strcmp(little_roles[g->role], a->role) == 0))
			return true; /* another source's, too; or a binding of the grant's own name, and nobody knows whose */
		if (!may_speak(g, a) || ended(w, g) || is_excluded(w, now != NULL ? now->name : -1))
			continue;
		if (called > 0 || (g->kind == LITTLE_NAMED && (now != NULL || named(w, g->source, g->name, &one) > 1)))
			return true; /* there; or several of that name, and nobody knows which; or followed */
		if (now != NULL && covers(g, now->name, space_of(a->space)) && (named(w, g->source, now->name, &one) > 1 || was_anothers(w, now)))
			return true; /* renamed to what another is called, too, or was: that may wait for consent */
	}
	return false;
}

const char *little_judge_end(const struct little_world *w, const struct little_run *run, const struct little_access **which)
{
	const char *wrong = NULL;

	*which = NULL;
	for (size_t i = 0; i < w->grant_count; i++)
		for (size_t j = 0; j < LITTLE_GROUPS && wrong == NULL; j++)
			if (w->groups[j].id != 0 && w->grants[i].not_after == 0 && (j >= LITTLE_MAIN) == (w->grants[i].source == 1))
				wrong = judge_missing(w, &w->grants[i], &w->groups[j], run);
	for (size_t i = 0; i < run->after_count && wrong == NULL; i++) {
		*which = &run->after[i];
		if ((run->conflicts & 1U << space_of((*which)->space)) == 0 && !is_due_to(w, *which))
			wrong = "still there although nothing grants it";
	}
	return wrong;
}
