/* SPDX-License-Identifier: Apache-2.0
 *
 * The quick ways among many (patterns and texts, selectors and namespaces, grants, groups and places) against the plain
 * ones, on random input.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/policy/lexicon.h"
#include "broker/policy/selectors.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

static uint64_t seed;

static size_t below(size_t limit)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)(seed >> 33) % limit;
}

/* "ab-a/b..." of words from a small alphabet, so that much is alike. */
static char *some_text(bool path)
{
	static const char *const words[] = {"a", "b", "ab", "ba", "team", "dev", "x1", "prod", "kube", "aab"};
	USH_AUTO_BUF out = {0};
	size_t count = 1 + below(4);

	for (size_t i = 0; i < count; i++)
		ush_buf_printf(&out, "%s%s", path && (i == 0 || below(2) == 0) ? "/" : i > 0 ? below(4) == 0 ? "." : "-" : "", words[below(USH_COUNT(words))]);
	return ush_buf_take(&out);
}

/* A text with some of its pieces made wild. */
static char *some_pattern(const char *text)
{
	static const char *const wilds[] = {"*", "{x}", "{y}", "*", "*"};
	size_t length = strlen(text), from = below(length + 1), many = below(length - from + 1), wild = below(USH_COUNT(wilds));
	USH_AUTO_FREE char *once = ush_printf("%.*s%s%s", (int)from, text, wilds[wild], text + from + many);

	if (below(3) > 0)
		return ush_steal(&once);
	length = strlen(once);
	from = below(length + 1);
	while (from < length && once[from] != '{')
		from++;
	return ush_printf("%.*s%s%s", (int)from, once, below(2) == 0 ? "*" : "{z}", once + from);
}

