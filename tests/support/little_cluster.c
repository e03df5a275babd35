/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/little_cluster.h"

#include <string.h>

#include "broker/sync/want/texts.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static void copy_text(char *out, size_t size, const char *text)
{
	size_t length = text != NULL ? strnlen(text, size - 1) : 0;

	memmove(out, text != NULL ? text : "", length);
	out[length] = '\0';
}

const char *little_sources[2] = {"main", "side"};
const char *const little_roles[2] = {"reader", "edit"};

static int source_named(const char *name)
{
	for (int i = 0; i < 2; i++)
		if (strcmp(little_sources[i], name) == 0)
			return i;
	return LITTLE_NO_SOURCE;
}

static void take_origin(struct little_access *a, const struct ush_origins *origins)
{
	const struct ush_origin *origin = ush_origins_find(origins, a->text);

	a->unknown = origins->count == 0;
	if (origin == NULL)
		return;
	copy_text(a->id, sizeof a->id, origin->id);
	copy_text(a->granted, sizeof a->granted, origin->granted);
	a->unknown = *a->id == '\0';
	a->source = *a->id == '\0' ? -1 : source_named(origin->source);
	for (size_t i = 0; i < origins->count; i++)
		if (strcmp(origins->items[i].text, a->text) == 0 && origins->items[i].id != NULL && strcmp(origins->items[i].id, a->id) != 0)
			copy_text(a->also, sizeof a->also, origins->items[i].id);
	if (a->source != LITTLE_NO_SOURCE)
		return;
	a->unknown = true; /* whoever that was */
	*a->id = *a->granted = '\0';
}

static void read_accesses(struct little_object *o)
{
	USH_AUTO_JSON object = json_loads(o->body, 0, NULL);
	const char *note = ush_json_string(json_object_get(json_object_get(object, "metadata"), "annotations"), "usher.dev/source-id");
	USH_AUTO_ORIGINS origins = {0};
	const json_t *subject;
	size_t i;

	if (note != NULL && ush_origins_read(&origins, note) != 0)
		ush_origins_free(&origins);
	o->access_count = 0;
	json_array_foreach(json_object_get(object, "subjects"), i, subject) {
		struct little_access *a = &o->accesses[o->access_count++];

		LITTLE_MUST(o->access_count <= LITTLE_SUBJECTS, "too many accesses");
		*a = (struct little_access){.source = -1};
		copy_text(a->space, sizeof a->space, o->space);
		copy_text(a->role, sizeof a->role, ush_json_string(json_object_get(object, "roleRef"), "name"));
		copy_text(a->refers, sizeof a->refers, a->role);
		copy_text(a->text, sizeof a->text, ush_json_string(subject, "name"));
		take_origin(a, &origins);
	}
}

#define READ 4096

/* By which names the sources have. */
static void forget_read(struct little_object *cache)
{
	for (size_t i = 0; i < READ; i++) {
		free(cache[i].body);
		cache[i].body = NULL;
	}
}

