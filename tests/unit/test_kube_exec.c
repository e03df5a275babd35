/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/kube/request.h"
#include "tests/support/kubeconfig_room.h"

#define V1   "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never"
#define BETA "apiVersion: client.authentication.k8s.io/v1beta1"

static void script(const char *text)
{
	USH_AUTO_FREE char *whole = ush_printf("#!/bin/sh\n%s\n", text);

	room_put("plug/in", whole, 0700);
}

static struct ush_kube_config *load_exec(const char *members)
{
	USH_AUTO_FREE char *user = ush_printf("exec: {%s}", members);

	return room_load_with(ROOM_SERVER
			      ", certificate-authority-data: " ROOM_DATA
			      ", extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: x}}]",
			      user);
}

START_TEST(a_credential_command_is_told_everything_and_its_token_is_taken)
{
	ROOM_AUTO_CONFIG config = NULL;
	USH_AUTO_BUF told = {0};
	USH_AUTO_FREE char *path = NULL, *file = NULL;

	room_begin();
	script("printf '%s|%s|%s|%s' \"$1\" \"$2\" \"$EXTRA\" \"$KEPT\" >\"$0.args\"; printf '%s' "
	       "\"$KUBERNETES_EXEC_INFO\" >\"$0.info\"\n"
	       "if read -r line; then exit 9; fi\n"
	       "echo "
	       "'{\"apiVersion\":\"client.authentication.k8s.io/"
	       "v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"exec-token\"}}'");
	setenv("KEPT", "kept", 1);
	setenv("EXTRA", "before", 1);
	config = load_exec(V1 ", command: ./plug/in, args: [get-token, \"a b\"], env: [{name: EXTRA, value: after}], "
			      "provideClusterInfo: true");
	ck_assert_msg(config != NULL, "%s", room_error.what);
	ck_assert_str_eq(ush_secret_reveal(config->token), "exec-token");
	path = room_path("plug/in.args");
	ck_assert_int_eq(ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &told, NULL, &room_error), 0);
	ck_assert_str_eq(told.data, "get-token|a b|after|kept");
	ush_buf_free(&told);
	file = room_path("plug/in.info");
	ck_assert_int_eq(ush_file_read(file, USH_FILE_ANY, USH_ERR_CONFIG, &told, NULL, &room_error), 0);
	ck_assert_str_eq(
		told.data,
		"{\"apiVersion\":\"client.authentication.k8s.io/"
		"v1\",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false,"
		"\"cluster\":{\"server\":\"https://k8s.example.com:6443\",\"certificate-authority-data\":\"" ROOM_DATA
		"\",\"config\":{\"audience\":\"x\"}}}}");
}
END_TEST

START_TEST(a_command_may_answer_with_a_certificate_and_is_found_in_path)
{
	ROOM_AUTO_CONFIG config = NULL;
	USH_AUTO_FREE char *path = NULL, *room = NULL, *before = ush_strdup(getenv("PATH"));

	room_begin();
	room = room_path(".");
	script("echo '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\"status\":{"
	       "\"clientCertificateData\":\"CERT\",\"clientKeyData\":\"KEY\"}}'");
	path = ush_printf("relative::%s/plug:%s", room, before);
	setenv("PATH", path, 1);
	config = load_exec(BETA ", command: in");
	ck_assert_msg(config != NULL, "%s", room_error.what);
	ck_assert_ptr_null(config->token);
	ck_assert_str_eq(config->client_cert_pem, "CERT");
	ck_assert_str_eq(ush_secret_reveal(config->client_key_pem), "KEY");
	setenv("PATH", before, 1);
}
END_TEST

START_TEST(what_stands_in_the_file_wins_over_the_command)
{
	ROOM_AUTO_CONFIG config = NULL;

	room_begin();
	config = room_load_with(ROOM_SERVER, "token: written, exec: {" V1 ", command: /nowhere}");
	ck_assert_msg(config != NULL, "%s", room_error.what);
	ck_assert_str_eq(ush_secret_reveal(config->token), "written");
}
END_TEST

