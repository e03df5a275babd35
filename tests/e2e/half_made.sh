#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An onboarding that dies after each of its requests, on a real API server: the run of the sync that comes next lets nobody in
# where anything that keeps the namespace apart is missing, and the same command again does the rest.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
have node || skip_all 'no node on this machine'
export CONTROLLERS=serviceaccount-controller,clusterrole-aggregation-controller
cluster_start

policy() { # [NAME]
	cat >"$T/policy.yaml" <<-EOP
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	metadata: {name: ${1:-default}}
	cluster: {groupPrefix: "oidc:", groupName: path}
	sources: {main: {file: {path: groups.json}}}
	roles:
	  deployer: {rules: [{apiGroups: [apps], resources: [deployments], verbs: [create, get, list]}]}
	  viewer: {clusterRole: view}
	grants:
	- {group: /oncall, role: viewer, namespacePattern: "${1:+none-}new-*", name: oncall} # by its name, made how it may
	limits: {remove: {bindings: 1000, people: 100%}}
	templates:
	  team:
	    podSecurity: restricted
	    quota: {pods: 10}
	    limitRange: {default: {cpu: 500m}}
	    roles:
	    - {role: deployer, group: "/teams/{team}/developers"}
	    - {role: viewer, group: "/teams/{team}/leads"}
	  few: {maxNamespaces: 1, quota: {pods: 3}, roles: [{role: deployer, group: "/teams/{team}/developers"}]}
	EOP
}
groups() {
	jq -n '{groups: [{path: "/teams/pay/developers", id: "1", name: "developers", members: ["carol"]}, {path: "/teams/pay/leads", id: "2", name: "leads", members: ["dave"]},
		{path: "/teams/shop/developers", id: "3", name: "developers", members: ["erin"]}, {path: "/oncall", id: "4", name: "oncall", members: ["olga"]}], count: 4}' >"$T/groups.json"
}
onboard() { broker onboard namespace "$@" -f "$T/policy.yaml" --template team --set team=pay; }
dies() { # K NAMESPACE [OPTION...]: onboard, killed after K requests
	node "$SUPPORT/halting.mjs" "$1" "$ADMIN" "$PKI" "$T/halting" "$BROKER" onboard namespace "${@:2}" -f "$T/policy.yaml" --template team --set team=pay \
		--kubeconfig "$T/halting" >"$T/died" 2>&1
}
apply() { broker apply -f "$T/policy.yaml"; }
bound() { admin get rolebindings -n "$1" -o json 2>/dev/null | jq -r '[.items[].subjects[].name] | sort | join(" ")'; }
labels() { admin get namespace "$1" -o json 2>/dev/null | jq -r '.metadata.labels as $l | [$l["usher.dev/onboarding"] // "-", $l["usher.dev/template"] // "-"] | join(" ")'; }
lacks() { # NAMESPACE: what of the fence is not there
	admin get -n "$1" networkpolicies,resourcequotas,limitranges,serviceaccounts -o json | jq -r '[.items[] | if .kind == "ServiceAccount" then
		select(.metadata.name == "default" and .automountServiceAccountToken == false) else . end | .kind] as $there
		| ["NetworkPolicy", "ResourceQuota", "LimitRange", "ServiceAccount"] - $there | join(" ")'
	admin get namespace "$1" -o json | jq -r 'select(.metadata.labels["pod-security.kubernetes.io/enforce"] != "restricted") | "PodSecurity"'
}

