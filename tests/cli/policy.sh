#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is done with a policy alone: validate as JSON and schema, import with its proof, explain. Exit status and bytes.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cp "$USHER_SRC/examples/groups.json" "$USHER_SRC/examples/policy.yaml" "$T/"
cd "$T" || exit 99

# ---- validate ----
status 0 'validate -o json of a good policy' "$BROKER" validate -o json policy.yaml
is "$(jq -r '.valid, .grants, (.faults | length)' "$OUT" | paste -sd' ')" 'true 1 0' 'says that it is valid and what it holds'
sed -e 's/role: pod-service-reader/role: pod-service-raeder/' -e 's/\[fancy-namespace\]/["*"]/' policy.yaml >bad.yaml
status 2 'validate -o json of a bad one is status 2' "$BROKER" validate -o json bad.yaml
is "$(jq -r '.valid, (.faults | length), .faults[0].line < .faults[1].line, .faults[0].column' "$OUT" | paste -sd' ')" 'false 2 true 9' 'with every fault, in the order of the file'
is "$(cat "$ERR")" '' 'and nothing on stderr'
status 2 'a file that is not there, as json' "$BROKER" validate -o json none.yaml
like "$(jq -r '.faults[0].message' "$OUT")" 'none\.yaml' 'is a fault without a place'
status 0 'validate --schema' "$BROKER" validate --schema
is "$(jq -r .title "$OUT")" AccessPolicy 'prints the schema'
printf 'exceptions: [{wildcardRole: all, owner: carol, reason: OPS-1, until: 2001-01-01}]\n' >>policy.yaml
sed 's/^roles:/roles:\n  all: {clusterRole: cluster-admin}/' policy.yaml >ended.yaml
status 2 'BM10 an exception that has ended is status 2' env TZ=UTC "$BROKER" validate ended.yaml
like "$(cat "$ERR")" '^ended\.yaml:[0-9]+:1: exceptions\[0\]\.until: has passed, so all is refused again \(carol\)' 'and says whose it was'
sed 's/2001-01-01}/2999-01-01}/' ended.yaml >held.yaml
status 0 'one that has not is valid' "$BROKER" validate held.yaml
sed '/^exceptions/d' ended.yaml >none.yaml
status 2 'and without one a role that may do everything is refused' "$BROKER" validate none.yaml
printf '\0\xff\xfe' >bytes.yaml
status 2 'bytes that are no text are status 2' "$BROKER" validate bytes.yaml
one_line "$ERR" 'in one line'

# ---- validate: what a tired person writes ----
cat >good.yaml <<'END'
apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:"}
sources:
  main:
    file: {path: g.json}
roles:
  editor: {clusterRole: edit}
  reader:
    rules:
    - {apiGroups: [""], resources: [pods], verbs: [get]}
grants:
- group: dev
  role: editor
  namespaces: [a]
- {group: ops, role: reader, namespaces: [a]}
END
status 0 'the policy that they begin with' "$BROKER" validate good.yaml
is "$(cat "$ERR")" '' 'has nothing to be said of'
# WHAT|SED|LINE:COLUMN: MESSAGE (a part of it, as it is)
while IFS='|' read -r what change message; do
	sed -e "$change" good.yaml >typo.yaml
	"$BROKER" validate typo.yaml >"$OUT" 2>"$ERR"
	is "$?:$(grep -cF -- "typo.yaml:$message" "$ERR")" 2:1 "$what: status 2 and $message" || cat "$ERR"
