#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usher-broker rbac and claims, from files alone.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cp "$USHER_SRC/examples/policy.yaml" "$USHER_SRC/examples/groups.json" "$T/"
cd "$T" || exit 99

base64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
token() { printf '%s.%s.c2ln\n' "$(printf '{"alg":"RS256"}' | base64url)" "$(printf %s "$1" | base64url)"; } # PAYLOAD

# ---- rbac ----
status 0 'rbac prints manifests' "$BROKER" rbac -f policy.yaml
is "$(grep -c '^kind: ' "$OUT")" "$(($(grep -c '^---$' "$OUT") + 1))" 'one a document'
unlike "$(cat "$OUT")" 'escalate|"\*"|cluster-admin' 'T65 which never hold escalate, a wildcard or cluster-admin'
cp "$OUT" first
status 0 'rbac again' "$BROKER" rbac -f policy.yaml
ok 'the same bytes' cmp -s "$OUT" first
status 0 'rbac as json' "$BROKER" rbac -f policy.yaml -o json --namespace ops --service-account robot
is "$(jq -r '.kind, (.items[0].metadata | .namespace, .name)' "$OUT" | paste -sd' ')" 'List ops robot' 'is one List, for the account that was named'
is "$(jq -r '[.items[] | .subjects // [] | .[] | .namespace + "/" + .name] | unique | join(" ")' "$OUT")" ops/robot 'which is the only subject'
status 2 'rbac wants a policy' "$BROKER" rbac
one_line "$ERR" 'and says so in a line'

# ---- rbac for who puts out and who gives for a time ----
for purpose in onboard offboard; do
	status 0 "rbac --for $purpose" "$BROKER" rbac --for "$purpose" -f policy.yaml -o json
	is "$(jq -r '[.items[].metadata.name] | unique | join(" ")' "$OUT")" "usher-$purpose" 'is an account of its own'
	unlike "$(cat "$OUT")" 'escalate|"\*"|impersonate|cluster-admin' 'T65 which is never everything'
done
status 2 'a policy that lets nothing be given for a time takes no rights for it' "$BROKER" rbac --for elevate -f policy.yaml
like "$(cat "$ERR")" 'policy.yaml lets nothing be given for a time' 'and says so'
{ cat policy.yaml; echo 'elevation: {allow: [{roles: [editor], namespaces: [gate], max: 1h}]}'; } >timed.yaml
grep -q '^  editor: {clusterRole' timed.yaml || sed -i 's/^roles:.*/&\n  editor: {clusterRole: edit}/' timed.yaml
status 0 'one that does' "$BROKER" rbac --for elevate -f timed.yaml -o json
is "$(jq -r '.items[] | select(.metadata.namespace == "gate" and .rules != null) | .rules[] | "\(.verbs | join(",")) \(.resources | join(",")) \(.resourceNames // [] | join(","))"' "$OUT" |
	paste -sd';')" 'get,create,delete rolebindings ;bind clusterroles edit' 'takes what it gives, there'
status 2 '--events is for who makes Events' "$BROKER" rbac --for offboard --events -f policy.yaml
status 2 'rbac for nothing that there is' "$BROKER" rbac --for everything -f policy.yaml

# ---- claims ----
token '{"email": "carol@example.com", "groups": ["k8s-restricted-users"]}' >good
status 0 'a token that says what is bound' "$BROKER" claims -f policy.yaml --token good
like "$(sed -n 2p "$OUT")" '^ok +k8s-restricted-users +is oidc:k8s-restricted-users at the API server; 1 grant$' 'is told so'
token '{"groups": ["/k8s-restricted-users", "other"]}' >path
status 1 'BM04 a token that says a path where a name is bound is status 1' "$BROKER" claims -f policy.yaml --token path
like "$(sed -n 2p "$OUT")" '^FAIL +/k8s-restricted-users +is group /k8s-restricted-users, but by its path; the policy binds oidc:k8s-restricted-users$' 'BM04 it is told'
like "$(sed -n 3p "$OUT")" '^ +cluster.groupName: path$' 'BM04 with what to write'
like "$(sed -n 4p "$OUT")" '^note +other ' 'BM04 a group nobody knows is a note'
jq -n --arg token "$(cat good)" '{kind: "ExecCredential", status: {token: $token}}' >credential
status 0 'what a credential plugin prints is read from stdin' "$BROKER" claims -f policy.yaml --token - <credential
status 1 'claims as json' "$BROKER" claims -f policy.yaml --token path -o json
is "$(jq -r '.groups[0] | .verdict, .remedy' "$OUT" | paste -sd' ')" 'FAIL cluster.groupName: path' 'has verdict and remedy'
unlike "$(cat "$OUT" "$ERR")" "$(cut -d. -f3 path)" 'and nothing of the token'
for bad in '' x a.b.c '{}'; do
	printf %s "$bad" >bad
	status 2 "\"$bad\" is no token: status 2" "$BROKER" claims -f policy.yaml --token bad
	one_line "$ERR" "\"$bad\": a line"
done
head -c 100 groups.json >half.json
sed 's/groups.json/half.json/' policy.yaml >half.yaml
status 3 'claims against an incomplete source is status 3' "$BROKER" claims -f half.yaml --token good
done_testing
