#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where something is in doubt nobody loses what they have, and where nothing is nobody keeps what ended; and who may change
# the bindings of one namespace decides nothing in another.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster

groups() { # FILE NAME[=ID]...
	local file=$1
	shift
	jq -n '{groups: [$ARGS.positional[] | split("=") as $p | {name: $p[0], id: ($p[1] // "id-" + $p[0]), members: ["\($p[0])@example.test"]}],
		count: ($ARGS.positional | length)}' --args "$@" >"$T/$file"
}

half() { printf '{"groups": [{"name": "x", "memb' >"$T/$1"; } # FILE

policy() { # NAME GRANTS [CHANGE]: GRANTS and CHANGE as jq has them; "ns" stands for the namespace NAME
	jq -n --arg ns "$1" '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: $ns}, cluster: {groupPrefix: "oidc:"},
		sources: {main: {file: {path: "groups.json"}}},
		roles: {view: {clusterRole: "view"}, admin: {clusterRole: "admin"}, reader: {rules: [{apiGroups: [""], resources: ["pods"], verbs: ["get", "list"]}]}},
		grants: ('"$2"')} | '"${3:-.}" >"$T/policy.yaml"
}

apply() { run broker apply -f "$T/policy.yaml" --rights any; }
can() { admin auth can-i list pods -n "$2" --as somebody --as-group "oidc:$1" 2>/dev/null; } # GROUP NAMESPACE

room() { # NAME: a namespace, both groups there
	admin create namespace "$1" >/dev/null
	groups groups.json dev ops
}

may() { [ "$(can "$1" "$2")" = yes ]; }
keeps() { ok "$3" wait_for 120 may "$1" "$2"; } # the authorizer sees what was written just now a moment later; what is lost it never sees again
lost() { like "$(can "$1" "$2")" '^no' "$3"; }
change() { admin get rolebinding -n "$1" -o json | jq ".items[0] | $2" | admin replace -f - >/dev/null; } # NAMESPACE JQ

both='[{group: "dev", role: "view", namespaces: [$ns]}, {group: "ops", role: "view", namespaces: [$ns]}]'

# ---- nobody loses anything on doubt ----

sources() {
	room renamed
	policy renamed "$both"
	apply
	policy renamed "$both" '.sources = {corp: {file: {path: "half.json"}}}'
	half half.json
	apply
	is "$STATUS" 3 'a source that is called otherwise, and incomplete: status 3'
	keeps dev renamed 'and nobody loses what the same source gave'
	room moved
	policy moved '[{group: "dev", role: "view", namespaces: [$ns], source: "main"}]' '.sources.other = {file: {path: "half.json"}}'
	groups half.json dev
	apply
	half half.json
	policy moved '[{group: "dev", role: "view", namespaces: [$ns], source: "other"}]' '.sources.other = {file: {path: "half.json"}}'
	apply
	keeps dev moved 'a grant that takes its group from another source, which is incomplete: kept'
}

another_binding() { # the same grant by another binding, while its group is in doubt
	room gone
	policy gone "$both"
	apply
	groups groups.json ops
	policy gone "$both" '.layout = "group"'
	apply
	keeps dev gone 'another layout, and a group that is gone: a tombstone first'
	room anew
	policy anew "$both"
	apply
	groups groups.json dev=another ops
	policy anew "$both" '.layout = "group"'
	apply
	keeps dev anew 'another layout, and a group that waits for consent: kept'
	room twins
	policy twins "$both"
	apply
	groups groups.json dev dev=another ops
	policy twins "$both" '.layout = "group"'
	apply
	keeps dev twins 'another layout, and a name that two groups bear: kept'
	room taken
	policy taken '[{group: "dev", role: "view", namespaces: [$ns]}]'
	apply
	admin create rolebinding team -n taken --clusterrole view --user bob >/dev/null
	policy taken '[{group: "dev", role: "view", namespaces: [$ns], name: "team"}]'
	apply
	keeps dev taken 'another name for the binding, which is somebody else'"'"'s: the old one stays'
}

held_role() {
	room held
	policy held '[{group: "dev", role: "reader", namespaces: [$ns]}]'
	apply
	groups groups.json ops
	policy held '[{group: "dev", role: "reader", namespaces: [$ns]}]' '.layout = "users"'
	apply
	keeps dev held 'a binding that is held for another layout keeps its Role'
}

full() { # no room for one more binding
	room full
	policy full "$both"
	apply
	admin create quota one -n full --hard=count/rolebindings.rbac.authorization.k8s.io=1 >/dev/null
	admin get quota one -n full -o json | jq '.status = {hard: .spec.hard, used: {"count/rolebindings.rbac.authorization.k8s.io": "1"}}' |
		admin replace --subresource status -f - >/dev/null
	policy full '[{group: "dev", role: "reader", namespaces: [$ns]}, {group: "ops", role: "view", namespaces: [$ns]}]'
	apply
	is "$STATUS" 10 'a quota stands against a new binding: status 10'
	keeps dev full 'and the group that was to be in it stays in the one it was in'
}

# ---- nobody keeps what ended ----

ended() {
	room over
	policy over '[{group: "dev", role: "view", namespaces: [$ns]}]'
	apply
	policy over '[{group: "dev", role: "view", namespaces: [$ns], notAfter: "2020-01-01"}]'
	half groups.json
	apply
	lost dev over 'a grant that ended goes, whether or not its source can be read'
}

