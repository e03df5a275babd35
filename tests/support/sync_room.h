/* SPDX-License-Identifier: Apache-2.0
 *
 * A room for whole runs of the broker: a private folder with policy.yaml and groups.json, and a fake API server.
 */
#ifndef USH_TEST_SYNC_ROOM_H
#define USH_TEST_SYNC_ROOM_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/sync/apply/apply.h"
#include "broker/sync/sync.h"
#include "tests/support/fake_kube.h"

#define RBAC	 "/apis/rbac.authorization.k8s.io/v1/namespaces/"
#define BINDINGS RBAC "fancy-namespace/rolebindings"
#define READ	 BINDINGS "/read-pods-services"
#define HEAD                                                                                                                           \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: groups.json}}}\n"     \
	"limits: {remove: {bindings: 20, people: 100%}, vanishedGroup: {runs: 2, age: 0s}}\n"                                               \
	"roles:\n  pod-service-reader: {rules: [{apiGroups: [''], resources: [pods, services], verbs: [get, watch, list]}]}\n"              \
	"  editor: {clusterRole: edit}\ngrants:\n"
#define STORY HEAD "- {group: k8s-restricted-users, role: pod-service-reader, namespaces: [fancy-namespace], name: read-pods-services}\n"
#define FULL                                                                                                                           \
	"{\"groups\":[{\"name\":\"k8s-restricted-users\",\"id\":\"1\",\"members\":[\"carol\",\"dave\"]},{\"name\":\"b\",\"id\":\"2\"}],\"count\":2}"
#define WITHOUT "{\"groups\":[{\"name\":\"b\",\"id\":\"2\"}],\"count\":1}"

struct sync_room {
	char folder[160];
	struct fake_kube *fake; /* with the namespace fancy-namespace and the ClusterRole edit */
	struct ush_error err;   /* of the last run */
	struct ush_applied applied;
	struct ush_plan *plan;
};
extern struct sync_room room;

void sync_room_begin(const char *policy, const char *groups);
void sync_room_end(void);

/* Writes a file of the folder. */
void sync_room_put(const char *name, const char *text);

/* Makes room.plan; -1 with room.err. */
int sync_room_plan(void);

/* Plans and, when nothing stops it, applies. The exit status, conflicts aside. */
int sync_room_run(void);

/* One thing failed in the last run, and its line holds what. */
void sync_room_expect_failed(const char *what);

/* The last plan has such a change, whose reason holds what. */
bool sync_room_says(enum ush_action action, const char *what);

/* The next run is on another machine, whose clock is so far ahead of the server's. */
void sync_room_ahead(int64_t ms);

/* Is there an object at an API path? Where in the log does a request stand, SIZE_MAX when it did not come in? */
bool sync_room_has(const char *path);
size_t sync_room_when(const char *method, const char *path);

#endif
