/* SPDX-License-Identifier: Apache-2.0
 *
 * One object of a list, read from its JSON text in one pass: nothing is built and nothing allocated a field, so a hundred
 * thousand of them cost what looking at their bytes costs. As strict as ush_json_parse and ush_rbac_read (UTF-8, escapes,
 * no key twice, depth, numbers in range; names, maps of strings, subjects of the API's shape): what one refuses the other
 * refuses, and tests/fuzz/fuzz_scan.c holds them to it.
 *
 * Everything in a struct ush_item is borrowed from the text and from the scanner: valid inside the callback that got it,
 * until the next scan.
 */
#ifndef USH_KUBE_SCAN_H
#define USH_KUBE_SCAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/kube/rbac.h"

/* A JSON value where it stands. Of a string: what is between its quotes; of a map or list: with its brackets. */
struct ush_slice {
	const char *text; /* NULL: absent, or null */
	size_t length;
	char type;  /* '"' string, '{' map, '[' list, '0' number, 't', 'f'; 0: absent, or null */
	bool plain; /* a string without escapes: its bytes are its text */
};

struct ush_item {
	/* of every object, whatever its type: a hostile server's name may be a map */
	struct ush_slice kind, api_version; /* of the list when the item does not say them */
	struct ush_slice name, namespace_name, uid, resource_version;
	struct ush_slice labels, annotations; /* maps */
	struct ush_slice managed_fields;      /* a list, as it stands */
	bool owned;			      /* ownerReferences has an entry */
	bool terminating;		      /* has a deletionTimestamp */
	/* after ush_item_rbac */
	enum ush_rbac_kind rbac;
	struct ush_slice role_kind, role_name; /* of a binding's roleRef */
	struct ush_slice subjects;	       /* of a binding: list; walk it with ush_walk_subject */
	struct ush_slice rules, aggregation;   /* of a role: list, and map */
	/* its own */
	struct ush_slice text, metadata, role_ref, owners, deletion;
};

/* What a list says once for all its items. */
struct ush_item_defaults {
	const char *kind, *api_version; /* "RoleBinding", "rbac.authorization.k8s.io/v1"; NULL: not said */
};

/* ---- reading ---- */

/* Memory that is used again for each item. Zero-initialised. */
struct ush_scan {
	struct ush_scan_key *keys; /* of the maps that are open */
	size_t key_count, key_room;
	struct ush_buf number;	   /* a number out of the ordinary */
};

/* Any Kubernetes object. Fails with `code` and "what: why" (what NULL: "why") on text that is not valid JSON or no map. */
int ush_scan_object(struct ush_scan *scan, const char *text, size_t length, const struct ush_item_defaults *defaults,
		    const char *what, enum ush_code code, struct ush_item *item, struct ush_error *err);

/* 1 when the item is a Role, ClusterRole, RoleBinding or ClusterRoleBinding, and its fields are as ush_rbac_read would
 * have them (namespace_name is "default" when it says none, absent for the cluster kinds); 0 when it is another kind; -1
 * with `code` and "kind namespace/name: field: why" when it does not have the API's shape. */
int ush_item_rbac(struct ush_item *item, enum ush_code code, struct ush_error *err);

/* The same object the long way, kind and apiVersion filled in; the caller owns it. For those few that must be kept or
 * shown. NULL with `code` when that cannot be (it can, after a scan that succeeded). */
json_t *ush_item_json(const struct ush_item *item, enum ush_code code, struct ush_error *err);

/* Who owns subjects, roleRef or rules by the newest entry of managedFields; absent when nobody says. */
struct ush_slice ush_item_manager(const struct ush_item *item);

void ush_scan_free(struct ush_scan *scan);
#define USH_AUTO_SCAN __attribute__((cleanup(ush_scan_free))) struct ush_scan

/* ---- looking into a slice (slice.c); only text that was scanned ---- */

/* for (struct ush_walk w = ush_walk(item->labels); ush_walk_member(&w, &key, &value);) An absent slice has nothing. */
struct ush_walk {
	const char *at, *end;
};
struct ush_walk ush_walk(struct ush_slice container);
bool ush_walk_member(struct ush_walk *walk, struct ush_slice *key, struct ush_slice *value); /* of a map */
bool ush_walk_element(struct ush_walk *walk, struct ush_slice *value);			     /* of a list */

struct ush_item_subject {
	struct ush_slice kind, name;
	struct ush_slice namespace_name; /* of a ServiceAccount alone; the binding's when left out */
};
bool ush_walk_subject(struct ush_walk *walk, const struct ush_item *item, struct ush_item_subject *subject);

/* Who owns subjects, roleRef or rules, by managedFields: for (struct ush_walk w = ush_walk_managers(item);
 * ush_walk_manager(&w, &manager);) */
struct ush_item_manager {
	struct ush_slice name, time, fields; /* fields: a map of "f:subjects" and the like */
};
struct ush_walk ush_walk_managers(const struct ush_item *item);
bool ush_walk_manager(struct ush_walk *walk, struct ush_item_manager *manager);

/* The member of a map, absent when it has none. */
struct ush_slice ush_slice_member(struct ush_slice map, const char *key);

/* Text of our own as a string; NULL gives an absent one. */
struct ush_slice ush_slice_of(const char *text);

/* True for a string that says exactly this. */
bool ush_slice_is(struct ush_slice slice, const char *text);

/* The string's text with escapes undone, at most slice.length bytes into out, no NUL behind; returns how many. */
size_t ush_slice_decode(struct ush_slice slice, char *out);

/* The string's text, owned by the caller; NULL for what is no string. */
char *ush_slice_copy(struct ush_slice slice);

/* As strcmp of the texts of two strings. */
int ush_slice_order(struct ush_slice a, struct ush_slice b);

#endif