START_TEST(a_command_that_fails_is_named_and_status_4_is_a_sign_in)
{
	static const struct {
		const char *script, *what;
		enum ush_code code;
	} cases[] = {
		{"exit 1", "plug/in: the kubeconfig's credential command failed (status 1)", USH_ERR_UNAVAILABLE},
		{"exit 4", "plug/in: a person must sign in first", USH_ERR_LOGIN},
		{"kill -9 $$", "failed (status 137)", USH_ERR_UNAVAILABLE},
		{"true", "plug/in: its answer:1:", USH_ERR_UNAVAILABLE},
		{"echo hush", "is not valid JSON", USH_ERR_UNAVAILABLE},
		{"echo '{}'", "is no ExecCredential", USH_ERR_UNAVAILABLE},
		{"echo "
		 "'{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/"
		 "v1beta1\",\"status\":{\"token\":\"hush\"}}'",
		 "the kubeconfig wants client.authentication.k8s.io/v1", USH_ERR_UNAVAILABLE},
		{"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\"}'",
		 "has neither a token nor a certificate", USH_ERR_UNAVAILABLE},
		{"echo "
		 "'{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/"
		 "v1\",\"status\":{\"token\":7}}'",
		 "has neither a token nor a certificate", USH_ERR_UNAVAILABLE},
		{"echo "
		 "'{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/"
		 "v1\",\"status\":{\"token\":\"hush hush\"}}'",
		 "characters that no token has", USH_ERR_UNAVAILABLE},
		{"echo "
		 "'{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/"
		 "v1\",\"status\":{\"token\":\"a\",\"clientKeyData\":\"hush\"}}'",
		 "without the other", USH_ERR_UNAVAILABLE},
		{"exec head -c 300000 /dev/zero", "wrote more than 262144 bytes", USH_ERR_UNAVAILABLE},
	};

	room_begin();
	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		script(cases[i].script);
		ck_assert_msg(load_exec(V1 ", command: plug/in") == NULL, "%s", cases[i].script);
		ck_assert_msg(room_error.code == cases[i].code, "%d: %s", room_error.code, room_error.what);
		ck_assert_msg(strstr(room_error.what, cases[i].what) != NULL, "\"%s\" lacks \"%s\"", room_error.what,
			      cases[i].what);
		ck_assert_ptr_null(strstr(room_error.what, "hush"));
	}
}
END_TEST

START_TEST(a_command_that_is_not_there_brings_its_install_hint)
{
	USH_AUTO_FREE char *room = NULL, *before = ush_strdup(getenv("PATH"));

	room_begin();
	room = room_path(".");
	ck_assert_ptr_null(load_exec(V1 ", command: no-such-command-here, installHint: \"install it so\""));
	ck_assert_int_eq(room_error.code, USH_ERR_UNAVAILABLE);
	ck_assert_msg(strstr(room_error.what,
			     "no-such-command-here: the kubeconfig's credential command is not in PATH") != NULL,
		      "%s", room_error.what);
	ck_assert_str_eq(room_error.hint, "install it so");
	ck_assert_ptr_null(load_exec(V1 ", command: ./nowhere"));
	ck_assert_msg(strstr(room_error.what, "is not there") != NULL, "%s", room_error.what);
	room_put("plain", "x", 0600);
	ck_assert_ptr_null(load_exec(V1 ", command: ./plain"));
	ck_assert_msg(strstr(room_error.what, "is not executable") != NULL, "%s", room_error.what);
	ck_assert_int_eq(room_error.code, USH_ERR_UNAVAILABLE);
	script("exit 1");
	ck_assert_int_eq(chdir(room), 0);
	setenv("PATH", "plug::.", 1); /* folders that are whoever's we stand in are not looked at */
	ck_assert_ptr_null(load_exec(V1 ", command: in"));
	ck_assert_msg(strstr(room_error.what, "is not in PATH") != NULL, "%s", room_error.what);
	setenv("PATH", before, 1);
}
END_TEST

START_TEST(an_exec_user_that_is_written_wrong_points_at_its_field)
{
	static const struct {
		const char *members, *what;
	} cases[] = {
		{"command: x", "users[1].user.exec.apiVersion: is missing"},
		{"apiVersion: client.authentication.k8s.io/v1alpha1, command: x",
		 "config:9:29: users[1].user.exec.apiVersion: expected"},
		{V1, "users[1].user.exec.command: is missing"},
		{"apiVersion: client.authentication.k8s.io/v1, command: x",
		 "users[1].user.exec.interactiveMode: is missing"},
		{BETA ", command: x, interactiveMode: Sometimes",
		 "interactiveMode: expected Never, IfAvailable or Always"},
		{V1 ", command: x, args: a", "users[1].user.exec.args: expected a list"},
		{V1 ", command: x, args: [a, 7]", "users[1].user.exec.args[1]: expected a string, found a number"},
		{V1 ", command: x, env: {A: b}", "users[1].user.exec.env: expected a list"},
		{V1 ", command: x, env: [{name: A=B, value: c}]", "users[1].user.exec.env[0]: expected name and value"},
		{V1 ", command: x, env: [{name: A, value: 1}]", "users[1].user.exec.env[0]: expected name and value"},
		{V1 ", command: x, provideClusterInfo: perhaps", "provideClusterInfo: expected a bool"},
	};

	room_begin();
	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		ck_assert_msg(load_exec(cases[i].members) == NULL, "%s", cases[i].members);
		ck_assert_int_eq(room_error.code, USH_ERR_CONFIG);
		ck_assert_msg(strstr(room_error.what, cases[i].what) != NULL, "\"%s\" lacks \"%s\"", room_error.what,
			      cases[i].what);
	}
	ck_assert_ptr_null(
		load_exec("apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always, command: x"));
	ck_assert_int_eq(room_error.code, USH_ERR_LOGIN);
}
END_TEST

