#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One policy for several clusters: two real API servers and one that is not there. The sources are read once, the clusters
# that can be reached get what they should, and the run says which one it was that could not. Each cluster has a ledger of its
# own: who is put out, let in, given a role for a time.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster

groups_command() { # counts how often it is asked
	cat >"$T/groups" <<-EOF
	#!/bin/sh
	echo x >>'$T/asked'
	echo '{"groups": [{"name": "dev", "members": ["carol", "bob"]}], "count": 1}'
	EOF
	chmod 700 "$T/groups"
}

kubeconfig_of_all() { # prod, stage, dead
	sed -E 's|(server: *"?)https://[^",}]+|\1https://127.0.0.1:1|' "$T/prod/admin.kubeconfig" >"$T/dead.kubeconfig"
	chmod 600 "$T/dead.kubeconfig"
}

policy() { # CLUSTER...
	local name
	cat <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", userPrefix: "oidc:"}
	clusters:
	EOF
	for name in "$@"; do
		case $name in
		dead) echo "- {name: dead, kubeconfig: $T/dead.kubeconfig}" ;;
		*) echo "- {name: $name, kubeconfig: $T/$name/admin.kubeconfig}" ;;
		esac
	done
	cat <<-EOF
	sources:
	  main: {command: {command: [$T/groups]}}
	roles:
	  viewer: {clusterRole: view}
	grants:
	- {group: dev, role: viewer, namespaces: [app], name: dev-may-look}
	elevation: {allow: [{roles: [viewer], namespaces: [app], max: 1h}]}
	breakGlassKey: $T/seal.pub
	breakGlass: {fire: {users: ["oidc:fred"], role: viewer, namespaces: [app], max: 1h, owner: platform, until: 2100-01-01$SEALED}}
	EOF
}
SEALED=

start() { # NAME
	at_exit "$SUPPORT/cluster/cluster.sh" stop "$T/$1"
	BINDIR=$USHER_TEST_BIN "$SUPPORT/cluster/cluster.sh" start "$T/$1" >"$T/$1.log" 2>&1 || { note "$(cat "$T/$1.log")"; exit 1; }
	at "$1" create namespace app >/dev/null
}

at() { kubectl --kubeconfig "$T/$1/admin.kubeconfig" "${@:2}"; } # CLUSTER ARGUMENT...
bound() { at "$1" get rolebinding dev-may-look -n app -o jsonpath='{.subjects[*].name}' 2>/dev/null; } # CLUSTER

start prod
start stage
kubeconfig_of_all
groups_command
policy prod dead stage >"$T/policy.yaml"
status 0 'the policy is valid' "$BROKER" validate "$T/policy.yaml"
status 6 'a plan of three clusters of which one is not there ends with 6' "$BROKER" plan -f "$T/policy.yaml"
like "$(cat "$OUT")" 'cluster prod.*\+ app +RoleBinding +dev-may-look.*cluster stage.*\+ app +RoleBinding +dev-may-look' 'BE54 and shows those of the other two'
like "$(cat "$ERR")" 'usher-broker: cluster dead: 127.0.0.1:1' 'BE54 and names the one that is not there'
like "$(cat "$ERR")" '1 of 3 clusters failed' 'BE54 and how many that is'
is "$(wc -l <"$T/asked")" 1 'the source was asked once for all of them'
is "$(bound prod)$(bound stage)" '' 'and nothing was written'

