# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Real parts for end-to-end tests and the demo. Source it instead of tap.sh. Everything lives in $T and listens on loopback.
#
#   need cluster idp keyring         or the script is skipped, with the reason
#   keyring_start                    gnome-keyring, unlocked, on a D-Bus of its own
#   idp_start                        an OpenID provider over TLS: ISSUER
#   cluster_start                    etcd + kube-apiserver that takes ISSUER's tokens, where there is one: SERVER
#   profile_write prod; kubeconfig_write prod
#   carol_start                      all of these, and a role that carol's group gives her: she may list pods in fancy-namespace
#   at_terminal kubectl get pods     as carol would at her terminal;  away kubectl get pods: as a script would
#
# Where programs are looked for: USHER_TEST_BIN (etcd, kube-apiserver, ...), USHER_TEST_IDP (a folder with node_modules),
# USHER_TEST_SCIM (likewise), USHER_TEST_KEYCLOAK; by default what `./dev deps` laid under USHER_CACHE.
: "${USHER_CACHE:=$HOME/.cache/usher-dev}"
: "${USHER_TEST_BIN:=$USHER_CACHE/bin}" "${USHER_TEST_IDP:=$USHER_CACHE/idp}" "${USHER_TEST_KEYCLOAK:=$USHER_CACHE/keycloak}"
: "${USHER_TEST_SCIM:=$USHER_CACHE/scim}"
export USHER_CACHE USHER_TEST_BIN USHER_TEST_IDP USHER_TEST_KEYCLOAK USHER_TEST_SCIM # the demo's own HOME is another
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
SUPPORT=$USHER_SRC/tests/support
export PATH=$USHER_BUILD:$USHER_TEST_BIN:$PATH
PKI=$T/pki CA=$T/pki/ca.crt

missing() { # cluster|idp|keycloak|keyring: prints why it cannot run here, or nothing
	case $1 in
	cluster)
		local name
		for name in etcd kube-apiserver kube-controller-manager kubectl; do
			[ -x "$USHER_TEST_BIN/$name" ] || { echo "no $name in $USHER_TEST_BIN (./dev deps builds it where Go can be had)"; return; }
		done ;;
	idp)
		have node || { echo "no node on this machine"; return; }
		[ -d "$USHER_TEST_IDP/node_modules/oidc-provider" ] || echo "no oidc-provider in $USHER_TEST_IDP (./dev deps fetches it)" ;;
	scim)
		have node || { echo "no node on this machine"; return; }
		[ -d "$USHER_TEST_SCIM/node_modules/scimmy-routers" ] || echo "no scimmy in $USHER_TEST_SCIM (./dev deps fetches it)" ;;
	keycloak)
		have java || { echo "no java on this machine"; return; }
		[ -e "$USHER_TEST_KEYCLOAK/ready" ] || echo "no Keycloak in $USHER_TEST_KEYCLOAK (./dev deps fetches it)" ;;
	ldap) have /usr/sbin/slapd ldapsearch ldapadd || echo "no slapd or ldap-utils on this machine" ;;
	samba)
		have samba samba-tool ldbadd ldbmodify || { echo "no samba, samba-tool or ldb-tools on this machine"; return; }
		[ -d /usr/share/samba/setup ] || { echo "no samba-ad-provision on this machine"; return; }
		[ "$(id -u)" = 0 ] || echo "a domain can only be made by root" ;;
	keyring)
		have dbus-daemon gnome-keyring-daemon secret-tool || echo "no dbus-daemon, gnome-keyring-daemon or secret-tool on this machine" ;;
	esac
}

need() { # THING...
	local thing why
	for thing; do
		why=$(missing "$thing")
		[ -z "$why" ] || skip_all "$why"
	done
	"$SUPPORT/certificates.sh" "$PKI"
}

web() { curl -sS --cacert "$CA" "$@"; }

# ---- the keyring ----

bus_start() { # a session bus that starts no service by itself
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/bus
	cat >"$T/bus.conf" <<-EOF
	<busconfig><type>session</type><listen>$DBUS_SESSION_BUS_ADDRESS</listen><auth>EXTERNAL</auth><policy context="default">
	<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
	EOF
	dbus-daemon --nofork --nopidfile --config-file="$T/bus.conf" >"$T/dbus.log" 2>&1 </dev/null &
	at_exit kill $!
	wait_for 120 test -S "$T/bus" || exit 1
}

