#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Somebody leaves, on a real API server: first with groups from a file, then with Keycloak, where it is measured how long what
# was issued before is still believed. People sign in by e-mail, and the API server calls them "oidc:E-MAIL".
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster keycloak

carol=carol@example.test life=40

role() { # NAME POST|DELETE: a role of realm-management for the broker's service account
	local account=00000000-0000-4000-8000-000000000205 management # as realm.json says
	management=$(manage GET '/clients?clientId=realm-management' | jq -r '.[0].id')
	manage "$2" "/users/$account/role-mappings/clients/$management" "[$(manage GET "/clients/$management/roles/$1")]"
}

policy() { # LAYOUT SOURCE GRANT...
	local grant
	printf 'apiVersion: usher.dev/v1\nkind: AccessPolicy\nlayout: %s\ncluster: {groupPrefix: "oidc:", userPrefix: "oidc:", tokenLifetime: 10m}\n' "$1"
	printf 'sources: {main: {%s}}\nroles:\n  editor: {clusterRole: edit}\n  reader: {rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]}\n' "$2"
	printf 'limits: {remove: {bindings: 100, people: 100%%}}\ngrants:\n'
	for grant in "${@:3}"; do printf -- '- {%s}\n' "$grant"; done
}

offboard() { broker offboard "$@" --reason 'left the company' --ticket HR-1; }
lines() { jq -r --arg word "$1" '.lines[] | select(.word == $word) | .text' "$OUT"; } # WORD: of a report in JSON
subjects() { admin get rolebinding -n "$1" "$2" -o json | jq -r '[.subjects[]?.name] | sort | join(" ")'; } # NAMESPACE NAME
bound() { admin get rolebinding -A -o json | jq -r --arg who "$1" '[.items[] | select(any(.subjects[]?; .name | ascii_downcase | contains($who)))] | length'; }

keycloak_start
ISSUER=$KEYCLOAK/realms/usher CLIENT=kubernetes-fullpath # the one that takes a password
cluster_start

# ---- with groups from a file ----

jq -n '{groups: [{name: "team", id: "1", members: ["carol@example.test", "dave@example.test"]},
	{name: "solo", id: "2", members: ["carol@example.test"]}], count: 2}' >"$T/groups.json"
policy role "file: {path: $T/groups.json}" 'group: team, role: editor, namespaces: [payments]' 'group: solo, role: reader, namespaces: [ops]' >"$T/policy.yaml"
for name in payments ops; do admin create namespace "$name" >/dev/null; done
status 0 'the policy is applied' broker apply -f "$T/policy.yaml"
ours=$(admin get rolebinding -n payments -o jsonpath='{.items[0].metadata.name}')

