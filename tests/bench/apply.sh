#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# New bindings by apply, against as many of the same size by a load generator that does nothing else, on the same server:
# five parts each, one first and then the other, so that neither has the emptier store. What counts is all parts together;
# the quickest of each tells how noisy the machine was. Time is the API server's own audit log: from the first create that
# came in to the last answered.
#   BENCH_BINDINGS=20000 BENCH_STREAMS=64 apply.sh
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
wanted=${BENCH_BINDINGS:-20000} streams=${BENCH_STREAMS:-64}
parts=5 namespaces=$((wanted / 10)) least=0.95
bench=$USHER_BUILD/tests/bench
export CONTROLLERS= # nothing that works on its own beside us

policy() { # NAMESPACES
	jq -n '{groups: [range(10) | {name: "team-\(.)", members: ["p\(.)@example.test"]}], count: 10}' >"$T/groups.json"
	jq -n --argjson n "$1" '[range($n) | "tenant-\("00000\(.)"[-5:])"] as $all
		| {apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: "bench"}, cluster: {groupPrefix: "oidc:"},
		sources: {main: {file: {path: "groups.json"}}}, roles: {reader: {clusterRole: "view"}},
		grants: [range(10) | {group: "team-\(.)", role: "reader", name: "usher-team-\(.)", namespaces: $all}]}' >"$T/policy.yaml"
}

name_spaces() { # FROM TO
	seq -f '%05.0f' "$1" "$2" | sed 's|.*|/api/v1/namespaces\t{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tenant-&"}}|' |
		"$bench/load" "$SERVER" "$CLUSTER/ca.crt" "$T/token"
}

# A binding of ours as we send it, with holes for name and namespace, and marks that are somebody else's.
template() {
	admin get rolebindings -n tenant-00000 -o json |
		jq -c '.items[0] | {apiVersion, kind, metadata: (.metadata | {annotations, labels, name: "@NAME@", namespace: "@NAMESPACE@"}),
			roleRef, subjects}' | sed 's/usher-broker/bench-loader/; s|usher\.dev/|bench.dev/|g; s/applyset\./loadset./' >"$T/template"
}

creates() { # USER-AGENT FROM-LINE: of RoleBindings: how many, and in how many seconds
	audit_caught_up
	tail -n "+$(($2 + 1))" "$CLUSTER/audit.log" |
		jq -r --arg agent "$1" 'select(.verb == "create" and .objectRef.resource == "rolebindings" and (.userAgent | startswith($agent)))
			| [.requestReceivedTimestamp, .stageTimestamp] | map((.[0:19] + "Z" | fromdate) + ("0." + .[20:26] | tonumber)) | @tsv' |
		awk '{ if (!n++ || $1 < from) from = $1; if ($2 > to) to = $2 } END { printf "%d %.3f\n", n, to - from }'
}

rate() { awk '$2 > 0 && $1 / $2 > best { best = $1 / $2 } END { printf "%.0f", best }' "$1"; } # of the quickest part

whole() { awk '{ n += $1; s += $2 } END { printf "%.0f", n / s }' "$1"; } # of all parts

saturate() { # PART
	local lines
	lines=$(wc -l <"$CLUSTER/audit.log")
	run "$bench/saturate" "$SERVER" "$CLUSTER/ca.crt" "$T/token" "$T/template" $((wanted / parts)) "$streams" "part-$1"
	note "load generator: $(cat "$OUT")"
	is "$STATUS" 0 "the load generator makes its part ($1)"
	creates saturate "$lines" >>"$T/bare"
}

apply_part() { # PART
	local lines
	policy $((namespaces * $1 / parts))
	lines=$(wc -l <"$CLUSTER/audit.log")
	status 0 "apply makes its part ($1)" "$bench/cost" "$BROKER" apply -f "$T/policy.yaml" --kubeconfig "$ADMIN"
	creates usher "$lines" >>"$T/ours"
	note "apply: wall ms, CPU ms, KiB, status: $(cat "$OUT"); $(tail -n 1 "$T/ours") s of it creating"
}

cluster_start
sed -n 's/.*token: "\(.*\)".*/\1/p' "$ADMIN" >"$T/token"
chmod 600 "$T/token"
policy 1
name_spaces 0 0
status 0 'a first apply shows what a binding of ours looks like' broker apply -f "$T/policy.yaml"
template
note "a create has $(wc -c <"$T/template") bytes"
ok "$namespaces namespaces are made" name_spaces 1 $((namespaces - 1))
for ((part = 1; part <= parts; part++)); do
	order='saturate apply_part'
	[ $((part % 2)) = 1 ] || order='apply_part saturate'
	for who in $order; do $who "$part"; done
done
is "$(awk '{ n += $1 } END { print n }' "$T/ours")" $((wanted - 10)) 'each by one create'
ratio=$(awk "BEGIN { printf \"%.2f\", $(whole "$T/ours") / $(whole "$T/bare") }")
note "all parts: bare $(whole "$T/bare") creates/s, apply $(whole "$T/ours"): ratio $ratio; quickest part: bare $(rate "$T/bare"), apply $(rate "$T/ours")"
note "load now $(cut -d' ' -f1 /proc/loadavg)"
ok "apply reaches at least $least of the bare rate ($ratio)" awk "BEGIN { exit !($ratio >= $least) }"
done_testing
