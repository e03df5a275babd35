/* SPDX-License-Identifier: Apache-2.0
 *
 * Amounts of a template: what the API server would refuse of its quota and limitRange is a fault of the policy, with its line,
 * before a namespace is made that cannot be finished.
 */
#include <string.h>

#include "broker/policy/policy_read.h"
#include "broker/policy/quantity.h"
#include "common/base/memory.h"

#define WHOLE_FROM 1e15L /* amounts that are so large have no half */

/* What Kubernetes counts by itself; anything else has a domain ("nvidia.com/gpu", "count/jobs.batch"). Ended by NULL. */
static const char *const of_quota[] = {"cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu",
				       "limits.memory", "limits.ephemeral-storage", "pods", "services", "services.nodeports", "services.loadbalancers", "replicationcontrollers",
				       "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims", NULL};
static const char *const of_containers[] = {"cpu", "memory", "ephemeral-storage", NULL};
static const char *const pages[] = {"hugepages-", "requests.hugepages-", NULL};

static bool is_known(const char *key, const char *const *known)
{
	if (strchr(key, '/') != NULL)
		return true;
	for (size_t i = 0; pages[i] != NULL; i++)
		if (strncmp(key, pages[i], strlen(pages[i])) == 0)
			return true;
	for (; *known != NULL; known++)
		if (strcmp(*known, key) == 0)
			return true;
	return false;
}

/* Of objects there is no half. */
static bool is_whole(const char *key)
{
	static const char *const shared[] = {"cpu", "memory", "storage", "hugepages-"};

	if (strchr(key, '/') != NULL)
		return strncmp(key, "count/", 6) == 0;
	for (size_t i = 0; i < USH_COUNT(shared); i++)
		if (strstr(key, shared[i]) != NULL)
			return false;
	return true;
}

static bool amount_of(const struct ush_node *node, long double *amount)
{
	return node->kind == USH_NODE_SCALAR && node->text[0] != '\0' && ush_quantity_read(node->text, amount);
}

static void check_amount(struct ush_reader *r, const struct ush_node *node, const char *path, const char *key)
{
	long double amount;

	if (node->kind != USH_NODE_SCALAR || node->text[0] == '\0')
		return; /* which is told already */
	if (!amount_of(node, &amount))
		ush_reader_fault(r, node, path, "expected an amount as Kubernetes writes it (4, 500m, 8Gi), found \"%.64s\"", node->text);
	else if (amount < 0)
		ush_reader_fault(r, node, path, "%.64s is less than nothing", node->text);
	else if (is_whole(key) && amount < WHOLE_FROM && amount > (long double)(long long)amount)
		ush_reader_fault(r, node, path, "%.64s is no whole number", node->text);
}

static void check_amounts(struct ush_reader *r, const struct ush_node *map, const char *path, const char *const *known)
{
	char full[USH_PATH_MAX], nearest[96];

	for (size_t i = 0; map != NULL && map->kind == USH_NODE_MAP && i < map->count; i++) {
		const char *key = map->keys[i]->text;

		ush_reader_under(path, key, full);
		if (!is_known(key, known))
			ush_reader_fault(r, map->keys[i], full, "Kubernetes knows no such resource%s", ush_reader_nearest(key, known, nearest, sizeof nearest));
		check_amount(r, map->items[i], full, key);
	}
}

/* ---- of a container: min <= defaultRequest <= default <= max ---- */

struct rung {
	const char *name;
	const struct ush_node *map;
};

static void check_order(struct ush_reader *r, const struct rung *low, const struct rung *high, const char *path)
{
	char under[USH_PATH_MAX], full[USH_PATH_MAX];

	for (size_t i = 0; low->map != NULL && low->map->kind == USH_NODE_MAP && i < low->map->count; i++) {
		const char *key = low->map->keys[i]->text;
		const struct ush_node *other = high->map != NULL && high->map->kind == USH_NODE_MAP ? ush_node_get(high->map, key) : NULL;
		long double least, most;

		if (other == NULL || !amount_of(low->map->items[i], &least) || !amount_of(other, &most) || least <= most)
			continue;
		ush_reader_under(ush_reader_under(path, low->name, under), key, full);
		ush_reader_fault(r, low->map->items[i], full, "%.64s is more than %s, %.64s", low->map->items[i]->text, high->name, other->text);
	}
}

void ush_policy_check_bounds(struct ush_reader *r, const struct ush_node *template, const char *path)
{
	const struct ush_node *range = ush_node_get(template, "limitRange");
	struct rung ladder[] = {{"min", NULL}, {"defaultRequest", NULL}, {"default", NULL}, {"max", NULL}};
	char full[USH_PATH_MAX], under[USH_PATH_MAX];

	check_amounts(r, ush_node_get(template, "quota"), ush_reader_under(path, "quota", full), of_quota);
	if (range == NULL || range->kind != USH_NODE_MAP)
		return;
	ush_reader_under(path, "limitRange", full);
	for (size_t i = 0; i < USH_COUNT(ladder); i++) {
		ladder[i].map = ush_node_get(range, ladder[i].name);
		check_amounts(r, ladder[i].map, ush_reader_under(full, ladder[i].name, under), of_containers);
	}
	for (size_t i = 0; i < USH_COUNT(ladder); i++)
		for (size_t k = i + 1; k < USH_COUNT(ladder); k++)
			check_order(r, &ladder[i], &ladder[k], full);
}
