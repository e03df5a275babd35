/* SPDX-License-Identifier: Apache-2.0
 *
 * What people have at a provider, and how it is ended: the second half of the contract's fakes. A fake that knows this answers
 * from c->held while c->revoking; tests/story/test_source_revoke.c runs the same stimuli over all of them.
 */
#ifndef USH_TEST_CONTRACT_PEOPLE_H
#define USH_TEST_CONTRACT_PEOPLE_H

#include "broker/source/revoke.h"
#include "tests/support/contract.h"

#define PEOPLE_PAGE 2 /* rows of a page of what people have, whatever is asked for */

struct contract_held { /* a session, a token: what a person has */
	size_t person;
	const char *what; /* one of people->things */
	unsigned long number; /* what its id is made of */
	bool gone;
};

struct contract_people {
	void (*answer)(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response);
	char *(*id)(const struct contract *c, size_t person);
	const char *const *things; /* kinds of what people have, ended by NULL */
	const char *right;	   /* that the hint of a 403 names */
	const char *path;	   /* of everything that is asked about people: none of it may be asked for nobody */
	bool by_mail;		   /* also found by his address, which two may have */
	bool counts;		   /* says how many sessions there were (things[0] and whatever else is one) */
	bool lists;		   /* what is ended is listed by a filter, which may be deaf, and by pages */
	bool groups;		   /* tells the ids of the groups of a person */
};

extern const struct contract_people contract_people_keycloak, contract_people_okta, contract_people_entra, contract_people_google,
	contract_people_github, contract_people_gitlab, contract_people_authentik;

/* ---- for the fakes ---- */

bool people_writes(const struct ush_http_request *request, const char *method);
bool people_part(const struct ush_http_request *request, size_t index, const char *text);

/* NAME@mail.test, or his own; the caller frees. */
char *people_mail(const struct contract *c, size_t person);

/* The person whose id this is, or whose name, or (mail) address, without case; from `after` on (0: all). CONTRACT_NOBODY. */
size_t people_by_id(const struct contract *c, const char *id);
size_t people_by_name(const struct contract *c, const char *name, size_t after);
size_t people_by_mail(const struct contract *c, const char *mail, size_t after);

/* What a person (CONTRACT_EVERYWHERE: everybody) has of a kind (NULL: all), as indexes that the caller frees. */
size_t *people_held(const struct contract *c, size_t person, const char *what, size_t *count);

/* Ends that; and the one with this number: false when it is not there (any more). */
void people_end(struct contract *c, size_t person, const char *what);
bool people_end_one(struct contract *c, unsigned long number);

/* Ids of the groups that he is in directly, as list of {"id": ...} by the fake's own id; or of texts. */
json_t *people_groups(const struct contract *c, size_t person, const char *key);

void people_nothing(struct ush_http_response *response); /* 204 */

/* ---- for the suite ---- */

/* Ends what `person` has, into c->revoked of the suite: out is freed first. */
void contract_revoke(struct contract *c, const char *person, bool dry, struct ush_revoked *out);

/* Gives a person one of each thing. */
void contract_hold_all(struct contract *c, size_t person);
void contract_hold(struct contract *c, size_t person, const char *what);

#endif
