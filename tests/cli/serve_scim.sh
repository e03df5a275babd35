#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The SCIM receiver over TLS, spoken to as Okta and as Entra ID do, as nobody should, and killed while it is spoken to.
# What they send is taken from:
# [O] https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20
# [E] https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups
# [P] https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility
. "${USHER_SRC:-$PWD}/tests/support/tap.sh" || exit 99
for need in curl jq openssl; do
	have "$need" || skip_all "$need is not installed"
done
. "$USHER_SRC/tests/support/scim_push.sh"

cat >"$T/policy.yaml" <<-EOF
apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:"}
sources:
  pushed: {file: {path: $T/store/groups.json}}
roles: {viewer: {clusterRole: view}}
grants:
- {group: Engineers, role: viewer, namespaces: [apps]}
EOF
read_store() { "$BROKER" groups -f "$T/policy.yaml" -o json --members; }

command_line() {
	local all=(--listen 127.0.0.1:0 --token-file "$T/token" --store "$T/other")
	status 2 'no store is status 2' "$BROKER" serve-scim --listen 127.0.0.1:0
	status 2 'no token neither' "$BROKER" serve-scim --listen 127.0.0.1:0 --store "$T/other"
	status 2 'without a certificate nothing is served' "$BROKER" serve-scim "${all[@]}"
	like "$(cat "$ERR")" 'insecure-loopback' 'and the message says what there is behind a proxy'
	status 2 'plain is for loopback alone' "$BROKER" serve-scim --listen 0.0.0.0:0 --token-file "$T/token" --store "$T/other" --insecure-loopback
	status 2 'an address that is none' "$BROKER" serve-scim --listen nowhere --token-file "$T/token" --store "$T/other" --insecure-loopback
	install -m 644 "$T/token" "$T/open-token"
	status 2 'a token that others may read' "$BROKER" serve-scim --listen 127.0.0.1:0 --token-file "$T/open-token" --store "$T/other" --insecure-loopback
	status 2 'a store that is not there is not made to say that it is full' "$BROKER" serve-scim --provisioned --store "$T/stroe"
	like "$(cat "$ERR")" 'stroe: is no store into which anything was pushed; nothing was written' 'and it is said'
	one_line "$ERR" 'in one line'
	nok 'nothing is there' test -e "$T/stroe"
	mkdir -m 700 "$T/plain"
	status 2 'nor is another folder' "$BROKER" serve-scim --provisioned --store "$T/plain"
	is "$(ls -A "$T/plain")" '' 'where nothing is written'
	"$BROKER" serve-scim --listen 127.0.0.1:0 --token-file "$T/token" --insecure-loopback --store "$T/full" --provisioned >"$T/full.log" 2>&1 &
	local full=$!
	at_exit kill -KILL $full
	disown $full
	ok 'a server may make one and say it at once' wait_for 120 grep -q 'serves http://.*: 0 users, 0 groups$' "$T/full.log"
	ok 'which is kept' wait_for 120 test -e "$T/full/provisioned"
	kill -TERM $full
	(umask 077 && echo gu3ssme >"$T/short-token")
	status 2 'a token that can be guessed' "$BROKER" serve-scim --listen 127.0.0.1:0 --token-file "$T/short-token" --store "$T/other" --insecure-loopback
	unlike "$(cat "$ERR")" 'gu3ssme' 'which is not quoted'
	(umask 077 && openssl genpkey -algorithm ed25519 >"$T/other.pem" 2>/dev/null)
	status 2 'a key of another certificate' "$BROKER" serve-scim "${all[@]}" --tls-cert "$T/pki/server.crt" --tls-key "$T/other.pem"
	mkdir -p "$T/wide" && chmod 777 "$T/wide"
	status 8 'a store where others may write' "$BROKER" serve-scim --listen 127.0.0.1:0 --token-file "$T/token" --insecure-loopback --store "$T/wide"
}

