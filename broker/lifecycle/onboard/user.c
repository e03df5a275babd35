/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/lifecycle/onboard/user.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "broker/lifecycle/offboard/names.h"
#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/way.h"

#define CLIENT "kubernetes"

/* ---- who it is ---- */

static void add_spellings(const struct ush_groups *groups, const char *name, struct ush_list *found, const char **one)
{
	for (size_t i = 0; i < groups->count; i++)
		for (size_t k = 0; k < groups->items[i].members.count; k++) {
			const char *member = groups->items[i].members.items[k];

			if (strcasecmp(member, name) != 0 || (found->count > 0 && strcmp(found->items[found->count - 1], member) == 0))
				continue;
			ush_list_add(found, member);
			if (*one == NULL || strcmp(member, name) == 0)
				*one = member;
		}
}

static char *near_names(const struct ush_onboard_user *user)
{
	struct ush_near near = {.wanted = user->name};
	char *text;

	for (size_t i = 0; i < user->policy->source_count; i++)
		for (size_t k = 0; k < user->groups[i].count; k++)
			for (size_t m = 0; m < user->groups[i].items[k].members.count; m++)
				ush_near_offer(&near, user->groups[i].items[k].members.items[m]);
	text = ush_near_text(&near);
	ush_near_free(&near);
	return text;
}

static const struct ush_ledger_entry *bar_of(const struct ush_onboard_user *user)
{
	USH_AUTO_FREE char *text = ush_printf("%s%s", user->policy->user_prefix != NULL ? user->policy->user_prefix : "", user->name);

	return user->ledger != NULL ? ush_ledger_bars_person(user->ledger, user->policy->user_prefix, text) : NULL;
}

/* Who was offboarded is often in no group any more. */
static int nobody(const struct ush_onboard_user *user, struct ush_error *err)
{
	const struct ush_ledger_entry *bar = bar_of(user);
	USH_AUTO_FREE char *command = NULL, *near = NULL, *words = bar != NULL ? ush_ledger_words(bar, user->desired->way) : NULL;

	if (bar != NULL)
		return ush_fail(err, USH_ERR_REFUSED, "%s is %s", user->name, words);
	for (size_t i = 0; i < user->policy->source_count; i++)
		if (!ush_groups_trusted(&user->groups[i]))
			return ush_fail(err, USH_ERR_INCOMPLETE, "source %s was not read whole (%s), so whether it knows %s cannot be said", user->policy->sources[i].name,
					user->groups[i].why != NULL ? user->groups[i].why : "it lists no group", user->name);
	near = near_names(user);
	ush_fail(err, USH_DIFFERENCES, "no group of any source has a member %s%s; who is disabled there is in none", user->name, near);
	command = ush_way_policy(user->desired->way, "groups --members -o json");
	return ush_hint(err, "Put them in a group at the provider first; how it spells people: %s", command);
}

const char *ush_onboard_spelling(const struct ush_onboard_user *user, struct ush_error *err)
{
	struct ush_list found = {0};
	const char *one = NULL;

	for (size_t i = 0; i < user->policy->source_count; i++)
		add_spellings(&user->groups[i], user->name, &found, &one);
	ush_list_sort(&found);
	if (found.count == 0)
		nobody(user, err);
	else if (found.count > 1 && strcmp(one, user->name) != 0) {
		ush_fail(err, USH_ERR_USAGE, "%zu people are called like %s: %.100s, %.100s", found.count, user->name, found.items[0], found.items[1]);
		ush_hint(err, "Say which, as the source writes it");
		one = NULL;
	}
	ush_list_free(&found);
	return one;
}

/* ---- the sign-in ---- */

/* The issuer that a source's settings tell; NULL: they do not. The caller frees. */
static char *issuer_of(const struct ush_policy_source *source, const char *client)
{
	const char *type = source->kind->type;

	if (strcmp(type, "keycloak") == 0)
		return ush_printf("%s/realms/%s", ush_source_text(source, "url"), ush_source_text(source, "realm"));
	if (strcmp(type, "okta") == 0)
		return ush_strdup(ush_source_text(source, "url"));
	if (strcmp(type, "authentik") == 0) /* of the application whose slug is the client's name */
		return ush_printf("%s/application/o/%s/", ush_source_text(source, "url"), client);
	return NULL;
}

static const char *client_of(const struct ush_onboard_user *user)
{
	for (size_t i = 0; i < user->policy->source_count && user->client == NULL; i++)
		if (strcmp(user->policy->sources[i].kind->type, "keycloak") == 0 && ush_source_text(&user->policy->sources[i], "tokenClient") != NULL)
			return ush_source_text(&user->policy->sources[i], "tokenClient");
	return user->client != NULL ? user->client : CLIENT;
}

static char *find_issuer(const struct ush_onboard_user *user, struct ush_error *err)
{
	char *issuer = ush_strdup(user->issuer);

	for (size_t i = 0; i < user->policy->source_count && issuer == NULL; i++)
		issuer = issuer_of(&user->policy->sources[i], client_of(user));
	if (issuer == NULL) {
		ush_fail(err, USH_ERR_USAGE, "no source of %s tells where people sign in", user->policy->file);
		ush_hint(err, "Say it: --issuer https://... (as the API server is told it)");
	}
	return issuer;
}

static json_t *profile_json(const struct ush_onboard_user *user, const char *issuer)
{
	bool mail = strchr(user->name, '@') != NULL;
	json_t *scopes = strstr(issuer, "/realms/") != NULL ? json_pack("[s]", "email") : json_pack("[s, s]", "groups", "email"); /* a realm has no scope groups unless somebody made it */

	return json_pack("{s:s, s:s, s:o, s:[s], s:s*}", "issuer", issuer, "client", client_of(user), "scopes", scopes, "servers", user->server, "account",
			 mail ? user->name : NULL);
}

