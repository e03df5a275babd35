/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "plugin/front/execinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	USH_AUTO_FREE char *text = ush_strndup((const char *)data, size);
	struct ush_execinfo info;
	struct ush_error err = {0};

	(void)ush_execinfo_read(&info, text, &err);
	return 0;
}
