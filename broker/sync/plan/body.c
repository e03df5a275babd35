/* SPDX-License-Identifier: Apache-2.0
 *
 * The bodies of a plan: what a hundred thousand objects have in common is kept once, with two holes for what they have
 * not.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/plan/plan.h"
#include "broker/sync/want/texts.h"
#include "common/base/memory.h"
#include "common/data/json.h"

/* Keys are sorted, so in metadata these stand behind labels: name, namespace, resourceVersion, uid. */
#define HOLE_NAME      "\x01n"
#define HOLE_NAMESPACE "\x01s"
#define IN_TEXT(hole)  "\"\\u0001" hole "\"" /* as JSON writes it */

struct ush_body {
	char *text;
	size_t name, namespace_name, rest; /* where the holes are, and what is behind them */
	uint64_t hash;
	char digest[65];
};

/* Each hole is there once: what has such a text of its own could not be told from it. */
static bool cut(struct ush_body *body)
{
	const char *name = strstr(body->text, IN_TEXT("n")), *space = strstr(body->text, IN_TEXT("s"));

	if (name == NULL || space == NULL || space < name || strstr(name + 1, IN_TEXT("n")) != NULL || strstr(space + 1, IN_TEXT("s")) != NULL)
		return false;
	body->name = (size_t)(name - body->text);
	body->namespace_name = (size_t)(space - body->text);
	body->rest = body->namespace_name + strlen(IN_TEXT("s"));
	return true;
}

/* Two bodies are one when their texts are. */
static size_t slot(const struct ush_plan *plan, const struct ush_body *body)
{
	size_t at = (size_t)body->hash & (plan->body_table_size - 1);

	for (; plan->body_table[at] != 0; at = (at + 1) & (plan->body_table_size - 1)) {
		const struct ush_body *other = &plan->bodies[plan->body_table[at] - 1];

		if (other->hash == body->hash && strcmp(other->text, body->text) == 0)
			break;
	}
	return at;
}

static void grow(struct ush_plan *plan)
{
	free(plan->body_table);
	plan->body_table_size = plan->body_table_size == 0 ? 64 : 2 * plan->body_table_size;
	plan->body_table = ush_alloc(plan->body_table_size * sizeof *plan->body_table);
	for (size_t i = 0; i < plan->body_count; i++)
		plan->body_table[slot(plan, &plan->bodies[i])] = (uint32_t)i + 1;
}

static size_t keep(struct ush_plan *plan, struct ush_body *body)
{
	size_t at;

	if (2 * (plan->body_count + 1) > plan->body_table_size)
		grow(plan);
	body->hash = ush_texts_hash(body->text, strlen(body->text));
	at = slot(plan, body);
	if (plan->body_table[at] != 0) {
		free(body->text);
		return plan->body_table[at];
	}
	ush_sha256_hex(body->text, strlen(body->text), body->digest);
	USH_PUSH(plan->bodies, plan->body_count, *body);
	plan->body_table[at] = (uint32_t)plan->body_count;
	return plan->body_count;
}

const char *ush_plan_body_digest(const struct ush_plan *plan, size_t body)
{
	return body > 0 && body <= plan->body_count ? plan->bodies[body - 1].digest : NULL;
}

size_t ush_plan_body(struct ush_plan *plan, const json_t *object)
{
	USH_AUTO_JSON copy = NULL;
	json_t *metadata;
	struct ush_body body = {0};

	if (!json_is_object(object) || ush_json_object(object, "metadata") == NULL)
		return 0;
	copy = json_copy((json_t *)object);
	metadata = json_copy(json_object_get(object, "metadata"));
	json_object_set_new(copy, "metadata", metadata);
	json_object_set_new(metadata, "name", json_string(HOLE_NAME));
	json_object_set_new(metadata, "namespace", json_string(HOLE_NAMESPACE));
	body.text = ush_json_canonical(copy);
	if (body.text == NULL || !cut(&body)) {
		free(body.text);
		return 0;
	}
	return keep(plan, &body);
}

/* Names are plain letters but for those of hostile plans, so the long way is hardly ever gone. */
static int add_string(struct ush_buf *out, const char *text)
{
	USH_AUTO_FREE char *escaped = NULL;
	USH_AUTO_JSON value = NULL;

	if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_ ") == strlen(text))
		return ush_buf_printf(out, "\"%s\"", text);
	value = json_string(text);
	escaped = value != NULL ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
	return escaped != NULL ? ush_buf_puts(out, escaped) : -1;
}

static int put_together(const struct ush_plan *plan, size_t number, const char *name, const char *namespace_name, const struct ush_body_with *with,
			struct ush_buf *out)
{
	static const char *const keys[] = {",\"resourceVersion\":", ",\"uid\":"};
	const char *const values[] = {with != NULL ? with->resource_version : NULL, with != NULL ? with->uid : NULL};
	const struct ush_body *body;
	size_t behind;

	if (number == 0 || number > plan->body_count)
		return -1;
	body = &plan->bodies[number - 1];
	behind = body->name + strlen(IN_TEXT("n"));
	if (ush_buf_add(out, body->text, body->name) != 0 || add_string(out, with != NULL && with->name != NULL ? with->name : name) != 0 ||
	    ush_buf_add(out, body->text + behind, body->namespace_name - behind) != 0 || add_string(out, namespace_name) != 0)
		return -1;
	for (size_t i = 0; i < USH_COUNT(keys); i++)
		if (values[i] != NULL && (ush_buf_puts(out, keys[i]) != 0 || add_string(out, values[i]) != 0))
			return -1;
	return ush_buf_puts(out, body->text + body->rest);
}

int ush_change_body(const struct ush_plan *plan, const struct ush_change *change, const struct ush_body_with *with, struct ush_buf *out)
{
	return put_together(plan, change->body, change->name, change->namespace_name, with, out);
}

static json_t *value_of(const struct ush_plan *plan, size_t number, const char *name, const char *namespace_name, const struct ush_body_with *with)
{
	USH_AUTO_BUF text = {0};

	if (put_together(plan, number, name, namespace_name, with, &text) != 0)
		return NULL;
	return json_loadb(text.data, text.length, 0, NULL);
}

json_t *ush_change_object(const struct ush_plan *plan, const struct ush_change *change, const struct ush_body_with *with)
{
	return value_of(plan, change->body, change->name, change->namespace_name, with);
}

json_t *ush_object_json(const struct ush_plan *plan, const struct ush_object *object)
{
	return value_of(plan, object->body, object->name, object->namespace_name, NULL);
}

void ush_plan_bodies_free(struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->body_count; i++)
		free(plan->bodies[i].text);
	free(plan->bodies);
	free(plan->body_table);
}
