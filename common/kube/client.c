/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/client.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/request.h"

/* Adds "key=value" to a path's query. */
static void add_query(struct ush_buf *path, const char *key, const char *value)
{
	ush_buf_puts(path, path->length > 0 && strchr(path->data, '?') != NULL ? "&" : "?");
	ush_url_encode(path, key);
	ush_buf_puts(path, "=");
	ush_url_encode(path, value);
}

/* Says that the call succeeded with response's status when it is one of `wanted` (ended by 0). */
static int settle(const struct ush_kube *kube, struct ush_kube_call *call, const int *wanted,
		  struct ush_http_response *response, int *status, struct ush_error *err)
{
	int result = ush_kube_request(kube, call, response, err);

	*status = response->status;
	if (result != 0)
		return -1;
	for (; *wanted != 0; wanted++)
		if (*wanted == response->status)
			return 0;
	return ush_kube_unexpected(kube, call, response, err);
}

int ush_kube_get(const struct ush_kube *kube, const char *path, int *status, json_t **out, struct ush_error *err)
{
	static const int wanted[] = {200, 404, 0};
	struct ush_kube_call call = {.method = "GET", .path = path};
	USH_AUTO_RESPONSE response = {0};

	*out = NULL;
	if (settle(kube, &call, wanted, &response, status, err) != 0)
		return -1;
	if (*status == 200)
		*out = ush_kube_answer(kube, &response, err);
	return *status == 404 || *out != NULL ? 0 : -1;
}

/* A path with fieldManager and what else a write says. */
static char *write_path(const struct ush_kube *kube, const char *path, bool force, bool dry_run)
{
	USH_AUTO_BUF full = {0};

	ush_buf_puts(&full, path);
	add_query(&full, "fieldManager", kube->field_manager);
	if (force)
		add_query(&full, "force", "true");
	if (dry_run)
		add_query(&full, "dryRun", "All");
	return ush_buf_take(&full);
}

int ush_kube_create(const struct ush_kube *kube, const char *path, const json_t *object, bool dry_run, int *status,
		    struct ush_error *err)
{
	static const int wanted[] = {201, 409, 0};
	USH_AUTO_FREE char *full = write_path(kube, path, false, dry_run);
	struct ush_kube_call call = {.method = "POST", .path = full, .object = object};
	USH_AUTO_RESPONSE response = {0};

	return settle(kube, &call, wanted, &response, status, err);
}

int ush_kube_update(const struct ush_kube *kube, const char *path, const json_t *object, int *status, json_t **out,
		    struct ush_error *err)
{
	static const int wanted[] = {200, 201, 404, 409, 0};
	USH_AUTO_FREE char *full = write_path(kube, path, false, false);
	struct ush_kube_call call = {.method = "PUT", .path = full, .object = object};
	USH_AUTO_RESPONSE response = {0};

	if (out != NULL)
		*out = NULL;
	if (settle(kube, &call, wanted, &response, status, err) != 0)
		return -1;
	if (out == NULL || *status > 201)
		return 0;
	*out = ush_kube_answer(kube, &response, err);
	return *out != NULL ? 0 : -1;
}

int ush_kube_delete(const struct ush_kube *kube, const char *path, const char *uid, const char *resource_version,
		    int *status, struct ush_error *err)
{
	static const int wanted[] = {200, 202, 404, 409, 0};
	USH_AUTO_JSON options =
		json_pack("{s:s,s:s,s:{}}", "kind", "DeleteOptions", "apiVersion", "v1", "preconditions");
	json_t *preconditions = json_object_get(options, "preconditions");
	struct ush_kube_call call = {.method = "DELETE", .path = path, .object = options};
	USH_AUTO_RESPONSE response = {0};

	if (uid != NULL)
		json_object_set_new(preconditions, "uid", json_string(uid));
	if (resource_version != NULL)
		json_object_set_new(preconditions, "resourceVersion", json_string(resource_version));
	if (settle(kube, &call, wanted, &response, status, err) != 0)
		return -1;
	if (*status == 202) /* accepted; finalizers run */
		*status = 200;
	return 0;
}

