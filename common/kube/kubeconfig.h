/* SPDX-License-Identifier: Apache-2.0
 *
 * Kubeconfig files as they are written: found, read, and looked up by name over all of them, the first file winning.
 * What an entry means is config.c's and exec.c's matter. For common/kube alone.
 */
#ifndef USH_KUBE_KUBECONFIG_H
#define USH_KUBE_KUBECONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/yaml.h"
#include "common/kube/config.h"

struct ush_kubeconfig_file {
	char *path;
	char *folder;          /* what relative names in it are beside */
	struct ush_buf text;   /* holds tokens: wiped when freed */
	struct ush_node *root; /* a map, or NULL when the file is empty */
};

struct ush_kubeconfig {
	struct ush_kubeconfig_file *files;
	size_t count;
	char *looked_for; /* the names that were tried, for the message when there is nothing */
};

/* A map somewhere in a file, and how a message names it: "users[2].user". */
struct ush_kubeconfig_entry {
	const struct ush_kubeconfig_file *file;
	const struct ush_node *node;
	char field[128];
};

/* path NULL: the files of $KUBECONFIG, else ~/.kube/config; those that are missing are passed over. A path that is
 * given must be there. */
int ush_kubeconfig_read(struct ush_kubeconfig *all, const char *path, struct ush_error *err);
void ush_kubeconfig_free(struct ush_kubeconfig *all);
#define USH_AUTO_KUBECONFIG __attribute__((cleanup(ush_kubeconfig_free))) struct ush_kubeconfig

/* True when no file has a cluster, a context or a user. */
bool ush_kubeconfig_is_empty(const struct ush_kubeconfig *all);

/* The first current-context that is not "", or NULL. */
int ush_kubeconfig_current(const struct ush_kubeconfig *all, const char **name, struct ush_error *err);

/* The entry `name` of a list ("clusters", "users", "contexts") and in it the map `member` ("cluster", ...). */
int ush_kubeconfig_find(const struct ush_kubeconfig *all, const char *list, const char *member, const char *name,
			struct ush_kubeconfig_entry *out, struct ush_error *err);

/* The names in a list, over all files, "a, b, c" and cut when long: for hints. The caller frees. */
char *ush_kubeconfig_names(const struct ush_kubeconfig *all, const char *list);

/* A map inside an entry. out->node is NULL when it is absent. */
int ush_kubeconfig_map(const struct ush_kubeconfig_entry *entry, const char *key, struct ush_kubeconfig_entry *out,
		       struct ush_error *err);

/* A string; *value is NULL when it is absent, null or "". Borrowed. */
int ush_kubeconfig_string(const struct ush_kubeconfig_entry *entry, const char *key, const char **value,
			  struct ush_error *err);
int ush_kubeconfig_bool(const struct ush_kubeconfig_entry *entry, const char *key, bool *value, struct ush_error *err);

/* "file:line:column: field.key: ..." with USH_ERR_CONFIG, at the key's value or, when it is absent, at the entry. */
int ush_kubeconfig_fail(const struct ush_kubeconfig_entry *entry, const char *key, struct ush_error *err,
			const char *format, ...) __attribute__((format(printf, 4, 5)));

/* exec.c: runs the command of a user's exec entry and puts what it answers (token, certificate) into config, of which
 * server, ca_pem and tls_server_name are filled. cluster is the context's cluster entry. */
int ush_kube_exec(const struct ush_kubeconfig_entry *exec, const struct ush_kubeconfig_entry *cluster, bool interactive,
		  struct ush_kube_config *config, struct ush_error *err);

/* config.c: the pod's ServiceAccount; folder holds token, ca.crt and namespace. */
struct ush_kube_config *ush_kube_config_in_cluster(const char *folder, struct ush_error *err);

/* True when text may stand in an Authorization header: printable ASCII without a space, not empty. */
bool ush_kube_token_ok(const char *text);

#endif
