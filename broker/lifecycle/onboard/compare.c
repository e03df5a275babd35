/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands there against what is wanted. A spec must say the same and no more: a NetworkPolicy that also allows
 * something else is another one. Of labels and annotations ours count, and what others put beside them does not.
 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "broker/policy/quantity.h"
#include "broker/sync/look/owner.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define POD_SECURITY "pod-security.kubernetes.io/"

struct look {
	bool quantities; /* texts are amounts */
	bool more;	 /* what else stands there does not count */
	char **how;
};

/* ---- two values ---- */

static char *value_text(const json_t *value)
{
	char *text;

	if (value == NULL || json_is_null(value))
		return ush_strdup("not there");
	if (json_is_string(value))
		return ush_strdup(json_string_value(value));
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	return text != NULL ? text : ush_strdup("something else");
}

static bool nothing(const json_t *value)
{
	return value == NULL || json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0);
}

static bool differ(const struct look *look, const char *path, const json_t *there, const json_t *wanted)
{
	USH_AUTO_FREE char *is = value_text(there), *is_to_be = value_text(wanted);

	if (*look->how == NULL)
		*look->how = nothing(wanted) ? ush_printf("%s is %.60s, and should not be there", path, is) : ush_printf("%s is %.60s, not %.60s", path, is, is_to_be);
	return false;
}

static bool same_value(const struct look *look, const char *path, const json_t *there, const json_t *wanted);

static bool same_map(const struct look *look, const char *path, const json_t *there, const json_t *wanted)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)wanted, key, value) {
		USH_AUTO_FREE char *under = ush_printf("%s.%s", path, key);

		if (!same_value(look, under, json_object_get(there, key), value))
			return false;
	}
	json_object_foreach((json_t *)(uintptr_t)there, key, value) {
		USH_AUTO_FREE char *under = ush_printf("%s.%s", path, key);

		if (!look->more && json_object_get(wanted, key) == NULL && !nothing(value))
			return differ(look, under, value, NULL);
	}
	return true;
}

static bool same_value(const struct look *look, const char *path, const json_t *there, const json_t *wanted)
{
	if (nothing(there) && nothing(wanted))
		return true;
	if (json_is_object(there) && json_is_object(wanted))
		return same_map(look, path, there, wanted);
	if (json_is_array(there) && json_is_array(wanted) && json_array_size(there) == json_array_size(wanted)) {
		for (size_t i = 0; i < json_array_size(wanted); i++) {
			USH_AUTO_FREE char *under = ush_printf("%s[%zu]", path, i);

			if (!same_value(look, under, json_array_get(there, i), json_array_get(wanted, i)))
				return false;
		}
		return true;
	}
	if (look->quantities && json_is_string(there) && json_is_string(wanted) && ush_quantity_same(json_string_value(there), json_string_value(wanted)))
		return true;
	return json_equal(there, wanted) ? true : differ(look, path, there, wanted);
}

/* ---- objects ---- */

static bool is_kind(const json_t *object, const char *kind)
{
	const char *its = ush_json_string(object, "kind");

	return its != NULL && strcmp(its, kind) == 0;
}

static void fill(json_t *limit, const char *into, const char *from)
{
	const json_t *source = ush_json_object(limit, from);
	const char *key;
	json_t *value;

	if (source == NULL)
		return;
	if (ush_json_object(limit, into) == NULL)
		json_object_set_new(limit, into, json_object());
	json_object_foreach((json_t *)(uintptr_t)source, key, value)
		if (json_object_get(json_object_get(limit, into), key) == NULL)
			json_object_set(json_object_get(limit, into), key, value);
}

/* As the API server fills in the limits of containers. */
static json_t *with_defaults(const json_t *spec)
{
	json_t *copy = json_deep_copy(spec), *limit;
	size_t i;

	json_array_foreach(json_object_get(copy, "limits"), i, limit) {
		fill(limit, "default", "max");
		fill(limit, "defaultRequest", "default");
		fill(limit, "defaultRequest", "min");
	}
	return copy;
}

