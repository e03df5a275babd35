/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/revoke.h"

#include <string.h>

#include "broker/source/record.h"
#include "broker/source/revoke_ask.h"
#include "common/base/memory.h"

void ush_revoked_free(struct ush_revoked *revoked)
{
	free(revoked->where);
	free(revoked->id);
	free(revoked->name);
	free(revoked->called);
	ush_list_free(&revoked->names);
	ush_list_free(&revoked->groups);
	ush_list_free(&revoked->done);
	ush_list_free(&revoked->left);
	*revoked = (struct ush_revoked){0};
}

/* The layer below knows failures as "incomplete" alone, which nothing is here. */
static int settle(const struct ush_revoke *r, const struct ush_error *why, struct ush_error *err)
{
	bool unread = why->code == USH_ERR_INCOMPLETE;
	enum ush_code code = unread ? r->api.failure != USH_OK ? r->api.failure : USH_ERR_REJECTED : why->code;

	ush_fail(err, code, "%s", why->what);
	if (why->hint[0] != '\0')
		ush_hint(err, "%s", why->hint);
	return ush_error_at(err, "source %s", r->source->name);
}

static bool is_no_name(const char *person)
{
	return *person == '\0' || strcmp(person, ".") == 0 || strcmp(person, "..") == 0;
}

int ush_source_revoke(const struct ush_world *world, const struct ush_policy_source *source, const char *person, bool dry, struct ush_revoked *out,
		      struct ush_error *err)
{
	const struct ush_source_ops *ops = ush_source_ops_of(source);
	struct ush_revoke r = {.world = world, .source = source, .person = person, .dry = dry, .out = out};
	struct ush_error why = {0};
	int result = 0;

	if (ops == NULL)
		return ush_fail(err, USH_ERR_CONFIG, "source %s: this usher-broker was built without %s", source->name, source->kind->type);
	*out = (struct ush_revoked){.where = ops->where(source), .supported = ops->revoke != NULL, .token_seconds = -1};
	if (ops->revoke == NULL || is_no_name(person))
		return 0;
	if (ush_recorded(world))
		ush_recorder_begin(world->recorder, source->name);
	result = ops->revoke(&r, &why);
	if (out->found && ush_revoke_called(source) == NULL)
		out->called = ush_strdup(out->name);
	ush_list_sort(&out->names);
	ush_list_sort(&out->groups);
	if (result != 0)
		settle(&r, &why, err);
	ush_api_close(&r.api);
	return result;
}
