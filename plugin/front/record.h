/* SPDX-License-Identifier: Apache-2.0
 *
 * The record that sign-in leaves for the hit path: a short-lived ID token, when it ends, and the API servers it may be
 * handed to. It is found by the profile's path and stat identity (device, inode, size, mtime, ctime), so any edit of the
 * profile is a miss and the front reads no YAML. Text: one line, fields parted by one space:
 *
 *   usher-record-1 EXPIRES MIN-VALIDITY TOKEN SERVER...
 *
 * No JSON, because reading it would cost a hit more than everything else it does.
 */
#ifndef USH_FRONT_RECORD_H
#define USH_FRONT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "plugin/front/execinfo.h"

#define USH_RECORD_MAX 32768 /* bytes of the text; also what the kernel's keyring takes */

struct ush_record {
	char *token;          /* wiped by ush_record_free */
	int64_t expires;      /* Unix seconds: exp of the token, corrected by the measured clock skew */
	int64_t min_validity; /* seconds that must be left */
	char **servers;       /* allowed API servers, normalised (ush_server_same) */
	size_t server_count;
};

/* NULL when the text is not such a record (a torn or foreign one is a miss, never an error). */
struct ush_record *ush_record_read(const char *text, size_t length);
/* One line; the caller wipes and frees. NULL when it has no such line: a token that is no b64token (RFC 6750), too long. */
char *ush_record_write(const struct ush_record *record, size_t *length);
void ush_record_free(struct ush_record *record);

/* "hit" when the token may be printed now for this server, else why not. */
enum ush_verdict { USH_HIT, USH_STALE, USH_SERVER_UNKNOWN, USH_SERVER_FOREIGN };
enum ush_verdict ush_record_judge(const struct ush_record *record, const struct ush_execinfo *info, int64_t now);

/* Are these the same API server? Scheme and host without case, default port filled in, one slash at the end ignored. */
bool ush_server_same(const char *a, const char *b);

/* ---- where the record lies: place.c ---- */

/* The file of a profile: NAME under $XDG_CONFIG_HOME or ~/.config/usher/profiles/NAME.yaml, else /etc/usher/profiles/.
 * Writes the path and the identity text ("usher:HEX…") of the file found. Returns 0, or -1 with USH_ERR_CONFIG: the name
 * is not [A-Za-z0-9._-]{1,64}, there is no such file, or it is not ours alone to write. */
int ush_place_profile(const char *name, char *path, size_t path_size, char *identity, size_t identity_size, struct ush_error *err);

/* The n-th folder where profiles lie: the person's own, then the machine's. -1: there is no such folder (HOME not set). */
#define USH_PLACE_FOLDERS 2
int ush_place_folder(int n, char *path, size_t size);
bool ush_place_is_name(const char *name);

/* ---- the session cache: cache.c. Kernel keyring (user keyring, timeout at expiry), else a 0600 file in
 * $XDG_RUNTIME_DIR/usher, else none. Failures are misses. ---- */

/* Bytes read, or -1. */
long ush_cache_load(const char *identity, char *out, size_t size);
/* 0 when one of the places took it; ttl in seconds. *where is "kernel", "file" or NULL. */
int ush_cache_save(const char *identity, const char *text, size_t length, int64_t ttl, const char **where);
void ush_cache_drop(const char *identity);

/* One place, as a row; the functions above go through the rows in order. */
struct ush_cache_place {
	const char *name; /* "kernel", "file" */
	long (*load)(const char *identity, char *out, size_t size);
	int (*save)(const char *identity, const char *text, size_t length, int64_t ttl);
	/* Over an old text of this length, as cheaply as can be; a reader may see some of both. -1: there is none to be had. */
	int (*update)(const char *identity, const char *text, size_t length, int64_t ttl);
	void (*drop)(const char *identity);
};
extern const struct ush_cache_place ush_cache_places[]; /* ended by a row whose name is NULL */

/* ---- the answer: credential.c. One ExecCredential, one line, one write to fd. USH_ERR_STORE when it cannot be written.
 * The expirationTimestamp is 10 s before expires where that is far enough away, and never in the past. */
int64_t ush_credential_until(int64_t expires, int64_t now);
int ush_credential_print(int fd, const struct ush_execinfo *info, const char *token, int64_t expires, int64_t now, struct ush_error *err);

#endif
