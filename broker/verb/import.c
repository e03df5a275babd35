/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker import: other tools' configuration as a policy, and the proof that it means the bindings that stand.
 */
#include <stdio.h>
#include <string.h>

#include "broker/import/import.h"
#include "broker/verb/verb.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static struct ush_broker_options options;
static const char *against, *prefix, *groups_file;

static const struct ush_option rows[] = {
	{"plan-against", 0, USH_OPTION_STRING, "PLACE", "compare with the bindings in a folder of manifests, or in the \"cluster\"", &against},
	{"group-prefix", 0, USH_OPTION_STRING, "TEXT", "what the API server puts in front of groups, found out unless said", &prefix},
	{"groups", 0, USH_OPTION_STRING, "FILE", "write the groups that the files name there, for a file source", &groups_file},
	USH_OPTIONS_CLUSTER(options),
	{NULL},
};

static int look(struct ush_standing *standing, struct ush_broker *broker, struct ush_error *err)
{
	bool live = against != NULL && strcmp(against, "cluster") == 0;

	if (against == NULL)
		return 0;
	standing->way = &broker->way;
	if (live && ush_broker_open(broker, &options, true, err) != 0)
		return -1;
	return ush_broker_standing(standing, live ? &broker->kube : NULL, live ? NULL : against, err);
}

/* ---- what is said ---- */

static void say(const char *before, const char *text)
{
	USH_AUTO_FREE char *safe = ush_text_safe(text);

	fprintf(stderr, "usher-broker: %s%s\n", before, safe);
}

static int print_proof(struct ush_standing *proof, const struct ush_policy *policy, const struct ush_import *import)
{
	ush_standing_compare(proof, policy, import);
	for (size_t i = 0; i < proof->differences.count; i++)
		say("", proof->differences.items[i]);
	for (size_t i = 0; i < proof->notes.count; i++)
		say("note: ", proof->notes.items[i]);
	fprintf(stderr, "usher-broker: %zu binding%s would only get our marks, %zu %s, %zu of others %s left alone\n", proof->same,
		proof->same == 1 ? "" : "s", proof->differences.count, proof->differences.count == 1 ? "differs" : "differ", proof->others,
		proof->others == 1 ? "is" : "are");
	return ush_code_status(proof->differences.count == 0 ? USH_OK : USH_DIFFERENCES);
}

static int write_groups(const struct ush_import *import, struct ush_error *err)
{
	USH_AUTO_JSON json = ush_import_groups(import);
	USH_AUTO_FREE char *text = json_dumps(json, JSON_INDENT(2)), *line = ush_printf("%s\n", text);

	return ush_file_write(groups_file, line, strlen(line), 0644, err);
}

static int status_of(const struct ush_import *import, int proof)
{
	if (import->skipped > 0)
		fprintf(stderr, "usher-broker: %zu of them %s: the policy is a part of what the files say, and what it leaves out stays as it is\n", import->skipped,
			import->skipped == 1 ? "is a binding or source" : "are bindings or sources");
	return proof != 0 || import->skipped == 0 ? proof : ush_code_status(USH_ERR_PARTIAL);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_IMPORT import = {.prefix = prefix};
	USH_AUTO_STANDING proof = {0};
	USH_AUTO_POLICY policy = NULL;
	USH_AUTO_BUF out = {0};

	if (look(&proof, &broker, err) != 0)
		return -1;
	import.there = &proof.names;
	for (size_t i = 0; i < count; i++)
		if (ush_import_file(&import, operands[i], err) != 0)
			return -1;
	if (ush_import_finish(&import, err) != 0)
		return -1;
	policy = ush_import_policy(&import, &out, err);
	if (policy == NULL)
		return ush_hint(err, "A source or name in the files cannot stand in a policy; see usher-policy(5)");
	if ((groups_file != NULL && write_groups(&import, err) != 0) || ush_broker_print(out.data, err) != 0)
		return -1;
	if (import.left.count > 0)
		fprintf(stderr, "usher-broker: %zu thing%s could not be carried over; the policy names %s at its top\n", import.left.count,
			import.left.count == 1 ? "" : "s", import.left.count == 1 ? "it" : "them");
	return status_of(&import, against != NULL ? print_proof(&proof, policy, &import) : 0);
}

const struct ush_verb ush_verb_import = {"import", "FILE...", "make a policy of other tools' configuration, and prove that it means the same", rows, 1, 1000, run};
