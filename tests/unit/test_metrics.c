/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/apply/metrics.h"
#include "common/base/file.h"
#include "common/base/memory.h"

static struct ush_plan *plan;
static struct ush_applied applied;
static struct ush_run run;
static struct ush_buf out;

/* One source, one binding to create for three people, one tombstone an hour old. */
static void begin(const char *verb, int status)
{
	struct ush_change *change;

	plan = ush_new(struct ush_plan);
	USH_PUSH(plan->sources, plan->source_count,
		 ((struct ush_plan_source){.name = ush_strdup("main"), .complete = true, .groups = 12, .people = 30, .took_ms = 1500, .requests = 4}));
	change = ush_plan_add(plan, USH_CREATE, USH_ROLE_BINDING, "a", "b", NULL);
	ush_change_delta(plan, change, true, "oidc:dev", 3);
	ush_state_set(&plan->state, &(struct ush_tombstone){(char *)"main", (char *)"7", (char *)"gone", (char *)"oidc:gone", 996400, 1, false, NULL});
	plan->bindings_ours = 7;
	run = (struct ush_run){.verb = verb, .policy = "default", .plan = plan, .status = status, .now = 1000000, .took_ms = 2500};
}

static void expect(const char *line)
{
	USH_AUTO_FREE char *whole = ush_printf("\n%s\n", line);

	ck_assert_msg(strstr(out.data, whole) != NULL, "no line \"%s\" in:\n%s", line, out.data);
}

START_TEST(a_run_is_told_in_numbers)
{
	begin("apply", 0);
	applied = (struct ush_applied){.done = 1};
	run.applied = &applied;
	run.cluster = "prod";
	ush_metrics_text(&out, &run, NULL);
	expect("usher_broker_last_run_timestamp_seconds{policy=\"default\",cluster=\"prod\"} 1000000");
	expect("usher_broker_last_success_timestamp_seconds{policy=\"default\",cluster=\"prod\"} 1000000");
	expect("usher_broker_last_run_seconds{policy=\"default\",cluster=\"prod\"} 2.5");
	expect("usher_broker_source_complete{policy=\"default\",cluster=\"prod\",source=\"main\"} 1");
	expect("usher_broker_source_groups{policy=\"default\",cluster=\"prod\",source=\"main\"} 12");
	expect("usher_broker_changes{policy=\"default\",cluster=\"prod\",action=\"create\"} 1");
	expect("usher_broker_people{policy=\"default\",cluster=\"prod\",change=\"gain\"} 3");
	expect("usher_broker_tombstones{policy=\"default\",cluster=\"prod\"} 1");
	expect("usher_broker_tombstone_oldest_seconds{policy=\"default\",cluster=\"prod\"} 3600");
	expect("usher_broker_applied{policy=\"default\",cluster=\"prod\"} 1");
	expect("usher_broker_failed{policy=\"default\",cluster=\"prod\"} 0");
}
END_TEST

START_TEST(how_far_the_clocks_are_apart_is_told_where_it_is_known)
{
	begin("apply", 0);
	ush_metrics_text(&out, &run, NULL);
	ck_assert_ptr_null(strstr(out.data, "usher_broker_clock_offset_seconds"));
	ush_buf_free(&out);
	run.dated = true;
	run.ahead_s = -3600;
	ush_metrics_text(&out, &run, NULL);
	expect("usher_broker_clock_offset_seconds{policy=\"default\"} -3600");
}
END_TEST

/* BF02: a run that failed in part never looks like a success */
START_TEST(a_run_that_failed_keeps_the_time_of_the_last_success)
{
	USH_AUTO_BUF before = {0};

	begin("apply", 0);
	ush_metrics_text(&before, &run, NULL);
	run.status = 10;
	run.now = 2000000;
	ush_metrics_text(&out, &run, before.data);
	expect("usher_broker_last_run_timestamp_seconds{policy=\"default\"} 2000000");
	expect("usher_broker_last_success_timestamp_seconds{policy=\"default\"} 1000000");
	expect("usher_broker_last_run_exit_status{policy=\"default\"} 10");
}
END_TEST

START_TEST(a_run_that_never_succeeded_says_no_time_of_success)
{
	begin("apply", 3);
	run.plan = NULL;
	ush_metrics_text(&out, &run, "spoilt\nusher_broker_last_success_timestamp_seconds{x");
	ck_assert_ptr_null(strstr(out.data, "last_success"));
	expect("usher_broker_last_run_exit_status{policy=\"default\"} 3");
}
END_TEST

/* BE36 */
START_TEST(a_brake_and_a_source_that_was_not_read_are_told_apart)
{
	begin("apply", 5);
	ush_metrics_text(&out, &run, NULL);
	expect("usher_broker_stopped{policy=\"default\",reason=\"brake\"} 0");
	expect("usher_broker_stopped{policy=\"default\",reason=\"incomplete\"} 0");
	plan->stop.code = USH_ERR_REFUSED;
	ush_buf_free(&out);
	ush_metrics_text(&out, &run, NULL);
	expect("usher_broker_stopped{policy=\"default\",reason=\"brake\"} 1");
	plan->stop.code = USH_ERR_INCOMPLETE;
	plan->sources[0].complete = false;
	ush_buf_free(&out);
	ush_metrics_text(&out, &run, NULL);
	expect("usher_broker_stopped{policy=\"default\",reason=\"brake\"} 0");
	expect("usher_broker_stopped{policy=\"default\",reason=\"incomplete\"} 1");
	expect("usher_broker_source_complete{policy=\"default\",source=\"main\"} 0");
	expect("usher_broker_source_requests{policy=\"default\",source=\"main\"} 4");
}
END_TEST

