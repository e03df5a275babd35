#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usher-broker run as a process: its command line, its signals, a policy that is edited to nonsense and back, an API server
# that is not there, and what a hostile visitor of its port gets. What it does to a cluster is tests/e2e/deploy.sh.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
have curl || skip_all 'no curl on this machine'

cat >"$T/kubeconfig" <<-EOF
apiVersion: v1
kind: Config
clusters: [{name: gone, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {token: not-a-secret-of-anybody}}]
contexts: [{name: gone, context: {cluster: gone, user: me}}]
current-context: gone
EOF
chmod 600 "$T/kubeconfig"
cp "$USHER_SRC/examples/policy.yaml" "$USHER_SRC/examples/groups.json" "$T/"

begin() { # [OPTION...]: in the background, PID; waits until it says where it listens: URL
	: >"$T/log" # here, not in the child: what the one before said is no sign of this one
	"$BROKER" run -f "$T/policy.yaml" --kubeconfig "$T/kubeconfig" --listen 127.0.0.1:0 "$@" >"$T/log" 2>&1 &
	PID=$!
	at_exit kill -KILL $PID
	disown $PID # or bash tells how it ended
	wait_for 120 grep -q 'http://' "$T/log"
	URL=$(sed -nE 's|.*; (http://[^/]*)/metrics.*|\1|p' "$T/log")
}

lines() { [ "$(grep -c "$1" "$T/log")" -ge "$2" ]; } # REGEX NUMBER: at least so many
page() { curl -sS --max-time 60 "$URL/$1"; } # PATH
code() { curl -sS --max-time 60 -o /dev/null -w '%{http_code}' "$URL/${1:-}" "${@:2}"; } # PATH [OPTION...]
ended() { ! kill -0 "$PID" 2>/dev/null; }
shows() { page "$1" >"$T/page" && grep -E "$2" "$T/page" >/dev/null; } # PATH REGEX
unwell() { [ "$(code healthz)" = 503 ]; }

status 2 'a policy is needed' "$BROKER" run
status 2 'stdin is none: it can be read once' "$BROKER" run -f -
like "$(cat "$ERR")" 'reads the policy again' 'and says why'
mkfifo "$T/fifo"
status 2 'a pipe is none either' timeout 60 "$BROKER" run -f "$T/fifo" --listen none --max-runs 1
like "$(cat "$ERR")" 'fifo: is no file, and each run reads the policy again; name a file' 'and says that it is no file'
one_line "$ERR" 'in one line'
for bad in 0s 5 -1m 5x 31d ''; do
	status 2 "--every '$bad' is refused" "$BROKER" run -f "$T/policy.yaml" --every "$bad"
done
for bad in localhost:9464 9464 127.0.0.1:99999 '[::1]'; do
	status 2 "--listen $bad is refused" "$BROKER" run -f "$T/policy.yaml" --listen "$bad"
done
status 2 'no run at all is refused' "$BROKER" run -f "$T/policy.yaml" --max-runs 0

status 6 'BE35 after so many runs it ends with the status of the last' "$BROKER" run -f "$T/policy.yaml" --kubeconfig "$T/kubeconfig" --every 1s \
	--max-runs 2 --listen none
is "$(grep -c 'refused the connection' "$ERR") $(wc -l <"$ERR")" '1 2' 'while runs fail in one way it is said once'
is "$(cat "$OUT")" '' 'and none on stdout'

# ---- signals, with an hour between two runs: what comes sooner was asked for ----
begin --every 1h
ok 'the first run is at once' wait_for 120 lines 'refused the connection' 1
kill -HUP "$PID"
ok 'SIGHUP is now' wait_for 120 lines 'refused the connection' 2
is "$(code healthz) $(code readyz)" '200 200' 'one that fails is well for a while'
ok 'and says what fails, in one line' wait_for 120 shows healthz '^ok: began .* refused the connection$'
ok 'BE36 the runs are counted' wait_for 120 shows metrics 'usher_broker_runs_total\{result="failed"\} 2'
unlike "$(page metrics)$(page healthz)" 'not-a-secret-of-anybody' 'no credential is on a page'
is "$(code)$(code metrics/x)$(code ../etc/passwd --path-as-is)$(code %2e%2e/metrics --path-as-is)" 404404404404 'nothing else is there'
is "$(code metrics -X POST)$(code metrics -X DELETE)$(code healthz -d x=1)" 405405405 'nothing can be sent'
like "$(code metrics -H "X: $(head -c 60000 /dev/zero | tr '\0' a)" 2>/dev/null)" '^(4[0-9][0-9]|000)$' 'a header of 60,000 bytes is refused'
is "$(code healthz)" 200 'and it goes on answering'

