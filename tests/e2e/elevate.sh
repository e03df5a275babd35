#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Roles for a time, and break-glass, on a real API server: who may what is asked of the server itself. BE39, BE40, BE41, BM06,
# BM16, BF13, and of T60 what keeps people out.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
have openssl || skip_all 'no openssl on this machine'
cluster_start

policy() { # SEALED [MAX]
	cat >"$T/policy.yaml" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", userPrefix: "oidc:"}
	sources: {main: {file: {path: groups.json}}}
	limits: {remove: {bindings: 100, people: 100%}, vanishedGroup: {runs: 2, age: 0s}}
	roles: {view: {clusterRole: view}, admin: {clusterRole: admin}}
	grants:
	- {group: dev, role: view, namespaces: [prod], name: dev-view}
	elevation:
	  ticket: true
	  kyverno: true
	  allow:
	  - {roles: [admin], namespaces: ["pro*"], max: 4h}
	breakGlassKey: seal.pub
	breakGlass:
	  fire: {groups: ["oidc:oncall"], serviceAccounts: [ops/fire], role: admin, namespaces: [prod], max: ${2:-2h}, owner: platform, until: 2100-01-01$1}
	EOF
}
groups() { printf '{"groups":[{"id":"1","name":"dev","members":["dora"]},{"id":"2","name":"ops","members":["olga"]}],"count":2}' >"$T/groups.json"; }
P=(-f "$T/policy.yaml")
may() { admin auth can-i delete deployments -n prod "$@" >/dev/null 2>&1; }
may_not() { ! may "$@"; }
elevated() { admin get rolebindings -n prod -l usher.dev/elevation -o name | wc -l; }
key_of() { sed -n 's/^\([0-9a-f]\{8\}\): .*/\1/p' "$OUT" | head -1; }
for name in prod ops test; do admin create namespace "$name" >/dev/null; done
openssl genpkey -algorithm ed25519 -out "$T/seal.key" 2>/dev/null
openssl pkey -in "$T/seal.key" -pubout -out "$T/seal.pub"
chmod 600 "$T/seal.key"
chmod 644 "$T/seal.pub"
groups
policy ''
status 0 'the policy is carried out' broker apply "${P[@]}"

# ---- what may not be ----
give() { broker elevate "${P[@]}" --reason 'the queue is stuck' "$@"; }
status 5 'not without a ticket' give user bob --role admin -n prod --for 1h
like "$(cat "$ERR")" 'wants a ticket' 'and says so'
status 5 'not for longer than the policy says' give user bob --role admin -n prod --for 5h --ticket T-1
like "$(cat "$ERR")" 'for 4h at most' 'and says how long'
status 2 'not a role that there is not' give user bob --role admn -n prod --for 1h --ticket T-1
like "$(cat "$ERR")" 'the policy has no role admn; did you mean admin\?' 'and says which there is'
status 5 'not another role' give user bob --role view -n prod --for 1h --ticket T-1
status 5 'not in another namespace' give user bob --role admin -n test --for 1h --ticket T-1
status 5 'not to a person of Kubernetes' give user x --role admin -n default --for 1h --ticket T-1
status 2 'not without a reason' broker elevate "${P[@]}" user bob --role admin -n prod --for 1h --ticket T-1
status 2 'not to a group that no source has' give group nobody --role admin -n prod --for 1h --ticket T-1
is "$(elevated)" 0 'and nothing of it is in the cluster'
is "$(admin get configmap usher-broker-ledger --ignore-not-found)" '' 'nor in the ledger'

# ---- a person, a group ----
ok 'bob may not' may_not --as=oidc:bob
status 0 'bob is given a role for an hour' give user bob --role admin -n prod --for 1h --ticket T-1 --audit-log "$T/audit.log"
bob=$(key_of)
like "$(cat "$OUT")" "$bob: oidc:bob has role admin in namespace prod until .*RoleBinding usher-elevated-$bob.*proof" 'and it says until when, and that it works'
like "$(cat "$ERR")" 'tokens .*ServiceAccounts' 'and what does not end with it'
ok 'bob may' may --as=oidc:bob
is "$(admin get rolebinding -n prod "usher-elevated-$bob" -o json | jq -r '(.metadata.labels["cleanup.kyverno.io/ttl"] | test("^20[0-9-]{8}T[0-9]{6}Z$")),
	((.metadata.annotations["usher.dev/expires-at"] | gsub(":"; "")) == .metadata.labels["cleanup.kyverno.io/ttl"])' | paste -sd' ')" 'true true' \
	'where Kyverno runs, it may end it, too, at that moment'
