#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `run` over days, on a real API server: its token is replaced beneath it, and it is asked to end at each of the moments at
# which that can come: at rest, while it reads a source, while the API server says nothing, while it writes.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
have curl jq openssl || skip_all 'no curl, jq or openssl on this machine'
me=system:serviceaccount:usher-system:usher-broker

# ---- what is carried out: groups come from a program, which waits where it is told to ----

program() {
	cat >"$T/source" <<-EOF
	#!/bin/sh
	[ ! -e '$T/block' ] || { touch '$T/blocked'; exec sleep 600; }
	echo '{"groups": [{"name": "dev", "members": []}], "count": 1}'
	EOF
	chmod 700 "$T/source"
}

policy() { # NAME NAMESPACE...: a binding of that name in each
	local list
	printf -v list '%s, ' "${@:2}"
	cat >"$T/policy.yaml.new" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	metadata: {name: stays}
	cluster: {groupPrefix: "oidc:"}
	sources: {main: {command: {command: [$T/source], timeout: 10m}}}
	roles: {viewer: {clusterRole: view}}
	grants:
	- {group: dev, role: viewer, namespaces: [${list%, }], name: $1}
	EOF
	mv "$T/policy.yaml.new" "$T/policy.yaml"
}

# ---- the process ----

AS=() # words in front of it

stay() { # NAME [OPTION...]: PID, URL; its log is $T/NAME.log
	: >"$T/$1.log" # here, not in the child: what the one before said is no sign of this one
	${AS[@]+"${AS[@]}"} "$BROKER" run -f "$T/policy.yaml" --rights any --state-namespace usher-system --listen 127.0.0.1:0 --audit-log "$T/$1.jsonl" "${@:2}" >"$T/$1.log" 2>&1 &
	PID=$!
	at_exit kill -KILL "$PID"
	wait_for 120 grep -q 'http://' "$T/$1.log" || note "$(cat "$T/$1.log")"
	URL=$(sed -nE 's|.*; (http://[^/]*)/metrics.*|\1|p' "$T/$1.log")
}
count() { curl -sS --max-time 60 "$URL/metrics" | awk -v name="usher_broker_runs_total{result=\"$1\"}" '$1 == name { print $2 }'; } # complete|failed
reached() { [ "$(count "$1")" -ge "$2" ]; } # RESULT NUMBER
more() { wait_for 120 reached complete $(($(count complete) + $1)); } # NUMBER
ended() { ! kill -0 "$PID" 2>/dev/null; }
holder() { admin get lease usher-broker -n usher-system -o jsonpath='{.spec.holderIdentity}'; }
bindings() { admin get rolebindings -A -o json | jq -r --arg name "$1" '[.items[] | select(.metadata.name == $name)] | length'; } # NAME
are() { [ "$(bindings "$1")" = "$2" ]; } # NAME NUMBER

asked_to_end() { # NAME WHAT STATUS: SIGTERM, and how it ended
	local code
	kill -TERM "$PID"
	ok "$2: SIGTERM ends it" wait_for 120 ended
	wait "$PID"
	code=$?
	is "$code" "$3" "$2: with status $3"
	is "$(holder)" '' "$2: the Lease is given back"
	nok "$2: its port is closed" curl -sS --max-time 5 "$URL/healthz"
	log_is_whole "$1" "$2"
}
log_is_whole() { # NAME WHAT
	status 0 "$2: the audit log is whole" "$BROKER" verify-log "$T/$1.jsonl"
	unlike "$(cat "$OUT")" 'did not end' "$2: and each run in it came to its end"
}

# ---- tokens ----

token_for() { # NAME: a token of the ServiceAccount that ends when the Secret of that name does
	admin create secret generic "$1" -n usher-system >/dev/null
	admin create token usher-broker -n usher-system --duration 1h --bound-object-kind Secret --bound-object-name "$1"
}
refused() { [ "$(curl -sS --cacert "$CLUSTER/ca.crt" -o "$OUT" -w '%{http_code}' -H "Authorization: Bearer $1" "$SERVER/apis")" = 401 ]; } # TOKEN
replace() { # FILE TOKEN: as the kubelet does, another file in its place
	(umask 077 && printf %s "$2" >"$1.new")
	mv "$1.new" "$1"
}

