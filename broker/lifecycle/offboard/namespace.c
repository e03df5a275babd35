/* SPDX-License-Identifier: Apache-2.0
 *
 * A namespace: our RoleBindings and Roles in it go, and nothing of ours comes there again. The Namespace stays, and what
 * is not ours in it; that is told.
 */
#include <string.h>

#include "broker/lifecycle/offboard/offboard.h"
#include "broker/policy/naming.h"
#include "broker/policy/pattern.h"
#include "broker/sync/look/owner.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

struct found { /* a RoleBinding or a Role */
	char *name, *role, *foreign;
};

struct room {
	struct ush_offboard *o;
	struct found *bindings, *roles;
	size_t binding_count, role_count;
	struct ush_list accounts, tokens;
	bool absent; /* there is no such namespace */
};

static struct room *room_of(void *context)
{
	return (struct room *)context;
}

/* NULL: ours. The caller frees. */
static char *whose(const struct room *room, const struct ush_item *item)
{
	struct ush_marks marks;
	bool adoptable;

	ush_marks_read(item, &marks);
	if (ush_slice_is(marks.managed_by, USH_MANAGED_BY) && marks.maker == NULL && !item->owned &&
	    ush_slice_member(item->labels, USH_LABEL_ELEVATION).type != 0)
		return NULL;
	return ush_marks_foreign(&marks, item, room->o->policy->name, &adoptable);
}

static int take_object(void *context, struct ush_item *item, struct ush_error *err)
{
	struct room *room = room_of(context);
	struct found found = {0};
	int is = ush_item_rbac(item, USH_ERR_REJECTED, err);

	if (is <= 0)
		return is;
	found.name = ush_slice_copy(item->name);
	found.foreign = whose(room, item);
	if (item->rbac == USH_ROLE_BINDING) {
		found.role = ush_slice_is(item->role_kind, "Role") ? ush_slice_copy(item->role_name) : NULL;
		USH_PUSH(room->bindings, room->binding_count, found);
	} else {
		USH_PUSH(room->roles, room->role_count, found);
	}
	return 0;
}

static void free_found(struct found **items, size_t *count)
{
	for (size_t i = 0; i < *count; i++) {
		free((*items)[i].name);
		free((*items)[i].role);
		free((*items)[i].foreign);
	}
	free(ush_steal(items));
	*count = 0;
}

static void forget_bindings(void *context)
{
	free_found(&room_of(context)->bindings, &room_of(context)->binding_count);
}

static void forget_roles(void *context)
{
	free_found(&room_of(context)->roles, &room_of(context)->role_count);
}

static int take_account(void *context, struct ush_item *item, struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_slice_copy(item->name);

	(void)err;
	if (name != NULL)
		ush_list_add(&room_of(context)->accounts, name);
	return 0;
}

static int take_token(void *context, struct ush_item *item, struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_slice_copy(item->name);

	(void)err;
	if (name != NULL)
		ush_list_add(&room_of(context)->tokens, name);
	return 0;
}

static void forget_accounts(void *context)
{
	ush_list_free(&room_of(context)->accounts);
}

static void forget_tokens(void *context)
{
	ush_list_free(&room_of(context)->tokens);
}

static int look(struct room *room, struct ush_error *err)
{
	const char *space = room->o->name;
	USH_AUTO_FREE char *bindings = ush_rbac_list_path(USH_ROLE_BINDING, space), *roles = ush_rbac_list_path(USH_ROLE, space);
	USH_AUTO_FREE char *accounts = ush_printf("/api/v1/namespaces/%s/serviceaccounts", space);
	USH_AUTO_FREE char *tokens = ush_printf("/api/v1/namespaces/%s/secrets?fieldSelector=type%%3Dkubernetes.io%%2Fservice-account-token", space);
	const struct ush_offboard_list lists[] = {
		{bindings, "RoleBindings", take_object, forget_bindings, false},
		{roles, "Roles", take_object, forget_roles, false},
		{accounts, "ServiceAccounts", take_account, forget_accounts, true},
		{tokens, "Secrets (names of token Secrets)", take_token, forget_tokens, true},
	};

	for (size_t i = 0; i < USH_COUNT(lists); i++)
		if (ush_offboard_read_for(room->o, &lists[i], room, err) != 0)
			return -1;
	return 0;
}

/* ---- away with what is ours ---- */

/* A binding of somebody else that refers to it, or NULL: without its Role it would give nothing. */
static const char *refers(const struct room *room, const char *role)
{
	for (size_t i = 0; i < room->binding_count; i++)
		if (room->bindings[i].foreign != NULL && room->bindings[i].role != NULL && strcmp(room->bindings[i].role, role) == 0)
			return room->bindings[i].name;
	return NULL;
}

static int take_ours(struct room *room, struct ush_error *err)
{
	struct ush_take *takes = ush_alloc((room->binding_count + room->role_count + 1) * sizeof *takes);
	const char *space = room->o->name;
	size_t count = 0, bindings;
	int result;

	for (size_t i = 0; i < room->binding_count; i++)
		if (room->bindings[i].foreign == NULL)
			takes[count++] = (struct ush_take){USH_ROLE_BINDING, space, room->bindings[i].name, NULL, USH_HOLD_OURS, true};
	bindings = count;
	for (size_t i = 0; i < room->role_count; i++)
		if (room->roles[i].foreign == NULL && refers(room, room->roles[i].name) == NULL)
			takes[count++] = (struct ush_take){USH_ROLE, space, room->roles[i].name, NULL, USH_HOLD_OURS, true};
	result = ush_offboard_take(room->o, takes, bindings, err);
	if (result == 0)
		result = ush_offboard_take(room->o, takes + bindings, count - bindings, err);
	free(takes);
	return result;
}

