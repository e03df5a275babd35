/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/import/import.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static struct ush_error err;

/* The policy that the files' text becomes; *yaml is what import prints. */
static struct ush_policy *imported(struct ush_import *import, const char *text, char **yaml)
{
	USH_AUTO_FREE char *path = ush_printf("%s/input.yaml", tap_folder());
	USH_AUTO_BUF out = {0};
	struct ush_policy *policy;

	memset(&err, 0, sizeof err);
	ck_assert_int_eq(ush_file_write(path, text, strlen(text), 0644, &err), 0);
	ck_assert_msg(ush_import_file(import, path, &err) == 0 && ush_import_finish(import, &err) == 0, "%s", err.what);
	policy = ush_import_policy(import, &out, &err);
	ck_assert_msg(policy != NULL, "%s in\n%s", err.what, out.data);
	*yaml = ush_buf_take(&out);
	return policy;
}

static void expect_left(const struct ush_import *import, const char *what)
{
	for (size_t i = 0; i < import->left.count; i++)
		if (strstr(import->left.items[i], what) != NULL)
			return;
	ck_abort_msg("nothing was left that says \"%s\"", what);
}

static void add_to(struct ush_standing *standing, const char *json)
{
	json_t *object = json_loads(json, 0, NULL);

	ck_assert_ptr_nonnull(object);
	memset(&err, 0, sizeof err);
	ck_assert_msg(ush_standing_add(standing, object, &err) == 0, "%s", err.what);
	json_decref(object);
}

#define NAMESPACE(name, labels) "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"" name "\", \"labels\": {" labels "}}}"
#define BINDING(space, name, kind, ref, subjects)                                                                                                       \
	"{\"apiVersion\": \"rbac.authorization.k8s.io/v1\", \"kind\": \"RoleBinding\", \"metadata\": {\"namespace\": \"" space "\", \"name\": \"" name \
	"\"}, \"roleRef\": {\"apiGroup\": \"rbac.authorization.k8s.io\", \"kind\": \"" kind "\", \"name\": \"" ref "\"}, \"subjects\": [" subjects "]}"
#define GROUP(name) "{\"apiGroup\": \"rbac.authorization.k8s.io\", \"kind\": \"Group\", \"name\": \"" name "\"}"
#define USER(name)  "{\"apiGroup\": \"rbac.authorization.k8s.io\", \"kind\": \"User\", \"name\": \"" name "\"}"

static const char definition[] =
	"apiVersion: rbacmanager.reactiveops.io/v1beta1\nkind: RBACDefinition\nmetadata: {name: users}\nrbacBindings:\n- name: web\n"
	"  subjects: [{kind: Group, name: 'oidc:web-devs'}, {kind: Group, name: 'oidc:web-ops'}]\n  clusterRoleBindings: [{clusterRole: view}]\n"
	"  roleBindings:\n  - {clusterRole: edit, namespaceSelector: {matchLabels: {team: web}}}\n  - {role: r, namespace: api}\n  - {role: unknown, namespace: api}\n"
	"- name: ci\n  subjects: [{kind: ServiceAccount, name: ci, namespace: ops}, {kind: Group, name: 'oidc:ci'}]\n  roleBindings: [{clusterRole: edit, namespace: ci}]\n"
	"- name: all\n  subjects: [{kind: Group, name: 'system:authenticated'}]\n  roleBindings: [{clusterRole: view, namespace: docs}]\n"
	"- name: root\n  subjects: [{kind: Group, name: 'oidc:root'}]\n  roleBindings: [{clusterRole: cluster-admin, namespace: docs}]\n"
	"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: api}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n";

