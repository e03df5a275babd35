/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "broker/sync/want/desired.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define POD_SECURITY "pod-security.kubernetes.io/"
#define DNS_PORT     53

static const struct {
	const char *kind, *root, *plural;
} kinds[] = {
	{"Namespace", "/api/v1", NULL},
	{"NetworkPolicy", "/apis/networking.k8s.io/v1", "networkpolicies"},
	{"ResourceQuota", "/api/v1", "resourcequotas"},
	{"LimitRange", "/api/v1", "limitranges"},
	{"ServiceAccount", "/api/v1", "serviceaccounts"},
};

char *ush_onboard_path(const char *kind, const char *namespace_name)
{
	size_t i = 0;

	while (i < USH_COUNT(kinds) - 1 && strcmp(kinds[i].kind, kind) != 0)
		i++;
	return kinds[i].plural == NULL ? ush_printf("%s/namespaces", kinds[i].root)
				       : ush_printf("%s/namespaces/%s/%s", kinds[i].root, namespace_name, kinds[i].plural);
}

/* ---- labels ---- */

/* "key=value" of a list; the value may hold more of "=". */
static void set_pairs(json_t *to, const struct ush_list *pairs, const char *prefix)
{
	for (size_t i = 0; i < pairs->count; i++) {
		const char *equals = strchr(pairs->items[i], '=');
		USH_AUTO_FREE char *key = ush_printf("%s%.*s", prefix, (int)(equals - pairs->items[i]), pairs->items[i]);

		json_object_set_new(to, key, json_string(equals + 1));
	}
}

static void set_own(json_t *labels, const struct ush_template *template)
{
	json_object_set_new(labels, USH_LABEL_MANAGED_BY, json_string(USH_MANAGED_BY));
	json_object_set_new(labels, USH_LABEL_TEMPLATE, json_string(template->mark));
}

static void set_pod_security(json_t *labels, const struct ush_template *template)
{
	const struct {
		const char *mode, *level;
	} modes[] = {{"enforce", template->enforce}, {"audit", template->audit}, {"warn", template->warn}};

	for (size_t i = 0; i < USH_COUNT(modes); i++) {
		USH_AUTO_FREE char *key = ush_printf(POD_SECURITY "%s", modes[i].mode), *version = ush_printf(POD_SECURITY "%s-version", modes[i].mode);

		if (modes[i].level == NULL)
			continue;
		json_object_set_new(labels, key, json_string(modes[i].level));
		if (template->pods_version != NULL)
			json_object_set_new(labels, version, json_string(template->pods_version));
	}
}

json_t *ush_onboard_labels(const struct ush_template *template, const struct ush_list *values)
{
	json_t *labels = json_object();

	set_pairs(labels, &template->labels, ""); /* the others win */
	set_pod_security(labels, template);
	set_pairs(labels, values, USH_TEMPLATE_VALUE_PREFIX);
	set_own(labels, template);
	return labels;
}

json_t *ush_onboard_half_made(const json_t *object)
{
	json_t *half = json_deep_copy(object), *labels = json_object_get(json_object_get(half, "metadata"), "labels");

	json_object_set(labels, USH_LABEL_ONBOARDING, json_object_get(labels, USH_LABEL_TEMPLATE));
	json_object_del(labels, USH_LABEL_TEMPLATE);
	return half;
}

json_t *ush_onboard_marking(const json_t *object, const char *uid)
{
	const json_t *metadata = ush_json_object(object, "metadata");
	json_t *labels = json_deep_copy(ush_json_object(metadata, "labels"));

	json_object_set_new(labels, USH_LABEL_ONBOARDING, json_null());
	return json_pack("{s:O*, s:O*, s:{s:s*, s:s*, s:o}}", "apiVersion", json_object_get(object, "apiVersion"), "kind", json_object_get(object, "kind"), "metadata", "name",
			 ush_json_string(metadata, "name"), "uid", uid, "labels", labels);
}

/* ---- objects ---- */

