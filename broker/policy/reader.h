/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a tree of nodes against tables of members, and collecting every fault on the way: what the policy's reader is
 * made of. Each function takes the field's path ("grants[1]") for the message.
 */
#ifndef USH_POLICY_READER_H
#define USH_POLICY_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/data/yaml.h"
#include "common/kube/rbac.h"

struct ush_reader {
	const char *file;        /* for messages */
	struct ush_list *faults; /* every fault as a line; may be NULL */
	struct ush_error *err;   /* the first */
	size_t count;
};

enum ush_member_kind { USH_MEMBER_OPTIONAL, USH_MEMBER_REQUIRED, USH_MEMBER_LATER /* known, and not in this version */ };

struct ush_member {
	const char *name; /* NULL ends the table */
	enum ush_member_kind kind;
};

/* One fault at a node; path may be "". */
void ush_reader_fault(struct ush_reader *r, const struct ush_node *at, const char *path, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same about a member of the map at path. */
void ush_reader_member_fault(struct ush_reader *r, const struct ush_node *at, const char *path, const char *key, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* True when node is a map; unknown, missing and later members are faults. */
bool ush_reader_map(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_member *members);

/* True when node is a list of at least one item. */
bool ush_reader_list(struct ush_reader *r, const struct ush_node *node, const char *path);

/* The member as a string in fresh memory; NULL when it is absent, or (a fault) is no string or is empty. */
char *ush_reader_string(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key);

/* The member, a list of strings, appended to out; absent is nothing. */
void ush_reader_strings(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key, struct ush_list *out);

/* The member: "2027-01-01" (midnight UTC) or "2027-01-01T09:00:00Z"; 0 when absent. */
int64_t ush_reader_time(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key);

/* The member: "90s", "30m", "1h", "7d" in seconds; fallback when absent. */
int64_t ush_reader_duration(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key, int64_t fallback);

/* A word and the closest of candidates for "did you mean"; "" or "; did you mean X?" into out. */
const char *ush_reader_nearest(const char *word, const char *const *candidates, char *out, size_t size);

#endif
