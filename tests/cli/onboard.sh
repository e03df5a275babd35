#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usher-broker onboard, from files alone: manifests, what is refused, and how it is said.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$T" || exit 99
export KUBECONFIG=$T/none

policy() { # [LINE...]: under templates
	cat >policy.yaml <<-EOP
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", groupName: path}
	sources: {main: {file: {path: groups.json}}}
	roles:
	  deployer: {rules: [{apiGroups: [apps], resources: [deployments], verbs: [create, get]}]}
	grants: []
	templates:
	  team: {podSecurity: restricted, quota: {pods: 10}, roles: [{role: deployer, group: "/teams/{team}/dev"}]}
	  plain: {podSecurity: baseline}
	EOP
	[ $# -eq 0 ] || printf '  %s\n' "$@" >>policy.yaml
}
onboard() { "$BROKER" onboard "$@" -f policy.yaml; }
refuses() { # STATUS PATTERN WHAT ARGUMENT...
	status "$1" "$3: status $1" onboard "${@:4}"
	one_line "$ERR" "$3: a line"
	like "$(cat "$ERR")" "$2" "$3: that says what"
}

echo '{"groups": [{"path": "/teams/payments/dev", "name": "dev", "id": "1", "members": ["carol"]}], "count": 1}' >groups.json
policy
made=(namespace payments-dev --template team --set team=payments --dry-run client)

status 0 'what would be made is told without a cluster' onboard "${made[@]}"
like "$(cat "$OUT")" 'would create RoleBinding usher-deployer-[0-9a-f]{8} \(oidc:/teams/payments/dev\)' 'down to who is bound'
status 0 'BE42 as manifests' onboard "${made[@]}" -o yaml
cp "$OUT" first
is "$(sed -n 's/^kind: //p' first | paste -sd' ')" 'Namespace NetworkPolicy ResourceQuota ServiceAccount Role RoleBinding' 'BE42 in the order in which they are made'
status 0 'once more' onboard "${made[@]}" -o yaml
ok 'the same bytes' cmp -s first "$OUT"
status 0 'as JSON' onboard "${made[@]}" -o json
is "$(jq -r '.kind, (.items | length)' "$OUT" | paste -sd' ')" 'List 6' 'a List of the same'
is "$(jq -r '[.items[] | select(.kind == "Role" or .kind == "RoleBinding") | .metadata.labels["usher.dev/policy"]] | unique | join(" ")' "$OUT")" default 'what the sync keeps bears its mark'
is "$(jq -r '[.items[] | select(.metadata.labels["usher.dev/policy"]) | .kind] | sort | join(" ")' "$OUT")" 'Role RoleBinding' 'and nothing else does'
status 0 'several at once' onboard namespace payments-a payments-b --template team --set team=payments --dry-run client
like "$(cat "$OUT")" 'would create Namespace 2, NetworkPolicy 2' 'are counted'

refuses 2 'Did you mean team' 'a template with a typo in its name' namespace x --template taem --dry-run client
refuses 2 'has: team, plain' 'no template, of two' namespace x --dry-run client
refuses 2 'wants to know .team.*--set team=' 'a value that is missing' namespace x --template team --dry-run client
refuses 2 'has no .taem.*Did you mean --set team=' 'a value that nobody asked for' namespace x --template team --set taem=x --dry-run client
refuses 2 'is no word of a label' 'a value that is no label' namespace x --template team --set team=a/b --dry-run client
refuses 2 'is no name of a namespace' 'a name that is none' namespace Payments_Dev --template plain --dry-run client
refuses 2 'namespace x is named twice' 'a name that stands twice' namespace x y x --template plain --dry-run client
refuses 5 "the cluster's own" 'a namespace of the cluster' namespace kube-system --template plain --dry-run client
refuses 5 'keeps what it decided' "the broker's own" namespace usher-system --template plain --dry-run client --state-namespace usher-system
refuses 2 'neither namespace nor user' 'another noun' group x
refuses 2 'as in 30s' 'a wait that is none' namespace x --template plain --wait soon
refuses 2 'are for namespaces' 'a template for a person' user carol --template team
refuses 2 'are for onboard user' 'an issuer for a namespace' namespace x --template plain --issuer https://x.test
refuses 10 'not bound yet: deployer for /teams/nobody/dev' 'a group that is not there' namespace x --template team --set team=nobody --dry-run client
status 2 'without a policy' "$BROKER" onboard namespace x
one_line "$ERR" 'a line'
policy 'team2: {podSecurty: restricted}'
refuses 2 'policy.yaml:11:.*podSecurty.*podSecurity' 'a template with a typo' namespace x --template team --set team=payments --dry-run client
policy
echo '{"groups": [], "count": 3}' >groups.json
refuses 3 'source main is incomplete' 'a source that was not read whole' "${made[@]}"
like "$(cat "$OUT")" 'would create Namespace payments-dev' 'which does not hold up the namespace'
done_testing
