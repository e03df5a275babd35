/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/apply/generation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "broker/ledger/ledger_store.h"
#include "broker/sync/plan/sum.h"
#include "common/base/file.h"
#include "common/base/memory.h"

#define FILE_MAX (64U << 20)
#define PREFIX	 "g-"
#define NEW	 ".new-"
#define WRECK_AGE 600 /* s */

char *ush_generation_current(const char *folder)
{
	return ush_printf("%s/" USH_GENERATION_CURRENT, folder);
}

static int broken(const char *path, struct ush_error *err)
{
	return ush_fail(err, USH_ERR_STORE, "%s: %s; %s is as it was", path, strerror(errno), USH_GENERATION_CURRENT);
}

static int sync_folder(const char *path, struct ush_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

	if (fd < 0)
		return broken(path, err);
	result = fsync(fd) != 0 && errno != EINVAL ? broken(path, err) : 0; /* EINVAL: a file system that cannot */
	close(fd);
	return result;
}

/* The names in a folder but "." and "..", sorted. */
static int names_in(const char *path, struct ush_list *names, struct ush_error *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL)
		return broken(path, err);
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ush_list_add(names, entry->d_name);
	closedir(dir);
	ush_list_sort(names);
	return 0;
}

static int sum_file(struct ush_sum *sum, const char *folder, const char *name, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, name);
	USH_AUTO_BUF text = USH_BUF_MAX(FILE_MAX);

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_STORE, &text, NULL, err) != 0)
		return -1;
	ush_sum_text(sum, name);
	ush_sum_text(sum, text.data);
	return 0;
}

static int sum_folder(const char *path, char out[65], struct ush_error *err)
{
	struct ush_list names = {0};
	struct ush_sum *sum = ush_sum_new();
	int result = names_in(path, &names, err);

	for (size_t i = 0; i < names.count && result == 0; i++)
		result = sum_file(sum, path, names.items[i], err);
	ush_sum_end(sum, out);
	ush_list_free(&names);
	return result;
}

/* A folder of files, and nothing else in it; a link is not followed. What cannot go stays: it does no harm. */
static void remove_folder(const char *path)
{
	struct ush_error unimportant = {0};
	struct ush_list names = {0};
	struct stat st;

	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return;
	if (names_in(path, &names, &unimportant) == 0)
		for (size_t i = 0; i < names.count; i++) {
			USH_AUTO_FREE char *file = ush_printf("%s/%s", path, names.items[i]);

			unlink(file);
		}
	rmdir(path);
	ush_list_free(&names);
}

/* What `current` leads to, "" when it leads nowhere yet. USH_ERR_STORE when it is no link of ours. */
static int read_current(const char *folder, char *out, size_t size, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_generation_current(folder);
	ssize_t length = readlink(path, out, size - 1);

	out[length > 0 ? length : 0] = '\0';
	if (length < 0 && errno == ENOENT)
		return 0;
	if (length < 0 || strncmp(out, PREFIX, strlen(PREFIX)) != 0 || strchr(out, '/') != NULL)
		return ush_fail(err, USH_ERR_STORE, "%s: is no link that usher-broker made; it was left alone", path);
	return 0;
}

static int point_current(const char *folder, const char *name, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_generation_current(folder), *beside = ush_printf("%s/" NEW USH_GENERATION_CURRENT, folder);

	if (unlink(beside) != 0 && errno != ENOENT)
		return broken(beside, err);
	if (symlink(name, beside) != 0 || rename(beside, path) != 0)
		return broken(path, err);
	return sync_folder(folder, err);
}

/* What a killed run left. A young one may belong to a run that is at work. */
static bool is_wreck(const char *path, const char *name)
{
	struct stat st;

	return strncmp(name, NEW, strlen(NEW)) == 0 && lstat(path, &st) == 0 && st.st_mtime < time(NULL) - WRECK_AGE;
}

static void remove_older(const char *folder, const char *now, const char *before)
{
	struct ush_error unimportant = {0};
	struct ush_list names = {0};

	if (names_in(folder, &names, &unimportant) == 0)
		for (size_t i = 0; i < names.count; i++) {
			USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, names.items[i]);
			bool ours = strncmp(names.items[i], PREFIX, strlen(PREFIX)) == 0 || is_wreck(path, names.items[i]);

			if (ours && strcmp(names.items[i], now) != 0 && strcmp(names.items[i], before) != 0)
				remove_folder(path);
		}
	ush_list_free(&names);
}

/* Gives the new folder its name, unless there is one of the same content already. */
static int settle(const char *folder, const char *fresh, const char *name, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, name);
	struct stat st;

	if (lstat(path, &st) == 0) {
		remove_folder(fresh);
		return 0;
	}
	return chmod(fresh, 0755) != 0 || rename(fresh, path) != 0 ? broken(path, err) : sync_folder(folder, err);
}

/* Who was put out stays out of the next generation, too: the ledger that stands in this one goes along as it is. */
static int carry_ledger(const char *folder, const char *fresh, const char *policy, struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_ledger_file(policy), *from = ush_printf("%s/" USH_GENERATION_CURRENT "/%s", folder, name),
			   *to = ush_printf("%s/%s", fresh, name);
	USH_AUTO_BUF text = USH_BUF_MAX(FILE_MAX);
	bool missing;

	if (ush_file_read(from, USH_FILE_ANY, USH_ERR_STORE, &text, &missing, err) == 0)
		return ush_file_write(to, text.data, text.length, 0644, err);
	if (missing)
		ush_error_clear(err);
	return missing ? 0 : -1;
}

static int render(const char *folder, const char *fresh, const struct ush_plan *plan, struct ush_rendered *rendered, struct ush_error *err)
{
	char sum[65], before[80], name[80];

	if (read_current(folder, before, sizeof before, err) != 0 || ush_render_whole(fresh, plan, rendered, err) != 0 ||
	    carry_ledger(folder, fresh, plan->policy, err) != 0 || sync_folder(fresh, err) != 0 ||
	    sum_folder(fresh, sum, err) != 0)
		return -1;
	snprintf(name, sizeof name, PREFIX "%.32s", sum);
	if (strcmp(name, before) == 0) {
		rendered->unchanged = rendered->written;
		rendered->written = 0;
		return 0;
	}
	if (settle(folder, fresh, name, err) != 0 || point_current(folder, name, err) != 0)
		return -1;
	remove_older(folder, name, before);
	return 0;
}

int ush_generation_render(const char *folder, const struct ush_plan *plan, struct ush_rendered *rendered, struct ush_error *err)
{
	USH_AUTO_FREE char *fresh = ush_printf("%s/" NEW "XXXXXX", folder);
	int result;

	if (mkdir(folder, 0755) != 0 && errno != EEXIST)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", folder, strerror(errno));
	if (mkdtemp(fresh) == NULL)
		return broken(folder, err);
	result = render(folder, fresh, plan, rendered, err);
	remove_folder(fresh);
	return result;
}
