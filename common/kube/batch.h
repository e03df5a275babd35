/* SPDX-License-Identifier: Apache-2.0
 *
 * Many requests of an API server at once (net/many.h), as many as it bears (pace.h). A task is asked for when there is
 * room for it, so its body is made just before it is sent. Tried again, with Retry-After and jitter: 429 and 503, nine
 * times; a broken connection and other 5xx, three times; 401 after the credentials were read again. All of them together
 * no more often than there were successes, and 200.
 *
 * A write that broke off may have been carried out. So every 409 is followed by a read: when what stands there is all
 * that the write said, the write is done.
 */
#ifndef USH_KUBE_BATCH_H
#define USH_KUBE_BATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/kube/client.h"

enum ush_kube_verb {
	USH_KUBE_GET,
	USH_KUBE_CREATE, /* POST to the list's path */
	USH_KUBE_MERGE,  /* PATCH, JSON merge patch (RFC 7386); resourceVersion in it is a precondition */
	USH_KUBE_UPDATE, /* PUT */
	USH_KUBE_DELETE, /* its body, DeleteOptions, may be empty */
	USH_KUBE_REVIEW, /* POST of a review: an object that is answered and not kept */
	USH_KUBE_APPLY   /* server-side apply, without force: it is made (201) or gets these fields (200) */
};

struct ush_kube_task {
	enum ush_kube_verb verb;
	char *path;          /* from '/', without a query; owned by the batch once next gave it */
	struct ush_buf body; /* JSON; likewise */
	bool tell;           /* the answer of a create or a merge is wanted too: its metadata alone */
	bool whole;          /* all of it: what the server made of what was sent */
	void *item;          /* the caller's */
};

enum ush_kube_end {
	USH_KUBE_DONE,    /* carried out, by now or before; a delete also when there is nothing (more) */
	USH_KUBE_MISSING, /* 404: the namespace of a create, the object of everything else */
	USH_KUBE_STANDS,  /* 409: another object, or another version of it, stands there */
	USH_KUBE_ENDING,  /* 403: its namespace is being deleted */
	USH_KUBE_FAILED
};

struct ush_kube_result {
	enum ush_kube_end end;
	int status;     /* of the answer; 0: there was none */
	json_t *answer; /* GET, UPDATE, REVIEW, and with tell or whole: what was answered. STANDS: what stands there, NULL: nothing
			 * any more; and so when it was found to be ours after a 409 */
	struct ush_error err; /* FAILED, ENDING: why */
};

struct ush_kube_batch {
	void *context;
	/* True with *task filled: the next one. False: none now; asked again after each done, and in *wait_ms
	 * milliseconds when that is set (it comes as -1). Whoever gives none while nothing is under way ends the batch. */
	bool (*next)(void *context, struct ush_kube_task *task, int64_t *wait_ms);
	/* What became of it; all borrowed. */
	void (*done)(void *context, const struct ush_kube_task *task, const struct ush_kube_result *result);
	/* Or NULL: as next, for what goes before everything else, even when the server wants less; asked every second. */
	bool (*urgent)(void *context, struct ush_kube_task *task);
	/* Or NULL: asked before anything but the urgent is sent. 0: yes. 1: not now. -1, err filled: never, end here. */
	int (*may)(void *context, struct ush_error *err);
};

/*
 * Runs the batch to its end. -1 when the rest is left untried, once done was told of all that was under way:
 * USH_ERR_UNAVAILABLE (the server is gone: nothing but broken connections, or nothing but refusals for a minute),
 * USH_ERR_LOGIN (401 again), USH_ERR_DECLINED (SIGINT, SIGTERM).
 */
int ush_kube_many(const struct ush_kube *kube, const struct ush_kube_batch *batch, struct ush_error *err);

#endif
