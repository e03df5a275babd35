#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A source's secret from a real gnome-keyring. The provider is not there, so a secret that was found ends with 3, and one that
# was not with 2, before anything is asked.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
KEYRING=$USHER_SRC/tests/support/keyring.sh
for need in dbus-run-session gnome-keyring-daemon secret-tool gdbus; do
	have "$need" || skip_all "$need is not installed"
done
cat >"$T/policy.yaml" <<-'EOF'
apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:"}
sources:
  main: {scim: {url: "http://127.0.0.1:9", allowLoopbackHttp: true, timeout: 1s, secretKeyring: {app: usher-broker, realm: acme}}}
roles: {editor: {clusterRole: edit}}
grants:
- {group: x, role: editor, namespaces: [somewhere]}
EOF

say() { # WHAT
	"$BROKER" groups -f "$T/policy.yaml" 2>&1 >/dev/null | sed "s/^/$1 /"
}

tell() { # in the session of the keyring
	say none
	printf 'k3y-s3cret' | secret-tool store --label=x app usher-broker realm acme
	say one
	printf 'other' | secret-tool store --label=y app usher-broker realm acme extra 1
	say two
	secret-tool clear extra 1
	gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
		--method org.freedesktop.Secret.Service.Lock "['/org/freedesktop/secrets/collection/login']" >/dev/null
	say locked
	kill -STOP "$KEYRING_PID"
	say stopped
	kill -CONT "$KEYRING_PID"
}
export -f tell say
export T BROKER
timeout 900 "$KEYRING" bash -c tell >"$T/said" 2>/dev/null
like "$(grep ^none "$T/said")" 'source main: the keyring: has no item with these attributes' 'none is told'
like "$(grep ^one "$T/said")" 'source main is incomplete: .*longer than 1s' 'one is taken, and the provider is asked'
like "$(grep ^two "$T/said")" 'source main: the keyring: has several items' 'of two none is chosen'
like "$(grep ^locked "$T/said")" 'source main: the keyring: is locked' 'a locked one is not opened'
like "$(grep ^stopped "$T/said")" 'the keyring did not answer within 15 s' 'one that does not answer is not waited for for ever'
nok 'the secret is in no line' grep -q 'k3y-s3cret' "$T/said"
done_testing
