#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every rule of the audit has fixtures that hit and fixtures that miss; every fixture belongs to a rule, says what is to be
# found in it, and the built program finds that.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh" || exit 99
fixtures=$USHER_SRC/tests/fixtures/audit

mapfile -t ids < <("$BROKER" audit --list-rules | awk '{ print $1 }')
like "${#ids[@]}" '^[1-9][0-9]+$' 'there are rules to look at'

reports() { # FILE ID: the program reports the rule for the file
	run "$BROKER" audit -o jsonl "$1"
	[ "$STATUS" -le 1 ] && grep -q "^{\"id\":\"$2\"," "$OUT"
}

files=0
for id in "${ids[@]}"; do
	mapfile -t hits < <(find "$fixtures/$id" -name 'hit*.yaml' 2>/dev/null | sort)
	mapfile -t misses < <(find "$fixtures/$id" -name 'miss*.yaml' 2>/dev/null | sort)
	like "${#hits[@]}" '^[1-9][0-9]*$' "$id has a hit"
	like "${#misses[@]}" '^[1-9][0-9]*$' "$id has a miss"
	wrong=
	for file in ${hits[@]+"${hits[@]}"}; do
		files=$((files + 1))
		grep -q '^# as: ' "$file" || reports "$file" "$id" || wrong+="${file##*/} is not hit, status $STATUS"$'\n'
	done
	for file in ${misses[@]+"${misses[@]}"}; do
		files=$((files + 1))
		grep -q '^# as: ' "$file" || { ! reports "$file" "$id" && [ "$STATUS" -le 1 ]; } || wrong+="${file##*/} is hit, or status $STATUS"$'\n'
	done
	is "$wrong" '' "$id: the program hits its hits and misses its misses"
done
is "$(find "$fixtures" -type f | wc -l)" "$files" 'no file of the fixtures belongs to no rule'
is "$(grep -rL '^# expect: ' "$fixtures")" '' 'each fixture says what is to be found in it'
like "$files" '^[2-9][0-9][0-9]$' 'the corpus has at least 200 verdicts'
done_testing
