#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Keycloak with many groups and people: all of it is read, to the letter. With SCALE_RUNS also what that costs beside curl
# asking for the same; `./dev bench` does it with
#   SCALE_GROUPS=2500 SCALE_PEOPLE=3000 SCALE_RUNS=3
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need keycloak
groups=${SCALE_GROUPS:-250} people=${SCALE_PEOPLE:-300}

manage() { # METHOD PATH [FILE]
	web -f -o "$T/managed" -X "$1" -H "Authorization: Bearer $(keycloak_admin)" ${3:+-H 'Content-Type: application/json' --data-binary "@$3"} "$ADMIN_API$2"
}

# "PATH JSON" lines, all posted by one curl; a token of the admin's lives for a minute.
post_some() { # FILE
	local token
	token=$(keycloak_admin)
	while read -r path body; do
		printf 'next\nurl = "%s%s"\ndata = "%s"\nheader = "Content-Type: application/json"\nheader = "Authorization: Bearer %s"\ncacert = "%s"\noutput = "/dev/null"\nfail\n' \
			"$ADMIN_API" "$path" "${body//\"/\\\"}" "$token" "$CA"
	done <"$1" | sed 1d >"$T/posts"
	curl -sS -K "$T/posts" >"$T/posted" 2>&1 || { note "$(tail -n 3 "$T/posted")"; return 1; }
}

post_all() { # stdin
	local part
	rm -f "$T"/part.*
	split -l 300 - "$T/part."
	for part in "$T"/part.*; do post_some "$part" || return; done
}

ids() { # of the tops: "NAME ID"
	web -f -H "Authorization: Bearer $(keycloak_admin)" "$ADMIN_API/groups?max=-1&briefRepresentation=true" | jq -r '.[] | select(.name | startswith("bulk-")) | "\(.name) \(.id)"'
}

