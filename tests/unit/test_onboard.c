/* SPDX-License-Identifier: Apache-2.0
 *
 * What a namespace gets from a template, what a person may ask for, and what is told of what stands there already.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "broker/policy/quantity.h"
#include "broker/rights/rights.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define HEAD                                                                                                                          \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: g.json}}}\n"          \
	"roles:\n  edit: {clusterRole: edit}\ngrants: []\n"
#define TEAM                                                                                                                          \
	HEAD "templates:\n  team:\n    labels: {tier: prod, app.kubernetes.io/managed-by: me}\n    annotations: {note: 'a=b'}\n"              \
	     "    podSecurity: {enforce: baseline, warn: restricted, version: v1.36}\n    quota: {requests.cpu: '4', pods: 50}\n"            \
	     "    limitRange: {default: {memory: 512Mi}, max: {memory: 1Gi}}\n    networkPolicy: {allowSameNamespace: true}\n"                \
	     "    roles:\n    - {role: edit, group: '/teams/{team}/{unit}'}\n    - {role: edit, group: /ops}\n  bare: {}\n"

static struct ush_policy *policy;
static struct ush_list values;
static struct ush_error err;

static void begin(const char *text)
{
	policy = ush_policy_read(text, strlen(text), "policy.yaml", NULL, &err);
	ck_assert_msg(policy != NULL, "%s", err.what);
}

static void end(void)
{
	ush_list_free(&values);
	ush_policy_free(policy);
	memset(&err, 0, sizeof err);
}

static int say(const char *template, const char *a, const char *b)
{
	const char *items[] = {a, b};
	const struct ush_strings said = {items, (size_t)(a != NULL) + (b != NULL)};

	ush_list_free(&values);
	memset(&err, 0, sizeof err);
	return ush_onboard_values(ush_onboard_template(policy, template, &err), &said, &values, &err);
}

static json_t *json(const char *text)
{
	USH_AUTO_FREE char *copy = ush_strdup(text);
	json_t *value;

	for (char *p = copy; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	value = json_loads(copy, 0, NULL);
	ck_assert_msg(value != NULL, "no JSON: %s", text);
	return value;
}

static const json_t *object(const json_t *all, const char *kind, const char *name)
{
	const json_t *each;
	size_t i;

	json_array_foreach(all, i, each)
		if (strcmp(ush_json_string(each, "kind"), kind) == 0 && strcmp(ush_json_string(ush_json_object(each, "metadata"), "name"), name) == 0)
			return each;
	return NULL;
}

/* ---- values ---- */

START_TEST(a_template_is_found_by_name_and_a_typo_is_guessed)
{
	begin(TEAM);
	ck_assert_str_eq(ush_onboard_template(policy, "team", &err)->name, "team");
	ck_assert_ptr_null(ush_onboard_template(policy, "taem", &err));
	ck_assert_int_eq(err.code, USH_ERR_USAGE);
	ck_assert_str_eq(err.hint, "Did you mean team?");
	memset(&err, 0, sizeof err);
	ck_assert_ptr_null(ush_onboard_template(policy, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.hint, "team, bare"));
	end();
	begin(HEAD "templates: {only: {}}\n");
	ck_assert_str_eq(ush_onboard_template(policy, NULL, &err)->name, "only");
	end();
	begin(HEAD);
	ck_assert_ptr_null(ush_onboard_template(policy, "team", &err));
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	end();
}
END_TEST