closed_door() {
	local path
	for path in /Users /Groups /Schemas /ServiceProviderConfig /nothing /../../etc/passwd; do
		is "$(curl -sS --cacert "$T/pki/ca.crt" --path-as-is -D "$T/header" -o "$OUT" -w '%{http_code} %{size_download}' "$BASE$path")" '401 0' "without a token $path is 401 and no word more"
	done
	like "$(tr -d '\r' <"$T/header")" 'WWW-Authenticate: Bearer' 'but what is wanted (RFC 6750)'
	TOKEN=${TOKEN}x says 401 'a token with one letter more' GET /Users
	TOKEN=${TOKEN%?} says 401 'a token with one letter less' GET /Users
	is "$(curl -sS --cacert "$T/pki/ca.crt" -o "$OUT" -w '%{http_code}' -u "user:$TOKEN" "$BASE/Users")" 401 'Basic is not Bearer'
	is "$(curl -sS --cacert "$T/pki/ca.crt" "${BASE%/scim/v2}/healthz")" ok 'whether it lives is no secret'
	nok 'plain HTTP is not answered' curl -sSf -m 5 "http://${BASE#https://}/Users"
	nok 'TLS 1.1 is not spoken' curl -sS -m 5 --cacert "$T/pki/ca.crt" --tls-max 1.1 --ciphers 'DEFAULT@SECLEVEL=0' "$BASE/Users"
	ok 'TLS 1.2 is' curl -sS --cacert "$T/pki/ca.crt" --tls-max 1.2 -o "$OUT" "$BASE/Users"
}

discovery() {
	says 200 'ServiceProviderConfig' GET /ServiceProviderConfig
	is "$(at '[.patch.supported, .bulk.supported, .filter.supported, .etag.supported] | join(" ")')" 'true false true true' 'says what it can'
	says 200 'Schemas' GET /Schemas
	is "$(at '[.totalResults, (.Resources | length), (.Resources[0].id)] | join(" ")')" "3 3 $CORE:User" 'is a list'
	says 200 'one of them' GET "/Schemas/$CORE:Group"
	is "$(at '[.attributes[].name] | join(" ")')" 'displayName members' 'has its attributes'
	says 200 'ResourceTypes' GET /ResourceTypes/User
	is "$(at .endpoint)" /Users 'has its endpoint'
	like "$(tr -d '\r' <"$T/header")" 'Content-Type: application/scim\+json' 'everything is application/scim+json'
	says 501 'Bulk is not offered' POST /Bulk '{}'
}

okta_users() { # [O]
	says 200 'Okta: is there such a user?' GET "/Users?$(filter 'userName eq "isaac@example.com"')&startIndex=1&count=100"
	is "$(at '[.totalResults, .startIndex, .itemsPerPage] | join(" ")')" '0 1 0' 'an empty ListResponse'
	says 201 'Okta: POST /Users' POST /Users '{"schemas":["'$CORE':User"],"userName":"isaac@example.com","name":{"givenName":"Isaac","familyName":"Brock"},"emails":[{"primary":true,"value":"isaac@example.com","type":"work"}],"displayName":"Isaac Brock","locale":"en-US","externalId":"00ujl29u0le5T6Aj10h7","groups":[],"password":"1mz050nq","active":true}'
	ISAAC=$(at .id)
	like "$ISAAC" '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' 'the id is a UUID of ours'
	is "$(at .meta.location) $(sed -nE 's/^Location: ([^\r]*)\r?/\1/p' "$T/header")" "$BASE/Users/$ISAAC $BASE/Users/$ISAAC" 'its location is told'
	is "$(at 'has("password"), has("groups")' | paste -sd' ')" 'false false' 'no password is kept'
	nok 'nowhere' grep -r 1mz050nq "$T/store"
	says 409 'Okta: a second one of that name' POST /Users '{"userName":"ISAAC@example.com"}'
	is "$(at .scimType) $(at .status)" 'uniqueness 409' 'is told as uniqueness'
	says 200 'Okta: PUT of the whole user' PUT "/Users/$ISAAC" '{"schemas":["'$CORE':User"],"id":"'"$ISAAC"'","userName":"isaac@example.com","displayName":"Isaac B","active":true,"meta":{"resourceType":"User"}}'
	is "$(at '[.displayName, has("name"), .meta.version] | join(" ")')" 'Isaac B false W/"2"' 'replaces it'
	says 200 'Okta: PATCH deactivates' PATCH "/Users/$ISAAC" "$(operations '{"op":"replace","value":{"active":false}}')"
	is "$(at .active)" false 'by a value object'
	says 200 'Okta: and reactivates' PATCH "/Users/$ISAAC" "$(operations '{"op":"replace","value":{"active":true}}')"
}

