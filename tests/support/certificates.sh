#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# certificates.sh DIR: a CA of one's own (ca.crt, ca.key) and a certificate for loopback (server.crt, server.key), for tests.
# What is there already stays.
set -eu -o pipefail
mkdir -p "$1"
cd "$1"
[ ! -f server.crt ] || exit 0
ec=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
openssl req -x509 "${ec[@]}" -days 7 -subj /CN=usher-test-ca -addext keyUsage=critical,keyCertSign,cRLSign \
	-keyout ca.key -out ca.crt 2>/dev/null
openssl req "${ec[@]}" -subj /CN=127.0.0.1 -keyout server.key -out server.csr 2>/dev/null
cat >server.ext <<'E'
subjectAltName=IP:127.0.0.1,IP:10.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc
extendedKeyUsage=serverAuth
E
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 7 -extfile server.ext -out server.crt 2>/dev/null
rm server.csr server.ext
