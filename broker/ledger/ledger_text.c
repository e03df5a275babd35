/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger as text, and back: what reads differently from what would be written again is no ledger.
 */
#include <stddef.h>
#include <string.h>

#include "broker/ledger/ledger.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define VERSION 1

enum need { ALWAYS, SOMETIMES, ELEVATED, ELEVATED_SOMETIMES };

static const struct {
	const char *key;
	size_t at;
	enum need need;
} texts[] = {
	{"key", offsetof(struct ush_ledger_entry, key), ALWAYS},
	{"name", offsetof(struct ush_ledger_entry, name), ALWAYS},
	{"by", offsetof(struct ush_ledger_entry, by), ALWAYS},
	{"reason", offsetof(struct ush_ledger_entry, reason), ALWAYS},
	{"ticket", offsetof(struct ush_ledger_entry, ticket), SOMETIMES},
	{"source", offsetof(struct ush_ledger_entry, source), SOMETIMES},
	{"id", offsetof(struct ush_ledger_entry, id), SOMETIMES},
	{"subject", offsetof(struct ush_ledger_entry, subject), ELEVATED},
	{"role", offsetof(struct ush_ledger_entry, role), ELEVATED},
	{"namespace", offsetof(struct ush_ledger_entry, namespace_name), ELEVATED},
	{"binding", offsetof(struct ush_ledger_entry, binding), ELEVATED},
	{"seal", offsetof(struct ush_ledger_entry, seal), ELEVATED_SOMETIMES},
};

static char **text_of(const struct ush_ledger_entry *entry, size_t i)
{
	return (char **)((char *)entry + texts[i].at);
}

static json_t *entry_json(const struct ush_ledger_entry *e)
{
	json_t *item = json_pack("{s:s, s:I}", "kind", ush_ledger_kind_name(e->kind), "since", (json_int_t)e->since);
	json_t *spellings = json_array();

	for (size_t i = 0; i < USH_COUNT(texts); i++)
		if (*text_of(e, i) != NULL && (texts[i].need < ELEVATED || e->kind == USH_LEDGER_ELEVATED))
			json_object_set_new(item, texts[i].key, json_string(*text_of(e, i)));
	for (size_t i = 0; i < e->spellings.count; i++)
		json_array_append_new(spellings, json_string(e->spellings.items[i]));
	if (json_array_size(spellings) > 0)
		json_object_set(item, "spellings", spellings);
	json_decref(spellings);
	if (e->until != 0)
		json_object_set_new(item, "until", json_integer(e->until));
	if (e->kind == USH_LEDGER_ELEVATED && e->group)
		json_object_set_new(item, "group", json_true());
	if (e->kind == USH_LEDGER_ELEVATED && e->ended)
		json_object_set_new(item, "ended", json_true());
	if (e->kind == USH_LEDGER_ELEVATED && e->reviewed)
		json_object_set_new(item, "reviewed", json_true());
	return item;
}

char *ush_ledger_text(const struct ush_ledger *ledger)
{
	USH_AUTO_JSON top = json_pack("{s:i, s:[]}", "version", VERSION, "entries");

	for (size_t i = 0; i < ledger->count; i++)
		json_array_append_new(json_object_get(top, "entries"), entry_json(&ledger->items[i]));
	return ush_json_canonical(top);
}

/* ---- reading ---- */

static bool read_kind(struct ush_ledger_entry *entry, const char *text)
{
	for (int i = USH_LEDGER_USER; text != NULL && i <= USH_LEDGER_ELEVATED; i++)
		if (strcmp(ush_ledger_kind_name((enum ush_ledger_kind)i), text) == 0) {
			entry->kind = (enum ush_ledger_kind)i;
			return true;
		}
	return false;
}

static bool is_key(const char *text)
{
	return strlen(text) == 8 && strspn(text, "0123456789abcdef") == 8;
}

