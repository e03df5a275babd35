/* SPDX-License-Identifier: Apache-2.0
 *
 * What a new person needs: a profile and a kubeconfig for the laptop, and which groups they are in, what that lets them do,
 * and which groups are missing. Pure: nothing is written anywhere, no secret is in it.
 */
#ifndef USH_LIFECYCLE_ONBOARD_USER_H
#define USH_LIFECYCLE_ONBOARD_USER_H

#include <jansson.h>

#include "broker/ledger/ledger.h"
#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "broker/sync/want/desired.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct ush_onboard_user {
	const char *name;	    /* as somebody wrote it; then as the sources do */
	const char *issuer, *client; /* of the sign-in; NULL: as a source lets guess */
	const char *profile;
	const char *namespace_name; /* which groups are missing for all roles there, or NULL */
	const char *server, *ca_pem; /* of the API server; ca_pem may be NULL */
	const struct ush_policy *policy;
	const struct ush_groups *groups; /* one list a source, with everybody's members */
	const struct ush_desired *desired;
	const struct ush_ledger *ledger;
};

/* The name as the sources write it: exact, or the only one that differs in case alone. NULL with USH_DIFFERENCES when nobody
 * is called so, USH_ERR_INCOMPLETE when a source was not read whole, USH_ERR_USAGE when several are. Borrowed from groups. */
const char *ush_onboard_spelling(const struct ush_onboard_user *user, struct ush_error *err);

/* {"kind": "OnboardUser", "profile": {...}, "kubeconfig": {...}, "groups": [...], "may": [...], "missing": [...]}. NULL with
 * USH_ERR_USAGE when nobody says the issuer, or the namespace is none. Owned by the caller. */
json_t *ush_onboard_user_json(const struct ush_onboard_user *user, struct ush_error *err);

void ush_onboard_user_text(const json_t *report, struct ush_buf *out);

#endif
