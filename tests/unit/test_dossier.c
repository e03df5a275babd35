/* SPDX-License-Identifier: Apache-2.0
 *
 * What somebody who leaves could have used: each way to a ServiceAccount, to a token without an end, to a certificate; and
 * how a person is taken out of a binding.
 */
#include "tests/support/tap.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/lifecycle/offboard/dossier.h"
#include "broker/sync/look/origin.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"
#include "tests/support/certificate.h"

#define OURS "'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'default'},'annotations':{'usher.dev/role':'r'}"
#define CAROL "{'kind':'User','name':'oidc:carol'}"
#define DAVE  "{'kind':'User','name':'oidc:dave'}"
#define TEAM  "{'kind':'Group','name':'oidc:team'}"

static struct ush_dossier d;
static struct ush_error err;

static char *quoted(const char *text)
{
	char *copy = ush_strdup(text);

	for (char *at = copy; *at != '\0'; at++)
		if (*at == '\'')
			*at = '"';
	return copy;
}

/* An object of any kind, given to what takes it. */
static void give(const char *text, int (*take)(struct ush_dossier *dossier, struct ush_item *item, struct ush_error *error))
{
	USH_AUTO_FREE char *json = quoted(text);
	USH_AUTO_SCAN scan = {0};
	struct ush_item item;

	ck_assert_msg(ush_scan_object(&scan, json, strlen(json), NULL, NULL, USH_ERR_REJECTED, &item, &err) == 0, "%s: %s", err.what, json);
	ck_assert_msg(take(&d, &item, &err) == 0, "%s", err.what);
}

static int take_account(struct ush_dossier *dossier, struct ush_item *item, struct ush_error *error)
{
	(void)error;
	ush_dossier_account(dossier, item);
	return 0;
}

static int take_secret(struct ush_dossier *dossier, struct ush_item *item, struct ush_error *error)
{
	(void)error;
	ush_dossier_secret(dossier, item);
	return 0;
}

static int take_request(struct ush_dossier *dossier, struct ush_item *item, struct ush_error *error)
{
	(void)error;
	ush_dossier_request(dossier, item, (int64_t)time(NULL));
	return 0;
}

static void begin(void)
{
	memset(&err, 0, sizeof err);
	d = (struct ush_dossier){.policy = "default", .minor = 36};
	ush_spellings_add_text(&d.users, "carol");
	ush_spellings_add_text(&d.users, "oidc:carol");
	ush_list_add(&d.groups, "oidc:team");
	ush_list_add(&d.groups, "system:authenticated");
	ush_list_sort(&d.groups);
}

/* A RoleBinding in namespace (NULL: a ClusterRoleBinding) of a ClusterRole that is called as the binding. */
static void bind(const char *space, const char *name, const char *subjects)
{
	USH_AUTO_FREE char *at = space != NULL ? ush_printf(",'namespace':'%s'", space) : ush_strdup("");
	USH_AUTO_FREE char *text = ush_printf("{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'%s','metadata':{'name':'%s'%s,'creationTimestamp':"
					      "'2026-03-02T10:00:00Z'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'%s'},'subjects':[%s]}",
					      space != NULL ? "RoleBinding" : "ClusterRoleBinding", name, at, name, subjects);

	give(text, ush_dossier_binding);
}

static void role(const char *name, const char *rules)
{
	USH_AUTO_FREE char *text = ush_printf("{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'ClusterRole','metadata':{'name':'%s'},'rules':[%s]}", name, rules);

	give(text, ush_dossier_role);
}

/* One more namespace of ServiceAccounts a and b, each with a token Secret "a-token", "b-token". */
static void people_of(const char *space)
{
	for (const char *name = "ab"; *name != '\0'; name++) {
		USH_AUTO_FREE char *account = ush_printf("{'apiVersion':'v1','kind':'ServiceAccount','metadata':{'name':'%c','namespace':'%s'}}", *name, space);
		USH_AUTO_FREE char *secret = ush_printf("{'apiVersion':'v1','kind':'Secret','metadata':{'name':'%c-token','namespace':'%s','creationTimestamp':"
							"'2026-01-01T00:00:00Z','annotations':{'kubernetes.io/service-account.name':'%c'}}}", *name, space, *name);

		give(account, take_account);
		give(secret, take_secret);
	}
}

