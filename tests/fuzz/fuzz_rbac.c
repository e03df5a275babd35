/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/rbac.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An object that reads also writes, and what it writes means the same; the rules of an aggregated role are its controller's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ush_error err = {0};
	bool is_rbac;

	USH_AUTO_JSON value = ush_json_parse((const char *)data, size, "fuzz", USH_ERR_REJECTED, &err);
	USH_AUTO_RBAC object = value != NULL ? ush_rbac_read(value, USH_ERR_INCOMPLETE, &is_rbac, &err) : NULL;
	USH_AUTO_JSON written = object != NULL ? ush_rbac_to_json(object) : NULL;
	USH_AUTO_RBAC again = written != NULL ? ush_rbac_read(written, USH_ERR_INCOMPLETE, &is_rbac, &err) : NULL;
	USH_AUTO_FREE char *one = object != NULL ? ush_rbac_meaning(object) : NULL;
	USH_AUTO_FREE char *two = again != NULL ? ush_rbac_meaning(again) : NULL;

	if (object != NULL && object->aggregation == NULL && (two == NULL || strcmp(one, two) != 0))
		abort();
	return 0;
}
