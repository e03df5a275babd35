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
def settings($before; $required): # {key, value, required, description}...
	.properties | to_entries[] | .key as $key |
	if .value.type == "object" and .value.properties
	then .value as $map | $map | settings($before + $key + "."; $map.required // [])
	else {key: ($before + $key), value: (.value | value), required: ($required | index([$key]) != null), description: .value.description} end;
def line: ".br\n.B \(.key | escape)\n(\(.value | escape)\(if .required then ", required" else "" end)): \(.description + (.but // "") | escape)";
[.properties.sources.additionalProperties.properties | to_entries[] | .key as $kind | .value as $form |
	{kind: $kind, description: $form.description, settings: [$form | settings(""; $form.required // [])]}] as $kinds |
([$kinds[].settings[]] | group_by(.) | map(select(length * 2 > ($kinds | length)) | .[0]) | sort_by(.key)) as $shared |
".TP\n.B most kinds\nWhat most of them have is said once.",
($shared[] | . as $setting | [$kinds[] | select(.settings | index([$setting]) | not) | .kind] as $without |
	if $without != [] then .but = " (not: \($without | join(", ")))" else . end | line),
($kinds[] | ".TP\n.B \(.kind | escape)\n\(.description | escape).", (.settings - $shared | .[] | line))')

if [ $# -eq 0 ]; then
	printf '%s\n' "$kinds"
	exit
fi
page=$(KINDS=$kinds awk '
	/^\.\\" kinds begin/ { print; print ENVIRON["KINDS"]; off = 1 }
	/^\.\\" kinds end/ { off = 0 }
	!off' "$1")
printf '%s\n' "$page" >"$1"
