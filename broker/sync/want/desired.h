/* SPDX-License-Identifier: Apache-2.0
 *
 * What should be there: a RoleBinding for each namespace, role and group that grants put together (policy->layout says
 * how), and the Role it names when the policy writes the rules itself. What differs between the bindings of one grant in
 * ten thousand namespaces is the namespace alone, so a wanted object is a place and a shape: eight bytes. Pure; order of
 * the input changes nothing.
 */
#ifndef USH_SYNC_DESIRED_H
#define USH_SYNC_DESIRED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/ledger/ledger.h"
#include "broker/policy/marks.h"
#include "broker/policy/policy.h"
#include "broker/source/index.h"
#include "broker/source/source.h"
#include "broker/sync/look/origin.h"
#include "broker/sync/state/state.h"
#include "broker/sync/want/places.h"
#include "common/kube/rbac.h"
#include "common/kube/scan.h"

#define USH_LABEL_PART_OF     "applyset.kubernetes.io/part-of" /* kubectl's spelling, not the KEP's */
#define USH_ANNOTATION_ORIGIN "usher.dev/source-id"
#define USH_ANNOTATION_ROLE   "usher.dev/role"

#define USH_PEOPLE_MAX 10000 /* subjects of one binding (USH_LAYOUT_USERS): about two thirds of what the API server stores */

/* What became of a grant's group. */
enum ush_fate {
	USH_FATE_PRESENT,
	USH_FATE_GONE,	    /* a complete source does not have it; of a pattern: nothing matches */
	USH_FATE_UNKNOWN,   /* the source is incomplete */
	USH_FATE_AMBIGUOUS, /* two groups fit, or share one name at the API server */
	USH_FATE_REFUSED,   /* its name may not be bound */
	USH_FATE_EXCLUDED,  /* exclude.groups */
	USH_FATE_ENDED,	    /* notAfter has passed */
	USH_FATE_EARLY,	    /* notBefore has not come */
};

struct ush_resolved { /* of one grant, or of one group that its pattern matches */
	enum ush_fate fate;
	uint32_t grant;
	const struct ush_group *group; /* PRESENT: borrowed from the source's list; of Kubernetes' own, from desired's */
	char *text;		       /* PRESENT: what the API server calls it */
	char *why;		       /* anything else: for people */
	const char *binding;	       /* PRESENT: the binding's name */
};

struct ush_shape { /* what wanted objects of many namespaces share */
	enum ush_rbac_kind kind; /* USH_ROLE or USH_ROLE_BINDING */
	uint32_t role;		 /* index into the policy */
	const char *name;
	const uint32_t *resolved; /* of a binding: whose groups it holds, sorted by text, each text once */
	uint32_t resolved_count;
	uint32_t excess; /* people beyond USH_PEOPLE_MAX: it cannot be written. 0: fine */
};

struct ush_wanted {
	uint32_t place, shape;
};

struct ush_clash { /* two grants want one binding with different roles: the first has it */
	uint32_t place, first, second; /* resolved */
};

struct ush_desired {
	const struct ush_policy *policy;
	const struct ush_places *places;
	struct ush_wanted *items; /* sorted by place, kind, name */
	size_t count;
	uint32_t *start; /* items of place p are start[p] .. start[p + 1] */
	struct ush_shape *shapes;
	size_t shape_count;
	struct ush_resolved *resolved; /* those of grant g are first[g] .. first[g + 1] */
	size_t resolved_count;
	uint32_t *first;
	struct ush_clash *clashes;
	size_t clash_count;
	char **applysets;	/* ids, as labels carry them; one a shard */
	char **shards;		/* the parents' names */
	uint32_t *shard_of;	/* one a place */
	size_t shard_count;
	long tier;		/* how many shards there are without a tenant label, for the state */
	int64_t now;
	const char *state_namespace; /* where the sets' parents live */
	const struct ush_ledger *ledger; /* who stays out (denied.h), or NULL */
	const struct ush_way *way;
	/* its own */
	struct ush_denied_name { /* people: hashes of what they may be called, sorted, and whose entry of the ledger that is */
		uint64_t hash;
		size_t entry;
	} *denied;
	size_t denied_count;
	struct ush_texts texts;
	struct ush_index *by_id; /* one a source */
	struct ush_group *kubernetes; /* one a grant: Kubernetes' own groups, which no source lists. Texts borrowed */
	struct ush_cache *cache;
};

struct ush_wish {
	const struct ush_policy *policy;
	const struct ush_places *places; /* sorted */
	const struct ush_groups *groups; /* one list a source */
	const struct ush_state *state;	 /* what was decided before: grants that ended stay ended; NULL: nothing */
	const char *state_namespace;	 /* where the sets' parents live */
	int64_t now;			 /* Unix seconds */
	const struct ush_ledger *ledger; /* whom to keep out whatever a source says; NULL: nobody */
	const struct ush_way *way;	 /* of a person to this cluster, for commands in reasons; NULL: as kubectl finds it */
};

