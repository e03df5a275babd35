/* SPDX-License-Identifier: Apache-2.0
 *
 * One run at a time: a Lease (coordination.k8s.io/v1) named usher-broker beside the state. Taken before the first write,
 * renewed on the way, given back at the end; one whose holder died is taken over when it has expired. What else goes one at a time
 * has a Lease of another name.
 */
#ifndef USH_SYNC_LEASE_H
#define USH_SYNC_LEASE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/kube/batch.h"
#include "common/kube/client.h"

#define USH_LEASE_NAME	  "usher-broker"
#define USH_LEASE_SECONDS 60
#define USH_LEASE_RENEW	  20 /* seconds after which it is renewed */
#define USH_LEASE_AGAIN	  5  /* seconds until a renewal that failed is tried again */
#define USH_LEASE_LAPSE	  50 /* seconds after which nothing is written before it was renewed: others may take it soon */

struct ush_lease_use { /* borrowed as long as the lease is */
	const char *name;  /* of the Lease */
	const char *doing; /* what whoever has it does: "applying" */
	/* Or NULL: asked once nobody has it, before it is taken. What it saw of what others write under the same Lease still holds when
	 * that is taken: had it changed hands in between, it could not be. 0: take it; anything else: leave it, and that is answered. */
	int (*check)(void *context, struct ush_error *err);
	void *context;
};

struct ush_lease {
	const struct ush_kube *kube;
	const struct ush_lease_use *use;
	char *namespace_name, *list, *path;
	json_t *object; /* as the server last gave it; NULL: not held */
	bool tried;	/* it was written, and may be ours although no answer says so */
	char *holder;
	int64_t renewed_ms, due_ms; /* when it was renewed, when it is to be: by the boot clock, which never jumps */
	int64_t asked_ms;           /* when the renewal that is under way was made; 0: none is */
	struct ush_error lost;      /* why it is, once it is */
	bool busy;                  /* it could not be taken, because somebody else has it, for no longer than leases last */
};

/* USH_ERR_REFUSED with the holder's name when somebody else has it. */
int ush_lease_take(struct ush_lease *lease, const struct ush_kube *kube, const char *namespace_name, const char *holder, struct ush_error *err);

/* The same for something else than applying. */
int ush_lease_take_for(struct ush_lease *lease, const struct ush_lease_use *use, const struct ush_kube *kube, const char *namespace_name, const char *holder,
		       struct ush_error *err);

/* Renews when it is time. A failure means that it is lost: write nothing more. */
int ush_lease_keep(struct ush_lease *lease, struct ush_error *err);

/*
 * The same from within a batch of requests. due: true with the request in *task when it is time. took: what came of it.
 * holds: 0, it is held; 1, it may be lost at any moment, so wait for the renewal; -1, it is lost (err): write nothing more.
 */
bool ush_lease_due(struct ush_lease *lease, struct ush_kube_task *task);
void ush_lease_took(struct ush_lease *lease, const struct ush_kube_result *result);
int ush_lease_holds(struct ush_lease *lease, struct ush_error *err);

/* Gives it back when it is held, as well as it can. */
void ush_lease_release(struct ush_lease *lease);

#endif
