#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usher-signin as a program: exit statuses, what is on which stream, and what the environment cannot do.
. "$USHER_SRC/tests/support/tap.sh"

profiles=$XDG_CONFIG_HOME/usher/profiles
mkdir -p "$profiles"
printf '#!/bin/sh\ntouch "%s/browser-ran"\n' "$T" >"$T/browser"
chmod 700 "$T/browser"
cat >"$profiles/prod.yaml" <<EOF
issuer: http://127.0.0.1:1
client: kubernetes
servers: ["https://k8s.example.com:6443"]
allow-loopback-http: true
store: plain-file
browser: $T/browser
EOF
chmod 600 "$profiles/prod.yaml"

info() { # INTERACTIVE [SERVER]
	local cluster=
	[ $# -lt 2 ] || cluster=', "cluster": {"server": "'$2'"}'
	echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": {"interactive": '"$1$cluster"'}}'
}
asked() { # INFO ARGUMENTS...: as kubectl asks
	local text=$1
	shift
	KUBERNETES_EXEC_INFO=$text "$SIGNIN" get-token "$@"
}
silent() { is "$(wc -c <"$OUT")" 0 "$1: nothing on stdout"; }
says() { # REGEX NAME: one line, ours
	one_line "$ERR" "$2: one line"
	like "$(cat "$ERR")" "^usher: $1" "$2: it says why and what next"
}

status 2 'get-token without a profile is usage' asked "$(info false https://k8s.example.com:6443)"
silent 'no profile'
status 2 'get-token by a person is refused' "$SIGNIN" get-token --profile prod
says '.*KUBERNETES_EXEC_INFO.*kubectl usher login' 'no exec info'
status 2 'a profile that is not there is configuration' asked "$(info false https://k8s.example.com:6443)" --profile nope
silent 'missing profile'

status 5 'a server that the profile does not name' asked "$(info true https://203.0.113.9:6443)" --profile prod
says 'https://203.0.113.9:6443 is not a server of profile prod; no token was given. If it should be: add it to servers in .*prod.yaml' 'foreign server'
silent 'foreign server'
status 5 'no cluster info' asked "$(info true)" --profile prod
says '.*Set provideClusterInfo: true' 'no cluster info'
silent 'no cluster info'

status 4 'a call that may not ask' asked "$(info false https://k8s.example.com:6443)" --profile prod
says 'somebody must sign in, and this call may not ask. Run: kubectl usher login --profile prod' 'may not ask'
silent 'may not ask'
nok 'and no browser ran' test -e "$T/browser-ran"

status 6 'a provider that is away' asked "$(info true https://K8S.example.com:6443/)" --profile prod
says '.*127.0.0.1:1' 'provider away'
silent 'provider away'
status 6 'login, provider away' "$SIGNIN" login
silent 'login'
status 2 'a flow that does not exist' "$SIGNIN" login --flow telepathy

status 0 'logout without a session' "$SIGNIN" logout --profile prod
says 'nobody was signed in with profile prod' 'logout'
status 0 'status' "$SIGNIN" status
is "$(cat "$OUT")" 'PROFILE   SIGNED IN AS   GROUPS   TOKEN   SESSION      STORE
prod      -              -        -       signed out   -' 'status draws a table'
status 0 'status as json' "$SIGNIN" status -o json
like "$(cat "$OUT")" '"kind": "SessionList"' 'status -o json is a list'
status 8 'a closed stdout is an error, not a lost report' bash -c '"$0" status >&-' "$SIGNIN"
status 8 'a full stdout too' bash -c '"$0" status >/dev/full' "$SIGNIN"

sed 's/^client:.*/client: other/' "$profiles/prod.yaml" >"$profiles/stage.yaml"
chmod 600 "$profiles/stage.yaml"
status 2 'login with two profiles and none named' "$SIGNIN" login
says '.*prod, stage' 'two profiles'
status 2 'logout with two profiles and none named' "$SIGNIN" logout
echo 'issuer: [' >"$profiles/broken.yaml"
chmod 600 "$profiles/broken.yaml"
status 2 'status with a broken profile' "$SIGNIN" status
like "$(cat "$OUT")" 'prod .*stage ' 'the others are shown all the same'
like "$(cat "$ERR")" 'broken.yaml:' 'and the broken one is named'
rm "$profiles/broken.yaml" "$profiles/stage.yaml"

# T17: a kubeconfig may set the environment; libraries must not see it.
if have cc openssl; then
	cat >"$T/canary.c" <<EOF
#include <stdio.h>
__attribute__((constructor)) static void sing(void)
{
	FILE *f = fopen("$T/sang", "w");

	if (f != NULL)
		fclose(f);
}
EOF
	cc -shared -fPIC -o "$T/canary.so" "$T/canary.c"
	printf 'openssl_conf = a\n[a]\nproviders = b\n[b]\ncanary = c\n[c]\nmodule = %s\nactivate = 1\n' "$T/canary.so" >"$T/openssl.cnf"
	OPENSSL_CONF=$T/openssl.cnf openssl dgst -sha256 /dev/null >/dev/null 2>&1
	ok 'the canary sings where OPENSSL_CONF is obeyed' test -e "$T/sang"
	rm -f "$T/sang"
	OPENSSL_CONF=$T/openssl.cnf "$SIGNIN" status >/dev/null 2>&1
	nok 'OPENSSL_CONF loads nothing into usher-signin' test -e "$T/sang"
else
	skip 'OPENSSL_CONF loads nothing into usher-signin' 'no cc or no openssl here'
fi
sed -i 's/^store:.*/store: keyring/' "$profiles/prod.yaml"
SECRET_BACKEND=file SECRET_FILE_TEST_PATH=$T/secrets SECRET_FILE_TEST_PASSWORD=x SSLKEYLOGFILE=$T/keys https_proxy=http://127.0.0.1:1 \
	"$SIGNIN" login --profile prod >/dev/null 2>&1
nok 'SECRET_BACKEND does not move the keyring to a file' test -e "$T/secrets"
nok 'SSLKEYLOGFILE makes no file' test -e "$T/keys"

done_testing
