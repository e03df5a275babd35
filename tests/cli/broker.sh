#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usher-broker from files alone: validate, groups, plan --from, render. Exit status and bytes.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cp "$USHER_SRC/examples/policy.yaml" "$USHER_SRC/examples/groups.json" "$T/"
cd "$T" || exit 99

# ---- validate ----
status 0 'the example policy is valid' "$BROKER" validate policy.yaml
is "$(cat "$OUT")" 'policy.yaml is valid: 1 source, 1 role, 1 grant' 'and validate says what it holds'
status 0 'validate takes -f' "$BROKER" validate -f policy.yaml
status 0 'validate reads stdin' "$BROKER" validate - <policy.yaml
status 2 'validate wants a policy' "$BROKER" validate
sed -e 's/role: pod-service-reader/role: pod-service-raeder/' -e 's/\[fancy-namespace\]/["*"]/' policy.yaml >bad.yaml
line=$(grep -n raeder bad.yaml | cut -d: -f1)
status 2 'a policy with faults is status 2' "$BROKER" validate bad.yaml
is "$(wc -l <"$ERR")" 2 'every fault is a line'
like "$(head -1 "$ERR")" "^bad\.yaml:$line:9: grants\[0\]\.role: there is no role \"pod-service-raeder\"; did you mean pod-service-reader\?$" 'which names file, line, column, field and the nearest word'
is "$(cat "$OUT")" '' 'and stdout is empty'
status 2 'plan with a bad policy is status 2' "$BROKER" plan -f bad.yaml --from out
one_line "$ERR" 'and says one line'
like "$(cat "$ERR")" '^usher-broker: bad\.yaml:.*1 more fault; see them all: usher-broker validate -f bad\.yaml$' 'with the next command'
for group in system:masters SYSTEM:authenticated '*' ''; do
	sed "s/group: k8s-restricted-users/group: \"$group\"/" policy.yaml >bad.yaml
	status 2 "BC20 group \"$group\" is refused when the policy is read" "$BROKER" validate bad.yaml
done
printf 'a: [1\n' >bad.yaml
status 2 'what is no YAML is status 2' "$BROKER" validate bad.yaml
like "$(cat "$ERR")" '^bad\.yaml:[0-9]+:[0-9]+: ' 'and names the place'
status 2 'a policy that is not there is status 2' "$BROKER" plan -f none.yaml --from out

# ---- groups ----
status 0 'groups of a complete source' "$BROKER" groups -f policy.yaml
like "$(cat "$OUT")" '/k8s-restricted-users +[0-9a-f-]+ +3 +oidc:k8s-restricted-users' 'shows path, id, people and the name at the API server'
status 0 'groups as json' "$BROKER" groups -f policy.yaml -o json
is "$(jq -r '.[0] | .complete, .groups[0].subject' "$OUT" | paste -sd' ')" 'true oidc:k8s-restricted-users' 'which is a list of sources'
status 2 'a source that the policy does not have is status 2' "$BROKER" groups -f policy.yaml other
head -c 100 groups.json >half.json
sed 's/groups.json/half.json/' policy.yaml >half.yaml
status 3 'BC22 half a file is status 3' "$BROKER" groups -f half.yaml
like "$(cat "$ERR")" '^usher-broker: source main is incomplete: half\.json:[0-9]+:[0-9]+: ' 'and names the place'

