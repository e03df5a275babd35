#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usher-broker groups, told by recordings what no honest provider says: a list whose end cannot be read is not complete, and
# nothing that we sent is said again. And by programs that hang, leave something behind, or are ended.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$T" || exit 99
mkdir tape

policy() { # SOURCE
	cat <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", groupName: leaf}
	sources: {main: $1}
	roles: {editor: {clusterRole: edit}}
	grants:
	- {group: team, role: editor, namespaces: [somewhere]}
	EOF
}
exchange() { # METHOD-AND-URL STATUS BODY [HEADER VALUE]...
	local request=$1 status=$2 body=$3
	shift 3
	jq -cn --arg request "$request" --argjson status "$status" --arg body "$body" \
		'{source: "main", request: $request, answer: {status: $status, headers: [$ARGS.positional | _nwise(2)], body: $body, retryAfterMs: -1, date: 0}}' --args "$@"
}
told() { # NAME WHY: what tape holds is incomplete, for this reason
	status 3 "$1 is incomplete" "$BROKER" groups -f policy.yaml --members --replay tape
	like "$(cat "$ERR")" "$2" 'and says why'
	is "$(wc -l <"$ERR")" 1 'in one line'
}
tape() { cat >tape/exchanges.jsonl; }

# ---- Okta ----
policy '{okta: {url: "https://x.okta.com", secretEnv: SECRET}}' >policy.yaml
groups='GET https://x.okta.com/api/v1/groups?limit=200&expand=stats' again='GET https://x.okta.com/api/v1/groups?limit=199'
one='[{"id": "g1", "type": "BUILT_IN", "profile": {"name": "team"}, "_embedded": {"stats": {"usersCount": 0}}}]'
exchange "$groups" 200 "$one" Link '<https://x.okta.com/2>; title="a\"b, c"; rel="next"' | tape
told 'a next link behind a title with a quote in it, which is not to be had' 'page 2 of groups: .*has no answer to GET https://x\.okta\.com/2'
exchange "$groups" 200 "$one" Link '<https://x.okta.com/2; rel="next"' | tape
told 'a next link that does not close' 'page 2 of groups: is said to be at '
exchange "$groups" 200 "$one" Link '<https://x.okta.com/2>; rel=prev, <https://evil.example/3>; rel="last next"' | tape
told 'a next link to another host' 'page 2 of groups: is said to be at "https://evil\.example/3", which is not x\.okta\.com'
full=$(jq -cn '[range(200) | {id: "u\(.)", status: "ACTIVE", profile: {login: "p\(.)"}}]')
{ exchange "$groups" 200 '[{"id": "g1", "type": "BUILT_IN", "profile": {"name": "team"}}]'
	exchange 'GET https://x.okta.com/api/v1/groups/g1/users?limit=200' 200 "$full"; } | tape
told 'a full page of uncounted members without a Link header' 'has no Link header'
list=$(jq -cn '[range(200) | {id: "g\(.)", type: "BUILT_IN", profile: {name: "g\(.)"}, _embedded: {stats: {usersCount: 0}}}]')
{ exchange "$groups" 200 "$list"
	for ((i = 0; i < 200; i++)); do exchange "GET https://x.okta.com/api/v1/groups/g$i/users?limit=200" 200 '[]'; done
	exchange "$again" 200 "$(jq -c '.[:199]' <<<"$list")"; } | tape
told 'a list that is cut at whatever a page holds' 'groups changed while they were read: g[0-9]+ went'
exchange "$groups" 403 '{"errorSummary": "the token replayed is not good"}' | tape
told 'a refusal that quotes the token' 'answered 403 \(the token \.\.\.\.\.\.\.\. is not good\)'
exchange "$groups" 200 '<!DOCTYPE html><title>Sign in</title>' | tape
told 'a page of a portal' 'a web page came where JSON was expected\. '
exchange "$groups" 429 '' | sed 's/"retryAfterMs":-1/"retryAfterMs":9223372036854775807/' | tape
told 'a pause of aeons' 'asks for 2[34]h more; the source may wait 5m in all'
name=xx$(printf '\u20ac%.0s' {1..60})
exchange "$groups" 200 "$(jq -cn --arg name "$name" '[{id: "g1", profile: {name: $name}}] | . + .')" | tape
status 3 'a name that is cut inside a character' "$BROKER" groups -f policy.yaml -o json --replay tape
is "$(jq -r '.[0].complete' "$OUT")" false 'does not take the report with it'

# ---- SCIM ----
policy '{scim: {url: "https://x.example/scim", secretEnv: SECRET}}' >policy.yaml
config=$(exchange 'GET https://x.example/scim/ServiceProviderConfig' 200 '{"pagination": {"cursor": true}}')
first='GET https://x.example/scim/Groups?cursor=&count=100&excludedAttributes=members'
{ echo "$config"
	exchange "$first" 200 '{"Resources": [{"id": "g1", "displayName": "team"}], "nextCursor": 7}'; } | tape
told 'a cursor that is a number' 'nextCursor of a page of groups is no text'
rows='{"Resources": [{"id": "g1", "displayName": "team"}]}'
{ echo "$config"
	exchange "$first" 200 "$rows"
	exchange 'GET https://x.example/scim/Groups/g1?attributes=members' 200 '{"id": "g2", "members": [{"value": "u1"}]}'; } | tape
told 'an answer about another group' 'is of another group \(g2\)'
{ echo "$config"
	exchange "$first" 200 "$rows"
	exchange 'GET https://x.example/scim/Groups/g1?attributes=members' 200 '{"id": "g1"}'
	exchange "$first" 200 "$rows"; } | tape
