#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plan with nothing to do on a live cluster with many RoleBindings, against the same list merely downloaded: streamed,
# streamed with gzip, and in pages, each over one HTTP/2 connection to nowhere, in turns with the plan. Of each the quickest
# run counts; of memory and CPU the largest.
#   BENCH_BINDINGS=100000 BENCH_LAYOUT=group|role BENCH_RUNS=5 plan.sh
# In a tenth as many namespaces, layout group: ten groups with one role; layout role, the default: ten roles, two groups each.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
bindings=${BENCH_BINDINGS:-10000} layout=${BENCH_LAYOUT:-group} runs=${BENCH_RUNS:-5}
namespaces=$((bindings / 10)) most_kib=40960 most_ms=2000
bench=$USHER_BUILD/tests/bench

policy() {
	jq -n '{groups: [range(10) | {name: "team-\(.)", members: ["p\(.)@example.test"]}], count: 10}' >"$T/groups.json"
	jq -n --arg layout "$layout" '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: "bench"}, layout: $layout,
		cluster: {groupPrefix: "oidc:"}, sources: {main: {file: {path: "groups.json"}}}, roles: {}, grants: []}
		| if $layout == "group" then .roles.reader = {clusterRole: "view"} | .grants = [range(10) | {group: "team-\(.)", role: "reader"}]
		  else reduce range(10) as $i (.; .roles["reader-\($i)"] = {clusterRole: "bench-\($i)"}
			| .grants += [{group: "team-\($i)", role: "reader-\($i)"}, {group: "team-\(($i + 1) % 10)", role: "reader-\($i)"}]) end
		| .grants[].namespacePattern = "tenant-*"' >"$T/policy.yaml"
}

cluster_roles() {
	jq -nr 'range(10) | "/apis/rbac.authorization.k8s.io/v1/clusterroles\t" + ({apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole",
		metadata: {name: "bench-\(.)"}, rules: [{apiGroups: [""], resources: ["pods"], verbs: ["get"]}]} | tojson)' |
		"$bench/load" "$SERVER" "$CLUSTER/ca.crt" "$T/token"
}

name_spaces() {
	seq -f '%05.0f' 0 $((namespaces - 1)) | sed 's|.*|/api/v1/namespaces\t{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tenant-&"}}|' |
		"$bench/load" "$SERVER" "$CLUSTER/ca.crt" "$T/token"
}

lists() { # requests for lists that the API server has seen from us after the line $1 of its audit log
	tail -n "+$(($1 + 1))" "$CLUSTER/audit.log" | jq -r 'select((.userAgent // "" | startswith("usher")) and .verb == "list") | .requestURI'
}

writes() {
	tail -n "+$(($1 + 1))" "$CLUSTER/audit.log" |
		jq -r 'select((.userAgent // "" | startswith("usher")) and (.verb | IN("create", "update", "patch", "delete")) and
			(.objectRef.resource | endswith("reviews") | not)) | .requestURI'
}

best() { sort -n "$1" | head -n 1 | cut -d' ' -f1; }
most() { sort -n -k "$2" "$1" | tail -n 1 | cut -d' ' -f"$2"; }

ISSUER=https://127.0.0.1:1 CLIENT=none
authentication_config() { echo '{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": []}'; }
export CONTROLLERS= # nothing that works on its own beside us
cluster_start
sed -n 's/.*token: "\(.*\)".*/\1/p' "$ADMIN" >"$T/token"
chmod 600 "$T/token"
policy
ok 'ten ClusterRoles are made' cluster_roles
ok "$namespaces namespaces are made" name_spaces
begin=$(date +%s%N)
status 0 "$bindings RoleBindings are made by apply" broker apply -f "$T/policy.yaml"
took=$((($(date +%s%N) - begin) / 1000000))
note "apply: $bindings in $took ms, $((bindings * 1000 / (took + 1))) a second"

lines=$(wc -l <"$CLUSTER/audit.log")
status 0 'plan has nothing to do' broker plan -f "$T/policy.yaml"
lists "$lines" | sort >"$T/requests"
is "$(sed 's/?.*//' "$T/requests" | uniq -d)" '' 'each list is one request'
like "$(cat "$T/requests")" rolebindings 'RoleBindings among them'
is "$(writes "$lines")" '' 'and nothing is written'

url=$SERVER/apis/rbac.authorization.k8s.io/v1/rolebindings
for ((i = 0; i < runs; i++)); do
	"$bench/cost" "$BROKER" plan -f "$T/policy.yaml" --kubeconfig "$ADMIN" >>"$T/plan"
	for how in plain gzip 500; do
		"$bench/cost" "$bench/download" "$CLUSTER/ca.crt" "$T/token" "$how" "$url" >>"$T/down-$how"
	done
done
is "$(cut -d' ' -f4 "$T"/plan "$T"/down-* | sort -u)" 0 'every run measured ends with 0'
fastest=$(for how in plain gzip 500; do best "$T/down-$how"; done | sort -n | head -n 1)
wall=$(best "$T/plan") cpu=$(most "$T/plan" 2) rss=$(most "$T/plan" 3)
ratio=$(awk "BEGIN { printf \"%.2f\", $wall / $fastest }")
note "download of $bindings: plain $(best "$T/down-plain") ms, gzip $(best "$T/down-gzip") ms, pages of 500 $(best "$T/down-500") ms"
note "plan, layout $layout: $wall ms = $ratio of the fastest, CPU $cpu ms, $rss KiB; load now $(cut -d' ' -f1 /proc/loadavg)"
ok "resident memory of plan is at most $((most_kib / 1024)) MiB ($rss KiB)" test "$rss" -le "$most_kib"
if [ "$bindings" -ge 100000 ]; then
	ok "its CPU is at most $most_ms ms ($cpu)" awk "BEGIN { exit !($cpu <= $most_ms) }"
	ok "and it takes at most 1.4 times as long as the download ($ratio)" awk "BEGIN { exit !($ratio <= 1.4) }"
fi
done_testing