START_TEST(a_command_runs_only_from_a_kubeconfig_that_others_cannot_write)
{
	USH_AUTO_FREE char *path = NULL, *mark = NULL;
	ROOM_AUTO_CONFIG other = NULL;

	room_begin();
	script("touch \"$0.ran\"; exit 1");
	ck_assert_ptr_null(load_exec(V1 ", command: plug/in"));
	mark = room_path("plug/in.ran");
	ck_assert_int_eq(unlink(mark), 0);
	path = room_path("config");
	ck_assert_int_eq(chmod(path, 0622), 0);
	ck_assert_ptr_null(room_load("config", NULL));
	ck_assert_int_eq(room_error.code, USH_ERR_CONFIG);
	ck_assert_msg(strstr(room_error.what, "others may write it") != NULL, "%s", room_error.what);
	ck_assert_int_ne(access(mark, F_OK), 0);
	other = room_load_with(ROOM_SERVER, "token: t");
	ck_assert_int_eq(chmod(path, 0666), 0);
	ush_kube_config_free(other);
	other = room_load("config", NULL);
	ck_assert_msg(other != NULL, "%s", room_error.what);
}
END_TEST

START_TEST(what_a_command_leaves_in_the_background_does_not_hold_us_up)
{
	ROOM_AUTO_CONFIG config = NULL;
	USH_AUTO_BUF pid = {0};
	USH_AUTO_FREE char *path = NULL;

	room_begin();
	script("sleep 1000 & echo $! >\"$0.pid\"\n"
	       "echo "
	       "'{\"apiVersion\":\"client.authentication.k8s.io/"
	       "v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}'");
	config = load_exec(V1 ", command: plug/in");
	ck_assert_msg(config != NULL, "%s", room_error.what);
	path = room_path("plug/in.pid");
	ck_assert_int_eq(ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &pid, NULL, &room_error), 0);
	ck_assert_int_eq(kill((pid_t)atol(pid.data), SIGKILL), 0);
}
END_TEST

/* A terminal on stdin: only then is a command told that it may ask, and only then does it get our stdin. */
START_TEST(a_terminal_makes_a_command_interactive)
{
	ROOM_AUTO_CONFIG config = NULL;
	USH_AUTO_FREE char *path = NULL;
	int terminal, its;

	room_begin();
	terminal = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ge(terminal, 0);
	ck_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
	its = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	ck_assert_int_eq(dup2(its, 0), 0);
	ck_assert_int_eq(write(terminal, "typed\n", 6), 6);
	script("test -t 0 || exit 1; read -r token; case \"$KUBERNETES_EXEC_INFO\" in *'\"interactive\":true'*) ;; *) "
	       "exit 2;; esac\n"
	       "echo "
	       "'{\"apiVersion\":\"client.authentication.k8s.io/"
	       "v1beta1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"'$token'\"}}'");
	path = room_path("config");
	ck_assert_ptr_null(load_exec(BETA ", command: plug/in")); /* room_load() says that nobody may be asked */
	config = ush_kube_config_load(path, NULL, true, (memset(&room_error, 0, sizeof room_error), &room_error));
	ck_assert_msg(config != NULL, "%s", room_error.what);
	ck_assert_str_eq(ush_secret_reveal(config->token), "typed");
	close(its);
	close(terminal);
}
END_TEST

/* A 401 in the middle of a long run: the command is run again, and what it gives must be another token. */
START_TEST(a_command_is_run_again_for_another_token)
{
	ROOM_AUTO_CONFIG config = NULL;

	room_begin();
	script("echo x >>\"$0.runs\"; n=$(wc -l <\"$0.runs\"); [ $n -lt 3 ] || n=2\n"
	       "echo "
	       "'{\"apiVersion\":\"client.authentication.k8s.io/"
	       "v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"token-'$n'\"}}'");
	config = load_exec(V1 ", command: ./plug/in");
	ck_assert_msg(config != NULL, "%s", room_error.what);
	free(config->kubeconfig);
	config->kubeconfig = room_path("config");
	ck_assert_str_eq(ush_secret_reveal(config->token), "token-1");
	ck_assert(ush_kube_token_again(config));
	ck_assert_str_eq(ush_secret_reveal(config->token), "token-2");
	ck_assert(!ush_kube_token_again(config)); /* the same again is no help */
	ck_assert_str_eq(ush_secret_reveal(config->token), "token-2");
}
END_TEST

TAP_MAIN("kube_exec", a_credential_command_is_told_everything_and_its_token_is_taken,
	 a_command_may_answer_with_a_certificate_and_is_found_in_path, what_stands_in_the_file_wins_over_the_command,
	 a_command_that_fails_is_named_and_status_4_is_a_sign_in, a_command_that_is_not_there_brings_its_install_hint,
	 an_exec_user_that_is_written_wrong_points_at_its_field,
	 a_command_runs_only_from_a_kubeconfig_that_others_cannot_write,
	 what_a_command_leaves_in_the_background_does_not_hold_us_up, a_terminal_makes_a_command_interactive,
	 a_command_is_run_again_for_another_token)
