/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking somebody out: each object is looked at, written with the version that was seen, and looked at again, until what
 * stands there is as it should be; whatever others write in between.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/lifecycle/offboard/offboard.h"
#include "broker/sync/look/owner.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/batch.h"

#define TRIES 8 /* writes of one object */
#define GUEST "usher-broker-offboard" /* field manager where the binding is not ours, and does not become ours by this */

enum end { PENDING, GONE, FREED, FOREIGN, FAILED, LEFT };

struct job {
	const struct ush_take *take;
	json_t *there;	 /* as it was seen last; NULL: it is looked at next */
	unsigned int writes;
	bool wrote, removed;
	enum end end;
	char *why;
	struct job *next;
};

struct taking {
	struct ush_offboard *o;
	struct job *jobs;
	size_t count, at; /* the first that was never begun */
	struct job *ready;
};

/* ---- what is to be done with one that is there ---- */

/* NULL: nothing. Else the body of a merge, or (*away) that it is removed. */
static json_t *decide(const struct taking *t, const struct job *job, bool *away)
{
	const json_t *metadata = ush_json_object(job->there, "metadata");
	bool ending = json_object_get(metadata, "deletionTimestamp") != NULL, empty = true, role = job->take->kind == USH_ROLE;
	json_t *patch;

	*away = false;
	if (job->take->whole)
		patch = role ? (ending ? NULL : json_object())
			     : (ending && json_array_size(json_object_get(job->there, "subjects")) == 0
					? NULL
					: json_pack("{s:s, s:s, s:{s:s, s:s*}, s:[]}", "apiVersion", USH_RBAC_GROUP "/v1", "kind", ush_rbac_kind_name(USH_ROLE_BINDING), "metadata", "name",
						    job->take->name, "resourceVersion", ush_json_string(metadata, "resourceVersion"), "subjects"));
	else
		patch = ush_dossier_patch(&t->o->dossier, job->there, &empty);
	*away = patch != NULL && empty && !ending; /* one that a finalizer holds on its way out gives access all the same */
	return patch;
}

/* Somebody made it theirs since we looked: it is not ours to write any more. */
static bool is_still(const struct taking *t, const struct job *job)
{
	USH_AUTO_FREE char *text = json_dumps(job->there, JSON_COMPACT);
	struct ush_error unimportant = {0};
	USH_AUTO_SCAN scan = {0};
	struct ush_marks marks;
	struct ush_hold *hold;
	struct ush_item item;
	bool same = true;

	if (text == NULL || ush_scan_object(&scan, text, strlen(text), NULL, NULL, USH_ERR_REJECTED, &item, &unimportant) != 0)
		return false;
	if (job->take->whole) {
		bool adoptable;
		USH_AUTO_FREE char *foreign = NULL;

		ush_marks_read(&item, &marks);
		foreign = ush_marks_foreign(&marks, &item, t->o->policy->name, &adoptable);
		return foreign == NULL || ush_slice_member(item.labels, USH_LABEL_ELEVATION).type != 0;
	}
	if (ush_item_rbac(&item, USH_ERR_REJECTED, &unimportant) != 1)
		return false;
	hold = ush_dossier_hold(&t->o->dossier, &item);
	if (hold != NULL) {
		same = hold->owner <= job->take->owner;
		ush_hold_free(hold);
	}
	free(hold);
	return same;
}

static json_t *delete_body(const json_t *there)
{
	const json_t *metadata = ush_json_object(there, "metadata");

	return json_pack("{s:s, s:s, s:{s:s*, s:s*}}", "apiVersion", "v1", "kind", "DeleteOptions", "preconditions", "uid", ush_json_string(metadata, "uid"),
			 "resourceVersion", ush_json_string(metadata, "resourceVersion"));
}

/* ---- requests ---- */

static struct job *next_job(struct taking *t)
{
	struct job *job = t->ready;

	if (job != NULL)
		t->ready = job->next;
	else if (t->at < t->count)
		job = &t->jobs[t->at++];
	return job;
}

static bool make_task(void *context, struct ush_kube_task *task, int64_t *wait_ms)
{
	struct taking *t = context;
	struct job *job = next_job(t);
	USH_AUTO_JSON body = NULL;
	USH_AUTO_JSON patch = NULL;
	USH_AUTO_FREE char *text = NULL;
	bool away;

	(void)wait_ms;
	if (job == NULL)
		return false;
	*task = (struct ush_kube_task){.verb = USH_KUBE_GET, .path = ush_rbac_path(job->take->kind, job->take->space, job->take->name), .item = job};
	if (job->there == NULL)
		return true;
	patch = decide(t, job, &away);
	body = away ? delete_body(job->there) : json_incref(patch);
	text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
	ush_buf_puts(&task->body, text);
	task->verb = away ? USH_KUBE_DELETE : USH_KUBE_MERGE;
	job->removed = away;
	return true;
}

