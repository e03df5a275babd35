/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan tells people: who may do what from now on, who loses what, who is in too many groups, what leads nowhere;
 * and the same for a merge request. On a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/want/forecast.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define HEAD_LINES "apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: g.json}}}\n"
#define PAYMENTS   HEAD_LINES "roles: {deployer: {clusterRole: deployer}}\ngrants:\n- {group: a, role: deployer, namespaces: [payments]}\n" CASE_LIMITS

static struct sync_case *c;

static json_t *quoted(const char *text)
{
	USH_AUTO_FREE char *own = ush_strdup(text);
	json_t *json;

	for (char *p = own; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	json = json_loads(own, 0, NULL);
	ck_assert_msg(json != NULL, "%s", own);
	return json;
}

/* ---- sentences ---- */

/* The one ClusterRole that is known. */
static struct ush_rbac *cluster_role(const char *name, const char *rules)
{
	USH_AUTO_JSON object = json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", "rbac.authorization.k8s.io/v1", "kind", "ClusterRole", "metadata", "name",
					 name, "rules", quoted(rules));
	struct ush_error err = {0};
	bool is_rbac;
	struct ush_rbac *role = ush_rbac_read(object, USH_ERR_INCOMPLETE, &is_rbac, &err);

	ck_assert_msg(role != NULL, "%s", err.what);
	return role;
}

/* The ClusterRole deployer has these rules (NULL: nobody could read them), and this is what the plan says of it. */
static void expect_sentence(const char *rules, const char *sentence)
{
	struct ush_rbac *role = rules != NULL ? cluster_role("deployer", rules) : NULL;
	struct ush_cluster_roles roles = {&role, 1};
	struct ush_plan *plan;

	c = sync_case_begin(PAYMENTS, "1 /a carol,dave,erin");
	c->roles = rules != NULL ? &roles : NULL;
	plan = sync_case_plan(c);
	ck_assert_uint_eq(plan->for_people_count, 1);
	ck_assert_str_eq(plan->for_people[0], sentence);
	ush_plan_free(plan);
	sync_case_free(c);
	if (role != NULL)
		ush_rbac_free(role);
}

#define READ(resources) "{'apiGroups':[''],'resources':[" resources "],'verbs':['get','list']}"
#define EXEC		"{'apiGroups':[''],'resources':['pods/exec'],'verbs':['create']}"
#define BIND		"{'apiGroups':['rbac.authorization.k8s.io'],'resources':['rolebindings'],'verbs':['bind']}"

/* BM08, BE57: read out of the rules, the grave first wherever it stands in them. */
START_TEST(rules_are_told_as_what_people_can_do)
{
	expect_sentence("[" READ("'secrets'") "]", "3 may now read Secrets in payments, through oidc:a");
	expect_sentence("[" READ("'pods','configmaps'") "]", "3 may now see pods and configmaps in payments, through oidc:a");
	expect_sentence("[" READ("'pods'") "," EXEC "]", "3 may now run commands in pods in payments, through oidc:a");
	expect_sentence("[" READ("'pods'") "," EXEC "," READ("'secrets'") "," BIND "]",
			"3 may now give themselves any right, read Secrets and run commands in pods in payments, through oidc:a");
	expect_sentence("[{'apiGroups':[''],'resources':['serviceaccounts/token'],'verbs':['create']}]",
			"3 may now take tokens of service accounts in payments, through oidc:a");
	expect_sentence("[{'apiGroups':[''],'resources':['users'],'verbs':['impersonate']}]", "3 may now act as others in payments, through oidc:a");
	expect_sentence("[{'apiGroups':['*'],'resources':['*'],'verbs':['*']}]", "3 may now do everything in payments, through oidc:a");
	expect_sentence("[{'apiGroups':['apps'],'resources':['secrets'],'verbs':['get']}]", "3 may now see secrets in payments, through oidc:a"); /* not those */
}
END_TEST

