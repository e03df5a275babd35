/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists, whole or not at all: pages of one resourceVersion, items parsed one by one as they are cut from the stream.
 */
#include "common/kube/list.h"

#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/data/json.h"
#include "common/kube/cut.h"
#include "common/kube/request.h"

#define PAGE        "5000" /* a few MB; in pages of 500 the same list takes two to four times as long */
#define PAGES_LIMIT 100000
#define METADATA_ONLY "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
#define STREAMS     33 /* the minor version whose server writes a list item by item, however long it is */

struct reading {
	const struct ush_kube *kube;
	const char *path, *selector;
	/* What is done with an item's text. */
	int (*hand_over)(struct reading *reading, const char *text, size_t length, struct ush_error *err);
	void (*restart)(void *context);
	void *context;
	int (*on_json)(void *context, json_t *item, struct ush_error *err);
	int (*on_item)(void *context, struct ush_item *item, struct ush_error *err);
	struct ush_scan scan;
	const char *accept;
	bool likely_short;   /* ush_kube_stream */
	bool whole;          /* one answer is asked for, not pages */
	char *token;         /* continue of the page to read next, NULL for the first */
	char *version;       /* resourceVersion of the first page */
	char *kind, *group;  /* kind and apiVersion that the page's items have and do not say */
	struct ush_cut *cut; /* of the page being read */
	size_t page;         /* from 1 */
	size_t count;        /* items handed over */
	bool stopped;        /* the receiver, or an item that is none, ended it: nothing is tried again */
	bool moved;          /* the page is not of the first page's version, or the server has forgotten that one */
};

static void forget(struct reading *reading)
{
	free(ush_steal(&reading->token));
	free(ush_steal(&reading->version));
	free(ush_steal(&reading->kind));
	free(ush_steal(&reading->group));
	reading->page = 0;
	reading->count = 0;
}

static void reading_free(struct reading *reading)
{
	forget(reading);
	ush_scan_free(&reading->scan);
}

#define AUTO_READING __attribute__((cleanup(reading_free))) struct reading

/* ---- items ---- */

/* "RoleBindingList" -> "RoleBinding"; NULL for a kind that is no list. */
static char *item_kind(const char *kind)
{
	size_t length = kind != NULL ? strlen(kind) : 0;

	return length > 4 && strcmp(kind + length - 4, "List") == 0 ? ush_strndup(kind, length - 4) : NULL;
}

/* What stands before the items says what they are; a list of custom resources says it behind, and on each item. */
static int need_head(struct reading *reading, struct ush_error *err)
{
	struct ush_error unimportant = {0};
	USH_AUTO_FREE char *text = NULL;
	USH_AUTO_JSON head = NULL;

	if (reading->kind == NULL) {
		text = ush_printf("%s]}", reading->cut->rest.data);
		head = ush_json_parse(text, strlen(text), "", USH_ERR_REJECTED, &unimportant);
		free(reading->group);
		reading->kind = item_kind(ush_json_string(head, "kind"));
		reading->group = ush_strdup(ush_json_string(head, "apiVersion"));
	}
	return reading->kind != NULL && reading->group != NULL
		       ? 0
		       : ush_fail(err, USH_ERR_REJECTED, "a list that does not say of what");
}

static int as_json(struct reading *reading, const char *text, size_t length, struct ush_error *err)
{
	char what[64];
	USH_AUTO_JSON item = NULL;

	snprintf(what, sizeof what, "item %zu", reading->count + 1);
	item = ush_json_parse(text, length, what, USH_ERR_REJECTED, err);
	if (item == NULL)
		return -1;
	if (ush_json_string(item, "kind") == NULL || ush_json_string(item, "apiVersion") == NULL) {
		if (need_head(reading, err) != 0)
			return -1;
		json_object_set_new(item, "kind", json_string(reading->kind));
		json_object_set_new(item, "apiVersion", json_string(reading->group));
	}
	reading->count++;
	return reading->on_json(reading->context, item, err);
}

