/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_kube.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/http.h"
#include "tests/support/fake_kube_store.h"

#define DEFAULT_CAP (256U << 10)

/* ---- the world ---- */

static int64_t now_ms(void *context)
{
	return ((struct fake_kube *)context)->now_ms;
}

static int sleep_ms(void *context, int64_t ms)
{
	struct fake_kube *fake = context;

	fake->now_ms += ms;
	fake->slept_ms += ms;
	return 0;
}

static void random_bytes(void *context, void *out, size_t size)
{
	struct fake_kube *fake = context;
	unsigned char *p = out;

	for (; size > 0; size--) { /* xorshift64: the same bytes in every run */
		fake->random ^= fake->random << 13;
		fake->random ^= fake->random >> 7;
		fake->random ^= fake->random << 17;
		*p++ = (unsigned char)(fake->random >> 32);
	}
}

struct fake_kube *fake_kube_new(void)
{
	struct fake_kube *fake = ush_new(struct fake_kube);

	fake->store = ush_new(struct fake_kube_store);
	fake->store->now_ms = &fake->now_ms;
	fake->store->version = 100;
	fake->now_ms = 1767225600000; /* 2026-01-01T00:00:00Z */
	fake->chunk = 1021;
	fake->minor = 36;
	fake->random = 0x9e3779b97f4a7c15;
	fake->world = (struct ush_world){fake, now_ms, now_ms, sleep_ms, random_bytes, fake_kube_http};
	fake->config.server = ush_strdup(FAKE_KUBE_SERVER);
	fake->config.context = ush_strdup("fake");
	fake->config.namespace_name = ush_strdup("default");
	fake->config.token = ush_secret_new("fake-token", strlen("fake-token"));
	fake->kube = (struct ush_kube){&fake->world, &fake->config, "usher-broker"};
	fake_kube_add_as(fake, "kube-apiserver", "{'kind':'Namespace','metadata':{'name':'default'}}");
	fake_kube_add_as(fake, "kube-apiserver", "{'kind':'Namespace','metadata':{'name':'kube-system'}}");
	return fake;
}

void fake_kube_forget(struct fake_kube *fake)
{
	for (size_t i = 0; i < fake->log_count; i++) {
		free(fake->log[i].method);
		free(fake->log[i].path);
		free(fake->log[i].body);
	}
	free(fake->log);
	fake->log = NULL;
	fake->log_count = 0;
}

void fake_kube_free(struct fake_kube *fake)
{
	fake_kube_forget(fake);
	fake_kube_store_free(fake->store);
	free(fake->faults);
	free(fake->config.server);
	free(fake->config.context);
	free(fake->config.namespace_name);
	free(fake->config.token_file);
	ush_secret_free(fake->config.token);
	free(fake);
}

/* ---- what a test does to the cluster ---- */

