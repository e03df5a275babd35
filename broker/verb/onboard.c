/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker onboard: a namespace, or many, from a template of the policy; or a person, who is told what to put on a
 * laptop and which groups are missing.
 */
#include "broker/verb/onboard.h"

#include <stdio.h>
#include <string.h>

#include "broker/journal/account.h"
#include "broker/journal/journal.h"
#include "broker/lifecycle/onboard/onboard.h"
#include "broker/policy/reader.h"
#include "broker/rights/rights.h"
#include "broker/verb/told.h"
#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/data/json.h"
#include "common/data/yaml.h"

#define NAMES_MOST 10000
#define PROOF_MS   5000 /* how long a no may be the cache's */
#define NOWHERE	   "/nonexistent" /* a folder that holds nothing: what stands is not asked about */

static struct ush_broker_options options = {.output = "text"};
static const char *template_name, *wait_text, *dry_run = "none";
static struct ush_strings said;
static bool adopt;
static struct ush_onboard_person person = {.profile = "default"};

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"template", 0, USH_OPTION_STRING, "NAME", "the template of the policy; may be left out where there is but one", &template_name},
	{"set", 0, USH_OPTION_LIST, "KEY=VALUE", "what {KEY} in the groups of the template's roles stands for", &said},
	{"adopt", 0, USH_OPTION_FLAG, NULL, "change what stands there otherwise and nobody else manages", &adopt},
	{"dry-run", 0, USH_OPTION_CHOICE, "none|client|server", "client: ask no cluster; server: look, and write nothing", &dry_run},
	{"wait", 0, USH_OPTION_STRING, "DURATION", "how long the proof may take, and that it must succeed; 0s: none. 5s unless said", &wait_text},
	{"issuer", 0, USH_OPTION_STRING, "URL", "user: of the sign-in, where no source of the policy tells", &person.issuer},
	{"client", 0, USH_OPTION_STRING, "ID", "user: client of the sign-in, \"kubernetes\" unless said", &person.client},
	{"profile", 0, USH_OPTION_STRING, "NAME", "user: what the profile is called, \"default\" unless said", &person.profile},
	{"namespace", 'n', USH_OPTION_STRING, "NAME", "user: which groups are missing for all roles there", &person.namespace_name},
	USH_OPTION_OUTPUT(options, "text|json|yaml"),
	USH_OPTION_JOURNAL(options),
	USH_OPTION_CLUSTERS(options),
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	USH_OPTIONS_RECORD(options),
	{NULL},
};

struct asked { /* what the command line says, for each cluster alike */
	const struct ush_template *template;
	struct ush_list values;
	char *const *names;
	size_t count;
};
static struct ush_progress progress;

/* ---- printing ---- */

static int print_manifests(const struct ush_onboard *onboard, const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_JSON objects = ush_onboard_manifests(onboard, plan);
	USH_AUTO_JSON list = json_pack("{s:s, s:s, s:O}", "apiVersion", "v1", "kind", "List", "items", objects);

	return strcmp(options.output, "json") == 0 ? ush_broker_print_json(list, err) : ush_broker_print_yaml(objects, err);
}

/* Of several clusters each has a document of its own. */
static int print_report(const struct ush_onboard *onboard, const char *cluster, struct ush_error *err)
{
	static bool another;
	USH_AUTO_JSON report = NULL;
	USH_AUTO_BUF out = {0};

	if (strcmp(options.output, "text") == 0) {
		ush_onboard_text(onboard, &out);
		return ush_broker_print(out.data != NULL ? out.data : "", err);
	}
	report = ush_onboard_json(onboard);
	if (cluster != NULL)
		json_object_set_new(report, "cluster", json_string(cluster));
	if (strcmp(options.output, "json") == 0)
		return ush_broker_print_json(report, err);
	ush_buf_puts(&out, another ? "---\n" : "");
	another = true;
	ush_yaml_write(&out, report, false);
	return ush_broker_print(out.data, err);
}

/* ---- the audit log ---- */

