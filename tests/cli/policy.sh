#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is done with a policy alone: validate as JSON and schema, import with its proof, explain. Exit status and bytes.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cp "$USHER_SRC/examples/groups.json" "$USHER_SRC/examples/policy.yaml" "$T/"
cd "$T" || exit 99

# ---- validate ----
status 0 'validate -o json of a good policy' "$BROKER" validate -o json policy.yaml
is "$(jq -r '.valid, .grants, (.faults | length)' "$OUT" | paste -sd' ')" 'true 1 0' 'says that it is valid and what it holds'
sed -e 's/role: pod-service-reader/role: pod-service-raeder/' -e 's/\[fancy-namespace\]/["*"]/' policy.yaml >bad.yaml
status 2 'validate -o json of a bad one is status 2' "$BROKER" validate -o json bad.yaml
is "$(jq -r '.valid, (.faults | length), .faults[0].line < .faults[1].line, .faults[0].column' "$OUT" | paste -sd' ')" 'false 2 true 9' 'with every fault, in the order of the file'
is "$(cat "$ERR")" '' 'and nothing on stderr'
status 2 'a file that is not there, as json' "$BROKER" validate -o json none.yaml
like "$(jq -r '.faults[0].message' "$OUT")" 'none\.yaml' 'is a fault without a place'
status 0 'validate --schema' "$BROKER" validate --schema
is "$(jq -r .title "$OUT")" AccessPolicy 'prints the schema'
printf 'exceptions: [{wildcardRole: all, owner: carol, reason: OPS-1, until: 2026-01-01}]\n' >>policy.yaml
sed 's/^roles:/roles:\n  all: {clusterRole: cluster-admin}/' policy.yaml >ended.yaml
status 2 'BM10 an exception that has ended is status 2' env TZ=UTC "$BROKER" validate ended.yaml
like "$(cat "$ERR")" '^ended\.yaml:[0-9]+:1: exceptions\[0\]\.until: has passed, so all is refused again \(carol\)' 'and says whose it was'
sed 's/2026-01-01}/2999-01-01}/' ended.yaml >held.yaml
status 0 'one that has not is valid' "$BROKER" validate held.yaml
sed '/^exceptions/d' ended.yaml >none.yaml
status 2 'and without one a role that may do everything is refused' "$BROKER" validate none.yaml
printf '\0\xff\xfe' >bytes.yaml
status 2 'bytes that are no text are status 2' "$BROKER" validate bytes.yaml
one_line "$ERR" 'in one line'

# ---- import ----
cat >definition.yaml <<'END'
apiVersion: rbacmanager.reactiveops.io/v1beta1
kind: RBACDefinition
metadata: {name: users}
rbacBindings:
- name: web
  subjects: [{kind: Group, name: "oidc:web-devs"}, {kind: Group, name: "oidc:web-ops"}]
  clusterRoleBindings: [{clusterRole: view}]
  roleBindings: [{clusterRole: edit, namespaceSelector: {matchLabels: {team: web}}}, {clusterRole: view, namespace: api}]
- name: ci
  subjects: [{kind: ServiceAccount, name: ci, namespace: ops}]
  roleBindings: [{clusterRole: edit, namespace: ci}]
END
binding() { # NAMESPACE NAME CLUSTERROLE GROUP...
	printf -- '---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {namespace: %s, name: "%s", labels: {rbac-manager: reactiveops}}\n' "$1" "$2"
	printf 'roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}\nsubjects:\n' "$3"
	printf -- '- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "%s"}\n' "${@:4}"
}
mkdir there
{
	printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: web-1, labels: {team: web}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: api}\n'
	binding web-1 users-web-edit edit oidc:web-ops oidc:web-devs
	binding api users-web-view view oidc:web-devs oidc:web-ops
	binding ops theirs view somebody
} >there/all.yaml
status 0 'BM15 import with the bindings that the tool made is a no-op: status 0' "$BROKER" import definition.yaml --plan-against there --groups web.json
like "$(tail -1 "$ERR")" '^usher-broker: 2 bindings would only get our marks, 0 differ, 1 of others is left alone$' 'BM15 and says so'
like "$(cat "$OUT")" '# - RBACDefinition users, web: ClusterRoleBinding users-web-view stays as it is' 'what could not be carried over is a comment'
like "$(cat "$ERR")" 'things could not be carried over' 'and is counted'
sed 's/groups.json/web.json/' "$OUT" >imported.yaml
cp "$OUT" first.yaml
status 0 'the policy is valid' "$BROKER" validate imported.yaml
status 0 'import again' "$BROKER" import definition.yaml --plan-against there
ok 'gives the same bytes' cmp "$OUT" first.yaml
"$BROKER" plan -f imported.yaml --from there -o json >plan.json 2>plan.err
is "$(jq -r '[.changes[] | select(.action == "create" or .action == "remove" or .action == "replace" or (.groups.added // [] | length) > 0 or (.groups.removed // [] | length) > 0)] | length' plan.json)" 0 \
	'BM15 and the plan against the tool'\''s bindings neither makes, removes nor replaces one, nor a subject'
