/* SPDX-License-Identifier: Apache-2.0
 *
 * What somebody else did to what is ours, or made where ours should stand, under each word that the policy has for it
 * (drift: repair, report, adopt). On a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define READERS CASE_HEAD "grants:\n- {group: a, role: reader, namespaces: [x], name: readers}\n" CASE_LIMITS
#define EDITORS CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x], name: e}\n- {group: b, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS

static const char *const modes[] = {"repair", "report", "adopt"};
static struct sync_case *c;

static void take_policy(const char *policy, const char *mode)
{
	USH_AUTO_FREE char *text = ush_printf("%sdrift: %s\n", policy, mode);

	sync_case_policy(c, text);
}

static void begin(const char *policy, const char *mode)
{
	USH_AUTO_FREE char *text = ush_printf("%sdrift: %s\n", policy, mode);

	c = sync_case_new(text);
	sync_case_groups(c, 0, "1 /a p;2 /b q");
}

static void create(size_t count)
{
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, count));
}

static json_t *quoted(const char *text)
{
	USH_AUTO_FREE char *own = ush_strdup(text);
	json_t *json;

	for (char *p = own; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	json = json_loads(own, 0, NULL);
	ck_assert_msg(json != NULL, "%s", own);
	return json;
}

/* The API server notes who wrote the fields that count. */
static void written_by(json_t *object, const char *manager)
{
	static const char *const fields[] = {"f:rules", "f:subjects"};
	bool binding = strcmp(ush_json_string(object, "kind"), "RoleBinding") == 0;

	json_object_set_new(json_object_get(object, "metadata"), "managedFields",
			    json_pack("[{s:s, s:s, s:{s:{}}}]", "manager", manager, "time", "2027-01-15T08:00:00Z", "fieldsV1", fields[binding]));
}

static void set_subject(json_t *binding, const char *group)
{
	json_t *subject = json_array_get(json_object_get(binding, "subjects"), 0);

	json_object_set_new(subject, "name", json_string(group));
}

/* Expects that no object is written, and frees the plan. That the set's parent names fewer namespaces is fine. */
static void expect_no_write(struct ush_plan *plan)
{
	ck_assert_int_eq(plan->stop.code, USH_OK);
	for (size_t i = 0; i < plan->change_count; i++)
		ck_assert_msg(plan->changes[i].action > USH_REMOVE, "%s %s: %s", ush_action_name(plan->changes[i].action), plan->changes[i].name,
			      plan->changes[i].reason);
	ush_plan_free(plan);
}

/* ---- by hand ---- */

/* The binding gives to somebody else, the Role more: both by `kubectl edit`. */
static void change_both_by_hand(void)
{
	json_t *binding = sync_case_object(c, "RoleBinding", "x", "readers"), *role = sync_case_object(c, "Role", "x", "reader");

	set_subject(binding, "oidc:evil");
	written_by(binding, "kubectl-edit");
	json_array_append_new(json_object_get(json_array_get(json_object_get(role, "rules"), 0), "verbs"), json_string("delete"));
	written_by(role, "kubectl-edit");
}

/* BE30 */
START_TEST(by_hand_is_put_back_in_repair_and_adopt)
{
	static const char *const repairing[] = {"repair", "adopt"};

	for (size_t i = 0; i < USH_COUNT(repairing); i++) {
		struct ush_plan *plan;

		begin(READERS, repairing[i]);
		create(2);
		change_both_by_hand();
		plan = sync_case_run_and_count(c, USH_CHANGE, 2);
		sync_case_expect_reason(plan, USH_CHANGE, "readers", "nobody granted it; added by hand");
		sync_case_expect_reason(plan, USH_CHANGE, "reader", "changed by kubectl-edit; put back");
		ush_plan_free(plan);
		sync_case_expect_subjects(c, "x", "readers", "oidc:a");
		sync_case_expect_empty(sync_case_run(c));
		sync_case_free(c);
	}
}
END_TEST

