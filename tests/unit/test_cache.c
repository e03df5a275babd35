/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/front/asked.h"
#include "plugin/front/record.h"

/* Each test has a folder of its own for everything, and an identity that no profile of anybody has. */
static char folder[160], path[PATH_MAX], identity[128];
static char text[] = "usher-record-1 1000 60 tok https://k8s.example.com\n";
static char out[USH_RECORD_MAX];

static void make(const char *name, const char *content, mode_t mode)
{
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	fchmod(fd, mode);
	close(fd);
}

static void begin(void)
{
	static unsigned int number;

	snprintf(folder, sizeof folder, "%s", tap_folder());
	setenv("XDG_RUNTIME_DIR", folder, 1);
	snprintf(identity, sizeof identity, "usher:test-%ld-%u", (long)getpid(), number++);
}

static void end(void)
{
	ush_cache_drop(identity);
}

static const struct ush_cache_place *place(const char *name)
{
	const struct ush_cache_place *p = ush_cache_places;

	while (p->name != NULL && strcmp(p->name, name) != 0)
		p++;
	ck_assert_ptr_nonnull(p->name);
	return p;
}

/* Sandboxes forbid keyctl; then this place has nothing to test but that it says so. */
static bool kernel_works(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1) >= 0;
}

static void keeps(const struct ush_cache_place *p)
{
	static const char other[] = "usher-record-1 2000 60 tik https://k8s.example.com\n";

	ck_assert_int_eq(p->load(identity, out, sizeof out), -1);
	ck_assert_int_eq(p->update(identity, text, strlen(text), 60), -1); /* nothing is there to write over */
	ck_assert_int_eq(p->load(identity, out, sizeof out), -1);
	ck_assert_int_eq(p->save(identity, text, strlen(text), 60), 0);
	ck_assert_int_eq(p->load(identity, out, sizeof out), (long)strlen(text));
	ck_assert_int_eq(memcmp(out, text, strlen(text)), 0);
	ck_assert_int_eq(p->load(identity, out, 5), -1); /* what does not fit is a miss, not a part */
	ck_assert_int_eq(p->update(identity, other, strlen(other), 60), 0);
	ck_assert_int_eq(p->load(identity, out, sizeof out), (long)strlen(other));
	ck_assert_int_eq(memcmp(out, other, strlen(other)), 0);
	ck_assert_int_eq(p->save(identity, text, strlen(text), 60), 0);
	ck_assert_int_eq(p->save(identity, other, strlen(other), 60), 0);
	ck_assert_int_eq(p->load(identity, out, sizeof out), (long)strlen(other));
	ck_assert_int_eq(memcmp(out, other, strlen(other)), 0);
	p->drop(identity);
	ck_assert_int_eq(p->load(identity, out, sizeof out), -1);
	p->drop(identity);
}

START_TEST(the_kernel_keeps_replaces_and_drops)
{
	begin();
	if (kernel_works())
		keeps(place("kernel"));
	else
		ck_assert_int_eq(place("kernel")->save(identity, text, strlen(text), 60), -1);
	end();
}
END_TEST

START_TEST(the_file_keeps_replaces_and_drops)
{
	struct stat st;

	begin();
	keeps(place("file"));
	ck_assert_int_eq(place("file")->save(identity, text, strlen(text), 60), 0);
	snprintf(path, sizeof path, "%s/usher/%s.record", folder, identity);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	snprintf(path, sizeof path, "%s/usher", folder);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	end();
}
END_TEST

