#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What apply writes, on a real API server: who owns it, that a change of role leaves no gap, and that a run which is
# killed anywhere is ended by the next one.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster

groups() { # NAME...
	jq -n '{groups: [$ARGS.positional[] | {name: ., members: ["\(.)-1@example.test"]}], count: ($ARGS.positional | length)}' --args "$@" >"$T/groups.json"
}

policy() { # GRANTS, JSON
	jq -n --argjson grants "$1" '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: "writes"}, cluster: {groupPrefix: "oidc:"},
		sources: {main: {file: {path: "groups.json"}}},
		limits: {remove: {bindings: 100000, people: "100%"}, vanishedGroup: {runs: 1, age: "0s"}},
		roles: {reader: {rules: [{apiGroups: [""], resources: ["pods"], verbs: ["list", "get"]}]},
			watcher: {rules: [{apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"]}]},
			lister: {rules: [{apiGroups: [""], resources: ["pods"], verbs: ["list"]}]}}, grants: $grants}' >"$T/policy.yaml"
}

apply() { broker apply -f "$T/policy.yaml"; }
plan() { broker plan -f "$T/policy.yaml"; }

# The holder of the lease is dead: so much time goes by that it has ended.
age_lease() {
	admin patch lease usher-broker -n default --type merge -p '{"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}}' >/dev/null 2>&1
}

# ---- whose is it ----

fields() { # the fields that managedFields gives to each owner, one line an owner
	jq -r '.metadata.managedFields[] | "\(.manager) \(.operation): " + ([.fieldsV1 | paths(. == {}) | map(ltrimstr("f:")) | join(".")] | sort | join(" "))'
}

ownership() {
	local binding='rolebinding/read -n fancy'
	groups dev ops
	policy '[{"group": "dev", "role": "reader", "namespaces": ["fancy"], "name": "read"}, {"group": "ops", "role": "reader", "namespaces": ["fancy"], "name": "read"}]'
	status 0 'a binding is made' apply
	# shellcheck disable=SC2086
	admin get $binding -o json --show-managed-fields >"$T/made"
	is "$(fields <"$T/made" | cut -d: -f1)" 'usher-broker Update' 'managedFields after a create: usher-broker by Update alone'
	like "$(fields <"$T/made")" 'roleRef.* subjects$' 'it owns role and subjects'
	is "$(jq -c '[.subjects[].name]' "$T/made")" '["oidc:dev","oidc:ops"]' 'both groups are in it'
	# shellcheck disable=SC2086
	admin label $binding backup.example/tier=gold >/dev/null
	# shellcheck disable=SC2086
	admin annotate $binding --field-manager usher-broker applyset.kubernetes.io/part-of=old >/dev/null
	policy '[{"group": "dev", "role": "reader", "namespaces": ["fancy"], "name": "read"}]'
	status 0 'it is changed: a group leaves' apply
	# shellcheck disable=SC2086
	admin get $binding -o json --show-managed-fields >"$T/changed"
	is "$(jq -c '[.subjects[].name]' "$T/changed")" '["oidc:dev"]' 'the group that left is gone from it'
	is "$(jq -r '.metadata.annotations["applyset.kubernetes.io/part-of"]' "$T/changed")" null 'a mark of ours that is not wanted any more is gone'
	is "$(jq -r '.metadata.labels["backup.example/tier"]' "$T/changed")" gold 'the label of somebody else is still there'
	is "$(jq -r .metadata.uid "$T/changed")" "$(jq -r .metadata.uid "$T/made")" 'it is the same object'
	is "$(fields <"$T/changed" | grep ^usher-broker)" "$(fields <"$T/made")" 'managedFields after a change: usher-broker by Update, the whole object as before'
	is "$(fields <"$T/changed" | grep -v ^usher-broker)" 'kubectl-label Update: metadata.labels.backup.example/tier' 'and the label is its owner'"'"'s'
	status 0 'a plan has nothing to do' plan
}

# ---- another role ----

review() { # PATH-LESS JSON body of the question
	curl -s --cacert "$CLUSTER/ca.crt" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' --data-binary "@$T/question" \
		"$SERVER/apis/authorization.k8s.io/v1/subjectaccessreviews" "$@"
}

is_allowed() { review | grep '"allowed":true' >/dev/null; }

# Asks all the time whether oidc:dev may list pods in the last namespace; what is not a yes is written down.
watch_access() {
	local more=()
	for ((i = 0; i < 40; i++)); do more+=(--next -s --cacert "$CLUSTER/ca.crt" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json'
		--data-binary "@$T/question" "$SERVER/apis/authorization.k8s.io/v1/subjectaccessreviews"); done
	while [ ! -e "$T/enough" ]; do review "${more[@]}" | jq -c 'select(.kind) | .status.allowed' >>"$T/answers"; done
}

role_change() {
	local i role names watcher
	names=$(jq -cn '[range(20) | "team-\(.)"]')
	for ((i = 0; i < 20; i++)); do admin create namespace "team-$i" >/dev/null; done
	groups dev
	policy "[{\"group\": \"dev\", \"role\": \"reader\", \"namespaces\": $names, \"name\": \"look\"}]"
	status 0 'twenty bindings are made' apply
	jq -n '{apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec: {user: "x", groups: ["oidc:dev"],
		resourceAttributes: {verb: "list", resource: "pods", namespace: "team-19"}}}' >"$T/question"
	wait_for 120 is_allowed
	watch_access &
	watcher=$!
	at_exit kill "$watcher"
	wait_for 120 test -s "$T/answers"
	for role in watcher reader watcher reader watcher; do
		policy "[{\"group\": \"dev\", \"role\": \"$role\", \"namespaces\": $names, \"name\": \"look\"}]"
		status 0 "BC17 their role becomes $role" apply
	done
	: >"$T/enough"
	wait "$watcher"
	like "$(wc -l <"$T/answers")" '^[0-9]{2,}$' 'BC17 access was asked about all the while'
	is "$(sort -u "$T/answers")" true 'BC17 and at no moment was it refused'
	is "$(admin get rolebindings -n team-19 -o json | jq -c '[.items[] | [.metadata.name, .roleRef.name]]')" '[["look","watcher"]]' \
		'BC17 one binding is left, with the new role'
	nok 'BC17 the old Role is gone' admin get role reader -n team-19
}

