/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/holds.h"

#include <string.h>

#include "common/data/json.h"

static bool is_precondition(const char *key)
{
	return strcmp(key, "resourceVersion") == 0 || strcmp(key, "managedFields") == 0;
}

static bool holds_value(const json_t *there, const json_t *wanted)
{
	if (json_is_null(wanted) || (json_is_array(wanted) && json_array_size(wanted) == 0))
		return there == NULL || json_is_null(there) || (json_is_array(there) && json_array_size(there) == 0);
	if (json_is_object(wanted))
		return json_object_size(wanted) == 0 || ush_kube_holds(there, wanted);
	return json_equal(there, wanted);
}

bool ush_kube_holds(const json_t *there, const json_t *wanted)
{
	const char *key;
	json_t *value;

	if (!json_is_object(there))
		return false;
	json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
		if (!is_precondition(key) && !holds_value(json_object_get(there, key), value))
			return false;
	return true;
}

static json_t *parse(const struct ush_buf *text)
{
	struct ush_error ignored = {0};

	return ush_json_parse(text->data != NULL ? text->data : "", text->length, "", USH_ERR_REJECTED, &ignored);
}

bool ush_kube_holds_text(const struct ush_buf *there, const struct ush_buf *wanted)
{
	USH_AUTO_JSON object = parse(there);
	USH_AUTO_JSON want = parse(wanted);

	if (!json_is_object(want) || json_object_get(ush_json_object(object, "metadata"), "deletionTimestamp") != NULL)
		return false;
	return ush_kube_holds(object, want);
}

bool ush_kube_namespace_ends(const struct ush_buf *text)
{
	USH_AUTO_JSON status = parse(text);
	const char *message = ush_json_string(status, "message");
	const json_t *causes = ush_json_array(ush_json_object(status, "details"), "causes");
	const json_t *cause;
	size_t i;

	json_array_foreach(causes, i, cause)
	{
		const char *reason = ush_json_string(cause, "reason");

		if (reason != NULL && strcmp(reason, "NamespaceTerminating") == 0)
			return true;
	}
	return message != NULL && strstr(message, "because it is being terminated") != NULL;
}
