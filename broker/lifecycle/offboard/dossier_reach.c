/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles, and where they let the person get at ServiceAccounts and Secrets.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/lifecycle/offboard/dossier.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/match.h"

#define BIT_MAKES (UINT32_C(1) << 30) /* creates Secrets: something only together with reading them */
#define GET_EXECS_UP_TO 34 /* the last minor version whose server takes get for exec */

/* What is worth telling, and in which words. */
static const struct {
	uint32_t bit;
	bool accounts, secrets; /* a way to ServiceAccounts; to what Secrets hold */
	const char *words;
} ways[] = {
	{USH_BIT(USH_REQUEST_TOKENS), true, false, "create serviceaccounts/token"},
	{USH_BIT(USH_CREATE_PODS), true, true, "create pods"},
	{USH_BIT(USH_WRITE_WORKLOADS), true, true, "write workloads"},
	{USH_BIT(USH_EXEC_CREATE) | USH_BIT(USH_EXEC_GET), true, true, "exec into pods"},
	{USH_BIT(USH_PROXY_NODES), true, true, "nodes/proxy"},
	{USH_BIT(USH_READ_SECRETS), false, true, "read secrets"},
	{USH_BIT_MINT, true, true, "create and read secrets"},
	{USH_BIT(USH_IMPERSONATE_SERVICEACCOUNTS), false, false, "impersonate serviceaccounts"},
	{USH_BIT(USH_IMPERSONATE_USERS), false, false, "impersonate users"},
	{USH_BIT(USH_IMPERSONATE_GROUPS), false, false, "impersonate groups"},
	{USH_BIT(USH_WRITE_ROLEBINDINGS) | USH_BIT(USH_WRITE_CLUSTERROLEBINDINGS), false, false, "write bindings"},
	{USH_BIT(USH_ESCALATE_ROLES) | USH_BIT(USH_ESCALATE_CLUSTERROLES), false, false, "escalate roles"},
	{USH_BIT(USH_APPROVE_CSR), false, false, "approve certificates"},
};

const uint32_t ush_ways_to_accounts = USH_BIT(USH_REQUEST_TOKENS) | USH_BIT(USH_CREATE_PODS) | USH_BIT(USH_WRITE_WORKLOADS) | USH_BIT(USH_EXEC_CREATE) |
				      USH_BIT(USH_EXEC_GET) | USH_BIT(USH_PROXY_NODES) | USH_BIT_MINT;
const uint32_t ush_ways_to_secrets = USH_BIT(USH_READ_SECRETS) | USH_BIT(USH_CREATE_PODS) | USH_BIT(USH_WRITE_WORKLOADS) | USH_BIT(USH_EXEC_CREATE) |
				     USH_BIT(USH_EXEC_GET) | USH_BIT(USH_PROXY_NODES) | USH_BIT_MINT;

static uint32_t worth_telling(void)
{
	uint32_t all = 0;

	for (size_t i = 0; i < USH_COUNT(ways); i++)
		all |= ways[i].bit;
	return all;
}

char *ush_reach_words(const struct ush_reach *reach)
{
	uint32_t held = reach->powers | reach->named;
	struct ush_buf out = {0};

	for (size_t i = 0; i < USH_COUNT(ways); i++)
		if ((held & ways[i].bit) != 0 && !(ways[i].bit == USH_BIT(USH_READ_SECRETS) && (held & USH_BIT_MINT) != 0))
			ush_buf_printf(&out, "%s%s", out.length > 0 ? ", " : "", ways[i].words);
	return ush_buf_take(&out);
}

/* ---- roles ---- */

static char *role_key(bool cluster, const char *space, const char *name)
{
	return cluster ? ush_printf("C %s", name) : ush_printf("R %s/%s", space, name);
}

static char *key_of_hold(const struct ush_hold *hold)
{
	return role_key(strcmp(hold->role_kind, "ClusterRole") == 0, hold->space != NULL ? hold->space : "", hold->role_name);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(a, ((const struct ush_dossier_role *)b)->key);
}

