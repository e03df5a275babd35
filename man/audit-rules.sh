#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Writes the section RULES of usher-audit-rules(7): usher-broker audit --list-rules -o jsonl | man/audit-rules.sh
# With a page's name, puts it between the page's two marks: ... | man/audit-rules.sh man/usher-audit-rules.7
set -eu -o pipefail

rules() {
	awk '
	function member(key,    at, rest) { # a string member without quotes in it, or ""
		at = index($0, "\"" key "\":\"")
		if (at == 0) return ""
		rest = substr($0, at + length(key) + 4)
		return substr(rest, 1, index(rest, "\"") - 1)
	}
	function escape(text) { gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); return text }
	{
		print ".TP"
		print ".B " member("id") " " escape(member("slug"))
		line = member("severity")
		if (member("cis") != "") line = line ", CIS " member("cis")
		print "(" line ") " escape(member("title")) "."
		over = member("supersedes")
		if (over ~ /^\*/) print "It stands for whatever else the rules say of the same object."
		else if (over != "") { gsub(/ /, ", ", over); print "It stands for " over "." }
	}'
}

if [ $# -eq 0 ]; then
	rules
	exit
fi
new=$(rules)
page=$(awk -v new="$new" '
	/^\.\\" rules begin/ { print; print new; off = 1 }
	/^\.\\" rules end/ { off = 0 }
	!off || /^\.\\" rules end/ { if (!/^\.\\" rules begin/) print }' "$1")
printf '%s\n' "$page" >"$1"
