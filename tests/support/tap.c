/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[128]; /* of the process that made it */
static pid_t maker;
static struct made {
	struct made *before;
	char path[sizeof root + 16];
} *made;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_root(void)
{
	if (maker == getpid())
		nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	for (struct made *folder; (folder = made) != NULL; free(folder))
		made = folder->before;
}

static void make_root(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(root, sizeof root, "%s/usher-test-XXXXXX", base != NULL ? base : "/tmp");
	if (mkdtemp(root) == NULL)
		ck_abort_msg("no temporary folder");
	maker = getpid();
	atexit(remove_root);
}

const char *tap_folder(void)
{
	static unsigned int count;
	struct made *folder = calloc(1, sizeof *folder);

	if (maker != getpid())
		make_root();
	folder->before = made;
	snprintf(folder->path, sizeof folder->path, "%s/%u", root, count++);
	made = folder;
	if (mkdir(folder->path, 0700) != 0)
		ck_abort_msg("no temporary folder");
	return folder->path;
}

int tap_run(const char *suite, const TTest *const *tests, size_t count)
{
	Suite *s = suite_create(suite);
	TCase *c = tcase_create(suite);
	SRunner *runner;
	int failed;

	tcase_set_timeout(c, 900); /* for what hangs; no test is judged by how fast it is, on whatever machine */
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
