/* SPDX-License-Identifier: Apache-2.0
 *
 * A SCIM 2.0 server by the RFCs:
 * - startIndex from 1, a smaller one is 1; count is a wish, a page may hold fewer; totalResults is of all that match;
 *   Resources may be left out where nothing matches (RFC 7644 sections 3.4.2 and 3.4.2.4).
 * - cursor: empty for the first page, nextCursor on every page but the last, of unreserved characters; totalResults may be
 *   left out; a cursor that is none is 400 with scimType invalidCursor; ServiceProviderConfig has `pagination` (RFC 9865
 *   sections 2 to 4).
 * - attributes and excludedAttributes; names of attributes without case (RFC 7644 section 3.9, RFC 7643 section 2.1).
 * - members have value, and may have $ref and type, User or Group (RFC 7643 section 4.2, 8.7.1: both are optional).
 * - Errors are {"schemas", "status", "detail", "scimType"} with status as text (RFC 7644 section 3.12).
 * And as scimmy 1.3.5 with scimmy-routers was seen to do (tests/e2e/scim.sh): 20 rows a page unless asked, a startIndex past
 * the end is answered with the first page and an echo of that startIndex (knob), a bad token is 401.
 */
#include <ctype.h>
#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_knobs.h"

#define BASE	   "https://scim.test/v2"
#define GROUP_PAGE 7
#define USER_PAGE  50

static struct fake_scim *state(const struct contract *c)
{
	return c->state;
}

static void settings(struct contract *c, struct ush_policy_source *source)
{
	c->state = ush_new(struct fake_scim);
	ush_source_set(source, "url", BASE);
	ush_source_set(source, "secretFile", c->secret_file);
}

static void settings_cursor(struct contract *c, struct ush_policy_source *source)
{
	settings(c, source);
	state(c)->cursor = true;
}

static long offset(const struct contract *c, const struct ush_http_request *request)
{
	USH_AUTO_FREE char *cursor = provider_query(request->url, "cursor");
	long at;

	if (state(c)->cursor)
		return cursor == NULL || *cursor == '\0' ? 0 : strncmp(cursor, "c-", 2) == 0 ? strtol(cursor + 2, NULL, 10) : -1;
	at = provider_query_number(request->url, "startIndex", 1);
	return at < 1 ? 0 : at - 1;
}

static enum contract_what what(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	USH_AUTO_FREE char *resource = provider_part(request->url, 1), *id = provider_part(request->url, 2);

	*page = (size_t)(offset(c, request) / GROUP_PAGE) + 1;
	if (resource == NULL || strcmp(resource, "Groups") != 0)
		return CONTRACT_ELSE;
	return id != NULL ? CONTRACT_MEMBERS : CONTRACT_GROUPS;
}

static void refuse(struct ush_http_response *response, int status, const char *type, const char *detail)
{
	USH_AUTO_FREE char *text = ush_printf("%d", status);

	provider_reply(response, status, json_pack("{s:[s], s:s, s:s*, s:s}", "schemas", "urn:ietf:params:scim:api:messages:2.0:Error", "status", text, "scimType", type,
						   "detail", detail));
}

/* ---- rows ---- */

static char *group_id(const struct contract *c, size_t group)
{
	return ush_printf("g-%lu", c->directory.groups[group].number);
}

static json_t *member_json(const struct contract *c, const char *resource, const char *type, const char *id)
{
	USH_AUTO_FREE char *ref = ush_printf("%s/%s/%s", ush_source_text(&c->source, "url"), resource, id);
	json_t *member = json_pack("{s:s}", "value", id);

	if (!state(c)->no_types)
		json_object_set_new(member, "$ref", json_string(ref));
	if (!state(c)->no_types && !state(c)->refs_only)
		json_object_set_new(member, "type", json_string(type));
	return member;
}

static json_t *members_json(const struct contract *c, size_t group)
{
	const struct contract_group *g = &c->directory.groups[group];
	size_t count;
	USH_AUTO_FREE size_t *people = contract_people(c, group, &count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *id = ush_printf("u-%lu", c->directory.people[people[i]].number);

		json_array_append_new(list, member_json(c, "Users", "User", id));
	}
	for (size_t i = 0; i < g->group_count; i++) {
		USH_AUTO_FREE char *id = group_id(c, g->groups[i]);

		if (!c->directory.groups[g->groups[i]].gone)
			json_array_append_new(list, member_json(c, "Groups", "Group", id));
	}
	return list;
}

