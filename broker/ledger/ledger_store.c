/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/ledger/ledger_store.h"

#include <string.h>

#include "broker/policy/marks.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/way.h"

#define TRIES	 8
#define FILE_MAX (16U << 20)

static int read_map(struct ush_ledger *ledger, const json_t *map, const char *where, struct ush_error *err)
{
	const json_t *metadata = ush_json_object(map, "metadata");
	const char *manager = ush_json_string(ush_json_object(metadata, "labels"), USH_LABEL_MANAGED_BY);
	const char *text = ush_json_string(ush_json_object(map, "data"), "ledger");

	if (manager == NULL || strcmp(manager, USH_MANAGED_BY) != 0) {
		ush_fail(err, USH_ERR_REFUSED, "%s is not ours", where);
		return ush_hint(err, "Keep the ledger elsewhere: cluster.stateNamespace of the policy");
	}
	if (text == NULL)
		return ush_fail(err, USH_ERR_STORE, "%s holds no ledger: who was offboarded cannot be read, so nothing was done", where);
	if (ush_ledger_read(ledger, text, where, err) == 0) {
		ledger->uid = ush_strdup(ush_json_string(metadata, "uid"));
		return 0;
	}
	return ush_hint(err, "It says who was offboarded, so nothing goes on without it: restore it from a copy");
}

int ush_ledger_load(struct ush_ledger *ledger, const struct ush_kube *kube, const char *namespace_name, const char *policy, char **version,
		    struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_ledger_name(policy), *path = ush_printf("/api/v1/namespaces/%s/configmaps/%s", namespace_name, name);
	USH_AUTO_FREE char *where = ush_printf("ConfigMap %s/%s", namespace_name, name);
	USH_AUTO_JSON map = NULL;
	int status;

	if (version != NULL)
		*version = NULL;
	if (ush_kube_get(kube, path, &status, &map, err) != 0)
		return ush_error_at(err, "the ledger (%s)", where);
	if (map == NULL)
		return 0;
	if (read_map(ledger, map, where, err) != 0)
		return -1;
	if (version != NULL)
		*version = ush_strdup(ush_json_string(ush_json_object(map, "metadata"), "resourceVersion"));
	return 0;
}

static json_t *map_json(const struct ush_ledger *ledger, const char *namespace_name, const char *name, const char *version)
{
	USH_AUTO_FREE char *text = ush_ledger_text(ledger);

	return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}, s:s*}, s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata", "name", name, "namespace",
			 namespace_name, "labels", USH_LABEL_MANAGED_BY, USH_MANAGED_BY, "resourceVersion", version, "data", "ledger", text);
}

/* 1: written. 0: somebody else wrote in between. */
static int save(const struct ush_ledger *ledger, const struct ush_kube *kube, const char *namespace_name, const char *policy, const char *version,
		struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_ledger_name(policy), *list = ush_printf("/api/v1/namespaces/%s/configmaps", namespace_name);
	USH_AUTO_FREE char *path = ush_printf("%s/%s", list, name);
	USH_AUTO_JSON map = map_json(ledger, namespace_name, name, version);
	int status;
	int result = version == NULL ? ush_kube_create(kube, list, map, false, &status, err) : ush_kube_update(kube, path, map, &status, NULL, err);

	if (result == 0)
		return status == 200 || status == 201;
	if (version == NULL && status == 404) {
		USH_AUTO_FREE char *command = ush_way_kubectl(kube->way, "create namespace %s", namespace_name);

		ush_error_clear(err);
		ush_fail(err, USH_ERR_CONFIG, "there is no namespace %s to keep the ledger in; nothing was done", namespace_name);
		return ush_hint(err, "%s", command);
	}
	return ush_error_at(err, "the ledger (ConfigMap %s/%s)", namespace_name, name);
}

int ush_ledger_change(const struct ush_kube *kube, const char *namespace_name, const char *policy,
		      int (*change)(void *context, struct ush_ledger *ledger, struct ush_error *err), void *context, struct ush_error *err)
{
	for (int i = 0; i < TRIES; i++) {
		USH_AUTO_LEDGER ledger = {0};
		USH_AUTO_FREE char *version = NULL;
		int result;

		if (ush_ledger_load(&ledger, kube, namespace_name, policy, &version, err) != 0)
			return -1;
		result = change(context, &ledger, err);
		if (result <= 0)
			return result;
		result = save(&ledger, kube, namespace_name, policy, version, err);
		if (result != 0)
			return result > 0 ? 0 : -1;
	}
	return ush_fail(err, USH_ERR_REFUSED, "the ledger was written by others %d times while this ran; nothing was done", TRIES);
}

int ush_ledger_full(const struct ush_ledger *ledger, const char *namespace_name, const char *policy, const struct ush_way *way, enum ush_code code,
		    struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_ledger_name(policy), *out = ush_way_broker(way, "readmit --key KEY --reason TEXT");
	USH_AUTO_FREE char *all = ush_way_kubectl(way, "get configmap -n %s %s -o jsonpath={.data.ledger}", namespace_name, name);
	size_t elevations = 0;

	for (size_t i = 0; i < ledger->count; i++)
		elevations += ledger->items[i].kind == USH_LEDGER_ELEVATED;
	ush_fail(err, code, "the ledger has no room for it (ConfigMap %s/%s: %zu denied, %zu with a role for a time)", namespace_name, name, ledger->count - elevations,
		 elevations);
	return ush_hint(err, "Make room: %s, of who is in no group any more. All of them: %s", out, all);
}

char *ush_ledger_file(const char *policy)
{
	return ush_printf(".usher-ledger-%s", policy);
}

int ush_ledger_load_file(struct ush_ledger *ledger, const char *folder, const char *policy, struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_ledger_file(policy), *path = ush_printf("%s/%s", folder, name);
	USH_AUTO_BUF text = USH_BUF_MAX(FILE_MAX);
	bool missing;

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_STORE, &text, &missing, err) == 0) {
		if (ush_ledger_read(ledger, text.data != NULL ? text.data : "", path, err) != 0)
			return -1;
		ledger->uid = ush_strdup(USH_LEDGER_IN_FOLDER);
		return 0;
	}
	if (missing)
		ush_error_clear(err);
	return missing ? 0 : -1;
}
