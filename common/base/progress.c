/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FIRST_MS 500 /* what is done by then was no long work */
#define EVERY_MS 100
#define SURE_MS  2000 /* before that a rate is a guess */
#define ERASE    "\r\033[K"

/* 1,234,567 */
static void add_number(char *out, size_t size, uint64_t number)
{
	char digits[24];
	int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
	size_t at = strlen(out);

	for (int i = 0; i < length && at + 2 < size; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
}

static void add_text(char *out, size_t size, const char *text)
{
	size_t at = strlen(out);

	snprintf(out + at, size - at, "%s", text);
}

static void add_left(char *out, size_t size, uint64_t seconds)
{
	char text[64];

	if (seconds >= 3600)
		snprintf(text, sizeof text, ", %llu h %llu min left", (unsigned long long)seconds / 3600,
			 (unsigned long long)seconds % 3600 / 60);
	else if (seconds >= 60)
		snprintf(text, sizeof text, ", %llu min %llu s left", (unsigned long long)seconds / 60,
			 (unsigned long long)seconds % 60);
	else
		snprintf(text, sizeof text, ", %llu s left", (unsigned long long)seconds);
	add_text(out, size, text);
}

void ush_progress_text(char *out, size_t size, const struct ush_progress *progress, size_t done, int64_t now_ms)
{
	uint64_t took = now_ms > progress->began_ms ? (uint64_t)(now_ms - progress->began_ms) : 0;
	uint64_t rate = took >= SURE_MS ? (uint64_t)done * 1000 / took : 0;

	out[0] = '\0';
	add_text(out, size, progress->what);
	add_text(out, size, " ");
	add_number(out, size, done);
	if (progress->total > 0) {
		add_text(out, size, " of ");
		add_number(out, size, progress->total);
	}
	if (rate > 0) {
		add_text(out, size, ", ");
		add_number(out, size, rate);
		add_text(out, size, "/s");
	}
	if (rate > 0 && progress->total > done)
		add_left(out, size, ((uint64_t)(progress->total - done) * took / done + 999) / 1000);
}

/* A line that is broken at the edge could not be erased. */
static size_t columns(void)
{
	struct winsize window = {0};

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
}

/* Whoever cannot erase a line gets none. */
static bool can_show(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) == 1 && (term == NULL || strcmp(term, "dumb") != 0);
}

void ush_progress_begin(struct ush_progress *progress, const char *what, size_t total, int64_t now_ms)
{
	*progress = (struct ush_progress){
		.what = what, .total = total, .on = can_show(), .began_ms = now_ms, .next_ms = now_ms + FIRST_MS};
}

void ush_progress_at(struct ush_progress *progress, size_t done, int64_t now_ms)
{
	char text[128];
	size_t width;

	progress->done = done;
	if (!progress->on || now_ms < progress->next_ms)
		return;
	progress->next_ms = now_ms + EVERY_MS;
	ush_progress_text(text, sizeof text, progress, done, now_ms);
	width = columns();
	if (width < sizeof text)
		text[width > 1 ? width - 1 : 0] = '\0';
	fprintf(stderr, ERASE "%s", text);
	fflush(stderr);
	progress->shown = true;
}

void ush_progress_hide(struct ush_progress *progress)
{
	if (!progress->shown)
		return;
	fputs(ERASE, stderr);
	fflush(stderr);
	progress->shown = false;
}

void ush_progress_end(struct ush_progress *progress)
{
	ush_progress_hide(progress);
	progress->on = false;
}
