#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Onboarding on a real API server and controller-manager: what a namespace gets, that it holds, what is left alone, what it
# costs; a person's profile; and the rights that it takes.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
export EXTRA=--allow-privileged=true # or that alone would refuse a privileged pod
export CONTROLLERS=clusterrole-aggregation-controller,serviceaccount-controller,serviceaccount-token-controller,root-ca-certificate-publisher-controller,namespace-controller,garbage-collector-controller,resourcequota-controller

policy() { # [PODS]: the quota of template team
	cat >"$T/policy.yaml" <<-EOP
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", groupName: path}
	sources: {main: {file: {path: $T/groups.json}}}
	roles:
	  deployer: {rules: [{apiGroups: [apps], resources: [deployments], verbs: [create, get, list]}]}
	  viewer: {clusterRole: view}
	grants:
	- {groupPattern: "/teams/{team}/leads", role: viewer, namespacePattern: "{team}-*"}
	templates:
	  team:
	    labels: {example.com/tenant: acme}
	    podSecurity: restricted
	    quota: {requests.cpu: 4000m, requests.memory: 8Gi, pods: ${1:-10}}
	    limitRange: {default: {cpu: 500m, memory: 512Mi}, defaultRequest: {cpu: 100m, memory: 128Mi}}
	    roles:
	    - {role: deployer, group: "/teams/{team}/developers"}
	  bare: {podSecurity: baseline}
	  few: {maxNamespaces: 1, roles: [{role: viewer, group: "/teams/{team}/developers"}]}
	  three: {maxNamespaces: 3, podSecurity: restricted, quota: {pods: 5}, roles: [{role: viewer, group: "/teams/{team}/developers"}]}
	EOP
}

groups() { # GROUP...: by path, each with a member of its own
	local path all=()
	for path; do all+=("$(jq -cn --arg p "$path" '{path: $p, id: $p, name: ($p | split("/") | last), members: ["carol@example.test"]}')"); done
	printf '%s\n' "${all[@]}" | jq -s '{groups: ., count: length}' >"$T/groups.json"
}

onboard() { "$BROKER" onboard namespace "$@" -f "$T/policy.yaml" --kubeconfig "$ADMIN"; }
team() { onboard "$1" --template team --set team=payments "${@:2}"; }
mark() { audit_caught_up; MARK=$(wc -l <"$CLUSTER/audit.log"); }
requests() { # since mark, of ours, the proof left out, and who we are, which only the audit log asks: "verb resource", a line each
	audit_caught_up
	tail -n "+$((MARK + 1))" "$CLUSTER/audit.log" | jq -r 'select((.userAgent // "") | startswith("usher")) | select(.objectRef.resource
		| IN("subjectaccessreviews", "selfsubjectreviews", "clusterroles") | not) | "\(.verb) \(.objectRef.resource) \(.responseStatus.code)"'
}
writes() { requests | grep -cE '^(create|update|patch|delete) .* 20[01]$'; }
forget() { admin delete namespace "$@" --wait=true >/dev/null; }

pod() { # NAMESPACE NAME [CONTAINER-JSON]: what the API server makes of a pod
	jq -n --arg name "$2" --argjson more "${3:-{\}}" '{apiVersion: "v1", kind: "Pod", metadata: {name: $name}, spec: {securityContext:
		{runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: "RuntimeDefault"}}, containers: [{name: "c", image: "example.test/app",
		securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}}} * $more]}}' | admin create -n "$1" -f - -o json
}

