/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside source.c: what the policy says about every kind of source alike: which groups it takes, and what every complete
 * reading must hold.
 */
#ifndef USH_SOURCE_SOURCE_CHECK_H
#define USH_SOURCE_SOURCE_CHECK_H

#include "broker/source/source.h"

/* Does the source take this group (settings include and exclude: patterns of paths with a leading "/", else of names)? */
bool ush_source_takes(const struct ush_policy_source *source, const struct ush_group *group);

/* Drops the groups it does not take and counts them in left_out. Keeps the order. */
void ush_source_leave_out(const struct ush_policy_source *source, struct ush_groups *groups);

/* A canary that is missing makes groups incomplete: what rights hide is silently absent. Before anything is left out;
 * members are sorted. */
void ush_source_canaries(const struct ush_source_question *question, struct ush_groups *groups);

#endif