{
	admin patch rolebinding -n payments "$ours" --type=json -p '[{"op": "add", "path": "/subjects/-", "value":
		{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "oidc:Carol@Example.Test"}}]'
	admin create rolebinding oncall -n ops --clusterrole=view --user="oidc:$carol" --user=oidc:dave@example.test
	for name in --all "it's \$(touch hurt)"; do
		admin create rolebinding new -n ops --clusterrole=view --user="oidc:$carol" --dry-run=client -o json | jq --arg name "$name" '.metadata.name = $name' | admin create -f -
	done
	admin create rolebinding helmed -n ops --clusterrole=view --user="$carol"
	admin annotate rolebinding helmed -n ops meta.helm.sh/release-name=ops
	admin create clusterrolebinding breakglass-carol --clusterrole=view --user="oidc:$carol"
	admin label clusterrolebinding breakglass-carol argocd.argoproj.io/instance=platform
	admin create serviceaccount ci -n payments
} >/dev/null
admin apply -f - >/dev/null <<EOF
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata: {name: ci-token, namespace: payments, annotations: {kubernetes.io/service-account.name: ci}}
EOF
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/c.key" -subj "/O=oidc:team/CN=oidc:$carol" -out "$T/c.csr" 2>/dev/null
openssl x509 -req -in "$T/c.csr" -signkey "$T/c.key" -days 30 -out "$T/c.crt" 2>/dev/null
jq -n --rawfile request "$T/c.csr" '{apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", metadata: {name: "carol"},
	spec: {request: ($request | @base64), signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"]}}' | admin create -f - >/dev/null
admin certificate approve carol >/dev/null
admin get csr carol -o json | jq --rawfile certificate "$T/c.crt" '.status.certificate = ($certificate | @base64)' |
	admin replace --raw /apis/certificates.k8s.io/v1/certificatesigningrequests/carol/status -f - >/dev/null

before=$(broker_writes)
status 10 'a dry run shows what would be left' offboard user "$carol" -f "$T/policy.yaml" --dry-run
is "$(broker_writes)" "$before" 'and writes nothing'
status 1 'nobody of a name is one line' offboard user carrol@example.test -f "$T/policy.yaml"
one_line "$ERR" 'just one'
like "$(cat "$ERR")" 'did you mean carol@example.test' 'with the name that was meant'
status 5 'names of Kubernetes itself are refused' offboard user system:admin -f "$T/policy.yaml"
status 5 'oneself is refused' offboard user admin -f "$T/policy.yaml"
is "$(broker_writes)" "$before" 'and for all of that nothing was written'

status 10 'BE46 S3 offboard user ends with 10: something is left for people' offboard user "$carol" -f "$T/policy.yaml" -o json --audit-log "$T/audit.log"
report=$T/report.json
cp "$OUT" "$report"
is "$(subjects payments "$ours")" 'oidc:team' 'BE46 the User subject is out of our binding, however it was capitalised'
is "$(subjects ops oncall)" 'oidc:carol@example.test oidc:dave@example.test' 'what is not ours is left'
like "$(lines left)" 'RoleBinding ops/oncall holds oidc:carol@example.test' 'and told'
like "$(lines left)" 'ClusterRoleBinding breakglass-carol .* made by argocd \(app platform\): take it out there, too' 'BM07 a binding of a tool is told with who made it'
like "$(lines left)" 'carol@example.test could act as 2 ServiceAccounts of payments: ci, default' 'BM07 the ServiceAccounts within reach are told by name'
like "$(lines until)" 'token Secret payments/ci-token \(ServiceAccount ci' 'BM07 and the token Secret without an end'
like "$(jq -r '.lines[] | select(.kind == "certificate") | .until' "$report")" '^20[0-9-]+T[0-9:]+Z$' 'BM07 and the client certificate, with its end'
like "$(jq -r '.lines[] | select(.kind == "certificate") | .groups | join(" ")' "$report")" '^oidc:team$' 'and the groups that it carries'
is "$(jq -r .complete "$report")" true 'all was looked at'
status 0 'the audit log holds' "$BROKER" verify-log "$T/audit.log"
like "$(cat "$T/audit.log")" '"event":"binding.changed".*"after":.*"oidc:team".*"before":.*"by":"admin".*"removedSubject":"oidc:Carol@Example.Test","role":"ClusterRole/edit"' 'S14 and says who was taken out of what, by whom and why'
like "$(cat "$T/audit.log")" '"event":"user.denied".*"reason":"left the company".*"ticket":"HR-1"' 'S14 the reason with it'

default=$(admin get serviceaccount -n payments default -o jsonpath='{.metadata.uid}') ci=$(admin get serviceaccount -n payments ci -o jsonpath='{.metadata.uid}')
jq -r '.lines[] | select(.command != null and .name != "helmed") | .command' "$report" >"$T/commands"
is "$(grep -c '^kubectl' "$T/commands")" "$(wc -l <"$T/commands")" 'every command that was told is one for kubectl'
like "$(cat "$T/commands")" 'patch rolebinding -n ops --type=json -p .* -- oncall' 'the binding that holds others, too, is patched'
like "$(cat "$T/commands")" 'get serviceaccount -n payments ci .*replace --force.*delete serviceaccount -n payments default' 'ServiceAccounts are made anew, each in its own way'
while IFS= read -r command; do
	status 0 "pasted, it works: ${command%% *} ${command#* --kubeconfig * }" timeout 60 bash -c "$command"
done <"$T/commands"
is "$(subjects ops oncall)" 'oidc:dave@example.test' 'the person is out, and nobody else'
is "$(admin get rolebindings -n ops -o name | sed 's|.*/||; s|^usher-reader-.*|ours|' | sort | paste -sd' ')" 'helmed oncall ours' \
	'whatever a binding is called, pasting takes away that one'
is "$(admin get clusterrolebinding breakglass-carol --ignore-not-found -o name)" '' 'the binding that held nobody else is gone'
is "$(admin get secret -n payments ci-token --ignore-not-found -o name)" '' 'the token Secret is gone'
like "$(admin get serviceaccount -n payments ci -o jsonpath='{.metadata.uid}')" '^[0-9a-f-]{36}$' 'the ServiceAccount is there'
isnt() { if [ "$1" != "$2" ]; then is ok ok "$3"; else is "$1" "not $2" "$3"; fi; }
isnt "$(admin get serviceaccount -n payments ci -o jsonpath='{.metadata.uid}')" "$ci" 'as another one'
is_new() { local uid; uid=$(admin get serviceaccount -n payments default -o jsonpath='{.metadata.uid}' 2>/dev/null) && [ "$uid" != "$default" ]; }
ok 'and so is default, by itself' wait_for 120 is_new
admin patch rolebinding -n payments "$ours" --type=json -p '[{"op": "add", "path": "/subjects/-", "value":
	{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "carol@example.test"}}]' >/dev/null
