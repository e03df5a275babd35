# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The story, point by point (A1 to A8 of acceptance.tsv). story.sh tells it with the fast provider and a file of groups,
# keycloak.sh with Keycloak for both. Each of them brings what differs:
#
#   policy_source            prints the policy's `sources:` entry
#   provider_count           requests that the provider has seen;  provider_count_token: those at its token endpoint
#   id_lifetime SECONDS      of ID tokens made from now on
#   leave_group              carol leaves k8s-restricted-users at the provider (and joins it again: join_group)
#   source_without_group     the source no longer knows the group;  source_with_group: it does again
#   group_is_back            what it then takes to have the binding again
#   source_empty             the source answers, with no group at all;  source_broken: it cannot be read whole
#   approve_device URL CODE  a person says yes at the provider's form
#   revoked TOKEN            is this refresh token dead at the provider?
#   STORY_POINTS             names a subset of points, for a person who looks at one (default: all)

policy_write() { # [GROUP]
	cat >"$T/policy.yaml" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:"}
	sources:
	  main:
	    $(policy_source)
	roles:
	  pod-service-reader:
	    rules:
	    - {apiGroups: [""], resources: [pods, services], verbs: [get, watch, list]}
	grants:
	- {group: k8s-restricted-users, role: pod-service-reader, namespaces: [fancy-namespace], name: read-pods-services}
	limits:
	  remove: {bindings: 20, people: 100%}
	  vanishedGroup: {runs: 2, age: 0s}
	EOF
}

bindings() { admin get rolebinding -n fancy-namespace -o json | jq -c '[.items[] | {name: .metadata.name, role: .roleRef.name, kind: .roleRef.kind, groups: [.subjects[]? | .kind + " " + .name]}]'; }

point_1() {
	policy_write
	admin create namespace fancy-namespace >/dev/null
	status 1 'A1 plan ends with 1: there is something to do' broker plan -f "$T/policy.yaml" --out "$T/plan.json"
	cp "$OUT" "$T/plan.txt"
	like "$(cat "$OUT")" '\+ +fancy-namespace +Role +pod-service-reader' 'A1 plan shows the Role to create'
	like "$(cat "$OUT")" '\+ +fancy-namespace +RoleBinding +read-pods-services +oidc:k8s-restricted-users' 'A1 plan shows the RoleBinding with the prefixed group'
	like "$(cat "$OUT")" '1 (person|people)' 'A1 plan says how many people that is'
	is "$(broker_writes)" 0 'A1 plan writes nothing'
	is "$(bindings)" '[]' 'A1 after plan the namespace has no binding'
	status 1 'A1 plan as json ends with 1 too' broker plan -f "$T/policy.yaml" -o json
	ok 'A1 and is one json value' jq -e type "$OUT"
	ok 'A1 the plan is kept for apply' jq -e type "$T/plan.json"
}

point_2() {
	local before rules
	status 0 'A2 apply of the kept plan ends with 0' broker apply --plan "$T/plan.json"
	is "$(bindings)" '[{"name":"read-pods-services","role":"pod-service-reader","kind":"Role","groups":["Group oidc:k8s-restricted-users"]}]' \
		'A2 the RoleBinding is there and names the Role and the group'
	rules=$(admin get role pod-service-reader -n fancy-namespace -o json | jq -c '.rules[] | [.apiGroups, .resources, .verbs | sort]')
	is "$rules" '[[""],["pods","services"],["get","list","watch"]]' 'A2 the Role gives get, watch and list on pods and services'
	status 0 'A2 a second plan ends with 0: nothing to do' broker plan -f "$T/policy.yaml"
	like "$(cat "$OUT" "$ERR")" '[Nn]othing to do|no differences' 'A2 and says so'
	before=$(broker_writes)
	status 0 'A2 a second apply ends with 0' broker apply -f "$T/policy.yaml"
	is "$(broker_writes)" "$before" 'A2 the second apply sends no write to the API server'
	like "$before" '^[1-9]' 'A2 the writes of the first one were counted'
}

sign_in_first_time() {
	status 1 'A3 without a person kubectl ends with 1' away kubectl get pods -n fancy-namespace
	like "$(cat "$ERR")" 'usher: .*kubectl usher login --profile prod' 'A3 and is told in one line what to run'
	status 4 'A3 the plugin itself ends with 4 when it may not ask' away get_token prod
	is "$(cat "$OUT")" '' 'A3 and gives kubectl nothing'
	is "$(browser_count)" 0 'A3 no browser was opened for nobody'
}