status 6 'BE54 apply ends with 6 too' "$BROKER" apply -f "$T/policy.yaml" --metrics "$T/usher.prom"
is "$(bound prod) $(bound stage)" 'oidc:dev oidc:dev' 'BE54 and one that fails does not keep the others from theirs'
like "$(cat "$T/usher-prod.prom")" 'usher_broker_last_run_exit_status\{policy="default",cluster="prod"\} 0' 'BE36 prod is told in numbers'
like "$(cat "$T/usher-dead.prom")" 'usher_broker_last_run_exit_status\{policy="default",cluster="dead"\} 6' 'BE36 and so is the one that failed'
unlike "$(cat "$T/usher-dead.prom")" 'last_success' 'BF02 which never looks like a success'
status 0 'one cluster by its name' "$BROKER" plan -f "$T/policy.yaml" --cluster prod
status 2 'a cluster that the policy does not list is status 2' "$BROKER" plan -f "$T/policy.yaml" --cluster nowhere
status 2 '--out is for one cluster' "$BROKER" plan -f "$T/policy.yaml" --out "$T/plan.json"
status 0 'and takes one' "$BROKER" plan -f "$T/policy.yaml" --cluster stage --out "$T/plan.json"

policy prod stage >"$T/policy.yaml"
status 0 'two clusters with nothing to do end with 0' "$BROKER" apply -f "$T/policy.yaml"
at stage delete rolebinding dev-may-look -n app >/dev/null
status 1 'one of two with something to do ends with 1' "$BROKER" plan -f "$T/policy.yaml"
status 0 'which apply does' "$BROKER" apply -f "$T/policy.yaml"
is "$(bound stage)" oidc:dev 'in the cluster that lacked it'

# ---- run: what is the same is said once, a cluster that fails is one line while it lasts ----
status 0 'BE54 run carries out all of them' "$BROKER" run -f "$T/policy.yaml" --every 1s --max-runs 3 --listen none
is "$(sort "$OUT" | tr '\n' ,)" 'cluster prod: nothing to do,cluster stage: nothing to do,' 'BE35 at rest each cluster says so once'
policy prod dead >"$T/policy.yaml"
status 6 'BE54 one that is not there does not keep the other from its turns' "$BROKER" run -f "$T/policy.yaml" --every 1s --max-runs 2 --listen none
is "$(grep -c 'cluster dead: 127.0.0.1:1' "$ERR") $(wc -l <"$ERR") $(wc -l <"$OUT")" '1 2 1' 'BE35 and is one line each time'

# ---- put out and let in: every cluster has its turn ----
P=(-f "$T/policy.yaml")
lifecycle() { "$BROKER" "$@" "${P[@]}" --reason 'as asked'; }
denied() { at "$1" get configmap usher-broker-ledger -o jsonpath='{.data.ledger}' | jq -r '[.entries[] | select(.kind == "group") | .name] | join(" ")'; } # CLUSTER
key_in() { sed -n "s/^cluster $1: \([0-9a-f]\{8\}\): .*/\1/p" "$OUT"; } # CLUSTER
policy prod stage >"$T/policy.yaml"
lifecycle offboard group dev >/dev/null
is "$(denied prod) $(denied stage)" 'dev dev' 'a group is put out in both'
policy prod dead stage >"$T/policy.yaml"
status 6 'BE54 readmit of three clusters of which one is not there ends with 6' lifecycle readmit group dev --audit-log "$T/audit.log"
like "$(cat "$OUT")" '^cluster prod: [0-9a-f]{8}: group dev is readmitted; .*cluster stage: [0-9a-f]{8}: group dev is readmitted; ' 'BE54 and lets it in in the other two'
is "$(denied prod)$(denied stage)" '' 'BE54 which their ledgers say'
like "$(cat "$ERR")" 'cluster dead: 127.0.0.1:1.*1 of 3 clusters failed' 'BE54 and names the one that is not there'
is "$(jq -r 'select(.event == "group.readmitted") | .cluster' "$T/audit.log" | paste -sd' ')" 'prod stage' 'the audit log says where'
policy prod stage >"$T/policy.yaml"
status 2 'who is denied in none cannot be let in' lifecycle readmit group dev
like "$(cat "$ERR")" 'group dev is not denied' 'and that is said'
lifecycle offboard group dev --cluster stage >/dev/null
is "$(denied prod) $(denied stage)" ' dev' 'put out in one alone'
status 2 'it is not denied in the other' lifecycle readmit group dev --cluster prod
status 0 'that one cluster does not know it is no fault' lifecycle readmit group dev
like "$(cat "$OUT")" '^cluster prod: group dev is not denied.*cluster stage: [0-9a-f]{8}: group dev is readmitted' 'but told'
status 2 'a cluster that the policy does not list' lifecycle readmit group dev --cluster nowhere
lifecycle offboard group dev >/dev/null
key=$(at stage get configmap usher-broker-ledger -o jsonpath='{.data.ledger}' | jq -r '.entries[0].key')
status 0 'a key is the entry of one cluster' lifecycle readmit --key "$key"
is "$(denied prod) $(denied stage)" 'dev ' 'and of no other'
status 2 'and only once' lifecycle readmit --key "$key"
status 0 'the other one is there still' lifecycle readmit group dev

