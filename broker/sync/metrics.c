/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/metrics.h"

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
	one(out, run, "usher_broker_stopped", "Whether a brake stopped the last plan.", run->plan->stop.code != USH_OK);
	head(out, "usher_broker_bindings", "RoleBindings in the cluster before the run.");
	put(out, run, "usher_broker_bindings", &(struct label){"owner", "usher"}, (double)run->plan->bindings_ours);
	put(out, run, "usher_broker_bindings", &(struct label){"owner", "others"}, (double)run->plan->bindings_others);
}

void ush_metrics_text(struct ush_buf *out, const struct ush_run *run, const char *before)
{
	put_run(out, run, before);
	if (run->plan != NULL) {
		put_sources(out, run);
		put_changes(out, run);
		put_state(out, run);
	}
	if (run->applied != NULL) {
		one(out, run, "usher_broker_applied", "Changes that the last run carried out.", (double)run->applied->done);
		one(out, run, "usher_broker_failed", "Changes that failed in the last run.", (double)run->applied->failed.count);
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
