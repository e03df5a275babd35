/* SPDX-License-Identifier: Apache-2.0
 *
 * The 401 rule as histories: who asked when, and what it gets. The wall clock and the boot clock are numbers here.
 */
#include "tests/support/tap.h"

#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/front/asked.h"

#define NOW   1800000000LL /* Unix seconds at boot clock 1000000 ms */
#define LIFE  600
#define FIRST 0xaaaaU /* tokens */
#define SECOND 0xbbbbU
#define THIRD 0xccccU

static struct ush_asked ring;
static int64_t now;

static int64_t boot_ms(void)
{
	return 1000000 + 1000 * (now - NOW);
}

static void begin(void)
{
	now = NOW;
	ush_asked_read(&ring, NULL, -1);
}

/* A kubectl that began a moment ago. */
static struct ush_asker kubectl(int pid)
{
	return (struct ush_asker){.pid = pid, .about = 1, .born_ms = boot_ms() - 20};
}

static enum ush_doubt asks(const struct ush_asker *asker, uint32_t token)
{
	return ush_asked_judge(&ring, asker, token, now);
}

static void receives(const struct ush_asker *asker, uint32_t token)
{
	ush_asked_give(&ring, asker, token, NOW + LIFE, boot_ms());
}

/* Asks, is answered as the rule says, and gets the token, or the new one where a refresh brings that. */
static enum ush_doubt round_of(const struct ush_asker *asker, uint32_t token, uint32_t fresh)
{
	enum ush_doubt doubt = asks(asker, token);

	if (doubt == USH_DOUBT_RENEW) {
		ush_asked_try(&ring, asker, now, boot_ms());
		if (fresh != 0)
			ush_asked_renewed(&ring, fresh);
	}
	if (doubt == USH_DOUBT_TELL)
		ush_asked_tell(&ring, asker, token);
	receives(asker, doubt == USH_DOUBT_RENEW && fresh != 0 ? fresh : token);
	return doubt;
}

START_TEST(each_kubectl_that_asks_once_gets_the_token)
{
	begin();
	for (int pid = 100; pid < 400; pid++) {
		struct ush_asker asker = kubectl(pid);

		ck_assert_int_eq(round_of(&asker, FIRST, 0), USH_DOUBT_NONE);
		now++;
	}
}
END_TEST

START_TEST(the_same_process_that_asks_again_is_a_401) /* T46 */
{
	struct ush_asker one, other;

	begin();
	one = kubectl(100);
	ck_assert_int_eq(round_of(&one, FIRST, SECOND), USH_DOUBT_NONE);
	now++;
	ck_assert_int_eq(round_of(&one, FIRST, SECOND), USH_DOUBT_RENEW);
	other = kubectl(101);
	ck_assert_int_eq(round_of(&other, SECOND, THIRD), USH_DOUBT_NONE); /* the next kubectl has the new one */
}
END_TEST

START_TEST(another_cluster_or_another_profile_is_no_401)
{
	struct ush_asker one, other;

	begin();
	one = other = kubectl(100);
	other.about = 2;
	receives(&one, FIRST);
	ck_assert_int_eq(asks(&other, FIRST), USH_DOUBT_NONE);
	receives(&other, FIRST);
	ck_assert_int_eq(asks(&one, FIRST), USH_DOUBT_RENEW); /* and neither hides the other */
	ck_assert_int_eq(asks(&other, FIRST), USH_DOUBT_RENEW);
	begin(); /* another profile has another ring */
	ck_assert_int_eq(asks(&one, FIRST), USH_DOUBT_NONE);
}
END_TEST

START_TEST(a_process_that_only_has_the_number_is_another)
{
	struct ush_asker one, other;

	begin();
	one = kubectl(100);
	receives(&one, FIRST);
	now += 60;
	other = kubectl(100);
	ck_assert(ush_asked_knows(&ring, &other));
	ck_assert_int_eq(round_of(&other, FIRST, 0), USH_DOUBT_NONE);
	ck_assert_int_eq(asks(&other, FIRST), USH_DOUBT_RENEW); /* from now on it is known */
}
END_TEST