# One death, the next apply, and the same command again. Says "whole" in $ENDED when nothing was left to die of.
one_death() { # K NAMESPACE [OPTION...]
	local k=$1 name=$2 where missing
	dies "$@"
	ENDED=$?
	[ "$ENDED" = 137 ] || return 0
	where="after $k requests"
	apply >"$T/applied" 2>&1 || [ $? = 10 ] || fail "$where: apply: $(cat "$T/applied")"
	if admin get namespace "$name" >/dev/null 2>&1; then
		missing=$(lacks "$name")
		[ -z "$missing" ] || HALF=$((HALF + 1))
		[ -z "$missing" ] || is "$(bound "$name")" '' "$where it lacks ${missing//$'\n'/ }, and nobody is in"
		[ -n "$missing" ] || [ -z "$(bound "$name")" ] || FULL=$((FULL + 1))
		[ "$(labels "$name" | cut -d' ' -f1)" = - ] || like "$(cat "$T/applied")" "namespace $name is half made: the onboarding from template team" "$where the plan says so"
	fi
	status 0 "$where the same command ends it" onboard "${@:2}"
	like "$(cat "$OUT")" 'proved +oidc:/teams/pay/developers may create deployments; oidc:/teams/shop/developers may not' "$where with its proof"
	is "$(labels "$name") $(lacks "$name") $(bound "$name")" "- team  ${ONCALL}oidc:/teams/pay/developers oidc:/teams/pay/leads" "$where it has its mark, its fence and its people"
}

new_ones() {
	local k
	HALF=0 FULL=0 ONCALL='oidc:/oncall '
	for ((k = 0; k < 30; k++)); do
		one_death "$k" "new-$k"
		[ "$ENDED" = 137 ] || break
	done
	is "$ENDED" 0 "with $k requests it was not killed any more"
	note "$HALF deaths left something missing, $FULL a namespace that the next apply gave its groups"
	ok 'it died before the fence stood' test "$HALF" -ge 3
	ok 'and after it' test "$FULL" -ge 1
}

adopted_ones() {
	local k
	HALF=0 FULL=0 ONCALL=
	for k in 3 4 6 8 9 10; do
		admin create namespace "old-$k" >/dev/null
		one_death "$k" "old-$k" --adopt
		is "$ENDED" 137 "adopting with $k requests: killed"
	done
	ok 'some died before the fence stood' test "$HALF" -ge 2
}

# BE44: where a limit was counted against, what a dead run left takes its own place alone, and the same command ends it without
# waiting for the lease that died with it.
few() { broker onboard namespace "$1" -f "$T/policy.yaml" --template few --set team=pay; }
limited_ones() {
	local k held=0
	for ((k = 5; k < 13; k++)); do
		node "$SUPPORT/halting.mjs" "$k" "$ADMIN" "$PKI" "$T/halting" "$BROKER" onboard namespace "few-$k" -f "$T/policy.yaml" --template few --set team=pay \
			--kubeconfig "$T/halting" >"$T/died" 2>&1
		[ $? = 137 ] || continue
		if admin get namespace "few-$k" >/dev/null 2>&1; then
			[ -z "$(admin get lease usher-broker-onboard -o json | jq -r '.spec.holderIdentity // ""')" ] || held=$((held + 1))
			status 5 "BE44 after $k requests a dead one has its place" few another
			like "$(cat "$ERR")" 'team=pay has 1 namespace of template few, 1 more would be too many' "BE44 after $k requests that is said"
			status 0 "BE44 after $k requests the same command ends it" few "few-$k"
			is "$(labels "few-$k") $(bound "few-$k")" '- few oidc:/teams/pay/developers' "BE44 after $k requests it has its mark and its people"
			admin delete rolebindings,roles -n "few-$k" --all >/dev/null
			admin delete namespace "few-$k" --wait=false >/dev/null
			admin get namespace "few-$k" -o json | jq '.spec.finalizers = []' | admin replace --raw "/api/v1/namespaces/few-$k/finalize" -f - >/dev/null
		fi
		admin delete lease usher-broker-onboard --ignore-not-found >/dev/null
	done
	ok 'BE44 some died with the lease' test "$held" -ge 2
}

