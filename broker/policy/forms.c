/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar of an AccessPolicy.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy.h"
#include "broker/policy/form.h"
#include "broker/policy/template.h"
#include "common/base/memory.h"

#define LABEL	  "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define SUBDOMAIN LABEL "(\\." LABEL ")*"
#define SYSTEM	  "^[sS][yY][sS][tT][eE][mM]:"
#define BRACES	  "^([^{}]|\\{[-A-Za-z0-9_]+\\})*$"
#define END	  {NULL, false, NULL, 0, NULL}
#define HAND	  USH_BY_HAND

static const char *not_pattern(const char *text)
{
	const char *why = ush_pattern_wrong(text, NULL);

	if (why == NULL)
		why = ush_pattern_unclear(text);
	return why != NULL ? why : ush_name_deceives(text) ? "holds a control or invisible character" : NULL;
}

static const char *not_filled(const char *text) /* captures are put in before anything is compared: one may stand twice */
{
	const char *why = ush_pattern_wrong(text, NULL);

	return why != NULL ? why : ush_name_deceives(text) ? "holds a control or invisible character" : NULL;
}

static const char *not_word(const char *text)
{
	return ush_name_deceives(text) ? "holds a control or invisible character" : strlen(text) > 253 ? "is longer than 253 bytes" : NULL;
}

/* ---- plain values ---- */

static const struct ush_form any_text = {.type = USH_FORM_TEXT, .refused = not_word, .most = 253};
static const struct ush_form path_text = {.type = USH_FORM_TEXT};
static const struct ush_form any_texts = {.type = USH_FORM_TEXTS, .refused = not_word, .most = 253};
static const struct ush_form words = {.type = USH_FORM_TEXTS, .refused = not_word, .unlike = "[/, ]|^v1$|^core$", .most = 253, .may_be_empty = true};
static const struct ush_form single_words = {.type = USH_FORM_TEXTS, .refused = not_word, .unlike = "[, ]", .most = 253};
static const struct ush_form label = {.type = USH_FORM_TEXT, .refused = ush_name_not_label, .regex = "^" LABEL "$", .most = 63};
static const struct ush_form labels = {.type = USH_FORM_TEXTS, .refused = ush_name_not_label, .regex = "^" LABEL "$", .most = 63};
static const struct ush_form label_key = {.type = USH_FORM_TEXT, .refused = ush_name_not_label_key,
					   .regex = "^(" SUBDOMAIN "/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"};
static const struct ush_form segment = {.type = USH_FORM_TEXT, .refused = ush_name_not_segment, .regex = "^[^/%*]+$", .most = 253};
static const struct ush_form prefix = {.type = USH_FORM_TEXT, .refused = ush_name_group_refused, .unlike = SYSTEM "|^\\*$", .most = 1024,
				       .may_be_empty = true};
static const struct ush_form maybe_prefix = {.type = USH_FORM_TEXT, .refused = ush_name_group_refused, .unlike = SYSTEM "|^\\*$",
					      .may_be_empty = true};
static const struct ush_form group = {.type = USH_FORM_TEXT, .regex = "[^/]$", .unlike = "^\\*$|^system:masters$", .most = 1024};
static const struct ush_form pattern = {.type = USH_FORM_TEXT, .refused = not_pattern, .regex = BRACES, .unlike = "/$|" SYSTEM, .most = USH_PATTERN_MAX};
static const struct ush_form filled = {.type = USH_FORM_TEXT, .refused = not_filled, .regex = BRACES, .unlike = "^\\*+$", .most = USH_PATTERN_MAX};
static const struct ush_form group_or_pattern = {
	.type = USH_FORM_TEXT, .refused = not_pattern, .regex = BRACES, .unlike = "/$|^system:masters$", .most = USH_PATTERN_MAX};
