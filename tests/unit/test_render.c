/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/sync/apply/render.h"
#include "broker/sync/look/observe.h"
#include "broker/sync/state/store.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"
#include "tests/support/sync_case.h"

#define POLICY CASE_HEAD "grants:\n- {group: a, role: reader, namespaces: [x, z]}\n- {group: b, role: edit, namespaces: [x]}\n"

static char folder[160];
static struct sync_case *c;
static struct ush_error err;

static void begin(const char *policy)
{
	snprintf(folder, sizeof folder, "%s/out", tap_folder());
	c = sync_case_new(policy);
	sync_case_groups(c, 0, "1 /a p;2 /b q");
	memset(&err, 0, sizeof err);
}

static void end(void)
{
	sync_case_free(c);
}

static void render(size_t written, size_t unchanged, size_t removed)
{
	USH_AUTO_PLAN plan = sync_case_plan(c);
	USH_AUTO_RENDERED rendered = {0};

	ck_assert_msg(ush_render(folder, plan, &rendered, &err) == 0, "%s", err.what);
	ck_assert_uint_eq(rendered.written, written);
	ck_assert_uint_eq(rendered.unchanged, unchanged);
	ck_assert_uint_eq(rendered.removed, removed);
}

static char *content(const char *name)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, name);
	struct ush_buf text = {0};

	ck_assert_msg(ush_file_read(path, USH_FILE_ANY, USH_ERR_STORE, &text, NULL, &err) == 0, "%s", err.what);
	return ush_buf_take(&text);
}

START_TEST(a_namespace_is_a_file_and_the_same_objects_are_the_same_bytes)
{
	USH_AUTO_FREE char *first = NULL, *second = NULL;

	begin(POLICY);
	render(2, 0, 0);
	first = content("x.yaml");
	ck_assert_int_eq(strncmp(first, "# usher-broker render, policy default: do not edit", 50), 0);
	sync_case_groups(c, 0, "2 /b q;1 /a p");
	render(0, 2, 0);
	second = content("x.yaml");
	ck_assert_str_eq(first, second);
	end();
}
END_TEST

START_TEST(a_file_that_would_not_change_is_not_touched)
{
	USH_AUTO_FREE char *path = NULL;
	struct stat before, after;

	begin(POLICY);
	render(2, 0, 0);
	path = ush_printf("%s/z.yaml", folder);
	ck_assert_int_eq(stat(path, &before), 0);
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: a, role: reader, namespaces: [x, z]}\n");
	render(1, 1, 0);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	end();
}
END_TEST

START_TEST(a_file_that_nothing_is_in_any_more_goes)
{
	USH_AUTO_FREE char *path = NULL;

	begin(POLICY);
	render(2, 0, 0);
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: b, role: edit, namespaces: [x]}\n");
	render(1, 0, 1);
	path = ush_printf("%s/z.yaml", folder);
	ck_assert_int_ne(access(path, F_OK), 0);
	end();
}
END_TEST

START_TEST(what_a_killed_run_left_goes_and_what_looks_like_it_stays)
{
	static const struct {
		const char *name, *text;
		bool young, goes;
	} files[] = {
		{"x.yaml.aB3dEf", "# usher-bro", false, true},
		{"x.yaml.Q0dEfg", "# usher-broker render, policy default: do not edit, the next run writes it anew\n---\n", false, true},
		{"z.yaml.000000", "", false, true},
		{"x.yaml.aB3dEg", "# usher-bro", true, false},
		{"x.yaml.backup", "# usher-broker render, policy default: do not edit, the next run writes it anew\n", false, false},
		{"x.yaml.AAAAAA", "theirs", false, false},
		{"x.json.AAAAAB", "", false, false},
	};

	begin(POLICY);
	render(2, 0, 0);
	for (size_t i = 0; i < USH_COUNT(files); i++) {
		USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, files[i].name);

		ck_assert_int_eq(ush_file_write(path, files[i].text, strlen(files[i].text), 0644, &err), 0);
		if (!files[i].young)
			ck_assert_int_eq(utimensat(AT_FDCWD, path, (const struct timespec[2]){{1, 0}, {1, 0}}, 0), 0);
	}
	render(0, 2, 3);
	for (size_t i = 0; i < USH_COUNT(files); i++) {
		USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, files[i].name);

		ck_assert_msg((access(path, F_OK) != 0) == files[i].goes, "%s", files[i].name);
	}
	end();
}
END_TEST

/* B5 */
START_TEST(a_file_that_we_did_not_write_is_left_alone)
{
	USH_AUTO_FREE char *mine = NULL, *other = NULL, *now = NULL;
	USH_AUTO_PLAN plan = NULL;
	USH_AUTO_RENDERED rendered = {0};

	begin(POLICY);
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	mine = ush_printf("%s/x.yaml", folder);
	other = ush_printf("%s/kustomization.yaml", folder);
	ck_assert_int_eq(ush_file_write(mine, "mine\n", 5, 0644, &err), 0);
	ck_assert_int_eq(ush_file_write(other, "theirs\n", 7, 0644, &err), 0);
	plan = sync_case_plan(c);
	ck_assert_int_eq(ush_render(folder, plan, &rendered, &err), 0);
	ck_assert_uint_eq(rendered.foreign.count, 1);
	ck_assert_str_eq(rendered.foreign.items[0], mine);
	now = content("x.yaml");
	ck_assert_str_eq(now, "mine\n");
	ck_assert_int_eq(access(other, F_OK), 0);
	end();
}
END_TEST

