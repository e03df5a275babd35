/* SPDX-License-Identifier: Apache-2.0
 *
 * What a value of a policy may look like, as tables: the reader reads by them, the JSON Schema and the manual's guard
 * print from them. A value is one of few types; a map has members, each with its form and the place in the struct that
 * the reader fills. What a table cannot say is read by hand in the file of its noun.
 */
#ifndef USH_POLICY_FORM_H
#define USH_POLICY_FORM_H

#include <stdbool.h>
#include <stddef.h>

enum ush_form_type {	    /* and what the reader fills */
	USH_FORM_TEXT,	    /* char * */
	USH_FORM_TEXTS,    /* struct ush_list, at least one */
	USH_FORM_PAIRS,    /* struct ush_list of "key=value": a map of texts, at least one */
	USH_FORM_CHOICE,   /* an enum: the place in `choices` */
	USH_FORM_NUMBER,   /* long, least to most */
	USH_FORM_FLAG,	    /* bool */
	USH_FORM_TIME,	    /* int64_t, Unix seconds */
	USH_FORM_DURATION, /* int64_t, seconds */
	USH_FORM_LIMIT,    /* struct ush_limit */
	USH_FORM_MAP,	    /* the members, in the same struct */
	USH_FORM_LIST,	    /* of maps with these members: by hand */
	USH_FORM_NAMED,    /* a map from names to maps with these members: by hand */
	USH_FORM_LABELS,   /* a label selector: by hand */
	USH_FORM_SOURCES,  /* settings.h: by hand */
	USH_FORM_LEVELS,   /* a text, or a map of texts: by hand */
};

#define USH_BY_HAND ((size_t)-1)

struct ush_form {
	enum ush_form_type type;
	const char *choices;			   /* CHOICE: "leaf|path|id" */
	const char *(*refused)(const char *text);  /* why a TEXT, an item of TEXTS, a name of NAMED may not be so; or NULL */
	const char *regex, *unlike;		   /* the same for the schema (of PAIRS: regex, of values), as far as what it must and must not look like can say
						      it (what ECMA 262 and POSIX have in common); or NULL */
	long least, most;			   /* of a NUMBER; least names of NAMED; most characters of a TEXT (schema), 0: any */
	const struct ush_member *members;	   /* MAP, LIST, NAMED */
	const char *const *alternatives;	   /* "a|b": one of them must be there; "?a|b": at most one may. Ended by NULL */
	bool may_be_empty;			   /* TEXT "", items of TEXTS "", LIST [] */
	bool numbers;				   /* values of PAIRS may be numbers: they stay as they are written */
};

struct ush_member {
	const char *name; /* NULL ends the table */
	bool required;
	const struct ush_form *form;
	size_t offset;	   /* where it goes, or USH_BY_HAND */
	const char *about; /* one line, no full stop */
};

/* The whole policy; its parts are reached through its members. forms.c */
extern const struct ush_form ush_form_policy, ush_form_cluster, ush_form_clusters, ush_form_source, ush_form_role, ush_form_rule, ush_form_grant,
	ush_form_exception, ush_form_template, ush_form_elevation, ush_form_seal;

#endif