/* Also where the session keyring does not lead to the user's: the key is found by another process, and ends by itself. */
START_TEST(a_kernel_key_outlives_its_process_and_has_a_timeout)
{
	char description[256], *line = NULL;
	size_t size = 0;
	long key = -1;
	FILE *keys;
	int status;
	pid_t child;

	begin();
	if (!kernel_works()) {
		end();
		return;
	}
	child = fork();
	if (child == 0) {
		syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
		_exit(place("kernel")->save(identity, text, strlen(text), 600) == 0 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(place("kernel")->load(identity, out, sizeof out), (long)strlen(text));
	key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", identity, 0);
	ck_assert_int_ge(syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, description, sizeof description), 0);
	ck_assert_msg(strstr(description, ";3f3f0000;") != NULL, "%s", description);
	ck_assert_int_eq(place("kernel")->update(identity, text, strlen(text), 600), 0); /* which keeps the timeout */
	keys = fopen("/proc/keys", "r");
	while (keys != NULL && getline(&line, &size, keys) > 0)
		if ((long)strtoul(line, NULL, 16) == key)
			ck_assert_msg(strstr(line, " perm ") == NULL, "no timeout: %s", line);
	free(line);
	if (keys != NULL)
		fclose(keys);
	end();
}
END_TEST

START_TEST(without_a_time_to_live_nothing_is_kept)
{
	const char *where = "x";

	begin();
	ck_assert_int_eq(ush_cache_save(identity, text, strlen(text), 0, &where), -1);
	ck_assert_ptr_null(where);
	ck_assert_int_eq(ush_cache_save(identity, text, strlen(text), -5, &where), -1);
	ck_assert_int_eq(ush_cache_load(identity, out, sizeof out), -1);
	end();
}
END_TEST

START_TEST(what_is_too_large_for_the_kernel_lies_in_the_file_alone)
{
	static char large[USH_RECORD_MAX];
	const char *where;

	begin();
	memset(large, 'a', sizeof large);
	ck_assert_int_eq(ush_cache_save(identity, text, strlen(text), 60, &where), 0);
	ck_assert_int_eq(ush_cache_save(identity, large, sizeof large, 60, &where), 0); /* 32768; a key holds 32767 */
	ck_assert_str_eq(where, "file");
	ck_assert_int_eq(ush_cache_load(identity, out, sizeof out), (long)sizeof large);
	ck_assert_int_eq(place("kernel")->load(identity, out, sizeof out), -1);
	end();
}
END_TEST

START_TEST(a_folder_that_is_not_ours_alone_keeps_nothing) /* T37 */
{
	static const struct {
		const char *runtime;
		mode_t base, own;
	} cases[] = {{NULL, 0777, 0}, {NULL, 0700, 0755}, {NULL, 0700, 0770}, {"relative", 0700, 0}, {"", 0700, 0}, {"/nonexistent", 0700, 0}};
	char own[256];

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		begin();
		snprintf(own, sizeof own, "%s/usher", folder);
		chmod(folder, cases[i].base);
		if (cases[i].own != 0) {
			ck_assert_int_eq(mkdir(own, 0700), 0);
			chmod(own, cases[i].own);
		}
		if (cases[i].runtime != NULL)
			setenv("XDG_RUNTIME_DIR", cases[i].runtime, 1);
		ck_assert_int_eq(place("file")->save(identity, text, strlen(text), 60), -1);
		ck_assert_int_eq(place("file")->load(identity, out, sizeof out), -1);
		end();
	}
}
END_TEST

START_TEST(a_link_to_a_folder_is_not_entered) /* T37 */
{
	char own[256], elsewhere[256];

	begin();
	snprintf(own, sizeof own, "%s/usher", folder);
	snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", folder);
	ck_assert_int_eq(mkdir(elsewhere, 0700), 0);
	ck_assert_int_eq(symlink(elsewhere, own), 0);
	ck_assert_int_eq(place("file")->save(identity, text, strlen(text), 60), -1);
	ck_assert_int_eq(rmdir(elsewhere), 0); /* nothing was put there */
	unlink(own);
	end();
}
END_TEST

static void plant(int kind, const char *own)
{
	char victim[256];

	snprintf(victim, sizeof victim, "%s/victim", folder);
	unlink(own);
	rmdir(own);
	make("victim", text, 0600);
	switch (kind) {
	case 0:
		ck_assert_int_eq(symlink(victim, own), 0);
		break;
	case 1:
		ck_assert_int_eq(link(victim, own), 0);
		break;
	case 2:
		ck_assert_int_eq(mkfifo(own, 0600), 0);
		break;
	default:
		make(own + strlen(folder) + 1, text, kind == 3 ? 0644 : kind == 4 ? 0640 : 0700);
	}
}

