/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection to a directory, and searches on it (RFC 4511), on OpenLDAP's library. TLS always, but for this machine when
 * the policy allows it; the host's name verified against the system's CAs and the policy's. No referral is followed, no
 * alias dereferenced, nothing is taken from ldap.conf or the environment. Nothing waits without an end: connecting has
 * USH_LDAP_CONNECT_MS, a search the setting searchTimeout, all together the setting timeout. Whatever a search ends with
 * but success is USH_ERR_INCOMPLETE, in one line that names base and filter; only what is wrong on our side is
 * USH_ERR_CONFIG.
 */
#ifndef USH_SOURCE_LDAP_H
#define USH_SOURCE_LDAP_H

#include <ldap.h>
#include <stdbool.h>

#include "broker/policy/policy.h"
#include "broker/source/ldap_entry.h"
#include "common/base/error.h"
#include "common/base/world.h"

#define USH_LDAP_CONNECT_MS	10000 /* ldap_wait.c tells it */
#define USH_LDAP_SEARCH_SECONDS 60
#define USH_LDAP_TIMEOUT	900
#define USH_LDAP_PAGE		500
#define USH_LDAP_ENTRIES_MOST	2000000	     /* of one search */
#define USH_LDAP_MESSAGE_MOST	(64UL << 20) /* bytes of one entry or answer */

struct ush_ldap {
	LDAP *ld;
	const struct ush_world *world;
	const struct ush_policy_source *source;
	int64_t deadline;  /* boot ms of the whole reading */
	int64_t search_ms; /* of one search, all its pages */
	ber_int_t page;
	size_t requests;
	int refused; /* the last result code that was a refusal */
	bool retry;  /* what failed may work when everything is read anew: the connection broke, the server is busy */
	/* what the rootDSE says */
	bool says_controls; /* it lists controls at all */
	bool pages;	    /* RFC 2696 */
	bool domain_scope;  /* leaves references to other domains out (Active Directory) */
	bool active_directory, openldap;
	char *context; /* the naming context of groups.base, or NULL */
};

/* Connects, begins TLS, binds, asks what the server is. */
int ush_ldap_open(struct ush_ldap *l, const struct ush_world *world, const struct ush_policy_source *source, int64_t deadline, struct ush_error *err);
void ush_ldap_close(struct ush_ldap *l);

/* Is what the policy says about the connection fit to be tried? USH_ERR_CONFIG. Asks nothing. ldap_link.c */
int ush_ldap_check(const struct ush_policy_source *source, struct ush_error *err);

struct ush_ldap_search {
	const char *what; /* "groups": begins the line of an error */
	const char *base, *filter;
	int scope; /* LDAP_SCOPE_BASE: no pages, and the entry must be there unless absent_ok */
	const char *const *attributes; /* ended by NULL */
	bool absent_ok; /* not there, elsewhere, not for us: an answer, and entry is not called */
	/* Takes an entry; -1 (err filled) ends the search. */
	int (*entry)(void *context, const struct ush_ldap_entry *entry, struct ush_error *err);
	void *context;
};

int ush_ldap_search(struct ush_ldap *l, const struct ush_ldap_search *search, struct ush_error *err);

/* The number of the directory's last change, as text: highestCommittedUSN, contextCSN, lastChangeNumber. *out is NULL where
 * the server has none that we may see. The caller frees. */
int ush_ldap_change_number(struct ush_ldap *l, char **out, struct ush_error *err);

/* Recordings: ldap_tape.c. failed NULL: it went well. */
void ush_ldap_tape_put(const struct ush_ldap *l, const struct ush_ldap_search *search, json_t *entries, const struct ush_error *failed);
int ush_ldap_tape_tell(struct ush_ldap *l, const struct ush_ldap_search *search, struct ush_error *err);

/* ---- for those who wait for answers: ldap_wait.c ---- */

/* The answer to a request; one: each entry by itself. Never later than `until` (boot ms) and the deadline. NULL with err. */
LDAPMessage *ush_ldap_wait(struct ush_ldap *l, int id, bool one, int64_t until, const char *what, struct ush_error *err);

/* What a result code means for the reading: fills err, USH_ERR_INCOMPLETE, and says in l->retry whether to try again.
 * matched, said: what the server adds, or NULL. Returns -1. */
int ush_ldap_refused(struct ush_ldap *l, const char *what, int code, const char *said, struct ush_error *err);

#endif
