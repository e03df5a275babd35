/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "plugin/flow/flow.h"
#include "tests/support/tap.h"

static const char *folder; /* of this test */

/* An opener that writes down what it was given: how many arguments, then each on a line of its own. */
static char *recorder(const char *more)
{
	USH_AUTO_FREE char *text = NULL;
	struct ush_error err = {0};
	char *path;

	folder = tap_folder();
	text = ush_printf("#!/bin/sh\n{ echo $#; printf '%%s\\n' \"$@\"; } > '%s/seen'\n%s\n", folder, more);
	path = ush_printf("%s/opener", folder);
	ck_assert_int_eq(ush_file_write(path, text, strlen(text), 0700, &err), 0);
	return path;
}

static void wait_for_opener(void)
{
	int status = -1;

	ck_assert_int_gt(waitpid(-1, &status, 0), 0);
	ck_assert_int_eq(status, 0);
}

static char *read_seen(void)
{
	USH_AUTO_FREE char *path = ush_printf("%s/seen", folder);
	USH_AUTO_BUF text = {0};
	struct ush_error err = {0};

	ck_assert_msg(ush_file_read(path, USH_FILE_ANY, USH_ERR_STORE, &text, NULL, &err) == 0, "%s", err.what);
	return ush_buf_take(&text);
}

/* T24 */
START_TEST(a_dangerous_url_is_never_opened)
{
	static const char *const payloads[] = {
		"",
		"-h",
		"--help",
		"--new-window=https://login.example.com/",
		" https://login.example.com/",
		"https://login.example.com/ --help",
		"https://login.example.com/\n",
		"https://login.example.com/\r\nHost: x",
		"https://login.example.com/\tx",
		"https://login.example.com/`id`",
		"https://login.example.com/\"; id",
		"https://login.example.com/<script>",
		"https://login.example.com/\\..\\x",
		"https://login.example.com/{a,b}",
		"https://login.example.com/|id",
		"https://login.example.com/^",
		"https://login.example.com/\x1b[2J",
		"https://login.example.com/\x7f",
		"https://login.example.com/\xc3\xa9",
		"https://login.example\xe2\x80\xae.com/",
		"https://login.example.com/%",
		"https://login.example.com/%zz",
		"https://login.example.com/%00",
		"https://login.example.com/#fragment",
		"javascript:alert(1)",
		"JaVaScRiPt://login.example.com/%0aalert(1)",
		"file:///etc/passwd",
		"data:text/html,<script>alert(1)</script>",
		"ftp://login.example.com/",
		"x-man-page://id",
		"http://login.example.com/",
		"//login.example.com/",
		"login.example.com",
		"https://",
		"https:///etc/passwd",
		"https://carol@login.example.com/",
		"https://login.example.com:pw@evil.example/",
		"https://login.example.com:0/",
		"https://login.example.com:99999/",
		"https://-login.example.com/",
		"https://2130706433/",
		"https://0x7f.0.0.1/",
		"http://0177.0.0.1/",
	};
	USH_AUTO_FREE char *opener = recorder("");

	ck_assert_uint_ge(USH_COUNT(payloads), 30);
	for (size_t i = 0; i < USH_COUNT(payloads); i++) {
		struct ush_error err = {0};

		ck_assert_msg(ush_open_url(opener, payloads[i], &err) == -1, "opened: %s", payloads[i]);
		ck_assert_msg(err.code == USH_ERR_REJECTED, "%s: %s", payloads[i], err.what);
		ck_assert_msg(waitpid(-1, NULL, 0) == -1 && errno == ECHILD, "a process was started for: %s",
			      payloads[i]);
	}
}
END_TEST

