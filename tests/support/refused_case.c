/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/refused_case.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/tap.h"

struct ush_asker kubectl;
char token[4096];

void another_kubectl(struct scene *scene)
{
	kubectl.pid++;
	kubectl.about = 1;
	kubectl.born_ms = scene->idp->boot_ms;
	scene->options.asker = &kubectl;
	scene_pass(scene, 1); /* so that the provider's next token is another */
}

int asks_as(struct scene *scene, bool interactive)
{
	struct ush_execinfo info = {.api_version = "client.authentication.k8s.io/v1", .interactive = interactive, .server = "https://k8s.example.com:6443"};
	static char text[65536];
	USH_AUTO_JSON answer = NULL;
	int pipes[2];
	ssize_t n;

	ush_error_clear(&scene->err);
	ck_assert_int_eq(pipe2(pipes, O_NONBLOCK), 0);
	ush_get_token(&scene->idp->world, scene->profile, &scene->options, &info, pipes[1], &scene->err);
	n = read(pipes[0], text, sizeof text);
	close(pipes[0]);
	close(pipes[1]);
	answer = n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
	snprintf(token, sizeof token, "%s", n > 0 ? ush_json_string(ush_json_object(answer, "status"), "token") : "");
	scene_pass(scene, 1);
	return ush_code_status(scene->err.code);
}

int asks(struct scene *scene)
{
	return asks_as(scene, false);
}

void begin(struct scene *scene)
{
	scene_begin(scene, NULL);
	scene->idp->id_life = 3600;
	ck_assert_msg(scene_sign_in(scene) == 0, "%s", scene->err.what);
	ck_assert_int_eq(scene_page(scene), 1);
	another_kubectl(scene);
	ck_assert_int_eq(asks(scene), 0);
	scene_said(scene);
}

void assert_nobody_was_asked(const struct scene *scene)
{
	ck_assert_uint_eq(scene->opened, 1);
	ck_assert_uint_eq(fake_idp_count(scene->idp, "/device"), 0);
}