START_TEST(every_capture_is_said_once_and_nothing_else)
{
	static const struct {
		const char *a, *b, *what;
	} wrong[] = {
		{"team=payments", NULL, "wants to know {unit}"},	{"team=a", "unti=b", "has no {unti}"},	   {"team=a", "team=b", "said twice"},
		{"team=a/b", "unit=x", "is no word of a label"},	{"team=", "unit=x", "is empty"},	   {"team", "unit=x", "expected a name and a value"},
		{"=x", "unit=x", "expected a name and a value"},	{"team=a", "unit=*", "is no word of a label"},
	};

	begin(TEAM);
	for (size_t i = 0; i < USH_COUNT(wrong); i++) {
		ck_assert_int_eq(say("team", wrong[i].a, wrong[i].b), -1);
		ck_assert_int_eq(err.code, USH_ERR_USAGE);
		ck_assert_msg(strstr(err.what, wrong[i].what) != NULL, "%s lacks %s", err.what, wrong[i].what);
	}
	ck_assert_int_eq(say("team", "unit=x", "team=payments"), 0);
	ck_assert_str_eq(values.items[0], "team=payments");
	ck_assert_str_eq(values.items[1], "unit=x");
	ck_assert_int_eq(say("bare", "team=x", NULL), -1);
	ck_assert_int_eq(say("bare", NULL, NULL), 0);
	end();
}
END_TEST

START_TEST(a_group_is_filled_with_what_was_said)
{
	begin(TEAM);
	ck_assert_int_eq(say("team", "team=payments", "unit=dev"), 0);
	{
		USH_AUTO_FREE char *group = ush_onboard_group("/teams/{team}/{unit}", &values), *plain = ush_onboard_group("/ops", &values);

		ck_assert_str_eq(group, "/teams/payments/dev");
		ck_assert_str_eq(plain, "/ops");
	}
	end();
}
END_TEST

