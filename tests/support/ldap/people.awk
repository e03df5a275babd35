# SPDX-License-Identifier: Apache-2.0
# An LDIF: -v people=N -v groups=N. Of people every tenth is switched off, one half by shadowExpire, the other by a lock without
# an end; group k has people k, k+1 and k+2.
function dn(kind, what, n, fill) { return sprintf("%s=%s%0" fill "d,ou=%s,%s", kind == "people" ? "uid" : "cn", what, n, kind, base) }
BEGIN {
	base = "dc=example,dc=test"
	printf "dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n", base
	split("people groups odd empty posix", ous, " ")
	for (i = 1; i <= 5; i++) printf "dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n", ous[i], base, ous[i]
	split("reader small blind", accounts, " ")
	for (i = 1; i <= 3; i++)
		printf "dn: cn=%s,%s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: %s\nuserPassword: pw-%s\n\n", accounts[i], base, accounts[i], accounts[i]
	for (i = 0; i < people; i++) {
		printf "dn: %s\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nobjectClass: shadowAccount\nuid: u%04d\ncn: Person %d\nsn: %d\nmail: u%04d@example.test\n", dn("people", "u", i, 4), i, i, i, i
		printf "uidNumber: %d\ngidNumber: 100\nhomeDirectory: /\n", 1000 + i
		if (i % 20 == 0) print "shadowExpire: 1"
		if (i % 20 == 10) print "pwdAccountLockedTime: 000001010000Z"
		print ""
	}
	for (i = 0; i < groups; i++) {
		printf "dn: %s\nobjectClass: groupOfNames\ncn: team-%04d\n", dn("groups", "team-", i, 4), i
		for (k = 0; k < 3; k++) printf "member: %s\n", dn("people", "u", (i + k) % people, 4)
		print ""
	}
}
