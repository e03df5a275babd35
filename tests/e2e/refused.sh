#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# T46: the API server answers 401 to a token that has not run out. kubectl runs the plugin again and does not say why; the
# token must be replaced then, so that the next kubectl works, and nobody may be asked because of it.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster idp keyring
lists() { away kubectl get pods -n fancy-namespace; }
signed_in() { status 0 "$1: carol is signed in" at_terminal kubectl usher login --profile prod; }
no_browser() { is "$(browser_count)" "$opened" "$1: no browser"; }
refreshes() { echo $(($(idp_count /token) - before)); }
remember() { opened=$(browser_count) before=$(idp_count /token); }
key_of() { cut -d. -f1 <<<"$1" | tr '_-' '/+' | sed 's/$/===/' | base64 -d 2>/dev/null | jq -r .kid; }
is_refused() { # TOKEN: the API server remembers for some seconds what it took
	curl -s --cacert "$CLUSTER/ca.crt" -o /dev/null -w '%{http_code}' -H @- "$SERVER/api" <<<"Authorization: Bearer $1" | grep -x 401
}

# A kubectl that the API server refuses, a token for which is kept; the group says so (authentication_config).
suspend() {
	idp user '{"sub": "carol", "groups": ["suspended"]}'
	status 0 "$1: carol signs in while she is suspended" at_terminal kubectl usher login --profile prod
	remember
}
restore() { idp user '{"sub": "carol", "groups": ["k8s-restricted-users"]}'; }

# The provider's keys change, somebody else's new token makes the API server fetch them, and it forgets the old ones.
# Our own copy of the keys is a few seconds old by then, and lacks the new one all the same.
key_rollover() {
	local old new
	signed_in 'new signing keys'
	status 0 'new signing keys: kubectl works before' lists
	old=$(token_of prod)
	idp rotate '{}'
	mv "$T/jar" "$T/jar.carol"
	profile_write other 'account: bob@example.test'
	status 0 'new signing keys: bob signs in' at_terminal kubectl usher login --profile other
	run away kubectl --kubeconfig <(sed 's/"prod"/"other"/' "$KUBECONFIG") auth whoami
	like "$(cat "$OUT")" 'bob@example.test' 'new signing keys: the API server takes his token, and so has the new keys'
	mv "$T/jar.carol" "$T/jar"
	ok 'new signing keys: and refuses hers' wait_for 120 is_refused "$old"
	remember
	run lists
	like "$STATUS $(cat "$ERR")" '^1 .*Unauthorized' 'new signing keys: the first kubectl is refused'
	like "$(cat "$ERR")" 'usher: the API server seems to have refused the token \(401\), so it was refreshed' 'new signing keys: and one line says what was done'
	is "$(grep -c '^usher:' "$ERR")" 1 'new signing keys: one'
	status 0 'new signing keys: the next kubectl works' lists
	is "$(cat "$ERR")" 'No resources found in fancy-namespace namespace.' 'new signing keys: and says nothing of it'
	new=$(token_of prod)
	is "$(key_of "$old") $(key_of "$new")" 'rsa-1 rsa-2' 'new signing keys: its token is of the new ones'
	is "$(refreshes)" 1 'new signing keys: one refresh did it'
	no_browser 'new signing keys'
}

group_change() {
	suspend 'group change'
	run lists
	like "$STATUS $(cat "$ERR")" '^1 .*Unauthorized' 'group change: a suspended person is refused'
	like "$(cat "$ERR")" 'usher: the API server seems to have refused' 'group change: a refresh is tried'
	is "$(refreshes)" 1 'group change: once'
	rm -rf "$HOME/.kube/cache" # from now on kubectl asks for the API's groups first, and us up to six times
	run lists
	is "$(grep -c '^usher:' "$ERR")" 1 'group change: the next kubectl is told once'
	like "$(cat "$ERR")" 'usher: .*\(401\) although it was just refreshed, so that does not help' 'group change: that it is not the age of the token'
	for _ in 1 2 3 4; do run lists; done
	is "$(refreshes)" 1 'group change: whoever tries again and again costs the provider nothing more'
	restore
	status 0 'group change: a sign-in is believed at once' at_terminal kubectl usher login --profile prod
	status 0 'group change: kubectl works' lists
}

# What kubectl reads first decides how soon it is mended: with several requests in one run the same kubectl gets through.
same_run() {
	suspend 'the same run'
	restore
	rm -rf "$HOME/.kube/cache"
	status 0 'the same run: refused at its first request, kubectl goes on with the new token' lists
	like "$(cat "$ERR")" 'usher: the API server seems to have refused the token' 'the same run: and one line says so'
	is "$(refreshes)" 1 'the same run: one refresh'
	no_browser 'the same run'
}

