/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/verb/verb.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/net/real.h"

static const char *profile_name, *flow_choice;

static void free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

enum ush_flow_choice ush_verb_flow(const char *text)
{
	static const char *const names[] = {
		[USH_FLOW_AUTO] = "auto", [USH_FLOW_BROWSER] = "browser", [USH_FLOW_DEVICE] = "device"};

	for (size_t i = 0; text != NULL && i < USH_COUNT(names); i++)
		if (strcmp(text, names[i]) == 0)
			return (enum ush_flow_choice)i;
	return USH_FLOW_AUTO;
}

/* Several and none named: which, is a person's choice. */
static int ask_for_name(char **names, size_t count, struct ush_error *err)
{
	USH_AUTO_BUF list = USH_BUF_MAX(256);

	for (size_t i = 0; i < count; i++)
		if (ush_buf_printf(&list, "%s%s", i > 0 ? ", " : "", names[i]) != 0)
			break;
	ush_fail(err, USH_ERR_USAGE, "which profile? There are %zu: %s%s", count, list.data,
		 list.overflow ? ", ..." : "");
	return ush_hint(err, "Name one: --profile %.64s", names[0]);
}

struct ush_profile *ush_verb_profile(const char *name, struct ush_error *err)
{
	struct ush_profile *profile = NULL;
	size_t count = 0;
	char **names;

	if (name != NULL)
		return ush_profile_load(name, err);
	names = ush_profile_names(&count);
	if (count == 1) {
		profile = ush_profile_load(names[0], err);
	} else if (count == 0) {
		ush_fail(err, USH_ERR_CONFIG, "there is no profile yet");
		ush_hint(err, "Write ~/.config/usher/profiles/NAME.yaml: see usher-profile(5)");
	} else {
		ask_for_name(names, count, err);
	}
	free_names(names, count);
	return profile;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_signin_options options = {
		.interactive = true, .fresh = true, .flow = ush_verb_flow(flow_choice), .say = stderr};
	USH_AUTO_PROFILE profile = ush_verb_profile(profile_name, err);
	USH_AUTO_TOKEN answer = {0};
	struct ush_world world;
	int r;

	(void)count;
	(void)operands;
	if (profile == NULL)
		return -1;
	ush_world_real(&world);
	r = ush_signin_token(&world, profile, &options, &answer, err);
	ush_world_real_free(&world);
	return r;
}

static const struct ush_option options[] = {
	{"profile", 'p', USH_OPTION_STRING, "NAME", "the profile, when there are several", &profile_name},
	{"flow", 0, USH_OPTION_CHOICE, "auto|browser|device", "how you are asked", &flow_choice},
	{NULL},
};

const struct ush_verb ush_verb_login = {"login", "", "sign in now, whatever is kept", options, 0, 0, run};
