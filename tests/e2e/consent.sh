#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Groups that are renamed, made anew under an old name, and both at once, on a real API server: who may what is asked of the
# server itself. BC09, T53.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
cluster_start

policy() { # GRANT...: "group: a, namespaces: [x], name: e"
	{
		echo 'apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:"}
sources: {main: {file: {path: "groups.json"}}}
roles: {edit: {clusterRole: edit}}
limits: {remove: {bindings: 100, people: 100%}, vanishedGroup: {runs: 2, age: 0s}}
grants:'
		printf -- '- {role: edit, %s}\n' "$@"
	} >"$T/policy.yaml"
}
groups() { # ID=PATH...: beside one that stays
	jq -n --args '{groups: [$ARGS.positional[] | split("=") | {id: .[0], name: (.[1] | split("/") | last), path: .[1], members: [.[0] + "-person"]}]} |
		.count = (.groups | length)' "$@" 7=/keep >"$T/groups.json"
}
may() { admin auth can-i create deployments -n "$1" --as=x --as-group="oidc:$2" >/dev/null 2>&1; }
may_not() { ! may "$@"; }
has() { ok "$3" wait_for 120 may "$1" "$2"; } # the server hears of its own bindings a moment later
has_not() { ok "$3" wait_for 120 may_not "$1" "$2"; }
word() { # gives it to the plan as it is now, as the plan says
	broker plan -f "$T/policy.yaml" --out "$T/plan.json" >"$T/plan.txt" 2>&1
	broker apply --plan "$T/plan.json" --confirm "$(sed -n "s/.* for somebody's word\. To give it: .*--confirm \([0-9a-f]*\).*/\1/p" "$T/plan.txt")"
}
begin() { # NAMESPACE
	admin create namespace "$1" >/dev/null
}

# ---- a is called b, and another group is called a, between two runs ----
swapped() { # NAMESPACE GRANT OLD NEW ID OTHER_ID
	begin "$1"
	policy "$2"
	groups "$5=/$3"
	status 0 "$1: the grant is made" broker apply -f "$T/policy.yaml"
	has "$1" "$3" "$1: $3 has it"
	groups "$5=/$4" "$6=/$3"
	for run in 1 2 3; do
		status 5 "$1: run $run says that somebody must say a word" broker apply -f "$T/policy.yaml"
		has "$1" "$4" "$1: run $run: the people of $4 keep what they had"
		has_not "$1" "$3" "$1: run $run: the new $3 gets nothing"
	done
	status 0 "$1: with the word" word
	has "$1" "$3" "$1: the new $3 has it"
}
swapped by-name 'group: a, namespaces: [by-name], name: e' a b 1 9
has by-name b 'by-name: and b until the next run'
swapped by-pattern 'groupPattern: "t-*", namespaces: [by-pattern], name: e' t-a t-b 11 19
has by-pattern t-b 'by-pattern: and b, which the pattern means as well'

begin out-of-it
policy 'groupPattern: "u-*", namespaces: [out-of-it], name: e'
groups 21=/u-a
status 0 'a pattern grants' broker apply -f "$T/policy.yaml"
groups 21=/z 29=/u-a
status 5 'renamed out of it, while another one comes into it' broker apply -f "$T/policy.yaml"
has_not out-of-it u-a 'the old name is not kept up for the new one'
has_not out-of-it z 'and nothing is granted to the new name'

# ---- others in the same binding do not wait for the word ----
begin beside
policy 'group: k, namespaces: [beside], name: e' 'group: c, namespaces: [beside], name: e'
groups 31=/k 3=/c 4=/d
status 0 'two groups in one binding' broker apply -f "$T/policy.yaml"
groups 39=/k 3=/c 4=/d
policy 'group: k, namespaces: [beside], name: e' 'group: d, namespaces: [beside], name: e'
status 1 'k is made anew, c goes, d comes: a plan' broker plan -f "$T/policy.yaml" --out "$T/plan.json"
is "$(jq -c '[.changes[] | select(.name == "e" and .action == "change") | [.consent // false, [.groups.added[].name], [.groups.removed[].name]]]' "$T/plan.json")" \
	'[[false,["oidc:d"],["oidc:c"]],[true,["oidc:k"],[]]]' 'has what is done anyway, and what waits for a word'
is "$(jq .summary.change "$T/plan.json")" 1 'and counts the binding once'
status 5 'without the word' broker apply --plan "$T/plan.json"
has beside d 'd has it at once'
has_not beside c 'and c has it no more'
is "$(admin get rolebinding e -n beside -o json | jq -r '.metadata.annotations["usher.dev/source-id"] | fromjson | map(select(.group == "oidc:k").id)[]')" 31 \
	'what is there of k is still the old one'
status 0 'with the word' word
is "$(admin get rolebinding e -n beside -o json | jq -r '.metadata.annotations["usher.dev/source-id"] | fromjson | map(select(.group == "oidc:k").id)[]')" 39 'k is the new one'
has beside d 'and d stays'
status 0 'and then there is nothing to do' broker apply -f "$T/policy.yaml"

# ---- the record of who it was is taken off, and the group vanishes ----
begin spoilt
policy 'group: s, namespaces: [spoilt], name: e'
groups 51=/s
broker apply -f "$T/policy.yaml" >/dev/null 2>&1
broker apply -f "$T/policy.yaml" >/dev/null 2>&1
admin annotate rolebinding e -n spoilt usher.dev/source-id- >/dev/null
groups 2=/b
like "$(broker plan -f "$T/policy.yaml" 2>/dev/null)" 'kept: group s is gone from source main' 'the plan says what it waits for'
status 0 'a run without the record and without the group' broker apply -f "$T/policy.yaml"
has spoilt s 'takes nothing away'
status 0 'the second run' broker apply -f "$T/policy.yaml"
has_not spoilt s 'removes it'
groups 51=/s
status 5 'whoever comes by that name' broker apply -f "$T/policy.yaml"
has_not spoilt s 'waits for a word'
done_testing
