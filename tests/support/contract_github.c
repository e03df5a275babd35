/* SPDX-License-Identifier: Apache-2.0
 *
 * GitHub's REST API, version 2022-11-28 (good until March 2028 at least: GitHub changelog of 2026-03-12, "REST API version
 * 2026-03-10 is now available"), as its documentation has it (docs.github.com/rest; titles are those of the pages, paths those
 * of github/docs):
 * - per_page is 30 unless said and 100 at most; next, last, prev and first are in one Link header, which is left out where
 *   everything is on one page (content/rest/using-the-rest-api/using-pagination-in-the-rest-api.md), by ids rather than by
 *   the names that were asked for (same page, repositories; of organizations and teams that is an observation).
 * - x-ratelimit-limit, -remaining, -used, -reset (epoch seconds) and -resource on every answer; beyond the limit 403 or 429
 *   with remaining 0. The secondary limit is 403 or 429 with a message, with retry-after or else a minute at least
 *   (rate-limits-for-the-rest-api.md). A 304 to If-None-Match is not counted (best-practices-for-using-the-rest-api.md,
 *   conditional requests). A page that takes longer than ten seconds is an error (troubleshooting-the-rest-api.md).
 * - An ETag is of one page and of one token: another token, the hourly one of an App too, gets another
 *   (github/docs#34689, eclipse-csi/otterdog#201, HubTurbo#906).
 * - Team members include those of child teams ("REST API endpoints for team members", list team members). Teams carry
 *   their parent, and a slug that is unique in the organization ("REST API endpoints for teams").
 * - What a token may not see is 404 "Not Found"; a bad one is 401 "Bad credentials" (troubleshooting-the-rest-api.md). What
 *   was moved or renamed is 301, 302 or 307 (best-practices-for-using-the-rest-api.md, redirects).
 * - Only teams that are visible to whose token it is are listed ("REST API endpoints for teams", list teams); a secret team
 *   is so to its members and to owners, and has neither parent nor children (content/organizations/
 *   organizing-members-into-teams/changing-team-visibility.md). Whether an App sees them is not written down.
 *   /user/memberships/orgs/ORG tells the role, admin or member ("REST API endpoints for organization members").
 * - An App's JWT is RS256, iat in the past (by a minute, says GitHub), exp at most ten minutes ahead (content/apps/creating-github-apps/
 *   authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app.md); it buys a token of an hour by
 *   POST, answered 201 ("REST API endpoints for GitHub Apps").
 * - suspended_at is documented for one user asked for, on the server edition; that lists have it is not.
 */
#include <check.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

#include "broker/policy/naming.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/oidc/jose.h"
#include "tests/support/contract_knobs.h"
#include "tests/support/contract_people.h"
#include "tests/support/jose.h"

#define BASE	"https://api.github.test"
#define ORG_ID	"9919"
#define LIMIT	5000

static struct fake_github *state(const struct contract *c)
{
	return c->state;
}

static void settings(struct contract *c, struct ush_policy_source *source)
{
	c->state = ush_new(struct fake_github);
	*state(c) = (struct fake_github){.limit_status = 403, .resets_in = 600, .token_life = 3600, .role = "admin"};
	ush_source_set(source, "url", BASE);
	ush_source_set(source, "organization", "acme");
	ush_source_set(source, "secretFile", c->secret_file);
}

/* The App's key goes into a file of its own, and its public half is what the fake verifies with. */
static void settings_app(struct contract *c, struct ush_policy_source *source)
{
	static EVP_PKEY *key; /* one for all cases: making one takes its time */
	USH_AUTO_FREE char *path = knobs_file(c, "app.pem");
	BIO *bio = BIO_new(BIO_s_mem());
	struct ush_error err = {0};
	char *pem;
	long length;

	settings(c, source);
	if (key == NULL)
		key = jose_rsa(2048, 65537);
	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	length = BIO_get_mem_data(bio, &pem);
	ck_assert_msg(ush_file_write(path, pem, (size_t)length, 0600, &err) == 0, "%s", err.what);
	BIO_free(bio);
	state(c)->key = key;
	ush_source_set(source, "secretFile", path);
	ush_source_set(source, "app", "123456");
	ush_source_set(source, "installation", "777");
}

/* ---- what is asked ---- */

