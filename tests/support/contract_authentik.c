/* SPDX-License-Identifier: Apache-2.0
 *
 * authentik's core API as its source has it (goauthentik/authentik):
 * - pages by number, page_size; `pagination` has next, previous (0: none), count, current, total_pages, start_index,
 *   end_index as numbers (authentik/api/pagination.py, Pagination; of some lists, not of this one, no more than 10 a page:
 *   SmallerPagination, and the fake does so too); a page past the end is 404 {"detail":"Invalid page."} (Django REST
 *   framework, PageNumberPagination). Ordered by name, which a validator keeps unique (core/api/groups.py).
 * - A row has pk, num_pk, name, is_superuser, parent, parent_name, users (keys), users_obj (people, or null where
 *   include_users is false), attributes; a person has pk, username, name, is_active, last_login, email, attributes, uid
 *   (core/api/groups.py). Since 2025.12 parents is a list (authentik-client 2026.2.3, models/group.rs).
 * - Members of child groups are not listed in the parent (goauthentik/authentik#16770); the groups claim of the default
 *   scope has a person's direct groups.
 * - Rights filter the list in silence: with permissions on some groups those are all there is, in list and count; with none
 *   at all it is 403; with the global view_group everything is listed (rbac/filters.py, ObjectFilter). The people of a group
 *   are not filtered: view_user is not asked for (core/api/groups.py, get_users_obj).
 * - A bad token is 403 {"detail":"Token invalid/expired"} (api/authentication.py; no WWW-Authenticate, so 403 and not 401).
 */
#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_knobs.h"
#include "tests/support/contract_people.h"

#define BASE "https://authentik.test"
#define PAGE 10 /* the most that a page holds, whatever is asked for */

static struct fake_authentik *state(const struct contract *c)
{
	return c->state;
}

static void settings(struct contract *c, struct ush_policy_source *source)
{
	c->state = ush_new(struct fake_authentik);
	ush_source_set(source, "url", BASE);
	ush_source_set(source, "secretFile", c->secret_file);
}

static void settings_inherit(struct contract *c, struct ush_policy_source *source)
{
	settings(c, source);
	ush_source_set(source, "inherit", "true");
}

static enum contract_what what(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	USH_AUTO_FREE char *id = provider_part(request->url, 4);

	(void)c;
	*page = (size_t)provider_query_number(request->url, "page", 1);
	return id != NULL && *id != '\0' ? CONTRACT_MEMBERS : CONTRACT_GROUPS;
}

static char *pk(const struct contract *c, size_t group)
{
	return ush_printf("5f0c0000-0000-4000-8000-%012lu", c->directory.groups[group].number);
}

/* ---- rows ---- */

static json_t *person_json(const struct contract_person *p)
{
	USH_AUTO_FREE char *uid = ush_printf("uid-%lu", p->number), *email = p->name != NULL ? ush_printf("%s@example.test", p->name) : ush_strdup("");

	return json_pack("{s:I, s:s?, s:s, s:b, s:n, s:s, s:{}, s:s}", "pk", (json_int_t)p->number, "username", p->name, "name", "Somebody", "is_active", !p->disabled,
			 "last_login", "email", email, "attributes", "uid", uid);
}

static void add_people(struct contract *c, json_t *row, size_t group, bool with_users)
{
	size_t count;
	USH_AUTO_FREE size_t *people = contract_people(c, group, &count);
	json_t *keys = json_array(), *users = json_array();

	for (size_t i = 0; i < count; i++) {
		json_array_append_new(keys, json_integer((json_int_t)c->directory.people[people[i]].number));
		if (i + 1 < count || !state(c)->users_missing)
			json_array_append_new(users, person_json(&c->directory.people[people[i]]));
	}
	json_object_set_new(row, "users", keys);
	json_object_set_new(row, "users_obj", with_users ? json_incref(users) : json_null());
	json_decref(users);
}

static void add_parents(const struct contract *c, json_t *row, size_t group)
{
	size_t above = c->directory.groups[group].parent;
	USH_AUTO_FREE char *id = above == CONTRACT_NOBODY ? NULL : state(c)->hidden_parent ? ush_strdup("5f0c0000-ffff") : pk(c, above);
	json_t *list;

	if (!state(c)->many_parents) {
		json_object_set_new(row, "parent", id != NULL ? json_string(id) : json_null());
		json_object_set_new(row, "parent_name", above != CONTRACT_NOBODY ? json_string(c->directory.groups[above].name) : json_null());
		return;
	}
	list = json_array();
	if (id != NULL && state(c)->second_parent != NULL)
		json_array_append_new(list, json_string(state(c)->second_parent));
	if (id != NULL)
		json_array_append_new(list, json_string(id));
	json_object_set_new(row, "parents", list);
}