/* One rule, bound to carol in namespace x alone; x and y have two ServiceAccounts and two token Secrets each. */
static void one_rule(const char *groups, const char *resources, const char *verbs, const char *names)
{
	USH_AUTO_FREE char *rule = ush_printf("{'apiGroups':['%s'],'resources':[%s],'verbs':[%s]%s%s%s}", groups, resources, verbs, names != NULL ? ",'resourceNames':[" : "",
					      names != NULL ? names : "", names != NULL ? "]" : "");

	begin();
	bind("x", "r", CAROL);
	ush_dossier_want_roles(&d);
	role("r", rule);
	ush_dossier_reach(&d);
	people_of("x");
	people_of("y");
}

static size_t accounts(void)
{
	size_t count = 0;

	for (size_t i = 0; i < d.reach_count; i++)
		count += d.reaches[i].accounts;
	return count;
}

/* ---- each way ---- */

/* T60, BM07: each way to a ServiceAccount is one, and nothing beside them is. */
START_TEST(each_way_to_a_service_account_is_known)
{
	static const struct {
		const char *groups, *resources, *verbs, *names, *words;
		size_t accounts, secrets;
	} cases[] = {
		{"", "'serviceaccounts/token'", "'create'", NULL, "create serviceaccounts/token", 2, 0},
		{"", "'serviceaccounts/token'", "'create'", "'b'", "create serviceaccounts/token", 1, 0},
		{"", "'serviceaccounts/token'", "'get'", NULL, NULL, 0, 0},
		{"", "'serviceaccounts'", "'create'", NULL, NULL, 0, 0},
		{"", "'pods'", "'create'", NULL, "create pods", 2, 2},
		{"", "'pods'", "'get','list','delete'", NULL, NULL, 0, 0},
		{"apps", "'deployments'", "'update'", NULL, "write workloads", 2, 2},
		{"apps", "'deployments'", "'patch'", "'web'", "write workloads", 2, 2},
		{"batch", "'cronjobs'", "'create'", NULL, "write workloads", 2, 2},
		{"apps", "'deployments/scale'", "'update'", NULL, NULL, 0, 0},
		{"", "'pods/exec'", "'create'", NULL, "exec into pods", 2, 2},
		{"", "'pods/exec'", "'get'", NULL, NULL, 0, 0}, /* from 1.35 on it takes create */
		{"", "'secrets'", "'get'", NULL, "read secrets", 0, 2},
		{"", "'secrets'", "'list'", NULL, "read secrets", 0, 2},
		{"", "'secrets'", "'get'", "'a-token','z'", "read secrets", 0, 1},
		{"", "'secrets'", "'create'", NULL, NULL, 0, 0},
		{"", "'secrets'", "'create','get'", NULL, "create and read secrets", 2, 2},
		{"", "'configmaps'", "'*'", NULL, NULL, 0, 0},
		{"", "'serviceaccounts'", "'impersonate'", NULL, "impersonate serviceaccounts", 0, 0},
		{"", "'users','groups'", "'impersonate'", NULL, NULL, 0, 0}, /* inert in a namespace */
		{"", "'nodes/proxy'", "'get'", NULL, NULL, 0, 0},	     /* likewise */
		{"rbac.authorization.k8s.io", "'rolebindings'", "'create'", NULL, "write bindings", 0, 0},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		one_rule(cases[i].groups, cases[i].resources, cases[i].verbs, cases[i].names);
		ck_assert_msg(accounts() == cases[i].accounts, "case %zu: %zu accounts", i, accounts());
		ck_assert_msg(d.secret_count == cases[i].secrets, "case %zu: %zu secrets", i, d.secret_count);
		ck_assert_uint_eq(d.reach_count, cases[i].words != NULL);
		if (cases[i].words != NULL) {
			USH_AUTO_FREE char *words = ush_reach_words(&d.reaches[0]);

			ck_assert_str_eq(words, cases[i].words);
			ck_assert_str_eq(d.reaches[0].space, "x");
			ck_assert_int_eq(d.reaches[0].since, 1772445600); /* of the binding: 2026-03-02 10:00 */
		}
		ush_dossier_free(&d);
	}
}
END_TEST

