/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/contract_cases.h"

#include <check.h>

#include "common/base/memory.h"

size_t case_people(struct contract *c, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *name = ush_printf("person%03zu", i);

		contract_add_person(c, name);
	}
	return count;
}

size_t case_groups(struct contract *c, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *name = ush_printf("group-%04zu", i);

		contract_add_group(c, name, CONTRACT_NOBODY);
	}
	return count;
}

void case_three_pages(struct contract *c)
{
	size_t groups = case_groups(c, 2 * c->fake->group_page + c->fake->group_page / 2 + 1), people = case_people(c, 5);

	for (size_t i = 0; i < groups; i++)
		contract_join(c, i, i % people);
}

void case_three_pages_of_members(struct contract *c)
{
	size_t people = case_people(c, 2 * c->fake->member_page + c->fake->member_page / 2 + 1);

	case_groups(c, 2);
	for (size_t i = 0; i < people; i++)
		contract_join(c, 0, i);
}

void case_begin(struct contract *c, const struct contract_fake *fake, void (*build)(struct contract *))
{
	contract_begin(c, fake);
	build(c);
}

void case_each(unsigned int traits, void (*test)(const struct contract_fake *))
{
	size_t count = 0;

	for (size_t i = 0; contract_fakes[i] != NULL; i++) {
		if ((contract_fakes[i]->traits & traits & ~CASE_PAGED) != (traits & ~CASE_PAGED))
			continue;
		if ((traits & CASE_PAGED) != 0 && (contract_fakes[i]->traits & CONTRACT_ONCE) != 0)
			continue;
		count++;
		test(contract_fakes[i]);
	}
	ck_assert_msg(count > 0, "no fake has what this test is about");
}

void case_exact(struct contract *c)
{
	contract_read(c);
	contract_expect_exact(c);
}

void case_incomplete(struct contract *c)
{
	contract_read(c);
	contract_expect_incomplete(c);
}