# Many bindings of one namespace go to one role at once, each with a group of its own.
role_change_of_many() {
	local role names
	names=$(jq -cn '[range(60) | "g\(.)"]')
	admin create namespace crowded >/dev/null
	# shellcheck disable=SC2046 # words
	groups $(jq -r '.[]' <<<"$names")
	for role in reader watcher reader; do
		policy "$(jq -c --arg role "$role" '[.[] | {group: ., role: $role, namespaces: ["crowded"], name: .}]' <<<"$names")"
		status 0 "BC17 sixty bindings of one namespace: their role is $role" apply
	done
	is "$(admin get rolebindings -n crowded -o json | jq -c '[.items[] | [.metadata.name, .roleRef.name, .subjects[].name]] | [length, all(.[1] == "reader" and .[2] == "oidc:" + .[0])]')" \
		'[60,true]' 'BC17 each has its own group and the new role, and no stand-in is left'
	groups dev
	policy '[]'
	status 0 'and they go' apply
}

# ---- refused in one place ----

nothing_new() { # WHAT MAY BE, RESOURCES [OPERATION]: the admission policy for it
	cat <<-EOF
	apiVersion: admissionregistration.k8s.io/v1
	kind: ValidatingAdmissionPolicy
	metadata: {name: nothing-new}
	spec:
	  matchConstraints: {resourceRules: [{apiGroups: [rbac.authorization.k8s.io], apiVersions: [v1], operations: [${3:-CREATE}], resources: [$2]}]}
	  validations: [{expression: "$1", message: nothing new here}]
	---
	apiVersion: admissionregistration.k8s.io/v1
	kind: ValidatingAdmissionPolicyBinding
	metadata: {name: nothing-new}
	spec: {policyName: nothing-new, validationActions: [Deny]}
	EOF
}

