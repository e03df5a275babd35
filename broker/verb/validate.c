/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker validate: every fault of a policy, a line each, without asking anybody anything; and the schema by which
 * others can ask.
 */
#include <stdio.h>
#include <string.h>

#include "broker/policy/schema.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static struct ush_broker_options options = {.output = "text"};
static bool schema;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	USH_OPTION_OUTPUT(options, "text|json"),
	{"schema", 0, USH_OPTION_FLAG, NULL, "print the JSON Schema of policies instead", &schema},
	{NULL},
};

static void print_faults(const struct ush_list *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		USH_AUTO_FREE char *line = ush_text_safe(faults->items[i]);

		fprintf(stderr, "%s\n", line);
	}
}

/* "name:line:column: field: why" taken apart; a fault without a place (no such file) has a message alone. */
static json_t *fault_json(const char *fault, const char *file)
{
	size_t length = strlen(file);
	unsigned int line, column;
	int end = 0;

	if (strncmp(fault, file, length) != 0 || sscanf(fault + length, ":%u:%u: %n", &line, &column, &end) != 2 || end == 0)
		return json_pack("{s:s}", "message", fault);
	return json_pack("{s:i, s:i, s:s}", "line", (int)line, "column", (int)column, "message", fault + length + end);
}

static json_t *all_json(const struct ush_list *lines, const char *file)
{
	json_t *all = json_array();

	for (size_t i = 0; i < lines->count; i++)
		json_array_append_new(all, fault_json(lines->items[i], file));
	return all;
}

/* Those under `grants`: the roles of templates, which are grants too, are counted with their templates. */
static size_t written_grants(const struct ush_policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->grant_count; i++)
		count += !policy->grants[i].of_template;
	return count;
}

static json_t *report(const struct ush_policy *policy, const struct ush_list *faults, const struct ush_list *notes, const char *file)
{
	json_t *all = all_json(faults, file);

	if (policy == NULL)
		return json_pack("{s:s, s:b, s:o}", "file", file, "valid", false, "faults", all);
	return json_pack("{s:s, s:b, s:o, s:o, s:s, s:s, s:I, s:I, s:I, s:I}", "file", file, "valid", true, "faults", all, "notes", all_json(notes, file), "name", policy->name,
			 "digest", policy->digest, "sources", (json_int_t)policy->source_count, "roles", (json_int_t)policy->role_count, "grants",
			 (json_int_t)written_grants(policy), "templates", (json_int_t)policy->template_count);
}

/* The reader asks no clock; here it is late enough to say that an exception has ended. */
static void check_exceptions(const struct ush_policy *policy, int64_t now, struct ush_list *faults)
{
	for (size_t i = 0; i < policy->exception_count; i++) {
		const struct ush_exception *exception = &policy->exceptions[i];
		USH_AUTO_FREE char *line = NULL;

		if (now < exception->until)
			continue;
		line = ush_printf("%s:%u:1: exceptions[%zu].until: has passed, so %s is refused again (%s); its grants have ended", policy->file, exception->line, i,
				  exception->what, exception->owner);
		ush_list_add(faults, line);
	}
}

static bool may_be_lent(const struct ush_policy *policy, size_t role)
{
	for (size_t i = 0; i < policy->elevation_count; i++)
		for (size_t k = 0; k < policy->elevations[i].roles.count; k++)
			if (strcmp(policy->elevations[i].roles.items[k], policy->roles[role].name) == 0)
				return true;
	for (size_t i = 0; i < policy->seal_count; i++)
		if (policy->seals[i].role == role)
			return true;
	return false;
}

static bool uses_role(const struct ush_policy *policy, size_t role)
{
	for (size_t i = 0; i < policy->grant_count; i++)
		if (policy->grants[i].role == role)
			return true;
	return may_be_lent(policy, role);
}

static bool uses_source(const struct ush_policy *policy, size_t source)
{
	for (size_t i = 0; i < policy->grant_count; i++)
		if (policy->grants[i].source == source && !policy->grants[i].kubernetes)
			return true;
	return false;
}

/* No fault, but seldom meant: what nothing refers to. Of a policy without grants that is everything. */
static void note_unused(const struct ush_policy *policy, struct ush_list *notes)
{
	for (size_t i = 0; i < policy->source_count && policy->grant_count > 0; i++)
		if (!uses_source(policy, i)) {
			USH_AUTO_FREE char *line = ush_printf("%s:%u:1: sources.%s: note: no grant and no template names it", policy->file, policy->sources[i].line, policy->sources[i].name);

			ush_list_add(notes, line);
		}
	for (size_t i = 0; i < policy->role_count && policy->grant_count > 0; i++)
		if (!uses_role(policy, i)) {
			USH_AUTO_FREE char *line = ush_printf("%s:%u:1: roles.%s: note: no grant and no template uses it", policy->file, policy->roles[i].line, policy->roles[i].name);

			ush_list_add(notes, line);
		}
}

static void print_text(const struct ush_policy *policy)
{
	const struct {
		const char *word;
		size_t count;
	} parts[] = {{"source", policy->source_count}, {"role", policy->role_count}, {"grant", written_grants(policy)}, {"template", policy->template_count}};

	printf("%s is valid: ", policy->file);
	for (size_t i = 0; i < USH_COUNT(parts) - (policy->template_count == 0); i++) {
		char number[32];

		printf("%s%s %s%s", i > 0 ? ", " : "", ush_thousands(parts[i].count, number, sizeof number), parts[i].word, parts[i].count == 1 ? "" : "s");
	}
	printf("\n");
}

static int validate(struct ush_list *faults, struct ush_list *notes, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	struct ush_error first = {0};
	USH_AUTO_POLICY policy = ush_policy_load(options.policy, faults, &first);
	const char *file = strcmp(options.policy, "-") == 0 ? "stdin" : options.policy;
	bool json = strcmp(options.output, "json") == 0;

	if (ush_broker_open(&broker, &options, false, err) != 0)
		return -1;
	if (policy != NULL)
		check_exceptions(policy, ush_now(&broker.world), faults);
	if (policy != NULL)
		note_unused(policy, notes);
	if (json) {
		USH_AUTO_JSON whole = report(faults->count == 0 ? policy : NULL, faults, notes, file);

		if (ush_broker_print_json(whole, err) != 0)
			return -1;
	} else if (faults->count == 0) {
		print_faults(notes);
		print_text(policy);
	} else {
		print_faults(faults);
	}
	return faults->count == 0 ? 0 : ush_code_status(policy != NULL ? USH_ERR_CONFIG : first.code);
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_list faults = {0}, notes = {0};
	int status;

	if (schema) {
		USH_AUTO_JSON json = ush_policy_schema();

		return ush_broker_print_json(json, err);
	}
	if (count > 0)
		options.policy = operands[0];
	if (ush_broker_need_policy(&options, err) != 0)
		return -1;
	status = validate(&faults, &notes, err);
	ush_list_free(&faults);
	ush_list_free(&notes);
	return status;
}

const struct ush_verb ush_verb_validate = {"validate", "[POLICY]", "check a policy and show every fault", rows, 0, 1, run};
