/* SPDX-License-Identifier: Apache-2.0
 *
 * A cluster of a few Roles and RoleBindings, as texts: quick enough for a million histories. It takes plans as an API
 * server would (preconditions hold or the change fails), and hands that people lay on it.
 */
#ifndef USH_TEST_LITTLE_CLUSTER_H
#define USH_TEST_LITTLE_CLUSTER_H

#include <stdio.h>
#include <stdlib.h>

#include "broker/sync/decide/reconcile.h"

#define LITTLE_MAX	96
#define LITTLE_SUBJECTS 12

/* What cannot be ends the program: no history is worth anything after it. */
#define LITTLE_MUST(what, why)                                                                                                         \
	do {                                                                                                                           \
		if (!(what)) {                                                                                                         \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, why);                                            \
			abort();                                                                                                       \
		}                                                                                                                      \
	} while (0)

extern const char *little_sources[2]; /* the first one is renamed now and then */
extern const char *const little_roles[2];

#define LITTLE_NO_SOURCE (-2) /* the policy has none that is called so */

/* Who has which role where, by bindings of ours. */
struct little_access {
	char space[16], role[16], text[32];
	char refers[16];	  /* the role that it is for now: a hand may have made the binding anew */
	char id[16], granted[16]; /* "": nobody wrote it down */
	char also[16];            /* another id that is written down for the same name */
	bool unknown;             /* somebody did, and destroyed it since */
	int source;               /* which one it is from; -1: nobody wrote it down; LITTLE_NO_SOURCE */
};

struct little_object {
	enum ush_rbac_kind kind;
	char space[16], name[64];
	char *body;
	unsigned int uid, version;
	bool foreign; /* somebody else made it, or took our labels off */
	char role[16]; /* of a binding that a hand made anew for another role: the one that it was for */
	struct little_access accesses[LITTLE_SUBJECTS]; /* as the body says */
	size_t access_count;
};

struct little_cluster {
	struct little_object items[LITTLE_MAX];
	size_t count;
	unsigned int clock; /* of uids and versions */
	char *state;
	char *namespaces; /* of the state's ConfigMap */
	unsigned int noted; /* likewise: uid of the ledger that there was; 0: none */
};

/* What may go wrong while a plan is carried out. */
struct little_fault {
	size_t stop_after;  /* so many changes are done, then the process is killed; SIZE_MAX: it is not */
	size_t fail_at;     /* this one fails; SIZE_MAX: none. Then nothing is removed and the state is not kept */
	bool confirm;
};

/* True when all was done and the state kept. */
bool little_apply(struct little_cluster *cluster, struct ush_plan *plan, const struct little_fault *fault);

/* Reads every object into observed, which was begun. */
void little_observe(const struct little_cluster *cluster, struct ush_observed *observed);

struct little_object *little_find(struct little_cluster *cluster, enum ush_rbac_kind kind, const char *space, const char *name);
void little_put(struct little_cluster *cluster, enum ush_rbac_kind kind, const char *space, const char *name, const char *body);
void little_remove(struct little_cluster *cluster, struct little_object *object);
void little_drop_namespace(struct little_cluster *cluster, const char *space);
void little_free(struct little_cluster *cluster);

/* Hands: each changes one binding of ours and says false when there is none. */
enum little_hand {
	LITTLE_ADD,
	LITTLE_TAKE,
	LITTLE_REORDER,
	LITTLE_DELETE,
	LITTLE_UNLABEL,
	LITTLE_SPOIL,	 /* the annotation, with something that is none */
	LITTLE_UNRECORD, /* the annotation goes */
	LITTLE_FORGET,	 /* the ids in it go */
	LITTLE_ROLE,	 /* made anew for the other role: judged as if it were for the first one still */
	LITTLE_FORGE,	   /* an entry in the annotation */
	LITTLE_FORGE_BOTH, /* and the subject */
	LITTLE_HANDS
};
bool little_hand(struct little_cluster *cluster, enum little_hand hand, unsigned int which, const char *text);

/* The policy calls its first source otherwise. */
void little_rename_source(struct little_cluster *cluster, const char *name);

size_t little_access(const struct little_cluster *cluster, struct little_access *out, size_t room);

#endif
