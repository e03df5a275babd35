/* SPDX-License-Identifier: Apache-2.0
 *
 * KUBERNETES_EXEC_INFO: what kubectl says to its credential plugin (client.authentication.k8s.io v1 and v1beta1,
 * ExecCredential). It may come from a hostile kubeconfig: types are checked, unknown versions refused, spec.cluster.config
 * ignored.
 */
#ifndef USH_FRONT_EXECINFO_H
#define USH_FRONT_EXECINFO_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

struct ush_execinfo {
	char api_version[48]; /* echoed in the answer */
	bool interactive;     /* stdin is a person's */
	bool insecure;        /* spec.cluster.insecure-skip-tls-verify: anybody could be that server */
	char server[1024];    /* spec.cluster.server, "" when kubectl gave no cluster (provideClusterInfo: false) */
};

/* text NULL (variable not set), not an ExecCredential, another version: USH_ERR_CONFIG. */
int ush_execinfo_read(struct ush_execinfo *info, const char *text, struct ush_error *err);

#endif
