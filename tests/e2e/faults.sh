#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What goes wrong around a session that lives: the provider fails, a sibling was faster, the keyring is gone, the API server
# says 401, the kubeconfig points elsewhere. The session is kept, nobody's browser opens, and the message says what to do.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster idp keyring

# fails STATUS NAME JSON: a refresh that meets this fault ends with STATUS, and costs nothing but the call
fails() {
	local want=$1 name=$2 kept opened
	kept=$(session_text) opened=$(browser_count)
	idp clear '{}'
	idp fault "$3"
	stale
	run away get_token prod
	like "$STATUS" "^($want)$" "$name: status $want"
	one_line "$ERR" "$name: one line is said"
	like "$(cat "$ERR")" '^usher: .*your session is kept' "$name: and it says that the session is kept"
	is "$(cat "$OUT")" '' "$name: kubectl gets nothing"
	is "$(session_text)" "$kept" "$name: the session in the keyring is untouched"
	is "$(browser_count)" "$opened" "$name: no browser"
	idp clear '{}'
	status 0 "$name: the next run works" away get_token prod
}

refresh_faults() {
	local body='{"path": "/token", "times": 9,'
	fails 6 'T35 500 on refresh' "$body \"status\": 500, \"body\": \"{}\"}"
	fails 6 'T35 503 with Retry-After on refresh' "$body \"status\": 503, \"headers\": {\"retry-after\": \"1\"}}"
	fails 6 'T35 connection reset on refresh' "$body \"drop\": true}"
	fails 6 'T35 captive portal on refresh' "$body \"status\": 200, \"headers\": {\"content-type\": \"text/html\"}, \"body\": \"<html>log in</html>\"}"
	fails '6|7' 'T35 answer cut off on refresh' "$body \"status\": 200, \"body\": \"{\", \"truncate\": 50}"
	fails '6|7' 'T35 redirect on refresh' "$body \"status\": 302, \"headers\": {\"location\": \"$ISSUER/trap\"}}"
	is "$(idp_count /trap)" 0 'T35 and the redirect was not followed'
	fails '6|7' 'T35 server_error instead of invalid_grant' "$body \"status\": 400, \"body\": \"{\\\"error\\\":\\\"temporarily_unavailable\\\"}\"}"
	fails 6 'T35 time-out on refresh' "$body \"hang\": true}"
}

provider_down() {
	kill -STOP "$IDP_PID"
	stale_life=$((stale_life + 100))
	profile_write prod "min-validity: $((stale_life - 60))s"
	run away kubectl get pods -n default
	kill -CONT "$IDP_PID"
	is "$STATUS" 1 'T35 provider down: kubectl ends with 1'
	like "$(cat "$ERR")" 'usher: 127.0.0.1.*your session is kept' 'T35 provider down: kubectl is told in one line'
	is "$(grep -c '^usher:' "$ERR")" 1 'T35 provider down: in one line only'
	idp ttl "{\"id\": $stale_life}"
	status 0 'T35 provider up again: the session still lives' away get_token prod
}

asked_for_token() { [ "$(idp_count /token)" -ge 1 ]; }

# A sibling that shares the keyring but not our lock (another $XDG_RUNTIME_DIR) rotates while we are on the way.
sibling() {
	local pid kept
	stale
	idp clear '{}'
	idp fault '{"path": "/token", "status": 400, "body": "{\"error\": \"invalid_grant\"}", "delay_ms": 3000}'
	away get_token prod >"$T/slow.out" 2>"$T/slow.err" &
	pid=$!
	wait_for 120 asked_for_token
	mkdir -m 700 "$T/run2"
	XDG_RUNTIME_DIR=$T/run2 XDG_STATE_HOME=$T/state2 get_token prod >"$T/sibling.out" 2>"$T/sibling.err" </dev/null
	is $? 0 'T36 the sibling that shares no lock refreshes'
	kept=$(session_text)
	wait "$pid"
	is $? 0 'T36 invalid_grant after the sibling rotated: status 0 all the same'
	is "$(jq -r .status.token "$T/slow.out")" "$(jq -r .status.token "$T/sibling.out")" 'T36 with the token of the sibling'
	is "$(session_text)" "$kept" 'T36 and the session of the sibling stays in the keyring'
	stale
	status 0 'T36 the session goes on' away get_token prod
}

