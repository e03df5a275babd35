#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `PROGRAM help` prints stands in the man page, and what the man page says the program knows. A page has a section
# COMMANDS with one `.SS VERB ...` a verb, whose text names each option; and EXIT STATUS with each meaning.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"

plain() { # PAGE: without the markup that could hide a word
	sed -E 's/\\-/-/g; s/\\f[BIRP]//g; s/\\&//g; s/\\\(aq/'"'"'/g; s/\\\(dq/"/g; s/^\.(BR?|IR?|RB|RI|BI|IB) //' "$1"
}

page_verbs() { # PAGE
	plain "$1" | awk '/^\.SH/ { on = /COMMANDS/ } on && /^\.SS/ { gsub(/"/, ""); print $2 }'
}

page_options() { # PAGE VERB: --options in that verb's text, without the dashes
	plain "$1" | awk -v verb="$2" '/^\.S[SH]/ { gsub(/"/, ""); on = $1 == ".SS" && $2 == verb } on' |
		grep -oE -- '--[a-z][a-z-]+' | sed 's/^--//' | sort -u
}

help_verbs() { # PROGRAM
	"$1" help | awk '/^Options of a command/ { exit } /^  [a-z]/ { print $1 }' | grep -vxE 'completion|help'
}

help_options() { # PROGRAM VERB
	"$1" help "$2" | sed -nE 's/^  (-., |    )--([a-z][a-z-]*).*/\2/p' | sort -u
}

compare() { # PROGRAM PAGE
	local program=$1 page=$2 name verb verbs
	name=$(basename "$program")
	[ -f "$page" ] || { fail "$name has a man page" "$page is missing"; return; }
	pass "$name has a man page"
	verbs=$(help_verbs "$program")
	like "$verbs" '[a-z]' "$name help lists its commands"
	is "$(page_verbs "$page" | sort)" "$(sort <<<"$verbs")" "$name: the commands of the page are those of help"
	for verb in $verbs; do
		is "$(page_options "$page" "$verb" | tr '\n' ' ')" "$(help_options "$program" "$verb" | tr '\n' ' ')" \
			"$name $verb: the options of the page are those of help"
	done
	exit_status "$program" "$page" "$name"
}

exit_status() { # PROGRAM PAGE NAME: each meaning stands in the page as it stands in help
	local text count=0 number meaning lost=
	text=$(plain "$2" | tr -s '\n\t ' ' ')
	while read -r number meaning; do
		count=$((count + 1))
		[[ $text = *"$meaning"* ]] || lost+="$number $meaning"$'\n'
	done < <("$1" help | awk 'on; /^Exit status/ { on = 1 }')
	is "$lost" '' "$3: the page gives every exit status the meaning that help gives it"
	is "$count" 11 "$3: help names the exit statuses 0 to 10"
}

compare "$USHER" "$USHER_SRC/man/kubectl-usher.1"
compare "$BROKER" "$USHER_SRC/man/usher-broker.1"
done_testing