static struct ush_dossier_role *find_role(const struct ush_dossier *d, const char *key)
{
	return d->role_count > 0 ? bsearch(key, d->roles, d->role_count, sizeof *d->roles, compare_keys) : NULL;
}

void ush_dossier_want_roles(struct ush_dossier *d)
{
	struct ush_list keys = {0};

	for (size_t i = 0; i < d->hold_count; i++) {
		USH_AUTO_FREE char *key = key_of_hold(&d->holds[i]);

		ush_list_add(&keys, key);
	}
	ush_list_sort(&keys);
	d->roles = ush_alloc((keys.count + 1) * sizeof *d->roles);
	for (size_t i = 0; i < keys.count; i++)
		d->roles[d->role_count++].key = ush_strdup(keys.items[i]);
	ush_list_free(&keys);
	for (size_t i = 0; i < d->hold_count; i++) {
		USH_AUTO_FREE char *key = key_of_hold(&d->holds[i]);

		d->holds[i].role = (size_t)(find_role(d, key) - d->roles);
	}
}

bool ush_dossier_wants(const struct ush_dossier *d, enum ush_rbac_kind kind)
{
	for (size_t i = 0; i < d->role_count; i++)
		if (d->roles[i].key[0] == (kind == USH_CLUSTER_ROLE ? 'C' : 'R'))
			return true;
	return false;
}

static void boil_down(struct ush_dossier_role *role, const struct ush_rbac *object)
{
	const struct ush_rule **rules = ush_alloc((object->rule_count + 1) * sizeof *rules);
	const struct ush_request make = {.verb = "create", .group = "", .resource = "secrets"};

	role->found = true;
	for (size_t i = 0; i < object->rule_count; i++) {
		rules[i] = &object->rules[i];
		role->mints |= object->rules[i].names.count == 0 && ush_rule_reaches(rules[i], &make);
	}
	role->powers = ush_powers_of(rules, object->rule_count);
	ush_power_names(rules, object->rule_count, USH_REQUEST_TOKENS, &role->token_names);
	ush_power_names(rules, object->rule_count, USH_READ_SECRETS, &role->secret_names);
	ush_power_names(rules, object->rule_count, USH_IMPERSONATE_SERVICEACCOUNTS, &role->act_names);
	free(rules);
}

int ush_dossier_role(struct ush_dossier *d, struct ush_item *item, struct ush_error *err)
{
	USH_AUTO_FREE char *space = NULL, *name = NULL, *key = NULL;
	USH_AUTO_JSON object = NULL;
	USH_AUTO_RBAC rbac = NULL;
	struct ush_dossier_role *role;
	bool is_rbac;
	int is = ush_item_rbac(item, USH_ERR_REJECTED, err);

	if (is <= 0 || (item->rbac != USH_ROLE && item->rbac != USH_CLUSTER_ROLE))
		return is < 0 ? -1 : 0;
	space = ush_slice_copy(item->namespace_name);
	name = ush_slice_copy(item->name);
	key = role_key(item->rbac == USH_CLUSTER_ROLE, space, name);
	role = find_role(d, key);
	if (role == NULL || role->found)
		return 0;
	object = ush_item_json(item, USH_ERR_REJECTED, err);
	rbac = object != NULL ? ush_rbac_read(object, USH_ERR_REJECTED, &is_rbac, err) : NULL;
	if (rbac == NULL)
		return -1;
	boil_down(role, rbac);
	return 0;
}

/* ---- reach ---- */

static int compare_holds(const void *a, const void *b)
{
	const struct ush_hold *one = *(const struct ush_hold *const *)a, *other = *(const struct ush_hold *const *)b;
	int order = strcmp(one->space != NULL ? one->space : "", other->space != NULL ? other->space : "");

	return order != 0 ? order : strcmp(one->name, other->name);
}

