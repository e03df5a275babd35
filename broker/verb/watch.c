/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/verb/watch.h"

#include <string.h>

#include "common/base/memory.h"

struct ush_said {
	enum ush_saying what;
	char *cluster, *text;
};

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
	free(watch->said);
	watch->said = NULL;
	watch->said_count = 0;
}