is "$(jq -r 'select(.event == "grant.elevated") | "\(.key) \(.reason) \(.ticket)"' "$T/audit.log")" "$bob the queue is stuck T-1" 'the audit log has it'
status 0 'a group is found in the source' give group ops --role admin -n prod --for 2h --ticket T-2
ops=$(key_of)
ok 'and may' may --as=x --as-group=oidc:ops
status 0 'both are listed' broker elevations "${P[@]}" -o json
is "$(jq -r '.[] | "\(.subject) \(.role) \(.namespace) \(.ticket) \(.state) \(.reason)"' "$OUT" | sort | paste -sd,)" \
	'oidc:bob admin prod T-1 holds the queue is stuck,oidc:ops admin prod T-2 holds the queue is stuck' 'with who, what, where, why'
is "$(jq -c '[.[] | has("reviewed")] | unique' "$OUT")" '[false]' 'what is no break-glass waits for no review, and had none'
ok 'times are as Kubernetes has them' jq -e 'all(.[]; (.until | fromdate) - (.since | fromdate) | . == 3600 or . == 7200)' "$OUT"
is "$(jq -r '.[0].by' "$OUT")" "$(admin auth whoami -o jsonpath='{.status.userInfo.username}')" 'and by whom'
status 0 'in words, too' broker elevations "${P[@]}"
like "$(cat "$OUT")" "$bob  holds  oidc:bob  role admin in prod until" 'one line each'
status 0 'a run that has nothing to do keeps them' broker apply "${P[@]}"
is "$(elevated)" 2 'both'
status 0 'plan says what ends within a day' broker plan "${P[@]}"
like "$(cat "$OUT")" 'ends [0-9-]+ [0-9:]+ UTC .admin for oidc:bob' 'BM06: a reminder'

status 0 'a name is taken with the prefix, too' give user oidc:bob --role admin -n prod --for 1h --ticket T-1
like "$(cat "$OUT")" ': oidc:bob has role admin' 'and does not get a second one, which is nobody'
status 0 'that one is ended' broker elevate "${P[@]}" --end "$(key_of)"

# ---- who is meant: what the sources call people ----
elevated_now=$(elevated)
printf '{"groups":[{"id":"1","name":"dev","members":["dora","carol@example.test"]},{"id":"2","name":"ops","members":["olga"]}],"count":2}' >"$T/groups.json"
for name in carol oidc:carol Carol@example.test; do
	status 2 "nobody is given anything as $name" give user "$name" --role admin -n prod --for 1h --ticket T-1
	like "$(cat "$ERR")" "no source calls anybody ${name#oidc:}: source main calls them carol@example.test. Say it so; .*--anyway" 'and it is said how the source calls them'
	one_line "$ERR" 'in one line'
done
is "$(elevated)" "$elevated_now" 'nothing of it is in the cluster'
status 0 'as the source has it' give user carol@example.test --role admin -n prod --for 1h --ticket T-1
like "$(cat "$OUT")" '; proof: the access review says so' 'it is proved'
status 0 'and ended' broker elevate "${P[@]}" --end "$(key_of)"
status 0 'whom no source knows is given what was asked for' give user doro --role admin -n prod --for 1h --ticket T-1
like "$(cat "$OUT")" 'no proof that this is anybody: no source knows a person doro \(did you mean dora\?\)' 'and is not told as proved'
status 0 'and ended' broker elevate "${P[@]}" --end "$(key_of)"
mv "$T/groups.json" "$T/away.json"
status 0 'with the provider down a name is taken as it is' give user carol --role admin -n prod --for 1h --ticket T-1
like "$(cat "$OUT")" 'no proof that this is anybody: whether a source knows carol could not be asked: .*groups.json' 'and it is said that nobody could be asked'
status 0 'and ended' broker elevate "${P[@]}" --end "$(key_of)"
mv "$T/away.json" "$T/groups.json"
status 0 'who knows better says so' give user carol --anyway --role admin -n prod --for 1h --ticket T-1
like "$(cat "$OUT")" 'oidc:carol has role .*no proof that this is anybody: no source was asked \(--anyway\)' 'and is told that nobody was asked'
status 0 'and ended' broker elevate "${P[@]}" --end "$(key_of)"
groups

# ---- the end ----
status 0 'one is ended early' broker elevate "${P[@]}" --end "$ops"
ok 'and the group may no more' wait_for 120 may_not --as=x --as-group=oidc:ops
status 2 'twice is once too often' broker elevate "${P[@]}" --end "$ops"
status 0 'a short one' give user eve --role admin -n prod --for 3s --ticket T-3
eve=$(key_of)
admin annotate --overwrite rolebinding -n prod "usher-elevated-$eve" usher.dev/expires-at=2099-01-01T00:00:00Z >/dev/null
is_over() { broker elevations "${P[@]}" -o json | jq -e --arg key "$eve" '.[] | select(.key == $key) | .state == "over"' >/dev/null; }
ok 'its time passes' wait_for 120 is_over
status 1 'plan shows that it goes' broker plan "${P[@]}"
like "$(cat "$OUT")" "usher-elevated-$eve.*over since .*admin for oidc:eve" 'with who, why and since when'
status 0 'apply takes it away' broker apply "${P[@]}" --audit-log "$T/audit.log"
ok 'whatever somebody wrote into it' wait_for 120 may_not --as=oidc:eve
is "$(elevated)" 1 'and only that one'
is "$(broker elevations "${P[@]}" -o json | jq -r '[.[].subject] | join(" ")')" oidc:bob 'the ledger forgot it'
status 0 'the next run has nothing to do' broker plan "${P[@]}"