refused() { ! admin create rolebinding probe --clusterrole=view --user=x -n "$1" --dry-run=server; }

refuse_in() { # NAMESPACE: no binding can be made there
	nothing_new "request.namespace != '$1'" rolebindings | admin apply -f - >/dev/null
	wait_for 120 refused "$1"
}

role_refused_in() { ! admin create role probe --verb=get --resource=pods -n "$1" --dry-run=server; }

refuse_roles_in() { # NAMESPACE
	nothing_new "request.namespace != '$1'" roles | admin apply -f - >/dev/null
	wait_for 120 role_refused_in "$1"
}

allow_again() { # NAMESPACE
	admin delete validatingadmissionpolicybinding,validatingadmissionpolicy nothing-new >/dev/null
	wait_for 120 admin create rolebinding probe --clusterrole=view --user=x -n "$1" --dry-run=server
	wait_for 120 admin create role probe --verb=get --resource=pods -n "$1" --dry-run=server
}

refused_in_one_place() {
	groups dev ops
	policy '[{"group": "ops", "role": "reader", "namespaces": ["fancy", "locked"], "name": "old"}]'
	admin create namespace locked >/dev/null
	status 0 'two bindings are made' apply
	refuse_in locked
	policy '[{"group": "dev", "role": "reader", "namespaces": ["fancy", "locked"], "name": "new"}]'
	status 10 'BC12 where one is refused the run is partial' apply
	like "$(cat "$ERR")" 'RoleBinding locked/new: .*nothing new here' 'BC12 it is told what, and why'
	like "$(cat "$ERR")" '1 of 4 changes failed; 1 removal waits for the next run' 'BC12 and that a removal waits'
	ok 'BC12 it waits where something failed' admin get rolebinding old -n locked
	nok 'BC12 elsewhere what is not granted any more is taken away' admin get rolebinding old -n fancy
	allow_again locked
	status 0 'BC12 the next run does the rest' apply
	nok 'BC12 the removal too' admin get rolebinding old -n locked
}

# Whoever goes from one binding to another is in the old one as long as the new one cannot be written.
moved_in_one_place() {
	groups dev ops
	policy '[{"group": "dev", "role": "reader", "namespaces": ["fancy", "locked"], "name": "both"}, {"group": "ops", "role": "reader", "namespaces": ["fancy", "locked"], "name": "both"}]'
	status 0 'two groups in a binding' apply
	refuse_in locked
	policy '[{"group": "dev", "role": "watcher", "namespaces": ["fancy", "locked"], "name": "own"}, {"group": "ops", "role": "reader", "namespaces": ["fancy", "locked"], "name": "both"}]'
	status 10 'BC12 one of them is to have a binding of its own, which is refused in one place' apply
	like "$(cat "$ERR")" 'RoleBinding locked/both: takes access away, and waits: something failed in namespace locked' 'BC12 it is told what waits, and why'
	is "$(admin get rolebinding both -n locked -o json | jq -c '[.subjects[].name]')" '["oidc:dev","oidc:ops"]' 'BC12 there it stays in the old one'
	is "$(admin get rolebinding both -n fancy -o json | jq -c '[.subjects[].name]')" '["oidc:ops"]' 'BC12 elsewhere it does not'
	allow_again locked
	status 0 'BC12 the next run does the rest' apply
	is "$(admin get rolebinding both -n locked -o json | jq -c '[.subjects[].name]')" '["oidc:ops"]' 'BC12 this too'
}