/* BE30 */
START_TEST(by_hand_is_told_and_left_in_report)
{
	static const char told[] = "changed by kubectl-edit; left as it is (drift: report)";
	USH_AUTO_FREE char *before = NULL, *after = NULL;
	struct ush_plan *plan;

	begin(READERS, "report");
	create(2);
	change_both_by_hand();
	before = ush_json_canonical(c->cluster);
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_NOTE, "readers", told);
	sync_case_expect_reason(plan, USH_NOTE, "reader", told);
	sync_case_expect_empty(plan);
	after = ush_json_canonical(c->cluster);
	ck_assert_str_eq(before, after);
	take_policy(READERS, "repair"); /* and only the word kept it so */
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 2));
	sync_case_expect_subjects(c, "x", "readers", "oidc:a");
	sync_case_free(c);
}
END_TEST

/* A change of the policy is no drift: what we wrote last ourselves is brought up to date in each mode. */
START_TEST(what_we_wrote_last_follows_the_policy_in_each_mode)
{
	for (size_t i = 0; i < USH_COUNT(modes); i++) {
		begin(CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS, modes[i]);
		create(1);
		written_by(sync_case_object(c, "RoleBinding", "x", "e"), "usher-broker");
		take_policy(EDITORS, modes[i]);
		ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
		sync_case_expect_subjects(c, "x", "e", "oidc:a oidc:b");
		sync_case_free(c);
	}
}
END_TEST

/* BC18: a list of subjects is a set, whoever wrote it last. */
START_TEST(subjects_reordered_by_hand_are_no_difference_in_any_mode)
{
	for (size_t i = 0; i < USH_COUNT(modes); i++) {
		json_t *binding, *subjects;
		struct ush_plan *plan;

		begin(EDITORS, modes[i]);
		create(1);
		binding = sync_case_object(c, "RoleBinding", "x", "e");
		subjects = json_object_get(binding, "subjects");
		json_array_append(subjects, json_array_get(subjects, 0));
		json_array_remove(subjects, 0);
		ck_assert_str_eq(ush_json_string(json_array_get(subjects, 0), "name"), "oidc:b");
		written_by(binding, "kubectl-edit");
		plan = sync_case_plan(c);
		ck_assert_uint_eq(plan->change_count, 0);
		ck_assert(!ush_plan_writes(plan));
		ush_plan_free(plan);
		sync_case_free(c);
	}
}
END_TEST

/* ---- somebody else's, under our name ---- */

struct other {
	const char *metadata, *by; /* what its tool leaves on it, and how it is told */
};

static const struct other others[] = {
	{"{'labels':{'app.kubernetes.io/managed-by':'Helm'},'annotations':{'meta.helm.sh/release-name':'ops'}}", "made by helm (release ops)"},
	{"{'labels':{'app.kubernetes.io/managed-by':'Helm'}}", "made by Helm"},
	{"{'labels':{'argocd.argoproj.io/instance':'guestbook'}}", "made by argocd (app guestbook)"},
	{"{'annotations':{'argocd.argoproj.io/tracking-id':'guestbook:rbac.authorization.k8s.io/RoleBinding:x/e'}}", "made by argocd (app guestbook:"},
	{"{'labels':{'app.kubernetes.io/instance':'guestbook'}}", "made by argocd or helm (app guestbook)"},
	{"{'labels':{'kustomize.toolkit.fluxcd.io/name':'apps'}}", "made by flux (kustomization apps)"},
	{"{'labels':{'helm.toolkit.fluxcd.io/name':'apps'}}", "made by flux (release apps)"},
	{"{'labels':{'auth.management.cattle.io/rtb-owner':'p-1'}}", "made by rancher (owner p-1)"},
	{"{'labels':{'cattle.io/creator':'norman'}}", "made by rancher (creator norman)"},
	{"{'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap','name':'o','uid':'1'}]}", "has an owner of its own (ownerReferences)"},
	{"{'labels':{'app.kubernetes.io/managed-by':'terraform'}}", "made by terraform"},
};

/* Ours as it was written, and then: without any of our marks, or with them all; and with what the other leaves. */
static void hand_over(const struct other *other, bool with_our_marks, const char *subject)
{
	json_t *binding = sync_case_object(c, "RoleBinding", "x", "e"), *metadata = json_object_get(binding, "metadata"), *part;
	USH_AUTO_JSON more = quoted(other->metadata);
	const char *key;

	if (!with_our_marks) {
		json_object_del(metadata, "labels");
		json_object_del(metadata, "annotations");
	}
	json_object_foreach(more, key, part)
		if (json_is_object(json_object_get(metadata, key)))
			json_object_update(json_object_get(metadata, key), part);
		else
			json_object_set(metadata, key, part);
	set_subject(binding, subject);
}

