/* SPDX-License-Identifier: Apache-2.0
 *
 * One contract over all stores, and what each does when the world around it is broken. Alone it touches no keyring of
 * anybody; tests/cli/keyring.sh runs it on a throw-away one and says in which state that is:
 *
 *   USHER_TEST_KEYRING=unlocked|unmade|none|seed|locked|stopped|kept test_store
 */
#include "tests/support/tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/session/session.h"
#include "plugin/store/store.h"

#define KEY   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddee00"
#define SEED  "eyJ2IjoxfQ-_kept"

#define PATIENT_MS 60000 /* where an answer comes, however slow the machine is */
#define LATE_MS	   20000 /* so much later than its deadline a call may end there: D-Bus' own 25 s would show */

static struct ush_error err;
static char folder[80];
static int64_t deadline_ms = PATIENT_MS;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void begin(void)
{
	if (folder[0] == '\0')
		snprintf(folder, sizeof folder, "%s", tap_folder());
	setenv("XDG_STATE_HOME", folder, 1);
}

/* Every call goes through here: it ends within its deadline. */
static enum ush_store_result timed(enum ush_store_result result, int64_t start)
{
	int64_t took_ms = now_ms() - start;

	ck_assert_msg(took_ms < deadline_ms + LATE_MS, "took %lld ms", (long long)took_ms);
	return result;
}

static enum ush_store_result load(const struct ush_store_ops *store, const char *key, struct ush_secret **value)
{
	int64_t start = now_ms();

	memset(&err, 0, sizeof err);
	return timed(store->load(key, deadline_ms, value, &err), start);
}

static enum ush_store_result save(const struct ush_store_ops *store, const char *key, const char *text)
{
	USH_AUTO_SECRET value = ush_secret_new(text, strlen(text));
	int64_t start = now_ms();

	memset(&err, 0, sizeof err);
	return timed(store->save(key, "Usher session for carol@example.com (profile prod)", value, deadline_ms, &err), start);
}

static enum ush_store_result erase(const struct ush_store_ops *store, const char *key)
{
	int64_t start = now_ms();

	memset(&err, 0, sizeof err);
	return timed(store->erase(key, deadline_ms, &err), start);
}

static void holds(const struct ush_store_ops *store, const char *key, const char *text)
{
	USH_AUTO_SECRET value = NULL;
	enum ush_store_result result = load(store, key, &value);

	ck_assert_msg(result == USH_STORE_OK, "%d: %s", result, err.what);
	ck_assert_str_eq(ush_secret_reveal(value), text);
	ck_assert_int_eq(err.code, USH_OK);
}

static void lacks(const struct ush_store_ops *store, const char *key)
{
	USH_AUTO_SECRET value = NULL;
	enum ush_store_result result = load(store, key, &value);

	ck_assert_msg(result == USH_STORE_ABSENT, "%d: %s", result, err.what);
	ck_assert_ptr_null(value);
	ck_assert_int_eq(err.code, USH_OK);
}

static void is_broken(const struct ush_store_ops *store, enum ush_store_result want, const char *says)
{
	USH_AUTO_SECRET value = NULL;

	ck_assert_int_eq(load(store, KEY, &value), want);
	ck_assert_ptr_null(value);
	ck_assert_int_eq(ush_code_status(err.code), 8);
	ck_assert_msg(strstr(err.what, says) != NULL, "%s", err.what);
	ck_assert_int_eq(save(store, KEY, "bmV3"), want);
	ck_assert_msg(strstr(err.what, says) != NULL, "%s", err.what);
	ck_assert_int_eq(erase(store, KEY), want);
	ck_assert_msg(strstr(err.what, says) != NULL, "%s", err.what);
}

/* ---- the contract ---- */

