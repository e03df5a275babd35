/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/audit/audit.h"
#include "broker/audit/rules.h"
#include "broker/audit/verdict.h"
#include "broker/audit/words.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define EXPECT "# expect: "
#define AS     "# as: live "

/* ---- the corpus: files that say what is to be found in them ---- */

static char *fixtures(void)
{
	const char *source = getenv("USHER_SRC");

	return ush_printf("%s/tests/fixtures/audit", source != NULL ? source : ".");
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, one a line. */
static char *join(struct ush_list *lines)
{
	USH_AUTO_BUF out = {0};

	if (lines->count > 0)
		qsort(lines->items, lines->count, sizeof *lines->items, compare_words);
	for (size_t i = 0; i < lines->count; i++)
		ush_buf_printf(&out, "%s\n", lines->items[i]);
	ush_list_free(lines);
	return ush_buf_take(&out);
}

static char *found(const struct ush_findings *findings)
{
	struct ush_list lines = {0};

	for (size_t i = 0; i < findings->count; i++) {
		USH_AUTO_FREE char *object = ush_words_object(findings->items[i].object);
		USH_AUTO_FREE char *line = ush_printf("%s %s %s", findings->items[i].rule->id,
						      ush_severity_name(findings->items[i].severity), object);

		ush_list_add(&lines, line);
	}
	return join(&lines);
}

/* What the comments in front of a fixture say. */
static char *expected(const char *text, int *minor)
{
	struct ush_list lines = {0};

	for (const char *p = text; *p == '#'; p += strcspn(p, "\n"), p += *p == '\n') {
		size_t length = strcspn(p, "\n");

		if (strncmp(p, AS, strlen(AS)) == 0)
			*minor = atoi(p + strlen(AS));
		if (strncmp(p, EXPECT, strlen(EXPECT)) != 0)
			continue;
		USH_AUTO_FREE char *line = ush_strndup(p + strlen(EXPECT), length - strlen(EXPECT));

		if (strcmp(line, "nothing") != 0)
			ush_list_add(&lines, line);
	}
	ck_assert_msg(strstr(text, EXPECT) != NULL, "a fixture without expectation");
	return join(&lines);
}

struct corpus {
	struct ush_baseline *baseline;
	size_t files, hits, misses; /* a miss expects nothing of its own rule */
};

static void check_file(struct corpus *corpus, const char *path, const char *rule, bool hit)
{
	struct ush_error err = {0};
	USH_AUTO_BUF text = {0};
	USH_AUTO_INVENTORY in = {0};
	USH_AUTO_FINDINGS findings = {0};
	USH_AUTO_FREE char *want = NULL, *got = NULL;

	ck_assert_msg(ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &text, NULL, &err) == 0, "%s", err.what);
	want = expected(text.data, &in.minor);
	in.live = in.minor != 0;
	ush_inventory_manifests(&in, path);
	ck_assert_msg(in.missing.count == 0, "%s: %s", path, in.missing.count > 0 ? in.missing.items[0] : "");
	ush_audit(&in, corpus->baseline, &findings);
	got = found(&findings);
	ck_assert_msg(strcmp(want, got) == 0, "%s:\nexpected\n%sfound\n%s", path, want, got);
	ck_assert_msg((strstr(got, rule) != NULL) == hit, "%s: %s %s", path, hit ? "does not hit" : "hits", rule);
	corpus->files++;
	*(hit ? &corpus->hits : &corpus->misses) += 1;
}

static void check_folder(struct corpus *corpus, const char *folder, const char *rule)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, rule);
	DIR *dir = opendir(path);
	const struct dirent *entry;
	size_t hits = corpus->hits, misses = corpus->misses;

	ck_assert_msg(dir != NULL, "%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)) != NULL) {
		USH_AUTO_FREE char *file = ush_printf("%s/%s", path, entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		ck_assert_msg(strncmp(entry->d_name, "hit", 3) == 0 || strncmp(entry->d_name, "miss", 4) == 0,
			      "%s is neither hit nor miss", file);
		check_file(corpus, file, rule, entry->d_name[0] == 'h');
	}
	closedir(dir);
	ck_assert_msg(corpus->hits > hits, "%s has no hit", rule);
	ck_assert_msg(corpus->misses > misses, "%s has no miss", rule);
}

/* T61: every verdict of the corpus is exactly what its file says: rule, severity, object, and nothing else. */
START_TEST(every_fixture_gives_exactly_what_it_says)
{
	struct corpus corpus = {.baseline = ush_baseline_new()};
	USH_AUTO_FREE char *folder = fixtures();

	for (size_t i = 0; i < ush_rule_count(); i++)
		check_folder(&corpus, folder, ush_rule_at(i)->id);
	ck_assert_uint_ge(corpus.files, 200);
	ush_baseline_free(corpus.baseline);
}
END_TEST

/* ---- small inventories ---- */

