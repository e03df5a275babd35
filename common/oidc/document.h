/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside oidc/: a provider's two documents, metadata and key set. Fetched with one judgement of the answer's status,
 * and kept on disk as one file per issuer, CA set and loopback permission (so another issuer's keys are never found
 * there). Nothing in it is secret. A file that is torn, foreign or unreadable is a miss; one that cannot be written is
 * not missed.
 */
#ifndef USH_OIDC_DOCUMENT_H
#define USH_OIDC_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/world.h"
#include "common/net/http.h"
#include "common/oidc/discovery.h"

#define USH_DOCUMENT_LIFE 86400 /* seconds that a document is believed */

struct ush_documents {
	char *metadata;           /* text, or NULL */
	int64_t metadata_fetched; /* Unix seconds; likewise below */
	char *keys;               /* text of the key set, or NULL */
	char *keys_uri;           /* where it was read */
	int64_t keys_fetched;
	int64_t keys_sought; /* the last time a key was looked for at the provider that was not in it, whatever came of that */
};

/* What is kept of a provider; all NULL and 0 on a miss. */
void ush_documents_read(const struct ush_provider_settings *settings, struct ush_documents *out);
void ush_documents_write(const struct ush_provider_settings *settings, const struct ush_documents *documents);
void ush_documents_free(struct ush_documents *documents);
#define USH_AUTO_DOCUMENTS __attribute__((cleanup(ush_documents_free))) struct ush_documents

/* True when something fetched then may be believed now; a clock that went back makes it stale. */
bool ush_document_fresh(int64_t fetched, int64_t now);

/*
 * GETs url. Only 200 is a success. USH_ERR_UNAVAILABLE: 5xx, 429, a web page in place of JSON, what net/http.h names.
 * USH_ERR_REJECTED: everything else. `what` names the document in messages.
 */
int ush_document_fetch(const struct ush_world *world, const struct ush_provider_settings *settings, const char *url,
		       const char *what, size_t max_bytes, struct ush_http_response *response, struct ush_error *err);

#endif
