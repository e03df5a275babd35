/* SPDX-License-Identifier: Apache-2.0
 *
 * group-sync-operator: GroupSync. It writes OpenShift Groups and no bindings, so what is carried over is where groups come
 * from: each provider becomes a source.
 */
#include <string.h>

#include "broker/import/import.h"
#include "common/base/memory.h"
#include "common/data/json.h"

/* A setting that is carried over under another name. */
struct carry {
	const char *from, *to;
};

#define END {NULL, NULL}
static const struct carry keycloak[] = {{"url", "url"}, {"realm", "realm"}, END};
static const struct carry azure[] = {{"authorityHost", "authority"}, {"filter", "filter"}, END};
static const struct carry okta[] = {{"url", "url"}, {"appId", "app"}, END};
static const struct carry github[] = {{"organization", "organization"}, {"url", "url"}, END};
static const struct carry gitlab[] = {{"url", "url"}, END};

static const struct provider {
	const char *member, *kind;
	const struct carry *carry;
	const char *required; /* "member=what it must be told", or NULL */
	const char *also;     /* another one */
	const char *groups;   /* its list of groups to take */
	bool secret;
} providers[] = {
	{"keycloak", "keycloak", keycloak, "client=usher-broker", NULL, "groups", true},
	{"azure", "entra", azure, "tenant=TENANT-ID", "client=CLIENT-ID", "groups", true},
	{"okta", "okta", okta, NULL, NULL, "groups", true},
	{"github", "github", github, NULL, NULL, "teams", true},
	{"gitlab", "gitlab", gitlab, NULL, NULL, "groups", true},
};

static void set_pair(json_t *settings, const char *pair)
{
	const char *equals = pair != NULL ? strchr(pair, '=') : NULL;
	USH_AUTO_FREE char *key = equals != NULL ? ush_strndup(pair, (size_t)(equals - pair)) : NULL;

	if (key != NULL && json_object_get(settings, key) == NULL)
		json_object_set_new(settings, key, json_string(equals + 1));
}

/* Patterns of ours are paths or names; theirs are names. */
static void set_groups(json_t *settings, const json_t *groups)
{
	json_t *list = json_array();
	const json_t *group;
	size_t i;

	json_array_foreach(groups, i, group)
		if (json_is_string(group) && *json_string_value(group) != '\0' && strpbrk(json_string_value(group), "{}*") == NULL)
			json_array_append_new(list, json_string(json_string_value(group)));
	if (json_array_size(list) > 0)
		json_object_set(settings, "include", list);
	json_decref(list);
}

static void take_provider(struct ush_import *import, const char *from, const struct provider *provider, const char *name, const json_t *said)
{
	json_t *settings = json_object();
	USH_AUTO_FREE char *secret = ush_printf("/run/secrets/%s", provider->kind);
	const json_t *credentials = ush_json_object(said, "credentialsSecret");
	USH_AUTO_FREE char *note = NULL;

	for (const struct carry *carry = provider->carry; carry->from != NULL; carry++)
		if (ush_json_string(said, carry->from) != NULL && *ush_json_string(said, carry->from) != '\0')
			json_object_set_new(settings, carry->to, json_string(ush_json_string(said, carry->from)));
	set_pair(settings, provider->required);
	set_pair(settings, provider->also);
	if (provider->secret)
		json_object_set_new(settings, "secretFile", json_string(secret));
	if (ush_json_object(said, "ca") != NULL)
		json_object_set_new(settings, "ca", json_string("/etc/ssl/provider-ca.pem"));
	set_groups(settings, ush_json_array(said, provider->groups));
	note = ush_printf("%s: secretFile is what Secret %s/%s held%s%s", from,
			  ush_json_string(credentials, "namespace") != NULL ? ush_json_string(credentials, "namespace") : "?",
			  ush_json_string(credentials, "name") != NULL ? ush_json_string(credentials, "name") : "?", provider->required != NULL ? "; check " : "",
			  provider->also != NULL ? "tenant and client" : provider->required != NULL ? "client" : "");
	if (json_is_true(json_object_get(said, "insecure")))
		ush_import_left(import, "%s: insecure is not carried over: name the certificate authority as ca", from);
	ush_import_add_source(import, name, provider->kind, settings, note);
}

void ush_import_group_sync(struct ush_import *import, const json_t *object, const char *name)
{
	const json_t *spec = ush_json_object(object, "spec"), *entry;
	size_t i;

	json_array_foreach(ush_json_array(spec, "providers"), i, entry) {
		const char *called = ush_json_string(entry, "name");
		USH_AUTO_FREE char *from = ush_printf("GroupSync %s, provider %s", name, called != NULL ? called : "(unnamed)");
		bool found = false;

		for (size_t k = 0; k < USH_COUNT(providers); k++)
			if (ush_json_object(entry, providers[k].member) != NULL) {
				take_provider(import, from, &providers[k], called != NULL ? called : providers[k].kind,
					      ush_json_object(entry, providers[k].member));
				found = true;
			}
		if (ush_json_object(entry, "ldap") != NULL) {
			ush_import_ldap_sync(import, ush_json_object(entry, "ldap"), called != NULL ? called : "ldap");
			found = true;
		}
		if (!found)
			ush_import_left(import, "%s is of a kind that usher-broker does not read", from);
	}
	if (ush_json_string(spec, "schedule") != NULL)
		ush_import_left(import, "GroupSync %s: schedule \"%s\" is for whoever runs usher-broker apply: a CronJob", name, ush_json_string(spec, "schedule"));
}
