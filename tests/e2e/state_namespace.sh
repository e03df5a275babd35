#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where the state is, the policy says: a `run` as deploy/ has it, with its ServiceAccount, and commands by hand with nothing but
# the policy see what the other one decided. Two answers are refused, a state is never begun anew beside another, and it is
# moved as usher-policy(5) says.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
have curl jq || skip_all 'no curl or jq on this machine'
cluster_start

policy=$T/deploy/base/policy.yaml
prepare() { # deploy/ with people to put out and a role to give for a time
	cp -r "$USHER_SRC/deploy" "$T/deploy"
	sed -i 's|^  groupName: leaf|&\n  userPrefix: "oidc:"|; s|^roles:|&\n  editor: {clusterRole: edit}|' "$policy"
	printf 'layout: users\nelevation:\n  allow:\n  - {roles: [editor], namespaces: [fancy-namespace], max: 4h}\n' >>"$policy"
	"$BROKER" rbac -f "$policy" >"$T/deploy/base/rbac.yaml"
	admin create namespace fancy-namespace >/dev/null
	ok 'deploy/ is applied' admin apply -k "$T/deploy/deployment"
	account_kubeconfig usher-broker "$T/broker.kubeconfig"
	mapfile -t ARGS < <(sed -nE 's|^ +- (--?[a-z].*)|\1|p; s|^ +- (run)$|\1|p' "$T/deploy/deployment/deployment.yaml")
}
in_pod() { # what its container is told, on this machine, in place of this shell
	local args=("${ARGS[@]/--filename=*/--filename=$policy}")
	args=("${args[@]/--listen=*/--listen=127.0.0.1:0}")
	exec "$BROKER" "${args[@]/--every=*/--every=1h}" --kubeconfig "$T/broker.kubeconfig"
}
stay() { # the run of deploy/: PID, its log is $T/run.log
	: >"$T/run.log"
	in_pod >"$T/run.out" 2>"$T/run.log" &
	PID=$!
	at_exit kill -KILL "$PID"
	disown "$PID"
	wait_for 120 grep -q 'http://' "$T/run.log"
	URL=$(sed -nE 's|.*; (http://[^/]*)/metrics.*|\1|p' "$T/run.log")
}
runs() { curl -sS --max-time 60 "$URL/metrics" | awk -v name="usher_broker_runs_total{result=\"$1\"}" '$1 == name { print $2 }'; } # complete|failed
reached() { [ "$(runs "$1")" -ge "$2" ]; }
again() { # RESULT: the next run, now
	local had
	had=$(runs "$1")
	kill -HUP "$PID"
	wait_for 120 reached "$1" $((had + 1))
}
bound() { admin get rolebinding read-pods-services -n fancy-namespace -o jsonpath='{.subjects[*].name}'; }
elevated() { admin get rolebindings -n fancy-namespace -l usher.dev/elevation -o name | wc -l; }
maps() { admin get configmaps -n "$1" -l app.kubernetes.io/managed-by=usher-broker -o name | sort | tr '\n' ' '; }
by_hand() { broker "$1" "${@:2}" -f "$policy"; }
key() { sed -nE 's/^([0-9a-f]{8}): .*/\1/p' "$OUT" | head -1; }

prepare
is "$(printf '%s\n' "${ARGS[@]}" | grep -c state-namespace)" 0 'no container is told where the state is'
stay
ok 'its run is complete' wait_for 120 reached complete 1
is "$(bound)" 'oidc:carol@example.com oidc:dave@example.com oidc:erin@example.com' 'and the people are bound'

# ---- by hand, seen by the run ----

status 0 'a role for a time, by hand' by_hand elevate user erin@example.com --role editor -n fancy-namespace --for 2h --reason 'incident 4711'
unlike "$(cat "$ERR")" 'no run of policy|state-namespace' 'without a word of another place'
given=$(key)
run by_hand offboard user carol@example.com --reason 'left the company'
like "$STATUS" '^(0|10)$' 'a person is offboarded by hand'
unlike "$(cat "$OUT" "$ERR")" 'no run of policy|--state-namespace' 'where the run looks'
ok 'the next run' again complete
is "$(elevated)" 1 'takes nothing for forged that was given by hand'
is "$(bound)" 'oidc:dave@example.com oidc:erin@example.com' 'and keeps out whom a hand put out, whatever the source says'
is "$(maps usher-system)" 'configmap/usher-broker-ledger configmap/usher-broker-state ' 'what is remembered is in one place'
is "$(maps default)" '' 'and in no other'

