/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker offboard: a person, a group or a namespace goes: what can be ended is ended, and the rest is told.
 */
#include <stdio.h>
#include <string.h>

#include "broker/journal/account.h"
#include "broker/lifecycle/offboard/offboard.h"
#include "broker/policy/naming.h"
#include "broker/verb/told.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"

#define TEXT_MOST 1000 /* bytes of a name, a reason, a ticket */

static struct ush_broker_options options = {.output = "text"};
static const char *reason, *ticket, *by;
static struct ush_strings also;
static bool dry, anyway, take_others;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"reason", 0, USH_OPTION_STRING, "TEXT", "why; it is kept in the ledger", &reason},
	{"ticket", 0, USH_OPTION_STRING, "ID", "where it was asked for", &ticket},
	{"by", 0, USH_OPTION_STRING, "WHO", "who says so; whoever the API server says that we are unless said", &by},
	{"also", 0, USH_OPTION_LIST, "NAME", "another name by which the API server may know the person or group; may be repeated", &also},
	{"take-from-others", 0, USH_OPTION_FLAG, NULL, "change RoleBindings, too, that are not ours and that no tool manages", &take_others},
	{"anyway", 0, USH_OPTION_FLAG, NULL, "even where nobody knows the name, or it is your own", &anyway},
	{"dry-run", 0, USH_OPTION_FLAG, NULL, "show all of it and change nothing", &dry},
	USH_OPTION_OUTPUT(options, "text|json|markdown"),
	USH_OPTION_JOURNAL(options),
	USH_OPTIONS_RECORD(options),
	USH_OPTION_CLUSTERS(options),
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_STATE(options),
	{NULL},
};

static const char *const kinds[] = {[USH_LEDGER_USER] = "user", [USH_LEDGER_GROUP] = "group", [USH_LEDGER_NAMESPACE] = "namespace", NULL};

static json_t *reports; /* for -o json */

/* ---- commands for people ---- */

static void add_word(struct ush_buf *out, const char *option, const char *value)
{
	USH_AUTO_FREE char *word = value != NULL ? ush_text_word(value) : NULL;

	if (word != NULL)
		ush_buf_printf(out, "%s%s %s", option[0] != '\0' ? " " : "", option, word);
}

static char *command_again(const struct ush_offboard *o, const char *cluster)
{
	USH_AUTO_FREE char *place = ush_broker_place(&options);
	struct ush_buf out = {0};

	ush_buf_printf(&out, "usher-broker offboard %s", kinds[o->kind]);
	add_word(&out, "", o->name);
	add_word(&out, "-f", options.policy);
	add_word(&out, "--reason", reason != NULL ? reason : "");
	add_word(&out, "--ticket", ticket);
	add_word(&out, "--by", by);
	add_word(&out, "--audit-log", options.journal);
	add_word(&out, "--replay", options.replay);
	for (size_t i = 0; i < also.count; i++)
		add_word(&out, "--also", also.items[i]);
	add_word(&out, "--cluster", cluster);
	ush_buf_printf(&out, "%s%s%s%s", take_others ? " --take-from-others" : "", anyway ? " --anyway" : "", dry ? " --dry-run" : "", place);
	return ush_buf_take(&out);
}

/* ---- one cluster's turn ---- */

static int print(const struct ush_offboard *o, const char *cluster, struct ush_error *err)
{
	USH_AUTO_BUF out = {0};

	if (strcmp(options.output, "json") == 0) {
		json_array_append(reports, o->report);
		return 0;
	}
	if (cluster != NULL && strcmp(options.output, "text") == 0)
		ush_buf_printf(&out, "cluster %s\n", cluster);
	(strcmp(options.output, "text") == 0 ? ush_report_text : ush_report_markdown)(o->report, &out);
	return ush_broker_print(out.data, err);
}

