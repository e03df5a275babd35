#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real slapd on loopback, with a directory of its own.
#   ldap.sh start DIR LDIF [MORE]    loads LDIF; PKI (environment) holds server.crt, server.key, ca.crt; MORE is more slapd.conf
#   ldap.sh stop  DIR
#   ldap.sh again DIR                starts what was stopped, where it was
# After start: DIR/url (ldaps), DIR/plain (ldap, also StartTLS), DIR/other (ldaps on an address that the certificate does not
# name), DIR/log (a line an operation). The root DN is cn=admin,dc=example,dc=test, password "test-only".
# The overlay memberof sees only what is added to a running server: LIVE (environment) is an LDIF that is added so.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
die() { printf 'ldap.sh: %s\n' "$*" >&2; exit 1; }

configure() { # [MORE]
	local module
	cat <<-C
	include /etc/ldap/schema/core.schema
	include /etc/ldap/schema/cosine.schema
	include /etc/ldap/schema/inetorgperson.schema
	include /etc/ldap/schema/nis.schema
	modulepath /usr/lib/ldap
	C
	for module in back_mdb memberof syncprov ppolicy; do echo "moduleload $module"; done
	cat <<-C
	pidfile $PWD/slapd.pid
	TLSCACertificateFile $PKI/ca.crt
	TLSCertificateFile $PKI/server.crt
	TLSCertificateKeyFile $PKI/server.key
	sizelimit 500
	database mdb
	suffix dc=example,dc=test
	rootdn cn=admin,dc=example,dc=test
	rootpw test-only
	directory $PWD/db
	index objectClass,uid,cn,member,entryUUID,entryCSN eq
	C
	[ -z "${1:-}" ] || cat "$1"
	printf 'overlay memberof\noverlay syncprov\noverlay ppolicy\n'
}

launch() { # PLAIN TLS
	local i
	/usr/sbin/slapd -f slapd.conf -h "ldap://127.0.0.1:$1/ ldaps://127.0.0.1:$2/ ldaps://127.0.0.2:$2/" -d 256 >log 2>&1 </dev/null &
	echo $! >pid
	for ((i = 0; i < 2000; i++)); do
		ldapsearch -x -H "ldap://127.0.0.1:$1" -s base -b '' >/dev/null 2>&1 && return
		kill -0 "$(cat pid)" 2>/dev/null || { tail -n 5 log >&2; die 'slapd ended'; }
		sleep 0.05
	done
	die 'no answer'
}

start() { # DIR LDIF [MORE]
	local ldif=$2 more=${3:-} plain tls
	mkdir -p "$1/db"
	cd "$1"
	configure "$more" >slapd.conf
	slapadd -q -f slapd.conf -l "$ldif" >slapadd.log 2>&1 || { tail -n 5 slapadd.log >&2; die 'slapadd'; }
	read -r plain tls < <("$here/../ports.sh" 2)
	launch "$plain" "$tls"
	echo "ldaps://127.0.0.1:$tls" >url
	echo "ldap://127.0.0.1:$plain" >plain
	echo "ldaps://127.0.0.2:$tls" >other
	[ -z "${LIVE:-}" ] || ldapadd -x -H "$(cat plain)" -D cn=admin,dc=example,dc=test -w test-only -f "$LIVE" >live.log 2>&1 || die 'ldapadd'
	echo "READY $(cat url)"
}

again() { # DIR
	local plain tls
	cd "$1"
	plain=$(cat plain) tls=$(cat url)
	launch "${plain##*:}" "${tls##*:}"
}

stop() { # DIR
	local pid i
	cd "$1"
	[ -s pid ] || return 0
	pid=$(cat pid)
	kill -CONT "$pid" 2>/dev/null || true
	kill "$pid" 2>/dev/null || true
	for ((i = 0; i < 100; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		[ "$i" -lt 80 ] || kill -KILL "$pid" 2>/dev/null || true
		sleep 0.05
	done
	rm -f pid
}

case ${1:-} in
start) start "${2:?DIR}" "$(realpath "${3:?LDIF}")" "${4:+$(realpath "$4")}" ;;
stop) stop "${2:?DIR}" ;;
again) again "${2:?DIR}" ;;
*) sed -n '3,10p' "$0" >&2; exit 2 ;;
esac