status 10 'running again is harmless' offboard user "$carol" -f "$T/policy.yaml" --take-from-others
is "$(subjects payments "$ours")" 'oidc:team' 'and finds what came back'
is "$(admin get rolebinding -n ops helmed -o name)" rolebinding.rbac.authorization.k8s.io/helmed 'with --take-from-others what Helm manages stays'
like "$(cat "$OUT")" 'until +never +token Secret|until +20' 'the text for people says until when'

# what the person is, the later syncs honour
policy users "file: {path: $T/groups.json}" 'group: team, role: editor, namespaces: [payments]' >"$T/users.yaml"
sed -i 's/^kind: AccessPolicy/&\nmetadata: {name: people}/' "$T/users.yaml"
status 0 'a policy that binds people' broker apply -f "$T/users.yaml"
is "$(bound dave)" 2 'binds dave'
status 10 'T60 dave is offboarded' offboard user dave@example.test -f "$T/users.yaml"
status 0 'T60 a sync afterwards, with dave in the group still' broker apply -f "$T/users.yaml"
is "$(admin get rolebinding -n payments -o json | jq '[.items[].subjects[]? | select(.name == "oidc:dave@example.test")] | length')" 0 'T60 does not bring dave back'

sed 's/userPrefix: "oidc:"/userPrefix: "corp:"/; s/sources: {main:/sources: {other:/' "$T/users.yaml" >"$T/renamed.yaml"
status 0 'T60 another prefix for people, another name of the source' broker apply -f "$T/renamed.yaml"
is "$(bound dave)" 1 'T60 are no way back in: what is left is not ours'
is "$(admin get rolebinding -n payments -o json | jq '[.items[].subjects[]? | select(.name == "corp:dave@example.test")] | length')" 0 'T60 under no prefix'
status 0 'back to the old names' broker apply -f "$T/users.yaml"

status 0 'a group is offboarded' offboard group solo -f "$T/policy.yaml"
command=$(sed -n 's/.*; \(usher-broker readmit .*\) ends that)$/\1/p' "$OUT")
like "$command" '^usher-broker readmit -f .*policy.yaml .*--key [0-9a-f]{8} --reason TEXT$' 'which tells the command that lets it back in'
status 0 'pasted, it does' bash -c "$command"
status 0 'so it is offboarded anew' offboard group solo -f "$T/policy.yaml"
like "$(cat "$OUT")" 'denied +solo is kept out by' 'with a new entry'
status 0 'T60 and the sync afterwards leaves it out' broker apply -f "$T/policy.yaml"
is "$(admin get rolebinding -n ops -o json | jq '[.items[].subjects[]? | select(.name == "oidc:solo")] | length')" 0 'T60 although the source lists it'
status 10 'a namespace is offboarded' offboard namespace ops -f "$T/policy.yaml"
is "$(admin get namespace ops -o jsonpath='{.status.phase}')" Active 'the Namespace stays'

