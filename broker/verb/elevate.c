/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker elevate: a role for a time, inside what the policy allows.
 */
#include <string.h>

#include "broker/lifecycle/elevate/elevate.h"
#include "broker/policy/naming.h"
#include "broker/policy/reader.h"
#include "broker/verb/elevating.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/base/text.h"

static struct ush_broker_options options;
static const char *role, *namespace_name, *span, *reason, *ticket, *source, *end;
static bool anyway;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"role", 0, USH_OPTION_STRING, "ROLE", "one of the policy's roles", &role},
	{"namespace", 'n', USH_OPTION_STRING, "NAME", "where", &namespace_name},
	{"for", 0, USH_OPTION_STRING, "DURATION", "for how long, as in 2h", &span},
	{"reason", 0, USH_OPTION_STRING, "TEXT", "why", &reason},
	{"ticket", 0, USH_OPTION_STRING, "TICKET", "what it is about, for who looks later", &ticket},
	{"source", 0, USH_OPTION_STRING, "NAME", "which source knows the group, when there are several", &source},
	{"anyway", 0, USH_OPTION_FLAG, NULL, "take the name of a person as it is written, and ask no source about it", &anyway},
	{"end", 0, USH_OPTION_STRING, "KEY", "end one before its time", &end},
	USH_OPTION_ONE_CLUSTER(options),
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTIONS_RECORD(options),
	USH_OPTION_JOURNAL(options),
	{NULL},
};

static int find_role(const struct ush_policy *policy, size_t *number, struct ush_error *err)
{
	char hint[96];

	for (*number = 0; *number < policy->role_count; (*number)++)
		if (strcmp(policy->roles[*number].name, role) == 0)
			return 0;
	return ush_fail(err, USH_ERR_USAGE, "the policy has no role %s%s", role,
			ush_reader_nearest_of(role, policy->roles, policy->role_count, sizeof *policy->roles, hint, sizeof hint));
}

static int check_usage(size_t count, char **operands, int64_t *seconds, struct ush_error *err)
{
	if (count != 2 || (strcmp(operands[0], "user") != 0 && strcmp(operands[0], "group") != 0))
		return ush_fail(err, USH_ERR_USAGE, "who? user NAME or group NAME; or --end KEY");
	if (role == NULL || namespace_name == NULL)
		return ush_fail(err, USH_ERR_USAGE, role == NULL ? "which role? --role ROLE" : "where? -n NAMESPACE");
	if (ush_name_not_label(namespace_name) != NULL)
		return ush_fail(err, USH_ERR_USAGE, "--namespace: \"%s\" %s", namespace_name, ush_name_not_label(namespace_name));
	return ush_elevating_span(span, seconds, err);
}

/* unknown: why nobody vouches that the name is anybody's, or NULL. */
static char *proof_of(const struct ush_elevate *e, const char *unknown)
{
	if (!e->proved)
		return ush_printf("no proof: %s%s%s", e->no_proof, unknown != NULL ? "; " : "", unknown != NULL ? unknown : "");
	return unknown != NULL ? ush_printf("no proof that this is anybody: %s; of the name alone the access review says so", unknown)
			       : ush_strdup("proof: the access review says so");
}

static int tell(const struct ush_elevating *opened, const struct ush_elevate *e, const char *unknown, struct ush_error *err)
{
	USH_AUTO_FREE char *until = ush_moment(e->made.until), *where = ush_elevating_where(opened), *proof = proof_of(e, unknown), *line = NULL, *safe = NULL;

	line = ush_printf("%s%s: %s has role %s in namespace %s until %s (RoleBinding %s); %s", where, e->made.key, e->subject, e->made.role, e->namespace_name, until,
			  e->made.binding, proof);
	safe = ush_text_safe(line);
	free(line);
	line = ush_printf("%s\n", safe);
	ush_elevating_stays(opened, e->made.key);
	return ush_broker_print(line, err);
}

/* Whom it is for, as the API server calls them. */
static int name_subject(struct ush_elevate *e, const struct ush_elevating *opened, struct ush_elevate_group *group, char **text, struct ush_error *err)
{
	const char *prefix = opened->policy->user_prefix != NULL ? opened->policy->user_prefix : "";

	if (e->group) {
		if (ush_elevate_find(group, &opened->broker.source_world, opened->policy, source, e->name, err) != 0)
			return -1;
		e->subject = group->text;
		e->source = group->source;
		e->id = group->id;
		return 0;
	}
	*text = ush_printf("%s%s", strncmp(e->name, prefix, strlen(prefix)) == 0 ? "" : prefix, e->name); /* as the API server says it, or without */
	e->subject = *text;
	return ush_name_group_refused(*text) == NULL ? 0 : ush_fail(err, USH_ERR_REFUSED, "\"%s\" %s", *text, ush_name_group_refused(*text));
}

