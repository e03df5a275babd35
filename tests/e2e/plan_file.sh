#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plan from a file, on a real API server: it is made again before it is carried out, and what moved is told. BM03.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster

groups() { # NAME=MEMBERS...
	local word
	for word; do jq -n --arg name "${word%%=*}" --arg members "${word#*=}" '{name: $name, members: ($members | split(",") | map(select(. != "")))}'; done |
		jq -s '{groups: ., count: length}' >"$T/groups.json"
}

policy() { # GRANTS, JSON
	jq -n --argjson grants "$1" '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: "files"}, cluster: {groupPrefix: "oidc:"},
		sources: {main: {file: {path: "groups.json"}}},
		limits: {remove: {bindings: 1, people: "100%"}, vanishedGroup: {runs: 1, age: "0s"}},
		roles: {viewer: {clusterRole: "view"}}, grants: $grants}' >"$T/policy.yaml"
}

grant() { echo "{\"group\": \"$1\", \"role\": \"viewer\", \"namespaces\": [\"$2\"], \"name\": \"$1\"}"; }
plan() { broker plan -f "$T/policy.yaml" --out "$T/plan.json" "$@"; }
apply() { broker apply --plan "$T/plan.json" "$@"; }
there() { admin get rolebindings -A -l usher.dev/policy=files -o name | wc -l; }

refused() { # WHAT SAYS...: the last apply wrote nothing and said so
	one_line "$ERR" "$1: in one line"
	like "$(cat "$ERR")" "$2" "$1: which says what moved"
	is "$(broker_writes)" "$writes" "$1: nothing was written"
}

sources_move() {
	groups dev=carol,dave ops=olga
	policy "[$(grant dev fancy), {\"groupPattern\": \"/team-{t}\", \"role\": \"viewer\", \"namespaces\": [\"fancy\"], \"name\": \"teams\"}]"
	status 1 'a plan is made' plan
	writes=$(broker_writes)
	groups dev=carol,dave ops=olga team-red=rita
	status 5 'BM03 a group that is new and is granted something: refused' apply
	refused 'a new group' 'source main: 2 groups when planned, 3 now: RoleBinding fancy/teams is to be made now, for oidc:team-red; nothing was written\. Plan again: usher-broker plan -f .*policy\.yaml --kubeconfig .* --out .*plan\.json$'
	groups dev=carol,dave,erin ops=olga
	status 5 'BM03 a member more: refused' apply
	refused 'a member more' 'source main: .*oidc:dev had 2 people when planned, has 3 now; nothing was written'
	groups ops=olga
	status 5 'BM03 the group is gone: refused' apply
	refused 'a group gone' 'source main: 2 groups when planned, 1 now: '
	echo '{"groups": [{"name": "de' >"$T/groups.json"
	status 3 'BM03 a source that is incomplete now: status 3' apply
	refused 'an incomplete source' 'source main is incomplete: .*; nothing was written'
	rm "$T/groups.json"
	status 3 'BM03 a source that cannot be read now: status 3' apply
	refused 'no source' 'nothing was written.*--no-sources'
}

trust() {
	rm -f "$T/groups.json"
	jq '.made = "2026-01-01T00:00:00Z"' "$T/plan.json" >"$T/forged.json"
	status 2 'the time of a plan is sealed' broker apply --plan "$T/forged.json" --no-sources
	status 5 'a plan that is too old is refused' apply --no-sources --max-age 0s
	like "$(cat "$ERR")" 'was made [0-9]+ (s|min) ago, and 0 s is the most; nothing was written\. Plan again: ' 'and the line says how old'
	status 5 'so it is where the sources are asked, when that is said' apply --max-age 0s
	is "$(broker_writes)" "$writes" 'nothing was written'
	mv "$T/policy.yaml" "$T/elsewhere.yaml"
	status 2 'the policy is not here' apply
	like "$(cat "$ERR")" 'policy.yaml, which is not here\. Name it: -f POLICY\. Or go by what was read then: --no-sources$' 'and the line says what to do'
	status 0 'BM03 --no-sources goes by what was read, on a machine that has nothing but the plan' apply --no-sources
	is "$(there)" 1 'it is carried out'
	mv "$T/elsewhere.yaml" "$T/policy.yaml"
}

