#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ending what a person has at a real Keycloak: refresh tokens that worked are refused at once, offline tokens too; others keep
# theirs; and an account that may not says which role it lacks, and ends nothing.
. "${USHER_SRC:-$PWD}/tests/support/e2e.sh"
need keycloak
REVOKE=$USHER_BUILD/tests/support/revoke_one
[ -x "$REVOKE" ] || skip_all "no tests/support/revoke_one in $USHER_BUILD (make check builds it)"
ALICE=00000000-0000-4000-8000-000000000201 CAROL=00000000-0000-4000-8000-000000000203 # as realm.json says
ACCOUNT=00000000-0000-4000-8000-000000000205

role() { # NAME POST|DELETE: of realm-management, for the broker's service account
	local management
	management=$(manage GET '/clients?clientId=realm-management' | jq -r '.[0].id')
	manage "$2" "/users/$ACCOUNT/role-mappings/clients/$management" "[$(manage GET "/clients/$management/roles/$1")]"
}

policy() { # [SETTING]
	cat >"$T/policy.yaml" <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", groupName: leaf}
	sources:
	  main: {keycloak: {url: $KEYCLOAK, realm: usher, client: usher-broker, secretFile: $T/broker-secret, ca: $CA${1:+, $1}}}
	roles:
	  reader: {rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}
	grants:
	  - {group: k8s-restricted-users, role: reader, namespaces: [test]}
	EOF
}

sign_in() { # NAME CLIENT SCOPE: prints a refresh token
	web -d grant_type=password -d "client_id=$2" -d "username=$1" -d "password=$1-password" -d "scope=$3" "$TOKENS" | jq -r '.refresh_token // .error'
}

refresh() { # CLIENT TOKEN: prints the next refresh token, or the error
	web -d grant_type=refresh_token -d "client_id=$1" --data-urlencode "refresh_token=$2" "$TOKENS" | jq -r '.refresh_token // .error'
}

said() { jq -r "$1" "$OUT"; }
hits() { grep -cE "(POST|DELETE) /admin/realms/usher/(users|sessions)/" "$HOME_OF_KEYCLOAK/log"; }
revoke() { "$REVOKE" "$T/policy.yaml" main "$@"; }

APP=kubernetes-fullpath SLASH=https://cluster.example.test/login
keycloak_start
TOKENS=$KEYCLOAK/realms/usher/protocol/openid-connect/token
policy
manage POST /clients "{\"clientId\": \"$SLASH\", \"publicClient\": true, \"directAccessGrantsEnabled\": true, \"standardFlowEnabled\": false}"
alice=$(refresh "$APP" "$(sign_in alice "$APP" openid)")
carol=$(refresh "$APP" "$(sign_in carol "$APP" openid)")
offline=$(refresh "$APP" "$(sign_in carol "$APP" 'openid offline_access')")
slash=$(refresh "$SLASH" "$(sign_in carol "$SLASH" 'openid offline_access')")
like "$carol$offline$slash$alice" '^eyJ' 'everybody has a refresh token that works'

# ---- rights ----

before=$(hits)
status 5 'view-users alone may not end sessions' revoke carol
like "$(said .hint)" 'manage-users' 'and the role that is missing is named'
is "$(said '.found, (.done | length)' | xargs)" 'true 0' 'she is known, and nothing is said to be done'
carol=$(refresh "$APP" "$carol")
like "$carol" '^eyJ' 'nothing was ended'
role query-users POST
role view-users DELETE
status 5 'an account that is shown nobody does not say that there is nobody' revoke carol
like "$(said .hint)" 'view-users' 'and the role that is missing is named'
role query-users DELETE
status 5 'nor does one without any role' revoke carol
like "$(said .hint)" 'manage-users and view-users' 'and the roles that are missing are named'
role view-users POST
role manage-users POST

# ---- a look ----

before=$(hits)
status 0 'what would be ended is told without ending it' revoke carol dry
is "$(hits)" "$before" 'no POST, no DELETE'
is "$(said '.done | sort | join("; ")')" "1 session; offline tokens of client $SLASH; offline tokens of client $APP" 'each client that holds offline tokens is named'
is "$(said '.names | join(" ")')" "$CAROL carol carol@example.test" 'all that her tokens may call her is told'
is "$(said '.groups | length')" "$(manage GET "/users/$CAROL/groups" | jq length)" 'and the groups that she is in'
is "$(said .token_seconds)" -1 'how long tokens live is not known without tokenClient'
carol=$(refresh "$APP" "$carol")
offline=$(refresh "$APP" "$offline")
like "$carol$offline" '^eyJ.*eyJ' 'her tokens still work'
status 0 'somebody whom Keycloak does not know is no error' revoke nobody@example.test
is "$(said .found)" false 'and is told'
is "$(hits)" "$before" 'nothing was sent for it'

# ---- the end ----

status 0 'BE46 her sessions are ended' revoke carol@example.test
is "$(said '.found, .enabled, .supported, .id' | xargs)" "true true true $CAROL" 'she was found by her address, and may sign in again'
is "$(said .sessions)" 3 'one session and two offline ones'
is "$(refresh "$APP" "$carol")" invalid_grant 'BE46 a refresh token that worked is refused right after'
is "$(refresh "$APP" "$offline")" invalid_grant 'BE46 an offline token too'
is "$(refresh "$SLASH" "$slash")" invalid_grant 'and that of a client with slashes in its name'
is "$(manage GET "/users/$CAROL/consents" | jq length)" 0 'no client holds anything of hers'
alice=$(refresh "$APP" "$alice")
like "$alice" '^eyJ' 'another person keeps her session'
is "$(manage GET "/users/$ALICE/sessions" | jq length)" 1 'Keycloak has it, too'
status 0 'a second time ends well' revoke "$CAROL"
is "$(said '.sessions, (.done | length)' | xargs)" '0 0' 'and says that there was nothing'

# ---- how long ID tokens live ----

policy 'tokenClient: kubernetes'
status 0 'without the right to see clients' revoke carol dry
is "$(said .token_seconds)" -1 'the life of ID tokens is not known'
role view-clients POST
role view-realm POST
status 0 'with it' revoke carol dry
is "$(said .token_seconds)" "$(manage GET '' | jq .accessTokenLifespan)" 'it is the one of the realm'
client=$(manage GET '/clients?clientId=kubernetes' | jq -c '.[0]')
manage PUT "/clients/$(jq -r .id <<<"$client")" "$(jq -c '.attributes["access.token.lifespan"] = "1234"' <<<"$client")"
status 0 'a client may have its own' revoke carol dry
is "$(said .token_seconds)" 1234 'which is told'
manage PUT "/users/$CAROL" '{"enabled": false}'
status 0 'somebody who is disabled' revoke carol dry
is "$(said '.found, .enabled' | xargs)" 'true false' 'is found, and may not sign in again'
done_testing
