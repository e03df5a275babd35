#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/ on a real API server: both overlays are taken, their pods are such as restricted Pod Security lets in, and what the
# pods would run runs here, in the folder that is the container's second stage, as nobody, with the ServiceAccount's token and
# nothing more. Then `run`: two at once, signals, a policy that is edited to nonsense and back, and a real Prometheus.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
. "$USHER_SRC/tests/support/pod.sh"
have curl jq || skip_all 'no curl or jq on this machine'
me=system:serviceaccount:usher-system:usher-broker

# ---- what the API server says of it ----

with_operator() { # the component, as an overlay of one's own takes it; the API server here does not know its kinds
	mkdir "$T/deploy/operator"
	printf 'resources: [../deployment]\ncomponents: [../components/prometheus-operator]\n' >"$T/deploy/operator/kustomization.yaml"
	is "$(kubectl kustomize "$T/deploy/operator" | grep -cE '^kind: (PodMonitor|PrometheusRule|Deployment)$')" 3 'the component for the Prometheus operator goes with the overlay'
}

# ---- the pod as a process ----

job() { # the CronJob's command: in its container where one can be made, else as it is
	if [ -z "$why" ]; then
		pod_command cronjob usher-broker
		"${POD[@]}"
	else
		"$BROKER" apply -f "$T/deploy/base/policy.yaml" --kubeconfig "$T/broker.kubeconfig" --audit-log -
	fi
}

asked() { audit_caught_up; jq -c --arg me "$me" 'select(.user.username == $me and (.userAgent | startswith("usher")))' "$CLUSTER/audit.log"; } # requests of the ServiceAccount
count() { asked | wc -l; }
writes() { asked | jq -c 'select((.verb | IN("create", "update", "patch", "delete")) and (.objectRef.resource | test("reviews$") | not))' | wc -l; }
bound() { admin get rolebinding read-pods-services -n fancy-namespace -o jsonpath='{.subjects[*].name}' 2>/dev/null; }

as_a_pod() { # the CronJob's command
	local before written
	status 0 'the CronJob runs with the token of its ServiceAccount' job
	is "$(bound)" oidc:k8s-restricted-users 'and the binding of the example is there'
	like "$(cat "$OUT")" '"event":"binding.created"' 'S18 and its log tells the change, in a line of the audit log'
	before=$(count) written=$(writes)
	status 0 'its second run' job
	is "$(($(writes) - written))" 0 'BE35 writes nothing'
	note "requests of a run at rest: $(($(count) - before))"
	like "$(($(count) - before))" '^([1-9]|1[0-9])$' 'with less than 20 requests'
	nok 'and it may not read a Secret' admin auth can-i get secrets -n usher-system --as "$me"
	nok 'nor a pod of others' admin auth can-i list pods -n kube-system --as "$me"
}

thousand() { # the same where there are 1,000 namespaces, and each gets a binding: policy and rights made anew, as base/policy.yaml says
	local before written
	seq 1000 | jq -n '[inputs | {apiVersion: "v1", kind: "Namespace", metadata: {name: "team-\(.)", labels: {team: "yes"}}}] | {apiVersion: "v1", kind: "List", items: .}' >"$T/many.json"
	admin create -f "$T/many.json" >/dev/null
	sed -i 's|^limits:|- {group: /platform/admins, role: pod-service-reader, namespaceSelector: {team: "yes"}, name: admins}\n&|' "$T/deploy/base/policy.yaml"
	"$BROKER" rbac -f "$T/deploy/base/policy.yaml" >"$T/deploy/base/rbac.yaml"
	ok 'a policy that grants more is applied with the rights that it needs' admin apply -k "$T/deploy/cronjob"
	cp "$T/deploy/base/policy.yaml" "$T/volumes/cronjob/policy/..now/policy.yaml"
	status 0 'its run makes 1,000 bindings' job
	is "$(admin get rolebindings -A -o name | grep -c /admins)" 1000 'which are there'
	before=$(count) written=$(writes)
	status 0 'the next run' job
	is "$(($(writes) - written))" 0 'BE35 writes nothing at 1,000 namespaces'
	note "requests of a run at rest, 1,000 namespaces: $(($(count) - before))"
	like "$(($(count) - before))" '^([1-9]|1[0-9])$' 'with less than 20 requests, as before'
}