/* BE36: what of a run was not done, and why */
START_TEST(what_is_left_of_a_run_is_told)
{
	begin("apply", 10);
	applied = (struct ush_applied){.done = 3, .pending = 2, .skipped = 1, .removals_left = 4};
	run.applied = &applied;
	ush_metrics_text(&out, &run, NULL);
	expect("usher_broker_waiting{policy=\"default\"} 2");
	expect("usher_broker_skipped{policy=\"default\"} 1");
	expect("usher_broker_held_back{policy=\"default\"} 4");
	expect("usher_broker_bindings{policy=\"default\",owner=\"usher\"} 7");
	expect("usher_broker_desired_bindings{policy=\"default\"} 8");
}
END_TEST

START_TEST(who_is_kept_out_and_who_was_elevated_is_counted)
{
	struct ush_ledger_entry entries[] = {{.kind = USH_LEDGER_USER}, {.kind = USH_LEDGER_USER}, {.kind = USH_LEDGER_NAMESPACE}, {.kind = USH_LEDGER_ELEVATED},
					     {.kind = USH_LEDGER_ELEVATED, .seal = (char *)"fire"}, {.kind = USH_LEDGER_ELEVATED, .seal = (char *)"fire", .reviewed = true}};
	struct ush_ledger ledger = {entries, USH_COUNT(entries)};

	begin("apply", 0);
	ush_metrics_text(&out, &run, NULL);
	ck_assert_ptr_null(strstr(out.data, "usher_broker_denied"));
	run.ledger = &ledger;
	ush_buf_free(&out);
	ush_metrics_text(&out, &run, NULL);
	expect("usher_broker_denied{policy=\"default\",kind=\"user\"} 2");
	expect("usher_broker_denied{policy=\"default\",kind=\"group\"} 0");
	expect("usher_broker_denied{policy=\"default\",kind=\"namespace\"} 1");
	expect("usher_broker_elevated{policy=\"default\"} 3");
	expect("usher_broker_break_glass_unreviewed{policy=\"default\"} 1");
	expect("usher_broker_ledger_room{policy=\"default\"} 1994");
}
END_TEST

START_TEST(a_plan_with_something_to_do_is_a_success_and_an_apply_with_status_1_is_none)
{
	begin("plan", 1);
	ush_metrics_text(&out, &run, NULL);
	expect("usher_broker_last_success_timestamp_seconds{policy=\"default\"} 1000000");
	ush_buf_free(&out);
	run.verb = "apply";
	ush_metrics_text(&out, &run, NULL);
	ck_assert_ptr_null(strstr(out.data, "last_success"));
}
END_TEST

START_TEST(names_cannot_break_a_line)
{
	begin("apply", 0);
	run.cluster = "a\"b\\c\nd";
	ush_metrics_text(&out, &run, NULL);
	expect("usher_broker_last_run_exit_status{policy=\"default\",cluster=\"a\\\"b\\\\c\\nd\"} 0");
}
END_TEST

START_TEST(every_name_has_its_help_and_type_once)
{
	begin("apply", 0);
	run.applied = &applied;
	ush_metrics_text(&out, &run, NULL);
	for (const char *line = out.data; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
		USH_AUTO_FREE char *type = NULL;
		const char *first;

		if (*line == '#')
			continue;
		type = ush_printf("# TYPE %.*s gauge\n", (int)strcspn(line, "{"), line);
		first = strstr(out.data, type);
		ck_assert_msg(first != NULL && strstr(first + 1, type) == NULL, "%s", type);
	}
}
END_TEST

START_TEST(the_file_is_put_in_place_whole_and_read_again)
{
	USH_AUTO_FREE char *path = ush_printf("%s/usher.prom", tap_folder());
	struct ush_error err = {0};

	begin("apply", 0);
	ck_assert_int_eq(ush_metrics_write(path, &run, &err), 0);
	run.status = 5;
	run.now = 3000000;
	ck_assert_int_eq(ush_metrics_write(path, &run, &err), 0);
	ck_assert_int_eq(ush_file_read(path, USH_FILE_ANY, USH_ERR_STORE, &out, NULL, &err), 0);
	expect("usher_broker_last_success_timestamp_seconds{policy=\"default\"} 1000000");
	ck_assert_int_eq(ush_metrics_write("/nonexistent/usher.prom", &run, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_STORE);
}
END_TEST

TAP_MAIN("metrics", a_run_is_told_in_numbers, how_far_the_clocks_are_apart_is_told_where_it_is_known, a_run_that_failed_keeps_the_time_of_the_last_success,
	 a_run_that_never_succeeded_says_no_time_of_success, a_plan_with_something_to_do_is_a_success_and_an_apply_with_status_1_is_none,
	 a_brake_and_a_source_that_was_not_read_are_told_apart, what_is_left_of_a_run_is_told, who_is_kept_out_and_who_was_elevated_is_counted, names_cannot_break_a_line, every_name_has_its_help_and_type_once, the_file_is_put_in_place_whole_and_read_again)
