/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespace, NetworkPolicy, quota, limits, ServiceAccount: each is created, and only what the server says is there already
 * (409) is looked at. Namespaces go through one behind the other, as many at once as the server bears; within one everything
 * waits for the Namespace, its mark for everything, and nothing more for anything.
 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/batch.h"

#define DRY_RUN "?dryRun=All&fieldManager="

enum step { CREATE, LOOK, PATCH, TRY, APPLY, MARK };

struct job {
	size_t space, thing;
	enum step step;
	json_t *there; /* PATCH: what it is for */
	struct job *next;
};

struct writing {
	struct ush_onboard *onboard;
	size_t next_space;
	struct job *first, **last;
};

/* ---- jobs ---- */

static void push(struct writing *w, size_t space, size_t thing, enum step step, const json_t *there)
{
	struct job *job = ush_new(struct job);

	*job = (struct job){.space = space, .thing = thing, .step = step, .there = json_incref((json_t *)(uintptr_t)there)};
	*w->last = job;
	w->last = &job->next;
}

static struct job *pop(struct writing *w)
{
	struct job *job = w->first;

	w->first = job->next;
	if (w->first == NULL)
		w->last = &w->first;
	return job;
}

static void job_free(struct job *job)
{
	json_decref(job->there);
	free(job);
}

static struct ush_onboard_thing *thing_of(const struct writing *w, const struct job *job)
{
	return &w->onboard->spaces[job->space].things[job->thing];
}

static void came_to(struct ush_onboard_thing *thing, enum ush_onboard_outcome outcome, char *why)
{
	free(thing->why);
	thing->outcome = outcome;
	thing->why = why;
}

static bool is_account(const struct ush_onboard *onboard, size_t thing)
{
	return strcmp(ush_json_string(json_array_get(onboard->objects, thing), "kind"), "ServiceAccount") == 0;
}

/* ---- the mark ---- */

/* What is another tool's stands there by that one's word; what is missing, or otherwise though nobody else manages it, does not
 * stand. A Namespace that was found half made has not come to anything yet. */
static bool stands(const struct ush_onboard_space *space, size_t thing)
{
	static const bool standing[USH_ONBOARD_OUTCOMES] = {[USH_ONBOARD_CREATED] = true, [USH_ONBOARD_PATCHED] = true, [USH_ONBOARD_UNCHANGED] = true};
	enum ush_onboard_outcome outcome = space->things[thing].outcome;

	return standing[outcome] || outcome == (thing == 0 ? USH_ONBOARD_UNTRIED : USH_ONBOARD_FOREIGN);
}

/* Of all that keeps a namespace apart it is known what became of it. */
static void finish(struct writing *w, size_t number)
{
	struct ush_onboard_space *space = &w->onboard->spaces[number];
	struct ush_onboard_thing *itself = &space->things[0];
	size_t i = 0;

	if (space->marked || space->look || w->onboard->dry != USH_DRY_NONE)
		return;
	while (i < json_array_size(w->onboard->objects) && stands(space, i))
		i++;
	if (i == json_array_size(w->onboard->objects))
		push(w, number, 0, MARK, NULL);
	else if (itself->why == NULL)
		came_to(itself, itself->outcome == USH_ONBOARD_UNTRIED ? USH_ONBOARD_WAITS : itself->outcome,
			ush_strdup("without its mark (label " USH_LABEL_TEMPLATE ") until all that keeps it apart stands: nobody is let in"));
}

/* ---- what is to be done ---- */

/* What is in a namespace, once it is known whether it is ours to write in. The ServiceAccount of a new one the cluster makes
 * at some moment, too: to apply is one request whoever is first. */
static void enter(struct writing *w, size_t space)
{
	const struct ush_onboard *onboard = w->onboard;
	enum step step = onboard->spaces[space].look || onboard->dry != USH_DRY_NONE ? LOOK : CREATE;

	onboard->spaces[space].unsettled = json_array_size(onboard->objects) - 1;
	for (size_t i = 1; i < json_array_size(onboard->objects); i++)
		push(w, space, i, step == CREATE && onboard->spaces[space].is_new && is_account(onboard, i) ? APPLY : step, NULL);
	if (onboard->spaces[space].unsettled == 0)
		finish(w, space);
}

