/* SPDX-License-Identifier: Apache-2.0
 *
 * One source's API opened on a provider that says what a table says (provider.h): what tests of broker/source/api.h begin
 * with.
 */
#ifndef USH_TEST_API_CASE_H
#define USH_TEST_API_CASE_H

#include "broker/source/api.h"
#include "tests/support/provider.h"

#define API_CASE_BASE "https://scim.test/v2"

struct api_case {
	struct provider *provider;
	struct ush_policy_source source;
	struct ush_api api;
	struct ush_error err; /* of the last get */
};

void api_case_begin(struct api_case *c, const struct ush_api_kind *kind, const struct provider_row *rows);
void api_case_end(struct api_case *c);

/* Asks once more; what answer held is freed. */
int api_case_get(struct api_case *c, const char *target, struct ush_api_answer *answer);

/* It makes the reading incomplete, says why, and does not say the token. */
void api_case_expect_refused(struct api_case *c, const char *target, const char *why);

#endif