/* BM15 */
START_TEST(a_definition_of_rbac_manager_keeps_its_bindings)
{
	USH_AUTO_IMPORT import = {0};
	USH_AUTO_STANDING standing = {0};
	USH_AUTO_FREE char *yaml = NULL;
	USH_AUTO_POLICY p = imported(&import, definition, &yaml);

	ck_assert_str_eq(p->group_prefix, "oidc:");
	ck_assert_int_eq(p->drift, USH_DRIFT_ADOPT);
	ck_assert_uint_eq(p->grant_count, 4);
	ck_assert_str_eq(p->grants[0].group, "web-devs");
	ck_assert_str_eq(p->grants[0].name, "users-web-edit");
	ck_assert_str_eq(p->grants[2].name, "users-web-r-api");
	expect_left(&import, "ClusterRoleBinding users-web-view stays");
	expect_left(&import, "users-ci-edit has a subject that is no group");
	expect_left(&import, "users-all-view is for a group of Kubernetes' own");
	expect_left(&import, "users-root-cluster-admin gives cluster-admin");
	expect_left(&import, "users-web-unknown-api refers to Role unknown");
	add_to(&standing, NAMESPACE("web-1", "\"team\": \"web\""));
	add_to(&standing, NAMESPACE("other", ""));
	add_to(&standing, BINDING("web-1", "users-web-edit", "ClusterRole", "edit", GROUP("oidc:web-ops") "," GROUP("oidc:web-devs")));
	add_to(&standing, BINDING("api", "users-web-r-api", "Role", "r", GROUP("oidc:web-devs") "," GROUP("oidc:web-ops")));
	add_to(&standing, BINDING("ci", "users-ci-edit", "ClusterRole", "edit", GROUP("oidc:ci")));
	ush_standing_compare(&standing, p, &import);
	ck_assert_uint_eq(standing.differences.count, 0);
	ck_assert_uint_eq(standing.same, 2);
	ck_assert_uint_eq(standing.others, 1);
}
END_TEST

START_TEST(what_would_change_is_no_proof)
{
	USH_AUTO_IMPORT import = {0};
	USH_AUTO_STANDING standing = {0};
	USH_AUTO_FREE char *yaml = NULL;
	USH_AUTO_POLICY p = imported(&import, definition, &yaml);

	add_to(&standing, NAMESPACE("web-1", "\"team\": \"web\""));
	add_to(&standing, NAMESPACE("web-2", "\"team\": \"web\""));
	add_to(&standing, BINDING("web-1", "users-web-edit", "ClusterRole", "edit", GROUP("oidc:web-ops")));
	add_to(&standing, BINDING("web-2", "users-web-edit", "ClusterRole", "view", GROUP("oidc:web-ops") "," GROUP("oidc:web-devs")));
	ush_standing_compare(&standing, p, &import);
	ck_assert_uint_eq(standing.differences.count, 3);
	ck_assert_str_eq(standing.differences.items[0], "api/users-web-r-api would be made: no such RoleBinding stands");
	ck_assert_str_eq(standing.differences.items[1], "web-1/users-web-edit stands with other subjects");
	ck_assert_str_eq(standing.differences.items[2], "web-2/users-web-edit stands with another role");
}
END_TEST

/* BM15 */
START_TEST(owners_of_a_tenant_keep_the_names_that_capsule_hashed)
{
	static const char tenant[] = "apiVersion: capsule.clastix.io/v1beta2\nkind: Tenant\nmetadata: {name: oil}\nspec:\n  owners: [{kind: Group, name: oil-admins}, {kind: User, name: "
				     "alice}]\n  additionalRoleBindings: [{clusterRoleName: view, subjects: [{kind: Group, name: auditors, apiGroup: rbac.authorization.k8s.io}]}]\n"
				     "  namespaceOptions: {quota: 3}\n";
	const struct ush_list hashed = {(char *[]){(char *)"capsule:managed:37579fd1111689f8"}, 1};
	USH_AUTO_IMPORT import = {0}, newer = {.there = &hashed};
	USH_AUTO_STANDING standing = {0};
	USH_AUTO_FREE char *yaml = NULL, *newer_yaml = NULL;
	USH_AUTO_POLICY p = imported(&import, tenant, &yaml);
	USH_AUTO_POLICY q = imported(&newer, tenant, &newer_yaml);

	ck_assert(p->unprefixed);
	ck_assert_uint_eq(p->grant_count, 3);
	ck_assert_str_eq(p->grants[0].name, "capsule:managed:c11f955c7377e38c");
	ck_assert_str_eq(p->grants[1].name, "capsule:managed:7a8bf4d61c67fe4c");
	ck_assert_str_eq(p->grants[2].name, "capsule:managed:297db4b574012324");
	ck_assert_str_eq(p->grants[0].selector.rules[0].key, "capsule.clastix.io/tenant");
	ck_assert_str_eq(q->grants[0].name, "capsule:managed:37579fd1111689f8");
	expect_left(&import, "has a subject that is no group");
	expect_left(&import, "namespaceOptions is not access");
	add_to(&standing, NAMESPACE("oil-dev", "\"capsule.clastix.io/tenant\": \"oil\""));
	add_to(&standing, BINDING("oil-dev", "capsule:managed:c11f955c7377e38c", "ClusterRole", "admin", GROUP("oil-admins")));
	add_to(&standing, BINDING("oil-dev", "capsule:managed:7a8bf4d61c67fe4c", "ClusterRole", "capsule-namespace-deleter", GROUP("oil-admins")));
	add_to(&standing, BINDING("oil-dev", "capsule:managed:297db4b574012324", "ClusterRole", "view", GROUP("auditors")));
	ush_standing_compare(&standing, p, &import);
	ck_assert_uint_eq(standing.differences.count, 0);
	ck_assert_uint_eq(standing.same, 3);
}
END_TEST

