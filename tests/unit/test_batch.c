/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/batch.h"

#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/holds.h"
#include "tests/support/fake_kube.h"
#include "tests/support/tap.h"

#define MOST     400
#define BINDINGS "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"

static struct fake_kube *fake;
static struct ush_error err;
static struct {
	enum ush_kube_verb verb;
	size_t total, asked, urgents, may_calls;
	enum ush_kube_end end[MOST];
	int status[MOST], times[MOST];
	char *why[MOST];
	json_t *answer[MOST];
	const char *body; /* of a merge, an update or a delete */
	int may;
	bool urgent;
	char *version; /* that a merge names */
} t;

static void begin(enum ush_kube_verb verb, size_t total)
{
	memset(&t, 0, sizeof t);
	err = (struct ush_error){0};
	fake = fake_kube_new();
	t.verb = verb;
	t.total = total;
}

static void end(void)
{
	for (size_t i = 0; i < MOST; i++) {
		json_decref(t.answer[i]);
		free(t.why[i]);
	}
	fake_kube_free(fake);
}

static bool next(void *context, struct ush_kube_task *task, int64_t *wait_ms)
{
	size_t i = t.asked;

	(void)context, (void)wait_ms;
	if (i == t.total)
		return false;
	t.asked++;
	task->verb = t.verb;
	task->item = (void *)i;
	task->path = t.verb == USH_KUBE_CREATE ? ush_strdup(BINDINGS) : ush_printf(BINDINGS "/b%zu", i);
	if (t.verb == USH_KUBE_CREATE)
		ush_buf_printf(&task->body,
			       "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"RoleBinding\",\"metadata\":{\"name\":\"b%zu\","
			       "\"namespace\":\"default\",\"labels\":{\"a\":\"b\"}},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
			       "\"kind\":\"ClusterRole\",\"name\":\"view\"},\"subjects\":[{\"kind\":\"Group\",\"name\":\"g%zu\"}]}",
			       i, i);
	else if (t.body != NULL)
		ush_buf_puts(&task->body, t.body);
	return true;
}

static void done(void *context, const struct ush_kube_task *task, const struct ush_kube_result *result)
{
	size_t i = (size_t)task->item;

	(void)context;
	if (i == MOST)
		return;
	t.times[i]++;
	t.end[i] = result->end;
	t.status[i] = result->status;
	free(t.why[i]);
	json_decref(t.answer[i]);
	t.why[i] = ush_strdup(result->err.what);
	t.answer[i] = json_incref(result->answer);
}

static bool urgent(void *context, struct ush_kube_task *task)
{
	(void)context;
	if (!t.urgent)
		return false;
	t.urgent = false;
	t.urgents++;
	*task = (struct ush_kube_task){.verb = USH_KUBE_GET, .path = ush_strdup("/api/v1/namespaces/kube-system"), .item = (void *)(size_t)MOST};
	return true;
}

static int may(void *context, struct ush_error *why)
{
	(void)context;
	t.may_calls++;
	return t.may < 0 ? ush_fail(why, USH_ERR_REFUSED, "no more") : t.may;
}

static int run(void)
{
	const struct ush_kube_batch batch = {NULL, next, done, urgent, may};

	return ush_kube_many(&fake->kube, &batch, &err);
}

static void expect(enum ush_kube_end what, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		ck_assert_int_eq(t.times[i], 1);
		ck_assert_msg(t.end[i] == what, "%zu ended with %d: %s", i, (int)t.end[i], t.why[i]);
	}
}

START_TEST(creates_are_made_once_each)
{
	begin(USH_KUBE_CREATE, MOST);
	ck_assert_msg(run() == 0, "%s", err.what);
	expect(USH_KUBE_DONE, 0, MOST);
	ck_assert_uint_eq(fake_kube_objects(fake, BINDINGS), MOST);
	ck_assert_uint_eq(fake_kube_count(fake, NULL, NULL), MOST);
	ck_assert_ptr_nonnull(strstr(fake->log[0].path, "?fieldManager=usher-broker"));
	end();
}
END_TEST

START_TEST(a_burst_of_429_is_waited_out)
{
	begin(USH_KUBE_CREATE, 100);
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .skip = 10, .times = 60, .status = 429, .retry_after_ms = 1000});
	ck_assert_msg(run() == 0, "%s", err.what);
	expect(USH_KUBE_DONE, 0, 100);
	ck_assert_uint_eq(fake_kube_count(fake, "POST", NULL), 160);
	ck_assert_int_ge(fake->slept_ms, 1000);
	end();
}
END_TEST

START_TEST(what_503_answers_is_tried_again_and_given_up_at_last)
{
	begin(USH_KUBE_CREATE, 3);
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .skip = 1, .times = 4, .status = 503});
	ck_assert_msg(run() == 0, "%s", err.what);
	expect(USH_KUBE_DONE, 0, 3);
	end();
	begin(USH_KUBE_CREATE, 3);
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .times = 1000, .status = 503, .retry_after_ms = 100});
	ck_assert_msg(run() == 0, "%s", err.what);
	expect(USH_KUBE_FAILED, 0, 3);
	ck_assert_ptr_nonnull(strstr(t.why[0], "answers 503 to POST"));
	ck_assert_uint_eq(fake_kube_count(fake, "POST", NULL), 30);
	end();
}
END_TEST