okta_groups() { # [O]
	says 201 'Okta: group push makes a group' POST /Groups '{"schemas":["'$CORE':Group"],"displayName":"Engineers","members":[]}'
	ENGINEERS=$(at .id)
	says 204 'Okta: PATCH with the name, which has the id in it' PATCH "/Groups/$ENGINEERS" "$(operations '{"op":"replace","value":{"id":"'"$ENGINEERS"'","displayName":"Engineers"}}')"
	says 204 'Okta: PATCH adds members' PATCH "/Groups/$ENGINEERS" "$(operations '{"op":"add","path":"members","value":[{"value":"'"$ISAAC"'","display":"isaac@example.com"}]}')"
	says 200 'Okta: GET of the group' GET "/Groups/$ENGINEERS"
	is "$(at '[.members[] | .value, .type, .display] | join(" ")')" "$ISAAC User isaac@example.com" 'has him'
	says 204 'Okta: PATCH removes by value' PATCH "/Groups/$ENGINEERS" "$(operations '{"op":"remove","path":"members[value eq \"'"$ISAAC"'\"]"}')"
	says 200 'Okta: GET of the group' GET "/Groups/$ENGINEERS"
	is "$(at '.members | length')" 0 'has him no more'
	says 200 'Okta: PUT of the group' PUT "/Groups/$ENGINEERS" '{"schemas":["'$CORE':Group"],"id":"'"$ENGINEERS"'","displayName":"Engineers","members":[{"value":"'"$ISAAC"'","display":"isaac@example.com"}]}'
	is "$(at '.members | length')" 1 'replaces the members'
}

entra_users() { # [E] [P]
	local ext=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User
	says 200 'Entra: the test of the connection' GET "/Users?$(filter 'userName eq "8a2fb1e7-not-there"')"
	is "$(at .totalResults)" 0 'is an empty list, not 404'
	says 201 'Entra: POST /Users' POST /Users '{"schemas":["'$CORE':User","'$ext'"],"externalId":"0a21f0f2","userName":"Test_User_1","active":true,"emails":[{"primary":true,"type":"work","value":"old@testuser.com"}],"meta":{"resourceType":"User"},"name":{"formatted":"g f","familyName":"f","givenName":"g"},"roles":[]}'
	TESTER=$(at .id)
	says 200 'Entra: by externalId' GET "/Users?$(filter 'externalId eq "0a21f0f2"')"
	is "$(at '.Resources[0].id')" "$TESTER" 'finds him'
	says 200 'Entra: by work address' GET "/Users?aadOptscim062020&$(filter 'emails[type eq "work"].value eq "OLD@testuser.com"')"
	is "$(at '.Resources[0].id')" "$TESTER" 'finds him, and flags in the URL do not matter'
	says 200 'Entra: Replace with a path that picks, and one with a dot' PATCH "/Users/$TESTER" "$(operations '{"op":"Replace","path":"emails[type eq \"work\"].value","value":"new@testuser.com"},
		{"op":"Replace","path":"name.familyName","value":"F2"},{"op":"Add","path":"'$ext':department","value":"D"}')"
	is "$(at '[.emails[0].value, .name.familyName, .["'$ext'"].department] | join(" ")')" 'new@testuser.com F2 D' 'changes all three'
	is "$(at '.schemas | length')" 2 'and the extension is among the schemas'
	says 200 'Entra: active as the text False' PATCH "/Users/$TESTER" "$(operations '{"op":"Replace","path":"active","value":"False"}')"
	is "$(at '.active | type, tostring' | paste -sd' ')" 'boolean false' 'is a boolean here'
	says 200 'Entra: several attributes without a path' PATCH "/Users/$TESTER" "$(operations '{"op":"replace","value":{"displayName":"Bjfe","name.givenName":"Kkom","'$ext':employeeNumber":"Aklq"}}')"
	is "$(at '[.name.givenName, .["'$ext'"].employeeNumber] | join(" ")')" 'Kkom Aklq' 'with dots and URNs as keys'
}

