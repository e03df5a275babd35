/* SPDX-License-Identifier: Apache-2.0
 *
 * How many sign-ins in a row nobody answered, in a small file of the state folder: "COUNT SINCE". A file that cannot be
 * read counts as none: the breaker spares people a browser window, it guards nothing.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "plugin/flight/flight.h"

static char *file_of(const char *binding)
{
	struct ush_error ignored = {.code = USH_OK};
	USH_AUTO_FREE char *folder = ush_state_folder(&ignored);

	return folder != NULL ? ush_printf("%s/%s.unanswered", folder, binding) : NULL;
}

int ush_breaker_count(const char *binding, int64_t *since)
{
	USH_AUTO_FREE char *path = file_of(binding);
	USH_AUTO_BUF text = USH_BUF_MAX(128);
	struct ush_error ignored = {.code = USH_OK};
	long long when = 0;
	int count = 0;

	*since = 0;
	if (path == NULL || ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, NULL, &ignored) != 0)
		return 0;
	if (sscanf(text.data, "%9d %18lld", &count, &when) != 2 || count < 0)
		return 0;
	*since = when;
	return count;
}

void ush_breaker_trip(const char *binding, int64_t now)
{
	USH_AUTO_FREE char *path = file_of(binding), *text = NULL;
	struct ush_error ignored = {.code = USH_OK};
	int64_t since = 0;
	int count = ush_breaker_count(binding, &since);

	text = ush_printf("%d %lld\n", count + 1, (long long)(count > 0 ? since : now));
	if (path != NULL)
		ush_file_write(path, text, strlen(text), 0600, &ignored);
}

void ush_breaker_reset(const char *binding)
{
	USH_AUTO_FREE char *path = file_of(binding);

	if (path != NULL)
		unlink(path);
}
