/* SPDX-License-Identifier: Apache-2.0
 *
 * The 401 rule and time: clocks that are set, machines that sleep or never rest, programs that run for days.
 */
#include "tests/support/tap.h"

#include "common/base/memory.h"
#include "plugin/front/asked.h"

#define NOW   1800000000LL /* Unix seconds at boot clock booted_ms */
#define LIFE  600
#define FIRST 0xaaaaU /* tokens */
#define SECOND 0xbbbbU
#define THIRD 0xccccU

static struct ush_asked ring;
static int64_t now, jumped, booted_ms; /* the wall clock, how far it was set, the boot clock at NOW */

static int64_t boot_ms(void)
{
	return booted_ms + 1000 * (now - jumped - NOW);
}

static void the_clock_is_set(int64_t seconds) /* by a person, or NTP: the boot clock does not know of it */
{
	now += seconds;
	jumped += seconds;
}

static void begin(void)
{
	now = NOW;
	jumped = 0;
	booted_ms = 1000000;
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

static const int64_t jumps[] = {-366 * 86400, -86400, -3600, -301, -1, 1, 301, 3600, 86400, 366 * 86400};

/* Whatever the clock did between two calls: who asks again before the end that the clock shows is refused, and costs one
 * refresh now and less and less after that. */
START_TEST(a_clock_that_is_set_costs_no_storm_of_refreshes)
{
	for (size_t i = 0; i < USH_COUNT(jumps); i++) {
		size_t refreshes = 0;
		uint32_t token = FIRST;
		struct ush_asker k9s;

		begin();
		k9s = kubectl(100);
		ush_asked_give(&ring, &k9s, token, now + LIFE, boot_ms());
		ush_asked_try(&ring, &k9s, now, boot_ms());
		the_clock_is_set(jumps[i]);
		for (int s = 0; s < 3600; s++, now++) {
			if (asks(&k9s, token) == USH_DOUBT_RENEW) {
				ush_asked_try(&ring, &k9s, now, boot_ms());
				ush_asked_renewed(&ring, ++token);
				refreshes++;
			}
			ush_asked_give(&ring, &k9s, token, now + LIFE, boot_ms());
		}
		ck_assert_msg(refreshes >= 1 && refreshes <= 8, "%zu after %lld s", refreshes, (long long)jumps[i]);
	}
}
END_TEST

START_TEST(a_clock_that_is_set_makes_no_401_of_others)
{
	for (size_t i = 0; i < USH_COUNT(jumps); i++) {
		struct ush_asker one, next;

		begin();
		one = kubectl(100);
		receives(&one, FIRST);
		the_clock_is_set(jumps[i]);
		now++;
		next = kubectl(101);
		ck_assert_int_eq(asks(&next, FIRST), USH_DOUBT_NONE);
		next.pid = one.pid; /* the number is given out again */
		ck_assert_int_eq(asks(&next, FIRST), USH_DOUBT_NONE);
		if (jumps[i] >= LIFE - 70) /* by its clock the token is over, so it asks, and that is plain */
			ck_assert_int_eq(asks(&one, FIRST), USH_DOUBT_NONE);
		else
			ck_assert_int_eq(asks(&one, FIRST), USH_DOUBT_RENEW);
	}
}
END_TEST

/* k9s, get -w, port-forward: they ask when their token ends, for days, with nights in which the machine sleeps. */
START_TEST(a_program_that_runs_for_days_is_never_taken_for_a_refused_one)
{
	struct ush_asker k9s;
	int64_t until;
	uint32_t token = FIRST;

	begin();
	k9s = kubectl(100);
	for (int i = 0; i < 1000; i++) {
		until = now + LIFE;
		ush_asked_give(&ring, &k9s, token, until, boot_ms());
		now = i % 100 == 99 ? until + 8 * 3600 : until + i % 2; /* both clocks run while it sleeps */
		ck_assert_int_eq(asks(&k9s, token), USH_DOUBT_NONE);
		token++;
	}
	ck_assert_int_eq(round_of(&k9s, token, 0), USH_DOUBT_NONE);
	until = now;
	ush_asked_give(&ring, &k9s, token, until + LIFE, boot_ms());
	ck_assert_int_eq(asks(&k9s, token), USH_DOUBT_RENEW); /* and it still can be */
}
END_TEST

/* Hundredths of a second in 32 bits begin anew after 497 days; a jump host runs longer. */
START_TEST(a_machine_that_is_up_for_years_has_the_rule)
{
	static const int64_t days[] = {1, 496, 497, 498, 600, 994, 995, 5000};

	for (size_t i = 0; i < USH_COUNT(days); i++) {
		struct ush_asker askers[USH_ASKED_MOST + 1], other;

		begin();
		booted_ms = days[i] * 86400000 + 8640000; /* 497.1 days: the wrap lies right behind */
		for (size_t k = 0; k < USH_COUNT(askers); k++, now++) {
			askers[k] = kubectl(100 + (int)k);
			receives(&askers[k], FIRST);
		}
		ck_assert(!ush_asked_knows(&ring, &askers[0]));
		for (size_t k = 1; k < USH_COUNT(askers); k++)
			ck_assert_msg(asks(&askers[k], FIRST) == USH_DOUBT_RENEW, "day %lld", (long long)days[i]);
		other = kubectl(askers[1].pid);
		ck_assert_msg(asks(&other, FIRST) == USH_DOUBT_NONE, "day %lld", (long long)days[i]);
	}
}
END_TEST

/* A shell script, or terraform with its children: each kubectl is another asker, and the script itself asks for nothing. */
START_TEST(the_refusal_of_one_kubectl_makes_no_401_of_a_thousand_others)
{
	size_t refreshes = 0, told = 0;
	struct ush_asker one;

	begin();
	one = kubectl(99);
	round_of(&one, FIRST, SECOND);
	ck_assert_int_eq(round_of(&one, FIRST, SECOND), USH_DOUBT_RENEW);
	for (int pid = 100; pid < 1100; pid++) {
		struct ush_asker asker = kubectl(pid);
		enum ush_doubt doubt = round_of(&asker, SECOND, THIRD);

		refreshes += doubt == USH_DOUBT_RENEW;
		told += doubt == USH_DOUBT_TELL;
		now += pid % 2;
	}
	ck_assert_uint_eq(refreshes + told, 0);
}
END_TEST

TAP_MAIN("asked clock", a_clock_that_is_set_costs_no_storm_of_refreshes, a_clock_that_is_set_makes_no_401_of_others,
	 a_program_that_runs_for_days_is_never_taken_for_a_refused_one, a_machine_that_is_up_for_years_has_the_rule,
	 the_refusal_of_one_kubectl_makes_no_401_of_a_thousand_others)
