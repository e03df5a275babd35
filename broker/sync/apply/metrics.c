/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/apply/metrics.h"

#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"

#define SUCCESS "usher_broker_last_success_timestamp_seconds"
#define FILE_MAX (1U << 20)

struct label {
	const char *name, *value;
};

static void put_label(struct ush_buf *out, const struct label *label, bool first)
{
	ush_buf_printf(out, "%s%s=\"", first ? "" : ",", label->name);
	for (const char *at = label->value; *at != '\0'; at++)
		if (*at == '\n')
			ush_buf_puts(out, "\\n");
		else
			ush_buf_printf(out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
	ush_buf_puts(out, "\"");
}

/* One sample: every one has policy and, where it is known, cluster. more may be NULL. */
static void put(struct ush_buf *out, const struct ush_run *run, const char *name, const struct label *more, double value)
{
	const struct label labels[] = {{"policy", run->policy}, {"cluster", run->cluster}};
	bool first = true;

	ush_buf_printf(out, "%s{", name);
	for (size_t i = 0; i < USH_COUNT(labels); i++)
		if (labels[i].value != NULL) {
			put_label(out, &labels[i], first);
			first = false;
		}
	if (more != NULL)
		put_label(out, more, first);
	ush_buf_printf(out, "} %.15g\n", value);
}

static void head(struct ush_buf *out, const char *name, const char *help)
{
	ush_buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void one(struct ush_buf *out, const struct ush_run *run, const char *name, const char *help, double value)
{
	head(out, name, help);
	put(out, run, name, NULL, value);
}

/* ---- the parts ---- */

/* The time of the last success as the file of the last run has it, 0 when it has none. */
static double last_success(const char *before)
{
	const char *line = before != NULL ? strstr(before, "\n" SUCCESS "{") : NULL;
	const char *end = line != NULL ? strchr(line + 1, '\n') : NULL, *value = end;

	while (value != NULL && value > line && *value != ' ')
		value--;
	return value != NULL && value > line ? strtod(value, NULL) : 0;
}

static void put_run(struct ush_buf *out, const struct ush_run *run, const char *before)
{
	bool success = run->status == 0 || (run->status == 1 && strcmp(run->verb, "plan") == 0);
	double succeeded = success ? (double)run->now : last_success(before);

	one(out, run, "usher_broker_last_run_timestamp_seconds", "When the last run ended, in Unix time.", (double)run->now);
	if (succeeded > 0)
		one(out, run, SUCCESS, "When the last run that did all it should ended, in Unix time.", succeeded);
	one(out, run, "usher_broker_last_run_exit_status", "The exit status of the last run; usher-broker(1) lists them.", run->status);
	one(out, run, "usher_broker_last_run_seconds", "How long the last run took.", (double)run->took_ms / 1000);
}

static double is_complete(const struct ush_plan_source *source)
{
	return source->complete;
}

static double groups_of(const struct ush_plan_source *source)
{
	return (double)source->groups;
}

static double people_of(const struct ush_plan_source *source)
{
	return (double)source->people;
}

static double requests_of(const struct ush_plan_source *source)
{
	return (double)source->requests;
}

static double seconds_of(const struct ush_plan_source *source)
{
	return (double)source->took_ms / 1000;
}

static const struct {
	const char *name, *help;
	double (*value)(const struct ush_plan_source *source);
} source_gauges[] = {
	{"usher_broker_source_complete", "Whether the source was read whole.", is_complete},
	{"usher_broker_source_groups", "Groups that the source lists.", groups_of},
	{"usher_broker_source_people", "People in the groups whose members were read.", people_of},
	{"usher_broker_source_requests", "Requests that reading the source took, a page each; 0 where there are none.", requests_of},
	{"usher_broker_source_seconds", "How long the source took.", seconds_of},
};

static void put_sources(struct ush_buf *out, const struct ush_run *run)
{
	for (size_t g = 0; g < USH_COUNT(source_gauges); g++) {
		head(out, source_gauges[g].name, source_gauges[g].help);
		for (size_t i = 0; i < run->plan->source_count; i++)
			put(out, run, source_gauges[g].name, &(struct label){"source", run->plan->sources[i].name},
			    source_gauges[g].value(&run->plan->sources[i]));
	}
}

static void put_changes(struct ush_buf *out, const struct ush_run *run)
{
	static const char name[] = "usher_broker_changes";
	double gained = 0, lost = 0;

	head(out, name, "Lines of the last plan by action; create, change, replace and remove are written by apply.");
	for (int action = 0; action < USH_ACTION_COUNT; action++)
		put(out, run, name, &(struct label){"action", ush_action_name((enum ush_action)action)},
		    (double)ush_plan_count(run->plan, (enum ush_action)action));
	for (size_t i = 0; i < run->plan->change_count; i++) {
		const struct ush_change *change = &run->plan->changes[i];

		for (size_t k = 0; k < change->added_count; k++)
			gained += change->added[k].people > 0 ? (double)change->added[k].people : 0;
		for (size_t k = 0; k < change->removed_count; k++)
			lost += change->removed[k].people > 0 ? (double)change->removed[k].people : 0;
	}
	head(out, "usher_broker_people", "People in the groups that bindings gain or lose by the last plan, each time they do.");
	put(out, run, "usher_broker_people", &(struct label){"change", "gain"}, gained);
	put(out, run, "usher_broker_people", &(struct label){"change", "lose"}, lost);
}

/* What of the plan's lines makes a binding, or ends one. */
static double desired_bindings(const struct ush_plan *plan)
{
	double count = (double)plan->bindings_ours;

	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].kind == USH_ROLE_BINDING)
			count += plan->changes[i].action == USH_CREATE ? 1 : plan->changes[i].action == USH_REMOVE ? -1 : 0;
	return count;
}

