/* SPDX-License-Identifier: Apache-2.0
 *
 * A room for whole onboardings: a policy with the templates team and other, groups of the teams a and b, and a fake API server
 * (sync_room.h).
 */
#ifndef USH_TEST_ONBOARD_ROOM_H
#define USH_TEST_ONBOARD_ROOM_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "tests/support/sync_room.h"

#define ONBOARD_POLICY                                                                                                                        \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:', groupName: path}\n"                                   \
	"sources: {main: {file: {path: groups.json}}}\n"                                                                                   \
	"roles:\n  reader: {rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n  editor: {clusterRole: edit}\ngrants: []\n"      \
	"templates:\n  team:\n    podSecurity: restricted\n    quota: {pods: 2}\n    roles:\n"                                              \
	"    - {role: reader, group: '/teams/{team}/dev'}\n    - {role: editor, group: '/teams/{team}/leads'}\n  other: {}\n"
#define ONBOARD_GROUPS                                                                                                                        \
	"{\"groups\":[{\"path\":\"/teams/a/dev\",\"name\":\"dev\",\"id\":\"1\"},{\"path\":\"/teams/a/leads\",\"name\":\"leads\",\"id\":\"2\"},"  \
	"{\"path\":\"/teams/b/dev\",\"name\":\"dev\",\"id\":\"3\"}],\"count\":3}"
#define SPACE	    "/api/v1/namespaces/a-dev"
#define SPACE_RBAC  RBAC "a-dev"
#define OWN_LABELS  "'usher.dev/template':'team','template.usher.dev/team':'a','app.kubernetes.io/managed-by':'usher-broker'"
#define PSA_LABELS  "'pod-security.kubernetes.io/enforce':'restricted','pod-security.kubernetes.io/audit':'restricted','pod-security.kubernetes.io/warn':'restricted'"
#define OUR_SPACE   "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{" OWN_LABELS "," PSA_LABELS "}}}"
#define HALF_LABELS "'usher.dev/onboarding':'team','template.usher.dev/team':'a','app.kubernetes.io/managed-by':'usher-broker'"
#define HALF_SPACE  "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{'x':'y'," HALF_LABELS "," PSA_LABELS "}}}"
#define DENY	    "/apis/networking.k8s.io/v1/namespaces/a-dev/networkpolicies"

struct onboard_room {
	struct ush_onboard last;
	char *text;   /* what it told */
	long most;    /* namespaces that the template lets a team have; 0: no limit */
	size_t wrote; /* how often it said, for the audit log, that something was written; in all runs for team a without adopt */
};
extern struct onboard_room onboard_room;

void onboard_room_begin(void);
void onboard_room_end(void);

/* Onboards a-dev (and a-test, a-prod) for a team. The exit status of the command, as the verb would have it. */
int onboard_room_run(const char *team, bool adopt, enum ush_onboard_dry dry, size_t count);
void onboard_room_ends(int status, int expected);
void onboard_room_tells(const char *what);

/* A label of namespace a-dev, or NULL. */
const char *onboard_room_label(const char *key);

#endif
