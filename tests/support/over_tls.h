/* SPDX-License-Identifier: Apache-2.0
 *
 * A contract's fake behind a real socket: TLS with a certificate of a CA that only the source's `ca` names, reached through
 * a proxy (CONNECT, RFC 9110 section 9.3.6). So URLs, headers, CA and proxy are those that libcurl really sends.
 */
#ifndef USH_TEST_OVER_TLS_H
#define USH_TEST_OVER_TLS_H

#include "tests/support/contract.h"

struct over_tls;

/* Sets the source's url (the fake's own path kept), ca and proxy, and gives the contract the real world. */
struct over_tls *over_tls_start(struct contract *c);
void over_tls_stop(struct over_tls *over);

/* The source forgets the CA, so nobody can be trusted. */
void over_tls_forget_ca(struct over_tls *over);

/* Connections that came through the proxy, and all that the server saw. */
unsigned int over_tls_proxied(struct over_tls *over);
unsigned int over_tls_connections(struct over_tls *over);

#endif
