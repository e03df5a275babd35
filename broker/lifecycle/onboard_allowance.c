/* SPDX-License-Identifier: Apache-2.0
 *
 * How many namespaces of a template somebody may have: those for the same values ("team=payments"), half made ones too. It
 * is counted when it is asked; two who ask at the same moment may both be let through.
 */
#include <string.h>

#include "broker/lifecycle/onboard.h"
#include "common/base/memory.h"
#include "common/data/json.h"

struct counting {
	const struct ush_onboard *onboard;
	struct ush_list have; /* names */
};

static const char *label(const json_t *labels, const char *key)
{
	const char *text = ush_json_string(labels, key);

	return text != NULL ? text : "";
}

/* For the same values, whatever stands under the template's own two labels. */
static bool is_for_the_same(const struct ush_onboard *onboard, const json_t *labels)
{
	const char *key;
	json_t *value;

	json_object_foreach(onboard->labels, key, value)
		if (strncmp(key, USH_TEMPLATE_VALUE_PREFIX, strlen(USH_TEMPLATE_VALUE_PREFIX)) == 0 && strcmp(label(labels, key), json_string_value(value)) != 0)
			return false;
	return true;
}

static int count_one(void *context, json_t *item, struct ush_error *err)
{
	struct counting *counting = context;
	const json_t *metadata = ush_json_object(item, "metadata"), *labels = ush_json_object(metadata, "labels");
	const char *mark = counting->onboard->template->mark, *name = ush_json_string(metadata, "name");
	bool of_it = strcmp(label(labels, USH_LABEL_TEMPLATE), mark) == 0 || strcmp(label(labels, USH_LABEL_ONBOARDING), mark) == 0;

	(void)err;
	if (name != NULL && of_it && is_for_the_same(counting->onboard, labels))
		ush_list_add(&counting->have, name);
	return 0;
}

static void begin_again(void *context)
{
	ush_list_free(&((struct counting *)context)->have);
}

/* "?labelSelector=...", so that the others are not sent: values of labels are as harmless in a query as their keys. */
static char *path_of(const struct ush_onboard *onboard)
{
	struct ush_buf path = {0};
	const char *key;
	json_t *value;

	ush_buf_puts(&path, "/api/v1/namespaces?labelSelector=" USH_LABEL_MANAGED_BY "%3D" USH_MANAGED_BY);
	json_object_foreach(onboard->labels, key, value)
		if (strncmp(key, USH_TEMPLATE_VALUE_PREFIX, strlen(USH_TEMPLATE_VALUE_PREFIX)) == 0)
			ush_buf_printf(&path, "%%2C%s%%3D%s", key, json_string_value(value));
	return ush_buf_take(&path);
}

static char *for_whom(const struct ush_onboard *onboard)
{
	struct ush_buf out = {0};

	for (size_t i = 0; i < onboard->values->count; i++)
		ush_buf_printf(&out, "%s%s", i > 0 ? ", " : "", onboard->values->items[i]);
	return out.data != NULL ? ush_buf_take(&out) : ush_strdup("the policy");
}

static int refuse(const struct ush_onboard *onboard, const struct ush_list *have, size_t more, struct ush_error *err)
{
	USH_AUTO_FREE char *whom = for_whom(onboard);

	ush_fail(err, USH_ERR_REFUSED, "%s has %zu namespace%s of template %s, %zu more would be too many: %ld is the most; nothing was made", whom, have->count,
		 have->count == 1 ? "" : "s", onboard->template->name, more, onboard->template->max_namespaces);
	return ush_hint(err, "Raise templates.%s.maxNamespaces of %s, or take one out of use: kubectl get namespaces -l " USH_LABEL_TEMPLATE "=%s", onboard->template->name,
			onboard->policy->file, onboard->template->mark);
}

int ush_onboard_check_allowance(const struct ush_onboard *onboard, struct ush_error *err)
{
	struct counting counting = {.onboard = onboard};
	USH_AUTO_FREE char *path = path_of(onboard);
	const struct ush_kube_list list = {.path = path, .item = count_one, .restart = begin_again, .context = &counting};
	size_t more = 0;
	int result;

	if (onboard->template->max_namespaces == 0 || onboard->kube == NULL)
		return 0;
	result = ush_kube_list_all(onboard->kube, &list, NULL, NULL, err);
	ush_list_sort(&counting.have);
	for (size_t i = 0; i < onboard->space_count; i++)
		more += !ush_list_has(&counting.have, onboard->spaces[i].name);
	if (result == 0 && more > 0 && counting.have.count + more > (size_t)onboard->template->max_namespaces)
		result = refuse(onboard, &counting.have, more, err);
	ush_list_free(&counting.have);
	return result;
}
