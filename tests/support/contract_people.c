/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/contract_people.h"

#include <string.h>
#include <strings.h>

#include "common/base/memory.h"

bool people_writes(const struct ush_http_request *request, const char *method)
{
	return request->method != NULL && strcmp(request->method, method) == 0;
}

bool people_part(const struct ush_http_request *request, size_t index, const char *text)
{
	USH_AUTO_FREE char *part = provider_part(request->url, index);

	return part != NULL && strcmp(part, text) == 0;
}

char *people_mail(const struct contract *c, size_t person)
{
	const struct contract_person *p = &c->directory.people[person];

	return p->mail != NULL ? ush_strdup(p->mail) : ush_printf("%s@mail.test", p->name != NULL ? p->name : "");
}

/* ---- who ---- */

size_t people_by_id(const struct contract *c, const char *id)
{
	for (size_t i = 0; id != NULL && i < c->directory.people_count; i++) {
		USH_AUTO_FREE char *own = c->fake->people->id(c, i);

		if (!c->directory.people[i].gone && strcmp(own, id) == 0)
			return i;
	}
	return CONTRACT_NOBODY;
}

size_t people_by_name(const struct contract *c, const char *name, size_t after)
{
	for (size_t i = after; name != NULL && i < c->directory.people_count; i++)
		if (!c->directory.people[i].gone && c->directory.people[i].name != NULL && strcasecmp(c->directory.people[i].name, name) == 0)
			return i;
	return CONTRACT_NOBODY;
}

size_t people_by_mail(const struct contract *c, const char *mail, size_t after)
{
	for (size_t i = after; mail != NULL && i < c->directory.people_count; i++) {
		USH_AUTO_FREE char *own = people_mail(c, i);

		if (!c->directory.people[i].gone && strcasecmp(own, mail) == 0)
			return i;
	}
	return CONTRACT_NOBODY;
}

json_t *people_groups(const struct contract *c, size_t person, const char *key)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->directory.group_count; i++) {
		const struct contract_group *g = &c->directory.groups[i];
		USH_AUTO_FREE char *id = c->fake->id != NULL ? c->fake->id(c, i) : ush_printf("%lu", g->number);
		bool in = false;

		for (size_t j = 0; j < g->people_count; j++)
			in |= g->people[j] == person;
		if (in && !g->gone)
			json_array_append_new(list, key != NULL ? json_pack("{s:s}", key, id) : json_string(id));
	}
	return list;
}

/* ---- what they have ---- */

size_t *people_held(const struct contract *c, size_t person, const char *what, size_t *count)
{
	size_t *out = ush_alloc((c->held_count + 1) * sizeof *out);

	*count = 0;
	for (size_t i = 0; i < c->held_count; i++)
		if (!c->held[i].gone && (person == CONTRACT_EVERYWHERE || c->held[i].person == person) && (what == NULL || strcmp(c->held[i].what, what) == 0))
			out[(*count)++] = i;
	return out;
}

void people_end(struct contract *c, size_t person, const char *what)
{
	size_t count;
	USH_AUTO_FREE size_t *all = people_held(c, person, what, &count);

	for (size_t i = 0; i < count; i++)
		c->held[all[i]].gone = true;
}

bool people_end_one(struct contract *c, unsigned long number)
{
	for (size_t i = 0; i < c->held_count; i++)
		if (c->held[i].number == number && !c->held[i].gone)
			return c->held[i].gone = true;
	return false;
}

void people_nothing(struct ush_http_response *response)
{
	response->status = 204;
}

/* ---- for the suite ---- */

void contract_hold(struct contract *c, size_t person, const char *what)
{
	USH_PUSH(c->held, c->held_count, ((struct contract_held){.person = person, .what = what, .number = c->next_number++}));
}

void contract_hold_all(struct contract *c, size_t person)
{
	for (const char *const *thing = c->fake->people->things; *thing != NULL; thing++)
		contract_hold(c, person, *thing);
}

void contract_revoke(struct contract *c, const char *person, bool dry, struct ush_revoked *out)
{
	ush_revoked_free(out);
	c->err = (struct ush_error){0};
	c->requests = c->sign_ins = c->met = c->passed = c->ends = 0;
	c->slept_ms = 0;
	c->revoking = true;
	c->result = ush_source_revoke(&c->world, &c->source, person, dry, out, &c->err);
}
