/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole lists, as a server that streams gives them, and items as slices.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/list.h"
#include "tests/support/fake_kube.h"

#define BINDINGS "/apis/rbac.authorization.k8s.io/v1/rolebindings"

static struct ush_error err;

struct seen {
	struct ush_list names;
	size_t restarts, rbac;
	const char *stop_at;
};

static int take(void *context, struct ush_item *item, struct ush_error *why)
{
	struct seen *seen = context;
	USH_AUTO_FREE char *name = ush_slice_copy(item->name);

	ush_list_add(&seen->names, name);
	ck_assert(ush_slice_is(item->kind, "RoleBinding"));
	ck_assert(ush_slice_is(item->api_version, "rbac.authorization.k8s.io/v1"));
	seen->rbac += ush_item_rbac(item, USH_ERR_INCOMPLETE, why) == 1;
	if (seen->stop_at != NULL && strcmp(seen->stop_at, name) == 0)
		return ush_fail(why, USH_ERR_REFUSED, "no more of %s", name);
	return 0;
}

static void restart(void *context)
{
	struct seen *seen = context;

	ush_list_free(&seen->names);
	seen->rbac = 0;
	seen->restarts++;
}

static struct fake_kube *cluster_of(size_t bindings)
{
	struct fake_kube *fake = fake_kube_new();

	for (size_t i = 0; i < bindings; i++) {
		USH_AUTO_FREE char *text = ush_printf(
			"{'kind':'RoleBinding','metadata':{'name':'b%05zu','namespace':'n%zu'},"
			"'roleRef':{'kind':'ClusterRole','name':'view'},'subjects':[{'kind':'Group','name':'a]}\\\\,{[:"
			"'}]}",
			i, i % 3);

		fake_kube_add(fake, text);
	}
	return fake;
}

static int list(struct fake_kube *fake, struct seen *seen, size_t *count)
{
	struct ush_kube_stream stream = {BINDINGS, NULL, take, restart, seen};

	memset(&err, 0, sizeof err);
	return ush_kube_list_items(&fake->kube, &stream, count, NULL, &err);
}

static void expect_whole(const struct seen *seen, size_t count)
{
	ck_assert_uint_eq(seen->names.count, count);
	ck_assert_uint_eq(seen->rbac, count);
	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *name = ush_printf("b%05zu", i);

		ck_assert(ush_list_has(&seen->names, name));
	}
}

START_TEST(a_server_that_streams_is_asked_once_for_all_of_it)
{
	struct fake_kube *fake = cluster_of(1203);
	struct seen seen = {0};
	size_t count = 0;

	for (int i = 1; i <= 2; i++) {
		ck_assert_msg(list(fake, &seen, &count) == 0, "%s", err.what);
		ck_assert_uint_eq(count, 1203);
		expect_whole(&seen, 1203);
		ush_list_free(&seen.names);
		seen.rbac = 0;
		ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS), (size_t)i);
		ck_assert_uint_eq(fake_kube_count(fake, "GET", "/version"), 1);
	}
	ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS "?"), 0);
	fake_kube_free(fake);
}
END_TEST

/* 1.32 builds a whole list in its memory before it sends the first byte. One that does not tell may be as old. */
START_TEST(an_older_server_is_asked_in_pages)
{
	static const struct {
		unsigned int minor;
		const char *version;
		int status;
	} cases[] = {{32, NULL, 0}, {36, "{\"major\":\"1\"}", 200}, {36, "{}", 200}, {36, NULL, 403}, {36, NULL, 500},
		     {36, "not json", 200}, {36, "{\"major\":\"2\",\"minor\":\"40\"}", 200}};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		struct fake_kube *fake = cluster_of(501);
		struct seen seen = {0};

		fake->minor = cases[i].minor;
		fake->pages = 500;
		if (cases[i].status != 0)
			fake_kube_fail(fake, (struct fake_kube_fault){.path = "/version", .times = 9, .status = cases[i].status,
								      .body = cases[i].version});
		ck_assert_msg(list(fake, &seen, NULL) == 0, "%s", err.what);
		expect_whole(&seen, 501);
		ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS "?limit=5000"), 2);
		ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS), 2);
		ush_list_free(&seen.names);
		fake_kube_free(fake);
	}
}
END_TEST

START_TEST(a_server_that_cannot_be_reached_is_not_asked_for_the_list_as_well)
{
	struct fake_kube *fake = cluster_of(1);
	struct seen seen = {0};

	fake_kube_fail(fake, (struct fake_kube_fault){.times = 99});
	ck_assert_int_eq(list(fake, &seen, NULL), -1);
	ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
	ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS), 0);
	fake_kube_free(fake);
}
END_TEST

/* What a server says of itself is one thing: a proxy, or a feature turned off, may give pages nevertheless. */
START_TEST(a_server_that_gives_pages_unasked_is_read_to_the_end)
{
	struct fake_kube *fake = cluster_of(1203);
	struct seen seen = {0};

	fake->pages = 100;
	ck_assert_msg(list(fake, &seen, NULL) == 0, "%s", err.what);
	expect_whole(&seen, 1203);
	ck_assert_uint_eq(seen.restarts, 0);
	ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS), 13);
	ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS "?limit="), 12);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

/* BC13: such a page may expire as well; nothing of the first reading stays. */
START_TEST(a_410_behind_a_page_unasked_begins_anew_in_pages)
{
	struct fake_kube *fake = cluster_of(700);
	struct seen seen = {0};

	fake->pages = 100;
	fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS "?limit=5000&continue", .status = 410});
	ck_assert_msg(list(fake, &seen, NULL) == 0, "%s", err.what);
	ck_assert_uint_eq(seen.restarts, 1);
	expect_whole(&seen, 700);
	ush_list_free(&seen.names);
	seen.restarts = seen.rbac = 0;

	fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS "?limit=5000&continue", .status = 410, .times = 2});
	ck_assert_int_eq(list(fake, &seen, NULL), -1);
	ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

