/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flight/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/flight/mark.h"

#define POLL_FIRST_MS 10
#define POLL_MOST_MS  100
#define REFRESH_MS    30000   /* how long we wait for another's refresh */
#define GRACE_MS      5000    /* after a sign-in's own end: code exchange, keyring */
#define SIGN_IN_MS    3900000 /* no holder's word is believed beyond this: an hour for the person, and some */

struct ush_flight {
	const struct ush_world *world;
	char *binding;
	int fd;
};

/* What the lock's file says of its holder: "PID WHAT DEADLINE-MS". */
struct holder {
	long pid;
	char what[32];
	long long deadline_ms;
};

static int open_lock(const char *binding, struct ush_error *err)
{
	struct ush_error ignored = {.code = USH_OK};
	USH_AUTO_FREE char *runtime = ush_runtime_folder(&ignored);
	USH_AUTO_FREE char *folder = runtime != NULL ? ush_steal(&runtime) : ush_state_folder(err);
	USH_AUTO_FREE char *path = folder != NULL ? ush_printf("%s/%s.lock", folder, binding) : NULL;
	struct stat st;
	int fd;

	if (path == NULL)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
		return fd;
	close(fd);
	return ush_fail(err, USH_ERR_STORE, "%s: is not a file of ours alone", path);
}

static bool read_holder(int fd, struct holder *holder)
{
	char text[128];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%9ld %31s %18lld", &holder->pid, holder->what, &holder->deadline_ms) == 3;
}

static void release(int fd)
{
	(void)!ftruncate(fd, 0);
	/* Said aloud, because a close alone would leave the lock with a child that was forked meanwhile. */
	flock(fd, LOCK_UN);
	close(fd);
}

/* ---- waiting ---- */

struct wait {
	const struct ush_world *world;
	int64_t limit_ms;
	int64_t pause_ms;
	bool firm; /* no holder's word moves the limit */
	bool told;
};

static void tell_once(struct wait *wait, int64_t now_ms, int64_t deadline_ms)
{
	long long left = (deadline_ms - now_ms) / 1000;

	if (wait->told)
		return;
	wait->told = true;
	if (left < 0)
		left = 0;
	fprintf(stderr, "usher: another call is asking somebody to sign in; waiting for that, %lld:%02lld left, Ctrl-C stops\n", left / 60,
		left % 60);
}

/* A holder that asks a person gets the time that he gave the person. */
static void heed_holder(struct wait *wait, int fd, int64_t now_ms)
{
	struct holder holder;

	if (!read_holder(fd, &holder) || strcmp(holder.what, "refresh") == 0)
		return;
	if (holder.deadline_ms <= now_ms - GRACE_MS || holder.deadline_ms > now_ms + SIGN_IN_MS)
		return;
	tell_once(wait, now_ms, holder.deadline_ms);
	if (wait->limit_ms < holder.deadline_ms + GRACE_MS)
		wait->limit_ms = holder.deadline_ms + GRACE_MS;
}

static int wait_a_little(struct wait *wait, int fd, struct ush_error *err)
{
	int64_t now_ms = ush_boot_ms(wait->world);
	struct holder holder = {.pid = 0};

	if (!wait->firm)
		heed_holder(wait, fd, now_ms);
	if (now_ms >= wait->limit_ms) {
		read_holder(fd, &holder);
		if (wait->firm) {
			ush_fail(err, USH_ERR_UNAVAILABLE, "another call (process %ld) is at this session and has no answer yet", holder.pid);
			return ush_hint(err, "Run kubectl again in a moment");
		}
		ush_fail(err, USH_ERR_UNAVAILABLE, "another call (process %ld) has been at this session for too long; your session is kept",
			 holder.pid);
		return ush_hint(err, "Try again, or end that process");
	}
	if (ush_sleep_ms(wait->world, wait->pause_ms) != 0)
		return ush_fail(err, USH_ERR_DECLINED, "stopped while waiting for another call to sign in");
	wait->pause_ms = wait->pause_ms * 3 / 2 < POLL_MOST_MS ? wait->pause_ms * 3 / 2 : POLL_MOST_MS;
	return 0;
}

