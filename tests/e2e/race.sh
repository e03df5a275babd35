#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# T30: 20 processes at once, 20 times, each time with a token that has run out and a provider that ends the session when a
# refresh token is used twice. Exactly one of them may ask the provider.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need idp keyring
processes=20 rounds=20
SERVER=https://127.0.0.1:1 # no API server is asked here

together() { # INTERACTIVE: starts all, waits for all; their answers in $T/answers
	local i pids=()
	rm -rf "$T/answers"
	mkdir "$T/answers"
	for ((i = 0; i < processes; i++)); do
		get_token prod "$1" >"$T/answers/$i.out" 2>"$T/answers/$i.err" <&0 &
		pids+=($!)
	done
	for i in "${!pids[@]}"; do
		wait "${pids[i]}"
		echo $? >"$T/answers/$i.status"
	done
}

statuses() { cat "$T"/answers/*.status | sort | uniq -c | awk '{ print $1 "x" $2 }' | tr '\n' ' '; }
tokens() { cat "$T"/answers/*.out | jq -r .status.token | sort -u | wc -l; }

round() { # NUMBER
	local before problem=
	stale
	before=$(idp_count /token)
	together false </dev/null
	[ "$(statuses)" = "${processes}x0 " ] || problem+=" status: $(statuses)"
	[ "$(tokens)" = 1 ] || problem+=" different tokens: $(tokens)"
	[ $(($(idp_count /token) - before)) = 1 ] || problem+=" token requests: $(($(idp_count /token) - before))"
	[ -z "$problem" ] || note "round $1:$problem" "$(sort -u "$T"/answers/*.err)"
	[ -z "$problem" ]
}

all_rounds() {
	local i bad=0
	for ((i = 1; i <= rounds; i++)); do round "$i" || bad=$((bad + 1)); done
	is "$bad" 0 "T30 $processes processes, $rounds rounds: one refresh, one token, every status 0"
}

keyring_start
browser_write
idp_start
profile_write prod
declare -f together get_token exec_info >"$T/functions"

# Without a session: inside one terminal, because only a person's calls may ask.
cat >"$T/at-once" <<-EOF
. '$T/functions'
USHER='$USHER' SERVER='$SERVER' T='$T' processes=$processes
together true
EOF
at_terminal bash "$T/at-once"
is "$(statuses)" "${processes}x0 " "T30 $processes processes without a session: all are answered"
is "$(tokens)" 1 'T30 with one token'
is "$(browser_count)" 1 'T30 and one browser'
is "$(idp_count /token)" 1 'T30 and one request for a token'
all_rounds
is "$(browser_count)" 1 'T30 no refresh opened a browser'
status 0 'T30 after all that the session lives' away get_token prod
done_testing
