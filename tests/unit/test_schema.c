/* SPDX-License-Identifier: Apache-2.0
 *
 * Reader and JSON Schema judge alike: a policy that says most of what can be said is changed at random, and whatever the
 * schema refuses the reader refuses, while what the reader alone refuses is of a kind that no schema can see.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/policy/policy.h"
#include "broker/policy/schema.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"
#include "tests/support/schema_check.h"

static const char whole[] =
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\nmetadata: {name: platform}\nowners: [platform@example.com]\n"
	"cluster: {groupPrefix: 'oidc:', groupName: path, groupCase: keep, userPrefix: 'oidc:', groupClaim: groups, tenantLabel: example.com/tenant}\n"
	"clusters:\n- {name: eu, context: admin}\n- {name: us, kubeconfig: us.kubeconfig}\n"
	"sources:\n  main:\n    keycloak: {url: 'https://login.example.com', realm: acme, client: usher-broker, secretFile: /run/secrets/k, ca: /etc/ca.pem,\n"
	"      peopleName: email, include: ['/teams/*/*', /oncall], exclude: ['/teams/*/archive'], canaries: {groups: [/oncall], people: [carol]}, timeout: 5m}\n"
	"  partners: {file: {path: groups.json, format: json}}\n"
	"exceptions:\n- {systemGroup: 'system:nodes', owner: a, reason: b, until: 2027-07-01}\n- {wildcardRole: operator, owner: a, reason: b, until: 2027-07-01}\n"
	"- {escalatingRole: writer, owner: a, reason: b, until: 2027-07-01}\n- {everyGroup: viewer, owner: a, reason: b, until: 2027-07-01T09:00:00Z}\n"
	"roles:\n  viewer: {clusterRole: view}\n  reader: {rules: [{apiGroups: ['', apps], resources: [pods, deployments], resourceNames: [x], verbs: [get, list]}]}\n"
	"  operator: {rules: [{apiGroups: [o.example.com], resources: ['*'], verbs: [get]}]}\n"
	"  writer: {rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [bind]}]}\n"
	"layout: role\ndrift: repair\n"
	"grants:\n- {group: /oncall, source: main, role: viewer, namespaceSelector: {tier: prod}, notAfter: 2027-01-01, owner: o, reason: r}\n"
	"- {group: /a/b, source: main, role: reader, namespaces: [a, b], name: read}\n"
	"- {groupPattern: '/teams/{team}/devs', source: main, role: operator, namespacePattern: '{team}-*', except: ['*-prod']}\n"
	"- {groupPattern: '{x}', source: main, role: viewer, namespaces: [shared], notBefore: 2026-12-01}\n"
	"- {group: 'system:nodes', role: writer, namespaceSelector: {matchLabels: {a: b}, matchExpressions: [{key: t, operator: In, values: [p]}, {key: f, operator: Exists}]}}\n"
	"- {groupPattern: '/teams/{team}/{env}', source: main, role: viewer, namespaceSelector: {team: '{team}', tier: 'a-{env}'}}\n"
	"- {groupPattern: '/x/{t}', source: main, role: viewer, namespaceSelector: {matchExpressions: [{key: t, operator: In, values: ['{t}', b]}, {key: u, operator: NotIn, values: [c]}]}}\n"
	"- {group: p, source: partners, role: viewer, namespaces: [a]}\n"
	"exclude: {groups: ['/teams/*/guests'], namespaces: [istio-system]}\n"
	"limits: {remove: {bindings: 20, people: 25%}, add: {people: 200}, vanishedGroup: {runs: 2, age: 1h}}\n"
	"templates:\n  team: {labels: {a: b}, annotations: {c: d}, podSecurity: {enforce: baseline, version: latest}, quota: {pods: 50, requests.cpu: '4'},\n"
	"    limitRange: {default: {cpu: 500m}, max: {memory: 4Gi}}, networkPolicy: {defaultDeny: true}, automountServiceAccountToken: false,\n"
	"    roles: [{role: viewer, group: '/teams/{team}/devs', source: main}]}\n  locked: {podSecurity: restricted}\n";

/* What the reader sees and a schema cannot: what a name refers to, what two members say together, letters it has no words
 * for. A refusal that is none of these is a hole in the schema. */
static const char *const unseen[] = {"there is no role",   "there is no source",  "stands twice",	"sources; say which one", "control or invisible", "lets people",
				     "would cover",	   "covers more",	  "belongs to Kubernetes", "begins with system:",	  "is captured by",	  "is not captured by",
				     "names a {name} twice", "is every group",	  "is every namespace", "may do everything",	  "needs no exception",	  "is not after notBefore",
				     "is not https",	   "which has another role", "bytes",		"has a slash",		  "the key",		  "characters",
				     "is no https",	   "there is no resource", "there is no verb",	"cannot be the name",	  "DNS name",
				     "hold a colon",	   "which In alone can ask for", "is to be a label", "usher-broker's own", "Kubernetes knows no such resource"};

