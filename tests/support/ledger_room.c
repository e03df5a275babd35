/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/ledger_room.h"

#include <check.h>

#include "broker/ledger/ledger_store.h"
#include "broker/lifecycle/elevate/elevate.h"
#include "common/base/memory.h"

struct ush_ledger_entry ledger_room_made;

static int add(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	struct ush_ledger_entry copy;

	(void)err;
	ush_ledger_entry_copy(&copy, context);
	ck_assert(ush_ledger_add(ledger, &copy));
	return 1;
}

void ledger_room_deny(enum ush_ledger_kind kind, const char *name, const char *spelling, const char *id)
{
	struct ush_ledger_entry e = {.kind = kind, .since = 1767225600, .key = ush_strdup("0badc0de"), .name = ush_strdup(name), .by = ush_strdup("ann"),
				     .reason = ush_strdup("left the company"), .source = id != NULL ? ush_strdup("main") : NULL, .id = ush_strdup(id)};

	if (spelling != NULL)
		ush_list_add(&e.spellings, spelling);
	ck_assert_msg(ush_ledger_change(&room.fake->kube, "default", "default", add, &e, &room.err) == 0, "%s", room.err.what);
	ush_ledger_entry_free(&e);
	fake_kube_forget(room.fake);
}

int ledger_room_try_elevate(const char *seal, int64_t seconds)
{
	USH_AUTO_FREE char *path = ush_printf("%s/policy.yaml", room.folder);
	USH_AUTO_POLICY policy = ush_policy_load(path, NULL, &room.err);
	struct ush_elevate e = {.kube = &room.fake->kube, .policy = policy, .state_namespace = "default", .role = 1, .namespace_name = "fancy-namespace",
				.by = "ann", .reason = "the queue is stuck", .seconds = seconds, .name = "bob", .subject = "oidc:bob", .seal = seal};
	int result = ush_elevate_begin(&e, &room.err);

	ck_assert(e.proved == (result == 0));
	ush_ledger_entry_free(&ledger_room_made);
	ush_ledger_entry_copy(&ledger_room_made, &e.made);
	ush_elevate_free(&e);
	return result;
}

void ledger_room_elevate(const char *seal, int64_t seconds)
{
	ck_assert_msg(ledger_room_try_elevate(seal, seconds) == 0, "%s", room.err.what);
	fake_kube_forget(room.fake);
}

char *ledger_room_path(void)
{
	return ush_printf(BINDINGS "/%s", ledger_room_made.binding);
}

bool ledger_room_stands(void)
{
	USH_AUTO_FREE char *path = ledger_room_path();

	return sync_room_has(path);
}
