/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles for a time: what a policy may say of them, what a seal is worth, what a binding looks like.
 */
#include "tests/support/tap.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/lifecycle/elevate/elevate.h"
#include "broker/lifecycle/elevate/seal.h"
#include "broker/rights/rights.h"
#include "broker/sync/decide/elevated.h"
#include "broker/sync/plan/plan.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/policy_case.h"

#define MORE(x) TOP CLUSTER SOURCES ROLES GRANTS x "\n"
#define FIRE	"{groups: ['oidc:oncall'], serviceAccounts: [ops/fire], role: edit, namespaces: [prod], max: 1h, owner: o, until: 2100-01-01"

/* ---- the policy ---- */

START_TEST(a_policy_says_which_role_may_be_given_where_and_for_how_long)
{
	USH_AUTO_POLICY p = policy_of(MORE("elevation:\n  ticket: true\n  allow:\n  - {roles: [edit], namespaces: ['team-*', kube-system, state], max: 4h}\n"
					   "  - {roles: [edit], namespaces: ['*'], max: 30m}\nexclude: {namespaces: ['team-x*']}"));
	const struct {
		const char *role, *space;
		int64_t most;
	} cases[] = {{"edit", "team-a", 14400}, {"edit", "other", 1800}, {"edit", "kube-system", 14400}, {"edit", "kube-public", 0},
		     {"edit", "default", 0},    {"edit", "state", 14400}, {"reader", "team-a", 0},	  {"edit", "team-xy", 0}};

	ck_assert(p->elevation_ticket && !p->elevation_kyverno);
	for (size_t i = 0; i < USH_COUNT(cases); i++)
		ck_assert_msg(ush_elevation_most(p, cases[i].role, cases[i].space, "state") == cases[i].most, "%s in %s", cases[i].role, cases[i].space);
}
END_TEST

START_TEST(a_pattern_never_means_where_the_ledger_lives)
{
	USH_AUTO_POLICY p = policy_of(MORE("elevation: {allow: [{roles: [edit], namespaces: ['*'], max: 1h}]}"));

	ck_assert_int_eq(ush_elevation_most(p, "edit", "usher-system", "usher-system"), 0);
	ck_assert_int_eq(ush_elevation_most(p, "edit", "usher-system", "ops"), 3600);
}
END_TEST

START_TEST(what_is_wrong_with_an_elevation_is_said)
{
	expect_more_unseen("elevation: {allow: [{roles: [reader], namespaces: [a], max: 1h}]}", "role reader has rules of its own");
	expect_more_unseen("elevation: {allow: [{roles: [edti], namespaces: [a], max: 1h}]}", "there is no role \"edti\"; did you mean edit?");
	expect_more_unseen("elevation: {allow: [{roles: [edit], namespaces: [a], max: 0s}]}", "elevation.allow[0].max: is no time at all");
	expect_more_fault("elevation: {allow: [{roles: [edit], namespaces: [a]}]}", "elevation.allow[0]");
	expect_more_fault("elevation: {allow: []}", "elevation.allow");
	expect_more_fault("elevation: {ticket: true}", "allow");
	expect_more_fault("elevation: {allow: [{roles: [edit], namespaces: [a], max: 1h, who: x}]}", "who");
}
END_TEST

START_TEST(what_is_wrong_with_a_break_glass_is_said)
{
	expect_valid(MORE("breakGlassKey: k.pub\nbreakGlass: {fire: " FIRE "}}"));
	expect_more_unseen("breakGlass: {fire: {role: edit, namespaces: [a], max: 1h, owner: o, until: 2100-01-01}}", "who may use it?");
	expect_more_unseen("breakGlass: {fire: {users: ['system:admin'], role: edit, namespaces: [a], max: 1h, owner: o, until: 2100-01-01}}",
			   "breakGlass.fire.users: \"system:admin\" begins with system:");
	expect_more_fault("breakGlass: {fire: {serviceAccounts: [ops], role: edit, namespaces: [a], max: 1h, owner: o, until: 2100-01-01}}", "is no NAMESPACE/NAME");
	expect_more_unseen("breakGlass: {fire: {users: [a], role: reader, namespaces: [a], max: 1h, owner: o, until: 2100-01-01}}", "has rules of its own");
	expect_more_fault("breakGlass: {fire: {users: [a], role: edit, namespaces: [a], max: 1h, owner: o}}", "until");
	expect_more_fault("breakGlass: {}", "breakGlass");
	expect_more_fault("breakGlass: {Fire: " FIRE "}}", "Fire");
}
END_TEST