/* Enough for what the kind is for. */
static bool is_whole(const struct ush_ledger_entry *e)
{
	for (size_t i = 0; i < USH_COUNT(texts); i++) {
		const char *text = *text_of(e, i);
		bool needed = texts[i].need == ALWAYS || (texts[i].need == ELEVATED && e->kind == USH_LEDGER_ELEVATED);

		if (needed && (text == NULL || *text == '\0'))
			return false;
	}
	if (!is_key(e->key) || e->since < 0 || e->until < 0)
		return false;
	if (e->kind == USH_LEDGER_ELEVATED)
		return e->until > 0;
	return e->kind == USH_LEDGER_NAMESPACE || e->spellings.count > 0 || (e->kind == USH_LEDGER_GROUP && e->source != NULL && e->id != NULL);
}

static bool read_entry(struct ush_ledger_entry *entry, const json_t *item)
{
	USH_AUTO_JSON again = NULL;
	const json_t *text;
	size_t i;

	if (!read_kind(entry, ush_json_string(item, "kind")))
		return false;
	for (i = 0; i < USH_COUNT(texts); i++)
		*text_of(entry, i) = ush_strdup(ush_json_string(item, texts[i].key));
	json_array_foreach(ush_json_array(item, "spellings"), i, text)
		if (json_is_string(text))
			ush_list_add(&entry->spellings, json_string_value(text));
	entry->since = json_integer_value(json_object_get(item, "since"));
	entry->until = json_integer_value(json_object_get(item, "until"));
	entry->group = json_is_true(json_object_get(item, "group"));
	entry->ended = json_is_true(json_object_get(item, "ended"));
	entry->reviewed = json_is_true(json_object_get(item, "reviewed"));
	if (!is_whole(entry))
		return false;
	again = entry_json(entry);
	return json_equal(again, item) == 1;
}

static bool in_order(const struct ush_ledger_entry *a, const struct ush_ledger_entry *b)
{
	int by = (int)a->kind - (int)b->kind;

	if (by == 0)
		by = strcmp(a->name, b->name);
	return by != 0 ? by < 0 : strcmp(a->key, b->key) < 0;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool keys_differ(const struct ush_ledger *ledger)
{
	USH_AUTO_FREE const char **keys = ush_alloc((ledger->count + 1) * sizeof *keys);

	for (size_t i = 0; i < ledger->count; i++)
		keys[i] = ledger->items[i].key;
	qsort(keys, ledger->count, sizeof *keys, by_key);
	for (size_t i = 1; i < ledger->count; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return false;
	return true;
}

int ush_ledger_read(struct ush_ledger *ledger, const char *text, const char *where, struct ush_error *err)
{
	USH_AUTO_JSON top = ush_json_parse(text, strlen(text), where, USH_ERR_STORE, err);
	USH_AUTO_LEDGER made = {0};
	const json_t *list = ush_json_array(top, "entries"), *item;
	size_t i;

	if (top == NULL)
		return -1;
	if (!json_is_object(top) || json_object_size(top) != 2 || list == NULL || json_integer_value(json_object_get(top, "version")) != VERSION)
		return ush_fail(err, USH_ERR_STORE, "%s: is no ledger that this usher-broker knows", where);
	if (json_array_size(list) > USH_LEDGER_MAX)
		return ush_fail(err, USH_ERR_STORE, "%s: holds more entries than usher-broker writes", where);
	made.items = ush_alloc((json_array_size(list) + 1) * sizeof *made.items);
	json_array_foreach(list, i, item) {
		made.count = i + 1;
		if (!read_entry(&made.items[i], item))
			return ush_fail(err, USH_ERR_STORE, "%s: entries[%zu] is malformed, or a later usher-broker wrote it", where, i);
		if (i > 0 && !in_order(&made.items[i - 1], &made.items[i]))
			return ush_fail(err, USH_ERR_STORE, "%s: entries[%zu] is not in its place", where, i);
	}
	if (!keys_differ(&made))
		return ush_fail(err, USH_ERR_STORE, "%s: two entries have one key", where);
	*ledger = made;
	made = (struct ush_ledger){0};
	return 0;
}