# A password of one newline makes the login collection and opens it (an empty one would not). The store that is tried
# until it works shows that the daemon has its name on the bus.
keyring_start() {
	bus_start
	gnome-keyring-daemon --foreground --unlock --components=secrets >"$T/keyring.log" 2>&1 <<<'' &
	KEYRING_PID=$!
	disown # or bash tells how it ended
	at_exit kill -KILL "$KEYRING_PID"
	wait_for 120 keyring_works || { note "$(cat "$T/keyring.log")"; exit 1; }
}

session_text() { # what Usher keeps in the keyring, as kept: a line of base64url over JSON for each session
	secret-tool search --all --unlock xdg:schema dev.usher.Session 2>/dev/null | sed -n 's/^secret = //p'
}

refresh_token() { # of that, the refresh token
	session_text | tr '_-' '/+' | sed 's/$/===/' | base64 -d 2>/dev/null | LC_ALL=C grep -ao '"refresh":"[^"]*"' | cut -d'"' -f4
}

keyring_works() { printf probe | secret-tool store --label=probe usher-test probe && secret-tool clear usher-test probe; }

# ---- the provider ----

idp_start() { # [NAME=VALUE...] for its environment
	mkdir -p "$T/idp"
	cp "$SUPPORT/idp/idp.mjs" "$SUPPORT/idp/package.json" "$T/idp/"
	ln -sfn "$USHER_TEST_IDP/node_modules" "$T/idp/node_modules"
	env TLS_CERT="$PKI/server.crt" TLS_KEY="$PKI/server.key" AUTO=1 "$@" node "$T/idp/idp.mjs" >"$T/idp/log" 2>&1 </dev/null &
	IDP_PID=$!
	at_exit kill "$IDP_PID"
	wait_for 120 grep -q '^idp ready' "$T/idp/log" || { note "$(cat "$T/idp/log")"; exit 1; }
	ISSUER=$(awk '/^idp ready/ { print $3 }' "$T/idp/log")
	CLIENT=kube
}

idp() { # CONTROL [JSON]: see idp.mjs
	if [ $# -gt 1 ]; then web -o /dev/null -d "$2" "$ISSUER/_test/$1"; else web "$ISSUER/_test/$1"; fi
}

idp_count() { # [PATH]: requests at it so far, or at all paths
	idp counts | jq --arg path "${1:-}" 'if $path == "" then [.[]] | add // 0 else .[$path] // 0 end'
}

# A browser as a command: one cookie jar, follows redirects, notes each address it was told to open.
browser_write() {
	cat >"$T/browser" <<-EOF
	#!/bin/sh
	echo "\$1" >>'$T/browser.log'
	(exec curl -sL --max-time 60 --cacert '$CA' -b '$T/jar' -c '$T/jar' -o '$T/browser.page' "\$1") >/dev/null 2>&1 </dev/null &
	EOF
	chmod 700 "$T/browser"
	: >"$T/browser.log"
}

browser_count() { grep -c . "$T/browser.log"; }

xsrf() { grep -o 'name="xsrf" value="[^"]*"' | head -1 | cut -d'"' -f4; }

idp_approve_device() { # USER_CODE: at the provider's own forms
	local form=(-b "$T/device.jar" -c "$T/device.jar" -L) token
	token=$(web "${form[@]}" "$ISSUER/device" | xsrf)
	token=$(web "${form[@]}" -d "xsrf=$token" --data-urlencode "user_code=$1" "$ISSUER/device" | xsrf)
	web "${form[@]}" -o "$T/device.page" -d "xsrf=$token" --data-urlencode "user_code=$1" -d confirm=yes "$ISSUER/device"
}

# ---- Keycloak: KEYCLOAK is its URL, HOME_OF_KEYCLOAK its folder, $T/broker-secret the broker's ----

keycloak_start() {
	HOME_OF_KEYCLOAK=$T/keycloak
	at_exit "$SUPPORT/keycloak/keycloak.sh" stop "$HOME_OF_KEYCLOAK"
	TLS_CERT=$PKI/server.crt TLS_KEY=$PKI/server.key ACCESS_LOG=1 "$SUPPORT/keycloak/keycloak.sh" start "$USHER_TEST_KEYCLOAK" \
		"$HOME_OF_KEYCLOAK" "$SUPPORT/keycloak/realm.json" >"$T/keycloak.log" 2>&1 || { note "$(cat "$T/keycloak.log")"; exit 1; }
	KEYCLOAK=$(cat "$HOME_OF_KEYCLOAK/url")
	(umask 077 && printf usher-broker-secret >"$T/broker-secret")
}

keycloak_admin() { # a token of the admin's; it lives for a minute
	web -d grant_type=password -d client_id=admin-cli -d username=admin -d password=admin \
		"$KEYCLOAK/realms/master/protocol/openid-connect/token" | jq -r .access_token
}

manage() { # METHOD PATH [JSON]: the admin API of the realm
	web -f -X "$1" -H "Authorization: Bearer $(keycloak_admin)" ${3:+-H 'Content-Type: application/json' -d "$3"} "$KEYCLOAK/admin/realms/usher$2"
}

# ---- the cluster ----

# The example of the tree, for this provider. Tokens of people in the group "suspended" are refused on top of it: that is
# how a test gets a real 401.
authentication_config() {
	local suspended="  - {expression: \"!('suspended' in (has(claims.groups) ? claims.groups : []))\", message: suspended}"
	while IFS= read -r line; do
		case $line in
		*' url: '*) echo "    url: $ISSUER" ;;
		*' audiences: '*) printf '    audiences: [%s]\n    certificateAuthority: |\n%s\n' "$CLIENT" "$(sed 's/^/      /' "$CA")" ;;
		*claimValidationRules:*) printf '%s\n%s\n' "$line" "$suspended" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done <"$USHER_SRC/examples/authentication-configuration.yaml"
}