/* attributes=a,b names the attribute, or nothing is named; excludedAttributes does not. */
static bool carries(const char *url, const char *attribute)
{
	USH_AUTO_FREE char *only = provider_query(url, "attributes"), *without = provider_query(url, "excludedAttributes");

	return (only == NULL || strstr(only, attribute) != NULL) && (without == NULL || strstr(without, attribute) == NULL);
}

static json_t *group_json(struct contract *c, size_t group, const char *url)
{
	USH_AUTO_FREE char *id = group_id(c, group);
	json_t *row = json_pack("{s:[s], s:s, s:{s:s}}", "schemas", "urn:ietf:params:scim:schemas:core:2.0:Group", "id", id, "meta", "resourceType", "Group"), *members;

	if (carries(url, "displayName"))
		json_object_set_new(row, state(c)->other_case ? "DisplayName" : "displayName", json_string(c->directory.groups[group].name));
	members = carries(url, "members") ? members_json(c, group) : NULL;
	if (json_array_size(members) > 0) /* an attribute without values is left out: RFC 7643 section 2.5 */
		json_object_set(row, "members", members);
	json_decref(members);
	return row;
}

static json_t *user_json(const struct contract *c, size_t person)
{
	const struct contract_person *p = &c->directory.people[person];
	USH_AUTO_FREE char *id = ush_printf("u-%lu", p->number), *email = ush_printf("%s@example.test", p->name != NULL ? p->name : "");
	json_t *row = json_pack("{s:s, s:s*, s:[{s:s}, {s:s, s:b}], s:s}", "id", id, state(c)->other_case ? "USERNAME" : "userName", p->name, "emails", "value",
				"other@example.test", "value", email, "primary", 1, "externalId", "x");

	json_object_set_new(row, "active", state(c)->text_active ? json_string(p->disabled ? "False" : "True") : json_boolean(!p->disabled));
	return row;
}

/* ---- lists ---- */

struct rows {
	size_t *items;
	size_t count, most;
	bool groups, faulty;
};

static void reply_rows(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, const struct rows *rows)
{
	long from = offset(c, request), shown = rows->faulty && c->fault.repeats ? 0 : from, count = provider_query_number(request->url, "count", 20), next;
	size_t end;
	json_t *list = json_array(), *body;
	USH_AUTO_FREE char *cursor = NULL;

	if (state(c)->begins_anew && (size_t)from >= rows->count)
		shown = 0;
	end = rows->faulty && (c->fault.empty || (c->fault.cut_off && from > 0)) ? 0 : rows->count;
	if (count < 0 || (size_t)count > rows->most)
		count = (long)rows->most;
	for (size_t i = (size_t)shown; i < end && i < (size_t)(shown + count); i++)
		json_array_append_new(list, rows->groups ? group_json(c, rows->items[i], request->url) : user_json(c, rows->items[i]));
	body = json_pack("{s:[s], s:I, s:I}", "schemas", "urn:ietf:params:scim:api:messages:2.0:ListResponse", state(c)->other_case ? "totalresults" : "totalResults",
			 (json_int_t)rows->count + (rows->faulty ? c->fault.lies : 0), "itemsPerPage", (json_int_t)json_array_size(list));
	if (json_array_size(list) > 0 || !state(c)->no_resources)
		json_object_set(body, state(c)->other_case ? "resources" : "Resources", list);
	json_decref(list);
	if (c->fault.silent || state(c)->no_total)
		json_object_del(body, "totalResults");
	next = (size_t)(from + count) < rows->count ? from + count : 0;
	if (rows->faulty && c->fault.loops && next == 0)
		next = GROUP_PAGE;
	if (rows->faulty && c->fault.cut_off)
		next = 0;
	cursor = ush_printf("c-%ld", next);
	if (!state(c)->cursor)
		json_object_set_new(body, "startIndex", json_integer(from + 1));
	else if (next > 0)
		json_object_set_new(body, "nextCursor", json_string(cursor));
	provider_reply(response, 200, body);
}

