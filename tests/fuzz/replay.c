/* SPDX-License-Identifier: Apache-2.0
 *
 * The main of a fuzz target outside a fuzzer: replays every file of tests/fuzz/corpus/TARGET, whole, cut at every
 * length, and with some thousand bytes changed by a generator that is the same on each run. A crash, a leak or a report
 * of a sanitizer fails the test; what the parser answers does not matter here.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LARGEST   16384
#define MUTATIONS 2000

static uint32_t state = 1;

static uint32_t next(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* The parser gets memory of exactly this size, so that a read past the end is seen. */
static void feed(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size != 0 ? size : 1);

	if (size > 0)
		memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void torture(const uint8_t *data, size_t size)
{
	uint8_t changed[LARGEST];

	feed(data, size);
	for (size_t cut = 0; cut < size; cut += 1 + size / 512)
		feed(data, cut);
	for (int i = 0; i < MUTATIONS && size > 0; i++) {
		memcpy(changed, data, size);
		for (uint32_t n = 1 + next() % 4; n > 0; n--)
			changed[next() % size] = (uint8_t)next();
		feed(changed, size);
	}
}

static int replay(const char *path)
{
	static uint8_t data[LARGEST];
	FILE *from = fopen(path, "rb");
	size_t size;

	if (from == NULL)
		return -1;
	size = fread(data, 1, sizeof data, from);
	fclose(from);
	torture(data, size);
	return 0;
}

int main(int argc, char **argv)
{
	const char *target = strrchr(argv[0], '/'), *source = getenv("USHER_SRC");
	USH_AUTO_FREE char *folder = NULL;
	struct dirent **names;
	int count, bad = 0;

	target = target != NULL ? target + 1 : argv[0];
	target += strncmp(target, "fuzz_", 5) == 0 ? 5 : 0;
	folder = argc > 1 ? ush_strdup(argv[1]) : ush_printf("%s/tests/fuzz/corpus/%s", source != NULL ? source : ".", target);
	count = scandir(folder, &names, NULL, alphasort);
	for (int i = 0, n = 0; i < count; i++) {
		USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, names[i]->d_name);

		if (names[i]->d_name[0] != '.') {
			int r = replay(path);

			bad += r != 0;
			printf("%s %d - %s: %s, cut and changed\n", r == 0 ? "ok" : "not ok", ++n, target, names[i]->d_name);
			if (i + 1 == count)
				printf("1..%d\n", n);
		}
		free(names[i]);
	}
	if (count < 3) {
		printf("not ok 1 - %s: no corpus in %s\n1..1\n", target, folder);
		bad = 1;
	}
	if (count >= 0)
		free(names);
	return bad;
}
