/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/etags.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"

#define ETAG_MAX 256

/* ---- the file ---- */

void ush_etags_open(struct ush_etags *etags, const char *path, const char *bound)
{
	USH_AUTO_JSON kept = NULL;

	*etags = (struct ush_etags){.cache = {.path = path}, .bound = ush_strdup(bound), .old = json_object(), .now = json_object()};
	kept = ush_cache_read(&etags->cache, bound);
	json_object_update(etags->old, kept);
}

void ush_etags_close(struct ush_etags *etags)
{
	for (size_t i = 0; i < etags->line_count; i++)
		free(etags->lines[i]);
	free(etags->lines);
	ush_cache_close(&etags->cache);
	free(etags->bound);
	json_decref(etags->old);
	json_decref(etags->now);
	*etags = (struct ush_etags){0};
}

void ush_etags_save(struct ush_etags *etags, struct ush_groups *groups)
{
	ush_cache_write(&etags->cache, etags->bound, etags->now);
	ush_cache_tell(&etags->cache, groups);
}

/* ---- one page ---- */

static const json_t *entry_of(const struct ush_etags *etags, const char *target)
{
	const json_t *entry = json_object_get(etags->now, target);

	return entry != NULL ? entry : json_object_get(etags->old, target);
}

const char *const *ush_etags_extra(struct ush_etags *etags, const char *target)
{
	const char *match = ush_json_string(entry_of(etags, target), "match"), **lines;

	if (match == NULL || strncmp(match, "If-None-Match: ", 15) != 0)
		return NULL;
	lines = ush_alloc(2 * sizeof *lines);
	lines[0] = match;
	USH_PUSH(etags->lines, etags->line_count, lines);
	return lines;
}

static void keep(struct ush_etags *etags, const char *target, json_t *body, const char *etag, const char *next)
{
	USH_AUTO_FREE char *match = NULL;
	json_t *entry;

	match = etag != NULL && strlen(etag) < ETAG_MAX ? ush_printf("If-None-Match: %s", etag) : ush_strdup("");
	entry = json_pack("{s:s, s:O}", "match", match, "body", body);
	if (entry == NULL) /* an ETag that is no UTF-8 */
		entry = json_pack("{s:s, s:O}", "match", "", "body", body);
	if (next != NULL)
		json_object_set_new(entry, "next", json_string(next));
	json_object_set_new(etags->now, target, entry);
}

const json_t *ush_etags_take(struct ush_etags *etags, const char *target, struct ush_api_answer *answer, char **next)
{
	const json_t *entry = entry_of(etags, target), *body;

	if (answer->status != 304) {
		*next = ush_api_link_next(&answer->response);
		keep(etags, target, answer->body, ush_http_header(&answer->response, "ETag"), *next);
		return answer->body;
	}
	body = json_object_get(entry, "body");
	if (body == NULL)
		return NULL;
	*next = ush_strdup(ush_json_string(entry, "next"));
	if (json_object_get(etags->now, target) == NULL)
		json_object_set(etags->now, target, (json_t *)entry);
	return body;
}
