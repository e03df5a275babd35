/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "broker/policy/naming.h"
#include "broker/source/source.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/fake_kube.h"

static char folder[160];
static struct ush_groups groups;
static struct ush_error err;

/* Puts text into a file of that name and reads it as a source. */
static void read_text(const char *name, const char *text, size_t length)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, name);
	struct ush_policy_source source = {.name = ush_strdup("main"), .kind = ush_source_kind("file")};
	struct ush_source_question question = {.source = &source, .all_members = true};
	struct fake_kube *fake = fake_kube_new();

	ush_source_set(&source, "path", path);
	ush_groups_free(&groups);
	memset(&err, 0, sizeof err);
	if (text != NULL)
		ck_assert_int_eq(ush_file_write(path, text, length, 0600, &err), 0);
	ck_assert_int_eq(ush_source_read(&fake->world, &question, &groups, &err), 0);
	ush_policy_source_free(&source);
	unlink(path);
	fake_kube_free(fake);
}

static void in_folder(void)
{
	snprintf(folder, sizeof folder, "%s", tap_folder());
}

static void expect_incomplete(const char *name, const char *text, const char *why)
{
	read_text(name, text, strlen(text));
	ck_assert_msg(!groups.complete, "complete: %s", text);
	ck_assert_msg(strstr(groups.why, why) != NULL, "\"%s\" lacks \"%s\"", groups.why, why);
}

static const char json[] = "{\"groups\": [{\"name\": \"devs\", \"id\": \"7f1c\", \"members\": [\"dave\", \"carol\", \"carol\"]},\n"
			   " {\"path\": \"/platform/admins\"}], \"count\": 2}\n";
static const char csv[] = "group,id,member\ndevs,7f1c,dave\ndevs,7f1c,carol\n\"red,\"\"blue\",9,\n#rows,3\n";

START_TEST(json_is_read)
{
	in_folder();
	read_text("g.json", json, strlen(json));
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_uint_eq(groups.count, 2);
	ck_assert_str_eq(groups.items[0].path, "/devs");
	ck_assert_str_eq(groups.items[0].id, "7f1c");
	ck_assert_uint_eq(groups.items[0].members.count, 2);
	ck_assert_str_eq(groups.items[0].members.items[0], "carol");
	ck_assert_str_eq(groups.items[1].name, "admins");
	ck_assert_str_eq(groups.items[1].id, "/platform/admins");
	ck_assert(!groups.items[1].members_known);
	ck_assert_uint_eq(groups.people, 2);
	ush_groups_free(&groups);
}
END_TEST

START_TEST(yaml_is_read_by_the_same_door)
{
	static const char text[] = "groups:\n- name: devs\n  members: [carol]\ncount: 1\n";

	in_folder();
	read_text("g.yaml", text, strlen(text));
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_str_eq(groups.items[0].members.items[0], "carol");
	ush_groups_free(&groups);
}
END_TEST

START_TEST(csv_is_read)
{
	in_folder();
	read_text("g.csv", csv, strlen(csv));
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_uint_eq(groups.count, 2);
	ck_assert_str_eq(groups.items[1].name, "red,\"blue");
	ck_assert_uint_eq(groups.items[1].members.count, 0);
	ck_assert_uint_eq(groups.items[0].members.count, 2);
	ush_groups_free(&groups);
}
END_TEST

/* BC22: a file cut off anywhere is seen to be cut off. */
START_TEST(half_a_file_is_incomplete_wherever_it_ends)
{
	in_folder();
	for (size_t i = 0; i < strlen(json) - 1; i++) { /* the newline at the end may go */
		read_text("g.json", json, i);
		ck_assert_msg(!groups.complete, "complete at %zu", i);
	}
	for (size_t i = 0; i < strlen(csv); i++) {
		read_text("g.csv", csv, i);
		ck_assert_msg(!groups.complete, "complete at %zu", i);
	}
	ush_groups_free(&groups);
}
END_TEST

/* BC22 */
START_TEST(an_empty_or_missing_file_is_incomplete_not_zero_groups)
{
	in_folder();
	expect_incomplete("g.json", "", "is empty");
	expect_incomplete("g.csv", "", "is empty");
	read_text("g.json", NULL, 0);
	ck_assert(!groups.complete);
	ck_assert_ptr_nonnull(strstr(groups.why, "No such file"));
	ush_groups_free(&groups);
}
END_TEST