entra_groups() { # [E] [P]
	says 201 'Entra: POST /Groups with a schema of its own' POST /Groups '{"schemas":["'$CORE':Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"8aa1a0c0","displayName":"displayName","meta":{"resourceType":"Group"}}'
	TEAM=$(at .id)
	says 204 'Entra: Add members' PATCH "/Groups/$TEAM" "$(operations '{"op":"Add","path":"members","value":[{"$ref":null,"value":"'"$TESTER"'"},{"$ref":null,"value":"'"$ISAAC"'"}]}')"
	says 200 'Entra: groups come without members' GET "/Groups?excludedAttributes=members&$(filter 'displayName eq "DISPLAYNAME"')"
	is "$(at '[.totalResults, .Resources[0].id, (.Resources[0] | has("members"))] | join(" ")')" "1 $TEAM false" 'when they are excluded'
	says 200 'Entra: is he in the group?' GET "/Groups?attributes=id&$(filter "id eq \"$TEAM\" and members eq \"$TESTER\"")"
	is "$(at '[.totalResults, (.Resources[0] | keys | join(","))] | join(" ")')" '1 id,schemas' 'he is'
	says 204 'Entra: Remove members with a list' PATCH "/Groups/$TEAM" "$(operations '{"op":"Remove","path":"members","value":[{"value":"'"$TESTER"'"}]}')"
	says 200 'Entra: and now?' GET "/Groups?$(filter "id eq \"$TEAM\" and members.value eq \"$TESTER\"")"
	is "$(at .totalResults)" 0 'he is not'
	says 200 'the other one is still there' GET "/Groups/$TEAM?attributes=members.value"
	is "$(at '[.members[].value] | join(" ")')" "$ISAAC" 'nobody else was taken out'
	says 204 'Entra: DELETE of a user' DELETE "/Users/$TESTER"
	says 404 'who is gone then' GET "/Users/$TESTER"
	is "$(at .status)" 404 'in a SCIM error'
}

versions() {
	local etag
	says 200 'a version' GET "/Users/$ISAAC"
	etag=$(sed -nE 's/^ETag: ([^\r]*)\r?/\1/p' "$T/header")
	is "$etag" "$(at .meta.version)" 'stands in ETag and meta'
	says 304 'what is known is not told again' GET "/Users/$ISAAC" '' -H "If-None-Match: $etag"
	says 412 'an older version is not changed' PATCH "/Users/$ISAAC" "$(operations '{"op":"replace","path":"title","value":"x"}')" -H 'If-Match: W/"1"'
	says 200 'the one that is known is' PATCH "/Users/$ISAAC" "$(operations '{"op":"replace","path":"title","value":"x"}')" -H "If-Match: $etag"
}

large_body() { # CURL OPTION...: nine million spaces; its status
	curl -sS --cacert "$T/pki/ca.crt" -o "$OUT" -w '%{http_code}' -X POST -H 'Content-Type: application/scim+json' -H 'Expect: 100-continue' --expect100-timeout 60 --data-binary "@$T/large" "$@" "$BASE/Users" 2>/dev/null
}

hostile_bodies() {
	says 400 'no JSON' POST /Users '{"userName":'
	says 400 'no object' POST /Users '[]'
	says 400 'a key twice' POST /Users '{"userName":"a","userName":"b"}'
	says 413 'nested a thousand deep' POST /Users "$(printf '{"userName":"deep","x":'; printf '[%.0s' {1..1000}; printf ']%.0s' {1..1000}; printf '}')"
	head -c 9000000 /dev/zero | tr '\0' ' ' >"$T/large"
	is "$(large_body -H "Authorization: Bearer $TOKEN")" 413 'a body that says it is too long'
	unlike "$(large_body -H "Authorization: Bearer $TOKEN" -H 'Transfer-Encoding: chunked')" '^2' 'one that does not say so is not taken either'
	unlike "$(large_body)" '^2' 'without a token none is'
	says 200 'and all goes on' GET '/Users?count=1'
	TYPE=application/x-www-form-urlencoded says 415 'a form is no SCIM' POST /Users 'userName=a'
	says 400 'a name with an escape sequence' POST /Users '{"userName":"\u001b[31mred"}'
	says 400 'a member that nobody is' PATCH "/Groups/$ENGINEERS" "$(operations '{"op":"add","path":"members","value":[{"value":"../../etc/passwd"}]}')"
	says 400 'the id is not the client'"'"'s' PATCH "/Users/$ISAAC" "$(operations '{"op":"replace","path":"id","value":"x"}')"
	is "$(at .scimType)" mutability 'and says mutability'
	says 400 'attributes that are no names change nothing' PATCH "/Users/$ISAAC?attributes=a..b" "$(operations '{"op":"replace","path":"title","value":"y"}')"
	scim GET "/Users/$ISAAC"
	is "$(at .title)" x 'indeed'
}