# BM18, BE42: one command, and what is there holds
new_namespace() {
	mark
	status 0 'S3 BE42 a namespace is made from a template' team payments-dev --wait 30s --audit-log "$T/audit.log"
	cp "$OUT" "$T/first"
	cp "$ERR" "$T/first.err"
	like "$(cat "$T/first")" 'created +Namespace payments-dev \(pod-security restricted\)' 'S3 it is told'
	like "$(cat "$T/first")" '(created|patched) +ServiceAccount default \(no token automount\)' 'S9 with its ServiceAccount'
	like "$(cat "$T/first")" 'created +RoleBinding usher-deployer-[0-9a-f]+ \(oidc:/teams/payments/developers\)' 'S3 and who was bound'
	like "$(cat "$T/first")" 'proved +oidc:/teams/payments/developers may create deployments; oidc:/teams/search/developers may not' 'BM18 the proof says who may and who may not'
	like "$(cat "$T/first")" 'created +RoleBinding usher-view-[0-9a-f]+ \(oidc:/teams/payments/leads\)' 'S3 a grant by pattern that means it comes along'
	requests >"$T/requests"
	note "$(wc -l <"$T/requests") requests beyond the proof: $(paste -sd, "$T/requests")"
	ok 'one new namespace takes at most 12 requests beyond the proof' test "$(wc -l <"$T/requests")" -le 12
	is "$(grep -oE '^(create|patch) (role|name)[a-z]*' "$T/requests" | paste -sd,)" 'create namespaces,patch namespaces,create roles,create rolebindings,create rolebindings' \
		'the mark by which later runs find the namespace comes before who may do what in it'
	is "$(tail -n 2 <(grep -o '^create [a-z]*' "$T/requests") | sort -u)" 'create rolebindings' 'S10 RoleBindings come last'
	status 0 'S14 the audit log holds together' "$BROKER" verify-log "$T/audit.log"
	like "$(jq -r .event "$T/audit.log" | paste -sd' ')" 'run.begin namespace.created .*namespace.changed role.created .*binding.created run.end$' 'S14 and says what was done'
	like "$(cat "$T/first.err")" "audit log: its head is now $(tail -n 1 "$T/audit.log" | jq -r .hash)" 'S14 its head is told at the end'
	is "$(jq -r 'select(.event | startswith("log.") | not) | .who' "$T/audit.log" | sort -u)" admin 'S18 by whom'
	like "$(jq -c 'select(.event == "binding.created") | [.namespace, .role, .before, .after]' "$T/audit.log" | paste -sd' ')" \
		'\["payments-dev","Role/deployer",\[\],\["oidc:/teams/payments/developers"\]\]' 'and who got what role'
}

again() {
	mark
	status 0 'the same command again' team payments-dev
	unlike "$(cat "$OUT")" '^(created|patched|differs)' 'finds all unchanged'
	is "$(writes)" 0 'and writes nothing'
	status 0 'a later run of the sync' broker apply -f "$T/policy.yaml"
	like "$(cat "$OUT")" '^applied 0 of 0|nothing to do|the (tombstones|list)' 'keeps what was given'
	is "$(admin get rolebinding -n payments-dev -o name | grep -c usher-)" 2 'and takes nothing away'
}

# S10, S11
isolation() {
	is "$(admin get networkpolicy -n payments-dev default-deny -o json | jq -c '[.spec.podSelector, .spec.policyTypes, .spec.ingress]')" '[{},["Ingress","Egress"],null]' \
		'S10 S11 nothing comes in or goes out unless something allows it'
	is "$(admin get networkpolicy -n payments-dev default-deny -o json | jq -c '[.spec.egress[].ports[] | "\(.protocol) \(.port)"]')" '["UDP 53","TCP 53"]' 'S11 DNS may be asked'
	is "$(admin get networkpolicy -n payments-dev default-deny -o json | jq -r '.spec.egress[].to[].namespaceSelector.matchLabels[]')" kube-system 'S11 where the cluster has it'
	is "$(admin get networkpolicies -n payments-dev -o name | wc -l)" 1 'S11 and that is the only one'
	status 1 'S10 another team may not' admin auth can-i create deployments.apps -n payments-dev --as x --as-group oidc:/teams/search/developers
	status 0 'S10 its own may' admin auth can-i create deployments.apps -n payments-dev --as x --as-group oidc:/teams/payments/developers
	status 1 'S10 and it may not touch the marks that keep it apart' admin auth can-i patch namespaces -n payments-dev --as x --as-group oidc:/teams/payments/developers
}