# Two groups change places, and one of the two bindings cannot be changed: neither is left without.
places_changed() {
	local before='[{"group": "dev", "role": "reader", "namespaces": ["swap"], "name": "look"}, {"group": "ops", "role": "watcher", "namespaces": ["swap"], "name": "watch"}]'
	local after=${before/dev/both}
	after=${after/ops/dev}
	after=${after/both/ops}
	groups dev ops
	admin create namespace swap >/dev/null
	policy "$before"
	status 0 'two bindings of one namespace' apply
	policy "$after"
	status 0 'their groups change places' apply
	is "$(in_both)" '[["oidc:ops"],["oidc:dev"]]' 'each is where it should be'
	is "$(admin get rolebinding look -n swap -o json --show-managed-fields | fields | cut -d: -f1)" 'usher-broker Update' 'and they are whose they were'
	nothing_new "object.metadata.name != 'watch' || 'oidc:dev' in object.subjects.map(s, s.name)" rolebindings UPDATE | admin apply -f - >/dev/null
	policy "$before"
	wait_for 120 refuses_taking
	status 10 'back again, and one may not lose its group' apply
	ok 'each has the one or the other' [ "$(in_both | jq -c '[.[][]] | unique')" = '["oidc:dev","oidc:ops"]' ]
	like "$(in_both)" '^.\["oidc:(dev","oidc:ops|ops","oidc:dev|dev)"\],\["oidc:dev","oidc:ops"\]' 'whoever joins is in it all the same'
	allow_again swap
	wait_for 120 takes_again
	status 0 'the next run does the rest' apply
	is "$(in_both)" '[["oidc:dev"],["oidc:ops"]]' 'as it was at first'
}

in_both() { admin get rolebindings look watch -n swap -o json | jq -c '[.items[] | [.subjects[].name]]'; }

takes_again() { admin patch rolebinding watch -n swap --type merge -p '{"subjects": []}' --dry-run=server; }

refuses_taking() { ! takes_again; }

# A binding is not written before its Role.
role_refused() {
	groups dev
	refuse_roles_in locked
	policy '[{"group": "dev", "role": "watcher", "namespaces": ["fancy"], "name": "own"}, {"group": "dev", "role": "lister", "namespaces": ["locked"], "name": "fresh"}]'
	status 10 'a Role is refused' apply
	like "$(cat "$ERR")" 'RoleBinding locked/fresh: waits: its Role in namespace locked was not written' 'its binding waits, and that is told'
	nok 'and is not there' admin get rolebinding fresh -n locked
	allow_again locked
	status 0 'the next run writes both' apply
	ok 'they are there' admin get role/lister rolebinding/fresh -n locked
}

# ---- changed on the way ----

