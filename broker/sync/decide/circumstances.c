/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of a run as a whole, whether or not it has anything to write: what no change of it shows and somebody should
 * know.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"

static void tell(struct ush_decide *d, enum ush_action action, char *line)
{
	ush_plan_add(d->plan, action, USH_ROLE_BINDING, "", "", line);
}

/* Such a binding gives nothing to anybody, and the one who runs this believes that it does. */
static void tell_cluster_roles(struct ush_decide *d)
{
	USH_AUTO_FREE size_t *bindings = ush_alloc((d->policy->role_count + 1) * sizeof *bindings);

	for (size_t i = 0; i < d->desired->count; i++) {
		const struct ush_shape *shape = ush_wanted_shape(d->desired, i);

		bindings[shape->role] += shape->kind == USH_ROLE_BINDING;
	}
	for (size_t i = 0; d->in->observed->cluster_roles_known && i < d->policy->role_count; i++) {
		const char *name = d->policy->roles[i].cluster_role;

		if (name != NULL && bindings[i] > 0 && !ush_observed_has_cluster_role(d->in->observed, name))
			tell(d, USH_CONFLICT, ush_printf("ClusterRole %s (role %s) is not there, so %zu binding%s nothing", name, d->policy->roles[i].name, bindings[i],
							 bindings[i] == 1 ? " gives" : "s give"));
	}
}

static void tell_state(struct ush_decide *d)
{
	USH_AUTO_FREE char *name = ush_state_name(d->policy->name);
	size_t count = d->in->observed->bindings_ours;
	const char *end = "";

	if (d->in->state_missing && count > 0 && d->desired->ledger != NULL && d->desired->ledger->uid == NULL)
		end = ", and if anybody was offboarded they are let in again, for there is no ledger either";
	if (d->in->state_missing && count > 0)
		tell(d, USH_NOTE, ush_printf("ConfigMap %s/%s, which says what runs before this one saw, is not there although %zu binding%s of ours %s (somebody deleted "
					     "it, or onboard made them before a first apply): groups that are gone are counted anew%s",
					     d->plan->state_namespace != NULL ? d->plan->state_namespace : "", name, count, count == 1 ? "" : "s",
					     count == 1 ? "is" : "are", end));
}

/* What their bindings end for: each of these says only that no grant wants it. */
static void tell_unreached(struct ush_decide *d)
{
	const struct ush_unreached *unreached = &d->desired->places->unreached;

	for (size_t i = 0; i < unreached->count && !d->desired->places->few; i++)
		tell(d, USH_NOTE, ush_unreached_words(&unreached->items[i], d->policy, d->desired->way));
}

static void tell_excluded(struct ush_decide *d)
{
	size_t count = d->in->observed->excluded;

	if (count > 0)
		tell(d, USH_NOTE, ush_printf("%zu object%s of ours %s in namespaces that are excluded: left as %s", count, count == 1 ? "" : "s",
					     count == 1 ? "stands" : "stand", count == 1 ? "it is" : "they are"));
}

/* People whom no binding may name, as none may name such a group. */
static void tell_refused(struct ush_decide *d)
{
	const char *prefix = d->policy->user_prefix != NULL ? d->policy->user_prefix : "", *first = NULL, *why = NULL;
	struct ush_keys groups = {0}, people = {0};
	size_t count = 0;

	for (size_t i = 0; d->policy->layout == USH_LAYOUT_USERS && i < d->desired->resolved_count; i++) {
		const struct ush_resolved *r = &d->desired->resolved[i];

		if (r->fate != USH_FATE_PRESENT || ush_keys_has(&groups, (uintptr_t)r->group))
			continue;
		ush_keys_add(&groups, (uintptr_t)r->group);
		for (size_t j = 0; j < r->group->members.count; j++) {
			USH_AUTO_FREE char *text = ush_printf("%s%s", prefix, r->group->members.items[j]);
			const char *refused = ush_name_group_refused(text);
			uint64_t key = refused != NULL ? ush_texts_hash(text, strlen(text)) : 0;

			if (refused == NULL || ush_keys_has(&people, key))
				continue;
			ush_keys_add(&people, key);
			if (count++ == 0) {
				first = r->group->members.items[j];
				why = refused;
			}
		}
	}
	if (count > 0)
		tell(d, USH_NOTE, ush_printf("%zu %s in no binding for what %s called: \"%s\" %s%s", count, count == 1 ? "person is" : "people are",
					     count == 1 ? "he is" : "they are", first, why, count > 1 ? ", and others" : ""));
	ush_keys_free(&groups);
	ush_keys_free(&people);
}

void ush_decide_circumstances(struct ush_decide *d)
{
	tell_cluster_roles(d);
	tell_state(d);
	tell_unreached(d);
	tell_excluded(d);
	tell_refused(d);
}