START_TEST(without_a_known_parent_there_is_no_rule)
{
	struct ush_asker nobody = {.pid = 0, .about = 1, .born_ms = -1}, unseen = {.pid = 100, .about = 1, .born_ms = -1};

	begin();
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(round_of(&nobody, FIRST, SECOND), USH_DOUBT_NONE);
		ck_assert_int_eq(round_of(&unseen, FIRST, SECOND), USH_DOUBT_NONE); /* no /proc */
	}
	ck_assert(!ush_asked_knows(&ring, &nobody));
}
END_TEST

START_TEST(to_ask_when_the_token_ends_is_plain)
{
	static const struct {
		int64_t after;
		enum ush_doubt doubt;
	} cases[] = {{0, USH_DOUBT_RENEW}, {LIFE - 71, USH_DOUBT_RENEW}, {LIFE - 70, USH_DOUBT_NONE}, {LIFE - 61, USH_DOUBT_NONE}, {LIFE, USH_DOUBT_NONE}, {LIFE + 999, USH_DOUBT_NONE}};
	struct ush_asker k9s;

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		begin();
		k9s = kubectl(100);
		receives(&k9s, FIRST);
		now = NOW + cases[i].after;
		ck_assert_msg(asks(&k9s, FIRST) == cases[i].doubt, "after %lld s", (long long)cases[i].after);
	}
}
END_TEST

START_TEST(a_program_that_asks_ten_times_at_once_costs_one_refresh_and_is_told_once)
{
	size_t count[3] = {0};
	struct ush_asker gui;
	uint32_t token = FIRST;

	begin();
	gui = kubectl(100);
	for (int i = 0; i < 10; i++) {
		enum ush_doubt doubt = round_of(&gui, token, SECOND);

		count[doubt]++;
		if (doubt == USH_DOUBT_RENEW)
			token = SECOND;
		ck_assert_int_eq(doubt, i == 1 ? USH_DOUBT_RENEW : i == 2 ? USH_DOUBT_TELL : USH_DOUBT_NONE);
	}
	ck_assert_uint_eq(count[USH_DOUBT_RENEW], 1);
	ck_assert_uint_eq(count[USH_DOUBT_TELL], 1);
}
END_TEST

/* An API server that refuses everybody, and a person who tries again and again: each kubectl asks six times. */
START_TEST(an_api_server_that_refuses_everything_costs_one_refresh_a_minute)
{
	size_t refreshes = 0, told = 0;
	uint32_t token = FIRST;

	begin();
	for (int pid = 100; pid < 400; pid++, now++) {
		struct ush_asker asker = kubectl(pid);

		for (int i = 0; i < 6; i++) {
			enum ush_doubt doubt = round_of(&asker, token, token + 1);

			if (doubt == USH_DOUBT_RENEW)
				token++;
			refreshes += doubt == USH_DOUBT_RENEW;
			told += doubt == USH_DOUBT_TELL;
		}
	}
	ck_assert_uint_eq(refreshes, 5);
	ck_assert_uint_ge(told, 295); /* each kubectl says why, once */
	ck_assert_uint_le(told, 300);
}
END_TEST

START_TEST(a_refreshed_token_that_was_refused_too_is_not_what_the_next_one_begins_with)
{
	struct ush_asker one, soon, later;

	begin();
	one = kubectl(100);
	round_of(&one, FIRST, SECOND);
	round_of(&one, FIRST, SECOND);
	ck_assert_int_eq(round_of(&one, SECOND, 0), USH_DOUBT_TELL);
	ck_assert_uint_eq(ring.refused, SECOND);
	now += 10;
	soon = kubectl(101);
	ck_assert_int_eq(round_of(&soon, SECOND, 0), USH_DOUBT_NONE); /* within the minute there is nothing better */
	now += 50;
	later = kubectl(102);
	ck_assert_int_eq(round_of(&later, SECOND, THIRD), USH_DOUBT_RENEW);
	ck_assert_uint_eq(ring.refused, 0);
	later = kubectl(103);
	ck_assert_int_eq(round_of(&later, THIRD, 0), USH_DOUBT_NONE);
}
END_TEST

