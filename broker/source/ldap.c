/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of an LDAP directory or Active Directory. What makes a reading complete: each search ended with success, its pages
 * with an empty cookie, no entry twice, nothing elsewhere; the base itself can be read; the list of groups, read again at the
 * end, has the same ids and names, and groups whose members were read are unchanged. The directory's own change number,
 * where it has one, is told too: equal before and after, nothing at all has changed. What rights hide is still silently
 * absent: canaries are for that, and what memberOf of people says against the lists of groups.
 *
 * A group's path is its DN under groups.base, read from the top: cn=dev,ou=payments,BASE is /payments/dev.
 */
#include <string.h>

#include "broker/source/ldap_reading.h"
#include "common/base/memory.h"

#define TRIES 3 /* of a whole reading that broke, or that the directory changed under */

static char *where(const struct ush_policy_source *source)
{
	return ush_printf("ldap %s, %s", ush_source_place(ush_source_text(source, "url")), ush_source_text(source, "groups.base"));
}

static char *proof_of(const struct ush_ldap_reading *r, const char *before, const char *after)
{
	const char *numbers = before == NULL || after == NULL ? "" : strcmp(before, after) == 0 ? "; the change number is the same before and after" :
													 "; the directory changed meanwhile, not these groups";

	return ush_printf("every search ended with success, every page read%s; groups read twice%s", r->compared > 0 ? "; memberOf agrees" : "", numbers);
}

static int read_members(struct ush_ldap_reading *r, struct ush_error *err)
{
	if (r->wanted == 0)
		return 0;
	return r->terms.nesting == USH_LDAP_NESTING_CHAIN ? ush_ldap_chain_read(r, err) : ush_ldap_members_read(r, err);
}

static int read_all(struct ush_ldap_reading *r, struct ush_error *err)
{
	USH_AUTO_FREE char *before = NULL, *after = NULL;

	if (ush_ldap_change_number(&r->l, &before, err) != 0 || ush_ldap_groups_list(r, err) != 0 || read_members(r, err) != 0 ||
	    ush_ldap_groups_relist(r, err) != 0 || ush_ldap_groups_agree(r, err) != 0 || ush_ldap_change_number(&r->l, &after, err) != 0)
		return -1;
	r->groups->proof = proof_of(r, before, after);
	return 0;
}

/* One try, from connecting on. Fills groups only when it went well. */
static int try_once(const struct ush_world *world, const struct ush_source_question *question, int64_t deadline, struct ush_groups *groups, bool *retry,
		    struct ush_error *err)
{
	struct ush_groups found = {0};
	struct ush_ldap_reading r = {.question = question, .groups = &found};
	int result;

	ush_ldap_terms_read(&r.terms, question->source);
	result = ush_ldap_open(&r.l, world, question->source, deadline, err);
	if (result == 0)
		result = read_all(&r, err);
	*retry = r.l.retry;
	groups->requests += r.l.requests;
	if (result == 0) {
		groups->items = ush_steal(&found.items);
		groups->count = found.count;
		groups->proof = ush_steal(&found.proof);
		found.count = 0;
	}
	ush_ldap_reading_free(&r);
	ush_groups_free(&found);
	return result;
}

static int read_ldap(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups, struct ush_error *err)
{
	int64_t deadline = ush_boot_ms(world) + ush_source_number(question->source, "timeout", USH_LDAP_TIMEOUT) * 1000;
	struct ush_error why = {0};
	bool retry = true;

	if (ush_ldap_check(question->source, err) != 0)
		return -1;
	for (int try = 0; try < TRIES && retry; try++) {
		ush_error_clear(&why);
		if (try > 0 && ush_sleep_ms(world, 500LL << try) != 0)
			return ush_fail(err, USH_ERR_DECLINED, "stopped");
		if (try_once(world, question, deadline, groups, &retry, &why) == 0)
			return 0;
		retry = retry && why.code != USH_ERR_CONFIG;
	}
	if (why.code == USH_ERR_CONFIG) {
		ush_fail(err, why.code, "%s", why.what);
		return why.hint[0] != '\0' ? ush_hint(err, "%s", why.hint) : -1;
	}
	groups->advice = why.hint[0] != '\0' ? ush_strdup(why.hint) : NULL;
	return ush_groups_incomplete(groups, "%s", why.what);
}

const struct ush_source_ops ush_source_ldap = {"ldap", where, read_ldap};