# ---- the run's, seen by hand ----

status 0 'a plan by hand' by_hand plan
status 0 'and an apply by hand, with nothing to do' by_hand apply
is "$(elevated)" 1 'take nothing for forged either'
status 0 'a hand lists what was given' by_hand elevations
like "$(cat "$OUT")" "$given" 'with its key'

# ---- two answers are none ----

for verb in plan apply elevations 'rbac' 'offboard user dave@example.com --reason x' 'elevate user erin@example.com --role editor -n fancy-namespace --for 1h --reason x'; do
	# shellcheck disable=SC2086
	status 2 "${verb%% *} that is told another place" "$BROKER" $verb -f "$policy" --state-namespace default
	like "$(cat "$ERR")" '^usher-broker: --state-namespace default, but .*policy.yaml says cluster.stateNamespace: usher-system' "${verb%% *}: both are named"
	one_line "$ERR" "${verb%% *}: in one line"
done
status 0 'a plan in a file' by_hand plan --out "$T/plan.json"
status 2 'carried out for another place' broker apply --plan "$T/plan.json" --state-namespace default
like "$(cat "$ERR")" '--state-namespace default, but .*plan.json was made for the state in namespace usher-system' 'both are named'
status 0 'it knows its place by itself' broker apply --plan "$T/plan.json"
is "$(maps default) $(elevated)" ' 1' 'and nothing was done'
status 0 'the same place said twice is one' by_hand plan --state-namespace usher-system

# ---- a policy that says nothing, beside that run ----

sed '/stateNamespace/d' "$policy" >"$T/deploy/base/old.yaml"
for verb in plan apply; do
	status 5 "$verb that would begin anew" broker $verb -f "$T/deploy/base/old.yaml"
	like "$(cat "$ERR")" 'RoleBinding fancy-namespace/read-pods-services is of runs that keep their state in namespace usher-system.*cluster.stateNamespace: usher-system' "$verb: says where the state is"
done
is "$(maps default) $(elevated)" ' 1' 'nothing was written, and nothing taken away'
status 0 'by the option it is found' broker plan -f "$T/deploy/base/old.yaml" --state-namespace usher-system

# ---- moved ----

admin create namespace usher-state >/dev/null
sed -i 's/stateNamespace: usher-system/stateNamespace: usher-state/' "$policy"
ok 'a run whose policy comes to mean another place' again failed
like "$(cat "$T/run.log")" 'policy.yaml means the state in namespace usher-state now, and this run keeps it in usher-system; nothing was written' 'refuses, in a line'
is "$(grep -c 'usher-state' "$T/run.log") $(maps usher-state)$(elevated)" '1 1' 'and leaves everything as it is'
ok 'a second one, too' again failed
kill -TERM "$PID"
status 5 'started anew it begins nothing beside the old state' broker apply -f "$policy"
KUBECONFIG=$ADMIN bash -c "$(sed -n 's/^kubectl get configmap usher/&/p' "$USHER_SRC/man/usher-policy.5" | sed 's/\\-/-/g; s/-n OLD/-n usher-system/; s/"NEW"/"usher-state"/')" >/dev/null 2>"$T/moved"
is "$? $(maps usher-state)" '0 configmap/usher-broker-ledger configmap/usher-broker-state ' 'the command of the manual page moves it'
"$BROKER" rbac -f "$policy" >"$T/deploy/base/rbac.yaml"
admin apply -k "$T/deploy/deployment" >/dev/null
admin delete configmap -n usher-system usher-broker-ledger usher-broker-state >/dev/null
stay
ok 'started anew, with the rights for it' wait_for 120 reached complete 1
is "$(elevated) $(bound)" '1 oidc:dave@example.com oidc:erin@example.com' 'it has lost nothing'
is "$(maps usher-system)" '' 'and the old place is left'
status 0 'which a hand sees there' by_hand elevate --end "$given"
ok 'the next run' again complete
is "$(elevated)" 0 'sees that it ended'
done_testing
