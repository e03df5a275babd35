/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the source entra: what reading whole lists (entra.c) and reading changes (entra_delta.c) share.
 */
#ifndef USH_SOURCE_ENTRA_H
#define USH_SOURCE_ENTRA_H

#include "broker/source/reading.h"

struct ush_entra {
	struct ush_reading r; /* first: what is handed a reading finds the rest behind it */
	void *hidden;	      /* ids of groups with hidden membership */
};

/* Two ways to ask Graph: the directory itself, and the index behind it that counts and takes every filter
 * (ConsistencyLevel: eventual, on every page of a list). entra_token.c */
extern const struct ush_api_kind ush_entra_directory, ush_entra_index;

int ush_entra_sign_in(struct ush_api *api, struct ush_error *err);

/* Opens Graph as one of these, or for another purpose. USH_ERR_CONFIG. */
int ush_entra_open(struct ush_api *api, const struct ush_world *world, const struct ush_policy_source *source, const struct ush_api_kind *how,
		   struct ush_error *err);

/* The revoke of the kind. */
int ush_entra_revoke(struct ush_revoke *r, struct ush_error *err);

/* Graph tells from 80 % of a limit on how near it is (x-ms-throttle-limit-percentage): fewer requests at once then. */
void ush_entra_pace(struct ush_api *api, const struct ush_http_response *response);

/* "@odata.nextLink" of a page of `what`, as it stands; the caller frees. NULL at the end. */
int ush_entra_next(const json_t *page, const char *what, char **next, struct ush_error *err);

/* "/v1.0/groups?" options, with the policy's filter. The caller frees. */
char *ush_entra_list(const struct ush_api *api, const char *what, const char *options);

/* A user by the policy's peopleName, and whether he may sign in. */
const char *ush_entra_name(const struct ush_api *api, const json_t *user);
enum ush_person ush_entra_state(const json_t *user);

/* A group whose members Graph hides and that shows none: nobody knows whether it has any. Returns -1. */
int ush_entra_hidden(const char *path, struct ush_error *err);

/* Reads by deltaFile. entra_delta.c */
int ush_entra_changes(struct ush_entra *entra, struct ush_error *err);

#endif
