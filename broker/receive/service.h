/* SPDX-License-Identifier: Apache-2.0
 *
 * A SCIM request and its answer (RFC 7644). Changes are done to the store and noted in the room; the answer is to be given
 * when the room has committed.
 */
#ifndef USH_RECEIVE_SERVICE_H
#define USH_RECEIVE_SERVICE_H

#include "broker/receive/room.h"
#include "broker/serve/target.h"
#include "common/base/world.h"

struct ush_scim_request {
	const char *method;
	const struct ush_target *target;
	const char *body;
	size_t length;
	const char *type, *if_match, *if_none_match; /* headers, or NULL */
	const char *base;			     /* "https://usher.example.com/scim/v2" */
};

struct ush_scim_answer {
	int status;
	json_t *body; /* NULL: none */
	char *location, *etag; /* or NULL */
	bool changed;	       /* something is noted */
};

void ush_scim_serve(struct ush_room *room, const struct ush_world *world, const struct ush_scim_request *request, struct ush_scim_answer *answer);
void ush_scim_answer_free(struct ush_scim_answer *answer);

/* The body of an error (RFC 7644 section 3.12). type and detail may be NULL. */
json_t *ush_scim_error(int status, const char *type, const char *detail);

/* ---- told.c ---- */

/* A resource as it is told, attributes and excludedAttributes obeyed. NULL with a fault. */
json_t *ush_scim_told(const struct ush_store *store, const struct ush_resource *one, const struct ush_scim_request *request, struct ush_scim_fault *fault);

/* W/"3". The caller frees. */
char *ush_scim_etag(const struct ush_resource *one);

/* A page of those that the filter takes. NULL with a fault. */
json_t *ush_scim_page(const struct ush_store *store, enum ush_scim_kind kind, const struct ush_scim_request *request, struct ush_scim_fault *fault);

/* ---- crowd.c ---- */

/* A group's members while a request changes them. */
struct ush_crowd {
	const struct ush_store *store;
	uint32_t *members; /* sorted, each once */
	size_t count;
};

/* Of a group, or (NULL) of one that is new. */
void ush_crowd_begin(struct ush_crowd *crowd, const struct ush_store *store, const struct ush_resource *group);

/* values as sent: a list of {value: ID}, one of them, or NULL. 400 for an id that nobody has. */
int ush_crowd_add(void *crowd, const json_t *values, struct ush_scim_fault *fault);
int ush_crowd_remove(void *crowd, const json_t *values, struct ush_scim_fault *fault);

struct ush_filter;
int ush_crowd_remove_some(void *crowd, const struct ush_filter *filter, struct ush_scim_fault *fault);

#endif