static void free_all(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

/* ---- patterns and texts ---- */

static size_t expect_same(struct ush_lexicon *lexicon, const char *const *texts, size_t count, const char *pattern)
{
	const uint32_t *found;
	size_t matches = ush_lexicon_match(lexicon, pattern, &found), expected = 0;

	for (size_t i = 0; i < count; i++)
		if (ush_pattern_match(pattern, texts[i], NULL)) {
			ck_assert_msg(expected < matches && found[expected] == i, "%s: %s is not found", pattern, texts[i]);
			expected++;
		}
	ck_assert_msg(matches == expected, "%s: %zu found instead of %zu", pattern, matches, expected);
	return matches;
}

START_TEST(a_lexicon_finds_what_the_comparison_of_each_text_finds)
{
	size_t matches = 0;

	for (seed = 1; seed < 40; seed++) {
		uint64_t again = seed;
		size_t count = 1 + below(200);
		char **texts = ush_alloc(count * sizeof *texts);
		struct ush_lexicon *lexicon;

		for (size_t i = 0; i < count; i++)
			texts[i] = below(50) == 0 ? ush_strdup("") : some_text(below(2) == 0);
		lexicon = ush_lexicon_new((const char *const *)texts, count);
		for (int i = 0; i < 400; i++) {
			USH_AUTO_FREE char *text = some_text(below(2) == 0), *pattern = some_pattern(below(2) == 0 ? texts[below(count)] : text);

			matches += expect_same(lexicon, (const char *const *)texts, count, pattern);
		}
		ush_lexicon_free(lexicon);
		free_all(texts, count);
		seed = again;
	}
	ck_assert_uint_gt(matches, 10000);
}
END_TEST

START_TEST(a_lexicon_knows_odd_patterns_and_texts)
{
	USH_AUTO_FREE char *endless = ush_alloc(USH_PATTERN_TEXT_MAX + 20);
	const char *const texts[] = {"", "a", "-a", "a-", "--", "a--a", "/", "/a", "a/a-a", "{team}", "a*", "x", "xx-a-xx-a", endless};
	static const char *const patterns[] = {"", "a", "*", "*a", "a*", "*-a", "*a-*", "**", "{x}", "{x}-{x}", "{x}a{y}", "{", "}", "{x", "a}", "*}", "-", "*-*-*", "/*", "*/", "/", "--", "{x}-a", "*xx-a"};
	struct ush_lexicon *lexicon = ush_lexicon_new(texts, USH_COUNT(texts)), *empty = ush_lexicon_new(NULL, 0);

	memset(endless, 'a', USH_PATTERN_TEXT_MAX + 10);
	memcpy(endless + USH_PATTERN_TEXT_MAX, "-a", 2);
	for (int i = 0; i < 100; i++) /* until they are sorted, and on */
		for (size_t k = 0; k < USH_COUNT(patterns); k++) {
			expect_same(lexicon, texts, USH_COUNT(texts), patterns[k]);
			expect_same(empty, NULL, 0, patterns[k]);
		}
	ush_lexicon_free(lexicon);
	ush_lexicon_free(empty);
}
END_TEST

/* ---- selectors ---- */

static char *some_selector(void)
{
	static const char *const forms[] = {"{k%zu: v%zu}", "{k%zu: v%zu, j: v1}", "{matchExpressions: [{key: k%zu, operator: In, values: [v%zu, v2]}]}",
					    "{matchExpressions: [{key: k%zu, operator: NotIn, values: [v%zu]}]}", "{matchExpressions: [{key: k%zu, operator: Exists}]}",
					    "{matchExpressions: [{key: k%zu, operator: DoesNotExist}]}", "{matchLabels: {j: v1}, matchExpressions: [{key: k%zu, operator: Exists}]}"};
	size_t form = below(USH_COUNT(forms)), key = below(4), value = below(4);
	USH_AUTO_BUF out = {0};

	for (const char *at = forms[form], *next; *at != '\0'; at = next + (*next != '\0' ? 3 : 0)) {
		next = strstr(at, "%zu") != NULL ? strstr(at, "%zu") : at + strlen(at);
		ush_buf_add(&out, at, (size_t)(next - at));
		if (*next != '\0')
			ush_buf_printf(&out, "%zu", next[-1] == 'k' ? key : value);
	}
	return ush_buf_take(&out);
}

static json_t *some_labels(void)
{
	json_t *labels = json_object();

	for (size_t i = below(4); i > 0; i--) {
		USH_AUTO_FREE char *key = below(3) == 0 ? ush_strdup("j") : ush_printf("k%zu", below(4)), *value = ush_printf("v%zu", below(4));

		json_object_set_new(labels, key, below(20) == 0 ? json_null() : json_string(value));
	}
	for (char capture = 'x'; capture <= 'z'; capture++) {
		USH_AUTO_FREE char *text = below(2) == 0 ? some_text(false) : ush_strdup(below(2) == 0 ? "team" : "a");
		char key[] = {'c', capture, '\0'};

		if (below(2) == 0)
			json_object_set_new(labels, key, json_string(text));
	}
	return labels;
}

/* One that says what the pattern captures; NULL when it captures nothing. */
static char *some_captured_selector(const char *pattern)
{
	struct ush_captures known = {0};
	USH_AUTO_BUF out = {0};

	if (ush_pattern_wrong(pattern, &known) != NULL || known.count == 0)
		return NULL;
	ush_buf_puts(&out, below(3) == 0 ? "{matchLabels: {j: v1}, matchExpressions: [" : "{matchExpressions: [");
	for (size_t i = 0; i < known.count; i++) {
		char name = known.items[i].name[0];

		if (i == 0 || below(2) == 0)
			ush_buf_printf(&out, "%s{key: c%c, operator: In, values: ['%s{%c}', '{%c}'%s]}", i > 0 ? ", " : "", below(3) == 0 ? name : 'x', below(3) == 0 ? "a-" : "", name, name,
				       below(3) == 0 ? ", team" : "");
	}
	ush_buf_puts(&out, "]}");
	return ush_buf_take(&out);
}

START_TEST(selectors_asked_together_answer_as_each_alone)
{
	size_t held = 0;

	for (seed = 1; seed < 30; seed++) {
		uint64_t again = seed;
		USH_AUTO_BUF text = {0};
		USH_AUTO_POLICY policy = NULL;
		struct ush_selectors selectors;
		struct ush_error err = {0};

		ush_buf_puts(&text, CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x]}\n");
		for (size_t i = below(60); i > 0; i--) {
			USH_AUTO_FREE char *selector = some_selector();

			ush_buf_printf(&text, "- {group: a, role: edit, namespaceSelector: %s}\n", selector);
		}
		policy = ush_policy_read(text.data, text.length, "p", NULL, &err);
		ck_assert_msg(policy != NULL, "%s", err.what);
		ush_selectors_begin(&selectors, policy);
		ck_assert_uint_eq(selectors.of_grant[0], SIZE_MAX);
		for (int k = 0; k < 50; k++) {
			USH_AUTO_JSON labels = k == 0 ? NULL : some_labels();
			unsigned char bits[16] = {0};

			ush_selectors_match(&selectors, labels, bits);
			for (size_t g = 1; g < policy->grant_count; g++) {
				size_t at = selectors.of_grant[g];
				bool holds = ush_selector_matches(&policy->grants[g].selector, NULL, labels);

				ck_assert_int_eq(bits[at / 8] >> at % 8 & 1, holds);
				held += holds;
			}
		}
		ush_selectors_free(&selectors);
		seed = again;
	}
	ck_assert_uint_gt(held, 1000);
}
END_TEST

