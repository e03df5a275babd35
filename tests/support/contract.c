/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/contract.h"

#include <check.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/net/many.h"
#include "tests/support/contract_cloud.h"
#include "tests/support/contract_knobs.h"
#include "tests/support/tap.h"

#define START_MS 1800000000000
#define AT_ONCE	 8 /* requests that are under way together, answered last first */

extern const struct contract_fake contract_file_json, contract_file_csv, contract_command, contract_keycloak, contract_ldap, contract_ldap_ranges;

const struct contract_fake *const contract_fakes[] = {
	&contract_file_json, /* one row a fake, and its extern above */
	&contract_file_csv,
	&contract_command,
	&contract_keycloak,
	&contract_ldap,
	&contract_ldap_ranges,
	&contract_okta,
	&contract_okta_client,
	&contract_okta_app,
	&contract_entra,
	&contract_entra_delta,
	&contract_google,
	&contract_google_pool,
	&contract_github,
	&contract_github_app,
	&contract_gitlab,
	&contract_scim,
	&contract_scim_cursor,
	&contract_authentik,
	&contract_authentik_inherit,
	NULL,
};

/* ---- the directory ---- */

size_t contract_add_group(struct contract *c, const char *name, size_t parent)
{
	struct contract_directory *d = &c->directory;

	USH_PUSH(d->groups, d->group_count, ((struct contract_group){.number = c->next_number++, .name = ush_strdup(name), .parent = parent}));
	return d->group_count - 1;
}

size_t contract_add_person(struct contract *c, const char *name)
{
	struct contract_directory *d = &c->directory;

	USH_PUSH(d->people, d->people_count, ((struct contract_person){.number = c->next_number++, .name = ush_strdup(name)}));
	return d->people_count - 1;
}

void contract_join(struct contract *c, size_t group, size_t person)
{
	struct contract_group *g = &c->directory.groups[group];

	USH_PUSH(g->people, g->people_count, person);
}

void contract_nest(struct contract *c, size_t outer, size_t inner)
{
	struct contract_group *g = &c->directory.groups[outer];

	USH_PUSH(g->groups, g->group_count, inner);
}

size_t *contract_children(const struct contract *c, size_t parent, size_t *count)
{
	size_t *out = ush_alloc((c->directory.group_count + 1) * sizeof *out);

	*count = 0;
	for (size_t i = 0; i < c->directory.group_count; i++)
		if (!c->directory.groups[i].gone && (parent == CONTRACT_EVERYWHERE || c->directory.groups[i].parent == parent))
			out[(*count)++] = i;
	out[*count] = CONTRACT_NOBODY;
	return out;
}

size_t contract_group_of(const struct contract *c, unsigned long number)
{
	for (size_t i = 0; i < c->directory.group_count; i++)
		if (c->directory.groups[i].number == number && !c->directory.groups[i].gone)
			return i;
	return CONTRACT_NOBODY;
}

char *contract_path(const struct contract *c, size_t group)
{
	const struct contract_group *g = &c->directory.groups[group];
	USH_AUTO_FREE char *above = g->parent != CONTRACT_NOBODY ? contract_path(c, g->parent) : ush_strdup("");

	return ush_printf("%s/%s", above, g->name);
}

/* ---- who is in a group ---- */

struct crowd {
	bool *people, *groups; /* seen */
};

static void add_people(const struct contract *c, size_t group, struct crowd *crowd)
{
	for (size_t i = 0; i < c->directory.groups[group].people_count; i++)
		crowd->people[c->directory.groups[group].people[i]] = true;
}

static void add_nested(const struct contract *c, size_t group, struct crowd *crowd)
{
	const struct contract_directory *d = &c->directory;

	if (crowd->groups[group] || d->groups[group].gone)
		return;
	crowd->groups[group] = true;
	add_people(c, group, crowd);
	for (size_t i = 0; (c->fake->traits & CONTRACT_NESTED) != 0 && i < d->groups[group].group_count; i++)
		add_nested(c, d->groups[group].groups[i], crowd);
	for (size_t i = 0; (c->fake->traits & CONTRACT_DOWN) != 0 && i < d->group_count; i++)
		if (d->groups[i].parent == group)
			add_nested(c, i, crowd);
	if ((c->fake->traits & CONTRACT_UP) != 0 && d->groups[group].parent != CONTRACT_NOBODY)
		add_nested(c, d->groups[group].parent, crowd);
}

