#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who did what when, on a real API server: every change of a run is a line of the audit log (the API server's own audit log
# says the same), a run at rest says how many requests it made, and Events tell who looks at the namespace.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster

log=$T/audit.jsonl

groups() { # NAME...
	jq -n '{groups: [$ARGS.positional[] | {name: ., members: ["\(.)-1@example.test"]}], count: ($ARGS.positional | length)}' --args "$@" >"$T/groups.json"
}

policy() { # GRANTS, JSON
	jq -n --argjson grants "$1" '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: "told"}, cluster: {groupPrefix: "oidc:"},
		sources: {main: {file: {path: "groups.json"}}},
		limits: {remove: {bindings: 100000, people: "100%"}, vanishedGroup: {runs: 1, age: "0s"}},
		roles: {reader: {rules: [{apiGroups: [""], resources: ["pods"], verbs: ["list", "get"]}]}, viewer: {clusterRole: "view"}}, grants: $grants}' >"$T/policy.yaml"
}

apply() { broker apply -f "$T/policy.yaml" --audit-log "$log" "$@"; }
verify() { "$BROKER" verify-log "$log" "$@"; }
lines() { jq -c "select($1)" "$log"; } # FILTER
since() { tail -n "+$(($1 + 1))" "$log" >"$T/since"; } # LINE: what came after it

# What the API server saw of Roles and RoleBindings since a line of its own log, in our words.
seen() { # LINE
	audit_caught_up
	tail -n "+$(($1 + 1))" "$CLUSTER/audit.log" |
		jq -r 'select((.userAgent // "" | startswith("usher")) and (.verb | IN("create", "patch", "delete")) and .objectRef.apiGroup == "rbac.authorization.k8s.io"
			and .responseStatus.code < 300 and .stage == "ResponseComplete")
			| (if .objectRef.resource == "roles" then "role" else "binding" end) + "." + {create: "created", patch: "changed", delete: "removed"}[.verb]
				+ " " + .objectRef.namespace + "/" + (.objectRef.name // .responseObject.metadata.name // "?")' | sort
}
told() { jq -r 'select(.event | test("^(role|binding)\\.(created|changed|removed)$")) | "\(.event) \(.namespace)/\(.name)"' "$1" | sort; } # FILE

# ---- every change is a line ----

changes() {
	local before at head name
	for name in red green blue; do admin create namespace "$name" >/dev/null; done
	groups dev ops
	policy '[{"group": "dev", "role": "reader", "namespaces": ["red", "green"], "name": "dev-reads"},
		{"group": "ops", "role": "viewer", "namespaces": ["red", "blue"], "name": "ops-view"}]'
	before=$(wc -l <"$CLUSTER/audit.log")
	status 0 'a first run changes much' apply --events
	like "$(cat "$ERR")" 'audit log: its head is now [0-9a-f]{64}' 'and says the head of its log'
	seen "$before" >"$T/seen"
	told "$log" >"$T/told"
	is "$(wc -l <"$T/told")" 6 'two Roles and four bindings are told'
	ok 'each of them as the API server saw it, and nothing else' diff "$T/seen" "$T/told"
	is "$(lines '.event == "run.begin"' | jq -r '[.policy, .sources[0].name, .sources[0].complete, (.policyDigest | length), (.plan | length)] | @csv')" \
		'"told","main",true,64,64' 'run.begin names policy, source and plan, by digest too'
	like "$(lines '.event == "run.begin"' | jq -r .who)" '^[a-z]' 'and who the API server takes us for'
	is "$(jq -r .who "$log" | sort -u | grep -vc null)" 1 'which every line of the run says'
	is "$(lines '.event == "run.end"' | jq -c '[.status, .changes, .done, .failed]')" '[0,6,6,0]' 'run.end says how it ended'
	is "$(lines '.event == "binding.created" and .namespace == "red" and .name == "dev-reads"' | jq -c '[.before, .after]')" '[[],["oidc:dev"]]' \
		'a line says who had it before and who has it'
	status 0 'it is as it was written' verify

	at=$(wc -l <"$log")
	before=$(wc -l <"$CLUSTER/audit.log")
	policy '[{"group": "dev", "role": "reader", "namespaces": ["red"], "name": "dev-reads"}, {"group": "ops", "role": "reader", "namespaces": ["red"], "name": "dev-reads"},
		{"group": "ops", "role": "viewer", "namespaces": ["blue"], "name": "ops-view"}]'
	status 0 'a second run creates, changes and removes' apply
	head=$(sed -n 's/.*head is now //p' "$ERR")
	since "$at"
	seen "$before" >"$T/seen"
	told "$T/since" >"$T/told"
	ok 'again each as the API server saw it' diff "$T/seen" "$T/told"
	is "$(jq -c 'select(.event == "binding.changed") | [.before, .after]' "$T/since")" '[["oidc:dev"],["oidc:dev","oidc:ops"]]' 'who joined shows'
	is "$(jq -c 'select(.event == "binding.removed" and .namespace == "green") | [.before, .after]' "$T/since")" '[["oidc:dev"],[]]' 'and who lost it'
	like "$(jq -r 'select(.event == "binding.removed") | .reason' "$T/since" | head -1)" '[a-z]' 'and why'
	status 0 'the log is one' verify
	status 0 'the head that was printed is found' verify --head "$head"
}