/* It may be an API behind the API server that refuses, and nothing that this kubectl wants. */
START_TEST(a_kubectl_that_was_not_refused_waits_once_for_a_provider_that_is_down)
{
	struct ush_asker one, later;

	begin();
	one = kubectl(100);
	round_of(&one, FIRST, SECOND);
	round_of(&one, FIRST, SECOND);
	round_of(&one, SECOND, 0);
	now += 60;
	later = kubectl(101);
	ck_assert_int_eq(round_of(&later, SECOND, 0), USH_DOUBT_RENEW);
	now += 60;
	later = kubectl(102);
	ck_assert_int_eq(round_of(&later, SECOND, 0), USH_DOUBT_NONE);
	ck_assert_int_eq(round_of(&later, SECOND, 0), USH_DOUBT_RENEW); /* who is refused tries again */
}
END_TEST

START_TEST(a_refresh_that_failed_is_tried_again_after_the_pause_and_not_before)
{
	struct ush_asker k9s;

	begin();
	k9s = kubectl(100);
	round_of(&k9s, FIRST, 0);
	ck_assert_int_eq(round_of(&k9s, FIRST, 0), USH_DOUBT_RENEW);
	for (int i = 0; i < 59; i++, now++)
		ck_assert_int_eq(round_of(&k9s, FIRST, 0), USH_DOUBT_NONE); /* and without a word: it was told why */
	now++;
	ck_assert_int_eq(round_of(&k9s, FIRST, 0), USH_DOUBT_RENEW);
}
END_TEST

/* A program that makes a client a second and so is no 401 at all: it costs less and less. */
START_TEST(the_pause_doubles_for_one_asker_and_not_for_others)
{
	struct ush_asker program, other;
	size_t refreshes = 0;
	uint32_t token = FIRST;

	begin();
	program = kubectl(100);
	for (int i = 0; i < 2 * 3600; i++, now++) {
		enum ush_doubt doubt = ush_asked_judge(&ring, &program, token, now);

		if (doubt == USH_DOUBT_RENEW) {
			ush_asked_try(&ring, &program, now, boot_ms());
			ush_asked_renewed(&ring, ++token);
			refreshes++;
		}
		ush_asked_give(&ring, &program, token, now + LIFE, boot_ms());
	}
	ck_assert_uint_ge(refreshes, 6);
	ck_assert_uint_le(refreshes, 9);
	now += 60;
	other = kubectl(101);
	ush_asked_give(&ring, &other, token, now + LIFE, boot_ms());
	ck_assert_int_eq(asks(&other, token), USH_DOUBT_RENEW);
}
END_TEST

START_TEST(what_lies_hours_back_does_not_lengthen_the_pause)
{
	struct ush_asker k9s;
	uint32_t token = FIRST;

	begin();
	k9s = kubectl(100);
	for (int day = 0; day < 20; day++, now += 3 * 3600) {
		ush_asked_give(&ring, &k9s, token, now + LIFE, boot_ms());
		ck_assert_int_eq(asks(&k9s, token), USH_DOUBT_RENEW);
		ush_asked_try(&ring, &k9s, now, boot_ms());
		ush_asked_renewed(&ring, ++token);
		ck_assert_uint_eq(ring.given[0].times, 1);
	}
}
END_TEST

START_TEST(a_clock_that_was_put_back_blocks_nothing)
{
	struct ush_asker k9s;

	begin();
	k9s = kubectl(100);
	receives(&k9s, FIRST);
	ush_asked_try(&ring, &k9s, now + 86400, boot_ms());
	ck_assert_int_eq(asks(&k9s, FIRST), USH_DOUBT_RENEW);
}
END_TEST