point_3() {
	local before
	sign_in_first_time
	status 0 'A3 kubectl get pods signs in and is allowed in fancy-namespace' at_terminal kubectl get pods -n fancy-namespace
	like "$(cat "$ERR")" 'No resources found in fancy-namespace' 'A3 and kubectl shows the answer of the API server'
	like "$(cat "$ERR")" 'usher: signed in as carol@example.test' 'A3 usher says who signed in'
	unlike "$(cat "$ERR")" 'eyJ[A-Za-z0-9_-]+\.eyJ' 'A3 no token is on the screen'
	is "$(browser_count)" 1 'A3 the browser was opened once'
	before=$(provider_count)
	status 1 'A3 the same in namespace default is refused' at_terminal kubectl get pods -n default
	like "$(cat "$ERR")" 'Forbidden.*oidc:carol@example.test.*cannot list resource "pods"' 'A3 as Forbidden for carol'
	status 0 'A3 a second call is allowed' at_terminal kubectl get pods -n fancy-namespace
	status 0 'A3 so is one without a terminal' away kubectl get services -n fancy-namespace
	is "$(browser_count)" 1 'A3 second call opens no browser'
	is "$(provider_count)" "$before" 'A3 second call makes no request to the provider'
	status 0 'A3 the API server knows carol and her group' away kubectl auth whoami -o json
	is "$(jq -c '[.status.userInfo.username, (.status.userInfo.groups - ["system:authenticated"])]' "$OUT")" \
		'["oidc:carol@example.test",["oidc:k8s-restricted-users"]]' 'A3 with the prefix that the policy uses'
}

api_status() { # TOKEN: what the API server answers to it
	curl -s -o /dev/null -w '%{http_code}' --cacert "$CLUSTER/ca.crt" -H @- "$SERVER/apis" <<<"Authorization: Bearer $1"
}

expired() { [ "$(date +%s)" -gt $((1 + $(claims <<<"$1" | jq .exp))) ]; } # TOKEN

point_4() {
	local token first tokens opened
	id_lifetime 6
	status 0 'A4 a new sign-in gets a short-lived token' at_terminal kubectl usher login --profile prod
	token=$(token_of prod) # should it be over before it is asked for, it is another one as short
	id_lifetime 300
	first=$(refresh_token)
	like "$first" '^.{16,}' 'A4 the refresh token is in the keyring'
	ok 'A4 time passes until that token is over' wait_for 120 expired "$token"
	is "$(api_status "$token")" 401 'A4 the API server no longer takes it'
	opened=$(browser_count) tokens=$(provider_count_token)
	status 0 'A4 the next kubectl call is allowed all the same' away kubectl get pods -n fancy-namespace
	unlike "$(cat "$ERR")" 'usher:' 'A4 and nothing is said'
	is "$(browser_count)" "$opened" 'A4 no browser was opened'
	is $(($(provider_count_token) - tokens)) 1 'A4 the provider was asked for one token'
	like "$(refresh_token)" '^.{16,}' 'A4 the keyring holds a refresh token'
	nok 'A4 and it is the rotated one' test "$(refresh_token)" = "$first"
}

renew() { # makes the next call refresh: the cached token gets old before anybody is asked
	local token
	id_lifetime 3
	at_terminal kubectl usher login --profile prod >/dev/null 2>&1
	token=$(token_of prod)
	id_lifetime 300
	wait_for 120 expired "$token"
}

point_5() {
	local before
	before=$(broker_writes rolebindings roles)
	renew
	leave_group
	status 1 'A5 carol left the group: after a refresh the same call is refused' away kubectl get pods -n fancy-namespace
	like "$(cat "$ERR")" 'Forbidden' 'A5 as Forbidden'
	is "$(token_of prod | claims | jq -c '.groups // []')" '[]' 'A5 her refreshed token lacks the group'
	is "$(broker_writes rolebindings roles)" "$before" 'A5 no binding was written for that'
	point_5_vanish
	point_5_incomplete
}

point_5_vanish() {
	source_without_group
	run broker apply -f "$T/policy.yaml"
	is "$STATUS" 0 'A5 the group vanished: the first run ends with 0'
	like "$(cat "$OUT" "$ERR")" 'k8s-restricted-users.*(gone|vanished|missing)|(gone|vanished|missing).*k8s-restricted-users' 'A5 and says that it is gone'
	like "$(bindings)" read-pods-services 'A5 the first run keeps the binding'
	run broker apply -f "$T/policy.yaml"
	is "$STATUS" 0 'A5 the second complete run ends with 0'
	is "$(bindings)" '[]' 'A5 and removes the binding'
	source_with_group
	group_is_back
	like "$(bindings)" read-pods-services 'A5 and the binding is there again'
}

point_5_incomplete() {
	local before
	before=$(broker_writes)
	source_empty
	status 3 'A5 a source with zero groups ends with 3' broker apply -f "$T/policy.yaml"
	like "$(bindings)" read-pods-services 'A5 zero groups: nothing is removed'
	source_broken
	status 3 'A5 a source that cannot be read whole ends with 3' broker apply -f "$T/policy.yaml"
	like "$(cat "$ERR")" 'incomplete' 'A5 and says that it is incomplete'
	like "$(bindings)" read-pods-services 'A5 incomplete: nothing is removed'
	is "$(broker_writes)" "$before" 'A5 and nothing is written'
	source_with_group
	join_group
}

