#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# acceptance.tsv is true: each row names a test that exists; and where LOGS names the folder of a whole run, one that ran
# and passed. A row's test is FILE:NAME (several with " + "), or "- REASON" when the point is left out on purpose.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$USHER_SRC" || exit 99
table=tests/acceptance.tsv
rows=0 left_out=0

exists() { # FILE NAME
	[ -f "$1" ] || return 1
	case $1 in
	*.c) grep -qE "^START_TEST\($2\)" "$1" ;;
	*) { echo "$1"; sourced "$1"; } | xargs cat | grep -F -- "$2" >/dev/null ;;
	esac
}

sourced() { # FILE: scripts of the tree that it sources
	# shellcheck disable=SC2016 # as it stands in the script
	sed -nE 's|^\. "\$USHER_SRC/(tests/[^"]+)"|\1|p' "$1"
}

line_of() { # the TAP lines of a test in the logs of a run: FILE NAME
	local log=${1%.*}.log
	case $1 in
	*.c) find "$LOGS" -path "*/$log" -exec cat {} + | grep -E "^(not )?ok [0-9]+ - .*:$2: " ;;
	*) find "$LOGS" -path "*/$log" -exec cat {} + | grep -E '^(not )?ok [0-9]+ - ' | grep -F -- "$2" ;;
	esac
}

state() { # FILE NAME: passed, failed, skipped, or did not run
	local lines
	lines=$(line_of "$1" "$2")
	if [ -z "$lines" ]; then echo 'did not run'
	elif grep -q '^not ok' <<<"$lines"; then echo failed
	elif grep -q '^ok.*# SKIP' <<<"$lines"; then echo skipped
	else echo passed; fi
}

# A script that cannot run here says so in one line: "ok 1 - story # SKIP no node on this machine".
whole_file_skipped() { # FILE
	find "$LOGS" -path "*/${1%.*}.log" -exec cat {} + | grep -E '^ok 1 - [a-z_-]+ # SKIP' >/dev/null
}

check_test() { # ID FILE:NAME
	local file=${2%%:*} name=${2#*:} now
	if ! exists "$file" "$name"; then
		fail "$1: its test exists" "$file has no test \"$name\""
		return
	fi
	[ -n "${LOGS:-}" ] || return 0
	now=$(state "$file" "$name")
	if [ "$now" = skipped ] || { [ "$now" = 'did not run' ] && whole_file_skipped "$file"; }; then
		skip "$1: $name" "$file is skipped on this machine"
	else
		is "$now" passed "$1: $name passed"
	fi
}

check_row() { # ID CLAIM TEST
	local test rest
	rows=$((rows + 1))
	case $3 in
	'- '*) left_out=$((left_out + 1)); note "left out: $1 $2: ${3#- }"; return ;;
	'' | -) fail "$1 names a test or a reason" "third column is \"$3\""; return ;;
	esac
	[ -n "${LOGS:-}" ] || pass "$1: $2"
	rest=$3
	while [ -n "$rest" ]; do
		test=${rest%% + *}
		[ "$test" = "$rest" ] && rest= || rest=${rest#* + }
		check_test "$1" "$test"
	done
}

while IFS=$'\t' read -r id claim test; do
	case $id in '' | '#'*) continue ;; esac
	check_row "$id" "$claim" "$test"
done <"$table"
is "$(cut -f1 $table | grep -v '^#' | sort | uniq -d)" '' 'no point has two rows'
like "$rows" '^[1-9][0-9]+$' "the table has rows"
note "$rows rows, $left_out left out"
done_testing
