/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/decide/unreached.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/way.h"

#define OURS "usher.dev/"

bool ush_unreached_may_be(const char *labels, size_t length)
{
	return memmem(labels, length, OURS, strlen(OURS)) != NULL;
}

bool ush_unreached_half_made(const json_t *labels)
{
	return json_object_get(labels, USH_LABEL_ONBOARDING) != NULL && json_object_get(labels, USH_LABEL_TEMPLATE) == NULL;
}

static bool has_template(const struct ush_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->template_count; i++)
		if (strcmp(policy->templates[i].name, name) == 0)
			return true;
	return false;
}

static void count(struct ush_unreached *unreached, struct ush_unreached_row row)
{
	size_t i = 0;

	while (i < unreached->count && (unreached->items[i].mark != row.mark || unreached->items[i].half_made != row.half_made))
		i++;
	if (i == USH_UNREACHED_MOST)
		return;
	if (i == unreached->count)
		unreached->items[unreached->count++] = row;
	if (strcmp(row.first, unreached->items[i].first) < 0)
		unreached->items[i].first = row.first;
	unreached->items[i].count++;
}

void ush_unreached_add(struct ush_unreached *unreached, const struct ush_policy *policy, struct ush_texts *texts, const char *name, const json_t *labels)
{
	const char *whole = ush_json_string(labels, USH_LABEL_TEMPLATE), *half = ush_json_string(labels, USH_LABEL_ONBOARDING), *mark = whole != NULL ? whole : half;
	const char *template = mark != NULL && ush_name_not_label_value(mark) == NULL ? ush_template_of_mark(policy->name, mark) : NULL;

	if (template != NULL && (*template != '\0' || whole == NULL) && (whole == NULL || !has_template(policy, template)))
		count(unreached, (struct ush_unreached_row){.mark = ush_texts_keep(texts, mark), .first = name, .half_made = whole == NULL});
}

/* Where nobody will finish it, or nobody finds its template any more: what a person does about all of them. The caller frees. */
static char *mend(const struct ush_unreached_row *row, const struct ush_policy *policy, const struct ush_way *way)
{
	const char *other = policy->template_count == 1 ? policy->templates[0].mark : "NEW";

	if (row->half_made)
		return ush_way_kubectl(way, "label namespaces -l " USH_LABEL_ONBOARDING "=%s " USH_LABEL_ONBOARDING "-", row->mark);
	return ush_way_kubectl(way, "label namespaces -l " USH_LABEL_TEMPLATE "=%s " USH_LABEL_TEMPLATE "=%s --overwrite", row->mark, other);
}

char *ush_unreached_words(const struct ush_unreached_row *row, const struct ush_policy *policy, const struct ush_way *way)
{
	const char *template = ush_template_of_mark(policy->name, row->mark);
	USH_AUTO_FREE char *more = row->count > 1 ? ush_printf(" and %zu more", row->count - 1) : ush_strdup(""), *command = mend(row, policy, way);
	const char *are = row->count > 1 ? "are" : "is", *names = row->count > 1 ? "s" : "";

	if (row->half_made && !has_template(policy, template)) /* nobody will finish it */
		return ush_printf("namespace%s %s%s %s labelled " USH_LABEL_ONBOARDING "=%s, as if half made, and the policy has no template of that name: nobody new is let in. Where no "
				  "onboarding is under way: %s",
				  names, row->first, more, are, row->mark, command);
	if (row->half_made)
		return ush_printf("namespace%s %s%s %s half made: the onboarding from template %s is under way, or ended before all that keeps %s apart stood; nobody is let in "
				  "by it. The same usher-broker onboard again finishes %s",
				  names, row->first, more, are, template, row->count > 1 ? "them" : "it", row->count > 1 ? "them" : "it");
	return ush_printf("namespace%s %s%s %s labelled " USH_LABEL_TEMPLATE "=%s, and the policy has no template %s (any more): no template's roles reach %s. Where it was given "
			  "another name: %s",
			  names, row->first, more, are, row->mark, template, row->count > 1 ? "them" : "it", command);
}
