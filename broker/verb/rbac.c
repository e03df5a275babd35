/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker rbac: the rights that this policy needs the broker to have, as manifests.
 */
#include "broker/policy/naming.h"
#include "broker/rights/rights.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

static struct ush_broker_options options = {.output = "yaml"};
static const char *account, *account_namespace = "usher-system", *what = "sync";

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"for", 0, USH_OPTION_CHOICE, "sync|onboard|offboard|elevate", "what it is to do, each for an account of its own", &what},
	{"service-account", 0, USH_OPTION_STRING, "NAME", "who runs it; unless said \"usher-broker\", and for the others as \"usher-onboard\"", &account},
	{"namespace", 'n', USH_OPTION_STRING, "NAME", "namespace of that ServiceAccount, \"usher-system\" unless said", &account_namespace},
	{"events", 0, USH_OPTION_FLAG, NULL, "the right that apply --events takes, too", &options.events},
	USH_OPTION_STATE(options),
	USH_OPTION_OUTPUT(options, "yaml|json"),
	{NULL},
};

static int check_names(struct ush_error *err)
{
	const struct {
		const char *option, *value, *why;
	} names[] = {
		{"service-account", account, ush_name_not_subdomain(account)},
		{"namespace", account_namespace, ush_name_not_label(account_namespace)},
	};

	for (size_t i = 0; i < USH_COUNT(names); i++)
		if (names[i].why != NULL)
			return ush_fail(err, USH_ERR_USAGE, "--%s: \"%s\" %s", names[i].option, names[i].value, names[i].why);
	return 0;
}

static int check_purpose(const struct ush_purpose *purpose, const struct ush_policy *policy, struct ush_error *err)
{
	if (options.events && !purpose->events)
		return ush_fail(err, USH_ERR_USAGE, "--events is for what apply --events writes: %s makes none that are asked for", purpose->name);
	if (purpose->need == ush_rights_of_elevate && policy->elevation_count + policy->seal_count == 0)
		return ush_fail(err, USH_ERR_CONFIG, "%s lets nothing be given for a time (elevation, breakGlass), so that takes no rights", policy->file);
	return 0;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_RIGHTS rights = {0};
	USH_AUTO_POLICY policy = NULL;
	USH_AUTO_JSON objects = NULL;
	USH_AUTO_JSON list = NULL;
	const struct ush_purpose *purpose = ush_purpose_named(what);

	(void)count;
	(void)operands;
	if (account == NULL)
		account = purpose->account;
	if (check_names(err) != 0 || (policy = ush_broker_policy(&options, err)) == NULL || check_purpose(purpose, policy, err) != 0)
		return -1;
	purpose->need(&rights, policy, options.state_namespace);
	if (options.events)
		ush_rights_add_events(&rights, policy);
	objects = ush_rights_objects(&rights, account_namespace, account);
	list = json_pack("{s:s, s:s, s:O}", "apiVersion", "v1", "kind", "List", "items", objects);
	return strcmp(options.output, "json") == 0 ? ush_broker_print_json(list, err) : ush_broker_print_yaml(objects, err);
}

const struct ush_verb ush_verb_rbac = {"rbac", "", "print the rights that this policy needs the broker to have, as manifests", rows, 0, 0, run};
