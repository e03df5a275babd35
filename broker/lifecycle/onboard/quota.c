/* SPDX-License-Identifier: Apache-2.0
 *
 * What runs already where a quota is new. A namespace that was made by this run runs nothing.
 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static int add_pod(void *context, json_t *item, struct ush_error *err)
{
	(void)err;
	return json_array_append(context, item);
}

static void begin_again(void *context)
{
	json_array_clear(context);
}

static void check_quota(struct ush_onboard *onboard, const struct ush_onboard_space *space, const json_t *quota)
{
	USH_AUTO_JSON pods = json_array();
	USH_AUTO_FREE char *path = ush_printf("/api/v1/namespaces/%s/pods", space->name);
	const struct ush_kube_list list = {.path = path, .item = add_pod, .restart = begin_again, .context = pods};
	struct ush_list lines = {0};
	struct ush_error err = {0};

	if (ush_kube_list_all(onboard->kube, &list, NULL, NULL, &err) != 0) {
		USH_AUTO_FREE char *line = ush_printf("%s: nobody could look whether the quota fits what runs: %s", space->name, err.what);

		ush_list_add(&onboard->warnings, line);
		return;
	}
	ush_onboard_over(quota, pods, &lines);
	for (size_t i = 0; i < lines.count; i++) {
		USH_AUTO_FREE char *line = ush_printf("%s: %s", space->name, lines.items[i]);

		ush_list_add(&onboard->warnings, line);
	}
	ush_list_free(&lines);
}

void ush_onboard_check_quotas(struct ush_onboard *onboard)
{
	const json_t *object;
	size_t k;

	json_array_foreach(onboard->objects, k, object) {
		if (strcmp(ush_json_string(object, "kind"), "ResourceQuota") != 0)
			continue;
		for (size_t i = 0; i < onboard->space_count && onboard->stopped.code == USH_OK; i++) {
			const struct ush_onboard_space *space = &onboard->spaces[i];
			enum ush_onboard_outcome outcome = space->things[k].outcome;

			if (!space->is_new && (outcome == USH_ONBOARD_CREATED || outcome == USH_ONBOARD_PATCHED || outcome == USH_ONBOARD_WOULD_CREATE ||
					       outcome == USH_ONBOARD_WOULD_PATCH))
				check_quota(onboard, space, object);
		}
	}
}