/* ---- requests ---- */

static void fill_path(const struct writing *w, const struct job *job, const json_t *wanted, struct ush_kube_task *task)
{
	const char *kind = ush_json_string(wanted, "kind"), *name = ush_json_string(ush_json_object(wanted, "metadata"), "name");
	USH_AUTO_FREE char *list = ush_onboard_path(kind, w->onboard->spaces[job->space].name);
	static const enum ush_kube_verb verbs[] = {[CREATE] = USH_KUBE_CREATE, [LOOK] = USH_KUBE_GET, [PATCH] = USH_KUBE_MERGE, [TRY] = USH_KUBE_REVIEW,
						      [APPLY] = USH_KUBE_APPLY, [MARK] = USH_KUBE_MERGE};

	task->verb = verbs[job->step];
	task->tell = job->step == CREATE && job->thing == 0;
	if (job->step == LOOK || job->step == PATCH || job->step == APPLY || job->step == MARK)
		task->path = ush_printf("%s/%s", list, name);
	else if (job->step == TRY)
		task->path = ush_printf("%s" DRY_RUN "%s", list, w->onboard->kube->field_manager);
	else
		task->path = ush_steal(&list);
}

/* The object of a job; a Namespace without its mark is to be half made. Owned by the caller. */
static json_t *wanted_of(const struct writing *w, const struct job *job)
{
	const struct ush_onboard_space *space = &w->onboard->spaces[job->space];
	USH_AUTO_JSON objects = ush_onboard_objects(w->onboard->template, w->onboard->values, space->name);
	json_t *wanted = json_array_get(objects, job->thing);

	return job->thing == 0 && !space->marked && job->step != MARK ? ush_onboard_half_made(wanted) : json_incref(wanted);
}

static void fill_task(const struct writing *w, const struct job *job, struct ush_kube_task *task)
{
	USH_AUTO_JSON wanted = wanted_of(w, job);
	USH_AUTO_JSON patch = NULL;
	USH_AUTO_FREE char *text = NULL;

	fill_path(w, job, wanted, task);
	if (job->step == PATCH)
		patch = ush_onboard_patch(job->there, wanted);
	else if (job->step == MARK)
		patch = ush_onboard_marking(wanted, w->onboard->spaces[job->space].uid);
	if (job->step == LOOK)
		return;
	text = json_dumps(patch != NULL ? patch : wanted, JSON_COMPACT);
	ush_buf_puts(&task->body, text);
}

static bool next(void *context, struct ush_kube_task *task, int64_t *wait_ms)
{
	struct writing *w = context;
	struct ush_onboard *onboard = w->onboard;
	struct job *job;

	(void)wait_ms;
	if (w->first == NULL && w->next_space < onboard->space_count)
		push(w, w->next_space++, 0, onboard->dry == USH_DRY_NONE ? CREATE : LOOK, NULL);
	if (w->first == NULL)
		return false;
	job = pop(w);
	fill_task(w, job, task);
	task->item = job;
	return true;
}

/* ---- what stands there ---- */

static const char *label(const json_t *object, const char *key)
{
	return ush_json_string(ush_json_object(ush_json_object(object, "metadata"), "labels"), key);
}

static bool is_ending(const json_t *object)
{
	return json_object_get(ush_json_object(object, "metadata"), "deletionTimestamp") != NULL;
}

/* The cluster makes the ServiceAccount of each namespace by itself. Where nobody said yet whether it mounts tokens, nobody's
 * word is overruled; and a run that was broken off can be finished. */
static bool is_untouched(const struct ush_onboard *onboard, size_t thing, const json_t *there)
{
	return is_account(onboard, thing) && json_object_get(there, "automountServiceAccountToken") == NULL;
}

