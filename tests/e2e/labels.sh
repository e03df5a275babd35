#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Namespaces by labels whose value a group's path says, and by the labels of a template, on a real API server: what people
# put there gives access by plain apply, what they take away takes it.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
cluster_start

cat >"$T/policy.yaml" <<'END'
apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:", groupName: path}
sources: {main: {file: {path: groups.json}}}
roles: {editor: {clusterRole: edit}, viewer: {clusterRole: view}}
grants:
- {groupPattern: "/teams/{team}/auditors", role: viewer, name: auditors, namespaceSelector: {team: "{team}", tier: prod}}
templates:
  team:
    roles:
    - {role: editor, group: "/teams/{team}/developers"}
    - {role: viewer, group: /oncall}
END
jq -n '{groups: [{id: "1", path: "/teams/pay/developers", name: "developers", members: ["carol"]}, {id: "2", path: "/teams/pay/auditors", name: "auditors", members: ["dave"]},
	{id: "3", path: "/teams/shop/developers", name: "developers", members: ["erin"]}, {id: "4", path: "/oncall", name: "oncall", members: ["olga"]}], count: 4}' >"$T/groups.json"

applied() { # WHAT: an apply that must end well
	status 0 "$1" broker apply -f "$T/policy.yaml"
}
label() { # NAMESPACE LABEL...
	admin label namespace "$@" --overwrite >/dev/null
}
may() { # GROUP VERB NAMESPACE: what the API server's own authorizer says
	admin auth can-i "$2" deployments.apps -n "$3" --as somebody --as-group "oidc:$1" 2>/dev/null
}
may_now() { is "$(may "$1" "$2" "$3")" "$4" "$5"; } # GROUP VERB NAMESPACE yes|no WHAT
bound() { # NAMESPACE: subjects of all bindings there
	admin get rolebindings -n "$1" -o json | jq -r '[.items[].subjects[].name] | sort | join(" ")'
}

for name in pay shop-1 other kube-extra; do admin create namespace "$name" >/dev/null; done
label pay usher.dev/template=team template.usher.dev/team=pay
label kube-extra usher.dev/template=team template.usher.dev/team=pay team=pay tier=prod
applied 'a namespace with the labels of a template'
is "$(bound pay)" 'oidc:/oncall oidc:/teams/pay/developers' 'has the bindings of its team and of the template, and no more'
may_now /teams/pay/developers create pay yes 'its developers may work there'
may_now /teams/shop/developers create pay no 'and those of another team may not'
is "$(bound other)$(bound shop-1)" '' 'a namespace without them has none'
is "$(bound kube-extra)" '' "nor has one of the cluster's own, whatever it is labelled"
label other usher.dev/onboarding=team template.usher.dev/team=pay
applied 'a namespace that is half made'
is "$(bound other)" '' 'has none, either'
label other usher.dev/onboarding- usher.dev/template=elsewhere.team
applied "another policy's template of that name"
is "$(bound other)" '' 'gives nothing'
label other usher.dev/template- template.usher.dev/team-
before=$(broker_writes)
applied 'a second run'
is "$(broker_writes)" "$before" 'writes nothing'

label shop-1 usher.dev/template=team template.usher.dev/team=shop
label pay team=pay tier=prod
label other team=shop tier=prod
applied 'somebody labels more of them'
is "$(bound shop-1)" 'oidc:/oncall oidc:/teams/shop/developers' 'each gets what its labels say'
is "$(bound pay)" 'oidc:/oncall oidc:/teams/pay/auditors oidc:/teams/pay/developers' 'also by namespaceSelector'
is "$(bound other)" '' 'and nothing where no group is that its label is for'
like "$(broker explain -f "$T/policy.yaml" --live other 2>/dev/null)" 'it is labelled team=shop, and no group is there' 'explain says why'

label shop-1 template.usher.dev/team=pay
label pay usher.dev/template-
applied 'a label says another team, and one is taken off'
is "$(bound shop-1)" 'oidc:/oncall oidc:/teams/pay/developers' 'the one team leaves and the other joins'
is "$(bound pay)" 'oidc:/teams/pay/auditors' 'what the template gave is gone, what the other grant gives stays'
may_now /teams/pay/developers create pay no 'its developers may no longer work there'
may_now /teams/shop/developers create shop-1 no 'nor those who left in the other one'
before=$(broker_writes)
applied 'and then'
is "$(broker_writes)" "$before" 'nothing is left to do'

sed -i 's/remove: .*//; $a limits: {remove: {bindings: 1}}' "$T/policy.yaml"
for i in 1 2 3; do
	admin create namespace "many-$i" >/dev/null
	label "many-$i" usher.dev/template=team template.usher.dev/team=shop
done
applied 'three more'
for i in 1 2 3; do label "many-$i" usher.dev/template-; done
status 5 'labels that are taken off everywhere at once are stopped by the limits' broker apply -f "$T/policy.yaml"
is "$(bound many-2)" 'oidc:/oncall oidc:/teams/shop/developers' 'and nobody lost anything'
done_testing
