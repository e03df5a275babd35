/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker run: stays, and carries the policy out again and again, as apply does once. Each run reads policy,
 * kubeconfig and credentials anew; one that fails is told in a line and leaves the next one its chance.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/policy/reader.h"
#include "broker/serve/schedule.h"
#include "broker/serve/serve.h"
#include "broker/serve/wait.h"
#include "broker/verb/verb.h"
#include "broker/verb/watch.h"
#include "common/base/memory.h"
#include "common/net/real.h"

#define LONGEST	     (30 * 86400) /* seconds between two runs */
#define HEALTHY_RUNS 3		  /* intervals without a complete run that are no worry yet */

static struct ush_broker_options options = {.rights = "auto"};
static const char *every_text = "5m", *jitter_text, *healthy_text, *listen_text = "127.0.0.1:9464";
static long max_runs = -1;
static int64_t every = 300, jitter, healthy;

static const struct ush_option rows[] = {
	{"filename", 'f', USH_OPTION_STRING, "POLICY", "the policy, a file: each run reads it again", &options.policy},
	{"every", 0, USH_OPTION_STRING, "DURATION", "how far runs are apart, from the beginning of one to that of the next; 5m unless said", &every_text},
	{"jitter", 0, USH_OPTION_STRING, "DURATION", "begin each run up to so much later, by chance", &jitter_text},
	{"max-runs", 0, USH_OPTION_NUMBER, "N", "end after so many runs, with the status of the last", &max_runs},
	{"listen", 0, USH_OPTION_STRING, "ADDRESS:PORT", "where /metrics, /healthz and /readyz are, 127.0.0.1:9464 unless said, or \"none\"", &listen_text},
	{"healthy-for", 0, USH_OPTION_STRING, "DURATION", "/healthz is well so long after a complete run, three intervals unless said", &healthy_text},
	USH_OPTIONS_APPLY(options),
	{NULL},
};

/* ---- one run ---- */

static void take_numbers(void *context, const struct ush_run *run)
{
	ush_board_numbers(context, run);
}

/* How it ended for the board. A run that a signal broke off is no failure, unless it left something half done. */
static enum ush_ended ended(const struct ush_watch *watch, const struct ush_error *why)
{
	if (why->code != USH_OK)
		return ush_asked_to_end() && why->code != USH_ERR_PARTIAL ? USH_ENDED_YIELDED : USH_ENDED_FAILED;
	return watch->yielded || ush_asked_to_end() ? USH_ENDED_YIELDED : USH_ENDED_COMPLETE;
}

/* Those of several clusters were told as they came. The answer is the exit status. */
static int run_once(struct ush_board *board, struct ush_watch *watch)
{
	USH_AUTO_BROKER broker = {0};
	struct ush_error why = {0};
	enum ush_ended how;

	ush_watch_begin(watch);
	ush_board_begin(board);
	if (ush_broker_open(&broker, &options, false, &why) == 0)
		ush_broker_apply_policy(&broker, &options, &why);
	how = ended(watch, &why);
	if (how == USH_ENDED_FAILED && watch->told == 0)
		ush_watch_failed(watch, NULL, &why);
	else if (how == USH_ENDED_COMPLETE)
		ush_watch_works(watch, NULL);
	if (how == USH_ENDED_FAILED && !watch->numbered) /* what comes after a policy that is no policy is worth saying again */
		ush_watch_forget(watch);
	ush_board_end(board, how, how == USH_ENDED_FAILED ? &why : NULL);
	fflush(stdout);
	return how == USH_ENDED_FAILED ? ush_code_status(why.code) : 0;
}

/* ---- all of them ---- */

static uint64_t chance(const struct ush_world *world)
{
	uint64_t bits;

	ush_random(world, &bits, sizeof bits);
	return bits;
}

