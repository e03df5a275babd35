/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/sync/apply/question.h"
#include "broker/sync/apply/stage.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define ASK_FOR_MS  5000 /* how long a no may be the cache's */
#define ASK_WAIT_MS 50
#define ROLES_KEPT  64

struct ush_asked { /* a question that a role answers with yes */
	char *path; /* of the role */
	struct ush_question question;
};

struct ush_proof {
	json_t *subjects;
	char *role; /* path */
	size_t at;  /* the subject that is asked about */
	int64_t until_ms;
	struct ush_question what;
};

static void asked_free(struct ush_asked *asked)
{
	free(asked->path);
	ush_question_free(&asked->question);
}

void ush_proof_free(struct ush_proof *proof)
{
	if (proof == NULL)
		return;
	json_decref(proof->subjects);
	free(proof->role);
	ush_question_free(&proof->what);
	free(proof);
}

void ush_asked_free(struct ush_run *run)
{
	for (size_t i = 0; i < run->asked_count; i++)
		asked_free(&run->asked[i]);
	free(run->asked);
	run->asked = NULL;
	run->asked_count = 0;
}

/* ---- the question ---- */

/* True when the role was read before. */
static bool remembered(const struct ush_run *run, struct ush_proof *proof)
{
	for (size_t i = 0; i < run->asked_count; i++)
		if (strcmp(run->asked[i].path, proof->role) == 0) {
			ush_question_copy(&proof->what, &run->asked[i].question);
			return true;
		}
	return false;
}

static void keep(struct ush_run *run, const struct ush_proof *proof)
{
	struct ush_asked asked = {0};

	if (run->asked_count == ROLES_KEPT)
		return;
	asked.path = ush_strdup(proof->role);
	ush_question_copy(&asked.question, &proof->what);
	USH_PUSH(run->asked, run->asked_count, asked);
}

static char *role_path(const struct ush_change *change, const json_t *object)
{
	const json_t *ref = ush_json_object(object, "roleRef");
	const char *kind = ush_json_string(ref, "kind"), *name = ush_json_string(ref, "name");
	bool cluster = kind != NULL && strcmp(kind, "ClusterRole") == 0;

	return name != NULL ? ush_rbac_path(cluster ? USH_CLUSTER_ROLE : USH_ROLE, cluster ? NULL : change->namespace_name, name) : NULL;
}

enum ush_step ush_proof_begin(struct ush_run *run, struct ush_job *job)
{
	USH_AUTO_JSON object = run->applied->no_proof == NULL ? ush_change_object(run->plan, job->change, NULL) : NULL;
	const json_t *subjects = ush_json_array(object, "subjects");
	USH_AUTO_FREE char *path = role_path(job->change, object);

	if (path == NULL || json_array_size(subjects) == 0)
		return USH_STEP_END;
	ush_proof_free(job->proof);
	job->proof = ush_new(struct ush_proof);
	job->proof->subjects = json_incref((json_t *)(uintptr_t)subjects);
	job->proof->role = ush_steal(&path);
	job->proof->until_ms = ush_boot_ms(run->kube->world) + ASK_FOR_MS;
	if (!remembered(run, job->proof))
		return USH_STEP_PROVE_ROLE;
	return job->proof->what.verb != NULL ? USH_STEP_PROVE : USH_STEP_END;
}

void ush_proof_make(struct ush_run *run, struct ush_job *job, struct ush_kube_task *task)
{
	struct ush_proof *proof = job->proof;
	const json_t *subject = json_array_get(proof->subjects, proof->at);
	const char *kind = ush_json_string(subject, "kind"), *name = ush_json_string(subject, "name");
	bool person = kind != NULL && strcmp(kind, "User") == 0;
	const char *const groups[] = {person ? NULL : name, NULL};
	USH_AUTO_JSON review = NULL;
	USH_AUTO_FREE char *text = NULL;

	(void)run;
	if (job->step == USH_STEP_PROVE_ROLE) {
		task->verb = USH_KUBE_GET;
		task->path = ush_strdup(proof->role);
		return;
	}
	review = ush_question_review(&proof->what, person ? name : USH_QUESTION_USER, groups, job->change->namespace_name);
	text = json_dumps(review, JSON_COMPACT);
	task->verb = USH_KUBE_REVIEW;
	task->path = ush_strdup(USH_KUBE_REVIEWS);
	ush_buf_puts(&task->body, text);
}

/* ---- the answer ---- */

static enum ush_step disproved(struct ush_run *run, struct ush_job *job, const char *why, bool *proved)
{
	USH_AUTO_FREE char *line = ush_printf("RoleBinding %s/%s %s", job->change->namespace_name, job->change->name, why);

	ush_list_add(&run->applied->failed, line);
	*proved = false;
	return USH_STEP_END;
}

/* A binding that is written stays as it is when nobody can be asked; one that is to replace another must be shown to work,
 * unless we have no right to ask. */
static enum ush_step not_answered(struct ush_run *run, struct ush_job *job, const struct ush_error *err, bool *proved)
{
	USH_AUTO_FREE char *why = NULL;

	if (job->change->action != USH_REPLACE || err->code == USH_ERR_REFUSED) {
		if (run->applied->no_proof == NULL)
			run->applied->no_proof = ush_strdup(err->what);
		return USH_STEP_END;
	}
	why = ush_printf("was not given its other role, because nobody could say whether that works: %s", err->what);
	return disproved(run, job, why, proved);
}

static enum ush_step took_role(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result, bool *proved)
{
	if (result->end == USH_KUBE_MISSING)
		return disproved(run, job, "refers to a role that is not there", proved);
	if (result->end != USH_KUBE_DONE)
		return USH_STEP_END; /* a role that we may not read: nothing to ask about */
	ush_question_read(&job->proof->what, ush_json_array(result->answer, "rules"));
	keep(run, job->proof);
	return job->proof->what.verb != NULL ? USH_STEP_PROVE : USH_STEP_END;
}

enum ush_step ush_proof_took(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result, bool *proved)
{
	struct ush_proof *proof = job->proof;
	int64_t now = ush_boot_ms(run->kube->world);
	USH_AUTO_FREE char *why = NULL;

	if (job->step == USH_STEP_PROVE_ROLE)
		return took_role(run, job, result, proved);
	if (result->end != USH_KUBE_DONE)
		return not_answered(run, job, &result->err, proved);
	if (ush_question_allowed(result->answer)) {
		run->applied->proofs++;
		return ++proof->at < json_array_size(proof->subjects) ? USH_STEP_PROVE : USH_STEP_END;
	}
	job->due_ms = now + ASK_WAIT_MS;
	if (now < proof->until_ms)
		return USH_STEP_PROVE;
	why = ush_printf("is written, but the API server does not let %s %s %s there",
			 ush_json_string(json_array_get(proof->subjects, proof->at), "name"), proof->what.verb, proof->what.resource);
	return disproved(run, job, why, proved);
}
