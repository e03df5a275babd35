/* SPDX-License-Identifier: Apache-2.0
 *
 * What the providers are told and asked: sessions ended, what the person is called there, in which groups.
 */
#include <string.h>

#include "broker/lifecycle/offboard.h"
#include "broker/policy/naming.h"
#include "common/base/memory.h"

/* ---- ending sessions ---- */

static void journal_revoked(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_revoked *revoked)
{
	struct ush_error kept = {0}; /* told once, when the log is closed */
	json_t *done = json_array();

	for (size_t i = 0; i < revoked->done.count; i++)
		json_array_append_new(done, json_string(revoked->done.items[i]));
	if (!o->dry && revoked->done.count > 0)
		ush_journal_add(o->journal, "user.revoked", json_pack("{s:s, s:s, s:s?, s:o}", "source", source->name, "user", o->name, "id", revoked->id, "done", done),
				&kept);
	else
		json_decref(done);
}

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
		ush_spellings_add(&o->names, o->policy, revoked->names.items[i]);
	if (revoked->name != NULL)
		ush_spellings_add(&o->names, o->policy, revoked->name);
	if (revoked->id != NULL)
		ush_spellings_add(&o->names, o->policy, revoked->id);
}

/* All are looked at first: nobody is signed out when the name turns out to be two people's, or one's own. */
static int look(struct ush_offboard *o, struct ush_error *err)
{
	for (size_t i = 0; i < o->policy->source_count; i++) {
		struct ush_offboard_source *s = &o->sources[i];

		if (ush_source_revoke(o->sources_world, &o->policy->sources[i], o->name, true, &s->revoked, &s->failed) != 0 && s->revoked.ambiguous) {
			*err = s->failed;
			return ush_hint(err, "Nothing was done. Say which by the id: usher-broker offboard user ID");
		}
		learn(o, &o->policy->sources[i], &s->revoked);
	}
	return ush_offboard_not_self(o, err);
}

static int revoke(struct ush_offboard *o, struct ush_error *err)
{
	if (look(o, err) != 0)
		return -1;
	for (size_t i = 0; i < o->policy->source_count; i++) {
		struct ush_offboard_source *s = &o->sources[i];

		if (!o->dry && s->failed.code != USH_ERR_UNAVAILABLE) { /* one that is down was waited for already */
			ush_revoked_free(&s->revoked);
			ush_error_clear(&s->failed);
			ush_source_revoke(o->sources_world, &o->policy->sources[i], o->name, false, &s->revoked, &s->failed);
			learn(o, &o->policy->sources[i], &s->revoked);
			journal_revoked(o, &o->policy->sources[i], &s->revoked);
		}
		o->maybe |= s->failed.code != USH_OK;
	}
	return 0;
}

/* ---- groups ---- */

static void note_in(struct ush_offboard_source *s, size_t place)
{
	USH_PUSH(s->in, s->in_count, place);
}

static bool is_member(struct ush_offboard *o, const struct ush_offboard_source *s, const struct ush_group *group)
{
	bool found = ush_list_holds(&s->revoked.groups, group->id);

	for (size_t i = 0; group->members_known && i < group->members.count; i++) {
		if (!found && ush_spellings_have(&o->names, group->members.items[i]))
			found = true;
		if (!o->known)
			ush_near_offer(&o->near, group->members.items[i]);
	}
	return found;
}

static bool is_meant(const struct ush_offboard *o, const struct ush_group *group)
{
	USH_AUTO_FREE char *text = ush_name_group(o->policy, group->id, group->name, group->path);

	ush_near_offer((struct ush_near *)&o->near, group->path);
	ush_near_offer((struct ush_near *)&o->near, group->name);
	return strcmp(group->id, o->name) == 0 || strcmp(text, o->name) == 0 || ush_name_refers(o->name, group->id, group->name, group->path, o->policy->group_name);
}

