#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# render --generations: whatever stops the writer, `current` leads to a whole old or a whole new generation (T58).
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"

sum() { (cd "$1" 2>/dev/null || { echo "no folder $1 $RANDOM"; exit; }; find -L . -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum; }

policy() { # NAMESPACE...
	jq -n --args '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", cluster: {groupPrefix: "oidc:"}, sources: {main: {file: {path: "groups.json"}}},
		roles: {reader: {rules: [{apiGroups: [""], resources: ["pods"], verbs: ["get"]}]}},
		grants: [{group: "dev", role: "reader", namespaces: $ARGS.positional}]}' "$@" >"$T/policy.yaml"
}

render() { "$@" "$BROKER" render -f "$T/policy.yaml" --generations "$T/out"; }

echo '{"groups": [{"name": "dev", "id": "1"}], "count": 1}' >"$T/groups.json"
policy a b c
status 0 'a first generation is written' render
old=$(sum "$T/out/current")
is "$(readlink "$T/out/current" | cut -c1-2)" g- 'and current leads to it'
status 0 'once more' render
is "$(find "$T/out" -name 'g-*' | wc -l)" 1 'makes no other one'
cp -a "$T/out" "$T/kept"
policy a b d
status 0 'another policy' render
new=$(sum "$T/out/current")
is "$(find "$T/out" -name 'g-*' | wc -l)" 2 'is another generation, and the one before stays'
ok 'whose bytes are another' test "$old" != "$new"
policy a b
render >/dev/null
is "$(find "$T/out" -name 'g-*' | wc -l)" 2 'of three, the oldest goes'
rm -rf "$T/out"
mkdir "$T/out" "$T/theirs" && ln -s "$T/theirs" "$T/out/current"
status 8 'a link that is not ours is left alone' render
is "$(readlink "$T/out/current")" "$T/theirs" 'as it was'

again() { # puts the old generation back
	rm -rf "$T/out"
	cp -a "$T/kept" "$T/out"
}

at_each() { # WHAT SYSCALLS: strace's injection at the first of them, the second...; prints what went wrong
	local call n code
	ran=0 wrong=''
	for call in $2; do
		for ((n = 1; n < 200; n++)); do
			again
			render strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:$1:when=$n" >/dev/null 2>&1
			code=$?
			have=$(sum "$T/out/current")
			[ "$have" = "$old" ] || [ "$have" = "$new" ] || wrong+="$call $n is neither; "
			[ "$code" != 0 ] || [ "$have" = "$new" ] || wrong+="$call $n says it is done; "
			[ "$code" != 0 ] || [ "$1" != signal=KILL ] || break
			[ "$code" != 0 ] || [ "$n" -lt 40 ] || break
			ran=$((ran + 1))
		done
	done
}

policy a b d
if [ -n "${USHER_VALGRIND:-}" ]; then
	note 'under valgrind the calls that are hit would be its own'
elif have strace && strace -o /dev/null true 2>/dev/null; then
	at_each signal=KILL 'mkdir,mkdirat write fsync rename,renameat,renameat2 symlink,symlinkat chmod,fchmod unlink,unlinkat rmdir'
	is "$wrong" '' "T58 killed at each of $ran syscalls: current is a whole old or a whole new generation"
	ok 'T58 at thirty and more' test "$ran" -ge 30
	at_each error=ENOSPC 'mkdir,mkdirat write fsync rename,renameat,renameat2 symlink,symlinkat'
	is "$wrong" '' "T58 the disk full at each of $ran syscalls: likewise, and it says so"
	again
	render strace -f -qq -o /dev/null -e trace=rename -e inject=rename:signal=KILL:when=2 >/dev/null 2>&1
	status 0 'T58 and the next run finishes it' render
	is "$(sum "$T/out/current")" "$new" 'with the same bytes'
else
	skip 'T58 killed at each syscall' 'strace cannot run here'
fi
done_testing
