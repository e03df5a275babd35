/* SPDX-License-Identifier: Apache-2.0
 *
 * Teams of a GitHub organization. Teams stand under teams: /parent/child, by their slugs. What makes a listing complete:
 * every chain of Link headers closed (a last page that is full is followed by one that must be empty), every parent is
 * listed, and a second reading of the teams has the same ids; thanks to ETags that one costs nothing of the limit. GitHub
 * counts nothing for us. The members of a team include those of the teams under it.
 */
#include <string.h>

#include "broker/source/etags.h"
#include "broker/source/github.h"
#include "broker/source/github_app.h"
#include "broker/source/listing.h"
#include "broker/source/logins.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define PAGE  100
#define WIDTH 8 /* GitHub bears 100 at once of all that an organization runs */
#define URL   "https://api.github.com"

struct chain { /* the list of teams, or the members of one */
	struct ush_group *group; /* NULL: the teams */
	char *first, *target, *what;
	size_t pages;
	struct ush_list ids; /* of members */
};

struct walk {
	struct ush_api api;
	struct ush_groups *groups;
	struct ush_listing listing;
	struct ush_etags etags;
	struct ush_logins logins;
	struct ush_buf organization; /* percent-encoded */
	struct chain *chains;
	size_t chain_count;
};

static const char *base_of(const struct ush_policy_source *source)
{
	return ush_source_has(source, "url") ? ush_source_text(source, "url") : URL;
}

static char *where(const struct ush_policy_source *source)
{
	return ush_printf("github %s/%s", ush_source_place(base_of(source)), ush_source_text(source, "organization"));
}

/* ---- the provider's ways ---- */

static bool has(const char *text, const char *part)
{
	return text != NULL && strcasestr(text, part) != NULL;
}

static int64_t wait_seconds(const struct ush_api *api, const struct ush_http_response *response, bool *again)
{
	const char *left = ush_http_header(response, "x-ratelimit-remaining");

	if (response->status != 403 && response->status != 429)
		return -1;
	if (response->retry_after_ms >= 0) {
		*again = true;
		return -1;
	}
	if (left != NULL && strcmp(left, "0") == 0) {
		*again = true;
		return ush_api_until(api, response, "x-ratelimit-reset");
	}
	if (response->status == 429 || has(response->body.data, "rate limit") || has(response->body.data, "abuse")) {
		*again = true;
		return 60; /* what GitHub asks for where it names no time */
	}
	return -1;
}

static const char *advice(const struct ush_api *api, int status)
{
	bool app = ush_source_has(api->source, "app");

	switch (status) {
	case 403:
		return app ? "Give the App the organization permission \"Members: read\", and accept it in the organization"
			   : "Give the token read:org, and authorize it for the organization's single sign-on";
	case 404:
		return "GitHub says so too where a token may not look: check the organization's name, and that the token has read:org";
	case 301:
	case 302:
	case 307:
		return "The organization has another name now: say that in the policy";
	default:
		return NULL;
	}
}

static const char *const headers[] = {USH_GITHUB_VERSION, NULL};
static const struct ush_api_kind by_token = {.accept = "application/vnd.github+json", .headers = headers, .wait = wait_seconds, .advice = advice};
static const struct ush_api_kind by_app = {
	.accept = "application/vnd.github+json", .headers = headers, .sign_in = ush_github_app_sign_in, .wait = wait_seconds, .advice = advice};

/* ---- rows ---- */

static int take_team(struct walk *walk, const json_t *row, struct ush_error *err)
{
	USH_AUTO_FREE char *id = ush_listing_text(row, "id"), *parent = ush_listing_text(json_object_get(row, "parent"), "id");
	struct ush_listed team = {.id = id, .name = ush_json_string(row, "slug"), .parent = parent};

	if (parent == NULL && json_is_object(json_object_get(row, "parent")))
		return ush_fail(err, USH_ERR_INCOMPLETE, "the parent of team \"%.100s\" has no id", team.name != NULL ? team.name : "");
	return ush_listing_add(&walk->listing, &team, err);
}