# Nobody is let in where a part of the fence is refused; the cause is told, and once it is gone the same command ends it.
quota_refused() { ! admin create quota probe -n default --hard=pods=1 --dry-run=server; }
quota_taken() { ! quota_refused; }
refused() {
	admin apply -f - >/dev/null <<-EOF
	apiVersion: admissionregistration.k8s.io/v1
	kind: ValidatingAdmissionPolicy
	metadata: {name: no-quotas}
	spec:
	  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [resourcequotas]}]}
	  validations: [{expression: "false", message: quotas are made by the capacity team}]
	---
	apiVersion: admissionregistration.k8s.io/v1
	kind: ValidatingAdmissionPolicyBinding
	metadata: {name: no-quotas}
	spec: {policyName: no-quotas, validationActions: [Deny]}
	EOF
	wait_for 120 quota_refused
	status 10 'a part of the fence is refused' onboard held
	like "$(cat "$ERR")" '1 object could not be written, so nobody is let in yet; the first, in held: .*quotas are made by the capacity team.*A rule of the cluster' 'it says so, and what to do'
	one_line "$ERR" 'in one line'
	like "$(cat "$OUT")" 'created +Namespace held: without its mark' 'the namespace is there'
	like "$(cat "$OUT")" 'waits +RoleBinding .*: until all that keeps its namespace apart stands' 'and its bindings wait'
	status 0 'apply' apply
	is "$(bound held) $(labels held)" ' team -' 'lets nobody in'
	admin delete validatingadmissionpolicybinding,validatingadmissionpolicy no-quotas >/dev/null
	wait_for 120 quota_taken
	status 0 'when the rule is gone the same command ends it' onboard held
	is "$(bound held) $(labels held)" 'oidc:/teams/pay/developers oidc:/teams/pay/leads - team' 'and they are in'
}

# ---- whose template ----

two_policies() {
	status 0 'a namespace of policy default' onboard mine
	policy pay
	status 5 'is not made into one of another policy' onboard mine --adopt
	like "$(cat "$ERR")" 'was made from a template of another policy \(team\)' 'which is said'
	status 0 'one of that policy' onboard theirs
	is "$(labels theirs)" '- pay.team' 'says so'
	policy other
	status 0 'a third policy with a template of that name' apply
	is "$(admin get rolebindings -A -l usher.dev/policy=other -o name)" '' 'gives nothing in any of them'
	policy
	status 0 'nor does the first' apply
	is "$(bound theirs | wc -w) $(bound mine | wc -w)" '2 2' 'and each keeps what is its own'
	is "$(admin get rolebindings -n theirs -o json | jq -r '[.items[].metadata.labels["usher.dev/policy"]] | unique | join(" ")')" pay 'from its own policy'
}

another_name() {
	sed -i '/^  few:/d; s/^  team:/  squad:/' "$T/policy.yaml"
	status 1 'a template is given another name' broker plan -f "$T/policy.yaml"
	like "$(cat "$OUT")" 'and [0-9]+ more are labelled usher.dev/template=team, and the policy has no template team' 'the plan says what happened'
	like "$(cat "$OUT")" 'kubectl --kubeconfig .* label namespaces -l usher.dev/template=team usher.dev/template=squad --overwrite' 'and how to mend it'
	is "$(grep -c 'has no template team' "$OUT")" 1 'once'
	admin label namespaces -l usher.dev/template=team usher.dev/template=squad --overwrite >/dev/null
	status 0 'done as it says' broker plan -f "$T/policy.yaml"
	unlike "$(cat "$OUT")" 'has no template|no grant wants' 'nothing is to be removed'
	sed -i '/^templates:/,$d' "$T/policy.yaml"
	broker plan -f "$T/policy.yaml" >"$T/none" 2>&1
	like "$(cat "$T/none")" 'are labelled usher.dev/template=squad, and the policy has no template squad' 'also where the policy has no template at all'
}

groups
policy
new_ones
adopted_ones
limited_ones
refused
two_policies
another_name
done_testing
