/* SPDX-License-Identifier: Apache-2.0
 *
 * One client and one scripted server, for the tests of net/http.h: start with the answer that every request gets, ask,
 * look at response and err, stop.
 */
#ifndef USH_TEST_ASKING_H
#define USH_TEST_ASKING_H

#include "common/net/http.h"
#include "tests/support/http_server.h"

extern struct ush_http_client *client;
extern struct http_server *server;
extern struct ush_http_response response;
extern struct ush_error err;

void start(struct http_reply reply); /* status 200 and JSON unless said */
void stop(void);

/* Asks the server for path, with the rest of the request as it is. */
int ask_with(struct ush_http_request request, const char *path);
int ask(const char *path);

/* The exchange failed, with this code, for a reason that holds these words. */
void failed(int result, enum ush_code code, const char *why);

#endif