void fake_kube_add_as(struct fake_kube *fake, const char *manager, const char *text)
{
	USH_AUTO_FREE char *json = ush_strdup(text);
	USH_AUTO_JSON object = NULL;
	USH_AUTO_FREE char *key = NULL;
	struct fake_kube_target target = {0};
	struct fake_kube_write how = {.manager = manager};
	const json_t *metadata;
	struct fake_kube_answer made;

	for (char *p = json; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	object = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	metadata = json_object_get(object, "metadata");
	target.kind = fake_kube_kind_of(ush_json_string(object, "kind"));
	ck_assert_msg(target.kind != NULL && ush_json_string(metadata, "name") != NULL,
		      "not an object the fake knows: %s", text);
	snprintf(target.name, sizeof target.name, "%s", ush_json_string(metadata, "name"));
	if (target.kind->namespaced)
		snprintf(target.namespace_name, sizeof target.namespace_name, "%s",
			 ush_json_string(metadata, "namespace") != NULL ? ush_json_string(metadata, "namespace")
									: "default");
	if (target.kind->namespaced) {
		USH_AUTO_FREE char *home = ush_printf("/api/v1/namespaces/%s", target.namespace_name);
		USH_AUTO_FREE char *space =
			ush_printf("{'kind':'Namespace','metadata':{'name':'%s'}}", target.namespace_name);

		if (fake_kube_object(fake, home) == NULL)
			fake_kube_add(fake, space);
	}
	key = fake_kube_key(&target);
	fake_kube_drop(fake->store, key);
	made = fake_kube_create(fake->store, &target, object, &how);
	json_decref(made.body);
	ck_assert_msg(made.status == 201, "the fake answers %d to %s", made.status, text);
}

void fake_kube_add(struct fake_kube *fake, const char *object)
{
	fake_kube_add_as(fake, "kubectl-create", object);
}

const json_t *fake_kube_object(const struct fake_kube *fake, const char *path)
{
	struct fake_kube_target target;
	struct fake_kube_entry *entry;
	USH_AUTO_FREE char *key = NULL;

	if (!fake_kube_target_of(path, strlen(path), &target))
		return NULL;
	key = fake_kube_key(&target);
	entry = fake_kube_find(fake->store, key);
	return entry != NULL ? entry->object : NULL;
}

void fake_kube_remove(struct fake_kube *fake, const char *path)
{
	struct fake_kube_target target;
	USH_AUTO_FREE char *key = NULL;

	ck_assert_msg(fake_kube_target_of(path, strlen(path), &target), "no path of the fake: %s", path);
	key = fake_kube_key(&target);
	fake_kube_drop(fake->store, key);
}

size_t fake_kube_objects(const struct fake_kube *fake, const char *prefix)
{
	size_t count = 0;

	for (size_t i = 0; i < fake->store->count; i++)
		count += strncmp(fake->store->entries[i].path, prefix, strlen(prefix)) == 0;
	return count;
}

void fake_kube_fail(struct fake_kube *fake, struct fake_kube_fault fault)
{
	fault.times = fault.times == 0 ? 1 : fault.times;
	USH_PUSH(fake->faults, fake->fault_count, fault);
}

static bool matches(const char *method, const char *prefix, const char *its_method, const char *its_path)
{
	return (method == NULL || strcmp(method, its_method) == 0) &&
	       (prefix == NULL || strncmp(its_path, prefix, strlen(prefix)) == 0);
}

size_t fake_kube_count(const struct fake_kube *fake, const char *method, const char *prefix)
{
	size_t count = 0;

	for (size_t i = 0; i < fake->log_count; i++)
		count += matches(method, prefix, fake->log[i].method, fake->log[i].path);
	return count;
}

size_t fake_kube_writes(const struct fake_kube *fake)
{
	size_t count = 0;

	for (size_t i = 0; i < fake->log_count; i++)
		count += strcmp(fake->log[i].method, "GET") != 0 &&
			 strstr(fake->log[i].path, "accessreviews") == NULL &&
			 strstr(fake->log[i].path, "/selfsubjectreviews") == NULL &&
			 strstr(fake->log[i].path, "dryRun=All") == NULL;
	return count;
}

/* ---- reading requests ---- */

/* The decoded value of a query parameter, or NULL. */
static char *parameter(const char *path, const char *name)
{
	const char *at = strchr(path, '?');
	size_t length = strlen(name);

	while (at != NULL && (strncmp(at + 1, name, length) != 0 || at[1 + length] != '='))
		at = strchr(at + 1, '&');
	if (at == NULL)
		return NULL;
	at += length + 2;

	USH_AUTO_FREE char *raw = ush_strndup(at, strcspn(at, "&"));
	char *out = ush_alloc(strlen(raw) + 1), *to = out;
	unsigned int byte;

	for (const char *p = raw; *p != '\0'; p++) {
		bool coded = *p == '%' && sscanf(p + 1, "%2x", &byte) == 1;

		*to++ = coded ? (char)byte : *p;
		p += coded ? 2 : 0;
	}
	return out;
}

static bool selected(const json_t *object, const char *selector)
{
	const json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");

	while (selector != NULL && *selector != '\0') {
		size_t term = strcspn(selector, ","), key = strcspn(selector, ",=");
		USH_AUTO_FREE char *name = ush_strndup(selector, key);
		USH_AUTO_FREE char *value = ush_strndup(selector + key, term - key);
		const char *has = ush_json_string(labels, name);

		if (has == NULL || (*value != '\0' && strcmp(has, value + strspn(value, "=")) != 0))
			return false;
		selector += term + (selector[term] == ',');
	}
	return true;
}

static bool in_target(const struct fake_kube_entry *entry, const struct fake_kube_target *target)
{
	return entry->kind == target->kind &&
	       (target->namespace_name[0] == '\0' ||
		strcmp(ush_json_string(json_object_get(entry->object, "metadata"), "namespace"),
		       target->namespace_name) == 0);
}

/* A page, as a real server writes it: kind and apiVersion stand on the list, not on the items. A token is the list's
 * version and the last key; a list read in pages sees later changes, which a real one does not. */
static struct fake_kube_answer list(const struct fake_kube *fake, const struct fake_kube_target *target,
				    const char *path)
{
	USH_AUTO_FREE char *limit = parameter(path, "limit");
	USH_AUTO_FREE char *token = parameter(path, "continue");
	USH_AUTO_FREE char *selector = parameter(path, "labelSelector");
	USH_AUTO_FREE char *kind = ush_printf("%sList", target->kind->kind);
	USH_AUTO_FREE char *version =
		ush_printf("%lld", token != NULL ? atoll(token) : (long long)fake->store->version);
	size_t asked = limit != NULL ? strtoul(limit, NULL, 10) : 0;
	size_t most = fake->pages > 0 && (asked == 0 || asked > fake->pages) ? fake->pages : asked;
	const char *after = token != NULL ? strchr(token, '/') : NULL, *last = NULL;
	json_t *items = json_array(), *metadata = json_pack("{s:s}", "resourceVersion", version);

	for (size_t i = 0; i < fake->store->count; i++) {
		const struct fake_kube_entry *entry = &fake->store->entries[i];
		json_t *copy;

		if (!in_target(entry, target) || !selected(entry->object, selector) ||
		    (after != NULL && strcmp(entry->path, after) <= 0))
			continue;
		if (most > 0 && json_array_size(items) == most) {
			USH_AUTO_FREE char *next = ush_printf("%s%s", version, last);

			json_object_set_new(metadata, "continue", json_string(next));
			break;
		}
		copy = json_copy(entry->object);
		json_object_del(copy, "kind");
		json_object_del(copy, "apiVersion");
		json_array_append_new(items, copy);
		last = entry->path;
	}
	return (struct fake_kube_answer){200,
					 json_pack("{s:s,s:s,s:o,s:o}", "kind", kind, "apiVersion",
						   target->kind->api_version, "metadata", metadata, "items", items)};
}

static struct fake_kube_answer review(const struct fake_kube *fake, const json_t *body)
{
	const json_t *spec = json_object_get(body, "spec"), *attributes = json_object_get(spec, "resourceAttributes");
	const json_t *groups = json_object_get(spec, "groups");
	const char *user = ush_json_string(spec, "user");
	json_t *out = json_deep_copy(body);
	bool yes = user == NULL && groups == NULL;

	if (fake->allow != NULL)
		yes = fake->allow(fake->allow_context, yes ? NULL : user != NULL ? user : "", groups, attributes);
	else if (!yes)
		yes = fake_kube_rbac_allows(fake->store, user != NULL ? user : "", groups, attributes);
	json_object_set_new(out, "status", json_pack("{s:b}", "allowed", (int)yes));
	return (struct fake_kube_answer){201, out};
}

static struct fake_kube_answer write_one(struct fake_kube *fake, const char *method, struct fake_kube_target *target,
					 const char *path, const json_t *body, const char *content_type)
{
	USH_AUTO_FREE char *manager = parameter(path, "fieldManager");
	USH_AUTO_FREE char *force = parameter(path, "force");
	USH_AUTO_FREE char *dry_run = parameter(path, "dryRun");
	struct fake_kube_write how = {manager != NULL ? manager : "usher", force != NULL && strcmp(force, "true") == 0,
				      dry_run != NULL && strcmp(dry_run, "All") == 0};
	const json_t *metadata = json_object_get(body, "metadata");

	if (strcmp(method, "DELETE") == 0)
		return fake_kube_delete(fake->store, target, body, &how);
	if (!json_is_object(metadata) || ush_json_string(body, "kind") == NULL ||
	    strcmp(ush_json_string(body, "kind"), target->kind->kind) != 0)
		return fake_kube_status(400, "BadRequest", "the body is no %s", target->kind->kind);
	if (strcmp(method, "POST") == 0)
		snprintf(target->name, sizeof target->name, "%s",
			 ush_json_string(metadata, "name") != NULL ? ush_json_string(metadata, "name") : "");
	if (target->name[0] == '\0' || strcmp(target->name, ush_json_string(metadata, "name")) != 0)
		return fake_kube_status(400, "BadRequest", "the name of the object does not match the name on the URL");
	if (strcmp(method, "POST") == 0)
		return fake_kube_create(fake->store, target, body, &how);
	if (strcmp(method, "PUT") == 0)
		return fake_kube_update(fake->store, target, body, &how);
	if (strcmp(method, "PATCH") == 0 && strcmp(content_type, "application/merge-patch+json") == 0)
		return fake_kube_merge_patch(fake->store, target, body, &how);
	if (strcmp(method, "PATCH") == 0 && strcmp(content_type, "application/apply-patch+yaml") == 0 &&
	    manager != NULL)
		return fake_kube_patch(fake->store, target, body, &how);
	return fake_kube_status(415, "UnsupportedMediaType",
				"the fake takes merge patches, and server-side apply with a fieldManager");
}

static struct fake_kube_answer version(const struct fake_kube *fake)
{
	USH_AUTO_FREE char *minor = ush_printf("%u", fake->minor), *full = ush_printf("v1.%u.0", fake->minor);

	return (struct fake_kube_answer){
		200, json_pack("{s:s,s:s,s:s}", "major", "1", "minor", minor, "gitVersion", full)};
}

static struct fake_kube_answer serve(struct fake_kube *fake, const struct ush_http_request *request, const char *path)
{
	const char *method = request->method != NULL ? request->method : "GET";
	USH_AUTO_JSON body = request->body != NULL
				     ? json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, NULL)
				     : NULL;
	struct fake_kube_target target;
	struct fake_kube_entry *entry;
	USH_AUTO_FREE char *key = NULL;

	if (fake->accepts != NULL &&
	    (request->bearer == NULL || strcmp(ush_secret_reveal(request->bearer), fake->accepts) != 0))
		return fake_kube_status(401, "Unauthorized", "Unauthorized");
	if (strcmp(path, "/version") == 0)
		return version(fake);
	if (request->body != NULL && body == NULL)
		return fake_kube_status(400, "BadRequest", "the body is not JSON");
	if (strstr(path, "/selfsubjectreviews") != NULL && strcmp(method, "POST") == 0)
		return (struct fake_kube_answer){201, json_pack("{s:s, s:s, s:{s:{s:s, s:[s]}}}", "apiVersion", "authentication.k8s.io/v1", "kind", "SelfSubjectReview",
								"status", "userInfo", "username", FAKE_KUBE_SELF, "groups", "system:authenticated")};
	if (strstr(path, "accessreviews") != NULL && strcmp(method, "POST") == 0)
		return review(fake, body);
	if (!fake_kube_target_of(path, strcspn(path, "?"), &target))
		return fake_kube_status(404, "NotFound", "the server could not find the requested resource");
	if (strcmp(method, "GET") != 0)
		return write_one(fake, method, &target, path, body,
				 request->content_type != NULL ? request->content_type : "");
	if (target.name[0] == '\0')
		return list(fake, &target, path);
	key = fake_kube_key(&target);
	entry = fake_kube_find(fake->store, key);
	return entry == NULL ? fake_kube_not_found(&target)
			     : (struct fake_kube_answer){200, json_incref(entry->object)};
}