static size_t *crowd_list(const struct contract *c, const struct crowd *crowd, size_t *count)
{
	size_t *out = ush_alloc((c->directory.people_count + 1) * sizeof *out);

	*count = 0;
	for (size_t i = 0; i < c->directory.people_count; i++)
		if (crowd->people[i] && !c->directory.people[i].gone)
			out[(*count)++] = i;
	out[*count] = CONTRACT_NOBODY;
	return out;
}

size_t *contract_people(const struct contract *c, size_t group, size_t *count)
{
	USH_AUTO_FREE bool *people = ush_alloc(c->directory.people_count + 1);
	struct crowd crowd = {people, NULL};

	add_people(c, group, &crowd);
	return crowd_list(c, &crowd, count);
}

size_t *contract_everybody(const struct contract *c, size_t group, size_t *count)
{
	USH_AUTO_FREE bool *people = ush_alloc(c->directory.people_count + 1), *groups = ush_alloc(c->directory.group_count + 1);
	struct crowd crowd = {people, groups};

	add_nested(c, group, &crowd);
	return crowd_list(c, &crowd, count);
}

/* ---- the world ---- */

int contract_fault(struct contract *c, enum contract_what what, size_t page)
{
	const struct contract_fault *f = &c->fault;

	if (f->status == 0 || (f->what != CONTRACT_ANY && f->what != what) || (f->page != 0 && f->page != page))
		return 0;
	if (c->passed < f->skip) {
		c->passed++;
		return 0;
	}
	if (f->times > 0 && c->met >= f->times)
		return 0;
	c->met++;
	return f->status;
}

static void add_headers(struct ush_http_response *response, const char *lines)
{
	USH_AUTO_FREE char *copy = ush_strdup(lines != NULL ? lines : "");
	char *rest = copy, *line, *colon;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if ((colon = strchr(line, ':')) == NULL)
			continue;
		*colon = '\0';
		provider_reply_header(response, line, colon + 1 + strspn(colon + 1, " "));
	}
}

static int answer_badly(struct contract *c, int status, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	if (status == CONTRACT_RESET)
		return ush_fail(err, USH_ERR_UNAVAILABLE, "provider.test: connection reset");
	if (status == CONTRACT_LOST) {
		c->fake->answer(c, request, response);
		ush_http_response_free(response);
		return ush_fail(err, USH_ERR_UNAVAILABLE, "provider.test: connection reset");
	}
	if (status == CONTRACT_LARGE)
		return ush_fail(err, USH_ERR_REJECTED, "provider.test answered with more than 32 MiB");
	if (status == CONTRACT_HTML) {
		provider_reply_text(response, 200, "<html><body>Welcome to the airport's network</body></html>");
	} else if (status == CONTRACT_NOTHING) {
		response->status = 200;
	} else if (status == CONTRACT_CUT) {
		c->fake->answer(c, request, response);
		response->body.length /= 2;
		if (response->body.data != NULL)
			response->body.data[response->body.length] = '\0';
	} else {
		add_headers(response, c->fault.headers);
		provider_reply(response, status, json_pack("{s:s}", "error", "oops"));
	}
	return 0;
}

/* While sessions are ended, everything else than signing in (which says something) is looking, or ending. */
static enum contract_what what_for(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	enum contract_what what = c->fake->what(c, request, page);
	bool writes = request->method != NULL && strcmp(request->method, "GET") != 0;

	if (!c->revoking || what == CONTRACT_SIGN_IN || request->body != NULL)
		return what;
	c->ends += writes;
	return writes ? CONTRACT_END : CONTRACT_LOOK;
}

static int http(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	struct contract *c = context;
	size_t page = 1;
	enum contract_what what = what_for(c, request, &page);
	int status;

	response->retry_after_ms = -1;
	c->now_ms++;
	ck_assert_msg(c->requests++ < 1000000, "the reading does not end");
	c->sign_ins += what == CONTRACT_SIGN_IN;
	if (c->meanwhile != NULL)
		c->meanwhile(c, what, page);
	status = contract_fault(c, what, page);
	if (status != 0)
		return answer_badly(c, status, request, response, err);
	c->fake->answer(c, request, response);
	return 0;
}

