/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "broker/serve/exposition.h"

/* A file of /proc, cut to what `out` holds. False when there is none. */
static bool read_small(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, out, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	out[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* Unix seconds when the machine started, 0 when it is not told. */
static double boot_time(void)
{
	char text[8192]; /* "btime" stands behind a line for each processor */
	FILE *stat = fopen("/proc/stat", "re");
	double found = 0;

	while (stat != NULL && found == 0 && fgets(text, sizeof text, stat) != NULL)
		if (strncmp(text, "btime ", 6) == 0)
			found = strtod(text + 6, NULL);
	if (stat != NULL)
		fclose(stat);
	return found;
}

/* proc(5): fields 14 and 15 are CPU time, 22 the start in ticks, 23 and 24 memory. The name in field 2 may hold anything. */
static void put_stat(struct ush_buf *out)
{
	char text[1024], *at;
	double fields[25] = {0}, ticks = (double)sysconf(_SC_CLK_TCK), boot = boot_time();

	if (!read_small("/proc/self/stat", text, sizeof text) || (at = strrchr(text, ')')) == NULL || ticks <= 0)
		return;
	at += strlen(") S") <= strlen(at) ? strlen(") S") : strlen(at);
	for (int i = 4; i < 25; i++)
		fields[i] = strtod(at, &at);
	ush_exposition_put(out, "process_cpu_seconds_total", "counter", "CPU time that was used, user and system.", "", (fields[14] + fields[15]) / ticks);
	ush_exposition_put(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.", "", fields[23]);
	ush_exposition_put(out, "process_resident_memory_bytes", "gauge", "Resident memory.", "", fields[24] * (double)sysconf(_SC_PAGESIZE));
	if (boot > 0)
		ush_exposition_put(out, "process_start_time_seconds", "gauge", "When the process started, in Unix time.", "", boot + fields[22] / ticks);
}

static void put_descriptors(struct ush_buf *out)
{
	DIR *folder = opendir("/proc/self/fd");
	struct rlimit limit;
	double count = 0;

	for (struct dirent *entry = NULL; folder != NULL && (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	if (folder != NULL) {
		closedir(folder);
		ush_exposition_put(out, "process_open_fds", "gauge", "Open file descriptors.", "", count - 1); /* but for this one */
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		ush_exposition_put(out, "process_max_fds", "gauge", "How many there may be.", "", (double)limit.rlim_cur);
}

void ush_exposition_process(struct ush_buf *out)
{
	put_stat(out);
	put_descriptors(out);
}
