/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker validate: every fault of a policy, a line each, without asking anybody anything.
 */
#include <stdio.h>
#include <string.h>

#include "broker/verb/verb.h"
#include "common/base/memory.h"

static struct ush_broker_options options;

static const struct ush_option rows[] = {USH_OPTION_POLICY(options), {NULL}};

static void print_faults(const struct ush_list *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		USH_AUTO_FREE char *line = ush_text_safe(faults->items[i]);

		fprintf(stderr, "%s\n", line);
	}
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_list faults = {0};
	struct ush_error first = {0};
	USH_AUTO_POLICY policy = NULL;
	char number[3][32];

	if (count > 0)
		options.policy = operands[0];
	if (ush_broker_need_policy(&options, err) != 0)
		return -1;
	policy = ush_policy_load(options.policy, &faults, &first);
	if (policy == NULL) {
		print_faults(&faults);
		ush_list_free(&faults);
		return ush_code_status(first.code);
	}
	ush_list_free(&faults);
	printf("%s is valid: %s source%s, %s role%s, %s grant%s\n", policy->file, ush_thousands(policy->source_count, number[0], sizeof number[0]),
	       policy->source_count == 1 ? "" : "s", ush_thousands(policy->role_count, number[1], sizeof number[1]), policy->role_count == 1 ? "" : "s",
	       ush_thousands(policy->grant_count, number[2], sizeof number[2]), policy->grant_count == 1 ? "" : "s");
	return 0;
}

const struct ush_verb ush_verb_validate = {"validate", "[POLICY]", "check a policy and show every fault", rows, 0, 1, run};
