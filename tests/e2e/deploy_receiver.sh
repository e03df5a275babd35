#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/receiver on a real API server: its objects are taken, restricted Pod Security lets its pod in, and the pod's two
# containers run as processes, with the volume between them: what is pushed through TLS is in the next plan of run. BM12, S14.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need cluster
have curl jq openssl || skip_all 'no curl, jq or openssl on this machine'
. "$USHER_SRC/tests/support/pod.sh"
. "$USHER_SRC/tests/support/scim_push.sh"
pushed=/var/lib/usher/pushed
store=$T/volumes/receiver/pushed/pushed

bound() { admin get rolebinding read-pods-services -n fancy-namespace -o jsonpath='{.subjects[*].name}' 2>/dev/null; }
is_bound() { [ "$(bound)" = "$1" ]; }
page() { curl -sS --max-time 60 -o "$T/page" -w '%{http_code}' "$URL/$1"; }
shows_page() { [ "$(page "$1")" = "$2" ]; } # PATH STATUS
metric() { page metrics >/dev/null; awk -v name="$1" '$1 == name { print $2 }' "$T/page"; }
tombstones() { [ "$(metric 'usher_broker_tombstones{policy="default"}')" = "$1" ]; }

of_container() { # CONTAINER [SED]: its arguments, as the manifest has them but for what SED changes, into ARGUMENTS
	mapfile -t ARGUMENTS < <(jq -r --arg name "$1" '.spec.containers[] | select(.name == $name).args[]' "$T/receiver.pod" | sed -E "${@:2}")
}

receive() { # the receiver's container; SERVER is its process, BASE its address
	of_container receiver 's/0\.0\.0\.0:8443/127.0.0.1:0/'
	pod_command receiver receiver "${ARGUMENTS[@]}"
	: >"$T/log" # here, not in the child: what the one before said is no sign of this one
	"${POD[@]}" >"$T/log" 2>&1 </dev/null &
	SERVER=$!
	disown
	wait_for 120 grep -q ' serves http' "$T/log" || { note "$(cat "$T/log")"; exit 1; }
	BASE=$(sed -nE 's|.* serves (https://[^ ]+) .*|\1|p' "$T/log" | head -1)
}

stay() { # run's container; RUN is its process, URL where its numbers are
	of_container usher-broker 's/0\.0\.0\.0:9464/127.0.0.1:0/; s/--every=5m/--every=1s/'
	pod_command receiver usher-broker "${ARGUMENTS[@]}"
	: >"$T/run.log"
	"${POD[@]}" >"$T/run.log" 2>&1 </dev/null &
	RUN=$!
	at_exit kill -KILL $RUN
	disown
	wait_for 120 grep -q 'http://' "$T/run.log" || { note "$(cat "$T/run.log")"; exit 1; }
	URL=$(sed -nE 's|.*; (http://[^/]*)/metrics.*|\1|p' "$T/run.log")
}

secrets() { # as deploy/README.md has it
	admin create secret tls usher-scim-tls -n usher-system --cert="$T/pki/server.crt" --key="$T/pki/server.key" &&
		admin create secret generic usher-scim-token -n usher-system --from-file=token="$T/token"
}

each_to_its_own() { # what one container has, and the other has not
	pod_command receiver usher-broker serve-scim --provisioned --store=$pushed
	status 8 'run cannot write what was pushed' "${POD[@]}"
	like "$(cat "$ERR")" 'Read-only file system' 'for it is mounted so'
	pod_command receiver usher-broker serve-scim --listen=127.0.0.1:0 --insecure-loopback --store=/tmp/x --token-file=/run/secrets/scim-token/token
	status 2 'nor has it the token of the provider' "${POD[@]}"
	like "$(cat "$ERR")" 'No such file' 'for that is not mounted'
	pod_command receiver receiver plan -f /etc/usher/policy.yaml
	status 2 'the receiver has no policy' "${POD[@]}"
	is "$(jq -r '.spec.containers[] | select(.name == "receiver").volumeMounts[].name' "$T/receiver.pod" | sort | paste -sd' ')" 'pushed scim-tls scim-token' \
		'nor a token of the cluster'
}

first_cycle() {
	local ids
	is "$(curl -sS --cacert "$T/pki/ca.crt" -o "$T/page" -w '%{http_code}' "${BASE%/scim/v2}/healthz")" 200 'its probe is well before anybody pushed'
	TOKEN=wrong-wrong-wrong-wrong-wrong scim GET /Users
	is "$CODE" 401 'nobody comes in without the token of the Secret'
	ok 'run is not ready: that is why the Service lists what is not' wait_for 120 shows_page healthz 503
	is "$(kubectl kustomize "$USHER_SRC/deploy/receiver" | grep -c 'publishNotReadyAddresses: true')" 1 'and it does'
	ids=$(for name in carol dave erin; do scim POST /Users "{\"userName\":\"$name@example.com\",\"active\":true}"; at '{value: .id}'; done | jq -cs .)
	says 201 'a group is pushed' POST /Groups "{\"displayName\":\"k8s-restricted-users\",\"members\":$ids}"
	GROUP=$(at .id)
	is "$(bound)" '' 'a cycle of which nobody said that it has ended binds nobody'
	pod_command receiver receiver serve-scim --provisioned --store=$pushed
	status 0 'somebody says it, as kubectl exec does' "${POD[@]}"
	ok 'BM12 what was pushed is in the next run' wait_for 120 is_bound oidc:k8s-restricted-users
	ok 'which is ready now' wait_for 120 shows_page healthz 200
	like "$(cat "$T/run.log")" '"event":"binding.created"' 'S14 and its log tells who is bound'
}

what_changes() {
	says 204 'the group is deleted at the provider' DELETE "/Groups/$GROUP"
	says 201 'while another one is there' POST /Groups '{"displayName":"others","members":[]}'
	ok 'the next plan has that, too: it is gone at its source' wait_for 120 tombstones 1
	is "$(bound)" oidc:k8s-restricted-users 'and keeps its binding for as long as the policy says'
}

another_start() {
	stop KILL
	is "$(stat -c '%U %a' "$store")" 'nobody 2700' 'the store is open to nobody else'
	receive
	says 200 'after a crash another container goes on with it' GET "/Users?$(filter 'userName eq "carol@example.com"')"
	is "$(at .totalResults)" 1 'where it was'
	stop TERM
	chmod g+rwxs "$store"
	pod_command receiver receiver
	status 8 'one that a kubelet opened to the group is refused: OnRootMismatch' "${POD[@]}"
	like "$(cat "$ERR")" 'others may write there' 'and says why'
	is "$(jq -r .spec.securityContext.fsGroupChangePolicy "$T/receiver.pod")" OnRootMismatch 'which the pod says'
}

cluster_start
admin create namespace fancy-namespace >/dev/null
cp -r "$USHER_SRC/deploy" "$T/deploy"
takes receiver deployment
ok 'the Secrets are made' secrets
why=$(pod_why)
if [ -n "$why" ]; then
	skip 'BM12 what was pushed is in the next run' "$why"
	done_testing
fi
ok 'the container is made' pod_root
ok 'and what is mounted into it' pod_volumes receiver
receive
stay
each_to_its_own
first_cycle
what_changes
another_start
kill -TERM "$RUN"
done_testing
