/* SPDX-License-Identifier: Apache-2.0
 *
 * sources: where groups come from. One row of `types` a kind of source.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/net/http.h"

static const struct ush_member file_members[] = {{"path", USH_MEMBER_REQUIRED}, {NULL, 0}};
static const struct ush_member keycloak_members[] = {{"url", USH_MEMBER_REQUIRED},    {"realm", USH_MEMBER_REQUIRED},
						     {"client", USH_MEMBER_REQUIRED}, {"secretFile", USH_MEMBER_REQUIRED},
						     {"ca", USH_MEMBER_OPTIONAL},     {"allowLoopbackHttp", USH_MEMBER_OPTIONAL},
						     {NULL, 0}};

/* A file's name as the policy writes it: "~/x", "/x", or beside the policy. */
static char *beside_policy(const struct ush_reader *r, const char *path)
{
	USH_AUTO_FREE char *folder = ush_strdup(r->file);
	char *slash = strrchr(folder, '/');

	if (path == NULL)
		return NULL;
	if (slash != NULL)
		slash[slash == folder] = '\0';
	return ush_file_expand(path, slash != NULL ? folder : NULL);
}

static char *read_path(struct ush_reader *r, const struct ush_node *node, const char *path, const char *key)
{
	USH_AUTO_FREE char *text = ush_reader_string(r, node, path, key);

	return beside_policy(r, text);
}

static void read_file(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_policy_source *source)
{
	if (ush_reader_map(r, node, path, file_members))
		source->path = read_path(r, node, path, "path");
}

static void read_url(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_policy_source *source)
{
	const struct ush_node *at = ush_node_get(node, "url");
	struct ush_error why = {0};
	USH_AUTO_URL url = {0};
	size_t length;

	source->url = ush_reader_string(r, node, path, "url");
	if (source->url == NULL)
		return;
	if (ush_url_parse(&url, source->url, USH_ERR_CONFIG, &why) != 0)
		ush_reader_member_fault(r, at, path, "url", "%s", why.what);
	else if (strcmp(url.scheme, "https") != 0 && !url.loopback)
		ush_reader_member_fault(r, at, path, "url", "\"%.200s\" is not https", source->url);
	else if (strcmp(url.scheme, "https") != 0 && !source->loopback_http)
		ush_reader_member_fault(r, at, path, "url", "\"%.200s\" is not https; on this machine alone: allowLoopbackHttp: true", source->url);
	else if (strchr(url.path, '?') != NULL)
		ush_reader_member_fault(r, at, path, "url", "\"%.200s\" has a query", source->url);
	length = strlen(source->url);
	while (length > 0 && source->url[length - 1] == '/')
		source->url[--length] = '\0';
}

static void read_keycloak(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_policy_source *source)
{
	const struct ush_node *loopback = ush_node_get(node, "allowLoopbackHttp");

	if (!ush_reader_map(r, node, path, keycloak_members))
		return;
	if (loopback != NULL && !ush_node_bool(loopback, &source->loopback_http))
		ush_reader_member_fault(r, loopback, path, "allowLoopbackHttp", "expected true or false");
	read_url(r, node, path, source);
	source->realm = ush_reader_string(r, node, path, "realm");
	source->client = ush_reader_string(r, node, path, "client");
	source->secret_file = read_path(r, node, path, "secretFile");
	source->ca_file = read_path(r, node, path, "ca");
	if (source->client != NULL && strchr(source->client, ':') != NULL)
		ush_reader_member_fault(r, ush_node_get(node, "client"), path, "client", "may not hold a colon");
}

static const struct {
	enum ush_source_type type;
	void (*read)(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_policy_source *source);
} types[] = {
	{USH_SOURCE_FILE, read_file},
	{USH_SOURCE_KEYCLOAK, read_keycloak},
};

static const struct ush_member type_members[] = {{"file", USH_MEMBER_OPTIONAL},	 {"keycloak", USH_MEMBER_OPTIONAL}, {"ldap", USH_MEMBER_LATER},
						 {"okta", USH_MEMBER_LATER},	 {"entra", USH_MEMBER_LATER},	    {"google", USH_MEMBER_LATER},
						 {"github", USH_MEMBER_LATER},	 {"gitlab", USH_MEMBER_LATER},	    {"scim", USH_MEMBER_LATER},
						 {"authentik", USH_MEMBER_LATER}, {NULL, 0}};

static void read_source(struct ush_reader *r, const struct ush_node *key, const struct ush_node *node, struct ush_policy_source *source)
{
	char path[160];
	size_t found = 0;

	source->name = ush_strdup(key->text);
	snprintf(path, sizeof path, "sources.%.64s", key->text);
	if (ush_name_not_label(key->text) != NULL)
		ush_reader_fault(r, key, path, "the name %s", ush_name_not_label(key->text));
	if (!ush_reader_map(r, node, path, type_members))
		return;
	for (size_t i = 0; i < USH_COUNT(types); i++) {
		const char *type = type_members[i].name;
		const struct ush_node *settings = ush_node_get(node, type);
		char full[192];

		if (settings == NULL)
			continue;
		found++;
		source->type = types[i].type;
		snprintf(full, sizeof full, "%s.%s", path, type);
		types[i].read(r, settings, full, source);
	}
	if (found > 1 || node->count == 0)
		ush_reader_fault(r, node, path, "expected one of file and keycloak, found %s", found > 1 ? "both" : "neither");
}

void ush_policy_read_sources(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	if (node == NULL)
		return;
	if (node->kind != USH_NODE_MAP || node->count == 0) {
		ush_reader_fault(r, node, "sources", "expected a map of at least one source, found %s",
				 node->kind == USH_NODE_MAP ? "none" : ush_node_kind_name(node));
		return;
	}
	for (size_t i = 0; i < node->count; i++) {
		USH_PUSH(policy->sources, policy->source_count, (struct ush_policy_source){0});
		read_source(r, node->keys[i], node->items[i], &policy->sources[i]);
	}
}
