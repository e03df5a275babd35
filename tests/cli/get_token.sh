#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# get-token as kubectl calls it: the hit path, byte for byte, and every way in which it must give nothing (T27, T28, T44).
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
SEED=$USHER_BUILD/tests/support/seed_record
SERVER=https://k8s.example.com:6443
TOKEN=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYXJvbCJ9.c2lnbmF0dXJl-_
PROFILES=$XDG_CONFIG_HOME/usher/profiles
mkdir -p "$PROFILES"
at_exit drop

profile() { # NAME: a profile whose provider nobody answers for
	cat >"$PROFILES/$1.yaml" <<-END
		issuer: https://127.0.0.1:1/realms/acme
		client: kubernetes
		servers: [$SERVER]
		store: none
	END
}

seed() { # PLACE PROFILE TTL
	"$SEED" "$1" "$2" "$3" 60 "$SERVER" <<<"$TOKEN"
}

drop() {
	local file
	for file in "$PROFILES"/*.yaml; do "$SEED" drop "$(basename "$file" .yaml)"; done
}

info() { # VERSION SERVER INTERACTIVE: what kubectl would say
	printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/%s","spec":{"cluster":{"server":"%s"},"interactive":%s}}' "$@"
}

get() { # [NAME=VALUE...] ARGUMENTS...: get-token, each time from another process, as from another kubectl
	local env=()
	while [[ ${1:-} =~ ^[A-Z_]+= ]]; do env+=("$1"); shift; done
	(env ${env[@]+"${env[@]}"} "$USHER" get-token "$@" </dev/null; exit $?)
}

nothing_on_stdout() { is "$(wc -c <"$OUT")" 0 "$1: nothing on stdout"; } # NAME

KUBERNETES_EXEC_INFO=$(info v1 $SERVER false)
export KUBERNETES_EXEC_INFO

# ---- a hit ----

for place in kernel file; do
	profile prod
	if ! seed $place prod 600 >"$T/seeded" 2>&1; then
		skip "a hit from the $place" "$(cat "$T/seeded")"
		continue
	fi
	status 0 "a hit from the $place" get --profile prod
	like "$(cat "$OUT")" "^\\{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":\\{\"expirationTimestamp\":\"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z\",\"token\":\"$TOKEN\"\\}\\}\$" \
		"the whole answer ($place)"
	one_line "$OUT" "on one line ($place)"
	is "$(cat "$ERR")" '' "and nothing else is said ($place)"
	drop
done

seed any prod 600 >/dev/null || { fail 'no place takes a session here'; done_testing; }
status 0 '--profile=NAME is the same' get --profile=prod
like "$(cat "$OUT")" "$TOKEN" 'and gives the token'
status 0 'v1beta1 is answered in v1beta1' get "KUBERNETES_EXEC_INFO=$(info v1beta1 $SERVER true)" --profile prod
like "$(cat "$OUT")" '"apiVersion":"client.authentication.k8s.io/v1beta1"' 'as kubectl wants it'
status 0 'another spelling of the server is the same server' get "KUBERNETES_EXEC_INFO=$(info v1 HTTPS://K8S.example.com:6443/ true)" --profile prod

if have strace && strace -o /dev/null true 2>/dev/null; then
	run strace -f -o "$T/trace" "$USHER" get-token --profile prod
	is "$(grep -c 'execve(' "$T/trace")" 1 'a hit starts no other program'
	is "$(grep -cE '(socket|connect)\(' "$T/trace")" 0 'a hit asks no network'
	is "$(grep -cE 'write\(1,' "$T/trace")" 1 'a hit is one write'
	is "$(grep -cE 'open(at)?\(.*(prod\.yaml|localtime|urandom)' "$T/trace")" 0 'a hit opens neither profile nor time zone nor a source of chance'
else
	skip 'what a hit does' 'strace cannot run here'
fi

# ---- T46: kubectl runs us again after a 401 and does not say so ----

asks() { # TIMES COMMAND...: one process asks so often; answers in $T/answer.N, what is said in $T/said.N
	local times=$1
	shift
	rm -f "$T"/answer.* "$T"/said.*
	# shellcheck disable=SC2016 # for that process
	bash -c 'for ((i = 1; i <= $1; i++)); do "${@:3}" >"$2/answer.$i" 2>"$2/said.$i" </dev/null || echo "status $?" >>"$2/said.$i"; done; :' \
		asker "$times" "$T" "$@"
}

asks 1 "$USHER" get-token --profile prod
asks 1 "$USHER" get-token --profile prod
is "$(cat "$T/said.1")" '' 'T46 another process that asks is another kubectl'
asks 4 "$USHER" get-token --profile prod
is "$(cat "$T/said.1")" '' 'T46 the first answer is a hit'
is "$(cat "$T/said.2")" 'usher: the API server seems to refuse the token (401), and it could not be refreshed: there is no refresh token. Run: kubectl usher login --profile prod' \
	'T46 the same process asks again: that is a 401, and the line says what to do'
is "$(cat "$T/said.3" "$T/said.4")" '' 'T46 once'
is "$(cat "$T"/answer.* | grep -c "$TOKEN")" 4 'T46 without a way to another token it gets the same, and status 0'
# shellcheck disable=SC2016 # for that process
bash -c 'for gap in "" " " "  "; do KUBERNETES_EXEC_INFO=$KUBERNETES_EXEC_INFO$gap "$1" get-token --profile prod; done; :' asker "$USHER" \
	>"$OUT" 2>"$ERR" </dev/null
is "$(grep -c "$TOKEN" "$OUT") $(cat "$ERR")" '3 ' 'T46 a process that asks for three clusters was refused nothing'

# In a chroot or a strict container nobody can tell a kubectl from another that has its number. (A sanitizer has words of its
# own there.)
if unshare -rm mount -t tmpfs none /proc 2>/dev/null; then
	profile hidden
	# shellcheck disable=SC2016 # for that process
	unshare -rm bash -c '"$1" file hidden 300 60 "$2" <<<"$3" >/dev/null; mount -t tmpfs none /proc
		for i in 1 2 3; do "$4" get-token --profile hidden; done; :' asker "$SEED" "$SERVER" "$TOKEN" "$USHER" >"$OUT" 2>"$ERR" </dev/null
	is "$(grep -c "$TOKEN" "$OUT") $(grep '^usher' "$ERR")" '3 ' 'T46 without /proc the token is given without a word, however often'
else
	skip 'T46 without /proc' 'no mount namespace can be had here'
fi

# ---- T28: only the profile's servers ----

for server in https://203.0.113.9:6443 https://k8s.example.com https://k8s.example.com:6443@evil.example.com http://k8s.example.com:6443 ''; do
	status 5 "T28 no token for server '$server'" get "KUBERNETES_EXEC_INFO=$(info v1 "$server" true)" --profile prod
	nothing_on_stdout "T28 server '$server'"
	one_line "$ERR" "T28 one line says so ('$server')"
done
status 5 'T28 no cluster info, no token' get 'KUBERNETES_EXEC_INFO={"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":true}}' --profile prod
nothing_on_stdout 'T28 no cluster info'
get "KUBERNETES_EXEC_INFO=$(info v1 https://203.0.113.9:6443 true)" --profile prod >"$OUT" 2>"$ERR"
like "$(cat "$ERR")" '^usher: https://203\.0\.113\.9:6443 is not a server of profile prod' 'T28 the line names server and profile'
insecure=$(info v1 $SERVER true | sed 's/"server"/"insecure-skip-tls-verify":true,"server"/')
status 5 'T28 no token for a server whose certificate nobody checks' get "KUBERNETES_EXEC_INFO=$insecure" --profile prod
nothing_on_stdout 'T28 insecure-skip-tls-verify'
like "$(cat "$ERR")" 'insecure-skip-tls-verify' 'T28 the line names the setting'

# ---- T27: KUBERNETES_EXEC_INFO ----

malformed() { # NAME VALUE
	status 2 "T27 $1 is status 2" get "KUBERNETES_EXEC_INFO=$2" --profile prod
	nothing_on_stdout "T27 $1"
	one_line "$ERR" "T27 $1: one line"
	like "$(cat "$ERR")" '^usher: KUBERNETES_EXEC_INFO' "T27 $1: the line names the variable"
}
malformed 'an empty one' ''
malformed 'v1alpha1' "$(info v1alpha1 $SERVER true)"
malformed 'a key twice' '{"kind":"ExecCredential","kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{}}'
malformed 'the wrong kind' '{"kind":"Pod","apiVersion":"client.authentication.k8s.io/v1","spec":{}}'
malformed 'interactive that is no bool' '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":"yes"}}'
malformed 'depth 3000' "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":$(printf '[%.0s' $(seq 3000))}"
status 2 'T27 a missing one is status 2' env -u KUBERNETES_EXEC_INFO "$USHER" get-token --profile prod
like "$(cat "$ERR")" '^usher: KUBERNETES_EXEC_INFO is not set: kubectl runs this, people run: kubectl usher login' 'T27 and says what people run'
large=$(printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":{"server":"%s","certificate-authority-data":"%s"}}}' $SERVER "$(head -c 129500 /dev/zero | tr '\0' Q)")
status 0 'T27 127 KiB of it is no obstacle' get "KUBERNETES_EXEC_INFO=$large" --profile prod

# ---- T44: descriptors and arguments ----

printf 'untouched' >"$T/stdin"
combination() { # 0|-, 1|-, 2|-: which of the three are open
	local in=${1/0/"<>$T/stdin"} out=${2/1/">$OUT"} err=${3/2/"2>$ERR"}
	: >"$OUT"
	: >"$ERR"
	eval "(\"\$USHER\" get-token --profile prod ${in/#-/"<&-"} ${out/#-/">&-"} ${err/#-/"2>&-"}; exit \$?)"
	STATUS=$?
	if [ "$2" = 1 ]; then
		is "$STATUS $(grep -c "$TOKEN" "$OUT")" '0 1' "T44 descriptors $1$2$3: the token is on stdout"
	else
		is "$STATUS $(grep -c "$TOKEN" "$OUT")" '2 0' "T44 descriptors $1$2$3: status 2 and no token"
	fi
	is "$(cat "$T/stdin")$(grep -c "$TOKEN" "$ERR")" untouched0 "T44 descriptors $1$2$3: no token anywhere else"
}
for in in 0 -; do for out in 1 -; do for err in 2 -; do combination $in $out $err; done; done; done

status 2 'T44 no arguments, not even a name, is status 2' "$USHER_BUILD/tests/support/argc0" "$USHER"
nothing_on_stdout 'T44 argc 0'
"$USHER" get-token --profile prod >/dev/full 2>"$ERR"
is "$? $(wc -l <"$ERR")" '8 1' 'T44 a full disk is status 8 and one line'
unlike "$(cat "$ERR")" "$TOKEN" 'T44 without the token in it'
mkfifo "$T/pipe"
# shellcheck disable=SC2094 # that is the point
exec 5<>"$T/pipe" 6>"$T/pipe" 5<&- # a pipe whose reader has gone
(trap - PIPE; "$USHER" get-token --profile prod >&6 2>"$ERR")
is "$?" 8 'T44 a closed pipe is status 8, not a signal'
exec 6>&-

# ---- a miss ----

touch "$PROFILES/prod.yaml"
status 4 'T27 an edited profile is a miss; without a session and a person that is status 4' get --profile prod
nothing_on_stdout 'a miss'
is "$(cat "$ERR")" 'usher: somebody must sign in, and this call may not ask. Run: kubectl usher login --profile prod' 'with the command to run'
seed any prod 30 >/dev/null
status 4 'a token that ends within its least validity is a miss' get --profile prod
chmod 666 "$PROFILES/prod.yaml"
status 2 'a profile that others may write is status 2' get --profile prod
like "$(cat "$ERR")" 'others may write it \(mode 0666\)' 'and the line says why'
status 2 'a profile that does not exist is status 2' get --profile nowhere
status 2 'a name that is a path is status 2' get --profile ../../prod
cp "$USHER" "$T/kubectl-usher"
run "$T/kubectl-usher" get-token --profile nowhere
if [ "$STATUS" = 8 ]; then
	like "$(cat "$ERR")" '^usher: usher-signin is not where it was installed \(.*\)\. Install usher again$' 'without usher-signin one line says so'
else
	skip 'without usher-signin one line says so' 'usher is installed on this machine'
fi
printf '#!/bin/sh\n: >"%s"\n' "$T/ran" >"$T/usher-signin" # beside a copy of ours
chmod 755 "$T/usher-signin"
if chown 12345 "$T/usher-signin" 2>/dev/null; then
	run "$T/kubectl-usher" get-token --profile nowhere
	nok 'what somebody else put beside a copy of kubectl-usher is not run' test -e "$T/ran"
	[ "$STATUS" != 8 ] || one_line "$ERR" 'and one line says so'
	chown "$(id -u)" "$T/usher-signin"
else
	skip 'what somebody else put beside a copy of kubectl-usher is not run' 'no file can be given away here'
fi
run "$T/kubectl-usher" get-token --profile nowhere
ok 'our own is' test -e "$T/ran"
done_testing
