# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# deploy/ on a cluster without nodes. Source it after e2e.sh, with cluster_start behind. A pod's containers run as processes,
# in the folder that is the second stage of Containerfile, as its manifest says and a kubelet does it: its user and groups, no
# capability, no way to gain privileges, a root that cannot be written, its volumes and nothing else of this machine.
#
#   takes OVERLAY KIND             kubectl apply -k $T/deploy/OVERLAY on the API server, and its pod; which is then $T/OVERLAY.pod
#   pod_root && pod_volumes OVERLAY
#   pod_command OVERLAY CONTAINER [ARGUMENT...]   sets POD to the words that run it; its own arguments, unless there are others
#   pod_why                        why that is not possible here, or nothing

pod_why() {
	if [ "$(id -u)" != 0 ] || ! have setpriv chroot unshare mount || ! unshare --mount true 2>/dev/null; then
		echo 'only root, with mounts of its own, may run a container here'
	elif ldd "$BROKER" | grep libasan >/dev/null; then
		echo 'built with sanitizers'
	fi
}

takes() { # OVERLAY KIND
	local pod=$T/$1.pod
	ok "$1: kubectl apply -k is taken" admin apply -k "$T/deploy/$1"
	run admin apply -k "$T/deploy/$1"
	unlike "$(cat "$ERR")" 'Warning' "$1: without a warning of Pod Security"
	ok "$1: and finds nothing to change afterwards" admin diff -k "$T/deploy/$1"
	run admin apply --server-side --force-conflicts --dry-run=server -k "$T/deploy/$1"
	is "$STATUS $(grep -c serverside-applied "$OUT")" "0 $(kubectl kustomize "$T/deploy/$1" | grep -c '^kind:')" "$1: server-side apply takes each object"
	admin get "$2" usher-broker -n usher-system -o json | jq -c '.spec.jobTemplate.spec.template // .spec.template |
		{apiVersion: "v1", kind: "Pod", metadata: {name: "as-it-is", namespace: "usher-system", labels: .metadata.labels}, spec}' >"$pod"
	ok "$1: its pod is let in where restricted Pod Security is enforced" admin create -f "$pod"
	admin delete pod as-it-is -n usher-system --grace-period=0 --force >/dev/null 2>&1
	jq -c '.spec.containers[0].securityContext.allowPrivilegeEscalation = true' "$pod" >"$pod.worse"
	nok "$1: and one that may gain privileges is not" admin create --dry-run=server -f "$pod.worse"
	is "$(jq -c '[.spec.automountServiceAccountToken, ([.spec.containers[].securityContext.readOnlyRootFilesystem] | all), .spec.securityContext.runAsNonRoot]' "$pod")" \
		'[false,true,true]' "$1: no token but its own, a root that cannot be written, not root"
}

pod_root() { # the image, as a folder
	sh "$USHER_SRC/deploy/rootfs.sh" "$BROKER" "$T/rootfs" && chmod -R a+rX "$T/rootfs" && chmod 711 "$T"
}

projected() { # FOLDER MODE: of the files in $T/projected, as a kubelet lays them: links into a folder that is changed as a whole
	local file
	mkdir -p "$1/..now"
	for file in "$T"/projected/*; do
		[ -e "$file" ] || break # of an optional Secret
		install -m "$2" -g 65534 "$file" "$1/..now/"
		ln -s "..data/${file##*/}" "$1/${file##*/}"
	done
	ln -s ..now "$1/..data"
	rm -r "$T/projected"
}

keys_of() { # KIND NAME: into $T/projected; nothing when it is not there
	local key
	mkdir "$T/projected"
	admin get "$1" "$2" -n usher-system --ignore-not-found -o json >"$T/$1.json"
	while read -r key; do
		jq -j --arg key "$key" '(.kind == "Secret") as $secret | .data[$key] | if $secret then @base64d else . end' "$T/$1.json" >"$T/projected/$key"
	done < <(jq -r '.data // {} | keys[]' "$T/$1.json")
}