meddle_in() { # NAMESPACE: an admission policy that puts somebody into every binding there
	admin create -f - >/dev/null <<-EOF
	apiVersion: admissionregistration.k8s.io/v1
	kind: MutatingAdmissionPolicy
	metadata: {name: meddler}
	spec:
	  failurePolicy: Fail
	  reinvocationPolicy: Never
	  matchConstraints: {resourceRules: [{apiGroups: [rbac.authorization.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [rolebindings]}]}
	  matchConditions: [{name: here, expression: "request.namespace == '$1'"}]
	  mutations:
	  - patchType: JSONPatch
	    jsonPatch:
	      expression: '[JSONPatch{op: "add", path: "/subjects/-", value: Object.subjects{apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "meddlers"}}]'
	---
	apiVersion: admissionregistration.k8s.io/v1
	kind: MutatingAdmissionPolicyBinding
	metadata: {name: meddler}
	spec: {policyName: meddler}
	EOF
	wait_for 120 meddled "$1"
}

meddled() { admin create rolebinding probe --clusterrole=view --user=x -n "$1" --dry-run=server -o json | grep meddlers >/dev/null; }

unmeddled() { ! meddled "$1"; }

changed_on_the_way() {
	local n
	groups dev
	admin create namespace meddled >/dev/null
	policy '[{"group": "dev", "role": "reader", "namespaces": ["meddled"], "name": "m"}]'
	status 0 'a binding' apply
	meddle_in meddled
	admin annotate rolebinding m -n meddled somebody=here >/dev/null
	for n in 1 2; do
		status 10 "what an admission policy makes of a change is no success (run $n)" apply
		like "$(cat "$ERR")" 'RoleBinding meddled/m: was written, and the API server keeps something else \(subjects\)' "and it is told (run $n)"
	done
	admin delete mutatingadmissionpolicybinding,mutatingadmissionpolicy meddler >/dev/null
	wait_for 120 unmeddled meddled
	status 0 'without it the change is kept' apply
	is "$(admin get rolebinding m -n meddled -o json | jq -c '[.subjects[].name]')" '["oidc:dev"]' 'as it was written'
}

# A plan is for the policy that it was made from.
stale_plan() {
	policy '[{"group": "dev", "role": "watcher", "namespaces": ["fancy"], "name": "new"}]'
	broker plan -f "$T/policy.yaml" --out "$T/plan.json" >/dev/null
	policy '[]'
	status 5 'a plan is refused when its policy was changed since' broker apply --plan "$T/plan.json"
	like "$(cat "$ERR")" 'policy.yaml is not what it was when .*plan.json was made; nothing was written' 'and says so'
	policy '[{"group": "dev", "role": "watcher", "namespaces": ["fancy"], "name": "new"}]'
	status 0 'with the policy as it was it is carried out' broker apply --plan "$T/plan.json"
}

# ---- killed ----

bindings() { admin get rolebindings -A -l usher.dev/policy=writes -o name | wc -l; }

some_are_written() { [ "$(grep -c '"verb":"create".*"resource":"rolebindings"' "$CLUSTER/audit.log")" -ge "$1" ]; }

killed_in_the_middle() {
	local pid before there
	before=$(bindings)
	groups dev
	policy "$(jq -cn '[range(100) | "grant-\(.)" as $n | {group: "dev", role: "watcher", namespaces: [range(20) | "team-\(.)"], name: $n}]')"
	"$BROKER" apply -f "$T/policy.yaml" --kubeconfig "$ADMIN" >"$T/killed" 2>&1 &
	pid=$!
	wait_for 120 some_are_written 600
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	there=$(bindings)
	note "$there of 2000 bindings were there when it was killed, $before before it began"
	ok 'T58 a run of 2,000 bindings was killed in the middle' test "$there" -gt "$before" -a "$there" -lt 2000
	status 5 'BC19 its lease still holds others back' apply
	like "$(cat "$ERR")" 'another usher-broker is applying' 'BC19 and says so'
	age_lease
	status 0 'T58 the next run ends the work' apply
	is "$(bindings)" 2000 'T58 all are there'
	status 0 'T58 and a plan has nothing to do' plan
}

# Asked to end, it ends: what is under way is left to the server, and the lease is given back.
asked_to_end() {
	local pid code
	policy "$(jq -cn '[range(100) | "other-\(.)" as $n | {group: "dev", role: "watcher", namespaces: [range(20) | "team-\(.)"], name: $n}]')"
	"$BROKER" apply -f "$T/policy.yaml" --kubeconfig "$ADMIN" >"$T/ended" 2>&1 &
	pid=$!
	wait_for 120 some_are_written 2900
	kill -TERM "$pid"
	wait "$pid"
	code=$?
	is "$code" 10 'a run that gets SIGTERM ends with 10: partly applied'
	is "$(wc -l <"$T/ended")" 2 'with what was applied and one line'
	like "$(cat "$T/ended")" 'stopped by a signal: of 4,000 changes [0-9,]+ are done, [0-9,]+ were under way and may be, [0-9,]+ were not tried; the next run does the rest' 'and says what was not tried'
	status 0 'the next run needs not wait for its lease' apply
	is "$(bindings)" 2000 'and does the rest'
}

# What a small sync does, cut off by SIGKILL at each of its exchanges with the server.
small() { # NAME: one Role and one binding come, and one binding goes
	policy "[{\"group\": \"dev\", \"role\": \"reader\", \"namespaces\": [\"small\"], \"name\": \"$1\"}]"
}

inject() { # WHAT: apply under strace
	strace -f -qq -o "$T/trace" -e "trace=${1%%:*}" -e "inject=$1" "$BROKER" apply -f "$T/policy.yaml" --kubeconfig "$ADMIN" >"$OUT" 2>"$ERR"
}

named() { admin get rolebindings -n small -o json | jq -r '[.items[].metadata.name] | sort | join(" ")'; }

killed_at_each_exchange() {
	local call n wrong='' ran=0 have from to by
	admin create namespace small >/dev/null
	small a
	apply >/dev/null
	from=a to=b
	for call in sendto,write,writev,sendmsg recvfrom,read,recvmsg; do
		by=1
		[ "$call" != recvfrom,read,recvmsg ] || by=3 # there are many, most of them before anything is sent
		for ((n = 1; n < 400; n += by)); do
			small "$to"
			inject "$call:signal=KILL:when=$n" 2>/dev/null && break
			ran=$((ran + 1))
			have=$(named)
			case $have in "$from" | "$to" | "$from $to" | "$to $from") ;; *) wrong+="$call $n: $have;" ;; esac
			age_lease
			apply >"$T/again" 2>&1 || wrong+="$call $n: the next run ends with $?: $(head -c 300 "$T/again");"
			[ "$(named)" = "$to" ] || wrong+="$call $n: left $(named);"
			have=$from from=$to to=$have
		done
		have=$from from=$to to=$have # that one was not killed
	done
	note "killed at $ran places"
	is "$wrong" '' 'T58 killed at each exchange: old or new, never without access, and the next run ends it'
	ok 'T58 more than twenty places were tried' test "$ran" -gt 20
}

