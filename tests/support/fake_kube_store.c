/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_kube_store.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/memory.h"
#include "common/data/json.h"

#define RBAC "/apis/rbac.authorization.k8s.io/v1"

static const struct fake_kube_kind kinds[] = {
	{"Namespace", "v1", "/api/v1", "namespaces", false},
	{"ConfigMap", "v1", "/api/v1", "configmaps", true},
	{"ServiceAccount", "v1", "/api/v1", "serviceaccounts", true},
	{"ResourceQuota", "v1", "/api/v1", "resourcequotas", true},
	{"LimitRange", "v1", "/api/v1", "limitranges", true},
	{"Pod", "v1", "/api/v1", "pods", true},
	{"NetworkPolicy", "networking.k8s.io/v1", "/apis/networking.k8s.io/v1", "networkpolicies", true},
	{"Secret", "v1", "/api/v1", "secrets", true},
	{"CertificateSigningRequest", "certificates.k8s.io/v1", "/apis/certificates.k8s.io/v1", "certificatesigningrequests", false},
	{"Lease", "coordination.k8s.io/v1", "/apis/coordination.k8s.io/v1", "leases", true},
	{"Role", "rbac.authorization.k8s.io/v1", RBAC, "roles", true},
	{"RoleBinding", "rbac.authorization.k8s.io/v1", RBAC, "rolebindings", true},
	{"ClusterRole", "rbac.authorization.k8s.io/v1", RBAC, "clusterroles", false},
	{"ClusterRoleBinding", "rbac.authorization.k8s.io/v1", RBAC, "clusterrolebindings", false},
};