/* BM08: a ClusterRole of which only the name is known is called by it, and nothing is made up. */
START_TEST(a_cluster_role_that_could_not_be_read_is_named)
{
	expect_sentence(NULL, "3 may now use ClusterRole deployer in payments, through oidc:a");
	expect_sentence("[]", "3 may now use ClusterRole deployer in payments, through oidc:a");
}
END_TEST

/* BE57: escalation before Secrets before commands before the rest, whatever the policy's order; who loses is told too. */
START_TEST(the_gravest_sentence_comes_first)
{
	static const char policy[] = HEAD_LINES
		"roles:\n  viewer: {clusterRole: view}\n  shell: {clusterRole: shell}\n  vault: {clusterRole: vault}\n  binder: {clusterRole: binder}\n"
		"grants:\n- {group: a, role: viewer, namespaces: [n1]}\n- {group: b, role: shell, namespaces: [n2]}\n- {group: b, role: vault, namespaces: [n3]}\n"
		"- {group: a, role: binder, namespaces: [n4]}\n" CASE_LIMITS;
	struct ush_rbac *items[] = {cluster_role("binder", "[" BIND "]"), cluster_role("shell", "[" EXEC "]"), cluster_role("vault", "[" READ("'secrets'") "]")};
	struct ush_cluster_roles roles = {items, USH_COUNT(items)};
	static const char *const lines[] = {"2 may now give themselves any right in n4, through oidc:a", "1 may now read Secrets in n3, through oidc:b",
					    "1 may now run commands in pods in n2, through oidc:b", "2 may now view n1, through oidc:a"};
	struct ush_plan *plan;

	c = sync_case_begin(policy, "1 /a p,q;2 /b r");
	c->roles = &roles;
	plan = sync_case_run(c);
	ck_assert_uint_eq(plan->for_people_count, USH_COUNT(lines));
	for (size_t i = 0; i < USH_COUNT(lines); i++)
		ck_assert_str_eq(plan->for_people[i], lines[i]);
	ush_plan_free(plan);
	sync_case_policy(c, HEAD_LINES "roles: {viewer: {clusterRole: view}}\ngrants:\n- {group: a, role: viewer, namespaces: [n1]}\n" CASE_LIMITS);
	plan = sync_case_run_and_count(c, USH_REMOVE, 3);
	ck_assert_uint_eq(plan->for_people_count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(strstr(plan->for_people[i], " lose "));
	ush_plan_free(plan);
	sync_case_free(c);
	for (size_t i = 0; i < USH_COUNT(items); i++)
		ush_rbac_free(items[i]);
}
END_TEST

/* BM08: nobody is counted whom nobody knows. */
START_TEST(people_who_are_not_known_are_not_counted)
{
	struct ush_plan *plan;

	c = sync_case_begin(PAYMENTS, "1 /a p");
	c->groups[0].items[0].members_known = false;
	plan = sync_case_plan(c);
	ck_assert_uint_eq(plan->for_people_count, 1);
	ck_assert_str_eq(plan->for_people[0], "the people of oidc:a may now use ClusterRole deployer in payments");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

START_TEST(what_is_said_of_many_namespaces_is_said_once)
{
	struct ush_plan *plan;

	c = sync_case_begin(HEAD_LINES "roles: {viewer: {clusterRole: view}}\ngrants:\n- {group: a, role: viewer, namespaces: [n1, n2, n3, n4, n5]}\n" CASE_LIMITS, "1 /a p,q");
	plan = sync_case_plan(c);
	ck_assert_uint_eq(plan->for_people_count, 1);
	ck_assert_str_eq(plan->for_people[0], "2 may now view n1, n2 and 3 more, through oidc:a");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* ---- for a merge request ---- */

/* The text without its code spans, read as CommonMark 6.1 reads them; a fence that is never closed stays. */
static char *without_code(const char *text)
{
	struct ush_buf out = {0};

	for (const char *at = text; *at != '\0';) {
		size_t fence = strspn(at, "`"), run = 0;
		const char *end = at + fence;

		for (; fence > 0 && *end != '\0' && *end != '\n' && run != fence; end += run > 0 ? run : 1)
			run = strspn(end, "`");
		if (fence > 0 && run == fence) {
			at = end;
			continue;
		}
		ush_buf_add(&out, at, fence > 0 ? fence : 1);
		at += fence > 0 ? fence : 1;
	}
	return ush_buf_take(&out);
}

/* Every line is one that we began, a row has four cells, there are so many of them and the head, and outside of code
 * nothing is left that Markdown or HTML would act on, or that GitHub and GitLab would make a mention or a link of. */
static void expect_plain(const char *whole, size_t rows)
{
	USH_AUTO_FREE char *outside = without_code(whole);
	const char *text = outside;
	static const char *const begins[] = {"### Access plan for ", "**Stopped:** ", "- **", "- source ", "| ", "|---|---|---|---|", "plan ", "0 to ", "1 to ", "2 to "};

	size_t lines = 0;

	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t length = strcspn(line, "\n"), bars = 0;
		bool known = length == 0;

		for (size_t i = 0; i < USH_COUNT(begins); i++)
			known |= strncmp(line, begins[i], strlen(begins[i])) == 0;
		ck_assert_msg(known, "a line of somebody else's: %.*s", (int)length, line);
		for (size_t i = 0; i < length; i++) {
			bars += line[i] == '|';
			ck_assert_msg(line[i] >= ' ' && line[i] < 0x7f && strchr("<>`[]\\@{}~!_$^=", line[i]) == NULL, "%c in %.*s", line[i], (int)length, line);
		}
		ck_assert_uint_eq(bars, *line == '|' ? 5 : 0);
		for (const char *risk = line; risk < line + length; risk++) {
			ck_assert_msg(strncmp(risk, "://", 3) != 0 && strncmp(risk, "www.", 4) != 0, "an address in %.*s", (int)length, line);
			ck_assert_msg(*risk != '#' || risk < line + 4 || strncmp(risk - 1, "&#124;", 6) == 0, "a number of an issue in %.*s", (int)length, line);
			ck_assert_msg(*risk != '&' || strncmp(risk, "&#124;", 6) == 0, "a letter in disguise in %.*s", (int)length, line);
		}
		lines += strncmp(line, "| ", 2) == 0;
	}
	ck_assert_uint_eq(lines, rows + 1);
}

/* BM08: names of groups and texts of sources are written by others. */
START_TEST(hostile_names_stay_text_in_a_merge_request)
{
	static const char *const names[] = {"a|b|c", "`rm`", "<script>alert(1)</script>", "![x](http://evil.example/p)", "**bold**_it_~~no~~", "@everyone", "a\\|b", "#1", "&lt;",
					    "$(id){}", "see https://evil.example/x?a=b", "www.evil.example", "(@all)", "mail a@b.example", "fix !12 &3 ~bug %v1 $7 ^alert#1 GH-1 :tada:",
					    "a``b`c", "|", "`", "\\`x`", "&#64;all", "ABC-123 https&#58;//evil.example"};

	for (size_t i = 0; i < USH_COUNT(names); i++) {
		USH_AUTO_FREE char *policy = ush_printf("%sroles: {viewer: {clusterRole: view}}\ngrants:\n- {group: '%s', role: viewer, namespaces: [n1]}\n%s", HEAD_LINES,
							names[i], CASE_LIMITS);
		USH_AUTO_BUF text = {0};
		struct ush_plan *plan;

		c = sync_case_begin(policy, "2 /other q");
		ush_groups_free(&c->groups[0]);
		c->groups[0] = (struct ush_groups){.complete = true, .where = ush_strdup("file <b>|x\n| forged | row |\r\n# Approved"), .proof = ush_strdup("test")};
		ush_groups_add(&c->groups[0], "1", names[i], names[i])->members_known = true;
		plan = sync_case_plan(c);
		ck_assert_uint_eq(ush_plan_count(plan, USH_CREATE), 1);
		plan->changes[0].reason = "x\n\n# Approved by <b>security</b>\n| create | prod | all | |";
		ush_plan_to_markdown(plan, &text);
		expect_plain(text.data, plan->change_count);
		ush_plan_free(plan);
		sync_case_free(c);
	}
}
END_TEST

START_TEST(a_plan_for_a_merge_request_says_people_first_and_every_change)
{
	USH_AUTO_BUF text = {0};
	struct ush_plan *plan;
	const char *people, *row;

	c = sync_case_begin(HEAD_LINES "roles: {viewer: {clusterRole: view}}\ngrants:\n- {group: a, role: viewer, namespaces: [n1], name: v}\n" CASE_LIMITS, "1 /a p,q");
	plan = sync_case_plan(c);
	ush_plan_to_markdown(plan, &text);
	expect_plain(text.data, plan->change_count);
	people = strstr(text.data, "- **2 may now view n1, through `oidc:a`**\n");
	row = strstr(text.data, "| create | n1 | RoleBinding v | + `oidc:a` (2) |\n");
	ck_assert_msg(people != NULL && row != NULL && people < row, "%s", text.data);
	ck_assert_ptr_nonnull(strstr(text.data, "\n1 to create, 0 to change, 0 to remove\n"));
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* ---- too many groups ---- */

/* `count` groups; each person is in the first so many of them. */
static void many_groups(struct ush_groups *groups, size_t count, const char *const *people, const size_t *in)
{
	*groups = (struct ush_groups){.complete = true, .where = ush_strdup("test"), .proof = ush_strdup("test")};
	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *name = ush_printf("g%zu", i);
		struct ush_group *group = ush_groups_add(groups, name, name, name);

		group->members_known = true;
		for (size_t j = 0; people[j] != NULL; j++)
			if (i < in[j])
				ush_members_add(&group->members, people[j]);
	}
}

/* BM05: 180 is near, 200 is the last that fits, 201 is past it. */
START_TEST(people_near_and_past_200_groups_are_told)
{
	static const char *const people[] = {"few", "near", "last", "past", "far", NULL};
	static const size_t in[] = {179, 180, 200, 201, 230};
	struct ush_list lines = {0};
	struct ush_groups groups;

	many_groups(&groups, 240, people, in);
	ush_forecast(&groups, 1, &lines);
	ck_assert_uint_eq(lines.count, 2);
	ck_assert_str_eq(lines.items[0], "2 people are in more than 200 groups, and a token that cannot list them all gives none (Entra): far (230), past (201)");
	ck_assert_str_eq(lines.items[1], "2 people are near 200 groups, beyond which a token may list none (Entra): last (200), near (180)");
	ush_list_free(&lines);
	ush_groups_free(&groups);
}
END_TEST

START_TEST(a_plan_notes_the_forecast_and_nothing_when_nobody_is_near)
{
	static const char *const people[] = {"p", NULL};
	static const size_t past[] = {201}, below[] = {179};
	struct ush_plan *plan;

	c = sync_case_begin(PAYMENTS, "1 /a p");
	ush_groups_free(&c->groups[0]);
	many_groups(&c->groups[0], 240, people, past);
	plan = sync_case_plan(c);
	sync_case_expect_reason(plan, USH_NOTE, "", "1 person is in more than 200 groups");
	ck_assert_uint_eq(ush_plan_count(plan, USH_NOTE), 2); /* and that there is no group a now */
	ush_plan_free(plan);
	ush_groups_free(&c->groups[0]);
	many_groups(&c->groups[0], 240, people, below);
	plan = sync_case_plan(c);
	ck_assert_uint_eq(ush_plan_count(plan, USH_NOTE), 1);
	sync_case_expect_reason(plan, USH_NOTE, "", "no binding for it");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* ---- what leads nowhere ---- */

#define BINDING(name, role, group)                                                                                                     \
	"{'kind':'RoleBinding','metadata':{'name':'" name "','namespace':'x'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io'," role "},"  \
	"'subjects':[{'kind':'Group','name':'" group "','apiGroup':'rbac.authorization.k8s.io'}]}"

/* BM13, BE47: whoever makes that role, or that group, arms it again. Nobody's but ours is touched. */
START_TEST(bindings_whose_role_or_group_is_gone_are_told)
{
	USH_AUTO_BUF text = {0};
	struct ush_plan *plan;

	c = sync_case_begin(PAYMENTS, "1 /a p");
	sync_case_add(c, "{'kind':'Role','metadata':{'name':'there','namespace':'x'},'rules':[]}");
	sync_case_add(c, BINDING("sound", "'kind':'Role','name':'there'", "oidc:a"));
	sync_case_add(c, BINDING("norole", "'kind':'Role','name':'gone'", "oidc:a"));
	sync_case_add(c, BINDING("nogroup", "'kind':'Role','name':'there'", "oidc:left"));
	sync_case_add(c, BINDING("stranger", "'kind':'Role','name':'there'", "ldap:left")); /* another issuer's: nothing is known of it */
	plan = sync_case_run(c);
	ck_assert_uint_eq(plan->dangling_count, 2);
	ck_assert_str_eq(plan->dangling[0], "x/norole refers to Role gone");
	ck_assert_str_eq(plan->dangling[1], "x/nogroup holds Group oidc:left");
	sync_case_expect_reason(plan, USH_NOTE, "", "2 bindings lead nowhere: x/norole refers to Role gone; x/nogroup holds Group oidc:left");
	ush_plan_dangling_text(plan, &text);
	ck_assert_str_eq(text.data, ". leads nowhere: x/norole refers to Role gone\n. leads nowhere: x/nogroup holds Group oidc:left\n");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "nogroup", "oidc:left");
	sync_case_incomplete(c, 0, "down"); /* then nobody can say that a group is gone */
	plan = sync_case_plan(c);
	ck_assert_uint_eq(plan->dangling_count, 1);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* BM13: a ClusterRole counts as gone only when all there are were listed. */
START_TEST(a_cluster_role_that_is_gone_is_told_when_all_were_listed)
{
	USH_AUTO_JSON view = quoted(BINDING("v", "'kind':'ClusterRole','name':'view'", "oidc:a"));
	USH_AUTO_JSON gone = quoted(BINDING("g", "'kind':'ClusterRole','name':'gone'", "oidc:a"));
	struct ush_error err = {0};

	json_object_set_new(view, "apiVersion", json_string("rbac.authorization.k8s.io/v1"));
	json_object_set_new(gone, "apiVersion", json_string("rbac.authorization.k8s.io/v1"));
	c = sync_case_begin(PAYMENTS, "1 /a p");
	for (int known = 0; known < 2; known++) {
		sync_case_desire(c);
		ush_observed_begin(&c->observed, c->desired, c->groups, "k8s.test", true);
		ush_observed_cluster_role(&c->observed, "view");
		c->observed.cluster_roles_known = known == 1;
		ck_assert_int_eq(ush_observed_add(&c->observed, view, &err), 0);
		ck_assert_int_eq(ush_observed_add(&c->observed, gone, &err), 0);
		ck_assert_uint_eq(c->observed.dangling_count, (size_t)known);
		ck_assert(known == 0 || strcmp(c->observed.dangling.items[0], "x/g refers to ClusterRole gone") == 0);
	}
	sync_case_free(c);
}
END_TEST

TAP_MAIN("people", rules_are_told_as_what_people_can_do, a_cluster_role_that_could_not_be_read_is_named, the_gravest_sentence_comes_first,
	 people_who_are_not_known_are_not_counted, what_is_said_of_many_namespaces_is_said_once, hostile_names_stay_text_in_a_merge_request,
	 a_plan_for_a_merge_request_says_people_first_and_every_change, people_near_and_past_200_groups_are_told,
	 a_plan_notes_the_forecast_and_nothing_when_nobody_is_near, bindings_whose_role_or_group_is_gone_are_told,
	 a_cluster_role_that_is_gone_is_told_when_all_were_listed)
