/* SPDX-License-Identifier: Apache-2.0
 *
 * One contract for every source: what a reading must be, whatever the provider does. Each adapter brings a fake that
 * serves a directory in its provider's own wire format and that can be told faults; tests/story/test_source_contract.c
 * runs the same stimuli (broker.md E3, A3; T50-T53) over all of them.
 *
 * A fake is a row (struct contract_fake) in the file tests/support/contract_KIND.c, listed in contract.c's table. It keeps
 * no state of its own but in c->state, and answers from c->directory alone: the suite changes the directory between and
 * during readings. The source of every quirk of the wire format stands beside it in a comment.
 */
#ifndef USH_TEST_CONTRACT_H
#define USH_TEST_CONTRACT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "common/base/world.h"
#include "common/net/http.h"
#include "tests/support/provider.h"

/* ---- the directory ---- */

#define CONTRACT_NOBODY ((size_t)-1)

struct contract_person {
	unsigned long number; /* never used again: what ids are made of */
	char *name;           /* NULL: the provider says null, or nothing */
	const char *mail;     /* where fakes tell one; NULL: NAME@mail.test */
	bool disabled;
	bool gone;
};

struct contract_group {
	unsigned long number; /* never used again: a group that is made anew has another */
	char *name;           /* unique among its siblings, or not (CONTRACT_SAME_NAMES) */
	size_t parent;        /* index of the group it stands under (CONTRACT_TREE, _DOWN, _UP), or CONTRACT_NOBODY */
	size_t *people;       /* its direct members: indexes, in order */
	size_t people_count;
	size_t *groups;       /* groups that are members of this one (CONTRACT_NESTED, where cycles are possible) */
	size_t group_count;
	bool gone;            /* not served */
};

struct contract_directory { /* indexes are stable: what goes is marked */
	struct contract_group *groups;
	size_t group_count;
	struct contract_person *people;
	size_t people_count;
};

/* ---- a fake ---- */

enum contract_trait {
	/* how groups nest; exactly one, or none: they do not */
	CONTRACT_TREE = 1 << 0,   /* a group stands under a group (path /a/b); members are its own alone: Keycloak */
	CONTRACT_DOWN = 1 << 1,   /* the same, and members of the lower are members of the upper: GitHub, authentik */
	CONTRACT_UP = 1 << 2,     /* the same, and members of the upper are members of the lower: GitLab */
	CONTRACT_NESTED = 1 << 3, /* groups are members of groups; the source gives them flat: Entra, Google, SCIM, LDAP */
	/* what the provider has */
	CONTRACT_DISABLED = 1 << 4,   /* tells who may not sign in */
	CONTRACT_NULL_NAMES = 1 << 5, /* may leave a person's name out */
	CONTRACT_SAME_NAMES = 1 << 6, /* two groups may have one name (for a tree: under different parents) */
	CONTRACT_FREE_NAMES = 1 << 7, /* a name may hold space, slash, emoji, 300 bytes, and differ in case alone */
	CONTRACT_COUNTS = 1 << 8,     /* says how many groups there are (totals, a count): a lie about it is seen */
	CONTRACT_MEMBER_COUNTS = 1 << 9, /* says how many members a group has, likewise */
	CONTRACT_LINKS = 1 << 10,     /* a page says where the next is (link, cursor, token): it can loop, or be left out */
	CONTRACT_OFFSETS = 1 << 11,   /* pages by number: they can repeat, and shift when groups change */
	CONTRACT_TOKEN = 1 << 12,     /* a token is fetched, and fetched again after a 401 */
	CONTRACT_ONCE = 1 << 14,      /* is read at once: no pages, and nothing is tried again */
	CONTRACT_SECOND = 1 << 13,    /* the list of groups is read again at the end: a group that came or went is seen */
};

/* What a request is for. */
enum contract_what {
	CONTRACT_ANY,
	CONTRACT_SIGN_IN,
	CONTRACT_GROUPS,
	CONTRACT_MEMBERS,
	CONTRACT_COUNT,
	CONTRACT_ELSE,
	/* while sessions are ended (contract_people.h): */
	CONTRACT_LOOK,
	CONTRACT_END, /* POST and DELETE */
};

/* One fault. Transport faults (status) are made by contract.c in front of the fake; a fake that is not asked by HTTP calls
 * contract_fault() itself. The others the fake makes while it builds an answer. */
struct contract_fault {
	enum contract_what what;
	size_t page;  /* from 1; 0: any */
	size_t skip;  /* so many fitting requests go well first */
	size_t times; /* then so many meet it; 0: all */
	int status;   /* 0: none. Else the answer's, or one of: */
#define CONTRACT_RESET	 (-1) /* the connection breaks */
#define CONTRACT_HTML	 (-2) /* 200, and a captive portal's page */
#define CONTRACT_CUT	 (-3) /* 200, and the fake's own answer cut in the middle */
#define CONTRACT_NOTHING (-4) /* 200 and an empty body */
#define CONTRACT_LARGE	 (-5) /* more than the cap: libcurl ends it */
#define CONTRACT_LOST	 (-6) /* it is done, and the connection breaks before the answer */
	const char *headers; /* of that answer: "Retry-After: 7" */
	/* made by the fake: */
	bool loops;    /* LINKS: the last page's next leads to the first page. Of groups, or of members as `what` says */
	bool repeats;  /* OFFSETS: whichever page is asked for, the first one comes */
	bool cut_off;  /* the first page is full and says there is no next: LINKS without a next, OFFSETS a short answer */
	int lies;      /* COUNTS, MEMBER_COUNTS: totals are wrong by this */
	bool silent;   /* COUNTS: totals are left out where the protocol allows it */
	bool empty;    /* 200 and no group at all; counts tell the truth (CONTRACT_COUNTS) or zero as the provider would */
};

