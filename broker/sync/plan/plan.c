/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/plan/plan.h"

#include <string.h>

#include "broker/sync/plan/sum.h"
#include "broker/sync/want/texts.h"
#include "common/base/memory.h"
#include "common/base/search.h"

static void free_source(struct ush_plan_source *source)
{
	char *const owned[] = {source->name, source->where, source->proof, source->why, source->advice};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
}

static void free_set(struct ush_set *set)
{
	char *const owned[] = {set->name, set->id, set->namespaces, set->there, set->version};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
}

void ush_plan_free(struct ush_plan *plan)
{
	if (plan == NULL)
		return;
	char *const owned[] = {plan->policy, plan->policy_file, plan->policy_digest, plan->where, plan->server, plan->state_namespace, plan->state_version};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
	for (size_t i = 0; i < plan->source_count; i++)
		free_source(&plan->sources[i]);
	for (size_t i = 0; i < plan->change_count; i++) {
		free(plan->changes[i].added);
		free(plan->changes[i].removed);
	}
	for (size_t i = 0; i < plan->set_count; i++)
		free_set(&plan->sets[i]);
	for (size_t i = 0; i < plan->for_people_count; i++)
		free(plan->for_people[i]);
	ush_plan_bodies_free(plan);
	if (plan->texts != NULL)
		ush_texts_free(plan->texts);
	free(plan->texts);
	free(plan->sets);
	free(plan->objects);
	free(plan->dangling);
	free(plan->sources);
	free(plan->changes);
	free(plan->for_people);
	ush_state_free(&plan->state);
	ush_list_free(&plan->denied);
	ush_list_free(&plan->over);
	free(plan);
}

const char *ush_plan_text(struct ush_plan *plan, const char *text)
{
	if (plan->texts == NULL)
		plan->texts = ush_new(struct ush_texts);
	return ush_texts_keep(plan->texts, text);
}

struct ush_change *ush_plan_add(struct ush_plan *plan, enum ush_action action, enum ush_rbac_kind kind, const char *namespace_name, const char *name,
				char *reason)
{
	struct ush_change change = {.action = action, .kind = kind, .namespace_name = ush_plan_text(plan, namespace_name), .name = ush_plan_text(plan, name)};

	change.reason = ush_plan_text(plan, reason != NULL ? reason : "");
	free(reason);
	USH_PUSH(plan->changes, plan->change_count, change);
	return &plan->changes[plan->change_count - 1];
}

void ush_change_delta(struct ush_plan *plan, struct ush_change *change, bool added, const char *text, long people)
{
	struct ush_delta delta = {ush_plan_text(plan, text), people};

	if (added)
		USH_PUSH(change->added, change->added_count, delta);
	else
		USH_PUSH(change->removed, change->removed_count, delta);
}

static int by_object(const struct ush_change *x, const struct ush_change *y)
{
	return ush_key_order(x->namespace_name, x->kind, x->name, y->namespace_name, y->kind, y->name);
}

/* Done in place of the other, when somebody says yes: that is one binding, not two. */
static bool is_instead(const struct ush_change *change, const struct ush_change *plain)
{
	return change->consent && !plain->consent && change->action == plain->action && by_object(change, plain) == 0;
}

size_t ush_plan_count(const struct ush_plan *plan, enum ush_action action)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->change_count; i++)
		count += plan->changes[i].action == action && !(i > 0 && is_instead(&plan->changes[i], &plan->changes[i - 1]));
	return count;
}

static bool sets_differ(const struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->set_count; i++)
		if (strcmp(plan->sets[i].namespaces, plan->sets[i].there != NULL ? plan->sets[i].there : "") != 0)
			return true;
	return false;
}

bool ush_plan_writes(const struct ush_plan *plan)
{
	return plan->state_changed || plan->notes_ledger || plan->over.count > 0 || sets_differ(plan) ||
	       ush_plan_count(plan, USH_CREATE) + ush_plan_count(plan, USH_CHANGE) + ush_plan_count(plan, USH_REPLACE) + ush_plan_count(plan, USH_REMOVE) > 0;
}

static int by_action(const void *a, const void *b)
{
	const struct ush_change *x = a, *y = b;
	int order = (int)x->action - (int)y->action;

	if (order == 0)
		order = by_object(x, y);
	if (order == 0)
		order = (int)x->consent - (int)y->consent;
	return order != 0 ? order : strcmp(x->reason, y->reason);
}

static int by_place(const void *a, const void *b)
{
	const struct ush_object *x = a, *y = b;
	int order = ush_key_order(x->namespace_name, x->kind, x->name, y->namespace_name, y->kind, y->name);

	return order != 0 ? order : (int)x->consent - (int)y->consent;
}

