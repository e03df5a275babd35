/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/data/json.h"
#include "common/kube/rbac.h"
#include "tests/support/fake_kube.h"

#define BINDINGS "/apis/rbac.authorization.k8s.io/v1/rolebindings"

static struct ush_error err;

/* What came out of a list: the names, in order, and how often it began anew. */
struct seen {
	struct ush_list names;
	size_t restarts;
	const char *stop_at;
	bool kinds_are_there;
};

static int take(void *context, json_t *item, struct ush_error *why)
{
	struct seen *seen = context;
	const char *name = ush_json_string(json_object_get(item, "metadata"), "name");
	const char *kind = ush_json_string(item, "kind"), *version = ush_json_string(item, "apiVersion");

	ush_list_add(&seen->names, name);
	seen->kinds_are_there = kind != NULL && version != NULL && strcmp(kind, "RoleBinding") == 0 &&
				strcmp(version, "rbac.authorization.k8s.io/v1") == 0;
	if (seen->stop_at != NULL && strcmp(seen->stop_at, name) == 0)
		return ush_fail(why, USH_ERR_REFUSED, "no more of %s", name);
	return 0;
}

static void restart(void *context)
{
	struct seen *seen = context;

	ush_list_free(&seen->names);
	seen->restarts++;
}

/* Of a server whose lists come in pages. */
static struct fake_kube *cluster_of(size_t bindings)
{
	struct fake_kube *fake = fake_kube_new();

	fake->config.minor = 32;
	fake->pages = 500;
	for (size_t i = 0; i < bindings; i++) {
		USH_AUTO_FREE char *text = ush_printf(
			"{'kind':'RoleBinding','metadata':{'name':'b%05zu','namespace':'n%zu','labels':{'tier':'%zu'}},"
			"'roleRef':{'kind':'ClusterRole','name':'view'},'subjects':[{'kind':'Group','name':'a]}\\\\,{[:"
			"'}]}",
			i, i % 3, i % 2);

		fake_kube_add(fake, text);
	}
	return fake;
}

static int list(struct fake_kube *fake, struct seen *seen, const char *path, const char *selector, size_t *count,
		char **version)
{
	struct ush_kube_list how = {path, selector, take, restart, seen};

	memset(&err, 0, sizeof err);
	return ush_kube_list_all(&fake->kube, &how, count, version, &err);
}

START_TEST(a_list_of_several_pages_comes_whole_and_in_order)
{
	struct fake_kube *fake = cluster_of(1203);
	struct seen seen = {0};
	USH_AUTO_FREE char *version = NULL;
	size_t count = 0;

	ck_assert_msg(list(fake, &seen, BINDINGS, NULL, &count, &version) == 0, "%s", err.what);
	ck_assert_uint_eq(count, 1203);
	ck_assert_uint_eq(seen.names.count, 1203);
	ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS "?limit=5000"), 3);
	ck_assert(seen.kinds_are_there);
	ck_assert_ptr_nonnull(version);
	ck_assert_str_eq(seen.names.items[0], "b00000");
	ck_assert_str_eq(seen.names.items[1202], "b01202");
	ck_assert_uint_eq(seen.restarts, 0);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