# A tenth of the groups are tops with nine children each; everybody joins three groups; every tenth person is disabled.
fill() {
	seq 0 10 $((groups - 1)) | sed 's|.*|/groups {"name": "bulk-&"}|' | post_all || return
	ids | while read -r name id; do
		local top=${name#bulk-} child
		for child in $(seq $((top + 1)) $((top + 9 < groups ? top + 9 : groups - 1))); do echo "/groups/$id/children {\"name\": \"child-$child\"}"; done
	done | post_all || return
	local from
	for ((from = 0; from < people; from += 500)); do
		jq -n --argjson from "$from" --argjson all "$people" --argjson groups "$groups" '
			def path: . as $g | if $g % 10 == 0 then "/bulk-\($g)" else "/bulk-\($g - $g % 10)/child-\($g)" end;
			{ifResourceExists: "SKIP", users: [range($from; [$from + 500, $all] | min) as $i |
				{username: "u\($i)", enabled: ($i % 10 != 9), email: "u\($i)@example.test", firstName: "U", lastName: "\($i)",
				 groups: ([1, 7, 13] | map(($i * . + .) % $groups | path) | unique)}]}' >"$T/import"
		jq -r '.users[] | .username as $u | .enabled as $e | .groups[] | "\(.)\t\($u)\t\($e)"' "$T/import" >>"$T/memberships"
		manage POST /partialImport "$T/import" || return
	done
}

expected() { # "PATH disabled member,member", sorted
	jq -rRn '[inputs | split("\t")] | group_by(.[0])[] | {path: .[0][0], in: map(select(.[2] == "true") | .[1]) | sort, out: map(select(.[2] == "false")) | length} |
		"\(.path) \(.out) \(.in | join(","))"' "$T/memberships" | LC_ALL=C sort
}

found() { jq -r '.[0].groups[] | select(.path | startswith("/bulk-")) | select(.members != [] or .disabled > 0) | "\(.path) \(.disabled) \(.members | sort | join(","))"' "$1" | LC_ALL=C sort; }

policy() {
	cat >"$T/policy.yaml" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", groupName: path}
	sources:
	  main:
	    keycloak: {url: $KEYCLOAK, realm: usher, client: usher-broker, secretFile: $T/broker-secret, ca: $CA}
	roles: {editor: {clusterRole: edit}}
	grants: [{group: /bulk-0, role: editor, namespaces: [somewhere]}]
	EOF
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# The requests of a recording, as one curl asks them: $1 at once.
curl_config() {
	local token
	token=$(web -u usher-broker:usher-broker-secret -d grant_type=client_credentials "$KEYCLOAK/realms/usher/protocol/openid-connect/token" | jq -r .access_token)
	printf 'cacert = "%s"\nheader = "Authorization: Bearer %s"\nsilent\nshow-error\nfail\ncompressed\n' "$CA" "$token"
	jq -r '.request | select(startswith("GET ")) | "url = \"" + .[4:] + "\"\noutput = \"/dev/null\""' "$T/recording/exchanges.jsonl"
}

compare() {
	local begin ours=0 one=0 many=0 took
	for _ in $(seq "$SCALE_RUNS"); do
		begin=$(now_ms)
		broker groups -f "$T/policy.yaml" --members -o json >"$T/again.json" || return
		took=$(($(now_ms) - begin)); ours=$((ours == 0 || took < ours ? took : ours))
		curl_config >"$T/curl"
		begin=$(now_ms)
		curl -K "$T/curl" || return
		took=$(($(now_ms) - begin)); one=$((one == 0 || took < one ? took : one))
		begin=$(now_ms)
		curl --parallel --parallel-max 16 -K "$T/curl" >"$T/curl.out" 2>&1 || return
		took=$(($(now_ms) - begin)); many=$((many == 0 || took < many ? took : many))
	done
	echo "$(grep -c '' "$T/recording/exchanges.jsonl") requests: usher-broker $ours ms, curl one after another $one ms (ratio $(ratio $ours $one)), curl 16 at once $many ms (ratio $(ratio $ours $many))" >"$T/ratio"
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

broker() { "$USHER_BUILD/usher-broker" "$@"; }

keycloak_start
ADMIN_API=$KEYCLOAK/admin/realms/usher
ok "$groups groups and $people people are made" fill
policy
ok 'the whole of it is read and recorded' broker groups -f "$T/policy.yaml" --members --record "$T/recording" -o json
broker groups -f "$T/policy.yaml" --members -o json >"$T/groups.json" 2>"$T/err"
note "$(jq -r '.[0] | "\(.count) groups, \(.people) people, \(.disabled) disabled memberships, \(.requests) requests, \(.tookMs) ms, \(.proof)"' "$T/groups.json")"
is "$(jq -r '.[0].complete' "$T/groups.json")" true 'which is complete'
is "$(jq '[.[0].groups[] | select(.path | startswith("/bulk-"))] | length' "$T/groups.json")" "$groups" 'every group is there'
expected >"$T/expected"
found "$T/groups.json" >"$T/found"
ok 'T52 each with just its members' cmp "$T/expected" "$T/found"
nok 'no secret is in the recording' grep -qE 'usher-broker-secret|eyJ[A-Za-z0-9_-]{20,}\.eyJ' "$T/recording/exchanges.jsonl"

ok 'BM17 the recording is read again without the secret' env -C "$T" sh -c 'mv broker-secret away && "$0" groups -f policy.yaml --members --replay recording -o json >replayed.json; s=$?; mv away broker-secret; exit $s' "$USHER_BUILD/usher-broker"
is "$(jq -r '.[0].digest' "$T/replayed.json")" "$(jq -r '.[0].digest' "$T/groups.json")" 'and says the same'

tokens() { grep -c 'POST /realms/usher/protocol/openid-connect/token' "$HOME_OF_KEYCLOAK/log"; }
echo '{"accessTokenLifespan": 1}' >"$T/realm"
ok 'tokens live for a second' manage PUT '' "$T/realm"
before=$(tokens)
ok 'BC02 and the whole of it is read all the same' broker groups -f "$T/policy.yaml" --members -o json
note "$(($(tokens) - before)) tokens were asked for"
echo '{"accessTokenLifespan": 300}' >"$T/realm"
manage PUT '' "$T/realm"
if [ -n "${SCALE_RUNS:-}" ]; then
	ok 'it is read again, beside curl' compare
	note "$(cat "$T/ratio")"
fi
done_testing