done <<'END'
a tab|s/^    file/\tfile/|6:1: found character that cannot start any token; there is a tab; YAML is indented with spaces alone
one space too many|s/^  reader/   reader/|9:4: did not find expected key; the line is indented otherwise than its neighbours
group as a list|s/group: dev/group: [dev]/|13:10: grants[0].group: expected a string, found list
namespaces as a word|s/^  namespaces: \[a\]/  namespaces: a/|15:15: grants[0].namespaces: expected a list, found string; put it in [ ]
a member's near name|s/^  namespaces:/  namespace:/|15:3: grants[0]: there is no member "namespace"; did you mean namespaces?
a role's near name|s/role: editor/role: edito/|14:9: grants[0].role: there is no role "edito"; did you mean editor?
a day of another land|s/^  role: editor/&\n  notAfter: 01.02.2027/|15:13: grants[0].notAfter: expected a day (2027-01-01) or a time (2027-01-01T09:00:00Z), found "01.02.2027"
a day without dashes|s/^  role: editor/&\n  notAfter: 20270201/|15:13: grants[0].notAfter: expected a day (2027-01-01) or a time (2027-01-01T09:00:00Z), found "20270201"
an end before its begin|s/^  role: editor/&\n  notBefore: 2027-02-01\n  notAfter: 2027-01-01/|16:13: grants[0].notAfter: is not after notBefore
a key twice|s/^  role: editor/&\n  role: reader/|15:3: key "role" stands twice (first in line 14)
two documents|$s/$/\n---\nkind: AccessPolicy/|17:1: a second document begins here; a policy is one
a star without quotes|s/group: dev/group: */|13:11: did not find expected alphabetic or numeric character; a text that begins with @, `, *
a star|s/group: dev/group: "*"/|13:10: grants[0].group: "*" is everybody
a capture without quotes|s/group: dev/groupPattern: {team}-devs/|13:23: did not find expected key; a text that begins with @, `, *
every group|s/group: dev/groupPattern: "{x}"/|13:17: grants[0].groupPattern: "{x}" is every group of the source
a number|s/group: dev/group: 42/|13:10: grants[0].group: expected a string, found number; put it in quotes
a yes|s/group: dev/group: yes/|13:10: grants[0].group: expected a string, found bool; put it in quotes
nothing|s/role: editor/role:/|14:8: grants[0].role: expected a string, found nothing
a quote that is not closed|s/group: dev/group: "dev/|17:1: found unexpected end of stream; a quote or bracket before it is opened and never closed
a typographic quote|s/"oidc:"/“oidc:”/|3:24: cluster.groupPrefix: begins with a typographic quote, which would be a part of it
kubectl's equality|s/^  namespaces:.*/  namespaceSelector: tier=prod/|15:22: grants[0].namespaceSelector: expected a map of labels, found "tier=prod"; kubectl's tier=prod is {tier: prod} here
kubectl's set|s/^  namespaces:.*/  namespaceSelector: "tier in (a,b)"/|15:22: grants[0].namespaceSelector: expected a map of labels, found "tier in (a,b)"; kubectl's
matchLabels nearly|s/^  namespaces:.*/  namespaceSelector: {matchLabel: {a: b}}/|15:23: grants[0].namespaceSelector: label "matchLabel" is a map, a label's value is a string; did you mean matchLabels?
an operator's case|s/^  namespaces:.*/  namespaceSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}/|15:61: grants[0].namespaceSelector.matchExpressions[0].operator: expected In, NotIn, Exists or DoesNotExist, found "in"; did you mean In?
a capture without quotes, of a label|s/group: dev/groupPattern: "{t}-devs"/; s/^  namespaces:.*/  namespaceSelector: {team: {t}}/|15:29: grants[0].namespaceSelector: label "team": put it in quotes, as in "{t}"
a capture of a label, nearly|s/group: dev/groupPattern: "{team}-devs"/; s/^  namespaces:.*/  namespaceSelector: {team: "{taem}"}/|15:29: grants[0].namespaceSelector.team: {taem} is not captured by groupPattern "{team}-devs"; did you mean {team}?
a template's role nearly|s/^grants:/templates: {t: {roles: [{role: edito, group: dev}]}}\n&/|12:32: templates.t.roles[0].role: there is no role "edito"; did you mean editor?
a template's group of everybody|s/^grants:/templates: {t: {roles: [{role: editor, group: "*"}]}}\n&/|12:47: templates.t.roles[0].group: "*" is every group of the source
a kind of source nearly|s/    file: .*/    keyclock: {url: https:\/\/x}/|6:5: sources.main: there is no member "keyclock"; did you mean keycloak?
a ClusterRole nearly|s/clusterRole/clusterrole/|8:12: roles.editor: there is no member "clusterrole"; did you mean clusterRole?
verbs in one word|s/\[get\]/["get,list"]/|11:52: roles.reader.rules[0].verbs: "get,list" is one word; several are a list: [get, list]
a group with its version|s/\[""\]/[apps\/v1]/|11:20: roles.reader.rules[0].apiGroups: "apps/v1" is a group and a version; RBAC knows the group alone: "apps"
one pod|s/\[pods\]/[pod]/|11:37: roles.reader.rules[0].resources: there is no resource "pod"; did you mean pods?
a percentage with a space|s/^grants:/limits: {remove: {bindings: 20 %}}\n&/|12:29: limits.remove.bindings: expected a number (20) or a percentage (25%), found 20 %
a duration in words|s/^grants:/limits: {vanishedGroup: {age: 1 hour}}\n&/|12:31: limits.vanishedGroup.age: expected a duration (90s, 30m, 1h, 7d), found "1 hour"
no prefix|s/"oidc:"/""/|3:24: cluster.groupPrefix: is empty; if the API server really puts nothing in front of groups: unprefixed: true
a second source|s/^  main:/  other: {file: {path: h.json}}\n&/|14:3: grants[0]: there are 2 sources; say which one knows the group, as source: other
END
sed -e 's/role: editor/rol: editor/; s/\[get\]/[GET]/; s/^cluster:.*/cluster: {}/' good.yaml >typo.yaml
"$BROKER" validate typo.yaml 2>"$ERR"
is "$(cut -d: -f2 "$ERR" | paste -sd' ')" '3 11 13 14' 'all faults at once, in the order of the file'
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n' >other.yaml
status 2 'another object of Kubernetes' "$BROKER" validate other.yaml
is "$(cat "$ERR")" 'other.yaml:2:7: kind: this is a ConfigMap, no policy; a policy has apiVersion: usher.dev/v1 and kind: AccessPolicy' 'is one fault'
sed -e 's/^/\xef\xbb\xbf/;2,$s/^\xef\xbb\xbf//' good.yaml >bom.yaml
status 0 'a byte order mark is none of ours' "$BROKER" validate bom.yaml
sed -e 's/$/\r/' good.yaml >crlf.yaml
status 0 'nor are lines that end with CR' "$BROKER" validate crlf.yaml
iconv -f utf-8 -t utf-16 good.yaml >wide.yaml
status 2 'UTF-16 is status 2' "$BROKER" validate wide.yaml
like "$(cat "$ERR")" 'the file is UTF-16; save it as UTF-8' 'and says so'
for what in empty:'' comment:'# nothing'; do
	printf '%s\n' "${what#*:}" >none.yaml
	status 2 "a file that is ${what%%:*} is status 2" "$BROKER" validate none.yaml
	like "$(cat "$ERR")" '^none\.yaml: is empty; a policy begins with apiVersion' 'and says how one begins'
