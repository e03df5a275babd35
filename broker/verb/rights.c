/* SPDX-License-Identifier: Apache-2.0
 *
 * --rights: whether a run goes on when we may do more than the policy needs. A ServiceAccount works unattended, and what it
 * may do whoever takes its token may do: it is held to what `usher-broker rbac` prints. A person's own rights are that
 * person's, and are left alone unless asked for.
 */
#include <string.h>

#include "broker/rights/rights.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"

#define SERVICE_ACCOUNT "system:serviceaccount:"

int ush_broker_rights_matter(const struct ush_broker *broker, const char *rights, bool *matter, struct ush_error *err)
{
	USH_AUTO_FREE char *who = NULL;

	*matter = strcmp(rights, "exact") == 0;
	if (strcmp(rights, "auto") != 0)
		return 0;
	if (ush_rights_who(&broker->kube, &who, err) != 0)
		return -1;
	*matter = strncmp(who, SERVICE_ACCOUNT, strlen(SERVICE_ACCOUNT)) == 0;
	return 0;
}

int ush_broker_check_rights(const struct ush_broker *broker, const struct ush_policy *policy, const char *state_namespace, struct ush_error *err)
{
	USH_AUTO_RIGHTS needed = {0};
	USH_AUTO_FREE char *more = NULL, *command = NULL;

	ush_rights_of(&needed, policy, state_namespace);
	ush_rights_add_events(&needed, policy); /* whoever may and does not is no danger */
	if (ush_rights_check(&broker->kube, &needed, state_namespace, &more, err) != 0)
		return -1;
	if (more == NULL)
		return 0;
	ush_fail(err, USH_ERR_REFUSED, "stopped before any write: we may do more than this policy needs: %s", more);
	command = ush_way_rights(&broker->way, NULL);
	return ush_hint(err, "To run all the same: --rights any. What it needs: %s", command);
}
