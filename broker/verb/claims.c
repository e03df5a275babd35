/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker claims: does what the API server sees of a person meet what the policy binds?
 */
#include <string.h>

#include "broker/claims/claims.h"
#include "broker/verb/verb.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/data/json.h"

#define TOKEN_MAX (256U << 10)

static struct ush_broker_options options = {.output = "text", .state_namespace = NULL};
static const char *token;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"token", 0, USH_OPTION_STRING, "FILE", "an ID token, or what a credential plugin prints; - for stdin. Else the API server is asked who we are", &token},
	USH_OPTIONS_CLUSTER(options),
	USH_OPTION_OUTPUT(options, "text|json"),
	{NULL},
};

static const char *const kinds[] = {[USH_TRUTH_OK] = "ok", [USH_TRUTH_NOTE] = "note", [USH_TRUTH_FAIL] = "FAIL"};

static int read_said(struct ush_said *said, const struct ush_policy *policy, const struct ush_broker *broker, json_t **keep, struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(TOKEN_MAX);
	USH_AUTO_JSON review = NULL;
	USH_AUTO_SECRET secret = NULL; /* what is wrong with it is told, and nothing of it */
	int result;

	if (token == NULL) {
		review = json_pack("{s:s, s:s}", "apiVersion", "authentication.k8s.io/v1", "kind", "SelfSubjectReview");
		if (ush_kube_review(&broker->kube, "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, keep, err) != 0)
			return -1;
		return ush_said_by_server(said, policy, *keep, err);
	}
	if (ush_file_read(token, USH_FILE_ANY, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return -1;
	secret = ush_secret_new(text.data, text.length);
	result = ush_said_by_token(said, policy, text.data != NULL ? text.data : "", text.length, keep, err);
	if (text.data != NULL)
		explicit_bzero(text.data, text.length);
	return result;
}

static int read_groups(const struct ush_world *world, const struct ush_policy *policy, struct ush_groups *groups, struct ush_error *err)
{
	for (size_t i = 0; i < policy->source_count; i++) {
		struct ush_list refs = {0}, patterns = {0};
		struct ush_source_question question = {.source = &policy->sources[i], .refs = &refs, .patterns = &patterns, .how = policy->group_name};
		int result;

		for (size_t j = 0; j < policy->grant_count; j++)
			if (policy->grants[j].source == i && policy->grants[j].group != NULL)
				ush_list_add(&refs, policy->grants[j].group);
			else if (policy->grants[j].source == i)
				ush_list_add(&patterns, policy->grants[j].group_pattern);
		result = ush_source_read(world, &question, &groups[i], err);
		ush_list_free(&refs);
		ush_list_free(&patterns);
		if (result != 0)
			return -1;
		if (!groups[i].complete)
			return ush_fail(err, USH_ERR_INCOMPLETE, "source %s is incomplete: %s", policy->sources[i].name, groups[i].why);
	}
	return 0;
}

static int print_text(const struct ush_truths *truths, const struct ush_said *said, struct ush_error *err)
{
	USH_AUTO_FREE char *person = ush_text_safe(said->person != NULL ? said->person : "somebody");
	USH_AUTO_BUF out = {0};

	ush_buf_printf(&out, "%s: %zu group%s %s\n", person, said->groups.count, said->groups.count == 1 ? "" : "s",
		       said->prefixed ? "at the API server" : "in the token");
	for (size_t i = 0; i < truths->count; i++) {
		const struct ush_truth *truth = &truths->items[i];
		USH_AUTO_FREE char *text = ush_text_safe(truth->text), *line = ush_text_safe(truth->line), *remedy = NULL;

		ush_buf_printf(&out, "%-4s  %s  %s\n", kinds[truth->kind], text, line);
		if (truth->remedy == NULL)
			continue;
		remedy = ush_text_safe(truth->remedy);
		ush_buf_printf(&out, "      %s\n", remedy);
	}
	return ush_broker_print(out.data, err);
}

static int print_json(const struct ush_truths *truths, const struct ush_said *said, struct ush_error *err)
{
	USH_AUTO_JSON json = json_pack("{s:s?, s:[]}", "person", said->person, "groups");
	json_t *list = json_object_get(json, "groups");

	for (size_t i = 0; i < truths->count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "verdict", kinds[truths->items[i].kind], "text", truths->items[i].text,
						      "meaning", truths->items[i].line, "remedy", truths->items[i].remedy));
	return ush_broker_print_json(json, err);
}

static int compare(const struct ush_broker *broker, const struct ush_policy *policy, struct ush_groups *groups, struct ush_error *err)
{
	USH_AUTO_TRUTHS truths = {0};
	USH_AUTO_JSON keep = NULL;
	struct ush_said said = {0};
	int result = -1;

	if (read_said(&said, policy, broker, &keep, err) == 0 && read_groups(&broker->world, policy, groups, err) == 0) {
		ush_claims_compare(&truths, policy, groups, &said);
		result = strcmp(options.output, "json") == 0 ? print_json(&truths, &said, err) : print_text(&truths, &said, err);
	}
	ush_list_free(&said.groups);
	return result == 0 && truths.failed > 0 ? ush_code_status(USH_DIFFERENCES) : result;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_POLICY policy = NULL;
	struct ush_groups *groups;
	int result;

	(void)count;
	(void)operands;
	if (ush_broker_need_policy(&options, err) != 0 || (policy = ush_policy_load(options.policy, NULL, err)) == NULL ||
	    ush_broker_open(&broker, &options, token == NULL, err) != 0)
		return -1;
	groups = ush_alloc((policy->source_count + 1) * sizeof *groups);
	result = compare(&broker, policy, groups, err);
	for (size_t i = 0; i < policy->source_count; i++)
		ush_groups_free(&groups[i]);
	free(groups);
	return result;
}

const struct ush_verb ush_verb_claims = {"claims", "", "compare what the API server sees of a person with what the policy binds", rows, 0, 0, run};
