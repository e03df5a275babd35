/* SPDX-License-Identifier: Apache-2.0
 *
 * An AccessPolicy (usher.dev/v1): what is wanted, in the words of the person who wants it. Read strictly: an unknown
 * member, a role nobody defined, a group of Kubernetes' own (system:), a rule that would let people give themselves
 * more, is an error that names file, line, column and field. Pure, but for ush_policy_load.
 */
#ifndef USH_POLICY_POLICY_H
#define USH_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/policy/elevation.h"
#include "broker/policy/pattern.h"
#include "broker/policy/settings.h"
#include "broker/policy/template.h"
#include "common/base/error.h"
#include "common/kube/rbac.h"

#define USH_POLICY_API   "usher.dev/v1"
#define USH_POLICY_BYTES (4U << 20) /* the largest policy file */

enum ush_group_name { USH_GROUP_LEAF, USH_GROUP_PATH, USH_GROUP_ID };
struct ush_policy_role {
	char *name;
	char *cluster_role; /* the ClusterRole it stands for, or NULL: rules of its own */
	struct ush_rule *rules;
	size_t rule_count;
	unsigned int line; /* where it stands */
	int64_t until; /* Unix seconds: an exception allows it until then; 0: it needs none. Its grants end with it */
};

struct ush_selector_rule { /* of matchExpressions; a pair of matchLabels is key In [value] */
	char *key;
	enum ush_selector_operator { USH_SELECT_IN, USH_SELECT_NOT_IN, USH_SELECT_EXISTS, USH_SELECT_NOT_EXISTS } operator;
	struct ush_list values;
	bool captures; /* of In: a value names what group_pattern captures ("{team}"), which no label's value can look like */
};

struct ush_selector { /* all rules must hold; count 0: there is no selector */
	struct ush_selector_rule *rules;
	size_t count;
	bool captures; /* some rule does */
};

struct ush_grant {
	char *called;        /* for messages: "grants[3]", "templates.team.roles[0]" */
	size_t number;       /* grants[number] in the file, or roles[number] of its template */
	bool of_template;    /* it is a role of a template (template.h) */
	unsigned int line;   /* where it stands */
	char *group;         /* "/a/b" is a path, anything else a name; by id where the cluster is told ids. NULL: */
	char *group_pattern; /* a pattern of paths, or of names when it has no leading "/" (pattern.h) */
	bool kubernetes;     /* the group is Kubernetes' own ("system:..."), and an exception allows it: bound as it is
				written, without prefix, and no source knows it */
	size_t source, role; /* indexes into the policy */
	/* Where: each namespace that one of the three means, but those of `except`. */
	struct ush_list namespaces;
	char *namespace_pattern; /* or NULL; may name captures of group_pattern */
	struct ush_selector selector;
	struct ush_list except;        /* patterns of namespaces; those of the cluster ("kube-*", "default") too, unless the
					  namespaces are named one by one, or the pattern says just that */
	char *name;                    /* the binding's own name (what RBAC takes: "a:b@c" too), or NULL: role and hash */
	char *owner, *reason;          /* for people, or NULL */
	int64_t not_before, not_after; /* Unix seconds, 0: none. It holds from not_before up to, not including, not_after, which
					  is never later than the end of an exception that the grant needs */
};

/* What would be refused, allowed by somebody until a day: a role with wildcards, a group of Kubernetes' own, a role that a
 * pattern gives to every group. */
struct ush_exception {
	enum ush_exception_type { USH_EXCEPT_WILDCARD_ROLE, USH_EXCEPT_SYSTEM_GROUP, USH_EXCEPT_ESCALATING_ROLE, USH_EXCEPT_EVERY_GROUP } type;
	char *what; /* the role's name as the policy has it, or the group's */
	char *owner, *reason;
	int64_t until; /* Unix seconds; from then on it is refused again */
	unsigned int line;
};

struct ush_cluster { /* one of several that the policy is for */
	char *name, *kubeconfig, *context; /* kubeconfig and context may be NULL: as kubectl finds them */
};

enum ush_layout {
	USH_LAYOUT_ROLE,  /* one RoleBinding a namespace and role, with many groups */
	USH_LAYOUT_GROUP, /* one a namespace, role and group */
	USH_LAYOUT_USERS, /* one a namespace and role, with the people of the groups: for providers that put no groups in tokens */
};

enum ush_drift { /* what somebody else changed in what is ours, or made where ours should stand */
	USH_DRIFT_REPAIR, /* ours is made as it should be; what is not ours is left alone and told */
	USH_DRIFT_REPORT, /* nothing that somebody changed is changed back; it is told */
	USH_DRIFT_ADOPT,  /* as repair, and an object of the same meaning that nobody else manages becomes ours */
};

