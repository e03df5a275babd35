/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fakes of GitHub, GitLab, SCIM and authentik can be told beyond the contract's faults: the ways that are the
 * provider's alone. Each is the `state` of a struct contract that runs its fake. Everything is off at first.
 */
#ifndef USH_TEST_CONTRACT_KNOBS_H
#define USH_TEST_CONTRACT_KNOBS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/contract.h"

extern const struct contract_fake contract_github, contract_github_app, contract_gitlab, contract_scim, contract_scim_cursor, contract_authentik,
	contract_authentik_inherit;

/* Begins with groups "group-0000"... under none and people "person000"..., who are in the first group all of them. */
void knobs_begin(struct contract *c, const struct contract_fake *fake, size_t groups, size_t people);

/* Reads with the members of these groups alone, separated by ','; NULL: nobody's. */
void knobs_read(struct contract *c, const char *refs);

/* The group of that path; ends the test when there is none. */
const struct ush_group *knobs_group(const struct contract *c, const char *path);

/* A path in the folder of the case; the caller frees. */
char *knobs_file(const struct contract *c, const char *name);

/* As c->meanwhile: with the second page of groups one more is there. */
void knobs_one_comes(struct contract *c, enum contract_what what, size_t page);

/* It is incomplete, and its reason (or the advice) holds the text. */
void knobs_expect_incomplete(struct contract *c, const char *text);

struct fake_github {
	size_t left;          /* of the primary limit, 0: no limit. The request after the last is refused */
	int64_t resets_in;    /* seconds until it begins anew, from the first refusal */
	int64_t resets_at;
	int limit_status;     /* 403 unless said; 429 is possible */
	bool no_link;         /* the first page has lost its Link */
	bool no_version;      /* a request came without X-GitHub-Api-Version */
	size_t unchanged;     /* answers of 304 */
	size_t paid;          /* answers that count against the limit */
	bool suspended;       /* the disabled have suspended_at, as the server edition tells administrators */
	bool hidden_parent;   /* a parent is named that the list does not have */
	const char *role;     /* of the token's owner in the organization: "admin" unless said; "": he may not ask */
	EVP_PKEY *key;        /* of the App */
	unsigned int tokens;  /* made so far; the last one alone is good */
	int64_t token_life;   /* seconds, 3600 unless said */
	bool no_saml;         /* the organization has no authorizations by SAML */
	char jwt_fault[128];  /* what is wrong with the App's JWT, "" when nothing */
};

struct fake_gitlab {
	bool keyset;          /* pages have Link alone, and the last one is empty */
	bool no_pages;        /* neither X-Next-Page nor Link: a proxy that drops what it does not know */
	bool no_totals;       /* as above 10,000 rows */
	bool link_lies;       /* Link leads to http and another host, as behind a proxy that nobody told of */
	size_t limited;       /* so many requests are answered 429 with RateLimit-Reset alone */
	int64_t resets_in;
	const char *state;    /* of people who are disabled; "blocked" unless said */
	bool invited;         /* people's memberships wait for somebody */
	bool minimal;         /* people who are disabled may sign in, and have no more than minimal access to the group */
	bool plain;           /* the token's user is no administrator */
	bool outsider;        /* nor a member of any group */
	size_t most_offset;   /* rows that may be listed by page, 0: no limit */
};

struct fake_scim {
	bool cursor;
	bool no_config;       /* ServiceProviderConfig is 404 */
	bool no_types;        /* members have neither type nor $ref */
	bool refs_only;       /* members have $ref and no type */
	bool other_case;      /* attributes are spelt in other letters */
	bool begins_anew;     /* past the end the first page comes again: scimmy */
	bool no_resources;    /* an empty page has no Resources at all */
	bool no_total;        /* by cursor: totalResults is left out */
	bool text_active;     /* active is "True" or "False" */
	long lists_fewer_users; /* /Users leaves so many out, though totalResults does not count them either */
	size_t user_gets, user_lists, member_gets;
	size_t with_members;  /* lists that carried members */
	char last_filter[128];
};

struct fake_authentik {
	bool many_parents;    /* as of 2025.12: parents is a list */
	const char *second_parent; /* pk of another parent of every group that has one */
	bool users_missing;   /* users_obj lacks the last of users */
	size_t list_gets, detail_gets, with_users;
	bool hidden_parent;
};

#endif