/* T24: byte for byte, one argument, and what a shell script could trip over is encoded */
START_TEST(a_good_url_arrives_as_one_argument)
{
	static const struct {
		const char *given, *seen;
	} urls[] = {
		{"https://login.example.com/auth?a=b&c=d%20e+f", "https://login.example.com/auth?a=b&c=d%20e+f"},
		{"https://LOGIN.example.com", "https://login.example.com/"},
		{"https://login.example.com:443/x", "https://login.example.com/x"},
		{"https://login.example.com:8443/x;y=1,2", "https://login.example.com:8443/x;y=1,2"},
		{"https://login.example.com/$(touch${IFS}x)", NULL},
		{"https://login.example.com/$(id)", "https://login.example.com/%24%28id%29"},
		{"https://login.example.com/'a'&&id", "https://login.example.com/%27a%27&&id"},
		{"https://[::1]:8443/x", "https://[::1]:8443/x"},
		{"http://127.0.0.1:4711/start/AbC-_", "http://127.0.0.1:4711/start/AbC-_"},
	};
	USH_AUTO_FREE char *opener = recorder("");

	for (size_t i = 0; i < USH_COUNT(urls); i++) {
		USH_AUTO_FREE char *wanted = ush_printf("1\n%s\n", urls[i].seen);
		USH_AUTO_FREE char *seen = NULL;
		struct ush_error err = {0};

		if (urls[i].seen == NULL) {
			ck_assert_int_eq(ush_open_url(opener, urls[i].given, &err), -1);
			continue;
		}
		ck_assert_msg(ush_open_url(opener, urls[i].given, &err) == 0, "%s: %s", urls[i].given, err.what);
		wait_for_opener();
		seen = read_seen();
		ck_assert_str_eq(seen, wanted);
	}
}
END_TEST

START_TEST(the_opener_writes_to_stderr_and_holds_no_file_of_ours)
{
	USH_AUTO_FREE char *opener = recorder("echo noise; [ ! -e /proc/$$/fd/9 ] || echo leaked >&2");
	USH_AUTO_FREE char *out = ush_printf("%s/stdout", folder);
	USH_AUTO_FREE char *errors = ush_printf("%s/stderr", folder);
	int old_out = dup(1), old_err = dup(2), fd_out = open(out, O_RDWR | O_CREAT, 0600),
	    fd_err = open(errors, O_RDWR | O_CREAT, 0600);
	struct ush_error err = {0};
	struct stat st;
	char text[64] = "";

	ck_assert_int_eq(dup2(fd_out, 9), 9);
	dup2(fd_out, 1);
	dup2(fd_err, 2);
	ush_open_url(opener, "https://login.example.com/", &err);
	waitpid(-1, NULL, 0);
	dup2(old_out, 1);
	dup2(old_err, 2);
	ck_assert_str_eq(err.what, "");
	ck_assert_int_eq(fstat(fd_out, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_gt(pread(fd_err, text, sizeof text - 1, 0), 0);
	ck_assert_str_eq(text, "noise\n");
}
END_TEST

START_TEST(an_opener_that_is_not_there_is_told)
{
	struct ush_error err = {0}, relative = {0};

	ck_assert_int_eq(ush_open_url("/nonexistent/opener", "https://login.example.com/", &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
	ck_assert_int_eq(ush_open_url("xdg-open", "https://login.example.com/", &relative), -1);
	ck_assert_int_eq(relative.code, USH_ERR_CONFIG);
}
END_TEST

START_TEST(a_system_opener_needs_a_display_and_a_named_one_does_not)
{
	USH_AUTO_FREE char *opener = recorder("");

	unsetenv("DISPLAY");
	unsetenv("WAYLAND_DISPLAY");
	ck_assert(!ush_open_possible(NULL));
	ck_assert(ush_open_possible(opener));
	ck_assert(!ush_open_possible("/nonexistent/opener"));
	setenv("DISPLAY", ":0", 1);
	ck_assert_int_eq(ush_open_possible(NULL), ush_open_default() != NULL);
}
END_TEST

TAP_MAIN("open", a_dangerous_url_is_never_opened, a_good_url_arrives_as_one_argument,
	 the_opener_writes_to_stderr_and_holds_no_file_of_ours, an_opener_that_is_not_there_is_told,
	 a_system_opener_needs_a_display_and_a_named_one_does_not)
