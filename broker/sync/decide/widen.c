/* SPDX-License-Identifier: Apache-2.0
 *
 * A binding that some leave and others join, beside another of the same namespace: two groups that change places would
 * both lose what they have were one of the two not written. So those who join are added first, in both, and those who
 * leave go when all are in.
 */
#include <string.h>

#include "broker/sync/apply/stage.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static bool has_subject(const json_t *subjects, const json_t *wanted)
{
	static const char *const keys[] = {"kind", "name", "namespace"};
	const json_t *subject;
	size_t i;

	json_array_foreach(subjects, i, subject) {
		size_t same = 0;

		for (size_t k = 0; k < USH_COUNT(keys); k++) {
			const char *a = ush_json_string(subject, keys[k]), *b = ush_json_string(wanted, keys[k]);

			same += (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
		}
		if (same == USH_COUNT(keys))
			return true;
	}
	return false;
}

/* The patch that adds the subjects that the change wants to those that stand there. The caller frees. */
static char *widening(const struct ush_run *run, const struct ush_change *change, const json_t *there)
{
	USH_AUTO_JSON wanted = ush_change_object(run->plan, change, NULL);
	USH_AUTO_JSON patch = NULL;
	json_t *all = json_array();
	const json_t *subject;
	size_t i;

	json_array_extend(all, ush_json_array(there, "subjects"));
	json_array_foreach(ush_json_array(wanted, "subjects"), i, subject)
		if (!has_subject(all, subject))
			json_array_append(all, (json_t *)(uintptr_t)subject);
	patch = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:o}", "apiVersion", USH_RBAC_GROUP "/v1", "kind", ush_rbac_kind_name(change->kind), "metadata", "name",
			  change->name, "namespace", change->namespace_name, "resourceVersion", change->resource_version, "subjects", all);
	return json_dumps(patch, JSON_COMPACT | JSON_SORT_KEYS);
}

void ush_widen_make(struct ush_job *job, struct ush_kube_task *task)
{
	const struct ush_change *change = job->change;

	task->verb = job->step == USH_STEP_LOOK ? USH_KUBE_GET : USH_KUBE_MERGE;
	task->path = ush_rbac_path(change->kind, change->namespace_name, change->name);
	task->tell = true;
	if (job->step == USH_STEP_WIDEN)
		ush_buf_puts(&task->body, job->widening);
}

static enum ush_step took_look(struct ush_run *run, struct ush_job *job, const json_t *there)
{
	const char *version = ush_json_string(ush_json_object(there, "metadata"), "resourceVersion");

	if (version == NULL || job->change->resource_version == NULL || strcmp(version, job->change->resource_version) != 0)
		return ush_step_failed(run, job, "it changed since the plan; it was left alone");
	job->widening = widening(run, job->change, there);
	return USH_STEP_WIDEN;
}

enum ush_step ush_widen_took(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result)
{
	const char *version = ush_json_string(ush_json_object(result->answer, "metadata"), "resourceVersion");

	if (result->end == USH_KUBE_MISSING)
		return ush_step_failed(run, job, "it is gone since the plan; the next run makes it anew");
	if (result->end != USH_KUBE_DONE)
		return ush_step_failed(run, job, result->end == USH_KUBE_STANDS ? "it changed since the plan; it was left alone" : result->err.what);
	if (job->step == USH_STEP_LOOK)
		return took_look(run, job, result->answer);
	if (version == NULL)
		return ush_step_failed(run, job, "the API server does not say which version it made of it");
	job->version = ush_strdup(version);
	job->parked = true;
	return USH_STEP_CHANGE;
}
