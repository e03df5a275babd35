#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The story with the fast provider over TLS and a file of groups as the broker's source.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
. "$USHER_SRC/tests/e2e/steps.sh"
need cluster idp keyring

groups_write() { # JSON of groups
	jq -n --argjson groups "$1" '{groups: $groups, count: ($groups | length)}' >"$T/groups.json"
}
everybody='[{"name": "k8s-restricted-users", "members": ["carol@example.test"]}, {"name": "dev", "members": ["bob@example.test"]}]'

policy_source() { echo "file: {path: $T/groups.json}"; }
provider_count() { idp_count; }
provider_count_token() { idp_count /token; }
id_lifetime() { idp ttl "{\"id\": $1}"; }
leave_group() { idp user '{"sub": "carol", "groups": []}'; }
join_group() { idp user '{"sub": "carol", "groups": ["k8s-restricted-users"]}'; }
source_with_group() { groups_write "$everybody"; }
source_without_group() { groups_write "$(jq '[.[] | select(.name == "dev")]' <<<"$everybody")"; }
group_is_back() { status 0 'A5 the group is back: apply ends with 0' broker apply -f "$T/policy.yaml"; }
source_empty() { groups_write '[]'; }
source_broken() { # cut in the middle, as a copy that ran out of disk
	source_with_group
	head -c $(($(wc -c <"$T/groups.json") / 2)) "$T/groups.json" >"$T/half"
	mv "$T/half" "$T/groups.json"
}

device_slow_down() { # the next poll is told to come less often
	idp clear '{}'
	idp fault '{"path": "/token", "status": 400, "body": "{\"error\": \"slow_down\"}"}'
	wait_for 120 token_asked 1
}
token_asked() { [ "$(idp_count /token)" -ge "$1" ]; } # TIMES
approve_device() { # URL CODE: after one poll more, so that the longer interval can be seen
	wait_for 120 token_asked 2
	idp autouser '{"sub": "carol"}'
	idp_approve_device "$2"
}
device_polls() {
	local gaps
	gaps=$(idp requests | jq -c '[.[] | select(.path == "/token") | .ms] | [.[1:], .[:-1]] | transpose | map(.[0] - .[1])')
	like "$(jq length <<<"$gaps")" '^[1-9]' 'A6 it was polled more than once'
	is "$(jq 'all(. >= 5000)' <<<"$gaps")" true 'A6 polls are 5 s apart or more (RFC 8628)'
	is "$(jq 'all(. >= 9900)' <<<"$gaps")" true 'A6 slow_down is obeyed: 5 s more from then on'
}
revoked() { # TOKEN
	web -d grant_type=refresh_token -d "client_id=$CLIENT" --data-urlencode "refresh_token=$1" "$ISSUER/token" | grep invalid_grant >/dev/null
}

keyring_start
browser_write
idp_start
source_with_group
cluster_start
profile_write prod
kubeconfig_write prod
tell_story
done_testing