static json_t *object(const char *version, const char *kind, const char *name, const char *namespace_name, const struct ush_template *template)
{
	json_t *labels = json_object();

	set_own(labels, template);
	return json_pack("{s:s, s:s, s:{s:s, s:s, s:o}}", "apiVersion", version, "kind", kind, "metadata", "name", name, "namespace", namespace_name, "labels", labels);
}

static json_t *namespace_of(const struct ush_template *template, const struct ush_list *values, const char *name)
{
	json_t *made = json_pack("{s:s, s:s, s:{s:s, s:o}}", "apiVersion", "v1", "kind", "Namespace", "metadata", "name", name, "labels",
				 ush_onboard_labels(template, values));
	json_t *annotations;

	if (template->annotations.count == 0)
		return made;
	annotations = json_object();
	set_pairs(annotations, &template->annotations, "");
	json_object_set_new(json_object_get(made, "metadata"), "annotations", annotations);
	return made;
}

/* Where the cluster's DNS runs, and nothing else there. */
static json_t *dns(void)
{
	json_t *to = json_pack("{s:{s:{s:s}}, s:{s:{s:s}}}", "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name", "kube-system", "podSelector", "matchLabels",
			       "k8s-app", "kube-dns");

	return json_pack("{s:[o], s:[{s:s, s:i}, {s:s, s:i}]}", "to", to, "ports", "protocol", "UDP", "port", DNS_PORT, "protocol", "TCP", "port", DNS_PORT);
}

static json_t *same_namespace(const char *direction)
{
	return json_pack("{s:[{s:{}}]}", direction, "podSelector");
}

/* One for all: where pods run already, there is no moment in which names cannot be looked up. */
static void add_network(json_t *all, const struct ush_template *template, const char *name)
{
	json_t *made = object("networking.k8s.io/v1", "NetworkPolicy", "default-deny", name, template), *in = json_array(), *out = json_array();

	if (template->allow_dns)
		json_array_append_new(out, dns());
	if (template->allow_same_namespace) {
		json_array_append_new(in, same_namespace("from"));
		json_array_append_new(out, same_namespace("to"));
	}
	json_object_set_new(made, "spec", json_pack("{s:{}, s:[s, s], s:o, s:o}", "podSelector", "policyTypes", "Ingress", "Egress", "ingress", in, "egress", out));
	json_array_append_new(all, made);
}

static json_t *map_of(const struct ush_list *pairs)
{
	json_t *map = json_object();

	set_pairs(map, pairs, "");
	return map;
}

static void add_bounds(json_t *all, const struct ush_template *template, const char *name)
{
	const struct {
		const char *key;
		const struct ush_list *pairs;
	} ranges[] = {
		{"default", &template->range_default}, {"defaultRequest", &template->range_request}, {"max", &template->range_max}, {"min", &template->range_min}};
	json_t *limits = json_pack("{s:s}", "type", "Container"), *made;

	if (template->quota.count > 0) {
		made = object("v1", "ResourceQuota", template->name, name, template);
		json_object_set_new(made, "spec", json_pack("{s:o}", "hard", map_of(&template->quota)));
		json_array_append_new(all, made);
	}
	for (size_t i = 0; i < USH_COUNT(ranges); i++)
		if (ranges[i].pairs->count > 0)
			json_object_set_new(limits, ranges[i].key, map_of(ranges[i].pairs));
	if (json_object_size(limits) > 1) {
		made = object("v1", "LimitRange", template->name, name, template);
		json_object_set_new(made, "spec", json_pack("{s:[O]}", "limits", limits));
		json_array_append_new(all, made);
	}
	json_decref(limits);
}

json_t *ush_onboard_objects(const struct ush_template *template, const struct ush_list *values, const char *name)
{
	json_t *all = json_array(), *account;

	json_array_append_new(all, namespace_of(template, values, name));
	if (template->default_deny)
		add_network(all, template, name);
	add_bounds(all, template, name);
	if (!template->automount) {
		account = object("v1", "ServiceAccount", "default", name, template);
		json_object_set_new(account, "automountServiceAccountToken", json_false());
		json_array_append_new(all, account);
	}
	return all;
}
