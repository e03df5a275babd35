/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of a change: which request each one is, and which one follows.
 *
 * Another role under the same name: a roleRef cannot be changed. A stand-in with the new role is made first and shown to
 * work, then the old binding goes and the new one takes its name, then the stand-in goes. Broken off anywhere, the group
 * has the access of the old or the new role, and the next run ends what is left.
 */
#include <string.h>

#include "broker/sync/apply/patch.h"
#include "broker/sync/apply/stage.h"
#include "broker/sync/look/owner.h"
#include "broker/sync/plan/order.h"
#include "broker/sync/want/desired.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/way.h"

#define STAND_IN_TRIES 3
#define CREATE_TRIES   3   /* more, after the first */
#define CREATE_WAIT_MS 200

/* ---- what became of a change ---- */

static void note(struct ush_run *run, const struct ush_job *job, enum ush_outcome outcome, const char *why)
{
	const struct ush_watcher *watcher = &run->applied->watcher;

	run->applied->outcomes[job->change - run->plan->changes] = (unsigned char)outcome;
	if (watcher->ended != NULL)
		watcher->ended(watcher->context, job->change, outcome, why);
}

enum ush_step ush_step_failed(struct ush_run *run, const struct ush_job *job, const char *why)
{
	const struct ush_change *change = job->change;
	USH_AUTO_FREE char *line = ush_printf("%s %s/%s: %s", ush_rbac_kind_name(change->kind), change->namespace_name, change->name, why);

	ush_list_add(&run->applied->failed, line);
	note(run, job, USH_OUTCOME_FAILED, why);
	return USH_STEP_END;
}

enum ush_step ush_step_done(struct ush_run *run, const struct ush_job *job)
{
	run->applied->done++;
	note(run, job, USH_OUTCOME_DONE, NULL);
	return USH_STEP_END;
}

/* A new object's namespace is not there yet, and the next run will find it; or it is going, and nothing is missing. */
static enum ush_step no_namespace(struct ush_run *run, const struct ush_job *job, bool ends)
{
	*(ends ? &run->applied->skipped : &run->applied->pending) += 1;
	note(run, job, ends ? USH_OUTCOME_SKIPPED : USH_OUTCOME_PENDING, NULL);
	return USH_STEP_END;
}

/* ---- requests ---- */

static void make_create(struct ush_run *run, struct ush_job *job, struct ush_kube_task *task)
{
	const struct ush_change *change = job->change;
	const char *name = job->step == USH_STEP_STAND_IN ? change->stand_in : NULL;

	task->verb = USH_KUBE_CREATE;
	task->path = ush_rbac_list_path(change->kind, change->namespace_name);
	task->tell = job->step == USH_STEP_STAND_IN;
	task->whole = job->step == USH_STEP_ANEW;
	ush_change_body(run->plan, change, &(struct ush_body_with){.name = name}, &task->body);
}

static void make_change(struct ush_run *run, struct ush_job *job, struct ush_kube_task *task)
{
	const struct ush_change *change = job->change;
	bool stand_in = job->step == USH_STEP_STAND_IN_CHANGE;
	const char *name = stand_in ? change->stand_in : change->name;

	task->verb = USH_KUBE_MERGE;
	task->whole = !stand_in;
	task->path = ush_rbac_path(change->kind, change->namespace_name, name);
	ush_change_patch(run->plan, change, name, stand_in || job->widening != NULL ? job->version : change->resource_version, &task->body);
}

static void make_delete(struct ush_job *job, struct ush_kube_task *task, const char *name, const char *uid, const char *version)
{
	USH_AUTO_JSON options = json_pack("{s:s, s:s, s:{s:s*, s:s*}}", "kind", "DeleteOptions", "apiVersion", "v1", "preconditions", "uid", uid,
					  "resourceVersion", version);
	USH_AUTO_FREE char *text = json_dumps(options, JSON_COMPACT);

	task->verb = USH_KUBE_DELETE;
	task->path = ush_rbac_path(job->change->kind, job->change->namespace_name, name);
	ush_buf_puts(&task->body, text);
}

void ush_step_make(struct ush_run *run, struct ush_job *job, struct ush_kube_task *task)
{
	const struct ush_change *change = job->change;

	switch (job->step) {
	case USH_STEP_CREATE:
	case USH_STEP_ANEW:
	case USH_STEP_STAND_IN:
		make_create(run, job, task);
		break;
	case USH_STEP_CHANGE:
	case USH_STEP_STAND_IN_CHANGE:
		make_change(run, job, task);
		break;
	case USH_STEP_LOOK:
	case USH_STEP_WIDEN:
		ush_widen_make(job, task);
		break;
	case USH_STEP_REMOVE:
		make_delete(job, task, change->name, change->uid, job->again ? job->version : change->resource_version);
		break;
	case USH_STEP_OLD_AWAY:
		make_delete(job, task, change->name, change->uid, change->resource_version);
		break;
	case USH_STEP_STAND_IN_RENEW:
		make_delete(job, task, change->stand_in, job->uid, job->version);
		break;
	case USH_STEP_STAND_IN_AWAY:
	case USH_STEP_STAND_IN_BACK:
		make_delete(job, task, change->stand_in, job->uid, NULL);
		break;
	default:
		ush_proof_make(run, job, task);
	}
}

