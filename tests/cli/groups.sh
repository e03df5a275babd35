#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usher-broker groups -o json: written as it is made. One JSON text all the same, byte by byte as one writer would write it;
# nothing at all when a source cannot be asked; and no more memory than the table takes.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
have jq || skip_all 'no jq on this machine'
cd "$T" || exit 99

policy() { # SOURCE...: names, each of a file NAME.json
	printf 'apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: "oidc:"}\nsources:\n'
	local name
	for name; do printf '  %s: {file: {path: %s.json}}\n' "$name" "$name"; done
	printf 'roles: {editor: {clusterRole: edit}}\ngrants:\n- {source: %s, group: dev, role: editor, namespaces: [somewhere]}\n' "$1"
}
whole() { jq -S --indent 2 . "$OUT" | cmp -s - "$OUT"; } # as a writer of the whole would have it

# Names that look like what is between them.
jq -n '{groups: [{name: "dev", id: "1", members: ["carol", "\"members\": []", "\n  \"members\": []\n", "ä\\b"]},
	{name: "\n  \"groups\": []", id: "\n  \"members\": []", members: ["dave"]}, {name: "empty", id: "3", members: []}], count: 3}' >odd.json
echo '{"groups": [], "count": 0}' >none.json
echo '{"groups": [{"name": "dev", "members": ["carol"]}], "count": 2}' >short.json
policy odd >one.yaml
policy short none odd >three.yaml
for more in --members '' --no-people; do
	# shellcheck disable=SC2086 # a word or none
	status 0 "one source $more" "$BROKER" groups -f one.yaml -o json $more
	ok "one source $more: one JSON text, as ever" whole
done
status 0 'with odd names' "$BROKER" groups -f one.yaml -o json --members
is "$(jq -c '[.[].groups[] | [.name, .members]]' "$OUT")" "$(jq -c '[.groups | sort_by(.name)[] | [.name, (.members | sort)]]' odd.json)" 'and every member is there'
status 3 'a source that is incomplete is told beside the others' "$BROKER" groups -f three.yaml -o json --members
ok 'in one JSON text, as ever' whole
is "$(jq -c '[.[] | [.name, .complete, (.groups | length)]]' "$OUT")" '[["short",false,1],["none",true,0],["odd",true,3]]' 'which says which'
like "$(cat "$ERR")" 'source short is incomplete: short.json says it holds 2 groups and holds 1' 'and why'

# One that is our own fault, behind one that is fine: nothing is printed that could be taken for all of it.
sed 's|  odd: .*|  odd: {command: {command: [/no/such/program]}}|' three.yaml >fault.yaml
status 2 'a source that cannot be asked is status 2' "$BROKER" groups -f fault.yaml -o json --members
is "$(cat "$OUT")" '' 'and nothing is printed'
full() { "$BROKER" groups -f one.yaml -o json --members >/dev/full; }
status 8 'a full disk beneath stdout is status 8' full

# ---- how much memory ----
peak() { /usr/bin/time -f %M -o peak "$BROKER" groups -f many.yaml --members "$@" >/dev/null && cat peak; } # KiB
if [ ! -x /usr/bin/time ] || LC_ALL=C grep -q __asan_init "$BROKER"; then
	skip 'memory' 'no time(1), or a build whose memory says nothing'
else
	jq -cn '{groups: [range(300) | . as $g | {name: "group-\($g)", id: "\($g)", members: [range(1000) | "person-\(($g * 7 + .) % 20000)@example.com"]}], count: 300}' >many.json
	policy many >many.yaml
	table=$(peak)
	json=$(peak -o json)
	ok "300,000 memberships as JSON take no more than as a table: $json KiB, $table KiB" test "$json" -le $((table + 4096))
	status 0 'and are all there' "$BROKER" groups -f many.yaml --members -o json
	is "$(jq '[.[0].groups[].members | length] | add' "$OUT")" 300000 'each of them'
fi
done_testing
