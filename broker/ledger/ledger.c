/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/ledger/ledger.h"

#include <glib.h>
#include <string.h>
#include <time.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/base/search.h"
#include "common/base/text.h"
#include "common/kube/way.h"

const char *ush_ledger_kind_name(enum ush_ledger_kind kind)
{
	static const char *const names[] = {[USH_LEDGER_USER] = "user", [USH_LEDGER_GROUP] = "group", [USH_LEDGER_NAMESPACE] = "namespace",
					    [USH_LEDGER_ELEVATED] = "elevated"};

	return names[kind];
}

/* ---- entries ---- */

static int order(const struct ush_ledger_entry *a, const struct ush_ledger_entry *b)
{
	int by = (int)a->kind - (int)b->kind;

	if (by == 0)
		by = strcmp(a->name, b->name);
	return by != 0 ? by : strcmp(a->key, b->key);
}

static size_t length(const char *text)
{
	return text != NULL ? strlen(text) : 0;
}

/* About what it takes as text. */
static size_t weight(const struct ush_ledger_entry *e)
{
	size_t sum = length(e->name) + length(e->source) + length(e->id) + length(e->by) + length(e->reason) + length(e->ticket) + length(e->subject) +
		     length(e->role) + length(e->namespace_name) + length(e->binding) + length(e->seal);

	for (size_t i = 0; i < e->spellings.count; i++)
		sum += length(e->spellings.items[i]) + 3;
	return sum + 256;
}

static size_t place(const struct ush_ledger *ledger, const struct ush_ledger_entry *entry)
{
	return USH_FIRST_NOT(i, 0, ledger->count, order(&ledger->items[i], entry) < 0);
}

struct ush_ledger_entry *ush_ledger_find(const struct ush_ledger *ledger, const char *key)
{
	for (size_t i = 0; i < ledger->count; i++)
		if (strcmp(ledger->items[i].key, key) == 0)
			return &ledger->items[i];
	return NULL;
}

static bool has_room(const struct ush_ledger *ledger, const struct ush_ledger_entry *entry, const struct ush_ledger_entry *old)
{
	size_t sum = weight(entry), count = 1, elevated = weight(entry), elevations = 1;
	bool shares = entry->kind == USH_LEDGER_ELEVATED && entry->seal == NULL;

	for (size_t i = 0; i < ledger->count; i++) {
		const struct ush_ledger_entry *e = &ledger->items[i];

		if (e == old)
			continue;
		sum += weight(e);
		count++;
		if (e->kind == USH_LEDGER_ELEVATED) {
			elevated += weight(e);
			elevations++;
		}
	}
	return count <= USH_LEDGER_MAX && sum <= USH_LEDGER_TEXT_MAX &&
	       (!shares || (elevations <= USH_LEDGER_MAX / USH_LEDGER_SHARE && elevated <= USH_LEDGER_TEXT_MAX / USH_LEDGER_SHARE));
}

bool ush_ledger_add(struct ush_ledger *ledger, struct ush_ledger_entry *entry)
{
	const struct ush_ledger_entry *old = ush_ledger_find(ledger, entry->key);
	size_t at;

	if (!has_room(ledger, entry, old))
		return false;
	if (old != NULL)
		ush_ledger_drop(ledger, entry->key);
	at = place(ledger, entry);
	ledger->items = ush_resize(ledger->items, (ledger->count + 1) * sizeof *ledger->items);
	memmove(ledger->items + at + 1, ledger->items + at, (ledger->count - at) * sizeof *ledger->items);
	ledger->items[at] = *entry;
	ledger->count++;
	*entry = (struct ush_ledger_entry){0};
	return true;
}

bool ush_ledger_drop(struct ush_ledger *ledger, const char *key)
{
	struct ush_ledger_entry *entry = ush_ledger_find(ledger, key);

	if (entry == NULL)
		return false;
	ush_ledger_entry_free(entry);
	memmove(entry, entry + 1, (size_t)(ledger->items + ledger->count - (entry + 1)) * sizeof *entry);
	ledger->count--;
	return true;
}

void ush_ledger_entry_free(struct ush_ledger_entry *entry)
{
	char *const owned[] = {entry->key,    entry->name,   entry->source, entry->id,		   entry->by,	   entry->reason,
			       entry->ticket, entry->subject, entry->role,   entry->namespace_name, entry->binding, entry->seal};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
	ush_list_free(&entry->spellings);
	*entry = (struct ush_ledger_entry){0};
}

void ush_ledger_entry_copy(struct ush_ledger_entry *to, const struct ush_ledger_entry *from)
{
	char **const texts[] = {&to->key,    &to->name,	   &to->source, &to->id,	     &to->by,	   &to->reason,
				&to->ticket, &to->subject, &to->role,	&to->namespace_name, &to->binding, &to->seal};

	*to = *from;
	to->spellings = (struct ush_list){0};
	for (size_t i = 0; i < USH_COUNT(texts); i++)
		*texts[i] = ush_strdup(*texts[i]);
	for (size_t i = 0; i < from->spellings.count; i++)
		ush_list_add(&to->spellings, from->spellings.items[i]);
}

void ush_ledger_free(struct ush_ledger *ledger)
{
	for (size_t i = 0; i < ledger->count; i++)
		ush_ledger_entry_free(&ledger->items[i]);
	free(ledger->items);
	free(ledger->uid);
	*ledger = (struct ush_ledger){0};
}

/* ---- who stays out ---- */

