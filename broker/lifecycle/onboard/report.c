/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define LINES_MOST 20 /* of what did not go well, when there are many namespaces */
#define KINDS_MOST 8

static const struct {
	const char *word, *name; /* for people; in JSON */
	bool well;
} outcomes[USH_ONBOARD_OUTCOMES] = {
	[USH_ONBOARD_UNTRIED] = {"untried", "untried", false},
	[USH_ONBOARD_CREATED] = {"created", "created", true},
	[USH_ONBOARD_PATCHED] = {"patched", "patched", true},
	[USH_ONBOARD_UNCHANGED] = {"unchanged", "unchanged", true},
	[USH_ONBOARD_DIFFERS] = {"differs", "differs", false},
	[USH_ONBOARD_FOREIGN] = {"left", "foreign", false},
	[USH_ONBOARD_ABSENT] = {"missing", "missing", false},
	[USH_ONBOARD_WOULD_CREATE] = {"would create", "wouldCreate", true},
	[USH_ONBOARD_WOULD_PATCH] = {"would patch", "wouldPatch", true},
	[USH_ONBOARD_WAITS] = {"waits", "waiting", false},
	[USH_ONBOARD_REFUSED] = {"refused", "refused", false},
	[USH_ONBOARD_FAILED] = {"failed", "failed", false},
};

/* ---- every object, in order ---- */

struct row {
	const char *kind, *name, *space, *text;
	const struct ush_onboard_thing *thing;
};

/* Object `at` of a namespace, those of the template first; false past the end. */
static bool row_at(const struct ush_onboard *onboard, size_t space, size_t at, size_t *cursor, struct row *row)
{
	size_t objects = json_array_size(onboard->objects);
	const json_t *object = json_array_get(onboard->objects, at);

	row->space = onboard->spaces[space].name;
	row->text = NULL;
	if (at < objects) {
		row->kind = ush_json_string(object, "kind");
		row->name = at == 0 ? row->space : ush_json_string(ush_json_object(object, "metadata"), "name");
		row->thing = &onboard->spaces[space].things[at];
		return true;
	}
	while (*cursor < onboard->role_count && onboard->roles[*cursor].space != space)
		++*cursor;
	if (*cursor == onboard->role_count)
		return false;
	row->kind = ush_rbac_kind_name(onboard->roles[*cursor].kind);
	row->name = onboard->roles[*cursor].name;
	row->text = onboard->roles[*cursor].text;
	row->thing = &onboard->roles[(*cursor)++].thing;
	return true;
}

size_t ush_onboard_count(const struct ush_onboard *onboard, enum ush_onboard_outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < onboard->space_count; i++)
		for (size_t k = 0; k < json_array_size(onboard->objects); k++)
			count += onboard->spaces[i].things[k].outcome == outcome;
	for (size_t i = 0; i < onboard->role_count; i++)
		count += onboard->roles[i].thing.outcome == outcome;
	return count;
}

/* ---- json ---- */

static json_t *space_json(const struct ush_onboard *onboard, size_t space)
{
	json_t *objects = json_array();
	size_t cursor = 0;
	struct row row;

	for (size_t i = 0; row_at(onboard, space, i, &cursor, &row); i++)
		json_array_append_new(objects, json_pack("{s:s, s:s, s:s, s:s*}", "kind", row.kind, "name", row.name, "outcome", outcomes[row.thing->outcome].name, "why",
							 row.thing->why));
	return json_pack("{s:s, s:b, s:o}", "name", onboard->spaces[space].name, "new", onboard->spaces[space].is_new, "objects", objects);
}

json_t *ush_onboard_json(const struct ush_onboard *onboard)
{
	static const char *const dry[] = {[USH_DRY_NONE] = "none", [USH_DRY_CLIENT] = "client", [USH_DRY_SERVER] = "server"};
	json_t *spaces = json_array(), *values = json_object();

	for (size_t i = 0; i < onboard->values->count; i++) {
		const char *text = onboard->values->items[i], *equals = strchr(text, '=');
		USH_AUTO_FREE char *key = ush_strndup(text, (size_t)(equals - text));

		json_object_set_new(values, key, json_string(equals + 1));
	}
	for (size_t i = 0; i < onboard->space_count; i++)
		json_array_append_new(spaces, space_json(onboard, i));
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:{s:I, s:o, s:o, s:s*}}", "apiVersion", USH_POLICY_API, "kind", "Onboarding", "template",
			 onboard->template->name, "values", values, "dryRun", dry[onboard->dry], "namespaces", spaces, "waiting", ush_list_json(&onboard->waiting), "warnings",
			 ush_list_json(&onboard->warnings), "proof", "reviews", (json_int_t)onboard->proved, "proved", ush_list_json(&onboard->proofs), "failed",
			 ush_list_json(&onboard->disproofs), "why", onboard->no_proof);
}