# ---- a role for a time: in the cluster that is named, and found again in whichever it is ----
give=(elevate user bob --role viewer -n app --for 1h)
elevated() { at "$1" get rolebinding -n app -l usher.dev/elevation -o name | wc -l; } # CLUSTER
status 2 'BE54 nobody is given a role somewhere' lifecycle "${give[@]}"
like "$(cat "$ERR")" 'in which cluster\?.*prod, stage.*Say which: --cluster prod' 'BE54 and the clusters are named'
is "$(elevated prod)$(elevated stage)" 00 'BE54 nothing was given'
status 0 'BE54 it is given in the one that is said' lifecycle "${give[@]}" --cluster stage --audit-log "$T/audit.log"
key=$(key_in stage)
is "$(elevated prod)$(elevated stage)" 01 'BE54 and there alone'
like "$(cat "$ERR")" "elevate --end $key -f $T/policy.yaml --cluster stage" 'BE54 which the command that ends it says'
is "$(jq -r 'select(.event == "grant.elevated") | .cluster' "$T/audit.log")" stage 'BE54 and the audit log'
status 0 'another kubeconfig names another' lifecycle "${give[@]}" --kubeconfig "$T/prod/admin.kubeconfig"
other=$(sed -n 's/^\([0-9a-f]\{8\}\): .*/\1/p' "$OUT")
policy prod dead stage >"$T/policy.yaml"
status 6 'BE54 who has what for a time, of all clusters that answer' "$BROKER" elevations "${P[@]}" -o json
is "$(jq -r '.[] | "\(.cluster) \(.key) \(.state)"' "$OUT" | paste -sd,)" "prod $other holds,stage $key holds" 'BE54 with the cluster of each'
status 6 'in words, too' "$BROKER" elevations "${P[@]}"
like "$(cat "$OUT")" "^cluster prod.$other +holds.*cluster stage.$key +holds" 'each has its part'
status 0 'one cluster by its name' "$BROKER" elevations "${P[@]}" --cluster prod
unlike "$(cat "$OUT")" "$key" 'has nothing of the other'
status 0 'BE54 what was given ends wherever it is, though one cluster is not there' "$BROKER" elevate "${P[@]}" --end "$key"
like "$(cat "$OUT")" "^cluster stage: $key: ended" 'BE54 and where is said'
is "$(elevated prod)$(elevated stage)" 10 'BE54 there alone'
status 6 'what no cluster that answers has is not known to be nowhere' "$BROKER" elevate "${P[@]}" --end "$key"
like "$(cat "$ERR")" "no cluster that answered has the key $key: 1 of 3 clusters failed" 'and that is said'
policy prod stage >"$T/policy.yaml"
status 2 'what none has is none' "$BROKER" elevate "${P[@]}" --end "$key"

