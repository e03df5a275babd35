/* SPDX-License-Identifier: Apache-2.0
 *
 * The fake API server's objects: what a path means, who owns which field, what create, update, apply and delete do.
 * For fake_kube*.c alone.
 */
#ifndef USH_TEST_FAKE_KUBE_STORE_H
#define USH_TEST_FAKE_KUBE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_kube_kind {
	const char *kind, *api_version, *root, *plural;
	bool namespaced;
};

struct fake_kube_target { /* what an API path means */
	const struct fake_kube_kind *kind;
	char namespace_name[256], name[256]; /* "" when the path has none */
};

struct fake_kube_entry {
	char *path; /* canonical, not percent-encoded */
	const struct fake_kube_kind *kind;
	json_t *object;
};

struct fake_kube_store {
	struct fake_kube_entry *entries; /* sorted by path */
	size_t count;
	int64_t version;
	unsigned int uids;
	const int64_t *now_ms;
};

/* An answer: a status and a body that the caller decrefs. */
struct fake_kube_answer {
	int status;
	json_t *body;
};

struct fake_kube_write {
	const char *manager;
	bool force, dry_run;
};

const struct fake_kube_kind *fake_kube_kind_of(const char *kind);
bool fake_kube_target_of(const char *path, size_t length, struct fake_kube_target *target);
char *fake_kube_key(const struct fake_kube_target *target);

struct fake_kube_entry *fake_kube_find(const struct fake_kube_store *store, const char *key);
void fake_kube_drop(struct fake_kube_store *store, const char *key); /* with what is in it when it is a namespace */
void fake_kube_store_free(struct fake_kube_store *store);

struct fake_kube_answer fake_kube_status(int status, const char *reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
struct fake_kube_answer fake_kube_not_found(const struct fake_kube_target *target);

struct fake_kube_answer fake_kube_create(struct fake_kube_store *store, const struct fake_kube_target *target,
					 const json_t *object, const struct fake_kube_write *how);
struct fake_kube_answer fake_kube_update(struct fake_kube_store *store, const struct fake_kube_target *target,
					 const json_t *object, const struct fake_kube_write *how);
struct fake_kube_answer fake_kube_patch(struct fake_kube_store *store, const struct fake_kube_target *target,
					const json_t *object, const struct fake_kube_write *how);
struct fake_kube_answer fake_kube_merge_patch(struct fake_kube_store *store, const struct fake_kube_target *target,
					      const json_t *patch, const struct fake_kube_write *how);
struct fake_kube_answer fake_kube_delete(struct fake_kube_store *store, const struct fake_kube_target *target,
					 const json_t *options, const struct fake_kube_write *how);

/* fake_kube_fields.c: the leaves that managedFields speak of, and apply's merge. */
json_t *fake_kube_fields_of(const json_t *object);
json_t *fake_kube_manager_entry(const json_t *object, const char *manager, const char *operation, const char *time);
/* Merges object into stored as `manager` applies it. Returns the causes of a conflict (array, owned) or NULL. */
json_t *fake_kube_merge(json_t *stored, const json_t *object, const char *manager, bool force, const char *time);
/* Gives `manager` by Update every field in which after differs from before; after takes before's other owners. */
void fake_kube_take_over(const json_t *before, json_t *after, const char *manager, const char *time);

/* fake_kube_review.c: RBAC as stored. */
bool fake_kube_rbac_allows(const struct fake_kube_store *store, const char *user, const json_t *groups,
			   const json_t *attributes);

#endif
