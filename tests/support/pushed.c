/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/pushed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "tests/support/tap.h"

static int64_t clock_ms = 1795290309000;
static uint32_t chance = 1;

uint32_t pushed_next(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 17;
	chance ^= chance << 5;
	return chance;
}

void pushed_begin_row(uint32_t seed)
{
	chance = seed;
}

static int64_t now_ms(void *context)
{
	(void)context;
	return ++clock_ms;
}

static void fill(void *context, void *out, size_t size)
{
	(void)context;
	for (size_t i = 0; i < size; i++)
		((unsigned char *)out)[i] = (unsigned char)pushed_next();
}

static const struct ush_world world = {.now_ms = now_ms, .boot_ms = now_ms, .random = fill};

const struct ush_world *pushed_world(void)
{
	return &world;
}

/* ---- one conversation ---- */

int pushed_ask(struct ush_room *room, const char *method, const char *path, const json_t *body, json_t **told)
{
	USH_AUTO_FREE char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : ush_strdup(""), *whole = ush_printf(USH_SCIM_BASE "%s", path);
	USH_AUTO_TARGET target = {0};
	struct ush_scim_request request = {.method = method, .target = &target, .body = text, .length = strlen(text), .type = "application/scim+json", .base = "https://x/scim/v2"};
	struct ush_scim_answer answer = {0};
	int status;

	ck_assert_int_eq(ush_target_read(&target, whole), 0);
	ush_scim_serve(room, &world, &request, &answer);
	status = answer.status;
	if (told != NULL)
		*told = ush_steal(&answer.body);
	ush_scim_answer_free(&answer);
	return status;
}

void pushed_set_up(struct ush_room *room)
{
	*room = (struct ush_room){.lock = -1, .log = -1};
	room->store.max_users = room->store.max_groups = 1000;
	room->store.people = "userName";
}

void pushed_open(struct ush_room *room, const char *folder)
{
	struct ush_error err = {0};

	pushed_set_up(room);
	ck_assert_msg(ush_room_open(room, folder, &err) == 0, "%s", err.what);
}

void pushed_commit(struct ush_room *room)
{
	struct ush_error err = {0};

	ck_assert_msg(ush_room_commit(room, &err) == 0, "%s", err.what);
}

/* As if it were killed: nothing is written any more. */
void pushed_drop(struct ush_room *room)
{
	if (room->log >= 0)
		close(room->log);
	if (room->lock >= 0)
		close(room->lock);
	ush_store_free(&room->store);
	ush_buf_free(&room->pending);
	free(room->folder);
}

char *pushed_make(struct ush_room *room, const char *path, const char *attribute, const char *name)
{
	USH_AUTO_JSON body = json_pack("{s:s}", attribute, name);
	USH_AUTO_JSON told = NULL;

	ck_assert_int_eq(pushed_ask(room, "POST", path, body, &told), 201);
	return ush_strdup(ush_json_string(told, "id"));
}

json_t *pushed_member(const char *op, const char *id)
{
	return json_pack("{s:[{s:s, s:s, s:[{s:s}]}]}", "Operations", "op", op, "path", "members", "value", "value", id);
}

void pushed_join(struct ush_room *room, const char *outer, const char *inner)
{
	USH_AUTO_FREE char *path = ush_printf("/Groups/%s", outer);
	USH_AUTO_JSON body = pushed_member("add", inner);

	ck_assert_int_eq(pushed_ask(room, "PATCH", path, body, NULL), 204);
}