# The code stands on a line of its own. What an earlier sign-in left at this terminal may hold anything, the random part of
# an address too.
device_code() { sed -nE 's/^usher: +([A-Z0-9]{4}-[A-Z0-9]{4})\r?$/\1/p' "$T/pty.err"; }
device_shown() { [ -n "$(device_code)" ]; }

ended() { ! kill -0 "$1"; } # PID

point_6() {
	local code url pid opened
	kubectl usher logout --profile prod >/dev/null 2>&1
	opened=$(browser_count)
	: >"$T/pty.err"
	at_terminal kubectl usher login --profile prod --flow device >"$T/device.out" 2>"$T/device.log" &
	pid=$!
	ok 'A6 device flow: a code is shown' wait_for 120 device_shown
	code=$(device_code)
	url=$(grep -oE 'https://[^ ]+' "$T/pty.err" | head -1)
	like "$url" "^https://127.0.0.1:[0-9]+/" 'A6 and the address to enter it at'
	device_slow_down
	approve_device "$url" "$code"
	wait_for 120 ended "$pid" || kill "$pid"
	wait "$pid"
	is $? 0 'A6 the person says yes at the provider: login ends with 0'
	like "$(cat "$T/device.log")" 'signed in as carol@example.test' 'A6 and says who signed in'
	device_polls
	is "$(browser_count)" "$opened" 'A6 no browser was opened here'
	status 0 'A6 kubectl get pods is allowed with the token of the device flow' away kubectl get pods -n fancy-namespace
}

binding=kubernetes-dashboard
create_dashboard() { admin create clusterrolebinding "$binding" --clusterrole=cluster-admin --serviceaccount=kube-system:kubernetes-dashboard "$@"; }

audit_found() { # WHERE: the one finding, in $OUT as text
	like "$(cat "$OUT")" 'CRITICAL.*AU080.*ClusterRoleBinding kubernetes-dashboard' "A7 $1: critical, with rule and object"
	like "$(cat "$OUT")" 'ServiceAccount kube-system/kubernetes-dashboard' "A7 $1: names the subject"
	like "$(cat "$OUT")" 'cluster-admin|may do everything' "A7 $1: says what it may do"
	like "$(cat "$OUT")" 'kubectl( --kubeconfig [^ ]+)? delete clusterrolebinding kubernetes-dashboard' "A7 $1: gives the command that removes it"
	like "$(cat "$OUT")" '1 critical[,.]' "A7 $1: it is the only critical one"
}

point_7() {
	status 0 'A7 audit of a cluster without it ends with 0' broker audit
	unlike "$(cat "$OUT")" 'CRITICAL|HIGH|MEDIUM|LOW' 'A7 and finds nothing'
	create_dashboard >/dev/null
	status 1 'A7 live audit ends with 1 when somebody left the dashboard binding' broker audit
	audit_found live
	status 1 'A7 as json too' broker audit -o json
	is "$(jq '[.findings[] | select(.severity == "critical")] | length' "$OUT")" 1 'A7 live, json: exactly one critical finding'
	create_dashboard --dry-run=client -o yaml >"$T/dashboard.yaml"
	status 1 'A7 audit - reads manifests from stdin' "$BROKER" audit - <"$T/dashboard.yaml"
	audit_found stdin
	mkdir -p "$T/manifests"
	cp "$T/dashboard.yaml" "$T/manifests/"
	status 1 'A7 audit DIR reads manifests from a folder' "$BROKER" audit "$T/manifests"
	audit_found folder
	ok 'A7 the command that audit gave works' admin delete clusterrolebinding kubernetes-dashboard
	status 0 'A7 after it audit finds nothing' broker audit
}

point_8() {
	local token opened
	token=$(refresh_token)
	like "$token" '^.{16,}' 'A8 before logout there is a session'
	status 0 'A8 kubectl usher logout ends with 0' kubectl usher logout --profile prod
	ok 'A8 the provider no longer takes the refresh token' revoked "$token"
	is "$(refresh_token)" '' 'A8 the keyring no longer holds the session'
	status 4 'A8 the cache is empty: without a person the next call is told to sign in' away get_token prod
	opened=$(browser_count)
	status 0 'A8 the next call at a terminal signs in again' at_terminal kubectl get pods -n fancy-namespace
	is $(($(browser_count) - opened)) 1 'A8 by the browser'
}

tell_story() {
	local n
	for n in ${STORY_POINTS:-1 2 3 4 5 6 7 8}; do "point_$n"; done
}