static int as_item(struct reading *reading, const char *text, size_t length, struct ush_error *err)
{
	struct ush_item_defaults defaults = {reading->kind, reading->group};
	struct ush_item item;

	if (ush_scan_object(&reading->scan, text, length, &defaults, NULL, USH_ERR_REJECTED, &item, err) != 0)
		return ush_error_at(err, "item %zu", reading->count + 1);
	if (item.kind.text == NULL || item.api_version.text == NULL) {
		if (need_head(reading, err) != 0)
			return -1;
		item.kind = ush_slice_of(reading->kind);
		item.api_version = ush_slice_of(reading->group);
	}
	reading->count++;
	return reading->on_item(reading->context, &item, err);
}

static int take_item(void *context, const char *text, size_t length, struct ush_error *err)
{
	struct reading *reading = context;

	if (reading->kube->progress != NULL)
		reading->kube->progress->done++;
	return reading->hand_over(reading, text, length, err);
}

static int take_piece(void *context, const char *data, size_t length, struct ush_error *err)
{
	struct reading *reading = context;
	struct ush_progress *progress = reading->kube->progress;

	if (progress != NULL)
		ush_progress_at(progress, progress->done, ush_boot_ms(reading->kube->world));
	if (ush_cut_feed(reading->cut, data, length, err) == 0)
		return 0;
	reading->stopped = true;
	return -1;
}

/* ---- pages ---- */

static char *page_path(const struct reading *reading)
{
	USH_AUTO_BUF query = {0};

	if (!reading->whole || reading->token != NULL)
		ush_form_add(&query, "limit", PAGE);
	if (reading->selector != NULL)
		ush_form_add(&query, "labelSelector", reading->selector);
	if (reading->token != NULL)
		ush_form_add(&query, "continue", reading->token);
	if (query.length == 0)
		return ush_strdup(reading->path);
	return ush_printf("%s%s%s", reading->path, strchr(reading->path, '?') != NULL ? "&" : "?", query.data);
}

/* Reads what stood around the items: is it a list, of which version, and is there more? */
static int read_rest(struct reading *reading, struct ush_error *err)
{
	USH_AUTO_JSON rest =
		ush_json_parse(reading->cut->rest.data, reading->cut->rest.length, "the list", USH_ERR_REJECTED, err);
	const json_t *metadata = ush_json_object(rest, "metadata"), *items = json_object_get(rest, "items");
	const char *version = ush_json_string(metadata, "resourceVersion"),
		   *next = ush_json_string(metadata, "continue");
	USH_AUTO_FREE char *kind = item_kind(ush_json_string(rest, "kind"));

	if (rest == NULL)
		return -1;
	if (kind == NULL || version == NULL ||
	    !(json_is_null(items) || (reading->cut->found && json_is_array(items) && json_array_size(items) == 0)))
		return ush_fail(err, USH_ERR_REJECTED, "the answer is no Kubernetes list");
	reading->moved = reading->version != NULL && strcmp(reading->version, version) != 0;
	if (reading->moved)
		return ush_fail(err, USH_ERR_INCOMPLETE, "is of another version than the first page");
	if (reading->version == NULL)
		reading->version = ush_strdup(version);
	if (next != NULL && reading->token != NULL && strcmp(next, reading->token) == 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "the server says to go on where it was");
	free(reading->token);
	reading->token = next != NULL && next[0] != '\0' ? ush_strdup(next) : NULL;
	return 0;
}

static int read_page(struct reading *reading, struct ush_error *err)
{
	USH_AUTO_FREE char *path = page_path(reading);
	USH_AUTO_CUT cut = USH_CUT_INIT(take_item, reading);
	struct ush_kube_call call = {.method = "GET",
				     .path = path,
				     .gzip = true,
				     .accept = reading->accept,
				     .on_body = take_piece,
				     .on_body_context = reading};
	USH_AUTO_RESPONSE response = {0};
	int result;

	reading->cut = &cut;
	reading->page++;
	reading->moved = false;
	result = ush_kube_request(reading->kube, &call, &response, err);
	if (result != 0)
		reading->moved = call.begun && !reading->stopped &&
				 err->code != USH_ERR_DECLINED; /* the rest of this page can only be had from the start */
	else if (response.status == 410)
		reading->moved = true;
	if (result == 0 && response.status != 200)
		result = ush_kube_unexpected(reading->kube, &call, &response, err);
	if (result == 0 && (ush_cut_end(&cut, err) != 0 || read_rest(reading, err) != 0))
		result = -1;
	reading->cut = NULL;
	return result;
}

