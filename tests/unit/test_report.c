/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdlib.h>
#include <string.h>

#include "broker/audit/audit.h"
#include "broker/audit/rules.h"
#include "broker/audit/words.h"
#include "common/base/memory.h"
#include "common/data/json.h"

struct world {
	struct ush_inventory in;
	struct ush_baseline *baseline;
	struct ush_findings findings;
};

static void setup(struct world *w, const char *binding)
{
	struct ush_error err = {0};
	USH_AUTO_JSON value = ush_json_parse(binding, strlen(binding), "test", USH_ERR_CONFIG, &err);

	ck_assert_msg(value != NULL, "%s", err.what);
	ush_inventory_add(&w->in, value, NULL);
	w->baseline = ush_baseline_new();
	if (w->in.live) {
		USH_AUTO_JSON role =
			ush_rbac_to_json(ush_baseline_find(w->baseline, USH_CLUSTER_ROLE, NULL, "cluster-admin", NULL));

		ush_inventory_add(&w->in, role, NULL);
	}
	ush_audit(&w->in, w->baseline, &w->findings);
}

static void teardown(struct world *w)
{
	ush_findings_free(&w->findings);
	ush_inventory_free(&w->in);
	ush_baseline_free(w->baseline);
}

typedef void printer(FILE *to, const struct world *w);

static void as_text(FILE *to, const struct world *w)
{
	ush_audit_text(to, &w->in, &w->findings);
}

static void as_json(FILE *to, const struct world *w)
{
	ush_audit_json(to, &w->in, &w->findings, false);
}

static void as_lines(FILE *to, const struct world *w)
{
	ush_audit_json(to, &w->in, &w->findings, true);
}

static char *print(printer *how, const struct world *w)
{
	USH_AUTO_FREE char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);

	how(to, w);
	fclose(to);
	return ush_strdup(text);
}

#define DASHBOARD                                                                                                      \
	"{\"apiVersion\":\"rbac.authorization.k8s.io/"                                                                 \
	"v1\",\"kind\":\"ClusterRoleBinding\",\"metadata\":{\"name\":\"kubernetes-dashboard\"},"                       \
	"\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"cluster-admin\"},"                                           \
	"\"subjects\":[{\"kind\":\"ServiceAccount\",\"name\":\"kubernetes-dashboard\",\"namespace\":\"kube-system\"}]" \
	"}"

/* A7: what a person reads. */
START_TEST(the_text_says_who_why_and_the_command)
{
	struct world w = {.in = {.live = true, .minor = 36, .read = 1302}};
	USH_AUTO_FREE char *text = NULL;

	setup(&w, DASHBOARD);
	w.findings.builtins = 71;
	text = print(as_text, &w);
	ck_assert_str_eq(
		text, "CRITICAL  dashboard-cluster-admin (AU080, CIS 5.1.1)   ClusterRoleBinding kubernetes-dashboard\n"
		      "    ServiceAccount kube-system/kubernetes-dashboard may do everything; so may whoever presses "
		      "SKIP on its page or "
		      "runs a pod in kube-system.\n"
		      "    kubectl delete clusterrolebinding kubernetes-dashboard\n"
		      "\n"
		      "1 critical, 0 high. 1,304 objects read, nothing missing; 71 built-ins of 1.36 recognised by "
		      "content.\n");
	teardown(&w);
}
END_TEST

START_TEST(the_last_line_tells_what_was_not_read_and_which_table_was_used)
{
	struct world w = {.in = {.live = true, .minor = 33, .unread = {true, true, true, true}}};
	USH_AUTO_FREE char *text = NULL;

	ush_list_add(&w.in.missing, "Roles: no \x1b[2J right");
	setup(&w, DASHBOARD);
	text = print(as_text, &w);
	ck_assert_ptr_nonnull(strstr(text, "not read: Roles: no \\x1b[2J right\n"));
	ck_assert_ptr_nonnull(strstr(
		text,
		"2 objects read, NOT ALL: what is missing is not judged; 1 built-ins by the table of 1.36 recognised "
		"by content (the server is 1.33).\n"));
	teardown(&w);
}
END_TEST

#define HOSTILE                                                                                                        \
	"{\"apiVersion\":\"rbac.authorization.k8s.io/"                                                                 \
	"v1\",\"kind\":\"RoleBinding\",\"metadata\":{\"name\":\"--a\\u001b]0;'\\\\$(id)\\u202e\","                     \
	"\"namespace\":\"$(reboot)\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"cluster-admin\"},"              \
	"\"subjects\":[{\"kind\":\"User\",\"name\":\"x\\ny\\u009b31m\\u007f\"}]}"

/* T25: names from a cluster or a manifest reach the terminal as printable ASCII, in each format. */
START_TEST(hostile_names_reach_no_terminal)
{
	static printer *const printers[] = {as_text, as_json, as_lines};
	struct world w = {0};

	setup(&w, HOSTILE);
	ck_assert_uint_eq(w.findings.count, 1);
	for (size_t i = 0; i < USH_COUNT(printers); i++) {
		USH_AUTO_FREE char *text = print(printers[i], &w);

		for (const char *p = text; *p != '\0'; p++)
			ck_assert_msg(*p == '\n' || (*p >= 0x20 && *p < 0x7f), "byte %02x", (unsigned char)*p);
	}
	ck_assert_str_eq(w.findings.items[0].remedy,
			 "kubectl delete rolebinding -n '$(reboot)' -- $'--a\\033]0;\\'\\\\$(id)\\342\\200\\256'");
	teardown(&w);
}
END_TEST

