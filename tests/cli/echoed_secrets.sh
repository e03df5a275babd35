#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who is told a secret may quote it: a provider's error, a redirect, a proxy's page, an API server. Nothing of it is in what
# the programs print, record or count, however it is spelt (BE11, BM17).
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$T" || exit 99

echo '500 plain' >mode
mkfifo ends
"$USHER_BUILD/tests/support/echo_server" mode <ends >url &
exec 8>ends
at_exit 'exec 8>&-'
wait_for 120 test -s url
U=$(cat url)
# Whatever is looked for below has letters of its own: "q7" and "Zx" stand nowhere else.
export SECRET='q7Zs3"cr3t\T/K+E=n%v&al:ue q7Zs3end'
TOKEN=q7Zxobtained.q7Zxtoken_q7Zx-of~a-run

base64s() { # TEXT: what base64 of it looks like wherever it stands in a longer text, a line each
	local pad cut=0
	for pad in '' x xx; do
		printf '%s%s' "$pad" "$1" | base64 -w0 | cut -c$((cut + 1))- | cut -c1-18
		cut=$((${#pad} + 2))
	done
}
{ base64s "$SECRET"; base64s "$TOKEN"; } | sed p | sed '1~2y|+/|-_|' | sort -u >traces
printf '%s\n' 'q7Z' 'q7z' '%71%37' '\u0071' 'cr3t' '7Zs3end' >>traces
clean() { # NAME FILE...: no trace of a secret in them
	local name=$1 found
	shift
	found=$(cat "$@" 2>/dev/null | grep -aFf traces)
	is "${found:0:1000}" '' "$name"
}
policy() { # SOURCE
	jq -n --argjson source "$1" '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: "echo"}, cluster: {groupPrefix: "oidc:", groupName: "leaf"},
		sources: {main: $source}, roles: {view: {clusterRole: "view"}}, grants: [{group: "dev", role: "view", namespaces: ["somewhere"]}]}' >policy.yaml
}
# shellcheck disable=SC2016 # jq reads it
source_of() { # KIND
	local more
	case $1 in
	github) more='{organization: "o"}' ;;
	keycloak) more='{realm: "r", client: "c"}' ;;
	entra) more='{tenant: "t", client: "cl", authority: $url}' ;;
	*) more='{}' ;;
	esac
	jq -cn --arg kind "$1" --arg url "$U" "{(\$kind): ({url: \$url, secretEnv: \"SECRET\", allowLoopbackHttp: true, budget: \"1s\", timeout: \"20s\"} + $more)}"
}

# ---- providers ----
tried=0
for kind in okta gitlab scim authentik github keycloak entra; do
	policy "$(source_of $kind)"
	: >all
	failed=''
	for mode in '401 plain' '400 percent' '403 form' '404 unicode' '302 plain' '307 percent' '400 base64' '401 doubled' '403 html' \
		"403 plain grant $TOKEN" "401 percent grant $TOKEN" "302 base64 grant $TOKEN" "404 form grant $TOKEN"; do
		case $kind,$mode in keycloak,*grant*|entra,*grant*) ;; *,*grant*) continue ;; esac
		echo "$mode" >mode
		rm -rf record
		run "$BROKER" groups -f policy.yaml -o json --record record
		cat "$OUT" "$ERR" record/* >>all
		[ "$STATUS" = 3 ] && grep -q 'exchanges' <<<"$(ls record)" && [ -s record/exchanges.jsonl ] || failed+="$mode: $STATUS; "
		jq -e . record/exchanges.jsonl >/dev/null || failed+="$mode: the record is no JSON; "
		run "$BROKER" groups -f policy.yaml --replay record
		[ "$STATUS" = 3 ] || failed+="$mode: replayed: $STATUS; "
		cat "$OUT" "$ERR" >>all
		tried=$((tried + 1))
	done
	is "$failed" '' "$kind quotes what it was told: the source is incomplete, and is when it is told again"
	clean 'and nobody reads a secret' all
	ok 'but that something was said there' grep -q '\.\.\.\.\.\.\.\.' all
done
ok "in $tried ways" test "$tried" -ge 60

# ---- an API server ----
mkdir private
cat >kubeconfig <<-EOF
	{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
	 clusters: [{name: c, cluster: {server: "$U"}}], users: [{name: u, user: {token: "$TOKEN"}}]}
EOF
chmod 600 kubeconfig
echo '{"groups": [{"name": "dev", "id": "1", "members": []}], "count": 1}' >groups.json
policy '{"file": {"path": "groups.json"}}'
: >all
for mode in '400 plain' '403 percent' '404 unicode' '302 plain' '403 html' '400 base64' '422 form' '409 doubled' '500 plain'; do
	echo "$mode" >mode
	for words in 'plan -o json --metrics m.prom --out plan.json' 'apply --rights any --metrics m.prom' 'audit' 'import' 'explain dev'; do
		case $words in audit) file=() ;; import) file=() ;; *) file=(-f policy.yaml) ;; esac
		# shellcheck disable=SC2086
		run "$BROKER" $words "${file[@]}" --kubeconfig kubeconfig
		[ "$STATUS" != 0 ] || note "$mode $words: status 0"
		cat "$OUT" "$ERR" m.prom plan.json >>all 2>/dev/null
	done
done
ok 'an API server that refuses is told of' grep -q "${U#http://} " all
clean 'and its bearer token, which it quotes, is not' all

# ---- programs that print ----
cat >print-secret <<-'EOF'
	#!/bin/bash
	set -x
	: a token follows
	echo q7Zs3printed-secret
EOF
chmod 700 print-secret
echo '401 plain' >mode
policy "$(jq -cn --arg url "$U" --arg me "$T/print-secret" '{okta: {url: $url, secretCommand: [$me], allowLoopbackHttp: true, timeout: "5s"}}')"
status 3 'a program that prints a secret says it on stderr, too' "$BROKER" groups -f policy.yaml
clean 'which is not passed on' "$OUT" "$ERR"
like "$(cat "$ERR")" 'a token follows' 'but what else it says is'
cat >exec-plugin <<-EOF
	#!/bin/bash
	echo 'I have a token: $TOKEN' >&2
	echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "$TOKEN"}}'
EOF
chmod 700 exec-plugin
cat >plugged <<-EOF
	{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: "$U"}}],
	 users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: $T/exec-plugin}}}]}
EOF
chmod 600 plugged
policy '{"file": {"path": "groups.json"}}'
echo '403 html' >mode
run "$BROKER" plan -f policy.yaml --kubeconfig plugged
clean 'nor what a credential plugin says of its token' "$OUT" "$ERR"
like "$(cat "$ERR")" 'I have a token: \.{20}' 'but that it has one is'

# ---- a token that is looked into ----
for text in "$TOKEN" "{\"kind\": \"ExecCredential\", \"status\": {\"token\": \"$TOKEN\"}}" "[\"$TOKEN\"]" "$TOKEN.$TOKEN $TOKEN"; do
	printf '%s' "$text" >token
	run "$BROKER" claims -f policy.yaml --token token
	[ "$STATUS" != 0 ] || fail 'what is no token is refused'
	cat "$OUT" "$ERR" >>all
done
clean 'what is wrong with a token is told without it' all
done_testing