START_TEST(exec_by_get_is_a_way_up_to_1_34)
{
	begin();
	d.minor = 34;
	bind("x", "r", CAROL);
	ush_dossier_want_roles(&d);
	role("r", "{'apiGroups':[''],'resources':['pods/exec'],'verbs':['get']}");
	ush_dossier_reach(&d);
	people_of("x");
	ck_assert_uint_eq(accounts(), 2);
	ush_dossier_free(&d);
}
END_TEST

START_TEST(two_bindings_together_are_a_way_that_neither_is)
{
	begin();
	bind("x", "makes", CAROL);
	bind("x", "reads", TEAM);
	ush_dossier_want_roles(&d);
	role("makes", "{'apiGroups':[''],'resources':['secrets'],'verbs':['create']}");
	role("reads", "{'apiGroups':[''],'resources':['secrets'],'verbs':['get']}");
	ush_dossier_reach(&d);
	people_of("x");
	ck_assert_uint_eq(accounts(), 2); /* a token made by the one and read by the other */
	ush_dossier_free(&d);
}
END_TEST

START_TEST(everybody_s_group_counts_and_others_do_not)
{
	static const struct {
		const char *subject;
		bool held;
	} cases[] = {
		{CAROL, true}, {"{'kind':'User','name':'OIDC:Carol'}", true}, {"{'kind':'User','name':'carol'}", true}, {TEAM, true},
		{"{'kind':'Group','name':'system:authenticated'}", true}, {DAVE, false}, {"{'kind':'Group','name':'OIDC:team'}", false},
		{"{'kind':'Group','name':'carol'}", false}, {"{'kind':'User','name':'oidc:team'}", false}, {"{'kind':'User','name':'carol2'}", false},
		{"{'kind':'ServiceAccount','name':'carol','namespace':'x'}", false},
		{"{'kind':'Us\\u0065r','name':'oidc:car\\u006fl'}", true},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		begin();
		bind("x", "r", cases[i].subject);
		ck_assert_msg((d.hold_count == 1) == cases[i].held, "case %zu", i);
		ush_dossier_free(&d);
	}
}
END_TEST

START_TEST(what_is_held_everywhere_is_counted_everywhere)
{
	begin();
	bind(NULL, "r", CAROL);
	bind("x", "r", TEAM);
	ush_dossier_want_roles(&d);
	ck_assert_uint_eq(d.role_count, 1); /* one role, boiled down once */
	role("r", "{'apiGroups':[''],'resources':['nodes/proxy'],'verbs':['get']},{'apiGroups':[''],'resources':['users'],'verbs':['impersonate']}");
	ush_dossier_reach(&d);
	people_of("x");
	people_of("y");
	ck_assert_uint_eq(d.reach_count, 1);
	ck_assert_str_eq(d.reaches[0].space, "");
	ck_assert_uint_eq(d.reaches[0].accounts, 4);
	ck_assert_uint_eq(d.spaces_seen, 2);
	ck_assert_str_eq(d.reaches[0].account_names.items[2], "y/a");
	ck_assert_uint_eq(d.secret_count, 4);
	ush_dossier_free(&d);
}
END_TEST

START_TEST(few_are_named_and_many_are_counted)
{
	begin();
	bind("x", "r", CAROL);
	ush_dossier_want_roles(&d);
	role("r", "{'apiGroups':[''],'resources':['pods'],'verbs':['create']}");
	ush_dossier_reach(&d);
	for (size_t i = 0; i < USH_DOSSIER_NAMED + 5; i++)
		people_of("x");
	ck_assert_uint_eq(accounts(), 2 * (USH_DOSSIER_NAMED + 5));
	ck_assert_uint_eq(d.reaches[0].account_names.count, USH_DOSSIER_NAMED);
	ush_dossier_forget_accounts(&d); /* the list begins anew */
	people_of("x");
	ck_assert_uint_eq(accounts(), 2);
	ush_dossier_free(&d);
}
END_TEST

/* ---- whose a binding is, and how the person gets out ---- */

static const struct ush_hold *held(const char *metadata, const char *subjects)
{
	USH_AUTO_FREE char *text = ush_printf("{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'RoleBinding','metadata':{'name':'b','namespace':'x'%s},"
					      "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'r'},'subjects':[%s]}", metadata, subjects);

	ush_dossier_free(&d);
	begin();
	give(text, ush_dossier_binding);
	ck_assert_uint_eq(d.hold_count, 1);
	return &d.holds[0];
}