done
# shellcheck disable=SC2046,SC2183 # nine words out of one
{ printf 'a: &a [x,x,x,x,x,x,x,x,x]\n'; for i in a:b b:c c:d d:e e:f f:g g:h; do printf '%s: &%s [*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s]\n' "${i#*:}" "${i#*:}" $(yes "${i%:*}" | head -9); done; } >bomb.yaml
status 2 'a bomb of aliases is status 2' timeout 300 "$BROKER" validate bomb.yaml
like "$(cat "$ERR")" 'bomb\.yaml:[0-9]+:[0-9]+: holds too many values$' 'and ends at the cap'
truncate -s 100M big.yaml
status 2 'a file of 100 MB is status 2' timeout 300 "$BROKER" validate big.yaml
like "$(cat "$ERR")" '^big\.yaml: larger than 4194304 bytes' 'and is not read'
sed -e 's/^- {group: ops.*//; s/^  main:/  other: {file: {path: h.json}}\n&/; s/^  role: editor/&\n  source: main/' good.yaml >unused.yaml
status 0 'what nothing refers to is no fault' "$BROKER" validate unused.yaml
is "$(cat "$ERR")" "$(printf 'unused.yaml:5:1: sources.other: note: no grant and no template names it\nunused.yaml:10:1: roles.reader: note: no grant and no template uses it')" 'but is told'
{ cat good.yaml; printf 'elevation: {allow: [{roles: [lent], namespaces: ["payments-*"], max: 1h}]}\n'; } | sed 's/^roles:/&\n  lent: {clusterRole: view}/' >lent.yaml
status 0 'a role that is only given for a time' "$BROKER" validate lent.yaml
is "$(cat "$ERR")" '' 'is used'