static void take_member(const struct walk *walk, struct chain *chain, const json_t *row)
{
	const char *login = ush_json_string(row, "login"), *name = login;
	const json_t *suspended = json_object_get(row, "suspended_at");
	USH_AUTO_FREE char *id = ush_listing_text(row, "id");
	struct ush_group *group = chain->group;

	if (id != NULL)
		ush_list_add(&chain->ids, id);
	if (suspended != NULL && !json_is_null(suspended)) {
		group->disabled++;
		return;
	}
	if (login != NULL && ush_source_has(walk->api.source, "people"))
		name = ush_logins_name(&walk->logins, login);
	if (name == NULL || *name == '\0')
		group->unresolvable++;
	else
		ush_members_add(&group->members, name);
}

static int take_rows(struct walk *walk, struct chain *chain, const json_t *rows, struct ush_error *err)
{
	json_t *row;
	size_t i;

	if (!json_is_array(rows))
		return ush_fail(err, USH_ERR_INCOMPLETE, "%s: a page is no list", chain->what);
	json_array_foreach(rows, i, row) {
		if (!json_is_object(row))
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s: a row is no object", chain->what);
		if (chain->group != NULL)
			take_member(walk, chain, row);
		else if (take_team(walk, row, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- chains ---- */

static int first(void *context, size_t index, struct ush_api_get *get, struct ush_error *err)
{
	struct walk *walk = context;

	(void)err;
	*get = (struct ush_api_get){.target = walk->chains[index].first, .what = walk->chains[index].what};
	return 0;
}

static const char *const *extra(void *context, size_t index, const char *target)
{
	struct walk *walk = context;

	(void)index;
	return ush_etags_extra(&walk->etags, target);
}

static int page(void *context, size_t index, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct walk *walk = context;
	struct chain *chain = &walk->chains[index];
	const json_t *rows = ush_etags_take(&walk->etags, chain->target, answer, next);

	chain->pages++;
	if (rows == NULL)
		return ush_fail(err, USH_ERR_INCOMPLETE, "%s: is said to be unchanged, and was never seen", chain->what);
	if (take_rows(walk, chain, rows, err) != 0)
		return -1;
	if (*next == NULL && json_array_size(rows) >= PAGE) /* a page cut at its size looks like the last one */
		*next = ush_printf("%s&page=%zu", chain->first, chain->pages + 1);
	free(chain->target);
	chain->target = ush_strdup(*next);
	if (*next != NULL)
		return 0;
	if (chain->group != NULL && ush_listing_each_once(&chain->ids, chain->group->path, err) != 0)
		return -1;
	ush_list_free(&chain->ids);
	return 0;
}

static void add_chain(struct walk *walk, struct ush_group *group, char *target, char *what)
{
	USH_PUSH(walk->chains, walk->chain_count, ((struct chain){.group = group, .first = target, .target = ush_strdup(target), .what = what}));
}

static void forget_chains(struct walk *walk)
{
	for (size_t i = 0; i < walk->chain_count; i++) {
		free(walk->chains[i].first);
		free(walk->chains[i].target);
		free(walk->chains[i].what);
		ush_list_free(&walk->chains[i].ids);
	}
	free(ush_steal(&walk->chains));
	walk->chain_count = 0;
}

static int run_chains(struct walk *walk, struct ush_error *err)
{
	struct ush_api_chains chains = {.count = walk->chain_count, .width = WIDTH, .first = first, .page = page, .extra = extra, .context = walk};
	int result = ush_api_chains(&walk->api, &chains, err);

	forget_chains(walk);
	return result;
}

static int read_teams(struct walk *walk, struct ush_error *err)
{
	add_chain(walk, NULL, ush_printf("/orgs/%s/teams?per_page=%d", walk->organization.data, PAGE), ush_strdup("teams"));
	return run_chains(walk, err);
}

static int read_members(struct walk *walk, const struct ush_source_question *question, struct ush_error *err)
{
	for (size_t i = 0; i < walk->groups->count; i++) {
		struct ush_group *group = &walk->groups->items[i];
		USH_AUTO_BUF slug = {0};

		if (!ush_source_wants_members(question, group))
			continue;
		group->members_known = true;
		ush_url_encode(&slug, group->name);
		add_chain(walk, group, ush_printf("/orgs/%s/teams/%s/members?per_page=%d", walk->organization.data, slug.data, PAGE),
			  ush_printf("members of %s", group->path));
	}
	return run_chains(walk, err);
}

/* ---- all of it ---- */

int ush_github_open(struct ush_api *api, const struct ush_world *world, const struct ush_policy_source *source, struct ush_error *err)
{
	bool app = ush_source_has(source, "app");

	if (app && !ush_source_has(source, "installation"))
		return ush_fail(err, USH_ERR_CONFIG, "app needs installation beside it");
	if (ush_api_open(api, world, source, app ? &by_app : &by_token, base_of(source), err) != 0)
		return -1;
	if (app && api->credential == NULL)
		return ush_fail(err, USH_ERR_CONFIG, "app needs the App's private key: secretFile, secretCommand, secretEnv or secretKeyring");
	return 0;
}

static int open_all(struct walk *walk, const struct ush_world *world, const struct ush_policy_source *source, struct ush_error *err)
{
	USH_AUTO_FREE char *bound = ush_printf("%s %s", base_of(source), ush_source_text(source, "organization"));

	ush_url_encode(&walk->organization, ush_source_text(source, "organization"));
	if (ush_github_open(&walk->api, world, source, err) != 0)
		return -1;
	if (ush_source_has(source, "people") && ush_logins_read(&walk->logins, ush_source_text(source, "people"), err) != 0)
		return -1;
	ush_etags_open(&walk->etags, ush_source_text(source, "cacheFile"), bound);
	return 0;
}

static int read_all(struct walk *walk, const struct ush_source_question *question, struct ush_error *err)
{
	if (read_teams(walk, err) != 0 || ush_listing_paths(&walk->listing, err) != 0 || read_members(walk, question, err) != 0)
		return -1;
	ush_listing_again(&walk->listing);
	return read_teams(walk, err);
}

/*
 * What rights hide is not listed, and nothing says so: a secret team is shown to those who are in it and to owners of the
 * organization. So the proof says whose token it is; asking costs a request, and with an ETag not even that.
 */
static const char *blind_spot(struct walk *walk)
{
	USH_AUTO_FREE char *target = ush_printf("/user/memberships/orgs/%s", walk->organization.data), *next = NULL;
	const struct ush_api_get get = {.target = target, .what = "the token's membership", .extra = ush_etags_extra(&walk->etags, target), .allow404 = true};
	USH_AUTO_API_ANSWER answer = {0};
	struct ush_error ignored = {0};
	const char *role = NULL;

	if (ush_source_has(walk->api.source, "app")) /* an installation is nobody's */
		return "";
	if (ush_api_get(&walk->api, &get, &answer, &ignored) == 0 && answer.status != 404)
		role = ush_json_string(ush_etags_take(&walk->etags, target, &answer, &next), "role");
	return role != NULL && strcmp(role, "admin") == 0 ? "" : "; secret teams are listed only where the token's owner is in them";
}

static void conclude(struct walk *walk)
{
	if (!ush_listing_agrees(&walk->listing))
		return;
	walk->groups->proof = ush_printf("every chain of pages closed; the teams read twice%s", blind_spot(walk));
	ush_etags_save(&walk->etags, walk->groups);
}

static int read_github(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
		       struct ush_error *err)
{
	struct walk walk = {.groups = groups, .listing = {.groups = groups}};
	struct ush_error why = {0};
	int result = open_all(&walk, world, question->source, err);

	if (result == 0) {
		result = read_all(&walk, question, &why);
		if (result == 0)
			conclude(&walk);
		result = ush_api_settle(&walk.api, result, &why, groups, err);
	}
	forget_chains(&walk);
	ush_listing_free(&walk.listing);
	ush_etags_close(&walk.etags);
	ush_logins_free(&walk.logins);
	ush_buf_free(&walk.organization);
	ush_api_close(&walk.api);
	return result;
}

const struct ush_source_ops ush_source_github = {"github", where, read_github, ush_github_revoke};