/* "20" or "25%". A percentage never stops the removal of USH_LIMIT_FEW or fewer. */
struct ush_limit {
	long count;   /* -1: none */
	long percent; /* -1: none */
};
#define USH_LIMIT_FEW 5

struct ush_policy {
	char *file;  /* as messages name it */
	char *name;  /* metadata.name, or "default": whose objects are ours */
	char digest[65]; /* SHA-256 of the text */
	char *group_prefix; /* "" only where the policy says `unprefixed` */
	bool unprefixed;
	enum ush_group_name group_name;
	bool lower_case;    /* cluster.groupCase: lower */
	char *user_prefix;  /* of USH_LAYOUT_USERS, "" unless said */
	char *group_claim;  /* claim of a token that lists groups, "groups" unless said: for `claims` */
	int64_t token_lifetime; /* seconds that an ID token lives, for who is offboarded where the provider does not say it; 0: not said */
	char *state_namespace; /* where a run keeps state, ledger and lease; NULL: not said, and "default" unless somebody says it by hand */
	char *tenant_label; /* namespaces of one value share an ApplySet; NULL: all do */
	struct ush_cluster *clusters; /* none: the one that kubeconfig and options name */
	size_t cluster_count;
	enum ush_layout layout;
	enum ush_drift drift;
	struct ush_policy_source *sources;
	size_t source_count;
	struct ush_policy_role *roles;
	size_t role_count;
	struct ush_grant *grants;
	size_t grant_count;
	struct ush_list exclude_groups, exclude_namespaces; /* patterns: never bound, never touched */
	struct ush_exception *exceptions;
	size_t exception_count;
	struct ush_template *templates; /* template.h */
	size_t template_count;
	struct ush_elevation *elevations; /* elevation.h */
	size_t elevation_count;
	bool elevation_ticket, elevation_kyverno;
	struct ush_seal *seals;
	size_t seal_count;
	char *seal_key; /* file of the public key, or NULL */
	struct ush_list owners; /* who answers for this policy, for people */
	struct ush_limit remove_bindings, remove_people; /* 20 and 25% unless said */
	struct ush_limit add_people; /* none unless said */
	long vanished_runs;    /* complete runs without the group, 2 unless said */
	int64_t vanished_age;  /* seconds, 3600 unless said */
};

/* True when a namespace with these labels (NULL: none) is meant. captures: what its group's path says; NULL: of a rule that
 * asks for that only the label must be there. Pure. selector.c */
bool ush_selector_matches(const struct ush_selector *selector, const struct ush_captures *captures, const json_t *labels);

/* The first rule that does not hold, for people: "its label tier is "test", one of prod is meant". NULL when all do. The
 * caller frees. */
char *ush_selector_lacks(const struct ush_selector *selector, const struct ush_captures *captures, const json_t *labels);

/* The rule's values with what was captured put in. The caller frees the list. */
struct ush_list ush_selector_values(const struct ush_selector_rule *rule, const struct ush_captures *captures);

/*
 * Reads a policy; name is what messages call it, and files it mentions are beside it. NULL with USH_ERR_CONFIG on the
 * first fault; `faults`, when given, gets every fault as one line "name:line:column: field: why".
 */
struct ush_policy *ush_policy_read(const char *text, size_t length, const char *name, struct ush_list *faults, struct ush_error *err);

/* The same from a file, or stdin for "-". The variables that its sources name by secretEnv are taken out of the environment
 * (common/base/environment.h): what we start does not inherit them. */
struct ush_policy *ush_policy_load(const char *path, struct ush_list *faults, struct ush_error *err);
void ush_policy_free(struct ush_policy *policy);

static inline void ush_policy_free_indirect(struct ush_policy **policy)
{
	ush_policy_free(*policy);
}

#define USH_AUTO_POLICY __attribute__((cleanup(ush_policy_free_indirect))) struct ush_policy *

/* True for two roles that stand for one ClusterRole. policy_names.c */
bool ush_policy_same_role(const struct ush_policy *policy, size_t one, size_t two);

/* True when more than the limit allows would go of `of`. */
bool ush_limit_exceeded(const struct ush_limit *limit, size_t gone, size_t of);

/* "20", "25 %" or "20 or 25 %" for a message; out holds at least 48 bytes. */
const char *ush_limit_text(const struct ush_limit *limit, char *out, size_t size);

#endif
