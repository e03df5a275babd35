/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fakes of Okta, Entra and Google can be told beyond the contract's faults: the ways that are the provider's
 * alone. Each is the `state` of a struct contract that runs its fake. Everything is off at first.
 */
#ifndef USH_TEST_CONTRACT_CLOUD_H
#define USH_TEST_CONTRACT_CLOUD_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/contract.h"

extern const struct contract_fake contract_okta, contract_okta_client, contract_okta_app, contract_entra, contract_entra_delta, contract_google,
	contract_google_pool;

/* "https://host:port" of what is asked; the caller frees. */
char *cloud_base(const char *url);

/* A private key in a file of its own (PEM), the same for all cases of a program, and its public half as a key set. */
const EVP_PKEY *cloud_key(void);
const char *cloud_key_file(void);
char *cloud_key_pem(void); /* the caller frees */

/* Checks a JWT that was signed with cloud_key() and gives its claims, NULL when it is none. */
json_t *cloud_claims(const char *jwt);

struct fake_okta {
	size_t left;	      /* requests before the limit, 0: none */
	int64_t resets_in;    /* seconds until X-Rate-Limit-Reset; its window begins anew then */
	int64_t reset_at;     /* Unix seconds, while the limit holds */
	bool no_stats;	      /* expand=stats is not heard */
	bool no_embedded;     /* expand=group is not heard */
	bool group_admin;     /* the role sees some groups: Everyone is not among them */
	const char *status;   /* of those who are disabled; "SUSPENDED" unless said */
	const char *token_error; /* the token endpoint answers 400 with it */
	char jwt_fault[128];  /* what is wrong with the client's assertion, "" when nothing */
	unsigned int tokens;
	size_t single_gets;   /* of /api/v1/groups/ID */
	char last_search[128];
};

struct fake_entra {
	bool limited_rights;  /* users come with their ids and null for the rest */
	bool basic_rights;    /* names are told, and not who may sign in (User.ReadBasic.All) */
	bool last_is_400;     /* the last nextLink of members answers 400 when pages are just full (Q&A 1305953) */
	bool index_late;      /* the newest group is not in the index yet */
	bool hidden;          /* the first group has HiddenMembership, and we may not see it */
	int token_code;       /* the token endpoint refuses with this AADSTS code */
	double near_limit;    /* x-ms-throttle-limit-percentage, 0: none */
	size_t without_level; /* requests for the index that came without ConsistencyLevel */
	size_t assertions;    /* sign-ins by federated token */
	unsigned int tokens;
	/* delta */
	json_t *rounds;       /* of {"items": [...], "after": snapshot} */
	size_t fresh_rounds, delta_gets;
	int stale_status;     /* the kept link answers so (400, 404, 410) */
	bool stale_later;     /* not the kept link does, but the page after it */
	bool keeps_members;   /* the groups of a person who is deleted are not said to have changed */
	bool forgets;         /* changes leave out that a group went */
	bool replays;         /* every change comes twice */
	bool no_link;         /* the last page has no deltaLink */
	bool away;	      /* the deltaLink is of another host */
	bool removed_at_first; /* the first reading tells of a group that went long ago */
	bool soft;	      /* a group that goes is deleted for now, and comes back without its members being told again */
	char *delta_path;
};

struct fake_google {
	const char *limit_reason; /* 403 with this reason, so many times */
	size_t limited;
	const char *token_error;
	char jwt_fault[128];
	bool customer;	      /* the first group has everybody in it, without a name */
	bool foreign;	      /* the first group has a group of somebody else's in it */
	bool short_derived;   /* derived lists leave the last person out */
	bool archived;	      /* the disabled are archived rather than suspended */
	size_t exchanged, signs;
	unsigned int tokens;
};

#endif