static void expect_left_alone(const struct other *other, const char *mode, bool with_our_marks, const char *subject)
{
	USH_AUTO_FREE char *before = NULL, *after = NULL;
	struct ush_plan *plan;

	begin(CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS, mode);
	create(1);
	hand_over(other, with_our_marks, subject);
	before = ush_json_canonical(c->cluster);
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_CONFLICT, "e", other->by);
	sync_case_expect_reason(plan, USH_CONFLICT, "e", "left alone");
	ck_assert_uint_eq(plan->bindings_ours, 0);
	expect_no_write(plan);
	take_policy(CASE_HEAD "grants: []\n" CASE_LIMITS, mode); /* nor when nobody wants ours any more */
	expect_no_write(sync_case_run(c));
	after = ush_json_canonical(c->cluster);
	ck_assert_str_eq(before, after);
	sync_case_free(c);
}

/* BC16, BM14, T57: in no mode, and not even when it gives just what ours would. */
START_TEST(what_another_tool_holds_is_left_alone_in_each_mode)
{
	for (size_t i = 0; i < USH_COUNT(others); i++)
		for (size_t m = 0; m < USH_COUNT(modes); m++) {
			expect_left_alone(&others[i], modes[m], false, "oidc:a");
			expect_left_alone(&others[i], modes[m], false, "oidc:others");
		}
}
END_TEST

/* T57: our labels on it, copied or left over, make it no more ours. */
START_TEST(our_labels_on_what_another_tool_holds_change_nothing)
{
	for (size_t i = 0; i < USH_COUNT(others); i++)
		for (size_t m = 0; m < USH_COUNT(modes); m++)
			expect_left_alone(&others[i], modes[m], true, "oidc:others");
}
END_TEST

/* BM14: who works from git is told to. */
START_TEST(what_git_holds_is_to_be_changed_in_git)
{
	struct ush_plan *plan;

	for (size_t i = 0; i < USH_COUNT(others); i++) {
		bool git = strstr(others[i].by, "argocd") != NULL || strstr(others[i].by, "flux") != NULL;

		begin(CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS, "repair");
		create(1);
		hand_over(&others[i], false, "oidc:others");
		plan = sync_case_plan(c);
		ck_assert_msg((strstr(sync_case_change(plan, USH_CONFLICT, "e")->reason, "change it in git: usher-broker render") != NULL) == git, "%s", others[i].by);
		ush_plan_free(plan);
		sync_case_free(c);
	}
}
END_TEST

/* ---- unmarked: a person's ---- */

/* No labels; the last writer is noted by the API server. */
static void make_by_hand(const char *mode, const char *subject, const char *manager)
{
	static const struct other nobody = {"{}", ""};

	begin(CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS, mode);
	create(1);
	hand_over(&nobody, false, subject);
	written_by(sync_case_object(c, "RoleBinding", "x", "e"), manager);
}

/* BC16: a foreign field manager is named, and the object untouched. */
START_TEST(another_field_manager_is_named_and_left_alone)
{
	static const char *const managers[] = {"kubectl-create", "terraform", "argocd-controller"};

	for (size_t m = 0; m < USH_COUNT(modes); m++)
		for (size_t i = 0; i < USH_COUNT(managers); i++) {
			USH_AUTO_FREE char *told = ush_printf("made by %s", managers[i]), *before = NULL, *after = NULL;
			struct ush_plan *plan;

			make_by_hand(modes[m], "oidc:others", managers[i]);
			before = ush_json_canonical(c->cluster);
			plan = sync_case_run(c);
			sync_case_expect_reason(plan, USH_CONFLICT, "e", told);
			expect_no_write(plan);
			after = ush_json_canonical(c->cluster);
			ck_assert_str_eq(before, after);
			sync_case_free(c);
		}
}
END_TEST