sed 's/oidc:web-ops", *"//; s/- {.*oidc:web-ops"}//' there/all.yaml >x && mv x there/all.yaml
status 1 'bindings that mean something else are no proof: status 1' "$BROKER" import definition.yaml --plan-against there
like "$(grep web-1 "$ERR")" '^usher-broker: web-1/users-web-edit stands with other subjects$' 'and each is named'
status 2 'files of no tool are status 2' "$BROKER" import there
status 2 'a prefix that the groups do not have is status 2' "$BROKER" import definition.yaml --group-prefix corp:
status 3 'a file that is no YAML is status 3' "$BROKER" import bytes.yaml

# ---- explain ----
cat >explain.yaml <<'END'
apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:", groupName: path}
sources: {main: {file: {path: teams.json}}}
roles: {editor: {clusterRole: edit}, viewer: {clusterRole: view}}
grants:
- {groupPattern: "/teams/{team}/developers", role: editor, namespacePattern: "{team}-*", except: ["*-secret"]}
- {group: /teams/payments/developers, role: viewer, namespaceSelector: {tier: prod}}
- {group: /teams/payments/developers, role: viewer, namespaces: [archive], notAfter: 2026-01-01}
- {group: /gone, role: viewer, namespaces: [archive]}
exclude: {groups: [/teams/guests/*]}
END
cat >teams.json <<'END'
{"groups": [{"name": "developers", "path": "/teams/payments/developers", "id": "7f1c", "members": ["a", "b"]},
 {"name": "developers", "path": "/teams/guests/developers", "id": "7f1d", "members": []}], "count": 2}
END
mkdir spaces
for name in payments-dev payments-secret kube-system; do
	printf -- '---\napiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {tier: prod}}\n' "$name"
done >spaces/all.yaml
status 0 'explain of a group' "$BROKER" explain -f explain.yaml --from spaces /teams/payments/developers
like "$(cat "$OUT")" '^group /teams/payments/developers \(2 people\)' 'shows it with its people'
like "$(cat "$OUT")" 'listed by   source main, id 7f1c' 'which source lists it'
like "$(cat "$OUT")" 'bound as    oidc:/teams/payments/developers' 'its string at the API server'
like "$(cat "$OUT")" 'grants\[0\]   line 7, groupPattern /teams/\{team\}/developers: editor in payments-dev; not in payments-secret \(kept out by \*-secret\)' 'which namespaces a pattern reaches, and what keeps it out of others'
like "$(cat "$OUT")" 'grants\[1\]   line 8, group /teams/payments/developers: viewer in payments-dev, payments-secret; not in kube-system \(kept out by kube-\*\)' 'and a selector, never kube-system'
like "$(cat "$OUT")" 'but it does not hold: ended 2026-01-01 00:00 UTC' 'that a grant has ended'
like "$(cat "$OUT")" 'source main, read completely, lists it' 'and that the source was read whole'
status 0 'by the string of the API server' "$BROKER" explain -f explain.yaml oidc:/teams/payments/developers
like "$(cat "$OUT")" 'listed by   source main, id 7f1c' 'it is the same group'
like "$(cat "$OUT")" 'in the namespaces that payments-\* means; see them with --live or --from' 'without a cluster the pattern is filled in'
status 0 'a group that is excluded' "$BROKER" explain -f explain.yaml /teams/guests/developers
like "$(cat "$OUT")" 'does not hold: .*exclude' 'is told so'
status 0 'a group that is gone' "$BROKER" explain -f explain.yaml /gone
like "$(cat "$OUT")" 'does not hold: source main has no group /gone' 'is told so'
like "$(cat "$OUT")" 'source main, read completely, does not list it' 'with the proof'
status 0 'a group that nobody names' "$BROKER" explain -f explain.yaml /nobody
like "$(cat "$OUT")" 'no grant names or matches it' 'is told so'
status 0 'explain of a namespace' "$BROKER" explain -f explain.yaml --from spaces payments-dev
like "$(cat "$OUT")" '^namespace payments-dev, which is there' 'says that it is there'
like "$(cat "$OUT")" 'by namespacePattern \{team\}-\*: editor for oidc:/teams/payments/developers \(2 people\)' 'which grants reach it, through what, for whom'
like "$(cat "$OUT")" 'next run +create RoleBinding payments-dev/' 'and what a run would do'
status 0 'as json' "$BROKER" explain -f explain.yaml -o json archive
is "$(jq -r '.[0].kind, (.[0].grants | length)' "$OUT" | paste -sd' ')" 'Namespace 2' 'it is the same'
head -c 60 teams.json >half.json && mv half.json teams.json
status 0 'an incomplete source' "$BROKER" explain -f explain.yaml /teams/payments/developers
like "$(cat "$OUT")" 'source main is incomplete, so nothing is concluded from it' 'is told, and nothing is concluded'
status 0 'the policy alone' "$BROKER" explain -f explain.yaml --no-sources /teams/payments/developers
like "$(cat "$OUT")" 'the sources were not asked' 'says that it is that'
status 2 'explain wants something to explain' "$BROKER" explain -f explain.yaml
status 2 'a cluster and a folder are two things' "$BROKER" explain -f explain.yaml --live --from spaces x
done_testing
