/* SPDX-License-Identifier: Apache-2.0
 *
 * What a finding says: names for people, and commands that a shell takes as they stand. Pure.
 */
#ifndef USH_AUDIT_WORDS_H
#define USH_AUDIT_WORDS_H

#include "broker/audit/rules.h"

/* "ClusterRole x", "Role x", "RoleBinding ns/x". The caller frees each of these. */
char *ush_words_object(const struct ush_rbac *object);
char *ush_words_role(const struct ush_rbac *binding);

/* "User a, Group b and 3 more": the subjects that count (NULL: all) and match somebody. NULL when nobody. */
char *ush_words_subjects(const struct ush_rbac *binding, const bool *counts);

/* Fills {who} {where} {role} {detail} into a rule's sentence. */
char *ush_words_why(const struct ush_audit_rule *rule, const struct ush_rbac *object, const char *who,
		    const char *detail);

/* What follows "kubectl " (ush_findings_add puts it in front). */
char *ush_remedy_delete(const struct ush_rbac *object);
/* Takes the marked subjects out; all of them: deletes the binding. Keeps the default bindings. */
char *ush_remedy_subjects(const struct ush_rbac *binding, const bool *marked, bool keep);
/* Takes the marked rules out of a role and puts in what is lost of the table's by that. */
char *ush_remedy_rules(const struct ush_rbac *role, const bool *marked, const struct ush_rbac *table);
/* label|annotate KIND NAME key- key- */
char *ush_remedy_unmark(const struct ush_rbac *object, const char *command, const char *const *keys, size_t count);
char *ush_remedy_look(const struct ush_rbac *object);

#endif