cluster_start() {
	CLUSTER=$T/cluster
	local authentication=()
	if [ -n "${ISSUER:-}" ]; then
		authentication_config >"$T/authn.yaml"
		authentication=("$T/authn.yaml")
	fi
	at_exit "$SUPPORT/cluster/cluster.sh" stop "$CLUSTER"
	BINDIR=$USHER_TEST_BIN "$SUPPORT/cluster/cluster.sh" start "$CLUSTER" ${authentication[@]+"${authentication[@]}"} >"$T/cluster.log" 2>&1 || {
		note "$(cat "$T/cluster.log")"
		exit 1
	}
	SERVER=$(cat "$CLUSTER/server")
	ADMIN=$CLUSTER/admin.kubeconfig
}

admin() { kubectl --kubeconfig "$ADMIN" "$@"; }

broker() { "$BROKER" "$@" --kubeconfig "$ADMIN"; }

audit_caught_up() { # the API server's audit log, which is written behind, has what was asked before this
	local mark=mark-$$-$RANDOM
	curl -gsS --cacert "$CLUSTER/ca.crt" -o "$T/mark" "$SERVER/version?$mark" && wait_for 120 grep -q -e "$mark" "$CLUSTER/audit.log"
}

broker_writes() { # writes that the API server saw from usher-broker; RESOURCE... narrows it
	audit_caught_up
	jq -rs --arg only "$*" '[.[] | select((.userAgent // "" | startswith("usher")) and (.verb | IN("create", "update", "patch", "delete",
		"deletecollection")) and (.objectRef.resource | IN("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews", "subjectaccessreviews") | not)
		and ($only == "" or (.objectRef.resource | IN($only | split(" ")[]))))] | length' "$CLUSTER/audit.log"
}

# ---- the person ----