# The API server refuses people in the group "suspended", so this 401 is its own: the token is valid for all we know.
# More of it: refused.sh.
real_401() {
	local opened
	idp user '{"sub": "carol", "groups": ["suspended"]}'
	stale
	status 0 'a token that the API server will refuse is made' away get_token prod
	idp user '{"sub": "carol", "groups": ["k8s-restricted-users"]}'
	opened=$(browser_count)
	run away kubectl get pods -n fancy-namespace
	like "$(cat "$ERR")" 'usher: the API server seems to have refused the token \(401\), so it was refreshed' 'real 401: the token is refreshed'
	ok 'real 401: the session is still there' test -n "$(session_text)"
	status 0 'real 401: the next kubectl works' away kubectl get pods -n fancy-namespace
	is "$(browser_count)" "$opened" 'real 401: no browser'
}

foreign_server() {
	sed "s|server: \"$SERVER\"|server: \"https://localhost:${SERVER##*:}\"|" "$KUBECONFIG" >"$T/elsewhere"
	run away kubectl --kubeconfig "$T/elsewhere" get pods -n fancy-namespace
	is "$STATUS" 1 'T28 a server that the profile does not name: kubectl ends with 1'
	like "$(cat "$ERR")" 'usher: https://localhost:[0-9]+ is not a server of profile prod' 'T28 and is told which'
	KUBERNETES_EXEC_INFO=$(exec_info | jq -c '.spec.cluster.server = "https://203.0.113.9:6443"') \
		status 5 'T28 the plugin ends with 5' "$USHER" get-token --profile prod
	is "$(cat "$OUT")" '' 'T28 and gives no token'
}

signs_in() { # NAME WARNING: with the keyring in some sad state, within the deadline, one warning
	local begin=$SECONDS took
	status 0 "T39 $1: signing in works" at_terminal bash -c "$(declare -f get_token exec_info); SERVER='$SERVER' USHER='$USHER' get_token prod true"
	took=$((SECONDS - begin))
	like "$(jq -r .status.token "$OUT" 2>/dev/null)" '^eyJ' "T39 $1: and gives a token"
	like "$(cat "$ERR")" "$2" "T39 $1: one warning says why the session is not kept"
	is "$(grep -ciE 'keyring.*(locked|cannot|not )' "$ERR")" 1 "T39 $1: only one"
	ok "T39 $1: within seconds, not D-Bus' 25 ($took s, with a keyring $usual)" test "$took" -lt $((2 * usual + 25))
}

forget_cache() { profile_write prod "sign-in-timeout: $((60 + RANDOM % 60))s"; } # another identity of the file: no hit

sad_keyrings() {
	local kept bus=$DBUS_SESSION_BUS_ADDRESS
	kept=$(session_text)
	forget_cache
	kill -STOP "$KEYRING_PID"
	signs_in 'keyring daemon that never answers' 'keyring cannot be used'
	kill -CONT "$KEYRING_PID"
	is "$(session_text)" "$kept" 'T39 keyring daemon that never answers: the item is still there'
	forget_cache
	unset DBUS_SESSION_BUS_ADDRESS
	signs_in 'no bus' 'keyring cannot be used'
	forget_cache
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/run/silent
	perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Listen => 5, Local => $ARGV[0]) or die; my @held; push @held, $s->accept while 1' "$T/run/silent" &
	at_exit kill $!
	wait_for 120 test -S "$T/run/silent"
	signs_in 'bus that accepts and never speaks' 'keyring cannot be used'
	DBUS_SESSION_BUS_ADDRESS=$bus
	is "$(session_text)" "$kept" 'T39 after all that the item is still there'
	kill "$KEYRING_PID"
	wait "$KEYRING_PID" 2>/dev/null
	forget_cache
	signs_in 'bus without a secret service' 'keyring cannot be used'
	gnome-keyring-daemon --foreground --components=secrets >"$T/keyring2.log" 2>&1 </dev/null &
	at_exit kill -KILL $!
	wait_for 120 service_there
	forget_cache
	signs_in 'locked keyring' 'keyring is locked'
}

service_there() { secret-tool lookup usher-test none 2>&1 | grep 'ServiceUnknown' >/dev/null && return 1 || return 0; }

carol_start
usual=$SECONDS
status 0 'there is a session' at_terminal kubectl usher login --profile prod
usual=$((SECONDS - usual)) # what signing in takes on this machine
like "$(refresh_token)" '^.{16,}' 'and its refresh token is in the keyring'
refresh_faults
provider_down
sibling
real_401
foreign_server
sad_keyrings
done_testing
