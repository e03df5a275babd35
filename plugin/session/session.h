/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: the refresh token and the identity it belongs to. Kept in a store as one line of unpadded base64url over
 * JSON, versioned; never a newline, so that no keyring trips over it. A checksum inside tells a torn text, which must not
 * be taken for a refresh token that the provider then refuses for good.
 */
#ifndef USH_SESSION_SESSION_H
#define USH_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/secret.h"

struct ush_session {
	char *binding;                 /* ush_profile_binding: compared again when read */
	struct ush_secret *refresh;    /* NULL: the provider gave none */
	struct ush_secret *id_token;   /* the newest, for id_token_hint and where no session cache is */
	int64_t id_expires;            /* Unix seconds */
	char *subject, *account;       /* sub, and e-mail or username for people */
	char *nonce;                   /* of the sign-in, or NULL */
	char *scope;                   /* what was granted, for the refresh to ask the same (RFC 6749 section 6), or NULL */
	char **groups;                 /* of the newest ID token, for status */
	size_t group_count;
	size_t groups_left_out;        /* more groups, whose names did not fit where the session is kept */
	int64_t signed_in;             /* Unix seconds */
	int64_t refresh_expires;       /* Unix seconds when the provider said so (refresh_expires_in), else 0 */
	int64_t skew;                  /* provider's clock minus ours, seconds, bounded */
};

#define USH_SESSION_MAX 16384 /* characters of the text; keyrings are known to lose what is larger */

/* Leaves the ID token out where the text would be longer than USH_SESSION_MAX, then the names of the groups. */
struct ush_secret *ush_session_write(const struct ush_session *session);
/* NULL with USH_ERR_STORE when it is torn, of another version, or bound to something else. */
struct ush_session *ush_session_read(const struct ush_secret *text, const char *binding, struct ush_error *err);
void ush_session_free(struct ush_session *session);

static inline void ush_session_free_indirect(struct ush_session **session)
{
	ush_session_free(*session);
}
#define USH_AUTO_SESSION __attribute__((cleanup(ush_session_free_indirect))) struct ush_session *

#endif
