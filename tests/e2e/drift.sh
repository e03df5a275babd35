#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What hands and tools do to bindings on a real API server, whose managedFields say who it was. BC16, BE30, BM14.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
cluster_start

policy() { # MODE
	cat >"$T/policy.yaml" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:"}
	sources: {main: {file: {path: "groups.json"}}}
	roles: {edit: {clusterRole: edit}}
	grants:
	- {group: a, role: edit, namespaces: [x], name: e}
	drift: $1
	EOF
}
echo '{"groups": [{"id": "1", "name": "a", "members": ["p"]}], "count": 1}' >"$T/groups.json"
admin create namespace x >/dev/null
uid() { admin get rolebinding e -n x -o jsonpath='{.metadata.uid}'; }
role() { admin get rolebinding e -n x -o jsonpath='{.roleRef.name}'; }
other() { # MANAGER
	admin delete rolebinding e -n x --ignore-not-found >/dev/null
	admin create rolebinding e -n x --clusterrole=edit --group=oidc:a --field-manager="$1" >/dev/null
}

policy adopt
for manager in terraform argocd-controller manager; do
	other "$manager"
	status 5 "$manager wrote it: a conflict" broker apply -f "$T/policy.yaml"
	like "$(cat "$OUT" "$ERR")" "conflict" "$manager: and says so"
	like "$(broker plan -f "$T/policy.yaml" 2>/dev/null)" "made by $manager: left alone; (its field manager may write it again|change it in git)" "$manager: the plan says whose it is and what to do"
	is "$(admin get rolebinding e -n x -o jsonpath='{.metadata.labels}')" '' "$manager: it is as it was"
done
before=$(uid)
admin patch rolebinding e -n x --type=json -p '[{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]' >/dev/null
status 0 'once its managedFields are cleared' broker apply -f "$T/policy.yaml"
is "$(uid) $(admin get rolebinding e -n x -o jsonpath='{.metadata.labels.app\.kubernetes\.io/managed-by}')" "$before usher-broker" 'the same object is ours'
other kubectl-create
status 0 'what a person made is adopted' broker apply -f "$T/policy.yaml"
like "$(admin get rolebinding e -n x -o jsonpath='{.metadata.labels}')" usher-broker 'and is ours'

# A roleRef cannot be changed: somebody makes ours anew for another role.
admin get rolebinding e -n x -o json | jq 'del(.metadata.uid, .metadata.resourceVersion, .metadata.creationTimestamp, .metadata.managedFields) | .roleRef.name = "admin"' >"$T/e.json"
admin delete rolebinding e -n x >/dev/null
admin create -f "$T/e.json" >/dev/null
policy report
before=$(uid)
status 0 'report: another role by hand' broker apply -f "$T/policy.yaml"
like "$(broker plan -f "$T/policy.yaml" 2>/dev/null)" 'made anew by kubectl-create for another role \(ClusterRole/admin\); left as it is' 'report: is told'
is "$(uid) $(role)" "$before admin" 'report: and left'
policy repair
status 0 'repair: another role by hand' broker apply -f "$T/policy.yaml"
is "$(role)" edit 'repair: is put back'
sed -i 's/{clusterRole: edit}/{clusterRole: view}/; s/drift: repair/drift: report/' "$T/policy.yaml"
status 0 'report: another role by the policy' broker apply -f "$T/policy.yaml"
is "$(role)" view 'report: is carried out'
done_testing
