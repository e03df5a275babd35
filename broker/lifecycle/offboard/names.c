/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/lifecycle/offboard/names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "broker/ledger/ledger.h"
#include "common/base/memory.h"

#define FOLD_MAX 1024 /* bytes of a name that is folded without asking for memory */
#define NEAR_BYTES 128

static bool is_ascii(const char *text)
{
	while (*text > 0)
		text++;
	return *text == '\0';
}

/* A-Z alone. */
static void fold(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

bool ush_name_is_system(const char *name)
{
	return strncasecmp(name, "system:", strlen("system:")) == 0;
}

/* ---- sorted lists ---- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, *(char *const *)b);
}

bool ush_list_holds(const struct ush_list *sorted, const char *text)
{
	return sorted->count > 0 && bsearch(text, sorted->items, sorted->count, sizeof *sorted->items, compare_texts) != NULL;
}

static bool holds_slice(const struct ush_list *sorted, struct ush_slice text, bool folded)
{
	char plain[FOLD_MAX + 1];
	USH_AUTO_FREE char *longer = NULL;
	char *at = plain;

	if (sorted->count == 0 || text.type != '"')
		return false;
	if (text.plain && text.length <= FOLD_MAX) {
		memcpy(plain, text.text, text.length);
		plain[text.length] = '\0';
	} else {
		at = longer = ush_slice_copy(text);
	}
	if (folded && !is_ascii(at)) { /* as the ledger compares */
		USH_AUTO_FREE char *other = ush_ledger_folded(at);

		return ush_list_holds(sorted, other);
	}
	if (folded)
		fold(at);
	return ush_list_holds(sorted, at);
}

bool ush_list_holds_slice(const struct ush_list *sorted, struct ush_slice text)
{
	return holds_slice(sorted, text, false);
}

/* ---- spellings ---- */

void ush_spellings_add_text(struct ush_spellings *spellings, const char *text)
{
	USH_AUTO_FREE char *folded = ush_ledger_folded(text);

	if (*text == '\0' || ush_name_is_system(text))
		return;
	ush_list_add(&spellings->told, text);
	ush_list_add(&spellings->folded, folded);
	ush_list_sort(&spellings->told);
	ush_list_sort(&spellings->folded);
}

char *ush_source_issuer(const struct ush_policy_source *source)
{
	const char *type = source->kind->type, *url = ush_setting_row(source->kind, "url") != NULL ? ush_source_text(source, "url") : NULL;

	if (strcmp(type, "keycloak") == 0)
		return ush_printf("%s/realms/%s", url, ush_source_text(source, "realm"));
	if (strcmp(type, "entra") == 0)
		return ush_printf("https://login.microsoftonline.com/%s/v2.0", ush_source_text(source, "tenant"));
	if (strcmp(type, "google") == 0)
		return ush_strdup("https://accounts.google.com");
	if (strcmp(type, "gitlab") == 0)
		return ush_strdup(url != NULL ? url : "https://gitlab.com");
	return strcmp(type, "okta") == 0 ? ush_strdup(url) : NULL;
}

/* What follows one of the beginnings, or NULL. */
static const char *behind(const char *name, const char *begin)
{
	size_t length = strlen(begin);

	return length > 0 && strncmp(name, begin, length) == 0 && name[length] != '\0' ? name + length : NULL;
}

const char *ush_spelling_bare(const struct ush_policy *policy, const char *name)
{
	const char *bare = behind(name, policy->user_prefix != NULL ? policy->user_prefix : "");

	for (size_t i = 0; bare == NULL && i < policy->source_count; i++) {
		USH_AUTO_FREE char *issuer = ush_source_issuer(&policy->sources[i]);
		USH_AUTO_FREE char *begin = issuer != NULL ? ush_printf("%s#", issuer) : NULL;

		bare = begin != NULL ? behind(name, begin) : NULL;
	}
	return bare != NULL ? bare : name;
}

