#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Groups of a real Active Directory (Samba): nesting by both ways, ranges, primary groups, accounts that are switched off, and
# what access control hides.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need samba

DOMAIN=$T/ad
B=dc=usher,dc=test

domain() {
	at_exit "$SUPPORT/samba/samba.sh" stop "$DOMAIN"
	"$SUPPORT/samba/samba.sh" start "$DOMAIN" >"$T/domain.log" 2>&1 || { note "$(cat "$T/domain.log")"; exit 1; }
	for name in svc-reader svc-blind; do (umask 077 && printf 'pw-%s\n' "$name" >"$T/$name.pw"); done
}

policy() { # READER [SETTING...]
	local text setting
	text="url: 'ldaps://$(cat "$DOMAIN/addr")', ca: $DOMAIN/tls/ca.pem, bindDN: $1@usher.test, secretFile: $T/$1.pw"
	[[ " ${*:2}" = *" groups: "* ]] || text+=", groups: {base: 'ou=groups,$B'}"
	[[ " ${*:2}" = *" schema: "* ]] || text+=', schema: ad'
	for setting in "${@:2}"; do text+=", $setting"; done
	cat >"$T/policy.yaml" <<-E
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:"}
	sources: {main: {ldap: {$text, people: {base: '$B'}}}}
	roles: {r: {rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}}
	grants: [{group: big, role: r, namespaces: [a]}]
	E
}

groups() { "$BROKER" groups -f "$T/policy.yaml" -o json --members "$@"; }
field() { jq -r ".[0].$1" "$OUT"; }
group() { jq -c --arg name "$1" '.[0].groups[] | select(.name == $name) | [(.members | length), .disabled, .unresolvable]' "$OUT"; }
members() { jq -r --arg name "$1" '.[0].groups[] | select(.name == $name) | .members | join(" ")' "$OUT"; }

expect() { # WAY: what every way of reading must say
	is "$(group big)" '[57,3,1]' "$1: accounts that are switched off and a contact are counted, not listed"
	is "$(members nest-6)" 'u0001 u0002 u0003 u0004 u0005 u0006 u0007' "$1: six groups deep"
	is "$(group nest-6)" '[7,0,1]' "$1: a member of a foreign domain is counted"
	is "$(members cyc-a)+$(members cyc-b)" 'u0001 u0002+u0001 u0002' "$1: a circle ends"
	is "$(members primary-group)" 'primary u0001' "$1: who has it as primary group, and stands in no list"
	is "$(members around-primary)" 'primary u0001' "$1: also through a group"
	is "$(group disabled-only)" '[0,2,0]' "$1: a group of people who may not sign in"
	is "$(group empty)" '[0,0,0]' "$1: an empty group"
	is "$(members 'Ops, EU + "US" (x*)')" 'u0002' "$1: a name of special signs"
	is "$(group hidden-member)" "${2:-[2,0,0]}" "$1: a member elsewhere"
}

reads() {
	local listed
	policy svc-reader
	status 0 'the domain is read whole' groups
	expect client
	listed=$(jq -c '.[0].groups' "$OUT")
	like "$(field proof)" 'memberOf agrees; groups read twice; the change number is the same' 'and proved'
	is "$(jq -r '.[0].groups[] | select(.name == "big") | .path' "$OUT")" /big 'a path'
	is "$(jq -r '.[0].groups[] | select(.name == "big") | .id' "$OUT")" \
		"$(ldbsearch --configfile="$DOMAIN/dc/etc/smb.conf" -H "$DOMAIN/dc/private/sam.ldb" -b "DC=usher,DC=test" '(cn=big)' objectGUID 2>/dev/null | sed -n 's/^objectGUID: //p')" \
		'and the objectGUID as Microsoft writes it'
	policy svc-reader 'nesting: in-chain'
	status 0 'read by the server itself (in-chain)' groups
	expect in-chain
	is "$(jq -c '.[0].groups' "$OUT")" "$listed" 'both say the same, to the letter'
	policy svc-reader 'schema: augmented-ad'
	status 0 'augmented-ad' groups
	expect augmented-ad
	policy svc-reader "groups: {base: 'ou=groups,$B', member: 'member;range=0-6'}"
	status 0 'members that come seven at a time' groups
	is "$(group big)" '[57,3,1]' 'are read to the last'
	policy svc-reader "groups: {base: 'ou=groups,$B', filter: '(cn=nest-6)'}"
	status 0 'a filter at the server' groups
	is "$(field count) $(group nest-6)" '1 [7,0,1]' 'gives one group, whose inner groups are followed all the same'
	policy svc-reader "groups: {base: '$B'}" 'pageSize: 5'
	status 0 'the whole domain in pages of five' groups
	like "$(field count)" '^[3-9][0-9]$' 'with the groups that come with it'
	unlike "$(members 'Domain Users')" ' u0000 ' 'of whom those who are switched off are not listed'
	like "$(members 'Domain Users')" 'u0001 u0002 .*u0059' 'everybody has Domain Users as primary group'
}

hidden() {
	policy svc-blind
	status 3 'a group whose members we may not read is not empty' groups
	like "$(cat "$ERR")" 'CN=u0001,.* is in "CN=member-unreadable,.* by its memberOf' 'people tell'
	one_line "$ERR" 'in one line'
	policy svc-blind "groups: {base: 'ou=groups,$B', filter: '(&(objectClass=group)(!(cn=member-unreadable)))'}"
	status 0 'what is hidden otherwise is absent without a word' groups
	is "$(group hidden-member)" '[1,0,1]' 'but for a member that is named and not seen: counted'
	policy svc-blind "groups: {base: '$B', filter: '(&(objectClass=group)(!(cn=member-unreadable)))'}" 'canaries: {groups: [secret-group]}'
	status 3 'a group that access control hides is caught by a canary' groups
	like "$(cat "$ERR")" 'secret-group' 'and named'
	policy svc-reader "groups: {base: '$B'}" 'canaries: {groups: [secret-group], people: [u0001]}'
	status 0 'which a reader with the right satisfies' groups
	policy svc-blind "groups: {base: 'ou=secret,$B'}"
	status 3 'a base that we may not read is not empty' groups
	printf not-the-password >"$T/svc-reader.pw"
	policy svc-reader
	status 3 'a wrong password' groups
	like "$(cat "$ERR")" 'account or password are wrong \(invalidCredentials, 49\)' 'is said in words'
}

domain
reads
hidden
done_testing