START_TEST(namespaces_of_the_cluster_and_of_the_broker_are_refused)
{
	static const struct {
		const char *name;
		enum ush_code code;
	} cases[] = {{"payments", USH_OK},	      {"kube-system", USH_ERR_REFUSED}, {"kube-x", USH_ERR_REFUSED},	{"default", USH_ERR_REFUSED},
		     {"openshift", USH_ERR_REFUSED}, {"openshift-x", USH_ERR_REFUSED}, {"usher-system", USH_ERR_REFUSED}, {"istio-x", USH_ERR_REFUSED},
		     {"A", USH_ERR_USAGE},	      {"a.b", USH_ERR_USAGE},		 {"", USH_ERR_USAGE},		  {"a/b", USH_ERR_USAGE}};

	begin(HEAD "exclude: {namespaces: ['istio-*']}\n");
	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		memset(&err, 0, sizeof err);
		ck_assert_int_eq(ush_onboard_name(policy, "default", cases[i].name, &err), cases[i].code == USH_OK ? 0 : -1);
		ck_assert_msg(err.code == cases[i].code, "%s: %s", cases[i].name, err.what);
	}
	memset(&err, 0, sizeof err);
	ck_assert_int_eq(ush_onboard_name(policy, "ops", "ops", &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	end();
}
END_TEST

/* ---- objects ---- */

/* BE42 */
START_TEST(a_namespace_gets_its_objects_in_order)
{
	static const char *const kinds[] = {"Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "ServiceAccount"};
	USH_AUTO_JSON all = NULL;
	const json_t *labels;

	begin(TEAM);
	ck_assert_int_eq(say("team", "team=payments", "unit=dev"), 0);
	all = ush_onboard_objects(&policy->templates[0], &values, "payments-dev");
	ck_assert_uint_eq(json_array_size(all), USH_COUNT(kinds));
	for (size_t i = 0; i < USH_COUNT(kinds); i++) {
		ck_assert_str_eq(ush_json_string(json_array_get(all, i), "kind"), kinds[i]);
		labels = ush_json_object(ush_json_object(json_array_get(all, i), "metadata"), "labels");
		ck_assert_str_eq(ush_json_string(labels, "app.kubernetes.io/managed-by"), "usher-broker");
		ck_assert_str_eq(ush_json_string(labels, "usher.dev/template"), "team");
		ck_assert_ptr_null(json_object_get(labels, "usher.dev/policy")); /* or a run of apply would take it for its own */
	}
	labels = ush_json_object(ush_json_object(json_array_get(all, 0), "metadata"), "labels");
	ck_assert_str_eq(ush_json_string(labels, "template.usher.dev/team"), "payments");
	ck_assert_str_eq(ush_json_string(labels, "template.usher.dev/unit"), "dev");
	ck_assert_str_eq(ush_json_string(labels, "tier"), "prod");
	ck_assert_str_eq(ush_json_string(labels, "pod-security.kubernetes.io/enforce"), "baseline");
	ck_assert_str_eq(ush_json_string(labels, "pod-security.kubernetes.io/enforce-version"), "v1.36");
	ck_assert_str_eq(ush_json_string(labels, "pod-security.kubernetes.io/warn"), "restricted");
	ck_assert_ptr_null(json_object_get(labels, "pod-security.kubernetes.io/audit"));
	ck_assert_str_eq(ush_json_string(ush_json_object(ush_json_object(json_array_get(all, 0), "metadata"), "annotations"), "note"), "a=b");
	ck_assert(json_is_false(json_object_get(object(all, "ServiceAccount", "default"), "automountServiceAccountToken"))); /* BE43 */
	end();
}
END_TEST

#define DNS "{'to':[{'namespaceSelector':{'matchLabels':{'kubernetes.io/metadata.name':'kube-system'}},'podSelector':{'matchLabels':{'k8s-app':'kube-dns'}}}],"        \
	    "'ports':[{'protocol':'UDP','port':53},{'protocol':'TCP','port':53}]}"
#define BOTH "'podSelector':{},'policyTypes':['Ingress','Egress']"

static void denies(size_t template, const char *expected)
{
	USH_AUTO_JSON all = ush_onboard_objects(&policy->templates[template], &values, "x");
	USH_AUTO_JSON spec = json(expected);

	ck_assert(json_equal(json_object_get(object(all, "NetworkPolicy", "default-deny"), "spec"), spec));
}

START_TEST(traffic_is_denied_but_for_dns_and_what_was_asked_for)
{
	USH_AUTO_JSON bare = NULL;
	USH_AUTO_JSON all = NULL;

	begin(TEAM);
	ck_assert_int_eq(say("bare", NULL, NULL), 0);
	denies(1, "{" BOTH ",'ingress':[],'egress':[" DNS "]}");
	bare = ush_onboard_objects(&policy->templates[1], &values, "x");
	ck_assert_ptr_null(object(bare, "ResourceQuota", "bare"));
	ck_assert_ptr_null(object(bare, "LimitRange", "bare"));
	ck_assert_int_eq(say("team", "team=a", "unit=b"), 0);
	denies(0, "{" BOTH ",'ingress':[{'from':[{'podSelector':{}}]}],'egress':[" DNS ",{'to':[{'podSelector':{}}]}]}");
	policy->templates[0].allow_dns = policy->templates[0].allow_same_namespace = false;
	denies(0, "{" BOTH ",'ingress':[],'egress':[]}");
	policy->templates[0].default_deny = false; /* what allows would deny everything else by itself */
	all = ush_onboard_objects(&policy->templates[0], &values, "x");
	for (size_t i = 0; i < json_array_size(all); i++)
		ck_assert_str_ne(ush_json_string(json_array_get(all, i), "kind"), "NetworkPolicy");
	end();
}
END_TEST

/* The mark is the last thing that comes, and until then under another label. */
START_TEST(a_half_made_namespace_says_so_and_is_marked_in_one_patch)
{
	USH_AUTO_JSON all = NULL;
	USH_AUTO_JSON half = NULL;
	USH_AUTO_JSON patch = NULL;
	USH_AUTO_JSON labels = json("{'usher.dev/onboarding':null,'usher.dev/template':'bare','app.kubernetes.io/managed-by':'usher-broker'}");

	begin(TEAM);
	ck_assert_int_eq(say("bare", NULL, NULL), 0);
	all = ush_onboard_objects(&policy->templates[1], &values, "x");
	half = ush_onboard_half_made(json_array_get(all, 0));
	ck_assert_str_eq(ush_json_string(ush_json_object(ush_json_object(half, "metadata"), "labels"), "usher.dev/onboarding"), "bare");
	ck_assert_ptr_null(json_object_get(ush_json_object(ush_json_object(half, "metadata"), "labels"), "usher.dev/template"));
	patch = ush_onboard_marking(json_array_get(all, 0), "u-1");
	ck_assert(json_equal(ush_json_object(ush_json_object(patch, "metadata"), "labels"), labels));
	ck_assert_str_eq(ush_json_string(ush_json_object(patch, "metadata"), "uid"), "u-1");
	end();
}
END_TEST

/* Templates of two policies may have one name: their namespaces are told apart. */
START_TEST(a_mark_says_which_policy_the_template_is_of)
{
	static const struct {
		const char *policy, *template, *mark;
	} cases[] = {{"default", "team", "team"}, {"pay", "team", "pay.team"}, {"pay", "default", "pay.default"}};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *mark = ush_template_mark(cases[i].policy, cases[i].template);

		ck_assert_str_eq(mark, cases[i].mark);
		for (size_t k = 0; k < USH_COUNT(cases); k++)
			ck_assert_pstr_eq(ush_template_of_mark(cases[k].policy, mark), strcmp(cases[k].policy, cases[i].policy) == 0 ? cases[i].template : NULL);
	}
	ck_assert_ptr_null(ush_template_of_mark("pa", "pay.team"));
	ck_assert_ptr_null(ush_template_of_mark("payx", "pay.team"));
	begin("metadata: {name: pay}\n" TEAM);
	ck_assert_str_eq(policy->templates[0].mark, "pay.team");
	ck_assert_str_eq(policy->grants[0].selector.rules[0].values.items[0], "pay.team");
	end();
}
END_TEST

START_TEST(a_mark_that_is_no_label_is_a_fault_of_the_policy)
{
	static const char long_name[] = "metadata: {name: p2345678901234567890123456789012345678901}\n" HEAD "templates:\n  t2345678901234567890%s: {}\n";
	char fits[1024], not[1024];

	snprintf(fits, sizeof fits, long_name, "1");
	snprintf(not, sizeof not, long_name, "12");
	begin(fits);
	ck_assert_uint_eq(strlen(policy->templates[0].mark), 63);
	end();
	ck_assert_ptr_null(ush_policy_read(not, strlen(not), "policy.yaml", NULL, &err));
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.what, "has 63 characters at most; a shorter name of the template or of the policy will do"));
	memset(&err, 0, sizeof err);
}
END_TEST