# ---- at rest ----

rest() {
	local at before asked
	at=$(wc -l <"$log")
	before=$(wc -l <"$CLUSTER/audit.log")
	status 0 'a run with nothing to do' apply
	is "$(cat "$ERR")" '' 'says nothing of the log'
	since "$at"
	is "$(jq -r .event "$T/since" | xargs)" 'run.begin run.end' 'and leaves its beginning and its end'
	audit_caught_up
	asked=$(tail -n "+$((before + 1))" "$CLUSTER/audit.log" | jq -r 'select((.userAgent // "" | startswith("usher")) and .stage == "ResponseComplete") | .verb' | wc -l)
	is "$(jq -r 'select(.event == "run.end") | .requests' "$T/since")" "$asked" 'it counts its requests as the API server does'
	is "$(jq -r 'select(.event == "run.end") | .writes' "$T/since")" 0 'none of which wrote'
}

# ---- a plan from a file ----

from_file() {
	local at hash
	policy '[{"group": "dev", "role": "reader", "namespaces": ["red"], "name": "dev-reads"}, {"group": "ops", "role": "reader", "namespaces": ["red"], "name": "dev-reads"},
		{"group": "ops", "role": "viewer", "namespaces": ["blue", "red"], "name": "ops-view"}]'
	broker plan -f "$T/policy.yaml" --out "$T/plan.json" >/dev/null
	hash=$(jq -r .hash "$T/plan.json")
	at=$(wc -l <"$log")
	status 0 'a plan that a person confirms is carried out' broker apply --plan "$T/plan.json" --confirm "$hash" --audit-log "$log"
	since "$at"
	is "$(jq -r .event "$T/since" | xargs)" 'run.begin binding.created run.end' 'which leaves its lines'
	is "$(jq -r .plan "$T/since" | sort -u)" "$hash" 'each with the hash of the plan'
	is "$(jq -r 'select(.event == "run.begin") | .confirmed' "$T/since")" true 'and the log says that a person confirmed it'
	at=$(wc -l <"$log")
	status 5 'the same plan once more' broker apply --plan "$T/plan.json" --audit-log "$log"
	since "$at"
	is "$(jq -c 'select(.event == "run.end") | [.status, .writes]' "$T/since")" '[5,0]' 'is refused, and the log says that somebody tried'
}

# ---- a run that is stopped ----

refused() {
	local at
	at=$(wc -l <"$log")
	groups
	run apply
	is "$STATUS" 3 'an empty source stops the run'
	since "$at"
	is "$(jq -r .event "$T/since" | xargs)" 'run.begin run.end' 'which leaves both lines'
	is "$(jq -r 'select(.event == "run.end") | .status' "$T/since")" 3 'with its status'
	like "$(jq -r 'select(.event == "run.end") | .why' "$T/since")" 'no group at all' 'and why'
	groups dev ops
}

# ---- Events ----

count_events() { admin get events -A -o json | jq '[.items[] | select(.reportingComponent == "usher-broker")] | length'; }

events() {
	is "$(admin get events -n red -o json | jq -r '.items[] | select(.reportingComponent == "usher-broker") | .reason')" BindingsChanged 'one Event in a namespace that was changed'
	like "$(admin get events -n red -o json | jq -r '.items[].message')" '2 bindings created, 1 Role created \(policy told, plan [0-9a-f]{8}\)' 'says what, in words'
	like "$(admin events -n red 2>&1)" 'Normal +BindingsChanged +Namespace/red' 'kubectl events shows it'
	is "$(count_events)" 3 'one in each of the three'
}