static void keeps_what_it_is_given(const struct ush_store_ops *store)
{
	char *large = ush_alloc(USH_SESSION_MAX + 1);

	memset(large, 'L', USH_SESSION_MAX);
	lacks(store, KEY);
	ck_assert_msg(save(store, KEY, "b25l") == USH_STORE_OK, "%s", err.what);
	holds(store, KEY, "b25l");
	lacks(store, OTHER);
	ck_assert_int_eq(save(store, KEY, "dHdv-_"), USH_STORE_OK); /* replaces */
	holds(store, KEY, "dHdv-_");
	ck_assert_int_eq(save(store, OTHER, large), USH_STORE_OK);
	holds(store, OTHER, large);
	holds(store, KEY, "dHdv-_");
	ck_assert_int_eq(erase(store, KEY), USH_STORE_OK);
	lacks(store, KEY);
	holds(store, OTHER, large);
	ck_assert_int_eq(erase(store, OTHER), USH_STORE_OK);
	ck_assert_int_eq(erase(store, OTHER), USH_STORE_OK); /* nothing to delete is no failure */
	free(large);
}

START_TEST(a_plain_file_keeps_replaces_and_deletes)
{
	USH_AUTO_FREE char *path = NULL;
	struct stat st;

	begin();
	keeps_what_it_is_given(&ush_store_plain_file);
	path = ush_printf("%s/usher/sessions/" KEY, folder);
	ck_assert_int_eq(save(&ush_store_plain_file, KEY, "b25l"), USH_STORE_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

static void put(const char *path, time_t age_s)
{
	struct timespec times[2] = {{.tv_sec = time(NULL) - age_s}, {.tv_sec = time(NULL) - age_s}};
	FILE *f = fopen(path, "w");

	fputs("b2xk", f);
	fclose(f);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(what_a_killed_run_left_of_a_session_is_swept)
{
	USH_AUTO_FREE char *old = NULL, *fresh = NULL, *other = NULL;

	begin();
	ck_assert_int_eq(save(&ush_store_plain_file, KEY, "b25l"), USH_STORE_OK);
	old = ush_printf("%s/usher/sessions/" KEY ".aB3dE6", folder);
	fresh = ush_printf("%s/usher/sessions/" KEY ".fresh1", folder);
	other = ush_printf("%s/usher/sessions/" OTHER ".aB3dE6", folder);
	put(old, 3600);
	put(fresh, 0);
	put(other, 3600);
	ck_assert_int_eq(save(&ush_store_plain_file, KEY, "b25l"), USH_STORE_OK);
	ck_assert_int_ne(access(old, F_OK), 0);
	ck_assert_int_eq(access(fresh, F_OK), 0); /* somebody may be writing it */
	ck_assert_int_eq(erase(&ush_store_plain_file, KEY), USH_STORE_OK);
	ck_assert_int_ne(access(fresh, F_OK), 0);
	ck_assert_int_eq(access(other, F_OK), 0);
	ck_assert_int_eq(erase(&ush_store_plain_file, OTHER), USH_STORE_OK);
	ck_assert_int_ne(access(other, F_OK), 0);
}
END_TEST

START_TEST(none_keeps_nothing_and_complains_of_nothing)
{
	lacks(&ush_store_none, KEY);
	ck_assert_int_eq(save(&ush_store_none, KEY, "b25l"), USH_STORE_OK);
	lacks(&ush_store_none, KEY);
	ck_assert_int_eq(erase(&ush_store_none, KEY), USH_STORE_OK);
}
END_TEST

START_TEST(no_store_takes_nothing_for_a_session)
{
	begin();
	memset(&err, 0, sizeof err);
	ck_assert_int_eq(ush_store_plain_file.save(KEY, "x", NULL, 100, &err), USH_STORE_BROKEN);
	memset(&err, 0, sizeof err);
	ck_assert_int_eq(ush_store_keyring.save(KEY, NULL, NULL, 100, &err), USH_STORE_BROKEN);
	ck_assert_int_eq(err.code, USH_ERR_STORE);
}
END_TEST

/* ---- a plain file in a hostile folder ---- */

static void plant(int kind, const char *path, const char *victim)
{
	FILE *f;

	(void)remove(path);
	f = fopen(victim, "w");
	fputs("victim", f);
	fclose(f);
	chmod(victim, 0600);
	if (kind == 0)
		ck_assert_int_eq(symlink(victim, path), 0);
	else if (kind == 1)
		ck_assert_int_eq(mkfifo(path, 0600), 0);
	else if (kind == 2)
		ck_assert_int_eq(mkdir(path, 0700), 0);
	else
		ck_assert_int_eq(rename(victim, path) != 0 || chmod(path, kind == 3 ? 0644 : 0660) != 0, 0);
}

START_TEST(a_planted_file_is_not_read_and_its_victim_untouched) /* T37 */
{
	USH_AUTO_FREE char *path = NULL, *victim = NULL;
	USH_AUTO_SECRET value = NULL;
	char text[16];

	begin();
	path = ush_printf("%s/usher/sessions/" KEY, folder);
	victim = ush_printf("%s/victim", folder);
	ck_assert_int_eq(save(&ush_store_plain_file, KEY, "b25l"), USH_STORE_OK);
	for (int kind = 0; kind < 5; kind++) { /* link, FIFO, folder, 0644, 0660 */
		plant(kind, path, victim);
		ck_assert_int_eq(load(&ush_store_plain_file, KEY, &value), USH_STORE_BROKEN);
		ck_assert_ptr_null(value);
		ck_assert_int_eq(ush_code_status(err.code), 8);
	}
	plant(0, path, victim);
	ck_assert_int_eq(save(&ush_store_plain_file, KEY, "bmV3"), USH_STORE_OK);
	holds(&ush_store_plain_file, KEY, "bmV3");
	FILE *f = fopen(victim, "r");
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	ck_assert_str_eq(text, "victim");
}
END_TEST

START_TEST(a_folder_that_others_may_write_keeps_no_session) /* T37 */
{
	USH_AUTO_FREE char *sessions = NULL;
	USH_AUTO_SECRET value = NULL;

	begin();
	sessions = ush_printf("%s/usher/sessions", folder);
	ck_assert_int_eq(save(&ush_store_plain_file, KEY, "b25l"), USH_STORE_OK);
	chmod(sessions, 0777);
	ck_assert_int_eq(load(&ush_store_plain_file, KEY, &value), USH_STORE_BROKEN);
	ck_assert_int_eq(save(&ush_store_plain_file, KEY, "bmV3"), USH_STORE_BROKEN);
	chmod(sessions, 0700);
	holds(&ush_store_plain_file, KEY, "b25l");
	ck_assert_int_eq(load(&ush_store_plain_file, "../" KEY, &value), USH_STORE_BROKEN);
}
END_TEST

/* ---- what a keyring is not given ---- */

START_TEST(what_a_keyring_would_trip_over_is_not_sent) /* T40 */
{
	static char large[USH_SESSION_MAX + 2];
	const char *const bad[] = {"two\nlines", "a b", "a=", "\xc3\xa4", "", large};

	memset(large, 'x', sizeof large - 1);
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	for (size_t i = 0; i < USH_COUNT(bad); i++) {
		ck_assert_int_eq(save(&ush_store_keyring, KEY, bad[i]), USH_STORE_BROKEN);
		ck_assert_str_eq(err.what, "the session does not fit a keyring: one line of at most 16384 letters");
	}
}
END_TEST

/* ---- a real keyring, in the state that the caller made ---- */

START_TEST(an_unlocked_keyring_keeps_replaces_and_deletes)
{
	keeps_what_it_is_given(&ush_store_keyring);
}
END_TEST

START_TEST(the_environment_does_not_lead_libsecret_elsewhere) /* P18 */
{
	USH_AUTO_FREE char *path = NULL;

	begin();
	path = ush_printf("%s/victim", folder);
	setenv("SECRET_BACKEND", "file", 1);
	setenv("SECRET_FILE_TEST_PATH", path, 1);
	setenv("SECRET_FILE_TEST_PASSWORD", "known", 1);
	ck_assert_int_eq(save(&ush_store_keyring, KEY, "b25l"), USH_STORE_OK);
	ck_assert_int_ne(access(path, F_OK), 0);
	holds(&ush_store_keyring, KEY, "b25l");
	ck_assert_int_eq(erase(&ush_store_keyring, KEY), USH_STORE_OK);
}
END_TEST

START_TEST(the_bus_in_the_runtime_folder_is_found)
{
	USH_AUTO_FREE char *link_path = NULL;
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
	char path[108];

	begin();
	if (address != NULL && strncmp(address, "unix:path=", 10) == 0) { /* dbus-run-session may use an abstract one */
		snprintf(path, sizeof path, "%.*s", (int)strcspn(address + 10, ","), address + 10);
		link_path = ush_printf("%s/bus", folder);
		ck_assert_int_eq(symlink(path, link_path), 0);
		setenv("XDG_RUNTIME_DIR", folder, 1);
		unsetenv("DBUS_SESSION_BUS_ADDRESS");
		lacks(&ush_store_keyring, OTHER);
		setenv("DBUS_SESSION_BUS_ADDRESS", "unix:runtime=yes", 1);
		lacks(&ush_store_keyring, OTHER);
	}
}
END_TEST

START_TEST(a_keyring_never_made_says_so) /* T39 */
{
	lacks(&ush_store_keyring, KEY);
	ck_assert_int_eq(save(&ush_store_keyring, KEY, "b25l"), USH_STORE_BROKEN);
	ck_assert_str_eq(err.what, "the keyring has not been set up: it has no default collection");
	ck_assert_int_eq(erase(&ush_store_keyring, KEY), USH_STORE_OK);
}
END_TEST

START_TEST(a_bus_without_a_keyring_says_so) /* T39 */
{
	is_broken(&ush_store_keyring, USH_STORE_BROKEN, "no keyring service runs on the session bus");
}
END_TEST

START_TEST(the_seed_is_kept)
{
	ck_assert_msg(save(&ush_store_keyring, KEY, SEED) == USH_STORE_OK, "%s", err.what);
}
END_TEST

START_TEST(a_locked_keyring_is_told_from_an_empty_one) /* T39 */
{
	is_broken(&ush_store_keyring, USH_STORE_LOCKED, "the keyring is locked");
}
END_TEST

START_TEST(a_stopped_keyring_costs_one_deadline) /* T39 */
{
	deadline_ms = USH_STORE_DEADLINE_MS;
	is_broken(&ush_store_keyring, USH_STORE_BROKEN, "the keyring did not answer within 2.5 s");
}
END_TEST

START_TEST(the_seed_is_still_there) /* T39, T40 */
{
	holds(&ush_store_keyring, KEY, SEED);
}
END_TEST

/* The tests of a state; "" is no keyring at all. */
static const struct {
	const char *state;
	const TTest *const *test;
} rows[] = {
	{"", &a_plain_file_keeps_replaces_and_deletes},
	{"", &what_a_killed_run_left_of_a_session_is_swept},
	{"", &none_keeps_nothing_and_complains_of_nothing},
	{"", &no_store_takes_nothing_for_a_session},
	{"", &a_planted_file_is_not_read_and_its_victim_untouched},
	{"", &a_folder_that_others_may_write_keeps_no_session},
	{"", &what_a_keyring_would_trip_over_is_not_sent},
	{"unlocked", &an_unlocked_keyring_keeps_replaces_and_deletes},
	{"unlocked", &the_environment_does_not_lead_libsecret_elsewhere},
	{"unlocked", &the_bus_in_the_runtime_folder_is_found},
	{"unmade", &a_keyring_never_made_says_so},
	{"none", &a_bus_without_a_keyring_says_so},
	{"seed", &the_seed_is_kept},
	{"locked", &a_locked_keyring_is_told_from_an_empty_one},
	{"stopped", &a_stopped_keyring_costs_one_deadline},
	{"kept", &the_seed_is_still_there},
};

int main(void)
{
	const char *state = getenv("USHER_TEST_KEYRING");
	const TTest *tests[USH_COUNT(rows)];
	size_t count = 0;

	for (size_t i = 0; i < USH_COUNT(rows); i++)
		if (strcmp(rows[i].state, state != NULL ? state : "") == 0)
			tests[count++] = *rows[i].test;
	if (count > 0)
		return tap_run("store", tests, count);
	fprintf(stderr, "test_store: there is no state %s\n", state);
	return 2;
}
