/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/policy_case.h"

#include <check.h>
#include <string.h>

#include "broker/policy/schema.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"
#include "tests/support/schema_check.h"

static struct ush_error err;

static struct ush_policy *read_policy(const char *text)
{
	memset(&err, 0, sizeof err);
	return ush_policy_read(text, strlen(text), "policy.yaml", NULL, &err);
}

static bool schema_takes_text(const char *text)
{
	struct ush_error why = {0};
	USH_AUTO_NODE node = ush_yaml_read_one(text, strlen(text), "policy.yaml", USH_ERR_CONFIG, &why);
	USH_AUTO_JSON json = node != NULL ? ush_yaml_to_json(node) : NULL;
	USH_AUTO_JSON schema = ush_policy_schema();

	return json != NULL && schema_takes(schema, json);
}

struct ush_policy *policy_of(const char *text)
{
	struct ush_policy *policy = read_policy(text);

	ck_assert_msg(policy != NULL, "%s", err.what);
	ck_assert_msg(schema_takes_text(text), "the schema refuses %s", text);
	return policy;
}

void expect_valid(const char *text)
{
	ush_policy_free(policy_of(text));
}

static void expect(const char *text, const char *what, bool seen)
{
	USH_AUTO_POLICY policy = read_policy(text);

	ck_assert_msg(policy == NULL, "accepted: %s", text);
	ck_assert_int_eq(ush_code_status(err.code), 2);
	ck_assert_msg(strstr(err.what, what) != NULL, "\"%s\" lacks \"%s\"", err.what, what);
	ck_assert_msg(schema_takes_text(text) != seen, "the schema %s %s", seen ? "takes" : "refuses too, so it can see:", text);
}

void expect_fault(const char *text, const char *what)
{
	expect(text, what, true);
}

void expect_unseen(const char *text, const char *what)
{
	expect(text, what, false);
}

static void expect_in(const char *format_before, const char *part, const char *after, const char *what, bool seen)
{
	USH_AUTO_FREE char *text = ush_printf("%s%s%s", format_before, part, after);

	if (what == NULL)
		expect_valid(text);
	else
		expect(text, what, seen);
}

#define BEFORE_GRANT TOP CLUSTER SOURCES ROLES "grants:\n- "
#define BEFORE_RULE  TOP CLUSTER SOURCES "roles:\n  reader:\n    rules:\n    - "
#define BEFORE_MORE  TOP CLUSTER SOURCES ROLES GRANTS

void expect_grant(const char *grant)
{
	expect_in(BEFORE_GRANT, grant, "\n", NULL, false);
}

void expect_grant_fault(const char *grant, const char *what)
{
	expect_in(BEFORE_GRANT, grant, "\n", what, true);
}

void expect_grant_unseen(const char *grant, const char *what)
{
	expect_in(BEFORE_GRANT, grant, "\n", what, false);
}

void expect_rule_fault(const char *rule, const char *what)
{
	expect_in(BEFORE_RULE, rule, "\ngrants: []\n", what, true);
}

void expect_rule_unseen(const char *rule, const char *what)
{
	expect_in(BEFORE_RULE, rule, "\ngrants: []\n", what, false);
}

void expect_more_fault(const char *members, const char *what)
{
	expect_in(BEFORE_MORE, members, "\n", what, true);
}

void expect_more_unseen(const char *members, const char *what)
{
	expect_in(BEFORE_MORE, members, "\n", what, false);
}