/* Whose members are read: of somebody of whom the provider says the groups, those that grants mean; else everybody's. */
static int read_groups(struct ush_offboard *o, size_t number)
{
	struct ush_offboard_source *s = &o->sources[number];
	struct ush_list refs = {0}, patterns = {0};
	bool person = o->kind == USH_LEDGER_USER;
	struct ush_source_question question = {.source = &o->policy->sources[number], .refs = &refs, .patterns = &patterns, .how = o->policy->group_name,
					       .all_members = person && s->revoked.groups.count == 0};
	int result;

	for (size_t i = 0; person && i < o->policy->grant_count; i++) {
		const struct ush_grant *grant = &o->policy->grants[i];

		if (grant->source == number)
			ush_list_add(grant->group != NULL ? &refs : &patterns, grant->group != NULL ? grant->group : grant->group_pattern);
	}
	if (!person)
		ush_list_add(&refs, o->name);
	result = ush_source_read(o->sources_world, &question, &s->groups, &s->unread);
	if (result == 0 && !s->groups.complete)
		ush_fail(&s->unread, USH_ERR_INCOMPLETE, "%s", s->groups.why);
	ush_list_free(&refs);
	ush_list_free(&patterns);
	return result;
}

static void read_source(struct ush_offboard *o, size_t number)
{
	struct ush_offboard_source *s = &o->sources[number];

	if (s->failed.code == USH_ERR_UNAVAILABLE) { /* it is down: nobody waits for it twice */
		s->unread = s->failed;
		return;
	}
	if (read_groups(o, number) != 0)
		return;
	for (size_t i = 0; i < s->groups.count; i++)
		if (o->kind == USH_LEDGER_USER ? is_member(o, s, &s->groups.items[i]) : is_meant(o, &s->groups.items[i]))
			note_in(s, i);
	o->known |= s->in_count > 0;
}

/* One name, two groups: which one is to go is not for us to say. */
static int one_group(struct ush_offboard *o, struct ush_error *err)
{
	const struct ush_group *first = NULL;

	for (size_t i = 0; i < o->policy->source_count; i++)
		for (size_t k = 0; k < o->sources[i].in_count; k++) {
			const struct ush_group *group = &o->sources[i].groups.items[o->sources[i].in[k]];

			if (first != NULL) {
				ush_fail(err, USH_ERR_REFUSED, "%.100s is the name of two groups: %.80s (id %.60s) and %.80s (id %.60s)", o->name, first->path, first->id,
					 group->path, group->id);
				return ush_hint(err, "Say which, by its path or id");
			}
			first = group;
			o->source = ush_strdup(o->policy->sources[i].name);
			o->id = ush_strdup(group->id);
		}
	return 0;
}

int ush_offboard_sources(struct ush_offboard *o, struct ush_error *err)
{
	if (o->asked)
		return 0;
	o->sources = ush_alloc((o->policy->source_count + 1) * sizeof *o->sources);
	o->asked = true;
	if (o->kind == USH_LEDGER_NAMESPACE)
		return 0;
	o->near = (struct ush_near){.wanted = o->name, .prefix = o->kind == USH_LEDGER_USER ? o->policy->user_prefix : o->policy->group_prefix};
	if (o->kind == USH_LEDGER_USER) {
		ush_spellings_add(&o->names, o->policy, o->name);
		for (size_t i = 0; i < o->also->count; i++)
			ush_spellings_add(&o->names, o->policy, o->also->items[i]);
		return revoke(o, err);
	}
	for (size_t i = 0; i < o->policy->source_count; i++) {
		read_source(o, i);
		o->maybe |= o->sources[i].unread.code != USH_OK;
	}
	return one_group(o, err);
}

/* ---- the person's groups: after the ledger ---- */

void ush_offboard_read_groups(struct ush_offboard *o)
{
	for (size_t i = 0; o->kind == USH_LEDGER_USER && i < o->policy->source_count; i++)
		if (o->sources[i].groups.where == NULL && o->sources[i].unread.code == USH_OK)
			read_source(o, i);
}

/* ---- lines ---- */

static char *joined(const struct ush_list *list)
{
	struct ush_buf out = {0};

	for (size_t i = 0; i < list->count; i++)
		ush_buf_printf(&out, "%s%s", i > 0 ? ", " : "", list->items[i]);
	return ush_buf_take(&out);
}

static void tell_failed(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_error *why)
{
	bool person = o->kind == USH_LEDGER_USER;
	USH_AUTO_FREE char *hint = why->hint[0] != '\0' ? ush_printf(" (%s)", why->hint) : ush_strdup("");

	ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "source", .todo = true, .command = o->again,
						     .more = json_pack("{s:s}", "source", source->name)},
		       "%s: %s%s. Run again when it answers", person ? "sessions were not ended" : "not read", why->what, hint);
}