static const struct ush_form patterns = {.type = USH_FORM_TEXTS, .refused = not_pattern, .regex = BRACES, .most = USH_PATTERN_MAX};
static const struct ush_form moment = {.type = USH_FORM_TIME}, duration = {.type = USH_FORM_DURATION}, limit = {.type = USH_FORM_LIMIT};
static const struct ush_form flag = {.type = USH_FORM_FLAG}, selector = {.type = USH_FORM_LABELS}, levels = {.type = USH_FORM_LEVELS};
static const struct ush_form runs = {.type = USH_FORM_NUMBER, .least = 1, .most = 1000}, spaces = {.type = USH_FORM_NUMBER, .least = 1, .most = 100000};
static const struct ush_form label_pairs = {.type = USH_FORM_PAIRS, .regex = "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", .most = 63, .may_be_empty = true};
static const struct ush_form pairs = {.type = USH_FORM_PAIRS, .may_be_empty = true}, quantities = {
	.type = USH_FORM_PAIRS, .regex = "^[+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?$", .numbers = true};
static const struct ush_form names = {.type = USH_FORM_CHOICE, .choices = "leaf|path|id"};
static const struct ush_form cases = {.type = USH_FORM_CHOICE, .choices = "keep|lower"};
static const struct ush_form layouts = {.type = USH_FORM_CHOICE, .choices = "role|group|users"};
static const struct ush_form drifts = {.type = USH_FORM_CHOICE, .choices = "repair|report|adopt"};

/* ---- cluster, clusters ---- */

#define AT(member) offsetof(struct ush_policy, member)

static const struct ush_member cluster_members[] = {
	{"groupPrefix", true, &prefix, AT(group_prefix), "what the API server puts in front of a group"},
	{"unprefixed", false, &flag, AT(unprefixed), "it puts nothing there; said, so that groupPrefix may be empty"},
	{"groupName", false, &names, AT(group_name), "what the token carries of a group, leaf unless said"},
	{"groupCase", false, &cases, HAND, "whether the API server makes groups lower-case, keep unless said"},
	{"userPrefix", false, &maybe_prefix, AT(user_prefix), "what it puts in front of a person, nothing unless said"},
	{"groupClaim", false, &any_text, AT(group_claim), "claim of the token that lists groups, groups unless said"},
	{"tokenLifetime", false, &duration, AT(token_lifetime), "how long an ID token lives, for `offboard`, where the provider does not say it"},
	{"stateNamespace", false, &label, AT(state_namespace), "namespace of the broker's own ConfigMaps and lease, default unless said"},
	{"tenantLabel", false, &label_key, AT(tenant_label), "label of namespaces that share a set of objects"},
	END};
const struct ush_form ush_form_cluster = {.type = USH_FORM_MAP, .members = cluster_members};

#define CLUSTER(member) offsetof(struct ush_cluster, member)
static const struct ush_member clusters_members[] = {
	{"name", true, &label, CLUSTER(name), "what messages call it"},
	{"kubeconfig", false, &path_text, HAND, "file, as kubectl finds it unless said"},
	{"context", false, &any_text, CLUSTER(context), "context of that file, its current one unless said"},
	END};
const struct ush_form ush_form_clusters = {.type = USH_FORM_LIST, .members = clusters_members};

/* ---- roles, exceptions ---- */

#define RULE(member) offsetof(struct ush_rule, member)
static const struct ush_member rule_members[] = {
	{"apiGroups", true, &words, RULE(groups), "\"\" is the core group"},
	{"resources", true, &single_words, RULE(resources), "pods, pods/log, deployments"},
	{"verbs", true, &single_words, RULE(verbs), "get, list, watch, create, update, patch, delete"},
	{"resourceNames", false, &any_texts, RULE(names), "only objects with these names"},
	END};
const struct ush_form ush_form_rule = {.type = USH_FORM_LIST, .members = rule_members};

static const char *const one_role[] = {"rules|clusterRole", NULL};
static const struct ush_member role_members[] = {
	{"rules", false, &ush_form_rule, HAND, "rules of its own: a Role is written beside each binding"},
	{"clusterRole", false, &segment, offsetof(struct ush_policy_role, cluster_role), "the ClusterRole that it stands for"},
	END};
