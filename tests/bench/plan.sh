#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plan with nothing to do on a live cluster with many RoleBindings: how many requests, how much memory, and its time as a
# ratio to the same lists merely downloaded by libcurl with our user agent (for curl's own the server pretty-prints).
#   BINDINGS=5000 RUNS=5 plan.sh
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
bindings=${BINDINGS:-5000} runs=${RUNS:-5} most_kib=65536
cost=$USHER_BUILD/tests/bench/cost

policy() { # as many grants, each a binding of its own in one namespace
	jq -n --argjson n "$bindings" '{groups: [range($n) | {name: "team-\(.)", members: ["p\(.)@example.test"]}], count: $n}' >"$T/groups.json"
	jq -n --argjson n "$bindings" '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", cluster: {groupPrefix: "oidc:"},
		sources: {main: {file: {path: "groups.json"}}}, roles: {reader: {clusterRole: "view"}},
		grants: [range($n) | {group: "team-\(.)", role: "reader", namespaces: ["bench"], name: "team-\(.)"}]}' >"$T/policy.yaml"
}

lists() { # requests for lists that the API server has seen from us after the line $1 of its audit log
	tail -n "+$(($1 + 1))" "$CLUSTER/audit.log" | jq -r 'select((.userAgent // "" | startswith("usher")) and .verb == "list") | .requestURI'
}

ISSUER=https://127.0.0.1:1 CLIENT=none
authentication_config() { echo '{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": []}'; }
cluster_start
admin create namespace bench >/dev/null
policy
begin=$(date +%s%N)
status 0 "$bindings RoleBindings are made by apply" broker apply -f "$T/policy.yaml"
took=$((($(date +%s%N) - begin) / 1000000))
note "apply: $bindings in $took ms, $((bindings * 1000 / (took + 1))) a second"
is "$(admin get rolebinding -n bench -o name | wc -l)" "$bindings" 'and are there'

lines=$(wc -l <"$CLUSTER/audit.log")
status 0 'plan has nothing to do' broker plan -f "$T/policy.yaml"
lists "$lines" | sort >"$T/requests"
note "$(wc -l <"$T/requests") requests for lists"
grep -v 'continue=' "$T/requests" | sed 's/?.*//' >"$T/lists"
is "$(uniq -d "$T/lists")" '' 'one list a kind'
like "$(cat "$T/lists")" rolebindings 'RoleBindings among them'

read -r wall rss code < <("$cost" "$runs" "$BROKER" plan -f "$T/policy.yaml" --kubeconfig "$ADMIN")
is "$code" 0 'measured runs end with 0 as well'
token=$(sed -n 's/.*token: "\(.*\)".*/\1/p' "$ADMIN")
printf 'header = "Authorization: Bearer %s"\nuser-agent = "usher/bench"\ncacert = "%s"\nsilent\n' "$token" "$CLUSTER/ca.crt" >"$T/curlrc"
chmod 600 "$T/curlrc"
while read -r uri; do printf 'url = "%s%s"\noutput = "/dev/null"\n' "$SERVER" "$uri" >>"$T/curlrc"; done <"$T/lists"
read -r down _ code < <("$cost" "$runs" curl -K "$T/curlrc")
is "$code" 0 'the download ends with 0'
note "plan with nothing to do, $bindings RoleBindings: $wall ms, $rss KiB; the lists alone: $down ms; ratio $(awk "BEGIN { printf \"%.2f\", $wall / $down }")"
ok "resident memory of plan is at most 64 MiB ($rss KiB)" test "$rss" -le "$most_kib"
done_testing