hostile_addresses() {
	local bad
	says 400 'a filter that is none' GET "/Users?$(filter 'userName eq')"
	is "$(at .scimType)" invalidFilter 'and says invalidFilter'
	for bad in '/Users/..%2f..%2fgroups.json' '/Users/%2e%2e/resources.jsonl' "/Users/$ISAAC/x" "/Groups/$ISAAC" '/Users/x%0d%0aSet-Cookie:a' '/%00'; do
		scim GET "$bad" '' --path-as-is
		like "$CODE" '^40[04]$' "$bad is not there"
	done
	says 400 'a NUL in the address' GET "/Users/$ISAAC%00"
	says 405 'another method' DELETE /Users
	says 200 'startIndex and count below zero' GET '/Users?startIndex=-5&count=-1'
	is "$(at '[.startIndex, (.Resources | length)] | join(" ")')" '1 0' 'are as RFC 7644 has it'
	scim POST /Users '{"userName":"hosted"}' -H 'Host: evil.example/"<a>'
	unlike "$(cat "$OUT" "$T/header")" 'evil' 'a host that is none is not told back'
	scim DELETE '/Users/x%0a%1b%5b31mfake%20line%c2%9b'
	ok 'what was tried is told' grep -q 'fake line' "$T/log"
	nok 'but no control byte of it' grep -aP '[\x00-\x09\x0b-\x1f\x7f-\xff]' "$T/log"
	nok 'and no token' grep -F "$TOKEN" "$T/log"
}

hostile_headers() { # what never becomes a request must not be counted as one for ever: rotation waits for those under way
	local i
	for i in 1 2 3; do
		printf 'GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nhalf a hea' | timeout 20 openssl s_client -quiet -connect "$(sed -E "s|https://([^/]*)/.*|\1|" <<<"$BASE")" >"$T/half" 2>&1
		printf 'GET nowhere HTTP/9.9\r\n\0\r\n\r\n' | timeout 20 openssl s_client -quiet -connect "$(sed -E "s|https://([^/]*)/.*|\1|" <<<"$BASE")" >"$T/half" 2>&1
	done
	scim GET /Users '' -H "X-Long: $(printf 'x%.0s' {1..100000})"
	unlike "$CODE" '^2' 'a header of 100,000 bytes is not taken'
	says 414 'nor an address of 9,000' GET "/Users?filter=$(printf 'x%.0s' {1..9000})"
	says 200 'and all goes on' GET '/Users?count=1'
}

# A client that never ends its request is cut off; what others do goes on.
slow() {
	exec 7<>"/dev/tcp/127.0.0.1/$(sed -E 's|.*:([0-9]+)/.*|\1|' <<<"$BASE")"
	printf '\x16' >&7
	says 200 'beside one that only shakes hands others are served' GET '/Users?count=1'
	ok 'and that one is cut off' timeout 60 cat <&7
	exec 7>&-
}

# 300 who only shake hands, from the one address from which the provider comes, too.
crowd() {
	local port i fd fds=()
	port=$(sed -E 's|.*:([0-9]+)/.*|\1|' <<<"$BASE")
	for i in {1..300}; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		fds+=("$fd")
		printf '\x16\x03' >&"$fd"
	done
	says 200 'beside 300 that only shake hands a client with the token is answered' GET '/Users?count=1' '' --max-time 120
	ok 'what happens is told' wait_for 120 grep -q 'more connections without a token than are kept' "$T/log"
	for fd in "${fds[@]}"; do exec {fd}>&-; done
}

becomes_groups() {
	ok 'groups.json has what was pushed' becomes '[.groups[] | [.name, (.members | length)]]' '[["Engineers",1],["displayName",1]]'
	status 3 'before the first provisioning is said to be finished the source is incomplete' read_store
	like "$(cat "$ERR")" 'first provisioning .* is not said to be finished; when it is: usher-broker serve-scim --provisioned --store' 'and says what to say then'
	status 0 'it is said' "$BROKER" serve-scim --provisioned --store "$T/store"
	ok 'the server that runs hears it' becomes 'has("incomplete")' false
	status 0 'the source is complete' read_store
	is "$(jq -c '.[0] | [.complete, [.groups[] | [.path, .members, .disabled]]]' "$OUT")" '[true,[["/Engineers",["isaac@example.com"],0],["/displayName",["isaac@example.com"],0]]]' 'and has groups and people'
	scim PATCH "/Users/$ISAAC" "$(operations '{"op":"replace","value":{"active":false}}')"
	ok 'who is disabled' becomes '[.groups[0].members, .groups[0].disabled]' '[[],1]'
	status 0 'is no member' read_store
	is "$(jq -c '.[0].groups[0] | [.members, .disabled]' "$OUT")" '[[],1]' 'and is counted, as in other sources'
}

