#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Writes the section KINDS OF SOURCES of usher-policy(5): usher-broker validate --schema | man/policy-sources.sh
# With a page's name, puts it between the page's two marks: ... | man/policy-sources.sh man/usher-policy.5
set -eu -o pipefail

kinds=$(jq -r '
def escape: gsub("\\\\"; "\\e") | gsub("-"; "\\-") | gsub("^(?<c>[.\u0027])"; "\\&\(.c)");
def value:
	if .enum then .enum | join(", ")
	elif .type == "array" then "list"
	elif .type == "object" then "map of texts"
	elif .type == "boolean" then "true or false"
	elif .type == "integer" then "number"
	elif (.pattern // "") | endswith("[smhd]$") then "duration"
	else "text" end;
def settings($before; $required):
	.properties | to_entries[] | .key as $key |
	if .value.type == "object" and .value.properties
	then .value as $map | $map | settings($before + $key + "."; $map.required // [])
	else ".br\n.B \($before + $key | escape)\n(\(.value | value | escape)\(if $required | index([$key]) then ", required" else "" end)): \(.value.description | escape)" end;
.properties.sources.additionalProperties.properties | to_entries[] |
".TP\n.B \(.key | escape)\n\(.value.description | escape).", (.value as $kind | $kind | settings(""; $kind.required // []))')

if [ $# -eq 0 ]; then
	printf '%s\n' "$kinds"
	exit
fi
page=$(KINDS=$kinds awk '
	/^\.\\" kinds begin/ { print; print ENVIRON["KINDS"]; off = 1 }
	/^\.\\" kinds end/ { off = 0 }
	!off' "$1")
printf '%s\n' "$page" >"$1"
