/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a tree of nodes by tables (form.h), and collecting every fault on the way: what the policy's reader is made
 * of. Each function takes the field's path ("grants[1]") for the message.
 */
#ifndef USH_POLICY_READER_H
#define USH_POLICY_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/policy/form.h"
#include "common/base/error.h"
#include "common/data/yaml.h"
#include "common/kube/rbac.h"

#define USH_PATH_MAX 288 /* bytes of a path in a message; a longer one is cut */

struct ush_reader {
	const char *file;        /* for messages */
	struct ush_list *faults; /* every fault as a line; may be NULL */
	struct ush_error *err;   /* the first */
	size_t count;
};

/* One fault at a node; path may be "". */
void ush_reader_fault(struct ush_reader *r, const struct ush_node *at, const char *path, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same about a member of the map at path. */
void ush_reader_member_fault(struct ush_reader *r, const struct ush_node *at, const char *path, const char *key, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* True when node is a map. Unknown and missing members, and alternatives that are not one, are faults; members that have a
 * place are read into `out` (NULL: none is). */
bool ush_reader_map(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out);

/* One value of a form that is not read by hand. reader_values.c */
void ush_reader_value(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out);

/* True when node is a list of at least one item; with may_be_empty an empty one is no fault, and false. */
bool ush_reader_list(struct ush_reader *r, const struct ush_node *node, const char *path, bool may_be_empty);

/* True when node is a map of names that the form takes; an empty one is a fault when `least` says what is missing. */
bool ush_reader_names(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, const char *least);

/* What stands there, for "expected X, found Y". */
const char *ush_reader_found(const struct ush_node *node);

/* The node, or the member, as a string in fresh memory; NULL when it is absent, or (a fault) is no string or is empty. */
char *ush_reader_text(struct ush_reader *r, const struct ush_node *node, const char *path, bool may_be_empty);
char *ush_reader_string(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key);

/* "a|b|c": the place of a word, or -1 and a fault. */
int ush_reader_choice(struct ush_reader *r, const struct ush_node *node, const char *path, const char *choices, const char *word);

/* "2027-01-01" (midnight UTC) or "2027-01-01T09:00:00Z"; "90s", "30m", "1h", "7d". False: it is none. */
bool ush_parse_moment(const char *text, int64_t *seconds);
bool ush_parse_duration(const char *text, int64_t *seconds);

/* The path of a member: "grants[1].role", or "cluster" at the top. Returns out, which holds USH_PATH_MAX bytes. */
const char *ush_reader_under(const char *path, const char *key, char *out);
const char *ush_reader_item(const char *path, size_t number, char *out);

/* A word and the closest of candidates for "did you mean"; "" or "; did you mean X?" into out. */
const char *ush_reader_nearest(const char *word, const char *const *candidates, char *out, size_t size);

/* The same for a word that should be a name of one of `count` structs of `size` bytes whose first member is the name. */
const char *ush_reader_nearest_of(const char *word, const void *structs, size_t count, size_t struct_size, char *out, size_t size);

#endif
