/* SPDX-License-Identifier: Apache-2.0
 *
 * How many namespaces of a template somebody may have: those for the same values ("team=payments"), half made ones too. Who asks
 * at the same moment is counted one behind the other: under a Lease, that is held until the namespaces are made.
 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define PATIENCE_MS 15000 /* for others who onboard at the same moment: each takes as long as it takes to make its namespaces */
#define AGAIN_MS    50

struct counting {
	const struct ush_onboard *onboard;
	struct ush_list have, found; /* names: of all lists, of this one */
	bool some_end;		     /* is being deleted */
};

/* The labels under which a namespace may have the mark. Half made ones first: what is finished between two lists is in both, and
 * never in none. */
static const char *const marks[] = {USH_LABEL_ONBOARDING, USH_LABEL_TEMPLATE};

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

static bool is_of_template(const struct ush_onboard *onboard, const json_t *labels)
{
	bool is = false;

	for (size_t i = 0; i < USH_COUNT(marks); i++)
		is |= strcmp(label(labels, marks[i]), onboard->template->mark) == 0;
	return is;
}

static int count_one(void *context, json_t *item, struct ush_error *err)
{
	struct counting *counting = context;
	const json_t *metadata = ush_json_object(item, "metadata"), *labels = ush_json_object(metadata, "labels");
	const char *name = ush_json_string(metadata, "name");

	(void)err;
	if (name == NULL || !is_of_template(counting->onboard, labels) || !is_for_the_same(counting->onboard, labels))
		return 0;
	ush_list_add(&counting->found, name);
	counting->some_end |= json_object_get(metadata, "deletionTimestamp") != NULL;
	return 0;
}

static void begin_again(void *context)
{
	ush_list_free(&((struct counting *)context)->found);
}

/* Asked for by the mark and the values, and by no label that somebody else may take off; where there are values, by those
 * alone, whichever of its two labels the mark is under. "%3D" is "=": values of labels are as harmless in a query as their keys. */
static char *path_of(const struct ush_onboard *onboard, const char *marked_by)
{
	struct ush_buf path = {0};
	const char *key, *between = "";
	json_t *value;

	ush_buf_puts(&path, "/api/v1/namespaces?labelSelector=");
	if (onboard->values->count == 0)
		ush_buf_printf(&path, "%s%%3D%s", marked_by, onboard->template->mark);
	json_object_foreach(onboard->labels, key, value)
		if (says_whom(key)) {
			ush_buf_printf(&path, "%s%s%%3D%s", between, key, json_string_value(value));
			between = "%2C";
		}
	return ush_buf_take(&path);
}

static int count_marked(struct counting *counting, const char *marked_by, struct ush_error *err)
{
	USH_AUTO_FREE char *path = path_of(counting->onboard, marked_by);
	const struct ush_kube_list list = {.path = path, .item = count_one, .restart = begin_again, .context = counting};
	int result = ush_kube_list_all(counting->onboard->kube, &list, NULL, NULL, err);

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
	USH_AUTO_BUF labels = {0};

	for (size_t i = 0; i < onboard->values->count; i++)
		ush_buf_printf(&labels, "%s" USH_TEMPLATE_VALUE_PREFIX "%s", i > 0 ? "," : " -l ", onboard->values->items[i]);
	return ush_way_kubectl(onboard->way, "get namespaces -L " USH_LABEL_TEMPLATE "," USH_LABEL_ONBOARDING "%s", labels.data != NULL ? labels.data : "");
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

/* 0: there is room for those that are new; 1: none is. */
static int count(void *context, struct ush_error *err)
{
	const struct ush_onboard *onboard = context;
	struct counting counting = {.onboard = onboard};
	size_t more = 0;
	int result = 0;

	for (size_t i = 0; i < (onboard->values->count > 0 ? 1 : USH_COUNT(marks)) && result == 0; i++)
		result = count_marked(&counting, marks[i], err);
	ush_list_sort(&counting.have);
	for (size_t i = 0; i < onboard->space_count; i++)
		more += !ush_list_has(&counting.have, onboard->spaces[i].name);
	if (result == 0 && more > 0 && counting.have.count + more > (size_t)onboard->template->max_namespaces)
		result = refuse(&counting, more, err);
	ush_list_free(&counting.have);
	return result == 0 && more == 0 ? 1 : result;
}

static int wait_a_little(const struct ush_world *world)
{
	unsigned char random;

	ush_random(world, &random, sizeof random); /* or all who wait would come back at once */
	return ush_sleep_ms(world, AGAIN_MS + random % AGAIN_MS);
}

/* -1 with err: somebody else has it all the time. Who needs no room, or for whom there is none anyhow, does not wait. */
static int take_in_turn(struct ush_onboard *onboard, const char *state_namespace, struct ush_error *err)
{
	const struct ush_world *world = onboard->kube->world;
	int64_t until_ms = ush_boot_ms(world) + PATIENCE_MS;
	bool waited = false;

	for (;;) {
		int result = ush_lease_take_for(&onboard->lease, &onboard->one_by_one, onboard->kube, state_namespace, onboard->holder, err);

		if (result >= 0 || !onboard->lease.busy || ush_boot_ms(world) >= until_ms)
			return result;
		ush_lease_release(&onboard->lease);
		if (waited && wait_a_little(world) != 0)
			return -1;
		ush_error_clear(err);
		result = waited ? 0 : count(onboard, err);
		if (result != 0)
			return result;
		waited = true;
	}
}

int ush_onboard_take_allowance(struct ush_onboard *onboard, const char *state_namespace, struct ush_error *err)
{
	int result;

	if (onboard->template->max_namespaces == 0 || onboard->kube == NULL)
		return 0;
	onboard->one_by_one = (struct ush_lease_use){USH_ONBOARD_LEASE, "onboarding", count, onboard};
	result = onboard->dry != USH_DRY_NONE ? count(onboard, err) : take_in_turn(onboard, state_namespace, err);
	return result < 0 ? -1 : 0;
}
