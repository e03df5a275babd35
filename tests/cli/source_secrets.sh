#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a source's secretEnv names is inherited by no program that usher-broker starts: not by another source's, not by one
# that prints a secret, not by a credential plugin of the kubeconfig; and stands in /proc/PID/environ no longer.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$T" || exit 99

program() { # NAME WHAT-IT-PRINTS
	cat >"$1" <<-EOF
	#!/bin/sh
	env >>"$T/seen"
	tr '\\0' '\\n' </proc/\$PPID/environ >>"$T/parents" 2>/dev/null
	echo $1 >>"$T/ran"
	echo '$2'
	EOF
	chmod 700 "$1"
}
program print-groups '{"groups": [{"name": "ops", "id": "9", "members": []}], "count": 1}'
program print-secret a-printed-secret
program exec-plugin '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t"}}'
cat >kubeconfig <<-EOF
	apiVersion: v1
	kind: Config
	current-context: c
	contexts: [{name: c, context: {cluster: c, user: u}}]
	clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
	users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: $T/exec-plugin}}}]
EOF
policy() { # ANOTHER-SOURCE
	cat <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", groupName: leaf}
	sources:
	  a: {okta: {url: "https://127.0.0.1:1", secretEnv: OKTA_TOKEN, timeout: 1s}}
	  b: {scim: {url: "https://127.0.0.1:1", secretEnv: SCIM_TOKEN, timeout: 1s}}
	  c: $1
	roles: {editor: {clusterRole: edit}}
	grants:
	- {source: c, group: ops, role: editor, namespaces: [elsewhere]}
	EOF
}
export OKTA_TOKEN=a-very-secret-word SCIM_TOKEN=another-secret-word HARMLESS=harmless
none_saw() { # PROGRAM: ran, and what it inherited
	ok "$1 ran" grep -qx "$1" ran
	ok 'and had the environment' grep -qx HARMLESS=harmless seen
	nok 'but nothing that is a secret of a source' grep -qE 'secret-word|^(OKTA|SCIM)_TOKEN=' seen
	[ -n "${USHER_VALGRIND:-}" ] || # whose own environment it would be
		nok 'nor does its parent show one' grep -qE 'secret-word' parents
	rm -f ran seen parents
}

policy "{command: {command: [$T/print-groups]}}" >policy.yaml
status 0 'one source of three is read' "$BROKER" groups c -f policy.yaml
none_saw print-groups
policy "{scim: {url: 'https://127.0.0.1:1', timeout: 1s, secretCommand: [$T/print-secret]}}" >printed.yaml
status 3 'a program prints the secret of a source that is away' "$BROKER" groups c -f printed.yaml
none_saw print-secret
status 6 'a kubeconfig has a credential plugin' "$BROKER" plan -f policy.yaml --kubeconfig kubeconfig
none_saw exec-plugin
status 3 'the sources have their secrets all the same' "$BROKER" groups -f policy.yaml
nok 'for none is missing' grep -q 'holds no secret' "$ERR"
unset OKTA_TOKEN
status 2 'and one that was never there is' "$BROKER" groups a -f policy.yaml
like "$(cat "$ERR")" 'source a: \$OKTA_TOKEN: holds no secret' 'named'
done_testing