const struct fake_kube_kind *fake_kube_kind_of(const char *kind)
{
	for (size_t i = 0; i < USH_COUNT(kinds); i++)
		if (kind != NULL && strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	return NULL;
}

/* Takes one path segment, percent-decoded; false when there is none or it does not fit. */
static bool segment(const char **at, const char *end, char *out, size_t size)
{
	size_t n = 0;
	unsigned int byte;

	if (*at == end || **at != '/')
		return false;
	for (++*at; *at < end && **at != '/'; ++*at) {
		if (n + 1 >= size)
			return false;
		if (**at == '%' && end - *at > 2 && sscanf(*at + 1, "%2x", &byte) == 1) {
			out[n++] = (char)byte;
			*at += 2;
		} else {
			out[n++] = **at;
		}
	}
	out[n] = '\0';
	return n > 0;
}

static bool match_kind(const struct fake_kube_kind *kind, const char *path, const char *end,
		       struct fake_kube_target *target)
{
	char plural[256];

	*target = (struct fake_kube_target){.kind = kind};
	if ((size_t)(end - path) <= strlen(kind->root) || strncmp(path, kind->root, strlen(kind->root)) != 0)
		return false;
	path += strlen(kind->root);
	if (!segment(&path, end, plural, sizeof plural))
		return false;
	if (kind->namespaced && strcmp(plural, "namespaces") == 0 &&
	    (!segment(&path, end, target->namespace_name, sizeof target->namespace_name) ||
	     !segment(&path, end, plural, sizeof plural)))
		return false;
	if (strcmp(plural, kind->plural) != 0)
		return false;
	return path == end || (segment(&path, end, target->name, sizeof target->name) && path == end);
}

bool fake_kube_target_of(const char *path, size_t length, struct fake_kube_target *target)
{
	for (size_t i = 0; i < USH_COUNT(kinds); i++)
		if (match_kind(&kinds[i], path, path + length, target))
			return true;
	return false;
}

char *fake_kube_key(const struct fake_kube_target *target)
{
	if (target->namespace_name[0] == '\0')
		return ush_printf("%s/%s/%s", target->kind->root, target->kind->plural, target->name);
	return ush_printf("%s/namespaces/%s/%s/%s", target->kind->root, target->namespace_name, target->kind->plural,
			  target->name);
}

/* The place of key: of its entry, or where it belongs. */
static size_t place_of(const struct fake_kube_store *store, const char *key, bool *found)
{
	size_t low = 0, high = store->count;

	*found = false;
	while (low < high && !*found) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(store->entries[middle].path, key);

		*found = order == 0;
		if (order == 0)
			low = middle;
		else if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct fake_kube_entry *fake_kube_find(const struct fake_kube_store *store, const char *key)
{
	bool found;
	size_t at = place_of(store, key, &found);

	return found ? &store->entries[at] : NULL;
}

static void remove_at(struct fake_kube_store *store, size_t at)
{
	free(store->entries[at].path);
	json_decref(store->entries[at].object);
	memmove(&store->entries[at], &store->entries[at + 1], (store->count - at - 1) * sizeof *store->entries);
	store->count--;
}

/* Puts object (taken over) at key with the next resourceVersion. */
static json_t *keep(struct fake_kube_store *store, const struct fake_kube_target *target, const char *key,
		    json_t *object)
{
	char version[32];
	bool found;
	size_t at = place_of(store, key, &found);
	struct fake_kube_entry entry = {ush_strdup(key), target->kind, object};

	snprintf(version, sizeof version, "%lld", (long long)++store->version);
	json_object_set_new(json_object_get(object, "metadata"), "resourceVersion", json_string(version));
	if (found)
		remove_at(store, at);
	USH_PUSH(store->entries, store->count, entry);
	memmove(&store->entries[at + 1], &store->entries[at], (store->count - 1 - at) * sizeof entry);
	store->entries[at] = entry;
	return object;
}

void fake_kube_drop(struct fake_kube_store *store, const char *key)
{
	bool found;
	size_t at = place_of(store, key, &found);
	USH_AUTO_FREE char *inside = NULL;

	if (!found)
		return;
	if (strcmp(store->entries[at].kind->kind, "Namespace") == 0)
		inside = ush_printf("/namespaces/%s/", strrchr(key, '/') + 1);
	remove_at(store, at);
	store->version++;
	for (size_t i = store->count; inside != NULL && i-- > 0;)
		if (strstr(store->entries[i].path, inside) != NULL)
			remove_at(store, i);
}

void fake_kube_store_free(struct fake_kube_store *store)
{
	while (store->count > 0)
		remove_at(store, store->count - 1);
	free(store->entries);
	free(store);
}

/* ---- answers ---- */

struct fake_kube_answer fake_kube_status(int status, const char *reason, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	return (struct fake_kube_answer){status,
					 json_pack("{s:s,s:s,s:{},s:s,s:s,s:s,s:i}", "kind", "Status", "apiVersion",
						   "v1", "metadata", "status", status < 300 ? "Success" : "Failure",
						   "message", message, "reason", reason, "code", status)};
}

static char *resource_of(const struct fake_kube_kind *kind)
{
	const char *slash = strchr(kind->api_version, '/');

	return slash == NULL ? ush_strdup(kind->plural)
			     : ush_printf("%s.%.*s", kind->plural, (int)(slash - kind->api_version), kind->api_version);
}

struct fake_kube_answer fake_kube_not_found(const struct fake_kube_target *target)
{
	USH_AUTO_FREE char *resource = resource_of(target->kind);

	return fake_kube_status(404, "NotFound", "%s \"%s\" not found", resource, target->name);
}

static struct fake_kube_answer answer(int status, const json_t *object)
{
	return (struct fake_kube_answer){status, json_deep_copy(object)};
}

/* ---- writes ---- */

static void stamp(const struct fake_kube_store *store, char out[32])
{
	time_t now = (time_t)(*store->now_ms / 1000);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Whether new objects may go into target's namespace; the answer's status is 0 when they may. */
static struct fake_kube_answer namespace_open(const struct fake_kube_store *store,
					      const struct fake_kube_target *target)
{
	USH_AUTO_FREE char *key = ush_printf("/api/v1/namespaces/%s", target->namespace_name);
	struct fake_kube_entry *entry = fake_kube_find(store, key);
	struct fake_kube_answer no;
	USH_AUTO_FREE char *resource = resource_of(target->kind);

	if (!target->kind->namespaced)
		return (struct fake_kube_answer){0};
	if (entry == NULL)
		return fake_kube_status(404, "NotFound", "namespaces \"%s\" not found", target->namespace_name);
	if (json_object_get(json_object_get(entry->object, "metadata"), "deletionTimestamp") == NULL)
		return (struct fake_kube_answer){0};
	no = fake_kube_status(
		403, "Forbidden",
		"%s \"%s\" is forbidden: unable to create new content in namespace %s because it is being terminated",
		resource, target->name, target->namespace_name);
	json_object_set_new(no.body, "details", json_pack("{s:[{s:s}]}", "causes", "reason", "NamespaceTerminating"));
	return no;
}

static struct fake_kube_answer valid(const struct fake_kube_target *target, const json_t *old, const json_t *new)
{
	const json_t *role = json_object_get(new, "roleRef");
	bool binding = strstr(target->kind->kind, "Binding") != NULL;

	if (binding && (ush_json_string(role, "kind") == NULL || ush_json_string(role, "name") == NULL))
		return fake_kube_status(422, "Invalid",
					"%s.rbac.authorization.k8s.io \"%s\" is invalid: roleRef.name: Required value",
					target->kind->kind, target->name);
	if (binding && old != NULL && !json_equal(role, json_object_get(old, "roleRef")))
		return fake_kube_status(
			422, "Invalid",
			"%s.rbac.authorization.k8s.io \"%s\" is invalid: roleRef: Invalid value: cannot change roleRef",
			target->kind->kind, target->name);
	return (struct fake_kube_answer){0};
}

/* A copy of object with the metadata that a server gives. */
static json_t *newborn(struct fake_kube_store *store, const struct fake_kube_target *target, const json_t *object,
		       const char *manager, const char *operation)
{
	static const char *const server_side[] = {"resourceVersion", "managedFields", "uid", "creationTimestamp"};
	json_t *copy = json_deep_copy(object), *metadata = json_object_get(copy, "metadata");
	USH_AUTO_FREE char *uid = ush_printf("00000000-0000-4000-8000-%012u", ++store->uids);
	char now[32];

	stamp(store, now);
	for (size_t i = 0; i < USH_COUNT(server_side); i++)
		json_object_del(metadata, server_side[i]);
	json_object_set_new(copy, "kind", json_string(target->kind->kind));
	json_object_set_new(copy, "apiVersion", json_string(target->kind->api_version));
	json_object_set_new(metadata, "name", json_string(target->name));
	if (target->kind->namespaced)
		json_object_set_new(metadata, "namespace", json_string(target->namespace_name));
	json_object_set_new(metadata, "uid", json_string(uid));
	json_object_set_new(metadata, "creationTimestamp", json_string(now));
	json_object_set_new(metadata, "managedFields",
			    json_pack("[o]", fake_kube_manager_entry(copy, manager, operation, now)));
	return copy;
}

static struct fake_kube_answer bring_forth(struct fake_kube_store *store, const struct fake_kube_target *target,
					   const json_t *object, const struct fake_kube_write *how,
					   const char *operation)
{
	USH_AUTO_FREE char *key = fake_kube_key(target);
	struct fake_kube_answer no = namespace_open(store, target);
	USH_AUTO_JSON new = NULL;

	if (no.status == 0)
		no = valid(target, NULL, object);
	if (no.status != 0)
		return no;
	new = newborn(store, target, object, how->manager, operation);
	if (!how->dry_run)
		keep(store, target, key, json_incref(new));
	return answer(201, new);
}

struct fake_kube_answer fake_kube_create(struct fake_kube_store *store, const struct fake_kube_target *target,
					 const json_t *object, const struct fake_kube_write *how)
{
	USH_AUTO_FREE char *key = fake_kube_key(target);
	USH_AUTO_FREE char *resource = resource_of(target->kind);

	if (fake_kube_find(store, key) != NULL)
		return fake_kube_status(409, "AlreadyExists", "%s \"%s\" already exists", resource, target->name);
	return bring_forth(store, target, object, how, "Update");
}

static bool version_holds(const json_t *stored, const json_t *object, const char *member)
{
	const char *wanted = ush_json_string(json_object_get(object, "metadata"), member);

	return wanted == NULL || strcmp(wanted, ush_json_string(json_object_get(stored, "metadata"), member)) == 0;
}

static struct fake_kube_answer stale(const struct fake_kube_target *target)
{
	USH_AUTO_FREE char *resource = resource_of(target->kind);

	return fake_kube_status(409, "Conflict",
				"Operation cannot be fulfilled on %s \"%s\": the object has been modified", resource,
				target->name);
}

struct fake_kube_answer fake_kube_update(struct fake_kube_store *store, const struct fake_kube_target *target,
					 const json_t *object, const struct fake_kube_write *how)
{
	static const char *const kept[] = {"uid", "creationTimestamp", "resourceVersion", "namespace", "name"};
	USH_AUTO_FREE char *key = fake_kube_key(target);
	struct fake_kube_entry *entry = fake_kube_find(store, key);
	struct fake_kube_answer no;
	USH_AUTO_JSON new = NULL;
	char now[32];

	if (entry == NULL && strchr(target->kind->api_version, '/') != NULL &&
	    json_object_get(json_object_get(object, "metadata"), "uid") == NULL)
		return bring_forth(store, target, object, how,
				   "Update"); /* as a real server does for RBAC and Leases */
	if (entry == NULL)
		return fake_kube_not_found(target);
	if (!version_holds(entry->object, object, "resourceVersion") || !version_holds(entry->object, object, "uid"))
		return stale(target);
	no = valid(target, entry->object, object);
	if (no.status != 0)
		return no;
	stamp(store, now);
	new = json_deep_copy(object);
	for (size_t i = 0; i < USH_COUNT(kept); i++)
		if (json_object_get(json_object_get(entry->object, "metadata"), kept[i]) != NULL)
			json_object_set(json_object_get(new, "metadata"), kept[i],
					json_object_get(json_object_get(entry->object, "metadata"), kept[i]));
	fake_kube_take_over(entry->object, new, how->manager, now);
	if (!how->dry_run)
		keep(store, target, key, json_incref(new));
	return answer(200, new);
}

/* RFC 7386 */
static void merge_into(json_t *object, const json_t *patch)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)patch, key, value)
	{
		if (json_is_null(value)) {
			json_object_del(object, key);
		} else if (json_is_object(value)) {
			if (!json_is_object(json_object_get(object, key)))
				json_object_set_new(object, key, json_object());
			merge_into(json_object_get(object, key), value);
		} else {
			json_object_set_new(object, key, json_deep_copy(value));
		}
	}
}

