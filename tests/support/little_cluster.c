/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/little_cluster.h"

#include <string.h>

#include "broker/sync/texts.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static void copy_text(char *out, size_t size, const char *text)
{
	size_t length = text != NULL ? strnlen(text, size - 1) : 0;

	memmove(out, text != NULL ? text : "", length);
	out[length] = '\0';
}

const char *const little_sources[2] = {"main", "side"}, *const little_roles[2] = {"reader", "edit"};

static void read_accesses(struct little_object *o)
{
	USH_AUTO_JSON object = json_loads(o->body, 0, NULL);
	const char *note = ush_json_string(json_object_get(json_object_get(object, "metadata"), "annotations"), "usher.dev/source-id");
	USH_AUTO_JSON origins = note != NULL ? json_loads(note, 0, NULL) : NULL;
	const json_t *subject, *origin;
	size_t i, j;

	o->access_count = 0;
	json_array_foreach(json_object_get(object, "subjects"), i, subject) {
		struct little_access *a = &o->accesses[o->access_count++];

		LITTLE_MUST(o->access_count <= LITTLE_SUBJECTS, "too many accesses");
		*a = (struct little_access){.source = -1};
		copy_text(a->space, sizeof a->space, o->space);
		copy_text(a->role, sizeof a->role, ush_json_string(json_object_get(object, "roleRef"), "name"));
		copy_text(a->text, sizeof a->text, ush_json_string(subject, "name"));
		a->unknown = json_array_size(origins) == 0;
		json_array_foreach(origins, j, origin) {
			if (strcmp(ush_json_string(origin, "group"), a->text) != 0)
				continue;
			copy_text(a->id, sizeof a->id, ush_json_string(origin, "id"));
			copy_text(a->granted, sizeof a->granted, ush_json_string(origin, "granted"));
			a->unknown = *a->id == '\0';
			a->source = *a->id == '\0' ? -1 : strcmp(ush_json_string(origin, "source"), little_sources[1]) == 0;
		}
	}
}

#define READ 4096

/* After its body changed. The same bodies come again and again: each is read once. */
static void note_accesses(struct little_object *o)
{
	static struct little_object cache[READ];
	struct little_object *read = &cache[ush_texts_hash(o->body, strlen(o->body)) % READ];

	if (read->body == NULL || strcmp(read->body, o->body) != 0) {
		free(read->body);
		*read = *o;
		read->body = ush_strdup(o->body);
		read_accesses(read);
	}
	memcpy(o->accesses, read->accesses, sizeof o->accesses);
	o->access_count = read->access_count;
	if (o->access_count > 0 && strcmp(o->role, o->accesses[0].role) == 0)
		*o->role = '\0'; /* put back */
	for (size_t i = 0; i < o->access_count && *o->role != '\0'; i++)
		copy_text(o->accesses[i].role, sizeof o->accesses[i].role, o->role);
}

struct little_object *little_find(struct little_cluster *cluster, enum ush_rbac_kind kind, const char *space, const char *name)
{
	for (size_t i = 0; i < cluster->count; i++)
		if (cluster->items[i].kind == kind && strcmp(cluster->items[i].space, space) == 0 && strcmp(cluster->items[i].name, name) == 0)
			return &cluster->items[i];
	return NULL;
}

void little_put(struct little_cluster *cluster, enum ush_rbac_kind kind, const char *space, const char *name, const char *body)
{
	struct little_object *o = little_find(cluster, kind, space, name);

	if (o == NULL) {
		LITTLE_MUST(cluster->count < LITTLE_MAX, "too many objects");
		o = &cluster->items[cluster->count++];
		*o = (struct little_object){.kind = kind, .uid = ++cluster->clock};
		snprintf(o->space, sizeof o->space, "%s", space);
		snprintf(o->name, sizeof o->name, "%s", name);
	}
	free(o->body);
	o->body = ush_strdup(body);
	o->version = ++cluster->clock;
	if (kind == USH_ROLE_BINDING)
		note_accesses(o);
}