/* ---- what stands there ---- */

START_TEST(one_amount_has_many_spellings)
{
	static const char *const same[][2] = {{"1", "1000m"},	 {"4", "4000m"},     {"1Gi", "1024Mi"},	{"1.5Gi", "1536Mi"}, {"0.1", "100m"}, {"1k", "1000"},
					      {"2e3", "2k"},	 {"1E", "1e18"},     {"0.5", "500m"},	{"1Ki", "1024"},     {"100u", "0.1m"}, {"-1", "-1000m"},
					      {"9223372036854775807", "+9223372036854775807"}, {"1e19", "10E"}};
	static const char *const other[][2] = {{"1", "1001m"}, {"1G", "1Gi"}, {"1", "one"}, {"", "0"}, {"1.2.3", "1.2.3x"}, {"1KB", "1K"}, {"9e99", "9e98"},
					       {"9223372036854775807", "9223372036854775806"}};

	for (size_t i = 0; i < USH_COUNT(same); i++)
		ck_assert_msg(ush_quantity_same(same[i][0], same[i][1]), "%s is not %s", same[i][0], same[i][1]);
	for (size_t i = 0; i < USH_COUNT(other); i++)
		ck_assert_msg(!ush_quantity_same(other[i][0], other[i][1]), "%s is %s", other[i][0], other[i][1]);
}
END_TEST