/* ---- server-side apply ---- */

/* The manager that a cause of a conflict names: conflict with "NAME" using VERSION. NULL when it names none. */
static char *manager_in(const json_t *cause)
{
	static const char before[] = "conflict with \"";
	const char *message = ush_json_string(cause, "message"), *reason = ush_json_string(cause, "reason");

	if (message == NULL || reason == NULL || strcmp(reason, "FieldManagerConflict") != 0 ||
	    strncmp(message, before, strlen(before)) != 0)
		return NULL;
	message += strlen(before);
	return ush_strndup(message, strcspn(message, "\""));
}

/* True when every cause of a conflict names our own field manager. */
static bool only_ours(const struct ush_kube *kube, const json_t *causes)
{
	json_t *cause;
	size_t i;

	json_array_foreach(causes, i, cause)
	{
		USH_AUTO_FREE char *manager = manager_in(cause);

		if (manager == NULL || strcmp(manager, kube->field_manager) != 0)
			return false;
	}
	return json_array_size(causes) > 0;
}

/* "helm holds .rules, .subjects; argocd holds ...": the others. */
static char *explain_conflict(const struct ush_kube *kube, const json_t *answer, const json_t *causes)
{
	USH_AUTO_FREE char *last = ush_strdup("");
	USH_AUTO_BUF text = USH_BUF_MAX(2000);
	json_t *cause;
	size_t i;

	json_array_foreach(causes, i, cause)
	{
		USH_AUTO_FREE char *manager = manager_in(cause);
		const char *field = ush_json_string(cause, "field");

		if (manager == NULL || field == NULL || strcmp(manager, kube->field_manager) == 0)
			continue;
		if (strcmp(manager, last) == 0)
			ush_buf_printf(&text, ", %s", field);
		else
			ush_buf_printf(&text, "%s%s holds %s", text.length > 0 ? "; " : "", manager, field);
		free(last);
		last = ush_steal(&manager);
	}
	if (text.length == 0)
		ush_buf_puts(&text, ush_json_string(answer, "message") != NULL ? ush_json_string(answer, "message")
									       : "no reason given");
	return ush_buf_take(&text);
}

static int apply_once(const struct ush_kube *kube, const char *path, const json_t *object, bool force, bool dry_run,
		      int *status, char **conflict, bool *ours, struct ush_error *err)
{
	static const int wanted[] = {200, 201, 409, 0};
	USH_AUTO_FREE char *full = write_path(kube, path, force, dry_run);
	struct ush_kube_call call = {
		.method = "PATCH", .path = full, .object = object, .content_type = "application/apply-patch+yaml"};
	USH_AUTO_RESPONSE response = {0};
	USH_AUTO_JSON answer = NULL;
	const json_t *causes;

	*ours = false;
	if (settle(kube, &call, wanted, &response, status, err) != 0)
		return -1;
	if (*status != 409)
		return 0;
	answer = ush_kube_answer(kube, &response, err);
	if (answer == NULL)
		return -1;
	causes = ush_json_array(ush_json_object(answer, "details"), "causes");
	*ours = only_ours(kube, causes);
	*conflict = explain_conflict(kube, answer, causes);
	return 0;
}

int ush_kube_apply(const struct ush_kube *kube, const char *path, const json_t *object, bool force, bool dry_run,
		   int *status, char **conflict, struct ush_error *err)
{
	bool ours;

	*conflict = NULL;
	if (apply_once(kube, path, object, force, dry_run, status, conflict, &ours, err) != 0)
		return -1;
	if (*status != 409 || !ours || force)
		return 0;
	/* What we made by create is held by (us, Update), which the server takes for somebody else than (us, Apply). */
	free(ush_steal(conflict));
	return apply_once(kube, path, object, true, dry_run, status, conflict, &ours, err);
}
