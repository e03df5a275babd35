#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Groups of a real OpenLDAP server: complete, or incomplete with the reason.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need ldap

BASE=dc=example,dc=test
LDAP=$T/slapd

directory() { # 1,500 groups, 200 people, and what is odd
	cat >"$T/more.conf" <<-C
	limits dn.exact="cn=reader,$BASE" size=unlimited
	limits dn.exact="cn=blind,$BASE" size=unlimited
	access to attrs=userPassword by anonymous auth by * none
	access to dn.exact="cn=team-0007,ou=groups,$BASE" attrs=member by dn.exact="cn=blind,$BASE" none by * read
	access to dn.exact="cn=team-0011,ou=groups,$BASE" by dn.exact="cn=blind,$BASE" none by * read
	access to * by * read
	C
	awk -v people=200 -v groups=1500 -f "$SUPPORT/ldap/people.awk" >"$T/data.ldif"
	at_exit "$SUPPORT/ldap/ldap.sh" stop "$LDAP"
	LIVE=$SUPPORT/ldap/odd.ldif PKI=$PKI "$SUPPORT/ldap/ldap.sh" start "$LDAP" "$T/data.ldif" "$T/more.conf" >"$T/ldap.log" 2>&1 || {
		note "$(cat "$T/ldap.log" "$LDAP/log")"
		exit 1
	}
	local name
	for name in reader small blind wrong; do (umask 077 && printf 'pw-%s' "$name" >"$T/$name.pw"); done
}