profile_write() { # NAME [LINE...]: a profile; a LINE replaces the default of the same member
	local folder=$XDG_CONFIG_HOME/usher/profiles line
	mkdir -p "$folder"
	chmod 700 "$XDG_CONFIG_HOME" "$XDG_CONFIG_HOME/usher" "$folder"
	{
		for line in "issuer: $ISSUER" "client: $CLIENT" 'scopes: [groups, email]' "servers: [${SERVER:-https://127.0.0.1:1}]" \
			"ca: $CA" 'account: carol@example.test' "browser: $T/browser" 'min-validity: 1s' 'sign-in-timeout: 90s'; do
			[[ " ${*:2} " = *" ${line%%:*}:"* ]] || printf '%s\n' "$line"
		done
		[ $# -lt 2 ] || printf '%s\n' "${@:2}"
	} >"$folder/$1.yaml.new"
	chmod 600 "$folder/$1.yaml.new"
	mv "$folder/$1.yaml.new" "$folder/$1.yaml"
}

kubeconfig_write() { # PROFILE [ARGUMENT...]: sets KUBECONFIG to one whose user is the plugin
	export KUBECONFIG=$T/kubeconfig
	local arguments
	arguments=$(printf ', "%s"' "$@")
	cat >"$KUBECONFIG" <<-EOF
	apiVersion: v1
	kind: Config
	clusters: [{name: test, cluster: {server: "$SERVER", certificate-authority: "$CLUSTER/ca.crt"}}]
	contexts: [{name: carol, context: {cluster: test, user: carol}}]
	current-context: carol
	users:
	- name: carol
	  user:
	    exec:
	      apiVersion: client.authentication.k8s.io/v1
	      command: $USHER
	      args: [get-token, --profile$arguments]
	      interactiveMode: IfAvailable
	      provideClusterInfo: true
	EOF
	chmod 600 "$KUBECONFIG"
}

carol_start() {
	keyring_start
	browser_write
	idp_start
	cluster_start
	profile_write prod
	kubeconfig_write prod
	admin create namespace fancy-namespace >/dev/null
	admin create role pods --verb=list --resource=pods -n fancy-namespace >/dev/null
	admin create rolebinding pods --role=pods --group=oidc:k8s-restricted-users -n fancy-namespace >/dev/null
}

exec_info() { # [INTERACTIVE]: what kubectl would say to the plugin
	jq -cn --arg server "$SERVER" --argjson interactive "${1:-false}" '{apiVersion: "client.authentication.k8s.io/v1",
		kind: "ExecCredential", spec: {interactive: $interactive, cluster: {server: $server}}}'
}

get_token() { # PROFILE [INTERACTIVE]: asks the plugin as a kubectl does, each call another: who asks again was refused
	(KUBERNETES_EXEC_INFO=$(exec_info "${2:-false}") "$USHER" get-token --profile "$1"; exit $?)
}

away() { "$@" </dev/null; } # COMMAND...: nobody is there

# COMMAND...: with a terminal for standard input; stdout and stderr stay apart. The fifo, open at both ends, is a
# keyboard that nobody touches.
at_terminal() {
	local code
	[ -p "$T/keyboard" ] || mkfifo "$T/keyboard"
	printf '%q ' "$@" >"$T/command"
	script -qec "bash '$T/command' >'$T/pty.out' 2>'$T/pty.err'" /dev/null <>"$T/keyboard" >/dev/null 2>&1
	code=$?
	cat "$T/pty.out"
	cat "$T/pty.err" >&2
	return $code
}

# Makes every token from before too old and those from now on last: the profile asks for more validity, the provider gives
# more. So a test needs not wait for time to pass.
stale() { # PROFILE (prod)
	stale_life=$((${stale_life:-300} + 100))
	idp ttl "{\"id\": $stale_life}"
	profile_write "${1:-prod}" "min-validity: $((stale_life - 60))s"
}

claims() { cut -d. -f2 | tr '_-' '/+' | sed 's/$/===/' | base64 -d 2>/dev/null; } # of the JWT on stdin
token_of() { get_token "$1" 2>/dev/null | jq -r .status.token; }

account_kubeconfig() { # ACCOUNT FILE: of a ServiceAccount of usher-system, its token in a file beside it, as a pod would have it
	admin create token "$1" -n usher-system --duration 1h >"$2.token"
	cat >"$2" <<-EOF
	apiVersion: v1
	kind: Config
	clusters: [{name: test, cluster: {server: "$SERVER", certificate-authority: "$CLUSTER/ca.crt"}}]
	contexts: [{name: account, context: {cluster: test, user: account}}]
	current-context: account
	users: [{name: account, user: {tokenFile: "$2.token"}}]
	EOF
	chmod 600 "$2" "$2.token"
}