own_source() { # the adapter that pulls reads from the server that is pushed into
	local i
	sed "s|pushed: .*|pulled: {scim: {url: \"$BASE\", secretFile: $T/token, ca: $T/pki/ca.crt}}|" "$T/policy.yaml" >"$T/pull.yaml"
	for i in {1..230}; do
		transfer POST /Groups "{\"displayName\":\"team-$i\",\"members\":[{\"value\":\"$([ $((i % 2)) = 0 ] && echo "$ISAAC" || echo "$ENGINEERS")\"}]}" "team-$i"
	done >"$T/many"
	is "$(curl -sS -K "$T/many" 2>"$ERR" | cut -d' ' -f1 | sort | uniq -c | tr -s ' ')" ' 230 201' '230 groups are pushed over one connection'
	scim PATCH "/Users/$ISAAC" "$(operations '{"op":"replace","value":{"active":true}}')"
	says 201 'a name may begin with a slash' POST /Groups '{"displayName":"/Engineers","members":[{"value":"'"$ISAAC"'"}]}'
	says 201 'or be one' POST /Groups '{"displayName":"/"}'
	ok 'and shown' becomes '[.count, (.groups[0].members | length)]' '[234,1]'
	status 0 'our own SCIM source reads all pages of it' "$BROKER" groups -f "$T/pull.yaml" -o json --members
	jq -c '[.[0].groups[] | [.id, .path, .members, .disabled]] | sort' "$OUT" >"$T/pulled"
	status 0 'and the file source the file' read_store
	jq -c '[.[0].groups[] | [.id, .path, .members, .disabled]] | sort' "$OUT" >"$T/read"
	is "$(jq 'length' "$T/read")" 234 'which has all of them, and none in the place of another'
	ok 'both say the same: ids, paths, people of groups in groups' cmp "$T/pulled" "$T/read"
}

second() {
	status 5 'a second server on one store refuses' timeout 300 "$BROKER" serve-scim --listen 127.0.0.1:0 --token-file "$T/token" --insecure-loopback --store "$T/store"
	like "$(cat "$ERR")" 'another server has this store' 'and says why'
}

rotation() {
	local old=$TOKEN new
	new=$(openssl rand -hex 32)
	printf '%s\n%s\n' "$old" "$new" >"$T/token"
	kill -HUP "$SERVER"
	ok 'while a token is changed' wait_for 120 grep -q 'takes 2 tokens' "$T/log"
	TOKEN=$new says 200 'the new one is taken' GET '/Users?count=1'
	TOKEN=$old says 200 'and the old one' GET '/Users?count=1'
	echo "$new" >"$T/token"
	kill -HUP "$SERVER"
	ok 'until only one is there' wait_for 120 grep -q 'takes 1 token ' "$T/log"
	TOKEN=$old says 401 'then the old one is dropped' GET '/Users?count=1'
	TOKEN=$new
	echo nonsense >"$T/token"
	kill -HUP "$SERVER"
	ok 'a file that is no token is told' wait_for 120 grep -q 'the tokens there were stay' "$T/log"
	says 200 'and locks nobody out' GET '/Users?count=1'
	echo "$new" >"$T/token"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout "$T/new.key" -out "$T/new.crt" 2>/dev/null
	cp "$T/pki/server.crt" "$T/old.crt"
	cat "$T/new.key" >"$T/key.pem" && cat "$T/new.crt" >"$T/pki/server.crt"
	kill -HUP "$SERVER"
	ok 'a new certificate is served' wait_for 120 curl -sS --cacert "$T/new.crt" -o /dev/null "${BASE%/scim/v2}/healthz"
	cat "$T/pki/server.key" >"$T/key.pem" && cat "$T/old.crt" >"$T/pki/server.crt"
	ok 'and one that nobody told of, too' wait_for 120 curl -sS --cacert "$T/pki/ca.crt" -o /dev/null "${BASE%/scim/v2}/healthz"
}

too_fast() { # a hundred over one connection, so that the time it takes to begin a client is no part of it: one is refused
	curl -sS --cacert "$T/pki/ca.crt" -D "$T/header" -o "$OUT" -w '%{http_code}\n' -H "Authorization: Bearer $TOKEN" "$BASE/Users?count=1&n=[1-100]" | grep -x 429 >/dev/null
}