/* Adds an object written as JSON with ' for ". */
static void add(struct ush_inventory *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct ush_inventory *in, const char *format, ...)
{
	struct ush_error err = {0};
	char text[2048];
	va_list args;
	json_t *value;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	value = ush_json_parse(text, strlen(text), "test", USH_ERR_CONFIG, &err);
	ck_assert_msg(value != NULL, "%s", err.what);
	ush_inventory_add(in, value, NULL);
	json_decref(value);
}

#define HEAD(kind) "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'" kind "',"
#define DASHBOARD                                                                                                      \
	HEAD("ClusterRoleBinding")                                                                                     \
	"'metadata':{'name':'kubernetes-dashboard'},'roleRef':{'kind':'ClusterRole','name':'cluster-admin'},"          \
	"'subjects':[{'kind':'ServiceAccount','name':'kubernetes-dashboard','namespace':'kube-system'}]}"

static char *judge(const struct ush_inventory *in)
{
	USH_AUTO_BASELINE baseline = ush_baseline_new();
	USH_AUTO_FINDINGS findings = {0};

	ush_audit(in, baseline, &findings);
	return found(&findings);
}

/* A7: the story's binding, in a cluster of defaults, is exactly one finding. */
START_TEST(the_dashboard_in_a_fresh_cluster_is_one_critical_finding)
{
	USH_AUTO_BASELINE baseline = ush_baseline_new();
	USH_AUTO_INVENTORY in = {.live = true, .minor = USH_BASELINE_MINOR};
	USH_AUTO_FINDINGS findings = {0};

	for (size_t i = 0; i < ush_baseline_count(baseline); i++) {
		USH_AUTO_JSON object = ush_rbac_to_json(ush_baseline_at(baseline, i));

		ush_inventory_add(&in, object, NULL);
	}
	add(&in, "%s", DASHBOARD);
	ush_audit(&in, baseline, &findings);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert_uint_eq(findings.by_severity[USH_CRITICAL], 1);
	ck_assert_str_eq(findings.items[0].rule->slug, "dashboard-cluster-admin");
	ck_assert_str_eq(findings.items[0].who, "ServiceAccount kube-system/kubernetes-dashboard");
	ck_assert_str_eq(findings.items[0].why,
			 "ServiceAccount kube-system/kubernetes-dashboard may do everything; so may whoever presses "
			 "SKIP on its page or runs a pod in kube-system.");
	ck_assert_str_eq(findings.items[0].remedy, "kubectl delete clusterrolebinding kubernetes-dashboard");
	ck_assert(ush_findings_reach(&findings, USH_CRITICAL));
}
END_TEST

START_TEST(the_order_of_what_was_read_does_not_matter)
{
	USH_AUTO_BASELINE baseline = ush_baseline_new();
	USH_AUTO_FREE char *first = NULL;
	USH_AUTO_FREE char *folder = fixtures();
	USH_AUTO_INVENTORY in = {0};

	ush_inventory_manifests(&in, folder);
	ck_assert_uint_gt(in.count, 200);
	for (size_t round = 0; round < 3; round++) {
		USH_AUTO_FINDINGS findings = {0};
		USH_AUTO_BUF text = {0};

		ush_audit(&in, baseline, &findings);
		for (size_t i = 0; i < findings.count; i++)
			ush_buf_printf(&text, "%s|%s|%s|%s\n", findings.items[i].rule->id,
				       ush_severity_name(findings.items[i].severity), findings.items[i].object->origin,
				       findings.items[i].remedy);
		if (first == NULL)
			first = ush_buf_take(&text);
		else
			ck_assert_msg(strcmp(text.data, first) == 0, "round %zu differs", round);
		for (size_t i = 0, j = in.count - 1; i < j; i += round + 1, j--) {
			struct ush_rbac *moved = in.objects[i];

			in.objects[i] = in.objects[j];
			in.objects[j] = moved;
		}
	}
}
END_TEST

/* What could not be read is not taken for absent. */
START_TEST(a_role_that_could_not_be_read_is_not_dangling)
{
	USH_AUTO_INVENTORY in = {.live = true, .unread = {[USH_CLUSTER_ROLE] = true}};
	USH_AUTO_FREE char *got = NULL;

	add(&in, HEAD("ClusterRoleBinding") "'metadata':{'name':'a'},'roleRef':{'kind':'ClusterRole','name':'gone'},'"
					    "subjects':[{'kind':'User','name':'u'}]}");
	add(&in, HEAD("RoleBinding") "'metadata':{'name':'b','namespace':'n'},'roleRef':{'kind':'Role','name':'gone'},'"
				     "subjects':[{'kind':'User','name':'u'}]}");
	add(&in, "%s", DASHBOARD); /* cluster-admin is known without having been read */
	got = judge(&in);
	ck_assert_str_eq(got, "AU068 medium RoleBinding n/b\nAU080 critical ClusterRoleBinding kubernetes-dashboard\n");
}
END_TEST