# ---- who may write bindings writes into their own ----
status 0 'a short one again' give user eve --role admin -n prod --for 3s --ticket T-4
eve=$(key_of)
admin label rolebinding -n prod "usher-elevated-$eve" usher.dev/elevation- app.kubernetes.io/managed-by- >/dev/null
ok 'whose time passes, too' wait_for 120 is_over
status 0 'apply knows it without our marks' broker apply "${P[@]}"
ok 'and takes it away' wait_for 120 may_not --as=oidc:eve
is "$(admin get rolebinding -n prod "usher-elevated-$eve" --ignore-not-found)" '' 'altogether'

# ---- forged ----
admin create rolebinding forged -n prod --clusterrole=admin --user=oidc:mallory >/dev/null
admin label rolebinding forged -n prod app.kubernetes.io/managed-by=usher-broker usher.dev/elevation=deadbeef >/dev/null
status 0 'one that the ledger never had' broker apply "${P[@]}"
is "$(elevated)" 1 'is taken away'
admin delete rolebinding -n prod "usher-elevated-$bob" >/dev/null
status 0 'one that somebody deleted' broker apply "${P[@]}"
is "$(elevated)" 0 'is not made anew'
like "$(cat "$ERR")" "not made anew; usher-broker elevate -f $T/policy.yaml --kubeconfig $ADMIN --end $bob" 'but told'
status 0 'and can be ended' broker elevate "${P[@]}" --end "$bob"

# ---- break-glass, with the provider down ----
glass() { broker break-glass fire "${P[@]}" -n prod --for 1h --reason 'prod is down' --ticket INC-1 "$@"; }
status 5 'a grant that nobody sealed is none' glass
status 0 'who has the key seals it' "$BROKER" seal fire --key "$T/seal.key" "${P[@]}"
sealed=$(sed -n 's/^sealed: //p' "$OUT")
policy ", sealed: $sealed" 3h
status 5 'BM16: what was changed since is refused' glass
like "$(cat "$ERR")" 'was changed since it was sealed' 'and says so'
policy ", sealed: $sealed"
mv "$T/groups.json" "$T/away.json"
if [ "$(id -u)" = 0 ]; then
	chown nobody "$T/seal.pub"
	status 5 'a key that is not of root vouches for nothing' glass
	chown root "$T/seal.pub"
	status 0 'the provider is down, and the glass breaks' glass --audit-log "$T/audit.log"
	like "$(cat "$ERR")" 'tokens .*ServiceAccounts.*Sooner, by its key: usher-broker elevate --end [0-9a-f]{8} -f' 'what does not end with it is said, too'
	like "$(cat "$ERR")" 'BREAK-GLASS fire: oidc:oncall has role admin in namespace prod until .* taken by .*prod is down; ticket INC-1' 'loudly'
	glass_key=$(key_of)
	ok 'the group may' may --as=x --as-group=oidc:oncall
	ok 'and the ServiceAccount' may --as=system:serviceaccount:ops:fire
	is "$(admin get events -n prod -o json | jq -r '[.items[] | select(.reason == "BreakGlassTaken") | .type] | unique | join(" ")')" Warning 'the namespace has a warning'
	is "$(jq -r 'select(.event == "grant.break-glass") | .seal' "$T/audit.log" | sort -u)" fire 'the audit log has it'
	status 5 'not without a ticket, whatever the policy says' broker break-glass fire "${P[@]}" -n prod --for 1h --reason x
	like "$(cat "$ERR")" 'a break-glass wants a ticket' 'and says so'
	status 2 'not without a reason' broker break-glass fire "${P[@]}" -n prod --for 1h
	status 5 'not for longer than the seal says' glass --for 3h
	mv "$T/away.json" "$T/groups.json"
	status 0 'a run keeps it' broker apply "${P[@]}"
	like "$(cat "$ERR")" "break-glass fire, taken .*waits for a review .*usher-broker review -f $T/policy.yaml --kubeconfig $ADMIN $glass_key --reason TEXT" 'and asks for a review'
	status 0 'it ends early' broker elevate "${P[@]}" --end "$glass_key"
	ok 'and the group may no more' wait_for 120 may_not --as=x --as-group=oidc:oncall
	is "$(broker elevations "${P[@]}" -o json | jq -r --arg key "$glass_key" '.[] | select(.key == $key) | "\(.state) \(.reviewed)"')" 'ended false' 'but is listed until it was reviewed'
	status 0 'somebody looks at it' broker review "$glass_key" "${P[@]}" --reason 'was needed'
	is "$(broker elevations "${P[@]}" -o json | jq --arg key "$glass_key" '[.[] | select(.key == $key)] | length')" 0 'and that is that'
	status 2 'once' broker review "$glass_key" "${P[@]}" --reason 'was needed'
