/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the broker keeps what it remembers: the policy says it, so that a command by hand and a run in the cluster mean the
 * same place; the option says it for a policy that does not. Two answers are none.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/verb/verb.h"

#define UNSAID "default"

int ush_broker_settle(struct ush_broker_options *options, const struct ush_policy *policy, struct ush_error *err)
{
	const char *option = options->state_namespace, *said = policy->state_namespace;

	if (option != NULL && ush_name_not_label(option) != NULL)
		return ush_fail(err, USH_ERR_USAGE, "--state-namespace: \"%s\" %s", option, ush_name_not_label(option));
	if (option != NULL && said != NULL && strcmp(option, said) != 0) {
		ush_fail(err, USH_ERR_USAGE, "--state-namespace %s, but %s says cluster.stateNamespace: %s; what is decided in the one is not seen in the other", option, policy->file, said);
		return ush_hint(err, "Leave the option out: the policy says where for every command");
	}
	options->state_of_policy = said != NULL;
	options->state_namespace = said != NULL ? said : option != NULL ? option : UNSAID;
	return 0;
}
