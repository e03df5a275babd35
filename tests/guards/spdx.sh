#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each file of the tree says its licence in its first lines. Left out: what has no comments (JSON, go.sum) and what is
# input as it is (fixtures, corpora).
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$USHER_SRC" || exit 99

mapfile -t files < <(find common plugin broker tests examples man m4 dev .ci configure.ac Makefile.am ./*.md -type f \
	! -name '*.json' ! -name go.sum ! -name '.*' ! -name '*.o' ! -name '*.a' ! -name '*.log' ! -name '*.trs' ! -name '.dirstamp' \
	! -path '*/fixtures/*' ! -path '*/corpus/*' ! -path '*/.deps/*' ! -path '*/node_modules/*' 2>/dev/null | sort)
like "${#files[@]}" '^[1-9][0-9][0-9]+$' 'there are files to look at'
lost=
for file in "${files[@]}"; do
	[ -x "$file" ] && head -c 4 "$file" | grep ELF >/dev/null && continue # built inside the tree
	head -n 5 "$file" | grep 'SPDX-License-Identifier: Apache-2.0' >/dev/null || lost+="$file"$'\n'
done
is "$lost" '' 'each of them has the SPDX line'
ok 'the licence itself is there' grep -q 'Apache License' LICENSE
done_testing
