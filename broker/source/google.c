/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups from Google Workspace by the Directory API: groups.list and members.list, a pageToken at a time, members of
 * groups in groups included by Google (includeDerivedMembership). Google has answered 200 without a single group while
 * there were many, so an empty list is never complete; and derived lists have come short, so a group's members are held
 * against directMembersCount, which counts the direct ones. A group is called by its address, as tokens have it.
 */
#include "broker/source/google.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

#define SCOPES	  USH_GOOGLE_SCOPE "admin.directory.group.readonly " USH_GOOGLE_SCOPE "admin.directory.group.member.readonly"
#define WIDTH	  10 /* of 40 requests a second that Google takes from a project's user unless more is asked for */

static char *where(const struct ush_policy_source *source)
{
	const char *domain = ush_source_text(source, "domain"), *customer = ush_source_text(source, "customer"), *at;

	if (domain == NULL && customer == NULL) {
		at = strchr(ush_source_text(source, "subject"), '@');
		domain = at != NULL ? at + 1 : "my_customer";
	}
	return ush_printf("google %s", domain != NULL ? domain : customer);
}

/* ---- the API's ways ---- */

/* "Too many" is told from "you may not" by a reason. */
int64_t ush_google_wait(const struct ush_api *api, const struct ush_http_response *response, bool *again)
{
	static const char *const limits[] = {"userRateLimitExceeded", "quotaExceeded", "rateLimitExceeded"};
	struct ush_error ignored = {0};
	USH_AUTO_JSON body = response->status != 403 || response->body.length == 0
				     ? NULL
				     : ush_json_parse(response->body.data, response->body.length, "answer", USH_ERR_INCOMPLETE, &ignored);
	const json_t *error = ush_json_object(body, "error");
	const char *reason = ush_json_string(json_array_get(ush_json_array(error, "errors"), 0), "reason"), *status = ush_json_string(error, "status");

	(void)api;
	for (size_t i = 0; i < USH_COUNT(limits) && reason != NULL; i++)
		*again |= strcmp(reason, limits[i]) == 0;
	*again |= status != NULL && strcmp(status, "RESOURCE_EXHAUSTED") == 0;
	return -1;
}

static const char *advice(const struct ush_api *api, int status)
{
	(void)api;
	return status == 403 ? "Give the subject the administrator role Groups Reader, on no condition, and enable the Admin SDK API for the service account's"
			       " project"
			     : NULL;
}

static const struct ush_api_kind kind = {.sign_in = ush_google_sign_in, .wait = ush_google_wait, .advice = advice};

/* ---- pages ---- */

/* The next page is the same question with a token: parameters may not change between pages. */
static int next_target(const char *first, const json_t *page, const char *what, char **next, struct ush_error *err)
{
	const char *token;
	USH_AUTO_BUF target = {0};

	if (ush_api_next_text(page, "nextPageToken", what, &token, err) != 0)
		return -1;
	if (token == NULL)
		return 0;
	ush_buf_printf(&target, "%s&pageToken=", first);
	ush_url_encode(&target, token);
	*next = ush_buf_take(&target);
	return 0;
}

/* The list is left out when it is empty. NULL with err filled when it is no list. */
static json_t *list_of(const json_t *page, const char *key, bool *none, struct ush_error *err)
{
	json_t *list = json_object_get(page, key);

	*none = json_is_object(page) && list == NULL;
	if (!*none && !json_is_array(list))
		ush_fail(err, USH_ERR_INCOMPLETE, "Google's answer holds no list of %s", key);
	return json_is_array(list) ? list : NULL;
}

/* ---- groups ---- */

struct listing {
	struct ush_google *google;
	const char *target;
	bool again;
};

/* "directMembersCount": "5" */
static int64_t members_of(const json_t *group)
{
	const char *text = ush_json_string(group, "directMembersCount");
	char *end = NULL;
	long long count = text != NULL ? strtoll(text, &end, 10) : -1;

	return text != NULL && end != text && *end == '\0' && count >= 0 ? count : -1;
}

static int take_groups(void *context, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	struct listing *listing = context;
	struct ush_reading *r = &listing->google->r;
	bool none;
	const json_t *list = list_of(answer->body, "groups", &none, err);
	json_t *group;
	size_t i;

	if (list == NULL && !none)
		return -1;
	json_array_foreach(list, i, group) {
		const char *id = ush_json_string(group, "id");

		if ((listing->again ? ush_reading_again(r, id, err) : ush_reading_group(r, id, ush_json_string(group, "email"), members_of(group), err)) != 0)
			return -1;
	}
	return next_target(listing->target, answer->body, "groups", next, err);
}

static void add_parameter(struct ush_buf *target, const char *key, const char *value)
{
	if (value == NULL)
		return;
	ush_buf_printf(target, "&%s=", key);
	ush_url_encode(target, value);
}