/* It stays as it is, or is changed when that was asked for. */
static void put_right(struct writing *w, const struct job *job, const json_t *there, const char *how)
{
	const struct ush_onboard *onboard = w->onboard;
	USH_AUTO_FREE char *foreign = ush_onboard_foreign(there);
	bool may = (onboard->adopt || is_untouched(onboard, job->thing, there)) && !onboard->spaces[job->space].look;

	if (foreign != NULL)
		came_to(thing_of(w, job), USH_ONBOARD_FOREIGN, ush_printf("%s (%s)", how, foreign));
	else if (may && onboard->dry == USH_DRY_NONE)
		push(w, job->space, job->thing, PATCH, there);
	else
		came_to(thing_of(w, job), may ? USH_ONBOARD_WOULD_PATCH : USH_ONBOARD_DIFFERS, ush_strdup(how));
}

/* What is needed of a Namespace that stands there. */
static void take_note(struct ush_onboard_space *space, const json_t *there)
{
	const char *uid = ush_json_string(ush_json_object(there, "metadata"), "uid");

	free(space->uid);
	space->uid = ush_strdup(uid);
	space->marked = label(there, USH_LABEL_TEMPLATE) != NULL;
	json_decref(space->labels);
	space->labels = json_deep_copy(ush_json_object(ush_json_object(there, "metadata"), "labels"));
}

static void gain_labels(const struct ush_onboard *onboard, struct ush_onboard_space *space)
{
	if (space->labels == NULL)
		space->labels = json_object();
	json_object_update(space->labels, onboard->labels);
}

/* For whom it was made, where that is somebody else: to change that gives all that runs in it to others. NULL: for nobody else.
 * The caller frees. */
static char *for_others(const struct ush_onboard *onboard, const json_t *there)
{
	const char *key;
	json_t *value;

	json_object_foreach(onboard->labels, key, value) {
		bool says_whom = strncmp(key, USH_TEMPLATE_VALUE_PREFIX, strlen(USH_TEMPLATE_VALUE_PREFIX)) == 0;
		const char *whom = key + strlen(USH_TEMPLATE_VALUE_PREFIX), *its = says_whom ? label(there, key) : NULL;

		if (its != NULL && strcmp(its, json_string_value(value)) != 0)
			return ush_printf("was made for %s=%s, and what runs in it is not handed to %s=%s; if that is meant, change its label %s first", whom, its, whom,
					  json_string_value(value), key);
	}
	return NULL;
}

/* Why nothing is to be done in it, or NULL. The caller frees. */
static char *refused(const struct ush_onboard *onboard, const json_t *there, const char *mark)
{
	const char *template = mark != NULL ? ush_template_of_mark(onboard->policy->name, mark) : NULL;

	if (is_ending(there))
		return ush_strdup("is being deleted: run this again when it is gone");
	if (mark == NULL || strcmp(mark, onboard->template->mark) == 0)
		return for_others(onboard, there);
	if (*mark == '\0')
		return ush_strdup("says by an empty label " USH_LABEL_TEMPLATE " or " USH_LABEL_ONBOARDING " that it was made from a template, and not from which: take that off first");
	if (template != NULL)
		return ush_printf("was made from template %s, and a namespace has one", template);
	return ush_printf("was made from a template of another policy (%s), and a namespace has one", mark);
}

/* A namespace that was there before us. One that bears the template's mark is one of ours, half made where that is under the
 * other label; any other is somebody's, who may run things in it that a NetworkPolicy would cut off: it is looked at, unless we
 * were told to adopt. */
