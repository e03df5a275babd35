#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usher-broker as an administrator's shell runs it: full disks, closed streams, files and folders that are not what they
# should be, a signal in the middle. One line each, and the status of the table.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cp "$USHER_SRC/examples/policy.yaml" "$USHER_SRC/examples/groups.json" "$T/"
cd "$T" || exit 99

# ---- what does not go out is told ----
printing=('help' 'plan --help' '--version' 'completion bash' 'completion zsh' 'validate policy.yaml' 'validate -o json policy.yaml' 'validate --schema'
	'groups -f policy.yaml' 'groups -f policy.yaml -o json' 'plan -f policy.yaml --from none' 'plan -f policy.yaml --from none -o json'
	'plan -f policy.yaml --from none -o markdown' 'rbac -f policy.yaml' 'rbac -f policy.yaml -o json' 'explain -f policy.yaml k8s-restricted-users'
	'audit --list-rules' 'audit --list-rules -o json' 'audit --list-rules -o jsonl' 'audit policy.yaml' 'audit policy.yaml -o json')
for words in "${printing[@]}"; do
	# shellcheck disable=SC2086
	run bash -c '"$0" "$@" >/dev/full' "$BROKER" $words
	is "$STATUS" 8 "$words to a full disk is status 8"
	one_line "$ERR" 'in one line'
	# shellcheck disable=SC2086
	run bash -c '"$0" "$@" >&-' "$BROKER" $words
	is "$STATUS" 8 "$words without a stdout is status 8"
	one_line "$ERR" 'in one line'
done
run bash -c '"$0" render -f policy.yaml out >/dev/full' "$BROKER"
is "$STATUS" 8 'render whose report nobody reads is status 8'
ok 'and it is done all the same' test -s out/fancy-namespace.yaml
[ -n "${USHER_VALGRIND:-}" ] || # which ends without one itself
	status 1 'without a stderr' bash -c '"$0" plan -f policy.yaml --from none 2>&-' "$BROKER"

# ---- files ----
says() { # STATUS SAYS NAME WORDS...
	status "$1" "$3" "$BROKER" "${@:4}"
	one_line "$ERR" 'in one line'
	like "$(cat "$ERR")" "^usher-broker: $2" 'which says it'
}
echo x >file
mkdir folder
ln -s nowhere dangling
says 8 '/dev/full: is not a regular file; the plan was not written' '--out is a device' plan -f policy.yaml --from none --out /dev/full
says 8 'folder: is not a regular file; the plan was not written' '--out is a folder' plan -f policy.yaml --from none --out folder
says 8 'no/where/plan.json: No such file or directory\. The plan was not written' '--out is nowhere' plan -f policy.yaml --from none --out no/where/plan.json
says 8 'file/plan.json: Not a directory\. The plan was not written' '--out is under a file' plan -f policy.yaml --from none --out file/plan.json
says 2 '--out wants the name of a file' '--out is empty' plan -f policy.yaml --from none --out ''
says 8 'no/where: ' '--metrics is nowhere' plan -f policy.yaml --from none --metrics no/where
says 8 'file: is not a folder; nothing was written' 'render into a file' render -f policy.yaml file
says 2 'render wants the name of a folder' 'render into nothing' render -f policy.yaml ''
says 8 'dangling: is not a folder; nothing was written' 'render into a link that leads nowhere' render -f policy.yaml dangling
says 8 'no/where: No such file or directory' 'render below a folder that is not there' render -f policy.yaml no/where
says 2 'none.json: No such file or directory' 'a plan that is not there, before any kubeconfig is looked for' apply --plan none.json
says 2 'folder: is a folder, a file is wanted' 'a plan that is a folder' apply --plan folder
says 2 'groups.json: is no plan of usher-broker' 'a plan that is none' apply --plan groups.json
says 2 'policy.yaml' 'a plan that is no JSON' apply --plan policy.yaml
says 2 'folder: is a folder, a file is wanted' 'a policy that is a folder' plan -f folder --from none
says 2 '/dev/null: is empty' 'a policy that is empty' plan -f /dev/null --from none
says 2 'folder: ' 'a kubeconfig that is a folder' plan -f policy.yaml --kubeconfig folder
says 2 'none: No such file' 'a kubeconfig that is not there' plan -f policy.yaml --kubeconfig none
says 2 '--service-account: "a/b" ' 'rbac for an account that cannot be' rbac -f policy.yaml --service-account a/b
says 2 '--namespace: "UPPER" ' 'rbac for a namespace that cannot be' rbac -f policy.yaml -n UPPER
says 2 '--state-namespace: "\.\./x" ' 'rbac for a state that cannot be' rbac -f policy.yaml --state-namespace ../x

