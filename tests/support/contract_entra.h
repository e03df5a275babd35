/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two fakes of Graph share: whole lists (contract_entra.c) and changes (contract_entra_delta.c).
 */
#ifndef USH_TEST_CONTRACT_ENTRA_H
#define USH_TEST_CONTRACT_ENTRA_H

#include "tests/support/contract_cloud.h"

#define ENTRA_BASE "https://graph.test"

static inline struct fake_entra *entra_state(const struct contract *c)
{
	return c->state;
}

enum contract_what entra_what(struct contract *c, const struct ush_http_request *request, size_t *page);
void entra_answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response);

/* False when the request is answered already: a token, or a refusal. */
bool entra_lets_in(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response);
void entra_error(struct ush_http_response *response, int status, const char *code, const char *message);

char *entra_id(const struct contract *c, size_t group);
char *entra_person_id(const struct contract *c, size_t person);
json_t *entra_person(const struct contract *c, size_t index);
size_t entra_cursor(const char *url);

#endif
