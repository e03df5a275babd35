/* SPDX-License-Identifier: Apache-2.0
 *
 * Random histories through the pure core: outages and lost pages, renames, groups made anew, namespaces that come and go,
 * human hands, policy edits, people put out and let back in, ledger and state lost and restored, clock jumps, runs that fail or are killed between any two writes. After each run the rules of
 * little_world.h are asked: no wrongful removal, no wrongful grant, and a second run has nothing to do.
 *
 *   test_histories [HOW_MANY [SEED]]     10000 unless said; the seed is printed, and a history that fails names its own
 *   test_histories 1 SEED show           that one, run by run
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "broker/sync/state/ledger_note.h"
#include "common/data/json.h"
#include "tests/support/little_denied.h"
#include "tests/support/little_memory.h"

#define RUNS 7

struct sync { /* one plan and what it was made from */
	struct ush_policy *policy;
	struct ush_places places;
	struct ush_groups groups[2];
	struct ush_state state;
	struct ush_ledger ledger;
	struct ush_desired *desired;
	struct ush_observed observed;
	struct ush_plan *plan;
};

static void sync_make(struct sync *s, const struct little_world *w, unsigned int few)
{
	struct ush_error err = {0};
	struct ush_wish wish;

	*s = (struct sync){.policy = little_policy(w), .plan = ush_new(struct ush_plan)};
	for (int i = 0; i < 2; i++)
		little_groups(w, i, &s->groups[i]);
	little_places(w, s->policy, few, &s->places);
	if (w->cluster.state != NULL)
		LITTLE_MUST(ush_state_read(&s->state, w->cluster.state, "state", &err) == 0, err.what);
	s->state.namespaces = ush_strdup(w->cluster.namespaces);
	little_ledger(w, &s->ledger);
	s->state.ledger = w->cluster.noted != 0 ? ush_printf("l%u", w->cluster.noted) : NULL;
	ush_ledger_is_noted(s->state.ledger, &s->ledger, "default", "default", USH_LEDGER_STOPS, NULL, &s->plan->stop);
	wish = (struct ush_wish){s->policy, &s->places, s->groups, &s->state, "default", w->now, &s->ledger};
	s->desired = ush_desired_new(&wish);
	ush_observed_begin(&s->observed, s->desired, s->groups, "little", true);
	little_observe(&w->cluster, &s->observed);
	ush_reconcile(&(struct ush_reconcile){.desired = s->desired, .groups = s->groups, .observed = &s->observed, .state = &s->state, .now = w->now,
					       .state_missing = w->cluster.state == NULL, .partial = few != 0},
		      s->plan);
}

static void sync_free(struct sync *s)
{
	ush_plan_free(s->plan);
	ush_observed_free(&s->observed);
	ush_desired_free(s->desired);
	ush_state_free(&s->state);
	ush_ledger_free(&s->ledger);
	for (int i = 0; i < 2; i++)
		ush_groups_free(&s->groups[i]);
	ush_places_free(&s->places);
	little_policy_free(s->policy);
}

static unsigned int conflicts_of(const struct ush_plan *plan)
{
	unsigned int spaces = 0;

	for (size_t i = 0; i < plan->change_count; i++)
		for (int s = 0; s < LITTLE_SPACES; s++)
			if (plan->changes[i].action == USH_CONFLICT && strcmp(plan->changes[i].namespace_name, little_spaces[s]) == 0)
				spaces |= 1U << s;
	return spaces;
}

static size_t writes_of(const struct ush_plan *plan)
{
	size_t writes = plan->state_changed || plan->notes_ledger;

	for (size_t i = 0; i < plan->change_count; i++)
		writes += plan->changes[i].action <= USH_REMOVE && !plan->changes[i].consent;
	return writes;
}

static bool showing; /* a single history is told run by run */

