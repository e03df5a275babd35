/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "broker/source/listing.h"
#include "broker/source/revoke_ask.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define PAGES_MAX 500
#define FULL	  100 /* rows of a page that may have another behind it though nothing says so */

static bool belongs(const struct ush_revoke_rows *rows, const json_t *row)
{
	USH_AUTO_FREE char *plain = rows->owner != NULL ? ush_listing_text(row, rows->owner) : NULL;
	USH_AUTO_FREE char *inner = rows->owner != NULL ? ush_listing_text(json_object_get(row, rows->owner), "pk") : NULL;
	const char *said = plain != NULL ? plain : inner;

	return rows->owner == NULL || (said != NULL && strcasecmp(said, rows->is) == 0);
}

/* What came before is not taken again: a page that brings nothing new is the end. */
static int take_page(const struct ush_revoke *r, const struct ush_revoke_rows *rows, const json_t *page, struct ush_list *ids, struct ush_error *err)
{
	const json_t *list = rows->member != NULL ? json_object_get(page, rows->member) : page;
	const json_t *row;
	size_t i;

	if (list == NULL && rows->member != NULL && json_is_object(page))
		return 0; /* left out where it is empty */
	if (!json_is_array(list))
		return ush_fail(err, USH_ERR_REJECTED, "the %s of %.100s come as no list", rows->many, r->person);
	json_array_foreach(list, i, row) {
		USH_AUTO_FREE char *id = ush_listing_text(row, rows->id);

		if (id == NULL)
			return ush_fail(err, USH_ERR_REJECTED, "one of the %s of %.100s has no id", rows->many, r->person);
		if (!belongs(rows, row))
			return ush_fail(err, USH_ERR_REJECTED, "asked for the %s of %.100s, the provider lists those of others, too: nothing of it is ended", rows->many,
					r->person);
		if (!ush_list_has(ids, id))
			ush_list_add(ids, id);
	}
	return 0;
}

/* By X-Next-Page (GitLab), by the page's own word (authentik), by Link (GitHub); or the next number behind a page that is full. */
static char *next_page(const struct ush_revoke_rows *rows, const struct ush_api_answer *answer, size_t page, size_t came)
{
	const char *number = ush_http_header(&answer->response, "X-Next-Page");
	const json_t *told = json_object_get(ush_json_object(answer->body, "pagination"), "next");
	char *link;

	if (number != NULL && strspn(number, "0123456789") == strlen(number))
		return *number != '\0' ? ush_printf("%s&page=%s", rows->list, number) : NULL;
	if (json_is_integer(told))
		return json_integer_value(told) > 0 ? ush_printf("%s&page=%" JSON_INTEGER_FORMAT, rows->list, json_integer_value(told)) : NULL;
	link = ush_api_link_next(&answer->response);
	if (link != NULL || came < FULL)
		return link;
	return ush_printf("%s&page=%zu", rows->list, page + 1);
}

static int read_ids(struct ush_revoke *r, const struct ush_revoke_rows *rows, struct ush_list *ids, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_strdup(rows->list), *what = ush_printf("the %s of %.100s", rows->many, r->person);

	for (size_t page = 1; target != NULL; page++) {
		USH_AUTO_API_ANSWER answer = {0};
		size_t before = ids->count;

		if (page > PAGES_MAX)
			return ush_fail(err, USH_ERR_REJECTED, "the %s of %.100s have more than %d pages", rows->many, r->person, PAGES_MAX);
		if (ush_revoke_get(r, target, what, &answer, err) != 0)
			return -1;
		if (answer.status == 404) /* past the end, or a version without such things */
			return 0;
		if (take_page(r, rows, answer.body, ids, err) != 0)
			return -1;
		free(target);
		target = rows->whole || ids->count == before ? NULL : next_page(rows, &answer, page, ids->count - before);
	}
	return 0;
}

int ush_revoke_rows(struct ush_revoke *r, const struct ush_revoke_rows *rows, size_t *count, struct ush_error *err)
{
	USH_AUTO_FREE char *what = ush_printf("ending one of the %s of %.100s", rows->many, r->person);
	struct ush_list ids = {0};
	int result = read_ids(r, rows, &ids, err);
	size_t ended = 0;

	ush_list_sort(&ids);
	for (size_t i = 0; i < ids.count && result == 0; i++) {
		USH_AUTO_FREE char *target = rows->under != NULL ? ush_revoke_target(err, rows->remove, rows->under, ids.items[i])
								 : ush_revoke_target(err, rows->remove, ids.items[i]);

		result = ush_revoke_write(r, "DELETE", target, what, err);
		ended += result == 0;
	}
	ush_list_free(&ids);
	ush_revoke_count(r, ended, rows->one, rows->many);
	if (count != NULL)
		*count += ended;
	return result;
}