void little_remove(struct little_cluster *cluster, struct little_object *object)
{
	free(object->body);
	*object = cluster->items[--cluster->count];
}

void little_drop_namespace(struct little_cluster *cluster, const char *space)
{
	for (size_t i = cluster->count; i > 0; i--)
		if (strcmp(cluster->items[i - 1].space, space) == 0)
			little_remove(cluster, &cluster->items[i - 1]);
}

void little_free(struct little_cluster *cluster)
{
	while (cluster->count > 0)
		little_remove(cluster, &cluster->items[0]);
	free(cluster->state);
	free(cluster->namespaces);
	*cluster = (struct little_cluster){0};
}

/* ---- reading: uid and version are put in where a body has its labels ---- */

static void add_text(const struct little_object *o, struct ush_buf *out)
{
	const char *labels = strstr(o->body, "\"labels\"");

	ush_buf_add(out, o->body, (size_t)(labels - o->body));
	ush_buf_printf(out, "\"uid\":\"u%u\",\"resourceVersion\":\"%u\",%s", o->uid, o->version, labels);
}

void little_observe(const struct little_cluster *cluster, struct ush_observed *observed)
{
	USH_AUTO_SCAN scan = {0};
	USH_AUTO_BUF text = {0};
	struct ush_error err = {0};
	struct ush_item item;

	for (size_t i = 0; i < cluster->count; i++) {
		text.length = 0;
		add_text(&cluster->items[i], &text);
		LITTLE_MUST(ush_scan_object(&scan, text.data, text.length, &(struct ush_item_defaults){0}, NULL, USH_ERR_INCOMPLETE, &item, &err) == 0, err.what);
		LITTLE_MUST(ush_observed_item(observed, &item, &err) == 0, err.what);
	}
	LITTLE_MUST(ush_observed_sort(observed, &err) == 0, err.what);
}

/* ---- carrying out ---- */

static bool holds(const struct little_object *o, const struct ush_change *change)
{
	char uid[16], version[16];

	snprintf(uid, sizeof uid, "u%u", o->uid);
	snprintf(version, sizeof version, "%u", o->version);
	return strcmp(uid, change->uid) == 0 && strcmp(version, change->resource_version) == 0;
}

static bool carry_out(struct little_cluster *cluster, const struct ush_plan *plan, const struct ush_change *change)
{
	struct little_object *o = little_find(cluster, change->kind, change->namespace_name, change->name);
	USH_AUTO_BUF body = {0};

	if ((o != NULL) == (change->action == USH_CREATE) || (o != NULL && !holds(o, change)))
		return false;
	if (change->action == USH_REMOVE) {
		little_remove(cluster, o);
		return true;
	}
	if (change->action == USH_REPLACE) { /* made anew */
		little_remove(cluster, o);
		o = NULL;
	}
	LITTLE_MUST(ush_change_body(plan, change, NULL, &body) == 0, "no body");
	little_put(cluster, change->kind, change->namespace_name, change->name, body.data);
	if (o != NULL)
		o->foreign = false; /* adopted, or ours anyway */
	return true;
}

bool little_apply(struct little_cluster *cluster, struct ush_plan *plan, const struct little_fault *fault)
{
	size_t done = 0;
	bool failed = false;

	ush_plan_consent(plan, fault->confirm);
	for (size_t i = 0; i < plan->change_count; i++) { /* creates and changes stand before removals */
		const struct ush_change *change = &plan->changes[i];

		if (change->action > USH_REMOVE)
			continue;
		if (change->action == USH_REMOVE && failed)
			break;
		if (done == fault->stop_after)
			return false;
		failed |= done == fault->fail_at || !carry_out(cluster, plan, change);
		done++;
	}
	if (failed || done == fault->stop_after)
		return false;
	if (plan->state_changed) {
		free(cluster->state);
		free(cluster->namespaces);
		cluster->state = ush_state_text(&plan->state);
		cluster->namespaces = ush_strdup(plan->state.namespaces);
	}
	return true;
}

/* ---- hands ---- */