pod_volume() { # FOLDER VOLUME, its JSON
	mkdir -p "$1"
	case $(jq -r 'keys - ["name"] | .[0]' <<<"$2") in
	configMap) keys_of configmap "$(jq -r .configMap.name <<<"$2")" && projected "$1" 444 ;;
	secret) keys_of secret "$(jq -r .secret.secretName <<<"$2")" && projected "$1" 440 ;;
	projected)
		mkdir "$T/projected"
		admin create token usher-broker -n usher-system --duration 1h | tr -d '\n' >"$T/projected/token"
		cp "$CLUSTER/ca.crt" "$T/projected/ca.crt"
		printf usher-system >"$T/projected/namespace"
		projected "$1" 440 ;;
	persistentVolumeClaim) chgrp 65534 "$1" && chmod 2775 "$1" ;; # fsGroup, at the first mount
	emptyDir) ;;
	*) note "no such volume: $2"; return 1 ;;
	esac
}

pod_volumes() { # OVERLAY
	local volume
	while IFS= read -r volume; do
		pod_volume "$T/volumes/$1/$(jq -r .name <<<"$volume")" "$volume" || return 1
	done < <(jq -c '.spec.volumes[]' "$T/$1.pod")
}

# With ROOT VOLUMES MOUNTS USER GROUP in its environment: in a mount namespace of its own, which ends with it. /var/run is a
# link to /run in the image, and must not be followed out of it.
# shellcheck disable=SC2016 # the inner shell expands
pod_enter='
	set -e
	mount --bind "$ROOT" "$ROOT"
	while read -r kind name path; do
		path=$ROOT/${path#/}
		path=${path/#"$ROOT/var/run/"/"$ROOT/run/"}
		mkdir -p "$path"
		case $kind in
		memory) mount -t tmpfs -o size=64m,mode=1777,nosuid,nodev tmpfs "$path" ;;
		*)
			mount --bind "$VOLUMES/$name" "$path"
			mount -o "remount,bind,$kind,nosuid,nodev" "$path" ;;
		esac
	done <<<"$MOUNTS"
	mount -o remount,bind,ro "$ROOT"
	exec setpriv --no-new-privs --bounding-set -all,+setuid,+setgid,+sys_chroot --inh-caps -all \
		chroot --userspec="$USER_GROUP" --groups="${USER_GROUP#*:}" "$ROOT" /usr/bin/usher-broker "$@"'

pod_command() { # OVERLAY CONTAINER [ARGUMENT...]
	local container mounts address arguments=("${@:3}") environment
	address=$(sed "s,https://,," "$CLUSTER/server")
	container=$(jq -c --arg name "$2" '.spec.containers[] | select(.name == $name)' "$T/$1.pod")
	mounts=$(jq -r --argjson container "$container" '.spec.volumes as $volumes | $container.volumeMounts[] | . as $mount |
		(if ($volumes[] | select(.name == $mount.name) | has("emptyDir")) then "memory" elif .readOnly then "ro" else "rw" end) + " \(.name) \(.mountPath)"' "$T/$1.pod")
	[ $# -gt 2 ] || mapfile -t arguments < <(jq -r '.args[]' <<<"$container")
	mapfile -t environment < <(jq -r '.env[]? | "\(.name)=\(.value)"' <<<"$container")
	# shellcheck disable=SC2034 # for the tests
	POD=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp "${environment[@]}" KUBERNETES_SERVICE_HOST="${address%:*}" KUBERNETES_SERVICE_PORT="${address##*:}"
		ROOT="$T/rootfs" VOLUMES="$T/volumes/$1" MOUNTS="$mounts" USER_GROUP="$(jq -r '.spec.securityContext | "\(.runAsUser):\(.runAsGroup)"' "$T/$1.pod")"
		unshare --mount bash -c "$pod_enter" bash "${arguments[@]}")
}
