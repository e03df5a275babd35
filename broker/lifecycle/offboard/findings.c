/* SPDX-License-Identifier: Apache-2.0
 *
 * What a person could have used, in lines: what is in the dossier, and what to do about it.
 */
#include <string.h>

#include "broker/lifecycle/offboard/offboard.h"
#include "common/base/memory.h"

#define GROUP_BINDINGS_MOST 1000 /* of the bindings by groups: listed; the others are counted */

/* "by RoleBinding payments/ci-carol (ClusterRole edit)" */
static char *by_text(const struct ush_hold *hold)
{
	return ush_printf("by %s %s%s%s (%s %s%s%s)", ush_rbac_kind_name(hold->kind), hold->space != NULL ? hold->space : "", hold->space != NULL ? "/" : "", hold->name,
			  hold->role_kind, hold->role_name, hold->group != NULL && hold->direct == NULL ? ", group " : "",
			  hold->group != NULL && hold->direct == NULL ? hold->group : "");
}

/* Those of the first namespace that are told by name, but for "default", and whether that is among them; *cut: there may be more. */
static char *first_accounts(const struct ush_reach *reach, char **space, bool *has_default, bool *cut)
{
	const char *first = reach->account_names.items[0], *slash = strchr(first, '/');
	struct ush_buf out = {0};

	*space = slash != NULL ? ush_strndup(first, (size_t)(slash - first)) : ush_strdup(reach->space);
	*cut = reach->accounts > reach->account_names.count;
	*has_default = false;
	for (size_t i = 0; i < reach->account_names.count; i++) {
		const char *text = reach->account_names.items[i], *name = slash != NULL ? strchr(text, '/') + 1 : text;

		if (slash != NULL && (strncmp(text, *space, strlen(*space)) != 0 || text[strlen(*space)] != '/'))
			*cut = false; /* the next namespace begins, so this one is whole */
		else if (strcmp(name, "default") == 0)
			*has_default = true;
		else
			ush_buf_printf(&out, " %s", name);
	}
	*has_default |= *cut;
	return ush_buf_take(&out);
}

/*
 * An account that is made anew has another uid, and no token of the old one counts (Kubernetes, "Managing Service Accounts").
 * "default" is made anew by a controller as soon as it is gone, so replacing it would wait for ever for it to be gone.
 */
static char *rotation(const struct ush_offboard *o, const struct ush_reach *reach)
{
	USH_AUTO_FREE char *space = NULL, *names = NULL;
	bool has_default, cut;
	struct ush_buf out = {0};

	names = first_accounts(reach, &space, &has_default, &cut);
	if (cut)
		ush_buf_printf(&out, "%s get serviceaccounts -n %s --field-selector metadata.name!=default -o yaml | %s replace --force -f -", o->kubectl, space, o->kubectl);
	else if (*names != '\0')
		ush_buf_printf(&out, "%s get serviceaccount -n %s%s -o yaml | %s replace --force -f -", o->kubectl, space, names, o->kubectl);
	if (has_default)
		ush_buf_printf(&out, "%s%s delete serviceaccount -n %s default", out.length > 0 ? "; " : "", o->kubectl, space);
	return ush_buf_take(&out);
}

static void tell_accounts(struct ush_offboard *o, const struct ush_reach *reach)
{
	USH_AUTO_FREE char *names = ush_list_text(&reach->account_names), *words = ush_reach_words(reach), *by = by_text(reach->by);
	USH_AUTO_FREE char *command = rotation(o, reach);
	bool all = reach->accounts <= reach->account_names.count, everywhere = *reach->space == '\0', one = reach->accounts == 1;
	USH_AUTO_FREE char *where = everywhere ? ush_printf("%zu namespaces (all that have any)", o->dossier.spaces_seen) : ush_strdup(reach->space);

	ush_report_add(o->report,
		       &(struct ush_line){.word = "left", .kind = "service-accounts", .todo = true, .command = command,
					  .more = json_pack("{s:s?, s:I, s:o, s:s, s:s}", "namespace", everywhere ? NULL : reach->space, "count", (json_int_t)reach->accounts,
							    "names", ush_list_json(&reach->account_names), "powers", words, "by", by)},
		       "%s could act as %zu ServiceAccount%s of %s%s%s (%s, %s); a token that was taken outlives this. Renew %s (pods that run as %s want a restart then%s)%s",
		       o->name, reach->accounts, reach->accounts == 1 ? "" : "s", where, all ? ": " : "", all ? names : "", words, by, one ? "it" : "them", one ? "it" : "one of them",
		       strstr(command, " delete ") != NULL ? "; default comes back by itself, without what was set in it: where a template made the namespace, onboard it again" : "",
		       everywhere ? ", namespace by namespace, as" : "");
}

/* What leaves no token behind, but may have been used. */
static void tell_power(struct ush_offboard *o, const struct ush_reach *reach)
{
	USH_AUTO_FREE char *words = ush_reach_words(reach), *by = by_text(reach->by), *acts = ush_list_text(&reach->acts);

	ush_report_add(o->report,
		       &(struct ush_line){.word = "could", .kind = "powers",
					  .more = json_pack("{s:s?, s:s, s:s, s:o}", "namespace", *reach->space != '\0' ? reach->space : NULL, "powers", words, "by", by,
							    "impersonate", ush_list_json(&reach->acts))},
		       "%s in %s (%s%s%s)", words, *reach->space != '\0' ? reach->space : "the whole cluster", by, *acts != '\0' ? "; named: " : "", acts);
}

