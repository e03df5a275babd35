/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/scim_list.h"

#include <string.h>
#include <strings.h>

#include "broker/source/listing.h"
#include "common/base/memory.h"

#define PAGE 100

/* ---- attributes ---- */

const json_t *ush_scim_attr(const json_t *object, const char *name)
{
	const json_t *exact = json_object_get(object, name);
	const char *key;
	json_t *value;

	if (exact != NULL || !json_is_object(object))
		return exact;
	json_object_foreach((json_t *)object, key, value)
		if (strcasecmp(key, name) == 0)
			return value;
	return NULL;
}

char *ush_scim_text(const json_t *object, const char *name)
{
	return ush_listing_value(ush_scim_attr(object, name));
}

/* ---- what the server can ---- */

static void lower(size_t *count, const json_t *most)
{
	json_int_t number = json_integer_value(most);

	if (json_is_integer(most) && number > 0 && (size_t)number < *count)
		*count = (size_t)number;
}

int ush_scim_paging(struct ush_api *api, struct ush_scim_paging *paging, struct ush_error *err)
{
	struct ush_api_get get = {.target = "/ServiceProviderConfig", .what = "ServiceProviderConfig", .allow404 = true};
	USH_AUTO_API_ANSWER answer = {0};
	const json_t *pagination;

	*paging = (struct ush_scim_paging){.count = PAGE};
	if (ush_api_get(api, &get, &answer, err) != 0)
		return -1;
	if (answer.status != 200)
		return 0;
	pagination = ush_scim_attr(answer.body, "pagination");
	paging->cursor = json_is_true(ush_scim_attr(pagination, "cursor"));
	lower(&paging->count, ush_scim_attr(pagination, "maxPageSize"));
	lower(&paging->count, ush_scim_attr(ush_scim_attr(answer.body, "filter"), "maxResults"));
	return 0;
}

/* ---- pages ---- */

struct walk {
	const struct ush_scim_paging *paging;
	const struct ush_scim_list *list;
	char *first; /* id of the first row of all */
	size_t came;
	bool counted;
	json_int_t total;
};

static char *target(const struct walk *walk, const char *cursor)
{
	USH_AUTO_BUF text = {0};

	if (!walk->paging->cursor)
		return ush_printf("%s?startIndex=%zu&count=%zu%s", walk->list->resource, walk->came + 1, walk->paging->count, walk->list->query);
	ush_url_encode(&text, cursor);
	return ush_printf("%s?cursor=%s&count=%zu%s", walk->list->resource, text.data != NULL ? text.data : "", walk->paging->count, walk->list->query);
}

static int take_total(struct walk *walk, const json_t *body, struct ush_error *err)
{
	const json_t *total = ush_scim_attr(body, "totalResults");

	if (total == NULL && walk->paging->cursor)
		return 0; /* RFC 9865 section 2.1: where it costs too much */
	if (!json_is_integer(total) || json_integer_value(total) < 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "a page of %s does not say how many there are", walk->list->what);
	if (walk->counted && walk->total != json_integer_value(total))
		return ush_fail(err, USH_ERR_INCOMPLETE, "the number of %s changed while they were read", walk->list->what);
	walk->counted = true;
	walk->total = json_integer_value(total);
	return 0;
}

static int check_total(const struct walk *walk, struct ush_error *err)
{
	if (!walk->counted || walk->total == (json_int_t)walk->came)
		return 0;
	ush_fail(err, USH_ERR_INCOMPLETE, "%zu %s came, and their number is said to be %" JSON_INTEGER_FORMAT, walk->came, walk->list->what, walk->total);
	return ush_hint(err, "If it changed just now, the next run will do");
}

/* By index, all that totalResults told of has come, and this is the page behind it: it must be empty. There are servers
 * (scimmy) that begin anew there; a row that is new is one of which the total did not tell. */
static int check_behind(const struct walk *walk, const json_t *rows, struct ush_error *err)
{
	USH_AUTO_FREE char *id = ush_scim_text(json_array_get(rows, 0), "id");

	if (json_array_size(rows) == 0 || (id != NULL && walk->first != NULL && strcmp(id, walk->first) == 0))
		return 0;
	return ush_fail(err, USH_ERR_INCOMPLETE, "more %s come than the %" JSON_INTEGER_FORMAT " that there are said to be", walk->list->what, walk->total);
}

static int page(void *context, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct walk *walk = context;
	const json_t *rows = ush_scim_attr(answer->body, "Resources");
	const json_t *said = ush_scim_attr(answer->body, "nextCursor");
	const char *cursor = json_string_value(said);
	json_t *row;
	size_t i;

	if (take_total(walk, answer->body, err) != 0)
		return -1;
	if (walk->paging->cursor && said != NULL && !json_is_null(said) && cursor == NULL)
		return ush_fail(err, USH_ERR_INCOMPLETE, "nextCursor of a page of %s is no text", walk->list->what);
	if (rows != NULL && !json_is_null(rows) && !json_is_array(rows)) /* left out when there is none: section 3.4.2 */
		return ush_fail(err, USH_ERR_INCOMPLETE, "a page of %s is no list", walk->list->what);
	if (!walk->paging->cursor && walk->came > 0 && walk->total == (json_int_t)walk->came)
		return check_behind(walk, rows, err);
	if (walk->first == NULL)
		walk->first = ush_scim_text(json_array_get(rows, 0), "id");
	json_array_foreach(rows, i, row)
		if (walk->list->row(walk->list->context, row, err) != 0)
			return -1;
	walk->came += json_array_size(rows);
	if (walk->counted && (json_int_t)walk->came > walk->total)
		return check_total(walk, err);
	if (walk->paging->cursor ? cursor != NULL && *cursor != '\0' : json_array_size(rows) > 0)
		*next = target(walk, cursor);
	return *next != NULL ? 0 : check_total(walk, err);
}

int ush_scim_list(struct ush_api *api, struct ush_scim_paging *paging, const struct ush_scim_list *list, struct ush_error *err)
{
	struct walk walk = {.paging = paging, .list = list};
	USH_AUTO_FREE char *first = target(&walk, "");
	struct ush_api_chain chain = {.target = first, .what = list->what, .page = page, .context = &walk};
	int result = ush_api_chain(api, &chain, err);

	paging->uncounted |= !walk.counted;
	free(walk.first);
	return result;
}