static void put_stop(struct ush_buf *out, const struct ush_run *run)
{
	static const char name[] = "usher_broker_stopped";
	enum ush_code code = run->plan->stop.code;

	head(out, name, "Whether the last plan was stopped before any write, by a brake or because a source could not be read whole.");
	put(out, run, name, &(struct label){"reason", "brake"}, code == USH_ERR_REFUSED);
	put(out, run, name, &(struct label){"reason", "incomplete"}, code == USH_ERR_INCOMPLETE);
}

static void put_ledger(struct ush_buf *out, const struct ush_run *run)
{
	static const char denied[] = "usher_broker_denied";
	size_t counts[USH_LEDGER_ELEVATED + 1] = {0}, unreviewed = 0;

	for (size_t i = 0; i < run->ledger->count; i++) {
		const struct ush_ledger_entry *entry = &run->ledger->items[i];

		counts[entry->kind]++;
		unreviewed += entry->seal != NULL && !entry->reviewed;
	}
	head(out, denied, "Who and what was offboarded and stays out, whatever a source says.");
	for (int kind = 0; kind < USH_LEDGER_ELEVATED; kind++)
		put(out, run, denied, &(struct label){"kind", ush_ledger_kind_name((enum ush_ledger_kind)kind)}, (double)counts[kind]);
	one(out, run, "usher_broker_elevated", "Roles that somebody has for a time.", (double)counts[USH_LEDGER_ELEVATED]);
	one(out, run, "usher_broker_break_glass_unreviewed", "Uses of break-glass that nobody looked at afterwards.", (double)unreviewed);
	one(out, run, "usher_broker_ledger_room", "How many more entries the ledger holds.", (double)USH_LEDGER_MAX - (double)run->ledger->count);
}

static void put_state(struct ush_buf *out, const struct ush_run *run)
{
	const struct ush_state *state = &run->plan->state;
	int64_t oldest = run->now;
	size_t waiting = 0;

	for (size_t i = 0; i < state->count; i++) {
		if (state->items[i].removed) /* remembered, so that its name is not given away */
			continue;
		waiting++;
		oldest = state->items[i].since < oldest ? state->items[i].since : oldest;
	}
	one(out, run, "usher_broker_tombstones", "Groups that are gone at their source and keep their bindings for now.", (double)waiting);
	one(out, run, "usher_broker_tombstone_oldest_seconds", "How long the longest of them has been gone.", (double)(run->now - oldest));
	put_stop(out, run);
	head(out, "usher_broker_bindings", "RoleBindings in the cluster before the run.");
	put(out, run, "usher_broker_bindings", &(struct label){"owner", "usher"}, (double)run->plan->bindings_ours);
	put(out, run, "usher_broker_bindings", &(struct label){"owner", "others"}, (double)run->plan->bindings_others);
	one(out, run, "usher_broker_desired_bindings", "RoleBindings of ours that there are after the last plan.", desired_bindings(run->plan));
	if (run->plan->namespaces >= 0)
		one(out, run, "usher_broker_namespaces", "Namespaces in the cluster.", (double)run->plan->namespaces);
}

void ush_metrics_text(struct ush_buf *out, const struct ush_run *run, const char *before)
{
	put_run(out, run, before);
	if (run->dated)
		one(out, run, "usher_broker_clock_offset_seconds", "By how much the API server's clock is ahead of this machine's; less than 0: behind.", (double)run->ahead_s);
	if (run->plan != NULL) {
		put_sources(out, run);
		put_changes(out, run);
		put_state(out, run);
	}
	if (run->plan != NULL && run->ledger != NULL)
		put_ledger(out, run);
	if (run->applied != NULL) {
		one(out, run, "usher_broker_applied", "Changes that the last run carried out.", (double)run->applied->done);
		one(out, run, "usher_broker_failed", "Changes that failed in the last run.", (double)run->applied->failed.count);
		one(out, run, "usher_broker_waiting", "Changes that wait for their namespace.", (double)run->applied->pending);
		one(out, run, "usher_broker_skipped", "Changes that were passed over, for their namespace is being deleted.", (double)run->applied->skipped);
		one(out, run, "usher_broker_held_back", "Changes that take access away and wait, for something failed there.", (double)run->applied->removals_left);
	}
}

int ush_metrics_write(const char *path, const struct ush_run *run, struct ush_error *err)
{
	USH_AUTO_BUF before = USH_BUF_MAX(FILE_MAX);
	USH_AUTO_BUF out = {0};
	struct ush_error ignored = {0};

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_STORE, &before, NULL, &ignored) != 0)
		ush_buf_free(&before);
	ush_metrics_text(&out, run, before.data);
	return ush_file_write(path, out.data, out.length, 0644, err);
}
