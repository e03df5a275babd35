/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/flight/flight.h"

#define BINDING "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* A world whose clock moves only by waiting, so that no test depends on how fast the machine is. */
static int64_t clock_ms, stop_at_ms;
static void (*on_sleep)(void);

static int64_t fake_now(void *context)
{
	(void)context;
	return clock_ms;
}

static int fake_sleep(void *context, int64_t ms)
{
	(void)context;
	ck_assert_int_gt(ms, 0);
	ck_assert_int_le(ms, 100);
	clock_ms += ms;
	if (on_sleep != NULL)
		on_sleep();
	return stop_at_ms != 0 && clock_ms >= stop_at_ms ? -1 : 0;
}

static int real_sleep(void *context, int64_t ms)
{
	struct timespec t = {.tv_nsec = ms * 1000000};

	(void)context;
	nanosleep(&t, NULL);
	return 0;
}

static const struct ush_world world = {.now_ms = fake_now, .boot_ms = fake_now, .sleep_ms = fake_sleep};
static char folder[80];
static struct ush_error err;

static void begin(void)
{
	if (folder[0] == '\0')
		snprintf(folder, sizeof folder, "%s", tap_folder());
	setenv("XDG_RUNTIME_DIR", folder, 1);
	setenv("XDG_STATE_HOME", folder, 1);
	clock_ms = 1000000;
	memset(&err, 0, sizeof err);
}

static bool never(void *context)
{
	(void)context;
	return false;
}

static bool when_set(void *context)
{
	return *(bool *)context;
}

static struct ush_flight *take(bool *landed)
{
	return ush_flight_begin(&world, BINDING, never, NULL, landed, &err);
}

/* A child that has the lock, says what it does, and holds it until it is killed. */
static pid_t hold(const char *what, int64_t deadline_ms)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		bool landed;
		struct ush_flight *flight = take(&landed);

		if (flight == NULL)
			_exit(1);
		ush_flight_announce(flight, what, deadline_ms);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(the_lock_is_taken_and_given_back)
{
	bool landed = true;
	struct ush_flight *flight;

	begin();
	for (int i = 0; i < 3; i++) {
		flight = take(&landed);
		ck_assert_msg(flight != NULL, "%s", err.what);
		ck_assert(!landed);
		ush_flight_end(flight);
	}
	ush_flight_end(NULL);
}
END_TEST

START_TEST(what_came_between_the_look_and_the_lock_is_seen)
{
	bool here = true, landed = false;

	begin();
	ck_assert_ptr_null(ush_flight_begin(&world, BINDING, when_set, &here, &landed, &err));
	ck_assert(landed);
	ck_assert_int_eq(err.code, USH_OK);
	struct ush_flight *flight = take(&landed); /* no lock was left behind */
	ck_assert_ptr_nonnull(flight);
	ush_flight_end(flight);
}
END_TEST

static bool arrived;

static void arrive(void)
{
	if (clock_ms >= 1000000 + 2000)
		arrived = true;
}

START_TEST(a_waiter_leaves_with_what_the_holder_brought)
{
	bool landed = false;
	pid_t holder;

	begin();
	holder = hold("refresh", clock_ms + 30000);
	on_sleep = arrive;
	ck_assert_ptr_null(ush_flight_begin(&world, BINDING, when_set, &arrived, &landed, &err));
	ck_assert(landed);
	ck_assert_int_eq(err.code, USH_OK);
	end_holder(holder);
}
END_TEST

START_TEST(a_dead_holder_holds_nothing)
{
	bool landed;

	begin();
	end_holder(hold("refresh", clock_ms + 30000));
	struct ush_flight *flight = take(&landed);
	ck_assert_ptr_nonnull(flight);
	ush_flight_end(flight);
}
END_TEST

START_TEST(a_refresh_is_waited_for_30_seconds_and_no_longer)
{
	bool landed;
	pid_t holder;

	begin();
	holder = hold("refresh", clock_ms + 3600000);
	ck_assert_ptr_null(take(&landed));
	ck_assert(!landed);
	ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.what, "your session is kept"));
	ck_assert_int_ge(clock_ms, 1030000);
	ck_assert_int_le(clock_ms, 1030200);
	end_holder(holder);
}
END_TEST

