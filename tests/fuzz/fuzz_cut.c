/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int keep(void *context, const char *text, size_t length, struct ush_error *err)
{
	(void)err;
	return ush_buf_add(context, text, length) == 0 ? ush_buf_puts(context, "\n|\n") : -1;
}

/* Feeds the text in pieces of `step` bytes, each in memory of exactly its size; what became of it is left in out. */
static enum ush_code cut_in(const uint8_t *data, size_t size, size_t step, struct ush_buf *out)
{
	struct ush_error err = {0};
	USH_AUTO_CUT cut = USH_CUT_INIT(keep, out);
	int result = 0;

	for (size_t at = 0; at < size && result == 0; at += step) {
		size_t n = size - at < step ? size - at : step;
		USH_AUTO_FREE char *piece = malloc(n);

		memcpy(piece, data + at, n);
		result = ush_cut_feed(&cut, piece, n, &err);
	}
	if (result == 0)
		ush_cut_end(&cut, &err);
	if (err.code == USH_OK)
		ush_buf_add(out, cut.rest.data, cut.rest.length);
	return err.code;
}

/* True when a list that jansson reads whole has just these items. */
static bool same_items(const uint8_t *data, size_t size, const struct ush_buf *out)
{
	struct ush_error err = {0};
	USH_AUTO_JSON list = ush_json_parse((const char *)data, size, "fuzz", USH_ERR_REJECTED, &err);
	const json_t *items = json_object_get(list, "items");
	size_t count = 0;

	if (list == NULL || !json_is_array(items) || memchr(data, '\\', size) != NULL || memchr(data, '|', size) != NULL)
		return true;
	for (const char *at = out->data; at != NULL && (at = strstr(at, "\n|\n")) != NULL; at += 3)
		count++;
	return count == json_array_size(items);
}

/* Wherever the pieces end, the same items come out, and they are those that a parser of the whole finds. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = {1, 2, 7, 8, 9, 64};
	USH_AUTO_BUF whole = {0};
	enum ush_code code;

	if (size == 0)
		return 0;
	code = cut_in(data, size, size, &whole);
	if (code == USH_OK && !same_items(data, size, &whole))
		abort();
	for (size_t i = 0; i < USH_COUNT(steps); i++) {
		USH_AUTO_BUF pieces = {0};

		if (cut_in(data, size, steps[i], &pieces) != code || pieces.length != whole.length ||
		    (whole.length > 0 && memcmp(pieces.data, whole.data, whole.length) != 0))
			abort();
	}
	return 0;
}
