/* SPDX-License-Identifier: Apache-2.0
 *
 * The store that keeps nothing: every sign-in lasts as long as its ID token.
 */
#include "plugin/store/store.h"

static enum ush_store_result load(const char *key, int64_t deadline_ms, struct ush_secret **value, struct ush_error *err)
{
	(void)key;
	(void)deadline_ms;
	(void)err;
	*value = NULL;
	return USH_STORE_ABSENT;
}

static enum ush_store_result save(const char *key, const char *label, const struct ush_secret *value, int64_t deadline_ms,
				  struct ush_error *err)
{
	(void)key;
	(void)label;
	(void)value;
	(void)deadline_ms;
	(void)err;
	return USH_STORE_OK;
}

static enum ush_store_result erase(const char *key, int64_t deadline_ms, struct ush_error *err)
{
	(void)key;
	(void)deadline_ms;
	(void)err;
	return USH_STORE_OK;
}

const struct ush_store_ops ush_store_none = {"none", "nowhere", load, save, erase};