json_t *ush_onboard_manifests(const struct ush_onboard *onboard, const struct ush_plan *plan)
{
	static const enum ush_rbac_kind passes[] = {USH_ROLE, USH_ROLE_BINDING};
	json_t *all = json_array();

	for (size_t i = 0; i < onboard->space_count; i++) {
		USH_AUTO_JSON objects = ush_onboard_objects(onboard->template, onboard->values, onboard->spaces[i].name);

		json_array_extend(all, objects);
		for (size_t k = 0; k < USH_COUNT(passes) && plan != NULL; k++)
			for (size_t n = 0; n < plan->change_count; n++) {
				const struct ush_change *change = &plan->changes[n];

				if (change->action == USH_CREATE && !change->consent && change->kind == passes[k] &&
				    strcmp(change->namespace_name, onboard->spaces[i].name) == 0)
					json_array_append_new(all, ush_change_object(plan, change, NULL));
			}
	}
	return all;
}

/* ---- text ---- */

static void add_safe(struct ush_buf *out, const char *before, const char *text, const char *behind)
{
	USH_AUTO_FREE char *safe = ush_text_safe(text);

	ush_buf_printf(out, "%s%s%s", before, safe, behind);
}

static void add_note(struct ush_buf *out, const struct ush_onboard *onboard, const struct row *row)
{
	if (strcmp(row->kind, "Namespace") == 0 && onboard->template->enforce != NULL)
		ush_buf_printf(out, " (pod-security %s)", onboard->template->enforce);
	else if (strcmp(row->kind, "ServiceAccount") == 0)
		ush_buf_puts(out, " (no token automount)");
	else if (row->text != NULL && row->text[0] != '\0')
		add_safe(out, " (", row->text, ")");
}

static void add_line(struct ush_buf *out, const struct ush_onboard *onboard, const struct row *row, bool with_space)
{
	ush_buf_printf(out, "%-9s %s ", outcomes[row->thing->outcome].word, row->kind);
	if (with_space && strcmp(row->kind, "Namespace") != 0)
		ush_buf_printf(out, "%s/", row->space);
	add_safe(out, "", row->name, "");
	if (row->thing->why != NULL)
		add_safe(out, ": ", row->thing->why, "");
	else
		add_note(out, onboard, row);
	ush_buf_puts(out, "\n");
}

/* What is in a namespace that was refused is not worth a line. */
static bool is_moot(const struct ush_onboard *onboard, size_t space, const struct row *row)
{
	return row->thing->outcome == USH_ONBOARD_UNTRIED && onboard->spaces[space].things[0].outcome == USH_ONBOARD_REFUSED;
}

static void add_one(struct ush_buf *out, const struct ush_onboard *onboard)
{
	size_t cursor = 0;
	struct row row;

	for (size_t i = 0; row_at(onboard, 0, i, &cursor, &row); i++)
		if (!is_moot(onboard, 0, &row))
			add_line(out, onboard, &row, false);
}

struct tally {
	const char *kind;
	size_t count;
};

static void count_kind(struct tally *tallies, const char *kind)
{
	size_t i = 0;

	while (i < KINDS_MOST - 1 && tallies[i].kind != NULL && strcmp(tallies[i].kind, kind) != 0)
		i++;
	tallies[i].kind = kind;
	tallies[i].count++;
}

/* "created   1,000 Namespaces, 2,000 NetworkPolicies" would need plurals of all kinds: "Namespace 1,000, ..." does not. */
static void add_tallies(struct ush_buf *out, enum ush_onboard_outcome outcome, const struct tally *tallies)
{
	char number[32];

	if (tallies[0].kind == NULL)
		return;
	ush_buf_printf(out, "%-9s", outcomes[outcome].word);
	for (size_t i = 0; i < KINDS_MOST && tallies[i].kind != NULL; i++)
		ush_buf_printf(out, "%s %s %s", i > 0 ? "," : "", tallies[i].kind, ush_thousands(tallies[i].count, number, sizeof number));
	ush_buf_puts(out, "\n");
}

