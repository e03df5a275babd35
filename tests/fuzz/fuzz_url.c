/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "common/net/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	USH_AUTO_FREE char *text = ush_strndup((const char *)data, size);
	struct ush_error err = {0};
	USH_AUTO_URL url = {0};

	(void)ush_url_parse(&url, text, USH_ERR_CONFIG, &err);
	return 0;
}
