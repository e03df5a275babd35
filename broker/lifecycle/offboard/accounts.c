/* SPDX-License-Identifier: Apache-2.0
 *
 * A person's accounts at the providers: each name is looked for at each source, then the sessions of what was found end.
 */
#include <string.h>
#include <strings.h>

#include "broker/lifecycle/offboard/offboard.h"
#include "common/base/memory.h"

static void learn(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_revoked *revoked)
{
	if (!revoked->found)
		return;
	o->known = true;
	if (o->id == NULL && revoked->id != NULL) {
		o->source = ush_strdup(source->name);
		o->id = ush_strdup(revoked->id);
	}
	for (size_t i = 0; i < revoked->names.count; i++)
		ush_spellings_said(&o->names, o->policy, revoked->names.items[i]);
	if (revoked->name != NULL)
		ush_spellings_said(&o->names, o->policy, revoked->name);
	if (revoked->id != NULL)
		ush_spellings_said(&o->names, o->policy, revoked->id);
}

const struct ush_error *ush_offboard_down(const struct ush_offboard_source *s)
{
	for (size_t k = 0; k < s->account_count; k++)
		if (s->accounts[k].failed.code == USH_ERR_UNAVAILABLE)
			return &s->accounts[k].failed;
	return NULL;
}

/* ---- looking ---- */

/* Whom a name before this one meant: by the id, or where there are none, by the name. */
static bool is_same(const struct ush_offboard_account *one, const struct ush_offboard_account *other)
{
	if (strcasecmp(one->name, other->name) == 0)
		return true;
	return one->revoked.found && other->revoked.found && one->revoked.id != NULL && other->revoked.id != NULL && strcmp(one->revoked.id, other->revoked.id) == 0;
}

/* As it is written; and where nobody is called so there, as the API server's name for somebody. */
static int look_for(struct ush_offboard *o, const struct ush_policy_source *source, struct ush_offboard_account *account)
{
	const char *bare = ush_spelling_bare(o->policy, account->name);
	int result = ush_source_revoke(o->sources_world, source, account->name, true, &account->revoked, &account->failed);

	if (result != 0 || account->revoked.found || bare == account->name)
		return result;
	account->name = bare;
	ush_revoked_free(&account->revoked);
	return ush_source_revoke(o->sources_world, source, bare, true, &account->revoked, &account->failed);
}

static int look_at(struct ush_offboard *o, size_t number, struct ush_error *err)
{
	const struct ush_policy_source *source = &o->policy->sources[number];
	struct ush_offboard_source *s = &o->sources[number];

	for (size_t k = 0; k < 1 + o->also->count; k++) {
		struct ush_offboard_account *account = &s->accounts[k];

		account->name = k == 0 ? o->name : o->also->items[k - 1];
		account->same = ush_offboard_down(s) != NULL; /* nobody waits for it twice */
		s->account_count = k + 1;
		if (!account->same && look_for(o, source, account) != 0 && account->revoked.ambiguous) {
			*err = account->failed;
			return ush_hint(err, k == 0 ? "Nothing was done. Say which by the id, in place of the name" : "Nothing was done. Say which by the id: --also ID");
		}
		for (size_t i = 0; i < k && !account->same; i++)
			account->same = is_same(&s->accounts[i], account);
		learn(o, source, &account->revoked);
	}
	return 0;
}

/* ---- ending ---- */

static void end(struct ush_offboard *o, const struct ush_policy_source *source, struct ush_offboard_account *account)
{
	if (o->dry || account->same)
		return;
	if (account->failed.code != USH_ERR_UNAVAILABLE) { /* one that is down was waited for already */
		ush_revoked_free(&account->revoked);
		ush_error_clear(&account->failed);
		ush_source_revoke(o->sources_world, source, account->name, false, &account->revoked, &account->failed);
		learn(o, source, &account->revoked);
	}
	ush_offboard_log_revoked(o, source, account);
}

/* All are looked at first: nobody is signed out when a name turns out to be two people's, or one's own. */
int ush_offboard_revoke(struct ush_offboard *o, struct ush_error *err)
{
	for (size_t i = 0; i < o->policy->source_count; i++) {
		o->sources[i].accounts = ush_alloc((1 + o->also->count) * sizeof *o->sources[i].accounts);
		if (look_at(o, i, err) != 0)
			return -1;
	}
	if (ush_offboard_not_self(o, err) != 0)
		return -1;
	for (size_t i = 0; i < o->policy->source_count; i++)
		for (size_t k = 0; k < o->sources[i].account_count; k++) {
			end(o, &o->policy->sources[i], &o->sources[i].accounts[k]);
			o->maybe |= o->sources[i].accounts[k].failed.code != USH_OK;
		}
	return 0;
}
