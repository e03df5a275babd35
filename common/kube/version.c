/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/list.h"

/* "36" or "36+" of 1.36; 0 when it says something else. */
static int read_minor(const json_t *version)
{
	const char *major = ush_json_string(version, "major"), *minor = ush_json_string(version, "minor");
	long number = major != NULL && strcmp(major, "1") == 0 && minor != NULL ? strtol(minor, NULL, 10) : 0;

	return number > 0 && number < 1000 ? (int)number : 0;
}

int ush_kube_minor(const struct ush_kube *kube, int *minor, struct ush_error *err)
{
	struct ush_error why = {0};
	USH_AUTO_JSON version = NULL;
	int status = 0;

	*minor = kube->config->minor > 0 ? kube->config->minor : 0;
	if (kube->config->minor != 0)
		return 0;
	if (ush_kube_get(kube, "/version", &status, &version, &why) == 0) {
		*minor = read_minor(version);
	} else if (status == 0) {
		*err = why;
		return -1;
	}
	kube->config->minor = *minor > 0 ? *minor : -1;
	return 0;
}
