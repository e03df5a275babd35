/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ush_error err = {0};
	int64_t t;

	USH_AUTO_JSON value = ush_json_parse((const char *)data, size, "fuzz", USH_ERR_REJECTED, &err);
	(void)ush_json_date(value, "exp", &t);
	return 0;
}
