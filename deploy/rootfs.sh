#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a container of usher-broker holds, as a folder: the program, the libraries that it names, the CAs of this machine, and
# nobody. No shell, no package manager, nothing that may be written.
#   deploy/rootfs.sh usher-broker FOLDER
set -eu
program=$1 root=$2
[ ! -e "$root" ] || { echo "rootfs: $root is there already" >&2; exit 1; }

mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/etc/ldap" "$root/tmp" "$root/proc" "$root/run/secrets" "$root/var"
ln -s /run "$root/var/run"
install -m 755 "$program" "$root/usr/bin/usher-broker"

# "name => /path (0x...)" and, for the loader, "/path (0x...)": each to the place where the loader looks for it
ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | sort -u | while read -r library; do
	mkdir -p "$root$(dirname "$library")"
	install -m 755 "$(readlink -f "$library")" "$root$library"
done

install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
printf 'TLS_CACERT /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/ldap/ldap.conf"
printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$root/etc/nsswitch.conf"
printf 'root:x:0:0:root:/:/nonexistent\nnobody:x:65534:65534:nobody:/tmp:/nonexistent\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
chmod 1777 "$root/tmp"
