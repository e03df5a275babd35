#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole table of exit statuses, 0 to 10, each by a program against real parts: what a script may rely on.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster idp

groups() { # NAME...: the source's file
	jq -cn '{groups: [$ARGS.positional[] | {name: ., members: ["carol@example.test"]}], count: ($ARGS.positional | length)}' --args "$@" >"$T/groups.json"
}

policy() { # NAMESPACE...
	cat >"$T/policy.yaml" <<-YAML
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:"}
	sources: {main: {file: {path: groups.json}}}
	roles: {viewer: {clusterRole: view}}
	grants:
	- {group: dev, role: viewer, namespaces: [$(printf '%s, ' "$@" | sed 's/, $//')]}
	YAML
}

one_line_of() { # STATUS PROGRAM-NAME: stderr is lines of that program alone, and the last one stands by itself
	is "$(grep -vc "^$2: " "$ERR")" 0 "$1: every line on stderr begins with $2:"
}

browser_write
idp_start
cluster_start
profile_write prod 'store: none'
groups dev
policy default

status 1 '1: plan has something to do' broker plan -f "$T/policy.yaml"
status 0 '0: apply did it' broker apply -f "$T/policy.yaml"
status 2 '2: a command that does not exist' "$BROKER" frobnicate
one_line_of 2 usher-broker

printf '{"groups": [], "count": 7}' >"$T/groups.json"
status 3 '3: a source that is not whole' broker plan -f "$T/policy.yaml"
one_line_of 3 usher-broker
groups dev

status 4 '4: nobody is there to sign in' away get_token prod
one_line_of 4 usher

SERVER=https://203.0.113.9:6443 status 5 '5: a server that the profile does not name' away get_token prod
one_line_of 5 usher

profile_write away 'store: none' 'issuer: https://127.0.0.1:1'
status 6 '6: a provider that is not there' "$USHER" login --profile away
one_line_of 6 usher

profile_write slash 'store: none' "issuer: $ISSUER/"
status 7 '7: a provider that calls itself something else' "$USHER" login --profile slash
one_line_of 7 usher
like "$(cat "$ERR")" 'issuer' '7: the line says that it is the issuer'

status 8 '8: a disk that is full' "$BROKER" plan -f "$T/policy.yaml" --from "$T/run" --out /dev/full
one_line_of 8 usher-broker

profile_write slow 'store: none' 'browser: /bin/true' 'sign-in-timeout: 1s'
status 9 '9: a person who does not come' "$USHER" login --profile slow
like "$(tail -n 1 "$ERR")" '^usher: ' '9: the last line says so'

policy default nowhere
status 10 '10: a namespace that is not there' broker apply -f "$T/policy.yaml"
like "$(cat "$OUT" "$ERR")" 'nowhere' '10: and what is left is named'
done_testing
