/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters and paths as RFC 7644 writes them (sections 3.4.2.2 and 3.5.2), as Okta and Entra send them, and as nobody should.
 * Okta: https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20 (filter=userName eq "...").
 * Entra: https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups (emails[type eq
 * "work"].value eq "...", externalId eq "...", and members by id and value).
 */
#include <stdio.h>
#include <string.h>

#include "broker/receive/filter.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "tests/support/tap.h"

static const char bjensen[] =
	"{\"id\":\"2819c223\",\"userName\":\"bjensen@example.com\",\"externalId\":\"Ab1\",\"active\":true,\"title\":\"\",\"level\":7,"
	"\"name\":{\"familyName\":\"O'Malley\",\"givenName\":\"Barbara\"},"
	"\"emails\":[{\"type\":\"work\",\"value\":\"bj@example.com\",\"primary\":true},{\"type\":\"home\",\"value\":\"b@home.example\"}],"
	"\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"department\":\"Sales\",\"manager\":{\"value\":\"m1\"}},"
	"\"meta\":{\"lastModified\":\"2026-05-13T04:42:34.000Z\"}}";

static const struct {
	const char *filter;
	bool holds;
} said[] = {
	{"userName eq \"bjensen@example.com\"", true},
	{"USERNAME Eq \"BJensen@Example.COM\"", true},
	{"userName eq \"bjensen\"", false},
	{"externalId eq \"Ab1\"", true},
	{"externalId eq \"ab1\"", false}, /* caseExact */
	{"id eq \"2819c223\"", true},
	{"name.familyName co \"o'malley\"", true},
	{"userName sw \"bj\"", true},
	{"userName ew \".com\"", true},
	{"userName ew \"xbjensen@example.com\"", false},
	{"title pr", false},
	{"name pr", true},
	{"nickName pr", false},
	{"nickName eq null", true},
	{"meta.lastModified gt \"2026-05-13T04:42:33Z\"", true},
	{"meta.lastModified lt \"2026-05-13T04:42:33Z\"", false},
	{"level ge 7", true},
	{"level gt 7", false},
	{"level le 7 and level lt 8", true},
	{"active eq true", true},
	{"active eq \"True\"", true}, /* Entra */
	{"active eq False", false},
	{"active ne true", false},
	{"userName ne \"x\"", true},
	{"emails co \"home\"", true},
	{"emails.type eq \"work\"", true},
	{"emails[type eq \"work\" and value co \"@example.com\"]", true},
	{"emails[type eq \"home\" and value co \"@example.com\"]", false},
	{"emails[type eq \"work\"].value eq \"bj@example.com\"", true}, /* Entra */
	{"emails[type eq \"home\"].value eq \"bj@example.com\"", false},
	{"not (userName eq \"x\") and (active eq true or level eq 1)", true},
	{"userName eq \"x\" or level eq 7 and active eq false", false}, /* and binds more */
	{"(userName eq \"x\" or level eq 7) and active eq true", true},
	{"urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"bj\"", true},
	{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"sales\"", true},
	{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"m1\"", true},
	{"userName eq \"a\\\"b\"", false},
	{"notes eq \"not\"", false},
};

START_TEST(filters_hold_as_rfc_7644_says)
{
	json_error_t why;
	USH_AUTO_JSON user = json_loads(bjensen, 0, &why);

	ck_assert_ptr_nonnull(user);
	for (size_t i = 0; i < USH_COUNT(said); i++) {
		struct ush_scim_fault fault = {0};
		USH_AUTO_FILTER filter = ush_filter_parse(said[i].filter, &fault);

		ck_assert_msg(filter != NULL && fault.status == 0, "%s: %s", said[i].filter, fault.detail);
		ck_assert_msg(ush_filter_match(filter, user, NULL) == said[i].holds, "%s", said[i].filter);
	}
}
END_TEST

START_TEST(what_is_no_filter_is_refused)
{
	static const char *const wrong[] = {"", " ", "userName", "userName eq", "userName eq x", "userName is \"x\"", "eq \"x\"", "userName eq \"x", "userName eq \"x\" and",
					    "(userName pr", "userName pr)", "not userName pr", "emails[type eq \"work\"", "emails[]", "a..b pr", "9a pr", ".a pr", "userName eq {}",
					    "userName eq [1]", "userName eq \"\\x\"", "userName eq \"a\" \"b\"", "emails[a pr][b pr]", "userName eq 1e999999x", ":a pr", "a: pr"};

	for (size_t i = 0; i < USH_COUNT(wrong); i++) {
		struct ush_scim_fault fault = {0};
		USH_AUTO_FILTER filter = ush_filter_parse(wrong[i], &fault);

		ck_assert_msg(filter == NULL, "%s", wrong[i]);
		ck_assert_msg(fault.status == 400 && strcmp(fault.type, "invalidFilter") == 0, "%s", wrong[i]);
	}
}
END_TEST

