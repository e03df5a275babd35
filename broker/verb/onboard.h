/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two halves of `usher-broker onboard` share.
 */
#ifndef USH_BROKER_VERB_ONBOARD_H
#define USH_BROKER_VERB_ONBOARD_H

#include "broker/verb/verb.h"

struct ush_onboard_person {
	const char *name;
	const char *issuer, *client;	/* of the sign-in, or NULL: as the policy's sources let guess */
	const char *namespace_name;	/* which groups are missing for all roles there; or NULL */
	const char *profile;		/* the profile's name */
};

/* onboard_user.c: writes nothing anywhere; prints. */
int ush_broker_onboard_user(struct ush_broker_options *options, const struct ush_onboard_person *person, struct ush_error *err);

#endif
