/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of the layouts begin with: two sources, policies of few grants, and what bindings then hold.
 */
#ifndef USH_TEST_LAYOUT_CASE_H
#define USH_TEST_LAYOUT_CASE_H

#include <stdbool.h>

#include "tests/support/sync_case.h"

#define LAYOUT_HEAD                                                                                                                   \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:', userPrefix: 'u:'}\n"                                 \
	"sources: {one: {file: {path: a.json}}, two: {file: {path: b.json}}}\n"                                                             \
	"roles:\n  reader: {rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n  edit: {clusterRole: edit}\n"                    \
	"limits: {remove: {bindings: 100, people: 100%}, vanishedGroup: {runs: 2, age: 0s}}\n"
#define LAYOUT_ONE   "grants:\n- {source: one, group: a, role: edit, namespaces: [x]}\n- {source: one, group: b, role: edit, namespaces: [x]}\n"
#define LAYOUT_BOTH  "grants:\n- {source: one, group: a, role: edit, namespaces: [x], name: e}\n- {source: two, group: b, role: edit, namespaces: [x], name: e}\n"
#define LAYOUT_ROLES "grants:\n- {source: one, group: a, role: reader, namespaces: [x]}\n- {source: one, group: b, role: edit, namespaces: [x]}\n"

/* A cluster without bindings, and groups that the policies name: 1 /a and 2 /b of one, 1 /b and 7 /other of two. */
struct sync_case *layout_case_new(const char *policy);

/* "role: kind name ..." of each binding, sorted, with " | " between them. */
void layout_case_expect(const struct sync_case *c, const char *bindings);

/* As the API server would decide for a person of these groups. */
bool layout_case_may_edit(const struct sync_case *c, const char *person, const char *groups);

#endif