static void answer_list(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, bool groups)
{
	USH_AUTO_FREE char *filter = provider_query(request->url, "filter");
	USH_AUTO_FREE size_t *items = NULL;
	struct rows rows = {.groups = groups, .most = groups ? GROUP_PAGE : USER_PAGE};

	if (offset(c, request) < 0) {
		refuse(response, 400, "invalidCursor", "No such cursor");
		return;
	}
	snprintf(state(c)->last_filter, sizeof state(c)->last_filter, "%s", filter != NULL ? filter : "");
	rows.faulty = groups && (c->fault.what == CONTRACT_GROUPS || c->fault.what == CONTRACT_ANY);
	if (groups) {
		rows.items = items = contract_children(c, CONTRACT_EVERYWHERE, &rows.count);
		state(c)->with_members += carries(request->url, "members");
	} else {
		rows.items = items = ush_alloc((c->directory.people_count + 1) * sizeof *items);
		for (size_t i = 0; i < c->directory.people_count; i++)
			if (!c->directory.people[i].gone)
				items[rows.count++] = i;
		rows.count -= (size_t)state(c)->lists_fewer_users;
		state(c)->user_lists++;
	}
	reply_rows(c, request, response, &rows);
}

/* ---- all of it ---- */

static void answer_one(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, bool group, const char *id)
{
	unsigned long number = strlen(id) > 2 ? strtoul(id + 2, NULL, 10) : 0;
	size_t at = group ? contract_group_of(c, number) : CONTRACT_NOBODY;

	for (size_t i = 0; !group && i < c->directory.people_count; i++)
		if (c->directory.people[i].number == number && !c->directory.people[i].gone)
			at = i;
	*(group ? &state(c)->member_gets : &state(c)->user_gets) += 1;
	if (at == CONTRACT_NOBODY)
		refuse(response, 404, NULL, "Resource not found");
	else
		provider_reply(response, 200, group ? group_json(c, at, request->url) : user_json(c, at));
}

static void answer_config(struct contract *c, struct ush_http_response *response)
{
	json_t *config = json_pack("{s:[s], s:{s:b}, s:{s:b, s:i}, s:{s:b}}", "schemas", "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig", "patch",
				   "supported", 1, "filter", "supported", 1, "maxResults", 200, "sort", "supported", 0);

	if (state(c)->cursor)
		json_object_set_new(config, "pagination", json_pack("{s:b, s:b, s:s, s:i, s:i, s:i}", "cursor", 1, "index", 0, "defaultPaginationMethod", "cursor",
								    "defaultPageSize", 20, "maxPageSize", 50, "cursorTimeout", 3600));
	provider_reply(response, 200, config);
}

static void answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *said = provider_header(request, "Authorization"), *resource = provider_part(request->url, 1), *id = provider_part(request->url, 2);
	bool group = resource != NULL && strcmp(resource, "Groups") == 0;

	if (said == NULL || strcmp(said, "Bearer s3cret") != 0)
		refuse(response, 401, NULL, "Authorization not detected or not recognised");
	else if (resource != NULL && strcmp(resource, "ServiceProviderConfig") == 0 && !state(c)->no_config)
		answer_config(c, response);
	else if (!group && (resource == NULL || strcmp(resource, "Users") != 0))
		refuse(response, 404, NULL, "Endpoint not found");
	else if (id != NULL)
		answer_one(c, request, response, group, id);
	else
		answer_list(c, request, response, group);
}

#define TRAITS                                                                                                                                           \
	(CONTRACT_NESTED | CONTRACT_DISABLED | CONTRACT_NULL_NAMES | CONTRACT_SAME_NAMES | CONTRACT_FREE_NAMES | CONTRACT_COUNTS | CONTRACT_SECOND)

const struct contract_fake contract_scim = {.kind = "scim",
					    .traits = TRAITS | CONTRACT_OFFSETS,
					    .group_page = GROUP_PAGE,
					    .settings = settings,
					    .what = what,
					    .answer = answer,
					    .id = group_id};

const struct contract_fake contract_scim_cursor = {.kind = "scim",
						   .variant = "cursor paging",
						   .traits = TRAITS | CONTRACT_LINKS,
						   .group_page = GROUP_PAGE,
						   .settings = settings_cursor,
						   .what = what,
						   .answer = answer,
						   .id = group_id};