static void show(const struct little_world *w, const struct ush_plan *plan, const struct little_fault *fault)
{
	USH_AUTO_BUF text = {0};

	if (!showing)
		return;
	printf("# ---- clock %lld, main %s, side %s, layout %d, excluded %x, killed after %zd, fails at %zd, %s\n# groups:", (long long)w->now,
	       w->complete[0] ? "complete" : "incomplete", w->complete[1] ? "complete" : "incomplete", (int)w->layout, w->excluded, (ssize_t)fault->stop_after, (ssize_t)fault->fail_at, fault->confirm ? "confirmed" : "not confirmed");
	for (size_t i = 0; i < LITTLE_GROUPS; i++)
		if (w->groups[i].id != 0)
			printf(" %si%u %s", i < LITTLE_MAIN ? "" : "side:", w->groups[i].id, little_names[w->groups[i].name]);
	for (size_t i = 0; i < w->grant_count; i++)
		printf("\n# grant %zu: %s kind %d name %s role %s spaces %x until %lld", i, little_sources[w->grants[i].source], w->grants[i].kind, little_names[w->grants[i].name],
		       little_roles[w->grants[i].role], w->grants[i].spaces, (long long)w->grants[i].not_after);
	ush_plan_to_text(plan, &text, NULL);
	printf("\n# spaces %x\n%s", w->spaces, text.data);
}

static struct { /* of all histories */
	size_t runs, removals, grants, second_runs, few, stops;
} count;

static void count_changes(const struct little_run *run)
{
	count.runs++;
	count.removals += run->before_count > run->after_count ? run->before_count - run->after_count : 0;
	count.grants += run->after_count > run->before_count ? run->after_count - run->before_count : 0;
}

static const struct little_fault none = {SIZE_MAX, SIZE_MAX, false};

/* The same again at once: nothing to do. But a group that is away may be away for one run more now, and after a consent
 * the tombstone of the old group is noted otherwise. */
static const char *run_again(struct little_world *w)
{
	struct sync s;
	size_t writes;

	sync_make(&s, w, 0);
	writes = writes_of(s.plan);
	if (writes > 0) {
		USH_AUTO_FREE char *before = ush_state_text(&s.state), *after = ush_state_text(&s.plan->state);

		show(w, s.plan, &none);
		if (showing)
			printf("# state before %s\n# state after  %s\n", before, after);
	}
	sync_free(&s);
	count.second_runs++;
	return writes > 0 ? "the second run had something to do" : NULL;
}

/* What is for another role now is made anew first, and what hangs on that goes when it stands. */
static bool has_replaced(const struct ush_plan *plan)
{
	return ush_plan_count(plan, USH_REPLACE) > 0;
}

/* ---- a plan for a few namespaces ---- */

static bool has_name(const json_t *subjects, const char *name)
{
	const json_t *subject;
	size_t i;

	json_array_foreach(subjects, i, subject)
		if (strcmp(ush_json_string(subject, "name"), name) == 0)
			return true;
	return false;
}

/* The change leaves everybody in who is in. */
static bool loses_nobody(struct little_world *w, const struct ush_plan *plan, const struct ush_change *change)
{
	const struct little_object *there = little_find(&w->cluster, change->kind, change->namespace_name, change->name);
	USH_AUTO_JSON before = there != NULL ? json_loads(there->body, 0, NULL) : NULL;
	USH_AUTO_JSON after = ush_change_object(plan, change, NULL);
	const json_t *subject, *subjects = ush_json_array(before, "subjects");
	size_t i;

	if (change->action == USH_CREATE)
		return there == NULL;
	json_array_foreach(subjects, i, subject)
		if (!has_name(ush_json_array(after, "subjects"), ush_json_string(subject, "name")))
			return false;
	return before != NULL && change->action == USH_CHANGE;
}

static bool adds(const struct ush_change *change, const char *text)
{
	for (uint32_t i = 0; i < change->added_count; i++)
		if (strcmp(change->added[i].text, text) == 0)
			return true;
	return false;
}