/* ---- results ---- */

/* As it stands now: no mark of somebody else was put on it, and no other policy has it. */
static bool is_ours(const struct ush_run *run, const json_t *object)
{
	USH_AUTO_FREE char *text = json_dumps(object, JSON_COMPACT), *foreign = NULL;
	struct ush_error ignored = {0};
	struct ush_scan scan = {0};
	struct ush_marks marks = {0};
	struct ush_item item;
	bool ours = false, free_for_adoption;

	if (text != NULL && ush_scan_object(&scan, text, strlen(text), NULL, NULL, USH_ERR_REJECTED, &item, &ignored) == 0) {
		ush_marks_read(&item, &marks);
		foreign = ush_marks_foreign(&marks, &item, run->plan->policy, &free_for_adoption);
		ours = foreign == NULL;
	}
	ush_scan_free(&scan);
	return ours;
}

/* Notes which object stands there, for the preconditions of what follows. */
static void remember(struct ush_job *job, const json_t *object)
{
	const json_t *metadata = ush_json_object(object, "metadata");

	free(job->uid);
	free(job->version);
	job->uid = ush_strdup(ush_json_string(metadata, "uid"));
	job->version = ush_strdup(ush_json_string(metadata, "resourceVersion"));
}

/* A 409, and yet nothing stands there: it went just now, or something else of the server's was in dispute (a quota that
 * two servers counted at once). */
static enum ush_step create_again(struct ush_run *run, struct ush_job *job)
{
	if (++job->creates > CREATE_TRIES)
		return ush_step_failed(run, job, "the API server says again and again that it is there (409), and it is not");
	job->due_ms = ush_boot_ms(run->kube->world) + CREATE_WAIT_MS;
	return job->step;
}

/* It says yes and keeps something else: unsaid, that would be written again by every run. */
static bool is_kept(struct ush_run *run, const struct ush_job *job, const json_t *there)
{
	USH_AUTO_FREE char *unkept = there != NULL ? ush_change_unkept(run->plan, job->change, there) : NULL, *why = NULL, *look = NULL;

	if (unkept == NULL)
		return true;
	look = ush_way_kubectl(run->kube->way, "get mutatingwebhookconfigurations%s", run->kube->config->minor >= 36 ? ",mutatingadmissionpolicies" : "");
	why = ush_printf("was written, and the API server keeps something else (%s): a mutating webhook or admission policy changes it, and the next run would "
			 "write it again. Look: %s",
			 unkept, look);
	ush_step_failed(run, job, why);
	return false;
}

static enum ush_step took_create(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result)
{
	bool anew = job->step == USH_STEP_ANEW;

	switch (result->end) {
	case USH_KUBE_DONE:
		if (anew) /* without proof that it is what was wanted the stand-in stays, and the next run ends it */
			return is_kept(run, job, result->answer) ? USH_STEP_STAND_IN_AWAY : USH_STEP_END;
		return ush_step_done(run, job);
	case USH_KUBE_MISSING:
	case USH_KUBE_ENDING:
		return no_namespace(run, job, result->end == USH_KUBE_ENDING);
	case USH_KUBE_STANDS:
		if (result->answer == NULL)
			return create_again(run, job);
		return ush_step_failed(run, job, anew ? "somebody took its name just now; the stand-in stays"
						      : "somebody made one of this name since the plan; it was left alone");
	default:
		return ush_step_failed(run, job, result->err.what);
	}
}

static enum ush_step took_change(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result)
{
	if (result->end == USH_KUBE_DONE)
		return is_kept(run, job, result->answer) ? ush_step_done(run, job) : USH_STEP_END;
	if (result->end == USH_KUBE_MISSING)
		return ush_step_failed(run, job, "it is gone since the plan; the next run makes it anew");
	return ush_step_failed(run, job, result->end == USH_KUBE_STANDS ? "it changed since the plan; it was left alone" : result->err.what);
}

static bool loses(const struct ush_change *change, const char *text)
{
	for (size_t i = 0; text != NULL && i < change->removed_count; i++)
		if (strcmp(change->removed[i].text, text) == 0)
			return true;
	return false;
}

/*
 * It is not as the plan saw it. May it go all the same? When it is the same object, still ours, and nobody would lose
 * access by it of whom the plan did not speak.
 */
static bool may_still_go(const struct ush_run *run, const struct ush_change *change, const json_t *there)
{
	const char *uid = ush_json_string(ush_json_object(there, "metadata"), "uid");
	const json_t *subjects = ush_json_array(there, "subjects"), *subject;
	size_t i;

	if (uid == NULL || change->uid == NULL || strcmp(uid, change->uid) != 0 || !is_ours(run, there))
		return false;
	json_array_foreach(subjects, i, subject)
		if (!loses(change, ush_json_string(subject, "name")))
			return false;
	return true;
}

