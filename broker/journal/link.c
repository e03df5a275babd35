/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/journal/link.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/base/scrub.h"
#include "common/data/json.h"

#define HASH_OPENS  ",\"hash\":\""
#define HASH_CLOSES "\"}"
#define TAIL_LENGTH (strlen(HASH_OPENS) + 64 + strlen(HASH_CLOSES))
#define LINE_OPENS  "{\"event\":\""

static const char *const reserved[] = {"event", "sequence", "time", "previous", "hash"};

bool ush_link_is_hash(const char *text)
{
	return strspn(text, "0123456789abcdef") == 64 && text[64] == '\0';
}

/* Unix seconds as RFC 3339 says them. */
static json_t *moment(int64_t seconds)
{
	USH_AUTO_FREE char *text = ush_moment_stamp(seconds);

	return json_string(text);
}

/* Everything but hash, in the order in which a person reads it. */
static json_t *head_of(const char *event, int64_t sequence, const char *previous, int64_t time)
{
	return json_pack("{s:s, s:I, s:o, s:s}", "event", event, "sequence", (json_int_t)sequence, "time", moment(time),
			 "previous", previous);
}

/* What the run and the event say, without what every line says. */
static json_t *rest_of(const json_t *common, const json_t *members)
{
	json_t *rest = json_object();

	json_object_update(rest, (json_t *)(uintptr_t)common);
	json_object_update(rest, (json_t *)(uintptr_t)members);
	for (size_t i = 0; i < USH_COUNT(reserved); i++)
		json_object_del(rest, reserved[i]);
	return rest;
}

char *ush_link_line(const char *event, int64_t sequence, const char *previous, int64_t time, const json_t *common,
		    const json_t *members, char *hash)
{
	USH_AUTO_JSON head = head_of(event, sequence, previous, time);
	USH_AUTO_JSON rest = rest_of(common, members);
	USH_AUTO_FREE char *first = json_dumps(head, JSON_COMPACT | JSON_ENSURE_ASCII);
	USH_AUTO_FREE char *second = json_dumps(rest, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_SORT_KEYS);
	USH_AUTO_FREE char *raw = NULL, *scrubbed = NULL;
	const char *bytes;

	if (first == NULL || second == NULL)
		return NULL;
	first[strlen(first) - 1] = '\0'; /* of both together one object */
	second[strlen(second) - 1] = '\0';
	raw = ush_printf("%s%s%s", first, second[1] != '\0' ? "," : "", second + 1);
	scrubbed = ush_scrubbed_long(raw);
	bytes = scrubbed != NULL ? scrubbed : raw;
	ush_sha256_hex(bytes, strlen(bytes), hash);
	return ush_printf("%s" HASH_OPENS "%s" HASH_CLOSES, bytes, hash);
}

/* ---- reading ---- */

static bool copy_text(char *out, size_t size, const json_t *object, const char *key)
{
	const char *text = ush_json_string(object, key);

	if (text == NULL || strlen(text) >= size)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static const char *read_members(struct ush_link *link)
{
	const json_t *sequence = json_object_get(link->members, "sequence");

	if (!copy_text(link->event, sizeof link->event, link->members, "event"))
		return "names no event";
	if (!json_is_integer(sequence) || json_integer_value(sequence) < 1)
		return "has no number (sequence)";
	link->sequence = json_integer_value(sequence);
	if (!copy_text(link->previous, sizeof link->previous, link->members, "previous") ||
	    !ush_link_is_hash(link->previous))
		return "does not name the line before it (previous)";
	if (!copy_text(link->hash, sizeof link->hash, link->members, "hash") || !ush_link_is_hash(link->hash))
		return "has no hash";
	return NULL;
}

const char *ush_link_read(const char *line, size_t length, struct ush_link *link)
{
	struct ush_error ignored = {0};
	size_t covered = length > TAIL_LENGTH ? length - TAIL_LENGTH : 0;
	const char *wrong;
	char hash[65];

	*link = (struct ush_link){0};
	if (length > USH_LINK_MAX)
		return "is longer than a line of this log ever is";
	link->members = ush_json_parse(line, length, "", USH_ERR_REJECTED, &ignored);
	if (link->members == NULL)
		return "is no JSON";
	wrong = read_members(link);
	if (wrong != NULL)
		return wrong;
	if (covered == 0 || memcmp(line + covered, HASH_OPENS, strlen(HASH_OPENS)) != 0)
		return "does not end with its hash";
	ush_sha256_hex(line, covered, hash);
	return strcmp(hash, link->hash) == 0 ? NULL : "was changed: it does not have the hash that it names";
}

void ush_link_free(struct ush_link *link)
{
	json_decref(link->members);
	link->members = NULL;
}

bool ush_link_is_piece(const char *line, size_t length)
{
	size_t opens = length < strlen(LINE_OPENS) ? length : strlen(LINE_OPENS);

	return memcmp(line, LINE_OPENS, opens) == 0 && (length == 0 || line[length - 1] != '}');
}
