# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# TAP for shell tests. Source it first:
#
#   . "$USHER_SRC/tests/support/tap.sh"
#   status 2 'an unknown verb is status 2' "$USHER_BUILD/usher-broker" frobnicate
#   like "$(cat "$ERR")" 'no command "frobnicate"' 'and the message names it'
#   done_testing
#
# The test owns a private folder $T, removed at exit; HOME, TMPDIR and XDG_* point into it, so nothing of the person who
# runs the test is read or written. What has to be stopped at the end is said by `at_exit COMMAND...`.
set -u -o pipefail
umask 022
: "${USHER_SRC:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}" "${USHER_BUILD:=$PWD}"
export USHER_SRC USHER_BUILD

T=$(mktemp -d "${TMPDIR:-/tmp}/usher-test.XXXXXX") || exit 99
mkdir -m 700 "$T/home" "$T/run" "$T/tmp" || exit 99
export HOME=$T/home TMPDIR=$T/tmp XDG_RUNTIME_DIR=$T/run
export XDG_CONFIG_HOME=$HOME/.config XDG_DATA_HOME=$HOME/.local/share XDG_STATE_HOME=$HOME/.local/state XDG_CACHE_HOME=$HOME/.cache
unset DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS KUBECONFIG KUBERNETES_EXEC_INFO KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF CDPATH
export LC_ALL=C.UTF-8 CK_DEFAULT_TIMEOUT="${CK_DEFAULT_TIMEOUT:-120}"
OUT=$T/stdout ERR=$T/stderr
if [ -n "${USHER_VALGRIND:-}" ]; then . "$USHER_SRC/tests/support/valgrind.sh"; fi
# shellcheck disable=SC2034 # for the tests that source this file
USHER=$USHER_BUILD/kubectl-usher BROKER=$USHER_BUILD/usher-broker SIGNIN=$USHER_BUILD/usher-signin

tap_count=0 tap_failed=0 tap_done=0 tap_exit=()

at_exit() { # COMMAND...: runs when the test ends, the last one first
	tap_exit=("$(printf '%q ' "$@")" ${tap_exit[@]+"${tap_exit[@]}"})
}

tap_leave() {
	local status=$? command
	for command in ${tap_exit[@]+"${tap_exit[@]}"}; do eval "$command" >/dev/null 2>&1; done
	rm -rf "$T"
	if [ "$tap_done" = 0 ]; then
		echo "Bail out! the script ended early with status $status"
		exit 99
	fi
	exit $((tap_failed > 0))
}
trap tap_leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

note() { printf '%s\n' "$@" | sed 's/^/# /'; }

tap_line() { # 0|1 NAME
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
	return "$1"
}

pass() { tap_line 0 "$1"; }                 # NAME
fail() { tap_line 1 "$1"; note "${@:2}"; return 1; } # NAME [WHY...]

skip() { # NAME REASON
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP ${2//$'\n'/ }"
}

skip_all() { # REASON: nothing in this script can run here
	skip "$(basename "$0" .sh)" "$1"
	done_testing
}

ok() { # NAME COMMAND...: passes when the command ends with 0
	local name=$1
	shift
	if "$@" >"$T/ok" 2>&1; then pass "$name"; else fail "$name" "status $? from: $*" "$(head -c 2000 "$T/ok")"; fi
}

nok() { # NAME COMMAND...: passes when the command does not end with 0
	local name=$1
	shift
	if "$@" >"$T/ok" 2>&1; then fail "$name" "status 0 from: $*"; else pass "$name"; fi
}

is() { # GOT WANT NAME
	if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" " got: $1" "want: $2"; fi
}

like() { # TEXT REGEX NAME (an extended regular expression, as [[ =~ ]] reads it)
	if [[ $1 =~ $2 ]]; then pass "$3"; else fail "$3" "text: $1" "does not match: $2"; fi
}

unlike() { # TEXT REGEX NAME
	if [[ $1 =~ $2 ]]; then fail "$3" "text: $1" "matches: $2"; else pass "$3"; fi
}

run() { # COMMAND...: stdout in $OUT, stderr in $ERR; STATUS is set, also returned
	"$@" >"$OUT" 2>"$ERR"
	STATUS=$?
	return $STATUS
}

status() { # N NAME COMMAND...: the command ends with status N; stdout in $OUT, stderr in $ERR
	local want=$1 name=$2
	shift 2
	run "$@"
	if [ "$STATUS" = "$want" ]; then
		pass "$name"
	else
		fail "$name" "status $STATUS, wanted $want, from: $*" "$(head -c 2000 "$ERR")"
	fi
}

one_line() { # FILE NAME: the file holds exactly one line, ended
	is "$(wc -l <"$1") $(tail -c 1 "$1" | od -An -c | tr -d ' ')" '1 \n' "$2"
}

wait_for() { # SECONDS COMMAND...: tries until it ends with 0; the time is a bound, not a pause
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -le "$until" ] || return 1
		sleep 0.05
	done
}

have() { # COMMAND...: all are on this machine
	local command
	for command; do command -v "$command" >/dev/null 2>&1 || return 1; done
}

done_testing() {
	echo "1..$tap_count"
	tap_done=1
	exit 0
}