quota_counted() { [ "$(admin get resourcequota -n payments-dev team -o json | jq -r '.status.hard.pods // ""')" = 10 ]; }

# S9, S12, S13
pods() {
	wait_for 120 quota_counted
	status 1 'S13 a privileged pod is refused' pod payments-dev bad '{"securityContext": {"privileged": true, "allowPrivilegeEscalation": true}}'
	like "$(cat "$ERR")" 'violates PodSecurity "restricted' 'S13 by Pod Security'
	status 0 'S12 a pod that says nothing about resources is taken' pod payments-dev plain
	is "$(jq -c '.spec.containers[0].resources' "$OUT")" '{"limits":{"cpu":"500m","memory":"512Mi"},"requests":{"cpu":"100m","memory":"128Mi"}}' 'S12 with what the LimitRange says'
	is "$(jq -c '[.spec.volumes[]?, .spec.containers[].volumeMounts[]?]' "$OUT")" '[]' 'S9 BE43 and gets no token'
	status 1 'S12 one that asks for too much is refused' pod payments-dev large '{"resources": {"requests": {"cpu": "8", "memory": "1Gi"}, "limits": {"cpu": "8", "memory": "1Gi"}}}'
	like "$(cat "$ERR")" 'exceeded quota: team' 'S12 by the quota'
}

manifests() {
	status 0 'the same as manifests' team git-dev --dry-run client -o yaml
	cp "$OUT" "$T/git.yaml"
	status 0 'once more' team git-dev --dry-run client -o yaml
	ok 'the same bytes' cmp -s "$OUT" "$T/git.yaml"
	nok 'and no namespace of it' admin get namespace git-dev
	ok 'kubectl takes them' admin apply -f "$T/git.yaml"
	status 0 'and onboard finds them as wanted' team git-dev
	unlike "$(cat "$OUT")" '^(created|patched|differs|left)' 'all of them'
	status 0 'onboarded first' team fence-dev
	"$BROKER" onboard namespace fence-dev -f "$T/policy.yaml" --template team --set team=payments --dry-run client -o yaml >"$T/git.yaml"
	admin get namespace fence-dev -o json | jq -S .metadata.labels >"$T/labels"
	ok 'and what is printed applied after that, as for GitOps' admin apply -f "$T/git.yaml"
	ok 'takes nothing off the namespace' diff "$T/labels" <(admin get namespace fence-dev -o json | jq -S .metadata.labels)
	status 0 'and changes nothing that onboard made' team fence-dev
	unlike "$(cat "$OUT")" '^(created|patched|differs|left)' 'at all'
	mark
	status 0 '--dry-run=server looks' team server-dev --dry-run server
	like "$(cat "$OUT")" 'would create Namespace server-dev' 'says what it would do'
	nok 'and does not do it' admin get namespace server-dev
}

two_clusters() { # one API server by two names
	sed "s|^cluster:|clusters: [{name: one, kubeconfig: $ADMIN}, {name: two, kubeconfig: $ADMIN}]\n&|" "$T/policy.yaml" >"$T/two.yaml"
	status 0 'of two clusters' "$BROKER" onboard namespace both-dev -f "$T/two.yaml" --template bare -o yaml
	is "$(grep -E '^(---|cluster: .*)$' "$OUT" | paste -sd' ')" 'cluster: one --- cluster: two' 'each has a YAML document, which says its name'
}