/* After its body changed. The same bodies come again and again: each is read once. */
static void note_accesses(struct little_object *o)
{
	static struct little_object cache[READ];
	static const char *named;
	struct little_object *read = &cache[ush_texts_hash(o->body, strlen(o->body)) % READ];

	if (named != little_sources[0])
		forget_read(cache);
	named = little_sources[0];
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

/* A binding that takes somebody in and another one out is first made to hold both. */
static void add_old(const struct little_object *o, struct ush_buf *body)
{
	USH_AUTO_JSON new = json_loads(body->data, 0, NULL);
	USH_AUTO_JSON old = json_loads(o->body, 0, NULL);
	USH_AUTO_FREE char *text = NULL;
	json_t *list = json_object_get(new, "subjects"), *subject, *other;
	size_t i, j;

	json_array_foreach(json_object_get(old, "subjects"), i, subject) {
		json_array_foreach(list, j, other)
			if (json_equal(other, subject))
				break;
		if (j == json_array_size(list))
			json_array_append(list, subject);
	}
	text = ush_json_canonical(new);
	body->length = 0;
	ush_buf_puts(body, text);
}

/* What gives comes first, what takes after, and where something failed nothing is taken. */
enum step { ROLES, GIVE, HALFWAY, TURN, TAKE, REMOVE, OLD_ROLES, STEPS };

static bool is_of(const struct ush_change *change, enum step step)
{
	if (change->action > USH_REMOVE)
		return false;
	if (change->kind == USH_ROLE)
		return step == (change->action == USH_REMOVE ? OLD_ROLES : ROLES);
	if (change->action == USH_REMOVE)
		return step == REMOVE;
	if (change->action == USH_REPLACE)
		return step == TURN;
	if (change->removed_count == 0)
		return step == GIVE;
	return change->added_count == 0 ? step == TAKE : step == HALFWAY || step == TURN;
}

static bool carry_out(struct little_cluster *cluster, const struct ush_plan *plan, const struct ush_change *change, enum step step)
{
	struct little_object *o = little_find(cluster, change->kind, change->namespace_name, change->name);
	bool began = step == TURN && change->action == USH_CHANGE;
	USH_AUTO_BUF body = {0};

	if ((o != NULL) == (change->action == USH_CREATE) || (o != NULL && !began && !holds(o, change)))
		return false;
	if (change->action == USH_REMOVE) {
		little_remove(cluster, o);
		return true;
	}
	LITTLE_MUST(ush_change_body(plan, change, NULL, &body) == 0, "no body");
	if (step == HALFWAY)
		add_old(o, &body);
	if (change->action == USH_REPLACE) { /* made anew */
		little_remove(cluster, o);
		o = NULL;
	}
	little_put(cluster, change->kind, change->namespace_name, change->name, body.data);
	if (o != NULL)
		o->foreign = false; /* adopted, or ours anyway */
	return true;
}

static void take_step(struct little_cluster *cluster, const struct ush_plan *plan, const struct little_fault *fault, enum step step, size_t *done,
		      struct ush_list *failed)
{
	for (size_t i = 0; i < plan->change_count && *done != fault->stop_after; i++) {
		const struct ush_change *change = &plan->changes[i];

		if (!is_of(change, step) || (step > HALFWAY && ush_list_has(failed, change->namespace_name)))
			continue;
		if (*done == fault->fail_at || !carry_out(cluster, plan, change, step)) {
			ush_list_add(failed, change->namespace_name);
			ush_list_sort(failed);
		}
		++*done;
	}
}

static void keep_state(struct little_cluster *cluster, const struct ush_plan *plan)
{
	free(cluster->state);
	cluster->state = ush_state_text(&plan->state);
	cluster->noted = plan->state.ledger != NULL ? (unsigned int)strtoul(plan->state.ledger + 1, NULL, 10) : 0;
}

bool little_apply(struct little_cluster *cluster, struct ush_plan *plan, const struct little_fault *fault)
{
	struct ush_list failed = {0};
	size_t done = 0;
	bool whole;

	ush_plan_consent(plan, fault->confirm);
	if (plan->stones_changed && fault->stop_after > 0) /* noted before anything is taken */
		keep_state(cluster, plan);
	for (int step = ROLES; step < STEPS; step++)
		take_step(cluster, plan, fault, (enum step)step, &done, &failed);
	whole = failed.count == 0 && done != fault->stop_after;
	ush_list_free(&failed);
	if (whole && (plan->state_changed || plan->notes_ledger)) {
		keep_state(cluster, plan);
		free(cluster->namespaces);
		cluster->namespaces = ush_strdup(plan->state.namespaces);
	}
	return whole;
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
	USH_AUTO_ORIGINS origins = {0};
	USH_AUTO_FREE char *text = NULL;

	if (note == NULL || ush_origins_read(&origins, note) != 0)
		return;
	for (size_t i = 0; i < origins.count; i++) {
		char **const known[] = {&origins.items[i].id, &origins.items[i].source, &origins.items[i].granted};

		for (size_t j = 0; j < USH_COUNT(known); j++) {
			free(*known[j]);
			*known[j] = NULL;
		}
	}
	text = ush_origins_text(&origins);
	json_object_set_new(annotations, "usher.dev/source-id", json_string(text));
}

/* An entry that nobody but the hand knows of: for a name that is in it or is not, with an id that some group has or none. */
static void forge(json_t *annotations, const char *text, unsigned int which)
{
	const char *note = ush_json_string(annotations, "usher.dev/source-id");
	USH_AUTO_ORIGINS origins = {0}, all = {0};
	USH_AUTO_FREE char *id = ush_printf("i%u", which % 12 < 5 ? 1 + which % 12 : 64 + which % 12), *path = ush_printf("/%s", text + 5), *all_text = NULL;

	if (note != NULL && ush_origins_read(&origins, note) != 0)
		return;
	ush_origins_add(&all, &(struct ush_origin){(char *)text, (char *)little_sources[which / 12 % 2], id, (char *)text + 5, path, NULL});
	for (size_t i = 0; i < origins.count; i++)
		ush_origins_add(&all, &origins.items[i]);
	all_text = ush_origins_text(&all);
	json_object_set_new(annotations, "usher.dev/source-id", json_string(all_text));
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

static void edit(enum little_hand hand, json_t *object, const char *text, unsigned int which)
{
	json_t *subjects = json_object_get(object, "subjects"), *metadata = json_object_get(object, "metadata");

	if (hand == LITTLE_FORGE || hand == LITTLE_FORGE_BOTH)
		forge(json_object_get(metadata, "annotations"), text, which / 64);
	if (hand == LITTLE_FORGE)
		return;
	if (hand == LITTLE_ADD || hand == LITTLE_FORGE_BOTH)
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
		edit(hand, object, text, which);
	}
	free(o->body);
	o->body = ush_json_canonical(object);
	o->version = ++cluster->clock;
	o->foreign = hand == LITTLE_UNLABEL;
	note_accesses(o);
	return true;
}

/* ---- who has what ---- */

void little_rename_source(struct little_cluster *cluster, const char *name)
{
	little_sources[0] = name;
	for (size_t i = 0; i < cluster->count; i++)
		if (cluster->items[i].kind == USH_ROLE_BINDING)
			note_accesses(&cluster->items[i]);
}

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