START_TEST(what_was_read_is_counted_for_who_waits)
{
	struct fake_kube *fake = cluster_of(1200);
	struct ush_progress progress = {0};
	struct seen seen = {0};

	fake->kube.progress = &progress;
	ck_assert_int_eq(list(fake, &seen, BINDINGS, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(progress.done, 1200);
	ck_assert_int_eq(list(fake, &seen, BINDINGS, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(progress.done, 2400);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

START_TEST(pieces_of_any_size_give_the_same_items)
{
	struct fake_kube *fake = cluster_of(7);
	static const size_t sizes[] = {1, 2, 3, 5, 64, 100000};

	for (size_t i = 0; i < USH_COUNT(sizes); i++) {
		struct seen seen = {0};

		fake->chunk = sizes[i];
		ck_assert_msg(list(fake, &seen, BINDINGS, NULL, NULL, NULL) == 0, "%s", err.what);
		ck_assert_uint_eq(seen.names.count, 7);
		ush_list_free(&seen.names);
	}
	fake_kube_free(fake);
}
END_TEST

START_TEST(an_empty_list_is_complete)
{
	struct fake_kube *fake = cluster_of(0);
	struct seen seen = {0};
	size_t count = 99;

	ck_assert_int_eq(list(fake, &seen, BINDINGS, NULL, &count, NULL), 0);
	ck_assert_uint_eq(count, 0);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_selector_reaches_the_server)
{
	struct fake_kube *fake = cluster_of(10);
	struct seen seen = {0};

	ck_assert_int_eq(list(fake, &seen, BINDINGS, "tier=1", NULL, NULL), 0);
	ck_assert_uint_eq(seen.names.count, 5);
	ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS "?limit=5000&labelSelector=tier%3D1"), 1);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

/* BC13: a version that the server has forgotten begins the list anew, once. */
START_TEST(a_410_in_the_middle_begins_anew_and_a_second_one_is_incomplete)
{
	struct fake_kube *fake = cluster_of(600);
	struct seen seen = {0};
	size_t count = 0;

	fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS "?limit=5000&continue", .status = 410});
	ck_assert_msg(list(fake, &seen, BINDINGS, NULL, &count, NULL) == 0, "%s", err.what);
	ck_assert_uint_eq(seen.restarts, 1);
	ck_assert_uint_eq(count, 600);
	ck_assert_uint_eq(seen.names.count, 600);
	ush_list_free(&seen.names);

	fake_kube_fail(fake,
		       (struct fake_kube_fault){.path = BINDINGS "?limit=5000&continue", .status = 410, .times = 2});
	ck_assert_int_eq(list(fake, &seen, BINDINGS, NULL, NULL, NULL), -1);
	ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
	ck_assert_ptr_nonnull(strstr(err.what, "page 2"));
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_later_page_that_fails_makes_the_list_incomplete)
{
	static const int statuses[] = {500, 403, 404, 503, 0};

	for (size_t i = 0; i < USH_COUNT(statuses); i++) {
		struct fake_kube *fake = cluster_of(501);
		struct seen seen = {0};

		fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS "?limit=5000&continue",
							      .status = statuses[i],
							      .times = 10});
		ck_assert_int_eq(list(fake, &seen, BINDINGS, NULL, NULL, NULL), -1);
		ck_assert_msg(err.code == USH_ERR_INCOMPLETE, "%d: %d %s", statuses[i], err.code, err.what);
		ush_list_free(&seen.names);
		fake_kube_free(fake);
	}
}
END_TEST

START_TEST(a_first_page_that_is_forbidden_says_so)
{
	struct fake_kube *fake = cluster_of(1);
	struct seen seen = {0};

	fake_kube_fail(fake, (struct fake_kube_fault){.status = 403,
						      .body = "{\"kind\":\"Status\",\"message\":\"rolebindings is "
							      "forbidden: User \\\"x\\\" cannot list\"}"});
	ck_assert_int_eq(list(fake, &seen, BINDINGS, NULL, NULL, NULL), -1);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert_msg(strstr(err.what, "User \"x\" cannot list") != NULL, "%s", err.what);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_connection_that_breaks_in_a_page_never_hands_an_item_over_twice)
{
	struct fake_kube *fake = cluster_of(20);
	struct seen seen = {0};

	fake->chunk = 100;
	fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS, .cut = 5000});
	ck_assert_msg(list(fake, &seen, BINDINGS, NULL, NULL, NULL) == 0, "%s", err.what);
	ck_assert_uint_eq(seen.restarts, 1);
	ck_assert_uint_eq(seen.names.count, 20);
	ush_list_free(&seen.names);

	fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS, .cut = 5000, .times = 2});
	ck_assert_int_eq(list(fake, &seen, BINDINGS, NULL, NULL, NULL), -1);
	ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

