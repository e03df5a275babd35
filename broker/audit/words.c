/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/audit/words.h"

#include <stdlib.h>
#include <string.h>

#include "common/kube/match.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

char *ush_words_object(const struct ush_rbac *o)
{
	return ush_printf("%s %s%s%s", ush_rbac_kind_name(o->kind), o->namespace_name != NULL ? o->namespace_name : "",
			  o->namespace_name != NULL ? "/" : "", o->name);
}

char *ush_words_role(const struct ush_rbac *binding)
{
	return ush_printf("%s %s", binding->role_kind, binding->role_name);
}

char *ush_words_subjects(const struct ush_rbac *binding, const bool *counts)
{
	USH_AUTO_BUF out = {0};
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < binding->subject_count; i++) {
		char *buffer;
		struct ush_identity who = ush_subject_identity(&binding->subjects[i], &buffer);

		if (who.kind != NULL && (counts == NULL || counts[i])) {
			if (shown < 4)
				ush_buf_printf(&out, "%s%s %s%s%s", shown++ > 0 ? ", " : "", who.kind, who.space,
					       *who.space != '\0' ? "/" : "", who.name);
			else
				more++;
		}
		free(buffer);
	}
	if (more > 0)
		ush_buf_printf(&out, " and %zu more", more);
	return shown > 0 ? ush_buf_take(&out) : NULL;
}

static void fill(struct ush_buf *out, const char *key, size_t length, const struct ush_rbac *object, const char *who,
		 const char *detail)
{
	USH_AUTO_FREE char *role = object->role_name != NULL ? ush_words_role(object) : ush_words_object(object);

	if (length == 3 && strncmp(key, "who", length) == 0)
		ush_buf_puts(out, who != NULL ? who : "Nobody");
	else if (length == 4 && strncmp(key, "role", length) == 0)
		ush_buf_puts(out, role);
	else if (length == 6 && strncmp(key, "detail", length) == 0)
		ush_buf_puts(out, detail != NULL ? detail : "");
	else if (object->namespace_name == NULL)
		ush_buf_puts(out, "in every namespace");
	else
		ush_buf_printf(out, "in namespace %s", object->namespace_name);
}

char *ush_words_why(const struct ush_audit_rule *rule, const struct ush_rbac *object, const char *who,
		    const char *detail)
{
	USH_AUTO_BUF out = {0};
	const char *p = rule->why;

	while (*p != '\0') {
		size_t plain = strcspn(p, "{"), key;

		ush_buf_add(&out, p, plain);
		p += plain;
		if (*p == '\0')
			break;
		key = strcspn(++p, "}");
		fill(&out, p, key, object, who, detail);
		p += key + (p[key] == '}');
	}
	return ush_buf_take(&out);
}

/* ---- commands ---- */

static const char *resource(const struct ush_rbac *o)
{
	static const char *const names[] = {"role", "clusterrole", "rolebinding", "clusterrolebinding"};

	return names[o->kind];
}

/* "VERB KIND [-n NAMESPACE] OPTIONS [--] NAME": the name last, and never taken for an option. */
static char *command(const char *verb, const struct ush_rbac *o, const char *options)
{
	USH_AUTO_FREE char *name = ush_text_word(o->name);
	USH_AUTO_FREE char *space = o->namespace_name != NULL ? ush_text_word(o->namespace_name) : NULL;

	return ush_printf("%s %s%s%s%s%s %s%s", verb, resource(o), space != NULL ? " -n " : "",
			  space != NULL ? space : "", *options != '\0' ? " " : "", options,
			  o->name[0] == '-' ? "-- " : "", name);
}

char *ush_remedy_delete(const struct ush_rbac *object)
{
	return command("delete", object, "");
}

static char *patch(const struct ush_rbac *object, json_t *operations)
{
	USH_AUTO_JSON list = operations;
	USH_AUTO_FREE char *text = json_dumps(list, JSON_COMPACT | JSON_ENSURE_ASCII);
	USH_AUTO_FREE char *quoted = ush_text_word(text);
	USH_AUTO_FREE char *options = ush_printf("--type=json -p %s", quoted);

	return command("patch", object, options);
}

/* Each removal first tests that it is still that one which is there. */
static void remove_at(json_t *operations, const char *path, const char *member, json_t *value)
{
	USH_AUTO_FREE char *tested = ush_printf("%s%s", path, member);

	json_array_append_new(operations, json_pack("{s:s,s:s,s:o}", "op", "test", "path", tested, "value", value));
	json_array_append_new(operations, json_pack("{s:s,s:s}", "op", "remove", "path", path));
}

char *ush_remedy_subjects(const struct ush_rbac *binding, const bool *marked, bool keep)
{
	json_t *operations = json_array();
	size_t left = 0;

	for (size_t i = binding->subject_count; i-- > 0;) {
		USH_AUTO_FREE char *path = ush_printf("/subjects/%zu", i);

		if (marked[i])
			remove_at(operations, path, "/name", json_string(binding->subjects[i].name));
		else
			left++;
	}
	if (left > 0 || keep)
		return patch(binding, operations);
	json_decref(operations);
	return ush_remedy_delete(binding);
}

struct rule_set {
	const struct ush_rule **rules;
	size_t count;
};

static struct rule_set unmarked(const struct ush_rbac *role, const bool *marked)
{
	struct rule_set set = {0};

	for (size_t i = 0; i < role->rule_count; i++) {
		const struct ush_rule *rule = &role->rules[i];

		if (marked == NULL || !marked[i])
			USH_PUSH(set.rules, set.count, rule);
	}
	return set;
}

char *ush_remedy_rules(const struct ush_rbac *role, const bool *marked, const struct ush_rbac *table)
{
	USH_AUTO_JSON whole = ush_rbac_to_json(role);
	USH_AUTO_JSON fresh = ush_rbac_to_json(table);
	struct rule_set before = unmarked(role, NULL), after = unmarked(role, marked);
	json_t *operations = json_array();

	for (size_t i = role->rule_count; i-- > 0;) {
		USH_AUTO_FREE char *path = ush_printf("/rules/%zu", i);

		if (marked[i])
			remove_at(operations, path, "",
				  json_incref(json_array_get(json_object_get(whole, "rules"), i)));
	}
	for (size_t i = 0; i < table->rule_count; i++) {
		if (!ush_rules_cover(before.rules, before.count, &table->rules[i]) ||
		    ush_rules_cover(after.rules, after.count, &table->rules[i]))
			continue;
		json_array_append_new(operations, json_pack("{s:s,s:s,s:O}", "op", "add", "path", "/rules/-", "value",
							    json_array_get(json_object_get(fresh, "rules"), i)));
	}
	free(before.rules);
	free(after.rules);
	return patch(role, operations);
}

char *ush_remedy_unmark(const struct ush_rbac *object, const char *verb, const char *const *keys, size_t count)
{
	USH_AUTO_FREE char *head = command(verb, object, "");
	USH_AUTO_BUF out = {0};

	ush_buf_puts(&out, head);
	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *key = ush_text_word(keys[i]);

		ush_buf_printf(&out, " %s-", key);
	}
	return ush_buf_take(&out);
}

char *ush_remedy_look(const struct ush_rbac *object)
{
	return command("get", object, "-o yaml");
}
