/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/lifecycle/elevate/elevate.h"

#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/policy/naming.h"
#include "broker/sync/apply/question.h"
#include "broker/sync/decide/elevated.h"
#include "broker/sync/state/ledger_note.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/data/json.h"
#include "common/kube/way.h"

#define KYVERNO_TTL "cleanup.kyverno.io/ttl"
#define PROVE_MS 5000 /* RBAC is read through a cache there */
#define PROVE_EVERY_MS 100
#define CLOCKS_APART 3600 /* s */

void ush_elevate_free(struct ush_elevate *e)
{
	ush_ledger_entry_free(&e->made);
	free(e->no_proof);
	e->no_proof = NULL;
}

/* ---- what is allowed ---- */

static char *span(int64_t seconds)
{
	if (seconds % 3600 == 0)
		return ush_printf("%lldh", (long long)seconds / 3600);
	return seconds % 60 == 0 ? ush_printf("%lldm", (long long)seconds / 60) : ush_printf("%llds", (long long)seconds);
}

static int check_words(const struct ush_elevate *e, struct ush_error *err)
{
	if (e->reason == NULL || *e->reason == '\0' || strspn(e->reason, " ") == strlen(e->reason)) {
		ush_fail(err, USH_ERR_USAGE, "why? Nothing is given without a reason");
		return ush_hint(err, "Say it: --reason TEXT");
	}
	if (strlen(e->reason) > USH_ELEVATE_REASON || ush_name_deceives(e->reason))
		return ush_fail(err, USH_ERR_USAGE, "--reason: one line of at most %d bytes, without control or invisible characters", USH_ELEVATE_REASON);
	if (e->ticket != NULL && (*e->ticket == '\0' || strlen(e->ticket) > 200 || ush_name_deceives(e->ticket)))
		return ush_fail(err, USH_ERR_USAGE, "--ticket: at most 200 bytes, without control or invisible characters");
	if (e->ticket == NULL && (e->policy->elevation_ticket || e->seal != NULL)) {
		ush_fail(err, USH_ERR_REFUSED, e->seal != NULL ? "a break-glass wants a ticket, for who reviews it" : "the policy wants a ticket for this");
		return ush_hint(err, "Name it: --ticket T");
	}
	return 0;
}

int ush_elevate_check(const struct ush_elevate *e, int64_t now, struct ush_error *err)
{
	const struct ush_policy_role *role = &e->policy->roles[e->role];
	const struct ush_seal *seal = e->seal != NULL ? ush_seal_find(e->policy, e->seal) : NULL;
	int64_t most = seal == NULL					    ? ush_elevation_most(e->policy, role->name, e->namespace_name, e->state_namespace)
		       : ush_seal_reaches(e->policy, seal, e->namespace_name, e->state_namespace) ? seal->most
											    : 0;
	USH_AUTO_FREE char *at_most = span(most);

	if (check_words(e, err) != 0)
		return -1;
	if (most == 0)
		return ush_fail(err, USH_ERR_REFUSED, "the policy does not let role %s be given for a time in namespace %s%s", role->name, e->namespace_name,
				seal != NULL ? " by this seal" : " (elevation.allow)");
	if (e->seconds > most)
		return ush_fail(err, USH_ERR_REFUSED, "the policy lets role %s be given in namespace %s for %s at most", role->name, e->namespace_name, at_most);
	if (seal != NULL && now + e->seconds > seal->until)
		return ush_fail(err, USH_ERR_REFUSED, "the seal %s ends before that", e->seal);
	if (role->until != 0 && now + e->seconds > role->until)
		return ush_fail(err, USH_ERR_REFUSED, "the exception that role %s needs ends before that", role->name);
	return 0;
}

/* By a clock that is far off it would last for as long as that, too. An emergency does not wait for the clocks: there it
 * counts from the earlier of the two. */
