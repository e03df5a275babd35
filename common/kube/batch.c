/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/batch.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/holds.h"
#include "common/kube/pace.h"
#include "common/kube/request.h"
#include "common/net/many.h"

#define BUSY_TRIES    9     /* more, after the first */
#define BROKEN_TRIES  3
#define FIRST_WAIT_MS 200
#define MOST_WAIT_MS  10000
#define ASKED_MOST_MS 60000 /* a Retry-After beyond is not waited for */
#define GONE_MS       60000 /* without one answer that the server meant */
#define GONE_IN_A_ROW 8     /* tasks given up, likewise */
#define FREE_RETRIES  200
#define URGENT_MS     1000
#define TOKEN_MS      60000 /* until a token that was read again may be too old again */
#define METADATA_ONLY "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json"

enum state { FREE, READY, UNDER_WAY };

struct slot { /* a task from next to done */
	struct ush_kube_task task;
	char *url;
	enum state state;
	bool urgent;
	bool reading;           /* a 409 came, and what stands there is read */
	unsigned int busy, broken;
	int64_t sent_ms, at_ms; /* when it was sent; when it may be sent again */
	size_t beside;          /* how many were under way then, itself included */
	unsigned int token_number; /* of the credentials that it was sent with */
};

struct many {
	const struct ush_kube *kube;
	const struct ush_kube_batch *batch;
	struct ush_pace pace;
	struct slot slots[USH_PACE_MOST + 1]; /* one for what is urgent */
	size_t held, under_way; /* slots that are not FREE; that are UNDER_WAY */
	size_t successes, retries, given_up;
	unsigned int token_number; /* how often the credentials were read */
	int64_t token_ms, answered_ms;
	struct ush_error stop; /* why the rest is left */
};

static const struct {
	const char *method, *type;
	const char *accept; /* NULL: JSON, all of it */
	bool writes;        /* takes a fieldManager */
	bool tells;         /* the answer is handed over */
} verbs[] = {
	[USH_KUBE_GET] = {"GET", NULL, NULL, false, true},
	[USH_KUBE_CREATE] = {"POST", "application/json", METADATA_ONLY, true, false},
	[USH_KUBE_MERGE] = {"PATCH", "application/merge-patch+json", METADATA_ONLY, true, false},
	[USH_KUBE_UPDATE] = {"PUT", "application/json", NULL, true, true},
	[USH_KUBE_DELETE] = {"DELETE", "application/json", NULL, false, false},
	[USH_KUBE_REVIEW] = {"POST", "application/json", NULL, false, true},
	[USH_KUBE_APPLY] = {"PATCH", "application/apply-patch+yaml", METADATA_ONLY, true, false},
};

/* ---- sending ---- */

/* The path of what a create makes, from the list's path and the body's name; the caller frees. NULL: it has none. */
static char *object_path(const struct ush_kube_task *task)
{
	struct ush_error ignored = {0};
	USH_AUTO_JSON body = NULL;
	const char *name;

	if (task->verb != USH_KUBE_CREATE)
		return ush_strdup(task->path);
	body = ush_json_parse(task->body.data, task->body.length, "", USH_ERR_REJECTED, &ignored);
	name = ush_json_string(ush_json_object(body, "metadata"), "name");
	return name != NULL ? ush_printf("%s/%s", task->path, name) : NULL;
}

static void set_url(const struct many *many, struct slot *slot)
{
	const struct ush_kube *kube = many->kube;
	USH_AUTO_FREE char *path = slot->reading ? object_path(&slot->task) : ush_strdup(slot->task.path);
	bool writes = verbs[slot->task.verb].writes && !slot->reading;

	free(slot->url);
	slot->url = ush_printf("%s%s%s%s", kube->config->server, path != NULL ? path : slot->task.path,
			       writes ? "?fieldManager=" : "", writes ? kube->field_manager : "");
}

static void send_slot(struct many *many, struct slot *slot, struct ush_http_request *request)
{
	enum ush_kube_verb verb = slot->reading ? USH_KUBE_GET : slot->task.verb;

	set_url(many, slot);
	ush_kube_prepare(many->kube, request);
	request->method = verbs[verb].method;
	many->kube->config->writes += verbs[verb].writes || verb == USH_KUBE_DELETE;
	request->url = slot->url;
	request->accept = slot->task.whole ? NULL : verbs[verb].accept;
	if (verb != USH_KUBE_GET && slot->task.body.length > 0) {
		request->content_type = verbs[verb].type;
		request->body = slot->task.body.data;
		request->body_length = slot->task.body.length;
	}
	slot->state = UNDER_WAY;
	slot->sent_ms = ush_boot_ms(many->kube->world);
	slot->beside = ++many->under_way;
	slot->token_number = many->token_number;
}

/* The slot that is to be sent next, or NULL. */
static struct slot *first_ready(struct many *many, bool urgent_alone)
{
	struct slot *first = NULL;

