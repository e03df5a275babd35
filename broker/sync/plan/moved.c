/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/plan/moved.h"

#include <string.h>

#include "broker/sync/want/desired.h"
#include "common/base/memory.h"

/* How a person calls what a plan does with an object. */
static const char *const doings[USH_ACTION_COUNT] = {
	[USH_CREATE] = "is to be made",	     [USH_CHANGE] = "is to be changed",	 [USH_REPLACE] = "is to be made anew",
	[USH_REMOVE] = "is to be removed",   [USH_KEEP] = "is kept although its group is gone", [USH_HOLD] = "is on hold",
	[USH_PENDING] = "waits for its namespace", [USH_CONFLICT] = "is in conflict",
};

/* ---- who moved ---- */

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static const struct ush_plan_source *source_of(const struct ush_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->source_count; i++)
		if (strcmp(plan->sources[i].name, name) == 0)
			return &plan->sources[i];
	return NULL;
}

static void say_count(struct ush_buf *out, const struct ush_plan_source *then, const struct ush_plan_source *now)
{
	char number[2][32];

	if (then->groups != now->groups)
		ush_buf_printf(out, "%s groups when planned, %s now", ush_thousands(then->groups, number[0], sizeof number[0]),
			       ush_thousands(now->groups, number[1], sizeof number[1]));
	else if (then->people != now->people)
		ush_buf_printf(out, "%s people read when planned, %s now", ush_thousands(then->people, number[0], sizeof number[0]),
			       ush_thousands(now->people, number[1], sizeof number[1]));
	else
		ush_buf_puts(out, "its groups or their members are others now");
}

/* "source main: 2,633 groups when planned, 2,634 now: " for each that says something else; "" when none does. */
static char *sources_moved(const struct ush_plan *then, const struct ush_plan *now)
{
	USH_AUTO_BUF out = {0};

	for (size_t i = 0; i < now->source_count; i++) {
		const struct ush_plan_source *before = source_of(then, now->sources[i].name);

		if (before == NULL || strcmp(before->digest, now->sources[i].digest) == 0)
			continue;
		ush_buf_printf(&out, "source %s: ", now->sources[i].name);
		say_count(&out, before, &now->sources[i]);
		ush_buf_puts(&out, ": ");
	}
	return ush_buf_take(&out);
}

/* ---- which change ---- */

struct pair { /* what is planned for one object, in either plan; NULL: nothing */
	const struct ush_change *then, *now;
};

static int by_place(const void *a, const void *b)
{
	const struct ush_change *x = *(const struct ush_change *const *)a, *y = *(const struct ush_change *const *)b;
	int order = ush_key_order(x->namespace_name, x->kind, x->name, y->namespace_name, y->kind, y->name);

	if (order == 0)
		order = (int)x->action - (int)y->action;
	return order != 0 ? order : strcmp(x->reason, y->reason);
}

static const struct ush_change **sorted(const struct ush_plan *plan, size_t *count)
{
	const struct ush_change **changes = ush_alloc((plan->change_count + 1) * sizeof *changes);

	*count = 0;
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].action != USH_NOTE)
			changes[(*count)++] = &plan->changes[i];
	if (*count > 0)
		qsort(changes, *count, sizeof *changes, by_place);
	return changes;
}

static bool same_deltas(const struct ush_delta *a, size_t a_count, const struct ush_delta *b, size_t b_count)
{
	bool same = a_count == b_count;

	for (size_t i = 0; i < a_count && same; i++)
		same = strcmp(a[i].text, b[i].text) == 0 && a[i].people == b[i].people;
	return same;
}

static bool same_change(const struct ush_plan *then, const struct ush_change *a, const struct ush_plan *now, const struct ush_change *b)
{
	return a->action == b->action && same_text(a->uid, b->uid) && same_text(a->resource_version, b->resource_version) &&
	       same_deltas(a->added, a->added_count, b->added, b->added_count) &&
	       same_deltas(a->removed, a->removed_count, b->removed, b->removed_count) &&
	       same_text(ush_plan_body_digest(then, a->body), ush_plan_body_digest(now, b->body));
}

/* The first object with which the two plans do not do the same; false: there is none. */
static bool first_difference(const struct ush_plan *then, const struct ush_plan *now, struct pair *found)
{
	size_t then_count, now_count, i = 0, j = 0;
	USH_AUTO_FREE const struct ush_change **before = sorted(then, &then_count);
	USH_AUTO_FREE const struct ush_change **after = sorted(now, &now_count);

	for (; i < then_count || j < now_count; i++, j++) {
		const struct ush_change *a = i < then_count ? before[i] : NULL, *b = j < now_count ? after[j] : NULL;
		int order = a == NULL ? 1 : b == NULL ? -1 : ush_key_order(a->namespace_name, a->kind, a->name, b->namespace_name, b->kind, b->name);

		if (order == 0 && same_change(then, a, now, b))
			continue;
		*found = (struct pair){order <= 0 ? a : NULL, order >= 0 ? b : NULL};
		return true;
	}
	return false;
}

/* ---- in words ---- */

/* A group of one list that the other lacks, or has with another number of people. */
static const struct ush_delta *odd_one(const struct ush_delta *list, size_t count, const struct ush_delta *other, size_t other_count, const struct ush_delta **twin)
{
	for (size_t i = 0; i < count; i++) {
		*twin = NULL;
		for (size_t j = 0; j < other_count && *twin == NULL; j++)
			if (strcmp(list[i].text, other[j].text) == 0)
				*twin = &other[j];
		if (*twin == NULL || (*twin)->people != list[i].people)
			return &list[i];
	}
	return NULL;
}