static void add_many(struct ush_buf *out, const struct ush_onboard *onboard)
{
	struct tally tallies[USH_ONBOARD_OUTCOMES][KINDS_MOST] = {{{NULL, 0}}};
	size_t told = 0, more = 0, cursor;
	USH_AUTO_BUF lines = {0};
	struct row row;
	char number[32];

	for (size_t i = 0; i < onboard->space_count; i++) {
		cursor = 0;
		for (size_t k = 0; row_at(onboard, i, k, &cursor, &row); k++)
			if (is_moot(onboard, i, &row))
				continue;
			else if (outcomes[row.thing->outcome].well)
				count_kind(tallies[row.thing->outcome], row.kind);
			else if (told++ < LINES_MOST)
				add_line(&lines, onboard, &row, true);
			else
				more++;
	}
	for (size_t i = 0; i < USH_ONBOARD_OUTCOMES; i++)
		add_tallies(out, (enum ush_onboard_outcome)i, tallies[i]);
	if (lines.data != NULL)
		ush_buf_puts(out, lines.data);
	if (more > 0)
		ush_buf_printf(out, "and %s more; all of them: -o json\n", ush_thousands(more, number, sizeof number));
}

static void add_list(struct ush_buf *out, const char *word, const struct ush_list *list)
{
	char number[32];

	for (size_t i = 0; i < list->count && i < LINES_MOST; i++) {
		ush_buf_printf(out, "%-9s ", word);
		add_safe(out, "", list->items[i], "\n");
	}
	if (list->count > LINES_MOST)
		ush_buf_printf(out, "%-9s %s more\n", word, ush_thousands(list->count - LINES_MOST, number, sizeof number));
}

void ush_onboard_text(const struct ush_onboard *onboard, struct ush_buf *out)
{
	char number[32];

	if (onboard->space_count == 1)
		add_one(out, onboard);
	else
		add_many(out, onboard);
	add_list(out, "waits", &onboard->waiting);
	add_list(out, "warning", &onboard->warnings);
	if (onboard->space_count == 1)
		add_list(out, "proved", &onboard->proofs);
	else if (onboard->proofs.count > 0)
		ush_buf_printf(out, "%-9s %s bindings: each group may, another may not\n", "proved", ush_thousands(onboard->proofs.count, number, sizeof number));
	add_list(out, "unproved", &onboard->disproofs);
	if (onboard->no_proof != NULL) {
		ush_buf_printf(out, "%-9s ", "no proof");
		add_safe(out, "", onboard->no_proof, "\n");
	}
}

/* ---- how it ends ---- */

static const char *first_why(const struct ush_onboard *onboard, enum ush_onboard_outcome outcome, const char **space)
{
	struct row row;

	for (size_t i = 0; i < onboard->space_count; i++) {
		size_t cursor = 0;

		for (size_t k = 0; row_at(onboard, i, k, &cursor, &row); k++)
			if (row.thing->outcome == outcome) {
				*space = row.space;
				return row.thing->why != NULL ? row.thing->why : "";
			}
	}
	return "";
}

static size_t written(const struct ush_onboard *onboard)
{
	return ush_onboard_count(onboard, USH_ONBOARD_CREATED) + ush_onboard_count(onboard, USH_ONBOARD_PATCHED);
}

static int stopped(const struct ush_onboard *onboard, struct ush_error *err)
{
	bool signal = onboard->stopped.code == USH_ERR_DECLINED;
	char number[32];

	ush_fail(err, signal ? USH_ERR_PARTIAL : onboard->stopped.code, "%s; %s objects were written by then, and nothing was taken away",
		 signal ? "stopped by a signal" : onboard->stopped.what, ush_thousands(written(onboard), number, sizeof number));
	return ush_hint(err, "The same command again does the rest");
}

/* Namespaces of ours without their mark. */
static bool some_are_half_made(const struct ush_onboard *onboard)
{
	for (size_t i = 0; i < onboard->space_count; i++) {
		const struct ush_onboard_space *space = &onboard->spaces[i];
		enum ush_onboard_outcome outcome = space->things[0].outcome;

		if (onboard->dry == USH_DRY_NONE && space->labels != NULL && !space->marked && !space->look && outcome != USH_ONBOARD_REFUSED)
			return true;
	}
	return false;
}

/* What helps against it: our own rights, what somebody made a rule of the cluster, or another try. */
static int hint_for(const struct ush_onboard *onboard, const char *why, struct ush_error *err)
{
	USH_AUTO_FREE char *rights = ush_way_rights(onboard->way, "onboard");

	if (strstr(why, "is forbidden: User ") != NULL)
		return ush_hint(err, "What it takes: %s", rights);
	if (strstr(why, "denied request") != NULL || strstr(why, "denied the request") != NULL)
		return ush_hint(err, "A rule of the cluster (admission) is against it: change that or the template, then the same command again does the rest");
	if (strstr(why, " is invalid: ") != NULL || strstr(why, "(BadRequest)") != NULL)
		return ush_hint(err, "Mend templates.%s (line %u of %s), then the same command again does the rest", onboard->template->name, onboard->template->line,
				onboard->policy->file);
	return ush_hint(err, "The same command again does the rest");
}

