/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/source/credential.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/scrub.h"

static struct ush_policy_source source;
static struct ush_error err;
static char folder[256];

static void begin(const char *kind)
{
	ush_policy_source_free(&source);
	source = (struct ush_policy_source){.name = ush_strdup("main"), .kind = ush_source_kind(kind)};
	err = (struct ush_error){0};
	if (folder[0] == '\0')
		snprintf(folder, sizeof folder, "%s", tap_folder());
}

static char *put(const char *name, const char *text, unsigned int mode)
{
	char *path = ush_printf("%s/%s", folder, name);

	ck_assert_msg(ush_file_write(path, text, strlen(text), mode, &err) == 0, "%s", err.what);
	return path;
}

static void expect(const char *secret)
{
	USH_AUTO_SECRET got = NULL;

	ck_assert_msg(ush_credential_read(&source, &got, &err) == 0, "%s", err.what);
	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(ush_secret_reveal(got), secret);
	ush_policy_source_free(&source);
}

static void expect_fault(const char *why)
{
	USH_AUTO_SECRET got = NULL;

	ck_assert_int_eq(ush_credential_read(&source, &got, &err), -1);
	ck_assert_ptr_null(got);
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_msg(strstr(err.what, why) != NULL, "\"%s\" lacks \"%s\"", err.what, why);
	ck_assert_ptr_null(strstr(err.what, "s3cret"));
	ush_policy_source_free(&source);
}

START_TEST(none_is_none)
{
	USH_AUTO_SECRET got = NULL;

	begin("scim");
	ck_assert_int_eq(ush_credential_read(&source, &got, &err), 0);
	ck_assert_ptr_null(got);
	begin("file"); /* a kind that has none */
	ck_assert_int_eq(ush_credential_read(&source, &got, &err), 0);
	ck_assert_int_eq(ush_credential_federated(&source, &got, &err), 0);
	ck_assert_ptr_null(got);
	ush_policy_source_free(&source);
}
END_TEST

START_TEST(a_file_is_read_when_it_is_ours_alone)
{
	USH_AUTO_FREE char *good = NULL, *open = NULL, *empty = NULL, *where = NULL;

	begin("scim");
	good = put("good", "s3cret with spaces \r\n", 0600);
	ush_source_set(&source, "secretFile", good);
	where = ush_credential_where(&source);
	ck_assert_str_eq(where, good);
	expect("s3cret with spaces ");
	begin("scim");
	open = put("open", "s3cret", 0644);
	ush_source_set(&source, "secretFile", open);
	expect_fault("others may open it");
	ck_assert_ptr_nonnull(strstr(err.hint, "chmod 600"));
	begin("scim");
	empty = put("empty", "\n", 0600);
	ush_source_set(&source, "secretFile", empty);
	expect_fault("holds no secret");
	begin("scim");
	ush_source_set(&source, "secretFile", "/no/such/file");
	expect_fault("No such file");
	begin("scim");
	ush_source_set(&source, "secretFile", folder);
	expect_fault("is a folder");
}
END_TEST

/* As kubelet lays a Secret out: name -> ..data/name -> ..2027_01_01/name. */
START_TEST(a_mounted_secret_is_taken_and_a_link_elsewhere_is_not)
{
	USH_AUTO_FREE char *generation = NULL, *data = NULL, *name = NULL, *outside = NULL, *away = NULL, *file = NULL;

	begin("scim");
	generation = ush_printf("%s/..2027_01_01", folder);
	data = ush_printf("%s/..data", folder);
	name = ush_printf("%s/token", folder);
	ck_assert_int_eq(mkdir(generation, 0755), 0);
	file = put("..2027_01_01/token", "s3cret", 0400);
	ck_assert_int_eq(symlink("..2027_01_01", data), 0);
	ck_assert_int_eq(symlink("..data/token", name), 0);
	ush_source_set(&source, "secretFile", name);
	expect("s3cret");
	begin("scim");
	outside = ush_printf("%s/sub", folder);
	ck_assert_int_eq(mkdir(outside, 0755), 0);
	away = ush_printf("%s/sub/link", folder);
	ck_assert_int_eq(symlink(file, away), 0);
	ush_source_set(&source, "secretFile", away);
	expect_fault("is a link");
}
END_TEST