static void found_namespace(struct writing *w, const struct job *job, const json_t *there)
{
	struct ush_onboard_space *space = &w->onboard->spaces[job->space];
	const char *mark = label(there, space->marked ? USH_LABEL_TEMPLATE : USH_LABEL_ONBOARDING);
	USH_AUTO_FREE char *foreign = ush_onboard_foreign(there), *why = refused(w->onboard, there, mark), *how = NULL;
	USH_AUTO_JSON wanted = wanted_of(w, job);
	bool same = ush_onboard_same(there, wanted, &how), dry = w->onboard->dry != USH_DRY_NONE;

	if (why != NULL) {
		came_to(thing_of(w, job), USH_ONBOARD_REFUSED, ush_steal(&why));
		return;
	}
	space->look = mark == NULL && (!w->onboard->adopt || foreign != NULL);
	if (!same)
		put_right(w, job, there, space->look ? "is there already, and was made without a template: nothing in it is changed" : how);
	else if (space->marked || dry)
		came_to(thing_of(w, job), space->marked ? USH_ONBOARD_UNCHANGED : USH_ONBOARD_WOULD_PATCH, NULL);
	if (thing_of(w, job)->outcome == USH_ONBOARD_WOULD_PATCH || (same && !space->marked))
		gain_labels(w->onboard, space);
	if (same || thing_of(w, job)->outcome != USH_ONBOARD_UNTRIED)
		enter(w, job->space);
}

static void found(struct writing *w, const struct job *job, const json_t *there)
{
	USH_AUTO_JSON wanted = job->thing > 0 ? wanted_of(w, job) : NULL;
	USH_AUTO_FREE char *how = NULL;

	if (job->thing == 0) {
		take_note(&w->onboard->spaces[job->space], there);
		found_namespace(w, job, there);
	} else if (is_ending(there))
		came_to(thing_of(w, job), USH_ONBOARD_FAILED, ush_strdup("is being deleted: run this again when it is gone"));
	else if (ush_onboard_same(there, wanted, &how))
		came_to(thing_of(w, job), USH_ONBOARD_UNCHANGED, NULL);
	else
		put_right(w, job, there, how);
}

/* ---- results ---- */

/* The Namespace is made, or as it should be. */
static void opened(struct writing *w, const struct job *job, enum ush_onboard_outcome outcome)
{
	struct ush_onboard_space *space = &w->onboard->spaces[job->space];

	came_to(&space->things[0], outcome, NULL);
	space->is_new = outcome == USH_ONBOARD_CREATED || outcome == USH_ONBOARD_WOULD_CREATE;
	gain_labels(w->onboard, space);
	if (outcome != USH_ONBOARD_WOULD_CREATE) {
		enter(w, job->space);
		return;
	}
	for (size_t i = 1; i < json_array_size(w->onboard->objects); i++)
		came_to(&space->things[i], USH_ONBOARD_WOULD_CREATE, NULL);
}

/* A Namespace that this run made is made. */
static void marked(struct writing *w, const struct job *job)
{
	struct ush_onboard_thing *itself = thing_of(w, job);

	w->onboard->spaces[job->space].marked = true;
	came_to(itself, itself->outcome == USH_ONBOARD_CREATED ? USH_ONBOARD_CREATED : USH_ONBOARD_PATCHED, NULL);
}

static void made(struct writing *w, const struct job *job, const struct ush_kube_result *result)
{
	static const enum ush_onboard_outcome outcomes[] = {
		[CREATE] = USH_ONBOARD_CREATED, [LOOK] = USH_ONBOARD_UNCHANGED, [PATCH] = USH_ONBOARD_PATCHED, [TRY] = USH_ONBOARD_WOULD_CREATE,
		[APPLY] = USH_ONBOARD_PATCHED, [MARK] = USH_ONBOARD_PATCHED};

	const json_t *object = json_array_get(w->onboard->objects, job->thing);
	const char *space = w->onboard->spaces[job->space].name, *name = ush_json_string(ush_json_object(object, "metadata"), "name");
	enum ush_onboard_outcome outcome = job->step == APPLY && result->status == 201 ? USH_ONBOARD_CREATED : outcomes[job->step];

	if (job->thing == 0 && result->answer != NULL && job->step == CREATE)
		take_note(&w->onboard->spaces[job->space], result->answer);
	if (job->step == MARK)
		marked(w, job);
	else if (job->thing == 0)
		opened(w, job, outcome);
	else
		came_to(thing_of(w, job), outcome, NULL);
	ush_onboard_wrote(w->onboard, ush_json_string(object, "kind"), space, job->thing == 0 ? space : name, NULL, outcome);
}

