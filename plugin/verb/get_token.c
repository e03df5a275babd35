/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/verb/signin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/net/real.h"
#include "plugin/front/record.h"

static const char *profile_name, *flow_choice;

/* A token goes only to a server that the profile's owner wrote down: a kubeconfig from elsewhere may name any. */
static int check_server(const struct ush_profile *profile, const struct ush_execinfo *info, struct ush_error *err)
{
	if (info->server[0] == '\0') {
		ush_fail(err, USH_ERR_REFUSED,
			 "kubectl did not say which API server the token is for; no token was given");
		return ush_hint(err, "Set provideClusterInfo: true in the kubeconfig's exec section");
	}
	if (info->insecure) {
		ush_fail(err, USH_ERR_REFUSED, "kubectl would not check that %.200s is who it says (insecure-skip-tls-verify); no token was given",
			 info->server);
		return ush_hint(err, "Set certificate-authority in the kubeconfig's cluster instead");
	}
	for (size_t i = 0; i < profile->server_count; i++)
		if (ush_server_same(profile->servers[i], info->server))
			return 0;
	ush_fail(err, USH_ERR_REFUSED, "%.200s is not a server of profile %s; no token was given", info->server,
		 profile->name);
	return ush_hint(err, "If it should be: add it to servers in %.180s", profile->path);
}

int ush_get_token(const struct ush_world *world, const struct ush_profile *profile,
		  const struct ush_signin_options *options, const struct ush_execinfo *info, int fd,
		  struct ush_error *err)
{
	struct ush_signin_options asking = *options;
	USH_AUTO_TOKEN answer = {0};

	asking.interactive = info->interactive;
	if (check_server(profile, info, err) != 0 || ush_signin_token(world, profile, &asking, &answer, err) != 0)
		return -1;
	if (ush_credential_print(fd, info, ush_secret_reveal(answer.token), answer.expires, ush_now(world), err) != 0)
		return -1;
	ush_doubt_given(world, profile, options, &answer);
	return 0;
}

/* Takes stdout away from everybody else: what a library or a child prints goes to stderr. */
static int reserve_stdout(struct ush_error *err)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return ush_fail(err, USH_ERR_STORE, "stdout: %s", strerror(errno));
	return fd;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_signin_options options = {.flow = ush_verb_flow(flow_choice), .say = stderr};
	USH_AUTO_PROFILE profile = NULL;
	const char *given = getenv("KUBERNETES_EXEC_INFO");
	struct ush_asker asker;
	struct ush_execinfo info;
	struct ush_world world;
	int fd, r;

	(void)count;
	(void)operands;
	if (profile_name == NULL) {
		ush_fail(err, USH_ERR_USAGE, "get-token needs --profile NAME");
		return ush_hint(err, "In the kubeconfig: args: [get-token, --profile, NAME]");
	}
	if (ush_execinfo_read(&info, given, err) != 0)
		return -1;
	ush_asker_find(&asker, given);
	ush_asker_look(&asker);
	options.asker = &asker;
	options.aside = true;
	profile = ush_profile_load(profile_name, err);
	fd = profile != NULL ? reserve_stdout(err) : -1;
	if (fd < 0)
		return -1;
	ush_world_real(&world);
	r = ush_get_token(&world, profile, &options, &info, fd, err);
	ush_world_real_free(&world);
	if (close(fd) != 0 && r == 0)
		r = ush_fail(err, USH_ERR_STORE, "stdout: %s", strerror(errno));
	return r;
}

static const struct ush_option options[] = {
	{"profile", 'p', USH_OPTION_STRING, "NAME", "the profile to sign in with", &profile_name},
	{"flow", 0, USH_OPTION_CHOICE, "auto|browser|device", "how a person is asked", &flow_choice},
	{NULL},
};

const struct ush_verb ush_verb_get_token = {"get-token", "", "answer kubectl with a token (kubectl runs this, not you)", options, 0, 0, run};