# ---- the policy: nonsense, and back; it is read by each run ----
runs=$(grep -c 'refused the connection' "$T/log")
echo 'grants: {' >"$T/policy.yaml"
kill -HUP "$PID"
ok 'a policy that does not parse is told with its place' wait_for 120 lines 'policy.yaml:[0-9]*:[0-9]*: ' 1
kill -HUP "$PID"
ok 'and again by the next run' wait_for 120 lines 'policy.yaml:[0-9]*:[0-9]*: ' 2
ok 'the last error stays visible' wait_for 120 shows healthz 'policy\.yaml:[0-9]+:[0-9]+: '
ok 'BE36 and is in the numbers of the policy that was' wait_for 120 shows metrics '^usher_broker_last_run_exit_status\{policy="default"\} 2'
cp "$USHER_SRC/examples/policy.yaml" "$T/policy.yaml"
kill -HUP "$PID"
ok 'one that was mended is carried out again' wait_for 120 lines 'refused the connection' $((runs + 1))

# ---- what stands in its place: nothing of it holds a run up ----
keep() { mv "$T/policy.yaml" "$T/kept.yaml"; }
instead() { # WHAT REGEX
	kill -HUP "$PID"
	ok "a policy that is $1 is told" wait_for 120 lines "$2" 1
	rm -rf "$T/policy.yaml"
}
keep
mkdir "$T/policy.yaml"
instead 'a folder' 'policy.yaml: is a folder'
mkfifo "$T/policy.yaml"
sleep 600 >"$T/policy.yaml" & # somebody holds it open and says nothing
holds=$!
at_exit kill -KILL "$holds"
disown "$holds"
instead 'a pipe that says nothing' 'policy.yaml: \(is empty\|is no file\)'
kill -KILL "$holds"
ln -s policy.yaml "$T/policy.yaml"
instead 'a link to itself' 'policy.yaml: \(is a link\|Too many levels\)'
truncate -s 8G "$T/policy.yaml"
instead 'eight gigabytes' 'policy.yaml: larger than'
mv "$T/kept.yaml" "$T/policy.yaml"
before=$(page metrics | awk '$1 == "usher_broker_runs_total{result=\"failed\"}" { print $2 }')
for i in {1..2000}; do kill -HUP "$PID"; done
ok 'a storm of SIGHUP ends in a run' wait_for 120 shows healthz 'refused the connection'
after=$(page metrics | awk '$1 == "usher_broker_runs_total{result=\"failed\"}" { print $2 }')
ok "and not in one for each of 2,000: $((after - before))" test $((after - before)) -lt 1000

scrape() { seq 200 | xargs -P 200 -I{} curl -sS --max-time 20 -o /dev/null -w '%{http_code}\n' "$URL/metrics" 2>/dev/null | sort | uniq -c | tr -s ' '; }
like "$(scrape)" '(^|[[:space:]])(1[0-9][0-9]|200) 200' '200 who scrape at once: most are answered'
is "$(code metrics)" 200 'and the next one is'

for i in {1..80}; do # who only sits on its port
	exec {fd}<>"/dev/tcp/127.0.0.1/${URL##*:}"
	printf 'GET /metrics HTTP/1.1\r\nX: ' >&"$fd"
done
is "$(code healthz)" 200 'beside 80 connections that only drip it answers'
kill -TERM "$PID"
ok 'SIGTERM ends it' wait_for 120 ended
unlike "$(tail -n 1 "$T/log")" 'signal|stopped' 'without a word, for nothing was broken off'
nok 'and its port is closed' curl -sS --max-time 5 "$URL/healthz"

# ---- its status ----
: >"$T/log" # as in begin
"$BROKER" run -f "$T/policy.yaml" --kubeconfig "$T/kubeconfig" --listen 127.0.0.1:0 --every 1h >"$T/log" 2>&1 &
PID=$!
wait_for 120 lines 'refused the connection' 1
kill -INT "$PID"
wait "$PID"
is "$?" 0 'a signal at rest ends it with 0'

# ---- its files ----
status 6 'numbers that cannot be written' "$BROKER" run -f "$T/policy.yaml" --kubeconfig "$T/kubeconfig" --every 1s --max-runs 2 --listen none --metrics "$T/no/such/m.prom"
like "$(cat "$ERR")" 'no/such' 'are told, also of a run that failed'
is "$(grep -c 'no/such' "$ERR")" 1 'once'

# ---- too long without a complete run ----
begin --every 1h --healthy-for 1s
ok '/healthz ends when the last complete run is too old' wait_for 120 unwell
ok 'and says why' wait_for 120 shows healthz '^no complete run for [0-9]+ s: 127\.0\.0\.1:1 refused the connection$'
is "$(page healthz | wc -l)" 1 'in one line'
taken=${URL#http://}
status 6 'a port that is taken is told' "$BROKER" run -f "$T/policy.yaml" --kubeconfig "$T/kubeconfig" --listen "$taken"
like "$(cat "$ERR")" "listen $taken: Address already in use.*--listen" 'with what to do'
kill -TERM "$PID"
ok 'and ends' wait_for 120 ended
done_testing
