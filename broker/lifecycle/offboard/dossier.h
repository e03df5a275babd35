/* SPDX-License-Identifier: Apache-2.0
 *
 * The dossier of somebody who leaves: from lists of the API server, item by item, what the person holds and could have
 * used. Bindings first, then the roles that those refer to; from that follows where the person could get at
 * ServiceAccounts and their token Secrets, which are then looked for. Memory goes with what concerns the person, not with
 * the lists. Pure.
 */
#ifndef USH_LIFECYCLE_DOSSIER_H
#define USH_LIFECYCLE_DOSSIER_H

#include <stdint.h>

#include "broker/audit/powers.h"
#include "broker/lifecycle/offboard/names.h"
#include "common/base/error.h"
#include "common/kube/scan.h"

#define USH_DOSSIER_NAMED 20 /* ServiceAccounts of one place that are told by name; more are counted */

/* Beside the powers: makes Secrets. Who reads them, too, has a token made for any ServiceAccount. */
#define USH_BIT_MINT (UINT32_C(1) << 31)

enum ush_hold_owner {
	USH_HOLD_OURS,	  /* of this policy, or given for a time by us */
	USH_HOLD_FREE,	  /* nobody's who would put it back */
	USH_HOLD_MANAGED, /* a tool's, or another owner's */
};

struct ush_hold { /* a binding that the person is in */
	enum ush_rbac_kind kind;
	char *space, *name; /* space NULL: a ClusterRoleBinding */
	char *role_kind, *role_name;
	char *direct;	       /* the subject that is to go, as it is written there; NULL: only by a group */
	char *group;	       /* a group that the person is in and that it holds, or NULL */
	enum ush_hold_owner owner;
	char *foreign;	       /* whose it is, for people; NULL: ours */
	char *cut;	       /* arguments of kubectl that take the person out; NULL: ours, or not direct */
	int64_t since;	       /* made; 0: not known */
	size_t role;	       /* index into the dossier's roles */
};

struct ush_dossier_role { /* one that holds refer to: what it comes to, worked out once */
	char *key;	  /* "C NAME", "R NAMESPACE/NAME" */
	bool found;
	struct ush_powers powers;
	bool mints;
	struct ush_list token_names, secret_names, act_names; /* resourceNames of those powers: ServiceAccounts, Secrets */
};

struct ush_reach { /* in one namespace, or (space "") everywhere */
	char *space;
	uint32_t powers;			/* held whole; and USH_BIT_MINT */
	uint32_t named;				/* held over names alone */
	struct ush_list tokens, secrets, acts;	/* sorted: the names */
	const struct ush_hold *by;		/* the first binding that gives any of it */
	int64_t since;				/* of the oldest */
	size_t accounts;
	struct ush_list account_names; /* USH_DOSSIER_NAMED at most */
};

struct ush_token_secret { /* a token that has no end */
	char *space, *name, *account;
	int64_t made; /* 0: not known */
};

struct ush_certificate { /* of a CertificateSigningRequest that was signed */
	char *request, *name; /* the request's name; the certificate's common name */
	struct ush_list groups; /* its organizations */
	char *asked_by;
	int64_t until;
};

struct ush_dossier {
	/* given */
	const char *policy;	    /* its name: whose objects are ours */
	struct ush_spellings users; /* whom subjects of kind User mean; owned */
	struct ush_list groups;	    /* and Group: sorted, exactly; owned */
	bool of_group;		    /* it is the groups who leave, not the person */
	const char *source, *id;    /* of the group: bindings of ours say whose a subject is, whatever it is called now; or NULL */
	int minor;		    /* of the server, 0: not known */
	struct ush_near *near;	    /* is offered every User that is seen, or NULL */
	/* made */
	struct ush_hold *holds;
	size_t hold_count;
	struct ush_dossier_role *roles; /* sorted by key */
	size_t role_count;
	struct ush_reach *reaches; /* sorted by space; everywhere is the first */
	size_t reach_count;
	size_t spaces_seen; /* everywhere: namespaces that hold ServiceAccounts */
	char *last_space;
	struct ush_token_secret *secrets;
	size_t secret_count;
	struct ush_certificate *certificates;
	size_t certificate_count;
};

void ush_dossier_free(struct ush_dossier *dossier);
#define USH_AUTO_DOSSIER __attribute__((cleanup(ush_dossier_free))) struct ush_dossier

/* RoleBindings and ClusterRoleBindings. -1: USH_ERR_REJECTED, not the API's shape. forget: the list of a kind begins anew. */
int ush_dossier_binding(struct ush_dossier *dossier, struct ush_item *item, struct ush_error *err);
void ush_dossier_forget_bindings(struct ush_dossier *dossier, enum ush_rbac_kind kind);

/* After the bindings: which roles are wanted. Then Roles and ClusterRoles; a list that begins anew does no harm. */
void ush_dossier_want_roles(struct ush_dossier *dossier);
bool ush_dossier_wants(const struct ush_dossier *dossier, enum ush_rbac_kind kind);
int ush_dossier_role(struct ush_dossier *dossier, struct ush_item *item, struct ush_error *err);

/* After the roles: where the person gets at what. Then ServiceAccounts, Secrets of type
 * kubernetes.io/service-account-token (metadata is enough), CertificateSigningRequests. */
void ush_dossier_reach(struct ush_dossier *dossier);
void ush_dossier_account(struct ush_dossier *dossier, const struct ush_item *item);
void ush_dossier_forget_accounts(struct ush_dossier *dossier);
void ush_dossier_secret(struct ush_dossier *dossier, const struct ush_item *item);
void ush_dossier_forget_secrets(struct ush_dossier *dossier);
void ush_dossier_request(struct ush_dossier *dossier, const struct ush_item *item, int64_t now);
void ush_dossier_forget_requests(struct ush_dossier *dossier);

/* What a reach is by, for people: "create pods, read secrets". The caller frees. */
char *ush_reach_words(const struct ush_reach *reach);

/* The ways to a ServiceAccount, and to a Secret, among the powers. */
extern const uint32_t ush_ways_to_accounts, ush_ways_to_secrets;

/* One binding or its like, as it stands: who it is that holds it, or NULL when the person is not in it directly. */
struct ush_hold *ush_dossier_hold(const struct ush_dossier *dossier, const struct ush_item *item);
void ush_hold_free(struct ush_hold *hold); /* what it holds */

/*
 * The merge patch (RFC 7386) that takes the person out of a binding that is ours or free, with its resourceVersion; NULL:
 * the person is not in it. *empty: nobody is left.
 */
json_t *ush_dossier_patch(const struct ush_dossier *dossier, const json_t *binding, bool *empty);

#endif
