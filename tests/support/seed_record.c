/* SPDX-License-Identifier: Apache-2.0
 *
 * Leaves a session record for a profile, as a sign-in would, or takes it away:
 *   seed_record any|kernel|file PROFILE TTL MIN-VALIDITY SERVER... < TOKEN      prints where it lies
 *   seed_record drop PROFILE
 * Kernel keys end with TTL whatever becomes of the test.
 */
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "common/base/memory.h"
#include "plugin/front/record.h"

static char identity[128];

static int save(const char *place, const char *text, size_t length, int64_t ttl, const char **where)
{
	if (strcmp(place, "any") == 0)
		return ush_cache_save(identity, text, length, ttl, where);
	for (const struct ush_cache_place *p = ush_cache_places; p->name != NULL; p++)
		if (strcmp(p->name, place) == 0) {
			*where = p->name;
			return p->save(identity, text, length, ttl);
		}
	return -1;
}

static int seed(char **argv, int argc)
{
	static char token[USH_RECORD_MAX];
	struct ush_record record = {.token = token, .min_validity = atol(argv[4]), .servers = argv + 5, .server_count = (size_t)argc - 5};
	int64_t ttl = atol(argv[3]);
	const char *where = NULL;
	size_t length = 0;
	USH_AUTO_FREE char *text = NULL;

	if (scanf("%32000s", token) != 1)
		return 2;
	record.expires = time(NULL) + ttl;
	text = ush_record_write(&record, &length);
	/* an expired record is wanted too, and a place takes none */
	if (text == NULL || save(argv[1], text, length, ttl > 0 ? ttl : 60, &where) != 0) {
		fprintf(stderr, "seed_record: %s did not take it\n", argv[1]);
		return 8;
	}
	printf("%s %s\n", where, identity);
	return 0;
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	struct ush_error err = {.code = USH_OK};

	if (argc < 3 || (strcmp(argv[1], "drop") != 0 && argc < 6))
		return 2;
	if (ush_place_profile(argv[2], path, sizeof path, identity, sizeof identity, &err) != 0) {
		ush_error_print(stderr, "seed_record", &err);
		return ush_code_status(err.code);
	}
	if (strcmp(argv[1], "drop") != 0)
		return seed(argv, argc);
	ush_cache_drop(identity);
	return 0;
}