/* The lock is ours, or *landed, or -1. What we want may have come between the caller's look and our lock, so it is
 * asked again once the lock is held. */
static int wait_for_lock(struct wait *wait, int fd, bool (*done)(void *context), void *context, bool *landed, struct ush_error *err)
{
	for (;;) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			*landed = done != NULL && done(context);
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return ush_fail(err, USH_ERR_STORE, "no lock can be had here: %s", strerror(errno));
		*landed = done != NULL && done(context);
		if (*landed)
			return 0;
		if (wait_a_little(wait, fd, err) != 0)
			return -1;
	}
}

static struct ush_flight *begin(struct wait *wait, const char *binding, bool (*done)(void *context), void *context, bool *landed,
				struct ush_error *err)
{
	const struct ush_world *world = wait->world;
	struct ush_flight *flight;
	int fd = open_lock(binding, err);

	*landed = false;
	if (fd < 0)
		return NULL;
	if (wait_for_lock(wait, fd, done, context, landed, err) != 0) {
		close(fd);
		return NULL;
	}
	if (*landed) {
		flock(fd, LOCK_UN); /* when it was ours; the content is whoever's has it now */
		close(fd);
		return NULL;
	}
	flight = ush_new(struct ush_flight);
	flight->world = world;
	flight->binding = ush_strdup(binding);
	flight->fd = fd;
	ush_flight_announce(flight, "refresh", ush_boot_ms(world) + REFRESH_MS);
	return flight;
}

struct ush_flight *ush_flight_begin(const struct ush_world *world, const char *binding, bool (*done)(void *context), void *context,
				    bool *landed, struct ush_error *err)
{
	struct wait wait = {.world = world, .limit_ms = ush_boot_ms(world) + REFRESH_MS, .pause_ms = POLL_FIRST_MS};

	return begin(&wait, binding, done, context, landed, err);
}

struct ush_flight *ush_flight_begin_until(const struct ush_world *world, const char *binding, int64_t until_ms,
					  bool (*done)(void *context), void *context, bool *landed, struct ush_error *err)
{
	struct wait wait = {.world = world, .limit_ms = until_ms, .pause_ms = POLL_FIRST_MS, .firm = true};

	return begin(&wait, binding, done, context, landed, err);
}

static void forget(struct ush_flight *flight)
{
	free(flight->binding);
	free(flight);
}

void ush_flight_end(struct ush_flight *flight)
{
	if (flight == NULL)
		return;
	release(flight->fd);
	forget(flight);
}

void ush_flight_leave(struct ush_flight *flight)
{
	if (flight == NULL)
		return;
	close(flight->fd);
	forget(flight);
}

int ush_flight_descriptor(const struct ush_flight *flight)
{
	return flight != NULL ? flight->fd : -1;
}

void ush_flight_announce(struct ush_flight *flight, const char *what, int64_t deadline_ms)
{
	USH_AUTO_FREE char *text = ush_printf("%ld %s %lld\n", (long)getpid(), what, (long long)deadline_ms);

	/* one write, then the rest of an older and longer text away: a reader sees one text or the other */
	if (pwrite(flight->fd, text, strlen(text), 0) > 0)
		(void)!ftruncate(flight->fd, (off_t)strlen(text));
}

int ush_flight_mark(struct ush_flight *flight, const struct ush_secret *refresh, struct ush_error *err)
{
	return ush_mark_set(flight->binding, refresh, ush_now(flight->world), err);
}

void ush_flight_unmark(struct ush_flight *flight)
{
	ush_mark_clear(flight->binding);
}

bool ush_flight_marked(struct ush_flight *flight, const struct ush_secret *refresh, int64_t now, int64_t *age_s)
{
	return ush_mark_stands(flight->binding, refresh, now, age_s);
}
