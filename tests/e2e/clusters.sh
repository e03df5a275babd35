#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One policy for several clusters: two real API servers and one that is not there. The sources are read once, the clusters
# that can be reached get what they should, and the run says which one it was that could not.
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
	cluster: {groupPrefix: "oidc:"}
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
	EOF
}

start() { # NAME
	at_exit "$SUPPORT/cluster/cluster.sh" stop "$T/$1"
	BINDIR=$USHER_TEST_BIN "$SUPPORT/cluster/cluster.sh" start "$T/$1" >"$T/$1.log" 2>&1 || { note "$(cat "$T/$1.log")"; exit 1; }
	kubectl --kubeconfig "$T/$1/admin.kubeconfig" create namespace app >/dev/null
}

bound() { kubectl --kubeconfig "$T/$1/admin.kubeconfig" get rolebinding dev-may-look -n app -o jsonpath='{.subjects[*].name}' 2>/dev/null; } # CLUSTER

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
kubectl --kubeconfig "$T/stage/admin.kubeconfig" delete rolebinding dev-may-look -n app >/dev/null
status 1 'one of two with something to do ends with 1' "$BROKER" plan -f "$T/policy.yaml"
status 0 'which apply does' "$BROKER" apply -f "$T/policy.yaml"
is "$(bound stage)" oidc:dev 'in the cluster that lacked it'

# ---- run: what is the same is said once, a cluster that fails is one line a run ----
status 0 'BE54 run carries out all of them' "$BROKER" run -f "$T/policy.yaml" --every 1s --max-runs 3 --listen none
is "$(sort "$OUT" | tr '\n' ,)" 'cluster prod: nothing to do,cluster stage: nothing to do,' 'BE35 at rest each cluster says so once'
policy prod dead >"$T/policy.yaml"
status 6 'BE54 one that is not there does not keep the other from its turns' "$BROKER" run -f "$T/policy.yaml" --every 1s --max-runs 2 --listen none
is "$(grep -c 'cluster dead: 127.0.0.1:1' "$ERR") $(wc -l <"$ERR") $(wc -l <"$OUT")" '2 3 1' 'BE35 and is one line each time'
done_testing
