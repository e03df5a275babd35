/* SPDX-License-Identifier: Apache-2.0
 *
 * A provider that says what a table says: for the tests of one source, where a whole fake would be too much. A request is
 * answered by the first row whose method and part of the URL fit and that still has times left; one that no row fits
 * ends the test. Time stands still but for what is slept. And the tools that every fake of a provider needs.
 */
#ifndef USH_TEST_PROVIDER_H
#define USH_TEST_PROVIDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "common/base/world.h"
#include "common/net/http.h"

struct provider_row {
	const char *method;  /* NULL: GET */
	const char *url;     /* part of it; "*" before and after is meant. One that ends in '$' must be the URL's end */
	int status;          /* 0: the connection is reset */
	const char *body;    /* single quotes are double quotes, unless there is a double quote in it */
	const char *headers; /* "Name: value\nName: value", or NULL; Retry-After and Date are understood */
	int times;           /* 0: always */
};

struct provider_request { /* as it came */
	char *method, *url, *body; /* body "" when there was none */
	char *authorization;       /* "Bearer x", "Basic user:password" (not encoded), "SSWS x", or NULL */
	char *headers;             /* the others, a line each */
};

struct provider {
	struct ush_world world;
	struct provider_row *rows;
	size_t row_count;
	struct provider_request *log;
	size_t log_count;
	int64_t now_ms, slept_ms; /* now is 1,800,000,000,000 at first */
};

struct provider *provider_new(const struct provider_row *rows); /* ended by a row without url; copied, not its strings */
void provider_free(struct provider *provider);

/* How many requests had this in their URL. */
size_t provider_asked(const struct provider *provider, const char *url);

/* Reads the source through the provider; ends the test when that is an error of ours. refs: groups whose members are
 * wanted, separated by ','; "*" means everybody's, NULL nobody's. The caller frees. */
void provider_read(struct provider *provider, const struct ush_policy_source *source, const char *refs, struct ush_groups *groups);

/* A source to ask it: settings are "key=value", ended by NULL; a value of "@TEXT" becomes a private file that holds TEXT.
 * ush_policy_source_free. */
struct ush_policy_source provider_source(const char *kind, const char *const *settings);

/* The group with this path, or name; ends the test when there is none. */
const struct ush_group *provider_group(const struct ush_groups *groups, const char *path);

/* ---- for every fake ---- */

/* The value of a query's or a form's parameter, decoded; NULL when it is not there. The caller frees. */
char *provider_query(const char *url, const char *key);
long provider_query_number(const char *url, const char *key, long fallback);

/* Part number `index` of the URL's path, from 0, decoded: "groups" is 2 of https://x/api/v1/groups/7. NULL past the end. */
char *provider_part(const char *url, size_t index);

/* A header of the request, also Authorization whichever way it is given; NULL when it is not there. The caller frees. */
char *provider_header(const struct ush_http_request *request, const char *name);

/* The answer's parts. reply takes the JSON over; a header may be added before or after. */
void provider_reply(struct ush_http_response *response, int status, json_t *body);
void provider_reply_text(struct ush_http_response *response, int status, const char *text);
void provider_reply_header(struct ush_http_response *response, const char *name, const char *value);

#endif
