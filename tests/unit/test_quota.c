/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel grants a person 20,000 bytes of keys for everything (keyrings(7)): what must not be lost when they are full.
 */
#include "tests/support/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/front/asked.h"
#include "plugin/front/record.h"

#define PROFILES 12   /* with rings beside them more than fits */
#define TOKEN    1500 /* bytes of a record, which all together fit */

static const struct ush_asker asker = {.pid = 100, .about = 1, .born_ms = 1};

static char *identity_of(int i)
{
	return ush_printf("usher:quota-%ld-%d", (long)getpid(), i);
}

static void drop_all(void)
{
	for (int i = 0; i <= PROFILES; i++) {
		USH_AUTO_FREE char *identity = identity_of(i);
		char ring[USH_ASKED_IDENTITY];

		ush_asked_identity(ring, identity);
		ush_cache_drop(ring);
		ush_cache_drop(identity);
	}
}

/* How many bytes of keys a person has, or 0: it cannot be told, or is not what an ordinary system has. */
static long quota(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/kernel/keys/maxbytes", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtol(text, NULL, 10) : 0;
}

/* As a person who has no keys yet, whom only the superuser can become: whoever runs this has keys of his own. Returns how
 * many tokens lie in the kernel at last, or more than there are: it cannot be tried here. */
static int fill(bool rings_first)
{
	static char token[TOKEN];
	struct ush_asked asked;
	int kept = 0;

	if (setgid(65533) != 0 || setuid(1000000 + (uid_t)getpid()) != 0)
		return PROFILES + 1;
	if (syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1) < 0)
		return PROFILES + 1;
	unsetenv("XDG_RUNTIME_DIR"); /* the kernel is all there is */
	memset(token, 'x', sizeof token);
	memset(&asked, 0, sizeof asked);
	ush_asked_read(&asked, NULL, -1);
	ush_asked_give(&asked, &asker, 1, 1000, 2);
	for (int i = 0; i < PROFILES; i++) {
		USH_AUTO_FREE char *identity = identity_of(i);
		const char *where;

		if (rings_first)
			ush_asked_save(&asked, identity);
		ush_cache_save(identity, token, sizeof token, 600, &where);
		if (!rings_first)
			ush_asked_save(&asked, identity);
	}
	for (int i = 0; i < PROFILES; i++) {
		USH_AUTO_FREE char *identity = identity_of(i);

		kept += ush_cache_load(identity, token, sizeof token) == TOKEN;
	}
	drop_all();
	return kept;
}

static int in_a_child(bool rings_first)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(fill(rings_first));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(the_askers_never_push_a_token_out)
{
	if (quota() != 20000)
		return; /* where there is room, there is nothing to show */
	for (int rings_first = 0; rings_first < 2; rings_first++) {
		int kept = in_a_child(rings_first);

		if (kept <= PROFILES)
			ck_assert_int_eq(kept, PROFILES);
	}
}
END_TEST

TAP_MAIN("quota", the_askers_never_push_a_token_out)