nothing_moved() {
	groups dev=carol,dave ops=olga
	policy "[$(grant dev fancy), $(grant ops fancy)]"
	status 1 'a plan is made' plan
	groups dev=carol,dave,frank ops=olga unrelated=x,y,z
	mv "$T/policy.yaml" "$T/other.yaml"
	status 0 'BM03 what the plan does not speak of may move; the policy may stand elsewhere' apply -f "$T/other.yaml"
	mv "$T/other.yaml" "$T/policy.yaml"
	is "$(there)" 2 'it is carried out'
	status 5 'a plan that was carried out is not carried out again' apply
	like "$(cat "$ERR")" '^usher-broker: the cluster moved since the plan was made: RoleBinding fancy/ops is there now; nothing was written' 'and the line says why'
}

# The hash that is printed when a run stops is the one that confirms, whenever that is.
confirmed() {
	local hash
	policy '[]'
	status 5 'a run past the limits stops' broker apply -f "$T/policy.yaml"
	hash=$(sed -n 's/.*--confirm \([0-9a-f]*\).*/\1/p' "$ERR")
	status 5 'so does a plan' plan
	is "$(jq -r .hash "$T/plan.json" | cut -c1-8)" "$hash" 'with the same hash'
	writes=$(broker_writes)
	status 5 'it is not carried out without a word' apply
	status 5 'nor by another hash' apply --confirm 00000000
	like "$(cat "$ERR")" "confirm names another plan\. If that is right: usher-broker apply --plan .*plan.json --kubeconfig .* --confirm $hash\$" 'which is told, with the command'
	is "$(broker_writes)" "$writes" 'nothing was written'
	admin annotate rolebinding dev -n fancy seen=yes >/dev/null
	status 5 'BM03 nor by its own, once something moved' apply --confirm "$hash"
	like "$(cat "$ERR")" 'RoleBinding fancy/dev changed; nothing was written' 'which is told'
	run plan
	status 0 'BM03 a plan made anew is, by its own hash' apply --confirm "$(jq -r .hash "$T/plan.json")"
	is "$(there)" 0 'what was to go is gone'
}

# A namespace that is going: nothing is missing there, and that is said.
passed_over() {
	admin create namespace going >/dev/null
	admin create configmap hold -n going >/dev/null
	admin patch configmap hold -n going --type merge -p '{"metadata": {"finalizers": ["usher.test/hold"]}}' >/dev/null
	groups dev=carol,dave ops=olga
	policy "[$(grant dev fancy), $(grant ops going)]"
	status 1 'a plan is made' plan
	admin delete namespace going --wait=false >/dev/null
	status 0 'a namespace that is being deleted is passed over' apply --no-sources
	like "$(cat "$OUT")" '^applied 1 of 2 in [0-9.]+ s; 1 passed over' 'the number is on stdout'
	is "$(grep -v 'no proof' "$ERR")" 'usher-broker: RoleBinding going/ops: namespace going is being deleted: passed over' 'which one, and why, on stderr'
	admin patch configmap hold -n going --type merge -p '{"metadata": {"finalizers": null}}' >/dev/null
}

many_missing() {
	local name
	groups dev=carol
	policy "$(jq -cn '[range(300) | {group: "dev", role: "viewer", namespaces: ["none-\(.)"]}]')"
	status 10 'namespaces that are not there: status 10' broker apply -f "$T/policy.yaml"
	is "$(wc -l <"$ERR")" 7 'three hundred of them are five lines, a number, and the end'
	like "$(cat "$ERR")" 'and 295 more: namespace \.\.\. is not there yet; all of them: usher-broker plan -f .*policy.yaml --kubeconfig .* -o json' 'which says how to see them all'
	like "$(tail -1 "$ERR")" '300 objects wait for their namespace; the next run tries again' 'and what comes next'
}

cluster_start
admin create namespace fancy >/dev/null
sources_move
trust
nothing_moved
confirmed
passed_over
many_missing
done_testing
