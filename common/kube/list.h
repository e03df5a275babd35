/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of any length at the price of looking at their bytes: the items of ush_kube_list_all (client.h, same promises)
 * as slices of the stream instead of JSON values.
 */
#ifndef USH_KUBE_LIST_H
#define USH_KUBE_LIST_H

#include "common/kube/client.h"
#include "common/kube/scan.h"

struct ush_kube_stream {
	const char *path;     /* "/apis/rbac.authorization.k8s.io/v1/rolebindings" */
	const char *selector; /* labelSelector, or NULL */
	/* Borrows item, for the call; kind and api_version are there. -1 with err filled stops. */
	int (*item)(void *context, struct ush_item *item, struct ush_error *err);
	/* The list begins anew: forget what came so far. */
	void (*restart)(void *context);
	void *context;
	bool metadata_only; /* PartialObjectMetadata: what a Secret holds never comes here */
	bool likely_short;  /* one page, mostly: the server is not asked first whether it could write a long list in one answer */
};
int ush_kube_list_items(const struct ush_kube *kube, const struct ush_kube_stream *stream, size_t *count,
			char **resource_version, struct ush_error *err);

/* The server's minor version, 36 of 1.36; 0 when it does not tell. Asked once a configuration; fails only without any
 * answer. version.c */
int ush_kube_minor(const struct ush_kube *kube, int *minor, struct ush_error *err);

#endif