/* Everything in the wish outlives the answer. */
struct ush_desired *ush_desired_new(const struct ush_wish *wish);
void ush_desired_free(struct ush_desired *desired);

static inline void ush_desired_free_indirect(struct ush_desired **desired)
{
	ush_desired_free(*desired);
}

#define USH_AUTO_DESIRED __attribute__((cleanup(ush_desired_free_indirect))) struct ush_desired *

/* True when from an answer of this source something may be concluded: zero groups is a fault until shown otherwise. */
static inline bool ush_groups_trusted(const struct ush_groups *groups)
{
	return groups->complete && groups->count > 0;
}

/* Order of objects: namespace, then kind (Role first), then name. */
int ush_key_order(const char *namespace_a, enum ush_rbac_kind kind_a, const char *name_a, const char *namespace_b, enum ush_rbac_kind kind_b,
		  const char *name_b);

/* Index of the wanted object, SIZE_MAX when nobody wants one of this name. */
size_t ush_desired_find(const struct ush_desired *desired, size_t place, enum ush_rbac_kind kind, const char *name);
const struct ush_shape *ush_wanted_shape(const struct ush_desired *desired, size_t wanted);
const char *ush_wanted_namespace(const struct ush_desired *desired, size_t wanted);

/* ---- resolve.c ---- */

void ush_desired_resolve(struct ush_desired *desired, const struct ush_wish *wish);

/* shard.c */
void ush_desired_shard(struct ush_desired *desired, const struct ush_wish *wish);

/* A group of this source by its id, or NULL. */
const struct ush_group *ush_desired_group(const struct ush_desired *desired, size_t source, const char *id);

/* True when the grant's group, or pattern, means a group of this name. */
bool ush_grant_names(const struct ush_policy *policy, const struct ush_grant *grant, const char *id, const char *name, const char *path);

/* The name of the binding that a grant gives a group: of its own, or of role and hash. The caller frees. */
char *ush_grant_binding(const struct ush_policy *policy, const struct ush_grant *grant, const char *id);

/* True when the grant means the namespace; name and path are the group's, for what its pattern captures. */
bool ush_grant_means(const struct ush_desired *desired, size_t grant, const char *name, const char *path, size_t place);

/* True when the place is excluded, one that the grant leaves out, or where the state of the broker lives and the grant does
 * not name it: whoever may write there could tell the broker what it decided. */
bool ush_grant_bars(const struct ush_desired *desired, const struct ush_grant *grant, size_t place);

/* The key under which the state remembers that a grant ended. out holds 17 bytes. */
void ush_grant_key(const struct ush_policy *policy, const struct ush_grant *grant, char out[17]);

/* ---- wanted.c ---- */

/* The groups that are subjects of a wanted binding now. */
void ush_shape_origins(const struct ush_desired *desired, const struct ush_shape *shape, struct ush_origins *out);

/* The people of a wanted binding as the API server calls them, sorted (USH_LAYOUT_USERS). */
void ush_shape_people(const struct ush_desired *desired, const struct ush_shape *shape, struct ush_list *out);

/* What is written into a binding: groups as subjects, or people, and in either case the groups it is on account of. */
struct ush_binding_parts {
	const char *role_kind, *role_name; /* of the roleRef */
	const char *role_said;		   /* as the policy calls it */
	const char *applyset;
	const struct ush_origins *origins;
	const struct ush_list *people; /* NULL: the origins are the subjects */
};

/* Without name and namespace in it: ush_plan_body. The caller owns it. */
json_t *ush_binding_json(const struct ush_policy *policy, const struct ush_binding_parts *parts);
json_t *ush_role_json(const struct ush_policy *policy, const struct ush_policy_role *role, const char *applyset);

/* "Role" or "ClusterRole", and the name, that a wanted binding refers to. */
const char *ush_wanted_role_kind(const struct ush_policy_role *role);
const char *ush_wanted_role_name(const struct ush_policy_role *role);

/* ---- same.c: is what is there what is wanted? ---- */

/* What of an object says whose it is and where it came from. */
struct ush_marks {
	struct ush_slice managed_by, policy, part_of, origin, role; /* ours */
	bool more;						    /* another label or annotation under usher.dev/ */
	const struct ush_maker *maker;				    /* whoever else left a mark, or NULL; owner.h */
	struct ush_slice maker_value;
};

/* The same access: rules, or roleRef and subjects as a set. */
bool ush_same_access(struct ush_desired *desired, size_t wanted, const struct ush_item *item);

/* The same marks of ours; labels and annotations of others do not count. */
bool ush_same_marks(struct ush_desired *desired, size_t wanted, const struct ush_marks *marks);

/* A wanted binding has more groups than can be written down in it (USH_ORIGINS_MAX). */
bool ush_same_too_long(struct ush_desired *desired, size_t wanted);
void ush_same_free(struct ush_desired *desired);

#endif