# ---- import ----
cat >definition.yaml <<'END'
apiVersion: rbacmanager.reactiveops.io/v1beta1
kind: RBACDefinition
metadata: {name: users}
rbacBindings:
- name: web
  subjects: [{kind: Group, name: "oidc:web-devs"}, {kind: Group, name: "oidc:web-ops"}]
  clusterRoleBindings: [{clusterRole: view}]
  roleBindings: [{clusterRole: edit, namespaceSelector: {matchLabels: {team: web}}}, {clusterRole: view, namespace: api}]
END
binding() { # NAMESPACE NAME CLUSTERROLE GROUP...
	printf -- '---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {namespace: %s, name: "%s", labels: {rbac-manager: reactiveops}}\n' "$1" "$2"
	printf 'roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}\nsubjects:\n' "$3"
	printf -- '- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "%s"}\n' "${@:4}"
}
mkdir there
{
	printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: web-1, labels: {team: web}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: api}\n'
	binding web-1 users-web-edit edit oidc:web-ops oidc:web-devs
	binding api users-web-view view oidc:web-devs oidc:web-ops
	binding ops theirs view somebody
} >there/all.yaml
status 0 'BM15 import with the bindings that the tool made is a no-op: status 0' "$BROKER" import definition.yaml --plan-against there --groups web.json
like "$(tail -1 "$ERR")" '^usher-broker: 2 bindings would only get our marks, 0 differ, 1 of others is left alone$' 'BM15 and says so'
like "$(cat "$OUT")" '# - RBACDefinition users, web: ClusterRoleBinding users-web-view stays as it is' 'what could not be carried over is a comment'
like "$(cat "$ERR")" '1 thing could not be carried over' 'and is counted'
sed 's/groups.json/web.json/' "$OUT" >imported.yaml
cp "$OUT" first.yaml
status 0 'the policy is valid' "$BROKER" validate imported.yaml
status 0 'import again' "$BROKER" import definition.yaml --plan-against there
ok 'gives the same bytes' cmp "$OUT" first.yaml
"$BROKER" plan -f imported.yaml --from there -o json >plan.json 2>plan.err
is "$(jq -r '[.changes[] | select(.action == "create" or .action == "remove" or .action == "replace" or (.groups.added // [] | length) > 0 or (.groups.removed // [] | length) > 0)] | length' plan.json)" 0 \
	'BM15 and the plan against the tool'\''s bindings neither makes, removes nor replaces one, nor a subject'
sed 's/oidc:web-ops", *"//; s/- {.*oidc:web-ops"}//' there/all.yaml >x && mv x there/all.yaml
status 1 'bindings that mean something else are no proof: status 1' "$BROKER" import definition.yaml --plan-against there
like "$(grep web-1 "$ERR")" '^usher-broker: web-1/users-web-edit stands with other subjects$' 'and each is named'
cat definition.yaml - >odd.yaml <<'END'
- name: all
  subjects: [{kind: Group, name: "oidc:*"}, {kind: Group, name: "oidc:web-ops"}]
  roleBindings: [{clusterRole: view, namespace: docs}]