static json_t *cluster_json(const struct ush_onboard_user *user)
{
	size_t length = user->ca_pem != NULL ? strlen(user->ca_pem) : 0;
	USH_AUTO_FREE char *base64 = length > 0 ? ush_alloc(4 * (length / 3 + 1) + 1) : NULL;

	if (base64 != NULL)
		EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)user->ca_pem, (int)length);
	return json_pack("{s:s, s:s*}", "server", user->server, "certificate-authority-data", base64);
}

static json_t *kubeconfig_json(const struct ush_onboard_user *user)
{
	USH_AUTO_FREE char *who = ush_printf("usher-%s", user->profile);
	json_t *exec = json_pack("{s:s, s:s, s:[s, s, s], s:s, s:b}", "apiVersion", "client.authentication.k8s.io/v1", "command", "kubectl-usher", "args", "get-token", "--profile",
				 user->profile, "interactiveMode", "IfAvailable", "provideClusterInfo", 1);
	json_t *context = json_pack("{s:s, s:s, s:s*}", "cluster", user->profile, "user", who, "namespace", user->namespace_name);

	return json_pack("{s:s, s:s, s:[{s:s, s:o}], s:[{s:s, s:{s:o}}], s:[{s:s, s:o}], s:s}", "apiVersion", "v1", "kind", "Config", "clusters", "name", user->profile, "cluster",
			 cluster_json(user), "users", "name", who, "user", "exec", exec, "contexts", "name", user->profile, "context", context, "current-context",
			 user->profile);
}

/* ---- groups, and what they are for ---- */

static bool is_in(const struct ush_onboard_user *user, const struct ush_group *group)
{
	return group != NULL && group->members_known && ush_members_has(&group->members, user->name);
}

static json_t *groups_json(const struct ush_onboard_user *user)
{
	json_t *all = json_array();

	for (size_t i = 0; i < user->policy->source_count; i++)
		for (size_t k = 0; k < user->groups[i].count; k++) {
			const struct ush_group *group = &user->groups[i].items[k];
			USH_AUTO_FREE char *text = ush_name_group(user->policy, group->id, group->name, group->path);

			if (is_in(user, group))
				json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "group", group->path, "source", user->policy->sources[i].name, "subject", text));
		}
	return all;
}

struct look {
	const struct ush_onboard_user *user;
	json_t *may, *missing;
};

/* One line a role and group, with all namespaces where it is so. */
static void add_place(json_t *rows, const char *role, const struct ush_resolved *resolved, const char *place)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		if (strcmp(ush_json_string(row, "role"), role) == 0 && strcmp(ush_json_string(row, "subject"), resolved->text) == 0) {
			json_array_append_new(json_object_get(row, "namespaces"), json_string(place));
			return;
		}
	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:[s]}", "role", role, "group", resolved->group->path, "subject", resolved->text, "namespaces", place));
}

static void look_at(struct look *look, size_t place, const struct ush_shape *shape)
{
	const struct ush_desired *desired = look->user->desired;
	const char *name = desired->places->items[place].name, *role = look->user->policy->roles[shape->role].name;
	bool asked = look->user->namespace_name != NULL && strcmp(look->user->namespace_name, name) == 0;

	for (uint32_t i = 0; shape->kind == USH_ROLE_BINDING && i < shape->resolved_count; i++) {
		const struct ush_resolved *resolved = &desired->resolved[shape->resolved[i]];

		if (resolved->group == NULL)
			continue;
		if (is_in(look->user, resolved->group))
			add_place(look->may, role, resolved, name);
		else if (asked)
			add_place(look->missing, role, resolved, name);
	}
}

static int look_at_all(struct look *look, struct ush_error *err)
{
	const struct ush_desired *desired = look->user->desired;
	const char *wanted = look->user->namespace_name;
	size_t asked = wanted != NULL ? ush_places_find(desired->places, wanted, strlen(wanted)) : SIZE_MAX;

	if (wanted != NULL && (asked == SIZE_MAX || !desired->places->items[asked].there)) {
		USH_AUTO_FREE char *command = ush_way_broker(desired->way, "onboard namespace %s", wanted);

		ush_fail(err, USH_ERR_USAGE, "there is no namespace %s", wanted);
		return ush_hint(err, "Make it: %s", command);
	}
	for (size_t i = 0; i < desired->places->count; i++)
		for (uint32_t k = desired->start[i]; k < desired->start[i + 1]; k++)
			look_at(look, i, ush_wanted_shape(desired, k));
	return 0;
}

json_t *ush_onboard_user_json(const struct ush_onboard_user *user, struct ush_error *err)
{
	USH_AUTO_FREE char *issuer = find_issuer(user, err);
	const struct ush_ledger_entry *denied = bar_of(user);
	USH_AUTO_FREE char *words = denied != NULL ? ush_ledger_words(denied, user->desired->way) : NULL;
	USH_AUTO_JSON may = json_array();
	USH_AUTO_JSON missing = json_array();
	struct look look = {user, may, missing};

	if (issuer == NULL || look_at_all(&look, err) != 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*, s:o, s:O, s:O, s:o, s:o}", "apiVersion", USH_POLICY_API, "kind", "OnboardUser", "name", user->name, "profileName",
			 user->profile, "denied", words, "namespace", user->namespace_name, "groups", groups_json(user), "may", may, "missing", missing, "profile",
			 profile_json(user, issuer), "kubeconfig", kubeconfig_json(user));
}
