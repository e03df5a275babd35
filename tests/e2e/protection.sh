#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/protection on a real API server: what whoever is `admin` in a namespace, or may edit Namespaces, can then not do, and
# what everybody still can. BE45.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
export CONTROLLERS=serviceaccount-controller,clusterrole-aggregation-controller,namespace-controller,garbage-collector-controller,deployment-controller,replicaset-controller
cluster_start

as_tina() { admin --as=tina --as-group=system:authenticated "$@"; } # admin in her namespace
as_nils() { admin --as=nils --as-group=system:authenticated "$@"; } # may edit and delete Namespaces
may_mark() { # USER: as the policies ask
	jq -n --arg user "$1" '{apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview",
		spec: {user: $user, resourceAttributes: {group: "usher.dev", resource: "marks", verb: "write"}}}' |
		admin create -f - -o json | jq -e .status.allowed >/dev/null
}

policy() {
	cat >"$T/policy.yaml" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:"}
	sources:
	  main: {file: {path: $T/groups.json}}
	roles: {editor: {clusterRole: edit}}
	grants:
	- {group: dev, role: editor, namespaces: [shop], name: shop-editors}
	limits: {remove: {bindings: 1, people: 10%}}
	EOF
	jq -n '{groups: [{name: "dev", members: ["carol"]}], count: 1}' >"$T/groups.json"
}

forged() { # NAME: a binding that says it is ours
	cat <<-EOF
	apiVersion: rbac.authorization.k8s.io/v1
	kind: RoleBinding
	metadata:
	  name: $1
	  namespace: shop
	  labels: {app.kubernetes.io/managed-by: usher-broker, usher.dev/policy: default}
	roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
	subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "oidc:dev"}]
	EOF
}

refused() { # WHAT WORDS COMMAND...
	run "${@:3}"
	ok "$1" test "$STATUS" != 0
	like "$(cat "$ERR")" "$2" "$1: and is told why"
}

by_way_of() { # SUBRESOURCE LABEL VALUE: as whoever may write a Namespace's status could
	admin get namespace shop -o json | jq --arg key "$2" --arg value "$3" '.metadata.labels[$key] = $value' | as_nils replace --raw "/api/v1/namespaces/shop/$1" -f -
}

try_to_forge() { forged "$1" | as_tina create -f -; }
active() { try_to_forge probe >/dev/null 2>&1 && admin delete rolebinding -n shop probe >/dev/null && return 1 || return 0; }

prepare() {
	local name
	for name in usher-system shop; do admin create namespace "$name" >/dev/null; done
	admin create rolebinding tina -n shop --clusterrole=admin --user=tina >/dev/null
	admin create clusterrole namespaces --verb=get,list,create,update,patch,delete --resource=namespaces,namespaces/status,namespaces/finalize >/dev/null
	admin create clusterrolebinding nils --clusterrole=namespaces --user=nils >/dev/null
	policy
	status 0 'bindings are made before' broker apply -f "$T/policy.yaml" --state-namespace usher-system
	ok 'without it a tenant may write our marks' wait_for 120 try_to_forge once
	admin delete rolebinding -n shop once >/dev/null
	ok 'kubectl takes it' admin apply -k "$USHER_SRC/deploy/protection"
	ok 'and the server heeds it' wait_for 120 active
	is "$(admin get validatingadmissionpolicies -o json | jq '[.items[].status.typeChecking.expressionWarnings // [] | .[]] | length')" 0 'no expression is suspect'
}

marks() {
	refused 'a binding with our marks is refused' 'marks.usher.dev' try_to_forge forged
	admin create rolebinding mine -n shop --clusterrole=view --user=tim >/dev/null
	refused 'so is putting them on one that is there' 'marks.usher.dev' as_tina label rolebinding -n shop mine usher.dev/policy=default
	refused 'taking them off ours' 'marks.usher.dev' as_tina label rolebinding -n shop shop-editors usher.dev/policy-
	refused 'changing what they say' 'marks.usher.dev' as_tina annotate --overwrite rolebinding -n shop shop-editors usher.dev/source-id='[]'
	ok 'her own bindings are hers' as_tina create rolebinding hers -n shop --clusterrole=view --user=tom
	ok 'drift is drift' as_tina annotate rolebinding -n shop shop-editors example.com/note=x
	status 0 'and the broker goes on' broker apply -f "$T/policy.yaml" --state-namespace usher-system
	status 0 'with nothing left to do' broker plan -f "$T/policy.yaml" --state-namespace usher-system
	ok 'its ServiceAccount may write marks' may_mark system:serviceaccount:usher-system:usher-broker
	nok 'a tenant may not' may_mark tina
}

