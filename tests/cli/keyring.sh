#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The keyring store against a real gnome-keyring in each state that a desktop can be in (T39, T40). No call may take
# longer than its deadline, and no state may cost the entry.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
STORE=$USHER_BUILD/tests/unit/test_store
KEYRING=$USHER_SRC/tests/support/keyring.sh
for need in dbus-run-session gnome-keyring-daemon secret-tool gdbus; do
	have "$need" || skip_all "$need is not installed"
done

# shellcheck disable=SC2317 # likewise
in_state() { # STATE: the store's tests of that state; for use under keyring.sh
	USHER_TEST_KEYRING=$1 "$STORE"
}

# shellcheck disable=SC2317 # called by the shell under keyring.sh
# What happens to one entry: kept, the daemon is stopped, goes on, is locked, is restarted.
life_of_an_entry() {
	set -e
	in_state seed
	in_state kept
	value=$(secret-tool search --all xdg:schema dev.usher.Session 2>/dev/null | sed -n 's/^secret = //p')
	[[ $value =~ ^[A-Za-z0-9_-]+$ ]]

	kill -STOP "$KEYRING_PID"
	in_state stopped
	kill -CONT "$KEYRING_PID"
	in_state kept

	secret-tool lock --collection=login 2>/dev/null || gdbus call --session --dest org.freedesktop.secrets \
		--object-path /org/freedesktop/secrets --method org.freedesktop.Secret.Service.Lock \
		"['/org/freedesktop/secrets/collection/login']" >/dev/null
	in_state locked

	echo | gnome-keyring-daemon --replace --unlock --components=secrets >/dev/null 2>&1 # another process, the same files
	for _ in $(seq 2400); do # until it is the one that answers
		another=$(answers)
		[ -n "$another" ] && [ "$another" != "$KEYRING_PID" ] && break
		sleep 0.05
	done
	in_state kept
	kill "$another"
}

# shellcheck disable=SC2317 # likewise
answers() { # the process that has the keyring's name on the bus
	gdbus call --session --dest org.freedesktop.DBus --object-path /org/freedesktop/DBus \
		--method org.freedesktop.DBus.GetConnectionUnixProcessID org.freedesktop.secrets 2>/dev/null | tr -dc '0-9 ' | awk '{ print $NF }'
}
export -f in_state life_of_an_entry answers
export STORE

SECONDS=0
ok 'T39 an unlocked keyring keeps, replaces and deletes; the environment leads nowhere else' \
	env USHER_TEST_KEYRING=unlocked "$KEYRING" "$STORE"
ok 'T39 a keyring that was never made says so and asks nobody' env UNMADE=1 USHER_TEST_KEYRING=unmade "$KEYRING" "$STORE"
ok 'T39 a bus without a keyring says so at once' env NONE=1 USHER_TEST_KEYRING=none "$KEYRING" "$STORE"
ok 'T39 T40 an entry survives a stopped, a locked and a restarted daemon' "$KEYRING" bash -c life_of_an_entry
ok 'and nothing of it hangs' test "$SECONDS" -lt 600
done_testing