START_TEST(a_planted_entry_is_a_miss_and_its_victim_is_untouched) /* T37 */
{
	char own[PATH_MAX], victim[256], read_back[256];
	struct stat st;
	int fd;

	begin();
	snprintf(own, sizeof own, "%s/usher", folder);
	mkdir(own, 0700);
	snprintf(own, sizeof own, "%s/usher/%s.record", folder, identity);
	snprintf(victim, sizeof victim, "%s/victim", folder);
	for (int kind = 0; kind < 6; kind++) { /* link, hard link, FIFO, 0644, 0640, 0700 */
		plant(kind, own);
		ck_assert_msg(place("file")->load(identity, out, sizeof out) == -1, "kind %d was read", kind);
		ck_assert_msg(place("file")->update(identity, text, strlen(text), 60) == -1, "kind %d was written", kind);
		ck_assert_int_eq(place("file")->save(identity, "new\n", 4, 60), 0); /* replaces the entry, not what it leads to */
		ck_assert_int_eq(place("file")->load(identity, out, sizeof out), 4);
		fd = open(victim, O_RDONLY | O_CLOEXEC);
		ck_assert_int_eq(read(fd, read_back, sizeof read_back), (ssize_t)strlen(text));
		ck_assert_int_eq(fstat(fd, &st), 0);
		ck_assert_uint_eq(st.st_nlink, 1);
		close(fd);
	}
	end();
}
END_TEST

/* ---- who was given what (asked.h) ---- */

static const struct ush_asker asker = {.pid = 100, .about = 1, .born_ms = 1};

static bool ring_known(void)
{
	struct ush_asked asked;

	ush_asked_load(&asked, identity);
	return ush_asked_knows(&asked, &asker);
}

static void ring_forget(void)
{
	char name[USH_ASKED_IDENTITY];

	ush_asked_identity(name, identity);
	ush_cache_drop(name);
}

START_TEST(the_ring_of_askers_lies_beside_the_record)
{
	struct ush_asked asked;

	begin();
	ck_assert_int_eq(place("file")->save(identity, text, strlen(text), 60), 0);
	ck_assert(!ring_known());
	ush_asked_load(&asked, identity);
	ush_asked_give(&asked, &asker, 1, 1000, 2);
	ush_asked_save(&asked, identity);
	ck_assert(ring_known());
	ush_asked_give(&asked, &asker, 2, 1000, 3);
	ush_asked_save(&asked, identity); /* in place of the old one */
	ush_asked_load(&asked, identity);
	ck_assert_uint_eq(asked.given[0].token, 2);
	ck_assert_int_eq(place("file")->load(identity, out, sizeof out), (long)strlen(text)); /* and beside it */
	ring_forget();
	ck_assert(!ring_known());
	end();
}
END_TEST

START_TEST(a_planted_ring_is_an_empty_one) /* T37 */
{
	static char large[2 * USH_RECORD_MAX];
	char own[PATH_MAX], name[USH_ASKED_IDENTITY];
	struct ush_asked asked;

	begin();
	snprintf(own, sizeof own, "%s/usher", folder);
	mkdir(own, 0700);
	ush_asked_identity(name, identity);
	snprintf(own, sizeof own, "%s/usher/%s.record", folder, name);
	for (int kind = 0; kind < 6; kind++) { /* link, hard link, FIFO, 0644, 0640, 0700 */
		plant(kind, own);
		ck_assert_msg(!ring_known(), "kind %d was read", kind);
	}
	unlink(own);
	memset(large, 'u', sizeof large - 1);
	make(own + strlen(folder) + 1, large, 0600);
	ck_assert(!ring_known());
	ush_asked_load(&asked, identity);
	ush_asked_give(&asked, &asker, 1, 1000, 2);
	ck_assert_int_eq(place("file")->save(name, (const char *)&asked, sizeof asked, 60), 0); /* a whole one takes its place */
	ck_assert(ring_known());
	ring_forget();
	end();
}
END_TEST

START_TEST(an_identity_with_a_slash_names_no_file)
{
	begin();
	ck_assert_int_eq(place("file")->save("../x", text, strlen(text), 60), -1);
	end();
}
END_TEST

/* ---- the profile's place and identity ---- */

static int find(const char *name, char *id, struct ush_error *err)
{
	memset(err, 0, sizeof *err);
	return ush_place_profile(name, path, sizeof path, id, 128, err);
}

static void begin_profiles(void)
{
	char sub[256];

	begin();
	setenv("XDG_CONFIG_HOME", folder, 1);
	snprintf(sub, sizeof sub, "%s/usher", folder);
	mkdir(sub, 0700);
	snprintf(sub, sizeof sub, "%s/usher/profiles", folder);
	mkdir(sub, 0700);
	make("usher/profiles/prod.yaml", "a: 1\n", 0644);
}