# ---- one key in two clusters ----
at prod get configmap usher-broker-ledger -o jsonpath='{.data.ledger}' >"$T/ledger"
at stage get configmap usher-broker-ledger -o json | jq --rawfile ledger "$T/ledger" '.data.ledger = $ledger' | at stage replace -f - >/dev/null
status 2 'one key in two clusters is for nobody to guess' "$BROKER" elevate "${P[@]}" --end "$other"
like "$(cat "$ERR")" "2 clusters have the key $other: prod, stage; nothing was done.*--cluster prod" 'both are named'
is "$(elevated prod)" 1 'and nothing was done'
status 0 'until somebody says which' "$BROKER" elevate "${P[@]}" --end "$other" --cluster prod
is "$(elevated prod)" 0 'that one'
is "$("$BROKER" elevations "${P[@]}" -o json | jq -r '[.[].cluster] | join(" ")')" stage 'and not the other'
status 0 'which ends by its key now' "$BROKER" elevate "${P[@]}" --end "$other"

# ---- what a person is told to type leads to the cluster that it is said of: plain kubectl means prod here ----
typed() { [ -n "$1" ] && KUBECONFIG=$T/prod/admin.kubeconfig bash -c "$1"; } # COMMAND, as it was printed
said() { sed -n "s/^.*[:;,] \($1 .*\)\$/\1/p" "$OUT" "$ERR" | tail -1; } # kubectl|usher-broker: the command that ends a line
mends() { # NAME PROGRAM: the command that was just told, run as it was told
	local command
	command=$(said "$2")
	like "$command" "^$2 " "BE54 $1: a command is told"
	status 0 "BE54 $1: which does what it says there" typed "$command"

}
mark() { at "$1" get configmap usher-broker-state -o json | jq -r '.metadata.annotations["usher.dev/ledger"] // "none"'; } # CLUSTER
policy prod stage >"$T/policy.yaml"
lifecycle offboard group dev >/dev/null
status 0 'both clusters know that dev is out' "$BROKER" apply "${P[@]}"
run "$BROKER" plan "${P[@]}"
key=$(at stage get configmap usher-broker-ledger -o jsonpath='{.data.ledger}' | jq -r '.entries[] | select(.kind == "group").key')
like "$(cat "$OUT")" "usher-broker readmit -f $T/policy.yaml --cluster stage --key $key --reason TEXT" 'BE54 the way back names the cluster'
status 0 'BE54 and leads there' typed "$(grep -o "usher-broker readmit -f $T/policy.yaml --cluster stage --key $key --reason TEXT" "$OUT" | head -1)"
is "$(denied prod) $(denied stage)" 'dev ' 'BE54 and nowhere else'
lifecycle offboard group dev >/dev/null
at stage delete configmap usher-broker-ledger >/dev/null
before=$(mark prod)
status 3 'the ledger of stage is lost' "$BROKER" apply "${P[@]}"
mends 'a ledger that is lost' kubectl
is "$(mark stage)" none 'BE54 the note is gone there'
is "$(mark prod)" "$before" 'BE54 and stands in the other'
lifecycle readmit group dev --cluster prod >/dev/null
status 0 'and the run goes on' "$BROKER" apply "${P[@]}"

