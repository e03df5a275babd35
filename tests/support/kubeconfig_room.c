/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/kubeconfig_room.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/tap.h"

struct ush_error room_error;
static const char *room;

void room_begin(void)
{
	static const char *const unset[] = {"KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"};

	room = tap_folder();
	setenv("HOME", room, 1);
	for (size_t i = 0; i < USH_COUNT(unset); i++)
		unsetenv(unset[i]);
}

char *room_path(const char *name)
{
	return ush_printf("%s/%s", room, name);
}

void room_put(const char *name, const char *text, unsigned int mode)
{
	USH_AUTO_FREE char *path = room_path(name), *folder = ush_strdup(path);
	struct ush_error err = {0};

	*strrchr(folder, '/') = '\0';
	ck_assert_msg(ush_file_private_folder(folder, &err) == 0, "%s", err.what);
	ck_assert_msg(ush_file_write(path, text, strlen(text), mode, &err) == 0, "%s", err.what);
}

struct ush_kube_config *room_load(const char *name, const char *context)
{
	USH_AUTO_FREE char *path = name != NULL ? room_path(name) : NULL;

	ush_error_clear(&room_error);
	return ush_kube_config_load(path, context, false, &room_error);
}

struct ush_kube_config *room_load_with(const char *cluster, const char *user)
{
	USH_AUTO_FREE char *text =
		ush_printf("apiVersion: v1\nkind: Config\ncurrent-context: c\n"
			   "contexts: [{name: c, context: {cluster: k, user: u, namespace: team-n}}]\n"
			   "clusters: [{name: k, cluster: {%s}}]\nusers:\n- {name: other, user: {token: t}}\n- name: "
			   "u\n  user: {%s}\n",
			   cluster, user);

	room_put("config", text, 0600);
	return room_load("config", NULL);
}

void room_config_free(struct ush_kube_config **config)
{
	ush_kube_config_free(*config);
}
