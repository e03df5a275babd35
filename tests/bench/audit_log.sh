#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# New bindings by apply with an audit log and without one, on the same server: parts in turns, so that neither has the emptier
# store. Time is the API server's own audit log: from the first create that came in to the last answered.
#   BENCH_BINDINGS=20000 audit_log.sh
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
wanted=${BENCH_BINDINGS:-20000} parts=8 namespaces=$((wanted / 10)) least=0.95
export CONTROLLERS= # nothing that works on its own beside us

policy() { # NAMESPACES
	jq -n '{groups: [range(10) | {name: "team-\(.)", members: ["p\(.)@example.test"]}], count: 10}' >"$T/groups.json"
	jq -n --argjson n "$1" '[range($n) | "tenant-\("00000\(.)"[-5:])"] as $all
		| {apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: "bench"}, cluster: {groupPrefix: "oidc:"},
		sources: {main: {file: {path: "groups.json"}}}, roles: {reader: {clusterRole: "view"}},
		grants: [range(10) | {group: "team-\(.)", role: "reader", name: "usher-team-\(.)", namespaces: $all}]}' >"$T/policy.yaml"
}

creates() { # FROM-LINE: of RoleBindings: how many, and in how many seconds
	audit_caught_up
	tail -n "+$(($1 + 1))" "$CLUSTER/audit.log" |
		jq -r 'select(.verb == "create" and .objectRef.resource == "rolebindings" and (.userAgent | startswith("usher")))
			| [.requestReceivedTimestamp, .stageTimestamp] | map((.[0:19] + "Z" | fromdate) + ("0." + .[20:26] | tonumber)) | @tsv' |
		awk '{ if (!n++ || $1 < from) from = $1; if ($2 > to) to = $2 } END { printf "%d %.3f\n", n, to - from }'
}

whole() { awk '{ n += $1; s += $2 } END { printf "%.0f", n / s }' "$1"; } # of all parts

apply_part() { # PART WITH|WITHOUT
	local lines log=()
	[ "$2" = without ] || log=(--audit-log "$T/audit.jsonl")
	policy $((namespaces * $1 / parts))
	lines=$(wc -l <"$CLUSTER/audit.log")
	status 0 "part $1, $2" "$USHER_BUILD/tests/bench/cost" "$BROKER" apply -f "$T/policy.yaml" --kubeconfig "$ADMIN" ${log[@]+"${log[@]}"}
	creates "$lines" >>"$T/$2"
	note "wall ms, CPU ms, KiB, status: $(cat "$OUT"); $(tail -n 1 "$T/$2") s of it creating"
}

cluster_start
sed -n 's/.*token: "\(.*\)".*/\1/p' "$ADMIN" >"$T/token"
chmod 600 "$T/token"
seq -f '%05.0f' 0 $((namespaces - 1)) | sed 's|.*|/api/v1/namespaces\t{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tenant-&"}}|' |
	"$USHER_BUILD/tests/bench/load" "$SERVER" "$CLUSTER/ca.crt" "$T/token" >/dev/null
order=(without with with without with without without with)
for ((part = 1; part <= parts; part++)); do apply_part "$part" "${order[part - 1]}"; done
is "$(jq -r 'select(.event == "binding.created") | .name' "$T/audit.jsonl" | grep -c .)" "$(awk '{ n += $1 } END { print n }' "$T/with")" 'each create has its line'
status 0 'and they are one log' "$BROKER" verify-log "$T/audit.jsonl"
ratio=$(awk "BEGIN { printf \"%.2f\", $(whole "$T/with") / $(whole "$T/without") }")
note "without $(whole "$T/without") creates/s, with $(whole "$T/with"): ratio $ratio; $(wc -c <"$T/audit.jsonl") bytes of log; load now $(cut -d' ' -f1 /proc/loadavg)"
ok "with a log apply keeps at least $least of its rate ($ratio)" awk "BEGIN { exit !($ratio >= $least) }"
done_testing