/* BM15 */
START_TEST(rbacsync_becomes_a_policy_that_binds_people)
{
	static const char config[] = "apiVersion: rbacsync.getcruise.com/v1alpha\nkind: RBACSyncConfig\nmetadata: {name: example, namespace: apps}\nspec:\n  bindings:\n"
				     "  - group: devs@example.com\n    roleRef: {kind: ClusterRole, name: edit}\n  - group: ops@example.com\n    roleRef: {kind: ClusterRole, name: view}\n"
				     "  memberships:\n  - group: devs@example.com\n    subjects: [{kind: User, name: alice@example.com}, {kind: User, name: bob@example.com}, {kind: Group, name: "
				     "x}]\n---\napiVersion: rbacsync.getcruise.com/v1alpha\nkind: ClusterRBACSyncConfig\nmetadata: {name: wide}\nspec: {bindings: [{group: a@example.com, "
				     "roleRef: {kind: ClusterRole, name: view}}]}\n";
	USH_AUTO_IMPORT import = {0};
	USH_AUTO_STANDING standing = {0};
	USH_AUTO_FREE char *yaml = NULL, *groups = NULL;
	USH_AUTO_POLICY p = imported(&import, config, &yaml);
	json_t *list = ush_import_groups(&import);

	ck_assert_int_eq(p->layout, USH_LAYOUT_USERS);
	ck_assert_str_eq(p->grants[0].name, "example-devs@example.com-edit");
	ck_assert_str_eq(p->grants[0].namespaces.items[0], "apps");
	expect_left(&import, "member x of group devs@example.com is no person");
	expect_left(&import, "ClusterRoleBinding wide-a@example.com-view stays");
	groups = json_dumps(list, JSON_COMPACT);
	ck_assert_str_eq(groups, "{\"groups\":[{\"name\":\"devs@example.com\",\"members\":[\"alice@example.com\",\"bob@example.com\"]},{\"name\":\"ops@example.com\"}],"
				 "\"count\":2}");
	add_to(&standing, BINDING("apps", "example-devs@example.com-edit", "ClusterRole", "edit", USER("bob@example.com") "," USER("alice@example.com")));
	add_to(&standing, BINDING("apps", "example-ops@example.com-view", "ClusterRole", "view", USER("carol@example.com")));
	ush_standing_compare(&standing, p, &import);
	ck_assert_uint_eq(standing.same, 2);
	ck_assert_uint_eq(standing.differences.count, 0);
	ck_assert_uint_eq(standing.notes.count, 1); /* nobody knows who is in ops */
	json_decref(list);
}
END_TEST