static struct little_object *a_binding(struct little_cluster *cluster, unsigned int which)
{
	for (size_t i = 0; i < cluster->count; i++) {
		struct little_object *o = &cluster->items[(which + i) % cluster->count];

		if (o->kind == USH_ROLE_BINDING && !o->foreign)
			return o;
	}
	return NULL;
}

/* What groups are called stays, who they are goes. */
static void forget(json_t *annotations)
{
	const char *note = ush_json_string(annotations, "usher.dev/source-id");
	USH_AUTO_JSON origins = note != NULL ? json_loads(note, 0, NULL) : NULL;
	USH_AUTO_FREE char *text = NULL;
	json_t *origin;
	size_t i;

	json_array_foreach(origins, i, origin) {
		json_object_del(origin, "id");
		json_object_del(origin, "source");
		json_object_del(origin, "granted");
	}
	text = origins != NULL ? ush_json_canonical(origins) : NULL;
	if (text != NULL)
		json_object_set_new(annotations, "usher.dev/source-id", json_string(text));
}

/* A roleRef cannot be changed, so the binding is another one with the same name. */
static void other_role(struct little_object *o, json_t *object)
{
	json_t *ref = json_object_get(object, "roleRef");
	bool reader = strcmp(ush_json_string(ref, "name"), "reader") == 0;

	if (*o->role == '\0')
		copy_text(o->role, sizeof o->role, ush_json_string(ref, "name"));
	json_object_set_new(ref, "kind", json_string(reader ? "ClusterRole" : "Role"));
	json_object_set_new(ref, "name", json_string(little_roles[reader]));
}

static void edit(enum little_hand hand, json_t *object, const char *text)
{
	json_t *subjects = json_object_get(object, "subjects"), *metadata = json_object_get(object, "metadata");

	if (hand == LITTLE_ADD)
		json_array_append_new(subjects, json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "Group", "name", text));
	else if (hand == LITTLE_TAKE)
		json_array_remove(subjects, 0);
	else if (hand == LITTLE_UNLABEL)
		json_object_del(json_object_get(metadata, "labels"), "app.kubernetes.io/managed-by");
	else if (hand == LITTLE_SPOIL)
		json_object_set_new(json_object_get(metadata, "annotations"), "usher.dev/source-id", json_string("[what?"));
	else if (hand == LITTLE_UNRECORD)
		json_object_del(json_object_get(metadata, "annotations"), "usher.dev/source-id");
	else if (hand == LITTLE_FORGET)
		forget(json_object_get(metadata, "annotations"));
	else if (json_array_size(subjects) > 1) {
		json_t *first = json_incref(json_array_get(subjects, 0));

		json_array_remove(subjects, 0);
		json_array_append_new(subjects, first);
	}
}

bool little_hand(struct little_cluster *cluster, enum little_hand hand, unsigned int which, const char *text)
{
	struct little_object *o = cluster->count > 0 ? a_binding(cluster, which) : NULL;
	USH_AUTO_JSON object = o != NULL ? json_loads(o->body, 0, NULL) : NULL;

	if (object == NULL)
		return false;
	if (hand == LITTLE_DELETE) {
		little_remove(cluster, o);
		return true;
	}
	if (hand == LITTLE_ROLE) {
		other_role(o, object);
		o->uid = ++cluster->clock;
	} else {
		edit(hand, object, text);
	}
	free(o->body);
	o->body = ush_json_canonical(object);
	o->version = ++cluster->clock;
	o->foreign = hand == LITTLE_UNLABEL;
	note_accesses(o);
	return true;
}

/* ---- who has what ---- */

size_t little_access(const struct little_cluster *cluster, struct little_access *out, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < cluster->count; i++) {
		const struct little_object *o = &cluster->items[i];

		if (o->kind != USH_ROLE_BINDING || o->foreign)
			continue;
		LITTLE_MUST(count + o->access_count <= room, "too many accesses");
		memcpy(out + count, o->accesses, o->access_count * sizeof *out);
		count += o->access_count;
	}
	return count;
}
