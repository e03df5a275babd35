/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker break-glass: a sealed grant, taken in an emergency. No source is asked.
 */
#include <stdio.h>
#include <string.h>

#include "broker/journal/events.h"
#include "broker/lifecycle/elevate/elevate.h"
#include "broker/lifecycle/elevate/seal.h"
#include "broker/policy/naming.h"
#include "broker/verb/elevating.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/base/text.h"

static struct ush_broker_options options;
static const char *namespace_name, *span, *reason, *ticket;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"namespace", 'n', USH_OPTION_STRING, "NAME", "where", &namespace_name},
	{"for", 0, USH_OPTION_STRING, "DURATION", "for how long, as in 1h", &span},
	{"reason", 0, USH_OPTION_STRING, "TEXT", "why", &reason},
	{"ticket", 0, USH_OPTION_STRING, "TICKET", "what it is about, for who looks later", &ticket},
	USH_OPTION_ONE_CLUSTER(options),
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTION_JOURNAL(options),
	{NULL},
};

struct taking {
	struct ush_elevating *opened;
	char *first; /* the first key that was given, for a command */
	struct ush_elevate e;
	struct ush_error failure; /* the first */
	size_t without;		  /* got nothing */
	struct ush_events events;
	struct ush_buf out;
};

/* Everybody who looks is to see it: the terminal, the namespace, the log. */
static int be_loud(struct taking *t, struct ush_error *err)
{
	USH_AUTO_FREE char *until = ush_moment(t->e.made.until);
	USH_AUTO_FREE char *line = ush_printf("BREAK-GLASS %s: %s has role %s in namespace %s until %s, taken by %s: %s%s%s", t->e.seal, t->e.subject, t->e.made.role,
					      namespace_name, until, t->opened->by, reason, ticket != NULL ? "; ticket " : "", ticket != NULL ? ticket : "");
	USH_AUTO_FREE char *safe = ush_text_safe(line), *where = ush_elevating_where(t->opened), *again = ush_elevating_again(t->opened);

	fprintf(stderr, "usher-broker: %s%s\n", where, safe);
	ush_events_add(&t->events, namespace_name, "BreakGlassTaken", true, ush_steal(&line));
	ush_buf_printf(&t->out, "%s%s: %s; %s%s. It waits for a review: usher-broker review %s %s --reason TEXT\n", where, t->e.made.key, t->e.subject,
		       t->e.proved ? "proof: the access review says so" : "no proof: ", t->e.proved ? "" : t->e.no_proof, t->e.made.key, again);
	if (t->first == NULL)
		t->first = ush_strdup(t->e.made.key);
	return ush_elevating_log(t->opened, "grant.break-glass", &t->e.made, NULL, err);
}

/* One who is refused keeps nobody else of the seal from putting out the fire. */
static void take_one(struct taking *t, bool group, const char *name, const char *subject)
{
	struct ush_error why = {0};

	if (t->failure.code == USH_ERR_UNAVAILABLE) {
		t->without++;
		return;
	}
	t->e.group = group;
	t->e.name = name;
	t->e.subject = subject;
	if (ush_elevate_begin(&t->e, &why) != 0)
		t->without++;
	else
		(void)be_loud(t, &why);
	if (why.code != USH_OK && t->failure.code != USH_OK)
		ush_error_print(stderr, "usher-broker", &why);
	else if (why.code != USH_OK)
		t->failure = why;
	ush_elevate_free(&t->e);
	t->e.made = (struct ush_ledger_entry){0};
	t->e.proved = false;
}

/* What went wrong; that something was given hides none of it, nor the other way round. */
static int conclude(const struct taking *t, struct ush_error *err)
{
	if (t->failure.code == USH_OK)
		return 0;
	*err = t->failure;
	if (t->first == NULL || t->without == 0)
		return -1;
	ush_error_print(stderr, "usher-broker", &t->failure);
	ush_error_clear(err);
	return ush_fail(err, USH_ERR_PARTIAL, "%zu of those in the seal %s got nothing: see above", t->without, t->e.seal);
}

static int take_all(struct taking *t, const struct ush_seal *seal, struct ush_error *err)
{
	for (size_t i = 0; i < seal->groups.count; i++)
		take_one(t, true, seal->groups.items[i], seal->groups.items[i]);
	for (size_t i = 0; i < seal->users.count; i++)
		take_one(t, false, seal->users.items[i], seal->users.items[i]);
	for (size_t i = 0; i < seal->accounts.count; i++) {
		USH_AUTO_FREE char *subject = ush_printf("system:serviceaccount:%s", seal->accounts.items[i]);

		*strchr(subject, '/') = ':';
		take_one(t, false, seal->accounts.items[i], subject);
	}
	return conclude(t, err);
}

/* An Event that cannot be made keeps nobody from putting out the fire. */
static void send_events(struct taking *t)
{
	USH_AUTO_FREE char *instance = ush_broker_identity(&t->opened->broker.world);
	struct ush_error why = {0};

	if (t->events.count > 0 && ush_events_send(&t->events, &t->opened->broker.kube, options.state_namespace, instance, &why) != 0)
		ush_error_print(stderr, "usher-broker", &why);
	ush_events_free(&t->events);
}

struct breaking {
	const char *name; /* of the seal */
	int64_t seconds;
};

static int take(struct ush_elevating *opened, void *context, struct ush_error *err)
{
	const struct breaking *b = context;
	const struct ush_seal *seal = ush_seal_find(opened->policy, b->name);
	struct taking t = {.opened = opened,
			   .e = {.kube = &opened->broker.kube, .policy = opened->policy, .state_namespace = options.state_namespace,
				 .namespace_name = namespace_name, .by = opened->by, .reason = reason, .ticket = ticket, .seal = b->name, .seconds = b->seconds}};
	int64_t now = ush_kube_now(&opened->broker.kube);
	int result;

	if (seal == NULL)
		return ush_fail(err, USH_ERR_USAGE, "the policy has no break-glass grant %s", b->name);
	t.e.role = seal->role;
	if (ush_elevate_check(&t.e, now, err) != 0 || ush_seal_check(opened->policy, seal, now, err) != 0)
		return -1;
	result = take_all(&t, seal, err);
	send_events(&t);
	ush_elevating_warn(opened);
	if (t.e.lost.code != USH_OK)
		ush_error_print(stderr, "usher-broker", &t.e.lost);
	if (t.first != NULL)
		ush_elevating_stays(opened, t.first);
	if (t.out.data != NULL && ush_broker_print(t.out.data, err) != 0)
		result = -1;
	ush_buf_free(&t.out);
	free(t.first);
	return result;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_elevating opened = {0};
	struct breaking breaking = {.name = operands[0]};

	(void)count;
	if (namespace_name == NULL)
		return ush_fail(err, USH_ERR_USAGE, "where? -n NAMESPACE");
	if (ush_name_not_label(namespace_name) != NULL)
		return ush_fail(err, USH_ERR_USAGE, "--namespace: \"%s\" %s", namespace_name, ush_name_not_label(namespace_name));
	if (ush_elevating_span(span, &breaking.seconds, err) != 0 || ush_elevating_reason(reason, err) != 0)
		return -1;
	if (ush_elevating_open(&opened, &options, "break-glass", err) == 0 && ush_elevating_one(&opened, err) == 0)
		(void)ush_elevating_each(&opened, take, &breaking, err);
	return ush_elevating_close(&opened, err);
}

const struct ush_verb ush_verb_break_glass = {"break-glass", "SEAL", "take a sealed grant in an emergency, provider or not", rows, 1, 1, run};
