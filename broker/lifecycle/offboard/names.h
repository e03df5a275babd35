/* SPDX-License-Identifier: Apache-2.0
 *
 * What the API server may call a person who leaves: with the prefix and without it, "issuer#name" where the issuer is
 * known, login, e-mail and id; and however it is capitalised. And who was meant when nobody is called so. Pure.
 */
#ifndef USH_LIFECYCLE_OFFBOARD_NAMES_H
#define USH_LIFECYCLE_OFFBOARD_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/policy/policy.h"
#include "common/kube/rbac.h"
#include "common/kube/scan.h"

struct ush_spellings {
	struct ush_list told;	/* sorted: for people, and for the ledger */
	struct ush_list folded; /* sorted, as ush_ledger_folded makes them: what is looked up */
};

/* Adds every spelling of a name as the provider or a person writes it. Nothing for an empty one or Kubernetes' own
 * ("system:..."). */
void ush_spellings_add(struct ush_spellings *spellings, const struct ush_policy *policy, const char *name);

/* The same of a name that a provider said: there it is whole, whatever it begins with. */
void ush_spellings_said(struct ush_spellings *spellings, const struct ush_policy *policy, const char *name);

/* What follows the prefix, or "issuer#", by which the API server would call somebody; name itself where it has neither. */
const char *ush_spelling_bare(const struct ush_policy *policy, const char *name);

/* Just this text. */
void ush_spellings_add_text(struct ush_spellings *spellings, const char *text);
void ush_spellings_free(struct ush_spellings *spellings);

bool ush_spellings_have(const struct ush_spellings *spellings, const char *text);
bool ush_spellings_have_slice(const struct ush_spellings *spellings, struct ush_slice text);

/* In a sorted list; a slice is a string. */
bool ush_list_holds(const struct ush_list *sorted, const char *text);
bool ush_list_holds_slice(const struct ush_list *sorted, struct ush_slice text);

/* The issuer of a source's tokens, where the policy says enough to know it; NULL. The caller frees. */
char *ush_source_issuer(const struct ush_policy_source *source);

/* True for the names that are Kubernetes' own. */
bool ush_name_is_system(const char *name);

/* ---- who was meant ---- */

#define USH_NEAR_MAX 3
struct ush_near {
	const char *wanted, *prefix; /* borrowed; prefix: that candidates may have before their names, or NULL */
	char *names[USH_NEAR_MAX];
	size_t distances[USH_NEAR_MAX], count;
};

/* Keeps the candidate when it is among the closest so far, and close. */
void ush_near_offer(struct ush_near *near, const char *candidate);

/* " (did you mean carla or carol@example.com?)", "" for nobody. The caller frees. */
char *ush_near_text(const struct ush_near *near);
void ush_near_free(struct ush_near *near);

#endif