/* Nothing more than what is held everywhere. */
static bool is_covered(const struct ush_offboard *o, const struct ush_reach *reach)
{
	const struct ush_reach *everywhere = &o->dossier.reaches[0];

	return reach != everywhere && *everywhere->space == '\0' && ((reach->powers | reach->named) & ~everywhere->powers) == 0;
}

static void tell_reaches(struct ush_offboard *o)
{
	for (size_t i = 0; i < o->dossier.reach_count; i++) {
		const struct ush_reach *reach = &o->dossier.reaches[i];

		if (reach->accounts > 0)
			tell_accounts(o, reach);
		else if (!is_covered(o, reach))
			tell_power(o, reach);
	}
}

/* Since when it could be read: since both it and the oldest binding that lets the person at it were there. */
static int64_t since(const struct ush_dossier *d, const struct ush_token_secret *secret)
{
	int64_t oldest = 0;

	for (size_t i = 0; i < d->reach_count; i++) {
		const struct ush_reach *reach = &d->reaches[i];

		if ((*reach->space == '\0' || strcmp(reach->space, secret->space) == 0) && reach->since > 0 && (oldest == 0 || reach->since < oldest))
			oldest = reach->since;
	}
	return oldest > secret->made ? oldest : secret->made;
}

static void tell_secrets(struct ush_offboard *o)
{
	for (size_t i = 0; i < o->dossier.secret_count; i++) {
		const struct ush_token_secret *secret = &o->dossier.secrets[i];
		USH_AUTO_FREE char *command = ush_printf("%s delete secret -n %s %s --ignore-not-found", o->kubectl, secret->space, secret->name);
		char made[32] = "unknown", from[32] = "unknown";

		if (secret->made > 0)
			ush_report_time(secret->made, made);
		if (since(&o->dossier, secret) > 0)
			ush_report_time(since(&o->dossier, secret), from);
		ush_report_add(o->report,
			       &(struct ush_line){.word = "until", .kind = "token-secret", .todo = true, .until = USH_UNTIL_NEVER, .command = command,
						  .more = json_pack("{s:s, s:s, s:s, s:s, s:s}", "namespace", secret->space, "name", secret->name, "account", secret->account,
								    "made", made, "since", from)},
			       "token Secret %s/%s (ServiceAccount %s, made %.10s): %s could use it since %.10s. Rotate", secret->space, secret->name, secret->account, made,
			       o->name, from);
	}
}

static void tell_certificates(struct ush_offboard *o)
{
	for (size_t i = 0; i < o->dossier.certificate_count; i++) {
		const struct ush_certificate *c = &o->dossier.certificates[i];
		USH_AUTO_FREE char *groups = ush_list_text(&c->groups);

		ush_report_add(o->report,
			       &(struct ush_line){.word = "until", .kind = "certificate", .todo = true, .until = c->until,
						  .more = json_pack("{s:s, s:s, s:o, s:s}", "request", c->request, "user", c->name, "groups", ush_list_json(&c->groups), "askedBy",
								    c->asked_by)},
			       "client certificate of request %s for user %s%s%s, asked for by %s: no certificate can be revoked; leave no binding to %s, or renew the "
			       "cluster's client CA",
			       c->request, c->name, *groups != '\0' ? " in groups " : "", groups, *c->asked_by != '\0' ? c->asked_by : "nobody known",
			       *groups != '\0' ? "these names" : "that name");
	}
}

/* What the groups hold stays with the groups. */
static void tell_groups(struct ush_offboard *o)
{
	USH_AUTO_FREE char *groups = ush_list_text(&o->dossier.groups);
	json_t *bindings = json_array();
	size_t count = 0;

	for (size_t i = 0; i < o->dossier.hold_count; i++) {
		const struct ush_hold *hold = &o->dossier.holds[i];

		if (hold->group == NULL || strcmp(hold->group, "system:authenticated") == 0)
			continue;
		if (count++ < GROUP_BINDINGS_MOST)
			json_array_append_new(bindings, json_pack("{s:s, s:s?, s:s, s:s, s:s, s:s}", "object", ush_rbac_kind_name(hold->kind), "namespace", hold->space, "name",
								  hold->name, "roleKind", hold->role_kind, "role", hold->role_name, "group", hold->group));
	}
	if (count == 0)
		json_decref(bindings);
	else
		ush_report_add(o->report, &(struct ush_line){.word = "could", .kind = "groups", .more = json_pack("{s:o, s:I, s:o}", "groups", ush_list_json(&o->dossier.groups),
														     "count", (json_int_t)count, "bindings", bindings)},
			       "what %zu binding%s give%s to groups that %s is in (%s): that ends with the last ID token, once the provider gives no other", count,
			       count == 1 ? "" : "s", count == 1 ? "s" : "", o->name, groups);
}

/* Groups that nobody is in beside the person. */
static void tell_empty_groups(struct ush_offboard *o)
{
	for (size_t i = 0; i < o->policy->source_count; i++)
		for (size_t k = 0; k < o->sources[i].in_count; k++) {
			const struct ush_group *group = &o->sources[i].groups.items[o->sources[i].in[k]];

			if (group->members_known && group->members.count <= 1 && group->unresolvable == 0)
				ush_report_add(o->report, &(struct ush_line){.word = "could", .kind = "empty-group", .more = json_pack("{s:s, s:s}", "source",
														      o->policy->sources[i].name, "group", group->path)},
					       "group %s of source %s holds nobody else: what it is bound to serves nobody now", group->path, o->policy->sources[i].name);
		}
}

void ush_offboard_tell_findings(struct ush_offboard *o)
{
	tell_groups(o);
	tell_reaches(o);
	tell_secrets(o);
	tell_certificates(o);
	tell_empty_groups(o);
}
