/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking a provider's HTTP API: what every source that is not a file has in common. A credential, renewed when it ends;
 * GETs that survive a broken connection, 5xx and "too many requests" within a budget; page chains that must close and may
 * not loop; many requests at once; one deadline over the whole reading. Whatever fails is USH_ERR_INCOMPLETE and says
 * which page of what; only what is wrong on our side (a secret file) is USH_ERR_CONFIG.
 */
#ifndef USH_SOURCE_API_H
#define USH_SOURCE_API_H

#include <jansson.h>

#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "common/base/secret.h"
#include "common/base/world.h"
#include "common/net/http.h"

#define USH_API_TRIES	4   /* of one request; waiting because of a limit is not counted, but has a budget */
#define USH_API_TIMEOUT 900 /* seconds of a whole reading unless the policy says */
#define USH_API_BUDGET	300 /* seconds of waiting because of limits unless the policy says */

struct ush_api;

/* What is special about a provider; static data in the source's file. */
struct ush_api_kind {
	const char *accept;	       /* NULL: application/json */
	const char *const *headers;    /* on every GET, "Name: value", ended by NULL; or NULL */
	const char *authorization;     /* the scheme before the token: NULL is "Bearer"; "SSWS", "Token" */
	/* Gets a token and hands it to ush_api_token; called before the first GET and after a 401 to an old token. NULL:
	 * the credential of the policy (credential.h) is the token itself. */
	int (*sign_in)(struct ush_api *api, struct ush_error *err);
	/* Seconds to wait that an answer (429, 403, 5xx) asks for in the provider's own way, -1 when it says nothing:
	 * X-Rate-Limit-Reset and the like. Retry-After is looked at anyway. *again tells that it is a limit at all, where
	 * the status alone does not (403 of Google and GitHub). May be NULL. */
	int64_t (*wait)(const struct ush_api *api, const struct ush_http_response *response, bool *again);
	/* What a person should do about a refusal (401, 403): a hint, or NULL. */
	const char *(*advice)(const struct ush_api *api, int status);
};

struct ush_api {
	const struct ush_world *world;
	const struct ush_policy_source *source;
	const struct ush_api_kind *kind;
	void *context;            /* the source's own */
	char *base;               /* "https://org.okta.com", without a slash at the end */
	char *ca_pem;             /* or NULL */
	struct ush_secret *token; /* NULL until the first GET */
	int64_t token_ends;       /* boot ms at which it is renewed by itself, 0: only after a 401 */
	int64_t deadline;         /* boot ms of the whole reading (setting "timeout") */
	int64_t waited, budget;   /* ms: waiting on behalf of limits, and how much of it is borne (setting "budget") */
	size_t requests;          /* sent so far: for the proof and the ratio to a bare loop */
	/* What the failure of the last request was, for callers that tell more than "incomplete" (revoke.h): USH_ERR_UNAVAILABLE, USH_ERR_REFUSED
	 * (401, 403), USH_ERR_DECLINED, else USH_ERR_REJECTED. */
	enum ush_code failure;
	struct ush_secret *credential; /* what the policy names (credential.h), for sign_in; NULL: nothing */
	/* api's own */
	unsigned int generation; /* which token this is */
	int64_t resume;		 /* boot ms before which nothing is sent: a limit says so */
	bool narrowed;		 /* a limit was met since this was last looked at */
};

struct ush_api_answer {
	int status; /* 200; 304 and 404 where the call allows them */
	json_t *body;
	struct ush_http_response response; /* its headers: ush_http_header */
};
void ush_api_answer_free(struct ush_api_answer *answer);
#define USH_AUTO_API_ANSWER __attribute__((cleanup(ush_api_answer_free))) struct ush_api_answer

/* base NULL: the source's setting "url". Reads ca and credential settings; asks nothing yet. USH_ERR_CONFIG. */
int ush_api_open(struct ush_api *api, const struct ush_world *world, const struct ush_policy_source *source, const struct ush_api_kind *kind,
		 const char *base, struct ush_error *err);
void ush_api_close(struct ush_api *api);
#define USH_AUTO_API __attribute__((cleanup(ush_api_close))) struct ush_api

/*
 * How a reading ends. result -1 with why filled: what the provider did wrong makes groups incomplete (why.hint is the
 * advice) and gives 0; what is wrong on our side goes into err and gives -1. Notes the number of requests either way.
 */
int ush_api_settle(const struct ush_api *api, int result, const struct ush_error *why, struct ush_groups *groups, struct ush_error *err);

/* For sign_in: takes the token over; seconds until it ends, 0 when that is not known. */
void ush_api_token(struct ush_api *api, const char *token, size_t length, int64_t seconds);