# what was made before, and what only looks like another
jq -n '{groups: [{name: "late", id: "3", members: []}, {name: "team", id: "1", members: []}], count: 2}' >"$T/groups.json"
policy role "file: {path: $T/groups.json}" 'group: late, role: editor, namespaces: [payments]' | sed 's/^kind: AccessPolicy/&\nmetadata: {name: late}/' >"$T/late.yaml"
status 10 'where no run keeps its state, that is told' offboard group late -f "$T/late.yaml" --state-namespace kube-public
like "$(cat "$OUT")" 'left +no run of policy late keeps its state in namespace kube-public yet' 'in words'
status 1 'a plan is made' broker plan -f "$T/late.yaml" --out "$T/late.json"
status 10 'T60 the group is offboarded, which has nothing yet' offboard group late -f "$T/late.yaml"
status 5 'T60 the plan of before is worth nothing' broker apply --plan "$T/late.json" --no-sources
like "$(cat "$ERR")" 'group late was offboarded since the plan was made' 'and why is said'
jq -n '{groups: [{name: "late", id: "4", members: []}, {name: "team", id: "1", members: []}], count: 2}' >"$T/groups.json"
status 0 'T60 a new group of that name' broker apply -f "$T/late.yaml"
is "$(admin get rolebinding -n payments -o json | jq '[.items[].subjects[]? | select(.name == "oidc:late")] | length')" 0 'T60 stays out: the API server cannot tell them apart'
status 0 'so has an entry of its own, when told so' offboard group late -f "$T/late.yaml" --reason x
status 5 'one name that two entries mean lets nobody in' broker readmit group late -f "$T/late.yaml" --reason back
like "$(cat "$ERR")" '2 entries mean late: .*readmit .*--key' 'and how to say it is said'

# somebody who may not read everything
admin create serviceaccount half -n default >/dev/null
admin create clusterrole half --verb=get,list,create,update,patch,delete \
	--resource=configmaps,rolebindings.rbac.authorization.k8s.io,clusterrolebindings.rbac.authorization.k8s.io,clusterroles.rbac.authorization.k8s.io >/dev/null
admin create clusterrolebinding half --clusterrole=half --serviceaccount=default:half >/dev/null
sed "s|token: \".*\"|token: \"$(admin create token half -n default)\"|" "$ADMIN" >"$T/half.kubeconfig"
status 3 'who may not read all lists is told what is not known' "$BROKER" offboard user "$carol" -f "$T/policy.yaml" --reason x --kubeconfig "$T/half.kubeconfig"
like "$(cat "$OUT")" 'unknown +Secrets \(names of token Secrets\) could not be read' 'which list it was'

# ---- killed in the middle ----

jq -n '{apiVersion: "v1", kind: "List", items: [range(300) | {apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding",
	metadata: {name: "k\(.)", namespace: "payments", labels: {"app.kubernetes.io/managed-by": "usher-broker", "usher.dev/policy": "default"}, annotations: {"usher.dev/role": "reader"}},
	roleRef: {apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view"},
	subjects: [{apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "frank"}, {apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "dave"}]}]}' |
	admin create -f - >/dev/null
logged() { grep -c '"event":"binding.changed"' "$T/killed.log"; }
some_logged() { [ -e "$T/killed.log" ] && [ "$(logged)" -gt 20 ]; }
"$BROKER" offboard user frank -f "$T/policy.yaml" --reason x --audit-log "$T/killed.log" --kubeconfig "$ADMIN" >"$T/killed.out" 2>&1 &
pid=$!
wait_for 120 some_logged
kill -9 "$pid" 2>/dev/null
wait "$pid" 2>/dev/null
done_by_then=$((300 - $(bound frank)))
ok "S14 of what a killed run did, all but what was on its way at that moment is in the log ($(logged) of $done_by_then)" test $((done_by_then - $(logged))) -le 64
ok 'and nothing that it did not do' test "$(logged)" -le "$done_by_then"
like "$(cat "$T/killed.log")" '"event":"user.denied"' 'that he is kept out came first'
status 0 'the next run goes on' offboard user frank -f "$T/policy.yaml" --audit-log "$T/killed.log"
is "$(bound frank)" 0 'to the end'
ok 'S14 in the log each binding stands once' test "$(jq -r 'select(.event == "binding.changed") | .name' "$T/killed.log" | sort | uniq -d | wc -l)" = 0
ok 'whose chain holds' "$BROKER" verify-log "$T/killed.log"

# ---- with Keycloak: what was issued before ----

role manage-users POST
role view-realm POST
role view-clients POST
manage PUT '' "{\"accessTokenLifespan\": $life}"
kc="keycloak: {url: $KEYCLOAK, realm: usher, client: usher-broker, secretFile: $T/broker-secret, ca: $CA, peopleName: email, tokenClient: $CLIENT}"
policy role "$kc" 'group: k8s-restricted-users, role: editor, namespaces: [payments]' | sed 's/^kind: AccessPolicy/&\nmetadata: {name: sso}/' >"$T/sso.yaml"
status 0 'a policy with Keycloak' broker apply -f "$T/sso.yaml"