/* T66: half a list is no list. */
START_TEST(a_list_that_breaks_off_in_an_item_is_read_again_in_pages)
{
	struct fake_kube *fake = cluster_of(600);
	struct seen seen = {0};

	for (size_t cut = 4000; cut < 4400; cut += 7) {
		fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS, .cut = cut});
		ck_assert_msg(list(fake, &seen, NULL) == 0, "%s", err.what);
		ck_assert_uint_eq(seen.restarts, 1);
		expect_whole(&seen, 600);
		ush_list_free(&seen.names);
		seen.restarts = seen.rbac = 0;
	}
	ck_assert_uint_gt(fake_kube_count(fake, "GET", BINDINGS "?limit=5000"), 0);

	fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS, .cut = 4000, .times = 9});
	ck_assert_int_eq(list(fake, &seen, NULL), -1);
	ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_busy_server_is_waited_for)
{
	struct fake_kube *fake = cluster_of(5);
	struct seen seen = {0};

	fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS, .status = 429, .retry_after_ms = 2000, .times = 2});
	ck_assert_msg(list(fake, &seen, NULL) == 0, "%s", err.what);
	expect_whole(&seen, 5);
	ck_assert_int_ge(fake->slept_ms, 4000);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

START_TEST(what_the_receiver_says_ends_it_at_once)
{
	struct fake_kube *fake = cluster_of(700);
	struct seen seen = {.stop_at = "b00003"};

	ck_assert_int_eq(list(fake, &seen, NULL), -1);
	ck_assert_str_eq(err.what, "no more of b00003");
	ck_assert_uint_eq(seen.names.count, 2);
	ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS), 1);
	ush_list_free(&seen.names);
	fake_kube_free(fake);
}
END_TEST

static int pass_over(void *context, struct ush_item *item, struct ush_error *why)
{
	(void)context, (void)why;
	ck_assert(ush_slice_is(item->kind, "RoleBinding"));
	return 0;
}

#define LIST(items)                                                                                                    \
	"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"metadata\":{"               \
	"\"resourceVersion\":\"7\"},\"items\":[" items "]}"

/* Hostile items: one line that names the item, nothing tried again. */
START_TEST(an_item_that_is_no_json_ends_the_list)
{
	static const struct {
		const char *body, *why;
	} cases[] = {
		{LIST("{\"a\":1},{\"a\":1,\"a\":2}"), "item 2: is not valid JSON (a key stands twice)"},
		{LIST("{\"a\":\"\\ud800\"}"), "item 1: is not valid JSON"},
		{LIST("{\"a\":\"\xff\"}"), "item 1: is not valid JSON"},
		{LIST("{\"a\":01}"), "item 1: is not valid JSON"},
		{LIST("{\"a\":1e999}"), "item 1: is not valid JSON (a number is out of range)"},
		{LIST("{\"a\":[}]"), "item 1: is not valid JSON"},
		{LIST("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"),
		 "item 1: is not valid JSON (it is nested too deep)"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		struct fake_kube *fake = cluster_of(0);
		struct seen seen = {0};
		struct ush_kube_stream stream = {BINDINGS, NULL, pass_over, restart, &seen};

		memset(&err, 0, sizeof err);
		fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS, .status = 200, .body = cases[i].body, .times = 9});
		ck_assert_int_eq(ush_kube_list_items(&fake->kube, &stream, NULL, NULL, &err), -1);
		ck_assert_msg(strstr(err.what, cases[i].why) != NULL, "%zu: %s", i, err.what);
		ck_assert_int_eq(err.code, USH_ERR_REJECTED);
		ck_assert_uint_eq(seen.restarts, 0);
		ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS), 1);
		ush_list_free(&seen.names);
		fake_kube_free(fake);
	}
}
END_TEST

/* An item larger than any real one: nothing is kept of it beyond the cap. */
START_TEST(an_item_of_9_MB_is_refused)
{
	struct fake_kube *fake = cluster_of(1);
	struct seen seen = {0};
	USH_AUTO_FREE char *filler = ush_alloc((9U << 20) + 1);
	USH_AUTO_FREE char *body = NULL;

	memset(filler, 'x', 9U << 20);
	body = ush_printf(LIST("{\"metadata\":{\"name\":\"a\",\"annotations\":{\"x\":\"%s\"}}}"), filler);
	fake->chunk = 65536;
	fake_kube_fail(fake, (struct fake_kube_fault){.path = BINDINGS, .status = 200, .body = body});
	ck_assert_int_eq(list(fake, &seen, NULL), -1);
	ck_assert_msg(strstr(err.what, "an item larger than 8 MiB") != NULL, "%s", err.what);
	ck_assert_int_eq(err.code, USH_ERR_REJECTED);
	ck_assert_uint_eq(seen.names.count, 0);
	ck_assert_uint_eq(fake_kube_count(fake, "GET", BINDINGS), 1);
	fake_kube_free(fake);
}
END_TEST

TAP_MAIN("kube_stream", a_server_that_streams_is_asked_once_for_all_of_it, an_older_server_is_asked_in_pages,
	 a_server_that_cannot_be_reached_is_not_asked_for_the_list_as_well,
	 a_server_that_gives_pages_unasked_is_read_to_the_end, a_410_behind_a_page_unasked_begins_anew_in_pages,
	 a_list_that_breaks_off_in_an_item_is_read_again_in_pages, a_busy_server_is_waited_for,
	 what_the_receiver_says_ends_it_at_once, an_item_that_is_no_json_ends_the_list, an_item_of_9_MB_is_refused)
