#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# T56: what Usher writes as YAML, kubectl reads as it was meant, byte for byte, whatever the names look like.
#   YAML_NAMES=1000000 yaml.sh
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
names=${YAML_NAMES:-20000} seed=$RANDOM
print() { "$USHER_BUILD/tests/support/print_names" "$seed" "$1" "$2"; } # COUNT yaml|json

read_by_kubectl() { # FILE: its data as kubectl's reader has it
	admin create --dry-run=client --validate=false -o json -f "$1" | jq -S .data
}

note "seed $seed"
cluster_start
for _ in $(seq $(((names + 19999) / 20000))); do
	print 20000 yaml >"$T/names.yaml"
	print 20000 json | jq -S .data >"$T/meant"
	read_by_kubectl "$T/names.yaml" >"$T/read"
	like "$(wc -l <"$T/meant")" '^2000[0-9]$' 'T56 there are names'
	ok 'T56 kubectl reads each as it was meant' cmp "$T/meant" "$T/read"
	seed=$((seed + 1))
done
done_testing
