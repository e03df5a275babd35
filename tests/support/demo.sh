#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job, shown: sign in at an OpenID provider, get a token, turn the provider's groups into access, find what was
# left open. On a real cluster where kube-apiserver is at hand, else against a folder of manifests. Real programs, real
# output; leaves nothing behind.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
bold='' plain=''
[ ! -t 1 ] || bold=$'\033[1m' plain=$'\033[0m'

say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }

show() { # COMMAND...: as typed, then what it says; its status when that says something
	local code=0
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	"$@" 2>&1 || code=$?
	[ "$code" = 0 ] || printf '(exit %s)\n' "$code"
}

person() { # COMMAND...: the same, at carol's terminal
	local code=0
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	at_terminal "$@" 2>&1 || code=$?
	[ "$code" = 0 ] || printf '(exit %s)\n' "$code"
}

files() { # what a person writes: a profile, a policy; and what the provider's groups were exported to
	cat >policy.yaml <<-'EOF'
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:"}
	sources:
	  main:
	    file: {path: groups.json}
	roles:
	  pod-service-reader:
	    rules:
	    - {apiGroups: [""], resources: [pods, services], verbs: [get, watch, list]}
	grants:
	- {group: k8s-restricted-users, role: pod-service-reader, namespaces: [fancy-namespace], name: read-pods-services}
	EOF
	cat >groups.json <<-'EOF'
	{"groups": [{"name": "k8s-restricted-users", "members": ["carol@example.test"]}, {"name": "dev", "members": ["bob@example.test"]}],
	 "count": 2}
	EOF
	profile_write prod
}

the_token() {
	say 'What kubectl is given is an ID token; this is what it says'
	printf '%s$ kubectl-usher get-token --profile prod | jq ...%s\n' "$bold" "$plain"
	token_of prod | claims | jq -c '{iss, sub, email, groups, aud, expires: (.exp | todate)}'
}

on_a_cluster() {
	say 'An administrator: groups of the provider become Roles and RoleBindings'
	show cat policy.yaml
	show usher-broker plan -f policy.yaml --context admin --out plan.json
	show usher-broker apply --plan plan.json --context admin
	show usher-broker plan -f policy.yaml --context admin
	say 'Carol: the first kubectl call signs her in (a script plays her browser), the next ones ask nobody'
	person kubectl get pods -n fancy-namespace
	person kubectl auth whoami
	person kubectl get pods -n default
	local before
	before=$(idp_count)
	person kubectl get services -n fancy-namespace
	echo "(requests to the provider by that call: $(($(idp_count) - before)))"
	the_token
	person kubectl usher status
	say 'Somebody left a door open; the audit finds it'
	show usher-broker audit --context admin
	show kubectl --context admin create clusterrolebinding kubernetes-dashboard --clusterrole=cluster-admin --serviceaccount=kube-system:kubernetes-dashboard
	show usher-broker audit --context admin
	show kubectl --context admin delete clusterrolebinding kubernetes-dashboard
}

on_manifests() {
	say 'Carol: signs in (a script plays her browser)'
	person kubectl-usher login --profile prod
	the_token
	person kubectl-usher status
	say 'An administrator: groups of the provider become Roles and RoleBindings, here as manifests for GitOps'
	show cat policy.yaml
	mkdir empty
	show usher-broker plan -f policy.yaml --from empty
	show usher-broker render -f policy.yaml manifests
	show find manifests -type f
	show usher-broker plan -f policy.yaml --from manifests
	say 'Somebody left a door open; the audit finds it'
	cat >manifests/dashboard.yaml <<-'EOF'
	apiVersion: rbac.authorization.k8s.io/v1
	kind: ClusterRoleBinding
	metadata: {name: kubernetes-dashboard}
	roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
	subjects: [{kind: ServiceAccount, name: kubernetes-dashboard, namespace: kube-system}]
	EOF
	show cat manifests/dashboard.yaml
	show usher-broker audit manifests
}

why=$(missing idp)
[ -z "$why" ] || { echo "The demo needs its provider: $why" >&2; tap_done=1; exit 1; }
"$SUPPORT/certificates.sh" "$PKI"
cd "$T" || exit 1
if [ -z "$(missing keyring)" ]; then keyring_start; else say "No keyring here ($(missing keyring)): the session is kept for this run only"; fi
browser_write
idp_start
no_cluster=$(missing cluster)
say "An OpenID provider runs at $ISSUER"
if [ -z "$no_cluster" ]; then
	cluster_start
	files
	kubeconfig_write prod
	KUBECONFIG=$KUBECONFIG:$ADMIN
	say "etcd and kube-apiserver run at $SERVER and take its tokens"
	admin create namespace fancy-namespace >/dev/null
	on_a_cluster
else
	SERVER=https://k8s.example.com:6443
	say "No API server ($no_cluster): against a folder of manifests"
	files
	on_manifests
fi
say 'Carol: signs out'
person kubectl-usher logout --profile prod
KUBERNETES_EXEC_INFO=$(exec_info) show kubectl-usher get-token --profile prod </dev/null
say 'That was the main job. README.md tells it at length; ./dev test tries all of it'
# shellcheck disable=SC2034 # tap.sh reads it
tap_done=1
exit 0
