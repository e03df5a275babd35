#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/ against the program: its policy is valid, its rights are what rbac prints, its rules and its dashboard speak of numbers
# that there are, and each alert fires when it should and stays quiet when it should. On a real cluster: tests/e2e/deploy.sh.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
deploy=$USHER_SRC/deploy

status 0 'the policy is valid' "$BROKER" validate "$deploy/base/policy.yaml"
{ echo '# SPDX-License-Identifier: Apache-2.0'; "$BROKER" rbac -f "$deploy/base/policy.yaml"; } >"$T/rbac.yaml"
ok 'the rights are what usher-broker rbac prints for it, no more and no less' diff "$T/rbac.yaml" "$deploy/base/rbac.yaml"
{ echo '# SPDX-License-Identifier: Apache-2.0'; "$BROKER" rbac -f "$deploy/receiver/policy.yaml"; } >"$T/rbac.yaml"
ok 'and those for the policy of what is pushed' diff "$T/rbac.yaml" "$deploy/base/rbac.yaml"
lost=
while read -r file; do grep -qE "^\s*$file( |\$)|\s$file( |\$)" "$USHER_SRC"/deploy/Makemodule.am "$USHER_SRC"/tests/*/Makemodule.am || lost+="$file "; done \
	< <(cd "$USHER_SRC" && find deploy -type f ! -name Makemodule.am)
is "$lost" '' 'make dist carries every file'
is "$(sed '1,/^spec:$/d' "$deploy/components/prometheus-operator/prometheusrule.yaml")" \
	"$(sed -n '/^groups:/,$p' "$deploy/monitoring/usher-rules.yaml" | sed 's/^/  /')" 'the PrometheusRule says what the rules say'

# what the pods are told is what the program takes
for file in cronjob/cronjob deployment/deployment receiver/receiver; do
	verb=$(sed -n '/ args:$/{n;s/.*- //p}' "$deploy/$file.yaml")
	"$BROKER" help "$verb" >"$T/help"
	lost=
	while read -r option; do grep -qE -- "--${option}[ =]" "$T/help" || lost+="$option "; done < <(sed -nE 's/^ +- --([a-z-]+)=.*/\1/p' "$deploy/$file.yaml")
	is "$verb:$lost" "$(basename "$file" | sed 's/cronjob/apply/; s/deployment/run/; s/receiver/serve-scim/'):" "$file: its command is one that there is"
done

# names of numbers: all that are spoken of are told by a run, and by what is beside it
{ grep -ohE '"usher_broker_[a-z_]+' "$USHER_SRC"/broker/sync/apply/metrics.c "$USHER_SRC"/broker/serve/board.c | tr -d '"'; echo usher_broker_runs_total; } | sort -u >"$T/told"
grep -ohE 'usher_broker_[a-z_]+' "$deploy"/monitoring/usher-rules.yaml "$deploy"/monitoring/usher-dashboard.json | sort -u >"$T/spoken"
is "$(comm -13 "$T/told" "$T/spoken")" '' 'rules and dashboard speak of numbers that there are'
like "$(wc -l <"$T/spoken")" '^[12][0-9]$' 'and of many'
sed -nE 's/^\| `(usher_broker_[a-z_]+)` \|( .*)? \| .{10,} \|$/\1/p' "$deploy/README.md" | sort -u >"$T/written"
is "$(comm -3 "$T/told" "$T/written")" '' 'BE36 each number that is told is in the README, and no other'
for alert in $(sed -n 's/^  - alert: //p' "$deploy/monitoring/usher-rules.yaml"); do
	is "$(grep -c "name: $alert " "$USHER_SRC/tests/fixtures/deploy/usher-rules-test.yaml")" 2 "S18 $alert has a test that it fires, and one that it is quiet"
	is "$(sed -n "/alert: $alert\$/,/runbook/p" "$deploy/monitoring/usher-rules.yaml" | grep -cE '^      (summary|description|runbook): .{10}')" 3 \
		"S18 $alert says what happened, what it means and what to do"
done
"$BROKER" help >"$T/help"
lost=
for verb in $(grep -ohE 'usher-broker [a-z-]+ (-|KEY|takes|drops|\{\{)' "$deploy/monitoring/usher-rules.yaml" | cut -d' ' -f2 | sort -u); do
	grep -qE "^  $verb " "$T/help" || lost+="$verb "
done
is "$lost" '' 'the commands of the runbooks are those that there are'
if have promtool; then
	cp "$deploy/monitoring/usher-rules.yaml" "$USHER_SRC/tests/fixtures/deploy/usher-rules-test.yaml" "$T/"
	status 0 'S18 promtool takes the rules' promtool check rules "$T/usher-rules.yaml"
	status 0 'S18 every alert fires and stays quiet as it should' promtool test rules "$T/usher-rules-test.yaml"
	status 0 'promtool takes the configuration' promtool check config "$deploy/monitoring/prometheus.yml"
else
	skip 'S18 every alert fires and stays quiet as it should' 'no promtool on this machine'
fi
if have jq; then
	status 0 'the dashboard is JSON' jq -e '.panels | length > 10' "$deploy/monitoring/usher-dashboard.json"
	is "$(jq -r '[.panels[] | select(.type != "row") | select((.description // "") == "" or .title == "" or (.targets | length) == 0)] | length' "$deploy/monitoring/usher-dashboard.json")" 0 \
		'each of its panels has a name, a line and a query'
	is "$(jq -r '[.panels[].gridPos | select(.x + .w > 24)] | length' "$deploy/monitoring/usher-dashboard.json")" 0 'and stands inside of the page'
	is "$(jq -c '[.panels[].gridPos] as $p | [range($p | length) as $i | range($i) as $j | [$p[$i], $p[$j]] |
		select(.[0].x < .[1].x + .[1].w and .[1].x < .[0].x + .[0].w and .[0].y < .[1].y + .[1].h and .[1].y < .[0].y + .[0].h)]' "$deploy/monitoring/usher-dashboard.json")" '[]' \
		'and on no other'
fi

# the second stage of Containerfile, made by the script that it runs
if have ldd; then
	! ldd "$BROKER" 2>/dev/null | grep libasan >/dev/null || { skip 'the container holds what the program needs' 'built with sanitizers'; done_testing; }
	[ -z "${USHER_VALGRIND:-}" ] || { skip 'the container holds what the program needs' 'under valgrind'; done_testing; }
	status 0 'the folder of the container is made' sh "$deploy/rootfs.sh" "$BROKER" "$T/rootfs"
	is "$(cd "$T/rootfs" && find . -type f -perm /111 | grep -vE '^\./(usr/bin/usher-broker|.*\.so[.0-9a-z]*)$')" '' 'with one program alone in it'
	is "$(cd "$T/rootfs" && find . -perm /022 ! -type l ! -path ./tmp)" '' 'and nothing that others may write'
	if [ "$(id -u)" = 0 ]; then
		status 0 'the program runs there as nobody' chroot --userspec=65534:65534 --groups= "$T/rootfs" /usr/bin/usher-broker --version
	else
		skip 'the program runs there as nobody' 'only root may chroot'
	fi
fi
done_testing
