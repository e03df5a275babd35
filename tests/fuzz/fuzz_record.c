/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "plugin/front/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ush_execinfo info = {.server = "https://k8s.example.com:6443"};
	struct ush_record *record = ush_record_read((const char *)data, size);

	if (record != NULL)
		(void)ush_record_judge(record, &info, 1700000000);
	ush_record_free(record);
	return 0;
}
