#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Calls only go down, and the two programs do not know each other: held by who may include what.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$USHER_SRC" || exit 99

includes() { # FOLDER|FILE...: "file: included", one a line, ours only
	grep -rHoE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]+"[^"]+"' "$@" | sed -E 's/:[^"]*"([^"]+)"/: \1/'
}

judge() { # NAME WHAT REGEX [GREP OPTION]: in WHAT (files or folders) are includes, and none that grep finds
	local found bad
	# shellcheck disable=SC2086 # WHAT is a list
	found=$(includes $2)
	bad=$(grep -E "${@:4}" ": ($3)" <<<"$found")
	if [ -z "$found" ]; then
		fail "$1" "no include found in: $2"
	elif [ -n "$bad" ]; then
		fail "$1" "$bad"
	else
		pass "$1"
	fi
}

rule() { judge "$@"; }    # NAME WHAT REGEX: no include in WHAT matches REGEX
only() { judge "$@" -v; } # NAME WHAT REGEX: every include in WHAT matches REGEX

effects='common/net/|common/base/file\.h|common/kube/client\.h'

only 'common includes common alone' common 'common/'
rule 'common/base includes base alone' common/base 'common/(data|net|oidc|kube)/'
rule 'common/data includes base and data' common/data 'common/(net|oidc|kube)/'
rule 'common/net includes base and data' common/net 'common/(oidc|kube)/'
rule 'common/oidc does not know Kubernetes' common/oidc 'common/kube/'
rule 'common/kube does not know OpenID' common/kube 'common/oidc/'
rule 'the plugin never includes the broker' plugin '(\.\./)*broker/'
rule 'the broker never includes the plugin' broker '(\.\./)*plugin/'
only 'the front includes common/base, common/data/json.h and its own room' plugin/front 'common/base/|common/data/json\.h|plugin/front/'
nok 'the front uses no library but libc and jansson' grep -rnE '#include <(curl|openssl|glib|libsecret|microhttpd|yaml|jwt)' plugin/front
rule 'no session file includes a store, a flow or a verb' plugin/session 'plugin/(store|flow|verb)/'
rule 'no flight file includes a store, a flow or a verb' plugin/flight 'plugin/(store|flow|verb)/'
rule 'no store includes a flow or a verb' plugin/store 'plugin/(flow|verb)/'
rule 'no flow includes a store or a verb' plugin/flow 'plugin/(store|verb)/'
rule 'nothing in the broker below the verbs includes a verb' 'broker/policy broker/source broker/sync broker/audit' 'broker/verb/'
rule 'the journal knows no verb and nothing that calls it' broker/journal 'broker/(verb|lifecycle|serve|receive|source|audit)/'
rule 'the sync does not know the journal' broker/sync 'broker/journal/'
rule 'the policy knows neither source, sync nor audit' broker/policy 'broker/(source|sync|audit)/'
rule 'the ledger knows the policy and what is common, no more' broker/ledger 'broker/(source|sync|audit|journal|lifecycle|serve|receive)/'
rule 'the sync knows nothing of what is built on it' broker/sync 'broker/(lifecycle|serve|receive)/'
rule 'what is served includes no verb, no source and no lifecycle' broker/serve 'broker/(verb|source|lifecycle|receive|audit)/'
rule 'nothing of lifecycle includes a verb, or what is served and received' broker/lifecycle 'broker/(verb|serve|receive)/'
rule 'pure: what onboard makes, compares and tells includes no effect' 'broker/lifecycle/onboard/objects.c broker/lifecycle/onboard/values.c broker/lifecycle/onboard/compare.c broker/lifecycle/onboard/report.c broker/lifecycle/onboard/user.c broker/lifecycle/onboard/bounds.c' "$effects"
rule 'what is pushed is taken without verbs, sync, audit and lifecycle' broker/receive 'broker/(verb|sync|audit|lifecycle|ledger|journal)/'
rule 'pure: filters, patches and the store of what is pushed include no effect' 'broker/receive/filter.c broker/receive/filter_match.c broker/receive/patch.c broker/receive/resource.c broker/receive/store.c broker/receive/record.c' "$effects"
rule 'pure: a schedule includes no effect' broker/serve/schedule.c 'common/|broker/(sync|policy)/'
rule 'pure: what is wanted, what is decided and the plan include no effect' 'broker/sync/want broker/sync/decide/*.c broker/sync/plan' "$effects"
rule 'pure: verdict, match and rules include no effect' 'broker/audit/verdict.c common/kube/match.c broker/audit/rules.c' "$effects"
rule 'pure: the dossier and what is told of it include no effect' 'broker/lifecycle/offboard/dossier.c broker/lifecycle/offboard/dossier_reach.c broker/lifecycle/offboard/dossier_things.c broker/lifecycle/offboard/names.c broker/lifecycle/offboard/report.c' "$effects"
rule 'pure: claims and jose include no effect' 'common/oidc/claims.c common/oidc/jose.c' "$effects"
rule 'every include names its file from the top of the tree' 'common plugin broker tests' '\.\./|[^/]*$'
nok 'no shipped source includes a test' grep -rlE --include='*.[ch]' '^#include "tests/' common plugin broker

clocks='\<(time|gettimeofday|clock_gettime|rand|random|srand|getenv|fopen|open|socket)\('
pure='broker/sync/want broker/sync/decide broker/sync/plan broker/audit/verdict.c common/kube/match.c common/oidc/claims.c common/oidc/jose.c'
for file in $pure; do
	if [ ! -e "$file" ]; then
		fail "pure: $file asks no clock, chance, environment or file" 'no such file or folder'
	else
		nok "pure: $file asks no clock, chance, environment or file" grep -rnE "$clocks" "$file"
	fi
done
done_testing
