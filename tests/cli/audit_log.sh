#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The audit log as a file: killed at each syscall, on a full disk, two runs at once, a link in its place; and what verify-log
# says of a log that somebody changed.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$T" || exit 99
write() { "$USHER_BUILD/tests/support/journal_write" "$@"; }
verify() { "$BROKER" verify-log "$@"; }
printf '%s\n' 'apiVersion: v1' 'kind: Config' 'current-context: c' 'clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]' 'users: [{name: c, user: {}}]' \
	'contexts: [{name: c, context: {cluster: c, user: c}}]' >nowhere.kubeconfig
chmod 600 nowhere.kubeconfig
echo '{"groups": [{"name": "one", "members": ["carol"]}], "count": 1}' >groups.json
jq -n '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", metadata: {name: "told"}, cluster: {groupPrefix: "oidc:"}, sources: {main: {file: {path: "groups.json"}}},
	roles: {view: {clusterRole: "view"}}, grants: [{group: "one", role: "view", namespaces: ["somewhere"]}]}' >policy.yaml
apply() { "$BROKER" apply -f policy.yaml --kubeconfig nowhere.kubeconfig "$@"; }

# ---- a run leaves its lines, however it ends ----
status 6 'a run that does not reach its cluster' apply --audit-log a.jsonl
is "$(jq -r .event a.jsonl | xargs)" 'log.begin run.begin run.end' 'leaves its lines'
is "$(stat -c %a a.jsonl)" 600 'in a file of its owner alone'
is "$(jq -r 'select(.event == "run.end") | .status' a.jsonl)" 6 'and how it ended'
status 0 'which verify-log finds as they were written' verify a.jsonl
one_line "$OUT" 'it says so in a line'
hash=$(tail -1 a.jsonl | jq -r .hash)
is "$(tail -1 a.jsonl | sed 's/,"hash":"[0-9a-f]*"}$//' | tr -d '\n' | sha256sum | cut -d' ' -f1)" "$hash" 'with sha256sum anybody can'
status 0 'a hash that is in it is found' verify a.jsonl --head "$hash"
status 2 'what is no hash is a mistake' verify a.jsonl --head 123
status 2 'so is a file that is not there' verify nothing.jsonl
status 7 'a hash that is not in it shows that it was cut off' verify a.jsonl --head "$(printf 0%.0s {1..64})"
status 0 'as JSON' verify a.jsonl -o json
is "$(jq -c '[.intact, .lines, .head]' "$OUT")" "[true,3,\"$hash\"]" 'the same'

status 6 'with - the lines go to stdout' apply --audit-log -
is "$(jq -r .event "$OUT" | xargs)" 'log.begin run.begin run.end' 'and nothing but them'
"$BROKER" verify-log - <"$OUT" >verified 2>&1
is "$?" 0 'they are a log, too'

# ---- what is no place for a log ----
ln -s a.jsonl link
mkfifo pipe
mkdir folder
for place in link pipe folder /dev/null /dev/stdout nowhere/a.jsonl; do
	status 8 "$place is refused" apply --audit-log "$place"
	one_line "$ERR" 'in a line'
done
cp a.jsonl open.jsonl
chmod 622 open.jsonl
status 8 'so is a file that others may write' apply --audit-log open.jsonl
echo 'no log' >other.jsonl
chmod 600 other.jsonl
status 8 'and one that is no log' apply --audit-log other.jsonl
is "$(cat other.jsonl)" 'no log' 'it stays as it is'

# ---- somebody changed it ----
write long.jsonl 20000 2>printed
status 0 'a log of 20,000 changes is verified' verify long.jsonl
like "$(cat "$OUT")" '^20,003 lines, all as they were written; head [0-9a-f]{64}$' 'all of it'
rm -f long.jsonl.head
bad() { # LINE NAME WHY: long.jsonl, changed by the sed script on stdin
	sed -f /dev/stdin long.jsonl >changed.jsonl
	status 7 "$2" verify changed.jsonl
	like "$(cat "$ERR")" "^usher-broker: changed.jsonl: line $1 $3" "line $1 is named"
	one_line "$ERR" 'alone'
}
bad 12345 'a name that is edited' 'was changed: it does not have the hash' <<<'12345s/developers/deveIopers/'
bad 700 'a line that is taken out' 'is number 701 after number 699: 1 line before it is missing' <<<'700d'
bad 701 'a line that is doubled' 'is number 700 after number 700: it was put there' <<<'700p'
bad 700 'two lines that are swapped' 'is number 701' <<<'700{h;d};701G'
bad 20003 'a last line that is edited' 'was changed: it does not have the hash' <<<'$s/run.end/run.eNd/'
sed '$d' long.jsonl >changed.jsonl
status 0 'an end that is cut off cannot be seen by the chain' verify changed.jsonl
like "$(cat "$OUT")" 'no .head is beside it: an end that was cut off would show by --head alone' 'which it says'
status 7 'but by the head that was printed' verify changed.jsonl --head "$(tail -1 printed)"
write spliced.jsonl 20000 2>/dev/null
{ head -n 9000 long.jsonl; tail -n +9001 spliced.jsonl; } >changed.jsonl
status 7 'another log, spliced in' verify changed.jsonl
like "$(cat "$ERR")" 'line 9001 names another line before it' 'at its first line'
head -c 100000 long.jsonl >changed.jsonl
status 7 'a line that is cut in the middle' verify changed.jsonl
like "$(cat "$ERR")" "line $(($(wc -l <changed.jsonl) + 1)) is cut off" 'is named'
head -n 3 long.jsonl >short.jsonl
chmod 600 short.jsonl
echo "20003 $(tail -1 printed)" >short.jsonl.head
[ "$(id -u)" != 0 ] || chown 65534:65534 short.jsonl short.jsonl.head # as a pod writes it, and root looks
chmod 664 short.jsonl.head
status 7 'whoever it belongs to, what is noted beside it is heard' verify short.jsonl
like "$(cat "$ERR")" 'is its last, and number 20003 .* is not in it: it was cut off' 'and says what is missing'
[ "$(id -u)" != 0 ] || chown 0:0 short.jsonl short.jsonl.head
chmod 600 short.jsonl.head
cp short.jsonl spoilt.jsonl
echo 'no witness' >spoilt.jsonl.head
status 7 'a note that says nothing is no all-clear' verify spoilt.jsonl
like "$(cat "$ERR")" 'spoilt.jsonl.head: is not what a run writes there. .*--head' 'and says what to do'
status 8 'a log that is shorter than it once was is not written on' apply --audit-log short.jsonl
like "$(cat "$ERR")" 'cut off' 'and says why'

