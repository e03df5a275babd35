/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/explain/explain.h"
#include "common/base/memory.h"
#include "common/data/json.h"

/* One line, whatever the texts hold. */
static void line(struct ush_buf *out, const char *indent, char *text)
{
	USH_AUTO_FREE char *safe = ush_text_safe(text);

	ush_buf_printf(out, "%s%s\n", indent, safe);
	free(text);
}

static char *people(const json_t *object)
{
	const json_t *count = json_object_get(object, "people");

	return json_is_integer(count) ? ush_printf(" (%lld %s)", (long long)json_integer_value(count), json_integer_value(count) == 1 ? "person" : "people")
				      : ush_strdup("");
}

static void plan_lines(struct ush_buf *out, const json_t *list)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) {
		const char *reason = ush_json_string(entry, "reason");

		line(out, i == 0 ? "  next run    " : "              ",
		     ush_printf("%s %s %s/%s%s%s", ush_json_string(entry, "action"), ush_json_string(entry, "kind"), ush_json_string(entry, "namespace"),
				ush_json_string(entry, "name"), reason != NULL && *reason != '\0' ? ": " : "", reason != NULL ? reason : ""));
	}
}

/* "in a, b; not in c (except c*)" */
static char *places(const json_t *grant)
{
	const json_t *list = ush_json_array(grant, "places"), *place;
	const char *labels = ush_json_string(grant, "namespaceSelector");
	USH_AUTO_BUF in = {0}, out = {0};
	size_t i;

	json_array_foreach(list, i, place) {
		const char *by = ush_json_string(place, "keptOutBy"), *name = ush_json_string(place, "namespace");

		if (by != NULL)
			ush_buf_printf(&out, "%s%s (kept out by \"%s\")", out.length > 0 ? ", " : "; not in ", name, by);
		else
			ush_buf_printf(&in, "%s%s", in.length > 0 ? ", " : "", name);
	}
	if (json_is_true(json_object_get(grant, "placesUnknown")))
		return ush_printf("in the namespaces that %s%s means; see them with --live or --from", labels != NULL ? "namespaceSelector " : "",
				  labels != NULL ? labels : ush_json_string(grant, "namespacePattern"));
	if (in.length == 0 && labels != NULL)
		return ush_printf("in no namespace that is there (labels: %s)%s", labels, out.length > 0 ? out.data : "");
	return ush_printf("%s%s%s", in.length > 0 ? "in " : "in no namespace that is there", in.length > 0 ? in.data : "", out.length > 0 ? out.data : "");
}

static void group_grant(struct ush_buf *out, const json_t *grant)
{
	const char *kept = ush_json_string(grant, "keptOut"), *name = ush_json_string(grant, "group"), *pattern = ush_json_string(grant, "groupPattern");
	USH_AUTO_FREE char *where = places(grant);

	line(out, "  ", ush_printf("%s   line %lld, %s %s: %s %s", ush_json_string(grant, "called"),
				  (long long)json_integer_value(json_object_get(grant, "line")), name != NULL ? "group" : "groupPattern", name != NULL ? name : pattern,
				  ush_json_string(grant, "role"), where));
	if (kept != NULL)
		line(out, "      ", ush_printf("but it does not hold: %s", kept));
}

/* Grants that do not mean it, and why. */
static void elsewhere(struct ush_buf *out, const json_t *report)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(ush_json_array(report, "elsewhere"), i, entry)
		line(out, "  ", ush_printf("%s   line %lld, not this one: %s", ush_json_string(entry, "called"),
					  (long long)json_integer_value(json_object_get(entry, "line")), ush_json_string(entry, "why")));
	if (json_object_get(report, "more") != NULL)
		ush_buf_printf(out, "  and %lld more grants that are for others\n", (long long)json_integer_value(json_object_get(report, "more")));
}

