/* SPDX-License-Identifier: Apache-2.0
 *
 * PATCH and what is kept of a resource. Sources of what goes beyond RFC 7644 section 3.5.2:
 * [E] Entra: https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility
 *     (op with a capital, active "False", remove with a list, dotted and URN keys in a value without path)
 * [O] Okta: https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20 (replace with a value object, its id with it)
 */
#include <string.h>

#include "broker/receive/patch.h"
#include "broker/receive/resource.h"
#include "common/base/memory.h"
#include "tests/support/tap.h"

#define EXT "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

static const struct {
	const char *before, *operation, *after; /* after NULL: status and type */
	int status;
	const char *type;
} cases[] = {
	/* add */
	{"{'userName':'a'}", "{'op':'add','path':'nickName','value':'Babs'}", "{'userName':'a','nickName':'Babs'}"},
	{"{'userName':'a'}", "{'op':'Add','path':'nickName','value':'Babs'}", "{'userName':'a','nickName':'Babs'}"}, /* [E] */
	{"{'userName':'a'}", "{'op':'add','value':{'nickName':'B','emails':[{'value':'x','type':'home'}]}}", "{'userName':'a','nickName':'B','emails':[{'value':'x','type':'home'}]}"},
	{"{'emails':[{'value':'x'}]}", "{'op':'add','path':'emails','value':[{'value':'y'}]}", "{'emails':[{'value':'x'},{'value':'y'}]}"},
	{"{'emails':[{'value':'x'}]}", "{'op':'add','path':'emails','value':{'value':'x'}}", "{'emails':[{'value':'x'}]}"}, /* it is there: no change */
	{"{'emails':[{'value':'x','primary':true}]}", "{'op':'add','path':'emails','value':[{'value':'y','primary':true}]}",
	 "{'emails':[{'value':'x','primary':false},{'value':'y','primary':true}]}"},
	{"{}", "{'op':'add','path':'name.givenName','value':'G'}", "{'name':{'givenName':'G'}}"},
	{"{}", "{'op':'add','path':'emails[type eq \\'work\\'].value','value':'w@x'}", "{'emails':[{'type':'work','value':'w@x'}]}"}, /* [E] for one that is not there */
	{"{}", "{'op':'add','path':'" EXT ":department','value':'D'}", "{'" EXT "':{'department':'D'}}"},
	{"{'" EXT "':{'costCenter':'1'}}", "{'op':'add','value':{'" EXT "':{'department':'D'}}}", "{'" EXT "':{'costCenter':'1','department':'D'}}"},
	/* replace */
	{"{'nickName':'A'}", "{'op':'replace','path':'NICKNAME','value':'B'}", "{'nickName':'B'}"},
	{"{'displayName':'A'}", "{'op':'replace','value':{'id':'2f','displayName':'B'}}", "{'displayName':'B'}"}, /* [O] */
	{"{'active':true}", "{'op':'replace','value':{'active':false}}", "{'active':false}"},			  /* [O] */
	{"{'emails':[{'type':'work','value':'x'},{'type':'home','value':'h'}]}", "{'op':'Replace','path':'emails[type eq \\'work\\'].value','value':'y'}",
	 "{'emails':[{'type':'work','value':'y'},{'type':'home','value':'h'}]}"}, /* [E] */
	{"{'emails':[{'type':'home','value':'h'}]}", "{'op':'replace','path':'emails[type eq \\'work\\'].value','value':'y'}", NULL, 400, "noTarget"},
	{"{}", "{'op':'replace','value':{'displayName':'Bjfe','name.givenName':'K','name.familyName':'U','" EXT ":employeeNumber':'Aklq'}}",
	 "{'displayName':'Bjfe','name':{'givenName':'K','familyName':'U'},'" EXT "':{'employeeNumber':'Aklq'}}"}, /* [E] */
	{"{'name':{'givenName':'G','familyName':'F'}}", "{'op':'replace','path':'name','value':{'givenName':'H'}}", "{'name':{'givenName':'H','familyName':'F'}}"},
	{"{'nickName':'A'}", "{'op':'replace','path':'nickName','value':null}", "{}"}, /* null is as nothing */
	{"{'emails':[{'value':'x'}]}", "{'op':'replace','path':'emails','value':{'value':'y'}}", "{'emails':[{'value':'y'}]}"},
	/* remove */
	{"{'nickName':'A'}", "{'op':'remove','path':'nickName'}", "{}"},
	{"{}", "{'op':'remove','path':'nickName'}", "{}"},
	{"{'name':{'givenName':'G','familyName':'F'}}", "{'op':'remove','path':'name.givenName'}", "{'name':{'familyName':'F'}}"},
	{"{'emails':[{'type':'work','value':'x'},{'type':'home','value':'h'}]}", "{'op':'remove','path':'emails[type eq \\'work\\']'}", "{'emails':[{'type':'home','value':'h'}]}"},
	{"{'emails':[{'type':'work','value':'x'}]}", "{'op':'remove','path':'emails[type eq \\'work\\'].value'}", "{'emails':[{'type':'work'}]}"},
	{"{'roles':[{'value':'a','display':'A'},{'value':'b'}]}", "{'op':'Remove','path':'roles','value':[{'value':'a'}]}", "{'roles':[{'value':'b'}]}"}, /* [E] */
	{"{'roles':[{'value':'a'}]}", "{'op':'remove','path':'roles','value':[]}", "{'roles':[{'value':'a'}]}"},
	/* what is refused */
	{"{}", "{'op':'remove'}", NULL, 400, "noTarget"},
	{"{}", "{'op':'replace','value':'x'}", NULL, 400, "invalidValue"},
	{"{}", "{'op':'replace','path':'nickName'}", NULL, 400, "invalidValue"},
	{"{}", "{'op':'move','path':'nickName','value':'x'}", NULL, 400, "invalidSyntax"},
	{"{}", "{'path':'nickName','value':'x'}", NULL, 400, "invalidSyntax"},
	{"{}", "{'op':'add','path':7,'value':'x'}", NULL, 400, "invalidPath"},
	{"{}", "{'op':'add','path':'a b','value':'x'}", NULL, 400, "invalidPath"},
	{"{}", "{'op':'replace','path':'id','value':'x'}", NULL, 400, "mutability"},
	{"{}", "{'op':'replace','path':'meta.version','value':'x'}", NULL, 400, "mutability"},
	{"{}", "{'op':'add','path':'emails[type co \\'w\\'].value','value':'x'}", NULL, 400, "noTarget"},
	{"{}", "'add'", NULL, 400, "invalidSyntax"},
};

