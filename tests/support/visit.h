/* SPDX-License-Identifier: Apache-2.0
 *
 * A browser in a few lines: one plain HTTP request to a port of 127.0.0.1. Safe on any thread and in a forked child.
 */
#ifndef USH_TEST_VISIT_H
#define USH_TEST_VISIT_H

#include <stddef.h>

/* Connects and sends text as it is; the socket, or -1. */
int visit_send(unsigned int port, const char *text);

/* The same from 127.0.0.1 + host: another machine, as far as the server knows. */
int visit_from(size_t host, unsigned int port, const char *text);

/* Reads to the end of the answer and closes. The status, or -1 when there was no answer; *answer (when not NULL) is the
 * whole text, the caller frees. */
int visit_read(int fd, char **answer);

/* Both, with "Host: 127.0.0.1:PORT" when headers is NULL; headers are raw lines, each ended by \r\n. */
int visit(unsigned int port, const char *method, const char *target, const char *headers, char **answer);

/* The port and the target of "http://127.0.0.1:PORT/TARGET". */
unsigned int visit_port(const char *url);
const char *visit_target(const char *url);

/* A header's value in an answer, or NULL; the caller frees. */
char *visit_header(const char *answer, const char *name);

#endif
