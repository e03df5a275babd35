#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# offboard user (a dry run: all is read, nothing written) on a live cluster with many RoleBindings, against the same lists
# merely downloaded one after the other, each over one HTTP/2 connection to nowhere. Of each the quickest run counts; of
# memory the largest.
#   BENCH_BINDINGS=100000 BENCH_RUNS=5 offboard.sh
# In a tenth as many namespaces, with five ServiceAccounts in each. The person is in one binding of a hundred, and in a group
# that one in ten holds with the right to make pods.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
bindings=${BENCH_BINDINGS:-10000} runs=${BENCH_RUNS:-5}
namespaces=$((bindings / 10)) most_kib=131072 most_ratio=2
bench=$USHER_BUILD/tests/bench

policy() {
	jq -n '{groups: [{name: "team", id: "1", members: ["carol", "dave"]}], count: 1}' >"$T/groups.json"
	jq -n '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: "bench"}, cluster: {groupPrefix: "oidc:", userPrefix: "oidc:", tokenLifetime: "10m"},
		sources: {main: {file: {path: "groups.json"}}}, roles: {reader: {clusterRole: "view"}}, grants: [{group: "team", role: "reader", namespaces: ["tenant-00000"]}]}' >"$T/policy.yaml"
}

load() { "$bench/load" "$SERVER" "$CLUSTER/ca.crt" "$T/token"; }

objects() { # namespaces, then what is in them: lines for load
	local rbac=/apis/rbac.authorization.k8s.io/v1
	seq -f '%05.0f' 0 $((namespaces - 1)) >"$T/numbers"
	sed 's|.*|/api/v1/namespaces\t{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tenant-&"}}|' "$T/numbers" | load || return
	awk '{ for (i = 0; i < 5; i++) printf "/api/v1/namespaces/tenant-%s/serviceaccounts\t{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"sa-%d\"}}\n", $1, i }' \
		"$T/numbers" | load || return
	awk -v rbac="$rbac" '{ for (i = 0; i < 10; i++) {
		n = $1 * 10 + i
		who = n % 100 == 3 ? "\"kind\":\"User\",\"name\":\"oidc:carol\"" : i == 7 ? "\"kind\":\"Group\",\"name\":\"oidc:team\"" : "\"kind\":\"Group\",\"name\":\"oidc:other-" n "\""
		printf "%s/namespaces/tenant-%s/rolebindings\t{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"RoleBinding\",\"metadata\":{\"name\":\"b-%d\"," \
			"\"labels\":{\"app.kubernetes.io/managed-by\":\"usher-broker\",\"usher.dev/policy\":\"bench\"},\"annotations\":{\"usher.dev/role\":\"reader\"}}," \
			"\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"edit\"},\"subjects\":[{%s,\"apiGroup\":\"rbac.authorization.k8s.io\"}," \
			"{\"kind\":\"Group\",\"name\":\"oidc:everywhere\",\"apiGroup\":\"rbac.authorization.k8s.io\"}]}\n", rbac, $1, i, who } }' "$T/numbers" | load
}

lists() { # requests for lists that the API server has seen from us after the line $1 of its audit log
	tail -n "+$(($1 + 1))" "$CLUSTER/audit.log" | jq -r 'select((.userAgent // "" | startswith("usher")) and .verb == "list") | .requestURI'
}

best() { sort -n "$1" | head -n 1 | cut -d' ' -f1; }
most() { sort -n -k "$2" "$1" | tail -n 1 | cut -d' ' -f"$2"; }

ISSUER=https://127.0.0.1:1 CLIENT=none
authentication_config() { echo '{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": []}'; }
export CONTROLLERS=clusterrole-aggregation-controller # nothing that works on its own beside us, but edit needs its rules
cluster_start
sed -n 's/.*token: "\(.*\)".*/\1/p' "$ADMIN" >"$T/token"
chmod 600 "$T/token"
policy
ok "$namespaces namespaces, $((namespaces * 5)) ServiceAccounts, $bindings RoleBindings are made" objects

lines=$(wc -l <"$CLUSTER/audit.log")
status 10 'the dry run ends with 10' broker offboard user carol -f "$T/policy.yaml" --reason bench --dry-run -o json
lists "$lines" | sort >"$T/requests"
is "$(sed 's/?.*//' "$T/requests" | uniq -d)" '' 'each list is one request'
is "$(jq '[.lines[] | select(.kind == "binding" and .word == "removed")] | length' "$OUT")" $((bindings / 100)) 'every binding that holds the person is found'
is "$(jq '[.lines[] | select(.kind == "service-accounts") | .count] | add' "$OUT")" $((namespaces * 5)) 'and every ServiceAccount within reach'

for ((i = 0; i < runs; i++)); do
	"$bench/cost" "$BROKER" offboard user carol -f "$T/policy.yaml" --reason bench --dry-run --kubeconfig "$ADMIN" >>"$T/offboard"
	: >"$T/one"
	while read -r uri; do
		"$bench/cost" "$bench/download" "$CLUSTER/ca.crt" "$T/token" plain "$SERVER${uri%%&limit*}" >>"$T/one"
	done <"$T/requests"
	awk '{ all += $1; bad += $4 != 0 } END { print all, 0, 0, bad }' "$T/one" >>"$T/down"
done
is "$(cut -d' ' -f4 "$T/offboard" | sort -u)" 10 'every run measured ends with 10'
is "$(cut -d' ' -f4 "$T/down" | sort -u)" 0 'and every download with 0'
wall=$(best "$T/offboard") rss=$(most "$T/offboard" 3) down=$(best "$T/down")
ratio=$(awk "BEGIN { printf \"%.2f\", $wall / $down }")
note "download of the same $(wc -l <"$T/requests") lists: $down ms; offboard: $wall ms = $ratio of it, CPU $(most "$T/offboard" 2) ms, $rss KiB; load now $(cut -d' ' -f1 /proc/loadavg)"
ok "resident memory is at most $((most_kib / 1024)) MiB ($rss KiB)" test "$rss" -le "$most_kib"
if [ "$bindings" -ge 100000 ]; then
	ok "and it takes at most $most_ratio times as long as the download ($ratio)" awk "BEGIN { exit !($ratio <= $most_ratio) }"
fi
done_testing