/* JSON with ' for ", and \' for an escaped one. */
static json_t *loose(const char *text)
{
	USH_AUTO_FREE char *copy = ush_strdup(text);
	json_error_t why;
	json_t *json;

	for (char *c = copy; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	json = json_loads(copy, JSON_DECODE_ANY, &why);
	ck_assert_msg(json != NULL, "%s: %s", copy, why.text);
	return json;
}

static json_t *patch_of(const char *operation)
{
	return json_pack("{s:[s], s:[o]}", "schemas", "urn:ietf:params:scim:api:messages:2.0:PatchOp", "Operations", loose(operation));
}

START_TEST(operations_do_what_the_table_says)
{
	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_JSON kept = loose(cases[i].before);
		USH_AUTO_JSON body = patch_of(cases[i].operation);
		USH_AUTO_JSON after = cases[i].after != NULL ? loose(cases[i].after) : NULL;
		struct ush_scim_fault fault = {0};
		int result = ush_scim_patch(body, kept, NULL, &fault);
		USH_AUTO_FREE char *text = ush_json_canonical(kept);

		if (after != NULL) {
			ck_assert_msg(result == 0, "%s: %s", cases[i].operation, fault.detail);
			ck_assert_msg(json_equal(kept, after), "%s: %s", cases[i].operation, text);
		} else {
			ck_assert_msg(result != 0 && fault.status == cases[i].status, "%s", cases[i].operation);
			ck_assert_msg(strcmp(fault.type, cases[i].type) == 0, "%s: %s", cases[i].operation, fault.type);
		}
	}
}
END_TEST

START_TEST(operations_have_caps)
{
	USH_AUTO_JSON kept = json_object();
	USH_AUTO_JSON body = json_pack("{s:[]}", "Operations");
	struct ush_scim_fault fault = {0}, many = {0}, values = {0};
	json_t *list = json_object_get(body, "Operations");

	ck_assert(ush_scim_patch(body, kept, NULL, &fault) != 0 && fault.status == 400);
	for (int i = 0; i < USH_PATCH_OPERATIONS; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:[{s:i}, {s:i}]}", "op", "add", "path", "roles", "value", "value", i, "value", -i - 1));
	ck_assert(ush_scim_patch(body, kept, NULL, &values) != 0 && values.status == 413);
	json_array_append_new(list, json_pack("{s:s, s:s}", "op", "remove", "path", "x"));
	ck_assert(ush_scim_patch(body, kept, NULL, &many) != 0 && many.status == 413);
}
END_TEST

/* ---- what is kept ---- */

static json_t *take(const char *sent, const char *before, struct ush_scim_fault *fault)
{
	USH_AUTO_JSON was = before != NULL ? loose(before) : NULL;
	USH_AUTO_JSON body = loose(sent);

	return ush_scim_take(USH_SCIM_USER, body, was, fault);
}

