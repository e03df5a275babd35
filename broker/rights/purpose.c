/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/rights/rights.h"
#include "common/base/memory.h"

static void need_onboard(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace)
{
	ush_rights_of(rights, policy, state_namespace);
	ush_rights_add_onboard(rights, policy, state_namespace);
}

static const struct ush_purpose purposes[] = {
	{"sync", "usher-broker", (const char *const[]){"plan", "apply", "run", NULL}, ush_rights_of, true},
	{"onboard", "usher-onboard", (const char *const[]){"onboard", NULL}, need_onboard, true},
	{"offboard", "usher-offboard", (const char *const[]){"offboard", "readmit", NULL}, ush_rights_of_offboard, false},
	{"elevate", "usher-elevate", (const char *const[]){"elevate", "elevations", "break-glass", "review", NULL}, ush_rights_of_elevate, false},
};

const struct ush_purpose *ush_purpose_named(const char *name)
{
	for (size_t i = 0; i < USH_COUNT(purposes); i++)
		if (strcmp(purposes[i].name, name) == 0)
			return &purposes[i];
	return NULL;
}

const struct ush_purpose *ush_purpose_of(const char *verb)
{
	for (size_t i = 0; i < USH_COUNT(purposes); i++)
		for (const char *const *its = purposes[i].verbs; *its != NULL; its++)
			if (strcmp(*its, verb) == 0)
				return &purposes[i];
	return &purposes[0];
}