static bool same_spec(const json_t *there, const json_t *wanted, char **how)
{
	bool limits = is_kind(wanted, "LimitRange");
	const struct look look = {.quantities = limits || is_kind(wanted, "ResourceQuota"), .how = how};
	const json_t *has = json_object_get(there, "spec"), *is_to_have = json_object_get(wanted, "spec");
	USH_AUTO_JSON full = limits ? with_defaults(is_to_have) : json_incref((json_t *)(uintptr_t)is_to_have);
	USH_AUTO_JSON full_there = limits ? with_defaults(has) : json_incref((json_t *)(uintptr_t)has);

	return same_value(&look, "spec", full_there, full);
}

/* A label that says more of Pod Security than the template does: enforce-version=v1.0 takes most of "restricted" back. */
static bool is_stray(const json_t *wanted, const char *key)
{
	const json_t *labels = ush_json_object(ush_json_object(wanted, "metadata"), "labels");

	return strncmp(key, POD_SECURITY, strlen(POD_SECURITY)) == 0 && json_object_get(labels, POD_SECURITY "enforce") != NULL && json_object_get(labels, key) == NULL;
}

static bool no_strays(const json_t *there, const json_t *wanted, char **how)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(ush_json_object(there, "metadata"), "labels"), key, value) {
		USH_AUTO_FREE char *path = ush_printf("label %s", key);

		if (is_stray(wanted, key))
			return differ(&(struct look){.how = how}, path, value, NULL);
	}
	return true;
}

static bool same_marks(const json_t *there, const json_t *wanted, char **how)
{
	static const struct {
		const char *key, *called;
	} maps[] = {{"labels", "label"}, {"annotations", "annotation"}};
	const json_t *has = ush_json_object(there, "metadata"), *is_to_have = ush_json_object(wanted, "metadata");

	for (size_t i = 0; i < USH_COUNT(maps); i++) {
		const char *key;
		json_t *value;

		json_object_foreach(json_object_get(is_to_have, maps[i].key), key, value) {
			const json_t *its = json_object_get(json_object_get(has, maps[i].key), key);
			USH_AUTO_FREE char *path = ush_printf("%s %s", maps[i].called, key);

			if (!same_value(&(struct look){.how = how}, path, its, value))
				return false;
		}
	}
	return true;
}

bool ush_onboard_same(const json_t *there, const json_t *wanted, char **how)
{
	*how = NULL;
	if (is_kind(wanted, "Namespace"))
		return same_marks(there, wanted, how) && no_strays(there, wanted, how);
	if (is_kind(wanted, "ServiceAccount"))
		return same_value(&(struct look){.how = how}, "automountServiceAccountToken", json_object_get(there, "automountServiceAccountToken"),
				  json_object_get(wanted, "automountServiceAccountToken"));
	return same_spec(there, wanted, how);
}

char *ush_onboard_foreign(const json_t *there)
{
	USH_AUTO_FREE char *text = json_dumps(there, JSON_COMPACT), *foreign = NULL;
	struct ush_error ignored = {0};
	USH_AUTO_SCAN scan = {0};
	struct ush_marks marks = {0};
	struct ush_item item;
	bool free_for_adoption;

	if (text == NULL || ush_scan_object(&scan, text, strlen(text), NULL, NULL, USH_ERR_REJECTED, &item, &ignored) != 0)
		return ush_strdup("cannot be read");
	ush_marks_read(&item, &marks);
	if (marks.maker == NULL && !item.owned && ush_slice_is(marks.managed_by, USH_MANAGED_BY))
		return NULL;
	foreign = ush_marks_foreign(&marks, &item, "", &free_for_adoption);
	return free_for_adoption ? NULL : ush_steal(&foreign);
}

/* ---- making it so ---- */

/* What a merge patch must say so that `there` becomes `wanted`: what is too much is null. */
static json_t *merge(const json_t *there, const json_t *wanted)
{
	json_t *patch = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)wanted, key, value) {
		const json_t *its = json_object_get(there, key);

		if (json_is_object(value) && json_is_object(its))
			json_object_set_new(patch, key, merge(its, value));
		else
			json_object_set(patch, key, value);
	}
	json_object_foreach((json_t *)(uintptr_t)there, key, value)
		if (json_object_get(wanted, key) == NULL)
			json_object_set_new(patch, key, json_null());
	return patch;
}