/* BM15 */
START_TEST(providers_of_a_group_sync_become_sources)
{
	static const char sync[] =
		"apiVersion: redhatcop.redhat.io/v1alpha1\nkind: GroupSync\nmetadata: {name: sync}\nspec:\n  schedule: '0 3 * * *'\n  providers:\n"
		"  - name: kc\n    keycloak: {url: 'https://login.example.com', realm: ocp, loginRealm: master, groups: [devs], insecure: true, ca: {kind: Secret, name: c}, "
		"credentialsSecret: {name: s, namespace: n}}\n  - name: az\n    azure: {filter: \"startswith(displayName,'k8s')\", credentialsSecret: {name: a, namespace: n}}\n"
		"  - name: ok\n    okta: {url: 'https://x.okta.com', appId: '0oa1', credentialsSecret: {name: a, namespace: n}}\n  - name: gh\n    github: {organization: acme, teams: [a]}\n"
		"  - name: gl\n    gitlab: {url: 'https://gitlab.example.com'}\n  - name: ad\n    ldap: {url: 'ldap://ad.example.com', augmentedActiveDirectory: {groupsQuery: {baseDN: "
		"'ou=g'}, groupNameAttributes: [cn], groupUIDAttribute: dn}}\n  - name: ibm\n    ibmsecurityverify: {}\n";
	USH_AUTO_IMPORT import = {0};
	USH_AUTO_FREE char *yaml = NULL;
	USH_AUTO_POLICY p = imported(&import, sync, &yaml);

	ck_assert_uint_eq(p->source_count, 6);
	ck_assert_uint_eq(p->grant_count, 0);
	ck_assert_str_eq(p->sources[0].kind->type, "keycloak");
	ck_assert_str_eq(ush_source_text(&p->sources[0], "realm"), "ocp");
	ck_assert_str_eq(ush_source_list(&p->sources[0], "include")->items[0], "devs");
	ck_assert_str_eq(p->sources[1].kind->type, "entra");
	ck_assert_str_eq(ush_source_text(&p->sources[2], "app"), "0oa1");
	ck_assert_str_eq(ush_source_text(&p->sources[5], "schema"), "augmented-ad");
	ck_assert(ush_source_flag(&p->sources[5], "startTLS"));
	expect_left(&import, "provider ibm is of a kind that usher-broker does not read");
	expect_left(&import, "insecure is not carried over");
	expect_left(&import, "schedule \"0 3 * * *\" is for whoever runs");
}
END_TEST

/* BM15 */
START_TEST(an_ldap_sync_config_becomes_a_source)
{
	static const char config[] = "kind: LDAPSyncConfig\napiVersion: v1\nurl: ldaps://ldap.example.com:636\nca: /etc/ca.pem\nbindDN: cn=reader,dc=example,dc=com\n"
				     "bindPassword: {file: /run/secrets/ldap}\ngroupUIDNameMapping: {'cn=a,dc=example,dc=com': admins}\nrfc2307:\n  groupsQuery: {baseDN: 'ou=groups', scope: "
				     "sub, derefAliases: never, pageSize: 0, filter: objectClass=groupOfNames}\n  groupUIDAttribute: dn\n  groupNameAttributes: [cn]\n  "
				     "groupMembershipAttributes: [member]\n  usersQuery: {baseDN: 'ou=people', scope: sub}\n  userUIDAttribute: dn\n  userNameAttributes: [mail]\n  "
				     "tolerateMemberNotFoundErrors: true\n";
	USH_AUTO_IMPORT import = {0};
	USH_AUTO_FREE char *yaml = NULL;
	USH_AUTO_POLICY p = imported(&import, config, &yaml);
	const struct ush_policy_source *s = &p->sources[0];

	ck_assert_str_eq(ush_source_text(s, "url"), "ldaps://ldap.example.com:636");
	ck_assert_str_eq(ush_source_text(s, "bindDN"), "cn=reader,dc=example,dc=com");
	ck_assert_str_eq(ush_source_text(s, "secretFile"), "/run/secrets/ldap");
	ck_assert_str_eq(ush_source_text(s, "schema"), "rfc2307bis");
	ck_assert_str_eq(ush_source_text(s, "groups.filter"), "(objectClass=groupOfNames)");
	ck_assert_str_eq(ush_source_text(s, "groups.member"), "member");
	ck_assert_ptr_null(ush_source_text(s, "groups.id"));
	ck_assert_str_eq(ush_source_text(s, "people.name"), "mail");
	expect_left(&import, "is called admins");
	expect_left(&import, "members that cannot be found are counted");
}
END_TEST

