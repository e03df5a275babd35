/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"
#include "common/kube/manifest.h"

static struct ush_error err;
static const char *room;
static struct ush_buf seen;
static size_t count;

static void begin(void)
{
	room = tap_folder();
	ush_buf_free(&seen);
	ush_error_clear(&err);
}

static void put(const char *name, const char *text, size_t length)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", room, name), *folder = ush_strdup(path);

	*strrchr(folder, '/') = '\0';
	ck_assert_int_eq(ush_file_private_folder(folder, &err), 0);
	ck_assert_int_eq(ush_file_write(path, text, length, 0600, &err), 0);
}

static int note(void *context, json_t *object, const char *origin, struct ush_error *why)
{
	(void)context, (void)why;
	return ush_buf_printf(&seen, "%s %s %s %s\n",
			      strncmp(origin, room, strlen(room)) == 0 ? origin + strlen(room) + 1 : origin,
			      ush_json_string(object, "apiVersion"), ush_json_string(object, "kind"),
			      ush_json_string(json_object_get(object, "metadata"), "name"));
}

static int read_room(const char *name)
{
	USH_AUTO_FREE char *path = ush_printf("%s%s%s", room, name[0] != '\0' ? "/" : "", name);

	memset(&err, 0, sizeof err);
	ush_buf_free(&seen);
	count = 0;
	return ush_manifests_read(path, note, NULL, &count, &err);
}

START_TEST(documents_lists_and_json_come_with_their_lines)
{
	static const char text[] =
		"# a comment\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n---\n# nothing\n---\n"
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n"
		"- apiVersion: rbac.authorization.k8s.io/v1\n  kind: RoleBindingList\n  items:\n  - metadata: {name: "
		"c}\n";
	static const char json[] = "\xef\xbb\xbf{\"apiVersion\":\"v1\",\n\"kind\":\"ConfigMapList\",\"items\":[\n{"
				   "\"metadata\":{\"name\":\"d\"}}]}";

	begin();
	put("x.yaml", text, strlen(text));
	put("y.json", json, strlen(json));
	ck_assert_msg(read_room("") == 0, "%s", err.what);
	ck_assert_uint_eq(count, 4);
	ck_assert_str_eq(seen.data, "x.yaml:3 v1 Namespace a\nx.yaml:13 v1 ConfigMap b\nx.yaml:19 "
				    "rbac.authorization.k8s.io/v1 RoleBinding c\n"
				    "y.json:3 v1 ConfigMap d\n");
}
END_TEST

static void put_object(const char *name)
{
	USH_AUTO_FREE char *text = ush_printf("{apiVersion: v1, kind: ConfigMap, metadata: {name: \"%s\"}}\n", name);

	put(name, text, strlen(text));
}

static void link_to(const char *target, const char *name)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", room, name);

	ck_assert_int_eq(symlink(target, path), 0);
}

START_TEST(a_folder_is_read_in_byte_order_without_linked_folders_and_dot_files)
{
	static const char *const names[] = {"b.yaml",      "B.yml",         "a/z.json", "a.yaml",   "README.md",
					    ".git/x.yaml", "..data/y.yaml", "b/1.yaml", "b/10.yaml"};

	begin();
	for (size_t i = 0; i < USH_COUNT(names); i++)
		put_object(names[i]);
	link_to(".", "c");
	link_to("a", "d.yaml");
	link_to("a.yaml", "link.yaml");
	ck_assert_msg(read_room("") == 0, "%s", err.what);
	ck_assert_str_eq(
		seen.data,
		"B.yml:1 v1 ConfigMap B.yml\na/z.json:1 v1 ConfigMap a/z.json\na.yaml:1 v1 ConfigMap a.yaml\n"
		"b/1.yaml:1 v1 ConfigMap b/1.yaml\nb/10.yaml:1 v1 ConfigMap b/10.yaml\nb.yaml:1 v1 ConfigMap b.yaml\n"
		"link.yaml:1 v1 ConfigMap a.yaml\n");
	ck_assert_uint_eq(count, 7);
}
END_TEST

START_TEST(stdin_is_read_as_one_file)
{
	static const char text[] = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n";
	int ends[2];

	begin();
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	ck_assert_int_eq(dup2(ends[0], 0), 0);
	ck_assert_msg(ush_manifests_read("-", note, NULL, &count, &err) == 0, "%s", err.what);
	ck_assert_str_eq(seen.data, "stdin:1 v1 ConfigMap x\n");
}
END_TEST