static const char *const texts[] = {"", "*", "a", "system:masters", "System:x", "a b", "{team}", "{", "a/", "/", "a,b", "-a", "A", "2027-01-01", "2027-13-01", "never", "25%", "101%",
				    "1h", "http://x.example", "https://x.example", "oidc:", "/a/b", "a_b", "a.b", "{a}{a}", "\xc3\xa9", "\xe2\x80\x8b", "true", "null", "1", "*/*",
				    "get", "latest", "v1.36", "v1", "restricted", "In", "{team}-*", "a\tb", "apps/v1"};
static const char *const values[] = {"null", "true", "0", "1", "-1", "20", "1001", "1.5", "[]", "{}", "[\"\"]", "[\"a\"]", "[1]", "{\"a\":\"b\"}", "{\"a\":1}", "[[]]", "[{}]"};
static const char *const keys[] = {"extra", "Name", "role", "roles", "name", "until", "a b", "", "x/y", "*"};

static uint64_t seed = 1;

static size_t below(size_t limit)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)(seed >> 33) % limit;
}

static json_t *some_value(const json_t *now)
{
	if (below(12) == 0)
		return json_pack("[o]", json_deep_copy(now));
	return below(3) > 0 ? json_string(texts[below(USH_COUNT(texts))]) : json_loads(values[below(USH_COUNT(values))], JSON_DECODE_ANY, NULL);
}

/* Changes one thing of a map or list. */
static void change_here(json_t *at)
{
	size_t count = json_is_object(at) ? json_object_size(at) : json_array_size(at), chosen = count > 0 ? below(count) : 0, what = below(10);
	void *item = json_is_object(at) ? json_object_iter(at) : NULL;
	USH_AUTO_FREE char *key = NULL;

	for (size_t i = 0; i < chosen && item != NULL; i++)
		item = json_object_iter_next(at, item);
	if (json_is_array(at)) {
		if (what < 3 && count > 0)
			json_array_remove(at, chosen);
		else if (what < 5 && count > 0)
			json_array_append_new(at, json_deep_copy(json_array_get(at, chosen)));
		else if (count > 0)
			json_array_set_new(at, chosen, some_value(json_array_get(at, chosen)));
	} else if (what == 0 || item == NULL) {
		json_object_set_new(at, keys[below(USH_COUNT(keys))], some_value(at));
	} else {
		key = ush_strdup(json_object_iter_key(item));
		if (what == 1)
			json_object_set(at, keys[below(USH_COUNT(keys))], json_object_iter_value(item));
		if (what < 4)
			json_object_del(at, key);
		else
			json_object_set_new(at, key, some_value(json_object_iter_value(item)));
	}
}

/* Somewhere in the tree. */
static void change(json_t *at)
{
	json_t *inner[64], *value;
	const char *key;
	size_t count = 0, i;

	if (json_is_object(at))
		json_object_foreach(at, key, value) {
			if (count < USH_COUNT(inner) && (json_is_object(value) || json_is_array(value)))
				inner[count++] = value;
		}
	else
		json_array_foreach(at, i, value) {
			if (count < USH_COUNT(inner) && (json_is_object(value) || json_is_array(value)))
				inner[count++] = value;
		}
	if (count == 0 || below(5) == 0)
		change_here(at);
	else
		change(inner[below(count)]);
}

static bool is_unseen(const char *fault)
{
	for (size_t i = 0; i < USH_COUNT(unseen); i++)
		if (strstr(fault, unseen[i]) != NULL)
			return true;
	return false;
}

static json_t *parsed(void)
{
	struct ush_error err = {0};
	USH_AUTO_NODE node = ush_yaml_read_one(whole, strlen(whole), "whole", USH_ERR_CONFIG, &err);

	ck_assert_msg(node != NULL, "%s", err.what);
	return ush_yaml_to_json(node);
}

START_TEST(reader_and_schema_judge_random_changes_alike)
{
	USH_AUTO_JSON base = parsed();
	USH_AUTO_JSON schema = ush_policy_schema();
	size_t taken = 0, both = 0, alone = 0;

	ck_assert(schema_takes(schema, base));
	for (int round = 0; round < 3000; round++) {
		USH_AUTO_JSON mutant = json_deep_copy(base);
		USH_AUTO_FREE char *text = NULL;
		USH_AUTO_POLICY policy = NULL;
		struct ush_error err = {0};
		bool takes;

		for (size_t i = 1 + (round % 7 == 0); i > 0; i--)
			change(mutant);
		text = json_dumps(mutant, 0);
		takes = schema_takes(schema, mutant);
		policy = ush_policy_read(text, strlen(text), "p", NULL, &err);
		ck_assert_msg(policy == NULL || takes, "round %d: the schema refuses what the reader takes: %s", round, text);
		ck_assert_msg(policy != NULL || !takes || is_unseen(err.what), "round %d: a schema could see that %s", round, err.what);
		taken += policy != NULL;
		both += policy == NULL && !takes;
		alone += policy == NULL && takes;
	}
	ck_assert_uint_gt(taken, 200);
	ck_assert_uint_gt(both, 1000);
	ck_assert_uint_gt(alone, 50);
}
END_TEST

TAP_MAIN("schema", reader_and_schema_judge_random_changes_alike)