/* 150 kubectl write the ring of 64 at once: some are forgotten, the newest never, and each forgotten one costs a repeat. */
START_TEST(the_oldest_is_forgotten_first)
{
	struct ush_asker askers[150];

	begin();
	for (size_t i = 0; i < USH_COUNT(askers); i++, now++) {
		askers[i] = kubectl(100 + (int)i);
		receives(&askers[i], FIRST);
	}
	for (size_t i = 0; i < USH_COUNT(askers); i++)
		ck_assert_int_eq(ush_asked_knows(&ring, &askers[i]), i >= USH_COUNT(askers) - USH_ASKED_MOST);
	receives(&askers[149], FIRST); /* its own place */
	ck_assert(ush_asked_knows(&ring, &askers[150 - USH_ASKED_MOST]));
}
END_TEST

/* All ask, then all are refused and come back in the same order. */
START_TEST(fifty_that_come_back_together_are_all_known)
{
	struct ush_asker askers[50];

	begin();
	for (size_t i = 0; i < USH_COUNT(askers); i++) {
		askers[i] = kubectl(100 + (int)i);
		receives(&askers[i], FIRST);
	}
	for (size_t i = 0; i < USH_COUNT(askers); i++)
		ck_assert_int_eq(asks(&askers[i], FIRST), USH_DOUBT_RENEW);
}
END_TEST

/* $XDG_RUNTIME_DIR should be gone with the boot, and is not everywhere: the boot clock begins anew. */
START_TEST(what_an_earlier_boot_left_makes_room_first)
{
	struct ush_asker askers[4];

	begin();
	for (int pid = 100; pid < 100 + USH_ASKED_MOST; pid++) {
		struct ush_asker old = kubectl(pid);

		ush_asked_give(&ring, &old, FIRST, NOW + LIFE, boot_ms() + 999000000);
	}
	for (size_t i = 0; i < USH_COUNT(askers); i++, now++) {
		askers[i] = kubectl(500 + (int)i);
		receives(&askers[i], FIRST);
	}
	for (size_t i = 0; i < USH_COUNT(askers); i++)
		ck_assert(ush_asked_knows(&ring, &askers[i]));
}
END_TEST

START_TEST(anything_but_a_whole_ring_is_an_empty_one) /* T37 */
{
	static const char *const texts[] = {"", "\n", "usher-asked-1\n", "usher-record-1 1000 60 tok https://a\n", "{}"};
	struct ush_asked whole, other;
	struct ush_asker one;
	char *bytes = (char *)&whole;

	begin();
	one = kubectl(100);
	receives(&one, FIRST);
	whole = ring;
	for (size_t i = 0; i < USH_COUNT(texts); i++) {
		ush_asked_read(&other, texts[i], (long)strlen(texts[i]));
		ck_assert(!ush_asked_knows(&other, &one));
	}
	ush_asked_read(&other, &whole, (long)sizeof whole - 1);
	ck_assert(!ush_asked_knows(&other, &one));
	ush_asked_read(&other, &whole, (long)sizeof whole);
	ck_assert(ush_asked_knows(&other, &one));
	bytes[0] = 'U';
	ush_asked_read(&other, &whole, (long)sizeof whole);
	ck_assert(!ush_asked_knows(&other, &one));
}
END_TEST

/* Whatever stands in the numbers, the worst is a refresh or none. Under UBSan no step of it is undefined. */
START_TEST(no_number_in_it_does_harm)
{
	unsigned int seed = 1;
	struct ush_asked wild;
	struct ush_asker one;

	begin();
	one = kubectl(0x01010101);
	for (int i = 0; i < 20000; i++) {
		unsigned char *p = (unsigned char *)&wild;
		enum ush_doubt doubt;

		for (size_t k = 0; k < sizeof wild; k++) {
			seed = seed * 1103515245U + 12345U;
			p[k] = i % 3 == 0 ? 1 : i % 3 == 1 ? (seed >> 16 & 1 ? 0xff : 0x80) : (unsigned char)(seed >> 16);
		}
		memcpy(wild.head, ring.head, sizeof wild.head);
		ush_asked_read(&ring, &wild, (long)sizeof wild);
		ring.given[i % USH_ASKED_MOST].pid = (uint32_t)one.pid;
		ring.given[i % USH_ASKED_MOST].about = one.about;
		doubt = asks(&one, ring.given[i % USH_ASKED_MOST].token);
		ck_assert_int_le(doubt, USH_DOUBT_RENEW);
		ush_asked_try(&ring, &one, now, boot_ms());
		ush_asked_tell(&ring, &one, FIRST);
		receives(&one, FIRST);
		ck_assert(ush_asked_knows(&ring, &one));
	}
}
END_TEST

