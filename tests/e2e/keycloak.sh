#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The story with Keycloak: people sign in there, and the broker reads its groups by the admin API.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
. "$USHER_SRC/tests/e2e/steps.sh"
need cluster keycloak keyring

# A browser that fills in Keycloak's own forms as carol: login, and consent where it is asked for.
keycloak_browser() {
	cat >"$T/browse" <<-EOF
	#!/bin/bash
	jar() { curl -sL --max-time 60 --cacert '$CA' -b '$T/jar' -c '$T/jar' "\$@"; }
	action() { grep -o 'action="[^"]*"' | head -1 | sed 's/^action="//; s/"\$//; s/&amp;/\&/g; s|^/|$KEYCLOAK/|'; }
	page=\$(jar "\$1")
	for i in 1 2 3 4; do
		case \$page in
		*'name="username"'*) page=\$(jar -d username=carol -d password=carol-password -d credentialId= "\$(action <<<"\$page")") ;;
		*'name="accept"'*)
			code=\$(grep -o 'name="code" value="[^"]*"' <<<"\$page" | cut -d'"' -f4)
			page=\$(jar -d "code=\$code" -d accept=Yes "\$(action <<<"\$page")") ;;
		*) break ;;
		esac
	done
	printf '%s' "\$page" >'$T/browser.page'
	EOF
	cat >"$T/browser" <<-EOF
	#!/bin/sh
	echo "\$1" >>'$T/browser.log'
	'$T/browse' "\$1" >/dev/null 2>&1 </dev/null &
	EOF
	chmod 700 "$T/browse" "$T/browser"
	: >"$T/browser.log"
}

group_id() { manage GET "/groups?search=k8s-restricted-users" | jq -r '.[0].id'; }
carol_id() { manage GET "/users?username=carol" | jq -r '.[0].id'; }

policy_source() {
	echo "keycloak: {url: $KEYCLOAK, realm: usher, client: usher-broker, secretFile: $T/broker-secret, ca: $CA}"
}
hits() { grep -cE "(GET|POST) /realms/usher/protocol/openid-connect/$1" "$HOME_OF_KEYCLOAK/log"; }
provider_count() { hits ''; }
provider_count_token() { hits 'token'; }
id_lifetime() { manage PUT '' "{\"accessTokenLifespan\": $1}"; }
leave_group() { manage DELETE "/users/$(carol_id)/groups/$(group_id)"; }
join_group() { manage PUT "/users/$(carol_id)/groups/$(group_id)"; }
source_without_group() { manage DELETE "/groups/$(group_id)"; }
source_with_group() {
	role view-users POST
	[ "$(group_id)" != null ] || manage POST /groups '{"name": "k8s-restricted-users"}'
	join_group
}
# The same name is another group: Keycloak gave it another id.
group_is_back() {
	status 5 'BC09 a group that was deleted and made anew gets nothing by itself' broker apply -f "$T/policy.yaml"
	like "$(cat "$ERR")" 'was deleted and made anew' 'BC09 and that is said'
	is "$(bindings)" '[]' 'BC09 it has no binding'
	broker plan -f "$T/policy.yaml" --out "$T/anew.json" >/dev/null
	status 5 'BC09 nor by a plan that nobody confirmed' broker apply --plan "$T/anew.json"
	status 0 'BC09 a person who looked may say yes' broker apply --plan "$T/anew.json" --confirm "$(jq -r .hash "$T/anew.json")"
}
# The weakest trap of its admin API: without view-users, query-groups alone answers 200 and no group at all.
source_empty() {
	role query-groups POST
	role view-users DELETE
}
source_broken() { # no role at all: 403
	role query-groups DELETE
}
role() { # NAME POST|DELETE: a role of realm-management for the broker's service account
	local account=00000000-0000-4000-8000-000000000205 management # as realm.json says
	management=$(manage GET '/clients?clientId=realm-management' | jq -r '.[0].id')
	manage "$2" "/users/$account/role-mappings/clients/$management" "[$(manage GET "/clients/$management/roles/$1")]"
}

device_slow_down() { :; }
approve_device() { "$T/browse" "$1?user_code=$2"; } # URL CODE: the complete address, as from a QR code; login and consent follow
device_polls() { like "$(provider_count_token)" '^[1-9]' 'A6 Keycloak was polled'; }
revoked() { # TOKEN
	web -d grant_type=refresh_token -d "client_id=$CLIENT" --data-urlencode "refresh_token=$1" "$ISSUER/protocol/openid-connect/token" | grep invalid_grant >/dev/null
}

keyring_start
keycloak_start
ISSUER=$KEYCLOAK/realms/usher CLIENT=kubernetes
keycloak_browser
cluster_start
profile_write prod 'scopes: [email]'
kubeconfig_write prod
tell_story
done_testing