full_disk() {
	local n ended=''
	for n in 1 2 3; do
		small "full-$n"
		inject "write:error=ENOSPC:when=$n+" # stdout and pipes; the server's sockets go by others
		age_lease
		apply >"$T/again" 2>&1 || ended+="$n: $(cat "$T/again");"
		[ "$(named)" = "full-$n" ] || ended+="$n: $(named);"
	done
	is "$ended" '' 'T58 on a full disk nothing is lost: nothing is kept on it'
}

# ---- many at once ----

twenty_at_once() {
	local i codes
	admin create namespace crowd >/dev/null
	policy '[{"group": "dev", "role": "reader", "namespaces": ["crowd"], "name": "one"}]'
	age_lease
	for ((i = 0; i < 20; i++)); do
		{ broker apply -f "$T/policy.yaml" >"$T/crowd.$i" 2>&1; echo $? >"$T/crowd.$i.status"; } &
	done
	wait
	codes=$(cat "$T"/crowd.*.status | sort -u | paste -sd' ')
	audit_caught_up
	like "$codes" '^0( 5)?$' 'T59 twenty at once: each does it, finds it done, or finds the lease taken'
	is "$(grep '"namespace":"crowd"' "$CLUSTER/audit.log" | jq -r 'select(.verb == "create" and .responseStatus.code == 201
		and (.objectRef.resource | IN("roles", "rolebindings"))) | .objectRef.resource' | sort | paste -sd' ')" 'rolebindings roles' \
		'T59 one of them wrote, and once'
	status 0 'T59 and one more has nothing to do' apply
	is "$(cat "$OUT")" 'nothing to do' 'T59 and says so'
}

cluster_start
TOKEN=$(sed -n 's/.*token: "\(.*\)".*/\1/p' "$ADMIN")
admin create namespace fancy >/dev/null
ownership
refused_in_one_place
moved_in_one_place
places_changed
role_refused
changed_on_the_way
stale_plan
role_change
role_change_of_many
twenty_at_once
killed_in_the_middle
asked_to_end
if have strace; then
	killed_at_each_exchange
	full_disk
else
	skip 'T58 killed at each exchange' 'no strace on this machine'
fi
done_testing
