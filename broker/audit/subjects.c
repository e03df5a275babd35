/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "broker/audit/grants.h"
#include "common/base/memory.h"

#define ACCOUNT_PREFIX "system:serviceaccount:"

struct ush_identity ush_subject_identity(const struct ush_subject *s, char **buffer)
{
	struct ush_identity none = {0};
	size_t prefix = strlen(ACCOUNT_PREFIX);
	char *colon;

	*buffer = NULL;
	if (strcmp(s->kind, "ServiceAccount") == 0)
		return s->namespace_name != NULL ? (struct ush_identity){s->kind, s->namespace_name, s->name} : none;
	if (strcmp(s->kind, "Group") == 0)
		return (struct ush_identity){s->kind, "", s->name};
	if (strcmp(s->kind, "User") != 0)
		return none;
	if (strncmp(s->name, ACCOUNT_PREFIX, prefix) != 0 || strchr(s->name + prefix, ':') == NULL)
		return (struct ush_identity){s->kind, "", s->name};
	*buffer = ush_strdup(s->name + prefix);
	colon = strchr(*buffer, ':');
	*colon = '\0';
	return (struct ush_identity){"ServiceAccount", *buffer, colon + 1};
}

static bool is(const struct ush_identity *who, const char *kind, const char *name)
{
	return strcmp(who->kind, kind) == 0 && strcmp(who->name, name) == 0;
}

bool ush_subject_is_broad(const struct ush_subject *s)
{
	if (strcmp(s->kind, "User") == 0)
		return strcmp(s->name, "system:anonymous") == 0;
	return strcmp(s->kind, "Group") == 0 &&
	       (strcmp(s->name, "system:unauthenticated") == 0 || strcmp(s->name, "system:authenticated") == 0 ||
		strcmp(s->name, "system:serviceaccounts") == 0 || strncmp(s->name, "system:serviceaccounts:", 23) == 0);
}

/* buffer[0] is the identity's, buffer[1] the name of the namespace's group. */
size_t ush_subject_identities(const struct ush_subject *s, struct ush_identity out[USH_IDENTITIES], char *buffer[2])
{
	size_t count = 0;

	buffer[1] = NULL;
	out[count++] = ush_subject_identity(s, &buffer[0]);
	if (out[0].kind == NULL)
		return 0;
	if (is(&out[0], "User", "system:anonymous")) {
		out[count++] = (struct ush_identity){"Group", "", "system:unauthenticated"};
		return count;
	}
	if (is(&out[0], "Group", "system:unauthenticated"))
		return count;
	if (strcmp(out[0].kind, "ServiceAccount") == 0) {
		buffer[1] = ush_printf("system:serviceaccounts:%s", out[0].space);
		out[count++] = (struct ush_identity){"Group", "", buffer[1]};
	}
	if (strcmp(out[0].kind, "ServiceAccount") == 0 ||
	    (strcmp(out[0].kind, "Group") == 0 && strncmp(out[0].name, "system:serviceaccounts:", 23) == 0))
		out[count++] = (struct ush_identity){"Group", "", "system:serviceaccounts"};
	if (!is(&out[0], "Group", "system:authenticated"))
		out[count++] = (struct ush_identity){"Group", "", "system:authenticated"};
	return count;
}

static int compare_holders(const void *a, const void *b)
{
	const struct ush_holder *x = a, *y = b;
	int c = strcmp(x->kind, y->kind);

	c = c != 0 ? c : strcmp(x->space, y->space);
	c = c != 0 ? c : strcmp(x->name, y->name);
	return c != 0 ? c : strcmp(x->scope, y->scope);
}

const struct ush_holder *ush_grants_holder(const struct ush_grants *grants, const struct ush_identity *who,
					   const char *scope)
{
	struct ush_holder key = {.kind = who->kind, .space = who->space, .name = who->name, .scope = scope};

	return grants->holder_count > 0
		       ? bsearch(&key, grants->holders, grants->holder_count, sizeof key, compare_holders)
		       : NULL;
}

bool ush_grants_is_admin(const struct ush_grants *grants, const struct ush_identity *who)
{
	const struct ush_holder *holder = ush_grants_holder(grants, who, "");

	return (holder != NULL && holder->powers.admin) || is(who, "Group", "system:masters");
}

static void add_holders(struct ush_grants *grants, const struct ush_binding *grant)
{
	for (size_t s = 0; s < grant->binding->subject_count; s++) {
		char *buffer;
		struct ush_identity who = ush_subject_identity(&grant->binding->subjects[s], &buffer);
		struct ush_holder holder = {
			.kind = who.kind, .space = who.space, .name = who.name, .powers = grant->powers};

		if (buffer != NULL)
			USH_PUSH(grants->buffers, grants->buffer_count, buffer);
		if (who.kind == NULL)
			continue;
		holder.scope = grant->binding->namespace_name != NULL ? grant->binding->namespace_name : "";
		holder.judged = grant->origin != USH_DEFAULT ? holder.powers.whole | holder.powers.named : 0;
		USH_PUSH(grants->holders, grants->holder_count, holder);
	}
}

void ush_holders_build(struct ush_grants *grants)
{
	size_t kept = 0;

	for (size_t i = 0; i < grants->count; i++)
		if (grants->items[i].role != NULL)
			add_holders(grants, &grants->items[i]);
	if (grants->holder_count > 0)
		qsort(grants->holders, grants->holder_count, sizeof *grants->holders, compare_holders);
	for (size_t i = 0; i < grants->holder_count; i++) {
		struct ush_holder *h = &grants->holders[i];

		if (kept > 0 && compare_holders(&grants->holders[kept - 1], h) == 0) {
			ush_powers_add(&grants->holders[kept - 1].powers, h->powers);
			grants->holders[kept - 1].judged |= h->judged;
		} else {
			grants->holders[kept++] = *h;
		}
	}
	grants->holder_count = kept;
}