/* What the log does not take is told when it is closed. */
static void wrote(void *context, const char *kind, const char *namespace_name, const char *name, const struct ush_change *change, enum ush_onboard_outcome outcome)
{
	struct ush_turn *turn = context;
	struct ush_broker *broker = turn->broker;
	USH_AUTO_ACCOUNT account = {.plan = turn->sync->plan};
	USH_AUTO_FREE char *event = NULL;
	struct ush_error kept = {0};
	json_t *members;

	broker->changed = true;
	ush_progress_at(&progress, progress.done + 1, ush_boot_ms(&broker->world));
	if (broker->journal == NULL)
		return;
	event = ush_printf("%s.%s", strcmp(kind, "RoleBinding") == 0 ? "binding" : kind, outcome == USH_ONBOARD_CREATED ? "created" : "changed");
	for (char *p = event; *p != '\0'; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
	members = change != NULL ? ush_account_change(&account, change, USH_OUTCOME_DONE, NULL)
				 : json_pack("{s:s, s:s, s:s}", "kind", kind, "namespace", namespace_name, "name", name);
	ush_journal_add(broker->journal, event, members, &kept);
}

/* What every line says, and what is asked for. Without an answer nobody is named. */
static int begin_log(const struct ush_turn *turn, struct ush_error *err)
{
	struct ush_journal *journal = turn->broker->journal;
	const struct asked *asked = turn->context;
	USH_AUTO_FREE char *who = NULL;
	struct ush_error ignored = {0};

	if (journal == NULL)
		return 0;
	(void)ush_rights_who(&turn->broker->kube, &who, &ignored);
	ush_journal_common(journal, json_pack("{s:s, s:s, s:s*, s:s*}", "verb", "onboard", "policy", turn->sync->policy->name, "cluster", turn->cluster, "who", who));
	return ush_journal_add(journal, "run.begin",
			       json_pack("{s:s, s:I, s:s}", "template", asked->template->name, "namespaces", (json_int_t)asked->count, "server",
					 turn->broker->config->server),
			       err);
}

static void end_log(const struct ush_turn *turn, const struct ush_onboard *onboard, const struct ush_error *verdict)
{
	struct ush_error kept = {0};
	json_t *members = json_pack("{s:i, s:I, s:I, s:s*}", "status", verdict->code != USH_OK ? ush_code_status(verdict->code) : 0, "created",
				    (json_int_t)ush_onboard_count(onboard, USH_ONBOARD_CREATED), "changed", (json_int_t)ush_onboard_count(onboard, USH_ONBOARD_PATCHED), "why",
				    verdict->code != USH_OK ? verdict->what : NULL);

	ush_journal_add(turn->broker->journal, "run.end", members, &kept);
}

/* ---- a cluster ---- */

static int carry_out(struct ush_turn *turn, struct ush_onboard *onboard, struct ush_error *err)
{
	bool writes = onboard->dry == USH_DRY_NONE;
	struct ush_error verdict = {0};

	if (writes && begin_log(turn, err) != 0)
		return -1;
	ush_progress_begin(&progress, "onboarding: objects written", 0, ush_boot_ms(&turn->broker->world));
	ush_onboard_carry_out(onboard, turn->sync);
	ush_progress_end(&progress);
	ush_onboard_verdict(onboard, &verdict);
	if (writes)
		end_log(turn, onboard, &verdict);
	if (print_report(onboard, turn->cluster, err) != 0 && verdict.code == USH_OK)
		return -1;
	*err = verdict;
	return verdict.code != USH_OK ? -1 : 0;
}

static int onboard_cluster(struct ush_turn *turn, struct ush_error *err)
{
	const struct asked *asked = turn->context;
	USH_AUTO_FREE char *holder = ush_broker_identity(&turn->broker->world);
	USH_AUTO_ONBOARD onboard = {.kube = turn->sync->kube, .way = turn->sync->way, .policy = turn->sync->policy, .template = asked->template, .values = &asked->values, .adopt = adopt,
				    .wait_ms = PROOF_MS, 
				    .must_prove = wait_text != NULL, .holder = holder, .wrote = wrote, .context = turn};
	int64_t seconds;

	onboard.dry = strcmp(dry_run, "none") == 0 ? USH_DRY_NONE : strcmp(dry_run, "client") == 0 ? USH_DRY_CLIENT : USH_DRY_SERVER;
	if (wait_text != NULL && ush_parse_duration(wait_text, &seconds))
		onboard.wait_ms = seconds * 1000;
	onboard.must_prove = onboard.must_prove && onboard.wait_ms > 0;
	if (turn->cluster != NULL && strcmp(options.output, "text") == 0)
		printf("cluster %s:\n", turn->cluster);
	ush_onboard_begin(&onboard, asked->names, asked->count);
	if (onboard.dry == USH_DRY_CLIENT)
		ush_onboard_pretend(&onboard);
	if (ush_onboard_plan(&onboard, turn->sync, err) != 0 || ush_broker_recorded(turn->broker, err) != 0)
		return -1;
	if (onboard.dry != USH_DRY_CLIENT)
		return carry_out(turn, &onboard, err);
	ush_onboard_give(&onboard, turn->sync);
	if ((strcmp(options.output, "text") != 0 ? print_manifests(&onboard, turn->sync->plan, err) : print_report(&onboard, turn->cluster, err)) != 0)
		return -1;
	return ush_onboard_verdict(&onboard, err);
}

/* ---- arguments ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_twice(struct ush_list *names, struct ush_error *err)
{
	qsort(names->items, names->count, sizeof *names->items, by_text);
	for (size_t i = 1; i < names->count; i++)
		if (strcmp(names->items[i - 1], names->items[i]) == 0)
			return ush_fail(err, USH_ERR_USAGE, "namespace %s is named twice", names->items[i]);
	return 0;
}

static int check_names(const struct asked *asked, const struct ush_policy *policy, struct ush_error *err)
{
	struct ush_list seen = {0};
	int result = 0;

	for (size_t i = 0; i < asked->count && result == 0; i++)
		if ((result = ush_onboard_name(policy, options.state_namespace, asked->names[i], err)) == 0)
			ush_list_add(&seen, asked->names[i]);
	if (result == 0)
		result = check_twice(&seen, err);
	ush_list_free(&seen);
	return result;
}

static int onboard_namespaces(struct asked *asked, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_SYNC sync = {.no_people = true};
	bool client = strcmp(dry_run, "client") == 0;
	int status;

	sync.policy = ush_broker_policy(&options, err);
	if (sync.policy == NULL || ush_broker_open(&broker, &options, false, err) != 0)
		return -1;
	sync.state_namespace = options.state_namespace;
	sync.world = &broker.source_world;
	sync.folder = client ? NOWHERE : NULL;
	if ((asked->template = ush_onboard_template(sync.policy, template_name, err)) == NULL)
		return -1;
	sync.no_people = sync.policy->layout != USH_LAYOUT_USERS;
	if (ush_onboard_values(asked->template, &said, &asked->values, err) != 0 || check_names(asked, sync.policy, err) != 0)
		return -1;
	if (strcmp(dry_run, "none") == 0 && ush_told_open(&broker, &options, err) != 0)
		return -1;
	status = ush_broker_each(&broker, &options, &sync, "onboard", onboard_cluster, asked, err);
	ush_list_free(&asked->values);
	return ush_told_close(&broker, err) == 0 ? status : -1;
}

static int check(size_t count, char **operands, struct ush_error *err)
{
	int64_t seconds;
	bool user = strcmp(operands[0], "user") == 0;

	if (!user && strcmp(operands[0], "namespace") != 0) {
		ush_fail(err, USH_ERR_USAGE, "onboard what? \"%s\" is neither namespace nor user", operands[0]);
		return ush_hint(err, "usher-broker onboard namespace NAME..., or usher-broker onboard user NAME");
	}
	if (user && count > 2)
		return ush_fail(err, USH_ERR_USAGE, "one person at a time");
	if (user && (template_name != NULL || said.count > 0 || adopt || wait_text != NULL || options.journal != NULL || strcmp(dry_run, "none") != 0))
		return ush_fail(err, USH_ERR_USAGE, "--template, --set, --adopt, --wait, --dry-run and --audit-log are for namespaces: onboard user writes nothing");
	if (!user && (person.issuer != NULL || person.client != NULL || person.namespace_name != NULL))
		return ush_fail(err, USH_ERR_USAGE, "--issuer, --client and --namespace are for onboard user");
	if (wait_text != NULL && !ush_parse_duration(wait_text, &seconds))
		return ush_fail(err, USH_ERR_USAGE, "--wait: expected a number with s, m, h or d behind it, as in 30s");
	return ush_broker_need_policy(&options, err);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct asked asked = {.names = operands + 1, .count = count - 1};

	if (check(count, operands, err) != 0)
		return -1;
	if (strcmp(operands[0], "user") == 0) {
		person.name = operands[1];
		return ush_broker_onboard_user(&options, &person, err);
	}
	return onboard_namespaces(&asked, err);
}

const struct ush_verb ush_verb_onboard = {
	"onboard", "namespace NAME...|user NAME", "make namespaces from a template of the policy, or tell what a new person needs", rows, 2, NAMES_MOST, run};
