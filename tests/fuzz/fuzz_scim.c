/* SPDX-License-Identifier: Apache-2.0
 *
 * What a SCIM client writes: a filter, a path of PATCH, an address, and (what is JSON) operations on a user.
 */
#include <stddef.h>
#include <stdint.h>

#include "broker/receive/patch.h"
#include "broker/receive/resource.h"
#include "broker/serve/target.h"
#include "common/base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *somebody(void)
{
	return json_pack("{s:s, s:b, s:{s:s}, s:[{s:s, s:s}]}", "userName", "carol", "active", 1, "name", "givenName", "C", "emails", "type", "work", "value", "c@x");
}

static void patch(const char *text, size_t size)
{
	USH_AUTO_JSON body = NULL;
	USH_AUTO_JSON user = somebody();
	USH_AUTO_JSON kept = NULL;
	struct ush_scim_fault fault = {0}, taken = {0};
	json_error_t why;

	if (!ush_json_depth_ok(text, size, 16) || (body = json_loadb(text, size, 0, &why)) == NULL)
		return;
	if (ush_scim_patch(body, user, NULL, &fault) == 0)
		kept = ush_scim_take(USH_SCIM_USER, user, NULL, &taken);
	if (kept != NULL && (ush_scim_name(USH_SCIM_USER, kept) == NULL || json_object_get(kept, "password") != NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	USH_AUTO_FREE char *text = ush_strndup((const char *)data, size);
	struct ush_scim_fault fault = {0}, path_fault = {0}, names_fault = {0};
	USH_AUTO_FILTER filter = ush_filter_parse(text, &fault);
	USH_AUTO_SCIM_TARGET path = {0};
	USH_AUTO_TARGET target = {0};
	USH_AUTO_JSON user = somebody();

	if (filter != NULL)
		(void)ush_filter_match(filter, user, NULL);
	if ((filter != NULL) != (fault.status == 0))
		abort();
	(void)ush_scim_target_parse(text, &path, &path_fault);
	(void)ush_target_read(&target, text);
	(void)ush_scim_project(user, text, NULL, &names_fault);
	patch((const char *)data, size);
	return 0;
}
