/* SPDX-License-Identifier: Apache-2.0
 *
 * One run, or one for each cluster that the policy lists: sources are read once, a cluster that fails is told and does not
 * keep the others from their turn, and each run is told in numbers.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/rights/rights.h"
#include "broker/serve/schedule.h"
#include "broker/sync/apply/metrics.h"
#include "broker/verb/verb.h"
#include "broker/verb/watch.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/kube/request.h"
#include "common/net/real.h"

#define CLOCKS_APART 300 /* s that two machines may be apart */

int ush_broker_connect(struct ush_broker *broker, const struct ush_broker_options *options, const struct ush_cluster *cluster, struct ush_error *err)
{
	ush_broker_lead(broker, options, cluster);
	ush_kube_config_free(broker->config);
	broker->config = ush_kube_config_load(cluster != NULL ? cluster->kubeconfig : options->kubeconfig, cluster != NULL ? cluster->context : options->context, isatty(STDIN_FILENO) && isatty(STDERR_FILENO), err);
	broker->progress = (struct ush_progress){0};
	broker->kube = (struct ush_kube){.world = &broker->world, .config = broker->config, .field_manager = USH_MANAGED_BY, .progress = &broker->progress,
					 .way = &broker->way};
	return broker->config != NULL ? 0 : -1;
}

/* ---- numbers ---- */

/* "usher.prom", and "usher-NAME.prom" for one of several clusters; the caller frees. */
static char *metrics_path(const char *path, const char *cluster)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');

	if (cluster == NULL)
		return ush_strdup(path);
	if (dot == NULL || dot == path || (slash != NULL && dot < slash + 2))
		dot = path + strlen(path);
	return ush_printf("%.*s-%s%s", (int)(dot - path), path, cluster, dot);
}

int ush_broker_metrics(const struct ush_broker_options *options, const struct ush_run *run, struct ush_error *err)
{
	USH_AUTO_FREE char *path = options->metrics != NULL ? metrics_path(options->metrics, run->cluster) : NULL;

	if (options->watch != NULL) {
		options->watch->numbered = true;
		options->watch->numbers(options->watch->context, run);
	}
	return path != NULL ? ush_metrics_write(path, run, err) : 0;
}

/* ---- clusters ---- */

static bool is_chosen(const struct ush_broker_options *options, const char *name)
{
	for (size_t i = 0; i < options->clusters.count; i++)
		if (strcmp(options->clusters.items[i], name) == 0)
			return true;
	return options->clusters.count == 0;
}

char *ush_broker_cluster_names(const struct ush_policy *policy)
{
	struct ush_buf out = {0};

	for (size_t i = 0; i < policy->cluster_count; i++)
		ush_buf_printf(&out, "%s%s", i > 0 ? ", " : "", policy->clusters[i].name);
	return out.data != NULL ? ush_buf_take(&out) : ush_strdup("none");
}

static size_t count_chosen(const struct ush_broker_options *options, const struct ush_policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->cluster_count; i++)
		count += is_chosen(options, policy->clusters[i].name);
	return count;
}

static int check_chosen(const struct ush_broker_options *options, const struct ush_policy *policy, struct ush_error *err)
{
	if (options->clusters.count > 0 && (options->kubeconfig != NULL || options->context != NULL))
		return ush_fail(err, USH_ERR_USAGE, "--cluster names a cluster of the policy; --kubeconfig and --context name another");
	for (size_t i = 0; i < options->clusters.count; i++) {
		bool known = false;

		for (size_t k = 0; k < policy->cluster_count; k++)
			known = known || strcmp(policy->clusters[k].name, options->clusters.items[i]) == 0;
		if (!known) {
			USH_AUTO_FREE char *names = ush_broker_cluster_names(policy);

			return ush_fail(err, USH_ERR_USAGE, "%s lists no cluster %.60s; it lists %.300s", policy->file, options->clusters.items[i], names);
		}
	}
	return 0;
}

/* A 403 says which right is missing; this, where all of them are written. */
static void tell_rights(const struct ush_way *way, const char *verb, struct ush_error *err)
{
	const struct ush_purpose *purpose = ush_purpose_of(verb);
	USH_AUTO_FREE char *command = NULL;

	if (err->code != USH_ERR_REFUSED || err->hint[0] != '\0' || strstr(err->what, " is forbidden: ") == NULL)
		return;
	if (purpose == ush_purpose_of("apply"))
		verb = "a run";
	command = ush_way_rights(way, purpose == ush_purpose_of("apply") ? NULL : purpose->name);
	ush_hint(err, "What %s of this policy needs: %s", verb, command);
}

/* For who stays it is no failure that another run has the lease: the next turn comes. */
static bool yields(const struct ush_turn *t, const struct ush_broker_options *options, struct ush_error *err)
{
	if (options->watch == NULL || !t->applied.busy)
		return false;
	options->watch->yielded = true;
	err->hint[0] = '\0';
	if (t->cluster != NULL)
		ush_error_at(err, "cluster %s", t->cluster);
	if (ush_watch_news(options->watch, t->cluster, USH_SAYING_OUT, "yields"))
		ush_error_print(stderr, "usher-broker", err);
	ush_error_clear(err);
	return true;
}

