/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/front/asked.h"
#include "plugin/front/record.h"

#define FIELDS_TO_BEGIN 20 /* of proc_pid_stat(5): starttime is number 22, the name that may hold anything is number 2 */

void ush_asker_find(struct ush_asker *asker, const char *info)
{
	*asker = (struct ush_asker){.pid = (int32_t)getppid(), .about = ush_asked_mark(info, strlen(info)), .born_ms = -1};
}

void ush_asker_look(struct ush_asker *asker)
{
	char path[32], text[1024], *field;
	long long ticks, hertz = sysconf(_SC_CLK_TCK);
	ssize_t length;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)asker->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	field = strrchr(text, ')');
	for (int i = 0; field != NULL && i < FIELDS_TO_BEGIN; i++)
		field = strchr(field + 1, ' ');
	if (field == NULL || hertz <= 0 || field[1] < '0' || field[1] > '9')
		return;
	ticks = strtoll(field, NULL, 10);
	asker->born_ms = ticks / hertz * 1000 + ticks % hertz * 1000 / hertz;
}

void ush_asked_identity(char out[USH_ASKED_IDENTITY], const char *identity)
{
	static const char ending[] = USH_ASKED_ENDING;
	size_t length = strnlen(identity, USH_ASKED_IDENTITY - sizeof ending);

	memcpy(out, identity, length);
	memcpy(out + length, ending, sizeof ending);
}

void ush_asked_load(struct ush_asked *asked, const char *identity)
{
	char name[USH_ASKED_IDENTITY], data[sizeof *asked + 1];

	ush_asked_identity(name, identity);
	ush_asked_read(asked, data, ush_cache_load(name, data, sizeof data));
}

/* Over the one that is there, else in the first place that takes it. */
void ush_asked_save(const struct ush_asked *asked, const char *identity)
{
	const char *text = (const char *)asked;
	const struct ush_cache_place *place;
	char name[USH_ASKED_IDENTITY];

	ush_asked_identity(name, identity);
	for (place = ush_cache_places; place->name != NULL; place++)
		if (place->update(name, text, sizeof *asked, USH_ASKED_TTL) == 0)
			return;
	for (place = ush_cache_places; place->name != NULL; place++)
		if (place->save(name, text, sizeof *asked, USH_ASKED_TTL) == 0)
			return;
}
