/* SPDX-License-Identifier: Apache-2.0
 *
 * An API server inside the test: no socket, no thread, its own clock. It keeps Namespace, ConfigMap, ServiceAccount,
 * ResourceQuota, LimitRange, NetworkPolicy, Pod, Lease, Role, ClusterRole, RoleBinding and ClusterRoleBinding by API path
 * and answers as a real one does:
 *
 *   GET one, and lists with limit, continue and labelSelector (a=b, a==b, a, comma separated); /version
 *   POST       409 when it is there, 404 when its namespace is missing, 403 in a terminating namespace
 *   PUT        409 when the resourceVersion is old, 422 when a roleRef changes
 *   PATCH      server-side apply: 409 naming the other manager's fields unless force; 422 when a roleRef changes;
 *              a label, annotation or field this manager applied before and leaves out now goes away
 *              or a JSON merge patch: an Update of what comes out, 409 when a resourceVersion in it is old
 *   DELETE     409 when a precondition (uid, resourceVersion) does not hold
 *   dryRun=All answers and keeps nothing. managedFields are kept as a real server keeps them: what was made by create
 * is owned by (manager, Update), which is another owner than (manager, Apply), even with the same name.
 *   SelfSubjectReview: FAKE_KUBE_SELF. SelfSubjectAccessReview and SubjectAccessReview: by `allow`, else "yes" for oneself and RBAC as stored for others.
 *
 *   struct fake_kube *fake = fake_kube_new();
 *   fake_kube_add(fake, "{'kind':'Namespace','metadata':{'name':'a'}}");    single quotes are read as double quotes
 *   ush_kube_list_all(&fake->kube, ...);                                    or anything that takes a struct ush_kube
 *   ck_assert_uint_eq(fake_kube_writes(fake), 0);
 */
#ifndef USH_TEST_FAKE_KUBE_H
#define USH_TEST_FAKE_KUBE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/world.h"
#include "common/kube/client.h"

#define FAKE_KUBE_SERVER "https://kube.test:6443"
#define FAKE_KUBE_SELF	 "fake-admin" /* who a SelfSubjectReview says that the client is */

struct fake_kube_store; /* the objects */

struct fake_kube_request { /* one that came in, whatever became of it */
	char *method;
	char *path; /* with its query */
	char *body; /* NULL without one */
	int status; /* what was answered; 0: the connection broke */
};

struct fake_kube_fault {
	const char *method;     /* NULL: any */
	const char *path;       /* prefix of path and query; NULL: any */
	bool exact;             /* path is the whole of it, query and all */
	unsigned int skip;      /* lets so many matching requests pass first */
	unsigned int times;     /* then hits so many; 0 means 1 */
	int status;             /* what is answered; 0: the connection breaks (USH_ERR_UNAVAILABLE) */
	const char *body;       /* NULL: a Status object that fits the status */
	int64_t retry_after_ms; /* 0: no Retry-After header */
	bool done;              /* the request is carried out first, only its answer is lost or replaced */
	size_t cut; /* not 0: the true answer, of which only so many bytes arrive before the connection breaks */
};

struct fake_kube {
	struct ush_world world; /* all of it is the fake's; a test with more fakes calls fake_kube_http from its own */
	struct ush_kube_config config; /* server FAKE_KUBE_SERVER, token "fake-token", namespace "default" */
	struct ush_kube kube;          /* a client, ready to use; field manager "usher-broker" */
	int64_t now_ms;                /* the clock, 2026-01-01T00:00:00Z at first; a sleep moves it. Settable */
	int64_t behind_ms;             /* how far the server's own clock is behind it. Settable */
	int64_t slept_ms;              /* all sleeps together */
	const char *accepts;           /* the bearer token it takes; NULL: any. Settable */
	unsigned int minor;            /* what /version says, 1.MINOR; 36 at first. Settable */
	size_t pages;                  /* a list comes in pages of at most so many; 0: as asked. Settable */
	size_t chunk;                  /* a streamed answer comes in pieces of so many bytes; 1021 at first. Settable */
	/* Access reviews; user NULL is oneself. attributes is spec.resourceAttributes. NULL: see above. Settable */
	bool (*allow)(void *context, const char *user, const json_t *groups, const json_t *attributes);
	void *allow_context;
	/* Called before each request is answered: a test may change the cluster in between. Settable */
	void (*before)(void *context, struct fake_kube *fake, const char *method, const char *path);
	void *before_context;
	struct fake_kube_request *log;
	size_t log_count;
	/* its own */
	struct fake_kube_store *store;
	struct fake_kube_fault *faults;
	size_t fault_count;
	uint64_t random;
};

struct fake_kube *fake_kube_new(void); /* with the namespaces default and kube-system */
void fake_kube_free(struct fake_kube *fake);

/* The http of its world; context is the struct fake_kube *. */
int fake_kube_http(void *context, const struct ush_http_request *request, struct ush_http_response *response,
		   struct ush_error *err);

/* Puts an object there as `manager` would by create (NULL: "kubectl-create"), replacing one of that name; a missing
 * namespace is made. apiVersion may be left out. Ends the test when the text is no object it knows. */
void fake_kube_add(struct fake_kube *fake, const char *object);
void fake_kube_add_as(struct fake_kube *fake, const char *manager, const char *object);

/* The object at an API path, borrowed until the next change, or NULL. */
const json_t *fake_kube_object(const struct fake_kube *fake, const char *path);
void fake_kube_remove(struct fake_kube *fake, const char *path);

/* How many objects are under a path prefix ("" counts all). */
size_t fake_kube_objects(const struct fake_kube *fake, const char *prefix);

/* Makes matching requests fail; the strings must live as long as the fake. The first fault that matches is taken. */
void fake_kube_fail(struct fake_kube *fake, struct fake_kube_fault fault);

/* How many requests of a method (NULL: any) whose path with query begins with prefix (NULL: any) came in. */
size_t fake_kube_count(const struct fake_kube *fake, const char *method, const char *prefix);

/* POST, PUT, PATCH and DELETE without the access reviews and dry runs. */
size_t fake_kube_writes(const struct fake_kube *fake);

/* Forgets the requests so far. */
void fake_kube_forget(struct fake_kube *fake);

#endif