void ush_spellings_said(struct ush_spellings *spellings, const struct ush_policy *policy, const char *name)
{
	USH_AUTO_FREE char *prefixed = ush_printf("%s%s", policy->user_prefix != NULL ? policy->user_prefix : "", name);

	if (*name == '\0' || ush_name_is_system(name))
		return;
	ush_spellings_add_text(spellings, name);
	ush_spellings_add_text(spellings, prefixed);
	for (size_t i = 0; i < policy->source_count; i++) {
		USH_AUTO_FREE char *issuer = ush_source_issuer(&policy->sources[i]);
		USH_AUTO_FREE char *text = issuer != NULL ? ush_printf("%s#%s", issuer, name) : NULL;

		if (text != NULL)
			ush_spellings_add_text(spellings, text);
	}
}

void ush_spellings_add(struct ush_spellings *spellings, const struct ush_policy *policy, const char *name)
{
	if (!ush_name_is_system(name))
		ush_spellings_said(spellings, policy, ush_spelling_bare(policy, name));
}

void ush_spellings_free(struct ush_spellings *spellings)
{
	ush_list_free(&spellings->told);
	ush_list_free(&spellings->folded);
}

bool ush_spellings_have(const struct ush_spellings *spellings, const char *text)
{
	return holds_slice(&spellings->folded, ush_slice_of(text), true);
}

bool ush_spellings_have_slice(const struct ush_spellings *spellings, struct ush_slice text)
{
	return holds_slice(&spellings->folded, text, true);
}

/* ---- who was meant ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be put in, left out or replaced (Levenshtein); SIZE_MAX for what is too long to be meant. */
static size_t distance(const char *a, const char *b, size_t length)
{
	size_t row[NEAR_BYTES + 1], n = strlen(a);

	if (n > NEAR_BYTES || length > NEAR_BYTES)
		return SIZE_MAX;
	for (size_t i = 0; i <= n; i++)
		row[i] = i;
	for (size_t j = 1; j <= length; j++) {
		size_t corner = row[0];

		row[0] = j;
		for (size_t i = 1; i <= n; i++) {
			size_t above = row[i];

			row[i] = least(least(row[i - 1], above) + 1, corner + (a[i - 1] != b[j - 1]));
			corner = above;
		}
	}
	return row[n];
}

void ush_near_offer(struct ush_near *near, const char *candidate)
{
	const char *bare = near->prefix != NULL ? behind(candidate, near->prefix) : NULL;
	USH_AUTO_FREE char *wanted = ush_strdup(near->wanted), *other = ush_strdup(bare != NULL ? bare : candidate);
	size_t place = near->count, d;
	const char *at;

	fold(wanted);
	fold(other);
	at = strchr(other, '@');
	d = distance(wanted, other, strlen(other));
	if (at != NULL && strchr(wanted, '@') == NULL)
		d = least(d, distance(wanted, other, (size_t)(at - other)));
	if (strcmp(wanted, other) == 0 || d > 1 + strlen(wanted) / 5)
		return;
	for (size_t i = 0; i < near->count; i++)
		if (strcasecmp(near->names[i], bare != NULL ? bare : candidate) == 0)
			return;
	while (place > 0 && near->distances[place - 1] > d)
		place--;
	if (place == USH_NEAR_MAX)
		return;
	if (near->count == USH_NEAR_MAX)
		free(near->names[--near->count]);
	memmove(near->names + place + 1, near->names + place, (near->count - place) * sizeof *near->names);
	memmove(near->distances + place + 1, near->distances + place, (near->count - place) * sizeof *near->distances);
	near->names[place] = ush_strdup(bare != NULL ? bare : candidate);
	near->distances[place] = d;
	near->count++;
}

char *ush_near_text(const struct ush_near *near)
{
	struct ush_buf out = {0};

	for (size_t i = 0; i < near->count; i++)
		ush_buf_printf(&out, "%s%s", i == 0 ? " (did you mean " : i + 1 == near->count ? " or " : ", ", near->names[i]);
	ush_buf_puts(&out, near->count > 0 ? "?)" : "");
	return ush_buf_take(&out);
}

void ush_near_free(struct ush_near *near)
{
	for (size_t i = 0; i < near->count; i++)
		free(near->names[i]);
	near->count = 0;
}
