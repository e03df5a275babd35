/* SPDX-License-Identifier: Apache-2.0
 *
 * One request of the API server with its retries: what client.c, list.c and review.c share. For common/kube alone.
 */
#ifndef USH_KUBE_REQUEST_H
#define USH_KUBE_REQUEST_H

#include <jansson.h>
#include <stdbool.h>

#include "common/base/error.h"
#include "common/kube/client.h"
#include "common/net/http.h"

struct ush_kube_call {
	const char *method;       /* "GET", ... */
	const char *path;         /* from '/', with its query */
	const json_t *object;     /* the body, or NULL */
	const char *content_type; /* of the body; NULL: application/json */
	/* A 2xx answer in pieces, as in ush_http_request; once a piece was handed over nothing is tried again. */
	int (*on_body)(void *context, const char *data, size_t length, struct ush_error *err);
	void *on_body_context;
	bool gzip;  /* the answer may come compressed */
	const char *accept; /* NULL: JSON, all of it */
	bool begun; /* out: a piece was handed over */
};

/*
 * 0 for every answer that the server meant (2xx, 404, 409, 410, 422 and other 4xx): response->status tells. Tried
 * again: 429, and 503 with Retry-After, 5 times within 30 s; a GET also twice on a broken connection or a 5xx; 401 once
 * after reading the token file again. USH_ERR_LOGIN for 401, USH_ERR_REFUSED for 403, USH_ERR_UNAVAILABLE for 5xx and
 * 429. response->status is set whenever there was an answer.
 */
int ush_kube_request(const struct ush_kube *kube, struct ush_kube_call *call, struct ush_http_response *response,
		     struct ush_error *err);

/* For a status that the caller has no use for: USH_ERR_REFUSED for a 4xx, quoting the server, else USH_ERR_REJECTED. */
int ush_kube_unexpected(const struct ush_kube *kube, const struct ush_kube_call *call,
			const struct ush_http_response *response, struct ush_error *err);

/* The answer's JSON object, owned by the caller; NULL with USH_ERR_REJECTED. */
json_t *ush_kube_answer(const struct ush_kube *kube, const struct ush_http_response *response, struct ush_error *err);

/* What every request of this server has in common: credentials, trust, deadline, cap. */
void ush_kube_prepare(const struct ush_kube *kube, struct ush_http_request *request);

/* How a message calls the server: its URL without the scheme. */
const char *ush_kube_server_name(const struct ush_kube *kube);

/* 0 for an answer that the server meant; else err is filled: 401, 403, 429, 5xx. */
int ush_kube_judge(const struct ush_kube *kube, const char *method, const char *path,
		   const struct ush_http_response *response, struct ush_error *err);

/* config.c: reads config->token_file again, or runs the exec command again (which may not ask anybody then). False when
 * there is neither, or it cannot be had now. */
bool ush_kube_token_again(struct ush_kube_config *config);

#endif