/* B10, T56: whatever a group is called, every reader reads the name that was meant. */
START_TEST(hostile_names_read_back_as_they_were_meant)
{
	static const char *const names[] = {
		"y", "n", "yes", "no", "on", "null", "~", "true", "1", "1.0", "0x1f", "1e3", "-", "- a", "a: b", "a #b", "#a", "'", "\"", "\\", "{a}", "[a]", "&a", "*a",
		"!a", "|", ">", "%a", "@a", "`a", " a ", "a\tb", "2026-01-01", "12:30", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x90\xb3", "\xc2\x85", "\xe2\x80\xa8", "<<", "=", "?",
	};

	for (size_t i = 0; i < USH_COUNT(names); i++) {
		USH_AUTO_FREE char *group = ush_printf("oidc:%s", names[i]), *text = NULL;
		USH_AUTO_JSON object = json_pack("{s:s, s:s, s:{s:s, s:s}, s:[{s:s, s:s}, {s:s, s:s}]}", "apiVersion", "rbac.authorization.k8s.io/v1", "kind",
						 "RoleBinding", "metadata", "name", "a", "namespace", "n", "subjects", "kind", "Group", "name", group, "kind",
						 "Group", "name", names[i]);
		struct ush_node **documents = NULL;
		size_t count;

		ck_assert_ptr_nonnull(object);
		memset(&err, 0, sizeof err);
		text = ush_render_text("default", &object, 1, &err);
		ck_assert_msg(text != NULL, "%s: %s", names[i], err.what);
		ck_assert_int_eq(ush_yaml_read(text, strlen(text), "t", USH_ERR_STORE, &documents, &count, &err), 0);
		{
			USH_AUTO_JSON again = ush_yaml_to_json(documents[0]);

			ck_assert(json_equal(again, object));
		}
		ush_yaml_free_all(documents, count);
	}
}
END_TEST

/* B14 */
START_TEST(nothing_cluster_wide_can_be_rendered)
{
	static const char *const objects[] = {
		"{\"kind\":\"ClusterRoleBinding\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"}}",
		"{\"kind\":\"ClusterRole\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"}}",
		"{\"kind\":\"RoleBinding\",\"metadata\":{\"name\":\"a\",\"namespace\":\"\"}}",
		"{\"kind\":\"Secret\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"}}",
	};

	for (size_t i = 0; i < USH_COUNT(objects); i++) {
		USH_AUTO_JSON object = json_loads(objects[i], 0, NULL);

		memset(&err, 0, sizeof err);
		ck_assert_ptr_null(ush_render_text("default", &object, 1, &err));
		ck_assert_ptr_nonnull(strstr(err.what, "refusing to write"));
	}
}
END_TEST

/* BC10 for a folder: state and tombstones are kept beside the manifests. */
START_TEST(a_folder_has_its_own_tombstones)
{
	USH_AUTO_PLAN plan = NULL;
	USH_AUTO_STATE state = {0};

	begin(POLICY);
	ush_plan_free(sync_case_run(c));
	sync_case_groups(c, 0, "2 /b q");
	render(2, 0, 0);
	ck_assert_msg(ush_state_load_file(&state, folder, "default", &err) == 0, "%s", err.what);
	ck_assert_uint_eq(state.count, 1);
	ck_assert_str_eq(state.items[0].group, "a");
	end();
}
END_TEST

/* What was rendered is what is read: the next plan against the folder is empty. */
START_TEST(a_rendered_folder_is_as_desired)
{
	USH_AUTO_OBSERVED observed = {0};
	USH_AUTO_PLAN plan = ush_new(struct ush_plan);
	struct ush_reconcile input;

	begin(POLICY);
	render(2, 0, 0);
	ush_observed_begin(&observed, c->desired, c->groups, folder, false);
	ck_assert_msg(ush_observe_folder(&observed, folder, &err) == 0, "%s", err.what);
	ck_assert_uint_eq(observed.bindings_ours, 3);
	input = (struct ush_reconcile){.desired = c->desired, .groups = c->groups, .observed = &observed, .state = &c->state, .now = c->now};
	ush_reconcile(&input, plan);
	ck_assert(!ush_plan_writes(plan));
	ck_assert_uint_eq(plan->change_count, 0);
	end();
}
END_TEST

TAP_MAIN("render", a_namespace_is_a_file_and_the_same_objects_are_the_same_bytes, a_file_that_would_not_change_is_not_touched,
	 a_file_that_nothing_is_in_any_more_goes, what_a_killed_run_left_goes_and_what_looks_like_it_stays,
	 a_file_that_we_did_not_write_is_left_alone, hostile_names_read_back_as_they_were_meant,
	 nothing_cluster_wide_can_be_rendered, a_folder_has_its_own_tombstones, a_rendered_folder_is_as_desired)
