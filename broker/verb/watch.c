/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/verb/watch.h"

#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"

struct ush_said {
	enum ush_saying what;
	char *cluster, *text;
};

struct ush_ailing { /* a cluster whose last run failed, or all of them (cluster "") */
	char *cluster, *text;
	size_t runs; /* that failed in a row */
	int64_t told_ms;
};

#define REMIND_MS (60 * 60 * 1000)

static struct ush_said *find(const struct ush_watch *watch, const char *cluster, enum ush_saying what)
{
	for (size_t i = 0; i < watch->said_count; i++) {
		struct ush_said *said = &watch->said[i];

		if (said->what == what && strcmp(said->cluster, cluster) == 0)
			return said;
	}
	return NULL;
}

bool ush_watch_news(struct ush_watch *watch, const char *cluster, enum ush_saying what, const char *text)
{
	struct ush_said *said;

	if (watch == NULL)
		return true;
	cluster = cluster != NULL ? cluster : "";
	said = find(watch, cluster, what);
	if (said == NULL) {
		USH_PUSH(watch->said, watch->said_count, ((struct ush_said){what, ush_strdup(cluster), ush_strdup(text)}));
		return true;
	}
	if (strcmp(said->text, text) == 0)
		return false;
	free(said->text);
	said->text = ush_strdup(text);
	return true;
}

/* ---- what fails ---- */

static struct ush_ailing *ailing_of(const struct ush_watch *watch, const char *cluster)
{
	for (size_t i = 0; i < watch->ailing_count; i++)
		if (strcmp(watch->ailing[i].cluster, cluster != NULL ? cluster : "") == 0)
			return &watch->ailing[i];
	return NULL;
}

void ush_watch_failed(struct ush_watch *watch, const char *cluster, const struct ush_error *err)
{
	struct ush_ailing *ailing = ailing_of(watch, cluster);
	int64_t now = ush_boot_ms(watch->world);
	struct ush_error again = *err;

	if (ailing == NULL) {
		USH_PUSH(watch->ailing, watch->ailing_count, ((struct ush_ailing){.cluster = ush_strdup(cluster != NULL ? cluster : ""), .text = ush_strdup("")}));
		ailing = &watch->ailing[watch->ailing_count - 1];
	}
	ailing->runs++;
	if (strcmp(ailing->text, err->what) != 0) {
		free(ailing->text);
		ailing->text = ush_strdup(err->what);
	} else if (now - ailing->told_ms < REMIND_MS) {
		return;
	} else {
		ush_error_at(&again, "still, %zu runs failed in a row", ailing->runs);
	}
	ailing->told_ms = now;
	ush_error_print(stderr, "usher-broker", &again);
}

void ush_watch_works(struct ush_watch *watch, const char *cluster)
{
	struct ush_ailing *ailing = watch != NULL ? ailing_of(watch, cluster) : NULL;
	USH_AUTO_FREE char *where = cluster != NULL ? ush_printf("cluster %s: ", cluster) : ush_strdup(""), *safe = ush_text_safe(where);

	if (ailing == NULL)
		return;
	fprintf(stderr, "usher-broker: %sworks again; before that %zu run%s failed\n", safe, ailing->runs, ailing->runs == 1 ? "" : "s");
	free(ailing->cluster);
	free(ailing->text);
	*ailing = watch->ailing[--watch->ailing_count];
}

/* ---- from run to run ---- */

bool ush_watch_place(struct ush_watch *watch, const char *state_namespace)
{
	if (watch->place[0] == '\0')
		snprintf(watch->place, sizeof watch->place, "%s", state_namespace);
	return strcmp(watch->place, state_namespace) == 0;
}

void ush_watch_begin(struct ush_watch *watch)
{
	watch->told = 0;
	watch->yielded = false;
	watch->numbered = false;
}

void ush_watch_forget(struct ush_watch *watch)
{
	for (size_t i = 0; i < watch->said_count; i++) {
		free(watch->said[i].cluster);
		free(watch->said[i].text);
	}
	free(ush_steal(&watch->said));
	watch->said_count = 0;
}

void ush_watch_free(struct ush_watch *watch)
{
	ush_watch_forget(watch);
	for (size_t i = 0; i < watch->ailing_count; i++) {
		free(watch->ailing[i].cluster);
		free(watch->ailing[i].text);
	}
	free(ush_steal(&watch->ailing));
	watch->ailing_count = 0;
}
