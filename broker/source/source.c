/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/source.h"

#include <openssl/evp.h>
#include <search.h>
#include <stdarg.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/source/record.h"
#include "broker/source/source_check.h"
#include "common/base/memory.h"
#include "common/base/scrub.h"
#include "common/base/text.h"

static const struct ush_source_ops *const sources[] = {
	&ush_source_file, /* one row a kind */
	&ush_source_command,
	&ush_source_keycloak,
	&ush_source_ldap,
	&ush_source_okta,
	&ush_source_entra,
	&ush_source_google,
	&ush_source_github,
	&ush_source_gitlab,
	&ush_source_scim,
	&ush_source_authentik,
};

const struct ush_source_ops *ush_source_ops_of(const struct ush_policy_source *source)
{
	for (size_t i = 0; i < USH_COUNT(sources); i++)
		if (strcmp(sources[i]->type, source->kind->type) == 0)
			return sources[i];
	return NULL;
}

const char *ush_thousands(size_t number, char *out, size_t size)
{
	char digits[24];
	size_t length, used = 0;

	length = (size_t)snprintf(digits, sizeof digits, "%zu", number);
	for (size_t i = 0; i < length && used + 2 < size; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}

const char *ush_source_place(const char *url)
{
	const char *after = strstr(url, "://");

	return after != NULL ? after + 3 : url;
}

struct ush_group *ush_groups_add(struct ush_groups *groups, const char *id, const char *name, const char *path)
{
	struct ush_group group = {.id = ush_strdup(id), .name = ush_strdup(name), .path = ush_strdup(path)};

	group.members.names = ush_names_share(&groups->names);
	USH_PUSH(groups->items, groups->count, group);
	return &groups->items[groups->count - 1];
}

/* Takes out what is no UTF-8: names are cut to a length that may fall into a character. */
static void keep_whole_characters(char *text)
{
	char *to = text;
	unsigned int c;

	for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
		size_t whole = ush_text_code_point(text, left, &c);

		n = whole > 0 ? whole : 1;
		for (size_t i = 0; i < whole; i++)
			*to++ = text[i];
	}
	*to = '\0';
}

int ush_groups_incomplete(struct ush_groups *groups, const char *format, ...)
{
	char whole[4096], why[512];
	va_list args;

	va_start(args, format);
	vsnprintf(whole, sizeof whole, format, args);
	va_end(args);
	ush_scrub(whole, strlen(whole));
	snprintf(why, sizeof why, "%.*s", (int)sizeof why - 1, whole);
	keep_whole_characters(why);
	if (groups->why == NULL)
		groups->why = ush_strdup(why);
	return 0;
}

/* ---- sets of texts ---- */

static int in_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

bool ush_seen_add(void **set, const char *text)
{
	char *copy = ush_strdup(text);
	char **found = tsearch(copy, set, in_order);

	if (*found == copy)
		return true;
	free(copy);
	return false;
}

bool ush_seen_has(void *const *set, const char *text)
{
	return tfind(text, set, in_order) != NULL;
}

void ush_seen_free(void **set)
{
	tdestroy(*set, free);
	*set = NULL;
}

/* ---- whose members ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool named(const struct ush_list *refs, bool sorted, const char *text)
{
	if (!sorted)
		return ush_list_has(refs, text);
	return bsearch(&text, refs->items, refs->count, sizeof *refs->items, by_text) != NULL;
}

static bool matches(const struct ush_list *patterns, const struct ush_group *group)
{
	for (size_t i = 0; patterns != NULL && i < patterns->count; i++)
		if (ush_pattern_match(patterns->items[i], patterns->items[i][0] == '/' ? group->path : group->name, NULL))
			return true;
	return false;
}

bool ush_source_wants_members(const struct ush_source_question *question, const struct ush_group *group)
{
	const struct ush_list *refs = question->refs;

	if (question->no_members || !ush_source_takes(question->source, group))
		return false;
	if (question->all_members)
		return true;
	if (refs != NULL && refs->count > 0 &&
	    (named(refs, question->sorted, group->id) || named(refs, question->sorted, group->path) || (*group->name != '/' && named(refs, question->sorted, group->name))))
		return true;
	return matches(question->patterns, group);
}

/* ---- all of it ---- */

void ush_group_free(struct ush_group *group)
{
	free(group->id);
	free(group->name);
	free(group->path);
	ush_members_free(&group->members);
}

