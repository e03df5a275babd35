/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML 1.1 as kubectl and people write it, read into a tree that remembers line and column, so that an error can point.
 * JSON is read by the same door. Caps: bytes by the caller, depth, nodes (aliases are copied and counted, so an alias
 * bomb ends at the cap). Duplicate keys are refused. And a byte-stable emitter.
 */
#ifndef USH_DATA_YAML_H
#define USH_DATA_YAML_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/text.h"

#define USH_YAML_DEPTH 32
#define USH_YAML_NODES 2000000

enum ush_node_kind { USH_NODE_SCALAR, USH_NODE_MAP, USH_NODE_LIST };

struct ush_node {
	enum ush_node_kind kind;
	unsigned int line, column;  /* from 1 */
	char *text;                 /* scalar: NUL terminated UTF-8 without NUL bytes */
	bool quoted;                /* scalar: written with quotes or as a block, so a string whatever it looks like */
	size_t count;               /* items of a list, pairs of a map */
	struct ush_node **items;    /* list items, or the values of a map */
	struct ush_node **keys;     /* map: keys[i] is the scalar in front of items[i]; NULL otherwise */
};

/*
 * Reads all documents of text. *documents is an array of *count trees; an empty document is a scalar "" unquoted. On
 * failure err is "name:line:column: why" with `code`, and nothing is returned. Free with ush_yaml_free_all.
 */
int ush_yaml_read(const char *text, size_t length, const char *name, enum ush_code code, struct ush_node ***documents,
		  size_t *count, struct ush_error *err);

/* Exactly one document. NULL on failure. */
struct ush_node *ush_yaml_read_one(const char *text, size_t length, const char *name, enum ush_code code, struct ush_error *err);

void ush_node_free(struct ush_node *node);
void ush_yaml_free_all(struct ush_node **documents, size_t count);

static inline void ush_node_free_indirect(struct ush_node **node)
{
	ush_node_free(*node);
}

#define USH_AUTO_NODE __attribute__((cleanup(ush_node_free_indirect))) struct ush_node *

/* The value of key in a map, or NULL (also when node is NULL or no map). */
const struct ush_node *ush_node_get(const struct ush_node *node, const char *key);

/* The text of a scalar that is a string (not null, bool or number when unquoted); NULL otherwise. */
const char *ush_node_string(const struct ush_node *node);

/* True for an unquoted null, ~ or nothing. */
bool ush_node_is_null(const struct ush_node *node);

/* 1 and *value for an unquoted true/false, else 0. */
int ush_node_bool(const struct ush_node *node, bool *value);

/* 1 and *value for an unquoted decimal integer that fits, else 0. */
int ush_node_integer(const struct ush_node *node, long long *value);

/* "map", "list", "number", "bool", "null", "string": for "expected X, found Y". */
const char *ush_node_kind_name(const struct ush_node *node);

/* "name:line:column: " in front of a message at node. Returns -1. */
int ush_node_fail(struct ush_error *err, enum ush_code code, const char *name, const struct ush_node *node, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* As kubectl would read it (sigs.k8s.io/yaml: core schema). The caller owns the value. Numbers too large become strings. */
json_t *ush_yaml_to_json(const struct ush_node *node);

/*
 * Writes value as block YAML, byte-stable: keys in the order of the object unless `sorted`, two spaces, every string
 * double quoted unless it is plainly a word ([A-Za-z][A-Za-z0-9-]* that no YAML reader takes for something else).
 * Control, bidi and zero-width characters are written as escapes. What it writes, ush_yaml_read reads back equal.
 */
int ush_yaml_write(struct ush_buf *out, const json_t *value, bool sorted);

#endif