/* BM14 */
START_TEST(a_persons_object_of_the_same_meaning_is_adopted_on_demand_alone)
{
	for (size_t m = 0; m < USH_COUNT(modes); m++) {
		bool adopt = strcmp(modes[m], "adopt") == 0;
		USH_AUTO_FREE char *uid = NULL;
		struct ush_plan *plan;
		json_t *object;

		make_by_hand(modes[m], "oidc:a", "kubectl-create");
		uid = ush_strdup(ush_json_string(json_object_get(sync_case_object(c, "RoleBinding", "x", "e"), "metadata"), "uid"));
		plan = sync_case_run_and_count(c, adopt ? USH_CHANGE : USH_CONFLICT, 1);
		sync_case_expect_reason(plan, adopt ? USH_CHANGE : USH_CONFLICT, "e",
					adopt ? "adopted: says what we want and nobody manages it (made by kubectl-create)" : "drift: adopt makes it ours when it says the same");
		ck_assert_uint_eq(plan->for_people_count, 0); /* nobody gains anything by it */
		ush_plan_free(plan);
		object = json_object_get(sync_case_object(c, "RoleBinding", "x", "e"), "metadata");
		ck_assert_str_eq(ush_json_string(object, "uid"), uid);
		ck_assert_int_eq(json_object_get(object, "labels") != NULL, adopt);
		sync_case_expect_subjects(c, "x", "e", "oidc:a");
		expect_no_write(sync_case_run(c));
		sync_case_free(c);
	}
}
END_TEST

/* One more entry of managedFields: who wrote which fields when. */
static void also_by(json_t *object, const char *manager, const char *field, const char *when)
{
	json_array_append_new(json_object_get(json_object_get(object, "metadata"), "managedFields"),
			      json_pack("{s:s, s:s, s:{s:{}}}", "manager", manager, "time", when, "fieldsV1", field));
}

/* BC16, BM14: a tool that wrote the fields writes them again: it is no object that nobody manages, whatever else it lacks. */
START_TEST(what_a_tool_writes_is_not_adopted_even_if_that_is_its_only_mark)
{
	static const struct {
		const char *manager;
		bool tool, git;
	} cases[] = {
		{"terraform", true, false},	   {"argocd-controller", true, true}, {"argocd-application-controller", true, true},
		{"kustomize-controller", true, true}, {"helm-controller", true, true},	{"helm", true, false},
		{"flux", true, true},		   {"pulumi-kubernetes", true, false}, {"Go-http-client", true, false},
		{"manager", true, false},	   {"occam", true, false},	      {"kubectler", true, false},
		{"kubectl", false, false},	   {"kubectl-client-side-apply", false, false}, {"kubectl-edit", false, false},
		{"oc", false, false},		   {"k9s", false, false},	      {"before-first-apply", false, false},
		{"rbac-manager", false, false}, /* knows its own by a label, and that is off */
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *told = ush_printf(cases[i].tool ? "same name, made by %s: left alone" : "nobody manages it (made by %s)", cases[i].manager);
		struct ush_plan *plan;

		make_by_hand("adopt", "oidc:a", cases[i].manager);
		plan = sync_case_run_and_count(c, cases[i].tool ? USH_CONFLICT : USH_CHANGE, 1);
		sync_case_expect_reason(plan, cases[i].tool ? USH_CONFLICT : USH_CHANGE, "e", told);
		if (cases[i].tool)
			sync_case_expect_reason(plan, USH_CONFLICT, "e", cases[i].git ? "change it in git" : "end that there, then clear its managedFields");
		ush_plan_free(plan);
		expect_no_write(sync_case_run(c));
		sync_case_free(c);
	}
}
END_TEST

/* Somebody edited what the tool holds: it is the tool's all the same, until its entry is gone. */
START_TEST(a_person_who_edited_it_last_does_not_free_it_from_its_tool)
{
	struct ush_plan *plan;

	make_by_hand("adopt", "oidc:a", "terraform");
	also_by(sync_case_object(c, "RoleBinding", "x", "e"), "kubectl-edit", "f:subjects", "2027-01-15T09:00:00Z");
	plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
	sync_case_expect_reason(plan, USH_CONFLICT, "e", "made by terraform");
	ush_plan_free(plan);
	json_object_del(json_object_get(sync_case_object(c, "RoleBinding", "x", "e"), "metadata"), "managedFields");
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	sync_case_free(c);
	make_by_hand("adopt", "oidc:a", "kubectl-create"); /* who wrote nothing that gives access has nothing to say */
	also_by(sync_case_object(c, "RoleBinding", "x", "e"), "cost-labeller", "f:metadata", "2027-01-15T09:00:00Z");
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	sync_case_free(c);
}
END_TEST