static int read_pages(struct reading *reading, struct ush_error *err)
{
	do {
		if (reading->page == PAGES_LIMIT)
			return ush_fail(err, USH_ERR_INCOMPLETE, "does not end after %d pages", PAGES_LIMIT);
		if (read_page(reading, err) != 0)
			return -1;
	} while (reading->token != NULL);
	return 0;
}

/* A list that failed after something of it was handed over is incomplete, whatever the cause. */
static int explain(const struct reading *reading, struct ush_error *err)
{
	USH_AUTO_FREE char *why = ush_strdup(err->what);
	enum ush_code code = err->code;

	if (reading->stopped && code != USH_ERR_REJECTED)
		return -1; /* the receiver's own words */
	if (code == USH_ERR_UNAVAILABLE || code == USH_ERR_REFUSED || code == USH_ERR_LOGIN)
		code = reading->page > 1 || reading->moved ? USH_ERR_INCOMPLETE : code;
	if (code == err->code && code != USH_ERR_INCOMPLETE && code != USH_ERR_REJECTED)
		return -1;
	ush_error_clear(err);
	if (reading->whole && reading->page == 1)
		return ush_fail(err, code, "%s: %s", reading->path, why);
	return ush_fail(err, code, "%s, page %zu: %s", reading->path, reading->page, why);
}

/* It goes on from one list to the next. */
static void begin_progress(const struct ush_kube *kube)
{
	if (kube->progress != NULL && kube->progress->what == NULL)
		ush_progress_begin(kube->progress, "reading the cluster:", 0, ush_boot_ms(kube->world));
}

/* The second time in pages in any case: what stands between us and the server may not let a long answer through. */
static int read_list(struct reading *reading, size_t *count, char **resource_version, struct ush_error *err)
{
	int minor = reading->kube->config->minor, result;

	if (!reading->likely_short && ush_kube_minor(reading->kube, &minor, err) != 0)
		return -1;
	reading->whole = minor >= STREAMS;
	begin_progress(reading->kube);
	result = read_pages(reading, err);
	if (result != 0 && reading->moved && (reading->restart != NULL || reading->count == 0)) {
		if (reading->restart != NULL)
			reading->restart(reading->context);
		ush_error_clear(err);
		forget(reading);
		reading->whole = false;
		result = read_pages(reading, err);
	}
	if (reading->kube->progress != NULL)
		ush_progress_hide(reading->kube->progress);
	if (result != 0)
		return explain(reading, err);
	if (count != NULL)
		*count = reading->count;
	if (resource_version != NULL)
		*resource_version = ush_steal(&reading->version);
	return 0;
}

int ush_kube_list_all(const struct ush_kube *kube, const struct ush_kube_list *list, size_t *count,
		      char **resource_version, struct ush_error *err)
{
	AUTO_READING reading = {.kube = kube,
				.path = list->path,
				.selector = list->selector,
				.hand_over = as_json,
				.on_json = list->item,
				.restart = list->restart,
				.context = list->context};

	return read_list(&reading, count, resource_version, err);
}

int ush_kube_list_items(const struct ush_kube *kube, const struct ush_kube_stream *stream, size_t *count,
			char **resource_version, struct ush_error *err)
{
	AUTO_READING reading = {.kube = kube,
				.path = stream->path,
				.selector = stream->selector,
				.hand_over = as_item,
				.on_item = stream->item,
				.accept = stream->metadata_only ? METADATA_ONLY : NULL,
				.likely_short = stream->likely_short,
				.restart = stream->restart,
				.context = stream->context};

	return read_list(&reading, count, resource_version, err);
}