status 0 'by cursor, without totalResults, a list may be complete' "$BROKER" groups -f policy.yaml --members --replay tape
nok 'and does not say that it was counted' grep -q totalResults "$OUT"

# ---- GitLab, GitHub, authentik, Entra ----
policy '{gitlab: {url: "https://x.example", secretEnv: SECRET}}' >policy.yaml
{ exchange 'GET https://x.example/api/v4/groups?order_by=id&sort=asc&per_page=100' 200 '[{"id": 1, "full_path": "team"}]' X-Next-Page '' X-Total 1
	exchange 'GET https://x.example/api/v4/groups/1/members/all?per_page=100' 200 \
		'[{"id": 5, "username": "carol", "state": "active"}, {"id": 5, "username": "carol", "state": "active"}]' X-Next-Page '' X-Total 2; } | tape
told 'GitLab: a member that comes twice, which makes the total right' 'a member of /team came twice'
policy '{github: {url: "https://x.example", organization: acme, secretEnv: SECRET}}' >policy.yaml
{ exchange 'GET https://x.example/orgs/acme/teams?per_page=100' 200 '[{"id": 1, "slug": "team", "parent": null}]'
	exchange 'GET https://x.example/orgs/acme/teams/team/members?per_page=100' 200 '[{"id": 5, "login": "carol"}, {"id": 5, "login": "carol"}]'; } | tape
told 'GitHub: a member that comes twice' 'a member of /team came twice'
policy '{authentik: {url: "https://x.example", secretEnv: SECRET}}' >policy.yaml
{ exchange 'GET https://x.example/api/v3/core/groups/?page_size=100&include_users=false&page=1' 200 \
	'{"pagination": {"next": 0, "count": 1}, "results": [{"pk": "a", "name": "team", "parent": null}]}'
	exchange 'GET https://x.example/api/v3/core/groups/a/?include_users=true' 200 '{"pk": "b", "name": "team", "users": [], "users_obj": []}'; } | tape
status 3 'authentik: an answer about another group is incomplete' "$BROKER" groups -f policy.yaml --replay tape
like "$(cat "$ERR")" 'is of another group \(b\)' 'and says why'
policy '{entra: {tenant: t, client: c, secretEnv: SECRET}}' >policy.yaml
exchange "GET https://graph.microsoft.com/v1.0/groups?\$select=id,displayName,visibility&\$top=999&\$count=true" 200 \
	'{"value": [{"id": "g1", "displayName": "team"}], "@odata.nextLink": 5}' | tape
told 'Entra: a next link that is a number' 'says by "@odata\.nextLink" where the next one is, and that is no text'

# ---- recordings that are none ----
policy '{okta: {url: "https://x.okta.com", secretEnv: SECRET}}' >policy.yaml
{ exchange "$groups" 200 "$one"; printf '\0more\n'; } | tape
status 2 'a recording with a NUL in it is refused' "$BROKER" groups -f policy.yaml --replay tape

# ---- JSON as other programs write it ----
policy '{file: {path: groups.json}}' >policy.yaml
echo '{"count": 2, "groups": [{"id": "1", "name": "a\ud83d\ude00b \\ud83d\\ude00 \u00e9\/"}, {"id": "2", "name": "\uD83D\uDE01"}]}' >groups.json
status 0 'JSON may write an emoji as two surrogates' "$BROKER" groups -f policy.yaml -o json
is "$(jq -c '[.[0].groups[].name]' "$OUT")" "$(jq -c '[.groups[].name]' groups.json)" 'which are one character, and only there'
echo '{"count": 1, "groups": [{"id": "1", "name": "a\ud83d"}]}' >groups.json
status 3 'half of a pair is no character' "$BROKER" groups -f policy.yaml

# ---- programs ----
program() { # TEXT
	printf '#!/bin/bash\n%s\n' "$1" >program
	chmod 700 program
}
gone() { # PID: waits until it is, or is only waited for
	local i
	for ((i = 0; i < 2400; i++)); do
		case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in '' | Z*) return 0 ;; esac
		sleep 0.05
	done
	return 1
}
there() { # FILE: waits until it holds something
	local i
	for ((i = 0; i < 2400; i++)); do
		[ -s "$1" ] && return 0
		sleep 0.05
	done
	return 1
}
policy "{command: {command: [$T/program], timeout: 5m}}" >policy.yaml
program 'sleep 600 & echo $! >child; exec sleep 600'
"$BROKER" groups -f policy.yaml >/dev/null 2>err &
broker=$!
ok 'a program runs' there child
kill -TERM $broker
ok 'whoever asks us to end does not wait for it' gone $broker
wait $broker
is "$?" 3 'the source is incomplete then'
like "$(cat err)" 'program: interrupted' 'and that is told'
ok 'nor does what the program started stay' gone "$(cat child)"
rm child
program 'sleep 600 2>/dev/null & echo $! >child; echo "{\"groups\": [{\"name\": \"team\", \"members\": []}], \"count\": 1}"'
status 0 'a program that leaves something behind has said what it had to say' "$BROKER" groups -f policy.yaml
ok 'and what it left is ended' gone "$(cat child)"
program 'kill -SEGV $$'
status 3 'a program that dies by a signal' "$BROKER" groups -f policy.yaml
like "$(cat "$ERR")" 'program was ended by signal 11' 'is told so'
done_testing
