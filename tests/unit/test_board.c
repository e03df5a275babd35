/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/serve/board.h"
#include "broker/serve/exposition.h"
#include "common/base/memory.h"

static int64_t wall_ms = 1000000000, boot = 5000;

static int64_t now_ms(void *context)
{
	(void)context;
	return wall_ms;
}

static int64_t boot_ms(void *context)
{
	(void)context;
	return boot;
}

static const struct ush_world world = {.now_ms = now_ms, .boot_ms = boot_ms};
static struct ush_board *board;
static struct ush_buf out;

static void begin(void)
{
	board = ush_board_new(&(struct ush_board_of){&world, 300000, 900000});
}

static void end(void)
{
	ush_board_free(board);
	ush_buf_free(&out);
}

static void pass(int64_t ms)
{
	boot += ms;
	wall_ms += ms;
}

/* One run over these clusters, each ended with this status. */
static void run(int status, const char *one, const char *another)
{
	struct ush_error why = {.code = USH_ERR_UNAVAILABLE, .what = "main did not answer"};
	const char *const clusters[] = {one, another};

	ush_board_begin(board);
	pass(2000);
	for (size_t i = 0; i < 2 && clusters[i] != NULL; i++)
		ush_board_numbers(board, &(struct ush_run){.verb = "apply", .policy = "p", .cluster = clusters[i], .status = status, .now = wall_ms / 1000});
	ush_board_end(board, status == 0 ? USH_ENDED_COMPLETE : USH_ENDED_FAILED, status == 0 ? NULL : &why);
}

static const char *page(void)
{
	ush_buf_free(&out);
	out = (struct ush_buf){0};
	ush_board_metrics(board, &out);
	return out.data;
}

static bool healthy(void)
{
	ush_buf_free(&out);
	out = (struct ush_buf){0};
	return ush_board_healthy(board, &out);
}

static bool ready(void)
{
	ush_buf_free(&out);
	out = (struct ush_buf){0};
	return ush_board_ready(board, &out);
}