/* ---- answering ---- */

static struct fake_kube_fault *fault_for(struct fake_kube *fake, const char *method, const char *path)
{
	for (size_t i = 0; i < fake->fault_count; i++) {
		struct fake_kube_fault *fault = &fake->faults[i];

		if (fault->times == 0 || !matches(fault->method, fault->path, method, path) ||
		    (fault->exact && strcmp(fault->path, path) != 0))
			continue;
		if (fault->skip > 0) {
			fault->skip--;
			continue;
		}
		fault->times--;
		return fault;
	}
	return NULL;
}

static int broken(struct ush_error *err)
{
	return ush_fail(err, USH_ERR_UNAVAILABLE, "kube.test: the connection broke");
}

/* Sends text as the http engine would: a 2xx body in pieces to on_body, everything else into the response. */
static int deliver(const struct fake_kube *fake, const struct ush_http_request *request,
		   struct ush_http_response *response, const char *text, size_t length, struct ush_error *err)
{
	size_t cap = request->max_bytes != 0 ? request->max_bytes : DEFAULT_CAP;

	if (length > cap)
		return ush_fail(err, USH_ERR_REJECTED, "kube.test: the answer is larger than %zu bytes", cap);
	if (request->on_body == NULL || response->status < 200 || response->status > 299)
		return ush_buf_add(&response->body, text, length);
	for (size_t at = 0; at < length; at += fake->chunk) {
		size_t n = length - at < fake->chunk ? length - at : fake->chunk;

		if (request->on_body(request->on_body_context, text + at, n, err) != 0)
			return -1;
	}
	return 0;
}