# ---- where the state is ----
sed 's/^cluster:/&\n  stateNamespace: ops/' policy.yaml >ops.yaml
for verb in $("$BROKER" help | sed -nE 's/^  ([a-z-]+) .*/\1/p'); do
	grep -q -- --state-namespace <("$BROKER" help "$verb") || continue
	case $verb in
	break-glass) words='fire -n x --for 1h --reason x' ;;
	elevate) words='user bob --role x -n x --for 1h --reason x' ;;
	explain) words='x --no-sources' ;;
	offboard) words='user bob --reason x' ;;
	onboard) words='namespace x --dry-run client' ;;
	readmit) words='user bob --reason x' ;;
	render) words=out ;;
	review) words='0a1b2c3d --reason x' ;;
	run) words='--max-runs 1 --every 1s --listen none' ;;
	*) words= ;;
	esac
	# shellcheck disable=SC2086
	status 2 "$verb that is told another place than the policy says" "$BROKER" "$verb" $words -f ops.yaml --state-namespace default
	like "$(tail -n 1 "$ERR")" '^usher-broker: --state-namespace default, but ops.yaml says cluster.stateNamespace: ops' "$verb names both"
	echo "$verb" >>told
done
like "$(sort told | tr '\n' ' ')" '^apply break-glass elevate elevations explain offboard onboard plan rbac readmit render review run $' 'each verb that has the option'
roles() { "$BROKER" rbac "$@" | sed -n '/^kind: Role$/,/^rules/s/^  namespace: //p' | sort | tr '\n' ' '; }
is "$(roles -f policy.yaml)" 'default fancy-namespace ' 'where nobody says it, it is default'
is "$(roles -f policy.yaml --state-namespace ops)" 'fancy-namespace ops ' 'the option says it'
is "$(roles -f ops.yaml) $(roles -f ops.yaml --state-namespace ops)" 'fancy-namespace ops  fancy-namespace ops ' 'and so does the policy'
status 0 'render as the policy says' "$BROKER" render -f ops.yaml by-policy
status 0 'render as the option says' "$BROKER" render -f policy.yaml --state-namespace ops by-option
ok 'the same' diff -r -x '.usher*' by-policy by-option

ok 'a plan leaves nothing beside the file that it could not write' test -z "$(find . -name 'plan.json*')"

# ---- names in a folder of manifests ----
sed 's/namespaces: \[[^]]*\]/namespaceSelector: {tier: a}/' policy.yaml >selector.yaml
mkdir manifests
for name in ../evil a/b UPPER; do
	jq -n --arg name "$name" '{apiVersion: "v1", kind: "Namespace", metadata: {name: $name, labels: {tier: "a"}}}' >manifests/n.json
	says 3 "manifests/n.json.*: no namespace can be called \"$name\"" "plan: a namespace called $name" plan -f selector.yaml --from manifests
	is "$(cat "$OUT")" '' 'and nothing is printed of it'
done
rm manifests/n.json
for names in '../evil x' 'a ../x' 'a ..' 'a x%2fy'; do
	jq -n --arg space "${names% *}" --arg name "${names#* }" '{apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding",
		metadata: {name: $name, namespace: $space, labels: {"app.kubernetes.io/managed-by": "usher-broker", "usher.dev/policy": "default"}},
		roleRef: {apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view"}, subjects: []}' >manifests/b.json
	says 3 'manifests/b.json.*: no (namespace|RoleBinding) can be called "' "plan: a binding $names" plan -f policy.yaml --from manifests
	says 3 'manifests/b.json.*: no (namespace|RoleBinding) can be called "' "render: a binding $names" render -f policy.yaml manifests
done

# ---- a signal ----
sed 's/file: {path: groups.json}/command: {command: [\/bin\/sleep, "600"]}/' policy.yaml >slow.yaml
ok 'the slow source is one' grep -q sleep slow.yaml
for signal in INT TERM; do
	"$BROKER" groups -f slow.yaml >"$OUT" 2>"$ERR" &
	pid=$!
	wait_for 120 pgrep -P "$pid" sleep
	kill -"$signal" "$pid"
	wait "$pid"
	is "$?" 3 "SIG$signal while a source is read: groups ends with 3, nothing is concluded"
	nok 'and leaves no child behind' pgrep -P "$pid" sleep
done

# ---- words ----
long=$(printf 'x%.0s' {1..5000})
says 2 'plan has no option --x+' 'an option of five thousand letters' plan "--$long"
says 2 'there is no command "x+' 'a command of five thousand letters' "$long"
says 2 '--filename wants a value: POLICY' 'an option without its value' plan -f
says 2 '--output: expected one of text\|json\|markdown, found "yaml"' 'a word that is no choice' plan -f policy.yaml -o yaml
jq -n '{groups: [], count: 0}' >"it's.json"
sed "s/groups.json/\"it's.json\"/" policy.yaml >"my policy.yaml"
cp groups.json "it's.json"
status 1 'a policy with a space in its name' "$BROKER" plan -f 'my policy.yaml' --from none
like "$(cat "$OUT")" "Next: usher-broker render -f 'my policy.yaml' none" 'the next command can be pasted'
done_testing
