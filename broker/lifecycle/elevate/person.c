/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the sources know the person whom somebody means by a name. A provider that can be asked for one person is; of the
 * others the groups are read, with everybody's names.
 */
#include <string.h>
#include <strings.h>

#include "broker/lifecycle/elevate/elevate.h"
#include "broker/lifecycle/offboard/names.h"
#include "broker/source/revoke.h"
#include "broker/source/source.h"
#include "common/base/memory.h"

struct asking {
	const struct ush_world *world;
	const char *bare; /* as sources write people */
	bool known;
	struct ush_list otherwise; /* how they write the one who is meant */
	const char *source;	   /* that writes the first so */
	struct ush_near near;
	char *unasked; /* why one of them could not say, or NULL */
};

static size_t before_at(const char *name)
{
	return strcspn(name, "@");
}

/* But for case, or for what is behind the @ of one of the two. */
static bool is_meant(const char *one, const char *other)
{
	size_t length = before_at(one);

	if (strcasecmp(one, other) == 0)
		return true;
	return length > 0 && length == before_at(other) && (one[length] == '\0') != (other[length] == '\0') && strncasecmp(one, other, length) == 0;
}

static void add_otherwise(struct asking *a, const struct ush_policy_source *source, const char *name)
{
	if (a->source == NULL)
		a->source = source->name;
	if (!ush_list_has(&a->otherwise, name))
		ush_list_add(&a->otherwise, name);
}

static void note_unasked(struct asking *a, const struct ush_policy_source *source, const char *why)
{
	if (a->unasked == NULL)
		a->unasked = strncmp(why, "source ", 7) == 0 ? ush_strdup(why) : ush_printf("source %s: %s", source->name, why);
}

/* False: this one cannot be asked for one person. */
static bool look_up(struct asking *a, const struct ush_policy_source *source)
{
	USH_AUTO_REVOKED person = {0};
	struct ush_error why = {0};
	int result;

	if (strcmp(source->kind->type, "command") == 0) /* which says nothing before it ends something */
		return false;
	result = ush_source_revoke(a->world, source, a->bare, true, &person, &why);
	if (person.called == NULL && !person.supported && why.code != USH_ERR_UNAVAILABLE)
		return false;
	if (person.called != NULL && strcmp(person.called, a->bare) == 0)
		a->known = true;
	else if (person.called != NULL)
		add_otherwise(a, source, person.called);
	else if (result != 0)
		note_unasked(a, source, why.what);
	return true;
}

static void read_all(struct asking *a, const struct ush_policy *policy, const struct ush_policy_source *source)
{
	const struct ush_list none = {0};
	const struct ush_source_question question = {.source = source, .refs = &none, .how = policy->group_name, .all_members = true};
	USH_AUTO_GROUPS groups = {0};
	struct ush_error why = {0};

	if (ush_source_read(a->world, &question, &groups, &why) != 0)
		note_unasked(a, source, why.what);
	else if (!groups.complete)
		note_unasked(a, source, groups.why);
	for (size_t i = 0; i < groups.count; i++)
		for (size_t k = 0; k < groups.items[i].members.count; k++) {
			const char *member = groups.items[i].members.items[k];

			if (strcmp(member, a->bare) == 0)
				a->known = true;
			else if (is_meant(a->bare, member))
				add_otherwise(a, source, member);
			else
				ush_near_offer(&a->near, member);
		}
}

static int otherwise(const struct asking *a, const char *name, struct ush_error *err)
{
	USH_AUTO_FREE char *more = a->otherwise.count > 1 ? ush_printf(" or %.150s", a->otherwise.items[1]) : ush_strdup("");

	ush_fail(err, USH_ERR_USAGE, "no source calls anybody %.150s: source %.60s calls them %.150s%s", a->bare, a->source, a->otherwise.items[0], more);
	return ush_hint(err, "Say it so; and if the API server does call somebody %.150s (kubectl auth whoami, said by them): --anyway", name);
}

int ush_elevate_know(const struct ush_world *world, const struct ush_policy *policy, const char *name, char **unknown, struct ush_error *err)
{
	struct asking a = {.world = world, .bare = ush_spelling_bare(policy, name)};
	USH_AUTO_FREE char *near = NULL;
	int result = 0;

	a.near = (struct ush_near){.wanted = a.bare};
	for (size_t i = 0; i < policy->source_count && !a.known; i++)
		if (!look_up(&a, &policy->sources[i]))
			read_all(&a, policy, &policy->sources[i]);
	near = ush_near_text(&a.near);
	if (!a.known && a.otherwise.count > 0)
		result = otherwise(&a, name, err);
	else if (!a.known)
		*unknown = a.unasked != NULL ? ush_printf("whether a source knows %s could not be asked: %s", a.bare, a.unasked)
					     : ush_printf("no source knows a person %s%s", a.bare, near);
	ush_list_free(&a.otherwise);
	ush_near_free(&a.near);
	free(a.unasked);
	return result;
}
