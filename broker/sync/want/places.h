/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces: those that are there, with what the policy asks of their labels, and those that it names and nobody has
 * seen yet. Pure; observe.h fills them.
 */
#ifndef USH_SYNC_PLACES_H
#define USH_SYNC_PLACES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/policy/policy.h"
#include "broker/policy/selectors.h"
#include "broker/sync/decide/unreached.h"
#include "broker/sync/want/texts.h"

struct ush_place {
	const char *name;
	const char *tenant; /* value of the policy's tenant label, or NULL */
	size_t row;         /* of `selected`, SIZE_MAX: no labels were seen */
	bool there;         /* somebody saw it. When nobody can list namespaces, every one is thought to be there */
	bool terminating;
	bool half_made;     /* onboard began with it: until what keeps it apart stands, nobody new is let in */
	bool excluded;      /* exclude.namespaces: nothing of ours goes there, and what is there is not touched */
};

struct ush_place_label { /* that a place has, and whose value some selector captures */
	uint32_t key, place; /* index into selectors.captured; until the places are sorted a row instead of a place */
	const char *value;
};

struct ush_places {
	struct ush_place *items; /* sorted by name after ush_places_sort */
	size_t count;
	size_t there;            /* how many are, without those that are being deleted */
	bool known;              /* they were listed */
	struct ush_unreached unreached; /* by the templates from which they say that they were made */
	bool few;                /* they are those that somebody asked about: what the policy names beside is not added */
	/* its own */
	struct ush_selectors selectors;
	size_t row_bytes, row_count;
	unsigned char *selected; /* a bit a row and selector: it matches, but for what it captures */
	struct ush_place_label *labels; /* sorted by key, value, place */
	size_t label_count;
	struct ush_texts texts;
};

/* Begins: which labels will matter. */
void ush_places_begin(struct ush_places *places, const struct ush_policy *policy);

/* True when labels must be looked at. */
bool ush_places_want_labels(const struct ush_places *places, const struct ush_policy *policy);

/* Takes one in that is there; labels may be NULL. */
void ush_places_add(struct ush_places *places, const struct ush_policy *policy, const char *name, const json_t *labels, bool terminating);

/* Forgets what was added: the list begins anew. */
void ush_places_forget(struct ush_places *places);

/* Adds what the policy names, sorts, marks what is excluded. The last thing; after it places do not change. */
void ush_places_sort(struct ush_places *places, const struct ush_policy *policy);
void ush_places_free(struct ush_places *places);
#define USH_AUTO_PLACES __attribute__((cleanup(ush_places_free))) struct ush_places

/* Index of a name, SIZE_MAX when there is none such. */
size_t ush_places_find(const struct ush_places *places, const char *name, size_t length);

/* The first whose name is not before the prefix; with `limit` the range of all that begin with it. */
size_t ush_places_from(const struct ush_places *places, const char *prefix, size_t length, size_t *limit);

/* True when a grant with a selector means it, but for what the selector captures. */
bool ush_places_selected(const struct ush_places *places, size_t place, size_t grant);

/* True when the place's labels say what the selector captures of a group whose path says this. For one that captures. */
bool ush_places_fit(const struct ush_places *places, size_t place, const struct ush_selector *selector, const struct ush_captures *captures);

/* The places that fit, without a look at each; the caller frees *found. */
size_t ush_places_fitting(const struct ush_places *places, const struct ush_selector *selector, const struct ush_captures *captures, uint32_t **found);

#endif
