/* SPDX-License-Identifier: Apache-2.0
 *
 * Manifests: files, folders and stdin full of Kubernetes objects, YAML or JSON, many documents a file, Lists unwrapped.
 */
#ifndef USH_KUBE_MANIFEST_H
#define USH_KUBE_MANIFEST_H

#include <jansson.h>
#include <stddef.h>

#include "common/base/error.h"

/*
 * Calls object() for every Kubernetes object under path: a file, a folder (its *.yaml, *.yml, *.json, recursively, in
 * byte order; links to folders are not followed, names that begin with a dot are left out), or "-" for stdin. origin is
 * "file:line" of the object; kind and apiVersion of a List's items are filled in. Empty documents
 * are passed over; a document that is no Kubernetes object (no apiVersion or kind) is USH_ERR_INCOMPLETE, as is
 * anything unreadable: what could not be read is never "nothing there". *count tells how many objects there were.
 */
int ush_manifests_read(const char *path,
		       int (*object)(void *context, json_t *object, const char *origin, struct ush_error *err),
		       void *context, size_t *count, struct ush_error *err);

#endif