START_TEST(a_retry_after_of_an_hour_is_not_waited_for)
{
	begin(USH_KUBE_CREATE, 1);
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .times = 1000, .status = 429, .retry_after_ms = 3600000});
	ck_assert_int_eq(run(), 0);
	expect(USH_KUBE_FAILED, 0, 1);
	ck_assert_uint_eq(fake_kube_count(fake, "POST", NULL), 1);
	end();
}
END_TEST

/* The server did it, and its answer was lost: what stands there is ours. */
START_TEST(a_create_whose_answer_was_lost_is_told_from_somebody_elses)
{
	begin(USH_KUBE_CREATE, 20);
	fake_kube_add(fake, "{'kind':'RoleBinding','metadata':{'name':'b7','namespace':'default'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io',"
			    "'kind':'ClusterRole','name':'admin'},'subjects':[]}");
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .skip = 3, .times = 1, .status = 0, .done = true});
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .skip = 12, .times = 1, .status = 500, .done = true});
	ck_assert_msg(run() == 0, "%s", err.what);
	expect(USH_KUBE_DONE, 0, 7);
	expect(USH_KUBE_STANDS, 7, 8);
	expect(USH_KUBE_DONE, 8, 20);
	ck_assert_str_eq(ush_json_string(json_object_get(t.answer[7], "roleRef"), "name"), "admin");
	ck_assert_uint_eq(fake_kube_objects(fake, BINDINGS), 20);
	ck_assert_uint_eq(fake_kube_count(fake, "GET", NULL), 3);
	end();
}
END_TEST

START_TEST(a_server_that_is_gone_ends_the_batch_and_the_rest_is_left)
{
	begin(USH_KUBE_CREATE, MOST);
	fake_kube_fail(fake, (struct fake_kube_fault){.skip = 50, .times = 100000, .status = 0});
	ck_assert_int_eq(run(), -1);
	ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
	expect(USH_KUBE_DONE, 0, 50);
	ck_assert_uint_lt(t.asked, 200);
	expect(USH_KUBE_FAILED, 50, t.asked);
	ck_assert_uint_lt(fake_kube_count(fake, NULL, NULL), 300);
	end();
}
END_TEST

START_TEST(one_broken_connection_is_nothing)
{
	begin(USH_KUBE_CREATE, 50);
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .skip = 20, .times = 3, .status = 0});
	ck_assert_msg(run() == 0, "%s", err.what);
	expect(USH_KUBE_DONE, 0, 50);
	end();
}
END_TEST

START_TEST(a_token_that_expired_is_read_again_once)
{
	USH_AUTO_FREE char *file = ush_printf("%s/token", tap_folder());

	begin(USH_KUBE_CREATE, 50);
	fake->config.token_file = file;
	fake->accepts = "fresh";
	ck_assert_int_eq(ush_file_write(file, "fresh\n", 6, 0600, &err), 0);
	ck_assert_msg(run() == 0, "%s", err.what);
	expect(USH_KUBE_DONE, 0, 50);
	ck_assert_uint_eq(fake_kube_count(fake, "POST", NULL), 51);
	t.asked = 0;
	fake->accepts = "other";
	ck_assert_int_eq(run(), -1);
	ck_assert_int_eq(err.code, USH_ERR_LOGIN);
	ck_assert_uint_le(t.asked, 8);
	fake->config.token_file = NULL;
	end();
}
END_TEST

START_TEST(a_refusal_concerns_one_object)
{
	begin(USH_KUBE_CREATE, 20);
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .skip = 5, .times = 1, .status = 403,
						      .body = "{\"kind\":\"Status\",\"message\":\"no bind here\",\"reason\":\"Forbidden\"}"});
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .skip = 8, .times = 1, .status = 403,
						      .body = "{\"kind\":\"Status\",\"message\":\"x\",\"details\":{\"causes\":[{\"reason\":\"NamespaceTerminating\"}]}}"});
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .skip = 9, .times = 1, .status = 404});
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .skip = 10, .times = 1, .status = 422});
	ck_assert_msg(run() == 0, "%s", err.what);
	expect(USH_KUBE_FAILED, 5, 6);
	ck_assert_ptr_nonnull(strstr(t.why[5], "no bind here"));
	expect(USH_KUBE_ENDING, 9, 10);
	expect(USH_KUBE_MISSING, 11, 12);
	expect(USH_KUBE_FAILED, 13, 14);
	expect(USH_KUBE_DONE, 14, 20);
	end();
}
END_TEST

START_TEST(deletes_hold_to_their_preconditions)
{
	begin(USH_KUBE_DELETE, 3);
	fake_kube_add(fake, "{'kind':'RoleBinding','metadata':{'name':'b1','namespace':'default'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io',"
			    "'kind':'ClusterRole','name':'admin'},'subjects':[]}");
	t.body = "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"preconditions\":{\"uid\":\"other\"}}";
	ck_assert_msg(run() == 0, "%s", err.what);
	expect(USH_KUBE_DONE, 0, 1); /* there is none: gone is gone */
	expect(USH_KUBE_STANDS, 1, 2);
	ck_assert_str_eq(ush_json_string(json_object_get(t.answer[1], "metadata"), "name"), "b1");
	ck_assert_uint_eq(fake_kube_objects(fake, BINDINGS), 1);
	end();
}
END_TEST

