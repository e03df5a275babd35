/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive/service.h"

#include <string.h>
#include <strings.h>

#include "broker/receive/discovery.h"
#include "broker/receive/patch.h"
#include "broker/receive/resource.h"
#include "common/base/memory.h"

#define DEPTH       16      /* of JSON that is pushed */
#define MARKS_MAX   1000000 /* commas and brackets of a body: each costs memory */
#define ERROR_URN   "urn:ietf:params:scim:api:messages:2.0:Error"
#define SYNTAX      "invalidSyntax"

struct call {
	struct ush_room *room;
	const struct ush_world *world;
	const struct ush_scim_request *request;
	struct ush_scim_answer *answer;
	struct ush_scim_fault fault;
	enum ush_scim_kind kind;
	struct ush_resource *old; /* whom the request is about; NULL: all */
	json_t *body;
};

/* ---- answers ---- */

json_t *ush_scim_error(int status, const char *type, const char *detail)
{
	USH_AUTO_FREE char *text = ush_printf("%d", status);
	json_t *error = json_pack("{s:[s], s:s}", "schemas", ERROR_URN, "status", text);

	if (type != NULL)
		json_object_set_new(error, "scimType", json_string(type));
	if (detail != NULL && *detail != '\0')
		json_object_set_new(error, "detail", json_string(detail));
	return error;
}

void ush_scim_answer_free(struct ush_scim_answer *answer)
{
	json_decref(answer->body);
	free(answer->location);
	free(answer->etag);
	*answer = (struct ush_scim_answer){0};
}

static int fail(struct call *call, int status, const char *type, const char *detail)
{
	return ush_scim_fail(&call->fault, status, type, "%s", detail);
}

/* Tells one resource. */
static int tell(struct call *call, int status, const struct ush_resource *one)
{
	struct ush_scim_answer *answer = call->answer;

	answer->body = ush_scim_told(&call->room->store, one, call->request, &call->fault);
	if (answer->body == NULL)
		return -1;
	answer->status = status;
	answer->etag = ush_scim_etag(one);
	answer->location = ush_printf("%s/%s/%s", call->request->base, one->kind == USH_SCIM_USER ? "Users" : "Groups", one->id);
	return 0;
}

/* ---- conditions ---- */

/* Is the tag in the list of a header? Weakly, as its versions are (RFC 9110 section 13.1.2). */
static bool tag_in(const char *list, const char *etag)
{
	const char *bare = strchr(etag, '"');

	for (const char *at = list; *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
		size_t length;

		at += strspn(at, " \t");
		if (*at == '*')
			return true;
		at += strncasecmp(at, "W/", 2) == 0 ? 2 : 0;
		length = strcspn(at, ", \t");
		if (length == strlen(bare) && strncmp(at, bare, length) == 0)
			return true;
	}
	return false;
}

static int check_match(struct call *call)
{
	USH_AUTO_FREE char *etag = call->old != NULL ? ush_scim_etag(call->old) : NULL;

	if (call->request->if_match == NULL || etag == NULL || tag_in(call->request->if_match, etag))
		return 0;
	return fail(call, 412, NULL, "the resource has changed since");
}

/* ---- bodies ---- */

static bool is_json(const char *type)
{
	static const char *const types[] = {"application/scim+json", "application/json"};

	for (size_t i = 0; type != NULL && i < USH_COUNT(types); i++) {
		size_t length = strlen(types[i]);

		if (strncasecmp(type, types[i], length) == 0 && (type[length] == '\0' || strchr("; \t", type[length]) != NULL))
			return true;
	}
	return false;
}

static int read_body(struct call *call)
{
	const struct ush_scim_request *request = call->request;
	size_t marks = 0;
	struct ush_error why = {0};

	if (!is_json(request->type))
		return fail(call, 415, NULL, "expected " USH_SCIM_TYPE);
	for (size_t i = 0; i < request->length; i++)
		marks += strchr(",[{", request->body[i]) != NULL && request->body[i] != '\0';
	if (marks > MARKS_MAX || !ush_json_depth_ok(request->body, request->length, DEPTH))
		return fail(call, 413, NULL, "more values, or deeper ones, than are taken here");
	call->body = ush_json_parse(request->body, request->length, "the body", USH_ERR_REJECTED, &why);
	if (call->body == NULL)
		return fail(call, 400, SYNTAX, why.what);
	return json_is_object(call->body) ? 0 : fail(call, 400, SYNTAX, "expected an object");
}

/* ---- changes ---- */