/* Of an object and the one that would stand in its place, one stays. */
static void choose_objects(struct ush_plan *plan, bool confirmed)
{
	size_t kept = 0;

	if (plan->object_count > 0)
		qsort(plan->objects, plan->object_count, sizeof *plan->objects, by_place);
	for (size_t i = 0; i < plan->object_count; i++) {
		struct ush_object *o = &plan->objects[i], *last = kept > 0 ? &plan->objects[kept - 1] : NULL;
		bool again = last != NULL && ush_key_order(last->namespace_name, last->kind, last->name, o->namespace_name, o->kind, o->name) == 0;

		if (o->consent && !confirmed)
			continue;
		o->consent = false;
		plan->objects[again ? kept - 1 : kept++] = *o;
	}
	plan->object_count = kept;
}

/* What would be done to the same binding without anybody's word, or NULL. The changes are sorted. */
static struct ush_change *plain_of(const struct ush_plan *plan, const struct ush_change *change)
{
	for (enum ush_action action = USH_CREATE; action <= USH_REMOVE; action++) {
		const struct ush_change key = {.action = action, .kind = change->kind, .namespace_name = change->namespace_name, .name = change->name, .reason = ""};
		size_t at = USH_FIRST_NOT(i, 0, plan->change_count, by_action(&plan->changes[i], &key) < 0);

		if (at < plan->change_count && plan->changes[at].action == action && !plan->changes[at].consent && by_object(&plan->changes[at], change) == 0)
			return &plan->changes[at];
	}
	return NULL;
}

static bool gains(const struct ush_change *change, const char *text)
{
	for (size_t i = 0; i < change->added_count; i++)
		if (strcmp(change->added[i].text, text) == 0)
			return true;
	return false;
}

/* What was confirmed does what its plain one would have done, too. */
static void take_over(struct ush_plan *plan, struct ush_change *change, const struct ush_change *plain)
{
	for (size_t i = 0; i < plain->removed_count; i++)
		if (!gains(change, plain->removed[i].text))
			ush_change_delta(plan, change, false, plain->removed[i].text, plain->removed[i].people);
	for (size_t i = 0; i < plain->added_count; i++)
		if (!gains(change, plain->added[i].text))
			ush_change_delta(plan, change, true, plain->added[i].text, plain->added[i].people);
}

static void choose_changes(struct ush_plan *plan)
{
	USH_AUTO_FREE bool *replaced = ush_alloc((plan->change_count + 1) * sizeof *replaced);
	size_t kept = 0;

	for (size_t i = 0; i < plan->change_count; i++) {
		struct ush_change *plain = plan->changes[i].consent && plan->changes[i].action <= USH_REMOVE ? plain_of(plan, &plan->changes[i]) : NULL;

		if (plain == NULL)
			continue;
		take_over(plan, &plan->changes[i], plain);
		replaced[plain - plan->changes] = true;
	}
	for (size_t i = 0; i < plan->change_count; i++) {
		if (!replaced[i]) {
			plan->changes[kept++] = plan->changes[i];
			continue;
		}
		free(plan->changes[i].added);
		free(plan->changes[i].removed);
	}
	plan->change_count = kept;
}

size_t ush_plan_consent(struct ush_plan *plan, bool confirmed)
{
	size_t held = 0;

	choose_objects(plan, confirmed);
	if (confirmed) {
		choose_changes(plan);
		if (ush_state_confirm(&plan->state))
			plan->state_changed = plan->stones_changed = true;
	}
	for (size_t i = 0; i < plan->change_count; i++) {
		struct ush_change *change = &plan->changes[i];

		if (!change->consent || confirmed)
			continue;
		change->action = USH_HOLD;
		change->body = 0;
		change->added_count = change->removed_count = 0;
		held++;
	}
	return held;
}

/* "2027-01-15 08:00 UTC": of a reason that says since when. */
static bool is_moment(const char *at)
{
	static const char form[] = "0000-00-00 00:00 UTC";

	for (size_t i = 0; i < sizeof form - 1; i++)
		if (form[i] == '0' ? at[i] < '0' || at[i] > '9' : at[i] != form[i])
			return false;
	return true;
}

/* A run that saw a group gone for the first time says the minute of that run: the same plan, a minute later, is the same. And so it
 * is from another machine, where the command that a person types about it says another kubeconfig. */
static void sum_reason(struct ush_sum *sum, const char *reason)
{
	static const char *const commands[] = {"; it ends with kubectl ", "; usher-broker readmit "};
	USH_AUTO_FREE char *text = ush_strdup(reason);

	for (size_t i = 0; i < USH_COUNT(commands); i++) {
		char *command = strstr(text, commands[i]);

		if (command != NULL)
			*command = '\0';
	}
	for (char *at = text; *at != '\0'; at++)
		if (is_moment(at))
			memset(at, '.', 16);
	ush_sum_text(sum, text);
}

static void sum_number(struct ush_sum *sum, long number)
{
	char text[24];

	snprintf(text, sizeof text, "%ld", number);
	ush_sum_text(sum, text);
}

static void sum_deltas(struct ush_sum *sum, const struct ush_delta *deltas, size_t count)
{
	sum_number(sum, (long)count);
	for (size_t i = 0; i < count; i++) {
		ush_sum_text(sum, deltas[i].text);
		sum_number(sum, deltas[i].people);
	}
}