# ---- plan --from and render ----
status 1 'plan --from an empty folder is status 1' "$BROKER" plan -f policy.yaml --from out
like "$(cat "$OUT")" '\+ fancy-namespace +RoleBinding +read-pods-services +oidc:k8s-restricted-users \(3 people\)' 'shows the RoleBinding'
like "$(cat "$OUT")" 'For people: 3 may now see pods and services in fancy-namespace, through oidc:k8s-restricted-users\.' 'and what it means for people'
like "$(cat "$OUT")" 'Next: usher-broker render -f policy\.yaml out' 'and the next command'
nok 'plan makes no folder' test -e out
status 0 'render writes it' "$BROKER" render -f policy.yaml out
is "$(cd out && find . -type f)" './fancy-namespace.yaml' 'one file a namespace'
status 0 'the next plan has nothing to do' "$BROKER" plan -f policy.yaml --from out
like "$(cat "$OUT")" 'Nothing to do\.' 'and says so'
cp -p out/fancy-namespace.yaml before.yaml
status 0 'render again' "$BROKER" render -f policy.yaml out
is "$(cat "$OUT")" 'out: 0 files written, 1 as before, 0 removed' 'writes nothing'
nok 'the file is not touched' test out/fancy-namespace.yaml -nt before.yaml
cp -p before.yaml x && touch -r before.yaml x
ok 'nor are its bytes' cmp out/fancy-namespace.yaml before.yaml
status 1 'plan as json is status 1' "$BROKER" plan -f policy.yaml --from other -o json --out plan.json
is "$(jq -r '.kind, .changes[1].action, .changes[1].groups.added[0].people' "$OUT" | paste -sd' ')" 'Plan create 3' 'with kind, actions and people'
ok '--out writes the same plan' diff <(jq -S 'del(.sources)' "$OUT") <(jq -S 'del(.sources)' plan.json)
sed 's/"milliseconds": [0-9]*/"milliseconds": 987654/' plan.json >touched.json
status 2 'a plan of which one number was changed, which only a reader looks at, is refused' env KUBECONFIG=/dev/null "$BROKER" apply --plan touched.json
mkfifo pipe
status 8 '--out does not take the place of a device or pipe' "$BROKER" plan -f policy.yaml --from other --out pipe
ok 'which is still there' test -p pipe
status 2 'a plan for a folder is not for a cluster' env KUBECONFIG=/dev/null "$BROKER" apply --plan plan.json
printf 'apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]\nusers: [{name: u, user: {token: t}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n' >kubeconfig
chmod 600 kubeconfig
status 2 'even where there is a cluster' "$BROKER" apply --plan plan.json --kubeconfig kubeconfig
like "$(cat "$ERR")" 'is a plan for the folder other' 'and says why'
sed 's/"fancy-namespace"/"kube-system"/g' plan.json >forged.json
status 2 'a plan that was changed is refused' "$BROKER" apply --plan forged.json --kubeconfig kubeconfig
like "$(cat "$ERR")" 'was changed after usher-broker wrote it' 'and says so'
status 6 'an API server that is not there is status 6' "$BROKER" plan -f policy.yaml --kubeconfig kubeconfig
one_line "$ERR" 'in one line'

# ---- sources that are not to be believed ----
cp groups.json full.json
for kind in empty zero half html; do
	case $kind in
	empty) : >groups.json ;;
	zero) echo '{"groups": [], "count": 0}' >groups.json ;;
	half) head -c 150 full.json >groups.json ;;
	html) echo '<html>sign in</html>' >groups.json ;;
	esac
	status 3 "BC01 BC22 T50 a source that is $kind: plan is status 3" "$BROKER" plan -f policy.yaml --from out
	status 3 "a source that is $kind: render is status 3" "$BROKER" render -f policy.yaml out
	one_line "$ERR" "a source that is $kind is told in one line"
	ok "a source that is $kind: not a byte changes" cmp out/fancy-namespace.yaml before.yaml
done

# ---- a group that is gone ----
sed 's/age: 1h/age: 0s/' policy.yaml >quick.yaml
echo '{"groups": [{"name": "other"}], "count": 1}' >groups.json
status 0 'BC10 T51 a vanished group: the first render' "$BROKER" render -f quick.yaml out
like "$(cat "$ERR")" 'kept: group k8s-restricted-users is gone from source main' 'says that it keeps the binding'
ok 'and does not touch the file' cmp out/fancy-namespace.yaml before.yaml
status 0 'the second render' "$BROKER" render -f quick.yaml out
is "$(find out -name '*.yaml')" '' 'removes it'
cp full.json groups.json
status 0 'the group is back' "$BROKER" render -f quick.yaml out
ok 'and so are the same bytes' cmp out/fancy-namespace.yaml before.yaml

