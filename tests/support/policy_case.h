/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies in tests: each text is judged twice, by the reader and by the JSON Schema, and the two must agree wherever a
 * schema can judge.
 */
#ifndef USH_TESTS_POLICY_CASE_H
#define USH_TESTS_POLICY_CASE_H

#include "broker/policy/policy.h"

#define TOP	"apiVersion: usher.dev/v1\nkind: AccessPolicy\n"
#define CLUSTER "cluster: {groupPrefix: 'oidc:'}\n"
#define SOURCES "sources: {main: {file: {path: g.json}}}\n"
#define ROLES	"roles: {reader: {rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}, edit: {clusterRole: edit}}\n"
#define GRANTS	"grants:\n- {group: dev, role: edit, namespaces: [a]}\n"

/* The policy, which reader and schema must take. */
struct ush_policy *policy_of(const char *text);
void expect_valid(const char *text);

/* Both refuse it; the reader says `what`. */
void expect_fault(const char *text, const char *what);

/* The reader refuses it and says `what`; a schema cannot see it, and ours does not. */
void expect_unseen(const char *text, const char *what);

/* The same for one grant, one rule of a role, one member after the rest. */
void expect_grant(const char *grant);
void expect_grant_fault(const char *grant, const char *what);
void expect_grant_unseen(const char *grant, const char *what);
void expect_rule_fault(const char *rule, const char *what);
void expect_rule_unseen(const char *rule, const char *what);
void expect_more_fault(const char *members, const char *what);
void expect_more_unseen(const char *members, const char *what);

#endif
