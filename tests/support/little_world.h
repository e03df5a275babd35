/* SPDX-License-Identifier: Apache-2.0
 *
 * A small random world for histories: groups that come, go, are renamed and made anew; a policy that is edited; a clock
 * that jumps. And the rules, written down a second time and without looking at how reconcile does it: what may be taken
 * away, what may be given, what must be there in the end.
 */
#ifndef USH_TEST_LITTLE_WORLD_H
#define USH_TEST_LITTLE_WORLD_H

#include "tests/support/little_cluster.h"

#define LITTLE_IDS    96
#define LITTLE_GROUPS 7 /* the last two are of the other source */
#define LITTLE_MAIN   5
#define LITTLE_GRANTS 5
#define LITTLE_ROOM   256
#define LITTLE_NAMES  6
#define LITTLE_SPACES 4

struct little_group {
	unsigned int id; /* 0: no such group */
	int name;	 /* index into little_names */
};

struct little_grant {
	enum { LITTLE_NAMED, LITTLE_LIKE, LITTLE_CAPTURE, LITTLE_LABEL } kind; /* a name; t-*; t-{x} in {x}-*; t-{x} where label team is {x} */
	int name, role, source;
	unsigned int spaces; /* bits */
	int binding;	     /* a name of its own: 1 or 2; 0: none */
	int64_t not_after;   /* 0: none */
	bool over;	     /* some run saw it ended */
	bool shut;	     /* and took something away for it */
};

#define LITTLE_DENIALS 3
struct little_denial { /* a group that somebody put out (little_denied.h) */
	unsigned int id; /* 0: nobody */
	int name, source;
	char called[8]; /* the source, then */
};

struct little_ledger { /* as it is written down: a ConfigMap */
	unsigned int uid; /* 0: there is none */
	struct little_denial held[LITTLE_DENIALS];
};

struct little_id { /* what the rules remember of a group */
	long runs;	   /* complete runs without it, one after another */
	int64_t since;	   /* the earliest clock of those */
	unsigned int dead; /* names, as bits, that it had when it was removed because it was gone */
	unsigned int had;  /* names, as bits, under which some binding ever held it */
	bool consented;
	int source;
};

struct little_nameless { /* and of a name */
	long runs;     /* complete runs in which nobody bore the name and something had it of which nobody knows whose it is */
	int64_t since; /* the earliest clock of those */
	bool ever;     /* some binding had the name, and the record of who it was was lost */
};

struct little_backup { /* of the API server (little_memory.h) */
	bool taken;
	struct little_cluster cluster;
	struct little_ledger ledger;
	struct little_denial denials[LITTLE_DENIALS];
	unsigned int spaces;
	char team[LITTLE_SPACES];
	struct little_id ids[LITTLE_IDS];
	struct little_nameless nameless[2][LITTLE_NAMES];
};

struct little_world {
	struct little_denial denials[LITTLE_DENIALS]; /* whom somebody put out, whether or not that is written down still */
	struct little_ledger ledger;
	struct little_backup backup;
	uint64_t losing; /* the chance that ledger and state are lost or restored. 0: never */
	unsigned int last_ledger; /* uid */
	bool stopped; /* the last run said that the ledger is not the one that was */
	uint64_t denying; /* the chance of that */
	bool denies;
	uint64_t random;
	uint64_t labels_random; /* of its own, so that a history without labels is what it was before there were any. 0: no labels */
	struct little_group groups[LITTLE_GROUPS];
	struct little_grant grants[LITTLE_GRANTS];
	size_t grant_count;
	unsigned int spaces; /* bits: which namespaces are there */
	unsigned int last_id;
	enum ush_layout layout;
	long runs;
	int64_t age, now;
	bool complete[2];      /* this reading, of each source */
	unsigned int excluded; /* names, as bits */
	struct little_cluster cluster;
	/* what the rules remember */
	struct little_id ids[LITTLE_IDS];
	struct little_nameless nameless[2][LITTLE_NAMES]; /* of each source */
};

extern const char *const little_names[], *const little_spaces[];

extern char little_team[LITTLE_SPACES]; /* the namespace's label, 'a' to 'c'; 0: it has none. People change it */

/* A grant by what its group captures ("a" of t-a) reaches the namespace. */
bool little_belongs(const struct little_grant *grant, const char *captured, int space);

unsigned int little_chance(struct little_world *world, unsigned int below);
void little_begin(struct little_world *world, uint64_t seed);

/* Something happens outside: to the groups, the policy, the namespaces, the cluster, the clock. */
void little_happen(struct little_world *world);

/* What the sync is given. The caller frees both; policy by little_policy_free. */
struct ush_policy *little_policy(const struct little_world *world);
void little_policy_free(struct ush_policy *policy);
void little_groups(const struct little_world *world, int source, struct ush_groups *groups);
void little_places(const struct little_world *world, const struct ush_policy *policy, unsigned int few, struct ush_places *places); /* few, as bits: these alone; 0: all */

void little_tell_apart(const struct little_world *world, struct little_access *accesses, size_t count);

/* ---- the rules: NULL, or what is wrong ---- */

struct little_run { /* before and after one run */
	struct little_access before[LITTLE_ROOM], after[LITTLE_ROOM];
	size_t before_count, after_count;
	bool confirmed, whole; /* whole: all was done and the state kept */
	unsigned int conflicts; /* spaces, as bits, where somebody else is in the way */
};
void little_note_reading(struct little_world *world, const struct little_run *run); /* before the run is judged */
const char *little_judge(struct little_world *world, const struct little_run *run, const struct little_access **which);

/* After everything calmed down: what should be there is, and nothing else. */
const char *little_judge_end(const struct little_world *world, const struct little_run *run, const struct little_access **which);

/* Some binding holds a group that is not what it was: the next run may have to do with that. */
bool little_mourns(const struct little_world *world, const struct little_run *run);

#endif