START_TEST(what_cannot_be_read_is_never_nothing_there)
{
	static const struct {
		const char *text, *what;
		size_t length; /* 0: of the text */
	} cases[] = {
		{"a: 1\n", "x.yaml:1:1: is no Kubernetes object: kind is missing", 0},
		{"---\n\n\nkind: Role\n", "x.yaml:4:1: is no Kubernetes object: apiVersion is missing", 0},
		{"apiVersion: v1\nkind: 7\n", "kind is missing", 0},
		{"just words\n", "x.yaml:1:1: is no Kubernetes object: it is not a map", 0},
		{"[]", "it is not a map", 0},
		{"{apiVersion: v1, kind: List, items: [{kind: Role}]}",
		 "x.yaml:1:38: is no Kubernetes object: apiVersion is missing", 0},
		{"{apiVersion: v1, kind: List, items: {}}", "items: expected a list, found a map", 0},
		{"{apiVersion: v1, kind: RoleList, items: [7]}", "it is not a map", 0},
		{"apiVersion: v1\nkind: [\n", "x.yaml:3:1", 0},
		{"{\"apiVersion\":\"v1\",\"kind\":\"Role\",\"kind\":\"Role\"}", "stands twice", 0},
		{"a: b\nc: \x7f\xff\xfe", "x.yaml:2: byte 10 is no text", 0},
		{"\x7f"
		 "ELF\x02\x01\x01\0\0",
		 "x.yaml:1: byte 5 is no text", 9},
		{"apiVersion: v1\n\0kind: Role\n", "x.yaml:2: byte 16 is no text", 26},
		{"\xff\xfe"
		 "a\0",
		 "x.yaml:1: byte 1 is no text", 4},
		{"a: &a [*a]\n", "alias", 0},
	};

	begin();
	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		put("x.yaml", cases[i].text, cases[i].length != 0 ? cases[i].length : strlen(cases[i].text));
		ck_assert_msg(read_room("") == -1, "%s", cases[i].text);
		ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
		ck_assert_msg(strstr(err.what, cases[i].what) != NULL, "\"%s\" lacks \"%s\"", err.what, cases[i].what);
	}
}
END_TEST

START_TEST(links_to_nothing_and_devices_are_incomplete)
{
	USH_AUTO_FREE char *fifo = NULL;

	begin();
	put("one/README", "", 0);
	put("two/README", "", 0);
	put("three/README", "", 0);
	link_to("nowhere.yaml", "one/x.yaml");
	ck_assert_int_eq(read_room("one"), -1);
	ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
	ck_assert_msg(strstr(err.what, "x.yaml: is a link to nothing") != NULL, "%s", err.what);
	link_to("/dev/zero", "two/x.yaml");
	ck_assert_int_eq(read_room("two"), -1);
	ck_assert_msg(strstr(err.what, "is not a regular file") != NULL, "%s", err.what);
	fifo = ush_printf("%s/three/x.json", room);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(read_room("three"), -1);
	ck_assert_msg(strstr(err.what, "is not a regular file") != NULL, "%s", err.what);
	ck_assert_int_eq(read_room("missing"), -1);
	ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
}
END_TEST

START_TEST(an_empty_folder_and_an_empty_file_hold_nothing)
{
	begin();
	ck_assert_int_eq(read_room(""), 0);
	ck_assert_uint_eq(count, 0);
	put("x.yaml", "", 0);
	put("y.yaml", "# only words\n---\n", 17);
	put("z.yaml", "{apiVersion: v1, kind: RoleList, items: null}", 45);
	ck_assert_msg(read_room("") == 0, "%s", err.what);
	ck_assert_uint_eq(count, 0);
}
END_TEST

static int refuse(void *context, json_t *object, const char *origin, struct ush_error *why)
{
	(void)context, (void)object;
	return ush_fail(why, USH_ERR_REFUSED, "%s", strrchr(origin, '/') + 1);
}

START_TEST(the_receiver_can_stop)
{
	begin();
	put_object("a.yaml");
	put_object("b.yaml");
	ck_assert_int_eq(ush_manifests_read(room, refuse, NULL, &count, &err), -1);
	ck_assert_str_eq(err.what, "a.yaml:1");
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
}
END_TEST

TAP_MAIN("manifest", documents_lists_and_json_come_with_their_lines,
	 a_folder_is_read_in_byte_order_without_linked_folders_and_dot_files, stdin_is_read_as_one_file,
	 what_cannot_be_read_is_never_nothing_there, links_to_nothing_and_devices_are_incomplete,
	 an_empty_folder_and_an_empty_file_hold_nothing, the_receiver_can_stop)
