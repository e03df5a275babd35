/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the ledger is kept: two who write at once, what is spoilt, what is somebody else's.
 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/fake_kube.h"
#include "tests/support/tap.h"

#define MAPS "/api/v1/namespaces/default/configmaps"
#define MAP  MAPS "/usher-broker-ledger"

static char ONE[] = "a0000001", TWO[] = "a0000002";

static void put(struct ush_ledger *ledger, const char *key)
{
	struct ush_ledger_entry e = {.kind = USH_LEDGER_NAMESPACE, .since = 1};

	e.key = ush_strdup(key);
	e.name = ush_strdup("n");
	e.by = ush_strdup("ann");
	e.reason = ush_strdup("gone");
	ck_assert(ush_ledger_add(ledger, &e));
}

static int add(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	(void)err;
	put(ledger, context);
	return 1;
}

static void write_between(void *context, struct fake_kube *fake, const char *method, const char *path)
{
	int *left = context;
	char key[9];
	struct ush_error err = {0};

	if ((strcmp(method, "PUT") != 0 && strcmp(method, "POST") != 0) || strncmp(path, MAPS, strlen(MAPS)) != 0 || *left == 0)
		return;
	snprintf(key, sizeof key, "b000000%d", (*left)--);
	fake->before = NULL;
	ck_assert_int_eq(ush_ledger_change(&fake->kube, "default", "default", add, key, &err), 0);
	fake->before = write_between;
}

static void expect(struct fake_kube *fake, size_t count, const char *key)
{
	USH_AUTO_LEDGER ledger = {0};
	USH_AUTO_FREE char *version = NULL;
	struct ush_error err = {0};

	ck_assert_msg(ush_ledger_load(&ledger, &fake->kube, "default", "default", &version, &err) == 0, "%s", err.what);
	ck_assert_uint_eq(ledger.count, count);
	if (key != NULL)
		ck_assert_ptr_nonnull(ush_ledger_find(&ledger, key));
}

START_TEST(what_one_person_writes_the_next_one_finds)
{
	struct fake_kube *fake = fake_kube_new();
	struct ush_error err = {0};

	expect(fake, 0, NULL);
	ck_assert_uint_eq(fake->log_count, 1);
	ck_assert_int_eq(ush_ledger_change(&fake->kube, "default", "default", add, ONE, &err), 0);
	ck_assert_int_eq(ush_ledger_change(&fake->kube, "default", "default", add, TWO, &err), 0);
	expect(fake, 2, "a0000001");
	ck_assert_ptr_null(fake_kube_object(fake, MAPS "/usher-broker-ledger-other"));
	fake_kube_free(fake);
}
END_TEST

/* The first of them when there is no ledger yet, and when there is one. */
START_TEST(two_who_write_at_once_lose_nothing)
{
	struct fake_kube *fake = fake_kube_new();
	struct ush_error err = {0};
	int left = 3;

	fake->before = write_between;
	fake->before_context = &left;
	ck_assert_msg(ush_ledger_change(&fake->kube, "default", "default", add, ONE, &err) == 0, "%s", err.what);
	expect(fake, 4, "a0000001");
	expect(fake, 4, "b0000001");
	fake_kube_free(fake);
}
END_TEST

START_TEST(who_never_gets_a_turn_says_so)
{
	struct fake_kube *fake = fake_kube_new();
	struct ush_error err = {0};
	int left = 9;

	fake->before = write_between;
	fake->before_context = &left;
	ck_assert_int_eq(ush_ledger_change(&fake->kube, "default", "default", add, ONE, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	fake->before = NULL;
	expect(fake, 8, NULL);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_spoilt_ledger_and_a_foreign_one_stop_everything)
{
	struct fake_kube *fake = fake_kube_new();
	USH_AUTO_LEDGER ledger = {0};
	struct ush_error err = {0};

	fake_kube_add(fake, "{'kind':'ConfigMap','metadata':{'name':'usher-broker-ledger','namespace':'default','labels':"
			    "{'app.kubernetes.io/managed-by':'usher-broker'}},'data':{'ledger':'gone'}}");
	ck_assert_int_eq(ush_ledger_load(&ledger, &fake->kube, "default", "default", NULL, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_STORE);
	ush_error_clear(&err);
	ck_assert_int_eq(ush_ledger_change(&fake->kube, "default", "default", add, ONE, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_STORE);
	ush_error_clear(&err);
	fake_kube_remove(fake, MAP);
	fake_kube_add(fake, "{'kind':'ConfigMap','metadata':{'name':'usher-broker-ledger','namespace':'default'},'data':{}}");
	ck_assert_int_eq(ush_ledger_change(&fake->kube, "default", "default", add, ONE, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert_uint_eq(fake_kube_writes(fake), 0);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_namespace_that_is_not_there_is_said_with_what_makes_it)
{
	struct fake_kube *fake = fake_kube_new();
	struct ush_error err = {0};

	ck_assert_int_eq(ush_ledger_change(&fake->kube, "nowhere", "default", add, ONE, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_str_eq(err.hint, "kubectl create namespace nowhere");
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_folder_has_its_ledger_in_a_file)
{
	USH_AUTO_LEDGER empty = {0}, made = {0}, read = {0};
	const char *folder = tap_folder();
	USH_AUTO_FREE char *path = ush_printf("%s/.usher-ledger-default", folder), *text = NULL;
	struct ush_error err = {0};

	ck_assert_int_eq(ush_ledger_load_file(&empty, folder, "default", &err), 0);
	ck_assert_uint_eq(empty.count, 0);
	put(&made, "a0000001");
	text = ush_ledger_text(&made);
	ck_assert_int_eq(ush_file_write(path, text, strlen(text), 0600, &err), 0);
	ck_assert_int_eq(ush_ledger_load_file(&read, folder, "default", &err), 0);
	ck_assert_uint_eq(read.count, 1);
	ck_assert_int_eq(ush_file_write(path, "", 0, 0600, &err), 0);
	ck_assert_int_eq(ush_ledger_load_file(&empty, folder, "default", &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_STORE);
}
END_TEST

TAP_MAIN("ledger_store", what_one_person_writes_the_next_one_finds, two_who_write_at_once_lose_nothing, who_never_gets_a_turn_says_so,
	 a_spoilt_ledger_and_a_foreign_one_stop_everything, a_namespace_that_is_not_there_is_said_with_what_makes_it, a_folder_has_its_ledger_in_a_file)
