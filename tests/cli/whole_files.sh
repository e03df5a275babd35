#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A recording, what a source keeps for the next run, metrics: whatever stops the run, each file is the one of the run before
# or the one of this, never a part; the next run does what was left undone.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$T" || exit 99

policy() { # SOURCE
	jq -n --argjson source "$1" '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: "whole"}, cluster: {groupPrefix: "oidc:", groupName: "leaf"},
		sources: {main: $source}, roles: {view: {clusterRole: "view"}}, grants: [{group: "one", role: "view", namespaces: ["somewhere"]}, {group: "two", role: "view", namespaces: ["somewhere"]}]}'
}
print_groups() { # NAME: what the source says from now on
	printf '#!/bin/sh\necho %q\n' "$(jq -cn --arg name "$1" '{groups: [{name: $name, id: $name, members: ["carol"]}], count: 1}')" >print-groups
	chmod 700 print-groups
}
policy "$(jq -cn --arg me "$T/print-groups" '{command: {command: [$me]}}')" >command.yaml
echo '200 teams one' >mode
mkfifo ends
"$USHER_BUILD/tests/support/echo_server" mode <ends >url &
exec 8>ends
at_exit 'exec 8>&-'
wait_for 120 test -s url
export SECRET=a-long-secret-of-a-source
policy "$(jq -cn --arg url "$(cat url)" '{github: {organization: "o", url: $url, secretEnv: "SECRET", allowLoopbackHttp: true, cacheFile: "cache"}}')" >github.yaml

# shellcheck disable=SC2120 # strace and its words, in at_each
recording() { "$@" "$BROKER" plan -f command.yaml --from none --record record --metrics m.prom; }
# shellcheck disable=SC2120 # likewise
keeping() { "$@" "$BROKER" plan -f github.yaml --from none --metrics m.prom; }
same() { cmp -s "$1" "$2"; }
# Metrics tell the time, how long it took and how it ended: all else is the same.
gist() { grep -v '^#' "$1" 2>/dev/null | grep -vE 'timestamp|seconds|exit_status'; }

# ---- what is right ----
print_groups one
recording >/dev/null 2>&1
ok 'a recording is there' test -s record/exchanges.jsonl
is "$(ls -A record)" exchanges.jsonl 'and nothing beside it'
is "$(stat -c %a record/exchanges.jsonl)" 600 'private'
cp m.prom one.prom
cp -r record record.one
keeping >/dev/null 2>&1
ok 'what a source keeps is there' test -s cache
cp cache cache.one
cp m.prom one-kept.prom
echo '200 teams two' >mode
keeping >/dev/null 2>&1
cp cache cache.two
cp m.prom two-kept.prom
nok 'and another directory makes another of it' same cache.one cache.two
mkdir left && printf 'half of a li' >left/exchanges.jsonl.part
status 1 'what a run left behind is begun anew' "$BROKER" plan -f command.yaml --from none --record left
ok 'and is whole then' same left/exchanges.jsonl record/exchanges.jsonl
status 8 'a recording that is there is not written over' "$BROKER" plan -f command.yaml --from none --record left

# LeakSanitizer cannot look while strace does, and ends the program with a status of its own.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

# ---- what stops it ----
whole_recording() {
	[ ! -e record/exchanges.jsonl ] || same record/exchanges.jsonl record.one/exchanges.jsonl || wrong+="$1: a part of a recording; "
	[ ! -e m.prom ] || [ "$(gist m.prom)" = "$(gist one.prom)" ] || wrong+="$1: a part of the metrics; "
	[ "$2" != 1 ] || same record/exchanges.jsonl record.one/exchanges.jsonl || wrong+="$1: says that it was done; "
	rm -f record/exchanges.jsonl
	recording >/dev/null 2>&1
	same record/exchanges.jsonl record.one/exchanges.jsonl && [ "$(ls -A record)" = exchanges.jsonl ] || wrong+="$1: the next run does not do it; "
}
whole_keeping() {
	same cache cache.one || same cache cache.two || wrong+="$1: a part of what is kept; "
	[ "$(gist m.prom)" = "$(gist one-kept.prom)" ] || [ "$(gist m.prom)" = "$(gist two-kept.prom)" ] || wrong+="$1: a part of the metrics; "
	keeping >/dev/null 2>&1
	same cache cache.two && [ "$(gist m.prom)" = "$(gist two-kept.prom)" ] || wrong+="$1: the next run does not do it; "
}
again_recording() { rm -rf record m.prom; }
again_keeping() { cp cache.one cache && cp one-kept.prom m.prom; }

at_each() { # recording|keeping INJECTION SYSCALLS: strace's injection at the first of them on a file of ours, the second...
	local call n
	ran=0 wrong=''
	for call in $3; do
		for ((n = 1; n < 60; n++)); do
			"again_$1"
			"$1" strace -qq -o trace -e "trace=$call" -e "inject=$call:$2:when=$n" >/dev/null 2>&1
			code=$?
			grep -qE 'INJECTED|killed by' trace || break
			"whole_$1" "$call $n" "$code"
			ran=$((ran + 1))
		done
	done
}
if [ -n "${USHER_VALGRIND:-}" ]; then
	note 'under valgrind the calls that are hit would be its own'
elif have strace && strace -o /dev/null true 2>/dev/null; then
	for what in recording keeping; do
		at_each "$what" signal=KILL 'write fsync rename,renameat,renameat2 ftruncate flock chmod,fchmod'
		is "$wrong" '' "$what, killed at each of $ran syscalls: a whole file, or none"
		ok 'at some of each' test "$ran" -ge 6
		at_each "$what" error=ENOSPC 'write fsync rename,renameat,renameat2'
		is "$wrong" '' "$what, the disk full at each of $ran syscalls: likewise"
		ok 'at some of each' test "$ran" -ge 4
	done
else
	skip 'killed at each syscall' 'strace cannot run here'
fi
done_testing
