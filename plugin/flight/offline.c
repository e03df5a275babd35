/* SPDX-License-Identifier: Apache-2.0
 *
 * That a provider refuses offline_access to this person or client, in a small file of the state folder: "WHEN". A file
 * that cannot be read or written costs one question more, nothing else.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "plugin/flight/flight.h"

static const int64_t most_age = 30 * 86400; /* seconds; a realm's settings change */

static char *file_of(const char *binding)
{
	struct ush_error ignored = {.code = USH_OK};
	USH_AUTO_FREE char *folder = ush_state_folder(&ignored);

	return folder != NULL ? ush_printf("%s/%s.online", folder, binding) : NULL;
}

bool ush_offline_refused(const char *binding, int64_t now)
{
	USH_AUTO_FREE char *path = file_of(binding);
	USH_AUTO_BUF text = USH_BUF_MAX(128);
	struct ush_error ignored = {.code = USH_OK};
	long long when = 0;

	if (path == NULL || ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, NULL, &ignored) != 0)
		return false;
	return sscanf(text.data, "%18lld", &when) == 1 && when <= now && now - when < most_age;
}

void ush_offline_note(const char *binding, int64_t now)
{
	USH_AUTO_FREE char *path = file_of(binding), *text = ush_printf("%lld\n", (long long)now);
	struct ush_error ignored = {.code = USH_OK};

	if (path != NULL)
		ush_file_write(path, text, strlen(text), 0600, &ignored);
}

void ush_offline_forget(const char *binding)
{
	USH_AUTO_FREE char *path = file_of(binding);

	if (path != NULL)
		unlink(path);
}
