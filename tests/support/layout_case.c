/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/layout_case.h"

#include <check.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"

struct sync_case *layout_case_new(const char *policy)
{
	struct sync_case *c = sync_case_new(policy);

	sync_case_groups(c, 0, "1 /a p,q;2 /b q,r");
	sync_case_groups(c, 1, "1 /b r,s;7 /other t");
	return c;
}

void layout_case_expect(const struct sync_case *c, const char *bindings)
{
	struct ush_list all = {0};
	USH_AUTO_BUF text = {0};
	const json_t *object, *subject;
	size_t i, j;

	json_array_foreach(c->cluster, i, object) {
		USH_AUTO_BUF one = {0};

		if (strcmp(ush_json_string(object, "kind"), "RoleBinding") != 0)
			continue;
		ush_buf_printf(&one, "%s:", ush_json_string(json_object_get(object, "roleRef"), "name"));
		json_array_foreach(json_object_get(object, "subjects"), j, subject)
		{
			ck_assert_str_eq(ush_json_string(subject, "apiGroup"), "rbac.authorization.k8s.io");
			ush_buf_printf(&one, " %s %s", ush_json_string(subject, "kind"), ush_json_string(subject, "name"));
		}
		ush_list_add(&all, one.data);
	}
	ush_list_sort(&all);
	ush_buf_puts(&text, "");
	for (i = 0; i < all.count; i++)
		ush_buf_printf(&text, "%s%s", i > 0 ? " | " : "", all.items[i]);
	ck_assert_str_eq(text.data, bindings);
	ush_list_free(&all);
}

bool layout_case_may_edit(const struct sync_case *c, const char *person, const char *groups)
{
	USH_AUTO_FREE char *user = ush_printf("u:%s", person);
	const json_t *object, *subject;
	size_t i, j;

	json_array_foreach(c->cluster, i, object)
		json_array_foreach(json_object_get(object, "subjects"), j, subject)
		{
			const char *name = ush_json_string(subject, "name");

			if (strcmp(ush_json_string(subject, "kind"), "User") == 0 ? strcmp(name, user) == 0 : strstr(groups, name) != NULL)
				return true;
		}
	return false;
}
