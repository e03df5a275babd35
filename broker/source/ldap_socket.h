/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection to a server within a time, and a watch over calls that know no time: the LDAP library's TLS handshake waits
 * for ever, and on GnuTLS even asks in a circle when the socket does not block.
 */
#ifndef USH_SOURCE_LDAP_SOCKET_H
#define USH_SOURCE_LDAP_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

/* A connected, blocking TCP socket: the first address of host that answers within ms. -1 with USH_ERR_INCOMPLETE. Only the
 * resolver keeps its own time. */
int ush_ldap_socket(const char *host, unsigned int port, int64_t ms, struct ush_error *err);

/* Shuts the socket down when ms have passed and nobody has ended the watch: every read and write on it then ends. */
struct ush_ldap_watch;
struct ush_ldap_watch *ush_ldap_watch_begin(int fd, int64_t ms);
bool ush_ldap_watch_end(struct ush_ldap_watch *watch); /* true when it had to. NULL: false */

#endif
