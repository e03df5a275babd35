/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/session/profile.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/yaml.h"
#include "plugin/flight/flight.h"
#include "plugin/front/record.h"
#include "plugin/session/members.h"

#define MOST_PROFILE (64U << 10)
#define MOST_CA      (1U << 20)
#define MOST_SECRET  4096

static struct ush_profile *new_profile(const char *name, const char *path)
{
	struct ush_profile *profile = ush_new(struct ush_profile);

	profile->name = ush_strdup(name);
	profile->path = ush_strdup(path);
	profile->min_validity = 60;
	profile->sign_in_timeout = 180;
	return profile;
}

/* After everything is read: what others need to know of the provider, as pointers into the profile. */
static void settle(struct ush_profile *profile)
{
	profile->settings.issuer = profile->issuer;
	profile->settings.ca_pem = profile->ca_pem;
	profile->settings.loopback_http = profile->loopback_http;
	profile->settings.endpoint_hosts = (const char *const *)profile->endpoint_hosts;
	profile->settings.cache_folder = profile->cache_folder;
}

static struct ush_profile *read_document(const char *name, const char *path, const struct ush_node *root, struct ush_error *err)
{
	USH_AUTO_PROFILE profile = new_profile(name, path);

	if (ush_profile_members(profile, root, err) != 0)
		return NULL;
	settle(profile);
	return ush_steal(&profile);
}

struct ush_profile *ush_profile_read(const char *name, const char *path, const char *text, size_t length, struct ush_error *err)
{
	USH_AUTO_NODE root = ush_yaml_read_one(text, length, path, USH_ERR_CONFIG, err);

	return root != NULL ? read_document(name, path, root, err) : NULL;
}

/* ---- the files that it names ---- */

static int at_member(const struct ush_profile *profile, const struct ush_node *root, const char *member, struct ush_error *err)
{
	const struct ush_node *node = ush_node_get(root, member);

	return ush_error_at(err, "%s:%u:%u: %s", profile->path, node->line, node->column, member);
}

static int load_ca(struct ush_profile *profile, const struct ush_node *root, struct ush_error *err)
{
	USH_AUTO_BUF pem = USH_BUF_MAX(MOST_CA);

	if (profile->ca_path == NULL)
		return 0;
	if (ush_file_read(profile->ca_path, USH_FILE_ANY, USH_ERR_CONFIG, &pem, NULL, err) != 0)
		return at_member(profile, root, "ca", err);
	if (strlen(pem.data) != pem.length || strstr(pem.data, "-----BEGIN CERTIFICATE-----") == NULL) {
		ush_fail(err, USH_ERR_CONFIG, "%s: holds no certificate in PEM form", profile->ca_path);
		return at_member(profile, root, "ca", err);
	}
	profile->ca_pem = ush_buf_take(&pem);
	return 0;
}

static int load_secret(struct ush_profile *profile, const struct ush_node *root, struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(MOST_SECRET);
	size_t length;

	if (profile->client_secret_path == NULL)
		return 0;
	if (ush_file_read(profile->client_secret_path, USH_FILE_PRIVATE, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return at_member(profile, root, "client-secret-file", err);
	length = strcspn(text.data, "\r\n"); /* editors end a file with a newline */
	if (length == 0 || strspn(text.data + length, "\r\n") != text.length - length) {
		ush_fail(err, USH_ERR_CONFIG, "%s: expected the secret on one line", profile->client_secret_path);
		return at_member(profile, root, "client-secret-file", err);
	}
	profile->client_secret = ush_secret_new(text.data, length);
	return 0;
}

struct ush_profile *ush_profile_load(const char *name, struct ush_error *err)
{
	char path[PATH_MAX], identity[128];
	USH_AUTO_BUF text = USH_BUF_MAX(MOST_PROFILE);
	USH_AUTO_NODE root = NULL;
	USH_AUTO_PROFILE profile = NULL;
	struct ush_error ignored = {.code = USH_OK};

	/* The identity is taken first: a file that changes in between is filed under the identity that nobody has any more. */
	if (ush_place_profile(name, path, sizeof path, identity, sizeof identity, err) != 0 ||
	    ush_file_read(path, USH_FILE_OURS, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return NULL;
	root = ush_yaml_read_one(text.data, text.length, path, USH_ERR_CONFIG, err);
	profile = root != NULL ? read_document(name, path, root, err) : NULL;
	if (profile == NULL || load_ca(profile, root, err) != 0 || load_secret(profile, root, err) != 0)
		return NULL;
	profile->identity = ush_strdup(identity);
	profile->cache_folder = ush_cache_folder(&ignored);
	settle(profile);
	return ush_steal(&profile);
}

static void free_list(char **items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(items[i]);
	free(items);
}

void ush_profile_free(struct ush_profile *profile)
{
	if (profile == NULL)
		return;
	free(profile->name);
	free(profile->path);
	free(profile->identity);
	free(profile->issuer);
	free(profile->client);
	ush_secret_free(profile->client_secret);
	free_list(profile->scopes, profile->scope_count);
	free_list(profile->servers, profile->server_count);
	free_list(profile->endpoint_hosts, profile->endpoint_host_count);
	free(profile->ca_path);
	free(profile->client_secret_path);
	free(profile->ca_pem);
	free(profile->account);
	free(profile->browser);
	free(profile->cache_folder);
	free(profile);
}

/* ---- which profiles are there ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool among(char **names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void add_names(const char *folder, char ***names, size_t *count)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		size_t length = strlen(entry->d_name);
		char *name;

		if (length <= 5 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
			continue;
		name = ush_strndup(entry->d_name, length - 5);
		if (ush_place_is_name(name) && !among(*names, *count, name))
			USH_PUSH(*names, *count, name);
		else
			free(name);
	}
	if (dir != NULL)
		closedir(dir);
}

char **ush_profile_names(size_t *count)
{
	char folder[PATH_MAX], **names = NULL;

	*count = 0;
	for (int n = 0; n < USH_PLACE_FOLDERS; n++)
		if (ush_place_folder(n, folder, sizeof folder) == 0)
			add_names(folder, &names, count);
	if (*count > 0)
		qsort(names, *count, sizeof *names, by_name);
	return names;
}
