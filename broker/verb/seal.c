/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker seal: signs a break-glass grant of the policy, beforehand and by who has the key.
 */
#include <string.h>

#include "broker/lifecycle/elevate/seal.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"

static struct ush_broker_options options;
static const char *key;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"key", 0, USH_OPTION_STRING, "FILE", "private Ed25519 key (PEM)", &key},
	{NULL},
};

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_POLICY policy = NULL;
	USH_AUTO_FREE char *signature = NULL, *line = NULL;
	const struct ush_seal *seal;

	(void)count;
	if (key == NULL)
		return ush_fail(err, USH_ERR_USAGE, "with which key? --key FILE");
	if (ush_broker_need_policy(&options, err) != 0 || (policy = ush_policy_load(options.policy, NULL, err)) == NULL)
		return -1;
	seal = ush_seal_find(policy, operands[0]);
	if (seal == NULL)
		return ush_fail(err, USH_ERR_USAGE, "the policy has no break-glass grant %s", operands[0]);
	signature = ush_seal_sign(policy, seal, key, err);
	if (signature == NULL)
		return -1;
	line = ush_printf("sealed: %s\n", signature);
	return ush_broker_print(line, err);
}

const struct ush_verb ush_verb_seal = {"seal", "SEAL", "sign a break-glass grant of the policy", rows, 1, 1, run};