/* ---- who is wanted where ---- */

static bool plainly_listed(const struct ush_list *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (ush_pattern_match(patterns->items[i], text, NULL))
			return true;
	return false;
}

static size_t captured; /* times that a label said what a group's path captures */

/* One grant, one group, one namespace: as the manual says it. */
static bool plainly_wanted(const struct ush_policy *policy, const struct ush_grant *grant, const struct ush_group *group, const char *name, const json_t *labels)
{
	struct ush_captures captures = {0};
	USH_AUTO_FREE char *pattern = NULL;

	if (plainly_listed(&policy->exclude_groups, group->name) || plainly_listed(&policy->exclude_groups, group->path) ||
	    plainly_listed(&policy->exclude_namespaces, name) || plainly_listed(&grant->except, name))
		return false;
	if (grant->group != NULL ? strcmp(grant->group, group->path) != 0
				 : !ush_pattern_match(grant->group_pattern, *grant->group_pattern == '/' ? group->path : group->name, &captures))
		return false;
	pattern = grant->namespace_pattern != NULL ? ush_pattern_fill(grant->namespace_pattern, &captures) : NULL;
	captured += grant->selector.captures && ush_selector_matches(&grant->selector, &captures, labels);
	return ush_list_has(&grant->namespaces, name) || ush_selector_matches(&grant->selector, &captures, labels) || (pattern != NULL && ush_pattern_match(pattern, name, NULL));
}

static bool is_wanted(const struct sync_case *c, size_t role, const struct ush_group *group, const char *name)
{
	const struct ush_desired *d = c->desired;
	size_t place = ush_places_find(d->places, name, strlen(name));

	for (size_t i = d->start[place]; i < d->start[place + 1]; i++) {
		const struct ush_shape *shape = ush_wanted_shape(d, i);

		for (size_t k = 0; shape->role == role && k < shape->resolved_count; k++)
			if (d->resolved[shape->resolved[k]].group == group)
				return true;
	}
	return false;
}

static char *some_namespace(void)
{
	char *name = some_text(false);

	for (char *p = name; *p != '\0'; p++)
		*p = *p == '.' ? '-' : *p;
	return name;
}

/* A pattern of namespaces that its grant's groupPattern can fill. */
static char *some_place_pattern(const char *group_pattern)
{
	USH_AUTO_FREE char *name = some_namespace(), *pattern = some_pattern(name);
	struct ush_captures known = {0}, used = {0};

	if (group_pattern != NULL)
		ush_pattern_wrong(group_pattern, &known);
	if (ush_pattern_wrong(pattern, &used) != NULL || pattern[strspn(pattern, "*")] == '\0')
		return some_place_pattern(group_pattern);
	for (size_t i = 0; i < used.count; i++) {
		bool is_known = false;

		for (size_t k = 0; k < known.count; k++)
			is_known |= used.items[i].name_length == known.items[k].name_length && memcmp(used.items[i].name, known.items[k].name, known.items[k].name_length) == 0;
		if (!is_known)
			return some_place_pattern(group_pattern);
	}
	return ush_steal(&pattern);
}