START_TEST(what_the_receiver_says_ends_the_list_at_once)
{
	struct fake_kube *fake = cluster_of(700);
	struct seen seen = {.stop_at = "b00002"};

	ck_assert_int_eq(list(fake, &seen, BINDINGS, NULL, NULL, NULL), -1);
	ck_assert_str_eq(err.what, "no more of b00002");
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert_uint_eq(fake->log_count, 1);
	ck_assert_uint_eq(seen.restarts, 0);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

/* Answers that are 200 and no whole list: each is an error, none is "there is nothing". */
START_TEST(an_answer_that_is_no_whole_list_is_never_an_empty_one)
{
	static const struct {
		const char *body;
		enum ush_code code;
	} answers[] = {
		{"", USH_ERR_INCOMPLETE},
		{"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
		 "\"items\":[",
		 USH_ERR_INCOMPLETE},
		{"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
		 "\"items\":[]",
		 USH_ERR_INCOMPLETE},
		{"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
		 "\"items\":[{\"a\":1}",
		 USH_ERR_INCOMPLETE},
		{"{\"kind\":\"Status\",\"status\":\"Success\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}",
		 USH_ERR_REJECTED},
		{"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"}}",
		 USH_ERR_REJECTED},
		{"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[]}", USH_ERR_REJECTED},
		{"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
		 "\"\\u0069tems\":[{}]}",
		 USH_ERR_REJECTED},
		{"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
		 "\"items\":[1]}",
		 USH_ERR_REJECTED},
		{"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
		 "\"items\":[],\"items\":[]}",
		 USH_ERR_REJECTED},
		{"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
		 "\"items\":[,]}",
		 USH_ERR_REJECTED},
		{"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
		 "\"items\":[]}}",
		 USH_ERR_REJECTED},
		{"[]", USH_ERR_REJECTED},
		{"<html>Sign in to this network</html>", USH_ERR_REJECTED},
		{"{\"items\":[{\"metadata\":{\"name\":\"x\"}}],\"kind\":\"XList\",\"metadata\":{\"resourceVersion\":"
		 "\"1\"}}",
		 USH_ERR_REJECTED},
	};

	for (size_t i = 0; i < USH_COUNT(answers); i++) {
		struct fake_kube *fake = cluster_of(0);
		struct seen seen = {0};

		fake_kube_fail(fake, (struct fake_kube_fault){.status = 200, .body = answers[i].body});
		ck_assert_msg(list(fake, &seen, BINDINGS, NULL, NULL, NULL) == -1, "%s", answers[i].body);
		ck_assert_msg(err.code == answers[i].code, "%d for %s: %s", err.code, answers[i].body, err.what);
		ck_assert_msg(strstr(err.what, BINDINGS ", page 1: ") != NULL, "%s", err.what);
		ush_list_free(&seen.names);
		fake_kube_free(fake);
	}
}
END_TEST

START_TEST(a_token_that_comes_twice_and_a_version_that_changes_are_incomplete)
{
	static const char *const bodies[] = {
		"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\","
		"\"continue\":\"x\"},\"items\":[]}",
		"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"2\"},"
		"\"items\":[]}",
	};
	struct fake_kube *fake = cluster_of(0);
	struct seen seen = {0};

	fake_kube_fail(fake, (struct fake_kube_fault){.status = 200, .body = bodies[0], .times = 100});
	ck_assert_int_eq(list(fake, &seen, BINDINGS, NULL, NULL, NULL), -1);
	ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
	ck_assert_uint_eq(fake->log_count, 2);
	fake_kube_free(fake);

	fake = cluster_of(0);
	fake_kube_fail(fake, (struct fake_kube_fault){.status = 200,
						      .body = bodies[1],
						      .path = BINDINGS "?limit=5000&continue=x",
						      .times = 100});
	fake_kube_fail(fake, (struct fake_kube_fault){.status = 200, .body = bodies[0], .times = 100});
	ck_assert_int_eq(list(fake, &seen, BINDINGS, NULL, NULL, NULL), -1);
	ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
	ck_assert_uint_eq(seen.restarts, 1);
	ck_assert_uint_eq(fake->log_count, 4);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_page_without_items_that_goes_on_is_fine)
{
	struct fake_kube *fake = cluster_of(3);
	struct seen seen = {0};

	fake_kube_fail(fake,
		       (struct fake_kube_fault){.status = 200,
						.body = "{\"kind\":\"RoleBindingList\",\"apiVersion\":\"rbac."
							"authorization.k8s.io/v1\",\"metadata\":{\"resourceVersion\":"
							"\"7\",\"continue\":\"7/apis\"},\"items\":null}"});
	ck_assert_msg(list(fake, &seen, BINDINGS, NULL, NULL, NULL) == 0, "%s", err.what);
	ck_assert_uint_eq(seen.names.count, 3);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

TAP_MAIN("kube_list", a_list_of_several_pages_comes_whole_and_in_order, what_was_read_is_counted_for_who_waits, pieces_of_any_size_give_the_same_items,
	 an_empty_list_is_complete, a_selector_reaches_the_server,
	 a_410_in_the_middle_begins_anew_and_a_second_one_is_incomplete,
	 a_later_page_that_fails_makes_the_list_incomplete, a_first_page_that_is_forbidden_says_so,
	 a_connection_that_breaks_in_a_page_never_hands_an_item_over_twice,
	 what_the_receiver_says_ends_the_list_at_once, an_answer_that_is_no_whole_list_is_never_an_empty_one,
	 a_token_that_comes_twice_and_a_version_that_changes_are_incomplete, a_page_without_items_that_goes_on_is_fine)