static void make_id(const struct ush_world *world, char out[USH_SCIM_ID])
{
	unsigned char b[16];

	ush_random(world, b, sizeof b);
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(out, USH_SCIM_ID, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8],
		 b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static bool same(const struct ush_resource *old, json_t *kept, const struct ush_crowd *crowd)
{
	USH_AUTO_FREE char *text = ush_json_canonical(kept);

	return strcmp(old->text, text) == 0 && old->member_count == crowd->count &&
	       (crowd->count == 0 || memcmp(old->members, crowd->members, crowd->count * sizeof *crowd->members) == 0);
}

/* What is kept and the members become the resource. What is as before is not written, and keeps its version. */
static struct ush_resource *put(struct call *call, json_t *kept, struct ush_crowd *crowd)
{
	struct ush_store *store = &call->room->store;
	int64_t now = call->world->now_ms(call->world->context);
	struct ush_resource as = {.kind = call->kind, .created = now, .modified = now, .version = 1}, *old = call->old, *made;

	if (old != NULL && same(old, kept, crowd)) {
		json_decref(kept);
		free(ush_steal(&crowd->members));
		return old;
	}
	if (old != NULL) {
		memcpy(as.id, old->id, sizeof as.id);
		as.created = old->created;
		as.version = old->version + 1;
	} else {
		make_id(call->world, as.id);
	}
	made = ush_store_put(store, &as, kept, ush_steal(&crowd->members), crowd->count, &call->fault);
	if (made != NULL) {
		ush_room_note(call->room, ush_store_record(store, old, made, 0));
		call->answer->changed = true;
	}
	return made;
}

/* POST and PUT: the body is the resource. */
static struct ush_resource *put_body(struct call *call)
{
	USH_AUTO_JSON before = call->old != NULL ? ush_resource_json(call->old) : NULL;
	struct ush_crowd crowd;
	struct ush_resource *made = NULL;
	json_t *kept;

	if (read_body(call) != 0 || (kept = ush_scim_take(call->kind, call->body, before, &call->fault)) == NULL)
		return NULL;
	ush_crowd_begin(&crowd, &call->room->store, NULL);
	if (call->kind == USH_SCIM_USER || ush_crowd_add(&crowd, ush_scim_member(call->body, "members"), &call->fault) == 0)
		made = put(call, kept, &crowd);
	else
		json_decref(kept);
	free(crowd.members);
	return made;
}

static int post(struct call *call)
{
	struct ush_resource *made;

	if (call->old != NULL)
		return fail(call, 405, NULL, "not this method here");
	made = put_body(call);
	return made != NULL ? tell(call, 201, made) : -1;
}

static int replace(struct call *call)
{
	struct ush_resource *made;

	if (call->old == NULL)
		return fail(call, 405, NULL, "not this method here");
	if (check_match(call) != 0)
		return -1;
	made = put_body(call);
	return made != NULL ? tell(call, 200, made) : -1;
}

static struct ush_resource *patched(struct call *call, struct ush_crowd *crowd)
{
	const struct ush_scim_crowd acts = {crowd, ush_crowd_add, ush_crowd_remove, ush_crowd_remove_some};
	USH_AUTO_JSON before = ush_resource_json(call->old);
	USH_AUTO_JSON after = ush_resource_json(call->old);
	json_t *kept;

	if (ush_scim_patch(call->body, after, call->kind == USH_SCIM_GROUP ? &acts : NULL, &call->fault) != 0 ||
	    (kept = ush_scim_take(call->kind, after, before, &call->fault)) == NULL)
		return NULL;
	return put(call, kept, crowd);
}

/* Of a group nothing is told back unless it was asked for: its members may be many (as Entra's guide wants it, too). */
static int patch(struct call *call)
{
	const struct ush_target *target = call->request->target;
	struct ush_resource *made;
	struct ush_crowd crowd;

	if (call->old == NULL)
		return fail(call, 405, NULL, "not this method here");
	if (check_match(call) != 0 || read_body(call) != 0)
		return -1;
	ush_crowd_begin(&crowd, &call->room->store, call->old);
	made = patched(call, &crowd);
	free(crowd.members);
	if (made == NULL)
		return -1;
	if (call->kind == USH_SCIM_USER || ush_target_get(target, "attributes") != NULL || ush_target_get(target, "excludedAttributes") != NULL)
		return tell(call, 200, made);
	call->answer->status = 204;
	call->answer->etag = ush_scim_etag(made);
	return 0;
}

static int drop(struct call *call)
{
	int64_t now = call->world->now_ms(call->world->context);

	if (call->old == NULL)
		return fail(call, 405, NULL, "not this method here");
	if (check_match(call) != 0)
		return -1;
	ush_room_note(call->room, ush_store_record(&call->room->store, call->old, NULL, now));
	ush_store_delete(&call->room->store, call->old, now);
	call->answer->changed = true;
	call->answer->status = 204;
	return 0;
}

static int get(struct call *call)
{
	USH_AUTO_FREE char *etag = call->old != NULL ? ush_scim_etag(call->old) : NULL;

	if (etag != NULL && call->request->if_none_match != NULL && tag_in(call->request->if_none_match, etag)) {
		call->answer->status = 304;
		call->answer->etag = ush_steal(&etag);
		return 0;
	}
	if (call->old != NULL)
		return tell(call, 200, call->old);
	call->answer->body = ush_scim_page(&call->room->store, call->kind, call->request, &call->fault);
	call->answer->status = 200;
	return call->answer->body != NULL ? 0 : -1;
}

/* ---- whose turn it is ---- */

static const struct {
	const char *method;
	bool changes;
	int (*act)(struct call *call);
} methods[] = {
	{"GET", false, get}, {"POST", true, post}, {"PUT", true, replace}, {"PATCH", true, patch}, {"DELETE", true, drop},
};

/* "/Users" or "/Users/ID"; false for neither. */
static bool route(struct call *call, const char *path, bool *missing)
{
	static const char *const endpoints[] = {[USH_SCIM_USER] = "/Users", [USH_SCIM_GROUP] = "/Groups"};

	for (size_t i = 0; i < USH_COUNT(endpoints); i++) {
		size_t length = strlen(endpoints[i]);

		if (strncasecmp(path, endpoints[i], length) != 0 || (path[length] != '/' && path[length] != '\0'))
			continue;
		call->kind = (enum ush_scim_kind)i;
		if (path[length] == '\0' || path[length + 1] == '\0')
			return true;
		call->old = ush_store_find(&call->room->store, path + length + 1);
		*missing = call->old == NULL || call->old->kind != call->kind;
		return true;
	}
	return false;
}

static int discover(struct call *call, const char *path)
{
	static const char *const absent[] = {"/Bulk", "/Me"}; /* RFC 7644 sections 3.7 and 3.11 */

	for (size_t i = 0; i < USH_COUNT(absent); i++)
		if (strcasecmp(path, absent[i]) == 0)
			return fail(call, 501, NULL, "is not offered here");
	call->answer->body = ush_scim_discovery(path, call->request->base);
	if (call->answer->body == NULL)
		return fail(call, 404, NULL, "there is nothing here");
	if (strcmp(call->request->method, "GET") != 0)
		return fail(call, 405, NULL, "not this method here");
	call->answer->status = 200;
	return 0;
}

/* Before anything is changed: what is asked back must be names. */
static int check_names(struct call *call)
{
	const struct ush_target *target = call->request->target;
	USH_AUTO_JSON nothing = json_object();

	return ush_scim_project(nothing, ush_target_get(target, "attributes"), ush_target_get(target, "excludedAttributes"), &call->fault);
}

static int act(struct call *call)
{
	const char *path = call->request->target->path;
	size_t base = strlen(USH_SCIM_BASE);
	bool missing = false;

	if (strncmp(path, USH_SCIM_BASE "/", base + 1) != 0)
		return fail(call, 404, NULL, "there is nothing here");
	if (!route(call, path + base, &missing))
		return discover(call, path + base);
	if (missing)
		return fail(call, 404, NULL, "there is no such resource");
	if (check_names(call) != 0)
		return -1;
	for (size_t i = 0; i < USH_COUNT(methods); i++) {
		if (strcmp(call->request->method, methods[i].method) != 0)
			continue;
		if (methods[i].changes && call->room->behind)
			return fail(call, 503, NULL, "what was pushed before cannot be written for the next run; no more is taken until it can");
		return methods[i].act(call);
	}
	return fail(call, 405, NULL, "not this method here");
}

void ush_scim_serve(struct ush_room *room, const struct ush_world *world, const struct ush_scim_request *request, struct ush_scim_answer *answer)
{
	struct call call = {.room = room, .world = world, .request = request, .answer = answer};

	if (act(&call) != 0) {
		bool changed = answer->changed;

		ush_scim_answer_free(answer);
		answer->changed = changed;
		answer->status = call.fault.status != 0 ? call.fault.status : 500;
		answer->body = ush_scim_error(answer->status, call.fault.type, call.fault.detail);
	}
	json_decref(call.body);
}
