/* SPDX-License-Identifier: Apache-2.0
 *
 * kubectl-usher, the program that every kubectl call runs: answers "get-token --profile NAME" from the session cache and
 * ends. Everything else, and every miss, is usher-signin's; that is also where every message but the few below comes
 * from, so that each is said in one place.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "plugin/front/asked.h"
#include "plugin/front/execinfo.h"
#include "plugin/front/record.h"

#define SIGNIN "usher-signin"

/* Prints and gives the exit status. write, because stdio would pull a page of its own in for one line. */
static int complain(enum ush_code code, const char *line)
{
	(void)!write(STDERR_FILENO, line, strlen(line));
	return ush_code_status(code);
}

/* Descriptors 0 to 2 are open after this, so that no file of ours lands where somebody else writes. */
static int settle_descriptors(void)
{
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		return -1;
	if (fcntl(STDIN_FILENO, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != STDIN_FILENO)
		return -1;
	if (fcntl(STDERR_FILENO, F_GETFD) < 0 && open("/dev/null", O_WRONLY) != STDERR_FILENO)
		return -1;
	return 0;
}

static void harden(void)
{
	static const struct rlimit none = {0, 0};

	umask(077);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

/* The NAME of "get-token --profile NAME" or "--profile=NAME" and nothing else, or NULL. */
static const char *plain_get_token(int argc, char **argv)
{
	static const char option[] = "--profile=";

	if (argc < 3 || strcmp(argv[1], "get-token") != 0)
		return NULL;
	if (argc == 3 && strncmp(argv[2], option, sizeof option - 1) == 0)
		return argv[2] + sizeof option - 1;
	return argc == 4 && strcmp(argv[2], "--profile") == 0 ? argv[3] : NULL;
}

/* jansson would open /dev/urandom; the kernel has already given this process 16 random bytes. */
static void seed_json(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM); /* NOLINT: it is an address */
	size_t seed = 0;

	if (random != NULL)
		memcpy(&seed, random, sizeof seed);
	if (seed != 0) /* 0 would mean /dev/urandom again */
		json_object_seed(seed);
}

/* identity: of the profile, 128 bytes. */
static struct ush_record *cached_record(const char *profile, char *identity)
{
	static char text[USH_RECORD_MAX]; /* first the profile's path, then the record */
	long length;

	if (ush_place_profile(profile, text, PATH_MAX, identity, 128, NULL) != 0)
		return NULL;
	length = ush_cache_load(identity, text, sizeof text);
	return length >= 0 ? ush_record_read(text, (size_t)length) : NULL;
}

static int64_t boot_ms(void)
{
	struct timespec t = {.tv_sec = 0};

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* An exit status, or -1 for a miss: whatever is not plainly in order. */
static int answer(const char *profile)
{
	static struct ush_execinfo info;
	const char *given = getenv("KUBERNETES_EXEC_INFO");
	struct ush_record *record; /* the kernel wipes the memory of a process that ends; nothing is freed here */
	struct ush_error err = {.code = USH_OK};
	struct ush_asked asked;
	struct ush_asker asker;
	char line[sizeof err.what + 16], identity[128];
	int64_t now = time(NULL);
	uint32_t token;

	seed_json();
	if (ush_execinfo_read(&info, given, NULL) != 0)
		return -1;
	record = cached_record(profile, identity);
	if (record == NULL || ush_record_judge(record, &info, now) != USH_HIT)
		return -1;
	token = ush_asked_mark(record->token, strlen(record->token));
	ush_asker_find(&asker, given);
	ush_asked_load(&asked, identity);
	if (ush_asked_knows(&asked, &asker))
		ush_asker_look(&asker);
	if (ush_asked_judge(&asked, &asker, token, now) != USH_DOUBT_NONE)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	if (ush_credential_print(STDOUT_FILENO, &info, record->token, record->expires, now, &err) == 0) {
		ush_asked_give(&asked, &asker, token, ush_credential_until(record->expires, now), boot_ms());
		ush_asked_save(&asked, identity);
		return 0;
	}
	snprintf(line, sizeof line, "usher: %s\n", err.what);
	return complain(err.code, line);
}

/* Whoever copied this program to where others may write shall not run what they put beside it. */
static bool is_foreign(const char *path)
{
	struct stat file, self;

	return stat(path, &file) == 0 && file.st_uid != 0 && file.st_uid != geteuid() &&
	       (stat("/proc/self/exe", &self) != 0 || file.st_uid != self.st_uid);
}

/* Beside this program, where it is installed relative to it, where it was configured to be. Never by the environment.
 * Comes back when there is none; *foreign when there is somebody else's. */
static void become_signin(bool *foreign, char **argv)
{
	static const char *const beside[] = {"/" SIGNIN, "/../libexec/usher/" SIGNIN};
	char self[PATH_MAX], path[PATH_MAX + 64];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	self[length > 0 ? length : 0] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash != NULL && i < USH_COUNT(beside); i++) {
		*slash = '\0';
		snprintf(path, sizeof path, "%s%s", self, beside[i]);
		if (is_foreign(path))
			*foreign = true;
		else
			execv(path, argv);
	}
	execv(USH_LIBEXECDIR "/" SIGNIN, argv);
}

int main(int argc, char **argv)
{
	const char *profile;
	bool foreign = false;
	int status;

	if (settle_descriptors() != 0)
		return complain(USH_ERR_USAGE, "usher: standard output is closed, so there is nowhere to put a token\n");
	if (argc < 1 || argv[0] == NULL || argv[0][0] == '\0') /* Linux 5.18 and newer make one empty argument of none */
		return complain(USH_ERR_USAGE, "usher: started without a name (argc is 0); that is no way to call a program\n");
	harden();
	profile = plain_get_token(argc, argv);
	status = profile != NULL ? answer(profile) : -1;
	if (status >= 0)
		_exit(status);
	become_signin(&foreign, argv);
	if (foreign)
		return complain(USH_ERR_STORE, "usher: the usher-signin beside kubectl-usher belongs to somebody else, so it is not run. Install usher again\n");
	return complain(USH_ERR_STORE, "usher: usher-signin is not where it was installed (" USH_LIBEXECDIR "). Install usher again\n");
}