void ush_groups_free(struct ush_groups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		ush_group_free(&groups->items[i]);
	free(groups->items);
	ush_names_leave(groups->names);
	free(groups->where);
	free(groups->proof);
	free(groups->why);
	free(groups->advice);
	*groups = (struct ush_groups){0};
}

static int by_path(const void *a, const void *b)
{
	const struct ush_group *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order != 0 ? order : strcmp(x->id, y->id);
}

static void hash_text(EVP_MD_CTX *hash, const char *text)
{
	EVP_DigestUpdate(hash, text, strlen(text) + 1);
}

static void digest(struct ush_groups *groups)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	unsigned char sum[32] = {0};

	if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		abort(); /* an OpenSSL without SHA-256, or memory */
	for (size_t i = 0; i < groups->count; i++) {
		const struct ush_group *group = &groups->items[i];

		hash_text(hash, group->id);
		hash_text(hash, group->name);
		hash_text(hash, group->path);
		for (size_t j = 0; j < group->members.count; j++)
			hash_text(hash, group->members.items[j]);
		EVP_DigestUpdate(hash, "", 1); /* no member is empty */
	}
	EVP_DigestFinal_ex(hash, sum, NULL);
	EVP_MD_CTX_free(hash);
	for (size_t i = 0; i < sizeof sum; i++)
		snprintf(groups->digest + 2 * i, 3, "%02x", sum[i]);
}

static void count_people(struct ush_groups *groups)
{
	size_t all = 0, count = 0;
	USH_AUTO_FREE const char **names = NULL;

	for (size_t i = 0; i < groups->count; i++) {
		all += groups->items[i].members.count;
		groups->disabled += groups->items[i].disabled;
		groups->unresolvable += groups->items[i].unresolvable;
	}
	names = ush_alloc((all + 1) * sizeof *names);
	for (size_t i = 0; i < groups->count; i++)
		for (size_t j = 0; j < groups->items[i].members.count; j++)
			names[count++] = groups->items[i].members.items[j];
	qsort(names, count, sizeof *names, by_text);
	for (size_t i = 0; i < count; i++)
		groups->people += i == 0 || strcmp(names[i - 1], names[i]) != 0;
}

/* What holds for every kind. */
static void settle(const struct ush_source_question *question, struct ush_groups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		ush_members_sort(&groups->items[i].members);
	ush_source_canaries(question, groups);
	ush_source_leave_out(question->source, groups);
	if (groups->count > 0)
		qsort(groups->items, groups->count, sizeof *groups->items, by_path);
	count_people(groups);
	digest(groups);
	groups->complete = groups->why == NULL;
}

/* The source without what it keeps from reading to reading: a recording is whole by itself. Its array alone is a copy. */
static struct ush_policy_source without_memory(const struct ush_policy_source *source)
{
	static const char *const kept[] = {"deltaFile", "cacheFile"};
	struct ush_policy_source out = {.name = source->name, .kind = source->kind};
	bool forget;

	for (size_t i = 0; i < source->setting_count; i++) {
		forget = false;
		for (size_t j = 0; j < USH_COUNT(kept); j++)
			forget |= strcmp(source->settings[i].row->key, kept[j]) == 0;
		if (!forget)
			USH_PUSH(out.settings, out.setting_count, source->settings[i]);
	}
	return out;
}

int ush_source_read(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
		    struct ush_error *err)
{
	const struct ush_source_ops *ops = ush_source_ops_of(question->source);
	struct ush_policy_source source = without_memory(question->source);
	struct ush_source_question asked = *question;
	int64_t began = ush_boot_ms(world);
	struct ush_list refs = {0};
	int result;

	if (ops == NULL) {
		free(source.settings);
		return ush_fail(err, USH_ERR_CONFIG, "source %s: this usher-broker was built without %s", source.name, source.kind->type);
	}
	for (size_t i = 0; question->refs != NULL && i < question->refs->count; i++)
		ush_list_add(&refs, question->refs->items[i]);
	ush_list_sort(&refs);
	asked.refs = &refs;
	asked.sorted = true;
	*groups = (struct ush_groups){.where = ops->where(question->source)};
	if (ush_recorded(world)) {
		asked.source = &source;
		ush_recorder_begin(world->recorder, source.name);
	}
	result = ops->read(world, &asked, groups, err);
	if (result == 0)
		settle(&asked, groups);
	else
		ush_error_at(err, "source %s", question->source->name);
	free(source.settings);
	ush_list_free(&refs);
	groups->took_ms = ush_boot_ms(world) - began;
	return result;
}