provider_away() {
	local kept
	suspend 'provider away'
	restore
	kept=$(session_text)
	idp fault '{"path": "/token", "times": 9, "status": 503}'
	run lists
	like "$STATUS $(cat "$ERR")" '^1 .*Unauthorized' 'provider away: the API server is what refuses'
	like "$(cat "$ERR")" 'usher: .*\(401\), and it could not be refreshed: 127\.0\.0\.1:[0-9]+ cannot answer now \(HTTP 503\); your session is kept' 'provider away: and one line says why nothing helps'
	is "$(session_text)" "$kept" 'provider away: the session is kept'
	run lists
	like "$(cat "$ERR")" 'usher: .*too recent for another' 'provider away: the next is told that the last try is too recent'
	is "$(refreshes)" 1 'provider away: it was asked once'
	no_browser 'provider away'
	idp clear '{}'
	status 0 'provider away: a sign-in is believed at once' at_terminal kubectl usher login --profile prod
	status 0 'provider away: kubectl works' lists
}

at_once() { # 20 kubectl at once, all with the token that is refused
	local pids=() i
	for ((i = 0; i < 20; i++)); do
		lists >"$T/together.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
}

together() {
	suspend 'together'
	restore
	at_once
	is "$(refreshes)" 1 'together: 20 kubectl that are refused at once cost one refresh'
	is "$(cat "$T"/together.* | grep -cE 'does not help|could not be')" 0 'together: and none is told that nothing helps'
	no_browser 'together'
	status 0 'together: the next kubectl works' lists
	suspend 'together, provider away'
	restore
	idp fault '{"path": "/token", "times": 9, "status": 503}'
	at_once
	is "$(refreshes)" 1 'together, provider away: one of 20 asks in vain, the others do not ask again'
	like "$(cat "$T"/together.* | grep -c '^usher: the API server seems to refuse')" '^([1-9]|1[0-9]|20)$' 'together, provider away: nobody is told more than once'
	no_browser 'together, provider away'
	idp clear '{}'
}

# A provider that answers after eight seconds. kubectl has its old token before that, and the answer is kept: the refresh
# token that was sent is spent.
provider_slow() {
	local kept old
	suspend 'provider slow'
	restore
	kept=$(refresh_token) old=$(token_of prod)
	idp fault '{"path": "/token", "times": 1, "delay_ms": 8000}'
	run lists
	like "$STATUS $(cat "$ERR")" '^1 .*Unauthorized' 'provider slow: kubectl ends before the answer is there'
	like "$(cat "$ERR")" 'usher: .*\(401\), and it could not be refreshed: 127\.0\.0\.1:[0-9]+ has not answered within 5 s\. What it answers later is kept' 'provider slow: and one line says so'
	is "$(grep -c '^usher:' "$ERR")" 1 'provider slow: one'
	ok 'provider slow: the token comes all the same' wait_for 120 another_token "$old"
	is "$(refreshes)" 1 'provider slow: of that one refresh'
	nok 'provider slow: and the session has the new refresh token' test "$(refresh_token)" = "$kept"
	status 0 'provider slow: kubectl works' lists
	no_browser 'provider slow'
}
another_token() { [ "$(token_of prod)" != "$1" ]; } # OLD

# A provider that never answers, and 20 kubectl at once: they end together, by the same five seconds.
provider_hangs() {
	local kept
	suspend 'provider hangs'
	restore
	kept=$(session_text)
	idp fault '{"path": "/token", "times": 9, "hang": true}'
	at_once
	is "$(cat "$T"/together.* | grep -c Unauthorized)" 20 'provider hangs: all of 20 end'
	is "$(refreshes)" 1 'provider hangs: after one refresh'
	like "$(cat "$T"/together.*)" 'has not answered within 5 s' 'provider hangs: one tells of it'
	is "$(cat "$T"/together.* | grep -c 'your session is kept')" 0 'provider hangs: none waits until it is certain'
	run lists
	like "$(cat "$ERR")" 'too recent for another' 'provider hangs: the next kubectl does not wait at all'
	ok 'provider hangs: whoever does wait for the session gets it in the end' wait_for 120 locks_are_free
	is "$(session_text)" "$kept" 'provider hangs: and it is what it was'
	no_browser 'provider hangs'
	idp clear '{}'
	status 0 'provider hangs: a sign-in is believed at once' at_terminal kubectl usher login --profile prod
	status 0 'provider hangs: kubectl works' lists
}
locks_are_free() {
	local lock
	for lock in "$XDG_RUNTIME_DIR"/usher/*.lock; do flock -n "$lock" true || return; done
}

dead_session() {
	suspend 'dead session'
	restore
	web -d "client_id=$CLIENT" --data-urlencode "token=$(refresh_token)" "$ISSUER/token/revocation"
	run lists
	like "$STATUS $(cat "$ERR")" '^1 .*Unauthorized' 'dead session: away from a terminal kubectl is refused'
	like "$(cat "$ERR")" 'usher: .*ended your session \(invalid_grant.*Run: kubectl usher login --profile prod' 'dead session: and told what to run'
	no_browser 'dead session'
	suspend 'dead session'
	restore
	web -d "client_id=$CLIENT" --data-urlencode "token=$(refresh_token)" "$ISSUER/token/revocation"
	run at_terminal kubectl get pods -n fancy-namespace
	is "$(browser_count)" $((opened + 1)) 'dead session: a person at a terminal is asked'
	status 0 'dead session: and then kubectl works' lists
}

carol_start
key_rollover
group_change
same_run
provider_away
together
provider_slow
provider_hangs
dead_session
done_testing