/* Canonical caseless matching (Unicode 3.13, D145), as near as one pass before and one after come to it. */
char *ush_ledger_folded(const char *text)
{
	USH_AUTO_FREE char *apart = NULL, *folded = NULL;

	if (g_str_is_ascii(text) || !ush_text_is_utf8(text, strlen(text)))
		return g_ascii_strdown(text, -1);
	apart = g_utf8_normalize(text, -1, G_NORMALIZE_DEFAULT);
	folded = apart != NULL ? g_utf8_casefold(apart, -1) : NULL;
	return folded != NULL ? g_utf8_normalize(folded, -1, G_NORMALIZE_DEFAULT) : g_ascii_strdown(text, -1);
}

/* folded: of text. Nothing is asked of memory for plain letters, of which there may be ten thousand spellings. */
static bool alike(const char *spelling, const char *text, const char *folded)
{
	USH_AUTO_FREE char *its = NULL;

	if (g_str_is_ascii(spelling) && g_str_is_ascii(text))
		return g_ascii_strcasecmp(spelling, text) == 0;
	its = ush_ledger_folded(spelling);
	return strcmp(its, folded) == 0;
}

const struct ush_ledger_entry *ush_ledger_bars_user(const struct ush_ledger *ledger, const char *text)
{
	USH_AUTO_FREE char *folded = ush_ledger_folded(text);

	for (size_t i = 0; i < ledger->count && ledger->items[i].kind == USH_LEDGER_USER; i++)
		for (size_t j = 0; j < ledger->items[i].spellings.count; j++)
			if (alike(ledger->items[i].spellings.items[j], text, folded))
				return &ledger->items[i];
	return NULL;
}

const struct ush_ledger_entry *ush_ledger_bars_person(const struct ush_ledger *ledger, const char *prefix, const char *text)
{
	const struct ush_ledger_entry *bar = ush_ledger_bars_user(ledger, text);
	size_t length = prefix != NULL ? strlen(prefix) : 0;

	if (bar == NULL && length > 0 && strncmp(text, prefix, length) == 0)
		bar = ush_ledger_bars_user(ledger, text + length);
	return bar;
}

static bool is_group(const struct ush_ledger_entry *e, const char *source, const char *id, const char *text)
{
	if (e->id != NULL && id != NULL && source != NULL && e->source != NULL && strcmp(e->source, source) == 0 && strcmp(e->id, id) == 0)
		return true;
	for (size_t i = 0; text != NULL && i < e->spellings.count; i++)
		if (strcmp(e->spellings.items[i], text) == 0)
			return true;
	return false;
}

const struct ush_ledger_entry *ush_ledger_bars_group(const struct ush_ledger *ledger, const char *source, const char *id, const char *text)
{
	for (size_t i = 0; i < ledger->count && ledger->items[i].kind <= USH_LEDGER_GROUP; i++)
		if (ledger->items[i].kind == USH_LEDGER_GROUP && is_group(&ledger->items[i], source, id, text))
			return &ledger->items[i];
	return NULL;
}

const struct ush_ledger_entry *ush_ledger_bars_namespace(const struct ush_ledger *ledger, const char *name)
{
	for (size_t i = 0; i < ledger->count && ledger->items[i].kind <= USH_LEDGER_NAMESPACE; i++)
		if (ledger->items[i].kind == USH_LEDGER_NAMESPACE && strcmp(ledger->items[i].name, name) == 0)
			return &ledger->items[i];
	return NULL;
}

const struct ush_ledger_entry *ush_ledger_bars_elevation(const struct ush_ledger *ledger, const char *prefix, const struct ush_ledger_entry *elevation)
{
	const struct ush_ledger_entry *bar = elevation->group ? ush_ledger_bars_group(ledger, elevation->source, elevation->id, elevation->subject)
							      : ush_ledger_bars_person(ledger, prefix, elevation->subject);

	return bar != NULL ? bar : ush_ledger_bars_namespace(ledger, elevation->namespace_name);
}

/* ---- names and words ---- */

char *ush_ledger_name(const char *policy)
{
	return strcmp(policy, "default") == 0 ? ush_strdup("usher-broker-ledger") : ush_printf("usher-broker-ledger-%s", policy);
}

char *ush_ledger_key(const struct ush_ledger *ledger, const struct ush_ledger_entry *entry, uint64_t salt)
{
	USH_AUTO_FREE char *all = NULL;
	char hex[65];

	do {
		free(all);
		all = ush_printf("%d\n%s\n%lld\n%s\n%s\n%s\n%llx", (int)entry->kind, entry->name, (long long)entry->since, entry->by, entry->role != NULL ? entry->role : "",
				 entry->namespace_name != NULL ? entry->namespace_name : "", (unsigned long long)salt++);
		ush_sha256_hex(all, strlen(all), hex);
		hex[8] = '\0';
	} while (ush_ledger_find(ledger, hex) != NULL);
	return ush_strdup(hex);
}

char *ush_ledger_words(const struct ush_ledger_entry *entry, const struct ush_way *way)
{
	USH_AUTO_FREE char *command = ush_way_broker(way, "readmit --key %s --reason TEXT", entry->key);
	char day[32];
	struct tm tm;

	gmtime_r(&(time_t){entry->since}, &tm);
	strftime(day, sizeof day, "%Y-%m-%d", &tm);
	return ush_printf("denied since %s by %s: %s; %s", day, entry->by, entry->reason, command);
}
