/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody leaves: a person, a group, a namespace. First what must not wait (sessions at the providers, the entry in the
 * ledger; neither waits for the other to succeed), then the bindings of ours, then what could have been used.
 */
#ifndef USH_LIFECYCLE_OFFBOARD_H
#define USH_LIFECYCLE_OFFBOARD_H

#include <jansson.h>

#include "broker/journal/journal.h"
#include "broker/ledger/ledger.h"
#include "broker/lifecycle/offboard/dossier.h"
#include "broker/lifecycle/offboard/report.h"
#include "broker/policy/policy.h"
#include "broker/source/revoke.h"
#include "broker/source/source.h"
#include "common/base/cli.h"
#include "common/kube/client.h"

struct ush_offboard_account { /* what a source said of one of the names */
	const char *name;	/* that it was asked for; borrowed */
	bool same;		/* it is told with a name before this one: the same person, or a source that is down */
	struct ush_revoked revoked;
	struct ush_error failed; /* of the revocation */
};

struct ush_offboard_source { /* what one source said; once, for all clusters */
	struct ush_offboard_account *accounts; /* of a person: one a name, o->name first */
	size_t account_count;
	struct ush_groups groups;
	struct ush_error unread; /* of the reading, or why it is incomplete */
	size_t *in;		 /* the groups that the person is in: places in groups.items */
	size_t in_count;
};

struct ush_offboard {
	/* given */
	enum ush_ledger_kind kind;	 /* USH_LEDGER_USER, _GROUP, _NAMESPACE */
	const char *name;
	const struct ush_strings *also;	 /* more spellings; a person's are looked for at the providers, too */
	const struct ush_policy *policy;
	const struct ush_world *sources_world;
	const struct ush_kube *kube;	 /* of the cluster whose turn it is, or NULL: there is none */
	const char *state_namespace, *by, *reason, *ticket; /* by NULL: whoever the API server says that we are */
	const char *again;		 /* the command to run again */
	const char *readmit;		 /* "usher-broker readmit" with the policy and the options that find the cluster */
	const char *kubectl;		 /* "kubectl" with the options that find the cluster */
	bool dry, anyway, take_others;
	struct ush_journal *journal;
	/* made */
	bool asked;			 /* the providers were asked: once, for all clusters */
	bool known, maybe;		 /* some source knows it; one could not be asked */
	struct ush_offboard_source *sources; /* as the policy has them */
	struct ush_spellings names;	 /* as providers and people write them */
	struct ush_near near;
	char *source, *id;		 /* where it was found first, or NULL */
	/* of one cluster */
	bool denied;			 /* the ledger has it */
	bool recalled;			 /* and had it before */
	char *self;			 /* who we are there, or NULL */
	json_t *report;
	struct ush_dossier dossier;
	struct ush_strangers *strangers; /* strangers.c's own */
};

void ush_offboard_free(struct ush_offboard *o);
#define USH_AUTO_OFFBOARD __attribute__((cleanup(ush_offboard_free))) struct ush_offboard

/* Forgets what is of one cluster: for the next one. */
void ush_offboard_next(struct ush_offboard *o);

/*
 * What the providers are told and asked; o->kube need not be there. USH_ERR_REFUSED: nothing was done, because two people
 * or groups bear one of the names; everything else that goes wrong is a line of the report. sources.c
 */
int ush_offboard_sources(struct ush_offboard *o, struct ush_error *err);

/* The person's groups, as far as they were not read yet. */
void ush_offboard_read_groups(struct ush_offboard *o);

/* Their lines, once a report. told.c */
void ush_offboard_tell_sources(struct ush_offboard *o);

/*
 * One cluster's turn, ush_offboard_sources included where they were not asked yet. Fills o->report, which tells what was
 * done also when this fails. Errors: USH_ERR_REFUSED (it is you yourself; two of that name), USH_DIFFERENCES (nobody knows
 * the name), those of the API server. USH_ERR_INCOMPLETE: all was done, and something could not be looked at.
 */
int ush_offboard_run(struct ush_offboard *o, struct ush_error *err);

