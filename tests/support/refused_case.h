/* SPDX-License-Identifier: Apache-2.0
 *
 * A scene (scene.h) in which the API server is about to refuse a token: kubectl processes that ask, and ask again.
 */
#ifndef USH_TEST_REFUSED_CASE_H
#define USH_TEST_REFUSED_CASE_H

#include "tests/support/scene.h"

#define SAYS(text, words) ck_assert_msg(strstr((text), (words)) != NULL, "\"%s\" lacks \"%s\"", (text), (words))

extern struct ush_asker kubectl; /* the one that runs now */
extern char token[4096];         /* what it got last */

/* Signed in, and the first kubectl has its token, which the API server is about to refuse. */
void begin(struct scene *scene);
void another_kubectl(struct scene *scene);

/* get-token; returns its status. */
int asks(struct scene *scene);
int asks_as(struct scene *scene, bool interactive);

void assert_nobody_was_asked(const struct scene *scene); /* but when it all began */

#endif