namespaces() {
	admin label namespace shop usher.dev/template=team template.usher.dev/team=shop pod-security.kubernetes.io/enforce=baseline >/dev/null
	refused 'BE45 a namespace that was onboarded is not deleted by mistake' 'may-be-deleted=true' as_nils delete namespace shop --wait=false
	refused 'not even by a cluster admin' 'may-be-deleted=true' admin delete namespace shop --wait=false
	refused 'its Pod Security stays' 'marks.usher.dev' as_nils label --overwrite namespace shop pod-security.kubernetes.io/enforce=privileged
	refused 'and its marks' 'marks.usher.dev' as_nils label namespace shop usher.dev/template-
	refused 'nor by way of its status' 'marks.usher.dev' by_way_of status template.usher.dev/team search
	refused 'nor of its finalizers' 'marks.usher.dev' by_way_of finalize pod-security.kubernetes.io/enforce privileged
	ok 'what these are for goes on' by_way_of status example.com/note x
	refused 'nobody makes a namespace into one by hand' 'marks.usher.dev' as_nils label namespace usher-system usher.dev/template=team
	admin create namespace half >/dev/null
	admin label namespace half usher.dev/onboarding=team pod-security.kubernetes.io/enforce=restricted >/dev/null
	refused 'nor ends what onboard began' 'marks.usher.dev' as_nils label namespace half usher.dev/onboarding- usher.dev/template=team
	refused 'Pod Security of a half-made one stays' 'marks.usher.dev' as_nils label --overwrite namespace half pod-security.kubernetes.io/enforce=privileged
	ok 'it may be deleted: nobody was let in yet' as_nils delete namespace half --wait=false
	ok 'other labels are free' as_nils label namespace shop example.com/cost=7
	ok 'other namespaces too' as_nils create namespace scratch
	ok 'and go as before' as_nils delete namespace scratch --wait=false
	admin create namespace finished >/dev/null
	admin label namespace finished usher.dev/template=team >/dev/null
	ok 'who says so' as_nils annotate namespace finished usher.dev/may-be-deleted=true
	ok 'BE45 may delete it' as_nils delete namespace finished --wait=false
	ok 'BE45 and it goes whole' wait_for 120 gone finished
}

# With the rights of `usher-broker rbac` and that one more, which lets it do nothing to any object.
unattended() {
	"$BROKER" rbac -f "$T/policy.yaml" --state-namespace usher-system | admin apply -f - >/dev/null
	account_kubeconfig usher-broker "$T/account"
	admin delete rolebinding -n shop shop-editors >/dev/null
	status 0 'the broker runs as its ServiceAccount, with no more than it needs' \
		"$BROKER" apply -f "$T/policy.yaml" --state-namespace usher-system --rights exact --kubeconfig "$T/account"
	ok 'and has made what was missing' admin get rolebinding -n shop shop-editors
}

# What `usher-broker rbac --for onboard` gives is enough for it here, and takes nothing from the account that runs the sync.
onboarding() {
	cat >>"$T/policy.yaml" <<-EOF
	templates:
	  team: {podSecurity: restricted, roles: [{role: editor, group: dev}]}
	EOF
	"$BROKER" rbac -f "$T/policy.yaml" --state-namespace usher-system | admin apply -f - >/dev/null
	"$BROKER" rbac --for onboard -f "$T/policy.yaml" --state-namespace usher-system | admin apply -f - >/dev/null
	account_kubeconfig usher-onboard "$T/onboard"
	status 0 'onboard runs as its ServiceAccount' "$BROKER" onboard namespace fresh -f "$T/policy.yaml" --state-namespace usher-system --kubeconfig "$T/onboard"
	status 0 'and the sync as its own, as before' "$BROKER" apply -f "$T/policy.yaml" --state-namespace usher-system --kubeconfig "$T/account"
	policy
}

