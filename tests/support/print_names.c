/* SPDX-License-Identifier: Apache-2.0
 *
 * print_names SEED COUNT yaml|json: a ConfigMap whose values are so many names, as Usher writes YAML or as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"
#include "tests/support/names.h"

int main(int argc, char **argv)
{
	USH_AUTO_JSON map = json_pack("{s:s, s:s, s:{s:s}, s:{}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata", "name", "names", "data");
	USH_AUTO_BUF out = {.limit = SIZE_MAX};
	uint64_t seed = argc == 4 ? strtoull(argv[1], NULL, 10) : 0;

	if (argc != 4)
		return 2;
	for (long i = 0; i < strtol(argv[2], NULL, 10); i++) {
		char name[NAMES_LONGEST], key[32];

		names_next(&seed, name);
		snprintf(key, sizeof key, "k%ld", i);
		json_object_set_new(json_object_get(map, "data"), key, json_string(name));
	}
	if (strcmp(argv[3], "json") == 0)
		return json_dumpf(map, stdout, 0) != 0;
	return ush_yaml_write(&out, map, false) != 0 || fputs(out.data, stdout) == EOF;
}
