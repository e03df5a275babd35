/* SPDX-License-Identifier: Apache-2.0
 *
 * One run at a time: a Lease (coordination.k8s.io/v1) named usher-broker beside the state. Taken before the first write,
 * renewed on the way, given back at the end; one whose holder died is taken over when it has expired.
 */
#ifndef USH_SYNC_LEASE_H
#define USH_SYNC_LEASE_H

#include <jansson.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/kube/client.h"

#define USH_LEASE_NAME	  "usher-broker"
#define USH_LEASE_SECONDS 60
#define USH_LEASE_RENEW	  20 /* seconds after which it is renewed */

struct ush_lease {
	const struct ush_kube *kube;
	char *namespace_name, *list, *path;
	json_t *object; /* as the server last gave it; NULL: not held */
	char *holder;
	int64_t renewed; /* Unix seconds */
};

/* USH_ERR_REFUSED with the holder's name when somebody else has it. */
int ush_lease_take(struct ush_lease *lease, const struct ush_kube *kube, const char *namespace_name, const char *holder, struct ush_error *err);

/* Renews when it is time. A failure means that it is lost: write nothing more. */
int ush_lease_keep(struct ush_lease *lease, struct ush_error *err);

/* Gives it back when it is held, as well as it can. */
void ush_lease_release(struct ush_lease *lease);

#endif
