#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A label or annotation that we put on an object and later do not want must be taken away by a change: each key has to
# stand in the list that broker/sync/apply/patch.c takes away by.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$USHER_SRC" || exit 99

mapfile -t keys < <(grep -hoE '^#define USH_(LABEL|ANNOTATION)_[A-Z_]+' broker/sync/*/*.h | awk '{ print $2 }' | sort -u)
like "${#keys[@]}" '^[1-9][0-9]*$' 'there are keys of ours'
missing=$(for key in "${keys[@]}"; do grep -qw "$key" broker/sync/apply/patch.c || echo "$key"; done)
is "$missing" '' 'a change can take each of them away'
done_testing