/* Of a group they were asked already. */
static int know(const struct ush_elevate *e, const struct ush_elevating *opened, char **unknown, struct ush_error *err)
{
	if (e->group)
		return 0;
	if (!anyway)
		return ush_elevate_know(&opened->broker.source_world, opened->policy, e->subject, unknown, err);
	*unknown = ush_strdup("no source was asked (--anyway)");
	return 0;
}

struct giving {
	char **operands; /* "user" or "group", and the name */
	int64_t seconds;
};

static int give(struct ush_elevating *opened, void *context, struct ush_error *err)
{
	const struct giving *g = context;
	struct ush_elevate e = {.kube = &opened->broker.kube, .policy = opened->policy, .state_namespace = options.state_namespace,
				.namespace_name = namespace_name, .by = opened->by, .reason = reason, .ticket = ticket, .seconds = g->seconds,
				.group = strcmp(g->operands[0], "group") == 0, .name = g->operands[1]};
	struct ush_elevate_group group = {0};
	USH_AUTO_FREE char *text = NULL, *unknown = NULL;
	int result = -1;

	if (find_role(opened->policy, &e.role, err) == 0 && ush_elevate_check(&e, ush_kube_now(e.kube), err) == 0 &&
	    name_subject(&e, opened, &group, &text, err) == 0 && know(&e, opened, &unknown, err) == 0 &&
	    ush_broker_recorded(&opened->broker, err) == 0 && ush_elevate_begin(&e, err) == 0) {
		ush_elevating_warn(opened);
		result = ush_elevating_log(opened, "grant.elevated", &e.made, NULL, err);
		result = tell(opened, &e, unknown, err) != 0 ? -1 : result;
		if (result == 0 && !e.proved && strcmp(e.no_proof, "the API server says no") == 0)
			result = ush_fail(err, USH_ERR_PARTIAL, "it was given, and the API server does not say so yet");
	}
	ush_elevate_free(&e);
	ush_elevate_group_free(&group);
	return result;
}

static int end_one(struct ush_elevating *opened, void *context, struct ush_error *err)
{
	struct ush_ledger_entry ended = {0};
	USH_AUTO_FREE char *where = ush_elevating_where(opened), *line = NULL;
	int result = ush_elevate_end(&opened->broker.kube, options.state_namespace, opened->policy->name, end, &ended, err);

	(void)context;
	if (ended.key != NULL) {
		struct ush_error log = {0};

		if (ush_elevating_log(opened, "grant.ended", &ended, reason, &log) != 0 && result == 0) {
			*err = log;
			result = -1;
		}
		line = ush_printf("%s%s: ended; %s had role %s in namespace %s\n", where, ended.key, ended.subject, ended.role, ended.namespace_name);
	}
	ush_ledger_entry_free(&ended);
	return result == 0 ? ush_broker_print(line, err) : result;
}

/* In whichever cluster it was given. */
static int end_it(struct ush_elevating *opened, struct ush_error *err)
{
	int there = ush_elevating_find(opened, end, ush_elevate_is_on, err);

	if (there < 0)
		return -1;
	if (there == 0)
		ush_broker_lead(&opened->broker, &opened->options, NULL);
	return there > 0 ? ush_elevating_each(opened, end_one, NULL, err) : ush_elevate_none(&opened->broker.way, end, err);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_elevating opened = {0};
	struct giving giving = {.operands = operands};

	if (end != NULL && count > 0)
		return ush_fail(err, USH_ERR_USAGE, "--end KEY stands alone");
	if (end == NULL && (check_usage(count, operands, &giving.seconds, err) != 0 || ush_elevating_reason(reason, err) != 0))
		return -1;
	if (ush_elevating_open(&opened, &options, "elevate", err) == 0) {
		if (end != NULL)
			(void)end_it(&opened, err);
		else if (ush_elevating_one(&opened, err) == 0)
			(void)ush_elevating_each(&opened, give, &giving, err);
	}
	return ush_elevating_close(&opened, err);
}

const struct ush_verb ush_verb_elevate = {"elevate", "[user|group NAME]", "give a role for a time, inside what the policy allows, or end that", rows, 0, 2, run};
