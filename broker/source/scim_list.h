/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of a SCIM 2.0 server: by index (RFC 7644 section 3.4.2.4), or by cursor where the server says that it can (RFC
 * 9865). Names of attributes are compared without case (RFC 7643 section 2.1).
 */
#ifndef USH_SOURCE_SCIM_LIST_H
#define USH_SOURCE_SCIM_LIST_H

#include "broker/source/api.h"

struct ush_scim_paging {
	bool cursor;
	size_t count;   /* rows a page that are asked for */
	bool uncounted; /* a list was read whose pages told no totalResults */
};

/* Reads ServiceProviderConfig; a server without one pages by index. */
int ush_scim_paging(struct ush_api *api, struct ush_scim_paging *paging, struct ush_error *err);

struct ush_scim_list {
	const char *resource; /* "/Groups" */
	const char *query;    /* "&excludedAttributes=members" or "" */
	const char *what;     /* "groups" */
	int (*row)(void *context, const json_t *row, struct ush_error *err);
	void *context;
};

/*
 * Every row. By index the list is read to a page without a new row, wherever totals say that it ends; by cursor to the page
 * without nextCursor. totalResults must be the same on every page, and just the number of rows. USH_ERR_INCOMPLETE.
 */
int ush_scim_list(struct ush_api *api, struct ush_scim_paging *paging, const struct ush_scim_list *list, struct ush_error *err);

/* A member of an object; NULL when there is none. As text: a string, or the digits of an integer; the caller frees. */
const json_t *ush_scim_attr(const json_t *object, const char *name);
char *ush_scim_text(const json_t *object, const char *name);

/* The revoke of the kind. revoke_scim.c */
int ush_scim_revoke(struct ush_revoke *r, struct ush_error *err);

#endif