/* BC05 */
START_TEST(a_count_that_does_not_fit_is_incomplete)
{
	in_folder();
	expect_incomplete("g.json", "{\"groups\": [{\"name\": \"a\"}]}", "count is missing");
	expect_incomplete("g.json", "{\"groups\": [{\"name\": \"a\"}], \"count\": 2}", "says it holds 2 groups and holds 1");
	expect_incomplete("g.json", "{\"groups\": [], \"count\": \"x\"}", "expected a number");
	expect_incomplete("g.csv", "group,member\na,b\n#rows,2\n", "the trailer says 2 rows, 1 stand before it");
	expect_incomplete("g.csv", "group,member\na,b\n#rows,1\nc,d\n", "more behind the trailer");
	expect_incomplete("g.csv", "group,member\na,b\n", "the trailer \"#rows,N\" is missing");
	ush_groups_free(&groups);
}
END_TEST

START_TEST(a_checksum_is_held_when_it_is_given)
{
	/* printf '[{"name":"a"}]' | sha256sum */
	static const char right[] = "{\"groups\": [{\"name\": \"a\"}], \"count\": 1, \"sha256\": \"d434bc384a9f8eba930c115a06b09769bc5577707f70656ff5f7f47445a8fbbf\"}";

	in_folder();
	read_text("g.json", right, strlen(right));
	ck_assert_msg(groups.complete, "%s", groups.why);
	expect_incomplete("g.json", "{\"groups\": [{\"name\": \"b\"}], \"count\": 1, \"sha256\": \"00\"}", "sha256 is not that of the groups");
	ush_groups_free(&groups);
}
END_TEST

START_TEST(malformed_groups_are_told_with_their_place)
{
	in_folder();
	expect_incomplete("g.json", "{\"groups\": [7], \"count\": 1}", "g.json:1:13: expected a group, found number");
	expect_incomplete("g.json", "{\"groups\": [{\"id\": \"x\"}], \"count\": 1}", "neither name nor path");
	expect_incomplete("g.json", "{\"groups\": [{\"name\": \"a\", \"members\": [1]}], \"count\": 1}", "members: expected a name");
	expect_incomplete("g.json", "{\"groups\": [{\"name\": \"a\", \"members\": \"x\"}], \"count\": 1}", "members: expected a list");
	expect_incomplete("g.json", "{\"groups\": [{\"path\": \"/a/\"}], \"count\": 1}", "no path of a group");
	expect_incomplete("g.json", "{\"groups\": [{\"name\": \"a\"}, {\"name\": \"a\"}], \"count\": 2}", "two groups have one id");
	expect_incomplete("g.json", "{\"groups\": {}, \"count\": 0}", "groups: expected a list");
	expect_incomplete("g.csv", "name,member\n", "expected the header");
	expect_incomplete("g.csv", "group,id,member\na,1,x\nb,1,y\n#rows,2\n", "g.csv:3: is no row");
	expect_incomplete("g.csv", "group,member\n\"a,b\n#rows,1\n", "g.csv:2: the line is cut off or malformed");
	ush_groups_free(&groups);
}
END_TEST

START_TEST(equal_lists_have_equal_digests)
{
	static const char one[] = "{\"groups\": [{\"name\": \"a\", \"members\": [\"x\", \"y\"]}, {\"name\": \"b\"}], \"count\": 2}";
	static const char two[] = "{\"groups\": [{\"name\": \"b\"}, {\"name\": \"a\", \"members\": [\"y\", \"x\"]}], \"count\": 2}";
	static const char other[] = "{\"groups\": [{\"name\": \"b\"}, {\"name\": \"a\", \"members\": [\"y\"]}], \"count\": 2}";
	char digest[65];

	in_folder();
	read_text("g.json", one, strlen(one));
	memcpy(digest, groups.digest, sizeof digest);
	read_text("g.json", two, strlen(two));
	ck_assert_str_eq(groups.digest, digest);
	read_text("g.json", other, strlen(other));
	ck_assert_str_ne(groups.digest, digest);
	ush_groups_free(&groups);
}
END_TEST

/* Where a group ends is found by JSON's rules; what is JSON only by YAML's is read as YAML, and means the same as ever. */
START_TEST(groups_in_a_comment_are_none)
{
	static const char right[] = "{\"count\": 1, # \"groups\": [{\"name\": \"former-admins\"}],\n \"groups\": [{\"name\": 'a}'}]}";

	in_folder();
	expect_incomplete("g.json", "{\"count\": 1, # \"groups\": [{\"name\": \"former-admins\"}],\n \"groups\": []}", "holds 1 groups and holds 0");
	expect_incomplete("g.json", "{\"count\": 1, # \"groups\": [{\"name\": \"former-admins\"}],\n \"groups\": null}", "expected a list, found null");
	expect_incomplete("g.json", "{\"count\": 1, # \"groups\": [{\"name\": \"former-admins\"}]\n}", "expected a list, found nothing");
	expect_incomplete("g.json", "{\"count\": 1, x\"groups\": [{\"name\": \"a\"}]}", "groups: expected a list, found nothing");
	read_text("g.json", right, strlen(right));
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_uint_eq(groups.count, 1);
	ck_assert_str_eq(groups.items[0].name, "a}");
	ush_groups_free(&groups);
}
END_TEST

