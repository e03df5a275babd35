/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters (RFC 7644 section 3.4.2.2) and the paths of PATCH (section 3.5.2): parsed with caps on length, depth and number
 * of comparisons; evaluated on JSON. Pure.
 */
#ifndef USH_RECEIVE_FILTER_H
#define USH_RECEIVE_FILTER_H

#include <stdbool.h>

#include "broker/receive/scim.h"

#define USH_FILTER_LENGTH 8192
#define USH_FILTER_DEPTH  16
#define USH_FILTER_NODES  64

/* urn:attr.sub; urn (of an extension, without the core's) and sub may be NULL. */
struct ush_scim_path {
	char *urn, *attr, *sub;
};

enum ush_filter_op {
	USH_FILTER_EQ,
	USH_FILTER_NE,
	USH_FILTER_CO,
	USH_FILTER_SW,
	USH_FILTER_EW,
	USH_FILTER_PR,
	USH_FILTER_GT,
	USH_FILTER_GE,
	USH_FILTER_LT,
	USH_FILTER_LE,
	USH_FILTER_AND,
	USH_FILTER_OR,
	USH_FILTER_NOT, /* left */
	USH_FILTER_SOME /* of the values of path, one for which left holds */
};

struct ush_filter {
	enum ush_filter_op op;
	struct ush_scim_path path;
	json_t *value; /* string, boolean, number or null */
	struct ush_filter *left, *right;
};

/* NULL with 400 invalidFilter. */
struct ush_filter *ush_filter_parse(const char *text, struct ush_scim_fault *fault);
void ush_filter_free(struct ush_filter *filter);
void ush_filter_free_indirect(struct ush_filter **filter);
#define USH_AUTO_FILTER __attribute__((cleanup(ush_filter_free_indirect))) struct ush_filter *

/* What is not in the JSON: a comparison that *known* says is answered with *result, the others are looked up in object. */
struct ush_filter_aside {
	bool (*known)(void *context, const struct ush_filter *comparison, bool *result);
	void *context;
};

/* aside may be NULL. */
bool ush_filter_match(const struct ush_filter *filter, const json_t *object, const struct ush_filter_aside *aside);

/* attr[filter].sub; filter may be NULL. */
struct ush_scim_target {
	struct ush_scim_path path; /* its sub is that behind the filter, too */
	struct ush_filter *filter;
};

/* -1 with 400 invalidPath. */
int ush_scim_target_parse(const char *text, struct ush_scim_target *target, struct ush_scim_fault *fault);
void ush_scim_target_free(struct ush_scim_target *target);
#define USH_AUTO_SCIM_TARGET __attribute__((cleanup(ush_scim_target_free))) struct ush_scim_target

/* A path as an attribute list of a query has it ("name.givenName"); the same fault. */
int ush_scim_path_parse(const char *text, struct ush_scim_path *path, struct ush_scim_fault *fault);
void ush_scim_path_free(struct ush_scim_path *path);

#endif
