/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of things: sources first, so that what is wrong with them is known before anything is written; then the
 * namespaces and what keeps them apart; then who may do what, and the proof.
 */
#include "broker/ledger/ledger.h"
#include "broker/lifecycle/onboard/onboard.h"
#include "common/base/memory.h"

void ush_onboard_wrote(const struct ush_onboard *onboard, const char *kind, const char *namespace_name, const char *name, const struct ush_change *change,
		       enum ush_onboard_outcome outcome)
{
	if (onboard->wrote != NULL && (outcome == USH_ONBOARD_CREATED || outcome == USH_ONBOARD_PATCHED))
		onboard->wrote(onboard->context, kind, namespace_name, name, change, outcome);
}

static struct ush_only *only_of(const struct ush_onboard *onboard, bool all_new, size_t *count)
{
	struct ush_only *only = ush_alloc((onboard->space_count + 1) * sizeof *only);

	*count = 0;
	for (size_t i = 0; i < onboard->space_count; i++) {
		const struct ush_onboard_space *space = &onboard->spaces[i];
		enum ush_onboard_outcome outcome = space->things[0].outcome;

		if (!all_new && (space->look || outcome == USH_ONBOARD_UNTRIED || outcome == USH_ONBOARD_REFUSED || outcome == USH_ONBOARD_FAILED))
			continue;
		only[(*count)++] = (struct ush_only){space->name, all_new ? onboard->labels : space->labels, all_new || space->is_new};
	}
	return only;
}

/* A namespace that was offboarded stays so until somebody takes that back. */
static int check_denied(const struct ush_onboard *onboard, const struct ush_sync *sync, struct ush_error *err)
{
	for (size_t i = 0; i < onboard->space_count; i++) {
		const struct ush_ledger_entry *entry = ush_ledger_bars_namespace(&sync->ledger, onboard->spaces[i].name);
		USH_AUTO_FREE char *words = entry != NULL ? ush_ledger_words(entry, sync->way) : NULL;

		if (words != NULL)
			return ush_fail(err, USH_ERR_REFUSED, "namespace %s is %s", onboard->spaces[i].name, words);
	}
	return 0;
}

static int plan(const struct ush_onboard *onboard, struct ush_sync *sync, bool all_new, struct ush_error *err)
{
	USH_AUTO_FREE struct ush_only *only = only_of(onboard, all_new, &sync->only_count);
	int result;

	if (sync->only_count == 0)
		return 0;
	sync->only = only;
	result = ush_sync_plan(sync, NULL, err);
	sync->only = NULL;
	return result;
}

int ush_onboard_plan(struct ush_onboard *onboard, struct ush_sync *sync, struct ush_error *err)
{
	if (plan(onboard, sync, true, err) != 0 || check_denied(onboard, sync, err) != 0)
		return -1;
	return ush_onboard_take_allowance(onboard, sync->state_namespace, err);
}

static bool all_are_new(const struct ush_onboard *onboard)
{
	for (size_t i = 0; i < onboard->space_count; i++)
		if (!onboard->spaces[i].is_new)
			return false;
	return true;
}

/* The first of those that were there and become the template's with this run; *count: how many. */
static const char *first_joining(const struct ush_onboard *onboard, size_t *count)
{
	const char *first = NULL;

	*count = 0;
	for (size_t i = 0; i < onboard->space_count; i++) {
		const struct ush_onboard_space *space = &onboard->spaces[i];
		enum ush_onboard_outcome outcome = space->things[0].outcome;

		if (space->is_new || space->look || (outcome != USH_ONBOARD_PATCHED && outcome != USH_ONBOARD_WOULD_PATCH))
			continue;
		first = first == NULL ? space->name : first;
		++*count;
	}
	return first;
}

/* Whoever was let in there by somebody else stays: in what looks half made by us, too, a stranger may have been before. */
static void warn_of_others(struct ush_onboard *onboard, const struct ush_plan *plan)
{
	size_t count, others = plan->bindings_others;
	const char *first = first_joining(onboard, &count);
	USH_AUTO_FREE char *more = count > 1 ? ush_printf(" and %zu more", count - 1) : ush_strdup(""), *line = NULL, *look = NULL;

	if (first == NULL || others == 0)
		return;
	look = ush_way_kubectl(onboard->way, "get rolebindings -n %s -o wide", first);
	line = ush_printf("%s%s: %zu RoleBinding%s that %s not of this policy stood there before and %s: %s", first, more, others, others == 1 ? "" : "s",
			  others == 1 ? "is" : "are", others == 1 ? "stays" : "stay", look);
	ush_list_add(&onboard->warnings, line);
}

/* What was planned holds for namespaces that were not there; for others it is planned again, with what they have. */
void ush_onboard_carry_out(struct ush_onboard *onboard, struct ush_sync *sync)
{
	ush_onboard_write(onboard);
	if (onboard->stopped.code == USH_OK && !all_are_new(onboard)) {
		ush_sync_next(sync);
		plan(onboard, sync, false, &onboard->stopped);
	}
	if (onboard->stopped.code != USH_OK || sync->plan == NULL)
		return;
	warn_of_others(onboard, sync->plan);
	ush_onboard_give(onboard, sync);
	if (onboard->dry == USH_DRY_NONE)
		ush_onboard_prove(onboard, sync);
}

/* ---- its beginning and end ---- */

void ush_onboard_begin(struct ush_onboard *onboard, char *const *names, size_t count)
{
	onboard->objects = ush_onboard_objects(onboard->template, onboard->values, "");
	onboard->labels = ush_onboard_labels(onboard->template, onboard->values);
	ush_onboard_contradictions(onboard->template, &onboard->warnings);
	onboard->spaces = ush_alloc((count + 1) * sizeof *onboard->spaces);
	onboard->space_count = count;
	for (size_t i = 0; i < count; i++)
		onboard->spaces[i] = (struct ush_onboard_space){
			.name = ush_strdup(names[i]), .things = ush_alloc(json_array_size(onboard->objects) * sizeof *onboard->spaces[i].things)};
}

void ush_onboard_free(struct ush_onboard *onboard)
{
	size_t things = json_array_size(onboard->objects);

	ush_lease_release(&onboard->lease);
	for (size_t i = 0; i < onboard->space_count; i++) {
		for (size_t k = 0; k < things; k++)
			free(onboard->spaces[i].things[k].why);
		free(onboard->spaces[i].things);
		free(onboard->spaces[i].name);
		free(onboard->spaces[i].uid);
		json_decref(onboard->spaces[i].labels);
	}
	for (size_t i = 0; i < onboard->role_count; i++) {
		free(onboard->roles[i].name);
		free(onboard->roles[i].text);
		free(onboard->roles[i].thing.why);
	}
	free(onboard->spaces);
	free(onboard->roles);
	json_decref(onboard->objects);
	json_decref(onboard->labels);
	ush_list_free(&onboard->warnings);
	ush_list_free(&onboard->waiting);
	ush_list_free(&onboard->proofs);
	ush_list_free(&onboard->disproofs);
	free(onboard->no_proof);
	free(onboard->to_mend);
	free(onboard->incomplete_why);
}
