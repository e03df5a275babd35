/* SPDX-License-Identifier: Apache-2.0
 *
 * What the providers did and said, in lines.
 */
#include <string.h>

#include "broker/lifecycle/offboard/offboard.h"
#include "common/base/memory.h"

/* ---- one account ---- */

static void tell_failed(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_offboard_account *account)
{
	const struct ush_error *why = &account->failed;
	USH_AUTO_FREE char *hint = why->hint[0] != '\0' ? ush_printf(" (%s)", why->hint) : ush_strdup("");
	bool down = why->code == USH_ERR_UNAVAILABLE;

	ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "source", .todo = true, .command = o->again,
						     .more = json_pack("{s:s, s:s}", "source", source->name, "user", account->name)},
		       "%s: %s%s. Run again%s", account->revoked.done.count > 0 ? "not everything was ended" : "sessions were not ended", why->what, hint,
		       down ? " when it answers" : "");
}

/* What was done, also when the rest then failed. */
static void tell_revoked(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_offboard_account *account)
{
	const struct ush_revoked *revoked = &account->revoked;
	bool whole = account->failed.code == USH_OK;
	USH_AUTO_FREE char *done = ush_list_text(&revoked->done), *whose = strcmp(account->name, o->name) != 0 ? ush_printf(" of %s", account->name) : ush_strdup("");
	json_t *sessions = revoked->sessions == SIZE_MAX ? json_null() : json_integer((json_int_t)revoked->sessions);
	struct ush_line line = {.word = "revoked", .kind = "sessions",
				.more = json_pack("{s:s, s:s, s:s?, s:o}", "source", source->name, "user", account->name, "id", revoked->id, "sessions", sessions)};

	if (whole)
		ush_report_add(o->report, &line, "sessions and refresh tokens%s at %s (%s)", whose, revoked->where, *done != '\0' ? done : "there were none");
	else if (*done != '\0')
		ush_report_add(o->report, &line, "a part of what is open%s at %s: %s", whose, revoked->where, done);
	else
		json_decref(line.more);
	for (size_t i = 0; whole && i < revoked->left.count; i++)
		ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "session", .todo = true, .more = json_pack("{s:s}", "source", source->name)},
			       "%s%s at %s", revoked->left.items[i], whose, revoked->where);
}

/* Who may sign in again comes back by the groups. */
static void tell_enabled(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_offboard_account *account)
{
	if (account->revoked.found && account->revoked.enabled)
		ush_report_add(o->report,
			       &(struct ush_line){.word = "left", .kind = "account", .todo = true,
						  .more = json_pack("{s:s, s:s, s:s?}", "source", source->name, "user", account->name, "id", account->revoked.id)},
			       "%s may sign in again at %s: disable the account there", account->name, account->revoked.where);
}

/* ---- one source ---- */

static bool is_found(const struct ush_offboard_source *s)
{
	for (size_t k = 0; k < s->account_count; k++)
		if (s->accounts[k].revoked.found)
			return true;
	return false;
}

/* It was asked for every name, and answered. */
static bool has_answered(const struct ush_offboard_source *s)
{
	for (size_t k = 0; k < s->account_count; k++)
		if (s->accounts[k].failed.code != USH_OK)
			return false;
	return s->account_count > 0 && ush_offboard_down(s) == NULL;
}

static void tell_absent(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_offboard_source *s)
{
	const struct ush_revoked *first = s->account_count > 0 ? &s->accounts[0].revoked : NULL;

	if (has_answered(s) && first->supported && !is_found(s))
		ush_report_add(o->report, &(struct ush_line){.word = "absent", .kind = "person", .more = json_pack("{s:s}", "source", source->name)}, "%s knows no %s%s",
			       first->where, o->name, s->account_count > 1 ? ", nor anybody of the other names" : "");
}

/* How long what was issued a moment ago is believed. The API server remembers a yes for ten seconds. */
#define REMEMBERED 10

static int64_t lifetime(const struct ush_offboard *o, const struct ush_offboard_source *s)
{
	long longest = -1;

	for (size_t k = 0; k < s->account_count; k++)
		if (s->accounts[k].revoked.found && s->accounts[k].revoked.token_seconds > longest)
			longest = s->accounts[k].revoked.token_seconds;
	return longest >= 0 ? longest : o->policy->token_lifetime;
}

static void tell_until(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_offboard_source *s, int64_t now)
{
	int64_t seconds = lifetime(o, s);
	bool supported = s->account_count > 0 && s->accounts[0].revoked.supported;
	bool gone = !is_found(s) && supported && has_answered(s) && !o->known; /* what was issued before the account went lives on */
	char issued[32];

	if (!is_found(s) && !gone && (supported || s->in_count == 0))
		return;
	ush_report_add(o->report,
		       &(struct ush_line){.word = "until", .kind = "id-token", .until = seconds > 0 ? now + seconds + REMEMBERED : USH_UNTIL_UNKNOWN,
					  .more = json_pack("{s:s, s:s}", "source", source->name, "issued", ush_report_time(now, issued))},
		       gone ? "the account may have been deleted a moment ago: an ID token that source %s issued before stays valid at the API server"
		       : seconds > 0 ? "an ID token of source %s stays valid at the API server, when it was issued a moment ago"
				   : "how long an ID token of source %s lives is not known: it stays valid at the API server for that long (say cluster.tokenLifetime)",
		       source->name);
}

static void tell_listed(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_offboard_source *s)
{
	const struct ush_revoked *first = &s->accounts[0].revoked;

	if (s->account_count > 0 && !first->supported && s->in_count > 0 && !is_found(s))
		ush_report_add(o->report, &(struct ush_line){.word = "left", .kind = "account", .todo = true, .more = json_pack("{s:s}", "source", source->name)},
			       "%s lists %s in %zu group%s: take the person out there (this kind of source ends no sessions)", first->where != NULL ? first->where : source->name, o->name,
			       s->in_count, s->in_count == 1 ? "" : "s");
}

static void tell_accounts(struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_offboard_source *s)
{
	for (size_t k = 0; k < s->account_count; k++) {
		const struct ush_offboard_account *account = &s->accounts[k];

		if (account->same)
			continue;
		if (account->failed.code != USH_OK)
			tell_failed(o, source, account);
		if (account->revoked.supported && account->revoked.found)
			tell_revoked(o, source, account);
		tell_enabled(o, source, account);
	}
}

void ush_offboard_tell_sources(struct ush_offboard *o)
{
	int64_t now = o->kube != NULL ? ush_kube_now(o->kube) : ush_now(o->sources_world);

	for (size_t i = 0; i < o->policy->source_count; i++) {
		const struct ush_policy_source *source = &o->policy->sources[i];
		struct ush_offboard_source *s = &o->sources[i];

		tell_accounts(o, source, s);
		tell_absent(o, source, s);
		if (s->unread.code != USH_OK && ush_offboard_down(s) == NULL)
			ush_report_add(o->report, &(struct ush_line){.word = "unknown", .kind = "groups", .more = json_pack("{s:s}", "source", source->name)},
				       "groups of source %s: %s", source->name, s->unread.what);
		if (o->kind == USH_LEDGER_USER) {
			tell_until(o, source, s, now);
			tell_listed(o, source, s);
		}
	}
}
