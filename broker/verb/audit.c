/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker audit: what a cluster, or manifests, give away. Reads only.
 */
#include <errno.h>
#include <string.h>

#include "broker/audit/audit.h"
#include "broker/verb/verb.h"

static struct ush_broker_options options = {.output = "text"};
static const char *fail_on = "low";
static bool list_rules;

static const struct ush_option rows[] = {
	{"kubeconfig", 0, USH_OPTION_STRING, "FILE", "kubeconfig to use instead of $KUBECONFIG or ~/.kube/config",
	 &options.kubeconfig},
	{"context", 0, USH_OPTION_STRING, "NAME", "context of the kubeconfig", &options.context},
	USH_OPTION_OUTPUT(options, "text|json|jsonl"),
	{"fail-on", 0, USH_OPTION_CHOICE, "critical|high|medium|low",
	 "the least severity that ends with status 1, low unless said", &fail_on},
	{"list-rules", 0, USH_OPTION_FLAG, NULL, "print the rules instead", &list_rules},
	{NULL},
};

static int print_rules(struct ush_error *err)
{
	if (strcmp(options.output, "text") == 0)
		ush_audit_rules_text(stdout);
	else
		ush_audit_rules_json(stdout, strcmp(options.output, "jsonl") == 0);
	return ush_broker_print("", err);
}

static int read_inventory(struct ush_inventory *inventory, struct ush_broker *broker, size_t count, char **operands, struct ush_error *err)
{
	inventory->way = &broker->way;
	if (count == 0)
		return ush_broker_open(broker, &options, true, err) == 0
			       ? ush_inventory_live(inventory, &broker->kube, err)
			       : -1;
	if (options.kubeconfig != NULL || options.context != NULL)
		return ush_fail(err, USH_ERR_USAGE, "audit reads manifests or a cluster: leave out --%s, or %s",
				options.kubeconfig != NULL ? "kubeconfig" : "context", operands[0]);
	for (size_t i = 0; i < count; i++)
		ush_inventory_manifests(inventory, operands[i]);
	return 0;
}

/* The report was printed; what was not read decides over what was found. */
static int conclude(const struct ush_inventory *inventory, const struct ush_findings *findings, struct ush_error *err)
{
	if (findings->gave_up)
		return ush_fail(err, USH_ERR_INCOMPLETE,
				"aggregated ClusterRoles select each other in more ways than were worked out");
	if (inventory->missing.count == 1)
		return ush_fail(err, USH_ERR_INCOMPLETE, "not everything could be read: %s",
				inventory->missing.items[0]);
	if (inventory->missing.count > 1)
		return ush_fail(err, USH_ERR_INCOMPLETE, "not everything could be read: %s, and %zu more",
				inventory->missing.items[0], inventory->missing.count - 1);
	return ush_findings_reach(findings, ush_severity_read(fail_on)) ? ush_code_status(USH_DIFFERENCES)
									: ush_code_status(USH_OK);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_INVENTORY inventory = {0};
	USH_AUTO_FINDINGS findings = {0};
	USH_AUTO_BASELINE baseline = NULL;

	if (list_rules)
		return print_rules(err);
	if (read_inventory(&inventory, &broker, count, operands, err) != 0)
		return -1;
	baseline = ush_baseline_new();
	ush_audit(&inventory, baseline, &findings);
	if (strcmp(options.output, "text") == 0)
		ush_audit_text(stdout, &inventory, &findings);
	else
		ush_audit_json(stdout, &inventory, &findings, strcmp(options.output, "jsonl") == 0);
	if (ush_broker_print("", err) != 0)
		return -1;
	return conclude(&inventory, &findings, err);
}

const struct ush_verb ush_verb_audit = {
	.name = "audit",
	.operands = "[MANIFESTS...]",
	.help = "finds over-broad grants in the cluster, or in manifests (files, folders, - for stdin)",
	.options = rows,
	.least = 0,
	.most = 1000,
	.run = run,
};