const struct ush_form ush_form_role = {
	.type = USH_FORM_NAMED, .members = role_members, .alternatives = one_role, .refused = ush_name_not_subdomain, .regex = "^" SUBDOMAIN "$", .most = 253};

#define EXCEPTION(member) offsetof(struct ush_exception, member)
static const char *const one_exception[] = {"wildcardRole|systemGroup|escalatingRole|everyGroup", NULL};
static const struct ush_member exception_members[] = {
	{"wildcardRole", false, &any_text, HAND, "a role of the policy that may hold \"*\" or be cluster-admin"},
	{"systemGroup", false, &any_text, HAND, "a group of Kubernetes' own that may be granted something"},
	{"escalatingRole", false, &any_text, HAND, "a role that may hold escalate, bind or impersonate, or be a ClusterRole of Kubernetes itself"},
	{"everyGroup", false, &any_text, HAND, "a role of the policy that a groupPattern may give to every group of a source"},
	{"owner", true, &any_text, EXCEPTION(owner), "who answers for it"},
	{"reason", true, &any_text, EXCEPTION(reason), "why"},
	{"until", true, &moment, EXCEPTION(until), "from then on it is refused again"},
	END};
const struct ush_form ush_form_exception = {.type = USH_FORM_LIST, .members = exception_members, .alternatives = one_exception};

/* ---- grants ---- */

#define GRANT(member) offsetof(struct ush_grant, member)
static const char *const one_grant[] = {"group|groupPattern", "namespaces|namespacePattern|namespaceSelector", NULL};
static const struct ush_member grant_members[] = {
	{"group", false, &group, GRANT(group), "the group's path (/a/b) or name"},
	{"groupPattern", false, &pattern, GRANT(group_pattern), "or a pattern of many: /teams/{team}/developers"},
	{"role", true, &any_text, HAND, "one of roles"},
	{"namespaces", false, &labels, GRANT(namespaces), "where, by name"},
	{"namespacePattern", false, &filled, GRANT(namespace_pattern), "or by pattern: {team}-*"},
	{"namespaceSelector", false, &selector, HAND, "or by labels: {tier: prod}"},
	{"except", false, &patterns, GRANT(except), "but not in namespaces like these"},
	{"name", false, &segment, GRANT(name), "the RoleBinding's name, else role and hash"},
	{"source", false, &any_text, HAND, "which source knows the group, when there are several"},
	{"owner", false, &any_text, GRANT(owner), "who answers for it"},
	{"reason", false, &any_text, GRANT(reason), "why"},
	{"notBefore", false, &moment, GRANT(not_before), "from when"},
	{"notAfter", false, &moment, GRANT(not_after), "until when"},
	END};
const struct ush_form ush_form_grant = {.type = USH_FORM_LIST, .members = grant_members, .alternatives = one_grant, .may_be_empty = true};

/* ---- exclude, limits ---- */

static const struct ush_member exclude_members[] = {
	{"groups", false, &patterns, AT(exclude_groups), "groups that are never bound"},
	{"namespaces", false, &patterns, AT(exclude_namespaces), "namespaces that are never touched"},
	END};
static const struct ush_form exclude = {.type = USH_FORM_MAP, .members = exclude_members};

static const struct ush_member remove_members[] = {
	{"bindings", false, &limit, AT(remove_bindings), "how many bindings, 20 unless said"},
	{"people", false, &limit, AT(remove_people), "how many people, 25% unless said"},
	END};
static const struct ush_form remove_limit = {.type = USH_FORM_MAP, .members = remove_members};

static const struct ush_member add_members[] = {{"people", false, &limit, AT(add_people), "how many people, any number unless said"}, END};
static const struct ush_form add_limit = {.type = USH_FORM_MAP, .members = add_members};

static const struct ush_member vanished_members[] = {
	{"runs", false, &runs, AT(vanished_runs), "complete readings without the group, 2 unless said"},
	{"age", false, &duration, AT(vanished_age), "and so long since the first of them, 1h unless said"},
	END};