static void one_group(struct ush_buf *out, const json_t *group)
{
	const char *source = ush_json_string(group, "source");
	const json_t *grant;
	USH_AUTO_FREE char *who = people(group);
	size_t i;

	line(out, "", ush_printf("group %s%s", ush_json_string(group, "path"), who));
	if (source != NULL)
		line(out, "  ", ush_printf("listed by   source %s, id %s", source, ush_json_string(group, "id")));
	line(out, "  ", ush_printf("bound as    %s", ush_json_string(group, "subject")));
	json_array_foreach(ush_json_array(group, "grants"), i, grant)
		group_grant(out, grant);
	if (json_array_size(ush_json_array(group, "grants")) == 0)
		ush_buf_puts(out, "  no grant names or matches it\n");
	elsewhere(out, group);
	plan_lines(out, ush_json_array(group, "plan"));
}

static void group_text(struct ush_buf *out, const json_t *report)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(ush_json_array(report, "groups"), i, entry)
		one_group(out, entry);
	json_array_foreach(ush_json_array(report, "sources"), i, entry) {
		const char *why = ush_json_string(entry, "why");
		bool complete = json_is_true(json_object_get(entry, "complete")), found = json_integer_value(json_object_get(entry, "found")) > 0;

		if (!complete)
			line(out, "source ", ush_printf("%s is incomplete, so nothing is concluded from it: %s", ush_json_string(entry, "name"), why != NULL ? why : "?"));
		else
			line(out, "source ", ush_printf("%s, read completely, %s", ush_json_string(entry, "name"), found ? "lists it" : "does not list it"));
	}
	if (json_array_size(ush_json_array(report, "sources")) == 0)
		ush_buf_puts(out, "the sources were not asked\n");
}

static void namespace_text(struct ush_buf *out, const json_t *report)
{
	const json_t *exists = json_object_get(report, "exists"), *entry, *subject;
	size_t i, k;

	line(out, "", ush_printf("namespace %s%s", ush_json_string(report, "asked"), exists == NULL ? "" : json_is_true(exists) ? ", which is there" : ", which is not there"));
	if (ush_json_string(report, "excluded") != NULL)
		line(out, "  ", ush_printf("never touched: exclude.namespaces has %s", ush_json_string(report, "excluded")));
	json_array_foreach(ush_json_array(report, "grants"), i, entry) {
		USH_AUTO_FREE char *who = people(entry);
		const char *kept = ush_json_string(entry, "keptOut");

		line(out, "  ", ush_printf("%s   line %lld, by %s: %s for %s%s", ush_json_string(entry, "called"),
					  (long long)json_integer_value(json_object_get(entry, "line")), ush_json_string(entry, "through"), ush_json_string(entry, "role"),
					  ush_json_string(entry, "subject"), who));
		if (kept != NULL)
			line(out, "      ", ush_printf("but it does not hold: %s", kept));
	}
	if (json_array_size(ush_json_array(report, "grants")) == 0)
		ush_buf_puts(out, "  no grant reaches it\n");
	elsewhere(out, report);
	json_array_foreach(ush_json_array(report, "objects"), i, entry) {
		USH_AUTO_BUF who = {0};

		json_array_foreach(ush_json_array(entry, "subjects"), k, subject)
			ush_buf_printf(&who, "%s%s %s", k > 0 ? ", " : "", ush_json_string(subject, "kind"), ush_json_string(subject, "name"));
		line(out, "  ", ush_printf("stands      RoleBinding %s%s: %s %s for %s", ush_json_string(entry, "name"),
					  json_is_true(json_object_get(entry, "ours")) ? "" : " (not ours)", ush_json_string(entry, "roleKind"),
					  ush_json_string(entry, "role"), who.length > 0 ? who.data : "nobody"));
	}
	plan_lines(out, ush_json_array(report, "plan"));
}

void ush_explain_text(const json_t *report, struct ush_buf *out)
{
	const char *kind = ush_json_string(report, "kind");

	if (kind != NULL && strcmp(kind, "Group") == 0)
		group_text(out, report);
	else
		namespace_text(out, report);
}
