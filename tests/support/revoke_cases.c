/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/revoke_cases.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/contract_cases.h"

struct contract revoke_c;
struct ush_revoked revoke_out;

/* Three people who have one of each thing; the second is in two groups. */
void revoke_begin(const struct contract_fake *fake)
{
	contract_begin(&revoke_c, fake);
	case_people(&revoke_c, 3);
	case_groups(&revoke_c, 3);
	contract_join(&revoke_c, 0, CAROL);
	contract_join(&revoke_c, 2, CAROL);
	for (size_t i = 0; i < 3; i++)
		contract_hold_all(&revoke_c, i);
}

void revoke_end(void)
{
	ush_revoked_free(&revoke_out);
	contract_end(&revoke_c);
}

size_t revoke_held(size_t person)
{
	size_t count;

	free(people_held(&revoke_c, person, NULL, &count));
	return count;
}

size_t revoke_things(void)
{
	size_t count = 0;

	while (revoke_c.fake->people->things[count] != NULL)
		count++;
	return count;
}

/* Each fake that can. */
void revoke_each(bool (*fits)(const struct contract_people *), void (*test)(const struct contract_fake *))
{
	size_t count = 0;

	for (size_t i = 0; contract_fakes[i] != NULL; i++) {
		const struct contract_people *people = contract_fakes[i]->people;

		if (people == NULL || (fits != NULL && !fits(people)))
			continue;
		count++;
		test(contract_fakes[i]);
	}
	ck_assert_uint_gt(count, 0);
}

void revoke_person(const char *person, bool dry)
{
	contract_revoke(&revoke_c, person, dry, &revoke_out);
}

void revoke_went_well(void)
{
	ck_assert_msg(revoke_c.result == 0, "%s: %s (%s)", revoke_c.fake->kind, revoke_c.err.what, revoke_c.err.hint);
}

void revoke_ended(void)
{
	revoke_went_well();
	ck_assert_msg(revoke_out.found && revoke_out.supported, "%s: found %d, supported %d", revoke_c.fake->kind, revoke_out.found, revoke_out.supported);
	ck_assert_msg(revoke_held(CAROL) == 0, "%s: %zu are left", revoke_c.fake->kind, revoke_held(CAROL));
	ck_assert_msg(revoke_held(0) == revoke_things() && revoke_held(2) == revoke_things(), "%s: others have lost something", revoke_c.fake->kind);
}

void revoke_failed(enum ush_code code)
{
	ck_assert_msg(revoke_c.result == -1 && revoke_c.err.code == code, "%s: %d, code %d: %s", revoke_c.fake->kind, revoke_c.result, (int)revoke_c.err.code, revoke_c.err.what);
	ck_assert_msg(strncmp(revoke_c.err.what, "source main: ", 13) == 0 && strchr(revoke_c.err.what, '\n') == NULL, "%s: %s", revoke_c.fake->kind, revoke_c.err.what);
	ck_assert_msg(strstr(revoke_c.err.what, "s3cret") == NULL && strstr(revoke_c.err.hint, "s3cret") == NULL, "%s: %s", revoke_c.fake->kind, revoke_c.err.what);
	ck_assert_msg(revoke_held(0) == revoke_things() && revoke_held(2) == revoke_things(), "%s: others have lost something", revoke_c.fake->kind);
}

void revoke_fault(enum contract_what what, int status, size_t skip, size_t times, const char *headers)
{
	revoke_c.fault = (struct contract_fault){.what = what, .status = status, .skip = skip, .times = times, .headers = headers};
}
