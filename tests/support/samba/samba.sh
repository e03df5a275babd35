#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Active Directory domain controller (Samba, its LDAP service alone) on a loopback address of its own: the ports of
# such a server cannot be chosen, the address can. Needs root.
#   samba.sh start DIR    makes the domain usher.test with what tests need in it, and starts it
#   samba.sh stop  DIR
# After start: DIR/addr (127.x.y.z), DIR/tls/ca.pem. Accounts svc-reader and svc-blind, passwords pw-svc-reader, pw-svc-blind;
# svc-blind may see nothing of OU=Secret and not the attribute member of member-unreadable.
set -eu -o pipefail
B=DC=usher,DC=test
die() { printf 'samba.sh: %s\n' "$*" >&2; exit 1; }

certificates() {
	local ec=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
	mkdir -p tls
	openssl req -x509 "${ec[@]}" -days 7 -subj /CN=usher-test-domain-ca -addext keyUsage=critical,keyCertSign,cRLSign \
		-keyout tls/ca.key -out tls/ca.pem 2>/dev/null
	openssl req "${ec[@]}" -subj /CN=dc1.usher.test -keyout tls/key.pem -out tls/req.pem 2>/dev/null
	printf 'subjectAltName=DNS:dc1.usher.test,IP:%s\nextendedKeyUsage=serverAuth\n' "$(cat addr)" >tls/ext
	openssl x509 -req -in tls/req.pem -CA tls/ca.pem -CAkey tls/ca.key -CAcreateserial -days 7 -extfile tls/ext -out tls/cert.pem 2>/dev/null
	chmod 600 tls/*.key tls/key.pem
}

# What provision writes, less the services that nobody asks, and with every folder below ours.
configuration() {
	awk -v d="$PWD" -v a="$(cat addr)" '
		/server services/ || /dcerpc endpoint servers/ { next }
		{ print }
		/^\[global\]/ {
			n = split("interfaces=" a "/8|bind interfaces only=yes|server services=ldap|dcerpc endpoint servers=|tls keyfile=" d "/tls/key.pem|" \
				"tls certfile=" d "/tls/cert.pem|tls cafile=" d "/tls/ca.pem|ncalrpc dir=" d "/dc/ncalrpc|pid directory=" d "/dc/run|" \
				"winbindd socket directory=" d "/dc/winbindd|ntp signd socket directory=" d "/dc/ntp_signd|log file=" d "/dc/log.samba|" \
				"load printers=no|printcap name=/dev/null", lines, "|")
			for (i = 1; i <= n; i++) print "\t" lines[i]
		}' dc/etc/smb.conf >smb.new
	mv smb.new dc/etc/smb.conf
	mkdir -p dc/run
}

database() { # COMMAND FILE
	"$1" --nosync --configfile=dc/etc/smb.conf -H dc/private/sam.ldb "$2" >>fill.log 2>&1 || { tail -n 5 fill.log >&2; die "$1 $2"; }
}
value() { # ACCOUNT ATTRIBUTE
	ldbsearch --configfile=dc/etc/smb.conf -H dc/private/sam.ldb -b "$B" "(sAMAccountName=$1)" "$2" 2>/dev/null | sed -n "s/^$2: //p"
}
deny() { # DN SDDL
	samba-tool dsacl set --configfile=dc/etc/smb.conf -H dc/private/sam.ldb --objectdn="$1" --sddl="$2" >>fill.log 2>&1 || die "dsacl $1"
}

user() { # NAME OU CONTROL
	printf 'dn: CN=%s,OU=%s,%s\nobjectClass: user\nsAMAccountName: %s\nuserPrincipalName: %s@usher.test\nuserAccountControl: %s\n' "$1" "$2" "$B" "$1" "$1" "$3"
}
group() { # NAME OU MEMBER-DN...
	local member
	printf 'dn: CN=%s,OU=%s,%s\nobjectClass: group\nsAMAccountName: %s\ngroupType: -2147483646\n' "$1" "$2" "$B" "${1//[^a-zA-Z0-9-]/_}"
	for member in "${@:3}"; do printf 'member: %s\n' "$member"; done
	echo
}

fill() {
	local i name all=() rid sid
	for name in People Groups Secret Service; do printf 'dn: OU=%s,%s\nobjectClass: organizationalUnit\n\n' "$name" "$B"; done >units.ldif
	{
		for ((i = 0; i < 60; i++)); do # 512 + 32: no password needed; + 2: switched off, every twentieth
			printf -v name 'u%04d' "$i"
			all+=("CN=$name,OU=People,$B")
			user "$name" People $((i % 20 == 0 ? 546 : 544)); echo
		done
		for name in svc-reader svc-blind; do
			user "$name" Service 512
			printf 'unicodePwd:: %s\n\n' "$(printf '"pw-%s"' "$name" | iconv -f UTF-8 -t UTF-16LE | base64 -w 0)"
		done
		user primary People 544; echo
		user in-secret Secret 544; echo
		printf 'dn: CN=contact,OU=People,%s\nobjectClass: contact\n\n' "$B"
	} >people.ldif
	{
		group big Groups "${all[@]}" "CN=contact,OU=People,$B"
		group nest-0 Groups "${all[1]}"
		for i in 1 2 3 4 5 6; do group "nest-$i" Groups "${all[i + 1]}" "CN=nest-$((i - 1)),OU=Groups,$B"; done
		group 'Ops\, EU \+ \"US\" (x*)' Groups "${all[2]}"
		group empty Groups
		group disabled-only Groups "${all[0]}" "${all[20]}"
		group primary-group Groups "CN=primary,OU=People,$B" "${all[1]}"
		group around-primary Groups "CN=primary-group,OU=Groups,$B"
		group hidden-member Groups "CN=in-secret,OU=Secret,$B" "${all[1]}"
		group secret-group Secret "${all[1]}"
		group member-unreadable Groups "${all[1]}"
		group cyc-a Groups "${all[1]}"
		group cyc-b Groups "${all[2]}" "CN=cyc-a,OU=Groups,$B"
	} >groups.ldif
	for name in units people groups; do database ldbadd "$name.ldif"; done
	rid=$(value primary-group objectSid) sid=$(value svc-blind objectSid)
	printf 'dn: CN=%s,OU=%s,'"$B"'\nchangetype: modify\n%s\n-\n\n' primary People "replace: primaryGroupID
primaryGroupID: ${rid##*-}" cyc-a Groups "add: member
member: CN=cyc-b,OU=Groups,$B" nest-6 Groups "add: member
member: <SID=S-1-5-21-1111111111-2222222222-3333333333-1105>" >second.ldif
	database ldbmodify second.ldif
	deny "OU=Secret,$B" "(D;CI;LCLORP;;;$sid)"
	deny "CN=member-unreadable,OU=Groups,$B" "(OD;;RP;bf9679c0-0de6-11d0-a285-00aa003049e2;;$sid)" # the attribute member
}

start() { # DIR
	local i
	mkdir -p "$1"
	cd "$1"
	echo "127.$((RANDOM % 200 + 20)).$((RANDOM % 250 + 1)).$((RANDOM % 250 + 2))" >addr
	samba-tool domain provision --configfile=/dev/null --targetdir="$PWD/dc" --realm=USHER.TEST --domain=USHER --host-name=dc1 \
		--host-ip="$(cat addr)" --server-role=dc --dns-backend=NONE --adminpass=Adm1n-pass-test >provision.log 2>&1 ||
		{ tail -n 5 provision.log >&2; die 'provision'; }
	certificates
	configuration
	samba-tool domain passwordsettings set -s dc/etc/smb.conf -H dc/private/sam.ldb --complexity=off --min-pwd-length=0 --max-pwd-age=0 >>provision.log 2>&1
	fill
	setsid samba -s dc/etc/smb.conf -F --no-process-group --debug-stdout -M single >log 2>&1 </dev/null &
	echo $! >pid
	for ((i = 0; i < 3000; i++)); do
		LDAPTLS_CACERT=$PWD/tls/ca.pem ldapsearch -x -o nettimeout=2 -H "ldaps://$(cat addr)" -s base -b '' >/dev/null 2>&1 && { echo "READY $(cat addr)"; return; }
		kill -0 "$(cat pid)" 2>/dev/null || { tail -n 5 log >&2; die 'samba ended'; }
		sleep 0.1
	done
	die 'no answer'
}

stop() { # DIR
	local pid i
	cd "$1"
	[ -s pid ] || return 0
	pid=$(cat pid)
	kill "$pid" 2>/dev/null || true
	for ((i = 0; i < 100; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		[ "$i" -lt 80 ] || kill -KILL "$pid" 2>/dev/null || true
		sleep 0.05
	done
	rm -f pid
}

case ${1:-} in
start) start "${2:?DIR}" ;;
stop) stop "${2:?DIR}" ;;
*) sed -n '3,9p' "$0" >&2; exit 2 ;;
esac