START_TEST(an_object_that_cannot_be_understood_is_missing_and_not_clean)
{
	USH_AUTO_INVENTORY in = {0};

	add(&in, HEAD("ClusterRoleBinding") "'metadata':{'name':'a'},'roleRef':{'kind':'ClusterRole','name':'cluster-"
					    "admin'},'subjects':'everybody'}");
	add(&in, "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a'}}");
	ck_assert_uint_eq(in.read, 2);
	ck_assert_uint_eq(in.count, 0);
	ck_assert_uint_eq(in.missing.count, 1);
	ck_assert(in.unread[USH_ROLE] && in.unread[USH_CLUSTER_ROLE]);
}
END_TEST

START_TEST(the_threshold_is_at_or_above)
{
	struct ush_findings findings = {.by_severity = {[USH_MEDIUM] = 1}};

	ck_assert(ush_findings_reach(&findings, USH_LOW));
	ck_assert(ush_findings_reach(&findings, USH_MEDIUM));
	ck_assert(!ush_findings_reach(&findings, USH_HIGH));
	ck_assert_int_eq(ush_severity_read("critical"), USH_CRITICAL);
	ck_assert_int_eq(ush_severity_read("fatal"), USH_NONE);
}
END_TEST

/* Ten thousand bindings of one user and of one group, each with a half of a combination: looked up, not searched. */
START_TEST(ten_thousand_bindings_are_judged_each)
{
	USH_AUTO_INVENTORY in = {.live = true, .minor = USH_BASELINE_MINOR};
	USH_AUTO_BASELINE baseline = ush_baseline_new();
	USH_AUTO_FINDINGS findings = {0};

	add(&in, HEAD("ClusterRole") "'metadata':{'name':'e'},'rules':[{'apiGroups':['rbac.authorization.k8s.io'],'"
				     "resources':['clusterroles'],'verbs':['escalate']}]}");
	for (int i = 0; i < 5000; i++) {
		add(&in,
		    HEAD("RoleBinding") "'metadata':{'name':'b','namespace':'n%d'},'roleRef':{'kind':'ClusterRole','"
					"name':'e'},'subjects':[{'kind':'User','name':'u'}]}",
		    i);
		add(&in,
		    HEAD("ClusterRoleBinding") "'metadata':{'name':'b%d'},'roleRef':{'kind':'ClusterRole','name':'e'},'"
					       "subjects':[{'kind':'User','name':'u'},{'kind':'Group','name':'system:"
					       "serviceaccounts:a'}]}",
		    i);
	}
	add(&in, HEAD("RoleBinding") "'metadata':{'name':'x','namespace':'n7'},'roleRef':{'kind':'ClusterRole','name':'"
				     "cluster-admin'},'subjects':[{'kind':'User','name':'v'}]}");
	ush_audit(&in, baseline, &findings);
	ck_assert_uint_eq(findings.by_severity[USH_HIGH], 5000); /* AU059 */
	ck_assert_uint_eq(findings.by_severity[USH_MEDIUM], 1);  /* that role was not read, and this is a cluster */
	ck_assert_uint_eq(findings.count, 5001);
}
END_TEST

/* ---- the table itself ---- */

START_TEST(the_table_of_rules_is_sound)
{
	for (size_t i = 0; i < ush_rule_count(); i++) {
		const struct ush_audit_rule *rule = ush_rule_at(i);

		ck_assert_ptr_eq(ush_rule_find(rule->id), rule);
		ck_assert(i == 0 || strcmp(ush_rule_at(i - 1)->id, rule->id) < 0);
		ck_assert_int_ne(rule->severity, USH_NONE);
		ck_assert(rule->about == USH_ABOUT_OBJECT || rule->judge != NULL || rule->needs != 0);
		ck_assert(!ush_rule_supersedes(rule, rule));
		for (const char *p = rule->supersedes; p != NULL && *p != '\0'; p += strspn(p, " ")) {
			USH_AUTO_FREE char *id = ush_strndup(p, strcspn(p, " "));

			ck_assert_msg(strcmp(id, "*") == 0 || ush_rule_find(id) != NULL, "%s supersedes %s", rule->id,
				      id);
			p += strlen(id);
		}
		for (size_t j = 0; j < i; j++)
			ck_assert(!(ush_rule_supersedes(rule, ush_rule_at(j)) &&
				    ush_rule_supersedes(ush_rule_at(j), rule)));
	}
}
END_TEST

TAP_MAIN("verdict", every_fixture_gives_exactly_what_it_says, the_dashboard_in_a_fresh_cluster_is_one_critical_finding,
	 the_order_of_what_was_read_does_not_matter, a_role_that_could_not_be_read_is_not_dangling,
	 an_object_that_cannot_be_understood_is_missing_and_not_clean, the_threshold_is_at_or_above,
	 ten_thousand_bindings_are_judged_each, the_table_of_rules_is_sound)