else
	mv "$T/away.json" "$T/groups.json"
fi

# ---- out, and back in ----
ok 'dora may look' admin auth can-i list pods -n prod --as=x --as-group=oidc:dev
status 0 'ops is given a role' give group ops --role admin -n prod --for 1h --ticket T-4
broker offboard group ops "${P[@]}" --reason 'team is gone' --ticket T-5 >"$T/offboard.txt" 2>&1
broker offboard group dev "${P[@]}" --reason 'team is gone' --ticket T-5 >>"$T/offboard.txt" 2>&1
is "$(admin get configmap usher-broker-ledger -o jsonpath='{.data.ledger}' | jq '[.entries[] | select(.kind == "group")] | length')" 2 'T60: two groups are put out'
status 0 'T60: the source has them still, and the sync' broker apply "${P[@]}"
is "$(admin get rolebinding -n prod dev-view --ignore-not-found)" '' 'T60: makes no binding for them'
ok 'what ops had for a time is over, too' wait_for 120 may_not --as=x --as-group=oidc:ops
status 5 'and nothing new is given' give group ops --role admin -n prod --for 1h --ticket T-6
status 0 'plan says why' broker plan "${P[@]}"
like "$(cat "$OUT")" "/?dev is denied since .*team is gone; usher-broker readmit -f $T/policy.yaml --kubeconfig $ADMIN --key [0-9a-f]{8} --reason TEXT" 'in the words of who did it'
status 2 'who is not denied cannot be readmitted' broker readmit group other "${P[@]}" --reason back
status 0 'dev comes back' broker readmit group dev "${P[@]}" --reason 'they came back'
status 0 'and the next run' broker apply "${P[@]}"
ok 'gives back what the policy grants' wait_for 120 admin auth can-i list pods -n prod --as=x --as-group=oidc:dev

# ---- one of a seal is put out: the others are let in ----
if [ "$(id -u)" = 0 ]; then
	broker offboard group oncall "${P[@]}" --reason x --ticket T-6 --anyway >"$T/offboard.txt" 2>&1
	status 10 'a break-glass of which one is denied' glass
	like "$(cat "$OUT")" 'system:serviceaccount:ops:fire; ' 'goes to the others'
	like "$(cat "$ERR")" 'oncall is denied since .*1 of those in the seal fire got nothing' 'and says who got nothing'
	ok 'the ServiceAccount may' may --as=system:serviceaccount:ops:fire
	ok 'the group may not' may_not --as=x --as-group=oidc:oncall
	status 0 'it is ended' broker elevate --end "$(key_of)" "${P[@]}"
	broker readmit group oncall "${P[@]}" --reason x >/dev/null
fi

# ---- put out and let in again: what was given for a time is over ----
status 0 'a person is given a role' give user bob --role admin -n prod --for 2h --ticket T-7
again=$(key_of)
broker offboard user BOB "${P[@]}" --reason 'a mistake' --ticket T-8 --anyway >"$T/offboard.txt" 2>&1
is "$(admin get rolebinding -n prod "usher-elevated-$again" --ignore-not-found)" '' 'who is put out loses it'
status 5 'and gets no other' give user bob --role admin -n prod --for 1h --ticket T-9
like "$(cat "$ERR")" 'BOB is denied since .*readmit -f .*policy.yaml --kubeconfig .* --key [0-9a-f]{8} --reason TEXT$' 'which says the way back by the key: a name may hold what a shell runs'
status 0 'who is let in again' broker readmit user bob "${P[@]}" --reason 'a mistake'
like "$(cat "$OUT")" '1 role for a time ended with the offboarding' 'is told that it is over'
is "$(broker elevations "${P[@]}" -o json | jq -r --arg key "$again" '.[] | select(.key == $key) | .state')" over 'and nobody says that it holds'
status 0 'the next run' broker apply "${P[@]}"
is "$(broker elevations "${P[@]}" -o json | jq --arg key "$again" '[.[] | select(.key == $key)] | length')" 0 'forgets it'
ok 'bob may not' may_not --as=oidc:bob
done_testing