static void add_grant(struct ush_buf *text, const char *path)
{
	USH_AUTO_FREE char *pattern = some_pattern(path), *name = some_namespace(), *selector = some_selector(), *by_capture = NULL;
	bool named = below(4) == 0 || ush_pattern_wrong(pattern, NULL) != NULL || ush_pattern_unclear(pattern) != NULL ||
		     pattern[strspn(pattern, "*/{}xyz")] == '\0' || pattern[strlen(pattern) - 1] == '/';
	USH_AUTO_FREE char *places = some_place_pattern(named ? NULL : pattern);

	if (!named && (by_capture = some_captured_selector(pattern)) != NULL && below(3) > 0) {
		free(selector);
		selector = ush_steal(&by_capture);
	}
	ush_buf_printf(text, "- {%s: '%s', role: %s", named ? "group" : "groupPattern", named ? path : pattern, below(2) == 0 ? "edit" : "view");
	switch (below(3)) {
	case 0:
		ush_buf_printf(text, ", namespaces: [%s]", name);
		break;
	case 1:
		ush_buf_printf(text, ", namespacePattern: '%s'", places);
		break;
	default:
		ush_buf_printf(text, ", namespaceSelector: %s", selector);
	}
	ush_buf_puts(text, below(3) == 0 ? ", except: ['*-dev', 'a*']}\n" : "}\n");
}

static struct sync_case *some_case(void)
{
	USH_AUTO_BUF text = {0}, groups = {0};
	char *paths[40];
	struct sync_case *c;

	ush_buf_puts(&text, "apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:', groupName: path}\nsources: {main: {file: {path: g.json}}}\n"
			    "roles: {edit: {clusterRole: edit}, view: {clusterRole: view}}\nexclude: {groups: ['/prod*', '*kube'], namespaces: ['*x1-*']}\ngrants:\n");
	for (size_t i = 0; i < USH_COUNT(paths); i++) {
		paths[i] = some_text(true);
		ush_buf_printf(&groups, "%s%zu %s%zu", i > 0 ? ";" : "", i, paths[i], i % 7); /* some are alike */
	}
	for (int i = 0; i < 120; i++)
		add_grant(&text, paths[below(USH_COUNT(paths))]);
	c = sync_case_new(text.data);
	sync_case_groups(c, 0, groups.data);
	for (int i = 0; i < 250; i++) {
		USH_AUTO_FREE char *name = some_namespace();
		USH_AUTO_JSON labels = some_labels();
		USH_AUTO_FREE char *said = json_dumps(labels, 0);
		bool again = false;
		json_t *space;
		size_t n;

		json_array_foreach(c->namespaces, n, space)
			again |= strcmp(ush_json_string(space, "name"), name) == 0;
		if (!again)
			sync_case_namespace(c, name, said);
	}
	for (size_t i = 0; i < USH_COUNT(paths); i++)
		free(paths[i]);
	return c;
}

static size_t expect_plain(const struct sync_case *c)
{
	const struct ush_groups *groups = &c->groups[0];
	size_t wanted = 0, n;
	json_t *space;

	for (size_t role = 0; role < 2; role++)
		for (size_t g = 0; g < groups->count; g++)
			json_array_foreach(c->namespaces, n, space) {
				const char *name = ush_json_string(space, "name");
				bool twin = false, plain = false;

				for (size_t i = 0; i < groups->count; i++)
					twin |= i != g && strcmp(groups->items[i].path, groups->items[g].path) == 0;
				for (size_t i = 0; i < c->policy->grant_count && !twin && !plain; i++)
					plain = c->policy->grants[i].role == role &&
						plainly_wanted(c->policy, &c->policy->grants[i], &groups->items[g], name, json_object_get(space, "labels"));
				ck_assert_msg(is_wanted(c, role, &groups->items[g], name) == plain, "seed %llu: %s in %s is %s", (unsigned long long)seed, groups->items[g].path,
					      name, plain ? "not wanted" : "wanted");
				wanted += plain;
			}
	return wanted;
}

START_TEST(what_is_wanted_is_what_each_grant_says_of_each_group_and_namespace)
{
	size_t wanted = 0;

	for (seed = 1; seed <= 12; seed++) {
		uint64_t again = seed;
		struct sync_case *c = some_case();

		seed = again;
		sync_case_desire(c);
		ck_assert_uint_gt(json_array_size(c->namespaces), 80); /* more than are looked at one by one */
		wanted += expect_plain(c);
		sync_case_free(c);
	}
	ck_assert_uint_gt(wanted, 1000);
	ck_assert_uint_gt(captured, 100);
}
END_TEST

TAP_MAIN("lexicon", a_lexicon_finds_what_the_comparison_of_each_text_finds, a_lexicon_knows_odd_patterns_and_texts,
	 selectors_asked_together_answer_as_each_alone, what_is_wanted_is_what_each_grant_says_of_each_group_and_namespace)
