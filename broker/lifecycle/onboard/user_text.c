/* SPDX-License-Identifier: Apache-2.0
 *
 * The same for people: first what they may and what is missing, then what they put where.
 */
#include <string.h>

#include "broker/lifecycle/onboard/user.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"

#define PLACES_MOST 8 /* namespaces that are named one by one */

static void add_safe(struct ush_buf *out, const char *text)
{
	USH_AUTO_FREE char *safe = ush_text_safe(text);

	ush_buf_puts(out, safe);
}

static void add_groups(struct ush_buf *out, const json_t *report)
{
	const json_t *groups = ush_json_array(report, "groups"), *group;
	size_t i;

	add_safe(out, ush_json_string(report, "name"));
	ush_buf_printf(out, " is in %zu group%s", json_array_size(groups), json_array_size(groups) == 1 ? "" : "s");
	json_array_foreach(groups, i, group) {
		ush_buf_puts(out, i == 0 ? ": " : ", ");
		add_safe(out, ush_json_string(group, "group"));
	}
	ush_buf_puts(out, "\n");
	if (ush_json_string(report, "denied") != NULL) {
		ush_buf_puts(out, "denied    ");
		add_safe(out, ush_json_string(report, "denied"));
		ush_buf_puts(out, "\n");
	}
}

static void add_places(struct ush_buf *out, const json_t *places)
{
	size_t count = json_array_size(places);
	char number[32];

	for (size_t i = 0; i < count && i < PLACES_MOST; i++) {
		ush_buf_puts(out, i == 0 ? "" : ", ");
		add_safe(out, json_string_value(json_array_get(places, i)));
	}
	if (count > PLACES_MOST)
		ush_buf_printf(out, " and %s more", ush_thousands(count - PLACES_MOST, number, sizeof number));
}

static void add_rows(struct ush_buf *out, const json_t *rows, const char *word, const char *behind)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		ush_buf_printf(out, "%-9s ", word);
		add_safe(out, ush_json_string(row, "role"));
		ush_buf_puts(out, " in ");
		add_places(out, ush_json_array(row, "namespaces"));
		ush_buf_printf(out, ": %s ", behind);
		add_safe(out, ush_json_string(row, "group"));
		ush_buf_puts(out, "\n");
	}
}

/* Where they may do something: so that the first thing they try is not refused. */
static const char *first_place(const json_t *report)
{
	const char *wanted = ush_json_string(report, "namespace");

	return wanted != NULL ? wanted : json_string_value(json_array_get(ush_json_array(json_array_get(ush_json_array(report, "may"), 0), "namespaces"), 0));
}

void ush_onboard_user_text(const json_t *report, struct ush_buf *out)
{
	const char *profile = ush_json_string(report, "profileName"), *wanted = ush_json_string(report, "namespace"), *place = first_place(report);
	const json_t *missing = ush_json_array(report, "missing");

	add_groups(out, report);
	add_rows(out, ush_json_array(report, "may"), "may", "by group");
	if (json_array_size(ush_json_array(report, "may")) == 0)
		ush_buf_puts(out, "may       nothing: no group of theirs is granted a role in a namespace that is there\n");
	add_rows(out, missing, "missing", "takes group");
	if (wanted != NULL && json_array_size(missing) == 0)
		ush_buf_printf(out, "missing   nothing for %s\n", wanted);
	ush_buf_printf(out, "\n# ~/.config/usher/profiles/%s.yaml, mode 600\n", profile);
	ush_yaml_write(out, json_object_get(report, "profile"), false);
	ush_buf_puts(out, "# ca: FILE          where the provider's certificate is signed by a CA of your own\n");
	ush_buf_puts(out, json_array_size(ush_json_array(json_object_get(report, "profile"), "scopes")) > 1
				  ? "# scopes: [email]   where it refuses groups (invalid_scope)\n"
				  : "# scopes: [groups, email]   where the realm has a client scope groups; without one a mapper of the client puts groups into tokens\n");
	ush_buf_printf(out, "\n# kubeconfig, as ~/.kube/config or where $KUBECONFIG says; then: kubectl get pods%s%s\n", place != NULL ? " -n " : "", place != NULL ? place : "");
	ush_yaml_write(out, json_object_get(report, "kubeconfig"), false);
}
