#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The broker as the ServiceAccounts that `usher-broker rbac` prints, on a real API server: what each needs it may, and nothing
# more; and with more than it needs the sync does not run.
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

requests() { # [ACCOUNT]: of the ServiceAccount, as jq lines of the audit log
	audit_caught_up
	jq -c --arg who "system:serviceaccount:usher-system:${1:-usher-broker}" \
		'select(.user.username == $who and (.userAgent | startswith("usher")))' "$CLUSTER/audit.log"
}
forbidden() { requests "$@" | jq -r 'select(.responseStatus.code == 403) | "\(.verb) \(.requestURI)"'; } # [ACCOUNT]

used() { # [ACCOUNT]: "verb resource" of what it asked for and got, without what everybody may
	requests "$@" | jq -r 'select(.responseStatus.code < 400 and .objectRef.resource != null
		and (.objectRef.resource | IN("selfsubjectrulesreviews", "selfsubjectreviews") | not)) | "\(.verb) \(.objectRef.resource)"' | sort -u
}
printed() { # OPTION...: the same of what rbac prints; bind has no request of its own, and a Role's own rules are held, not used
	"$BROKER" rbac -f "$T/policy.yaml" --state-namespace usher-system -o json "$@" | jq -r '.items[] | select(.kind | endswith("Role")) | .rules[]
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
	is "$(forbidden)" '' 'BM10 nothing that it asked for was forbidden'
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
	wait_for 120 may_view
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
	wait_for 120 may_no_longer_list
	status 5 'BM10 a kind that may not be listed ends the run' run_broker apply -f "$T/policy.yaml"
	like "$(cat "$ERR")" 'cannot list resource "roles".*What a run of this policy needs: usher-broker rbac' 'BM10 and says which, and where the rights are written'
	one_line "$ERR" 'BM10 in one line'
	admin apply -f "$T/rbac.yaml" >/dev/null
}
may_no_longer_list() { ! as_broker auth can-i list roles -A -q; }
may_view() { as_broker auth can-i list pods -n other -q; }

# ---- who puts somebody out, and who gives for a time: accounts of their own ----

account_for() { # PURPOSE: makes it, and has its kubeconfig as $T/PURPOSE
	"$BROKER" rbac --for "$1" -f "$T/policy.yaml" --state-namespace usher-system >"$T/$1.yaml"
	ok "BM10 what rbac --for $1 prints is taken by kubectl" admin apply -f "$T/$1.yaml"
	account_kubeconfig "usher-$1" "$T/$1"
	wait_for 120 as "$1" auth can-i create configmaps -n usher-system -q # the API server's cache of roles lags
}
as() { kubectl --kubeconfig "$T/$1" "${@:2}"; } # PURPOSE ARGUMENT...
run_as() { "$BROKER" "${@:2}" -f "$T/policy.yaml" --state-namespace usher-system --kubeconfig "$T/$1"; } # PURPOSE VERB...
run_admin() { broker "$@" -f "$T/policy.yaml" --state-namespace usher-system; }
offboard() { run_as offboard offboard "$@" --reason 'left the company'; }

people_policy() {
	jq -n '{groups: [{name: "dev", id: "1", members: ["carol"]}, {name: "qa", id: "2", members: ["quin"]}, {name: "ops", id: "3", members: ["olga"]}], count: 3}' >"$T/groups.json"
	cat >"$T/policy.yaml" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	metadata: {name: people}
	cluster: {groupPrefix: "oidc:", userPrefix: "oidc:"}
	sources: {main: {file: {path: $T/groups.json}}}
	roles: {reader: {rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]}, editor: {clusterRole: edit}}
	grants:
	- {group: dev, role: reader, namespaces: [lab], name: lab-readers}
	- {group: qa, role: reader, namespaces: [lab], name: lab-readers}
	- {group: ops, role: editor, namespaces: [shop], name: shop-editors}
	elevation: {allow: [{roles: [editor], namespaces: [gate], max: 1h}]}
	breakGlassKey: seal.pub
	breakGlass:
	  fire: {groups: ["oidc:oncall"], users: ["oidc:fred"], role: editor, namespaces: [shop], max: 1h, owner: platform, until: 2100-01-01}
	EOF
}
people_seal() { sed -i "s/^\(  fire: .*until: 2100-01-01\).*/\1, $("$BROKER" seal fire --key "$T/seal.key" -f "$T/policy.yaml")}/" "$T/policy.yaml"; }
subjects() { admin get rolebinding -n "$1" "$2" -o json | jq -r '[.subjects[]?.name] | sort | join(" ")'; } # NAMESPACE NAME
add_carol() { # NAMESPACE NAME
	admin patch rolebinding -n "$1" "$2" --type=json -p '[{"op": "add", "path": "/subjects/-", "value":
		{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "oidc:carol"}}]' >/dev/null
}

