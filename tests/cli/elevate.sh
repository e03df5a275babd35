#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Roles for a time at the command line, without a cluster: what is refused before anybody is asked, and seals.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh" || exit 99
cat >"$T/policy.yaml" <<'EOF'
apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:"}
sources: {main: {file: {path: groups.json}}}
roles: {admin: {clusterRole: admin}}
grants: []
elevation: {allow: [{roles: [admin], namespaces: [prod], max: 4h}]}
breakGlass:
  fire: {groups: ["oidc:oncall"], role: admin, namespaces: [prod], max: 2h, owner: platform, until: 2100-01-01}
EOF
P=(-f "$T/policy.yaml")
refused() { # WHAT WORD ARGUMENT...: status 2, and stderr says WORD
	local what=$1 word=$2
	shift 2
	status 2 "$what" "$BROKER" "$@" --kubeconfig "$T/none"
	like "$(cat "$ERR")" "$word" "$what: and says so"
}
refused 'elevate nobody' 'who\?' elevate "${P[@]}"
refused 'elevate a thing' 'who\?' elevate "${P[@]}" thing x
refused 'elevate to no role' 'which role\?' elevate "${P[@]}" user bob
refused 'elevate nowhere' 'where\?' elevate "${P[@]}" user bob --role admin
refused 'elevate in no namespace' 'namespace' elevate "${P[@]}" user bob --role admin -n A_B --for 1h --reason x
refused 'elevate for no time' 'for how long\?' elevate "${P[@]}" user bob --role admin -n prod --reason x
refused 'elevate for nonsense' 'expected a number' elevate "${P[@]}" user bob --role admin -n prod --reason x --for soon
refused 'elevate without a reason' 'why\?' elevate "${P[@]}" user bob --role admin -n prod --for 1h
refused 'a reason of two lines' 'one line' elevate "${P[@]}" user bob --role admin -n prod --for 1h --reason $'a\nb'
refused 'end and begin at once' 'stands alone' elevate "${P[@]}" user bob --end 00000000
refused 'elevate without a policy' 'which policy' elevate user bob --role admin -n prod --for 1h --reason x
refused 'break no glass' 'break-glass' break-glass "${P[@]}" -n prod --for 1h --reason x
refused 'break glass nowhere' 'where\?' break-glass fire "${P[@]}" --for 1h --reason x
refused 'break glass for no reason' 'why\?' break-glass fire "${P[@]}" -n prod --for 1h
refused 'review without a word' 'why\?' review 00000000 "${P[@]}"
refused 'readmit nobody' 'whom\?' readmit "${P[@]}" --reason x
refused 'readmit a name and a key' 'whom\?' readmit "${P[@]}" user bob --key 00000000 --reason x
refused 'readmit what was never put out' 'whom\?' readmit "${P[@]}" elevated bob --reason x
refused 'readmit without a reason' 'why\?' readmit "${P[@]}" user bob
refused 'readmit for a reason of blanks' 'why\?' readmit "${P[@]}" user bob --reason '  '