limits() {
	stop
	is "$ENDED" 0 'after all that the server ends in order'
	start --max-rate 3
	ok 'more requests than --max-rate are 429' wait_for 120 too_fast
	like "$(tr -d '\r' <"$T/header")" 'Retry-After: 1' 'which says when to come again'
	stop
	start --max-users 1
	says 507 'more users than --max-users are refused' POST /Users '{"userName":"one more"}'
	stop
}

# Killed while it is pushed to, again and again: whatever was answered is there.
killed() {
	local round i answers=0 lost=0 client
	for round in 1 2 3 4; do
		start
		for i in {1..400}; do
			transfer POST /Users "{\"userName\":\"load-$round-$i\"}" "load-$round-$i"
		done >"$T/many"
		stdbuf -oL curl -sS -Z --parallel-max 8 -K "$T/many" >"$T/answers.$round" 2>/dev/null &
		client=$!
		wait_for 120 answered "$round"
		stop KILL
		wait "$client"
	done
	start
	for round in 1 2 3 4; do
		while read -r _ name; do
			answers=$((answers + 1))
			grep -qF "\"$name\"" "$T/store/resources.jsonl" "$T/store/"changes-*.log || lost=$((lost + 1))
		done < <(grep '^201 ' "$T/answers.$round")
	done
	is "$lost" 0 "killed four times while pushed to: none of $answers answered changes is lost"
	ok 'and there were some' test "$answers" -ge 160
	says 200 'the server that follows' GET "/Users?count=0&$(filter 'userName sw "load-"')"
	ok 'has them' test "$(at .totalResults)" -ge "$answers"
	stop
	is "$ENDED" 0 'and ends in order'
}
answered() { [ "$(grep -c '^201' "$T/answers.$1")" -ge 40 ]; } # ROUND

# What is answered must be in the next plan: while groups.json cannot be written, nothing more is taken.
behind() {
	start
	mv "$T/store/groups.json" "$T/away" && mkdir "$T/store/groups.json"
	says 201 'a change is taken' POST /Users '{"userName":"shown late"}'
	ok 'but no more while groups.json cannot be written' wait_for 120 refused
	like "$(tr -d '\r' <"$T/header")" 'Retry-After: 5' 'and the provider is told to come again'
	is "$(curl -sS --cacert "$T/pki/ca.crt" -o "$OUT" -w '%{http_code}' "${BASE%/scim/v2}/healthz")" 503 'it is not healthy'
	rmdir "$T/store/groups.json"
	ok 'it heals by itself' wait_for 120 shows 'has("groups")' true
	says 204 'and goes on' DELETE "/Groups/$TEAM"
	ok 'with what was pushed' becomes "[.groups[] | select(.id == \"$TEAM\")] | length" 0
	stop
}
refused() { scim PATCH "/Users/$ISAAC" "$(operations '{"op":"replace","path":"title","value":"'"$RANDOM"'"}')" && [ "$CODE" = 503 ]; }