START_TEST(what_the_server_filled_in_is_no_difference)
{
	static const char *const cases[][2] = {
		{"{'kind':'ResourceQuota','spec':{'hard':{'cpu':'4'}},'status':{}}", "{'kind':'ResourceQuota','spec':{'hard':{'cpu':'4000m'}}}"},
		{"{'kind':'LimitRange','spec':{'limits':[{'type':'Container','default':{'memory':'1Gi'},'defaultRequest':{'memory':'1Gi'},'max':{'memory':'1Gi'}}]}}",
		 "{'kind':'LimitRange','spec':{'limits':[{'type':'Container','max':{'memory':'1024Mi'}}]}}"},
		{"{'kind':'NetworkPolicy','spec':{'podSelector':{},'policyTypes':['Ingress'],'ingress':[]}}",
		 "{'kind':'NetworkPolicy','spec':{'podSelector':{},'policyTypes':['Ingress']}}"},
		{"{'kind':'ServiceAccount','automountServiceAccountToken':false,'secrets':[{'name':'x'}]}", "{'kind':'ServiceAccount','automountServiceAccountToken':false}"},
		{"{'kind':'Namespace','metadata':{'labels':{'a':'b','c':'d'}},'status':{}}", "{'kind':'Namespace','metadata':{'labels':{'a':'b'}}}"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_JSON there = json(cases[i][0]);
		USH_AUTO_JSON wanted = json(cases[i][1]);
		USH_AUTO_FREE char *how = NULL;

		ck_assert_msg(ush_onboard_same(there, wanted, &how), "%s", how);
	}
}
END_TEST

START_TEST(a_policy_that_allows_more_is_another_one)
{
	static const char *const cases[][3] = {
		{"{'kind':'NetworkPolicy','spec':{'podSelector':{},'policyTypes':['Ingress'],'ingress':[{}]}}",
		 "{'kind':'NetworkPolicy','spec':{'podSelector':{},'policyTypes':['Ingress']}}", "spec.ingress is [{}], and should not be there"},
		{"{'kind':'NetworkPolicy','spec':{'podSelector':{'matchLabels':{'a':'b'}},'policyTypes':['Ingress']}}",
		 "{'kind':'NetworkPolicy','spec':{'podSelector':{},'policyTypes':['Ingress']}}", "spec.podSelector.matchLabels"},
		{"{'kind':'ResourceQuota','spec':{'hard':{'pods':'10'}}}", "{'kind':'ResourceQuota','spec':{'hard':{'pods':'50'}}}", "spec.hard.pods is 10, not 50"},
		{"{'kind':'ResourceQuota','spec':{'hard':{'pods':'50'},'scopes':['BestEffort']}}", "{'kind':'ResourceQuota','spec':{'hard':{'pods':'50'}}}", "spec.scopes"},
		{"{'kind':'ServiceAccount'}", "{'kind':'ServiceAccount','automountServiceAccountToken':false}", "automountServiceAccountToken is not there, not false"},
		{"{'kind':'Namespace','metadata':{}}", "{'kind':'Namespace','metadata':{'labels':{'a':'b'}}}", "label a is not there, not b"},
		{"{'kind':'Namespace','metadata':{'labels':{'pod-security.kubernetes.io/enforce':'restricted','pod-security.kubernetes.io/enforce-version':'v1.0'}}}",
		 "{'kind':'Namespace','metadata':{'labels':{'pod-security.kubernetes.io/enforce':'restricted'}}}", "enforce-version is v1.0, and should not be there"},
		{"{'kind':'LimitRange','spec':{'limits':'x'}}", "{'kind':'LimitRange','spec':{'limits':[{'type':'Container'}]}}", "spec.limits is x"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_JSON there = json(cases[i][0]);
		USH_AUTO_JSON wanted = json(cases[i][1]);
		USH_AUTO_FREE char *how = NULL;

		ck_assert(!ush_onboard_same(there, wanted, &how));
		ck_assert_msg(strstr(how, cases[i][2]) != NULL, "\"%s\" lacks \"%s\"", how, cases[i][2]);
	}
}
END_TEST

START_TEST(the_marks_of_other_tools_are_respected)
{
	static const struct {
		const char *object, *who;
	} cases[] = {
		{"{'metadata':{'name':'x','labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/template':'team'}}}", NULL},
		{"{'metadata':{'name':'x'}}", NULL},
		{"{'metadata':{'name':'x','annotations':{'meta.helm.sh/release-name':'ops'}}}", "made by helm (release ops)"},
		{"{'metadata':{'name':'x','labels':{'app.kubernetes.io/managed-by':'Helm'}}}", "made by Helm"},
		{"{'metadata':{'name':'x','labels':{'argocd.argoproj.io/instance':'shop'}}}", "made by argocd (app shop)"},
		{"{'metadata':{'name':'x','labels':{'kustomize.toolkit.fluxcd.io/name':'infra'}}}", "made by flux (kustomization infra)"},
		{"{'metadata':{'name':'x','labels':{'cattle.io/creator':'norman'}}}", "made by rancher (creator norman)"},
		{"{'metadata':{'name':'x','ownerReferences':[{'uid':'1'}]}}", "has an owner of its own (ownerReferences)"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_JSON there = json(cases[i].object);
		USH_AUTO_FREE char *who = ush_onboard_foreign(there);

		ck_assert_pstr_eq(who, cases[i].who);
	}
}
END_TEST

START_TEST(a_patch_takes_back_an_older_pod_security)
{
	USH_AUTO_JSON there = json("{'kind':'Namespace','metadata':{'labels':{'a':'b','pod-security.kubernetes.io/enforce-version':'v1.0'}}}");
	USH_AUTO_JSON wanted = json("{'kind':'Namespace','metadata':{'labels':{'pod-security.kubernetes.io/enforce':'restricted'}}}");
	USH_AUTO_JSON patch = ush_onboard_patch(there, wanted);
	USH_AUTO_JSON labels = json("{'pod-security.kubernetes.io/enforce':'restricted','pod-security.kubernetes.io/enforce-version':null}");

	ck_assert(json_equal(ush_json_object(ush_json_object(patch, "metadata"), "labels"), labels));
}
END_TEST

START_TEST(a_patch_is_for_this_version_and_takes_away_what_is_too_much)
{
	USH_AUTO_JSON there = json("{'kind':'ResourceQuota','metadata':{'name':'team','uid':'u','resourceVersion':'7','labels':{'x':'y'}},"
				   "'spec':{'hard':{'pods':'9','cpu':'1'},'scopes':['BestEffort']}}");
	USH_AUTO_JSON wanted = json("{'kind':'ResourceQuota','metadata':{'name':'team','labels':{'a':'b'}},'spec':{'hard':{'pods':'5'}}}");
	USH_AUTO_JSON patch = ush_onboard_patch(there, wanted);
	USH_AUTO_JSON expected = json("{'kind':'ResourceQuota','metadata':{'name':'team','uid':'u','resourceVersion':'7','labels':{'a':'b'}},'spec':{'hard':{'pods':'5','cpu':null},'scopes':null}}");

	ck_assert(json_equal(patch, expected));
}
END_TEST

START_TEST(a_quota_below_what_runs_is_told)
{
	USH_AUTO_JSON quota = json("{'spec':{'hard':{'pods':'1','requests.cpu':'1','limits.memory':'1Gi','services':'0'}}}");
	USH_AUTO_JSON pods = json("[{'spec':{'containers':[{'resources':{'requests':{'cpu':'700m'},'limits':{'memory':'512Mi'}}},{'resources':{'requests':{'cpu':'500m'}}}]}},"
				  "{'spec':{'containers':[{}]}},{'spec':{'containers':[{}]},'status':{'phase':'Succeeded'}}]");
	struct ush_list lines = {0};

	ush_onboard_over(quota, pods, &lines);
	ck_assert_uint_eq(lines.count, 2);
	ck_assert_ptr_nonnull(strstr(lines.items[0], "pods: 2 is in use, the quota allows 1"));
	ck_assert_ptr_nonnull(strstr(lines.items[1], "requests.cpu: 1.2 is in use, the quota allows 1"));
	ush_list_free(&lines);
}
END_TEST

START_TEST(a_quota_in_which_nothing_starts_is_told)
{
	static const struct {
		const char *quota, *list, *amount, *said;
	} cases[] = {
		{"limits.cpu=1", "default", "cpu=2", "template t: a container that says nothing of cpu cannot start: limitRange.default.cpu gives it 2, quota.limits.cpu is 1 for all"},
		{"requests.cpu=1", "default", "cpu=2", "template t: a container that says nothing of cpu cannot start: limitRange.default.cpu gives it 2, quota.requests.cpu is 1 for all"},
		{"memory=1Gi", "request", "memory=2Gi", "template t: a container that says nothing of memory cannot start: limitRange.defaultRequest.memory gives it 2Gi, quota.memory is 1Gi for all"},
		{"limits.cpu=1", "request", "cpu=2", NULL},
		{"requests.cpu=1", "max", "cpu=2", "template t: a container that says nothing of cpu cannot start: limitRange.max.cpu gives it 2, quota.requests.cpu is 1 for all"},
		{"limits.cpu=500m", "min", "cpu=0.6", "template t: no container can start: limitRange.min.cpu is 0.6 for each, quota.limits.cpu is 500m for all"},
		{"limits.cpu=2000m", "default", "cpu=2", NULL},
		{"pods=1", "default", "cpu=2", NULL},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		struct ush_template t = {.name = (char *)(uintptr_t)"t"};
		struct ush_list lines = {0};

		ush_list_add(&t.quota, cases[i].quota);
		ush_list_add(cases[i].list[0] == 'd' ? &t.range_default : cases[i].list[0] == 'r' ? &t.range_request : cases[i].list[1] == 'a' ? &t.range_max : &t.range_min,
			     cases[i].amount);
		ush_onboard_contradictions(&t, &lines);
		ck_assert_pstr_eq(lines.count > 0 ? lines.items[0] : NULL, cases[i].said);
		ush_list_free(&lines);
		t.name = NULL;
		ush_template_free(&t);
	}
}
END_TEST

/* BM10: what onboard needs beyond the sync: to make and to put right, never to delete, never everything. */
START_TEST(onboard_needs_no_more_than_it_uses)
{
	static const char *const never[] = {"*", "delete", "deletecollection", "update", "escalate", "bind", "impersonate"};
	struct ush_template limited = {.max_namespaces = 2};
	struct ush_policy its = {.templates = &limited};
	USH_AUTO_RIGHTS rights = {0};
	USH_AUTO_RIGHTS with_limit = {0};

	ush_rights_add_onboard(&rights, &its, "ops");
	its.template_count = 1;
	ush_rights_add_onboard(&with_limit, &its, "ops"); /* the lease under which is counted, by its name */
	ck_assert_uint_eq(with_limit.count, 2);
	ck_assert_str_eq(with_limit.items[0].namespace_name, "ops");
	ck_assert_uint_eq(with_limit.items[0].count, 1);
	ck_assert(ush_list_has(&with_limit.items[0].rules[0].names, USH_ONBOARD_LEASE) && with_limit.items[0].rules[0].names.count == 1);
	ck_assert_uint_eq(rights.count, 1);
	ck_assert_ptr_null(rights.items[0].namespace_name);
	for (size_t i = 0; i < rights.items[0].count; i++) {
		const struct ush_rule *rule = &rights.items[0].rules[i];

		for (size_t k = 0; k < USH_COUNT(never); k++)
			ck_assert(!ush_list_has(&rule->verbs, never[k]));
		ck_assert(!ush_list_has(&rule->resources, "*") && !ush_list_has(&rule->resources, "secrets") && !ush_list_has(&rule->groups, "*"));
	}
}
END_TEST

TAP_MAIN("onboard", a_quota_in_which_nothing_starts_is_told, onboard_needs_no_more_than_it_uses, a_template_is_found_by_name_and_a_typo_is_guessed, every_capture_is_said_once_and_nothing_else, a_group_is_filled_with_what_was_said,
	 namespaces_of_the_cluster_and_of_the_broker_are_refused, a_namespace_gets_its_objects_in_order, traffic_is_denied_but_for_dns_and_what_was_asked_for,
	 a_half_made_namespace_says_so_and_is_marked_in_one_patch, a_mark_says_which_policy_the_template_is_of, a_mark_that_is_no_label_is_a_fault_of_the_policy,
	 one_amount_has_many_spellings, what_the_server_filled_in_is_no_difference, a_policy_that_allows_more_is_another_one, the_marks_of_other_tools_are_respected,
	 a_patch_takes_back_an_older_pod_security, a_patch_is_for_this_version_and_takes_away_what_is_too_much, a_quota_below_what_runs_is_told)