# ---- of several clusters one is named where access is given ----
sed 's|^cluster: .*|&\nclusters: [{name: prod, kubeconfig: /none}, {name: stage, kubeconfig: /none}]|' "$T/policy.yaml" >"$T/clusters.yaml"
C=(-f "$T/clusters.yaml" -n prod --for 1h --reason x)
where() { # WHAT WORD ARGUMENT...: status 2, and stderr is one line that says WORD
	local what=$1 word=$2
	shift 2
	status 2 "$what" "$BROKER" "$@" --audit-log "$T/audit.log"
	like "$(cat "$ERR")" "$word" "$what: and says so"
	one_line "$ERR" "$what: in one line"
}
where 'elevate somewhere' 'in which cluster\?.*prod, stage.*Say which: --cluster prod' elevate user bob --role admin "${C[@]}"
where 'elevate in two clusters' 'in which cluster\?.*prod, stage' elevate user bob --role admin "${C[@]}" --cluster prod --cluster stage
where 'elevate in a cluster that is not listed' 'lists no cluster nowhere; it lists prod, stage' elevate user bob --role admin "${C[@]}" --cluster nowhere
where 'elevate in a cluster that is named twice' '--kubeconfig and --context name another' elevate user bob --role admin "${C[@]}" --cluster prod --context x
where 'break glass somewhere' 'in which cluster\?.*prod, stage' break-glass fire --ticket T-1 "${C[@]}"
where 'end one in a cluster that is not listed' 'lists no cluster nowhere' elevate --end 00000000 -f "$T/clusters.yaml" --cluster nowhere
where 'readmit in a cluster that is not listed' 'lists no cluster nowhere' readmit user bob --reason x -f "$T/clusters.yaml" --cluster nowhere
is "$(jq -r .event "$T/audit.log" | sort -u)" log.begin 'and nothing of it is in the audit log'
status 2 'one cluster that cannot be found' "$BROKER" elevations -f "$T/clusters.yaml" --cluster stage
one_line "$ERR" 'is one line'
status 2 'elevations of a cluster that is not listed' "$BROKER" elevations -f "$T/clusters.yaml" --cluster nowhere
for verb in elevate break-glass readmit elevations review; do
	like "$("$BROKER" help "$verb")" '--cluster=NAME' "help $verb names --cluster"
done

# ---- a folder has its ledger in a file, and the next generation has it as well ----
sed -i 's/^grants: .*/grants: [{group: dev, role: admin, namespaces: [prod], name: dev}]/' "$T/policy.yaml"
echo '{"groups":[{"id":"1","name":"dev","members":["dora"]},{"id":"2","name":"ops"}],"count":2}' >"$T/groups.json"
render() { "$BROKER" render "${P[@]}" "$@"; }
status 0 'a folder is rendered' render "$T/flat"
status 0 'and one of generations' render --generations "$T/many"
has_dev() { grep -rq 'oidc:dev' --include='*.yaml' "$1/"; }
ok 'dev is in it' has_dev "$T/flat"
ok 'and in that' has_dev "$T/many/current"
printf '%s\n' '{"entries":[{"by":"ann","id":"1","key":"00000001","kind":"group","name":"/dev","reason":"left","since":1795219200,"source":"main","spellings":["oidc:dev"]}],"version":1}' |
	tee "$T/flat/.usher-ledger-default" >"$T/many/current/.usher-ledger-default"
status 0 'with a ledger in the folder' render "$T/flat"
nok 'dev is put out' has_dev "$T/flat"
like "$(cat "$ERR")" "dev is denied since 2026-11-21 by ann: left; usher-broker readmit -f $T/policy.yaml --key 00000001 --reason TEXT" 'and why is said'
status 0 'a generation with it' render --generations "$T/many"
nok 'has no dev' has_dev "$T/many/current"
status 0 'nor has the next' render --generations "$T/many"
nok 'whatever the source says' has_dev "$T/many/current"
ok 'the ledger goes along' test -s "$T/many/current/.usher-ledger-default"
echo '{}' >"$T/flat/.usher-ledger-default"
status 8 'a spoilt one stops it' render "$T/flat"

# ---- seals need neither a cluster nor a source ----
if have openssl && openssl genpkey -algorithm ed25519 -out "$T/seal.key" 2>/dev/null; then
	chmod 600 "$T/seal.key"
	status 0 'a grant is sealed' "$BROKER" seal fire --key "$T/seal.key" "${P[@]}"
	like "$(cat "$OUT")" '^sealed: [A-Za-z0-9_-]{86}$' 'one line for the policy'
	cp "$OUT" "$T/first"
	status 0 'twice' "$BROKER" seal fire --key "$T/seal.key" "${P[@]}"
	ok 'the same, byte for byte' cmp "$OUT" "$T/first"
	status 2 'a grant that is not there' "$BROKER" seal water --key "$T/seal.key" "${P[@]}"
	chmod 644 "$T/seal.key"
	status 2 'a key that others may read' "$BROKER" seal fire --key "$T/seal.key" "${P[@]}"
fi
status 2 'without a key' "$BROKER" seal fire "${P[@]}"
done_testing