	for (struct slot *s = many->slots; s < many->slots + USH_COUNT(many->slots); s++)
		if (s->state == READY && (s->urgent || !urgent_alone) && (first == NULL || s->at_ms < first->at_ms))
			first = s;
	return first;
}

static struct slot *first_free(struct many *many)
{
	for (struct slot *s = many->slots; s < many->slots + USH_COUNT(many->slots); s++)
		if (s->state == FREE)
			return s;
	return NULL;
}

static struct slot *hold(struct many *many, struct slot *slot, const struct ush_kube_task *task, bool urgent)
{
	*slot = (struct slot){.task = *task, .state = READY, .urgent = urgent};
	many->held++;
	return slot;
}

/* What is urgent, what is due again, or a new task; wait_ms is when to look again. */
static struct slot *choose(struct many *many, int64_t now, int64_t *wait_ms)
{
	const struct ush_kube_batch *batch = many->batch;
	struct slot *room = first_free(many), *ready;
	struct ush_kube_task task = {0};
	bool may;

	if (room != NULL && batch->urgent != NULL && batch->urgent(batch->context, &task))
		return hold(many, room, &task, true);
	may = batch->may == NULL || batch->may(batch->context, &many->stop) == 0;
	ready = first_ready(many, !may);
	if (ready != NULL && ready->at_ms <= now)
		return ready;
	if (may && room != NULL && many->held < ush_pace_width(&many->pace) && batch->next(batch->context, &task, wait_ms))
		return hold(many, room, &task, false);
	if (!may && many->stop.code == USH_OK)
		*wait_ms = URGENT_MS;
	if (ready != NULL && (*wait_ms < 0 || ready->at_ms - now < *wait_ms))
		*wait_ms = ready->at_ms - now;
	return NULL;
}

static bool next(void *context, struct ush_http_request *request, size_t *tag, int64_t *wait_ms)
{
	struct many *many = context;
	struct slot *slot;

	*wait_ms = -1;
	if (many->stop.code != USH_OK)
		return false;
	slot = choose(many, ush_boot_ms(many->kube->world), wait_ms);
	if (slot != NULL) {
		*tag = (size_t)(slot - many->slots);
		send_slot(many, slot, request);
	} else if (many->batch->urgent != NULL && *wait_ms > URGENT_MS) {
		*wait_ms = URGENT_MS;
	}
	return slot != NULL;
}

static size_t width(void *context)
{
	const struct many *many = context;

	return ush_pace_width(&many->pace);
}

/* ---- what came back ---- */

static void end_here(struct many *many, const struct ush_error *why)
{
	if (many->stop.code == USH_OK)
		many->stop = *why;
}

/* Hands the result over and frees the slot. */
static void finish(struct many *many, struct slot *slot, enum ush_kube_end end, const struct ush_http_response *response,
		   const struct ush_error *why)
{
	struct ush_kube_result result = {.end = end, .status = response->status};
	enum ush_kube_verb verb = slot->task.verb;
	struct slot gone = *slot;

	if (why != NULL)
		result.err = *why;
	if (response->status / 100 == 2 && (verbs[verb].tells || slot->task.tell || slot->task.whole || slot->reading)) {
		result.answer = ush_kube_answer(many->kube, response, &result.err);
		if (result.answer == NULL)
			result.end = USH_KUBE_FAILED;
	}
	if (end == USH_KUBE_DONE)
		many->successes++;
	many->held--;
	*slot = (struct slot){0};
	many->batch->done(many->batch->context, &gone.task, &result);
	json_decref(result.answer);
	free(gone.url);
	free(gone.task.path);
	ush_buf_free(&gone.task.body);
}

/* When a task is sent again; -1: it is not. */
static int64_t again_in(struct many *many, struct slot *slot, const struct ush_http_response *response)
{
	bool busy = response->status == 429 || response->status == 503;
	bool broken = response->status == 0 || response->status >= 500;
	unsigned int tries = busy ? slot->busy++ : slot->broken++;
	int64_t wait = FIRST_WAIT_MS << (tries < 6 ? tries : 6);
	unsigned char byte;

	if ((!busy && !broken) || tries >= (busy ? BUSY_TRIES : BROKEN_TRIES) || many->stop.code != USH_OK)
		return -1;
	if (many->retries >= many->successes + FREE_RETRIES || response->retry_after_ms > ASKED_MOST_MS)
		return -1;
	many->retries++;
	wait = wait < MOST_WAIT_MS ? wait : MOST_WAIT_MS;
	wait = busy && response->retry_after_ms >= 0 ? response->retry_after_ms : wait;
	ush_random(many->kube->world, &byte, 1);
	return wait + wait * byte / 1024 + byte / 8;
}

static void send_again(struct many *many, struct slot *slot, int64_t in_ms)
{
	slot->state = READY;
	slot->at_ms = ush_boot_ms(many->kube->world) + in_ms;
}