- name: ci
  subjects: [{kind: ServiceAccount, name: ci, namespace: ops}]
  roleBindings: [{clusterRole: edit, namespace: ci}]
END
status 10 'bindings that no policy can hold make it a part: status 10' "$BROKER" import odd.yaml
like "$(cat "$ERR")" '2 of them are bindings or sources: the policy is a part of what the files say' 'which is said'
like "$(cat "$OUT")" '# - RBACDefinition users, all: RoleBinding users-all-view cannot stand in a policy' 'each by name'
sed -n '/^apiVersion/,$p' "$OUT" >rest.yaml
ok 'and the rest is imported' cmp rest.yaml <(sed -n '/^apiVersion/,$p' first.yaml)
status 2 'files of no tool are status 2' "$BROKER" import there
status 2 'a prefix that the groups do not have is status 2' "$BROKER" import definition.yaml --group-prefix corp:
status 3 'a file that is no YAML is status 3' "$BROKER" import bytes.yaml

# ---- explain ----
cat >explain.yaml <<'END'
apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:", groupName: path}
sources: {main: {file: {path: teams.json}}}
roles: {editor: {clusterRole: edit}, viewer: {clusterRole: view}}
grants:
- {groupPattern: "/teams/{team}/developers", role: editor, namespacePattern: "{team}-*", except: ["*-secret"]}
- {group: /teams/payments/developers, role: viewer, namespaceSelector: {tier: prod}}
- {group: /teams/payments/developers, role: viewer, namespaces: [archive], notAfter: 2001-01-01}
- {group: /gone, role: viewer, namespaces: [archive]}
exclude: {groups: [/teams/guests/*]}
END
cat >teams.json <<'END'
{"groups": [{"name": "developers", "path": "/teams/payments/developers", "id": "7f1c", "members": ["a", "b"]},
 {"name": "developers", "path": "/teams/guests/developers", "id": "7f1d", "members": []}], "count": 2}
END
mkdir spaces
for name in payments-dev payments-secret kube-system; do
	printf -- '---\napiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {tier: prod}}\n' "$name"
done >spaces/all.yaml
status 0 'explain of a group' "$BROKER" explain -f explain.yaml --from spaces /teams/payments/developers
like "$(cat "$OUT")" '^group /teams/payments/developers \(2 people\)' 'shows it with its people'
like "$(cat "$OUT")" 'listed by   source main, id 7f1c' 'which source lists it'
like "$(cat "$OUT")" 'bound as    oidc:/teams/payments/developers' 'its string at the API server'
like "$(cat "$OUT")" 'grants\[0\]   line 7, groupPattern /teams/\{team\}/developers: editor in payments-dev; not in payments-secret \(kept out by "\*-secret"\)' 'which namespaces a pattern reaches, and what keeps it out of others'
like "$(cat "$OUT")" 'grants\[1\]   line 8, group /teams/payments/developers: viewer in payments-dev, payments-secret; not in kube-system \(kept out by "kube-\*"\)' 'and a selector, never kube-system'
like "$(cat "$OUT")" 'but it does not hold: ended 2001-01-01 00:00 UTC' 'that a grant has ended'
like "$(cat "$OUT")" 'source main, read completely, lists it' 'and that the source was read whole'
status 0 'by the string of the API server' "$BROKER" explain -f explain.yaml oidc:/teams/payments/developers
like "$(cat "$OUT")" 'listed by   source main, id 7f1c' 'it is the same group'
like "$(cat "$OUT")" 'in the namespaces that payments-\* means; see them with --live or --from' 'without a cluster the pattern is filled in'
status 0 'a group that is excluded' "$BROKER" explain -f explain.yaml /teams/guests/developers
like "$(cat "$OUT")" 'does not hold: .*exclude' 'is told so'
status 0 'a group that is gone' "$BROKER" explain -f explain.yaml /gone
like "$(cat "$OUT")" 'does not hold: source main has no group /gone' 'is told so'
like "$(cat "$OUT")" 'source main, read completely, does not list it' 'with the proof'
status 0 'a group that nobody names' "$BROKER" explain -f explain.yaml /nobody
like "$(cat "$OUT")" 'no grant names or matches it' 'is told so'
status 0 'explain of a namespace' "$BROKER" explain -f explain.yaml --from spaces payments-dev
like "$(cat "$OUT")" '^namespace payments-dev, which is there' 'says that it is there'
like "$(cat "$OUT")" 'by namespacePattern \{team\}-\*: editor for oidc:/teams/payments/developers \(2 people\)' 'which grants reach it, through what, for whom'
like "$(cat "$OUT")" 'next run +create RoleBinding payments-dev/' 'and what a run would do'
status 0 'as json' "$BROKER" explain -f explain.yaml -o json archive
is "$(jq -r '.[0].kind, (.[0].grants | length)' "$OUT" | paste -sd' ')" 'Namespace 2' 'it is the same'
cat >labelled.yaml <<'END'
apiVersion: usher.dev/v1
kind: AccessPolicy
cluster: {groupPrefix: "oidc:", groupName: path}
sources: {main: {file: {path: teams.json}}}
roles: {editor: {clusterRole: edit}, viewer: {clusterRole: view}}
grants:
- {groupPattern: "/teams/{team}/developers", role: viewer, namespaceSelector: {team: "{team}"}}
templates: {team: {roles: [{role: editor, group: "/teams/{team}/developers"}]}}
END
mkdir labelled
printf -- '---\napiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {%s}}\n' pay 'team: payments' shop 'team: shop' \
	made 'usher.dev/template: team, template.usher.dev/team: payments' >labelled/all.yaml
status 0 'a policy with a template' "$BROKER" validate labelled.yaml
is "$(cat "$OUT")" 'labelled.yaml is valid: 1 source, 2 roles, 1 grant, 1 template' 'its roles are no grants that somebody wrote'
status 0 'explain of a group with captured labels' "$BROKER" explain -f labelled.yaml --from labelled /teams/payments/developers
like "$(cat "$OUT")" 'grants\[0\]   line 7, groupPattern .*: viewer in pay' 'finds the namespace by its label'
like "$(cat "$OUT")" 'templates\.team\.roles\[0\]   line 8, .*: editor in made' 'and the one that was made from a template'
status 0 'explain of a namespace of another team' "$BROKER" explain -f labelled.yaml --from labelled shop
like "$(cat "$OUT")" 'grants\[0\].*not this one: namespaceSelector: it is labelled team=shop, and no group is there' 'says which label does not fit'
status 1 'a plan of them' "$BROKER" plan -f labelled.yaml --from labelled -o json
is "$(jq -r '[.changes[] | select(.action == "create") | .namespace] | sort | join(" ")' "$OUT")" 'made pay' 'is for the two'
status 0 'the rights for them' "$BROKER" rbac -f labelled.yaml -o json
is "$(jq -r '[.items[] | select(.kind == "ClusterRoleBinding")] | length' "$OUT")" 1 'are for the whole cluster, as for any label'
head -c 60 teams.json >half.json && mv half.json teams.json
status 0 'an incomplete source' "$BROKER" explain -f explain.yaml /teams/payments/developers
like "$(cat "$OUT")" 'source main is incomplete, so nothing is concluded from it' 'is told, and nothing is concluded'
status 0 'the policy alone' "$BROKER" explain -f explain.yaml --no-sources /teams/payments/developers
like "$(cat "$OUT")" 'the sources were not asked' 'says that it is that'
status 2 'explain wants something to explain' "$BROKER" explain -f explain.yaml
status 2 'a cluster and a folder are two things' "$BROKER" explain -f explain.yaml --live --from spaces x
done_testing
