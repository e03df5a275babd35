/* SPDX-License-Identifier: Apache-2.0
 *
 * Does what the API server sees of a person meet what the policy binds? A binding names a string, prefix and all; a token
 * carries a name where the policy binds a path, or an id, or another case, and the person has no access and no error says
 * why. Here each string that a token (or the API server itself) says is compared with what the sources have. Pure.
 */
#ifndef USH_CLAIMS_CLAIMS_H
#define USH_CLAIMS_CLAIMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "common/base/error.h"

struct ush_said {
	const char *person;     /* as the sources may know this person; NULL: not known */
	struct ush_list groups; /* strings as they were said */
	bool prefixed;		/* said by the API server: its prefix is in front */
	bool left_out;		/* the provider left the groups out: too many for a token (Entra) */
	bool no_claim;		/* there is no such claim at all */
};

struct ush_truth {
	enum ush_truth_kind { USH_TRUTH_OK, USH_TRUTH_NOTE, USH_TRUTH_FAIL } kind;
	char *text;   /* the string, or the group that is missing; raw */
	char *line;   /* what it means; raw */
	char *remedy; /* what to write where; NULL for none */
};

struct ush_truths {
	struct ush_truth *items;
	size_t count, failed;
};

/* groups: one list a source of the policy. Groups of Kubernetes' own (system:) are passed over. */
void ush_claims_compare(struct ush_truths *truths, const struct ush_policy *policy, const struct ush_groups *groups, const struct ush_said *said);
void ush_truths_free(struct ush_truths *truths);
#define USH_AUTO_TRUTHS __attribute__((cleanup(ush_truths_free))) struct ush_truths

/*
 * What a token says: a JWT (RFC 7519), whose signature is not looked at, or the ExecCredential that a credential plugin
 * prints around it. Strings of `said` are owned by it; *payload keeps what person points into. USH_ERR_CONFIG.
 */
int ush_said_by_token(struct ush_said *said, const struct ush_policy *policy, const char *text, size_t length, json_t **payload,
		      struct ush_error *err);

/* What a SelfSubjectReview says. USH_ERR_REJECTED. */
int ush_said_by_server(struct ush_said *said, const struct ush_policy *policy, const json_t *review, struct ush_error *err);

#endif