legacy() { # a namespace that runs things, and that nobody made from a template
	admin create namespace legacy >/dev/null
	admin label namespace legacy example.com/tenant=other >/dev/null
	for i in 1 2 3; do pod legacy "p$i" >/dev/null; done
	admin create quota team -n legacy --hard=pods=50 >/dev/null
	cat <<-EOM | admin apply -f - >/dev/null
	apiVersion: networking.k8s.io/v1
	kind: NetworkPolicy
	metadata: {name: default-deny, namespace: legacy, labels: {helm.sh/chart: net-1}}
	spec: {podSelector: {}}
	EOM
}

adopting() {
	legacy
	policy 2
	mark
	status 10 'a namespace that somebody made otherwise is left alone' team legacy
	is "$(writes)" 0 'nothing in it is written'
	like "$(cat "$OUT")" 'differs +Namespace legacy: is there already, and was made without a template' 'it is told why'
	like "$(cat "$OUT")" 'missing +LimitRange team' 'what is missing is told'
	like "$(cat "$OUT")" 'differs +ResourceQuota team: spec.hard.pods is 50, not 2|differs +ResourceQuota team: spec.hard' 'what differs is told'
	one_line "$ERR" 'in one line'
	like "$(cat "$ERR")" '\-\-adopt' 'and how to go on'
	status 10 'with --adopt' team legacy --adopt
	like "$(cat "$OUT")" 'patched +Namespace legacy' 'it gets its labels'
	like "$(cat "$OUT")" 'patched +ResourceQuota team' 'and what differed is put right'
	like "$(cat "$OUT")" 'left +NetworkPolicy default-deny: .*made by helm \(chart net-1\)' 'but what is another tool'\''s'
	like "$(cat "$OUT")" 'warning +legacy: pods: 3 is in use, the quota allows 2' 'a quota below what runs is said'
	is "$(admin get namespace legacy -o json | jq -r '.metadata.labels["usher.dev/template"]')" team 'it has the mark of the template'
	is "$(admin get resourcequota team -n legacy -o json | jq -cS .spec.hard)" '{"pods":"2","requests.cpu":"4","requests.memory":"8Gi"}' 'the quota is as the template has it'
	is "$(admin get pods -n legacy -o name | wc -l)" 3 'and what runs goes on'
	status 10 'once more' team legacy --adopt
	unlike "$(cat "$OUT")" '^(created|patched)' 'there is nothing left to do'
	policy
}

refusals() {
	status 5 'another template for the same namespace is refused' onboard payments-dev --template bare
	like "$(cat "$ERR")" 'was made from template team, and a namespace has one' 'with the reason'
	admin create namespace going >/dev/null
	admin patch namespace going --type merge -p '{"metadata":{"finalizers":["example.com/stay"]}}' >/dev/null
	admin delete namespace going --wait=false >/dev/null
	status 5 'a namespace that is being deleted is refused' team going
	like "$(cat "$ERR")" 'namespace going is being deleted' 'with the reason'
	one_line "$ERR" 'in one line'
	admin patch namespace going --type merge -p '{"metadata":{"finalizers":[]}}' >/dev/null
}

allowance() {
	few() { onboard "$1" --template few --set "team=${2:-payments}"; }
	status 0 'BE44 a team has as many namespaces as its template says' few payments-one
	mark
	status 5 'BE44 and no more' few payments-two
	like "$(cat "$ERR")" 'team=payments has 1 namespace of template few, 1 more would be too many: 1 is the most; nothing was made\. Raise templates\.few\.maxNamespaces' 'BE44 it is told'
	one_line "$ERR" 'BE44 in one line'
	is "$(writes)" 0 'BE44 and nothing was made'
	status 0 'BE44 what it has can be onboarded again' few payments-one
	admin label namespace payments-one app.kubernetes.io/managed-by- >/dev/null
	status 5 'BE44 nor where a label was taken off that lets nobody in' few payments-two
	admin label namespace payments-one app.kubernetes.io/managed-by=usher-broker >/dev/null
	status 0 'BE44 another team has its own' few search-one search
	forget payments-one search-one
}

