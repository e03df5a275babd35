/* SPDX-License-Identifier: Apache-2.0
 *
 * A search to its end: pages (RFC 2696) until the server gives an empty cookie with success. An entry that comes twice, a
 * page without its control, an empty page that leads to the same place again, a reference to another server: each means
 * that the list is not the list.
 */
#include <string.h>
#include <sys/time.h>

#include "broker/source/ldap.h"
#include "broker/source/record.h"
#include "broker/source/source.h"
#include "common/base/memory.h"

#define OID_DOMAIN_SCOPE "1.2.840.113556.1.4.1339"
#define EMPTY_MOST	 100 /* pages in a row without an entry */

struct chain {
	struct ush_ldap *l;
	const struct ush_ldap_search *search;
	char *what; /* "groups under "ou=...", filter (...)" */
	int64_t until;
	bool paged, closed;
	struct berval cookie;
	size_t pages, entries, of_page, empty;
	void *seen;
	json_t *tape; /* entries, when a recording is made */
};

/* ---- asking ---- */

static int add_controls(struct chain *chain, LDAPControl **out, size_t *count)
{
	LDAPControl scope = {.ldctl_oid = (char *)OID_DOMAIN_SCOPE};
	struct ush_ldap *l = chain->l;
	int code = LDAP_SUCCESS;

	*count = 0;
	if (chain->paged)
		code = ldap_create_page_control(l->ld, l->page, &chain->cookie, l->pages || chain->pages > 0, &out[(*count)++]);
	if (code == LDAP_SUCCESS && l->domain_scope && chain->search->scope != LDAP_SCOPE_BASE)
		out[(*count)++] = ldap_control_dup(&scope);
	return code;
}

static int ask(struct chain *chain, int *id, struct ush_error *err)
{
	const struct ush_ldap_search *search = chain->search;
	LDAPControl *controls[3] = {NULL};
	struct ush_ldap *l = chain->l;
	int64_t left = chain->until - ush_boot_ms(l->world);
	struct timeval limit = {.tv_sec = left > 1000 ? left / 1000 : 1};
	size_t count;
	int code = add_controls(chain, controls, &count);

	if (code == LDAP_SUCCESS)
		code = ldap_search_ext(l->ld, search->base, search->scope, search->filter, (char **)(uintptr_t)search->attributes, 0, controls, NULL, &limit, 0, id);
	for (size_t i = 0; i < count; i++)
		ldap_control_free(controls[i]);
	l->requests++;
	return code == LDAP_SUCCESS ? 0 : ush_ldap_refused(l, chain->what, code, NULL, err);
}

/* ---- what comes ---- */

static int read_entry(struct chain *chain, LDAPMessage *message, struct ush_ldap_entry *entry, struct ush_error *err)
{
	LDAP *ld = chain->l->ld;
	char *dn = ldap_get_dn(ld, message);
	BerElement *place = NULL;

	*entry = (struct ush_ldap_entry){.dn = ush_strdup(dn)};
	ldap_memfree(dn);
	if (entry->dn == NULL || !ush_text_is_utf8(entry->dn, strlen(entry->dn)))
		return ush_fail(err, USH_ERR_INCOMPLETE, "%.300s: an entry has a name that is no text", chain->what);
	for (char *name = ldap_first_attribute(ld, message, &place); name != NULL; name = ldap_next_attribute(ld, message, place)) {
		struct berval **values = ldap_get_values_len(ld, message, name);

		ush_ldap_entry_add(entry, name, NULL, 0);
		for (size_t i = 0; values != NULL && values[i] != NULL; i++)
			ush_ldap_entry_add(entry, name, values[i]->bv_val, values[i]->bv_len);
		ldap_value_free_len(values);
		ldap_memfree(name);
	}
	ber_free(place, 0);
	return 0;
}

static int take_entry(struct chain *chain, LDAPMessage *message, struct ush_error *err)
{
	USH_AUTO_LDAP_ENTRY entry = {0};

	if (read_entry(chain, message, &entry, err) != 0)
		return -1;
	if (!ush_seen_add(&chain->seen, entry.dn))
		return ush_fail(err, USH_ERR_INCOMPLETE, "%.300s: \"%.120s\" came twice: pages repeat", chain->what, entry.dn);
	if (++chain->entries > USH_LDAP_ENTRIES_MOST)
		return ush_fail(err, USH_ERR_INCOMPLETE, "%.300s: more than %d entries", chain->what, USH_LDAP_ENTRIES_MOST);
	chain->of_page++;
	if (chain->tape != NULL)
		json_array_append_new(chain->tape, ush_ldap_entry_to_json(&entry));
	return chain->search->entry(chain->search->context, &entry, err);
}

static int take_reference(struct chain *chain, LDAPMessage *message, struct ush_error *err)
{
	char **urls = NULL;

	if (ldap_parse_reference(chain->l->ld, message, &urls, NULL, 0) != LDAP_SUCCESS)
		urls = NULL;
	ush_fail(err, USH_ERR_INCOMPLETE, "%.300s: a part of it is on another server: %.150s", chain->what, urls != NULL && urls[0] != NULL ? urls[0] : "unnamed");
	ldap_memvfree((void **)urls);
	return ush_hint(err, "Name a base that this server has whole, and make the other one a source of its own");
}