struct fake_kube_answer fake_kube_merge_patch(struct fake_kube_store *store, const struct fake_kube_target *target,
					      const json_t *patch, const struct fake_kube_write *how)
{
	USH_AUTO_FREE char *key = fake_kube_key(target);
	struct fake_kube_entry *entry = fake_kube_find(store, key);
	USH_AUTO_JSON merged = entry != NULL ? json_deep_copy(entry->object) : NULL;

	if (entry == NULL)
		return fake_kube_not_found(target);
	merge_into(merged, patch);
	return fake_kube_update(store, target, merged, how);
}

static struct fake_kube_answer conflict(json_t *causes)
{
	struct fake_kube_answer no = fake_kube_status(409, "Conflict", "Apply failed with %zu conflict%s: %s: %s",
						      json_array_size(causes), json_array_size(causes) == 1 ? "" : "s",
						      ush_json_string(json_array_get(causes, 0), "message"),
						      ush_json_string(json_array_get(causes, 0), "field"));

	json_object_set_new(no.body, "details", json_pack("{s:o}", "causes", causes));
	return no;
}

struct fake_kube_answer fake_kube_patch(struct fake_kube_store *store, const struct fake_kube_target *target,
					const json_t *object, const struct fake_kube_write *how)
{
	USH_AUTO_FREE char *key = fake_kube_key(target);
	struct fake_kube_entry *entry = fake_kube_find(store, key);
	USH_AUTO_JSON new = NULL;
	json_t *causes;
	struct fake_kube_answer no;
	char now[32];

	if (entry == NULL)
		return bring_forth(store, target, object, how, "Apply");
	if (!version_holds(entry->object, object, "resourceVersion") || !version_holds(entry->object, object, "uid"))
		return stale(target);
	stamp(store, now);
	new = json_deep_copy(entry->object);
	causes = fake_kube_merge(new, object, how->manager, how->force, now);
	if (causes != NULL)
		return conflict(causes);
	no = valid(target, entry->object, new);
	if (no.status != 0)
		return no;
	if (!how->dry_run && !json_equal(new, entry->object))
		keep(store, target, key, json_incref(new));
	return answer(200, new);
}

struct fake_kube_answer fake_kube_delete(struct fake_kube_store *store, const struct fake_kube_target *target,
					 const json_t *options, const struct fake_kube_write *how)
{
	USH_AUTO_FREE char *key = fake_kube_key(target);
	struct fake_kube_entry *entry = fake_kube_find(store, key);
	USH_AUTO_JSON as_metadata = json_pack("{s:O?}", "metadata", json_object_get(options, "preconditions"));

	if (entry == NULL)
		return fake_kube_not_found(target);
	if (!version_holds(entry->object, as_metadata, "uid") ||
	    !version_holds(entry->object, as_metadata, "resourceVersion"))
		return fake_kube_status(409, "Conflict",
					"Operation cannot be fulfilled on %s \"%s\": the precondition does not match "
					"the record. The object "
					"might have been modified",
					target->kind->kind, target->name);
	if (!how->dry_run)
		fake_kube_drop(store, key);
	return fake_kube_status(200, "", "deleted");
}