# ---- the same by --kubeconfig and --context, with letters that a shell would read ----
mkdir -p "$T/it's all"
all="$T/it's all/clusters"
join() { # both in one file, prod is the current one
	jq -n --slurpfile p <(at prod config view --raw --flatten -o json) --slurpfile s <(at stage config view --raw --flatten -o json) '
		def named($n): .[0] | (.clusters[0].name, .users[0].name, .contexts[0].name) = $n | .contexts[0].context = {cluster: $n, user: $n};
		($p | named("prod")) as $a | ($s | named("$(stage) \"2\"")) as $b
		| $a | .clusters += $b.clusters | .users += $b.users | .contexts += $b.contexts | .["current-context"] = "prod"'
}
(umask 077 && join >"$all")
policy | grep -v '^clusters:' >"$T/one.yaml"
O=(-f "$T/one.yaml" --kubeconfig "$all" --context '$(stage) "2"')
is "$(KUBECONFIG=$all kubectl config current-context)" prod 'the current context is the other cluster'
status 0 'one cluster by its context' "$BROKER" apply "${O[@]}"
at stage label rolebinding -n app dev-may-look app.kubernetes.io/managed-by- >/dev/null
at prod label rolebinding -n app dev-may-look app.kubernetes.io/managed-by- >/dev/null
sed -i 's/^- {group: dev, .*/- {group: nobody-else, role: viewer, namespaces: [app], name: other}/' "$T/one.yaml"
status 5 'a binding that bears some of our marks' "$BROKER" apply "${O[@]}"
run "$BROKER" plan "${O[@]}" --out "$T/there.json"
run "$BROKER" plan -f "$T/one.yaml" --kubeconfig "$T/stage/admin.kubeconfig" --out "$T/elsewhere.json"
is "$(jq -r .hash "$T/there.json")" "$(jq -r .hash "$T/elsewhere.json")" 'BE54 from elsewhere the plan is the same, though the command is another'
like "$(jq -r '.changes[].reason' "$T/elsewhere.json")" "it ends with kubectl --kubeconfig $T/stage/admin.kubeconfig delete" 'BE54 which its reason says'
status 5 'it is told again' "$BROKER" apply "${O[@]}"
command=$(sed -n 's/.*; it ends with \(kubectl .*\)$/\1/p' "$ERR")
status 0 'BE54 ends with the command that is told' typed "$command"
is "$(bound stage) $(bound prod)" ' oidc:dev' 'BE54 there, and not in the current cluster'
policy | grep -v '^clusters:' >"$T/one.yaml"

none() { [ -z "$(at "$1" get "${@:2}" --ignore-not-found -o name 2>/dev/null)" ]; } # CLUSTER WHAT...
S=("${O[@]}" --state-namespace usher-state)
at stage delete rolebinding dev-may-look -n app --ignore-not-found >/dev/null
status 5 'a namespace for state and lease that is not there' "$BROKER" apply "${S[@]}"
mends 'a namespace for state and lease' kubectl
ok 'BE54 it is there' at stage get namespace usher-state
ok 'BE54 and not in the current cluster' none prod namespace usher-state
status 0 'BE54 and the run goes on' "$BROKER" apply "${S[@]}"
S=("${O[@]}" --state-namespace usher-more)
status 2 'a namespace for the ledger that is not there' "$BROKER" "${give[@]}" "${S[@]}" --reason x
like "$(cat "$ERR")" "kubectl --kubeconfig '.*' --context '\\$\(stage\) \"2\"' create namespace usher-more\$" 'is told with the command that makes it'
command=$(sed -n 's/^.*\(kubectl --kubeconfig .*\)$/\1/p' "$ERR")
status 0 'BE54 which is run as it was told' typed "$command"
ok 'BE54 and makes it there' at stage get namespace usher-more
ok 'BE54 and not in the current cluster' none prod namespace usher-more
status 0 'so that a role can be given' "$BROKER" "${give[@]}" "${S[@]}" --reason x
status 0 'BE54 which ends sooner by the command that is told' typed "$(sed -n 's/^.*by its key: \(usher-broker .*\)$/\1/p' "$ERR")"
is "$(elevated stage)" 0 'BE54 there'
status 0 'a role is given' "$BROKER" "${give[@]}" "${S[@]}" --reason x
key=$(sed -n 's/^\([0-9a-f]\{8\}\): .*/\1/p' "$OUT")
"$BROKER" apply "${S[@]}" >/dev/null 2>&1
at stage delete configmap -n usher-more usher-broker-ledger >/dev/null
status 3 'and its ledger is lost' "$BROKER" elevate "${S[@]}" --end "$key"
mends 'a role whose ledger is lost' kubectl
is "$(elevated stage)" 0 'BE54 it is gone'