signed_in() { # fills $T/tokens
	web -d grant_type=password -d "client_id=$CLIENT" -d scope=openid --data-urlencode "username=$1" -d "password=$1-password" \
		"$ISSUER/protocol/openid-connect/token" >"$T/tokens"
	id_token=$(jq -r .id_token "$T/tokens") refresh=$(jq -r .refresh_token "$T/tokens")
	expires=$(claims <<<"$id_token" | jq .exp)
}
accepted() { # is the ID token believed? Whether it may do anything does not matter here
	[ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CLUSTER/ca.crt" -H "Authorization: Bearer $id_token" "$SERVER/api/v1/namespaces/payments/pods")" != 401 ]
}
refreshes() {
	web -d grant_type=refresh_token -d "client_id=$CLIENT" --data-urlencode "refresh_token=$refresh" "$ISSUER/protocol/openid-connect/token" | jq -e .id_token
}

# the provider is down
sed "s|url: $KEYCLOAK|url: https://127.0.0.1:1|" "$T/sso.yaml" >"$T/down.yaml"
signed_in alice
status 10 'T60 offboard while the provider is down' offboard user alice@example.test -f "$T/down.yaml"
like "$(cat "$OUT")" 'denied +alice@example.test is kept out' 'T60 writes the entry all the same'
like "$(cat "$OUT")" 'sessions were not ended: .*Run again.* offboard user alice@example.test' 'T60 and says what to run again'
ok 'T60 the session lives' refreshes

signed_in carol
ok 'carol is signed in, and the API server believes her' accepted
ok 'and her session can be refreshed' refreshes
signed_in carol
status 10 'T60 BM07 S3 offboard with Keycloak' offboard user "$carol" -f "$T/sso.yaml" -o json
sent=$(date +%s)
nok 'T60 the refresh is refused at once' refreshes
ok 'T60 the ID token that is out is believed still: no API server asks' accepted
until=$(jq -r '.lines[] | select(.kind == "id-token") | .until' "$OUT")
last=$(date -d "$until" +%s)
ok "T60 and the dossier said until when ($until), which is not before it expires" test "$last" -ge "$expires"
ok 'T60 nor long after' test "$last" -le $((sent + life + 15))
like "$(lines revoked)" 'sessions and refresh tokens at keycloak' 'T60 the session was ended at Keycloak'
like "$(lines left)" 'may sign in again at keycloak' 'and that the account is not disabled is left to do'
while asked=$(date +%s); accepted; do
	believed=$asked
	[ "$believed" -le $((last + 5)) ] || break
	read -rt 0.3 <> <(:) || :
done
ok "T60 the last request that was believed came before that time ($((believed - sent)) s after, said $((last - sent)) s)" test "${believed:-0}" -le "$last"
nok 'T60 and no later one is' accepted
status 10 'running again when the provider is back ends what was left' offboard user alice@example.test -f "$T/sso.yaml"
like "$(cat "$OUT")" 'revoked +sessions and refresh tokens' 'T60 no revocation is lost'
posts() { grep -cE 'POST /admin/realms/usher/users/[^ ]*/logout' "$HOME_OF_KEYCLOAK/log"; }
status 10 'what Keycloak says is recorded' offboard user dave@example.test --also "$carol" -f "$T/sso.yaml" --record "$T/recorded" -o json
like "$(lines revoked)" 'sessions and refresh tokens of carol@example.test at keycloak' 'the account of another name is told'
is "$(lines revoked | wc -l)" 2 'beside the one'
before=$(posts) writes=$(broker_writes)
status 2 'a recording ends no sessions' offboard user dave@example.test -f "$T/sso.yaml" --replay "$T/recorded"
like "$(cat "$ERR")" 'ends nobody.s sessions' 'which is said'
status 10 'as a dry run it is told again' offboard user dave@example.test --also "$carol" -f "$T/sso.yaml" --replay "$T/recorded" --dry-run -o json
is "$(lines revoked | wc -l)" 2 'with both'
is "$(posts) $(broker_writes)" "$before $writes" 'and nothing is sent, nor written'
status 0 'somebody whose account was deleted first' offboard user ghost@example.test -f "$T/sso.yaml" --anyway
like "$(cat "$OUT")" 'until +[0-9: -]+ UTC +the account may have been deleted a moment ago: an ID token that source main issued before' \
	'T60 may hold an ID token still, and the dossier says until when'
status 0 'a second time' offboard user ghost@example.test -f "$T/sso.yaml"
like "$(cat "$OUT")" 'denied +ghost@example.test is kept out already by' 'the name is known without --anyway'
done_testing