START_TEST(a_user_is_kept_without_what_is_ours_or_secret)
{
	static const struct {
		const char *sent, *before, *kept;
	} rows[] = {
		{"{'username':'a','ID':'x','meta':{},'schemas':['u'],'Password':'p','groups':[1]}", NULL, "{'userName':'a','active':true}"},
		{"{'userName':'a','active':'False'}", NULL, "{'userName':'a','active':false}"}, /* [E] */
		{"{'userName':'a','active':'TRUE'}", "{'active':false}", "{'userName':'a','active':true}"},
		{"{'userName':'a'}", "{'active':false}", "{'userName':'a','active':false}"}, /* nobody is let in again by silence */
		{"{'userName':'a','active':null}", "{'active':false}", "{'userName':'a','active':false}"},
		{"{'userName':'a','roles':[],'title':null,'name':{'givenName':null}}", NULL, "{'userName':'a','active':true}"},
		{"{'userName':'a','urn:x:y:Z':{'password':'p','q':1}}", NULL, "{'userName':'a','active':true,'urn:x:y:Z':{'q':1}}"},
	};

	for (size_t i = 0; i < USH_COUNT(rows); i++) {
		struct ush_scim_fault fault = {0};
		USH_AUTO_JSON kept = take(rows[i].sent, rows[i].before, &fault);
		USH_AUTO_JSON want = loose(rows[i].kept);
		USH_AUTO_FREE char *text = ush_json_canonical(kept);

		ck_assert_msg(kept != NULL && json_equal(kept, want), "%s: %s %s", rows[i].sent, text, fault.detail);
	}
}
END_TEST

START_TEST(a_user_that_cannot_be_named_is_refused)
{
	static const char *const wrong[] = {"{}", "{'userName':7}", "{'userName':''}", "{'userName':'  '}", "{'userName':'a\\nb'}", "{'userName':'a\\u0085b'}", "{'userName':null}",
					    "{'userName':'a','active':'maybe'}", "{'userName':'a','active':1}", "{'userName':'a','externalId':5}", "{'userName':'a','USERNAME':'b'}"};

	for (size_t i = 0; i < USH_COUNT(wrong); i++) {
		struct ush_scim_fault fault = {0};
		USH_AUTO_JSON kept = take(wrong[i], NULL, &fault);

		ck_assert_msg(kept == NULL && fault.status == 400, "%s", wrong[i]);
	}
}
END_TEST

START_TEST(attributes_are_told_as_they_are_asked_for)
{
	static const struct {
		const char *attributes, *excluded, *told;
	} rows[] = {
		{NULL, NULL, "{'id':'1','schemas':[],'userName':'a','name':{'givenName':'G','familyName':'F'},'" EXT "':{'department':'D','costCenter':'C'}}"},
		{"USERNAME", NULL, "{'id':'1','schemas':[],'userName':'a'}"},
		{"name.givenName, userName", NULL, "{'id':'1','schemas':[],'userName':'a','name':{'givenName':'G'}}"},
		{NULL, "name.givenName,id,schemas," EXT, "{'id':'1','schemas':[],'userName':'a','name':{'familyName':'F'}}"},
		{EXT ":department", NULL, "{'id':'1','schemas':[],'" EXT "':{'department':'D'}}"},
		{"nothing", NULL, "{'id':'1','schemas':[]}"},
	};

	for (size_t i = 0; i < USH_COUNT(rows); i++) {
		USH_AUTO_JSON told = loose(rows[0].told);
		USH_AUTO_JSON want = loose(rows[i].told);
		struct ush_scim_fault fault = {0};

		ck_assert(ush_scim_project(told, rows[i].attributes, rows[i].excluded, &fault) == 0);
		ck_assert_msg(json_equal(told, want), "%s", rows[i].attributes);
	}
}
END_TEST

START_TEST(a_person_is_called_as_asked)
{
	USH_AUTO_JSON user = loose("{'userName':'u','externalId':'e','emails':[{'value':'first@x'},{'value':'second@x','primary':true}]}");

	ck_assert_str_eq(ush_scim_people_name(user, "userName"), "u");
	ck_assert_str_eq(ush_scim_people_name(user, "externalId"), "e");
	ck_assert_str_eq(ush_scim_people_name(user, "email"), "second@x");
	json_object_del(user, "emails");
	ck_assert_ptr_null(ush_scim_people_name(user, "email"));
}
END_TEST

TAP_MAIN("scim_patch", operations_do_what_the_table_says, operations_have_caps, a_user_is_kept_without_what_is_ours_or_secret, a_user_that_cannot_be_named_is_refused,
	 attributes_are_told_as_they_are_asked_for, a_person_is_called_as_asked)