rotated() { # NAME FILE: the `run` of that name reads its token there
	local old new failed
	old=$(cat "$2")
	ok "$1: it comes to rest" more 2
	new=$(token_for "$1-new")
	replace "$2" "$new"
	admin delete secret "$1-old" -n usher-system >/dev/null
	ok "$1: the token that was is refused by the API server" wait_for 120 refused "$old"
	failed=$(count failed)
	ok "$1: a run whose token file was replaced goes on" more 3
	is "$failed $(count failed)" '0 0' "$1: without a run that failed"
	admin delete rolebinding "$1" -n apps >/dev/null
	ok "$1: with the new token it does its work" wait_for 120 are "$1" 1
	old=$new # and the other way round: the token ends before another one is there
	admin delete secret "$1-new" -n usher-system >/dev/null
	ok "$1: a token that ended is refused" wait_for 120 refused "$old"
	ok "$1: which a run says" wait_for 120 grep -q 'does not accept our credentials (401' "$T/$1.log"
	replace "$2" "$(token_for "$1-last")"
	ok "$1: and goes on when there is another" more 2
	is "$(grep -c 'does not accept our credentials (401' "$T/$1.log")" 1 "$1: however many runs failed, it is said once"
	like "$(cat "$T/$1.log")" 'usher-broker: works again; before that [0-9]* runs? failed' "$1: and when it is over"
	nok "$1: no token is in its log" grep -qF "${old:20:60}" "$T/$1.log"
}

by_kubeconfig() {
	policy by-file apps
	replace "$T/account.kubeconfig.token" "$(token_for by-file-old)"
	stay by-file --every 1s --kubeconfig "$T/account.kubeconfig"
	rotated by-file "$T/account.kubeconfig.token"
	asked_to_end by-file 'at rest' 0
}