/* Carries it out and tells it; the exit status. */
static int carry_out(struct ush_offboard *o, struct ush_broker *broker, const struct ush_kube *kube, const char *cluster, struct ush_error *err)
{
	USH_AUTO_FREE char *again = command_again(o, cluster), *kubectl = ush_printf("kubectl%s", kube != NULL ? broker->way.kubectl : ""), *same = ush_broker_same(&options, cluster);
	USH_AUTO_FREE char *readmit = ush_printf("usher-broker readmit %s", same);
	struct ush_error kept = {0};
	int status;

	o->kube = kube;
	o->again = again;
	o->readmit = readmit;
	o->kubectl = kubectl;
	o->journal = broker->journal;
	ush_offboard_run(o, err);
	broker->changed |= !dry && o->report != NULL;
	status = ush_code_status(err->code != USH_OK || o->report == NULL || ush_report_todo(o->report) == 0 ? err->code : USH_ERR_PARTIAL);
	ush_journal_add(broker->journal, "run.end", ush_account_end(NULL, kube != NULL ? kube->config : NULL, status, err), &kept);
	if (o->report == NULL || err->code == USH_DIFFERENCES || err->code == USH_ERR_REFUSED)
		return status;
	return print(o, cluster, err) == 0 ? status : -1;
}

static int offboard_cluster(struct ush_turn *turn, struct ush_error *err)
{
	int status = carry_out(turn->context, turn->broker, turn->sync->kube, turn->cluster, err);

	ush_offboard_next(turn->context);
	return status;
}

/* ---- one name ---- */

static int offboard_one(struct ush_broker *broker, struct ush_policy *policy, enum ush_ledger_kind kind, const char *name, struct ush_error *err)
{
	USH_AUTO_OFFBOARD one = {.kind = kind, .name = name, .also = &also, .policy = policy, .sources_world = &broker->source_world, .state_namespace = options.state_namespace,
				 .by = by, .reason = reason, .ticket = ticket, .dry = dry, .anyway = anyway, .take_others = take_others};
	struct ush_sync sync = {.world = &broker->world, .state_namespace = options.state_namespace, .policy = policy};
	int status = ush_broker_each(broker, &options, &sync, "offboard", offboard_cluster, &one, err);

	if (!one.asked && kind == USH_LEDGER_USER && err->code != USH_OK && err->code != USH_ERR_REFUSED) { /* no cluster was reached: sessions end all the same */
		struct ush_error more = {0};

		carry_out(&one, broker, NULL, NULL, &more);
		if (more.code == USH_ERR_REFUSED)
			*err = more;
	}
	return err->code != USH_OK ? ush_code_status(err->code) : status;
}

static int check_name(enum ush_ledger_kind kind, const char *name, struct ush_error *err)
{
	const char *why = ush_name_deceives(name) ? "holds a control or invisible character" : strlen(name) > TEXT_MOST ? "is too long" : NULL;

	if (*name == '\0')
		return ush_fail(err, USH_ERR_USAGE, "offboard whom? The name is empty");
	if (ush_name_is_system(name))
		return ush_fail(err, USH_ERR_REFUSED, "%.100s is Kubernetes' own: names that begin with system: are nobody's to offboard", name);
	if (why == NULL && kind == USH_LEDGER_NAMESPACE)
		why = ush_name_not_label(name);
	return why != NULL ? ush_fail(err, USH_ERR_USAGE, "\"%.100s\" %s", name, why) : 0;
}

static int check_words(struct ush_error *err)
{
	const struct {
		const char *option, *value;
	} words[] = {{"reason", reason}, {"ticket", ticket}, {"by", by}};

	for (size_t i = 0; i < USH_COUNT(words); i++) {
		if (words[i].value == NULL)
			continue;
		if (strlen(words[i].value) > TEXT_MOST)
			return ush_fail(err, USH_ERR_USAGE, "--%s holds %d bytes at most", words[i].option, TEXT_MOST);
		if (ush_name_deceives(words[i].value))
			return ush_fail(err, USH_ERR_USAGE, "--%s holds a control or invisible character", words[i].option);
	}
	return 0;
}

