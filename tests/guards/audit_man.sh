#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The section RULES of usher-audit-rules(7) is what the table of rules says, and each id stands there once.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh" || exit 99
page=$USHER_SRC/man/usher-audit-rules.7

ok 'the page is there' test -s "$page"
"$BROKER" audit --list-rules -o jsonl >"$T/rules.jsonl"
like "$(wc -l <"$T/rules.jsonl")" '^[1-9][0-9]+$' 'there are rules to look at'
bash "$USHER_SRC/man/audit-rules.sh" <"$T/rules.jsonl" >"$T/want"
awk '/^\.\\" rules end/ { on = 0 } on { print } /^\.\\" rules begin/ { on = 1 }' "$page" >"$T/got"
ok 'the page has the rules as the program lists them' diff -u "$T/got" "$T/want"
is "$(grep -c '^\.B AU' "$T/got")" "$(wc -l <"$T/rules.jsonl")" 'each of them once'
done_testing