static void again(struct taking *t, struct job *job)
{
	job->next = t->ready;
	t->ready = job;
}

/* What stands there decides: done, to be written, or not ours any more. */
static void looked(struct taking *t, struct job *job, json_t *answer)
{
	USH_AUTO_JSON patch = NULL;
	bool away;

	json_decref(job->there);
	job->there = json_incref(answer);
	patch = decide(t, job, &away);
	if (patch == NULL)
		job->end = job->take->whole && job->take->kind == USH_ROLE ? LEFT : FREED;
	else if (!is_still(t, job))
		job->end = FOREIGN;
	else if (t->o->dry)
		job->end = away ? GONE : FREED, job->wrote = true, job->removed = away;
	else if (job->writes == TRIES)
		job->end = LEFT;
	else
		again(t, job);
}

/* What was sent follows from what stood there. */
static void wrote(struct taking *t, struct job *job)
{
	bool away;
	USH_AUTO_JSON patch = decide(t, job, &away);

	job->wrote = true;
	ush_offboard_log_written(t->o, job->take, job->there, away ? NULL : patch);
}

static void took(void *context, const struct ush_kube_task *task, const struct ush_kube_result *result)
{
	struct taking *t = context;
	struct job *job = task->item;

	if (result->end == USH_KUBE_FAILED || result->end == USH_KUBE_ENDING) {
		job->end = FAILED;
		job->why = ush_strdup(result->err.what);
	} else if (task->verb == USH_KUBE_GET) {
		if (result->end == USH_KUBE_DONE)
			looked(t, job, result->answer);
		else
			job->end = GONE;
	} else { /* written or overtaken: it is looked at anew */
		job->writes++;
		if (result->end == USH_KUBE_DONE)
			wrote(t, job);
		json_decref(ush_steal(&job->there));
		again(t, job);
	}
}

/* ---- what became of it ---- */

static void tell_done(struct ush_offboard *o, const struct job *job)
{
	const struct ush_take *take = job->take;
	const char *ours = take->owner == USH_HOLD_OURS ? "ours" : "nobody manages it";
	bool person = o->kind == USH_LEDGER_USER;
	struct ush_line line = {.word = "removed", .kind = take->kind == USH_ROLE ? "role" : "binding",
				.more = json_pack("{s:s, s:s, s:s, s:s?, s:b}", "object", ush_rbac_kind_name(take->kind), "namespace", take->space, "name", take->name,
						  "subject", take->direct, "deleted", job->removed)};

	if (take->whole)
		ush_report_add(o->report, &line, "%s %s/%s (%s)", ush_rbac_kind_name(take->kind), take->space, take->name, ours);
	else if (job->removed)
		ush_report_add(o->report, &line, "RoleBinding %s/%s, which held nobody but %s %s (%s)", take->space, take->name, person ? "User" : "Group", take->direct, ours);
	else
		ush_report_add(o->report, &line, "%s subject %s in %s/%s (%s)", person ? "User" : "Group", take->direct, take->space, take->name, ours);
}

static void tell_left(struct ush_offboard *o, const struct job *job)
{
	const struct ush_take *take = job->take;
	const char *why = job->end == FAILED	? job->why
			  : job->end == FOREIGN ? "somebody else made it theirs in between"
			  : job->end == LEFT	? "it does not stay as it was written, or a finalizer holds it"
						: "it was not come to";

	ush_offboard_log_left(o, take, why);
	ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "binding", .todo = true, .command = o->again,
						     .more = json_pack("{s:s, s:s, s:s}", "object", ush_rbac_kind_name(take->kind), "namespace", take->space, "name", take->name)},
		       "%s %s/%s: %s. Run again", ush_rbac_kind_name(take->kind), take->space, take->name, why);
}

int ush_offboard_take(struct ush_offboard *o, const struct ush_take *takes, size_t count, struct ush_error *err)
{
	struct taking t = {.o = o, .jobs = ush_alloc((count + 1) * sizeof *t.jobs), .count = count};
	struct ush_kube_batch batch = {.context = &t, .next = make_task, .done = took};
	struct ush_kube kube = *o->kube;
	int result = 0;

	for (size_t i = 0; i < count; i++)
		t.jobs[i].take = &takes[i];
	if (count > 0 && takes[0].owner != USH_HOLD_OURS)
		kube.field_manager = GUEST;
	if (count > 0)
		result = ush_kube_many(&kube, &batch, err);
	for (size_t i = 0; i < count; i++) {
		struct job *job = &t.jobs[i];

		if (job->end == GONE || job->end == FREED) {
			if (job->wrote)
				tell_done(o, job);
		} else {
			tell_left(o, job);
		}
		json_decref(job->there);
		free(job->why);
	}
	free(t.jobs);
	return result;
}