# The unit of the examples: its own command line serves, on files of ours.
unit() {
	local file=$USHER_SRC/examples/scim-receiver.service line words
	if have systemd-analyze; then
		sed "s|/usr/bin/usher-broker|$BROKER|" "$file" >"$T/scim-receiver.service"
		is "$(systemd-analyze --man=no verify "$T/scim-receiver.service" 2>&1 | grep -F scim-receiver)" '' 'systemd takes the unit of the examples'
	fi
	line=$(sed -n 's/^ExecStart=//p' "$file")
	line=${line//\/etc\/usher-scim\/tls.crt/$T/pki/server.crt}
	line=${line//\/etc\/usher-scim\/tls.key/$T/key.pem}
	line=${line//\/etc\/usher-scim\/token/$T/token}
	line=${line//\/var\/lib\/usher-scim\/pushed/$T/state/pushed}
	line=${line/0.0.0.0:8443/127.0.0.1:0}
	read -ra words <<<"${line/\/usr\/bin\/usher-broker serve-scim/}"
	start "${words[@]}"
	says 200 'what it starts serves' GET /ServiceProviderConfig
	is "$(stat -c '%a %n' "$T/state/pushed" "$T/state/pushed/lock" | cut -d' ' -f1 | paste -sd' ')" '700 600' 'in a folder that nobody else reads'
	stop
}

recovered() { [ "$(curl -sS --cacert "$T/pki/ca.crt" "${BASE%/scim/v2}/healthz" 2>/dev/null)" = ok ]; }
fill_up() { # NAME: pushes until one is refused; ANSWERED are those that were taken
	local i
	ANSWERED=0
	for i in {1..400}; do
		scim POST /Users "{\"userName\":\"$1-$i\",\"title\":\"$(printf 'x%.0s' {1..4000})\"}"
		[ "$CODE" = 201 ] || return 0
		ANSWERED=$i
	done
	return 1
}

no_room() { # WHAT MESSAGE RESTORE...: the store can take no more, until RESTORE is run
	local what=$1 message=$2 answered
	ok "$what: at some change there is no room any more" fill_up full
	answered=$ANSWERED
	is "$CODE $(sed -nE 's/^Retry-After: ([^\r]*)\r?/\1/p' "$T/header")" '503 5' "$what: which is 503, so that the provider sends it again"
	ok "$what: and told in its words" grep -qE "$message.*changes are answered with 503" "$T/log"
	says 200 "$what: what there is is still told" GET "/Users?count=0&$(filter 'userName sw "full-"')"
	is "$(at .totalResults)" "$answered" "$what: all that was answered, and nothing that was refused"
	nok "$what: it is not healthy" recovered
	is "$(grep -c 'can be written again' "$T/log")" 0 "$what: nor says that it is"
	"${@:3}"
	ok "$what: with room it heals by itself" wait_for 120 recovered
	ok "$what: and says so" wait_for 120 grep -q 'the store can be written again' "$T/log"
	says 201 "$what: what was refused is taken when it comes again" POST /Users "{\"userName\":\"full-$((answered + 1))\"}"
	stop KILL
	start
	says 200 "$what: the server that follows" GET "/Users?count=0&$(filter 'userName sw "full-"')"
	is "$(at .totalResults)" $((answered + 1)) "$what: has everything"
	stop
}

full_disk() { # a file system of half a MiB
	local at=$T/small
	mkdir "$at"
	if ! mount -t tmpfs -o size=512k,mode=700 tmpfs "$at" 2>/dev/null; then
		skip 'a full disk' 'nothing can be mounted here'
		return
	fi
	at_exit umount "$at"
	head -c 100000 /dev/zero >"$at/ballast"
	STORE=$at/store start
	STORE=$at/store no_room 'a full disk' 'No space left on device' rm "$at/ballast"
}

full_file() { # a limit on the size of files: nobody is killed by it
	STORE=$T/limited start
	prlimit --pid "$SERVER" --fsize=65536:unlimited || { skip 'a file that may grow no more' 'no limit can be set here'; return; }
	STORE=$T/limited no_room 'a file that may grow no more' 'File too large' prlimit --pid "$SERVER" --fsize=unlimited:unlimited
}

full_later() { # what the disk says only when it is to keep it
	if ! have strace || ! strace -o /dev/null true 2>/dev/null || [ -n "${USHER_VALGRIND:-}" ]; then
		skip 'a disk that is full later' 'strace cannot run here'
		return
	fi
	WRAP=(env "ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" strace -qq -o "$T/trace" -e trace=fdatasync -e inject=fdatasync:error=ENOSPC:when=2)
	start
	WRAP=()
	says 201 'before the disk is full' POST /Users '{"userName":"before"}'
	says 503 'what cannot be written is 503' POST /Users '{"userName":"during"}'
	says 200 'and was not done' GET "/Users?$(filter 'userName eq "during"')"
	is "$(at .totalResults)" 0 'nobody of that name is there'
	says 201 'once it can be written again it is taken' POST /Users '{"userName":"during"}'
	like "$(cat "$T/log")" 'the log of changes: No space left on device' 'and the log says what was wrong'
	kill -KILL "$(pgrep -P "$SERVER")" # what strace runs
	wait_for 120 server_gone
	start
	says 200 'after all that' GET "/Users?$(filter 'userName eq "during" or userName eq "before"')"
	is "$(at .totalResults)" 2 'both are there'
	stop
}

command_line
start
closed_door
discovery
okta_users
okta_groups
entra_users
entra_groups
versions
becomes_groups
own_source
hostile_bodies
hostile_addresses
hostile_headers
second
rotation
slow
crowd
limits
behind
unit
killed
full_disk
full_file
full_later
done_testing
