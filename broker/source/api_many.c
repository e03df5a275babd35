/* SPDX-License-Identifier: Apache-2.0
 *
 * Many chains of pages at once. Each runs in a lane; a lane that waits (a limit, a broken connection) is kept until it
 * may go on. A limit halves how many lanes run, and a hundred answers without one let another run.
 */
#include <string.h>

#include "broker/source/api_ask.h"
#include "common/base/memory.h"
#include "common/net/many.h"

#define PAGES_MOST 20000
#define WIDEN_AT   100 /* answers without a limit */

struct lane {
	struct ush_ask ask;
	size_t index;
	void *seen;   /* tree of URLs that this chain has asked */
	char *target; /* of the page under way, when it is not the first */
	const char *what;
	const char *const *extra;
	bool busy, under_way;
};

struct lanes {
	struct ush_api *api;
	const struct ush_api_chains *chains;
	struct lane *items;
	size_t count, width, most_width, under_way, begun, calm;
	struct ush_error *err;
	bool failed;
};

static void lane_end(struct lane *lane)
{
	ush_ask_end(&lane->ask);
	ush_seen_free(&lane->seen);
	free(lane->target);
	*lane = (struct lane){0};
}

static int lane_begin(struct lanes *lanes, struct lane *lane)
{
	lane->index = lanes->begun++;
	lane->busy = true;
	if (lanes->chains->first(lanes->chains->context, lane->index, &lane->ask.get, lanes->err) != 0)
		return -1;
	lane->what = lane->ask.get.what;
	lane->extra = lane->ask.get.extra;
	lane->ask.page = lanes->chains->most == 1 ? 0 : 1;
	if (lanes->chains->extra != NULL)
		lane->ask.get.extra = lanes->chains->extra(lanes->chains->context, lane->index, lane->ask.get.target);
	if (ush_ask_begin(lanes->api, &lane->ask, lanes->err) != 0)
		return -1;
	if (lane->ask.page > 0)
		ush_seen_add(&lane->seen, lane->ask.url);
	return 0;
}

/* The page is done; the chain goes on at next. */
static int lane_next(struct lanes *lanes, struct lane *lane, char *next)
{
	size_t page = lane->ask.page, most = lanes->chains->most > 0 ? lanes->chains->most : PAGES_MOST;

	ush_ask_end(&lane->ask);
	free(lane->target);
	lane->target = next;
	if (page >= most)
		return ush_fail(lanes->err, USH_ERR_INCOMPLETE, "%s does not end after %zu pages", lane->what, page);
	lane->ask = (struct ush_ask){.get = {.target = next, .what = lane->what, .extra = lane->extra}, .page = page + 1};
	if (lanes->chains->extra != NULL)
		lane->ask.get.extra = lanes->chains->extra(lanes->chains->context, lane->index, next);
	if (ush_ask_begin(lanes->api, &lane->ask, lanes->err) != 0)
		return -1;
	if (ush_seen_add(&lane->seen, lane->ask.url))
		return 0;
	return ush_fail(lanes->err, USH_ERR_INCOMPLETE, "page %zu of %s leads back to a page that was read: the pages go round in a circle", page, lane->what);
}

/* A lane that may send now; else *wait_ms says when one may, -1: none waits. */
static struct lane *ready(struct lanes *lanes, int64_t *wait_ms)
{
	int64_t now = ush_boot_ms(lanes->api->world), resume = lanes->api->resume, first = INT64_MAX;
	struct lane *free_lane = NULL;

	for (struct lane *lane = lanes->items; lane < lanes->items + lanes->count; lane++) {
		int64_t at = lane->busy && lane->ask.due > resume ? lane->ask.due : resume;

		if (!lane->busy) {
			free_lane = free_lane == NULL ? lane : free_lane;
			continue;
		}
		if (lane->under_way)
			continue;
		if (at <= now)
			return lane;
		first = at < first ? at : first;
	}
	if (free_lane != NULL && lanes->begun < lanes->chains->count) {
		if (resume <= now)
			return free_lane;
		first = resume < first ? resume : first;
	}
	*wait_ms = first == INT64_MAX ? -1 : first - now;
	return NULL;
}