static bool is_members(const char *url)
{
	const char *end = strchr(url, '?');
	size_t length = end != NULL ? (size_t)(end - url) : strlen(url);

	return length > 8 && strncmp(url + length - 8, "/members", 8) == 0;
}

static enum contract_what what(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	(void)c;
	*page = (size_t)provider_query_number(request->url, "page", 1);
	if (strstr(request->url, "/access_tokens") != NULL)
		return CONTRACT_SIGN_IN;
	if (strstr(request->url, "/user/memberships/") != NULL)
		return CONTRACT_ELSE;
	return is_members(request->url) ? CONTRACT_MEMBERS : CONTRACT_GROUPS;
}

/* ---- the App's token ---- */

static void check_jwt(struct contract *c, const char *authorization)
{
	struct fake_github *github = state(c);
	struct ush_error err = {0};
	USH_AUTO_FREE char *keys = jose_jwks(jose_jwk(github->key, NULL, "RS256", "sig"), NULL), *payload = NULL;
	struct ush_jwks *jwks = ush_jwks_read(keys, strlen(keys), &err);
	USH_AUTO_JSON claims = NULL;
	size_t length = 0;
	bool unknown;
	json_int_t now = c->now_ms / 1000, iat, exp;

	github->jwt_fault[0] = '\0';
	if (authorization == NULL || strncmp(authorization, "Bearer ", 7) != 0 ||
	    ush_jws_verify(authorization + 7, strlen(authorization + 7), jwks, &payload, &length, &unknown, &err) != 0) {
		snprintf(github->jwt_fault, sizeof github->jwt_fault, "A JSON web token could not be decoded");
	} else {
		claims = ush_json_parse(payload, length, "claims", USH_ERR_REJECTED, &err);
		iat = json_integer_value(json_object_get(claims, "iat"));
		exp = json_integer_value(json_object_get(claims, "exp"));
		if (ush_json_string(claims, "iss") == NULL || strcmp(ush_json_string(claims, "iss"), "123456") != 0)
			snprintf(github->jwt_fault, sizeof github->jwt_fault, "'Issuer' claim ('iss') must be an Integer");
		else if (iat > now || exp <= now || exp > now + 600)
			snprintf(github->jwt_fault, sizeof github->jwt_fault, "'Expiration time' claim ('exp') is too far in the future");
	}
	ush_jwks_free(jwks);
}

static void answer_token(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *authorization = provider_header(request, "Authorization"), *token = NULL;
	struct fake_github *github = state(c);
	time_t ends = (time_t)(c->now_ms / 1000 + github->token_life);
	char text[32];
	struct tm tm;

	check_jwt(c, authorization);
	if (github->jwt_fault[0] != '\0') {
		provider_reply(response, 401, json_pack("{s:s, s:s}", "message", github->jwt_fault, "documentation_url", "https://docs.github.com/rest"));
		return;
	}
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&ends, &tm));
	token = ush_printf("ghs_%u", ++github->tokens);
	provider_reply(response, 201, json_pack("{s:s, s:s, s:{s:s}, s:s}", "token", token, "expires_at", text, "permissions", "members", "read",
						"repository_selection", "all"));
}

/* ---- pages ---- */

static void reply_limit(struct contract *c, struct ush_http_response *response)
{
	const struct fake_github *github = state(c);
	USH_AUTO_FREE char *reset = ush_printf("%lld", (long long)(github->resets_at > 0 ? github->resets_at : c->now_ms / 1000 + github->resets_in)), *left = ush_printf("%zu", github->left);

	provider_reply_header(response, "x-ratelimit-limit", "5000");
	provider_reply_header(response, "x-ratelimit-remaining", github->left == 0 ? "4999" : github->left == 1 ? "0" : left);
	provider_reply_header(response, "x-ratelimit-used", github->left == 0 ? "1" : "4000");
	provider_reply_header(response, "x-ratelimit-reset", reset);
	provider_reply_header(response, "x-ratelimit-resource", "core");
}

