/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/contract_knobs.h"

#include <check.h>
#include <string.h>

#include "common/base/memory.h"

void knobs_begin(struct contract *c, const struct contract_fake *fake, size_t groups, size_t people)
{
	contract_begin(c, fake);
	for (size_t i = 0; i < groups; i++) {
		USH_AUTO_FREE char *name = ush_printf("group-%04zu", i);

		contract_add_group(c, name, CONTRACT_NOBODY);
	}
	for (size_t i = 0; i < people; i++) {
		USH_AUTO_FREE char *name = ush_printf("person%03zu", i);

		contract_add_person(c, name);
		contract_join(c, 0, i);
	}
}

void knobs_read(struct contract *c, const char *refs)
{
	USH_AUTO_FREE char *copy = ush_strdup(refs != NULL ? refs : "");
	struct ush_list list = {0};
	struct ush_source_question question = {.source = &c->source, .refs = &list, .how = USH_GROUP_PATH, .no_members = refs == NULL};
	char *rest = copy, *one;

	while ((one = strsep(&rest, ",")) != NULL)
		if (*one != '\0')
			ush_list_add(&list, one);
	ush_groups_free(&c->groups);
	c->err = (struct ush_error){0};
	c->requests = c->sign_ins = c->met = c->passed = 0;
	c->slept_ms = 0;
	c->result = ush_source_read(&c->world, &question, &c->groups, &c->err);
	ush_list_free(&list);
}

const struct ush_group *knobs_group(const struct contract *c, const char *path)
{
	for (size_t i = 0; i < c->groups.count; i++)
		if (strcmp(c->groups.items[i].path, path) == 0)
			return &c->groups.items[i];
	ck_abort_msg("no group %s: %s", path, c->groups.why != NULL ? c->groups.why : "complete");
	return NULL;
}

void knobs_expect_incomplete(struct contract *c, const char *text)
{
	contract_expect_incomplete(c);
	ck_assert_msg(strstr(c->groups.why, text) != NULL || (c->groups.advice != NULL && strstr(c->groups.advice, text) != NULL),
		      "\"%s\", \"%s\": lacks \"%s\"", c->groups.why, c->groups.advice != NULL ? c->groups.advice : "", text);
}

char *knobs_file(const struct contract *c, const char *name)
{
	return ush_printf("%.*s/%s", (int)(strrchr(c->secret_file, '/') - c->secret_file), c->secret_file, name);
}

void knobs_one_comes(struct contract *k, enum contract_what what, size_t page)
{
	if (what == CONTRACT_GROUPS && page == 2 && k->next_number < 100000) {
		k->next_number = 100000;
		contract_add_group(k, "late", CONTRACT_NOBODY);
	}
}