static int failed(const struct ush_onboard *onboard, size_t count, struct ush_error *err)
{
	const char *space = "", *why = first_why(onboard, USH_ONBOARD_FAILED, &space);
	bool forbidden = strstr(why, "is forbidden: ") != NULL;
	char number[32];

	ush_fail(err, written(onboard) == 0 && forbidden ? USH_ERR_REFUSED : USH_ERR_PARTIAL, "%s object%s could not be written%s; the first, in %s: %s",
		 ush_thousands(count, number, sizeof number), count == 1 ? "" : "s", some_are_half_made(onboard) ? ", so nobody is let in yet" : "", space, why);
	return hint_for(onboard, why, err);
}

static int left_alone(const struct ush_onboard *onboard, size_t differ, size_t foreign, size_t absent, struct ush_error *err)
{
	USH_AUTO_BUF what = {0};

	if (differ > 0)
		ush_buf_printf(&what, "%zu object%s there otherwise", differ, differ == 1 ? " stands" : "s stand");
	if (foreign > 0)
		ush_buf_printf(&what, "%s%zu %s another tool's", what.length > 0 ? ", " : "", foreign, foreign == 1 ? "is" : "are");
	if (absent > 0)
		ush_buf_printf(&what, "%s%zu %s missing in namespaces that were made without this template", what.length > 0 ? ", " : "", absent, absent == 1 ? "is" : "are");
	ush_fail(err, USH_ERR_PARTIAL, "%s: left alone%s", what.data, some_are_half_made(onboard) ? ", and nobody is let in yet" : "");
	if (differ + absent > 0 && !onboard->adopt)
		return ush_hint(err, "To make them as the template says: --adopt");
	return foreign > 0 ? ush_hint(err, "What another tool made is changed where that tool has it from; as the template wants it: --dry-run client -o yaml") : -1;
}

int ush_onboard_verdict(const struct ush_onboard *onboard, struct ush_error *err)
{
	size_t failures = ush_onboard_count(onboard, USH_ONBOARD_FAILED), refused = ush_onboard_count(onboard, USH_ONBOARD_REFUSED);
	size_t differ = ush_onboard_count(onboard, USH_ONBOARD_DIFFERS), foreign = ush_onboard_count(onboard, USH_ONBOARD_FOREIGN);
	size_t absent = ush_onboard_count(onboard, USH_ONBOARD_ABSENT), waits = ush_onboard_count(onboard, USH_ONBOARD_WAITS);
	const char *space = "", *why;

	if (onboard->stopped.code != USH_OK)
		return stopped(onboard, err);
	if (failures > 0)
		return failed(onboard, failures, err);
	why = first_why(onboard, USH_ONBOARD_REFUSED, &space);
	if (refused > 0)
		return ush_fail(err, refused == onboard->space_count ? USH_ERR_REFUSED : USH_ERR_PARTIAL, "namespace %s %s", space, why);
	if (onboard->disproofs.count > 0) {
		ush_fail(err, USH_ERR_PARTIAL, "%s", onboard->disproofs.items[0]);
		return onboard->to_mend != NULL ? ush_hint(err, "%s", onboard->to_mend) : -1;
	}
	if (onboard->incomplete)
		return ush_fail(err, USH_ERR_INCOMPLETE, "%s; what it does not say is not bound yet, the next usher-broker apply does it",
				onboard->incomplete_why != NULL ? onboard->incomplete_why : "a source is incomplete");
	if (differ + foreign + absent > 0)
		return left_alone(onboard, differ, foreign, absent, err);
	if (onboard->waiting.count > 0) {
		ush_fail(err, USH_ERR_PARTIAL, "not bound yet: %s", onboard->waiting.items[0]);
		return ush_hint(err, "As soon as nothing stands against it, the next usher-broker apply gives it");
	}
	if (waits > 0) {
		USH_AUTO_FREE char *plan = ush_way_broker(onboard->way, "plan");

		ush_fail(err, USH_ERR_PARTIAL, "%zu object%s: %s", waits, waits == 1 ? " waits" : "s wait", first_why(onboard, USH_ONBOARD_WAITS, &space));
		return ush_hint(err, "What the next apply makes of it: %s", plan);
	}
	if (onboard->no_proof != NULL && onboard->must_prove)
		return ush_fail(err, USH_ERR_PARTIAL, "all is made, and nobody could be asked whether it works: %s", onboard->no_proof);
	return 0;
}
