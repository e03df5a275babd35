#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The broker as the ServiceAccount that `usher-broker rbac` prints, on a real API server: what it needs it may, and nothing
# more; and with more it does not run.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster

policy() { # ROLE: of ops in payments
	cat >"$T/policy.yaml" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:"}
	sources:
	  main: {file: {path: $T/groups.json}}
	roles:
	  reader: {rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]}
	  viewer: {clusterRole: view}
	  editor: {clusterRole: edit}
	grants:
	- {group: dev, role: reader, namespaces: [fancy]}
	- {group: ops, role: $1, namespaces: [payments]}
	limits:
	  remove: {bindings: 20, people: 100%}
	EOF
}

as_broker() { kubectl --kubeconfig "$T/broker.kubeconfig" "$@"; }
run_broker() { "$BROKER" "$@" --kubeconfig "$T/broker.kubeconfig" --state-namespace usher-system; }

requests() { # of the ServiceAccount, as jq lines of the audit log
	jq -c 'select(.user.username == "system:serviceaccount:usher-system:usher-broker" and (.userAgent | startswith("usher")))' "$CLUSTER/audit.log"
}

used() { # "verb resource" of what it asked for and got, without what everybody may
	requests | jq -r 'select(.responseStatus.code < 400 and .objectRef.resource != null
		and (.objectRef.resource | IN("selfsubjectrulesreviews", "selfsubjectreviews") | not)) | "\(.verb) \(.objectRef.resource)"' | sort -u
}
printed() { # the same of what rbac prints; bind has no request of its own, and a Role's own rules are held, not used
	"$BROKER" rbac -f "$T/policy.yaml" --state-namespace usher-system -o json | jq -r '.items[] | select(.kind | endswith("Role")) | .rules[]
		| select(.apiGroups != [""] or .resources != ["pods"]) | . as $r | $r.verbs[] | select(. != "bind") as $v | $r.resources[] | "\($v) \(.)"' | sort -u
}

prepare() {
	local name
	for name in usher-system fancy payments other; do admin create namespace "$name" >/dev/null; done
	jq -n '{groups: [{name: "dev", members: ["carol"]}, {name: "ops", members: ["olga"]}], count: 2}' >"$T/groups.json"
	policy editor
	status 0 'rbac prints manifests' "$BROKER" rbac -f "$T/policy.yaml" --state-namespace usher-system
	cp "$OUT" "$T/rbac.yaml"
	ok 'that kubectl takes' admin apply -f "$T/rbac.yaml"
	status 0 'rbac prints the same bytes again' "$BROKER" rbac -f "$T/policy.yaml" --state-namespace usher-system
	ok 'twice the same' cmp -s "$OUT" "$T/rbac.yaml"
	account_kubeconfig usher-broker "$T/broker.kubeconfig"
}

works() {
	status 0 'BM10 apply works with what rbac prints' run_broker apply -f "$T/policy.yaml"
	status 0 'BM10 and has nothing to do after it' run_broker plan -f "$T/policy.yaml"
	admin annotate rolebinding -n fancy --all usher.dev/source-id- >/dev/null
	status 0 'BM10 a change works too' run_broker apply -f "$T/policy.yaml"
	policy viewer
	"$BROKER" rbac -f "$T/policy.yaml" --state-namespace usher-system | admin apply -f - >/dev/null
	status 0 'BM10 and another role, with the old binding removed' run_broker apply -f "$T/policy.yaml"
	policy editor
	admin apply -f "$T/rbac.yaml" >/dev/null
	status 0 'BM10 and back' run_broker apply -f "$T/policy.yaml"
	role_changes
	is "$(requests | jq -r 'select(.responseStatus.code == 403) | "\(.verb) \(.requestURI)"')" '' 'BM10 nothing that it asked for was forbidden'
	is "$(comm -23 <(printed) <(used))" '' 'BM10 and nothing that is printed went unused'
}

