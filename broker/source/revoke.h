/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending what a person has at the provider: sessions and refresh tokens. What cannot be ended there is told, with the time
 * until which it stays good: an ID token that was issued is believed by the API server until its `exp`.
 */
#ifndef USH_SOURCE_REVOKE_H
#define USH_SOURCE_REVOKE_H

#include "broker/source/source.h"

struct ush_revoked {
	bool supported;	       /* this kind of source can end sessions */
	bool found;	       /* the provider knows the person */
	bool enabled;	       /* and lets them sign in: again, too */
	bool ambiguous;	       /* with USH_ERR_REFUSED: two people bear the name, and nothing was done */
	char *where;	       /* "keycloak login.example.com/acme", raw */
	char *id, *name;       /* at the provider */
	char *called;	       /* as its groups write the person (peopleName), NULL: they do not, or it was not found */
	struct ush_list names; /* everything that tokens may call the person there: login, e-mail, id; sorted */
	struct ush_list groups; /* ids of the groups that the person is in directly, where that came along; sorted */
	size_t sessions;       /* that were ended; SIZE_MAX: the provider does not say how many */
	struct ush_list done;  /* "2 sessions", "offline tokens of client kubernetes": one line each, raw */
	struct ush_list left;  /* "sessions that applications hold of their own": one line each, raw */
	long token_seconds;    /* how long an ID token lives that was issued a moment ago; -1: the provider does not say */
};

/*
 * Looks the person up by login, e-mail or id (exactly; case as the provider sees it) and revokes. Somebody whom the
 * provider does not know is no error: found is false. Two people of that name are: USH_ERR_REFUSED, with both ids. dry:
 * looks, and changes nothing (done says what would be). Errors: USH_ERR_UNAVAILABLE, USH_ERR_REJECTED, USH_ERR_REFUSED (a
 * right is missing: the hint says which), USH_ERR_CONFIG. What was done before the error is in `out`.
 */
int ush_source_revoke(const struct ush_world *world, const struct ush_policy_source *source, const char *person, bool dry, struct ush_revoked *out,
		      struct ush_error *err);
void ush_revoked_free(struct ush_revoked *revoked);
#define USH_AUTO_REVOKED __attribute__((cleanup(ush_revoked_free))) struct ush_revoked

#endif
