#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A function reads on one screen, a file is no haystack.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$USHER_SRC" || exit 99
file_most=500 function_most=60

mapfile -t sources < <(find common plugin broker tests -name '*.[ch]' -type f | sort)
mapfile -t scripts < <(find dev .ci tests -type f \( -name '*.sh' -o -name dev -o -path '*/.ci/run' -o -name '*.mjs' \) | sort)
like "${#sources[@]}" '^[1-9][0-9]+$' 'there are C sources to measure'
like "${#scripts[@]}" '^[1-9][0-9]*$' 'there are scripts to measure'

long=$(wc -l "${sources[@]}" "${scripts[@]}" | awk -v most=$file_most '$2 != "total" && $1 > most { print $2 ": " $1 " lines" }')
is "$long" '' "no file has more than $file_most lines"

# A function begins with `{` and ends with `}`, each alone in the first column; the line before the brace names it.
long=$(awk -v most=$function_most '
	FNR == 1 { start = 0 }
	/^\{$/ { start = FNR; name = before }
	/^\}/ && start { functions++; if (FNR - start + 1 > most) print FILENAME ": " FNR - start + 1 " lines: " name; start = 0 }
	/[^ \t]/ { before = $0 }
	END { if (functions < 20) print "only " functions + 0 " functions were found" }' "${sources[@]}")
is "$long" '' "no C function has more than $function_most lines"

long=$(awk -v most=$function_most '
	FNR == 1 { start = 0 }
	/^[a-z_0-9]+\(\) \{/ && !/\}[ \t]*(#.*)?$/ { start = FNR; name = $1 }
	/^\}/ && start { functions++; if (FNR - start + 1 > most) print FILENAME ": " FNR - start + 1 " lines: " name; start = 0 }
	END { if (functions < 10) print "only " functions + 0 " functions were found" }' "${scripts[@]}")
is "$long" '' "no shell function has more than $function_most lines"
done_testing
