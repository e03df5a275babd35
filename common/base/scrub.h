/* SPDX-License-Identifier: Apache-2.0
 *
 * No secret of ours leaves in a text. Who is told a secret may quote it: a provider's error page, a proxy, an API server, a
 * program's stderr. Every ush_secret that lives is looked for, and what is found becomes dots in place, as many as there
 * were bytes. Called where texts leave: ush_fail, ush_hint and ush_error_at, ush_text_line and ush_text_safe, recordings,
 * what the broker prints; and on the body and headers of every HTTP answer that is none of 2xx.
 *
 * Found is a secret as it stands; percent-encoded, also as a form writes it; as JSON and HTML escape it; base64 of it, or of
 * a longer text that it is a part of ("client:secret"), standard or url-safe; and each of these inside up to two others. A
 * key in PEM is found by each line. Of a secret of 16 bytes or more its beginning is found, too (12 to 16 bytes, half of
 * it): somebody cut off the rest.
 *
 * A secret of 8 bytes or more is found anywhere, one of 4 to 7 only where it stands alone (no letter or digit before and
 * behind it) and only in messages and recordings, for a table or JSON may well say "admin". As base64 it is found from 6
 * bytes on. One of less than 4 is not looked for: dots would not hide it.
 */
#ifndef USH_BASE_SCRUB_H
#define USH_BASE_SCRUB_H

#include <stdbool.h>
#include <stddef.h>

#define USH_SCRUB_LEAST	   4
#define USH_SCRUB_ANYWHERE 8

/* Any bytes; NULL is fine with length 0. */
void ush_scrub(char *text, size_t length);

/* A scrubbed copy, owned by the caller; NULL when there is nothing to scrub. */
char *ush_scrubbed(const char *text);

/* The same without secrets of less than 8 bytes: for what is data, too, and would mean something else with dots in it. */
void ush_scrub_long(char *text, size_t length);
char *ush_scrubbed_long(const char *text);

#endif