static bool say_side(struct ush_buf *out, const struct ush_delta *then, size_t then_count, const struct ush_delta *now, size_t now_count, const char *doing)
{
	const struct ush_delta *twin, *odd = odd_one(now, now_count, then, then_count, &twin);

	if (odd != NULL && twin != NULL && twin->people < 0)
		ush_buf_printf(out, "%s had an unknown number of people when planned, has %ld now", odd->text, odd->people);
	else if (odd != NULL && twin != NULL && odd->people < 0)
		ush_buf_printf(out, "%s had %ld people when planned, has an unknown number now", odd->text, twin->people);
	else if (odd != NULL && twin != NULL)
		ush_buf_printf(out, "%s had %ld people when planned, has %ld now", odd->text, twin->people, odd->people);
	else if (odd != NULL)
		ush_buf_printf(out, "%s is to %s now, too", odd->text, doing);
	else if ((odd = odd_one(then, then_count, now, now_count, &twin)) != NULL)
		ush_buf_printf(out, "%s is not to %s any more", odd->text, doing);
	return odd != NULL;
}

static void say_change(struct ush_buf *out, const struct pair *p)
{
	const struct ush_change *one = p->now != NULL ? p->now : p->then;

	if (*one->name != '\0')
		ush_buf_printf(out, "%s %s/%s ", ush_rbac_kind_name(one->kind), one->namespace_name, one->name);
	if (*one->name == '\0')
		ush_buf_printf(out, "%s%s", p->now != NULL ? "" : "not any more: ", one->reason);
	else if (p->then == NULL)
		ush_buf_printf(out, "%s now%s%s%s", doings[one->action], one->added_count > 0 ? ", for " : "", one->added_count > 0 ? one->added[0].text : "",
			       one->added_count > 1 ? " and others" : "");
	else if (p->now == NULL)
		ush_buf_printf(out, "%s in the plan, and there is nothing to do about it now", doings[one->action]);
	else if (p->then->action != p->now->action)
		ush_buf_printf(out, "%s in the plan, and %s now", doings[p->then->action], doings[p->now->action]);
	else if (!say_side(out, p->then->added, p->then->added_count, p->now->added, p->now->added_count, "get it") &&
		 !say_side(out, p->then->removed, p->then->removed_count, p->now->removed, p->now->removed_count, "lose it"))
		ush_buf_puts(out, "is to become another one now");
}

/* What the API server says of the object, where that alone is another thing than it was; NULL: it is not. */
static const char *object_moved(const struct pair *p, bool sources_same)
{
	const char *before = p->then != NULL ? p->then->resource_version : NULL, *after = p->now != NULL ? p->now->resource_version : NULL;

	if (p->then == NULL || p->then->action > USH_REMOVE)
		return NULL;
	if (before == NULL && (after != NULL || (sources_same && (p->now == NULL || p->now->action == USH_CONFLICT))))
		return "is there now";
	if (before != NULL && sources_same && (p->now == NULL || p->now->action == USH_CREATE))
		return "is gone";
	return before != NULL && after != NULL && (strcmp(before, after) != 0 || !same_text(p->then->uid, p->now->uid)) ? "changed" : NULL;
}

static int refuse(struct ush_error *err, const char *who, const char *what)
{
	ush_fail(err, USH_ERR_REFUSED, "%s%s; nothing was written", who, what);
	return ush_hint(err, "Plan again");
}

static int tell_change(const struct pair *p, const char *sources, struct ush_error *err)
{
	const char *how = object_moved(p, *sources == '\0');
	USH_AUTO_BUF out = {0};

	if (how != NULL) {
		ush_buf_printf(&out, "%s %s/%s %s", ush_rbac_kind_name(p->then->kind), p->then->namespace_name, p->then->name, how);
		return refuse(err, "the cluster moved since the plan was made: ", out.data);
	}
	say_change(&out, p);
	return refuse(err, *sources != '\0' ? sources : "something moved since the plan was made: ", out.data);
}

/* What it means for people, or why it is stopped, when each change is the same. */
static int tell_rest(const struct ush_plan *then, const struct ush_plan *now, const char *sources, struct ush_error *err)
{
	const char *who = *sources != '\0' ? sources : "something moved since the plan was made: ";

	for (size_t i = 0; i < now->for_people_count; i++)
		if (i >= then->for_people_count || strcmp(then->for_people[i], now->for_people[i]) != 0)
			return refuse(err, who, now->for_people[i]);
	if (now->stop.code != USH_OK && (then->stop.code == USH_OK || strcmp(now->stop.what, then->stop.what) != 0))
		return refuse(err, who, now->stop.what);
	return refuse(err, who, "what the plan was made from is not what it was");
}

int ush_plan_moved(const struct ush_plan *then, const struct ush_plan *now, struct ush_error *err)
{
	USH_AUTO_FREE char *sources = NULL;
	struct pair pair;

	if (strcmp(then->hash, now->hash) == 0)
		return 0;
	if (!same_text(then->policy_digest, now->policy_digest))
		return refuse(err, "", "the policy is not what it was when the plan was made");
	if (!same_text(then->state_version, now->state_version))
		return refuse(err, "", "another run changed the tombstones since the plan was made");
	sources = sources_moved(then, now);
	return first_difference(then, now, &pair) ? tell_change(&pair, sources, err) : tell_rest(then, now, sources, err);
}