static const struct ush_form vanished = {.type = USH_FORM_MAP, .members = vanished_members};

static const struct ush_member limits_members[] = {
	{"remove", false, &remove_limit, 0, "what one run may take away"},
	{"add", false, &add_limit, 0, "what one run may give"},
	{"vanishedGroup", false, &vanished, 0, "when a group that is gone loses its bindings"},
	END};
static const struct ush_form limits = {.type = USH_FORM_MAP, .members = limits_members};

/* ---- templates ---- */

#define TEMPLATE(member) offsetof(struct ush_template, member)
static const struct ush_member network_members[] = {
	{"defaultDeny", false, &flag, TEMPLATE(default_deny), "nothing in or out unless a policy allows it, true unless said"},
	{"allowDNS", false, &flag, TEMPLATE(allow_dns), "but names may be looked up, true unless said"},
	{"allowSameNamespace", false, &flag, TEMPLATE(allow_same_namespace), "and pods of the namespace may talk to each other"},
	END};
static const struct ush_form network = {.type = USH_FORM_MAP, .members = network_members};

static const struct ush_member range_members[] = {
	{"default", false, &quantities, TEMPLATE(range_default), "limits of a container that says none"},
	{"defaultRequest", false, &quantities, TEMPLATE(range_request), "requests of a container that says none"},
	{"max", false, &quantities, TEMPLATE(range_max), "the most a container may ask for"},
	{"min", false, &quantities, TEMPLATE(range_min), "the least"},
	END};
static const struct ush_form range = {.type = USH_FORM_MAP, .members = range_members};

static const struct ush_member template_role_members[] = {
	{"role", true, &any_text, HAND, "one of roles"},
	{"group", true, &group_or_pattern, offsetof(struct ush_template_role, group), "who gets it; {team} is what onboard is told"},
	{"source", false, &any_text, HAND, "which source knows the group, when there are several"},
	END};
static const struct ush_form template_roles = {.type = USH_FORM_LIST, .members = template_role_members};

static const struct ush_member template_members[] = {
	{"labels", false, &label_pairs, TEMPLATE(labels), "of the namespace"},
	{"annotations", false, &pairs, TEMPLATE(annotations), "of the namespace"},
	{"podSecurity", false, &levels, HAND, "privileged, baseline or restricted; or each of enforce, audit, warn, version"},
	{"quota", false, &quantities, TEMPLATE(quota), "hard limits of a ResourceQuota"},
	{"limitRange", false, &range, 0, "of each container"},
	{"networkPolicy", false, &network, 0, "what stands in every namespace"},
	{"automountServiceAccountToken", false, &flag, TEMPLATE(automount), "of the default ServiceAccount, false unless said"},
	{"maxNamespaces", false, &spaces, TEMPLATE(max_namespaces), "how many a team may have, or whoever its groups' {team} stands for"},
	{"roles", false, &template_roles, HAND, "who may do what there"},
	END};
const struct ush_form ush_form_template = {.type = USH_FORM_NAMED, .members = template_members, .refused = ush_name_not_label, .regex = "^" LABEL "$", .most = 63, .least = 1};

/* ---- elevation, breakGlass ---- */

static const char *not_account(const char *text)
{
	USH_AUTO_FREE char *space = ush_strndup(text, strcspn(text, "/"));

	if (text[strlen(space)] != '/')
		return "is no NAMESPACE/NAME";
	return ush_name_not_label(space) != NULL ? ush_name_not_label(space) : ush_name_not_subdomain(text + strlen(space) + 1);
}

static const struct ush_form accounts = {.type = USH_FORM_TEXTS, .refused = not_account, .regex = "^" LABEL "/" SUBDOMAIN "$", .most = 317};

#define ELEVATION(member) offsetof(struct ush_elevation, member)
static const struct ush_member allow_members[] = {
	{"roles", true, &any_texts, ELEVATION(roles), "roles of the policy, each a ClusterRole"},
	{"namespaces", true, &patterns, ELEVATION(namespaces), "where, by name or pattern"},
	{"max", true, &duration, ELEVATION(most), "for how long at most"},
	END};