/* What the whole plan makes is made just so, but for who waits for a word here alone; and nobody is let in whom it does not let in. */
static bool agree(const struct ush_plan *few, const struct ush_change *change, const struct ush_plan *whole, const struct ush_change *other)
{
	if (change->action == USH_CREATE && change->added_count == other->added_count)
		return strcmp(ush_plan_body_digest(few, change->body), ush_plan_body_digest(whole, other->body)) == 0;
	for (uint32_t i = 0; i < change->added_count; i++)
		if (!adds(other, change->added[i].text))
			return false;
	return true;
}

static bool agrees(const struct ush_plan *few, const struct ush_change *change, const struct ush_plan *whole)
{
	bool same = change->action == USH_CHANGE && change->added_count == 0;

	for (size_t i = 0; i < whole->change_count && !same; i++) {
		const struct ush_change *other = &whole->changes[i];

		same = !other->consent && other->action == change->action && other->kind == change->kind && strcmp(other->namespace_name, change->namespace_name) == 0 &&
		       strcmp(other->name, change->name) == 0 && agree(few, change, whole, other);
	}
	return same;
}

static const char *judge_few(struct little_world *w, const struct ush_plan *few, const struct ush_plan *whole)
{
	if (few->state_changed || few->stones_changed || few->set_count + few->state.count + few->state.heir_count + few->state.ended.count > 0)
		return "a plan for a few namespaces remembers something";
	for (size_t i = 0; i < few->change_count; i++) {
		const struct ush_change *change = &few->changes[i];

		if (change->action > USH_REMOVE)
			continue;
		if (change->removed_count > 0 || !loses_nobody(w, few, change))
			return "a plan for a few namespaces takes something away";
		if (!change->consent && !agrees(few, change, whole))
			return "a plan for a few namespaces makes what the whole plan does not";
	}
	return NULL;
}

/* It draws no chance of its own: the history goes on as it would have. */
static const char *take_a_few(struct little_world *w)
{
	unsigned int few = (unsigned int)(w->random >> 33) & w->spaces;
	struct sync some, all;
	const char *wrong;

	if (few == 0 || few == w->spaces || w->random % 3 != 0)
		return NULL;
	sync_make(&some, w, few);
	sync_make(&all, w, 0);
	wrong = judge_few(w, some.plan, all.plan);
	count.few += ush_plan_count(some.plan, USH_CREATE) + ush_plan_count(some.plan, USH_CHANGE);
	sync_free(&some);
	sync_free(&all);
	return wrong;
}

/* ---- what is lost ---- */

static bool says(const struct ush_plan *plan, const char *words)
{
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].action == USH_NOTE && strstr(plan->changes[i].reason, words) != NULL)
			return true;
	return false;
}

static const char *judge_stop(struct little_world *w, const struct ush_plan *plan)
{
	bool lost = little_ledger_lost(w);

	w->stopped = plan->stop.code != USH_OK;
	count.stops += lost;
	if (lost && (plan->stop.code != USH_ERR_INCOMPLETE || strstr(plan->stop.hint, "usher.dev/ledger-") == NULL))
		return "the ledger is not the one that was, and the run did not stop with the way out";
	if (!lost && w->stopped)
		return "stopped, and nothing is lost";
	if (little_knows_nothing(w) && plan->bindings_ours > 0 && !says(plan, "if anybody was offboarded they are let in again"))
		return "neither ledger nor state is there, and nobody says what that means";
	return NULL;
}