policy() { # [SETTING...]: over those of a reading that works; "NAME: VALUE", an empty VALUE leaves the setting out
	local -A said=([url]="$(cat "$LDAP/url")" [ca]=$CA [bindDN]="'cn=reader,$BASE'" [secretFile]=$T/reader.pw [schema]=rfc2307bis
		[groups]="{base: 'ou=groups,$BASE'}" [people]="{base: 'ou=people,$BASE'}" [pageSize]=100)
	local setting text='' name
	for setting; do said[${setting%%:*}]=${setting#*: }; done
	for name in "${!said[@]}"; do [ -z "${said[$name]}" ] || text+="$name: ${said[$name]}, "; done
	cat >"$T/policy.yaml" <<-E
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:"}
	sources: {main: {ldap: {${text%, }}}}
	roles: {r: {rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}}
	grants: [{group: team-0001, role: r, namespaces: [a]}]
	E
}

groups() { "$BROKER" groups -f "$T/policy.yaml" -o json "$@"; }
field() { jq -r ".[0].$1" "$OUT"; }
group() { jq -c --arg name "$1" '.[0].groups[] | select(.name == $name) | [.path, .members, .disabled, .unresolvable]' "$OUT"; }

whole() { # NAME SETTING...: is complete
	policy "${@:2}"
	status 0 "$1" groups --members
}
incomplete() { # NAME REGEX SETTING...: is not, in one line that says so
	policy "${@:3}"
	status 3 "$1" groups --members
	like "$(cat "$ERR")" "$2" "$1: and says it"
	one_line "$ERR" "$1: in one line"
	is "$(field count)" 0 "$1: no group is taken from it"
	unlike "$(cat "$OUT" "$ERR")" 'pw-(reader|small|blind|wrong)' "$1: no secret is shown"
}
refused() { # NAME REGEX SETTING...: the policy itself is wrong
	policy "${@:3}"
	status 2 "$1" groups --members
	like "$(cat "$ERR")" "$2" "$1: and says it"
}

connections() {
	local digest
	whole 'ldaps with a CA of our own: all is read'
	is "$(field count)" 1500 '1,500 groups in pages of 100'
	is "$(field people)" 180 'with the people who may sign in'
	is "$(field disabled)" 450 'those who may not are counted and left out'
	like "$(field proof)" 'every page read; groups read twice; the change number is the same' 'and the proof names pages, second reading and change number'
	is "$(group team-0009)" '["/team-0009",["u0009","u0011"],1,0]' 'a group has its path and its members'
	like "$(jq -r '.[0].groups[0].id' "$OUT")" '^[0-9a-f]{8}-[0-9a-f-]{27}$' 'and its entryUUID as id'
	digest=$(field digest)
	whole 'StartTLS: all is read' "url: $(cat "$LDAP/plain")" 'startTLS: true'
	is "$(field digest)" "$digest" 'the same to the letter'
	whole 'plain to this machine, when the policy allows it' "url: $(cat "$LDAP/plain")" 'allowLoopbackPlain: true' 'pageSize: 7'
	is "$(field digest)" "$digest" 'the same, in pages of 7'
	refused 'plain without that is refused' 'without TLS' "url: $(cat "$LDAP/plain")"
	refused 'and to another machine always' 'without TLS' 'url: ldap://ldap.example.test' 'allowLoopbackPlain: true'
	incomplete 'a certificate of an unknown CA is not taken' 'TLS did not come about: the certificate' 'ca: '
	incomplete 'nor with StartTLS' 'TLS did not come about: the certificate' 'ca: ' "url: $(cat "$LDAP/plain")" 'startTLS: true'
	incomplete 'a certificate for another name is not taken' 'connecting to ldaps://127.0.0.2.*TLS did not come about' "url: $(cat "$LDAP/other")"
	LDAPTLS_REQCERT=never incomplete 'whatever the environment says' 'TLS did not come about' 'ca: '
	incomplete 'nobody listens' 'cannot be reached' 'url: ldaps://127.0.0.1:1'
}

bindings() {
	local before
	before=$(grep -c ' BIND dn="cn=reader' "$LDAP/log")
	incomplete 'a wrong password is no empty directory' 'invalidCredentials, 49' "secretFile: $T/wrong.pw"
	is $(($(grep -c ' BIND dn="cn=reader' "$LDAP/log") - before)) 1 'and is tried once, so that nobody is locked out'
	refused 'a name without a secret would be nobody: refused' 'bindDN has no secret' 'secretFile: '
	refused 'a secret without a name is refused' 'no bindDN' 'bindDN: '
	incomplete 'nobody may read no more than 500: incomplete, not 500' 'groups under "ou=groups,dc=example,dc=test", filter .*sizeLimitExceeded, 4' 'bindDN: ' 'secretFile: '
	incomplete 'nor does a smaller page help' 'page 11 of groups under .*sizeLimitExceeded, 4' "bindDN: 'cn=small,$BASE'" "secretFile: $T/small.pw" 'pageSize: 50'
	incomplete 'in one page' 'sizeLimitExceeded, 4' "bindDN: 'cn=small,$BASE'" "secretFile: $T/small.pw" 'pageSize: 5000'
}

# BF09: a mistyped base or filter is never "no groups".
mistakes() {
	incomplete 'BF09 a base that is not there' 'groups.base "ou=gruops,.*noSuchObject, 32.*only "dc=example,dc=test" is there' "groups: {base: 'ou=gruops,$BASE'}"
	incomplete 'BF09 a base of people that is not there' 'people.base "ou=poeple,.*noSuchObject, 32' "people: {base: 'ou=poeple,$BASE'}"
	incomplete 'BF09 a base with no group in it' 'no group under "ou=empty,dc=example,dc=test" fits' "groups: {base: 'ou=empty,$BASE'}"
	incomplete 'BF09 a filter that nothing fits' 'fits \(objectClass=grupOfNames\)' "groups: {base: 'ou=groups,$BASE', filter: 'objectClass=grupOfNames'}"
	incomplete 'BF09 a base that another server has' 'ou=groups,dc=elsewhere.*(noSuchObject|referral)' "groups: {base: 'ou=groups,dc=elsewhere'}"
	incomplete 'an attribute for names that groups do not have' 'has no mail that is text' "groups: {base: 'ou=groups,$BASE', name: mail}"
	refused 'a base that is no DN' 'groups.base: "groups" is no DN' 'groups: {base: groups}'
	refused 'a filter that is none' 'that is no filter' "groups: {base: 'ou=groups,$BASE', filter: '(&(cn=x)'}"
	refused 'in-chain without Active Directory' 'in-chain is Active Directory' 'nesting: in-chain'
}

hidden() {
	local blind=("bindDN: 'cn=blind,$BASE'" "secretFile: $T/blind.pw")
	incomplete 'members that we may not read are not "no members"' 'team-0007.*shows no member, and its object class cannot be without' "${blind[@]}"
	policy "${blind[@]}" 'canaries: {groups: [team-0011]}' "groups: {base: 'ou=groups,$BASE', filter: '(&(cn=team-00*)(!(cn=team-0007)))'}"
	status 3 'a hidden group is caught by a canary' groups --members
	like "$(cat "$ERR")" 'team-0011' 'and named'
	whole 'which a reader with the right satisfies' 'canaries: {groups: [team-0011], people: [u0011]}'
}

odd() {
	local odd="groups: {base: 'ou=odd,$BASE'}"
	whole 'odd groups are read whole' "$odd"
	is "$(group a)$(group b)$(group c)" '["/a",["u0001","u0002","u0003"],0,0]["/b",["u0001","u0002","u0003"],0,0]["/c",["u0001","u0002","u0003"],0,0]' 'groups in a circle have everybody in it, once'
	is "$(group outside)" '["/outside",["u0011","u0012","u0013"],0,2]' 'a group outside the list is followed; who is nobody is counted'
	is "$(group unique)" '["/unique",["u0004"],2,0]' 'uniqueMember with and without bits; people who are switched off are counted'
	is "$(group 'Ops, EU + "US" #1 (x*)\')" '["/Ops, EU + \"US\" #1 (x*)\\5C",["u0005"],0,0]' 'a name of special signs is as it is'
	is "$(group payments/admins)$(group admins)" '["/payments\\2Fadmins",["u0006"],0,0]["/payments/admins",["u0008"],0,0]' 'a slash in a name makes no path'
	is "$(group 'Équipe 日本 ‮😀')" '["/Équipe 日本 ‮😀",["u0007"],0,0]' 'nor do letters of the world hurt'
	whole 'nesting none' "$odd" 'nesting: none'
	is "$(group a)$(group outside)" '["/a",["u0001"],0,0]["/outside",[],0,3]' 'follows none'
	whole 'rfc2307 lists login names' "groups: {base: 'ou=posix,$BASE'}" 'schema: rfc2307'
	is "$(group logins)" '["/logins",["u0001"],1,1]' 'of whom one is switched off and one is nobody'
	whole 'people may be called by another attribute' "groups: {base: 'ou=posix,$BASE'}" 'schema: rfc2307' "people: {base: 'ou=people,$BASE', name: mail}"
	is "$(group logins)" '["/logins",["u0001@example.test"],1,1]' 'mail'
	whole 'memberOf, where the server keeps it, agrees' "$odd"
	like "$(field proof)" 'memberOf agrees' 'and the proof says so'
}

# A server that answers no more, in the middle of a reading.
stopped() {
	local pid
	pid=$(cat "$LDAP/pid")
	policy 'pageSize: 1' 'searchTimeout: 2s'
	: >"$T/before"
	grep -c ' SRCH base="ou=groups' "$LDAP/log" >"$T/before"
	groups --members >"$OUT" 2>"$ERR" &
	wait_for 120 more_searches
	kill -STOP "$pid"
	wait $!
	is $? 3 'a server that falls silent in the middle: incomplete'
	like "$(cat "$ERR")" 'groups under .*did not answer in time' 'by the deadline of the search, which the line names'
	policy 'timeout: 2s'
	status 3 'a server that does not even greet: incomplete' groups
	like "$(cat "$ERR")" 'connecting to .*did not answer in time' 'by the deadline of the reading'
	kill -CONT "$pid"
	whole 'and when it wakes, all is read again'
}
more_searches() { [ "$(grep -c ' SRCH base="ou=groups' "$LDAP/log")" -gt $(($(cat "$T/before") + 20)) ]; }

recorded() {
	policy
	status 0 'a reading is recorded' groups --members --record "$T/recording"
	cp "$OUT" "$T/first"
	nok 'without a secret in it' grep -rq 'pw-reader' "$T/recording"
	policy 'url: ldaps://ldap.example.test' 'secretFile: /nonexistent' 'ca: /nonexistent'
	status 0 'and told again without network and secret' groups --members --replay "$T/recording"
	is "$(field digest)" "$(jq -r '.[0].digest' "$T/first")" 'the same'
}

directory
connections
bindings
mistakes
hidden
odd
stopped
recorded
done_testing
