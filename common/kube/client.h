/* SPDX-License-Identifier: Apache-2.0
 *
 * The few requests we make of an API server. Each takes the world (transport, clock) and the client; 429 and 5xx with
 * Retry-After are retried within a budget; 401 with a token file re-reads the file once.
 *
 * Errors: USH_ERR_UNAVAILABLE (network, 5xx), USH_ERR_LOGIN (401), USH_ERR_REFUSED (403: says which right is missing;
 * any other 4xx that is not documented as a success), USH_ERR_INCOMPLETE (a list that cannot be read whole),
 * USH_ERR_REJECTED (an answer that is not what the API promises). A Status object's message is quoted. Where a caller
 * must tell answers apart (404, 409), `status` carries the HTTP status and the call succeeds: that is documented per
 * function. A call that fails sets *status too (0 without an answer): 404 of a create or apply is a missing namespace,
 * 422 an object that the server finds invalid (a changed roleRef).
 */
#ifndef USH_KUBE_CLIENT_H
#define USH_KUBE_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/world.h"
#include "common/kube/config.h"

struct ush_progress;
struct ush_way;

struct ush_kube {
	const struct ush_world *world;
	struct ush_kube_config *config; /* owned by the caller */
	const char *field_manager;      /* "usher-broker" */
	struct ush_progress *progress; /* zero-initialised: shows how many objects of lists were read. NULL: nothing is shown */
	const struct ush_way *way; /* how a person gets there (way.h), for what hints say; NULL: as kubectl does by itself */
	bool parting; /* the requests are made although SIGINT or SIGTERM came, within 5 s: what leaves things in order */
};

/* Unix seconds by the server's clock, once one of its answers had a Date; by our own until then. What is written into the
 * cluster or decided from what stands there is timed by one clock, whatever machine a run is on. */
int64_t ush_kube_now(const struct ush_kube *kube);

/* How many seconds the server's clock is ahead of ours (less than 0: behind). 0 until one of its answers had a Date. */
int64_t ush_kube_ahead(const struct ush_kube *kube);

/* What both clocks say has come: ush_kube_now, but of two that are so many seconds apart that one of them must be wrong the
 * earlier. For what cannot be undone when it was wrong: the end of what was given for a time. */
#define USH_KUBE_APART 86400
int64_t ush_kube_come(const struct ush_kube *kube);

/* GET path (from '/'). *status is 200 or 404; *out is NULL on 404. Owned by the caller. */
int ush_kube_get(const struct ush_kube *kube, const char *path, int *status, json_t **out, struct ush_error *err);

/*
 * Every item of a list, of one consistent resourceVersion: in one answer where the server streams it (1.33), else in
 * pages. A 410 or a break in the middle restarts the list in pages from its beginning (once; `restart` is called so that
 * the caller forgets what it has), a second one is USH_ERR_INCOMPLETE. list.h has the same without a JSON value an item.
 * Items are cut from the stream and parsed one by one: memory does not grow with the list. An item has kind and
 * apiVersion filled in. `item` returns -1 with err filled to stop. *resource_version (may be NULL) is the list's, owned
 * by the caller.
 */
struct ush_kube_list {
	const char *path;     /* "/apis/rbac.authorization.k8s.io/v1/rolebindings" */
	const char *selector; /* labelSelector, or NULL */
	int (*item)(void *context, json_t *item, struct ush_error *err); /* borrows item */
	void (*restart)(void *context);
	void *context;
};
int ush_kube_list_all(const struct ush_kube *kube, const struct ush_kube_list *list, size_t *count,
		      char **resource_version, struct ush_error *err);

/* POST object to path. *status is 201, or 409 when it is there already. dry_run asks the server to check only. */
int ush_kube_create(const struct ush_kube *kube, const char *path, const json_t *object, bool dry_run, int *status,
		    struct ush_error *err);

/* Server-side apply (PATCH application/apply-patch+yaml). *status is 200, 201, or 409 (a conflict: who holds which
 * field is in *conflict, owned by the caller). force takes the fields over. What we made ourselves by create or update
 * counts as another owner for the server (same name, operation Update); a conflict with nobody but ourselves is forced
 * by itself. Mind that a label or annotation which create gave stays when an apply leaves it out: (us, Update) still
 * owns it. */
int ush_kube_apply(const struct ush_kube *kube, const char *path, const json_t *object, bool force, bool dry_run,
		   int *status, char **conflict, struct ush_error *err);

/* PUT object to path: update with the object's own resourceVersion. *status is 200, 404 or 409; 201 when it was not
 * there and the server made it (RBAC objects and Leases; 409 instead when the object carries a uid). out may be NULL.
 */
int ush_kube_update(const struct ush_kube *kube, const char *path, const json_t *object, int *status, json_t **out,
		    struct ush_error *err);

/* DELETE with preconditions uid and resourceVersion (either may be NULL). *status is 200, 404 or 409 (it changed). */
int ush_kube_delete(const struct ush_kube *kube, const char *path, const char *uid, const char *resource_version,
		    int *status, struct ush_error *err);

/* review.c: may we (SelfSubjectAccessReview), or may somebody (SubjectAccessReview, user and groups given)? */
struct ush_kube_attributes {
	const char *verb, *group, *resource, *subresource, *namespace_name, *name; /* NULL: not given */
};
int ush_kube_can_i(const struct ush_kube *kube, const struct ush_kube_attributes *what, bool *allowed,
		   struct ush_error *err);
int ush_kube_can_they(const struct ush_kube *kube, const char *user, const char *const *groups,
		      const struct ush_kube_attributes *what, bool *allowed, struct ush_error *err);

/* The SubjectAccessReview of ush_kube_can_they, to be posted to USH_KUBE_REVIEWS; owned by the caller. */
#define USH_KUBE_REVIEWS "/apis/authorization.k8s.io/v1/subjectaccessreviews"
json_t *ush_kube_review_of(const char *user, const char *const *groups, const struct ush_kube_attributes *what);

/* POST of a review of another kind to path; *answer is the whole object, owned by the caller. */
int ush_kube_review(const struct ush_kube *kube, const char *path, const json_t *review, json_t **answer,
		    struct ush_error *err);

#endif
