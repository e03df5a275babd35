/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/api_case.h"

#include <check.h>
#include <string.h>

void api_case_begin(struct api_case *c, const struct ush_api_kind *kind, const struct provider_row *rows)
{
	static const char *const settings[] = {"url=" API_CASE_BASE "/", "secretFile=@t0ken\n", "budget=60", "timeout=600", NULL};

	c->provider = provider_new(rows);
	c->source = provider_source("scim", settings);
	c->err = (struct ush_error){0};
	ck_assert_msg(ush_api_open(&c->api, &c->provider->world, &c->source, kind, NULL, &c->err) == 0, "%s", c->err.what);
}

void api_case_end(struct api_case *c)
{
	ush_api_close(&c->api);
	ush_policy_source_free(&c->source);
	provider_free(c->provider);
}

int api_case_get(struct api_case *c, const char *target, struct ush_api_answer *answer)
{
	struct ush_api_get question = {.target = target, .what = "the thing"};

	c->err = (struct ush_error){0};
	ush_api_answer_free(answer);
	*answer = (struct ush_api_answer){0};
	return ush_api_get(&c->api, &question, answer, &c->err);
}

void api_case_expect_refused(struct api_case *c, const char *target, const char *why)
{
	USH_AUTO_API_ANSWER answer = {0};

	ck_assert_int_eq(api_case_get(c, target, &answer), -1);
	ck_assert_int_eq(c->err.code, USH_ERR_INCOMPLETE);
	ck_assert_msg(strstr(c->err.what, why) != NULL, "\"%s\" lacks \"%s\"", c->err.what, why);
	ck_assert_ptr_null(strstr(c->err.what, "t0ken"));
}
