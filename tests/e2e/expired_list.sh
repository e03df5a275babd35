#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# etcd forgets a version while a list of that version is being read in pages, on a real API server: the list begins again, and
# the second time nothing is concluded from what was read of it. BC13.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
have node || skip_all 'no node on this machine'
export CONTROLLERS="" EXTRA=--watch-cache=false # each page is etcd's
cluster_start
ETCD=$(tr '\0' '\n' <"/proc/$(head -n 1 "$CLUSTER/pids")/cmdline" | grep -x -A1 -e --listen-client-urls | tail -n 1)
RBAC=/apis/rbac.authorization.k8s.io/v1

cat >"$T/policy.yaml" <<EOF
apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:"}
sources: {main: {file: {path: $T/groups.json}}}
limits: {remove: {bindings: 100, people: 100%}, vanishedGroup: {runs: 1, age: 0s}}
roles: {viewer: {clusterRole: view}}
grants:
- {group: team, role: viewer, namespacePattern: "pay-*"}
- {group: crew, role: viewer, namespaces: [pay-1], name: crew}
templates: {pay: {roles: [{role: viewer, group: team}]}}
EOF
groups() { jq -n '{groups: [{name: "team", id: $ARGS.positional[0], members: ["carol"]}, {name: "crew", id: "2", members: ["dave"]}], count: 2}' --args "$1" >"$T/groups.json"; }
groups 1
for name in pay-1 pay-2 pay-3 pay-4; do admin create namespace "$name" >/dev/null; done
forgets() { # TIMES PATH COMMAND...
	run node "$SUPPORT/forgetful.mjs" "$1" "$2" "$ADMIN" "$PKI" "$ETCD" "$T/forgetful" "$BROKER" "${@:3}" -f "$T/policy.yaml" --kubeconfig "$T/forgetful"
}
bound() { admin get rolebindings -A -l app.kubernetes.io/managed-by=usher-broker -o json | jq -c '[.items[] | {n: .metadata.namespace, v: .metadata.resourceVersion}]'; }

status 0 'the policy is applied' broker apply -f "$T/policy.yaml"
was=$(bound)
is "$(jq length <<<"$was")" 5 'five bindings, three pages'
for list in /api/v1/namespaces "$RBAC/rolebindings" "$RBAC/clusterroles"; do
	forgets 1 "$list" apply
	is "$STATUS" 0 "BC13 ${list##*/} expires once, and apply has nothing to do"
	is "$(grep -cx 410 "$T/forgetful.log")" 1 'the server itself said that it has expired'
	forgets 2 "$list" apply
	is "$STATUS" 3 "BC13 ${list##*/} expires twice, and the run stops"
	one_line "$ERR" 'in one line'
	like "$(cat "$ERR")" "${list##*/}, page 2: " 'which says which list'
	is "$(bound)" "$was" 'and nothing was written'
done

groups 7
forgets 2 "$RBAC/rolebindings" onboard namespace pay-5 --template pay
is "$STATUS" 3 'onboard stops as well'
ok 'before it makes anything' test "$(admin get namespace pay-5 -o name --ignore-not-found)" = ''
forgets 1 "$RBAC/rolebindings" onboard namespace pay-5 --template pay
is "$STATUS" 10 'and when the list can be had, team waits, for it was made anew'
like "$(cat "$OUT")" 'waits +RoleBinding .*id 1 before, says pay-1/.*, 7 now' 'as bindings of other namespaces say'
is "$(bound)" "$was" 'nobody is bound in the new one'
done_testing
