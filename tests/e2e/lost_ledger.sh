#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Somebody deletes the ledger, on a real API server: nobody who was offboarded comes back by that, and who is offboarded
# afterwards is out all the same. T60.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
cluster_start

cat >"$T/policy.yaml" <<EOF
apiVersion: usher.dev/v1
kind: AccessPolicy
layout: users
cluster: {groupPrefix: "oidc:", userPrefix: "oidc:"}
sources: {main: {file: {path: groups.json}}}
limits: {remove: {bindings: 100, people: 100%}}
roles: {editor: {clusterRole: edit}}
grants: [{group: team, role: editor, namespaces: [payments]}]
elevation: {allow: [{roles: [editor], namespaces: ["pay*"], max: 4h}]}
templates: {bare: {}}
EOF
groups() { jq -n '{groups: [{name: "team", id: "1", members: $ARGS.positional}], count: 1}' --args "$@" >"$T/groups.json"; }
groups carol dave erin
for name in payments idle; do admin create namespace "$name" >/dev/null; done

P=(-f "$T/policy.yaml") AS_HINTED="kubectl --kubeconfig $ADMIN annotate configmap -n default usher-broker-state usher.dev/ledger-"
offboard() { broker offboard user "$1" "${P[@]}" --reason 'left the company'; }
team() { admin get rolebinding -n payments -l '!usher.dev/elevation' -o json | jq -r '[.items[].subjects[]?.name] | sort | join(" ")'; }
denied() { admin get configmap usher-broker-ledger -o json | jq -r '.data.ledger | fromjson | [.entries[] | select(.kind == "user").name] | sort | join(" ")'; }
elevated() { admin get rolebindings -n payments -l usher.dev/elevation -o name | wc -l; }
noted() { admin get configmap usher-broker-state -o json | jq -r '.metadata.annotations["usher.dev/ledger"] // "none"'; }
uid() { admin get configmap usher-broker-ledger -o jsonpath='{.metadata.uid}'; }
lose() { admin delete configmap usher-broker-ledger >/dev/null; }
hinted() { sed -n 's/.*; then: \(kubectl .*\)/\1/p' "$ERR"; }
kubectl_as_said() { KUBECONFIG=${2:-/dev/null} bash -c "$1"; } # COMMAND [KUBECONFIG]

# ---- noted ----

status 0 'the policy is applied' broker apply "${P[@]}"
is "$(noted)" none 'there is no ledger, and nothing is noted'
offboard carol >"$T/out" 2>&1
is "$(team)" 'oidc:dave oidc:erin' 'carol is out'
is "$(noted)" "$(uid)" 'who offboards notes at once that there is a ledger'
status 0 'apply' broker apply "${P[@]}"
before=$(broker_writes)
status 0 'and again' broker apply "${P[@]}"
is "$(broker_writes)" "$before" 'which writes nothing'
admin annotate configmap usher-broker-state usher.dev/ledger- >/dev/null
before=$(broker_writes configmaps)
status 1 'where nothing is noted yet plan says that it is to be' broker plan "${P[@]}"
like "$(cat "$OUT")" 'the ledger to note' 'in words'
status 0 'apply' broker apply "${P[@]}"
like "$(cat "$OUT")" '^the ledger: noted$' 'does it'
is "$(broker_writes configmaps)" $((before + 1)) 'in one write of the state'
is "$(noted)" "$(uid)" 'and the note says which one'

# ---- gone ----

admin get configmap usher-broker-ledger -o json | jq 'del(.metadata.uid, .metadata.resourceVersion)' >"$T/copy.json"
status 0 'erin has a role for a time' broker elevate user erin "${P[@]}" --role editor -n payments --for 1h --reason 'the queue is stuck'
key=$(admin get rolebindings -n payments -l usher.dev/elevation -o jsonpath='{.items[0].metadata.labels.usher\.dev/elevation}')
groups carol dave erin fay
status 1 'a plan is made' broker plan "${P[@]}" --out "$T/plan.json"
lose
before=$(broker_writes)
status 3 'T60 the ledger is deleted, and plan stops' broker plan "${P[@]}"
one_line "$ERR" 'in one line'
like "$(cat "$ERR")" '^usher-broker: the ledger is gone \(ConfigMap default/usher-broker-ledger\): whoever was offboarded would get back what they had, so no run goes on\.' \
	'which says what it is'
