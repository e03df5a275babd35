/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/state/store.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/apply/applyset.h"
#include "broker/sync/state/ledger_note.h"
#include "broker/sync/want/desired.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/way.h"

#define FILE_MAX (16U << 20)

char *ush_state_path(const char *namespace_name, const char *policy)
{
	USH_AUTO_FREE char *name = ush_state_name(policy);

	return ush_printf("/api/v1/namespaces/%s/configmaps/%s", namespace_name, name);
}

static int read_map(struct ush_state *state, const json_t *map, const struct ush_way *way, const char *where, struct ush_error *err)
{
	const json_t *metadata = ush_json_object(map, "metadata"), *labels = ush_json_object(metadata, "labels");
	USH_AUTO_FREE char *command = NULL;
	const char *manager = ush_json_string(labels, USH_LABEL_MANAGED_BY), *text = ush_json_string(ush_json_object(map, "data"), "state");

	if (manager == NULL || strcmp(manager, USH_MANAGED_BY) != 0) {
		ush_fail(err, USH_ERR_REFUSED, "%s is not ours", where);
		return ush_hint(err, "Keep the state elsewhere: cluster.stateNamespace of the policy");
	}
	if (text == NULL)
		return ush_fail(err, USH_ERR_STORE, "%s holds no state", where);
	if (ush_state_read(state, text, where, err) == 0) {
		const json_t *annotations = ush_json_object(metadata, "annotations");

		state->namespaces = ush_strdup(ush_json_string(annotations, USH_APPLYSET_NAMESPACES));
		state->ledger = ush_strdup(ush_json_string(annotations, USH_STATE_LEDGER));
		return 0;
	}
	command = ush_way_kubectl(way, "delete configmap -n %s %s", ush_json_string(metadata, "namespace"), ush_json_string(metadata, "name"));
	return ush_hint(err, "Without it groups that are gone are counted anew; if nobody has a copy: %s", command);
}

int ush_state_load(struct ush_state *state, const struct ush_kube *kube, const char *namespace_name, const char *policy, char **version,
		   struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_state_name(policy), *path = ush_state_path(namespace_name, policy);
	USH_AUTO_FREE char *where = ush_printf("ConfigMap %s/%s", namespace_name, name);
	USH_AUTO_JSON map = NULL;
	int status;

	*version = NULL;
	if (ush_kube_get(kube, path, &status, &map, err) != 0)
		return -1;
	if (map == NULL)
		return 0;
	*version = ush_strdup(ush_json_string(ush_json_object(map, "metadata"), "resourceVersion"));
	return read_map(state, map, kube->way, where, err);
}

static json_t *map_json(const struct ush_state *state, const char *namespace_name, const char *name, const char *policy, const char *version)
{
	USH_AUTO_FREE char *text = ush_state_text(state), *set = ush_name_applyset(name, namespace_name, "ConfigMap", "");
	json_t *map = ush_applyset_parent(name, set, namespace_name, policy, state->namespaces, version);

	json_object_set_new(map, "data", json_pack("{s:s}", "state", text));
	if (state->ledger != NULL)
		json_object_set_new(json_object_get(json_object_get(map, "metadata"), "annotations"), USH_STATE_LEDGER, json_string(state->ledger));
	return map;
}

int ush_state_save(const struct ush_state *state, const struct ush_kube *kube, const char *namespace_name, const char *policy, const char *version,
		   struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_state_name(policy), *path = ush_state_path(namespace_name, policy);
	USH_AUTO_FREE char *list = ush_printf("/api/v1/namespaces/%s/configmaps", namespace_name);
	USH_AUTO_JSON map = map_json(state, namespace_name, name, policy, version);
	int status;
	int result = version == NULL ? ush_kube_create(kube, list, map, false, &status, err) : ush_kube_update(kube, path, map, &status, NULL, err);

	if (result != 0)
		return ush_error_at(err, "the state (ConfigMap %s/%s)", namespace_name, name);
	if (status == 409 || status == 404)
		return ush_fail(err, USH_ERR_REFUSED, "ConfigMap %s/%s changed while this ran; its tombstones were not written", namespace_name, name);
	return 0;
}

/* A file has no annotations: a member beside the others, which a state of before lacks. */
static bool notes_ledger(const char *text)
{
	USH_AUTO_JSON top = json_loads(text, 0, NULL);

	return json_is_true(json_object_get(top, "ledger"));
}

static char *file_text(const struct ush_state *state)
{
	USH_AUTO_FREE char *text = ush_state_text(state);
	USH_AUTO_JSON top = json_loads(text, 0, NULL);

	if (state->ledger == NULL)
		return ush_steal(&text);
	json_object_set_new(top, "ledger", json_true());
	return ush_json_canonical(top);
}

int ush_state_load_file(struct ush_state *state, const char *folder, const char *policy, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/.usher-state-%s", folder, policy);
	USH_AUTO_BUF text = USH_BUF_MAX(FILE_MAX);
	bool missing;

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_STORE, &text, &missing, err) != 0) {
		if (missing)
			ush_error_clear(err);
		return missing ? 0 : -1;
	}
	if (ush_state_read(state, text.data, path, err) != 0)
		return -1;
	state->ledger = notes_ledger(text.data) ? ush_strdup(USH_LEDGER_IN_FOLDER) : NULL;
	return 0;
}

int ush_state_save_file(const struct ush_state *state, const char *folder, const char *policy, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/.usher-state-%s", folder, policy), *text = file_text(state), *line = ush_printf("%s\n", text);

	return ush_file_write(path, line, strlen(line), 0644, err);
}