/* As many at once as a width allows, and the answers in the wrong order. */
static int http_many(void *context, const struct ush_http_pump *pump, struct ush_error *err)
{
	struct contract *c = context;

	(void)err;
	for (;;) {
		struct ush_http_request requests[AT_ONCE] = {{0}};
		size_t tags[AT_ONCE], count = 0;
		int64_t wait_ms = -1;

		while (count < AT_ONCE && count < pump->width(pump->context) && pump->next(pump->context, &requests[count], &tags[count], &wait_ms))
			count++;
		if (count == 0 && wait_ms < 0)
			return 0;
		if (count == 0) {
			c->now_ms += wait_ms;
			c->slept_ms += wait_ms;
		}
		while (count-- > 0) {
			USH_AUTO_RESPONSE response = {0};
			struct ush_error why = {0};

			http(c, &requests[count], &response, &why);
			pump->done(pump->context, tags[count], &response, &why);
		}
	}
}

static int64_t now_ms(void *context)
{
	return ((struct contract *)context)->now_ms;
}

static int sleep_ms(void *context, int64_t ms)
{
	struct contract *c = context;

	c->now_ms += ms;
	c->slept_ms += ms;
	return 0;
}

static void no_chance(void *context, void *out, size_t size)
{
	(void)context;
	memset(out, 0, size);
}

/* ---- a case ---- */

void contract_begin(struct contract *c, const struct contract_fake *fake)
{
	static char secret[160];
	struct ush_error err = {0};

	if (secret[0] == '\0') {
		snprintf(secret, sizeof secret, "%s/secret", tap_folder());
		ck_assert_msg(ush_file_write(secret, "s3cret\n", 7, 0600, &err) == 0, "%s", err.what);
	}
	*c = (struct contract){.fake = fake, .secret_file = secret, .next_number = 101, .now_ms = START_MS};
	c->world = (struct ush_world){.context = c, .now_ms = now_ms, .boot_ms = now_ms, .sleep_ms = sleep_ms, .random = no_chance, .http = http, .http_many = http_many};
	c->source = (struct ush_policy_source){.name = ush_strdup("main"), .kind = ush_source_kind(fake->kind)};
	ck_assert_msg(c->source.kind != NULL, "no kind %s", fake->kind);
	fake->settings(c, &c->source);
	if (fake->begin != NULL)
		fake->begin(c);
}

void contract_end(struct contract *c)
{
	if (c->fake->end != NULL)
		c->fake->end(c);
	for (size_t i = 0; i < c->directory.group_count; i++) {
		free(c->directory.groups[i].name);
		free(c->directory.groups[i].people);
		free(c->directory.groups[i].groups);
	}
	for (size_t i = 0; i < c->directory.people_count; i++)
		free(c->directory.people[i].name);
	free(c->directory.groups);
	free(c->directory.people);
	free(c->held);
	ush_groups_free(&c->groups);
	ush_policy_source_free(&c->source);
	free(c->state);
}

void contract_read(struct contract *c)
{
	struct ush_source_question question = {.source = &c->source, .all_members = true};

	ush_groups_free(&c->groups);
	c->err = (struct ush_error){0};
	c->requests = c->sign_ins = c->met = c->passed = 0;
	c->slept_ms = 0;
	if (c->fake->prepare != NULL)
		c->fake->prepare(c);
	c->result = ush_source_read(&c->world, &question, &c->groups, &c->err);
}

/* ---- what is expected ---- */

static char *said(const struct contract *c, char *(*own)(const struct contract *, size_t), size_t group, char *fallback)
{
	if (own == NULL)
		return fallback;
	free(fallback);
	return own(c, group);
}

static const struct ush_group *find(const struct contract *c, const char *id)
{
	for (size_t i = 0; i < c->groups.count; i++)
		if (strcmp(c->groups.items[i].id, id) == 0)
			return &c->groups.items[i];
	return NULL;
}

static void expect_members(const struct contract *c, size_t index, const struct ush_group *group)
{
	size_t count, disabled = 0, nameless = 0;
	USH_AUTO_FREE size_t *people = contract_everybody(c, index, &count);
	struct ush_list names = {0};

	for (size_t i = 0; i < count; i++) {
		const struct contract_person *person = &c->directory.people[people[i]];

		if (person->disabled)
			disabled++;
		else if (person->name == NULL)
			nameless++;
		else
			ush_list_add(&names, person->name);
	}
	ush_list_sort(&names);
	ck_assert_msg(group->members_known, "%s %s: members are not known", c->fake->kind, group->path);
	ck_assert_msg(group->members.count == names.count, "%s %s: %zu members, expected %zu", c->fake->kind, group->path, group->members.count, names.count);
	for (size_t i = 0; i < names.count; i++)
		ck_assert_msg(strcmp(group->members.items[i], names.items[i]) == 0, "%s %s: member \"%s\", expected \"%s\"", c->fake->kind, group->path,
			      group->members.items[i], names.items[i]);
	ck_assert_msg(group->disabled == disabled, "%s %s: %zu disabled, expected %zu", c->fake->kind, group->path, group->disabled, disabled);
	ck_assert_msg(group->unresolvable == nameless, "%s %s: %zu without a name, expected %zu", c->fake->kind, group->path, group->unresolvable, nameless);
	ush_list_free(&names);
}

