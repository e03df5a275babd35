/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "plugin/front/execinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same with a blank after each colon that the reader looks for, so that it leaves nothing out; the caller frees. */
static char *spaced(const char *text)
{
	static const char member[] = "certificate-authority-data\":";
	size_t length = strlen(text);
	char *out = ush_alloc(2 * length + 1);
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		out[used++] = text[i];
		if (i + 1 >= sizeof member - 1 && strncmp(text + i + 2 - sizeof member, member, sizeof member - 1) == 0)
			out[used++] = ' ';
	}
	out[used] = '\0';
	return out;
}

/* The certificate is left out before the text is parsed: that makes no difference to anything, and no text good. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	USH_AUTO_FREE char *text = ush_strndup((const char *)data, size), *whole = NULL;
	struct ush_execinfo info, plain;
	struct ush_error err = {0};
	USH_AUTO_JSON root = NULL;
	bool good = ush_execinfo_read(&info, text, &err) == 0;

	root = ush_json_parse(text, strlen(text), "", USH_ERR_CONFIG, NULL);
	if (good && root == NULL)
		abort();
	whole = spaced(text);
	if (strlen(whole) < 262144 && (good != (ush_execinfo_read(&plain, whole, &err) == 0) || memcmp(&info, &plain, sizeof info) != 0))
		abort();
	return 0;
}
