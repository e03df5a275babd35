/* SPDX-License-Identifier: Apache-2.0
 *
 * The verbs of usher-broker: one file each, which reads its arguments, wires the world, prints and chooses the exit
 * status. And what they share.
 */
#ifndef USH_BROKER_VERB_H
#define USH_BROKER_VERB_H

#include "broker/sync/sync.h"
#include "common/base/cli.h"
#include "common/base/world.h"
#include "common/kube/client.h"
#include "common/kube/config.h"

extern const struct ush_verb ush_verb_apply, ush_verb_audit, ush_verb_groups, ush_verb_plan, ush_verb_render, ush_verb_validate;

/* What most verbs are told. */
struct ush_broker_options {
	const char *policy, *kubeconfig, *context, *state_namespace, *output;
};

#define USH_OPTION_POLICY(o) {"filename", 'f', USH_OPTION_STRING, "POLICY", "the policy, - for stdin", &(o).policy}
#define USH_OPTIONS_CLUSTER(o)                                                                                                      \
	{"kubeconfig", 0, USH_OPTION_STRING, "FILE", "kubeconfig to use instead of $KUBECONFIG or ~/.kube/config", &(o).kubeconfig}, \
	{"context", 0, USH_OPTION_STRING, "NAME", "context of the kubeconfig", &(o).context},                                       \
	{                                                                                                                           \
		"state-namespace", 0, USH_OPTION_STRING, "NAME", "namespace of tombstones and lease, \"default\" unless said",       \
			&(o).state_namespace                                                                                        \
	}
#define USH_OPTION_OUTPUT(o, choices) {"output", 'o', USH_OPTION_CHOICE, choices, "what to print", &(o).output}

/* The real world and, when asked for, a cluster in it. */
struct ush_broker {
	struct ush_world world;
	struct ush_kube_config *config;
	struct ush_kube kube;
};

/* Opens the world; cluster says whether a kubeconfig is wanted. */
int ush_broker_open(struct ush_broker *broker, const struct ush_broker_options *options, bool cluster, struct ush_error *err);
void ush_broker_close(struct ush_broker *broker);
#define USH_AUTO_BROKER __attribute__((cleanup(ush_broker_close))) struct ush_broker

/* USH_ERR_USAGE when no policy was named. */
int ush_broker_need_policy(const struct ush_broker_options *options, struct ush_error *err);

/* "host-pid-random": who holds the lease. The caller frees. */
char *ush_broker_identity(const struct ush_world *world);

/* Prints text, as it is; USH_ERR_STORE when stdout does not take it. */
int ush_broker_print(const char *text, struct ush_error *err);

/* Prints JSON, indented; the same. */
int ush_broker_print_json(const json_t *json, struct ush_error *err);

#endif