struct contract;
struct contract_people;

struct contract_fake {
	const char *kind;    /* of source_kinds.c */
	const char *variant; /* what is special about this row, or NULL: "cursor paging" */
	unsigned int traits;
	/* How many items a page has at most, whatever is asked for: small ones make the tests quick. member_page 0: members come
	 * with their group. Where the provider honours any size (Keycloak's max), what the adapter asks for. */
	size_t group_page, member_page;
	/* Says the source's settings (url, realm...; a secret is c->secret_file). */
	void (*settings)(struct contract *c, struct ush_policy_source *source);
	/* What a request is, and the number of its page, from 1 (1 where there are no pages). */
	enum contract_what (*what)(struct contract *c, const struct ush_http_request *request, size_t *page);
	/* Answers; response->status is 0 and all else empty. */
	void (*answer)(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response);
	/* What the source is expected to say of a group; NULL: the number as text, the name as it is, "/a/b" of names. The caller
	 * frees. */
	char *(*id)(const struct contract *c, size_t group);
	char *(*name)(const struct contract *c, size_t group);
	char *(*path)(const struct contract *c, size_t group);
	/* Where what people have can be ended (contract_people.h), else NULL: answers everything but signing in while c->revoking. */
	const struct contract_people *people;
	/* Before each reading: for what is read at once. May be NULL. */
	void (*prepare)(struct contract *c);
	/* Before the first reading and after the last: for fakes that are a server of their own (LDAP). May be NULL. */
	void (*begin)(struct contract *c);
	void (*end)(struct contract *c);
};

struct contract {
	const struct contract_fake *fake;
	struct contract_directory directory;
	struct contract_fault fault;
	struct ush_world world;
	struct ush_policy_source source; /* canaries and patterns may be set on it before reading */
	const char *secret_file;         /* private, holds "s3cret" */
	void *state;                     /* the fake's own, freed with free() at the end */
	bool revoking;
	struct contract_held *held; /* contract_people.h */
	size_t held_count, ends;    /* and requests that end something */
	bool deaf;                  /* filters of lists are not heard */
	/* called before each answer, for directories that change while they are read; may be NULL */
	void (*meanwhile)(struct contract *c, enum contract_what what, size_t page);
	/* what came of it */
	struct ush_groups groups;
	struct ush_error err;
	int result;
	size_t requests, sign_ins;
	size_t met, passed; /* how often the fault was, and how often it was skipped */
	unsigned long next_number;
	int64_t now_ms, slept_ms;
};

/* For fakes that are not asked by HTTP: the transport fault that this request meets, 0 when none. Counts it. */
int contract_fault(struct contract *c, enum contract_what what, size_t page);

/* The groups that are there, in the directory's order, into an array (ended by CONTRACT_NOBODY) that the caller frees. parent:
 * those under it; CONTRACT_NOBODY: those under none; CONTRACT_EVERYWHERE: all. */
#define CONTRACT_EVERYWHERE ((size_t)-2)
size_t *contract_children(const struct contract *c, size_t parent, size_t *count);

/* The group with a number, CONTRACT_NOBODY when it is not there (any more). */
size_t contract_group_of(const struct contract *c, unsigned long number);

/* "/a/b" by parents; the caller frees. */
char *contract_path(const struct contract *c, size_t group);

/* Direct members that are there, as an array like that of contract_children. */
size_t *contract_people(const struct contract *c, size_t group, size_t *count);

/* All people that are in the group by the fake's kind of nesting, each once, in the directory's order: for wire formats that
 * flatten at the server (transitiveMembers, includeDerivedMembership, child teams, members/all). */
size_t *contract_everybody(const struct contract *c, size_t group, size_t *count);

/* ---- for the suite ---- */

extern const struct contract_fake *const contract_fakes[]; /* ended by NULL */

void contract_begin(struct contract *c, const struct contract_fake *fake);
void contract_end(struct contract *c);

/* Builds the directory. A name is copied; add gives the index. */
size_t contract_add_group(struct contract *c, const char *name, size_t parent);
size_t contract_add_person(struct contract *c, const char *name); /* NULL: without a name */
void contract_join(struct contract *c, size_t group, size_t person);
void contract_nest(struct contract *c, size_t outer, size_t inner);

/* Reads everything, all members; c->groups and c->err hold what came. again: frees what came before. */
void contract_read(struct contract *c);

/* The reading is complete, and is the directory to the letter: ids, names, paths, members, counts of disabled and
 * unresolvable. */
void contract_expect_exact(struct contract *c);

/* It is incomplete, is one line, names no secret. */
void contract_expect_incomplete(struct contract *c);

/* ---- for tests of one provider ---- */

/* Groups "group-0"... under none, and people "person0@acme.test"..., who are in the first group all of them. */
void contract_fill(struct contract *c, size_t groups, size_t people);

/* Reads, and it is exact. */
void contract_exact(struct contract *c);

/* Reads and ends: incomplete, for this and with this advice (NULL: whatever it is); or refused before any request. */
void contract_incomplete(struct contract *c, const char *why, const char *advice);
void contract_config_error(struct contract *c, const char *why);

#endif
