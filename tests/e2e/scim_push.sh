#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# BM12, BE52: what a provider pushes is what the next plan has, on a real API server, and obeys the same brakes.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
. "$USHER_SRC/tests/support/scim_push.sh"
people=30

user() { # NAME: pushed; its id
	scim POST /Users "{\"userName\":\"$1\",\"active\":true}"
	at .id
}

policy() {
	cat >"$T/policy.yaml" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	metadata: {name: pushed}
	cluster: {groupPrefix: "oidc:", groupName: leaf}
	sources: {pushed: {file: {path: $T/store/groups.json}}}
	roles: {viewer: {clusterRole: view}}
	grants:
	- {groupPattern: "/team-*", role: viewer, namespaces: [apps]}
	limits: {remove: {bindings: 2, people: 20%}, vanishedGroup: {runs: 1, age: 1s}}
	EOF
}
bound() { admin get rolebindings -n apps -o json | jq -r '[.items[].subjects[].name] | sort | join(" ")'; }
settled() { becomes '[.count, ([.groups[].members | length] | add)]' "$1"; } # WANT
member() { # OP GROUP USER
	scim PATCH "/Groups/$2" "$(operations "{\"op\":\"$1\",\"path\":\"members\",\"value\":[{\"value\":\"$3\"}]}")"
}

cluster_start
admin create namespace apps >/dev/null
policy
start

status 3 'an empty store is incomplete: nothing is planned from it' broker apply -f "$T/policy.yaml"
like "$(cat "$ERR")" 'no group was ever pushed' 'and says why'
is "$(broker_writes rolebindings)" 0 'nothing is written'

# ---- push, and the next run has it ----
ids=()
for i in $(seq "$people"); do ids+=("$(user "person-$i@example.com")"); done
groups=()
for i in 1 2 3 4 5; do
	scim POST /Groups "{\"displayName\":\"team-$i\",\"members\":[$(printf '{"value":"%s"},' "${ids[@]:$(((i - 1) * 6)):6}" | sed 's/,$//')]}"
	groups+=("$(at .id)")
done
settled '[5,30]'
status 3 'a first provisioning that nobody said is finished is incomplete' broker plan -f "$T/policy.yaml"
status 0 'somebody says it' "$BROKER" serve-scim --provisioned --store "$T/store"
ok 'and it is' becomes 'has("incomplete")' false
status 1 'BM12 what was pushed is in the next plan' broker plan -f "$T/policy.yaml"
like "$(cat "$OUT")" 'team-3' 'by name'
status 0 'and is applied' broker apply -f "$T/policy.yaml"
is "$(bound)" 'oidc:team-1 oidc:team-2 oidc:team-3 oidc:team-4 oidc:team-5' 'BM12 the groups that were pushed are bound'
status 0 'then there is nothing to do' broker plan -f "$T/policy.yaml"

# ---- one change ----
scim POST /Groups '{"displayName":"team-6","members":[{"value":"'"${ids[0]}"'"}]}'
sixth=$(at .id)
settled '[6,31]'
status 0 'one more group, one more run' broker apply -f "$T/policy.yaml"
like "$(bound)" 'oidc:team-6' 'it is bound'
scim DELETE "/Groups/$sixth"
settled '[5,30]'
apply_until_gone() { broker apply -f "$T/policy.yaml" >/dev/null 2>&1; ! bound | grep team-6 >/dev/null; }
ok 'a group that is deleted goes after the runs and the time that the policy says' wait_for 120 apply_until_gone

# ---- mass removal ----
for id in "${groups[@]}"; do scim DELETE "/Groups/$id"; done
ok 'everything is deleted at once' becomes '[.count, has("incomplete")]' '[0,false]'
status 3 'BM12 an emptied store stops the run' broker apply -f "$T/policy.yaml"
is "$(bound)" 'oidc:team-1 oidc:team-2 oidc:team-3 oidc:team-4 oidc:team-5' 'and takes nothing away'
again=()
for i in 1 2; do
	scim POST /Groups "{\"displayName\":\"team-$i\",\"members\":[$(printf '{"value":"%s"},' "${ids[@]:$(((i - 1) * 6)):6}" | sed 's/,$//')]}"
	again+=("$(at .id)")
done
settled '[2,12]'
braked() { broker apply -f "$T/policy.yaml" >"$OUT" 2>"$ERR"; [ $? = 5 ]; }
ok 'BM12 most groups gone: the brake stops it with status 5' wait_for 120 braked
is "$(bound)" 'oidc:team-1 oidc:team-2 oidc:team-3 oidc:team-4 oidc:team-5' 'and nobody lost anything'

# ---- the server ends: what it wrote stays ----
stop KILL
before=$(bound)
broker plan -f "$T/policy.yaml" >"$OUT" 2>"$ERR"
unlike "$(cat "$ERR")" 'incomplete' 'with the server gone the last state is still read'
is "$(bound)" "$before" 'and stays'
start
member remove "${again[0]}" "${ids[0]}"
is "$CODE" 204 'a server that was killed goes on'
ok 'where it was' settled '[2,11]'
done_testing