static void has(const char *text, const char *line)
{
	USH_AUTO_FREE char *whole = ush_printf("\n%s\n", line);

	ck_assert_msg(strstr(text, whole) != NULL, "no line \"%s\" in:\n%s", line, text);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

START_TEST(clusters_stand_under_one_head_for_each_name)
{
	begin();
	run(0, "prod", "stage");
	page();
	ck_assert_uint_eq(count(out.data, "# TYPE usher_broker_last_run_exit_status gauge\n"), 1);
	has(out.data, "usher_broker_last_run_exit_status{policy=\"p\",cluster=\"prod\"} 0\nusher_broker_last_run_exit_status{policy=\"p\",cluster=\"stage\"} 0");
	has(out.data, "usher_broker_runs_total{result=\"complete\"} 1");
	has(out.data, "usher_broker_build_info{version=\"" USH_VERSION "\"} 1");
	has(out.data, "usher_broker_interval_seconds 300");
	ck_assert_ptr_nonnull(strstr(out.data, "\nprocess_resident_memory_bytes "));
	ck_assert_ptr_nonnull(strstr(out.data, "\nprocess_cpu_seconds_total "));
	end();
}
END_TEST

/* What only one of them tells is not lost, and stands once. */
START_TEST(pages_that_differ_are_merged_by_name)
{
	static const char *const texts[] = {"# HELP a A.\n# TYPE a gauge\na{c=\"1\"} 1\n", "# HELP b B.\n# TYPE b gauge\nb{c=\"2\"} 2\n# HELP a A.\n# TYPE a gauge\na{c=\"2\"} 3\n", ""};

	ush_exposition_merge(&out, texts, 3);
	ck_assert_str_eq(out.data, "# HELP a A.\n# TYPE a gauge\na{c=\"1\"} 1\na{c=\"2\"} 3\n# HELP b B.\n# TYPE b gauge\nb{c=\"2\"} 2\n");
	ush_buf_free(&out);
}
END_TEST

START_TEST(health_ends_when_the_last_complete_run_is_too_old)
{
	begin();
	ck_assert(healthy()); /* nothing had the time to end */
	run(0, NULL, NULL);
	ck_assert(healthy());
	ck_assert_str_eq(out.data, "ok: the last complete run ended 0 s ago\n");
	pass(890000);
	run(6, NULL, NULL);
	ck_assert(healthy());
	ck_assert_str_eq(out.data, "ok: the last complete run ended 14 min ago; the last one failed: main did not answer\n");
	pass(9000);
	ck_assert(!healthy());
	ck_assert_str_eq(out.data, "no complete run for 15 min: main did not answer\n");
	has(page(), "usher_broker_healthy 0");
	has(out.data, "usher_broker_complete_run_age_seconds 901");
	ck_assert(ready()); /* it fails, but it turns */
	run(0, NULL, NULL);
	ck_assert(healthy());
	end();
}
END_TEST

START_TEST(a_program_that_never_had_a_complete_run_is_well_for_a_while_and_then_is_not)
{
	begin();
	run(2, NULL, NULL);
	ck_assert(healthy());
	ck_assert_ptr_nonnull(strstr(out.data, "no run was complete yet: main did not answer"));
	pass(900000);
	ck_assert(!healthy());
	end();
}
END_TEST

START_TEST(a_run_that_does_not_end_is_why)
{
	begin();
	run(0, NULL, NULL);
	ush_board_begin(board);
	pass(900001);
	ck_assert(!healthy());
	ck_assert_str_eq(out.data, "no complete run for 15 min: the one that is under way does not end\n");
	end();
}
END_TEST

START_TEST(a_wall_clock_that_jumps_changes_no_verdict)
{
	begin();
	run(0, NULL, NULL);
	wall_ms -= 86400000;
	ck_assert(healthy());
	wall_ms += 20 * 86400000LL;
	ck_assert(healthy());
	has(page(), "usher_broker_complete_run_age_seconds 0");
	end();
}
END_TEST

START_TEST(readiness_ends_when_no_run_comes_to_an_end)
{
	begin();
	ck_assert(ready());
	ush_board_begin(board);
	pass(901000);
	ck_assert(!ready());
	ck_assert_str_eq(out.data, "no run has come to an end for 15 min\n");
	has(page(), "usher_broker_run_under_way 1");
	ush_board_end(board, USH_ENDED_YIELDED, NULL);
	ck_assert(ready());
	ush_board_stop(board);
	ck_assert(!ready());
	ck_assert_str_eq(out.data, "stopping\n");
	end();
}
END_TEST

START_TEST(a_run_that_yields_is_no_success_and_no_failure)
{
	begin();
	run(0, NULL, NULL);
	pass(60000);
	ush_board_begin(board);
	ush_board_end(board, USH_ENDED_YIELDED, NULL);
	has(page(), "usher_broker_runs_total{result=\"yielded\"} 1");
	has(out.data, "usher_broker_runs_total{result=\"failed\"} 0");
	has(out.data, "usher_broker_complete_run_age_seconds 60");
	has(out.data, "usher_broker_loop_exit_status 0");
	pass(901000);
	ck_assert(!healthy());
	ck_assert_str_eq(out.data, "no complete run for 16 min: another usher-broker was applying when it was time last\n");
	end();
}
END_TEST

/* A policy that does not parse comes to no cluster: those that were known are told to have failed, and keep their success. */
START_TEST(a_run_that_comes_to_no_cluster_fails_for_each_that_is_known)
{
	struct ush_error why = {.code = USH_ERR_CONFIG, .what = "policy.yaml:3:1: expected a list"};

	begin();
	run(0, "prod", "stage");
	pass(1000000);
	ush_board_begin(board);
	ush_board_end(board, USH_ENDED_FAILED, &why);
	has(page(), "usher_broker_last_run_exit_status{policy=\"p\",cluster=\"prod\"} 2\nusher_broker_last_run_exit_status{policy=\"p\",cluster=\"stage\"} 2");
	ck_assert_uint_eq(count(out.data, "usher_broker_last_success_timestamp_seconds{policy=\"p\",cluster=\"prod\"} 1000002\n"), 1);
	has(out.data, "usher_broker_loop_exit_status 2");
	ck_assert(!healthy());
	ck_assert_ptr_nonnull(strstr(out.data, "policy.yaml:3:1: expected a list"));
	run(0, "prod", NULL); /* stage is no longer listed */
	ck_assert_ptr_null(strstr(page(), "stage"));
	end();
}
END_TEST

START_TEST(a_first_run_that_comes_to_no_cluster_is_told_without_names)
{
	struct ush_error why = {.code = USH_ERR_CONFIG, .what = "no such file"};

	begin();
	ush_board_begin(board);
	ush_board_end(board, USH_ENDED_FAILED, &why);
	has(page(), "usher_broker_last_run_exit_status{} 2");
	run(0, "prod", NULL);
	ck_assert_ptr_null(strstr(page(), "{}"));
	end();
}
END_TEST

START_TEST(what_others_say_cannot_break_the_line)
{
	struct ush_error why = {.code = USH_ERR_UNAVAILABLE, .what = "x\r\n\r\nHTTP/1.1 200 OK\xe2\x80\xae"};

	begin();
	ush_board_begin(board);
	ush_board_end(board, USH_ENDED_FAILED, &why);
	pass(1000000);
	ck_assert(!healthy());
	ck_assert_uint_eq(count(out.data, "\n"), 1);
	ck_assert_uint_eq(count(out.data, "\r"), 0);
	ck_assert_uint_eq(count(out.data, "\xe2"), 0);
	end();
}
END_TEST

TAP_MAIN("board", clusters_stand_under_one_head_for_each_name, pages_that_differ_are_merged_by_name, health_ends_when_the_last_complete_run_is_too_old,
	 a_program_that_never_had_a_complete_run_is_well_for_a_while_and_then_is_not, a_run_that_does_not_end_is_why,
	 a_wall_clock_that_jumps_changes_no_verdict,
	 readiness_ends_when_no_run_comes_to_an_end, a_run_that_yields_is_no_success_and_no_failure, a_run_that_comes_to_no_cluster_fails_for_each_that_is_known,
	 a_first_run_that_comes_to_no_cluster_is_told_without_names, what_others_say_cannot_break_the_line)
