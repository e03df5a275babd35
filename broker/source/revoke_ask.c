/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/revoke_ask.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "broker/source/listing.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"
#include "common/net/http.h"

/* ---- asking ---- */

/* Dots between slashes lead elsewhere, encoded or not (RFC 3986 sections 5.2.4 and 6.2.2.2). */
static bool is_part(const char *text)
{
	return text != NULL && *text != '\0' && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

char *ush_revoke_target(struct ush_error *err, const char *format, ...)
{
	USH_AUTO_BUF target = {0};
	const char *brace, *text;
	bool good = true;
	va_list args;

	va_start(args, format);
	for (; (brace = strstr(format, "{}")) != NULL; format = brace + 2) {
		text = va_arg(args, const char *);
		good &= is_part(text);
		ush_buf_add(&target, format, (size_t)(brace - format));
		ush_url_encode(&target, text != NULL ? text : "");
	}
	va_end(args);
	ush_buf_puts(&target, format);
	if (good)
		return ush_buf_take(&target);
	ush_fail(err, USH_ERR_REJECTED, "an id is none: %.200s", target.data);
	return NULL;
}

int ush_revoke_get(struct ush_revoke *r, const char *target, const char *what, struct ush_api_answer *answer, struct ush_error *err)
{
	const struct ush_api_get get = {.target = target, .what = what, .allow404 = true};

	return target != NULL ? ush_api_get(&r->api, &get, answer, err) : -1;
}

bool ush_revoke_look(struct ush_revoke *r, const char *target, const char *what, struct ush_api_answer *answer)
{
	struct ush_error ignored = {0};

	return ush_revoke_get(r, target, what, answer, &ignored) == 0 && answer->status == 200;
}

int ush_revoke_write(struct ush_revoke *r, const char *method, const char *target, const char *what, struct ush_error *err)
{
	const struct ush_api_write write = {.method = method, .target = target, .what = what};
	USH_AUTO_API_ANSWER answer = {0};

	if (target == NULL)
		return -1;
	return r->dry ? 0 : ush_api_write(&r->api, &write, &answer, err);
}

/* ---- the person ---- */

bool ush_revoke_is(const struct ush_revoke *r, const json_t *person, const char *const *keys)
{
	for (; *keys != NULL; keys++) {
		USH_AUTO_FREE char *text = ush_listing_text(person, *keys);

		if (text != NULL && strcasecmp(text, r->person) == 0)
			return true;
	}
	return false;
}

int ush_revoke_found(struct ush_revoke *r, const json_t *person, const char *key, json_t **found, struct ush_error *err)
{
	USH_AUTO_FREE char *id = ush_listing_text(person, key);

	if (id == NULL)
		return ush_fail(err, USH_ERR_REJECTED, "%.100s: the provider's answer has no id", r->person);
	r->out->found = true;
	if (r->out->id == NULL) {
		r->out->id = ush_steal(&id);
		*found = json_incref((json_t *)person);
		return 0;
	}
	if (strcmp(r->out->id, id) == 0)
		return 0;
	r->out->ambiguous = true;
	r->out->ambiguous = true;
	ush_fail(err, USH_ERR_REFUSED, "%.100s is the name of two people there: %.80s and %.80s", r->person, r->out->id, id);
	return ush_hint(err, "Say which one by the id");
}

int ush_revoke_among(struct ush_revoke *r, const json_t *list, const char *const *keys, const char *id, json_t **found, struct ush_error *err)
{
	json_t *person;
	size_t i;

	if (!json_is_array(list))
		return ush_fail(err, USH_ERR_REJECTED, "%.100s: the provider's answer is no list of people", r->person);
	json_array_foreach(list, i, person)
		if (ush_revoke_is(r, person, keys) && ush_revoke_found(r, person, id, found, err) != 0)
			return -1;
	return 0;
}

static void add_once(struct ush_list *list, const char *text)
{
	if (text != NULL && *text != '\0' && !ush_list_has(list, text))
		ush_list_add(list, text);
}

void ush_revoke_name(struct ush_revoke *r, const char *name)
{
	add_once(&r->out->names, name);
}

void ush_revoke_group(struct ush_revoke *r, const char *id)
{
	add_once(&r->out->groups, id);
}

void ush_revoke_groups(struct ush_revoke *r, const char *format, const char *member)
{
	struct ush_error ignored = {0};
	USH_AUTO_FREE char *target = ush_revoke_target(&ignored, format, r->out->id);
	USH_AUTO_API_ANSWER answer = {0};
	const json_t *group;
	size_t i;

	if (!ush_revoke_look(r, target, "the person's groups", &answer))
		return;
	json_array_foreach(member != NULL ? json_object_get(answer.body, member) : answer.body, i, group)
		ush_revoke_group(r, ush_json_string(group, "id"));
}

const char *ush_revoke_called(const struct ush_policy_source *source)
{
	return ush_setting_row(source->kind, "peopleName") != NULL ? ush_source_text(source, "peopleName") : NULL;
}

void ush_revoke_names(struct ush_revoke *r, const json_t *person, const char *const *keys)
{
	const char *called = ush_revoke_called(r->source);

	for (; *keys != NULL; keys++) {
		USH_AUTO_FREE char *text = ush_listing_text(person, *keys);

		add_once(&r->out->names, text);
		if (called != NULL && r->out->called == NULL && strcmp(called, *keys) == 0)
			r->out->called = ush_strdup(text);
		if (r->out->name == NULL)
			r->out->name = ush_steal(&text);
	}
}

/* ---- what came of it ---- */

static void __attribute__((format(printf, 2, 0))) note(struct ush_list *list, const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof line, format, args);
	ush_list_add(list, line);
}

void ush_revoke_done(struct ush_revoke *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(&r->out->done, format, args);
	va_end(args);
}

void ush_revoke_left(struct ush_revoke *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(&r->out->left, format, args);
	va_end(args);
}

void ush_revoke_count(struct ush_revoke *r, size_t count, const char *one, const char *many)
{
	char number[32];

	if (count > 0)
		ush_revoke_done(r, "%s %s", ush_thousands(count, number, sizeof number), count == 1 ? one : many);
}
