#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bash completes, with both programs' completion in one shell: verbs, what a verb wants to be told first, the values of
# options; and help for what the programs know by themselves.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"

"$BROKER" completion bash >"$T/broker"
"$USHER" completion bash >"$T/plugin"
. "$T/broker"
. "$T/plugin"

offers() { # PROGRAM WORD...: what may stand in the place of the last word
	local function
	function=$(complete -p "$1" | sed -E 's/.* -F ([^ ]*) .*/\1/')
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	echo "${COMPREPLY[*]}"
}

is "$(offers usher-broker off)" offboard 'a verb'
is "$(offers kubectl-usher logi)" login 'a verb of the other program, in the same shell'
is "$(offers usher-broker offboard g)" group 'whom to offboard'
is "$(offers usher-broker onboard n)" namespace 'what to onboard'
is "$(offers usher-broker offboard user carol --rea)" --reason 'an option'
is "$(offers usher-broker onboard --dry-run '')" 'none client server' 'the values of an option'
is "$(offers usher-broker onboard --dry-run = s)" server 'and behind an equals sign, where bash breaks the word'
is "$(offers usher-broker onboard --dry-run =)" 'none client server' 'and right behind it'
is "$(offers usher-broker offboard -o m)" markdown 'and those of its letter'
is "$(offers usher-broker plan -f '')" '' 'where a file is wanted the shell offers files'
is "$(offers usher-broker offboard --dry-run --rea)" --reason 'behind a flag comes anything'
is "$(offers usher-broker completion '')" 'bash zsh --help' 'the shells'
is "$(offers usher-broker help offb)" offboard 'help of a verb'
for program in "$BROKER" "$USHER"; do
	status 0 'help of completion' "$program" help completion
	like "$(cat "$OUT")" 'completion bash\|zsh: print' 'says what it wants'
	status 0 'and its --help' "$program" completion --help
	status 0 'help of help' "$program" help help
done
status 2 'offboard without saying whom' "$BROKER" offboard carol
like "$(cat "$ERR")" 'Did you mean usher-broker offboard user carol\?' 'says what was meant'
status 2 'a namespace as an option' "$BROKER" offboard --namespace payments
like "$(cat "$ERR")" 'Did you mean usher-broker offboard namespace NAME\?' 'says where it stands'
done_testing