START_TEST(whose_a_binding_is_decides_whether_it_is_touched)
{
	const struct ush_hold *hold = held("," OURS, CAROL);

	ck_assert_int_eq(hold->owner, USH_HOLD_OURS);
	ck_assert_ptr_null(hold->cut);
	hold = held(",'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/elevation':'0a1b2c3d'}", CAROL);
	ck_assert_int_eq(hold->owner, USH_HOLD_OURS);
	hold = held(",'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/elevation':'x','helm.sh/chart':'c'}", CAROL);
	ck_assert_int_eq(hold->owner, USH_HOLD_MANAGED);
	hold = held("", CAROL);
	ck_assert_int_eq(hold->owner, USH_HOLD_FREE);
	ck_assert_str_eq(hold->cut, "delete rolebinding -n x -- b");
	hold = held("", DAVE "," CAROL "," TEAM ",{'kind':'User','name':'Carol'}");
	ck_assert_str_eq(hold->cut, "patch rolebinding -n x --type=json -p '[{\"op\":\"test\",\"path\":\"/subjects/3/name\",\"value\":\"Carol\"},"
				    "{\"op\":\"remove\",\"path\":\"/subjects/3\"},{\"op\":\"test\",\"path\":\"/subjects/1/name\",\"value\":\"oidc:carol\"},"
				    "{\"op\":\"remove\",\"path\":\"/subjects/1\"}]' -- b");
	ck_assert_str_eq(hold->group, "oidc:team");
	hold = held(",'annotations':{'meta.helm.sh/release-name':'ops'}", CAROL);
	ck_assert_int_eq(hold->owner, USH_HOLD_MANAGED);
	ck_assert_str_eq(hold->foreign, "made by helm (release ops)");
	hold = held(",'ownerReferences':[{'apiVersion':'v1','kind':'X','name':'n','uid':'u'}]", CAROL);
	ck_assert_int_eq(hold->owner, USH_HOLD_MANAGED);
	hold = held(",'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'other'}", CAROL);
	ck_assert_int_eq(hold->owner, USH_HOLD_MANAGED);
	ush_dossier_free(&d);
}
END_TEST

static json_t *parsed(const char *text)
{
	USH_AUTO_FREE char *json = quoted(text);
	json_t *value = json_loads(json, 0, NULL);

	ck_assert_ptr_nonnull(value);
	return value;
}

START_TEST(a_patch_takes_out_the_person_and_nobody_else)
{
	USH_AUTO_JSON binding = parsed("{'metadata':{'resourceVersion':'7'},'subjects':[" DAVE ",{'kind':'User','name':'oidc:CAROL'}," TEAM ",{'kind':'Group','name':'carol'}]}");
	USH_AUTO_JSON alone = parsed("{'metadata':{'resourceVersion':'8'},'subjects':[" CAROL "]}");
	USH_AUTO_JSON others = parsed("{'metadata':{},'subjects':[" DAVE "]}");
	USH_AUTO_JSON patch = NULL;
	USH_AUTO_JSON last = NULL;
	bool empty = true;

	begin();
	patch = ush_dossier_patch(&d, binding, &empty);
	ck_assert(!empty);
	ck_assert_str_eq(ush_json_string(ush_json_object(patch, "metadata"), "resourceVersion"), "7");
	ck_assert_uint_eq(json_array_size(json_object_get(patch, "subjects")), 3);
	ck_assert_ptr_null(json_object_get(json_object_get(patch, "metadata"), "annotations"));
	last = ush_dossier_patch(&d, alone, &empty);
	ck_assert(empty);
	ck_assert_ptr_nonnull(last);
	ck_assert_ptr_null(ush_dossier_patch(&d, others, &empty));
	ush_dossier_free(&d);
}
END_TEST