START_TEST(a_program_prints_it)
{
	begin("scim");
	ush_source_set(&source, "secretCommand", "sh");
	ush_source_set(&source, "secretCommand", "-c");
	ush_source_set(&source, "secretCommand", "echo s3cret; test ! -t 0");
	expect("s3cret");
	begin("scim");
	ush_source_set(&source, "secretCommand", "false");
	expect_fault("false, which prints the secret, ended with 1");
	begin("scim");
	ush_source_set(&source, "secretCommand", "true");
	expect_fault("holds no secret");
	begin("scim");
	ush_source_set(&source, "secretCommand", "no-such-program-here");
	expect_fault("no such program");
	begin("scim");
	ush_source_set(&source, "secretCommand", "yes");
	expect_fault("wrote more than");
}
END_TEST

START_TEST(the_environment_holds_it)
{
	USH_AUTO_FREE char *where = NULL;

	begin("scim");
	setenv("USHER_TEST_SECRET", "s3cret", 1);
	ush_source_set(&source, "secretEnv", "USHER_TEST_SECRET");
	where = ush_credential_where(&source);
	ck_assert_str_eq(where, "$USHER_TEST_SECRET");
	expect("s3cret");
	begin("scim"); /* read anew, as at the end of a token */
	ush_source_set(&source, "secretEnv", "USHER_TEST_SECRET");
	expect("s3cret");
	setenv("USHER_TEST_SECRET", "another", 1);
	begin("scim");
	ush_source_set(&source, "secretEnv", "USHER_TEST_SECRET");
	expect("another");
	begin("scim");
	ush_source_set(&source, "secretEnv", "USHER_TEST_NO_SECRET");
	expect_fault("$USHER_TEST_NO_SECRET: holds no secret");
	setenv("USHER_TEST_SECRET", "", 1);
	begin("scim");
	ush_source_set(&source, "secretEnv", "USHER_TEST_SECRET");
	expect_fault("$USHER_TEST_SECRET: holds no secret");
}
END_TEST

START_TEST(what_was_taken_from_the_environment_is_in_nobodys)
{
	begin("scim");
	setenv("USHER_TEST_SECRET", "s3cret", 1);
	ush_source_set(&source, "secretEnv", "USHER_TEST_SECRET");
	expect("s3cret");
	ck_assert_ptr_null(getenv("USHER_TEST_SECRET"));
	begin("scim");
	ush_source_set(&source, "secretCommand", "sh");
	ush_source_set(&source, "secretCommand", "-c");
	ush_source_set(&source, "secretCommand", "echo ${USHER_TEST_SECRET-none}");
	expect("none");
}
END_TEST

/* No bus: said, and soon. tests/cli/keyring_source.sh has a real one. */
START_TEST(a_keyring_that_is_not_there_is_told)
{
	begin("scim");
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/no/such/bus", 1);
	ush_source_set(&source, "secretKeyring", "app=usher-broker");
	expect_fault("the keyring");
}
END_TEST

START_TEST(a_projected_token_is_read_anew)
{
	USH_AUTO_FREE char *path = NULL;
	USH_AUTO_SECRET one = NULL;
	USH_AUTO_SECRET two = NULL;

	begin("entra");
	path = put("token", "one", 0600);
	ush_source_set(&source, "federatedTokenFile", path);
	ck_assert_int_eq(ush_credential_federated(&source, &one, &err), 0);
	ck_assert_str_eq(ush_secret_reveal(one), "one");
	ck_assert_int_eq(ush_file_write(path, "two", 3, 0600, &err), 0);
	ck_assert_int_eq(ush_credential_federated(&source, &two, &err), 0);
	ck_assert_str_eq(ush_secret_reveal(two), "two");
	ush_policy_source_free(&source);
}
END_TEST

/* Who was told it may quote it when we have forgotten it. */
START_TEST(what_was_read_is_told_nowhere_ever_after)
{
	static char text[] = "he says: Basic Yzpz, an-older%20word+of ours, a+newer%20word+of ours, nothing-of-ours";
	USH_AUTO_SECRET obtained = ush_secret_new("a newer word+of ours", 20);

	begin("scim");
	setenv("USHER_TEST_SECRET", "an-older word+of ours", 1);
	ush_source_set(&source, "secretEnv", "USHER_TEST_SECRET");
	expect("an-older word+of ours");
	ush_credential_remember(obtained);
	ush_secret_free(ush_steal(&obtained));
	ush_scrub(text, strlen(text));
	ck_assert_str_eq(text, "he says: Basic Yzpz, ......................., ......................, nothing-of-ours");
}
END_TEST

TAP_MAIN("source_credential", what_was_read_is_told_nowhere_ever_after, none_is_none, a_file_is_read_when_it_is_ours_alone, a_mounted_secret_is_taken_and_a_link_elsewhere_is_not, a_program_prints_it,
	 the_environment_holds_it, what_was_taken_from_the_environment_is_in_nobodys, a_keyring_that_is_not_there_is_told, a_projected_token_is_read_anew)
