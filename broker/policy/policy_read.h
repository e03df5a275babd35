/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the policy's reader. Each fills its part of the policy from a node and notes faults in the reader.
 */
#ifndef USH_POLICY_READ_H
#define USH_POLICY_READ_H

#include "broker/policy/policy.h"
#include "broker/policy/reader.h"

void ush_policy_read_sources(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy);
void ush_policy_read_roles(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy);

/* After cluster, sources and roles: a grant names them. */
void ush_policy_read_grants(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy);

#endif