void contract_expect_exact(struct contract *c)
{
	size_t count;
	USH_AUTO_FREE size_t *all = contract_children(c, CONTRACT_EVERYWHERE, &count);

	ck_assert_msg(c->result == 0, "%s: %s", c->fake->kind, c->err.what);
	ck_assert_msg(c->groups.complete, "%s is incomplete: %s", c->fake->kind, c->groups.why);
	ck_assert_msg(c->groups.proof != NULL && c->groups.why == NULL, "%s: complete without a proof", c->fake->kind);
	ck_assert_msg(c->groups.count == count, "%s: %zu groups, expected %zu", c->fake->kind, c->groups.count, count);
	for (size_t i = 0; i < count; i++) {
		const struct contract_group *g = &c->directory.groups[all[i]];
		USH_AUTO_FREE char *id = said(c, c->fake->id, all[i], ush_printf("%lu", g->number));
		USH_AUTO_FREE char *name = said(c, c->fake->name, all[i], ush_strdup(g->name));
		USH_AUTO_FREE char *path = said(c, c->fake->path, all[i], contract_path(c, all[i]));
		const struct ush_group *group = find(c, id);

		ck_assert_msg(group != NULL, "%s: no group with id %s (%s)", c->fake->kind, id, path);
		ck_assert_msg(strcmp(group->name, name) == 0, "%s: group %s is called \"%s\", expected \"%s\"", c->fake->kind, id, group->name, name);
		ck_assert_msg(strcmp(group->path, path) == 0, "%s: group %s is at \"%s\", expected \"%s\"", c->fake->kind, id, group->path, path);
		expect_members(c, all[i], group);
	}
}

void contract_expect_incomplete(struct contract *c)
{
	ck_assert_msg(c->result == 0, "%s: %s", c->fake->kind, c->err.what);
	ck_assert_msg(!c->groups.complete, "%s is complete with %zu groups", c->fake->kind, c->groups.count);
	ck_assert_msg(c->groups.why != NULL && c->groups.why[0] != '\0', "%s does not say why", c->fake->kind);
	ck_assert_msg(strchr(c->groups.why, '\n') == NULL && strstr(c->groups.why, "s3cret") == NULL, "%s: %s", c->fake->kind, c->groups.why);
}

/* ---- for tests of one provider ---- */

void contract_fill(struct contract *c, size_t groups, size_t people)
{
	for (size_t i = 0; i < groups; i++) {
		USH_AUTO_FREE char *name = ush_printf("group-%zu", i);

		contract_add_group(c, name, CONTRACT_NOBODY);
	}
	for (size_t i = 0; i < people; i++) {
		USH_AUTO_FREE char *name = ush_printf("person%zu@acme.test", i);

		contract_join(c, 0, contract_add_person(c, name));
	}
}

void contract_exact(struct contract *c)
{
	contract_read(c);
	contract_expect_exact(c);
}

void contract_incomplete(struct contract *c, const char *why, const char *advice)
{
	contract_read(c);
	contract_expect_incomplete(c);
	ck_assert_msg(strstr(c->groups.why, why) != NULL, "%s", c->groups.why);
	ck_assert_msg(advice == NULL || (c->groups.advice != NULL && strstr(c->groups.advice, advice) != NULL), "%s", c->groups.advice);
	contract_end(c);
}

void contract_config_error(struct contract *c, const char *why)
{
	contract_read(c);
	ck_assert_int_eq(c->result, -1);
	ck_assert_int_eq(c->err.code, USH_ERR_CONFIG);
	ck_assert_msg(strstr(c->err.what, why) != NULL, "%s", c->err.what);
	ck_assert_uint_eq(c->requests, 0);
	contract_end(c);
}
