/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/verb/signin.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/real.h"
#include "plugin/front/record.h"

static const char *output;

enum { PROFILE, ACCOUNT, GROUPS, TOKEN, SESSION, STORE, COLUMNS };

/* What one profile has, looked up without asking the network. */
struct view {
	const struct ush_profile *profile;
	const struct ush_store_ops *store;
	enum ush_store_result result;
	struct ush_session *session; /* or NULL */
	int64_t token_expires;       /* Unix seconds, 0 when no token is at hand */
};

static int64_t cached_expiry(const struct ush_profile *profile, const struct ush_cache_ops *cache)
{
	char text[USH_RECORD_MAX + 1];
	long length = cache->load(profile->identity, text, sizeof text - 1);
	struct ush_record *record = length > 0 ? ush_record_read(text, (size_t)length) : NULL;
	int64_t expires = record != NULL ? record->expires : 0;

	explicit_bzero(text, sizeof text);
	ush_record_free(record);
	return expires;
}

static void look(struct view *view, const struct ush_profile *profile, const struct ush_signin_options *options)
{
	const struct ush_cache_ops *cache = options->cache != NULL ? options->cache : &ush_cache_real;
	USH_AUTO_FREE char *binding = ush_profile_binding(profile);
	USH_AUTO_SECRET text = NULL;
	struct ush_error why = {0};

	*view = (struct view){.profile = profile, .store = ush_verb_store(profile, options)};
	view->result = view->store->load(binding, USH_STORE_DEADLINE_MS, &text, &why);
	if (view->result == USH_STORE_OK)
		view->session = ush_session_read(text, binding, &why);
	view->token_expires = cached_expiry(profile, cache);
	if (view->session != NULL && view->session->id_token != NULL && view->session->id_expires > view->token_expires)
		view->token_expires = view->session->id_expires;
}

static const char *account(const struct ush_session *session)
{
	return session == NULL ? NULL : session->account != NULL ? session->account : session->subject;
}

/* One word for programs. */
static const char *state(const struct view *view, int64_t now)
{
	if (view->result == USH_STORE_LOCKED)
		return "locked";
	if (view->result == USH_STORE_BROKEN)
		return "unavailable";
	if (view->session == NULL)
		return view->token_expires > now ? "token-only" : "signed-out";
	if (view->session->refresh == NULL)
		return view->token_expires > now ? "token-only" : "expired";
	return view->session->refresh_expires != 0 && view->session->refresh_expires <= now ? "expired" : "signed-in";
}

static char *session_cell(const struct view *view, int64_t now)
{
	const char *word = state(view, now);
	char when[16];

	if (strcmp(word, "signed-in") == 0 && view->session->refresh_expires != 0)
		return ush_printf("until %s", ush_when(when, sizeof when, view->session->refresh_expires, now));
	if (strcmp(word, "token-only") == 0)
		return ush_printf("until %s", ush_when(when, sizeof when, view->token_expires, now));
	if (strcmp(word, "signed-out") == 0)
		return ush_strdup("signed out");
	return ush_strdup(strcmp(word, "signed-in") == 0 ? "signed in" : word);
}

static void fill_row(char *cells[COLUMNS], const struct view *view, int64_t now)
{
	const struct ush_session *session = view->session;
	char span[24];

	cells[PROFILE] = ush_text_safe(view->profile->name);
	cells[ACCOUNT] = session != NULL ? ush_text_safe(account(session)) : ush_strdup("-");
	cells[GROUPS] = session != NULL ? ush_printf("%zu", session->group_count + session->groups_left_out) : ush_strdup("-");
	cells[TOKEN] = view->token_expires > now
			       ? ush_strdup(ush_how_long(span, sizeof span, view->token_expires - now))
			       : ush_strdup("-");
	cells[SESSION] = session_cell(view, now);
	cells[STORE] = ush_strdup(session != NULL || view->result >= USH_STORE_LOCKED ? view->store->name : "-");
}

static void print_row(const char *const cells[COLUMNS], const size_t width[COLUMNS], FILE *out)
{
	for (size_t c = 0; c + 1 < COLUMNS; c++)
		fprintf(out, "%-*s   ", (int)width[c], cells[c]);
	fprintf(out, "%s\n", cells[COLUMNS - 1]);
}

static void print_table(char *(*rows)[COLUMNS], size_t count, FILE *out)
{
	static const char *const heads[COLUMNS] = {"PROFILE", "SIGNED IN AS", "GROUPS", "TOKEN", "SESSION", "STORE"};
	size_t width[COLUMNS];

	for (size_t c = 0; c < COLUMNS; c++) {
		width[c] = strlen(heads[c]);
		for (size_t r = 0; r < count; r++)
			if (strlen(rows[r][c]) > width[c])
				width[c] = strlen(rows[r][c]);
	}
	print_row(heads, width, out);
	for (size_t r = 0; r < count; r++)
		print_row((const char *const *)rows[r], width, out);
}

