/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan means for people: who may do what that he could not, who loses what; and the brake, which counts bindings
 * and people before anything is taken away.
 */
#include <string.h>

#include "broker/sync/decide.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#define LINES_MAX 8 /* sentences; what is beyond is counted */
#define WORDS_MAX 4 /* resources named in one */

const struct ush_group *ush_decide_group(const struct ush_decide *d, const struct ush_origin *origin)
{
	const struct ush_group *const *found;

	for (size_t i = 0; origin->source != NULL && origin->id != NULL && i < d->policy->source_count; i++)
		if (strcmp(d->policy->sources[i].name, origin->source) == 0)
			return ush_index_find(&d->by_id[i], origin->id, &found) > 0 && found[0]->members_known ? found[0] : NULL;
	return NULL;
}

/* ---- sets of people ---- */

struct people {
	const char **names; /* borrowed */
	size_t count;
	bool all_known;
};

static void add_people(struct people *people, const struct ush_group *group)
{
	people->all_known &= group != NULL && group->members_known;
	for (size_t i = 0; group != NULL && i < group->members.count; i++)
		USH_PUSH(people->names, people->count, group->members.items[i]);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many different people; empties the set. */
static size_t count_people(struct people *people)
{
	size_t different = 0;

	if (people->count > 0)
		qsort(people->names, people->count, sizeof *people->names, by_text);
	for (size_t i = 0; i < people->count; i++)
		different += i == 0 || strcmp(people->names[i - 1], people->names[i]) != 0;
	free(people->names);
	*people = (struct people){0};
	return different;
}

/* ---- sentences ---- */

static void add_words(struct ush_buf *out, const struct ush_list *words)
{
	size_t shown = words->count <= WORDS_MAX ? words->count : WORDS_MAX - 1;

	for (size_t i = 0; i < shown; i++)
		ush_buf_printf(out, "%s%s", i == 0 ? "" : i + 1 == words->count ? " and " : ", ", words->items[i]);
	if (shown < words->count)
		ush_buf_printf(out, " and %zu more kinds", words->count - shown);
}

static void collect(struct ush_list *out, const struct ush_list *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (!ush_list_has(out, from->items[i]))
			ush_list_add(out, from->items[i]);
}

static bool only_reads(const struct ush_list *verbs)
{
	for (size_t i = 0; i < verbs->count; i++)
		if (strcmp(verbs->items[i], "get") != 0 && strcmp(verbs->items[i], "list") != 0 && strcmp(verbs->items[i], "watch") != 0)
			return false;
	return true;
}

/* "see pods and services in a", "edit a, Secrets included" */
static void say_role(struct ush_buf *out, const struct ush_policy_role *role, const char *namespace_name)
{
	static const struct {
		const char *cluster_role, *verb, *more;
	} known[] = {{"view", "view", ""}, {"edit", "edit", ", Secrets included"}, {"admin", "administer", ", Secrets and roles included"}};
	struct ush_list resources = {0}, verbs = {0};

	for (size_t i = 0; role->cluster_role != NULL && i < USH_COUNT(known); i++)
		if (strcmp(role->cluster_role, known[i].cluster_role) == 0) {
			ush_buf_printf(out, "%s %s%s", known[i].verb, namespace_name, known[i].more);
			return;
		}
	if (role->cluster_role != NULL) {
		ush_buf_printf(out, "use ClusterRole %s in %s", role->cluster_role, namespace_name);
		return;
	}
	for (size_t i = 0; i < role->rule_count; i++) {
		collect(&resources, &role->rules[i].resources);
		collect(&verbs, &role->rules[i].verbs);
	}
	if (only_reads(&verbs))
		ush_buf_puts(out, "see");
	else
		add_words(out, &verbs);
	ush_buf_puts(out, " ");
	add_words(out, &resources);
	ush_buf_printf(out, " in %s", namespace_name);
	ush_list_free(&resources);
	ush_list_free(&verbs);
}

static void say_count(struct ush_buf *out, const struct ush_delta *deltas, size_t count, const char *more)
{
	long people = 0;

	for (size_t i = 0; i < count; i++)
		people = people < 0 || deltas[i].people < 0 ? -1 : people + deltas[i].people;
	if (people >= 0)
		ush_buf_printf(out, "%s%ld%s", count > 1 ? "up to " : "", people, more);
	else
		ush_buf_printf(out, "the people of %s%s", deltas[0].text, count > 1 ? " and others" : "");
}

/* "2 may edit a": those who are in a binding before and after. */
static void say_stay(struct ush_decide *d, const struct ush_wanted *wanted, const struct ush_change *change, struct ush_buf *line)
{
	USH_AUTO_ORIGINS origins = {0};
	USH_AUTO_FREE struct ush_delta *stay = NULL; /* texts borrowed */
	size_t count = 0;

	ush_wanted_origins(d->in->desired, wanted, &origins);
	for (size_t i = 0; i < origins.count; i++) {
		const struct ush_group *group = ush_decide_group(d, &origins.items[i]);
		struct ush_delta delta = {origins.items[i].text, group != NULL ? (long)group->members.count : -1};
		bool added = false;

		for (size_t j = 0; j < change->added_count; j++)
			added |= strcmp(change->added[j].text, delta.text) == 0;
		if (!added)
			USH_PUSH(stay, count, delta);
	}
	if (count == 0)
		return;
	say_count(line, stay, count, "");
	ush_buf_puts(line, " may ");
	say_role(line, wanted->role, change->namespace_name);
}

static void push_line(struct ush_decide *d, struct ush_buf *line)
{
	if (line->length > 0)
		USH_PUSH(d->plan->for_people, d->plan->for_people_count, ush_buf_take(line));
}

/* A Role that is written anew: what those may do now whom a binding gives it. */
static void say_role_change(struct ush_decide *d, const struct ush_change *change)
{
	const struct ush_desired *desired = d->in->desired;
	const struct ush_wanted *role = ush_desired_find(desired, change->namespace_name, USH_ROLE, change->name);
	struct ush_buf line = {0};

	for (size_t i = 0; role != NULL && i < desired->count; i++) {
		const struct ush_wanted *w = &desired->items[i];
		const struct ush_seen *seen = w->kind == USH_ROLE_BINDING && w->role_at == (size_t)(role - desired->items)
						      ? ush_observed_find(d->in->observed, w->namespace_name, w->kind, w->name)
						      : NULL;

		if (seen == NULL || seen->foreign != NULL)
			continue;
		say_stay(d, w, change, &line);
		if (line.length > 0)
			ush_buf_printf(&line, ", as role %s says now", role->name);
		push_line(d, &line);
	}
	ush_buf_free(&line);
}

/* The name of the role that a binding has before the plan. */
static const char *role_before(struct ush_decide *d, const struct ush_change *change)
{
	const struct ush_seen *seen = ush_observed_find(d->in->observed, change->namespace_name, change->kind, change->name);
	const char *slash = seen != NULL && seen->role != NULL ? strchr(seen->role, '/') : NULL;

	return slash != NULL ? slash + 1 : "";
}

static void say_change(struct ush_decide *d, const struct ush_change *change)
{
	const struct ush_wanted *wanted = ush_desired_find(d->in->desired, change->namespace_name, change->kind, change->name);
	struct ush_buf line = {0};

	if (change->added_count > 0 && wanted != NULL) {
		say_count(&line, change->added, change->added_count, change->action == USH_CHANGE ? " more" : "");
		ush_buf_puts(&line, change->action == USH_CREATE ? " may now " : " may ");
		say_role(&line, wanted->role, change->namespace_name);
		push_line(d, &line);
	}
	if (change->action == USH_REPLACE && wanted != NULL) {
		say_stay(d, wanted, change, &line);
		if (line.length > 0)
			ush_buf_printf(&line, ", in place of role %s", role_before(d, change));
		push_line(d, &line);
	}
	if (change->removed_count > 0) {
		say_count(&line, change->removed, change->removed_count, "");
		ush_buf_printf(&line, " lose %s (role %s)", change->namespace_name, role_before(d, change));
		push_line(d, &line);
	}
	ush_buf_free(&line);
}

void ush_decide_people_lines(struct ush_decide *d)
{
	size_t more = 0;

	for (size_t i = 0; i < d->plan->change_count; i++) {
		const struct ush_change *change = &d->plan->changes[i];

		if (change->action > USH_REMOVE || (change->kind == USH_ROLE && change->action != USH_CHANGE))
			continue;
		if (d->plan->for_people_count < LINES_MAX && change->kind == USH_ROLE)
			say_role_change(d, change);
		else if (d->plan->for_people_count < LINES_MAX)
			say_change(d, change);
		else
			more++;
	}
	if (more > 0)
		USH_PUSH(d->plan->for_people, d->plan->for_people_count, ush_printf("%zu more bindings change", more));
}

/* ---- the brake ---- */

static int by_access(const void *a, const void *b)
{
	const struct ush_access *x = a, *y = b;
	int order = strcmp(x->namespace_name, y->namespace_name);

	return order != 0 ? order : strcmp(x->text, y->text);
}

static bool keeps(const struct ush_accesses *kept, const struct ush_access *access)
{
	return kept->count > 0 && bsearch(access, kept->items, kept->count, sizeof *access, by_access) != NULL;
}

/* People who lose their group's last access to a namespace, and people who have any. */
static size_t losing(struct ush_decide *d, size_t *of, bool *all_known)
{
	struct people gone = {.all_known = true}, all = {.all_known = true};

	if (d->kept.count > 0)
		qsort(d->kept.items, d->kept.count, sizeof *d->kept.items, by_access);
	for (size_t i = 0; i < d->lost.count; i++) {
		add_people(&all, d->lost.items[i].group);
		if (!keeps(&d->kept, &d->lost.items[i]))
			add_people(&gone, d->lost.items[i].group);
	}
	for (size_t i = 0; i < d->kept.count; i++)
		add_people(&all, d->kept.items[i].group);
	*all_known = gone.all_known;
	*of = count_people(&all);
	return count_people(&gone);
}

void ush_decide_brake(struct ush_decide *d)
{
	size_t bindings = 0, of = d->in->observed->bindings_ours, people, people_of;
	char limit[2][48], who[64] = "";
	bool known;

	for (size_t i = 0; i < d->plan->change_count; i++) {
		const struct ush_change *change = &d->plan->changes[i];

		bindings += change->kind == USH_ROLE_BINDING && (change->action == USH_REMOVE || (change->action <= USH_REMOVE && change->removed_count > 0));
	}
	people = losing(d, &people_of, &known);
	if (!ush_limit_exceeded(&d->policy->remove_bindings, bindings, of) && !ush_limit_exceeded(&d->policy->remove_people, people, people_of))
		return;
	if (known || people > 0)
		snprintf(who, sizeof who, " and %s%zu people", known ? "" : "at least ", people);
	ush_fail(&d->plan->stop, USH_ERR_REFUSED, "stopped before any write: %zu of %zu bindings (%zu %%)%s would go, the policy allows %s of the bindings and %s of the people",
		 bindings, of, of > 0 ? bindings * 100 / of : 0, who, ush_limit_text(&d->policy->remove_bindings, limit[0], sizeof limit[0]),
		 ush_limit_text(&d->policy->remove_people, limit[1], sizeof limit[1]));
}
