/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside api: one request from the first time it is sent until its answer is worth reading, or until it is given up.
 */
#ifndef USH_SOURCE_API_ASK_H
#define USH_SOURCE_API_ASK_H

#include "broker/source/api.h"
#include "broker/source/record.h"

#define USH_ASK_HEADERS 24

enum ush_ask_state { USH_ASK_DONE, USH_ASK_AGAIN /* at due */, USH_ASK_FAILED /* err is filled */ };

struct ush_ask {
	struct ush_api_get get;       /* what is asked; strings are borrowed */
	const struct ush_secret *basic; /* of a form, which is posted without the token */
	const struct ush_buf *form;
	const char *content_type; /* of it; NULL: a form */
	const char *write;            /* the method of a write, which is empty and is sent with the token */
	size_t page;                  /* of a chain, for messages; 0: none */
	/* while it lasts */
	char *url, *authorization;
	struct ush_confided confided; /* of the form */
	struct ush_secret *token; /* that it was sent with, and which one that was */
	unsigned int generation, tries, limits, refusals;
	int64_t due; /* boot ms before which it is not sent */
	json_t *body; /* of a 200, once it is judged */
	const char *headers[USH_ASK_HEADERS];
};

/* Checks the target. USH_ERR_INCOMPLETE when it leads elsewhere. */
int ush_ask_begin(struct ush_api *api, struct ush_ask *ask, struct ush_error *err);
void ush_ask_end(struct ush_ask *ask);

/* Fills the request, signing in first where that is needed. */
int ush_ask_send(struct ush_api *api, struct ush_ask *ask, struct ush_http_request *request, struct ush_error *err);

/* Looks at what came of it; a 200 must hold JSON, and one that is cut in the middle is asked for again. why: of the exchange,
 * or USH_OK in its code. */
enum ush_ask_state ush_ask_judge(struct ush_api *api, struct ush_ask *ask, const struct ush_http_response *response, const struct ush_error *why,
				 struct ush_error *err);

/* Moves what is done into the answer. */
void ush_ask_take(struct ush_ask *ask, struct ush_http_response *response, struct ush_api_answer *answer);

/* The whole of it: sends until it is done. */
int ush_ask_run(struct ush_api *api, struct ush_ask *ask, struct ush_api_answer *answer, struct ush_error *err);

/* ---- api_token.c ---- */

/* Puts the token into the request, signing in first where that is needed; *count: of ask->headers. */
int ush_ask_authorize(struct ush_api *api, struct ush_ask *ask, struct ush_http_request *request, size_t *count, struct ush_error *err);

/* After a 401: false when there is no other token to be had. */
bool ush_ask_renew(struct ush_api *api, const struct ush_ask *ask);
void ush_ask_forget(struct ush_ask *ask);

/* "page 2 of groups"; the caller frees. */
char *ush_ask_what(const struct ush_ask *ask);

#endif
