/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody who leaves has several names, had others before, and leaves twice; and what the log says of it.
 */
#include "tests/support/tap.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/offboard_case.h"
#include "tests/support/provider.h"

#define TOKEN {"POST", "/openid-connect/token", 200, "{'access_token': 't0ken', 'expires_in': 60}", NULL, 0}
#define PERSON(name, id) {NULL, "/users?exact=true&username=" name "$", 200, "[{'id': '" id "', 'username': '" name "', 'enabled': false}]", NULL, 0}
#define ENDED(id)                                                                                                                             \
	{NULL, "/users/" id "/sessions$", 200, "[{'id': 's-" id "'}]", NULL, 0}, {"POST", "/users/" id "/logout$", 204, "", NULL, 0},               \
		{NULL, "/users/" id "/consents$", 200, "[]", NULL, 0}
#define NOBODY {NULL, "/users?exact=true", 200, "[]", NULL, 0}, {NULL, "/users?max=1", 200, "[{'id': 'u-9'}]", NULL, 0}, {NULL, "", 404, "{}", NULL, 0}
#define END {NULL, NULL, 0, NULL, NULL, 0}
#define PREFIXED                                                                                                                              \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:', userPrefix: 'oidc:'}\n"                                       \
	"sources: {main: {keycloak: {url: 'https://sso.test', realm: acme, client: c, secretFile: secret}}}\n"                                    \
	"roles: {editor: {clusterRole: edit}}\ngrants:\n- {group: b, role: editor, namespaces: [default]}\n"

static struct provider *provider;

/* From now on the providers answer so. */
static void answers(const struct provider_row *rows)
{
	if (provider != NULL)
		provider_free(provider);
	provider = provider_new(rows);
	offboard_sources = provider->world;
}

static void over(void)
{
	if (provider != NULL)
		provider_free(provider);
	provider = NULL;
	offboard_end();
}

/* All is done; the provider's groups are not to be had here. */
static void run_well(void)
{
	int result = ush_offboard_run(&offboard_one, &room.err);

	ck_assert_msg(result == 0 || room.err.code == USH_ERR_INCOMPLETE, "%s", room.err.what);
	for (size_t i = 0, count = ush_report_unknown(offboard_one.report); i < count; i++)
		ck_assert(offboard_says("unknown", "groups of source main"));
	memset(&room.err, 0, sizeof room.err);
}

static size_t logouts(const char *id)
{
	USH_AUTO_FREE char *url = ush_printf("/users/%s/logout", id);

	return provider_asked(provider, url);
}

/* ---- several names ---- */

static const struct provider_row two_accounts[] = {TOKEN, PERSON("carol", "u-1"), {NULL, "username=CAROL$", 200, "[{'id': 'u-1', 'username': 'carol'}]", NULL, 0},
						   PERSON("carol-admin", "u-2"), {NULL, "/users/u-2$", 200, "{'id': 'u-2', 'username': 'carol-admin'}", NULL, 0}, ENDED("u-1"), ENDED("u-2"), NOBODY, END};

START_TEST(sessions_end_under_every_name_and_once)
{
	static const char *items[] = {"carol-admin", "CAROL", "nobody", "u-2"};
	static const struct ush_strings also = {.items = items, .count = USH_COUNT(items)};

	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	answers(two_accounts);
	offboard_one.also = &also;
	run_well();
	ck_assert_uint_eq(logouts("u-1"), 1);
	ck_assert_uint_eq(logouts("u-2"), 1);
	offboard_line("revoked", "sessions and refresh tokens at keycloak");
	offboard_line("revoked", "sessions and refresh tokens of carol-admin at keycloak");
	ck_assert(!offboard_says("absent", "")); /* somebody was found there */
	ck_assert(offboard_is_denied("carol-admin") && offboard_is_denied("u-2"));
	over();
}
END_TEST