in_a_pod() { # where a pod's clients look, with nothing else to go by
	local address=${SERVER#https://} folder=$T/mounted
	if ! unshare -m true 2>/dev/null; then
		skip 'in a pod' 'no mount namespace can be made here'
		return
	fi
	policy in-pod apps
	mkdir -m 711 "$folder"
	cp "$CLUSTER/ca.crt" "$folder/ca.crt"
	printf usher-system >"$folder/namespace"
	replace "$folder/token" "$(token_for in-pod-old)"
	# shellcheck disable=SC2016 # for the shell that it is given to
	AS=(env -u KUBECONFIG HOME=/nonexistent "KUBERNETES_SERVICE_HOST=${address%:*}" "KUBERNETES_SERVICE_PORT=${address##*:}" unshare -m sh -c
		'mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io && ln -s "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"' "$folder")
	stay in-pod --every 1s
	AS=()
	rotated in-pod "$folder/token"
	asked_to_end in-pod 'in a pod' 0
}

# ---- certificates ----

client_certificate() { # NAME: $T/client.crt and its key, of an admin of that name
	(cd "$T" && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key.new -subj "/O=system:masters/CN=$1" -out client.csr &&
		openssl x509 -req -in client.csr -CA "$CLUSTER/ca.crt" -CAkey "$CLUSTER/ca.key" -CAcreateserial -days 7 -out client.crt.new &&
		chmod 600 client.key.new && mv client.key.new client.key && mv client.crt.new client.crt) 2>>"$T/openssl.log"
}
other_authority() { # another CA, and the API server with a certificate of it; new-ca.crt
	(mkdir -p "$T/other" && "$SUPPORT/certificates.sh" "$T/other" && cp "$T/other/server.key" "$CLUSTER/server.key" && cp "$T/other/server.crt" "$CLUSTER/server.crt") 2>>"$T/openssl.log"
}
as() { audit_caught_up; jq -e --arg name "$1" 'select(.user.username == $name)' "$CLUSTER/audit.log" >/dev/null; } # NAME
trusts() { curl -sS -o /dev/null --max-time 5 --cacert "$1" "$SERVER/version" 2>/dev/null; } # CA

by_certificate() {
	local failed
	policy by-cert apps
	cp "$CLUSTER/ca.crt" "$T/run-ca.crt"
	client_certificate first-name
	cat >"$T/cert.kubeconfig" <<-EOF
	apiVersion: v1
	kind: Config
	clusters: [{name: test, cluster: {server: "$SERVER", certificate-authority: "$T/run-ca.crt"}}]
	contexts: [{name: own, context: {cluster: test, user: own}}]
	current-context: own
	users: [{name: own, user: {client-certificate: "$T/client.crt", client-key: "$T/client.key"}}]
	EOF
	chmod 600 "$T/cert.kubeconfig"
	stay by-cert --every 1s --kubeconfig "$T/cert.kubeconfig"
	ok 'a client certificate: it comes to rest' more 2
	failed=$(count failed)
	client_certificate second-name
	ok 'a client certificate that was replaced is shown' wait_for 120 as second-name
	ok 'and the runs go on' more 2
	is "$(count failed)" "$failed" 'without one that failed'

	cp "$CLUSTER/server.crt" "$T/old-server.crt"
	cp "$CLUSTER/server.key" "$T/old-server.key"
	other_authority
	ok 'another CA: the API server has it' wait_for 120 trusts "$T/other/ca.crt"
	ok 'another CA: a run says so' wait_for 120 grep -q 'certificate is not trusted' "$T/by-cert.log"
	is "$(grep -c 'certificate is not trusted' "$T/by-cert.log")" 1 'another CA: once'
	cp "$T/other/ca.crt" "$T/run-ca.crt.new" && mv "$T/run-ca.crt.new" "$T/run-ca.crt"
	ok 'another CA: and goes on when the kubeconfig has it' more 2
	cp "$T/old-server.key" "$CLUSTER/server.key"
	cp "$T/old-server.crt" "$CLUSTER/server.crt"
	ok 'another CA: the first one is back' wait_for 120 trusts "$CLUSTER/ca.crt"
	cp "$CLUSTER/ca.crt" "$T/run-ca.crt.new" && mv "$T/run-ca.crt.new" "$T/run-ca.crt"
	ok 'another CA: with that, too' more 2
	asked_to_end by-cert 'with a certificate' 0
}

# ---- two of them ----

two_at_once() { # both begin in the same second, again and again, and somebody takes away what they write
	local first log
	policy both apps
	stay one --every 1s --kubeconfig "$T/account.kubeconfig"
	first=$PID
	stay two --every 1s --kubeconfig "$T/account.kubeconfig"
	for _ in 1 2 3 4 5 6; do
		admin delete rolebinding both -n apps >/dev/null 2>&1
		wait_for 120 are both 1 || break
	done
	ok 'two at once: what was taken away six times is there' are both 1
	ok 'two at once: the second one works' more 2
	is "$(count failed)" 0 'two at once: none of its runs failed'
	kill -KILL "$first" # in the middle of whatever it does, its Lease with it
	wait "$first" 2>/dev/null
	admin delete rolebinding both -n apps >/dev/null 2>&1
	ok 'two at once: when one is killed, the other goes on, after the Lease at the latest' wait_for 120 are both 1
	is "$(count failed)" 0 'two at once: still none failed'
	asked_to_end two 'two at once' 0
	for log in one two; do
		status 0 "two at once: the audit log of $log is whole" "$BROKER" verify-log "$T/$log.jsonl"
	done
}

# ---- signals ----

while_it_reads() { # a source that takes its time
	policy slow apps
	stay source --every 1s --kubeconfig "$T/account.kubeconfig"
	more 1
	touch "$T/block"
	wait_for 120 test -e "$T/blocked"
	asked_to_end source 'while a source is read' 0
	rm "$T/block" "$T/blocked"
	is "$(bindings slow)" 1 'while a source is read: nothing was taken away'
}

under_way() { curl -sS --max-time 60 "$URL/metrics" | grep '^usher_broker_run_under_way 1' >/dev/null; }

while_it_asks() { # an API server that says nothing any more
	local server code
	server=$(sed -n 2p "$CLUSTER/pids")
	policy slow apps
	stay server --every 1s --kubeconfig "$T/account.kubeconfig"
	more 1
	kill -STOP "$server"
	wait_for 120 under_way
	kill -TERM "$PID"
	ok 'while the API server says nothing: SIGTERM ends it' wait_for 120 ended
	kill -CONT "$server"
	wait "$PID"
	code=$?
	is "$code" 0 'while the API server says nothing: with status 0, for nothing was broken off'
	log_is_whole server 'while the API server says nothing'
}

made() { # NAME: bindings of that name that the API server has made for us; by grep alone, for the run goes on meanwhile
	grep "\"username\":\"$me\"" "$CLUSTER/audit.log" | grep -c "\"verb\":\"create\".*\"resource\":\"rolebindings\",\"namespace\":\"[^\"]*\",\"name\":\"$1\".*\"code\":201"
}
are_made() { [ "$(made "$1")" -ge "$2" ]; }

while_it_writes() {
	local namespaces
	namespaces=$(seq -f 'team-%.0f' 1500)
	jq -Rn '{apiVersion: "v1", kind: "List", items: [inputs | {apiVersion: "v1", kind: "Namespace", metadata: {name: .}}]}' <<<"$namespaces" >"$T/many.json"
	admin create -f "$T/many.json" >/dev/null
	# shellcheck disable=SC2086 # words
	policy many $namespaces
	stay writes --every 1h --kubeconfig "$T/account.kubeconfig"
	wait_for 120 are_made many 100
	asked_to_end writes 'while it writes' 10
	like "$(cat "$T/writes.log")" 'stopped by a signal: of [0-9,]+ changes [0-9,]+ are done, 0 were under way and may be, [0-9,]+ were not tried' \
		'while it writes: what was under way came to its end, and is counted'
	jq -r 'select(.event == "binding.created") | .namespace' "$T/writes.jsonl" | sort -u >"$T/told"
	admin get rolebindings -A -o json | jq -r '.items[] | select(.metadata.name == "many") | .metadata.namespace' | sort -u >"$T/there"
	ok 'while it writes: not all was written' test "$(wc -l <"$T/there")" -lt 1500
	is "$(comm -3 "$T/told" "$T/there")" '' 'while it writes: the audit log has a line for each binding that is there, and for no other'
	status 0 'while it writes: the next run does the rest' "$BROKER" apply -f "$T/policy.yaml" --rights any --kubeconfig "$T/account.kubeconfig" --state-namespace usher-system
	is "$(bindings many)" 1500 'while it writes: whole'
}

# ---- its disk ----

failed() { [ "$(count failed)" -ge 1 ]; }

while_the_disk_is_full() { # its log is on a disk with room for a few lines
	if ! { mkdir "$T/small" && mount -t tmpfs -o size=16k tmpfs "$T/small"; } 2>/dev/null; then
		skip 'a full disk' 'nothing can be mounted here'
		return
	fi
	# shellcheck disable=SC2046 # words
	policy full $(seq -f 'team-%.0f' 1500) # who keeps the same role loses nothing, so no limit is in the way
	stay small/full --every 1s --kubeconfig "$T/account.kubeconfig"
	ok 'a full disk: the runs fail' wait_for 120 failed
	mount -o remount,size=4m "$T/small"
	ok 'with room again they go on' more 2
	is "$(jq -r 'select(.event == "log.lost") | .lines > 10' <(grep '}$' "$T/small/full.jsonl"))" true 'and the log says how many lines are not in it'
	status 0 'which is one log' "$BROKER" verify-log "$T/small/full.jsonl"
	like "$(cat "$OUT")" 'the disk was full' 'and says so'
	kill -TERM "$PID"
	wait "$PID"
	umount "$T/small"
}

cluster_start
program
admin create namespace apps >/dev/null
admin create namespace usher-system >/dev/null
admin create serviceaccount usher-broker -n usher-system >/dev/null
admin create clusterrolebinding usher-broker --clusterrole=cluster-admin --serviceaccount=usher-system:usher-broker >/dev/null
account_kubeconfig usher-broker "$T/account.kubeconfig"
by_kubeconfig
in_a_pod
by_certificate
replace "$T/account.kubeconfig.token" "$(token_for signals)"
two_at_once
while_it_reads
while_it_asks
while_it_writes
while_the_disk_is_full
done_testing
