#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No name is defined twice among the parts of one program: a linker that takes the first from an archive says nothing.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$USHER_BUILD" || exit 99

twice() { nm --defined-only -g "$@" 2>/dev/null | awk 'NF == 3 && $2 ~ /[A-Z]/ && $2 !~ /[UWV]/ { print $3 }' | sort | uniq -d; } # ARCHIVE...

for archives in 'libbroker.a libcommon.a' 'libplugin.a libcommon.a' 'libfront.a'; do
	# shellcheck disable=SC2086 # a list
	like "$(nm --defined-only -g $archives 2>/dev/null | grep -c ' T ')" '^[1-9][0-9]' "$archives define something"
	# shellcheck disable=SC2086
	is "$(twice $archives)" '' "nothing is defined twice in $archives"
done
done_testing
