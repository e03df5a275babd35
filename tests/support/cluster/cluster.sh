#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real control plane on loopback, without nodes: etcd, kube-apiserver, kube-controller-manager.
#   cluster.sh build BINDIR          builds them and kubectl from Go modules (go.mod beside this; minutes the first time, seconds after)
#   cluster.sh start DIR [AUTHN]     starts it with RBAC on ports of the kernel's choice; AUTHN is an AuthenticationConfiguration
#   cluster.sh stop  DIR
# After start: DIR/server (the URL), DIR/admin.kubeconfig (system:masters), DIR/ca.crt, DIR/audit.log (one JSON line a request).
# Environment: BINDIR (where the programs are; PATH is looked at too), CONTROLLERS (a list; "" starts none), EXTRA (more flags
# for the API server).
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
die() { printf 'cluster.sh: %s\n' "$*" >&2; exit 1; }

build() { # BINDIR
	local bin version x=k8s.io/component-base/version minor
	mkdir -p "$1"
	bin=$(cd "$1" && pwd)
	version=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' "$here/go.mod")
	IFS=. read -r _ minor _ <<<"$version"
	cd "$here"
	CGO_ENABLED=0 GOWORK=off go build -mod=readonly -buildvcs=false -o "$bin/" \
		-ldflags "-s -w -X $x.gitVersion=$version -X $x.gitMajor=1 -X $x.gitMinor=$minor" \
		k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kubectl
	CGO_ENABLED=0 GOWORK=off go build -mod=readonly -buildvcs=false -o "$bin/etcd" -ldflags '-s -w' ./etcd
}

program() { # NAME
	if [ -x "${BINDIR:-/nonexistent}/$1" ]; then
		echo "$BINDIR/$1"
	else
		command -v "$1" || die "no $1 in BINDIR or PATH"
	fi
}

kubeconfig() { # FILE TOKEN
	cat >"$1" <<-E
	apiVersion: v1
	kind: Config
	clusters: [{name: test, cluster: {server: "https://127.0.0.1:$api_port", certificate-authority: $PWD/ca.crt}}]
	users: [{name: admin, user: {token: "$2"}}]
	contexts: [{name: admin, context: {cluster: test, user: admin}}]
	current-context: admin
	E
	chmod 600 "$1"
}

files() { # what the servers read
	"$here/../certificates.sh" .
	[ -f sa.key ] || openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out sa.key 2>/dev/null
	openssl pkey -in sa.key -pubout -out sa.pub
	local admin manager
	admin=$(openssl rand -hex 24) manager=$(openssl rand -hex 24)
	printf '%s,admin,admin,system:masters\n%s,system:kube-controller-manager,manager\n' "$admin" "$manager" >tokens.csv
	kubeconfig admin.kubeconfig "$admin"
	kubeconfig manager.kubeconfig "$manager"
	printf '{"apiVersion":"audit.k8s.io/v1","kind":"Policy","omitStages":["RequestReceived"],"rules":[{"level":"Metadata"}]}\n' >audit-policy.json
	echo "https://127.0.0.1:$api_port" >server
}

launch() { # LOG COMMAND...: in a session of its own, so that Ctrl-C in a terminal leaves the order of stopping to us
	local log=$1
	shift
	setsid "$@" >"$log" 2>&1 </dev/null &
	echo $! >>pids
}

start_etcd() {
	local client=http://127.0.0.1:$etcd_port peer=http://127.0.0.1:$peer_port
	launch etcd.log "$(program etcd)" --name test --data-dir "$PWD/etcd" --unsafe-no-fsync --listen-client-urls "$client" \
		--advertise-client-urls "$client" --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "test=$peer"
}

start_api() { # [AUTHN]
	# shellcheck disable=SC2086 # EXTRA is a list of flags
	launch apiserver.log "$(program kube-apiserver)" --etcd-servers "http://127.0.0.1:$etcd_port" \
		--bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$api_port" --endpoint-reconciler-type none \
		--tls-cert-file server.crt --tls-private-key-file server.key --client-ca-file ca.crt \
		--service-account-issuer https://kubernetes.default.svc --service-account-key-file sa.pub \
		--service-account-signing-key-file sa.key --service-cluster-ip-range 10.0.0.0/24 \
		--authorization-mode RBAC --token-auth-file tokens.csv \
		--audit-policy-file audit-policy.json --audit-log-path audit.log ${1:+--authentication-config "$1"} ${EXTRA:-}
}

start_controllers() { # those that make ServiceAccounts and tokens, aggregate ClusterRoles and empty namespaces
	local names=clusterrole-aggregation-controller,serviceaccount-controller,serviceaccount-token-controller
	names=${CONTROLLERS-$names,root-ca-certificate-publisher-controller,namespace-controller,garbage-collector-controller}
	[ -n "$names" ] || return 0
	launch manager.log "$(program kube-controller-manager)" --kubeconfig manager.kubeconfig --controllers "$names" \
		--service-account-private-key-file sa.key --root-ca-file ca.crt --use-service-account-credentials=true \
		--leader-elect=false --bind-address 127.0.0.1 --secure-port "$manager_port"
}

ready() {
	local i
	for ((i = 0; i < 3000; i++)); do
		curl -sf -m 5 --cacert ca.crt "https://127.0.0.1:$api_port/readyz" >/dev/null 2>&1 && return
		xargs kill -0 <pids 2>/dev/null || return 1 # one of them has ended: no use waiting
		sleep 0.1
	done
	return 1
}

start() { # DIR [AUTHN]
	local dir=$1 authn=${2:+$(realpath "$2")} try
	program etcd >/dev/null; program kube-apiserver >/dev/null
	mkdir -p "$dir"
	chmod 700 "$dir"
	cd "$dir"
	for try in 1 2 3; do # a port may be taken between asking and using
		: >pids
		read -r api_port etcd_port peer_port manager_port < <("$here/../ports.sh" 4)
		files
		start_etcd
		start_api "$authn"
		if ready; then
			start_controllers
			echo "READY $(cat server) KUBECONFIG=$PWD/admin.kubeconfig"
			return
		fi
		stop .
		rm -rf etcd
		echo "cluster.sh: start $try did not become ready" >&2
	done
	tail -n 5 etcd.log apiserver.log >&2 || true
	die "the API server did not start; its log is $dir/apiserver.log"
}

stop() { # the last one started first: the API server waits for ever on an etcd that has gone
	cd "$1"
	[ -f pids ] || return 0
	local pid i
	for pid in $(tac pids); do
		kill "$pid" 2>/dev/null || continue
		for ((i = 0; i < 80; i++)); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL "$pid" 2>/dev/null || true
	done
	rm -f pids
}

case ${1:-} in
build) build "${2:?BINDIR}" ;;
start) start "${2:?DIR}" "${3:-}" ;;
stop) stop "${2:?DIR}" ;;
*) sed -n '3,9p' "$0" >&2; exit 2 ;;
esac