static uint32_t bits(const struct ush_dossier *d, uint32_t mask)
{
	if (d->minor > GET_EXECS_UP_TO)
		mask &= ~USH_BIT(USH_EXEC_GET);
	return mask & worth_telling();
}

static void add_names(struct ush_list *to, const struct ush_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		ush_list_add(to, names->items[i]);
	ush_list_sort(to);
}

/* What a binding adds to what is held in its scope. */
static void add_hold(const struct ush_dossier *d, struct ush_reach *reach, const struct ush_hold *hold)
{
	const struct ush_dossier_role *role = &d->roles[hold->role];
	struct ush_powers powers = hold->space != NULL ? ush_powers_in_namespace(role->powers) : role->powers;
	uint32_t whole = bits(d, powers.whole), named = bits(d, powers.named);

	whole |= role->mints ? BIT_MAKES : 0;
	if ((whole | named) == 0)
		return;
	reach->powers |= whole;
	reach->named |= named;
	if ((named & USH_BIT(USH_REQUEST_TOKENS)) != 0)
		add_names(&reach->tokens, &role->token_names);
	if ((named & USH_BIT(USH_READ_SECRETS)) != 0)
		add_names(&reach->secrets, &role->secret_names);
	if ((named & USH_BIT(USH_IMPERSONATE_SERVICEACCOUNTS)) != 0)
		add_names(&reach->acts, &role->act_names);
	if (reach->by == NULL && ((whole | named) & ~BIT_MAKES) != 0)
		reach->by = hold;
	if (hold->since > 0 && (reach->since == 0 || hold->since < reach->since))
		reach->since = hold->since;
}

/* Keeps what was found of one scope, if anything was. */
static void keep(struct ush_dossier *d, struct ush_reach *reach)
{
	uint32_t both = BIT_MAKES | USH_BIT(USH_READ_SECRETS);

	if ((reach->powers & both) == both)
		reach->powers |= USH_BIT_MINT;
	reach->powers &= ~BIT_MAKES;
	if (reach->by != NULL)
		USH_PUSH(d->reaches, d->reach_count, *reach);
	else
		free(reach->space);
}

void ush_dossier_reach(struct ush_dossier *d)
{
	const struct ush_hold **sorted = ush_alloc((d->hold_count + 1) * sizeof *sorted);
	struct ush_reach reach = {.space = ush_strdup("")};

	for (size_t i = 0; i < d->hold_count; i++)
		sorted[i] = &d->holds[i];
	qsort(sorted, d->hold_count, sizeof *sorted, compare_holds);
	for (size_t i = 0; i < d->hold_count; i++) {
		const char *space = sorted[i]->space != NULL ? sorted[i]->space : "";

		if (strcmp(space, reach.space) != 0) {
			keep(d, &reach);
			reach = (struct ush_reach){.space = ush_strdup(space)};
		}
		add_hold(d, &reach, sorted[i]);
	}
	keep(d, &reach);
	free(sorted);
}

void ush_dossier_free(struct ush_dossier *d)
{
	ush_spellings_free(&d->users);
	ush_list_free(&d->groups);
	for (size_t i = 0; i < d->hold_count; i++)
		ush_hold_free(&d->holds[i]);
	for (size_t i = 0; i < d->role_count; i++) {
		free(d->roles[i].key);
		ush_list_free(&d->roles[i].token_names);
		ush_list_free(&d->roles[i].secret_names);
		ush_list_free(&d->roles[i].act_names);
	}
	for (size_t i = 0; i < d->reach_count; i++) {
		free(d->reaches[i].space);
		ush_list_free(&d->reaches[i].tokens);
		ush_list_free(&d->reaches[i].secrets);
		ush_list_free(&d->reaches[i].acts);
		ush_list_free(&d->reaches[i].account_names);
	}
	ush_dossier_forget_secrets(d);
	ush_dossier_forget_requests(d);
	free(d->holds);
	free(d->roles);
	free(d->reaches);
	free(d->last_space);
	*d = (struct ush_dossier){0};
}
