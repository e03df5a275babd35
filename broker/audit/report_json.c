/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "broker/audit/rules.h"
#include "broker/audit/words.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static json_t *object_to_json(const struct ush_rbac *o)
{
	return json_pack("{s:s,s:s?,s:s,s:s?}", "kind", ush_rbac_kind_name(o->kind), "namespace", o->namespace_name,
			 "name", o->name, "origin", o->origin);
}

static json_t *ids_to_json(const char *ids)
{
	json_t *list = json_array();

	for (const char *p = ids; p != NULL && *p != '\0'; p += strspn(p, " ")) {
		size_t length = strcspn(p, " ");

		json_array_append_new(list, json_stringn(p, length));
		p += length;
	}
	return list;
}

static json_t *subjects_to_json(const struct ush_rbac *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->subject_count; i++)
		json_array_append_new(list, json_pack("{s:s,s:s?,s:s}", "kind", o->subjects[i].kind, "namespace",
						      o->subjects[i].namespace_name, "name", o->subjects[i].name));
	return list;
}

static json_t *finding_to_json(const struct ush_finding *f)
{
	json_t *out = json_pack("{s:s,s:s,s:s,s:s,s:s?,s:o,s:s,s:o,s:s}", "id", f->rule->id, "slug", f->rule->slug,
				"severity", ush_severity_name(f->severity), "title", f->rule->title, "cis",
				f->rule->cis, "object", object_to_json(f->object), "why", f->why, "among",
				ids_to_json(f->among), "remedy", f->remedy);

	if (f->object->role_name != NULL) {
		json_object_set_new(out, "role",
				    json_pack("{s:s,s:s}", "kind", f->object->role_kind, "name", f->object->role_name));
		json_object_set_new(out, "subjects", subjects_to_json(f->object));
	}
	return out;
}

static json_t *summary_to_json(const struct ush_inventory *in, const struct ush_findings *f)
{
	USH_AUTO_FREE char *table = ush_printf("1.%d", USH_BASELINE_MINOR);
	USH_AUTO_FREE char *server = in->minor != 0 ? ush_printf("1.%d", in->minor) : NULL;
	json_t *missing = json_array();

	for (size_t i = 0; i < in->missing.count; i++)
		json_array_append_new(missing, json_string(in->missing.items[i]));
	if (f->gave_up)
		json_array_append_new(missing, json_string("too many aggregated ClusterRoles select each other"));
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:s?,s:b,s:o}", "critical",
			 (json_int_t)f->by_severity[USH_CRITICAL], "high", (json_int_t)f->by_severity[USH_HIGH],
			 "medium", (json_int_t)f->by_severity[USH_MEDIUM], "low", (json_int_t)f->by_severity[USH_LOW],
			 "objects", (json_int_t)in->read, "builtins", (json_int_t)f->builtins, "addons",
			 (json_int_t)f->addons, "table", table, "server", server, "complete",
			 in->missing.count == 0 && !f->gave_up, "missing", missing);
}

/* Printable ASCII: jansson leaves DEL as it is. */
static void print(FILE *to, json_t *value, size_t flags)
{
	USH_AUTO_JSON owned = value;
	USH_AUTO_FREE char *text = json_dumps(owned, flags | JSON_ENSURE_ASCII);
	const char *p = text != NULL ? text : "null";

	for (size_t plain = strcspn(p, "\x7f"); p[plain] != '\0'; plain = strcspn(p, "\x7f")) {
		fprintf(to, "%.*s\\u007f", (int)plain, p);
		p += plain + 1;
	}
	fprintf(to, "%s\n", p);
}

void ush_audit_json(FILE *to, const struct ush_inventory *in, const struct ush_findings *f, bool lines)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->count; i++) {
		if (lines)
			print(to, finding_to_json(&f->items[i]), JSON_COMPACT);
		else
			json_array_append_new(list, finding_to_json(&f->items[i]));
	}
	if (lines) {
		json_decref(list);
		print(to, json_pack("{s:o}", "summary", summary_to_json(in, f)), JSON_COMPACT);
	} else {
		print(to, json_pack("{s:o,s:o}", "findings", list, "summary", summary_to_json(in, f)), JSON_INDENT(2));
	}
}

void ush_audit_rules_json(FILE *to, bool lines)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ush_rule_count(); i++) {
		const struct ush_audit_rule *r = ush_rule_at(i);
		json_t *row = json_pack("{s:s,s:s,s:s,s:s?,s:s,s:s,s:s?}", "id", r->id, "slug", r->slug, "severity",
					ush_severity_name(r->severity), "cis", r->cis, "title", r->title, "why", r->why,
					"supersedes", r->supersedes);

		if (lines)
			print(to, row, JSON_COMPACT);
		else
			json_array_append_new(list, row);
	}
	if (!lines)
		print(to, list, JSON_INDENT(2));
	else
		json_decref(list);
}