START_TEST(one_of_the_other_names_may_not_be_two_peoples)
{
	static const struct provider_row rows[] = {TOKEN, PERSON("carol", "u-1"), ENDED("u-1"), PERSON("c@acme.test", "u-5"),
						   {NULL, "/users?exact=true&email=c%40acme.test$", 200, "[{'id': 'u-6', 'username': 'x', 'email': 'c@acme.test'}]", NULL, 0},
						   {NULL, "username=c%40acme.test$", 200, "[{'id': 'u-5', 'username': 'c@acme.test'}]", NULL, 0}, NOBODY, END};
	static const char *items[] = {"c@acme.test"};
	static const struct ush_strings also = {.items = items, .count = 1};

	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	answers(rows);
	offboard_one.also = &also;
	ck_assert_int_ne(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(room.err.hint, "--also ID"));
	ck_assert_uint_eq(provider_asked(provider, "/logout"), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	over();
}
END_TEST

/* As a binding has it: "oidc:carol" is the provider's carol; but one who is called so there is that one. */
START_TEST(what_the_api_server_calls_somebody_finds_them_at_the_provider)
{
	static const struct provider_row twin[] = {TOKEN, {NULL, "username=oidc%3Acarol$", 200, "[{'id': 'u-7', 'username': 'oidc:carol'}]", NULL, 0},
						   PERSON("carol", "u-1"), ENDED("u-1"), ENDED("u-7"), NOBODY, END};

	offboard_begin(PREFIXED, FULL, USH_LEDGER_USER, "oidc:carol");
	answers(two_accounts);
	run_well();
	ck_assert_uint_eq(logouts("u-1"), 1);
	ck_assert(offboard_is_denied("carol"));
	over();
	offboard_begin(PREFIXED, FULL, USH_LEDGER_USER, "oidc:carol");
	answers(twin);
	run_well();
	ck_assert_uint_eq(logouts("u-7"), 1);
	ck_assert_uint_eq(logouts("u-1"), 0);
	ck_assert(offboard_is_denied("oidc:oidc:carol")); /* so the API server calls that one */
	over();
}
END_TEST

/* ---- what is told is true ---- */

START_TEST(what_the_provider_refused_is_not_said_to_be_done)
{
	static const struct provider_row rows[] = {TOKEN, PERSON("carol", "u-1"), {NULL, "/users/u-1/sessions$", 200, "[{'id': 's'}]", NULL, 0},
						   {"POST", "/users/u-1/logout$", 403, "{}", NULL, 0}, {NULL, "/users/u-1/consents$", 200, "[]", NULL, 0}, NOBODY, END};
	const json_t *left;

	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	answers(rows);
	run_well();
	ck_assert(!offboard_says("revoked", ""));
	left = offboard_line("left", "sessions were not ended: source main: ");
	ck_assert_ptr_nonnull(strstr(ush_json_string(left, "text"), "manage-users"));
	ck_assert_ptr_null(strstr(ush_json_string(left, "text"), "when it answers")); /* it did */
	ck_assert(offboard_is_denied("carol"));
	over();
}
END_TEST

/* ---- other names of before ---- */

START_TEST(who_was_denied_under_an_old_name_is_taken_out_by_it_too)
{
	static const struct provider_row renamed[] = {TOKEN, PERSON("caroline", "u-1"), ENDED("u-1"), NOBODY, END};

	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	answers(two_accounts);
	run_well();
	offboard_again("caroline");
	answers(renamed);
	offboard_put("back", OURS, CAROL "," DAVE); /* "Carol" */
	run_well();
	ck_assert_uint_eq(offboard_subjects(AT("back")), 1);
	offboard_line("denied", "caroline is kept out already");
	ck_assert(offboard_is_denied("caroline"));
	over();
}
END_TEST

#define GROUP(name) "{'kind':'Group','name':'oidc:" name "'}"
#define OF(number, name)                                                                                                                       \
	"'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'default'},'annotations':{'usher.dev/role':'r',"           \
	"'usher.dev/source-id':'[{\\\"group\\\":\\\"oidc:" name "\\\",\\\"id\\\":\\\"" number "\\\",\\\"name\\\":\\\"" name "\\\",\\\"path\\\":\\\"/" name      \
	"\\\",\\\"source\\\":\\\"main\\\"}]'}"

/* The binding says by the id whose its subject is; the name alone says nothing, for another group may bear it by now. */
START_TEST(a_group_that_was_renamed_leaves_bindings_that_have_its_old_name)
{
	offboard_begin(STORY, FULL, USH_LEDGER_GROUP, "k8s-restricted-users");
	offboard_put("old", OF("1", "users-of-old"), GROUP("users-of-old") "," GROUP("b"));
	offboard_put("alone", OF("1", "users-of-old"), GROUP("users-of-old"));
	offboard_put("another", OURS, GROUP("users-of-old"));
	offboard_put("theirs", "", GROUP("users-of-old"));
	run_well();
	ck_assert_uint_eq(offboard_subjects(AT("old")), 1);
	ck_assert(!sync_room_has(AT("alone")));
	ck_assert_uint_eq(offboard_subjects(AT("another")), 1);
	ck_assert_uint_eq(offboard_subjects(AT("theirs")), 1);
	offboard_line("removed", "Group subject oidc:users-of-old in fancy-namespace/old (ours)");
	over();
}
END_TEST

#define PEOPLE                                                                                                                             \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\nlayout: users\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: groups.json}}}\n" \
	"roles: {editor: {clusterRole: edit}}\ngrants:\n- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace]}\n"
#define GROUPS                                                                                                                             \
	"{\"groups\":[{\"name\":\"k8s-restricted-users\",\"id\":\"1\",\"members\":[\"carol\",\"dave\"]},{\"name\":\"b\",\"id\":\"2\",\"members\":[\"dave\"]}],"      \
	"\"count\":2}"
#define USER(name) "{'kind':'User','name':'" name "'}"

/* Nothing knows whose name it was, so it is told, once, with what to run. */
START_TEST(an_old_name_that_only_a_person_can_know_is_told)
{
	const json_t *left;

	offboard_begin(PEOPLE, GROUPS, USH_LEDGER_USER, "carol");
	offboard_put("x", OF("1", "k8s-restricted-users"), USER("carol.maiden") "," USER("dave"));
	offboard_put("y", OF("1", "k8s-restricted-users"), USER("carol.maiden") "," USER("carol"));
	offboard_put("z", OF("1", "k8s-restricted-users"), USER("dave"));
	offboard_put("theirs", "", USER("mallory"));
	offboard_put("elsewhere", OF("2", "b"), USER("mallory")); /* no group of carol's */
	offboard_put("owned", OF("1", "k8s-restricted-users") ",'ownerReferences':[{'apiVersion':'v1','kind':'X','name':'n','uid':'u'}]", USER("mallory"));
	run_well();
	left = offboard_line("left", "carol.maiden is in RoleBinding fancy-namespace/x and 1 more (ours)");
	ck_assert_str_eq(ush_json_string(left, "command"), "usher-broker offboard again --also carol.maiden");
	ck_assert(!offboard_says("left", "dave is in") && !offboard_says("left", "mallory is in") && !offboard_says("left", "carol is in"));
	ck_assert_uint_eq(offboard_subjects(AT("x")), 2);
	offboard_again("dave"); /* somebody else of that group: the same question */
	run_well();
	offboard_line("left", "carol.maiden is in");
	over();
}
END_TEST

START_TEST(more_old_names_than_anybody_reads_are_counted)
{
	struct ush_buf all = {0};

	offboard_begin(PEOPLE, FULL, USH_LEDGER_USER, "carol");
	for (size_t i = 0; i < 103; i++)
		ush_buf_printf(&all, "%s{'kind':'User','name':'gone-%zu'}", i > 0 ? "," : "", i);
	offboard_put("x", OF("1", "k8s-restricted-users"), all.data);
	ush_buf_free(&all);
	run_well();
	offboard_line("left", "gone-99 is in");
	ck_assert(!offboard_says("left", "gone-100 is in"));
	offboard_line("left", "more names than these 100 stand in bindings whose groups they are in no more (3 times)");
	over();
}
END_TEST

/* ---- twice ---- */

static char *told(void)
{
	USH_AUTO_JSON report = json_deep_copy(offboard_one.report);
	size_t i;
	json_t *line;

	json_object_del(report, "at");
	json_array_foreach(json_object_get(report, "lines"), i, line)
	{
		json_object_del(line, "issued");
		if (strcmp(ush_json_string(line, "kind"), "id-token") == 0)
			json_object_del(line, "until");
	}
	return json_dumps(report, JSON_SORT_KEYS);
}

static char *ledger_text(void)
{
	return json_dumps(fake_kube_object(room.fake, "/api/v1/namespaces/default/configmaps/usher-broker-ledger"), JSON_SORT_KEYS);
}

/* BE46: a clock that jumped a year either way changes nothing of it. */
START_TEST(a_second_time_writes_nothing_and_tells_the_same_whatever_the_clock_says)
{
	static const int64_t jumps[] = {0, -3600, 365LL * 86400, -365LL * 86400};
	USH_AUTO_FREE char *first = NULL, *before = NULL;

	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	answers(two_accounts);
	offboard_put("theirs", "", CAROL "," EVE);
	fake_kube_add(room.fake, "{'kind':'ServiceAccount','metadata':{'name':'ci','namespace':'fancy-namespace'}}");
	run_well();
	before = ledger_text();
	for (size_t i = 0; i < USH_COUNT(jumps); i++) {
		USH_AUTO_FREE char *now = NULL, *ledger = NULL;

		offboard_again("carol");
		room.fake->now_ms += jumps[i] * 1000;
		answers(two_accounts);
		run_well();
		now = told();
		if (first == NULL)
			first = ush_steal(&now);
		else
			ck_assert_str_eq(now, first);
		ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
		ledger = ledger_text();
		ck_assert_str_eq(ledger, before);
	}
	over();
}
END_TEST

START_TEST(who_was_known_by_bindings_alone_is_known_the_second_time)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "eve");
	offboard_put("mine", OURS, EVE);
	run_well();
	offboard_again(NULL);
	run_well();
	offboard_line("denied", "eve is kept out already");
	ck_assert_ptr_nonnull(strstr(ush_json_string(offboard_line("denied", ""), "text"), "usher-broker readmit -f p --key "));
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	over();
}
END_TEST