static void tell_revoked(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_revoked *revoked)
{
	USH_AUTO_FREE char *done = joined(&revoked->done);
	json_t *sessions = revoked->sessions == SIZE_MAX ? json_null() : json_integer((json_int_t)revoked->sessions);

	if (!revoked->found) {
		json_decref(sessions);
		ush_report_add(o->report, &(struct ush_line){.word = "absent", .kind = "person", .more = json_pack("{s:s}", "source", source->name)},
			       "%s knows no %s", revoked->where, o->name);
		return;
	}
	ush_report_add(o->report, &(struct ush_line){.word = "revoked", .kind = "sessions",
						     .more = json_pack("{s:s, s:s?, s:o}", "source", source->name, "id", revoked->id, "sessions", sessions)},
		       "sessions and refresh tokens at %s (%s)", revoked->where, *done != '\0' ? done : "there were none");
	for (size_t i = 0; i < revoked->left.count; i++)
		ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "session", .todo = true, .more = json_pack("{s:s}", "source", source->name)},
			       "%s at %s", revoked->left.items[i], revoked->where);
}

/* How long what was issued a moment ago is believed. The API server remembers a yes for ten seconds. */
#define REMEMBERED 10

static void tell_until(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_revoked *revoked, int64_t now)
{
	int64_t seconds = revoked->token_seconds >= 0 ? revoked->token_seconds : o->policy->token_lifetime;
	const struct ush_offboard_source *s = &o->sources[source - o->policy->sources];
	bool gone = !revoked->found && revoked->supported && s->failed.code == USH_OK && !o->known; /* what was issued before the account went lives on */
	char issued[32];

	if (!revoked->found && !gone && (revoked->supported || s->in_count == 0))
		return;
	ush_report_add(o->report,
		       &(struct ush_line){.word = "until", .kind = "id-token", .until = seconds > 0 ? now + seconds + REMEMBERED : USH_UNTIL_UNKNOWN,
					  .more = json_pack("{s:s, s:s}", "source", source->name, "issued", ush_report_time(now, issued))},
		       gone ? "the account may have been deleted a moment ago: an ID token that source %s issued before stays valid at the API server"
		       : seconds > 0 ? "an ID token of source %s stays valid at the API server, when it was issued a moment ago"
				   : "how long an ID token of source %s lives is not known: it stays valid at the API server for that long (say cluster.tokenLifetime)",
		       source->name);
}

/* Who may sign in again comes back by the groups. */
static void tell_account(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_offboard_source *s)
{
	const struct ush_revoked *revoked = &s->revoked;
	json_t *more = json_pack("{s:s}", "source", source->name);

	if (revoked->found && revoked->enabled)
		ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "account", .todo = true, .more = json_incref(more)},
			       "%s may sign in again at %s: disable the account there", o->name, revoked->where);
	else if (!revoked->supported && s->in_count > 0)
		ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "account", .todo = true, .more = json_incref(more)},
			       "%s lists %s in %zu group%s: take them out there (this kind of source ends no sessions)", revoked->where != NULL ? revoked->where : source->name,
			       o->name, s->in_count, s->in_count == 1 ? "" : "s");
	json_decref(more);
}

void ush_offboard_tell_sources(struct ush_offboard *o)
{
	int64_t now = o->kube != NULL ? ush_kube_now(o->kube) : ush_now(o->sources_world);

	for (size_t i = 0; i < o->policy->source_count; i++) {
		const struct ush_policy_source *source = &o->policy->sources[i];
		struct ush_offboard_source *s = &o->sources[i];

		if (s->failed.code != USH_OK)
			tell_failed(o, source, &s->failed);
		if (s->revoked.supported && (s->failed.code == USH_OK || s->revoked.found))
			tell_revoked(o, source, &s->revoked);
		if (s->unread.code != USH_OK && s->failed.code == USH_OK)
			ush_report_add(o->report, &(struct ush_line){.word = "unknown", .kind = "groups", .more = json_pack("{s:s}", "source", source->name)},
				       "groups of source %s: %s", source->name, s->unread.what);
		if (o->kind == USH_LEDGER_USER) {
			tell_until(o, source, &s->revoked, now);
			tell_account(o, source, s);
		}
	}
}
