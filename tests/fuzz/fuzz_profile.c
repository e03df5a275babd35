/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "plugin/session/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ush_error err = {0};

	USH_AUTO_PROFILE profile = ush_profile_read("fuzz", "/fuzz.yaml", (const char *)data, size, &err);
	(void)profile;
	return 0;
}