START_TEST(marks_tell_texts_apart)
{
	static const char *const texts[] = {"", "a", "b", "ab", "ba", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaaaaaaaaaa", "eyJh.eyJz.sig", "eyJh.eyJz.sih"};

	for (size_t i = 0; i < USH_COUNT(texts); i++)
		for (size_t k = 0; k < USH_COUNT(texts); k++)
			ck_assert_int_eq(ush_asked_mark(texts[i], strlen(texts[i])) == ush_asked_mark(texts[k], strlen(texts[k])), i == k);
}
END_TEST

/* ---- the real parent ---- */

static void asks_in_a_child(const char *info, struct ush_asker *asker)
{
	int pipes[2], status;
	pid_t child;

	ck_assert_int_eq(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		ush_asker_find(asker, info);
		ush_asker_look(asker);
		_exit(write(pipes[1], asker, sizeof *asker) == (ssize_t)sizeof *asker ? 0 : 1);
	}
	ck_assert_int_eq(read(pipes[0], asker, sizeof *asker), (ssize_t)sizeof *asker);
	waitpid(child, &status, 0);
	close(pipes[0]);
	close(pipes[1]);
}

START_TEST(the_asker_is_the_parent_and_began_before_now)
{
	struct ush_asker one, again, other;
	struct timespec t;

	asks_in_a_child("{}", &one);
	asks_in_a_child("{}", &again);
	asks_in_a_child("{ }", &other);
	ck_assert_int_eq(one.pid, getpid());
	if (access("/proc/self/stat", R_OK) != 0)
		return;
	clock_gettime(CLOCK_BOOTTIME, &t);
	ck_assert_int_gt(one.born_ms, 0);
	ck_assert_int_le(one.born_ms, (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
	ck_assert_int_ge(one.born_ms, (int64_t)t.tv_sec * 1000 - 600000);
	ck_assert_int_eq(one.born_ms, again.born_ms);
	ck_assert(one.about == again.about && one.about != other.about);
}
END_TEST

TAP_MAIN("asked", each_kubectl_that_asks_once_gets_the_token, the_same_process_that_asks_again_is_a_401,
	 another_cluster_or_another_profile_is_no_401, a_process_that_only_has_the_number_is_another,
	 without_a_known_parent_there_is_no_rule, to_ask_when_the_token_ends_is_plain,
	 a_program_that_asks_ten_times_at_once_costs_one_refresh_and_is_told_once,
	 an_api_server_that_refuses_everything_costs_one_refresh_a_minute,
	 a_refreshed_token_that_was_refused_too_is_not_what_the_next_one_begins_with,
	 a_kubectl_that_was_not_refused_waits_once_for_a_provider_that_is_down,
	 a_refresh_that_failed_is_tried_again_after_the_pause_and_not_before, the_pause_doubles_for_one_asker_and_not_for_others,
	 what_lies_hours_back_does_not_lengthen_the_pause, a_clock_that_was_put_back_blocks_nothing, the_oldest_is_forgotten_first,
	 fifty_that_come_back_together_are_all_known, what_an_earlier_boot_left_makes_room_first,
	 anything_but_a_whole_ring_is_an_empty_one, no_number_in_it_does_harm, marks_tell_texts_apart,
	 the_asker_is_the_parent_and_began_before_now)