START_TEST(a_provider_that_is_back_ends_sessions_the_second_time)
{
	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	run_well();
	offboard_line("left", "sessions were not ended: source main: ");
	offboard_again(NULL);
	answers(two_accounts);
	run_well();
	ck_assert_uint_eq(logouts("u-1"), 1);
	ck_assert(!offboard_says("left", "sessions were not ended"));
	ck_assert_uint_gt(fake_kube_writes(room.fake), 0); /* the entry learns the id and what it is called by */
	ck_assert(offboard_is_denied("u-1"));
	over();
}
END_TEST

START_TEST(a_dry_run_says_who_is_kept_out_already)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	run_well();
	offboard_again(NULL);
	offboard_one.dry = true;
	run_well();
	offboard_line("denied", "carol is kept out already");
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	over();
}
END_TEST

/* ---- the log ---- */

static char *log_path(void)
{
	return ush_printf("%s/audit.log", room.folder);
}

static char *log_text(void)
{
	USH_AUTO_FREE char *path = log_path();
	USH_AUTO_BUF text = {0};
	struct ush_error err = {0};

	ck_assert_msg(ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, NULL, &err) == 0, "%s", err.what);
	return ush_buf_take(&text);
}

static void open_log(void)
{
	USH_AUTO_FREE char *path = log_path();
	struct ush_error err = {0};

	ck_assert_msg(ush_journal_open(&offboard_one.journal, path, &room.fake->world, &err) == 0, "%s", err.what);
}

