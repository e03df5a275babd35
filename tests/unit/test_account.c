/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/journal/account.h"
#include "broker/journal/events.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define POLICY                                                                                                         \
	CASE_HEAD "grants:\n- {group: a, role: reader, namespaces: [fancy-namespace], name: read-pods}\n- {group: b, " \
		  "role: edit, namespaces: [prod]}\n"

static struct sync_case *c;

static struct ush_plan *begin(void)
{
	c = sync_case_new(POLICY);
	sync_case_groups(c, 0, "1 /a carol,dave,erin;2 /b bob");
	return sync_case_plan(c);
}

static const struct ush_change *change_of(const struct ush_plan *plan, enum ush_action action, enum ush_rbac_kind kind,
					  const char *space)
{
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].action == action && plan->changes[i].kind == kind &&
		    strcmp(plan->changes[i].namespace_name, space) == 0)
			return &plan->changes[i];
	ck_abort_msg("no such change");
}

/* What the log says of a member, as text. */
static void expect(const json_t *members, const char *name, const char *wanted)
{
	USH_AUTO_FREE char *text =
		json_dumps(json_object_get(members, name), JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);

	ck_assert_str_eq(text != NULL ? text : "nothing", wanted);
}

START_TEST(a_run_begins_with_policy_plan_and_what_each_source_said)
{
	USH_AUTO_PLAN plan = begin();
	USH_AUTO_JSON members = ush_account_plan(plan);
	const json_t *source = json_array_get(ush_json_array(members, "sources"), 0);

	expect(members, "wants", "{\"create\":3}");
	expect(source, "name", "\"main\"");
	expect(source, "complete", "true");
	expect(source, "groups", "2");
	sync_case_free(c);
}
END_TEST

START_TEST(who_gets_access_is_named)
{
	USH_AUTO_PLAN plan = begin();
	struct ush_account account = {.plan = plan};
	const struct ush_change *change = change_of(plan, USH_CREATE, USH_ROLE_BINDING, "prod");
	USH_AUTO_JSON members = ush_account_change(&account, change, USH_OUTCOME_DONE, NULL);
	USH_AUTO_JSON role = ush_account_change(&account, change_of(plan, USH_CREATE, USH_ROLE, "fancy-namespace"),
						USH_OUTCOME_DONE, NULL);

	ck_assert_str_eq(ush_account_event(change, USH_OUTCOME_DONE), "binding.created");
	expect(members, "namespace", "\"prod\"");
	expect(members, "before", "[]");
	expect(members, "after", "[\"oidc:b\"]");
	expect(members, "failure", "nothing");
	expect(members, "role", "\"ClusterRole/edit\"");
	expect(members, "reason", "\"the policy wants it\"");
	ck_assert_str_eq(ush_json_string(json_array_get(ush_json_array(members, "origin"), 0), "source"), "main");
	expect(role, "kind", "\"Role\"");
	expect(role, "after", "nothing");
	ush_account_free(&account);
	sync_case_free(c);
}
END_TEST

START_TEST(who_joins_who_leaves_and_who_stays_is_named)
{
	USH_AUTO_PLAN first = begin();
	USH_AUTO_PLAN second = NULL;
	struct ush_account account = {0};
	USH_AUTO_JSON joined = NULL;
	USH_AUTO_JSON removed = NULL;

	sync_case_apply(c, first);
	sync_case_policy(c, CASE_HEAD
			 "grants:\n- {group: a, role: reader, namespaces: [fancy-namespace], name: read-pods}\n- "
			 "{group: b, role: reader, namespaces: [fancy-namespace], name: read-pods}\n");
	second = sync_case_plan(c);
	account.plan = second;
	joined = ush_account_change(&account, change_of(second, USH_CHANGE, USH_ROLE_BINDING, "fancy-namespace"),
				    USH_OUTCOME_DONE, NULL);
	expect(joined, "before", "[\"oidc:a\"]");
	expect(joined, "after", "[\"oidc:a\",\"oidc:b\"]");
	removed = ush_account_change(&account, change_of(second, USH_REMOVE, USH_ROLE_BINDING, "prod"),
				     USH_OUTCOME_FAILED, "the server says no");
	ck_assert_str_eq(ush_account_event(change_of(second, USH_REMOVE, USH_ROLE_BINDING, "prod"), USH_OUTCOME_FAILED),
			 "binding.failed");
	expect(removed, "action", "\"remove\"");
	expect(removed, "before", "[\"oidc:b\"]");
	expect(removed, "after", "[]");
	expect(removed, "failure", "\"the server says no\"");
	expect(removed, "reason", "\"no grant wants it any more\"");
	ush_account_free(&account);
	sync_case_free(c);
}
END_TEST

START_TEST(a_run_ends_with_how_and_with_its_requests)
{
	struct ush_applied applied = {.total = 5, .done = 4};
	struct ush_kube_config config = {.requests = 17, .writes = 4};
	struct ush_error err = {0};
	USH_AUTO_JSON members = NULL;

	ush_list_add(&applied.failed, "one of them");
	ush_fail(&err, USH_ERR_PARTIAL, "1 of 5 changes failed");
	members = ush_account_end(&applied, &config, 10, &err);
	expect(members, "status", "10");
	expect(members, "changes", "5");
	expect(members, "done", "4");
	expect(members, "failed", "1");
	expect(members, "requests", "17");
	expect(members, "writes", "4");
	expect(members, "why", "\"1 of 5 changes failed\"");
	ush_list_free(&applied.failed);
}
END_TEST

/* BE37 */
START_TEST(a_namespace_has_one_event_in_a_persons_words)
{
	USH_AUTO_PLAN plan = begin();
	USH_AUTO_EVENTS events = {0};
	struct ush_applied applied = {.outcomes = ush_alloc(plan->change_count + 1)};
	USH_AUTO_FREE char *wanted =
		ush_printf("1 binding created, 1 Role created (policy %s, plan %.8s)", plan->policy, plan->hash);

	for (size_t i = 0; i < plan->change_count; i++)
		applied.outcomes[i] =
			strcmp(plan->changes[i].namespace_name, "prod") == 0 ? USH_OUTCOME_FAILED : USH_OUTCOME_DONE;
	ush_events_of_run(&events, plan, &applied);
	ck_assert_uint_eq(events.count, 2);
	ck_assert_str_eq(events.items[0].namespace_name, "fancy-namespace");
	ck_assert_str_eq(events.items[0].message, wanted);
	ck_assert(!events.items[0].warning);
	ck_assert_str_eq(events.items[1].namespace_name, "prod");
	ck_assert_int_eq(strncmp(events.items[1].message, "1 change failed (", 17), 0);
	ck_assert(events.items[1].warning);
	free(applied.outcomes);
	sync_case_free(c);
}
END_TEST

START_TEST(what_was_not_tried_is_no_event)
{
	USH_AUTO_PLAN plan = begin();
	USH_AUTO_EVENTS events = {0};
	struct ush_applied nothing = {0}, untried = {.outcomes = ush_alloc(plan->change_count + 1)};

	ush_events_of_run(&events, plan, &nothing);
	ush_events_of_run(&events, plan, &untried);
	ck_assert_uint_eq(events.count, 0);
	free(untried.outcomes);
	sync_case_free(c);
}
END_TEST

TAP_MAIN("account", a_run_begins_with_policy_plan_and_what_each_source_said, who_gets_access_is_named,
	 who_joins_who_leaves_and_who_stays_is_named, a_run_ends_with_how_and_with_its_requests,
	 a_namespace_has_one_event_in_a_persons_words, what_was_not_tried_is_no_event)
