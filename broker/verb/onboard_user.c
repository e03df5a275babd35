/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker onboard user: reads the sources and the cluster's list of namespaces, writes nothing, prints.
 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/lifecycle/onboard/user.h"
#include "broker/policy/naming.h"
#include "broker/sync/decide/denied.h"
#include "broker/sync/look/observe.h"
#include "broker/sync/state/ledger_note.h"
#include "broker/verb/onboard.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"
#include "common/net/http.h"

struct gathered {
	struct ush_policy *policy;
	struct ush_groups *groups; /* one a source */
	struct ush_places places;
	struct ush_ledger ledger;
	struct ush_desired *desired;
};

static void forget(struct gathered *all)
{
	ush_desired_free(all->desired);
	ush_ledger_free(&all->ledger);
	ush_places_free(&all->places);
	for (size_t i = 0; all->groups != NULL && i < all->policy->source_count; i++)
		ush_groups_free(&all->groups[i]);
	free(all->groups);
	ush_policy_free(all->policy);
}

static int read_groups(struct ush_broker *broker, struct gathered *all, struct ush_error *err)
{
	const struct ush_list none = {0};

	all->groups = ush_alloc((all->policy->source_count + 1) * sizeof *all->groups);
	for (size_t i = 0; i < all->policy->source_count; i++) {
		struct ush_source_question question = {.source = &all->policy->sources[i], .refs = &none, .how = all->policy->group_name, .all_members = true};

		if (ush_source_read(&broker->source_world, &question, &all->groups[i], err) != 0)
			return -1;
	}
	return ush_broker_recorded(broker, err);
}

/* The cluster that options name, or the only one of the policy, or as kubectl finds it. */
static int connect(struct ush_broker *broker, const struct ush_broker_options *options, const struct ush_policy *policy, struct ush_error *err)
{
	const char *wanted = options->clusters.count > 0 ? options->clusters.items[0] : NULL;

	if (options->kubeconfig != NULL || options->context != NULL || policy->cluster_count == 0)
		return ush_broker_connect(broker, options, NULL, err);
	if (options->clusters.count > 1 || (wanted == NULL && policy->cluster_count > 1)) {
		ush_fail(err, USH_ERR_USAGE, "%s lists %zu clusters, and a kubeconfig is for one", policy->file, policy->cluster_count);
		return ush_hint(err, "Say which: --cluster %s", policy->clusters[0].name);
	}
	for (size_t i = 0; i < policy->cluster_count; i++)
		if (wanted == NULL || strcmp(policy->clusters[i].name, wanted) == 0)
			return ush_broker_connect(broker, options, &policy->clusters[i], err);
	return ush_fail(err, USH_ERR_USAGE, "%s lists no cluster %s", policy->file, wanted);
}

static int gather(struct ush_broker *broker, const struct ush_broker_options *options, struct gathered *all, struct ush_error *err)
{
	struct ush_wish wish;

	if (connect(broker, options, all->policy, err) != 0 || ush_observe_places(&all->places, all->policy, &broker->kube, err) != 0 ||
	    ush_ledger_load(&all->ledger, &broker->kube, options->state_namespace, all->policy->name, NULL, err) != 0)
		return -1;
	ush_denied_places(&all->places, &all->ledger);
	if (read_groups(broker, all, err) != 0)
		return -1;
	wish = (struct ush_wish){.policy = all->policy, .places = &all->places, .groups = all->groups, .state_namespace = options->state_namespace,
				 .now = ush_kube_now(&broker->kube), .ledger = &all->ledger, .way = &broker->way};
	all->desired = ush_desired_new(&wish);
	return 0;
}

static int print(const json_t *report, const char *output, struct ush_error *err)
{
	USH_AUTO_BUF out = {0};

	if (strcmp(output, "json") == 0)
		return ush_broker_print_json(report, err);
	if (strcmp(output, "yaml") == 0)
		ush_yaml_write(&out, report, false);
	else
		ush_onboard_user_text(report, &out);
	return ush_broker_print(out.data, err);
}

static int tell(const struct ush_broker *broker, const struct gathered *all, const struct ush_onboard_person *person, const char *output, struct ush_error *err)
{
	struct ush_onboard_user user = {.name = person->name, .issuer = person->issuer, .client = person->client, .profile = person->profile,
					.namespace_name = person->namespace_name, .server = broker->config->server, .ca_pem = broker->config->ca_pem,
					.policy = all->policy, .groups = all->groups, .desired = all->desired, .ledger = &all->ledger};
	USH_AUTO_JSON report = NULL;
	const char *denied;

	user.name = ush_onboard_spelling(&user, err);
	if (user.name == NULL || (report = ush_onboard_user_json(&user, err)) == NULL || print(report, output, err) != 0)
		return -1;
	denied = ush_json_string(report, "denied");
	if (denied != NULL)
		return ush_fail(err, USH_ERR_REFUSED, "%s is %s", user.name, denied);
	for (size_t i = 0; i < all->policy->source_count; i++)
		if (!ush_groups_trusted(&all->groups[i]))
			return ush_fail(err, USH_ERR_INCOMPLETE, "source %s was not read whole (%s): there may be more groups", all->policy->sources[i].name,
					all->groups[i].why != NULL ? all->groups[i].why : "it lists no group");
	return 0;
}

/* The plugin takes no other, so nobody is sent away with one. */
static int check_issuer(const char *issuer, struct ush_error *err)
{
	USH_AUTO_URL url = {0};

	if (ush_url_parse(&url, issuer, USH_ERR_USAGE, err) != 0)
		return ush_error_at(err, "--issuer");
	return strcmp(url.scheme, "https") == 0 || url.loopback ? 0 : ush_fail(err, USH_ERR_USAGE, "--issuer: %s: an issuer begins with https://", issuer);
}

int ush_broker_onboard_user(struct ush_broker_options *options, const struct ush_onboard_person *person, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	struct gathered all = {0};
	const char *why = ush_name_not_label(person->profile);
	int result;

	if (why != NULL)
		return ush_fail(err, USH_ERR_USAGE, "--profile: \"%s\" %s", person->profile, why);
	if (person->name[0] == '\0')
		return ush_fail(err, USH_ERR_USAGE, "onboard whom? The name is empty");
	if (person->issuer != NULL && check_issuer(person->issuer, err) != 0)
		return -1;
	all.policy = ush_broker_policy(options, err);
	if (all.policy == NULL)
		return -1;
	result = ush_broker_open(&broker, options, false, err);
	if (result == 0)
		result = gather(&broker, options, &all, err);
	if (result == 0)
		result = tell(&broker, &all, person, options->output, err);
	if (result == 0)
		result = ush_ledger_look(&broker.kube, &all.ledger, options->state_namespace, all.policy->name, USH_LEDGER_STOPS, err);
	forget(&all);
	return result;
}