static void end_profiles(void)
{
	char sub[256];

	snprintf(sub, sizeof sub, "%s/usher/profiles/prod.yaml", folder);
	unlink(sub);
	snprintf(sub, sizeof sub, "%s/usher/profiles", folder);
	rmdir(sub);
	end();
}

START_TEST(any_edit_of_a_profile_changes_its_identity)
{
	char one[128], two[128], file[256];
	struct ush_error err;
	struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	begin_profiles();
	snprintf(file, sizeof file, "%s/usher/profiles/prod.yaml", folder);
	ck_assert_int_eq(find("prod", one, &err), 0);
	ck_assert_str_eq(path, file);
	ck_assert_int_eq(strncmp(one, "usher:", 6), 0);
	ck_assert_int_eq(find("prod", two, &err), 0);
	ck_assert_str_eq(one, two);
	utimensat(AT_FDCWD, file, times, 0);
	ck_assert_int_eq(find("prod", two, &err), 0);
	ck_assert_str_ne(one, two);
	make("usher/profiles/prod.yaml", "a: 22\n", 0644);
	utimensat(AT_FDCWD, file, times, 0); /* an mtime set back hides nothing: size and ctime tell */
	ck_assert_int_eq(find("prod", one, &err), 0);
	ck_assert_str_ne(one, two);
	end_profiles();
}
END_TEST

START_TEST(a_linked_profile_is_judged_by_what_it_leads_to)
{
	char one[128], link_path[256];
	struct ush_error err;

	begin_profiles();
	snprintf(link_path, sizeof link_path, "%s/usher/profiles/prod.yaml", folder);
	unlink(link_path);
	make("profile.yaml", "a: 1\n", 0600);
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_int_eq(find("prod", one, &err), 0);
	make("profile.yaml", "a: 1\n", 0666);
	ck_assert_int_eq(find("prod", one, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.what, "others may write it (mode 0666)"));
	ck_assert_ptr_nonnull(strstr(err.hint, "chmod go-w"));
	end_profiles();
}
END_TEST

START_TEST(a_name_is_a_name_and_nothing_else) /* P31 */
{
	static const char *const bad[] = {"", "a/b", "../prod", "a b", "a\nb", "pr\xc3\xb6" "d", "$x",
					  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	char one[128];
	struct ush_error err;

	begin_profiles();
	for (size_t i = 0; i < USH_COUNT(bad); i++) {
		ck_assert_int_eq(find(bad[i], one, &err), -1);
		ck_assert_int_eq(ush_code_status(err.code), 2);
		ck_assert_ptr_nonnull(strstr(err.what, "is not the name of a profile"));
	}
	ck_assert_int_eq(find("nowhere", one, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.what, "there is no profile nowhere: "));
	ck_assert_ptr_nonnull(strstr(err.what, "usher/profiles/nowhere.yaml does not exist"));
	end_profiles();
}
END_TEST

START_TEST(a_folder_or_a_relative_config_home_is_no_profile)
{
	char one[128], sub[256];
	struct ush_error err;

	begin_profiles();
	snprintf(sub, sizeof sub, "%s/usher/profiles/dir.yaml", folder);
	mkdir(sub, 0700);
	ck_assert_int_eq(find("dir", one, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.what, "is not a regular file"));
	rmdir(sub);
	ck_assert_int_eq(chdir(folder), 0);
	setenv("XDG_CONFIG_HOME", ".", 1);
	setenv("HOME", "", 1);
	ck_assert_int_eq(find("prod", one, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.what, "HOME is not set"));
	end_profiles();
}
END_TEST

TAP_MAIN("cache", the_kernel_keeps_replaces_and_drops, the_file_keeps_replaces_and_drops,
	 a_kernel_key_outlives_its_process_and_has_a_timeout, without_a_time_to_live_nothing_is_kept,
	 what_is_too_large_for_the_kernel_lies_in_the_file_alone, a_folder_that_is_not_ours_alone_keeps_nothing,
	 a_link_to_a_folder_is_not_entered, a_planted_entry_is_a_miss_and_its_victim_is_untouched,
	 the_ring_of_askers_lies_beside_the_record, a_planted_ring_is_an_empty_one, an_identity_with_a_slash_names_no_file,
	 any_edit_of_a_profile_changes_its_identity,
	 a_linked_profile_is_judged_by_what_it_leads_to, a_name_is_a_name_and_nothing_else,
	 a_folder_or_a_relative_config_home_is_no_profile)