static int check(size_t count, char **operands, enum ush_ledger_kind *kind, struct ush_error *err)
{
	const char *near = ush_cli_nearest(operands[0], kinds);

	for (*kind = USH_LEDGER_USER; kinds[*kind] != NULL && strcmp(kinds[*kind], operands[0]) != 0;)
		++*kind;
	if (kinds[*kind] == NULL)
		return ush_fail(err, USH_ERR_USAGE, "offboard whom: user NAME, group NAME or namespace NAME; not \"%.60s\"%s%s", operands[0], near != NULL ? "; did you mean " : "",
				near != NULL ? near : "");
	if (count > 2 && *kind != USH_LEDGER_USER)
		return ush_fail(err, USH_ERR_USAGE, "one %s at a time", kinds[*kind]);
	for (size_t i = 1; i < count; i++)
		if (check_name(*kind, operands[i], err) != 0)
			return -1;
	for (size_t i = 0; i < also.count; i++)
		if (check_name(USH_LEDGER_USER, also.items[i], err) != 0)
			return -1;
	if (also.count > 0 && count > 2)
		return ush_fail(err, USH_ERR_USAGE, "--also goes with one name: whose other name is it?");
	if (options.replay != NULL && !dry) {
		ush_fail(err, USH_ERR_USAGE, "a recording ends nobody's sessions, so --replay shows and does not do");
		return ush_hint(err, "Say --dry-run, too; or leave --replay out");
	}
	if (!dry && (reason == NULL || reason[strspn(reason, " ")] == '\0')) {
		ush_fail(err, USH_ERR_USAGE, "for what reason?");
		return ush_hint(err, "Say it, for whoever looks later: --reason \"left the company\"");
	}
	return check_words(err);
}

/* Each has a turn, whatever becomes of the others; the error is then theirs together. */
static int each_name(struct ush_broker *broker, struct ush_policy *policy, enum ush_ledger_kind kind, size_t count, char **names, struct ush_error *err)
{
	enum ush_code code = USH_OK;
	size_t failed = 0;
	int status = 0;

	if (count == 1)
		return offboard_one(broker, policy, kind, names[0], err);
	for (size_t i = 0; i < count; i++) {
		struct ush_error why = {0};
		int ended = offboard_one(broker, policy, kind, names[i], &why);

		if (why.code == USH_OK) {
			status = ended > status ? ended : status;
			continue;
		}
		fflush(stdout);
		ush_error_print(stderr, "usher-broker", &why);
		code = failed++ == 0 || code == why.code ? why.code : USH_ERR_PARTIAL;
	}
	return failed == 0 ? status : ush_fail(err, code, "%zu of %zu people: see above", failed, count);
}

static int print_json(struct ush_error *err)
{
	struct ush_error mine = {0};
	int result = json_array_size(reports) == 0 ? 0 : ush_broker_print_json(json_array_size(reports) == 1 ? json_array_get(reports, 0) : reports, &mine);

	if (result != 0 && err->code == USH_OK)
		*err = mine;
	json_decref(ush_steal(&reports));
	return result;
}

/* A log that cannot be written on is told before anything is begun; one that fails later keeps nobody from losing what he has. */
static int open_log(struct ush_broker *broker, struct ush_error *err)
{
	if (ush_told_open(broker, &options, err) == 0)
		return 0;
	return err->hint[0] != '\0' ? -1 : ush_hint(err, "Nothing was done. Name another file, or leave --audit-log out");
}

/* What went wrong at the end hides nothing that went wrong before. */
static void settle(int result, const struct ush_error *why, struct ush_error *err)
{
	if (result != 0 && err->code == USH_OK)
		*err = *why;
	else if (result != 0)
		ush_error_print(stderr, "usher-broker", why);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_POLICY policy = NULL;
	struct ush_error recording = {0};
	enum ush_ledger_kind kind;
	int status, recorded;

	if (check(count, operands, &kind, err) != 0 || (policy = ush_broker_policy(&options, err)) == NULL ||
	    ush_broker_open(&broker, &options, false, err) != 0 || open_log(&broker, err) != 0)
		return -1;
	reports = json_array();
	status = each_name(&broker, policy, kind, count - 1, operands + 1, err);
	print_json(err);
	recorded = ush_broker_recorded(&broker, &recording);
	settle(recorded, &recording, err);
	return ush_told_close(&broker, err) == 0 && recorded == 0 ? status : -1;
}

const struct ush_verb ush_verb_offboard = {"offboard", "user NAME...|group NAME|namespace NAME", "end what somebody has, keep them out, and tell what is left",
					   rows, 2, 1000, run};
