/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/reading.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"

void ush_reading_free(struct ush_reading *r)
{
	ush_api_close(&r->api);
	ush_listing_free(&r->list);
	free(r->counted);
	*r = (struct ush_reading){0};
}

/* ---- groups ---- */

int ush_reading_group(struct ush_reading *r, const char *id, const char *name, int64_t counted, struct ush_error *err)
{
	USH_AUTO_FREE char *path = name != NULL ? ush_printf("/%s", name) : NULL;
	const struct ush_listed group = {.id = id, .name = name, .path = path};

	r->list.groups = r->groups;
	if (ush_listing_add(&r->list, &group, err) != 0)
		return -1;
	USH_PUSH(r->counted, r->counted_count, counted);
	return 0;
}

bool ush_reading_has(const struct ush_reading *r, const char *id)
{
	return id != NULL && ush_listing_find(&r->list, id) >= 0;
}

void ush_reading_begin_again(struct ush_reading *r)
{
	ush_listing_again(&r->list);
}

int ush_reading_again(struct ush_reading *r, const char *id, struct ush_error *err)
{
	const struct ush_listed group = {.id = id, .name = id, .path = "/"};

	return ush_listing_add(&r->list, &group, err);
}

bool ush_reading_agree(struct ush_reading *r)
{
	r->list.groups = r->groups;
	return ush_listing_agrees(&r->list);
}

/* ---- members ---- */

struct crowd {
	struct ush_reading *r;
	const struct ush_people_ops *ops;
	struct ush_people *all;
	size_t count;
	char **targets, **whats; /* one for each of all */
};

int ush_people_add(struct ush_people *people, const char *id, const char *name, enum ush_person state, struct ush_error *err)
{
	bool nameless = name == NULL || *name == '\0';

	if (id == NULL || *id == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "a member of %s has no id", people->group->path);
	if (!ush_seen_add(&people->seen, id))
		return people->repeats ? 0 : ush_fail(err, USH_ERR_INCOMPLETE, "a member of %s came twice: pages repeat, or the group changed while it was read",
						      people->group->path);
	people->listed++;
	if (state == USH_PERSON_DISABLED)
		people->group->disabled++;
	else if (state == USH_PERSON_UNKNOWN || nameless)
		people->group->unresolvable++;
	else
		ush_members_add(&people->group->members, name);
	return 0;
}

static int first(void *context, size_t index, struct ush_api_get *get, struct ush_error *err)
{
	struct crowd *crowd = context;
	struct ush_people *people = &crowd->all[index];

	(void)err;
	crowd->targets[index] = crowd->ops->target(crowd->r, people->group);
	crowd->whats[index] = ush_printf("the members of %s", people->group->path);
	*get = (struct ush_api_get){.target = crowd->targets[index], .what = crowd->whats[index], .extra = crowd->ops->extra};
	return 0;
}

/* What a group has on its last page must be what the provider counts. */
static int check_count(const struct ush_people *people, const struct ush_people_ops *ops, struct ush_error *err)
{
	char listed[32], counted[32];

	if (people->counted < 0 || people->listed == (uint64_t)people->counted || (ops->more && people->listed > (uint64_t)people->counted))
		return 0;
	ush_fail(err, USH_ERR_INCOMPLETE, "%s lists %s members and counts %s", people->group->path, ush_thousands(people->listed, listed, sizeof listed),
		 ush_thousands((size_t)people->counted, counted, sizeof counted));
	return ush_hint(err, "If the group changed just now, the next run will do");
}

static int page(void *context, size_t index, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct crowd *crowd = context;
	struct ush_people *people = &crowd->all[index];

	if (crowd->ops->page(people, answer, next, err) != 0)
		return -1;
	if (*next != NULL)
		return 0;
	ush_seen_free(&people->seen);
	crowd->r->uncounted += people->counted < 0;
	return check_count(people, crowd->ops, err);
}

int ush_reading_people(struct ush_reading *r, const struct ush_people_ops *ops, struct ush_error *err)
{
	struct crowd crowd = {.r = r, .ops = ops};
	struct ush_api_chains chains = {.width = ops->width, .first = first, .page = page, .context = &crowd};
	int result;

	for (size_t i = 0; i < r->groups->count; i++) {
		struct ush_group *group = &r->groups->items[i];

		if (!ush_source_wants_members(r->question, group))
			continue;
		group->members_known = true;
		USH_PUSH(crowd.all, crowd.count, ((struct ush_people){.r = r, .group = group, .counted = r->counted[i], .repeats = ops->repeats}));
	}
	crowd.targets = ush_alloc((crowd.count + 1) * sizeof *crowd.targets);
	crowd.whats = ush_alloc((crowd.count + 1) * sizeof *crowd.whats);
	chains.count = crowd.count;
	result = ush_api_chains(&r->api, &chains, err);
	for (size_t i = 0; i < crowd.count; i++) {
		ush_seen_free(&crowd.all[i].seen);
		free(crowd.targets[i]);
		free(crowd.whats[i]);
	}
	free(crowd.all);
	free(crowd.targets);
	free(crowd.whats);
	return result;
}