#define FOR_VIEW CASE_HEAD "grants:\n- {group: a, role: reader, namespaces: [x], name: e}\n" CASE_LIMITS

/* A roleRef cannot be changed: somebody deleted ours and made one that leads elsewhere, with our marks. */
static void made_anew(const char *role)
{
	json_t *binding = sync_case_object(c, "RoleBinding", "x", "e");

	json_object_set_new(json_object_get(binding, "roleRef"), "name", json_string(role));
	written_by(binding, "kubectl-replace");
	also_by(binding, "kubectl-replace", "f:roleRef", "2027-01-15T08:00:00Z");
}

/* BE30 */
START_TEST(another_role_by_hand_is_only_told_in_report)
{
	for (size_t m = 0; m < USH_COUNT(modes); m++) {
		bool report = strcmp(modes[m], "report") == 0;
		struct ush_plan *plan;

		begin(CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS, modes[m]);
		create(1);
		made_anew("admin");
		plan = sync_case_run_and_count(c, report ? USH_NOTE : USH_REPLACE, 1);
		sync_case_expect_reason(plan, report ? USH_NOTE : USH_REPLACE, "e",
					report ? "made anew by kubectl-replace for another role (ClusterRole/admin); left as it is (drift: report)" :
						 "refers to ClusterRole edit now, to ClusterRole/admin before");
		ck_assert_uint_eq(ush_plan_writes(plan), !report);
		ush_plan_free(plan);
		expect_no_write(sync_case_run(c));
		sync_case_free(c);
	}
}
END_TEST

/* BE30: a change of the policy is none of the hand's, who touched only the subjects or nothing at all. */
START_TEST(another_role_by_the_policy_is_carried_out_in_report)
{
	for (int hand = 0; hand < 2; hand++) {
		begin(CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS, "report");
		create(1);
		written_by(sync_case_object(c, "RoleBinding", "x", "e"), "usher-broker");
		also_by(sync_case_object(c, "RoleBinding", "x", "e"), "usher-broker", "f:roleRef", "2027-01-15T08:00:00Z");
		if (hand != 0)
			also_by(sync_case_object(c, "RoleBinding", "x", "e"), "kubectl-edit", "f:subjects", "2027-01-15T09:00:00Z");
		take_policy(FOR_VIEW, "report");
		ush_plan_free(sync_case_run_and_count(c, USH_REPLACE, 1));
		expect_no_write(sync_case_run(c));
		sync_case_free(c);
	}
}
END_TEST

START_TEST(who_was_put_in_by_hand_is_named)
{
	static const char *const users[] = {"mallory", "bob"}, *const reasons[] = {"somebody added user mallory", "somebody added user bob and 1 more"};
	struct ush_plan *plan;

	begin(READERS, "repair");
	create(2);
	for (size_t i = 0; i < 2; i++) {
		json_t *binding = sync_case_object(c, "RoleBinding", "x", "readers");

		for (size_t j = 0; j <= i; j++)
			json_array_append_new(json_object_get(binding, "subjects"),
					      json_pack("{s:s,s:s,s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "User", "name", users[j]));
		plan = sync_case_run_and_count(c, USH_CHANGE, 1);
		ck_assert_str_eq(plan->changes[0].reason, reasons[i]);
		ush_plan_free(plan);
		sync_case_expect_subjects(c, "x", "readers", "oidc:a");
	}
	sync_case_free(c);
}
END_TEST

TAP_MAIN("drift", by_hand_is_put_back_in_repair_and_adopt, by_hand_is_told_and_left_in_report, what_we_wrote_last_follows_the_policy_in_each_mode,
	 subjects_reordered_by_hand_are_no_difference_in_any_mode, what_another_tool_holds_is_left_alone_in_each_mode,
	 our_labels_on_what_another_tool_holds_change_nothing, what_git_holds_is_to_be_changed_in_git, another_field_manager_is_named_and_left_alone,
	 a_persons_object_of_the_same_meaning_is_adopted_on_demand_alone, what_a_tool_writes_is_not_adopted_even_if_that_is_its_only_mark,
	 a_person_who_edited_it_last_does_not_free_it_from_its_tool, another_role_by_hand_is_only_told_in_report,
	 another_role_by_the_policy_is_carried_out_in_report, who_was_put_in_by_hand_is_named)