static bool in_time(struct lanes *lanes)
{
	if (ush_boot_ms(lanes->api->world) <= lanes->api->deadline)
		return true;
	ush_fail(lanes->err, USH_ERR_INCOMPLETE, "the reading takes longer than %lld s",
		 (long long)ush_source_number(lanes->api->source, "timeout", USH_API_TIMEOUT));
	return false;
}

static bool next(void *context, struct ush_http_request *request, size_t *tag, int64_t *wait_ms)
{
	struct lanes *lanes = context;
	struct lane *lane;

	*wait_ms = -1;
	if (lanes->failed || (lane = ready(lanes, wait_ms)) == NULL)
		return false;
	if (!in_time(lanes) || (!lane->busy && lane_begin(lanes, lane) != 0) || ush_ask_send(lanes->api, &lane->ask, request, lanes->err) != 0) {
		lanes->failed = true;
		return false;
	}
	lane->under_way = true;
	lanes->under_way++;
	*tag = (size_t)(lane - lanes->items);
	return true;
}

static int take(struct lanes *lanes, struct lane *lane, struct ush_http_response *response)
{
	USH_AUTO_API_ANSWER answer = {0};
	char *target = NULL;

	ush_ask_take(&lane->ask, response, &answer);
	if (lanes->chains->page(lanes->chains->context, lane->index, &answer, &target, lanes->err) != 0) {
		free(target);
		return -1;
	}
	if (target != NULL)
		return lane_next(lanes, lane, target);
	lane_end(lane);
	return 0;
}

static void steer(struct lanes *lanes)
{
	if (lanes->api->narrowed) {
		lanes->api->narrowed = false;
		lanes->width = lanes->width > 1 ? lanes->width / 2 : 1;
		lanes->calm = 0;
	} else if (++lanes->calm >= WIDEN_AT && lanes->width < lanes->most_width) {
		lanes->width++;
		lanes->calm = 0;
	}
}

static void done(void *context, size_t tag, struct ush_http_response *response, const struct ush_error *why)
{
	struct lanes *lanes = context;
	struct lane *lane = &lanes->items[tag];
	enum ush_ask_state state;

	lane->under_way = false;
	lanes->under_way--;
	if (lanes->failed)
		return;
	state = ush_ask_judge(lanes->api, &lane->ask, response, why, lanes->err);
	steer(lanes);
	if (state == USH_ASK_FAILED || (state == USH_ASK_DONE && take(lanes, lane, response) != 0))
		lanes->failed = true;
}

static size_t width(void *context)
{
	const struct lanes *lanes = context;

	return lanes->width;
}

int ush_api_chains(struct ush_api *api, const struct ush_api_chains *chains, struct ush_error *err)
{
	size_t most = chains->width < 1 ? 1 : chains->width > USH_HTTP_MANY_MOST ? USH_HTTP_MANY_MOST : chains->width;
	struct lanes lanes = {.api = api, .chains = chains, .count = most < chains->count ? most : chains->count, .err = err};
	struct ush_http_pump pump = {&lanes, next, done, width};
	struct ush_error why = {0};

	if (chains->count == 0)
		return 0;
	lanes.items = ush_alloc(lanes.count * sizeof *lanes.items);
	lanes.width = lanes.most_width = lanes.count;
	if (ush_http_many(api->world, &pump, &why) != 0 && !lanes.failed) {
		lanes.failed = true;
		ush_fail(err, USH_ERR_INCOMPLETE, "interrupted");
	}
	for (size_t i = 0; i < lanes.count; i++)
		lane_end(&lanes.items[i]);
	free(lanes.items);
	return lanes.failed ? -1 : 0;
}

/* ---- many GETs: chains of one page ---- */

static int get_first(void *context, size_t index, struct ush_api_get *get, struct ush_error *err)
{
	const struct ush_api_many *many = context;

	return many->get(many->context, index, get, err);
}

static int get_page(void *context, size_t index, struct ush_api_answer *answer, char **target, struct ush_error *err)
{
	const struct ush_api_many *many = context;

	(void)target;
	return many->answer(many->context, index, answer, err);
}

int ush_api_get_many(struct ush_api *api, const struct ush_api_many *many, struct ush_error *err)
{
	struct ush_api_chains chains = {.count = many->count, .width = many->width, .most = 1, .first = get_first, .page = get_page, .context = (void *)many};

	return ush_api_chains(api, &chains, err);
}
