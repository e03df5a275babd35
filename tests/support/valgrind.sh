# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by tap.sh where USHER_VALGRIND is set: USHER_BUILD becomes a folder in which our programs run under valgrind. An
# error or a leak ends them with 99, which no test wants, and says why on stderr. The front is linked statically, where
# valgrind sees reads and writes but not the heap; what it becomes (usher-signin) is watched whole.
valgrind_build() {
	local program folder=$T/valgrind
	mkdir "$folder"
	ln -s "$USHER_BUILD"/* "$folder/"
	for program in kubectl-usher usher-broker usher-signin; do
		rm -f "${folder:?}/$program"
		cat >"$folder/$program" <<-EOF
		#!/bin/sh
		exec valgrind -q --error-exitcode=99 --suppressions='$USHER_SRC/tests/support/valgrind.supp' --trace-children=yes --trace-children-skip='*/browser,/bin/*,/usr/bin/*' \\
			--leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite '$USHER_BUILD/$program' "\$@"
		EOF
		chmod +x "$folder/$program"
	done
	USHER_BUILD=$folder
}
valgrind_build
