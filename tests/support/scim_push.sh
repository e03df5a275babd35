# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A SCIM receiver and a client of it, for shell tests. Source it after tap.sh or e2e.sh.
#
#   start [OPTION...]                     the server: SERVER is its process, BASE its address, $T/log what it says, STORE or
#                                         $T/store its folder
#   scim METHOD PATH [JSON] [CURL...]     CODE is the status, $OUT the body, $T/header the header
#   says 201 'a user' POST /Users '{...}' the same as a test
#   at .id                                of the body
#   becomes FILTER WANT                   what groups.json says; it is at most a moment behind
#   stop [SIGNAL]                         ENDED is its status
"$USHER_SRC/tests/support/certificates.sh" "$T/pki"
(umask 077 && openssl rand -hex 32 >"$T/token" && cp "$T/pki/server.key" "$T/key.pem")
TOKEN=$(cat "$T/token")
# shellcheck disable=SC2034 # for the tests
CORE=urn:ietf:params:scim:schemas:core:2.0
SERVER='' BASE='' ENDED='' WRAP=() # WRAP: words in front of the server's

start() { # [OPTION...]
	: >"$T/log"
	${WRAP[@]+"${WRAP[@]}"} "$BROKER" serve-scim --listen 127.0.0.1:0 --tls-cert "$T/pki/server.crt" --tls-key "$T/key.pem" --token-file "$T/token" --store "${STORE:-$T/store}" "$@" \
		2>"$T/log" </dev/null &
	SERVER=$!
	wait_for 120 grep -q ' serves http' "$T/log" || { note "$(cat "$T/log")"; exit 1; }
	BASE=$(sed -nE 's|.* serves (https?://[^ ]+) .*|\1|p' "$T/log" | head -1)
}

server_gone() { ! kill -0 "$SERVER"; }

stop() { # [SIGNAL]
	[ -n "$SERVER" ] || return 0
	kill "-${1:-TERM}" "$SERVER" 2>/dev/null
	wait_for 120 server_gone
	wait "$SERVER" 2>/dev/null
	# shellcheck disable=SC2034 # for the tests
	ENDED=$?
}
at_exit stop KILL

scim() { # METHOD PATH [JSON] [CURL OPTION...]
	local body=()
	[ -z "${3:-}" ] || body=(--data-binary "$3")
	: >"$OUT"
	CODE=$(curl -sS --cacert "$T/pki/ca.crt" -D "$T/header" -o "$OUT" -w '%{http_code}' -X "$1" -H "Authorization: Bearer $TOKEN" \
		-H "Content-Type: ${TYPE:-application/scim+json}" ${body[@]+"${body[@]}"} "${@:4}" "$BASE$2" 2>"$ERR")
}

says() { # STATUS NAME METHOD PATH [JSON] [CURL OPTION...]
	scim "${@:3}"
	is "$CODE" "$1" "$2" || note "$(head -c 500 "$OUT")" "$(cat "$ERR")"
}

at() { jq -r "$1" "$OUT"; } # FILTER
filter() { echo "filter=$(jq -rn --arg f "$1" '$f | @uri')"; } # FILTER, as a query has it
operations() { echo '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":['"$1"']}'; } # JSON,...
shown() { jq -c "${1:-.}" "$T/store/groups.json" 2>/dev/null; } # [FILTER]
shows() { [ "$(shown "$1")" = "$2" ]; } # FILTER WANT
becomes() { wait_for 120 shows "$1" "$2"; } # FILTER WANT

transfer() { # METHOD PATH JSON NAME: of a file for curl -K, which then prints "STATUS NAME"
	printf 'url = "%s%s"\nrequest = %s\nheader = "Authorization: Bearer %s"\nheader = "Content-Type: application/scim+json"\ndata = "%s"\noutput = /dev/null\nwrite-out = "%%{http_code} %s\\n"\ncacert = "%s"\nnext\n' \
		"$BASE" "$2" "$1" "$TOKEN" "${3//\"/\\\"}" "$4" "$T/pki/ca.crt"
}
