#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Clocks that jump, with a real API server: `run` goes on at its pace, ends nothing too early or too late, says in one line
# that the two clocks differ, and its audit log stays one. What a server's clock does that jumps is tests/story/test_clocks.c.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
have cc curl jq || skip_all 'no C compiler, curl or jq on this machine'
cc -shared -fPIC -O1 -o "$T/clock.so" "$SUPPORT/clock.c" || skip_all 'no library can be made here'
export USHER_TEST_CLOCK=$T/offset
HOUR=3600 DAY=86400 YEARS=315360000
shift_clock() { echo "$1" >"$T/offset.new" && mv "$T/offset.new" "$T/offset"; } # SECONDS
shift_clock $YEARS
[ $(($(LD_PRELOAD=$T/clock.so date +%s) - $(date +%s))) -ge $((YEARS - 60)) ] || skip_all 'no clock can be set wrong here'
shift_clock 0
wrong() { LD_PRELOAD=$T/clock.so "$@"; }

shift_clock -$((3 * DAY)) # certificates that are good by a clock that is behind, too
wrong "$SUPPORT/certificates.sh" "$T/cluster"
shift_clock 0
cluster_start
for name in apps usher-system; do admin create namespace "$name" >/dev/null; done
cat >"$T/policy.yaml" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", userPrefix: "oidc:"}
	sources: {main: {file: {path: groups.json}}}
	limits: {remove: {bindings: 100, people: 100%}}
	roles: {view: {clusterRole: view}, edit: {clusterRole: edit}}
	grants:
	- {group: dev, role: view, namespaces: [apps], name: dev-view}
	- {group: ops, role: view, namespaces: [apps], name: ops-view, notAfter: $(date -u -d '+2 days' +%F)}
	- {group: ops, role: edit, namespaces: [apps], name: ops-edit, notBefore: $(date -u -d '+2 days' +%F)}
	elevation: {allow: [{roles: [edit], namespaces: ["*"], max: 4h}]}
EOF
echo '{"groups":[{"id":"1","name":"dev","members":["dora"]},{"id":"2","name":"ops","members":["olga"]}],"count":2}' >"$T/groups.json"
bindings() { admin get rolebindings -n apps -o json | jq -r '[.items[].metadata.name] | sort | join(" ")'; }
count() { curl -sS --max-time 10 "$URL/metrics" | awk -v name="usher_broker_runs_total{result=\"$1\"}" '$1 == name { print $2 }'; } # complete|failed
offset() { curl -sS --max-time 10 "$URL/metrics" | awk '/^usher_broker_clock_offset_seconds/ { print $2 }'; }
is_off() { local now; now=$(offset) && [ -n "$now" ] && [ "$now" -ge $(($1 - 60)) ] && [ "$now" -le $(($1 + 60)) ]; } # SECONDS
reached() { [ "$(count "$1")" -ge "$2" ]; } # RESULT NUMBER
more() { wait_for 120 reached "$1" $(($(count "$1") + $2)); } # RESULT NUMBER
ended() { ! kill -0 "$PID" 2>/dev/null; }

env LD_PRELOAD="$T/clock.so" "$BROKER" run -f "$T/policy.yaml" --kubeconfig "$ADMIN" --state-namespace usher-system --every 1s --listen 127.0.0.1:0 --healthy-for 30s \
	--audit-log "$T/log.jsonl" --metrics "$T/run.prom" >"$T/log" 2>&1 &
PID=$!
at_exit kill -KILL "$PID"
wait_for 120 grep -q 'http://' "$T/log"
URL=$(sed -nE 's|.*; (http://[^/]*)/metrics.*|\1|p' "$T/log")
ok 'it comes to rest' more complete 2
is "$(bindings)" 'dev-view ops-view' 'what holds is there, what is to come is not'
unlike "$(cat "$T/log")" 'the clock of' 'of clocks that agree nothing is said'

give() { wrong "$BROKER" elevate -f "$T/policy.yaml" --kubeconfig "$ADMIN" --state-namespace usher-system user bob --role edit -n apps --for 1h --reason 'the queue is stuck'; }
status 0 'a role for an hour' give
all=$(bindings)
is "$(wc -w <<<"$all")" 3 'is there'