/*
 * GET of `target`, a path under base or a whole URL, which must be of base's origin (a next link may not lead the token
 * elsewhere). what names it in messages: "page 3 of groups". allow404 makes 404 an answer. extra: headers of this request
 * alone, or NULL (304 is an answer when it has If-None-Match).
 */
struct ush_api_get {
	const char *target, *what;
	const char *const *extra;
	bool allow404;
	bool allow_stale; /* 400 and 410 are answers, with their body: a link that was kept has run out */
};
int ush_api_get(struct ush_api *api, const struct ush_api_get *get, struct ush_api_answer *answer, struct ush_error *err);

/* POST of a form, with the same retries and without the token: token endpoints. basic: "user:password" or NULL. answer->status
 * is 200 or a 4xx with its body (NULL when it is no JSON). */
int ush_api_post_form(struct ush_api *api, const char *url, const struct ush_secret *basic, const struct ush_buf *form, const char *what,
		      struct ush_api_answer *answer, struct ush_error *err);

/*
 * A write with the token: POST or DELETE. It is repeated as a GET is, also when its answer was lost: only what may be done
 * twice is asked so. Any 2xx is an answer (its body, where that is JSON), and so is 404: there is nothing (any more).
 */
struct ush_api_write {
	const char *method, *target, *what;
};
int ush_api_write(struct ush_api *api, const struct ush_api_write *write, struct ush_api_answer *answer, struct ush_error *err);

/*
 * Many GETs, several at once (over one connection where the server speaks HTTP/2): get(index) fills the question, answer
 * takes what came, in any order, one call at a time; -1 from either ends the whole. width: how many at once at most; limits
 * lower it by themselves.
 */
struct ush_api_many {
	size_t count, width;
	int (*get)(void *context, size_t index, struct ush_api_get *get, struct ush_error *err); /* strings live until its answer */
	int (*answer)(void *context, size_t index, struct ush_api_answer *answer, struct ush_error *err);
	void *context;
};
int ush_api_get_many(struct ush_api *api, const struct ush_api_many *many, struct ush_error *err);

/*
 * Many chains of pages, several at once: the members of each group. first(index) fills the first question of a chain;
 * page takes one page and says where the next one is, as for ush_api_chain below. Pages of one chain come in order;
 * `what` of the first question names the chain ("members of /a/b"), messages say "page 2 of members of /a/b".
 */
struct ush_api_chains {
	size_t count, width;
	size_t most; /* pages of one chain; 0: 20,000 */
	int (*first)(void *context, size_t index, struct ush_api_get *get, struct ush_error *err); /* strings live until the chain ends */
	int (*page)(void *context, size_t index, struct ush_api_answer *answer, char **next, struct ush_error *err);
	void *context;
	/* Headers of one page alone (If-None-Match), instead of the first question's; they live until its answer. May be NULL. */
	const char *const *(*extra)(void *context, size_t index, const char *target);
};
int ush_api_chains(struct ush_api *api, const struct ush_api_chains *chains, struct ush_error *err);

/*
 * A chain of pages. page takes one answer and says where the next one is: in *next (owned by the chain afterwards), NULL at
 * the end. A target that was asked before, or more than `most` pages, is USH_ERR_INCOMPLETE: the chain loops.
 */
struct ush_api_chain {
	char *target; /* the first, owned by the caller */
	const char *what; /* "groups": messages say "page 2 of groups" */
	size_t most;	  /* 0: 20,000 */
	int (*page)(void *context, struct ush_api_answer *answer, char **next, struct ush_error *err);
	void *context;
	const char *const *extra; /* headers of each request, or NULL */
};
int ush_api_chain(struct ush_api *api, const struct ush_api_chain *chain, struct ush_error *err);

/* Seconds from now until the Unix time that a header holds (X-RateLimit-Reset), for `wait`: by the Date of the answer, so
 * that no clock of ours matters. -1 when there is none. */
int64_t ush_api_until(const struct ush_api *api, const struct ush_http_response *response, const char *header);

/* The URL of rel="next" in the Link headers (RFC 8288), NULL when there is none; the caller frees. Of a line that cannot be
 * read and may hold one, the line itself: no page is there, and asking for it says so. */
char *ush_api_link_next(const struct ush_http_response *response);

/* Where a page says in its body that the next is: a text, NULL when the member is missing, null or "". USH_ERR_INCOMPLETE
 * when it is anything else, for an end that cannot be read is none. what: "groups". */
int ush_api_next_text(const json_t *page, const char *key, const char *what, const char **next, struct ush_error *err);

/* A second reading of the list of groups disagrees with the first: notes that the source is incomplete. Both are sorted
 * copies of ids; differences are named. True when they agree. */
bool ush_api_agree(struct ush_groups *groups, struct ush_list *first, struct ush_list *second);

#endif
