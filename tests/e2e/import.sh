#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From rbac-manager and Capsule to usher-broker on a real API server: the bindings stand as those tools make them, the
# imported policy means them, takes them over, and nobody's access changes on the way.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
cluster_start

cat >"$T/tools.yaml" <<'END'
apiVersion: rbacmanager.reactiveops.io/v1beta1
kind: RBACDefinition
metadata: {name: users}
rbacBindings:
- name: web
  subjects: [{kind: Group, name: "oidc:web-devs"}, {kind: Group, name: "oidc:web-ops"}]
  roleBindings: [{clusterRole: edit, namespaceSelector: {matchLabels: {team: web}}}, {clusterRole: view, namespace: api}]
---
apiVersion: capsule.clastix.io/v1beta2
kind: Tenant
metadata: {name: oil}
spec:
  owners: [{kind: Group, name: "oidc:oil-admins", clusterRoles: [admin]}]
END
for space in 'web-1 team=web' 'web-2 team=web' 'api x=y' 'oil-dev capsule.clastix.io/tenant=oil'; do
	admin create namespace "${space% *}" >/dev/null
	admin label namespace "${space% *}" "${space#* }" >/dev/null
done
group() { printf -- '--group=%s ' "$@"; }
# shellcheck disable=SC2046 # words
stand() { # NAMESPACE NAME CLUSTERROLE GROUP...
	admin create rolebinding -n "$1" "$2" --clusterrole="$3" $(group "${@:4}") >/dev/null
	admin label rolebinding -n "$1" "$2" rbac-manager=reactiveops >/dev/null
}
stand web-1 users-web-edit edit oidc:web-devs oidc:web-ops
stand web-2 users-web-edit edit oidc:web-ops oidc:web-devs
stand api users-web-view view oidc:web-devs oidc:web-ops
hash=$("$BROKER" import "$T/tools.yaml" 2>/dev/null | sed -n 's/.*name: "\(capsule:managed:[0-9a-f]*\)".*/\1/p')
like "$hash" '^capsule:managed:[0-9a-f]+$' 'Capsule'\''s name is known'
stand oil-dev "$hash" admin oidc:oil-admins

status 0 'BM15 import against the cluster is a no-op' broker import "$T/tools.yaml" --plan-against cluster --groups "$T/groups.json"
like "$(cat "$ERR")" '4 bindings would only get our marks, 0 differ' 'BM15 all four'
cp "$OUT" "$T/policy.yaml"
status 0 'explain of a group, live' broker explain -f "$T/policy.yaml" --live web-devs
like "$(cat "$OUT")" 'group web-devs: edit in web-1, web-2' 'knows where a selector reaches'
status 0 'explain of a namespace, live' broker explain -f "$T/policy.yaml" --live oil-dev
like "$(cat "$OUT")" "stands      RoleBinding $hash \\(not ours\\): ClusterRole admin for Group oidc:oil-admins" 'shows what stands there and whose it is'

may() { admin auth can-i "$1" "$2" -n "$3" --as=x --as-group="$4" >/dev/null 2>&1; }
before=$(admin get rolebindings -A -o json | jq -c '[.items[] | {n: .metadata.namespace, name: .metadata.name, uid: .metadata.uid, r: .roleRef, s: (.subjects | sort_by(.name))}] | sort_by(.n, .name)')
broker plan -f "$T/policy.yaml" -o json >"$T/plan.json" 2>"$T/plan.err"
is "$(jq '[.changes[] | select(.action == "create" or .action == "remove" or .action == "replace")] | length' "$T/plan.json")" 0 'BM15 the plan makes, removes and replaces none'
status 5 'while the tool'\''s mark stands on them they are left alone' broker apply -f "$T/policy.yaml"
broker import "$T/tools.yaml" --plan-against cluster 2>&1 >/dev/null | sed -n 's/.*when it is stopped: kubectl/kubectl/p' >"$T/handover"
like "$(cat "$T/handover")" '^kubectl --kubeconfig [^ ]+ label rolebinding -A -l rbac-manager rbac-manager-$' 'import tells how to take the mark off'
# shellcheck source=/dev/null
. "$T/handover" >/dev/null
status 0 'BM15 apply takes them over' broker apply -f "$T/policy.yaml"
is "$(admin get rolebindings -A -o json | jq -c '[.items[] | {n: .metadata.namespace, name: .metadata.name, uid: .metadata.uid, r: .roleRef, s: (.subjects | sort_by(.name))}] | sort_by(.n, .name)')" \
	"$before" 'BM15 the same objects, roles and subjects as before'
is "$(admin get rolebindings -A -l app.kubernetes.io/managed-by=usher-broker -o name | wc -l)" 4 'BM15 and all four are ours'
ok 'who might, may still' may create deployments web-1 oidc:web-devs
nok 'who might not, may not' may create deployments web-1 oidc:oil-admins
status 0 'the next plan has nothing to do' broker plan -f "$T/policy.yaml"
done_testing
