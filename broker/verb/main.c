/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/verb/verb.h"

static const struct ush_verb *const verbs[] = {
	&ush_verb_validate, &ush_verb_import, &ush_verb_explain, &ush_verb_groups, &ush_verb_plan, &ush_verb_apply, &ush_verb_run, &ush_verb_serve_scim, &ush_verb_render, &ush_verb_onboard, &ush_verb_rbac, &ush_verb_offboard,
	&ush_verb_readmit, &ush_verb_elevate, &ush_verb_elevations, &ush_verb_break_glass, &ush_verb_review, &ush_verb_seal,
	&ush_verb_claims, &ush_verb_audit, &ush_verb_verify_log, NULL,
};

static const struct ush_program program = {
	.name = "usher-broker",
	.command = "usher-broker",
	.about = "turns identity-provider groups into Roles and RoleBindings, and finds over-broad grants",
	.verbs = verbs,
	.manual = "usher-broker(1)",
};

int main(int argc, char **argv)
{
	return ush_cli_main(&program, argc, argv);
}