/* ---- inside ---- */

/* accounts.c: looks for each name at each source, and then ends what was found. USH_ERR_REFUSED: nothing was. */
int ush_offboard_revoke(struct ush_offboard *o, struct ush_error *err);

/* Why the source is not asked any more, or NULL. */
const struct ush_error *ush_offboard_down(const struct ush_offboard_source *source);

/* log.c: lines of the audit log, each when it has happened. What the log does not take is told when it is closed:
 * nobody keeps what he has because of a log. */
void ush_offboard_log_begin(const struct ush_offboard *o);
void ush_offboard_log_revoked(const struct ush_offboard *o, const struct ush_policy_source *source, const struct ush_offboard_account *account);
void ush_offboard_log_denied(const struct ush_offboard *o, const char *key, bool extended);
void ush_offboard_log_failed(const struct ush_offboard *o, const char *event, const char *what, const char *why);
struct ush_take;
void ush_offboard_log_written(const struct ush_offboard *o, const struct ush_take *take, const json_t *before, const json_t *after);
void ush_offboard_log_left(const struct ush_offboard *o, const struct ush_take *take, const char *why);

/* USH_ERR_REFUSED: it is ourselves, by any name that is known so far. */
int ush_offboard_not_self(const struct ush_offboard *o, struct ush_error *err);

/* Asks the ledger whether it has an entry already, and learns what that calls the person. What goes wrong is told by deny. */
void ush_offboard_recall(struct ush_offboard *o);

/* Writes the entry, unless the ledger has it, and learns what else it calls the person. What goes wrong is a line, and
 * returned. deny.c */
int ush_offboard_deny(struct ush_offboard *o, struct ush_error *err);

/* One list into the dossier (context: o), or elsewhere. What may not be read is a line (0 is returned); -1: the API server is gone. */
struct ush_offboard_list {
	const char *path, *what; /* "ServiceAccounts", for people */
	int (*item)(void *context, struct ush_item *item, struct ush_error *err);
	void (*restart)(void *context);
	bool metadata_only;
};
int ush_offboard_read(struct ush_offboard *o, const struct ush_offboard_list *list, struct ush_error *err);
int ush_offboard_read_for(struct ush_offboard *o, const struct ush_offboard_list *list, void *context, struct ush_error *err);

/* RoleBindings (of one namespace; NULL: all) and ClusterRoleBindings. */
int ush_offboard_bindings(struct ush_offboard *o, const char *space, struct ush_error *err);

/* take.c: takes the person or group out of what is ours and, when told to, of what nobody manages: looks, writes,
 * looks again, until it is so. All takes are of one owner. -1: the API server is gone. whole: the bindings (and Roles) go whatever else they hold. */
struct ush_take {
	enum ush_rbac_kind kind;
	const char *space, *name, *direct; /* borrowed */
	enum ush_hold_owner owner;
	bool whole;
};
int ush_offboard_take(struct ush_offboard *o, const struct ush_take *takes, size_t count, struct ush_error *err);

/* findings.c: what the dossier has beside bindings that hold the person. */
void ush_offboard_tell_findings(struct ush_offboard *o);

/* user.c, group.c, namespace.c: after the ledger */
int ush_offboard_user(struct ush_offboard *o, struct ush_error *err);
int ush_offboard_group(struct ush_offboard *o, struct ush_error *err);
int ush_offboard_namespace(struct ush_offboard *o, struct ush_error *err);

/* strangers.c, with USH_LAYOUT_USERS: who stands in bindings of ours without being in a group that they are for. One
 * of them may be the person, under a name of before. item: each RoleBinding; forget: the list begins anew. */
void ush_offboard_stranger(struct ush_offboard *o, const struct ush_item *item);
void ush_offboard_forget_strangers(struct ush_offboard *o);
void ush_offboard_tell_strangers(struct ush_offboard *o);

/* Bindings of others that hold it, and those of ours taken out. */
int ush_offboard_holds(struct ush_offboard *o, struct ush_error *err);

#endif
