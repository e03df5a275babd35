/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for a directory, and what its refusals mean.
 */
#include <string.h>
#include <sys/time.h>

#include "broker/source/ldap.h"
#include "common/base/memory.h"

static const struct refusal {
	int code;
	const char *name, *why, *hint;
	bool retry;
} refusals[] = {
	{LDAP_OPERATIONS_ERROR, "operationsError", "the server could not do it", "Without bindDN many servers answer nobody; else try a narrower base", false},
	{LDAP_TIMELIMIT_EXCEEDED, "timeLimitExceeded", "the server's limit of time was reached", "Give bindDN a higher limit, or search less (base, filter)", false},
	{LDAP_SIZELIMIT_EXCEEDED, "sizeLimitExceeded", "the server cut the answer off at its limit of entries",
	 "Give bindDN a higher limit (OpenLDAP: limits ... size.prtotal=unlimited), or search less (base, filter)", false},
	{LDAP_STRONG_AUTH_REQUIRED, "strongerAuthRequired", "the server wants TLS", "Say ldaps:// in url, or startTLS: true", false},
	{LDAP_REFERRAL, "referral", "the server sends us to another one", "Name in url the server that has this base itself", false},
	{LDAP_ADMINLIMIT_EXCEEDED, "adminLimitExceeded", "the server refuses so large a search", "Try a smaller pageSize, or give bindDN higher limits", false},
	{LDAP_UNAVAILABLE_CRITICAL_EXTENSION, "unavailableCriticalExtension", "the server does not do what the search needs", NULL, false},
	{LDAP_NO_SUCH_OBJECT, "noSuchObject", "there is no such entry, or none that we may see", "Check the base, and what bindDN may read", false},
	{LDAP_ALIAS_PROBLEM, "aliasProblem", "it is an alias that leads nowhere", NULL, false},
	{LDAP_INVALID_DN_SYNTAX, "invalidDNSyntax", "the server takes the base for no DN", "Check the base", false},
	{LDAP_INVALID_CREDENTIALS, "invalidCredentials", "the server does not take bindDN and its secret",
	 "Nothing was tried twice, so that the account is not locked out by us", false},
	{LDAP_INSUFFICIENT_ACCESS, "insufficientAccessRights", "bindDN may not do that", "Give it the right to read groups and people", false},
	{LDAP_BUSY, "busy", "the server is busy", NULL, true},
	{LDAP_UNAVAILABLE, "unavailable", "the server is shutting down or not ready", NULL, true},
	{LDAP_UNWILLING_TO_PERFORM, "unwillingToPerform", "the server will not do it", NULL, false},
	{LDAP_SERVER_DOWN, "no connection", "the server cannot be reached, or the connection broke", NULL, true},
	{LDAP_TIMEOUT, "no answer", "the server did not answer in time", NULL, false},
	{LDAP_FILTER_ERROR, "bad filter", "that is no filter", "Check the source's filters: RFC 4515", false},
};

static const struct {
	const char *mark, *why;
} bind_states[] = { /* how Active Directory says why it does not take a password: seen on Samba 4.17 */
	{"data 525", "no such account"},
	{"data 52e", "account or password are wrong"},
	{"data 530", "the account may not sign in at this hour"},
	{"data 531", "the account may not sign in here"},
	{"data 532", "its password has expired"},
	{"data 533", "the account is disabled"},
	{"data 701", "the account has expired"},
	{"data 773", "its password must be changed first"},
	{"data 775", "the account is locked out"},
};

static const char *state_of(int code, const char *said)
{
	for (size_t i = 0; code == LDAP_INVALID_CREDENTIALS && said != NULL && i < USH_COUNT(bind_states); i++)
		if (strstr(said, bind_states[i].mark) != NULL)
			return bind_states[i].why;
	return NULL;
}

int ush_ldap_refused(struct ush_ldap *l, const char *what, int code, const char *said, struct ush_error *err)
{
	static const struct refusal other = {0, NULL, "the server refused", NULL, false};
	const struct refusal *found = &other;
	const char *state = state_of(code, said);
	enum ush_code kind = code == LDAP_FILTER_ERROR ? USH_ERR_CONFIG : USH_ERR_INCOMPLETE;

	for (size_t i = 0; i < USH_COUNT(refusals); i++)
		if (refusals[i].code == code)
			found = &refusals[i];
	l->refused = code;
	l->retry = l->retry || found->retry;
	if (said != NULL && *said == '\0')
		said = NULL;
	ush_fail(err, kind, "%.300s: %s%s%s (%s%s%d)%s%.100s", what, found->why, state != NULL ? ": " : "", state != NULL ? state : "",
		 found->name != NULL ? found->name : "result", found->name != NULL ? ", " : " ", code, said != NULL ? ": " : "", said != NULL ? said : "");
	return found->hint != NULL ? ush_hint(err, "%s", found->hint) : -1;
}

static int broken(struct ush_ldap *l, const char *what, struct ush_error *err)
{
	int code = LDAP_SERVER_DOWN;
	char *said = NULL;

	ldap_get_option(l->ld, LDAP_OPT_RESULT_CODE, &code);
	ldap_get_option(l->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
	ush_ldap_refused(l, what, code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code, said, err);
	ldap_memfree(said);
	return -1;
}

LDAPMessage *ush_ldap_wait(struct ush_ldap *l, int id, bool one, int64_t until, const char *what, struct ush_error *err)
{
	int64_t end = until < l->deadline ? until : l->deadline, left = end - ush_boot_ms(l->world);
	struct timeval wait = {.tv_sec = left > 0 ? left / 1000 : 0, .tv_usec = left > 0 ? left % 1000 * 1000 : 0};
	LDAPMessage *message = NULL;
	int type = left > 0 ? ldap_result(l->ld, id, one ? LDAP_MSG_ONE : LDAP_MSG_ALL, &wait, &message) : 0;

	if (type > 0)
		return message;
	ldap_msgfree(message);
	if (type < 0)
		broken(l, what, err);
	else
		ush_ldap_refused(l, what, LDAP_TIMEOUT, until > l->deadline ? "the timeout of the whole reading is over" : one ? "searchTimeout is over" : "10 s are over", err);
	return NULL;
}
