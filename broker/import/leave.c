/* SPDX-License-Identifier: Apache-2.0
 *
 * What the reader of policies refuses is left out, so that the rest can be imported: a binding with all its groups (it
 * has one owner, and half of it would take access from the other half), a Role with the bindings that refer to it, a
 * source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/import/import.h"
#include "common/base/memory.h"

static bool equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_binding(const struct ush_import_grant *a, const struct ush_import_grant *b)
{
	return equal(a->binding, b->binding) && equal(a->namespace_name, b->namespace_name) &&
	       (a->selector == b->selector || (a->selector != NULL && b->selector != NULL && json_equal(a->selector, b->selector)));
}

void ush_import_drop_binding(struct ush_import *import, size_t number, const char *why)
{
	const struct ush_import_grant *first = &import->grants[number];

	if (first->dropped)
		return;
	ush_import_left(import, "%s: RoleBinding %s %s", first->from, first->binding, why);
	import->skipped++;
	for (size_t i = 0; i < import->grant_count; i++)
		import->grants[i].dropped |= same_binding(&import->grants[i], first);
}

void ush_import_sweep(struct ush_import *import)
{
	size_t kept = 0;

	for (size_t i = 0; i < import->grant_count; i++)
		if (import->grants[i].dropped)
			ush_import_grant_free(&import->grants[i]);
		else
			import->grants[kept++] = import->grants[i];
	import->grant_count = kept;
}

/* ".group: "*" is everybody" as "cannot stand in a policy (group: ...)". */
static void drop_grant(struct ush_import *import, size_t number, const char *why)
{
	USH_AUTO_FREE char *text = ush_printf("cannot stand in a policy (%s)", *why == '.' ? why + 1 : why);

	ush_import_drop_binding(import, number, text);
}

static void drop_role(struct ush_import *import, const struct ush_import_role *role, const char *why)
{
	USH_AUTO_FREE char *text = ush_printf("refers to %s %s, which cannot stand in a policy (%s)", role->kind, role->ref, *why == '.' ? why + 1 : why);

	for (size_t i = 0; i < import->grant_count; i++)
		if (ush_import_role(import, import->grants[i].role_kind, import->grants[i].role_ref) == role)
			ush_import_drop_binding(import, i, text);
}

static void drop_source(struct ush_import *import, size_t number, const char *why)
{
	struct ush_import_source *source = &import->sources[number];

	ush_import_left(import, "source %s cannot stand in a policy (%s); write it by hand", source->name, *why == '.' ? why + 1 : why);
	import->skipped++;
	ush_import_source_free(source);
	import->source_count--;
	memmove(source, source + 1, (import->source_count - number) * sizeof *source);
}

/* What follows the name in "NAME.member: why", or NULL when it is about another; the reader cuts names at 64 bytes. */
static const char *about(const char *at, const char *name)
{
	size_t length = strnlen(name, 64);

	return strncmp(at, name, length) == 0 && (at[length] == '.' || at[length] == ':') ? at + length + (at[length] == ':' ? 2 : 0) : NULL;
}

/* "policy:12:3: grants[4].group: why": true when it is about something that can be left out, and that is. */
static bool leave_out(struct ush_import *import, const char *fault)
{
	const char *at = strstr(fault, ": "), *why;
	size_t number;
	int length = 0;

	at = at != NULL ? at + 2 : fault;
	if (sscanf(at, "grants[%zu]%n", &number, &length) == 1 && length > 0 && number < import->grant_count) {
		drop_grant(import, number, at + length);
		return true;
	}
	for (size_t i = 0; strncmp(at, "roles.", 6) == 0 && i < import->role_count; i++)
		if ((why = about(at + 6, import->roles[i].name)) != NULL) {
			drop_role(import, &import->roles[i], why);
			return true;
		}
	for (size_t i = 0; strncmp(at, "sources.", 8) == 0 && i < import->source_count; i++)
		if ((why = about(at + 8, import->sources[i].name)) != NULL) {
			drop_source(import, i, why);
			return true;
		}
	return false;
}

struct ush_policy *ush_import_policy(struct ush_import *import, struct ush_buf *out, struct ush_error *err)
{
	struct ush_policy *policy = NULL;
	bool again = true;

	while (policy == NULL && again) {
		struct ush_list faults = {0};

		*err = (struct ush_error){0};
		out->length = 0;
		ush_import_write(import, out);
		policy = ush_policy_read(out->data, out->length, "the policy made of these files", &faults, err);
		again = policy == NULL && faults.count > 0;
		for (size_t i = 0; policy == NULL && i < faults.count; i++)
			again = leave_out(import, faults.items[i]) && again;
		ush_import_sweep(import);
		ush_import_settle(import);
		ush_list_free(&faults);
	}
	return policy;
}