# ---- others' files ----
mkdir theirs
echo '# mine' >theirs/fancy-namespace.yaml
status 5 'T57 a file that is not ours is status 5' "$BROKER" render -f policy.yaml theirs
is "$(cat theirs/fancy-namespace.yaml)" '# mine' 'and is left alone'
printf 'kind: Oops\n' >theirs/x.yaml
status 3 'a folder that cannot be read whole is status 3' "$BROKER" render -f policy.yaml theirs

# ---- names that lead elsewhere ----
mkdir -p hostile/in
sed 's/namespaces: \[[^]]*\]/namespaceSelector: {tier: a}/' policy.yaml >selector.yaml
for name in ../evil a/b .git 'a\nb' UPPER; do
	printf 'kind: Namespace\napiVersion: v1\nmetadata: {name: "%s", labels: {tier: a}}\n' "$name" >hostile/in/n.yaml
	status 3 "a namespace called $name is status 3" "$BROKER" render -f selector.yaml --namespaces hostile/in hostile/out
	like "$(cat "$ERR")" 'nothing was concluded' 'and says so'
	is "$(find . -newer hostile/in/n.yaml -name '*evil*') $(find hostile -type f)" ' hostile/in/n.yaml' 'nothing is written, here or elsewhere'
done

# ---- another layout, and a group that is gone: what is kept is in the folder, or GitOps would take it away ----
layouts() { # LAYOUT NAME...: groups
	jq -n '{groups: [$ARGS.positional[] | {name: ., id: "id-\(.)", members: ["\(.)-person"]}], count: ($ARGS.positional | length)}' --args "${@:2}" >layouts.json
	jq -n --arg layout "$1" '{apiVersion: "usher.dev/v1", kind: "AccessPolicy", cluster: {groupPrefix: "oidc:"}, layout: $layout,
		sources: {main: {file: {path: "layouts.json"}}}, roles: {reader: {rules: [{apiGroups: [""], resources: ["pods"], verbs: ["get"]}]}},
		grants: [{group: "a", role: "reader", namespaces: ["n"]}, {group: "b", role: "reader", namespaces: ["n"]}]}' >layouts.yaml
	"$BROKER" render -f layouts.yaml "kept-$to" >/dev/null 2>&1
}
bound() { sed -n 's/^  name: "\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "kept-$to/n.yaml" | sort -u | tr '\n' ' '; } # names of objects, roles and subjects
for to in group users; do
	layouts role a b
	like "$(bound)" 'oidc:a oidc:b ' 'both groups are bound'
	layouts "$to" b
	like "$(bound)" 'oidc:a' "layout role to $to: the group that is gone is kept in the folder"
	like "$(bound)" "$([ "$to" = users ] && echo b-person || echo oidc:b)" 'beside what is new'
done

# ---- the command line ----
status 2 'apply wants a policy or a plan' "$BROKER" apply
for wrong in '--no-sources' '--max-age 1h' '--confirm 12345678'; do
	# shellcheck disable=SC2086
	status 2 "${wrong%% *} goes with --plan" "$BROKER" apply -f policy.yaml $wrong
	one_line "$ERR" 'in one line'
done
for wrong in '--no-people' '--cluster a' '--max-age 1y' '--no-sources --replay out'; do
	# shellcheck disable=SC2086
	status 2 "apply --plan does not take $wrong" "$BROKER" apply --plan plan.json $wrong --kubeconfig kubeconfig
	one_line "$ERR" 'in one line'
done
status 2 'render wants a folder' "$BROKER" render -f policy.yaml
status 2 'an option that is not there' "$BROKER" plan -f policy.yaml --form out
like "$(cat "$ERR")" 'Did you mean --from\?' 'is told with the nearest'
done_testing
