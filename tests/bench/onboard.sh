#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# onboard of one namespace against `kubectl apply -f` of the same manifests, whole commands, in turns; and of many in one
# call against a load generator that creates the same objects and looks at nothing, in writes a second: onboard has one more a
# namespace, its mark. Time of the latter is the API server's own audit log: from the first write that came in to the last
# answered.
#   BENCH_NAMESPACES=1000 onboard.sh
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
wanted=${BENCH_NAMESPACES:-1000} rounds=9 parts=3 most=2.0 least=${BENCH_LEAST:-0.85}
bench=$USHER_BUILD/tests/bench
export CONTROLLERS= # nothing that works on its own beside us

policy() {
	jq -n '{groups: [{path: "/teams/a/dev", name: "dev", id: "1"}, {path: "/teams/b/dev", name: "dev", id: "2"}], count: 2}' >"$T/groups.json"
	cat >"$T/policy.yaml" <<-EOP
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", groupName: path}
	sources: {main: {file: {path: $T/groups.json}}}
	roles:
	  deployer: {rules: [{apiGroups: [apps], resources: [deployments], verbs: [create, get, list]}]}
	grants: []
	templates:
	  team: {podSecurity: restricted, quota: {pods: 10}, limitRange: {default: {cpu: 500m}}, roles: [{role: deployer, group: "/teams/{team}/dev"}]}
	EOP
}
ms() { # COMMAND...: wall time
	local began ended
	began=$(date +%s%N)
	"$@" >"$T/ms.out" 2>&1 || { note "$(cat "$T/ms.out")"; fail "$*"; }
	ended=$(date +%s%N)
	echo $(((ended - began) / 1000000))
}
manifests() { "$BROKER" onboard namespace "$@" -f "$T/policy.yaml" --template team --set team=a --dry-run client -o "$FORMAT"; }
onboard() { "$BROKER" onboard namespace "$@" -f "$T/policy.yaml" --template team --set team=a --kubeconfig "$ADMIN"; }
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

one() {
	local i
	for ((i = 0; i < rounds; i++)); do
		FORMAT=yaml manifests "kubectl-$i" >"$T/one.yaml"
		ms onboard "ours-$i" >>"$T/ours"
		ms admin apply -f "$T/one.yaml" >>"$T/kubectl"
	done
	ratio=$(awk "BEGIN { printf \"%.2f\", $(median "$T/ours") / $(median "$T/kubectl") }")
	note "one namespace, median of $rounds: onboard with its proof $(median "$T/ours") ms, kubectl apply $(median "$T/kubectl") ms: ratio $ratio"
	ok "onboard of one namespace takes at most $most x kubectl apply of the same ($ratio)" awk "BEGIN { exit !($ratio <= $most) }"
}

writes() { # USER-AGENT FROM-LINE ("": who says none): how many objects were made, by how many writes, and in how many seconds
	audit_caught_up
	tail -n "+$(($2 + 1))" "$CLUSTER/audit.log" |
		jq -r --arg agent "$1" 'select((.responseStatus.code == 201 or (.responseStatus.code == 200 and .verb == "patch")) and (.objectRef.resource | test("reviews") | not) and ((.userAgent // "") | if $agent == "" then . == "" else startswith($agent) end))
			| [[.requestReceivedTimestamp, .stageTimestamp | (.[0:19] + "Z" | fromdate) + ("0." + .[20:26] | tonumber)][], .responseStatus.code] | @tsv' |
		awk '{ if (!n++ || $1 < from) from = $1; if ($2 > to) to = $2; made += $3 == 201 } END { printf "%d %d %.3f\n", made, n, to - from }'
}
names() { seq -f "$1-%05.0f" $((($2 - 1) * wanted / parts)) $(($2 * wanted / parts - 1)); }
whole() { awk '{ n += $2; s += $3 } END { printf "%.0f", n / s }' "$1"; }

path_of='def root: if .apiVersion == "v1" then "/api/v1" else "/apis/\(.apiVersion)" end;
	if .kind == "Namespace" then "/api/v1/namespaces" else "\(root)/namespaces/\(.metadata.namespace)/\({NetworkPolicy: "networkpolicies", ResourceQuota: "resourcequotas",
	LimitRange: "limitranges", ServiceAccount: "serviceaccounts", Role: "roles", RoleBinding: "rolebindings"}[.kind])" end'

bare_part() { # PART: namespaces first, then all else
	local lines
	# shellcheck disable=SC2046
	FORMAT=json manifests $(names bare "$1") | jq -c '.items[]' >"$T/objects"
	jq -r "\"\($path_of)\t\(tojson)\"" <"$T/objects" >"$T/load"
	lines=$(wc -l <"$CLUSTER/audit.log")
	grep -P '^/api/v1/namespaces\t' "$T/load" | "$bench/load" "$SERVER" "$CLUSTER/ca.crt" "$T/token" || fail "bare part $1"
	grep -vP '^/api/v1/namespaces\t' "$T/load" | "$bench/load" "$SERVER" "$CLUSTER/ca.crt" "$T/token" || fail "bare part $1"
	writes "" "$lines" >>"$T/bare"
}
our_part() { # PART
	local lines
	lines=$(wc -l <"$CLUSTER/audit.log")
	# shellcheck disable=SC2046
	status 0 "onboard makes its part ($1)" "$bench/cost" "$BROKER" onboard namespace $(names many "$1") -f "$T/policy.yaml" --template team --set team=a --kubeconfig "$ADMIN" --wait 0s
	writes usher "$lines" >>"$T/many"
	note "onboard: wall ms, CPU ms, KiB, status: $(tail -n 1 "$OUT"); $(tail -n 1 "$T/many"): objects, writes, s of it writing"
}

cluster_start
sed -n 's/.*token: "\(.*\)".*/\1/p' "$ADMIN" >"$T/token"
chmod 600 "$T/token"
policy
one
for ((part = 1; part <= parts; part++)); do
	order='bare_part our_part'
	[ $((part % 2)) = 1 ] || order='our_part bare_part'
	for who in $order; do $who "$part"; done
done
is "$(awk '{ n += $1 } END { print n }' "$T/many")" "$(awk '{ n += $1 } END { print n }' "$T/bare")" 'both made as many objects'
ratio=$(awk "BEGIN { printf \"%.2f\", $(whole "$T/many") / $(whole "$T/bare") }")
note "$wanted namespaces: bare $(whole "$T/bare") writes/s, onboard $(whole "$T/many"): ratio $ratio; load now $(cut -d' ' -f1 /proc/loadavg)"
ok "onboard of many reaches at least $least of the bare rate ($ratio)" awk "BEGIN { exit !($ratio >= $least) }"
done_testing
