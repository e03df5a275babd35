/* SPDX-License-Identifier: Apache-2.0
 *
 * What a command must be told to mean what this run means: for people who paste it.
 */
#include <string.h>

#include "broker/verb/verb.h"
#include "common/base/memory.h"

static char *state_option(const struct ush_broker_options *options)
{
	const char *space = options->state_namespace;

	return ush_way_option("state-namespace", space != NULL && !options->state_of_policy && strcmp(space, "default") != 0 ? space : NULL);
}

char *ush_broker_place(const struct ush_broker_options *options)
{
	USH_AUTO_FREE char *kubeconfig = ush_way_option("kubeconfig", options->kubeconfig), *context = ush_way_option("context", options->context);
	USH_AUTO_FREE char *state = state_option(options);

	return ush_printf("%s%s%s", kubeconfig, context, state);
}

/* " -f POLICY --cluster NAME --kubeconfig ..." */
static char *all_said(const struct ush_broker_options *options, const char *cluster)
{
	USH_AUTO_FREE char *policy = ush_way_option("f", options->policy), *name = ush_way_option("cluster", cluster), *place = ush_broker_place(options);

	return ush_printf("%s%s%s", policy, name, place);
}

char *ush_broker_same(const struct ush_broker_options *options, const char *cluster)
{
	USH_AUTO_FREE char *said = all_said(options, cluster);

	return ush_strdup(said + (*said == ' '));
}

void ush_broker_lead(struct ush_broker *broker, const struct ush_broker_options *options, const struct ush_cluster *cluster)
{
	USH_AUTO_FREE char *kubeconfig = ush_way_option("kubeconfig", cluster != NULL ? cluster->kubeconfig : options->kubeconfig);
	USH_AUTO_FREE char *context = ush_way_option("context", cluster != NULL ? cluster->context : options->context);

	ush_way_free(&broker->way);
	broker->way.kubectl = ush_printf("%s%s", kubeconfig, context);
	broker->way.broker = options->policy != NULL ? all_said(options, cluster != NULL ? cluster->name : NULL) : NULL;
	broker->way.state = state_option(options);
	broker->way.policy = options->policy != NULL ? ush_way_option("f", options->policy) : NULL;
}