static void sum_change(struct ush_sum *sum, const struct ush_plan *plan, const struct ush_change *change)
{
	const char *const texts[] = {ush_action_name(change->action), ush_rbac_kind_name(change->kind), change->namespace_name, change->name, change->uid,
				     change->resource_version, change->stand_in, change->consent ? "consent" : NULL,
				     ush_plan_body_digest(plan, change->body)};

	for (size_t i = 0; i < USH_COUNT(texts); i++)
		ush_sum_text(sum, texts[i]);
	sum_reason(sum, change->reason);
	sum_deltas(sum, change->added, change->added_count);
	sum_deltas(sum, change->removed, change->removed_count);
}

/* What the next run is told, but for when it began. */
static void sum_state(struct ush_sum *sum, const struct ush_state *state)
{
	sum_number(sum, (long)state->count);
	for (size_t i = 0; i < state->count; i++) {
		const struct ush_tombstone *s = &state->items[i];
		const char *const texts[] = {s->source, s->id, s->group, s->text, s->removed ? "removed" : NULL};

		for (size_t t = 0; t < USH_COUNT(texts); t++)
			ush_sum_text(sum, texts[t]);
		sum_number(sum, s->runs);
	}
	sum_number(sum, (long)state->heir_count);
	for (size_t i = 0; i < state->heir_count; i++) {
		ush_sum_text(sum, state->heirs[i].source);
		ush_sum_text(sum, state->heirs[i].id);
		ush_sum_text(sum, state->heirs[i].text);
		ush_sum_text(sum, state->heirs[i].confirmed ? "confirmed" : NULL);
	}
	sum_number(sum, (long)state->ended.count);
	for (size_t i = 0; i < state->ended.count; i++)
		ush_sum_text(sum, state->ended.items[i]);
	sum_number(sum, state->shards);
}

/* That a time is over is nobody's decision: the same plan, a minute later, is the same. */
static bool is_decided(const struct ush_change *change)
{
	return change->action != USH_NOTE && change->elevation == NULL;
}

static void sum_all(struct ush_sum *sum, const struct ush_plan *plan)
{
	const char *const head[] = {plan->policy, plan->policy_digest, plan->where, plan->server, plan->live ? "live" : "folder", plan->state_namespace,
				    plan->state_version, plan->state_changed ? "changed" : NULL, plan->no_people ? "no people" : NULL,
				    plan->stop.code != USH_OK ? plan->stop.what : NULL};
	size_t decided = 0;

	for (size_t i = 0; i < USH_COUNT(head); i++)
		ush_sum_text(sum, head[i]);
	sum_state(sum, &plan->state);
	sum_number(sum, (long)plan->set_count);
	for (size_t i = 0; i < plan->set_count; i++) {
		ush_sum_text(sum, plan->sets[i].name);
		ush_sum_text(sum, plan->sets[i].namespaces);
	}
	for (size_t i = 0; i < plan->change_count; i++)
		decided += is_decided(&plan->changes[i]);
	sum_number(sum, (long)decided);
	for (size_t i = 0; i < plan->change_count; i++)
		if (is_decided(&plan->changes[i]))
			sum_change(sum, plan, &plan->changes[i]);
	for (size_t i = 0; i < plan->for_people_count; i++)
		ush_sum_text(sum, plan->for_people[i]);
}

/* What sources say beside what the plan does with it, and how long it took them, makes no other plan. */
void ush_plan_finish(struct ush_plan *plan)
{
	struct ush_sum *sum = ush_sum_new();

	if (plan->change_count > 0)
		qsort(plan->changes, plan->change_count, sizeof *plan->changes, by_action);
	sum_all(sum, plan);
	ush_sum_end(sum, plan->hash);
}

/* The first of them. */
bool ush_plan_incomplete(const struct ush_plan *plan, struct ush_error *err)
{
	for (size_t i = 0; i < plan->source_count; i++) {
		const struct ush_plan_source *source = &plan->sources[i];

		if (source->complete)
			continue;
		ush_fail(err, USH_ERR_INCOMPLETE, "source %s is incomplete: %s; nothing is removed on its account", source->name, source->why);
		if (source->advice != NULL)
			ush_hint(err, "%s", source->advice);
		return true;
	}
	return false;
}

enum ush_code ush_plan_verdict(const struct ush_plan *plan, struct ush_error *err)
{
	size_t conflicts = ush_plan_count(plan, USH_CONFLICT);

	if (plan->stop.code != USH_OK) {
		*err = plan->stop;
		return err->code;
	}
	if (ush_plan_incomplete(plan, err))
		return err->code;
	if (ush_plan_writes(plan) || ush_plan_count(plan, USH_PENDING) > 0)
		return USH_DIFFERENCES;
	if (conflicts > 0)
		ush_fail(err, USH_ERR_REFUSED, "%zu conflict%s left alone; the lines with ? say why", conflicts, conflicts > 1 ? "s are" : " is");
	return err->code;
}