static struct fake_kube_answer answer_of(struct fake_kube *fake, const struct ush_http_request *request,
					 const char *path, const struct fake_kube_fault *fault)
{
	struct fake_kube_answer answer = {0};

	if (fault == NULL || fault->done || fault->cut > 0)
		answer = serve(fake, request, path);
	if (fault == NULL || fault->cut > 0)
		return answer;
	json_decref(answer.body);
	if (fault->status == 0)
		return (struct fake_kube_answer){0};
	return fault->status == 410 ? fake_kube_status(410, "Expired", "The provided continue parameter is too old")
				    : fake_kube_status(fault->status, "Fault", "a fault that the test asked for");
}

int fake_kube_http(void *context, const struct ush_http_request *request, struct ush_http_response *response,
		   struct ush_error *err)
{
	struct fake_kube *fake = context;
	const char *method = request->method != NULL ? request->method : "GET";
	const char *path = request->url + strlen(FAKE_KUBE_SERVER);
	struct fake_kube_request entry = {ush_strdup(method), ush_strdup(path), NULL, 0};
	struct fake_kube_fault *fault;
	struct fake_kube_answer answer;
	USH_AUTO_FREE char *text = NULL;
	size_t length;

	ck_assert_msg(strncmp(request->url, FAKE_KUBE_SERVER "/", strlen(FAKE_KUBE_SERVER) + 1) == 0,
		      "not the fake's: %s", request->url);
	if (request->body != NULL)
		entry.body = ush_strndup(request->body, request->body_length);
	if (fake->before != NULL)
		fake->before(fake->before_context, fake, method, path);
	fault = fault_for(fake, method, path);
	answer = answer_of(fake, request, path, fault);
	entry.status = answer.status;
	USH_PUSH(fake->log, fake->log_count, entry);
	if (answer.status == 0)
		return broken(err);
	text = fault != NULL && fault->body != NULL ? ush_strdup(fault->body) : json_dumps(answer.body, JSON_COMPACT);
	json_decref(answer.body);
	length = strlen(text);
	if (fault != NULL && fault->cut > 0)
		length = fault->cut < length ? fault->cut : length;
	response->status = answer.status;
	response->date = (fake->now_ms - fake->behind_ms) / 1000;
	response->retry_after_ms = fault != NULL && fault->retry_after_ms != 0 ? fault->retry_after_ms : -1;
	snprintf(response->content_type, sizeof response->content_type, "application/json");
	if (deliver(fake, request, response, text, length, err) != 0)
		return -1;
	return fault != NULL && fault->cut > 0 ? broken(err) : 0;
}