/* ---- seals ---- */

static char *key_file(const char *name, bool secret, EVP_PKEY *key)
{
	char *path = ush_printf("%s/%s", tap_folder(), name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(secret ? PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) : PEM_write_PUBKEY(file, key), 1);
	fclose(file);
	ck_assert_int_eq(chmod(path, secret ? 0600 : 0644), 0);
	return path;
}

static struct ush_policy *sealed_policy(const char *seal, const char *sealed, const char *key)
{
	USH_AUTO_FREE char *text = ush_printf(MORE("%s%s\nbreakGlass: {fire: %s%s%s}}"), key != NULL ? "breakGlassKey: " : "", key != NULL ? key : "", seal,
					      sealed != NULL ? ", sealed: " : "", sealed != NULL ? sealed : "");

	return policy_of(text);
}

static void expect_check(const char *seal, const char *sealed, const char *key, int64_t now, const char *what)
{
	USH_AUTO_POLICY p = sealed_policy(seal, sealed, key);
	struct ush_error err = {0};
	int result = ush_seal_check(p, &p->seals[0], now, &err);

	if (what == NULL) {
		ck_assert_msg(result == 0, "%s", err.what);
		return;
	}
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert_msg(strstr(err.what, what) != NULL, "\"%s\" lacks \"%s\"", err.what, what);
}

