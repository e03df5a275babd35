#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each example runs: the profile and the kubeconfig are read by the programs they are for, the policy is planned against
# an empty folder, and prefix, issuer and client are spelt alike in the three files that must agree.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
examples=$USHER_SRC/examples

mkdir -p "$HOME/.config/usher/profiles"
install -m 600 "$examples/profile.yaml" "$HOME/.config/usher/profiles/prod.yaml"
status 0 'the profile is read by status' "$USHER" status
like "$(cat "$OUT")" 'prod' 'status lists the example profile'

status 0 'the policy is valid' "$BROKER" validate -f "$examples/policy.yaml"
sed -E 's/(until|notAfter): 20[0-9]{2}-/\1: 2999-/' "$examples/policy-full.yaml" >"$T/full.yaml" # its days pass, and this goes on
status 0 'so is the one that says everything' "$BROKER" validate "$T/full.yaml"
# the settings of sources are many, and each kind has its own; all the rest stands in the example
"$BROKER" validate --schema | jq -r 'del(.properties.sources) | [.. | objects | select(has("properties")) | .properties | keys[]] | unique[]' >"$T/members"
like "$(wc -l <"$T/members")" '^[5-9][0-9]$' 'the schema has members to look for'
lost=
while read -r member; do grep -qE "(^|[ {])$member:" "$examples/policy-full.yaml" || lost+="$member "; done <"$T/members"
is "$lost" '' 'it does say everything that the schema knows'
mkdir "$T/empty"
status 1 'the policy plans against an empty folder' "$BROKER" plan -f "$examples/policy.yaml" --from "$T/empty"
like "$(cat "$OUT")" 'read-pods-services' 'the plan shows the binding of the story'

status 4 'the kubeconfig of the example runs the plugin, which asks for a sign-in' env \
	KUBERNETES_EXEC_INFO='{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false,"cluster":{"server":"https://k8s.example.com:6443"}}}' \
	"$USHER" get-token --profile prod
like "$(cat "$ERR")" 'kubectl usher login --profile prod' 'and names the command to run'

issuer=$(sed -n 's/^issuer: //p' "$examples/profile.yaml")
client=$(sed -n 's/^client: //p' "$examples/profile.yaml")
authn=$(cat "$examples/authentication-configuration.yaml")
like "$issuer" '^https://' 'the profile names an issuer'
like "$authn" "url: $issuer " 'the API server is told the issuer of the profile'
like "$authn" "audiences: \[$client\]" 'and its client'
prefix=$(sed -n 's/^  groupPrefix: "\(.*\)"/\1/p' "$examples/policy.yaml")
like "$prefix" ':$' 'the policy has a prefix'
like "$authn" "groups: \{claim: groups, prefix: \"$prefix\"\}" 'and the API server puts that prefix in front of groups'
server=$(sed -n 's/^servers: \[\(.*\)\].*/\1/p' "$examples/profile.yaml")
like "$(cat "$examples/kubeconfig.yaml")" "server: \"$server\"" 'the kubeconfig names the server of the profile'
done_testing