/* ---- what stays ---- */

static void tell_others(struct room *room)
{
	struct ush_offboard *o = room->o;

	for (size_t i = 0; i < room->binding_count; i++) {
		const struct found *found = &room->bindings[i];
		USH_AUTO_FREE char *name = ush_text_word(found->name), *command = ush_printf("%s delete rolebinding -n %s -- %s", o->kubectl, o->name, name);

		if (found->foreign != NULL)
			ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "binding", .todo = true, .command = command,
								     .more = json_pack("{s:s, s:s, s:s, s:s}", "object", "RoleBinding", "namespace", o->name, "name", found->name,
										       "owner", found->foreign)},
				       "RoleBinding %s/%s, %s: who is in it stays", o->name, found->name, found->foreign);
	}
	for (size_t i = 0; i < room->role_count; i++)
		if (room->roles[i].foreign == NULL && refers(room, room->roles[i].name) != NULL)
			ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "role", .todo = true}, "Role %s/%s (ours): RoleBinding %s, which is not ours, refers to it",
				       o->name, room->roles[i].name, refers(room, room->roles[i].name));
}

static void tell_rest(struct room *room)
{
	struct ush_offboard *o = room->o;

	if (room->accounts.count > 0)
		ush_report_add(o->report, &(struct ush_line){.word = "stays", .kind = "service-accounts", .more = json_pack("{s:o}", "names", ush_list_json(&room->accounts))},
			       "%zu ServiceAccount%s in %s", room->accounts.count, room->accounts.count == 1 ? "" : "s", o->name);
	for (size_t i = 0; i < room->tokens.count; i++) {
		USH_AUTO_FREE char *command = ush_printf("%s delete secret -n %s %s --ignore-not-found", o->kubectl, o->name, room->tokens.items[i]);

		ush_report_add(o->report, &(struct ush_line){.word = "until", .kind = "token-secret", .todo = true, .until = USH_UNTIL_NEVER, .command = command,
							     .more = json_pack("{s:s, s:s}", "namespace", o->name, "name", room->tokens.items[i])},
			       "token Secret %s/%s: its token has no end. Rotate", o->name, room->tokens.items[i]);
	}
	if (room->absent)
		ush_report_add(o->report, &(struct ush_line){.word = "absent", .kind = "namespace"}, "there is no namespace %s", o->name);
	else
		ush_report_add(o->report, &(struct ush_line){.word = "stays", .kind = "namespace"}, "Namespace %s itself, and whatever runs in it", o->name);
}

/* ---- is there such a namespace? ---- */

static int offer(void *context, struct ush_item *item, struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_slice_copy(item->name);

	(void)err;
	if (name != NULL)
		ush_near_offer(&room_of(context)->o->near, name);
	return 0;
}

static void forget_nothing(void *context)
{
	(void)context;
}

static bool is_granted(const struct ush_offboard *o)
{
	for (size_t i = 0; i < o->policy->grant_count; i++)
		if (ush_list_has(&o->policy->grants[i].namespaces, o->name))
			return true;
	return false;
}

static int need_namespace(struct room *room, struct ush_error *err)
{
	static const struct ush_offboard_list spaces = {"/api/v1/namespaces", "Namespaces", offer, forget_nothing, true};
	USH_AUTO_FREE char *path = ush_printf("/api/v1/namespaces/%s", room->o->name), *near = NULL;
	struct ush_error why = {0};
	USH_AUTO_JSON there = NULL;
	int status = 0;

	if (ush_kube_get(room->o->kube, path, &status, &there, &why) != 0 && why.code != USH_ERR_REFUSED) {
		*err = why;
		return -1;
	}
	room->absent = there == NULL && why.code == USH_OK;
	if (!room->absent || room->o->anyway || is_granted(room->o))
		return 0;
	room->o->near = (struct ush_near){.wanted = room->o->name};
	if (ush_offboard_read_for(room->o, &spaces, room, err) != 0)
		return -1;
	near = ush_near_text(&room->o->near);
	ush_fail(err, USH_DIFFERENCES, "there is no namespace %.63s%s; nothing was done", room->o->name, near);
	return ush_hint(err, "To keep the name out all the same: --anyway");
}

int ush_offboard_namespace(struct ush_offboard *o, struct ush_error *err)
{
	struct room room = {.o = o};
	struct ush_error ledger = {0};
	int result = need_namespace(&room, err);

	if (result == 0) {
		ush_offboard_deny(o, &ledger);
		result = look(&room, err);
		if (result == 0)
			result = take_ours(&room, err);
		tell_others(&room);
		tell_rest(&room);
	} else if (err->code != USH_DIFFERENCES) { /* the API server does not answer; the entry may get through all the same */
		ush_offboard_deny(o, &ledger);
		ush_report_add(o->report, &(struct ush_line){.word = "unknown", .kind = "namespace", .todo = true, .command = o->again},
			       "nothing in %s was looked at, and nothing taken away: %s. Run again", o->name, err->what);
	}
	free_found(&room.bindings, &room.binding_count);
	free_found(&room.roles, &room.role_count);
	ush_list_free(&room.accounts);
	ush_list_free(&room.tokens);
	return result;
}