/* That one of two clocks is wrong, in one line; while it stays so it is said once. */
static void tell_clocks(const struct ush_turn *t, const struct ush_broker_options *options)
{
	const struct ush_kube *kube = t->sync->kube;
	int64_t ahead = kube != NULL ? ush_kube_ahead(kube) : 0, apart = ahead < 0 ? -ahead : ahead;
	USH_AUTO_FREE char *line = NULL, *safe = NULL;
	char words[32];

	if (apart <= CLOCKS_APART)
		return;
	line = ush_printf("the clock of %s is %s %s this machine's: %s; set the one that is wrong", ush_kube_server_name(kube), ush_schedule_words(apart * 1000, words),
			  ahead > 0 ? "ahead of" : "behind",
			  ahead > USH_KUBE_APART ? "what is over by that one alone is left as it is" : "what is over is decided by that one");
	safe = ush_text_safe(line);
	if (ush_watch_news(options->watch, t->cluster, USH_SAYING_CLOCK, safe))
		fprintf(stderr, "usher-broker: %s%s%s%s\n", t->cluster != NULL ? "cluster " : "", t->cluster != NULL ? t->cluster : "", t->cluster != NULL ? ": " : "", safe);
}

/* The numbers of a run that failed, which could not be written either, are told beside its failure. */
static void tell_numbers(const struct ush_turn *t, const struct ush_broker_options *options, struct ush_run *run, struct ush_error *err)
{
	struct ush_error why = {0};

	if (ush_broker_metrics(options, run, &why) == 0)
		return;
	run->status = err->code == USH_OK ? ush_code_status(why.code) : run->status;
	if (err->code == USH_OK)
		*err = why;
	else if (ush_watch_news(options->watch, t->cluster, USH_SAYING_METRICS, why.what))
		ush_error_print(stderr, "usher-broker", &why);
}

/* What is of this turn alone. */
static void end_turn(struct ush_turn *t)
{
	ush_applied_free(&t->applied);
	t->applied = (struct ush_applied){0};
	t->carried_out = false;
}

/* One cluster's turn; its error is in err, its exit status is returned. */
static int turn(struct ush_turn *t, const struct ush_broker_options *options, const struct ush_cluster *cluster, const char *verb,
		int (*act)(struct ush_turn *turn, struct ush_error *err), struct ush_error *err)
{
	int64_t began = ush_boot_ms(&t->broker->world);
	struct ush_run run = {.verb = verb, .policy = t->sync->policy->name, .cluster = t->cluster};
	int status = -1;

	t->sync->way = &t->broker->way;
	if (t->sync->folder != NULL || ush_broker_connect(t->broker, options, cluster, err) == 0) {
		t->sync->kube = t->sync->folder == NULL ? &t->broker->kube : NULL;
		status = act(t, err);
		run.dated = t->sync->kube != NULL && t->sync->kube->config->dated;
		run.ahead_s = run.dated ? ush_kube_ahead(t->sync->kube) : 0;
		tell_clocks(t, options);
		tell_rights(&t->broker->way, verb, err);
	}
	if (yields(t, options, err)) {
		end_turn(t);
		return 0;
	}
	if (err->code != USH_OK)
		ush_watch_news(options->watch, t->cluster, USH_SAYING_OUT, "fails");
	else if (t->cluster != NULL)
		ush_watch_works(options->watch, t->cluster);
	run.plan = t->sync->plan;
	run.ledger = t->sync->plan != NULL ? &t->sync->ledger : NULL;
	run.applied = t->carried_out ? &t->applied : NULL;
	run.status = err->code != USH_OK ? ush_code_status(err->code) : status;
	run.now = ush_now(&t->broker->world);
	run.took_ms = ush_boot_ms(&t->broker->world) - began;
	tell_numbers(t, options, &run, err);
	end_turn(t);
	return run.status;
}

int ush_broker_each(struct ush_broker *broker, const struct ush_broker_options *options, struct ush_sync *sync, const char *verb,
		    int (*act)(struct ush_turn *turn, struct ush_error *err), void *context, struct ush_error *err)
{
	const struct ush_policy *policy = sync->policy;
	struct ush_turn t = {.broker = broker, .options = options, .sync = sync, .context = context};
	size_t turns = 0, failed = 0;
	enum ush_code code = USH_OK;
	int status = 0;

	if (check_chosen(options, policy, err) != 0)
		return -1;
	if (policy->cluster_count == 0 || options->kubeconfig != NULL || options->context != NULL || sync->folder != NULL)
		return turn(&t, options, NULL, verb, act, err);
	for (size_t i = 0; i < policy->cluster_count; i++) {
		struct ush_error why = {0};
		int ended;

		t.cluster = policy->clusters[i].name;
		if (!is_chosen(options, t.cluster) || (options->watch != NULL && ush_asked_to_end()))
			continue;
		turns++;
		ended = turn(&t, options, &policy->clusters[i], verb, act, &why);
		ush_sync_next(sync);
		if (why.code == USH_OK) {
			status = ended > status ? ended : status;
			continue;
		}
		ush_error_at(&why, "cluster %s", t.cluster);
		if (options->watch == NULL && count_chosen(options, policy) == 1) { /* it is the whole story */
			*err = why;
			return -1;
		}
		fflush(stdout);
		if (options->watch == NULL) {
			ush_error_print(stderr, "usher-broker", &why);
		} else {
			ush_watch_failed(options->watch, t.cluster, &why);
			options->watch->told++;
		}
		code = failed++ == 0 || code == why.code ? why.code : USH_ERR_PARTIAL;
	}
	return failed == 0 ? status : ush_fail(err, code, "%zu of %zu clusters failed", failed, turns);
}