static int check_clocks(const struct ush_elevate *e, struct ush_error *err)
{
	int64_t ahead = ush_kube_ahead(e->kube);
	USH_AUTO_FREE char *theirs = ush_moment(ush_kube_now(e->kube)), *ours = ush_moment(ush_kube_now(e->kube) - ahead);

	if (e->seal != NULL || (ahead >= -CLOCKS_APART && ahead <= CLOCKS_APART))
		return 0;
	ush_fail(err, USH_ERR_REFUSED, "nothing was given: it is %s by the API server's clock and %s by this machine's, so nobody knows when it would end", theirs, ours);
	return ush_hint(err, "Set the clock that is wrong, then say it again");
}

/* ---- the ledger ---- */

static void fill(const struct ush_elevate *e, int64_t now, const char *key, struct ush_ledger_entry *entry)
{
	*entry = (struct ush_ledger_entry){.kind = USH_LEDGER_ELEVATED, .since = now, .until = now + e->seconds, .group = e->group};
	entry->name = ush_strdup(e->name);
	entry->source = ush_strdup(e->source);
	entry->id = ush_strdup(e->id);
	entry->by = ush_strdup(e->by);
	entry->reason = ush_strdup(e->reason);
	entry->ticket = ush_strdup(e->ticket);
	entry->subject = ush_strdup(e->subject);
	entry->role = ush_strdup(e->policy->roles[e->role].name);
	entry->namespace_name = ush_strdup(e->namespace_name);
	entry->seal = ush_strdup(e->seal);
	ush_list_add(&entry->spellings, e->subject);
	entry->key = ush_strdup(key);
	entry->binding = key != NULL ? ush_printf(USH_ELEVATED_BEGIN "%s", key) : NULL;
}

static const struct ush_ledger_entry *barred(const struct ush_elevate *e, const struct ush_ledger *ledger)
{
	const struct ush_ledger_entry *bar =
		e->group ? ush_ledger_bars_group(ledger, e->source, e->id, e->subject) : ush_ledger_bars_person(ledger, e->policy->user_prefix, e->subject);

	return bar != NULL ? bar : ush_ledger_bars_namespace(ledger, e->namespace_name);
}

/* Who was offboarded may be whom it is for. An emergency does not wait for that. */
static int check_whole(struct ush_elevate *e, const struct ush_ledger *ledger, struct ush_error *err)
{
	struct ush_error lost = {0};

	if (ush_ledger_look(e->kube, ledger, e->state_namespace, e->policy->name, e->seal != NULL ? USH_LEDGER_STOPS : "nothing was given", &lost) == 0)
		return 0;
	*(e->seal != NULL ? &e->lost : err) = lost;
	return e->seal != NULL ? 0 : -1;
}

static int enter(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	struct ush_elevate *e = context;
	const struct ush_ledger_entry *bar = barred(e, ledger);
	USH_AUTO_FREE char *words = bar != NULL ? ush_ledger_words(bar, e->kube->way) : NULL, *key = NULL;
	struct ush_ledger_entry entry;
	int64_t now = e->seal != NULL ? ush_kube_come(e->kube) : ush_kube_now(e->kube);
	uint64_t salt;

	if (bar != NULL)
		return ush_fail(err, USH_ERR_REFUSED, "%s is %s", bar->name, words);
	if (check_clocks(e, err) != 0 || check_whole(e, ledger, err) != 0)
		return -1;
	ush_random(e->kube->world, &salt, sizeof salt);
	fill(e, now, NULL, &entry);
	key = ush_ledger_key(ledger, &entry, salt);
	ush_ledger_entry_free(&entry);
	ush_ledger_entry_free(&e->made);
	fill(e, now, key, &e->made);
	fill(e, now, key, &entry);
	if (ush_ledger_add(ledger, &entry))
		return 1;
	ush_ledger_entry_free(&entry);
	return ush_ledger_full(ledger, e->state_namespace, e->policy->name, e->kube->way, USH_ERR_REFUSED, err);
}

struct leaving {
	const struct ush_kube *kube;
	const char *state_namespace, *policy, *key;
	struct ush_ledger_entry *ended; /* NULL: nobody wants to know, and it goes whatever it was */
};

bool ush_elevate_is_on(const struct ush_ledger_entry *entry)
{
	return entry->kind == USH_LEDGER_ELEVATED && !entry->ended;
}

