/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/state/ledger_note.h"

#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/policy/marks.h"
#include "broker/sync/state/store.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/way.h"

int ush_ledger_is_noted(const char *noted, const struct ush_ledger *ledger, const char *namespace_name, const char *policy, const char *what_of_it,
			const struct ush_way *way, struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_ledger_name(policy), *state = ush_state_name(policy), *command = NULL;

	if (noted == NULL || (ledger->uid != NULL && strcmp(noted, ledger->uid) == 0))
		return 0;
	if (ledger->uid == NULL)
		ush_fail(err, USH_ERR_INCOMPLETE, "the ledger is gone (ConfigMap %s/%s): whoever was offboarded would get back what they had, so %s", namespace_name,
			 name, what_of_it);
	else
		ush_fail(err, USH_ERR_INCOMPLETE,
			 "the ledger is another one than it was (ConfigMap %s/%s): who was offboarded before may be missing from it and would get back what they had, so %s",
			 namespace_name, name, what_of_it);
	command = ush_way_kubectl(way, "annotate configmap -n %s %s " USH_STATE_LEDGER "-", namespace_name, state);
	return ush_hint(err, "Restore it, or offboard them again; then: %s", command);
}

int ush_ledger_is_noted_in(const char *folder, const char *noted, const struct ush_ledger *ledger, const char *policy, struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_ledger_file(policy);

	if (noted == NULL || ledger->uid != NULL)
		return 0;
	ush_fail(err, USH_ERR_INCOMPLETE, "the ledger is gone (%.300s/%s): whoever was offboarded would get back what they had, so " USH_LEDGER_STOPS, folder, name);
	return ush_hint(err, "Restore it; where nobody is to stay out, put one there that says so: {\"entries\":[],\"version\":1}");
}

static const char *noted_by(const json_t *state)
{
	return ush_json_string(ush_json_object(ush_json_object(state, "metadata"), "annotations"), USH_STATE_LEDGER);
}

int ush_ledger_look(const struct ush_kube *kube, const struct ush_ledger *ledger, const char *namespace_name, const char *policy, const char *what_of_it,
		    struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_state_path(namespace_name, policy);
	USH_AUTO_JSON state = NULL;
	struct ush_error unimportant = {0};
	int status;

	if (ush_kube_get(kube, path, &status, &state, &unimportant) != 0)
		return 0;
	return ush_ledger_is_noted(noted_by(state), ledger, namespace_name, policy, what_of_it, kube->way, err);
}

/* Who may offboard need not be let write the state, and a request that is forbidden would be looked into by somebody. */
static bool may_write(const struct ush_kube *kube, const char *namespace_name, const char *policy)
{
	USH_AUTO_FREE char *name = ush_state_name(policy);
	const struct ush_kube_attributes what = {.verb = "update", .resource = "configmaps", .namespace_name = namespace_name, .name = name};
	struct ush_error unimportant = {0};
	bool allowed = false;

	return ush_kube_can_i(kube, &what, &allowed, &unimportant) == 0 && allowed;
}

/* Somebody else may have written the state meanwhile: then that run noted it, or the next one does. */
static void write_note(const struct ush_kube *kube, json_t *state, const char *uid, const char *path)
{
	json_t *metadata = json_object_get(state, "metadata"), *annotations = json_object_get(metadata, "annotations");
	const char *manager = ush_json_string(ush_json_object(metadata, "labels"), USH_LABEL_MANAGED_BY);
	struct ush_error unimportant = {0};
	int status;

	if (manager == NULL || strcmp(manager, USH_MANAGED_BY) != 0)
		return;
	if (!json_is_object(annotations))
		json_object_set_new(metadata, "annotations", annotations = json_object());
	json_object_set_new(annotations, USH_STATE_LEDGER, json_string(uid));
	(void)ush_kube_update(kube, path, state, &status, NULL, &unimportant);
}

int ush_ledger_note(const struct ush_kube *kube, json_t *state, const char *uid, const char *namespace_name, const char *policy, const char *what_of_it,
		    struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_state_path(namespace_name, policy);
	USH_AUTO_LEDGER ledger = {.uid = ush_strdup(uid)};
	const struct ush_ledger written = {.uid = uid != NULL ? ledger.uid : (char[]){""}}; /* it is there, and new */
	struct ush_error unimportant = {0};

	if (noted_by(state) != NULL)
		return ush_ledger_is_noted(noted_by(state), &written, namespace_name, policy, what_of_it, kube->way, err);
	if (state == NULL || !may_write(kube, namespace_name, policy))
		return 0;
	if (ledger.uid == NULL)
		(void)ush_ledger_load(&ledger, kube, namespace_name, policy, NULL, &unimportant);
	if (ledger.uid != NULL)
		write_note(kube, state, ledger.uid, path);
	return 0;
}
