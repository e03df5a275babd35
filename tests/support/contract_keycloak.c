/* SPDX-License-Identifier: Apache-2.0
 *
 * Keycloak's admin REST, as Keycloak 26.4.7 itself was seen to behave (all of it but where another source is named):
 * the list is of tops alone, and subGroups is empty whatever there is (GroupsResource of 23 and later, keycloak#27694);
 * children ten at a time unless asked; members are direct ones, disabled included; pages by first and max, in the order
 * of names; a page beyond the end is 200 and []; the count is of all levels.
 */
#include <check.h>
#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract.h"
#include "tests/support/contract_people.h"

#define BASE "https://login.test"

static void settings(struct contract *c, struct ush_policy_source *source)
{
	ush_source_set(source, "url", BASE);
	ush_source_set(source, "realm", "acme");
	ush_source_set(source, "client", "broker");
	ush_source_set(source, "secretFile", c->secret_file);
}

static enum contract_what what(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	long max = provider_query_number(request->url, "max", 100), first = provider_query_number(request->url, "first", 0);

	(void)c;
	*page = max > 0 ? (size_t)(first / max) + 1 : 1;
	if (strstr(request->url, "/protocol/openid-connect/token") != NULL)
		return CONTRACT_SIGN_IN;
	if (strstr(request->url, "/groups/count") != NULL)
		return CONTRACT_COUNT;
	if (strstr(request->url, "/members") != NULL)
		return CONTRACT_MEMBERS;
	return strstr(request->url, "/children") != NULL ? CONTRACT_ELSE : strstr(request->url, "/groups") != NULL ? CONTRACT_GROUPS : CONTRACT_ELSE;
}

static json_t *group_json(const struct contract *c, size_t index)
{
	const struct contract_group *g = &c->directory.groups[index];
	USH_AUTO_FREE char *id = ush_printf("%lu", g->number), *path = contract_path(c, index);
	size_t below;

	free(contract_children(c, index, &below)); /* how many is all that is said */
	return json_pack("{s:s, s:s, s:s, s:I, s:[], s:{}}", "id", id, "name", g->name, "path", path, "subGroupCount", (json_int_t)below, "subGroups", "access");
}

static json_t *person_json(const struct contract *c, size_t index)
{
	const struct contract_person *p = &c->directory.people[index];
	USH_AUTO_FREE char *id = ush_printf("u-%lu", p->number);

	return json_pack("{s:s, s:s?, s:b, s:b}", "id", id, "username", p->name, "enabled", !p->disabled, "emailVerified", 0);
}

static void answer_page(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, const size_t *items,
			size_t count, bool people, long default_max)
{
	enum contract_what kind = people ? CONTRACT_MEMBERS : CONTRACT_GROUPS;
	bool faulty = c->fault.what == kind || c->fault.what == CONTRACT_ANY;
	long first = provider_query_number(request->url, "first", 0), max = provider_query_number(request->url, "max", default_max);
	json_t *list = json_array();

	if (faulty && c->fault.repeats)
		first = 0;
	if (faulty && c->fault.cut_off && first > 0)
		count = 0;
	if (max < 0)
		max = (long)count;
	for (size_t i = (size_t)first; i < count && i < (size_t)(first + max) && !(c->fault.empty && !people); i++)
		json_array_append_new(list, people ? person_json(c, items[i]) : group_json(c, items[i]));
	provider_reply(response, 200, list);
}

static void answer_under(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *id = provider_part(request->url, 4), *part = provider_part(request->url, 5);
	USH_AUTO_FREE size_t *items = NULL;
	size_t group = id != NULL ? contract_group_of(c, strtoul(id, NULL, 10)) : CONTRACT_NOBODY, count;

	if (group == CONTRACT_NOBODY) {
		provider_reply(response, 404, json_pack("{s:s}", "error", "Could not find group by id"));
	} else if (part != NULL && strcmp(part, "members") == 0) {
		items = contract_people(c, group, &count);
		answer_page(c, request, response, items, count, true, 100);
	} else {
		items = contract_children(c, group, &count);
		answer_page(c, request, response, items, count, false, 10);
	}
}

static void answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *last = provider_part(request->url, 4);
	size_t page, count;
	USH_AUTO_FREE size_t *items = NULL;

	switch (what(c, request, &page)) {
	case CONTRACT_SIGN_IN:
		provider_reply(response, 200, json_pack("{s:s, s:i, s:i, s:s}", "access_token", "t0ken", "expires_in", 60, "refresh_expires_in", 0, "token_type", "Bearer"));
		return;
	case CONTRACT_COUNT:
		items = contract_children(c, CONTRACT_EVERYWHERE, &count);
		provider_reply(response, 200, json_pack("{s:I}", "count", (json_int_t)count + c->fault.lies));
		return;
	default:
		if (c->revoking) {
			c->fake->people->answer(c, request, response);
			return;
		}
		if (last != NULL) {
			answer_under(c, request, response);
			return;
		}
		items = contract_children(c, CONTRACT_NOBODY, &count);
		answer_page(c, request, response, items, count, false, 100000);
	}
}

const struct contract_fake contract_keycloak = {
	.kind = "keycloak",
	.traits = CONTRACT_TREE | CONTRACT_DISABLED | CONTRACT_NULL_NAMES | CONTRACT_SAME_NAMES | CONTRACT_FREE_NAMES | CONTRACT_COUNTS | CONTRACT_OFFSETS |
		  CONTRACT_TOKEN | CONTRACT_SECOND,
	.group_page = 500,
	.member_page = 500,
	.settings = settings,
	.what = what,
	.answer = answer,
	.people = &contract_people_keycloak,
};