in_use() { admin get namespaces -l template.usher.dev/team="$1" -o json | jq "[.items[] | select(.metadata.labels[\"usher.dev/$2\"] == \"three\")] | length"; }

# BE44: who asks at the same moment is let through as far as there is room, and no further
at_once() {
	local i name pids=() well=0 refused=0 other=0
	for ((i = 0; i < 10; i++)); do
		onboard "once-$i" --template three --set team=payments >"$T/once-$i" 2>"$T/once-$i.err" &
		pids[i]=$!
	done
	for ((i = 0; i < 10; i++)); do
		wait "${pids[i]}"
		case $? in
		0) well=$((well + 1)) ;;
		5) refused=$((refused + 1)); name=once-$i ;;
		*) other=$((other + 1)); note "$(cat "$T/once-$i" "$T/once-$i.err")" ;;
		esac
	done
	is "$well $refused $other" '3 7 0' 'BE44 of ten at the same moment as many are let through as there is room for'
	is "$(in_use payments template) $(in_use payments onboarding)" '3 0' 'BE44 so many bear the mark, and nothing is half made'
	is "$(admin get namespaces -o name | grep -c /once-)" 3 'BE44 of the others nothing was made'
	is "$(admin get rolebindings -A -o json | jq '[.items[] | select(.metadata.namespace | startswith("once-")) | .metadata.namespace] | unique | length')" 3 'BE44 nobody is bound beyond that'
	for ((i = 0; i < 10; i++)); do [ ! -s "$T/once-$i.err" ] || [ "$(wc -l <"$T/once-$i.err")" = 1 ] || fail "once-$i says more than one line"; done
	like "$(cat "$T/$name.err")" 'team=payments has 3 namespaces of template three, 1 more would be too many: 3 is the most; nothing was made\. Raise' 'BE44 they are told why, and how to go on'
	mark
	status 0 'BE44 one of another team' onboard once-search --template three --set team=search
	requests >"$T/requests"
	note "$(wc -l <"$T/requests") requests with a limit: $(paste -sd, "$T/requests")"
	is "$(grep -E 'leases|list namespaces' "$T/requests" | paste -sd,)" 'get leases 200,list namespaces 200,update leases 200,update leases 200' 'BE44 the limit costs four requests'
	mapfile -t names < <(admin get namespaces -o name | sed -n 's|^namespace/\(once-.*\)|\1|p')
	forget "${names[@]}"
}

# Whoever may write Roles in a namespace has one of ours ready that allows everything.
widened() {
	local everything='{"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}'
	status 0 'a namespace' team payments-wide
	admin delete rolebindings -n payments-wide --all >/dev/null
	admin patch role deployer -n payments-wide --type merge -p "$everything" >/dev/null
	status 10 'whose Role says something else' team payments-wide --dry-run server
	unlike "$(cat "$OUT")" 'would create RoleBinding' 'would get no binding'
	status 10 'done' team payments-wide
	like "$(cat "$OUT")" 'waits +Role deployer: left to the next usher-broker apply \(changed by kubectl' 'is told'
	is "$(admin get rolebindings -n payments-wide -o name)" '' 'nobody is bound to it'
	status 0 'the next apply puts it back' broker apply -f "$T/policy.yaml"
	is "$(admin get role deployer -n payments-wide -o json | jq -c '[.rules[].resources[]]') $(admin get rolebindings -n payments-wide -o name | grep -c usher-)" '["deployments"] 2' 'and binds'
	forget payments-wide
}