static int close_log(void)
{
	USH_AUTO_FREE char *path = log_path(), *head = ush_printf("%s.head", path);
	struct ush_error err = {0};
	int result = ush_journal_close(&offboard_one.journal, &err);

	remove(path);
	remove(head);
	return result;
}

struct seen {
	bool denied_first, binding_at_once;
	size_t looks;
};

/* What the log holds when the API server is asked for something. */
static void watch(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	struct seen *seen = context;
	USH_AUTO_FREE char *text = log_text();

	(void)kube;
	if (strcmp(method, "GET") == 0 && strncmp(path, "/apis/rbac.authorization.k8s.io/v1/rolebindings", 47) == 0)
		seen->denied_first = strstr(text, "\"event\":\"user.revoked\"") != NULL && strstr(text, "\"event\":\"user.denied\"") != NULL;
	if (strcmp(method, "GET") == 0 && strncmp(path, AT("mixed"), strlen(AT("mixed"))) == 0 && seen->looks++ == 1)
		seen->binding_at_once = strstr(text, "\"event\":\"binding.changed\"") != NULL;
}

/* S14: whoever kills it in the middle finds all that had happened. */
START_TEST(each_line_of_the_log_is_there_when_it_has_happened)
{
	struct seen seen = {0};
	USH_AUTO_FREE char *text = NULL;

	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	answers(two_accounts);
	open_log();
	offboard_put("mixed", OURS, CAROL "," DAVE);
	offboard_put("alone", OURS, CAROL);
	room.fake->before = watch;
	room.fake->before_context = &seen;
	run_well();
	ck_assert(seen.denied_first);
	ck_assert(seen.binding_at_once);
	text = log_text();
	ck_assert_ptr_nonnull(strstr(text, "\"after\":[\"dave\"],\"before\":[\"Carol\",\"dave\"]"));
	ck_assert_ptr_nonnull(strstr(text, "\"removedSubject\":\"Carol\",\"role\":\"ClusterRole/edit\""));
	ck_assert_ptr_nonnull(strstr(text, "\"event\":\"binding.removed\""));
	ck_assert_ptr_nonnull(strstr(text, "\"event\":\"user.revoked\""));
	ck_assert_ptr_nonnull(strstr(text, "\"done\":[\"1 session\"],\"id\":\"u-1\""));
	ck_assert_int_eq(close_log(), 0);
	over();
}
END_TEST

