#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real SCIM 2.0 server (scimmy) as a source: pages, members, groups in groups, filter, faults.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need scim

scim_start() { # [NAME=VALUE...]
	mkdir -p "$T/scim"
	cp "$SUPPORT/scim/scim.mjs" "$SUPPORT/scim/package.json" "$T/scim/"
	ln -sfn "$USHER_TEST_SCIM/node_modules" "$T/scim/node_modules"
	: >"$T/scim/log"
	env TLS_CERT="$PKI/server.crt" TLS_KEY="$PKI/server.key" TOKEN=test-token "$@" node "$T/scim/scim.mjs" >"$T/scim/log" 2>&1 </dev/null &
	SCIM_PID=$!
	disown
	at_exit kill "$SCIM_PID"
	wait_for 120 grep -q '^scim ready' "$T/scim/log" || { note "$(cat "$T/scim/log")"; exit 1; }
	SCIM=$(awk '/^scim ready/ { print $3 }' "$T/scim/log")
}

scim() { # METHOD PATH [JSON]
	web -f -X "$1" -H 'Authorization: Bearer test-token' -H 'Content-Type: application/scim+json' ${3:+-d "$3"} "$SCIM$2"
}
counted() { web "${SCIM%/scim/v2}/_test/counts" | jq --arg what "$1" '.[$what] // 0'; }

nobody_answers() { ! web -o "$T/answer" "$SCIM/Schemas" 2>/dev/null; }

policy_write() { # FILE [SETTING...]
	cat >"$T/$1" <<-END
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:"}
	sources:
	  main:
	    scim:
	      url: $SCIM
	      secretFile: $T/token
	      ca: $CA
	$(printf '      %s\n' "${@:2}")
	roles:
	  viewer: {clusterRole: view}
	grants:
	- {group: team-005, role: viewer, namespaces: [apps]}
	END
}

read_groups() { "$BROKER" groups -f "$T/policy.yaml" -o json "$@"; }
group() { jq -c --arg name "$1" ".[0].groups[] | select(.name == \$name) | $2" "$OUT"; }

(umask 077 && printf 'test-token\n' >"$T/token" && printf 'wrong\n' >"$T/wrong")
scim_start SCIM_USERS=200 SCIM_GROUPS=250
policy_write policy.yaml

# ---- what is there ----

status 0 'every group is read, though a page holds 20 unless asked' read_groups --members
is "$(jq -c '.[0] | [.complete, (.groups | length), .people]' "$OUT")" '[true,250,200]' 'all 250 groups and 200 people'
is "$(group team-005 '[.path, (.members | length), .members[0]]')" '["/team-005",6,"user0065"]' 'a group has its people by their userName'
like "$(jq -r '.[0].proof' "$OUT")" 'by index' 'and the proof says how'
status 0 'without --members' read_groups
is "$(group team-005 '.members | length') $(group team-006 '.members')" '6 null' 'people are read of the groups that are granted something alone'

before=$(counted 'GET /scim/v2/Groups/ID')
status 0 'with --no-people' read_groups --no-people
is "$(counted 'GET /scim/v2/Groups/ID')" "$before" 'nobody is asked for'

# ---- groups in groups, people who may not sign in ----

outer=$(scim POST /Groups '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"outer","members":[{"value":"g-5","type":"Group"},{"value":"u-199","type":"User"}]}' | jq -r .id)
scim PATCH /Groups/g-5 "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"$outer\",\"type\":\"Group\"}]}]}" >"$T/patched"
scim PATCH /Users/u-65 '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}' >"$T/patched"
scim DELETE /Users/u-72
status 0 'a group that holds a group that holds it' read_groups --members
is "$(group outer '[(.members | length), .disabled, .unresolvable]')" '[5,1,1]' 'has the people of both, and says who is disabled and who is unknown'
is "$(group team-005 '[(.members | length), .disabled, .unresolvable]')" '[5,1,1]' 'and so has the other'
is "$(group outer '.members | index("user0199") != null')" true 'its own person among them'

# ---- settings ----

policy_write policy.yaml 'filter: displayName sw "team-00"' 'peopleName: email'
status 0 'a filter' read_groups
is "$(jq -c '.[0].groups | length' "$OUT")" 10 'leaves ten, and the server applies it'
is "$(group team-005 '.members | index("user0199@example.test") != null')" true 'people may be called by their primary address'

# ---- what goes wrong ----

policy_write policy.yaml "secretFile: $T/wrong"
sed -i "0,/secretFile/{/secretFile/d}" "$T/policy.yaml"
status 3 'a wrong token is incomplete' read_groups
like "$(jq -r '.[0].why' "$OUT")$(cat "$ERR")" '401' 'and says so'
policy_write policy.yaml 'timeout: 5s'
kill "$SCIM_PID"
wait_for 120 nobody_answers || exit 1
status 3 'a server that is gone is incomplete' read_groups
like "$(jq -r '.[0].why' "$OUT")$(cat "$ERR")" 'ServiceProviderConfig' 'and says what could not be read'
done_testing