shift_clock $HOUR
ok 'an hour ahead the runs go on' more complete 3
is "$(bindings)" "$all" 'all that was there is there, and no more'
like "$(cat "$T/log")" 'usher-broker: the clock of [0-9.:]+ is (60|59) min behind this machine.s: what is over is decided by that one; set the one that is wrong' \
	'and say how far the clocks are apart'
ok 'the number says it, too' is_off -$HOUR
ok 'once, not in each of them' test "$(grep -c 'the clock of' "$T/log")" -le 2
broken() { # WHEN: somebody takes a binding away; a run writes it again, and a line into its log
	admin delete rolebinding dev-view -n apps >/dev/null
	ok "$1 it mends what somebody broke" wait_for 120 back
}
back() { [ "$(bindings)" = "$all" ]; }
broken 'an hour ahead'
shift_clock 0
broken 'when the clock was set back'

ok 'and the number says that they agree' wait_for 120 is_off 0

shift_clock -$HOUR
ok 'an hour behind the runs go on' more complete 3
is "$(bindings)" "$all" 'and all that was there is there'
like "$(cat "$T/log")" 'usher-broker: the clock of [0-9.:]+ is (60|59) min ahead of this machine.s: what is over is decided by that one; set the one that is wrong' \
	'and say which one is ahead'
ok 'the number, too' is_off $HOUR

# More than a day ahead, nobody knows which of the two is wrong: what is over by that one alone stays.
shift_clock 0
ok 'the clock is right again' wait_for 120 is_off 0
short() { wrong "$BROKER" elevate -f "$T/policy.yaml" --kubeconfig "$ADMIN" --state-namespace usher-system user eve --role edit -n apps --for 30s --reason 'the queue is stuck'; }
status 0 'a role for half a minute' short
with_short=$(bindings)
is "$(wc -w <<<"$with_short")" 4 'is there'
shift_clock -$((2 * DAY))
over=$(($(date +%s) + 31))
is_over() { [ "$(date +%s)" -gt "$over" ]; }
ok 'its time passes by the server alone' wait_for 120 is_over
ok 'two days behind the runs go on' more complete 3
is "$(bindings)" "$with_short" 'and end nothing'
like "$(cat "$T/log")" 'usher-broker: the clock of [0-9.:]+ is (2 d|47 h) ahead of this machine.s: what is over by that one alone is left as it is; set the one' 'and say that'
shift_clock 0
is_without() { [ "$(bindings)" = "$all" ]; }
ok 'when the clocks agree it ends' wait_for 120 is_without

shift_clock $((2 * HOUR))
status 5 'two hours off nothing is given for a time' give
like "$(cat "$ERR")" "nothing was given: it is [-0-9: ]*UTC by the API server's clock and [-0-9: ]*UTC by this machine's" 'and it is said why'
like "$(cat "$ERR")" 'Set the clock that is wrong' 'and what to do'

# So far off no certificate holds. That, too, ends nothing, and says what it may be.
for offset in $YEARS -$YEARS; do
	shift_clock "$offset"
	ok "ten years off ($offset s): the runs fail" more failed 2
	is "$(bindings)" "$all" "ten years off ($offset s): all that was there is there, and no more"
	ok "ten years off ($offset s): it says what the clock says" grep -qE "certificate (has expired|is not yet valid) by this machine's clock, where it is $(date -u -d "+$offset seconds" +%Y)" "$T/log"
done
is "$(curl -sS -o /dev/null -w '%{http_code}' "$URL/readyz")" 200 'ten years off: it is alive'
shift_clock 0
ok 'when it is right again, it goes on' more complete 2
is "$(curl -sS -o /dev/null -w '%{http_code}' "$URL/healthz")" 200 'and is well'
is "$(bindings)" "$all" 'with nothing lost and nothing won'

kill -TERM "$PID"
ok 'it ends' wait_for 120 ended
wait "$PID"
is "$?" 0 'with status 0'
status 0 'the audit log is one, though its times go back' "$BROKER" verify-log "$T/log.jsonl"
is "$(admin get lease usher-broker -n usher-system -o jsonpath='{.spec.holderIdentity}')" '' 'and the Lease is given back'
done_testing
