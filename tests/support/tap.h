/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit and story test includes: Check, printing TAP.
 *
 *   START_TEST(name) { ... } END_TEST
 *   TAP_MAIN("jose", name, another)
 *
 * Each test runs in a process of its own; CK_FORK=no keeps it in one, for valgrind.
 */
#ifndef USH_TEST_TAP_H
#define USH_TEST_TAP_H

#include <check.h>
#include <stddef.h>

/* A new folder at each call, removed with all that is in it when the test's process ends. */
const char *tap_folder(void);

int tap_run(const char *suite, const TTest *const *tests, size_t count);

#define TAP_MAIN(suite, ...)                                                                                           \
	int main(void)                                                                                                 \
	{                                                                                                              \
		const TTest *const tests[] = {__VA_ARGS__};                                                            \
		return tap_run(suite, tests, sizeof tests / sizeof tests[0]);                                          \
	}

#endif