static int run_all(const struct ush_world *world, struct ush_board *board)
{
	struct ush_watch watch = {.world = world, .numbers = take_numbers, .context = board};
	struct ush_schedule schedule = {.every_ms = every * 1000, .jitter_ms = jitter * 1000};
	int64_t begin = ush_schedule_first(&schedule, ush_boot_ms(world), chance(world));
	int status = 0;

	options.watch = &watch;
	for (long runs = 0; max_runs < 0 || runs < max_runs; runs++) {
		enum ush_waited waited = ush_wait_until(world, begin);

		if (waited == USH_WAITED_END)
			break;
		if (waited == USH_WAITED_NOW) { /* whoever asked wants to read how it is */
			ush_schedule_now(&schedule, ush_boot_ms(world));
			ush_watch_free(&watch);
		}
		status = run_once(board, &watch);
		begin = ush_schedule_next(&schedule, ush_boot_ms(world), chance(world));
	}
	ush_board_stop(board);
	ush_watch_free(&watch);
	/* At rest it ends as it should. A run that a signal broke off while it wrote is told by its status. */
	return max_runs >= 0 || status == ush_code_status(USH_ERR_PARTIAL) ? status : 0;
}

/* ---- the command line ---- */

static int read_durations(struct ush_error *err)
{
	const struct {
		const char *option, *text;
		int64_t *to, least;
	} durations[] = {
		{"every", every_text, &every, 1},
		{"jitter", jitter_text, &jitter, 0},
		{"healthy-for", healthy_text, &healthy, 1},
	};

	for (size_t i = 0; i < USH_COUNT(durations); i++) {
		if (durations[i].text == NULL)
			continue;
		if (!ush_parse_duration(durations[i].text, durations[i].to) || *durations[i].to < durations[i].least || *durations[i].to > LONGEST)
			return ush_fail(err, USH_ERR_USAGE, "--%s: expected a number with s, m, h or d behind it, as in 5m, and no more than 30d; found \"%s\"",
					durations[i].option, durations[i].text);
	}
	if (healthy_text == NULL)
		healthy = HEALTHY_RUNS * every + jitter;
	return 0;
}

static int check_options(struct ush_error *err)
{
	struct stat st;

	if (ush_broker_need_policy(&options, err) != 0 || read_durations(err) != 0)
		return -1;
	if (strcmp(options.policy, "-") == 0)
		return ush_fail(err, USH_ERR_USAGE, "-f -: each run reads the policy again, and stdin can be read once; name a file");
	if (stat(options.policy, &st) == 0 && !S_ISREG(st.st_mode))
		return ush_fail(err, USH_ERR_USAGE, "-f %s: is no file, and each run reads the policy again; name a file", options.policy);
	if (options.journal != NULL && strcmp(options.journal, "") == 0)
		return ush_fail(err, USH_ERR_USAGE, "--audit-log wants the name of a file");
	if (max_runs == 0)
		return ush_fail(err, USH_ERR_USAGE, "--max-runs: expected at least 1");
	return 0;
}

static void say_begun(const struct ush_serve *serve)
{
	USH_AUTO_FREE char *policy = ush_text_safe(options.policy);

	fprintf(stderr, "usher-broker: carries out %s every %s%s%s%s\n", policy, every_text, serve != NULL ? "; http://" : "",
		serve != NULL ? ush_serve_where(serve) : "", serve != NULL ? "/metrics, /healthz, /readyz" : "");
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER clock = {0};
	USH_AUTO_BOARD board = NULL;
	USH_AUTO_SERVE serve = NULL;

	(void)count;
	(void)operands;
	if (check_options(err) != 0 || ush_broker_open(&clock, &options, false, err) != 0)
		return -1;
	ush_wait_prepare();
	board = ush_board_new(&(struct ush_board_of){&clock.world, every * 1000, healthy * 1000});
	if (strcmp(listen_text, "none") != 0 && (serve = ush_serve_start(listen_text, board, err)) == NULL)
		return -1;
	say_begun(serve);
	return run_all(&clock.world, board);
}

const struct ush_verb ush_verb_run = {"run", "", "stay, and carry out the policy inside its limits again and again", rows, 0, 0, run};