waiting() {
	groups /teams/search/developers
	status 10 'a group that is not there yet' team payments-new
	like "$(cat "$OUT")" 'created +Namespace payments-new' 'the namespace is made all the same'
	like "$(cat "$OUT")" 'waits +deployer for /teams/payments/developers: source main has no such group yet' 'the binding waits'
	echo '{"groups": [{"path": "/teams/search/developers", "id": "x", "name": "developers"}], "count": 9}' >"$T/groups.json"
	status 3 'a source that was not read whole' team payments-half
	like "$(cat "$OUT")" 'created +Namespace payments-half' 'makes the namespace, too'
	like "$(cat "$ERR")" 'source main is incomplete' 'and says why nobody is bound'
	groups /teams/payments/developers /teams/payments/leads /teams/search/developers
	status 0 'the next run of the sync binds them' broker apply -f "$T/policy.yaml"
	is "$(admin get rolebinding -n payments-half -o name | grep -c usher-deployer)" 1 'as the template says'
}

some_are_made() { [ "$(grep -c '"verb":"create".*"resource":"namespaces","name":"many-' "$CLUSTER/audit.log")" -gt 20 ]; }
may_no_longer() { ! kubectl --kubeconfig "$T/onboard.kubeconfig" auth can-i create namespaces -q; }

many() {
	local names pid
	mapfile -t names < <(printf 'many-%03d\n' {1..300})
	"$BROKER" onboard namespace "${names[@]}" -f "$T/policy.yaml" --kubeconfig "$ADMIN" --template team --set team=payments >"$T/many" 2>"$T/many.err" &
	pid=$!
	wait_for 120 some_are_made
	kill -TERM "$pid"
	wait "$pid"
	is $? 10 'a signal in the middle'
	like "$(cat "$T/many.err")" 'stopped by a signal; [0-9,]+ objects were written by then.*The same command again does the rest' 'says what is done and what to do'
	status 0 'which is true' onboard "${names[@]}" --template team --set team=payments
	like "$(cat "$OUT")" 'proved +300 bindings' 'all are proved'
	is "$(admin get rolebindings -A -o json | jq '[.items[] | select(.metadata.namespace | startswith("many-"))] | length')" 300 'each has its binding'
}

rights() {
	admin create namespace usher-system >/dev/null
	"$BROKER" rbac --for onboard -f "$T/policy.yaml" --state-namespace usher-system >"$T/rbac.yaml"
	admin apply -f "$T/rbac.yaml" >/dev/null
	account_kubeconfig usher-onboard "$T/onboard.kubeconfig"
	status 0 'BM10 a ServiceAccount with what rbac --for onboard prints can do it' "$BROKER" onboard namespace payments-robot -f "$T/policy.yaml" --template three \
		--set team=payments --kubeconfig "$T/onboard.kubeconfig" --state-namespace usher-system --wait 30s
	audit_caught_up
	is "$(jq -r 'select(.user.username == "system:serviceaccount:usher-system:usher-onboard" and .responseStatus.code == 403) | .requestURI' "$CLUSTER/audit.log")" '' \
		'BM10 nothing that it asked for was forbidden'
	"$BROKER" rbac -f "$T/policy.yaml" --state-namespace usher-system --service-account usher-onboard | admin replace -f - >/dev/null
	wait_for 120 may_no_longer
	status 5 'without the right to make namespaces' "$BROKER" onboard namespace payments-other -f "$T/policy.yaml" --template team --set team=payments \
		--kubeconfig "$T/onboard.kubeconfig" --state-namespace usher-system
	like "$(cat "$ERR")" 'cannot create resource "namespaces".*rbac --for onboard' 'it says which right is missing, and where it is written'
	one_line "$ERR" 'in one line'
}

person() {
	local user=("$BROKER" onboard user)
	mark
	status 0 'a person is told what to put where' "${user[@]}" carol@example.test -f "$T/policy.yaml" --kubeconfig "$ADMIN" --issuer https://login.example.test/realms/acme
	like "$(cat "$OUT")" 'may +deployer in .*payments-dev.*: by group /teams/payments/developers' 'what the groups let them do'
	like "$(cat "$OUT")" $'scopes:\n- email\nservers:.*# scopes: \\[groups, email\\] +where the realm has a client scope groups' 'of a Keycloak only the scopes that each realm has'
	like "$(cat "$OUT")" "server: \"$SERVER\"" 'the API server'
	like "$(cat "$OUT")" 'issuer: "https://login.example.test/realms/acme"' 'and the issuer'
	is "$(writes)" 0 'nothing is written'
	status 0 'as JSON' "${user[@]}" carol@example.test -f "$T/policy.yaml" --kubeconfig "$ADMIN" --issuer https://login.example.test -o json
	jq .kubeconfig "$OUT" >"$T/person.kubeconfig"
	ok 'kubectl reads the kubeconfig' kubectl --kubeconfig "$T/person.kubeconfig" config view
	groups /teams/payments/developers /teams/search/developers
	jq '.groups += [{path: "/teams/payments/leads", id: "l", name: "leads", members: ["dave"]}] | .count += 1' "$T/groups.json" >"$T/g" && mv "$T/g" "$T/groups.json"
	status 0 'which groups are missing' "${user[@]}" carol@example.test -f "$T/policy.yaml" --kubeconfig "$ADMIN" --issuer https://login.example.test -n payments-dev
	like "$(cat "$OUT")" 'missing +viewer in payments-dev: takes group /teams/payments/leads' 'is told for a namespace'
	status 1 'somebody nobody knows' "${user[@]}" mallory@example.test -f "$T/policy.yaml" --kubeconfig "$ADMIN" --issuer https://login.example.test
	one_line "$ERR" 'is one line'
	status 1 'somebody whom the source calls otherwise' "${user[@]}" carol -f "$T/policy.yaml" --kubeconfig "$ADMIN" --issuer https://login.example.test
	like "$(cat "$ERR")" 'no group of any source has a member carol \(did you mean carol@example.test\?\)' 'is told how'
	status 2 'an issuer that is none' "${user[@]}" carol@example.test -f "$T/policy.yaml" --kubeconfig "$ADMIN" --issuer http://login.example.test
	like "$(cat "$ERR")" 'begins with https://' 'is refused'
	status 10 'somebody is offboarded' "$BROKER" offboard user dave -f "$T/policy.yaml" --kubeconfig "$ADMIN" --reason gone
	status 5 'and then not onboarded' "${user[@]}" dave -f "$T/policy.yaml" --kubeconfig "$ADMIN" --issuer https://login.example.test
	like "$(cat "$ERR")" 'dave is denied since .*gone; usher-broker readmit' 'and it is said why'
	one_line "$ERR" 'in one line'
	cp "$T/groups.json" "$T/with-dave.json"
	jq '.groups[].members -= ["dave"]' "$T/with-dave.json" >"$T/groups.json"
	status 5 'nor when the groups are rid of them' "${user[@]}" dave -f "$T/policy.yaml" --kubeconfig "$ADMIN" --issuer https://login.example.test
	like "$(cat "$ERR")" 'dave is denied since .* by .*gone; usher-broker readmit -f .* --key [0-9a-f]{8} --reason TEXT$' 'who did it, when, and the way back'
	mv "$T/with-dave.json" "$T/groups.json"
	status 0 'until that is taken back' "$BROKER" readmit user dave -f "$T/policy.yaml" --kubeconfig "$ADMIN" --reason back
	status 0 'then as before' "${user[@]}" dave -f "$T/policy.yaml" --kubeconfig "$ADMIN" --issuer https://login.example.test
	status 2 'without an issuer' "${user[@]}" carol@example.test -f "$T/policy.yaml" --kubeconfig "$ADMIN"
	like "$(cat "$ERR")" '\-\-issuer' 'it is asked for'
}

cluster_start
policy
groups /teams/payments/developers /teams/payments/leads /teams/search/developers
new_namespace
again
isolation
pods
manifests
two_clusters
adopting
refusals
allowance
at_once
widened
waiting
person
groups /teams/payments/developers /teams/payments/leads /teams/search/developers
rights
many
done_testing