# ---- run ----

stay() { # NAME [OPTION...]: a `run` of the same policy, its log in $T/NAME.log; PID, URL
	: >"$T/$1.log" # here, not in the child: what the one before said is no sign of this one
	"$BROKER" run -f "$T/deploy/base/policy.yaml" --kubeconfig "$T/broker.kubeconfig" --listen 127.0.0.1:0 "${@:2}" >"$T/$1.log" 2>&1 &
	PID=$!
	at_exit kill -KILL $PID
	disown $PID
	wait_for 120 grep -q 'http://' "$T/$1.log"
	URL=$(sed -nE 's|.*; (http://[^/]*)/metrics.*|\1|p' "$T/$1.log")
}

page() { curl -sS --max-time 60 "$URL/$1"; }
metric() { page metrics | awk -v name="$1" '$1 == name { print $2 }'; } # NAME{LABELS}
complete() { [ "$(metric 'usher_broker_runs_total{result="complete"}')" -ge "$1" ]; }
failed() { [ "$(metric 'usher_broker_runs_total{result="failed"}')" -ge "$1" ]; }
holder() { admin get lease usher-broker -n usher-system -o jsonpath='{.spec.holderIdentity}'; }
ended() { ! kill -0 "$1" 2>/dev/null; }
regrouped() { [ "$(bound)" = "$1" ]; }

two_at_once() {
	local first second one two written
	stay one --every 1s
	first=$PID one=$URL
	stay two --every 1s
	second=$PID two=$URL
	ok 'one stays and comes to rest' wait_for 120 complete 3
	URL=$one
	ok 'and another beside it' wait_for 120 complete 3
	written=$(writes)
	admin delete rolebinding read-pods-services -n fancy-namespace >/dev/null
	ok 'what was deleted comes back' wait_for 120 regrouped oidc:k8s-restricted-users
	wait_for 120 complete $(($(metric 'usher_broker_runs_total{result="complete"}') + 2))
	is "$(asked | jq -c 'select(.verb == "create" and .objectRef.resource == "rolebindings" and .objectRef.name == "read-pods-services" and .responseStatus.code == 201)' | wc -l)" \
		2 'by one of the two alone'
	is "$(metric 'usher_broker_runs_total{result="failed"}')" 0 'that the other one had the Lease is no failure'
	URL=$two
	is "$(metric 'usher_broker_runs_total{result="failed"}')" 0 'of neither'
	kill -TERM "$first" "$second"
	ok 'SIGTERM ends both within seconds' wait_for 120 ended "$first"
	ok 'the other one, too' wait_for 120 ended "$second"
	is "$(holder)" '' 'the Lease is given back'
	like "$(cat "$T/one.log" "$T/two.log" | wc -l)" '^[1-9]$|^1[0-4]$' 'the log of a day at rest is a few lines long'
}

leads_made() { [ "$(asked | jq -c 'select(.verb == "create" and .objectRef.name == "leads")' | wc -l)" -gt 0 ]; }

broken_off() { # SIGTERM in the middle of 2,000 writes: each binding gets another name
	sed -i 's/name: admins}/name: leads}/' "$T/deploy/base/policy.yaml"
	"$BROKER" run -f "$T/deploy/base/policy.yaml" --kubeconfig "$T/broker.kubeconfig" --listen none --every 1h >"$T/off.log" 2>&1 &
	PID=$!
	wait_for 120 leads_made
	kill -TERM "$PID"
	SECONDS=0
	wait "$PID"
	local code=$? took=$SECONDS
	note "$(tail -n 1 "$T/off.log")"
	like "$code" '^(0|10)$' 'a SIGTERM while it writes ends it with 10, or with 0 when all was written'
	ok 'in less time than a kubelet gives it' test "$took" -lt 30
	is "$(holder)" '' 'and the Lease is given back'
	status 0 'the next run does the rest' "$BROKER" apply -f "$T/deploy/base/policy.yaml" --kubeconfig "$T/broker.kubeconfig"
	is "$(admin get rolebindings -A -o name | grep -c /leads) $(admin get rolebindings -A -o name | grep -c /admins)" '1000 0' 'whole'
}

