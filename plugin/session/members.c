/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/session/members.h"

#include <stdint.h>
#include <string.h>

#include "common/base/cli.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/net/http.h"
#include "plugin/front/record.h"

#define MOST_ITEMS 64
#define MOST_TEXT  1000 /* bytes of one text: what KUBERNETES_EXEC_INFO's server may have too */

struct member {
	const char *name;
	/* Reads the value into the profile at offset. what: "expected WHAT" in an error. */
	int (*read)(struct ush_profile *profile, const struct member *member, const struct ush_node *node, struct ush_error *err);
	size_t offset;
	const char *what;
	bool required;
	const char *const *words;                    /* of a choice, ended by NULL, in the order of its enum */
	long long least, most;                       /* of a duration, seconds */
	bool (*good)(const char *item);              /* of a list: is this one? */
	size_t count_offset;                         /* of a list */
};

static void *at(struct ush_profile *profile, size_t offset)
{
	return (char *)profile + offset;
}

/* "path:line:column: member: expected WHAT, found THAT" */
static int unexpected(const struct ush_profile *profile, const struct member *member, const struct ush_node *node, struct ush_error *err)
{
	bool scalar = node->kind == USH_NODE_SCALAR && !ush_node_is_null(node);

	if (scalar)
		return ush_node_fail(err, USH_ERR_CONFIG, profile->path, node, "%s: expected %s, found \"%.200s\"", member->name,
				     member->what, node->text);
	return ush_node_fail(err, USH_ERR_CONFIG, profile->path, node, "%s: expected %s, found %s", member->name, member->what,
			     ush_node_is_null(node) ? "nothing" : node->kind == USH_NODE_MAP ? "a map" : "a list");
}

/* The text of a string that may go into a request, a header, a message; NULL when it is none. */
static const char *plain_text(const struct ush_node *node)
{
	const char *text = ush_node_string(node);

	if (text == NULL || text[0] == '\0' || strlen(text) > MOST_TEXT)
		return NULL;
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			return NULL;
	return text;
}

static int read_text(struct ush_profile *profile, const struct member *member, const struct ush_node *node, struct ush_error *err)
{
	const char *text = plain_text(node);

	if (text == NULL)
		return unexpected(profile, member, node, err);
	*(char **)at(profile, member->offset) = ush_strdup(text);
	return 0;
}

/* A file: "~/x" is under HOME, "x" beside the profile. */
static int read_path(struct ush_profile *profile, const struct member *member, const struct ush_node *node, struct ush_error *err)
{
	const char *slash = strrchr(profile->path, '/'), *text = plain_text(node);
	USH_AUTO_FREE char *folder = slash != NULL ? ush_strndup(profile->path, (size_t)(slash - profile->path)) : NULL;

	if (text == NULL || strcmp(text, "-") == 0)
		return unexpected(profile, member, node, err);
	*(char **)at(profile, member->offset) = ush_file_expand(text, folder);
	return 0;
}

static int read_program(struct ush_profile *profile, const struct member *member, const struct ush_node *node, struct ush_error *err)
{
	const char *text = plain_text(node);

	if (text == NULL || text[0] != '/')
		return unexpected(profile, member, node, err);
	return read_text(profile, member, node, err);
}

static int read_list(struct ush_profile *profile, const struct member *member, const struct ush_node *node, struct ush_error *err)
{
	char ***items = at(profile, member->offset);
	size_t *count = at(profile, member->count_offset);

	if (node->kind != USH_NODE_LIST || (member->required && node->count == 0))
		return unexpected(profile, member, node, err);
	if (node->count > MOST_ITEMS)
		return ush_node_fail(err, USH_ERR_CONFIG, profile->path, node, "%s: more than %d", member->name, MOST_ITEMS);
	*items = ush_alloc((node->count + 1) * sizeof **items); /* a NULL ends it */
	for (size_t i = 0; i < node->count; i++) {
		const char *text = plain_text(node->items[i]);

		if (text == NULL || !member->good(text))
			return unexpected(profile, member, node->items[i], err);
		(*items)[(*count)++] = ush_strdup(text);
	}
	return 0;
}

static int read_choice(struct ush_profile *profile, const struct member *member, const struct ush_node *node, struct ush_error *err)
{
	const char *text = ush_node_string(node);

	for (unsigned int i = 0; text != NULL && member->words[i] != NULL; i++)
		if (strcmp(text, member->words[i]) == 0) {
			memcpy(at(profile, member->offset), &i, sizeof i);
			return 0;
		}
	return unexpected(profile, member, node, err);
}

static int read_switch(struct ush_profile *profile, const struct member *member, const struct ush_node *node, struct ush_error *err)
{
	return ush_node_bool(node, at(profile, member->offset)) ? 0 : unexpected(profile, member, node, err);
}

/* "60s", "5m", "1h" */
static int read_duration(struct ush_profile *profile, const struct member *member, const struct ush_node *node, struct ush_error *err)
{
	static const struct {
		const char *unit;
		long long seconds;
	} units[] = {{"s", 1}, {"m", 60}, {"h", 3600}};
	const char *text = ush_node_string(node);
	size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
	int64_t seconds;

	for (size_t i = 0; digits > 0 && digits < 7 && i < USH_COUNT(units); i++) {
		if (strcmp(text + digits, units[i].unit) != 0)
			continue;
		seconds = strtoll(text, NULL, 10) * units[i].seconds;
		if (seconds < member->least || seconds > member->most)
			break;
		memcpy(at(profile, member->offset), &seconds, sizeof seconds);
		return 0;
	}
	return unexpected(profile, member, node, err);
}

/* ---- items of lists ---- */

