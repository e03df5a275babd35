#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo runs to its end, both ways, says what it should and leaves nothing running.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need idp keyring

nobody_left() { ! grep -qsz "^DEMO_MARK=$T\$" /proc/[0-9]*/environ; }

demo() { # NAME=VALUE...: into $OUT
	run env "$@" TMPDIR="$T/tmp" DEMO_MARK="$T" bash "$USHER_SRC/tests/support/demo.sh"
	is "$STATUS" 0 "the demo ends with 0 ($1)"
	is "$(find "$T/tmp" -mindepth 1 | wc -l)" 0 "and leaves no file ($1)"
	ok "and no process ($1)" wait_for 120 nobody_left
}

demo USHER_TEST_BIN=/nonexistent
like "$(cat "$OUT")" 'signed in as carol@example.test' 'without a cluster: somebody signs in'
like "$(cat "$OUT")" '"groups":\["k8s-restricted-users"\]' 'without a cluster: the token is shown'
like "$(cat "$OUT")" 'usher-broker render -f policy.yaml manifests' 'without a cluster: manifests are rendered'
like "$(cat "$OUT")" 'CRITICAL.*kubernetes-dashboard' 'without a cluster: the audit finds the dashboard'

why=$(missing cluster)
if [ -n "$why" ]; then
	skip 'the demo on a cluster' "$why"
else
	demo USHER_TEST_BIN="$USHER_TEST_BIN"
	like "$(cat "$OUT")" 'No resources found in fancy-namespace' 'on a cluster: allowed where the group is granted something'
	like "$(cat "$OUT")" 'Forbidden' 'on a cluster: refused elsewhere'
	like "$(cat "$OUT")" 'requests to the provider by that call: 0' 'on a cluster: the second call asks nobody'
	like "$(cat "$OUT")" 'CRITICAL.*kubernetes-dashboard' 'on a cluster: the audit finds the dashboard'
fi
done_testing