static enum ush_step took_remove(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result)
{
	if (result->end == USH_KUBE_DONE || (result->end == USH_KUBE_STANDS && result->answer == NULL))
		return ush_step_done(run, job); /* gone is gone */
	if (result->end != USH_KUBE_STANDS)
		return ush_step_failed(run, job, result->err.what);
	if (job->again || !may_still_go(run, job->change, result->answer))
		return ush_step_failed(run, job, "it changed since the plan; it was not removed");
	job->again = true;
	remember(job, result->answer);
	return USH_STEP_REMOVE;
}

/* ---- another role ---- */

static bool same_role(struct ush_run *run, const struct ush_job *job, const json_t *there)
{
	USH_AUTO_JSON wanted = ush_change_object(run->plan, job->change, NULL);

	return json_equal(json_object_get(wanted, "roleRef"), json_object_get(there, "roleRef"));
}

/* The stand-in is there. */
static enum ush_step old_away(struct ush_run *run, struct ush_job *job)
{
	job->parked = ush_order_crosses(run, job->change);
	return USH_STEP_OLD_AWAY;
}

static enum ush_step prove_or_go_on(struct ush_run *run, struct ush_job *job)
{
	enum ush_step step = ush_proof_begin(run, job);

	return step != USH_STEP_END ? step : old_away(run, job);
}

static enum ush_step took_stand_in(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result)
{
	USH_AUTO_FREE char *why = NULL;

	if (result->end == USH_KUBE_MISSING || result->end == USH_KUBE_ENDING)
		return no_namespace(run, job, result->end == USH_KUBE_ENDING);
	if (result->end == USH_KUBE_FAILED)
		return ush_step_failed(run, job, result->err.what);
	if (++job->tries > STAND_IN_TRIES)
		return ush_step_failed(run, job, "its stand-in is changed again and again");
	if (result->answer == NULL) /* it went while we looked */
		return USH_STEP_STAND_IN;
	remember(job, result->answer);
	if (result->end == USH_KUBE_DONE)
		return prove_or_go_on(run, job);
	if (!is_ours(run, result->answer)) {
		why = ush_printf("the name %s, wanted for a moment, is somebody else's", job->change->stand_in);
		return ush_step_failed(run, job, why);
	}
	return same_role(run, job, result->answer) ? USH_STEP_STAND_IN_CHANGE : USH_STEP_STAND_IN_RENEW;
}

static enum ush_step took_stand_in_change(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result)
{
	if (result->end == USH_KUBE_DONE && job->step == USH_STEP_STAND_IN_CHANGE)
		return prove_or_go_on(run, job);
	if (result->end == USH_KUBE_DONE)
		return USH_STEP_STAND_IN;
	return ush_step_failed(run, job, result->end == USH_KUBE_FAILED ? result->err.what : "its stand-in was changed just now");
}

static enum ush_step took_proof(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result)
{
	bool proved = true, replaces = job->change->action == USH_REPLACE;
	enum ush_step step = ush_proof_took(run, job, result, &proved);

	if (step != USH_STEP_END)
		return step;
	if (!proved)
		note(run, job, USH_OUTCOME_FAILED, "a group may not do what its role says");
	return !replaces ? USH_STEP_END : proved ? old_away(run, job) : USH_STEP_STAND_IN_BACK;
}

static enum ush_step took_old_away(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result)
{
	if (result->end == USH_KUBE_DONE)
		return USH_STEP_ANEW;
	ush_step_failed(run, job, result->end == USH_KUBE_FAILED ? result->err.what : "it changed since the plan; it was not removed");
	return result->end == USH_KUBE_STANDS && result->answer != NULL ? USH_STEP_STAND_IN_BACK : USH_STEP_END; /* else it may be gone */
}

static enum ush_step took_stand_in_away(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result)
{
	if (job->step == USH_STEP_STAND_IN_BACK) /* it was told why; what is left behind the next run ends */
		return USH_STEP_END;
	if (result->end == USH_KUBE_DONE)
		return ush_step_done(run, job);
	return ush_step_failed(run, job, result->end == USH_KUBE_FAILED ? result->err.what : "its stand-in was changed just now and stays");
}

enum ush_step ush_step_took(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result)
{
	static enum ush_step (*const takers[USH_STEP_COUNT])(struct ush_run *, struct ush_job *, const struct ush_kube_result *) = {
		[USH_STEP_CREATE] = took_create,
		[USH_STEP_ANEW] = took_create,
		[USH_STEP_CHANGE] = took_change,
		[USH_STEP_REMOVE] = took_remove,
		[USH_STEP_LOOK] = ush_widen_took,
		[USH_STEP_WIDEN] = ush_widen_took,
		[USH_STEP_STAND_IN] = took_stand_in,
		[USH_STEP_STAND_IN_CHANGE] = took_stand_in_change,
		[USH_STEP_STAND_IN_RENEW] = took_stand_in_change,
		[USH_STEP_PROVE_ROLE] = took_proof,
		[USH_STEP_PROVE] = took_proof,
		[USH_STEP_OLD_AWAY] = took_old_away,
		[USH_STEP_STAND_IN_AWAY] = took_stand_in_away,
		[USH_STEP_STAND_IN_BACK] = took_stand_in_away,
	};

	return takers[job->step](run, job, result);
}