const struct ush_form ush_form_elevation = {.type = USH_FORM_LIST, .members = allow_members};

static const struct ush_member elevation_members[] = {
	{"ticket", false, &flag, AT(elevation_ticket), "nothing is given without a ticket (--ticket)"},
	{"kyverno", false, &flag, AT(elevation_kyverno), "what is given bears Kyverno's cleanup label, too"},
	{"allow", true, &ush_form_elevation, HAND, "what may be given"},
	END};
static const struct ush_form elevation = {.type = USH_FORM_MAP, .members = elevation_members};

#define SEAL(member) offsetof(struct ush_seal, member)
static const struct ush_member seal_members[] = {
	{"groups", false, &any_texts, SEAL(groups), "who gets it, as the API server calls them, prefix and all"},
	{"users", false, &any_texts, SEAL(users), "likewise"},
	{"serviceAccounts", false, &accounts, SEAL(accounts), "NAMESPACE/NAME"},
	{"role", true, &any_text, HAND, "one of roles, a ClusterRole"},
	{"namespaces", true, &patterns, SEAL(namespaces), "where it may be used, by name or pattern"},
	{"max", true, &duration, SEAL(most), "for how long at most"},
	{"owner", true, &any_text, SEAL(owner), "who answers for it"},
	{"until", true, &moment, SEAL(until), "from then on it is worth nothing"},
	{"sealed", false, &path_text, SEAL(sealed), "its signature, from usher-broker seal"},
	END};
const struct ush_form ush_form_seal = {.type = USH_FORM_NAMED, .members = seal_members, .refused = ush_name_not_label, .regex = "^" LABEL "$", .most = 63, .least = 1};

/* ---- the whole ---- */

static const struct ush_member metadata_members[] = {{"name", true, &label, AT(name), "whose objects are ours"}, END};
static const struct ush_form metadata = {.type = USH_FORM_MAP, .members = metadata_members};
static const struct ush_form api = {.type = USH_FORM_CHOICE, .choices = USH_POLICY_API}, kind = {.type = USH_FORM_CHOICE, .choices = "AccessPolicy"};
const struct ush_form ush_form_source = {.type = USH_FORM_SOURCES, .refused = ush_name_not_label, .regex = "^" LABEL "$", .most = 63, .least = 1};

static const struct ush_member policy_members[] = {
	{"apiVersion", true, &api, HAND, USH_POLICY_API},
	{"kind", true, &kind, HAND, "AccessPolicy"},
	{"metadata", false, &metadata, 0, "the policy's name, default unless said"},
	{"cluster", true, &ush_form_cluster, 0, "how this API server spells groups and people"},
	{"clusters", false, &ush_form_clusters, HAND, "several clusters that the policy is for"},
	{"sources", true, &ush_form_source, HAND, "where groups come from"},
	{"exceptions", false, &ush_form_exception, HAND, "what would be refused, allowed by somebody until a day"},
	{"roles", true, &ush_form_role, HAND, "what may be done"},
	{"grants", true, &ush_form_grant, HAND, "which group may do what, where"},
	{"layout", false, &layouts, AT(layout), "one RoleBinding a role, a group, or of users; role unless said"},
	{"drift", false, &drifts, AT(drift), "what becomes of what somebody else changed, repair unless said"},
	{"exclude", false, &exclude, 0, "what is left out"},
	{"limits", false, &limits, 0, "what one run may change without a person's word"},
	{"templates", false, &ush_form_template, HAND, "what a new namespace gets"},
	{"elevation", false, &elevation, 0, "which roles may be given for a time"},
	{"breakGlass", false, &ush_form_seal, HAND, "what may be taken in an emergency, provider or not"},
	{"breakGlassKey", false, &path_text, HAND, "file with the public key of its seals, root's"},
	{"owners", false, &any_texts, AT(owners), "who answers for this policy"},
	END};
const struct ush_form ush_form_policy = {.type = USH_FORM_MAP, .members = policy_members};
