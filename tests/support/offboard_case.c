/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/offboard_case.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/http.h"

struct ush_offboard offboard_one;
struct ush_policy *offboard_policy;
struct ush_world offboard_sources;
size_t offboard_asked, offboard_listed;

static const struct ush_strings nothing;

static int nobody_answers(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	(void)context, (void)request, (void)response;
	if (offboard_asked++ == 0)
		offboard_listed = fake_kube_count(room.fake, NULL, "/apis/rbac.authorization.k8s.io");
	return ush_fail(err, USH_ERR_UNAVAILABLE, "no route to host");
}

static void make(enum ush_ledger_kind kind, const char *name)
{
	offboard_one = (struct ush_offboard){.kind = kind, .name = name, .also = &nothing, .policy = offboard_policy, .sources_world = &offboard_sources,
					     .kube = &room.fake->kube, .state_namespace = "default", .reason = "left", .again = "usher-broker offboard again", .readmit = "usher-broker readmit -f p",
					     .kubectl = "kubectl"};
}

void offboard_begin(const char *policy, const char *groups, enum ush_ledger_kind kind, const char *name)
{
	USH_AUTO_FREE char *path = NULL;

	memset(&room.err, 0, sizeof room.err);
	sync_room_begin(policy, groups);
	path = ush_printf("%s/policy.yaml", room.folder);
	sync_room_put("secret", "s");
	offboard_policy = ush_policy_load(path, NULL, &room.err);
	ck_assert_msg(offboard_policy != NULL, "%s", room.err.what);
	offboard_sources = room.fake->world;
	offboard_sources.http = nobody_answers;
	offboard_asked = 0;
	make(kind, name);
}

void offboard_end(void)
{
	USH_AUTO_FREE char *path = ush_printf("%s/secret", room.folder);

	remove(path);
	ush_offboard_free(&offboard_one);
	ush_policy_free(offboard_policy);
	sync_room_end();
}

void offboard_again(const char *name)
{
	enum ush_ledger_kind kind = offboard_one.kind;
	const char *whom = name != NULL ? name : offboard_one.name;

	ush_offboard_free(&offboard_one);
	make(kind, whom);
	fake_kube_forget(room.fake);
	memset(&room.err, 0, sizeof room.err);
}

void offboard_put(const char *name, const char *metadata, const char *subjects)
{
	USH_AUTO_FREE char *text = ush_printf("{'kind':'RoleBinding','metadata':{'name':'%s','namespace':'fancy-namespace'%s%s}," REF ",'subjects':[%s]}", name,
					      *metadata != '\0' ? "," : "", metadata, subjects);

	fake_kube_add(room.fake, text);
}

size_t offboard_subjects(const char *path)
{
	return json_array_size(json_object_get(fake_kube_object(room.fake, path), "subjects"));
}

static const json_t *find(const char *word, const char *part)
{
	const json_t *found;
	size_t i;

	json_array_foreach(json_object_get(offboard_one.report, "lines"), i, found)
		if (strcmp(ush_json_string(found, "word"), word) == 0 && strstr(ush_json_string(found, "text"), part) != NULL)
			return found;
	return NULL;
}

const json_t *offboard_line(const char *word, const char *part)
{
	USH_AUTO_FREE char *all = json_dumps(offboard_one.report, JSON_INDENT(1));
	const json_t *found = find(word, part);

	ck_assert_msg(found != NULL, "no line \"%s ...%s\" in %s", word, part, all);
	return found;
}

bool offboard_says(const char *word, const char *part)
{
	return find(word, part) != NULL;
}

bool offboard_is_denied(const char *name)
{
	USH_AUTO_LEDGER ledger = {0};

	ck_assert_int_eq(ush_ledger_load(&ledger, &room.fake->kube, "default", "default", NULL, &room.err), 0);
	return ush_ledger_bars_user(&ledger, name) != NULL;
}