/* Spreadsheets and PowerShell put U+FEFF in front of UTF-8. */
START_TEST(a_mark_in_front_of_a_file_is_no_part_of_it)
{
	static const char *const files[][2] = {
		{"g.json", "\xef\xbb\xbf{\"groups\": [{\"name\": \"devs\\ud83d\\ude00\"}], \"count\": 1}"},
		{"g.yaml", "\xef\xbb\xbfgroups: [{name: devs}]\ncount: 1\n"},
		{"g.csv", "\xef\xbb\xbfgroup,member\r\ndevs,carol\r\n#rows,1\r\n"},
	};

	in_folder();
	for (size_t i = 0; i < USH_COUNT(files); i++) {
		read_text(files[i][0], files[i][1], strlen(files[i][1]));
		ck_assert_msg(groups.complete, "%s: %s", files[i][0], groups.why);
		ck_assert_uint_eq(groups.count, 1);
		ck_assert_int_eq(strncmp(groups.items[0].path, "/devs", 5), 0);
	}
	ush_groups_free(&groups);
}
END_TEST

/* No bytes make a reader crash, and a file that is believed has a proof. */
START_TEST(a_spoilt_file_is_incomplete_or_a_list)
{
	static const char *const files[][2] = {{"g.json", json}, {"g.csv", csv}};
	unsigned int random = 7;

	in_folder();
	for (int round = 0; round < 1000; round++) {
		USH_AUTO_FREE char *text = ush_strdup(files[round % 2][1]);
		size_t length = strlen(text);

		for (int i = 0; i < 3; i++) {
			random = random * 1103515245 + 12345;
			text[(random >> 8) % length] = "{}[]:,'\"-a0\n \t#,\"\r\x01\xff"[random % 20];
		}
		read_text(files[round % 2][0], text, length);
		ck_assert(groups.complete ? groups.proof != NULL : groups.why != NULL);
	}
	ush_groups_free(&groups);
}
END_TEST

/* ---- large files ---- */

#define LARGE 24 /* MiB: more than a tree is made of */

/* Groups of a hundred people, up to that size. */
static void add_groups(struct ush_buf *text, size_t size, size_t *count, const char *begin, const char *between, const char *each, const char *end)
{
	for (*count = 0; text->length < size; ++*count) {
		ush_buf_printf(text, "%s%s%zu%s", *count > 0 ? between : "", begin, *count, each);
		for (int i = 0; i < 100; i++)
			ush_buf_printf(text, "%s\"person-%06zu@engineering.example.com\"", i > 0 ? ", " : "", (*count * 37 + (size_t)i * 11) % 20000);
		ush_buf_puts(text, end);
	}
}

static long peak_kib(void)
{
	struct rusage used;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &used), 0);
	return used.ru_maxrss;
}

/* 4,300 groups of a hundred people each: what they take is their text and their names, not eleven times that. */
START_TEST(a_large_file_of_json_takes_little_more_than_its_size)
{
	USH_AUTO_BUF text = {0};
	size_t count;
	long before;

	in_folder();
	ush_buf_puts(&text, "{\"groups\": [\n");
	add_groups(&text, LARGE << 20, &count, "{\"name\": \"team-", ",\n", "\", \"members\": [", "]}");
	ush_buf_printf(&text, "\n], \"count\": %zu}\n", count);
	before = peak_kib();
	read_text("g.json", text.data, text.length);
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_uint_eq(groups.count, count);
	ck_assert_uint_eq(groups.items[count - 1].members.count, 100);
#if !defined(__SANITIZE_ADDRESS__) && !defined(USH_TEST_VALGRIND)
	ck_assert_msg(peak_kib() - before < LARGE * 1024 * 5 / 2, "%ld KiB", peak_kib() - before);
#endif
	(void)before;
	ush_groups_free(&groups);
}
END_TEST

