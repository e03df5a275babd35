/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "broker/policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ush_list faults = {0};
	struct ush_error err = {0};

	USH_AUTO_POLICY policy = ush_policy_read((const char *)data, size, "fuzz", &faults, &err);
	(void)policy;
	ush_list_free(&faults);
	return 0;
}