static json_t *team_json(struct contract *c, size_t index, bool parent)
{
	const struct contract_group *g = &c->directory.groups[index];
	json_t *team = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:n}", "id", (json_int_t)g->number, "node_id", "MDQ6VGVhbTE=", "name", g->name, "slug", g->name,
				 "description", "", "privacy", "closed", "permission", "pull", "parent");

	if (parent && g->parent != CONTRACT_NOBODY)
		json_object_set_new(team, "parent", team_json(c, g->parent, false));
	if (parent && g->parent != CONTRACT_NOBODY && state(c)->hidden_parent)
		json_object_set_new(json_object_get(team, "parent"), "id", json_integer(1));
	return team;
}

static json_t *member_json(struct contract *c, size_t index)
{
	const struct contract_person *p = &c->directory.people[index];
	json_t *member = json_pack("{s:s?, s:I, s:s, s:b}", "login", p->name, "id", (json_int_t)p->number, "type", "User", "site_admin", 0);

	if (state(c)->suspended)
		json_object_set_new(member, "suspended_at", p->disabled ? json_string("2026-05-14T00:00:00Z") : json_null());
	return member;
}

static bool faulty(const struct contract *c, size_t group)
{
	return c->fault.what == CONTRACT_ANY || c->fault.what == (group == CONTRACT_NOBODY ? CONTRACT_GROUPS : CONTRACT_MEMBERS);
}

static bool cut(const struct contract *c, size_t group)
{
	return c->fault.cut_off && faulty(c, group);
}

static void reply_links(const struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, long page, long last, size_t group)
{
	long size = provider_query_number(request->url, "per_page", 30), next = page < last ? page + 1 : 0;
	USH_AUTO_FREE char *where = group == CONTRACT_NOBODY ? ush_strdup("teams") : ush_printf("team/%lu/members", c->directory.groups[group].number);
	const char *base = ush_source_text(&c->source, "url");
	USH_AUTO_BUF links = {0};

	if (faulty(c, group) && c->fault.loops && next == 0)
		next = 1;
	if ((cut(c, group) || state(c)->no_link) && page == 1)
		next = 0;
	if (page > 1)
		ush_buf_printf(&links, "<%s/organizations/" ORG_ID "/%s?per_page=%ld&page=%ld>; rel=\"prev\", ", base, where, size, page - 1);
	if (next > 0)
		ush_buf_printf(&links, "<%s/organizations/" ORG_ID "/%s?per_page=%ld&page=%ld>; rel=\"next\", "
			       "<%s/organizations/" ORG_ID "/%s?per_page=%ld&page=%ld>; rel=\"last\"", base, where, size, next, base, where, size, last);
	if (page > 1)
		ush_buf_printf(&links, "%s<%s/organizations/" ORG_ID "/%s?per_page=%ld&page=1>; rel=\"first\"", next > 0 ? ", " : "", base, where, size);
	if (links.length > 0)
		provider_reply_header(response, "Link", links.data);
}

/* The answer, or 304 when it is what the client has. A token of its own has ETags of its own. */
static void reply_page(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, json_t *list)
{
	USH_AUTO_FREE char *match = provider_header(request, "If-None-Match"), *token = provider_header(request, "Authorization"),
			   *body = json_dumps(list, JSON_COMPACT), *all = ush_printf("%s %s %s", request->url, token, body), *etag = NULL;
	char hex[65];

	ush_sha256_hex(all, strlen(all), hex);
	etag = ush_printf("W/\"%s\"", hex);
	provider_reply_header(response, "ETag", etag);
	if (match != NULL && strcmp(match, etag) == 0) {
		state(c)->unchanged++;
		response->status = 304;
		json_decref(list);
		return;
	}
	state(c)->paid++;
	if (state(c)->left > 1)
		state(c)->left--;
	provider_reply(response, 200, list);
}

static void answer_list(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response, size_t group)
{
	bool teams = group == CONTRACT_NOBODY;
	long size = provider_query_number(request->url, "per_page", 30), page = provider_query_number(request->url, "page", 1), last;
	size_t count;
	USH_AUTO_FREE size_t *items = teams ? contract_children(c, CONTRACT_EVERYWHERE, &count) : contract_everybody(c, group, &count);
	json_t *list = json_array();

	if ((teams && c->fault.empty) || (page > 1 && cut(c, group)))
		count = 0;
	size = size < 1 ? 30 : size > 100 ? 100 : size;
	last = count == 0 ? 1 : ((long)count + size - 1) / size;
	for (size_t i = (size_t)((page - 1) * size); i < count && i < (size_t)(page * size); i++)
		json_array_append_new(list, teams ? team_json(c, items[i], true) : member_json(c, items[i]));
	reply_links(c, request, response, page, last, group);
	reply_page(c, request, response, list);
}

