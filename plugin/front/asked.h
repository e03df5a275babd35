/* SPDX-License-Identifier: Apache-2.0
 *
 * Who was given which token. client-go runs the plugin once more after the API server answered 401 and does not say so
 * (reference: client-go, plugin/pkg/client/auth/exec). So the same process that asks again, for the same cluster and
 * well before the end that it was told, tells that its token was refused: repeating it would fail until it runs out.
 *
 * A ring of the newest askers beside the session record, for each profile, written by everybody without a lock: what is
 * lost of it costs one repeated token, no more. No secret is in it.
 */
#ifndef USH_FRONT_ASKED_H
#define USH_FRONT_ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USH_ASKED_MOST  64 /* askers remembered: more than run at once, or the first to come back would find itself forgotten */
#define USH_ASKED_PAUSE 60 /* seconds between two refreshes of a profile for this reason alone; doubles for one asker */

/* The process that runs us, and what it wants a token for. */
struct ush_asker {
	int32_t pid;     /* 0: not known; then there is no rule */
	uint32_t about;  /* mark of KUBERNETES_EXEC_INFO: one process may ask for several clusters */
	int64_t born_ms; /* when that process began, boot clock; -1: not known or not looked up */
};

/* Small, because the kernel grants a person 20,000 bytes of keys. Times are Unix seconds, 0: never. */
struct ush_given {
	uint32_t pid;
	uint32_t about; /* of the asker */
	uint32_t token; /* ush_asked_mark */
	uint32_t given; /* boot clock, hundredths of a second, of which 2^32 are 497 days: begins anew after that */
	uint32_t until; /* the end that it was told */
	uint32_t tried; /* of the newest refresh for it for this reason */
	uint16_t times; /* how many such */
	uint16_t told;  /* 1: it was told that its token seems to be refused, and gets it without a word */
};

struct ush_asked {
	char head[16];
	uint32_t tried;   /* of the newest refresh for this reason */
	uint32_t renewed; /* the token that it brought, 0: none */
	uint32_t refused; /* a token that was asked for again after just such a refresh, 0: none */
	uint32_t spare;
	struct ush_given given[USH_ASKED_MOST];
};

/* ---- pure: asked.c ---- */

/* A short mark of a text. Never 0. Tells texts apart; hides nothing and proves nothing. */
uint32_t ush_asked_mark(const char *text, size_t length);

/* Anything but a whole ring of ours is an empty one. */
void ush_asked_read(struct ush_asked *asked, const void *data, long length);

/* Is there anything about this asker? Only then it matters when it began. */
bool ush_asked_knows(const struct ush_asked *asked, const struct ush_asker *asker);

enum ush_doubt {
	USH_DOUBT_NONE,  /* give the token */
	USH_DOUBT_TELL,  /* give it, and tell that it seems to be refused: another refresh would come too soon */
	USH_DOUBT_RENEW, /* refresh first */
};
enum ush_doubt ush_asked_judge(const struct ush_asked *asked, const struct ush_asker *asker, uint32_t token, int64_t now);
/* Has the asker been given this very token before, and not been told to come back for another by now? */
bool ush_asked_again(const struct ush_asked *asked, const struct ush_asker *asker, uint32_t token, int64_t now);

/* The asker gets this token, which it was told ends at until. */
void ush_asked_give(struct ush_asked *asked, const struct ush_asker *asker, uint32_t token, int64_t until, int64_t boot_ms);
/* A refresh for this asker begins: before it is sent, so that one that never ends is not repeated at once. */
void ush_asked_try(struct ush_asked *asked, const struct ush_asker *asker, int64_t now, int64_t boot_ms);
void ush_asked_renewed(struct ush_asked *asked, uint32_t token);
/* The asker was told. A token that was refreshed for this reason and is asked for again is no good for others either. */
void ush_asked_tell(struct ush_asked *asked, const struct ush_asker *asker, uint32_t token);

/* ---- effects: asker.c ---- */

/* Our parent. info is KUBERNETES_EXEC_INFO. */
void ush_asker_find(struct ush_asker *asker, const char *info);
/* Fills in when it began, from /proc; stays -1 where there is none. */
void ush_asker_look(struct ush_asker *asker);

/* The name under which the ring lies in the session cache: the profile's identity and this. */
#define USH_ASKED_ENDING   ".asked"
#define USH_ASKED_IDENTITY 160
void ush_asked_identity(char out[USH_ASKED_IDENTITY], const char *identity);
#define USH_ASKED_TTL 7200 /* seconds that it is kept after the last change */

/* From and to the session cache (front/record.h), of the profile with this identity. Failures are as if nobody had asked. */
void ush_asked_load(struct ush_asked *asked, const char *identity);
void ush_asked_save(const struct ush_asked *asked, const char *identity);

#endif