# ---- Prometheus ----

prom() { curl -sS --max-time 60 -G "http://127.0.0.1:$prom_port/api/v1/$1" "${@:2}"; }
query() { prom query --data-urlencode "query=$1" | jq -r '.data.result | length'; }
scraped() { [ "$(query 'up == 1')" = 1 ]; }
long_enough() { [ "$(query 'count_over_time(usher_broker_build_info[5m]) > 4')" = 1 ]; }
answers() { [ "$(query "$1")" != 0 ]; }

monitored() {
	local expr empty=
	stay prom --every 1s
	ok 'a complete run' wait_for 120 complete 1
	page metrics >"$T/page"
	if ! have prometheus promtool; then
		skip 'S18 a real Prometheus scrapes a real run' 'no prometheus on this machine'
		return
	fi
	promtool check metrics <"$T/page" >"$T/lint" 2>&1
	is "$? $(cat "$T/lint")" '0 ' 'BE36 promtool finds nothing to say against the numbers'
	read -r prom_port < <("$SUPPORT/ports.sh" 1)
	cp "$USHER_SRC"/deploy/monitoring/usher-rules.yaml "$T/"
	sed "s/127.0.0.1:9464/${URL#http://}/; s/30s/1s/" "$USHER_SRC/deploy/monitoring/prometheus.yml" >"$T/prometheus.yml"
	prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" --web.listen-address="127.0.0.1:$prom_port" --log.level=warn >"$T/prometheus.log" 2>&1 &
	local prometheus=$!
	at_exit kill -KILL $prometheus
	disown $prometheus
	ok 'S18 a real Prometheus scrapes a real run' wait_for 120 scraped
	wait_for 120 long_enough
	while IFS= read -r expr; do answers "$expr" || empty+="$expr"$'\n'; done < <(jq -r '.panels[].targets[]?.expr' "$USHER_SRC/deploy/monitoring/usher-dashboard.json")
	is "$empty" '' 'S18 each query of the dashboard has an answer'
	is "$(prom rules | jq -r '[.data.groups[].rules[] | select(.health != "ok" and .health != "unknown")] | length')" 0 'S18 each rule is evaluated'
	is "$(query 'ALERTS{alertname!="UsherNotScraped"}')" 0 'and none speaks while all is well'
	sed -i 's/^grants:/grants: {/' "$T/deploy/base/policy.yaml"
	ok 'a policy of nonsense fails' wait_for 120 failed 1
	ok 'S18 and an alert begins to count' wait_for 120 answers 'ALERTS{alertname="UsherRunFails",alertstate="pending"}'
	like "$(page healthz)" 'policy\.yaml:[0-9]+:[0-9]+: ' 'the last error is told by /healthz'
	ok 'a second one fails' wait_for 120 failed 2
	is "$(grep -c 'policy.yaml:' "$T/prom.log")" 1 'and in one line of the log, however many runs fail'
	sed -i 's/^grants: {/grants:/' "$T/deploy/base/policy.yaml"
	ok 'mended, it is carried out again' wait_for 120 complete $(($(metric 'usher_broker_runs_total{result="complete"}') + 1))
	kill -TERM "$prometheus" "$PID"
	wait_for 120 ended "$prometheus"
}

cluster_start
admin create namespace fancy-namespace >/dev/null
cp -r "$USHER_SRC/deploy" "$T/deploy"
takes deployment deployment
takes cronjob cronjob
with_operator
account_kubeconfig usher-broker "$T/broker.kubeconfig"
why=$(pod_why)
if [ -z "$why" ]; then
	ok 'the container is made' pod_root
	ok 'and what is mounted into it' pod_volumes cronjob
	pod_command cronjob usher-broker render -f /etc/usher/policy.yaml /rendered
	status 8 'nobody writes into its root' "${POD[@]}"
	like "$(cat "$ERR")" 'Read-only file system' 'which cannot be written'
else
	skip 'the CronJob runs in its container' "$why"
fi
as_a_pod
thousand
two_at_once
broken_off
monitored
done_testing