/* BM16 */
START_TEST(a_seal_is_worth_what_was_sealed_and_nothing_else)
{
	static const char *const changed[] = {
		"{groups: ['oidc:everybody'], serviceAccounts: [ops/fire], role: edit, namespaces: [prod], max: 1h, owner: o, until: 2100-01-01",
		"{groups: ['oidc:oncall'], serviceAccounts: [ops/water], role: edit, namespaces: [prod], max: 1h, owner: o, until: 2100-01-01",
		"{groups: ['oidc:oncall'], users: [eve], serviceAccounts: [ops/fire], role: edit, namespaces: [prod], max: 1h, owner: o, until: 2100-01-01",
		"{groups: ['oidc:oncall'], serviceAccounts: [ops/fire], role: edit, namespaces: [prod, test], max: 1h, owner: o, until: 2100-01-01",
		"{groups: ['oidc:oncall'], serviceAccounts: [ops/fire], role: edit, namespaces: [prod], max: 2h, owner: o, until: 2100-01-01",
		"{groups: ['oidc:oncall'], serviceAccounts: [ops/fire], role: edit, namespaces: [prod], max: 1h, owner: p, until: 2100-01-01",
		"{groups: ['oidc:oncall'], serviceAccounts: [ops/fire], role: edit, namespaces: [prod], max: 1h, owner: o, until: 2101-01-01"};
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *other = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	USH_AUTO_FREE char *secret = key_file("seal.key", true, key), *open = key_file("seal.pub", false, key), *wrong = key_file("other.pub", false, other);
	USH_AUTO_POLICY p = sealed_policy(FIRE, NULL, open);
	struct ush_error err = {0};
	USH_AUTO_FREE char *sealed = ush_seal_sign(p, &p->seals[0], secret, &err), *cut = NULL;

	ck_assert_msg(sealed != NULL, "%s", err.what);
	cut = ush_strndup(sealed, strlen(sealed) - 4);
	expect_check(FIRE, NULL, open, 1, "is not sealed");
	expect_check(FIRE, sealed, NULL, 1, "says no breakGlassKey");
	if (geteuid() != 0) { /* whose files are not root's vouch for nothing */
		expect_check(FIRE, sealed, open, 1, "is not root's alone");
	} else {
		expect_check(FIRE, sealed, open, 1, NULL);
		expect_check(FIRE, sealed, wrong, 1, "was changed since it was sealed");
		expect_check(FIRE, cut, open, 1, "was changed since it was sealed");
		expect_check(FIRE, "AAAA", open, 1, "was changed since it was sealed");
		for (size_t i = 0; i < USH_COUNT(changed); i++)
			expect_check(changed[i], sealed, open, 1, "was changed since it was sealed");
		ck_assert_int_eq(chmod(open, 0666), 0);
		expect_check(FIRE, sealed, open, 1, "is not root's alone");
		ck_assert_int_eq(chmod(open, 0644), 0);
		ck_assert_int_eq(chown(open, 65534, 65534), 0);
		expect_check(FIRE, sealed, open, 1, "is not root's alone");
	}
	expect_check(FIRE, sealed, open, INT64_C(4102444800), "is worth nothing any more");
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

START_TEST(only_a_private_ed25519_key_seals)
{
	EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	USH_AUTO_FREE char *other = key_file("ec.key", true, rsa), *open = key_file("open.pub", false, key), *secret = key_file("loose.key", true, key);
	USH_AUTO_POLICY p = sealed_policy(FIRE, NULL, NULL);
	struct ush_error err = {0};

	ck_assert_ptr_null(ush_seal_sign(p, &p->seals[0], other, &err));
	ck_assert_ptr_nonnull(strstr(err.what, "holds no private Ed25519 key"));
	ush_error_clear(&err);
	ck_assert_int_eq(chmod(open, 0600), 0);
	ck_assert_ptr_null(ush_seal_sign(p, &p->seals[0], open, &err));
	ush_error_clear(&err);
	ck_assert_int_eq(chmod(secret, 0644), 0);
	ck_assert_ptr_null(ush_seal_sign(p, &p->seals[0], secret, &err));
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(key);
}
END_TEST

/* ---- the binding, the plan, the rights ---- */

START_TEST(a_binding_for_a_time_bears_no_policys_label)
{
	struct ush_ledger_entry e = {.kind = USH_LEDGER_ELEVATED, .key = (char *)"0badc0de", .until = 1767232800, .subject = (char *)"system:serviceaccount:ops:fire",
				     .by = (char *)"ann", .reason = (char *)"fire", .namespace_name = (char *)"prod", .binding = (char *)"usher-elevated-0badc0de"};
	USH_AUTO_JSON json = ush_elevated_json(&e, "default", "edit");
	const json_t *metadata = ush_json_object(json, "metadata"), *labels = ush_json_object(metadata, "labels"),
		     *subject = json_array_get(ush_json_array(json, "subjects"), 0);

	ck_assert_str_eq(ush_json_string(labels, USH_LABEL_ELEVATION), "0badc0de");
	ck_assert_str_eq(ush_json_string(labels, USH_LABEL_MANAGED_BY), "usher-broker");
	ck_assert_ptr_null(json_object_get(labels, USH_LABEL_POLICY));
	ck_assert_str_eq(ush_json_string(ush_json_object(metadata, "annotations"), USH_ANNOTATION_EXPIRES), "2026-01-01T02:00:00Z");
	ck_assert_str_eq(ush_json_string(subject, "kind"), "ServiceAccount");
	ck_assert_str_eq(ush_json_string(subject, "namespace"), "ops");
	ck_assert_str_eq(ush_json_string(subject, "name"), "fire");
	e.group = true;
	e.subject = (char *)"oidc:ops";
	json_decref(json);
	json = ush_elevated_json(&e, "default", "edit");
	ck_assert_str_eq(ush_json_string(json_array_get(ush_json_array(json, "subjects"), 0), "kind"), "Group");
}
END_TEST

START_TEST(that_a_time_is_over_is_in_the_plans_file_and_not_in_its_hash)
{
	USH_AUTO_PLAN plan = ush_new(struct ush_plan);
	USH_AUTO_PLAN again = NULL;
	USH_AUTO_JSON json = NULL;
	struct ush_error err = {0};
	struct ush_change *change;
	char before[65];

	plan->policy = ush_strdup("default");
	plan->policy_file = ush_strdup("p");
	plan->policy_digest = ush_strdup("0");
	plan->where = ush_strdup("there");
	ush_plan_finish(plan);
	memcpy(before, plan->hash, sizeof before);
	change = ush_plan_add(plan, USH_REMOVE, USH_ROLE_BINDING, "prod", "usher-elevated-0badc0de", ush_strdup("over"));
	change->uid = ush_plan_text(plan, "u");
	change->elevation = ush_plan_text(plan, "0badc0de");
	ush_list_add(&plan->over, "0badc0de");
	ush_plan_finish(plan);
	ck_assert_str_eq(plan->hash, before);
	ck_assert(ush_plan_writes(plan));
	json = ush_plan_to_json(plan);
	again = ush_plan_from_json(json, "f", &err);
	ck_assert_msg(again != NULL, "%s", err.what);
	ck_assert_str_eq(again->changes[0].elevation, "0badc0de");
	ck_assert_str_eq(again->over.items[0], "0badc0de");
}
END_TEST

static bool has_right(const struct ush_rights *rights, const char *space, const char *verb, const char *resource)
{
	for (size_t i = 0; i < rights->count; i++) {
		const char *where = rights->items[i].namespace_name;

		for (size_t k = 0; k < rights->items[i].count; k++)
			if ((space == NULL ? where == NULL : where != NULL && strcmp(where, space) == 0) && ush_list_has(&rights->items[i].rules[k].verbs, verb) &&
			    ush_list_has(&rights->items[i].rules[k].resources, resource))
				return true;
	}
	return false;
}

/* BE41 */
START_TEST(a_break_glass_wants_a_ticket_whatever_the_policy_says)
{
	USH_AUTO_POLICY p = policy_of(MORE("elevation: {kyverno: true, allow: [{roles: [edit], namespaces: [a], max: 1h}]}\nbreakGlassKey: k.pub\n"
					   "breakGlass: {fire: {users: [fred], role: edit, namespaces: [a], max: 1h, owner: o, until: 2100-01-01}}"));
	struct ush_elevate e = {.policy = p, .state_namespace = "ops", .namespace_name = "a", .reason = "x", .seconds = 60, .role = p->seals[0].role};
	struct ush_error why = {0};

	ck_assert(p->elevation_kyverno && !p->elevation_ticket);
	ck_assert_int_eq(ush_elevate_check(&e, 0, &why), 0);
	e.seal = "fire";
	ck_assert_int_eq(ush_elevate_check(&e, 0, &why), -1);
	ck_assert_int_eq(why.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(why.what, "wants a ticket"));
	ush_error_clear(&why);
	e.ticket = "INC-1";
	ck_assert_int_eq(ush_elevate_check(&e, 0, &why), 0);
}
END_TEST

START_TEST(a_run_may_end_what_the_policy_lets_people_give_and_no_more)
{
	USH_AUTO_POLICY p = policy_of(MORE("elevation: {allow: [{roles: [edit], namespaces: [prod], max: 1h}]}"));
	USH_AUTO_POLICY q = policy_of(MORE("elevation: {allow: [{roles: [edit], namespaces: ['p*'], max: 1h}]}"));
	USH_AUTO_RIGHTS named = {0}, everywhere = {0};

	ush_rights_of(&named, p, "ops");
	ush_rights_of(&everywhere, q, "ops");
	ck_assert(has_right(&named, "prod", "delete", "rolebindings"));
	ck_assert(!has_right(&named, "prod", "create", "rolebindings"));
	ck_assert(!has_right(&named, NULL, "delete", "rolebindings"));
	ck_assert(has_right(&everywhere, NULL, "delete", "rolebindings"));
	ck_assert(!has_right(&everywhere, NULL, "create", "rolebindings"));
}
END_TEST

TAP_MAIN("elevation", a_policy_says_which_role_may_be_given_where_and_for_how_long, a_pattern_never_means_where_the_ledger_lives,
	 what_is_wrong_with_an_elevation_is_said, what_is_wrong_with_a_break_glass_is_said, a_seal_is_worth_what_was_sealed_and_nothing_else,
	 only_a_private_ed25519_key_seals, a_binding_for_a_time_bears_no_policys_label, that_a_time_is_over_is_in_the_plans_file_and_not_in_its_hash,
	 a_break_glass_wants_a_ticket_whatever_the_policy_says, a_run_may_end_what_the_policy_lets_people_give_and_no_more)