static const char *run_once(struct little_world *w, const struct little_fault *fault, struct little_run *run, const struct little_access **which)
{
	struct sync s;
	const char *wrong;
	bool replaced;

	*run = (struct little_run){.confirmed = fault->confirm};
	run->before_count = little_access(&w->cluster, run->before, LITTLE_ROOM);
	little_tell_apart(w, run->before, run->before_count);
	little_note_reading(w, run);
	wrong = take_a_few(w);
	sync_make(&s, w, 0);
	run->conflicts = conflicts_of(s.plan);
	if (wrong == NULL)
		wrong = judge_stop(w, s.plan);
	show(w, s.plan, fault);
	run->whole = s.plan->stop.code == USH_OK && little_apply(&w->cluster, s.plan, fault);
	replaced = has_replaced(s.plan);
	sync_free(&s);
	run->after_count = little_access(&w->cluster, run->after, LITTLE_ROOM);
	little_tell_apart(w, run->after, run->after_count);
	count_changes(run);
	*which = NULL;
	if (wrong == NULL)
		wrong = little_judge(w, run, which);
	if (wrong == NULL)
		wrong = little_judge_denied(w, run, which);
	if (wrong == NULL && run->whole && !replaced && !fault->confirm && (w->random % 3 == 0 || showing) && !little_mourns(w, run)) {
		*which = NULL;
		wrong = run_again(w);
	}
	return wrong;
}

static const char *calm_down(struct little_world *w, struct little_run *run, const struct little_access **which)
{
	const char *wrong = NULL;

	w->complete[0] = w->complete[1] = true;
	little_put_right(w);
	for (int i = 0; i < w->runs + 2 && wrong == NULL; i++) {
		w->now += 2 * 86400;
		wrong = run_once(w, &none, run, which);
	}
	return wrong != NULL ? wrong : little_judge_end(w, run, which);
}

/* Histories that were wrong once; each run begins with them, unless a seed is told. */
static const uint64_t once_wrong[] = {1007461, 2025991, 6034865, 108029174, 114010659, 118026354};

static bool was_wrong_once(uint64_t seed)
{
	for (size_t i = 0; i < USH_COUNT(once_wrong); i++)
		if (once_wrong[i] == seed)
			return true;
	return false;
}

static const char *live(uint64_t seed, struct little_run *run, const struct little_access **which)
{
	struct little_world w;
	const char *wrong = NULL;

	little_begin(&w, seed);
	w.denies = !was_wrong_once(seed); /* those are from before anybody could be put out, or anything be lost */
	w.losing = w.denies ? w.losing : 0;
	for (int i = 0; i < RUNS && wrong == NULL; i++) {
		struct little_fault fault = {SIZE_MAX, SIZE_MAX, little_chance(&w, 5) == 0};

		if (little_chance(&w, 6) == 0)
			fault.stop_after = little_chance(&w, 8);
		if (little_chance(&w, 8) == 0)
			fault.fail_at = little_chance(&w, 6);
		little_happen(&w);
		wrong = run_once(&w, &fault, run, which);
	}
	if (wrong == NULL)
		wrong = calm_down(&w, run, which);
	little_backup_free(&w);
	little_free(&w.cluster);
	return wrong;
}

int main(int argc, char **argv)
{
	unsigned long many = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	static struct little_run run;
	const struct little_access *which = NULL;

	showing = argc > 3;
	printf("# seed %llu\n", (unsigned long long)seed);
	for (unsigned long i = 0; i < many; i++) {
		uint64_t number = argc <= 2 && i < USH_COUNT(once_wrong) ? once_wrong[i] : seed + i;
		const char *wrong = live(number, &run, &which);

		if (wrong == NULL)
			continue;
		printf("not ok 1 - histories:%lu random histories hold to the rules\n# history %llu: %s", many, (unsigned long long)number, wrong);
		if (which != NULL)
			printf(": %s in %s to %s (id %s, granted %s)", which->role, which->space, which->text, which->id, which->granted);
		printf("\n# again: test_histories 1 %llu\n1..1\n", (unsigned long long)number);
		return 1;
	}
	printf("ok 1 - histories:%lu random histories hold to the rules\n# %zu runs, %zu accesses given, %zu taken away, %zu second runs, %zu changes for a few, %zu stops, 0 wrong\n1..1\n", many,
	       count.runs, count.grants, count.removals, count.second_runs, count.few, count.stops);
	return 0;
}
