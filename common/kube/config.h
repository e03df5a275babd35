/* SPDX-License-Identifier: Apache-2.0
 *
 * Who the API server is and as whom we speak: kubeconfig as kubectl reads it ($KUBECONFIG with merging by first wins,
 * else ~/.kube/config; --context; certificate-authority[-data], client-certificate[-data]/client-key[-data], token,
 * tokenFile, exec with client.authentication.k8s.io/v1 and v1beta1, tls-server-name), or the pod's ServiceAccount when
 * there is no kubeconfig and KUBERNETES_SERVICE_HOST is set. insecure-skip-tls-verify is refused. Relative file names
 * are beside the kubeconfig that holds them.
 */
#ifndef USH_KUBE_CONFIG_H
#define USH_KUBE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/secret.h"

struct ush_kube_config {
	char *server;          /* without a slash at the end */
	char *context;         /* name of the context, or "in-cluster" */
	char *namespace_name;  /* of the context, "default" when it has none */
	char *ca_pem;          /* NULL: the system's CAs */
	char *tls_server_name; /* or NULL */
	struct ush_secret *token;
	char *token_file; /* read again when the server answers 401, or NULL */
	char *client_cert_pem;
	struct ush_secret *client_key_pem;
	bool from_exec;   /* token or certificate came from an exec user's command, which is run again after a 401 */
	char *kubeconfig; /* the path it was loaded from; NULL as in ush_kube_config_load */
	struct ush_kube_config *before; /* credentials that were replaced: requests under way still point at them */
	int minor; /* of the server's version (list.h): 0 not asked yet, -1 it does not tell */
	bool dated;      /* the server told what time it is there (ush_kube_now) */
	int64_t ahead_s; /* how far its clock is ahead of ours */
	int64_t dated_ms, dated_boot_ms; /* its clock then, by the boot clock's time: ours may be set meanwhile */
	size_t requests; /* made with it so far; of these */
	size_t writes;	 /* what may change something: no read, and no review */
};

/* path NULL: $KUBECONFIG, ~/.kube/config, in-cluster, in this order. context NULL: current-context. An exec user's
 * command is run here (stdin attached when interactive). Errors: USH_ERR_CONFIG with file, line and field; the exec
 * command's failure is USH_ERR_UNAVAILABLE, or USH_ERR_LOGIN when it ended with status 4. NULL on failure. */
struct ush_kube_config *ush_kube_config_load(const char *path, const char *context, bool interactive,
					     struct ush_error *err);
void ush_kube_config_free(struct ush_kube_config *config);

#endif