int ush_elevate_none(const struct ush_way *way, const char *key, struct ush_error *err)
{
	USH_AUTO_FREE char *command = ush_way_broker(way, "elevations");

	ush_fail(err, USH_ERR_USAGE, "nothing was given for a time under the key %.60s, or it has ended", key);
	return ush_hint(err, "See what there is: %s", command);
}

/* A run takes away what its ledger does not say. */
static int check_lost(const struct leaving *l, const struct ush_ledger *ledger, struct ush_error *err)
{
	USH_AUTO_FREE char *command = NULL;
	struct ush_error lost = {0};

	if (strlen(l->key) != 8 || strspn(l->key, "0123456789abcdef") != 8 ||
	    ush_ledger_look(l->kube, ledger, l->state_namespace, l->policy, USH_LEDGER_STOPS, &lost) == 0)
		return 0;
	ush_fail(err, USH_ERR_INCOMPLETE, "the ledger that had the key %s is gone, and with it what was given under it", l->key);
	command = ush_way_kubectl(l->kube->way, "delete rolebinding -A -l " USH_LABEL_ELEVATION "=%s", l->key);
	return ush_hint(err, "The next run of apply takes the binding away; at once: %s", command);
}

static int leave(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	const struct leaving *l = context;
	struct ush_ledger_entry *entry = ush_ledger_find(ledger, l->key);

	if (l->ended == NULL)
		return ush_ledger_drop(ledger, l->key);
	if (entry == NULL && check_lost(l, ledger, err) != 0)
		return -1;
	if (entry == NULL || !ush_elevate_is_on(entry))
		return ush_elevate_none(l->kube->way, l->key, err);
	ush_ledger_entry_copy(l->ended, entry);
	if (entry->seal == NULL || entry->reviewed)
		return ush_ledger_drop(ledger, l->key);
	entry->ended = true;
	return 1;
}

/* ---- the proof ---- */

/* What the role lets them do first; false: that cannot be asked, and why is told. */
static bool question_of(struct ush_elevate *e, struct ush_question *question)
{
	USH_AUTO_FREE char *path = ush_rbac_path(USH_CLUSTER_ROLE, NULL, e->policy->roles[e->role].cluster_role);
	USH_AUTO_JSON role = NULL;
	struct ush_error why = {0};
	int status;

	if (ush_kube_get(e->kube, path, &status, &role, &why) != 0)
		e->no_proof = ush_strdup(why.what);
	else if (role == NULL)
		e->no_proof = ush_printf("there is no ClusterRole %s", e->policy->roles[e->role].cluster_role);
	else if (!ush_question_read(question, ush_json_array(role, "rules")))
		e->no_proof = ush_printf("ClusterRole %s allows nothing that can be asked about", e->policy->roles[e->role].cluster_role);
	return e->no_proof == NULL;
}

static void prove(struct ush_elevate *e)
{
	struct ush_question question = {0};
	const char *const groups[] = {e->group ? e->subject : NULL, NULL};
	int64_t until = ush_boot_ms(e->kube->world) + PROVE_MS;
	struct ush_error why = {0};

	if (question_of(e, &question)) {
		USH_AUTO_JSON review = ush_question_review(&question, e->group ? USH_QUESTION_USER : e->subject, groups, e->namespace_name);

		do {
			USH_AUTO_JSON answer = NULL;

			if (ush_kube_review(e->kube, USH_KUBE_REVIEWS, review, &answer, &why) != 0)
				break;
			e->proved = ush_question_allowed(answer);
		} while (!e->proved && ush_boot_ms(e->kube->world) < until && ush_sleep_ms(e->kube->world, PROVE_EVERY_MS) == 0);
		if (!e->proved)
			e->no_proof = ush_strdup(why.code != USH_OK ? why.what : "the API server says no");
	}
	ush_question_free(&question);
}

/* ---- the whole ---- */

/* Where Kyverno's cleanup controller runs, it deletes the binding at its time, should no run of ours come by: a moment as a
 * label can say it, 2026-11-21T233000Z. */