elevated() { admin get rolebinding -n "$1" -l usher.dev/elevation -o name | wc -l; } # NAMESPACE

offboards() {
	account_for offboard
	status 0 'BM10 offboard works as an account with what rbac --for offboard prints' offboard group qa
	is "$(subjects lab lab-readers)" oidc:dev 'BM10 it takes a group out of a binding that names a Role'
	add_carol shop shop-editors
	status 0 'carol has a role for a time, too' run_admin elevate user carol --role editor -n gate --for 1h --reason x
	status 10 'BM10 and for a person' offboard user carol
	is "$(subjects shop shop-editors)" oidc:ops 'BM10 whom it takes out of one that names a ClusterRole'
	is "$(elevated gate)" 0 'BM10 and what was given for a time it takes away'
	status 1 'BM10 a namespace that is not there is looked for' offboard namespace labb
	like "$(cat "$ERR")" 'did you mean lab' 'BM10 by its name'
	status 10 'BM10 one that is there loses what is ours' offboard namespace lab
	is "$(admin get role,rolebinding -n lab -l usher.dev/policy -o name | wc -l)" 0 'BM10 all of it'
	status 0 'BM10 readmit takes no more' run_as offboard readmit namespace lab --reason back
	is "$(forbidden usher-offboard)" '' 'BM10 nothing that offboard asked for was forbidden'
	is "$(comm -23 <(printed --for offboard) <(used usher-offboard))" '' 'BM10 and nothing that is printed for it went unused'
	status 1 'BM10 it may bind nothing but the roles of the policy' as offboard create rolebinding x -n shop --clusterrole=cluster-admin --user=mallory
	like "$(cat "$ERR")" forbidden 'BM10 the API server says so'
	status 1 'BM10 and may make no binding at all' as offboard create rolebinding x -n shop --clusterrole=edit --user=mallory
	like "$(cat "$ERR")" forbidden 'BM10 it says that, too'
}

# To the API server, who takes a subject out makes the binding that is left.
takes_bind() {
	admin get role -n shop usher-offboard -o json | jq '.rules |= map(select(.verbs != ["bind"]))' | admin replace -f - >/dev/null
	add_carol shop shop-editors
	status 10 'BM10 without bind nobody is taken out' wait_for_refusal
	like "$(cat "$OUT")" 'RoleBinding shop/shop-editors.*forbidden' 'BM10 and why is said'
	is "$(subjects shop shop-editors)" 'oidc:carol oidc:ops' 'BM10 the binding is as it was'
	admin apply -f "$T/offboard.yaml" >/dev/null
}
wait_for_refusal() {
	local code
	for _ in $(seq 50); do
		offboard user carol >"$T/out" 2>&1
		code=$?
		! grep -q 'shop-editors.*forbidden' "$T/out" || break
		[ "$(subjects shop shop-editors)" = 'oidc:carol oidc:ops' ] || add_carol shop shop-editors
		sleep 0.2
	done
	cat "$T/out"
	return $code
}