static int read_groups(struct ush_google *google, bool again, struct ush_error *err)
{
	const struct ush_policy_source *source = google->r.api.source;
	const char *domain = ush_source_text(source, "domain"), *customer = ush_source_text(source, "customer");
	USH_AUTO_BUF target = {0};
	struct listing listing = {.google = google, .again = again};
	struct ush_api_chain chain = {.what = again ? "groups, read again" : "groups", .page = take_groups, .context = &listing};

	ush_buf_puts(&target, "/admin/directory/v1/groups?maxResults=200");
	add_parameter(&target, "domain", domain);
	add_parameter(&target, "customer", domain != NULL ? customer : customer != NULL ? customer : "my_customer");
	add_parameter(&target, "query", ush_source_text(source, "query"));
	if (again)
		ush_reading_begin_again(&google->r);
	listing.target = chain.target = target.data;
	return ush_api_chain(&google->r.api, &chain, err);
}

/* ---- members ---- */

static char *people_target(const struct ush_reading *r, const struct ush_group *group)
{
	USH_AUTO_BUF target = {0};

	(void)r;
	ush_buf_puts(&target, "/admin/directory/v1/groups/");
	ush_url_encode(&target, group->id);
	ush_buf_puts(&target, "/members?includeDerivedMembership=true&maxResults=200");
	return ush_buf_take(&target);
}

/*
 * A group among the members: Google lists its people as well, unless it is a group of somebody else's, whose members we
 * may not see. That can only be told where all our own groups are listed.
 */
static bool opaque(const struct ush_reading *r, const char *id)
{
	bool all = !ush_source_has(r->api.source, "domain") && !ush_source_has(r->api.source, "query");

	return all && !ush_reading_has(r, id);
}

static enum ush_person state_of(const json_t *member)
{
	static const char *const out[] = {"SUSPENDED", "ARCHIVED"}; /* people elsewhere have no status */
	const char *status = ush_json_string(member, "status");

	for (size_t i = 0; i < USH_COUNT(out) && status != NULL; i++)
		if (strcmp(status, out[i]) == 0)
			return USH_PERSON_DISABLED;
	return USH_PERSON_MAY;
}

static int take_member(struct ush_people *people, const json_t *member, struct ush_error *err)
{
	const char *id = ush_json_string(member, "id"), *type = ush_json_string(member, "type"), *email = ush_json_string(member, "email");

	if (type != NULL && strcmp(type, "GROUP") == 0) {
		people->listed++; /* whether directMembersCount has it is not certain; that it has too few must never be */
		people->group->unresolvable += opaque(people->r, id);
		return 0;
	}
	if (type != NULL && strcmp(type, "CUSTOMER") == 0) /* everybody in the organisation, without a name */
		return ush_people_add(people, id, NULL, USH_PERSON_UNKNOWN, err);
	return ush_people_add(people, id != NULL ? id : email, email, state_of(member), err);
}

static int take_people(struct ush_people *people, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	USH_AUTO_FREE char *target = people_target(people->r, people->group);
	bool none;
	const json_t *list = list_of(answer->body, "members", &none, err);
	json_t *member;
	size_t i;

	if (list == NULL && !none)
		return -1;
	json_array_foreach(list, i, member)
		if (take_member(people, member, err) != 0)
			return -1;
	return next_target(target, answer->body, "members", next, err);
}

/* ---- all of it ---- */

static int read_all(struct ush_google *google, struct ush_error *err)
{
	static const struct ush_people_ops people = {.width = WIDTH, .repeats = true, .more = true, .target = people_target, .page = take_people};
	struct ush_reading *r = &google->r;

	if (read_groups(google, false, err) != 0)
		return -1;
	if (r->groups->count == 0) {
		ush_fail(err, USH_ERR_INCOMPLETE, "Google answers that there is no group at all");
		return ush_hint(err, "If that is not so, the next run will do; else look at customer, domain and query");
	}
	if (ush_reading_people(r, &people, err) != 0 || read_groups(google, true, err) != 0)
		return -1;
	if (ush_reading_agree(r))
		r->groups->proof = ush_printf("every page read; the list of groups read twice%s",
					      r->question->no_members || r->uncounted > 0 ? "" : "; no fewer members than Google counts");
	return 0;
}

static int read_google(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups, struct ush_error *err)
{
	struct ush_google google = {.r = {.question = question, .groups = groups}, .api = &google.r.api, .scopes = SCOPES,
				    .delegate = "admin.directory.group.readonly and admin.directory.group.member.readonly"};
	const char *url = ush_source_text(question->source, "url");
	struct ush_error why = {0};
	int result = ush_api_open(&google.r.api, world, question->source, &kind, url != NULL ? url : USH_GOOGLE_API, err);

	google.r.api.context = &google;
	if (result == 0)
		result = ush_google_credential(&google, err);
	if (result == 0)
		result = ush_api_settle(&google.r.api, read_all(&google, &why), &why, groups, err);
	ush_google_credential_free(&google);
	ush_reading_free(&google.r);
	return result;
}

const struct ush_source_ops ush_source_google = {"google", where, read_google, ush_google_revoke};
