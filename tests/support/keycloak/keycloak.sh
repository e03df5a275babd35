#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Keycloak on loopback, without containers.
#   keycloak.sh install DIR                  fetches it by Maven, unpacks it, builds it for a quick start
#   keycloak.sh start   DIR HOME REALM.json  runs a private copy of DIR in HOME with the realm imported, on a port the kernel chose
#   keycloak.sh stop    HOME
# After start: HOME/url (the base URL). The administrator of realm master is admin, password admin.
# Environment: TLS_CERT and TLS_KEY (PEM) serve https instead of http; ACCESS_LOG=1 writes each request to HOME/log.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=26.4.7
sha256=aca60ab72ae4d67adc6b8fe7fca5e08d16a6bb5e4a4f2ebb54050e3f5503fd2b
die() { printf 'keycloak.sh: %s\n' "$*" >&2; exit 1; }

clean_environment() { # Keycloak reads each KC_ variable as configuration
	local name
	for name in $(compgen -e); do
		case $name in KC_* | QUARKUS_* | JAVA_OPTS* | JAVA_TOOL_OPTIONS | DEBUG*) unset "$name" ;; esac
	done
	# One compiler tier and the serial collector: the quickest start on few cores.
	export JAVA_OPTS="-Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxMetaspaceSize=256m
		-XX:ReservedCodeCacheSize=64m -Xss512k -Dfile.encoding=UTF-8 -Djava.net.preferIPv4Stack=true
		-XX:+ExitOnOutOfMemoryError -XX:-UsePerfData -Djava.security.egd=file:/dev/urandom"
	JAVA_OPTS=$(tr -s '\n\t ' ' ' <<<"$JAVA_OPTS")
}

# Java trusts a store of its own. What only the system's bundle has (the CA of a company's proxy) is added to a copy.
trust() {
	local bundle=/etc/ssl/certs/ca-certificates.crt own=/etc/ssl/certs/java/cacerts known file print
	[ -r $bundle ] && [ -r $own ] && command -v keytool >/dev/null || return 0
	cp $own trust.store
	chmod u+w trust.store
	known=$(keytool -list -keystore trust.store -storepass changeit 2>/dev/null)
	mkdir trust
	awk '/BEGIN CERT/ { file = sprintf("trust/%04d.pem", ++n) } file { print >file } /END CERT/ { close(file); file = "" }' $bundle
	for file in trust/*.pem; do
		print=$(openssl x509 -in "$file" -noout -fingerprint -sha256)
		[[ $known = *"${print#*=}"* ]] ||
			keytool -importcert -noprompt -alias "$file" -file "$file" -keystore trust.store -storepass changeit 2>/dev/null
	done
	export MAVEN_OPTS="${MAVEN_OPTS:-} -Djavax.net.ssl.trustStore=$PWD/trust.store"
}

install() { # DIR
	local archive=keycloak-quarkus-dist-$version.tar.gz
	[ ! -e "$1/ready" ] || return 0
	rm -rf "$1"
	mkdir -p "$1"
	cd "$1"
	trust
	mvn -q -B -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
		-Dartifact="org.keycloak:keycloak-quarkus-dist:$version:tar.gz" -DoutputDirectory="$PWD" >&2
	echo "$sha256  $archive" | sha256sum -c --quiet || die "the archive is not the one that was pinned"
	tar xzf "$archive" --strip-components=1 --no-same-owner
	rm -rf "$archive" trust trust.store
	clean_environment
	bin/kc.sh build --db=dev-file >build.log 2>&1 || die "its build failed: $PWD/build.log"
	touch ready
}

copy() { # FROM TO: by hard links where the file system allows; what a run changes is not copied
	mkdir -p "$2"
	cp -al "$1"/{bin,lib,providers,themes} "$2/" 2>/dev/null || cp -a "$1"/{bin,lib,providers,themes} "$2/"
	cp -a "$1"/{conf,version.txt} "$2/"
}

ready() { # PID URL...
	local pid=$1 i url=$2
	for ((i = 0; i < 900; i++)); do
		curl -skf -m 5 -o /dev/null "$url" && return
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.2
	done
	return 1
}

start() { # DIR HOME REALM.json
	local realm port url options=(start --optimized --http-host=127.0.0.1 --cache=local --log-level=warn --import-realm)
	[ -e "$1/ready" ] || die "$1 holds no Keycloak; install it first"
	realm=$(jq -re .realm "$3") || die "$3 names no realm"
	copy "$1" "$2"
	mkdir -p "$2/data/import"
	cp "$3" "$2/data/import/$realm-realm.json"
	cd "$2"
	port=$("$here/../ports.sh")
	if [ -n "${TLS_CERT:-}" ]; then
		url=https://127.0.0.1:$port
		options+=(--http-enabled=false --https-port="$port" --https-certificate-file="$TLS_CERT" --https-certificate-key-file="$TLS_KEY")
	else
		url=http://127.0.0.1:$port
		options+=(--http-enabled=true --http-port="$port")
	fi
	[ -z "${ACCESS_LOG:-}" ] || options+=(--http-access-log-enabled=true "--log-level=warn,org.keycloak.http.access-log:info")
	clean_environment
	export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin
	setsid bin/kc.sh "${options[@]}" --hostname="$url" >log 2>&1 </dev/null &
	echo $! >pid
	ready "$(cat pid)" "$url/realms/$realm" || { tail -20 log >&2; stop .; die "it did not start"; }
	echo "$url" >url
	echo "READY $url"
}

stop() { # HOME: kc.sh hands the signal on to java; both are in one process group of their own
	local pid i
	cd "$1"
	[ -s pid ] || return 0
	pid=$(cat pid)
	kill -TERM "$pid" 2>/dev/null || true
	for ((i = 0; i < 100; i++)); do
		kill -0 -- "-$pid" 2>/dev/null || break
		[ "$i" -lt 75 ] || kill -KILL -- "-$pid" 2>/dev/null || true
		sleep 0.2
	done
	rm -f pid
}

case ${1:-} in
install) install "${2:?DIR}" ;;
start) start "${2:?DIR}" "${3:?HOME}" "$(realpath "${4:?REALM.json}")" ;;
stop) stop "${2:?HOME}" ;;
*) sed -n '3,8p' "$0" >&2; exit 2 ;;
esac