# What onboard makes carries the template's label.
fence() {
	cat <<-EOF | admin apply -f - >/dev/null
	apiVersion: networking.k8s.io/v1
	kind: NetworkPolicy
	metadata: {name: default-deny, namespace: shop, labels: {app.kubernetes.io/managed-by: usher-broker, usher.dev/template: team}}
	spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
	EOF
	admin create quota team -n shop --hard=pods=5 >/dev/null
	admin label resourcequota -n shop team usher.dev/template=team >/dev/null
	refused 'S11 a team keeps its default-deny' 'fences namespace shop off' as_tina delete networkpolicy -n shop default-deny
	refused 'S11 and what it says' 'fences namespace shop off' as_tina patch networkpolicy -n shop default-deny -p '{"spec": {"policyTypes": ["Ingress"]}}'
	refused 'S11 and the label that keeps it' 'fences namespace shop off' as_tina label networkpolicy -n shop default-deny usher.dev/template-
	refused 'S11 nor is it given an owner that is not there, for the garbage collector to clear it away' 'fences namespace shop off' as_tina patch networkpolicy -n shop default-deny \
		--type merge -p '{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "00000000-0000-0000-0000-000000000000"}]}}'
	ok 'a note on it is no harm' as_tina annotate networkpolicy -n shop default-deny example.com/note=x
	ok 'a policy of its own is its own' as_tina create -f - <<<'{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "own", "namespace": "shop"}, "spec": {"podSelector": {}}}'
	ok 'and goes' as_tina delete networkpolicy -n shop own
	ok 'cluster admins change the fence' admin delete networkpolicy -n shop default-deny
	ok 'and the quota' admin patch resourcequota -n shop team --type merge -p '{"spec": {"hard": {"pods": "50"}}}'
}

# What is remembered goes with its namespace, and not because somebody gave it an owner that is not there.
memory() {
	local controller=(--as-group=system:masters --dry-run=server delete configmap -n shop usher-broker-ledger)
	admin create configmap usher-broker-ledger -n shop >/dev/null
	admin label configmap -n shop usher-broker-ledger app.kubernetes.io/managed-by=usher-broker >/dev/null
	refused 'the ledger stays' 'may-be-deleted=true' admin delete configmap -n shop usher-broker-ledger
	refused 'for the garbage collector, too' 'may-be-deleted=true' admin --as=system:serviceaccount:kube-system:generic-garbage-collector "${controller[@]}"
	ok 'with its namespace it goes' admin --as=system:serviceaccount:kube-system:namespace-controller "${controller[@]}"
	ok 'whatever that calls itself' admin --as=system:kube-controller-manager "${controller[@]}"
}

gone() { ! admin get namespace "$1" >/dev/null 2>&1; }
pods_of() { [ "$(admin get replicasets -n shop -o json | jq '[.items[].status.replicas] | add // 0')" = "$1" ]; }

cordon() {
	ok 'a deployment runs' as_tina create deployment web -n shop --image=example.com/web
	ok 'its pods are made' wait_for 120 pods_of 1
	ok 'BE45 a namespace is cordoned by a label' admin label namespace shop usher.dev/cordoned=true
	refused 'BE45 nothing new is made in it' 'is cordoned' as_tina create configmap x -n shop
	refused 'BE45 nothing is changed' 'is cordoned' as_tina scale deployment web -n shop --replicas=3
	refused 'nor is the label taken off by whoever may edit namespaces' 'marks.usher.dev' as_nils label namespace shop usher.dev/cordoned-
	admin delete pods -n shop --all --wait=false --force >/dev/null 2>&1
	ok 'BE45 what dies is replaced' wait_for 120 pods_of 1
	ok 'she may ask what she may' as_tina auth can-i list pods -n shop
	ok 'and stop what is hers' as_tina delete deployment web -n shop --wait=false
	ok 'cluster admins go on' admin create configmap y -n shop
	ok 'BE45 and uncordon it' admin label namespace shop usher.dev/cordoned-
	ok 'BE45 then all is as before' wait_for 120 as_tina create configmap x -n shop
}

prepare
marks
unattended
onboarding
namespaces
fence
memory
cordon
done_testing