static void missing(struct writing *w, const struct job *job)
{
	const struct ush_onboard_space *space = &w->onboard->spaces[job->space];

	if (job->step == LOOK && job->thing == 0)
		push(w, job->space, 0, TRY, NULL);
	else if (job->step == LOOK)
		came_to(thing_of(w, job), space->look ? USH_ONBOARD_ABSENT : USH_ONBOARD_WOULD_CREATE, NULL);
	else
		came_to(thing_of(w, job), USH_ONBOARD_FAILED, ush_strdup("it, or its namespace, went away meanwhile: run this again"));
}

/* What stands there was read: it is another one, or was ours before we came. */
static bool was_there(const struct job *job, const struct ush_kube_result *result)
{
	if (job->step == PATCH || job->step == MARK || job->step == TRY || result->answer == NULL)
		return false;
	return result->end == USH_KUBE_STANDS || (result->end == USH_KUBE_DONE && result->status != 201);
}

static void ended(struct writing *w, const struct job *job, const struct ush_kube_result *result)
{
	if (was_there(job, result))
		found(w, job, result->answer);
	else if (result->end == USH_KUBE_STANDS)
		came_to(thing_of(w, job), USH_ONBOARD_FAILED, ush_strdup("somebody changed it meanwhile: run this again"));
	else if (result->end == USH_KUBE_DONE)
		made(w, job, result);
	else if (result->end == USH_KUBE_MISSING)
		missing(w, job);
	else
		came_to(thing_of(w, job), USH_ONBOARD_FAILED, ush_printf("%s%s", job->step == MARK ? "its mark could not be put on it: " : "", result->err.what));
}

static void done(void *context, const struct ush_kube_task *task, const struct ush_kube_result *result)
{
	struct writing *w = context;
	struct job *job = task->item;

	if (job == NULL) {
		ush_lease_took(&w->onboard->lease, result);
		return;
	}
	ended(w, job, result);
	if (job->thing > 0 && thing_of(w, job)->outcome != USH_ONBOARD_UNTRIED && --w->onboard->spaces[job->space].unsettled == 0)
		finish(w, job->space);
	job_free(job);
}

/* Where a limit was counted against, others wait until our namespaces are made. */
static bool urgent(void *context, struct ush_kube_task *task)
{
	struct writing *w = context;

	return ush_lease_due(&w->onboard->lease, task);
}

static int may(void *context, struct ush_error *err)
{
	struct writing *w = context;

	return ush_lease_holds(&w->onboard->lease, err);
}

/* What was not tried because the Namespace was not made waits for that. */
static void leave_rest(struct ush_onboard *onboard)
{
	for (size_t i = 0; i < onboard->space_count; i++)
		for (size_t k = 1; k < json_array_size(onboard->objects) && onboard->spaces[i].things[0].outcome == USH_ONBOARD_FAILED; k++)
			if (onboard->spaces[i].things[k].outcome == USH_ONBOARD_UNTRIED)
				came_to(&onboard->spaces[i].things[k], USH_ONBOARD_WAITS, ush_strdup("for its namespace"));
}

void ush_onboard_write(struct ush_onboard *onboard)
{
	struct writing w = {.onboard = onboard};
	bool counted = onboard->lease.object != NULL;
	const struct ush_kube_batch batch = {&w, next, done, counted ? urgent : NULL, counted ? may : NULL};

	w.last = &w.first;
	ush_kube_many(onboard->kube, &batch, &onboard->stopped);
	ush_lease_release(&onboard->lease);
	while (w.first != NULL)
		job_free(pop(&w));
	leave_rest(onboard);
	ush_onboard_check_quotas(onboard);
}

void ush_onboard_pretend(struct ush_onboard *onboard)
{
	for (size_t i = 0; i < onboard->space_count; i++) {
		gain_labels(onboard, &onboard->spaces[i]);
		onboard->spaces[i].is_new = true;
		for (size_t k = 0; k < json_array_size(onboard->objects); k++)
			came_to(&onboard->spaces[i].things[k], USH_ONBOARD_WOULD_CREATE, NULL);
	}
}