static size_t team_by_slug(const struct contract *c, const char *slug)
{
	for (size_t i = 0; slug != NULL && i < c->directory.group_count; i++)
		if (!c->directory.groups[i].gone && strcmp(c->directory.groups[i].name, slug) == 0)
			return i;
	return CONTRACT_NOBODY;
}

/* /orgs/acme/teams, /orgs/acme/teams/SLUG/members, /organizations/9919/teams, /organizations/9919/team/ID/members */
static void answer_org(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *org = provider_part(request->url, 1), *team = provider_part(request->url, 3);
	bool by_id = strstr(request->url, "/organizations/") != NULL, ours = org != NULL && (strcmp(org, "acme") == 0 || (by_id && strcmp(org, ORG_ID) == 0));
	size_t group = CONTRACT_NOBODY;

	if (is_members(request->url))
		group = by_id ? contract_group_of(c, strtoul(team != NULL ? team : "0", NULL, 10)) : team_by_slug(c, team);
	if (!ours || (is_members(request->url) && group == CONTRACT_NOBODY))
		provider_reply(response, 404, json_pack("{s:s, s:s, s:s}", "message", "Not Found", "documentation_url", "https://docs.github.com/rest", "status", "404"));
	else
		answer_list(c, request, response, group);
}

/* What the token's owner is in the organization. */
static void answer_role(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	const char *role = state(c)->role;

	if (*role == '\0' || state(c)->key != NULL)
		provider_reply(response, 403, json_pack("{s:s, s:s}", "message", "Resource not accessible by integration", "documentation_url",
							"https://docs.github.com/rest"));
	else
		reply_page(c, request, response, json_pack("{s:s, s:s, s:{s:s}}", "state", "active", "role", role, "organization", "login", "acme"));
}

static bool may(struct contract *c, const struct ush_http_request *request)
{
	USH_AUTO_FREE char *said = provider_header(request, "Authorization"),
			   *good = state(c)->key != NULL ? ush_printf("Bearer ghs_%u", state(c)->tokens) : ush_strdup("Bearer s3cret");

	return said != NULL && strcmp(said, good) == 0;
}

static void answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_FREE char *version = provider_header(request, "X-GitHub-Api-Version");
	struct fake_github *github = state(c);

	github->no_version |= version == NULL || strcmp(version, "2022-11-28") != 0;
	if (strstr(request->url, "/access_tokens") != NULL) {
		answer_token(c, request, response);
		return;
	}
	if (github->left == 1 && github->resets_at == 0)
		github->resets_at = c->now_ms / 1000 + github->resets_in;
	if (github->left == 1 && c->now_ms / 1000 >= github->resets_at)
		github->left = LIMIT;
	reply_limit(c, response);
	if (!may(c, request))
		provider_reply(response, 401, json_pack("{s:s, s:s, s:s}", "message", "Bad credentials", "documentation_url", "https://docs.github.com/rest", "status", "401"));
	else if (github->left == 1)
		provider_reply(response, github->limit_status, json_pack("{s:s}", "message", "API rate limit exceeded for installation ID 777."));
	else if (c->revoking)
		c->fake->people->answer(c, request, response);
	else if (strstr(request->url, "/user/memberships/") != NULL)
		answer_role(c, request, response);
	else
		answer_org(c, request, response);
}

#define TRAITS (CONTRACT_DOWN | CONTRACT_NULL_NAMES | CONTRACT_LINKS | CONTRACT_SECOND)

const struct contract_fake contract_github = {
	.kind = "github", .traits = TRAITS, .group_page = 100, .member_page = 100, .settings = settings, .what = what, .answer = answer, .people = &contract_people_github};

const struct contract_fake contract_github_app = {.kind = "github",
						  .variant = "App",
						  .traits = TRAITS | CONTRACT_TOKEN,
						  .group_page = 100,
						  .member_page = 100,
						  .settings = settings_app,
						  .what = what,
						  .answer = answer,
						  .people = &contract_people_github};