static void add_kyverno(const struct ush_elevate *e, json_t *binding)
{
	USH_AUTO_FREE char *stamp = ush_moment_stamp(e->made.until);
	char *to = stamp;

	for (const char *from = stamp; *from != '\0'; from++)
		if (*from != ':')
			*to++ = *from;
	*to = '\0';
	if (e->policy->elevation_kyverno)
		json_object_set_new(ush_json_object(ush_json_object(binding, "metadata"), "labels"), KYVERNO_TTL, json_string(stamp));
}

static int bind(struct ush_elevate *e, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_rbac_list_path(USH_ROLE_BINDING, e->namespace_name);
	USH_AUTO_JSON binding = ush_elevated_json(&e->made, e->policy->name, e->policy->roles[e->role].cluster_role);
	int status;

	add_kyverno(e, binding);
	if (ush_kube_create(e->kube, path, binding, false, &status, err) == 0)
		return status == 201 ? 0 : ush_fail(err, USH_ERR_REFUSED, "RoleBinding %s/%s is there already", e->namespace_name, e->made.binding);
	if (status == 404) {
		ush_error_clear(err);
		ush_fail(err, USH_ERR_USAGE, "there is no namespace %s", e->namespace_name);
	}
	return -1;
}

/* The binding goes when it bears the name that the ledger gave it, whoever changed what else of it. */
static int unbind(const struct ush_kube *kube, const struct ush_ledger_entry *entry, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_rbac_path(USH_ROLE_BINDING, entry->namespace_name, entry->binding);
	USH_AUTO_JSON there = NULL;
	int status;

	if (ush_kube_get(kube, path, &status, &there, err) != 0)
		return -1;
	return there == NULL ? 0 : ush_kube_delete(kube, path, ush_json_string(ush_json_object(there, "metadata"), "uid"), NULL, &status, err);
}

/* Who was offboarded between our entry and the binding was looked for in bindings that were not there yet. */
static int check_still(const struct ush_elevate *e, struct ush_error *err)
{
	USH_AUTO_LEDGER ledger = {0};
	USH_AUTO_FREE char *words = NULL;
	const struct ush_ledger_entry *bar;
	struct ush_error back = {0};

	if (ush_ledger_load(&ledger, e->kube, e->state_namespace, e->policy->name, NULL, err) == 0) {
		bar = barred(e, &ledger);
		words = bar != NULL ? ush_ledger_words(bar, e->kube->way) : NULL;
		if (bar == NULL && ush_ledger_find(&ledger, e->made.key) != NULL)
			return 0;
		ush_fail(err, USH_ERR_REFUSED, bar != NULL ? "%s is %s" : "%s: ended by somebody while it was given%s", bar != NULL ? bar->name : e->made.key,
			 words != NULL ? words : "");
	}
	if (unbind(e->kube, &e->made, &back) != 0)
		ush_hint(err, "RoleBinding %s/%s stands still: the next run of apply takes it away", e->namespace_name, e->made.binding);
	return -1;
}

int ush_elevate_begin(struct ush_elevate *e, struct ush_error *err)
{
	USH_AUTO_FREE char *command = NULL;
	struct ush_error back = {0};

	if (ush_ledger_change(e->kube, e->state_namespace, e->policy->name, enter, e, err) != 0)
		return -1;
	if (bind(e, err) == 0 && check_still(e, err) == 0) {
		prove(e);
		return 0;
	}
	if (ush_ledger_change(e->kube, e->state_namespace, e->policy->name, leave, &(struct leaving){.key = e->made.key}, &back) != 0 && err->hint[0] == '\0') {
		command = ush_way_broker(e->kube->way, "elevate --end %s", e->made.key);
		ush_hint(err, "The ledger has it still: %s", command);
	}
	return -1;
}

int ush_elevate_end(const struct ush_kube *kube, const char *state_namespace, const char *policy, const char *key, struct ush_ledger_entry *ended,
		    struct ush_error *err)
{
	struct leaving l = {kube, state_namespace, policy, key, ended};

	if (ush_ledger_change(kube, state_namespace, policy, leave, &l, err) != 0)
		return -1;
	if (unbind(kube, ended, err) == 0)
		return 0;
	return err->hint[0] == '\0' ? ush_hint(err, "It has ended in the ledger: the next run of apply takes the binding away") : -1;
}
