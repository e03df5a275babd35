/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/environment.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

struct kept {
	char *name;
	struct ush_secret *value;
};

static struct kept *kept;
static size_t kept_count;

static struct kept *place_of(const char *name)
{
	for (size_t i = 0; i < kept_count; i++)
		if (strcmp(kept[i].name, name) == 0)
			return &kept[i];
	USH_PUSH(kept, kept_count, ((struct kept){.name = ush_strdup(name)}));
	return &kept[kept_count - 1];
}

const struct ush_secret *ush_environment_secret(const char *name)
{
	char *value = getenv(name);
	struct kept *place = place_of(name);

	if (value != NULL) {
		ush_secret_free(place->value);
		place->value = *value != '\0' ? ush_secret_new(value, strlen(value)) : NULL;
		explicit_bzero(value, strlen(value));
		unsetenv(name);
	}
	return place->value;
}
