#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The programs are built as configure promises: PIE, read-only relocations, no lazy binding, stack protector, checked
# library calls, no executable stack, and control-flow marks in what the compiler made of our sources (T71).
. "${USHER_SRC:-$PWD}/tests/support/tap.sh" || exit 99

command -v readelf >/dev/null || skip_all 'no readelf on this machine'
grep -q '^USH_CFLAGS = .*-fsanitize=' "$USHER_BUILD/Makefile" && skip_all 'a build with sanitizers is not hardened'

said() { readelf -W "$1" "$2" 2>/dev/null; } # WHAT PROGRAM

for program in "$USHER" "$BROKER" "$SIGNIN"; do
	name=$(basename "$program")
	like "$(said -h "$program")" 'Type: +DYN' "$name is position independent"
	like "$(said -l "$program")" 'GNU_RELRO' "$name has read-only relocations"
	like "$(said -d "$program")" 'BIND_NOW|FLAGS_1.*NOW' "$name binds everything at its start"
	unlike "$(said -l "$program" | grep GNU_STACK)" 'RWE' "$name has no executable stack"
	like "$(said -s "$program")" '__stack_chk_fail' "$name checks its stack"
	like "$(said -s "$program")" '__[a-z]+_chk' "$name calls the checked library"
done
if [ "$(uname -m)" = x86_64 ]; then
	like "$(said -n "$USHER_BUILD/common/base/error.o")" 'IBT, SHSTK' 'our objects carry control-flow marks (CET)'
else
	skip 'our objects carry control-flow marks (CET)' 'they exist on x86_64 alone'
fi
done_testing
