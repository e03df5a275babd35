/* SPDX-License-Identifier: Apache-2.0
 *
 * Which ApplySet a namespace's objects belong to: one a tenant where the policy says how tenants are told apart, else one
 * for all, or several when a parent's annotations could not name them all.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/want/desired.h"
#include "common/base/memory.h"

#define ONE_SET	     2000  /* namespaces: 64 bytes each, half of what annotations may hold (256 KiB) */
#define SIXTEEN_SETS 32000 /* beyond, 256 */

static size_t add_shard(struct ush_desired *d, const char *parent, const char *state_namespace)
{
	size_t room = d->shard_count;

	USH_PUSH(d->shards, d->shard_count, ush_strdup(parent));
	d->shard_count = room;
	USH_PUSH(d->applysets, d->shard_count, ush_name_applyset(parent, state_namespace, "ConfigMap", ""));
	return room;
}

/* Never fewer than before: every object would have to be written anew. */
static long tier_of(const struct ush_desired *d, const struct ush_wish *wish)
{
	size_t used = 0;
	long tier;

	for (size_t p = 0; p < d->places->count; p++)
		used += d->start[p + 1] > d->start[p];
	tier = used <= ONE_SET ? 1 : used <= SIXTEEN_SETS ? 16 : 256;
	return wish->state != NULL && wish->state->shards > tier ? wish->state->shards : tier;
}

/* What stands for the shard in its parent's name; "" for the state's own ConfigMap. */
static char *suffix_of(const struct ush_desired *d, const struct ush_place *place)
{
	char hex[65];

	if (d->policy->tenant_label != NULL) {
		if (place->tenant == NULL)
			return ush_strdup("");
		ush_sha256_hex(place->tenant, strlen(place->tenant), hex);
		return ush_printf("-tenant-%.16s", hex);
	}
	if (d->tier == 1)
		return ush_strdup("");
	return ush_printf("-part-%02x", (unsigned int)(ush_texts_hash(place->name, strlen(place->name)) & (uint64_t)(d->tier - 1)));
}

void ush_desired_shard(struct ush_desired *d, const struct ush_wish *wish)
{
	USH_AUTO_FREE char *base = ush_state_name(d->policy->name);
	struct ush_texts seen = {0};
	const char **keys = NULL;
	size_t key_count = 0;

	d->tier = d->policy->tenant_label != NULL ? 1 : tier_of(d, wish);
	d->shard_of = ush_alloc((d->places->count + 1) * sizeof *d->shard_of);
	USH_PUSH(keys, key_count, ush_texts_keep(&seen, ""));
	add_shard(d, base, wish->state_namespace);
	for (size_t p = 0; p < d->places->count; p++) {
		USH_AUTO_FREE char *suffix = suffix_of(d, &d->places->items[p]), *parent = NULL;
		const char *key = ush_texts_keep(&seen, suffix);
		size_t at = 0;

		while (at < key_count && keys[at] != key)
			at++;
		if (at == key_count) {
			USH_PUSH(keys, key_count, key);
			parent = ush_printf("%s%s", base, suffix);
			add_shard(d, parent, wish->state_namespace);
		}
		d->shard_of[p] = (uint32_t)at;
	}
	free(keys);
	ush_texts_free(&seen);
}