# ---- logrotate ----
cp long.jsonl turned.jsonl
chmod 600 turned.jsonl
write turned.jsonl 1 2>/dev/null
mv turned.jsonl turned.jsonl.1
write turned.jsonl 1 2>/dev/null
is "$(jq -r .event turned.jsonl | head -1)" log.continued 'a new file goes on from the old one'
status 0 'both are one log' verify turned.jsonl.1 turned.jsonl
status 7 'in this order alone' verify turned.jsonl turned.jsonl.1
sed -i '$d' turned.jsonl.1
status 7 'a line that copytruncate lost is missed' verify turned.jsonl.1 turned.jsonl

# ---- two at once ----
for n in 1 2 3 4; do write both.jsonl 500 2>/dev/null & done
wait
status 0 'four runs at once leave one log' verify both.jsonl
is "$(wc -l <both.jsonl)" 2009 'with a line for each change'
is "$(jq -r .run both.jsonl | sort -u | grep -c .)" 5 'and the run that made it'

# ---- killed, or out of room, at each syscall ----
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
traced() { strace -qq -o trace -e "trace=$1" -e "inject=$1:$2" "$USHER_BUILD/tests/support/journal_write" k.jsonl 3; } # SYSCALL INJECTION
at_each() { # INJECTION SYSCALLS: strace's injection at the first of them, the second...
	local call n
	ran=0 wrong=''
	for call in $2; do
		for ((n = 1; n < 40; n++)); do
			rm -f k.jsonl*
			write k.jsonl 2 2>/dev/null
			traced "$call" "$1:when=$n" >/dev/null 2>said
			code=$?
			grep -qE 'INJECTED|killed by' trace || break
			left "$call $n"
			ran=$((ran + 1))
		done
	done
}
left() { # WHERE
	[ "$code" != 0 ] || [ "$(grep -c binding k.jsonl)" = 5 ] || wrong+="$1: says that all is told; "
	write k.jsonl 1 2>said.again || wrong+="$1: the next run cannot go on ($(cat said.again)); "
	verify k.jsonl >verified 2>&1 || wrong+="$1: $(cat verified); "
}
if [ -n "${USHER_VALGRIND:-}" ]; then
	note 'under valgrind the calls that are hit would be its own'
elif have strace && strace -o /dev/null true 2>/dev/null; then
	at_each signal=KILL 'openat write fdatasync fsync flock rename,renameat,renameat2 newfstatat,fstat pread64'
	is "$wrong" '' "killed at each of $ran syscalls: a log, on which the next run goes on"
	ok 'at many' test "$ran" -ge 20
	at_each error=ENOSPC 'write fdatasync fsync'
	is "$wrong" '' "the disk full at each of $ran syscalls: likewise"
	ok 'at some of each' test "$ran" -ge 6
	rm -f k.jsonl*
	traced write error=ENOSPC:when=4 2>said
	is "$?" 8 'a full disk is status 8'
	like "$(cat said)" 'No space left on device; 1 line of this run is not in it. What the run did stands' 'and says what that means'
	is "$(jq -r 'select(.event == "log.lost") | .lines' k.jsonl)" 1 'the log says that a line is missing'
	status 0 'and is one' verify k.jsonl
	rm -f k.jsonl*
	strace -qq -o trace -e trace=write -e inject=write:error=ENOSPC:when=1 "$BROKER" apply -f policy.yaml --kubeconfig nowhere.kubeconfig --audit-log k.jsonl >"$OUT" 2>"$ERR"
	is "$?" 8 'a run that cannot begin its log does not begin'
else
	skip 'killed at each syscall' 'strace cannot run here'
fi

# ---- a disk that is full for good ----
if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=64k tmpfs full 2>/dev/null; then
	at_exit umount "$T/full"
	status 8 'on a disk that is full' "$USHER_BUILD/tests/support/journal_write" full/a.jsonl 2000
	like "$(cat "$ERR")" 'lines of this run are not in it' 'it says how much is missing'
	status 7 'the line that was torn is named' verify full/a.jsonl
	cp full/a.jsonl freed.jsonl
	chmod 600 freed.jsonl
	status 0 'with room again the next run tells it' "$USHER_BUILD/tests/support/journal_write" freed.jsonl 1
	status 0 'and the log is one' verify freed.jsonl
else
	note 'no file system of our own here'
fi
done_testing