START_TEST(words_are_quoted_when_a_shell_would_take_them_apart)
{
	static const struct {
		const char *raw, *quoted;
	} cases[] = {
		{"plain-name.1:x/y", "plain-name.1:x/y"},
		{"", "''"},
		{"a b", "'a b'"},
		{"it's", "'it'\\''s'"},
		{"$(x)", "'$(x)'"},
		{"`x`;&|<>*?~!#", "'`x`;&|<>*?~!#'"},
		{"\t", "$'\\011'"},
		{"\x7f"
		 "1",
		 "$'\\1771'"},
		{"\\", "'\\'"},
		{"\\\n", "$'\\\\\\012'"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *quoted = ush_text_word(cases[i].raw);

		ck_assert_str_eq(quoted, cases[i].quoted);
	}
}
END_TEST

START_TEST(json_holds_the_same_and_every_line_of_jsonl_is_a_document)
{
	struct world w = {.in = {.live = true, .minor = 36}};
	USH_AUTO_FREE char *text = NULL, *lines = NULL;
	USH_AUTO_JSON whole = NULL;
	USH_AUTO_JSON first = NULL;
	USH_AUTO_JSON last = NULL;
	const json_t *finding;

	setup(&w, DASHBOARD);
	text = print(as_json, &w);
	lines = print(as_lines, &w);
	whole = json_loads(text, 0, NULL);
	finding = json_array_get(ush_json_array(whole, "findings"), 0);
	ck_assert_str_eq(ush_json_string(finding, "id"), "AU080");
	ck_assert_str_eq(ush_json_string(finding, "severity"), "critical");
	ck_assert_str_eq(ush_json_string(finding, "remedy"), "kubectl delete clusterrolebinding kubernetes-dashboard");
	ck_assert_str_eq(ush_json_string(ush_json_object(finding, "object"), "name"), "kubernetes-dashboard");
	ck_assert(json_is_true(json_object_get(ush_json_object(whole, "summary"), "complete")));
	ck_assert_int_eq(json_integer_value(json_object_get(ush_json_object(whole, "summary"), "critical")), 1);
	first = json_loads(lines, JSON_DISABLE_EOF_CHECK, NULL);
	ck_assert(json_equal(first, finding));
	last = json_loads(strchr(lines, '\n') + 1, 0, NULL);
	ck_assert(json_equal(ush_json_object(last, "summary"), ush_json_object(whole, "summary")));
	teardown(&w);
}
END_TEST

#define EXTRA_SUBJECT                                                                                                  \
	"{\"apiVersion\":\"rbac.authorization.k8s.io/"                                                                 \
	"v1\",\"kind\":\"ClusterRoleBinding\",\"metadata\":{\"name\":\"cluster-admin\"},"                              \
	"\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"cluster-admin\"},"                                           \
	"\"subjects\":[{\"kind\":\"Group\",\"name\":\"devs\"},{\"kind\":\"Group\",\"name\":\"system:masters\"},{"      \
	"\"kind\":\"User\",\"name\":\"bob\"}]}"

/* A default binding is never deleted: what was added is taken out, last first, each only if it is still there. */
START_TEST(the_remedy_keeps_the_default_and_takes_out_what_was_added)
{
	struct world w = {.in = {.live = true, .minor = 36}};

	setup(&w, EXTRA_SUBJECT);
	ck_assert_uint_eq(w.findings.count, 1);
	ck_assert_str_eq(w.findings.items[0].remedy,
			 "kubectl patch clusterrolebinding --type=json -p "
			 "'[{\"op\":\"test\",\"path\":\"/subjects/2/name\",\"value\":\"bob\"},"
			 "{\"op\":\"remove\",\"path\":\"/subjects/2\"},{\"op\":\"test\",\"path\":\"/subjects/0/"
			 "name\",\"value\":\"devs\"},"
			 "{\"op\":\"remove\",\"path\":\"/subjects/0\"}]' cluster-admin");
	ck_assert_ptr_nonnull(strstr(w.findings.items[0].why, "somebody added to its subjects: Group devs, User bob."));
	teardown(&w);
}
END_TEST

#define EXTRA_VERB                                                                                                     \
	"{\"apiVersion\":\"rbac.authorization.k8s.io/"                                                                 \
	"v1\",\"kind\":\"ClusterRole\",\"metadata\":{\"name\":\"system:kube-dns\"},"                                   \
	"\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"endpoints\",\"services\"],\"verbs\":[\"list\",\"watch\","   \
	"\"delete\"]}]}"

START_TEST(the_remedy_puts_back_what_was_default_in_a_changed_rule)
{
	struct world w = {.in = {.live = true, .minor = 36}};

	setup(&w, EXTRA_VERB);
	ck_assert_uint_eq(w.findings.count, 1);
	ck_assert_ptr_nonnull(
		strstr(w.findings.items[0].remedy,
		       "{\"op\":\"remove\",\"path\":\"/rules/0\"},{\"op\":\"add\",\"path\":\"/rules/-\","));
	teardown(&w);
}
END_TEST

TAP_MAIN("report", the_text_says_who_why_and_the_command,
	 the_last_line_tells_what_was_not_read_and_which_table_was_used, hostile_names_reach_no_terminal,
	 words_are_quoted_when_a_shell_would_take_them_apart, json_holds_the_same_and_every_line_of_jsonl_is_a_document,
	 the_remedy_keeps_the_default_and_takes_out_what_was_added,
	 the_remedy_puts_back_what_was_default_in_a_changed_rule)