# A ServiceAccount with the rights that rbac prints, and no others.
rights() {
	local token
	policy '[{"group": "dev", "role": "reader", "namespaces": ["red"], "name": "dev-reads"}, {"group": "ops", "role": "viewer", "namespaces": ["blue"], "name": "ops-view"}]'
	admin create namespace usher-system >/dev/null
	"$BROKER" rbac -f "$T/policy.yaml" | admin apply -f - >/dev/null
	token=$(admin create token usher-broker -n usher-system)
	jq --arg token "$token" -n --arg server "$SERVER" --arg ca "$CLUSTER/ca.crt" '{apiVersion: "v1", kind: "Config", "current-context": "c",
		clusters: [{name: "c", cluster: {server: $server, "certificate-authority": $ca}}], users: [{name: "c", user: {token: $token}}],
		contexts: [{name: "c", context: {cluster: "c", user: "c"}}]}' >"$T/account.kubeconfig"
	chmod 600 "$T/account.kubeconfig"
	status 0 'without the right to make Events the run does its work' "$BROKER" apply -f "$T/policy.yaml" --kubeconfig "$T/account.kubeconfig" --events --audit-log "$log"
	like "$(cat "$ERR")" 'warning: 1 Event could not be made: .*cannot create resource "events"' 'and warns'
	"$BROKER" rbac -f "$T/policy.yaml" --events | admin apply -f - >/dev/null
	policy '[{"group": "dev", "role": "reader", "namespaces": ["red"], "name": "dev-reads"}]'
	status 0 'with the rights of rbac --events' "$BROKER" apply -f "$T/policy.yaml" --kubeconfig "$T/account.kubeconfig" --events --audit-log "$log"
	unlike "$(cat "$ERR")" 'warning' 'nothing is missing'
	is "$(admin get events -n blue -o json | jq '[.items[] | select(.reportingComponent == "usher-broker")] | length')" 2 'the Event is there'
	is "$(lines '.event == "run.begin"' | jq -r '.who // empty' | tail -1)" 'system:serviceaccount:usher-system:usher-broker' 'the log names the ServiceAccount'
}

# ---- many ----

many() {
	local names before
	before=$(count_events)
	names=$(seq -f 'many-%03.0f' 1 120 | jq -R . | jq -sc .)
	seq -f 'many-%03.0f' 1 120 | sed 's/.*/{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"&"}}/' | admin create -f - >/dev/null
	policy "$(jq -nc --argjson n "$names" '[{group: "dev", role: "viewer", namespaces: $n, name: "many"}]')"
	status 0 'a run over 120 namespaces' apply --events
	is $(($(count_events) - before)) 101 'makes a hundred Events'
	like "$(admin get events -n default -o json | jq -r '.items[] | select(.reportingComponent == "usher-broker") | .message')" 'Access changed in 12[0-9] namespaces' \
		'and one that says how many there are'
	status 0 'and the log is whole' verify
}

# ---- a run that is killed ----

killed() {
	local at before try
	for try in {1..9}; do # until it comes before the end of the run
		at=$(wc -l <"$log")
		before=$(wc -l <"$CLUSTER/audit.log")
		policy "$(jq -nc --arg name "killed-$try" '[{group: "ops", role: "viewer", namespaces: [range(1; 121) | "many-\("00\(.)"[-3:])"], name: $name}]')"
		"$BROKER" apply -f "$T/policy.yaml" --kubeconfig "$ADMIN" --audit-log "$log" >/dev/null 2>&1 &
		wait_for 120 eval '[ "$(tail -n "+$(($at + 1))" "$log" | grep -c created)" -ge 5 ]'
		kill -KILL $! 2>/dev/null
		wait $! 2>/dev/null
		[ $? != 137 ] || break
	done
	status 0 'what a killed run left is a log all the same' verify
	like "$(cat "$OUT")" '1 run began and did not end' 'which says so'
	since "$at"
	told "$T/since" >"$T/told"
	seen "$before" >"$T/seen"
	is "$(comm -13 "$T/seen" "$T/told")" '' 'nothing is told that was not done'
	note "killed after $(wc -l <"$T/seen") writes, of which $(wc -l <"$T/told") have a line"
	admin patch lease usher-broker -n default --type merge -p '{"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}}' >/dev/null
	status 0 'the next run does the rest' apply
	status 0 'and the log is whole' verify
}

# ---- progress ----

team() { # NUMBER: as many groups in 120 namespaces
	groups $(seq -f 'team-%.0f' "$1")
	policy "$(jq -nc --argjson n "$1" '[range(1; $n + 1) | {group: "team-\(.)", role: "viewer", namespaces: [range(1; 121) | "many-\("00\(.)"[-3:])"], name: "team-\(.)"}]')"
}

progress() {
	have script || { skip 'a line of progress' 'no script on this machine'; return; }
	team 20
	TERM=xterm script -qec "'$BROKER' apply -f '$T/policy.yaml' --kubeconfig '$ADMIN'" "$T/typescript" >/dev/null 2>&1 </dev/null
	like "$(tr '\r' '\n' <"$T/typescript")" 'applying [0-9,]+ of 2,[0-9]{3}' 'at a terminal a line says how far it is'
	like "$(tr '\r' '\n' <"$T/typescript")" 'applied 2,[0-9]{3} of 2,[0-9]{3} in' 'and the report follows'
	is "$(sed 's/.*\x1b\[K//' "$T/typescript" | tr '\r' '\n' | grep -c 'applying')" 0 'the line is gone by then'
	team 40
	broker apply -f "$T/policy.yaml" >"$OUT" 2>"$ERR"
	is "$(cat "$ERR")" '' 'without a terminal there is nothing of it'
	one_line "$OUT" 'but the report'
}

cluster_start
changes
rest
from_file
refused
events
rights
many
killed
progress
done_testing
