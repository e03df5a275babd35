/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];
static pid_t maker;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_folder(void)
{
	if (maker == getpid())
		nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *tap_folder(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(folder, sizeof folder, "%s/usher-test-XXXXXX", base != NULL ? base : "/tmp");
	if (mkdtemp(folder) == NULL)
		ck_abort_msg("no temporary folder");
	maker = getpid();
	atexit(remove_folder);
	return folder;
}

int tap_run(const char *suite, const TTest *const *tests, size_t count)
{
	Suite *s = suite_create(suite);
	TCase *c = tcase_create(suite);
	SRunner *runner;
	int failed;

	tcase_set_timeout(c, 120); /* for what hangs; no test is judged by how fast it is */
	for (size_t i = 0; i < count; i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	runner = srunner_create(s);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