# What --take-from-others takes, as the manual says it.
takes_from_others() {
	admin create rolebinding oncall -n other --clusterrole=view --user=oidc:carol --user=oidc:dave >/dev/null
	admin create rolebinding alone -n other --clusterrole=view --user=oidc:carol >/dev/null
	status 10 'bindings of others' offboard user carol --take-from-others
	is "$(subjects other oncall)$(subjects other alone)" 'oidc:carol oidc:daveoidc:carol' 'are not changed without the rights'
	admin create clusterrole others --verb=get,patch,delete --resource=rolebindings.rbac.authorization.k8s.io >/dev/null
	admin create clusterrolebinding others --clusterrole=others --serviceaccount=usher-system:usher-offboard >/dev/null
	wait_for 120 as offboard auth can-i delete rolebindings -n other -q
	status 10 'to write bindings is enough' offboard user carol --take-from-others
	is "$(admin get rolebinding -n other alone --ignore-not-found -o name)" '' 'for one that holds nobody else'
	is "$(subjects other oncall)" 'oidc:carol oidc:dave' 'and not for one that others stay in'
	like "$(cat "$OUT")" 'RoleBinding other/oncall.*forbidden' 'which is said'
	admin create clusterrole others-bind --verb=bind --resource=clusterroles.rbac.authorization.k8s.io --resource-name=view >/dev/null
	admin create clusterrolebinding others-bind --clusterrole=others-bind --serviceaccount=usher-system:usher-offboard >/dev/null
	wait_for 120 as offboard auth can-i bind clusterroles/view -q
	status 10 'that takes to bind its role' offboard user carol --take-from-others
	is "$(subjects other oncall)" oidc:dave 'which is enough'
}

elevates() {
	local key
	sed -i 's/name: people/name: timed/; s/name: shop-editors/name: shop-timed/; /name: lab-readers/d' "$T/policy.yaml"
	[ ! -e "$T/seal.key" ] || people_seal
	status 0 'a policy whose ledger is not there yet' run_admin apply
	account_for elevate
	status 0 'BM10 elevate works as an account with what rbac --for elevate prints' run_as elevate elevate user bob --role editor -n gate --for 1h --reason x
	like "$(cat "$OUT")" 'the access review says so' 'BM10 proof included'
	key=$(sed -n 's/^\([0-9a-f]\{8\}\): .*/\1/p' "$OUT")
	status 0 'BM10 and lists' run_as elevate elevations
	status 0 'BM10 and ends' run_as elevate elevate --end "$key"
	is "$(elevated gate)" 0 'BM10 what it gave'
	if have openssl && [ "$(id -u)" = 0 ]; then # who checks a seal believes a key of root's alone
		breaks_glass
		is "$(comm -23 <(printed --for elevate) <(used usher-elevate))" '' 'BM10 nothing that is printed for it went unused'
	fi
	is "$(forbidden usher-elevate)" '' 'BM10 nothing that elevate asked for was forbidden'
	status 1 'BM10 it may bind nothing but what the policy lets be given' as elevate create rolebinding x -n gate --clusterrole=cluster-admin --user=mallory
	like "$(cat "$ERR")" forbidden 'BM10 the API server says so'
	status 1 'BM10 nor elsewhere' as elevate create rolebinding x -n lab --clusterrole=edit --user=mallory
	like "$(cat "$ERR")" forbidden 'BM10 it says that, too'
	sed -i 's/namespaces: \[gate\]/namespaces: [lab]/' "$T/policy.yaml"
	status 5 'where rights are missing' run_as elevate elevate user bob --role editor -n lab --for 1h --reason x
	like "$(cat "$ERR")" 'forbidden.*usher-broker rbac --for elevate -f' 'it says where they are written'
	one_line "$ERR" 'in one line'
}
breaks_glass() {
	status 0 'BM10 the glass breaks' run_as elevate break-glass fire -n shop --for 30m --reason x --ticket INC-1
	key=$(sed -n 's/^\([0-9a-f]\{8\}\): .*/\1/p' "$OUT" | head -1)
	is "$(admin get events -n shop -o json | jq '[.items[] | select(.reason == "BreakGlassTaken")] | length > 0')" true 'BM10 and is told there'
	status 0 'BM10 and reviewed' run_as elevate review "$key" --reason 'was needed'
}

people() {
	local name
	for name in lab shop gate; do admin create namespace "$name" >/dev/null; done
	people_policy
	if have openssl; then
		openssl genpkey -algorithm ed25519 -out "$T/seal.key" 2>/dev/null
		openssl pkey -in "$T/seal.key" -pubout -out "$T/seal.pub"
		chmod 600 "$T/seal.key"
		chmod 644 "$T/seal.pub"
	fi
	status 0 'a policy of its own' run_admin apply
	offboards
	takes_bind
	takes_from_others
	elevates
}

cluster_start
prepare
works
kept_out
refuses_more
may_not_list
people
done_testing
