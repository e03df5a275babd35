/* SPDX-License-Identifier: Apache-2.0
 *
 * A sync_room in which somebody leaves: the offboarding as `offboard_one`, whose providers are those of `offboard_sources`, a
 * world that no provider answers in unless a story says otherwise.
 */
#ifndef USH_TEST_OFFBOARD_CASE_H
#define USH_TEST_OFFBOARD_CASE_H

#include "broker/lifecycle/offboard/offboard.h"
#include "tests/support/sync_room.h"

#define OURS   "'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'default'},'annotations':{'usher.dev/role':'r'}"
#define REF    "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}"
#define CAROL  "{'apiGroup':'rbac.authorization.k8s.io','kind':'User','name':'Carol'}"
#define DAVE   "{'apiGroup':'rbac.authorization.k8s.io','kind':'User','name':'dave'}"
#define EVE    "{'apiGroup':'rbac.authorization.k8s.io','kind':'User','name':'eve'}"
#define AT(name) BINDINGS "/" name
#define KEYCLOAK                                                                                                                    \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\n"                                               \
	"sources: {main: {keycloak: {url: 'https://sso.test', realm: acme, client: c, secretFile: secret}}}\n"                           \
	"roles: {editor: {clusterRole: edit}}\ngrants:\n- {group: b, role: editor, namespaces: [default]}\n"

extern struct ush_offboard offboard_one;
extern struct ush_policy *offboard_policy;
extern struct ush_world offboard_sources;
extern size_t offboard_asked;  /* requests that reached for a provider */
extern size_t offboard_listed; /* lists of RBAC objects that came before the first of them */

void offboard_begin(const char *policy, const char *groups, enum ush_ledger_kind kind, const char *name);
void offboard_end(void);

/* Once more, as another call of the program would; NULL: the same name. */
void offboard_again(const char *name);

/* A RoleBinding of fancy-namespace, with members of metadata and subjects. */
void offboard_put(const char *name, const char *metadata, const char *subjects);
size_t offboard_subjects(const char *path);

/* The first line of a word whose text holds `part`; ends the test when there is none. And whether there is one. */
const json_t *offboard_line(const char *word, const char *part);
bool offboard_says(const char *word, const char *part);

bool offboard_is_denied(const char *name);

#endif