/* Lines on stderr while the body runs. */
static size_t lines_of(char text[512])
{
	USH_AUTO_FREE char *path = ush_printf("%s/stderr", folder);
	FILE *f = fopen(path, "r");
	size_t n = fread(text, 1, 511, f), lines = 0;

	text[n] = '\0';
	fclose(f);
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

static FILE *keep_stderr(void)
{
	USH_AUTO_FREE char *path = ush_printf("%s/stderr", folder);
	FILE *old = stderr;

	stderr = fopen(path, "w");
	return old;
}

START_TEST(a_sign_in_is_waited_for_to_its_end_with_one_line)
{
	char text[512];
	bool landed;
	pid_t holder;
	FILE *old;

	begin();
	holder = hold("sign-in", clock_ms + 180000);
	old = keep_stderr();
	ck_assert_ptr_null(take(&landed));
	fclose(stderr);
	stderr = old;
	ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
	ck_assert_int_ge(clock_ms, 1180000);
	ck_assert_int_le(clock_ms, 1190000);
	ck_assert_uint_eq(lines_of(text), 1);
	ck_assert_str_eq(text, "usher: another call is asking somebody to sign in; waiting for that, 3:00 left, Ctrl-C stops\n");
	end_holder(holder);
}
END_TEST

START_TEST(a_senseless_deadline_is_not_believed)
{
	static const int64_t deadlines[] = {INT64_MAX / 2, 1000000 + 5LL * 3600 * 1000, -1, 0};
	char text[512];

	for (size_t i = 0; i < USH_COUNT(deadlines); i++) {
		bool landed;
		pid_t holder;
		FILE *old;

		begin();
		holder = hold("sign-in", deadlines[i]);
		old = keep_stderr();
		ck_assert_ptr_null(take(&landed));
		fclose(stderr);
		stderr = old;
		ck_assert_int_le(clock_ms, 1030200);
		ck_assert_uint_eq(lines_of(text), 0);
		end_holder(holder);
	}
}
END_TEST

START_TEST(ctrl_c_ends_the_wait)
{
	bool landed;
	pid_t holder;

	begin();
	holder = hold("refresh", clock_ms + 30000);
	stop_at_ms = clock_ms + 500;
	ck_assert_ptr_null(take(&landed));
	ck_assert_int_eq(err.code, USH_ERR_DECLINED);
	ck_assert_int_le(clock_ms, 1000700);
	end_holder(holder);
}
END_TEST

START_TEST(a_planted_lock_is_refused_and_its_victim_untouched) /* T37 */
{
	USH_AUTO_FREE char *lock = NULL, *victim = NULL, *own = NULL;
	struct stat st;
	bool landed;

	begin();
	own = ush_printf("%s/usher", folder);
	lock = ush_printf("%s/usher/" BINDING ".lock", folder);
	victim = ush_printf("%s/victim", folder);
	mkdir(own, 0700);
	close(open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	ck_assert_int_eq(truncate(victim, 100), 0);
	ck_assert_int_eq(symlink(victim, lock), 0);
	ck_assert_ptr_null(take(&landed));
	ck_assert_int_eq(err.code, USH_ERR_STORE);
	unlink(lock);
	ck_assert_int_eq(mkfifo(lock, 0600), 0);
	memset(&err, 0, sizeof err);
	ck_assert_ptr_null(take(&landed));
	ck_assert_int_eq(err.code, USH_ERR_STORE);
	unlink(lock);
	close(open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	chmod(lock, 0666);
	memset(&err, 0, sizeof err);
	ck_assert_ptr_null(take(&landed));
	ck_assert_int_eq(err.code, USH_ERR_STORE);
	ck_assert_int_eq(stat(victim, &st), 0);
	ck_assert_int_eq(st.st_size, 100);
}
END_TEST

START_TEST(without_a_runtime_folder_the_state_folder_holds_the_lock)
{
	USH_AUTO_FREE char *lock = NULL;
	bool landed;

	begin();
	unsetenv("XDG_RUNTIME_DIR");
	lock = ush_printf("%s/usher/" BINDING ".lock", folder);
	struct ush_flight *flight = take(&landed);
	ck_assert_ptr_nonnull(flight);
	ck_assert_int_eq(access(lock, F_OK), 0);
	ush_flight_end(flight);
	ck_assert_int_eq(access(lock, F_OK), 0); /* never unlinked: two could hold two files of one name */
}
END_TEST

/* T30 in small: twenty at once, each sees the token or makes it, and it is made once. */
struct shared {
	int made, landed, failed;
};

static struct shared *shared;

static bool made(void *context)
{
	(void)context;
	return __atomic_load_n(&shared->made, __ATOMIC_SEQ_CST) > 0;
}

static _Noreturn void compete(void)
{
	struct ush_world real = world;
	bool landed = false;
	struct ush_flight *flight;

	real.sleep_ms = real_sleep;
	flight = ush_flight_begin(&real, BINDING, made, NULL, &landed, &err);
	if (flight != NULL)
		__atomic_add_fetch(&shared->made, 1, __ATOMIC_SEQ_CST);
	else
		__atomic_add_fetch(landed ? &shared->landed : &shared->failed, 1, __ATOMIC_SEQ_CST);
	ush_flight_end(flight);
	_exit(0);
}

START_TEST(of_twenty_at_once_exactly_one_flies) /* T30 */
{
	begin();
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	for (int round = 0; round < 20; round++) {
		memset(shared, 0, sizeof *shared);
		for (int i = 0; i < 20; i++) {
			pid_t pid = fork();

			if (pid == 0)
				compete();
			ck_assert_int_gt(pid, 0);
		}
		while (waitpid(-1, NULL, 0) > 0)
			;
		ck_assert_int_eq(shared->made, 1);
		ck_assert_int_eq(shared->landed, 19);
		ck_assert_int_eq(shared->failed, 0);
	}
	munmap(shared, sizeof *shared);
}
END_TEST

START_TEST(a_forked_child_does_not_keep_the_lock_that_was_given_back)
{
	bool landed;
	struct ush_flight *flight, *again;
	pid_t child;

	begin();
	flight = take(&landed);
	ck_assert_ptr_nonnull(flight);
	child = fork(); /* as the keyring's is: it has the descriptor, too */
	if (child == 0)
		for (;;)
			pause();
	ush_flight_end(flight);
	again = take(&landed);
	ck_assert_msg(again != NULL, "%s", err.what);
	ush_flight_end(again);
	end_holder(child);
}
END_TEST

START_TEST(a_mark_stands_until_it_is_taken_away)
{
	USH_AUTO_SECRET spent = ush_secret_new("r3fresh", 7);
	USH_AUTO_SECRET other = ush_secret_new("another", 7);
	int64_t age = -1;
	bool landed;
	struct ush_flight *flight;

	begin();
	flight = take(&landed);
	ck_assert(!ush_flight_marked(flight, spent, 1000, &age));
	ck_assert_int_eq(ush_flight_mark(flight, spent, &err), 0);
	ush_flight_end(flight); /* as if it had been killed: the mark outlives the lock */
	flight = take(&landed);
	ck_assert(ush_flight_marked(flight, spent, 1042, &age));
	ck_assert_int_eq(age, 42);
	ck_assert(ush_flight_marked(flight, spent, 900, &age)); /* a clock that was set back */
	ck_assert_int_eq(age, 0);
	ck_assert(!ush_flight_marked(flight, other, 1042, &age));
	ush_flight_unmark(flight);
	ck_assert(!ush_flight_marked(flight, spent, 1042, &age));
	ush_flight_end(flight);
}
END_TEST

START_TEST(a_mark_does_not_hold_the_token)
{
	USH_AUTO_SECRET spent = ush_secret_new("r3fresh", 7);
	USH_AUTO_FREE char *path = NULL;
	char text[256];
	struct stat st;
	bool landed;
	struct ush_flight *flight;
	FILE *f;

	begin();
	flight = take(&landed);
	ck_assert_int_eq(ush_flight_mark(flight, spent, &err), 0);
	path = ush_printf("%s/usher/" BINDING ".refreshing", folder);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	ck_assert_int_eq(fstat(fileno(f), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	fclose(f);
	ck_assert_ptr_null(strstr(text, "r3fresh"));
	ck_assert_uint_gt(strlen(text), 64);
	ush_flight_end(flight);
}
END_TEST

START_TEST(the_breaker_counts_from_the_first_and_is_reset)
{
	USH_AUTO_FREE char *path = NULL;
	int64_t since = -1;

	begin();
	ck_assert_int_eq(ush_breaker_count(BINDING, &since), 0);
	ck_assert_int_eq(since, 0);
	ush_breaker_trip(BINDING, 100);
	ush_breaker_trip(BINDING, 200);
	ush_breaker_trip(BINDING, 300);
	ck_assert_int_eq(ush_breaker_count(BINDING, &since), USH_BREAKER_LIMIT);
	ck_assert_int_eq(since, 100);
	ush_breaker_reset(BINDING);
	ck_assert_int_eq(ush_breaker_count(BINDING, &since), 0);
	path = ush_printf("%s/usher/" BINDING ".unanswered", folder);
	FILE *f = fopen(path, "w");
	fputs("banana", f);
	fclose(f);
	ck_assert_int_eq(ush_breaker_count(BINDING, &since), 0);
}
END_TEST

TAP_MAIN("flight", the_lock_is_taken_and_given_back, what_came_between_the_look_and_the_lock_is_seen,
	 a_waiter_leaves_with_what_the_holder_brought, a_dead_holder_holds_nothing, a_refresh_is_waited_for_30_seconds_and_no_longer,
	 a_sign_in_is_waited_for_to_its_end_with_one_line, a_senseless_deadline_is_not_believed, ctrl_c_ends_the_wait,
	 a_planted_lock_is_refused_and_its_victim_untouched, without_a_runtime_folder_the_state_folder_holds_the_lock,
	 of_twenty_at_once_exactly_one_flies, a_forked_child_does_not_keep_the_lock_that_was_given_back,
	 a_mark_stands_until_it_is_taken_away, a_mark_does_not_hold_the_token, the_breaker_counts_from_the_first_and_is_reset)
