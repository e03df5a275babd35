/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces that say that a template of the policy made them, and that none of its roles reaches.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/decide/unreached.h"
#include "common/base/memory.h"

#define HEAD                                                                                                                          \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: g.json}}}\n"          \
	"roles: {edit: {clusterRole: edit}}\ngrants: []\n"

static struct ush_policy *policy;
static struct ush_unreached unreached;
static struct ush_texts texts;

static void begin(const char *text)
{
	struct ush_error err = {0};

	policy = ush_policy_read(text, strlen(text), "policy.yaml", NULL, &err);
	ck_assert_msg(policy != NULL, "%s", err.what);
	unreached = (struct ush_unreached){0};
}

static void end(void)
{
	ush_policy_free(policy);
	ush_texts_free(&texts);
	texts = (struct ush_texts){0};
}

static void add(const char *name, const char *key, const char *mark)
{
	json_t *labels = json_pack("{s:s}", key, mark);

	ush_unreached_add(&unreached, policy, &texts, ush_texts_keep(&texts, name), labels);
	json_decref(labels);
}

static void says(size_t row, const char *words)
{
	USH_AUTO_FREE char *said = ush_unreached_words(&unreached.items[row], policy, NULL);

	ck_assert_str_eq(said, words);
}

START_TEST(a_template_that_is_gone_is_said_once_for_all_its_namespaces)
{
	begin(HEAD "templates: {squad: {}}\n");
	add("c", "usher.dev/template", "team");
	add("b", "usher.dev/template", "team");
	add("a", "usher.dev/template", "squad");
	add("d", "usher.dev/template", "team");
	ck_assert_uint_eq(unreached.count, 1);
	says(0, "namespaces b and 2 more are labelled usher.dev/template=team, and the policy has no template team (any more): no template's roles reach them. "
		"Where it was given another name: kubectl label namespaces -l usher.dev/template=team usher.dev/template=squad --overwrite");
	end();
}
END_TEST

START_TEST(what_is_half_made_is_said_apart)
{
	begin(HEAD "templates: {team: {}, bare: {}}\n");
	add("a", "usher.dev/onboarding", "team");
	add("b", "usher.dev/template", "gone");
	ck_assert_uint_eq(unreached.count, 2);
	says(0, "namespace a is half made: the onboarding from template team is under way, or ended before all that keeps it apart stood; nobody is let in by it. "
		"The same usher-broker onboard again finishes it");
	says(1, "namespace b is labelled usher.dev/template=gone, and the policy has no template gone (any more): no template's roles reach it. "
		"Where it was given another name: kubectl label namespaces -l usher.dev/template=gone usher.dev/template=NEW --overwrite");
	end();
}
END_TEST

/* Whoever labels namespaces keeps newcomers out: it is said how to end that. */
START_TEST(what_nobody_will_finish_is_not_called_under_way)
{
	begin(HEAD "templates: {team: {}}\n");
	add("a", "usher.dev/onboarding", "none");
	add("b", "usher.dev/onboarding", "");
	add("c", "usher.dev/onboarding", "pay.team");
	ck_assert_uint_eq(unreached.count, 2);
	says(0, "namespace a is labelled usher.dev/onboarding=none, as if half made, and the policy has no template of that name: nobody new is let in. "
		"Where no onboarding is under way: kubectl label namespaces -l usher.dev/onboarding=none usher.dev/onboarding-");
	says(1, "namespace b is labelled usher.dev/onboarding=, as if half made, and the policy has no template of that name: nobody new is let in. "
		"Where no onboarding is under way: kubectl label namespaces -l usher.dev/onboarding= usher.dev/onboarding-");
	end();
}
END_TEST

START_TEST(what_is_another_policys_or_nobodys_is_not_said)
{
	static const char *const others[] = {"pay.team", "", "not a label", "a.b.c"};

	for (size_t named = 0; named < 2; named++) {
		begin(named == 1 ? "metadata: {name: shop}\n" HEAD : HEAD);
		for (size_t i = 0; i < USH_COUNT(others); i++)
			add("a", "usher.dev/template", others[i]);
		add("a", "usher.dev/template", named == 1 ? "team" : "shop.team");
		ck_assert_uint_eq(unreached.count, 0);
		ush_unreached_add(&unreached, policy, &texts, "b", NULL);
		ck_assert_uint_eq(unreached.count, 0);
		add("a", "usher.dev/template", named == 1 ? "shop.team" : "team");
		ck_assert_uint_eq(unreached.count, 1);
		end();
	}
}
END_TEST

/* Whoever labels namespaces must not fill the plan. */
START_TEST(of_many_different_marks_a_few_are_said)
{
	begin(HEAD);
	for (int i = 0; i < 1000; i++) {
		USH_AUTO_FREE char *mark = ush_printf("t%d", i);

		add("a", "usher.dev/template", mark);
	}
	ck_assert_uint_eq(unreached.count, USH_UNREACHED_MOST);
	end();
}
END_TEST

START_TEST(labels_without_a_mark_need_no_second_look)
{
	static const char plain[] = "{\"kubernetes.io/metadata.name\":\"a\"}", ours[] = "{\"usher.dev/template\":\"a\"}";

	ck_assert(!ush_unreached_may_be(plain, strlen(plain)));
	ck_assert(ush_unreached_may_be(ours, strlen(ours)));
}
END_TEST

TAP_MAIN("unreached", a_template_that_is_gone_is_said_once_for_all_its_namespaces, what_is_half_made_is_said_apart, what_nobody_will_finish_is_not_called_under_way,
	 what_is_another_policys_or_nobodys_is_not_said, of_many_different_marks_a_few_are_said, labels_without_a_mark_need_no_second_look)