at stage patch configmap -n usher-more usher-broker-state --type merge -p '{"data":{"state":"{"}}' >/dev/null
status 8 'a state that is spoilt' "$BROKER" plan "${S[@]}"
mends 'a state that is spoilt' kubectl
ok 'BE54 it is gone' none stage configmap -n usher-more usher-broker-state
status 0 'BE54 and the run goes on' "$BROKER" apply "${S[@]}"
at stage get lease -n usher-more usher-broker -o json | jq '.spec += {holderIdentity: "x", renewTime: "2099-01-01T00:00:00.000000Z", leaseDurationSeconds: 2000000000}' |
	at stage replace -f - >/dev/null
at stage delete rolebinding dev-may-look -n app >/dev/null
status 5 'a lease that no run of ours wrote' "$BROKER" apply "${S[@]}"
mends 'a lease that never ends' kubectl
status 0 'BE54 and the run goes on' "$BROKER" apply "${S[@]}"
is "$(bound stage)" oidc:dev 'BE54 in that cluster'

# ---- what a plan says comes next ----
at stage delete rolebinding dev-may-look -n app >/dev/null
status 1 'a plan' "$BROKER" plan "${S[@]}"
status 0 'BE54 the next command is run as it was told' typed "$(sed -n 's/.* Next: \(usher-broker .*\)$/\1/p' "$OUT")"
is "$(bound stage)" oidc:dev 'BE54 in that cluster'
at stage delete rolebinding dev-may-look -n app >/dev/null
status 1 'a plan in a file' "$BROKER" plan "${S[@]}" --out "$T/it's all/plan.json"
status 0 'BE54 the command that carries it out' typed "$(sed -n 's/.* Next: \(usher-broker .*\)$/\1/p' "$OUT")"
is "$(bound stage)" oidc:dev 'BE54 in that cluster'

# ---- what an audit says is to be done about it ----
for name in prod stage; do at "$name" create clusterrolebinding everybody --clusterrole cluster-admin --group system:authenticated >/dev/null; done
status 1 'an audit of the cluster behind that context' "$BROKER" audit --kubeconfig "$all" --context '$(stage) "2"'
status 0 'BE54 its remedy is run as it was told' typed "$(grep -oE 'kubectl .* delete clusterrolebinding everybody$' "$OUT" | head -1)"
ok 'BE54 and mends that cluster' none stage clusterrolebinding everybody
ok 'BE54 and not the current one' at prod get clusterrolebinding everybody

# ---- where kubectl finds it by itself, nothing is added ----
KUBECONFIG=$all status 1 'the current context needs no name' "$BROKER" audit
unlike "$(cat "$OUT")" 'kubectl --' 'BE54 and commands are as short as they can be'

# ---- break-glass: in one, reviewed wherever it is ----
if have openssl && [ "$(id -u)" = 0 ]; then # who checks a seal believes a key of root's alone
	openssl genpkey -algorithm ed25519 -out "$T/seal.key" 2>/dev/null
	openssl pkey -in "$T/seal.key" -pubout -out "$T/seal.pub"
	chmod 600 "$T/seal.key"
	chmod 644 "$T/seal.pub"
	SEALED=", $("$BROKER" seal fire --key "$T/seal.key" "${P[@]}")"
	policy prod dead stage >"$T/policy.yaml"
	glass=(break-glass fire -n app --for 30m --ticket INC-1)
	status 2 'no glass is broken somewhere' lifecycle "${glass[@]}"
	like "$(cat "$ERR")" 'in which cluster\?.*prod, dead, stage' 'and the clusters are named'
	status 0 'it is broken where it is said' lifecycle "${glass[@]}" --cluster stage
	key=$(key_in stage)
	like "$(cat "$ERR")" 'cluster stage: BREAK-GLASS fire' 'loudly'
	status 0 'whoever looks at it needs its key alone' lifecycle review "$key"
	like "$(cat "$OUT")" "^cluster stage: $key: reviewed" 'and is told where it was'
	policy prod stage >"$T/policy.yaml"
	status 2 'once' lifecycle review "$key"
fi
done_testing
