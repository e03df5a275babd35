#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The schema that is installed is the one that the tables say, and usher-policy(5) names every member of it.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh" || exit 99
page=$USHER_SRC/man/usher-policy.5

status 0 'validate --schema prints it' "$BROKER" validate --schema
ok 'the file that is installed is the same, byte for byte' diff -u "$USHER_SRC/examples/access-policy.schema.json" "$OUT"
is "$(jq -r '.["$schema"], .title' "$OUT" | paste -sd' ')" 'https://json-schema.org/draft/2020-12/schema AccessPolicy' 'it says which draft it is of'
jq -r '[.. | objects | select(has("properties")) | .properties | keys[]] | unique[]' "$OUT" >"$T/members"
like "$(wc -l <"$T/members")" '^1?[0-9]{2}$' 'there are members to look for'
sed -E 's/\\-/-/g; s/\\f[BIRP]//g; s/\\&//g' "$page" >"$T/page"
lost=
while read -r member; do grep -qwF -- "$member" "$T/page" || lost+="$member "; done <"$T/members"
is "$lost" '' 'usher-policy(5) names every member'
bash "$USHER_SRC/man/policy-sources.sh" <"$OUT" >"$T/want"
awk '/^\.\\" kinds end/ { on = 0 } on { print } /^\.\\" kinds begin/ { on = 1 }' "$page" >"$T/got"
like "$(wc -l <"$T/want")" '^[1-9][0-9]{2}$' 'there are settings of sources to look for'
ok 'and gives each kind of source the settings that the tables do' diff -u "$T/got" "$T/want"
done_testing