unmarked() {
	local mark
	for mark in annotate:usher.dev/role label:usher.dev/policy label:app.kubernetes.io/managed-by; do
		admin delete namespace unmarked >/dev/null 2>&1
		room unmarked
		policy unmarked '[{group: "dev", role: "view", namespaces: [$ns]}]'
		apply
		admin "${mark%%:*}" rolebinding --all -n unmarked "${mark#*:}-" >/dev/null
		policy unmarked '[]'
		apply
		ok "a binding of ours that lost ${mark#*:} and that no grant wants: not status 0 while it gives access" \
			test "$STATUS" != 0 -o "$(can dev unmarked)" = no
	done
}

going() { # it is being deleted, and somebody holds it
	room going
	policy going '[{group: "dev", role: "view", namespaces: [$ns]}]'
	apply
	change going '.metadata.finalizers = ["example.test/held"]'
	admin delete rolebinding --all -n going --wait=false >/dev/null
	policy going '[]'
	apply
	ok "a binding that is going for ever: not status 0 while it gives access" test "$STATUS" != 0 -o "$(can dev going)" = no
	change going '.metadata.finalizers = []'
}

somebodys_role() {
	room widened
	policy widened '[{group: "dev", role: "reader", namespaces: [$ns]}]'
	apply
	admin label role reader -n widened app.kubernetes.io/managed-by- >/dev/null
	policy widened '[{group: "ops", role: "reader", namespaces: [$ns]}]'
	apply
	lost dev widened 'a Role that somebody took over stops no revocation'
}

long_names() {
	local i names=(team-b)
	room long
	groups groups.json team-a team-b
	policy long '[{groupPattern: "team-*", role: "view", namespaces: [$ns]}]' '.limits = {vanishedGroup: {runs: 1, age: "0s"}}'
	apply
	for ((i = 0; i < 90; i++)); do names+=("team-$i$(printf 'a%.0s' {1..1000})"); done
	groups groups.json "${names[@]}"
	apply
	lost team-a long 'groups with long names do not keep another one in its binding'
}

# ---- one namespace decides nothing in another ----

origin() { # NAME ID: an entry of the annotation as jq has it
	printf '.metadata.annotations["usher.dev/source-id"] |= (fromjson + [{group: "oidc:%s", id: "%s", name: "%s", path: "/%s", source: "main"}] | tojson)' "$1" "$2" "$1" "$1"
}

forged() {
	room forged
	admin create namespace forger >/dev/null
	local grants='[{group: "dev", role: "view", namespaces: ["forged"]}, {group: "ops", role: "view", namespaces: ["forger"]}]'
	policy forged "$grants"
	apply
	groups groups.json dev=another ops
	apply
	is "$STATUS" 5 'a group that was made anew waits for consent'
	change forger "$(origin dev another)"
	apply
	like "$(admin get rolebinding -n forged -o jsonpath='{.items[0].metadata.annotations}')" 'id-dev' 'and an annotation in another namespace does not give it'
	change forger "$(origin newteam bogus)"
	groups groups.json dev ops
	apply
	groups groups.json dev ops newteam
	policy forged "${grants%]}, {group: \"newteam\", role: \"view\", namespaces: [\"forged\"]}]"
	apply
	keeps newteam forged 'nor does one keep a new group from what it is granted'
}

flooded() {
	room flooded
	admin create namespace flooder >/dev/null
	groups groups.json tenant dev ops
	local grants='[{group: "tenant", role: "admin", namespaces: ["flooder"]}, {group: "GROUP", role: "view", namespaces: ["flooded"]}]'
	policy flooded "${grants/GROUP/dev}"
	apply
	admin get rolebinding -n flooder -o json | jq '.items[0] as $b | {apiVersion: "v1", kind: "List", items: [range(21) | {apiVersion: $b.apiVersion, kind: $b.kind,
		metadata: {name: "fake-\(.)", namespace: "flooder", labels: $b.metadata.labels, annotations: {"usher.dev/role": "x"}}, roleRef: $b.roleRef, subjects: $b.subjects}]}' |
		admin create -f - --as tenant --as-group oidc:tenant >/dev/null
	policy flooded "${grants/GROUP/ops}"
	apply
	keeps ops flooded 'bindings that a tenant makes with our marks do not stop the run for others'
	lost dev flooded 'nor what is taken away elsewhere'
}

# ---- a plan from a file ----

passed() { [ "$(date +%s)" -gt "$END" ]; }

late() {
	local soon
	room late
	for soon in 3 15 60; do # seconds, in which a plan can be made here
		END=$(($(date +%s) + soon))
		policy late '[{group: "dev", role: "view", namespaces: [$ns], notAfter: "'"$(date -u -d "@$END" +%Y-%m-%dT%H:%M:%SZ)"'"}]'
		run broker plan -f "$T/policy.yaml" --out "$T/plan.json"
		passed || break
	done
	wait_for 120 passed
	run broker apply --plan "$T/plan.json" --rights any
	is "$STATUS" 5 'a plan that would give what ended meanwhile is refused'
	room stale
	policy stale '[{group: "dev", role: "view", namespaces: [$ns]}]'
	run broker plan -f "$T/policy.yaml" --out "$T/plan.json"
	groups groups.json ops
	run broker apply --plan "$T/plan.json" --rights any
	is "$STATUS" 5 'a plan whose source says something else now is refused'
	room people
	policy people '[{group: "dev", role: "view", namespaces: [$ns]}]' '.layout = "users"'
	run broker plan -f "$T/policy.yaml" --out "$T/plan.json"
	run broker apply --plan "$T/plan.json" --rights any
	is "$STATUS" 0 'a plan with people in bindings is carried out'
}

cluster_start
sources
another_binding
held_role
full
ended
unmarked
going
somebodys_role
long_names
forged
flooded
late
done_testing