static void expect_refused(struct ush_import *import, const char *text, const char *what)
{
	USH_AUTO_FREE char *path = ush_printf("%s/input.yaml", tap_folder());

	memset(&err, 0, sizeof err);
	ck_assert_int_eq(ush_file_write(path, text, strlen(text), 0644, &err), 0);
	ck_assert(ush_import_file(import, path, &err) != 0 || ush_import_finish(import, &err) != 0);
	ck_assert_msg(strstr(err.what, what) != NULL, "%s", err.what);
}

/* What a policy cannot say keeps nothing else from being said. */
START_TEST(a_binding_that_no_policy_can_hold_is_left_out_whole_and_the_rest_is_imported)
{
	static const char text[] =
		"apiVersion: rbacmanager.reactiveops.io/v1beta1\nkind: RBACDefinition\nmetadata: {name: users}\nrbacBindings:\n"
		"- name: web\n  subjects: [{kind: Group, name: 'oidc:devs'}]\n  roleBindings: [{clusterRole: edit, namespace: web}]\n"
		"- name: all\n  subjects: [{kind: Group, name: 'oidc:*'}, {kind: Group, name: 'oidc:ops'}]\n  roleBindings: [{clusterRole: view, namespace: docs}]\n"
		"- name: odd\n  subjects: [{kind: Group, name: 'oidc:ops'}]\n  roleBindings: [{clusterRole: view, namespaceSelector: {matchLabels: {team: 'not a label'}}}]\n"
		"- name: wide\n  subjects: [{kind: Group, name: 'oidc:ops'}]\n  roleBindings: [{role: wide, namespace: docs}, {role: r, namespace: docs}]\n"
		"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: wide, namespace: docs}\nrules: [{apiGroups: [''], resources: ['*'], verbs: [get]}]\n"
		"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: docs}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n"
		"---\napiVersion: redhatcop.redhat.io/v1alpha1\nkind: GroupSync\nmetadata: {name: g}\nspec: {providers: [{name: kc, keycloak: {url: 'http://kc.example.com', realm: a}}]}\n";
	USH_AUTO_IMPORT import = {0};
	USH_AUTO_FREE char *yaml = NULL;
	USH_AUTO_POLICY policy = imported(&import, text, &yaml);
	USH_AUTO_JSON groups = ush_import_groups(&import);

	ck_assert_uint_eq(policy->grant_count, 2);
	ck_assert_str_eq(policy->grants[0].group, "devs");
	ck_assert_str_eq(policy->grants[1].group, "ops");
	ck_assert_str_eq(policy->grants[1].name, "users-wide-r-docs");
	ck_assert_uint_eq(policy->role_count, 2);
	ck_assert_uint_eq(import.skipped, 4);
	expect_left(&import, "RBACDefinition users, all: RoleBinding users-all-view cannot stand in a policy (group: \"*\" is everybody)");
	expect_left(&import, "RBACDefinition users, odd: RoleBinding users-odd-view cannot stand in a policy (namespaceSelector.matchLabels.team: \"not a label\"");
	expect_left(&import, "RoleBinding users-wide-wide-docs refers to Role wide, which cannot stand in a policy (rules[0].resources: \"*\" would cover");
	expect_left(&import, "source kc cannot stand in a policy (keycloak.url: \"http://kc.example.com\" is not https); write it by hand");
	ck_assert_str_eq(policy->sources[0].name, "main");
	ck_assert_uint_eq(json_array_size(json_object_get(groups, "groups")), 2);
}
END_TEST