/* The cookie of the page that has just ended. */
static int take_cookie(struct chain *chain, LDAPControl **controls, struct ush_error *err)
{
	LDAPControl *control = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	struct berval cookie = {0};
	ber_int_t estimate;
	bool same;

	if (control == NULL && chain->pages == 0 && !chain->l->pages) { /* it knows no pages, and gave all at once */
		chain->closed = true;
		return 0;
	}
	if (control == NULL || ldap_parse_pageresponse_control(chain->l->ld, control, &estimate, &cookie) != LDAP_SUCCESS)
		return ush_fail(err, USH_ERR_INCOMPLETE, "%.300s: page %zu came without saying whether it is the last", chain->what, chain->pages + 1);
	same = cookie.bv_len == chain->cookie.bv_len && cookie.bv_len > 0 && memcmp(cookie.bv_val, chain->cookie.bv_val, cookie.bv_len) == 0;
	ldap_memfree(chain->cookie.bv_val);
	chain->cookie = cookie;
	chain->empty = chain->of_page == 0 ? chain->empty + 1 : 0;
	chain->closed = cookie.bv_len == 0;
	if (!chain->closed && ((same && chain->of_page == 0) || chain->empty > EMPTY_MOST))
		return ush_fail(err, USH_ERR_INCOMPLETE, "%.300s: its pages go on without an entry: a loop", chain->what);
	return 0;
}

/* A server says in matchedDN how far it came: then the entry is really not there; without it may be hidden. */
static int refused(struct chain *chain, int code, const char *matched, const char *said, struct ush_error *err)
{
	struct ush_ldap *l = chain->l;
	USH_AUTO_FREE char *what = chain->pages > 0 ? ush_printf("page %zu of %s", chain->pages + 1, chain->what) : ush_strdup(chain->what);
	USH_AUTO_FREE char *more = matched != NULL && *matched != '\0' && code == LDAP_NO_SUCH_OBJECT ? ush_printf("only \"%s\" is there", matched) : NULL;

	return ush_ldap_refused(l, what, code, more != NULL ? more : said, err);
}

/* Results that say of one entry: not here, or not for you. */
static bool is_absent(int code)
{
	return code == LDAP_NO_SUCH_OBJECT || code == LDAP_REFERRAL || code == LDAP_ALIAS_PROBLEM || code == LDAP_INVALID_DN_SYNTAX ||
	       code == LDAP_INSUFFICIENT_ACCESS;
}

static int take_result(struct chain *chain, LDAPMessage *message, struct ush_error *err)
{
	char *matched = NULL, *said = NULL;
	LDAPControl **controls = NULL;
	int code, result = 0;

	if (ldap_parse_result(chain->l->ld, message, &code, &matched, &said, NULL, &controls, 0) != LDAP_SUCCESS)
		result = ush_fail(err, USH_ERR_INCOMPLETE, "%.300s: the answer is no LDAP", chain->what);
	else if (chain->search->absent_ok && is_absent(code))
		chain->closed = true;
	else if (code != LDAP_SUCCESS)
		result = refused(chain, code, matched, said, err);
	else if (chain->paged)
		result = take_cookie(chain, controls, err);
	else
		chain->closed = true;
	ldap_controls_free(controls);
	ldap_memfree(matched);
	ldap_memfree(said);
	chain->pages++;
	return result;
}

static int take_message(struct chain *chain, LDAPMessage *message, bool *done, struct ush_error *err)
{
	switch (ldap_msgtype(message)) {
	case LDAP_RES_SEARCH_ENTRY:
		return take_entry(chain, message, err);
	case LDAP_RES_SEARCH_REFERENCE:
		return take_reference(chain, message, err);
	case LDAP_RES_SEARCH_RESULT:
		*done = true;
		return take_result(chain, message, err);
	default:
		return 0; /* intermediate responses of controls that we did not send */
	}
}

static int read_page(struct chain *chain, struct ush_error *err)
{
	bool done = false;
	int id, result = ask(chain, &id, err);

	chain->of_page = 0;
	while (result == 0 && !done) {
		LDAPMessage *message = ush_ldap_wait(chain->l, id, true, chain->until, chain->what, err);

		if (message == NULL)
			return -1;
		result = take_message(chain, message, &done, err);
		ldap_msgfree(message);
	}
	return result;
}

int ush_ldap_search(struct ush_ldap *l, const struct ush_ldap_search *search, struct ush_error *err)
{
	struct chain chain = {.l = l, .search = search, .paged = search->scope != LDAP_SCOPE_BASE && (l->pages || !l->says_controls)};
	int result = 0;

	if (ush_replaying(l->world))
		return ush_ldap_tape_tell(l, search, err);
	if (ush_recorded(l->world))
		chain.tape = json_array();
	chain.until = ush_boot_ms(l->world) + l->search_ms;
	if (*search->base == '\0')
		chain.what = ush_strdup(search->what);
	else if (search->scope == LDAP_SCOPE_BASE)
		chain.what = ush_printf("%s \"%.200s\"", search->what, search->base);
	else
		chain.what = ush_printf("%s under \"%.120s\", filter %.150s", search->what, search->base, search->filter);
	while (result == 0 && !chain.closed)
		result = read_page(&chain, err);
	if (result == 0 && search->scope == LDAP_SCOPE_BASE && chain.entries == 0 && !search->absent_ok)
		result = ush_ldap_refused(l, chain.what, LDAP_NO_SUCH_OBJECT, NULL, err);
	if (chain.tape != NULL)
		ush_ldap_tape_put(l, search, chain.tape, result != 0 ? err : NULL);
	json_decref(chain.tape);
	ush_seen_free(&chain.seen);
	ldap_memfree(chain.cookie.bv_val);
	free(chain.what);
	return result;
}