START_TEST(a_merge_whose_answer_was_lost_is_done)
{
	USH_AUTO_FREE char *body = NULL;
	const json_t *object;

	begin(USH_KUBE_MERGE, 1);
	fake_kube_add_as(fake, "usher-broker", "{'kind':'RoleBinding','metadata':{'name':'b0','namespace':'default','labels':{'old':'x','own':'1'}},"
					       "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'admin'},'subjects':[]}");
	object = fake_kube_object(fake, BINDINGS "/b0");
	body = ush_printf("{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"RoleBinding\",\"metadata\":{\"name\":\"b0\",\"labels\":{"
			  "\"old\":null},\"resourceVersion\":\"%s\"},\"subjects\":[{\"kind\":\"Group\",\"name\":\"g\"}]}",
			  ush_json_string(json_object_get(object, "metadata"), "resourceVersion"));
	t.body = body;
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "PATCH", .times = 1, .status = 0, .done = true});
	ck_assert_msg(run() == 0, "%s", err.what);
	expect(USH_KUBE_DONE, 0, 1);
	ck_assert_uint_eq(fake_kube_count(fake, "PATCH", NULL), 2);
	object = json_object_get(json_object_get(fake_kube_object(fake, BINDINGS "/b0"), "metadata"), "labels");
	ck_assert_ptr_null(json_object_get(object, "old"));
	ck_assert_pstr_eq(ush_json_string(object, "own"), "1");
	fake_kube_add_as(fake, "kubectl-edit", "{'kind':'RoleBinding','metadata':{'name':'b0','namespace':'default','labels':{'old':'x'}},"
					       "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'admin'},'subjects':[]}");
	t.asked = 0;
	t.times[0] = 0;
	ck_assert_int_eq(run(), 0);
	expect(USH_KUBE_STANDS, 0, 1);
	end();
}
END_TEST

START_TEST(what_is_urgent_goes_first_and_who_may_not_stops)
{
	begin(USH_KUBE_CREATE, 20);
	t.urgent = true;
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(t.urgents, 1);
	ck_assert_str_eq(fake->log[0].path, "/api/v1/namespaces/kube-system");
	expect(USH_KUBE_DONE, 0, 20);
	t.asked = 0;
	t.may = -1;
	fake_kube_forget(fake);
	ck_assert_int_eq(run(), -1);
	ck_assert_str_eq(err.what, "no more");
	ck_assert_uint_eq(fake_kube_count(fake, NULL, NULL), 0);
	end();
}
END_TEST

START_TEST(an_object_holds_what_was_written)
{
	static const struct {
		const char *there, *wanted;
		bool holds;
	} cases[] = {
		{"{\"a\":1,\"b\":2}", "{\"a\":1}", true},
		{"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
		{"{\"a\":1}", "{\"a\":2}", false},
		{"{\"l\":{\"x\":\"1\",\"y\":\"2\"}}", "{\"l\":{\"x\":\"1\",\"z\":null}}", true},
		{"{\"l\":{\"x\":\"1\",\"z\":\"2\"}}", "{\"l\":{\"x\":\"1\",\"z\":null}}", false},
		{"{\"s\":[1,2]}", "{\"s\":[1]}", false},
		{"{}", "{\"s\":[],\"labels\":{}}", true},
		{"{\"s\":[1]}", "{\"s\":[]}", false},
		{"{\"metadata\":{\"resourceVersion\":\"2\"}}", "{\"metadata\":{\"resourceVersion\":\"1\"}}", true},
		{"{\"a\":1,\"metadata\":{\"deletionTimestamp\":\"x\"}}", "{\"a\":1}", false},
		{"[]", "{}", false},
		{"{}", "[]", false},
		{"", "{}", false},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_BUF there = {0}, wanted = {0};

		ush_buf_puts(&there, cases[i].there);
		ush_buf_puts(&wanted, cases[i].wanted);
		ck_assert_msg(ush_kube_holds_text(&there, &wanted) == cases[i].holds, "%zu: %s", i, cases[i].there);
	}
}
END_TEST

TAP_MAIN("batch", creates_are_made_once_each, a_burst_of_429_is_waited_out, what_503_answers_is_tried_again_and_given_up_at_last,
	 a_retry_after_of_an_hour_is_not_waited_for, a_create_whose_answer_was_lost_is_told_from_somebody_elses,
	 a_server_that_is_gone_ends_the_batch_and_the_rest_is_left, one_broken_connection_is_nothing, a_token_that_expired_is_read_again_once,
	 a_refusal_concerns_one_object, deletes_hold_to_their_preconditions, a_merge_whose_answer_was_lost_is_done,
	 what_is_urgent_goes_first_and_who_may_not_stops, an_object_holds_what_was_written)