static json_t *group_json(struct contract *c, size_t group, bool with_users)
{
	const struct contract_group *g = &c->directory.groups[group];
	USH_AUTO_FREE char *id = pk(c, group);
	json_t *row = json_pack("{s:s, s:I, s:s, s:b, s:{}, s:[], s:[]}", "pk", id, "num_pk", (json_int_t)g->number, "name", g->name, "is_superuser", 0, "attributes",
				"roles", "roles_obj");

	add_parents(c, row, group);
	add_people(c, row, group, with_users);
	return row;
}

/* ---- pages ---- */

static void answer_list(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, bool with_users)
{
	size_t count, shown;
	USH_AUTO_FREE size_t *all = contract_children(c, CONTRACT_EVERYWHERE, &count);
	bool faulty = c->fault.what == CONTRACT_GROUPS || c->fault.what == CONTRACT_ANY;
	long size = provider_query_number(request->url, "page_size", PAGE), page = provider_query_number(request->url, "page", 1), last, next, from;
	json_t *rows = json_array();

	size = size < 1 || size > PAGE ? PAGE : size;
	last = count == 0 ? 1 : ((long)count + size - 1) / size;
	next = page < last ? page + 1 : 0;
	if (faulty && c->fault.loops && next == 0)
		next = 1;
	if (faulty && c->fault.cut_off)
		next = 0;
	from = faulty && c->fault.repeats ? 1 : page;
	shown = c->fault.empty ? 0 : count;
	if (page > last) {
		json_decref(rows);
		provider_reply(response, 404, json_pack("{s:s}", "detail", "Invalid page."));
		return;
	}
	for (size_t i = (size_t)((from - 1) * size); i < shown && i < (size_t)(from * size); i++)
		json_array_append_new(rows, group_json(c, all[i], with_users));
	provider_reply(response, 200,
		       json_pack("{s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o}", "pagination", "next", (json_int_t)next, "previous", (json_int_t)(page - 1), "count",
				 (json_int_t)count + c->fault.lies, "current", (json_int_t)page, "total_pages", (json_int_t)last, "start_index",
				 (json_int_t)((page - 1) * size + 1), "end_index", (json_int_t)(page * size), "results", rows));
}

static void answer_group(struct contract *c, struct ush_http_response *response, const char *id, bool with_users)
{
	size_t group = strlen(id) > 24 ? contract_group_of(c, strtoul(id + 24, NULL, 10)) : CONTRACT_NOBODY;

	if (group == CONTRACT_NOBODY)
		provider_reply(response, 404, json_pack("{s:s}", "detail", "No Group matches the given query."));
	else
		provider_reply(response, 200, group_json(c, group, with_users));
}

static void answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *said = provider_header(request, "Authorization"), *id = provider_part(request->url, 4), *users = provider_query(request->url, "include_users");
	bool with_users = users == NULL || strcmp(users, "true") == 0, one = id != NULL && *id != '\0';

	*(one ? &state(c)->detail_gets : &state(c)->list_gets) += 1;
	state(c)->with_users += with_users;
	if (said == NULL || strcmp(said, "Bearer s3cret") != 0)
		provider_reply(response, 403, json_pack("{s:s}", "detail", "Token invalid/expired"));
	else if (c->revoking)
		c->fake->people->answer(c, request, response);
	else if (one)
		answer_group(c, response, id, with_users);
	else
		answer_list(c, request, response, with_users);
}

#define TRAITS                                                                                                                                           \
	(CONTRACT_DISABLED | CONTRACT_NULL_NAMES | CONTRACT_SAME_NAMES | CONTRACT_FREE_NAMES | CONTRACT_COUNTS | CONTRACT_LINKS | CONTRACT_OFFSETS | CONTRACT_SECOND)

const struct contract_fake contract_authentik = {
	.kind = "authentik", .traits = TRAITS | CONTRACT_TREE, .group_page = PAGE, .settings = settings, .what = what, .answer = answer, .id = pk, .people = &contract_people_authentik};

const struct contract_fake contract_authentik_inherit = {.kind = "authentik",
							 .variant = "inherit",
							 .traits = TRAITS | CONTRACT_DOWN,
							 .group_page = PAGE,
							 .settings = settings_inherit,
							 .what = what,
							 .answer = answer,
							 .id = pk};
