/* SPDX-License-Identifier: Apache-2.0
 *
 * How many namespaces of a template somebody may have: those for the same values ("team=payments"), half made ones too. It
 * is counted when it is asked; two who ask at the same moment may both be let through.
 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "common/base/memory.h"
#include "common/data/json.h"

struct counting {
	const struct ush_onboard *onboard;
	const char *marked_by;	     /* the label under which this list has the mark */
	struct ush_list have, found; /* names: of both lists, of this one */
	bool some_end;		     /* is being deleted */
};

static const char *label(const json_t *labels, const char *key)
{
	const char *text = ush_json_string(labels, key);

	return text != NULL ? text : "";
}

static bool says_whom(const char *key)
{
	return strncmp(key, USH_TEMPLATE_VALUE_PREFIX, strlen(USH_TEMPLATE_VALUE_PREFIX)) == 0;
}

/* For the same values, whatever stands under the template's own two labels. */
static bool is_for_the_same(const struct ush_onboard *onboard, const json_t *labels)
{
	const char *key;
	json_t *value;

	json_object_foreach(onboard->labels, key, value)
		if (says_whom(key) && strcmp(label(labels, key), json_string_value(value)) != 0)
			return false;
	return true;
}

static int count_one(void *context, json_t *item, struct ush_error *err)
{
	struct counting *counting = context;
	const json_t *metadata = ush_json_object(item, "metadata"), *labels = ush_json_object(metadata, "labels");
	const char *name = ush_json_string(metadata, "name");

	(void)err;
	if (name == NULL || strcmp(label(labels, counting->marked_by), counting->onboard->template->mark) != 0 || !is_for_the_same(counting->onboard, labels))
		return 0;
	ush_list_add(&counting->found, name);
	counting->some_end |= json_object_get(metadata, "deletionTimestamp") != NULL;
	return 0;
}

static void begin_again(void *context)
{
	ush_list_free(&((struct counting *)context)->found);
}

/* Who gets in by the mark is asked for by the mark, and by no label that somebody else may take off. "%3D" is "=": values of
 * labels are as harmless in a query as their keys. */
static char *path_of(const struct ush_onboard *onboard, const char *marked_by)
{
	struct ush_buf path = {0};
	const char *key;
	json_t *value;

	ush_buf_printf(&path, "/api/v1/namespaces?labelSelector=%s%%3D%s", marked_by, onboard->template->mark);
	json_object_foreach(onboard->labels, key, value)
		if (says_whom(key))
			ush_buf_printf(&path, "%%2C%s%%3D%s", key, json_string_value(value));
	return ush_buf_take(&path);
}

static int count_marked(struct counting *counting, const char *marked_by, struct ush_error *err)
{
	USH_AUTO_FREE char *path = path_of(counting->onboard, marked_by);
	const struct ush_kube_list list = {.path = path, .item = count_one, .restart = begin_again, .context = counting};
	int result;

	counting->marked_by = marked_by;
	result = ush_kube_list_all(counting->onboard->kube, &list, NULL, NULL, err);
	for (size_t i = 0; i < counting->found.count; i++)
		ush_list_add(&counting->have, counting->found.items[i]);
	ush_list_free(&counting->found);
	return result;
}

static char *for_whom(const struct ush_onboard *onboard)
{
	struct ush_buf out = {0};

	for (size_t i = 0; i < onboard->values->count; i++)
		ush_buf_printf(&out, "%s%s", i > 0 ? ", " : "", onboard->values->items[i]);
	return out.data != NULL ? ush_buf_take(&out) : ush_strdup("the policy");
}

static char *how_to_look(const struct ush_onboard *onboard)
{
	struct ush_buf out = {0};

	ush_buf_puts(&out, "kubectl get namespaces -L " USH_LABEL_TEMPLATE "," USH_LABEL_ONBOARDING);
	for (size_t i = 0; i < onboard->values->count; i++)
		ush_buf_printf(&out, "%s" USH_TEMPLATE_VALUE_PREFIX "%s", i > 0 ? "," : " -l ", onboard->values->items[i]);
	return ush_buf_take(&out);
}

static int refuse(const struct counting *counting, size_t more, struct ush_error *err)
{
	const struct ush_onboard *onboard = counting->onboard;
	USH_AUTO_FREE char *whom = for_whom(onboard), *look = how_to_look(onboard);

	ush_fail(err, USH_ERR_REFUSED, "%s has %zu namespace%s of template %s%s, %zu more would be too many: %ld is the most; nothing was made", whom, counting->have.count,
		 counting->have.count == 1 ? "" : "s", onboard->template->name, counting->some_end ? " (what is being deleted counts until it is gone)" : "", more,
		 onboard->template->max_namespaces);
	return ush_hint(err, "Raise templates.%s.maxNamespaces of %s, or take one out of use: %s", onboard->template->name, onboard->policy->file, look);
}

/* Half made ones first: what is finished meanwhile is in both lists, and never in none. */
int ush_onboard_check_allowance(const struct ush_onboard *onboard, struct ush_error *err)
{
	static const char *const marks[] = {USH_LABEL_ONBOARDING, USH_LABEL_TEMPLATE};
	struct counting counting = {.onboard = onboard};
	size_t more = 0;
	int result = 0;

	if (onboard->template->max_namespaces == 0 || onboard->kube == NULL)
		return 0;
	for (size_t i = 0; i < USH_COUNT(marks) && result == 0; i++)
		result = count_marked(&counting, marks[i], err);
	ush_list_sort(&counting.have);
	for (size_t i = 0; i < onboard->space_count; i++)
		more += !ush_list_has(&counting.have, onboard->spaces[i].name);
	if (result == 0 && more > 0 && counting.have.count + more > (size_t)onboard->template->max_namespaces)
		result = refuse(&counting, more, err);
	ush_list_free(&counting.have);
	return result;
}
