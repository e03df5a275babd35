/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder in which a test writes kubeconfigs and what they name, and an environment that knows of no other.
 */
#ifndef USH_TEST_KUBECONFIG_ROOM_H
#define USH_TEST_KUBECONFIG_ROOM_H

#include "common/base/error.h"
#include "common/kube/config.h"

#define ROOM_SERVER "server: \"https://k8s.example.com:6443/\""
#define ROOM_PEM    "-----BEGIN CERTIFICATE-----\nMTIz\n-----END CERTIFICATE-----\n"
#define ROOM_DATA                                                                                                      \
	"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1USXoKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=" /* ROOM_PEM in base64 */

extern struct ush_error room_error; /* of the newest load */

void room_begin(void);
char *room_path(const char *name); /* the caller frees */
void room_put(const char *name, const char *text, unsigned int mode);

/* Loads a file of the room (NULL: what the environment names); nobody may be asked. */
struct ush_kube_config *room_load(const char *name, const char *context);

/* Writes the kubeconfig "config" of one context with these members of its cluster and its user, and loads it. */
struct ush_kube_config *room_load_with(const char *cluster, const char *user);

void room_config_free(struct ush_kube_config **config);
#define ROOM_AUTO_CONFIG __attribute__((cleanup(room_config_free))) struct ush_kube_config *

#endif
