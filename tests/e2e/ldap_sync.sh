#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a directory to bindings, on a real API server: plan, apply, and nothing revoked when the directory cannot be read.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster ldap

BASE=dc=example,dc=test
LDAP=$T/slapd

directory() {
	awk -v people=30 -v groups=12 -f "$SUPPORT/ldap/people.awk" >"$T/data.ldif"
	at_exit "$SUPPORT/ldap/ldap.sh" stop "$LDAP"
	LIVE=$SUPPORT/ldap/odd.ldif PKI=$PKI "$SUPPORT/ldap/ldap.sh" start "$LDAP" "$T/data.ldif" >"$T/ldap.log" 2>&1 || { note "$(cat "$T/ldap.log")"; exit 1; }
	(umask 077 && printf pw-reader >"$T/reader.pw")
}

policy() { # BASE-OF-GROUPS
	cat >"$T/policy.yaml" <<-E
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:"}
	sources:
	  main:
	    ldap: {url: '$(cat "$LDAP/url")', ca: $CA, bindDN: 'cn=reader,$BASE', secretFile: $T/reader.pw, schema: rfc2307bis,
	      groups: {base: '$1'}, people: {base: 'ou=people,$BASE'}, canaries: {groups: [team-0003]}}
	roles: {r: {rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]}}
	grants:
	- {group: team-0001, role: r, namespaces: [payments]}
	- {group: /team-0002, role: r, namespaces: [search]}
	limits: {vanishedGroup: {runs: 2, age: 0s}, remove: {bindings: 20, people: 100%}}
	E
}

subjects() { admin get rolebinding -n "$1" -o json | jq -r '[.items[].subjects[]?.name] | join(" ")'; }
manage() { ldapmodify -x -H "$(cat "$LDAP/plain")" -D "cn=admin,$BASE" -w test-only >/dev/null; }

cluster_start
directory
for name in payments search; do admin create namespace "$name" >/dev/null; done
policy "ou=groups,$BASE"
status 1 'plan sees what the directory grants' broker plan -f "$T/policy.yaml"
like "$(cat "$OUT")" 'oidc:team-0001 \(3 people\)' 'with its people'
status 0 'apply writes it' broker apply -f "$T/policy.yaml"
is "$(subjects payments) $(subjects search)" 'oidc:team-0001 oidc:team-0002' 'both groups are bound'
status 0 'and there is no more to do' broker plan -f "$T/policy.yaml"

policy "ou=gruops,$BASE"
status 3 'BF09 a mistyped base' broker apply -f "$T/policy.yaml"
like "$(cat "$ERR")" 'ou=gruops' 'BF09 is named'
is "$(subjects payments) $(subjects search)" 'oidc:team-0001 oidc:team-0002' 'BF09 and revokes nobody'
policy "ou=groups,$BASE"
"$SUPPORT/ldap/ldap.sh" stop "$LDAP"
status 3 'a directory that is gone' broker apply -f "$T/policy.yaml"
is "$(subjects payments)" oidc:team-0001 'revokes nobody'

"$SUPPORT/ldap/ldap.sh" again "$LDAP"
manage <<-M
dn: cn=team-0002,ou=groups,$BASE
changetype: delete
M
broker apply -f "$T/policy.yaml" >/dev/null 2>&1
is "$(subjects search)" oidc:team-0002 'a group that was deleted is a tombstone first'
status 0 'and on the second complete run' broker apply -f "$T/policy.yaml"
is "$(subjects search)" '' 'its binding goes'
is "$(subjects payments)" oidc:team-0001 'the other one stays'
done_testing
