/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "broker/source/keyring.h"
#include "common/base/environment.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/kube/command.h"

#define SECRET_MAX   (64U << 10) /* a service account's key as JSON is a secret too */
#define COMMAND_MS   30000
#define REMEMBERED   64
#define SAID_MAX     (64U << 10) /* of what a program says on stderr */
#define TMPFS_MAGIC  0x01021994L
#define RAMFS_MAGIC  0x858458f6L

static const char *text_of(const struct ush_policy_source *source, const char *key)
{
	return ush_setting_row(source->kind, key) != NULL ? ush_source_text(source, key) : NULL;
}

static const struct ush_list *list_of(const struct ush_policy_source *source, const char *key)
{
	static const struct ush_list none;

	return ush_setting_row(source->kind, key) != NULL ? ush_source_list(source, key) : &none;
}

/* The bytes without the newline at their end. */
static int take(struct ush_buf *text, const char *where, struct ush_secret **out, struct ush_error *err)
{
	while (text->length > 0 && (text->data[text->length - 1] == '\n' || text->data[text->length - 1] == '\r'))
		text->data[--text->length] = '\0';
	if (text->length == 0 || strlen(text->data) != text->length)
		return ush_fail(err, USH_ERR_CONFIG, "%s: holds no secret", where);
	*out = ush_secret_new(text->data, text->length);
	return 0;
}

/* ---- a file ---- */

static bool our_group(gid_t group)
{
	gid_t groups[256];
	int count = getgroups(USH_COUNT(groups), groups);

	for (int i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return group == getegid();
}

static bool in_memory(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && ((long)fs.f_type == TMPFS_MAGIC || (long)fs.f_type == RAMFS_MAGIC);
}

/* Where a link leads that stays inside its own folder, as those of a mounted Secret do; NULL when it does not. */
static char *mounted(const char *path)
{
	USH_AUTO_FREE char *real = realpath(path, NULL), *folder = ush_strdup(path), *home = NULL;
	char *slash = strrchr(folder, '/');

	if (slash == NULL)
		strcpy(folder, ".");
	else
		slash[slash == folder] = '\0';
	home = realpath(folder, NULL);
	if (real == NULL || home == NULL || strncmp(real, home, strlen(home)) != 0 || real[strlen(home)] != '/')
		return NULL;
	return ush_steal(&real);
}

/* True for what an administrator gave us and others may not read: a Secret that was mounted into a pod. */
static bool given(const char *path, bool link)
{
	struct stat st;

	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0)
		return false;
	if ((st.st_mode & 07) == 0)
		return our_group(st.st_gid);
	return link && in_memory(path);
}

static int read_file(const char *path, struct ush_secret **out, struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(SECRET_MAX);
	USH_AUTO_FREE char *real = NULL;
	const char *target = path;
	struct stat st;
	bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);

	if (link && (real = mounted(path)) != NULL)
		target = real;
	if (ush_file_read(target, given(target, link) ? USH_FILE_OURS : USH_FILE_PRIVATE, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return -1;
	return take(&text, path, out, err);
}

int ush_credential_file(const char *path, struct ush_secret **out, struct ush_error *err)
{
	*out = NULL;
	return read_file(path, out, err);
}

/* ---- a program, the environment ---- */

static int read_command(const struct ush_list *words, struct ush_secret **out, struct ush_error *err)
{
	USH_AUTO_FREE char *found = strchr(words->items[0], '/') != NULL ? ush_strdup(words->items[0]) : ush_command_find(words->items[0]);
	USH_AUTO_FREE char **argv = ush_alloc((words->count + 1) * sizeof *argv);
	USH_AUTO_BUF text = USH_BUF_MAX(SECRET_MAX);
	USH_AUTO_BUF said = USH_BUF_MAX(SAID_MAX);
	USH_AUTO_SECRET printed = NULL;
	struct ush_command command = {.path = found, .argv = argv, .envp = environ, .deadline_ms = COMMAND_MS, .said = &said, .alone = true};
	struct ush_error why = {0};
	int status, result;

	if (found == NULL)
		return ush_fail(err, USH_ERR_CONFIG, "%s: no such program", words->items[0]);
	memcpy(argv, words->items, words->count * sizeof *argv);
	result = ush_command_run(&command, &text, &status, &why);
	printed = ush_secret_new(text.data, text.length);
	ush_command_pass_on(&said);
	if (result != 0)
		return ush_fail(err, USH_ERR_CONFIG, "the secret's program: %s", why.what);
	if (status != 0)
		return ush_fail(err, USH_ERR_CONFIG, "%s, which prints the secret, ended with %d", words->items[0], status);
	return take(&text, words->items[0], out, err);
}

static int read_environment(const char *name, struct ush_secret **out, struct ush_error *err)
{
	*out = ush_secret_copy(ush_environment_secret(name));
	return *out != NULL ? 0 : ush_fail(err, USH_ERR_CONFIG, "$%s: holds no secret", name);
}

/* ---- all of it ---- */

void ush_credential_remember(const struct ush_secret *secret)
{
	static struct ush_secret *remembered[REMEMBERED];
	static size_t next;

	for (size_t i = 0; i < REMEMBERED; i++)
		if (ush_secret_equal(remembered[i], secret))
			return;
	ush_secret_free(remembered[next]);
	remembered[next] = ush_secret_copy(secret);
	next = (next + 1) % REMEMBERED;
}

static int read_secret(const struct ush_policy_source *source, struct ush_secret **out, struct ush_error *err)
{
	*out = NULL;
	if (text_of(source, "secretFile") != NULL)
		return read_file(text_of(source, "secretFile"), out, err);
	if (list_of(source, "secretCommand")->count > 0)
		return read_command(list_of(source, "secretCommand"), out, err);
	if (text_of(source, "secretEnv") != NULL)
		return read_environment(text_of(source, "secretEnv"), out, err);
	if (list_of(source, "secretKeyring")->count > 0)
		return ush_keyring_read(list_of(source, "secretKeyring"), out, err);
	return 0;
}

int ush_credential_read(const struct ush_policy_source *source, struct ush_secret **out, struct ush_error *err)
{
	int result = read_secret(source, out, err);

	if (result == 0 && *out != NULL)
		ush_credential_remember(*out);
	return result;
}

char *ush_credential_where(const struct ush_policy_source *source)
{
	if (text_of(source, "secretFile") != NULL)
		return ush_strdup(text_of(source, "secretFile"));
	if (list_of(source, "secretCommand")->count > 0)
		return ush_printf("what %s prints", list_of(source, "secretCommand")->items[0]);
	if (text_of(source, "secretEnv") != NULL)
		return ush_printf("$%s", text_of(source, "secretEnv"));
	return ush_strdup(list_of(source, "secretKeyring")->count > 0 ? "the keyring" : "the policy");
}

int ush_credential_federated(const struct ush_policy_source *source, struct ush_secret **out, struct ush_error *err)
{
	*out = NULL;
	if (text_of(source, "federatedTokenFile") == NULL)
		return 0;
	if (read_file(text_of(source, "federatedTokenFile"), out, err) != 0)
		return -1;
	ush_credential_remember(*out);
	return 0;
}