like "$(cat "$ERR")" "then: $AS_HINTED\$" 'and how to go on'
status 3 'T60 the plan of before stops' broker apply --plan "$T/plan.json"
status 3 'T60 without sources, too' broker apply --plan "$T/plan.json" --no-sources
status 3 'onboard stops' broker onboard namespace idle "${P[@]}"
status 3 'explain says nothing that is not so' broker explain payments "${P[@]}" --live
status 3 'nothing is given for a time' broker elevate user dave "${P[@]}" --role editor -n payments --for 1h --reason x
status 3 'elevations does not say that nobody has any' broker elevations "${P[@]}"
is "$(cat "$OUT")" '' 'by no word'
status 3 'readmit does not say that carol is not denied' broker readmit user carol "${P[@]}" --reason x
status 3 'elevate --end says how' broker elevate --end "$key" "${P[@]}"
like "$(cat "$ERR")" "kubectl --kubeconfig $ADMIN delete rolebinding -A -l usher.dev/elevation=$key\$" 'with a command'
is "$(broker_writes)" "$before" 'and for all of that nothing was written'
is "$(elevated)" 1 'erin has her role still'
status 3 'T60 apply stops' broker apply "${P[@]}" --metrics "$T/metrics"
is "$(team)" 'oidc:dave oidc:erin' 'T60 carol is not back, nor is fay in'
is "$(elevated)" 0 'but what was given for a time has ended: nothing says until when it would hold'
like "$(cat "$T/metrics")" 'usher_broker_stopped\{.*reason="incomplete".*\} 1' 'the metrics say that it stopped'

# ---- made anew ----

status 10 'T60 dave is offboarded all the same' offboard dave
like "$(cat "$OUT")" 'left +the ledger is another one than it was' 'and it is told that the old entries are not in it'
is "$(team) $(denied)" 'oidc:erin dave' 'T60 dave is out, and the new ledger says so'
status 3 'T60 apply still stops' broker apply "${P[@]}"
like "$(cat "$ERR")" 'the ledger is another one than it was' 'for another reason'
is "$(team)" 'oidc:erin' 'and nobody is back'
status 10 'carol is offboarded again, as the hint says' offboard carol
status 3 'until somebody says that it is whole' broker apply "${P[@]}"
status 0 'which the command does that was told' kubectl_as_said "$(hinted)"
status 0 'then apply goes on' broker apply "${P[@]}"
is "$(team)" 'oidc:erin oidc:fay' 'T60 with those who were offboarded out'
is "$(noted)" "$(uid)" 'and notes this one'

# ---- from a copy ----

lose
admin create -f "$T/copy.json" >/dev/null
status 3 'a copy is another one, too' broker apply "${P[@]}"
status 0 'somebody says that it is whole' kubectl_as_said "$(hinted)"
status 0 'then apply goes on' broker apply "${P[@]}"
is "$(team)" 'oidc:dave oidc:erin oidc:fay' 'with what the copy says: it is older than when dave left, and only a person could know'

# ---- both from a copy ----

both() { admin get configmaps usher-broker-state usher-broker-ledger -o json | jq 'del(.items[].metadata | .uid, .resourceVersion, .creationTimestamp)'; }
lose_both() { admin delete configmap usher-broker-state usher-broker-ledger >/dev/null; }
both >"$T/both.json"
offboard fay >"$T/out" 2>&1
is "$(team)" 'oidc:dave oidc:erin' 'fay is out, after the copy of both was made'
lose_both
admin create -f "$T/both.json" >/dev/null
before=$(broker_writes)
status 3 'T60 where both were put back from a copy, the ledger is not the one that the state notes' broker apply "${P[@]}"
like "$(cat "$ERR")" "the ledger is another one than it was.*; then: $AS_HINTED\$" 'which is said with the way out'
is "$(broker_writes)" "$before" 'and nobody is let in'
offboard fay >"$T/out" 2>&1
status 3 'fay is offboarded again, which does not yet say that it is whole' broker apply "${P[@]}"
status 0 'somebody does' kubectl_as_said "$(hinted)"
status 0 'then apply goes on' broker apply "${P[@]}"
is "$(team)" 'oidc:dave oidc:erin' 'and fay is not back'
lose_both
status 1 'a plan is made' broker plan "${P[@]}"
like "$(cat "$OUT")" 'if anybody was offboarded they are let in again, for there is no ledger either' 'where the state is gone, too, a plan says so'

# ---- kept from being deleted ----

kept() { ! admin delete configmap "$1" --dry-run=server; } # NAME
refused() { # WHAT WORDS COMMAND...
	run "${@:3}"
	ok "$1" test "$STATUS" != 0
	like "$(cat "$ERR")" "$2" "$1: and is told why"
}
offboard carol >"$T/out" 2>&1
status 0 'apply' broker apply "${P[@]}"
admin create namespace usher-system >/dev/null
ok 'with deploy/protection' admin apply -k "$USHER_SRC/deploy/protection"
ok 'the server keeps the ledger' wait_for 120 kept usher-broker-ledger
is "$(admin get validatingadmissionpolicy usher-memory -o json | jq '.status.typeChecking.expressionWarnings // [] | length')" 0 'no expression is suspect'
said='kubectl annotate configmap -n default usher-broker-ledger usher.dev/may-be-deleted=true'
refused 'whoever clears away what bears our label is refused' "If deleting it is meant: $said" admin delete configmaps -l app.kubernetes.io/managed-by=usher-broker
is "$(admin get configmaps -l app.kubernetes.io/managed-by=usher-broker -o name | wc -l)" 2 'and both are there'
status 0 'apply goes on' broker apply "${P[@]}"
status 0 'after it was said' kubectl_as_said "$said" "$ADMIN"
ok 'it is deleted' admin delete configmap usher-broker-ledger
status 3 'which stops the next run' broker apply "${P[@]}"
done_testing
