/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/cli.h"
#include "plugin/verb/verb.h"

int main(int argc, char **argv)
{
	static const struct ush_verb *const verbs[] = {
		&ush_verb_get_token, &ush_verb_login, &ush_verb_logout, &ush_verb_status, NULL,
	};
	static const struct ush_program program = {
		.name = "usher",
		.command = "kubectl usher",
		.about = "Signs you in at your OpenID Connect provider and hands kubectl the token.",
		.verbs = verbs,
		.manual = "kubectl-usher(1)",
	};
	int status = ush_harden(argc);

	return status != 0 ? status : ush_cli_main(&program, argc, argv);
}
