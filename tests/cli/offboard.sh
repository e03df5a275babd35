#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What offboard says to who calls it wrongly, and when no cluster is there.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"

jq -n '{groups: [{name: "team", id: "1", members: ["carol", "dave"]}], count: 1}' >"$T/groups.json"
cat >"$T/policy.yaml" <<EOF
apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:"}
sources: {main: {file: {path: groups.json}}}
roles: {edit: {clusterRole: edit}}
grants: [{group: team, role: edit, namespaces: [a]}]
EOF
cat >"$T/kubeconfig" <<EOF
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: not-a-secret}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
EOF
chmod 600 "$T/kubeconfig"
offboard() { "$BROKER" offboard "$@" -f "$T/policy.yaml" --kubeconfig "$T/kubeconfig"; }

refused() { # STATUS TEXT NAME ARGUMENT...
	status "$1" "$3" offboard "${@:4}"
	one_line "$ERR" "$3: one line"
	like "$(cat "$ERR")" "$2" "$3: it says so"
	is "$(cat "$OUT")" '' "$3: and nothing else"
}

refused 2 'did you mean user' 'a kind that there is not' usr carol --reason x
refused 2 'one group at a time' 'two groups' group a b --reason x
refused 2 'for what reason' 'no reason' user carol
refused 2 'for what reason' 'an empty reason' user carol --reason ''
refused 2 'for what reason' 'a reason of blanks' user carol --reason '  '
refused 2 'whom\? The name is empty' 'an empty name' user '' --reason x
refused 2 'control or invisible' 'a name with an escape' user $'car\033ol' --reason x
refused 2 'too long' 'a name that is none' user "$(printf '%2000s' '' | tr ' ' a)" --reason x
refused 2 'at most' 'a reason without end' user carol --reason "$(printf '%2000s' '' | tr ' ' a)"
refused 2 'control or invisible' 'a reason of two lines' user carol --reason $'one\ntwo'
refused 2 'control or invisible' 'a ticket that is no text' user carol --reason x --ticket $'\377'
refused 2 'namespace|lower|label|A-Z|must|holds|character' 'a namespace that cannot be' namespace Not_A_Name --reason x
refused 2 'whose other name' '--also with two people' user carol dave --also c --reason x
refused 5 "Kubernetes' own" 'a user of Kubernetes itself' user system:admin --reason x
refused 5 "Kubernetes' own" 'in any case' user System:Admin --reason x
refused 5 "Kubernetes' own" 'a group of Kubernetes itself' group system:masters --reason x
refused 5 "Kubernetes' own" 'as another name' user carol --also system:admin --reason x
status 2 'a policy is needed' "$BROKER" offboard user carol --reason x

refused 2 'ends nobody.s sessions.*--dry-run' 'a recording is only looked at' user carol --reason x --replay "$T/recorded"
refused 2 'together' 'to record and to replay' user carol --reason x --replay "$T/a" --record "$T/b" --dry-run
mkdir "$T/folder"
refused 8 'Nothing was done' 'a log that is none' user carol --reason x --audit-log "$T/folder"
printf 'broken\n' >"$T/broken.log"
chmod 600 "$T/broken.log"
refused 8 'audit log|broken.log' 'a log whose end is broken' user carol --reason x --audit-log "$T/broken.log"

status 6 'a run is recorded' offboard user carol --reason x --record "$T/recorded"
ok 'whole' test -s "$T/recorded/exchanges.jsonl"
status 6 'no API server: that is the status' offboard user carol --reason x
like "$(cat "$OUT")" 'left +not kept out of later runs, so .*Run again: usher-broker offboard user carol -f .*/policy.yaml --reason x --kubeconfig' 'and the command to run again is told'
status 6 'a namespace likewise' "$BROKER" offboard namespace payments -f "$T/policy.yaml" --reason x --kubeconfig "$T/kubeconfig" -o json
is "$(jq -r '.complete, .left' "$OUT" | tr '\n' ' ')" 'false 2 ' 'of which nobody may think that it is done'
like "$(jq -r '.lines[].text' "$OUT")" 'not kept out of later runs.*nothing in payments was looked at, and nothing taken away: ' 'and what was not done is said'
status 6 'the same in JSON' offboard user carol --reason "it's" -o json
is "$(jq -r '.subject.name, .complete, (.lines[] | select(.kind == "ledger") | .todo)' "$OUT" | tr '\n' ' ')" 'carol false true ' 'which is whole'
like "$(jq -r '.lines[] | select(.kind == "ledger") | .command' "$OUT")" "--reason 'it'\\\\''s'" 'a quote in the reason is quoted'
command=$(jq -r '.lines[] | select(.kind == "ledger") | .command' "$OUT")
status 6 'pasted, it is the same run' env PATH="$USHER_BUILD:$PATH" bash -c "$command"
is "$(cat "$ERR" | wc -l)" 1 'with one line of what went wrong'
status 2 'no kubeconfig' "$BROKER" offboard user carol --reason x -f "$T/policy.yaml" --kubeconfig "$T/none" -o markdown
like "$(cat "$OUT")" '- \[ \] \*\*left\*\* no cluster was reached' 'what could be done without a cluster is told'
status 6 'two people without a cluster' offboard user carol dave --reason x -o json
is "$(jq -r '[.[].subject.name] | join(" ")' "$OUT")" 'carol dave' 'each has a report'
like "$(cat "$ERR")" '2 of 2 people' 'and the error is theirs together'
done_testing