static int parses(const char *text)
{
	struct ush_scim_fault fault = {0};
	USH_AUTO_FILTER filter = ush_filter_parse(text, &fault);

	ck_assert((filter == NULL) == (fault.status != 0));
	return filter != NULL;
}

START_TEST(depth_length_and_number_have_caps)
{
	USH_AUTO_BUF deep = {0}, many = {0}, longer = {0};

	for (int i = 0; i < 100000 / 16; i++)
		ush_buf_puts(&deep, "(");
	ck_assert(!parses(deep.data));
	ush_buf_puts(&many, "a pr");
	for (int i = 0; i < USH_FILTER_NODES; i++)
		ush_buf_puts(&many, " or a pr");
	ck_assert(!parses(many.data));
	ush_buf_puts(&longer, "a eq \"");
	for (int i = 0; i < USH_FILTER_LENGTH; i++)
		ush_buf_puts(&longer, "x");
	ush_buf_puts(&longer, "\"");
	ck_assert(!parses(longer.data));
	ck_assert(parses("((((((((((((((a pr))))))))))))))"));
}
END_TEST

static bool members_know(void *context, const struct ush_filter *comparison, bool *result)
{
	*result = *(bool *)context;
	return strcmp(comparison->path.attr, "members") == 0;
}

START_TEST(what_is_kept_apart_is_asked_aside)
{
	struct ush_scim_fault fault = {0};
	USH_AUTO_FILTER filter = ush_filter_parse("id eq \"g\" and members eq \"u\"", &fault); /* Entra: is he in this group? */
	USH_AUTO_JSON group = json_pack("{s:s}", "id", "g");
	bool in = true;
	const struct ush_filter_aside aside = {members_know, &in};

	ck_assert(ush_filter_match(filter, group, &aside));
	in = false;
	ck_assert(!ush_filter_match(filter, group, &aside));
}
END_TEST

static const struct {
	const char *path, *urn, *attr, *sub;
	bool filtered;
} paths[] = {
	{"members", NULL, "members", NULL, false},
	{"name.familyName", NULL, "name", "familyName", false},
	{"members[value eq \"2819c223\"]", NULL, "members", NULL, true},
	{"addresses[type eq \"work\"].streetAddress", NULL, "addresses", "streetAddress", true},
	{"urn:ietf:params:scim:schemas:core:2.0:User:name.givenName", NULL, "name", "givenName", false},
	{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", USH_SCIM_ENTERPRISE_URN, "department", NULL, false},
	{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department", USH_SCIM_ENTERPRISE_URN, "department", NULL, false},
	{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", USH_SCIM_ENTERPRISE_URN, "manager", "value", false},
	{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", NULL, USH_SCIM_ENTERPRISE_URN, NULL, false},
	{"urn:example:ext:2.0:thing", "urn:example:ext:2.0", "thing", NULL, false},
	{"$ref", NULL, "$ref", NULL, false},
};

#define SAME(a, b) ck_assert_msg(((a) == NULL) == ((b) == NULL) && ((a) == NULL || strcmp(a, b) == 0), "%s: %s, not %s", paths[i].path, a, b)

START_TEST(paths_are_taken_apart)
{
	for (size_t i = 0; i < USH_COUNT(paths); i++) {
		USH_AUTO_SCIM_TARGET target = {0};
		struct ush_scim_fault fault = {0};

		ck_assert_msg(ush_scim_target_parse(paths[i].path, &target, &fault) == 0, "%s: %s", paths[i].path, fault.detail);
		SAME(target.path.urn, paths[i].urn);
		SAME(target.path.attr, paths[i].attr);
		SAME(target.path.sub, paths[i].sub);
		ck_assert_msg((target.filter != NULL) == paths[i].filtered, "%s", paths[i].path);
	}
}
END_TEST

START_TEST(what_is_no_path_is_refused)
{
	static const char *const wrong[] = {"", ".", "a.", "a.b.c", "members[", "members[value eq]", "members[value eq \"x\"", "members[value eq \"x\"]x", "members[value eq \"x\"].",
					    "a.b[c pr]", "members value", "../../etc/passwd", "a b", "members[value eq \"x\"].a.b"};

	for (size_t i = 0; i < USH_COUNT(wrong); i++) {
		USH_AUTO_SCIM_TARGET target = {0};
		struct ush_scim_fault fault = {0};

		ck_assert_msg(ush_scim_target_parse(wrong[i], &target, &fault) != 0, "%s", wrong[i]);
		ck_assert_msg(fault.status == 400 && strcmp(fault.type, "invalidPath") == 0, "%s", wrong[i]);
	}
}
END_TEST

TAP_MAIN("scim_filter", filters_hold_as_rfc_7644_says, what_is_no_filter_is_refused, depth_length_and_number_have_caps, what_is_kept_apart_is_asked_aside, paths_are_taken_apart,
	 what_is_no_path_is_refused)