START_TEST(a_group_leaves_with_the_record_of_where_it_came_from)
{
	USH_AUTO_JSON binding = parsed("{'metadata':{'resourceVersion':'7','annotations':{'usher.dev/source-id':''}},'subjects':[" TEAM ",{'kind':'Group','name':'oidc:z'}]}");
	static char team[] = "oidc:team", z[] = "oidc:z", main_source[] = "main", first[] = "1", second[] = "2";
	const struct ush_origin one = {.text = team, .source = main_source, .id = first}, two = {.text = z, .source = main_source, .id = second};
	USH_AUTO_ORIGINS both = {0};
	USH_AUTO_ORIGINS rest = {0};
	USH_AUTO_FREE char *before = NULL, *after = NULL;
	USH_AUTO_JSON patch = NULL;
	bool empty;

	begin();
	d.of_group = true;
	ush_list_free(&d.groups);
	ush_list_add(&d.groups, "oidc:team");
	ush_origins_add(&both, &one);
	ush_origins_add(&both, &two);
	ush_origins_add(&rest, &two);
	before = ush_origins_text(&both);
	after = ush_origins_text(&rest);
	json_object_set_new(json_object_get(json_object_get(binding, "metadata"), "annotations"), "usher.dev/source-id", json_string(before));
	patch = ush_dossier_patch(&d, binding, &empty);
	ck_assert_str_eq(ush_json_string(ush_json_object(ush_json_object(patch, "metadata"), "annotations"), "usher.dev/source-id"), after);
	ck_assert_uint_eq(json_array_size(json_object_get(patch, "subjects")), 1);
	ush_dossier_free(&d);
}
END_TEST

/* ---- certificates ---- */

static void request(const char *name, const char *asked_by, const char *signer, long until, bool spoilt)
{
	struct certificate *made = certificate_new(&(struct certificate_wish){.name = name, .until = until, .from = -7200});
	size_t length = strlen(made->pem);
	USH_AUTO_FREE char *base64 = ush_alloc(length * 2 + 8), *text = NULL;

	EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)made->pem, (int)length);
	if (spoilt)
		memset(base64 + 60, 'A', 100);
	text = ush_printf("{'apiVersion':'certificates.k8s.io/v1','kind':'CertificateSigningRequest','metadata':{'name':'csr-1'},'spec':{'username':'%s','signerName':'%s'},"
			  "'status':{'certificate':'%s'}}", asked_by, signer, base64);
	give(text, take_request);
	certificate_free(made);
}

#define CLIENT "kubernetes.io/kube-apiserver-client"

START_TEST(certificates_in_the_persons_name_are_told_until_they_end)
{
	begin();
	request("dave", "oidc:dave", CLIENT, 3600, false);
	request("carol", "admin", "example.com/other", 3600, false);
	request("carol", "admin", CLIENT, -60, false); /* over */
	request("carol", "admin", CLIENT, 3600, true);
	give("{'apiVersion':'certificates.k8s.io/v1','kind':'CertificateSigningRequest','metadata':{'name':'w'},'spec':{'username':'carol','signerName':'" CLIENT "'}}",
	     take_request); /* nobody signed it */
	give("{'apiVersion':'certificates.k8s.io/v1','kind':'CertificateSigningRequest','metadata':{'name':'w'},'spec':{'username':'carol','signerName':'" CLIENT "'},"
	     "'status':{'certificate':'%%%%'}}", take_request);
	ck_assert_uint_eq(d.certificate_count, 0);
	request("carol", "admin", CLIENT, 3600, false);	      /* made for carol */
	request("robot", "oidc:carol", CLIENT, 3600, false); /* asked for by carol */
	ck_assert_uint_eq(d.certificate_count, 2);
	ck_assert_str_eq(d.certificates[0].name, "carol");
	ck_assert_str_eq(d.certificates[1].asked_by, "oidc:carol");
	ck_assert_int_ge(d.certificates[0].until, (int64_t)time(NULL) + 3500);
	ck_assert_int_le(d.certificates[0].until, (int64_t)time(NULL) + 3700);
	ush_dossier_free(&d);
}
END_TEST

TAP_MAIN("dossier", each_way_to_a_service_account_is_known, exec_by_get_is_a_way_up_to_1_34, two_bindings_together_are_a_way_that_neither_is,
	 everybody_s_group_counts_and_others_do_not, what_is_held_everywhere_is_counted_everywhere, few_are_named_and_many_are_counted,
	 whose_a_binding_is_decides_whether_it_is_touched, a_patch_takes_out_the_person_and_nobody_else,
	 a_group_leaves_with_the_record_of_where_it_came_from, certificates_in_the_persons_name_are_told_until_they_end)
