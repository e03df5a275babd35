/* SPDX-License-Identifier: Apache-2.0
 *
 * What a role is asked about when it is to be shown that it works: the first thing that its rules allow. Pure.
 */
#ifndef USH_SYNC_QUESTION_H
#define USH_SYNC_QUESTION_H

#include <jansson.h>
#include <stdbool.h>

struct ush_question {
	char *verb, *group, *resource, *subresource, *name; /* verb NULL: the rules give nothing that can be asked */
};

#define USH_QUESTION_USER "usher-broker:proof" /* who asks, when a group is what matters */

/* rules: of a Role or ClusterRole. False when they give nothing that can be asked. */
bool ush_question_read(struct ush_question *question, const json_t *rules);
void ush_question_copy(struct ush_question *to, const struct ush_question *from);
void ush_question_free(struct ush_question *question);

/* The access review: may this user, with these groups (ended by NULL), do it in the namespace? Owned by the caller. */
json_t *ush_question_review(const struct ush_question *question, const char *user, const char *const *groups, const char *namespace_name);

/* True when the answer to it says yes. */
bool ush_question_allowed(const json_t *answer);

#endif