/* 401: once with credentials that were read again; those that others read meanwhile count. */
static bool token_helps(struct many *many, const struct slot *slot)
{
	int64_t now = ush_boot_ms(many->kube->world);

	if (slot->token_number != many->token_number)
		return true;
	if (many->token_number > 0 && now - many->token_ms < TOKEN_MS)
		return false;
	if (!ush_kube_token_again(many->kube->config))
		return false;
	many->token_number++;
	many->token_ms = now;
	return true;
}

/* What the server meant: the end of a task, or the read that follows a 409. */
static void meant(struct many *many, struct slot *slot, const struct ush_http_response *response)
{
	struct ush_kube_call call = {.method = verbs[slot->task.verb].method, .path = slot->task.path};
	struct ush_error why = {0};
	int status = response->status;

	if (status == 409 && !slot->reading && slot->task.verb != USH_KUBE_GET) {
		slot->reading = true;
		send_again(many, slot, 0);
	} else if (status == 404) {
		bool gone = slot->reading || slot->task.verb == USH_KUBE_DELETE;

		finish(many, slot, !gone ? USH_KUBE_MISSING : slot->task.verb == USH_KUBE_DELETE ? USH_KUBE_DONE : USH_KUBE_STANDS, response, NULL);
	} else if (status / 100 == 2 && slot->reading) {
		bool ours = slot->task.verb != USH_KUBE_DELETE && ush_kube_holds_text(&response->body, &slot->task.body);

		finish(many, slot, ours ? USH_KUBE_DONE : USH_KUBE_STANDS, response, NULL);
	} else if (status / 100 == 2) {
		finish(many, slot, USH_KUBE_DONE, response, NULL);
	} else {
		ush_kube_unexpected(many->kube, &call, response, &why);
		finish(many, slot, USH_KUBE_FAILED, response, &why);
	}
}

/* Nothing comes back, or nothing but refusals: how long is that waited out? */
static void give_up(struct many *many, struct slot *slot, const struct ush_http_response *response, const struct ush_error *why)
{
	many->given_up++;
	finish(many, slot, USH_KUBE_FAILED, response, why);
	if (why->code == USH_ERR_LOGIN || why->code == USH_ERR_DECLINED || (why->code == USH_ERR_UNAVAILABLE && many->given_up >= GONE_IN_A_ROW))
		end_here(many, why);
}

static void refused(struct many *many, struct slot *slot, const struct ush_http_response *response, const struct ush_error *failure)
{
	int64_t now = ush_boot_ms(many->kube->world), wait = -1;
	struct ush_error why = *failure;

	if (response->status == 401 && token_helps(many, slot)) {
		send_again(many, slot, 0);
		return;
	}
	if (response->status != 0)
		ush_kube_judge(many->kube, verbs[slot->task.verb].method, slot->task.path, response, &why);
	if (why.code == USH_ERR_UNAVAILABLE) {
		ush_pace_refused(&many->pace, slot->sent_ms, now);
		wait = again_in(many, slot, response);
	}
	if (wait >= 0 && now - many->answered_ms > GONE_MS) {
		end_here(many, &why);
		wait = -1;
	}
	if (wait >= 0)
		send_again(many, slot, wait);
	else
		give_up(many, slot, response, &why);
}

static void done(void *context, size_t tag, struct ush_http_response *response, const struct ush_error *err)
{
	struct many *many = context;
	struct slot *slot = &many->slots[tag];
	int64_t now = ush_boot_ms(many->kube->world);
	struct ush_error why = {0};
	int status = err->code == USH_OK ? response->status : 0;

	many->under_way--;
	response->status = status;
	if (status == 0 || status == 401 || status == 429 || status >= 500) {
		refused(many, slot, response, err);
		return;
	}
	many->answered_ms = now;
	many->given_up = 0;
	ush_pace_answered(&many->pace, slot->beside, slot->sent_ms, now);
	if (status != 403) {
		meant(many, slot, response);
		return;
	}
	ush_kube_judge(many->kube, verbs[slot->task.verb].method, slot->task.path, response, &why);
	finish(many, slot, ush_kube_namespace_ends(&response->body) ? USH_KUBE_ENDING : USH_KUBE_FAILED, response, &why);
}

/* Those that wait to be sent again when the end comes. */
static void give_up_waiting(struct many *many, const struct ush_error *why)
{
	for (struct slot *s = many->slots; s < many->slots + USH_COUNT(many->slots); s++)
		if (s->state == READY)
			finish(many, s, USH_KUBE_FAILED, &(struct ush_http_response){0}, why);
}

int ush_kube_many(const struct ush_kube *kube, const struct ush_kube_batch *batch, struct ush_error *err)
{
	struct many many = {.kube = kube, .batch = batch, .answered_ms = ush_boot_ms(kube->world)};
	const struct ush_http_pump pump = {&many, next, done, width};
	struct ush_error why = {0};

	ush_pace_begin(&many.pace);
	if (ush_http_many(kube->world, &pump, &why) != 0)
		end_here(&many, &why);
	if (many.stop.code == USH_OK)
		return 0;
	give_up_waiting(&many, &many.stop);
	*err = many.stop;
	return -1;
}