/* What is wrong in it is told with its line, and nothing is believed. */
START_TEST(a_large_file_that_is_spoilt_is_incomplete)
{
	static const struct {
		const char *begin, *end, *why;
	} spoilt[] = {
		{"", ", \"count\": 1}", "and holds "},
		{"{\"name\": \"a\"},\n{\"name\": 7},\n", ", \"count\": 1}", "g.json:3:10: expected a string for name"},
		{"{\"name\": \"a\"},\n{\"name\": \"b\", \"members\": [\"x\" \"y\"]},\n", ", \"count\": 1}", "g.json:3: the group that begins there:1:"},
		{"", ", \"groups\": [], \"count\": 1}", "beside its groups:1:"},
		{"", ", \"sha256\": 7}", "count is missing"},
		{"", "", "ends in the middle"},
		{"", ", \"count\": 1}}", "something stands behind it"},
	};

	in_folder();
	for (size_t i = 0; i < USH_COUNT(spoilt); i++) {
		USH_AUTO_BUF text = {0};
		size_t count;

		ush_buf_printf(&text, "{\"groups\": [\n%s", spoilt[i].begin);
		add_groups(&text, 9 << 20, &count, "{\"name\": \"team-", ",\n", "\", \"members\": [", "]}");
		ush_buf_printf(&text, "]%s", spoilt[i].end);
		expect_incomplete("g.json", text.data, spoilt[i].why);
	}
	ush_groups_free(&groups);
}
END_TEST

START_TEST(the_checksum_of_a_large_file_is_held)
{
	static const char *const sums[] = {NULL, "0000000000000000000000000000000000000000000000000000000000000000"};
	USH_AUTO_BUF list = {0};
	size_t count;
	char hex[65];

	in_folder();
	ush_buf_puts(&list, "[");
	add_groups(&list, 9 << 20, &count, "{\"id\":\"", ",", "\",\"members\":[\"x\"],\"name\":\"a\",\"others\":[", "]}");
	ush_buf_puts(&list, "]");
	for (char *at = list.data, *to = list.data; (*to = *at) != '\0'; to += *at++ != ' ') /* compact, as its checksum wants it */
		;
	ush_sha256_hex(list.data, strlen(list.data), hex);
	for (size_t i = 0; i < USH_COUNT(sums); i++) {
		USH_AUTO_FREE char *text = ush_printf("{\"groups\": %s, \"count\": %zu, \"sha256\": \"%s\"}", list.data, count, sums[i] != NULL ? sums[i] : hex);

		read_text("g.json", text, strlen(text));
		ck_assert_msg(groups.complete == (sums[i] == NULL), "%s", groups.why);
		ck_assert(sums[i] == NULL || strstr(groups.why, hex) != NULL);
	}
	ush_groups_free(&groups);
}
END_TEST

START_TEST(what_would_take_much_more_than_its_size_is_refused)
{
	USH_AUTO_BUF yaml = {0};
	USH_AUTO_BUF one = {0};
	size_t count;

	in_folder();
	ush_buf_puts(&yaml, "groups:\n");
	add_groups(&yaml, 9 << 20, &count, "- name: team-", "", "\n  members: [", "]\n");
	ush_buf_printf(&yaml, "count: %zu\n", count);
	expect_incomplete("g.yaml", yaml.data, "g.yaml: more than 8 MiB are read of JSON and CSV alone");
	ck_assert_ptr_nonnull(strstr(groups.advice, "CSV"));
	ush_buf_puts(&one, "{\"groups\": [{\"name\": \"all\", \"members\": [\"x\"");
	while (one.length < 9 << 20)
		ush_buf_printf(&one, ", \"person-%09zu@engineering.example.com\"", one.length);
	ush_buf_puts(&one, "]}], \"count\": 1}");
	expect_incomplete("g.json", one.data, "an item larger than 8 MiB");
	ush_groups_free(&groups);
}
END_TEST

TAP_MAIN("source_file", json_is_read, yaml_is_read_by_the_same_door, csv_is_read, half_a_file_is_incomplete_wherever_it_ends,
	 an_empty_or_missing_file_is_incomplete_not_zero_groups, a_count_that_does_not_fit_is_incomplete, a_checksum_is_held_when_it_is_given,
	 malformed_groups_are_told_with_their_place, equal_lists_have_equal_digests, groups_in_a_comment_are_none,
	 a_mark_in_front_of_a_file_is_no_part_of_it, a_spoilt_file_is_incomplete_or_a_list,
	 a_large_file_of_json_takes_little_more_than_its_size, a_large_file_that_is_spoilt_is_incomplete, the_checksum_of_a_large_file_is_held,
	 what_would_take_much_more_than_its_size_is_refused)
