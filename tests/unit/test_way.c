/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that a person is told to paste: words as a shell reads them, and options that lead to where we are.
 */
#include "tests/support/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/verb/verb.h"
#include "broker/verb/watch.h"
#include "common/base/memory.h"
#include "common/kube/way.h"

/* What bash makes of a line: its words, a newline behind each. */
static char *as_bash_reads(const char *line)
{
	USH_AUTO_FREE char *command = ush_printf("set -- %s; printf '%%s\\n' \"$@\"", line);
	struct ush_buf out = {0};
	char piece[256];
	ssize_t n;
	int ends[2], status;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		execlp("bash", "bash", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while ((n = read(ends[0], piece, sizeof piece)) > 0)
		ush_buf_add(&out, piece, (size_t)n);
	close(ends[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	return ush_buf_take(&out);
}

static const char *const odd[] = {"plain", "my cluster", "it's", "a\"b", "$(id)", "`id`", "a\\b", "x;y&z|w", "*", "~", "#", "caf\xc3\xa9", "tab\there", "\xff\xfe", "", "arn:aws:eks:eu-west-1:1:cluster/a"};

START_TEST(a_word_is_read_by_a_shell_as_it_was)
{
	for (size_t i = 0; i < USH_COUNT(odd); i++) {
		USH_AUTO_FREE char *word = ush_text_word(odd[i]), *read = as_bash_reads(word), *want = ush_printf("%s\n", odd[i]);

		ck_assert_str_eq(read, want);
	}
}
END_TEST

/* What is printed goes through ush_text_line, which shows what is no printable ASCII otherwise. */
START_TEST(a_word_is_printed_as_it_is)
{
	for (size_t i = 0; i < USH_COUNT(odd); i++) {
		USH_AUTO_FREE char *word = ush_text_word(odd[i]);
		char line[256];

		ck_assert_str_eq(ush_text_line(line, sizeof line, word), word);
	}
}
END_TEST

static void lead(struct ush_broker *broker, const char *policy, const char *kubeconfig, const char *context, const char *state_namespace,
		 const struct ush_cluster *cluster)
{
	const struct ush_broker_options options = {.policy = policy, .kubeconfig = kubeconfig, .context = context, .state_namespace = state_namespace};

	*broker = (struct ush_broker){0};
	ush_broker_lead(broker, &options, cluster);
}

static void says(char *said, const char *want)
{
	ck_assert_str_eq(said, want);
	free(said);
}

START_TEST(where_kubectl_finds_the_cluster_by_itself_nothing_is_added)
{
	struct ush_broker broker;

	lead(&broker, "policy.yaml", NULL, NULL, "default", NULL);
	says(ush_way_kubectl(&broker.way, "get %s", "pods"), "kubectl get pods");
	says(ush_way_broker(&broker.way, "elevate --end %s", "0a1b2c3d"), "usher-broker elevate -f policy.yaml --end 0a1b2c3d");
	says(ush_way_broker(&broker.way, "plan"), "usher-broker plan -f policy.yaml");
	says(ush_way_rights(&broker.way, NULL), "usher-broker rbac -f policy.yaml");
	ush_way_free(&broker.way);
}
END_TEST

START_TEST(what_the_run_was_told_is_in_every_command)
{
	struct ush_broker broker;

	lead(&broker, "my policy.yaml", "/home/a b/config", "it's prod", "usher-system", NULL);
	says(ush_way_kubectl(&broker.way, "get pods"), "kubectl --kubeconfig '/home/a b/config' --context 'it'\\''s prod' get pods");
	says(ush_way_broker(&broker.way, "review %s --reason TEXT", "0a1b2c3d"),
	     "usher-broker review -f 'my policy.yaml' --kubeconfig '/home/a b/config' --context 'it'\\''s prod' --state-namespace usher-system 0a1b2c3d --reason TEXT");
	says(ush_way_policy(&broker.way, "groups --members"), "usher-broker groups -f 'my policy.yaml' --members");
	says(ush_way_rights(&broker.way, "onboard"), "usher-broker rbac --for onboard -f 'my policy.yaml' --state-namespace usher-system");
	ush_way_free(&broker.way);
}
END_TEST

START_TEST(a_cluster_of_the_policy_is_named_to_the_broker_and_shown_to_kubectl)
{
	const struct ush_cluster stage = {.name = (char[]){"stage"}, .kubeconfig = (char[]){"/etc/stage.conf"}};
	const struct ush_cluster here = {.name = (char[]){"here"}};
	struct ush_broker broker;

	lead(&broker, "policy.yaml", NULL, NULL, NULL, &stage);
	says(ush_way_kubectl(&broker.way, "get pods"), "kubectl --kubeconfig /etc/stage.conf get pods");
	says(ush_way_broker(&broker.way, "plan -o json"), "usher-broker plan -f policy.yaml --cluster stage -o json");
	ush_way_free(&broker.way);
	lead(&broker, "policy.yaml", NULL, NULL, NULL, &here);
	says(ush_way_kubectl(&broker.way, "get pods"), "kubectl get pods");
	says(ush_way_broker(&broker.way, "plan"), "usher-broker plan -f policy.yaml --cluster here");
	ush_way_free(&broker.way);
}
END_TEST

START_TEST(where_nobody_knows_the_policy_its_place_is_kept)
{
	struct ush_broker broker;

	says(ush_way_kubectl(NULL, "get pods"), "kubectl get pods");
	says(ush_way_broker(NULL, "plan -o json"), "usher-broker plan -f POLICY -o json");
	says(ush_way_rights(NULL, NULL), "usher-broker rbac -f POLICY");
	lead(&broker, NULL, NULL, "prod", NULL, NULL);
	says(ush_way_kubectl(&broker.way, "delete clusterrolebinding x"), "kubectl --context prod delete clusterrolebinding x");
	says(ush_way_broker(&broker.way, "plan"), "usher-broker plan -f POLICY");
	ush_way_free(&broker.way);
}
END_TEST

/* Where the policy says it, no command need. */
START_TEST(the_state_is_where_the_policy_says_or_else_the_option)
{
	static const struct {
		const char *policy, *option, *is, *said; /* is NULL: refused */
	} cases[] = {
		{NULL, NULL, "default", ""},
		{NULL, "ops", "ops", " --state-namespace ops"},
		{NULL, "default", "default", ""},
		{"usher-system", NULL, "usher-system", ""},
		{"usher-system", "usher-system", "usher-system", ""},
		{"default", NULL, "default", ""},
		{"usher-system", "default", NULL, NULL},
		{"default", "ops", NULL, NULL},
		{NULL, "../x", NULL, NULL},
		{NULL, "", NULL, NULL},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		const struct ush_policy policy = {.file = (char[]){"p.yaml"}, .state_namespace = (char *)(uintptr_t)cases[i].policy};
		struct ush_broker_options options = {.policy = "p.yaml", .state_namespace = cases[i].option};
		struct ush_broker broker = {0};
		struct ush_error err = {0};

		ck_assert_int_eq(ush_broker_settle(&options, &policy, &err), cases[i].is != NULL ? 0 : -1);
		ck_assert_int_eq(err.code, cases[i].is != NULL ? USH_OK : USH_ERR_USAGE);
		if (cases[i].is == NULL) {
			ck_assert(strstr(err.what, cases[i].option) != NULL && (cases[i].policy == NULL || strstr(err.what, cases[i].policy) != NULL));
			continue;
		}
		ck_assert_str_eq(options.state_namespace, cases[i].is);
		ush_broker_lead(&broker, &options, NULL);
		ck_assert_str_eq(broker.way.state, cases[i].said);
		ush_way_free(&broker.way);
	}
}
END_TEST

START_TEST(who_stays_keeps_to_the_namespace_where_it_began)
{
	struct ush_watch watch = {0};

	ck_assert(ush_watch_place(&watch, "usher-system"));
	ck_assert(ush_watch_place(&watch, "usher-system"));
	ck_assert(!ush_watch_place(&watch, "default"));
	ush_watch_free(&watch); /* somebody asked it to say everything again */
	ck_assert(!ush_watch_place(&watch, "default"));
	ck_assert(ush_watch_place(&watch, "usher-system"));
}
END_TEST

START_TEST(a_hint_holds_a_command_with_long_paths_whole)
{
	char path[201] = "/", context[101];
	struct ush_error err = {0};
	struct ush_broker broker;
	char *command;

	memset(path + 1, 'p', sizeof path - 2);
	memset(context, 'c', sizeof context - 1);
	path[200] = context[100] = '\0';
	lead(&broker, path, path, context, NULL, NULL);
	command = ush_way_broker(&broker.way, "elevate --end 0a1b2c3d");
	ush_hint(&err, "Sooner: %s", command);
	ck_assert_str_eq(err.hint + strlen("Sooner: "), command);
	free(command);
	ush_way_free(&broker.way);
}
END_TEST

TAP_MAIN("way", the_state_is_where_the_policy_says_or_else_the_option, who_stays_keeps_to_the_namespace_where_it_began,
	 a_word_is_read_by_a_shell_as_it_was, a_word_is_printed_as_it_is, where_kubectl_finds_the_cluster_by_itself_nothing_is_added,
	 what_the_run_was_told_is_in_every_command, a_cluster_of_the_policy_is_named_to_the_broker_and_shown_to_kubectl,
	 where_nobody_knows_the_policy_its_place_is_kept, a_hint_holds_a_command_with_long_paths_whole)