json_t *ush_onboard_patch(const json_t *there, const json_t *wanted)
{
	const json_t *metadata = ush_json_object(there, "metadata"), *wished = ush_json_object(wanted, "metadata");
	const json_t *automount = json_object_get(wanted, "automountServiceAccountToken");
	json_t *labels = json_deep_copy(json_object_get(wished, "labels")), *value;
	json_t *patch = json_pack("{s:O*, s:O*, s:{s:s*, s:s*, s:s*, s:o*, s:O*}}", "apiVersion", json_object_get(wanted, "apiVersion"), "kind",
				  json_object_get(wanted, "kind"), "metadata", "name", ush_json_string(wished, "name"), "uid", ush_json_string(metadata, "uid"), "resourceVersion",
				  ush_json_string(metadata, "resourceVersion"), "labels", labels, "annotations", json_object_get(wished, "annotations"));
	const char *key;

	json_object_foreach(json_object_get(metadata, "labels"), key, value)
		if (is_stray(wanted, key))
			json_object_set_new(labels, key, json_null());
	if (json_object_get(wanted, "spec") != NULL)
		json_object_set_new(patch, "spec", merge(json_object_get(there, "spec"), json_object_get(wanted, "spec")));
	if (automount != NULL)
		json_object_set(patch, "automountServiceAccountToken", (json_t *)(uintptr_t)automount);
	return patch;
}

/* ---- what runs ---- */

static const char *text_at(const json_t *object, const char *a, const char *b)
{
	return ush_json_string(ush_json_object(object, a), b);
}

static long double amount(const json_t *resources, const char *list, const char *resource)
{
	const char *text = text_at(resources, list, resource);
	long double value;

	return text != NULL && ush_quantity_read(text, &value) ? value : 0;
}

static bool has_ended(const json_t *pod)
{
	const char *phase = text_at(pod, "status", "phase");

	return phase != NULL && (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0);
}

/* What the containers of a pod ask for, of one resource ("requests", "cpu"). */
static long double of_pod(const json_t *pod, const char *list, const char *resource)
{
	const json_t *container;
	long double sum = 0;
	size_t i;

	json_array_foreach(ush_json_array(ush_json_object(pod, "spec"), "containers"), i, container)
		sum += amount(ush_json_object(container, "resources"), list, resource);
	return sum;
}

/* "requests.cpu" and the like: which list of a container, and what of it. NULL: the quota counts something else. */
static const char *counted(const char *key, const char **resource)
{
	static const char *const lists[] = {"requests", "limits"};

	for (size_t i = 0; i < USH_COUNT(lists); i++)
		if (strncmp(key, lists[i], strlen(lists[i])) == 0 && key[strlen(lists[i])] == '.') {
			*resource = key + strlen(lists[i]) + 1;
			return lists[i];
		}
	*resource = key;
	return strcmp(key, "cpu") == 0 || strcmp(key, "memory") == 0 ? "requests" : NULL;
}

void ush_onboard_over(const json_t *quota, const json_t *pods, struct ush_list *lines)
{
	const char *key, *resource;
	json_t *value, *pod;

	json_object_foreach(json_object_get(json_object_get(quota, "spec"), "hard"), key, value) {
		bool number = strcmp(key, "pods") == 0;
		const char *list = counted(key, &resource), *text = json_string_value(value);
		long double sum = 0, most;
		size_t i;

		if ((list == NULL && !number) || text == NULL || !ush_quantity_read(text, &most))
			continue;
		json_array_foreach((json_t *)(uintptr_t)pods, i, pod)
			if (!has_ended(pod))
				sum += number ? 1 : of_pod(pod, list, resource);
		if (sum > most) {
			USH_AUTO_FREE char *line = ush_printf("%s: %.4Lg is in use, the quota allows %s: nothing new starts until there is less", key, sum, text);

			ush_list_add(lines, line);
		}
	}
}
