#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usher-broker audit on manifests: what it prints, and every exit status it has without a cluster.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh" || exit 99
fixtures=$USHER_SRC/tests/fixtures/audit
hit=$fixtures/AU080/hit.yaml
miss=$fixtures/AU001/miss-default.yaml

# A7: the dashboard's binding from a file, a folder and stdin
status 1 'A7: a file with the dashboard binding is status 1' "$BROKER" audit "$hit"
is "$(grep -c ^CRITICAL "$OUT")" 1 'A7: and one critical finding'
like "$(<"$OUT")" 'dashboard-cluster-admin \(AU080, CIS 5\.1\.1\)   ClusterRoleBinding kubernetes-dashboard' 'A7: it names rule and object'
like "$(<"$OUT")" $'\n    ServiceAccount kube-system/kubernetes-dashboard may do everything; ' 'A7: and subject and reason'
like "$(<"$OUT")" $'\n    kubectl delete clusterrolebinding kubernetes-dashboard\n' 'A7: and the command alone on its line'
like "$(tail -n 1 "$OUT")" '^1 critical, 0 high\. 1 objects read, nothing missing; ' 'A7: the last line counts'
is "$(<"$ERR")" '' 'nothing is on stderr'
status 1 'A7: stdin gives the same' "$BROKER" audit - <"$hit"
like "$(<"$OUT")" 'CRITICAL  dashboard-cluster-admin' 'A7: by -'
mkdir -p "$T/manifests/deep"
cp "$hit" "$T/manifests/deep/b.yml"
cp "$miss" "$T/manifests/a.yaml"
status 1 'A7: a folder gives the same' "$BROKER" audit "$T/manifests"
is "$(grep -c ^CRITICAL "$OUT")" 1 'A7: once'
status 0 'A7: the defaults alone are status 0' "$BROKER" audit "$miss"
like "$(tail -n 1 "$OUT")" '^0 critical, 0 high\. 1 objects read, nothing missing; 1 built-ins of 1\.36 recognised by content\.$' 'A7: and no finding'
status 1 'several operands are read together' "$BROKER" audit "$miss" "$hit"
like "$(tail -n 1 "$OUT")" ' 2 objects read, ' 'and counted together'

# thresholds
medium=$fixtures/AU006/hit.yaml
status 1 'a medium finding is status 1 unless said' "$BROKER" audit "$medium"
status 1 'at --fail-on medium' "$BROKER" audit --fail-on medium "$medium"
status 0 'and is status 0 at --fail-on high' "$BROKER" audit --fail-on high "$medium"
like "$(<"$OUT")" '^MEDIUM ' 'where it is printed all the same'
status 0 'and at --fail-on critical' "$BROKER" audit --fail-on=critical "$medium"

# formats
status 1 'json' "$BROKER" audit -o json "$hit"
like "$(tr -d ' \n' <"$OUT")" '^\{"findings":\[\{"id":"AU080",.*"summary":\{"critical":1,.*"complete":true,"missing":\[\]\}\}$' 'is one document'
status 1 'jsonl' "$BROKER" audit -o jsonl "$hit"
is "$(wc -l <"$OUT")" 2 'is a line a finding and the summary'

# incomplete is never clean
printf 'kind: ClusterRole\n' >"$T/half.yaml"
status 3 'a document that is no object is status 3' "$BROKER" audit "$T/half.yaml"
like "$(<"$OUT")" 'NOT ALL' 'and the report says so'
one_line "$ERR" 'with one line on stderr'
like "$(<"$ERR")" '^usher-broker: not everything could be read: .*half\.yaml:1' 'that names file and line'
status 3 'a finding does not make up for what was not read' "$BROKER" audit "$hit" "$T/half.yaml"
like "$(<"$OUT")" '^CRITICAL ' 'but is printed'
status 3 'a file that is not there' "$BROKER" audit "$T/none.yaml"
printf '{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"a"},"rules":[{"verbs":"*"}]}' >"$T/bad.json"
status 3 'a role that is not understood' "$BROKER" audit "$T/bad.json"
like "$(<"$ERR")" 'bad\.json:1: Role default/a: rules\[0\]\.verbs: expected a list' 'is told by file, object and field'
printf 'a: [\n' >"$T/broken.yaml"
status 3 'broken YAML' "$BROKER" audit "$T/broken.yaml"
status 3 'broken YAML as json' "$BROKER" audit -o json "$T/broken.yaml"
like "$(tr -d ' \n' <"$OUT")" '"complete":false,"missing":\[".*broken\.yaml' 'where the summary says incomplete'

# usage
status 2 'a kubeconfig and manifests at once is status 2' "$BROKER" audit --kubeconfig "$T/k" "$hit"
status 2 'an unknown threshold is status 2' "$BROKER" audit --fail-on severe "$hit"
status 2 'no cluster to be found is status 2' env -u KUBERNETES_SERVICE_HOST "$BROKER" audit
one_line "$ERR" 'in one line'

# the command it prints is taken by a shell as it stands, whatever the name
cat >"$T/names.yaml" <<'E'
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: "--all\e]0;'\\ $(touch hurt)`id`\u202e\n!*", namespace: "n;$(touch hurt)"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: User, name: "\e[2J\u202eroot"}]
E
status 1 'names that a terminal or a shell would obey' "$BROKER" audit "$T/names.yaml"
is "$(LC_ALL=C tr -d '\n -~' <"$OUT" | wc -c)" 0 'are printed as printable ASCII'
command=$(sed -n 's/^    \(kubectl delete .*\)/\1/p' "$OUT")
got=$(cd "$T" && bash -c 'kubectl() { printf "%s\0" "$@"; }; '"$command" | od -An -tx1 | tr -d ' \n')
# shellcheck disable=SC2016 # these are names, not commands
want=$(printf '%s\0' delete rolebinding -n 'n;$(touch hurt)' -- $'--all\e]0;\'\\ $(touch hurt)`id`\u202e\n!*' | od -An -tx1 | tr -d ' \n')
is "$got" "$want" 'and reach kubectl byte for byte, after --'
nok 'nothing of a name was run' test -e "$T/hurt"

# the rules
status 0 'the rules are listed' "$BROKER" audit --list-rules
like "$(<"$OUT")" '^AU001  critical  cluster-admin-binding ' 'by id'
status 0 'and as json' "$BROKER" audit --list-rules -o jsonl
is "$(wc -l <"$OUT")" "$("$BROKER" audit --list-rules | wc -l)" 'one a line'
done_testing
