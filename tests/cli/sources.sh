#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usher-broker groups: what sources say, what is recorded of it, what is replayed.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$T" || exit 99

cat >groups.csv <<-'EOF'
group,id,member
/teams/red,1,carol
/teams/red,1,dave
/teams/blue,2,erin
old,3,
#rows,4
EOF
sum=$(sha256sum <groups.csv | cut -d' ' -f1)
echo "#sha256,$sum" >>groups.csv
cat >print-groups <<-'EOF'
#!/bin/sh
echo ran >>ran
echo '{"groups": [{"name": "ops", "id": "9", "members": ["olga"]}], "count": 1}'
EOF
chmod 700 print-groups

policy() { # MORE-OF-THE-FILE-SOURCE
	cat <<-EOF
	apiVersion: usher.dev/v1
	kind: AccessPolicy
	cluster: {groupPrefix: "oidc:", groupName: path}
	sources:
	  main: {file: {path: groups.csv$1}}
	  own: {command: {command: [$T/print-groups]}}
	roles: {editor: {clusterRole: edit}}
	grants:
	- {source: main, groupPattern: "/teams/{team}", role: editor, namespaces: [somewhere]}
	- {source: own, group: ops, role: editor, namespaces: [elsewhere]}
	EOF
}
policy '' >policy.yaml

# ---- groups ----
status 0 'BE11 two sources are read in one run' "$BROKER" groups -f policy.yaml
like "$(head -n 1 "$OUT")" '^GROUP +ID +PEOPLE +AT THE API SERVER' 'a table'
like "$(cat "$OUT")" '/teams/red +1 +2 +oidc:/teams/red' 'a group that a pattern means is read with its members'
like "$(cat "$OUT")" '/old +3 +0 +oidc:/old' 'one without people is there'
like "$(cat "$OUT")" 'source main  file groups\.csv: 3 groups, 3 people' 'a source is summed up'
like "$(cat "$OUT")" "source own  command $T/print-groups: 1 group, 1 person" 'so is the other'
like "$(cat "$OUT")" "complete: the file's own count; [0-9]" 'with the proof'
status 0 'one source alone' "$BROKER" groups own -f policy.yaml
nok 'shows no other' grep -q teams "$OUT"
status 0 'groups as json' "$BROKER" groups -f policy.yaml -o json
is "$(jq -c '[.[] | [.name, .complete, .count, .people, .disabled, .unresolvable, .leftOut]]' "$OUT")" '[["main",true,3,3,0,0,0],["own",true,1,1,0,0,0]]' 'with every count'
jq '.[0]' "$OUT" >again.json
sed 's/groups\.csv/again.json/' policy.yaml >again.yaml
status 0 'what it prints is what it reads' "$BROKER" groups main -f again.yaml -o json
is "$(jq -r '.[0].digest' "$OUT")" "$(jq -r .digest again.json)" 'and means the same'
status 2 'both of --members and --no-people is status 2' "$BROKER" groups -f policy.yaml --members --no-people
status 0 'nobody need be asked about' "$BROKER" groups -f policy.yaml --no-people -o json

# ---- what is left out, what must be there ----
policy ', include: ["/teams/*"], exclude: [red], canaries: {groups: [/teams/blue], people: [erin]}' >narrow.yaml
status 0 'include, exclude and canaries' "$BROKER" groups main -f narrow.yaml
like "$(cat "$OUT")" '1 group, 1 person, 2 groups left out by the policy' 'what is left out is counted'
policy ', canaries: {groups: [/teams/green]}' >canary.yaml
status 3 'BF06 a canary that is missing is status 3' "$BROKER" groups main -f canary.yaml
like "$(cat "$ERR")" '^usher-broker: source main is incomplete: the group /teams/green, which every complete reading has, is not there\. ' 'says which'
sed 's/carol/karol/' groups.csv >other.csv
sed 's/groups\.csv/other.csv/' policy.yaml >other.yaml
status 3 'a checksum that does not fit is status 3' "$BROKER" groups main -f other.yaml
like "$(cat "$ERR")" 'sha256 is not that of what stands before it' 'and says so'
sed 's|print-groups|no-such-program|' policy.yaml >missing.yaml
status 2 'a program that is not there is status 2' "$BROKER" groups own -f missing.yaml

# ---- record and replay ----
plain() { sed 's/, [0-9.]* s$//' "$1"; }
mkdir out
status 1 'a plan is made and its sources recorded' "$BROKER" plan -f policy.yaml --from out --record recording
cp "$OUT" recorded.txt
is "$(stat -c %a recording recording/exchanges.jsonl | paste -sd' ')" '700 600' 'privately'
: >ran
rm groups.csv
status 1 'BM17 a plan is replayed without the source' "$BROKER" plan -f policy.yaml --from out --replay recording
is "$(plain "$OUT")" "$(plain recorded.txt)" 'and is the same'
is "$(cat ran)" '' 'no program ran'
status 0 'render takes a recording, too' "$BROKER" render -f policy.yaml --replay recording out
status 2 'to record and to replay at once is status 2' "$BROKER" groups -f policy.yaml --record recording --replay recording
status 8 'a recording is not written over' "$BROKER" groups -f policy.yaml --record recording
like "$(cat "$ERR")" 'holds a recording already' 'and that is said'
status 2 'a recording that is not there is status 2' "$BROKER" groups -f policy.yaml --replay nowhere
mkdir half && head -c 100 recording/exchanges.jsonl >half/exchanges.jsonl
status 2 'half a recording is status 2' "$BROKER" groups -f policy.yaml --replay half
sed 's/^  main:/  renamed:/; s/source: main/source: renamed/' policy.yaml >renamed.yaml
status 3 'what is not in the recording is status 3' "$BROKER" groups renamed -f renamed.yaml --replay recording
like "$(cat "$ERR")" 'has no answer to file groups\.csv' 'and named'
done_testing
