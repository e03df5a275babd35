/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/match.h"

#include <string.h>

#include "common/base/memory.h"

#define MOST_ATOMS 100000

static bool has_or_star(const struct ush_list *list, const char *text)
{
	return ush_list_has(list, "*") || ush_list_has(list, text);
}

/* "pods" and "log" is "pods/log". */
static bool is_subresource(const char *item, const char *resource, const char *subresource)
{
	size_t length = strlen(resource);

	return strncmp(item, resource, length) == 0 && item[length] == '/' &&
	       strcmp(item + length + 1, subresource) == 0;
}

static bool has_resource(const struct ush_list *resources, const char *resource, const char *subresource)
{
	for (size_t i = 0; i < resources->count; i++) {
		const char *item = resources->items[i];

		if (strcmp(item, "*") == 0)
			return true;
		if (subresource == NULL
			    ? strcmp(item, resource) == 0
			    : is_subresource(item, resource, subresource) || is_subresource(item, "*", subresource))
			return true;
	}
	return false;
}

bool ush_rule_reaches(const struct ush_rule *rule, const struct ush_request *request)
{
	return has_or_star(&rule->verbs, request->verb) && has_or_star(&rule->groups, request->group) &&
	       has_resource(&rule->resources, request->resource, request->subresource);
}

bool ush_rule_allows(const struct ush_rule *rule, const struct ush_request *request)
{
	if (rule->names.count > 0 && (request->name == NULL || !ush_list_has(&rule->names, request->name)))
		return false;
	return ush_rule_reaches(rule, request);
}

static bool url_matches(const char *pattern, const char *url)
{
	size_t length = strlen(pattern);

	if (strcmp(pattern, "*") == 0 || strcmp(pattern, url) == 0)
		return true;
	return length > 0 && pattern[length - 1] == '*' && strncmp(pattern, url, length - 1) == 0;
}

bool ush_rule_allows_url(const struct ush_rule *rule, const char *verb, const char *url)
{
	if (!has_or_star(&rule->verbs, verb))
		return false;
	for (size_t i = 0; i < rule->urls.count; i++)
		if (url_matches(rule->urls.items[i], url))
			return true;
	return false;
}

/* ---- Covers ---- */

/* A rule taken apart; NULL members are not part of the atom. */
struct atom {
	const char *verb, *group, *resource, *name, *url;
};

/* A resource as it is written in a rule: "*" is covered by "*" alone, "pods/log" by itself, "*" and "*" + "/log". */
static bool covers_resource(const struct ush_list *owner, const char *resource)
{
	const char *slash = strchr(resource, '/');

	for (size_t i = 0; i < owner->count; i++)
		if (strcmp(owner->items[i], "*") == 0 || strcmp(owner->items[i], resource) == 0 ||
		    (slash != NULL && owner->items[i][0] == '*' && strcmp(owner->items[i] + 1, slash) == 0))
			return true;
	return false;
}

static bool covers_atom(const struct ush_rule *owner, const struct atom *atom)
{
	if (!has_or_star(&owner->verbs, atom->verb))
		return false;
	if (atom->url != NULL) {
		for (size_t i = 0; i < owner->urls.count; i++)
			if (url_matches(owner->urls.items[i], atom->url))
				return true;
		return false;
	}
	if (owner->names.count > 0 && (atom->name == NULL || !ush_list_has(&owner->names, atom->name)))
		return false;
	return has_or_star(&owner->groups, atom->group) && covers_resource(&owner->resources, atom->resource);
}

struct cover {
	const struct ush_rule *const *owners;
	size_t count;
	bool failed; /* an atom was met that no owner covers */
};

static void look(struct cover *cover, const struct atom *atom)
{
	bool covered = false;

	for (size_t i = 0; i < cover->count && !covered; i++)
		covered = covers_atom(cover->owners[i], atom);
	cover->failed = !covered;
}

static void look_resources(struct cover *cover, const struct ush_rule *rule, struct atom *atom)
{
	size_t names = rule->names.count > 0 ? rule->names.count : 1;

	for (size_t g = 0; g < rule->groups.count && !cover->failed; g++)
		for (size_t r = 0; r < rule->resources.count && !cover->failed; r++)
			for (size_t n = 0; n < names && !cover->failed; n++) {
				atom->group = rule->groups.items[g];
				atom->resource = rule->resources.items[r];
				atom->name = rule->names.count > 0 ? rule->names.items[n] : NULL;
				look(cover, atom);
			}
}

static bool too_large(const struct ush_rule *rule)
{
	double atoms = (double)rule->verbs.count * (double)rule->groups.count * (double)rule->resources.count *
		       (double)(rule->names.count > 0 ? rule->names.count : 1);

	return atoms > MOST_ATOMS;
}