/* RFC 3339 in UTC, or null for "not known". */
static json_t *json_time(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm utc;
	char text[32];

	if (seconds == 0 || gmtime_r(&t, &utc) == NULL || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		return json_null();
	return json_string(text);
}

static json_t *json_text(const char *text)
{
	json_t *value = text != NULL ? json_string(text) : NULL;

	return value != NULL ? value : json_null();
}

static json_t *json_row(const struct view *view, int64_t now)
{
	const struct ush_session *session = view->session;
	json_t *row = json_object(), *groups = json_array();

	for (size_t i = 0; session != NULL && i < session->group_count; i++)
		json_array_append_new(groups, json_text(session->groups[i]));
	json_object_set_new(row, "profile", json_text(view->profile->name));
	json_object_set_new(row, "issuer", json_text(view->profile->issuer));
	json_object_set_new(row, "account", json_text(account(session)));
	json_object_set_new(row, "groups", groups);
	if (session != NULL && session->groups_left_out > 0)
		json_object_set_new(row, "groupsLeftOut", json_integer((json_int_t)session->groups_left_out));
	json_object_set_new(row, "session", json_text(state(view, now)));
	json_object_set_new(row, "signedIn", json_time(session != NULL ? session->signed_in : 0));
	json_object_set_new(row, "sessionExpires", json_time(session != NULL ? session->refresh_expires : 0));
	json_object_set_new(row, "tokenExpires", json_time(view->token_expires > now ? view->token_expires : 0));
	json_object_set_new(row, "store", json_text(view->store->name));
	return row;
}

/* JSON in printable ASCII: jansson escapes everything but DEL, which can only stand inside a string. */
static void put_json(const char *text, FILE *out)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p == 0x7f)
			fputs("\\u007f", out);
		else
			fputc(*p, out);
	fputc('\n', out);
}

static void print_json(const struct view *views, size_t count, int64_t now, FILE *out)
{
	USH_AUTO_JSON list = json_object();
	json_t *items = json_array();
	char *text;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(items, json_row(&views[i], now));
	json_object_set_new(list, "apiVersion", json_string("usher.dev/v1"));
	json_object_set_new(list, "kind", json_string("SessionList"));
	json_object_set_new(list, "items", items);
	text = json_dumps(list, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	put_json(text != NULL ? text : "{}", out);
	free(text);
}

int ush_status_print(const struct ush_world *world, const struct ush_profile *const *profiles, size_t count,
		     const struct ush_signin_options *options, bool json, FILE *out)
{
	struct view *views = ush_alloc((count + 1) * sizeof *views);
	char *(*rows)[COLUMNS] = ush_alloc((count + 1) * sizeof *rows);
	int64_t now = ush_now(world);

	for (size_t i = 0; i < count; i++) {
		look(&views[i], profiles[i], options);
		fill_row(rows[i], &views[i], now);
	}
	if (json)
		print_json(views, count, now, out);
	else
		print_table(rows, count, out);
	for (size_t i = 0; i < count; i++) {
		ush_session_free(views[i].session);
		for (size_t c = 0; c < COLUMNS; c++)
			free(rows[i][c]);
	}
	free(views);
	free(rows);
	return fflush(out) == 0 ? 0 : -1;
}

/* A profile that cannot be read is told on stderr and does not hide the others. */
static struct ush_profile **load_all(size_t *count, struct ush_error *first)
{
	struct ush_profile **profiles = NULL;
	size_t name_count = 0;
	char **names = ush_profile_names(&name_count);

	*count = 0;
	for (size_t i = 0; i < name_count; i++) {
		struct ush_error err = {0};
		struct ush_profile *profile = ush_profile_load(names[i], &err);

		if (profile != NULL)
			USH_PUSH(profiles, *count, profile);
		else if (first->code == USH_OK)
			*first = err;
		else
			ush_error_print(stderr, "usher", &err);
		free(names[i]);
	}
	free(names);
	return profiles;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_signin_options options = {.say = stderr};
	struct ush_profile **profiles = load_all(&count, err);
	struct ush_world world;
	int r;

	(void)operands;
	if (count == 0 && err->code == USH_OK) {
		ush_fail(err, USH_ERR_CONFIG, "there is no profile yet");
		return ush_hint(err, "Write ~/.config/usher/profiles/NAME.yaml: see usher-profile(5)");
	}
	ush_world_real(&world);
	r = ush_status_print(&world, (const struct ush_profile *const *)profiles, count, &options,
			     output != NULL && strcmp(output, "json") == 0, stdout);
	ush_world_real_free(&world);
	for (size_t i = 0; i < count; i++)
		ush_profile_free(profiles[i]);
	free(profiles);
	return r == 0 ? 0 : ush_fail(err, USH_ERR_STORE, "stdout cannot be written");
}

static const struct ush_option options[] = {
	{"output", 'o', USH_OPTION_CHOICE, "table|json", "how it is printed", &output},
	{NULL},
};

const struct ush_verb ush_verb_status = {"status", "", "show every session: who, groups, expiry, where it is kept", options, 0, 0, run};
