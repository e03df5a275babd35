/* SPDX-License-Identifier: Apache-2.0
 *
 * argc0 PROGRAM: starts it with no arguments at all, not even its name (CVE-2021-4034 began so).
 */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	char *none[] = {NULL};

	if (argc == 2)
		syscall(SYS_execve, argv[1], none, environ);
	perror("argc0");
	return 127;
}
