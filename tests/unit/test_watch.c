/* SPDX-License-Identifier: Apache-2.0
 *
 * What the log of a program that stays has of an outage.
 */
#include "tests/support/tap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/verb/watch.h"
#include "common/base/memory.h"

static int64_t now_ms = 5;

static int64_t boot_ms(void *context)
{
	(void)context;
	return now_ms;
}

static const struct ush_world world = {.boot_ms = boot_ms};
static struct ush_watch watch = {.world = &world};
static FILE *log_of_test;

static void fails(const char *cluster, const char *what)
{
	struct ush_error err = {.code = USH_ERR_UNAVAILABLE};

	snprintf(err.what, sizeof err.what, "%s", what);
	ush_watch_failed(&watch, cluster, &err);
}

/* What came on stderr since. */
static void expect(const char *wanted)
{
	char text[2000] = "";
	static long from;

	fflush(stderr);
	fseek(log_of_test, from, SEEK_SET);
	text[fread(text, 1, sizeof text - 1, log_of_test)] = '\0';
	from = ftell(log_of_test);
	ck_assert_str_eq(text, wanted);
}

static void begin(void)
{
	log_of_test = tmpfile();
	ck_assert_ptr_nonnull(log_of_test);
	ck_assert_int_ge(dup2(fileno(log_of_test), STDERR_FILENO), 0);
}

START_TEST(an_outage_is_said_when_it_begins_each_hour_and_when_it_is_over)
{
	begin();
	fails(NULL, "it is gone");
	expect("usher-broker: it is gone\n");
	for (int i = 1; i < 12; i++, now_ms += 300000)
		fails(NULL, "it is gone");
	expect("");
	now_ms += 300000;
	fails(NULL, "it is gone");
	expect("usher-broker: still, 13 runs failed in a row: it is gone\n");
	fails(NULL, "it says no");
	expect("usher-broker: it says no\n");
	ush_watch_works(&watch, NULL);
	expect("usher-broker: works again; before that 14 runs failed\n");
	ush_watch_works(&watch, NULL);
	expect("");
	fails(NULL, "it says no");
	expect("usher-broker: it says no\n");
	ush_watch_free(&watch);
}
END_TEST

START_TEST(each_cluster_has_its_own)
{
	begin();
	fails("east", "cluster east: gone");
	fails("west", "cluster west: gone");
	expect("usher-broker: cluster east: gone\nusher-broker: cluster west: gone\n");
	fails("west", "cluster west: gone");
	ush_watch_works(&watch, "east");
	expect("usher-broker: cluster east: works again; before that 1 run failed\n");
	fails("west", "cluster west: gone");
	expect("");
	ush_watch_works(&watch, "west");
	expect("usher-broker: cluster west: works again; before that 3 runs failed\n");
	ush_watch_works(NULL, "west");
	ush_watch_free(&watch);
}
END_TEST

TAP_MAIN("watch", an_outage_is_said_when_it_begins_each_hour_and_when_it_is_over, each_cluster_has_its_own)