bool ush_rules_cover(const struct ush_rule *const *owners, size_t count, const struct ush_rule *rule)
{
	struct cover cover = {.owners = owners, .count = count};

	if (too_large(rule))
		return false;
	for (size_t v = 0; v < rule->verbs.count && !cover.failed; v++) {
		struct atom atom = {.verb = rule->verbs.items[v]};

		look_resources(&cover, rule, &atom);
		for (size_t u = 0; u < rule->urls.count && !cover.failed; u++) {
			struct atom path = {.verb = atom.verb, .url = rule->urls.items[u]};

			look(&cover, &path);
		}
	}
	return !cover.failed;
}

/* ---- scope ---- */

/* The cluster-scoped kinds of the API server's own groups. namespaces are not here: a request on one carries its name
 * as its namespace. users, groups, uids, userextras and signers are no kinds, but what is asked about them has no
 * namespace. */
static const struct {
	const char *group, *resources;
} cluster_scoped[] = {
	{"", " componentstatuses nodes persistentvolumes users groups "},
	{"admissionregistration.k8s.io",
	 " mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations "
	 "validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations "},
	{"apiextensions.k8s.io", " customresourcedefinitions "},
	{"apiregistration.k8s.io", " apiservices "},
	{"authentication.k8s.io", " selfsubjectreviews tokenreviews uids userextras users groups "},
	{"authorization.k8s.io", " selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews "},
	{"certificates.k8s.io", " certificatesigningrequests clustertrustbundles signers "},
	{"flowcontrol.apiserver.k8s.io", " flowschemas prioritylevelconfigurations "},
	{"networking.k8s.io", " ingressclasses ipaddresses servicecidrs "},
	{"node.k8s.io", " runtimeclasses "},
	{"resource.k8s.io", " deviceclasses resourceslices "},
	{"scheduling.k8s.io", " priorityclasses "},
	{"storage.k8s.io", " csidrivers csinodes storageclasses volumeattachments volumeattributesclasses "},
	{USH_RBAC_GROUP, " clusterroles clusterrolebindings "},
};

static bool is_cluster_scoped(const char *group, const char *resource)
{
	size_t length = strcspn(resource, "/");

	for (size_t i = 0; i < USH_COUNT(cluster_scoped); i++) {
		if (strcmp(cluster_scoped[i].group, group) != 0)
			continue;
		for (const char *p = cluster_scoped[i].resources; *p == ' ' && p[1] != '\0';
		     p += 1 + strcspn(p + 1, " "))
			if (strncmp(p + 1, resource, length) == 0 && p[1 + length] == ' ')
				return true;
	}
	return false;
}

bool ush_rule_is_inert_in_namespace(const struct ush_rule *rule)
{
	/* bind is asked for in the binding's namespace, even of a ClusterRole */
	if (has_or_star(&rule->verbs, "bind") && has_or_star(&rule->groups, USH_RBAC_GROUP) &&
	    has_resource(&rule->resources, "clusterroles", NULL))
		return false;
	for (size_t g = 0; g < rule->groups.count; g++)
		for (size_t r = 0; r < rule->resources.count; r++)
			if (!is_cluster_scoped(rule->groups.items[g], rule->resources.items[r]))
				return false;
	return true;
}

/* ---- words ---- */

static void add_list(struct ush_buf *out, const struct ush_list *list, const char *all)
{
	if (ush_list_has(list, "*")) {
		ush_buf_puts(out, all);
		return;
	}
	for (size_t i = 0; i < list->count && i < 6; i++)
		ush_buf_printf(out, "%s%s", i > 0 ? ", " : "", list->items[i][0] != '\0' ? list->items[i] : "core");
	if (list->count > 6)
		ush_buf_printf(out, " and %zu more", list->count - 6);
}

void ush_rule_text(struct ush_buf *out, const struct ush_rule *rule)
{
	bool core = rule->groups.count == 1 && rule->groups.items[0][0] == '\0';

	add_list(out, &rule->verbs, "do anything with");
	ush_buf_puts(out, " ");
	if (rule->urls.count > 0 && rule->resources.count == 0)
		add_list(out, &rule->urls, "every path");
	else
		add_list(out, &rule->resources, "all resources");
	if (rule->groups.count > 0 && !core) {
		ush_buf_puts(out, " of ");
		add_list(out, &rule->groups, "all API groups");
	}
	if (rule->names.count > 0) {
		ush_buf_puts(out, " named ");
		add_list(out, &rule->names, "\"*\"");
	}
}