# The Role's rules change, and the Role itself is no longer wanted.
role_changes() {
	sed -i 's/verbs: \[get, list\]/verbs: [get, list, watch]/' "$T/policy.yaml"
	"$BROKER" rbac -f "$T/policy.yaml" --state-namespace usher-system | admin apply -f - >/dev/null
	status 0 'BM10 a Role with other rules works' run_broker apply -f "$T/policy.yaml"
	grep -v 'role: reader' "$T/policy.yaml" >"$T/without.yaml"
	status 0 'BM10 and taking a Role away' run_broker apply -f "$T/without.yaml" --rights any
	policy editor
	admin apply -f "$T/rbac.yaml" >/dev/null
	run_broker plan -f "$T/policy.yaml" --out "$T/plan.json" >/dev/null
	status 0 'BM10 and giving it again, by a plan from a file' run_broker apply --plan "$T/plan.json"
	policy viewer
	"$BROKER" rbac -f "$T/policy.yaml" --state-namespace usher-system | admin apply -f - >/dev/null
	run_broker plan -f "$T/policy.yaml" --out "$T/plan.json" >/dev/null
	status 0 'BM10 and another role, by a plan from a file whose sources are not asked again' run_broker apply --plan "$T/plan.json" --no-sources
	policy editor
	admin apply -f "$T/rbac.yaml" >/dev/null
	status 0 'BM10 and all as it was' run_broker apply -f "$T/policy.yaml"
}

# T65
kept_out() {
	status 1 'T65 it may not create a ClusterRoleBinding' as_broker create clusterrolebinding x --clusterrole=view --user=mallory
	like "$(cat "$ERR")" 'forbidden' 'T65 the API server says so'
	status 1 'T65 it may not bind cluster-admin where it may bind' as_broker create rolebinding x -n payments --clusterrole=cluster-admin --user=mallory
	like "$(cat "$ERR")" 'forbidden' 'T65 the API server says so of cluster-admin'
	status 1 'T65 it may not bind in another namespace' as_broker create rolebinding x -n other --clusterrole=edit --user=mallory
	like "$(cat "$ERR")" 'forbidden' 'T65 the API server says so of the namespace'
	status 1 'T65 it may not write a Role with more than the policy gives' as_broker create role x -n fancy --verb=get --resource=secrets
	like "$(cat "$ERR")" 'forbidden' 'T65 the API server says so of the Role'
	status 0 'T65 what it may do, it may' as_broker create rolebinding x -n payments --clusterrole=edit --user=mallory
	admin delete rolebinding x -n payments >/dev/null
}

refuses_more() {
	admin create clusterrolebinding too-much --clusterrole=view --serviceaccount=usher-system:usher-broker >/dev/null
	admin delete rolebinding -n payments --all >/dev/null
	admin apply -f "$T/rbac.yaml" >/dev/null
	wait_for 20 may_view
	status 5 'BM10 with more rights than the policy needs it does not run' run_broker apply -f "$T/policy.yaml"
	like "$(cat "$ERR")" 'we may do more than this policy needs' 'BM10 and says so'
	like "$(cat "$ERR")" 'usher-broker rbac' 'BM10 and how to mend it'
	is "$(admin get rolebinding -n payments -o name | grep -c usher-editor)" 0 'BM10 and nothing was written'
	status 0 'BM10 unless it is told to' run_broker apply -f "$T/policy.yaml" --rights any
	admin delete clusterrolebinding too-much >/dev/null
}

# What we may not read whole is not guessed at.
may_not_list() {
	admin get clusterrole usher-broker -o json | jq '(.rules[] | select(.resources | index("roles")) | .resources) |= map(select(. != "roles"))' >"$T/less.json"
	admin replace -f "$T/less.json" >/dev/null
	wait_for 20 may_no_longer_list
	status 5 'BM10 a kind that may not be listed ends the run' run_broker apply -f "$T/policy.yaml"
	like "$(cat "$ERR")" 'cannot list resource "roles".*What a run of this policy needs: usher-broker rbac' 'BM10 and says which, and where the rights are written'
	one_line "$ERR" 'BM10 in one line'
	admin apply -f "$T/rbac.yaml" >/dev/null
}
may_no_longer_list() { ! as_broker auth can-i list roles -A -q; }
may_view() { as_broker auth can-i list pods -n other -q; }

cluster_start
prepare
works
kept_out
refuses_more
may_not_list
done_testing
