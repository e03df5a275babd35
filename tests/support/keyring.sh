#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# keyring.sh COMMAND...: the command under a D-Bus session and a gnome-keyring of its own, thrown away afterwards. Needs
# no display; reads and writes nothing of the person who runs it.
#
#   (nothing set)  the login collection is there and unlocked
#   UNMADE=1       the daemon runs, the login collection was never made
#   NONE=1         a bus with no secret service at all
#
# In the environment of the command: KEYRING_PID, the daemon's process. Status 77 when this machine has no keyring.
set -eu
for need in dbus-run-session gnome-keyring-daemon secret-tool; do
	command -v "$need" >/dev/null 2>&1 || { echo "$need is not installed" >&2; exit 77; }
done
K=$(mktemp -d "${TMPDIR:-/tmp}/usher-keyring.XXXXXX")
trap 'rm -rf "$K"' EXIT
export HOME="$K/home" XDG_RUNTIME_DIR="$K/run" XDG_DATA_HOME="$K/share" XDG_CONFIG_HOME="$K/config"
export XDG_CACHE_HOME="$K/cache" XDG_STATE_HOME="$K/state"
mkdir -m 700 "$HOME" "$XDG_RUNTIME_DIR"
unset DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS

if [ "${NONE:-0}" = 1 ]; then
	cat >"$K/bus.conf" <<-'END'
		<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
		<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
		<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
	END
	dbus-run-session --config-file="$K/bus.conf" -- "$@"
	exit
fi

# The daemon stays in the foreground, so that its process is known. A password may be a bare newline; with none at all no
# login collection is made. The lookup waits until the daemon is on the bus: a short command would be over before.
start=(gnome-keyring-daemon --foreground --components=secrets)
[ "${UNMADE:-0}" = 1 ] || start+=(--unlock)
# shellcheck disable=SC2016 # the inner shell expands
dbus-run-session -- bash -c '
	echo | "${@:2:$1}" >/dev/null 2>&1 & KEYRING_PID=$!
	export KEYRING_PID
	for try in $(seq 2400); do
		gdbus call --session --dest org.freedesktop.DBus --object-path /org/freedesktop/DBus \
			--method org.freedesktop.DBus.NameHasOwner org.freedesktop.secrets 2>/dev/null | grep true >/dev/null && break
		kill -0 "$KEYRING_PID" 2>/dev/null || exit 99
		sleep 0.05
	done
	status=0
	"${@:2 + $1}" || status=$?
	kill -CONT "$KEYRING_PID" 2>/dev/null
	kill "$KEYRING_PID" 2>/dev/null
	wait "$KEYRING_PID" 2>/dev/null
	exit $status' bash "${#start[@]}" "${start[@]}" "$@"