START_TEST(what_failed_is_in_the_log_too)
{
	USH_AUTO_FREE char *text = NULL;

	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	open_log();
	offboard_put("mixed", OURS, CAROL "," DAVE);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "PATCH", .path = AT("mixed"), .times = 1000, .status = 403});
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = "/api/v1/namespaces/default/configmaps", .times = 1000, .status = 403});
	ush_offboard_run(&offboard_one, &room.err);
	text = log_text();
	ck_assert_ptr_nonnull(strstr(text, "\"event\":\"revocation.failed\""));
	ck_assert_ptr_nonnull(strstr(text, "\"event\":\"ledger.failed\""));
	ck_assert_ptr_nonnull(strstr(text, "\"event\":\"binding.failed\""));
	ck_assert_ptr_null(strstr(text, "\"event\":\"user.denied\""));
	ck_assert_int_eq(close_log(), 0);
	over();
}
END_TEST

/* A log that is in the way by now keeps nobody in; that it lacks lines is told when it is closed. */
START_TEST(a_log_that_fails_keeps_nobody_from_losing_what_he_has)
{
	USH_AUTO_FREE char *path = NULL, *aside = NULL;

	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	answers(two_accounts);
	offboard_put("mixed", OURS, CAROL "," DAVE);
	open_log();
	path = log_path();
	aside = ush_printf("%s.1", path);
	ck_assert_int_eq(rename(path, aside), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	run_well();
	ck_assert_uint_eq(logouts("u-1"), 1);
	ck_assert(offboard_is_denied("carol"));
	ck_assert_uint_eq(offboard_subjects(AT("mixed")), 1);
	ck_assert_int_eq(close_log(), -1);
	remove(aside);
	over();
}
END_TEST

TAP_MAIN("offboard_names", sessions_end_under_every_name_and_once, one_of_the_other_names_may_not_be_two_peoples,
	 what_the_api_server_calls_somebody_finds_them_at_the_provider, what_the_provider_refused_is_not_said_to_be_done,
	 who_was_denied_under_an_old_name_is_taken_out_by_it_too, a_group_that_was_renamed_leaves_bindings_that_have_its_old_name,
	 an_old_name_that_only_a_person_can_know_is_told, more_old_names_than_anybody_reads_are_counted, a_second_time_writes_nothing_and_tells_the_same_whatever_the_clock_says,
	 who_was_known_by_bindings_alone_is_known_the_second_time, a_provider_that_is_back_ends_sessions_the_second_time,
	 a_dry_run_says_who_is_kept_out_already, each_line_of_the_log_is_there_when_it_has_happened, what_failed_is_in_the_log_too,
	 a_log_that_fails_keeps_nobody_from_losing_what_he_has)