/* Also in the eyes of the hit path, which compares it (front/record.h). */
static bool is_server(const char *text)
{
	USH_AUTO_URL url = {.path = NULL};

	return ush_url_parse(&url, text, USH_ERR_CONFIG, NULL) == 0 && strcmp(url.scheme, "https") == 0 && strchr(text, '?') == NULL &&
	       ush_server_same(text, text);
}

/* RFC 6749 section 3.3 */
static bool is_scope(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f || *p == '"' || *p == '\\')
			return false;
	return true;
}

static bool is_host(const char *text)
{
	USH_AUTO_FREE char *whole = ush_printf("https://%s", text);
	USH_AUTO_URL url = {.path = NULL};

	return strpbrk(text, "/?") == NULL && ush_url_parse(&url, whole, USH_ERR_CONFIG, NULL) == 0;
}

/* ---- the table ---- */

static const char *const flows[] = {"auto", "browser", "device", NULL};
static const char *const stores[] = {"auto", "keyring", "plain-file", "none", NULL};

#define OFFSET(member) offsetof(struct ush_profile, member)

static const struct member members[] = {
	{"issuer", read_text, OFFSET(issuer), "an https URL", .required = true},
	{"client", read_text, OFFSET(client), "the client's id, a text (a number stands in quotes)", .required = true},
	{"servers", read_list, OFFSET(servers), "a list of https URLs", .required = true, .good = is_server,
	 .count_offset = OFFSET(server_count)},
	{"client-secret-file", read_path, OFFSET(client_secret_path), "the path of a file"},
	{"scopes", read_list, OFFSET(scopes), "a list of scopes", .good = is_scope, .count_offset = OFFSET(scope_count)},
	{"ca", read_path, OFFSET(ca_path), "the path of a PEM file"},
	{"endpoint-hosts", read_list, OFFSET(endpoint_hosts), "a list of host names", .good = is_host,
	 .count_offset = OFFSET(endpoint_host_count)},
	{"flow", read_choice, OFFSET(flow), "auto, browser or device", .words = flows},
	{"store", read_choice, OFFSET(store), "auto, keyring, plain-file or none", .words = stores},
	{"account", read_text, OFFSET(account), "the name of an account"},
	{"browser", read_program, OFFSET(browser), "the absolute path of a program, without arguments"},
	{"min-validity", read_duration, OFFSET(min_validity), "a time like 60s, 5m or 1h, at most 24h", .most = 86400},
	{"sign-in-timeout", read_duration, OFFSET(sign_in_timeout), "a time like 60s, 5m or 1h, at most 1h", .least = 1, .most = 3600},
	{"allow-loopback-http", read_switch, OFFSET(loopback_http), "true or false"},
};

static int read_member(struct ush_profile *profile, const struct ush_node *key, const struct ush_node *value, struct ush_error *err)
{
	const char *names[USH_COUNT(members) + 1] = {NULL}, *near;

	for (size_t i = 0; i < USH_COUNT(members); i++) {
		if (strcmp(key->text, members[i].name) == 0)
			return members[i].read(profile, &members[i], value, err);
		names[i] = members[i].name;
	}
	near = ush_cli_nearest(key->text, names);
	return ush_node_fail(err, USH_ERR_CONFIG, profile->path, key, "%.200s: is no member of a profile%s%s%s", key->text,
			     near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
}

/* What is asked for anyway is not asked for twice. */
static void drop_implied(struct ush_profile *profile)
{
	size_t kept = 0;

	for (size_t i = 0; i < profile->scope_count; i++) {
		char *scope = profile->scopes[i];

		if (strcmp(scope, "openid") == 0 || strcmp(scope, "offline_access") == 0)
			free(scope);
		else
			profile->scopes[kept++] = scope;
	}
	profile->scope_count = kept;
}

/* The issuer is compared byte for byte for ever after, so it is taken as it stands or not at all. */
static int check_issuer(const struct ush_profile *profile, const struct ush_node *root, struct ush_error *err)
{
	const struct ush_node *node = ush_node_get(root, "issuer");
	struct ush_error why = {.code = USH_OK};
	USH_AUTO_URL url = {.path = NULL};

	if (ush_url_parse(&url, profile->issuer, USH_ERR_CONFIG, &why) != 0)
		return ush_node_fail(err, USH_ERR_CONFIG, profile->path, node, "issuer: expected an https URL: %.300s", why.what);
	if (strchr(profile->issuer, '?') != NULL)
		return ush_node_fail(err, USH_ERR_CONFIG, profile->path, node, "issuer: has a query (?), which an issuer cannot have");
	if (strcmp(url.scheme, "https") == 0 || (url.loopback && profile->loopback_http))
		return 0;
	if (url.loopback)
		return ush_node_fail(err, USH_ERR_CONFIG, profile->path, node,
				     "issuer: http on a loopback address wants allow-loopback-http: true");
	return ush_node_fail(err, USH_ERR_CONFIG, profile->path, node, "issuer: expected an https URL, found \"%.200s\"", profile->issuer);
}

int ush_profile_members(struct ush_profile *profile, const struct ush_node *root, struct ush_error *err)
{
	if (root->kind != USH_NODE_MAP)
		return ush_node_fail(err, USH_ERR_CONFIG, profile->path, root, "expected the members of a profile, found %s",
				     ush_node_is_null(root) ? "nothing" : ush_node_kind_name(root));
	for (size_t i = 0; i < root->count; i++)
		if (read_member(profile, root->keys[i], root->items[i], err) != 0)
			return -1;
	for (size_t i = 0; i < USH_COUNT(members); i++)
		if (members[i].required && ush_node_get(root, members[i].name) == NULL)
			return ush_node_fail(err, USH_ERR_CONFIG, profile->path, root, "%s: is missing; wanted is %s", members[i].name,
					     members[i].what);
	drop_implied(profile);
	return check_issuer(profile, root, err);
}
