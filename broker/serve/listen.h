/* SPDX-License-Identifier: Apache-2.0
 *
 * A listening socket by an address as people write it.
 */
#ifndef USH_SERVE_LISTEN_H
#define USH_SERVE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/base/error.h"

/* "127.0.0.1:9464", "[::1]:9464"; port 0: any. Names are not looked up. USH_ERR_USAGE. */
int ush_listen_address(const char *text, struct sockaddr_storage *address, socklen_t *size, struct ush_error *err);

/* A socket that listens there ("[::]" for IPv4, too), -1 with USH_ERR_USAGE or USH_ERR_UNAVAILABLE. where gets the address
 * with the port that it has. */
int ush_listen(const char *address, char *where, size_t size, struct ush_error *err);

/* True when it can only be reached from this machine. */
bool ush_listen_is_loopback(const char *address);

/* An address as text, with its port or without. Returns out. */
const char *ush_listen_name(const struct sockaddr *address, bool port, char *out, size_t size);

#endif
