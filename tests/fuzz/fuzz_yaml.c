/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is read is written, and what was written is read back equal. */
static void round_trip(const struct ush_node *node)
{
	USH_AUTO_JSON value = ush_yaml_to_json(node);
	USH_AUTO_BUF text = {0};
	USH_AUTO_NODE again = NULL;
	USH_AUTO_JSON back = NULL;
	struct ush_error err = {0};

	if (ush_yaml_write(&text, value, true) != 0)
		return;
	again = ush_yaml_read_one(text.data, text.length, "again", USH_ERR_CONFIG, &err);
	if (again == NULL) {
		if (strstr(err.what, "nested too deep") != NULL || strstr(err.what, "too many values") != NULL)
			return;
		abort();
	}
	back = ush_yaml_to_json(again);
	if (!json_equal(value, back))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ush_node **documents;
	struct ush_error err = {0};
	size_t count;

	if (ush_yaml_read((const char *)data, size, "fuzz", USH_ERR_CONFIG, &documents, &count, &err) != 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		round_trip(documents[i]);
	ush_yaml_free_all(documents, count);
	return 0;
}