START_TEST(a_prefix_that_some_groups_lack_leaves_those_out_and_one_that_all_lack_is_an_error)
{
	static const char text[] = "apiVersion: rbacmanager.reactiveops.io/v1beta1\nkind: RBACDefinition\nmetadata: {name: users}\nrbacBindings:\n"
				   "- name: web\n  subjects: [{kind: Group, name: 'oidc:devs'}]\n  roleBindings: [{clusterRole: edit, namespace: web}]\n"
				   "- name: old\n  subjects: [{kind: Group, name: 'ldap-devs'}, {kind: Group, name: 'oidc:ops'}]\n  roleBindings: [{clusterRole: view, namespace: docs}]\n";
	USH_AUTO_IMPORT import = {.prefix = "oidc:"};
	USH_AUTO_IMPORT none = {.prefix = "corp:"};
	USH_AUTO_FREE char *yaml = NULL, *path = NULL;
	USH_AUTO_POLICY policy = imported(&import, text, &yaml);

	ck_assert_uint_eq(policy->grant_count, 1);
	ck_assert_uint_eq(import.skipped, 1);
	expect_left(&import, "RoleBinding users-old-view is for group \"ldap-devs\", which does not begin with the prefix \"oidc:\"");
	path = ush_printf("%s/input.yaml", tap_folder());
	ck_assert_int_eq(ush_file_write(path, text, strlen(text), 0644, &err), 0);
	ck_assert_int_eq(ush_import_file(&none, path, &err), 0);
	ck_assert_int_eq(ush_import_finish(&none, &err), -1);
	ck_assert_str_eq(err.what, "group \"oidc:devs\" of RBACDefinition users, web does not begin with the prefix \"corp:\"");
}
END_TEST

START_TEST(what_cannot_be_one_policy_is_said)
{
	USH_AUTO_IMPORT nothing = {0}, both = {0}, prefix = {.prefix = "corp:"};

	expect_refused(&nothing, "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n", "the files hold no RBACDefinition");
	expect_refused(&both, "apiVersion: rbacmanager.reactiveops.io/v1beta1\nkind: RBACDefinition\nmetadata: {name: a}\n---\napiVersion: rbacsync.getcruise.com/v1alpha\n"
			      "kind: RBACSyncConfig\nmetadata: {name: b}\n", "these are two policies");
	expect_refused(&prefix, definition, "does not begin with the prefix \"corp:\"");
}
END_TEST

/* Nothing in the input becomes YAML of its own, and hostile shapes are no crash. */
START_TEST(hostile_input_stays_text)
{
	static const char config[] = "apiVersion: rbacmanager.reactiveops.io/v1beta1\nkind: RBACDefinition\nmetadata: {name: \"a\\nkind: x\"}\nrbacBindings:\n- name: \"b\\u202e\"\n"
				     "  subjects: [{kind: Group, name: \"oidc:x\\ny\"}, 7, {kind: [Group]}]\n  roleBindings: [{clusterRole: edit, namespace: [1]}, 3, {clusterRole: edit, namespace: a}]\n"
				     "- 5\n- {name: ok, subjects: [{kind: Group, name: 'oidc:good'}], roleBindings: [{clusterRole: edit, namespace: good}, {clusterRole: 'A:b', namespace: good}]}\n";
	USH_AUTO_IMPORT import = {0};
	USH_AUTO_FREE char *yaml = NULL;
	USH_AUTO_POLICY p = imported(&import, config, &yaml);

	for (size_t i = 0; i < p->grant_count; i++)
		ck_assert_str_eq(p->grants[i].group, "good");
	ck_assert_ptr_null(strstr(yaml, "\nkind: x"));
	ck_assert_uint_gt(import.left.count, 1);
}
END_TEST

START_TEST(the_same_files_give_the_same_bytes)
{
	USH_AUTO_IMPORT one = {0}, two = {0};
	USH_AUTO_FREE char *a = NULL, *b = NULL;
	USH_AUTO_POLICY p = imported(&one, definition, &a);
	USH_AUTO_POLICY q = imported(&two, definition, &b);

	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(p->digest, q->digest);
	ck_assert_str_eq(a, b);
}
END_TEST

TAP_MAIN("import", a_binding_that_no_policy_can_hold_is_left_out_whole_and_the_rest_is_imported,
	 a_prefix_that_some_groups_lack_leaves_those_out_and_one_that_all_lack_is_an_error, a_definition_of_rbac_manager_keeps_its_bindings, what_would_change_is_no_proof, owners_of_a_tenant_keep_the_names_that_capsule_hashed,
	 rbacsync_becomes_a_policy_that_binds_people, providers_of_a_group_sync_become_sources, an_ldap_sync_config_becomes_a_source,
	 what_cannot_be_one_policy_is_said, hostile_input_stays_text, the_same_files_give_the_same_bytes)
