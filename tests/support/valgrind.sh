# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by tap.sh where USHER_VALGRIND is set: USHER_BUILD becomes a folder in which usher-broker and usher-signin run
# under valgrind. An error or a leak ends them with 99, which no test wants, and says why on stderr. The front stays as it
# is: it is linked statically, where valgrind cannot follow memory, and gives nothing back before it ends.
valgrind_build() {
	local program folder=$T/valgrind
	mkdir "$folder"
	ln -s "$USHER_BUILD"/* "$folder/"
	for program in usher-broker usher-signin; do
		rm -f "${folder:?}/$program"
		cat >"$folder/$program" <<-EOF
		#!/bin/sh
		exec valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \\
			'$USHER_BUILD/$program' "\$@"
		EOF
		chmod +x "$folder/$program"
	done
	USHER_BUILD=$folder
}
valgrind_build
